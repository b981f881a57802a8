//! Wasm to canonical IR, in one pass over the bytes of a validated function body.
//!
//! The operand stack is symbolic (`builder/stack.rs`): reading a local or pushing a constant emits
//! nothing. The control stack is explicit (`builder/control.rs`), so that nesting costs no native
//! stack. Code that cannot be reached is read and left out. The builder does not fold constants and
//! does not remove dead code: consumers do. It has one peephole, which needs the stack: an
//! instruction whose result goes to a local at once writes the local itself.
//!
//! Time is linear in the body, save that an edge of a branch costs a copy for each value that is
//! not in its place yet. Spec: 3.3 and 4.6 Instructions.

mod atomic;
mod control;
mod exceptions;
mod gc;
mod scratch;
mod simd;
mod stack;

use std::rc::Rc;

use super::types::{helper_types, result, types_of};
use super::{Block, BlockId, Callee, FuncIr, HandlerId, Inst, List, MemoryPlace};
use super::{Operand, Slot, Type};
use crate::decode::{DecodeError, Decoder, Instr, MemArg, RawBlockType, RawValType};
use crate::engine::{Config, Tier};
use crate::error::{Error, Result};
use crate::meter;
use crate::module::ModuleParts;
use crate::ops::{Group, Op, group};
use crate::trap::TrapKind;
use crate::types::FuncType;
use control::{ControlFrame, Label};
pub use scratch::Scratch;
use scratch::{Consts, Sigs};
use stack::{Stack, StackValue};

/// Builds the IR of function body `body` of a module.
///
/// # Errors
/// `Unsupported` with the mnemonic of the first reachable opcode that has no IR yet.
pub fn build(module: &ModuleParts, body: usize) -> Result<FuncIr> {
    build_with(module, body, &Config::only(Tier::Register))
}

/// As [`build`], metered as an engine is configured.
///
/// # Errors
/// As [`build`].
pub fn build_with(module: &ModuleParts, body: usize, config: &Config) -> Result<FuncIr> {
    build_in(module, body, config, &mut Scratch::default())
}

/// As [`build_with`], with buffers and facts of the module from the functions before.
///
/// # Errors
/// As [`build`].
pub fn build_in(
    module: &ModuleParts,
    body: usize,
    config: &Config,
    scratch: &mut Scratch,
) -> Result<FuncIr> {
    let range = module.bodies[body].clone();
    let mut decoder = Decoder::new(&module.bytes[range.clone()], range.start);
    let mut builder = Builder::new(module, body, &mut decoder, scratch)?;
    builder.has_fuel = config.fuel;
    builder.is_interruptible = config.interruptible;
    builder.poll();
    while !decoder.is_at_end() {
        // By reference: an instruction is large, and copied word by word as soon as it is written.
        match &decoder.read() {
            Ok(instr) => builder.instr(instr).map_err(|e| e.at(instr.offset))?,
            Err(error) => return Err((*error).into()),
        }
    }
    Ok(builder.finish(scratch))
}

fn unsupported(op: Op) -> Error {
    Error::unsupported(op.mnemonic())
}

fn value_type(ty: RawValType) -> Type {
    match ty {
        RawValType::I32 => Type::I32,
        RawValType::I64 => Type::I64,
        RawValType::F32 => Type::F32,
        RawValType::F64 => Type::F64,
        RawValType::V128 => Type::V128,
        RawValType::Ref(_) => Type::Ref,
    }
}

/// The type of a block or of a call.
#[derive(Debug, Default)]
struct Sig {
    params: Box<[Type]>,
    results: Box<[Type]>,
}

impl Sig {
    fn new(ty: &FuncType) -> Sig {
        Sig {
            params: types_of(&ty.params).collect(),
            results: types_of(&ty.results).collect(),
        }
    }
}

