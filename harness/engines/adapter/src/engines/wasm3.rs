//! Wasm3 by the crate wasm3x. The library compiles a function when it is looked up first; here all
//! are compiled when a module is instantiated, so that what does not validate is refused.

use wasm3x::{CompilationMode, Config, Engine, FuncType, Instance, Linker, Module, Store, Val};
use wasmparser::ValType;

use super::alone::{Alone, Library, PRINTS, SPECTEST};
use crate::engine::Started;
use crate::kinds::is_number;
use crate::message::{Ending, Value};
use crate::phrases::ended;
use crate::shape::Shape;

/// The pages of memory up to which a module is instantiated for the bodies of its functions.
const PAGES_MAX: u64 = 1024;

struct Wasm3 {
    engine: Engine,
}

/// Starts wasm3.
///
/// # Errors
/// None.
pub fn start() -> Started {
    let mut config = Config::new();
    config.compilation_mode(CompilationMode::Eager);
    Ok(Box::new(Alone::new(Wasm3 {
        engine: Engine::new(&config),
    })))
}

impl Library for Wasm3 {
    /// A store for each instance, since functions are looked up by name in all of a store.
    type Instance = (Store<()>, Instance);

    fn identity(&self) -> (String, String) {
        ("wasm3".to_string(), "0.9.0 (wasm3x 0.2.1)".to_string())
    }

    fn check(&self, bytes: &[u8]) -> Result<(), Ending> {
        let module = Module::new(&self.engine, bytes).map_err(Ending::rejected)?;
        if Shape::of(bytes).pages > PAGES_MAX {
            return Ok(());
        }
        let mut store = Store::new(&self.engine, ());
        // Bodies are looked at only here; what else goes wrong is told when it is instantiated.
        match self.linker()?.instantiate(&mut store, &module) {
            Ok(_) => Ok(()),
            Err(error) => {
                let message = error.to_string();
                let late = ["missing imported", "[trap]", "out of bounds"];
                let is_late = late.iter().any(|part| message.contains(part));
                if is_late {
                    Ok(())
                } else {
                    Err(Ending::rejected(message))
                }
            }
        }
    }

    fn instantiate(&self, bytes: &[u8]) -> Result<Self::Instance, Ending> {
        let module = Module::new(&self.engine, bytes).map_err(Ending::rejected)?;
        let mut store = Store::new(&self.engine, ());
        let made = self.linker()?.instantiate_and_start(&mut store, &module);
        let made = made.map_err(|error| ended(error.to_string()))?;
        Ok((store, made))
    }

    fn carries(&self, ty: ValType) -> bool {
        is_number(ty)
    }

    fn call(
        &self,
        (store, instance): &mut Self::Instance,
        export: &str,
        args: &[Value],
        results: &[ValType],
    ) -> Result<Vec<Value>, Ending> {
        let func = instance.get_func(&*store, export);
        let func = func.ok_or_else(|| Ending::internal(format!("{export} is not found")))?;
        let args: Vec<Val> = args.iter().filter_map(val).collect();
        let zero = |ty: &ValType| Val::default_for_ty(val_type(*ty));
        let mut given: Vec<Val> = results.iter().filter_map(zero).collect();
        let called = func.call(store, &args, &mut given);
        called.map_err(|error| ended(error.to_string()))?;
        given.into_iter().map(value).collect()
    }

    fn global(
        &self,
        (store, instance): &Self::Instance,
        export: &str,
        _: ValType,
    ) -> Result<Value, Ending> {
        let global = instance.get_global(store, export);
        let global = global.ok_or_else(|| Ending::internal(format!("{export} is not found")))?;
        value(global.get(store).map_err(Ending::internal)?)
    }
}

impl Wasm3 {
    fn linker(&self) -> Result<Linker<()>, Ending> {
        let mut linker = Linker::new(&self.engine);
        for (name, params) in PRINTS {
            let ty = FuncType::new(params.iter().copied().map(val_type), []);
            linker
                .func_new(SPECTEST, name, ty, |_, _, _| Ok(()))
                .map_err(Ending::internal)?;
        }
        Ok(linker)
    }
}

fn val(value: &Value) -> Option<Val> {
    Some(match value {
        Value::I32(value) => Val::I32(value.cast_signed()),
        Value::I64(value) => Val::I64(value.cast_signed()),
        Value::F32(bits) => Val::F32(f32::from_bits(*bits)),
        Value::F64(bits) => Val::F64(f64::from_bits(*bits)),
        _ => return None,
    })
}

fn value(val: Val) -> Result<Value, Ending> {
    Ok(match val {
        Val::I32(value) => Value::I32(value.cast_unsigned()),
        Val::I64(value) => Value::I64(value.cast_unsigned()),
        Val::F32(value) => Value::F32(value.to_bits()),
        Val::F64(value) => Value::F64(value.to_bits()),
        Val::FuncRef(_) => return Err(Ending::unsupported("references do not cross")),
    })
}

fn val_type(ty: ValType) -> wasm3x::ValType {
    match ty {
        ValType::I64 => wasm3x::ValType::I64,
        ValType::F32 => wasm3x::ValType::F32,
        ValType::F64 => wasm3x::ValType::F64,
        _ => wasm3x::ValType::I32,
    }
}
