//! Times one export without parameters: `kernel TIER[-lazy] FILE.wat|FILE.wasm EXPORT [RUNS]`.
//!
//! Prints the result of each run and its seconds of processor time, on a fresh instance. For
//! measuring by hand; it owns no figures. EXPORT may be `-`: then nothing is called.

use std::sync::OnceLock;
use std::time::Instant;

use wassay_runtime::module::Import;
use wassay_runtime::{
    Caller, Compilation, Config, Engine, Error, Extern, ExternType, Func, Instance, Module, Store,
    Tier, Val,
};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [tier, file, export, runs @ ..] = &args[..] else {
        eprintln!("usage: kernel TIER[-lazy] FILE EXPORT [RUNS]");
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
    let (name, is_lazy) = match tier.strip_suffix("-lazy") {
        Some(name) => (name, true),
        None => (tier, false),
    };
    let known = Tier::ALL.into_iter().find(|t| t.name() == name);
    let mut config = Config::only(known.ok_or("the tiers are stack, register, jit")?);
    if is_lazy {
        config.compilation = Compilation::Lazy;
    }
    let bytes = read(file)?;
    let engine = Engine::new(config)?;
    let started = seconds();
    let module = Module::new(&engine, &bytes)?;
    let decoded = seconds();
    let mut store = Store::new(&engine);
    let imports = stub_imports(&mut store, &module)?;
    let instance = Instance::new(&mut store, &module, &imports)?;
    let loaded = seconds();
    let results = match instance.func(&store, export) {
        Some(func) => func.call(&mut store, &[])?,
        None if export == "-" => Vec::new(),
        None => return Err("no such export".into()),
    };
    let ended = seconds();
    println!(
        "{tier} {file} {results:x?}: validate {:.4}, compile and instantiate {:.4}, call {:.4}",
        decoded - started,
        loaded - decoded,
        ended - loaded
    );
    Ok(())
}

/// A binary, or text encoded.
fn read(file: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let bytes = std::fs::read(file)?;
    if bytes.starts_with(b"\0asm") {
        return Ok(bytes);
    }
    let text = String::from_utf8(bytes)?;
    let buffer = wast::parser::ParseBuffer::new(&text)?;
    Ok(wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode()?)
}

/// Host functions that fail, for every function that is imported.
fn stub_imports(store: &mut Store, module: &Module) -> Result<Vec<Extern>, Error> {
    let stub = |import: &Import| match import.ty {
        ExternType::Func { ty, .. } => {
            let ty = store.engine().registry().func(ty);
            let fail = Box::new(|_: &mut Caller<'_>, _: &[Val]| Err(Error::usage("a stub")));
            Func::host(store, (*ty).clone(), fail).map(Extern::Func)
        }
        ExternType::Table(_)
        | ExternType::Memory(_)
        | ExternType::Global(_)
        | ExternType::Tag(_) => Err(Error::usage("only functions can be imported here")),
    };
    module.imports.iter().map(stub).collect()
}

/// Processor time of this thread where the system tells it (Linux), else time.
fn seconds() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let on_cpu = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = on_cpu.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(
        || START.get_or_init(Instant::now).elapsed().as_secs_f64(),
        |n| n * 1e-9,
    )
}
