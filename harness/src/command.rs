//! The commands: a file for each.

use std::path::PathBuf;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::error::{Exit, InputError};

pub mod compare;
pub mod engine;
pub mod explain;
pub mod inspect;
pub mod list;
mod module;
pub mod run;
pub mod spec;
pub mod validate;
pub mod value;

/// Runs the program: parses the command line, answers it, and gives the exit code.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are not errors and go to stdout; a reader that is gone is ignored.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::BadInput
            } else {
                Exit::AsExpected
            };
        }
    };
    match answer(cli.command) {
        Ok(exit) => exit,
        Err(error) => {
            eprintln!("wassay: {error}");
            Exit::BadInput
        }
    }
}

/// The path of this program.
fn this_program() -> Result<PathBuf, InputError> {
    std::env::current_exe()
        .map_err(|error| InputError::usage(format!("this program has no path: {error}")))
}

fn answer(command: Command) -> Result<Exit, InputError> {
    match command {
        Command::Spec(args) => spec::command(&args),
        Command::Compare(args) => compare::command(&args),
        Command::Run(args) => run::command(&args),
        Command::Explain(args) => explain::command(&args),
        Command::List(args) => list::command(&args),
        Command::Inspect(args) => inspect::command(&args),
        Command::Validate(args) => validate::command(&args),
        Command::Engine(asked) => engine::command(&asked),
        Command::Worker(args) => Ok(crate::worker::command(args.tier, &args.cell, &args.host)),
    }
}
