//! Times one export without parameters: `kernel TIER FILE.wat|FILE.wasm EXPORT [RUNS]`.
//!
//! Prints the result of each run and its seconds, on a fresh instance. For measuring by hand; it
//! owns no figures.

use std::time::Instant;

use wassay_runtime::{Config, Engine, Error, Instance, Module, Store, Tier};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [tier, file, export, runs @ ..] = &args[..] else {
        eprintln!("usage: kernel TIER FILE EXPORT [RUNS]");
        std::process::exit(2);
    };
    let runs = runs.first().and_then(|n| n.parse().ok()).unwrap_or(1);
    for _ in 0..runs {
        if let Err(error) = run(tier, file, export) {
            eprintln!("{file}: {error}");
            std::process::exit(1);
        }
    }
}

fn run(tier: &str, file: &str, export: &str) -> Result<(), Box<dyn std::error::Error>> {
    let tier = Tier::ALL.into_iter().find(|t| t.name() == tier);
    let tier = tier.ok_or("the tiers are stack, register, jit")?;
    let bytes = wast::parser::ParseBuffer::new(&std::fs::read_to_string(file)?)
        .and_then(|buffer| wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode())?;
    let engine = Engine::new(Config::only(tier))?;
    let started = Instant::now();
    let module = Module::new(&engine, &bytes)?;
    let mut store = Store::new(&engine);
    let instance = Instance::new(&mut store, &module, &[])?;
    let load = started.elapsed();
    let func = instance
        .func(&store, export)
        .ok_or_else(|| Error::usage("no such export"))?;
    let started = Instant::now();
    let results = func.call(&mut store, &[])?;
    let call = started.elapsed();
    println!(
        "{tier} {file} {results:x?} load {:.4} s, call {:.4} s",
        load.as_secs_f64(),
        call.as_secs_f64()
    );
    Ok(())
}
