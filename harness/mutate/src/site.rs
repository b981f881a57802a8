//! A place of the runtime's source at which a fault can be planted, and its kinds.

use std::ops::Range;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($kind:ident $name:literal $doc:literal;)*) => {
        /// The kind of a fault: what a wrong line does in place of the right one.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind { $(#[doc = $doc] $kind,)* }

        impl Kind {
            /// The name of the kind in tables.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    Arithmetic "arithmetic" "Another operation of arithmetic.";
    Bitwise "bitwise" "Another operation on bits, or a shift the other way.";
    Boundary "boundary" "A comparison that also holds, or no longer holds, of equal operands.";
    Inverse "inverse" "A comparison that holds when it should not.";
    Logic "logic" "A condition without one of its parts, or with `or` for `and`.";
    Negation "negation" "A test or a number without its negation, or with one.";
    Constant "constant" "A constant that is one too large or small, or has another high bit.";
    Condition "condition" "A condition that always or never holds.";
    ArmSwap "arm-swap" "The arm of a match for another case.";
    Dropped "dropped" "A statement that is missing.";
    Swapped "swapped" "Two arguments, fields or elements in each other's place.";
    Method "method" "A neighbouring method: rotate_left for rotate_right.";
    Sign "sign" "An extension with the other sign.";
    Width "width" "A conversion that loses upper bits.";
    Variant "variant" "A neighbouring variant of an enum: Size::W for Size::X.";
    Extent "extent" "A range that begins late or ends early.";
    Early "early" "A function that returns at once.";
    Absent "absent" "`None` in place of a value.";
}

/// The change of the text at a place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Another expression.
    Expr(String),
    /// Another body of an arm.
    Arm(String),
    /// Without the statement.
    Without,
    /// With a statement at the place, of no length.
    Entry(String),
    /// With a further condition at the place, of no length, that does not hold.
    Never,
}

/// A place, and a fault there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Site {
    /// The path of the file in the project.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The function or the row of a macro in which it lies.
    pub item: String,
    /// The kind of the fault.
    pub kind: Kind,
    /// The bytes that it changes.
    pub range: Range<usize>,
    /// The change.
    pub change: Change,
    /// The text as it is, in one line.
    pub original: String,
}

/// A fault by its file, function, kind, text and the text in its place.
pub type Place<'a> = (&'a str, &'a str, Kind, &'a str, String);

impl Site {
    /// What a fault is wherever its line is.
    pub fn text(&self) -> Place<'_> {
        let replacement = self.replacement();
        (
            &self.file,
            &self.item,
            self.kind,
            &self.original,
            replacement,
        )
    }

    /// The change in one line.
    pub fn replacement(&self) -> String {
        match &self.change {
            Change::Expr(text) | Change::Arm(text) => one_line(text),
            Change::Without => "(nothing)".to_owned(),
            Change::Entry(text) => one_line(text),
            Change::Never => "false && ..".to_owned(),
        }
    }

    /// The text in front of the place and behind it that plants the fault of a number.
    pub fn wrapping(&self, number: u32) -> (String, String) {
        let on = format!("crate::mutant::on({number})");
        let (open, close) = match &self.change {
            Change::Expr(other) => (format!("(if {on} {{ {other} }} else {{ "), " })"),
            Change::Arm(other) => (format!("{{ if {on} {{ {other} }} else {{ "), " } }"),
            Change::Without => (format!("if !{on} {{ "), " }"),
            Change::Entry(statement) => (format!("if {on} {{ {statement} }} "), ""),
            Change::Never => (format!("!{on} && "), ""),
        };
        (
            format!("{}{open}", mark(number, '{')),
            format!("{close}{}", mark(number, '}')),
        )
    }
}

/// The comment at an end of a planted fault.
pub fn mark(number: u32, bracket: char) -> String {
    format!("/*{number}{bracket}*/")
}

/// A text with its blanks made one.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A source with faults planted, each with its number. Of two places one is inside of the other, or
/// they are apart.
pub fn rewrite(text: &str, sites: &[(u32, &Site)]) -> String {
    // By byte; ends before beginnings; inner ends first, outer beginnings first.
    let mut insertions = Vec::new();
    for (order, (number, site)) in sites.iter().enumerate() {
        let (open, close) = site.wrapping(*number);
        let Range { start, end } = site.range;
        let order = order as isize;
        if start == end {
            insertions.push(((start, 1, 0, order), format!("{open}{close}")));
        } else {
            insertions.push(((start, 2, -(end as isize), order), open));
            insertions.push(((end, 0, -(start as isize), -order), close));
        }
    }
    insertions.sort_by_key(|(key, _)| *key);
    let mut out = String::with_capacity(text.len() * 2);
    let mut from = 0;
    for ((at, ..), inserted) in &insertions {
        out.push_str(&text[from..*at]);
        out.push_str(inserted);
        from = *at;
    }
    out.push_str(&text[from..]);
    out
}
