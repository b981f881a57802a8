//! Libraries whose instances stand alone: they import functions of the host only. A module that
//! imports from another instance is `unsupported`; only the printing functions of `spectest`, which
//! do nothing, are given as functions of the host.

use std::collections::{HashMap, HashSet};

use wasmparser::ValType;

use crate::engine::{Engine, unknown, wrong_arguments};
use crate::kinds::is_of;
use crate::message::{Ending, Value};
use crate::shape::{Exported, Shape};

/// The printing functions of `spectest` by name, with their parameters.
pub const PRINTS: [(&str, &[ValType]); 7] = [
    ("print", &[]),
    ("print_i32", &[ValType::I32]),
    ("print_i64", &[ValType::I64]),
    ("print_f32", &[ValType::F32]),
    ("print_f64", &[ValType::F64]),
    ("print_i32_f32", &[ValType::I32, ValType::F32]),
    ("print_f64_f64", &[ValType::F64, ValType::F64]),
];

/// The module of the printing functions.
pub const SPECTEST: &str = "spectest";

/// The reason why a function is not called.
const NOT_CARRIED: &str = "values of this type do not cross the library";

/// A library whose instances stand alone.
pub trait Library {
    /// An instance with all that it needs.
    type Instance;

    /// The name and version of the engine.
    fn identity(&self) -> (String, String);

    /// Decodes and validates a module as far as the library does before it is instantiated.
    ///
    /// # Errors
    /// The ending, if the module is refused.
    fn check(&self, bytes: &[u8]) -> Result<(), Ending>;

    /// Instantiates a module, which imports the printing functions at most.
    ///
    /// # Errors
    /// The ending, if there is no instance.
    fn instantiate(&self, bytes: &[u8]) -> Result<Self::Instance, Ending>;

    /// True if values of a type cross.
    fn carries(&self, ty: ValType) -> bool;

    /// Calls an exported function with arguments of its types.
    ///
    /// # Errors
    /// The ending, if the function does not return.
    fn call(
        &self,
        instance: &mut Self::Instance,
        export: &str,
        args: &[Value],
        results: &[ValType],
    ) -> Result<Vec<Value>, Ending>;

    /// Reads an exported global of a type that crosses.
    ///
    /// # Errors
    /// The ending, if there is no value.
    fn global(&self, instance: &Self::Instance, export: &str, ty: ValType)
    -> Result<Value, Ending>;
}

/// A script of a library.
pub struct Alone<L: Library> {
    instances: HashMap<u32, (L::Instance, Shape)>,
    modules: HashMap<u32, (Vec<u8>, Shape)>,
    names: HashMap<String, HashSet<String>>,
    library: L,
}

impl<L: Library> Alone<L> {
    /// No script yet.
    pub fn new(library: L) -> Alone<L> {
        Alone {
            instances: HashMap::new(),
            modules: HashMap::new(),
            names: HashMap::new(),
            library,
        }
    }
}

impl<L: Library> Engine for Alone<L> {
    fn identity(&self) -> (String, String) {
        self.library.identity()
    }

    fn reset(&mut self) -> Result<(), Ending> {
        self.instances.clear();
        self.modules.clear();
        self.names.clear();
        Ok(())
    }

    fn module(&mut self, module: u32, bytes: &[u8]) -> Result<(), Ending> {
        self.library.check(bytes)?;
        self.modules
            .insert(module, (bytes.to_vec(), Shape::of(bytes)));
        Ok(())
    }

    fn instantiate(&mut self, module: u32, instance: u32) -> Result<(), Ending> {
        let (bytes, shape) = self
            .modules
            .get(&module)
            .ok_or_else(|| unknown("module", module))?;
        for (module, name) in &shape.imports {
            let known = self
                .names
                .get(module)
                .is_some_and(|names| names.contains(name));
            if !known {
                return Err(Ending::unlinkable(format!("no import {module} {name}")));
            }
            if module != SPECTEST || PRINTS.iter().all(|print| print.0 != name) {
                return Err(Ending::unsupported("imports of other instances"));
            }
        }
        let made = self.library.instantiate(bytes)?;
        let shape = shape.clone();
        self.instances.insert(instance, (made, shape));
        Ok(())
    }

    fn register(&mut self, instance: u32, name: &str) -> Result<(), Ending> {
        let (_, shape) = self
            .instances
            .get(&instance)
            .ok_or_else(|| unknown("instance", instance))?;
        let exports = shape.exports.iter().map(|(name, _)| name.clone());
        self.names.insert(name.to_string(), exports.collect());
        Ok(())
    }

