//! The page is well-formed, says what the report says, and text in it stays text. A browser is not
//! at hand in tests: the page is also XML, and its structure is read by an XML parser.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::*;
use crate::judge::verdict::Agreement;
use crate::judge::verdict::Status::{Fail, Pass, Skip, Xfail};
use crate::judge::verdict::Verdict;
use crate::listing::Part;
use crate::listing::failing::{Listing, Listings};
use crate::present::hostile::{self, hostile_report};
use crate::report::history::PastRun;
use crate::report::samples::{self, file, report};

/// An element with its attributes.
#[derive(Debug)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
}

/// Every element of a page, and all of its text, style and script apart.
fn read(page: &str) -> (Vec<Element>, String) {
    let start = page.find("<script>").expect("a script") + "<script>".len();
    let without = [&page[..start], "</script>\n</body>\n</html>\n"].concat();
    let without = without.replace(STYLE, "");
    let mut reader = Reader::from_str(&without);
    reader.config_mut().check_end_names = true;
    let (mut elements, mut text, mut open) = (Vec::new(), String::new(), 0);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                open += 1;
                elements.push(element(&start));
            }
            Event::Empty(start) => elements.push(element(&start)),
            Event::End(_) => open -= 1,
            Event::Text(part) => text.push_str(&part.decode().expect("UTF-8")),
            Event::GeneralRef(part) => {
                text.push_str(match &*part.decode().expect("UTF-8") {
                    "lt" => "<",
                    "gt" => ">",
                    "amp" => "&",
                    "quot" => "\"",
                    "#39" => "'",
                    other => panic!("reference {other}"),
                });
            }
            Event::DocType(_) => {}
            Event::Eof => break,
            other => panic!("not in the page: {other:?}"),
        }
    }
    assert_eq!(open, 0, "everything is closed");
    (elements, text)
}

fn element(start: &BytesStart<'_>) -> Element {
    let attribute = |it: quick_xml::events::attributes::Attribute<'_>| {
        let value = String::from_utf8(it.value.to_vec()).expect("UTF-8");
        (
            String::from_utf8(it.key.as_ref().to_vec()).expect("UTF-8"),
            value,
        )
    };
    let attributes = start
        .attributes()
        .map(|it| attribute(it.expect("well-formed")));
    Element {
        name: String::from_utf8(start.name().as_ref().to_vec()).expect("UTF-8"),
        attributes: attributes.collect(),
    }
}

fn beside() -> Beside {
    let span = |path: &str, end| Span {
        tier: EngineName::JIT,
        path: path.to_string(),
        thread: 0,
        worker: 1,
        directives: 1,
        start: Duration::ZERO,
        end: Duration::from_millis(end),
    };
    Beside {
        timeline: Timeline {
            spans: vec![span("fast.wast", 1), span("slow.wast", 50)],
            ..Timeline::default()
        },
        ..Beside::default()
    }
}

fn sample() -> Report {
    let tiers = [EngineName::STACK, EngineName::JIT];
    let statuses = [Pass, Fail, Xfail, Skip];
    let a = file(
        "a.wast",
        &["(module)"; 4],
        &tiers.map(|it| (it, &statuses[..])),
    );
    let b = file("b.wast", &["(module)"], &tiers.map(|it| (it, &[Pass][..])));
    report(&tiers, &[a, b])
}

#[test]
fn the_page_has_the_figures_of_the_report() {
    let page = Html.render(&sample(), &beside());
    let (elements, text) = read(&page);
    let count = |name: &str| elements.iter().filter(|it| it.name == name).count();
    // The map, engines, reasons, files, and two of times.
    assert_eq!((count("table"), count("caption")), (6, 6));
    assert_eq!(count("details"), 1, "one failure for both engines");
    assert!(text.contains("GATING: failed, 1 directive is not as expected"));
    assert!(text.contains("2 40.0%"), "{text}");
    assert!(text.contains("stack 1, jit 1"), "reasons by engine");
    assert!(text.contains("wassay spec --directive"));
    let slow = text.rfind("slow.wast").expect("named");
    assert!(
        slow < text.rfind("fast.wast").expect("named"),
        "the longest first"
    );
    let items = elements
        .iter()
        .filter(|it| it.attributes.contains_key("data-item"));
    assert_eq!(items.count(), 3, "a failure and two files can be searched");
}

