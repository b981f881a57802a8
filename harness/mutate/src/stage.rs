//! The stages through which a fault goes until it is caught: the suites, their modes, operand
//! shapes, generated programs, the runtime's own tests, and these in an emulator.

use std::fmt::{self, Display, Formatter};
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::area::TIERED;
use crate::coverage::{File, Reached, scratch};
use crate::process::{Mutant, Run, Sign, Verdict};
use crate::tree::Tree;

/// The name of the embedded suite.
const EMBEDDED: &str = "embedded";

/// The most time that a directive has. Those of the suites take far less.
const DIRECTIVE_TIME: &str = "10s";

/// The most files of the first try, which catches most faults.
const FIRST_FILES: usize = 6;

/// The most files for a mode, taken evenly from those that reach the fault.
const MODE_FILES: usize = 24;

/// The most files whose operand shapes run, taken evenly as well.
const SHAPES_FILES: usize = 12;

/// The bounds of a stage in seconds, from far above what it takes without a fault.
const FIRST_SECONDS: u64 = 30;
const SUITE_SECONDS: u64 = 120;
const SHAPES_SECONDS: u64 = 120;
const TESTS_SECONDS: u64 = 240;
const EMULATED_SECONDS: u64 = 900;

/// The time to build the runtime's tests.
const BUILD_SECONDS: u64 = 1800;

/// Files of the runtime's tests that say which results are right.
const TESTS: &[&str] = &[
    "api",
    "backtrace",
    "exceptions",
    "extremes",
    "faults",
    "gc",
    "lazy",
    "limits",
    "misuse",
    "objects",
    "returned",
    "threads",
];

/// Tests of the library that do not: they count steps of the compiler, or compare texts of its
/// stages. Another text is not a wrong result.
const NOT_OF_RESULTS: &[&str] = &[
    "count::",
    "ir::",
    "meter::",
    "rules::",
    "scaling::",
    "second_target::",
    "suite::",
];

/// The tests that run compiled code, as ARM64 programs in an emulator: its arguments select those
/// of the library. Where the host executes ARM64 code, there is no such stage.
const EMULATED: &str = r#"
    . scripts/lib.sh
    ! host_is_arm64 && load_cross || exit 1
    emulated() { cross_cargo test --release --locked --package wassay-runtime "$@"; }
    emulated --lib -- jit:: tier:: "$@" &&
        emulated "${emulated_of_runtime[@]}" -- "${slow_in_emulator[@]}"
"#;

/// The exit code of the program for words that it does not take.
const BAD_USAGE: i32 = 2;

/// The factor by which a run may take longer that is repeated, and the time of a directive in it.
const SLOWER: u64 = 4;
const PATIENT_TIME: &str = "60s";

/// A set of scripts.
#[derive(Clone, Debug)]
pub enum Suite {
    /// The one that the program carries.
    Embedded,
    /// A folder.
    Folder(String),
}

impl Suite {
    /// The suite of a name.
    pub fn named(name: &str) -> Self {
        if name == EMBEDDED {
            Self::Embedded
        } else {
            Self::Folder(name.to_owned())
        }
    }

    /// Its name: that of the folder, or of the embedded one.
    pub fn name(&self) -> &str {
        match self {
            Self::Embedded => EMBEDDED,
            Self::Folder(folder) => folder,
        }
    }

    /// True if a build always has the same files of it.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Embedded)
    }

    /// `spec` over some files of the suite, or over all where there are none.
    pub fn words(&self, tree: &Tree, files: &[&str]) -> Vec<String> {
        let mut words = vec!["spec".to_owned()];
        if let Self::Folder(folder) = self {
            words.push(tree.of_project(folder));
        }
        for file in files {
            words.extend(["--filter".to_owned(), (*file).to_owned()]);
        }
        if !files.is_empty() {
            words.push("--exact".to_owned());
        }
        words.extend(["--jobs", "1", "--timeout", DIRECTIVE_TIME].map(str::to_owned));
        words
    }

    /// The paths of the suite's files. All of them pass where no fault is active.
    ///
    /// # Errors
    /// If they do not.
    pub fn files(&self, tree: &Tree) -> Result<Vec<String>, String> {
        let report = scratch(tree, 0, "json");
        let mut words = self.words(tree, &[]);
        words.extend(["--report".to_owned(), format!("json={}", report.display())]);
        let run = Run {
            program: &tree.program(),
            folder: tree.folder(),
            words,
            report,
            mutant: Mutant::None,
            seconds: 600,
        };
        let ended = run.run()?;
        if ended.code != Some(0) {
            return Err(format!(
                "{self:?} does not pass without a fault: {:?}",
                ended.code
            ));
        }
        let files = ended.report.ok_or("no report")?;
        let files = files["files"].as_array().into_iter().flatten();
        let path = |file: &serde_json::Value| file["path"].as_str().map(str::to_owned);
        Ok(files.filter_map(path).collect())
    }
}

