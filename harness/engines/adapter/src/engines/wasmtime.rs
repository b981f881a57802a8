//! Wasmtime by its crate, with each of its compilers. Every proposal that a compiler takes is on.

use std::collections::HashMap;

use wasmtime::{
    AnyRef, AsContextMut, Config, Error, Extern, ExternRef, HeapType, Instance, Linker, Module,
    RootScope, Store, Strategy, ThrownException, Trap, UnknownImportError, V128, Val,
};

use crate::engine::{Engine, Started, unknown, wrong_arguments};
use crate::message::{Ending, Value};

/// The version in this workspace's Cargo.toml.
const VERSION: &str = "48.0.8";

/// A compiler of wasmtime.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Compiler {
    /// The optimising compiler.
    Cranelift,
    /// The baseline compiler.
    Winch,
    /// Cranelift to the bytecode of an interpreter.
    Pulley,
}

struct Wasmtime {
    engine: wasmtime::Engine,
    compiler: Compiler,
    store: Store<()>,
    linker: Linker<()>,
    modules: HashMap<u32, Module>,
    instances: HashMap<u32, Instance>,
    /// Small modules by their bytes, compiled if they were met twice: the harness sends its helper
    /// modules again in each script.
    met: HashMap<Vec<u8>, Option<Module>>,
}

/// Modules of more bytes are compiled each time.
const KEPT_BYTES_MAX: usize = 4096;
/// The most modules that are kept, or remembered.
const MET_MAX: usize = 4096;

/// Starts wasmtime with a compiler.
///
/// # Errors
/// If the compiler does not run here.
pub fn start(compiler: Compiler) -> Started {
    let engine = config(compiler).and_then(|config| wasmtime::Engine::new(&config));
    let engine = engine.map_err(|error| format!("{error:#}"))?;
    let (store, linker) = script(&engine);
    Ok(Box::new(Wasmtime {
        engine,
        compiler,
        store,
        linker,
        modules: HashMap::new(),
        instances: HashMap::new(),
        met: HashMap::new(),
    }))
}

fn config(compiler: Compiler) -> Result<Config, Error> {
    let mut config = Config::new();
    config.wasm_backtrace_max_frames(None);
    config
        .wasm_memory64(true)
        .wasm_multi_memory(true)
        .wasm_extended_const(true);
    config
        .wasm_custom_page_sizes(true)
        .wasm_wide_arithmetic(true)
        .shared_memory(true);
    match compiler {
        Compiler::Cranelift => config.wasm_threads(true),
        Compiler::Pulley => config.target("pulley64")?,
        Compiler::Winch => config.strategy(Strategy::Winch).wasm_threads(true),
    };
    if compiler != Compiler::Winch {
        config
            .wasm_function_references(true)
            .wasm_gc(true)
            .wasm_exceptions(true);
        config.wasm_tail_call(true).wasm_relaxed_simd(true);
    }
    Ok(config)
}

/// The store and the names of a script.
fn script(engine: &wasmtime::Engine) -> (Store<()>, Linker<()>) {
    let mut linker = Linker::new(engine);
    linker.allow_shadowing(true);
    (Store::new(engine, ()), linker)
}

impl Wasmtime {
    /// Keeps a small module, or that it was met.
    fn remember(&mut self, bytes: &[u8], made: Option<Module>) {
        if self.met.len() >= MET_MAX {
            self.met.clear();
        }
        if bytes.len() <= KEPT_BYTES_MAX {
            self.met.insert(bytes.to_vec(), made);
        }
    }

    fn export(&mut self, instance: u32, export: &str) -> Result<Option<Extern>, Ending> {
        let found = self
            .instances
            .get(&instance)
            .ok_or_else(|| unknown("instance", instance))?;
        Ok(found.get_export(&mut self.store, export))
    }
}

impl Engine for Wasmtime {
    fn identity(&self) -> (String, String) {
        let compiler = match self.compiler {
            Compiler::Cranelift => "Cranelift",
            Compiler::Winch => "Winch",
            Compiler::Pulley => "Pulley",
        };
        (format!("wasmtime ({compiler})"), VERSION.to_string())
    }

