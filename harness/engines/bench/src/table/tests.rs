//! Tables of figures that were not measured: what is printed, compared and written of them.

use super::*;
use crate::page::page;
use crate::sample::Seconds;

fn measured(least: f64, median: f64, greatest: f64) -> Figure {
    Figure::Measured {
        median,
        least,
        greatest,
    }
}

fn row(name: &str, results: &[&str], figures: [Figure; 3]) -> Row {
    let engines = ENGINES.iter().map(|engine| engine.to_string());
    Row {
        name: name.to_owned(),
        agree: results.len() <= 1,
        results: results.iter().map(|result| result.to_string()).collect(),
        figures: engines.zip(figures).collect(),
    }
}

const ENGINES: [&str; 3] = ["wassay-register", "wasmi", "wassay-jit (emulated)"];

/// Ours takes half of wasmi's time in the first row and twice as much in the second; the third is
/// too short to be measured, and wasmi fails in the fourth. What is emulated compares with nothing.
fn table() -> Results {
    let slow = || measured(90.0, 100.0, 110.0);
    let failed = Figure::Failed("unreachable <&>".to_owned());
    let rows = vec![
        row(
            "c/a",
            &["1"],
            [measured(0.9, 1.0, 1.2), measured(2.0, 2.0, 2.0), slow()],
        ),
        row(
            "c/b",
            &["1", "2\n3"],
            [measured(8.0, 8.0, 8.0), measured(4.0, 4.0, 4.0), slow()],
        ),
        row(
            "c/<c>",
            &["1"],
            [measured(0.0, 0.0, 0.0), measured(4.0, 4.0, 4.0), slow()],
        ),
        row("c/d", &["1"], [measured(1.0, 1.0, 1.0), failed, slow()]),
    ];
    let engines = ENGINES.map(str::to_owned).to_vec();
    let mut table = Results::new(Job::Programs, 5, engines, rows);
    table.host = "a host".to_owned();
    table.missing = BTreeMap::from([("bun".to_owned(), "not here".to_owned())]);
    table
}

#[test]
fn a_table_says_what_was_measured_and_what_was_not() {
    let expected = "\
User seconds of a program, its module compiled and instantiated, median of 5 runs
(a host)

| | wassay-register | wasmi | wassay-jit (emulated) |
|---|---:|---:|---:|
| c/a | 1.000 ±20% | 2.000 ±0% | 100.000 ±10% |
| c/b | 8.000 ±0% | 4.000 ±0% | 100.000 ±10% |
| c/<c> | 0.000 | 4.000 ±0% | 100.000 ±10% |
| c/d | 1.000 ±0% | - | 100.000 ±10% |
| geometric mean, wassay-register = 1 | 1.00 | 1.00 | - |

- MISSING: bun: not here
- c/b: RESULTS DIFFER: 1; 2 3
- c/d under wasmi: unreachable <&>
- wassay-register to wasmi: 1.00 in the geometric mean of 2, at most 2.00
";
    assert_eq!(table().markdown(), expected);
}

#[test]
fn results_that_differ_are_told() {
    let mut table = table();
    assert!(!table.agree());
    table.rows.retain(|row| row.name != "c/b");
    assert!(table.agree());
    assert!(!table.markdown().contains("DIFFER"));
}

#[test]
fn what_is_written_is_read_again() {
    let written = serde_json::to_string(&table()).expect("it is written");
    let read: Results = serde_json::from_str(&written).expect("it is read");
    assert_eq!(read.markdown(), table().markdown());
}

#[test]
fn a_page_has_every_figure_and_no_markup_of_others() {
    let page = page(&[table()]);
    for text in [
        "1.000 ±20%",
        "c/&lt;c&gt;",
        "unreachable &lt;&amp;&gt;",
        "MISSING: bun",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("c/<c>") && !page.contains("<&>"), "{page}");
    // A dot for each figure above zero: eleven less one that failed.
    assert_eq!(page.matches("<circle").count(), 10);
}

#[test]
fn the_median_is_that_of_all_samples() {
    let sample = |user| Sample {
        phases: BTreeMap::from([("call".to_owned(), Seconds { user, system: 9.0 })]),
        ..Sample::default()
    };
    let samples = Ok([5.0, 1.0, 2.0].map(sample).to_vec());
    let Figure::Measured {
        median,
        least,
        greatest,
    } = figure(Job::Kernels, &samples)
    else {
        panic!("it is measured");
    };
    assert_eq!((least, median, greatest), (1.0, 2.0, 5.0));
    let nothing = figure(Job::Instructions, &samples);
    assert!(matches!(nothing, Figure::Failed(why) if why == "nothing was counted"));
}

#[test]
fn figures_without_results_are_a_table() {
    let figures = [("wassay-register", 4.0), ("wasmi", 8.0)];
    let figures = figures.map(|(name, it)| (name.to_owned(), Figure::of(vec![it; 3])));
    let row = Row::of_figures("entry", BTreeMap::from(figures));
    let engines = ["wassay-register", "wasmi"].map(str::to_owned).to_vec();
    let table = Results::new(Job::Calls, 3, engines, vec![row]);
    let text = table.markdown();
    for line in [
        "| entry | 4.0 ±0% | 8.0 ±0% |",
        "- wassay-register to wasmi: 0.50 in the geometric mean of 1, at most 0.50",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}: {text}");
    }
    assert!(table.agree());
}

#[test]
fn counts_are_those_of_the_marks() {
    let mut sample = Sample::default();
    sample.add_counts("count 9 in=1 all=200\ncount 10 in=0 all=5\ncount 1 in=30 all=40\n");
    let counts = (sample.load_instructions, sample.call_instructions);
    assert_eq!(counts, (Some(200), Some(30)));
}
