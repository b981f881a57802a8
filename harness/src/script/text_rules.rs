//! Rules of the text format that the crate `wast` does not enforce, though the suite asserts them
//! (`assert_malformed`).
//!
//! Each rule is looked for in the tokens of a quoted module before it is encoded. Spec:
//! text/modules (at most one start), and text/instructions (`catch` and `catch_all` are clauses of
//! `try_table`, not instructions).

use wast::lexer::{Lexer, TokenKind};

/// The reason to refuse this module text, if `wast` would wrongly accept it.
pub(crate) fn refusal(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let heads = heads(text)?;
    let legacy = heads
        .iter()
        .any(|head| matches!(head.keyword, "try" | "do"));
    if heads
        .iter()
        .filter(|head| head.keyword == "start" && head.field)
        .count()
        > 1
    {
        return Some("multiple start sections".to_string());
    }
    let misplaced = heads.iter().find(|head| {
        matches!(head.keyword, "catch" | "catch_all") && !head.after_try_table && !legacy
    });
    misplaced.map(|head| format!("unexpected token: `{}` outside `try_table`", head.keyword))
}

/// True if the text is a module without fields: it has no tokens (spec: text/modules, "Modules").
pub(crate) fn is_empty_module(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else {
        return false;
    };
    Lexer::new(text).iter(0).all(|token| {
        token.is_ok_and(|token| {
            matches!(
                token.kind,
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment
            )
        })
    })
}

/// The keyword that opens a parenthesis, and its surroundings.
struct Head<'a> {
    keyword: &'a str,
    /// True directly in the module.
    field: bool,
    /// True among the type and the clauses that follow the keyword `try_table`.
    after_try_table: bool,
}

/// An open parenthesis.
struct Open<'a> {
    keyword: &'a str,
    /// True if only a type and clauses have followed the keyword `try_table`.
    after_try_table: bool,
}

/// The heads of what may stand between `try_table` and its instructions.
const TRY_TABLE_HEADS: &[&str] = &[
    "type",
    "param",
    "result",
    "catch",
    "catch_ref",
    "catch_all",
    "catch_all_ref",
];

/// The head of every parenthesis, in order; nothing if the text has no tokens (then `wast` refuses
/// it).
fn heads(text: &str) -> Option<Vec<Head<'_>>> {
    let lexer = Lexer::new(text);
    let (mut heads, mut open) = (Vec::new(), Vec::<Open<'_>>::new());
    let (mut at, mut after_open) = (0, false);
    while let Some(token) = lexer.parse(&mut at).ok()? {
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment => continue,
            TokenKind::LParen => open.push(Open {
                keyword: "",
                after_try_table: false,
            }),
            TokenKind::RParen => {
                open.pop()?;
            }
            TokenKind::Keyword if after_open => heads.push(head(&mut open, token.src(text))?),
            TokenKind::Keyword => {
                if let Some(innermost) = open.last_mut() {
                    innermost.after_try_table = token.src(text) == "try_table";
                }
            }
            _ => {}
        }
        after_open = token.kind == TokenKind::LParen;
    }
    Some(heads)
}

/// Gives the innermost parenthesis its keyword.
fn head<'a>(open: &mut [Open<'a>], keyword: &'a str) -> Option<Head<'a>> {
    let (inner, outer) = open.split_last_mut()?;
    inner.keyword = keyword;
    inner.after_try_table = keyword == "try_table";
    let field = match &*outer {
        [] => true,
        [only] => only.keyword == "module",
        _ => false,
    };
    let mut after_try_table = false;
    if let Some(outer) = outer.last_mut() {
        outer.after_try_table &= TRY_TABLE_HEADS.contains(&keyword);
        after_try_table = outer.after_try_table;
    }
    Some(Head {
        keyword,
        field,
        after_try_table,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_tokens_is_a_module() {
        assert!(is_empty_module(b""));
        assert!(is_empty_module(b" ;; a comment\n (; another ;) "));
        assert!(!is_empty_module(b"(module)"));
        assert!(!is_empty_module(b"(; unclosed"));
        assert!(!is_empty_module(b"\xff"));
    }

    #[test]
    fn each_rule_refuses_what_breaks_it_and_nothing_else() {
        let refused = |text: &str| refusal(text.as_bytes()).is_some();
        assert!(refused(
            "(module (func $a) (func $b) (start $a) (start $b))"
        ));
        assert!(refused("(func $a) (start $a) (start 0)"));
        assert!(!refused("(module (func $a) (start $a))"));
        assert!(refused("(module (func (catch_all)))"));
        assert!(refused("(module (tag $e) (func (catch $e)))"));
        assert!(!refused(
            "(module (tag $e) (func (try_table (catch $e 0) (catch_all 0))))"
        ));
        assert!(!refused(
            "(module (tag $e) (func (try (do) (catch $e) (catch_all))))"
        ));
        assert!(!refused(
            "(tag $e) (func try_table $l (result i32) (catch $e 0) (catch_all 0) end)"
        ));
        assert!(refused("(tag $e) (func try_table nop (catch $e 0) end)"));
        assert!(refused("(tag $e) (func (try_table (nop) (catch $e 0)))"));
        assert!(!refused("(func \"unclosed"));
    }
}
