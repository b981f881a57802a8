//! Which program runs a tier's jobs: this one, or for the JIT on a host that cannot execute ARM64
//! code, the program cross-built for ARM64 under an emulator.
//!
//! The search is a contract with `scripts/build`, whose head states it:
//! 1. On an ARM64 host it is the program itself.
//! 2. `WASSAY_JIT_UNAVAILABLE=REASON`: there is none, for that reason.
//! 3. `WASSAY_JIT_WORKER=COMMAND`: a command line, split at blanks without quoting.
//! 4. In the folder of the program and each folder above it, [`CROSS_BUILT`], under [`EMULATORS`].
//! 5. Else the tier is unavailable.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::Workers;
use super::{Launcher, Unavailable};
use crate::tier::Tier;

/// Where `scripts/build` leaves the cross-built program, below a folder above this program.
const CROSS_BUILT: &str = "aarch64-jit/aarch64-unknown-linux-gnu/release/wassay";
/// Emulators by preference, and their arguments.
const EMULATORS: [&str; 2] = ["qemu-aarch64", "qemu-aarch64-static"];
const EMULATOR_ARGS: [&str; 2] = ["-cpu", "max"];
/// The folder of the shared libraries for ARM64, which programs of other makers are linked with:
/// Debian's, where the cross compiler of `scripts/setup` has them.
const SHARED_LIBRARIES: [&str; 2] = ["-L", "/usr/aarch64-linux-gnu"];

/// The variable that says that there is no JIT worker, and why.
pub const UNAVAILABLE_VARIABLE: &str = "WASSAY_JIT_UNAVAILABLE";
const WORKER_VARIABLE: &str = "WASSAY_JIT_WORKER";
/// The variable by which a program that runs for another one learns of that one's instruction set.
const HOST_VARIABLE: &str = "WASSAY_HOST";

/// The start of a command line that runs `wassay` for a tier; the command's own arguments follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program and its first arguments; never empty.
    words: Vec<OsString>,
}

impl Program {
    /// A program without arguments.
    pub fn new(path: impl Into<OsString>) -> Program {
        Program {
            words: vec![path.into()],
        }
    }

    /// The program followed by arguments.
    pub fn with_args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Program {
        self.words.extend(args.into_iter().map(Into::into));
        self
    }

    /// A command, to which arguments can be added. The program learns which host it runs on.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command.env(HOST_VARIABLE, std::env::consts::ARCH);
        command
    }

    /// The emulator that runs the program, if one does: then the program is an argument of it.
    pub fn emulator(&self) -> Option<&OsStr> {
        let is_emulator = |word: &&OsString| {
            let name = Path::new(word).file_name();
            name.is_some_and(|name| EMULATORS.iter().any(|emulator| *emulator == name))
        };
        self.words
            .first()
            .filter(is_emulator)
            .map(OsString::as_os_str)
    }

    /// The program's name, for messages.
    pub fn name(&self) -> String {
        self.words[0].to_string_lossy().into_owned()
    }
}

/// Prepares this process for its host: under an emulator, what is mapped costs by its size, so that
/// reservations of addresses are sparse.
pub fn adapt_to_host() {
    let host = std::env::var(HOST_VARIABLE);
    if host.is_ok_and(|host| host != std::env::consts::ARCH) {
        wassay_runtime::interior::use_sparse_scheme();
    }
}

/// The workers of `tier`, where `this` is the path of the `wassay` program for this host.
///
/// # Errors
/// The reason why the tier cannot run here.
pub fn workers(tier: Tier, this: &Path) -> Result<Box<dyn Launcher>, Unavailable> {
    let program = program(tier.runs_machine_code(), this)?;
    Ok(Box::new(Workers { program, tier }))
}

/// The program that runs code of the JIT, if `machine_code` is to be run, or else any.
///
/// # Errors
/// The reason why it cannot run here.
pub fn program(machine_code: bool, this: &Path) -> Result<Program, Unavailable> {
    if is_this_program(machine_code) {
        return Ok(Program::new(this));
    }
    find_jit_worker(this, &|name| std::env::var(name).ok())
}

