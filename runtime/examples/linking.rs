//! Two modules that work on one memory and one table: the second imports what the first exports,
//! and puts a function of its own into the first one's table.

mod support;

use wassay_runtime::{Config, Engine, Error, Linker, Store};

const COUNTER: &str = r#"
(module
  (memory (export "memory") 1)
  (table (export "callbacks") 2 funcref)
  (global (export "calls") (mut i32) (i32.const 0))
  (type $callback (func (param i32) (result i32)))
  (func $double (type $callback) (i32.mul (local.get 0) (i32.const 2)))
  (elem (i32.const 0) $double)
  (func (export "call") (param $which i32) (param $with i32) (result i32)
    (global.set 0 (i32.add (global.get 0) (i32.const 1)))
    (i32.store (i32.const 0) (global.get 0))
    (call_indirect (type $callback) (local.get $with) (local.get $which))))
"#;

const USER: &str = r#"
(module
  (import "counter" "memory" (memory 1))
  (import "counter" "callbacks" (table 2 funcref))
  (import "counter" "call" (func $call (param i32 i32) (result i32)))
  (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
  (elem (i32.const 1) $square)
  (func (export "run") (param i32) (result i32 i32)
    (call $call (i32.const 1) (call $call (i32.const 0) (local.get 0)))
    (i32.load (i32.const 0))))
"#;

/// The lines that the program prints.
pub fn run() -> Result<Vec<String>, Error> {
    let engine = Engine::new(&Config::new())?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.module(&mut store, "counter", &support::module(&engine, COUNTER)?)?;
    let user = linker.instantiate(&mut store, &support::module(&engine, USER)?)?;

    let run = user.get_typed_func::<i32, (i32, i32)>(&mut store, "run")?;
    let (result, calls) = run.call(&mut store, 5)?;
    let mut lines = vec![format!("(5 * 2)^2 = {result}, after {calls} calls")];
    let calls = linker
        .get(&mut store, "counter", "calls")
        .and_then(|it| it.into_global());
    if let Some(calls) = calls {
        lines.push(format!(
            "the counter itself says {:?}",
            calls.get(&store).i32()
        ));
    }
    Ok(lines)
}

fn main() -> Result<(), Error> {
    run()?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
