//! The functions of a module that run: each one sets a bit of a global when it is entered, and the
//! globals are read in the end.

use wasmparser::WasmFeatures;

use super::{module_of, module_of_mut};
use crate::explain::outline::Outline;
use crate::explain::rewrite::Rewriter;
use crate::outcome::{Outcome, Report, Value};
use crate::script::{Action, Command, Directive, Expectation, Kind, Script};

/// A script whose module notes which functions run, and that reads it afterwards.
pub(super) struct Watched {
    pub(super) script: Script,
    /// The ordinal of the first directive that reads.
    first: usize,
}

impl Watched {
    /// A bit for each of the defined functions, 64 to a word: whether it has run.
    pub(super) fn read(&self, reports: &[Report]) -> Option<Vec<u64>> {
        let word = |report: &Report| match &report.outcome {
            Outcome::Values(values) => match values[..] {
                [Value::I64(word)] => Some(word),
                _ => None,
            },
            _ => None,
        };
        reports.get(self.first..)?.iter().map(word).collect()
    }
}

/// The script with a module that notes which functions run; `None` if the module cannot be changed
/// so.
pub(super) fn watch(script: &Script, at: usize, features: WasmFeatures) -> Option<Watched> {
    let Command::Module { name, .. } = script.commands.get(at)? else {
        return None;
    };
    let instance = name.clone();
    let outline = Outline::new(module_of(&script.commands[at])?, features).ok()?;
    let mut rewriter = Rewriter::new(&outline, false).ok()?;
    let globals = rewriter.flag_entries().ok()?;
    let (module, _) = rewriter.finish();
    let mut script = script.clone();
    *module_of_mut(&mut script.commands[at])? = module;
    let first = script.commands.len();
    for field in globals {
        script.commands.push(Command::Action(Action::Get {
            instance: instance.clone(),
            field,
        }));
        script.directives.push(Directive {
            ordinal: script.directives.len() as u32,
            line: 1,
            column: 1,
            kind: Kind::Get,
            id: String::new(),
            expectation: Expectation::Open,
            origin: None,
        });
    }
    Some(Watched { script, first })
}
