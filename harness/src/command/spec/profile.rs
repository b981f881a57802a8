//! `wassay spec --profile`: where the account of a suite's instructions and times is written.

use std::time::Duration;

use crate::cli::{ProfileForm, SpecArgs};
use crate::command::profile::{open, suite::SuiteAccount};
use crate::command::stdout::print;
use crate::error::InputError;
use crate::measure::Options;
use crate::plan::Planned;
use crate::present::destination::Destination;
use crate::present::timeline::Timeline;
use crate::report::Report;

/// The places to which an account goes.
pub(super) struct Outputs {
    files: Vec<(ProfileForm, Destination)>,
    top: usize,
    interval: Duration,
}

impl Outputs {
    /// Finds what can be wrong with them before anything runs.
    ///
    /// # Errors
    /// If one cannot be written, or its form is not one of a suite.
    pub(super) fn open(args: &SpecArgs) -> Result<Outputs, InputError> {
        let output = &args.profile_output;
        let is_of_suite = |form| matches!(form, ProfileForm::Text | ProfileForm::Json);
        if let Some(wrong) = output.write.iter().find(|it| !is_of_suite(it.form)) {
            let form = wrong.form.name();
            let message = format!("the profile of a suite has the forms text and json, not {form}");
            return Err(InputError::usage(message));
        }
        Ok(Outputs {
            files: open(output)?,
            top: output.top(),
            interval: output.interval(),
        })
    }

    /// Counts what the files of a run execute, and writes it; without a file, to stdout.
    ///
    /// # Errors
    /// If a script cannot be run here, or an output cannot be written.
    pub(super) fn write(
        self,
        options: &Options,
        planned: &[Planned],
        report: &Report,
        timeline: &Timeline,
    ) -> Result<(), InputError> {
        let account = SuiteAccount::measure(options, planned, report, timeline, self.interval)
            .map_err(|error| InputError::usage(format!("a profile cannot be made: {error}")))?;
        let text = account.text(self.top);
        if self.files.is_empty() {
            print(&format!("\n{text}"))?;
        }
        for (form, destination) in self.files {
            let content = match form {
                ProfileForm::Json => serde_json::to_string_pretty(&account)
                    .map(|text| text + "\n")
                    .map_err(|error| InputError::usage(format!("no JSON of a profile: {error}")))?,
                ProfileForm::Text | ProfileForm::Folded | ProfileForm::Firefox => text.clone(),
            };
            destination.write(content.as_bytes())?;
        }
        Ok(())
    }
}
