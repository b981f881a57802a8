//! Engines by name: what a run measures and compares, the columns of its report.
//!
//! The tiers of our own engine are engines as any other; a user's table may name more. A column is
//! an engine in a configuration (`jit@gc-stress`), or as the options of the run say (`jit`).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::tier::{Tier, UnknownTier};

/// The name of an engine, perhaps with that of a configuration behind `@`. Our own tiers come
/// first, in their order, then the others by name; an engine's configurations stand behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EngineName(&'static str);

/// The names that were read: few, and kept for as long as the program runs.
static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);

/// The longest name of an engine or configuration, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// The sign between the names of an engine and of its configuration.
const AT: char = '@';

impl EngineName {
    /// The stack interpreter.
    pub const STACK: EngineName = EngineName::of_tier(Tier::Stack);
    /// The register-IR interpreter.
    pub const REGISTER: EngineName = EngineName::of_tier(Tier::Register);
    /// The ARM64 just-in-time compiler.
    pub const JIT: EngineName = EngineName::of_tier(Tier::Jit);
    /// The register interpreter and the JIT mixed, code being hot at once.
    pub const TIERED_1: EngineName = EngineName::of_tier(Tier::Tiered1);
    /// The same, code being hot the second time.
    pub const TIERED_2: EngineName = EngineName::of_tier(Tier::Tiered2);

    /// The name of a tier of our own.
    pub const fn of_tier(tier: Tier) -> EngineName {
        EngineName(tier.name())
    }

    /// All tiers of our own, in their order.
    pub fn own() -> impl Iterator<Item = EngineName> {
        Tier::ALL.into_iter().map(EngineName::of_tier)
    }

    /// The name as text.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// The name without that of a configuration.
    pub fn engine(self) -> EngineName {
        EngineName(self.0.split_once(AT).map_or(self.0, |(engine, _)| engine))
    }

    /// The name of the configuration; `None` if the engine runs as the options of the run say.
    pub fn configuration(self) -> Option<&'static str> {
        self.0
            .split_once(AT)
            .map(|(_, configuration)| configuration)
    }

    /// The name of the engine in a configuration.
    ///
    /// # Errors
    /// If the configuration's name is not one.
    pub fn in_configuration(self, name: &str) -> Result<EngineName, NotAName> {
        format!("{}{AT}{name}", self.engine()).parse()
    }

    /// The tier of our own that this is, in whatever configuration, if it is one.
    pub fn tier(self) -> Option<Tier> {
        let engine = self.engine();
        Tier::ALL.into_iter().find(|tier| tier.name() == engine.0)
    }

    /// True if the engine runs code of the other one, among others, or is the other one, in
    /// whatever configurations.
    pub fn includes(self, other: EngineName) -> bool {
        match (self.tier(), other.tier()) {
            (Some(tier), Some(other)) => tier.includes(other),
            (Some(_) | None, None) | (None, Some(_)) => self.engine() == other.engine(),
        }
    }

    /// The place among our own tiers; after all of them for others.
    fn rank(self) -> usize {
        self.tier().map_or(Tier::ALL.len(), |tier| tier as usize)
    }
}

impl From<Tier> for EngineName {
    fn from(tier: Tier) -> EngineName {
        EngineName::of_tier(tier)
    }
}

impl Ord for EngineName {
    fn cmp(&self, other: &EngineName) -> Ordering {
        (self.rank(), self.0).cmp(&(other.rank(), other.0))
    }
}

impl PartialOrd for EngineName {
    fn partial_cmp(&self, other: &EngineName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// Text that is not the name of an engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not the name of an engine: letters, digits, `-`, `_` and `.` are, up to \
     {NAME_BYTES_MAX} of them, with a configuration as ENGINE@CONFIGURATION",
    text.escape_debug()
)]
pub struct NotAName {
    text: String,
}

impl FromStr for EngineName {
    type Err = NotAName;

