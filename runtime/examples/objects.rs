//! Garbage-collected values: the host holds objects of a module, gives them back to it, and lets
//! go of them at the end of a scope.

mod support;

use wassay_runtime::{Config, Engine, Error, Instance, RootScope, Store, Val};

const MODULE: &str = r#"
(module
  (type $pair (struct (field $left (ref null $pair)) (field $right (ref null $pair))
    (field $number (mut i32))))
  (func (export "pair") (param anyref anyref i32) (result anyref)
    (struct.new $pair (ref.cast (ref null $pair) (local.get 0))
      (ref.cast (ref null $pair) (local.get 1)) (local.get 2)))
  (func $sum (param $p (ref null $pair)) (result i32)
    (if (ref.is_null (local.get $p)) (then (return (i32.const 0))))
    (i32.add (struct.get $pair $number (local.get $p))
      (i32.add (call $sum (struct.get $pair $left (local.get $p)))
        (call $sum (struct.get $pair $right (local.get $p))))))
  (func (export "sum") (param anyref) (result i32)
    (call $sum (ref.cast (ref null $pair) (local.get 0))))
  (func (export "null") (result anyref) (ref.null any)))
"#;

/// The lines that the program prints.
pub fn run() -> Result<Vec<String>, Error> {
    let engine = Engine::new(&Config::new())?;
    let module = support::module(&engine, MODULE)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let missing = || Error::msg("the module lacks an export");
    let pair = instance.get_func(&store, "pair").ok_or_else(missing)?;
    let sum = instance.get_func(&store, "sum").ok_or_else(missing)?;
    let null = instance.get_func(&store, "null").ok_or_else(missing)?;
    let mut lines = Vec::new();

    // Objects that come to the host in the scope are alive until its end.
    let mut scope = RootScope::new(&mut store);
    let null = null.invoke(&mut scope, &[])?[0];
    let mut tree = null;
    for n in 1..=100 {
        let leaf = pair.invoke(&mut scope, &[null, null, Val::I32(n)])?[0];
        tree = pair.invoke(&mut scope, &[tree, leaf, Val::I32(0)])?[0];
    }
    scope.gc();
    let total = sum.invoke(&mut scope, &[tree])?;
    lines.push(format!(
        "the sum of a tree of objects is {:?}",
        total[0].i32()
    ));
    lines.push(format!(
        "{} objects are alive",
        scope.gc_statistics().objects()
    ));
    drop(scope);

    store.gc();
    lines.push(format!(
        "{} after the scope",
        store.gc_statistics().objects()
    ));
    lines.push(format!(
        "a released handle is refused: {}",
        sum.invoke(&mut store, &[tree]).is_err()
    ));
    Ok(lines)
}

fn main() -> Result<(), Error> {
    run()?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
