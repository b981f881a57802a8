//! Hashes over the state of a store: every memory, table and global, in order of creation, and
//! every object that globals and tables reach.
//!
//! All of it is covered, by canonical identity (`wassay_runtime`'s `store/describe.rs`). Cheap it
//! is because a part is hashed again only when something can have changed it (`effects.rs`), and
//! because of a large memory only what has ever been touched is read (`resident.rs`). At the end of
//! a script everything is hashed once more, whatever the code should have been able to change.

use std::collections::HashSet;

use wassay_runtime::interior::{self, Numbered};
use wassay_runtime::{Global, Memory, SharedMemory, StoreContext, Table};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::resident::Resident;
use crate::outcome::StateHash;

/// Memories up to this size are hashed in one piece.
const MEMORY_BYTES_WHOLE: usize = 1 << 20;
/// Larger ones are hashed by chunks of this size, those of zeros left out.
const CHUNK_BYTES: usize = 1 << 16;

/// What may have changed since the state was last taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// These memories.
    pub(super) memories: HashSet<Memory>,
    /// These tables.
    pub(super) tables: HashSet<Table>,
    /// These globals.
    pub(super) globals: HashSet<Global>,
    /// Any object.
    pub(super) objects: bool,
}

impl Changes {
    /// True if nothing can have changed.
    pub(super) fn are_none(&self) -> bool {
        let Changes {
            memories,
            tables,
            globals,
            objects,
        } = self;
        memories.is_empty() && tables.is_empty() && globals.is_empty() && !objects
    }
}

/// The hashes of a sort of parts of a store, by number, and their sum, each mixed with its number:
/// so a part is exchanged without a look at the others.
#[derive(Debug, Default)]
struct Parts {
    hashes: Vec<u64>,
    total: u64,
}

impl Parts {
    fn set(&mut self, number: usize, hash: u64) {
        let mixed = hash_words(&[number as u64, hash]);
        let old = match self.hashes.get_mut(number) {
            Some(place) => std::mem::replace(place, mixed),
            None => {
                self.hashes.push(mixed);
                0
            }
        };
        self.total = self.total.wrapping_sub(old).wrapping_add(mixed);
    }

    /// True if the part has been taken in before.
    fn knows(&self, number: u32) -> bool {
        (number as usize) < self.hashes.len()
    }

    fn len(&self) -> usize {
        self.hashes.len()
    }
}

/// The hashes of a store's parts, kept up to date.
#[derive(Debug)]
pub(crate) struct State {
    memories: Parts,
    tables: Parts,
    globals: Parts,
    objects: u64,
    resident: Resident,
    /// Memories that threads share.
    racing: Vec<SharedMemory>,
}

impl State {
    /// Of an empty store.
    pub(crate) fn new() -> State {
        State {
            memories: Parts::default(),
            tables: Parts::default(),
            globals: Parts::default(),
            objects: 0,
            resident: Resident::open(),
            racing: Vec::new(),
        }
    }

