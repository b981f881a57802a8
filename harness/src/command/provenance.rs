//! The provenance of a run: what its report says of build, command line, inputs, suite and engines.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest, Sha256};

use crate::adapter::table::EngineTable;
use crate::cli::GivenOptions;
use crate::engine::EngineName;
use crate::error::InputError;
use crate::input;
use crate::pool::launch;
use crate::report::provenance::{
    BuildAccount, EMBEDDED_SUITE, EngineAccount, InputAccount, InputRole, Provenance,
    UpstreamAccount,
};
use crate::report::{FileAccount, Report};
use crate::shell;

/// The time that an emulator has to tell its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);

/// The origin of a run.
pub(super) struct Origin<'a> {
    /// When it began.
    pub(super) began: SystemTime,
    /// The options that count.
    pub(super) given: &'a GivenOptions,
    /// The files besides the suite that it has read.
    pub(super) inputs: Vec<InputAccount>,
    /// The engines of other makers.
    pub(super) table: &'a EngineTable,
    /// This program.
    pub(super) program: &'a Path,
}

impl Origin<'_> {
    /// The provenance of the run's report, without that of a suite.
    pub(super) fn provenance(self, report: &Report) -> Provenance {
        Provenance {
            date: humantime::format_rfc3339_seconds(self.began).to_string(),
            build: BuildAccount::this(),
            command: shell::join(&self.given.words),
            words: self.given.words.clone(),
            options: self.given.values.clone(),
            engines: self.engines(report),
            emulator: self.emulator(report),
            inputs: self.inputs,
            upstream: None,
        }
    }

    /// The engines of the columns that could run.
    fn engines(&self, report: &Report) -> BTreeMap<EngineName, EngineAccount> {
        let available = report.tiers.iter().filter(|(_, tier)| tier.available);
        let engine = |name: EngineName| match name.tier() {
            Some(_) => Some(EngineAccount {
                engine: "wassay".to_string(),
                version: env!("CARGO_PKG_VERSION").to_string(),
            }),
            None => {
                let info = self.table.get(name)?.info()?;
                Some(EngineAccount {
                    engine: info.engine.clone(),
                    version: info.version.clone(),
                })
            }
        };
        available
            .filter_map(|(&name, _)| Some((name, engine(name)?)))
            .collect()
    }

    /// The emulator of the tier that makes machine code, as it names itself.
    fn emulator(&self, report: &Report) -> Option<String> {
        let mut tiers = report.tiers.keys().filter_map(|name| name.tier());
        tiers.find(|tier| tier.runs_machine_code())?;
        let program = launch::program(true, self.program).ok()?;
        version_of(program.emulator()?)
    }
}

/// A file that a run reads.
///
/// # Errors
/// If it cannot be read.
pub(super) fn input(role: InputRole, path: &Path) -> Result<InputAccount, InputError> {
    let bytes = input::read(path).map_err(|error| InputError::from_error(path, error))?;
    Ok(InputAccount {
        role,
        path: path.to_string_lossy().into_owned(),
        sha256: hex(&bytes),
    })
}

/// The SHA-256 of some bytes, as hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The first line that a program says of its version.
fn version_of(program: &OsStr) -> Option<String> {
    let mut child = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let started = Instant::now();
    while child.try_wait().ok()?.is_none() {
        if started.elapsed() > VERSION_TIMEOUT {
            // A process that has just ended is as good.
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut text = String::new();
    let stdout = child.stdout.take()?;
    stdout.take(4096).read_to_string(&mut text).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_string())
}

/// The revision that the suite is known to be of, and the files that are not those of it: of the
/// embedded suite its package, of a folder in a checkout of git the commit that is checked out.
pub(super) fn upstream(report: &Report) -> Option<UpstreamAccount> {
    if report.run.paths().is_empty() {
        let (name, revision) = EMBEDDED_SUITE;
        // The compiler has put the files of the package into the program.
        return Some(UpstreamAccount {
            name: name.to_string(),
            revision: revision.to_string(),
            equal: report.files.len() as u64,
            changed: Vec::new(),
            added: Vec::new(),
        });
    }
    let folder = Path::new(report.run.folder.as_ref()?);
    let revision = git(folder, &["rev-parse", "--verify", "HEAD"])?;
    let remote = git(folder, &["config", "--get", "remote.origin.url"]);
    let mut account = UpstreamAccount {
        name: remote.map_or_else(
            || "a local repository".to_string(),
            |url| without_user(&url),
        ),
        revision: format!("git:{revision}"),
        equal: 0,
        changed: Vec::new(),
        added: Vec::new(),
    };
    let hashes = committed(folder, &report.files)?;
    for (file, hash) in report.files.iter().zip(hashes) {
        match hash {
            Some(hash) if hash == file.sha256 => account.equal += 1,
            Some(_) => account.changed.push(file.path.clone()),
            None => account.added.push(file.path.clone()),
        }
    }
    // A folder of which the commit has nothing is not of that repository.
    let is_of_it = account.equal > 0 || !account.changed.is_empty();
    is_of_it.then_some(account)
}

/// An address without the user and password that it may carry.
fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_string();
    };
    let host = rest.split('/').next().unwrap_or_default();
    match host.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}://{}", &rest[user.len() + 1..]),
        None => url.to_string(),
    }
}

/// A command of git in a folder, which no variable leads elsewhere.
fn git_command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args);
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    command.stderr(Stdio::null());
    command
}

/// What git answers, in a line; nothing if it fails or is not there.
fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let output = git_command(folder, args)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_string())
}

/// SHA-256 of the files' texts in the commit that is checked out; `None` for those that it lacks.
fn committed(folder: &Path, files: &[FileAccount]) -> Option<Vec<Option<String>>> {
    let mut child = git_command(folder, &["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let names: String = files
        .iter()
        .map(|file| format!("HEAD:./{}\n", name(file)))
        .collect();
    let output = std::thread::scope(|threads| {
        // git answers while it is asked: both pipes have a limited size.
        threads.spawn(move || {
            let _ = stdin.write_all(names.as_bytes());
        });
        child.wait_with_output()
    });
    let mut rest = output.ok()?.stdout;
    let mut hashes = Vec::new();
    for _ in files {
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest.drain(..=end);
        let size = head
            .rsplit_once(" blob ")
            .and_then(|(_, size)| size.parse::<usize>().ok());
        hashes.push(match size {
            Some(size) => {
                let hash = hex(rest.get(..size)?);
                rest.drain(..(size + 1).min(rest.len()));
                Some(hash)
            }
            None => None,
        });
    }
    Some(hashes)
}

/// The path of a file for git; one with a line break in it is none of git's lines.
fn name(file: &FileAccount) -> &str {
    match file.path.contains(['\n', '\r']) {
        true => ".git",
        false => &file.path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_passwords_are_left_out() {
        for (url, shown) in [
            (
                "https://me:secret@host.org/a/b.git",
                "https://host.org/a/b.git",
            ),
            ("https://host.org/a@b", "https://host.org/a@b"),
            ("git@host.org:a/b.git", "git@host.org:a/b.git"),
            ("/a/b", "/a/b"),
        ] {
            assert_eq!(without_user(url), shown);
        }
    }
}
