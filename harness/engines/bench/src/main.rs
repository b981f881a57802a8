//! Times Wassay's tiers and other engines side by side: kernels by the user seconds of a call,
//! large modules by the processor time to load them, compiled code by the instructions executed.
//! `scripts/bench` builds and runs it.
//!
//! Every sample is a process of its own (`wassay-bench one ENGINE FILE EXPORT`, what the others
//! start), and samples of all engines take turns, so that the machine's drift falls on all alike.
//! Medians are printed and written as JSON and Markdown. Nothing is judged: figures are figures.

mod calls;
mod engines;
mod page;
mod program;
mod sample;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use engines::EngineName;
use table::{Bench, Job, Results};

const USAGE: &str =
    "usage: wassay-bench kernels|programs|load|count [--runs N] [--engines A,B] [--out DIR] FILE...
       wassay-bench calls [--out DIR]
       wassay-bench page DIR
       wassay-bench one ENGINE FILE EXPORT

kernels:  median user seconds of the export `run` of each FILE.wat or FILE.wasm.
programs: the same of WASI programs, and CPU milliseconds with the loading of their modules.
load:     median CPU milliseconds to compile, instantiate and first call; FILE.wasm=EXPORT.
count:    instructions executed in compiled code by `run`, and to load the module, in processes
          that are started by the words of WASSAY_BENCH_COUNTING (an emulator with the counting
          plugin, and this program for its processor).
calls:    nanoseconds of a typed entry and of a typed host call.
page:     the tables of DIR as DIR/index.html.
--out:    also writes each table as DIR/NAME.json and DIR/NAME.md.

Where the JIT's code does not run, WASSAY_BENCH_EMULATED has the words that run this program, built
for ARM64: its columns are marked as emulated. Exit code 1 if results differ.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folder = args.get(1).map(Path::new);
    let rest = args.get(1..).unwrap_or_default();
    let done = match args.first().map(String::as_str) {
        Some("one") => one(rest).map(|()| true),
        Some("calls") => calls(rest),
        Some("page") => page(folder),
        Some("kernels") => bench(&[Job::Kernels], 5, rest),
        Some("programs") => bench(&[Job::Programs, Job::Whole], 5, rest),
        Some("load") => bench(&[Job::Load], 5, rest),
        Some("count") => bench(&[Job::Instructions, Job::Compiling], 1, rest),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("wassay-bench: {error}");
            ExitCode::from(2)
        }
    }
}

type Done<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// One sample, on stdout.
fn one(args: &[String]) -> Done {
    let [engine, file, export] = args else {
        return Err(USAGE.into());
    };
    let engine = EngineName::named(engine).ok_or("no such engine")?;
    let bytes = std::fs::read(file)?;
    let sample = engines::run(engine, &bytes, export)?;
    println!("{}", serde_json::to_string(&sample)?);
    Ok(())
}

/// Takes samples, prints tables and writes them. False if results differ.
fn bench(jobs: &'static [Job], runs: usize, args: &[String]) -> Done<bool> {
    let counting = match jobs.contains(&Job::Instructions) {
        true => std::env::var("WASSAY_BENCH_COUNTING")?,
        false => String::new(),
    };
    let mut bench = Bench {
        jobs,
        runs,
        engines: EngineName::all(jobs[0]),
        files: Vec::new(),
        counting: counting.split_whitespace().map(str::to_owned).collect(),
    };
    let mut out = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(USAGE);
        match arg.as_str() {
            "--runs" => bench.runs = value()?.parse()?,
            "--out" => out = Some(PathBuf::from(value()?)),
            "--engines" => {
                let named = |name| EngineName::named(name).ok_or(format!("no engine `{name}`"));
                bench.engines = value()?.split(',').map(named).collect::<Result<_, _>>()?;
            }
            file => bench.files.push(file.to_owned()),
        }
    }
    let tables = bench.measure()?;
    for table in &tables {
        show(table, out.as_deref())?;
    }
    Ok(tables.iter().all(Results::agree))
}

/// Measures calls, prints the table and writes it.
fn calls(args: &[String]) -> Done<bool> {
    let out = match args {
        [] => None,
        [word, out] if word == "--out" => Some(Path::new(out)),
        _ => return Err(USAGE.into()),
    };
    show(&calls::measure()?, out)?;
    Ok(true)
}

/// Prints a table, and writes it below a folder.
fn show(table: &Results, out: Option<&Path>) -> Done {
    println!("{}", table.markdown());
    if let Some(out) = out {
        let file = out.join(table.job().name());
        std::fs::write(file.with_extension("md"), table.markdown())?;
        let json = serde_json::to_string_pretty(table)?;
        std::fs::write(file.with_extension("json"), json + "\n")?;
    }
    Ok(())
}

/// Makes the page of the tables that a folder has.
fn page(folder: Option<&Path>) -> Done<bool> {
    let folder = folder.ok_or(USAGE)?;
    let mut tables = Vec::new();
    for job in Job::ALL {
        if let Ok(text) = std::fs::read_to_string(folder.join(job.name()).with_extension("json")) {
            tables.push(serde_json::from_str::<Results>(&text)?);
        }
    }
    std::fs::write(folder.join("index.html"), page::page(&tables))?;
    Ok(true)
}