/// Screen readers: headings of tables say what they head, regions have names, and ids are unique.
#[test]
fn the_page_can_be_read_without_eyes_and_without_a_mouse() {
    let (elements, _) = read(&Html.render(&sample(), &beside()));
    let mut ids = BTreeSet::new();
    for it in &elements {
        if let Some(id) = it.attributes.get("id") {
            assert!(ids.insert(id.clone()), "{id} twice");
        }
    }
    for it in &elements {
        let has = |name: &str| {
            it.attributes
                .get(name)
                .is_some_and(|value| !value.is_empty())
        };
        match it.name.as_str() {
            "th" => assert!(has("scope"), "{it:?}"),
            "html" => assert!(has("lang"), "{it:?}"),
            "div" | "nav" => assert!(has("aria-label"), "{it:?}"),
            "section" => assert!(ids.contains(&it.attributes["aria-labelledby"]), "{it:?}"),
            "a" => assert!(ids.contains(&it.attributes["href"][1..]), "{it:?}"),
            _ => {}
        }
        if it
            .attributes
            .get("role")
            .is_some_and(|role| role == "region")
        {
            assert!(has("tabindex"), "it can be scrolled by keys: {it:?}");
        }
    }
}

/// The policy allows the page's own style and script, and nothing else; there is nothing else.
#[test]
fn the_page_needs_nothing_from_outside() {
    let page = Html.render(&hostile_report(), &beside());
    let (elements, _) = read(&page);
    let policy = elements
        .iter()
        .find(|it| it.attributes.contains_key("http-equiv"));
    let policy = &policy.expect("a policy").attributes["content"];
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    for text in [STYLE, SCRIPT] {
        assert!(policy.contains(&hash(text)));
        assert!(!text.contains("</") && !text.contains("http"), "{text}");
    }
    assert!(!policy.contains("unsafe"));
    for it in &elements {
        let acts = |name: &String| name.starts_with("on") || name == "src" || name == "style";
        assert!(!it.attributes.keys().any(acts), "{it:?}");
        assert!(
            !["link", "img", "iframe", "object"].contains(&it.name.as_str()),
            "{it:?}"
        );
    }
    assert_eq!(elements.iter().filter(|it| it.name == "script").count(), 1);
    assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("eval"));
}

#[test]
fn hostile_names_are_text() {
    let (_, text) = read(&Html.render(&hostile_report(), &Beside::default()));
    assert!(text.contains("<script>alert(1)</script>"), "as text");
    assert!(!text.chars().any(|c| c != '\n' && cases::is_odd(c)));
    assert!(hostile::TEXT.chars().any(cases::is_odd));
}

/// However many directives fail.
#[test]
fn a_page_is_not_larger_than_it_may_be() {
    let count = 20_000;
    let a = file(
        "a.wast",
        &vec!["(module)"; count],
        &[(EngineName::STACK, &vec![Fail; count])],
    );
    let page = Html.render(&report(&[EngineName::STACK], &[a]), &Beside::default());
    assert!(page.len() <= 3_000_000, "{}", page.len());
    assert!(page.contains(" more failures have no room here."));
}

/// Listings of the failures of a report, of one stage each.
fn listings(report: &Report, title: &str, text: &str) -> Listings {
    let mut all = Listings::default();
    for directive in &report.directives {
        all.of
            .insert(directive.id.clone(), vec![all.functions.len()]);
        all.functions.push(Listing {
            title: title.to_string(),
            parts: vec![Part {
                name: "IR",
                text: text.to_string(),
                marked: vec![0],
            }],
            missing: None,
        });
    }
    all
}

/// Names and texts of functions are text; code is folded, and can be scrolled by keys.
#[test]
fn code_of_hostile_names_is_text() {
    let report = hostile_report();
    let beside = Beside {
        listings: Some(listings(&report, hostile::TEXT, hostile::TEXT)),
        ..beside()
    };
    let page = Html.render(&report, &beside);
    let (elements, text) = read(&page);
    let code = |it: &&Element| it.attributes.get("class").is_some_and(|it| it == "code");
    let code: Vec<&Element> = elements.iter().filter(code).collect();
    assert!(!code.is_empty() && page.contains("<h3>IR</h3>"));
    assert!(
        code.iter()
            .all(|it| it.name == "details" && !it.attributes.contains_key("open"))
    );
    assert!(page.contains("<mark>"));
    assert!(!text.chars().any(|c| c != '\n' && cases::is_odd(c)));
    assert!(elements.iter().filter(|it| it.name == "script").count() == 1);
}

