//! Handlers of the scalar numeric rows of the opcode table, each named as the pure function that is
//! its row's meaning (spec: "Numeric Instructions").

use super::machine::handlers;
use crate::numeric::{self as pure, Slot};
use crate::ops::for_each_group;

macro_rules! one_operand {
    ($func:ident $name:literal) => {
        handlers! {
            #[doc = concat!("`", $name, "`")]
            fn $func(m) {
                m.acc = pure::$func(Slot::from_slot(m.acc)).into_slot();
                m.next()
            }
        }
    };
}

macro_rules! one_operand_trapping {
    ($func:ident $name:literal) => {
        handlers! {
            #[doc = concat!("`", $name, "`")]
            fn $func(m) {
                match pure::$func(Slot::from_slot(m.acc)) {
                    Ok(result) => m.acc = result.into_slot(),
                    Err(kind) => return m.trap(kind),
                }
                m.next()
            }
        }
    };
}

macro_rules! two_operands {
    ($func:ident $name:literal) => {
        handlers! {
            #[doc = concat!("`", $name, "`")]
            fn $func(m) {
                let b = Slot::from_slot(m.acc);
                m.sp = m.sp.sub(1);
                m.acc = pure::$func(Slot::from_slot(*m.sp), b).into_slot();
                m.next()
            }
        }
    };
}

macro_rules! two_operands_trapping {
    ($func:ident $name:literal) => {
        handlers! {
            #[doc = concat!("`", $name, "`")]
            fn $func(m) {
                let b = Slot::from_slot(m.acc);
                m.sp = m.sp.sub(1);
                match pure::$func(Slot::from_slot(*m.sp), b) {
                    Ok(result) => m.acc = result.into_slot(),
                    Err(kind) => return m.trap(kind),
                }
                m.next()
            }
        }
    };
}

/// A handler for each row, by the macro named before the groups.
macro_rules! rows {
    ($handler:ident $($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
        { $func:ident $($tail:tt)* })* })*) => { $($($handler! { $func $name })*)* };
}

for_each_group!([for_each_unary for_each_test for_each_convert] rows; one_operand);
for_each_group!([for_each_convert_trapping] rows; one_operand_trapping);
for_each_group!([for_each_binary for_each_compare] rows; two_operands);
for_each_group!([for_each_binary_trapping] rows; two_operands_trapping);

/// Handlers of the rows that are others in the native profile.
pub(super) mod native {
    use super::{Slot, for_each_group, handlers};
    use crate::numeric::native::{self as pure, by_profile};

    macro_rules! rows {
        ($handler:ident $($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
            { $func:ident $($tail:tt)* })* })*) => {
            $($(by_profile! { $func [$handler! { $func $name }] [] })*)*
        };
    }

    for_each_group!([for_each_unary for_each_convert] rows; one_operand);
    for_each_group!([for_each_binary] rows; two_operands);
}

handlers! {
    /// `i64.add128`
    fn i64_add128(m) {
        let (a, b) = ((*m.sp.sub(3), *m.sp.sub(2)), (*m.sp.sub(1), m.acc));
        m.sp = m.sp.sub(2);
        (*m.sp.sub(1), m.acc) = pure::i64_add128(a.0, a.1, b.0, b.1);
        m.next()
    }

    /// `i64.sub128`
    fn i64_sub128(m) {
        let (a, b) = ((*m.sp.sub(3), *m.sp.sub(2)), (*m.sp.sub(1), m.acc));
        m.sp = m.sp.sub(2);
        (*m.sp.sub(1), m.acc) = pure::i64_sub128(a.0, a.1, b.0, b.1);
        m.next()
    }

    /// `i64.mul_wide_s`
    fn i64_mul_wide_s(m) {
        (*m.sp.sub(1), m.acc) = pure::i64_mul_wide_s(*m.sp.sub(1), m.acc);
        m.next()
    }

    /// `i64.mul_wide_u`
    fn i64_mul_wide_u(m) {
        (*m.sp.sub(1), m.acc) = pure::i64_mul_wide_u(*m.sp.sub(1), m.acc);
        m.next()
    }
}
