//! `wassay engine`: the engines that a run can have as columns.

use std::io::Write;

use super::this_program;
use crate::adapter::check;
use crate::adapter::process::Adapter;
use crate::adapter::table::EngineTable;
use crate::cli::{EngineCheckArgs, EngineCommand, EngineTables};
use crate::error::{Exit, InputError};
use crate::pool::StartError;
use crate::pool::launch::workers;
use crate::tier::Tier;

/// Answers `wassay engine`.
///
/// # Errors
/// If a table cannot be read, or an engine is unknown.
pub fn command(asked: &EngineCommand) -> Result<Exit, InputError> {
    match asked {
        EngineCommand::List(tables) => list(tables),
        EngineCommand::Check(args) => check(args),
    }
}

fn table(tables: &EngineTables) -> Result<EngineTable, InputError> {
    EngineTable::load(&this_program()?, &tables.engine_table)
}

fn list(tables: &EngineTables) -> Result<Exit, InputError> {
    let (program, table) = (this_program()?, table(tables)?);
    let mut rows: Vec<[String; 3]> = Vec::new();
    for tier in Tier::ALL {
        let started = workers(tier, &program).and_then(|workers| match workers.start() {
            Ok(_) => Ok(env!("CARGO_PKG_VERSION").to_string()),
            Err(error) => Err(reason(error)),
        });
        rows.push([
            tier.name().to_string(),
            "own tier".to_string(),
            state(started),
        ]);
    }
    for row in table.rows() {
        let started = Adapter::start(&row.command).map_err(|error| {
            let reason = reason(error);
            let setup = row.setup.trim();
            if setup.is_empty() {
                reason
            } else {
                format!("{reason} (needs {setup})")
            }
        });
        let started = started.map(|(_, info)| format!("{} {}", info.engine, info.version));
        rows.push([
            row.name.to_string(),
            row.claim.name().to_string(),
            state(started),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (name, claim) = (width(0), width(1));
    let mut out = String::new();
    for [a, b, c] in &rows {
        out += &format!("{a:name$}  {b:claim$}  {c}\n");
    }
    // A reader that went away has seen what it wanted.
    let _ = std::io::stdout().write_all(out.as_bytes());
    Ok(Exit::AsExpected)
}

fn state(started: Result<String, String>) -> String {
    started.unwrap_or_else(|reason| format!("unavailable: {reason}"))
}

fn reason(error: StartError) -> String {
    match error {
        StartError::Unavailable(reason) => reason,
        StartError::Interrupted => "interrupted".to_string(),
    }
}

fn check(args: &EngineCheckArgs) -> Result<Exit, InputError> {
    let table = table(&args.tables)?;
    table.check(args.name)?;
    let Some(row) = table.get(args.name) else {
        let message = format!("`{}` is a tier of our own and has no adapter", args.name);
        return Err(InputError::usage(message));
    };
    let (mut adapter, info) = match Adapter::start(&row.command) {
        Ok(started) => started,
        Err(error) => {
            eprintln!("wassay: {} is unavailable: {}", args.name, reason(error));
            return Ok(Exit::NotMeasured);
        }
    };
    let mut out = format!("{}: {} {}\n", args.name, info.engine, info.version);
    let rows = match check::check(&mut adapter) {
        Ok(rows) => rows,
        Err(how) => {
            eprintln!("wassay: {}: {how}", args.name);
            return Ok(Exit::Failed);
        }
    };
    let wrong = rows.iter().filter(|row| row.wrong.is_some()).count();
    for row in &rows {
        match &row.wrong {
            None => out += &format!("ok     {}\n", row.name),
            Some(answer) => out += &format!("wrong  {}: answered {answer}\n", row.name),
        }
    }
    out += &format!("{} requests, {wrong} answered wrongly\n", rows.len());
    // A reader that went away has seen what it wanted.
    let _ = std::io::stdout().write_all(out.as_bytes());
    Ok(match wrong {
        0 => Exit::AsExpected,
        _ => Exit::Failed,
    })
}
