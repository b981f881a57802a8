//! Handlers of the vector rows of the opcode table (spec: "Vector Instructions", "Memory
//! Instructions").
//!
//! A v128 takes two slots of the operand stack, the low half first; on top, its high half is in
//! `acc`. Handlers read and write the slots one by one: a processor hands what was just stored on
//! to a load of the same bytes at once, but waits where a load wants the bytes of two stores.

use super::machine::{Machine, handlers};
use super::memory::{beyond, far_address};
use crate::numeric::Slot;
use crate::ops::for_each_group;
use crate::simd::{self as pure, V128};
use crate::trap::TrapKind;

/// A vector that the compiler does not look through, so that it computes on the whole vector and
/// not on the slots that the vector came from.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn opaque(vector: V128) -> V128 {
    // SAFETY: both types are sixteen bytes of any value, and the text is only a comment.
    unsafe {
        let mut register: std::arch::x86_64::__m128i = std::mem::transmute(vector);
        std::arch::asm!(
            "/* {0} */",
            inout(xmm_reg) register,
            options(pure, nomem, nostack, preserves_flags)
        );
        std::mem::transmute(register)
    }
}

/// A vector that the compiler does not look through, so that it computes on the whole vector and
/// not on the slots that the vector came from.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn opaque(vector: V128) -> V128 {
    // SAFETY: both types are sixteen bytes of any value, and the text is only a comment.
    unsafe {
        let mut register: std::arch::aarch64::uint8x16_t = std::mem::transmute(vector);
        std::arch::asm!(
            "/* {0:v} */",
            inout(vreg) register,
            options(pure, nomem, nostack, preserves_flags)
        );
        std::mem::transmute(register)
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline(always)]
fn opaque(vector: V128) -> V128 {
    vector
}

impl Machine {
    /// The vector at the top of the stack.
    #[inline(always)]
    unsafe fn top(&self) -> V128 {
        // SAFETY: validated code has a v128 there.
        opaque(V128::from_slots(unsafe { [*self.sp.sub(1), self.acc] }))
    }

    /// The vector whose low half is so many slots below `sp`, and which is not at the top.
    #[inline(always)]
    unsafe fn below(&self, slots: usize) -> V128 {
        // SAFETY: validated code has a v128 there. Volatile reads are not made one.
        let halves = unsafe {
            let low = self.sp.sub(slots);
            [low.read_volatile(), low.add(1).read_volatile()]
        };
        opaque(V128::from_slots(halves))
    }

    /// Puts a vector on top in the place of as many slots as it takes.
    #[inline(always)]
    unsafe fn set_top(&mut self, vector: V128) {
        let [low, high] = opaque(vector).into_slots();
        // SAFETY: the machine's invariants.
        unsafe { *self.sp.sub(1) = low };
        self.acc = high;
    }
}

macro_rules! unary {
    ($func:ident $name:literal) => {
        handlers! {
            #[doc = concat!("`", $name, "`")]
            fn $func(m) {
                let result = pure::$func(m.top());
                m.set_top(result);
                m.next()
            }
        }
    };
}

macro_rules! binary {
    ($func:ident $name:literal) => {
        handlers! {
            #[doc = concat!("`", $name, "`")]
            fn $func(m) {
                let result = pure::$func(m.below(3), m.top());
                m.sp = m.sp.sub(2);
                m.set_top(result);
                m.next()
            }
        }
    };
}

macro_rules! ternary {
    ($func:ident $name:literal) => {
        handlers! {
            #[doc = concat!("`", $name, "`")]
            fn $func(m) {
                let result = pure::$func(m.below(5), m.below(3), m.top());
                m.sp = m.sp.sub(4);
                m.set_top(result);
                m.next()
            }
        }
    };
}

macro_rules! shift {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128, i32) -> v128; $($column:tt)* })* })*) => { handlers! { $($(
        #[doc = concat!("`", $name, "`")]
        fn $func(m) {
            let result = pure::$func(m.below(2), m.acc as u32);
            m.sp = m.sp.sub(1);
            m.set_top(result);
            m.next()
        }
    )*)* } };
}

macro_rules! splat {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($a:ident) -> v128; $($column:tt)* })* })*) => { handlers! { $($(
        #[doc = concat!("`", $name, "`")]
        fn $func(m) {
            let result = pure::$func(Slot::from_slot(m.acc));
            m.sp = m.sp.add(1);
            m.set_top(result);
            m.next()
        }
    )*)* } };
}

macro_rules! reduce {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128) -> i32; $($column:tt)* })* })*) => { handlers! { $($(
        #[doc = concat!("`", $name, "`")]
        fn $func(m) {
            let result = pure::$func(m.top());
            m.sp = m.sp.sub(1);
            m.acc = result.into_slot();
            m.next()
        }
    )*)* } };
}

macro_rules! extract_lane {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128, lane) -> $result:ident; $($column:tt)* })* })*) => { handlers! { $($(
        #[doc = concat!("`", $name, "`: `{ lane }`")]
        fn $func(m) {
            let result = pure::$func(m.top(), m.take() as u8);
            m.sp = m.sp.sub(1);
            m.acc = result.into_slot();
            m.next()
        }
    )*)* } };
}

macro_rules! replace_lane {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128, lane, $a:ident) -> v128; $($column:tt)* })* })*) => { handlers! { $($(
        #[doc = concat!("`", $name, "`: `{ lane }`")]
        fn $func(m) {
            let lane = m.take() as u8;
            let result = pure::$func(m.below(2), lane, Slot::from_slot(m.acc));
            m.sp = m.sp.sub(1);
            m.set_top(result);
            m.next()
        }
    )*)* } };
}

