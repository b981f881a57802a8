//! An engine in a configuration: a launcher whose sessions change how every job runs.

use std::time::Duration;

use super::{Death, Launcher, Session, StartError};
use crate::protocol::{Job, JobResult, Setting};

/// A launcher, with what its sessions add to the setting of a job.
pub struct Configured {
    /// The launcher of the engine.
    pub launcher: Box<dyn Launcher>,
    /// The configuration.
    pub added: Setting,
}

struct ConfiguredSession {
    session: Box<dyn Session>,
    added: Setting,
}

impl Launcher for Configured {
    fn start(&self) -> Result<Box<dyn Session>, StartError> {
        let session = self.launcher.start()?;
        let added = self.added;
        Ok(Box::new(ConfiguredSession { session, added }))
    }

    fn declines(&self, proposal: &str) -> Option<String> {
        self.launcher.declines(proposal)
    }

    fn can_interrupt(&self) -> bool {
        self.launcher.can_interrupt()
    }
}

impl Session for ConfiguredSession {
    fn run(&mut self, mut job: Job<'_>, timeout: Duration) -> Result<JobResult, Death> {
        job.config = job.config.with(self.added);
        self.session.run(job, timeout)
    }

    fn is_worn(&self) -> bool {
        self.session.is_worn()
    }
}
