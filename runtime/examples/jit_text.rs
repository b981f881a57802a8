//! Prints what the JIT makes of a module, on any host: `jit_text FILE.wat [explicit]` shows SSA as
//! built and as optimised, and the A64 instructions, function by function; seconds go to stderr.

use std::time::Instant;

use wassay_runtime::{Bounds, Config, Engine, Module, Tier, jit};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, rest @ ..] = &args[..] else {
        eprintln!("usage: jit_text FILE.wat [explicit]");
        std::process::exit(2);
    };
    if let Err(error) = run(file, !rest.is_empty()) {
        eprintln!("{file}: {error}");
        std::process::exit(1);
    }
}

fn run(file: &str, explicit: bool) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = wast::parser::ParseBuffer::new(&std::fs::read_to_string(file)?)
        .and_then(|buffer| wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode())?;
    let mut config = Config::only(Tier::Register);
    if explicit {
        config.bounds = Bounds::Explicit;
    }
    let engine = Engine::new(config)?;
    let module = Module::new(&engine, &bytes)?;
    for body in 0..module.bodies.len() {
        let started = Instant::now();
        let stages = jit::stages(&module, body, &config)?;
        let seconds = started.elapsed().as_secs_f64();
        println!("; function {body}, built\n{}", stages.built);
        println!("; function {body}, optimised\n{}", stages.optimised);
        println!("; function {body}, emitted\n{}", stages.listing);
        eprintln!("function {body}: {seconds:.4} s");
    }
    Ok(())
}
