//! Handlers of numeric instructions, alone and fused with a branch: one per row of the opcode table
//! and form of the operands. Their pure functions are in `crate::numeric`.

use crate::numeric::native::{self, by_profile};
use crate::numeric::{self, RowResult, Slot};
use crate::ops::for_each_group;
use crate::register::machine::{
    AccValue, CellHandler, Immediate, InAcc, InSlot, OperandSource, forms, handlers, or_trap,
};
use crate::register::table::{
    BINARY_FORMS, BINARY_OPS, BRANCH_OPS, Branches, ByProfile, CHAIN_IMM_OPS, CHAIN_OPS, Chains,
    STEP_OPS, Steps, UNARY_FORMS, UNARY_OPS, for_each_chain, for_each_chain_imm, for_each_step,
};

/// A row of one operand.
pub(in crate::register) trait UnaryOp {
    type A: AccValue;
    /// The row in the native profile.
    type Native: UnaryOp<A = Self::A>;
    fn run(a: Self::A) -> impl RowResult<Value: AccValue>;
}

/// A row of two operands of one type.
pub(in crate::register) trait BinaryOp {
    type A: AccValue;
    /// The row in the native profile.
    type Native: BinaryOp<A = Self::A>;
    fn run(a: Self::A, b: Self::A) -> impl RowResult<Value: AccValue>;
}

/// A row as it is in the native profile.
pub(in crate::register) struct Native<O>(std::marker::PhantomData<O>);

handlers! {
    /// `c := op(a)`
    fn unary<O: UnaryOp, A: OperandSource>(r) {
        let value = or_trap!(r, O::run(A::get(&r, 1)).get());
        r.set(3, value);
        r.next(1)
    }

    /// `c := op(a, b)`
    fn binary<O: BinaryOp, A: OperandSource, B: OperandSource>(r) {
        let value = or_trap!(r, O::run(A::get(&r, 1), B::get(&r, 2)).get());
        r.set(3, value);
        r.next(1)
    }

    /// Jumps by `c` if `op(a, b)` is not 0 (negated: if it is).
    fn branch<O: BinaryOp, A: OperandSource, B: OperandSource; NEGATED>(r) {
        let value = or_trap!(r, O::run(A::get(&r, 1), B::get(&r, 2)).get());
        if (value.into_slot() != 0) != NEGATED {
            r.jump(i32::from(r.field(3) as i16))
        } else {
            r.next(1)
        }
    }

    /// `a := a + b`, and jumps by `c` if that is not 0 (negated: if it is).
    fn count<O: BinaryOp; NEGATED>(r) {
        let sum = O::run(InSlot::get(&r, 1), Immediate::get(&r, 2)).get();
        let Ok(sum) = sum else { return r.next(1) };
        r.set(1, sum);
        if (sum.into_slot() != 0) != NEGATED {
            r.jump(i32::from(r.field(3) as i16))
        } else {
            r.next(1)
        }
    }

    /// `further cell := second(c, first(a, b))` (swapped: the other way round); neither traps.
    fn chain<M: BinaryOp, O: BinaryOp<A = M::A>, B: OperandSource, X: OperandSource; SWAPPED>(r) {
        let x = X::get(&r, 3);
        let first = M::run(InSlot::get(&r, 1), B::get(&r, 2)).get();
        let Ok(first) = first else { return r.next(2) };
        let value = second::<O, SWAPPED>(x, Slot::from_slot(first.into_slot()));
        *r.fp.add(r.cell(1) as usize) = value.into_slot();
        value.accumulate(&mut r);
        r.next(2)
    }

    /// `a := a + b` of i32, and jumps by the further cell if `op(a, c)` (negated: if not).
    fn step<O: BinaryOp, B: OperandSource; NEGATED>(r) {
        let sum = numeric::i32_add(InSlot::get(&r, 1), Immediate::get(&r, 2));
        r.set(1, sum);
        let value = or_trap!(r, O::run(O::A::accumulated(&r), B::get(&r, 3)).get());
        if (value.into_slot() != 0) != NEGATED {
            r.jump(r.cell(1) as i32)
        } else {
            r.next(2)
        }
    }
}

/// The second operation of two, of another operand and the first one's result, or swapped the other
/// way round. It must not trap.
#[inline(always)]
pub(in crate::register) fn second<O: BinaryOp, const SWAPPED: bool>(x: O::A, first: O::A) -> O::A {
    let (a, b) = if SWAPPED { (first, x) } else { (x, first) };
    match O::run(a, b).get() {
        Ok(value) => Slot::from_slot(value.into_slot()),
        Err(_) => first,
    }
}

