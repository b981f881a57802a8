//! The judge: one directive's expectation against one outcome (contract C5).
//!
//! Results are compared bit by bit; NaN classes, lane shapes, reference kinds and `either` are as
//! the suite states them. Endings are compared by class, traps also by message; the reasons of
//! other endings do not decide, since their wording is each validator's own; a verdict notes both
//! texts where they differ. Nothing passes that was not run.

use crate::outcome::text::{
    ending, expectation_text, lanes_u16, lanes_u32, lanes_u64, outcome_text,
};
use crate::outcome::{FuncIndex, Hierarchy, JudgedBy, Outcome, Reference, Value};
use crate::script::{Directive, Expectation, Expected, FloatPattern, LanePattern};
use crate::suite::conventions::ALTERNATIVES;

pub mod compare;
pub mod expectations;
pub mod incident;
pub mod judged;
pub mod symptom;
pub mod verdict;

use verdict::{Status, Verdict};

/// Judges an outcome.
pub fn judge(directive: &Directive, outcome: &Outcome) -> Verdict {
    let expectation = &directive.expectation;
    let (status, detail) = match outcome {
        Outcome::Crash(how) => (Status::Crash, format!("crash: {how}")),
        Outcome::Timeout { millis, place } => {
            let place = place.iter().map(|place| format!(", {place}"));
            let place = place.collect::<String>();
            (Status::Timeout, format!("no end after {millis} ms{place}"))
        }
        Outcome::NotRun(why) => (Status::NotRun, format!("not run: {why}")),
        Outcome::Skipped(why) => (Status::Skip, format!("skipped: {why}")),
        Outcome::Blocked(ordinal) => (Status::Blocked, format!("blocked by directive {ordinal}")),
        Outcome::Unmeasured(_) if *expectation == Expectation::Open => {
            return open_verdict(outcome);
        }
        Outcome::Unmeasured(why) => (Status::NotRun, format!("not measured: {why}")),
        _ if *expectation == Expectation::Open => return open_verdict(outcome),
        _ => match mismatch(expectation, outcome) {
            None => return pass(expectation, outcome),
            Some(detail) => (Status::Fail, detail),
        },
    };
    Verdict {
        status,
        judged_by: judged_by(outcome),
        expected: expectation_text(expectation),
        actual: outcome_text(expectation, outcome),
        detail,
    }
}

/// A pass, with both texts if the reason why something was refused is told in another one than the
/// suite's.
fn pass(expectation: &Expectation, outcome: &Outcome) -> Verdict {
    let mut verdict = plain(Status::Pass, judged_by(outcome));
    if let Some((expected, actual)) = other_text(expectation, outcome) {
        verdict.expected = expected.to_string();
        verdict.actual = actual.to_string();
    }
    verdict
}

/// The suite's text and the one that was told for something that was refused, if the latter does
/// not begin with the former (spec: interpreter, `assert_message`). An empty text tells nothing.
fn other_text<'a>(
    expectation: &'a Expectation,
    outcome: &'a Outcome,
) -> Option<(&'a str, &'a str)> {
    let expected = match expectation {
        Expectation::Invalid { message, .. }
        | Expectation::Malformed { message, .. }
        | Expectation::Unlinkable(message) => message,
        Expectation::Success
        | Expectation::Return(_)
        | Expectation::Trap(_)
        | Expectation::Exhaustion(_)
        | Expectation::Exception
        | Expectation::Suspension(_)
        | Expectation::Unreadable(_)
        | Expectation::Open => return None,
    };
    let actual = match outcome {
        Outcome::Invalid(message)
        | Outcome::Rejected(message)
        | Outcome::Malformed { message, .. }
        | Outcome::Unlinkable(message) => message,
        _another_ending => return None,
    };
    (!actual.is_empty() && !actual.starts_with(expected.as_str())).then_some((expected, actual))
}

/// Judges what nobody knows the result of: code may end in every way that code can end.
fn open_verdict(outcome: &Outcome) -> Verdict {
    let status = match outcome {
        Outcome::Done
        | Outcome::Values(_)
        | Outcome::Trap(_)
        | Outcome::Exhaustion(_)
        | Outcome::Exception(_) => return plain(Status::Compared, JudgedBy::Engine),
        Outcome::Limit(_)
        | Outcome::MissingInstance(_)
        | Outcome::Blocked(_)
        | Outcome::NotRun(_)
        | Outcome::Unmeasured(_)
        | Outcome::Skipped(_) => Status::Skip,
        Outcome::Unlinkable(_)
        | Outcome::Invalid(_)
        | Outcome::Rejected(_)
        | Outcome::Malformed { .. }
        | Outcome::Unsupported(_)
        | Outcome::Internal(_)
        | Outcome::HostError(_)
        | Outcome::Crash(_)
        | Outcome::Timeout { .. } => Status::Fail,
    };
    Verdict {
        status,
        judged_by: judged_by(outcome),
        expected: expectation_text(&Expectation::Open),
        actual: outcome_text(&Expectation::Open, outcome),
        detail: wrong_ending(&Expectation::Open, outcome),
    }
}

