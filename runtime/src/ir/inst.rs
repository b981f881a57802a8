//! The table of IR instructions. Visitor, labels, names, effects and test samples follow from it.
//!
//! A row is `Variant { field: role(column) Type, .. } = name, [effects] with x = value;`. Columns
//! are expressions over the row's fields, over `ir` (the function) and over `x`, a value that
//! several columns need.
//!
//! | role | field | column |
//! |---|---|---|
//! | `given` | plain data, not an operand | none |
//! | `opcode` | an opcode | the allowed ones, by name or by `shape:` |
//! | `use` | an operand | its type |
//! | `uses` | a list of operands | their types |
//! | `callee` | a [`Callee`] | none |
//! | `call` | a list of operands, that of the callee first | the callee, the arguments' types |
//! | `place` | a [`MemoryPlace`] | none |
//! | `def` | the slot of the result | its type |
//! | `option` | the slot of the result, if there is one | its type, or `None` |
//! | `row` | the first of consecutive slots of results | their types |
//! | `frame` | as `row`; a callee's frame may begin here | their types |
//! | `imm` | an immediate | its kind in [`Imm`] |
//! | `index` | an immediate of which the opcode tells the kind | an `Option<Imm>` |
//! | `pool128` | an index into the pool of constants | the kind of the constant in [`Imm`] |
//! | `label` `labels` | a block; a list of blocks | none |
//!
//! Effects are the fields of [`Effects`], each with a condition if it does not always hold.
//! A description is an assignment, with `r[x]` for the slot or constant of operand `x`.
//!
//! Invariant: the order of fields is the order in which [`Inst::visit`] meets them. Operands are in
//! the order in which they are pushed.

use super::table::{
    effect, field_check, field_count, field_dst, field_frame, field_label_mut, field_labels,
    field_type, field_visit, insts,
};
use super::types::{
    aggregate_types, element_type, field_type as type_of_field, helper_types, indices, param,
    params, result, results, types_of,
};
use super::visit::{Imm, Role, Visitor};
use super::{BlockId, Callee, FuncIr, List, MemoryPlace, Operand, Slot, Type};
use crate::ops::{Effects, Op, Shape};
use crate::trap::TrapKind;
use crate::types::RefType;
use Type::{I32, Ref, V128};

/// The source of a printed name.
trait Named {
    fn name(self) -> &'static str;
}

impl Named for &'static str {
    fn name(self) -> &'static str {
        self
    }
}

impl Named for Op {
    fn name(self) -> &'static str {
        self.mnemonic()
    }
}

impl Inst {
    /// True if the instruction ends a block.
    #[inline]
    pub fn is_terminator(&self) -> bool {
        self.effects().ends
    }

    /// True if the instruction is a call that returns here.
    #[inline]
    pub fn is_call(&self) -> bool {
        let effects = self.effects();
        effects.calls && !effects.ends
    }

    /// True if an exception may come from the instruction that the block's handler can catch.
    #[inline]
    pub fn can_throw(&self) -> bool {
        self.effects().throws
    }
}

