//! The suite as libtest sees it: a trial for each tier and file, and one for the operand shapes of
//! each tier that runs alone, with libtest's usual flags. Scripts of our own follow, in every mode
//! of the engine: those of `testsuite/regressions`, and large ones, which `generated` makes. `page`
//! looks at the page of HTML of the run, `matrix` at the committed matrix of coverage.
//!
//! Each suite runs once, through the pool, when the first of its trials asks for it; the trials
//! then look their verdicts up. `WASSAY_TESTSUITE` names a folder to run in place of the embedded
//! suite. Trials of a tier that is unavailable are ignored, and stderr says why.

mod generated;
mod matrix;
mod numbered;
mod page;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use wassay::engine::EngineName;
use wassay::error::InputError;
use wassay::judge::expectations::Expectations;
use wassay::judge::verdict::Agreement;
use wassay::measure::{Options, ShapeOptions, measure};
use wassay::plan;
use wassay::pool::Observer;
use wassay::pool::{Launcher, Unavailable};
use wassay::present::Presenter;
use wassay::present::beside::Beside;
use wassay::present::json::Json;
use wassay::protocol::{Bounds, Modes, Profile, Setting};
use wassay::report::Report;
use wassay::script::Script;
use wassay::suite::select::{Chosen, Selection};
use wassay_runtime::Policy;

/// The variable that names the file to which the report of the embedded suite is written.
const REPORT_VARIABLE: &str = "WASSAY_REPORT";

/// Directives shown of a failing file.
const SHOWN_MAX: usize = 10;

struct Silent;

impl Observer for Silent {
    fn file_done(&self, _tier: EngineName, _script: &Script) {}
    fn warn(&self, message: &str) {
        eprintln!("{message}");
    }
}

/// The run that all trials look at.
type Measured =
    Arc<LazyLock<Result<Report, String>, Box<dyn FnOnce() -> Result<Report, String> + Send>>>;

