//! Marks the program with a hash of the sources that it is built from (`WASSAY_SOURCES`, 16 hex
//! digits), so that it never takes an older cross-built worker for one of its own build.
//!
//! The mark depends on the texts alone: profile, target and compiler do not change it.
//!
//! It also writes the list of our regression scripts with their texts (`regressions.rs`), for the
//! source `mutate` of generated programs.

use std::path::{Path, PathBuf};
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
