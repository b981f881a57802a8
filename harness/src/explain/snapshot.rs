//! The state of an instance where one of its functions is entered, so that the function can be
//! called alone, in another instance.

use super::case::{Case, Read, Subject};
use super::column::{Column, Seen, Stopped};
use super::outline::{Body, Grain, Outline, Stop};
use super::rewrite::{
    LEFT, Rewriter, WORDS, global_name, kept_local, memory_digest, memory_size, memory_words,
    unit_bytes,
};
use super::search::{Search, SearchError, has_stopped};
use crate::outcome::{Outcome, Value};
use crate::script::Argument;

/// The bytes that one call reads.
const CHUNK_BYTES: u64 = 8 * WORDS as u64;
/// The most chunks of a memory, and of those the most with a bit that is set.
const CHUNKS_MAX: u64 = 1 << 18;
const FULL_CHUNKS_MAX: usize = 1 << 14;

/// The state of an instance where a function is entered.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The instance.
    pub subject: Subject,
    /// The function.
    pub func: u32,
    /// The function's arguments.
    pub args: Vec<Value>,
    /// The values of globals, imported ones first; `None` for those that are references.
    pub globals: Vec<Option<Value>>,
    /// The memories.
    pub memories: Vec<MemoryImage>,
}

/// The contents of a memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryImage {
    /// Its length in pages.
    pub pages: u64,
    /// Bytes by their address, in order; all others are zero.
    pub pieces: Vec<(u64, Vec<u8>)>,
}

/// A probe that stops at an entry of a function.
struct Entry<'a> {
    outline: &'a Outline<'a>,
    body: Body,
    stop: Stop,
    arrival: u64,
}