    /// Leaves memories out from now on: threads write them, and what they hold in the end may
    /// depend on which thread was faster.
    pub(super) fn race<T: 'static>(
        &mut self,
        store: StoreContext<'_, T>,
        memories: impl Iterator<Item = SharedMemory>,
    ) {
        self.racing.extend(memories);
        let known = self.memories.len();
        for (number, memory) in interior::memories(store).take(known).enumerate() {
            self.memories.set(number, self.hash_memory(store, memory));
        }
    }

    /// Takes in what may have changed of what is known. What is new is for [`State::grow`].
    pub(super) fn update<T: 'static>(&mut self, store: StoreContext<'_, T>, changes: &Changes) {
        for &memory in &changes.memories {
            if self.memories.knows(memory.number()) {
                let hash = self.hash_memory(store, memory);
                self.memories.set(memory.number() as usize, hash);
            }
        }
        for &table in &changes.tables {
            if self.tables.knows(table.number()) {
                self.tables
                    .set(table.number() as usize, hash_table(store, table));
            }
        }
        for &global in &changes.globals {
            if self.globals.knows(global.number()) {
                self.globals
                    .set(global.number() as usize, hash_global(store, global));
            }
        }
        if changes.objects || !changes.globals.is_empty() || !changes.tables.is_empty() {
            self.take_objects(store);
        }
    }

    /// Takes in what was created since the last time.
    pub(super) fn grow<T: 'static>(&mut self, store: StoreContext<'_, T>) {
        for memory in interior::memories(store).skip(self.memories.len()) {
            let hash = self.hash_memory(store, memory);
            self.memories.set(memory.number() as usize, hash);
        }
        for table in interior::tables(store).skip(self.tables.len()) {
            self.tables
                .set(table.number() as usize, hash_table(store, table));
        }
        for global in interior::globals(store).skip(self.globals.len()) {
            self.globals
                .set(global.number() as usize, hash_global(store, global));
        }
        self.take_objects(store);
    }

    /// Takes in everything, whatever may have changed.
    pub(crate) fn renew<T: 'static>(&mut self, store: StoreContext<'_, T>) {
        self.memories = Parts::default();
        self.tables = Parts::default();
        self.globals = Parts::default();
        self.grow(store);
    }

    /// The state as of the last update; without the fuel.
    pub(crate) fn hash(&self) -> StateHash {
        StateHash {
            memories: self.memories.total,
            globals: self.globals.total,
            tables: self.tables.total,
            objects: self.objects,
            fuel: 0,
        }
    }

    fn take_objects<T: 'static>(&mut self, store: StoreContext<'_, T>) {
        self.objects = described(|words| interior::describe_objects(store, &mut |w| words.add(w)));
    }

    fn hash_memory<T: 'static>(&self, store: StoreContext<'_, T>, memory: Memory) -> u64 {
        if let Some(shared) = memory.shared(store) {
            if self.racing.iter().any(|it| it.same(&shared)) {
                return 0;
            }
            let mut buffer = [0; CHUNK_BYTES];
            let len = shared.data_size();
            let touched = self.resident.chunks(shared.data(), CHUNK_BYTES);
            let is_touched = |at: usize| {
                let known = touched.as_ref().and_then(|it| it.get(at / CHUNK_BYTES));
                known.is_none_or(|&touched| touched)
            };
            return hash_chunks(len, |at| {
                if !is_touched(at) {
                    return None;
                }
                let chunk = &mut buffer[..CHUNK_BYTES.min(len - at)];
                shared.read(at, chunk).ok()?;
                Some(xxh3_64(chunk))
            });
        }
        let data = memory.data(store);
        if data.len() <= MEMORY_BYTES_WHOLE {
            return hash_words(&[data.len() as u64, xxh3_64(data)]);
        }
        let touched = self.resident.chunks(data, CHUNK_BYTES);
        hash_chunks(data.len(), |at| {
            let is_touched = touched.as_ref().is_none_or(|it| it[at / CHUNK_BYTES]);
            is_touched.then(|| xxh3_64(&data[at..data.len().min(at + CHUNK_BYTES)]))
        })
    }
}

/// Hashes a memory of `len` bytes by the hashes of its chunks, `None` being one of zeros.
fn hash_chunks(len: usize, mut hash: impl FnMut(usize) -> Option<u64>) -> u64 {
    let zeros = [0; CHUNK_BYTES];
    let of_zeros = |len: usize| xxh3_64(&zeros[..len]);
    let whole = of_zeros(CHUNK_BYTES);
    let mut words = vec![len as u64];
    for at in (0..len).step_by(CHUNK_BYTES) {
        let zero = match len - at {
            CHUNK_BYTES.. => whole,
            rest => of_zeros(rest),
        };
        if let Some(hash) = hash(at).filter(|&hash| hash != zero) {
            words.extend([at as u64, hash]);
        }
    }
    hash_words(&words)
}

fn hash_words(words: &[u64]) -> u64 {
    described(|sink| words.iter().for_each(|&word| sink.add(word)))
}

fn hash_table<T: 'static>(store: StoreContext<'_, T>, table: Table) -> u64 {
    described(|words| interior::describe_table(store, table, &mut |w| words.add(w)))
}

fn hash_global<T: 'static>(store: StoreContext<'_, T>, global: Global) -> u64 {
    described(|words| interior::describe_global(store, global, &mut |w| words.add(w)))
}

/// The hash of the words that `describe` adds.
fn described(describe: impl FnOnce(&mut Words)) -> u64 {
    let mut words = Words {
        hasher: Xxh3::new(),
        buffer: [0; BUFFER_BYTES],
        len: 0,
    };
    describe(&mut words);
    words.hasher.update(&words.buffer[..words.len]);
    words.hasher.digest()
}

const BUFFER_BYTES: usize = 512;

/// A hash of words, which takes them by the buffer.
struct Words {
    hasher: Xxh3,
    buffer: [u8; BUFFER_BYTES],
    len: usize,
}

impl Words {
    fn add(&mut self, word: u64) {
        if self.len == BUFFER_BYTES {
            self.hasher.update(&self.buffer);
            self.len = 0;
        }
        self.buffer[self.len..][..8].copy_from_slice(&word.to_le_bytes());
        self.len += 8;
    }
}
