//! Splits the text of a `.wast` file into its top-level forms, and finds lines by offset.
//!
//! It knows just enough of the text format's lexical grammar (spec: text/lexical) not to be fooled
//! by parentheses in strings, line comments, nested block comments and annotations. It never fails:
//! what is no form becomes a [`Form`] with a `fault`, so that one unreadable form costs one
//! directive. It uses no recursion, so nesting depth is no danger to it; to spare everything that
//! comes after it, a form that nests deeper than [`NESTING_LEVELS_MAX`] is refused.

use std::ops::Range;

/// A stretch of the text that is one top-level form, or is none and says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Its bytes in the text, from the opening to past the closing parenthesis.
    pub(crate) range: Range<usize>,
    /// Why it is no form, if it is none.
    pub(crate) fault: Option<&'static str>,
}

/// What [`next_token`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Open,
    AnnotationOpen,
    Close,
    Blank,
    Other,
    Dangling(&'static str),
}

const UNCLOSED: &str = "this parenthesis is never closed";

/// After so many forms that are never closed the rest of the text is one form, since each of them
/// was searched to the end of the text.
const UNCLOSED_FORMS_MAX: usize = 16;

/// How deep parentheses and blocks may nest in a form.
const NESTING_LEVELS_MAX: usize = 10_000;
const TOO_DEEP: &str = "parentheses and blocks nest deeper than the limit of 10000 levels";

/// Instructions that open a block which an `end` closes, where they are not folded.
const BLOCK_HEADS: [&str; 5] = ["block", "loop", "if", "try", "try_table"];

/// Splits `text` into its top-level forms, in order. Annotations between forms are left out.
pub(crate) fn split(text: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    let (mut at, mut unclosed) = (0, 0);
    while at < text.len() {
        let (token, end) = next_token(text.as_bytes(), at);
        match token {
            Token::Blank => at = end,
            Token::Open | Token::AnnotationOpen => {
                let mut form = form_at(text, at);
                unclosed += usize::from(form.fault.is_some_and(|fault| fault != TOO_DEEP));
                if unclosed > UNCLOSED_FORMS_MAX {
                    form.range.end = text.len();
                }
                at = form.range.end;
                if token == Token::Open || form.fault.is_some() {
                    forms.push(form);
                }
            }
            Token::Close | Token::Other | Token::Dangling(_) => {
                let end = stray_end(text.as_bytes(), at);
                let fault = match token {
                    Token::Dangling(fault) => fault,
                    _ => "expected `(`",
                };
                forms.push(Form {
                    range: at..end,
                    fault: Some(fault),
                });
                at = end;
            }
        }
    }
    forms
}

/// The form that opens at `start`. One that is never closed ends where a directive seems to begin
/// on a line of its own.
fn form_at(text: &str, start: usize) -> Form {
    let mut depth = 0usize;
    let mut blocks = 0usize;
    let mut levels_max = 0;
    let mut at = start;
    let mut fault = UNCLOSED;
    let mut after_open = false;
    while at < text.len() {
        let (token, end) = next_token(text.as_bytes(), at);
        match token {
            Token::Open | Token::AnnotationOpen => depth += 1,
            Token::Close => depth -= 1,
            Token::Dangling(reason) => fault = reason,
            Token::Other if &text[at..end] == "end" => blocks = blocks.saturating_sub(1),
            Token::Other if !after_open && BLOCK_HEADS.contains(&&text[at..end]) => blocks += 1,
            Token::Blank | Token::Other => {}
        }
        after_open = token == Token::Open;
        levels_max = levels_max.max(depth + blocks);
        at = end;
        if depth == 0 {
            return Form {
                range: start..at,
                fault: (levels_max > NESTING_LEVELS_MAX).then_some(TOO_DEEP),
            };
        }
    }
    Form {
        range: start..next_directive(text, start),
        fault: Some(fault),
    }
}

/// Where, after `start`, a line begins with the head of a directive; else the end of the text.
fn next_directive(text: &str, start: usize) -> usize {
    const HEADS: [&str; 5] = ["(assert_", "(module", "(register", "(invoke", "(thread"];
    let starts = text[start..]
        .match_indices('\n')
        .map(|(offset, _)| start + offset + 1);
    let mut heads = starts.filter(|&at| HEADS.iter().any(|head| text[at..].starts_with(head)));
    heads.next().unwrap_or(text.len())
}

/// The end of a run of tokens that belong to no form.
fn stray_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut last) = (start, start);
    while at < bytes.len() {
        let (token, end) = next_token(bytes, at);
        match token {
            Token::Open | Token::AnnotationOpen => break,
            Token::Blank => {}
            Token::Close | Token::Other | Token::Dangling(_) => last = end,
        }
        at = end;
    }
    last
}

/// The token at `at` and where it ends; `at` is inside `bytes`, and the end is past it.
fn next_token(bytes: &[u8], at: usize) -> (Token, usize) {
    let rest = &bytes[at..];
    match rest {
        [b'(', b';', ..] => block_comment(rest, at),
        [b'(', b'@', ..] => (Token::AnnotationOpen, at + 1),
        [b'(', ..] => (Token::Open, at + 1),
        [b')', ..] => (Token::Close, at + 1),
        [b';', b';', ..] => {
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            (Token::Blank, at + end.unwrap_or(rest.len()))
        }
        [b'"', ..] => (Token::Other, at + string_length(rest)),
        [b' ' | b'\t' | b'\n' | b'\r', ..] => {
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
            let end = rest.iter().position(|byte| !blank(byte));
            (Token::Blank, at + end.unwrap_or(rest.len()))
        }
        _ => {
            let ends = |byte: &u8| {
                matches!(
                    byte,
                    b'(' | b')' | b';' | b'"' | b' ' | b'\t' | b'\n' | b'\r'
                )
            };
            let end = rest[1..]
                .iter()
                .position(ends)
                .map_or(rest.len(), |end| end + 1);
            (Token::Other, at + end)
        }
    }
}

