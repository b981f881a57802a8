//! Coverage of a suite: for each opcode the modules that have it, the directives that execute it,
//! and those of them that pass in each tier, plainly and in operand shapes.
//!
//! Everything is measured. Execution is counted by probes in the stack tier (`wassay_runtime`'s
//! `count.rs`), directive by directive, in this process; a directive counts if its outcome is
//! judged as expected. The cells of the tiers are directives that a run through the pool judged to
//! pass there: they entered the tier's code, and gave the outcome that the executed opcodes give.
//! Scripts with threads are left out, since what runs at the same time cannot be told apart.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::sync::Mutex;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;
use wasmparser::{Parser, Payload};
use wassay_runtime::interior::count::{Counter, cost};
use wassay_runtime::interior::decode::Decoder;
use wassay_runtime::interior::ops::Op;

use crate::engine::EngineName;
use crate::features::FeatureSet;
use crate::interrupt;
use crate::judge::judge;
use crate::measure::{Options, job_config};
use crate::outcome::{Outcome, Report as Seen};
use crate::plan::Planned;
use crate::plan::shapes::{self, Request, Sampling};
use crate::protocol::{Job, JobConfig};
use crate::report::{Report, TierAccount};
use crate::script::{Command, ModuleSource, Script};
use crate::worker::run_counted;

/// The matrix.
#[derive(Clone, Debug, Serialize)]
pub struct Coverage {
    /// Wassay's version.
    pub version: String,
    /// The suite.
    pub suite: String,
    /// The suite's revision.
    pub suite_revision: String,
    /// The tiers, in the order of the columns.
    pub tiers: Vec<EngineName>,
    /// The operand shapes in which assertions were repeated.
    pub shapes: BTreeSet<String>,
    /// Directives that executed an instruction and did as expected.
    pub directives: u64,
    /// The same, of assertions repeated in operand shapes.
    pub variants: u64,
    /// Directives of scripts with threads, which are left out.
    pub left_out: u64,
    /// Each opcode that Wassay executes.
    pub opcodes: Vec<OpcodeCoverage>,
}

/// The row of an opcode.
#[derive(Clone, Debug, Serialize)]
pub struct OpcodeCoverage {
    /// The opcode's name in the text format.
    pub opcode: &'static str,
    /// Its proposal.
    pub proposal: &'static str,
    /// Valid modules that have it.
    pub validated: u64,
    /// Directives that executed it, and ended as expected.
    pub executed: u64,
    /// Those that ended in a trap at it.
    pub trapped: u64,
    /// Those that passed, in each tier.
    pub passed: BTreeMap<EngineName, u64>,
    /// Assertions in each operand shape.
    pub shapes: BTreeMap<String, ShapeCell>,
    /// Why cells are empty; absent if none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// An opcode in an operand shape.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ShapeCell {
    /// Variants that executed it, and ended as expected.
    pub executed: u64,
    /// Those that ended in a trap at it.
    pub trapped: u64,
    /// Those that passed, in each tier in which variants were run.
    pub passed: BTreeMap<EngineName, u64>,
}

/// A directive that did as expected, with the opcodes that it executed.
#[derive(Debug)]
struct Executed {
    /// The directive's position in its script.
    at: usize,
    ops: Vec<Op>,
    /// The opcode at which it trapped.
    trapped: Option<Op>,
}

/// The counts of an opcode.
#[derive(Clone, Debug, Default)]
struct Row {
    validated: u64,
    executed: u64,
    trapped: u64,
    passed: BTreeMap<EngineName, u64>,
    shapes: BTreeMap<String, ShapeCell>,
}

/// The directives and variants of a run that did not pass, by id and tier.
type NotPassed<'a> = HashSet<(&'a str, EngineName)>;

/// Counts what the directives of some files execute, and takes from the report of a run of the same
/// files which of them passed: directives, and variants in operand shapes if the run had these.
///
/// # Errors
/// If there is no thread or no memory for a script.
pub fn coverage(options: &Options, report: &Report, files: &[Planned]) -> io::Result<Coverage> {
    let mut rows: BTreeMap<Op, Row> = executed_ops().map(|op| (op, Row::default())).collect();
    let (directives, left_out) = count_opcodes(options, report, files, &mut rows)?;
    let variants = count_shapes(options, report, files, &mut rows)?;
    let counted = (directives, variants, left_out);
    Ok(of_rows(report, rows, counted))
}

