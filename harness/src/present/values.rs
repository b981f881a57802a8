//! Values for people: the hex bit strings of a report with the numbers that they are.
//!
//! Owns: how a number reads (`i32 -1 (0xffffffff)`, `f32 nan:0x200000 (0x7fa00000)`), and the marks
//! of results and lanes that are not as expected. What is no list of values stays as it is.

use crate::judge::accepts;
use crate::outcome::Value;
use crate::script::{Expected, FloatPattern};

/// An outcome as people read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readable {
    /// All of it, with `*` around results and lanes that are not as expected.
    pub text: String,
    /// The lanes that are not as expected, each with both numbers.
    pub lanes: Vec<String>,
}

/// Values as people read them.
pub fn readable(text: &str) -> String {
    against(None, text).text
}

/// An outcome beside what was expected.
pub fn beside(expected: &str, actual: &str) -> Readable {
    against(Some(expected), actual)
}

fn against(expected: Option<&str>, actual: &str) -> Readable {
    let Some(values) = values(actual) else {
        return Readable {
            text: actual.to_string(),
            lanes: Vec::new(),
        };
    };
    let expected = expected.and_then(self::values).unwrap_or_default();
    let is_comparable = expected.len() == values.len();
    let mut lanes = Vec::new();
    let texts = values.iter().enumerate().map(|(index, value)| {
        let expected = expected.get(index).filter(|_| is_comparable);
        let text = value.text(expected);
        let prefix = match values.len() {
            1 => String::new(),
            _ => format!("result {index} "),
        };
        // The numbers of few lanes are in the text.
        let expected_lanes = expected.filter(|_| !value.has_numbers());
        let wrong = expected_lanes.map_or(Vec::new(), |expected| value.wrong_lanes(expected));
        lanes.extend(wrong.into_iter().map(|lane| prefix.clone() + &lane));
        let is_wrong = expected.is_some_and(|expected| !value.is_as(expected));
        match is_wrong && values.len() > 1 && !matches!(value, Parsed::Lanes(..)) {
            true => format!("*{text}*"),
            false => text,
        }
    });
    let text = texts.collect::<Vec<_>>().join(", ");
    Readable { text, lanes }
}

/// A value of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Parsed<'a> {
    /// The type and the number.
    Number(&'a str, &'a str),
    /// The shape and the lanes.
    Lanes(&'a str, Vec<&'a str>),
    /// A reference, or one of several.
    Other(&'a str),
}

/// Lanes of a vector that are shown with their numbers, and not as bits alone.
const LANES_WITH_NUMBERS_MAX: usize = 4;

const NUMBER_TYPES: [&str; 4] = ["i32", "i64", "f32", "f64"];

/// The values of a list; none if the text is not one.
fn values(text: &str) -> Option<Vec<Parsed<'_>>> {
    words(text).into_iter().map(parse).collect()
}

/// The words of a text; blanks in brackets do not count.
fn words(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let parts = text.split(|c: char| {
        depth += i32::from(c == '[' || c == '(') - i32::from(c == ']' || c == ')');
        c == ' ' && depth == 0
    });
    parts.collect()
}

fn parse(word: &str) -> Option<Parsed<'_>> {
    if word.starts_with("ref.") || word.starts_with("either(") {
        return Some(Parsed::Other(word));
    }
    let (ty, rest) = word.split_once(':')?;
    if NUMBER_TYPES.contains(&ty) {
        return Some(Parsed::Number(ty, rest));
    }
    let (shape, lanes) = rest.strip_suffix(']')?.split_once('[')?;
    (ty == "v128").then(|| Parsed::Lanes(shape, lanes.split(' ').collect()))
}

