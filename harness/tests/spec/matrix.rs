//! The committed matrix of coverage is that of this build: its opcodes, the suite, the columns, all
//! cells of opcodes by tiers, and all counts of operand shapes, which are counted anew.
//!
//! The tiers in which variants pass are not run for this: the trials of shapes hold that none fails
//! in a tier, and so no cell may name one. `wassay coverage --shapes-by-tier --check -o
//! reports/matrix.md` runs them, in the mixed tiers as well.

use libtest_mimic::Failed;
use wassay::coverage::coverage;
use wassay::measure::Options;
use wassay::plan::Planned;
use wassay::present::coverage::markdown;
use wassay::report::Report;

/// The name of the trial.
pub(crate) const NAME: &str = "reports/matrix.md";
const COMMITTED: &str = include_str!("../../../reports/matrix.md");
/// What the committed matrix says of the tiers in which variants were run.
const TIERS: &str = " They were run in stack, register, jit, tiered-1, tiered-2: a tier in which \
    fewer passed is named in the cell, and a cell that names none passed in each of these.";
/// Lines that are shown.
const SHOWN_MAX: usize = 10;

/// Checks the committed matrix against a run of the embedded suite in all tiers.
///
/// # Errors
/// If a line is another one; the first of them are named.
pub(crate) fn check(options: &Options, report: &Report, files: &[Planned]) -> Result<(), Failed> {
    let coverage = coverage(options, report, files).map_err(|error| error.to_string())?;
    let measured = markdown(&coverage);
    let committed = COMMITTED.replacen(TIERS, "", 1);
    if committed == COMMITTED {
        return Err("the committed matrix does not say that all tiers ran in shapes".into());
    }
    let mut wrong = Vec::new();
    for (at, (old, new)) in committed.lines().zip(measured.lines()).enumerate() {
        if old != new {
            wrong.push(format!("line {}: {old}\n  measured: {new}", at + 1));
        }
    }
    if committed.lines().count() != measured.lines().count() {
        wrong.push("the number of lines".to_string());
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let shown = &wrong[..wrong.len().min(SHOWN_MAX)];
    let how = "`wassay coverage --shapes-by-tier -o reports/matrix.md` measures it anew";
    let count = wrong.len();
    Err(format!("{}\n{count} differences; {how}", shown.join("\n")).into())
}
