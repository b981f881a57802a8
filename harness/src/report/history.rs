//! A history: a line of JSON for each run, in a file that only grows.
//!
//! A line has the counts of a report by engine and proposal, and what the run was of. A file with a
//! line that is not one is refused before anything runs, and nothing is added to it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::sound::{Unsound, check_counts};
use super::{Counts, Report};
use crate::engine::EngineName;
use crate::error::InputError;
use crate::input::read_text;

/// The schema's name.
pub const SCHEMA: &str = "wassay-history/1";

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRun {
    /// The schema's name and version.
    pub schema: String,
    /// When the run ended, as in 2026-01-31T12:00:00Z.
    pub date: String,
    /// Wassay's version.
    pub version: String,
    /// The suite.
    pub suite: String,
    /// The suite's revision.
    pub suite_revision: String,
    /// What of the suite was chosen; null when it is all of it.
    pub selection: Option<String>,
    /// Architecture and system of the host.
    pub host: String,
    /// Bounds, profile and modes, as options.
    pub setting: String,
    /// Directives found.
    pub directives: u64,
    /// Directives that failed the run.
    pub regressions: u64,
    /// The counts of each engine.
    pub engines: BTreeMap<EngineName, Counts>,
    /// Directives and counts of each proposal.
    pub proposals: BTreeMap<String, PastProposal>,
}

/// A proposal in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastProposal {
    /// Directives found.
    pub directives: u64,
    /// The counts of each engine.
    pub engines: BTreeMap<EngineName, Counts>,
}

impl PastRun {
    /// A run that ended at a time.
    pub fn new(report: &Report, ended: SystemTime) -> PastRun {
        let run = &report.run;
        let proposals = report.proposals.iter().map(|(name, account)| {
            let engines = account.counts.clone();
            let directives = account.directives;
            (
                name.clone(),
                PastProposal {
                    directives,
                    engines,
                },
            )
        });
        PastRun {
            schema: SCHEMA.to_string(),
            date: humantime::format_rfc3339_seconds(ended).to_string(),
            version: run.version.clone(),
            suite: run.suite.clone(),
            suite_revision: run.suite_revision.clone(),
            selection: run.selection.clone(),
            host: run.host.clone(),
            setting: run.settings().0,
            directives: report.accounting.directives,
            regressions: report.gate.regressions.len() as u64,
            engines: report
                .tiers
                .iter()
                .map(|(&name, tier)| (name, tier.counts))
                .collect(),
            proposals: proposals.collect(),
        }
    }

    /// Refuses counts that cannot be: only what was measured is in a history, so that each engine
    /// has a verdict for every directive.
    fn check(&self) -> Result<(), Unsound> {
        // First the parts: then no sum of them is too large.
        for (name, proposal) in &self.proposals {
            for (engine, counts) in &proposal.engines {
                check_counts(&format!("{name}: {engine}"), counts, proposal.directives)?;
            }
        }
        for (engine, counts) in &self.engines {
            check_counts(engine.name(), counts, self.directives)?;
            let of_proposals = self.proposals.values();
            let of_proposals = of_proposals.filter_map(|it| it.engines.get(engine));
            let mut sum = Counts::default();
            of_proposals.for_each(|counts| sum.add_all(counts));
            if sum != *counts {
                return Err(Unsound::Counts("the proposals".to_string(), *engine));
            }
        }
        Ok(())
    }

    /// The directives of all proposals or of one, and the passes of an engine among them.
    pub fn passes(&self, engine: EngineName, proposal: Option<&str>) -> Option<(u64, u64)> {
        let (directives, engines) = match proposal {
            None => (self.directives, &self.engines),
            Some(name) => {
                let proposal = self.proposals.get(name)?;
                (proposal.directives, &proposal.engines)
            }
        };
        let counts = engines.get(&engine)?;
        Some((counts.pass + counts.xpass, directives))
    }
}

