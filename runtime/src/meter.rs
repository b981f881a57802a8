//! What metering charges: the one definition of fuel, from which every tier derives its own code.
//!
//! # The unit
//! Fuel is counted in Wasm instructions: each that is executed costs 1, whatever it does. Markers
//! (`block`, `loop`, `else`, `end`, `try_table`, ...) only structure the text and cost nothing.
//!
//! # Segments
//! It is charged by segments of straight-line code, all of a segment at its start: where there is
//! not as much left, execution traps with `OutOfFuel` before any instruction of the segment, and
//! what is left stays. A segment begins at a function's first instruction and behind each
//! instruction of which [`ends_segment`] holds; it extends to the next such instruction, included.
//! So control enters a segment at its start only, and leaves it at its end only, if not by a trap
//! (then all of it has been charged). A segment of markers alone is not charged at all.
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

    /// Whatever takes a label or a vector of labels goes somewhere.
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
