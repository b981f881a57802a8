//! Times Wassay's tiers and other engines side by side: kernels by the user seconds of a call,
//! large modules by the processor time to load them, compiled code by the instructions executed.
//! `scripts/bench` builds and runs it.
//!
//! Every sample is a process of its own (`wassay-bench one ENGINE FILE EXPORT`, what the others
//! start), and samples of all engines take turns, so that the machine's drift falls on all alike.
//! Medians are printed and written as JSON and Markdown. Nothing is judged: figures are figures.

mod calls;
mod engines;
mod sample;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use engines::EngineName;
use table::{Bench, Job};

const USAGE: &str =
    "usage: wassay-bench kernels|load|count [--runs N] [--engines A,B] [--out DIR] FILE...
       wassay-bench calls [DIR]
       wassay-bench one ENGINE FILE EXPORT

kernels: median user seconds of the export `run` of each FILE.wat or FILE.wasm.
load:    median CPU milliseconds to compile, instantiate and first call; FILE.wasm=EXPORT.
count:   instructions executed in compiled code by `run`, and to load the module, in processes
         that are started by the words of WASSAY_BENCH_COUNTING (an emulator with the counting
         plugin, and this program for its processor).
calls:   nanoseconds of a typed entry and of a typed host call; also as DIR/calls.md.
--out:   also writes each table as DIR/NAME.json and DIR/NAME.md.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.first().map(String::as_str) {
        Some("one") => one(&args[1..]),
        Some("calls") => calls::measure(args.get(1).map(std::path::Path::new)),
        Some("kernels") => bench(&[Job::Kernels], 5, &args[1..]),
        Some("load") => bench(&[Job::Load], 5, &args[1..]),
        Some("count") => bench(&[Job::Instructions, Job::Compiling], 1, &args[1..]),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
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
    let bytes = sample::read(file)?;
    let sample = engines::run(engine, &bytes, export)?;
    println!("{}", serde_json::to_string(&sample)?);
    Ok(())
}

fn bench(jobs: &'static [Job], runs: usize, args: &[String]) -> Done {
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
    for results in bench.measure()? {
        println!("{}", results.markdown());
        if let Some(out) = &out {
            let table = out.join(results.job().name());
            std::fs::write(table.with_extension("md"), results.markdown())?;
            let json = serde_json::to_string_pretty(&results)?;
            std::fs::write(table.with_extension("json"), json + "\n")?;
        }
    }
    Ok(())
}
