//! The provenance of a run over a suite: the files that it reads, and the suite's revision.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use super::Request;
use crate::command::provenance::{Origin, hex, input, upstream};
use crate::error::InputError;
use crate::report::Report;
use crate::report::provenance::{InputAccount, InputRole, Provenance};

impl Request<'_> {
    /// The files besides the suite that the run reads.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub(super) fn inputs(&self) -> Result<Vec<InputAccount>, InputError> {
        let args = self.args;
        let expectations = args.expectations();
        let mut inputs = vec![InputAccount {
            role: InputRole::Expectations,
            path: expectations.name(),
            sha256: hex(expectations.text()?.as_bytes()),
        }];
        let tables = &self.options.table;
        let rows = self.options.tiers.iter();
        let rows = rows.filter_map(|name| tables.get(name.engine())?.expectations.as_deref());
        let config = args.from.defined.as_ref().map(|(path, _)| path.as_path());
        let preloads = args.selection.preload.iter().map(|it| it.path.as_path());
        let rerun = args.schedule.rerun.and(self.rerun_from.as_deref());
        let files = (rows.map(|path| (InputRole::Expectations, path)))
            .chain(config.map(|path| (InputRole::Configuration, path)))
            .chain(
                tables
                    .files()
                    .iter()
                    .map(|path| (InputRole::EngineTable, path.as_path())),
            )
            .chain(preloads.map(|path| (InputRole::Preload, path)))
            .chain(
                args.baseline
                    .as_deref()
                    .map(|path| (InputRole::Baseline, path)),
            )
            .chain(rerun.map(|path| (InputRole::Rerun, path)));
        let files: BTreeSet<(InputRole, &Path)> = files.collect();
        for (role, path) in files {
            inputs.push(input(role, path)?);
        }
        Ok(inputs)
    }

    /// The provenance of a report of a run that began at a time.
    pub(super) fn provenance(&self, began: SystemTime, report: &Report) -> Provenance {
        let origin = Origin {
            began,
            given: &self.args.from.given,
            inputs: self.inputs.clone(),
            table: &self.options.table,
            program: &self.options.program,
        };
        Provenance {
            upstream: upstream(report),
            ..origin.provenance(report)
        }
    }
}
