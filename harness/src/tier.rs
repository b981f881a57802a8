//! The tiers that the harness knows by name: one table of names, used on the command line, between
//! processes and in reports.
//!
//! This is the harness's own type, not the runtime's, because a worker may be any engine that
//! speaks the protocol.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wassay_runtime::{self as runtime, Policy, Thresholds};

/// An execution tier of the engine under test, or tiers mixed in a certain way: what is measured
/// and compared, a column of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The stack interpreter, which is the reference.
    Stack,
    /// The register-IR interpreter.
    Register,
    /// The ARM64 just-in-time compiler.
    Jit,
    /// The register interpreter and the JIT, functions and loops being hot at once.
    #[serde(rename = "tiered-1")]
    Tiered1,
    /// The same, being hot the second time.
    #[serde(rename = "tiered-2")]
    Tiered2,
}

impl Tier {
    /// Every tier, in the order of reports.
    pub const ALL: [Tier; 5] = [
        Tier::Stack,
        Tier::Register,
        Tier::Jit,
        Tier::Tiered1,
        Tier::Tiered2,
    ];

    /// The tier's name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Tier::Stack => "stack",
            Tier::Register => "register",
            Tier::Jit => "jit",
            Tier::Tiered1 => "tiered-1",
            Tier::Tiered2 => "tiered-2",
        }
    }

    /// Whether it needs a processor, or an emulator, that runs the code of the JIT.
    pub const fn runs_machine_code(self) -> bool {
        match self {
            Tier::Stack | Tier::Register => false,
            Tier::Jit | Tier::Tiered1 | Tier::Tiered2 => true,
        }
    }

    /// Whether it runs code of another tier, among others.
    pub fn includes(self, other: Tier) -> bool {
        let mixes = matches!(self, Tier::Tiered1 | Tier::Tiered2);
        self == other || mixes && matches!(other, Tier::Register | Tier::Jit)
    }

    /// What the engine does; `tier_up` replaces the thresholds where tiers are mixed.
    pub fn policy(self, tier_up: Option<u32>) -> Policy {
        let policy = match self {
            Tier::Stack => Policy::Only(runtime::Tier::Stack),
            Tier::Register => Policy::Only(runtime::Tier::Register),
            Tier::Jit => Policy::Only(runtime::Tier::Jit),
            Tier::Tiered1 => Policy::Tiered(Thresholds::both(1)),
            Tier::Tiered2 => Policy::Tiered(Thresholds::both(2)),
        };
        match (policy, tier_up) {
            (Policy::Tiered(_), Some(n)) => Policy::Tiered(Thresholds::both(n)),
            (policy, _) => policy,
        }
    }
}

/// Architecture and system of this host, as in reports.
pub fn host() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// What `wassay run` runs a module in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunTier {
    /// One that the suite is run in too.
    Measured(Tier),
    /// Tiers mixed as suits a program.
    Tiered,
}

impl RunTier {
    const TIERED: &str = "tiered";

    /// Whether it needs a processor, or an emulator, that runs the code of the JIT.
    pub fn runs_machine_code(self) -> bool {
        match self {
            RunTier::Measured(tier) => tier.runs_machine_code(),
            RunTier::Tiered => true,
        }
    }

    /// What the engine does; `tier_up` replaces the thresholds where tiers are mixed.
    pub fn policy(self, tier_up: Option<u32>) -> Policy {
        match self {
            RunTier::Measured(tier) => tier.policy(tier_up),
            RunTier::Tiered => {
                Policy::Tiered(tier_up.map_or_else(Thresholds::default, Thresholds::both))
            }
        }
    }

    /// Whether tiers are mixed.
    pub fn is_tiered(self) -> bool {
        matches!(self.policy(None), Policy::Tiered(_))
    }
}

impl Default for RunTier {
    /// Mixed tiers where this host runs code of the JIT, or else the faster interpreter.
    fn default() -> RunTier {
        match cfg!(target_arch = "aarch64") {
            true => RunTier::Tiered,
            false => RunTier::Measured(Tier::Register),
        }
    }
}

impl fmt::Display for RunTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunTier::Measured(tier) => tier.fmt(f),
            RunTier::Tiered => f.write_str(RunTier::TIERED),
        }
    }
}

/// A name that no tier has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown tier `{name}` (known: {})", Tier::ALL.map(Tier::name).join(", "))]
pub struct UnknownTier {
    name: String,
}

impl FromStr for RunTier {
    type Err = UnknownTier;

    fn from_str(text: &str) -> Result<RunTier, UnknownTier> {
        if text == RunTier::TIERED {
            return Ok(RunTier::Tiered);
        }
        text.parse().map(RunTier::Measured)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(text: &str) -> Result<Tier, UnknownTier> {
        let found = Tier::ALL.into_iter().find(|tier| tier.name() == text);
        found.ok_or_else(|| UnknownTier {
            name: text.to_string(),
        })
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
        for name in ["tiered", "tiered-2", "jit"] {
            let tier: RunTier = name.parse().expect("known");
            assert_eq!(tier.to_string(), name);
            assert_eq!(tier.is_tiered(), name != "jit");
        }
    }
}
