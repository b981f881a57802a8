//! The main job, from chosen files to a report: run, judge, compare, expect, account.
//!
//! [`measure`] serves `wassay spec` and `cargo test --test spec` alike.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::adapter::table::EngineTable;
use crate::engine::EngineName;
use crate::error::{Exit, InputError};
use crate::interrupt;
use crate::judge::compare::{Comparer, Entry, is_same_but_for_choices};
use crate::judge::expectations::{Expectations, Use};
use crate::judge::incident::IncidentAccount;
use crate::judge::judged::{Comparisons, JudgedFile, Traces, Verdicts};
use crate::judge::symptom::{Symptom, first_symptom};
use crate::judge::verdict::{Agreement, Status, Verdict};
use crate::judge::{judge, judge_by_vote};
use crate::outcome::text::outcome_text;
use crate::outcome::{Outcome, Report as Seen};
use crate::plan::shapes::{self, Request, Sampling};
use crate::plan::{self, Planned};
use crate::pool::configured::Configured;
use crate::pool::launch::workers;
use crate::pool::room;
use crate::pool::{
    self, Engines, FileRun, Incident, Interrupted, Launcher, Losses, Observer, Settings, Task,
    TierRun, Unavailable,
};
use crate::protocol::configuration::Configurations;
use crate::protocol::{JobConfig, Setting};
use crate::report::build::{TierState, add_incidents, build};
use crate::report::details::{Details, details};
use crate::report::shapes::ShapesAccount;
use crate::report::{DirectiveAccount, PartAccount, Report, Run};
use crate::script::{Directive, Expectation, Kind, Script};
use crate::suite::select::{Chosen, ChosenFile, Selection};
use crate::tier::host;

/// The directives of files that are run, judged and given up together; the suite is one window.
const DIRECTIVES_PER_WINDOW: usize = 1 << 17;

/// What to measure, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The files.
    pub selection: Selection,
    /// The tiers.
    pub tiers: Vec<EngineName>,
    /// Files run at the same time.
    pub jobs: usize,
    /// How long one directive may take.
    pub timeout: Duration,
    /// True if the place at which a directive hangs is looked for.
    pub seeks_places: bool,
    /// The most bytes of memory that a file may take in a worker; 0 is no limit.
    pub worker_memory: u64,
    /// How scripts are run that have no setting of their own.
    pub setting: Setting,
    /// The configurations that columns may name.
    pub configurations: Configurations,
    /// The order of the files, and the end before the last one.
    pub schedule: Schedule,
    /// Whether the state is compared after each action.
    pub compare_state: bool,
    /// Whether assertions are repeated in operand shapes, and how.
    pub shapes: Option<ShapeOptions>,
    /// Whether functions are translated when they are first called.
    pub is_lazy: bool,
    /// The options that a repeat of a directive needs, each as a shell reads it.
    pub repeat_with: Vec<String>,
    /// Engines beside our own tiers.
    pub table: EngineTable,
    /// The program `wassay` for this host, which is started as the worker.
    pub program: PathBuf,
}

/// The order in which files run, and the end before the last one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Schedule {
    /// The seed by which files are shuffled; their workers then have other files before them.
    pub shuffle: Option<u64>,
    /// True if no further files begin after one with a failure.
    pub fail_fast: bool,
}

impl Schedule {
    /// The files in the order in which they run.
    fn order(self, mut files: Vec<ChosenFile>) -> Vec<ChosenFile> {
        if let Some(seed) = self.shuffle {
            files.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        }
        files
    }
}

/// How assertions are repeated in operand shapes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShapeOptions {
    /// The part of the products.
    pub sampling: Sampling,
    /// The time after which no more variants are made; `None` is no limit.
    pub time: Option<Duration>,
}

impl Options {
    /// The options of a run of some engines over a selection, as they are unless something else is
    /// asked for.
    pub fn plain(selection: Selection, tiers: Vec<EngineName>, program: PathBuf) -> Options {
        Options {
            selection,
            tiers,
            jobs: jobs_by_default(),
            timeout: Duration::from_secs(10),
            seeks_places: true,
            worker_memory: 0,
            setting: Setting::default(),
            configurations: Configurations::default(),
            schedule: Schedule::default(),
            compare_state: true,
            shapes: None,
            is_lazy: false,
            repeat_with: Vec::new(),
            table: EngineTable::default(),
            program,
        }
    }