impl Parsed<'_> {
    fn text(&self, expected: Option<&Parsed<'_>>) -> String {
        match self {
            Parsed::Number(ty, number) => format!("{ty} {}", number_text(ty, number)),
            Parsed::Other(text) => text.to_string(),
            Parsed::Lanes(shape, lanes) => {
                let (separator, ty) = match self.has_numbers() {
                    true => (", ", lane_type(shape)),
                    false => (" ", ""),
                };
                let lane = |(index, lane): (usize, &&str)| {
                    let text = number_text(ty, lane);
                    match expected {
                        Some(Parsed::Lanes(same, expected)) if same == shape => {
                            let expected = expected.get(index);
                            match expected.is_some_and(|it| is_lane(shape, it, lane)) {
                                true => text,
                                false => format!("*{text}*"),
                            }
                        }
                        _ => text,
                    }
                };
                let lanes: Vec<String> = lanes.iter().enumerate().map(lane).collect();
                format!("v128 {shape} [{}]", lanes.join(separator))
            }
        }
    }

    /// The lanes that are not as expected.
    fn wrong_lanes(&self, expected: &Parsed<'_>) -> Vec<String> {
        let (Parsed::Lanes(shape, lanes), Parsed::Lanes(same, expected)) = (self, expected) else {
            return Vec::new();
        };
        if shape != same {
            return Vec::new();
        }
        let pairs = expected.iter().zip(lanes).enumerate();
        let wrong = pairs.filter(|(_, (expected, lane))| !is_lane(shape, expected, lane));
        let ty = lane_type(shape);
        let text = |(index, (expected, lane)): (usize, (&&str, &&str))| {
            let (expected, lane) = (number_text(ty, expected), number_text(ty, lane));
            format!("lane {index}: expected {expected}, actual {lane}")
        };
        wrong.map(text).collect()
    }

    /// True if the text has the numbers of all lanes.
    fn has_numbers(&self) -> bool {
        matches!(self, Parsed::Lanes(_, lanes) if lanes.len() <= LANES_WITH_NUMBERS_MAX)
    }

    fn is_as(&self, expected: &Parsed<'_>) -> bool {
        match (self, expected) {
            (Parsed::Number(ty, number), Parsed::Number(same, expected)) => {
                ty == same && is_number(ty, expected, number)
            }
            (Parsed::Lanes(..), Parsed::Lanes(..)) => self.wrong_lanes(expected).is_empty(),
            // A reference is another one only where the judge says so.
            (Parsed::Other(_), _) | (_, Parsed::Other(_)) => true,
            (Parsed::Number(..), Parsed::Lanes(..)) | (Parsed::Lanes(..), Parsed::Number(..)) => {
                false
            }
        }
    }
}

/// The type of the lanes of a shape, such as `i8`.
fn lane_type(shape: &str) -> &str {
    shape.split('x').next().unwrap_or(shape)
}

fn is_lane(shape: &str, expected: &str, lane: &str) -> bool {
    is_number(lane_type(shape), expected, lane)
}

/// True if the judge accepts a number.
fn is_number(ty: &str, expected: &str, number: &str) -> bool {
    let is_equal = expected == number;
    let bits = bits(number);
    match (ty, bits) {
        ("f32", Some(bits)) => pattern(expected).map_or(is_equal, |it| {
            let pattern = match it {
                FloatPattern::CanonicalNan => FloatPattern::CanonicalNan,
                FloatPattern::ArithmeticNan => FloatPattern::ArithmeticNan,
                FloatPattern::Bits(bits) => FloatPattern::Bits(bits as u32),
            };
            accepts(&Expected::F32(pattern), &Value::F32(bits as u32))
        }),
        ("f64", Some(bits)) => pattern(expected).map_or(is_equal, |it| {
            accepts(&Expected::F64(it), &Value::F64(bits))
        }),
        _ => is_equal,
    }
}

fn pattern(text: &str) -> Option<FloatPattern<u64>> {
    match text {
        "nan:canonical" => Some(FloatPattern::CanonicalNan),
        "nan:arithmetic" => Some(FloatPattern::ArithmeticNan),
        bits => self::bits(bits).map(FloatPattern::Bits),
    }
}

