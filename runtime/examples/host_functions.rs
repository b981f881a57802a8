//! Host functions that share state: the store owns it, and every function finds it in its caller.
//! A host function can fail, and the error comes back from the call, with its source.

mod support;

use std::num::ParseIntError;

use wassay_runtime::{Caller, Config, Engine, Error, ErrorKind, Linker, Store};

const MODULE: &str = r#"
(module
  (import "log" "number" (func $log (param i32)))
  (import "log" "total" (func $total (result i64)))
  (import "log" "parse" (func $parse (result i32)))
  (func (export "count") (param $to i32) (result i64)
    (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (call $log (local.get $i))
      (br_if $again (i32.lt_u (local.get $i) (local.get $to))))
    (call $total))
  (func (export "fail") (result i32) (call $parse)))
"#;

/// The state of the host functions.
#[derive(Default)]
struct Log {
    numbers: Vec<i32>,
}

/// The lines that the program prints.
pub fn run() -> Result<Vec<String>, Error> {
    let engine = Engine::new(&Config::new())?;
    let module = support::module(&engine, MODULE)?;

    let mut linker = Linker::new(&engine);
    linker.func_wrap("log", "number", |mut caller: Caller<'_, Log>, n: i32| {
        caller.data_mut().numbers.push(n);
    })?;
    linker.func_wrap("log", "total", |caller: Caller<'_, Log>| {
        caller
            .data()
            .numbers
            .iter()
            .map(|&n| i64::from(n))
            .sum::<i64>()
    })?;
    linker.func_wrap("log", "parse", || {
        "seven".parse::<i32>().map_err(Error::host)
    })?;

    let mut store = Store::new(&engine, Log::default());
    let instance = linker.instantiate(&mut store, &module)?;
    let count = instance.get_typed_func::<i32, i64>(&mut store, "count")?;
    let total = count.call(&mut store, 4)?;
    let mut lines = vec![format!("{:?} sum up to {total}", store.data().numbers)];

    let fail = instance.get_typed_func::<(), i32>(&mut store, "fail")?;
    if let Err(error) = fail.call(&mut store, ()) {
        let is_ours = error.downcast_ref::<ParseIntError>().is_some();
        let is_host = error.kind() == ErrorKind::Host;
        lines.push(format!(
            "the host's own error came back: {}",
            is_ours && is_host
        ));
    }
    Ok(lines)
}

fn main() -> Result<(), Error> {
    run()?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
