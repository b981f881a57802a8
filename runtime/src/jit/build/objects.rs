//! Garbage-collected objects: access, allocation, casts (spec: "Reference Instructions", "Aggregate
//! Instructions").
//!
//! # Addresses
//! An object's address is the heap's base plus its reference. The base is null until the first
//! allocation and never changes then, so that it is loaded behind what shows that there is an
//! object. Addresses may outlive the reference that they were made of in a register: a collection
//! takes both for the object (`store/collect.rs`).
//!
//! # Allocation
//! [`Inst::Allocate`] gives room; its head and its fields follow at once, so that no collection
//! sees an object without them. What works on many elements is out of line: its operands are
//! written to the value stack above its top.

use std::mem::offset_of;

use super::state::{load_of, store_of};
use super::{Address, Builder, Class, Helper, Inst, Value};
use crate::error::Result;
use crate::gc::{Cast, CastTest};
use crate::ir::types::aggregate_types;
use crate::ir::{self, Operand, Slot, Type};
use crate::jit::ssa::ObjectRoom;
use crate::ops::{Group, Op, group};
use crate::trap::TrapKind;
use crate::types::{DefinedType, FieldLayout, OBJECT_HEADER_BYTES, RefType, StorageType};
use crate::vm::{Cx, GcHeader};

pub(super) const SLOT_BYTES: usize = 8;
/// Objects up to this size are cleared by inline code.
const CLEARED_BYTES_MAX: u32 = 128;

/// The load of a field's value.
fn field_load(field: FieldLayout, is_signed: bool) -> Op {
    match (field.storage, is_signed) {
        (StorageType::I8, false) => Op::I32Load8U,
        (StorageType::I8, true) => Op::I32Load8S,
        (StorageType::I16, false) => Op::I32Load16U,
        (StorageType::I16, true) => Op::I32Load16S,
        (StorageType::Val(ty), _) => load_of(ty.into()),
    }
}

fn field_store(field: FieldLayout) -> Op {
    match field.storage {
        StorageType::I8 => Op::I32Store8,
        StorageType::I16 => Op::I32Store16,
        StorageType::Val(ty) => store_of(ty.into()),
    }
}

