//! A table of every kind of expectation with outcomes that meet it and outcomes that do not.

use super::*;
use crate::script::Kind;

fn directive(expectation: Expectation) -> Directive {
    let id = "t.wast#0-00000000".to_string();
    Directive {
        origin: None,
        ordinal: 0,
        line: 1,
        column: 1,
        kind: Kind::AssertReturn,
        id,
        expectation,
    }
}

fn status(expectation: &Expectation, outcome: &Outcome) -> Status {
    judge(&directive(expectation.clone()), outcome).status
}

fn text(text: &str) -> String {
    text.to_string()
}

/// One outcome of every class that an engine can report.
fn endings() -> Vec<Outcome> {
    vec![
        Outcome::Done,
        Outcome::Values(vec![]),
        Outcome::Trap(text("unreachable")),
        Outcome::Exhaustion(text("call stack exhausted")),
        Outcome::Exception(text("")),
        Outcome::Unlinkable(text("unknown import")),
        Outcome::Invalid(text("type mismatch")),
        Outcome::Malformed {
            message: text("magic"),
            by: JudgedBy::Engine,
        },
        Outcome::Malformed {
            message: text("token"),
            by: JudgedBy::Parser,
        },
        Outcome::Unsupported(text("i32.add")),
        Outcome::MissingInstance(text("unsupported: i32.add")),
        Outcome::Limit(text("memory")),
        Outcome::Internal(text("bug")),
        Outcome::HostError(text("no export")),
    ]
}

/// Only what had to be refused and was has another text, and only if one was told.
#[test]
fn texts_are_compared_where_they_do_not_decide() {
    let invalid = |message: &str| Expectation::Invalid {
        message: text(message),
        text: true,
    };
    let malformed = |message: &str| Expectation::Malformed {
        message: text(message),
        text: false,
    };
    let unlinkable = |message: &str| Expectation::Unlinkable(text(message));
    let by_parser = |message: &str| Outcome::Malformed {
        message: text(message),
        by: JudgedBy::Parser,
    };
    let rows = [
        (
            invalid("type"),
            Outcome::Invalid(text("type mismatch")),
            None,
        ),
        (invalid("a"), Outcome::Invalid(text("b a")), Some("b a")),
        (invalid("a"), Outcome::Invalid(text("")), None),
        (invalid("a"), Outcome::Rejected(text("b")), Some("b")),
        (malformed("a"), by_parser("b"), Some("b")),
        (malformed("a"), by_parser("ab"), None),
        (unlinkable("a"), Outcome::Unlinkable(text("b")), Some("b")),
        // These fail, or are told apart by their texts.
        (invalid("a"), Outcome::Unlinkable(text("b")), None),
        (
            Expectation::Trap(text("a")),
            Outcome::Trap(text("ab")),
            None,
        ),
        (
            Expectation::Exhaustion(text("a")),
            Outcome::Exhaustion(text("b")),
            None,
        ),
    ];
    for (expectation, outcome, told) in rows {
        let verdict = judge(&directive(expectation.clone()), &outcome);
        let other = verdict.other_text();
        assert_eq!(
            other.map(|(_, actual)| actual),
            told,
            "{expectation:?} {outcome:?}"
        );
        assert!(other.is_none_or(|(expected, _)| expected == "a"));
    }
}

#[test]
fn each_expectation_accepts_its_own_endings_alone() {
    let rows: [(Expectation, &[&str]); 10] = [
        (Expectation::Success, &["success", "values"]),
        (Expectation::Return(vec![]), &["success", "values"]),
        (Expectation::Trap(text("unreachable")), &["trap"]),
        (
            Expectation::Exhaustion(text("call stack exhausted")),
            &["exhaustion"],
        ),
        (Expectation::Exception, &["exception"]),
        (Expectation::Suspension(text("unhandled")), &[]),
        (
            Expectation::Invalid {
                message: text("type mismatch"),
                text: true,
            },
            &["invalid"],
        ),
        (
            Expectation::Malformed {
                message: text("x"),
                text: true,
            },
            &["malformed"],
        ),
        (
            Expectation::Unlinkable(text("unknown import")),
            &["unlinkable"],
        ),
        (Expectation::Unreadable(text("what")), &[]),
    ];
    for (expectation, accepted) in rows {
        for outcome in endings() {
            let expected = accepted.contains(&ending(&outcome));
            let passed = status(&expectation, &outcome) == Status::Pass;
            assert_eq!(passed, expected, "{expectation:?} {outcome:?}");
        }
    }
}

