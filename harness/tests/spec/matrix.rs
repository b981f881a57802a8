//! The committed matrix of coverage is that of this build: its opcodes, the suite, the columns, and
//! all cells of opcodes by tiers, which are counted anew.
//!
//! Cells of operand shapes take minutes: `wassay coverage --check -o reports/matrix.md` compares
//! these as well.

use libtest_mimic::Failed;
use wassay::coverage::of_opcodes;
use wassay::measure::Options;
use wassay::plan::Planned;
use wassay::present::coverage::markdown;
use wassay::report::Report;

/// The name of the trial.
pub(crate) const NAME: &str = "reports/matrix.md";
const COMMITTED: &str = include_str!("../../../reports/matrix.md");
/// The heading before the table of operand shapes.
const SHAPES: &str = "## Opcodes and operand shapes";
/// Lines that are shown.
const SHOWN_MAX: usize = 10;

/// Checks the committed matrix against a run of the embedded suite in all tiers.
///
/// # Errors
/// If a line is another one; the first of them are named.
pub(crate) fn check(options: &Options, report: &Report, files: &[Planned]) -> Result<(), Failed> {
    let coverage = of_opcodes(options, report, files).map_err(|error| error.to_string())?;
    let measured = markdown(&coverage);
    let (measured, _) = measured.split_once(SHAPES).ok_or("no table of shapes")?;
    let (committed, _) = COMMITTED.split_once(SHAPES).ok_or("no table of shapes")?;
    let mut wrong = Vec::new();
    for (at, (old, new)) in committed.lines().zip(measured.lines()).enumerate() {
        if old != new {
            wrong.push(format!("line {}: {old}\n  measured: {new}", at + 1));
        }
    }
    if committed.lines().count() != measured.lines().count() {
        wrong.push("the number of opcodes".to_string());
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let shown = &wrong[..wrong.len().min(SHOWN_MAX)];
    let how = "`wassay coverage -o reports/matrix.md` measures it anew";
    let count = wrong.len();
    Err(format!("{}\n{count} differences; {how}", shown.join("\n")).into())
}
