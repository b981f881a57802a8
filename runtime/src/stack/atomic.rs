//! Handlers of atomic instructions (threads proposal: "Atomic Memory Instructions"), on any memory:
//! `{ offset in bytes, memory index }`. An access that is not aligned traps as such, also if it is
//! out of bounds.

use super::machine::{handlers, or_trap};
use super::memory::far_address;
use crate::atomic::{self, Word};
use crate::helpers::{self, EXIT_SHIFT, ResultOrExit};
use crate::ops::{
    for_each_atomic_cmpxchg, for_each_atomic_load, for_each_atomic_rmw, for_each_atomic_store,
};
use crate::trap::TrapKind;
use crate::vm::Exit;

/// The host's address of an access; ends execution if the access is not aligned or out of bounds.
macro_rules! checked_address {
    ($m:ident, $memory:ident, $address:expr, $offset:ident, $storage:ident) => {{
        let (address, size_bytes) = ($address, size_of::<$storage>());
        if !atomic::is_aligned(address, $offset, size_bytes) {
            return $m.trap(TrapKind::UnalignedAtomic);
        }
        or_trap!(
            $m,
            far_address($m.vm, $memory, address, $offset, size_bytes)
        )
    }};
}

macro_rules! loads {
    (atomic_load { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $storage:ident as $slot:ident -> $ty:ident })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        #[expect(non_snake_case, reason = "a handler is named as the variant of its opcode")]
        fn $op(m) {
            let (offset, memory) = (m.take(), m.take());
            let at = checked_address!(m, memory, m.acc, offset, $storage);
            m.acc = $storage::load(at).into();
            m.next()
        }
    )* } };
}

macro_rules! stores {
    (atomic_store { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $ty:ident -> $slot:ident as $storage:ident })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        #[expect(non_snake_case, reason = "a handler is named as the variant of its opcode")]
        fn $op(m) {
            let (offset, memory) = (m.take(), m.take());
            let address = *m.sp.sub(1);
            let at = checked_address!(m, memory, address, offset, $storage);
            $storage::store(at, m.acc as $storage);
            m.drop_slots(2);
            m.next()
        }
    )* } };
}

macro_rules! rmws {
    (atomic_rmw { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $operation:ident $storage:ident as $slot:ident -> $ty:ident })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        #[expect(non_snake_case, reason = "a handler is named as the variant of its opcode")]
        fn $op(m) {
            let (offset, memory) = (m.take(), m.take());
            m.sp = m.sp.sub(1);
            let at = checked_address!(m, memory, *m.sp, offset, $storage);
            m.acc = $storage::$operation(at, m.acc as $storage).into();
            m.next()
        }
    )* } };
}

macro_rules! cmpxchgs {
    (atomic_cmpxchg { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $storage:ident as $slot:ident -> $ty:ident })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        #[expect(non_snake_case, reason = "a handler is named as the variant of its opcode")]
        fn $op(m) {
            let (offset, memory) = (m.take(), m.take());
            m.sp = m.sp.sub(2);
            let (address, expected) = (*m.sp, *m.sp.add(1));
            let at = checked_address!(m, memory, address, offset, $storage);
            m.acc = $storage::cmpxchg(at, expected as $storage, m.acc as $storage).into();
            m.next()
        }
    )* } };
}

for_each_atomic_load!(loads);
for_each_atomic_store!(stores);
for_each_atomic_rmw!(rmws);
for_each_atomic_cmpxchg!(cmpxchgs);

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