#[test]
fn what_the_pool_reports_has_its_own_account_for_every_expectation() {
    let rows = [
        (Outcome::Crash(text("signal 11")), Status::Crash),
        (
            Outcome::Timeout {
                millis: 10_000,
                place: None,
            },
            Status::Timeout,
        ),
        (Outcome::NotRun(text("excluded")), Status::NotRun),
        (Outcome::Skipped(text("--skip")), Status::Skip),
    ];
    for (outcome, expected) in rows {
        for expectation in [Expectation::Success, Expectation::Trap(text("unreachable"))] {
            assert_eq!(status(&expectation, &outcome), expected);
        }
    }
}

#[test]
fn traps_are_told_apart_by_message() {
    let rows = [
        ("unreachable", "unreachable", true),
        ("undefined", "undefined element", true),
        ("indirect call", "indirect call type mismatch", true),
        ("uninitialized element 7", "uninitialized element", true),
        ("uninitialized element", "undefined element", false),
        (
            "divide by zero | integer divide by zero",
            "integer divide by zero",
            true,
        ),
        (
            "divide by zero | integer divide by zero",
            "integer overflow",
            false,
        ),
        ("integer overflow", "integer divide by zero", false),
        ("undefined element", "undefined", false),
        ("unreachable", "", false),
    ];
    for (expected, message, passes) in rows {
        let expectation = Expectation::Trap(text(expected));
        let passed = status(&expectation, &Outcome::Trap(text(message))) == Status::Pass;
        assert_eq!(passed, passes, "{expected} / {message}");
    }
}

const F32_CANONICAL: u32 = 0x7fc0_0000;
const F64_CANONICAL: u64 = 0x7ff8_0000_0000_0000;
const F32_SIGNALLING: u32 = 0x7fa0_0000;
const F64_SIGNALLING: u64 = 0x7ff4_0000_0000_0000;

#[test]
fn numbers_are_compared_by_bits_and_class() {
    use Expected as E;
    use FloatPattern::{ArithmeticNan, Bits, CanonicalNan};
    let rows = [
        (E::I32(1), Value::I32(1), true),
        (E::I32(1), Value::I32(2), false),
        (E::I32(1), Value::I64(1), false),
        (E::I64(1), Value::I64(1), true),
        (E::I64(1), Value::I64(1 << 32 | 1), false),
        (E::F32(Bits(0)), Value::F32(0), true),
        (E::F32(Bits(0)), Value::F32(1 << 31), false),
        (
            E::F32(Bits(F32_CANONICAL)),
            Value::F32(F32_CANONICAL | 1),
            false,
        ),
        (E::F64(Bits(0)), Value::F64(0), true),
        (E::F64(Bits(0)), Value::F64(1 << 63), false),
        (E::F32(CanonicalNan), Value::F32(F32_CANONICAL), true),
        (
            E::F32(CanonicalNan),
            Value::F32(F32_CANONICAL | 1 << 31),
            true,
        ),
        (E::F32(CanonicalNan), Value::F32(F32_CANONICAL | 1), false),
        (E::F32(CanonicalNan), Value::F32(F32_SIGNALLING), false),
        (E::F32(CanonicalNan), Value::F32(0x7f80_0000), false),
        (E::F32(ArithmeticNan), Value::F32(F32_CANONICAL | 1), true),
        (E::F32(ArithmeticNan), Value::F32(F32_SIGNALLING), false),
        (E::F32(ArithmeticNan), Value::F32(0x3f80_0000), false),
        (E::F64(CanonicalNan), Value::F64(F64_CANONICAL), true),
        (
            E::F64(CanonicalNan),
            Value::F64(F64_CANONICAL | 1 << 63),
            true,
        ),
        (E::F64(CanonicalNan), Value::F64(F64_CANONICAL | 1), false),
        (
            E::F64(CanonicalNan),
            Value::F64(0x7ff0_0000_0000_0000),
            false,
        ),
        (E::F64(ArithmeticNan), Value::F64(F64_CANONICAL | 1), true),
        (E::F64(ArithmeticNan), Value::F64(F64_SIGNALLING), false),
        (E::F64(ArithmeticNan), Value::F32(F32_CANONICAL), false),
    ];
    for (expected, value, passes) in rows {
        assert_eq!(accepts(&expected, &value), passes, "{expected:?} {value:?}");
    }
}

