//! Engines of other makers in a comparison: they run the program as a script, in which a module of
//! WebAssembly gives the answers that the reference got (`record/script.rs`).
//!
//! So no engine needs a WASI of its own, and all of them have the same clocks, files and random
//! numbers. Compared are the ending, the number of host calls, a digest of their arguments and of
//! what they read, and what the program shows of its state at the end.

use std::path::Path;
use std::sync::Arc;

use super::column::{Ending, Ran};
use super::{Column, Inputs, origin};
use crate::engine::EngineName;
use crate::error::{Exit, InputError};
use crate::judge::symptom::{Symptom, SymptomKind};
use crate::judge::verdict::Status;
use crate::measure::{Options, examine};
use crate::plan::Planned;
use crate::pool::Silent;
use crate::protocol::Setting;
use crate::record::script::{ANSWERS_NAME, TOLD, scripted};
use crate::script::{Action, Command, Expectation};
use crate::suite::select::Selection;

/// The program as a script, with what must come of it.
pub(super) struct Answered {
    commands: Vec<Command>,
    ending: Expectation,
    calls: u64,
    /// The bytes by which the program's code lies behind that of the script.
    moved: i64,
}

impl Answered {
    /// The script of a program that ran in the reference, or the reason why there is none.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub(super) fn new(
        inputs: &Inputs<'_>,
        module: &[u8],
        reference: &Ran,
    ) -> Result<Result<Answered, String>, InputError> {
        if let Some(reason) = unscripted(inputs, reference) {
            return Ok(Err(reason.to_string()));
        }
        let calls = origin::calls(reference, reference.account.calls)?;
        let made = match scripted(module, &calls) {
            Ok(made) => made,
            Err(reason) => return Ok(Err(reason.to_string())),
        };
        let moved = origin::moved(module, &made.program);
        let ending = origin::ending(reference, reference.account.calls, origin::ends(&calls));
        Ok(Ok(Answered {
            commands: origin::commands(made),
            ending,
            calls: reference.account.calls,
            moved,
        }))
    }

    /// The script with a look at what the module that answers tells.
    fn planned(&self, inputs: &Inputs<'_>) -> Planned {
        let told = TOLD.map(|field| {
            Command::Action(Action::Get {
                instance: Some(ANSWERS_NAME.to_string()),
                field: field.to_string(),
            })
        });
        let commands = [&self.commands[..], &told].concat();
        let script = origin::script(&commands, &self.ending, &inputs.args.file);
        Planned::alone(Arc::new(script), inputs.args.execution.features.set())
    }

    /// Runs the script in another engine beside the reference: the exit code and the text.
    ///
    /// # Errors
    /// If the script cannot be written.
    pub(super) fn compare(
        &self,
        inputs: &Inputs<'_>,
        module: &[u8],
        reference: &Column,
        name: EngineName,
    ) -> Result<(Exit, String), InputError> {
        let tier = origin::explained_name(reference);
        let options = Options {
            timeout: inputs.args.wait,
            table: inputs.table.clone(),
            ..Options::plain(
                Selection::default(),
                vec![tier, name],
                inputs.program.clone(),
            )
        };
        let unmeasured = |reason: &str| {
            (
                Exit::NotMeasured,
                format!("{name}  not measured: {reason}\n"),
            )
        };
        if let Some(Err(reason)) = options.launchers().get(&name) {
            return Ok(unmeasured(&reason.to_string()));
        }
        let planned = self.planned(inputs);
        let Ok(examined) = examine(&options, &planned, &Silent) else {
            return Ok(unmeasured("interrupted"));
        };
        let verdicts = examined.judged.verdicts.get(&name);
        let open = |until: usize| {
            let mut all = (0..until).map(|at| verdicts.and_then(|all| all.get(at)));
            let open = all.find(|it| it.is_none_or(|verdict| verdict.status != Status::Pass))?;
            let reason = open.map(|verdict| [&verdict.actual, &verdict.detail]);
            let reason = reason.map(|texts| texts.into_iter().find(|text| !text.is_empty()));
            Some(reason.flatten().map_or("no verdict", |text| text))
        };
        // An engine that does not take the modules has not run the program.
        if let Some(reason) = open(self.commands.len() - 1) {
            return Ok(unmeasured(reason));
        }
        if let Some(symptom) = examined.first_symptom() {
            if symptom.kind == SymptomKind::Failure("exhaustion".to_string()) {
                return Ok(unmeasured(
                    "its call stack is exhausted, at a depth that is open",
                ));
            }
            let text = self.difference(inputs, module, [tier, name], &symptom)?;
            return Ok((Exit::Failed, text));
        }
        match open(planned.script.directives.len()) {
            Some(reason) => Ok(unmeasured(reason)),
            None => Ok((
                Exit::AsExpected,
                format!(
                    "{name} = {}: as a script, {} host calls, what they are given and read, and \
                     the state that is shown at the end\n",
                    reference.name, self.calls
                ),
            )),
        }
    }

    /// The text of a difference, with its first instruction.
    fn difference(
        &self,
        inputs: &Inputs<'_>,
        module: &[u8],
        [tier, name]: [EngineName; 2],
        symptom: &Symptom,
    ) -> Result<String, InputError> {
        let part = match (
            symptom.ordinal.checked_sub(self.commands.len()),
            &symptom.kind,
        ) {
            (None, SymptomKind::State) => "the state at the end",
            (None, _) => "its end",
            (Some(0), _) => "the number of host calls",
            (Some(_), _) => "the arguments of host calls, or what they read",
        };
        let Symptom { kind, text, .. } = symptom;
        let mut text = format!("\n{name} differs from {tier} in {part}\n  {kind}: {text}\n");
        if !inputs.args.no_explain {
            let pair = [tier, name].map(|name| (name, Setting::default()));
            text.push_str(&match origin::explained(inputs, pair, &self.commands) {
                Ok(Some(difference)) => origin::shown(difference, module, self.moved),
                Ok(None) => "  explain: no first instruction was found\n".to_string(),
                Err(reason) => format!("  not explained: {reason}\n"),
            });
        }
        let file = inputs.args.script.as_deref();
        if let Some(path) = file {
            origin::keep(&self.commands, &self.ending, path)?;
        }
        let file = file.unwrap_or(Path::new("DIFF.wast")).display();
        text.push_str(&format!(
            "  to go on: wassay explain --engines {tier},{name} {file} (--script writes it)\n"
        ));
        Ok(text)
    }
}

/// The reason why a program does not become a script that others run.
fn unscripted(inputs: &Inputs<'_>, reference: &Ran) -> Option<&'static str> {
    let open = match &reference.account.ending {
        Ending::Recorded(end) if end.is_open => Some("the end of the reference is open"),
        Ending::Lost(_) => Some("the record of the reference is cut off"),
        Ending::Recorded(_) => None,
    };
    origin::beyond_wasi(inputs.args).or(open)
}