    /// The launchers of the chosen columns.
    pub fn launchers(&self) -> Engines {
        let launcher = |&name: &EngineName| (name, self.launcher(name));
        self.tiers.iter().map(launcher).collect()
    }

    fn launcher(&self, name: EngineName) -> Result<Box<dyn Launcher>, Unavailable> {
        let launcher = launcher(name.engine(), &self.program, &self.table)?;
        let Some(configuration) = name.configuration() else {
            return Ok(launcher);
        };
        let added = self.configurations.get(configuration);
        let unknown = || Unavailable::new(format!("no configuration `{configuration}` is known"));
        let added = added.ok_or_else(unknown)?;
        Ok(Box::new(Configured { launcher, added }))
    }

    /// The configurations of the columns, each as the options that it adds.
    pub fn configurations_used(&self) -> BTreeMap<String, String> {
        let names = self
            .tiers
            .iter()
            .filter_map(|column| column.configuration());
        let described = names.filter_map(|name| {
            let setting = self.configurations.get(name)?;
            Some((name.to_string(), setting.to_string()))
        });
        described.collect()
    }
}

/// The launcher of an engine; `program` is the program `wassay` for this host.
///
/// # Errors
/// The reason why the engine cannot run here.
pub fn launcher(
    name: EngineName,
    program: &Path,
    table: &EngineTable,
) -> Result<Box<dyn Launcher>, Unavailable> {
    match name.tier() {
        Some(tier) => workers(tier, program),
        None => match table.get(name) {
            Some(row) => Ok(Box::new(row.clone())),
            None => Err(Unavailable::new("no such engine is known")),
        },
    }
}

/// A run that came to its end.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The account.
    pub report: Report,
    /// What became of the expectations.
    pub expectations: Use,
    /// Directives that could not be read, though no expectation says so.
    pub unreadable: Vec<InputError>,
}

/// Why a run did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// What was asked for cannot be done.
    Input(InputError),
    /// Ctrl-C.
    Interrupted,
}

impl From<InputError> for Stopped {
    fn from(error: InputError) -> Stopped {
        Stopped::Input(error)
    }
}

impl From<Interrupted> for Stopped {
    fn from(Interrupted: Interrupted) -> Stopped {
        Stopped::Interrupted
    }
}

impl Measured {
    /// How the command ends: bad input before what was not measured, and that before failures.
    pub fn exit(&self) -> Exit {
        match self.unreadable.is_empty() {
            true => self.report.exit(),
            false => Exit::BadInput,
        }
    }
}

/// As many jobs as there are processors, and memory for their workers.
pub fn jobs_by_default() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    processors.min(room::workers())
}

/// Runs, judges, compares and accounts. After Ctrl-C, what was not run says so in the report.
pub fn measure(
    options: &Options,
    chosen: Chosen,
    expectations: &Expectations,
    observer: &dyn Observer,
) -> Measured {
    let started = Instant::now();
    let losses = Losses::default();
    let mut suite = Batch::default();
    let mut incidents = Vec::new();
    let mut shapes = options
        .shapes
        .map(|it| ShapesAccount::new(&options.tiers, it.sampling));
    let count = chosen.files.len();
    let first = options.schedule.fail_fast.then_some(options.jobs);
    for files in windows(options.schedule.order(chosen.files), first) {
        let planned = plan::suite(&files);
        drop(files);
        let mut batch = run_planned(options, &planned, &losses, observer);
        for file in &mut batch.files {
            file.leave_out(|kind| !options.selection.judges(kind));
        }
        let is_over = options.schedule.fail_fast && fails(&batch.files, expectations);
        suite.add(batch);
        if is_over {
            break;
        }
        if let (Some(account), Some(request)) = (&mut shapes, &options.shapes) {
            let seen = run_shapes(options, request, &planned, account, &losses, observer);
            incidents.extend(seen);
        }
    }
    suite.files.sort_by(|a, b| a.path.cmp(&b.path));
    if suite.tiers.is_empty() {
        // Without a file it is still known which tiers can run.
        suite = run_planned(options, &[], &losses, observer);
    }
    let usage = expectations.apply(&mut suite.files, options.selection.is_whole_suite());
    let part = chosen.part.map(PartAccount::from);
    let run = Run {
        version: env!("CARGO_PKG_VERSION").to_string(),
        suite: chosen.suite,
        suite_revision: chosen.revision,
        selection: selection(chosen.selection, part, [suite.files.len(), count]),
        part,
        host: host(),
        jobs: options.jobs,
        bounds: options.setting.bounds,
        profile: options.setting.profile,
        modes: options.setting.modes,
        configurations: options.configurations_used(),
        state_compared: options.compare_state && options.tiers.len() > 1,
        interrupted: interrupt::requested(),
        repeat_with: options.repeat_with.join(" "),
        folder: options.selection.folder(),
        provenance: None,
        seconds: seconds(started.elapsed()),
    };
    let mut report = build(run, &suite.tiers, &suite.files);
    add_incidents(&mut report, &incidents);
    if let Err(error) = add_details(&mut report, &suite.files, &options.selection) {
        observer.warn(&format!("failures are shown without their texts: {error}"));
    }
    add_shapes(&mut report, shapes);
    Measured {
        report,
        expectations: usage,
        unreadable: unreadable(&options.selection, &suite.files),
    }
}

