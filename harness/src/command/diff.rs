//! `wassay diff`: one program in every tier, compared host call by host call.
//!
//! Each tier is a process of its own (`wassay run`), which writes a record of its host calls with
//! hashes of the state. Owns the columns and the report; [`column`] runs a tier, [`compare`] holds
//! two records against each other, [`origin`] looks for the first instruction of a difference.

use std::fs;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use tempfile::TempDir;

use super::module::{on_a_large_stack, read_module};
use super::stdout::print;
use super::this_program;
use crate::adapter::table::EngineTable;
use crate::cli::{ConfigArgs, DiffArgs};
use crate::engine::EngineName;
use crate::error::{Exit, InputError};
use crate::interrupt;
use crate::protocol::Setting;
use crate::record::{self, Line, Writer, dump};
use crate::tier::RunTier;

mod column;
mod compare;
mod origin;
mod others;

use column::{Ending, Ran};
use compare::{Apart, Compared, Part};
use others::Answered;

/// The age that files of a copy have at least: a program may tell them from those that it writes.
const AGE_MIN: Duration = Duration::from_secs(2);

/// A tier with its configuration.
#[derive(Clone, Copy, Debug)]
struct Column {
    name: EngineName,
    tier: RunTier,
    setting: Setting,
}

/// What all tiers get.
struct Inputs<'a> {
    args: &'a DiffArgs,
    program: PathBuf,
    /// The folder of all that is written.
    folder: TempDir,
    stdin: PathBuf,
    /// The engines of other makers.
    table: EngineTable,
    /// The latest time of a file in a copy of a directory: before the program, in every tier.
    latest: SystemTime,
}

impl Inputs<'_> {
    /// A new folder.
    fn folder(&self, name: &str) -> Result<PathBuf, InputError> {
        let path = self.folder.path().join(name);
        let made = fs::create_dir_all(&path);
        made.map_err(|error| InputError::from_error(&path, error))?;
        Ok(path)
    }
}

/// Answers `wassay diff`.
///
/// # Errors
/// If the module, the record or an option is wrong.
pub fn command(args: &DiffArgs) -> Result<Exit, InputError> {
    interrupt::install();
    if !args.resources.listen.is_empty() {
        return Err(InputError::usage(
            "--listen: what comes over a socket is not the same in every tier; \
             `wassay run --record` keeps it for --replay",
        ));
    }
    let (columns, others) = columns(args)?;
    if let Some(path) = &args.replay {
        record::read(path)?;
    }
    let expected = match &args.expect {
        Some(path) => {
            let bytes = fs::read(path).map_err(|error| InputError::from_error(path, error))?;
            Some(bytes)
        }
        None => None,
    };
    let module = on_a_large_stack(|| read_module(&args.file))?;
    let inputs = inputs(args, &others)?;
    let run = |column: &Column| column::run(&inputs, column);
    let ran: Vec<Ran> = columns
        .par_iter()
        .map(run)
        .collect::<Result<_, InputError>>()?;
    if interrupt::requested() {
        return Ok(interrupt::exit());
    }
    let mut exit = report(&inputs, &module, &columns, &ran)?;
    let reference = &ran[0];
    if reference.unmeasured.is_none() && !others.is_empty() {
        let found = report_others(&inputs, &module, (&columns[0], reference), &others)?;
        if interrupt::requested() {
            return Ok(interrupt::exit());
        }
        exit = worse(exit, found);
    }
    if let (Some(expected), None) = (&expected, &reference.unmeasured)
        && let Some(text) = compare::unexpected(expected, &reference.account.stdout)
    {
        print(&format!("differs from --expect: {text}\n"))?;
        exit = Exit::Failed;
    }
    if let (Some(path), None) = (&args.record, &reference.unmeasured) {
        keep_record(reference, path)?;
    }
    Ok(exit)
}