/// A handler for each row, by the macro named before the groups.
macro_rules! rows {
    ($handler:ident $($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident $($tail:tt)* })* })*) => { $($($handler! { $func $name })*)* };
}

for_each_group!([for_each_simd_unary] rows; unary);
for_each_group!([for_each_simd_binary] rows; binary);
for_each_group!([for_each_simd_ternary] rows; ternary);
for_each_group!([for_each_simd_shift] shift;);
for_each_group!([for_each_simd_splat] splat;);
for_each_group!([for_each_simd_reduce] reduce;);
for_each_group!([for_each_simd_extract_lane] extract_lane;);
for_each_group!([for_each_simd_replace_lane] replace_lane;);

handlers! {
    /// `i8x16.shuffle`: `{ lanes 0 to 7, lanes 8 to 15 }`
    fn i8x16_shuffle(m) {
        let lanes = V128::from_slots([m.take(), m.take()]);
        let result = pure::i8x16_shuffle(m.below(3), m.top(), lanes.0);
        m.sp = m.sp.sub(2);
        m.set_top(result);
        m.next()
    }
}

/// Handlers of the rows that are others in the native profile.
pub(super) mod native {
    use super::{for_each_group, handlers};
    use crate::simd::native::{self as pure, by_profile};

    macro_rules! rows {
        ($handler:ident $($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
            { $func:ident $($tail:tt)* })* })*) => {
            $($(by_profile! { $func [$handler! { $func $name }] [] })*)*
        };
    }

    for_each_group!([for_each_simd_unary] rows; unary);
    for_each_group!([for_each_simd_binary] rows; binary);
    for_each_group!([for_each_simd_ternary] rows; ternary);
}

/// Defines the handlers of accesses to memories that `$address` finds: the host's address of so
/// many bytes at an address, by the immediates at hand; null outside of the memory.
macro_rules! accesses {
    ($address:ident) => {
        for_each_group!([for_each_simd_load] loads; $address);
        for_each_group!([for_each_simd_store] stores; $address);
        for_each_group!([for_each_simd_load_lane] load_lanes; $address);
        for_each_group!([for_each_simd_store_lane] store_lanes; $address);
    };
}

macro_rules! loads {
    ($address:ident simd_load { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($storage:ident) -> v128; $($column:tt)* })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        fn $op(m) {
            let at = $address(m.acc, size_of::<$storage>(), &mut m);
            if at.is_null() {
                return m.trap(TrapKind::MemoryOutOfBounds);
            }
            let bits = $storage::from_le(at.cast::<$storage>().read_unaligned());
            m.sp = m.sp.add(1);
            m.set_top(pure::$func(bits));
            m.next()
        }
    )* } };
}

macro_rules! stores {
    ($address:ident simd_store { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128) -> $storage:ident })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        fn $op(m) {
            let at = $address(*m.sp.sub(2), size_of::<$storage>(), &mut m);
            if at.is_null() {
                return m.trap(TrapKind::MemoryOutOfBounds);
            }
            at.cast::<$storage>().write_unaligned(pure::$func(m.top()).to_le());
            m.drop_slots(3);
            m.next()
        }
    )* } };
}

macro_rules! load_lanes {
    ($address:ident simd_load_lane { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($storage:ident, v128, lane) -> v128; $($column:tt)* })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        fn $op(m) {
            let at = $address(*m.sp.sub(2), size_of::<$storage>(), &mut m);
            if at.is_null() {
                return m.trap(TrapKind::MemoryOutOfBounds);
            }
            let bits = $storage::from_le(at.cast::<$storage>().read_unaligned());
            let result = pure::$func(bits, m.top(), m.take() as u8);
            m.sp = m.sp.sub(1);
            m.set_top(result);
            m.next()
        }
    )* } };
}

macro_rules! store_lanes {
    ($address:ident simd_store_lane { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128, lane) -> $storage:ident; $($column:tt)* })* }) => { handlers! { $(
        #[doc = concat!("`", $name, "`")]
        fn $op(m) {
            let at = $address(*m.sp.sub(2), size_of::<$storage>(), &mut m);
            if at.is_null() {
                return m.trap(TrapKind::MemoryOutOfBounds);
            }
            let bits: $storage = pure::$func(m.top(), m.take() as u8);
            at.cast::<$storage>().write_unaligned(bits.to_le());
            m.drop_slots(3);
            m.next()
        }
    )* } };
}

/// Accesses to memory 0 with 32-bit addresses: `{ offset in bytes }`, then the lane.
#[expect(
    non_snake_case,
    reason = "a handler is named as the variant of its opcode"
)]
pub(super) mod near {
    use super::{Machine, TrapKind, beyond, for_each_group, handlers, pure};

    #[inline(always)]
    unsafe fn address(address: u64, size_bytes: usize, m: &mut Machine) -> *mut u8 {
        // SAFETY: the machine's invariants.
        let at = address as usize + unsafe { m.take() } as usize;
        if at + size_bytes > m.len {
            // SAFETY: the machine's invariants.
            return unsafe { beyond(m.vm, at, size_bytes) };
        }
        m.base.wrapping_add(at)
    }

    accesses!(address);
}

/// Accesses to any memory: `{ offset in bytes, memory index }`, then the lane.
#[expect(
    non_snake_case,
    reason = "a handler is named as the variant of its opcode"
)]
pub(super) mod far {
    use super::{Machine, TrapKind, far_address, for_each_group, handlers, pure};

    #[inline(always)]
    unsafe fn address(address: u64, size_bytes: usize, m: &mut Machine) -> *mut u8 {
        // SAFETY: the machine's invariants.
        unsafe {
            let (offset, memory) = (m.take(), m.take());
            far_address(m.vm, memory, address, offset, size_bytes)
        }
    }

    accesses!(address);
}
