//! Wasmi by its crate, with its extra checks. Every proposal that it takes is on.

use std::collections::HashMap;

use wasmi::errors::{ErrorKind, InstantiationError};
use wasmi::{
    Config, Error, Extern, ExternRef, F32, F64, Instance, Linker, Module, Nullable, Store,
    TrapCode, V128, Val, ValType,
};

use crate::engine::{Engine, Started, unknown, wrong_arguments};
use crate::message::{Ending, Value};

/// The version in this workspace's Cargo.toml.
const VERSION: &str = "2.0.0";

struct Wasmi {
    engine: wasmi::Engine,
    store: Store<()>,
    linker: Linker<()>,
    modules: HashMap<u32, Module>,
    instances: HashMap<u32, Instance>,
}

/// Starts wasmi.
///
/// # Errors
/// None.
pub fn start() -> Started {
    let mut config = Config::default();
    config
        .wasm_multi_memory(true)
        .wasm_memory64(true)
        .wasm_tail_call(true);
    config
        .wasm_extended_const(true)
        .wasm_custom_page_sizes(true)
        .wasm_wide_arithmetic(true);
    config.wasm_simd(true).wasm_relaxed_simd(true);
    let engine = wasmi::Engine::new(&config);
    let (store, linker) = script(&engine);
    Ok(Box::new(Wasmi {
        engine,
        store,
        linker,
        modules: HashMap::new(),
        instances: HashMap::new(),
    }))
}

/// The store and the names of a script.
fn script(engine: &wasmi::Engine) -> (Store<()>, Linker<()>) {
    let mut linker = Linker::new(engine);
    linker.allow_shadowing(true);
    (Store::new(engine, ()), linker)
}

impl Wasmi {
    fn export(&self, instance: u32, export: &str) -> Result<Option<Extern>, Ending> {
        let found = self
            .instances
            .get(&instance)
            .ok_or_else(|| unknown("instance", instance))?;
        Ok(found.get_export(&self.store, export))
    }
}

impl Engine for Wasmi {
    fn identity(&self) -> (String, String) {
        ("wasmi".to_string(), VERSION.to_string())
    }

    fn reset(&mut self) -> Result<(), Ending> {
        self.instances.clear();
        self.modules.clear();
        (self.store, self.linker) = script(&self.engine);
        Ok(())
    }

    fn module(&mut self, module: u32, bytes: &[u8]) -> Result<(), Ending> {
        let made = Module::new(&self.engine, bytes).map_err(|error| ended(&error))?;
        self.modules.insert(module, made);
        Ok(())
    }

    fn instantiate(&mut self, module: u32, instance: u32) -> Result<(), Ending> {
        let module = self
            .modules
            .get(&module)
            .ok_or_else(|| unknown("module", module))?;
        let made = self.linker.instantiate_and_start(&mut self.store, module);
        self.instances
            .insert(instance, made.map_err(|error| ended(&error))?);
        Ok(())
    }

    fn register(&mut self, instance: u32, name: &str) -> Result<(), Ending> {
        let found = self
            .instances
            .get(&instance)
            .ok_or_else(|| unknown("instance", instance))?;
        let named = self.linker.instance(&mut self.store, name, *found);
        named.map(|_| ()).map_err(Ending::internal)
    }

    fn invoke(
        &mut self,
        instance: u32,
        export: &str,
        args: &[Value],
    ) -> Result<Vec<Value>, Ending> {
        let Some(Extern::Func(func)) = self.export(instance, export)? else {
            return Err(Ending::host_error(format!("no function {export}")));
        };
        let args: Result<Vec<Val>, Ending> =
            args.iter().map(|arg| given(&mut self.store, arg)).collect();
        let args = args?;
        let ty = func.ty(&self.store);
        if !args.iter().map(Val::ty).eq(ty.params().iter().copied()) {
            return Err(wrong_arguments(export));
        }
        let results = ty.results().iter();
        let mut results: Vec<Val> = results.map(|&ty| Val::default_for_ty(ty)).collect();
        func.call(&mut self.store, &args, &mut results)
            .map_err(|error| ended(&error))?;
        Ok(results
            .iter()
            .map(|result| returned(&self.store, result))
            .collect())
    }