/// The tiers that are asked for, and the engines of other makers.
fn columns(args: &DiffArgs) -> Result<(Vec<Column>, Vec<EngineName>), InputError> {
    let configurations = ConfigArgs::default().configurations();
    let standard = Setting {
        bounds: args.execution.bounds,
        profile: args.execution.profile,
        ..Setting::default()
    };
    let mut columns: Vec<Column> = Vec::new();
    let mut others = Vec::new();
    for &name in &args.engines.0 {
        if !is_tier_of_run(name) && !columns.is_empty() {
            others.push(name);
            continue;
        }
        let tier = name.engine().name().parse::<RunTier>().map_err(|_| {
            InputError::usage(format!(
                "`{name}` cannot be the reference: stack, register, jit, tiered, tiered-1 and \
                 tiered-2 can"
            ))
        })?;
        let added = match name.configuration() {
            Some(word) => configurations.get(word).ok_or_else(|| {
                InputError::usage(format!("`{name}`: no configuration `{word}` is known"))
            })?,
            None => Setting::default(),
        };
        let setting = standard.with(added);
        let (lazy, tier_up) = (setting.modes.lazy, setting.modes.tier_up);
        let has_options = setting.modes
            == crate::protocol::Modes {
                lazy,
                tier_up,
                ..Default::default()
            };
        if !has_options {
            let message = format!("`{name}`: `wassay run` does not have this configuration");
            return Err(InputError::usage(message));
        }
        if columns.iter().any(|column| column.name == name) {
            return Err(InputError::usage(format!("`{name}` is named twice")));
        }
        columns.push(Column {
            name,
            tier,
            setting,
        });
    }
    match columns.len() + others.len() {
        0 | 1 => Err(InputError::usage(
            "two engines are needed: name them by --engines A,B",
        )),
        _ => Ok((columns, others)),
    }
}

/// True for a tier of `wassay run`, perhaps in a configuration.
fn is_tier_of_run(name: EngineName) -> bool {
    name.engine().name().parse::<RunTier>().is_ok()
}

/// The standard input in a file, and the folder for all else.
fn inputs<'a>(args: &'a DiffArgs, others: &[EngineName]) -> Result<Inputs<'a>, InputError> {
    let refused = |error| InputError::usage("a folder for temporary files").because(error);
    let folder = tempfile::tempdir().map_err(refused)?;
    let stdin = folder.path().join("stdin");
    let mut bytes = Vec::new();
    if args.replay.is_none() && !std::io::stdin().is_terminal() {
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| InputError::usage("the standard input").because(error))?;
    }
    fs::write(&stdin, bytes).map_err(|error| InputError::from_error(&stdin, error))?;
    let program = this_program()?;
    let own = &args.tables.engine_table;
    let table = match others.is_empty() && own.is_empty() {
        true => EngineTable::default(),
        false => EngineTable::load(&program, own)?,
    };
    others.iter().try_for_each(|&name| table.check(name))?;
    Ok(Inputs {
        args,
        program,
        folder,
        stdin,
        table,
        latest: SystemTime::now() - AGE_MIN,
    })
}

/// Writes what came of each tier, and every difference with its origin.
fn report(
    inputs: &Inputs<'_>,
    module: &[u8],
    columns: &[Column],
    ran: &[Ran],
) -> Result<Exit, InputError> {
    let width = columns.iter().map(|it| it.name.name().len()).max();
    let width = width.unwrap_or_default();
    let mut exit = Exit::AsExpected;
    let mut equal = Vec::new();
    let mut apart = Vec::new();
    for (column, ran) in columns.iter().zip(ran) {
        print(&format!("{:<width$}  {}\n", column.name, ran.text()))?;
        exit = match (&ran.unmeasured, &ran.account.ending) {
            (Some(_), _) if exit == Exit::AsExpected => Exit::NotMeasured,
            (None, Ending::Lost(_)) => Exit::Failed,
            (Some(_), _) | (None, Ending::Recorded(_)) => exit,
        };
    }
    let (reference, rest) = (&ran[0], &ran[1..]);
    if reference.unmeasured.is_none() {
        for (column, other) in columns[1..].iter().zip(rest) {
            if other.unmeasured.is_some() {
                continue;
            }
            match compare::records([reference, other])? {
                Compared::Equal { states } => equal.push((column, states, false)),
                Compared::Open { states } => equal.push((column, states, true)),
                Compared::Apart(found) => apart.push((column, other, found)),
                Compared::Lost => {}
            }
        }
    }
    for (column, states, is_open) in &equal {
        let end = match is_open {
            true => "; the end is not compared, since its depth or time is open",
            false => " and at the end",
        };
        print(&format!(
            "{} = {}: {} host calls, the state before {states} of them{end}\n",
            column.name, columns[0].name, reference.account.calls
        ))?;
    }
    for (column, other, found) in apart {
        exit = Exit::Failed;
        let pair = [&columns[0], column];
        let text = difference(inputs, module, pair, [reference, other], found)?;
        print(&text)?;
    }
    Ok(exit)
}