/// Judges an outcome by that of an engine of another maker, who gives its vote.
pub fn judge_by_vote(directive: &Directive, vote: &Outcome, outcome: &Outcome) -> Verdict {
    let open = judge(directive, outcome);
    match open.status {
        // The depth of calls is open.
        Status::Compared
            if [vote, outcome]
                .iter()
                .any(|it| matches!(it, Outcome::Exhaustion(_))) =>
        {
            open
        }
        Status::Compared if compare::is_same_but_for_choices(vote, outcome) => {
            plain(Status::Pass, JudgedBy::Engine)
        }
        Status::Compared => Verdict {
            status: Status::Fail,
            judged_by: JudgedBy::Engine,
            expected: outcome_text(&Expectation::Open, vote),
            actual: outcome_text(&Expectation::Open, outcome),
            detail: "another engine says otherwise".to_string(),
        },
        _ => open,
    }
}

fn plain(status: Status, judged_by: JudgedBy) -> Verdict {
    let (expected, actual, detail) = Default::default();
    Verdict {
        status,
        judged_by,
        expected,
        actual,
        detail,
    }
}

fn judged_by(outcome: &Outcome) -> JudgedBy {
    match outcome {
        Outcome::Malformed { by, .. } => *by,
        _ => JudgedBy::Engine,
    }
}

/// The beginning of the reason of our tiers where flags of limits are of a proposal that the
/// features leave out. In the binary format, such a module is malformed. As text it was read, since
/// text is read with all proposals: it is a module, and it is not valid.
const MALFORMED_LIMITS: &str = "malformed limits flags";

/// Why an outcome is not what is expected, if it is not.
fn mismatch(expectation: &Expectation, outcome: &Outcome) -> Option<String> {
    let met = match (expectation, outcome) {
        (Expectation::Success, Outcome::Done | Outcome::Values(_)) => true,
        (Expectation::Return(expected), Outcome::Done) => expected.is_empty(),
        (Expectation::Return(expected), Outcome::Values(values)) => {
            return wrong_values(expected, values);
        }
        (Expectation::Trap(expected), Outcome::Trap(message)) => {
            return wrong_trap(expected, message);
        }
        (Expectation::Trap(expected), Outcome::Limit(message)) => is_named_limit(expected, message),
        (Expectation::Exhaustion(_), Outcome::Exhaustion(_)) => true,
        (Expectation::Exception, Outcome::Exception(_)) => true,
        (Expectation::Invalid { .. }, Outcome::Invalid(_) | Outcome::Rejected(_)) => true,
        (Expectation::Invalid { text: true, .. }, Outcome::Malformed { message, by }) => {
            *by == JudgedBy::Engine && message.starts_with(MALFORMED_LIMITS)
        }
        (Expectation::Malformed { .. }, Outcome::Rejected(_)) => true,
        (Expectation::Malformed { .. }, Outcome::Malformed { .. }) => true,
        (Expectation::Unlinkable(_), Outcome::Unlinkable(_)) => true,
        _ => false,
    };
    (!met).then(|| wrong_ending(expectation, outcome))
}

/// The detail of an ending of the wrong class: what is not built is named first, so that it can be
/// counted.
fn wrong_ending(expectation: &Expectation, outcome: &Outcome) -> String {
    match (expectation, outcome) {
        (Expectation::Unreadable(message), _) => format!("unreadable: {message}"),
        (_, Outcome::Unsupported(what)) => format!("unsupported: {what}"),
        (_, Outcome::MissingInstance(because)) => because.clone(),
        (Expectation::Suspension(_), _) => "unsupported: suspension".to_string(),
        _ => format!("ended as {}", ending(outcome)),
    }
}

/// Trap messages: the suite writes a prefix of the message, or the message and an index
/// (`uninitialized element 2`). Each side may have several.
fn wrong_trap(expected: &str, message: &str) -> Option<String> {
    let is_it = |message: &str| {
        expected.split(ALTERNATIVES).any(|expected| {
            let index = expected.strip_prefix(message);
            let index = index.and_then(|rest| rest.strip_prefix(' '));
            let indexed = index.is_some_and(|index| index.parse::<u32>().is_ok());
            message.starts_with(expected) || indexed
        })
    };
    (!message.split(ALTERNATIVES).any(is_it)).then(|| "another trap".to_string())
}

/// True if a limit of the engine is one for which another engine's message of a trap stands: an
/// alternative behind the message itself.
fn is_named_limit(expected: &str, limit: &str) -> bool {
    let mut limits = expected.split(ALTERNATIVES).skip(1);
    limits.any(|expected| limit.starts_with(expected))
}

