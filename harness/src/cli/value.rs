//! The values of options that several commands have: their parsers, and the errors of these.

use std::error::Error;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::engine::{EngineName, NotAName};
use crate::present::UnknownFormat;

/// The parser of a setting by its words.
pub(super) fn by_word<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: Error + Send + Sync> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}

/// A value that an option does not take.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum OptionError {
    #[error("the form is FORMAT=FILE, as in json=report.json")]
    NoFormat,
    #[error("no file is named; the form is FORMAT=FILE, as in json=report.json")]
    NoFile,
    #[error(transparent)]
    UnknownFormat(#[from] UnknownFormat),
    #[error("a number from 1 to 1024 is needed")]
    Jobs,
    #[error("a size is a number of bytes, or one with a unit, as in 64M: {0}")]
    Size(#[from] parse_size::Error),
    #[error("a stack has at most 1G")]
    Stack,
    #[error("a time is a number with a unit, as in 10s or 500ms: {0}")]
    Time(#[from] humantime::DurationError),
    #[error("a time of zero leaves no time to run")]
    NoTime,
}

pub(super) fn parse_jobs(text: &str) -> Result<usize, OptionError> {
    match text.parse() {
        Ok(jobs @ 1..=1024) => Ok(jobs),
        Ok(_) | Err(_) => Err(OptionError::Jobs),
    }
}

/// Reads a number of bytes, perhaps with a unit: K, M, G, .., each 1,024 of the one before.
pub(super) fn parse_bytes(text: &str) -> Result<u64, OptionError> {
    let sizes = parse_size::Config::new().with_binary();
    Ok(sizes.parse_size(text)?)
}

const STACK_BYTES_MAX: u64 = 1 << 30;

/// Reads the size of a stack, of which there is room for one.
pub(super) fn parse_stack_bytes(text: &str) -> Result<u64, OptionError> {
    match parse_bytes(text)? {
        bytes @ ..=STACK_BYTES_MAX => Ok(bytes),
        _ => Err(OptionError::Stack),
    }
}

/// Reads a time with its unit, as in `10s` or `2m 30s`, or a number of seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, OptionError> {
    let seconds = text.parse().map(Duration::from_secs);
    match seconds.or_else(|_| humantime::parse_duration(text))? {
        Duration::ZERO => Err(OptionError::NoTime),
        time => Ok(time),
    }
}

pub(super) fn parse_engine(text: &str) -> Result<EngineName, NotAName> {
    text.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(
            parse_duration("10s").expect("a value"),
            Duration::from_secs(10)
        );
        assert_eq!(
            parse_duration("500ms").expect("a value"),
            Duration::from_millis(500)
        );
        assert_eq!(
            parse_duration("2m").expect("a value"),
            Duration::from_secs(120)
        );
        assert_eq!(
            parse_duration("3").expect("a value"),
            Duration::from_secs(3)
        );
        assert_eq!(
            parse_duration("1m 30s").expect("a value"),
            Duration::from_secs(90)
        );
        for bad in ["", "s", "-1s", "1x", "0s", "99999999999999999999s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_bytes("65536").expect("a value"), 65_536);
        assert_eq!(parse_bytes("64K").expect("a value"), 65_536);
        assert_eq!(parse_bytes("3m").expect("a value"), 3 << 20);
        assert_eq!(parse_bytes("0").expect("a value"), 0);
        assert_eq!(parse_bytes("1.5GiB").expect("a value"), 3 << 29);
        for bad in ["", "K", "-1", "1X", "99999999999G"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
        assert!(parse_stack_bytes("2G").is_err());
    }
}
