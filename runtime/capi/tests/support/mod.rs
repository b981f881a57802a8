//! The C compiler, the library as cargo has built it, and modules of text, for the tests.
//!
//! A C compiler is one of the things that the README asks for: without one, tests that need it fail
//! and say NOT RUN.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The library's name without what the system puts around it.
pub(crate) const LIBRARY: &str = "wassay_capi";

/// The tiers that run on this machine, by the names of `WASSAY_TIER`.
pub(crate) const TIERS: &[&str] = if cfg!(target_arch = "aarch64") {
    &["stack", "register", "jit", "tiered"]
} else {
    &["stack", "register"]
};

/// The folder of the crate.
pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder in which cargo has put the libraries for this test.
pub(crate) fn library_folder() -> PathBuf {
    let program = std::env::current_exe().expect("a test is a program");
    let folder = program.parent().expect("a program is in a folder");
    folder.to_path_buf()
}

/// The shared library.
pub(crate) fn shared_library() -> PathBuf {
    let name = std::env::consts::DLL_PREFIX.to_owned() + LIBRARY + std::env::consts::DLL_SUFFIX;
    library_folder().join(name)
}

/// The C compiler with the header's folder, which takes all warnings for errors.
pub(crate) fn compiler() -> Command {
    let mut command = Command::new(std::env::var_os("CC").unwrap_or("cc".into()));
    command.args([
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Wno-missing-field-initializers",
        "-Werror",
        "-I",
    ]);
    command.arg(folder().join("include"));
    command
}

/// Runs a command to its end.
///
/// # Panics
/// If it cannot be started, or fails.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("NOT RUN: {command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{text}",
        output.status
    );
    output
}

/// Compiles a C program and links it with the shared library, which it finds when it runs.
#[track_caller]
pub(crate) fn link_shared(source: &Path, program: &Path) {
    let folder = library_folder();
    let rpath = format!("-Wl,-rpath,{}", folder.display());
    let mut command = compiler();
    command.arg(source).arg("-o").arg(program);
    command.arg(shared_library()).args([&rpath, "-lpthread"]);
    run(&mut command);
}

/// Writes the module of a text file.
pub(crate) fn assemble(text: &Path, to: &Path) {
    let text = std::fs::read_to_string(text).expect("a module of text");
    let buffer = wast::parser::ParseBuffer::new(&text).expect("tokens");
    let mut wat = wast::parser::parse::<wast::Wat<'_>>(&buffer).expect("a module");
    std::fs::write(to, wat.encode().expect("its bytes")).expect("the file is written");
}