/// Adds the account of operand shapes, if they were asked for.
fn add_shapes(report: &mut Report, shapes: Option<ShapesAccount>) {
    if let Some(mut shapes) = shapes {
        shapes.close();
        shapes.add_regressions(&mut report.gate);
        report.shapes = Some(shapes);
    }
}

/// The most directives of a file whose details are kept.
const DETAILS_PER_FILE_MAX: usize = 500;
/// The most directives of a run whose details are kept.
const DETAILS_MAX: usize = 5000;

/// The directives whose details are kept: the first that fail. What was not run has none.
fn first_failing(report: &Report) -> Vec<&DirectiveAccount> {
    let mut of_files: HashMap<&str, usize> = HashMap::new();
    let mut failing = Vec::new();
    for directive in report.directives.iter().filter(|it| it.is_failing()) {
        let mut verdicts = directive.tiers.values();
        let count = of_files.entry(&directive.file).or_default();
        if verdicts.any(|verdict| verdict.status == Status::NotRun)
            || *count == DETAILS_PER_FILE_MAX
            || failing.len() == DETAILS_MAX
        {
            continue;
        }
        *count += 1;
        failing.push(directive);
    }
    failing
}

/// Adds the details of directives that fail, for which their files are read again.
fn add_details(
    report: &mut Report,
    files: &[JudgedFile],
    selection: &Selection,
) -> Result<(), InputError> {
    let failing = first_failing(report);
    if failing.is_empty() {
        return Ok(());
    }
    let paths: BTreeSet<&str> = failing.iter().map(|it| it.file.as_str()).collect();
    let ids: HashSet<&str> = failing.iter().map(|it| it.id.as_str()).collect();
    let files: BTreeMap<&str, &JudgedFile> = files
        .iter()
        .map(|file| (file.path.as_str(), file))
        .collect();
    let of_file = |script: &Script, text: &str| {
        // A file that is another one by now says nothing about the one that ran.
        let judged = files.get(script.path.as_str());
        let Some(judged) = judged.filter(|judged| judged.sha256 == script.sha256) else {
            return Vec::new();
        };
        let wanted = 0..judged.directives.len();
        let wanted = wanted.filter(|&ordinal| ids.contains(judged.id(ordinal).as_str()));
        let wanted: Vec<usize> = wanted.collect();
        let features = judged.features.set;
        let found = details(script, text, features, &judged.traces, &wanted);
        let named = found.into_iter();
        named
            .map(|(ordinal, it)| (judged.id(ordinal), it))
            .collect()
    };
    let found = selection.with_texts(&paths, of_file)?;
    let mut found: HashMap<String, Details> = found.into_iter().flatten().collect();
    for directive in &mut report.directives {
        directive.details = found.remove(&directive.id);
    }
    Ok(())
}

/// Seconds with as many digits as anyone reads.
pub(crate) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e6
}

