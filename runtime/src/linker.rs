//! Imports by name.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::module::Module;
use crate::store::{Extern, Instance, Store};

/// Names for external values, by module and item.
#[derive(Clone, Debug, Default)]
pub struct Linker {
    items: HashMap<String, HashMap<String, Extern>>,
}

impl Linker {
    /// A linker without names.
    pub fn new() -> Linker {
        Linker::default()
    }

    /// Gives a value a name; an earlier value of that name is replaced.
    pub fn define(&mut self, module: &str, name: &str, value: Extern) {
        self.items
            .entry(module.to_owned())
            .or_default()
            .insert(name.to_owned(), value);
    }

    /// Gives the exports of an instance names in `module`, in place of all earlier ones.
    pub fn define_instance(&mut self, store: &Store, module: &str, instance: Instance) {
        let exports = instance.module(store).exports.iter();
        let values = exports
            .filter_map(|e| Some((e.name.clone(), instance.export(store, &e.name)?)))
            .collect();
        self.items.insert(module.to_owned(), values);
    }

    /// The value of a name.
    pub fn get(&self, module: &str, name: &str) -> Option<Extern> {
        self.items.get(module)?.get(name).copied()
    }

    /// Instantiates a module with its imports resolved by name.
    ///
    /// # Errors
    /// `Unlinkable` if a name is not defined; otherwise as [`Instance::new`].
    pub fn instantiate(&self, store: &mut Store, module: &Module) -> Result<Instance> {
        let resolve = |import: &crate::module::Import| {
            let (module, name) = (&import.module, &import.name);
            let unknown = || Error::unlinkable(format!("unknown import {module:?} {name:?}"));
            self.get(module, name).ok_or_else(unknown)
        };
        let imports: Vec<Extern> = module.imports.iter().map(resolve).collect::<Result<_>>()?;
        Instance::new(store, module, &imports)
    }
}
