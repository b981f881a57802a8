//! Wasm to canonical IR, in one pass over the bytes of a validated function body.
//!
//! The operand stack is symbolic (`builder/stack.rs`): reading a local or pushing a constant emits
//! nothing. The control stack is explicit (`builder/control.rs`), so that nesting costs no native
//! stack. Code that cannot be reached is read and left out. Nothing is folded and nothing dead is
//! removed: consumers do that. One peephole is here, since it needs the stack: an instruction whose
//! result goes to a local at once writes the local itself.
//!
//! Time is linear in the body, save that an edge of a branch costs a copy per value that is not in
//! its place yet. Spec: 3.3 and 4.6 Instructions.

mod atomic;
mod control;
mod exceptions;
mod gc;
mod scratch;
mod simd;
mod stack;

use std::rc::Rc;

use super::types::{helper_types, result, types_of};
use super::{Block, BlockId, Func, HandlerId, Inst, List, Operand, Slot, Type};
use crate::decode::{DecodeError, Decoder, Imm, Instr, MemArg, RawBlockType, RawValType};
use crate::engine::{Config, Tier};
use crate::error::{Error, ErrorKind, Result};
use crate::meter;
use crate::module::Module;
use crate::ops::{Op, Shape};
use crate::trap::TrapKind;
use crate::types::FuncType;
use control::{Frame, Label};
pub use scratch::Scratch;
use scratch::{Consts, Sigs};
use stack::{Stack, Value};

/// Builds the IR of function body `body` of a module.
///
/// # Errors
/// `Unsupported` with the mnemonic of the first reachable opcode that has no IR yet.
pub fn build(module: &Module, body: usize) -> Result<Func> {
    build_with(module, body, &Config::only(Tier::Register))
}

/// The same, metered as an engine is configured.
///
/// # Errors
/// As [`build`].
pub fn build_with(module: &Module, body: usize, config: &Config) -> Result<Func> {
    build_in(module, body, config, &mut Scratch::default())
}

/// The same with what is kept from one function of the module to the next.
///
/// # Errors
/// As [`build`].
pub fn build_in(
    module: &Module,
    body: usize,
    config: &Config,
    scratch: &mut Scratch,
) -> Result<Func> {
    let range = module.bodies[body].clone();
    let mut decoder = Decoder::new(&module.bytes[range.clone()], range.start);
    let mut builder = Builder::new(module, body, &mut decoder, scratch).map_err(internal)?;
    builder.has_fuel = config.fuel;
    builder.is_interruptible = config.interruptible;
    builder.poll();
    while !decoder.is_at_end() {
        // By reference: an instruction is large, and copied word by word as soon as it is written.
        match &decoder.read() {
            Ok(instr) => builder.instr(instr).map_err(|e| e.at(instr.offset))?,
            Err(error) => return Err(internal(*error)),
        }
    }
    Ok(builder.finish(scratch))
}

fn internal(error: DecodeError) -> Error {
    Error::new(ErrorKind::Internal, error.message).at(error.offset)
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
    module: &'a Module,
    func: Func,
    stack: Stack,
    consts: Consts,
    sigs: Sigs,
    control: Vec<Frame>,
    labels: Vec<Label>,
    /// By depth, where a branch of the `br_table` at hand goes; empty between two of them.
    by_depth: Vec<Option<BlockId>>,
    /// The handler of the open block.
    handler: Option<HandlerId>,
    /// The label of the block that returns what clauses to the function itself catch.
    return_label: Option<BlockId>,
    /// Where the open block starts.
    start: u32,
    /// Whether a block is open: whether the code at hand can be reached.
    is_open: bool,
    /// Blocks begun in unreachable code and not ended yet.
    skipped: usize,
    /// Of the instruction at hand.
    offset: u32,
    /// Whether segments are charged, and whether code polls for interruption (`meter.rs`).
    has_fuel: bool,
    is_interruptible: bool,
    /// The instruction that charges the segment at hand.
    charged_by: Option<usize>,
}