/// The matrix of rows, with the numbers of directives, variants and directives left out.
fn of_rows(
    report: &Report,
    rows: BTreeMap<Op, Row>,
    (directives, variants, left_out): (u64, u64, u64),
) -> Coverage {
    let tiers = available(&report.tiers);
    let shapes = rows.values().flat_map(|row| row.shapes.keys().cloned());
    Coverage {
        version: report.run.version.clone(),
        suite: report.run.suite.clone(),
        suite_revision: report.run.suite_revision.clone(),
        shapes: shapes.collect(),
        directives,
        variants,
        left_out,
        opcodes: rows
            .iter()
            .map(|(&op, row)| of_row(op, row, &tiers))
            .collect(),
        tiers,
    }
}

fn available(tiers: &BTreeMap<EngineName, TierAccount>) -> Vec<EngineName> {
    let available = tiers.iter().filter(|(_, tier)| tier.available);
    available.map(|(&name, _)| name).collect()
}

/// Counts the directives of files by the opcodes that they execute; gives the number of those that
/// execute something, and of those that are left out.
fn count_opcodes(
    options: &Options,
    report: &Report,
    files: &[Planned],
    rows: &mut BTreeMap<Op, Row>,
) -> io::Result<(u64, u64)> {
    let tiers = available(&report.tiers);
    let not_passed = report.directives.iter();
    let not_passed: NotPassed<'_> = not_passed
        .flat_map(|it| it.tiers.keys().map(|&tier| (it.id.as_str(), tier)))
        .collect();
    let count = |file: &Planned| count(options, file);
    let counted: io::Result<Vec<_>> = files.par_iter().map(count).collect();
    let (mut directives, mut left_out) = (0, 0);
    for (file, counted) in files.iter().zip(counted?) {
        let Some(counted) = counted else {
            left_out += file.script.directives.len() as u64;
            continue;
        };
        for module in &counted.modules {
            for op in module {
                rows.entry(*op).or_default().validated += 1;
            }
        }
        for executed in &counted.executed {
            directives += 1;
            let id = file.script.directives[executed.at].id.as_str();
            for op in &executed.ops {
                let row = rows.entry(*op).or_default();
                row.executed += 1;
                row.trapped += u64::from(executed.trapped == Some(*op));
                add_passed(&mut row.passed, id, &tiers, &not_passed);
            }
        }
    }
    Ok((directives, left_out))
}

/// Counts a directive or a variant in the tiers in which it passed.
fn add_passed(
    passed: &mut BTreeMap<EngineName, u64>,
    id: &str,
    tiers: &[EngineName],
    not_passed: &NotPassed<'_>,
) {
    for &tier in tiers {
        let has_passed = !not_passed.contains(&(id, tier));
        *passed.entry(tier).or_default() += u64::from(has_passed);
    }
}

/// The opcodes of the proposals that Wassay executes.
fn executed_ops() -> impl Iterator<Item = Op> {
    let is_executed = |op: &Op| FeatureSet::EXECUTED.contains(op.proposal());
    Op::ALL.iter().copied().filter(is_executed)
}

/// Counts the assertions in all operand shapes; gives their number.
fn count_shapes(
    options: &Options,
    report: &Report,
    files: &[Planned],
    rows: &mut BTreeMap<Op, Row>,
) -> io::Result<u64> {
    // Where failures are not all listed, nothing is known of a variant by its id.
    let account = report.shapes.as_ref().filter(|it| it.unlisted == 0);
    let tiers = account.map_or_else(Vec::new, |it| available(&it.tiers));
    let failures = account.into_iter().flat_map(|it| &it.failures);
    let not_passed: NotPassed<'_> = failures
        .flat_map(|it| it.tiers.keys().map(|&tier| (it.id.as_str(), tier)))
        .collect();
    let request = Request {
        sampling: Sampling::default(),
        setting: options.setting,
        has_foreign: false,
    };
    let count = |file: &Planned| count(options, file);
    let mut variants = 0;
    for round in shapes::rounds(files, request) {
        if interrupt::requested() {
            break;
        }
        let counted: io::Result<Vec<_>> = round.scripts.par_iter().map(count).collect();
        for (script, counted) in round.scripts.iter().zip(counted?) {
            for executed in counted.into_iter().flat_map(|it| it.executed) {
                let directive = &script.script.directives[executed.at];
                let Some(origin) = &directive.origin else {
                    continue;
                };
                variants += 1;
                for op in executed.ops {
                    let row = rows.entry(op).or_default();
                    let cell = row.shapes.entry(origin.shape.clone()).or_default();
                    cell.executed += 1;
                    cell.trapped += u64::from(executed.trapped == Some(op));
                    add_passed(&mut cell.passed, &directive.id, &tiers, &not_passed);
                }
            }
        }
    }
    Ok(variants)
}

