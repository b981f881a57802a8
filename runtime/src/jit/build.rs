//! Canonical IR to SSA: slots become values (`build/vars.rs`), and what an instruction reaches
//! through the instance becomes explicit loads, stores and checks (`build/state.rs`).
//!
//! One pass over the instructions in the order of the text; nothing is optimised here. The blocks
//! of the result are in the order of the IR's; without handlers they are the same blocks
//! (`build/exceptions.rs`).

mod atomic;
mod bounds;
mod exceptions;
mod objects;
mod outside;
mod reaching;
pub mod resume;
mod state;
mod vars;
mod vector;

use crate::engine::{Bounds, Config, FrameShape, Policy, Profile};
use crate::error::{Error, Result};
use crate::ir::{self, BlockId, HandlerId, Operand, OperandKind, Slot, Type};
use crate::memory::MemoryData;
use crate::module::ModuleParts;
use crate::ops::{Op, Shape};
use crate::trap::TrapKind;
use crate::types::FuncType;

use super::helper::Helper;
use super::ssa::fold;
use super::ssa::{Block, Callee, Class, Def, Edge, FuncSsa, Inst, List};
use super::ssa::{MemoryFacts, Term, Value};
use exceptions::Blocks;
use vars::{Between, Vars};

/// The assumptions of a function's code, by configuration and module.
#[derive(Clone, Copy, Debug)]
pub struct Assumptions {
    /// The check of accesses to 32-bit memories.
    pub bounds: Bounds,
    /// True if the machine has atomic read-modify-write instructions (FEAT_LSE).
    pub has_atomics: bool,
    /// True if functions are compiled one by one, so that others of the module may have other code
    /// at any time.
    pub is_alone: bool,
    /// If it is the rest of a function (`resume.rs`): where its slots are when it begins.
    pub frame: Option<FrameShape>,
    /// The results that the spec leaves open.
    pub profile: Profile,
}

impl Assumptions {
    /// The assumptions that a configuration allows.
    pub fn new(config: &Config) -> Assumptions {
        Assumptions {
            bounds: config.bounds,
            has_atomics: config.has_atomics,
            is_alone: matches!(config.policy, Policy::Tiered(_)),
            frame: None,
            profile: config.profile,
        }
    }

    /// True if accesses to a memory of the module need no bounds check.
    pub fn is_guarded(&self, module: &ModuleParts, memory: u32) -> bool {
        self.bounds == Bounds::Guard && MemoryData::can_guard(&module.memories[memory as usize])
    }
}

/// The address of something, as base and offset.
type Address = (Value, i32);

/// Opcodes that were compiled to a call of a helper.
pub type HelperOps = Vec<Op>;

/// Builds the SSA of a function.
///
/// # Errors
/// `Unsupported` for an opcode that this tier has no code for.
pub fn build(ir: &ir::FuncIr, assumptions: Assumptions) -> Result<(FuncSsa, HelperOps)> {
    if let Some(built) = build_with(ir, assumptions, Between::Values)? {
        return Ok(built);
    }
    let built = build_with(ir, assumptions, Between::Frame)?;
    Ok(built.expect("slots in the frame have no parameters"))
}

/// `None` if slots had better not be values between blocks.
fn build_with(
    ir: &ir::FuncIr,
    assumptions: Assumptions,
    between: Between,
) -> Result<Option<(FuncSsa, HelperOps)>> {
    let mut builder = Builder::new(ir, assumptions, between);
    builder.entry();
    let mut done = 0;
    for index in 0..ir.blocks.len() {
        builder.block(index)?;
        builder.handlers_behind(index, &mut done);
    }
    let helper_ops = builder.helper_ops;
    let func = builder.vars.finish(builder.func, ir.insts.len());
    Ok(func.map(|func| (func, helper_ops)))
}

struct Builder<'a> {
    ir: &'a ir::FuncIr,
    module: &'a ModuleParts,
    assumptions: Assumptions,
    func: FuncSsa,
    vars: Vars,
    blocks: Blocks,
    /// The block that instructions go to.
    block: Block,
    /// The handler that it is in, unless that can catch nothing.
    handler: Option<HandlerId>,
    /// Of the instruction at hand.
    position: u32,
    helper_ops: HelperOps,
}

