//! `wassay explain`: where two engines begin to differ in a directive.
//!
//! Owns which script is run and which directive is explained; the search is
//! [`explain`](crate::explain), and [`show`] writes what it finds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wassay_runtime::interior::module::{ExternKind, ModuleParts};
use wassay_runtime::{AnyRef, Config, Engine, Ref, Tier, Val};

use super::module::{on_a_large_stack, read_module};
use super::stdout::print;
use super::{Warnings, this_program};
use crate::adapter::table::EngineTable;
use crate::cli::ExplainArgs;
use crate::engine::EngineName;
use crate::error::{Exit, InputError};
use crate::explain::case::{Case, source};
use crate::explain::column::{Column, Stopped};
use crate::explain::search::SearchError;
use crate::explain::{Difference, first_difference};
use crate::features::FeatureSet;
use crate::interrupt;
use crate::judge::compare::Comparer;
use crate::judge::judge;
use crate::judge::verdict::{Agreement, Status};
use crate::measure::launcher;
use crate::outcome::text::ending;
use crate::outcome::{Outcome, Report};
use crate::plan::Planned;
use crate::plan::shapes::{self, Request};
use crate::pool::configured::Configured;
use crate::pool::{self, Engines, Interrupted, Launcher, Losses, Settings, Task};
use crate::protocol::configuration::Configurations;
use crate::protocol::{JobConfig, Setting};
use crate::script::{
    Action, Argument, Command, Directive, Expectation, Kind, ModuleSource, Script, value,
};
use crate::suite::conventions::Conventions;
use crate::suite::select::Selection;

pub mod show;

/// A script to run, and how.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The script.
    pub script: Arc<Script>,
    /// The features that its modules may use.
    features: FeatureSet,
    /// The runner for which it was written.
    conventions: Conventions,
    /// The last directive that may be explained.
    last: usize,
    skipped: Vec<u32>,
    proposal: &'static str,
    /// How it runs; `None` if it runs as the options say.
    setting: Option<Setting>,
}

/// The module whose exports a script may import.
const SPECTEST: &str = "spectest";

/// The bytes of all modules of a script from which on functions are compiled when they are called.
const LAZY_BYTES_MIN: usize = 1 << 20;

impl Asked {
    fn module_bytes(&self) -> usize {
        let modules = self.script.commands[..=self.last].iter().filter_map(source);
        let bytes = modules.map(|module| match module {
            ModuleSource::Binary(bytes) => bytes.len(),
            ModuleSource::Refused { .. } => 0,
        });
        bytes.sum()
    }
}

/// The explanation of a directive.
#[derive(Debug)]
pub struct Explanation {
    /// The ordinal of the directive.
    pub ordinal: usize,
    /// The difference.
    pub difference: Difference,
    /// The case in which it was found.
    pub case: Case,
    /// How it ran.
    pub config: JobConfig,
}

/// The reason why there is no explanation.
enum Unexplained {
    Input(InputError),
    Interrupted,
    NotMeasured(String),
}

impl From<InputError> for Unexplained {
    fn from(error: InputError) -> Unexplained {
        Unexplained::Input(error)
    }
}

impl From<Interrupted> for Unexplained {
    fn from(Interrupted: Interrupted) -> Unexplained {
        Unexplained::Interrupted
    }
}

/// Answers `wassay explain`.
///
/// # Errors
/// If what is named cannot be read, or is not there.
pub fn command(args: &ExplainArgs) -> Result<Exit, InputError> {
    interrupt::install();
    let explained = on_a_large_stack(|| match run(args) {
        Err(Unexplained::Input(error)) => Err(error),
        other => Ok(other),
    });
    match explained? {
        Ok((asked, Some(explanation))) => {
            let text = match args.json {
                true => show::json(args, &asked, &explanation),
                false => show::text(args, &asked, &explanation),
            };
            print(&text)?;
            Ok(Exit::Failed)
        }
        Ok((_, None)) => {
            eprintln!("wassay: the engines do the same");
            Ok(Exit::AsExpected)
        }
        Err(Unexplained::Interrupted) => Ok(interrupt::exit()),
        Err(Unexplained::NotMeasured(reason)) => {
            eprintln!("wassay: {reason}");
            Ok(Exit::NotMeasured)
        }
        Err(Unexplained::Input(error)) => Err(error),
    }
}

