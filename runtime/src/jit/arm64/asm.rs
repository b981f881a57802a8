//! From instructions to bytes: labels, branch reach, literals, jump tables, and records by offset.
//!
//! An [`Assembler`] takes instructions in their final order. Nothing has to be known about
//! distances: at the end, [`Assembler::finish`] replaces each reference that does not reach by a
//! longer sequence that does (`b.cond` becomes its inverse over a `b`; `adr` gets an `add`; a
//! literal is copied beside its load), until all references reach. So functions may have any size
//! that `b` can cross (128 MiB).
//!
//! Faults of the caller (virtual registers, unbound labels, a misaligned `sp`) are kept until
//! `finish`, so that lowering code need not check each instruction.
//!
//! Invariants: `sp` moves by multiples of 16 only (D1.8.2); records are in ascending order of
//! offset.

use std::fmt;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::encode::EncodeError;
use super::imm::{Imm12, mov_imm};
use super::inst::Inst;
use super::mem::Mem;
use super::ops::{AddSub, Cond, Load, LoadLitV, Size, Store};
use super::referent::{Reach, Referent};
use super::regs::{Gpr, Vreg};
use crate::jit::code::symbol::Symbol;
use crate::jit::code::tables::{FaultSite, Pad, SourceLoc};
use crate::jit::code::{Code, Label, Reloc};

/// The instruction words of code, each with its offset, without the data.
#[cfg(test)]
pub fn instructions(code: &Code) -> impl Iterator<Item = (u32, u32)> {
    let mut data = code.data.iter().peekable();
    let words = code.bytes.chunks_exact(4).zip((0u32..).step_by(4));
    words.filter_map(move |(bytes, offset)| {
        data.next_if(|range| range.end <= offset);
        let is_data = data.peek().is_some_and(|range| range.contains(&offset));
        let bytes = bytes.try_into().expect("chunks of four");
        (!is_data).then(|| (offset, u32::from_le_bytes(bytes)))
    })
}

/// Points the `b` or `bl` of a relocation at a place `distance` bytes from it.
///
/// # Errors
/// If the distance is above 128 MiB: the caller must then go through a veneer of its own.
pub fn patch(bytes: &mut [u8], reloc: Reloc, distance: i64) -> Result<(), EmitError> {
    let too_far = EmitError::OutOfReach {
        offset: reloc.offset,
        distance,
    };
    let field = Reach::Branch26.field(distance).ok_or(too_far)?;
    let at = reloc.offset as usize;
    let place: &mut [u8; 4] = (&mut bytes[at..at + 4]).try_into().expect("four bytes");
    let opcode = u32::from_le_bytes(*place) & 0xfc00_0000;
    *place = (opcode | field).to_le_bytes();
    Ok(())
}

/// Why code could not be finished. Always internal, but for `TooLarge` and `OutOfReach`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum EmitError {
    /// An instruction that has no encoding.
    Encode(EncodeError),
    /// An instruction that moves `sp` by something else than a multiple of 16.
    StackMisaligned(Inst),
    /// A label that is referred to but bound nowhere.
    Unbound(Label),
    /// A label that was bound twice.
    Rebound(Label),
    /// Another piece as the referent of another instruction than `b` or `bl`.
    NotRelocatable(Inst),
    /// A reference that no sequence reaches.
    OutOfReach {
        /// Offset of the reference in bytes.
        offset: u32,
        /// Distance to its target in bytes.
        distance: i64,
    },
    /// More code than `b` can cross.
    TooLarge,
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::StackMisaligned(inst) => write!(f, "misaligns sp: {inst}"),
            Self::Unbound(label) => write!(f, "label {} is bound nowhere", label.0),
            Self::Rebound(label) => write!(f, "label {} is bound twice", label.0),
            Self::NotRelocatable(inst) => write!(f, "cannot refer to another piece: {inst}"),
            Self::OutOfReach { offset, distance } => {
                write!(
                    f,
                    "the reference at {offset:#x} does not reach {distance:#x} bytes"
                )
            }
            Self::TooLarge => write!(f, "code above {CODE_BYTES_MAX} bytes"),
        }
    }
}

impl std::error::Error for EmitError {}

impl From<EncodeError> for EmitError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

/// The largest code of one assembler: what `b` can cross.
pub const CODE_BYTES_MAX: u32 = 128 << 20;

/// Long branches can push others out of reach, one round after the other. After so many rounds,
/// conditional branches count as reaching half as far, so that adversarial code ends soon too.
const ROUNDS_PER_HALVING: u32 = 8;

/// The most halvings: few enough that distances cannot overflow.
const SPARE_MAX: u32 = 20;

