//! `wassay history`: the passes of engines over the runs of a history.

use super::stdout::print;
use crate::cli::HistoryArgs;
use crate::engine::EngineName;
use crate::error::{Exit, InputError};
use crate::present::gate::REPORT_ONLY;
use crate::present::grid::Grid;
use crate::report::history::{PastRun, read};

/// Answers `wassay history`.
///
/// # Errors
/// If the history cannot be read.
pub fn command(args: &HistoryArgs) -> Result<Exit, InputError> {
    let runs = read(&args.file)?;
    let is_shown = |run: &&PastRun| {
        let proposal = args.proposal.as_ref();
        proposal.is_none_or(|name| run.proposals.contains_key(name))
    };
    let runs: Vec<&PastRun> = runs.iter().filter(is_shown).collect();
    let first = runs.len().saturating_sub(args.last.unwrap_or(usize::MAX));
    let runs = &runs[first..];
    let names = runs.iter().flat_map(|run| run.engines.keys().copied());
    let mut engines: Vec<EngineName> = names.collect();
    engines.sort();
    engines.dedup();
    engines.retain(|name| args.engine.is_empty() || args.engine.contains(name));
    let text = table(runs, &engines, args.proposal.as_deref());
    print(&text)?;
    match runs.is_empty() || engines.is_empty() {
        true => Ok(Exit::NotMeasured),
        false => Ok(Exit::AsExpected),
    }
}

/// A row for each run, with the change of each engine's passes since the row before.
fn table(runs: &[&PastRun], engines: &[EngineName], proposal: Option<&str>) -> String {
    let mut grid = Grid::new(3);
    let mut head = ["date", "suite", "revision"].map(str::to_string).to_vec();
    head.push("directives".to_string());
    head.extend(engines.iter().map(|name| name.name().to_string()));
    grid.row(head);
    for (index, run) in runs.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| runs.get(index));
        let directives = match proposal {
            None => run.directives,
            Some(name) => run.proposals.get(name).map_or(0, |it| it.directives),
        };
        let revision = run.suite_revision.rsplit(':').next().unwrap_or_default();
        let mut row = vec![run.date.clone(), run.suite.clone(), revision.to_string()];
        row.push(directives.to_string());
        row.extend(
            engines
                .iter()
                .map(|&name| cell(run, before.copied(), name, proposal)),
        );
        grid.row(row);
    }
    let count = runs.len();
    format!("{grid}{REPORT_ONLY}: {count} runs; a history fails nothing\n")
}

fn cell(
    run: &PastRun,
    before: Option<&PastRun>,
    engine: EngineName,
    proposal: Option<&str>,
) -> String {
    let Some((passes, _)) = run.passes(engine, proposal) else {
        return "-".to_string();
    };
    let earlier = before.and_then(|run| run.passes(engine, proposal));
    match earlier.map(|(earlier, _)| passes as i64 - earlier as i64) {
        None | Some(0) => passes.to_string(),
        Some(change) => format!("{passes} ({change:+})"),
    }
}
