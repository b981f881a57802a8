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
        matches!(head.keyword, "catch" | "catch_all") && head.parent != "try_table" && !legacy
    });
    misplaced.map(|head| format!("unexpected token: `{}` outside `try_table`", head.keyword))
}

/// The keyword that opens a parenthesis, and what encloses it.
struct Head<'a> {
    keyword: &'a str,
    parent: &'a str,
    /// Whether it stands directly in the module.
    field: bool,
}

/// Every parenthesis's head, in order; nothing if the text has no tokens (then `wast` refuses it).
fn heads(text: &str) -> Option<Vec<Head<'_>>> {
    let lexer = Lexer::new(text);
    let (mut heads, mut open) = (Vec::new(), Vec::<&str>::new());
    let (mut at, mut after_open) = (0, false);
    while let Some(token) = lexer.parse(&mut at).ok()? {
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment => continue,
            TokenKind::LParen => open.push(""),
            TokenKind::RParen => {
                open.pop()?;
            }
            TokenKind::Keyword if after_open => {
                let keyword = token.src(text);
                let (inner, outer) = open.split_last_mut()?;
                *inner = keyword;
                let field = matches!(outer, [] | ["module"]);
                heads.push(Head {
                    keyword,
                    parent: outer.last().unwrap_or(&""),
                    field,
                });
            }
            _ => {}
        }
        after_open = token.kind == TokenKind::LParen;
    }
    Some(heads)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(!refused("(func \"unclosed"));
    }
}
