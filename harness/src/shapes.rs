//! Operand shapes: each assertion about a numeric operation again, with its operands in registers,
//! constants, memory and the stack, and its results used in the ways that compilers fuse.
//!
//! The suite calls almost every numeric instruction with parameters only, and so tests one of the
//! forms in which a tier may execute it. This module repeats an assertion in all shapes that apply
//! (`form.rs`), as scripts of synthesised modules (`plan.rs`, `emit.rs`) that the pool runs like
//! those of the suite; workers see code and arguments, and nothing of what must come of them. The
//! judge and the comparison are those of directives; the variants have an account of their own.

mod body;
mod emit;
mod find;
mod form;
mod memory;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Instant;

use rayon::prelude::*;

use crate::compare::{Comparer, Entry};
use crate::judge::judge;
use crate::pool::launch::program_for;
use crate::pool::{self, Interrupted, Observer, Settings, Task, TierRun};
use crate::protocol::{JobConfig, Profile};
use crate::report::shapes::{ShapesAccount, VariantAccount};
use crate::report::{Gate, Regression, TierAccount, TierVerdict, is_failing};
use crate::script::Directive;
use crate::select::ChosenFile;
use crate::spec::{Options, seconds};
use crate::suite::{Extra, FeatureSet, SpecVersion};
use crate::tier::Tier;
use crate::verdict::{Agreement, Comparison, Status, Verdict};

use plan::{Plan, Variant};

/// Assertions after which a round ends: what bounds the memory that variants take.
const ASSERTIONS_PER_ROUND: usize = 8192;
/// Variants of one shape listed before the rest is counted only: so that what fails in all cases
/// does not hide what fails in one.
const LISTED_MAX: u64 = 500;

/// What variants are made of, whatever the file's own features are.
const FEATURES: FeatureSet = FeatureSet {
    version: SpecVersion::Wasm3,
    extra: Some(Extra::WideArithmetic),
};

/// Makes, runs, judges and accounts for the variants of all chosen files.
///
/// # Errors
/// When it is interrupted.
pub fn run(
    options: &Options,
    files: &[ChosenFile],
    observer: &dyn Observer,
) -> Result<ShapesAccount, Interrupted> {
    let started = Instant::now();
    let mut account = ShapesAccount::default();
    for &tier in &options.tiers {
        account.tiers.insert(tier, TierAccount::available());
    }
    let mut rest = files;
    while !rest.is_empty() {
        let (round, after) = rest.split_at(round_length(rest));
        rest = after;
        run_round(options, round, observer, &mut account)?;
    }
    let closed = |tier: &TierAccount| tier.counts.total() == account.variants;
    let left_out: u64 = account.not_applicable.values().sum();
    account.closed =
        account.tiers.values().all(closed) && account.applicable + left_out == account.assertions;
    account.seconds = seconds(started.elapsed());
    Ok(account)
}

/// How many files the next round takes: at least one.
fn round_length(files: &[ChosenFile]) -> usize {
    let mut sum = 0;
    let within = files.iter().take_while(|file| {
        sum += file.script.directives.len();
        sum <= ASSERTIONS_PER_ROUND
    });
    within.count().max(1)
}

/// What a file is to be repeated as.
struct Prepared {
    plans: Vec<Plan>,
    assertions: u64,
    applicable: u64,
    left_out: BTreeMap<&'static str, u64>,
    ops: BTreeMap<&'static str, u64>,
}

fn prepare(file: &ChosenFile) -> Prepared {
    let found = find::find(file);
    let mut ops = BTreeMap::new();
    for case in &found.cases {
        for op in &case.function.body.ops {
            *ops.entry(op.mnemonic()).or_default() += 1;
        }
    }
    Prepared {
        plans: plan::plans(&file.script.path, &found.cases),
        assertions: found.assertions,
        applicable: found.cases.len() as u64,
        left_out: found.left_out,
        ops,
    }
}

fn run_round(
    options: &Options,
    files: &[ChosenFile],
    observer: &dyn Observer,
    account: &mut ShapesAccount,
) -> Result<(), Interrupted> {
    let prepared: Vec<Prepared> = files.par_iter().map(prepare).collect();
    let mut plans = Vec::new();
    for file in prepared {
        account.assertions += file.assertions;
        account.applicable += file.applicable;
        add_counts(&mut account.not_applicable, file.left_out);
        add_counts(&mut account.ops, file.ops);
        plans.extend(file.plans);
    }
    if plans.is_empty() {
        return Ok(());
    }
    observer.more(plans.iter().map(|plan| plan.script.directives.len()).sum());
    let runs = run_plans(options, &plans, observer)?;
    let judged: Vec<Vec<Judged<'_>>> = plans
        .par_iter()
        .enumerate()
        .map(|(index, plan)| judge_plan(plan, index, &runs, options.profile))
        .collect();
    for (&tier, run) in &runs {
        if let Some(tier) = account.tiers.get_mut(&tier) {
            note_tier(tier, run);
        }
    }
    for variant in judged.iter().flatten() {
        add_variant(account, variant);
    }
    Ok(())
}

fn add_counts(to: &mut BTreeMap<String, u64>, more: BTreeMap<&'static str, u64>) {
    for (name, count) in more {
        *to.entry(name.to_string()).or_default() += count;
    }
}

