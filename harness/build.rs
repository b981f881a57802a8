//! Marks the program with a hash of the sources that it is built from (`WASSAY_SOURCES`, 16 hex
//! digits), so that it never takes an older cross-built worker for one of its own build.
//!
//! The mark depends on the texts alone: profile, target and compiler do not change it.

use std::fs;
use std::path::{Path, PathBuf};

/// What the program's behaviour depends on, from the workspace's folder.
const SOURCES: [&str; 6] = [
    "Cargo.lock",
    "Cargo.toml",
    "harness/Cargo.toml",
    "harness/src",
    "runtime/Cargo.toml",
    "runtime/src",
];

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
