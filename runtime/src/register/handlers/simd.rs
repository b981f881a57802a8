//! Handlers of the vector rows of the opcode table, and of wide arithmetic. A v128 is in two slots
//! next to each other, the low half first, and in no accumulator. Spec: 4.3.5 Vector Operations,
//! 4.6.6 Memory Instructions.

use super::memory::{LoadOp, StoreOp, load, load_wide, store, store_wide, wide};
use crate::numeric;
use crate::ops::for_each_group;
use crate::register::machine::{
    CellHandler, Immediate, InAcc, InSlot, OperandSource, Regs, forms, handlers, or_trap,
};
use crate::register::table::{ByProfile, PLAIN_OPS, SCALAR_FORMS, SCALAR_OPS};
use crate::simd::native::by_profile;
use crate::simd::{self as pure, V128};

/// Reads the vector that a field names.
#[inline(always)]
unsafe fn vector(r: &Regs, n: usize) -> V128 {
    // SAFETY: fields name slots of the frame.
    unsafe { r.slot(n).cast::<V128>().read_unaligned() }
}

/// Writes a vector to the slots that a field names.
#[inline(always)]
unsafe fn set(r: &Regs, n: usize, vector: V128) {
    // SAFETY: fields name slots of the frame.
    unsafe { r.slot(n).cast::<V128>().write_unaligned(vector) };
}

macro_rules! unary {
    ($func:ident) => {
        handlers! {
            /// `c := op(a)`
            fn $func(r) {
                set(&r, 3, pure::$func(vector(&r, 1)));
                r.next(1)
            }
        }
    };
}

macro_rules! binary {
    ($func:ident) => {
        handlers! {
            /// `c := op(a, b)`
            fn $func(r) {
                set(&r, 3, pure::$func(vector(&r, 1), vector(&r, 2)));
                r.next(1)
            }
        }
    };
}

macro_rules! ternary {
    ($func:ident) => {
        handlers! {
            /// `further cell := op(a, b, c)`
            fn $func(r) {
                let result = pure::$func(vector(&r, 1), vector(&r, 2), vector(&r, 3));
                r.fp.add(r.cell(1) as usize).cast::<V128>().write_unaligned(result);
                r.next(2)
            }
        }
    };
}

macro_rules! shift {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128, i32) -> v128; $($column:tt)* })* })*) => { handlers! { $($(
        /// `c := op(a, b)`, b being a scalar.
        fn $func<B: OperandSource>(r) {
            set(&r, 3, pure::$func(vector(&r, 1), B::get(&r, 2)));
            r.next(1)
        }
    )*)* } };
}

macro_rules! splat {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($a:ident) -> v128; $($column:tt)* })* })*) => { handlers! { $($(
        /// `c := op(b)`, b being a scalar.
        fn $func<B: OperandSource>(r) {
            set(&r, 3, pure::$func(B::get(&r, 2)));
            r.next(1)
        }
    )*)* } };
}

macro_rules! reduce {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128) -> i32; $($column:tt)* })* })*) => { handlers! { $($(
        /// `c := op(a)`, a scalar.
        fn $func(r) {
            let result = pure::$func(vector(&r, 1));
            r.set(3, result);
            r.next(1)
        }
    )*)* } };
}

macro_rules! shuffle {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128, v128, lanes) -> v128 })* })*) => { handlers! { $($(
        /// `c := op(a, b)` by the lane numbers in two further cells.
        fn $func(r) {
            let lanes = V128::from_slots([r.cell(1), r.cell(2)]);
            set(&r, 3, pure::$func(vector(&r, 1), vector(&r, 2), lanes.0));
            r.next(3)
        }
    )*)* } };
}

macro_rules! extract_lane {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128, lane) -> $result:ident; $($column:tt)* })* })*) => { handlers! { $($(
        /// `c := op(a)` of lane b, a scalar.
        fn $func(r) {
            let result = pure::$func(vector(&r, 1), r.field(2) as u8);
            r.set(3, result);
            r.next(1)
        }
    )*)* } };
}

macro_rules! replace_lane {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128, lane, $a:ident) -> v128; $($column:tt)* })* })*) => { handlers! { $($(
        /// `c := op(a, b)` of the lane in the further cell, b being a scalar.
        fn $func<B: OperandSource>(r) {
            set(&r, 3, pure::$func(vector(&r, 1), r.cell(1) as u8, B::get(&r, 2)));
            r.next(2)
        }
    )*)* } };
}

macro_rules! loads {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($storage:ident) -> v128; $($column:tt)* })* })*) => {
        mod load_ops {
            $($(pub(super) struct $op;)*)*
        }
        $($(impl LoadOp for load_ops::$op {
            const SIZE_BYTES: usize = size_of::<$storage>();
            #[inline(always)]
            unsafe fn load(r: &mut Regs, n: usize, from: *const u8) {
                // SAFETY: the caller's contract.
                unsafe {
                    let bits = $storage::from_le(from.cast::<$storage>().read_unaligned());
                    set(r, n, pure::$func(bits));
                }
            }
        })*)*
    };
}

macro_rules! stores {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128) -> $storage:ident })* })*) => {
        mod store_ops {
            $($(pub(super) struct $op;)*)*
        }
        $($(impl StoreOp for store_ops::$op {
            const SIZE_BYTES: usize = size_of::<$storage>();
            #[inline(always)]
            unsafe fn store<V: OperandSource>(r: &Regs, n: usize, to: *mut u8) {
                // SAFETY: the caller's contract.
                unsafe {
                    let bits = pure::$func(vector(r, n)).to_le();
                    to.cast::<$storage>().write_unaligned(bits);
                }
            }
        })*)*
    };
}

