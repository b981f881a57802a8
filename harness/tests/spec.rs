//! The suite as libtest sees it: a trial for each tier and file, and one for each tier's operand
//! shapes, with libtest's usual flags.
//!
//! The whole selection runs once, through the pool, when the first trial asks for it; the trials
//! then look their verdicts up. `WASSAY_TESTSUITE` names a folder to run in place of the embedded
//! suite. Trials of a tier that is unavailable are ignored, and stderr says why.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use wassay::expectations::Expectations;
use wassay::pool::Observer;
use wassay::pool::launch::program_for;
use wassay::pool::process::{StartError, Worker};
use wassay::protocol::{Bounds, Modes, Profile};
use wassay::report::{Report, is_failing};
use wassay::script::Script;
use wassay::select::{Chosen, Selection};
use wassay::spec::{Options, jobs_by_default, measure};
use wassay::tier::Tier;
use wassay::verdict::Agreement;
use wassay_runtime::Policy;

/// Directives shown of a failing file.
const SHOWN_MAX: usize = 10;

struct Silent;

impl Observer for Silent {
    fn file_done(&self, _tier: Tier, _script: &Script) {}
    fn warn(&self, message: &str) {
        eprintln!("{message}");
    }
}

/// The run that all trials look at.
type Measured =
    Arc<LazyLock<Result<Report, String>, Box<dyn FnOnce() -> Result<Report, String> + Send>>>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let shapes = |tier: Tier| format!("{tier}::shapes");
    let wanted = |tier| is_wanted(&arguments, &shapes(tier));
    let options = options(Tier::ALL.into_iter().any(wanted));
    let mut chosen = match options.selection.load(options.jobs) {
        Ok(chosen) => chosen,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let unavailable = unavailable(&options);
    for (tier, reason) in &unavailable {
        eprintln!("tier {tier} is unavailable, its trials are ignored: {reason}");
    }
    let name = |tier: Tier, path: &str| format!("{tier}::{path}");
    let paths: Vec<String> = chosen
        .files
        .iter()
        .map(|file| file.script.path.clone())
        .collect();
    // Only files of which a trial is wanted are run; shapes are of all of them.
    chosen.files.retain(|file| {
        options.shapes
            || Tier::ALL
                .iter()
                .any(|&tier| is_wanted(&arguments, &name(tier, &file.script.path)))
    });
    let measured = measured(options, chosen);
    let trials = Tier::ALL.into_iter().flat_map(|tier| {
        let (measured, ignored) = (&measured, unavailable.contains_key(&tier));
        paths.iter().map(move |path| {
            let (measured, path) = (measured.clone(), path.clone());
            let test_path = path.clone();
            let trial = Trial::test(name(tier, &path), move || {
                check(&measured, tier, &test_path)
            });
            trial.with_ignored_flag(ignored)
        })
    });
    let of_shapes = Tier::ALL.into_iter().map(|tier| {
        let (measured, ignored) = (measured.clone(), unavailable.contains_key(&tier));
        let trial = Trial::test(shapes(tier), move || check_shapes(&measured, tier));
        trial.with_ignored_flag(ignored)
    });
    let trials = trials.chain(of_shapes);
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn options(shapes: bool) -> Options {
    let folder = std::env::var_os("WASSAY_TESTSUITE").filter(|folder| !folder.is_empty());
    Options {
        selection: Selection {
            paths: folder.map(PathBuf::from).into_iter().collect(),
            ..Selection::default()
        },
        tiers: Tier::ALL.to_vec(),
        jobs: jobs_by_default(),
        timeout: Duration::from_secs(10),
        worker_memory: 0,
        bounds: Bounds::Guard,
        profile: Profile::default(),
        modes: Modes::default(),
        compare_state: true,
        shapes,
        program: env!("CARGO_BIN_EXE_wassay").into(),
    }
}

/// The tiers that cannot run here, each with its reason.
fn unavailable(options: &Options) -> BTreeMap<Tier, String> {
    let reason = |tier| match program_for(tier, &options.program) {
        Err(reason) => Some(reason),
        Ok(program) => match Worker::start(&program, tier) {
            Ok(_) => None,
            Err(StartError::Unavailable(reason)) => Some(reason),
            Err(StartError::Interrupted) => Some("interrupted".to_string()),
        },
    };
    Tier::ALL
        .into_iter()
        .filter_map(|tier| Some((tier, reason(tier)?)))
        .collect()
}

/// Whether the flags choose a trial, as libtest does.
fn is_wanted(arguments: &Arguments, name: &str) -> bool {
    let matches = |pattern: &String| match arguments.exact {
        true => name == pattern,
        false => name.contains(pattern.as_str()),
    };
    arguments.filter.as_ref().is_none_or(matches) && !arguments.skip.iter().any(matches)
}

/// The run, made when the first trial asks for it.
fn measured(options: Options, chosen: Chosen) -> Measured {
    let run: Box<dyn FnOnce() -> Result<Report, String> + Send> = Box::new(move || {
        let expectations = Expectations::embedded().map_err(|error| error.to_string())?;
        let measured = measure(&options, chosen, &expectations, &Silent);
        measured
            .map(|measured| measured.report)
            .map_err(|stopped| format!("{stopped:?}"))
    });
    Arc::new(LazyLock::new(run))
}

/// One trial: nothing of the file may fail in the tier, and its accounting must close.
fn check(measured: &Measured, tier: Tier, path: &str) -> Result<(), Failed> {
    let report = (***measured).as_ref()?;
    let file = report.files.iter().find(|file| file.path == path);
    let file = file.ok_or("the file was not run")?;
    let counts = file.counts.get(&tier).ok_or("the tier was not run")?;
    if counts.total() != file.directives {
        let message = format!(
            "{} of {} directives have a verdict",
            counts.total(),
            file.directives
        );
        return Err(message.into());
    }
    let mut failures = Vec::new();
    for directive in report
        .directives
        .iter()
        .filter(|directive| directive.file == path)
    {
        let place = format!("{path}:{}:{}", directive.line, directive.column);
        if let Some(verdict) = directive.tiers.get(&tier).filter(|v| is_failing(v.status)) {
            let (status, detail) = (verdict.status.name(), &verdict.detail);
            failures.push(format!("{place}: {status}: {detail}"));
        }
        if directive.agreement == Agreement::Diverge {
            let diff = directive.diff.as_deref().unwrap_or("");
            failures.push(format!("{place}: the tiers diverge: {diff}"));
        }
    }
    outcome(&failures)
}

/// The trial of a tier's operand shapes: none may fail, and the tier must have compiled them all.
fn check_shapes(measured: &Measured, tier: Tier) -> Result<(), Failed> {
    let report = (***measured).as_ref()?;
    let account = report.shapes.as_ref().ok_or("no shapes were run")?;
    let state = account.tiers.get(&tier).ok_or("the tier was not run")?;
    if !account.closed || account.variants == 0 {
        return Err("the accounting of the shapes is open or empty".into());
    } else if !mixes(tier) && state.proof.compiled != state.proof.functions {
        let (compiled, functions) = (state.proof.compiled, state.proof.functions);
        return Err(format!("{compiled} of {functions} functions compiled").into());
    }
    let mut failures = Vec::new();
    for variant in &account.failures {
        let place = format!("{}:{} as {}", variant.file, variant.line, variant.shape);
        if let Some(verdict) = variant.tiers.get(&tier).filter(|v| is_failing(v.status)) {
            failures.push(format!("{place}: {}", verdict.detail));
        } else if variant.agreement == Agreement::Diverge {
            let diff = variant.diff.as_deref().unwrap_or("");
            failures.push(format!("{place}: the tiers diverge: {diff}"));
        }
    }
    outcome(&failures)
}

/// Whether a tier compiles only what is hot.
fn mixes(tier: Tier) -> bool {
    match tier.policy() {
        Policy::Only(_) => false,
        Policy::Tiered(_) => true,
    }
}

/// No failures, or the first of them.
fn outcome(failures: &[String]) -> Result<(), Failed> {
    if failures.is_empty() {
        return Ok(());
    }
    let shown = &failures[..failures.len().min(SHOWN_MAX)];
    Err(format!("{}\n{} in all", shown.join("\n"), failures.len()).into())
}
