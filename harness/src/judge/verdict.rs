//! Judgements: of one outcome against the specification ([`Verdict`]), and of the tiers against
//! each other ([`Comparison`]).
//!
//! They are separate axes (contract C6): tiers can agree on a wrong answer. `judge.rs` and
//! `compare.rs` make these values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::JudgedBy;

/// The account that a directive of a tier is counted on; every directive is on exactly one
/// (contract C3).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It ended as the specification says.
    Pass,
    /// It ended otherwise.
    Fail,
    /// It failed, and an expectation says that it would.
    Xfail,
    /// It passed, though an expectation says that it would not.
    Xpass,
    /// It was left out: on request, or since the engine does not take a module of a generated
    /// program.
    Skip,
    /// The worker died while it ran.
    Crash,
    /// It did not end in time.
    Timeout,
    /// It was never run.
    NotRun,
    /// It depends on a directive that crashed, did not end in time or was left out, and was not
    /// run, or did not pass without what that one would have done.
    Blocked,
    /// It ran, and nobody says what must come of it: the engines are compared with each other.
    Compared,
}

impl Status {
    /// Every status, in the order of reports.
    pub const ALL: [Status; 10] = [
        Status::Pass,
        Status::Fail,
        Status::Xfail,
        Status::Xpass,
        Status::Skip,
        Status::Crash,
        Status::Timeout,
        Status::NotRun,
        Status::Blocked,
        Status::Compared,
    ];

    /// True if reports count such directives and do not list them.
    pub const fn is_plain(self) -> bool {
        matches!(self, Status::Pass | Status::Compared)
    }

    /// True if the engine itself has failed, by its answer, its death or its time.
    pub const fn has_failed(self) -> bool {
        match self {
            Status::Fail | Status::Crash | Status::Timeout => true,
            Status::Pass
            | Status::Xfail
            | Status::Xpass
            | Status::Skip
            | Status::NotRun
            | Status::Blocked
            | Status::Compared => false,
        }
    }

    /// True if a directive with this status makes the run fail.
    pub const fn is_failing(self) -> bool {
        match self {
            Status::Fail | Status::Xpass | Status::Crash | Status::Timeout | Status::NotRun => true,
            Status::Pass | Status::Xfail | Status::Skip | Status::Blocked | Status::Compared => {
                false
            }
        }
    }

    /// The status's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Fail => "fail",
            Status::Xfail => "xfail",
            Status::Xpass => "xpass",
            Status::Skip => "skip",
            Status::Crash => "crash",
            Status::Timeout => "timeout",
            Status::NotRun => "not_run",
            Status::Blocked => "blocked",
            Status::Compared => "compared",
        }
    }
}

/// The judgement of one outcome. The judge gives every status but `Xfail` and `Xpass`, which
/// expectations make of `Pass`, `Fail`,
/// `Crash` and `Timeout`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The account.
    pub status: Status,
    /// Who decided it: a pass by the text parser is counted apart.
    pub judged_by: JudgedBy,
    /// What the specification asks for; empty on a pass, save for [`Verdict::other_text`].
    pub expected: String,
    /// What happened (hex bit strings for values); empty on a pass, save for
    /// [`Verdict::other_text`].
    pub actual: String,
    /// Why it is not a pass, in one line (`unsupported: <op>` for what is not built); empty on a
    /// pass.
    pub detail: String,
}

impl Verdict {
    /// The suite's text and that of the engine, if the engine refused what it had to refuse and
    /// told another reason.
    pub fn other_text(&self) -> Option<(&str, &str)> {
        let is_told = self.status == Status::Pass && !self.actual.is_empty();
        is_told.then_some((&self.expected, &self.actual))
    }
}

/// How the tiers stand to each other on one directive.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// Every tier that ran it ended alike and left the same state.
    Agree,
    /// Two tiers differ, where the specification leaves no choice.
    Diverge,
    /// Something before it in the same store was non-deterministic, so a difference proves nothing.
    Poisoned,
    /// Fewer than two tiers ran it.
    NotComparable,
}

impl Agreement {
    /// Every agreement, in the order of reports.
    pub const ALL: [Agreement; 4] = [
        Agreement::Agree,
        Agreement::Diverge,
        Agreement::Poisoned,
        Agreement::NotComparable,
    ];

    /// The agreement's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Agreement::Agree => "agree",
            Agreement::Diverge => "diverge",
            Agreement::Poisoned => "poisoned",
            Agreement::NotComparable => "not_comparable",
        }
    }
}

/// The comparison of all tiers on one directive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The result.
    pub agreement: Agreement,
    /// Which tiers differ and in what; empty unless they diverge (or would, were they not
    /// poisoned).
    pub diff: String,
}
