//! Handlers of atomic instructions (threads proposal: "Atomic Memory Instructions"), on any memory:
//! `{ offset in bytes, memory index }`. An access that is not aligned traps as such, also if it is
//! out of bounds.

use super::machine::{handlers, or_trap};
use crate::atomic::{self, AtomicOp};
use crate::helpers::{self, EXIT_SHIFT, ResultOrExit};
use crate::trap::TrapKind;
use crate::vm::Exit;

handlers! {
    /// The access of a row.
    fn access<A: AtomicOp>(m) {
        let (offset, memory) = (m.take(), m.take() as usize);
        m.sp = m.sp.sub(A::OPERANDS - 1);
        let [address, a, b] = match A::OPERANDS {
            1 => [m.acc, 0, 0],
            2 => [*m.sp, m.acc, 0],
            _ => [*m.sp, *m.sp.add(1), m.acc],
        };
        if !atomic::is_aligned(address, offset, A::SIZE_BYTES) {
            return m.trap(TrapKind::UnalignedAtomic);
        }
        let place = helpers::access_place(m.vm, memory, [address, offset], A::SIZE_BYTES);
        let result = A::access(or_trap!(m, place), a, b);
        if A::HAS_RESULT {
            m.acc = result;
        } else {
            m.drop_slots(1);
        }
        m.next()
    }
}

/// Goes on with a helper's result, or ends execution with its exit code.
macro_rules! next_with {
    ($m:ident, $result:expr) => {{
        let result: ResultOrExit = $result;
        $m.acc = u64::from(result as u32);
        $m.next_unless((result >> EXIT_SHIFT) as Exit)
    }};
}

handlers! {
    /// `memory.atomic.wait32`
    fn wait32(m) {
        let (offset, memory) = (m.take(), m.take() as u32);
        m.sp = m.sp.sub(2);
        let (address, expected) = (*m.sp, *m.sp.add(1));
        next_with!(m, helpers::atomic_wait32(m.vm, memory, address, offset, expected, m.acc))
    }

    /// `memory.atomic.wait64`
    fn wait64(m) {
        let (offset, memory) = (m.take(), m.take() as u32);
        m.sp = m.sp.sub(2);
        let (address, expected) = (*m.sp, *m.sp.add(1));
        next_with!(m, helpers::atomic_wait64(m.vm, memory, address, offset, expected, m.acc))
    }

    /// `memory.atomic.notify`
    fn notify(m) {
        let (offset, memory) = (m.take(), m.take() as u32);
        m.sp = m.sp.sub(1);
        next_with!(m, helpers::atomic_notify(m.vm, memory, *m.sp, offset, m.acc))
    }

    /// `atomic.fence`: `{ }`
    fn fence(m) {
        atomic::fence();
        m.next()
    }
}
