//! Numbers, for libraries that take and give nothing else.

use wasmparser::ValType;

use crate::message::{Ending, Value};

/// A number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// An i32.
    I32(u32),
    /// An i64.
    I64(u64),
    /// The bits of an f32.
    F32(u32),
    /// The bits of an f64.
    F64(u64),
}

impl Number {
    /// True if the number is of a type.
    pub fn is(self, ty: ValType) -> bool {
        matches!(
            (self, ty),
            (Number::I32(_), ValType::I32)
                | (Number::I64(_), ValType::I64)
                | (Number::F32(_), ValType::F32)
                | (Number::F64(_), ValType::F64)
        )
    }
}

/// True if values of a type are numbers.
pub fn crosses(ty: ValType) -> bool {
    matches!(
        ty,
        ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64
    )
}

/// The number of a value.
///
/// # Errors
/// If the value is not a number.
pub fn given(value: &Value) -> Result<Number, Ending> {
    Ok(match value {
        Value::I32(value) => Number::I32(*value),
        Value::I64(value) => Number::I64(*value),
        Value::F32(bits) => Number::F32(*bits),
        Value::F64(bits) => Number::F64(*bits),
        _ => {
            return Err(Ending::unsupported(format!(
                "arguments like {}",
                value.text()
            )));
        }
    })
}

/// The value of a number.
pub fn returned(number: Number) -> Value {
    match number {
        Number::I32(value) => Value::I32(value),
        Number::I64(value) => Value::I64(value),
        Number::F32(bits) => Value::F32(bits),
        Number::F64(bits) => Value::F64(bits),
    }
}
