//! The cost of instructions: the one definition of fuel, from which every tier derives its own
//! code.
//!
//! # The unit
//! Fuel is counted in Wasm instructions: each executed instruction costs 1. Markers (`block`,
//! `loop`, `else`, `end`, `try_table`, ...) only structure the text and cost nothing.
//!
//! # Segments
//! Fuel is charged by segments of straight-line code, the cost of a whole segment at its start.
//! With less fuel, execution traps with `OutOfFuel` before the first instruction of the segment,
//! and the fuel stays as it is. A segment begins at a function's first instruction and behind each
//! instruction of which [`ends_segment`] holds; it extends to the next such instruction, included.
//! So control enters a segment only at its start and leaves it only at its end, or by a trap (then
//! the whole segment has been charged). A segment of markers alone is not charged.
//!
//! Every loop and every recursion passes an instruction that costs, so fuel always runs out.
//! Tests hold both interpreters to the same fuel after the same program.

use crate::ops::{Domain, Imms, Nesting, Op};

/// The cost of executing an instruction.
pub fn cost(op: Op) -> u32 {
    let is_marker = op.nesting() != Nesting::Same && op != Op::If;
    u32::from(!is_marker)
}

/// True if a segment ends with this instruction: control may leave behind it, or enter.
pub fn ends_segment(op: Op) -> bool {
    match op.shape().domain() {
        Domain::Control => op != Op::Nop && op != Op::Block,
        Domain::Reference => matches!(op.row().imms, Imms::Label | Imms::BrOnCast),
        Domain::Call | Domain::Exception | Domain::StackSwitching => true,
        Domain::Parametric
        | Domain::Variable
        | Domain::Constant
        | Domain::Table
        | Domain::Aggregate
        | Domain::Memory
        | Domain::Numeric
        | Domain::SharedEverything => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An instruction with a label or a vector of labels ends a segment.
    #[test]
    fn branches_and_calls_end_segments() {
        for &op in Op::ALL {
            let goes = matches!(
                op.row().imms,
                Imms::Label
                    | Imms::BrTable
                    | Imms::BrOnCast
                    | Imms::CallIndirect
                    | Imms::TryTable
                    | Imms::Tag
            );
            assert!(!goes || ends_segment(op), "{op:?}");
        }
        let free: Vec<Op> = Op::ALL
            .iter()
            .copied()
            .filter(|&op| cost(op) == 0)
            .collect();
        assert_eq!(free.len(), 9, "{free:?}");
        assert!(free.iter().all(|&op| op == Op::Block || ends_segment(op)));
    }
}
