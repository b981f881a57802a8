//! The code of functions in which directives failed: source, IR and assembly beside a failure.
//!
//! A function is there once; another failure in it has a link. Divergences come before other
//! failures where there is no room for all.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::escape;
use crate::listing::Part;
use crate::listing::failing::{Listing, Listings};
use crate::present::failure::Failure;
use crate::report::Report;

/// Bytes that the code of functions may take in a page.
const CODE_BYTES_MAX: usize = 700_000;

/// The code that has room in a page.
#[derive(Default)]
pub(super) struct Code {
    /// The functions of each failure, by its id.
    of: BTreeMap<String, Vec<usize>>,
    /// Each function as HTML, until it is shown.
    unshown: BTreeMap<usize, String>,
    titles: BTreeMap<usize, String>,
    /// The divergences and the other failures that were shown with code.
    shown: [usize; 2],
}

impl Code {
    /// Takes the functions for which there is room.
    pub(super) fn new(all: &[Failure<'_>], listings: &Listings) -> Code {
        let mut code = Code::default();
        let mut room = CODE_BYTES_MAX;
        let (diverging, others): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.diverges);
        for failure in diverging.into_iter().chain(others) {
            let functions = listings.of.get(failure.id).map_or(&[][..], Vec::as_slice);
            for &number in functions {
                if let Entry::Vacant(title) = code.titles.entry(number) {
                    let listing = &listings.functions[number];
                    let html = function(number, listing);
                    let Some(left) = room.checked_sub(html.len()) else {
                        continue;
                    };
                    room = left;
                    title.insert(listing.title.clone());
                    code.unshown.insert(number, html);
                }
                let of = code.of.entry(failure.id.to_string()).or_default();
                of.push(number);
            }
        }
        code
    }

    /// The functions of a failure, as HTML: those that were not shown yet, and links to the others.
    pub(super) fn show(&mut self, failure: &Failure<'_>) -> String {
        let Some(functions) = self.of.get(failure.id) else {
            return String::new();
        };
        self.shown[usize::from(!failure.diverges)] += 1;
        let shown = functions.iter().map(|number| {
            self.unshown.remove(number).unwrap_or_else(|| {
                let title = escape(&self.titles[number]);
                format!("<p><a href=\"#function-{number}\">The code of {title}</a></p>\n")
            })
        });
        shown.collect()
    }

    /// Words on what was shown, as HTML.
    pub(super) fn note(&self, all: &[Failure<'_>]) -> String {
        let diverging = all.iter().filter(|it| it.diverges).count();
        let [shown, others] = self.shown;
        format!(
            "Source, IR and assembly are here for {shown} of {diverging} divergences and for \
             {others} of {} other failures. Long ones are cut, and none was executed for this. \
             <code>wassay explain ID</code> finds the instruction at which engines begin to \
             differ.",
            all.len() - diverging
        )
    }
}

/// The line of a page that was made from a report alone, as HTML.
pub(super) fn without_modules(report: &Report) -> String {
    let run = &report.run;
    let suite = match (&report.generated, run.paths().is_empty()) {
        (Some(_), _) => "FILE.wast",
        (None, true) => "",
        (None, false) => &run.suite,
    };
    let words = ["wassay spec", suite, &run.repeat_with, "--report html=PAGE"];
    let words = words.into_iter().filter(|word| !word.is_empty());
    format!(
        "A report has no modules, so IR and assembly are not here: <code>{}</code> makes a page \
         that has them.",
        escape(&words.collect::<Vec<_>>().join(" "))
    )
}

fn function(number: usize, listing: &Listing) -> String {
    let title = escape(&listing.title);
    let mut html = format!(
        "<details class=\"code\" id=\"function-{number}\"><summary>The code of {title}</summary>\n"
    );
    for part in &listing.parts {
        html += &format!("<h3>{}</h3>\n<pre tabindex=\"0\">", part.name);
        html += &text(part);
        html += "</pre>\n";
    }
    if let Some(missing) = &listing.missing {
        html += &format!("<p>Not all of it: {}.</p>\n", escape(missing));
    }
    html + "</details>\n"
}

/// The text of a stage, with marks on the lines that come from the instruction at hand.
fn text(part: &Part) -> String {
    let line = |(at, line): (usize, &str)| match part.marked.contains(&at) {
        true => format!("<mark>{}</mark>\n", escape(line)),
        false => escape(line) + "\n",
    };
    part.text.trim_end().lines().enumerate().map(line).collect()
}