/// Writes what came of engines of other makers.
fn report_others(
    inputs: &Inputs<'_>,
    module: &[u8],
    (column, ran): (&Column, &Ran),
    others: &[EngineName],
) -> Result<Exit, InputError> {
    let answered = match Answered::new(inputs, module, ran)? {
        Ok(answered) => answered,
        Err(reason) => {
            for name in others {
                print(&format!("{name}  not measured: {reason}\n"))?;
            }
            return Ok(Exit::NotMeasured);
        }
    };
    let mut worst = Exit::AsExpected;
    for &name in others {
        let (exit, text) = answered.compare(inputs, module, column, name)?;
        if interrupt::requested() {
            break;
        }
        print(&text)?;
        worst = worse(worst, exit);
    }
    Ok(worst)
}

/// The exit code of two parts of a comparison: a difference counts before what is not measured.
fn worse(one: Exit, other: Exit) -> Exit {
    let both = [one, other];
    let known = [Exit::Failed, Exit::NotMeasured];
    let worst = known.into_iter().find(|exit| both.contains(exit));
    worst.unwrap_or(one)
}

/// The text of a difference: narrowed to a host call, the part of the state, the instruction.
fn difference(
    inputs: &Inputs<'_>,
    module: &[u8],
    pair: [&Column; 2],
    ran: [&Ran; 2],
    found: Apart,
) -> Result<String, InputError> {
    let [one, other] = pair.map(|column| column.name);
    let mut found = found;
    let can_narrow = ran
        .iter()
        .all(|ran| matches!(ran.account.ending, Ending::Recorded(_)));
    let mut state = None;
    if can_narrow && found.is_of_state() {
        let from = found.equal_before.map_or(0, |call| call + 1);
        if from < found.call {
            let again = [0, 1].map(|n| column::states_from(inputs, pair[n], from));
            let [a, b] = again;
            if let Compared::Apart(narrow) = compare::records([&a?, &b?])? {
                found = narrow;
            }
        }
        let folders = [0, 1].map(|n| column::dumped(inputs, pair[n], found.call));
        let [a, b] = folders;
        let (a, b) = (a?, b?);
        let differing = dump::first_difference([&a, &b]);
        state = differing.map_err(|error| InputError::usage("a state").because(error))?;
    }
    let mut text = format!("\n{other} differs from {one} {}\n", found.place(ran[0]));
    let width = one.name().len().max(other.name().len());
    let mut put = |what: &str, values: &[String; 2]| {
        text.push_str(&format!("  {what}\n"));
        for (name, value) in [one, other].iter().zip(values) {
            text.push_str(&format!("    {name:<width$}  {value}\n"));
        }
    };
    if found.part != Part::State || state.is_none() {
        put(&found.what(), &found.values);
    }
    if let Some(state) = &state {
        put(&state.part, &state.values);
    }
    if !inputs.args.no_explain || inputs.args.script.is_some() {
        match origin::text(inputs, module, pair, ran[0], &found) {
            Ok(more) => text.push_str(&more),
            Err(error) => {
                // What was found is told all the same.
                print(&text)?;
                return Err(error);
            }
        }
    }
    Ok(text)
}

/// Writes the record of a tier without the hashes of states.
fn keep_record(ran: &Ran, path: &Path) -> Result<(), InputError> {
    let record = record::read(&ran.record)?;
    let refused = |error| InputError::from_error(path, error);
    let mut writer = Writer::create(path, record.head)?;
    for mut call in record.calls {
        call.state = None;
        writer.write(&Line::Call(call)).map_err(refused)?;
    }
    let mut end = record.end;
    end.state = None;
    writer.finish(end).map_err(refused)
}
