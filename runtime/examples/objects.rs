//! Garbage-collected values: the host makes structures of a module's type, gives them to it, reads
//! the structures that it makes, and lets go of them at the end of a scope.

mod support;

use wassay_runtime::{
    AnyRef, Config, Engine, Error, Instance, Ref, RootScope, Store, StructRef, StructRefPre,
    StructType, Val, ValType,
};

const MODULE: &str = r#"
(module
  (type $pair (struct (field $left (ref null $pair)) (field $right (ref null $pair))
    (field $number (mut i32))))
  (func (export "double") (param $p (ref $pair)) (result (ref $pair))
    (struct.new $pair (local.get $p) (local.get $p)
      (i32.mul (struct.get $pair $number (local.get $p)) (i32.const 2))))
  (func $sum (param $p (ref null $pair)) (result i32)
    (if (ref.is_null (local.get $p)) (then (return (i32.const 0))))
    (i32.add (struct.get $pair $number (local.get $p))
      (i32.add (call $sum (struct.get $pair $left (local.get $p)))
        (call $sum (struct.get $pair $right (local.get $p))))))
  (export "sum" (func $sum)))
"#;

/// The lines that the program prints.
pub fn run() -> Result<Vec<String>, Error> {
    let engine = Engine::new(&Config::new())?;
    let module = support::module(&engine, MODULE)?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let missing = || Error::msg("the module lacks an export");
    let double = instance.get_func(&store, "double").ok_or_else(missing)?;
    let sum = instance.get_func(&store, "sum").ok_or_else(missing)?;
    let mut lines = Vec::new();

    // The module's type, by which the host makes structures.
    let ValType::Ref(parameter) = sum.ty(&store).params()[0] else {
        return Err(Error::msg("the parameter is not a reference"));
    };
    let ty = StructType::from_heap_type(&engine, parameter.heap_type()).ok_or_else(missing)?;
    let allocator = StructRefPre::new(&mut store, ty)?;

    // Objects that come to the host in the scope are alive until its end.
    let mut scope = RootScope::new(&mut store);
    let null = Val::from(Ref::null_any());
    let mut tree = null;
    for n in 1..=100 {
        let leaf = StructRef::new(&mut scope, &allocator, &[null, null, Val::I32(n)])?;
        let fields = [tree, leaf.into(), Val::I32(0)];
        tree = StructRef::new(&mut scope, &allocator, &fields)?.into();
    }
    scope.gc();
    let total = sum.invoke(&mut scope, &[tree])?;
    lines.push(format!(
        "the sum of a tree of objects is {:?}",
        total[0].i32()
    ));
    let pair = StructRef::new(&mut scope, &allocator, &[null, null, Val::I32(21)])?;
    let doubled: AnyRef = double.invoke(&mut scope, &[pair.into()])?[0].try_into()?;
    let doubled = doubled.as_struct().ok_or_else(missing)?;
    lines.push(format!(
        "a structure of the module holds {:?}",
        doubled.field(&mut scope, 2)?.i32()
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