fn of_row(op: Op, row: &Row, tiers: &[EngineName]) -> OpcodeCoverage {
    let passes_everywhere = tiers.iter().all(|tier| row.passed.get(tier) > Some(&0));
    let reason = if row.executed > 0 && passes_everywhere {
        None
    } else if row.executed > 0 {
        Some("no directive that executes it passes in each tier")
    } else if cost(op) == 0 {
        Some("a marker: there is nothing to execute")
    } else if row.validated > 0 {
        Some("the code of valid modules that has it is not executed")
    } else {
        Some("no valid module has it")
    };
    OpcodeCoverage {
        opcode: op.mnemonic(),
        proposal: op.proposal().key(),
        validated: row.validated,
        executed: row.executed,
        trapped: row.trapped,
        passed: row.passed.clone(),
        shapes: row.shapes.clone(),
        reason,
    }
}

/// What was counted of a script.
struct Counted {
    /// The opcodes of each valid module.
    modules: Vec<BTreeSet<Op>>,
    executed: Vec<Executed>,
}

/// The job that counts a script in the stack tier; `None` if it has threads.
pub fn counting_job<'a>(options: &Options, file: &'a Planned) -> Option<Job<'a>> {
    let script: &'a Script = &file.script;
    let is_thread = |it: &Command| matches!(it, Command::Thread { .. } | Command::Wait { .. });
    if script.commands.iter().any(is_thread) {
        return None;
    }
    Some(Job {
        sequence: 1,
        path: script.path.as_str().into(),
        commands: script.commands.as_slice().into(),
        config: JobConfig {
            hash_state: false,
            show_state: false,
            memory_bytes_max: 0,
            ..job_config(options, file)
        },
        excluded: file.skipped.as_slice().into(),
    })
}

/// Runs a script with a counter; `None` if it has threads.
fn count(options: &Options, file: &Planned) -> io::Result<Option<Counted>> {
    let Some(job) = counting_job(options, file) else {
        return Ok(None);
    };
    let script: &Script = &file.script;
    let counter = Counter::leak();
    let found = Mutex::new((Vec::new(), Vec::new(), Vec::new()));
    run_counted(&job, counter, &|at, seen: &Seen| {
        let mut found = found
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let (before, modules, executed) = &mut *found;
        let (ops, last) = newly_executed(counter, before);
        let directive = &script.directives[at];
        if !judge(directive, &seen.outcome).status.is_plain() {
            return;
        }
        if let Some(ops) = valid_module(&script.commands[at], &seen.outcome) {
            modules.push(ops);
        }
        if !ops.is_empty() {
            let trapped = matches!(seen.outcome, Outcome::Trap(_));
            executed.push(Executed {
                at,
                ops,
                trapped: last.filter(|_| trapped),
            });
        }
    })?;
    let found = found.into_inner();
    let (_, modules, executed) = found.unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(Some(Counted { modules, executed }))
}

/// The opcodes that were executed since the counts were those of `before`, and the last one.
fn newly_executed(counter: &Counter, before: &mut Vec<u64>) -> (Vec<Op>, Option<Op>) {
    counter.read(|counts| {
        let mut ops = BTreeSet::new();
        before.resize(counts.sites().len(), 0);
        for (site, before) in counts.sites().iter().zip(before) {
            if site.count != *before {
                *before = site.count;
                ops.insert(site.op);
            }
        }
        (ops.into_iter().collect(), counts.last())
    })
}

/// The opcodes of the module that a command has, if the engine took it.
fn valid_module(command: &Command, outcome: &Outcome) -> Option<BTreeSet<Op>> {
    let is_taken = matches!(
        command,
        Command::Module { .. } | Command::ModuleDefinition { .. }
    );
    let (true, Outcome::Done, Some(ModuleSource::Binary(bytes))) =
        (is_taken, outcome, command.module())
    else {
        return None;
    };
    let mut ops = BTreeSet::new();
    for payload in Parser::new(0).parse_all(bytes) {
        if let Ok(Payload::CodeSectionEntry(body)) = payload {
            let mut decoder = Decoder::new(body.as_bytes(), 0);
            decoder.read_locals(|_, _| ()).ok()?;
            while !decoder.is_at_end() {
                ops.insert(decoder.read().ok()?.op);
            }
        }
    }
    Some(ops)
}