fn bits(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// A number with its bits: a decimal one, or a NaN by its payload.
fn number_text(ty: &str, text: &str) -> String {
    let Some(bits) = bits(text) else {
        return text.to_string();
    };
    let number = match ty {
        "i8" => (bits as u8).cast_signed().to_string(),
        "i16" => (bits as u16).cast_signed().to_string(),
        "i32" => (bits as u32).cast_signed().to_string(),
        "i64" => bits.cast_signed().to_string(),
        "f32" => {
            let value = f32::from_bits(bits as u32);
            match value.is_nan() {
                true => nan_text(value.is_sign_negative(), bits & 0x7f_ffff, 23),
                false => format!("{value:?}"),
            }
        }
        "f64" => {
            let value = f64::from_bits(bits);
            match value.is_nan() {
                true => nan_text(value.is_sign_negative(), bits & 0xf_ffff_ffff_ffff, 52),
                false => format!("{value:?}"),
            }
        }
        _ => return text.to_string(),
    };
    format!("{number} ({text})")
}

/// A NaN by its payload of so many bits, with its class.
fn nan_text(is_negative: bool, payload: u64, width: u32) -> String {
    let sign = if is_negative { "-" } else { "" };
    let quiet = 1 << (width - 1);
    let class = match payload {
        _ if payload == quiet => "canonical",
        _ if payload & quiet != 0 => "arithmetic",
        _ => "signalling",
    };
    format!("{sign}nan:{payload:#x} {class}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_bits() {
        for (text, shown) in [
            ("i32:0xffffffff", "i32 -1 (0xffffffff)"),
            ("i64:0x0000000000000010", "i64 16 (0x0000000000000010)"),
            ("f32:0x3fc00000", "f32 1.5 (0x3fc00000)"),
            ("f32:0x80000000", "f32 -0.0 (0x80000000)"),
            ("f32:0xff800000", "f32 -inf (0xff800000)"),
            ("f32:0x7fc00000", "f32 nan:0x400000 canonical (0x7fc00000)"),
            (
                "f32:0xffe00000",
                "f32 -nan:0x600000 arithmetic (0xffe00000)",
            ),
            (
                "f64:0x7ff0000000000001",
                "f64 nan:0x1 signalling (0x7ff0000000000001)",
            ),
            ("f64:nan:canonical", "f64 nan:canonical"),
            (
                "i32:0x00000001 ref.null:func",
                "i32 1 (0x00000001), ref.null:func",
            ),
            (
                "v128:i64x2[0x1 0xffffffffffffffff]",
                "v128 i64x2 [1 (0x1), -1 (0xffffffffffffffff)]",
            ),
            ("v128:i8x16[0x1 0 0 0 4]", "v128 i8x16 [0x1 0 0 0 4]"),
        ] {
            assert_eq!(readable(text), shown);
        }
    }

    #[test]
    fn what_is_no_list_of_values_stays() {
        for text in [
            "trap: integer divide by zero",
            "no values",
            "",
            "success",
            "v128:i8x16[",
            "a:b",
        ] {
            assert_eq!(readable(text), text);
        }
    }

    /// Marks follow the judge: any canonical NaN is as expected.
    #[test]
    fn lanes_and_results_that_differ_are_marked() {
        let expected = "v128:f32x4[nan:canonical 0x3f800000 0x00000000 nan:arithmetic]";
        let actual = "v128:f32x4[0xffc00000 0x40000000 0x00000000 0x7f800001]";
        let shown = beside(expected, actual);
        assert_eq!(
            shown.text,
            "v128 f32x4 [-nan:0x400000 canonical (0xffc00000), *2.0 (0x40000000)*, \
             0.0 (0x00000000), *nan:0x1 signalling (0x7f800001)*]"
        );
        assert!(shown.lanes.is_empty(), "they are in the text");
        let shown = beside(
            "i32:0x00000001 i32:0x00000002",
            "i32:0x00000001 i32:0x00000003",
        );
        assert_eq!(shown.text, "i32 1 (0x00000001), *i32 3 (0x00000003)*");
        let expected = "v128:i8x16[0x01 0xff 0x00 0x00 0x00] i32:0x00000000";
        let actual = "v128:i8x16[0x01 0x7f 0x00 0x00 0x00] i32:0x00000000";
        let shown = beside(expected, actual);
        let text = &shown.text;
        assert!(text.starts_with("v128 i8x16 [0x01 *0x7f* 0x00"), "{text}");
        let lane = "result 0 lane 1: expected -1 (0xff), actual 127 (0x7f)";
        assert_eq!(shown.lanes, [lane]);
    }
}
