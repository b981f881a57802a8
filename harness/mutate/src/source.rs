//! Rust sources as tokens: bodies of macros in a form that parses, and the text behind tokens.
//!
//! A `$name` becomes the identifier, and a repetition becomes its content once, so that bodies of
//! `macro_rules!` parse as plain code. Spans stay those of the source: edits are made in its text.

use std::ops::Range;

use proc_macro2::{Delimiter, Group, Punct, Spacing, Span, TokenStream, TokenTree};
use syn::spanned::Spanned;

/// The text of a file, and what is behind its tokens.
#[derive(Clone, Copy)]
pub struct Text<'a>(pub &'a str);

impl<'a> Text<'a> {
    /// The bytes of a piece of syntax, with the `$` in front of it.
    pub fn range(self, node: &impl Spanned) -> Range<usize> {
        self.range_of(node.span())
    }

    /// The bytes of a span, with the `$` in front of it.
    pub fn range_of(self, span: Span) -> Range<usize> {
        let Range { start, end } = span.byte_range();
        let is_variable = start > 0 && self.0.as_bytes()[start - 1] == b'$';
        start - usize::from(is_variable)..end
    }

    /// The text of a piece of syntax.
    pub fn of(self, node: &impl Spanned) -> &'a str {
        &self.0[self.range(node)]
    }

    /// Line and column of a byte, from 1.
    pub fn position(self, at: usize) -> (usize, usize) {
        let before = &self.0[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, at - line_start + 1)
    }
}

/// True if a text is tokens with their brackets closed: a piece that a repetition of a macro has
/// cut is not.
pub fn is_whole(text: &str) -> bool {
    let Ok(tokens) = text.parse::<TokenStream>() else {
        return false;
    };
    let mut previous = None;
    for token in tokens {
        // The operator of a repetition that begins before the text, or `$` alone.
        if previous == Some('$') && matches!(token, TokenTree::Punct(_)) {
            return false;
        }
        previous = punct(&token).map(Punct::as_char);
    }
    previous != Some('$')
}

/// A punctuation mark.
pub fn punct(token: &TokenTree) -> Option<&Punct> {
    match token {
        TokenTree::Punct(punct) => Some(punct),
        _ => None,
    }
}

/// True if a token is this mark.
pub fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    token.and_then(punct).is_some_and(|p| p.as_char() == mark)
}

/// A group of that delimiter.
pub fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// The body of a macro without variables and repetitions.
pub fn plain(tokens: TokenStream) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = TokenStream::new();
    let mut at = 0;
    while at < tokens.len() {
        let next = tokens.get(at + 1);
        if is_mark(tokens.get(at), '$') && group(next, Delimiter::Parenthesis).is_some() {
            let content = group(next, Delimiter::Parenthesis).expect("as just found");
            out.extend(plain(content.stream()));
            at = end_of_repetition(&tokens, at + 2);
            continue;
        }
        if is_mark(tokens.get(at), '$') && matches!(next, Some(TokenTree::Ident(_))) {
            at += 1;
        }
        out.extend([match &tokens[at] {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), plain(group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other.clone(),
        }]);
        at += 1;
    }
    out
}

/// The token after the separator and the operator of a repetition.
fn end_of_repetition(tokens: &[TokenTree], at: usize) -> usize {
    let is_operator = |n| {
        ['*', '+', '?']
            .iter()
            .any(|mark| is_mark(tokens.get(n), *mark))
    };
    (at..at + 4)
        .find(|n| is_operator(*n))
        .map_or(tokens.len(), |n| n + 1)
}

/// The tokens between separators on the top level.
pub fn split(
    tokens: TokenStream,
    is_separator: impl Fn(&[TokenTree], usize) -> bool,
) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut pieces = vec![TokenStream::new()];
    for (at, token) in tokens.iter().enumerate() {
        if is_separator(&tokens, at) {
            pieces.push(TokenStream::new());
        } else if let Some(piece) = pieces.last_mut() {
            piece.extend([token.clone()]);
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// True if a token ends a row.
pub fn is_semicolon(tokens: &[TokenTree], at: usize) -> bool {
    is_mark(tokens.get(at), ';')
}

/// True if a token is a `=` by itself, or ends a `=>`.
pub fn is_equals(tokens: &[TokenTree], at: usize) -> bool {
    let joins = |n: usize| {
        let before = n.checked_sub(1).and_then(|n| punct(&tokens[n]));
        before.filter(|p| p.spacing() == Spacing::Joint)
    };
    match &tokens[at] {
        TokenTree::Punct(p) if p.as_char() == '=' => {
            p.spacing() == Spacing::Alone && joins(at).is_none()
        }
        TokenTree::Punct(p) if p.as_char() == '>' => joins(at).is_some_and(|p| p.as_char() == '='),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_without_variables_parses() {
        let body = "match $op { $($Row::$op => $f($a, 1),)* } $(.or($b))? + $crate::f()";
        let tokens = plain(body.parse().expect("tokens"));
        assert!(syn::parse2::<syn::Expr>(tokens).is_ok());
    }

    #[test]
    fn pieces_that_a_repetition_cuts_are_not_whole() {
        assert!(is_whole("a + $b"));
        assert!(is_whole("f($($a),*)"));
        assert!(!is_whole("a $(+ b"));
        assert!(!is_whole("a + b)*"));
    }

    #[test]
    fn rows_are_split_at_lone_equals_signs() {
        let row = "f(a: u32) -> bool = a == 0 && a >= b";
        let pieces = split(row.parse().expect("tokens"), is_equals);
        assert_eq!(pieces.len(), 2);
        assert_eq!(split("a => b".parse().expect("tokens"), is_equals).len(), 2);
    }
}
