//! Expectations and outcomes as reports show them: values as hex bit strings, never as decimal
//! floats.

use super::{FuncIndex, Hierarchy, Outcome, Reference, Value};
use crate::script::{Argument, Expectation, Expected, FloatPattern, LanePattern};

/// The class of an ending, in a word.
pub fn ending(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "success",
        Outcome::Values(_) => "values",
        Outcome::Trap(_) => "trap",
        Outcome::Exhaustion(_) => "exhaustion",
        Outcome::Exception(_) => "exception",
        Outcome::Unlinkable(_) => "unlinkable",
        Outcome::Invalid(_) => "invalid",
        Outcome::Rejected(_) => "rejected",
        Outcome::Malformed { .. } => "malformed",
        Outcome::Unsupported(_) => "unsupported",
        Outcome::MissingInstance(_) => "missing instance",
        Outcome::Blocked(_) => "blocked",
        Outcome::Limit(_) => "limit",
        Outcome::Internal(_) => "internal error",
        Outcome::HostError(_) => "host error",
        Outcome::Crash(_) => "crash",
        Outcome::Timeout { .. } => "timeout",
        Outcome::NotRun(_) => "not run",
        Outcome::Unmeasured(_) => "not measured",
        Outcome::Skipped(_) => "skipped",
    }
}

/// An expectation as reports show it.
pub fn expectation_text(expectation: &Expectation) -> String {
    match expectation {
        Expectation::Success => "success".to_string(),
        Expectation::Return(expected) => list(expected.iter().map(expected_text)),
        Expectation::Trap(message) => format!("trap: {message}"),
        Expectation::Exhaustion(message) => format!("exhaustion: {message}"),
        Expectation::Exception => "exception".to_string(),
        Expectation::Suspension(message) => format!("suspension: {message}"),
        Expectation::Invalid { message, .. } => format!("invalid: {message}"),
        Expectation::Malformed { message, .. } => format!("malformed: {message}"),
        Expectation::Unlinkable(message) => format!("unlinkable: {message}"),
        Expectation::Unreadable(_) => "a readable directive".to_string(),
        Expectation::Open => "the same in every engine".to_string(),
    }
}

/// An outcome as reports show it; v128 values in the lane shape that is expected, if one is.
pub fn outcome_text(expectation: &Expectation, outcome: &Outcome) -> String {
    let message = match outcome {
        Outcome::Done => return "success".to_string(),
        Outcome::Values(values) => {
            let expected = match expectation {
                Expectation::Return(expected) => expected.as_slice(),
                _ => &[],
            };
            let shown = |(index, value)| value_text(expected.get(index), value);
            return list(values.iter().enumerate().map(shown));
        }
        Outcome::Malformed { message, .. } => message,
        Outcome::Timeout { millis, place } => {
            let place = place.iter().map(|place| format!(", {place}"));
            return format!("timeout: {millis} ms{}", place.collect::<String>());
        }
        Outcome::Blocked(ordinal) => return format!("blocked: by directive {ordinal}"),
        Outcome::Trap(message)
        | Outcome::Exhaustion(message)
        | Outcome::Exception(message)
        | Outcome::Unlinkable(message)
        | Outcome::Invalid(message)
        | Outcome::Rejected(message)
        | Outcome::Unsupported(message)
        | Outcome::MissingInstance(message)
        | Outcome::Limit(message)
        | Outcome::Internal(message)
        | Outcome::HostError(message)
        | Outcome::Crash(message)
        | Outcome::NotRun(message)
        | Outcome::Unmeasured(message)
        | Outcome::Skipped(message) => message,
    };
    let ending = ending(outcome);
    if message.is_empty() {
        ending.to_string()
    } else {
        format!("{ending}: {message}")
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        "no values".to_string()
    } else {
        items.join(" ")
    }
}

