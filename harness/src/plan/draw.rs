//! The programs of a run that generates them: the source, the seed and the setting of each, and its
//! script.
//!
//! Everything follows from the run's seed and the number of the program, so that the same seed
//! gives the same run. The name of a program, `SOURCE/SEED`, is enough to make it again with its
//! setting.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::Planned;
use super::canonical::canonical;
use super::generated::{Case, Source, sources};
use crate::protocol::{Bounds, Modes, Profile, Setting};
use crate::script::{Command, Directive, Expectation, Kind, ModuleSource, Script};

/// The name of a generated program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaseName {
    /// The name of its source.
    pub source: String,
    /// Its seed.
    pub seed: u64,
}

impl fmt::Display for CaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:016x}", self.source, self.seed)
    }
}

/// A request for programs that cannot be met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is its message")]
pub enum DrawError {
    #[error("`{0}` is not the name of a program: the form is SOURCE/SEED, the seed in hexadecimal")]
    NotACase(String),
    #[error("`{0}` is not the weight of a source: the form is SOURCE or SOURCE:NUMBER")]
    NotAWeight(String),
    #[error("unknown source `{name}` (known: {known})")]
    UnknownSource { name: String, known: String },
    #[error("no source has a weight")]
    NoSource,
}

impl FromStr for CaseName {
    type Err = DrawError;

    fn from_str(text: &str) -> Result<CaseName, DrawError> {
        let wrong = || DrawError::NotACase(text.to_string());
        let (source, seed) = text.split_once('/').ok_or_else(wrong)?;
        let seed = u64::from_str_radix(seed, 16).map_err(|_| wrong())?;
        Ok(CaseName {
            source: source.to_string(),
            seed,
        })
    }
}

/// A source and its share of the programs, as in `smith:3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceWeight {
    /// The source's name.
    pub name: String,
    /// Its share.
    pub weight: Option<u32>,
}

impl FromStr for SourceWeight {
    type Err = DrawError;

    fn from_str(text: &str) -> Result<SourceWeight, DrawError> {
        let (name, weight) = match text.split_once(':') {
            None => (text, None),
            Some((name, weight)) => {
                let weight = weight.parse();
                let weight = weight.map_err(|_| DrawError::NotAWeight(text.to_string()))?;
                (name, Some(weight))
            }
        };
        Ok(SourceWeight {
            name: name.to_string(),
            weight,
        })
    }
}

/// The part of the settings that is the same for all programs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fixed {
    /// How memory accesses are checked.
    pub bounds: Option<Bounds>,
    /// What engines do where the spec leaves a result open.
    pub profile: Option<Profile>,
    /// The modes that are on in all programs.
    pub modes: Modes,
    /// True if nothing is drawn.
    pub all: bool,
    /// False if the profile must stay the deterministic one: no tier tells where it chose, or an
    /// engine of another maker chooses for itself.
    pub may_be_native: bool,
    /// True if programs must not see the bits of NaNs: engines of other makers choose them.
    pub canonical_nans: bool,
}

/// The programs of a run.
pub struct Draw {
    sources: Vec<(Box<dyn Source>, u32)>,
    seed: u64,
    fixed: Fixed,
}

impl Draw {
    /// The programs of a seed, from all sources or those that are named.
    ///
    /// # Errors
    /// If a source is not known, or none has a weight.
    pub fn new(seed: u64, chosen: &[SourceWeight], fixed: Fixed) -> Result<Draw, DrawError> {
        let all = sources();
        let known = || {
            let names: Vec<&str> = all.iter().map(|source| source.name()).collect();
            names.join(", ")
        };
        let is_known = |name: &str| all.iter().any(|source| source.name() == name);
        if let Some(unknown) = chosen.iter().find(|it| !is_known(&it.name)) {
            return Err(DrawError::UnknownSource {
                name: unknown.name.clone(),
                known: known(),
            });
        }
        let weight = |source: &dyn Source| match chosen {
            [] => source.weight(),
            chosen => {
                let it = chosen.iter().find(|it| it.name == source.name());
                it.map_or(0, |it| it.weight.unwrap_or(source.weight()))
            }
        };
        let sources: Vec<(Box<dyn Source>, u32)> = all
            .into_iter()
            .map(|source| {
                let weight = weight(&*source);
                (source, weight)
            })
            .collect();
        if sources.iter().all(|(_, weight)| *weight == 0) {
            return Err(DrawError::NoSource);
        }
        Ok(Draw {
            sources,
            seed,
            fixed,
        })
    }

