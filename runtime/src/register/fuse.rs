//! Canonical IR to the cells of this tier, in one pass over the blocks.
//!
//! What is decided before: where slots lie and which constants live in the frame
//! (`fuse/layout.rs`); which short blocks are repeated where a branch leads to them
//! (`fuse/plan.rs`). What is decided on the way: which operands come from an accumulator, by
//! following what the accumulators hold; which conditions become one cell with their branch
//! (`fuse/condition.rs`). Nothing is computed here.
//!
//! Invariant that fusing relies on: a temporary that a branch pops is dead after it.

mod chain;
mod condition;
mod layout;
mod plan;

use super::call::CALL_CELLS;
use super::control::{HAS_RESULT, IS_NARROW};
use super::memory::{LoadForm, StoreForm};
use super::numeric::{One, Two};
use super::table::{self, opcode};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{BlockId, Func, Inst, List, Operand, OperandKind, Role, Slot, Type};
use crate::ops::Op;
use crate::types::FuncType;
use layout::{Layout, SCRATCHES, immediate};
use plan::Plan;

/// A function's cells, not yet linked.
#[derive(Debug)]
pub(super) struct Fused {
    pub(super) cells: Vec<u64>,
    /// Cells that are to hold the address of the code of a function of the module, by its index.
    pub(super) calls: Vec<(usize, u32)>,
}