fn expected_text(expected: &Expected) -> String {
    match expected {
        Expected::I32(value) => format!("i32:{value:#010x}"),
        Expected::I64(value) => format!("i64:{value:#018x}"),
        Expected::F32(pattern) => format!("f32:{}", f32_text(*pattern)),
        Expected::F64(pattern) => format!("f64:{}", f64_text(*pattern)),
        Expected::V128(pattern) => lanes_text(pattern),
        Expected::RefNull(None) => "ref.null".to_string(),
        Expected::RefNull(Some(heap_type)) => format!("ref.null:{heap_type}"),
        Expected::RefExtern(None) => "ref.extern".to_string(),
        Expected::RefExtern(Some(host)) => format!("ref.extern:{host}"),
        Expected::RefHost(host) => format!("ref.host:{host}"),
        Expected::RefFunc(None) => "ref.func".to_string(),
        Expected::RefFunc(Some(index)) => format!("ref.func:{index}"),
        Expected::RefAny => "ref.any".to_string(),
        Expected::RefEq => "ref.eq".to_string(),
        Expected::RefArray => "ref.array".to_string(),
        Expected::RefStruct => "ref.struct".to_string(),
        Expected::RefI31 => "ref.i31".to_string(),
        Expected::RefI31Shared => "ref.i31_shared".to_string(),
        Expected::Either(cases) => {
            let cases: Vec<String> = cases.iter().map(expected_text).collect();
            format!("either({})", cases.join(" | "))
        }
    }
}

fn f32_text(pattern: FloatPattern<u32>) -> String {
    match pattern {
        FloatPattern::CanonicalNan => "nan:canonical".to_string(),
        FloatPattern::ArithmeticNan => "nan:arithmetic".to_string(),
        FloatPattern::Bits(bits) => format!("{bits:#010x}"),
    }
}

fn f64_text(pattern: FloatPattern<u64>) -> String {
    match pattern {
        FloatPattern::CanonicalNan => "nan:canonical".to_string(),
        FloatPattern::ArithmeticNan => "nan:arithmetic".to_string(),
        FloatPattern::Bits(bits) => format!("{bits:#018x}"),
    }
}

fn lanes_text(pattern: &LanePattern) -> String {
    let (shape, lanes): (_, Vec<String>) = match pattern {
        LanePattern::I8x16(lanes) => ("i8x16", lanes.map(|lane| format!("{lane:#04x}")).into()),
        LanePattern::I16x8(lanes) => ("i16x8", lanes.map(|lane| format!("{lane:#06x}")).into()),
        LanePattern::I32x4(lanes) => ("i32x4", lanes.map(|lane| format!("{lane:#010x}")).into()),
        LanePattern::I64x2(lanes) => ("i64x2", lanes.map(|lane| format!("{lane:#018x}")).into()),
        LanePattern::F32x4(lanes) => ("f32x4", lanes.map(f32_text).into()),
        LanePattern::F64x2(lanes) => ("f64x2", lanes.map(f64_text).into()),
    };
    format!("v128:{shape}[{}]", lanes.join(" "))
}

/// A value as reports show it, in the shape of what was expected, if that says one.
pub fn value_text(expected: Option<&Expected>, value: &Value) -> String {
    match value {
        Value::I32(value) => format!("i32:{value:#010x}"),
        Value::I64(value) => format!("i64:{value:#018x}"),
        Value::F32(bits) => format!("f32:{bits:#010x}"),
        Value::F64(bits) => format!("f64:{bits:#018x}"),
        Value::V128(bytes) => lanes_text(&in_shape(expected, bytes)),
        Value::Ref(reference) => reference_text(reference),
    }
}

/// The lane shape that an instruction's name begins with, as that of an expected result.
pub fn lane_shape(mnemonic: &str) -> Option<Expected> {
    const FLOAT: FloatPattern<u32> = FloatPattern::Bits(0);
    let pattern = match mnemonic.split('.').next()? {
        "i8x16" => LanePattern::I8x16([0; 16]),
        "i16x8" => LanePattern::I16x8([0; 8]),
        "i32x4" => LanePattern::I32x4([0; 4]),
        "i64x2" => LanePattern::I64x2([0; 2]),
        "f32x4" => LanePattern::F32x4([FLOAT; 4]),
        "f64x2" => LanePattern::F64x2([FloatPattern::Bits(0); 2]),
        _other => return None,
    };
    Some(Expected::V128(pattern))
}

