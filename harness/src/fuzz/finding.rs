//! What generated programs have found: written to a folder as it comes, made small, told apart.
//!
//! A finding is a `.wast` file of its own: the features in its header, the difference and a line
//! that repeats it as comments, then the script with what the reference did as expectations, so
//! that `wassay spec` fails on it. It is written as it was generated first, and replaced by the
//! small script when there is one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::FuzzOptions;
use crate::engine::EngineName;
use crate::error::InputError;
use crate::features::FeatureSet;
use crate::judge::symptom::{Symptom, SymptomKind};
use crate::measure::{Examined, Stopped, examine};
use crate::outcome::{Hierarchy, Outcome, Reference, Report, Value};
use crate::plan::Planned;
use crate::pool::Observer;
use crate::present::destination::Destination;
use crate::protocol::Setting;
use crate::reduce::{Reduced, reduce};
use crate::report::generated::{FindingAccount, GeneratedAccount};
use crate::script::write;
use crate::script::{
    Command, Directive, Expectation, Expected, FloatPattern, Kind, LanePattern, Script,
};

/// Findings of one kind in the same engines that are made small before further ones are counted
/// only.
const ALIKE_MAX: usize = 12;
/// The same of hangs, which cost a deadline each time that they are run.
const HANGS_ALIKE_MAX: usize = 2;

/// By which findings are told apart.
type Key = (SymptomKind, BTreeSet<EngineName>, BTreeSet<String>);

/// The findings of a run.
pub(super) struct Findings<'a> {
    options: &'a FuzzOptions,
    known: BTreeSet<Key>,
    /// The findings of a kind in the same engines.
    alike: BTreeMap<(SymptomKind, BTreeSet<EngineName>), usize>,
    accounts: Vec<FindingAccount>,
    repeated: u64,
    alike_only: u64,
}

