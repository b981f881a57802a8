//! The gate: instructions of compiled code, and those to compile it, against a committed baseline.
//! Counts are exact and the same on every machine, so that a limit of a hundredth means something;
//! seconds are not judged.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Done;
use crate::table::{Job, Results};

/// How much more than the baseline passes.
const CALL_TOLERANCE: f64 = 0.005;
/// Compiling uses hash tables and allocates: its counts move a little with unrelated changes.
const LOAD_TOLERANCE: f64 = 0.02;

/// The counts of a kernel or program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    /// In compiled code, in the call.
    call: u64,
    /// To compile and instantiate the module.
    load: u64,
}

/// By the names of rows.
type Baseline = BTreeMap<String, Counts>;

/// Holds the tables against a baseline, or writes it: false if something got worse or is missing.
///
/// # Errors
/// If the baseline cannot be read or written.
pub fn judge(tables: &[Results], baseline: &Path, bless: bool) -> Done<bool> {
    let counted = counts(tables)?;
    if bless {
        let text = serde_json::to_string_pretty(&counted)? + "\n";
        std::fs::write(baseline, text)?;
        println!("gate: {} rows written", counted.len());
        return Ok(true);
    }
    let text = std::fs::read_to_string(baseline)?;
    let before: Baseline = serde_json::from_str(&text)?;
    let (report, passes) = compare(&before, &counted);
    print!("{report}");
    Ok(passes)
}

/// The counts of all rows, of the one engine that the tables have.
fn counts(tables: &[Results]) -> Done<Baseline> {
    let mut counted = Baseline::new();
    for table in tables {
        for row in &table.rows {
            let figure = row.figures.values().next();
            let count = figure.and_then(crate::table::Figure::median);
            let count = count.ok_or_else(|| format!("{}: {figure:?}", row.name))? as u64;
            let counts = counted.entry(row.name.clone()).or_default();
            match table.job() {
                Job::Instructions => counts.call = count,
                Job::Compiling => counts.load = count,
                Job::Kernels | Job::Programs | Job::Whole | Job::Load => {}
            }
        }
    }
    Ok(counted)
}

fn compare(before: &Baseline, now: &Baseline) -> (String, bool) {
    let (mut report, mut failures, mut better) = (String::new(), 0, 0);
    for (name, old) in before {
        let Some(new) = now.get(name) else {
            failures += 1;
            let _ = writeln!(report, "gate: MISSING {name}");
            continue;
        };
        for (what, old, new, tolerance) in [
            ("in the call", old.call, new.call, CALL_TOLERANCE),
            ("to compile", old.load, new.load, LOAD_TOLERANCE),
        ] {
            let ratio = new as f64 / old as f64;
            let percent = (ratio - 1.0) * 100.0;
            if ratio > 1.0 + tolerance {
                failures += 1;
                let _ = writeln!(
                    report,
                    "gate: WORSE {name} {what}: {old} -> {new}, {percent:+.2}%"
                );
            } else if ratio < 1.0 - tolerance {
                better += 1;
                let _ = writeln!(
                    report,
                    "gate: better {name} {what}: {old} -> {new}, {percent:+.2}%"
                );
            }
        }
    }
    for name in now.keys().filter(|name| !before.contains_key(*name)) {
        failures += 1;
        let _ = writeln!(
            report,
            "gate: NOT IN THE BASELINE {name}: scripts/bench --gate --bless"
        );
    }
    let rows = before.len();
    let _ = writeln!(
        report,
        "gate: {rows} rows, {failures} worse or missing, {better} better"
    );
    (report, failures == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(call: u64, load: u64) -> Baseline {
        [("a".to_owned(), Counts { call, load })].into()
    }

    #[test]
    fn what_is_worse_or_missing_fails() {
        let before = of(1000, 1000);
        assert!(compare(&before, &of(1005, 1020)).1);
        assert!(compare(&before, &of(10, 10)).1);
        assert!(!compare(&before, &of(1006, 1000)).1);
        assert!(!compare(&before, &of(1000, 1021)).1);
        assert!(!compare(&before, &Baseline::new()).1);
        assert!(!compare(&Baseline::new(), &before).1);
    }
}
