//! The source `mutate`: modules of the embedded suite and of our own regressions, changed by
//! wasm-mutate several times in a row.
//!
//! A file is parsed when a seed first draws it. Its modules are used if they are small and import
//! from `spectest` alone. Calls have the arguments that the file itself gives, or values from the
//! pools. The random choices of wasm-mutate are the same on all hosts of 64 bits.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Once, OnceLock};

use wasm_mutate::WasmMutate;

use crate::features::FeatureSet;
use crate::script::parse::parse_script;
use crate::script::{Action, Argument, Command, ModuleSource};
use crate::suite::{self, SuiteFile};

use super::limit::{REFUEL, limited};
use super::outline::Outline;
use super::random::Random;
use super::{Case, Source, calls, is_valid};

/// The largest module that is used, in bytes.
const MODULE_BYTES_MAX: usize = 16 << 10;

/// The largest text that is parsed, in bytes.
const TEXT_BYTES_MAX: usize = 256 << 10;

/// Our own regressions, by name and text, in the order of their names.
const REGRESSIONS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/regressions.rs"));

/// A module of a file.
struct Original {
    bytes: Vec<u8>,
    /// Calls of the file, in its order.
    calls: Vec<(String, Vec<Argument>)>,
}

/// A file, and its modules once it has been parsed.
struct File {
    path: String,
    text: std::borrow::Cow<'static, str>,
    originals: OnceLock<Vec<Arc<Original>>>,
}

/// The source.
pub(super) struct Mutate {
    files: OnceLock<Vec<File>>,
}

impl Mutate {
    /// The source, of which nothing has been parsed.
    pub(super) fn new() -> Mutate {
        Mutate {
            files: OnceLock::new(),
        }
    }

    /// Every file with text that is not too long.
    fn files(&self) -> &[File] {
        self.files.get_or_init(|| {
            let suite = suite::embedded().into_iter();
            let suite = suite.map(|SuiteFile { path, text, .. }| (path, text));
            let own = REGRESSIONS.iter();
            let own = own.map(|(path, text)| ((*path).to_string(), (*text).into()));
            let files = suite.chain(own);
            let short = files.filter(|(_, text)| text.len() <= TEXT_BYTES_MAX);
            let file = |(path, text)| File {
                path,
                text,
                originals: OnceLock::new(),
            };
            short.map(file).collect()
        })
    }
}

impl Source for Mutate {
    fn name(&self) -> &'static str {
        "mutate"
    }

    fn about(&self) -> &'static str {
        "wasm-mutate over the embedded suite and our regressions"
    }

    fn weight(&self) -> u32 {
        1
    }

    fn case(&self, seed: u64) -> Option<Case> {
        let mut random = Random::new(seed, 2);
        let features = FeatureSet::EXECUTED;
        let original = self.original(&mut random)?;
        let module = mutated(&original.bytes, features, &mut random)?;
        let outline = Outline::of(&module).ok()?;
        let module = limited(&module, &outline)?;
        let mut calls = own_calls(&original, &outline, &mut random);
        let others = calls::of_exports(&outline, &mut random, 3, 16);
        calls.extend(others);
        calls.truncate(24);
        random.shuffle(&mut calls);
        if calls.is_empty() {
            return None;
        }
        let mut commands = vec![calls::module(module)];
        for call in calls {
            commands.push(calls::invoke(REFUEL, Vec::new()));
            commands.push(call);
        }
        Some(Case { features, commands })
    }
}

impl Mutate {
    /// A module to begin with.
    fn original(&self, random: &mut Random) -> Option<Arc<Original>> {
        let files = self.files();
        for _ in 0..8 {
            let file = &files[random.below(files.len() as u64) as usize];
            let originals = file.originals.get_or_init(|| originals(file));
            if !originals.is_empty() {
                let index = random.below(originals.len() as u64) as usize;
                return Some(originals[index].clone());
            }
        }
        None
    }
}

