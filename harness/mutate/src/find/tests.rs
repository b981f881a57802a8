//! Each operator on a snippet: the faults that it finds, and that the rewritten snippet parses.

use super::*;
use crate::site::rewrite;

/// The faults of a snippet of one kind, as `original -> replacement`.
fn of_kind(text: &str, kind: Kind) -> Vec<String> {
    faults(text, Role::Execution)
        .into_iter()
        .filter(|site| site.kind == kind)
        .map(|site| format!("{} -> {}", site.original, site.replacement()))
        .collect()
}

/// The faults of a snippet. All of them together can be planted: the result parses.
fn faults(text: &str, role: Role) -> Vec<Site> {
    let sites = find("f.rs", text, role).expect("parses");
    let numbered: Vec<(u32, &Site)> = (1..).zip(&sites).collect();
    let planted = rewrite(text, &numbered);
    assert!(syn::parse_file(&planted).is_ok(), "{planted}");
    for number in 1..=sites.len() {
        let on = format!("crate::mutant::on({number})");
        assert_eq!(planted.matches(&on).count(), 1, "{planted}");
    }
    sites
}

#[test]
fn a_fault_is_planted_beside_the_text() {
    let text = "fn f(a: u32) -> char { g(a + h(1)) }";
    let sites = find("f.rs", text, Role::Execution).expect("parses");
    let sum = sites
        .iter()
        .find(|site| site.kind == Kind::Arithmetic)
        .expect("a sum");
    let one = sites
        .iter()
        .find(|site| site.kind == Kind::Constant)
        .expect("a constant");
    let planted = rewrite(text, &[(1, sum), (2, one)]);
    let expected = "fn f(a: u32) -> char { g(/*1{*/(if crate::mutant::on(1) { (a) - (h(1)) } \
                    else { a + h(/*2{*/(if crate::mutant::on(2) { 2 } else { 1 })/*2}*/) })/*1}*/) \
                    }";
    assert_eq!(planted, expected);
}

#[test]
fn operators_of_two_operands() {
    let text = "fn f(a: u32, b: u32) -> char { g(a + b, a & b, a << b, a < b, a == b, x && y) }";
    assert_eq!(of_kind(text, Kind::Arithmetic), ["a + b -> (a) - (b)"]);
    assert_eq!(
        of_kind(text, Kind::Bitwise),
        ["a & b -> (a) | (b)", "a << b -> (a) >> (b)"]
    );
    assert_eq!(of_kind(text, Kind::Boundary), ["a < b -> (a) <= (b)"]);
    assert_eq!(
        of_kind(text, Kind::Inverse),
        ["a < b -> (a) >= (b)", "a == b -> (a) != (b)"]
    );
    let logic = ["x && y -> (x) || (y)", "x && y -> x", "x && y -> y"];
    assert_eq!(of_kind(text, Kind::Logic), logic);
}

#[test]
fn constants_and_negations() {
    let text = "fn f(a: i32) -> char { g(8, true, !a, -a, a.is_some(), matches!(a, Some(1))) }";
    let constants = ["8 -> 9", "8 -> 7", "8 -> 0", "true -> false"];
    assert_eq!(of_kind(text, Kind::Constant), constants);
    let negations = [
        "!a -> a",
        "-a -> a",
        "a.is_some() -> !a.is_some()",
        "matches!(a, Some(1)) -> !matches!(a, Some(1))",
    ];
    assert_eq!(of_kind(text, Kind::Negation), negations);
    let text = "fn f(a: i32) -> char { a.is_some() }";
    assert_eq!(of_kind(text, Kind::Method), ["a.is_some() -> a.is_none()"]);
}

#[test]
fn conditions() {
    let text = "fn f() { if a { g() } }";
    assert_eq!(of_kind(text, Kind::Condition), ["a -> true", "a -> false"]);
    let text = "fn f() { if let Some(a) = b && c { g() } else { h() } }";
    let chain = ["let Some(a) = b && c -> false && ..", "c -> true"];
    assert_eq!(of_kind(text, Kind::Condition), chain);
    let text = "fn f() { match a { A if b => 1, _ => c }; while d { g() } }";
    assert_eq!(
        of_kind(text, Kind::Condition),
        ["b -> true", "b -> false", "d -> false"]
    );
}

#[test]
fn arms_with_the_same_names_are_exchanged() {
    let text = "fn f() -> T { match a { A(x) => g(x), B(x) => { h(x) } C(y) => y, D => z } }";
    assert_eq!(of_kind(text, Kind::ArmSwap), ["g(x) -> { h(x) }"]);
}

#[test]
fn statements_are_dropped() {
    let text = "fn f() -> T { a = 1; b.push(c); d += 1; return e; }";
    let dropped = [
        "a = 1; -> (nothing)",
        "b.push(c); -> (nothing)",
        "d += 1; -> (nothing)",
    ];
    assert_eq!(of_kind(text, Kind::Dropped), dropped);
}

#[test]
fn neighbours_that_look_alike_are_exchanged() {
    let text = "fn f() -> T { g(a, b, &c, 1); T { rn: a, rm, size }; (a, b); h(a, 1) }";
    let swapped = [
        "g(a, b, &c, 1) -> g(b, a, &c, 1)",
        "T { rn: a, rm, size } -> T { rn: rm, rm: a, size }",
        "(a, b) -> (b, a)",
    ];
    assert_eq!(of_kind(text, Kind::Swapped), swapped);
}

