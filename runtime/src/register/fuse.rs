//! Canonical IR to the cells of this tier, in one pass over the blocks.
//!
//! Decided before: where slots lie and which constants live in the frame (`fuse/layout.rs`); which
//! short blocks are repeated where a branch leads to them (`fuse/plan.rs`). Decided on the way:
//! which operands come from an accumulator, by following what the accumulators hold; which
//! conditions become one cell with their branch (`fuse/condition.rs`). Nothing is computed here.
//!
//! This file owns the cells, what the accumulators hold, and how an operand gets into a field. The
//! cells of each instruction are in `fuse/{block,inst,call,memory,moves,chain,simd}.rs`.
//!
//! Invariant that fusing relies on: a temporary that a branch pops is dead after it.

mod block;
mod call;
mod chain;
mod condition;
mod exceptions;
mod fields;
mod gc;
mod inst;
mod layout;
mod memory;
mod moves;
mod plan;
mod simd;

use super::code::{ExceptionHandlers, HandlerRange};
use super::handlers::promote;
use super::table::{BinaryForm, opcode};
use crate::engine::{Profile, Thresholds};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{BlockId, FuncIr, HandlerId, Inst, Operand, OperandKind, Role, Slot, Type};
use crate::limits::LimitKind;
use fields::{OperandField, distance_field, immediate};
use layout::{SCRATCHES, SlotLayout};

#[cfg(test)]
pub(super) use fields::limits;
use moves::Move;
use plan::Plan;

/// A function's cells, not yet linked.
#[derive(Debug)]
pub(super) struct Fused<'s> {
    pub(super) cells: &'s [u64],
    /// Cells that are to hold the address of the code of a function of the module, by its index.
    pub(super) calls: &'s [(usize, u32)],
    /// The exception handlers, if there are any.
    pub(super) handlers: Option<ExceptionHandlers>,
}

/// Buffers that are kept from one function to the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    layout: SlotLayout,
    plan: Plan,
    cells: Vec<u64>,
    calls: Vec<(usize, u32)>,
    /// Where each block begins.
    starts: Vec<usize>,
    /// The instruction's cell, the form of its distance, where it leads.
    fixups: Vec<(usize, Fixup, BlockId)>,
    /// The same of branches whose last field holds the distance.
    near_fixups: Vec<(usize, BlockId)>,
    /// The contents of the accumulators at the start of blocks with one predecessor.
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
    func: &FuncIr,
    profile: Profile,
    thresholds: Option<Thresholds>,
    scratch: &'s mut Scratch,
) -> Result<Fused<'s>> {
    scratch.layout.reset(func);
    let counts = thresholds.is_some();
    scratch.plan.reset(func, &scratch.layout, counts);
    let mut fuser = Fuser::new(func, profile, thresholds, scratch);
    fuser.emit()?;
    if !fuser.link_near() {
        fuser.is_wide = true;
        fuser.emit()?;
    }
    fuser.link()?;
    let handlers = fuser.handlers();
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
    func: &FuncIr,
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

/// The contents of the accumulators: the slots that they are copies of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mirror {
    acc: Option<u32>,
    facc: Option<u32>,
}

/// The place of a distance that is not known yet and may be any.
#[derive(Clone, Copy, Debug)]
enum Fixup {
    /// In fields 2 and 3 of the cell.
    Far,
    /// In the cell behind the instruction's.
    Behind,
    /// The entry of a branch table.
    Entry(u32),
}

struct Fuser<'a> {
    func: &'a FuncIr,
    profile: Profile,
    /// When the function is hot; calls go by function instances then.
    thresholds: Option<Thresholds>,
    layout: &'a SlotLayout,
    plan: &'a Plan,
    cells: &'a mut Vec<u64>,
    calls: &'a mut Vec<(usize, u32)>,
    starts: &'a mut [usize],
    fixups: &'a mut Vec<(usize, Fixup, BlockId)>,
    near_fixups: &'a mut Vec<(usize, BlockId)>,
    /// The function is emitted once more: a branch did not reach from the last field of its cell,
    /// and none but those that lead back are given that form now.
    is_wide: bool,
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
    ranges: Vec<HandlerRange>,
    positions: Option<&'a mut Vec<(u32, u32)>>,
}

/// In place of the cell at which a block begins.
const NOT_EMITTED: usize = usize::MAX;

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