fn run_plans<'a>(
    options: &Options,
    plans: &'a [Plan],
    observer: &dyn Observer,
) -> Result<BTreeMap<Tier, TierRun>, Interrupted> {
    let config = JobConfig {
        features: FEATURES,
        bounds: options.bounds,
        hash_state: false,
        profile: options.profile,
        modes: options.modes,
        memory_bytes_max: options.worker_memory,
    };
    let task = |plan: &'a Plan| Task {
        script: &plan.script,
        config,
        skipped: Vec::new(),
    };
    let tasks: Vec<Task<'_>> = plans.iter().map(task).collect();
    let programs = options.tiers.iter();
    let programs = programs.map(|&tier| (tier, program_for(tier, &options.program)));
    let settings = Settings {
        jobs: options.jobs,
        timeout: options.timeout,
    };
    pool::run(&tasks, &programs.collect(), &settings, observer)
}

/// Notes whether a tier could run, and what it proves of itself.
fn note_tier(account: &mut TierAccount, run: &TierRun) {
    match run {
        Ok(files) => {
            let mut proof = crate::outcome::Proof::default();
            files.iter().for_each(|file| proof.add(&file.proof));
            account.proof.add(&proof.into());
        }
        Err(reason) => {
            account.available = false;
            account.reason = Some(reason.clone());
        }
    }
}

/// A variant with its verdicts.
struct Judged<'a> {
    variant: &'a Variant,
    directive: &'a Directive,
    path: &'a str,
    /// Of each available tier that reported one.
    verdicts: BTreeMap<Tier, Verdict>,
    comparison: Comparison,
}

fn judge_plan<'a>(
    plan: &'a Plan,
    index: usize,
    runs: &BTreeMap<Tier, TierRun>,
    profile: Profile,
) -> Vec<Judged<'a>> {
    let available = runs.iter();
    let available =
        available.filter_map(|(&tier, run)| Some((tier, run.as_ref().ok()?.get(index)?)));
    let available: Vec<_> = available.collect();
    let directives = plan.script.directives.iter().zip(&plan.variants);
    let judged = directives
        .enumerate()
        .filter_map(|(ordinal, (directive, variant))| {
            let reports = available.iter();
            let reports =
                reports.filter_map(|(tier, run)| Some((*tier, run.reports.get(ordinal)?)));
            let reports: Vec<Entry<'_>> = reports.collect();
            let verdict = |(tier, report): &Entry<'_>| (*tier, judge(directive, &report.outcome));
            Some(Judged {
                variant: variant.as_ref()?,
                directive,
                path: &plan.script.path,
                verdicts: reports.iter().map(verdict).collect(),
                // Variants do not depend on each other, so each is compared by itself.
                comparison: Comparer::new(profile).next(directive, &reports),
            })
        });
    judged.collect()
}

/// Counts a variant, and lists it if it did not plainly pass.
fn add_variant(account: &mut ShapesAccount, judged: &Judged<'_>) {
    let shape = account
        .shapes
        .entry(judged.variant.shape.to_string())
        .or_default();
    account.variants += 1;
    shape.variants += 1;
    for (&tier, total) in &mut account.tiers {
        match judged.verdicts.get(&tier) {
            Some(verdict) => {
                total.counts.add(verdict.status, 1);
                shape.tiers.entry(tier).or_default().add(verdict.status, 1);
            }
            None if !total.available => total.counts.add(Status::NotRun, 1),
            // No verdict is counted as none, and the account stays open.
            None => {}
        }
    }
    account.agreement.add(judged.comparison.agreement);
    let passes = judged
        .verdicts
        .values()
        .all(|verdict| verdict.status == Status::Pass);
    if passes && judged.comparison.agreement != Agreement::Diverge {
        return;
    }
    shape.listed += 1;
    if shape.listed > LISTED_MAX {
        shape.listed = LISTED_MAX;
        account.unlisted += 1;
        return;
    }
    account.failures.push(listed(judged));
}

fn listed(judged: &Judged<'_>) -> VariantAccount {
    let failing = judged.verdicts.iter();
    let failing = failing.filter(|(_, verdict)| verdict.status != Status::Pass);
    let verdict = |(&tier, verdict): (&Tier, &Verdict)| (tier, TierVerdict::from(verdict));
    let directive = judged.directive;
    let diff = &judged.comparison.diff;
    VariantAccount {
        id: directive.id.clone(),
        file: judged.path.to_string(),
        line: directive.line,
        column: directive.column,
        shape: judged.variant.shape.to_string(),
        export: judged.variant.export.clone(),
        expected: crate::judge::expectation_text(&directive.expectation),
        tiers: failing.map(verdict).collect(),
        agreement: judged.comparison.agreement,
        diff: (!diff.is_empty()).then(|| diff.clone()),
    }
}

/// Notes what of the variants makes the run fail.
pub fn add_regressions(gate: &mut Gate, account: &ShapesAccount) {
    for variant in &account.failures {
        let failing = variant.tiers.iter();
        let failing = failing.filter(|(_, verdict)| is_failing(verdict.status));
        gate.regressions
            .extend(failing.map(|(&tier, verdict)| Regression {
                id: variant.id.clone(),
                tier: Some(tier),
                what: verdict.status.name().to_string(),
            }));
        if variant.agreement == Agreement::Diverge {
            gate.regressions.push(Regression {
                id: variant.id.clone(),
                tier: None,
                what: variant.agreement.name().to_string(),
            });
        }
    }
}
