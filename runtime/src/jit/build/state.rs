//! The instance as explicit addresses: memories, globals, tables, functions, helpers.
//!
//! Layouts are those of `vm.rs`, read off by `offset_of!`. Bounds checks are overflow-safe: a
//! 32-bit index plus a 32-bit offset cannot wrap in 64 bits, and a 64-bit sum is checked for
//! wrapping.

use std::mem::{offset_of, size_of};
use std::sync::Arc;

use super::{Assumptions, Builder, Callee, Class, Inst, List, Value, fold};
use crate::error::Result;
use crate::gc::Cast;
use crate::ir::{self, MemoryPlace, Operand, Slot, Type};
use crate::limits::PAGE_SIZE_BYTES;
use crate::ops::{Op, VectorRow};
use crate::trap::TrapKind;
use crate::types::{CompositeKind, FuncType, HeapType, RefType, TypeRef};
use crate::vm::{Cx, FuncInst, MemoryInst, TableInst, Vm};

const POINTER_BYTES: usize = size_of::<usize>();
/// Constant offsets below this are left to addressing modes.
const NEAR_BYTES: u64 = 4096;

impl Builder<'_> {
    pub(super) fn global_get(&mut self, ty: Type, dst: Slot, global: u32) {
        let is_fixed = !self.module.globals[global as usize].mutable;
        let class = if is_fixed {
            Class::Instance
        } else {
            Class::Global
        };
        let base = self.vm_entry(offset_of!(Vm, globals), global);
        let value = self.load(load_of(ty), class, base, 0, ty);
        self.write(dst, value);
    }

    pub(super) fn global_set(&mut self, ty: Type, global: u32, src: Operand) {
        let value = self.read(src, ty);
        let base = self.vm_entry(offset_of!(Vm, globals), global);
        self.put(store_of(ty), Class::Global, (base, 0), value);
    }

    pub(super) fn table_get(&mut self, table: u32, dst: Slot, index: Operand) {
        let index = self.table_index(table, index);
        let base = self.table_entry(table, index, TrapKind::TableOutOfBounds);
        let value = self.load(Op::I64Load, Class::Table, base, 0, Type::Ref);
        self.write(dst, value);
    }

    pub(super) fn table_set(&mut self, table: u32, index: Operand, value: Operand) {
        let index = self.table_index(table, index);
        let value = self.read(value, Type::Ref);
        let base = self.table_entry(table, index, TrapKind::TableOutOfBounds);
        self.put(Op::I64Store, Class::Table, (base, 0), value);
    }

    // --- the instance ----------------------------------------------------------------------------

    /// A pointer field of the `Vm`.
    fn vm_field(&mut self, offset: usize) -> Value {
        let vm = self.one(Inst::Vm, Type::I64);
        self.load(Op::I64Load, Class::Instance, vm, offset, Type::I64)
    }

    /// The `index`th pointer of an index space of the `Vm`.
    pub(super) fn vm_entry(&mut self, offset: usize, index: u32) -> Value {
        let space = self.vm_field(offset);
        let at = index as usize * POINTER_BYTES;
        self.load(Op::I64Load, Class::Instance, space, at, Type::I64)
    }

    pub(super) fn memory_inst(&mut self, memory: u32) -> Value {
        match memory {
            0 => self.vm_field(offset_of!(Vm, memory0)),
            _ => self.vm_entry(offset_of!(Vm, memories), memory),
        }
    }

    pub(super) fn func_inst(&mut self, func: u32) -> Value {
        let at = func as usize * POINTER_BYTES;
        let funcs = self.vm_field(offset_of!(Vm, funcs));
        self.load(Op::I64Load, Class::Instance, funcs, at, Type::Ref)
    }

    fn target(&mut self, func: u32) -> Callee {
        let Assumptions {
            is_alone, frame, ..
        } = self.assumptions;
        let is_known = !is_alone || func == self.ir.index && frame.is_none();
        if is_known && func >= self.module.imported.funcs {
            Callee::Func(func)
        } else {
            Callee::Instance(self.func_inst(func))
        }
    }

    // --- memories --------------------------------------------------------------------------------

    pub(super) fn memory_load(&mut self, op: Op, at: MemoryPlace, dst: Slot) -> Result<()> {
        let value = match op.row().vector {
            VectorRow::LoadThen { load, then } => {
                let part = self.loaded(op, load, at)?;
                self.unary(then, part)
            }
            _ => self.loaded(op, op, at)?,
        };
        self.write(dst, value);
        Ok(())
    }

    /// The value that `loads` loads, for the opcode `op`.
    pub(super) fn loaded(&mut self, op: Op, loads: Op, at: MemoryPlace) -> Result<Value> {
        let Some(bytes) = loads.row().access_bytes else {
            return Self::unsupported(op);
        };
        let (base, offset, class) = self.address(at, bytes, false);
        let ty = fold::result_type(loads);
        Ok(self.load(loads, class, base, offset as usize, ty))
    }

    pub(super) fn memory_store(&mut self, op: Op, at: MemoryPlace, value: Operand) -> Result<()> {
        let value = self.read(value, fold::operand_type(op, 1));
        self.stored(op, op, at, value)
    }

    /// Stores by `stores`, for the opcode `op`.
    pub(super) fn stored(
        &mut self,
        op: Op,
        stores: Op,
        at: MemoryPlace,
        value: Value,
    ) -> Result<()> {
        let Some(bytes) = stores.row().access_bytes else {
            return Self::unsupported(op);
        };
        // A vector may be stored in parts, of which one fits: guard pages are too late.
        let guard_is_late = bytes > 8;
        let (base, offset, class) = self.address(at, bytes, guard_is_late);
        self.put(stores, class, (base, offset), value);
        Ok(())
    }

    /// The address of a checked access of `bytes`: base, near offset, and what remains to be
    /// checked. Guard pages check, where there are any that are not too late.
    pub(super) fn address(
        &mut self,
        at: MemoryPlace,
        bytes: u64,
        guard_is_late: bool,
    ) -> (Value, i32, Class) {
        let (memory, offset) = (at.memory, self.ir.consts[at.offset as usize]);
        let index = self.memory_index(at);
        let inst = self.memory_inst(memory);
        let is_guarded = self.assumptions.is_guarded(self.module, memory);
        if !is_guarded || guard_is_late {
            self.check_bounds(memory, inst, index, offset, bytes);
        }
        let (base_class, class) = if is_guarded {
            (Class::Instance, Class::Guarded(memory))
        } else {
            (Class::Shape, Class::Memory)
        };
        let at = offset_of!(MemoryInst, base);
        let base = self.load(Op::I64Load, base_class, inst, at, Type::I64);
        if offset < NEAR_BYTES {
            let base = self.binary(Op::I64Add, base, index);
            return (base, offset as i32, class);
        }
        // A far offset is added to the memory's base first, so that the sum leaves loops.
        let far = self.constant(Type::I64, offset);
        let base = self.binary(Op::I64Add, base, far);
        (self.binary(Op::I64Add, base, index), 0, class)
    }

    /// The index operand, zero-extended to 64 bits.
    pub(super) fn memory_index(&mut self, at: MemoryPlace) -> Value {
        let is64 = self.module.memories[at.memory as usize].is64;
        self.wide(at.addr, is64)
    }

    /// An i32 operand zero-extended, or an i64 operand.
    pub(super) fn wide(&mut self, operand: Operand, is64: bool) -> Value {
        if is64 {
            self.read(operand, Type::I64)
        } else {
            let narrow = self.read(operand, Type::I32);
            self.unary(Op::I64ExtendI32U, narrow)
        }
    }

    // --- metering --------------------------------------------------------------------------------

    /// Takes fuel, if there is as much (`meter.rs`).
    pub(super) fn fuel(&mut self, cost: u32) {
        let base = self.one(Inst::Cx, Type::I64);
        let at = offset_of!(Cx, fuel);
        let left = self.load(Op::I64Load, Class::Memory, base, at, Type::I64);
        let cost = self.constant(Type::I64, cost.into());
        let is_short = self.binary(Op::I64LtU, left, cost);
        self.trap_if(is_short, TrapKind::OutOfFuel);
        let value = self.binary(Op::I64Sub, left, cost);
        self.put(Op::I64Store, Class::Memory, (base, at as i32), value);
    }

    /// Traps if the store is to be interrupted (`interrupt.rs`).
    pub(super) fn poll(&mut self) {
        let base = self.one(Inst::Cx, Type::I64);
        let at = offset_of!(Cx, interrupt);
        let flags = self.load(Op::I64Load, Class::Instance, base, at, Type::I64);
        let flags = self.load(Op::I32Load, Class::Memory, flags, 0, Type::I32);
        self.trap_if(flags, TrapKind::Interrupted);
    }

    // --- tables ----------------------------------------------------------------------------------

    fn table_index(&mut self, table: u32, index: Operand) -> Value {
        let is64 = self.module.tables[table as usize].is64;
        self.wide(index, is64)
    }

    /// The address of a table element; traps with `kind` if there is none.
    fn table_entry(&mut self, table: u32, index: Value, kind: TrapKind) -> Value {
        let ty = self.module.tables[table as usize];
        let inst = self.vm_entry(offset_of!(Vm, tables), table);
        // A table whose length cannot change needs no look at it.
        let is_fixed = ty.maximum == Some(ty.initial);
        let (len, class) = if is_fixed {
            (self.constant(Type::I64, ty.initial), Class::Instance)
        } else {
            let at = offset_of!(TableInst, len);
            let len = self.load(Op::I64Load, Class::Shape, inst, at, Type::I64);
            (len, Class::Shape)
        };
        let outside = self.binary(Op::I64GeU, index, len);
        self.trap_if(outside, kind);
        let at = offset_of!(TableInst, elements);
        let elements = self.load(Op::I64Load, class, inst, at, Type::I64);
        let log2 = self.constant(Type::I64, u64::from(POINTER_BYTES.trailing_zeros()));
        let scaled = self.binary(Op::I64Shl, index, log2);
        self.binary(Op::I64Add, elements, scaled)
    }

    // --- indirect calls --------------------------------------------------------------------------

    /// Callee, arguments and type of a call.
    pub(super) fn callee(
        &mut self,
        callee: ir::Callee,
        operands: ir::List,
    ) -> (Callee, List, Arc<FuncType>) {
        let (ir, ty) = (self.ir, self.ir.callee_type(callee));
        let (by, args) = ir.call_operands(callee, operands);
        let args = self.read_all(args, &ty);
        let target = match (callee, by) {
            (ir::Callee::Func(func), _) => self.target(func),
            (ir::Callee::Indirect { table, type_index }, Some((index, _))) => {
                let index = self.table_index(table, index);
                let entry = self.table_entry(table, index, TrapKind::UndefinedElement);
                let func = self.load(Op::I64Load, Class::Table, entry, 0, Type::Ref);
                self.trap_if_null(func, TrapKind::UninitializedElement);
                self.check_type(func, type_index);
                Callee::Instance(func)
            }
            (ir::Callee::Ref { .. }, Some((func, ty))) => {
                let func = self.read(func, ty);
                self.trap_if_null(func, TrapKind::NullFunctionReference);
                Callee::Instance(func)
            }
            (ir::Callee::Indirect { .. } | ir::Callee::Ref { .. }, None) => {
                unreachable!("the first operand tells the callee")
            }
        };
        (target, args, ty)
    }

    fn check_type(&mut self, func: Value, type_index: u32) {
        let id = self.module.types[type_index as usize];
        if self.module.registry.get(id).sub.is_final {
            let expected = self.constant(Type::I32, u64::from(id.0));
            let at = offset_of!(FuncInst, ty);
            let actual = self.load(Op::I32Load, Class::Fixed, func, at, Type::I32);
            let differs = self.binary(Op::I32Ne, actual, expected);
            self.trap_if(differs, TrapKind::IndirectCallTypeMismatch);
        } else {
            let heap = HeapType::Concrete(TypeRef {
                id,
                kind: CompositeKind::Func,
            });
            let nullable = false;
            let cast = Cast::new(&self.module.registry, RefType { nullable, heap });
            let is_it = self.one(Inst::Cast { cast, a: func }, Type::I32);
            let differs = self.unary(Op::I32Eqz, is_it);
            self.trap_if(differs, TrapKind::IndirectCallTypeMismatch);
        }
    }
}

/// The load of a whole value of a type.
pub(super) fn load_of(ty: Type) -> Op {
    match ty {
        Type::I32 => Op::I32Load,
        Type::I64 | Type::Ref => Op::I64Load,
        Type::F32 => Op::F32Load,
        Type::F64 => Op::F64Load,
        Type::V128 => Op::V128Load,
    }
}

/// The store of a whole value of a type.
pub(crate) fn store_of(ty: Type) -> Op {
    match ty {
        Type::I32 => Op::I32Store,
        Type::I64 | Type::Ref => Op::I64Store,
        Type::F32 => Op::F32Store,
        Type::F64 => Op::F64Store,
        Type::V128 => Op::V128Store,
    }
}

const _: () = assert!(PAGE_SIZE_BYTES.is_power_of_two() && POINTER_BYTES == 8);
