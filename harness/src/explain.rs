//! The explanation of a difference between two engines: the first instruction after which they
//! differ, and what differs there.
//!
//! The script runs again in fresh processes, up to the directive at hand. Its modules get probes
//! (`rewrite.rs`), which any engine runs, and a bisection over the events of probes (`search.rs`)
//! narrows the difference to an instruction. What cannot be narrowed is said so: a probe may change
//! how code is compiled, and a difference that vanishes then was not explained.
//!
//! Owns [`Difference`], the result as data. It judges nothing: whether a directive passes is for
//! `judge`.

use std::time::Duration;

use serde::Serialize;
use wassay_runtime::interior::decode::Decoder;

use crate::engine::EngineName;
use crate::outcome::text::outcome_text;
use crate::outcome::{Outcome, Place};
use crate::script::Expectation;

pub mod case;
pub mod column;
mod name;
pub mod outline;
pub mod rewrite;
pub mod search;
pub mod snapshot;
mod stub;

use case::{Case, Read, Subject};
use column::{Apart, Column, Seen, apart, run_both, sameness};
use name::{Named, value_text};
use outline::Outline;
use search::{Found, READS_BEFORE_LOCALS, Search, SearchError};

/// A sort of first difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// An operand that an instruction gives.
    Operand,
    /// A local.
    Local,
    /// A byte of a memory, or its length.
    Memory,
    /// A global.
    Global,
    /// An element of a table, or its length.
    Table,
    /// An object of the heap.
    Object,
    /// The instruction that comes next.
    Path,
    /// The results of the directive.
    Result,
    /// The ending of the directive.
    Ending,
    /// The place of a trap or an exception.
    TrapPlace,
    /// The fuel that was spent.
    Fuel,
    /// A sort that the engines show in a way that has no name.
    Unknown,
}

/// The first difference between two engines in a directive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The sort.
    pub kind: DifferenceKind,
    /// The engines.
    pub engines: [EngineName; 2],
    /// The ordinal of the directive that has the module, if the difference was found in one.
    pub module: Option<u32>,
    /// The index of the function.
    pub func: Option<u32>,
    /// The byte of the module at which the instruction begins, or the stretch.
    pub offset_bytes: Option<u32>,
    /// The mnemonic of the instruction.
    pub mnemonic: Option<String>,
    /// True if the difference is pinned on that instruction; else it is somewhere behind it.
    pub is_exact: bool,
    /// The number of times that control came there, this time included.
    pub arrival: Option<u64>,
    /// The thing that differs, in words.
    pub what: String,
    /// What each engine has there.
    pub values: [String; 2],
    /// The endings of the directive.
    pub endings: [String; 2],
    /// The reason why the difference is not narrower.
    pub note: Option<String>,
}

/// The shortest time that a directive may take while a hang is explained.
const TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// The times as long that a directive with probes may take.
const SLOWER: u32 = 30;

