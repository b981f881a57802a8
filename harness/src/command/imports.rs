//! The imports of a module that `wassay run` calls: functions of WASI, exports of preloaded
//! modules, and stand-ins.

use std::path::PathBuf;

use wassay_runtime::{
    Engine, Error, Extern, ExternType, Func, FuncType, Global, Instance, Linker, Memory, Module,
    Result, Store, Table, Tag, Val, ValType,
};
use wassay_wasi::{FUNCTIONS, Function};

use super::module::read_module;
use crate::cli::RunArgs;
use crate::error::InputError;
use crate::record::watch::{Program, link_program};

/// The reason why a module has no instance.
pub(super) enum NotMade {
    /// What was asked for cannot be done.
    Input(InputError),
    /// The engine's error for a module, whose file is named.
    Engine(PathBuf, Box<Error>),
}

impl From<InputError> for NotMade {
    fn from(error: InputError) -> NotMade {
        NotMade::Input(error)
    }
}

/// Instantiates preloaded modules, then the module itself, with what it imports.
///
/// # Errors
/// If an import has no provider, or the engine refuses a module.
pub(super) fn instantiate(
    args: &RunArgs,
    engine: &Engine,
    store: &mut Store<Program>,
    module: &Module,
) -> std::result::Result<Instance, NotMade> {
    let mut linker = Linker::new(engine);
    let refused = |error| NotMade::Engine(args.file.clone(), Box::new(error));
    // The functions of WASI have names where no preloaded module takes them.
    if args
        .execution
        .preload
        .iter()
        .all(|it| it.name != wassay_wasi::MODULE)
    {
        // All of them cost as much as the rest of a small program's start.
        let is_imported = |function: &&'static Function| {
            !args.execution.preload.is_empty()
                || module.imports().any(|it| it.name() == function.name)
        };
        let functions = FUNCTIONS.iter().filter(is_imported);
        link_program(&mut linker, functions).map_err(refused)?;
    }
    for preload in &args.execution.preload {
        let path = &preload.path;
        let refused = |error| NotMade::Engine(path.clone(), Box::new(error));
        let preloaded = Module::new(engine, read_module(path)?).map_err(refused)?;
        let instance = linker
            .instantiate(&mut *store, &preloaded)
            .map_err(refused)?;
        // An error of the linker is about names, not about the file.
        linker
            .instance(&*store, &preload.name, instance)
            .map_err(|error| InputError::usage(error.message()))?;
    }
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        if linker.get(&mut *store, from, name).is_some() {
            continue;
        }
        let unknown = |reason: &str| {
            let message = format!("the module imports `{from}` `{name}`, {reason}");
            NotMade::Input(InputError::at(&args.file, message))
        };
        if !args.execution.stub_imports {
            return Err(unknown(
                "and nothing provides it: --preload NAME=FILE gives exports of a module, \
                 --stub-imports makes stand-ins",
            ));
        }
        let stub = stub(store, import.ty()).map_err(refused)?;
        let stub = stub.ok_or_else(|| unknown("of a type that has no default value"))?;
        linker.define(from, name, stub).map_err(refused)?;
    }
    linker.instantiate(store, module).map_err(refused)
}

/// A stand-in of a type, if its values have defaults.
fn stub(store: &mut Store<Program>, ty: ExternType) -> Result<Option<Extern>> {
    Ok(match ty {
        ExternType::Func(ty) => {
            let results: Option<Vec<Val>> =
                ty.results().iter().map(|&ty| Val::default_of(ty)).collect();
            match results {
                Some(results) => Some(constant(store, &ty, results)?.into()),
                None => None,
            }
        }
        ExternType::Global(ty) => match Val::default_of(ty.content()) {
            Some(value) => Some(Global::new(store, ty, value)?.into()),
            None => None,
        },
        ExternType::Table(ty) => match Val::default_of(ValType::Ref(ty.element())) {
            Some(Val::Ref(null)) => Some(Table::new(store, ty, null)?.into()),
            Some(_) | None => None,
        },
        ExternType::Memory(ty) => Some(Memory::new(store, ty)?.into()),
        ExternType::Tag(ty) => Some(Tag::new(store, FuncType::clone(&ty))?.into()),
        _new_kind => None,
    })
}

/// A function that returns the same values each time.
fn constant(store: &mut Store<Program>, ty: &FuncType, values: Vec<Val>) -> Result<Func> {
    Func::new(store, ty.clone(), move |_, _, results| {
        results.copy_from_slice(&values);
        Ok(())
    })
}
