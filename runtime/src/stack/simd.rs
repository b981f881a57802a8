//! Handlers of the vector rows of the opcode table (spec: "Vector Instructions", "Memory
//! Instructions").
//!
//! A v128 takes two slots of the operand stack, the low half first; on top, its high half is in
//! `acc`. Handlers read and write the slots one by one: a processor hands what was just stored on
//! to a load of the same bytes at once, but waits where a load wants the bytes of two stores.

use super::choice::Rounded;
use super::machine::{Machine, determined as note, handlers};
use crate::numeric::Slot;
use crate::ops::for_each_group;
use crate::simd::{self as pure, V128};

macro_rules! opaque {
    ($arch:literal $vector:ty, $class:ident $text:literal) => {
        /// A vector that the compiler does not look through, so that it computes on the whole
        /// vector and not on the slots that the vector came from.
        #[cfg(target_arch = $arch)]
        #[inline(always)]
        fn opaque(vector: V128) -> V128 {
            // SAFETY: both types are sixteen bytes of any value, and the text is only a comment.
            unsafe {
                let mut register: $vector = std::mem::transmute(vector);
                std::arch::asm!(
                    $text,
                    inout($class) register,
                    options(pure, nomem, nostack, preserves_flags)
                );
                std::mem::transmute(register)
            }
        }
    };
}

opaque!("x86_64" std::arch::x86_64::__m128i, xmm_reg "/* {0} */");
opaque!("aarch64" std::arch::aarch64::uint8x16_t, vreg "/* {0:v} */");

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline(always)]
fn opaque(vector: V128) -> V128 {
    vector
}

impl Machine {
    /// The vector at the top of the stack.
    #[inline(always)]
    pub(super) unsafe fn top(&self) -> V128 {
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
    pub(super) unsafe fn set_top(&mut self, vector: V128) {
        let [low, high] = opaque(vector).into_slots();
        // SAFETY: the machine's invariants.
        unsafe { *self.sp.sub(1) = low };
        self.acc = high;
    }
}

macro_rules! unary {
    ($func:ident) => {
        handlers! {
            /// The row with this function.
            fn $func(m) {
                let result = pure::$func(m.top());
                note(&m, &result);
                m.set_top(result);
                m.next()
            }
        }
    };
}

macro_rules! binary {
    ($func:ident) => {
        handlers! {
            /// The row with this function.
            fn $func(m) {
                let result = pure::$func(m.below(3), m.top());
                note(&m, &result);
                m.sp = m.sp.sub(2);
                m.set_top(result);
                m.next()
            }
        }
    };
}

macro_rules! ternary {
    ($func:ident) => {
        handlers! {
            /// The row with this function.
            fn $func(m) {
                let result = pure::$func(m.below(5), m.below(3), m.top());
                note(&m, &Rounded);
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
        { $func:ident $($tail:tt)* })* })*) => { $($($handler! { $func })*)* };
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

/// Handlers of the rows that are others in the native profile, and of those that make NaNs.
pub(super) mod native {
    use super::{Rounded, for_each_group, handlers};
    use crate::simd::native as pure;
    use crate::stack::choice::vector_by_choice;
    use crate::stack::machine::note;

    macro_rules! rows {
        ($handler:ident $($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
            { $func:ident $($tail:tt)* })* })*) => {
            $($(vector_by_choice! { $func [$handler! { $func }] [] })*)*
        };
    }

    for_each_group!([for_each_simd_unary] rows; unary);
    for_each_group!([for_each_simd_binary] rows; binary);
    for_each_group!([for_each_simd_ternary] rows; ternary);
}
