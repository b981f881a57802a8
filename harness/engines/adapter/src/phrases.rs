//! The messages of engines that tell traps as text only.

use crate::message::Ending;

/// What engines say of imports that do not match.
const UNLINKABLE: [&str; 7] = [
    "incompatible import",
    "expected import",
    "import signature mismatch",
    "mismatch in imported",
    "smaller than declared",
    "larger than declared",
    "mismatched",
];

/// What engines say of exceptions that are not caught.
const EXCEPTIONS: [&str; 3] = [
    "thrown Wasm exception",
    "uncaught exception",
    "unhandled exception",
];

const NULLS: &str = "null reference | null function reference | null structure reference | \
                     null array reference | null i31 reference | null exception reference";

/// Messages of the specification that have phrases of other traps in them.
const OWN: [&str; 7] = [
    "null function reference",
    "null structure reference",
    "null array reference",
    "null i31 reference",
    "null exception reference",
    "null descriptor reference",
    "descriptor cast failure",
];

/// Phrases of the messages of engines, and the specification's messages.
const TRAPS: [(&str, &str); 27] = [
    ("division by zero", "integer divide by zero"),
    ("indirect call null", "uninitialized element"),
    ("index out of bounds", "undefined element"),
    ("null table element", "uninitialized element"),
    ("null function", "uninitialized element"),
    (
        "type mismatch in call_indirect",
        "indirect call type mismatch",
    ),
    ("out of bounds memory access", "out of bounds memory access"),
    (
        "undefined element",
        "undefined element | out of bounds table access",
    ),
    ("undefined table index", "undefined element"),
    (
        "out of bounds table access",
        "undefined element | out of bounds table access",
    ),
    ("uninitialized element", "uninitialized element"),
    ("uninitialized table element", "uninitialized element"),
    ("indirect call type mismatch", "indirect call type mismatch"),
    (
        "indirect call signature mismatch",
        "indirect call type mismatch",
    ),
    ("integer overflow", "integer overflow"),
    ("integer divide by zero", "integer divide by zero"),
    (
        "invalid conversion to integer",
        "invalid conversion to integer",
    ),
    ("unreachable", "unreachable"),
    ("unaligned atomic", "unaligned atomic"),
    (
        "invalid atomic access",
        "unaligned atomic | out of bounds memory access",
    ),
    ("atomic wait on non-shared memory", "expected shared memory"),
    ("null reference", NULLS),
    ("out of bounds array access", "out of bounds array access"),
    ("allocation size too large", "allocation size too large"),
    ("cast failure", "cast failure"),
    ("invalid memory access", "out of bounds memory access"),
    ("data segment out of bounds", "out of bounds memory access"),
];

/// The ending that a message stands for. The cause comes last in the messages of engines.
pub fn ended(message: String) -> Ending {
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    if has(&["stack exhausted", "stack overflow"]) {
        return Ending::exhaustion(message);
    }
    if has(&EXCEPTIONS) {
        return Ending::exception(message);
    }
    if has(&UNLINKABLE) {
        return Ending::unlinkable(message);
    }
    if message == "not implemented" {
        return Ending::unsupported(message);
    }
    if let Some(own) = OWN.iter().find(|own| **own == message) {
        return Ending::trap(own);
    }
    let found = TRAPS
        .iter()
        .filter_map(|row| Some((message.rfind(row.0)?, row.1)));
    match found.max_by_key(|(at, _)| *at) {
        Some((_, text)) => Ending::trap(text),
        None => Ending::limit(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(ending: &Ending) -> String {
        serde_json::to_string(ending).expect("a line")
    }

    #[test]
    fn every_phrase_is_a_trap_of_the_specification() {
        for (phrase, message) in TRAPS {
            let trap = text(&Ending::trap(message));
            assert_eq!(text(&ended(format!("Exception: {phrase} at 3"))), trap);
        }
    }

    #[test]
    fn messages_of_the_specification_stand_for_themselves() {
        for own in OWN {
            assert_eq!(text(&ended(own.to_string())), text(&Ending::trap(own)));
        }
    }

    #[test]
    fn the_cause_comes_last() {
        let message = "unreachable code was not reached: integer overflow".to_string();
        assert_eq!(
            text(&ended(message)),
            text(&Ending::trap("integer overflow"))
        );
        let others = [
            ("wasm operand stack overflow", "exhaustion"),
            ("uncaught exception", "exception"),
            ("mismatch in imported globals", "unlinkable"),
            ("not implemented", "unsupported"),
            ("what nobody knows", "limit"),
        ];
        for (message, ending) in others {
            let line = text(&ended(message.to_string()));
            assert!(line.contains(&format!("\"ending\":\"{ending}\"")), "{line}");
        }
    }
}