struct Builder<'a> {
    module: &'a ModuleParts,
    func: FuncIr,
    stack: Stack,
    consts: Consts,
    sigs: Sigs,
    frames: Vec<ControlFrame>,
    labels: Vec<Label>,
    /// By depth, the target of the `br_table` at hand; empty between two of them.
    by_depth: Vec<Option<BlockId>>,
    /// The handler of the open block.
    handler: Option<HandlerId>,
    /// The label of the block that returns the values of clauses to the function itself.
    return_label: Option<BlockId>,
    /// The first instruction of the open block.
    start: u32,
    /// True if a block is open: the code at hand can be reached.
    is_open: bool,
    /// The number of blocks begun in unreachable code and not ended yet.
    skipped: usize,
    /// The byte offset of the instruction at hand.
    offset: u32,
    /// True if segments are charged, and if code polls for interruption (`meter.rs`).
    has_fuel: bool,
    is_interruptible: bool,
    /// The instruction that charges the segment at hand.
    charged_by: Option<usize>,
}

impl<'a> Builder<'a> {
    fn new(
        module: &'a ModuleParts,
        body: usize,
        decoder: &mut Decoder<'_>,
        scratch: &mut Scratch,
    ) -> Result<Builder<'a>, DecodeError> {
        let index = module.imported.funcs + body as u32;
        let mut func = scratch.func(module, index);
        let (local_types, params) = (&mut func.local_types, func.ty.params.len());
        local_types.extend(func.ty.params.iter().map(|&ty| Type::from(ty)));
        decoder.read_locals(|count, ty| {
            let len = local_types.len() + count as usize;
            local_types.resize(len, value_type(ty));
        })?;
        let mut slots = 0;
        for (i, ty) in local_types.iter().enumerate() {
            func.local_slots.push(Slot(slots));
            slots += ty.slots();
            if i < params {
                func.param_slots = slots;
            }
        }
        func.first_temporary = slots;
        let sig = Rc::new(Sig {
            params: Box::default(),
            results: types_of(&func.ty.results).collect(),
        });
        let mut frames = std::mem::take(&mut scratch.frames);
        frames.push(ControlFrame::function(sig));
        let mut stack = std::mem::take(&mut scratch.stack);
        stack.reset(&func.local_slots, slots);
        Ok(Builder {
            module,
            func,
            stack,
            consts: std::mem::take(&mut scratch.consts),
            sigs: std::mem::take(&mut scratch.sigs),
            frames,
            labels: std::mem::take(&mut scratch.labels),
            by_depth: std::mem::take(&mut scratch.by_depth),
            handler: None,
            return_label: None,
            start: 0,
            is_open: true,
            skipped: 0,
            offset: 0,
            has_fuel: false,
            is_interruptible: false,
            charged_by: None,
        })
    }

    fn finish(mut self, scratch: &mut Scratch) -> FuncIr {
        self.func.slots = self.func.first_temporary + self.stack.height_max;
        self.resolve_labels();
        self.frames.clear();
        self.labels.clear();
        scratch.stack = self.stack;
        scratch.consts = self.consts;
        scratch.sigs = self.sigs;
        scratch.frames = self.frames;
        scratch.labels = self.labels;
        scratch.by_depth = self.by_depth;
        self.func
    }

    // --- emitting ------------------------------------------------------------------------------

    fn emit(&mut self, inst: Inst) {
        debug_assert!(self.is_open);
        self.func.insts.push(inst);
        self.func.offsets.push(self.offset);
    }

    /// Ends the open block.
    fn terminate(&mut self, inst: Inst) {
        self.emit(inst);
        let (start, end) = (self.start, self.func.insts.len() as u32);
        self.func.blocks.push(Block {
            start,
            end,
            is_loop_head: false,
            handler: self.handler,
        });
        self.start = end;
        self.is_open = false;
    }

    fn constant(&mut self, bits: u64) -> u32 {
        self.consts.one(&mut self.func.consts, bits)
    }

    fn constant128(&mut self, bits: u128) -> u32 {
        self.consts.two(&mut self.func.consts, bits)
    }

    /// Pops the topmost `len` operands as a list.
    fn pop_list(&mut self, len: usize) -> List {
        let list = self.list(None, len);
        self.stack.truncate(self.stack.len() - len);
        list
    }

    /// The operands of the topmost `len` positions as a list, after `first`.
    fn list(&mut self, first: Option<Operand>, len: usize) -> List {
        let start = self.func.lists.len() as u32;
        self.func.lists.extend(first);
        let stack = &self.stack;
        self.func
            .lists
            .extend(stack.top(len).iter().map(|entry| stack.operand(entry)));
        let end = self.func.lists.len() as u32;
        List {
            start,
            len: end - start,
        }
    }

    // --- the operand stack ---------------------------------------------------------------------

    fn push_temp(&mut self, ty: Type) -> Slot {
        self.stack.push(ty, StackValue::Temp)
    }

    fn push_temps(&mut self, types: &[Type]) {
        for &ty in types {
            self.push_temp(ty);
        }
    }

    /// Pushes the result of an instruction, if it has one; gives the slot that is next.
    fn push_result(&mut self, result: Option<Type>) -> Slot {
        match result {
            Some(ty) => self.push_temp(ty),
            None => self.stack.temporary(self.stack.height()),
        }
    }

    fn push_const(&mut self, ty: Type, bits: u64) {
        let index = self.constant(bits);
        self.stack.push(ty, StackValue::Const(index));
    }

    fn pop(&mut self) -> Operand {
        let entry = self.stack.pop();
        self.stack.operand(&entry)
    }

    /// The operand at the top, which stays.
    fn top(&self) -> Operand {
        self.stack.operand(&self.stack.top(1)[0])
    }

    fn settle(&mut self) {
        let (func, offset) = (&mut self.func, self.offset);
        self.stack.settle(|inst| push(func, inst, offset));
    }

    fn settle_local(&mut self, local: u32) {
        let (func, offset) = (&mut self.func, self.offset);
        self.stack
            .settle_local(local, |inst| push(func, inst, offset));
    }

    fn materialise(&mut self, len: usize) {
        let (func, offset) = (&mut self.func, self.offset);
        self.stack.materialise(len, |inst| push(func, inst, offset));
    }

    // --- instructions --------------------------------------------------------------------------

    fn instr(&mut self, instr: &Instr<'_>) -> Result<()> {
        self.offset = instr.offset as u32;
        if !self.is_open && self.skip(instr.op) {
            return Ok(());
        }
        self.func.ops += 1;
        if self.has_fuel {
            self.charge(instr.op);
        }
        match instr.op.group() {
            Group::Control(op) => self.control(op, instr)?,
            Group::Call(op) => self.call(op, instr)?,
            Group::Exception(op) => self.exception(op, instr)?,
            Group::LegacyException(op) => self.legacy_exception(op, instr)?,
            Group::Parametric(op) => self.parametric(op)?,
            Group::Variable(op) => self.variable(op, instr)?,
            Group::Constant(op) => self.const_instr(op, instr)?,
            Group::Table(op) => self.table(op, instr)?,
            Group::Reference(op) => self.reference(op, instr)?,
            Group::Object(op) => self.object(op, instr)?,
            Group::Aggregate(_) => self.aggregate(instr)?,
            Group::Memory(op) => self.memory(op, instr)?,
            Group::Load(_) | Group::SimdLoad(_) => self.load(instr)?,
            Group::Store(_) | Group::SimdStore(_) => self.store(instr)?,
            Group::Unary(_)
            | Group::Test(_)
            | Group::Convert(_)
            | Group::ConvertTrapping(_)
            | Group::SimdUnary(_)
            | Group::SimdSplat(_)
            | Group::SimdReduce(_) => self.unary(instr.op),
            Group::Binary(_)
            | Group::BinaryTrapping(_)
            | Group::Compare(_)
            | Group::SimdBinary(_)
            | Group::SimdShift(_) => self.binary(instr.op),
            Group::SimdTernary(_) => self.ternary(instr.op),
            Group::Wide(_) => self.wide(instr.op),
            Group::SimdShuffle(_) => self.shuffle(instr)?,
            Group::SimdExtractLane(_) => self.extract_lane(instr)?,
            Group::SimdReplaceLane(_) => self.replace_lane(instr)?,
            Group::SimdLoadLane(_) => self.load_lane(instr)?,
            Group::SimdStoreLane(_) => self.store_lane(instr)?,
            Group::AtomicLoad(_)
            | Group::AtomicStore(_)
            | Group::AtomicRmw(_)
            | Group::AtomicCmpxchg(_) => self.atomic(instr)?,
            Group::AtomicSync(op) => self.atomic_sync(op, instr)?,
            Group::SharedEverything(_) | Group::StackSwitching(_) => {
                return Err(unsupported(instr.op));
            }
        }
        Ok(())
    }

    /// Charges a reachable instruction to its segment, whose first one that costs anything emits
    /// the charge.
    fn charge(&mut self, op: Op) {
        let more = meter::cost(op);
        if let Some(at) = self.charged_by {
            if let Inst::Fuel { cost } = &mut self.func.insts[at] {
                *cost += more;
            }
        } else if more > 0 {
            self.charged_by = Some(self.func.insts.len());
            self.emit(Inst::Fuel { cost: more });
        }
        if meter::ends_segment(op) {
            self.charged_by = None;
        }
    }

    /// Emits the poll for interruption at the function's entry or a loop's head.
    fn poll(&mut self) {
        if self.is_interruptible {
            self.emit(Inst::Poll);
        }
    }

    fn unary(&mut self, op: Op) {
        let a = self.pop();
        let dst = self.push_temp(result(op));
        self.emit(Inst::Unary { op, dst, a });
    }

    fn binary(&mut self, op: Op) {
        let (b, a) = (self.pop(), self.pop());
        let dst = self.push_temp(result(op));
        self.emit(Inst::Binary { op, dst, a, b });
    }

    fn load(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (op, at) = (instr.op, self.pop_place(instr.memarg()?));
        let dst = self.push_temp(result(op));
        self.emit(Inst::Load { op, at, dst });
        Ok(())
    }

    fn store(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (op, value) = (instr.op, self.pop());
        let at = self.pop_place(instr.memarg()?);
        self.emit(Inst::Store { op, at, value });
        Ok(())
    }

    /// Pops the address of an access.
    fn pop_place(&mut self, arg: MemArg) -> MemoryPlace {
        MemoryPlace {
            memory: arg.memory,
            addr: self.pop(),
            offset: self.constant(arg.offset_bytes),
        }
    }

    fn const_instr(&mut self, op: group::Constant, instr: &Instr<'_>) -> Result<()> {
        use group::Constant as C;
        let bits = instr.constant()?;
        match op {
            C::I32Const | C::I64Const | C::F32Const | C::F64Const => {
                self.push_const(result(instr.op), bits as u64);
            }
            C::V128Const => {
                let index = self.constant128(bits);
                self.stack.push(Type::V128, StackValue::Const(index));
            }
        }
        Ok(())
    }

    fn parametric(&mut self, op: group::Parametric) -> Result<()> {
        use group::Parametric as P;
        match op {
            P::Drop => {
                self.stack.pop();
            }
            P::Select | P::TypedSelect => {
                let cond = self.pop();
                let operands = self.list(None, 2);
                self.stack.pop();
                let ty = self.stack.pop().ty;
                let dst = self.push_temp(ty);
                self.emit(Inst::Select {
                    ty,
                    dst,
                    cond,
                    operands,
                });
            }
            P::TypedSelectMulti => return Err(unsupported(op.op())),
        }
        Ok(())
    }

    fn variable(&mut self, op: group::Variable, instr: &Instr<'_>) -> Result<()> {
        use group::Variable as V;
        let index = instr.index()?;
        match op {
            V::LocalGet => {
                let ty = self.func.local_types[index as usize];
                self.stack.push(ty, StackValue::Local(index));
            }
            V::LocalSet => self.local_set(index, false),
            V::LocalTee => self.local_set(index, true),
            V::GlobalGet => {
                let ty = self.module.globals[index as usize].content.into();
                let dst = self.push_temp(ty);
                let global = index;
                self.emit(Inst::GlobalGet { ty, dst, global });
            }
            V::GlobalSet => {
                let ty = self.module.globals[index as usize].content.into();
                let (src, global) = (self.pop(), index);
                self.emit(Inst::GlobalSet { ty, global, src });
            }
        }
        Ok(())
    }

    /// `local.set` and `local.tee`. After a tee, the stack has a read of the local if the value was
    /// computed into the local, or else the same entry as before.
    fn local_set(&mut self, local: u32, keep: bool) {
        let entry = self.stack.pop();
        let (ty, src) = (entry.ty, self.stack.operand(&entry));
        let mut value = entry.value;
        if value != StackValue::Local(local) {
            let slot = self.func.local_slots[local as usize];
            if value == StackValue::Temp && self.retarget(local, src, slot) {
                value = StackValue::Local(local);
            } else {
                self.settle_local(local);
                let dst = slot;
                self.emit(Inst::Copy { ty, dst, src });
            }
        }
        if keep {
            self.stack.push(ty, value);
        }
    }

    /// Makes the last instruction write to the local, if it wrote the temporary `src`; returns
    /// false if it did not. Pending reads of the local are written before the instruction.
    fn retarget(&mut self, local: u32, src: Operand, slot: Slot) -> bool {
        if self.func.insts.len() as u32 == self.start {
            return false;
        }
        let last = self.func.insts.last_mut();
        let Some(dst) = last
            .and_then(Inst::dst_mut)
            .filter(|dst| Operand::slot(**dst) == src)
        else {
            return false;
        };
        *dst = slot;
        if self.stack.is_read(local)
            && let (Some(inst), Some(offset)) = (self.func.insts.pop(), self.func.offsets.pop())
        {
            self.settle_local(local);
            push(&mut self.func, inst, offset);
        }
        true
    }

    fn memory(&mut self, op: group::Memory, instr: &Instr<'_>) -> Result<()> {
        use group::Memory as M;
        match op {
            M::MemorySize
            | M::MemoryGrow
            | M::MemoryInit
            | M::DataDrop
            | M::MemoryCopy
            | M::MemoryFill => self.helper(instr),
            M::MemoryDiscard => Err(unsupported(op.op())),
        }
    }

    fn table(&mut self, op: group::Table, instr: &Instr<'_>) -> Result<()> {
        use group::Table as T;
        match op {
            T::TableGet => {
                let (table, index) = (instr.index()?, self.pop());
                let dst = self.push_temp(Type::Ref);
                self.emit(Inst::TableGet { table, dst, index });
                Ok(())
            }
            T::TableSet => {
                let table = instr.index()?;
                let (value, index) = (self.pop(), self.pop());
                self.emit(Inst::TableSet {
                    table,
                    index,
                    value,
                });
                Ok(())
            }
            T::TableInit
            | T::ElemDrop
            | T::TableCopy
            | T::TableFill
            | T::TableGrow
            | T::TableSize => self.helper(instr),
        }
    }

    fn helper(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (op, (a, b)) = (instr.op, instr.indices()?);
        let (params, result) = helper_types(&self.func, op, a, b);
        let operands = self.pop_list(params.iter().flatten().count());
        let dst = self.push_result(result);
        self.emit(Inst::Helper {
            op,
            dst,
            a,
            b,
            operands,
        });
        Ok(())
    }

    fn reference(&mut self, op: group::Reference, instr: &Instr<'_>) -> Result<()> {
        use group::Reference as R;
        match op {
            R::RefNull => self.push_const(Type::Ref, 0),
            R::RefFunc => {
                let (func, dst) = (instr.index()?, self.push_temp(Type::Ref));
                self.emit(Inst::RefFunc { dst, func });
            }
            R::RefAsNonNull => {
                let (a, kind) = (self.top(), TrapKind::NullReference);
                self.emit(Inst::TrapIfNull { a, kind });
            }
            R::RefEq => self.binary(op.op()),
            R::RefIsNull | R::RefGetDesc => self.unary(op.op()),
            R::RefTestNonNull => self.ref_test(instr, false)?,
            R::RefTestNullable => self.ref_test(instr, true)?,
            R::RefCastNonNull => self.ref_cast(instr, false)?,
            R::RefCastNullable => self.ref_cast(instr, true)?,
            R::RefCastDescEqNonNull => self.ref_cast_desc(false),
            R::RefCastDescEqNullable => self.ref_cast_desc(true),
            R::BrOnNull => self.br_on_null(instr.label()?),
            R::BrOnNonNull => self.br_on_non_null(instr.label()?),
            R::BrOnCast => self.br_on_cast(instr, false)?,
            R::BrOnCastFail => self.br_on_cast(instr, true)?,
            R::BrOnCastDescEq => self.br_on_cast_desc(instr, false)?,
            R::BrOnCastDescEqFail => self.br_on_cast_desc(instr, true)?,
        }
        Ok(())
    }

    // --- calls ---------------------------------------------------------------------------------

    fn call(&mut self, op: group::Call, instr: &Instr<'_>) -> Result<()> {
        use group::Call as C;
        let (callee, type_index) = match op {
            C::Call | C::ReturnCall => {
                let func = instr.index()?;
                (Callee::Func(func), self.module.funcs[func as usize])
            }
            C::CallIndirect | C::ReturnCallIndirect => {
                let (type_index, table) = instr.index2()?;
                (Callee::Indirect { table, type_index }, type_index)
            }
            C::CallRef | C::ReturnCallRef => {
                let type_index = instr.index()?;
                (Callee::Ref { type_index }, type_index)
            }
        };
        let sig = self.sig(type_index);
        let by = match callee {
            Callee::Func(_) => None,
            Callee::Indirect { .. } | Callee::Ref { .. } => Some(self.pop()),
        };
        let operands = self.list(by, sig.params.len());
        if callee.ops()[1] == instr.op {
            self.terminate(Inst::ReturnCall { callee, operands });
            return Ok(());
        }
        let dst = self.call_results(&sig);
        self.emit(Inst::Call {
            callee,
            dst,
            operands,
        });
        Ok(())
    }

    /// Replaces the arguments by the results; returns the first slot of both.
    fn call_results(&mut self, sig: &Sig) -> Slot {
        self.stack.truncate(self.stack.len() - sig.params.len());
        let dst = self.stack.temporary(self.stack.height());
        self.push_temps(&sig.results);
        dst
    }

    /// The function type of a type index.
    fn sig(&mut self, type_index: u32) -> Rc<Sig> {
        self.sigs.of_index(self.module, type_index)
    }

    fn block_sig(&mut self, ty: RawBlockType) -> Rc<Sig> {
        match ty {
            RawBlockType::Empty => self.sigs.empty(),
            RawBlockType::Value(ty) => self.sigs.of_result(value_type(ty)),
            RawBlockType::Func(index) => self.sig(index),
        }
    }
}

/// Appends an instruction to a function's code.
fn push(func: &mut FuncIr, inst: Inst, offset: u32) {
    func.insts.push(inst);
    func.offsets.push(offset);
}