/// A stage.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(clap::ValueEnum)]
pub enum Stage {
    /// The suites as they are.
    Suite,
    /// The suites in modes that show more.
    Modes,
    /// Operand shapes.
    Shapes,
    /// Generated programs.
    Fuzz,
    /// The runtime's own tests, for what only a program that embeds it can reach.
    Tests,
    /// Those of compiled code, in an emulator.
    Emulated,
}

impl Stage {
    /// The stages in their order.
    pub const ALL: [Stage; 6] = [
        Stage::Suite,
        Stage::Modes,
        Stage::Shapes,
        Stage::Fuzz,
        Stage::Tests,
        Stage::Emulated,
    ];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Suite => "suite",
            Self::Modes => "modes",
            Self::Shapes => "shapes",
            Self::Fuzz => "fuzz",
            Self::Tests => "tests",
            Self::Emulated => "emulated",
        }
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where tests of the runtime run.
#[derive(Clone, Copy)]
enum TestHost {
    Here,
    Emulator,
}

/// The mode of tiers mixed, which is one of columns.
pub const MIXED: &str = "mixed";

/// The modes of the suites, by name.
pub fn modes() -> &'static [(&'static str, &'static [&'static str])] {
    &[
        ("explicit", &["--bounds", "explicit"]),
        ("gc-stress", &["--gc-stress"]),
        ("native", &["--float-profile", "native"]),
        ("fuel", &["--fuel"]),
        ("poison", &["--poison-registers"]),
        ("interruptible", &["--interruptible"]),
        ("linear", &["--linear-allocation"]),
        ("exclusive", &["--exclusive-atomics"]),
        ("lazy", &["--lazy"]),
        ("background", &["--background"]),
    ]
}

/// The end of a stage for a fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StageResult {
    /// The stage.
    pub stage: Stage,
    /// True if anything of it could reach the fault.
    pub is_reached: bool,
    /// What it showed.
    pub verdict: Verdict,
    /// The time it took.
    pub seconds: f64,
}

/// What the stages need.
pub struct Bench<'a> {
    /// The copy.
    pub tree: &'a Tree,
    /// The suites.
    pub suites: &'a [Suite],
    /// The words of `wassay fuzz` that bound it.
    pub fuzz: &'a [String],
    /// The time that generated programs have.
    pub fuzz_seconds: u64,
}

/// A fault in its stages.
pub struct Subject<'a> {
    /// Its number in the copy.
    pub number: u32,
    /// The columns that run.
    pub columns: &'static [&'static str],
    /// What reaches it.
    pub reached: &'a Reached,
    /// The files that have run as they are, and did not catch it.
    pub clean: &'a [File],
    /// The thread that asks.
    pub job: usize,
}

impl<'a> Subject<'a> {
    /// The fault in tiers mixed.
    fn tiered(&self) -> Subject<'a> {
        let columns = TIERED;
        Subject {
            columns,
            clean: &[],
            ..*self
        }
    }
}

/// At most so many of the files, evenly from all of them.
fn evenly(files: &[File], most: usize) -> Vec<File> {
    let step = files.len().div_ceil(most).max(1);
    files.iter().step_by(step).cloned().collect()
}