#[test]
fn lanes_are_compared_in_their_shape() {
    use FloatPattern::{ArithmeticNan, Bits, CanonicalNan};
    let bytes: [u8; 16] = std::array::from_fn(|index| index as u8);
    let mut nans = [0; 16];
    nans[..4].copy_from_slice(&F32_CANONICAL.to_le_bytes());
    nans[4..8].copy_from_slice(&(F32_CANONICAL | 3).to_le_bytes());
    let mut wide = [0; 16];
    wide[..8].copy_from_slice(&(F64_CANONICAL | 1 << 63).to_le_bytes());
    wide[8..].copy_from_slice(&1u64.to_le_bytes());
    let rows = [
        (LanePattern::I8x16(bytes), bytes, true),
        (LanePattern::I8x16([0; 16]), bytes, false),
        (
            LanePattern::I16x8(std::array::from_fn(|i| {
                (2 * i + 1) as u16 * 256 + 2 * i as u16
            })),
            bytes,
            true,
        ),
        (LanePattern::I16x8([0; 8]), bytes, false),
        (
            LanePattern::I32x4([0x0302_0100, 0x0706_0504, 0x0b0a_0908, 0x0f0e_0d0c]),
            bytes,
            true,
        ),
        (
            LanePattern::I32x4([0x0302_0100, 0x0706_0504, 0x0b0a_0908, 0]),
            bytes,
            false,
        ),
        (
            LanePattern::I64x2([0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908]),
            bytes,
            true,
        ),
        (
            LanePattern::I64x2([0x0f0e_0d0c_0b0a_0908, 0x0706_0504_0302_0100]),
            bytes,
            false,
        ),
        (
            LanePattern::F32x4([CanonicalNan, ArithmeticNan, Bits(0), Bits(0)]),
            nans,
            true,
        ),
        (
            LanePattern::F32x4([CanonicalNan, CanonicalNan, Bits(0), Bits(0)]),
            nans,
            false,
        ),
        (
            LanePattern::F32x4([CanonicalNan, ArithmeticNan, Bits(0), Bits(1)]),
            nans,
            false,
        ),
        (LanePattern::F64x2([CanonicalNan, Bits(1)]), wide, true),
        (
            LanePattern::F64x2([CanonicalNan, CanonicalNan]),
            wide,
            false,
        ),
    ];
    for (pattern, bytes, passes) in rows {
        let accepted = accepts(&Expected::V128(pattern), &Value::V128(bytes));
        assert_eq!(accepted, passes, "{pattern:?} {bytes:?}");
    }
}

fn func(number: u32, index: FuncIndex) -> Reference {
    Reference::Func { number, index }
}

/// One reference of every kind.
fn references() -> Vec<Reference> {
    vec![
        Reference::Null(Hierarchy::Func),
        Reference::Null(Hierarchy::Extern),
        Reference::Null(Hierarchy::Any),
        Reference::Null(Hierarchy::Exn),
        func(7, FuncIndex::At(2)),
        func(2, FuncIndex::Elsewhere),
        Reference::Extern(1),
        Reference::Extern(2),
        Reference::Externalized,
        Reference::Host(1),
        Reference::I31(5),
        Reference::Struct,
        Reference::Array,
        Reference::Exn,
    ]
}

