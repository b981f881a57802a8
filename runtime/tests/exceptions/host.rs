//! Exceptions through host functions, and of host functions.

use std::sync::{Arc, OnceLock};

use super::*;
use wassay_runtime::{Caller, Tag, ValType};

fn func_type(params: &[ValType], results: &[ValType]) -> FuncType {
    FuncType::new(params.iter().copied(), results.iter().copied())
}

/// A store, and as imports a host function `[i32] -> [i32]` that throws what it is given, and the
/// tag that it throws it with.
pub(crate) fn thrower(tier: Tier) -> (Store, Vec<Extern>) {
    let mut store = Store::new(&Engine::new(&config(tier)).unwrap(), ());
    let tag = Tag::new(&mut store, func_type(&[ValType::I32], &[])).unwrap();
    let func = Func::wrap(&mut store, move |caller: Caller<'_, ()>, value: i32| {
        Err::<i32, _>(Exception::new(caller, tag, &[I32(value)])?.to_error())
    });
    (store, vec![Extern::Func(func), Extern::Tag(tag)])
}

#[test]
fn host_functions_throw() {
    let wat = r#"(module (type $i (func (param i32) (result i32)))
        (import "" "f" (func $f (type $i))) (import "" "t" (tag $t (param i32)))
        (table funcref (elem $f)) (elem declare func $f)
        (func (export "call") (result i32)
            (try_table (result i32) (catch $t 0) (call $f (i32.const 7))))
        (func (export "indirect") (result i32) (try_table (result i32) (catch $t 0)
            (call_indirect (type $i) (i32.const 7) (i32.const 0))))
        (func (export "ref") (result i32) (try_table (result i32) (catch $t 0)
            (call_ref $i (i32.const 7) (ref.func $f))))
        (func (export "out") (result i32) (call $f (i32.const 7)))
        (func (export "tail") (result i32) (return_call $f (i32.const 7))))"#;
    for tier in tiers() {
        let (mut store, imports) = thrower(tier);
        let instance = instantiate(&mut store, wat, &imports);
        let mut program = Program { store, instance };
        for name in ["call", "indirect", "ref"] {
            assert_eq!(program.call(name, &[]), Ok(vec![I32(7)]), "{tier} {name}");
        }
        for name in ["out", "tail"] {
            let error = program.call(name, &[]).unwrap_err();
            let exception = Exception::of(&error).unwrap();
            let (tag, values) = exception.get(&program.store).unwrap();
            assert_eq!(Extern::Tag(tag), imports[1]);
            assert_eq!(values, [I32(7)], "{tier} {name}");
        }
    }
}

/// No handler catches an error that only names a kind, and it comes out as it was.
#[test]
fn kinds_of_endings_are_no_exceptions() {
    let wat = r#"(module (import "" "f" (func $f))
        (func (export "call") (result i32)
            (block $h (try_table (catch_all $h) (call $f)) (return (i32.const 1)))
            (i32.const 2)))"#;
    for tier in tiers() {
        for &kind in TrapKind::ALL {
            let mut store = Store::new(&Engine::new(&config(tier)).unwrap(), ());
            let func = Func::wrap(&mut store, move || Err::<(), _>(Error::from(kind)));
            let instance = instantiate(&mut store, wat, &[Extern::Func(func)]);
            let mut program = Program { store, instance };
            let error = program.call("call", &[]).unwrap_err();
            assert_eq!(error.trap_kind(), Some(kind), "{tier}");
            assert_eq!(error.message(), kind.message(), "{tier}");
        }
    }
}

/// Wasm, a host function that calls the export whose number it is given, Wasm that throws.
#[test]
fn exceptions_pass_host_functions_as_the_same() {
    let wat = r#"(module (import "" "pass" (func $pass (param i32)))
        (import "" "look" (func $look (param i32) (result i64)))
        (tag $t (param i32 i64)) (global $thrown (mut exnref) (ref.null exn))
        (func (export "0")
            (global.set $thrown (block $h (result i32 i64 exnref)
                (try_table (catch_ref $t $h) (throw $t (i32.const 3) (i64.const 4))) unreachable))
            drop drop (throw_ref (global.get $thrown)))
        (func (export "1") (call $pass (i32.const 0)))
        (func (export "run") (result i32 i64 exnref exnref)
            (block $h (result i32 i64 exnref)
                (try_table (catch_ref $t $h) (call $pass (i32.const 1))) unreachable)
            (global.get $thrown))
        (func (export "look") (result i64) (call $look (i32.const 0))))"#;
    for tier in tiers() {
        let mut store = Store::new(&Engine::new(&config(tier)).unwrap(), ());
        let funcs = Arc::new(OnceLock::<[Func; 2]>::new());
        let called = funcs.clone();
        let pass = Func::wrap(&mut store, move |caller: Caller<'_, ()>, index: u32| {
            called.get().unwrap()[index as usize].call(caller, &[], &mut [])
        });
        let called = funcs.clone();
        let look = Func::wrap(&mut store, move |mut caller: Caller<'_, ()>, index: u32| {
            let result = called.get().unwrap()[index as usize].invoke(&mut caller, &[]);
            let exception = Exception::of(&result.unwrap_err()).unwrap();
            exception.get(&caller).unwrap().1[1].unwrap_i64()
        });
        let imports = [Extern::Func(pass), Extern::Func(look)];
        let instance = instantiate(&mut store, wat, &imports);
        let exports = ["0", "1"].map(|name| instance.get_func(&store, name).unwrap());
        funcs.set(exports).unwrap();
        let mut program = Program { store, instance };
        let results = program.call("run", &[]).unwrap();
        assert_eq!(results[..2], [I32(3), I64(4)], "{tier}");
        assert_eq!(results[2], results[3], "{tier}: not the same exception");
        assert_eq!(program.call("look", &[]), Ok(vec![I64(4)]), "{tier}");
    }
}

/// The exception that one call ended with is what goes on, whatever was thrown since.
#[test]
fn an_error_keeps_its_exception() {
    let wat = r#"(module (tag $t (export "t") (param i32))
        (func (export "throw") (param i32) (throw $t (local.get 0))))"#;
    for tier in tiers() {
        let mut program = Program::new(tier, wat);
        let errors = [1, 2].map(|n| program.call("throw", &[I32(n)]).unwrap_err());
        let values = errors.map(|error| {
            let exception = Exception::of(&error).unwrap();
            exception.get(&program.store).unwrap().1
        });
        assert_eq!(values, [[I32(1)], [I32(2)]], "{tier}");
    }
}

#[test]
fn wrong_values_are_refused() {
    let mut store = Store::new(&Engine::new(&config(Tier::Stack)).unwrap(), ());
    let tag = Tag::new(&mut store, func_type(&[ValType::I32], &[])).unwrap();
    let error = Exception::new(&mut store, tag, &[I64(1)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    let exception = Exception::new(&mut store, tag, &[I32(1)]).unwrap();
    assert_eq!(exception.get(&store), Some((tag, vec![I32(1)])));
    assert_eq!(exception.to_error().kind(), ErrorKind::Exception);
}
