//! A baseline: an earlier report whose failures do not fail a run any more.
//!
//! A baseline excuses nothing that it did not measure. One that is not whole, or is of another
//! suite, of other engines or of other settings, is refused before anything runs. A failure is
//! excused in an engine if the same directive ended there as badly or worse, and a divergence if
//! engines diverged.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DirectiveAccount, Regression, Report, Run};
use crate::engine::EngineName;
use crate::error::InputError;
use crate::judge::verdict::{Agreement, Status};

/// The account of a baseline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineAccount {
    /// The file of the baseline.
    pub file: String,
    /// The failures that it excuses.
    pub excused: u64,
}

/// A baseline that was read.
#[derive(Clone, Debug)]
pub struct Baseline {
    path: PathBuf,
    report: Report,
}

/// What is about to run, as far as a baseline must have it.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The revision of the suite.
    pub revision: &'a str,
    /// The columns.
    pub tiers: &'a [EngineName],
    /// The paths of the files.
    pub files: BTreeSet<&'a str>,
    /// Bounds, profile and modes as options, and the configurations of columns.
    pub settings: (String, BTreeMap<String, String>),
}

impl Run {
    /// Bounds, profile and modes as options, and the configurations of columns.
    pub fn settings(&self) -> (String, BTreeMap<String, String>) {
        let setting = crate::protocol::Setting {
            bounds: self.bounds,
            profile: self.profile,
            modes: self.modes,
        };
        (setting.to_string(), self.configurations.clone())
    }
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// If it is missing, corrupt or not a whole report.
    pub fn read(path: &Path) -> Result<Baseline, InputError> {
        let report = Report::read(path)?;
        let why = if report.run.interrupted {
            Some("its run was interrupted")
        } else if report.run.part.is_some() {
            Some("it is one of several parts: put them together by `wassay merge`")
        } else if !report.is_measured() {
            Some("it was not measured: an engine was unavailable, or directives have no verdict")
        } else {
            None
        };
        match why {
            Some(why) => Err(InputError::at(path, format!("not a baseline: {why}"))),
            None => Ok(Baseline {
                path: path.to_path_buf(),
                report,
            }),
        }
    }

    /// Refuses a baseline that says nothing about what is about to run.
    ///
    /// # Errors
    /// If it is of another suite, of other settings, or lacks an engine or a file.
    pub fn check(&self, asked: &Asked<'_>) -> Result<(), InputError> {
        let run = &self.report.run;
        let foreign = |why: String| {
            let message = format!("the baseline is of another run: {why}; write it anew");
            Err(InputError::at(&self.path, message))
        };
        if run.suite_revision != asked.revision {
            let (was, is) = (&run.suite_revision, asked.revision);
            return foreign(format!("its suite is {was}, this one is {is}"));
        }
        if run.settings().0 != asked.settings.0 {
            let (was, is) = (run.settings().0, &asked.settings.0);
            return foreign(format!("its options were `{was}`, these are `{is}`"));
        }
        for (name, words) in &asked.settings.1 {
            if run.configurations.get(name) != Some(words) {
                return foreign(format!("its configuration `{name}` is another one"));
            }
        }
        if let Some(tier) = asked
            .tiers
            .iter()
            .find(|it| !self.report.tiers.contains_key(it))
        {
            return foreign(format!("it has no {tier}"));
        }
        let known: BTreeSet<&str> = self
            .report
            .files
            .iter()
            .map(|it| it.path.as_str())
            .collect();
        match asked.files.iter().find(|path| !known.contains(*path)) {
            Some(path) => foreign(format!("it has no {path}")),
            None => Ok(()),
        }
    }

    /// Takes away what fails a run and failed the baseline.
    pub fn excuse(&self, report: &mut Report) {
        let listed = |report: &Report| -> HashMap<String, DirectiveAccount> {
            let directives = report.directives.iter();
            directives.map(|it| (it.id.clone(), it.clone())).collect()
        };
        let (before, after) = (listed(&self.report), listed(report));
        let is_known = |regression: &Regression| {
            let [before, after] = [&before, &after].map(|all| all.get(&regression.id));
            let (Some(before), Some(after)) = (before, after) else {
                return false;
            };
            match regression.tier {
                None => {
                    regression.what == Agreement::Diverge.name()
                        && before.agreement == Agreement::Diverge
                }
                Some(tier) => {
                    let [was, is] = [before, after].map(|it| severity_in(it, tier));
                    was.zip(is).is_some_and(|(was, is)| was >= is)
                }
            }
        };
        let all = report.gate.regressions.len();
        report.gate.regressions.retain(|it| !is_known(it));
        report.gate.baseline = Some(BaselineAccount {
            file: self.path.to_string_lossy().into_owned(),
            excused: (all - report.gate.regressions.len()) as u64,
        });
    }
}

