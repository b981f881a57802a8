//! One tier of a comparison: a process that runs the program and writes a record.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};

use super::{Column, Inputs};
use crate::cli::ExecutionArgs;
use crate::command::tree;
use crate::error::{Exit, InputError};
use crate::interrupt;
use crate::pool::process::tail;
use crate::protocol::Setting;
use crate::record::{self, Bytes, End, Line, Reader};

/// The time between two looks at a process.
const TICK: Duration = Duration::from_millis(2);
/// The lines of a process's standard error that are kept as a reason.
const REASON_LINES: usize = 3;

/// A tier that has run.
#[derive(Debug)]
pub(super) struct Ran {
    /// The record, perhaps cut off.
    pub(super) record: PathBuf,
    /// The sums over the record.
    pub(super) account: Account,
    elapsed: Duration,
    /// The reason why nothing is known of the tier.
    pub(super) unmeasured: Option<String>,
}

/// The sums over a record.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) calls: u64,
    pub(super) stdout: Vec<u8>,
    stderr_bytes: usize,
    pub(super) ending: Ending,
}

/// The end of a process.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ending {
    /// The record has it.
    Recorded(End),
    /// The record is cut off, since the process died, or left the record that it replayed.
    Lost(String),
}

impl Ran {
    /// The account in one line.
    pub(super) fn text(&self) -> String {
        if let Some(reason) = &self.unmeasured {
            return format!("not measured: {reason}");
        }
        let Account {
            calls,
            stdout,
            stderr_bytes,
            ending,
        } = &self.account;
        let ending = match ending {
            Ending::Recorded(end) => &end.ending,
            Ending::Lost(how) => how,
        };
        format!(
            "{ending}; {calls} host calls; {} bytes to stdout, {stderr_bytes} to stderr; {:.2} s",
            stdout.len(),
            self.elapsed.as_secs_f64()
        )
    }
}

/// Runs the program in a tier.
///
/// # Errors
/// If the program cannot be run in any tier.
pub(super) fn run(inputs: &Inputs<'_>, column: &Column) -> Result<Ran, InputError> {
    recorded(inputs, column, "run", "thinning")
}

/// Runs the program once more, with hashes of the state before all calls from one on.
///
/// # Errors
/// As [`run`].
pub(super) fn states_from(
    inputs: &Inputs<'_>,
    column: &Column,
    call: u64,
) -> Result<Ran, InputError> {
    recorded(inputs, column, "narrow", &call.to_string())
}

/// Runs the program once more up to a call, and gives the folder with the state before it.
///
/// # Errors
/// As [`run`].
pub(super) fn dumped(
    inputs: &Inputs<'_>,
    column: &Column,
    call: u64,
) -> Result<PathBuf, InputError> {
    let folder = inputs.folder(&format!("{}-dump", column.name))?;
    let mut option = OsString::from(format!("{call}="));
    let state = folder.join("state");
    option.push(&state);
    let (status, reason) = process(inputs, column, &folder, &["--dump".into(), option])?;
    match state.join("objects").exists() {
        true => Ok(state),
        false => Err(InputError::usage(format!(
            "{}: the state before host call {call} was not written: {}",
            column.name,
            status.map_or_else(|| "it took too long".to_string(), |it| died(it, &reason))
        ))),
    }
}

fn recorded(
    inputs: &Inputs<'_>,
    column: &Column,
    name: &str,
    states: &str,
) -> Result<Ran, InputError> {
    let folder = inputs.folder(&format!("{}-{name}", column.name))?;
    let record = folder.join("record");
    let words: [OsString; 4] = [
        "--record".into(),
        record.clone().into(),
        "--states".into(),
        states.into(),
    ];
    let started = Instant::now();
    let (status, reason) = process(inputs, column, &folder, &words)?;
    let elapsed = started.elapsed();
    let code = status.and_then(|it| it.code());
    // The record of a process that has died goes up to there.
    let partial = record::partial(&record);
    let is_recorded = record.exists() || fs::rename(partial, &record).is_ok();
    if code == Some(Exit::BadInput.code().into()) && !has_end(&record) {
        return Err(InputError::usage(reason));
    }
    let unmeasured = match (status, code) {
        (None, _) => Some(format!("no end within {:?} (--wait)", inputs.args.wait)),
        (Some(_), Some(3)) if !has_end(&record) => Some(reason.clone()),
        (Some(_), _) if !is_recorded => Some(reason.clone()),
        (Some(_), _) => None,
    };
    let lost = status.map_or_else(String::new, |status| died(status, &reason));
    let account = match unmeasured.is_none() {
        true => account(&record, lost)?,
        false => Account {
            calls: 0,
            stdout: Vec::new(),
            stderr_bytes: 0,
            ending: Ending::Lost(lost),
        },
    };
    Ok(Ran {
        record,
        account,
        elapsed,
        unmeasured,
    })
}

