//! The operators of mutation that are tables: what may stand in place of an operator, a method, a
//! variant, a constant.

use syn::BinOp;

use crate::site::Kind;

/// The operators in place of one, each with the kind of the fault.
pub fn others_of(op: &BinOp) -> &'static [(Kind, &'static str)] {
    use Kind::{Arithmetic, Bitwise, Boundary, Inverse, Logic};
    match op {
        BinOp::Add(_) => &[(Arithmetic, "-")],
        BinOp::Sub(_) => &[(Arithmetic, "+")],
        BinOp::Mul(_) => &[(Arithmetic, "+")],
        BinOp::Div(_) => &[(Arithmetic, "*")],
        BinOp::Rem(_) => &[(Arithmetic, "/")],
        BinOp::And(_) => &[(Logic, "||")],
        BinOp::Or(_) => &[(Logic, "&&")],
        BinOp::BitXor(_) => &[(Bitwise, "|"), (Bitwise, "&")],
        BinOp::BitAnd(_) => &[(Bitwise, "|")],
        BinOp::BitOr(_) => &[(Bitwise, "&"), (Bitwise, "^")],
        BinOp::Shl(_) => &[(Bitwise, ">>")],
        BinOp::Shr(_) => &[(Bitwise, "<<")],
        BinOp::Eq(_) => &[(Inverse, "!=")],
        BinOp::Ne(_) => &[(Inverse, "==")],
        BinOp::Lt(_) => &[(Boundary, "<="), (Inverse, ">=")],
        BinOp::Le(_) => &[(Boundary, "<"), (Inverse, ">")],
        BinOp::Gt(_) => &[(Boundary, ">="), (Inverse, "<=")],
        BinOp::Ge(_) => &[(Boundary, ">"), (Inverse, "<")],
        BinOp::AddAssign(_) => &[(Arithmetic, "-=")],
        BinOp::SubAssign(_) => &[(Arithmetic, "+=")],
        BinOp::MulAssign(_) => &[(Arithmetic, "+=")],
        BinOp::BitOrAssign(_) => &[(Bitwise, "&=")],
        BinOp::BitAndAssign(_) => &[(Bitwise, "|=")],
        BinOp::BitXorAssign(_) => &[(Bitwise, "|=")],
        BinOp::ShlAssign(_) => &[(Bitwise, ">>=")],
        BinOp::ShrAssign(_) => &[(Bitwise, "<<=")],
        _ => &[],
    }
}

/// True if an operator is an assignment.
pub fn assigns(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

/// Methods with the same operands and another result.
const METHODS: &[[&str; 2]] = &[
    ["wrapping_add", "wrapping_sub"],
    ["wrapping_mul", "wrapping_add"],
    ["wrapping_shl", "wrapping_shr"],
    ["wrapping_neg", "reverse_bits"],
    ["checked_add", "checked_sub"],
    ["saturating_sub", "wrapping_sub"],
    ["saturating_add", "wrapping_add"],
    ["rotate_left", "rotate_right"],
    ["leading_zeros", "trailing_zeros"],
    ["leading_ones", "trailing_ones"],
    ["count_ones", "count_zeros"],
    ["min", "max"],
    ["add", "sub"],
    ["ceil", "floor"],
    ["trunc", "round_ties_even"],
    ["from_le", "from_be"],
    ["to_le", "to_be"],
    ["to_le_bytes", "to_be_bytes"],
    ["from_le_bytes", "from_be_bytes"],
    ["is_some", "is_none"],
    ["is_some_and", "is_none_or"],
    ["is_ok", "is_err"],
    ["any", "all"],
    ["first", "last"],
    ["and", "or"],
    ["is_positive", "is_negative"],
    ["next_multiple_of", "wrapping_add"],
    ["wrapping_rem", "wrapping_div"],
    ["saturating_mul", "wrapping_add"],
];

/// The method in place of another.
pub fn other_method(name: &str) -> Option<&'static str> {
    other_of(METHODS, name)
}

fn other_of(pairs: &'static [[&'static str; 2]], name: &str) -> Option<&'static str> {
    pairs.iter().find_map(|[a, b]| match name {
        _ if name == *a => Some(*b),
        _ if name == *b => Some(*a),
        _ => None,
    })
}

