//! Expectations excuse what they name, and nothing else; and they do not outlive their use.

use super::*;
use crate::report::samples::file;
use Status::{Crash, Fail, Pass, Skip, Xfail, Xpass};

fn parse(text: &str) -> Result<Expectations, InputError> {
    Expectations::parse(Path::new("e.toml"), text)
}

fn entry(scope: &str) -> Expectations {
    let text = format!("[[expect]]\n{scope}\ndetail = \"unsupported:\"\nreason = \"later\"\n");
    parse(&text).expect("well formed")
}

fn two_tiers(path: &str, stack: &[Status], jit: &[Status]) -> JudgedFile {
    let texts = vec!["(module)"; stack.len()];
    file(
        path,
        &texts,
        &[(EngineName::STACK, stack), (EngineName::JIT, jit)],
    )
}

fn statuses(file: &JudgedFile, tier: EngineName) -> Vec<Status> {
    file.verdicts[&tier]
        .iter()
        .flatten()
        .map(|verdict| verdict.status)
        .collect()
}

#[test]
fn the_embedded_expectations_are_well_formed() {
    Expectations::embedded().expect("well formed");
}

#[test]
fn failures_that_look_as_expected_are_excused_in_the_tiers_named() {
    let mut files = [two_tiers("a.wast", &[Fail, Pass], &[Fail, Pass])];
    let usage = entry("file = \"a.wast\"\ntiers = [\"jit\"]").apply(&mut files, true);
    assert_eq!(statuses(&files[0], EngineName::STACK), [Fail, Pass]);
    assert_eq!(
        statuses(&files[0], EngineName::JIT),
        [Xfail, Pass],
        "alive: its passes stay passes"
    );
    assert_eq!(usage, Use::default());
}

#[test]
fn what_is_expected_of_a_tier_is_expected_where_it_is_mixed_but_not_required() {
    let texts = ["(module)"; 2];
    let tiers = [
        (EngineName::STACK, &[Fail, Pass][..]),
        (EngineName::JIT, &[Fail, Pass]),
        (EngineName::TIERED_1, &[Fail, Pass]),
        (EngineName::TIERED_2, &[Pass, Pass]),
    ];
    let mut files = [file("a.wast", &texts, &tiers)];
    let usage = entry("file = \"a.wast\"\ntiers = [\"jit\"]").apply(&mut files, true);
    assert_eq!(usage, Use::default());
    assert_eq!(statuses(&files[0], EngineName::STACK), [Fail, Pass]);
    assert_eq!(statuses(&files[0], EngineName::TIERED_1), [Xfail, Pass]);
    assert_eq!(statuses(&files[0], EngineName::TIERED_2), [Pass, Pass]);
}

#[test]
fn entries_are_for_engines_configurations_and_hosts() {
    let columns = ["stack", "stack@fuel", "jit@fuel", "wasmi"];
    let columns = columns.map(|name| name.parse::<EngineName>().expect("a name"));
    let excused = |scope: &str| {
        let tiers = columns.map(|column| (column, &[Fail][..]));
        let mut files = [file("a.wast", &["(module)"], &tiers)];
        let usage = entry(&format!("file = \"a.wast\"\n{scope}")).apply(&mut files, true);
        let is_excused = |column: &EngineName| statuses(&files[0], *column) == [Xfail];
        let excused = columns.iter().filter(|it| is_excused(it));
        (
            excused.map(|it| it.name()).collect::<Vec<_>>().join(" "),
            usage,
        )
    };
    let none = Use::default;
    assert_eq!(
        excused(""),
        ("stack stack@fuel jit@fuel".to_string(), none())
    );
    let engines = "engines = [\"wasmi\", \"jit\"]";
    assert_eq!(excused(engines), ("jit@fuel wasmi".to_string(), none()));
    let fuel = "configurations = [\"fuel\"]\nlink = \"https://example.org/1\"";
    assert_eq!(excused(fuel), ("stack@fuel jit@fuel".to_string(), none()));
    assert_eq!(
        excused("configurations = [\"plain\"]"),
        ("stack".to_string(), none())
    );
    let here = format!("hosts = [\"no-such-*\", \"{}\"]", host());
    assert_eq!(
        excused(&here),
        ("stack stack@fuel jit@fuel".to_string(), none())
    );
    // An entry for other hosts is not stale here, nor unused.
    assert_eq!(excused("hosts = [\"no-such-*\"]"), (String::new(), none()));
}

