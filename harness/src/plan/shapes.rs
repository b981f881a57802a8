//! Operand shapes: each assertion about a numeric operation again, with its operands in registers,
//! constants, memory and the stack, and its results used in the ways that compilers fuse.
//!
//! The suite calls almost every numeric instruction with parameters only, and so tests one of the
//! forms in which a tier may execute it. This source repeats an assertion in all shapes that apply
//! (`form.rs`), as scripts of synthesised modules (`plan.rs`, `emit.rs`). A variant is a directive
//! with an origin, and is run, judged and compared as any other one; workers see code and
//! arguments, and nothing of what must come of them.

mod access;
mod body;
mod edge;
mod emit;
mod find;
mod form;
mod memory;
mod module;
mod plan;
mod product;
mod second;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::Planned;
use crate::features::{FeatureSet, Proposal};
use crate::protocol::{Bounds, Setting};
use crate::script::{Command, Script};

/// Assertions after which a round ends: a bound of the memory that variants take.
const ASSERTIONS_PER_ROUND: usize = 8192;

/// The features of variants, whatever the file's own features are.
const FEATURES: FeatureSet = FeatureSet::WASM3
    .with(Proposal::WideArithmetic)
    .with(Proposal::Threads);

/// A request for variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The part of the products.
    pub sampling: Sampling,
    /// How variants are run; accesses to memories are run with bounds checked in both ways.
    pub setting: Setting,
    /// True if engines of other makers vote: programs must not see the bits of NaNs then, and no
    /// memory is larger than other engines make.
    pub has_foreign: bool,
}

/// The part of a product that is run: forms of a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// The seed.
    pub seed: u64,
    /// Forms drawn for each assertion; for each body and for each memory instruction, a multiple.
    pub per_assertion: u64,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling {
            seed: 1,
            per_assertion: 1,
        }
    }
}

/// The scripts of some files, and the numbers of assertions that they repeat or leave out.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// The scripts.
    pub scripts: Vec<Planned>,
    /// Assertions of results and traps in the files.
    pub assertions: u64,
    /// Those that are repeated.
    pub applicable: u64,
    /// The others, by reason.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Assertions repeated, by the instructions of the function that they call.
    pub ops: BTreeMap<&'static str, u64>,
}

/// The reason why an assertion is not repeated after the time of all shapes is over.
const TIME_OVER: &str = "the time is over";

impl Round {
    /// Leaves out all that would be repeated.
    pub fn give_up(&mut self) {
        self.scripts.clear();
        self.ops.clear();
        let applicable = std::mem::take(&mut self.applicable);
        *self.left_out.entry(TIME_OVER).or_default() += applicable;
    }
}

/// The variants of all files, a round at a time.
pub fn rounds(files: &[Planned], request: Request) -> impl Iterator<Item = Round> {
    let mut rest = files;
    let mut seen = BTreeSet::new();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (files, after) = rest.split_at(round_length(rest));
        rest = after;
        let of_file = |file| (of_file(file, request), edge::occurrences(file));
        let rounds: Vec<(Round, Vec<edge::Occurrence<'_>>)> =
            files.par_iter().map(of_file).collect();
        let mut sum = Round::default();
        for (file, (round, mut occurrences)) in files.iter().zip(rounds) {
            sum = joined(sum, round);
            // An instruction is tried where it first occurs.
            occurrences.retain(|it| seen.insert(it.op));
            sum.scripts.extend(edges(file, &occurrences, request));
        }
        Some(sum)
    })
}

/// The variant of a file with this id, in a script with nothing but what it needs.
pub fn variant(file: &Planned, id: &str, request: Request) -> Option<Planned> {
    let rounds = rounds(std::slice::from_ref(file), request);
    let mut scripts = rounds.flat_map(|round| round.scripts);
    scripts.find_map(|planned| alone(&planned, id))
}

/// A variant with the modules that it uses; at the edges of a memory, with the accesses before it.
fn alone(planned: &Planned, id: &str) -> Option<Planned> {
    let script = &planned.script;
    let at = script.directives.iter().position(|it| it.id == id)?;
    let is_module = |at: usize| script.commands[at].module().is_some();
    let module = (0..at).rfind(|&at| is_module(at))?;
    let is_register = |it: &Command| matches!(it, Command::Register { .. });
    let shared = script
        .commands
        .iter()
        .position(is_register)
        .map_or(0, |at| at + 1);
    let origin = script.directives[at].origin.as_deref()?;
    let accesses = match origin.shape == edge::SHAPE {
        true => module + 1..at,
        false => at..at,
    };
    let kept = (0..shared).chain([module]).chain(accesses).chain([at]);
    let step = |at: usize| plan::Step {
        command: script.commands[at].clone(),
        directive: script.directives[at].clone(),
    };
    Some(planned.with(plan::script(&script.path, kept.map(step).collect())))
}

/// The number of files in the next round: at least one.
fn round_length(files: &[Planned]) -> usize {
    let mut sum = 0;
    let within = files.iter().take_while(|file| {
        sum += file.script.directives.len();
        sum <= ASSERTIONS_PER_ROUND
    });
    within.count().max(1)
}

fn of_file(file: &Planned, request: Request) -> Round {
    let found = find::find(file);
    let mut ops = BTreeMap::new();
    for case in &found.cases {
        for op in &case.function.body.ops {
            *ops.entry(op.mnemonic()).or_default() += 1;
        }
    }
    let scripts = plan::scripts(&file.script.path, &found.cases, request).into_iter();
    let scripts = scripts.map(|script| planned(file, Arc::new(script), request.setting, true));
    Round {
        scripts: scripts.collect(),
        assertions: found.assertions,
        applicable: found.cases.len() as u64,
        left_out: found.left_out,
        ops,
    }
}

/// The scripts about the edges of memories, once for each way to check bounds.
fn edges<'a>(
    file: &'a Planned,
    occurrences: &[edge::Occurrence<'_>],
    request: Request,
) -> impl Iterator<Item = Planned> + use<'a> {
    let path = &file.script.path;
    let scripts = edge::scripts(path, occurrences, request.sampling, !request.has_foreign);
    scripts.into_iter().flat_map(move |edges| {
        [Bounds::Guard, Bounds::Explicit].map(|bounds| {
            let setting = Setting {
                bounds,
                ..request.setting
            };
            // The state of a large memory is not compared: what is read of it is.
            planned(file, edges.script(bounds), setting, edges.has_large)
        })
    })
}

fn planned(file: &Planned, script: Arc<Script>, setting: Setting, is_independent: bool) -> Planned {
    Planned {
        heading: file.heading,
        is_independent,
        setting: Some(setting),
        ..Planned::alone(script, FEATURES)
    }
}

fn joined(mut round: Round, file: Round) -> Round {
    round.scripts.extend(file.scripts);
    round.assertions += file.assertions;
    round.applicable += file.applicable;
    add_counts(&mut round.left_out, file.left_out);
    add_counts(&mut round.ops, file.ops);
    round
}

fn add_counts(to: &mut BTreeMap<&'static str, u64>, more: BTreeMap<&'static str, u64>) {
    for (name, count) in more {
        *to.entry(name).or_default() += count;
    }
}
