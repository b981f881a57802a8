//! Assertions of earlier versions of the script format, which the crate `wast` does not read:
//! `(assert_return_canonical_nan ACTION)` and its kind, as today's `assert_return`.
//!
//! The forms do not tell the type of the result, so that either type of floats is accepted. Script
//! format: interpreter/README of WebAssembly 1.0, and of the SIMD proposal for forms of vectors.

/// The old forms, each with the result that it stands for.
const FORMS: [(&str, &str); 7] = [
    ("assert_return_canonical_nan", CANONICAL),
    ("assert_return_arithmetic_nan", ARITHMETIC),
    ("assert_return_nan", ARITHMETIC),
    (
        "assert_return_canonical_nan_f32x4",
        "(v128.const f32x4 nan:canonical nan:canonical nan:canonical nan:canonical)",
    ),
    (
        "assert_return_canonical_nan_f64x2",
        "(v128.const f64x2 nan:canonical nan:canonical)",
    ),
    (
        "assert_return_arithmetic_nan_f32x4",
        "(v128.const f32x4 nan:arithmetic nan:arithmetic nan:arithmetic nan:arithmetic)",
    ),
    (
        "assert_return_arithmetic_nan_f64x2",
        "(v128.const f64x2 nan:arithmetic nan:arithmetic)",
    ),
];

const CANONICAL: &str = "(either (f32.const nan:canonical) (f64.const nan:canonical))";
const ARITHMETIC: &str = "(either (f32.const nan:arithmetic) (f64.const nan:arithmetic))";

/// A form in today's words, if it is an old one; `head` is the keyword after its parenthesis.
pub(crate) fn modern(form: &str, head: &str) -> Option<String> {
    let (_, result) = FORMS.iter().find(|(name, _)| *name == head)?;
    let (_, rest) = form.split_once(head)?;
    let action = rest.strip_suffix(')')?;
    Some(format!("(assert_return{action} {result})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_forms_are_assertions_of_a_result() {
        let form = "( assert_return_canonical_nan (invoke \"f\" (f32.const 1)) )";
        let modern_form = modern(form, "assert_return_canonical_nan").expect("an old form");
        let action = "(invoke \"f\" (f32.const 1))";
        assert_eq!(
            modern_form,
            format!("(assert_return {action}  {CANONICAL})")
        );
        assert_eq!(
            modern("(assert_return (invoke \"f\"))", "assert_return"),
            None
        );
    }
}
