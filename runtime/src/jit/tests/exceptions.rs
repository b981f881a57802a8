//! Exceptions: the code and the tables of handlers. The behaviour is tested in every tier by
//! `tests/exceptions.rs`, what unwinding must preserve by `jit/arm64/tests/registers.rs`.

use crate::engine::{Config, Tier};

/// A module's code, compiled on any host.
fn image(wat: &str) -> crate::jit::pipeline::Image {
    let config = Config {
        features: wasmparser::WasmFeatures::all(),
        ..Config::only(Tier::Jit)
    };
    let backend = Box::new(crate::jit::JitTier::compiling(&config));
    let engine = crate::engine::Engine::with_backend(config, backend);
    let module =
        crate::module::ModuleParts::new(&engine, &super::encode(wat)).expect("it is valid");
    crate::jit::pipeline::compile::<crate::jit::host::HostTarget>(&module, &config)
        .expect("it compiles")
}

/// A call that no exception can be caught from has no pad.
#[test]
fn only_calls_in_handlers_have_pads() {
    let pads = |wat| image(wat).tables.pads.len();
    let one_catches = r#"(module (tag $t) (func $f (throw $t))
        (func (call $f) (block $h (try_table (catch $t $h) (call $f)))))"#;
    assert_eq!(pads(one_catches), 1);
    let nothing_is_caught = "(module (func $f (call $f) (try_table (call $f))))";
    assert_eq!(pads(nothing_is_caught), 0);
}

/// Each level catches what it throws itself, what it calls throws, and goes on to the next.
#[test]
fn nested_handlers_take_linear_code() {
    let bytes = |levels: usize| {
        let mut body = String::from("(call $f)");
        for n in 0..levels {
            let tag = ["$a", "$b", "$c"][n % 3];
            body = format!(
                "(block $h (try_table (catch {tag} $h) (call $f) {body}
                    (if (i32.eqz (local.get 0)) (then (throw $c)))) (return))"
            );
        }
        let image = image(&format!(
            r#"(module (import "" "a" (tag $a)) (import "" "b" (tag $b)) (tag $c)
                (func $f (throw $c)) (func (param i32) {body}))"#
        ));
        image.bytes.len()
    };
    let (few, many) = (bytes(50), bytes(200));
    assert!(many < few * 5, "{few} bytes for 50 levels, {many} for 200");
}
