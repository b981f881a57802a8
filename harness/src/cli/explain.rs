//! The options of `wassay explain`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::engine::{EngineTables, SettingArgs, limit_words};
use super::spec::SamplingArgs;
use super::value::{parse_bytes, parse_duration};
use crate::engine::EngineList;
use crate::features::FeatureList;
use crate::plan::shapes::Sampling;
use crate::shell;

/// The ways to name what is explained, for the help of `wassay explain`.
const EXPLAIN_CONVENTIONS: &str = "\
WHAT is the id of a directive or of an operand shape of it, as reports have it (PATH#ORDINAL-HASH or
PATH#ORDINAL-HASH/SHAPE; the suite follows, if it is not the embedded one), a script (FILE.wast, or
FILE.wast:LINE for the directive at that line), or with --invoke a module, whose arguments follow as
those of `wassay run`. Options stand before them.

In a script, the first directive in which the engines differ is explained, up to the one that is
named. The script runs again in fresh processes, its modules with probes: code that counts and
stops. What probes hide is not explained, and the output says so.

Exit codes: 0 the engines do the same; 1 a difference is shown; 2 bad usage or bad input; 3 an
engine cannot run here.";

/// Options of `wassay explain`.
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_CONVENTIONS)]
pub struct ExplainArgs {
    /// A directive, a script or a module
    #[arg(value_name = "WHAT")]
    pub what: String,
    /// The exported function of a module to call
    #[arg(long, value_name = "NAME")]
    pub invoke: Option<String>,
    /// The engines, the reference first; the others are tried in turn until one differs
    #[arg(
        long,
        visible_alias = "tiers",
        value_name = "ENGINES",
        default_value = "all",
        value_parser = crate::engine::parse_list
    )]
    pub engines: EngineList,
    /// The tables of further engines.
    #[command(flatten)]
    pub tables: EngineTables,
    /// How long one directive may take, as in 10s or 500ms
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub timeout: Duration,
    /// The most memory that a script may take in a worker, as in 4G; 0 is no limit
    #[arg(long, value_name = "BYTES", default_value = "512M", value_parser = parse_bytes)]
    pub worker_memory: u64,
    /// Change the features that modules may use, as in 2.0,threads or -simd
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub features: Option<FeatureList>,
    /// How the engines run code.
    #[command(flatten)]
    pub setting: SettingArgs,
    /// The samples of which an operand shape is one.
    #[command(flatten)]
    pub sampling: SamplingArgs,
    /// Write the difference as JSON
    #[arg(long)]
    pub json: bool,
    /// Files and folders of the suite that the id is of; with --invoke, the arguments
    #[arg(
        value_name = "PATH|ARG",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub rest: Vec<String>,
}

impl ExplainArgs {
    /// The options that a repeat needs besides engines and setting, each as a shell reads it.
    pub fn repeat_words(&self) -> Vec<String> {
        let tables = self.tables.engine_table.iter();
        let table = |path: &PathBuf| {
            let path = path.to_string_lossy();
            format!("--engine-table {}", shell::quote(&path))
        };
        let mut words: Vec<String> = tables.map(table).collect();
        let features = self.features.as_ref();
        words.extend(features.map(|list| format!("--features={list}")));
        words.extend(limit_words(self.timeout, self.worker_memory));
        let sampling = Sampling::from(self.sampling);
        if sampling != Sampling::default() {
            let Sampling {
                seed,
                per_assertion,
            } = sampling;
            words.push(format!(
                "--shapes-seed {seed} --shapes-samples {per_assertion}"
            ));
        }
        let invoke = self.invoke.as_ref();
        words.extend(invoke.map(|name| format!("--invoke {}", shell::quote(name))));
        words
    }
}