impl Bench<'_> {
    /// True if the program has the stage.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn has(&self, stage: Stage) -> Result<bool, String> {
        let command = match stage {
            Stage::Suite | Stage::Modes | Stage::Shapes => "spec",
            Stage::Fuzz => "fuzz",
            Stage::Tests => return self.tests_pass(TestHost::Here),
            Stage::Emulated => return self.tests_pass(TestHost::Emulator),
        };
        let run = Run {
            program: &self.tree.program(),
            folder: self.tree.folder(),
            words: vec![command.to_owned(), "--help".to_owned()],
            report: scratch(self.tree, 0, "json"),
            mutant: Mutant::None,
            seconds: SUITE_SECONDS,
        };
        Ok(run.run()?.code == Some(0))
    }

    /// Runs a stage.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn stage(&self, stage: Stage, subject: &Subject<'_>) -> Result<StageResult, String> {
        let started = Instant::now();
        let files = &subject.reached.files;
        let everywhere = Mutant::Everywhere(subject.number);
        let (is_reached, verdict) = match stage {
            Stage::Suite => (!files.is_empty(), self.suite(subject)?),
            Stage::Modes => (!subject.reached.modes.is_empty(), self.modes(subject)?),
            Stage::Shapes => {
                let some = evenly(files, SHAPES_FILES);
                let verdict = self.spec(subject, &some, &["--shapes"], SHAPES_SECONDS)?;
                (!files.is_empty(), verdict)
            }
            Stage::Fuzz => (true, self.fuzz(subject)?),
            Stage::Tests => (true, self.tests(TestHost::Here, everywhere)?),
            Stage::Emulated => (true, self.tests(TestHost::Emulator, everywhere)?),
        };
        let seconds = started.elapsed().as_secs_f64();
        Ok(StageResult {
            stage,
            is_reached,
            verdict,
            seconds,
        })
    }

    /// A few of the files that reach the fault, then all others.
    fn suite(&self, subject: &Subject<'_>) -> Result<Verdict, String> {
        let files = &subject.reached.files;
        let is_open = |file: &&File| !subject.clean.contains(file);
        let files: Vec<File> = files.iter().filter(is_open).cloned().collect();
        let step = files.len().div_ceil(FIRST_FILES).max(1);
        let (first, others): (Vec<_>, Vec<_>) = files
            .iter()
            .cloned()
            .enumerate()
            .partition(|(n, _)| n % step == 0);
        for (part, seconds) in [(first, FIRST_SECONDS), (others, SUITE_SECONDS)] {
            let part: Vec<File> = part.into_iter().map(|(_, file)| file).collect();
            let verdict = self.spec(subject, &part, &[], seconds)?;
            if verdict != Verdict::Clean {
                return Ok(verdict);
            }
        }
        Ok(Verdict::Clean)
    }

    fn modes(&self, subject: &Subject<'_>) -> Result<Verdict, String> {
        for (mode, words) in modes() {
            let is_reached = subject.reached.modes.iter().any(|reached| reached == mode);
            let is_of_code = ["explicit", "poison", "linear", "exclusive"].contains(mode);
            if !is_reached || is_of_code && !subject.columns.contains(&"jit") {
                continue;
            }
            let verdict = self.mode(subject, words)?;
            if verdict != Verdict::Clean {
                return Ok(verdict);
            }
        }
        let is_mixed = subject.reached.modes.iter().any(|mode| mode == MIXED);
        if is_mixed && subject.columns != TIERED {
            return self.mode(&subject.tiered(), &[]);
        }
        Ok(Verdict::Clean)
    }

    /// A mode over files of our own suites that reach the fault; over all if few do without it.
    fn mode(&self, subject: &Subject<'_>, words: &[&str]) -> Result<Verdict, String> {
        let own = || self.suites.iter().filter(|suite| !suite.is_fixed());
        let is_own = |file: &&File| own().any(|suite| suite.name() == file.suite);
        let files: Vec<File> = subject
            .reached
            .files
            .iter()
            .filter(is_own)
            .cloned()
            .collect();
        if files.len() >= MODE_FILES {
            let some = evenly(&files, MODE_FILES);
            return self.spec(subject, &some, words, SUITE_SECONDS);
        }
        for suite in own() {
            let mut all = suite.words(self.tree, &[]);
            all.extend(words.iter().map(|word| (*word).to_owned()));
            let verdict = self.run(subject, all, SUITE_SECONDS)?;
            if verdict != Verdict::Clean {
                return Ok(verdict);
            }
        }
        Ok(Verdict::Clean)
    }

    /// `wassay spec` over files, suite by suite.
    fn spec(
        &self,
        subject: &Subject<'_>,
        files: &[File],
        further: &[&str],
        seconds: u64,
    ) -> Result<Verdict, String> {
        for suite in self.suites {
            let of_suite = files.iter().filter(|file| file.suite == suite.name());
            let paths: Vec<&str> = of_suite.map(|file| file.path.as_str()).collect();
            if paths.is_empty() {
                continue;
            }
            let mut words = suite.words(self.tree, &paths);
            words.extend(further.iter().map(|word| (*word).to_owned()));
            let verdict = self.run(subject, words, seconds)?;
            if verdict != Verdict::Clean {
                return Ok(verdict);
            }
        }
        Ok(Verdict::Clean)
    }

    fn fuzz(&self, subject: &Subject<'_>) -> Result<Verdict, String> {
        let findings = scratch(self.tree, subject.job, "findings");
        let mut words = vec!["fuzz".to_owned()];
        words.extend(self.fuzz.iter().cloned());
        words.extend(["--findings".to_owned(), findings.display().to_string()]);
        self.run(subject, words, self.fuzz_seconds)
    }

    /// Builds the tests, and tells whether they pass without a fault.
    fn tests_pass(&self, host: TestHost) -> Result<bool, String> {
        Ok(self.tests(host, Mutant::None)? == Verdict::Clean)
    }

    /// The tests of the runtime that run modules and look at results: those that run on this host,
    /// in the interpreters where it does not execute ARM64 code, or those in an emulator. They name
    /// no tier.
    fn tests(&self, host: TestHost, mutant: Mutant<'_>) -> Result<Verdict, String> {
        let (program, mut words, seconds) = match host {
            TestHost::Here => {
                let words = "test --release --locked --package wassay-runtime --lib";
                let tests = TESTS.iter().flat_map(|test| ["--test", test]);
                let words: Vec<&str> = words.split(' ').chain(tests).chain(["--"]).collect();
                ("cargo", words, TESTS_SECONDS)
            }
            TestHost::Emulator => ("bash", vec!["-c", EMULATED, "bash"], EMULATED_SECONDS),
        };
        words.extend(NOT_OF_RESULTS.iter().flat_map(|name| ["--skip", name]));
        let run = Run {
            program: Path::new(program),
            folder: self.tree.folder(),
            words: words.into_iter().map(str::to_owned).collect(),
            report: scratch(self.tree, 0, "none"),
            mutant,
            seconds: match mutant {
                Mutant::None => BUILD_SECONDS,
                Mutant::Active(_) | Mutant::Everywhere(_) | Mutant::Coverage(_) => seconds,
            },
        };
        Ok(match run.run()?.code {
            Some(0) => Verdict::Clean,
            Some(_) => Verdict::caught(Sign::Test),
            None => Verdict::caught(Sign::Timeout),
        })
    }

    fn run(
        &self,
        subject: &Subject<'_>,
        mut words: Vec<String>,
        seconds: u64,
    ) -> Result<Verdict, String> {
        let report = scratch(self.tree, subject.job, "json");
        words.extend(["--tiers".to_owned(), subject.columns.join(",")]);
        words.extend(["--report".to_owned(), format!("json={}", report.display())]);
        let mut run = Run {
            program: &self.tree.program(),
            folder: self.tree.folder(),
            words,
            report,
            mutant: Mutant::Active(subject.number),
            seconds,
        };
        let ended = run.run()?;
        if ended.code == Some(BAD_USAGE) {
            return Err(format!("wassay takes other words: {}", run.words.join(" ")));
        }
        if !ended.is_slow() {
            return Ok(ended.verdict());
        }
        // On a busy machine a run without a fault may take as long: once more, with more time.
        run.seconds *= SLOWER;
        for word in &mut run.words {
            if word == DIRECTIVE_TIME {
                PATIENT_TIME.clone_into(word);
            }
        }
        Ok(run.run()?.verdict())
    }
}
