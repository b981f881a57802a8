//! The heap by itself: against a model, in depth, at its limit.

use std::collections::{HashMap, HashSet};

use super::*;
use crate::types::{AbstractHeapType, CompositeType, FieldType, RefType, StorageType, ValType};
use crate::value::StoreId;

const LIMIT_BYTES: u64 = 64 << 20;

/// A heap with three types: a node of two references and a number, an array of bytes, an array of
/// references.
struct Fixture {
    heap: Heap,
    node: TypeId,
    bytes: TypeId,
    refs: TypeId,
}

fn field(storage: StorageType) -> FieldType {
    FieldType {
        storage,
        mutable: true,
    }
}

impl Fixture {
    fn new(bytes_max: u64, stress: bool) -> Fixture {
        let registry = Arc::new(TypeRegistry::default());
        let any = field(StorageType::Val(ValType::Ref(RefType::nullable(
            AbstractHeapType::Any,
        ))));
        let number = field(StorageType::Val(ValType::I64));
        let intern = |composite| registry.intern_alone(composite);
        let node = intern(CompositeType::Struct([any, number, any].into()));
        let bytes = intern(CompositeType::Array(field(StorageType::I8)));
        let refs = intern(CompositeType::Array(any));
        let mut heap = Heap::new(StoreId::unique(), registry, bytes_max, stress);
        heap.types.update();
        Fixture {
            heap,
            node,
            bytes,
            refs,
        }
    }

    fn collect(&mut self, roots: &[u64]) {
        self.heap.begin();
        self.heap.mark_all(roots);
        self.heap.finish(0);
    }

    /// A node, after a collection from `roots` if there is no room.
    fn node(&mut self, roots: &[u64], slots: [u64; 3]) -> Option<u64> {
        let header = GcHeader {
            ty: self.node,
            extra: 0,
        };
        let object = self.heap.allocate(header, 32).or_else(|| {
            self.collect(roots);
            self.heap.allocate(header, 32)
        })?;
        for (i, slot) in slots.into_iter().enumerate() {
            self.write(object.into(), i, slot);
        }
        Some(object.into())
    }

    fn array(&mut self, ty: TypeId, len: u32, width: u64) -> Option<u64> {
        let object = self
            .heap
            .allocate(GcHeader { ty, extra: len }, 8 + u64::from(len) * width)?;
        Some(object.into())
    }

    fn slot(&self, object: u64, i: usize) -> *mut u64 {
        let at = self.heap.header(object as u32).cast::<u64>();
        at.wrapping_add(1 + i)
    }

    fn write(&mut self, object: u64, i: usize, value: u64) {
        // SAFETY: the tests name slots of live objects only.
        unsafe { self.slot(object, i).write(value) };
    }

    fn read(&self, object: u64, i: usize) -> u64 {
        // SAFETY: as above.
        unsafe { self.slot(object, i).read() }
    }
}

/// A generator of numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// What the heap should hold: nodes by word, each with its slots.
type Model = HashMap<u64, [u64; 3]>;

fn reachable(model: &Model, roots: &[u64]) -> HashSet<u64> {
    let mut seen = HashSet::new();
    let mut pending: Vec<u64> = roots.to_vec();
    while let Some(word) = pending.pop() {
        if model.contains_key(&word) && seen.insert(word) {
            pending.extend([model[&word][0], model[&word][2]]);
        }
    }
    seen
}

/// One step: a new node that may refer to others, or a change of a reference, or a root dropped.
fn step(fixture: &mut Fixture, model: &mut Model, roots: &mut Vec<u64>, random: &mut Random) {
    let any = |random: &mut Random, roots: &[u64]| match roots.len() as u64 {
        0 => 0,
        n => roots[random.below(n) as usize],
    };
    match random.below(10) {
        0 if !roots.is_empty() => {
            let i = random.below(roots.len() as u64) as usize;
            roots.swap_remove(i);
        }
        1..=3 if !roots.is_empty() => {
            let (from, to) = (any(random, roots), any(random, roots));
            let slot = random.below(2) as usize * 2;
            fixture.write(from, slot, to);
            model.get_mut(&from).expect("a root is in the model")[slot] = to;
        }
        _ => {
            let slots = [
                any(random, roots),
                random.below(1 << 40) * 8,
                any(random, roots),
            ];
            let node = fixture.node(roots, slots).expect("there is room");
            model.insert(node, slots);
            roots.push(node);
        }
    }
}

fn check_against_model(stress: bool, steps: u32, collect_every: u32) {
    let mut fixture = Fixture::new(LIMIT_BYTES, stress);
    let (mut model, mut roots) = (Model::new(), Vec::new());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for n in 1..=steps {
        step(&mut fixture, &mut model, &mut roots, &mut random);
        if n % collect_every != 0 {
            continue;
        }
        fixture.collect(&roots);
        let live = reachable(&model, &roots);
        model.retain(|word, _| live.contains(word));
        let statistics = fixture.heap.statistics();
        assert_eq!(statistics.objects, live.len() as u64);
        assert_eq!(statistics.live_bytes, live.len() as u64 * 32);
        for (&word, slots) in &model {
            let found = [0, 1, 2].map(|i| fixture.read(word, i));
            assert_eq!(found, *slots, "node {word:#x}");
        }
    }
    assert_eq!(u64::from(steps / collect_every), fixture.heap.collections);
}