    /// Any name is read: letters, digits, `-`, `_` and `.`, the first one a letter or digit; and
    /// another such name behind `@`.
    fn from_str(text: &str) -> Result<EngineName, NotAName> {
        let (engine, configuration) = match text.split_once(AT) {
            Some((engine, configuration)) => (engine, Some(configuration)),
            None => (text, None),
        };
        if !is_name(engine) || !configuration.is_none_or(is_name) {
            return Err(NotAName {
                text: text.to_string(),
            });
        }
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let names = names.get_or_insert_default();
        if let Some(name) = names.get(text) {
            return Ok(EngineName(name));
        }
        let name: &'static str = text.to_string().leak();
        names.insert(name);
        Ok(EngineName(name))
    }
}

/// True if a text can be the name of an engine or of a configuration.
pub fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.len() <= NAME_BYTES_MAX
        && text.bytes().all(is_plain)
}

impl JsonSchema for EngineName {
    fn schema_name() -> Cow<'static, str> {
        "EngineName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The name of an engine, perhaps in a configuration (ENGINE@NAME); our \
                own tiers are among them.",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9][A-Za-z0-9._-]{0,63})?$",
        })
    }
}

impl Serialize for EngineName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for EngineName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<EngineName, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// The engines that a list on the command line names: names with commas between them, or `all` for
/// the tiers of our own.
///
/// # Errors
/// If one is not a name.
pub fn parse_list(text: &str) -> Result<EngineList, NotAName> {
    if text == "all" {
        return Ok(EngineList(EngineName::own().collect()));
    }
    let names = text.split(',').map(str::parse);
    names.collect::<Result<_, _>>().map(EngineList)
}

/// The name of a tier of our own.
///
/// # Errors
/// If no tier has it.
pub fn own(text: &str) -> Result<EngineName, UnknownTier> {
    text.parse::<Tier>().map(EngineName::of_tier)
}

/// Engines, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineList(pub Vec<EngineName>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_ordered() {
        let names = ["wasmi", "jit", "v8-liftoff", "stack", "tiered-2"];
        let mut read: Vec<EngineName> = names
            .iter()
            .map(|name| name.parse().expect("one"))
            .collect();
        read.sort();
        let sorted: Vec<&str> = read.iter().map(|name| name.name()).collect();
        assert_eq!(sorted, ["stack", "jit", "tiered-2", "v8-liftoff", "wasmi"]);
        assert_eq!("stack".parse(), Ok(EngineName::STACK));
        for bad in [
            "",
            "-a",
            "a b",
            "a/b",
            "ä",
            &"x".repeat(65),
            "a@",
            "@a",
            "a@b@c",
        ] {
            assert!(bad.parse::<EngineName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn columns_are_engines_in_configurations() {
        let column: EngineName = "jit@gc-stress".parse().expect("a name");
        assert_eq!(column.tier(), Some(Tier::Jit));
        assert_eq!(column.engine(), EngineName::JIT);
        assert_eq!(column.configuration(), Some("gc-stress"));
        assert_eq!(EngineName::JIT.configuration(), None);
        assert_eq!(column.engine().in_configuration("gc-stress"), Ok(column));
        assert!(EngineName::JIT < column && column < EngineName::TIERED_1);
        assert!(EngineName::TIERED_1.includes(column) && column.includes(EngineName::JIT));
    }

    #[test]
    fn lists_are_read() {
        let own = parse_list("all").expect("a list").0;
        assert_eq!(own.len(), Tier::ALL.len());
        let two = parse_list("tiered-2,stack").expect("a list").0;
        assert_eq!(two, [EngineName::TIERED_2, EngineName::STACK]);
        assert!(parse_list("stack,,jit").is_err());
    }

    #[test]
    fn mixed_tiers_include_others() {
        assert!(EngineName::TIERED_1.includes(EngineName::JIT));
        assert!(!EngineName::JIT.includes(EngineName::STACK));
        let other: EngineName = "wasmi".parse().expect("a name");
        assert!(other.includes(other) && !EngineName::TIERED_1.includes(other));
    }
}