#[test]
fn references_are_compared_by_kind_and_identity() {
    let some = |heap_type: &str| Some(heap_type.to_string());
    let rows: [(Expected, &[usize]); 21] = [
        (Expected::RefNull(None), &[0, 1, 2, 3]),
        (Expected::RefNull(some("func")), &[0]),
        (Expected::RefNull(some("nofunc")), &[0]),
        (Expected::RefNull(some("extern")), &[1]),
        (Expected::RefNull(some("struct")), &[2]),
        (Expected::RefNull(some("noexn")), &[3]),
        (Expected::RefNull(some("cont")), &[]),
        (Expected::RefFunc(None), &[4, 5]),
        (Expected::RefFunc(Some(2)), &[4]),
        (Expected::RefFunc(Some(7)), &[]),
        (Expected::RefExtern(None), &[6, 7, 8]),
        (Expected::RefExtern(Some(1)), &[6]),
        (Expected::RefHost(1), &[9]),
        (Expected::RefHost(2), &[]),
        (Expected::RefAny, &[9, 10, 11, 12]),
        (Expected::RefEq, &[10, 11, 12]),
        (Expected::RefStruct, &[11]),
        (Expected::RefArray, &[12]),
        (Expected::RefI31, &[10]),
        (Expected::RefI31Shared, &[10]),
        (Expected::I32(0), &[]),
    ];
    for (expected, accepted) in rows {
        for (index, reference) in references().into_iter().enumerate() {
            let found = accepts(&expected, &Value::Ref(reference));
            assert_eq!(
                found,
                accepted.contains(&index),
                "{expected:?} {reference:?}"
            );
        }
    }
}

#[test]
fn any_alternative_of_either_will_do() {
    let either = Expected::Either(vec![
        Expected::I32(1),
        Expected::Either(vec![
            Expected::F32(FloatPattern::CanonicalNan),
            Expected::RefI31,
        ]),
    ]);
    assert!(accepts(&either, &Value::I32(1)));
    assert!(accepts(&either, &Value::F32(F32_CANONICAL)));
    assert!(accepts(&either, &Value::Ref(Reference::I31(0))));
    assert!(!accepts(&either, &Value::I32(2)));
    assert!(!accepts(&either, &Value::F32(0)));
}

#[test]
fn results_must_be_as_many_as_expected() {
    let expectation = Expectation::Return(vec![Expected::I32(1), Expected::I32(2)]);
    let result =
        |values: &[u32]| Outcome::Values(values.iter().map(|&it| Value::I32(it)).collect());
    assert_eq!(status(&expectation, &result(&[1, 2])), Status::Pass);
    for wrong in [&[1][..], &[1, 2, 3], &[], &[2, 1]] {
        assert_eq!(status(&expectation, &result(wrong)), Status::Fail);
    }
    assert_eq!(status(&expectation, &Outcome::Done), Status::Fail);
}

#[test]
fn a_pass_by_the_parser_is_marked() {
    let expectation = Expectation::Malformed {
        message: text("x"),
        text: true,
    };
    for by in [JudgedBy::Parser, JudgedBy::Engine] {
        let verdict = judge(
            &directive(expectation.clone()),
            &Outcome::Malformed {
                message: text("y"),
                by,
            },
        );
        assert_eq!((verdict.status, verdict.judged_by), (Status::Pass, by));
    }
}