impl<'a> Builder<'a> {
    fn new(ir: &'a ir::FuncIr, assumptions: Assumptions, between: Between) -> Builder<'a> {
        let memories = (0..ir.module.memories.len() as u32).map(|memory| MemoryFacts {
            minimum_bytes: ir.module.memories[memory as usize].minimum_bytes(),
            is_guarded: assumptions.is_guarded(&ir.module, memory),
        });
        let mut func = FuncSsa {
            memories: memories.collect(),
            has_atomics: assumptions.has_atomics,
            profile: assumptions.profile,
            ..FuncSsa::default()
        };
        let blocks = Blocks::new(ir);
        for _ in 0..blocks.count {
            func.add_block();
        }
        Builder {
            ir,
            module: &ir.module,
            assumptions,
            func,
            vars: Vars::new(blocks.preds(ir), between),
            blocks,
            block: Block::ENTRY,
            handler: None,
            position: 0,
            helper_ops: Vec::new(),
        }
    }

    /// Defines parameters and declared locals in the entry; or, of the rest of a function, its one
    /// parameter, the address of its slots.
    fn entry(&mut self) {
        self.position = self.ir.offsets.first().copied().unwrap_or(0);
        if let Some(frame) = self.assumptions.frame {
            let slots = self.param(Type::I64);
            self.vars.resume(slots, frame);
            return;
        }
        let params = self.ir.ty.params.len();
        let types = self.ir.local_types.clone();
        for (i, (&ty, &slot)) in types.iter().zip(&self.ir.local_slots).enumerate() {
            let value = if i < params {
                self.param(ty)
            } else {
                self.one(Inst::zero(ty), ty)
            };
            self.write(slot, value);
        }
    }

    /// A further parameter of the function.
    fn param(&mut self, ty: Type) -> Value {
        let value = self.func.add_value(ty, Def::Param(Block::ENTRY));
        self.func.blocks[0].params.push(value);
        value
    }

    fn block(&mut self, index: usize) -> Result<()> {
        self.block = self.blocks.of(BlockId(index as u32));
        self.handler = self.handler_of(index);
        let range = self.ir.blocks[index];
        for at in range.start..range.end {
            self.position = self.ir.offsets[at as usize];
            self.inst(&self.ir.insts[at as usize])
                .map_err(|e| e.at(self.position as usize))?;
        }
        Ok(())
    }

    // --- small pieces ----------------------------------------------------------------------------

    /// Appends an instruction with results of the given types.
    fn push(&mut self, inst: Inst, types: &[Type]) -> Value {
        self.func.append(self.block, inst, types, self.position)
    }

    fn one(&mut self, inst: Inst, ty: Type) -> Value {
        self.push(inst, &[ty])
    }

    fn none(&mut self, inst: Inst) {
        self.push(inst, &[]);
    }

    fn constant(&mut self, ty: Type, bits: u64) -> Value {
        self.one(Inst::Const { bits }, ty)
    }

    fn unary(&mut self, op: Op, a: Value) -> Value {
        self.one(Inst::Unary { op, a }, fold::result_type(op))
    }

    fn binary(&mut self, op: Op, a: Value, b: Value) -> Value {
        self.one(Inst::Binary { op, a, b }, fold::result_type(op))
    }

    fn load(&mut self, op: Op, class: Class, base: Value, offset: usize, ty: Type) -> Value {
        let offset = offset as i32;
        let inst = Inst::Load {
            op,
            class,
            base,
            offset,
        };
        self.one(inst, ty)
    }

    fn put(&mut self, op: Op, class: Class, (base, offset): Address, value: Value) {
        self.none(Inst::Store {
            op,
            class,
            base,
            offset,
            value,
        });
    }

    fn trap_if(&mut self, cond: Value, kind: TrapKind) {
        self.none(Inst::TrapIf { cond, kind });
    }

    fn trap_unless(&mut self, cond: Value, kind: TrapKind) {
        let fails = self.unary(Op::I32Eqz, cond);
        self.trap_if(fails, kind);
    }

    /// Traps if a reference is null.
    fn trap_if_null(&mut self, a: Value, kind: TrapKind) {
        let is_null = self.unary(Op::I64Eqz, a);
        self.trap_if(is_null, kind);
    }

    // --- slots -----------------------------------------------------------------------------------

    fn read(&mut self, operand: Operand, ty: Type) -> Value {
        match operand.get() {
            OperandKind::Slot(slot) => self.vars.read(&mut self.func, self.block, slot, ty),
            OperandKind::Const(index) => self.pool_constant(index, ty),
        }
    }

    fn pool_constant(&mut self, index: u32, ty: Type) -> Value {
        let low = self.ir.consts[index as usize];
        let inst = match ty {
            Type::V128 => Inst::Const128 {
                low,
                high: self.ir.consts[index as usize + 1],
            },
            _ => Inst::Const { bits: low },
        };
        self.one(inst, ty)
    }

    fn write(&mut self, slot: Slot, value: Value) {
        self.vars.write(self.block, slot, value);
    }

    fn list(&self, list: ir::List) -> &'a [Operand] {
        &self.ir.lists[list.start as usize..(list.start + list.len) as usize]
    }

