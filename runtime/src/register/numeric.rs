//! Handlers of numeric instructions, alone and fused with a branch: one per row of the opcode table
//! and way of getting the operands. What they compute is in `crate::numeric`.

use super::machine::handlers;
use super::machine::{Flag, Handler, Immediate, InAcc, InSlot, Negated, Plain, Source, Value};
use crate::numeric::native::{self, by_profile};
use crate::numeric::{self, Slot};
use crate::ops::{Op, for_each_group};
use crate::trap::TrapKind;

/// What a pure function gives.
pub(super) trait Outcome {
    type T: Value;
    fn get(self) -> Result<Self::T, TrapKind>;
}

impl<T: Value> Outcome for T {
    type T = T;
    #[inline(always)]
    fn get(self) -> Result<T, TrapKind> {
        Ok(self)
    }
}

impl<T: Value> Outcome for Result<T, TrapKind> {
    type T = T;
    #[inline(always)]
    fn get(self) -> Result<T, TrapKind> {
        self
    }
}

/// A row of one operand.
pub(super) trait UnaryOp {
    type A: Value;
    /// The row in the native profile.
    type Native: UnaryOp<A = Self::A>;
    fn run(a: Self::A) -> impl Outcome;
}

/// A row of two operands of one type.
pub(super) trait BinaryOp {
    type A: Value;
    /// The row in the native profile.
    type Native: BinaryOp<A = Self::A>;
    fn run(a: Self::A, b: Self::A) -> impl Outcome;
}

/// A row as it is in the native profile.
pub(super) struct Native<O>(std::marker::PhantomData<O>);

handlers! {
    /// `c := op(a)`
    fn unary<O: UnaryOp, A: Source>(r) {
        match O::run(A::get(&r, 1)).get() {
            Ok(value) => {
                r.set(3, value);
                r.next(1)
            }
            Err(kind) => r.trap(kind),
        }
    }

    /// `c := op(a, b)`
    fn binary<O: BinaryOp, A: Source, B: Source>(r) {
        match O::run(A::get(&r, 1), B::get(&r, 2)).get() {
            Ok(value) => {
                r.set(3, value);
                r.next(1)
            }
            Err(kind) => r.trap(kind),
        }
    }

    /// Jumps by `c` if `op(a, b)` is not 0 (negated: if it is).
    fn branch<O: BinaryOp, A: Source, B: Source, N: Flag>(r) {
        let taken = match O::run(A::get(&r, 1), B::get(&r, 2)).get() {
            Ok(value) => (value.into_slot() != 0) != N::SET,
            Err(kind) => return r.trap(kind),
        };
        if taken {
            r.jump(i32::from(r.field(3) as i16))
        } else {
            r.next(1)
        }
    }

    /// `a := a + b`, and jumps by `c` if that is not 0 (negated: if it is).
    fn count<O: BinaryOp, N: Flag>(r) {
        let sum = O::run(InSlot::get(&r, 1), Immediate::get(&r, 2)).get();
        let Ok(sum) = sum else { return r.next(1) };
        r.set(1, sum);
        if (sum.into_slot() != 0) != N::SET {
            r.jump(i32::from(r.field(3) as i16))
        } else {
            r.next(1)
        }
    }

    /// `further cell := second(c, first(a, b))` (negated: the other way round); neither traps.
    fn chain<M: BinaryOp, O: BinaryOp<A = M::A>, B: Source, X: Source, N: Flag>(r) {
        let x = X::get(&r, 3);
        let first = M::run(InSlot::get(&r, 1), B::get(&r, 2)).get();
        let Ok(first) = first else { return r.next(2) };
        let value = second::<O, N>(x, Slot::from_slot(first.into_slot()));
        *r.fp.add(r.cell(1) as usize) = value.into_slot();
        value.accumulate(&mut r);
        r.next(2)
    }

    /// `a := a + b` of i32, and jumps by the further cell if `op(a, c)` (negated: if not).
    fn step<O: BinaryOp, B: Source, N: Flag>(r) {
        let sum = numeric::i32_add(InSlot::get(&r, 1), Immediate::get(&r, 2));
        r.set(1, sum);
        let taken = match O::run(O::A::accumulated(&r), B::get(&r, 3)).get() {
            Ok(value) => (value.into_slot() != 0) != N::SET,
            Err(kind) => return r.trap(kind),
        };
        if taken {
            r.jump(r.cell(1) as i32)
        } else {
            r.next(2)
        }
    }
}

