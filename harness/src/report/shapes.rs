//! The group of a report that accounts for operand shapes (`wassay spec --shapes`).
//!
//! Invariants, as for directives: in each tier the counts of the variants sum up to those made; a
//! variant that is not listed passed in every tier that is available, and its tiers did not
//! diverge, unless `unlisted` says that the list was cut.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::TierState;
use super::{AgreementCounts, Counts, Gate, Regression, TierAccount, TierVerdict};
use crate::engine::EngineName;
use crate::judge::judged::{JudgedFile, Verdicts};
use crate::judge::verdict::{Agreement, Status, Verdict};
use crate::outcome::text::expectation_text;
use crate::plan::shapes::{Round, Sampling};
use crate::script::{Directive, Origin};

/// Variants of one shape that are listed before the rest is counted only, so that a failure in all
/// cases does not hide a failure in one.
const LISTED_MAX: u64 = 500;

/// The account of all variants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShapesAccount {
    /// The seed by which products are sampled.
    #[serde(default)]
    pub seed: u64,
    /// The number of samples for each assertion.
    #[serde(default)]
    pub samples: u64,
    /// Assertions of results and traps in the chosen files.
    pub assertions: u64,
    /// Those that were repeated.
    pub applicable: u64,
    /// The others, by why they were not.
    pub not_applicable: BTreeMap<String, u64>,
    /// Variants made.
    pub variants: u64,
    /// Whether in every tier each variant has exactly one verdict, and each assertion is either
    /// repeated or not applicable.
    pub closed: bool,
    /// The account of each chosen tier.
    pub tiers: BTreeMap<EngineName, TierAccount>,
    /// How the tiers stand to each other, over all variants.
    pub agreement: AgreementCounts,
    /// The account of each shape.
    pub shapes: BTreeMap<String, ShapeAccount>,
    /// Assertions repeated, by the instructions in what they call.
    pub ops: BTreeMap<String, u64>,
    /// Variants that did not plainly pass, in the order of the files.
    pub failures: Vec<VariantAccount>,
    /// Further ones that are counted and not listed.
    pub unlisted: u64,
    /// Wall-clock time.
    pub seconds: f64,
}

/// The account of a shape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShapeAccount {
    /// Variants made.
    pub variants: u64,
    /// Variants that are listed, since they did not plainly pass.
    pub listed: u64,
    /// The counts of each tier that could run.
    pub tiers: BTreeMap<EngineName, Counts>,
}

/// A variant that did not plainly pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantAccount {
    /// The directive's id, a slash, and the shape.
    pub id: String,
    /// The directive's file.
    pub file: String,
    /// The directive's line, from 1.
    pub line: u32,
    /// Its column in bytes, from 1.
    pub column: u32,
    /// The shape.
    pub shape: String,
    /// The form that was drawn for it, in words; empty where the shape says all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub form: String,
    /// The export that the directive calls.
    pub export: String,
    /// What must come of it.
    pub expected: String,
    /// The available tiers in which it did not pass.
    pub tiers: BTreeMap<EngineName, TierVerdict>,
    /// How the tiers stand to each other.
    pub agreement: Agreement,
    /// In what they differ; null when they do not.
    pub diff: Option<String>,
}

/// A variant with its verdicts.
struct Variant<'a> {
    directive: &'a Directive,
    origin: &'a Origin,
    path: &'a str,
    /// Of each available tier that reported one.
    verdicts: BTreeMap<EngineName, &'a Verdict>,
    agreement: Agreement,
    diff: &'a str,
}

impl ShapesAccount {
    /// The account of no variants in the chosen tiers.
    pub fn new(tiers: &[EngineName], sampling: Sampling) -> ShapesAccount {
        let tiers = tiers.iter().map(|&tier| (tier, TierAccount::available()));
        ShapesAccount {
            seed: sampling.seed,
            samples: sampling.per_assertion,
            tiers: tiers.collect(),
            ..ShapesAccount::default()
        }
    }

    /// Adds a round that was run: the states of the tiers, and the files judged.
    pub fn add(
        &mut self,
        round: &Round,
        tiers: &BTreeMap<EngineName, TierState>,
        files: &[JudgedFile],
    ) {
        self.assertions += round.assertions;
        self.applicable += round.applicable;
        add_counts(&mut self.not_applicable, &round.left_out);
        add_counts(&mut self.ops, &round.ops);
        for (tier, account) in &mut self.tiers {
            let Some(state) = tiers.get(tier) else {
                continue;
            };
            account.add_state(state);
        }
        for (planned, file) in round.scripts.iter().zip(files) {
            for directive in &planned.script.directives {
                if let Some(origin) = &directive.origin {
                    self.add_variant(&variant(file, directive, origin));
                }
            }
        }
    }

