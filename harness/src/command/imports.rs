//! The imports of a module that `wassay run` calls: functions of WASI, exports of preloaded
//! modules, and stand-ins.

use std::path::{Path, PathBuf};

use wassay_runtime::{
    AbstractHeapType, Engine, Error, Extern, ExternRef, ExternType, Func, FuncType, Global,
    HeapType, ImportType, Instance, Linker, Memory, Module, RefType, Result, Store, Table, Tag,
    Val, ValType,
};
use wassay_wasi::{FUNCTIONS, Function};

use super::module::read_module;
use super::run::INITIALIZE;
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

/// The end of a call of a stand-in whose result is of a type without a default value.
#[derive(Debug, thiserror::Error)]
#[error("the stand-in of `{from}` `{name}` has no value to return")]
struct NoValue {
    from: String,
    name: String,
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
        provide(args, &mut linker, store, path, &preloaded)?;
        let instance = linker
            .instantiate(&mut *store, &preloaded)
            .map_err(refused)?;
        initialize(store, instance).map_err(refused)?;
        // An error of the linker is about names, not about the file.
        linker
            .instance(&*store, &preload.name, instance)
            .map_err(|error| InputError::usage(error.message()))?;
    }
    provide(args, &mut linker, store, &args.file, module)?;
    linker.instantiate(store, module).map_err(refused)
}

/// Calls the function by which a module that is not a program is made ready, if it has one.
pub(super) fn initialize(store: &mut Store<Program>, instance: Instance) -> Result<()> {
    let func = instance.get_func(&*store, INITIALIZE);
    match func.filter(|func| *func.ty(&*store) == FuncType::new([], [])) {
        Some(func) => func.invoke(store, &[]).map(drop),
        None => Ok(()),
    }
}

/// Makes stand-ins of what a module of a file imports and the linker does not have, if they are
/// asked for.
fn provide(
    args: &RunArgs,
    linker: &mut Linker<Program>,
    store: &mut Store<Program>,
    file: &Path,
    module: &Module,
) -> std::result::Result<(), NotMade> {
    let refused = |error| NotMade::Engine(file.to_owned(), Box::new(error));
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        if linker.get(&mut *store, from, name).is_some() {
            continue;
        }
        let unknown = |reason: &str| {
            let message = format!("the module imports `{from}` `{name}`, {reason}");
            NotMade::Input(InputError::at(file, message))
        };
        if !args.execution.stub_imports {
            return Err(unknown(
                "and nothing provides it: --preload NAME=FILE gives exports of a module, \
                 --stub-imports makes stand-ins",
            ));
        }
        let stub = stub(store, &import).map_err(refused)?;
        let stub = stub.ok_or_else(|| unknown("of a type that has no default value"))?;
        linker.define(from, name, stub).map_err(refused)?;
    }
    Ok(())
}

/// A stand-in of an import, if there can be one.
fn stub(store: &mut Store<Program>, import: &ImportType<'_>) -> Result<Option<Extern>> {
    Ok(match import.ty() {
        ExternType::Func(ty) => Some(constant(store, &ty, import)?.into()),
        ExternType::Global(ty) => match value(store, ty.content())? {
            Some(value) => Some(Global::new(store, ty, value)?.into()),
            None => None,
        },
        ExternType::Table(ty) => match value(store, ValType::Ref(ty.element()))? {
            Some(Val::Ref(element)) => Some(Table::new(store, ty, element)?.into()),
            Some(_) | None => None,
        },
        ExternType::Memory(ty) => Some(Memory::new(store, ty)?.into()),
        ExternType::Tag(ty) => Some(Tag::new(store, FuncType::clone(&ty))?.into()),
        _new_kind => None,
    })
}

/// The value of a stand-in: the default of its type, or some value of the host.
fn value(store: &mut Store<Program>, ty: ValType) -> Result<Option<Val>> {
    let external = HeapType::Abstract(AbstractHeapType::Extern);
    match Val::default_of(ty) {
        None if ty == ValType::Ref(RefType::new(false, external)) => {
            Ok(Some(ExternRef::new(store, ())?.into()))
        }
        default => Ok(default),
    }
}

/// A function that returns the same values each time, or an error if there are none.
fn constant(store: &mut Store<Program>, ty: &FuncType, import: &ImportType<'_>) -> Result<Func> {
    let mut values = Vec::new();
    for &ty in ty.results() {
        values.push(value(store, ty)?);
    }
    let values: Option<Vec<Val>> = values.into_iter().collect();
    let (from, name) = (import.module().to_owned(), import.name().to_owned());
    Func::new(store, ty.clone(), move |_, _, results| match &values {
        Some(values) => {
            results.copy_from_slice(values);
            Ok(())
        }
        None => Err(Error::host(NoValue {
            from: from.clone(),
            name: name.clone(),
        })),
    })
}
