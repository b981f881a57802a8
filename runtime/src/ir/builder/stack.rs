//! The symbolic operand stack: what stands in each position, without having been computed yet where
//! it is a local or a constant.
//!
//! Owns the pending reads of locals: each local heads a list of the positions that read it, topmost
//! first, so that setting a local costs what there is to write and nothing more. Since positions
//! come and go at the top only, a position is in its list's head when it is popped.

use crate::ir::{Inst, Operand, Slot, Type};

/// What stands in a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A pending read of a local.
    Local(u32),
    /// A constant of the pool.
    Const(u32),
    /// The position's own temporary holds it.
    Temp,
}

/// A position of the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) ty: Type,
    pub(super) value: Value,
    /// The slots below it.
    pub(super) height: u32,
    /// For a pending read, the next position below that reads the same local.
    below: u32,
}

/// No position.
const NONE: u32 = u32::MAX;

/// The stack.
#[derive(Debug, Default)]
pub(super) struct Stack {
    entries: Vec<Entry>,
    /// The topmost position that reads each local.
    readers: Vec<u32>,
    local_slots: Vec<Slot>,
    first_temporary: u32,
    /// No position below this one is a pending read.
    settled: usize,
    /// The most slots that were in use.
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

    /// How many positions there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The slots in use.
    pub(super) fn height(&self) -> u32 {
        self.entries.last().map_or(0, |e| e.height + e.ty.slots())
    }

    /// The position at `depth` below the top.
    pub(super) fn peek(&self, depth: usize) -> Entry {
        self.entries[self.entries.len() - 1 - depth]
    }

    /// The topmost positions.
    pub(super) fn top(&self, len: usize) -> &[Entry] {
        &self.entries[self.entries.len() - len..]
    }

    /// The temporary at a height.
    pub(super) fn temporary(&self, height: u32) -> Slot {
        Slot(self.first_temporary + height)
    }

    /// Where the value of a position is.
    pub(super) fn operand(&self, entry: &Entry) -> Operand {
        match entry.value {
            Value::Local(local) => Operand::slot(self.local_slots[local as usize]),
            Value::Const(index) => Operand::constant(index),
            Value::Temp => Operand::slot(self.temporary(entry.height)),
        }
    }

    /// Pushes a value; gives the slot of its temporary.
    pub(super) fn push(&mut self, ty: Type, value: Value) -> Slot {
        let height = self.height();
        let mut below = NONE;
        if let Value::Local(local) = value {
            below = std::mem::replace(&mut self.readers[local as usize], self.entries.len() as u32);
        }
        self.entries.push(Entry {
            ty,
            value,
            height,
            below,
        });
        self.height_max = self.height_max.max(height + ty.slots());
        self.temporary(height)
    }

    /// Pops a value.
    pub(super) fn pop(&mut self) -> Entry {
        let entry = self
            .entries
            .pop()
            .expect("validated code pops what is there");
        if let Value::Local(local) = entry.value {
            self.readers[local as usize] = entry.below;
        }
        self.settled = self.settled.min(self.entries.len());
        entry
    }

    /// Pops down to `len` positions.
    pub(super) fn truncate(&mut self, len: usize) {
        while self.entries.len() > len {
            self.pop();
        }
    }

    /// Writes the topmost `len` positions to their temporaries.
    pub(super) fn materialise(&mut self, len: usize, mut emit: impl FnMut(Inst)) {
        let end = self.entries.len();
        for i in (end - len..end).rev() {
            self.write(i, &mut emit);
        }
    }

    /// Writes all pending reads to their temporaries.
    pub(super) fn settle(&mut self, mut emit: impl FnMut(Inst)) {
        for i in (self.settled..self.entries.len()).rev() {
            if let Value::Local(_) = self.entries[i].value {
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

    /// Whether anything is waiting to read a local.
    pub(super) fn is_read(&self, local: u32) -> bool {
        self.readers[local as usize] != NONE
    }

    /// Writes a position to its temporary; a pending read must be at the head of its list.
    fn write(&mut self, i: usize, emit: &mut impl FnMut(Inst)) {
        let entry = self.entries[i];
        if entry.value == Value::Temp {
            return;
        }
        if let Value::Local(local) = entry.value {
            debug_assert_eq!(self.readers[local as usize], i as u32);
            self.readers[local as usize] = entry.below;
        }
        let (ty, src) = (entry.ty, self.operand(&entry));
        emit(Inst::Copy {
            ty,
            dst: self.temporary(entry.height),
            src,
        });
        self.entries[i].value = Value::Temp;
    }
}
