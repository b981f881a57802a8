//! `wassay spec --profile`: the instructions that all directives of a suite execute, by opcode,
//! pair, proposal and file, and the times of functions.
//!
//! The files run again in this process, after the run itself: in the stack tier with a counter, and
//! in each tier whose code this process executes with samples. Left out, with the reason, are
//! scripts with threads, whose instructions cannot be told apart, and directives that did not end
//! by themselves in some engine: files run as far as they ran there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::time::Duration;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;
use wassay_runtime::interior::count::Counter;
use wassay_runtime::interior::ops::Op;
use wassay_runtime::interior::sample::Sampler;

use super::account::{NamedSum, percent, put_line, sorted};
use super::times::{PlaceTime, by_name, millis};
use crate::coverage::counting_job;
use crate::engine::EngineName;
use crate::interrupt;
use crate::judge::verdict::Status;
use crate::measure::Options;
use crate::plan::Planned;
use crate::pool::launch::is_this_program;
use crate::present::timeline::Timeline;
use crate::protocol::Job;
use crate::report::Report;
use crate::tier::Tier;
use crate::worker::{run_counted, run_sampled};

/// The account. All times are in nanoseconds.
#[derive(Debug, Serialize)]
pub(in crate::command) struct SuiteAccount {
    version: u32,
    instructions: u64,
    calls: u64,
    /// The time that the files took in each engine.
    engines: BTreeMap<EngineName, u64>,
    proposals: Vec<PartSum>,
    files: Vec<PartSum>,
    opcodes: Vec<NamedSum>,
    pairs: Vec<NamedSum>,
    /// The time between two samples; 0 if each poll is one.
    interval: u64,
    /// The times of functions by engine, file and name.
    functions: Vec<FunctionTime>,
    /// Engines of whose functions there are no times, with the reason.
    not_sampled: BTreeMap<EngineName, &'static str>,
    /// What was not measured of files.
    left_out: Vec<LeftOut>,
}

/// The sums of a proposal or of a file.
#[derive(Clone, Debug, Default, Serialize)]
struct PartSum {
    name: String,
    directives: u64,
    instructions: u64,
    /// Calls of functions of modules.
    calls: u64,
}

/// The times of the functions of one name in a file.
#[derive(Clone, Debug, Serialize)]
struct FunctionTime {
    engine: EngineName,
    file: String,
    name: String,
    /// The time in the function itself.
    own: u64,
    own_samples: u64,
    /// The time in the function and in all that it has called.
    total: u64,
    total_samples: u64,
}

/// Directives of a file that were not measured.
#[derive(Clone, Debug, Serialize)]
struct LeftOut {
    file: String,
    directives: u64,
    reason: &'static str,
}

/// The counts of a file.
struct Counted {
    sum: PartSum,
    opcodes: HashMap<Op, u64>,
    pairs: HashMap<(Op, Op), u64>,
}

/// What is measured of a file.
#[derive(Default)]
struct Measured {
    counted: Option<Counted>,
    functions: Vec<FunctionTime>,
    left_out: Option<LeftOut>,
}

