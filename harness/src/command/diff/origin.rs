//! The first instruction of a difference: the program and its host calls as a script, given to
//! `explain`.
//!
//! The script's module of the program has its memory from elsewhere, so that its code lies at other
//! bytes; what is shown has the bytes of the program itself.

use std::path::Path;
use std::time::Instant;

use wasmparser::{Parser, Payload};

use super::column::{Ending, Ran};
use super::compare::Apart;
use super::{Column, Inputs};
use crate::cli::DiffArgs;
use crate::command::run::lines;
use crate::engine::EngineName;
use crate::error::InputError;
use crate::explain::case::Case;
use crate::explain::column::Column as Explained;
use crate::explain::{Difference, first_difference};
use crate::measure::launcher;
use crate::pool::Unavailable;
use crate::pool::configured::Configured;
use crate::present::destination::Destination;
use crate::protocol::{JobConfig, Setting};
use crate::record::script::{ANSWERS_NAME, REGISTERED, Scripted, scripted};
use crate::record::{Answer, End, HostCall, Line, Reader};
use crate::script::{Action, Command, Directive, Expectation, Kind, ModuleSource, Script, write};
use crate::shell;
use crate::tier::{RunTier, Tier};

/// The number of calls and arrivals at which a program's functions are hot in tier `tiered`.
const TIERED_UP: u32 = 100;
/// The time of a search, as a multiple of the time that a tier may take.
const SEARCH_TIMES: u32 = 5;

/// The text about the first instruction, and the lines that go on with it.
///
/// # Errors
/// If the script cannot be written.
pub(super) fn text(
    inputs: &Inputs<'_>,
    module: &[u8],
    pair: [&Column; 2],
    reference: &Ran,
    found: &Apart,
) -> Result<String, InputError> {
    let args = inputs.args;
    if let Some(reason) = beyond_wasi(args) {
        return Ok(format!("  not explained: {reason}\n"));
    }
    let calls = calls(reference, found.call)?;
    let is_ended = ends(&calls);
    let made = match scripted(module, &calls) {
        Ok(made) => made,
        Err(reason) => return Ok(format!("  not explained: {reason}\n")),
    };
    let moved = moved(module, &made.program);
    let commands = commands(made);
    let mut text = String::new();
    if !args.no_explain {
        let pair = pair.map(|column| (explained_name(column), explained_setting(inputs, column)));
        match explained(inputs, pair, &commands) {
            Ok(Some(difference)) => text.push_str(&shown(difference, module, moved)),
            Ok(None) => text.push_str("  explain: as a script the tiers do the same\n"),
            Err(reason) => text.push_str(&format!("  not explained: {reason}\n")),
        }
    }
    let engines = pair.map(explained_name);
    let mut setting = Setting {
        bounds: args.execution.bounds,
        profile: args.execution.profile,
        ..Setting::default()
    };
    if pair.iter().any(|column| column.tier == RunTier::Tiered) {
        setting.modes.tier_up = Some(args.execution.tier_up.unwrap_or(TIERED_UP));
    }
    let explain = |file: &Path| {
        let file = shell::quote(&file.display().to_string());
        let [one, other] = engines;
        let words = setting.words().join(" ");
        format!("wassay explain --engines {one},{other} {words} {file}").replace("  ", " ")
    };
    match &args.script {
        Some(path) => {
            keep(&commands, &ending(reference, found.call, is_ended), path)?;
            text.push_str(&format!("  to go on: {}\n", explain(path)));
        }
        None => {
            let file = Path::new("DIFF.wast");
            text.push_str(&format!(
                "  to go on: the same line with --script {}, then {}\n",
                file.display(),
                explain(file)
            ));
        }
    }
    Ok(text)
}

/// The reason why a program with these options has no script, if there is one.
pub(super) fn beyond_wasi(args: &DiffArgs) -> Option<&'static str> {
    let execution = &args.execution;
    let is_more = !execution.preload.is_empty() || execution.stub_imports || args.invoke.is_some();
    is_more.then_some("the program has imports besides WASI, or is a call")
}

/// The first host calls of a record.
pub(super) fn calls(ran: &Ran, count: u64) -> Result<Vec<HostCall>, InputError> {
    let mut calls = Vec::new();
    let (mut reader, _) = Reader::open(&ran.record)?;
    while (calls.len() as u64) < count
        && let Ok(Some(Line::Call(call))) = reader.read_line()
    {
        calls.push(call);
    }
    Ok(calls)
}

/// True if the last of the calls ended the program.
pub(super) fn ends(calls: &[HostCall]) -> bool {
    let last = calls.last();
    last.is_some_and(|call| !matches!(call.answer, Answer::Errno(_)))
}

/// The commands of a script that runs the program.
pub(super) fn commands(made: Scripted) -> Vec<Command> {
    let module = |name: Option<&str>, bytes| Command::Module {
        name: name.map(ToString::to_string),
        module: ModuleSource::Binary(bytes),
    };
    vec![
        module(Some(ANSWERS_NAME), made.answers),
        Command::Register {
            name: REGISTERED.to_string(),
            instance: None,
        },
        module(None, made.program),
        Command::Action(Action::Invoke {
            instance: None,
            field: "_start".to_string(),
            args: Vec::new(),
        }),
    ]
}

/// The ending of the script in the reference: a call that is not answered, or that ends the
/// program, traps in the module that answers.
pub(super) fn ending(reference: &Ran, call: u64, is_ended: bool) -> Expectation {
    if call < reference.account.calls || is_ended {
        return Expectation::Trap("unreachable".to_string());
    }
    match &reference.account.ending {
        Ending::Recorded(End { ending, .. }) => match ending.strip_prefix("trap: ") {
            Some(message) => Expectation::Trap(message.to_string()),
            None => Expectation::Success,
        },
        Ending::Lost(_) => Expectation::Success,
    }
}

