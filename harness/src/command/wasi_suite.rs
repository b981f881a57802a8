//! `wassay wasi-suite`: the programs of WebAssembly/wasi-testsuite for preview 1, in every tier.
//!
//! A program is a `.wasm` file; a `.json` file beside it says what it gets and what must come of
//! it. Each program runs in a process of its own, as `wassay run` runs it, with a fresh copy of its
//! tree: what one program leaves behind, another one may trip over.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rayon::prelude::*;
use serde::Deserialize;
use walkdir::WalkDir;

use super::{this_program, tree};
use crate::cli::WasiSuiteArgs;
use crate::error::{Exit, InputError};
use crate::pool::launch;

/// The lines of a program's standard error that a failure shows.
const LINES_SHOWN: usize = 12;
/// The end of the names of files that earlier runs have left in a tree.
const LEFT_BEHIND: &str = "cleanup";
/// The time between two looks at a program that runs.
const TICK: Duration = Duration::from_millis(2);

/// The configuration of a program: in the older form, or as operations.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Configuration {
    args: Vec<String>,
    env: BTreeMap<String, String>,
    root: Option<String>,
    exit_code: i32,
    stdout: Option<String>,
    stderr: Option<String>,
    proposals: Vec<String>,
    operations: Vec<Operation>,
}

/// An operation of a configuration. Those of sockets are not of preview 1.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Operation {
    Run {
        #[serde(default)]
        args: Vec<String>,
        #[serde(default)]
        env: BTreeMap<String, String>,
        root: Option<String>,
    },
    Wait {
        #[serde(default)]
        exit_code: i32,
    },
    Read {
        id: Option<String>,
        #[serde(default)]
        payload: String,
    },
}

/// A program with its configuration.
struct Program {
    path: PathBuf,
    name: String,
    configuration: Configuration,
}

/// The outcome of a program in a tier: why it failed, if it did.
type Outcome = Result<(), String>;

/// A tier, or an engine of another maker: the start of its command line.
struct Engine {
    name: String,
    words: Vec<OsString>,
}

/// Answers `wassay wasi-suite`.
///
/// # Errors
/// If the folder or a configuration in it cannot be read.
pub fn command(args: &WasiSuiteArgs) -> Result<Exit, InputError> {
    let programs = programs(args)?;
    let this = this_program()?;
    let mut exit = Exit::AsExpected;
    if let Some(program) = &args.program {
        let engine = Engine {
            name: program
                .file_name()
                .unwrap_or_default()
                .display()
                .to_string(),
            words: vec![program.into()],
        };
        exit = worse(exit, run_all(&engine, &programs, args.timeout));
    }
    for &tier in args.tiers.iter().filter(|_| args.program.is_none()) {
        let name = tier.to_string();
        if let Err(reason) = launch::program(tier.runs_machine_code(), &this) {
            println!("{name:<9} not run: {reason}");
            exit = worse(exit, Exit::NotMeasured);
            continue;
        }
        let words = [
            this.as_os_str(),
            "run".as_ref(),
            "--tier".as_ref(),
            name.as_ref(),
        ];
        let words = words.map(OsString::from).to_vec();
        exit = worse(
            exit,
            run_all(&Engine { name, words }, &programs, args.timeout),
        );
    }
    if programs.is_empty() {
        println!("there are no programs");
        exit = Exit::NotMeasured;
    }
    Ok(exit)
}

/// Runs all programs by an engine, and says what came of them.
fn run_all(engine: &Engine, programs: &[Program], timeout: Duration) -> Exit {
    let run = programs
        .par_iter()
        .map(|program| run(engine, program, timeout));
    let outcomes: Vec<Outcome> = run.collect();
    let name = &engine.name;
    for (program, outcome) in programs.iter().zip(&outcomes) {
        if let Err(reason) = outcome {
            println!("FAIL {name} {}: {reason}", program.name);
        }
    }
    let passed = outcomes.iter().filter(|it| it.is_ok()).count();
    println!("{name:<9} {passed} of {} pass", outcomes.len());
    match passed < outcomes.len() {
        true => Exit::Failed,
        false => Exit::AsExpected,
    }
}

/// A failure counts over what was not measured.
fn worse(a: Exit, b: Exit) -> Exit {
    match (a, b) {
        (Exit::Failed, _) | (_, Exit::AsExpected) => a,
        _ => b,
    }
}

