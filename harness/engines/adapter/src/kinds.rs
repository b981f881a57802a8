//! Values against the types of functions, for libraries that do not check them.

use wasmparser::{RefType, ValType};

use crate::message::Value;

/// True if a value is of a type. References are told apart by their hierarchy only.
pub fn is_of(value: &Value, ty: ValType) -> bool {
    match (value, ty) {
        (Value::I32(_), ValType::I32)
        | (Value::I64(_), ValType::I64)
        | (Value::F32(_), ValType::F32)
        | (Value::F64(_), ValType::F64)
        | (Value::V128(_), ValType::V128) => true,
        (Value::Null(_), ValType::Ref(ty)) => ty.is_nullable(),
        (Value::Extern(_), ValType::Ref(ty)) => ty.is_extern_ref(),
        (Value::Func, ValType::Ref(ty)) => ty.is_func_ref(),
        _ => false,
    }
}

/// True if values of a type are numbers.
pub fn is_number(ty: ValType) -> bool {
    matches!(
        ty,
        ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64
    )
}

/// True if values of a type are any function or null, or any external reference or null.
#[allow(dead_code, reason = "some libraries have no references")]
pub fn is_plain_reference(ty: ValType) -> bool {
    matches!(ty, ValType::Ref(RefType::FUNCREF | RefType::EXTERNREF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_of_its_type_alone() {
        let values = [
            (Value::I32(1), ValType::I32),
            (Value::I64(1), ValType::I64),
            (Value::F32(1), ValType::F32),
            (Value::F64(1), ValType::F64),
            (Value::V128([0; 16]), ValType::V128),
            (Value::Func, ValType::FUNCREF),
            (Value::Extern(Some(1)), ValType::EXTERNREF),
        ];
        for (value, own) in &values {
            for (_, ty) in &values {
                assert_eq!(is_of(value, *ty), own == ty, "{value:?} as {ty}");
            }
        }
        let null = Value::null("func");
        assert!(is_of(&null, ValType::FUNCREF) && !is_of(&null, ValType::I32));
        let numbers = values.iter().filter(|(_, ty)| is_number(*ty)).count();
        let references = values
            .iter()
            .filter(|(_, ty)| is_plain_reference(*ty))
            .count();
        assert_eq!((numbers, references), (4, 2));
    }
}