/// The code of divergences comes first, and the page says how much of it there is.
#[test]
fn code_has_a_bound_and_divergences_come_first() {
    let texts = vec!["(module)"; 200];
    let tiers = [(EngineName::STACK, &vec![Fail; 200][..])];
    let mut report = report(&[EngineName::STACK], &[file("a.wast", &texts, &tiers)]);
    for directive in &mut report.directives[190..] {
        directive.agreement = Agreement::Diverge;
    }
    let text = "x\n".repeat(10_000);
    let listings = listings(&report, "f", &text);
    let beside = Beside {
        listings: Some(listings),
        ..beside()
    };
    let page = Html.render(&report, &beside);
    assert!(page.len() <= 3_000_000, "{}", page.len());
    let shown = page.matches("<h3>IR</h3>").count();
    let note = format!(
        "for 10 of 10 divergences and for {} of 190 other",
        shown - 10
    );
    assert!(page.contains(&note) && shown > 10 && shown < 200, "{shown}");
}

/// Earlier runs of the same suite are lines, with their ends in numbers and in words; those of
/// another suite are none.
#[test]
fn earlier_runs_are_lines() {
    let report = sample();
    let past = |date: &str, passes: [u64; 2]| {
        let mut past = PastRun::new(&report, SystemTime::UNIX_EPOCH);
        past.date = date.to_string();
        let engines = [EngineName::STACK, EngineName::JIT];
        for (engine, passes) in engines.into_iter().zip(passes) {
            past.engines.get_mut(&engine).expect("counted").pass = passes;
            let proposal = past.proposals.get_mut("mvp").expect("counted");
            proposal.engines.get_mut(&engine).expect("counted").pass = passes;
        }
        past
    };
    let mut other = past("2026-01-03T00:00:00Z", [1, 1]);
    other.suite = "another".to_string();
    let page = |earlier: Vec<PastRun>| {
        let earlier = Beside {
            earlier,
            ..beside()
        };
        read(&Html.render(&report, &earlier))
    };
    let (elements, text) = page(vec![
        past("2026-01-01T00:00:00Z", [0, 2]),
        past("2026-01-02T00:00:00Z", [4, 2]),
        other.clone(),
    ]);
    let attributes = |element: &str, name: &str| -> Vec<String> {
        let all = elements.iter().filter(|it| it.name == element);
        all.map(|it| it.attributes[name].clone()).collect()
    };
    let labels = attributes("svg", "aria-label");
    let stack = "stack: from 0 of 5 on 2026-01-01T00:00:00Z to 2 of 5 on a day that is not known; \
                 least 0.00 %, most 80.00 %";
    let jit = "jit: from 2 of 5 on 2026-01-01T00:00:00Z to 2 of 5 on a day that is not known; \
               least 40.00 %, most 40.00 %";
    let moved = stack.replace("stack", "mvp");
    assert_eq!(
        labels,
        [stack, jit, &moved],
        "only what has moved has a line by proposal"
    );
    let points = attributes("polyline", "points");
    let up_and_down = "3.0,29.0 80.0,3.0 157.0,16.0";
    assert_eq!(
        points,
        [up_and_down, "3.0,16.0 80.0,16.0 157.0,16.0", up_and_down]
    );
    assert!(text.contains("+2"), "{text}");
    let (elements, text) = page(vec![other]);
    assert!(text.contains("There is no earlier run of this suite"));
    assert!(elements.iter().all(|it| it.name != "svg"));
}

/// Texts that are not the suite's are a column of the engines, and listed.
#[test]
fn other_texts_are_counted_and_listed() {
    let mut a = file(
        "a.wast",
        &["(module)"; 2],
        &[(EngineName::STACK, &[Pass, Pass])],
    );
    let verdict = Verdict {
        expected: "type mismatch".to_string(),
        actual: "<b>unknown".to_string(),
        ..samples::verdict(Pass)
    };
    let verdicts = a.verdicts.get_mut(&EngineName::STACK).expect("there");
    verdicts.set(1, Some(verdict));
    let page = Html.render(&report(&[EngineName::STACK], &[a]), &Beside::default());
    let others = "<td>0</td>".repeat(Status::ALL.len() - 1);
    let row = format!("<th scope=\"row\">stack</th><td>2</td>{others}<td>1</td>");
    assert!(page.contains(&row), "{page}");
    let texts = "<td class=\"text\">type mismatch</td><td class=\"text\">&lt;b&gt;unknown</td>";
    assert!(page.contains(texts), "{page}");
}
