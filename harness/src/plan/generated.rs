//! Generated programs: scripts that a seed makes, of which nobody knows the results.
//!
//! A [`Source`] makes a [`Case`] of a seed: modules, and calls of what they export. No directive of
//! a case has an expected result; tiers are compared with each other, and judged where another
//! engine gives the value. The same seed gives the same case on every host and in every run.
//!
//! [`sources`] is the table of them. Every source makes valid modules that terminate, with
//! memories that are small.

use wasmparser::Validator;

use crate::features::FeatureSet;
use crate::script::Command;

pub(super) mod boundary;
mod calls;
mod compiled;
mod limit;
mod mutate;
mod outline;
pub(super) mod random;
mod smith;

/// A generated program.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The features that its modules may use.
    pub features: FeatureSet,
    /// What is done: modules are instantiated and exports are called.
    pub commands: Vec<Command>,
}

/// A source of generated programs.
pub trait Source: Sync + Send {
    /// The source's name, as in `--source NAME`.
    fn name(&self) -> &'static str;
    /// The source in a few words, for the help.
    fn about(&self) -> &'static str;
    /// The share of the seeds that the source gets among the sources, unless an option says it.
    fn weight(&self) -> u32;
    /// The program of a seed; `None` if the seed makes no program.
    fn case(&self, seed: u64) -> Option<Case>;
}

/// Every source.
pub fn sources() -> Vec<Box<dyn Source>> {
    vec![
        Box::new(compiled::Compiled),
        Box::new(smith::Smith),
        Box::new(mutate::Mutate::new()),
    ]
}

/// True if a module is valid by the library that makers of modules use as well.
fn is_valid(module: &[u8], features: FeatureSet) -> bool {
    let mut validator = Validator::new_with_features(features.wasmparser());
    validator.validate_all(module).is_ok()
}

#[cfg(test)]
mod tests;