macro_rules! load_lanes {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($storage:ident, v128, lane) -> v128; $($column:tt)* })* })*) => {
        handlers! { $($(
        /// `c := b`, with a lane from `memory [a + further cell]`; lane and memory are in the
        /// halves of another further cell.
        fn $func(r) {
            let memory = (r.cell(2) >> 32) as usize;
            let from = or_trap!(r, wide(&r, size_of::<$storage>(), memory));
            let bits = $storage::from_le(from.cast::<$storage>().read_unaligned());
            set(&r, 3, pure::$func(bits, vector(&r, 2), r.cell(2) as u8));
            r.next(3)
        }
    )*)* } };
}

macro_rules! store_lanes {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident(v128, lane) -> $storage:ident; $($column:tt)* })* })*) => { handlers! { $($(
        /// `memory [a + further cell] := lane of b`; lane and memory are in the halves of another
        /// further cell.
        fn $func(r) {
            let memory = (r.cell(2) >> 32) as usize;
            let to = or_trap!(r, wide(&r, size_of::<$storage>(), memory));
            let bits: $storage = pure::$func(vector(&r, 2), r.cell(2) as u8);
            to.cast::<$storage>().write_unaligned(bits.to_le());
            r.next(3)
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
for_each_group!([for_each_simd_shuffle] shuffle;);
for_each_group!([for_each_simd_extract_lane] extract_lane;);
for_each_group!([for_each_simd_replace_lane] replace_lane;);
for_each_group!([for_each_simd_load] loads;);
for_each_group!([for_each_simd_store] stores;);
for_each_group!([for_each_simd_load_lane] load_lanes;);
for_each_group!([for_each_simd_store_lane] store_lanes;);

/// Handlers of the rows that are others in the native profile.
mod native {
    use super::{for_each_group, handlers, set, vector};
    use crate::simd::V128;
    use crate::simd::native::{self as pure, by_profile};

    macro_rules! rows {
        ($handler:ident $($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
            { $func:ident $($tail:tt)* })* })*) => {
            $($(by_profile! { $func [$handler! { $func }] [] })*)*
        };
    }

    for_each_group!([for_each_simd_unary] rows; unary);
    for_each_group!([for_each_simd_binary] rows; binary);
    for_each_group!([for_each_simd_ternary] rows; ternary);
}

/// Wide arithmetic: the operands' slots are in the fields, then in those of the further cell, and
/// in its last field the first slot of the results.
macro_rules! wide_arithmetic {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($($param:ident),*) -> (i64, i64) })* })*) => { $($(
        wide_arithmetic! { $func $($param)* }
    )*)* };
    ($func:ident i64 i64) => { handlers! {
        /// `low, high := op(a, b)`
        fn $func(r) {
            let halves = numeric::$func(*r.slot(1), *r.slot(2));
            r.halves(halves)
        }
    } };
    ($func:ident i64 i64 i64 i64) => { handlers! {
        /// `low, high := op(a, b, c, further)`
        fn $func(r) {
            let last = *r.fp.add(r.cell(1) as u16 as usize);
            let halves = numeric::$func(*r.slot(1), *r.slot(2), *r.slot(3), last);
            r.halves(halves)
        }
    } };
}

impl Regs {
    /// Writes the results of wide arithmetic, and goes on.
    #[inline(always)]
    unsafe fn halves(self, (low, high): (u64, u64)) -> crate::register::machine::Flow {
        // SAFETY: the contract of `CellHandler`.
        unsafe {
            let to = self.fp.add((self.cell(1) >> 48) as usize);
            *to = low;
            *to.add(1) = high;
            self.next(2)
        }
    }
}

for_each_group!([for_each_wide] wide_arithmetic;);

macro_rules! plain_rows {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident $($tail:tt)* })* })*) => {
        pub(super) const PLAIN: ByProfile<[CellHandler; PLAIN_OPS.len()]> = [
            [$($($func),*),*],
            [$($(by_profile!($func [native::$func] [$func])),*),*],
        ];
    };
}

for_each_group!([for_each_simd_unary for_each_simd_binary for_each_simd_ternary for_each_simd_reduce
    for_each_simd_shuffle for_each_simd_extract_lane for_each_simd_load_lane
    for_each_simd_store_lane for_each_wide] plain_rows;);

macro_rules! scalar_rows {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident $($tail:tt)* })* })*) => {
        pub(super) const SCALARS: [[CellHandler; SCALAR_FORMS]; SCALAR_OPS.len()] =
            [$($(scalar_row!($group $op $func)),*),*];
    };
}

macro_rules! scalar_row {
    (simd_load $op:ident $func:ident) => {
        [load::<load_ops::$op, InSlot>, load::<load_ops::$op, InAcc>, load_wide::<load_ops::$op>]
    };
    (simd_store $op:ident $func:ident) => { [
        store::<store_ops::$op, InSlot, InSlot>,
        store::<store_ops::$op, InAcc, InSlot>,
        store_wide::<store_ops::$op>,
    ] };
    ($group:ident $op:ident $func:ident) => { forms!($func [] [InSlot InAcc Immediate]) };
}

for_each_group!([for_each_simd_shift for_each_simd_splat for_each_simd_replace_lane
    for_each_simd_load for_each_simd_store] scalar_rows;);