/// A place in the unrelaxed code, in words.
type At = u32;

/// The place of labels that are not bound yet.
const UNBOUND: At = At::MAX;

/// The way in which a reference's distance is put into its word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum FixupKind {
    /// An instruction.
    Inst(Reach),
    /// A table entry: distance from the table's start.
    Entry { table: At },
}

/// A reference to a label.
#[derive(Clone, Copy, Debug)]
struct Fixup {
    at: At,
    label: Label,
    kind: FixupKind,
}

/// A constant in the pool behind the code.
#[derive(Clone, Copy, Debug)]
struct Literal {
    value: u128,
    /// Size in words: 1, 2 or 4.
    words: u32,
    label: Label,
}

/// Code under construction. See the module head.
#[derive(Default, Debug)]
pub struct Assembler {
    words: Vec<u32>,
    labels: Vec<At>,
    fixups: Vec<Fixup>,
    literals: Vec<Literal>,
    literal_labels: FxHashMap<(u128, u32), Label>,
    literals_by_label: FxHashMap<Label, Literal>,
    data: Vec<Range<At>>,
    faults: Vec<(At, u32)>,
    pads: Vec<(At, Label, Pad)>,
    relocs: Vec<(At, Symbol)>,
    sources: Vec<(At, u32)>,
    /// The text of the instructions so far, and the source position of each line, if it is kept.
    listing: Option<(String, Vec<u32>)>,
    error: Option<EmitError>,
}

impl Assembler {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty buffer that also keeps what is appended as text.
    pub fn with_listing() -> Self {
        Self {
            listing: Some(Default::default()),
            ..Self::default()
        }
    }

    /// The text so far: labels and instructions, before long branches are made longer; and the
    /// source position of each line.
    pub fn listing(&self) -> (String, Vec<u32>) {
        self.listing.clone().unwrap_or_default()
    }

    fn list(&mut self, line: fmt::Arguments<'_>) {
        if let Some((text, positions)) = &mut self.listing {
            text.push_str(&format!("{line}\n"));
            positions.push(self.sources.last().map_or(0, |&(_, position)| position));
        }
    }

    /// A new label, to be bound later.
    pub fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    /// Makes the label mean this place.
    pub fn bind(&mut self, label: Label) {
        let here = self.here();
        self.list(format_args!("{}:", Referent::Label(label)));
        match &mut self.labels[label.0 as usize] {
            at if *at == UNBOUND => *at = here,
            _ => self.fail(EmitError::Rebound(label)),
        }
    }

    /// Appends an instruction.
    pub fn emit(&mut self, inst: Inst) {
        let inst = match inst {
            // What is unconditional has a longer reach, and no inverse.
            Inst::BCond {
                cond: Cond::Al,
                target,
            } => Inst::b(target),
            other => other,
        };
        self.list(format_args!("  {inst}"));
        if inst.sp_moves_by() % 16 != 0 {
            self.fail(EmitError::StackMisaligned(inst));
        }
        match inst.encode() {
            Ok(word) => {
                self.refer(inst);
                self.words.push(word);
            }
            Err(error) => self.fail(error.into()),
        }
    }

    /// Appends a load of the 8 bytes at `[base + offset]`.
    pub fn load_x(&mut self, rt: Gpr, base: Gpr, offset: usize) {
        self.emit(Inst::load(Load::LdrX, rt, Mem::at(base, offset as i32)));
    }

    /// Appends a load of the 4 bytes at `[base + offset]`, zero-extended.
    pub fn load_w(&mut self, rt: Gpr, base: Gpr, offset: usize) {
        self.emit(Inst::load(Load::LdrW, rt, Mem::at(base, offset as i32)));
    }

    /// Appends a store of the 8 bytes at `[base + offset]`.
    pub fn store_x(&mut self, rt: Gpr, base: Gpr, offset: usize) {
        self.emit(Inst::store(Store::StrX, rt, Mem::at(base, offset as i32)));
    }

    /// Appends the shortest sequence for `rd := value`; `rd` must be architectural.
    pub fn mov_imm(&mut self, size: Size, rd: Gpr, value: u64) {
        mov_imm(size, rd, value)
            .into_iter()
            .for_each(|inst| self.emit(inst));
    }

    /// Appends `rd := value` as a load of a constant of the width that `op` says.
    pub fn load_literal(&mut self, op: LoadLitV, rt: Vreg, value: u128) {
        let literal = self.literal(1 << (op.width().bits() - 2), value);
        self.emit(Inst::load_lit_v(op, rt, literal));
    }

