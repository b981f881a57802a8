//! The programs of `testsuite/programs` in every tier: a trial for each program and tier, with
//! libtest's usual flags. A program checks its own results and ends with another code than 0 if
//! one is wrong; its output must be that of the file `.out` beside it.
//!
//! The trials of the JIT are ignored where `WASSAY_JIT_UNAVAILABLE` says why it does not run. In a
//! debug build all are ignored: the interpreters take minutes there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

const TIERS: [&str; 4] = ["stack", "register", "jit", "tiered"];

/// The kinds of sources, each in a folder of its name, and the number of programs.
const KINDS: [(&str, usize); 3] = [("c", 19), ("go", 6), ("wat", 5)];

/// The files in the folder of C that are not programs.
const AIDS: [&str; 2] = ["check.h", "reference.py"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let no_jit = std::env::var("WASSAY_JIT_UNAVAILABLE").ok();
    let mut trials = vec![
        Trial::test("all files are there", all_files_are_there),
        Trial::test("text is encoded as built", text_is_encoded_as_built),
    ];
    for (kind, _) in KINDS {
        for program in programs(kind) {
            for tier in TIERS {
                let needs_jit = matches!(tier, "jit" | "tiered");
                let program = program.clone();
                let name = format!("{kind}/{} {tier}", name_of(&program));
                let trial = Trial::test(name, move || runs(&program, tier));
                let is_ignored = cfg!(debug_assertions) || (needs_jit && no_jit.is_some());
                trials.push(trial.with_ignored_flag(is_ignored));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testsuite/programs")
}

fn name_of(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The built programs of a kind, in order.
fn programs(kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder().join(kind)).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut programs: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "wasm"))
        .collect();
    programs.sort();
    programs
}

/// Each program has its source and its output, and there are as many as there should be.
fn all_files_are_there() -> Result<(), Failed> {
    for (kind, count) in KINDS {
        let mut files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entry in std::fs::read_dir(folder().join(kind))? {
            let path = entry?.path();
            let file = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let extension = path.extension().unwrap_or_default().to_string_lossy();
            if !AIDS.contains(&file.as_str()) {
                files
                    .entry(name_of(&path))
                    .or_default()
                    .insert(extension.into_owned());
            }
        }
        let wanted: BTreeSet<String> = [kind, "out", "wasm"].map(str::to_owned).into();
        for (name, extensions) in &files {
            if *extensions != wanted {
                return Err(format!("{kind}/{name} has {extensions:?}, not {wanted:?}").into());
            }
        }
        if files.len() != count {
            return Err(format!("{} programs in {kind}, not {count}", files.len()).into());
        }
    }
    Ok(())
}

/// The binaries of the programs in the text format are those of their sources.
fn text_is_encoded_as_built() -> Result<(), Failed> {
    for program in programs("wat") {
        let text = std::fs::read_to_string(program.with_extension("wat"))?;
        let buffer = wast::parser::ParseBuffer::new(&text)?;
        let encoded = wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode()?;
        if encoded != std::fs::read(&program)? {
            let name = name_of(&program);
            return Err(format!("wat/{name} is older than its source: scripts/programs").into());
        }
    }
    Ok(())
}

fn runs(program: &Path, tier: &str) -> Result<(), Failed> {
    let expected = std::fs::read_to_string(program.with_extension("out"))?;
    let output = Command::new(env!("CARGO_BIN_EXE_wassay"))
        .args(["run", "--tier", tier])
        .arg(program)
        .stdin(Stdio::null())
        .output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || stdout != expected || !stderr.is_empty() {
        let ended = output.status;
        return Err(format!("{ended}\nexpected: {expected}printed: {stdout}{stderr}").into());
    }
    Ok(())
}
