//! One adapter process: started, spoken to with a deadline, and always killed with all that it
//! started, and reaped. The guard ends it where the harness no longer can.
//!
//! A directive is known to the harness while it runs, since requests are answered one by one: so a
//! death or a time-out is that directive's. An adapter that answers twice, late, with another
//! number or with what is not a response is dead too: what it says is not to be trusted.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::driver::{Channel, Driver};
use super::guard::Guarded;
use super::message::{Ending, Lack, Operation, PROTOCOL, Request, Response};
use crate::outcome::{Outcome, Proof, Report};
use crate::pool::patience::ProcessClock;
use crate::pool::process::{is_from_outside, last_words, tail};
use crate::pool::room::goes_first;
use crate::pool::{Cause, Death, Session, StartError, Unavailable};
use crate::protocol::{Job, JobResult};
use crate::{interrupt, thread};

/// How often a wait looks at Ctrl-C.
const TICK: Duration = Duration::from_millis(20);
/// The time until an adapter answers `hello`.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest line that an adapter may write.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// The command line of an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterCommand {
    /// The program and its arguments; never empty.
    pub words: Vec<OsString>,
    /// Variables of its environment, besides those of the harness.
    pub env: BTreeMap<String, String>,
}

/// What an adapter says of its engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// The engine's name.
    pub engine: String,
    /// Its version.
    pub version: String,
}

/// A line that is not understood.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("wrote a line of more than {LINE_BYTES_MAX} bytes")]
    TooLong,
    #[error("wrote invalid UTF-8")]
    NotText(#[from] std::string::FromUtf8Error),
}

/// A running adapter.
#[derive(Debug)]
pub struct Adapter {
    child: Child,
    lines: Receiver<Result<String, LineError>>,
    requests: Option<Sender<Vec<u8>>>,
    stderr: File,
    /// The number of the last request.
    id: u64,
    /// What does not cross to the engine as it is.
    lacks: Vec<Lack>,
    /// How long a request may take.
    timeout: Duration,
    /// True once it was killed and reaped.
    is_reaped: bool,
    /// Keeps its group from living longer than this process; absent once it was killed.
    guarded: Option<Guarded>,
}

impl Adapter {
    /// Starts an adapter and waits until it is ready.
    ///
    /// # Errors
    /// If it does not start, or its engine cannot run here.
    pub fn start(command: &AdapterCommand) -> Result<(Adapter, EngineInfo), StartError> {
        let name = command.words[0].to_string_lossy();
        let mut adapter =
            Adapter::spawn(command).map_err(|error| StartError::of_program(&name, error))?;
        let failed = |reason: String| Err(Unavailable::new(reason).into());
        match adapter.ask(Operation::Hello { protocol: PROTOCOL }) {
            Ok(Ending::Ready {
                protocol: PROTOCOL,
                engine,
                version,
                lacks,
            }) => {
                adapter.lacks = lacks;
                Ok((adapter, EngineInfo { engine, version }))
            }
            Ok(Ending::Ready { protocol, .. }) => failed(format!(
                "`{name}` speaks version {protocol} of the engine protocol, not {PROTOCOL}"
            )),
            Ok(Ending::Unavailable { message }) => failed(message),
            Ok(_) => failed(format!("`{name}` does not answer `hello` by `ready`")),
            Err(Cause::Interrupted) => Err(StartError::Interrupted),
            Err(Cause::Timeout(_)) => {
                let seconds = START_TIMEOUT.as_secs();
                failed(format!("`{name}` is not ready after {seconds} s"))
            }
            Err(cause @ (Cause::Memory | Cause::Crash(_) | Cause::Killed(_))) => {
                let why = format!("`{name}` does not start");
                Err(StartError::Died(Unavailable::because(&why, cause)))
            }
        }
    }

    /// The kinds of values that do not cross to the engine as they are.
    pub fn lacks(&self) -> &[Lack] {
        &self.lacks
    }