impl SuiteAccount {
    /// Measures what the files of a run execute.
    ///
    /// # Errors
    /// If there is no thread or no memory for a script.
    pub(in crate::command) fn measure(
        options: &Options,
        planned: &[Planned],
        report: &Report,
        timeline: &Timeline,
        interval: Duration,
    ) -> io::Result<SuiteAccount> {
        let unended = unended(report);
        let (here, not_sampled) = tiers(options);
        let measure = |file: &Planned| -> io::Result<Measured> {
            let of_file = unended
                .get(&*file.script.path)
                .map_or(&[][..], Vec::as_slice);
            let (job, left_out) = job(options, file, of_file);
            let mut measured = Measured {
                left_out,
                ..Measured::default()
            };
            if let Some(job) = &job {
                measured.counted = Some(count(job, file)?);
                for &tier in &here {
                    measured.functions.extend(sample(tier, job, interval)?);
                }
            }
            Ok(measured)
        };
        let measured: io::Result<Vec<Measured>> = planned.par_iter().map(measure).collect();
        let mut account = SuiteAccount {
            version: super::VERSION,
            instructions: 0,
            calls: 0,
            engines: engines(timeline),
            proposals: Vec::new(),
            files: Vec::new(),
            opcodes: Vec::new(),
            pairs: Vec::new(),
            interval: u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX),
            functions: Vec::new(),
            not_sampled,
            left_out: Vec::new(),
        };
        account.add(planned, measured?);
        Ok(account)
    }

    /// Adds what was measured of each file.
    fn add(&mut self, planned: &[Planned], measured: Vec<Measured>) {
        let mut proposals: BTreeMap<&str, PartSum> = BTreeMap::new();
        let (mut opcodes, mut pairs) = (HashMap::new(), HashMap::new());
        for (file, measured) in planned.iter().zip(measured) {
            self.functions.extend(measured.functions);
            self.left_out.extend(measured.left_out);
            let Some(counted) = measured.counted else {
                continue;
            };
            let name = file.heading.key();
            let part = proposals.entry(name).or_insert_with(|| PartSum {
                name: name.to_string(),
                ..PartSum::default()
            });
            part.directives += counted.sum.directives;
            part.instructions += counted.sum.instructions;
            part.calls += counted.sum.calls;
            add(&mut opcodes, counted.opcodes);
            add(&mut pairs, counted.pairs);
            self.files.push(counted.sum);
        }
        let pairs = pairs.into_iter().map(|((first, second), count)| {
            let name = format!("{} {}", first.mnemonic(), second.mnemonic());
            (name, count)
        });
        let opcodes = opcodes
            .into_iter()
            .map(|(op, count): (Op, u64)| (op.mnemonic().to_string(), count));
        (self.opcodes, self.pairs) = (sorted(opcodes), sorted(pairs));
        self.proposals = proposals.into_values().collect();
        largest_first(&mut self.proposals);
        largest_first(&mut self.files);
        self.instructions = self.files.iter().map(|it| it.instructions).sum();
        self.calls = self.files.iter().map(|it| it.calls).sum();
        self.functions.sort_by(|a, b| {
            let key = |it: &FunctionTime| std::cmp::Reverse((it.own, it.total, it.own_samples));
            let place = |it: &FunctionTime| (it.engine, it.file.clone(), it.name.clone());
            key(a).cmp(&key(b)).then_with(|| place(a).cmp(&place(b)))
        });
    }

    /// The account as text, with so many rows of each table.
    pub(in crate::command) fn text(&self, top: usize) -> String {
        let all = self.instructions;
        let mut out = String::new();
        let mut put = |line: std::fmt::Arguments<'_>| put_line(&mut out, line);
        put(format_args!(
            "{all} instructions in {} calls were executed (stack tier, exact); {} directives left \
             out",
            self.calls,
            self.left_out.iter().map(|it| it.directives).sum::<u64>()
        ));
        for row in self.left_out.iter().take(top) {
            let LeftOut {
                file,
                directives,
                reason,
            } = row;
            put(format_args!("left out: {directives} of {file}: {reason}"));
        }
        put(format_args!("\n{:>14}         engine", "time"));
        for (engine, nanos) in &self.engines {
            put(format_args!(
                "{:>12.3} s         {engine}",
                *nanos as f64 / 1e9
            ));
        }
        for (title, rows) in [("proposal", &self.proposals), ("file", &self.files)] {
            put(format_args!(
                "\n{:>14}        {:>12} {:>12}  {title}",
                "instructions", "calls", "directives"
            ));
            for row in rows.iter().take(top) {
                put(format_args!(
                    "{:>14} {:>5.1}% {:>12} {:>12}  {}",
                    row.instructions,
                    percent(row.instructions, all),
                    row.calls,
                    row.directives,
                    row.name
                ));
            }
        }
        for (title, rows) in [("opcode", &self.opcodes), ("pair of opcodes", &self.pairs)] {
            put(format_args!("\n{:>14}         {title}", "instructions"));
            for NamedSum { name, count } in rows.iter().take(top) {
                put(format_args!(
                    "{count:>14} {:>5.1}%  {name}",
                    percent(*count, all)
                ));
            }
        }
        self.function_times(&mut out, top);
        out
    }

    /// The times of functions as text.
    fn function_times(&self, out: &mut String, top: usize) {
        let mut put = |line: std::fmt::Arguments<'_>| put_line(out, line);
        put(format_args!(
            "\n{:>12} {:>8} {:>12} {:>8}  function (by samples)",
            "self", "samples", "total", "samples"
        ));
        for row in self.functions.iter().take(top) {
            put(format_args!(
                "{:>12} {:>8} {:>12} {:>8}  {} of {} in {}",
                millis(row.own),
                row.own_samples,
                millis(row.total),
                row.total_samples,
                row.name,
                row.file,
                row.engine
            ));
        }
        for (engine, reason) in &self.not_sampled {
            put(format_args!("not sampled: {engine}: {reason}"));
        }
    }
}

fn largest_first(parts: &mut [PartSum]) {
    parts.sort_by(|a, b| {
        let by_size = b.instructions.cmp(&a.instructions);
        by_size.then_with(|| a.name.cmp(&b.name))
    });
}

fn add<K: std::hash::Hash + Eq>(to: &mut HashMap<K, u64>, more: HashMap<K, u64>) {
    for (key, count) in more {
        *to.entry(key).or_default() += count;
    }
}

/// The time of all files in each engine, in nanoseconds.
fn engines(timeline: &Timeline) -> BTreeMap<EngineName, u64> {
    let mut all = BTreeMap::new();
    for span in &timeline.spans {
        *all.entry(span.tier).or_default() += (span.end - span.start).as_nanos() as u64;
    }
    all
}

