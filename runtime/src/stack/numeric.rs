//! Handlers of the scalar numeric rows of the opcode table, each named as the pure function that is
//! its row's meaning (spec: "Numeric Instructions").

use super::machine::{determined as note, handlers, or_trap};
use crate::numeric::{self as pure, RowResult, Slot};
use crate::ops::for_each_group;

macro_rules! one_operand {
    ($func:ident) => {
        handlers! {
            /// The row of one operand with this function.
            fn $func(m) {
                let result = pure::$func(Slot::from_slot(m.acc));
                note(&m, &result);
                m.acc = or_trap!(m, result.get()).into_slot();
                m.next()
            }
        }
    };
}

macro_rules! two_operands {
    ($func:ident) => {
        handlers! {
            /// The row of two operands with this function.
            fn $func(m) {
                let b = Slot::from_slot(m.acc);
                m.sp = m.sp.sub(1);
                let result = pure::$func(Slot::from_slot(*m.sp), b);
                note(&m, &result);
                m.acc = or_trap!(m, result.get()).into_slot();
                m.next()
            }
        }
    };
}

/// A handler for each row, by the macro named before the groups.
macro_rules! rows {
    ($handler:ident $($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident $($tail:tt)* })* })*) => { $($($handler! { $func })*)* };
}

for_each_group!([for_each_unary for_each_test for_each_convert for_each_convert_trapping]
    rows; one_operand);
for_each_group!([for_each_binary for_each_compare for_each_binary_trapping] rows; two_operands);

/// Handlers of the rows that are others in the native profile, and of those that make NaNs.
pub(super) mod native {
    use super::{RowResult, Slot, for_each_group, handlers, or_trap};
    use crate::numeric::native as pure;
    use crate::stack::choice::by_choice;
    use crate::stack::machine::note;

    macro_rules! rows {
        ($handler:ident $($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
            { $func:ident $($tail:tt)* })* })*) => {
            $($(by_choice! { $func [$handler! { $func }] [] })*)*
        };
    }

    for_each_group!([for_each_unary for_each_convert] rows; one_operand);
    for_each_group!([for_each_binary] rows; two_operands);
}

/// Wide arithmetic: the operands and the results are halves, the low one first.
macro_rules! wide {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident($($param:ident),*) -> (i64, i64) })* })*) => { $($(
        wide! { $func $($param)* }
    )*)* };
    ($func:ident i64 i64) => { handlers! {
        /// The row of two operands with this function.
        fn $func(m) {
            (*m.sp.sub(1), m.acc) = pure::$func(*m.sp.sub(1), m.acc);
            m.next()
        }
    } };
    ($func:ident i64 i64 i64 i64) => { handlers! {
        /// The row of four operands with this function.
        fn $func(m) {
            let result = pure::$func(*m.sp.sub(3), *m.sp.sub(2), *m.sp.sub(1), m.acc);
            m.sp = m.sp.sub(2);
            (*m.sp.sub(1), m.acc) = result;
            m.next()
        }
    } };
}

for_each_group!([for_each_wide] wide;);
