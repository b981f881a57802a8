//! The whole state of a program at a host call, in files: for a comparison that names what differs.
//!
//! Each memory is a file of its bytes, in which chunks of zeros are holes; globals, tables and
//! objects are lists of words as the runtime describes them.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use wassay_runtime::interior;
use wassay_runtime::{AsContext, Memory, StoreContext};

const CHUNK_BYTES: usize = 1 << 16;

/// Lists of words, one for each global or table, in the order of creation.
type Words = Vec<Vec<u64>>;
/// Takes the words of a description.
type Sink<'a> = &'a mut dyn FnMut(u64);

/// The first part of two states that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDifference {
    /// The part, as `memory 0 byte 0x1000`.
    pub part: String,
    /// The contents in each state.
    pub values: [String; 2],
}

/// Writes the state of a store to a folder.
///
/// # Errors
/// If a file cannot be written.
pub fn write<T: 'static>(store: StoreContext<'_, T>, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (number, memory) in interior::memories(store).enumerate() {
        write_memory(store, memory, &folder.join(format!("memory-{number}")))?;
    }
    let described = |describe: &dyn Fn(Sink<'_>)| {
        let mut words = Vec::new();
        describe(&mut |word| words.push(word));
        words
    };
    let globals = interior::globals(store);
    let globals: Words = globals
        .map(|it| described(&|sink| interior::describe_global(store, it, sink)))
        .collect();
    let tables = interior::tables(store);
    let tables: Words = tables
        .map(|it| described(&|sink| interior::describe_table(store, it, sink)))
        .collect();
    let objects = described(&|sink| interior::describe_objects(store, sink));
    fs::write(folder.join("globals"), serde_json::to_vec(&globals)?)?;
    fs::write(folder.join("tables"), serde_json::to_vec(&tables)?)?;
    fs::write(folder.join("objects"), serde_json::to_vec(&objects)?)
}

fn write_memory<T: 'static>(
    store: StoreContext<'_, T>,
    memory: Memory,
    path: &Path,
) -> io::Result<()> {
    let mut file = File::create(path)?;
    let size = memory.data_size(store);
    let shared = memory.shared(store);
    let mut chunk = vec![0; CHUNK_BYTES];
    for at in (0..size).step_by(CHUNK_BYTES) {
        let chunk = &mut chunk[..CHUNK_BYTES.min(size - at)];
        match &shared {
            Some(shared) => shared.read(at, chunk).map_err(io::Error::other)?,
            None => chunk.copy_from_slice(&memory.data(store.as_context())[at..][..chunk.len()]),
        }
        if chunk.iter().any(|&byte| byte != 0) {
            file.seek(SeekFrom::Start(at as u64))?;
            file.write_all(chunk)?;
        }
    }
    file.set_len(size as u64)
}

/// The first part in which the states of two folders differ.
///
/// # Errors
/// If a file cannot be read.
pub fn first_difference(folders: [&Path; 2]) -> io::Result<Option<StateDifference>> {
    for number in 0.. {
        let paths = folders.map(|it| it.join(format!("memory-{number}")));
        if !paths.iter().any(|path| path.exists()) {
            break;
        }
        let found = memories(paths.each_ref().map(|path| path.as_path()))?;
        if let Some((part, values)) = found {
            let part = format!("memory {number} {part}");
            return Ok(Some(StateDifference { part, values }));
        }
    }
    let read = |name: &str| -> io::Result<[Words; 2]> {
        let [one, other] = folders.map(|it| fs::read(it.join(name)));
        Ok([
            serde_json::from_slice(&one?)?,
            serde_json::from_slice(&other?)?,
        ])
    };
    if let Some((number, at, values)) = words(&read("globals")?) {
        let half = if at == 0 { "" } else { ", upper half" };
        let part = format!("global {number}{half}");
        return Ok(Some(StateDifference { part, values }));
    }
    if let Some((number, at, values)) = words(&read("tables")?) {
        let part = match at {
            0 => format!("table {number}, length"),
            at => format!("table {number} slot {}", at - 1),
        };
        return Ok(Some(StateDifference { part, values }));
    }
    let [one, other] = folders.map(|it| fs::read(it.join("objects")));
    let objects: [Vec<u64>; 2] = [
        serde_json::from_slice(&one?)?,
        serde_json::from_slice(&other?)?,
    ];
    let differing = words(&objects.map(|it| vec![it]));
    Ok(differing.map(|(_, at, values)| StateDifference {
        part: format!("objects, word {at} of their description"),
        values,
    }))
}

/// A part and its contents in two states.
type Found = (String, [String; 2]);

fn memories(paths: [&Path; 2]) -> io::Result<Option<Found>> {
    let [mut one, mut other] = match paths.map(File::open) {
        [Ok(one), Ok(other)] => [one, other],
        found => {
            let text = |it: io::Result<File>| if it.is_ok() { "there" } else { "missing" };
            return Ok(Some((String::new(), found.map(|it| text(it).to_string()))));
        }
    };
    let sizes = [one.metadata()?.len(), other.metadata()?.len()];
    let (mut a, mut b) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let size = sizes[0].min(sizes[1]);
    let mut first = None;
    let mut count = 0;
    for at in (0..size).step_by(CHUNK_BYTES) {
        let len = (size - at).min(CHUNK_BYTES as u64) as usize;
        one.read_exact(&mut a[..len])?;
        other.read_exact(&mut b[..len])?;
        for (n, (a, b)) in a[..len].iter().zip(&b[..len]).enumerate() {
            if a != b {
                first = first.or(Some((at + n as u64, [*a, *b])));
                count += 1;
            }
        }
    }
    Ok(match first {
        Some((at, bytes)) => {
            let more = match count {
                1 => String::new(),
                count => format!(" (and {} more bytes)", count - 1),
            };
            let values = bytes.map(|byte| format!("{byte:#04x}"));
            Some((format!("byte {at:#x}{more}"), values))
        }
        None if sizes[0] != sizes[1] => {
            let values = sizes.map(|size| format!("{size} bytes"));
            Some(("size".to_string(), values))
        }
        None => None,
    })
}

/// The number of the first list that differs, the place in it, and the words there.
fn words(lists: &[Words; 2]) -> Option<(usize, usize, [String; 2])> {
    let [one, other] = lists;
    for number in 0..one.len().max(other.len()) {
        let lists = [one.get(number), other.get(number)];
        let len = lists.map(|it| it.map_or(0, Vec::len));
        for at in 0..len[0].max(len[1]) {
            let found = lists.map(|it| it.and_then(|it| it.get(at)));
            if found[0] != found[1] {
                let text = |word: Option<&u64>| match word {
                    Some(word) => format!("{word:#x}"),
                    None => "missing".to_string(),
                };
                return Some((number, at, found.map(text)));
            }
        }
    }
    None
}