impl<'a> Findings<'a> {
    pub(super) fn new(options: &'a FuzzOptions) -> Findings<'a> {
        Findings {
            options,
            known: BTreeSet::new(),
            alike: BTreeMap::new(),
            accounts: Vec::new(),
            repeated: 0,
            alike_only: 0,
        }
    }

    /// The number of findings, repeated ones apart.
    pub(super) fn len(&self) -> usize {
        self.accounts.len()
    }

    /// True of a hang, if enough hangs in the same engines have been looked at.
    fn has_enough_hangs(&self, symptom: Symptom) -> bool {
        let is_hang = symptom.kind == SymptomKind::Timeout;
        let alike = self.alike.get(&(symptom.kind, symptom.odd));
        is_hang && alike.is_some_and(|&count| count >= HANGS_ALIKE_MAX)
    }

    /// Puts the findings on the account.
    pub(super) fn close(self, account: &mut GeneratedAccount) {
        account.findings = self.accounts;
        account.repeated = self.repeated;
        account.alike_only = self.alike_only;
    }

    /// Adds a program that has shown something, run with others.
    pub(super) fn add(
        &mut self,
        planned: &Planned,
        seen: Option<Symptom>,
        observer: &dyn Observer,
    ) -> Result<(), Stopped> {
        let measure = &self.options.measure;
        let setting = planned.setting.unwrap_or_default();
        if seen.is_some_and(|symptom| self.has_enough_hangs(symptom)) {
            self.alike_only += 1;
            return Ok(());
        }
        let examined = examine(measure, planned, observer)?;
        let Some(symptom) = examined.first_symptom() else {
            let case = planned.script.path.clone();
            self.accounts.push(unconfirmed(case, setting));
            return Ok(());
        };
        let kind = (symptom.kind.clone(), symptom.odd.clone());
        let alike = self.alike.entry(kind).or_default();
        *alike += 1;
        if *alike > ALIKE_MAX {
            self.alike_only += 1;
            return Ok(());
        }
        let engines = &measure.tiers;
        let written = Written::new(planned, &examined, &symptom, engines, setting);
        let path = self.write(&planned.script.path, &written)?;
        observer.warn(&format!(
            "{}: {} ({})",
            planned.script.path, symptom.text, symptom.kind
        ));
        let reduced = reduce(measure, planned, self.options.reduce_time, observer)?;
        let account = match &reduced {
            Some(reduced) => {
                let instructions = reduced.instructions();
                let Symptom { kind, odd, .. } = symptom.clone();
                if !self.known.insert((kind, odd, instructions.clone())) {
                    self.repeated += 1;
                    if let Some(path) = &path {
                        remove(path)?;
                    }
                    return Ok(());
                }
                let written = of_reduced(reduced, setting);
                self.write(&planned.script.path, &written)?;
                (instructions, written)
            }
            None => (BTreeSet::new(), written),
        };
        let (instructions, written) = account;
        self.accounts.push(FindingAccount {
            case: planned.script.path.clone(),
            setting: setting.to_string(),
            kind: symptom.kind.to_string(),
            engines: symptom.odd.iter().copied().collect(),
            text: symptom.text,
            script: path.map(|path| path.display().to_string()),
            lines: written.lines() as u64,
            instructions: instructions.into_iter().collect(),
            confirmed: true,
        });
        Ok(())
    }

    /// Writes a script to the folder of findings, if there is one.
    fn write(&self, name: &str, written: &Written) -> Result<Option<PathBuf>, InputError> {
        let Some(folder) = &self.options.folder else {
            return Ok(None);
        };
        let path = folder.join(format!("{}.wast", name.replace('/', "-")));
        let failed =
            |error: std::io::Error| InputError::at(folder, "cannot keep findings").because(error);
        fs::create_dir_all(folder).map_err(failed)?;
        let text = written.text(&path);
        Destination::open(&path)?.write(text.as_bytes())?;
        Ok(Some(path))
    }
}

/// The account of a program that shows nothing by itself.
fn unconfirmed(case: String, setting: Setting) -> FindingAccount {
    FindingAccount {
        case,
        setting: setting.to_string(),
        kind: "unconfirmed".to_string(),
        engines: Vec::new(),
        text: "it did not show again in fresh processes".to_string(),
        script: None,
        lines: 0,
        instructions: Vec::new(),
        confirmed: false,
    }
}

fn remove(path: &Path) -> Result<(), InputError> {
    fs::remove_file(path).map_err(|error| InputError::at(path, "cannot remove").because(error))
}

/// The file of a script that was made small.
pub fn of_reduced(reduced: &Reduced, setting: Setting) -> Written {
    Written::new(
        &reduced.planned,
        &reduced.examined,
        &reduced.symptom,
        &reduced.engines,
        setting,
    )
}

/// A finding as a file.
#[derive(Clone, Debug)]
pub struct Written {
    head: String,
    options: String,
    body: String,
}

impl Written {
    /// The file of a script that shows a difference, whose expectations are what the reference did
    /// where it has none.
    pub fn new(
        planned: &Planned,
        examined: &Examined,
        symptom: &Symptom,
        engines: &[EngineName],
        setting: Setting,
    ) -> Written {
        let set = planned.features.set;
        let added = set.proposals();
        let added = added.filter(|it| !FeatureSet::WASM3.contains(*it));
        let header = added.map(|it| format!(";;! {} = true\n", it.key().replace('-', "_")));
        let origin = match planned.generated {
            Some(_) => format!(";; wassay fuzz: {}\n", planned.script.path),
            None => format!(";; {}\n", planned.script.path),
        };
        let script = with_expectations(&planned.script, reference(examined, symptom));
        let names: Vec<&str> = engines.iter().map(|name| name.name()).collect();
        let words = setting.words();
        let space = if words.is_empty() { "" } else { " " };
        Written {
            head: format!(
                "{}{origin};; {}: {}\n",
                header.collect::<String>(),
                symptom.kind,
                symptom.text
            ),
            options: format!("--engines {}{space}{}", names.join(","), words.join(" ")),
            body: write::text(&script).unwrap_or_else(|error| format!(";; {error}\n")),
        }
    }

    /// The text of the file at a path.
    pub fn text(&self, path: &Path) -> String {
        let (head, options, body) = (&self.head, &self.options, &self.body);
        format!("{head};; wassay spec {} {options}\n{body}", path.display())
    }