/// What of the suite was chosen and run, in words; `None` if that is all of it.
fn selection(
    chosen: Option<String>,
    part: Option<PartAccount>,
    [run, files]: [usize; 2],
) -> Option<String> {
    let ended = format!("--fail-fast (after {run} of {files} files)");
    let ended = (run < files).then_some(ended);
    let part = part.map(|part| part.to_string());
    let words: Vec<String> = chosen.into_iter().chain(part).chain(ended).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// True if a file has a failure that is not expected, as far as these files tell.
fn fails(files: &[JudgedFile], expectations: &Expectations) -> bool {
    let mut files = files.to_vec();
    expectations.apply(&mut files, false);
    files.iter().any(JudgedFile::is_failing)
}

/// The files by windows, each of them at least one file. What a window holds, its scripts and what
/// every tier has reported, is given up when it has been judged. With `first`, the first window has
/// so many files at most, and each further one twice as many.
fn windows(files: Vec<ChosenFile>, first: Option<usize>) -> impl Iterator<Item = Vec<ChosenFile>> {
    let mut rest = files.into_iter().peekable();
    let mut files_max = first.unwrap_or(usize::MAX).max(1);
    std::iter::from_fn(move || {
        let mut directives = 0;
        let mut window = Vec::new();
        while let Some(file) = rest.next_if(|file| {
            directives += file.script.directives;
            let has_room = directives <= DIRECTIVES_PER_WINDOW && window.len() < files_max;
            has_room || window.is_empty()
        }) {
            window.push(file);
        }
        files_max = files_max.saturating_mul(2);
        (!window.is_empty()).then_some(window)
    })
}

/// Scripts that were run and judged, with the states of the tiers.
#[derive(Default)]
struct Batch {
    tiers: BTreeMap<EngineName, TierState>,
    files: Vec<JudgedFile>,
}

impl Batch {
    /// Adds what was run after it.
    fn add(&mut self, next: Batch) {
        self.files.extend(next.files);
        for (tier, state) in next.tiers {
            self.tiers.entry(tier).or_default().add(state);
        }
    }
}

/// Runs scripts in the chosen tiers, judges each directive, and compares the tiers.
fn run_planned(
    options: &Options,
    planned: &[Planned],
    losses: &Losses,
    observer: &dyn Observer,
) -> Batch {
    let tiers = run_tiers(options, planned, losses, observer);
    let judged = (0..planned.len()).into_par_iter();
    let judged = judged.map(|index| judge_file(&planned[index], index, &tiers));
    Batch {
        files: judged.collect(),
        tiers: tiers.iter().map(state_of).collect(),
    }
}

/// Runs the variants of files in all operand shapes.
fn run_shapes(
    options: &Options,
    shape_options: &ShapeOptions,
    files: &[Planned],
    account: &mut ShapesAccount,
    losses: &Losses,
    observer: &dyn Observer,
) -> Vec<IncidentAccount> {
    let mut incidents = Vec::new();
    let started = Instant::now();
    let before = account.seconds;
    let has_foreign = options.tiers.iter().any(|name| name.tier().is_none());
    let request = Request {
        sampling: shape_options.sampling,
        setting: options.setting,
        has_foreign,
    };
    let is_over = |started: Instant| {
        let spent = Duration::from_secs_f64(before) + started.elapsed();
        shape_options.time.is_some_and(|time| spent >= time)
    };
    for mut round in shapes::rounds(files, request) {
        if interrupt::requested() {
            break;
        } else if is_over(started) {
            round.give_up();
        }
        let directives = round.scripts.iter().map(|it| it.script.directives.len());
        observer.more(directives.sum());
        let mut batch = run_planned(options, &round.scripts, losses, observer);
        account.add(&round, &batch.tiers, &batch.files);
        for file in &mut batch.files {
            incidents.append(&mut file.incidents);
        }
    }
    account.seconds = seconds(Duration::from_secs_f64(account.seconds) + started.elapsed());
    incidents
}

/// A script that was run and judged by itself, in fresh processes, with all that engines reported.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The verdicts.
    pub judged: JudgedFile,
    /// What each engine that can run here reported.
    pub runs: BTreeMap<EngineName, FileRun>,
}

impl Examined {
    /// The first thing that is wrong, if anything is.
    pub fn first_symptom(&self) -> Option<Symptom> {
        let reports = self.runs.iter();
        let reports: Vec<(EngineName, &[Seen])> = reports
            .map(|(&name, run)| (name, &run.reports[..]))
            .collect();
        first_symptom(&self.judged, &reports)
    }
}

