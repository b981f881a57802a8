//! The format table against independent decoders and the GNU assembler; labels, reach and literals.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::decode;
use super::inst::{Inst, samplers};
use super::regs::{Gpr, Reg, Vreg};
use super::table::Sample;

mod aliases;
mod assembler;
mod gas;
mod immediates;

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

/// Draws field values at random (always the same ones), with one field's value fixed.
pub(super) struct Draw {
    state: u64,
    pinned: (usize, usize),
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
        let at = if self.field == self.pinned.0 {
            self.pinned.1
        } else {
            random
        };
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

/// Encodable instructions of every format, by the format's name: every value of every field in
/// turn, thrice.
///
/// Panics if a value that must be encodable (a row of a table of operations) is not.
fn all_samples() -> BTreeMap<&'static str, Vec<(Inst, u32)>> {
    let mut all = BTreeMap::new();
    for sampler in samplers() {
        let mut found = Vec::new();
        for (field, values) in sampler.fields.iter().enumerate() {
            for value in 0..values.count {
                let some = draw_encodable(&sampler, (field, value));
                let place = (sampler.format, values.name, value);
                let missing = values.complete && some.is_empty() && !ABSENT.contains(&place);
                assert!(!missing, "{place:?} never encodes");
                found.extend(some);
            }
        }
        if sampler.fields.is_empty() {
            found = draw_encodable(&sampler, (0, 0));
        }
        assert!(!found.is_empty(), "no sample of {}", sampler.format);
        found.sort_by_key(|(_, word)| *word);
        found.dedup_by_key(|(_, word)| *word);
        all.insert(sampler.format, found);
    }
    all
}

fn draw_encodable(sampler: &Sampler, pinned: (usize, usize)) -> Vec<(Inst, u32)> {
    let mut draw = Draw {
        state: pinned.1 as u64,
        pinned,
        field: 0,
    };
    let instructions = (0..400).map(|_| {
        draw.field = 0;
        (sampler.draw)(&mut draw)
    });
    instructions
        .filter_map(|inst| Some((inst, inst.encode().ok()?)))
        .take(3)
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
    out.replace(",lsl0", "")
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

/// Formats that `disarm64` prints wrongly: there `yaxpeax-arm` must print our text.
const DISARM64_WRONG: &[(&str, &str)] = &[(
    "FpCvt",
    "the destination is printed with the source's width",
)];

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
    for (format, samples) in all_samples() {
        for (inst, word) in samples {
            let ours = normal(&inst.to_string());
            let theirs = decode::by_disarm64(word).map(|text| normal(&text));
            let other = decode::by_yaxpeax(word).map(|text| normal(&text));
            let disarm64_is_wrong = DISARM64_WRONG.iter().any(|(wrong, _)| *wrong == format);
            let judge = if disarm64_is_wrong { &other } else { &theirs };
            let agrees = judge
                .as_ref()
                .is_some_and(|text| *text == ours || *text == with_lsl(&ours));
            if !agrees || theirs.is_none() || other.is_none() {
                writeln!(
                    wrong,
                    "{format} {word:08x}: ours {ours}, disarm64 {theirs:?}, yaxpeax {other:?}"
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
}

/// The GNU assembler, where there is one, makes our words from our text.
#[test]
fn samples_assemble_to_their_own_words() {
    let samples: Vec<_> = all_samples().into_values().flatten().collect();
    let text: String = samples
        .iter()
        .map(|(inst, _)| format!("{inst}\n"))
        .collect();
    let Some(words) = gas::assemble(&text) else {
        return eprintln!("skipped: {} is not installed", gas::ASSEMBLER);
    };
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

/// Visiting shows each register once, and mapping replaces what visiting shows.
#[test]
fn operands_map_as_they_are_visited() {
    for (inst, _) in all_samples().into_values().flatten() {
        let mut visited = Vec::new();
        inst.visit_regs(|reg, role| visited.push((reg, role)));
        let mut virtuals = inst;
        let mut count = 0;
        virtuals.map_regs(&mut |reg, _| {
            count += 1;
            match reg {
                Reg::Gpr(_) => Reg::Gpr(Gpr::virt(count)),
                Reg::Vreg(_) => Reg::Vreg(Vreg::virt(count)),
            }
        });
        let fault = virtuals.encode().err().map(|error| error.fault);
        assert!(visited.is_empty() || fault.is_some(), "{virtuals} encodes");
        let mut back = visited.iter();
        virtuals.map_regs(&mut |_, role| {
            let (reg, was) = back.next().expect("as many as visited");
            assert_eq!(role, *was);
            *reg
        });
        assert_eq!(virtuals, inst);
    }
}
