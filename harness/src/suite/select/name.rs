//! The names of directives: an id, or a file and a line.

use std::fmt;
use std::str::FromStr;

use crate::script::{Directive, Script};

/// The name of a directive of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectiveName {
    /// The path of the file in reports.
    pub(super) file: String,
    /// What stands behind the path in an id, or the line.
    rest: Result<String, u32>,
}

impl DirectiveName {
    /// The same directive by another path of its file.
    pub(super) fn in_file(&self, file: String) -> DirectiveName {
        let rest = self.rest.clone();
        DirectiveName { file, rest }
    }

    /// True if it is the name of a directive of a script.
    pub(super) fn is(&self, script: &Script, directive: &Directive) -> bool {
        self.file == script.path
            && match &self.rest {
                Ok(rest) => directive.id.strip_prefix(&self.file) == Some(rest),
                Err(line) => directive.line == *line,
            }
    }
}

impl FromStr for DirectiveName {
    type Err = NotADirectiveName;

    fn from_str(text: &str) -> Result<Self, NotADirectiveName> {
        let by_id = text.rfind('#').map(|at| text.split_at(at));
        if let Some((file, rest)) = by_id.filter(|(file, rest)| !file.is_empty() && is_id(rest)) {
            let (file, rest) = (file.to_string(), Ok(rest.to_string()));
            return Ok(DirectiveName { file, rest });
        }
        let (file, line) = text.rsplit_once(':').ok_or(NotADirectiveName)?;
        match line.parse() {
            Ok(line @ 1..) if !file.is_empty() => Ok(DirectiveName {
                file: file.to_string(),
                rest: Err(line),
            }),
            Ok(_) | Err(_) => Err(NotADirectiveName),
        }
    }
}

/// True if a text is the end of an id: `#ORDINAL-HASH`.
fn is_id(text: &str) -> bool {
    let parts = text.strip_prefix('#').and_then(|it| it.split_once('-'));
    parts.is_some_and(|(ordinal, hash)| {
        ordinal.parse::<u32>().is_ok() && u32::from_str_radix(hash, 16).is_ok()
    })
}

impl fmt::Display for DirectiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rest {
            Ok(rest) => write!(f, "{}{rest}", self.file),
            Err(line) => write!(f, "{}:{line}", self.file),
        }
    }
}

/// Text that does not name a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form is PATH#ORDINAL-HASH or PATH:LINE")]
pub struct NotADirectiveName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_directives_read_back() {
        for name in ["a b#c.wast#12-0123abcd", "a.wast:7", "a:1:7"] {
            let read: DirectiveName = name.parse().expect("well formed");
            assert_eq!(read.to_string(), name);
        }
        for bad in [
            "", "a.wast", "#1-ab", "a#1", "a#x-ab", "a#1-x", ":7", "a:0", "a:b",
        ] {
            assert!(bad.parse::<DirectiveName>().is_err(), "{bad}");
        }
    }
}
