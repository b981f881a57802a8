//! The group of a report that accounts for operand shapes (`wassay spec --shapes`).
//!
//! Invariants, as for directives: in each tier the counts of the variants sum up to those made; a
//! variant that is not listed passed in every tier that is available, and its tiers did not
//! diverge, unless `unlisted` says that the list was cut.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{AgreementCounts, Counts, TierAccount, TierVerdict, json, lines};
use crate::tier::Tier;
use crate::verdict::Agreement;

/// The account of all variants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShapesAccount {
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
    pub tiers: BTreeMap<Tier, TierAccount>,
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShapeAccount {
    /// Variants made.
    pub variants: u64,
    /// Variants that are listed, since they did not plainly pass.
    pub listed: u64,
    /// The counts of each tier that could run.
    pub tiers: BTreeMap<Tier, Counts>,
}

/// A variant that did not plainly pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The export that the directive calls.
    pub export: String,
    /// What must come of it.
    pub expected: String,
    /// The available tiers in which it did not pass.
    pub tiers: BTreeMap<Tier, TierVerdict>,
    /// How the tiers stand to each other.
    pub agreement: Agreement,
    /// In what they differ; null when they do not.
    pub diff: Option<String>,
}

impl ShapesAccount {
    /// As JSON, with a line for each variant listed.
    pub(super) fn to_json(&self) -> String {
        let rest = ShapesAccount {
            failures: Vec::new(),
            ..self.clone()
        };
        let failures = format!("\"failures\":{}", lines(&self.failures));
        json(&rest).replacen("\"failures\":[]", &failures, 1)
    }

    /// Whether all that was asked for was measured.
    pub fn is_measured(&self) -> bool {
        self.closed && self.tiers.values().all(|tier| tier.available)
    }
}
