//! The tables of SSA instructions and terminators. Operands, text and effects follow from them.
//!
//! A row is `Variant { field: role Type, .. } = "text", arguments..; [effects]`. The role of a
//! field is `value` (an operand), `values` (a list of operands), `callee` (a [`Callee`], which may
//! have an operand) or `given` (data). The text may name `ssa`, the function. Effects are the
//! fields of [`Effects`], each with a condition if it does not always hold. A description has
//! `r[x]` for the value `x`.
//!
//! Invariant: the order of fields is the order in which operands are met.

use std::fmt::{self, Write as _};

use super::atomic::AtomicOp;
use super::print::Values;
use super::{Callee, Class, FuncSsa, List, ObjectRoom, Value};
use crate::gc::Cast;
use crate::jit::helper::Helper;
use crate::ops::Op;
use crate::trap::TrapKind;

/// The effects of an instruction, as far as the optimiser asks for them.
#[derive(Clone, Copy)]
struct Effects {
    /// Only computes the results from the operands, and from what never changes.
    pure: bool,
    /// Can be left out if the results are not used, although it is not pure.
    removable: bool,
    /// Is needless behind an equal instruction, although it is not pure.
    shared: bool,
    /// May change the shape of memories and tables.
    reshapes: bool,
    /// Costs nothing, since it is made anew at each use.
    at_use: bool,
    /// Is not copied with a loop: a call, one with a list, or one that belongs to its place.
    single: bool,
}

const NONE: Effects = Effects {
    pure: false,
    removable: false,
    shared: false,
    reshapes: false,
    at_use: false,
    single: false,
};

impl Inst {
    /// True if the instruction only computes its results from its operands (and from what never
    /// changes): it can be shared, moved behind its operands, or left out.
    pub fn is_pure(&self) -> bool {
        self.effects().pure
    }

    /// True if the instruction can be left out if its results are not used.
    pub fn is_removable(&self) -> bool {
        let effects = self.effects();
        effects.pure || effects.removable
    }

    /// True if the instruction is needless behind an equal one.
    pub fn is_shared(&self) -> bool {
        let effects = self.effects();
        effects.pure || effects.shared
    }

    /// True if the instruction is a constant that is made anew at each use.
    pub fn is_made_at_use(&self) -> bool {
        self.effects().at_use
    }

    /// True if a loop with the instruction may be copied.
    pub fn is_copied(&self) -> bool {
        !self.effects().single
    }

    /// True if the instruction may change the shape of memories and tables.
    pub fn changes_shape(&self) -> bool {
        self.effects().reshapes
    }
}

/// The type of a field, from its role.
macro_rules! field_type {
    (given $T:ident) => {
        $T
    };
    (value) => {
        Value
    };
    (values) => {
        List
    };
    (callee) => {
        Callee
    };
}

/// Calls `$f` for each operand in a field.
macro_rules! field_visit {
    (given $lists:ident $field:ident $f:ident) => {};
    (value $lists:ident $field:ident $f:ident) => {
        $f($field)
    };
    (callee $lists:ident $field:ident $f:ident) => {
        if let Callee::Instance(func) = $field {
            $f(func);
        }
    };
    (values $lists:ident $field:ident $f:ident) => {
        $lists[$field.range()].iter().copied().for_each(&mut $f)
    };
}

/// Replaces each operand in a field.
macro_rules! field_map {
    (given $lists:ident $field:ident $f:ident) => {};
    (value $lists:ident $field:ident $f:ident) => {
        *$field = $f(*$field)
    };
    (callee $lists:ident $field:ident $f:ident) => {
        if let Callee::Instance(func) = $field {
            *func = $f(*func);
        }
    };
    (values $lists:ident $field:ident $f:ident) => {
        $lists[$field.range()].iter_mut().for_each(|v| *v = $f(*v))
    };
}

/// The value of an effect: true, or a condition.
macro_rules! effect {
    () => {
        true
    };
    ($condition:expr) => {
        $condition
    };
}

