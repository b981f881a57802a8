//! A function that computes: a short straight line of numeric operations over operands.
//!
//! Owns the decision which functions are such, made from the bytes of the validated body. The
//! operations are kept as the bytes that they are; what they take from outside, a parameter or a
//! constant of the body, is an operand, which a variant of the function may take from elsewhere.

use std::collections::BTreeSet;

use wassay_runtime::interior::decode::{Decoder, Imm, Instr, RawValType};
use wassay_runtime::interior::module::ModuleParts;
use wassay_runtime::interior::ops::{Domain, Op, Shape};

use crate::script::Argument;

/// The most operations of a body.
const OPS_MAX: usize = 16;
/// The most operands of a body.
const OPERANDS_MAX: usize = 8;

/// A type of a number or vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Type {
    I32,
    I64,
    F32,
    F64,
    V128,
}

impl Type {
    /// The name in the text format.
    pub(super) fn name(self) -> &'static str {
        match self {
            Type::I32 => "i32",
            Type::I64 => "i64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::V128 => "v128",
        }
    }

    /// The width in bits.
    pub(super) fn bits(self) -> u32 {
        match self {
            Type::I32 | Type::F32 => 32,
            Type::I64 | Type::F64 => 64,
            Type::V128 => 128,
        }
    }

    /// The bits that a value has.
    pub(super) fn mask(self) -> u128 {
        u128::MAX >> (128 - self.bits())
    }
}

/// A number or vector, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Number {
    pub(super) ty: Type,
    /// Zero above the type's width.
    pub(super) bits: u128,
}

impl Number {
    pub(super) fn new(ty: Type, bits: u128) -> Number {
        Number { ty, bits }
    }

    /// The number of an argument, unless that is a reference.
    pub(super) fn of(argument: &Argument) -> Option<Number> {
        Some(match argument {
            Argument::I32(value) => Number::new(Type::I32, u128::from(*value)),
            Argument::I64(value) => Number::new(Type::I64, u128::from(*value)),
            Argument::F32(bits) => Number::new(Type::F32, u128::from(*bits)),
            Argument::F64(bits) => Number::new(Type::F64, u128::from(*bits)),
            Argument::V128(bytes) => Number::new(Type::V128, u128::from_le_bytes(*bytes)),
            Argument::RefNull(_) | Argument::RefExtern(_) | Argument::RefHost(_) => return None,
        })
    }

    /// The argument that it is.
    pub(super) fn argument(self) -> Argument {
        match self.ty {
            Type::I32 => Argument::I32(self.bits as u32),
            Type::I64 => Argument::I64(self.bits as u64),
            Type::F32 => Argument::F32(self.bits as u32),
            Type::F64 => Argument::F64(self.bits as u64),
            Type::V128 => Argument::V128(self.bits.to_le_bytes()),
        }
    }
}

/// A piece of a body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Take this operand.
    Operand(usize),
    /// Instructions, as they are encoded.
    Code(Vec<u8>),
}

/// What a body computes, whatever its operands are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Body {
    /// The types of the operands, in the order in which they are first taken.
    pub(super) operands: Vec<Type>,
    pub(super) results: Vec<Type>,
    pub(super) parts: Vec<Part>,
    /// Whether an operation may trap.
    pub(super) may_trap: bool,
    /// Whether the last operation compares.
    pub(super) compares: bool,
    /// The operations, without repetition.
    pub(super) ops: BTreeSet<Op>,
}

/// Where an operand of a function comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// The parameter of this index.
    Parameter(usize),
    /// A constant of its code.
    Constant(Number),
}

/// A function that computes.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) body: Body,
    pub(super) operands: Vec<Operand>,
    pub(super) parameters: usize,
}

/// Decodes a function by its index in the module.
///
/// # Errors
/// Why it is not one that only computes.
pub(super) fn decode(module: &ModuleParts, index: u32) -> Result<Function, &'static str> {
    let defined = index.checked_sub(module.imported.funcs);
    let Some(range) = defined.and_then(|index| module.bodies.get(index as usize)) else {
        return Err("an imported function");
    };
    let signature = &module.signatures[index as usize];
    let parameters = types(signature.params())?;
    let results = types(signature.results())?;
    let mut reader = Decoder::new(&module.bytes[range.clone()], range.start);
    let malformed = |_| "a body that does not decode";
    reader.read_locals(|_, _| ()).map_err(malformed)?;
    let mut reading = Reading::new(parameters, results);
    while !reader.is_at_end() {
        let instr = reader.read().map_err(malformed)?;
        let bytes = &module.bytes[instr.offset..reader.offset()];
        if instr.op == Op::End && reader.is_at_end() {
            return reading.finish();
        }
        reading.add(&instr, bytes)?;
    }
    Err("a body without an end")
}

