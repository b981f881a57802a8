//! Handlers of numeric instructions, alone and fused with a branch: one per row of the opcode table
//! and form of the operands. Their pure functions are in `crate::numeric`.

use crate::numeric::native::{self, by_profile};
use crate::numeric::{self, Slot};
use crate::ops::for_each_group;
use crate::register::machine::handlers;
use crate::register::machine::{
    AccValue, Flag, Handler, Immediate, InAcc, InSlot, Negated, OperandSource, Plain,
};
use crate::register::table::{
    BINARY_FORMS, BINARY_OPS, BRANCH_OPS, Branches, CHAIN_IMM_OPS, CHAIN_OPS, Chains, STEP_OPS,
    Steps, UNARY_FORMS, UNARY_OPS, for_each_chain, for_each_chain_imm, for_each_step,
};
use crate::trap::TrapKind;

/// The result of a pure function: a value, or a value or a trap.
pub(in crate::register) trait RowResult {
    type T: AccValue;
    fn get(self) -> Result<Self::T, TrapKind>;
}

impl<T: AccValue> RowResult for T {
    type T = T;
    #[inline(always)]
    fn get(self) -> Result<T, TrapKind> {
        Ok(self)
    }
}

impl<T: AccValue> RowResult for Result<T, TrapKind> {
    type T = T;
    #[inline(always)]
    fn get(self) -> Result<T, TrapKind> {
        self
    }
}

/// A row of one operand.
pub(in crate::register) trait UnaryOp {
    type A: AccValue;
    /// The row in the native profile.
    type Native: UnaryOp<A = Self::A>;
    fn run(a: Self::A) -> impl RowResult;
}

/// A row of two operands of one type.
pub(in crate::register) trait BinaryOp {
    type A: AccValue;
    /// The row in the native profile.
    type Native: BinaryOp<A = Self::A>;
    fn run(a: Self::A, b: Self::A) -> impl RowResult;
}

/// A row as it is in the native profile.
pub(in crate::register) struct Native<O>(std::marker::PhantomData<O>);