macro_rules! rows {
    ($(#[$of:meta])* $Rows:ident |$ssa:ident| $(
        $(#[$doc:meta])*
        $V:ident $({ $($field:ident: $role:ident $($T:ident)?),* $(,)? })?
            = $text:literal $(, $arg:expr)*; [$($effect:ident $(($condition:expr))?)*]
    )+) => {
        $(#[$of])*
        #[allow(missing_docs, reason = "the fields are named in each row's description")]
        pub enum $Rows {
            $( $(#[$doc])* $V $({ $( $field: field_type!($role $($T)?) ),* })?, )+
        }

        #[allow(unused_variables, reason = "each function looks at the fields of some roles")]
        impl $Rows {
            /// Calls `f` for every operand. `lists` are those of the function.
            #[inline]
            pub fn visit(&self, lists: &[Value], mut f: impl FnMut(Value)) {
                match *self { $(
                    $Rows::$V $({ $($field),* })? => {
                        $($( field_visit!($role lists $field f); )*)?
                    }
                )+ }
            }

            /// Replaces every operand; those in lists in place.
            #[inline]
            pub fn map(&mut self, lists: &mut [Value], f: impl Fn(Value) -> Value) {
                match self { $(
                    $Rows::$V $({ $($field),* })? => {
                        $($( field_map!($role lists $field f); )*)?
                    }
                )+ }
            }

            /// Writes the text, results and edges aside.
            pub(super) fn print(&self, out: &mut String, $ssa: &FuncSsa) -> fmt::Result {
                match *self { $(
                    $Rows::$V $({ $($field),* })? => write!(out, $text $(, $arg)*),
                )+ }
            }

            #[inline]
            #[allow(dead_code, reason = "no pass asks for those of terminators")]
            fn effects(&self) -> Effects {
                match *self { $(
                    $Rows::$V $({ $($field),* })? => {
                        #[allow(clippy::needless_update, reason = "a row may have all effects")]
                        Effects { $($effect: effect!($($condition)?),)* ..NONE }
                    }
                )+ }
            }
        }
    };
}

/// The text of a condition that a cast has for null.
fn or_null(nullable: bool) -> &'static str {
    if nullable { " or null" } else { "" }
}

rows! {
    /// An instruction that is not a terminator.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
    Inst |ssa|

    /// A constant of up to 64 bits, i32 and f32 zero-extended.
    Const { bits: given u64 } = "const {bits:#x}"; [pure at_use]

    /// A constant of 128 bits.
    Const128 { low: given u64, high: given u64 } = "const {high:#018x}_{low:016x}"; [pure at_use]

    /// `r[a]`, in a register of its own although it is a constant: moved out of a loop.
    Keep { a: value } = "keep {a:?}"; [pure]

    /// The address of the instance's `Vm`.
    Vm = "vm"; [pure at_use]

    /// The address of the store's context.
    Cx = "cx"; [pure at_use]

    /// `op(r[a])`
    Unary { op: given Op, a: value } = "{} {a:?}", op.mnemonic();
        [pure(!op.shape().effects().traps) shared]

    /// `op(r[a], r[b])`
    Binary { op: given Op, a: value, b: value } = "{} {a:?}, {b:?}", op.mnemonic();
        [pure(!op.shape().effects().traps) shared]

    /// `op(r[a], r[b], r[c])`; of a shuffle, `c` is the constant of its lane numbers.
    Ternary { op: given Op, a: value, b: value, c: value }
        = "{} {a:?}, {b:?}, {c:?}", op.mnemonic(); [pure]

    /// `op(r[a], lane)`: a lane of a vector.
    Lane { op: given Op, lane: given u8, a: value } = "{} {lane}, {a:?}", op.mnemonic(); [pure]

    /// `op(r[a], lane, r[b])`: a vector with a lane replaced.
    Replace { op: given Op, lane: given u8, a: value, b: value }
        = "{} {lane}, {a:?}, {b:?}", op.mnemonic(); [pure]

    /// `op(operands)`: the halves of a number of 128 bits, the low one first.
    Wide { op: given Op, args: values } = "{}{}", op.mnemonic(), Values(ssa.list(args));
        [pure single]

    /// `r[cond] != 0 ? r[a] : r[b]`
    Select { cond: value, a: value, b: value } = "select {cond:?}, {a:?}, {b:?}"; [pure]

    /// `*(r[base] + offset)` with the width and extension of a load opcode.
    Load { op: given Op, class: given Class, base: value, offset: given i32 }
        = "{} {base:?}{offset:+} {class}", op.mnemonic();
        [pure(class.is_constant()) removable(!class.is_guarded()) shared(class == Class::Shape)]

    /// `*(r[base] + offset) := r[value]` with the width of a store opcode.
    Store { op: given Op, class: given Class, base: value, offset: given i32, value: value }
        = "{} {base:?}{offset:+} {class}, {value:?}", op.mnemonic(); []

    /// An atomic access to `2^size_log2` bytes, sequentially consistent: the first operand is the
    /// address, which has been checked; the others are the operation's.
    Atomic { op: given AtomicOp, size_log2: given u8, args: values }
        = "{}{}{}", op.name(), 8 << size_log2, Values(ssa.list(args)); [single]

    /// No access moves across the fence.
    Fence = "fence"; []

    /// The value put last in a place of the frame that no pointer reaches (`build/vars.rs`).
    LoadSlot { slot: given u32 } = "load_slot {slot}"; [removable single]

    /// Puts `r[value]` in a place of the frame.
    StoreSlot { slot: given u32, value: value } = "store_slot {slot}, {value:?}"; [single]

    /// Traps if `r[cond] != 0`.
    TrapIf { cond: value, kind: given TrapKind } = "trap_if {cond:?}, {kind:?}"; [shared]

    /// Traps unless `r[index] + reach` is within the linear memory of that number, which holds if
    /// `r[index] < r[limit]`. The limit is the length less `reach - 1`, or 0 if that is negative.
    CheckBounds { memory: given u32, index: value, limit: value, reach: given u64 }
        = "check_bounds memory#{memory}, {index:?}{reach:+} within {limit:?}"; []

    /// Room for an object of the heap: its reference. The head and the fields are written before
    /// anything else is allocated.
    Allocate { room: given ObjectRoom } = "allocate {:?}, {}", room.ty, room.bytes; [single]

    /// `r[a]` is of the cast's target, one that its object or function tells.
    Cast { cast: given Cast, a: value }
        = "is {:?}{}, {:?} {a:?}", cast.test, or_null(cast.nullable), cast.ty; [pure]

    /// `r[a]` has the descriptor `r[descriptor]`, which is not null, or is null if `nullable`.
    HasDescriptor { nullable: given bool, a: value, descriptor: value }
        = "has_descriptor{} {a:?}, {descriptor:?}", or_null(nullable); [pure]

    /// Calls a function of the runtime.
    Helper { helper: given Helper, args: values }
        = "helper {helper:?}{}", Values(ssa.list(args));
        [reshapes single]

    /// Calls a function.
    Call { callee: callee, args: values } = "call{callee}{}", Values(ssa.list(args));
        [reshapes single]

    /// The exception that has come here from a call.
    Caught = "caught"; [single]
}

rows! {
    /// The end of a block. Its successors are in [`BlockData::edges`](super::BlockData::edges).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    Term |ssa|

    /// To the one edge.
    Br = "br"; []

    /// To the first edge if `r[cond] != 0`, else to the second.
    BrIf { cond: value } = "br_if {cond:?}"; []

    /// By `r[index]` to the edge that `tables[table][index]` names; the last entry is for larger
    /// ones.
    BrTable { index: value, table: given u32 }
        = "br_table {index:?} {:?}", ssa.tables[table as usize]; []

    /// The block's last instruction is a call: to the first edge when it returns, to the second
    /// with an exception that leaves it and that a handler of the IR catches, or one around that.
    Invoke { handler: given u32 } = "invoke h{handler}"; []

    /// Returns values.
    Return { values: values } = "return{}", Values(ssa.list(values)); []

    /// Tail-calls a function.
    ReturnCall { callee: callee, args: values }
        = "return_call{callee}{}", Values(ssa.list(args)); []

    /// Traps.
    Trap { kind: given TrapKind } = "trap {kind:?}"; []
}
