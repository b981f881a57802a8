//! A module's function is called, and calls a function of the host.

mod support;

use wassay_runtime::{Config, Engine, Error, Linker, Store};

const MODULE: &str = r#"
(module
  (import "host" "greet" (func $greet (param i32)))
  (func (export "run") (param i32 i32) (result i32)
    (call $greet (i32.const 3))
    (i32.add (local.get 0) (local.get 1))))
"#;

/// The lines that the program prints.
pub fn run() -> Result<Vec<String>, Error> {
    let engine = Engine::new(&Config::new())?;
    let module = support::module(&engine, MODULE)?;

    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "greet", |times: u32| {
        for _ in 0..times {
            println!("hello from the host");
        }
    })?;

    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module)?;
    let run = instance.get_typed_func::<(i32, i32), i32>(&mut store, "run")?;
    let sum = run.call(&mut store, (40, 2))?;
    Ok(vec![format!("40 + 2 = {sum}")])
}

fn main() -> Result<(), Error> {
    run()?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