/// Runs a script by itself, in fresh processes.
///
/// # Errors
/// When it is interrupted.
pub fn examine(
    options: &Options,
    planned: &Planned,
    observer: &dyn Observer,
) -> Result<Examined, Interrupted> {
    // What comes after the first difference counts little.
    let losses = Losses::of_programs();
    let runs = run_tiers(options, std::slice::from_ref(planned), &losses, observer);
    if interrupt::requested() {
        return Err(Interrupted);
    }
    let judged = judge_file(planned, 0, &runs);
    let first = |(name, run): (EngineName, TierRun)| Some((name, run.ok()?.into_iter().next()?));
    Ok(Examined {
        judged,
        runs: runs.into_iter().filter_map(first).collect(),
    })
}

/// How a script runs in workers.
pub(crate) fn job_config(options: &Options, planned: &Planned) -> JobConfig {
    let compare_state = options.compare_state && options.tiers.len() > 1;
    let is_foreign = |name: &EngineName| name.tier().is_none();
    let show_state = compare_state && options.tiers.iter().any(is_foreign);
    let setting = planned.setting.unwrap_or(options.setting);
    JobConfig {
        conventions: planned.features.conventions(),
        bounds: setting.bounds,
        hash_state: compare_state && !planned.is_independent,
        show_state: show_state && !planned.is_independent,
        profile: setting.profile,
        modes: setting.modes,
        is_lazy: options.is_lazy,
        memory_bytes_max: options.worker_memory,
        ..JobConfig::plain(planned.features.set)
    }
}

/// Runs scripts in the chosen tiers.
pub(crate) fn run_tiers(
    options: &Options,
    planned: &[Planned],
    losses: &Losses,
    observer: &dyn Observer,
) -> BTreeMap<EngineName, TierRun> {
    let tasks = planned.iter().map(|planned| Task {
        script: &planned.script,
        config: job_config(options, planned),
        skipped: planned.skipped.clone(),
        proposal: planned.heading.key(),
    });
    let tasks: Vec<Task<'_>> = tasks.collect();
    let settings = Settings {
        jobs: options.jobs,
        timeout: options.timeout,
        losses,
        seeks_places: options.seeks_places,
    };
    pool::run(&tasks, &options.launchers(), &settings, observer)
}

pub(crate) fn state_of((&tier, run): (&EngineName, &TierRun)) -> (EngineName, TierState) {
    let mut proof = crate::outcome::Proof::default();
    for file in run.iter().flatten() {
        proof.add(&file.proof);
    }
    let state = TierState {
        unavailable: run.as_ref().err().map(Unavailable::to_string),
        proof,
        micros: run.iter().flatten().map(|file| file.micros).sum(),
    };
    (tier, state)
}

/// Judges a file's outcomes in every available tier, and compares the tiers.
pub(crate) fn judge_file(
    file: &Planned,
    index: usize,
    tiers: &BTreeMap<EngineName, TierRun>,
) -> JudgedFile {
    let runs = tiers
        .iter()
        .filter_map(|(&tier, run)| Some((tier, run.as_ref().ok()?.get(index)?)));
    let runs: BTreeMap<EngineName, &FileRun> = runs.collect();
    let voters = voters(&file.script, &runs);
    let verdicts = runs.iter().map(|(&tier, run)| {
        let verdict = |(ordinal, directive)| {
            let seen: Option<&Seen> = run.reports.get(ordinal);
            seen.map(|seen| {
                let verdict = verdict_of(directive, tier, ordinal, &seen.outcome, &voters);
                blocked(verdict, seen, &file.script, &run.reports)
            })
        };
        let directives = file.script.directives.iter().enumerate();
        (tier, directives.map(verdict).collect())
    });
    let verdicts: BTreeMap<EngineName, Verdicts> = verdicts.collect();
    let comparisons = compare_file(file, &runs);
    JudgedFile {
        traces: traces_of(&runs, &verdicts, &comparisons),
        incidents: incidents_of(file, &runs),
        verdicts,
        comparisons,
        path: file.script.path.clone(),
        sha256: file.script.sha256.clone(),
        directives: JudgedFile::directives_of(&file.script),
        proposal: file.generated.unwrap_or(file.heading.key()).to_string(),
        features: file.features.clone(),
        setting: file.setting,
        seconds: runs.values().map(|run| run.micros).sum::<u64>() as f64 / 1e6,
    }
}