    fn read_all(&mut self, operands: &[Operand], ty: &FuncType) -> List {
        let pairs = operands.iter().zip(&ty.params);
        let values: Vec<Value> = pairs.map(|(&o, &ty)| self.read(o, ty.into())).collect();
        self.func.add_list(&values)
    }

    // --- instructions ----------------------------------------------------------------------------

    fn inst(&mut self, inst: &ir::Inst) -> Result<()> {
        use ir::Inst as IrInst;
        match *inst {
            IrInst::Copy { ty, dst, src } => {
                let value = self.read(src, ty);
                self.write(dst, value);
            }
            IrInst::Unary { op, dst, a } => {
                let operand = self.read(a, fold::operand_type(op, 0));
                let value = match op.shape() {
                    Shape::Reference | Shape::Object => self.ref_unary(op.on_words(), operand)?,
                    _ => self.unary(op, operand),
                };
                self.write(dst, value);
            }
            IrInst::Binary { op, dst, a, b } => {
                let a = self.read(a, fold::operand_type(op, 0));
                let b = self.read(b, fold::operand_type(op, 1));
                let value = self.binary(op.on_words(), a, b);
                self.write(dst, value);
            }
            IrInst::Ternary { op, dst, a, b, c } => self.ternary(op, dst, [a, b, c]),
            IrInst::Wide { op, dst, operands } => self.wide_numbers(op, dst, operands),
            IrInst::Shuffle {
                op,
                dst,
                a,
                b,
                lanes,
            } => self.shuffle(op, dst, [a, b], lanes),
            IrInst::ExtractLane { op, lane, dst, a } => self.extract_lane(op, lane, dst, a),
            IrInst::ReplaceLane {
                op,
                lane,
                dst,
                a,
                value,
            } => self.replace_lane(op, lane, dst, [a, value]),
            IrInst::Select {
                ty,
                dst,
                cond,
                operands,
            } => self.select(ty, dst, cond, operands),

            IrInst::Load { op, at, dst } => self.memory_load(op, at, dst)?,
            IrInst::Store { op, at, value } => self.memory_store(op, at, value)?,
            IrInst::LoadLane {
                op,
                at,
                dst,
                vector,
                lane,
            } => self.load_lane(op, lane, at, dst, vector)?,
            IrInst::StoreLane {
                op,
                at,
                vector,
                lane,
            } => self.store_lane(op, lane, at, vector)?,
            IrInst::Atomic {
                op,
                at,
                dst,
                operands,
            } => self.atomic(op, at, dst, self.list(operands))?,
            IrInst::Fence => self.none(Inst::Fence),
            IrInst::GlobalGet { ty, dst, global } => self.global_get(ty, dst, global),
            IrInst::GlobalSet { ty, global, src } => self.global_set(ty, global, src),
            IrInst::TableGet { table, dst, index } => self.table_get(table, dst, index),
            IrInst::TableSet {
                table,
                index,
                value,
            } => self.table_set(table, index, value),
            IrInst::Helper {
                op,
                dst,
                a,
                b,
                operands,
            } => self.out_of_line(op, dst, (a, b), operands)?,
            IrInst::Fuel { cost } => self.fuel(cost),
            IrInst::Poll => self.poll(),

            IrInst::RefFunc { dst, func } => {
                let value = self.func_inst(func);
                self.write(dst, value);
            }
            IrInst::RefTest { ty, dst, a } => {
                let value = self.is_of_type(a, ty);
                self.write(dst, value);
            }
            IrInst::RefCast { ty, a } => {
                let is_it = self.is_of_type(a, ty);
                self.trap_unless(is_it, TrapKind::CastFailure);
            }
            IrInst::RefTestDesc {
                nullable,
                dst,
                a,
                descriptor,
            } => {
                let value = self.has_descriptor(nullable, a, descriptor);
                self.write(dst, value);
            }
            IrInst::RefCastDesc {
                nullable,
                a,
                descriptor,
            } => {
                let is_it = self.has_descriptor(nullable, a, descriptor);
                self.trap_unless(is_it, TrapKind::DescriptorCastFailure);
            }
            IrInst::TrapIfNull { a, kind } => {
                let a = self.read(a, Type::Ref);
                self.trap_if_null(a, kind);
            }
            IrInst::StructGet {
                op,
                type_index,
                field,
                dst,
                object,
            } => self.struct_get(op, (type_index, field), dst, object),
            IrInst::StructSet {
                type_index,
                field,
                object,
                value,
            } => self.struct_set((type_index, field), object, value),
            IrInst::ArrayGet {
                op,
                type_index,
                dst,
                array,
                index,
            } => self.array_get(op, type_index, dst, [array, index]),
            IrInst::ArraySet {
                type_index,
                operands,
            } => self.array_set(type_index, operands),
            IrInst::Aggregate {
                op,
                type_index,
                b,
                dst,
                operands,
            } => self.aggregate(op, (type_index, b), dst, operands)?,

            IrInst::Call {
                callee,
                dst,
                operands,
            } => {
                let (callee, args, ty) = self.callee(callee, operands);
                self.call_with_results(Inst::Call { callee, args }, dst, &ty);
            }
            IrInst::ReturnCall { callee, operands } => {
                let (callee, args, _) = self.callee(callee, operands);
                self.end(Term::ReturnCall { callee, args }, Vec::new());
            }

            IrInst::Br { target } => self.end(Term::Br, vec![target]),
            IrInst::BrIf { cond, then, other } => {
                let cond = self.read(cond, Type::I32);
                self.end_if(cond, then, other);
            }
            IrInst::BrIfNull { a, then, other } => {
                let a = self.read(a, Type::Ref);
                let cond = self.unary(Op::I64Eqz, a);
                self.end_if(cond, then, other);
            }
            IrInst::BrOnCast { ty, a, then, other } => {
                let cond = self.is_of_type(a, ty);
                self.end_if(cond, then, other);
            }
            IrInst::BrTable { index, targets } => self.end_table(index, targets),
            IrInst::Return { values } => {
                let pairs = self.list(values).iter().zip(&self.ir.ty.results);
                let values: Vec<Value> = pairs.map(|(&o, &ty)| self.read(o, ty.into())).collect();
                let values = self.func.add_list(&values);
                self.end(Term::Return { values }, Vec::new());
            }
            IrInst::Trap { kind } => self.end(Term::Trap { kind }, Vec::new()),
            IrInst::Throw { tag, args } => self.throw(tag, args),
            IrInst::ThrowRef { exception } => self.throw_ref(exception),
        }
        Ok(())
    }

