//! The engines: each compiles a module, instantiates it with functions that fail for its imports,
//! and calls an export with zeros.

use wassay_runtime as wassay;
use wassay_runtime::{Bounds, Compilation, Config, Tier};

use crate::Done;
use crate::sample::{Clock, Sample};
use crate::table::Job::{self, Compiling, Instructions, Kernels, Load};

/// An engine in one of its modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineName {
    /// A tier of ours.
    Wassay(Tier, Compilation, Bounds),
    /// Whether it translates lazily.
    Wasmi(bool),
    /// tinywasm
    Tinywasm,
    /// A compiler or interpreter of wasmtime.
    #[cfg(feature = "wasmtime")]
    Wasmtime(&'static str),
}

/// Names, and which tables an engine is in unless others are asked for.
const ENGINES: &[(&str, EngineName, &[Job])] = &[
    ("wassay-stack", eager(Tier::Stack), &[Kernels, Load]),
    ("wassay-register", eager(Tier::Register), &[Kernels, Load]),
    ("wassay-stack-lazy", lazy(Tier::Stack), &[Load]),
    ("wassay-register-lazy", lazy(Tier::Register), &[Load]),
    ("wassay-jit", eager(Tier::Jit), WHERE_THERE_IS_A_JIT),
    ("wassay-jit-explicit", EXPLICIT, &[Instructions]),
    ("wasmi", EngineName::Wasmi(false), &[Kernels, Load]),
    ("wasmi-lazy", EngineName::Wasmi(true), &[Load]),
    ("tinywasm", EngineName::Tinywasm, &[Kernels, Load]),
    #[cfg(feature = "wasmtime")]
    ("pulley", EngineName::Wasmtime("pulley"), &[Kernels, Load]),
    #[cfg(feature = "wasmtime")]
    ("winch", EngineName::Wasmtime("winch"), Job::ALL),
    #[cfg(feature = "wasmtime")]
    ("cranelift", EngineName::Wasmtime("cranelift"), Job::ALL),
];

const WHERE_THERE_IS_A_JIT: &[Job] = if wassay::interior::jit::CAN_RUN {
    Job::ALL
} else {
    &[Instructions, Compiling]
};

const EXPLICIT: EngineName = EngineName::Wassay(Tier::Jit, Compilation::Eager, Bounds::Explicit);

const fn eager(tier: Tier) -> EngineName {
    EngineName::Wassay(tier, Compilation::Eager, Bounds::Guard)
}

const fn lazy(tier: Tier) -> EngineName {
    EngineName::Wassay(tier, Compilation::Lazy, Bounds::Guard)
}

impl EngineName {
    /// The engine of a name.
    pub fn named(name: &str) -> Option<EngineName> {
        let row = ENGINES.iter().find(|row| row.0 == name)?;
        Some(row.1)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let row = ENGINES.iter().find(|row| row.1 == self);
        row.map_or("?", |row| row.0)
    }

    /// The engines of a table.
    pub fn all(job: Job) -> Vec<EngineName> {
        let rows = ENGINES.iter().filter(|row| row.2.contains(&job));
        rows.map(|row| row.1).collect()
    }
}

/// Runs an export under an engine.
pub fn run(engine: EngineName, bytes: &[u8], export: &str) -> Done<Sample> {
    match engine {
        EngineName::Wassay(tier, compilation, bounds) => {
            let config = *Config::only(tier).compilation(compilation).bounds(bounds);
            ours(tier, config, bytes, export)
        }
        EngineName::Wasmi(lazy) => wasmi(lazy, bytes, export),
        EngineName::Tinywasm => tinywasm(bytes, export),
        #[cfg(feature = "wasmtime")]
        EngineName::Wasmtime(mode) => {
            wasmtime(mode, bytes, export).map_err(|e| format!("{e:#}").into())
        }
    }
}

fn ours(tier: Tier, config: Config, bytes: &[u8], export: &str) -> Done<Sample> {
    use wassay::{Engine, Error, Linker, Module, Store, Val};
    let engine = Engine::new(&config)?;
    let mut clock = Clock::start()?;
    let module = Module::new(&engine, bytes)?;
    clock.compiled()?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    for import in module.imports() {
        if let wassay::ExternType::Func(ty) = import.ty() {
            // A name may be imported twice; it is defined once.
            let _ = linker.func_new(import.module(), import.name(), (*ty).clone(), |_, _, _| {
                Err(Error::msg("a stub"))
            });
        }
    }
    let instance = linker.instantiate(&mut store, &module)?;
    clock.instantiated(wassay::interior::parts(&module).code(tier))?;
    let func = instance.get_func(&store, export).ok_or("no such export")?;
    let ty = func.ty(&store);
    let zeros = |types: &[wassay::ValType]| -> Option<Vec<Val>> {
        types.iter().map(|&ty| Val::default_of(ty)).collect()
    };
    let args = zeros(ty.params()).ok_or("a parameter has no default")?;
    let mut results = zeros(ty.results()).ok_or("a result has no default")?;
    func.call(&mut store, &args, &mut results)?;
    clock.returned(match results.first() {
        Some(Val::I64(value)) => Some(*value as u64),
        Some(Val::I32(value)) => Some(u64::from(*value as u32)),
        _ => None,
    })
}