fn run(args: &ExplainArgs) -> Result<(Asked, Option<Explanation>), Unexplained> {
    let asked = asked(args)?;
    let program = this_program()?;
    let names = &args.engines.0;
    let [reference, others @ ..] = names.as_slice() else {
        return Err(InputError::usage("two engines are needed").into());
    };
    if others.is_empty() {
        return Err(InputError::usage("two engines are needed: name them by --engines A,B").into());
    }
    let is_own = |name: &&EngineName| name.tier().is_some();
    let table = match names.iter().all(|name| is_own(&name)) {
        true => EngineTable::default(),
        false => EngineTable::load(&program, &args.tables.engine_table)?,
    };
    names.iter().try_for_each(|name| table.check(*name))?;
    let start = |name: EngineName| -> Result<Box<dyn Launcher>, Unexplained> {
        let unavailable =
            |reason| Unexplained::NotMeasured(format!("engine `{name}` is unavailable: {reason}"));
        let launcher = launcher(name, &program, &table).map_err(unavailable)?;
        let Some(configuration) = name.configuration() else {
            return Ok(launcher);
        };
        let added = Configurations::default().get(configuration);
        let unknown = || {
            let message = format!("`{name}`: no configuration `{configuration}` is known");
            Unexplained::Input(InputError::usage(message))
        };
        let added = added.ok_or_else(unknown)?;
        Ok(Box::new(Configured { launcher, added }))
    };
    for other in others {
        let pair = [*reference, *other];
        let launchers = [start(pair[0])?, start(pair[1])?];
        if let Some(explanation) = explain_pair(args, &asked, pair, launchers)? {
            return Ok((asked, Some(explanation)));
        }
    }
    Ok((asked, None))
}

/// Explains the first difference between two engines.
fn explain_pair(
    args: &ExplainArgs,
    asked: &Asked,
    names: [EngineName; 2],
    launchers: [Box<dyn Launcher>; 2],
) -> Result<Option<Explanation>, Unexplained> {
    let setting = asked.setting.unwrap_or_else(|| args.setting.into());
    let config = JobConfig {
        conventions: asked.conventions,
        bounds: setting.bounds,
        hash_state: true,
        show_state: names.iter().any(|name| name.tier().is_none()),
        profile: setting.profile,
        modes: setting.modes,
        is_lazy: asked.module_bytes() >= LAZY_BYTES_MIN,
        memory_bytes_max: args.worker_memory,
        ..JobConfig::plain(asked.features)
    };
    let engines: Engines = names.into_iter().zip(launchers.map(Ok)).collect();
    let Some(ordinal) = first_apart(args, asked, &engines, names, config)? else {
        return Ok(None);
    };
    let case = Case::new(&asked.script.commands, ordinal, config);
    let column = |name: EngineName| {
        let launcher = engines.get(&name).and_then(|it| it.as_ref().ok());
        launcher.map(|launcher| Column::new(name, &**launcher, args.timeout))
    };
    let [Some(one), Some(other)] = names.map(column) else {
        return Ok(None);
    };
    let found = first_difference(&mut [one, other], &case).map_err(|error| match error {
        SearchError::Stopped(Stopped::Interrupted) => Unexplained::Interrupted,
        error => Unexplained::NotMeasured(error.to_string()),
    })?;
    let Some((difference, case)) = found else {
        let id = &asked.script.directives[ordinal].id;
        let [one, other] = names;
        let reason = format!("{one} and {other} differed in {id}, and not when it ran again");
        return Err(Unexplained::NotMeasured(reason));
    };
    Ok(Some(Explanation {
        ordinal,
        difference,
        case,
        config,
    }))
}

