//! The symbolic operand stack: an entry stands for a local, a constant or a temporary. Only
//! temporaries have been computed.
//!
//! Owns the pending reads of locals: each local heads a list of the entries that read it, the
//! topmost first, so that setting a local costs only the writes of these. Entries come and go at
//! the top only, so an entry is the head of its list when it is popped.

use crate::ir::{Inst, Operand, Slot, Type};

/// The value of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StackValue {
    /// A pending read of a local.
    Local(u32),
    /// A constant of the pool.
    Const(u32),
    /// The entry's own temporary.
    Temp,
}

/// An entry of the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct StackEntry {
    pub(super) ty: Type,
    pub(super) value: StackValue,
    /// The number of slots below it.
    pub(super) height: u32,
    /// For a pending read, the next entry below that reads the same local.
    below: u32,
}

/// No entry.
const NONE: u32 = u32::MAX;

/// The stack.
#[derive(Debug, Default)]
pub(super) struct Stack {
    entries: Vec<StackEntry>,
    /// The topmost entry that reads each local.
    readers: Vec<u32>,
    local_slots: Vec<Slot>,
    first_temporary: u32,
    /// No entry below this one is a pending read.
    settled: usize,
    /// The largest number of slots that were in use.
    pub(super) height_max: u32,
}

impl Stack {
    /// Begins a function.
    pub(super) fn reset(&mut self, local_slots: &[Slot], first_temporary: u32) {
        self.entries.clear();
        self.readers.clear();
        self.readers.resize(local_slots.len(), NONE);
        self.local_slots.clear();
        self.local_slots.extend_from_slice(local_slots);
        self.first_temporary = first_temporary;
        self.settled = 0;
        self.height_max = 0;
    }

    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number of slots in use.
    pub(super) fn height(&self) -> u32 {
        self.entries.last().map_or(0, |e| e.height + e.ty.slots())
    }

    /// The topmost entries.
    pub(super) fn top(&self, len: usize) -> &[StackEntry] {
        &self.entries[self.entries.len() - len..]
    }

    /// The temporary at a height.
    pub(super) fn temporary(&self, height: u32) -> Slot {
        Slot(self.first_temporary + height)
    }

    /// The operand that an entry stands for.
    pub(super) fn operand(&self, entry: &StackEntry) -> Operand {
        match entry.value {
            StackValue::Local(local) => Operand::slot(self.local_slots[local as usize]),
            StackValue::Const(index) => Operand::constant(index),
            StackValue::Temp => Operand::slot(self.temporary(entry.height)),
        }
    }

    /// Pushes a value; returns the slot of its temporary.
    pub(super) fn push(&mut self, ty: Type, value: StackValue) -> Slot {
        let height = self.height();
        let mut below = NONE;
        if let StackValue::Local(local) = value {
            below = std::mem::replace(&mut self.readers[local as usize], self.entries.len() as u32);
        }
        self.entries.push(StackEntry {
            ty,
            value,
            height,
            below,
        });
        self.height_max = self.height_max.max(height + ty.slots());
        self.temporary(height)
    }

    /// Pops a value.
    pub(super) fn pop(&mut self) -> StackEntry {
        let entry = self
            .entries
            .pop()
            .expect("validated code pops what is there");
        if let StackValue::Local(local) = entry.value {
            self.readers[local as usize] = entry.below;
        }
        self.settled = self.settled.min(self.entries.len());
        entry
    }

    /// Pops down to `len` entries.
    pub(super) fn truncate(&mut self, len: usize) {
        while self.entries.len() > len {
            self.pop();
        }
    }

    /// Writes the topmost `len` entries to their temporaries.
    pub(super) fn materialise(&mut self, len: usize, mut emit: impl FnMut(Inst)) {
        let end = self.entries.len();
        for i in (end - len..end).rev() {
            self.write(i, &mut emit);
        }
    }

    /// Writes all pending reads to their temporaries.
    pub(super) fn settle(&mut self, mut emit: impl FnMut(Inst)) {
        for i in (self.settled..self.entries.len()).rev() {
            if let StackValue::Local(_) = self.entries[i].value {
                self.write(i, &mut emit);
            }
        }
        self.settled = self.entries.len();
    }

    /// Writes the pending reads of one local to their temporaries.
    pub(super) fn settle_local(&mut self, local: u32, mut emit: impl FnMut(Inst)) {
        while self.readers[local as usize] != NONE {
            let i = self.readers[local as usize] as usize;
            self.write(i, &mut emit);
        }
    }

    /// True if an entry is a pending read of a local.
    pub(super) fn is_read(&self, local: u32) -> bool {
        self.readers[local as usize] != NONE
    }

    /// Writes an entry to its temporary. A pending read must be the head of its list.
    fn write(&mut self, i: usize, emit: &mut impl FnMut(Inst)) {
        let entry = self.entries[i];
        if entry.value == StackValue::Temp {
            return;
        }
        if let StackValue::Local(local) = entry.value {
            debug_assert_eq!(self.readers[local as usize], i as u32);
            self.readers[local as usize] = entry.below;
        }
        let (ty, src) = (entry.ty, self.operand(&entry));
        emit(Inst::Copy {
            ty,
            dst: self.temporary(entry.height),
            src,
        });
        self.entries[i].value = StackValue::Temp;
    }
}