/// The modules of a file that can be used, each with the calls that follow it.
fn originals(file: &File) -> Vec<Arc<Original>> {
    let script = parse_script(&file.path, &file.text);
    let mut originals: Vec<Original> = Vec::new();
    let mut is_usable = false;
    for command in script.commands {
        match command {
            Command::Module {
                module: ModuleSource::Binary(bytes),
                ..
            } => {
                is_usable = usable(&bytes);
                if is_usable {
                    let calls = Vec::new();
                    originals.push(Original { bytes, calls });
                }
            }
            Command::Action(Action::Invoke {
                instance: None,
                field,
                args,
            }) if is_usable => {
                if let Some(original) = originals.last_mut() {
                    original.calls.push((field, args));
                }
            }
            _ => {}
        }
    }
    let has_calls = |it: &Original| !it.calls.is_empty();
    originals.retain(has_calls);
    originals.into_iter().map(Arc::new).collect()
}

/// True if a module is valid, small, and needs nothing but `spectest`.
fn usable(module: &[u8]) -> bool {
    let is_valid = || is_valid(module, FeatureSet::EXECUTED);
    let links = |outline: Outline| {
        let mut modules = outline.imported_modules.iter();
        modules.all(|name| name == "spectest") && !outline.has_start
    };
    module.len() <= MODULE_BYTES_MAX && Outline::of(module).is_ok_and(links) && is_valid()
}

/// The module after some mutations; `None` if none of them could be made.
fn mutated(module: &[u8], features: FeatureSet, random: &mut Random) -> Option<Vec<u8>> {
    let wanted = random.range(1, 6);
    let mut module = module.to_vec();
    let mut made = 0;
    for _ in 0..3 * wanted {
        let mut mutate = WasmMutate::default();
        mutate
            .seed(random.bits())
            .fuel(200)
            .preserve_semantics(random.chance(30));
        let next = contained(|| match mutate.run(&module) {
            Ok(mut mutants) => mutants.next().and_then(Result::ok),
            Err(_) => None,
        });
        let next = next.flatten();
        let fits =
            |module: &Vec<u8>| module.len() <= 2 * MODULE_BYTES_MAX && is_valid(module, features);
        if let Some(next) = next.filter(fits) {
            module = next;
            made += 1;
        }
        if made == wanted {
            break;
        }
    }
    (made > 0).then_some(module)
}

thread_local! {
    /// True while this thread runs code whose panics are not told.
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// The result of a library's code; `None` if it panics, which nobody is told of: wasm-mutate does
/// so where a tag is exported.
fn contained<R>(run: impl FnOnce() -> R) -> Option<R> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_CONTAINED.get() {
                before(info);
            }
        }));
    });
    IS_CONTAINED.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    IS_CONTAINED.set(false);
    result.ok()
}

/// Some of the calls that the file has, of exports that still have the type.
fn own_calls(original: &Original, outline: &Outline, random: &mut Random) -> Vec<Command> {
    let exported: Vec<_> = outline.exported_functions().collect();
    let mut calls = Vec::new();
    for _ in 0..12 {
        let index = random.below(original.calls.len() as u64) as usize;
        let (name, args) = &original.calls[index];
        let ty = exported.iter().find(|(export, _)| export == name);
        let fits = ty.is_some_and(|(_, ty)| calls::fit(args, ty));
        if fits {
            calls.push(calls::invoke(name, args.clone()));
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse::encode_module;

    /// Mutations in which the library panics are none.
    #[test]
    fn a_panic_of_the_library_is_no_mutation() {
        let text = r#"(module (tag (export "")) (func (export "f") (result i32) (i32.const 1)))"#;
        let module = encode_module(text).expect("a module");
        let mut random = Random::new(1, 2);
        let made = (0..200).filter_map(|_| mutated(&module, FeatureSet::EXECUTED, &mut random));
        assert!(made.count() > 100);
        assert_eq!(contained(|| panic!("not told")), None::<()>);
        assert_eq!(contained(|| 1), Some(1));
    }

    #[test]
    fn regressions_have_modules_to_change() {
        let (path, text) = REGRESSIONS[0];
        let file = File {
            path: path.to_string(),
            text: text.into(),
            originals: OnceLock::new(),
        };
        assert!(!originals(&file).is_empty(), "{path}");
        assert!(REGRESSIONS.is_sorted());
    }
}
