//! Words as a shell reads them, so that a line that is shown can be pasted.

/// A word in quotes where a shell would read it otherwise. A word with control characters is
/// written as `$'..'`, so that it stays on one line.
pub fn quote(word: &str) -> String {
    if word.chars().any(char::is_control) {
        return escaped(word);
    }
    let quoted = shlex::try_quote(word).expect("only a word with NUL, a control character, fails");
    quoted.into_owned()
}

/// Words with blanks between them, each in quotes where it needs them.
pub fn join<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> String {
    let words = words.into_iter().map(|word| quote(word.as_ref()));
    words.collect::<Vec<_>>().join(" ")
}

fn escaped(word: &str) -> String {
    let mut out = String::from("$'");
    for c in word.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\\' | '\'' => out.extend(['\\', c]),
            c if c.is_control() => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn plain_words_stay_as_they_are() {
        assert_eq!(
            join(["spec", "a/b.wast", "--tiers", "jit"]),
            "spec a/b.wast --tiers jit"
        );
    }

    /// A shell reads back what was quoted, on one line.
    #[test]
    fn hostile_words_read_back() {
        let words = [
            "",
            "a b",
            "it's",
            "\"$(id)\"",
            "`id`",
            "a#1",
            "<script>",
            "]]>",
            "*?[",
            "\\",
            "\n",
            "é\u{85}",
            "tab\tand\u{1b}[31m",
            "back\\slash\n'quote'",
            "-n",
            "!x",
        ];
        for word in words {
            let line = quote(word);
            assert!(!line.contains('\n'), "{line}");
            let script = format!("printf %s {line}X");
            let output = Command::new("bash").args(["-c", &script]).output();
            let output = output.expect("bash is there").stdout;
            assert_eq!(output, format!("{word}X").as_bytes(), "{line}");
        }
    }
}