    fn get(&mut self, instance: u32, export: &str) -> Result<Value, Ending> {
        let Some(Extern::Global(global)) = self.export(instance, export)? else {
            return Err(Ending::host_error(format!("no global {export}")));
        };
        Ok(returned(&self.store, &global.get(&self.store)))
    }
}

/// The ending for an error.
fn ended(error: &Error) -> Ending {
    let message = error.to_string();
    if let Some(code) = error.as_trap_code() {
        return trapped(code, message);
    }
    match error.kind() {
        // Wasmi does not tell what does not decode from what does not validate.
        ErrorKind::Wasm(_) | ErrorKind::Read(_) => Ending::rejected(message),
        ErrorKind::Translation(_)
        | ErrorKind::Ir(_)
        | ErrorKind::UserLimits(_)
        | ErrorKind::ImplementationLimits(_)
        | ErrorKind::Memory(_)
        | ErrorKind::Table(_)
        | ErrorKind::Instantiation(
            InstantiationError::TooManyInstances
            | InstantiationError::TooManyTables
            | InstantiationError::TooManyMemories
            | InstantiationError::FailedToInstantiateMemory(_)
            | InstantiationError::FailedToInstantiateTable(_),
        ) => Ending::limit(message),
        ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            Ending::trap("out of bounds table access")
        }
        ErrorKind::Instantiation(_) | ErrorKind::Linker(_) => Ending::unlinkable(message),
        _ => Ending::internal(message),
    }
}

fn trapped(code: TrapCode, message: String) -> Ending {
    Ending::trap(match code {
        TrapCode::UnreachableCodeReached => "unreachable",
        TrapCode::MemoryOutOfBounds => "out of bounds memory access",
        TrapCode::TableOutOfBounds => "undefined element | out of bounds table access",
        TrapCode::IndirectCallToNull => "uninitialized element",
        TrapCode::IntegerDivisionByZero => "integer divide by zero",
        TrapCode::IntegerOverflow => "integer overflow",
        TrapCode::BadConversionToInteger => "invalid conversion to integer",
        TrapCode::BadSignature => "indirect call type mismatch",
        TrapCode::StackOverflow => return Ending::exhaustion(message),
        TrapCode::OutOfFuel | TrapCode::GrowthOperationLimited | TrapCode::OutOfSystemMemory => {
            return Ending::limit(message);
        }
    })
}

/// The engine's value of a value.
fn given(store: &mut Store<()>, value: &Value) -> Result<Val, Ending> {
    Ok(match value {
        Value::I32(value) => Val::I32(value.cast_signed()),
        Value::I64(value) => Val::I64(value.cast_signed()),
        Value::F32(bits) => Val::F32(F32::from_bits(*bits)),
        Value::F64(bits) => Val::F64(F64::from_bits(*bits)),
        Value::V128(bytes) => Val::V128(V128::from(u128::from_le_bytes(*bytes))),
        Value::Null(heap_type) => match heap_type.as_str() {
            "func" => Val::default_for_ty(ValType::FuncRef),
            "extern" => Val::default_for_ty(ValType::ExternRef),
            _ => {
                return Err(Ending::unsupported(format!(
                    "null references of {heap_type}"
                )));
            }
        },
        Value::Extern(Some(number)) => {
            Val::ExternRef(Nullable::Val(ExternRef::new(store, *number)))
        }
        _ => {
            return Err(Ending::unsupported(format!(
                "arguments like {}",
                value.text()
            )));
        }
    })
}

/// The value of the engine's value.
fn returned(store: &Store<()>, value: &Val) -> Value {
    match value {
        Val::I32(value) => Value::I32(value.cast_unsigned()),
        Val::I64(value) => Value::I64(value.cast_unsigned()),
        Val::F32(value) => Value::F32(value.to_bits()),
        Val::F64(value) => Value::F64(value.to_bits()),
        Val::V128(value) => Value::V128(value.as_u128().to_le_bytes()),
        Val::FuncRef(Nullable::Null) => Value::null("func"),
        Val::FuncRef(Nullable::Val(_)) => Value::Func,
        Val::ExternRef(Nullable::Null) => Value::null("extern"),
        Val::ExternRef(Nullable::Val(object)) => {
            Value::Extern(object.data(store).downcast_ref::<u32>().copied())
        }
    }
}
