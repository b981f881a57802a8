//! Code that is not trusted: limits of memory, fuel for instructions, and a deadline. Each ends in
//! an error of its own, and the store goes on to work.

mod support;

use std::time::Duration;

use wassay_runtime::{Config, Engine, Error, Instance, Limits, Store, TrapKind};

const MODULE: &str = r#"
(module
  (memory 1)
  (func (export "forever") (loop (br 0)))
  (func $deeper (export "deeper") (call $deeper))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "answer") (result i32) (i32.const 42)))
"#;

/// The lines that the program prints.
pub fn run() -> Result<Vec<String>, Error> {
    let mut config = Config::new();
    config
        .fuel(true)
        .interruptible(true)
        .limits(Limits::new().memory_bytes_max(1 << 20));
    let engine = Engine::new(&config)?;
    let module = support::module(&engine, MODULE)?;
    let mut store = Store::new(&engine, ());
    store.set_fuel(10_000)?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let forever = instance.get_typed_func::<(), ()>(&mut store, "forever")?;
    let mut lines = Vec::new();

    let ended = forever
        .call(&mut store, ())
        .err()
        .and_then(|error| error.trap_kind());
    lines.push(format!(
        "out of fuel: {}",
        ended == Some(TrapKind::OutOfFuel)
    ));

    store.set_fuel(u64::MAX)?;
    store.set_deadline(Some(Duration::from_millis(20)))?;
    let ended = forever
        .call(&mut store, ())
        .err()
        .and_then(|error| error.trap_kind());
    lines.push(format!(
        "interrupted: {}",
        ended == Some(TrapKind::Interrupted)
    ));
    store.set_deadline(None)?;

    let deeper = instance.get_typed_func::<(), ()>(&mut store, "deeper")?;
    let ended = deeper
        .call(&mut store, ())
        .err()
        .and_then(|error| error.trap_kind());
    lines.push(format!(
        "too deep: {}",
        ended == Some(TrapKind::StackExhausted)
    ));

    // A memory that reaches its limit is not an error: the instruction says so to the code.
    let grow = instance.get_typed_func::<i32, i32>(&mut store, "grow")?;
    lines.push(format!("15 pages more: {}", grow.call(&mut store, 15)?));
    lines.push(format!("one more: {}", grow.call(&mut store, 1)?));

    let answer = instance.get_typed_func::<(), i32>(&mut store, "answer")?;
    lines.push(format!(
        "the store still answers {}",
        answer.call(&mut store, ())?
    ));
    Ok(lines)
}

fn main() -> Result<(), Error> {
    run()?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
