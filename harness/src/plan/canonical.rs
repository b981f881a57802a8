//! Modules whose NaNs are canonical: after each instruction that may make a NaN of its own bits,
//! the canonical one is put in its place.
//!
//! Engines choose the bits of the NaNs that arithmetic makes (spec: "NaN propagation"). A program
//! that looks at them differs between engines that are both right, so programs are changed where
//! engines of other makers vote. Our own tiers need none of it in the deterministic profile, whose
//! NaNs are these. A module with relaxed instructions cannot be helped.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{CodeSection, Function, Instruction as I, Module, ValType};
use wasmparser::{CompositeInnerType, FunctionBody, Operator, Parser, Payload};

/// The module with canonical NaNs; `None` if it has relaxed instructions or cannot be read.
pub(super) fn canonical(module: &[u8]) -> Option<Vec<u8>> {
    let mut canonicaliser = Canonicaliser {
        parameters: parameters(module)?,
        next: 0,
        is_relaxed: false,
    };
    let mut out = Module::new();
    let parsed = canonicaliser.parse_core_module(&mut out, Parser::new(0), module);
    (parsed.is_ok() && !canonicaliser.is_relaxed).then(|| out.finish())
}

/// The numbers of parameters of the functions that a module defines.
fn parameters(module: &[u8]) -> Option<Vec<u32>> {
    let mut types: Vec<u32> = Vec::new();
    let mut functions = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.ok()? {
            Payload::TypeSection(groups) => {
                for group in groups {
                    types.extend(
                        group
                            .ok()?
                            .types()
                            .map(|ty| match &ty.composite_type.inner {
                                CompositeInnerType::Func(ty) => ty.params().len() as u32,
                                CompositeInnerType::Array(_)
                                | CompositeInnerType::Struct(_)
                                | CompositeInnerType::Cont(_) => 0,
                            }),
                    );
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    functions.push(*types.get(ty.ok()? as usize)?);
                }
            }
            _ => {}
        }
    }
    Some(functions)
}

struct Canonicaliser {
    parameters: Vec<u32>,
    /// The function that comes next.
    next: usize,
    is_relaxed: bool,
}

/// A type of values that may be, or have lanes that are, NaNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Float {
    F32,
    F64,
    F32x4,
    F64x2,
}

/// The type of the value of an instruction, if the instruction may make a NaN.
fn made(operator: &Operator<'_>) -> Option<Float> {
    use Operator as O;
    match operator {
        O::F32Add
        | O::F32Sub
        | O::F32Mul
        | O::F32Div
        | O::F32Sqrt
        | O::F32Ceil
        | O::F32Floor
        | O::F32Trunc
        | O::F32Nearest
        | O::F32Min
        | O::F32Max
        | O::F32DemoteF64 => Some(Float::F32),
        O::F64Add
        | O::F64Sub
        | O::F64Mul
        | O::F64Div
        | O::F64Sqrt
        | O::F64Ceil
        | O::F64Floor
        | O::F64Trunc
        | O::F64Nearest
        | O::F64Min
        | O::F64Max
        | O::F64PromoteF32 => Some(Float::F64),
        O::F32x4Add
        | O::F32x4Sub
        | O::F32x4Mul
        | O::F32x4Div
        | O::F32x4Sqrt
        | O::F32x4Ceil
        | O::F32x4Floor
        | O::F32x4Trunc
        | O::F32x4Nearest
        | O::F32x4Min
        | O::F32x4Max
        | O::F32x4DemoteF64x2Zero => Some(Float::F32x4),
        O::F64x2Add
        | O::F64x2Sub
        | O::F64x2Mul
        | O::F64x2Div
        | O::F64x2Sqrt
        | O::F64x2Ceil
        | O::F64x2Floor
        | O::F64x2Trunc
        | O::F64x2Nearest
        | O::F64x2Min
        | O::F64x2Max
        | O::F64x2PromoteLowF32x4 => Some(Float::F64x2),
        _ => None,
    }
}

fn is_relaxed(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::I8x16RelaxedSwizzle
            | O::I32x4RelaxedTruncF32x4S
            | O::I32x4RelaxedTruncF32x4U
            | O::I32x4RelaxedTruncF64x2SZero
            | O::I32x4RelaxedTruncF64x2UZero
            | O::F32x4RelaxedMadd
            | O::F32x4RelaxedNmadd
            | O::F64x2RelaxedMadd
            | O::F64x2RelaxedNmadd
            | O::I8x16RelaxedLaneselect
            | O::I16x8RelaxedLaneselect
            | O::I32x4RelaxedLaneselect
            | O::I64x2RelaxedLaneselect
            | O::F32x4RelaxedMin
            | O::F32x4RelaxedMax
            | O::F64x2RelaxedMin
            | O::F64x2RelaxedMax
            | O::I16x8RelaxedQ15mulrS
            | O::I16x8RelaxedDotI8x16I7x16S
            | O::I32x4RelaxedDotI8x16I7x16AddS
    )
}

