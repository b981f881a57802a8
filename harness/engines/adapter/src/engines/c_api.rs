//! Any engine with the standard C API (`wasm.h`), by its shared library.
//!
//!     wassay-adapter c-api LIBRARY [externref | references] [FUNCTION=NUMBER ..]
//!
//! Each further argument is a function of the library that sets an option of its configuration, as
//! `wasmtime_config_wasm_gc_set=1`.
//!
//! Names and types of imports and exports are read from the module, since the API has them in
//! order only, and some libraries abort on types that they cannot express. What the API does not
//! carry: vectors, which the harness sends through helpers, and references but functions and host
//! objects. Wasmtime's library aborts on host objects, so these cross with the argument `externref`
//! only. With `references`, for our own library, every reference crosses; of what kind an internal
//! one is, the harness asks helpers.

mod library;

use std::collections::HashMap;

use wasmparser::ValType;

use self::library::{Extern, Failure, Instance, Library, Module, Script};
use crate::engine::{Engine, Started, Unavailable, unknown, wrong_arguments};
use crate::kinds::{is_number, is_of, is_plain_reference};
use crate::message::{Ending, Value};
use crate::phrases::ended;
use crate::shape::{Exported, Shape};

struct CApi {
    name: String,
    carries: Carries,
    /// Declared before the library, and so dropped before it.
    script: Option<State>,
    library: Library,
}

/// The references that cross.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carries {
    /// Functions and null.
    Plain,
    /// These, and host objects.
    Externref,
    /// All references.
    References,
}

/// The store of a script and what is in it.
struct State {
    names: HashMap<(String, String), Extern>,
    modules: HashMap<u32, (Module, Shape)>,
    instances: HashMap<u32, (Instance, Shape)>,
    script: Script,
}

/// Starts the engine of a library.
///
/// # Errors
/// If there is no such library, or a function is missing in it.
pub fn start(args: &[String]) -> Started {
    let [path, options @ ..] = args else {
        return Err("c-api needs the path of a shared library".into());
    };
    let (carries, options) = match options {
        [first, rest @ ..] if first == "externref" => (Carries::Externref, rest),
        [first, rest @ ..] if first == "references" => (Carries::References, rest),
        options => (Carries::Plain, options),
    };
    let options = options.iter().map(|option| {
        let (function, number) = option.split_once('=').unwrap_or((option, ""));
        let number = number
            .parse::<u8>()
            .map_err(|_| format!("`{option}` is not F=NUMBER"))?;
        Ok((function, number))
    });
    let options: Vec<(&str, u8)> = options.collect::<Result<_, Unavailable>>()?;
    let library = Library::open(path, &options)?;
    let file = std::path::Path::new(path).file_name().unwrap_or_default();
    Ok(CApi::new(
        format!("wasm.h of {}", file.to_string_lossy()),
        library,
        carries,
    ))
}

/// Starts wabt's interpreter, which is linked into this program.
///
/// # Errors
/// If it gives no engine.
#[cfg(feature = "wabt")]
pub fn wabt() -> Started {
    let library = Library::linked()?;
    Ok(CApi::new("wabt".to_string(), library, Carries::Externref))
}

impl CApi {
    fn new(name: String, library: Library, carries: Carries) -> Box<CApi> {
        Box::new(CApi {
            name,
            carries,
            script: None,
            library,
        })
    }

    /// True if values of a type cross.
    fn carries(&self, ty: ValType) -> bool {
        match ty {
            ValType::EXTERNREF => self.carries != Carries::Plain,
            ValType::Ref(_) if self.carries == Carries::References => true,
            ty => is_number(ty) || is_plain_reference(ty),
        }
    }

    fn state(&mut self) -> Result<&mut State, Ending> {
        self.script
            .as_mut()
            .ok_or_else(|| Ending::host_error("no script has begun"))
    }