/// The words for a process that has died.
fn died(status: ExitStatus, reason: &str) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("crash: signal {signal}"),
        // An emulator hands a signal on as a code.
        (None, Some(code)) if code > 128 && reason.is_empty() => {
            format!("crash: signal {}", code - 128)
        }
        (None, _) => reason.to_string(),
    }
}

fn has_end(record: &Path) -> bool {
    let Ok((mut reader, _)) = Reader::open(record) else {
        return false;
    };
    while let Ok(Some(line)) = reader.read_line() {
        if matches!(line, Line::End(_)) {
            return true;
        }
    }
    false
}

/// The sums over a record; `lost` is the ending of one that is cut off.
fn account(record: &Path, lost: String) -> Result<Account, InputError> {
    let mut account = Account {
        calls: 0,
        stdout: Vec::new(),
        stderr_bytes: 0,
        ending: Ending::Lost(lost),
    };
    let Ok((mut reader, _)) = Reader::open(record) else {
        return Ok(account);
    };
    while let Ok(Some(line)) = reader.read_line() {
        match line {
            Line::Call(call) => {
                account.calls += 1;
                for (stream, Bytes(bytes)) in call.output {
                    match stream {
                        1 => account.stdout.extend_from_slice(&bytes),
                        _ => account.stderr_bytes += bytes.len(),
                    }
                }
            }
            Line::End(end) => account.ending = Ending::Recorded(end),
            Line::Record(_) => {}
        }
    }
    Ok(account)
}

/// Runs the program in a process: its status, `None` if it took too long, and the last lines of its
/// standard error.
fn process(
    inputs: &Inputs<'_>,
    column: &Column,
    folder: &Path,
    words: &[OsString],
) -> Result<(Option<ExitStatus>, String), InputError> {
    let refused = |error| InputError::from_error(&inputs.program, error);
    // In memory: a full disk is a reason that must be heard.
    let stderr = memfd_create("wassay-stderr", MemfdFlags::CLOEXEC);
    let mut stderr = stderr
        .map(File::from)
        .map_err(|error| refused(error.into()))?;
    let stdin = File::open(&inputs.stdin);
    let stdin = stdin.map_err(|error| InputError::from_error(&inputs.stdin, error))?;
    let mut command = Command::new(&inputs.program);
    command
        .arg("run")
        .args(self::words(inputs, column, folder)?);
    command.args(words).arg("--").args(&inputs.args.args);
    command.stdin(stdin).stdout(Stdio::null());
    command.stderr(stderr.try_clone().map_err(refused)?);
    let mut child = command.spawn().map_err(refused)?;
    let started = Instant::now();
    let status = loop {
        let status = child.try_wait().map_err(refused)?;
        if status.is_some() {
            break status;
        }
        if started.elapsed() > inputs.args.wait || interrupt::requested() {
            child.kill().map_err(refused)?;
            child.wait().map_err(refused)?;
            break None;
        }
        std::thread::sleep(TICK);
    };
    let text = tail(&mut stderr).map_err(refused)?;
    let own = text.lines().rev().take(REASON_LINES);
    let own: Vec<&str> = own.filter_map(|it| it.strip_prefix("wassay: ")).collect();
    Ok((
        status,
        own.first().map_or(String::new(), ToString::to_string),
    ))
}

/// The words of `wassay run` but for the arguments; copies the directories.
fn words(inputs: &Inputs<'_>, column: &Column, folder: &Path) -> Result<Vec<OsString>, InputError> {
    let args = inputs.args;
    let mut words: Vec<OsString> = vec![args.file.clone().into()];
    let mut push = |name: &str, value: OsString| words.extend([name.into(), value]);
    push("--tier", column.tier.to_string().into());
    let Setting {
        bounds,
        profile,
        modes,
    } = column.setting;
    let tier_up = modes.tier_up.or(args.execution.tier_up);
    let execution = ExecutionArgs {
        tier_up: tier_up.filter(|_| column.tier.is_tiered()),
        bounds,
        profile,
        ..args.execution.clone()
    };
    if let Some(name) = &args.invoke {
        push("--invoke", name.into());
    }
    for variable in &args.resources.env {
        push("--env", variable.to_string().into());
    }
    for (number, grant) in args.resources.dir.iter().enumerate() {
        let copy = folder.join(format!("dir-{number}"));
        let refused = |error| InputError::from_error(&grant.host, error);
        let _ = fs::remove_dir_all(&copy);
        fs::create_dir(&copy).map_err(refused)?;
        tree::copy(&grant.host, &copy, inputs.latest, &|_| false).map_err(refused)?;
        let mut value = copy.into_os_string();
        value.push(format!("::{}", grant.guest));
        push("--dir", value);
    }
    match &args.replay {
        Some(record) => push("--replay", record.into()),
        None => {
            if let Some(seconds) = args.clock {
                push("--clock", seconds.to_string().into());
            }
            if let Some(seed) = args.seed {
                push("--seed", seed.to_string().into());
            }
            words.push("--deterministic".into());
        }
    }
    words.extend(execution.words());
    Ok(words)
}