#[test]
fn what_is_reachable_stays_and_nothing_else() {
    check_against_model(false, 20_000, 500);
    check_against_model(true, 1_000, 1);
}

#[test]
fn cycles_die() {
    let mut fixture = Fixture::new(LIMIT_BYTES, false);
    let a = fixture.node(&[], [0; 3]).expect("there is room");
    let b = fixture.node(&[], [a, 0, a]).expect("there is room");
    fixture.write(a, 0, b);
    fixture.collect(&[a]);
    assert_eq!(fixture.heap.statistics().objects, 2);
    fixture.collect(&[]);
    assert_eq!(fixture.heap.statistics().objects, 0);
}

#[test]
fn millions_of_nodes_deep() {
    let mut fixture = Fixture::new(1 << 30, false);
    let nodes = if cfg!(debug_assertions) {
        1_000_000
    } else {
        10_000_000
    };
    let mut head = 0;
    for _ in 0..nodes {
        head = fixture.node(&[], [head, 0, 0]).expect("there is room");
    }
    fixture.collect(&[head]);
    assert_eq!(fixture.heap.statistics().objects, nodes);
}

#[test]
fn large_arrays_come_and_go() {
    let mut fixture = Fixture::new(LIMIT_BYTES, false);
    let refs = fixture
        .array(fixture.refs, 1 << 20, 8)
        .expect("there is room");
    for i in 0..1 << 20 {
        fixture.write(refs, i, 0);
    }
    let node = fixture.node(&[], [0; 3]).expect("there is room");
    fixture.write(refs, (1 << 20) - 1, node);
    for len in [0, 1, 5_000, 30 << 20] {
        fixture.array(fixture.bytes, len, 1).expect("there is room");
    }
    assert_eq!(fixture.array(fixture.bytes, 30 << 20, 1), None);
    fixture.collect(&[refs]);
    assert_eq!(fixture.heap.statistics().objects, 2);
    let again = fixture.array(fixture.bytes, 30 << 20, 1);
    assert!(again.is_some(), "what was freed is used again");
}

#[test]
fn the_limit_holds_and_freed_cells_are_used_again() {
    let limit = 1 << 20;
    let mut fixture = Fixture::new(limit, false);
    let mut roots = Vec::new();
    while let Some(node) = fixture.node(&roots, [0; 3]) {
        roots.push(node);
    }
    let full = roots.len() as u64;
    assert!(full * 32 <= limit && full * 32 > limit * 9 / 10, "{full}");
    roots.truncate(roots.len() / 2);
    let mut more = 0;
    while let Some(node) = fixture.node(&roots, [0; 3]) {
        roots.push(node);
        more += 1;
    }
    assert_eq!(roots.len() as u64, full, "{more} more");
    for _ in 0..10 * full {
        assert!(fixture.node(&[], [0; 3]).is_some(), "garbage makes room");
    }
}

#[test]
fn sizes_that_no_heap_has_are_refused() {
    let mut fixture = Fixture::new(u64::MAX, false);
    assert_eq!(fixture.array(fixture.refs, u32::MAX, 8), None);
    assert_eq!(fixture.array(fixture.bytes, u32::MAX, 1), None);
}

#[test]
fn words_inside_of_objects_are_no_roots() {
    let mut fixture = Fixture::new(LIMIT_BYTES, false);
    let node = fixture.node(&[], [0; 3]).expect("there is room");
    fixture.collect(&[node + 8, node | 1, node | 1 << 32, u64::MAX, 0]);
    assert_eq!(fixture.heap.statistics().objects, 0);
}

#[test]
fn collections_are_due_in_proportion_to_what_lives() {
    let mut fixture = Fixture::new(LIMIT_BYTES, false);
    let mut head = 0;
    let (mut allocated, mut collections) = (0u64, 0u64);
    for _ in 0..1_000_000 {
        if fixture.heap.is_collection_due() {
            fixture.collect(&[head]);
            collections += 1;
        }
        head = fixture.node(&[head], [head, 0, 0]).expect("there is room");
        allocated += 32;
    }
    // Everything lives: the heap doubles from one collection to the next.
    assert!(
        (2..=4).contains(&collections),
        "{collections} for {allocated}"
    );
}

#[test]
fn free_units_at_the_end_grow_into_new_ones() {
    let mut fixture = Fixture::new(LIMIT_BYTES, false);
    for megabytes in [30, 40, 50, 60] {
        let array = fixture.array(fixture.bytes, megabytes << 20, 1);
        assert!(array.is_some(), "{megabytes} MiB");
        fixture.collect(&[]);
    }
}

#[test]
fn memory_of_a_heap_that_has_shrunk_is_given_back() {
    let mut fixture = Fixture::new(LIMIT_BYTES, false);
    let mut head = 0;
    for _ in 0..1_500_000 {
        head = fixture.node(&[], [head, 0, 0]).expect("there is room");
    }
    assert!(fixture.heap.space.end_bytes() > 45 << 20);
    fixture.collect(&[]);
    assert!(fixture.heap.space.end_bytes() < 16 << 20);
    head = 0;
    for _ in 0..1_500_000 {
        head = fixture
            .node(&[], [head, 0, 0])
            .expect("there is room again");
    }
    fixture.collect(&[head]);
    assert_eq!(fixture.heap.statistics().objects, 1_500_000);
}
