//! One worker process: started, spoken to with a deadline, and always killed and reaped.
//!
//! Two threads of its own, one writing to its stdin and one reading from its stdout, make every
//! wait interruptible: whatever the worker does or does not do, the caller wakes at every
//! [`TICK`], sees the directive that is announced in the progress cell, and can give up.
//!
//! Invariant: a `Worker` that goes out of scope leaves no process, no thread that waits for one,
//! and no file.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::param::page_size;
use rustix::process::{Pid, Signal, kill_process};
use wassay_runtime::interior::crash::PLACE;

use super::launch::Program;
use super::patience::{Moment, ProcessClock};
use super::room::goes_first;
use super::{Cause, Death, Launcher, Session, StartError, Unavailable};
use crate::interrupt;
use crate::protocol::cell::{Cell, LANES, Progress};
use crate::protocol::{
    FrameError, FromWorker, Job, JobResult, MEMORY_EXIT, PROTOCOL_VERSION, ToWorker, read_frame,
    write_frame,
};
use crate::thread;
use crate::tier::Tier;

/// How often a wait looks at the progress cell and at Ctrl-C.
const TICK: Duration = Duration::from_millis(20);
/// How long a worker may take until it is ready; an emulator on a busy machine is slow to start.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// A worker that holds more than this when it has done a job is replaced.
const WORN_BYTES: u64 = 96 << 20;
/// How long a worker that is to be killed may take to say where it is.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(200);
/// How much of a dead worker's stderr is looked at.
const STDERR_BYTES_MAX: u64 = 64 << 10;

/// The last lines of a dead worker's stderr that are its reason.
const LAST_LINES: usize = 3;
/// The most characters of them.
const LAST_CHARS_MAX: usize = 400;

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    frames: Receiver<Result<FromWorker, FrameError>>,
    jobs: Option<Sender<Vec<u8>>>,
    cell: Cell,
    stderr: File,
    /// Number of the last job.
    sequence: u32,
}

/// The workers of a tier of our own.
#[derive(Clone, Debug)]
pub struct Workers {
    /// The program.
    pub program: Program,
    /// The tier.
    pub tier: Tier,
}

impl Launcher for Workers {
    fn start(&self) -> Result<Box<dyn Session>, StartError> {
        Ok(Box::new(Worker::start(&self.program, self.tier)?))
    }

    fn can_interrupt(&self) -> bool {
        true
    }
}