    /// The lines of the script, comments apart.
    pub fn lines(&self) -> usize {
        self.body.lines().count()
    }
}

/// What the reference reported: the first engine that is not alone.
fn reference<'a>(examined: &'a Examined, symptom: &Symptom) -> &'a [Report] {
    let runs = examined.runs.iter();
    let mut common = runs.clone().filter(|(name, _)| !symptom.odd.contains(name));
    let run = common.next().or(runs.clone().next());
    run.map_or(&[], |(_, run)| &run.reports[..])
}

/// The script with what was reported as the expectations of directives that have none. Calls of
/// what was never instantiated are left out.
fn with_expectations(script: &Script, reports: &[Report]) -> Script {
    let mut written = Script {
        path: script.path.clone(),
        sha256: String::new(),
        directives: Vec::new(),
        commands: Vec::new(),
    };
    let directives = script.directives.iter().zip(&script.commands);
    for (index, (directive, command)) in directives.enumerate() {
        let outcome = reports.get(index).map(|report| &report.outcome);
        if let Some(Outcome::MissingInstance(_)) = outcome {
            continue;
        }
        let (command, expectation) = match (&directive.expectation, outcome) {
            (Expectation::Open, Some(outcome)) => expected(command, outcome),
            (expectation, _) => (command.clone(), expectation.clone()),
        };
        written.directives.push(Directive {
            expectation,
            kind: Kind::Invoke,
            ..directive.clone()
        });
        written.commands.push(command);
    }
    written
}

/// A command and its expectation by what came of it: a module that traps is instantiated for that
/// alone.
fn expected(command: &Command, outcome: &Outcome) -> (Command, Expectation) {
    let instantiated = match command {
        Command::Module { module, .. } => Command::Instantiate {
            module: module.clone(),
        },
        _ => command.clone(),
    };
    let is_action = matches!(command, Command::Action(_));
    match outcome {
        Outcome::Trap(message) => (instantiated, Expectation::Trap(message.clone())),
        Outcome::Exhaustion(message) => (instantiated, Expectation::Exhaustion(message.clone())),
        Outcome::Exception(_) => (instantiated, Expectation::Exception),
        Outcome::Values(values) if is_action => {
            let values: Option<Vec<Expected>> = values.iter().map(expected_value).collect();
            let expectation = values.map_or(Expectation::Success, Expectation::Return);
            (command.clone(), expectation)
        }
        _ => (command.clone(), Expectation::Success),
    }
}

/// The value as scripts can expect it, if they can.
fn expected_value(value: &Value) -> Option<Expected> {
    Some(match value {
        Value::I32(value) => Expected::I32(*value),
        Value::I64(value) => Expected::I64(*value),
        Value::F32(bits) => Expected::F32(FloatPattern::Bits(*bits)),
        Value::F64(bits) => Expected::F64(FloatPattern::Bits(*bits)),
        Value::V128(bytes) => Expected::V128(LanePattern::I8x16(*bytes)),
        Value::Ref(reference) => match reference {
            Reference::Null(hierarchy) => Expected::RefNull(heap_type(*hierarchy)),
            Reference::Func { .. } => Expected::RefFunc(None),
            Reference::Extern(number) => Expected::RefExtern(Some(*number)),
            Reference::Externalized => Expected::RefExtern(None),
            Reference::Host(number) => Expected::RefHost(*number),
            Reference::I31(_) => Expected::RefI31,
            Reference::Struct => Expected::RefStruct,
            Reference::Array => Expected::RefArray,
            Reference::Any => Expected::RefAny,
            Reference::Exn => return None,
        },
    })
}

fn heap_type(hierarchy: Hierarchy) -> Option<String> {
    let name = match hierarchy {
        Hierarchy::Func => "func",
        Hierarchy::Extern => "extern",
        Hierarchy::Any => "any",
        Hierarchy::Exn => "exn",
        Hierarchy::Unknown => return None,
    };
    Some(name.to_string())
}