#[test]
fn a_failure_says_what_was_expected_what_came_and_why() {
    let lanes = LanePattern::F32x4([FloatPattern::CanonicalNan; 4]);
    let expectation = Expectation::Return(vec![Expected::I32(42), Expected::V128(lanes)]);
    let outcome = Outcome::Values(vec![Value::I32(42), Value::V128([1; 16])]);
    let verdict = judge(&directive(expectation), &outcome);
    let nans = "nan:canonical nan:canonical nan:canonical nan:canonical";
    assert_eq!(
        verdict.expected,
        format!("i32:0x0000002a v128:f32x4[{nans}]")
    );
    let lanes = "0x01010101 0x01010101 0x01010101 0x01010101";
    assert_eq!(
        verdict.actual,
        format!("i32:0x0000002a v128:f32x4[{lanes}]")
    );
    assert_eq!(verdict.detail, "result 1 differs");
    let details = [
        (
            Outcome::Unsupported(text("v128.load")),
            "unsupported: v128.load",
        ),
        (
            Outcome::MissingInstance(text("unsupported: gc")),
            "unsupported: gc",
        ),
        (Outcome::Trap(text("unreachable")), "ended as trap"),
    ];
    for (outcome, detail) in details {
        assert_eq!(
            judge(&directive(Expectation::Success), &outcome).detail,
            detail
        );
    }
    let verdict = judge(
        &directive(Expectation::Trap(text("integer overflow"))),
        &Outcome::Trap(text("unreachable")),
    );
    assert_eq!(verdict.expected, "trap: integer overflow");
    assert_eq!(
        (verdict.actual.as_str(), verdict.detail.as_str()),
        ("trap: unreachable", "another trap")
    );
}

/// Flags of limits that the features leave out: the binary format does not have them, so that a
/// binary module is malformed; text of a later version is a module that is not valid here.
#[test]
fn text_may_name_limits_that_the_binary_format_does_not_have() {
    let flags = Outcome::Malformed {
        message: text("malformed limits flags: threads must be enabled for shared memories"),
        by: JudgedBy::Engine,
    };
    let refused = Outcome::Malformed {
        message: text("malformed limits flags: by the parser"),
        by: JudgedBy::Parser,
    };
    let other = Outcome::Malformed {
        message: text("unexpected end"),
        by: JudgedBy::Engine,
    };
    for (outcome, is_text, expected) in [
        (&flags, true, Status::Pass),
        (&flags, false, Status::Fail),
        (&refused, true, Status::Fail),
        (&other, true, Status::Fail),
    ] {
        let message = text("shared memory");
        let invalid = Expectation::Invalid {
            message,
            text: is_text,
        };
        assert_eq!(status(&invalid, outcome), expected, "{outcome:?} {is_text}");
    }
}

/// Engines that do not tell one ending from another.
#[test]
fn an_engine_may_not_tell_which_of_several() {
    let rejected = Outcome::Rejected(text("compile error"));
    let invalid = Expectation::Invalid {
        message: text("type mismatch"),
        text: false,
    };
    let malformed = Expectation::Malformed {
        message: text("magic"),
        text: false,
    };
    assert_eq!(status(&invalid, &rejected), Status::Pass);
    assert_eq!(status(&malformed, &rejected), Status::Pass);
    assert_eq!(status(&Expectation::Success, &rejected), Status::Fail);
    let unlinkable = Expectation::Unlinkable(text("unknown import"));
    assert_eq!(status(&unlinkable, &rejected), Status::Fail);
    let traps = Outcome::Trap(text("undefined element | out of bounds table access"));
    for (message, expected) in [
        ("undefined element", Status::Pass),
        ("out of bounds table access", Status::Pass),
        ("undefined element 2", Status::Pass),
        ("unreachable", Status::Fail),
    ] {
        let expectation = Expectation::Trap(text(message));
        assert_eq!(status(&expectation, &traps), expected, "{message}");
    }
    let untold = Value::Ref(Reference::numbered_func(Reference::UNKNOWN));
    assert!(accepts(&Expected::RefFunc(Some(3)), &untold));
    let null = Value::Ref(Reference::Null(Hierarchy::Unknown));
    assert!(accepts(&Expected::RefNull(Some(text("func"))), &null));
    assert!(!accepts(&Expected::RefFunc(None), &null));
    let any = Value::Ref(Reference::Any);
    assert!(accepts(&Expected::RefAny, &any));
    assert!(
        !accepts(&Expected::RefStruct, &any),
        "it does not tell that"
    );
}