/// Variants whose exchange makes another program, of the enums of opcodes, types and machine
/// instructions.
const VARIANTS: &[[&str; 2]] = &[
    ["W", "X"],
    ["S", "D"],
    ["Lsl", "Lsr"],
    ["Asr", "Ror"],
    ["Uxtw", "Sxtw"],
    ["Uxtb", "Sxtb"],
    ["Uxth", "Sxth"],
    ["Eq", "Ne"],
    ["Lt", "Ge"],
    ["Gt", "Le"],
    ["Lo", "Hs"],
    ["Hi", "Ls"],
    ["Mi", "Pl"],
    ["Vs", "Vc"],
    ["Add", "Sub"],
    ["Madd", "Msub"],
    ["Smaddl", "Umaddl"],
    ["Smulh", "Umulh"],
    ["Sdiv", "Udiv"],
    ["And", "Orr"],
    ["Eor", "Orn"],
    ["Fadd", "Fsub"],
    ["Fmul", "Fdiv"],
    ["Fmin", "Fmax"],
    ["Frintp", "Frintm"],
    ["Frintz", "Frintn"],
    ["B8", "B16"],
    ["H4", "H8"],
    ["S2", "S4"],
    ["I32", "I64"],
    ["F32", "F64"],
    ["Low", "High"],
    ["Signed", "Unsigned"],
    ["Then", "Else"],
    ["First", "Second"],
];

/// The variant in place of another: from the table, or the same opcode of the other width or sign.
pub fn other_variant(name: &str) -> Option<String> {
    if let Some(other) = other_of(VARIANTS, name) {
        return Some(other.to_owned());
    }
    for (prefix, other) in [
        ("I32", "I64"),
        ("I64", "I32"),
        ("F32", "F64"),
        ("F64", "F32"),
    ] {
        let rest = name.strip_prefix(prefix);
        if let Some(rest) = rest.filter(|rest| rest.starts_with(char::is_uppercase)) {
            return Some(format!("{other}{rest}"));
        }
    }
    let stem = name.get(..name.len().saturating_sub(1))?;
    let is_stem = stem.ends_with(char::is_lowercase) || stem.ends_with(char::is_numeric);
    match name.chars().last() {
        Some('S') if is_stem => Some(format!("{stem}U")),
        Some('U') if is_stem => Some(format!("{stem}S")),
        _ => None,
    }
}

/// The integers in place of one.
pub fn other_integers(value: u128) -> Vec<u128> {
    let mut others = vec![value.wrapping_add(1)];
    others.extend(value.checked_sub(1));
    if value >= 8 {
        others.push(value ^ (1 << (127 - value.leading_zeros())));
    }
    others
}

/// True if a method answers yes or no, by its name.
pub fn is_test(name: &str) -> bool {
    let words = [
        "is_",
        "are_",
        "has_",
        "can_",
        "needs_",
        "contains",
        "dominates",
        "matches",
    ];
    words.iter().any(|word| name.starts_with(word))
}

/// Names of operands and fields that are exchanged with their neighbours.
const OPERANDS: &[&str] = &[
    "a", "b", "c", "x", "y", "rd", "rn", "rm", "ra", "rt", "rt2", "low", "high", "lo", "hi",
    "then", "other", "dst", "src", "from", "to", "base", "index", "offset", "first", "second",
    "left", "right", "start", "end", "old", "new", "value", "len", "amount", "lane", "a_low",
    "a_high", "b_low", "b_high", "reach", "limit", "array", "object",
];

/// True if a name is that of an operand.
pub fn is_operand(name: &str) -> bool {
    OPERANDS.contains(&name)
}

/// Macros whose arguments are messages or checks, not results.
pub fn is_message(name: &str) -> bool {
    const MACROS: &[&str] = &[
        "assert",
        "assert_eq",
        "assert_ne",
        "debug_assert",
        "debug_assert_eq",
        "debug_assert_ne",
        "format",
        "format_args",
        "write",
        "writeln",
        "panic",
        "unreachable",
        "println",
        "eprintln",
        "concat",
        "stringify",
        "include_str",
        "compile_error",
        "thread_local",
        "cfg",
    ];
    MACROS.contains(&name)
}

/// Functions and methods that make errors and messages, or only save time and room.
pub fn is_aside(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "Err",
        "internal",
        "unsupported",
        "expect",
        "ok_or",
        "ok_or_else",
        "map_err",
        "hit",
        "with_capacity",
        "reserve",
        "shrink_to_fit",
        "cold_path",
        "fence",
        "spin_loop",
        "list",
        "unreachable_unchecked",
        "assert_unchecked",
    ];
    NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opcodes_change_width_or_sign() {
        assert_eq!(other_variant("I32Add").as_deref(), Some("I64Add"));
        assert_eq!(other_variant("DivS").as_deref(), Some("DivU"));
        assert_eq!(other_variant("W").as_deref(), Some("X"));
        assert_eq!(other_variant("Select"), None);
    }

    #[test]
    fn constants_have_neighbours() {
        assert_eq!(other_integers(0), [1]);
        assert_eq!(other_integers(32), [33, 31, 0]);
    }
}