    /// The label of a constant of 1, 2 or 4 words in the pool behind the code.
    pub fn literal(&mut self, words: u32, value: u128) -> Label {
        debug_assert!(matches!(words, 1 | 2 | 4));
        if let Some(&label) = self.literal_labels.get(&(value, words)) {
            return label;
        }
        let label = self.label();
        self.literal_labels.insert((value, words), label);
        let literal = Literal {
            value,
            words,
            label,
        };
        self.literals.push(literal);
        self.literals_by_label.insert(label, literal);
        label
    }

    /// Appends a table of signed 32-bit distances from the table's start, and gives its label.
    ///
    /// `adr x1, table; ldrsw x0, [x1, w0, uxtw #2]; add x0, x0, x1; br x0` jumps by it.
    pub fn table(&mut self, targets: &[Label]) -> Label {
        let label = self.label();
        self.bind(label);
        let table = self.here();
        for &target in targets {
            self.list(format_args!("  .word {}", Referent::Label(target)));
            self.fixups.push(Fixup {
                at: self.here(),
                label: target,
                kind: FixupKind::Entry { table },
            });
            self.words.push(0);
        }
        self.data.push(table..self.here());
        label
    }

    /// Notes that the next instruction accesses a guarded memory, so that it may fault.
    pub fn fault_here(&mut self, memory: u32) {
        self.faults.push((self.here(), memory));
    }

    /// Notes that an exception that leaves the call just appended goes on at the label.
    pub fn exceptions_go_on_at(&mut self, label: Label, handler: u32, vm_offset: u32) {
        let pad = Pad {
            return_offset: 0, // known at the end, as the other offset is
            offset: 0,
            handler,
            vm_offset,
        };
        self.pads.push((self.here(), label, pad));
    }

    /// Notes that code from here on comes from this source position.
    pub fn source(&mut self, position: u32) {
        let here = self.here();
        match self.sources.last_mut() {
            Some((at, last)) if *at == here => *last = position,
            Some((_, last)) if *last == position => {}
            _ => self.sources.push((here, position)),
        }
    }