/// The first difference between two engines in the last command of a case, and the case in which
/// it was found, which may be shorter; `None` if they do the same.
///
/// # Errors
/// If an engine does not run.
pub fn first_difference(
    columns: &mut [Column<'_>; 2],
    case: &Case,
) -> Result<Option<(Difference, Case)>, SearchError> {
    let seen = run(columns, case)?;
    let Some(first) = apart(&seen) else {
        return Ok(None);
    };
    shorten_timeouts(columns, &seen);
    let case = shortened(columns, case, &seen, first)?;
    let small = match stub::stubbed(columns, &case)? {
        Some(small) if shows_same(columns, &small, &seen, first)? => small,
        Some(_) | None => case.clone(),
    };
    let engines = [columns[0].name, columns[1].name];
    let mut best: Option<Difference> = None;
    for subject in case.subjects() {
        let features = case.config.features.wasmparser();
        let (Some(bytes), Some(small_bytes)) = (case.module(&subject), small.module(&subject))
        else {
            continue;
        };
        let (whole, outline) = match (
            Outline::new(bytes, features),
            Outline::new(small_bytes, features),
        ) {
            (Ok(whole), Ok(outline)) => (whole, outline),
            (Err(_), _) | (_, Err(_)) if best.is_some() || !subject.is_entered => continue,
            (Err(error), _) | (_, Err(error)) => return Err(error.into()),
        };
        let mut search = Search {
            columns,
            case: &small,
            subject: &subject,
            outline: &outline,
        };
        let found = search.run()?;
        let is_narrow = found.note.is_none();
        let difference = difference(&mut search, &whole, found, &seen)?;
        let is_done = is_narrow && !difference.is_call();
        if best.is_none() || is_done {
            best = Some(difference);
        }
        if is_done {
            break;
        }
    }
    let difference = best.unwrap_or_else(|| Difference {
        kind: kind_of_endings(&seen, first),
        engines,
        module: None,
        func: None,
        offset_bytes: None,
        mnemonic: None,
        is_exact: false,
        arrival: None,
        what: "the directive's ending".to_string(),
        values: endings(&seen),
        endings: endings(&seen),
        note: Some("the directive runs no code of a module".to_string()),
    });
    Ok(Some((difference, case)))
}

/// Where an engine hangs, leaves as much time to both as the other one needs, with probes.
fn shorten_timeouts(columns: &mut [Column<'_>; 2], seen: &[Seen; 2]) {
    let hangs = |seen: &Seen| matches!(seen.outcome, Outcome::Timeout { .. });
    if !seen.iter().any(hangs) {
        return;
    }
    let ended = columns.iter().zip(seen).filter(|(_, seen)| !hangs(seen));
    let slowest = ended.map(|(column, _)| column.elapsed).max();
    let limit = (slowest.unwrap_or(TIMEOUT_MIN) * SLOWER).max(TIMEOUT_MIN);
    for column in columns {
        column.timeout = column.timeout.min(limit);
    }
}

fn run(columns: &mut [Column<'_>; 2], case: &Case) -> Result<[Seen; 2], SearchError> {
    let at = case.commands.len() - 1;
    Ok(run_both(columns, &case.commands, at, case.config)?)
}

/// The shortest case that shows the same.
fn shortened(
    columns: &mut [Column<'_>; 2],
    case: &Case,
    seen: &[Seen; 2],
    first: Apart,
) -> Result<Case, SearchError> {
    for shorter in case.shorter() {
        if shorter.commands.len() == case.commands.len() {
            continue;
        }
        if shows_same(columns, &shorter, seen, first)? {
            return Ok(shorter);
        }
    }
    Ok(case.clone())
}

/// True if a case ends as another one did, with a difference of the same sort.
fn shows_same(
    columns: &mut [Column<'_>; 2],
    case: &Case,
    seen: &[Seen; 2],
    first: Apart,
) -> Result<bool, SearchError> {
    let now = run(columns, case)?;
    let is_same = |n: usize| now[n].outcome == seen[n].outcome;
    Ok(apart(&now) == Some(first) && is_same(0) && is_same(1))
}

/// The difference that a search has found, with a name for what differs, and with places as the
/// whole module has them.
fn difference(
    search: &mut Search<'_, '_>,
    whole: &Outline<'_>,
    found: Found,
    seen: &[Seen; 2],
) -> Result<Difference, SearchError> {
    let engines = [search.columns[0].name, search.columns[1].name];
    let found = found.moved(search.outline, whole);
    let (kind, Named { what, values }) = named(search, &found, seen)?;
    let subject: &Subject = search.subject;
    let mnemonic = found.from.and_then(|offset| {
        let mut decoder = Decoder::new(&whole.bytes[offset..], offset);
        Some(decoder.read().ok()?.op.mnemonic().to_string())
    });
    Ok(Difference {
        kind,
        engines,
        module: Some(search.case.ordinals[subject.module]),
        func: found.func,
        offset_bytes: found.from.map(|offset| offset as u32),
        mnemonic,
        is_exact: found.is_exact,
        arrival: found.arrival,
        what,
        values,
        endings: endings(seen),
        note: found.note.map(ToString::to_string),
    })
}

fn endings(seen: &[Seen; 2]) -> [String; 2] {
    seen.each_ref()
        .map(|seen| outcome_text(&Expectation::Success, &seen.outcome))
}

fn kind_of_endings(seen: &[Seen; 2], first: Apart) -> DifferenceKind {
    match first {
        Apart::Outcome
            if seen
                .iter()
                .all(|it| matches!(it.outcome, Outcome::Values(_))) =>
        {
            DifferenceKind::Result
        }
        Apart::Outcome => DifferenceKind::Ending,
        Apart::Trace => DifferenceKind::TrapPlace,
        Apart::Reads | Apart::State => DifferenceKind::Unknown,
    }
}

/// The name of what differs.
fn named(
    search: &mut Search<'_, '_>,
    found: &Found,
    original: &[Seen; 2],
) -> Result<(DifferenceKind, Named), SearchError> {
    if let Some(kept) = &found.kept
        && let Some(named) = kept_value(kept)
    {
        return Ok(named);
    }
    if found.went[0] != found.went[1] {
        let text = |n: usize| match found.went[n] {
            Some(site) => format!("goes on at function {} byte {:#x}", site.func, site.offset),
            None => outcome_text(&Expectation::Success, &found.seen[n].outcome),
        };
        let kind = match found.went {
            [Some(_), Some(_)] => DifferenceKind::Path,
            [_, _] => DifferenceKind::Ending,
        };
        let what = "the way".to_string();
        let values = [text(0), text(1)];
        return Ok((kind, Named { what, values }));
    }
    match found.apart() {
        Some(Apart::State) => return state(search, found),
        Some(Apart::Trace) => {
            let values = original.each_ref().map(|it| place(it.trace.as_deref()));
            let what = "the place of the trap".to_string();
            return Ok((DifferenceKind::TrapPlace, Named { what, values }));
        }
        Some(Apart::Outcome | Apart::Reads) | None => {}
    }
    let all_values = (found.seen.iter()).all(|it| matches!(it.outcome, Outcome::Values(_)));
    let (kind, what) = match all_values {
        true => (DifferenceKind::Result, "the results"),
        false => (DifferenceKind::Ending, "the ending"),
    };
    let values = [0, 1].map(|n| {
        let seen = &found.seen[n];
        match (kind, &seen.outcome) {
            // A probe that stopped the engine has ended it by a trap of its own.
            (_, Outcome::Trap(_)) if search::has_stopped(seen) => "it goes on".to_string(),
            (_, outcome) => outcome_text(&Expectation::Success, outcome),
        }
    });
    let what = what.to_string();
    Ok((kind, Named { what, values }))
}

/// The first operand or local that differs; operands from the top.
fn kept_value(kept: &search::Kept) -> Option<(DifferenceKind, Named)> {
    let locals = rewrite::readable(&kept.body);
    let same = sameness(&kept.seen);
    let value = |n: usize, at: usize| kept.seen[n].reads.get(READS_BEFORE_LOCALS + at);
    let differs = |at: usize| match (value(0, at), value(1, at)) {
        (Some(a), Some(b)) if !same(a, b) => Some([value_text(a), value_text(b)]),
        (Some(_) | None, Some(_) | None) => None,
    };
    let count = kept.stop.operands.len();
    for operand in (0..count).rev() {
        if let Some(values) = differs(locals.len() + operand) {
            let what = match count - 1 - operand {
                0 => "the operand on top".to_string(),
                depth => format!("operand {depth} from the top"),
            };
            return Some((DifferenceKind::Operand, Named { what, values }));
        }
    }
    let (local, values) =
        (locals.iter().enumerate()).find_map(|(at, local)| Some((local, differs(at)?)))?;
    let what = format!("local {local}");
    Some((DifferenceKind::Local, Named { what, values }))
}

/// The part of the state that differs.
fn state(
    search: &mut Search<'_, '_>,
    found: &Found,
) -> Result<(DifferenceKind, Named), SearchError> {
    let seen = found.kept.as_ref().map_or(&found.seen, |kept| &kept.seen);
    let hashes = seen.each_ref().map(|seen| seen.state.unwrap_or_default());
    let [one, other] = hashes;
    // Engines of other makers show no hashes: then all is looked at.
    let shown = seen.iter().all(|seen| seen.state.is_some());
    let outline = search.outline;
    let mut read = |reads: &[Read]| match &found.kept {
        Some(kept) => search.reads_at(kept, reads),
        None => search.reads_at_end(reads),
    };
    if (!shown || one.memories != other.memories)
        && let Some(named) = name::memory(outline, &mut read)?
    {
        return Ok((DifferenceKind::Memory, named));
    }
    if (!shown || one.globals != other.globals)
        && let Some(named) = name::global(outline, &mut read)?
    {
        return Ok((DifferenceKind::Global, named));
    }
    if (!shown || one.tables != other.tables)
        && let Some(named) = name::table(outline, &mut read)?
    {
        return Ok((DifferenceKind::Table, named));
    }
    if one.objects != other.objects
        && let Some(kept) = &found.kept
    {
        let (objects, module) = search.objects_at(kept)?;
        let mut read = |reads: &[Read]| search.stop_at(&module, kept.arrival, reads);
        if let Some(named) = name::object(&objects, &mut read)? {
            return Ok((DifferenceKind::Object, named));
        }
    }
    let unnamed = |what: &str, part: fn(&crate::outcome::StateHash) -> u64| Named {
        what: what.to_string(),
        values: hashes.each_ref().map(|it| format!("{:016x}", part(it))),
    };
    Ok(if one.objects != other.objects {
        let named = unnamed("an object (the hash of all objects)", |it| it.objects);
        (DifferenceKind::Object, named)
    } else if one.fuel != other.fuel {
        (DifferenceKind::Fuel, unnamed("the fuel", |it| it.fuel))
    } else {
        let named = unnamed("a memory of another instance (its hash)", |it| it.memories);
        (DifferenceKind::Unknown, named)
    })
}

fn place(trace: Option<&[Place]>) -> String {
    let place = |place: &Place| match place.offset_bytes {
        Some(offset) => format!("function {} byte {offset:#x}", place.func),
        None => format!("function {}", place.func),
    };
    let places: Vec<String> = trace.unwrap_or_default().iter().map(place).collect();
    match places.as_slice() {
        [] => "no function".to_string(),
        places => places.join(" < "),
    }
}

impl Difference {
    /// True if the instruction is a call: what it calls is elsewhere.
    fn is_call(&self) -> bool {
        let mnemonic = self.mnemonic.as_deref();
        mnemonic.is_some_and(|it| it.starts_with("call") || it.starts_with("return_call"))
    }

    /// The difference in one sentence.
    pub fn sentence(&self) -> String {
        let [one, other] = self.engines;
        let [a, b] = &self.values;
        let place = match (self.func, self.offset_bytes, &self.mnemonic) {
            (Some(func), Some(offset), Some(mnemonic)) if self.is_exact => {
                format!(" after {mnemonic} at function {func} byte {offset:#x}")
            }
            (Some(func), Some(offset), _) => {
                format!(" somewhere behind function {func} byte {offset:#x}")
            }
            (Some(func), None, _) => format!(" in function {func}"),
            (None, _, _) => String::new(),
        };
        let arrival = match self.arrival {
            Some(arrival) if self.offset_bytes.is_some() => format!(" (arrival {arrival})"),
            Some(_) | None => String::new(),
        };
        format!("{}{place}{arrival}: {one}: {a}, {other}: {b}", self.what)
    }
}

#[cfg(test)]
mod tests;
