//! Names that try to be markup, for the tests of every format.

use std::collections::BTreeMap;

use crate::engine::EngineName;
use crate::judge::verdict::Status::{Crash, Fail, Pass, Skip, Xfail};
use crate::judge::verdict::{Agreement, Comparison};
use crate::report::Report;
use crate::report::details::{CallAccount, Details, FrameAccount, PlaceAccount, TraceAccount};
use crate::report::samples::{file, report};

/// Quotes, brackets of every markup, control characters, and characters that XML does not have.
pub(crate) const TEXT: &str = "\"'`]]>-->\u{1b}[31m<script>alert(1)</script>&amp;|*_\\\u{0}\u{1}\
    \r\n::error::%0A```{\u{202e}\u{fffe}\u{d}\u{85}é$(id).wast";

/// A report in which all that a user chooses is that text.
pub(crate) fn hostile_report() -> Report {
    let texts = ["(module)"; 5];
    let tiers = [EngineName::STACK, EngineName::JIT];
    let statuses = [Pass, Fail, Xfail, Crash, Skip];
    let mut hostile = file(TEXT, &texts, &tiers.map(|tier| (tier, &statuses[..])));
    hostile.proposal = TEXT.to_string();
    let (agreement, diff) = (Agreement::Diverge, format!("state of {TEXT}"));
    hostile.comparisons.set(1, Comparison { agreement, diff });
    let verdicts = hostile.verdicts.values_mut().flat_map(|it| it.others_mut());
    for (_, verdict) in verdicts {
        verdict.expected = TEXT.to_string();
        verdict.actual = TEXT.to_string();
        verdict.detail = TEXT.to_string();
    }
    let plain = file(
        "a.wast",
        &["(module)"],
        &[(tiers[0], &[Pass]), (tiers[1], &[Pass])],
    );
    let mut report = report(&tiers, &[hostile, plain]);
    report.run.suite = TEXT.to_string();
    report.run.selection = Some(TEXT.to_string());
    report.run.folder = Some(TEXT.to_string());
    for directive in report.directives.iter_mut().filter(|it| it.is_failing()) {
        directive.repro = TEXT.to_string();
        directive.details = Some(details());
    }
    report.accounting.open = BTreeMap::<String, String>::new().into_keys().collect();
    report
}

fn details() -> Details {
    let place = PlaceAccount {
        line: 1,
        column: 1,
        text: TEXT.to_string(),
    };
    let frame = FrameAccount {
        function: 1,
        offset: Some(1),
        name: Some(TEXT.to_string()),
        instruction: Some("i32.add".to_string()),
        place: Some(place),
    };
    Details {
        text: TEXT.to_string(),
        is_cut: true,
        lacks: Some(TEXT.to_string()),
        call: Some(CallAccount {
            export: TEXT.to_string(),
            arguments: vec![TEXT.to_string()],
            function: None,
        }),
        traces: vec![TraceAccount {
            tiers: vec![EngineName::STACK],
            frames: vec![frame],
            more: 1,
        }],
    }
}