/// How bad the ending of a directive is in an engine; `None` if it does not fail there.
fn severity_in(directive: &DirectiveAccount, tier: EngineName) -> Option<u8> {
    match directive.tiers.get(&tier)?.status {
        Status::Crash => Some(3),
        Status::Timeout => Some(2),
        Status::Fail => Some(1),
        Status::Xpass => Some(0),
        Status::Pass
        | Status::Xfail
        | Status::Skip
        | Status::NotRun
        | Status::Blocked
        | Status::Compared => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::verdict::Status::{Crash, Fail, NotRun, Pass, Skip, Xfail};
    use crate::report::samples::{file, report};

    const TEXTS: [&str; 4] = ["(a)", "(b)", "(c)", "(d)"];

    fn of(statuses: [Status; 4]) -> Report {
        let a = file("a.wast", &TEXTS, &[(EngineName::STACK, &statuses)]);
        report(&[EngineName::STACK], &[a])
    }

    fn written(report: &Report) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("base.json");
        let text = serde_json::to_string(report).expect("serialises");
        std::fs::write(&path, text).expect("written");
        (folder, path)
    }

    fn baseline(report: &Report) -> Result<Baseline, InputError> {
        Baseline::read(&written(report).1)
    }

    #[test]
    fn what_failed_before_as_badly_is_excused_and_nothing_else() {
        let base = of([Fail, Crash, Xfail, Skip]);
        let (_folder, path) = written(&base);
        let base = Baseline::read(&path).expect("a baseline");
        let left = |statuses| {
            let mut new = of(statuses);
            base.excuse(&mut new);
            let excused = new.gate.baseline.expect("an account").excused;
            let left = new.gate.regressions.iter();
            (
                excused,
                left.map(|it| it.id[7..8].to_string()).collect::<String>(),
            )
        };
        assert_eq!(left([Fail, Fail, Pass, Pass]), (2, String::new()));
        assert_eq!(left([Crash, Crash, Pass, Pass]), (1, "0".to_string()));
        assert_eq!(left([Pass, Pass, Fail, Fail]), (0, "23".to_string()));
        assert_eq!(left([NotRun, Pass, Pass, Pass]), (0, "0".to_string()));
    }

    #[test]
    fn what_is_missing_partial_corrupt_or_foreign_is_refused() {
        assert!(Baseline::read(Path::new("no-such.json")).is_err());
        let whole = of([Pass; 4]);
        let text = serde_json::to_string(&whole).expect("serialises");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("base.json");
        for cut in (0..text.len()).step_by(97) {
            std::fs::write(&path, &text[..cut]).expect("written");
            assert!(Baseline::read(&path).is_err(), "cut at {cut}");
        }
        let changes: [fn(&mut Report); 4] = [
            |it| it.run.interrupted = true,
            |it| it.accounting.closed = false,
            |it| it.files[0].counts.values_mut().for_each(|it| it.fail = 7),
            |it| it.tiers.values_mut().for_each(|it| it.available = false),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut report = whole.clone();
            change(&mut report);
            assert!(baseline(&report).is_err(), "{index}");
        }

        let (_folder, path) = written(&whole);
        let base = Baseline::read(&path).expect("a baseline");
        let asked = Asked {
            revision: &whole.run.suite_revision,
            tiers: &[EngineName::STACK],
            files: BTreeSet::from(["a.wast"]),
            settings: whole.run.settings(),
        };
        assert_eq!(base.check(&asked), Ok(()));
        let fuel = BTreeMap::from([("x".to_string(), "--fuel".to_string())]);
        for (asked, part) in [
            (
                Asked {
                    revision: "xxh3:1",
                    ..asked.clone()
                },
                "its suite is",
            ),
            (
                Asked {
                    tiers: &[EngineName::JIT],
                    ..asked.clone()
                },
                "it has no jit",
            ),
            (
                Asked {
                    files: BTreeSet::from(["b.wast"]),
                    ..asked.clone()
                },
                "it has no b.wast",
            ),
            (
                Asked {
                    settings: ("--fuel".to_string(), fuel.clone()),
                    ..asked.clone()
                },
                "`--fuel`",
            ),
            (
                Asked {
                    settings: (String::new(), fuel),
                    ..asked.clone()
                },
                "configuration `x`",
            ),
        ] {
            let error = base.check(&asked).expect_err("foreign").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