/// Scripts to run in one mode.
struct Suite {
    /// Stands before the path in the names of trials.
    prefix: String,
    options: Options,
    chosen: Chosen,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let suites = match suites(&arguments) {
        Ok(suites) => suites,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let unavailable = unavailable(&suites[0].options);
    for (tier, reason) in &unavailable {
        eprintln!("tier {tier} is unavailable, its trials are ignored: {reason}");
    }
    let trials = suites
        .into_iter()
        .flat_map(|suite| suite.trials(&arguments, &unavailable));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// The suite, then scripts of our own in every mode.
fn suites(arguments: &Arguments) -> Result<Vec<Suite>, InputError> {
    let folder = std::env::var_os("WASSAY_TESTSUITE").filter(|folder| !folder.is_empty());
    let options = options(folder.map(PathBuf::from));
    let chosen = options.selection.load(options.jobs)?;
    let is_wanted = |tier: &EngineName| is_wanted(arguments, &shapes_name(*tier));
    // Code of mixed tiers is that of the tiers alone: `wassay spec --shapes` runs it all the same.
    let shapes = Options {
        tiers: EngineName::own().filter(|&tier| !mixes(tier)).collect(),
        shapes: Some(ShapeOptions::default()),
        ..options.clone()
    };
    let mut suites = Vec::from([Suite {
        prefix: String::new(),
        chosen: chosen.clone(),
        options,
    }]);
    if shapes.tiers.iter().any(is_wanted) {
        suites.push(Suite {
            prefix: String::from("shapes"),
            chosen,
            options: shapes,
        });
    }
    let own = own_scripts()?;
    for (n, (mode, options)) in modes().into_iter().enumerate() {
        let mut chosen = own.clone();
        if n > 0 {
            let files = &mut chosen.files;
            files.retain(|file| !numbered::is_one(&file.script.path));
        }
        suites.push(Suite {
            prefix: format!("regressions/{mode}/"),
            chosen,
            options,
        });
    }
    Ok(suites)
}

/// Scripts of our own: `testsuite/regressions`, and large ones, which are generated.
fn own_scripts() -> Result<Chosen, InputError> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testsuite/regressions");
    let committed = options(Some(folder.into()));
    let mut chosen = committed.selection.load(committed.jobs)?;
    let unwritable =
        |error| InputError::usage(format!("no folder to generate scripts in: {error}"));
    let temporary = tempfile::tempdir().map_err(unwritable)?;
    let folder = temporary.path().join("regressions");
    generated::write_all(&folder).map_err(unwritable)?;
    let generated = options(Some(folder));
    let generated = generated.selection.load(generated.jobs)?;
    chosen.files.extend(generated.files);
    Ok(chosen)
}

/// The modes in which scripts of our own run, by name.
fn modes() -> [(&'static str, Options); 7] {
    let plain = Options {
        // Generated functions take long to compile where a busy machine emulates.
        timeout: Duration::from_secs(60),
        ..options(None)
    };
    // The two mixed tiers differ in a threshold: both run in the first mode only.
    let tiers = || EngineName::own().filter(|&tier| tier != EngineName::TIERED_2);
    let set = |setting| Options {
        setting,
        tiers: tiers().collect(),
        ..plain.clone()
    };
    let with = |modes| {
        set(Setting {
            modes,
            ..Setting::default()
        })
    };
    let metered = Modes {
        fuel: true,
        interruptible: true,
        ..Modes::default()
    };
    let gc_stress = Modes {
        gc_stress: true,
        ..Modes::default()
    };
    let poisoned = Modes {
        poison_registers: true,
        ..Modes::default()
    };
    let other_ways = Modes {
        linear_allocation: true,
        exclusive_atomics: true,
        lazy: true,
        background: true,
        ..Modes::default()
    };
    let explicit = set(Setting {
        bounds: Bounds::Explicit,
        ..Setting::default()
    });
    let native = set(Setting {
        profile: Profile::Native,
        ..Setting::default()
    });
    [
        ("guard", plain.clone()),
        ("explicit", explicit),
        ("native", native),
        ("metered", with(metered)),
        ("gc-stress", with(gc_stress)),
        ("poisoned", with(poisoned)),
        ("other-ways", with(other_ways)),
    ]
}

/// The options of a run over a folder, or over the embedded suite.
fn options(folder: Option<PathBuf>) -> Options {
    let selection = Selection {
        paths: folder.into_iter().collect(),
        ..Selection::default()
    };
    let program = env!("CARGO_BIN_EXE_wassay").into();
    Options::plain(selection, EngineName::own().collect(), program)
}

fn shapes_name(tier: EngineName) -> String {
    format!("{tier}::shapes")
}

impl Suite {
    /// A trial for each tier and file; or one for each tier's operand shapes.
    fn trials(
        self,
        arguments: &Arguments,
        unavailable: &BTreeMap<EngineName, String>,
    ) -> Vec<Trial> {
        let Suite {
            prefix,
            options,
            mut chosen,
        } = self;
        let trial = |name: String, tier, run: Box<dyn FnOnce() -> Result<(), Failed> + Send>| {
            Trial::test(name, run).with_ignored_flag(unavailable.contains_key(&tier))
        };
        let tiers = options.tiers.clone();
        if options.shapes.is_some() {
            let measured = measured(options, chosen);
            let of_tier = |tier| {
                let measured = measured.clone();
                let run = Box::new(move || check_shapes(&measured, tier));
                trial(shapes_name(tier), tier, run)
            };
            return tiers.into_iter().map(of_tier).collect();
        }
        let name = |tier: EngineName, path: &str| format!("{tier}::{prefix}{path}");
        let paths: Vec<String> = chosen
            .files
            .iter()
            .map(|file| file.script.path.clone())
            .collect();
        // Only files of which a trial is wanted are run; page and matrix are those of all of them.
        let has = |name| prefix.is_empty() && is_wanted(arguments, name);
        let has_page = has(page::NAME);
        // The committed matrix is that of the embedded suite in all tiers.
        let has_matrix = has(matrix::NAME) && chosen.suite == "embedded" && unavailable.is_empty();
        chosen.files.retain(|file| {
            let is_wanted = |&tier| is_wanted(arguments, &name(tier, &file.script.path));
            has_page || has_matrix || tiers.iter().any(is_wanted)
        });
        let mut trials = Vec::new();
        let matrix = has_matrix.then(|| (options.clone(), plan::suite(&chosen.files)));
        let measured = measured(options, chosen);
        if let Some((options, planned)) = matrix {
            let measured = measured.clone();
            let check = move || matrix::check(&options, (**measured).as_ref()?, &planned);
            trials.push(Trial::test(matrix::NAME, check));
        }
        if has_page {
            let measured = measured.clone();
            let check = move || page::check((**measured).as_ref()?);
            trials.push(Trial::test(page::NAME, check));
        }
        for &tier in &tiers {
            for path in &paths {
                let (measured, file) = (measured.clone(), path.clone());
                let run = Box::new(move || check(&measured, tier, &file));
                trials.push(trial(name(tier, path), tier, run));
            }
        }
        trials
    }
}

/// The tiers that cannot run here, each with its reason.
fn unavailable(options: &Options) -> BTreeMap<EngineName, String> {
    let reason = |launcher: Result<Box<dyn Launcher>, Unavailable>| match launcher {
        Err(reason) => Some(reason.to_string()),
        Ok(launcher) => launcher.start().err().map(|error| error.to_string()),
    };
    let launchers = options.launchers().into_iter();
    launchers
        .filter_map(|(tier, launcher)| Some((tier, reason(launcher)?)))
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
        let is_suite = chosen.suite == "embedded" && options.shapes.is_none();
        let report = measure(&options, chosen, &expectations, &Silent).report;
        if let Some(path) = std::env::var_os(REPORT_VARIABLE).filter(|_| is_suite) {
            let text = Json.render(&report, &Beside::default());
            std::fs::write(path, text).map_err(|error| error.to_string())?;
        }
        Ok(report)
    });
    Arc::new(LazyLock::new(run))
}

/// One trial: nothing of the file may fail in the tier, and its accounting must close.
fn check(measured: &Measured, tier: EngineName, path: &str) -> Result<(), Failed> {
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
        if let Some(verdict) = directive.tiers.get(&tier).filter(|v| v.status.is_failing()) {
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
fn check_shapes(measured: &Measured, tier: EngineName) -> Result<(), Failed> {
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
        if let Some(verdict) = variant.tiers.get(&tier).filter(|v| v.status.is_failing()) {
            failures.push(format!("{place}: {}", verdict.detail));
        } else if variant.agreement == Agreement::Diverge {
            let diff = variant.diff.as_deref().unwrap_or("");
            failures.push(format!("{place}: the tiers diverge: {diff}"));
        }
    }
    outcome(&failures)
}

/// True if a tier compiles hot functions only.
fn mixes(tier: EngineName) -> bool {
    matches!(
        tier.tier().map(|tier| tier.policy(None)),
        Some(Policy::Tiered(_))
    )
}

/// No failures, or the first of them.
fn outcome(failures: &[String]) -> Result<(), Failed> {
    if failures.is_empty() {
        return Ok(());
    }
    let shown = &failures[..failures.len().min(SHOWN_MAX)];
    Err(format!("{}\n{} in all", shown.join("\n"), failures.len()).into())
}