insts! { |ir|
    // Values.

    /// `r[dst] := r[src]`
    Copy { ty: given Type, dst: def(ty), src: use(ty) } = "copy", [];

    /// `r[dst] := op(r[a])`
    Unary {
        op: opcode(shape: Unary | Test | Convert | ConvertTrapping | SimdUnary | SimdSplat
            | SimdReduce, RefIsNull | RefI31 | I31GetS | I31GetU | ArrayLen | RefGetDesc),
        dst: def(result(op)), a: use(param(op, 0)),
    } = op, [traps(op.traps())];

    /// `r[dst] := op(r[a], r[b])`
    Binary {
        op: opcode(shape: Binary | BinaryTrapping | Compare | SimdBinary | SimdShift, RefEq),
        dst: def(result(op)), a: use(param(op, 0)), b: use(param(op, 1)),
    } = op, [traps(op.traps())];

    /// `r[dst] := op(r[a], r[b], r[c])`
    Ternary {
        op: opcode(shape: SimdTernary), dst: def(V128), a: use(V128), b: use(V128), c: use(V128),
    } = op, [];

    /// `r[dst], r[dst + 1] := op(operands)`, halves of numbers of 128 bits, the low one first.
    Wide {
        op: opcode(shape: Wide), dst: row(results(op, I32)), operands: uses(params(op, I32)),
    } = op, [];

    /// `r[dst] := op(r[a], r[b])` with sixteen lane numbers, the v128 at `lanes` in the pool.
    Shuffle {
        op: opcode(shape: SimdShuffle), dst: def(V128), a: use(V128), b: use(V128),
        lanes: pool128(Lanes),
    } = op, [];

    /// `r[dst] := op(r[a], lane)`
    ExtractLane {
        op: opcode(shape: SimdExtractLane), lane: imm(Lane) u8, dst: def(result(op)), a: use(V128),
    } = op, [];

    /// `r[dst] := op(r[a], lane, r[value])`
    ReplaceLane {
        op: opcode(shape: SimdReplaceLane), lane: imm(Lane) u8, dst: def(V128), a: use(V128),
        value: use(param(op, 1)),
    } = op, [];

    /// `r[dst] := r[cond] != 0 ? r[a] : r[b]`, with `a` and `b` in `operands`, of type `ty`.
    Select { ty: given Type, dst: def(ty), operands: uses([ty, ty]), cond: use(I32) }
        = Op::Select, [];

    // Memories. Addresses are i32 or i64 as the memory is.

    /// `r[dst] := memory[at]`
    Load { op: opcode(shape: Load | SimdLoad), at: place, dst: def(result(op)) }
        = op, [reads traps];

    /// `memory[at] := r[value]`
    Store { op: opcode(shape: Store | SimdStore), at: place, value: use(param(op, 1)) }
        = op, [writes traps];

    /// `r[dst] := r[vector]`, with the lane from `memory[at]`.
    LoadLane {
        op: opcode(shape: SimdLoadLane), at: place, dst: def(V128), vector: use(V128),
        lane: imm(Lane) u8,
    } = op, [reads traps];

    /// `memory[at] := lane of r[vector]`
    StoreLane {
        op: opcode(shape: SimdStoreLane), at: place, vector: use(V128), lane: imm(Lane) u8,
    } = op, [writes traps];

    /// An atomic access to `memory[at]`, or a wait or notification there. `dst` is the slot of the
    /// result if there is one.
    Atomic {
        op: opcode(shape: AtomicLoad | AtomicStore | AtomicRmw | AtomicCmpxchg,
            MemoryAtomicNotify | MemoryAtomicWait32 | MemoryAtomicWait64),
        at: place, dst: option(results(op, I32).next()), operands: uses(params(op, I32).skip(1)),
    } = op, [reads(op.shape().effects().reads) writes(op.shape().effects().writes) traps];

    /// No access moves across the fence.
    Fence = Op::AtomicFence, [reads writes];

    // Globals and tables.

    /// `r[dst] := globals[global]`
    GlobalGet { ty: given Type, dst: def(ty), global: imm(Global) u32 }
        = Op::GlobalGet, [reads];

    /// `globals[global] := r[src]`
    GlobalSet { ty: given Type, global: imm(Global) u32, src: use(ty) }
        = Op::GlobalSet, [writes];

    /// `r[dst] := tables[table][r[index]]`
    TableGet { table: imm(Table) u32, dst: def(Ref), index: use(ir.table_address(table)) }
        = Op::TableGet, [reads traps];

    /// `tables[table][r[index]] := r[value]`
    TableSet { table: imm(Table) u32, index: use(ir.table_address(table)), value: use(Ref) }
        = Op::TableSet, [writes traps];

    /// An instruction on a whole memory, table or segment, out of line in every tier
    /// (`helpers.rs`). `a` and `b` are its index immediates in the order of the opcode table, `dst`
    /// its result's slot if it has one.
    Helper {
        op: opcode(MemorySize | MemoryGrow | MemoryFill | MemoryCopy | MemoryInit | DataDrop
            | TableSize | TableGrow | TableFill | TableCopy | TableInit | ElemDrop),
        dst: option(types.1), operands: uses(types.0.into_iter().flatten()),
        a: index(indices(op, a, b)[0]) u32, b: index(indices(op, a, b)[1]) u32,
    } = op, [reads writes traps] with types = helper_types(ir, op, a, b);

    // Metering.

    /// Begins a segment: traps with `OutOfFuel` unless there is fuel of `cost`, which it takes
    /// (`meter.rs`).
    Fuel { cost: imm(Cost) u32 } = "fuel", [reads writes traps];

    /// Traps with `Interrupted` if the store is to be interrupted (`interrupt.rs`).
    Poll = "poll", [reads traps];

    // References.

    /// `r[dst] := reference to function func`
    RefFunc { dst: def(Ref), func: imm(Func) u32 } = Op::RefFunc, [];

    /// `r[dst] := r[a] is of type ty`
    RefTest { ty: imm(RefType) RefType, dst: def(I32), a: use(Ref) } = Op::RefTestNonNull, [];

    /// Traps unless `r[a]` is of type `ty`.
    RefCast { ty: imm(RefType) RefType, a: use(Ref) } = Op::RefCastNonNull, [traps];

    /// `r[dst] := r[a] has the descriptor r[descriptor]`, or is null if `nullable`. Traps if the
    /// descriptor is null.
    RefTestDesc { nullable: imm(Nullable) bool, dst: def(I32), a: use(Ref), descriptor: use(Ref) }
        = "ref.test_desc_eq", [traps];

    /// Traps unless `RefTestDesc` holds.
    RefCastDesc { nullable: imm(Nullable) bool, a: use(Ref), descriptor: use(Ref) }
        = Op::RefCastDescEqNonNull, [traps];

    /// Traps with `kind` if `r[a]` is null.
    TrapIfNull { a: use(Ref), kind: imm(Trap) TrapKind } = "trap_if_null", [traps];

    // Structures and arrays.

    /// `r[dst] := field of r[object]`
    StructGet {
        op: opcode(StructGet | StructGetS | StructGetU),
        type_index: imm(Type) u32, field: imm(Field) u32,
        dst: def(type_of_field(ir, type_index, field)), object: use(Ref),
    } = op, [reads traps];

    /// `field of r[object] := r[value]`
    StructSet {
        type_index: imm(Type) u32, field: imm(Field) u32, object: use(Ref),
        value: use(type_of_field(ir, type_index, field)),
    } = Op::StructSet, [writes traps];

    /// `r[dst] := r[array][r[index]]`
    ArrayGet {
        op: opcode(ArrayGet | ArrayGetS | ArrayGetU), type_index: imm(Type) u32,
        dst: def(element_type(ir, type_index)), array: use(Ref), index: use(I32),
    } = op, [reads traps];

    /// `r[array][r[index]] := r[value]`, the operands in this order.
    ArraySet {
        type_index: imm(Type) u32, operands: uses([Ref, I32, element_type(ir, type_index)]),
    } = Op::ArraySet, [writes traps];

    /// Makes a structure or an array, or works on many elements (`store/aggregate.rs`). The
    /// operands are in consecutive slots from `dst`, where the result goes if there is one; `b` is
    /// the second immediate.
    Aggregate {
        op: opcode(shape: Aggregate),
        type_index: imm(Type) u32, b: index(indices(op, type_index, b)[1]) u32,
        dst: row(types.1), operands: uses(types.0),
    } = op, [reads writes traps] with types = aggregate_types(ir, op, type_index, b);

    // Calls. Results go to consecutive slots from `dst`; `dst` is also where the arguments'
    // temporaries begin, with nothing live at or above it: a callee's frame may be put there.

    /// Calls a function.
    Call {
        callee: callee, dst: frame(types_of(&ty.results)),
        operands: call(callee, types_of(&ty.params)),
    } = callee.ops()[0], [reads writes traps calls throws] with ty = ir.callee_type(callee);

    // Terminators.

    /// Goes to `target`.
    Br { target: label } = Op::Br, [ends];

    /// Goes to `then` if `r[cond]` is not 0, else to `other`.
    BrIf { cond: use(I32), then: label, other: label } = Op::BrIf, [ends];

    /// Goes to `then` if `r[a]` is null, else to `other`.
    BrIfNull { a: use(Ref), then: label, other: label } = "br_if_null", [ends];

    /// Goes to `then` if `r[a]` is of type `ty`, else to `other`.
    BrOnCast { ty: imm(RefType) RefType, a: use(Ref), then: label, other: label }
        = Op::BrOnCast, [ends];

    /// Goes to the `r[index]`th of the labels, or to the last if there are fewer.
    BrTable { index: use(I32), targets: labels } = Op::BrTable, [ends];

    /// Returns the operands, all read before any result is written.
    Return { values: uses(types_of(&ir.ty.results)) } = Op::Return, [ends];

    /// Tail-calls a function.
    ReturnCall { callee: callee, operands: call(callee, types_of(&ty.params)) }
        = callee.ops()[1], [reads writes traps calls ends] with ty = ir.callee_type(callee);

    /// Traps.
    Trap { kind: imm(Trap) TrapKind } = "trap", [traps ends];

    /// Throws a new exception of the tag that carries the operands.
    Throw { tag: imm(Tag) u32, args: uses(types_of(&ty.params)) }
        = Op::Throw, [writes traps throws ends] with ty = ir.tag_type(tag);

    /// Throws the exception that the operand refers to; null traps.
    ThrowRef { exception: use(Ref) } = Op::ThrowRef, [traps throws ends];
}
