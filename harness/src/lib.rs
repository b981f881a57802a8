//! The harness: a suite of `.wast` files is parsed into scripts, every directive of every script
//! runs under every tier in worker processes, each outcome is judged against the specification, and
//! the tiers are compared with each other.
//!
//! The rooms follow the data: `script` (text to directives), `suite` (files, features, selection),
//! `plan` (sources of scripts), `protocol`, `worker`, `pool`, `judge` (verdicts, comparison,
//! expectations), `report` (data), `present` (formats). [`measure`] joins them, `cli` holds the
//! options, and `command` has a file for each subcommand.
//!
//! `unsafe` is denied in this crate, except in `protocol/cell.rs` (a memory-mapped file shared with
//! a worker) and `closed.rs` (a look at the standard output before `main`).
#![deny(unsafe_code)]

pub mod adapter;
pub mod cli;
mod closed;
pub mod command;
pub mod coverage;
pub mod engine;
pub mod error;
pub mod explain;
pub mod features;
pub mod fuzz;
pub mod input;
pub mod interrupt;
pub mod judge;
pub mod listing;
pub mod measure;
pub mod outcome;
pub mod plan;
pub mod pool;
pub mod present;
pub mod protocol;
pub mod record;
pub mod reduce;
pub mod report;
pub mod script;
pub mod shell;
pub mod suite;
pub mod thread;
pub mod tier;
pub mod worker;