#[test]
fn crashes_are_excused_and_other_failures_are_not() {
    let mut files = [two_tiers(
        "a.wast",
        &[Crash, Fail, Skip],
        &[Fail, Fail, Fail],
    )];
    let verdicts = files[0].verdicts.get_mut(&EngineName::STACK);
    let second = verdicts.expect("there").others_mut().nth(1);
    second.expect("there").1.detail = "result 0 differs".to_string();
    entry("proposal = \"mvp\"").apply(&mut files, true);
    assert_eq!(statuses(&files[0], EngineName::STACK), [Xfail, Fail, Skip]);
}

#[test]
fn an_entry_that_excuses_nothing_any_more_refuses_passes() {
    for scope in [
        "file = \"a.wast\"",
        "proposal = \"mvp\"",
        "file = \"*.wast\"",
    ] {
        let mut files = [two_tiers("a.wast", &[Pass, Pass], &[Fail, Pass])];
        let usage = entry(scope).apply(&mut files, true);
        assert_eq!(
            statuses(&files[0], EngineName::STACK),
            [Xpass, Xpass],
            "{scope}"
        );
        assert_eq!(
            statuses(&files[0], EngineName::JIT),
            [Xfail, Pass],
            "{scope}"
        );
        assert_eq!(usage.stale.len(), 1);
        assert!(usage.stale[0].contains("line 1") && usage.stale[0].contains("`stack`"));
    }
}

#[test]
fn a_count_is_exact_in_each_tier() {
    let scope = "file = \"a.wast\"\ntiers = [\"stack\", \"jit\"]\ncount = 2";
    let apply = |stack: &[Status], jit: &[Status]| {
        let mut files = [two_tiers("a.wast", stack, jit)];
        let usage = entry(scope).apply(&mut files, true);
        let [file] = &files;
        let statuses = [EngineName::STACK, EngineName::JIT].map(|tier| statuses(file, tier));
        (statuses, usage.stale)
    };
    let (statuses, stale) = apply(&[Fail, Crash, Pass], &[Fail, Crash, Pass]);
    assert_eq!(statuses, [[Xfail, Xfail, Pass], [Xfail, Xfail, Pass]]);
    assert!(stale.is_empty(), "{stale:?}");
    let (statuses, stale) = apply(&[Fail, Fail, Fail], &[Fail, Pass, Pass]);
    assert_eq!(statuses, [[Fail, Fail, Fail], [Xfail, Xpass, Xpass]]);
    assert!(
        stale[0].ends_with("2 failures, and tier `stack` has 3"),
        "{stale:?}"
    );
    assert!(
        stale[1].ends_with("2 failures, and tier `jit` has 1"),
        "{stale:?}"
    );
    assert_eq!(stale.len(), 2);
}

#[test]
fn a_part_of_the_suite_cannot_show_that_a_broad_entry_is_stale() {
    let mut files = [two_tiers("a.wast", &[Pass], &[Pass])];
    let usage = entry("proposal = \"mvp\"").apply(&mut files, false);
    assert_eq!(statuses(&files[0], EngineName::STACK), [Pass]);
    assert_eq!(usage, Use::default());
    entry("file = \"a.wast\"").apply(&mut files, false);
    assert_eq!(
        statuses(&files[0], EngineName::STACK),
        [Xpass],
        "a file is there as a whole"
    );
}

