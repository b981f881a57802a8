//! `wassay engine`: the engines that a run can have as columns.

use std::path::Path;

use super::stdout::print;
use super::this_program;
use crate::adapter::check;
use crate::adapter::process::Adapter;
use crate::adapter::prove::{self, KernelCount};
use crate::adapter::table::{EngineRow, EngineTable};
use crate::cli::{EngineCheckArgs, EngineCommand, EngineProveArgs, EngineTables};
use crate::engine::EngineName;
use crate::error::{Exit, InputError};
use crate::pool::StartError;
use crate::pool::launch::workers;
use crate::present::grid::Grid;
use crate::tier::Tier;

/// Answers `wassay engine`.
///
/// # Errors
/// If a table cannot be read, or an engine is unknown.
pub fn command(asked: &EngineCommand) -> Result<Exit, InputError> {
    match asked {
        EngineCommand::List(tables) => list(tables),
        EngineCommand::Check(args) => check(args),
        EngineCommand::Prove(args) => prove(args),
    }
}

fn table(tables: &EngineTables) -> Result<EngineTable, InputError> {
    EngineTable::load(&this_program()?, &tables.engine_table)
}

/// The row of an engine of another maker.
fn foreign(table: &EngineTable, name: EngineName) -> Result<&EngineRow, InputError> {
    table.check(name)?;
    table.get(name).ok_or_else(|| {
        let message = format!("`{name}` is a tier of our own and has no adapter");
        InputError::usage(message)
    })
}

fn list(tables: &EngineTables) -> Result<Exit, InputError> {
    let (program, table) = (this_program()?, table(tables)?);
    let mut rows = Grid::new(3);
    for tier in Tier::ALL {
        let started = workers(tier, &program).map_err(StartError::from);
        let started = started.and_then(|workers| workers.start());
        rows.row([
            tier.name().to_string(),
            "own tier".to_string(),
            match started {
                Ok(_) => env!("CARGO_PKG_VERSION").to_string(),
                Err(error) => format!("unavailable: {error}"),
            },
        ]);
    }
    for row in table.rows() {
        let state = match (Adapter::start(&row.command), row.setup.trim()) {
            (Ok((_, info)), _) => format!("{} {}", info.engine, info.version),
            (Err(error), "") => format!("unavailable: {error}"),
            (Err(error), setup) => format!("unavailable: {error} (needs {setup})"),
        };
        rows.row([row.name.to_string(), row.claim.name().to_string(), state]);
    }
    print(&rows.to_string())?;
    Ok(Exit::AsExpected)
}

fn check(args: &EngineCheckArgs) -> Result<Exit, InputError> {
    let table = table(&args.tables)?;
    let row = foreign(&table, args.name)?;
    let (mut adapter, info) = match Adapter::start(&row.command) {
        Ok(started) => started,
        Err(error) => {
            eprintln!("wassay: {} is unavailable: {error}", args.name);
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
    print(&out)?;
    Ok(match wrong {
        0 => Exit::AsExpected,
        _ => Exit::Failed,
    })
}

/// Proves engine by engine. A claim that is wrong weighs more than one that is not measured.
fn prove(args: &EngineProveArgs) -> Result<Exit, InputError> {
    let table = table(&args.tables)?;
    let rows = args.names.iter().map(|name| foreign(&table, *name));
    let rows = rows.collect::<Result<Vec<&EngineRow>, InputError>>()?;
    let plugin = args.plugin.clone().unwrap_or_else(|| table.plugin());
    let mut exit = Exit::AsExpected;
    for row in rows {
        exit = match (exit, prove_row(row, &plugin)) {
            (Exit::AsExpected, it) | (it, Exit::AsExpected) => it,
            (_, Exit::Failed) | (Exit::Failed, _) => Exit::Failed,
            (it, _) => it,
        };
    }
    Ok(exit)
}

fn prove_row(row: &EngineRow, plugin: &Path) -> Exit {
    let (info, counts) = match prove::prove(&row.command, row.claim, plugin) {
        Ok(proven) => proven,
        Err(error) if error.is_unmeasured() => {
            eprintln!("wassay: {} is not measured: {error}", row.name);
            return Exit::NotMeasured;
        }
        Err(error) => {
            eprintln!("wassay: {}: {error}", row.name);
            return Exit::Failed;
        }
    };
    let mut out = format!("{}: {} {}\n", row.name, info.engine, info.version);
    out += "kernel            Wasm      machine  machine/Wasm\n";
    for count in &counts {
        let KernelCount {
            kernel,
            wasm,
            machine,
        } = count;
        out += &format!("{kernel:9} {wasm:12} {machine:12} {:13.2}\n", count.ratio());
    }
    let can_be = prove::can_be(row.claim, &counts);
    out += &format!(
        "executed instructions, geometric mean {:.2}: {}{} ({})\n",
        prove::mean_ratio(&counts),
        if can_be { "" } else { "not " },
        row.claim.noun(),
        row.claim.ratios_text(),
    );
    if let Err(error) = print(&out) {
        eprintln!("wassay: {error}");
        return Exit::BadInput;
    }
    if can_be {
        Exit::AsExpected
    } else {
        Exit::Failed
    }
}
