//! The page of HTML of a whole suite with twelve columns is at most 3 MB, whatever fails.
//!
//! The report is that of the suite's run; its columns stand for twelve engines, with the longest
//! names that there are. In a second page more directives fail than have room, each in its own way
//! in each column, and functions have more code than has room.

use std::collections::BTreeMap;

use libtest_mimic::Failed;
use wassay::engine::EngineName;
use wassay::judge::verdict::{Agreement, Status};
use wassay::listing::Part;
use wassay::listing::failing::{Listing, Listings};
use wassay::present::Presenter;
use wassay::present::beside::Beside;
use wassay::present::html::Html;
use wassay::report::details::Details;
use wassay::report::{DirectiveAccount, Regression, Report, TierVerdict};

/// The name of the trial.
pub(crate) const NAME: &str = "page of twelve columns";
const PAGE_BYTES_MAX: usize = 3_000_000;
const COLUMNS: [&str; 12] = [
    "stack",
    "register",
    "jit",
    "tiered-1@explicit",
    "register@linear-allocation",
    "jit@poison-registers",
    "v8-turbofan-arm64",
    "jsc-omg-arm64",
    "wasmtime-cranelift",
    "wasmtime-pulley",
    "wasmtime-winch",
    "wassay-c",
];

/// Checks the pages of a run.
///
/// # Errors
/// If one is too large, or does not have all columns.
pub(crate) fn check(report: &Report) -> Result<(), Failed> {
    let report = with_columns(report)?;
    let plain = Html.render(&report, &Beside::default());
    let (failing, beside) = with_failures(report);
    let full = Html.render(&failing, &beside);
    for (page, what) in [(&plain, "plain"), (&full, "full")] {
        if page.len() > PAGE_BYTES_MAX {
            return Err(format!("the {what} page has {} bytes", page.len()).into());
        }
        for column in COLUMNS {
            if !page.contains(&format!("<th scope=\"col\">{column}</th>")) {
                return Err(format!("the {what} page has no {column}").into());
            }
        }
    }
    let has_room_for_no_more = full.contains("more failures have no room here");
    if !has_room_for_no_more || full.matches("<h3>A64</h3>").count() < 10 {
        return Err("the full page is not full".into());
    }
    println!("pages of {} and {} bytes", plain.len(), full.len());
    Ok(())
}

/// What a map has of some columns, for those that stand for them.
fn spread<T: Clone>(columns: &[(EngineName, EngineName)], map: &mut BTreeMap<EngineName, T>) {
    let spread = columns.iter();
    let spread = spread.filter_map(|(name, of)| Some((*name, map.get(of)?.clone())));
    *map = spread.collect();
}

/// The report with its columns in turn as twelve.
fn with_columns(report: &Report) -> Result<Report, Failed> {
    let own: Vec<EngineName> = report.tiers.keys().copied().collect();
    let names: Result<Vec<EngineName>, _> = COLUMNS.iter().map(|name| name.parse()).collect();
    let names = names.map_err(|error| Failed::from(error.to_string()))?;
    let columns: Vec<(EngineName, EngineName)> =
        names.into_iter().zip(own.into_iter().cycle()).collect();
    let mut report = report.clone();
    spread(&columns, &mut report.tiers);
    for proposal in report.proposals.values_mut() {
        spread(&columns, &mut proposal.counts);
    }
    for file in &mut report.files {
        spread(&columns, &mut file.counts);
    }
    for directive in &mut report.directives {
        spread(&columns, &mut directive.tiers);
    }
    Ok(report)
}

/// The report with failures that have no room, and with the code of their functions.
fn with_failures(mut report: Report) -> (Report, Beside) {
    let mut listings = Listings::default();
    let files: Vec<String> = report.files.iter().map(|it| it.path.clone()).collect();
    for (number, file) in files.iter().cycle().take(5_000).enumerate() {
        let id = format!("{file}#{number}-00000000");
        let verdict = |(column, name): (usize, &EngineName)| {
            let verdict = TierVerdict {
                status: Status::Fail,
                actual: format!("i32:{number:#010x}, i64:{column:#018x}"),
                detail: format!("result 0 differs, in a way of its own: {column}"),
            };
            (*name, verdict)
        };
        let details = Details {
            text: "(assert_return (invoke \"f\" (i32.const 1)) (i32.const 2))".repeat(20),
            ..Details::default()
        };
        report.gate.regressions.push(Regression {
            id: id.clone(),
            tier: None,
            what: "diverge".to_string(),
        });
        listings.of.insert(id.clone(), vec![number]);
        listings.functions.push(Listing {
            title: format!("function {number}"),
            parts: vec![Part {
                name: "A64",
                text: "    add w0, w1, #1\n".repeat(100),
                marked: vec![7],
            }],
            missing: None,
        });
        report.directives.push(DirectiveAccount {
            repro: format!("wassay spec --directive '{id}'"),
            id,
            file: file.clone(),
            line: 1,
            column: 1,
            kind: wassay::script::Kind::AssertReturn,
            expected: "i32:0x00000002".to_string(),
            tiers: report.tiers.keys().enumerate().map(verdict).collect(),
            agreement: Agreement::Diverge,
            diff: None,
            details: Some(details),
        });
    }
    let beside = Beside {
        listings: Some(listings),
        ..Beside::default()
    };
    (report, beside)
}
