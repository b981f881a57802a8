//! Linking: imports that are found by name.

use std::collections::HashMap;
use std::marker::PhantomData;

use super::context::AsContextMut;
use super::func::untyped;
use super::typed::{IntoFunc, definition};
use super::{AsContext, Caller, Module};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::store::{Extern, HostDefinition, Instance, StoreData, check_store};
use crate::types::FuncType;
use crate::value::Val;

/// Names for the imports of modules: host functions for any store with data of type `T`, and values
/// of one store.
///
/// ```
/// use wassay_runtime::{Caller, Config, Engine, Linker, Module, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("env", "add", |mut caller: Caller<'_, i32>, n: i32| *caller.data_mut() += n)?;
/// linker.func_wrap("env", "max", i32::max)?;
/// let module = Module::new(&engine, b"\0asm\x01\0\0\0")?;
/// let mut store = Store::new(&engine, 0);
/// let instance = linker.instantiate(&mut store, &module)?;
/// assert_eq!(instance.exports(&store).count(), 0);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
pub struct Linker<T: 'static> {
    engine: Engine,
    items: HashMap<String, HashMap<String, Definition>>,
    allows_shadowing: bool,
    data: PhantomData<fn(T) -> T>,
}

#[derive(Clone)]
enum Definition {
    Value(Extern),
    Func(HostDefinition),
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Linker {
            engine: self.engine.clone(),
            items: self.items.clone(),
            ..*self
        }
    }
}

impl<T> std::fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = |items: &HashMap<String, _>| items.keys().cloned().collect::<Vec<_>>();
        let modules = self
            .items
            .iter()
            .map(|(module, items)| (module, names(items)));
        f.debug_map().entries(modules).finish()
    }
}

impl<T: 'static> Linker<T> {
    /// A linker without names.
    pub fn new(engine: &Engine) -> Linker<T> {
        Linker {
            engine: engine.clone(),
            items: HashMap::new(),
            allows_shadowing: false,
            data: PhantomData,
        }
    }

    /// The linker's engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Lets a name be defined again, in place of the earlier definition.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.allows_shadowing = allow;
        self
    }

    fn insert(&mut self, module: &str, name: &str, item: Definition) -> Result<&mut Self> {
        let items = self.items.entry(module.to_owned()).or_default();
        if !self.allows_shadowing && items.contains_key(name) {
            return Err(Error::usage(format!(
                "{module:?} {name:?} is defined twice"
            )));
        }
        items.insert(name.to_owned(), item);
        Ok(self)
    }

    /// Gives a value of a store a name. Only that store can be linked with it.
    ///
    /// # Errors
    /// `Usage` if the name is defined already, unless that is allowed.
    pub fn define(
        &mut self,
        module: &str,
        name: &str,
        value: impl Into<Extern>,
    ) -> Result<&mut Self> {
        self.insert(module, name, Definition::Value(value.into()))
    }

    /// Defines a host function, as [`Func::wrap`](crate::Func::wrap) makes it.
    ///
    /// # Errors
    /// As [`Linker::define`].
    pub fn func_wrap<P, R>(
        &mut self,
        module: &str,
        name: &str,
        closure: impl IntoFunc<T, P, R>,
    ) -> Result<&mut Self> {
        self.insert(module, name, Definition::Func(definition(closure)))
    }

    /// Defines a host function, as [`Func::new`](crate::Func::new) makes it.
    ///
    /// # Errors
    /// As [`Linker::define`].
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        closure: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<&mut Self> {
        self.insert(module, name, Definition::Func(untyped(ty, closure)))
    }

    /// Gives the exports of an instance names in `module`.
    ///
    /// # Errors
    /// As [`Linker::define`], and `Usage` if the instance is of another store.
    pub fn instance(
        &mut self,
        store: impl AsContext<Data = T>,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self> {
        let context = store.as_context();
        check_store(instance.store, context.state())?;
        for (name, value) in instance.exports(context) {
            self.define(module, name, value)?;
        }
        Ok(self)
    }

    /// Instantiates a module and gives its exports names in `name`.
    ///
    /// # Errors
    /// As [`Linker::instantiate`] and [`Linker::define`].
    pub fn module(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        name: &str,
        module: &Module,
    ) -> Result<&mut Self> {
        let instance = self.instantiate(&mut store, module)?;
        self.instance(store, name, instance)
    }

    /// The value of a name in a store. A host function is the same one each time.
    ///
    /// # Panics
    /// If the system or the engine's limits leave no memory for the adapter of a host function.
    pub fn get(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &str,
        name: &str,
    ) -> Option<Extern> {
        let definition = self.items.get(module)?.get(name)?;
        let value = value_in(store.as_context_mut().state_mut(), definition);
        Some(value.unwrap_or_else(|error| panic!("{error}")))
    }

    /// Instantiates a module with its imports found by name, and runs its start function.
    ///
    /// # Errors
    /// `Unlinkable` if a name is not defined; otherwise as [`Instance::new`].
    pub fn instantiate(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance> {
        let mut context = store.as_context_mut();
        let state = context.state_mut();
        let mut imports = Vec::with_capacity(module.inner.imports.len());
        for import in &module.inner.imports {
            let (module, name) = (&import.module, &import.name);
            let unknown = || Error::unlinkable(format!("unknown import {module:?} {name:?}"));
            let definition = self.items.get(module).and_then(|items| items.get(name));
            imports.push(value_in(state, definition.ok_or_else(unknown)?)?);
        }
        Instance::new(context, module, &imports)
    }
}

/// The value of a definition in a store.
fn value_in(state: &mut StoreData, definition: &Definition) -> Result<Extern> {
    match definition {
        Definition::Value(value) => Ok(*value),
        // SAFETY: a linker's functions are for the type of data that its stores have.
        Definition::Func(definition) => unsafe {
            state.link_host_func(definition).map(Extern::Func)
        },
    }
}