/// The directives of each file that did not end by themselves in some engine, or may not have.
fn unended(report: &Report) -> BTreeMap<&str, Vec<u32>> {
    let ended = |status: Status| match status {
        Status::Pass | Status::Fail | Status::Xpass | Status::Skip | Status::Compared => true,
        // What is expected may be a crash.
        Status::Xfail | Status::Crash | Status::Timeout | Status::NotRun | Status::Blocked => false,
    };
    let directives = report.directives.iter().filter(|directive| {
        let mut verdicts = directive.tiers.values();
        !verdicts.all(|it| ended(it.status) || it.status == Status::Xfail && is_answer(&it.actual))
    });
    let mut all: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for directive in directives {
        let ordinal = directive.id.rsplit_once('#').map(|(_, rest)| rest);
        let ordinal = ordinal.and_then(|rest| rest.split('-').next()?.parse().ok());
        let of_file = all.entry(&directive.file).or_default();
        of_file.extend(ordinal.iter().copied().collect::<Vec<u32>>());
    }
    all
}

/// True if an outcome as reports have it is one that the engine itself gave.
fn is_answer(actual: &str) -> bool {
    !["crash", "timeout"].iter().any(|it| actual.starts_with(it))
}

/// The job that measures a file as far as it ran; with what is left out of it, if anything is.
fn job<'a>(
    options: &Options,
    file: &'a Planned,
    unended: &[u32],
) -> (Option<Job<'a>>, Option<LeftOut>) {
    let left_out = |directives: usize, reason: &'static str| LeftOut {
        file: file.script.path.to_string(),
        directives: directives as u64,
        reason,
    };
    let all = file.script.directives.len();
    if interrupt::requested() {
        return (None, Some(left_out(all, "interrupted")));
    }
    let Some(job) = counting_job(options, file) else {
        let reason = "threads: what runs at the same time cannot be told apart";
        return (None, Some(left_out(all, reason)));
    };
    if unended.is_empty() {
        return (Some(job), None);
    }
    let excluded: BTreeSet<u32> = job.excluded.iter().chain(unended).copied().collect();
    let job = Job {
        excluded: excluded.into_iter().collect::<Vec<u32>>().into(),
        ..job
    };
    let reason = "did not end by itself in some engine, or was not run there";
    (Some(job), Some(left_out(unended.len(), reason)))
}

/// Runs a script with a counter.
fn count(job: &Job<'_>, file: &Planned) -> io::Result<Counted> {
    let counter = Counter::leak();
    run_counted(job, counter, &|_, _| {})?;
    Ok(counter.read(|counts| {
        let mut opcodes: HashMap<Op, u64> = HashMap::new();
        for site in counts.sites().iter().filter(|site| site.count > 0) {
            *opcodes.entry(site.op).or_default() += site.count;
        }
        Counted {
            sum: PartSum {
                name: file.script.path.to_string(),
                directives: (file.script.directives.len() - job.excluded.len()) as u64,
                instructions: opcodes.values().sum(),
                calls: counts.paths().iter().map(|path| path.calls).sum(),
            },
            opcodes,
            pairs: counts.pairs().collect(),
        }
    }))
}

/// Runs a script with samples: the times of its functions.
fn sample(
    (engine, tier): (EngineName, Tier),
    job: &Job<'_>,
    interval: Duration,
) -> io::Result<Vec<FunctionTime>> {
    let sampler = Sampler::leak(interval.is_zero());
    // At each poll, a sample is due anyway; the timer has nothing to do.
    let period = match interval.is_zero() {
        true => Duration::from_secs(3600),
        false => interval,
    };
    run_sampled(tier, job, sampler, period)?;
    let time = |place: PlaceTime| FunctionTime {
        engine,
        file: job.path.to_string(),
        name: place.name,
        own: place.own,
        own_samples: place.own_samples,
        total: place.total,
        total_samples: place.total_samples,
    };
    Ok(sampler.read(|samples| by_name(samples).into_iter().map(time).collect()))
}

/// Our own tiers whose code this process executes, and the columns that are not measured by it.
fn tiers(options: &Options) -> (Vec<(EngineName, Tier)>, BTreeMap<EngineName, &'static str>) {
    let (mut here, mut elsewhere) = (Vec::new(), BTreeMap::new());
    for &name in &options.tiers {
        match name.tier() {
            None => elsewhere.insert(name, "an engine of another maker"),
            Some(_) if name.configuration().is_some() => {
                elsewhere.insert(name, "a configuration of another column")
            }
            Some(tier) if !is_this_program(tier.runs_machine_code()) => {
                elsewhere.insert(name, "this process does not execute its machine code")
            }
            Some(tier) => {
                here.push((name, tier));
                None
            }
        };
    }
    (here, elsewhere)
}