/// Whether that is the program `this` itself.
pub fn is_this_program(machine_code: bool) -> bool {
    !machine_code || cfg!(target_arch = "aarch64")
}

fn find_jit_worker(
    this: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Program, Unavailable> {
    if let Some(reason) = variable(UNAVAILABLE_VARIABLE).filter(|reason| !reason.is_empty()) {
        return Err(Unavailable::new(reason));
    }
    if let Some(line) = variable(WORKER_VARIABLE) {
        let mut words = line.split_whitespace();
        if let Some(program) = words.next() {
            return Ok(Program::new(program).with_args(words));
        }
    }
    let built = this
        .ancestors()
        .skip(1)
        .map(|folder| folder.join(CROSS_BUILT));
    let built = built
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| {
            let arch = std::env::consts::ARCH;
            Unavailable::new(format!(
                "this host ({arch}) does not run ARM64 code, and no cross-built `{CROSS_BUILT}` is \
                 near this program: run scripts/setup, then scripts/build"
            ))
        })?;
    let emulator = find_emulator(variable).ok_or_else(|| {
        let emulators = EMULATORS.join(" or ");
        Unavailable::new(format!("{emulators} is not in PATH: run scripts/setup"))
    })?;
    Ok(Program::new(emulator)
        .with_args(EMULATOR_ARGS)
        .with_args([built]))
}

fn find_emulator(variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    EMULATORS.iter().find_map(|name| find_in_path(name, &path))
}

/// The words before the command of an ARM64 program of another maker: none on an ARM64 host, or
/// else the emulator, by its bare name if it is missing.
pub fn emulator() -> Vec<OsString> {
    if cfg!(target_arch = "aarch64") {
        return Vec::new();
    }
    let found = find_emulator(&|name| std::env::var(name).ok());
    let program = found.map_or(OsString::from(EMULATORS[0]), PathBuf::into_os_string);
    let args = EMULATOR_ARGS.into_iter().chain(SHARED_LIBRARIES);
    std::iter::once(program)
        .chain(args.map(OsString::from))
        .collect()
}

/// The file of a program in the folders of a search path.
pub fn find_in_path(name: &str, path: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(this: &Path, variables: &[(&str, &str)]) -> Result<Program, Unavailable> {
        find_jit_worker(this, &|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_string())
        })
    }

    #[test]
    fn the_variables_come_first() {
        let this = Path::new("/nowhere/wassay");
        let worker = (WORKER_VARIABLE, "qemu  -cpu max /w");
        let words = Program::new("qemu").with_args(["-cpu", "max", "/w"]);
        assert_eq!(find(this, &[worker]), Ok(words));
        let reason = Err(Unavailable::new("no qemu"));
        assert_eq!(
            find(this, &[(UNAVAILABLE_VARIABLE, "no qemu"), worker]),
            reason
        );
    }

    #[test]
    fn nothing_found_is_a_reason_that_says_what_to_do() {
        let reason = find(Path::new("/nowhere/wassay"), &[]).expect_err("nothing is there");
        let reason = reason.to_string();
        assert!(reason.contains("scripts/setup"), "{reason}");
    }

    #[test]
    fn the_cross_built_program_is_found_above_this_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let built = folder.path().join(CROSS_BUILT);
        let emulator = folder.path().join(EMULATORS[1]);
        std::fs::create_dir_all(built.parent().expect("a folder")).expect("created");
        std::fs::write(&built, "").expect("written");
        let this = folder.path().join("release/deps/wassay");
        let path = folder.path().to_string_lossy().into_owned();
        let reason = find(&this, &[("PATH", &path)]).expect_err("no emulator");
        let reason = reason.to_string();
        assert!(reason.contains("not in PATH"), "{reason}");
        std::fs::write(&emulator, "").expect("written");
        let program = Program::new(&emulator)
            .with_args(EMULATOR_ARGS)
            .with_args([&built]);
        assert_eq!(find(&this, &[("PATH", &path)]), Ok(program));
    }
}
