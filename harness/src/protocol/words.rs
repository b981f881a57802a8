//! Settings of the runtime as the words that it gives them, for messages and reports.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes the word of a setting.
///
/// # Errors
/// If the serialiser fails.
pub fn serialize<T: Display, S: Serializer>(setting: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(setting)
}

/// Reads a setting by its word.
///
/// # Errors
/// If there is no such word.
pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}