/// The handlers of a family in the forms of two operands.
macro_rules! binary_forms {
    ($handler:ident $op:ty $(, $flag:literal)?) => { [
        $handler::<$op, InSlot, InSlot $(, $flag)?>,
        $handler::<$op, InSlot, Immediate $(, $flag)?>,
        $handler::<$op, InAcc, InSlot $(, $flag)?>,
        $handler::<$op, InSlot, InAcc $(, $flag)?>,
        $handler::<$op, InAcc, Immediate $(, $flag)?>,
    ] };
}

const fn unary_row<O: UnaryOp>() -> [CellHandler; UNARY_FORMS] {
    forms!(unary [O,] [InSlot InAcc])
}

const fn binary_row<O: BinaryOp>() -> [CellHandler; BINARY_FORMS] {
    binary_forms!(binary O)
}

const fn branch_row<O: BinaryOp>() -> Branches {
    [
        binary_forms!(branch O, false),
        binary_forms!(branch O, true),
    ]
}

const fn step_row<O: BinaryOp>() -> Steps {
    [
        [step::<O, InSlot, false>, step::<O, Immediate, false>],
        [step::<O, InSlot, true>, step::<O, Immediate, true>],
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

/// The meaning of a row in one of the profiles.
macro_rules! row {
    ($row:ty: $kind:ident = $module:ident::$func:ident($($operand:ident)*) of $ty:ident,
        $native:ty) => {
        impl $kind for $row {
            type A = value!($ty);
            type Native = $native;
            #[inline(always)]
            fn run($($operand: Self::A),*) -> impl RowResult<Value: AccValue> {
                $module::$func($($operand),*)
            }
        }
    };
}

/// The functions of the rows, and their handlers in the order of the table.
macro_rules! unary_rows {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($a:ident) -> $result:ident })* })*) => {
        mod unary_ops {
            $($(pub(super) struct $op;)*)*
        }
        $($(
            row!(unary_ops::$op: UnaryOp = numeric::$func(a) of $a,
                by_profile!($func [Native<Self>] [Self]));
            by_profile!($func [
                row!(Native<unary_ops::$op>: UnaryOp = native::$func(a) of $a, Self);
            ] []);
        )*)*
        pub(super) const UNARY: ByProfile<[[CellHandler; UNARY_FORMS]; UNARY_OPS.len()]> = [
            [$($(unary_row::<unary_ops::$op>()),*),*],
            [$($(unary_row::<<unary_ops::$op as UnaryOp>::Native>()),*),*],
        ];
    };
}

macro_rules! binary_rows {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($a:ident, $b:ident) -> $result:ident })* })*) => {
        pub(super) mod binary_ops {
            $($(pub(in crate::register) struct $op;)*)*
        }
        $($(
            row!(binary_ops::$op: BinaryOp = numeric::$func(a b) of $a,
                by_profile!($func [Native<Self>] [Self]));
            by_profile!($func [
                row!(Native<binary_ops::$op>: BinaryOp = native::$func(a b) of $a, Self);
            ] []);
        )*)*
        pub(super) const BINARY: ByProfile<[[CellHandler; BINARY_FORMS]; BINARY_OPS.len()]> = [
            [$($(binary_row::<binary_ops::$op>()),*),*],
            [$($(binary_row::<<binary_ops::$op as BinaryOp>::Native>()),*),*],
        ];
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
pub(in crate::register) const COUNT: [[CellHandler; 2]; 2] = [
    forms!(count [binary_ops::I32Add,] [false true]),
    forms!(count [binary_ops::I64Add,] [false true]),
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
            chain::<M, O, B, InSlot, false>,
            chain::<M, O, B, InAcc, false>,
        ],
        [
            chain::<M, O, B, InSlot, true>,
            chain::<M, O, B, InAcc, true>,
        ],
    ]
}

macro_rules! chain_rows {
    ($($first:ident $second:ident;)*) => {
        pub(super) const CHAIN: ByProfile<[Chains; CHAIN_OPS.len()]> = [
            [$(chain_row::<binary_ops::$first, binary_ops::$second, InSlot>()),*],
            [$(chain_row::<
                <binary_ops::$first as BinaryOp>::Native,
                <binary_ops::$second as BinaryOp>::Native,
                InSlot,
            >()),*],
        ];
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
