//! Modes of a run: they change no verdict, and tiers are mixed.

use serde_json::Value;

use crate::place::{Place, assert_told_why};

#[test]
fn modes_change_no_verdict_and_stand_in_the_report() {
    let place = Place::new();
    let suite = place.file(
        "a.wast",
        r#"(module (memory 1) (func (export "f") (param i32) (result i32)
             (loop (i32.store (i32.const 8) (local.get 0))
               (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
             (i32.load (i32.const 8))))
           (assert_return (invoke "f" (i32.const 9)) (i32.const 1))"#,
    );
    let tiers = "stack,register";
    let (plain, report) = place.spec_in(tiers, &[&suite]);
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    assert_eq!(report["run"]["modes"]["fuel"], false);
    let modes = [
        "--fuel",
        "--interruptible",
        "--gc-stress",
        "--poison-registers",
        "--check-allocation",
        "--linear-allocation",
        "--exclusive-atomics",
        "--lazy",
        "--background",
    ];
    let (ended, report) = place.spec_in(tiers, &[&[&suite[..]], &modes[..]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for mode in [
        "fuel",
        "interruptible",
        "gc_stress",
        "poison_registers",
        "check_allocation",
        "linear_allocation",
        "exclusive_atomics",
        "lazy",
        "background",
    ] {
        assert_eq!(report["run"]["modes"][mode], true);
    }
    assert_eq!(report["agreement"]["agree"], 2);
}

/// A loop that is hot the second time, functions that call each other, and a trap after that.
pub(crate) const HOT: &str = r#"(module (memory 1)
   (func $step (param i32) (result i32)
     (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (local.get 0)))
     (i32.div_u (i32.const 100) (local.get 0)))
   (func (export "f") (param i32) (result i32) (local $sum i32)
     (loop
       (local.set $sum (i32.add (local.get $sum) (call $step (local.get 0))))
       (br_if 0 (i32.ge_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))))
     (i32.add (local.get $sum) (i32.load (i32.const 8)))))
 (assert_return (invoke "f" (i32.const 5)) (i32.const 243))
 (assert_trap (invoke "f" (i32.const 0)) "integer divide by zero")
 (assert_return (invoke "f" (i32.const 1)) (i32.const 116))"#;

#[test]
fn tiers_are_mixed_and_say_what_ran_where() {
    let place = Place::new();
    let suite = place.file("a.wast", HOT);
    let (ended, report) = place.spec_in("all", &[&suite]);
    let tiers = report["tiers"].as_object().expect("accounts");
    let names: Vec<&str> = tiers.keys().map(String::as_str).collect();
    assert_eq!(names, ["jit", "register", "stack", "tiered-1", "tiered-2"]);
    assert_eq!(report["accounting"]["closed"], true);
    if tiers["jit"]["available"] == false {
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        assert_eq!(tiers["tiered-1"]["reason"], tiers["jit"]["reason"]);
        assert_told_why();
        return;
    }
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(report["agreement"]["agree"], 4);
    for tier in ["tiered-1", "tiered-2"] {
        let account = &tiers[tier];
        assert_eq!(account["counts"]["pass"], 4);
        let proof = &account["proof"];
        let tiered = &proof["tiered"];
        assert_eq!(proof["functions"], 2);
        assert_eq!(proof["compiled"], 2, "{proof}");
        let is_second = u32::from(tier == "tiered-2");
        assert_eq!(tiered["interpreted"], 2 * is_second, "{proof}");
        assert_eq!(tiered["loops_compiled"], is_second, "{proof}");
        assert_eq!(tiered["loops_entered"], is_second, "{proof}");
    }
    assert_eq!(tiers["jit"]["proof"]["tiered"], Value::Null);
    assert!(
        ended.stdout.contains("1 loops compiled, entered 1 times"),
        "{}",
        ended.stdout
    );
}

/// NaNs are judged by what the suite states of them, and the profile stands in the report.
#[test]
fn the_native_profile_is_judged_by_nan_class() {
    let place = Place::new();
    let suite = place.file(
        "a.wast",
        r#"(module (func (export "f") (param f32 f32) (result f32)
             (f32.add (local.get 0) (local.get 1))))
           (assert_return (invoke "f" (f32.const 1) (f32.const -nan)) (f32.const nan:canonical))
           (assert_return (invoke "f" (f32.const -nan:0x200001) (f32.const 1))
             (f32.const nan:arithmetic))
           (assert_return (invoke "f" (f32.const 1) (f32.const 2)) (f32.const 3))"#,
    );
    for profile in ["deterministic", "native"] {
        let arguments = [&suite, "--float-profile", profile];
        let (ended, report) = place.spec_in("stack,register", &arguments);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(report["run"]["profile"], profile);
        assert_eq!(report["agreement"]["diverge"], 0);
    }
    let module = place.file(
        "m.wat",
        r#"(module (func (export "f") (param f32) (result i32)
             (i32.reinterpret_f32 (f32.mul (local.get 0) (f32.const 1.5)))))"#,
    );
    let run = |profile: &str| {
        let call = [
            "run",
            &module,
            "--invoke",
            "f",
            "--float-profile",
            profile,
            "--",
            "nan:0x400001",
        ];
        place.run(&call).stdout
    };
    assert_eq!(run("deterministic"), format!("{}\n", 0x7fc0_0000));
    assert_eq!(run("native"), format!("{}\n", 0x7fc0_0001));
}
