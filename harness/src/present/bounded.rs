//! Markdown of bounded length, and text that is no markup in it.
//!
//! GitHub refuses a comment of more than 65,536 characters, and a step summary of more than 1 MiB.

use super::cases::is_odd;

/// Bytes of a text in Markdown; characters are no more than that.
pub const BYTES_MAX: usize = 65_000;
/// Bytes that are kept for what stands at the end.
const END_BYTES: usize = 2_000;
/// Characters of a name or message.
const TEXT_CHARS_MAX: usize = 300;

/// A text that takes parts as long as there is room.
#[derive(Debug, Default)]
pub struct Bounded {
    text: String,
    /// Parts that were not taken.
    left_out: usize,
}

impl Bounded {
    /// Adds a part, unless there is no room for it; then no further one is taken either.
    pub fn part(&mut self, part: &str) -> bool {
        let fits = self.has_room(part.len());
        match fits {
            true => self.text.push_str(part),
            false => self.left_out += 1,
        }
        fits
    }

    /// True if there is room for so many bytes.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.left_out == 0 && self.text.len() + bytes + END_BYTES <= BYTES_MAX
    }

    /// Adds a line.
    pub fn line(&mut self, line: &str) -> bool {
        self.part(&format!("{line}\n"))
    }

    /// Adds the end, for which room was kept; it says what was left out.
    pub fn end(&mut self, text: &str) {
        self.text.push_str(text);
        self.left_out = 0;
    }

    /// The text, with a line at its end that says what was left out unless its end does.
    pub fn finish(mut self) -> String {
        if self.left_out > 0 {
            let left_out = self.left_out;
            self.text
                .push_str(&format!("\n{left_out} more parts have no room here.\n"));
        }
        self.text
    }
}

/// Text that is no markup, on one line and not long.
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == TEXT_CHARS_MAX {
            out.push_str("...");
            break;
        }
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '#' | '\\' | '~' | '$' | '!' => {
                out.extend(['\\', c])
            }
            // A name after it would be told of the comment.
            '@' => out.push_str("&#64;"),
            c if is_odd(c) => out.extend(c.escape_default().filter(|c| *c != '\\')),
            c => out.push(c),
        }
    }
    out
}

/// Lines as a block of code, which nothing in them can end.
pub fn fenced(language: &str, lines: &[String]) -> String {
    let mut text = String::new();
    let (mut run, mut longest) = (0, 2);
    for c in lines.join("\n").chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
        match c {
            '\n' | '\t' => text.push(c),
            c if is_odd(c) => text.extend(c.escape_default()),
            c => text.push(c),
        }
    }
    let fence = "`".repeat(longest + 1);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::hostile;

    #[test]
    fn what_has_no_room_is_counted() {
        let mut bounded = Bounded::default();
        assert!(bounded.part("a"));
        assert!(!bounded.part(&"b".repeat(BYTES_MAX)));
        assert!(!bounded.part("c"), "what follows would be out of order");
        assert_eq!(bounded.finish(), "a\n2 more parts have no room here.\n");
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(escape("a|b\n<i>`@x"), "a\\|b &lt;i&gt;\\`&#64;x");
        let text = escape(hostile::TEXT);
        assert!(!text.contains('<') && !text.chars().any(is_odd), "{text}");
    }

    #[test]
    fn nothing_ends_a_block_of_code() {
        let text = fenced("wast", &["a ```` b".to_string(), hostile::TEXT.to_string()]);
        assert!(
            text.starts_with("`````wast\n") && text.ends_with("\n`````\n"),
            "{text}"
        );
        assert_eq!(text.matches("`````").count(), 2);
    }
}