/// Locals behind those of a function that hold a value while it is looked at, of the types that the
/// function makes: a module may not know others.
struct Scratches {
    first: u32,
    types: Vec<ValType>,
}

impl Scratches {
    fn new(first: u32) -> Scratches {
        Scratches {
            first,
            types: Vec::new(),
        }
    }

    /// The local for values of a type.
    fn of(&mut self, float: Float) -> u32 {
        let ty = match float {
            Float::F32 => ValType::F32,
            Float::F64 => ValType::F64,
            Float::F32x4 | Float::F64x2 => ValType::V128,
        };
        let known = self.types.iter().position(|it| *it == ty);
        let index = known.unwrap_or_else(|| {
            self.types.push(ty);
            self.types.len() - 1
        });
        self.first + index as u32
    }
}

/// The canonical NaN in place of a value that is one.
fn put_canonical(function: &mut Function, float: Float, local: u32) {
    const F32: u32 = 0x7fc0_0000;
    const F64: u64 = 0x7ff8_0000_0000_0000;
    let f32s = u128::from(F32) * 0x0000_0001_0000_0001_0000_0001_0000_0001;
    let f64s = u128::from(F64) * 0x1_0000_0000_0000_0001;
    let (nan, equal, select) = match float {
        Float::F32 => {
            let nan = I::F32Const(f32::from_bits(F32).into());
            (nan, I::F32Eq, I::Select)
        }
        Float::F64 => {
            let nan = I::F64Const(f64::from_bits(F64).into());
            (nan, I::F64Eq, I::Select)
        }
        Float::F32x4 => {
            let nan = I::V128Const(f32s as i128);
            (nan, I::F32x4Eq, I::V128Bitselect)
        }
        Float::F64x2 => {
            let nan = I::V128Const(f64s as i128);
            (nan, I::F64x2Eq, I::V128Bitselect)
        }
    };
    // A value that is equal to itself is no NaN.
    let code = [
        I::LocalTee(local),
        nan,
        I::LocalGet(local),
        I::LocalGet(local),
        equal,
        select,
    ];
    for instruction in &code {
        function.instruction(instruction);
    }
}

impl Reencode for Canonicaliser {
    type Error = Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error<Infallible>> {
        let mut scratch = self.parameters.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        let mut locals = Vec::new();
        for local in body.get_locals_reader()? {
            let (count, ty) = local?;
            scratch += count;
            locals.push((count, self.val_type(ty)?));
        }
        let mut scratches = Scratches::new(scratch);
        let mut code_of_body = Vec::new();
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            self.is_relaxed |= is_relaxed(&operator);
            let made = made(&operator).map(|float| (float, scratches.of(float)));
            code_of_body.push((self.instruction(operator)?, made));
        }
        locals.extend(scratches.types.iter().map(|&ty| (1, ty)));
        let mut function = Function::new(locals);
        for (instruction, made) in code_of_body {
            function.instruction(&instruction);
            if let Some((float, local)) = made {
                put_canonical(&mut function, float, local);
            }
        }
        code.function(&function);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::write::encoded;

    fn text(module: &str) -> Option<String> {
        let module = canonical(&encoded(module).expect("a module"))?;
        wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
            .validate_all(&module)
            .expect("it stays valid");
        Some(wasmprinter::print_bytes(module).expect("it prints"))
    }

    #[test]
    fn what_arithmetic_makes_is_looked_at() {
        let printed = text(
            r#"(module (func (param i32 f32) (result f64) (local i64)
                 (f64.add (f64.promote_f32 (f32.neg (local.get 1))) (f64.const nan)))
               (func (param v128) (result v128) (f32x4.mul (local.get 0) (local.get 0))))"#,
        );
        let printed = printed.expect("nothing is relaxed");
        assert_eq!(printed.matches("local.tee 3").count(), 2, "{printed}");
        assert_eq!(printed.matches("f64.eq").count(), 2, "{printed}");
        assert_eq!(printed.matches("v128.bitselect").count(), 1, "{printed}");
        assert_eq!(printed.matches("f32.eq").count(), 0, "{printed}");
    }

    /// A module whose features lack vectors has none afterwards.
    #[test]
    fn locals_are_of_types_that_a_function_makes() {
        let printed = text("(module (func (param f32) (result f32) (f32.sqrt (local.get 0))))");
        let printed = printed.expect("nothing is relaxed");
        assert_eq!(printed.matches("(local f32)").count(), 1, "{printed}");
        assert!(
            !printed.contains("v128") && !printed.contains("f64"),
            "{printed}"
        );
    }

    #[test]
    fn relaxed_modules_are_left_out() {
        let relaxed = "(module (func (param v128) (result v128)
            (f32x4.relaxed_min (local.get 0) (local.get 0))))";
        assert_eq!(text(relaxed), None);
    }

    #[test]
    fn relaxed_instructions_are_those_of_the_table() {
        use crate::features::Proposal;
        use wassay_runtime::interior::ops::Op;
        let of_table = Op::ALL
            .iter()
            .filter(|op| op.proposal() == Proposal::RelaxedSimd);
        assert_eq!(of_table.count(), 20);
    }
}
