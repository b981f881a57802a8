//! A run of the program with one fault active: started, bounded in time, and what its report says.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The time that a program has to end after it was interrupted.
const GRACE: Duration = Duration::from_secs(3);

/// What a run shows of the fault.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All was as it should be.
    Clean,
    /// It was caught.
    Caught {
        /// The most telling of its signs.
        sign: Sign,
        /// The columns that the report blames.
        named: BTreeSet<String>,
    },
}

impl Verdict {
    /// Caught by a sign that names no tier.
    pub fn caught(sign: Sign) -> Self {
        let named = BTreeSet::new();
        Self::Caught { sign, named }
    }
}

/// The sign by which a fault was caught.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// A directive with another result than the literal one.
    Fail,
    /// Columns that differ.
    Diverge,
    /// A worker that died.
    Crash,
    /// A directive that did not end.
    Timeout,
    /// A run that did not end, or ended without a report.
    Lost,
    /// A test of the runtime that fails.
    Test,
}

impl Sign {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Diverge => "diverge",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Lost => "no report",
            Self::Test => "test",
        }
    }
}

/// The fault of a process, or the notes of what it reaches.
#[derive(Clone, Copy)]
pub enum Mutant<'a> {
    /// No fault.
    None,
    /// The fault of that number, in workers.
    Active(u32),
    /// The fault of that number, in every process.
    Everywhere(u32),
    /// All places that are evaluated are noted in this file.
    Coverage(&'a Path),
}

/// A run of `wassay`.
pub struct Run<'a> {
    /// The program.
    pub program: &'a Path,
    /// The folder in which it runs.
    pub folder: &'a Path,
    /// The words of the command.
    pub words: Vec<String>,
    /// The file of its report.
    pub report: PathBuf,
    /// The fault.
    pub mutant: Mutant<'a>,
    /// The time that it has.
    pub seconds: u64,
}

impl Run<'_> {
    /// Runs it. The report is that of the program, if it made one in time.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn run(&self) -> Result<Ended, String> {
        let _ = fs::remove_file(&self.report);
        let mut command = Command::new(self.program);
        command
            .args(&self.words)
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        match self.mutant {
            Mutant::None => (),
            Mutant::Active(number) => {
                command.env("WASSAY_MUTANT", number.to_string());
            }
            Mutant::Everywhere(number) => {
                command
                    .env("WASSAY_MUTANT", number.to_string())
                    .env("WASSAY_MUTANT_EVERYWHERE", "1");
            }
            Mutant::Coverage(file) => {
                command
                    .env("WASSAY_MUTANT", "coverage")
                    .env("WASSAY_MUTANT_COVERAGE", file);
            }
        }
        let mut child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", self.program.display()))?;
        let code = wait(&mut child, Duration::from_secs(self.seconds));
        let report = fs::read_to_string(&self.report).ok();
        let report = report.and_then(|text| serde_json::from_str(&text).ok());
        Ok(Ended { code, report })
    }
}

/// The exit code, if the program ends in time by itself. It is interrupted, then killed, otherwise.
fn wait(child: &mut Child, time: Duration) -> Option<i32> {
    let started = Instant::now();
    let mut is_interrupted = false;
    loop {
        match child.try_wait() {
            Ok(None) => (),
            Ok(Some(status)) if !is_interrupted => return status.code(),
            Ok(Some(_)) | Err(_) => return None,
        }
        if started.elapsed() > time + GRACE {
            signal(child, libc::SIGKILL);
            let _ = child.wait();
            return None;
        }
        if started.elapsed() > time && !is_interrupted {
            signal(child, libc::SIGINT);
            is_interrupted = true;
        }
        sleep(Duration::from_millis(10));
    }
}

/// Sends a signal to all processes of a child's group.
fn signal(child: &Child, signal: libc::c_int) {
    let group = child.id() as libc::pid_t;
    // SAFETY: a system call; the child has not been waited for, so the group is its own.
    unsafe { libc::kill(-group, signal) };
}

/// The end of a run.
pub struct Ended {
    /// The exit code, if it ended by itself.
    pub code: Option<i32>,
    /// The report, if there is a whole one.
    pub report: Option<Value>,
}

impl Ended {
    /// True if time is a part of what speaks against it: on a busy machine that may be no fault.
    pub fn is_slow(&self) -> bool {
        match self.signs() {
            Some((signs, _)) => signs.is_empty() || signs.contains(&Sign::Timeout),
            None => false,
        }
    }

    /// What a run of `wassay spec` or `wassay fuzz` shows.
    pub fn verdict(&self) -> Verdict {
        match self.signs() {
            None => Verdict::Clean,
            Some((signs, named)) => {
                let sign = signs.first().copied().unwrap_or(Sign::Lost);
                Verdict::Caught { sign, named }
            }
        }
    }

    /// The signs of a fault and the columns that are blamed; `None` if all is as it should be.
    fn signs(&self) -> Option<(BTreeSet<Sign>, BTreeSet<String>)> {
        if self.code == Some(0) {
            return None;
        }
        let mut signs = BTreeSet::new();
        let mut named = BTreeSet::new();
        if let Some(report) = &self.report {
            count(report, &mut signs, &mut named);
        }
        Some((signs, named))
    }
}

/// The signs in a report, and the columns that it blames.
fn count(report: &Value, signs: &mut BTreeSet<Sign>, named: &mut BTreeSet<String>) {
    let columns = report["tiers"].as_object().into_iter().flatten();
    for (column, account) in columns {
        let of = |verdict: &str| account["counts"][verdict].as_u64().unwrap_or(0) > 0;
        let found = [
            ("fail", Sign::Fail),
            ("crash", Sign::Crash),
            ("timeout", Sign::Timeout),
        ];
        for (_, sign) in found.iter().filter(|(verdict, _)| of(verdict)) {
            signs.insert(*sign);
            named.insert(column.clone());
        }
    }
    if report["agreement"]["diverge"].as_u64().unwrap_or(0) > 0 {
        signs.insert(Sign::Diverge);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_names_the_columns_that_did_not_pass() {
        let passed = json!({"counts": {"pass": 3, "fail": 0, "crash": 0, "timeout": 0}});
        let failed = json!({"counts": {"pass": 1, "fail": 1, "crash": 1, "timeout": 0}});
        let report = json!({
            "tiers": {"stack": passed, "jit": failed},
            "agreement": {"diverge": 1},
        });
        let ended = Ended {
            code: Some(1),
            report: Some(report),
        };
        let named = BTreeSet::from(["jit".to_owned()]);
        let caught = Verdict::Caught {
            sign: Sign::Fail,
            named,
        };
        assert_eq!(ended.verdict(), caught);
        assert_eq!(
            Ended {
                code: Some(0),
                report: None
            }
            .verdict(),
            Verdict::Clean
        );
        let lost = Ended {
            code: None,
            report: None,
        }
        .verdict();
        assert_eq!(
            lost,
            Verdict::Caught {
                sign: Sign::Lost,
                named: BTreeSet::new()
            }
        );
    }

    #[test]
    fn a_run_that_does_not_end_is_ended() {
        let run = Run {
            program: Path::new("sleep"),
            folder: Path::new("/"),
            words: vec!["60".to_owned()],
            report: PathBuf::from("/nonexistent/report"),
            mutant: Mutant::Active(1),
            seconds: 0,
        };
        let ended = run.run().expect("starts");
        assert_eq!(ended.code, None);
    }
}