#[test]
fn an_entry_for_an_id_covers_that_directive_alone() {
    let mut files = [two_tiers(
        "a.wast",
        &[Fail, Fail, Pass],
        &[Pass, Pass, Pass],
    )];
    let id = files[0].id(1);
    entry(&format!("id = \"{id}\"")).apply(&mut files, false);
    assert_eq!(statuses(&files[0], EngineName::STACK), [Fail, Xfail, Pass]);
    assert_eq!(statuses(&files[0], EngineName::JIT), [Pass, Xpass, Pass]);
}

#[test]
fn an_entry_that_covers_nothing_is_reported() {
    let mut files = [two_tiers("a.wast", &[Pass], &[Pass])];
    for scope in [
        "file = \"b.wast\"",
        "proposal = \"simd\"",
        "id = \"a.wast#0-0\"",
    ] {
        let usage = entry(scope).apply(&mut files, true);
        assert_eq!((usage.unused.len(), usage.stale.len()), (1, 0), "{scope}");
    }
}

#[test]
fn malformed_files_are_refused_with_their_line() {
    let check = |text: &str, line: usize, part: &str| {
        let error = parse(text).expect_err("malformed");
        assert_eq!(error.line, Some(line), "{error}");
        assert!(error.message.contains(part), "{error}");
    };
    check("\n[[expect]", 2, "");
    check("[[expect]]\nfile = \"a\"\ndetail = \"x\"\n", 1, "reason");
    check(
        "[[expect]]\nfile = \"a\"\ndetail = \"x\"\nreason = \" \"\n",
        1,
        "empty",
    );
    check(
        "[[expect]]\ndetail = \"x\"\nreason = \"y\"\n",
        1,
        "exactly one",
    );
    check(
        "# c\n[[expect]]\nfile = \"a\"\nproposal = \"b\"\ndetail = \"x\"\nreason = \"y\"",
        2,
        "one",
    );
    check(
        "[[expect]]\nfile = \"a\"\ndetail = \"\"\nreason = \"y\"\n",
        1,
        "`detail`",
    );
    check(
        "[[expect]]\nfile = \"a\"\ndetail = \"x\"\nreason = \"y\"\ntier = \"jit\"",
        5,
        "tier",
    );
    let tiers = "[[expect]]\ntiers = [\"jitt\"]\nfile = \"a\"\ndetail = \"x\"\nreason = \"y\"";
    check(tiers, 1, "unknown tier `jitt`");
    for (line, part) in [
        ("engines = [\"jit@fuel\"]", "without a configuration"),
        ("engines = [\"a b\"]", "not the name of an engine"),
        ("engines = [\"jit\"]\ntiers = [\"jit\"]", "not both"),
        ("engines = []", "empty"),
        ("hosts = []", "`hosts` is empty"),
        ("configurations = []", "`configurations` is empty"),
    ] {
        let text = format!("[[expect]]\nfile = \"a\"\ndetail = \"x\"\nreason = \"y\"\n{line}");
        check(&text, 1, part);
    }
    check("[expect]\nfile = 1", 1, "");
    let glob = "\n[[expect]]\nfile = \"*[\"\ndetail = \"x\"\nreason = \"y\"";
    check(glob, 2, "*[");
}

#[test]
fn patterns_cover_files_by_path() {
    let matches = |glob: &str, path: &str| pattern(glob).expect("a pattern").is_match(path);
    assert!(matches("simd_*.wast", "simd_i8x16.wast"));
    assert!(matches("proposals/*/a.wast", "proposals/threads/a.wast"));
    assert!(matches("**/a.wast", "x/y/a.wast"));
    assert!(matches("a?.wast", "ab.wast"));
    assert!(!matches("*.wast", "x/a.wast"));
    assert!(!matches("simd_*.wast", "i32.wast"));
    assert!(!matches("a?.wast", "a.wast"));
}
