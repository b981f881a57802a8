//! Toywasm by the crate toywasmx. The proposals of its crate features are on, all but threads.

use toywasmx::{Error, FuncType, Instance, Linker, Module, Store, Val};
use wasmparser::ValType;

use super::alone::{Alone, Library, PRINTS, SPECTEST};
use crate::engine::Started;
use crate::message::Ending;
use crate::number::Number;

struct Toywasm;

/// Starts toywasm.
///
/// # Errors
/// None.
pub fn start() -> Started {
    Ok(Box::new(Alone::new(Toywasm)))
}

impl Library for Toywasm {
    type Instance = Instance;

    fn identity(&self) -> (String, String) {
        ("toywasm".to_string(), "toywasmx 0.2.0".to_string())
    }

    fn check(&self, bytes: &[u8]) -> Result<(), Ending> {
        Module::new(&Store::new(), bytes)
            .map(|_| ())
            .map_err(failed)
    }

    fn instantiate(&self, bytes: &[u8]) -> Result<Instance, Ending> {
        let store = Store::new();
        let module = Module::new(&store, bytes).map_err(failed)?;
        let mut linker = Linker::new();
        for (name, params) in PRINTS {
            let ty = FuncType::new(params.iter().copied().map(val_type), []);
            linker.func_new(SPECTEST, name, &ty, |_, _| {});
        }
        linker.instantiate(&store, module).map_err(failed)
    }

    fn call(
        &self,
        instance: &mut Instance,
        export: &str,
        args: &[Number],
        results: &[ValType],
    ) -> Result<Vec<Number>, Ending> {
        let func = instance.get_func(export).map_err(failed)?;
        let args: Vec<Val> = args.iter().copied().map(val).collect();
        let zero = |ty: &ValType| Val::default_for_ty(val_type(*ty));
        let mut given: Vec<Val> = results.iter().map(zero).collect();
        func.call(instance, &args, &mut given).map_err(failed)?;
        given.into_iter().map(number).collect()
    }

    fn global(&self, instance: &Instance, export: &str) -> Result<Number, Ending> {
        number(instance.get_global(export).map_err(failed)?.get())
    }
}

/// The ending for an error; traps by the numbers of `enum trapid`.
fn failed(error: Error) -> Ending {
    let message = error.to_string();
    let id = match error {
        Error::Load(_) => return Ending::rejected(message),
        Error::Instantiate(_) => return crate::phrases::ended(message),
        Error::Trap { id, .. } => id,
        Error::UnsupportedType => return Ending::unsupported(message),
        Error::Errno(_) => return Ending::limit(message),
        Error::ExportNotFound(_) | Error::Signature(_) => return Ending::internal(message),
    };
    Ending::trap(match id {
        1 => "integer divide by zero",
        2 => "integer overflow",
        3 => "out of bounds memory access",
        4 => "unreachable",
        5 | 6 => return Ending::exhaustion(message),
        7 => "undefined element",
        8 => "uninitialized element",
        9 => "indirect call type mismatch",
        10 => "invalid conversion to integer",
        13 => "out of bounds memory access",
        14 | 15 => "out of bounds table access",
        20 => return Ending::exception(message),
        21 => "null exception reference",
        _ => return Ending::internal(message),
    })
}

fn val(number: Number) -> Val {
    match number {
        Number::I32(value) => Val::I32(value.cast_signed()),
        Number::I64(value) => Val::I64(value.cast_signed()),
        Number::F32(bits) => Val::F32(f32::from_bits(bits)),
        Number::F64(bits) => Val::F64(f64::from_bits(bits)),
    }
}

fn number(val: Val) -> Result<Number, Ending> {
    Ok(match val {
        Val::I32(value) => Number::I32(value.cast_unsigned()),
        Val::I64(value) => Number::I64(value.cast_unsigned()),
        Val::F32(value) => Number::F32(value.to_bits()),
        Val::F64(value) => Number::F64(value.to_bits()),
    })
}

fn val_type(ty: ValType) -> toywasmx::ValType {
    match ty {
        ValType::I64 => toywasmx::ValType::I64,
        ValType::F32 => toywasmx::ValType::F32,
        ValType::F64 => toywasmx::ValType::F64,
        _ => toywasmx::ValType::I32,
    }
}
