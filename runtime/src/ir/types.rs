//! The types of operands and results, from the opcode table and from the module.

use super::visit::Imm;
use super::{FuncIr, Type};
use crate::gc::{aggregate_operands, makes_object};
use crate::ops::{Group, Imms, Op, SigType, Signature};
use crate::types::ValType;

/// The type that a signature's type has where addresses are of type `address`.
fn sig_type(ty: SigType, address: Type) -> Type {
    match ty {
        SigType::I32 => Type::I32,
        SigType::I64 => Type::I64,
        SigType::F32 => Type::F32,
        SigType::F64 => Type::F64,
        SigType::V128 => Type::V128,
        SigType::Ref => Type::Ref,
        SigType::Addr => address,
    }
}

/// Parameters and results of an opcode with a fixed signature; nothing for the others.
#[inline]
fn fixed(op: Op) -> (&'static [SigType], &'static [SigType]) {
    match op.row().signature {
        Signature::Fixed { params, results } => (params, results),
        Signature::Special => (&[], &[]),
    }
}

/// The type of the `n`th operand of an opcode with a fixed signature, which is not an address.
#[inline]
pub(crate) fn param(op: Op, n: usize) -> Type {
    sig_type(fixed(op).0[n], Type::I32)
}

/// The type of the result of an opcode with a fixed signature, which is not an address.
#[inline]
pub(crate) fn result(op: Op) -> Type {
    sig_type(fixed(op).1[0], Type::I32)
}

/// The types of the operands of an opcode with a fixed signature.
#[inline]
pub(super) fn params(op: Op, address: Type) -> impl ExactSizeIterator<Item = Type> {
    fixed(op).0.iter().map(move |&ty| sig_type(ty, address))
}

/// The types of the results of an opcode with a fixed signature.
#[inline]
pub(super) fn results(op: Op, address: Type) -> impl ExactSizeIterator<Item = Type> {
    fixed(op).1.iter().map(move |&ty| sig_type(ty, address))
}

/// The types of parameters or results of a function.
#[inline]
pub(super) fn types_of(types: &[ValType]) -> impl ExactSizeIterator<Item = Type> {
    types.iter().map(|&ty| ty.into())
}

/// The index immediates `a` and `b` of an opcode by kind, as its row says.
pub(super) fn indices(op: Op, a: u32, b: u32) -> [Option<Imm>; 2] {
    match op.row().imms {
        Imms::Func => [Some(Imm::Func(a)), None],
        Imms::CallIndirect => [Some(Imm::Type(a)), Some(Imm::Table(b))],
        Imms::Type => [Some(Imm::Type(a)), None],
        Imms::StructField => [Some(Imm::Type(a)), Some(Imm::Field(b))],
        Imms::TypeCount => [Some(Imm::Type(a)), Some(Imm::Count(b))],
        Imms::TypeData => [Some(Imm::Type(a)), Some(Imm::Data(b))],
        Imms::TypeElem => [Some(Imm::Type(a)), Some(Imm::Element(b))],
        Imms::TypeType => [Some(Imm::Type(a)), Some(Imm::Type(b))],
        Imms::TypeTag => [Some(Imm::Type(a)), Some(Imm::Tag(b))],
        Imms::Global => [Some(Imm::Global(a)), None],
        Imms::Table => [Some(Imm::Table(a)), None],
        Imms::TableInit => [Some(Imm::Element(a)), Some(Imm::Table(b))],
        Imms::TableCopy => [Some(Imm::Table(a)), Some(Imm::Table(b))],
        Imms::Elem => [Some(Imm::Element(a)), None],
        Imms::Memory => [Some(Imm::Memory(a)), None],
        Imms::MemoryInit => [Some(Imm::Data(a)), Some(Imm::Memory(b))],
        Imms::MemoryCopy => [Some(Imm::Memory(a)), Some(Imm::Memory(b))],
        Imms::Data => [Some(Imm::Data(a)), None],
        Imms::Tag => [Some(Imm::Tag(a)), None],
        Imms::None
        | Imms::BlockType
        | Imms::Label
        | Imms::BrTable
        | Imms::Local
        | Imms::SelectTypes
        | Imms::MemArg
        | Imms::MemArgLane
        | Imms::AtomicMemArg
        | Imms::I32
        | Imms::I64
        | Imms::F32
        | Imms::F64
        | Imms::V128
        | Imms::Lane
        | Imms::Lanes
        | Imms::HeapType
        | Imms::BrOnCast
        | Imms::TryTable
        | Imms::Ordering
        | Imms::AtomicIndex
        | Imms::AtomicField
        | Imms::Resume
        | Imms::ResumeThrow => [None, None],
    }
}

/// The type of the addresses in the memory or table of an index.
fn address_type(func: &FuncIr, imm: Imm) -> Option<Type> {
    if let Imm::Memory(memory) = imm {
        Some(func.memory_address(memory))
    } else if let Imm::Table(table) = imm {
        Some(func.table_address(table))
    } else {
        None
    }
}

/// The types of the operands of a helper, and of its result. `a` and `b` are its indices.
pub(crate) fn helper_types(
    func: &FuncIr,
    op: Op,
    a: u32,
    b: u32,
) -> ([Option<Type>; 3], Option<Type>) {
    let addresses = indices(op, a, b).map(|imm| address_type(func, imm?));
    let address = match addresses {
        // Between two memories or tables: the length is of the shorter type.
        [Some(to), Some(from)] => {
            let len = if to == Type::I64 { from } else { to };
            return ([Some(to), Some(from), Some(len)], None);
        }
        [one, other] => one.or(other).unwrap_or(Type::I32),
    };
    let given = Some(address);
    if op == Op::TableGrow {
        return ([Some(Type::Ref), given, None], given);
    }
    if op == Op::TableFill {
        return ([given, Some(Type::Ref), given], None);
    }
    let mut types = params(op, address);
    let operands = [(); 3].map(|()| types.next());
    (operands, results(op, address).next())
}

/// The type that a field of a structure has outside of it.
pub(super) fn field_type(func: &FuncIr, type_index: u32, field: u32) -> Type {
    func.module.field(type_index, field).storage.into()
}

/// The type that an element of an array has outside of it.
pub(super) fn element_type(func: &FuncIr, type_index: u32) -> Type {
    field_type(func, type_index, 0)
}

/// The types of the operands of an `Aggregate`, and of its result.
pub(crate) fn aggregate_types(
    func: &FuncIr,
    op: Op,
    type_index: u32,
    b: u32,
) -> (Vec<Type>, Option<Type>) {
    let Group::Aggregate(row) = op.group() else {
        return (Vec::new(), None);
    };
    let defined = func.module.defined(type_index);
    let operands = aggregate_operands(row, &defined.layout, b);
    let types = operands.into_iter().map(Type::from).collect();
    (types, makes_object(row).then_some(Type::Ref))
}
