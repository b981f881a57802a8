//! Rewrites the folded form of the legacy exceptions, `(try (do ..) (catch ..) (delegate ..))`,
//! which the crate `wast` does not read, to the flat form, which it does.
//!
//! Works on tokens, and within `(func ..)` only. Since a flat `try` cannot be an operand, other
//! folded instructions there become flat, too: operands first. Only for text that `wast` has
//! refused; what is no such form comes out as wrong as it went in. Text format: the legacy
//! exception-handling proposal, "Text Format".

use wast::lexer::{Lexer, TokenKind};

/// Heads of parentheses that belong to what they stand in, being no instructions.
const PARTS: [&str; 11] = [
    "export", "import", "type", "param", "result", "local", "ref", "exact", "on", "item", "offset",
];

/// An open parenthesis.
enum Open<'a> {
    /// Copied, and all that is in it.
    Copied,
    /// Copied, with instructions in it: `func`, `block`, `loop`, `then`, `else`, `try_table`.
    Sequence(&'a str),
    /// An instruction: what comes behind its operands.
    Folded(String),
    /// `if`: what comes behind its condition, until that has come.
    If(String),
    /// `try`, and whether a `delegate` has ended it.
    Try { is_ended: bool },
    /// `do`, `catch`, `catch_all` or `delegate`.
    Clause,
}

/// The text with folded `try`s made flat; `None` if it has none, or cannot be taken apart.
pub(crate) fn unfold(text: &str) -> Option<String> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let (mut at, mut tokens) = (0, Vec::new());
    while let Some(token) = lexer.parse(&mut at).ok()? {
        tokens.push(token);
    }
    let mut unfolder = Unfolder {
        open: Vec::new(),
        out: String::with_capacity(text.len()),
        found: false,
    };
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token.kind {
            TokenKind::LParen => {
                let head = tokens.next_if(|next| next.kind == TokenKind::Keyword);
                unfolder.open(head.map_or("", |head| head.src(text)));
            }
            TokenKind::RParen => unfolder.close()?,
            TokenKind::LineComment | TokenKind::BlockComment => unfolder.write(" "),
            _ => unfolder.write(token.src(text)),
        }
    }
    (unfolder.found && unfolder.open.is_empty()).then_some(unfolder.out)
}

struct Unfolder<'a> {
    open: Vec<Open<'a>>,
    out: String,
    /// Whether there was a folded `try`.
    found: bool,
}

impl<'a> Unfolder<'a> {
    fn open(&mut self, head: &'a str) {
        let opened = match (self.open.last_mut(), head) {
            (None | Some(Open::Copied), "func") => Open::Sequence(head),
            (None | Some(Open::Copied), _) => Open::Copied,
            (Some(Open::Sequence("try_table")), "catch" | "catch_ref") => Open::Copied,
            (Some(Open::Sequence("try_table")), "catch_all" | "catch_all_ref") => Open::Copied,
            (Some(Open::Try { .. }), "do" | "catch" | "catch_all") => Open::Clause,
            (Some(Open::Try { is_ended }), "delegate") => {
                *is_ended = true;
                Open::Clause
            }
            (Some(Open::If(behind)), "then") => {
                self.out.push_str(&std::mem::take(behind));
                Open::Sequence(head)
            }
            (Some(_), part) if PARTS.contains(&part) => Open::Copied,
            (Some(_), "block" | "loop" | "else" | "try_table" | "then") => Open::Sequence(head),
            (Some(_), "try") => Open::Try { is_ended: false },
            (Some(_), "if") => Open::If(" (if".to_owned()),
            (Some(_), _) => Open::Folded(format!(" {head}")),
        };
        match opened {
            Open::Copied => self.write(&format!(" ({head}")),
            Open::Sequence(_) => self.out.push_str(&format!(" ({head}")),
            Open::Try { .. } => {
                self.found = true;
                self.out.push_str(" try");
            }
            Open::Clause if head != "do" => self.out.push_str(&format!(" {head}")),
            Open::Clause | Open::Folded(_) | Open::If(_) => {}
        }
        self.open.push(opened);
    }

    fn close(&mut self) -> Option<()> {
        match self.open.pop()? {
            Open::Copied => self.write(")"),
            Open::Sequence(_) => self.out.push(')'),
            Open::Folded(behind) => self.out.push_str(&behind),
            Open::If(behind) => {
                self.out.push_str(&behind);
                self.out.push(')');
            }
            Open::Try { is_ended: false } => self.out.push_str(" end"),
            Open::Try { is_ended: true } | Open::Clause => {}
        }
        Some(())
    }

    /// Writes what an instruction says besides its operands: behind these, if it is folded.
    fn write(&mut self, text: &str) {
        let around = self.open.iter_mut().rev();
        let mut around = around.skip_while(|open| matches!(open, Open::Copied));
        match around.next() {
            Some(Open::Folded(behind) | Open::If(behind)) => behind.push_str(text),
            _ => self.out.push_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text without blanks that say nothing.
    fn unfolded(text: &str) -> String {
        let words = unfold(text).expect("it has a folded try");
        let words: Vec<&str> = words.split_whitespace().collect();
        words.join(" ").replace("( ", "(").replace(" )", ")")
    }

    #[test]
    fn clauses_follow_the_body() {
        assert_eq!(
            unfolded(
                "(module (func $f (try $l (result i32) (do (i32.const 1) (drop)) \
                (catch $e (drop) (rethrow 0)) (catch_all unreachable))))"
            ),
            "(module (func $f try $l (result i32) i32.const 1 drop catch $e drop rethrow 0 \
                catch_all unreachable end))"
        );
        assert_eq!(
            unfolded("(func (try (do (try (do) (delegate 1))) (catch_all)))"),
            "(func try try delegate 1 catch_all end)"
        );
    }

    #[test]
    fn operands_come_before_what_takes_them() {
        assert_eq!(
            unfolded(
                "(func (local.set $x (call_indirect $t (type 0) (i32.const 1) \
                (try (result i32) (do (nop))))))"
            ),
            "(func i32.const 1 try (result i32) nop end call_indirect $t (type 0) local.set $x)"
        );
        assert_eq!(
            unfolded(
                "(func (if $l (result i32) (try (result i32) (do (nop))) ;; (\n \
                (then (nop)) (else (block (nop)))))"
            ),
            "(func try (result i32) nop end (if $l (result i32) (then nop) (else (block nop))))"
        );
    }

    #[test]
    fn everything_else_is_left_alone() {
        for text in [
            "(func (try_table (catch $e 0)))",
            "(func try end)",
            "(func (try",
            "(a \"",
        ] {
            assert_eq!(unfold(text), None, "{text}");
        }
        let global = "(module (global i32 (i32.const 1)) (func try end))";
        assert_eq!(unfold(global), None);
    }
}
