//! The options of `wassay list` and `wassay coverage`.

use std::path::PathBuf;

use clap::Args;

use super::config::ConfigArgs;
use super::engine::PoolArgs;
use crate::engine::EngineList;
use crate::suite::select::Selection;

/// The forms of `wassay list`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ListFormat {
    /// A table of files.
    #[default]
    Table,
    /// The id of each directive, on a line of its own.
    Terse,
    /// Files with their directives.
    Json,
}

/// Options of `wassay list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// What to list.
    #[command(flatten)]
    pub selection: Selection,
    /// Where options come from.
    #[command(flatten)]
    pub from: ConfigArgs,
    /// The form
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: ListFormat,
}

/// Options of `wassay coverage`.
#[derive(Debug, Args)]
pub struct CoverageArgs {
    /// What to run.
    #[command(flatten)]
    pub selection: Selection,
    /// The tiers in which directives are to pass (all: every one of our own)
    #[arg(
        long,
        visible_alias = "engines",
        value_name = "TIERS",
        default_value = "all",
        value_parser = crate::engine::parse_list
    )]
    pub tiers: EngineList,
    /// The processes of the engines.
    #[command(flatten)]
    pub pool: PoolArgs,
    /// Write the matrix as Markdown, JSON or HTML, by the ending of the name (.md, .json, .html);
    /// without it, Markdown is printed
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// Run operand shapes in each tier, and name the tiers in which fewer passed: many minutes for
    /// the embedded suite
    #[arg(long)]
    pub shapes_by_tier: bool,
    /// Only tell in what the files of --output are not what was measured; exit code 1 if one is not
    #[arg(long, requires = "output")]
    pub check: bool,
}