/// The programs below the folders, by name.
fn programs(args: &WasiSuiteArgs) -> Result<Vec<Program>, InputError> {
    let mut programs = Vec::new();
    for folder in &args.folders {
        for entry in WalkDir::new(folder).sort_by_file_name() {
            let entry = entry.map_err(|error| InputError::at(folder, error.to_string()))?;
            let path = entry.path();
            let name = path.display().to_string();
            let is_chosen = args.filter.as_ref().is_none_or(|part| name.contains(part));
            if path.extension() != Some(OsStr::new("wasm")) || !is_chosen {
                continue;
            }
            programs.push(Program {
                path: path.to_owned(),
                name,
                configuration: configuration(path)?,
            });
        }
    }
    Ok(programs)
}

/// The configuration beside a program, in the older form.
fn configuration(program: &Path) -> Result<Configuration, InputError> {
    let path = program.with_extension("json");
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(Configuration::default());
    };
    let parsed = serde_json::from_str(&text);
    let mut configuration: Configuration =
        parsed.map_err(|error| InputError::at_line(&path, error.line(), error.to_string()))?;
    for operation in std::mem::take(&mut configuration.operations) {
        match operation {
            Operation::Run { args, env, root } => {
                (configuration.args, configuration.env) = (args, env);
                configuration.root = root;
            }
            Operation::Wait { exit_code } => configuration.exit_code = exit_code,
            Operation::Read { id, payload } => match id.as_deref() {
                None | Some("stdout") => configuration.stdout = Some(payload),
                Some("stderr") => configuration.stderr = Some(payload),
                Some(other) => {
                    return Err(InputError::at(&path, format!("unknown stream `{other}`")));
                }
            },
        }
    }
    if let Some(proposal) = configuration.proposals.first() {
        let message = format!("the proposal `{proposal}` is not of preview 1");
        return Err(InputError::at(&path, message));
    }
    Ok(configuration)
}

/// Runs a program by an engine.
fn run(engine: &Engine, program: &Program, timeout: Duration) -> Outcome {
    let configuration = &program.configuration;
    let text = |error: std::io::Error| error.to_string();
    let tree = tempfile::tempdir().map_err(text)?;
    let mut command = Command::new(&engine.words[0]);
    command.args(&engine.words[1..]);
    if let Some(root) = &configuration.root {
        let from = program.path.with_file_name(root);
        let is_left = |path: &Path| path.extension() == Some(OsStr::new(LEFT_BEHIND));
        tree::copy(&from, tree.path(), SystemTime::now(), &is_left).map_err(text)?;
        command.args(["--dir", &format!("{}::/", tree.path().display())]);
    }
    for (name, value) in &configuration.env {
        command.args(["--env", &format!("{name}={value}")]);
    }
    command
        .arg(&program.path)
        .arg("--")
        .args(&configuration.args);
    let (code, stdout, stderr) = output(command, timeout)?;
    if code != Some(configuration.exit_code) {
        let code = code.map_or("none".to_string(), |code| code.to_string());
        let shown: Vec<&str> = stderr.lines().take(LINES_SHOWN).collect();
        return Err(format!(
            "exit code {code} instead of {}\n{}",
            configuration.exit_code,
            shown.join("\n")
        ));
    }
    check("stdout", &configuration.stdout, &stdout)?;
    check("stderr", &configuration.stderr, &stderr)
}

fn check(stream: &str, expected: &Option<String>, found: &str) -> Outcome {
    match expected {
        Some(expected) if expected != found => {
            Err(format!("{stream} is {found:?} instead of {expected:?}"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The exit code of a command, and what it has written.
fn output(
    mut command: Command,
    timeout: Duration,
) -> Result<(Option<i32>, String, String), String> {
    let text = |error: std::io::Error| error.to_string();
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(text)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let stdout = scope.spawn(|| read(stdout));
        let stderr = scope.spawn(|| read(stderr));
        let begin = Instant::now();
        let status = loop {
            match child.try_wait().map_err(text)? {
                Some(status) => break Ok(status),
                None if begin.elapsed() > timeout => {
                    child.kill().map_err(text)?;
                    child.wait().map_err(text)?;
                    break Err(format!("no end within {timeout:?}"));
                }
                None => std::thread::sleep(TICK),
            }
        };
        let stdout = stdout.join().unwrap_or_default();
        let stderr = stderr.join().unwrap_or_default();
        Ok((status?.code(), stdout, stderr))
    })
}

/// The text of a stream to its end.
fn read(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What can be read counts; a stream that breaks off differs from what is expected.
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