impl<'a> Fuser<'a> {
    fn new(
        func: &'a FuncIr,
        profile: Profile,
        thresholds: Option<Thresholds>,
        scratch: &'a mut Scratch,
    ) -> Fuser<'a> {
        scratch.starts.resize(func.blocks.len(), NOT_EMITTED);
        scratch.mirrors.resize(func.blocks.len(), Mirror::default());
        Fuser {
            func,
            profile,
            thresholds,
            layout: &scratch.layout,
            plan: &scratch.plan,
            cells: &mut scratch.cells,
            calls: &mut scratch.calls,
            starts: &mut scratch.starts,
            fixups: &mut scratch.fixups,
            near_fixups: &mut scratch.near_fixups,
            is_wide: false,
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

    /// Emits the function, from its first cell on.
    fn emit(&mut self) -> Result<()> {
        self.cells.clear();
        self.cells.push(0);
        self.calls.clear();
        self.starts.fill(NOT_EMITTED);
        self.fixups.clear();
        self.near_fixups.clear();
        self.mirror = Mirror::default();
        self.mirrors.fill(Mirror::default());
        self.list.clear();
        self.overflow = 0;
        self.handler = None;
        self.ranges.clear();
        if let Some(positions) = &mut self.positions {
            positions.clear();
        }
        self.prologue();
        for i in 0..self.func.blocks.len() as u32 {
            if self.plan.is_emitted(BlockId(i)) {
                self.block(BlockId(i))?;
            }
        }
        Ok(())
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

    /// A cell with the slot of its result in field `c`, and the cells behind it.
    fn result_cell(&mut self, op: u16, [a, b]: [u16; 2], to: (Slot, Type), behind: &[u64]) {
        let (dst, ty) = (self.layout.slot(to.0), to.1);
        self.cell(op, a, b, self.dst(dst));
        self.cells.extend_from_slice(behind);
        self.done(dst, ty);
    }

    /// A cell with the slot of its result in the cell behind it.
    fn result_behind(&mut self, op: u16, [a, b, c]: [u16; 3], to: (Slot, Type)) {
        let (dst, ty) = (self.layout.slot(to.0), to.1);
        self.cell(op, a, b, c);
        self.cells.push(u64::from(dst));
        self.wrote_value(dst, ty);
    }

    /// A cell with the slot of its result in field `a`, and an index in the other two.
    fn result_of_index(&mut self, op: u16, index: u32, to: (Slot, Type)) {
        let (dst, ty) = (self.layout.slot(to.0), to.1);
        self.cell_far(op, self.dst(dst), index);
        self.done(dst, ty);
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

    /// A slot as a field, if a field can name it.
    fn near(&self, slot: u32) -> Option<u16> {
        self.layout.near(slot)
    }

    /// The slot of an operand as a field; an operand without such a slot is put into a scratch
    /// slot.
    fn slot(&mut self, operand: Operand, ty: Type, scratch: u32) -> u16 {
        debug_assert!(scratch < SCRATCHES);
        let scratch = self.layout.scratch(scratch);
        match operand.get() {
            OperandKind::Slot(slot) => {
                let slot = self.layout.slot(slot);
                self.near(slot).unwrap_or_else(|| {
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
    fn field(&mut self, operand: Operand, ty: Type, scratch: u32) -> OperandField {
        match self.immediate(operand, ty) {
            Some(value) => OperandField::Imm(value),
            None => OperandField::Slot(self.slot(operand, ty, scratch)),
        }
    }

    fn immediate(&self, operand: Operand, ty: Type) -> Option<i16> {
        self.func
            .constant(operand)
            .and_then(|bits| immediate(bits, ty))
    }

    /// The slots of all operands of an instruction as fields, their number, and the result.
    fn operands<const N: usize>(&mut self, inst: &Inst) -> ([u16; N], u16, Option<(Slot, Type)>) {
        let (mut operands, mut result) = (Vec::new(), None);
        inst.visit(self.func, |role| match role {
            Role::Use(operand, ty) => operands.push((operand, ty)),
            Role::Def(slot, ty) => result = Some((slot, ty)),
            Role::Imm(_) | Role::Label(_) => {}
        });
        let mut slots = [0; N];
        for (i, &(operand, ty)) in operands.iter().enumerate() {
            slots[i] = self.slot(operand, ty, i as u32);
        }
        (slots, operands.len() as u16, result)
    }

    /// The form of a cell for two operands.
    fn binary_form(&self, a: u16, b: OperandField, ty: Type) -> BinaryForm {
        match b {
            OperandField::Imm(_) if self.is_in_acc(a, ty) => BinaryForm::AccImm,
            OperandField::Imm(_) => BinaryForm::SlotImm,
            OperandField::Slot(_) if self.is_in_acc(a, ty) => BinaryForm::AccSlot,
            OperandField::Slot(b) if self.is_in_acc(b, ty) => BinaryForm::SlotAcc,
            OperandField::Slot(_) => BinaryForm::SlotSlot,
        }
    }

    /// Where a result is written to: its slot, or the scratch slot kept for results.
    fn dst(&self, slot: u32) -> u16 {
        self.near(slot)
            .unwrap_or(self.layout.scratch(SCRATCHES - 1))
    }

    /// Notes that an instruction has written to `dst` of a slot.
    fn done(&mut self, slot: u32, ty: Type) {
        if self.near(slot).is_none() {
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

    /// The distance in cells from a cell to a block that is emitted.
    fn distance(&self, at: usize, target: BlockId) -> i64 {
        self.starts[target.0 as usize] as i64 - at as i64
    }

    /// Fills in the distances in the last fields of branches. False if one does not fit there.
    fn link_near(&mut self) -> bool {
        for &(at, target) in self.near_fixups.iter() {
            let Some(distance) = distance_field(self.distance(at, target)) else {
                return false;
            };
            self.cells[at] |= u64::from(distance as u16) << 48;
        }
        true
    }

    /// Fills in all other distances, and the size of the frame.
    fn link(&mut self) -> Result<()> {
        for &(at, fixup, target) in self.fixups.iter() {
            let distance = i32::try_from(self.distance(at, target))
                .map_err(|_| Error::limit(LimitKind::Code, "a function is too long"))?;
            let distance = u64::from(distance as u32);
            match fixup {
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
        Ok(())
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