/// Reads a history, the oldest run first.
///
/// # Errors
/// If the file cannot be read or a line is not a run; the error names the line.
pub fn read(path: &Path) -> Result<Vec<PastRun>, InputError> {
    let text = read_text(path)?;
    let run = |(index, line): (usize, &str)| {
        let wrong = |reason: String| {
            InputError::at_line(path, index + 1, format!("not a run of a history: {reason}"))
        };
        let run: PastRun = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        if run.schema != SCHEMA {
            return Err(wrong(format!("its schema is `{}`", run.schema)));
        }
        run.check().map_err(|error| wrong(error.to_string()))?;
        Ok(run)
    };
    if !text.is_empty() && !text.ends_with('\n') {
        let lines = text.lines().count();
        return Err(InputError::at_line(
            path,
            lines,
            "the last line of the history is cut off",
        ));
    }
    text.lines().enumerate().map(run).collect()
}

/// A history that a run will be added to.
#[derive(Debug)]
pub struct History {
    path: std::path::PathBuf,
    file: File,
    earlier: Vec<PastRun>,
}

impl History {
    /// Opens a history, which need not exist yet.
    ///
    /// # Errors
    /// If the file is not a history, or cannot be written.
    pub fn open(path: &Path) -> Result<History, InputError> {
        let earlier = match path.exists() {
            true => read(path)?,
            false => Vec::new(),
        };
        let file = File::options().append(true).create(true).open(path);
        let file = file.map_err(|error| InputError::at(path, format!("not written: {error}")))?;
        let path = path.to_path_buf();
        Ok(History {
            path,
            file,
            earlier,
        })
    }

    /// The runs so far, the oldest first.
    pub fn earlier(&self) -> &[PastRun] {
        &self.earlier
    }

    /// Adds a run, as a whole or not at all: a line that does not fit is taken back, so that the
    /// history stays one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn append(mut self, run: &PastRun) -> Result<(), InputError> {
        let failed = |reason: String| InputError::at(&self.path, format!("not written: {reason}"));
        let line = serde_json::to_string(run).map_err(|error| failed(error.to_string()))?;
        let file = &mut self.file;
        let add = || {
            file.lock()?;
            let length = file.metadata()?.len();
            let written = file.write_all((line + "\n").as_bytes());
            written.and_then(|()| file.sync_all()).or_else(|error| {
                file.set_len(length)?;
                Err(error)
            })
        };
        add().map_err(|error| failed(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::verdict::Status::{Fail, Pass};
    use crate::report::samples::{file, report};

    #[test]
    fn runs_are_added_and_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("h.ndjson");
        let a = file(
            "a.wast",
            &["(a)", "(b)"],
            &[(EngineName::STACK, &[Pass, Fail])],
        );
        let report = report(&[EngineName::STACK], &[a]);
        let run = PastRun::new(&report, SystemTime::UNIX_EPOCH);
        assert_eq!(run.date, "1970-01-01T00:00:00Z");
        for count in 1..3 {
            History::open(&path)
                .expect("opens")
                .append(&run)
                .expect("written");
            assert_eq!(read(&path).expect("reads"), vec![run.clone(); count]);
        }
        assert_eq!(run.passes(EngineName::STACK, None), Some((1, 2)));
        assert_eq!(run.passes(EngineName::STACK, Some("mvp")), Some((1, 2)));
        assert_eq!(run.passes(EngineName::STACK, Some("gc")), None);
        assert_eq!(run.passes(EngineName::JIT, None), None);
    }

    #[test]
    fn what_is_not_a_history_is_refused_and_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("h.ndjson");
        let good = PastRun::new(&report(&[EngineName::STACK], &[]), SystemTime::UNIX_EPOCH);
        let good = serde_json::to_string(&good).expect("serialises") + "\n";
        let other = good.replace("history/1", "history/9");
        let cut = &good[..good.len() / 2];
        for (text, line) in [
            (format!("{good}x\n"), 2),
            (format!("{good}{other}"), 2),
            (format!("{good}{cut}"), 2),
            ("\n".to_string(), 1),
        ] {
            std::fs::write(&path, &text).expect("written");
            let error = History::open(&path).expect_err("refused");
            assert_eq!(error.line, Some(line), "{error}");
            assert_eq!(std::fs::read_to_string(&path).expect("reads"), text);
        }
    }
}