    fn select(&mut self, ty: Type, dst: Slot, cond: Operand, operands: ir::List) {
        let operands = self.list(operands);
        let cond = self.read(cond, Type::I32);
        let a = self.read(operands[0], ty);
        let b = self.read(operands[1], ty);
        let value = self.one(Inst::Select { cond, a, b }, ty);
        self.write(dst, value);
    }

    fn call_with_results(&mut self, inst: Inst, dst: Slot, ty: &FuncType) {
        let types: Vec<Type> = ty.results.iter().map(|&ty| ty.into()).collect();
        let first = self.push(inst, &types);
        self.end_invoke();
        let mut slot = dst;
        for (n, ty) in types.iter().enumerate() {
            self.write(slot, Value(first.0 + n as u32));
            slot.0 += ty.slots();
        }
    }

    // --- terminators -----------------------------------------------------------------------------

    fn end_if(&mut self, cond: Value, then: BlockId, other: BlockId) {
        if then == other {
            self.end(Term::Br, vec![then]);
        } else {
            self.end(Term::BrIf { cond }, vec![then, other]);
        }
    }

    /// Each target gets one edge, however often the table names it.
    fn end_table(&mut self, index: Operand, targets: ir::List) {
        let index = self.read(index, Type::I32);
        let range = targets.start as usize..(targets.start + targets.len) as usize;
        let labels = &self.ir.labels[range];
        let edges = vars::distinct(labels);
        let place = |label: &BlockId| edges.binary_search(label).expect("distinct keeps each");
        let table = labels.iter().map(|label| place(label) as u32).collect();
        if edges.len() == 1 {
            self.end(Term::Br, edges);
        } else {
            self.func.tables.push(table);
            let table = self.func.tables.len() as u32 - 1;
            self.end(Term::BrTable { index, table }, edges);
        }
    }

    fn end(&mut self, term: Term, to: Vec<BlockId>) {
        let to: Vec<Block> = to.into_iter().map(|block| self.blocks.of(block)).collect();
        self.end_at(term, &to);
    }

    fn end_at(&mut self, term: Term, to: &[Block]) {
        self.vars.end(self.block);
        let data = &mut self.func.blocks[self.block.index()];
        data.term = term;
        data.position = self.position;
        data.edges = to.iter().copied().map(Edge::bare).collect();
    }

    fn unsupported<T>(op: Op) -> Result<T> {
        Err(Error::unsupported(op.mnemonic()))
    }

    fn helper(&mut self, op: Op, helper: Helper, args: &[Value], types: &[Type]) -> Value {
        self.helper_ops.push(op);
        let args = self.func.add_list(args);
        self.push(Inst::Helper { helper, args }, types)
    }
}
