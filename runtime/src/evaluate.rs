//! Evaluates scalar numeric opcodes on slots: for constant folding, constant expressions and tests.
//!
//! It owns no meaning: the opcode table's rows name the functions of `numeric`, and this file gives
//! them all one signature. It stands above the opcode table and `numeric`, and knows no tier.

use crate::numeric::{self, RowResult, Slot};
use crate::ops::{Op, for_each_numeric};
use crate::trap::TrapKind;

#[cfg(test)]
pub(crate) mod tests;

/// The result slots of an evaluation: one, or for wide arithmetic two, the low half first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slots {
    /// The single result.
    One(u64),
    /// The low half, the high half.
    Two(u64, u64),
}

/// A numeric opcode as a function of its operands' slots, the topmost of the stack last.
///
/// # Panics
/// With fewer operands than the opcode takes.
pub type Evaluator = fn(&[u64]) -> Result<Slots, TrapKind>;

/// The results that a pure function may have.
trait Outcome {
    fn slots(self) -> Result<Slots, TrapKind>;
}

impl<R: RowResult> Outcome for R {
    fn slots(self) -> Result<Slots, TrapKind> {
        self.get().map(|value| Slots::One(value.into_slot()))
    }
}

impl Outcome for (u64, u64) {
    fn slots(self) -> Result<Slots, TrapKind> {
        Ok(Slots::Two(self.0, self.1))
    }
}

/// The evaluator of a row's tail.
macro_rules! evaluator_of {
    ({ $func:ident($a:ident) -> $result:tt }) => {
        |x| numeric::$func(Slot::from_slot(x[0])).slots()
    };
    ({ $func:ident($a:ident, $b:ident) -> $result:tt }) => {
        |x| numeric::$func(Slot::from_slot(x[0]), Slot::from_slot(x[1])).slots()
    };
    ({ $func:ident($a:ident, $b:ident, $c:ident, $d:ident) -> $result:tt }) => {
        |x| numeric::$func(x[0], x[1], x[2], x[3]).slots()
    };
}

macro_rules! evaluators {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        static EVALUATORS: [Option<Evaluator>; Op::ALL.len()] = {
            let mut all: [Option<Evaluator>; Op::ALL.len()] = [None; Op::ALL.len()];
            $($(all[Op::$op as usize] = Some(evaluator_of!($tail));)*)*
            all
        };
    };
}

for_each_numeric!(evaluators;);

/// The evaluator of an opcode; `None` where the opcode is not scalar numeric.
pub fn evaluator(op: Op) -> Option<Evaluator> {
    EVALUATORS[op as usize]
}