impl Worker {
    /// Starts a worker and waits until it is ready.
    ///
    /// # Errors
    /// If the tier cannot run here, or the worker is no worker of this version.
    pub fn start(program: &Program, tier: Tier) -> Result<Worker, StartError> {
        let mut worker = Worker::spawn(program, tier)
            .map_err(|error| StartError::of_program(&program.name(), error))?;
        let started = Instant::now();
        let failed = |reason: String| Err(Unavailable::new(reason).into());
        loop {
            match worker.frames.recv_timeout(TICK) {
                Ok(Ok(FromWorker::Ready {
                    protocol,
                    tier: ready,
                    arch: _,
                })) => {
                    return match (protocol, ready) {
                        (PROTOCOL_VERSION, ready) if ready == tier => Ok(worker),
                        (PROTOCOL_VERSION, other) => {
                            failed(format!("the worker runs tier `{other}`, not `{tier}`"))
                        }
                        (other, _) => failed(format!(
                            "the worker is of another build ({other:016x}, not \
                             {PROTOCOL_VERSION:016x}): run scripts/build"
                        )),
                    };
                }
                Ok(Ok(FromWorker::Unavailable { reason })) => return failed(reason),
                Ok(Ok(FromWorker::Result(_))) => {
                    return failed("the worker answers before it is asked".to_string());
                }
                Ok(Err(error)) => {
                    let cause = worker.how_it_died(&error);
                    let reason = Unavailable::because("the worker does not start", cause);
                    return Err(StartError::Died(reason));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = Unavailable::new("the worker's stdout is closed");
                    return Err(StartError::Died(reason));
                }
                Err(RecvTimeoutError::Timeout) if interrupt::requested() => {
                    return Err(StartError::Interrupted);
                }
                Err(RecvTimeoutError::Timeout) if started.elapsed() > START_TIMEOUT => {
                    let seconds = START_TIMEOUT.as_secs();
                    return failed(format!("the worker is not ready after {seconds} s"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn spawn(program: &Program, tier: Tier) -> std::io::Result<Worker> {
        let cell = Cell::create()?;
        let stderr = File::from(memfd_create("wassay-stderr", MemfdFlags::CLOEXEC)?);
        let mut command = program.command();
        command
            .args(["worker", "--tier", tier.name(), "--cell"])
            .arg(cell.path())
            .args(["--host", std::env::consts::ARCH])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone()?)
            // A backtrace that nobody reads can take longer than a directive may.
            .env("RUST_BACKTRACE", "0")
            // Ctrl-C is for the master, which then kills its workers.
            .process_group(0);
        // Threads have stacks of the sizes that the worker says.
        command.env_remove("RUST_MIN_STACK");
        let mut child = command.spawn()?;
        goes_first(child.id());
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let (frame_sender, frames) = channel();
        let (jobs, job_receiver) = channel();
        // From here on, an error drops the worker, which ends and reaps the process.
        let worker = Worker {
            child,
            frames,
            jobs: Some(jobs),
            cell,
            stderr,
            sequence: 0,
        };
        thread::builder().spawn(move || read_frames(stdout, &frame_sender))?;
        thread::builder().spawn(move || write_jobs(stdin, &job_receiver))?;
        Ok(worker)
    }

    /// The next frame, or how there will be none.
    fn wait_for_answer(
        &mut self,
        timeout: Duration,
    ) -> Result<Result<FromWorker, FrameError>, Death> {
        let mut clock = ProcessClock::new(self.child.id());
        let mut watch = Watch::new(self.sequence, clock.now());
        loop {
            match self.frames.recv_timeout(TICK) {
                Ok(frame) => return Ok(frame),
                Err(RecvTimeoutError::Disconnected) => return Ok(Err(FrameError::Closed)),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if interrupt::requested() {
                return Err(self.death(Cause::Interrupted));
            }
            if let Some(ordinal) = watch.hanging(&self.cell.lanes(), timeout, clock.now()) {
                let place = self.place();
                self.kill();
                let cause = Cause::Timeout(place);
                return Err(Death { ordinal, cause });
            }
        }
    }

    /// Asks the worker for the place at which it is. One that does not answer at once is not waited
    /// for.
    fn place(&mut self) -> Option<String> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).ok()?)?;
        kill_process(pid, Signal::USR1).ok()?;
        let asked = Instant::now();
        while asked.elapsed() < ANSWER_TIMEOUT {
            std::thread::sleep(Duration::from_millis(1));
            let is_dead = !matches!(self.child.try_wait(), Ok(None));
            let said = tail(&mut self.stderr).ok()?;
            if let Some((_, rest)) = said.rsplit_once(PLACE)
                && let Some((place, _)) = rest.split_once('\n')
            {
                return Some(place.to_string()).filter(|place| !place.is_empty());
            } else if is_dead {
                return None;
            }
        }
        None
    }

    /// Kills what is left of the worker, and says what it was running.
    fn death(&mut self, cause: Cause) -> Death {
        self.kill();
        let Progress { sequence, ordinal } = self.cell.read();
        Death {
            ordinal: ordinal.filter(|_| sequence == self.sequence),
            cause,
        }
    }

    /// Kills and reaps; harmless when repeated.
    fn kill(&mut self) -> Option<ExitStatus> {
        // An error means that it is dead already.
        let _ = self.child.kill();
        self.child.wait().ok()
    }

    /// Why the stream from the worker ended, in words that are the same in every run.
    fn how_it_died(&mut self, error: &FrameError) -> Cause {
        if let FrameError::Corrupt(reason) = error {
            self.kill();
            return Cause::Crash(format!("the worker sent what is no answer: {reason}"));
        }
        // A worker that closed its stdout is about to end; one that is not is made to.
        let deadline = Instant::now() + Duration::from_secs(1);
        let mut status = None;
        while status.is_none() && Instant::now() < deadline {
            status = self.child.try_wait().ok().flatten();
            std::thread::sleep(Duration::from_millis(1));
        }
        let Some(status) = status else {
            self.kill();
            return Cause::Crash("the worker closed its output and went on".to_string());
        };
        if status.code() == Some(MEMORY_EXIT) {
            return Cause::Memory;
        }
        let ended = match (status.signal(), status.code()) {
            (Some(signal), _) if is_from_outside(signal) => {
                return Cause::Killed(format!("the worker was killed by signal {signal}"));
            }
            (Some(signal), _) => format!("the worker was ended by signal {signal}"),
            (None, Some(code)) => format!("the worker ended with code {code}"),
            (None, None) => "the worker ended".to_string(),
        };
        let said = tail(&mut self.stderr).ok();
        let said = said.and_then(|text| panic_in(&text).or_else(|| last_words(&text)));
        Cause::Crash(match said {
            Some(message) => format!("{ended}: {message}"),
            None => ended,
        })
    }
}

/// True for the signals that no program gets by a fault of its own: SIGHUP, SIGINT, SIGKILL and
/// SIGTERM.
pub fn is_from_outside(signal: i32) -> bool {
    let signals = [Signal::HUP, Signal::INT, Signal::KILL, Signal::TERM];
    signals.into_iter().any(|it| it.as_raw() == signal)
}

/// The end of what a process wrote to its stderr.
///
/// # Errors
/// If it cannot be read.
pub fn tail(stderr: &mut File) -> std::io::Result<String> {
    let length = stderr.seek(SeekFrom::End(0))?;
    let start = length.saturating_sub(STDERR_BYTES_MAX);
    stderr.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    stderr.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last lines of a process's stderr, as one.
pub fn last_words(stderr: &str) -> Option<String> {
    let lines = stderr.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    let mut text = last.join("; ");
    if let Some((end, _)) = text.char_indices().nth(LAST_CHARS_MAX) {
        text.truncate(end);
    }
    (!text.is_empty()).then_some(text)
}

impl Session for Worker {
    fn is_worn(&self) -> bool {
        resident_bytes(self.child.id()).is_some_and(|bytes| bytes > WORN_BYTES)
    }

    fn run(&mut self, mut job: Job<'_>, timeout: Duration) -> Result<JobResult, Death> {
        self.sequence += 1;
        job.sequence = self.sequence;
        let commands = job.commands.len();
        let mut frame = Vec::new();
        write_frame(&mut frame, &ToWorker::Job(job)).map_err(|error| Death {
            ordinal: None,
            cause: Cause::Crash(format!("the job cannot be sent: {error}")),
        })?;
        let jobs = self
            .jobs
            .as_ref()
            .expect("it is taken only when the worker is dropped");
        // If the worker is dead already, its stdout says so below.
        let _ = jobs.send(frame);
        match self.wait_for_answer(timeout)? {
            Ok(FromWorker::Result(result))
                if result.sequence == self.sequence && result.reports.len() == commands =>
            {
                Ok(result)
            }
            Ok(_) => Err(self.death(Cause::Crash("the worker's answer is not to the job".into()))),
            Err(error) => {
                let cause = self.how_it_died(&error);
                Err(self.death(cause))
            }
        }
    }
}

/// The memory that a process has, where the system tells.
fn resident_bytes(pid: u32) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * page_size() as u64)
}

/// Since when each lane of the progress cell has not moved.
struct Watch {
    sequence: u32,
    seen: [(Option<u32>, Moment); LANES],
}

impl Watch {
    /// The watch over a job that begins.
    fn new(sequence: u32, now: Moment) -> Watch {
        let seen = [(None, now); LANES];
        Watch { sequence, seen }
    }

    /// The directive that has been running for longer than `timeout`, the longest of them; or that
    /// nothing has run for so long.
    fn hanging(
        &mut self,
        lanes: &[Progress; LANES],
        timeout: Duration,
        now: Moment,
    ) -> Option<Option<u32>> {
        for ((ordinal, since), progress) in self.seen.iter_mut().zip(lanes) {
            let running = progress
                .ordinal
                .filter(|_| progress.sequence == self.sequence);
            if running != *ordinal {
                (*ordinal, *since) = (running, now);
            }
        }
        let running = self.seen.iter().filter(|(ordinal, _)| ordinal.is_some());
        let (ordinal, since) = match running.min_by_key(|(_, since)| *since) {
            Some(longest) => *longest,
            None => (None, self.seen.iter().map(|(_, since)| *since).max()?),
        };
        (now.since(since) > timeout).then_some(ordinal)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The end of its stdin asks the worker to leave; killing it makes sure.
        self.jobs = None;
        self.kill();
    }
}

/// The place and message of the last panic in a program's stderr.
fn panic_in(stderr: &str) -> Option<String> {
    let (_, rest) = stderr.rsplit_once("panicked at ")?;
    let mut lines = rest.lines().map(str::trim);
    let place = lines.next()?;
    let message = lines.next().unwrap_or("");
    Some(
        format!("panicked at {place} {message}")
            .trim_end()
            .to_string(),
    )
}

/// Hands on every frame until the stream ends or is no more understood.
fn read_frames(stdout: ChildStdout, frames: &Sender<Result<FromWorker, FrameError>>) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let frame = read_frame(&mut stdout);
        let last = frame.is_err();
        if frames.send(frame).is_err() || last {
            return;
        }
    }
}