    fn reset(&mut self) -> Result<(), Ending> {
        self.instances.clear();
        self.modules.clear();
        (self.store, self.linker) = script(&self.engine);
        Ok(())
    }

    fn module(&mut self, module: u32, bytes: &[u8]) -> Result<(), Ending> {
        let made = match self.met.get(bytes) {
            Some(Some(made)) => made.clone(),
            met => {
                let is_met = met.is_some();
                let made = Module::from_binary(&self.engine, bytes);
                let made = made.map_err(|error| refused(&error))?;
                self.remember(bytes, is_met.then(|| made.clone()));
                made
            }
        };
        self.modules.insert(module, made);
        Ok(())
    }

    fn instantiate(&mut self, module: u32, instance: u32) -> Result<(), Ending> {
        let module = self
            .modules
            .get(&module)
            .ok_or_else(|| unknown("module", module))?;
        let made = self.linker.instantiate(&mut self.store, module);
        let made = made.map_err(|error| ended(&mut self.store, &error))?;
        self.instances.insert(instance, made);
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
        let mut scope = RootScope::new(&mut self.store);
        let args: Result<Vec<Val>, Ending> = args.iter().map(|it| given(&mut scope, it)).collect();
        let args = args?;
        let ty = func.ty(&scope);
        let takes = ty.params().len() == args.len()
            && args
                .iter()
                .zip(ty.params())
                .all(|(arg, param)| arg.matches_ty(&scope, &param).unwrap_or(false));
        if !takes {
            return Err(wrong_arguments(export));
        }
        let mut results = vec![Val::I32(0); ty.results().len()];
        if let Err(error) = func.call(&mut scope, &args, &mut results) {
            return Err(ended(&mut scope, &error));
        }
        results
            .iter()
            .map(|result| returned(&mut scope, result))
            .collect()
    }

    fn get(&mut self, instance: u32, export: &str) -> Result<Value, Ending> {
        let Some(Extern::Global(global)) = self.export(instance, export)? else {
            return Err(Ending::host_error(format!("no global {export}")));
        };
        let mut scope = RootScope::new(&mut self.store);
        let value = global.get(&mut scope);
        returned(&mut scope, &value)
    }
}

/// The ending for a module that is not compiled.
fn refused(error: &Error) -> Ending {
    let message = format!("{error:#}");
    if message.contains("Unsupported feature") || message.contains("not supported") {
        Ending::unsupported(message)
    } else if message.contains("mplementation limit") {
        Ending::limit(message)
    } else {
        Ending::rejected(message)
    }
}

/// The ending for an instantiation or a call that fails.
fn ended(mut store: impl AsContextMut, error: &Error) -> Ending {
    let message = format!("{error:#}");
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return trapped(*trap, message);
    }
    if error.is::<ThrownException>() {
        // The exception would be kept alive otherwise.
        store.as_context_mut().take_pending_exception();
        return Ending::exception(message);
    }
    if error.is::<UnknownImportError>() || message.starts_with("incompatible import type") {
        return Ending::unlinkable(message);
    }
    Ending::limit(message)
}

fn trapped(trap: Trap, message: String) -> Ending {
    Ending::trap(match trap {
        Trap::StackOverflow => return Ending::exhaustion(message),
        Trap::MemoryOutOfBounds => "out of bounds memory access",
        Trap::HeapMisaligned => "unaligned atomic",
        Trap::TableOutOfBounds => "undefined element | out of bounds table access",
        Trap::IndirectCallToNull => "uninitialized element",
        Trap::BadSignature => "indirect call type mismatch",
        Trap::IntegerOverflow => "integer overflow",
        Trap::IntegerDivisionByZero => "integer divide by zero",
        Trap::BadConversionToInteger => "invalid conversion to integer",
        Trap::UnreachableCodeReached => "unreachable",
        Trap::AtomicWaitNonSharedMemory => "expected shared memory",
        Trap::NullReference => {
            "null reference | null function reference | null structure reference | \
             null array reference | null i31 reference | null exception reference"
        }
        Trap::ArrayOutOfBounds => "out of bounds array access",
        Trap::AllocationTooLarge => "allocation size too large",
        Trap::CastFailure => "cast failure",
        _ => return Ending::internal(message),
    })
}