/// A block comment, which nests.
fn block_comment(rest: &[u8], at: usize) -> (Token, usize) {
    let mut level = 1usize;
    let mut offset = 2;
    while offset + 1 < rest.len() {
        match rest[offset..offset + 2] {
            [b'(', b';'] => (level, offset) = (level + 1, offset + 2),
            [b';', b')'] => (level, offset) = (level - 1, offset + 2),
            _ => offset += 1,
        }
        if level == 0 {
            return (Token::Blank, at + offset);
        }
    }
    (
        Token::Dangling("this block comment is never closed"),
        at + rest.len(),
    )
}

/// The length of the string that `rest` begins with. Strings cannot hold a line break, so an
/// unclosed one ends there.
fn string_length(rest: &[u8]) -> usize {
    let mut offset = 1;
    while offset < rest.len() {
        match rest[offset] {
            b'"' => return offset + 1,
            b'\n' | b'\r' => return offset,
            b'\\' if offset + 1 < rest.len() => offset += 2,
            _ => offset += 1,
        }
    }
    rest.len()
}

/// Where each line of a text begins: finds lines without scanning the text again.
#[derive(Clone, Debug)]
pub(crate) struct LineTable {
    starts: Vec<usize>,
}

impl LineTable {
    /// Reads the text once.
    pub(crate) fn new(text: &str) -> LineTable {
        let breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let starts = std::iter::once(0)
            .chain(breaks.map(|(offset, _)| offset + 1))
            .collect();
        LineTable { starts }
    }

    /// Line and column (in bytes) of an offset, both from 1.
    pub(crate) fn locate(&self, offset_bytes: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|&start| start <= offset_bytes);
        let column = offset_bytes - self.starts[line - 1] + 1;
        (
            u32::try_from(line).unwrap_or(u32::MAX),
            u32::try_from(column).unwrap_or(u32::MAX),
        )
    }

    /// The offset of a line and column, if there is such a line.
    pub(crate) fn offset(&self, line: u32, column: u32) -> Option<usize> {
        let index = (line as usize).checked_sub(1)?;
        Some(self.starts.get(index)? + (column as usize).checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<(&str, bool)> {
        let forms = split(text).into_iter();
        forms
            .map(|form| (&text[form.range], form.fault.is_none()))
            .collect()
    }

    #[test]
    fn parentheses_in_strings_comments_and_annotations_do_not_count() {
        let text = "(a \")\\\"(\") ;; (\n(; ( (; ) ;) ;) (b (; ) ;) ;; )\r) (@c ) \")\") \
            (d (@e ( \")\" ) )$\")\")";
        assert_eq!(
            pieces(text),
            [
                ("(a \")\\\"(\")", true),
                ("(b (; ) ;) ;; )\r)", true),
                ("\")\")", false),
                ("(d (@e ( \")\" ) )$\")\")", true),
            ]
        );
    }

    #[test]
    fn what_is_no_form_costs_itself_alone() {
        let found = pieces("(a) b ) c (d)");
        assert_eq!(found, [("(a)", true), ("b ) c", false), ("(d)", true)]);
    }

    #[test]
    fn an_unclosed_form_ends_before_the_next_directive() {
        let text = "(module (func)\n(assert_return (invoke \"f\"))\n";
        assert_eq!(
            pieces(text),
            [
                ("(module (func)\n", false),
                ("(assert_return (invoke \"f\"))", true)
            ]
        );
        assert_eq!(pieces("(module (; \n"), [("(module (; \n", false)]);
    }

    #[test]
    fn many_unclosed_forms_take_no_time_to_speak_of() {
        let text = "(module (func\n".repeat(100_000);
        let forms = split(&text);
        assert_eq!(forms.len(), UNCLOSED_FORMS_MAX + 1);
        assert_eq!(forms.last().map(|form| form.range.end), Some(text.len()));
    }

    #[test]
    fn what_nests_too_deep_is_one_refused_form() {
        assert!(TOO_DEEP.contains(&NESTING_LEVELS_MAX.to_string()));
        let nested = |open: &str, close: &str, levels: usize| {
            let text = format!("(func {}{})", open.repeat(levels), close.repeat(levels));
            let forms = split(&text);
            assert_eq!(forms.len(), 1);
            assert_eq!(forms[0].range, 0..text.len());
            forms[0].fault
        };
        for (open, close) in [
            ("(block ", ")"),
            ("block ", "end "),
            ("(if (then loop ", "end))"),
        ] {
            assert_eq!(nested(open, close, 1_000_000), Some(TOO_DEEP), "{open}");
        }
        let levels = NESTING_LEVELS_MAX - 1;
        assert_eq!(nested("block ", "end ", levels), None);
        assert_eq!(nested("block ", "end ", levels + 1), Some(TOO_DEEP));
        assert_eq!(nested("block end ", "", levels + 1), None, "side by side");
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        let table = LineTable::new("ab\n\ncd");
        let found = [0, 2, 3, 4, 5].map(|offset| table.locate(offset));
        assert_eq!(found, [(1, 1), (1, 3), (2, 1), (3, 1), (3, 2)]);
        for offset in 0..6 {
            let (line, column) = table.locate(offset);
            assert_eq!(table.offset(line, column), Some(offset));
        }
        assert_eq!((table.offset(4, 1), table.offset(0, 1)), (None, None));
    }
}
