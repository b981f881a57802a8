//! The options of `wassay validate` and `wassay inspect`.

use std::path::PathBuf;

use clap::Args;

use super::value::by_word;
use crate::features::{FeatureList, FeatureSet};
use crate::protocol::Bounds;

/// The features that a module may use.
#[derive(Clone, Debug, Default, Args)]
pub struct FeatureArgs {
    /// Change the features that the module may use, as in 2.0,threads or -simd: names with commas,
    /// `-` takes away; 1.0, 2.0, 3.0 and all begin anew [default: all that Wassay executes]
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub features: Option<FeatureList>,
}

impl FeatureArgs {
    /// The features.
    pub fn set(&self) -> FeatureSet {
        let list = self.features.as_ref();
        list.map_or(FeatureSet::EXECUTED, |list| {
            list.apply(FeatureSet::EXECUTED)
        })
    }
}

/// Options of `wassay validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Modules, binary or text
    #[arg(value_name = "FILE.wasm|FILE.wat", required = true)]
    pub files: Vec<PathBuf>,
    /// The features that they may use.
    #[command(flatten)]
    pub features: FeatureArgs,
}

/// Options of `wassay inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --func and stages the module is summed up; without stages a function is shown in all.
Compiling works on every host. Exit code 2 for a file that is no valid module or has no such
function, 3 for an instruction that the compiler does not have.")]
pub struct InspectArgs {
    /// A module, binary or text
    #[arg(value_name = "FILE.wasm|FILE.wat")]
    pub file: PathBuf,
    /// Only this function, by index, export or name [default: all that have a body]
    #[arg(long, value_name = "N|NAME")]
    pub func: Option<String>,
    /// Show its instructions, with their offsets in the module
    #[arg(long)]
    pub source: bool,
    /// Show the canonical IR
    #[arg(long)]
    pub ir: bool,
    /// Show the compiler's SSA form, as built and as optimised
    #[arg(long)]
    pub ssa: bool,
    /// Show the ARM64 instructions
    #[arg(long)]
    pub asm: bool,
    /// The features that the module may use.
    #[command(flatten)]
    pub features: FeatureArgs,
    /// How memory accesses are checked: by guard pages where the tier can, or in code
    #[arg(long, default_value_t, value_parser = by_word::<Bounds>(Bounds::WORDS))]
    pub bounds: Bounds,
}
