//! A file of a suite with all that is known of it: what was run, the verdicts, the comparisons.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::verdict::{Comparison, Verdict};
use crate::engine::EngineName;
use crate::script::Script;
use crate::suite::FileFeatures;

/// One file with everything that is known of it.
#[derive(Clone, Debug)]
pub struct JudgedFile {
    /// What was run.
    pub script: Arc<Script>,
    /// The heading under which a report puts it: mostly a proposal.
    pub proposal: String,
    /// The features that its modules could use.
    pub features: FileFeatures,
    /// For each available tier the verdict of each directive, by ordinal; `None` where there is
    /// none.
    pub verdicts: BTreeMap<EngineName, Vec<Option<Verdict>>>,
    /// For each directive how the tiers stand to each other, by ordinal.
    pub comparisons: Vec<Comparison>,
    /// Time spent in workers.
    pub seconds: f64,
}
