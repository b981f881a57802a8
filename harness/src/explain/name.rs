//! The name of what differs in the state of two engines that a probe has stopped: a byte of a
//! memory, a global, an element of a table.

use super::case::Read;
use super::column::{Seen, sameness};
use super::outline::Outline;
use super::rewrite::{
    KeptObject, global_name, memory_digest, memory_size, table_element, table_size, unit_bytes,
    unit_of_digest,
};
use super::search::SearchError;
use crate::outcome::text::outcome_text;
use crate::outcome::{Outcome, Value};
use crate::script::{Argument, Expectation};

/// The parts of a memory that are looked at in one run.
const PARTS: u64 = 64;
/// The elements of a table that are looked at in one run.
const ELEMENTS: u64 = 1024;
/// The elements of a table that are looked at in all.
const ELEMENTS_MAX: u64 = 1 << 16;

/// A part of the state, and what each engine has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The part in words.
    pub(super) what: String,
    /// What each engine has.
    pub(super) values: [String; 2],
}

/// Reads of the state in both engines.
pub(super) type ReadBoth<'r> = &'r mut dyn FnMut(&[Read]) -> Result<[Seen; 2]>;

type Result<T> = std::result::Result<T, SearchError>;

/// The first byte that differs in a memory, by the unit in which it is read.
///
/// # Errors
/// If an engine does not run.
pub(super) fn memory(outline: &Outline<'_>, read: ReadBoth<'_>) -> Result<Option<Named>> {
    for (memory, ty) in outline.memories.iter().enumerate() {
        let size = Read::Call(memory_size(memory), Vec::new());
        let sizes = read(&[size])?;
        let [one, other] = sizes.each_ref().map(|seen| number(seen, 0));
        if one != other {
            return Ok(Some(Named {
                what: format!("the pages of memory {memory}"),
                values: [one, other].map(|it| it.map_or("none".to_string(), |n| n.to_string())),
            }));
        }
        let page = 1u64 << ty.page_size_log2.unwrap_or(16);
        let unit = unit_bytes(ty);
        let (mut start, mut units) = (0, one.unwrap_or(0).saturating_mul(page) / unit);
        while units > 0 {
            let part = units.div_ceil(PARTS);
            let parts: Vec<(u64, u64)> = (0..units.div_ceil(part))
                .map(|at| (start + at * part * unit, part.min(units - at * part)))
                .collect();
            let digest = |&(start, units): &(u64, u64)| {
                let args = vec![Argument::I64(start), Argument::I64(units)];
                Read::Call(memory_digest(memory), args)
            };
            let seen = read(&parts.iter().map(digest).collect::<Vec<_>>())?;
            let apart = (0..parts.len()).find(|&at| number(&seen[0], at) != number(&seen[1], at));
            let Some(at) = apart else { break };
            (start, units) = parts[at];
            if units == 1 {
                let units = seen.each_ref().map(|it| number(it, at).map(unit_of_digest));
                return Ok(Some(byte(
                    memory,
                    start,
                    units.map(Option::unwrap_or_default),
                )));
            }
        }
    }
    Ok(None)
}

/// The first byte in which two units differ.
fn byte(memory: usize, start: u64, [one, other]: [u64; 2]) -> Named {
    let at = (one ^ other).trailing_zeros() / 8 % 8;
    let address = start + u64::from(at);
    let value = |unit: u64| format!("0x{:02x}", unit >> (8 * at) & 0xff);
    Named {
        what: format!("byte {address:#x} of memory {memory}"),
        values: [value(one), value(other)],
    }
}

/// The first global that differs.
///
/// # Errors
/// If an engine does not run.
pub(super) fn global(outline: &Outline<'_>, read: ReadBoth<'_>) -> Result<Option<Named>> {
    let globals = 0..outline.globals.len();
    let reads: Vec<Read> = globals.map(|at| Read::Global(global_name(at))).collect();
    let seen = read(&reads)?;
    Ok(first_apart(&seen).map(|(at, values)| Named {
        what: format!("global {at}"),
        values,
    }))
}

/// The first element that differs in a table.
///
/// # Errors
/// If an engine does not run.
pub(super) fn table(outline: &Outline<'_>, read: ReadBoth<'_>) -> Result<Option<Named>> {
    for (table, ty) in outline.tables.iter().enumerate() {
        let seen = read(&[Read::Call(table_size(table), Vec::new())])?;
        if let Some((_, values)) = first_apart(&seen) {
            return Ok(Some(Named {
                what: format!("the length of table {table}"),
                values,
            }));
        }
        let length = number(&seen[0], 0).unwrap_or(0).min(ELEMENTS_MAX);
        for start in (0..length).step_by(ELEMENTS as usize) {
            let index = |at: u64| match ty.table64 {
                true => Argument::I64(at),
                false => Argument::I32(at as u32),
            };
            let elements = start..length.min(start + ELEMENTS);
            let element = |at| Read::Call(table_element(table), vec![index(at)]);
            let seen = read(&elements.map(element).collect::<Vec<_>>())?;
            if let Some((at, values)) = first_apart(&seen) {
                return Ok(Some(Named {
                    what: format!("element {} of table {table}", start + at as u64),
                    values,
                }));
            }
        }
    }
    Ok(None)
}

/// The first field or element that differs in an object.
///
/// # Errors
/// If an engine does not run.
pub(super) fn object(objects: &[KeptObject], read: ReadBoth<'_>) -> Result<Option<Named>> {
    for object in objects {
        let ty = object.ty;
        let Some(length) = &object.length else {
            let call = |name: &String| Read::Call(name.clone(), Vec::new());
            let seen = read(&object.readers.iter().map(call).collect::<Vec<_>>())?;
            if let Some((field, values)) = first_apart(&seen) {
                let what = format!("field {field} of a struct of type {ty}");
                return Ok(Some(Named { what, values }));
            }
            continue;
        };
        let seen = read(&[Read::Call(length.clone(), Vec::new())])?;
        let length = number(&seen[0], 0).unwrap_or(0).min(ELEMENTS_MAX);
        for start in (0..length).step_by(ELEMENTS as usize) {
            let element =
                |at: u64| Read::Call(object.readers[0].clone(), vec![Argument::I32(at as u32)]);
            let elements = start..length.min(start + ELEMENTS);
            let seen = read(&elements.map(element).collect::<Vec<_>>())?;
            if let Some((at, values)) = first_apart(&seen) {
                let what = format!("element {} of an array of type {ty}", start + at as u64);
                return Ok(Some(Named { what, values }));
            }
        }
    }
    Ok(None)
}

/// The first read that differs, with both values as text.
fn first_apart(seen: &[Seen; 2]) -> Option<(usize, [String; 2])> {
    let same = sameness(seen);
    let [one, other] = seen;
    let mut pairs = one.reads.iter().zip(&other.reads).enumerate();
    let (at, (a, b)) = pairs.find(|(_, (a, b))| !same(a, b))?;
    Some((at, [value_text(a), value_text(b)]))
}

/// A read as text.
pub(super) fn value_text(outcome: &Outcome) -> String {
    let text = outcome_text(&Expectation::Success, outcome);
    let inner = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inner.map_or_else(|| text.clone(), ToString::to_string)
}

fn number(seen: &Seen, at: usize) -> Option<u64> {
    match seen.reads.get(at)? {
        Outcome::Values(values) => match values.as_slice() {
            [Value::I64(value)] => Some(*value),
            _ => None,
        },
        _ => None,
    }
}