    /// The finished code.
    ///
    /// # Errors
    /// The first fault of the caller, or code that is too large for its branches.
    pub fn finish(mut self) -> Result<Code, EmitError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        // Widest first: then each literal is aligned by its own size.
        self.literals
            .sort_by_key(|literal| std::cmp::Reverse(literal.words));
        let layout = self.relax()?;
        let mut places = self.pads.iter().map(|&(_, label, _)| label);
        let is_unbound = |label: &Label| layout.labels[label.0 as usize] == UNBOUND;
        if let Some(label) = places.find(is_unbound) {
            return Err(EmitError::Unbound(label));
        }
        Writer {
            asm: &self,
            layout: &layout,
            words: Vec::new(),
            data: Vec::new(),
        }
        .write()
    }

    fn here(&self) -> At {
        self.words.len() as At
    }

    fn fail(&mut self, error: EmitError) {
        self.error.get_or_insert(error);
    }

    /// Records what the instruction about to be appended refers to.
    fn refer(&mut self, inst: Inst) {
        let at = self.here();
        match inst.target() {
            Some((Referent::Label(label), reach)) => {
                self.fixups.push(Fixup {
                    at,
                    label,
                    kind: FixupKind::Inst(reach),
                });
            }
            Some((Referent::Symbol(symbol), Reach::Branch26)) => self.relocs.push((at, symbol)),
            Some((Referent::Symbol(_), _)) => self.fail(EmitError::NotRelocatable(inst)),
            Some((Referent::Offset(_), _)) | None => {}
        }
    }

    /// Makes references longer until all reach.
    fn relax(&self) -> Result<CodeLayout, EmitError> {
        let mut layout = CodeLayout::new(self)?;
        let mut longer = vec![false; self.fixups.len()];
        for round in 0.. {
            let mut changed = false;
            for (fixup, longer) in self.fixups.iter().zip(&mut longer) {
                if !*longer && !layout.reaches(fixup, round / ROUNDS_PER_HALVING)? {
                    *longer = true;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
            layout.place(self, &longer)?;
        }
        Ok(layout)
    }

    /// The words that the long form of a reference has more than the short one.
    fn extra_words(&self, fixup: &Fixup) -> u32 {
        match fixup.kind {
            FixupKind::Inst(Reach::Literal19) => {
                1 + self
                    .literal_at(fixup.label)
                    .map_or(0, |literal| literal.words)
            }
            FixupKind::Inst(Reach::Branch26 | Reach::Branch19 | Reach::Branch14 | Reach::Adr) => 1,
            FixupKind::Entry { .. } => 0,
        }
    }

    fn literal_at(&self, label: Label) -> Option<&Literal> {
        self.literals_by_label.get(&label)
    }
}

/// Where everything comes to stand, in words of the finished code.
struct CodeLayout {
    /// Ascending: after the word at `.0` of the unrelaxed code, `.1` words more than before are
    /// inserted.
    inserted: Vec<(At, u32)>,
    /// The place of each label.
    labels: Vec<u32>,
    /// Where the literals begin: a multiple of their alignment.
    literals: u32,
}

impl CodeLayout {
    fn new(asm: &Assembler) -> Result<Self, EmitError> {
        let mut layout = Self {
            inserted: Vec::new(),
            labels: Vec::new(),
            literals: 0,
        };
        layout.place(asm, &[])?;
        Ok(layout)
    }

    /// Places everything, given which references are long.
    fn place(&mut self, asm: &Assembler, longer: &[bool]) -> Result<(), EmitError> {
        let mut sum = 0;
        let long = asm.fixups.iter().zip(longer).filter(|(_, longer)| **longer);
        self.inserted = long
            .map(|(fixup, _)| {
                sum += asm.extra_words(fixup);
                (fixup.at, sum)
            })
            .collect();
        let end = asm.here() + sum;
        self.literals = if asm.literals.is_empty() {
            end
        } else {
            end.next_multiple_of(4)
        };
        self.labels = asm.labels.iter().map(|&at| self.word(at)).collect();
        let mut at = self.literals;
        for literal in &asm.literals {
            self.labels[literal.label.0 as usize] = at;
            at += literal.words;
        }
        if at >= CODE_BYTES_MAX / 4 {
            Err(EmitError::TooLarge)
        } else {
            Ok(())
        }
    }

    /// The place of an unrelaxed one. Unbound stays unbound.
    fn word(&self, at: At) -> u32 {
        let before = self
            .inserted
            .partition_point(|(inserted_after, _)| *inserted_after < at);
        let inserted = before
            .checked_sub(1)
            .map_or(0, |last| self.inserted[last].1);
        if at == UNBOUND {
            UNBOUND
        } else {
            at + inserted
        }
    }

    /// The distance in bytes from the word of a reference (or of its table) to its label.
    fn distance(&self, fixup: &Fixup) -> Result<i64, EmitError> {
        let from = match fixup.kind {
            FixupKind::Inst(_) => self.word(fixup.at),
            FixupKind::Entry { table } => self.word(table),
        };
        match self.labels[fixup.label.0 as usize] {
            UNBOUND => Err(EmitError::Unbound(fixup.label)),
            to => Ok((i64::from(to) - i64::from(from)) * 4),
        }
    }

    /// True if the short form of a reference reaches its label, conditional branches with
    /// `1 << spare` times the distance.
    fn reaches(&self, fixup: &Fixup, spare: u32) -> Result<bool, EmitError> {
        let distance = self.distance(fixup)?;
        Ok(match fixup.kind {
            FixupKind::Inst(reach @ (Reach::Branch14 | Reach::Branch19)) => {
                reach.field(distance << spare.min(SPARE_MAX)).is_some()
            }
            FixupKind::Inst(reach) => reach.field(distance).is_some(),
            FixupKind::Entry { .. } => true,
        })
    }
}

/// Writes laid-out code.
struct Writer<'a> {
    asm: &'a Assembler,
    layout: &'a CodeLayout,
    words: Vec<u32>,
    /// Ranges of data, in words.
    data: Vec<Range<u32>>,
}