fn wasmi(lazy: bool, bytes: &[u8], export: &str) -> Done<Sample> {
    use wasmi::{CompilationMode, Config, Engine, Error, ExternType, Linker, Module, Store, Val};
    let mut config = Config::default();
    config.compilation_mode(if lazy {
        CompilationMode::LazyTranslation
    } else {
        CompilationMode::Eager
    });
    let engine = Engine::new(&config);
    let mut clock = Clock::start()?;
    let module = Module::new(&engine, bytes)?;
    clock.compiled()?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    for import in module.imports() {
        if let ExternType::Func(ty) = import.ty() {
            let fail =
                |_: wasmi::Caller<'_, ()>, _: &[Val], _: &mut [Val]| Err(Error::new("a stub"));
            // A name may be imported twice; it is defined once.
            let _ = linker.func_new(import.module(), import.name(), ty.clone(), fail);
        }
    }
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    clock.instantiated(0..0)?;
    let func = instance.get_func(&store, export).ok_or("no such export")?;
    let ty = func.ty(&store);
    let args: Vec<Val> = ty
        .params()
        .iter()
        .map(|&ty| Val::default_for_ty(ty))
        .collect();
    let mut results: Vec<Val> = ty
        .results()
        .iter()
        .map(|&ty| Val::default_for_ty(ty))
        .collect();
    func.call(&mut store, &args, &mut results)?;
    clock.returned(match results.first() {
        Some(Val::I64(value)) => Some(*value as u64),
        Some(Val::I32(value)) => Some(u64::from(*value as u32)),
        _ => None,
    })
}

fn tinywasm(bytes: &[u8], export: &str) -> Done<Sample> {
    use tinywasm::types::{ExportType, ImportType, WasmType, WasmValue};
    use tinywasm::{Error, HostFunction, Imports, ModuleInstance, Store};
    let mut clock = Clock::start()?;
    let module = tinywasm::parse_bytes(bytes)?;
    clock.compiled()?;
    let mut store = Store::default();
    let mut imports = Imports::new();
    for import in module.imports() {
        if let ImportType::Func(ty) = import.ty {
            let fail =
                |_: tinywasm::FuncContext<'_>, _: &[WasmValue]| Err(Error::Other("a stub".into()));
            let stub = HostFunction::from_untyped(&mut store, ty, fail);
            imports.define(import.module, import.name, stub);
        }
    }
    let instance = ModuleInstance::instantiate(&mut store, &module, Some(imports))?;
    clock.instantiated(0..0)?;
    let func = instance.func_untyped(&store, export)?;
    let mut exports = module.exports();
    let Some(ExportType::Func(ty)) = exports.find(|e| e.name == export).map(|e| e.ty) else {
        return Err("no such export".into());
    };
    let zero = |ty: &WasmType| match ty {
        WasmType::I64 => WasmValue::I64(0),
        WasmType::F32 => WasmValue::F32(0.0),
        WasmType::F64 => WasmValue::F64(0.0),
        _ => WasmValue::I32(0),
    };
    let args: Vec<WasmValue> = ty.params().iter().map(zero).collect();
    let results = func.call(&mut store, &args)?;
    clock.returned(match results.first() {
        Some(WasmValue::I64(value)) => Some(*value as u64),
        Some(WasmValue::I32(value)) => Some(u64::from(*value as u32)),
        _ => None,
    })
}

#[cfg(feature = "wasmtime")]
fn wasmtime(mode: &str, bytes: &[u8], export: &str) -> wasmtime::Result<Sample> {
    use wasmtime::{Config, Engine, Error, Linker, Module, Store, Strategy, Val};
    let failed = |error: Box<dyn std::error::Error>| Error::msg(error.to_string());
    let mut config = Config::new();
    match mode {
        "winch" => {
            config.strategy(Strategy::Winch);
        }
        "pulley" => {
            config.target("pulley64")?;
        }
        _ => {}
    }
    let engine = Engine::new(&config)?;
    let mut clock = Clock::start().map_err(failed)?;
    let module = Module::new(&engine, bytes)?;
    clock.compiled().map_err(failed)?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.define_unknown_imports_as_traps(&module)?;
    let instance = linker.instantiate(&mut store, &module)?;
    let code = module.image_range();
    let code = code.start as usize..code.end as usize;
    clock.instantiated(code).map_err(failed)?;
    let func = instance.get_func(&mut store, export);
    let func = func.ok_or_else(|| Error::msg("no such export"))?;
    let ty = func.ty(&store);
    let zeros = |types: &mut dyn Iterator<Item = wasmtime::ValType>| -> Vec<Val> {
        types.filter_map(|ty| Val::default_for_ty(&ty)).collect()
    };
    let (args, mut results) = (zeros(&mut ty.params()), zeros(&mut ty.results()));
    func.call(&mut store, &args, &mut results)?;
    let result = match results.first() {
        Some(Val::I64(value)) => Some(*value as u64),
        Some(Val::I32(value)) => Some(u64::from(*value as u32)),
        _ => None,
    };
    clock.returned(result).map_err(failed)
}
