//! Operand shapes: each assertion about a numeric operation again, with its operands in registers,
//! constants, memory and the stack, and its results used in the ways that compilers fuse.
//!
//! The suite calls almost every numeric instruction with parameters only, and so tests one of the
//! forms in which a tier may execute it. This source repeats an assertion in all shapes that apply
//! (`form.rs`), as scripts of synthesised modules (`plan.rs`, `emit.rs`). A variant is a directive
//! with an origin, and is run, judged and compared as any other one; workers see code and
//! arguments, and nothing of what must come of them.

mod body;
mod emit;
mod find;
mod form;
mod memory;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::Planned;
use crate::features::{FeatureSet, Proposal};
use crate::suite::FileFeatures;

/// Assertions after which a round ends: a bound of the memory that variants take.
const ASSERTIONS_PER_ROUND: usize = 8192;

/// The features of variants, whatever the file's own features are.
const FEATURES: FeatureSet = FeatureSet::WASM3.with(Proposal::WideArithmetic);

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

/// The variants of all files, a round at a time.
pub fn rounds(files: &[Planned]) -> impl Iterator<Item = Round> {
    let mut rest = files;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (files, after) = rest.split_at(round_length(rest));
        rest = after;
        let rounds: Vec<Round> = files.par_iter().map(of_file).collect();
        Some(rounds.into_iter().fold(Round::default(), joined))
    })
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

fn of_file(file: &Planned) -> Round {
    let found = find::find(file);
    let mut ops = BTreeMap::new();
    for case in &found.cases {
        for op in &case.function.body.ops {
            *ops.entry(op.mnemonic()).or_default() += 1;
        }
    }
    let scripts = plan::scripts(&file.script.path, &found.cases).into_iter();
    let planned = scripts.map(|script| Planned {
        script: Arc::new(script),
        features: FileFeatures {
            set: FEATURES,
            ..FileFeatures::DEFAULT
        },
        heading: file.heading,
        skipped: Vec::new(),
        is_independent: true,
        generated: None,
    });
    Round {
        scripts: planned.collect(),
        assertions: found.assertions,
        applicable: found.cases.len() as u64,
        left_out: found.left_out,
        ops,
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