/// Writes every job until there will be no more or the worker is gone.
fn write_jobs(mut stdin: ChildStdin, jobs: &Receiver<Vec<u8>>) {
    while let Ok(job) = jobs.recv() {
        if stdin.write_all(&job).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::patience::PATIENCE;
    use super::*;

    /// A script that waits for its threads rests; what hangs is the thread that moves no more.
    #[test]
    fn a_timeout_is_of_the_lane_that_does_not_move() {
        let timeout = Duration::from_millis(40);
        let at = |sequence, ordinal| Progress { sequence, ordinal };
        let mut lanes = [at(0, None); LANES];
        let mut clock = ProcessClock::new(std::process::id());
        let mut watch = Watch::new(7, clock.now());
        let mut found = None;
        for step in 0.. {
            lanes[0] = at(7, None);
            lanes[1] = at(7, Some(100 + step));
            lanes[2] = at(7, Some(5));
            lanes[3] = at(6, Some(4));
            found = watch.hanging(&lanes, timeout, clock.now());
            if found.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(found, Some(Some(5)));
        let mut watch = Watch::new(8, clock.now());
        std::thread::sleep(timeout * PATIENCE * 2);
        assert_eq!(watch.hanging(&lanes, timeout, clock.now()), Some(None));
    }

    #[test]
    fn panics_are_found_without_the_thread() {
        let stderr = "noise\n\nthread 'main' (77) panicked at src/a.rs:1:2:\nboom\nnote: run\n";
        let message = Some("panicked at src/a.rs:1:2: boom".to_string());
        assert_eq!(panic_in(stderr), message);
        assert_eq!(panic_in("Segmentation fault"), None);
    }

    #[test]
    fn a_program_that_does_not_exist_makes_the_tier_unavailable() {
        let error = Worker::start(&Program::new("/nowhere/wassay"), Tier::Stack);
        let Err(StartError::Unavailable(reason)) = error else {
            panic!("it cannot start");
        };
        assert!(reason.to_string().contains("/nowhere/wassay"), "{reason}");
        let source = std::error::Error::source(&reason).expect("an error is behind it");
        assert!(source.is::<std::io::Error>());
    }

    #[test]
    fn a_program_that_is_no_worker_makes_the_tier_unavailable() {
        for program in ["true", "false"] {
            let error = Worker::start(&Program::new(program), Tier::Stack);
            let Err(StartError::Died(reason)) = error else {
                panic!("`{program}` is no worker");
            };
            let reason = reason.to_string();
            assert!(reason.contains("ended with code"), "{reason}");
        }
    }
}
