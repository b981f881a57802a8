//! Programs in the text format, run by our own engine: `tests/programs/NAME.wat`, with what must
//! come of each in the table of `programs/mod.rs`.

mod programs;

use programs::{Ran, check_all};
use wassay_runtime::{Config, Engine, Linker, Module, Store, Tier};
use wassay_wasi::Wasi;
use wassay_wasi::link::{ending, link};

fn run(tier: Tier, module: &[u8], wasi: Wasi) -> Ran {
    let engine = Engine::new(&Config::only(tier)).expect("a tier of this host");
    let module = Module::new(&engine, module).expect("valid");
    let mut linker = Linker::new(&engine);
    link(&mut linker, |wasi: &mut Wasi| wasi).expect("names that are free");
    let mut store = Store::new(&engine, wasi);
    let instance = linker.instantiate(&mut store, &module).expect("linked");
    let start = instance.get_typed_func::<(), ()>(&store, "_start");
    match start.expect("a program").call(&mut store, ()) {
        Ok(()) => Ran::Returned,
        Err(error) => match ending(&error) {
            Some(ending) => Ran::Ended(ending),
            None => Ran::Failed(error.to_string()),
        },
    }
}

#[test]
fn programs_run_in_the_stack_tier() {
    check_all(|module, wasi| run(Tier::Stack, module, wasi));
}

#[test]
fn programs_run_in_the_register_tier() {
    check_all(|module, wasi| run(Tier::Register, module, wasi));
}

#[test]
#[cfg_attr(
    not(target_arch = "aarch64"),
    ignore = "needs a host that runs ARM64 code"
)]
fn programs_run_in_the_jit() {
    check_all(|module, wasi| run(Tier::Jit, module, wasi));
}
