//! The format table against independent decoders and the GNU assembler; labels, reach and literals.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::inst::{Inst, samplers};
use super::table::Sample;

mod aliases;
mod assembler;
pub(in crate::jit) mod decode;
mod gas;
mod immediates;
mod preserved;
mod registers;
mod roles;

/// How to draw instructions of one format.
pub(super) struct Sampler {
    pub(super) format: &'static str,
    pub(super) fields: Vec<FieldValues>,
    pub(super) draw: fn(&mut Draw) -> Inst,
}

/// What a field of a format can be.
pub(super) struct FieldValues {
    name: &'static str,
    count: usize,
    complete: bool,
}

/// Draws field values at random (always the same ones), with some fields' values fixed.
pub(super) struct Draw {
    state: u64,
    /// Fields and the values that they have.
    pinned: Vec<(usize, usize)>,
    field: usize,
}

impl Draw {
    pub(super) fn field<T: Sample>(name: &'static str) -> FieldValues {
        FieldValues {
            name,
            count: T::samples().len(),
            complete: T::COMPLETE,
        }
    }

    pub(super) fn next<T: Sample>(&mut self) -> T {
        let samples = T::samples();
        // Numerical Recipes' generator: its upper bits are good enough for picking samples.
        self.state = self
            .state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let random = (self.state >> 33) as usize % samples.len();
        let pinned = self.pinned.iter().find(|(field, _)| *field == self.field);
        let at = pinned.map_or(random, |(_, value)| *value);
        self.field += 1;
        samples[at]
    }
}

impl Sample for u8 {
    const COMPLETE: bool = false;
    fn samples() -> Vec<Self> {
        vec![
            0, 1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 24, 30, 31, 32, 33, 40, 48, 62, 63, 64,
        ]
    }
}

impl Sample for u16 {
    const COMPLETE: bool = false;
    fn samples() -> Vec<Self> {
        vec![0, 1, 0xff, 0x1234, 0x8000, 0xffff]
    }
}

impl Sample for bool {
    const COMPLETE: bool = true;
    fn samples() -> Vec<Self> {
        vec![false, true]
    }
}

/// Values (format, field, row) of enumerations that a format has no encoding for.
const ABSENT: &[(&str, &str, usize)] = &[
    // Addition has no rotated operand.
    ("AddSub", "shift", 3),
];

/// Fields whose values exist for some operations and formats only, as their tables say.
const PARTIAL_FIELDS: &[&str] = &["arr", "width"];

/// Encodable instructions of every format, by the format's name: every value of every field in
/// turn, and every pair of values of which at least one is a row of a table.
///
/// Panics if a row that must be encodable is not.
fn all_samples() -> BTreeMap<&'static str, Vec<(Inst, u32)>> {
    let mut all = BTreeMap::new();
    for sampler in samplers() {
        let mut found = draw_encodable(&sampler, &[], 1);
        for field in 0..sampler.fields.len() {
            found.extend(draw_values(&sampler, field));
            for other in 0..field {
                found.extend(draw_pairs(&sampler, field, other));
            }
        }
        assert!(!found.is_empty(), "no sample of {}", sampler.format);
        found.sort_by_key(|(_, word)| *word);
        found.dedup_by_key(|(_, word)| *word);
        all.insert(sampler.format, found);
    }
    all
}

/// Every value of a field, thrice.
fn draw_values(sampler: &Sampler, field: usize) -> Vec<(Inst, u32)> {
    let values = &sampler.fields[field];
    let mut found = Vec::new();
    for value in 0..values.count {
        let some = draw_encodable(sampler, &[(field, value)], 3);
        let place = (sampler.format, values.name, value);
        let must_encode = values.complete && !PARTIAL_FIELDS.contains(&values.name);
        let missing = must_encode && some.is_empty() && !ABSENT.contains(&place);
        assert!(!missing, "{place:?} never encodes");
        found.extend(some);
    }
    found
}

/// Every pair of values of two fields, if one of them is an enumeration.
fn draw_pairs(sampler: &Sampler, field: usize, other: usize) -> Vec<(Inst, u32)> {
    let (values, others) = (&sampler.fields[field], &sampler.fields[other]);
    let mut found = Vec::new();
    if values.complete || others.complete {
        for pair in (0..values.count).flat_map(|a| (0..others.count).map(move |b| (a, b))) {
            found.extend(draw_encodable(
                sampler,
                &[(field, pair.0), (other, pair.1)],
                1,
            ));
        }
    }
    found
}

fn draw_encodable(sampler: &Sampler, pinned: &[(usize, usize)], count: usize) -> Vec<(Inst, u32)> {
    let seed = pinned.iter().map(|(_, value)| *value as u64).sum();
    let mut draw = Draw {
        state: seed,
        pinned: pinned.to_vec(),
        field: 0,
    };
    let instructions = (0..100 * count).map(|_| {
        draw.field = 0;
        (sampler.draw)(&mut draw)
    });
    instructions
        .filter_map(|inst| Some((inst, inst.encode().ok()?)))
        .take(count)
        .collect()
}