impl<'a> Builder<'a> {
    fn new(
        module: &'a Module,
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
        let mut control = std::mem::take(&mut scratch.control);
        control.push(Frame::function(sig));
        let mut stack = std::mem::take(&mut scratch.stack);
        stack.reset(&func.local_slots, slots);
        Ok(Builder {
            module,
            func,
            stack,
            consts: std::mem::take(&mut scratch.consts),
            sigs: std::mem::take(&mut scratch.sigs),
            control,
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

    fn finish(mut self, scratch: &mut Scratch) -> Func {
        self.func.slots = self.func.first_temporary + self.stack.height_max;
        self.resolve_labels();
        self.control.clear();
        self.labels.clear();
        scratch.stack = self.stack;
        scratch.consts = self.consts;
        scratch.sigs = self.sigs;
        scratch.control = self.control;
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
        self.stack.push(ty, Value::Temp)
    }

    fn push_const(&mut self, ty: Type, bits: u64) {
        let index = self.constant(bits);
        self.stack.push(ty, Value::Const(index));
    }

    fn pop(&mut self) -> Operand {
        let entry = self.stack.pop();
        self.stack.operand(&entry)
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
        match instr.op.shape() {
            Shape::Control => self.control_instr(instr),
            Shape::Call => self.call_instr(instr),
            Shape::Parametric => self.parametric(instr),
            Shape::Variable => self.variable(instr),
            Shape::Constant => self.const_instr(instr),
            Shape::Table => self.table(instr),
            Shape::Reference => self.reference(instr),
            Shape::Memory => self.memory(instr),
            Shape::Load | Shape::SimdLoad => self.load(instr),
            Shape::Store | Shape::SimdStore => self.store(instr),
            Shape::Unary
            | Shape::Test
            | Shape::Convert
            | Shape::ConvertTrapping
            | Shape::SimdUnary
            | Shape::SimdSplat
            | Shape::SimdReduce => self.unary(instr.op),
            Shape::Binary
            | Shape::BinaryTrapping
            | Shape::Compare
            | Shape::SimdBinary
            | Shape::SimdShift => self.binary(instr.op),
            Shape::SimdTernary => self.ternary(instr.op),
            Shape::Wide => self.wide(instr.op),
            Shape::SimdShuffle
            | Shape::SimdExtractLane
            | Shape::SimdReplaceLane
            | Shape::SimdLoadLane
            | Shape::SimdStoreLane => self.with_lanes(instr),
            Shape::AtomicLoad
            | Shape::AtomicStore
            | Shape::AtomicRmw
            | Shape::AtomicCmpxchg
            | Shape::AtomicSync => self.atomic(instr),
            Shape::Aggregate => self.aggregate(instr),
            Shape::Exception | Shape::LegacyException => self.exception(instr),
            Shape::SharedEverything | Shape::StackSwitching => Err(unsupported(instr.op)),
        }
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

    /// Looks for an interruption at the function's entry or a loop's head.
    fn poll(&mut self) {
        if self.is_interruptible {
            self.emit(Inst::Poll);
        }
    }

    fn unary(&mut self, op: Op) -> Result<()> {
        let a = self.pop();
        let dst = self.push_temp(result(op));
        self.emit(Inst::Unary { op, dst, a });
        Ok(())
    }

    fn binary(&mut self, op: Op) -> Result<()> {
        let (b, a) = (self.pop(), self.pop());
        let dst = self.push_temp(result(op));
        self.emit(Inst::Binary { op, dst, a, b });
        Ok(())
    }

    fn load(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (op, arg) = (instr.op, memarg(instr)?);
        let addr = self.pop();
        let offset = self.constant(arg.offset_bytes);
        let dst = self.push_temp(result(op));
        self.emit(Inst::Load {
            op,
            memory: arg.memory,
            dst,
            addr,
            offset,
        });
        Ok(())
    }

    fn store(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (op, arg) = (instr.op, memarg(instr)?);
        let (value, addr) = (self.pop(), self.pop());
        let offset = self.constant(arg.offset_bytes);
        self.emit(Inst::Store {
            op,
            memory: arg.memory,
            addr,
            value,
            offset,
        });
        Ok(())
    }

    fn const_instr(&mut self, instr: &Instr<'_>) -> Result<()> {
        match instr.imm {
            Imm::I32(v) => self.push_const(Type::I32, u64::from(v as u32)),
            Imm::I64(v) => self.push_const(Type::I64, v as u64),
            Imm::F32(bits) => self.push_const(Type::F32, u64::from(bits)),
            Imm::F64(bits) => self.push_const(Type::F64, bits),
            Imm::V128(bits) => {
                let index = self.constant128(bits);
                self.stack.push(Type::V128, Value::Const(index));
            }
            _ => return Err(unsupported(instr.op)),
        }
        Ok(())
    }

    fn parametric(&mut self, instr: &Instr<'_>) -> Result<()> {
        match instr.op {
            Op::Drop => {
                self.stack.pop();
            }
            Op::Select | Op::TypedSelect => {
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
            op => return Err(unsupported(op)),
        }
        Ok(())
    }

    fn variable(&mut self, instr: &Instr<'_>) -> Result<()> {
        let index = index(instr)?;
        match instr.op {
            Op::LocalGet => {
                let ty = self.func.local_types[index as usize];
                self.stack.push(ty, Value::Local(index));
            }
            Op::LocalSet => self.local_set(index, false),
            Op::LocalTee => self.local_set(index, true),
            Op::GlobalGet => {
                let ty = self.module.globals[index as usize].content.into();
                let dst = self.push_temp(ty);
                let global = index;
                self.emit(Inst::GlobalGet { ty, dst, global });
            }
            Op::GlobalSet => {
                let ty = self.module.globals[index as usize].content.into();
                let (src, global) = (self.pop(), index);
                self.emit(Inst::GlobalSet { ty, global, src });
            }
            op => return Err(unsupported(op)),
        }
        Ok(())
    }

    /// `local.set` and `local.tee`. After a tee, the value is the local's, if it was computed
    /// into it, or else what it was.
    fn local_set(&mut self, local: u32, keep: bool) {
        let entry = self.stack.pop();
        let (ty, src) = (entry.ty, self.stack.operand(&entry));
        let mut value = entry.value;
        if value != Value::Local(local) {
            let slot = self.func.local_slots[local as usize];
            if value == Value::Temp && self.retarget(local, src, slot) {
                value = Value::Local(local);
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

    /// Makes the last instruction write to the local, if it is what wrote the temporary `src`.
    /// Pending reads of the local go before it.
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

    fn memory(&mut self, instr: &Instr<'_>) -> Result<()> {
        match instr.op {
            Op::MemoryDiscard => Err(unsupported(instr.op)),
            _ => self.helper(instr),
        }
    }

    fn table(&mut self, instr: &Instr<'_>) -> Result<()> {
        match instr.op {
            Op::TableGet => {
                let (table, index) = (index(instr)?, self.pop());
                let dst = self.push_temp(Type::Ref);
                self.emit(Inst::TableGet { table, dst, index });
                Ok(())
            }
            Op::TableSet => {
                let table = index(instr)?;
                let (value, index) = (self.pop(), self.pop());
                self.emit(Inst::TableSet {
                    table,
                    index,
                    value,
                });
                Ok(())
            }
            _ => self.helper(instr),
        }
    }

    fn helper(&mut self, instr: &Instr<'_>) -> Result<()> {
        let op = instr.op;
        let (a, b) = match instr.imm {
            Imm::Index(a) => (a, 0),
            Imm::Index2(a, b) => (a, b),
            _ => return Err(unsupported(op)),
        };
        let (params, result) = helper_types(&self.func, op, a, b);
        let params = params.iter().flatten().count();
        let operands = self.list(None, params);
        self.stack.truncate(self.stack.len() - params);
        let dst = match result {
            Some(ty) => self.push_temp(ty),
            None => self.stack.temporary(self.stack.height()),
        };
        self.emit(Inst::Helper {
            op,
            dst,
            a,
            b,
            operands,
        });
        Ok(())
    }

    fn reference(&mut self, instr: &Instr<'_>) -> Result<()> {
        match instr.op {
            Op::RefNull => self.push_const(Type::Ref, 0),
            Op::RefFunc => {
                let (func, dst) = (index(instr)?, self.push_temp(Type::Ref));
                self.emit(Inst::RefFunc { dst, func });
            }
            Op::RefIsNull => {
                let a = self.pop();
                let dst = self.push_temp(Type::I32);
                self.emit(Inst::RefIsNull { dst, a });
            }
            Op::RefAsNonNull => {
                let a = self.stack.operand(&self.stack.peek(0));
                let kind = TrapKind::NullReference;
                self.emit(Inst::TrapIfNull { a, kind });
            }
            Op::BrOnNull => self.br_on_null(label(instr)?),
            Op::BrOnNonNull => self.br_on_non_null(label(instr)?),
            Op::BrOnCast | Op::BrOnCastFail | Op::BrOnCastDescEq | Op::BrOnCastDescEqFail => {
                self.br_on_cast(instr)?;
            }
            _cast => self.cast(instr)?,
        }
        Ok(())
    }

    // --- calls ---------------------------------------------------------------------------------

    fn call_instr(&mut self, instr: &Instr<'_>) -> Result<()> {
        match instr.op {
            Op::Call | Op::ReturnCall => self.call(instr.op, index(instr)?),
            Op::CallIndirect | Op::ReturnCallIndirect => {
                let Imm::Index2(type_index, table) = instr.imm else {
                    return Err(unsupported(instr.op));
                };
                self.call_indirect(instr.op, type_index, table);
            }
            _ => self.call_ref(instr.op, index(instr)?),
        }
        Ok(())
    }

    fn call(&mut self, op: Op, func: u32) {
        let sig = self.sig(self.module.funcs[func as usize]);
        let args = self.list(None, sig.params.len());
        if op == Op::ReturnCall {
            return self.terminate(Inst::ReturnCall { func, args });
        }
        let dst = self.call_results(&sig);
        self.emit(Inst::Call { func, dst, args });
    }

    fn call_indirect(&mut self, op: Op, type_index: u32, table: u32) {
        let sig = self.sig(type_index);
        let index = self.pop();
        let index_and_args = self.list(Some(index), sig.params.len());
        if op == Op::ReturnCallIndirect {
            return self.terminate(Inst::ReturnCallIndirect {
                table,
                type_index,
                index_and_args,
            });
        }
        let dst = self.call_results(&sig);
        self.emit(Inst::CallIndirect {
            table,
            type_index,
            dst,
            index_and_args,
        });
    }

    fn call_ref(&mut self, op: Op, type_index: u32) {
        let sig = self.sig(type_index);
        let callee = self.pop();
        let func_and_args = self.list(Some(callee), sig.params.len());
        if op == Op::ReturnCallRef {
            return self.terminate(Inst::ReturnCallRef {
                type_index,
                func_and_args,
            });
        }
        let dst = self.call_results(&sig);
        self.emit(Inst::CallRef {
            type_index,
            dst,
            func_and_args,
        });
    }

    /// Replaces the arguments by the results; gives the first slot of both.
    fn call_results(&mut self, sig: &Sig) -> Slot {
        self.stack.truncate(self.stack.len() - sig.params.len());
        let dst = self.stack.temporary(self.stack.height());
        for &ty in &sig.results {
            self.push_temp(ty);
        }
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
fn push(func: &mut Func, inst: Inst, offset: u32) {
    func.insts.push(inst);
    func.offsets.push(offset);
}

fn index(instr: &Instr<'_>) -> Result<u32> {
    match instr.imm {
        Imm::Index(index) => Ok(index),
        _ => Err(unsupported(instr.op)),
    }
}

fn label(instr: &Instr<'_>) -> Result<u32> {
    match instr.imm {
        Imm::Label(label) => Ok(label),
        _ => Err(unsupported(instr.op)),
    }
}

fn memarg(instr: &Instr<'_>) -> Result<MemArg> {
    match instr.imm {
        Imm::MemArg(arg) => Ok(arg),
        _ => Err(unsupported(instr.op)),
    }
}