/// What happened to the workers that ran a file.
fn incidents_of(file: &Planned, runs: &BTreeMap<EngineName, &FileRun>) -> Vec<IncidentAccount> {
    let of = |tier: EngineName, incident: &Incident| {
        let directive = incident.ordinal;
        let directive = directive.and_then(|at| file.script.directives.get(at as usize));
        IncidentAccount {
            kind: incident.kind,
            tier,
            file: file.script.path.clone(),
            id: directive.map(|it| it.id.clone()),
            line: directive.map(|it| it.line),
            how: incident.how.clone(),
            expected: None,
        }
    };
    let runs = runs.iter();
    let all = runs.flat_map(|(&tier, run)| run.incidents.iter().map(move |it| (tier, it)));
    all.map(|(tier, incident)| of(tier, incident)).collect()
}

/// The places where code ended in directives that did not plainly pass, or in which tiers differ.
fn traces_of(
    runs: &BTreeMap<EngineName, &FileRun>,
    verdicts: &BTreeMap<EngineName, Verdicts>,
    comparisons: &Comparisons,
) -> Traces {
    let mut traces = Traces::default();
    for (&engine, run) in runs {
        for (ordinal, seen) in run.reports.iter().enumerate() {
            let Some(places) = seen.trace.as_ref().filter(|places| !places.is_empty()) else {
                continue;
            };
            let is_plain = verdicts.values().all(|verdicts| {
                let verdict = verdicts.get(ordinal);
                verdict.is_some_and(|verdict| verdict.status.is_plain())
            });
            let agreement = comparisons.get(ordinal).map(|(agreement, _)| agreement);
            if !is_plain || agreement == Some(Agreement::Diverge) {
                traces.add(ordinal, engine, places.clone());
            }
        }
    }
    traces
}

/// Makes a failure a verdict `blocked` where the directive depends on one that was left out: by its
/// instance, or by effects that are missing.
fn blocked(verdict: Verdict, seen: &Seen, script: &Script, reports: &[Seen]) -> Verdict {
    let cause = match (&seen.outcome, verdict.status, seen.lacks) {
        (&Outcome::Blocked(ordinal), _, _) | (_, Status::Fail, Some(ordinal)) => ordinal,
        (_, _, _) => return verdict,
    };
    let line = script.directives.get(cause as usize).map(|it| it.line);
    let how = reports.get(cause as usize).map(|it| &it.outcome);
    let how = how.map(|it| outcome_text(&Expectation::Success, it));
    let line = line.unwrap_or_default();
    let detail = format!("blocked by line {line} ({})", how.unwrap_or_default());
    Verdict {
        status: Status::Blocked,
        detail: match verdict.status {
            Status::Fail => format!("{detail}: {}", verdict.detail),
            _not_run => detail,
        },
        ..verdict
    }
}

/// Judges an outcome by what is known of the directive: by its expectation, or by the vote of an
/// engine of another maker if it has none.
fn verdict_of(
    directive: &Directive,
    engine: EngineName,
    ordinal: usize,
    outcome: &Outcome,
    voters: &[&[Seen]],
) -> Verdict {
    let is_own = engine.tier().is_some();
    if directive.expectation != Expectation::Open {
        return judge(directive, outcome);
    }
    match vote(directive, ordinal, voters).filter(|_| is_own) {
        Some(vote) => judge_by_vote(directive, vote, outcome),
        None if is_own => judge(directive, outcome),
        // What another engine does not take, it says nothing about.
        None => {
            let mut verdict = judge(directive, outcome);
            if verdict.status == Status::Fail {
                verdict.status = Status::Skip;
            }
            verdict
        }
    }
}

/// The reports by which engines of other makers can vote: those up to the first directive that the
/// engine did not run, since what comes after it may lack its effects.
fn voters<'a>(script: &Script, runs: &BTreeMap<EngineName, &'a FileRun>) -> Vec<&'a [Seen]> {
    let foreign = runs.iter().filter(|(name, _)| name.tier().is_none());
    let complete = foreign.map(|(_, run)| {
        let mut both = script.directives.iter().zip(&run.reports);
        let lacking = both.position(|(directive, seen)| !gives(directive, &seen.outcome));
        &run.reports[..lacking.unwrap_or(run.reports.len())]
    });
    complete.collect()
}