    /// Lets each of the next requests take so long.
    pub fn allow(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    fn spawn(command: &AdapterCommand) -> std::io::Result<Adapter> {
        let stderr = File::from(memfd_create("wassay-adapter", MemfdFlags::CLOEXEC)?);
        let mut child = Command::new(&command.words[0])
            .args(&command.words[1..])
            .envs(&command.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone()?)
            // Ctrl-C is for the harness, which then kills the whole group.
            .process_group(0)
            .spawn()?;
        goes_first(child.id());
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let (line_sender, lines) = channel();
        let (requests, request_receiver) = channel::<Vec<u8>>();
        // From here on, an error drops the adapter, which ends and reaps the process.
        let mut adapter = Adapter {
            child,
            lines,
            requests: Some(requests),
            stderr,
            id: 0,
            lacks: Vec::new(),
            timeout: START_TIMEOUT,
            is_reaped: false,
            guarded: None,
        };
        adapter.guarded = adapter.group().map(Guarded::new).transpose()?;
        thread::builder().spawn(move || read_lines(stdout, &line_sender))?;
        thread::builder().spawn(move || {
            while let Ok(request) = request_receiver.recv() {
                if stdin
                    .write_all(&request)
                    .and_then(|()| stdin.flush())
                    .is_err()
                {
                    return;
                }
            }
        })?;
        Ok(adapter)
    }

    /// The next line, or the cause why there will be none.
    fn line(&mut self) -> Result<String, Cause> {
        let mut clock = ProcessClock::new(self.child.id());
        let asked = clock.now();
        loop {
            match self.lines.recv_timeout(TICK) {
                Ok(Ok(line)) => return Ok(line),
                Ok(Err(error)) => return Err(self.crash(&error.to_string())),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if interrupt::requested() {
                self.kill();
                return Err(Cause::Interrupted);
            }
            if clock.now().since(asked) > self.timeout {
                self.kill();
                return Err(Cause::Timeout(None));
            }
        }
    }

    fn crash(&mut self, reason: &str) -> Cause {
        self.kill();
        Cause::Crash(format!("the adapter {reason}"))
    }

    /// The end of an adapter that closed its output.
    fn ended(&mut self) -> Cause {
        let deadline = Instant::now() + Duration::from_secs(1);
        let how = loop {
            match self.how_it_ended() {
                Some(Cause::Crash(how)) => break how,
                Some(killed) => {
                    self.kill();
                    return killed;
                }
                None if Instant::now() > deadline => {
                    break "closed its output and went on".to_string();
                }
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        let last = tail(&mut self.stderr).ok();
        let last = last.and_then(|text| last_words(&text));
        let last = last.map_or_else(String::new, |line| format!(": {line}"));
        self.crash(&format!("{how}{last}"))
    }

    /// How the adapter ended, if it did. It is not reaped, so that its process group keeps its
    /// number until [`Adapter::kill`].
    fn how_it_ended(&self) -> Option<Cause> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(self.group()?), options).ok()??;
        Some(match (status.terminating_signal(), status.exit_status()) {
            (Some(signal), _) if is_from_outside(signal) => {
                Cause::Killed(format!("the adapter was killed by signal {signal}"))
            }
            (Some(signal), _) => Cause::Crash(format!("was ended by signal {signal}")),
            (None, code) => Cause::Crash(format!("ended with code {}", code.unwrap_or(-1))),
        })
    }

    /// The process group, which has the adapter's own number.
    fn group(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// Kills the adapter with all that it started, and reaps it; harmless when repeated.
    fn kill(&mut self) {
        if std::mem::replace(&mut self.is_reaped, true) {
            return;
        }
        if let Some(group) = self.group() {
            // An error means that all of it is dead already.
            let _ = kill_process_group(group, Signal::KILL);
        }
        // As long as it is not reaped, nobody else has its number.
        self.guarded = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Channel for Adapter {
    fn ask(&mut self, operation: Operation) -> Result<Ending, Cause> {
        if let Ok(line) = self.lines.try_recv() {
            let line = line.unwrap_or_default();
            return Err(self.crash(&format!("wrote before it was asked: {}", excerpt(&line))));
        }
        self.id += 1;
        let request = Request {
            id: self.id,
            operation,
        };
        let mut bytes = serde_json::to_vec(&request)
            .map_err(|error| Cause::Crash(format!("a request cannot be written: {error}")))?;
        bytes.push(b'\n');
        if let Some(requests) = &self.requests {
            // A dead adapter says so by its stdout.
            let _ = requests.send(bytes);
        }
        let line = self.line()?;
        let response: Response = match serde_json::from_str(&line) {
            Ok(response) => response,
            Err(error) => {
                let what = format!("wrote what is not a response ({error}): {}", excerpt(&line));
                return Err(self.crash(&what));
            }
        };
        if response.id != self.id {
            let what = format!("answered request {}, not {}", response.id, self.id);
            return Err(self.crash(&what));
        }
        Ok(response.ending)
    }
}

impl Session for Adapter {
    fn run(&mut self, job: Job<'_>, timeout: Duration) -> Result<JobResult, Death> {
        let started = Instant::now();
        let mut reports: Vec<Report> = Vec::with_capacity(job.commands.len());
        self.timeout = timeout;
        let died = |ordinal: Option<u32>| move |cause| Death { ordinal, cause };
        let lacks = self.lacks.clone();
        let show = job.config.show_state;
        let conventions = job.config.conventions;
        let driver = Driver::start(self, &job.commands, conventions, &lacks, show);
        let mut driver = driver.map_err(died(None))?;
        let mut lacks = None;
        for (ordinal, command) in (0_u32..).zip(job.commands.iter()) {
            let outcome = if job.excluded.binary_search(&ordinal).is_ok() {
                driver.leave_out(ordinal, command);
                // What a call does is not known, nor what instances share.
                lacks = lacks.or(command.may_have_effects().then_some(ordinal));
                Outcome::NotRun("left out".to_string())
            } else {
                driver.run(command).map_err(died(Some(ordinal)))?
            };
            let visible = match show {
                true => driver.visible(command).map_err(died(Some(ordinal)))?,
                false => Vec::new(),
            };
            reports.push(Report {
                trace: None,
                visible,
                lacks,
                ..Report::from(outcome)
            });
        }
        Ok(JobResult {
            sequence: job.sequence,
            reports,
            proof: Proof::default(),
            micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        })
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        self.requests = None;
        self.kill();
    }
}

/// Hands on every line until the stream ends or is not understood.
fn read_lines(stdout: ChildStdout, lines: &Sender<Result<String, LineError>>) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let mut bytes = Vec::new();
        let read = (&mut stdout)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut bytes);
        let line = match read {
            Ok(0) | Err(_) => return,
            Ok(_) if bytes.last() != Some(&b'\n') && bytes.len() as u64 >= LINE_BYTES_MAX => {
                Err(LineError::TooLong)
            }
            Ok(_) => String::from_utf8(bytes).map_err(LineError::from),
        };
        let last = line.is_err();
        if lines.send(line).is_err() || last {
            return;
        }
    }
}

/// The beginning of a line, for messages.
fn excerpt(line: &str) -> String {
    let short: String = line.trim().chars().take(80).collect();
    short.escape_debug().to_string()
}