/// The script of the commands; `last` is what must come of the call of `_start`.
pub(super) fn script(commands: &[Command], last: &Expectation, path: &Path) -> Script {
    let directives = commands.iter().zip(0..).map(|(command, ordinal)| {
        let (kind, expectation) = match command {
            Command::Register { .. } => (Kind::Register, Expectation::Success),
            Command::Action(Action::Invoke { .. }) => (Kind::Invoke, last.clone()),
            Command::Action(Action::Get { .. }) => (Kind::Get, Expectation::Success),
            _module => (Kind::Module, Expectation::Success),
        };
        Directive {
            ordinal,
            line: 1,
            column: 1,
            kind,
            id: format!("{}#{ordinal}", path.display()),
            expectation,
            origin: None,
        }
    });
    Script {
        path: path.display().to_string(),
        sha256: String::new(),
        directives: directives.collect(),
        commands: commands.to_vec(),
    }
}

/// Writes the script.
pub(super) fn keep(
    commands: &[Command],
    last: &Expectation,
    path: &Path,
) -> Result<(), InputError> {
    let text = write::text(&script(commands, last, path));
    let text = text.map_err(|error| InputError::at(path, error.to_string()))?;
    Destination::open(path)?.write(text.as_bytes())
}

/// The tier of a column as explanations have it: a worker of the suite, in its configuration.
pub(super) fn explained_name(column: &Column) -> EngineName {
    let tier = match column.tier {
        RunTier::Measured(tier) => EngineName::of_tier(tier),
        RunTier::Tiered => EngineName::of_tier(Tier::Tiered1),
    };
    let configuration = column.name.configuration();
    let configured = configuration.map(|it| tier.in_configuration(it));
    configured.and_then(Result::ok).unwrap_or(tier)
}

/// The setting of a column that explains, beside that of the run.
fn explained_setting(inputs: &Inputs<'_>, column: &Column) -> Setting {
    let mut setting = column.setting;
    if column.tier == RunTier::Tiered {
        let tier_up = setting.modes.tier_up.or(inputs.args.execution.tier_up);
        setting.modes.tier_up = Some(tier_up.unwrap_or(TIERED_UP));
    }
    setting
}

/// The first difference of two engines in the call of `_start`.
pub(super) fn explained(
    inputs: &Inputs<'_>,
    pair: [(EngineName, Setting); 2],
    commands: &[Command],
) -> Result<Option<Difference>, String> {
    let args = inputs.args;
    let config = JobConfig {
        hash_state: true,
        show_state: pair.iter().any(|(name, _)| name.tier().is_none()),
        is_lazy: true,
        ..JobConfig::plain(args.execution.features.set())
    };
    let launchers = pair.map(|(name, added)| {
        let launcher = launcher(name, &inputs.program, &inputs.table)?;
        Ok(Configured { launcher, added })
    });
    let [one, other]: [Result<Configured, Unavailable>; 2] = launchers;
    let text = |error: Unavailable| error.to_string();
    let (one, other) = (one.map_err(text)?, other.map_err(text)?);
    let deadline = Instant::now() + args.wait * SEARCH_TIMES;
    let [(first, _), (second, _)] = pair;
    let case = Case::new(commands, commands.len() - 1, config);
    let mut columns = [
        Explained::new(first, &one, args.wait).until(deadline),
        Explained::new(second, &other, args.wait).until(deadline),
    ];
    match first_difference(&mut columns, &case) {
        Ok(found) => Ok(found.map(|(difference, _)| difference)),
        Err(error) => Err(error.to_string()),
    }
}

/// The bytes by which the code of the program lies behind that of the script's module.
pub(super) fn moved(module: &[u8], scripted: &[u8]) -> i64 {
    let code = |bytes: &[u8]| {
        let payloads = Parser::new(0).parse_all(bytes);
        let starts = payloads.filter_map(|payload| match payload {
            Ok(Payload::CodeSectionStart {
                unchecked_range, ..
            }) => Some(unchecked_range.start as i64),
            Ok(_) | Err(_) => None,
        });
        starts.last().unwrap_or_default()
    };
    code(module) - code(scripted)
}

/// A difference with the bytes and the source of the program.
pub(super) fn shown(mut difference: Difference, module: &[u8], moved: i64) -> String {
    // The second module is the program; the first one answers its calls.
    let is_of_program = difference.module == Some(2);
    let offset = difference.offset_bytes.filter(|_| is_of_program);
    let offset = offset.and_then(|offset| u32::try_from(i64::from(offset) + moved).ok());
    if is_of_program {
        difference.offset_bytes = offset;
        difference.values = difference.values.map(|value| moved_value(&value, moved));
    }
    let mut text = format!("  explain: {}\n", difference.sentence());
    if let Some(note) = &difference.note {
        text.push_str(&format!("  not narrower, since {note}\n"));
    }
    if let Some(offset) = offset {
        text.push_str(&lines::of_instruction(module, offset as usize));
    }
    text
}

/// The place in a value that tells where control goes on.
fn moved_value(value: &str, moved: i64) -> String {
    let parts = value.split_once(" byte 0x");
    let Some((before, hexadecimal)) = parts.filter(|_| value.starts_with("goes on at")) else {
        return value.to_string();
    };
    match i64::from_str_radix(hexadecimal, 16) {
        Ok(offset) => format!("{before} byte {:#x}", offset + moved),
        Err(_) => value.to_string(),
    }
}
