//! Calls one export without parameters in the JIT tier, between the marks by which an emulator's
//! plugin counts executed instructions in the module's code: `jit_count FILE.wat EXPORT
//! [explicit]`.
//!
//! Prints the result; the plugin prints the counts, with tag 1 for the call.

use wassay_runtime::jit::backend::Compiled;
use wassay_runtime::{Bounds, Config, Engine, Error, Instance, Module, Store, Tier};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, export, rest @ ..] = &args[..] else {
        eprintln!("usage: jit_count FILE.wat EXPORT [explicit]");
        std::process::exit(2);
    };
    if let Err(error) = run(file, export, !rest.is_empty()) {
        eprintln!("{file}: {error}");
        std::process::exit(1);
    }
}

fn run(file: &str, export: &str, explicit: bool) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = wast::parser::ParseBuffer::new(&std::fs::read_to_string(file)?)
        .and_then(|buffer| wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode())?;
    let mut config = Config::only(Tier::Jit);
    if explicit {
        config.bounds = Bounds::Explicit;
    }
    let engine = Engine::new(config)?;
    mark(2, 0..0);
    let module = Module::new(&engine, &bytes)?;
    let mut store = Store::new(&engine);
    let instance = Instance::new(&mut store, &module, &[])?;
    mark(3, 0..0);
    let func = instance
        .func(&store, export)
        .ok_or_else(|| Error::usage("no such export"))?;
    let code = module.compiled[Tier::Jit as usize].get();
    let code = code.and_then(|code| code.as_any().downcast_ref::<Compiled>());
    let range = code.ok_or("the module is not compiled")?.range();
    mark(0, 0..0);
    let results = func.call(&mut store, &[])?;
    mark(1, range);
    println!("{file} {results:x?}");
    Ok(())
}

/// Ends a count; without the plugin an unknown system call, which does nothing.
fn mark(tag: usize, range: std::ops::Range<usize>) {
    const MARK: libc::c_long = 500_001;
    // SAFETY: no system has a call of this number.
    unsafe { libc::syscall(MARK, tag, range.start, range.end) };
}
