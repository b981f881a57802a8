//! A module's memory: read, written in place and grown by the host; an access outside of it fails.

mod support;

use wassay_runtime::{Config, Engine, Error, Instance, Store};

const MODULE: &str = r#"
(module
  (memory (export "memory") 1 4)
  (data (i32.const 16) "webassembly")
  ;; Makes `len` letters at `at` capitals.
  (func (export "capitals") (param $at i32) (param $len i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $at) (local.get $len)))
    (block $done
      (loop $each
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (i32.store8 (local.get $at)
          (i32.and (i32.load8_u (local.get $at)) (i32.const 0xdf)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $each)))))
"#;

/// The lines that the program prints.
pub fn run() -> Result<Vec<String>, Error> {
    let engine = Engine::new(&Config::new())?;
    let module = support::module(&engine, MODULE)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let missing = || Error::msg("the module exports no memory");
    let memory = instance.get_memory(&store, "memory").ok_or_else(missing)?;
    let capitals = instance.get_typed_func::<(u32, u32), ()>(&mut store, "capitals")?;

    capitals.call(&mut store, (16, 3))?;
    let mut word = [0; 11];
    memory.read(&store, 16, &mut word)?;
    let mut lines = vec![String::from_utf8_lossy(&word).into_owned()];

    // The contents as a slice, without a copy.
    memory.data_mut(&mut store)[100..105].copy_from_slice(b"slice");
    capitals.call(&mut store, (100, 5))?;
    lines.push(String::from_utf8_lossy(&memory.data(&store)[100..105]).into_owned());

    let old_pages = memory.grow(&mut store, 2)?;
    lines.push(format!("{old_pages} page, then {}", memory.size(&store)));
    let end = memory.data_size(&store);
    memory.write(&mut store, end - 2, b"ok")?;
    lines.push(format!(
        "one byte further: {}",
        memory.write(&mut store, end - 1, b"ok").is_err()
    ));
    lines.push(format!(
        "more than its maximum: {}",
        memory.grow(&mut store, 2).is_err()
    ));
    Ok(lines)
}

fn main() -> Result<(), Error> {
    run()?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