/// The first directive in which two engines differ.
fn first_apart(
    args: &ExplainArgs,
    asked: &Asked,
    engines: &Engines,
    names: [EngineName; 2],
    config: JobConfig,
) -> Result<Option<usize>, Unexplained> {
    let script = Script {
        directives: asked.script.directives[..=asked.last].to_vec(),
        commands: asked.script.commands[..=asked.last].to_vec(),
        ..Script::clone(&asked.script)
    };
    let task = Task {
        script: &script,
        config,
        skipped: asked.skipped.clone(),
        proposal: asked.proposal,
    };
    let settings = Settings {
        jobs: 2,
        timeout: args.timeout,
        losses: &Losses::default(),
        seeks_places: true,
    };
    let mut runs = pool::run(&[task], engines, &settings, &Warnings);
    if interrupt::requested() {
        return Err(Interrupted.into());
    }
    let mut reports = Vec::new();
    for name in names {
        match runs.remove(&name) {
            Some(Ok(mut files)) => reports.push(files.remove(0).reports),
            Some(Err(reason)) => {
                let reason = format!("engine `{name}` is unavailable: {reason}");
                return Err(Unexplained::NotMeasured(reason));
            }
            None => return Ok(None),
        }
    }
    let mut comparer = Comparer::default();
    let mut apart = script
        .directives
        .iter()
        .enumerate()
        .filter(|(at, directive)| {
            let entries = [0, 1].map(|n| (names[n], &reports[n][*at]));
            let compared = comparer.next(directive, &entries);
            let reports = entries.map(|it| it.1);
            compared.agreement == Agreement::Diverge
                || only_one_ended(reports)
                || only_one_fails(directive, reports)
        });
    Ok(apart.next().map(|(at, _)| at))
}

/// True if one engine did not run the directive to its end, which a comparison leaves open.
fn only_one_ended([one, other]: [&Report; 2]) -> bool {
    let is_lost = |outcome: &Outcome| {
        matches!(
            outcome,
            Outcome::Timeout { .. }
                | Outcome::Crash(_)
                | Outcome::Unsupported(_)
                | Outcome::Limit(_)
        )
    };
    (is_lost(&one.outcome) || is_lost(&other.outcome))
        && ending(&one.outcome) != ending(&other.outcome)
}

/// True if one engine does what is expected and the other one does not: where an engine of another
/// maker is one of them, a comparison leaves failures to the judge.
fn only_one_fails(directive: &Directive, reports: [&Report; 2]) -> bool {
    let [one, other] = reports.map(|report| judge(directive, &report.outcome).status);
    (one == Status::Fail && other == Status::Pass) || (one == Status::Pass && other == Status::Fail)
}

/// The script that is asked for.
fn asked(args: &ExplainArgs) -> Result<Asked, InputError> {
    if let Some(name) = &args.invoke {
        return call(args, name);
    }
    if let Some((path, id)) = args.what.split_once('#') {
        let paths = args.rest.iter().map(PathBuf::from).collect();
        let Some((original, _)) = id.split_once('/') else {
            return directive(args, paths, path, |it| it.id == args.what);
        };
        let original = format!("{path}#{original}");
        let asked = directive(args, paths, path, |it| it.id == original)?;
        return variant(args, asked);
    }
    if let Some((file, line)) = args.what.rsplit_once(':')
        && let Ok(line) = line.parse::<u32>()
    {
        return directive(args, vec![file.into()], "", |it| it.line == line);
    }
    let path = Path::new(&args.what);
    if path
        .extension()
        .is_some_and(|it| it == "wasm" || it == "wat")
    {
        return Err(InputError::usage(
            "for a module, --invoke NAME says what to call",
        ));
    }
    directive(args, vec![path.into()], "", |_| true)
}

/// The script of a suite with a directive; the last one of those that `is_it` takes.
fn directive(
    args: &ExplainArgs,
    paths: Vec<PathBuf>,
    file: &str,
    is_it: impl Fn(&Directive) -> bool,
) -> Result<Asked, InputError> {
    let selection = Selection {
        paths,
        filter: (!file.is_empty())
            .then(|| file.to_string())
            .into_iter()
            .collect(),
        exact: !file.is_empty(),
        features: args.features.clone(),
        ..Selection::default()
    };
    let chosen = selection.load(1)?;
    for file in chosen.files {
        let script = file.script.unpack();
        if let Some(last) = script.directives.iter().rposition(&is_it) {
            return Ok(Asked {
                features: file.features.set,
                conventions: file.features.conventions(),
                last,
                skipped: file.skipped,
                proposal: file.heading.key(),
                setting: None,
                script,
            });
        }
    }
    Err(InputError::usage(format!(
        "there is no directive `{}` in {}",
        args.what, chosen.suite
    )))
}