handlers! {
    /// `c := op(a)`
    fn unary<O: UnaryOp, A: OperandSource>(r) {
        match O::run(A::get(&r, 1)).get() {
            Ok(value) => {
                r.set(3, value);
                r.next(1)
            }
            Err(kind) => r.trap(kind),
        }
    }

    /// `c := op(a, b)`
    fn binary<O: BinaryOp, A: OperandSource, B: OperandSource>(r) {
        match O::run(A::get(&r, 1), B::get(&r, 2)).get() {
            Ok(value) => {
                r.set(3, value);
                r.next(1)
            }
            Err(kind) => r.trap(kind),
        }
    }

    /// Jumps by `c` if `op(a, b)` is not 0 (negated: if it is).
    fn branch<O: BinaryOp, A: OperandSource, B: OperandSource, N: Flag>(r) {
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
    fn chain<M: BinaryOp, O: BinaryOp<A = M::A>, B: OperandSource, X: OperandSource, N: Flag>(r) {
        let x = X::get(&r, 3);
        let first = M::run(InSlot::get(&r, 1), B::get(&r, 2)).get();
        let Ok(first) = first else { return r.next(2) };
        let value = second::<O, N>(x, Slot::from_slot(first.into_slot()));
        *r.fp.add(r.cell(1) as usize) = value.into_slot();
        value.accumulate(&mut r);
        r.next(2)
    }

    /// `a := a + b` of i32, and jumps by the further cell if `op(a, c)` (negated: if not).
    fn step<O: BinaryOp, B: OperandSource, N: Flag>(r) {
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
pub(in crate::register) fn second<O: BinaryOp, N: Flag>(x: O::A, first: O::A) -> O::A {
    let (a, b) = if N::SET { (first, x) } else { (x, first) };
    match O::run(a, b).get() {
        Ok(value) => Slot::from_slot(value.into_slot()),
        Err(_) => first,
    }
}

const fn unary_row<O: UnaryOp>() -> [Handler; UNARY_FORMS] {
    [unary::<O, InSlot>, unary::<O, InAcc>]
}

const fn binary_row<O: BinaryOp>() -> [Handler; BINARY_FORMS] {
    [
        binary::<O, InSlot, InSlot>,
        binary::<O, InSlot, Immediate>,
        binary::<O, InAcc, InSlot>,
        binary::<O, InSlot, InAcc>,
        binary::<O, InAcc, Immediate>,
    ]
}

const fn branch_forms<O: BinaryOp, N: Flag>() -> [Handler; BINARY_FORMS] {
    [
        branch::<O, InSlot, InSlot, N>,
        branch::<O, InSlot, Immediate, N>,
        branch::<O, InAcc, InSlot, N>,
        branch::<O, InSlot, InAcc, N>,
        branch::<O, InAcc, Immediate, N>,
    ]
}

const fn branch_row<O: BinaryOp>() -> Branches {
    [branch_forms::<O, Plain>(), branch_forms::<O, Negated>()]
}

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
pub(in crate::register) use value;

/// The functions of the rows, and their handlers in the order of the table.
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
            fn run(a: Self::A) -> impl RowResult {
                numeric::$func(a)
            }
        })*)*
        pub(super) const UNARY: [[Handler; UNARY_FORMS]; UNARY_OPS.len()] =
            [$($(unary_row::<unary_ops::$op>()),*),*];
        $($(by_profile! { $func [
            impl UnaryOp for Native<unary_ops::$op> {
                type A = value!($a);
                type Native = Self;
                #[inline(always)]
                fn run(a: Self::A) -> impl RowResult {
                    native::$func(a)
                }
            }
        ] [] })*)*
        /// The same in the native profile.
        pub(super) const NATIVE_UNARY: [[Handler; UNARY_FORMS]; UNARY_OPS.len()] =
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
            fn run(a: Self::A, b: Self::A) -> impl RowResult {
                numeric::$func(a, b)
            }
        })*)*
        pub(super) const BINARY: [[Handler; BINARY_FORMS]; BINARY_OPS.len()] =
            [$($(binary_row::<binary_ops::$op>()),*),*];
        $($(by_profile! { $func [
            impl BinaryOp for Native<binary_ops::$op> {
                type A = value!($a);
                type Native = Self;
                #[inline(always)]
                fn run(a: Self::A, b: Self::A) -> impl RowResult {
                    native::$func(a, b)
                }
            }
        ] [] })*)*
        /// The same in the native profile.
        pub(super) const NATIVE_BINARY: [[Handler; BINARY_FORMS]; BINARY_OPS.len()] =
            [$($(binary_row::<<binary_ops::$op as BinaryOp>::Native>()),*),*];
    };
}

macro_rules! branch_rows {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        pub(super) const BRANCH: [Branches; BRANCH_OPS.len()] =
            [$($(branch_row::<binary_ops::$op>()),*),*];
    };
}

for_each_group!([for_each_unary for_each_test for_each_convert for_each_convert_trapping]
    unary_rows;);
for_each_group!([for_each_binary for_each_binary_trapping for_each_compare] binary_rows;);
for_each_group!([for_each_compare] branch_rows;);

/// `i32.and` as a condition.
pub(in crate::register) const BRANCH_AND: Branches = branch_row::<binary_ops::I32And>();

/// `i32.add`, `i64.add` as conditions of counted loops; by negation.
pub(in crate::register) const COUNT: [[Handler; 2]; 2] = [
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
        pub(super) const STEP: [Steps; STEP_OPS.len()] = [$(step_row::<binary_ops::$op>()),*];
    };
}

for_each_step!(step_rows);

const fn chain_row<M: BinaryOp, O: BinaryOp<A = M::A>, B: OperandSource>() -> Chains {
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
    ($($first:ident $second:ident;)*) => {
        pub(super) const CHAIN: [Chains; CHAIN_OPS.len()] =
            [$(chain_row::<binary_ops::$first, binary_ops::$second, InSlot>()),*];
        /// The same in the native profile.
        pub(super) const NATIVE_CHAIN: [Chains; CHAIN_OPS.len()] = [$(chain_row::<
            <binary_ops::$first as BinaryOp>::Native,
            <binary_ops::$second as BinaryOp>::Native,
            InSlot,
        >()),*];
    };
}

macro_rules! chain_imm_rows {
    ($($first:ident $second:ident;)*) => {
        pub(super) const CHAIN_IMM: [Chains; CHAIN_IMM_OPS.len()] =
            [$(chain_row::<binary_ops::$first, binary_ops::$second, Immediate>()),*];
    };
}

for_each_chain!(chain_rows);
for_each_chain_imm!(chain_imm_rows);
