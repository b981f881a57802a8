//! `wassay spec --profile`: the instructions that all directives of a suite execute, by opcode,
//! pair, proposal and file.
//!
//! The files run once more, in this process and in the stack tier with a counter, after the run
//! itself. Left out are scripts with threads, whose instructions cannot be told apart, and files in
//! which a directive did not end by itself in some engine.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;
use wassay_runtime::interior::count::Counter;
use wassay_runtime::interior::ops::Op;

use super::account::{NamedSum, percent, put_line, sorted};
use crate::coverage::counting_job;
use crate::engine::EngineName;
use crate::interrupt;
use crate::judge::verdict::Status;
use crate::measure::Options;
use crate::plan::Planned;
use crate::present::timeline::Timeline;
use crate::report::Report;
use crate::worker::run_counted;

/// The account.
#[derive(Debug, Serialize)]
pub(in crate::command) struct SuiteAccount {
    version: u32,
    instructions: u64,
    calls: u64,
    /// The time that the files took in each engine, in nanoseconds.
    engines: BTreeMap<EngineName, u64>,
    proposals: Vec<PartSum>,
    files: Vec<PartSum>,
    opcodes: Vec<NamedSum>,
    pairs: Vec<NamedSum>,
    /// Files that were not counted.
    left_out: Vec<String>,
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

/// The counts of a file.
struct Counted {
    sum: PartSum,
    opcodes: HashMap<Op, u64>,
    pairs: HashMap<(Op, Op), u64>,
}

impl SuiteAccount {
    /// Counts what the files of a run execute.
    ///
    /// # Errors
    /// If there is no thread or no memory for a script.
    pub(in crate::command) fn count(
        options: &Options,
        planned: &[Planned],
        report: &Report,
        timeline: &Timeline,
    ) -> io::Result<SuiteAccount> {
        let unfinished = unfinished(report);
        let counted: io::Result<Vec<Option<Counted>>> = planned
            .par_iter()
            .map(|file| match unfinished.contains(&*file.script.path) {
                true => Ok(None),
                false => count(options, file),
            })
            .collect();
        let mut proposals: BTreeMap<&str, PartSum> = BTreeMap::new();
        let (mut opcodes, mut pairs) = (HashMap::new(), HashMap::new());
        let (mut files, mut left_out) = (Vec::new(), Vec::new());
        for (file, counted) in planned.iter().zip(counted?) {
            let Some(counted) = counted else {
                left_out.push(file.script.path.to_string());
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
            files.push(counted.sum);
        }
        let pairs = pairs.into_iter().map(|((first, second), count)| {
            let name = format!("{} {}", first.mnemonic(), second.mnemonic());
            (name, count)
        });
        let opcodes = opcodes
            .into_iter()
            .map(|(op, count): (Op, u64)| (op.mnemonic().to_string(), count));
        let mut proposals: Vec<PartSum> = proposals.into_values().collect();
        largest_first(&mut proposals);
        largest_first(&mut files);
        Ok(SuiteAccount {
            version: super::VERSION,
            instructions: files.iter().map(|it| it.instructions).sum(),
            calls: files.iter().map(|it| it.calls).sum(),
            engines: engines(timeline),
            proposals,
            files,
            opcodes: sorted(opcodes),
            pairs: sorted(pairs),
            left_out,
        })
    }

    /// The account as text, with so many rows of each table.
    pub(in crate::command) fn text(&self, top: usize) -> String {
        let all = self.instructions;
        let mut out = String::new();
        let mut put = |line: std::fmt::Arguments<'_>| put_line(&mut out, line);
        put(format_args!(
            "{all} instructions in {} calls were executed (stack tier, exact); {} files left out",
            self.calls,
            self.left_out.len()
        ));
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
        out
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

/// The files in which a directive did not end by itself in some engine, or may not have.
fn unfinished(report: &Report) -> BTreeSet<&str> {
    let ended = |status: Status| match status {
        Status::Pass | Status::Fail | Status::Xpass | Status::Skip | Status::Compared => true,
        // What is expected may be a crash.
        Status::Xfail | Status::Crash | Status::Timeout | Status::NotRun | Status::Blocked => false,
    };
    let files = report.directives.iter().filter(|directive| {
        let mut verdicts = directive.tiers.values();
        !verdicts.all(|it| ended(it.status) || it.status == Status::Xfail && is_answer(&it.actual))
    });
    files.map(|directive| directive.file.as_str()).collect()
}

/// True if an outcome as reports have it is one that the engine itself gave.
fn is_answer(actual: &str) -> bool {
    !["crash", "no end"].iter().any(|it| actual.starts_with(it))
}

/// Runs a script with a counter; `None` if it has threads or the run is interrupted.
fn count(options: &Options, file: &Planned) -> io::Result<Option<Counted>> {
    let job = counting_job(options, file).filter(|_| !interrupt::requested());
    let Some(job) = job else {
        return Ok(None);
    };
    let counter = Counter::leak();
    run_counted(&job, counter, &|_, _| {})?;
    Ok(Some(counter.read(|counts| {
        let mut opcodes: HashMap<Op, u64> = HashMap::new();
        for site in counts.sites().iter().filter(|site| site.count > 0) {
            *opcodes.entry(site.op).or_default() += site.count;
        }
        Counted {
            sum: PartSum {
                name: file.script.path.to_string(),
                directives: file.script.directives.len() as u64,
                instructions: opcodes.values().sum(),
                calls: counts.paths().iter().map(|path| path.calls).sum(),
            },
            opcodes,
            pairs: counts.pairs().collect(),
        }
    })))
}