/// The script of an operand shape of a directive.
fn variant(args: &ExplainArgs, of: Asked) -> Result<Asked, InputError> {
    let file = Planned {
        skipped: of.skipped,
        ..Planned::alone(of.script, of.features)
    };
    let engines = &args.engines.0;
    let request = Request {
        sampling: args.sampling.into(),
        setting: args.setting.into(),
        has_foreign: engines.iter().any(|name| name.tier().is_none()),
    };
    let Some(planned) = shapes::variant(&file, &args.what, request) else {
        let message = format!(
            "{} has no shape `{}` with these samples (--shapes-seed, --shapes-samples)",
            file.script.path, args.what
        );
        return Err(InputError::usage(message));
    };
    Ok(Asked {
        features: planned.features.set,
        conventions: of.conventions,
        last: planned.script.directives.len() - 1,
        skipped: Vec::new(),
        proposal: of.proposal,
        setting: planned.setting,
        script: planned.script,
    })
}

/// The script that calls an export of a module.
fn call(args: &ExplainArgs, name: &str) -> Result<Asked, InputError> {
    let path = Path::new(&args.what);
    let bytes = read_module(path)?;
    let features = args.features.as_ref();
    let features = features.map_or(FeatureSet::EXECUTED, |it| it.apply(FeatureSet::EXECUTED));
    let call = Command::Action(Action::Invoke {
        instance: None,
        field: name.to_string(),
        args: arguments(args, path, name, &bytes, features)?,
    });
    let module = Command::Module {
        name: None,
        module: ModuleSource::Binary(bytes),
    };
    let directive = |ordinal, kind| Directive {
        ordinal,
        line: 1,
        column: 1,
        kind,
        id: format!("{}#{ordinal}", args.what),
        expectation: Expectation::Success,
        origin: None,
    };
    Ok(Asked {
        script: Arc::new(Script {
            path: args.what.clone(),
            sha256: String::new(),
            directives: vec![directive(0, Kind::Module), directive(1, Kind::Invoke)],
            commands: vec![module, call],
        }),
        features,
        conventions: Conventions::Spec,
        last: 1,
        skipped: Vec::new(),
        proposal: "other",
        setting: None,
    })
}

/// The arguments of a call, by the types of the export's parameters.
fn arguments(
    args: &ExplainArgs,
    path: &Path,
    name: &str,
    bytes: &[u8],
    features: FeatureSet,
) -> Result<Vec<Argument>, InputError> {
    let wrong = |message: String| InputError::at(path, message);
    let config = *Config::only(Tier::Register).features(features.wasmparser());
    let module = Engine::new(&config).and_then(|engine| ModuleParts::new(&engine, bytes));
    let module = module.map_err(|error| wrong(error.to_string()))?;
    let is_it = |kind, it: &str| kind == ExternKind::Func && it == name;
    let export = module.exports.iter().find(|it| is_it(it.kind, &it.name));
    let export = export.ok_or_else(|| wrong(format!("no exported function `{name}`")))?;
    // Engines that all refuse to link have done nothing that could be compared.
    if let Some(import) = module.imports.iter().find(|it| it.module != SPECTEST) {
        let (from, item) = (&import.module, &import.name);
        return Err(wrong(format!(
            "the module imports `{from}` `{item}`, and nothing provides it: a script can, or \
             `wassay diff` by --preload and --stub-imports"
        )));
    }
    let params = module.signatures[export.index as usize].params();
    if params.len() != args.rest.len() {
        let (count, given) = (params.len(), args.rest.len());
        let message = format!("`{name}` takes {count} arguments, not {given}");
        return Err(InputError::usage(message));
    }
    let pairs = params.iter().zip(&args.rest).enumerate();
    let values = pairs.map(|(index, (&ty, text))| {
        let wrong = |message: String| {
            InputError::usage(format!("argument {} of `{name}`: {message}", index + 1))
        };
        let value = value::parse(ty, text).map_err(|error| wrong(error.to_string()))?;
        argument(value).ok_or_else(|| wrong(format!("`{text}` has no form in scripts")))
    });
    values.collect()
}

/// A value as scripts have it, if they can.
fn argument(value: Val) -> Option<Argument> {
    Some(match value {
        Val::I32(value) => Argument::I32(value.cast_unsigned()),
        Val::I64(value) => Argument::I64(value.cast_unsigned()),
        Val::F32(bits) => Argument::F32(bits),
        Val::F64(bits) => Argument::F64(bits),
        Val::V128(bits) => Argument::V128(bits.to_le_bytes()),
        Val::Ref(Ref::Null(top)) => Argument::RefNull(top.name().to_string()),
        Val::Ref(Ref::Extern(it)) => Argument::RefExtern(it.number()?),
        Val::Ref(Ref::Any(AnyRef::Host(number))) => Argument::RefHost(number),
        Val::Ref(_) => return None,
    })
}