    /// The name of the n-th program.
    pub fn nth(&self, number: u64) -> CaseName {
        let mut random = stream(self.seed, number);
        let total: u64 = self
            .sources
            .iter()
            .map(|(_, weight)| u64::from(*weight))
            .sum();
        let mut ticket = random.next_u64() % total;
        let hit = self.sources.iter().find(|(_, weight)| {
            let weight = u64::from(*weight);
            let is_it = ticket < weight;
            ticket = ticket.wrapping_sub(weight);
            is_it
        });
        let source = hit.map_or("", |(source, _)| source.name());
        CaseName {
            source: source.to_string(),
            seed: random.next_u64(),
        }
    }

    /// The script of a program; `None` if its seed makes no program.
    ///
    /// # Errors
    /// If there is no such source.
    pub fn planned(&self, name: &CaseName) -> Result<Option<Planned>, DrawError> {
        let mut sources = self.sources.iter().map(|(source, _)| source);
        let Some(source) = sources.find(|source| source.name() == name.source) else {
            let names: Vec<&str> = self.sources.iter().map(|(it, _)| it.name()).collect();
            return Err(DrawError::UnknownSource {
                name: name.source.clone(),
                known: names.join(", "),
            });
        };
        let case = source.case(name.seed);
        let case = case.and_then(|case| match self.fixed.canonical_nans {
            true => with_canonical_nans(case),
            false => Some(case),
        });
        let Some(case) = case else {
            return Ok(None);
        };
        let features = case.features;
        Ok(Some(Planned {
            generated: Some(source.name()),
            setting: Some(self.setting(name.seed)),
            ..Planned::alone(Arc::new(script(&name.to_string(), case)), features)
        }))
    }

    /// The setting of a program: one in two is plain, the others have a mode or two.
    fn setting(&self, seed: u64) -> Setting {
        let Fixed {
            bounds,
            profile,
            mut modes,
            all,
            may_be_native,
            canonical_nans: _,
        } = self.fixed;
        let mut random = stream(seed, SETTING);
        let mut one_in = |n: u64| random.next_u64().is_multiple_of(n);
        let mut drawn = Setting::default();
        if one_in(2) {
            drawn.bounds = Bounds::Explicit;
        }
        if one_in(8) && may_be_native {
            drawn.profile = Profile::Native;
        }
        drawn.modes = Modes {
            fuel: one_in(6),
            interruptible: one_in(12),
            gc_stress: one_in(12),
            poison_registers: one_in(6),
            check_allocation: one_in(24),
            tier_up: one_in(4).then_some(3),
            linear_allocation: one_in(6),
            lazy: one_in(8),
            background: one_in(8),
            exclusive_atomics: one_in(6),
        };
        if all {
            drawn = Setting::default();
        }
        modes.fuel |= drawn.modes.fuel;
        modes.interruptible |= drawn.modes.interruptible;
        modes.gc_stress |= drawn.modes.gc_stress;
        modes.poison_registers |= drawn.modes.poison_registers;
        modes.check_allocation |= drawn.modes.check_allocation;
        modes.linear_allocation |= drawn.modes.linear_allocation;
        modes.exclusive_atomics |= drawn.modes.exclusive_atomics;
        modes.lazy |= drawn.modes.lazy;
        modes.background |= drawn.modes.background;
        modes.tier_up = modes.tier_up.or(drawn.modes.tier_up);
        Setting {
            bounds: bounds.unwrap_or(drawn.bounds),
            profile: profile.unwrap_or(drawn.profile),
            modes,
        }
    }
}

/// The stream of a program's seed from which its setting is drawn.
const SETTING: u64 = 1;

/// A stream of numbers of a seed.
fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}

/// The program with modules that do not see the bits of NaNs; `None` if one cannot be changed so.
fn with_canonical_nans(mut case: Case) -> Option<Case> {
    for command in &mut case.commands {
        if let Some(ModuleSource::Binary(bytes)) = command.module_mut() {
            *bytes = canonical(bytes)?;
        }
    }
    Some(case)
}