/// An argument as reports show it; a v128 in the shape of a result, if one is given.
pub fn argument_text(shape: Option<&Expected>, argument: &Argument) -> String {
    let value = match argument {
        Argument::I32(value) => Value::I32(*value),
        Argument::I64(value) => Value::I64(*value),
        Argument::F32(bits) => Value::F32(*bits),
        Argument::F64(bits) => Value::F64(*bits),
        Argument::V128(bytes) => Value::V128(*bytes),
        Argument::RefNull(heap_type) => return format!("ref.null:{heap_type}"),
        Argument::RefExtern(number) => Value::Ref(Reference::Extern(*number)),
        Argument::RefHost(number) => Value::Ref(Reference::Host(*number)),
    };
    value_text(shape, &value)
}

/// The bytes of a v128 in the lane shape that is expected; in bytes where none is.
fn in_shape(expected: Option<&Expected>, bytes: &[u8; 16]) -> LanePattern {
    let pattern = match expected {
        Some(Expected::V128(pattern)) => *pattern,
        Some(Expected::Either(cases)) => return in_shape(cases.first(), bytes),
        _ => return LanePattern::I8x16(*bytes),
    };
    match pattern {
        LanePattern::I8x16(_) => LanePattern::I8x16(*bytes),
        LanePattern::I16x8(_) => LanePattern::I16x8(lanes_u16(bytes)),
        LanePattern::I32x4(_) => LanePattern::I32x4(lanes_u32(bytes)),
        LanePattern::I64x2(_) => LanePattern::I64x2(lanes_u64(bytes)),
        LanePattern::F32x4(_) => LanePattern::F32x4(lanes_u32(bytes).map(FloatPattern::Bits)),
        LanePattern::F64x2(_) => LanePattern::F64x2(lanes_u64(bytes).map(FloatPattern::Bits)),
    }
}

fn reference_text(reference: &Reference) -> String {
    match reference {
        Reference::Null(Hierarchy::Func) => "ref.null:func".to_string(),
        Reference::Null(Hierarchy::Extern) => "ref.null:extern".to_string(),
        Reference::Null(Hierarchy::Any) => "ref.null:any".to_string(),
        Reference::Null(Hierarchy::Exn) => "ref.null:exn".to_string(),
        Reference::Null(Hierarchy::Unknown) => "ref.null".to_string(),
        Reference::Func {
            index: FuncIndex::At(index),
            ..
        } => format!("ref.func:{index}"),
        Reference::Func {
            number: Reference::UNKNOWN,
            ..
        } => "ref.func".to_string(),
        Reference::Func { number, .. } => format!("ref.func:#{number}"),
        Reference::Extern(host) => format!("ref.extern:{host}"),
        Reference::Externalized => "ref.extern".to_string(),
        Reference::Host(host) => format!("ref.host:{host}"),
        Reference::I31(value) => format!("ref.i31:{value:#010x}"),
        Reference::Struct => "ref.struct".to_string(),
        Reference::Array => "ref.array".to_string(),
        Reference::Exn => "ref.exn".to_string(),
        Reference::Any => "ref.any".to_string(),
    }
}

/// The lanes of a v128, from its little-endian bytes.
pub fn lanes_u16(bytes: &[u8; 16]) -> [u16; 8] {
    std::array::from_fn(|lane| u16::from_le_bytes([bytes[2 * lane], bytes[2 * lane + 1]]))
}

/// The lanes of a v128, from its little-endian bytes.
pub fn lanes_u32(bytes: &[u8; 16]) -> [u32; 4] {
    let byte = |lane: usize, index: usize| u32::from(bytes[4 * lane + index]) << (8 * index);
    std::array::from_fn(|lane| (0..4).map(|index| byte(lane, index)).sum())
}

/// The lanes of a v128, from its little-endian bytes.
pub fn lanes_u64(bytes: &[u8; 16]) -> [u64; 2] {
    let word = u128::from_le_bytes(*bytes);
    [word as u64, (word >> 64) as u64]
}
