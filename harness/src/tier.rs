//! The tiers that the harness knows by name: one table of names, used on the command line, between
//! processes and in reports.
//!
//! This is the harness's own type, not the runtime's, because a worker may be any engine that
//! speaks the protocol.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An execution tier of the engine under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The stack interpreter, which is the reference.
    Stack,
    /// The register-IR interpreter.
    Register,
    /// The ARM64 just-in-time compiler.
    Jit,
}

impl Tier {
    /// Every tier, in the order of reports.
    pub const ALL: [Tier; 3] = [Tier::Stack, Tier::Register, Tier::Jit];

    /// The tier's name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Tier::Stack => "stack",
            Tier::Register => "register",
            Tier::Jit => "jit",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tier {
    type Err = String;

    fn from_str(text: &str) -> Result<Tier, String> {
        let known = Tier::ALL.map(Tier::name).join(", ");
        let found = Tier::ALL.into_iter().find(|tier| tier.name() == text);
        found.ok_or_else(|| format!("unknown tier `{text}` (known: {known})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for tier in Tier::ALL {
            assert_eq!(tier.name().parse(), Ok(tier));
        }
        assert!("jitt".parse::<Tier>().is_err());
    }
}