fn wrong_values(expected: &[Expected], values: &[Value]) -> Option<String> {
    if expected.len() != values.len() {
        return Some(format!(
            "{} results instead of {}",
            values.len(),
            expected.len()
        ));
    }
    let mut pairs = expected.iter().zip(values);
    let wrong = pairs.position(|(expected, value)| !accepts(expected, value))?;
    Some(format!("result {wrong} differs"))
}

/// Whether a value is one that is expected.
pub fn accepts(expected: &Expected, value: &Value) -> bool {
    match (expected, value) {
        (Expected::I32(expected), Value::I32(value)) => expected == value,
        (Expected::I64(expected), Value::I64(value)) => expected == value,
        (Expected::F32(pattern), Value::F32(bits)) => accepts_f32(*pattern, *bits),
        (Expected::F64(pattern), Value::F64(bits)) => accepts_f64(*pattern, *bits),
        (Expected::V128(pattern), Value::V128(bytes)) => accepts_lanes(pattern, bytes),
        (Expected::Either(cases), value) => cases.iter().any(|case| accepts(case, value)),
        (expected, Value::Ref(reference)) => accepts_reference(expected, reference),
        _ => false,
    }
}

/// Spec: "NaN propagation"; the sign of an expected NaN is free.
fn accepts_f32(pattern: FloatPattern<u32>, bits: u32) -> bool {
    match pattern {
        FloatPattern::CanonicalNan => bits & 0x7fff_ffff == 0x7fc0_0000,
        FloatPattern::ArithmeticNan => bits & 0x7fc0_0000 == 0x7fc0_0000,
        FloatPattern::Bits(expected) => bits == expected,
    }
}

fn accepts_f64(pattern: FloatPattern<u64>, bits: u64) -> bool {
    match pattern {
        FloatPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        FloatPattern::ArithmeticNan => bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        FloatPattern::Bits(expected) => bits == expected,
    }
}

fn accepts_lanes(pattern: &LanePattern, bytes: &[u8; 16]) -> bool {
    match pattern {
        LanePattern::I8x16(lanes) => lanes == bytes,
        LanePattern::I16x8(lanes) => *lanes == lanes_u16(bytes),
        LanePattern::I32x4(lanes) => *lanes == lanes_u32(bytes),
        LanePattern::I64x2(lanes) => *lanes == lanes_u64(bytes),
        LanePattern::F32x4(lanes) => {
            let mut pairs = lanes.iter().zip(lanes_u32(bytes));
            pairs.all(|(pattern, bits)| accepts_f32(*pattern, bits))
        }
        LanePattern::F64x2(lanes) => {
            let mut pairs = lanes.iter().zip(lanes_u64(bytes));
            pairs.all(|(pattern, bits)| accepts_f64(*pattern, bits))
        }
    }
}

fn accepts_reference(expected: &Expected, reference: &Reference) -> bool {
    use Reference as R;
    match expected {
        Expected::RefNull(None) => matches!(reference, R::Null(_)),
        Expected::RefNull(Some(heap_type)) => {
            // The type of a result is static, so that a null needs no more than to be one.
            let expected = hierarchy(heap_type);
            matches!(reference, R::Null(found) if Some(*found) == expected)
                || *reference == R::Null(Hierarchy::Unknown)
        }
        Expected::RefExtern(None) => matches!(reference, R::Extern(_) | R::Externalized),
        Expected::RefExtern(Some(host)) => *reference == R::Extern(*host),
        Expected::RefHost(host) => *reference == R::Host(*host),
        Expected::RefFunc(None) => matches!(reference, R::Func { .. }),
        Expected::RefFunc(Some(expected)) => match reference {
            R::Func { index, .. } => match index {
                FuncIndex::At(index) => index == expected,
                FuncIndex::Elsewhere => false,
                FuncIndex::Untold => true,
            },
            _ => false,
        },
        Expected::RefAny => {
            matches!(
                reference,
                R::Host(_) | R::I31(_) | R::Struct | R::Array | R::Any
            )
        }
        Expected::RefEq => matches!(reference, R::I31(_) | R::Struct | R::Array),
        Expected::RefArray => *reference == R::Array,
        Expected::RefStruct => *reference == R::Struct,
        Expected::RefI31 | Expected::RefI31Shared => matches!(reference, R::I31(_)),
        Expected::I32(_)
        | Expected::I64(_)
        | Expected::F32(_)
        | Expected::F64(_)
        | Expected::V128(_)
        | Expected::Either(_) => false,
    }
}

/// The hierarchy of a heap type by its text name; continuations have none here.
fn hierarchy(heap_type: &str) -> Option<Hierarchy> {
    match heap_type {
        "func" | "nofunc" => Some(Hierarchy::Func),
        "extern" | "noextern" => Some(Hierarchy::Extern),
        "any" | "eq" | "i31" | "struct" | "array" | "none" => Some(Hierarchy::Any),
        "exn" | "noexn" => Some(Hierarchy::Exn),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