/// Text with one spelling for numbers, spaces and conditions.
fn normal(text: &str) -> String {
    let mut out = String::new();
    let is_separator = |c: char| c.is_whitespace() || ",[]{}!#".contains(c);
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(is_separator).unwrap_or(rest.len());
        if end == 0 {
            let separator = rest.chars().next().expect("not empty");
            if !separator.is_whitespace() && separator != '#' {
                out.push(separator);
            } else if separator != '#' && !out.ends_with(' ') && !out.contains(' ') {
                out.push(' ');
            }
            rest = &rest[separator.len_utf8()..];
        } else {
            write!(out, "{}", normal_token(&rest[..end])).expect("strings can be written to");
            rest = &rest[end..];
        }
    }
    // `lsl #0` is the same as nothing.
    out.to_lowercase().replace(",lsl0", "")
}

fn normal_token(token: &str) -> String {
    let (negative, digits) = match token.strip_prefix('.').unwrap_or(token) {
        t if t.starts_with('-') => (true, &t[1..]),
        t => (false, t.strip_prefix('+').unwrap_or(t)),
    };
    let number = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    match number {
        Ok(number) if negative => (number as i64).wrapping_neg().to_string(),
        Ok(number) => (number as i64).to_string(),
        Err(_) => match token {
            "cs" => "hs".into(),
            "cc" => "lo".into(),
            "b.cs" => "b.hs".into(),
            "b.cc" => "b.lo".into(),
            other => other.strip_suffix(".0").unwrap_or(other).to_owned(),
        },
    }
}

/// Formats of which `disarm64` prints some instructions wrongly: there `yaxpeax-arm` must print
/// our text, or call it `mov`.
const DISARM64_WRONG: &[(&str, &str)] = &[
    (
        "FpCvt",
        "the destination is printed with the source's width",
    ),
    ("DupScalar", "the destination is printed as undefined"),
    ("InsGpr", "x registers are printed as w registers"),
];

/// The same text with `lsl` for extensions that extend nothing, as decoders print them beside
/// register 31.
fn with_lsl(text: &str) -> String {
    let text = text.replace(",uxtw", ",lsl").replace(",uxtx", ",lsl");
    text.strip_suffix(",lsl").unwrap_or(&text).to_owned()
}

/// Every sample decodes by both decoders, and the decoder's text is ours.
#[test]
fn samples_decode_to_their_own_text() {
    let mut wrong = String::new();
    let mut excused = BTreeSet::new();
    for (format, samples) in all_samples() {
        for (inst, word) in samples {
            let ours = normal(&inst.to_string());
            let theirs = decode::by_disarm64(word).map(|text| normal(&text));
            let other = decode::by_yaxpeax(word).map(|text| normal(&text));
            let is_ours = |text: &String| *text == ours || *text == with_lsl(&ours);
            let by_disarm64 = theirs.as_ref().is_some_and(is_ours);
            let by_yaxpeax = other
                .as_ref()
                .is_some_and(|text| is_ours(&unaliased(text, &ours)));
            let is_excused = !by_disarm64 && by_yaxpeax && excuse(format).is_some();
            if is_excused {
                excused.insert(format);
            }
            if !(by_disarm64 || is_excused) || theirs.is_none() || other.is_none() {
                let place = format!("{format} {word:08x}");
                writeln!(
                    wrong,
                    "{place}: ours {ours}, disarm64 {theirs:?}, yaxpeax {other:?}"
                )
                .expect("strings can be written to");
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{wrong}",
        wrong.lines().count()
    );
    let listed: BTreeSet<_> = DISARM64_WRONG.iter().map(|(format, _)| *format).collect();
    assert_eq!(excused, listed, "each excuse is needed");
}

/// Why `disarm64` may print instructions of a format otherwise.
fn excuse(format: &str) -> Option<&'static str> {
    DISARM64_WRONG
        .iter()
        .find(|(wrong, _)| *wrong == format)
        .map(|(_, reason)| *reason)
}

/// A decoder's text with our mnemonic in place of `mov`.
fn unaliased(text: &str, ours: &str) -> String {
    let mnemonic = ours.split(' ').next().unwrap_or(ours);
    let operands = text.strip_prefix("mov ");
    operands.map_or(text.to_owned(), |operands| format!("{mnemonic} {operands}"))
}

/// The GNU assembler makes our words from our text.
#[test]
#[cfg_attr(
    not(all(target_os = "linux", target_arch = "x86_64")),
    ignore = "needs the GNU assembler for A64, which scripts/setup installs on x86-64 Linux"
)]
fn samples_assemble_to_their_own_words() {
    let samples: Vec<_> = all_samples().into_values().flatten().collect();
    let text: String = samples
        .iter()
        .map(|(inst, _)| format!("{inst}\n"))
        .collect();
    let words = gas::assemble(&text);
    assert_eq!(words.len(), samples.len());
    let differs = |((_, ours), theirs): &(&(Inst, u32), u32)| ours != theirs;
    let pairs = samples.iter().zip(words);
    let wrong: Vec<_> = pairs
        .filter(differs)
        .map(|((inst, ours), theirs)| format!("{inst}: {ours:08x} {theirs:08x}"))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Instructions are copied about a lot before allocation: they stay small.
#[test]
fn instructions_are_small() {
    assert!(size_of::<Inst>() <= 32, "{}", size_of::<Inst>());
}
