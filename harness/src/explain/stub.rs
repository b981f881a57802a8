//! Large modules made small: functions that the directive does not enter become a trap, so that an
//! engine that decodes and compiles the module many times does it in little time.

use super::case::{Case, Entered, Read};
use super::column::{Column, Seen, run_both};
use super::outline::Outline;
use super::rewrite::Rewriter;
use super::search::SearchError;
use crate::outcome::{Outcome, Value};

/// Modules of fewer bytes stay as they are.
const BYTES_MIN: usize = 1 << 16;

/// The case with its large modules made small; `None` if there is none.
///
/// # Errors
/// If an engine does not run, or a module cannot be rewritten.
pub(super) fn stubbed(
    columns: &mut [Column<'_>; 2],
    case: &Case,
) -> Result<Option<Case>, SearchError> {
    let mut small: Option<Case> = None;
    for subject in case.subjects() {
        let now = small.as_ref().unwrap_or(case);
        let Some(bytes) = now
            .module(&subject)
            .filter(|bytes| bytes.len() >= BYTES_MIN)
        else {
            continue;
        };
        let outline = Outline::new(bytes, case.config.features.wasmparser())?;
        let splits_start = subject.is_entered && case.entered() == Some(Entered::Start);
        let mut rewriter = Rewriter::new(&outline, splits_start)?;
        let names = rewriter.flag_entries()?;
        let (flagged, _) = rewriter.finish();
        let reads: Vec<Read> = names.into_iter().map(Read::Global).collect();
        let (commands, at) = now.probed(&subject, &flagged, 0, &reads);
        let seen = run_both(columns, &commands, at, case.config)?;
        let is_kept = |func: u32| {
            let at = (func - outline.imported_funcs) as usize;
            seen.iter()
                .any(|seen| word(seen, at / 64) >> (at % 64) & 1 != 0)
        };
        let stubbed = Rewriter::stubbed(&outline, is_kept);
        small = Some(now.with_module(&subject, stubbed));
    }
    Ok(small)
}

/// A word of the flags of functions that were entered.
fn word(seen: &Seen, at: usize) -> u64 {
    match seen.reads.get(at) {
        Some(Outcome::Values(values)) => match values.as_slice() {
            [Value::I64(word)] => *word,
            _ => 0,
        },
        _ => 0,
    }
}