#[test]
fn methods_and_variants() {
    let text = "fn f() -> T { a.rotate_left(b).min(Size::W); Op::I32DivS }";
    let methods = [
        "a.rotate_left(b) -> a.rotate_right(b)",
        "a.rotate_left(b).min(Size::W) -> a.rotate_left(b).max(Size::W)",
    ];
    assert_eq!(of_kind(text, Kind::Method), methods);
    let variants = ["Size::W -> Size::X", "Op::I32DivS -> Op::I64DivS"];
    assert_eq!(of_kind(text, Kind::Variant), variants);
}

#[test]
fn conversions() {
    let text = "fn f() -> T { a as u64; u64::from(b); c as u8 }";
    let signs = [
        "a as u64 -> crate::mutant::widen::<_, u64>(a)",
        "u64::from(b) -> crate::mutant::widen::<_, u64>(b)",
    ];
    assert_eq!(of_kind(text, Kind::Sign), signs);
    let text = "fn f() -> T { a as usize }";
    assert_eq!(of_kind(text, Kind::Sign).len(), 1);
    assert!(
        faults(text, Role::Translation)
            .iter()
            .all(|site| site.kind != Kind::Sign)
    );
    let text = "fn f() -> T { a as u64; u64::from(b); c as u8 }";
    let widths = ["a as u64 -> crate::mutant::narrow::<_, u64>(a)"];
    assert_eq!(of_kind(text, Kind::Width), widths);
}

#[test]
fn ranges_functions_and_options() {
    let text = "fn f() -> Option<u8> { for i in a..b { g() } Some(c) }";
    assert_eq!(
        of_kind(text, Kind::Extent),
        ["a..b -> a..(b) - 1", "a..b -> (a) + 1..b"]
    );
    assert_eq!(of_kind(text, Kind::Early), ["fn f -> return None;"]);
    assert_eq!(of_kind(text, Kind::Absent), ["Some(c) -> None"]);
    let text = "fn is_f() -> bool { a }";
    let early = ["fn is_f -> return true;", "fn is_f -> return false;"];
    assert_eq!(of_kind(text, Kind::Early), early);
}

#[test]
fn bodies_of_macros_are_searched() {
    let text = "macro_rules! m { ($($a:ident $b:expr;)*) => { $(fn $a(x: T) -> T { x + $b })* }; }";
    assert_eq!(of_kind(text, Kind::Arithmetic), ["x + $b -> (x) - ($b)"]);
    let text = "macro_rules! m { ($a:ident) => { $a.wrapping_add(1) }; }";
    let sites = faults(text, Role::Execution);
    assert_eq!(sites[0].original, "$a.wrapping_add(1)");
    assert_eq!(sites[0].item, "m");
    // An operand that a repetition cuts off from its operator is left alone.
    let text = "macro_rules! m { ($($a:ident)*) => { 0 $(+ $a)* }; }";
    assert!(of_kind(text, Kind::Arithmetic).is_empty());
}

#[test]
fn rows_of_macros_are_searched() {
    let text = "pure! { add(a: T, b: T) -> T = a.wrapping_add(b); less(a: T) -> bool = a < 1; }";
    let sites = faults(text, Role::Execution);
    let of = |kind| sites.iter().find(|site| site.kind == kind).expect("a site");
    assert_eq!(of(Kind::Method).item, "add");
    assert_eq!(of(Kind::Boundary).item, "less");
    let text = "handlers! { /// doc\n fn load<O: Op>(r) { r.set(3, a + b); r.next() } }";
    assert_eq!(faults(text, Role::Execution)[0].item, "load");
    assert_eq!(of_kind(text, Kind::Arithmetic), ["a + b -> (a) - (b)"]);
}

#[test]
fn what_has_no_results_is_left_out() {
    let text = "const A: u32 = 1 + 2; static B: [u8; 3] = [0; 3]; const fn f() -> u32 { 1 + 2 }\n\
                enum E { A = 1 } #[cfg(test)] mod tests { fn f() -> u32 { 1 + 2 } }\n\
                impl Display for T { fn fmt(&self) -> T { a + b } }\n\
                fn g(a: [u8; 4]) -> Vec<[u8; 5]> { debug_assert!(a < b); h::<3>([x; 6]) }\n\
                fn e() -> T { Err(internal(\"a\", a + b)) }";
    let left: Vec<String> = faults(text, Role::Execution)
        .iter()
        .map(|s| s.original.clone())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn faults_that_only_leave_something_out_are_for_some_parts() {
    let text = "fn f() -> Option<u8> { if a { return Some(1); } g() }";
    let kinds = |role| -> Vec<Kind> {
        let sites = faults(text, role);
        sites
            .iter()
            .map(|site| site.kind)
            .filter(|kind| *kind != Kind::Constant)
            .collect()
    };
    let all = [Kind::Early, Kind::Condition, Kind::Condition, Kind::Absent];
    assert_eq!(kinds(Role::Translation), all);
    assert_eq!(kinds(Role::Improvement), [Kind::Condition]);
}
