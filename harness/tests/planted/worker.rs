//! The worker of tests: it speaks the protocol, and misbehaves where it is told to.
//!
//! A test program is also the worker that it tests with: called as `... fake-worker FAULTS worker
//! ...` it answers every command with its ordinal, and misbehaves where FAULTS (`crash@3,hang@5`)
//! says so. With `true:FAULTS` it runs jobs truly, in the register interpreter, up to a fault; with
//! `lie-WHAT@N` it runs them truly and alters the report of directive N: what a fault of a tier
//! looks like to the program.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use wassay::outcome::{Outcome, Proof, Report, Value};
use wassay::protocol::cell::Cell;
use wassay::protocol::{
    FromWorker, Job, JobResult, PROTOCOL_VERSION, ToWorker, read_frame, write_frame,
};
use wassay::script::{Command, ModuleSource};
use wassay::tier::Tier;

/// The outcome of a directive that nothing befell.
pub(crate) fn answered(ordinal: u32) -> Outcome {
    Outcome::Values(vec![Value::I32(ordinal)])
}

/// Answers as a worker does, with faults.
pub(crate) fn main(faults: &str, args: &[String]) -> ExitCode {
    let [_worker, _, tier, _, cell, ..] = args else {
        return ExitCode::from(2);
    };
    let cell = Cell::open(Path::new(cell)).expect("the master's cell");
    if let Some((folder, deaths)) = faults
        .strip_prefix("startdie:")
        .and_then(|it| it.split_once('@'))
    {
        // A file for each death.
        let deaths: usize = deaths.parse().expect("a number");
        let died = std::fs::read_dir(folder).expect("there").count();
        if died < deaths {
            std::fs::write(Path::new(folder).join(died.to_string()), "").expect("written");
            return ExitCode::from(9);
        }
    }
    let ready = match faults {
        "unavailable" => FromWorker::Unavailable {
            reason: "a fake reason".to_string(),
        },
        _ => FromWorker::Ready {
            protocol: PROTOCOL_VERSION.wrapping_add(u64::from(faults == "protocol")),
            tier: tier.parse().expect("a tier"),
            arch: "fake".to_string(),
        },
    };
    send(&ready);
    let mut jobs = 0;
    while let Ok(ToWorker::Job(job)) = read_frame(&mut std::io::stdin().lock()) {
        jobs += 1;
        if faults == "idle" {
            return ExitCode::from(9);
        }
        if faults == "xor" {
            send(&FromWorker::Result(wrong_instruction(&job, &cell)));
            continue;
        }
        if let Some(faults) = faults.strip_prefix("true:") {
            send(&FromWorker::Result(true_but_for(faults, &job, &cell, jobs)));
            continue;
        }
        if let Some(lie) = faults.strip_prefix("lie-") {
            send(&FromWorker::Result(lie_about(lie, &job, &cell)));
            continue;
        }
        answer(&job, faults, &cell, jobs);
    }
    ExitCode::SUCCESS
}

/// What the register interpreter makes of a job in which an instruction stands for another one:
/// `i32.or` for `i32.xor`.
fn wrong_instruction(job: &Job<'_>, cell: &Cell) -> JobResult {
    let commands = job.commands.iter().cloned().map(|mut command| {
        if let Command::Module {
            module: ModuleSource::Binary(bytes),
            ..
        } = &mut command
        {
            falsify(bytes);
        }
        command
    });
    let job = Job {
        commands: commands.collect::<Vec<Command>>().into(),
        ..job.clone()
    };
    wassay::worker::run_job(Tier::Register, cell, &job)
}

fn falsify(bytes: &mut [u8]) {
    const OR: u8 = 0x72;
    let module = bytes.to_vec();
    for payload in wasmparser::Parser::new(0).parse_all(&module) {
        let Ok(wasmparser::Payload::CodeSectionEntry(body)) = payload else {
            continue;
        };
        let operators = body
            .get_operators_reader()
            .expect("valid")
            .into_iter_with_offsets();
        for (operator, offset) in operators.map(|it| it.expect("valid")) {
            if matches!(operator, wasmparser::Operator::I32Xor) {
                bytes[offset as usize] = OR;
            }
        }
    }
}

