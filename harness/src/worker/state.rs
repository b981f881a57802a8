//! Hashes over the state of a store: every memory, table and global, in order of creation.
//!
//! A part is hashed again only when something can have changed it. Of a memory or table beyond a
//! bound only the ends are hashed, and its size: touching gigabytes that no code has touched would
//! take seconds. Object identities that tiers do not share (GC objects) are left out.

use std::collections::HashSet;

use wassay_runtime::{GlobalHandle, MemoryHandle, Store, TableHandle, Val};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::values::from_ref;
use crate::outcome::{Reference, StateHash};

/// Memories up to this size are hashed whole.
const MEMORY_BYTES_WHOLE: usize = 16 << 20;
/// How much of each end of a larger memory is hashed.
const MEMORY_BYTES_END: usize = 1 << 20;
/// Tables up to this length are hashed whole.
const TABLE_ELEMENTS_WHOLE: u64 = 1 << 16;
/// How many elements of each end of a larger table are hashed.
const TABLE_ELEMENTS_END: u64 = 1 << 12;

/// What may have changed since the state was last taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// These memories.
    pub(super) memories: HashSet<MemoryHandle>,
    /// These tables.
    pub(super) tables: HashSet<TableHandle>,
    /// Any global.
    pub(super) globals: bool,
}

/// The hashes of a store's parts, kept up to date.
#[derive(Debug, Default)]
pub(super) struct State {
    memories: Vec<u64>,
    tables: Vec<u64>,
    total: StateHash,
}

impl State {
    /// Takes in what may have changed.
    pub(super) fn update(&mut self, store: &Store, changes: &Changes) {
        for memory in &changes.memories {
            self.memories[memory.index() as usize] = hash_memory(store, *memory);
        }
        for table in &changes.tables {
            self.tables[table.index() as usize] = hash_table(store, *table);
        }
        if !changes.memories.is_empty() {
            self.total.memories = hash_words(&self.memories);
        }
        if !changes.tables.is_empty() {
            self.total.tables = hash_words(&self.tables);
        }
        if changes.globals {
            self.total.globals = hash_globals(store, store.globals());
        }
    }

    /// Takes in what was created since the last time.
    pub(super) fn grow(&mut self, store: &Store) {
        let memories = store.memories().skip(self.memories.len());
        self.memories
            .extend(memories.map(|memory| hash_memory(store, memory)));
        let tables = store.tables().skip(self.tables.len());
        self.tables
            .extend(tables.map(|table| hash_table(store, table)));
        self.total.memories = hash_words(&self.memories);
        self.total.tables = hash_words(&self.tables);
        self.total.globals = hash_globals(store, store.globals());
    }

    /// The state as of the last update.
    pub(super) fn hash(&self) -> StateHash {
        self.total
    }
}

fn hash_words(words: &[u64]) -> u64 {
    let mut hasher = Xxh3::new();
    words
        .iter()
        .for_each(|word| hasher.update(&word.to_le_bytes()));
    hasher.digest()
}

fn hash_memory(store: &Store, memory: MemoryHandle) -> u64 {
    let copy;
    let data = match memory.shared(store) {
        None => memory.data(store),
        Some(shared) => {
            let mut bytes = vec![0; shared.len_bytes()];
            shared.read(0, &mut bytes);
            copy = bytes;
            &copy
        }
    };
    if data.len() <= MEMORY_BYTES_WHOLE {
        return hash_words(&[data.len() as u64, xxh3_64(data)]);
    }
    let (head, tail) = (
        &data[..MEMORY_BYTES_END],
        &data[data.len() - MEMORY_BYTES_END..],
    );
    hash_words(&[data.len() as u64, xxh3_64(head), xxh3_64(tail)])
}

fn hash_table(store: &Store, table: TableHandle) -> u64 {
    let length = table.len(store);
    let mut hasher = Xxh3::new();
    hasher.update(&length.to_le_bytes());
    let mut element = |index: u64| {
        let reference = table
            .get(store, index)
            .and_then(|it| from_ref(store, it).ok());
        hasher.update(&reference_bytes(reference));
    };
    if length <= TABLE_ELEMENTS_WHOLE {
        (0..length).for_each(&mut element);
    } else {
        (0..TABLE_ELEMENTS_END).for_each(&mut element);
        (length - TABLE_ELEMENTS_END..length).for_each(&mut element);
    }
    hasher.digest()
}

fn hash_globals(store: &Store, globals: impl Iterator<Item = GlobalHandle>) -> u64 {
    let mut hasher = Xxh3::new();
    for global in globals {
        match global.get(store) {
            Val::I32(value) => hasher.update(&value.to_le_bytes()),
            Val::I64(value) => hasher.update(&value.to_le_bytes()),
            Val::F32(bits) => hasher.update(&bits.to_le_bytes()),
            Val::F64(bits) => hasher.update(&bits.to_le_bytes()),
            Val::V128(value) => hasher.update(&value.to_le_bytes()),
            Val::Ref(reference) => {
                hasher.update(&reference_bytes(from_ref(store, reference).ok()));
            }
        }
    }
    hasher.digest()
}

/// A reference as 5 bytes: its kind, and what identifies it.
fn reference_bytes(reference: Option<Reference>) -> [u8; 5] {
    let (kind, identity) = match reference {
        None => (0, 0),
        Some(Reference::Null(_)) => (1, 0),
        Some(Reference::Func(number)) => (2, number),
        Some(Reference::Extern(host)) => (3, host),
        Some(Reference::Host(host)) => (4, host),
        Some(Reference::I31(value)) => (5, value),
        Some(Reference::Externalized) => (6, 0),
        Some(Reference::Struct) => (7, 0),
        Some(Reference::Array) => (8, 0),
        Some(Reference::Exn) => (9, 0),
    };
    let mut bytes = [kind; 5];
    bytes[1..].copy_from_slice(&identity.to_le_bytes());
    bytes
}