impl Builder<'_> {
    // --- references ------------------------------------------------------------------------------

    pub(super) fn ref_unary(&mut self, op: Op, a: Value) -> Result<Value> {
        Ok(if op == Op::I64Eqz {
            self.unary(op, a)
        } else if op == Op::RefI31 {
            let one = self.constant(Type::I32, 1);
            let shifted = self.binary(Op::I32Shl, a, one);
            let word = self.binary(Op::I32Or, shifted, one);
            self.unary(Op::I64ExtendI32U, word)
        } else if op == Op::I31GetS {
            self.i31(a, Op::I32ShrS)
        } else if op == Op::I31GetU {
            self.i31(a, Op::I32ShrU)
        } else if op == Op::ArrayLen {
            self.trap_if_null(a, TrapKind::NullArrayReference);
            self.array_len(a)
        } else if op == Op::RefGetDesc {
            self.trap_if_null(a, TrapKind::NullReference);
            let base = self.object_address(a);
            let at = offset_of!(GcHeader, extra);
            self.load(Op::I64Load32U, Class::Fixed, base, at, Type::Ref)
        } else {
            return Self::unsupported(op);
        })
    }

    /// The number of an i31, which is above the lowest bit.
    fn i31(&mut self, a: Value, shift: Op) -> Value {
        self.trap_if_null(a, TrapKind::NullI31Reference);
        let word = self.unary(Op::I32WrapI64, a);
        let one = self.constant(Type::I32, 1);
        self.binary(shift, word, one)
    }

    // --- fields ----------------------------------------------------------------------------------

    /// The address of an object that there is: the reference is known not to be null.
    pub(super) fn object_address(&mut self, object: Value) -> Value {
        let cx = self.one(Inst::Cx, Type::I64);
        let at = offset_of!(Cx, gc_base);
        let base = self.load(Op::I64Load, Class::Fixed, cx, at, Type::I64);
        self.binary(Op::I64Add, base, object)
    }

    fn array_len(&mut self, array: Value) -> Value {
        let base = self.object_address(array);
        let at = offset_of!(GcHeader, extra);
        self.load(Op::I32Load, Class::Fixed, base, at, Type::I32)
    }

    /// The place of an array's element, which must be there.
    fn element(&mut self, element: FieldLayout, array: Value, index: Value) -> Address {
        self.trap_if_null(array, TrapKind::NullArrayReference);
        let len = self.array_len(array);
        let outside = self.binary(Op::I32GeU, index, len);
        self.trap_if(outside, TrapKind::ArrayOutOfBounds);
        let base = self.object_address(array);
        let header = self.constant(Type::I64, OBJECT_HEADER_BYTES.into());
        let first = self.binary(Op::I64Add, base, header);
        let wide = self.unary(Op::I64ExtendI32U, index);
        let log2 = self.constant(Type::I64, element.size_log2.into());
        let distance = self.binary(Op::I64Shl, wide, log2);
        (self.binary(Op::I64Add, first, distance), 0)
    }

    pub(super) fn struct_get(&mut self, op: Op, of: (u32, u32), dst: Slot, object: Operand) {
        let object = self.read(object, Type::Ref);
        self.trap_if_null(object, TrapKind::NullStructReference);
        let field = self.module.field(of.0, of.1);
        let place = self.field_place(object, field);
        self.get_field(op, field, dst, place);
    }

    pub(super) fn struct_set(&mut self, of: (u32, u32), object: Operand, value: Operand) {
        let field = self.module.field(of.0, of.1);
        let object = self.read(object, Type::Ref);
        let value = self.read(value, field.storage.into());
        self.trap_if_null(object, TrapKind::NullStructReference);
        let place = self.field_place(object, field);
        self.set_field(field, place, value);
    }

    fn field_place(&mut self, object: Value, field: FieldLayout) -> Address {
        let offset = field.offset_bytes as i32;
        (self.object_address(object), offset)
    }

    pub(super) fn array_get(
        &mut self,
        op: Op,
        type_index: u32,
        dst: Slot,
        [array, index]: [Operand; 2],
    ) {
        let element = self.module.field(type_index, 0);
        let array = self.read(array, Type::Ref);
        let index = self.read(index, Type::I32);
        let place = self.element(element, array, index);
        self.get_field(op, element, dst, place);
    }

    pub(super) fn array_set(&mut self, type_index: u32, operands: ir::List) {
        let element = self.module.field(type_index, 0);
        let operands = self.list(operands);
        let array = self.read(operands[0], Type::Ref);
        let index = self.read(operands[1], Type::I32);
        let value = self.read(operands[2], element.storage.into());
        let place = self.element(element, array, index);
        self.set_field(element, place, value);
    }

    fn get_field(&mut self, op: Op, field: FieldLayout, dst: Slot, (base, offset): Address) {
        let is_signed = matches!(op, Op::StructGetS | Op::ArrayGetS);
        // Loads of what never changes are shared.
        let class = if field.is_mutable {
            Class::Object
        } else {
            Class::Fixed
        };
        let (op, ty) = (field_load(field, is_signed), field.storage.into());
        let value = self.load(op, class, base, offset as usize, ty);
        self.write(dst, value);
    }

    fn set_field(&mut self, field: FieldLayout, (base, offset): Address, value: Value) {
        self.put(field_store(field), Class::Object, (base, offset), value);
    }

    // --- allocation ------------------------------------------------------------------------------

    pub(super) fn aggregate(
        &mut self,
        op: Op,
        (type_index, b): (u32, u32),
        dst: Slot,
        operands: ir::List,
    ) -> Result<()> {
        use group::Aggregate as A;
        let Group::Aggregate(row) = op.group() else {
            return Self::unsupported(op);
        };
        let (types, result) = aggregate_types(self.ir, op, type_index, b);
        let pairs = self.list(operands).iter().zip(types);
        let operands: Vec<(Value, Type)> = pairs.map(|(&o, ty)| (self.read(o, ty), ty)).collect();
        let values: Vec<Value> = operands.iter().map(|&(value, _)| value).collect();
        let ty = self.module.defined(type_index);
        let is_small = ty.layout.size_bytes <= CLEARED_BYTES_MAX;
        let object = match row {
            A::StructNew => self.new_struct(&ty, None, &values),
            A::StructNewDefault if is_small => self.new_struct(&ty, None, &[]),
            A::StructNewDefaultDesc if is_small => self.new_struct(&ty, Some(values[0]), &[]),
            A::StructNewDesc => match values.split_last() {
                Some((&descriptor, fields)) => self.new_struct(&ty, Some(descriptor), fields),
                None => unreachable!("the descriptor is the last operand"),
            },
            A::ArrayNewFixed => self.new_array(&ty, &values),
            A::StructNewDefault
            | A::StructNewDefaultDesc
            | A::ArrayNew
            | A::ArrayNewDefault
            | A::ArrayNewData
            | A::ArrayNewElem
            | A::ArrayFill
            | A::ArrayCopy
            | A::ArrayInitData
            | A::ArrayInitElem => {
                self.aggregate_out_of_line(op, (&*ty, b), dst, &operands, result);
                return Ok(());
            }
        };
        self.write(dst, object);
        Ok(())
    }

    /// A structure with given fields; without any, all are zero.
    fn new_struct(
        &mut self,
        ty: &DefinedType,
        descriptor: Option<Value>,
        fields: &[Value],
    ) -> Value {
        if let Some(descriptor) = descriptor {
            self.trap_if_null(descriptor, TrapKind::NullDescriptorReference);
        }
        let bytes = ty.layout.size_bytes;
        let (object, base) = self.new_object(ty, bytes.into(), 0);
        if let Some(descriptor) = descriptor {
            let at = offset_of!(GcHeader, extra) as i32;
            self.put(Op::I64Store32, Class::Object, (base, at), descriptor);
        }
        for (n, &value) in fields.iter().enumerate() {
            let field = ty.layout.fields[n];
            self.set_field(field, (base, field.offset_bytes as i32), value);
        }
        if fields.is_empty() {
            let zero = self.constant(Type::I64, 0);
            for at in (OBJECT_HEADER_BYTES..bytes).step_by(SLOT_BYTES) {
                self.put(Op::I64Store, Class::Object, (base, at as i32), zero);
            }
        }
        object
    }

    /// An array of given elements.
    fn new_array(&mut self, ty: &DefinedType, elements: &[Value]) -> Value {
        let field = ty.layout.fields[0];
        let len = elements.len() as u32;
        let bytes = u64::from(len) << field.size_log2;
        let (object, base) = self.new_object(ty, u64::from(OBJECT_HEADER_BYTES) + bytes, len);
        for (n, &value) in elements.iter().enumerate() {
            let at = OBJECT_HEADER_BYTES as usize + (n << field.size_log2);
            self.set_field(field, (base, at as i32), value);
        }
        object
    }

    /// A new object with its head: its reference and its address.
    pub(super) fn new_object(
        &mut self,
        ty: &DefinedType,
        bytes: u64,
        extra: u32,
    ) -> (Value, Value) {
        let id = ty.id();
        let room = ObjectRoom { ty: id, bytes };
        let object = self.one(Inst::Allocate { room }, Type::Ref);
        let base = self.object_address(object);
        let head = u64::from(id.0) | u64::from(extra) << 32;
        let head = self.constant(Type::I64, head);
        self.put(Op::I64Store, Class::Object, (base, 0), head);
        (object, base)
    }

    /// Calls what is out of line in every tier (`store/aggregate.rs`).
    fn aggregate_out_of_line(
        &mut self,
        op: Op,
        (ty, b): (&DefinedType, u32),
        dst: Slot,
        operands: &[(Value, Type)],
        result: Option<Type>,
    ) {
        let cx = self.one(Inst::Cx, Type::I64);
        let at = offset_of!(Cx, top);
        let slots = self.load(Op::I64Load, Class::Shape, cx, at, Type::I64);
        let mut offset = 0;
        for &(value, ty) in operands {
            let store = match ty {
                Type::I32 => Op::I32Store,
                _ => store_of(ty),
            };
            self.put(store, Class::Transfer, (slots, offset as i32), value);
            offset += ty.slots() as usize * SLOT_BYTES;
        }
        // Room for the result.
        let bytes = self.constant(Type::I64, offset.max(SLOT_BYTES) as u64);
        let top = self.binary(Op::I64Add, slots, bytes);
        let args = [
            self.constant(Type::I32, op as u64),
            self.constant(Type::I32, ty.id().0.into()),
            self.constant(Type::I32, b.into()),
            slots,
            top,
        ];
        self.helper(op, Helper::Aggregate, &args, &[]);
        if let Some(ty) = result {
            let value = self.load(Op::I64Load, Class::Transfer, slots, 0, ty);
            self.write(dst, value);
        }
    }

    // --- casts -----------------------------------------------------------------------------------

    pub(super) fn has_descriptor(
        &mut self,
        nullable: bool,
        a: Operand,
        descriptor: Operand,
    ) -> Value {
        let a = self.read(a, Type::Ref);
        let descriptor = self.read(descriptor, Type::Ref);
        self.trap_if_null(descriptor, TrapKind::NullDescriptorReference);
        let inst = Inst::HasDescriptor {
            nullable,
            a,
            descriptor,
        };
        self.one(inst, Type::I32)
    }

    /// True if a reference is of a type. A test that does not look at an object is arithmetic.
    pub(super) fn is_of_type(&mut self, a: Operand, ty: RefType) -> Value {
        let cast = Cast::new(&self.module.registry, ty);
        let a = self.read(a, Type::Ref);
        let is_it = match cast.test {
            CastTest::Always if cast.nullable => return self.constant(Type::I32, 1),
            CastTest::Always => {
                let is_null = self.unary(Op::I64Eqz, a);
                return self.unary(Op::I32Eqz, is_null);
            }
            CastTest::Never if cast.nullable => return self.unary(Op::I64Eqz, a),
            CastTest::Never => return self.constant(Type::I32, 0),
            CastTest::I31 => self.low_bits_of(a, 1),
            CastTest::Eq => {
                // A host's reference ends in binary 010, an object in 000.
                let low = self.low_bits_of(a, 7);
                let host = self.constant(Type::I32, 2);
                let is_it = self.binary(Op::I32Ne, low, host);
                if cast.nullable {
                    return is_it;
                }
                let is_null = self.unary(Op::I64Eqz, a);
                let is_some = self.unary(Op::I32Eqz, is_null);
                return self.binary(Op::I32And, is_it, is_some);
            }
            CastTest::Struct
            | CastTest::Array
            | CastTest::Object
            | CastTest::ObjectExact
            | CastTest::Func
            | CastTest::FuncExact => return self.one(Inst::Cast { cast, a }, Type::I32),
        };
        if !cast.nullable {
            return is_it;
        }
        let is_null = self.unary(Op::I64Eqz, a);
        self.binary(Op::I32Or, is_it, is_null)
    }

    fn low_bits_of(&mut self, a: Value, mask: u64) -> Value {
        let low = self.unary(Op::I32WrapI64, a);
        let mask = self.constant(Type::I32, mask);
        self.binary(Op::I32And, low, mask)
    }
}
