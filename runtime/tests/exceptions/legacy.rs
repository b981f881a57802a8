//! The instructions that WebAssembly 3.0 replaced.

use super::*;

#[test]
fn clauses_and_bodies() {
    check(&[
        (
            "try (result i32) (call $throw_a (i32.const 7)) catch $a end",
            7,
        ),
        (
            "try (result i32) (call $throw_a (i32.const 7)) catch_all (i32.const 1) end",
            1,
        ),
        (
            "try (result i32) (i32.const 7) catch $a catch_all (i32.const 1) end",
            7,
        ),
        (
            "try (result i32) (call $throw_b (i32.const 7)) catch $a (i32.const 1) (i32.add)
          catch $b (i32.const 2) (i32.add) catch_all (i32.const 3) end",
            9,
        ),
        (
            "(i32.const 1) try (param i32) (result i32) (call $throw_a) catch $a end
          (i32.add (local.get $x))",
            6,
        ),
        // A clause's exceptions are not its own try's.
        (
            "try (result i32) try (result i32) (call $throw_a (i32.const 7))
            catch $a (throw $a (i32.add (i32.const 10))) end catch $a end",
            17,
        ),
        // Operands below, and locals.
        (
            "(local.get $x) try (result i32) (local.set $x (i32.const 20)) (call $throw_n)
            (i32.const 1) catch_all (local.get $x) end (i32.add)",
            25,
        ),
        // A branch out of a clause, to its own try and beyond.
        (
            "(i32.const 100) try (result i32) (call $throw_a (i32.const 7))
            catch $a (br 0 (i32.const 8)) end (i32.add)",
            108,
        ),
        (
            "block $o (result i32) (i32.const 50) try (result i32) (call $throw_a (i32.const 7))
            catch $a (br $o) end (i32.add) end",
            7,
        ),
        (
            "try (call $throw_n) catch_all (return (i32.const 4)) end (i32.const 5)",
            4,
        ),
        (
            "loop (result i32) (local.set $x (i32.sub (local.get $x) (i32.const 1)))
            try (result i32) (throw $n) catch $n (br_if 1 (local.get $x)) (i32.const 6) end end",
            6,
        ),
        // Several values.
        (
            "try (result i32 i64) (throw $p (i32.const 3) (i64.const 4)) catch $p end
            (i32.wrap_i64) (i32.add)",
            7,
        ),
        (
            "try (result i32 i64) (throw $n) catch_all (i32.const 3) (local.get $x)
            (i64.extend_i32_s) end (i32.wrap_i64) (i32.add)",
            8,
        ),
    ]);
}

#[test]
fn rethrow_throws_what_its_label_has_caught() {
    check(&[
        (
            "try (result i32) try (result i32) (call $throw_a (i32.const 7))
            catch $a (drop) (rethrow 0) end catch $a end",
            7,
        ),
        (
            "try (result i32) try (result i32) (call $throw_a (i32.const 7)) catch $a (drop)
            try (result i32) (call $throw_b (i32.const 9)) catch $b (drop) (rethrow 1) end
            end catch $a (i32.add (i32.const 10)) catch $b (i32.add (i32.const 20)) end",
            17,
        ),
        (
            "try (result i32) try (result i32) (call $throw_a (i32.const 7)) catch $a (drop)
            try (result i32) (call $throw_b (i32.const 9)) catch $b (drop) (rethrow 0) end
            end catch $a (i32.add (i32.const 10)) catch $b (i32.add (i32.const 20)) end",
            29,
        ),
        // Out of blocks in the clause, with operands above.
        (
            "try (result i32) try (result i32) (call $throw_a (i32.const 7)) catch $a (drop)
            (i32.const 1) block (result i32) (i32.const 2) (rethrow 1) end (i32.add) end
            catch $a end",
            7,
        ),
        // Chains of them.
        (
            "try (result i32) try try try (throw $p (i32.const 3) (i64.const 4))
            catch_all (rethrow 0) end catch $p (drop) (drop) (rethrow 0) end catch_all
            (rethrow 0) end (i32.const 1) catch $p (i32.wrap_i64) (i32.add) end",
            7,
        ),
    ]);
}

#[test]
fn delegate_passes_over() {
    check(&[
        (
            "try (result i32) try (result i32) (call $throw_a (i32.const 7)) delegate 0
            catch $a end",
            7,
        ),
        (
            "try $o (result i32) try (result i32) try (result i32) (call $throw_a (i32.const 7))
            delegate $o catch $a (i32.add (i32.const 10)) end
            catch $a (i32.add (i32.const 20)) end",
            27,
        ),
        // To a block: to what is around it.
        (
            "try (result i32) block (result i32) try (result i32) (call $throw_a (i32.const 7))
            delegate 0 end catch $a end",
            7,
        ),
        // To a clause: past its own try.
        (
            "try (result i32) try (result i32) (throw $n) catch_all
            try (result i32) (call $throw_a (i32.const 7)) delegate 0 end
            catch $a (i32.add (i32.const 1)) end",
            8,
        ),
        ("try (result i32) (i32.const 3) delegate 0", 3),
    ]);
    let wat = format!(
        r#"(module {FIELDS} (func $inner (result i32)
            try (result i32) try (result i32) (call $throw_a (i32.const 7)) delegate 1
            catch_all (i32.const 1) end)
        (func (export "run") (result i32) try (result i32) (call $inner) catch $a end))"#
    );
    for tier in tiers() {
        let result = Program::new(tier, &wat).call("run", &[]);
        assert_eq!(result, Ok(vec![I32(7)]), "{tier}: to the caller");
    }
}

/// Both kinds in one module see the same exceptions.
#[test]
fn both_kinds_mix() {
    check(&[
        (
            "try (result i32) (block $h (result exnref)
            (try_table (catch_all_ref $h) (throw $a (i32.const 7))) unreachable) (throw_ref)
            catch $a end",
            7,
        ),
        (
            "(block $h (result i32) (try_table (catch $a $h)
            try (throw $a (i32.const 7)) catch_all (rethrow 0) end) (i32.const 1))",
            7,
        ),
    ]);
}