/// The script of a program. Its directives stand on lines of their own.
fn script(path: &str, case: Case) -> Script {
    let directive = |(ordinal, command): (usize, &Command)| Directive {
        ordinal: ordinal as u32,
        line: ordinal as u32 + 1,
        column: 1,
        kind: kind(command),
        // The program's name stands for the text.
        id: format!("{path}#{ordinal}-00000000"),
        expectation: Expectation::Open,
        origin: None,
    };
    let directives = case.commands.iter().enumerate().map(directive).collect();
    Script {
        path: path.to_string(),
        sha256: String::new(),
        directives,
        commands: case.commands,
    }
}

fn kind(command: &Command) -> Kind {
    match command {
        Command::Module { .. } | Command::Instantiate { .. } => Kind::Module,
        Command::ModuleDefinition { .. } | Command::Check { .. } | Command::CheckCustom { .. } => {
            Kind::ModuleDefinition
        }
        Command::ModuleInstance { .. } => Kind::ModuleInstance,
        Command::Register { .. } => Kind::Register,
        Command::Action(crate::script::Action::Invoke { .. }) => Kind::Invoke,
        Command::Action(crate::script::Action::Get { .. }) => Kind::Get,
        Command::Thread { .. } => Kind::Thread,
        Command::Wait { .. } => Kind::Wait,
        Command::Unreadable { .. } => Kind::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64) -> Draw {
        Draw::new(seed, &[], Fixed::default()).expect("all sources")
    }

    #[test]
    fn a_seed_is_a_run() {
        let name = |seed, number| draw(seed).nth(number).to_string();
        assert_eq!(name(1, 7), name(1, 7));
        assert_ne!(name(1, 7), name(1, 8));
        assert_ne!(name(1, 7), name(2, 7));
        let case = draw(1).nth(7);
        assert_eq!(case.to_string().parse(), Ok(case.clone()));
        // A program does not depend on the run that draws it.
        let of = |seed| {
            draw(seed)
                .planned(&case)
                .expect("known")
                .map(|it| it.script)
        };
        assert_eq!(of(1), of(2));
    }

    #[test]
    fn settings_are_drawn_or_fixed() {
        let settings = |fixed| {
            let draw = Draw::new(1, &[], fixed).expect("all sources");
            let settings = (0..200).map(|seed| draw.setting(seed));
            settings.collect::<Vec<_>>()
        };
        let drawn = settings(Fixed::default());
        assert!(drawn.iter().any(|it| it.modes.fuel));
        assert!(drawn.iter().any(|it| it.modes.gc_stress));
        assert!(drawn.iter().any(|it| it.bounds == Bounds::Explicit));
        assert!(drawn.iter().any(|it| it.bounds == Bounds::Guard));
        assert!(drawn.iter().all(|it| it.profile == Profile::Deterministic));
        let native = settings(Fixed {
            may_be_native: true,
            ..Fixed::default()
        });
        assert!(native.iter().any(|it| it.profile == Profile::Native));
        let fixed = settings(Fixed {
            bounds: Some(Bounds::Explicit),
            all: true,
            ..Fixed::default()
        });
        let only = Setting {
            bounds: Bounds::Explicit,
            ..Setting::default()
        };
        assert!(fixed.iter().all(|it| *it == only));
    }

    #[test]
    fn sources_are_chosen_by_weight() {
        let parse = |text: &str| text.parse::<SourceWeight>().expect("a weight");
        let only = Draw::new(1, &[parse("smith:3")], Fixed::default()).expect("known");
        assert!((0..50).all(|number| only.nth(number).source == "smith"));
        let error = |chosen: &[SourceWeight]| Draw::new(1, chosen, Fixed::default()).err();
        assert!(matches!(
            error(&[parse("nobody")]),
            Some(DrawError::UnknownSource { .. })
        ));
        assert_eq!(error(&[parse("smith:0")]), Some(DrawError::NoSource));
        assert!("smith:x".parse::<SourceWeight>().is_err());
        for bad in ["smith", "smith/", "smith/xyz"] {
            assert!(bad.parse::<CaseName>().is_err(), "{bad}");
        }
    }
}
