//! Marking: from roots to everything that they reach.
//!
//! The objects that are marked and not traced stand on a stack of their own: no depth of a
//! structure is one of the native stack.

use super::Heap;
use crate::types::CompositeType;

impl Heap {
    /// Begins a collection. Roots follow, then [`Heap::finish`]. No object is of a type that came
    /// after [`Heap::publish`].
    pub(crate) fn begin(&mut self) {
        self.space.begin_marking();
        let held = self.roots.words();
        self.mark_all(&held);
        let initializing = std::mem::take(&mut self.initializing);
        self.mark_all(&initializing);
        self.initializing = initializing;
    }

    /// Marks the referents of words. A word that is not a reference does not harm: only an offset
    /// at which an object begins counts.
    pub(crate) fn mark_all(&mut self, words: &[u64]) {
        for &word in words {
            self.mark(word);
        }
    }

    /// Marks the referent of a word.
    #[inline(always)]
    pub(crate) fn mark(&mut self, word: u64) {
        if self.space.mark(word) {
            self.pending.push(word as u32);
        }
    }

    /// Marks the referent of a word of the native stack: besides references, compiled code has
    /// addresses of objects and of places in them there.
    pub(crate) fn mark_native(&mut self, word: u64) {
        self.mark(word);
        if let Some(object) = self.space.object_around(word) {
            self.mark(object.into());
        }
    }

    /// Traces the objects that the roots have marked, and frees the others.
    pub(crate) fn finish(&mut self, root_bytes: u64) {
        while let Some(object) = self.pending.pop() {
            self.trace(object);
        }
        self.space.sweep(root_bytes);
        self.collections += 1;
    }

    /// Marks the referents of an object.
    fn trace(&mut self, object: u32) {
        // SAFETY: a marked object is an object, whose head and references have been written.
        let header = unsafe { *self.header(object) };
        let Heap {
            types,
            space,
            pending,
            ..
        } = self;
        let defined = types.get(header.ty);
        let base = space.base().wrapping_add(object as usize);
        let mut mark = |offset_bytes: usize| {
            // SAFETY: as above; layouts say where references are.
            let word = unsafe { base.add(offset_bytes).cast::<u64>().read() };
            if space.mark(word) {
                pending.push(word as u32);
            }
        };
        match &defined.sub.composite {
            CompositeType::Array(_) => {
                for &first in &defined.layout.refs {
                    (0..header.extra as usize).for_each(|i| mark(first as usize + i * 8));
                }
            }
            CompositeType::Struct(_) | CompositeType::Func(_) | CompositeType::Cont(_) => {
                for &offset in &defined.layout.refs {
                    mark(offset as usize);
                }
                if defined.sub.descriptor.is_some() && space.mark(header.extra.into()) {
                    pending.push(header.extra);
                }
            }
        }
    }
}
