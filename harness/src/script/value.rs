//! Values on the command line: read by the type that a function asks for, and printed so that what
//! is printed can be given as an argument again.
//!
//! Numbers are read by the text format's own rules (`wast`): decimal and hex, `_` between digits,
//! hex floats, `inf`, `nan`, `nan:0x200000`. Floats are printed as the shortest decimal that reads
//! back, NaNs by their payload.

use wast::core::V128Const;
use wast::parser::{self, Parse, ParseBuffer};
use wast::token::{F32, F64};

use wassay_runtime::{AbstractHeapType, AnyRef, ExternRef, I31, Ref, RefType, Val, ValType};

/// Reads one argument.
///
/// # Errors
/// If `text` is not a value of the type.
pub fn parse(ty: ValType, text: &str) -> Result<Val, NotAValue> {
    let value = match ty {
        ValType::I32 => token::<i32>(text).map(Val::I32),
        ValType::I64 => token::<i64>(text).map(Val::I64),
        ValType::F32 => token::<F32>(text).map(|value| Val::F32(value.bits)),
        ValType::F64 => token::<F64>(text).map(|value| Val::F64(value.bits)),
        ValType::V128 => parse_v128(text).map(Val::V128),
        ValType::Ref(ty) => parse_ref(ty, text).map(Val::Ref),
    };
    value.ok_or_else(|| NotAValue {
        text: text.to_string(),
        ty,
    })
}

/// Text that is not a value of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a value of type {ty}")]
pub struct NotAValue {
    text: String,
    ty: ValType,
}

/// Reads all of `text` as one token, if it is one.
fn token<T: for<'a> Parse<'a>>(text: &str) -> Option<T> {
    let buffer = ParseBuffer::new(text).ok()?;
    parser::parse::<T>(&buffer).ok()
}

/// `0x` and hex digits, or lanes as the text format writes them after `v128.const`.
fn parse_v128(text: &str) -> Option<u128> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u128::from_str_radix(&digits.replace('_', ""), 16).ok();
    }
    let lanes = token::<V128Const>(text)?;
    Some(u128::from_le_bytes(lanes.to_le_bytes()))
}

/// `null`, or the number that stands for the host's object, `extern:N` or `host:N`, or an i31, as
/// they are printed. The call checks whether the type has them.
fn parse_ref(ty: RefType, text: &str) -> Option<Ref> {
    if text == "null" {
        return ty.is_nullable().then_some(Ref::Null(ty.heap_type().top()));
    }
    let (kind, number) = text.split_once(':')?;
    let number: u32 = number.parse().ok()?;
    match (kind, ty.heap_type().top()) {
        ("extern", AbstractHeapType::Extern) => Some(ExternRef::from_number(number).into()),
        ("host", AbstractHeapType::Any) => Some(AnyRef::Host(number).into()),
        ("i31", AbstractHeapType::Any) => I31::new_u32(number).map(Ref::from),
        _ => None,
    }
}

/// Prints one value.
pub fn text(value: Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) if f32::from_bits(bits).is_nan() => {
            nan(bits >> 31 != 0, u64::from(bits & 0x007f_ffff), 0x0040_0000)
        }
        Val::F32(bits) => f32::from_bits(bits).to_string(),
        Val::F64(bits) if f64::from_bits(bits).is_nan() => nan(
            bits >> 63 != 0,
            bits & 0x000f_ffff_ffff_ffff,
            0x0008_0000_0000_0000,
        ),
        Val::F64(bits) => f64::from_bits(bits).to_string(),
        Val::V128(value) => format!("{value:#034x}"),
        Val::Ref(Ref::Null(_)) => "null".to_string(),
        Val::Ref(Ref::Func(_)) => "funcref".to_string(),
        Val::Ref(Ref::Extern(it)) => match it.number() {
            Some(number) => format!("extern:{number}"),
            None => "extern".to_string(),
        },
        Val::Ref(Ref::Any(AnyRef::Host(number))) => format!("host:{number}"),
        Val::Ref(Ref::Any(AnyRef::I31(value))) => format!("i31:{}", value.get_u32()),
        Val::Ref(Ref::Any(AnyRef::Struct(_))) => "struct".to_string(),
        Val::Ref(Ref::Any(AnyRef::Array(_))) => "array".to_string(),
        Val::Ref(Ref::Exn(_)) => "exn".to_string(),
        Val::Ref(_) => "reference".to_string(),
    }
}

/// A NaN by its sign and payload; the canonical payload goes without saying.
fn nan(negative: bool, payload: u64, canonical: u64) -> String {
    let sign = if negative { "-" } else { "" };
    if payload == canonical {
        format!("{sign}nan")
    } else {
        format!("{sign}nan:{payload:#x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ty: ValType, given: &str, value: Val, printed: &str) {
        assert_eq!(parse(ty, given), Ok(value), "{given}");
        assert_eq!(text(value), printed, "{given}");
        assert_eq!(parse(ty, printed), Ok(value), "{printed} reads back");
    }

    #[test]
    fn values_read_and_print() {
        use ValType::{F32, F64, I32, I64, V128};
        check(I32, "5", Val::I32(5), "5");
        check(I32, "-1", Val::I32(-1), "-1");
        check(I32, "0xffff_ffff", Val::I32(-1), "-1");
        check(I32, "4294967295", Val::I32(-1), "-1");
        check(
            I64,
            "-0x8000000000000000",
            Val::I64(i64::MIN),
            "-9223372036854775808",
        );
        check(F32, "1.5", Val::F32(0x3fc0_0000), "1.5");
        check(F32, "-0", Val::F32(0x8000_0000), "-0");
        check(
            F32,
            "0x1p-149",
            Val::F32(1),
            "0.000000000000000000000000000000000000000000001",
        );
        check(F32, "inf", Val::F32(0x7f80_0000), "inf");
        check(F32, "nan", Val::F32(0x7fc0_0000), "nan");
        check(F32, "-nan:0x200000", Val::F32(0xffa0_0000), "-nan:0x200000");
        check(F64, "-inf", Val::F64(0xfff0_0000_0000_0000), "-inf");
        check(F64, "nan:0x1", Val::F64(0x7ff0_0000_0000_0001), "nan:0x1");
        check(F64, "-nan", Val::F64(0xfff8_0000_0000_0000), "-nan");
        let lanes = 0x0000_0004_0000_0003_0000_0002_0000_0001;
        let printed = "0x00000004000000030000000200000001";
        check(V128, "i32x4 1 2 3 4", Val::V128(lanes), printed);
        let any = ValType::Ref(RefType::nullable(AbstractHeapType::Any));
        check(any, "i31:7", I31::wrapping_u32(7).into(), "i31:7");
        check(any, "host:8", Ref::from(AnyRef::Host(8)).into(), "host:8");
    }

    #[test]
    fn what_is_no_value_is_refused() {
        use ValType::{F32, I32, I64, V128};
        for (ty, text) in [
            (I32, ""),
            (I32, "4294967296"),
            (I32, "-2147483649"),
            (I32, "1.5"),
            (I32, "1 2"),
            (I32, "x"),
            (I64, "18446744073709551616"),
            (F32, "nan:0x0"),
            (F32, "1e999"),
            (V128, "0x1ffffffffffffffffffffffffffffffff"),
        ] {
            assert!(parse(ty, text).is_err(), "{text}");
        }
    }
}