impl Writer<'_> {
    fn write(mut self) -> Result<Code, EmitError> {
        let mut copied = 0;
        for fixup in &self.asm.fixups {
            self.words
                .extend_from_slice(&self.asm.words[copied..fixup.at as usize]);
            copied = fixup.at as usize + 1;
            self.reference(fixup)?;
        }
        self.words.extend_from_slice(&self.asm.words[copied..]);
        self.pool();
        Ok(self.into_code())
    }

    /// Appends the word or words of a reference.
    fn reference(&mut self, fixup: &Fixup) -> Result<(), EmitError> {
        let word = self.asm.words[fixup.at as usize];
        let distance = self.layout.distance(fixup)?;
        let reach = match fixup.kind {
            FixupKind::Inst(reach) => reach,
            FixupKind::Entry { .. } => {
                self.words.push(distance as u32);
                return Ok(());
            }
        };
        let expanded = self
            .layout
            .inserted
            .binary_search_by_key(&fixup.at, |(at, _)| *at)
            .is_ok();
        match reach.field(distance) {
            Some(field) if !expanded => {
                self.words.push(word | field);
                Ok(())
            }
            _ => self.long_reference(fixup, reach, word, distance),
        }
    }

    /// Appends the long form of a reference.
    fn long_reference(
        &mut self,
        fixup: &Fixup,
        reach: Reach,
        word: u32,
        distance: i64,
    ) -> Result<(), EmitError> {
        let offset = self.words.len() as u32 * 4;
        let out_of_reach = EmitError::OutOfReach { offset, distance };
        // The short form at a distance that it reaches for sure.
        let near = |word, bytes| word | reach.field(bytes).expect("a few words are in reach");
        match reach {
            // The inverse condition is the other value of the lowest bit of `cond`, or of bit 24.
            Reach::Branch19 | Reach::Branch14 => {
                let is_conditional = word >> 24 == 0x54;
                let inverse = word ^ if is_conditional { 1 } else { 1 << 24 };
                self.words.push(near(inverse, 8));
                self.branch(distance - 4).ok_or(out_of_reach)
            }
            Reach::Literal19 => {
                let literal = *self.asm.literal_at(fixup.label).ok_or(out_of_reach)?;
                self.words.push(near(word, 8));
                self.branch(4 + 4 * i64::from(literal.words))
                    .ok_or(out_of_reach)?;
                self.literal(&literal);
                Ok(())
            }
            Reach::Adr => {
                self.words.push(near(word, distance & 0xfff));
                let add = add_pages(word & 31, distance >> 12).ok_or(out_of_reach)?;
                self.words.push(add);
                Ok(())
            }
            Reach::Branch26 => Err(out_of_reach),
        }
    }

    /// Appends `b .+distance`.
    fn branch(&mut self, distance: i64) -> Option<()> {
        let word = Inst::b(Referent::Offset(distance)).encode().ok()?;
        self.words.push(word);
        Some(())
    }

    /// Appends a literal, as data.
    fn literal(&mut self, literal: &Literal) {
        let start = self.words.len() as u32;
        let words = (0..literal.words).map(|word| (literal.value >> (32 * word)) as u32);
        self.words.extend(words);
        self.data.push(start..start + literal.words);
    }

    /// Appends the literals behind the code.
    fn pool(&mut self) {
        let code_end = self.words.len() as u32;
        self.words.resize(self.layout.literals as usize, 0);
        self.data.push(code_end..self.layout.literals);
        let asm = self.asm;
        asm.literals
            .iter()
            .for_each(|literal| self.literal(literal));
    }

    fn into_code(mut self) -> Code {
        let offset = |at: &At| self.layout.word(*at) * 4;
        let tables = self.asm.data.iter().map(|Range { start, end }| {
            // A table has no inserted words, and what is inserted after its end is not part of it.
            let first = self.layout.word(*start);
            first..first + (end - start)
        });
        self.data.extend(tables);
        self.data.retain(|range| !range.is_empty());
        self.data.sort_by_key(|range| range.start);
        let labels = self.layout.labels.iter();
        let pad = |(at, label, pad): &(At, Label, Pad)| Pad {
            return_offset: offset(at),
            offset: self.layout.labels[label.0 as usize] * 4,
            ..*pad
        };
        Code {
            bytes: self
                .words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect(),
            data: self
                .data
                .iter()
                .map(|range| range.start * 4..range.end * 4)
                .collect(),
            faults: collect(&self.asm.faults, |at, memory| FaultSite {
                offset: offset(at),
                memory,
            }),
            pads: self.asm.pads.iter().map(pad).collect(),
            relocs: collect(&self.asm.relocs, |at, symbol| Reloc {
                offset: offset(at),
                symbol,
            }),
            sources: collect(&self.asm.sources, |at, position| SourceLoc {
                offset: offset(at),
                position,
            }),
            labels: labels.map(|&word| word.saturating_mul(4)).collect(),
        }
    }
}

/// Records with their places replaced by offsets.
fn collect<N: Copy, T>(records: &[(At, N)], make: impl Fn(&At, N) -> T) -> Vec<T> {
    records.iter().map(|(at, note)| make(at, *note)).collect()
}

/// The word of `add rd, rd, #pages, lsl #12` (or `sub`), if `pages` fits; `rd` as a number.
fn add_pages(rd: u32, pages: i64) -> Option<u32> {
    let rd = (rd < 31).then(|| Gpr::x(rd))?;
    let op = if pages < 0 { AddSub::Sub } else { AddSub::Add };
    let imm = Imm12::new(pages.unsigned_abs() << 12)?;
    Inst::add_sub_imm(op, Size::X, rd, rd, imm).encode().ok()
}