/// A body being read.
struct Reading {
    body: Body,
    operands: Vec<Operand>,
    parameters: Vec<Type>,
    op_count: usize,
}

impl Reading {
    fn new(parameters: Vec<Type>, results: Vec<Type>) -> Reading {
        Reading {
            body: Body {
                operands: Vec::new(),
                results,
                parts: Vec::new(),
                may_trap: false,
                compares: false,
                ops: BTreeSet::new(),
            },
            operands: Vec::new(),
            parameters,
            op_count: 0,
        }
    }

    fn add(&mut self, instr: &Instr<'_>, bytes: &[u8]) -> Result<(), &'static str> {
        if let Some(number) = constant(&instr.imm) {
            self.take(Operand::Constant(number), number.ty);
            return Ok(());
        }
        if let (Op::LocalGet, Imm::Index(local)) = (instr.op, &instr.imm) {
            return self.parameter(*local as usize);
        }
        match refusal(instr) {
            Some(reason) => Err(reason),
            None => {
                self.operation(instr.op, bytes);
                Ok(())
            }
        }
    }

    fn parameter(&mut self, index: usize) -> Result<(), &'static str> {
        let ty = self.parameters.get(index).copied();
        let ty = ty.ok_or("a local that is no parameter")?;
        match self
            .operands
            .iter()
            .position(|it| *it == Operand::Parameter(index))
        {
            Some(known) => self.body.parts.push(Part::Operand(known)),
            None => self.take(Operand::Parameter(index), ty),
        }
        Ok(())
    }

    fn take(&mut self, operand: Operand, ty: Type) {
        self.body.parts.push(Part::Operand(self.operands.len()));
        self.body.operands.push(ty);
        self.operands.push(operand);
    }

    fn operation(&mut self, op: Op, bytes: &[u8]) {
        let shape = op.shape();
        self.body.may_trap |= shape.effects().traps;
        self.body.compares = matches!(shape, Shape::Compare | Shape::Test);
        self.body.ops.insert(op);
        self.op_count += 1;
        match self.body.parts.last_mut() {
            Some(Part::Code(code)) => code.extend(bytes),
            Some(Part::Operand(_)) | None => self.body.parts.push(Part::Code(bytes.to_vec())),
        }
    }

    fn finish(self) -> Result<Function, &'static str> {
        if self.op_count == 0 {
            return Err("no numeric operation");
        } else if self.op_count > OPS_MAX || self.operands.len() > OPERANDS_MAX {
            return Err("too long");
        }
        Ok(Function {
            body: self.body,
            operands: self.operands,
            parameters: self.parameters.len(),
        })
    }
}

/// The number that an immediate is.
fn constant(imm: &Imm<'_>) -> Option<Number> {
    Some(match *imm {
        Imm::I32(value) => Number::new(Type::I32, u128::from(value.cast_unsigned())),
        Imm::I64(value) => Number::new(Type::I64, u128::from(value.cast_unsigned())),
        Imm::F32(bits) => Number::new(Type::F32, u128::from(bits)),
        Imm::F64(bits) => Number::new(Type::F64, u128::from(bits)),
        Imm::V128(bits) => Number::new(Type::V128, bits),
        _ => return None, // no constant
    })
}

/// The reason why an instruction does more than compute numbers from numbers, if it does.
fn refusal(instr: &Instr<'_>) -> Option<&'static str> {
    match instr.op.shape().domain() {
        Domain::Numeric => None,
        Domain::Parametric if instr.op == Op::Drop => Some("drop"),
        Domain::Parametric => match instr.imm {
            Imm::Select(mut types) => types
                .any(|ty| matches!(ty, RawValType::Ref(_)))
                .then_some("references"),
            _ => None, // of numbers, since nothing else is taken
        },
        Domain::Control => Some("blocks"),
        Domain::Call => Some("calls"),
        Domain::Variable => Some("locals that are set, or globals"),
        Domain::Memory => Some("memory accesses"),
        Domain::Constant
        | Domain::Exception
        | Domain::Table
        | Domain::Reference
        | Domain::Aggregate
        | Domain::SharedEverything
        | Domain::StackSwitching => Some("other instructions"),
    }
}

fn types(types: &[wassay_runtime::ValType]) -> Result<Vec<Type>, &'static str> {
    use wassay_runtime::ValType as V;
    let ty = |ty: &V| match ty {
        V::I32 => Ok(Type::I32),
        V::I64 => Ok(Type::I64),
        V::F32 => Ok(Type::F32),
        V::F64 => Ok(Type::F64),
        V::V128 => Ok(Type::V128),
        V::Ref(_) => Err("references"),
    };
    types.iter().map(ty).collect()
}
