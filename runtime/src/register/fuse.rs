//! Canonical IR to the cells of this tier, in one pass over the blocks.
//!
//! What is decided before: where slots lie and which constants live in the frame
//! (`fuse/layout.rs`); which short blocks are repeated where a branch leads to them
//! (`fuse/plan.rs`). What is decided on the way: which operands come from an accumulator, by
//! following what the accumulators hold; which conditions become one cell with their branch
//! (`fuse/condition.rs`). Nothing is computed here.
//!
//! This file owns the cells, what the accumulators hold, and how an operand gets into a field. What
//! cells an instruction becomes is in `fuse/{block,inst,call,memory,moves,chain,simd}.rs`.
//!
//! Invariant that fusing relies on: a temporary that a branch pops is dead after it.

mod block;
mod call;
mod chain;
mod condition;
mod exceptions;
mod gc;
mod inst;
mod layout;
mod memory;
mod moves;
mod plan;
mod simd;

use super::numeric::Two;
use super::promote;
use super::table::opcode;
use super::unwind::{Handlers, Range};
use crate::engine::{Profile, Thresholds};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{BlockId, Func, HandlerId, Inst, Operand, OperandKind, Slot, Type};
use crate::limits::LimitKind;
use layout::{Layout, SCRATCHES, immediate};
use moves::Move;
use plan::Plan;

/// A function's cells, not yet linked.
#[derive(Debug)]
pub(super) struct Fused<'s> {
    pub(super) cells: &'s [u64],
    /// Cells that are to hold the address of the code of a function of the module, by its index.
    pub(super) calls: &'s [(usize, u32)],
    /// What catches exceptions, if anything does.
    pub(super) handlers: Option<Handlers>,
}

/// Buffers that are kept from one function to the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    layout: Layout,
    plan: Plan,
    cells: Vec<u64>,
    calls: Vec<(usize, u32)>,
    /// Where each block begins.
    starts: Vec<usize>,
    /// The instruction's cell, what it lacks, where it leads.
    fixups: Vec<(usize, Fixup, BlockId)>,
    /// What the accumulators hold at the start of blocks with one predecessor.
    mirrors: Vec<Mirror>,
    moves: Vec<Move>,
    /// Where instructions have become which cells, if that is wanted.
    positions: Option<Vec<(u32, u32)>>,
}

/// Fuses a function, with counting cells where there are thresholds.
///
/// # Errors
/// `Limit` if the code is longer than a branch can span, `Internal` if the IR is not what it must
/// be.
pub(super) fn fuse<'s>(
    func: &Func,
    profile: Profile,
    thresholds: Option<Thresholds>,
    scratch: &'s mut Scratch,
) -> Result<Fused<'s>> {
    scratch.layout.reset(func);
    scratch.plan.reset(func, thresholds.is_some());
    let mut fuser = Fuser::new(func, profile, scratch);
    fuser.thresholds = thresholds;
    fuser.prologue();
    for i in 0..func.blocks.len() as u32 {
        if fuser.plan.is_emitted(BlockId(i)) {
            fuser.block(BlockId(i))?;
        }
    }
    let handlers = fuser.finish()?;
    Ok(Fused {
        cells: &scratch.cells,
        calls: &scratch.calls,
        handlers,
    })
}

/// The first cell of what each instruction becomes, and where that is in the module.
///
/// # Errors
/// As [`fuse`].
pub(super) fn positions(
    func: &Func,
    profile: Profile,
    thresholds: Option<Thresholds>,
) -> Result<Vec<(u32, u32)>> {
    let mut scratch = Scratch {
        positions: Some(Vec::new()),
        ..Scratch::default()
    };
    fuse(func, profile, thresholds, &mut scratch)?;
    Ok(scratch.positions.unwrap_or_default())
}

/// What the accumulators hold: the slots that they are copies of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mirror {
    acc: Option<u32>,
    facc: Option<u32>,
}

/// A branch that does not know its distance yet.
#[derive(Clone, Copy, Debug)]
enum Fixup {
    /// In field 3 of the cell.
    Near,
    /// In fields 2 and 3 of the cell.
    Far,
    /// In the cell behind the instruction's.
    Behind,
    /// The entry of a branch table.
    Entry(u32),
}

struct Fuser<'a> {
    func: &'a Func,
    profile: Profile,
    /// When the function is hot; calls go by function instances then.
    thresholds: Option<Thresholds>,
    layout: &'a Layout,
    plan: &'a Plan,
    cells: &'a mut Vec<u64>,
    calls: &'a mut Vec<(usize, u32)>,
    starts: &'a mut [usize],
    fixups: &'a mut Vec<(usize, Fixup, BlockId)>,
    mirror: Mirror,
    mirrors: &'a mut [Mirror],
    /// Moves at hand; empty between two instructions.
    list: &'a mut Vec<Move>,
    /// The block that follows in the code.
    next: Option<BlockId>,
    /// Slots above the frame for moves, in use or not.
    overflow: u32,
    /// The handler of the code at hand, and the ranges before it.
    handler: Option<HandlerId>,
    ranges: Vec<Range>,
    positions: Option<&'a mut Vec<(u32, u32)>>,
}

