//! How a command ends: its exit code, and the one error that a user's input can cause.
//!
//! Owns: the exit codes (README promises them) and the form of an error message, `path:line:
//! message`. Invariant: whatever a user can get wrong (a path, a file's content, an option) is an
//! [`InputError`] and ends with exit code 2; it is never a panic, and it names file and line where
//! there is one.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All as expected.
    AsExpected,
    /// Failures, divergences or regressions, or an expected failure that passes.
    Failed,
    /// Bad usage or bad input.
    BadInput,
    /// Not measured: a tier is unavailable, the accounting is open, or nothing was selected.
    NotMeasured,
    /// A code taken over from elsewhere: a trap in `wassay run`, an interrupt, a program that we
    /// stand in for.
    Other(u8),
}

impl Exit {
    /// The number handed to the operating system.
    pub fn code(self) -> u8 {
        match self {
            Exit::AsExpected => 0,
            Exit::Failed => 1,
            Exit::BadInput => 2,
            Exit::NotMeasured => 3,
            Exit::Other(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Input that cannot be used: where it is wrong, as far as known, and why.
#[derive(Clone, Debug)]
pub struct InputError {
    /// The file or folder concerned.
    pub path: Option<PathBuf>,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// What is wrong, in one line.
    pub message: String,
    /// The error behind it, which the message shows too.
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl InputError {
    /// Wrong usage: no file is concerned.
    pub fn usage(message: impl Into<String>) -> Self {
        InputError {
            path: None,
            line: None,
            message: message.into(),
            source: None,
        }
    }

    /// A file or folder that is wrong as a whole.
    pub fn at(path: &Path, message: impl Into<String>) -> Self {
        InputError {
            path: Some(path.to_owned()),
            ..Self::usage(message)
        }
    }

    /// A file that is wrong in line `line`, counted from 1.
    pub fn at_line(path: &Path, line: usize, message: impl Into<String>) -> Self {
        InputError {
            line: Some(line),
            ..Self::at(path, message)
        }
    }

    /// A file or folder that is wrong as an error says.
    pub fn from_error(path: &Path, error: impl Error + Send + Sync + 'static) -> Self {
        let message = error.to_string();
        InputError {
            source: Some(Arc::new(error)),
            ..Self::at(path, message)
        }
    }

    /// The same with the error behind it, at the end of the message.
    pub fn because(self, error: impl Error + Send + Sync + 'static) -> Self {
        InputError {
            message: format!("{}: {error}", self.message),
            source: Some(Arc::new(error)),
            ..self
        }
    }

    /// A file in TOML that is malformed, or has not the shape that it must have.
    pub fn in_toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        let line = error.span().map(|span| line_at(text, span.start));
        InputError {
            line,
            source: Some(Arc::new(error.clone())),
            ..InputError::at(path, message)
        }
    }
}

/// The line of a byte of a text, from 1.
pub fn line_at(text: &str, offset: usize) -> usize {
    1 + text[..offset].matches('\n').count()
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}:", path.display())?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
            }
            write!(f, " ")?;
        }
        write!(f, "{}", self.message)
    }
}

impl Error for InputError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Errors are equal if they read alike.
impl PartialEq for InputError {
    fn eq(&self, other: &InputError) -> bool {
        (&self.path, self.line, &self.message) == (&other.path, other.line, &other.message)
    }
}

impl Eq for InputError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_file_and_line() {
        let path = Path::new("a/b.wast");
        assert_eq!(InputError::usage("no").to_string(), "no");
        assert_eq!(InputError::at(path, "no").to_string(), "a/b.wast: no");
        assert_eq!(
            InputError::at_line(path, 7, "no").to_string(),
            "a/b.wast:7: no"
        );
    }

    #[test]
    fn errors_have_their_sources() {
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let path = Path::new("a/b.wast");
        for error in [
            InputError::at(path, "not read").because(missing()),
            InputError::from_error(path, missing()),
        ] {
            let source = error.source().expect("it has a source");
            assert!(source.is::<std::io::Error>());
            assert!(error.to_string().ends_with(&source.to_string()), "{error}");
        }
        assert!(InputError::usage("no").source().is_none());
        let error = toml::from_str::<toml::Table>("a = 1\n= 2").expect_err("malformed");
        let error = InputError::in_toml(path, "a = 1\n= 2", &error);
        assert!(error.to_string().starts_with("a/b.wast:2: "), "{error}");
        assert!(error.source().expect("a source").is::<toml::de::Error>());
    }

    #[test]
    fn exit_codes_are_the_promised_ones() {
        let codes = [
            Exit::AsExpected,
            Exit::Failed,
            Exit::BadInput,
            Exit::NotMeasured,
            Exit::Other(134),
        ]
        .map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 134]);
    }
}