/// The second operation of two, of the first one's result and another operand, or negated the other
/// way round. It must not trap.
#[inline(always)]
pub(super) fn second<O: BinaryOp, N: Flag>(x: O::A, first: O::A) -> O::A {
    let (a, b) = if N::SET { (first, x) } else { (x, first) };
    match O::run(a, b).get() {
        Ok(value) => Slot::from_slot(value.into_slot()),
        Err(_) => first,
    }
}

/// The ways of getting the operands of a unary row, in the order of its handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum One {
    Slot,
    Acc,
}

/// The ways of getting the operands of a binary row, in the order of its handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Two {
    SlotSlot,
    SlotImm,
    AccSlot,
    SlotAcc,
    AccImm,
}

pub(super) const ONE: usize = One::Acc as usize + 1;
pub(super) const TWO: usize = Two::AccImm as usize + 1;

const fn unary_row<O: UnaryOp>() -> [Handler; ONE] {
    [unary::<O, InSlot>, unary::<O, InAcc>]
}

const fn binary_row<O: BinaryOp>() -> [Handler; TWO] {
    [
        binary::<O, InSlot, InSlot>,
        binary::<O, InSlot, Immediate>,
        binary::<O, InAcc, InSlot>,
        binary::<O, InSlot, InAcc>,
        binary::<O, InAcc, Immediate>,
    ]
}

const fn branch_ways<O: BinaryOp, N: Flag>() -> [Handler; TWO] {
    [
        branch::<O, InSlot, InSlot, N>,
        branch::<O, InSlot, Immediate, N>,
        branch::<O, InAcc, InSlot, N>,
        branch::<O, InSlot, InAcc, N>,
        branch::<O, InAcc, Immediate, N>,
    ]
}

/// By negation, then operands.
pub(super) type Branches = [[Handler; TWO]; 2];

const fn branch_row<O: BinaryOp>() -> Branches {
    [branch_ways::<O, Plain>(), branch_ways::<O, Negated>()]
}

/// By negation, then whether the second operand is an immediate.
pub(super) type Steps = [[Handler; 2]; 2];

const fn step_row<O: BinaryOp>() -> Steps {
    [
        [step::<O, InSlot, Plain>, step::<O, Immediate, Plain>],
        [step::<O, InSlot, Negated>, step::<O, Immediate, Negated>],
    ]
}

macro_rules! value {
    (i32) => {
        u32
    };
    (i64) => {
        u64
    };
    (f32) => {
        f32
    };
    (f64) => {
        f64
    };
}
pub(super) use value;

/// What the rows mean, and the rows' opcodes in the order of their handlers.
macro_rules! unary_rows {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($a:ident) -> $result:ident })* })*) => {
        mod unary_ops {
            $($(pub(super) struct $op;)*)*
        }
        $($(impl UnaryOp for unary_ops::$op {
            type A = value!($a);
            type Native = by_profile!($func [Native<Self>] [Self]);
            #[inline(always)]
            fn run(a: Self::A) -> impl Outcome {
                numeric::$func(a)
            }
        })*)*
        pub(super) const UNARY_OPS: &[Op] = &[$($(Op::$op),*),*];
        pub(super) const UNARY: [[Handler; ONE]; UNARY_OPS.len()] =
            [$($(unary_row::<unary_ops::$op>()),*),*];
        $($(by_profile! { $func [
            impl UnaryOp for Native<unary_ops::$op> {
                type A = value!($a);
                type Native = Self;
                #[inline(always)]
                fn run(a: Self::A) -> impl Outcome {
                    native::$func(a)
                }
            }
        ] [] })*)*
        /// The same in the native profile.
        pub(super) const NATIVE_UNARY: [[Handler; ONE]; UNARY_OPS.len()] =
            [$($(unary_row::<<unary_ops::$op as UnaryOp>::Native>()),*),*];
    };
}

macro_rules! binary_rows {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($a:ident, $b:ident) -> $result:ident })* })*) => {
        pub(super) mod binary_ops {
            $($(pub(in crate::register) struct $op;)*)*
        }
        $($(impl BinaryOp for binary_ops::$op {
            type A = value!($a);
            type Native = by_profile!($func [Native<Self>] [Self]);
            #[inline(always)]
            fn run(a: Self::A, b: Self::A) -> impl Outcome {
                numeric::$func(a, b)
            }
        })*)*
        pub(super) const BINARY_OPS: &[Op] = &[$($(Op::$op),*),*];
        pub(super) const BINARY: [[Handler; TWO]; BINARY_OPS.len()] =
            [$($(binary_row::<binary_ops::$op>()),*),*];
        $($(by_profile! { $func [
            impl BinaryOp for Native<binary_ops::$op> {
                type A = value!($a);
                type Native = Self;
                #[inline(always)]
                fn run(a: Self::A, b: Self::A) -> impl Outcome {
                    native::$func(a, b)
                }
            }
        ] [] })*)*
        /// The same in the native profile.
        pub(super) const NATIVE_BINARY: [[Handler; TWO]; BINARY_OPS.len()] =
            [$($(binary_row::<<binary_ops::$op as BinaryOp>::Native>()),*),*];
    };
}