/// The state in the first column where a function is entered the last time before the engines
/// begin to differ in it; `None` if it cannot be found or written down.
///
/// # Errors
/// If an engine does not run, or the module cannot be rewritten.
pub fn snapshot(
    columns: &mut [Column<'_>; 2],
    case: &Case,
    subject: &Subject,
    func: u32,
) -> Result<Option<Snapshot>, SearchError> {
    let Some(bytes) = case.module(subject) else {
        return Ok(None);
    };
    let outline = Outline::new(bytes, case.config.features.wasmparser())?;
    let is_readable = |ty: &wasmparser::MemoryType| !ty.shared && unit_bytes(ty) == 8;
    if !outline.memories.iter().all(is_readable) {
        return Ok(None);
    }
    let mut search = Search {
        columns,
        case,
        subject,
        outline: &outline,
    };
    let Some(arrival) = search.entries(func)? else {
        return Ok(None);
    };
    let mut body = None;
    let only = |it: u32| (it == func).then_some(Grain::Calls);
    outline.functions(&only, &mut |it| body = Some(it))?;
    let first = body.and_then(|body| {
        let stop = body.stops.iter().find(|stop| stop.at == 0)?.clone();
        Some((body, stop))
    });
    let Some((body, stop)) = first else {
        return Ok(None);
    };
    let entry = Entry {
        outline: &outline,
        body,
        stop,
        arrival,
    };
    entry.read_all(columns, case, subject)
}

impl Entry<'_> {
    fn read_all(
        &self,
        columns: &mut [Column<'_>; 2],
        case: &Case,
        subject: &Subject,
    ) -> Result<Option<Snapshot>, SearchError> {
        let module = self.module()?;
        let mut case = case.clone();
        // The reads change nothing, and there are thousands.
        (case.config.hash_state, case.config.show_state) = (false, false);
        let mut read = |reads: &[Read]| {
            let (commands, at) = case.probed(subject, &module, self.arrival, reads);
            columns[0].run(&commands, at, case.config)
        };
        let left = Read::Global(LEFT.to_string());
        let params = 0..self.body.params;
        let globals = 0..self.outline.globals.len();
        let is_number = |ty: wasmparser::ValType| !matches!(ty, wasmparser::ValType::Ref(_));
        let numbers: Vec<usize> = globals
            .clone()
            .filter(|&at| is_number(self.outline.globals[at].content_type))
            .collect();
        let mut reads = vec![left];
        reads.extend(params.map(|at| Read::Global(kept_local(at))));
        reads.extend(numbers.iter().map(|&at| Read::Global(global_name(at))));
        let sizes = 0..self.outline.memories.len();
        reads.extend(sizes.map(|at| Read::Call(memory_size(at), Vec::new())));
        let seen = read(&reads)?;
        let values: Option<Vec<Value>> = seen.reads.iter().map(single).collect();
        let Some(values) = values.filter(|_| has_stopped(&seen)) else {
            return Ok(None);
        };
        let mut values = values.into_iter().skip(1);
        let args: Vec<Value> = values.by_ref().take(self.body.params).collect();
        if args.iter().any(|it| matches!(it, Value::Ref(_))) {
            return Ok(None);
        }
        let mut snapshot = Snapshot {
            subject: subject.clone(),
            func: self.body.func,
            args,
            globals: vec![None; globals.len()],
            memories: Vec::new(),
        };
        for &global in &numbers {
            snapshot.globals[global] = values.next();
        }
        for (memory, size) in values.enumerate() {
            let Value::I64(pages) = size else {
                return Ok(None);
            };
            let page = 1_u64 << self.outline.memories[memory].page_size_log2.unwrap_or(16);
            let image = image(&mut read, memory, (pages, page))?;
            let Some(image) = image else {
                return Ok(None);
            };
            snapshot.memories.push(image);
        }
        Ok(Some(snapshot))
    }

    /// The module that stops at the entry, with functions that read its state.
    fn module(&self) -> Result<Vec<u8>, SearchError> {
        let mut rewriter = Rewriter::new(self.outline, false)?;
        rewriter.keep_at(&self.body, &self.stop);
        rewriter.add_accessors()?;
        rewriter.add_word_readers();
        Ok(rewriter.finish().0)
    }
}

/// The contents of a memory of so many pages, each of so many bytes.
fn image(
    read: &mut dyn FnMut(&[Read]) -> Result<Seen, Stopped>,
    memory: usize,
    (pages, page_bytes): (u64, u64),
) -> Result<Option<MemoryImage>, SearchError> {
    let length = pages.saturating_mul(page_bytes);
    if length.div_ceil(CHUNK_BYTES) > CHUNKS_MAX || (1..CHUNK_BYTES).contains(&length) {
        return Ok(None);
    }
    let chunks: Vec<u64> = (0..length.div_ceil(CHUNK_BYTES)).collect();
    let units = |chunk: u64| CHUNK_BYTES.min(length - chunk * CHUNK_BYTES) / 8;
    let digest = |&chunk: &u64| {
        let args = vec![
            Argument::I64(chunk * CHUNK_BYTES),
            Argument::I64(units(chunk)),
        ];
        Read::Call(memory_digest(memory), args)
    };
    let digests: Vec<Read> = chunks.iter().map(digest).collect();
    let seen = read(&digests)?;
    if seen.reads.len() != chunks.len() {
        return Ok(None);
    }
    // The digest of zeros is zero. A chunk at the end that is cut off is read as a whole one that
    // ends there.
    let is_zero = |outcome: &Outcome| single(outcome) == Some(Value::I64(0));
    let full = chunks.iter().zip(&seen.reads);
    let full = full.filter(|(_, digest)| !is_zero(digest));
    let start = |chunk: u64| (chunk * CHUNK_BYTES).min(length.saturating_sub(CHUNK_BYTES));
    let starts: Vec<u64> = full.map(|(&chunk, _)| start(chunk)).collect();
    if starts.len() > FULL_CHUNKS_MAX {
        return Ok(None);
    }
    let words = |&at: &u64| Read::Call(memory_words(memory), vec![Argument::I64(at)]);
    let reads: Vec<Read> = starts.iter().map(words).collect();
    let seen = read(&reads)?;
    if seen.reads.len() != starts.len() {
        return Ok(None);
    }
    let mut pieces: Vec<(u64, Vec<u8>)> = Vec::new();
    for (&start, words) in starts.iter().zip(&seen.reads) {
        let Outcome::Values(words) = words else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        for word in words {
            let Value::I64(word) = word else {
                return Ok(None);
            };
            bytes.extend(word.to_le_bytes());
        }
        match pieces.last_mut() {
            Some((at, piece)) if *at + piece.len() as u64 == start => piece.extend(bytes),
            Some(_) | None => pieces.push((start, bytes)),
        }
    }
    pieces.iter_mut().for_each(trim);
    Ok(Some(MemoryImage { pages, pieces }))
}

/// Takes zeros off both ends of a piece.
fn trim((start, bytes): &mut (u64, Vec<u8>)) {
    let last = bytes.iter().rposition(|byte| *byte != 0);
    bytes.truncate(last.map_or(0, |last| last + 1));
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    *start += zeros as u64;
}

/// The value, if there is one only.
fn single(outcome: &Outcome) -> Option<Value> {
    match outcome {
        Outcome::Values(values) => match values[..] {
            [value] => Some(value),
            _ => None,
        },
        _ => None,
    }
}