    fn invoke(
        &mut self,
        instance: u32,
        export: &str,
        args: &[Value],
    ) -> Result<Vec<Value>, Ending> {
        let (made, shape) = self
            .instances
            .get_mut(&instance)
            .ok_or_else(|| unknown("instance", instance))?;
        let Some(Exported::Func(params, results)) = shape.export(export) else {
            return Err(Ending::host_error(format!("no function {export}")));
        };
        let library = &self.library;
        if !params.iter().chain(results).all(|ty| library.carries(*ty)) {
            return Err(Ending::unsupported(NOT_CARRIED));
        }
        if args.len() != params.len() || args.iter().zip(params).any(|(it, ty)| !is_of(it, *ty)) {
            return Err(wrong_arguments(export));
        }
        library.call(made, export, args, results)
    }

    fn get(&mut self, instance: u32, export: &str) -> Result<Value, Ending> {
        let (made, shape) = self
            .instances
            .get(&instance)
            .ok_or_else(|| unknown("instance", instance))?;
        match shape.export(export) {
            Some(Exported::Global(ty)) if self.library.carries(*ty) => {
                self.library.global(made, export, *ty)
            }
            Some(Exported::Global(_)) => Err(Ending::unsupported(NOT_CARRIED)),
            _ => Err(Ending::host_error(format!("no global {export}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Instances in which every function gives zeros.
    struct Zeros;

    impl Library for Zeros {
        type Instance = ();

        fn identity(&self) -> (String, String) {
            ("zeros".to_string(), "1".to_string())
        }

        fn check(&self, _: &[u8]) -> Result<(), Ending> {
            Ok(())
        }

        fn instantiate(&self, _: &[u8]) -> Result<(), Ending> {
            Ok(())
        }

        fn carries(&self, ty: ValType) -> bool {
            ty == ValType::I32
        }

        fn call(
            &self,
            (): &mut (),
            _: &str,
            _: &[Value],
            results: &[ValType],
        ) -> Result<Vec<Value>, Ending> {
            Ok(vec![Value::I32(0); results.len()])
        }

        fn global(&self, (): &(), _: &str, _: ValType) -> Result<Value, Ending> {
            Ok(Value::I32(0))
        }
    }

    /// A script with a module of these imports and this export as instance 0.
    fn script(imports: &[(&str, &str)], export: Exported) -> (Alone<Zeros>, Result<(), Ending>) {
        let mut alone = Alone::new(Zeros);
        let owned = |(module, name): &(&str, &str)| ((*module).to_string(), (*name).to_string());
        let shape = Shape {
            imports: imports.iter().map(owned).collect(),
            pages: 0,
            exports: vec![("f".to_string(), export)],
        };
        let prints = PRINTS.iter().map(|print| print.0.to_string());
        let more = std::iter::once("memory".to_string());
        alone
            .names
            .insert(SPECTEST.to_string(), prints.chain(more).collect());
        alone.modules.insert(0, (Vec::new(), shape));
        let made = alone.instantiate(0, 0);
        (alone, made)
    }

    #[test]
    fn only_the_printing_functions_are_imported() {
        let made = |imports| script(imports, Exported::Other).1;
        assert!(made(&[(SPECTEST, "print_i32")]).is_ok());
        assert!(matches!(
            made(&[(SPECTEST, "memory")]),
            Err(Ending::Unsupported { .. })
        ));
        assert!(matches!(
            made(&[(SPECTEST, "none")]),
            Err(Ending::Unlinkable { .. })
        ));
        assert!(matches!(
            made(&[("other", "f")]),
            Err(Ending::Unlinkable { .. })
        ));
    }

    #[test]
    fn arguments_are_checked_and_what_does_not_cross_is_unsupported() {
        let (mut alone, _) = script(&[], Exported::Func(vec![ValType::I32], vec![ValType::I32]));
        let call = |alone: &mut Alone<Zeros>, args: &[Value]| alone.invoke(0, "f", args);
        assert_eq!(
            call(&mut alone, &[Value::I32(1)]).expect("zero"),
            [Value::I32(0)]
        );
        assert!(matches!(
            call(&mut alone, &[]),
            Err(Ending::HostError { .. })
        ));
        assert!(matches!(
            call(&mut alone, &[Value::I64(1)]),
            Err(Ending::HostError { .. })
        ));
        let (mut alone, _) = script(&[], Exported::Func(vec![], vec![ValType::EXTERNREF]));
        assert!(matches!(
            call(&mut alone, &[]),
            Err(Ending::Unsupported { .. })
        ));
        assert!(matches!(
            alone.invoke(1, "f", &[]),
            Err(Ending::HostError { .. })
        ));
        assert!(matches!(alone.get(0, "f"), Err(Ending::HostError { .. })));
    }
}