/// Fuses a function.
///
/// # Errors
/// `Limit` if the code is longer than a branch can span, `Internal` if the IR is not what it must
/// be.
pub(super) fn fuse(func: &Func) -> Result<Fused> {
    let mut fuser = Fuser::new(func);
    fuser.prologue();
    for i in 0..func.blocks.len() as u32 {
        if fuser.plan.is_emitted(BlockId(i)) {
            fuser.block(BlockId(i))?;
        }
    }
    fuser.finish()
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
    layout: Layout,
    plan: Plan,
    cells: Vec<u64>,
    calls: Vec<(usize, u32)>,
    /// Where each block begins.
    starts: Vec<usize>,
    /// The instruction's cell, what it lacks, where it leads.
    fixups: Vec<(usize, Fixup, BlockId)>,
    mirror: Mirror,
    /// At the start of blocks with one predecessor.
    mirrors: Vec<Mirror>,
    /// The block that follows in the code.
    next: Option<BlockId>,
    /// Slots above the frame for moves, in use or not.
    overflow: u32,
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

/// A value on its way to a slot.
#[derive(Clone, Copy, Debug)]
struct Move {
    dst: u32,
    src: Operand,
    ty: Type,
}

impl<'a> Fuser<'a> {
    fn new(func: &'a Func) -> Fuser<'a> {
        Fuser {
            func,
            layout: Layout::new(func),
            plan: Plan::new(func),
            cells: vec![0],
            calls: Vec::new(),
            starts: vec![usize::MAX; func.blocks.len()],
            fixups: Vec::new(),
            mirror: Mirror::default(),
            mirrors: vec![Mirror::default(); func.blocks.len()],
            next: None,
            overflow: 0,
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
                let bits = self.func.consts[index as usize];
                if ty != Type::V128
                    && let Some(slot) = self.layout.constant(bits)
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

    // --- moves ---------------------------------------------------------------------------------

    fn copy_far(&mut self, dst: u32, src: u32, ty: Type) {
        for i in 0..ty.slots() {
            self.cell(opcode!(copy_far), 0, 0, 0);
            self.cells
                .push(u64::from(src + i) | u64::from(dst + i) << 32);
            self.wrote(dst + i);
        }
    }

    /// Writes a constant of any size to a slot that a field can name.
    fn constant(&mut self, dst: u16, index: u32, ty: Type) {
        let is_f64 = u16::from(ty == Type::F64);
        for i in 0..ty.slots() as u16 {
            self.cell(opcode!(constant) + is_f64, 0, 0, dst + i);
            self.cells
                .push(self.func.consts[index as usize + usize::from(i)]);
            let half = if ty == Type::V128 { Type::I64 } else { ty };
            self.wrote_value(u32::from(dst + i), half);
        }
    }

    fn copy(&mut self, copy: Move) {
        let Move { dst, src, ty } = copy;
        let to = self.dst(dst);
        let op = opcode!(copy) + class(ty) * 3;
        match src.get() {
            OperandKind::Const(index) => match self.immediate(src, ty) {
                Some(value) => self.cell(op + 2, value as u16, 0, to),
                None => self.constant(to, index, ty),
            },
            OperandKind::Slot(_) if ty == Type::V128 => {
                let from = self.slot(src, ty, 0);
                self.cell(opcode!(copy_vector), from, 0, to);
            }
            OperandKind::Slot(_) => {
                let from = self.slot(src, ty, 0);
                let in_acc = u16::from(self.is_in_acc(from, ty));
                self.cell(op + in_acc, from, 0, to);
            }
        }
        self.done(dst, ty);
    }

    /// Moves one after the other; two at once where they go to neighbours.
    fn moves(&mut self, mut moves: &[Move]) {
        while let [first, rest @ ..] = moves {
            if let Some(second) = rest.first()
                && self.pair(*first, *second)
            {
                moves = &rest[1..];
                continue;
            }
            self.copy(*first);
            moves = rest;
        }
    }

    /// Two moves as one, if that is possible.
    fn pair(&mut self, first: Move, second: Move) -> bool {
        let near = |operand: Operand, ty: Type| match operand.get() {
            OperandKind::Slot(slot) if ty != Type::V128 => {
                u16::try_from(self.layout.slot(slot)).ok()
            }
            OperandKind::Slot(_) | OperandKind::Const(_) => None,
        };
        let (a, b) = (near(first.src, first.ty), near(second.src, second.ty));
        let (Some(a), Some(b), Ok(dst)) = (a, b, u16::try_from(first.dst)) else {
            return false;
        };
        if second.dst != first.dst + 1 || b == dst || second.dst > u32::from(u16::MAX) {
            return false;
        }
        self.cell(opcode!(copy_pair), a, b, dst);
        self.wrote(first.dst);
        self.wrote(second.dst);
        true
    }

    /// A list's operands as moves to consecutive slots; those in place already are left out.
    fn list_moves(&self, list: &[Operand], types: &FuncTypes<'_>, mut dst: u32) -> Vec<Move> {
        let mut moves = Vec::new();
        for (&src, ty) in list.iter().zip(types.iter()) {
            let in_place = match src.get() {
                OperandKind::Slot(slot) => self.layout.slot(slot) == dst,
                OperandKind::Const(_) => false,
            };
            if !in_place {
                moves.push(Move { dst, src, ty });
            }
            dst += ty.slots();
        }
        moves
    }

    /// Moves to the first slots that read everything before anything is written.
    fn parallel_moves(&mut self, list: &[Operand], types: &FuncTypes<'_>) {
        let moves = self.list_moves(list, types, 0);
        // The move to a slot is preceded by those to lower slots only.
        let is_late = |m: &Move| match m.src.get() {
            OperandKind::Slot(slot) => self.layout.slot(slot) < m.dst,
            OperandKind::Const(_) => false,
        };
        if !moves.iter().any(is_late) {
            return self.moves(&moves);
        }
        let above = self.layout.frame_slots;
        let len: u32 = types.iter().map(Type::slots).sum();
        self.overflow = self.overflow.max(len);
        for m in &moves {
            let dst = m.dst + above;
            self.copy(Move { dst, ..*m });
        }
        for m in &moves {
            self.raw_copy(m.dst, m.dst + above, m.ty);
        }
    }

    /// A copy between slots of the frame as this tier numbers them.
    fn raw_copy(&mut self, dst: u32, src: u32, ty: Type) {
        match (u16::try_from(dst), u16::try_from(src)) {
            (Ok(to), Ok(from)) if ty == Type::V128 => {
                self.cell(opcode!(copy_vector), from, 0, to);
                self.wrote_value(dst, ty);
            }
            (Ok(to), Ok(from)) => {
                self.cell(opcode!(copy) + class(ty) * 3, from, 0, to);
                self.wrote_value(dst, ty);
            }
            _ => self.copy_far(dst, src, ty),
        }
    }

    // --- blocks --------------------------------------------------------------------------------

    /// Clears the locals and writes the constants that live in the frame.
    fn prologue(&mut self) {
        let func = self.func;
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
            let constants = self.layout.constants().to_vec();
            self.cells.extend(constants);
        }
    }

    fn block(&mut self, id: BlockId) -> Result<()> {
        self.starts[id.0 as usize] = self.cells.len();
        self.mirror = self.mirrors[id.0 as usize];
        self.next = self.plan.next(id);
        self.insts(self.func.block(id), id)
    }

    /// The instructions of a block, or the rest of them, in the place of block `here`.
    fn insts(&mut self, mut insts: &[Inst], here: BlockId) -> Result<()> {
        while let [first, rest @ ..] = insts {
            if let Some(condition) = condition::find(self.func, insts, self.plan.is_far) {
                self.br_if(condition, here)?;
                return Ok(());
            }
            let copies = insts.iter().take_while(|i| matches!(i, Inst::Copy { .. }));
            let copies = copies.count();
            if copies > 0 {
                if let Some((src, ty)) = self.returned_copy(&insts[copies - 1..]) {
                    self.copies(&insts[..copies - 1]);
                    self.ret_one(src, ty);
                    return Ok(());
                }
                self.copies(&insts[..copies]);
                insts = &insts[copies..];
                continue;
            }
            if rest.is_empty() {
                return self.terminator(first, here);
            }
            if self.chain(insts)? {
                insts = &insts[2..];
                continue;
            }
            self.inst(first)?;
            insts = rest;
        }
        Ok(())
    }

    /// What is copied, if what comes is a copy that the block gone to only returns.
    fn returned_copy(&self, insts: &[Inst]) -> Option<(Operand, Type)> {
        let [Inst::Copy { dst, src, ty }, Inst::Br { target }] = *insts else {
            return None;
        };
        let [Inst::Return { values }] = *self.func.block(self.plan.end(target)) else {
            return None;
        };
        let is_it = self.func.list(values) == [Operand::slot(dst)]
            && dst.0 >= self.func.first_temporary
            && self.single_result().is_some();
        is_it.then_some((src, ty))
    }

    /// The type of the function's result, if there is one in one slot.
    fn single_result(&self) -> Option<Type> {
        match self.func.ty.results[..] {
            [ty] => Some(Type::from(ty)).filter(|&ty| ty != Type::V128),
            _ => None,
        }
    }

    fn copies(&mut self, insts: &[Inst]) {
        let to_move = |inst: &Inst| match *inst {
            Inst::Copy { ty, dst, src } => Some(Move {
                dst: self.layout.slot(dst),
                src,
                ty,
            }),
            _ => None,
        };
        let moves: Vec<Move> = insts.iter().filter_map(to_move).collect();
        self.moves(&moves);
    }

    fn inst(&mut self, inst: &Inst) -> Result<()> {
        match *inst {
            Inst::Unary { op, dst, a } => self.unary(op, dst, a),
            Inst::Binary { op, dst, a, b } => self.binary(op, dst, a, b),
            Inst::Select {
                ty,
                dst,
                cond,
                operands,
            } => {
                self.select(ty, dst, cond, operands);
                Ok(())
            }
            Inst::Load {
                op,
                memory,
                dst,
                addr,
                offset,
            } => self.load(op, memory, dst, addr, self.func.consts[offset as usize]),
            Inst::Store {
                op,
                memory,
                addr,
                value,
                offset,
            } => self.store(op, memory, addr, value, self.func.consts[offset as usize]),
            Inst::Helper { op, a, b, .. } => self.helper(inst, op, (a, b)),
            Inst::Call { func, dst, args } => {
                self.call(func, dst, args);
                Ok(())
            }
            Inst::CallIndirect {
                table,
                type_index,
                dst,
                index_and_args,
            } => {
                let module = &self.func.module;
                let (ty, id) = (
                    module.func_type(type_index),
                    module.types[type_index as usize],
                );
                let further = u64::from(id.0) | u64::from(table) << 32;
                let address = self.func.table_address(table);
                let op = opcode!(call_indirect);
                self.call_by(op, further, (dst, &ty), index_and_args, address);
                Ok(())
            }
            Inst::CallRef {
                type_index,
                dst,
                func_and_args,
            } => {
                let ty = self.func.module.func_type(type_index);
                let op = opcode!(call_ref);
                self.call_by(op, 0, (dst, &ty), func_and_args, Type::Ref);
                Ok(())
            }
            _ => self.state(inst),
        }
    }

    /// Globals, tables, references.
    fn state(&mut self, inst: &Inst) -> Result<()> {
        match *inst {
            Inst::GlobalGet { ty, dst, global } => {
                let dst = self.layout.slot(dst);
                let to = self.dst(dst);
                let op = match ty {
                    Type::V128 => opcode!(global_get_vector),
                    _ => opcode!(global_get) + u16::from(ty == Type::F64),
                };
                self.cell_far(op, to, global);
                self.done(dst, ty);
            }
            Inst::GlobalSet { ty, global, src } => {
                let from = self.slot(src, ty, 0);
                let in_acc = u16::from(self.is_in_acc(from, ty));
                let op = match ty {
                    Type::V128 => opcode!(global_set_vector),
                    _ => opcode!(global_set) + u16::from(ty == Type::F64) * 2 + in_acc,
                };
                self.cell_far(op, from, global);
            }
            Inst::RefFunc { dst, func } => {
                let dst = self.layout.slot(dst);
                let to = self.dst(dst);
                self.cell_far(opcode!(ref_func), to, func);
                self.done(dst, Type::Ref);
            }
            Inst::RefIsNull { dst, a } => return self.unary(Op::I64Eqz, dst, a),
            Inst::TrapIfNull { a, kind } => {
                let a = self.slot(a, Type::Ref, 0);
                self.cell(opcode!(trap_if_null), a, kind as u16, 0);
            }
            Inst::TableGet { table, dst, index } => {
                let index = self.slot(index, self.func.table_address(table), 0);
                let dst = self.layout.slot(dst);
                let to = self.dst(dst);
                self.cell(opcode!(table_get), index, small(table)?, to);
                self.done(dst, Type::Ref);
            }
            Inst::TableSet {
                table,
                index,
                value,
            } => {
                let index = self.slot(index, self.func.table_address(table), 0);
                let value = self.slot(value, Type::Ref, 1);
                self.cell(opcode!(table_set), index, small(table)?, value);
            }
            _ => return Err(internal(format!("{} inside of a block", inst.name()))),
        }
        Ok(())
    }

    fn unary(&mut self, op: Op, dst: Slot, a: Operand) -> Result<()> {
        let (operand, result) = condition::types(op);
        let a = self.slot(a, operand, 0);
        let way = if self.is_in_acc(a, operand) {
            One::Acc
        } else {
            One::Slot
        };
        let code = table::unary(op, way).ok_or_else(|| internal(op.mnemonic()))?;
        let dst = self.layout.slot(dst);
        let to = self.dst(dst);
        self.cell(code, a, 0, to);
        self.done(dst, result);
        Ok(())
    }

    fn binary(&mut self, op: Op, dst: Slot, a: Operand, b: Operand) -> Result<()> {
        let (op, a, b) = condition::constant_last(self.func, op, a, b);
        let (operand, result) = condition::types(op);
        let a = self.slot(a, operand, 0);
        let b = self.field(b, operand, 1);
        let way = self.two(a, b, operand);
        let code = table::binary(op, way).ok_or_else(|| internal(op.mnemonic()))?;
        let dst = self.layout.slot(dst);
        let to = self.dst(dst);
        self.cell(code, a, b.bits(), to);
        self.done(dst, result);
        Ok(())
    }

    fn select(&mut self, ty: Type, dst: Slot, cond: Operand, operands: List) {
        let operands = self.func.list(operands);
        let b = self.slot(operands[0], ty, 0);
        let c = self.slot(operands[1], ty, 1);
        let cond = self.slot(cond, Type::I32, 2);
        let in_acc = u16::from(self.is_in_acc(cond, Type::I32));
        let dst = self.layout.slot(dst);
        let op = match ty {
            Type::V128 => opcode!(select_vector),
            _ => opcode!(select) + u16::from(ty == Type::F64) * 2 + in_acc,
        };
        self.cell(op, cond, b, c);
        self.cells.push(u64::from(dst));
        self.wrote_value(dst, ty);
    }

    // --- memory --------------------------------------------------------------------------------

    /// The address of an access with a constant address, if it is within 32 bits.
    fn fixed(&self, memory: u32, addr: Operand, offset: u64) -> Option<u32> {
        let addr = self.func.constant(addr)?;
        let is_plain = memory == 0 && self.func.memory_address(0) == Type::I32;
        let effective = addr.checked_add(offset).filter(|_| is_plain)?;
        u32::try_from(effective).ok()
    }

    /// The offset of an access, if it fits a field and the memory is the fast one.
    fn near(&self, memory: u32, offset: u64) -> Option<u16> {
        let is_plain = memory == 0 && self.func.memory_address(0) == Type::I32;
        u16::try_from(offset).ok().filter(|_| is_plain)
    }

    fn load(&mut self, op: Op, memory: u32, dst: Slot, addr: Operand, offset: u64) -> Result<()> {
        let code = |form| table::load(op, form).ok_or_else(|| internal(op.mnemonic()));
        let dst = self.layout.slot(dst);
        let to = self.dst(dst);
        if let Some(address) = self.fixed(memory, addr, offset) {
            let op = code(LoadForm::Fixed)?;
            self.cell(op, address as u16, (address >> 16) as u16, to);
        } else {
            let address = self.func.memory_address(memory);
            let from = self.slot(addr, address, 0);
            match self.near(memory, offset) {
                Some(offset) if self.is_in_acc(from, address) => {
                    self.cell(code(LoadForm::Acc)?, from, offset, to);
                }
                Some(offset) => self.cell(code(LoadForm::Slot)?, from, offset, to),
                None => {
                    self.cell(code(LoadForm::Wide)?, from, small(memory)?, to);
                    self.cells.push(offset);
                }
            }
        }
        self.done(dst, condition::types(op).1);
        Ok(())
    }

    fn store(
        &mut self,
        op: Op,
        memory: u32,
        addr: Operand,
        value: Operand,
        offset: u64,
    ) -> Result<()> {
        let code = |form| table::store(op, form).ok_or_else(|| internal(op.mnemonic()));
        let ty = condition::stored(op);
        if let Some(address) = self.fixed(memory, addr, offset) {
            let value = self.field(value, ty, 1);
            let form = match value {
                Field::Imm(_) => StoreForm::FixedImm,
                Field::Slot(slot) if self.is_in_acc(slot, ty) => StoreForm::FixedAcc,
                Field::Slot(_) => StoreForm::FixedSlot,
            };
            self.cell_far(code(form)?, value.bits(), address);
            return Ok(());
        }
        let address = self.func.memory_address(memory);
        let to = self.slot(addr, address, 0);
        let Some(offset) = self.near(memory, offset) else {
            let value = self.slot(value, ty, 1);
            self.cell(code(StoreForm::Wide)?, to, value, small(memory)?);
            self.cells.push(offset);
            return Ok(());
        };
        let value = self.field(value, ty, 1);
        let in_acc = self.is_in_acc(to, address);
        let form = match value {
            Field::Imm(_) if in_acc => StoreForm::AccImm,
            Field::Imm(_) => StoreForm::SlotImm,
            Field::Slot(slot) if self.is_in_acc(slot, ty) => StoreForm::SlotAcc,
            Field::Slot(_) if in_acc => StoreForm::AccSlot,
            Field::Slot(_) => StoreForm::SlotSlot,
        };
        self.cell(code(form)?, to, value.bits(), offset);
        Ok(())
    }

    fn helper(&mut self, inst: &Inst, op: Op, (a, b): (u32, u32)) -> Result<()> {
        let code = table::helper(op).ok_or_else(|| internal(op.mnemonic()))?;
        let (mut operands, mut result) = (Vec::new(), None);
        inst.visit(self.func, |role| match role {
            Role::Use(operand, ty) => operands.push((operand, ty)),
            Role::Def(slot, ty) => result = Some((slot, ty)),
            Role::Imm(_) | Role::Label(_) => {}
        });
        let mut flags = operands.len() as u16;
        let mut slots = [0; 4];
        for (i, (operand, ty)) in operands.into_iter().enumerate() {
            slots[i] = self.slot(operand, ty, i as u32);
        }
        if let Some((dst, ty)) = result {
            slots[3] = self.dst(self.layout.slot(dst));
            flags |= HAS_RESULT;
            if ty == Type::I32 {
                flags |= IS_NARROW;
            }
        }
        self.cell(code, flags, 0, 0);
        self.cells.push(u64::from(a) | u64::from(b) << 32);
        self.cell(slots[0], slots[1], slots[2], slots[3]);
        if let Some((dst, ty)) = result {
            let dst = self.layout.slot(dst);
            self.done(dst, ty);
            self.wrote(dst); // it is in no accumulator
        }
        Ok(())
    }

    // --- calls ---------------------------------------------------------------------------------

    fn call(&mut self, func: u32, dst: Slot, args: List) {
        let ty = self.func.module.signatures[func as usize].clone();
        let first = self.layout.slot(dst);
        let moves = self.list_moves(self.func.list(args), &FuncTypes(&ty.params), first);
        self.moves(&moves);
        self.callee(opcode!(call), opcode!(call_import), func, first);
        self.called(first, &ty);
    }

    /// A call of a function of the module: by its code if it has some.
    fn callee(&mut self, own: u16, imported: u16, func: u32, dst: u32) {
        match self.func.module.body_index(func) {
            Some(_) => {
                self.cell(own, dst as u16, (dst >> 16) as u16, 0);
                self.calls.push((self.cells.len(), func));
                self.cells.push(0);
            }
            None => {
                self.cell(imported, dst as u16, (dst >> 16) as u16, 0);
                self.cells.push(u64::from(func));
            }
        }
    }

    /// A call of what the first operand of the list says.
    fn call_by(
        &mut self,
        op: u16,
        further: u64,
        (dst, ty): (Slot, &FuncType),
        list: List,
        callee: Type,
    ) {
        let first = self.layout.slot(dst);
        let operands = self.func.list(list);
        let moves = self.list_moves(&operands[1..], &FuncTypes(&ty.params), first);
        self.moves(&moves);
        let by = self.slot(operands[0], callee, 0);
        self.cell(op, first as u16, (first >> 16) as u16, by);
        self.cells.push(further);
        self.called(first, ty);
    }

    /// Notes what a call leaves: of a single result, a copy in its accumulator.
    fn called(&mut self, first: u32, ty: &FuncType) {
        debug_assert!(self.cells.len() > CALL_CELLS);
        self.mirror = Mirror::default();
        if let [ty] = ty.results[..]
            && Type::from(ty) != Type::V128
        {
            self.wrote_value(first, ty.into());
        }
    }

    /// Puts what a tail call goes by above its arguments; gives the slot.
    fn save_callee(&mut self, operand: Operand, ty: Type, args: u32) -> Saved {
        if let OperandKind::Slot(slot) = operand.get()
            && let Ok(slot) = u16::try_from(self.layout.slot(slot))
            && u32::from(slot) >= args
        {
            return Saved::InPlace(slot);
        }
        let at = self.layout.frame_slots + self.overflow.max(args);
        self.overflow = self.overflow.max(args) + 1;
        self.copy(Move {
            dst: at,
            src: operand,
            ty,
        });
        Saved::Above(at)
    }

    fn return_call_by(&mut self, op: u16, further: u64, ty: &FuncType, list: List, callee: Type) {
        let operands = self.func.list(list);
        let types = FuncTypes(&ty.params);
        let args: u32 = types.iter().map(Type::slots).sum();
        let saved = self.save_callee(operands[0], callee, args);
        self.parallel_moves(&operands[1..], &types);
        let by = match saved {
            Saved::InPlace(slot) => slot,
            Saved::Above(at) => {
                self.raw_copy(args, at, callee);
                args as u16
            }
        };
        self.cell(op, 0, 0, by);
        self.cells.push(further);
        self.overflow = self.overflow.max(args + 1);
    }

    fn ret(&mut self, values: List) {
        let operands = self.func.list(values);
        match self.single_result() {
            Some(ty) => self.ret_one(operands[0], ty),
            None => {
                let ty = self.func.ty.clone();
                self.parallel_moves(operands, &FuncTypes(&ty.results));
                let slots: u32 = FuncTypes(&ty.results).iter().map(Type::slots).sum();
                self.overflow = self.overflow.max(slots);
                self.cell(opcode!(ret), 0, 0, 0);
            }
        }
    }

    fn ret_one(&mut self, value: Operand, ty: Type) {
        let op = opcode!(ret_one) + class(ty) * 3;
        match self.field(value, ty, 0) {
            Field::Imm(value) => self.cell(op + 2, value as u16, 0, 0),
            Field::Slot(slot) => {
                let in_acc = u16::from(self.is_in_acc(slot, ty));
                self.cell(op + in_acc, slot, 0, 0);
            }
        }
    }

    // --- terminators ---------------------------------------------------------------------------

    fn terminator(&mut self, inst: &Inst, here: BlockId) -> Result<()> {
        match *inst {
            Inst::Br { target } => return self.br(target, here),
            Inst::BrTable { index, targets } => self.br_table(index, targets)?,
            Inst::Return { values } => self.ret(values),
            Inst::Trap { kind } => self.cell(opcode!(trap), kind as u16, 0, 0),
            Inst::ReturnCall { func, args } => {
                let ty = self.func.module.signatures[func as usize].clone();
                self.parallel_moves(self.func.list(args), &FuncTypes(&ty.params));
                self.callee(opcode!(return_call), opcode!(return_call_import), func, 0);
                let args: u32 = FuncTypes(&ty.params).iter().map(Type::slots).sum();
                self.overflow = self.overflow.max(args);
            }
            Inst::ReturnCallIndirect {
                table,
                type_index,
                index_and_args,
            } => {
                let module = &self.func.module;
                let (ty, id) = (
                    module.func_type(type_index),
                    module.types[type_index as usize],
                );
                let further = u64::from(id.0) | u64::from(table) << 32;
                let address = self.func.table_address(table);
                let op = opcode!(return_call_indirect);
                self.return_call_by(op, further, &ty, index_and_args, address);
            }
            Inst::ReturnCallRef {
                type_index,
                func_and_args,
            } => {
                let ty = self.func.module.func_type(type_index);
                let op = opcode!(return_call_ref);
                self.return_call_by(op, 0, &ty, func_and_args, Type::Ref);
            }
            _ => return Err(internal(format!("{} ends a block", inst.name()))),
        }
        Ok(())
    }

    /// Notes that code goes from here to a block.
    fn leave_to(&mut self, target: BlockId) {
        if self.plan.has_one_predecessor(target) {
            self.mirrors[target.0 as usize] = self.mirror;
        }
    }

    fn br(&mut self, target: BlockId, here: BlockId) -> Result<()> {
        let target = self.plan.end(target);
        if self.plan.repeats(here, target) {
            return self.insts(self.func.block(target), here);
        }
        self.goto(target);
        Ok(())
    }

    /// Goes to a block by falling through or by a jump.
    fn goto(&mut self, target: BlockId) {
        self.leave_to(target);
        if self.next != Some(target) {
            self.fixups.push((self.cells.len(), Fixup::Far, target));
            self.cell(opcode!(br), 0, 0, 0);
        }
    }

    fn br_table(&mut self, index: Operand, targets: List) -> Result<()> {
        let index = self.slot(index, Type::I32, 0);
        let targets = self.func.label_list(targets);
        let at = self.cells.len();
        self.cell_far(opcode!(br_table), index, targets.len() as u32);
        for (i, &target) in targets.iter().enumerate() {
            let target = self.plan.end(target);
            self.leave_to(target);
            self.fixups.push((at, Fixup::Entry(i as u32), target));
        }
        self.cells
            .resize(self.cells.len() + targets.len().div_ceil(2), 0);
        Ok(())
    }

    fn finish(mut self) -> Result<Fused> {
        for (at, fixup, target) in std::mem::take(&mut self.fixups) {
            let start = self.starts[target.0 as usize];
            let distance = i32::try_from(start as i64 - at as i64)
                .map_err(|_| Error::new(ErrorKind::Limit, "a function is too long"))?;
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
        let (cells, calls) = (self.cells, self.calls);
        Ok(Fused { cells, calls })
    }
}

/// What a tail call goes by, while its arguments are moved.
#[derive(Clone, Copy, Debug)]
enum Saved {
    InPlace(u16),
    Above(u32),
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
    let too_large = |_| Error::new(ErrorKind::Limit, "an index above 65535");
    u16::try_from(index).map_err(too_large)
}