/// What the register interpreter makes of a job, with one report altered.
fn lie_about(lie: &str, job: &Job<'_>, cell: &Cell) -> JobResult {
    let mut result = wassay::worker::run_job(Tier::Register, cell, job);
    let (what, ordinal) = lie.split_once('@').expect("WHAT@ORDINAL");
    let ordinal: usize = ordinal.parse().expect("a number");
    let report = &mut result.reports[ordinal];
    match what {
        "result" => report.outcome = Outcome::Values(vec![Value::I32(6)]),
        "trap" => report.outcome = Outcome::Trap("unreachable".to_string()),
        "state" => {
            let state = report.state.as_mut().expect("states are compared");
            state.memories ^= 1;
        }
        "not" => {}
        other => panic!("no such lie: {other}"),
    }
    result
}

/// What the register interpreter makes of a job, but for faults that strike before.
fn true_but_for(faults: &str, job: &Job<'_>, cell: &Cell, jobs: u32) -> JobResult {
    for (ordinal, _) in (0..).zip(&*job.commands) {
        if !job.excluded.contains(&ordinal) {
            cell.announce(job.sequence, Some(ordinal));
            strike_at(faults, ordinal, job.sequence, jobs);
        }
    }
    wassay::worker::run_job(Tier::Register, cell, job)
}

fn strike_at(faults: &str, ordinal: u32, sequence: u32, jobs: u32) {
    for fault in faults.split(',') {
        if let Some((name, at)) = fault.split_once('@')
            && at.parse() == Ok(ordinal)
        {
            strike(name, sequence, jobs);
        }
    }
}

fn send(frame: &FromWorker) {
    write_frame(&mut std::io::stdout().lock(), frame).expect("the master reads");
}

fn answer(job: &Job<'_>, faults: &str, cell: &Cell, jobs: u32) {
    let mut reports: Vec<Report> = Vec::new();
    for (ordinal, _) in (0..).zip(&*job.commands) {
        if job.excluded.contains(&ordinal) {
            reports.push(Outcome::NotRun("excluded".to_string()).into());
            continue;
        }
        cell.announce(job.sequence, Some(ordinal));
        strike_at(faults, ordinal, job.sequence, jobs);
        reports.push(answered(ordinal).into());
    }
    cell.announce(job.sequence, None);
    let is_late = |ordinal: u32| faults.split(',').any(|it| it == format!("late@{ordinal}"));
    let ran = |ordinal: &u32| !job.excluded.contains(ordinal);
    if (0..job.commands.len() as u32).filter(ran).any(is_late) {
        std::process::abort();
    }
    send(&FromWorker::Result(JobResult {
        sequence: job.sequence,
        reports,
        proof: Proof::default(),
        micros: 1,
    }));
}

fn strike(name: &str, sequence: u32, jobs: u32) {
    let mut stdout = std::io::stdout().lock();
    match name {
        "crash" => std::process::abort(),
        "exit" => std::process::exit(7),
        "panic" => {
            drop(stdout);
            panic!("a fake panic");
        }
        "stale" if jobs > 1 => std::process::abort(),
        "stalehang" if jobs > 1 => hang(),
        "stale" | "stalehang" | "late" => {}
        "kill" => kill(),
        name if name.starts_with("killonce:") => {
            let done = Path::new(&name["killonce:".len()..]);
            if !done.exists() {
                std::fs::write(done, "").expect("written");
                kill();
            }
        }
        name if name.starts_with("startdie:") => {}
        "garbage" => {
            // And then no more: what a worker writes is pinned on what it is doing then.
            stdout
                .write_all(&[0xff; 64])
                .and_then(|()| stdout.flush())
                .expect("open");
            drop(stdout);
            hang();
        }
        "midframe" => {
            // The frame says 100 bytes, and 3 come.
            stdout.write_all(&[100, 0, 0, 0, 1, 2, 3]).expect("open");
            stdout.flush().expect("open");
            std::process::exit(0);
        }
        "short" => {
            drop(stdout);
            send(&FromWorker::Result(JobResult {
                sequence,
                reports: Vec::new(),
                proof: Proof::default(),
                micros: 1,
            }));
            hang();
        }
        "close" => {
            drop(stdout);
            close_stdout();
            hang();
        }
        "hang" => hang(),
        other => panic!("no such fault: {other}"),
    }
}

/// What the system does where no memory is left.
fn kill() {
    let this = rustix::process::getpid();
    rustix::process::kill_process(this, rustix::process::Signal::KILL).expect("sent");
    hang();
}

fn hang() {
    std::thread::sleep(Duration::from_secs(600));
}

/// Closes stdout for this process, without unsafe code: the descriptor's owner is dropped.
fn close_stdout() {
    use std::os::fd::AsFd;
    let null = std::fs::File::options()
        .write(true)
        .open("/dev/null")
        .expect("there");
    rustix::stdio::dup2_stdout(null.as_fd()).expect("replaced");
}