/// True if an engine ran a directive, or passed it by what is known of it.
fn gives(directive: &Directive, outcome: &Outcome) -> bool {
    judge(directive, outcome).status.is_plain()
}

/// The outcome that engines of other makers give a directive, if any does and no two differ.
fn vote<'a>(directive: &Directive, ordinal: usize, voters: &[&'a [Seen]]) -> Option<&'a Outcome> {
    let outcomes = voters.iter();
    let outcomes = outcomes.filter_map(|reports| Some(&reports.get(ordinal)?.outcome));
    let mut votes = outcomes.filter(|outcome| gives(directive, outcome));
    let first = votes.next()?;
    votes
        .all(|other| is_same_but_for_choices(first, other))
        .then_some(first)
}

/// Compares the tiers directive by directive; what one leaves behind matters for the next.
fn compare_file(file: &Planned, runs: &BTreeMap<EngineName, &FileRun>) -> Comparisons {
    let mut comparer = Comparer::default();
    let directives = file.script.directives.iter().enumerate();
    let compared = directives.map(|(ordinal, directive)| {
        if file.is_independent {
            comparer = Comparer::default();
        }
        let entries = runs.iter();
        let entries = entries.filter_map(|(&tier, run)| Some((tier, run.reports.get(ordinal)?)));
        comparer.next(directive, &entries.collect::<Vec<Entry<'_>>>())
    });
    compared.collect()
}

/// The directives that could not be read, though no expectation says so: bad input, of which the
/// user is to hear file and line.
fn unreadable(selection: &Selection, files: &[JudgedFile]) -> Vec<InputError> {
    let mut errors = Vec::new();
    for file in files {
        for (ordinal, directive) in file.directives.iter().enumerate() {
            let mut verdicts = file.verdicts.values();
            let failed = verdicts.find_map(|verdicts| {
                let verdict = verdicts.get(ordinal)?;
                (verdict.status == Status::Fail).then_some(verdict)
            });
            if let (Kind::Unreadable, Some(verdict)) = (directive.kind, failed) {
                let path = selection.path_of(&file.path);
                let line = directive.line as usize;
                errors.push(InputError::at_line(&path, line, verdict.detail.clone()));
            }
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Proof, Value};

    fn run(outcomes: [Outcome; 3]) -> FileRun {
        FileRun {
            reports: outcomes.into_iter().map(Seen::from).collect(),
            proof: Proof::default(),
            micros: 0,
            incidents: Vec::new(),
        }
    }

    /// An engine of another maker votes up to what it did not run, and own tiers never do.
    #[test]
    fn votes_end_at_what_an_engine_lacks() {
        let directive = |ordinal: u32| Directive {
            origin: None,
            ordinal,
            line: 1,
            column: 1,
            kind: Kind::Invoke,
            id: format!("t.wast#{ordinal}-00000000"),
            expectation: Expectation::Open,
        };
        let script = Script {
            path: "t.wast".to_string(),
            sha256: String::new(),
            directives: (0..3).map(directive).collect(),
            commands: Vec::new(),
        };
        let value = |bits| Outcome::Values(vec![Value::I32(bits)]);
        let own = run([value(7), value(7), value(7)]);
        let whole = run([value(1), value(2), value(3)]);
        let skipped = Outcome::Skipped(String::new());
        let lacking = run([value(1), skipped, value(4)]);
        let other = |name: &str| name.parse::<EngineName>().expect("a name");
        let runs = [
            (EngineName::STACK, &own),
            (other("whole"), &whole),
            (other("lacking"), &lacking),
        ];
        let runs = BTreeMap::from(runs);
        let voters = voters(&script, &runs);
        let votes = script.directives.iter().enumerate();
        let votes = votes.map(|(ordinal, directive)| vote(directive, ordinal, &voters));
        let expected = [value(1), value(2), value(3)];
        assert_eq!(
            votes.collect::<Vec<_>>(),
            expected.iter().map(Some).collect::<Vec<_>>()
        );
        let alone = BTreeMap::from([(other("lacking"), &lacking)]);
        let alone = super::voters(&script, &alone);
        assert_eq!(vote(&script.directives[2], 2, &alone), None);
    }
}