fn internal(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Internal, what)
}

/// The index of a type in tables by class.
fn class(ty: Type) -> u16 {
    match ty {
        Type::I32 => 0,
        Type::I64 | Type::Ref | Type::V128 => 1,
        Type::F32 => 2,
        Type::F64 => 3,
    }
}

/// An operand of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Slot(u16),
    Imm(i16),
}

impl Field {
    fn bits(self) -> u16 {
        match self {
            Field::Slot(slot) => slot,
            Field::Imm(value) => value as u16,
        }
    }
}

impl<'a> Fuser<'a> {
    fn new(func: &'a Func, profile: Profile, scratch: &'a mut Scratch) -> Fuser<'a> {
        scratch.cells.clear();
        scratch.cells.push(0);
        scratch.calls.clear();
        scratch.starts.clear();
        scratch.starts.resize(func.blocks.len(), usize::MAX);
        scratch.fixups.clear();
        scratch.mirrors.clear();
        scratch.mirrors.resize(func.blocks.len(), Mirror::default());
        scratch.moves.clear();
        Fuser {
            func,
            profile,
            thresholds: None,
            layout: &scratch.layout,
            plan: &scratch.plan,
            cells: &mut scratch.cells,
            calls: &mut scratch.calls,
            starts: &mut scratch.starts,
            fixups: &mut scratch.fixups,
            mirror: Mirror::default(),
            mirrors: &mut scratch.mirrors,
            list: &mut scratch.moves,
            next: None,
            overflow: 0,
            handler: None,
            ranges: Vec::new(),
            positions: scratch.positions.as_mut(),
        }
    }

    // --- cells ---------------------------------------------------------------------------------

    fn cell(&mut self, op: u16, a: u16, b: u16, c: u16) {
        let fields = [op, a, b, c].map(u64::from);
        self.cells
            .push(fields[0] | fields[1] << 16 | fields[2] << 32 | fields[3] << 48);
    }

    /// A cell whose fields `b` and `c` are one number.
    fn cell_far(&mut self, op: u16, a: u16, bc: u32) {
        self.cell(op, a, bc as u16, (bc >> 16) as u16);
    }

    /// Notes that what follows is what an instruction of the function becomes.
    fn begin(&mut self, inst: &Inst) {
        if let Some(positions) = &mut self.positions {
            let distance = std::ptr::from_ref(inst) as usize - self.func.insts.as_ptr() as usize;
            let offset = self.func.offsets[distance / size_of::<Inst>()];
            positions.push((self.cells.len() as u32, offset));
        }
    }

    // --- accumulators --------------------------------------------------------------------------

    /// Notes that a slot was written, not through an accumulator.
    fn wrote(&mut self, slot: u32) {
        if self.mirror.acc == Some(slot) {
            self.mirror.acc = None;
        }
        if self.mirror.facc == Some(slot) {
            self.mirror.facc = None;
        }
    }

    /// Notes that a slot was written through an accumulator.
    fn wrote_value(&mut self, slot: u32, ty: Type) {
        self.wrote(slot);
        match ty {
            Type::F64 => self.mirror.facc = Some(slot),
            Type::V128 => self.wrote(slot + 1),
            Type::I32 | Type::I64 | Type::F32 | Type::Ref => self.mirror.acc = Some(slot),
        }
    }

    fn is_in_acc(&self, slot: u16, ty: Type) -> bool {
        let slot = Some(u32::from(slot));
        match ty {
            Type::F64 => self.mirror.facc == slot,
            Type::V128 => false,
            Type::I32 | Type::I64 | Type::F32 | Type::Ref => self.mirror.acc == slot,
        }
    }

    // --- operands ------------------------------------------------------------------------------

    /// The slot of an operand as a field; what has no such slot is put into a scratch slot.
    fn slot(&mut self, operand: Operand, ty: Type, scratch: u32) -> u16 {
        debug_assert!(scratch < SCRATCHES);
        let scratch = self.layout.scratch(scratch);
        match operand.get() {
            OperandKind::Slot(slot) => {
                let slot = self.layout.slot(slot);
                u16::try_from(slot).unwrap_or_else(|_| {
                    self.copy_far(u32::from(scratch), slot, ty);
                    scratch
                })
            }
            OperandKind::Const(index) => {
                if ty != Type::V128
                    && let Some(slot) = self.layout.constant(index)
                {
                    return slot;
                }
                self.constant(scratch, index, ty);
                scratch
            }
        }
    }

    /// The same, but small constants as immediates.
    fn field(&mut self, operand: Operand, ty: Type, scratch: u32) -> Field {
        match self.immediate(operand, ty) {
            Some(value) => Field::Imm(value),
            None => Field::Slot(self.slot(operand, ty, scratch)),
        }
    }

    fn immediate(&self, operand: Operand, ty: Type) -> Option<i16> {
        self.func
            .constant(operand)
            .and_then(|bits| immediate(bits, ty))
    }

    /// How to get at two operands.
    fn two(&self, a: u16, b: Field, ty: Type) -> Two {
        match b {
            Field::Imm(_) if self.is_in_acc(a, ty) => Two::AccImm,
            Field::Imm(_) => Two::SlotImm,
            Field::Slot(_) if self.is_in_acc(a, ty) => Two::AccSlot,
            Field::Slot(b) if self.is_in_acc(b, ty) => Two::SlotAcc,
            Field::Slot(_) => Two::SlotSlot,
        }
    }

    /// Where a result is written to: its slot, or the scratch slot kept for results.
    fn dst(&self, slot: u32) -> u16 {
        u16::try_from(slot).unwrap_or(self.layout.scratch(SCRATCHES - 1))
    }

    /// Notes that an instruction has written to `dst` of a slot.
    fn done(&mut self, slot: u32, ty: Type) {
        if u16::try_from(slot).is_err() {
            let scratch = self.dst(slot);
            self.wrote(u32::from(scratch));
            self.copy_far(slot, u32::from(scratch), ty);
        }
        self.wrote_value(slot, ty);
    }

    // --- begin and end -------------------------------------------------------------------------

    /// Counts the call, clears the locals and writes the constants that live in the frame.
    fn prologue(&mut self) {
        let func = self.func;
        if let Some(thresholds) = self.thresholds {
            self.cell_far(opcode!(count_call), 0, func.index);
            self.cells.push(promote::count(thresholds.calls));
        }
        let locals = func.first_temporary - func.param_slots;
        if locals > 0 {
            let first = self.layout.slot(Slot(func.param_slots));
            self.cell_far(opcode!(clear), 0, first);
            self.cells.push(u64::from(locals));
        }
        let constants = self.layout.constants();
        if !constants.is_empty() {
            let (len, first) = (constants.len() as u16, func.param_slots as u16);
            self.cell(opcode!(constants), len, 0, first);
            self.cells.extend(constants);
        }
    }

    /// Counts an arrival at a loop head.
    fn loop_head(&mut self, head: BlockId) {
        if let Some(thresholds) = self.thresholds {
            self.cell_far(opcode!(count_loop), 0, head.0);
            let shift = self.layout.shape().shift;
            let frame = u64::from(self.func.index) | u64::from(shift) << 32;
            let count = promote::count(thresholds.back_edges);
            self.cells.extend([count, 0, frame]);
        }
    }

    /// Fills in where branches lead and what the frame takes. Gives the handlers.
    fn finish(mut self) -> Result<Option<Handlers>> {
        for &(at, fixup, target) in self.fixups.iter() {
            let start = self.starts[target.0 as usize];
            let distance = i32::try_from(start as i64 - at as i64)
                .map_err(|_| Error::limit(LimitKind::Code, "a function is too long"))?;
            if matches!(fixup, Fixup::Near) && i16::try_from(distance).is_err() {
                return Err(internal("a branch out of its field's reach"));
            }
            let distance = u64::from(distance as u32);
            match fixup {
                Fixup::Near => self.cells[at] |= (distance & 0xffff) << 48,
                Fixup::Far => self.cells[at] |= distance << 32,
                Fixup::Behind => self.cells[at + 1] = distance,
                Fixup::Entry(i) => {
                    self.cells[at + 1 + i as usize / 2] |= distance << (i % 2 * 32);
                }
            }
        }
        // One slot more, so that the first result of a call without results can be read.
        let slots = self.layout.frame_slots + self.overflow + 2;
        self.cells[0] = u64::from(slots) * 8;
        Ok(self.handlers())
    }
}

/// Types of a signature as the IR has them.
struct FuncTypes<'a>(&'a [crate::types::ValType]);

impl FuncTypes<'_> {
    fn iter(&self) -> impl Iterator<Item = Type> {
        self.0.iter().map(|&ty| ty.into())
    }
}

/// An index that must fit a field.
fn small(index: u32) -> Result<u16> {
    let too_large = |_| Error::limit(LimitKind::Code, "an index above 65535");
    u16::try_from(index).map_err(too_large)
}