    /// Closes the account.
    pub fn close(&mut self) {
        let variants = self.variants;
        let left_out: u64 = self.not_applicable.values().sum();
        let closed = |tier: &TierAccount| tier.counts.total() == variants;
        self.closed =
            self.tiers.values().all(closed) && self.applicable + left_out == self.assertions;
    }

    /// Counts a variant, and lists it if it did not plainly pass.
    fn add_variant(&mut self, variant: &Variant<'_>) {
        let shape = self.shapes.entry(variant.origin.shape.clone()).or_default();
        self.variants += 1;
        shape.variants += 1;
        for (&tier, total) in &mut self.tiers {
            match variant.verdicts.get(&tier) {
                Some(verdict) => {
                    total.counts.add(verdict.status, 1);
                    shape.tiers.entry(tier).or_default().add(verdict.status, 1);
                }
                None if !total.available => total.counts.add(Status::NotRun, 1),
                // A verdict that is missing is not counted, and the account stays open.
                None => {}
            }
        }
        self.agreement.add(variant.agreement);
        let mut verdicts = variant.verdicts.values();
        let passes = verdicts.all(|it| is_good(it.status));
        if passes && variant.agreement != Agreement::Diverge {
            return;
        }
        if shape.listed == LISTED_MAX {
            self.unlisted += 1;
            return;
        }
        shape.listed += 1;
        self.failures.push(listed(variant));
    }

    /// Notes which variants make the run fail.
    pub fn add_regressions(&self, gate: &mut Gate) {
        for variant in &self.failures {
            let failing = variant.tiers.iter();
            let failing = failing.filter(|(_, verdict)| verdict.status.is_failing());
            let regressions = failing.map(|(&tier, verdict)| Regression {
                id: variant.id.clone(),
                tier: Some(tier),
                what: verdict.status.name().to_string(),
            });
            gate.regressions.extend(regressions);
            if variant.agreement == Agreement::Diverge {
                gate.regressions.push(Regression {
                    id: variant.id.clone(),
                    tier: None,
                    what: variant.agreement.name().to_string(),
                });
            }
        }
    }

    /// Whether all that was asked for was measured.
    pub fn is_measured(&self) -> bool {
        self.closed && self.tiers.values().all(|tier| tier.available)
    }
}

/// True if a variant is not listed for such a verdict.
fn is_good(status: Status) -> bool {
    matches!(status, Status::Pass | Status::Compared)
}

fn add_counts(to: &mut BTreeMap<String, u64>, more: &BTreeMap<&'static str, u64>) {
    for (name, count) in more {
        *to.entry(name.to_string()).or_default() += count;
    }
}

fn variant<'a>(file: &'a JudgedFile, directive: &'a Directive, origin: &'a Origin) -> Variant<'a> {
    let ordinal = directive.ordinal as usize;
    let verdict =
        |(&tier, verdicts): (&EngineName, &'a Verdicts)| Some((tier, verdicts.get(ordinal)?));
    let comparison = file.comparisons.get(ordinal);
    let (agreement, diff) = comparison.unwrap_or((Agreement::NotComparable, ""));
    Variant {
        directive,
        origin,
        path: &file.path,
        verdicts: file.verdicts.iter().filter_map(verdict).collect(),
        agreement,
        diff,
    }
}

fn listed(variant: &Variant<'_>) -> VariantAccount {
    let failing = variant.verdicts.iter();
    let failing = failing.filter(|(_, verdict)| !is_good(verdict.status));
    let directive = variant.directive;
    VariantAccount {
        id: directive.id.clone(),
        file: variant.path.to_string(),
        line: directive.line,
        column: directive.column,
        shape: variant.origin.shape.clone(),
        form: variant.origin.form.clone(),
        export: variant.origin.export.clone(),
        expected: expectation_text(&directive.expectation),
        tiers: failing
            .map(|(&tier, &verdict)| (tier, TierVerdict::from(verdict)))
            .collect(),
        agreement: variant.agreement,
        diff: (!variant.diff.is_empty()).then(|| variant.diff.to_string()),
    }
}
