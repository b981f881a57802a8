//! Operand shapes: their account, their seed, `explain` and failures of theirs.

use crate::place::Place;

const COMPUTES: &str = "(module (func (export \"sub\") (param i32 i32) (result i32)
  (i32.sub (local.get 0) (local.get 1))))
(assert_return (invoke \"sub\" (i32.const 7) (i32.const 9)) (i32.const -2))
";

#[test]
fn shapes_have_an_account_of_their_own() {
    let place = Place::new();
    let file = place.file("a.wast", COMPUTES);
    let (ended, report) = place.spec_in("stack,register", &["--shapes", &file]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let shapes = &report["shapes"];
    assert_eq!(shapes["applicable"], 1);
    assert_eq!(shapes["closed"], true);
    let variants = shapes["variants"].as_u64().expect("a number");
    for tier in ["stack", "register"] {
        let counts = &shapes["tiers"][tier]["counts"];
        let compared = shapes["shapes"]["pool"]["tiers"][tier]["compared"].clone();
        assert_eq!(counts["compared"], compared);
        let compared = compared.as_u64().expect("a number");
        assert!(compared > 0);
        assert_eq!(counts["pass"], variants - compared);
        assert_eq!(shapes["shapes"]["left-constant"]["tiers"][tier]["pass"], 1);
    }
    assert_eq!(shapes["agreement"]["agree"], variants);
    assert_eq!(shapes["ops"]["i32.sub"], 1);
    let (_, without) = place.spec_in("stack,register", &[&file]);
    assert_eq!(without.get("shapes"), None);
    assert_eq!(without["directives"], report["directives"]);
}

#[test]
fn shapes_are_drawn_by_a_seed_and_bounded_in_time() {
    let place = Place::new();
    let file = place.file("a.wast", COMPUTES);
    let shapes = |arguments: &[&str]| {
        let all = [&["--shapes", &file][..], arguments].concat();
        let (ended, report) = place.spec_in("stack,register", &all);
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        report["shapes"].clone()
    };
    let many = shapes(&["--shapes-samples", "20", "--shapes-seed", "5"]);
    assert_eq!((&many["seed"], &many["samples"]), (&5.into(), &20.into()));
    assert_eq!(many["shapes"]["product"]["variants"], 20);
    assert_eq!(many["shapes"]["product"]["tiers"]["stack"]["pass"], 20);
    assert_eq!(many["shapes"]["pool"]["tiers"]["register"]["compared"], 320);
    let none = shapes(&["--shapes-time", "1ns"]);
    assert_eq!(none["variants"], 0);
    assert_eq!(none["not_applicable"]["the time is over"], 1);
    assert_eq!(none["closed"], true);
}

#[test]
fn a_shape_is_explained_by_its_id() {
    let place = Place::new();
    let file = place.file("a.wast", COMPUTES);
    // An assertion that is wrong makes all of its shapes fail, and so shows their ids.
    let wrong = place.file("b.wast", COMPUTES.replace("-2", "-3"));
    // Some products lose what is wrong.
    let shapes = ["--shapes", "--shapes-samples", "4", &wrong];
    let (_, report) = place.spec_in("stack,register", &shapes);
    let failures = report["shapes"]["failures"].as_array().expect("a list");
    let product = failures.iter().find(|it| it["shape"] == "product");
    let id = product.expect("listed")["id"].as_str().expect("a text");
    let explain = |id: &str, path: &str| {
        let samples = ["--shapes-samples", "4"];
        let engines = ["explain", "--engines", "stack,register"];
        let arguments = [&engines[..], &samples, &[id, path]].concat();
        let ended = place.run(&arguments);
        (ended.code, format!("{}{}", ended.stdout, ended.stderr))
    };
    assert_eq!(
        explain(id, &wrong),
        (0, "wassay: the engines do the same\n".to_string())
    );
    let missing = explain(&format!("{id}0"), &wrong);
    assert_eq!(missing.0, 2);
    assert!(missing.1.contains("has no shape"), "{}", missing.1);
    assert_eq!(explain(id, &file).0, 2);
}

#[test]
fn a_shape_that_fails_is_named_by_its_directive_and_fails_the_run() {
    let place = Place::new();
    let file = place.file("a.wast", COMPUTES.replace("-2", "-3"));
    let (ended, report) = place.spec(&["--shapes", &file]);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    let failures = report["shapes"]["failures"].as_array().expect("a list");
    let left = failures.iter().find(|it| it["shape"] == "left-constant");
    let left = left.expect("listed");
    assert_eq!((&left["line"], &left["export"]), (&3.into(), &"sub".into()));
    assert_eq!(left["tiers"]["stack"]["actual"], "i32:0xfffffffe");
    let shown = |line: &str| line == "FAIL variant parameter of \"sub\": result 0 differs (stack)";
    assert!(ended.stdout.lines().any(shown), "{}", ended.stdout);
    let gate = report["gate"]["regressions"].as_array().expect("a list");
    let ids = gate.iter().filter_map(|it| it["id"].as_str());
    assert!(ids.clone().any(|id| id.ends_with("/left-constant")));
    let unavailable = [("WASSAY_JIT_UNAVAILABLE", "no ARM64 today")];
    let mut command = place.command(&["spec", "--tiers", "stack,jit", "--shapes", &file]);
    let ended = command
        .envs(unavailable)
        .output()
        .expect("the program starts");
    assert_eq!(
        ended.status.code(),
        Some(3),
        "what was not measured is not passed"
    );
}