/// The engine's value of a value.
fn given(mut store: impl AsContextMut, value: &Value) -> Result<Val, Ending> {
    Ok(match value {
        Value::I32(value) => Val::I32(value.cast_signed()),
        Value::I64(value) => Val::I64(value.cast_signed()),
        Value::F32(bits) => Val::F32(*bits),
        Value::F64(bits) => Val::F64(*bits),
        Value::V128(bytes) => Val::V128(V128::from(u128::from_le_bytes(*bytes))),
        Value::Null(heap_type) => Val::null_ref(&match heap_type.as_str() {
            "func" => HeapType::Func,
            "nofunc" => HeapType::NoFunc,
            "extern" => HeapType::Extern,
            "noextern" => HeapType::NoExtern,
            "any" => HeapType::Any,
            "eq" => HeapType::Eq,
            "i31" => HeapType::I31,
            "struct" => HeapType::Struct,
            "array" => HeapType::Array,
            "none" => HeapType::None,
            "exn" => HeapType::Exn,
            "noexn" => HeapType::NoExn,
            _ => {
                return Err(Ending::unsupported(format!(
                    "null references of {heap_type}"
                )));
            }
        }),
        Value::Extern(Some(number)) => {
            Val::ExternRef(Some(ExternRef::new(store, *number).map_err(Ending::limit)?))
        }
        Value::Host(number) => {
            let object = ExternRef::new(&mut store, *number).map_err(Ending::limit)?;
            let object = AnyRef::convert_extern(store, object).map_err(Ending::internal)?;
            Val::AnyRef(Some(object))
        }
        Value::Func
        | Value::Extern(None)
        | Value::I31(_)
        | Value::Struct
        | Value::Array
        | Value::Exn
        | Value::Any => {
            return Err(Ending::unsupported(format!(
                "arguments like {}",
                value.text()
            )));
        }
    })
}

/// The value of the engine's value.
fn returned(store: &mut RootScope<&mut Store<()>>, value: &Val) -> Result<Value, Ending> {
    Ok(match value {
        Val::I32(value) => Value::I32(value.cast_unsigned()),
        Val::I64(value) => Value::I64(value.cast_unsigned()),
        Val::F32(bits) => Value::F32(*bits),
        Val::F64(bits) => Value::F64(*bits),
        Val::V128(value) => Value::V128(value.as_u128().to_le_bytes()),
        Val::FuncRef(None) => Value::null("func"),
        Val::FuncRef(Some(_)) => Value::Func,
        Val::ExternRef(None) => Value::null("extern"),
        Val::ExternRef(Some(reference)) => {
            let data = reference.data(&*store).map_err(Ending::internal)?;
            Value::Extern(data.and_then(|data| data.downcast_ref::<u32>().copied()))
        }
        Val::AnyRef(None) => Value::null("any"),
        Val::AnyRef(Some(reference)) => kind(store, reference).map_err(Ending::internal)?,
        Val::ExnRef(None) => Value::null("exn"),
        Val::ExnRef(Some(_)) => Value::Exn,
        Val::ContRef(_) => return Err(Ending::unsupported("continuations")),
    })
}

/// The kind of a reference of the any hierarchy.
fn kind(
    store: &mut RootScope<&mut Store<()>>,
    reference: &wasmtime::Rooted<AnyRef>,
) -> Result<Value, Error> {
    if let Some(value) = reference.as_i31(&*store)? {
        return Ok(Value::I31(value.get_u32()));
    }
    if reference.is_struct(&*store)? {
        return Ok(Value::Struct);
    }
    if reference.is_array(&*store)? {
        return Ok(Value::Array);
    }
    let object = ExternRef::convert_any(&mut *store, *reference)?;
    let number = object
        .data(&*store)?
        .and_then(|data| data.downcast_ref::<u32>().copied());
    Ok(number.map_or(Value::Any, Value::Host))
}
