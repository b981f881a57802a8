//! Tinywasm by its crate. It has no switches for proposals: all that it has is on.

use std::collections::HashMap;

use tinywasm::types::{ExternRef, FuncRef, WasmValue};
use tinywasm::{Error, ExternItem, Imports, Module, ModuleInstance, Store, Trap};

use crate::engine::{Engine, Started, unknown};
use crate::message::{Ending, Value};

/// The version in this workspace's Cargo.toml.
const VERSION: &str = "0.10.0";

#[derive(Default)]
struct Tinywasm {
    store: Store,
    names: Vec<(String, ModuleInstance)>,
    modules: HashMap<u32, Module>,
    instances: HashMap<u32, ModuleInstance>,
}

/// Starts tinywasm.
///
/// # Errors
/// None.
pub fn start() -> Started {
    Ok(Box::new(Tinywasm::default()))
}

impl Tinywasm {
    fn instance(&self, instance: u32) -> Result<&ModuleInstance, Ending> {
        self.instances
            .get(&instance)
            .ok_or_else(|| unknown("instance", instance))
    }
}

impl Engine for Tinywasm {
    fn identity(&self) -> (String, String) {
        ("tinywasm".to_string(), VERSION.to_string())
    }

    fn reset(&mut self) -> Result<(), Ending> {
        *self = Tinywasm::default();
        Ok(())
    }

    fn module(&mut self, module: u32, bytes: &[u8]) -> Result<(), Ending> {
        // Tinywasm does not tell what does not decode from what does not validate.
        let made = tinywasm::parse_bytes(bytes).map_err(Ending::rejected)?;
        self.modules.insert(module, made);
        Ok(())
    }

    fn instantiate(&mut self, module: u32, instance: u32) -> Result<(), Ending> {
        let module = self
            .modules
            .get(&module)
            .ok_or_else(|| unknown("module", module))?;
        let mut imports = Imports::new();
        for (name, instance) in &self.names {
            imports.link_module(name, instance.clone()).map_err(ended)?;
        }
        let made = ModuleInstance::instantiate(&mut self.store, module, Some(imports));
        self.instances.insert(instance, made.map_err(ended)?);
        Ok(())
    }

    fn register(&mut self, instance: u32, name: &str) -> Result<(), Ending> {
        let found = self.instance(instance)?.clone();
        self.names.retain(|(known, _)| known != name);
        self.names.push((name.to_string(), found));
        Ok(())
    }

    fn invoke(
        &mut self,
        instance: u32,
        export: &str,
        args: &[Value],
    ) -> Result<Vec<Value>, Ending> {
        let Ok(ExternItem::Func(func)) = self.instance(instance)?.extern_item(export) else {
            return Err(Ending::host_error(format!("no function {export}")));
        };
        let args: Vec<WasmValue> = args.iter().map(given).collect::<Result<_, _>>()?;
        let results = func.call(&mut self.store, &args).map_err(ended)?;
        Ok(results.iter().map(returned).collect())
    }

    fn get(&mut self, instance: u32, export: &str) -> Result<Value, Ending> {
        let Ok(ExternItem::Global(global)) = self.instance(instance)?.extern_item(export) else {
            return Err(Ending::host_error(format!("no global {export}")));
        };
        global
            .get(&self.store)
            .map(|value| returned(&value))
            .map_err(ended)
    }
}

/// The ending for an error.
fn ended(error: Error) -> Ending {
    let message = error.to_string();
    match error {
        Error::Trap(trap) => trapped(&trap, message),
        Error::Linker(_) => Ending::unlinkable(message),
        Error::UnsupportedFeature(_) => Ending::unsupported(message),
        Error::Other(text) if text == "Type mismatch" || text.starts_with("param count") => {
            Ending::host_error(message)
        }
        _ => Ending::internal(message),
    }
}

fn trapped(trap: &Trap, message: String) -> Ending {
    match trap {
        Trap::CallStackOverflow | Trap::ValueStackOverflow => Ending::exhaustion(message),
        Trap::OutOfMemory => Ending::limit(message),
        Trap::HostFunction(_) | Trap::InvalidStore | Trap::Other(_) => Ending::internal(message),
        _ => Ending::trap(trap.message()),
    }
}

/// The engine's value of a value.
fn given(value: &Value) -> Result<WasmValue, Ending> {
    Ok(match value {
        Value::I32(value) => WasmValue::I32(value.cast_signed()),
        Value::I64(value) => WasmValue::I64(value.cast_signed()),
        Value::F32(bits) => WasmValue::F32(f32::from_bits(*bits)),
        Value::F64(bits) => WasmValue::F64(f64::from_bits(*bits)),
        Value::V128(bytes) => WasmValue::V128(*bytes),
        Value::Extern(Some(number)) => WasmValue::RefExtern(ExternRef::new(Some(*number))),
        Value::Null(heap_type) if heap_type == "func" => WasmValue::RefFunc(FuncRef::null()),
        Value::Null(heap_type) if heap_type == "extern" => WasmValue::RefExtern(ExternRef::null()),
        _ => {
            return Err(Ending::unsupported(format!(
                "arguments like {}",
                value.text()
            )));
        }
    })
}

/// The value of the engine's value.
fn returned(value: &WasmValue) -> Value {
    match value {
        WasmValue::I32(value) => Value::I32(value.cast_unsigned()),
        WasmValue::I64(value) => Value::I64(value.cast_unsigned()),
        WasmValue::F32(value) => Value::F32(value.to_bits()),
        WasmValue::F64(value) => Value::F64(value.to_bits()),
        WasmValue::V128(bytes) => Value::V128(*bytes),
        WasmValue::RefFunc(reference) if reference.is_null() => Value::null("func"),
        WasmValue::RefFunc(_) => Value::Func,
        WasmValue::RefExtern(reference) => match reference.addr() {
            None => Value::null("extern"),
            number => Value::Extern(number),
        },
    }
}