    /// An export by name.
    fn export(&mut self, instance: u32, export: &str) -> Result<(Extern, Exported), Ending> {
        let state = self.state()?;
        let (made, shape) = state
            .instances
            .get(&instance)
            .ok_or_else(|| unknown("instance", instance))?;
        let found = shape.exports.iter().position(|(name, _)| name == export);
        let found = found.and_then(|at| Some((made.export(at)?, shape.exports[at].1.clone())));
        found.ok_or_else(|| Ending::host_error(format!("no export {export}")))
    }
}

impl Engine for CApi {
    fn identity(&self) -> (String, String) {
        (self.name.clone(), self.library.version())
    }

    fn lacks(&self) -> &'static [&'static str] {
        match self.carries {
            Carries::Plain | Carries::Externref => &["v128"],
            Carries::References => &["v128", "references"],
        }
    }

    fn reset(&mut self) -> Result<(), Ending> {
        self.script = None;
        let script = self
            .library
            .script()
            .ok_or_else(|| Ending::limit("no store is made"))?;
        self.script = Some(State {
            names: HashMap::new(),
            modules: HashMap::new(),
            instances: HashMap::new(),
            script,
        });
        Ok(())
    }

    fn module(&mut self, module: u32, bytes: &[u8]) -> Result<(), Ending> {
        let state = self.state()?;
        let Some(made) = state.script.module(bytes) else {
            return Err(Ending::rejected("wasm_module_new gives no module"));
        };
        state.modules.insert(module, (made, Shape::of(bytes)));
        Ok(())
    }

    fn instantiate(&mut self, module: u32, instance: u32) -> Result<(), Ending> {
        let state = self.state()?;
        let (made, shape) = state
            .modules
            .get(&module)
            .ok_or_else(|| unknown("module", module))?;
        let imports = shape.imports.iter().map(|key| {
            let missing = || Ending::unlinkable(format!("no import {} {}", key.0, key.1));
            state.names.get(key).copied().ok_or_else(missing)
        });
        let imports: Vec<Extern> = imports.collect::<Result<_, Ending>>()?;
        let made = state
            .script
            .instantiate(made, &imports)
            .map_err(|failure| match failure {
                Failure::Silent => Ending::unlinkable("wasm_instance_new gives no instance"),
                Failure::Trap(message) => ended(message),
            })?;
        let shape = shape.clone();
        state.instances.insert(instance, (made, shape));
        Ok(())
    }

    fn register(&mut self, instance: u32, name: &str) -> Result<(), Ending> {
        let state = self.state()?;
        let (made, shape) = state
            .instances
            .get(&instance)
            .ok_or_else(|| unknown("instance", instance))?;
        for (at, (export, _)) in shape.exports.iter().enumerate() {
            if let Some(found) = made.export(at) {
                state
                    .names
                    .insert((name.to_string(), export.clone()), found);
            }
        }
        Ok(())
    }

    fn invoke(
        &mut self,
        instance: u32,
        export: &str,
        args: &[Value],
    ) -> Result<Vec<Value>, Ending> {
        let (found, Exported::Func(params, results)) = self.export(instance, export)? else {
            return Err(Ending::host_error(format!("no function {export}")));
        };
        let crosses = params.iter().chain(&results).all(|ty| self.carries(*ty));
        if !crosses {
            return Err(Ending::unsupported(
                "references and vectors do not cross this adapter",
            ));
        }
        if args.len() != params.len() || args.iter().zip(&params).any(|(it, ty)| !is_of(it, *ty)) {
            return Err(wrong_arguments(export));
        }
        match self.state()?.script.call(found, args, results.len()) {
            Some(Ok(values)) => Ok(values),
            Some(Err(message)) => Err(ended(message)),
            None => Err(Ending::internal(format!(
                "{export} is not a function to the library"
            ))),
        }
    }

    fn get(&mut self, instance: u32, export: &str) -> Result<Value, Ending> {
        let (found, Exported::Global(ty)) = self.export(instance, export)? else {
            return Err(Ending::host_error(format!("no global {export}")));
        };
        if !self.carries(ty) {
            return Err(Ending::unsupported(
                "references and vectors do not cross this adapter",
            ));
        }
        let value = self.state()?.script.global(found);
        value.ok_or_else(|| Ending::internal(format!("{export} is not a global to the library")))
    }
}