macro_rules! branch_rows {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        pub(super) const BRANCH_OPS: &[Op] = &[$($(Op::$op),*),*];
        pub(super) const BRANCH: [Branches; BRANCH_OPS.len()] =
            [$($(branch_row::<binary_ops::$op>()),*),*];
    };
}

for_each_group!([for_each_unary for_each_test for_each_convert for_each_convert_trapping]
    unary_rows;);
for_each_group!([for_each_binary for_each_binary_trapping for_each_compare] binary_rows;);
for_each_group!([for_each_compare] branch_rows;);

/// `i32.and` as a condition.
pub(super) const BRANCH_AND: Branches = branch_row::<binary_ops::I32And>();

/// `i32.add`, `i64.add` as conditions of counted loops; by negation.
pub(super) const COUNT: [[Handler; 2]; 2] = [
    [
        count::<binary_ops::I32Add, Plain>,
        count::<binary_ops::I32Add, Negated>,
    ],
    [
        count::<binary_ops::I64Add, Plain>,
        count::<binary_ops::I64Add, Negated>,
    ],
];

macro_rules! step_rows {
    ($($op:ident)*) => {
        /// The comparisons that end a counted loop.
        pub(super) const STEP_OPS: &[Op] = &[$(Op::$op),*];
        pub(super) const STEP: [Steps; STEP_OPS.len()] = [$(step_row::<binary_ops::$op>()),*];
    };
}

step_rows!(I32Eq I32Ne I32LtS I32LtU I32GtS I32GtU I32LeS I32LeU I32GeS I32GeU);

/// By whether the first result is the first operand, then whether the other one is in the
/// accumulator.
pub(super) type Chains = [[Handler; 2]; 2];

const fn chain_row<M: BinaryOp, O: BinaryOp<A = M::A>, B: Source>() -> Chains {
    [
        [
            chain::<M, O, B, InSlot, Plain>,
            chain::<M, O, B, InAcc, Plain>,
        ],
        [
            chain::<M, O, B, InSlot, Negated>,
            chain::<M, O, B, InAcc, Negated>,
        ],
    ]
}

macro_rules! chain_rows {
    ($(#[$meta:meta])* $ops:ident $handlers:ident $b:ident; $($first:ident $second:ident;)*) => {
        $(#[$meta])*
        pub(super) const $ops: &[(Op, Op)] = &[$((Op::$first, Op::$second)),*];
        pub(super) const $handlers: [Chains; $ops.len()] =
            [$(chain_row::<binary_ops::$first, binary_ops::$second, $b>()),*];
    };
    (native $handlers:ident; $($first:ident $second:ident;)*) => {
        /// Those that may be of floats, in the native profile.
        pub(super) const $handlers: [Chains; CHAIN_OPS.len()] = [$(chain_row::<
            <binary_ops::$first as BinaryOp>::Native,
            <binary_ops::$second as BinaryOp>::Native,
            InSlot,
        >()),*];
    };
}

/// Passes on the pairs of operations in slots.
macro_rules! for_each_chain {
    ($($context:tt)*) => {
        chain_rows! {
            $($context)*
            I32Mul I32Add;
            I64Mul I64Add;
            F32Mul F32Add;
            F32Mul F32Sub;
            F64Mul F64Add;
            F64Mul F64Sub;
        }
    };
}

for_each_chain! {
    /// Pairs of operations of which the second takes the first one's result.
    CHAIN_OPS CHAIN InSlot;
}
for_each_chain!(native NATIVE_CHAIN;);

chain_rows! {
    /// Pairs, all of integers, where the first one's second operand is an immediate.
    CHAIN_IMM_OPS CHAIN_IMM Immediate;
    I32Shl I32Add;
    I32Shl I32Or;
    I32Shl I32Xor;
    I32ShrU I32Xor;
    I32And I32Add;
    I32Mul I32Add;
    I64Shl I64Add;
    I64Shl I64Or;
    I64Shl I64Xor;
    I64ShrU I64Xor;
    I64Rotl I64Mul;
}
