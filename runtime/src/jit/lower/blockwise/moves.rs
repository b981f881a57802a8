//! Moves that happen at once, as a sequence of moves.

use rustc_hash::FxHashMap;

use regalloc2::{Allocation, PReg, SpillSlot};

use crate::jit::steps::step;

/// A move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Move {
    pub(super) from: Allocation,
    pub(super) to: Allocation,
}

impl Move {
    /// The move from a register to a slot.
    pub(super) fn store(register: PReg, slot: SpillSlot) -> Move {
        Move {
            from: Allocation::reg(register),
            to: Allocation::stack(slot),
        }
    }
}

/// The registers that a sequence may use besides: no move reads or writes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Helpers {
    /// Between two spill slots.
    pub(super) scratch: PReg,
    /// For what is overwritten in a circle of moves. It is used when all moves from registers to
    /// slots have been made.
    pub(super) spare: PReg,
}

/// Appends a sequence that has the effect of `moves` at once, each with its helpers. No two have
/// the same destination. Returns true if a spare register has been used.
pub(super) fn in_sequence(moves: &[(Move, Helpers)], out: &mut Vec<Move>) -> bool {
    let mut state = Sequence::new(moves, out);
    state.run_ready();
    let mut used_spare = false;
    for n in 0..moves.len() {
        // What is left are circles, each of which is opened where it is found.
        if !state.is_done[n] {
            used_spare = true;
            state.open_circle(n);
            state.run_ready();
        }
    }
    used_spare
}

struct Sequence<'a> {
    moves: &'a [(Move, Helpers)],
    /// Where the source of each move is at present.
    sources: Vec<Allocation>,
    is_done: Vec<bool>,
    /// By place, the number of moves that still read it.
    readers: FxHashMap<Allocation, u32>,
    /// The move to each place.
    to: FxHashMap<Allocation, usize>,
    /// Moves whose destination is not read any more.
    ready: Vec<usize>,
    out: &'a mut Vec<Move>,
}

impl<'a> Sequence<'a> {
    fn new(moves: &'a [(Move, Helpers)], out: &'a mut Vec<Move>) -> Sequence<'a> {
        let is_void = |&(Move { from, to }, _): &(Move, Helpers)| from == to;
        let mut state = Sequence {
            moves,
            sources: moves.iter().map(|(one, _)| one.from).collect(),
            is_done: moves.iter().map(is_void).collect(),
            readers: FxHashMap::default(),
            to: FxHashMap::default(),
            ready: Vec::new(),
            out,
        };
        for (n, (one, _)) in moves.iter().enumerate().filter(|(_, one)| !is_void(one)) {
            *state.readers.entry(one.from).or_default() += 1;
            let before = state.to.insert(one.to, n);
            debug_assert!(before.is_none(), "{:?} is written twice", one.to);
        }
        let is_ready = |n: &usize| !state.is_done[*n] && !state.is_read(moves[*n].0.to);
        state.ready = (0..moves.len()).filter(is_ready).collect();
        state
    }

    fn is_read(&self, place: Allocation) -> bool {
        self.readers.get(&place).is_some_and(|&count| count > 0)
    }

    fn run_ready(&mut self) {
        while let Some(n) = self.ready.pop() {
            step(1);
            let (from, (Move { to, .. }, helpers)) = (self.sources[n], self.moves[n]);
            if from.is_stack() && to.is_stack() {
                let between = Allocation::reg(helpers.scratch);
                self.out.push(Move { from, to: between });
                self.out.push(Move { from: between, to });
            } else {
                self.out.push(Move { from, to });
            }
            self.is_done[n] = true;
            self.has_read(from);
        }
    }

    /// Notes that a move has read its source, whose place may now be written.
    fn has_read(&mut self, place: Allocation) {
        let left = self.readers.get_mut(&place);
        let is_free = left.is_some_and(|left| {
            *left -= 1;
            *left == 0
        });
        if is_free
            && let Some(&n) = self.to.get(&place)
            && !self.is_done[n]
        {
            self.ready.push(n);
        }
    }

    /// Saves what a move overwrites, for the one move that still reads it.
    fn open_circle(&mut self, n: usize) {
        let (Move { to, .. }, helpers) = self.moves[n];
        let spare = Allocation::reg(helpers.spare);
        self.out.push(Move {
            from: to,
            to: spare,
        });
        let mut reader = n;
        while self.sources[reader] != to {
            step(1);
            reader = self.to[&self.sources[reader]];
        }
        self.sources[reader] = spare;
        self.readers.insert(spare, 1);
        self.has_read(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regalloc2::RegClass;

    fn reg(n: usize) -> PReg {
        PReg::new(n, RegClass::Int)
    }

    /// Places 0 to 3 are registers, the others are slots.
    fn place(n: usize) -> Allocation {
        match n {
            0..4 => Allocation::reg(reg(n)),
            _ => Allocation::stack(SpillSlot::new(n)),
        }
    }

    /// Every assignment of sources to three registers and three slots.
    #[test]
    fn a_sequence_has_the_effect_of_moves_at_once() {
        let places = [0, 1, 2, 4, 5, 6];
        let helpers = Helpers {
            scratch: reg(8),
            spare: reg(9),
        };
        let mut circles = 0;
        for code in 0..places.len().pow(6) {
            let source = |n: usize| places[code / places.len().pow(n as u32) % places.len()];
            let moves: Vec<_> = (0..6)
                .map(|n| {
                    let (from, to) = (place(source(n)), place(places[n]));
                    (Move { from, to }, helpers)
                })
                .collect();
            let mut out = Vec::new();
            circles += usize::from(in_sequence(&moves, &mut out));
            let mut holds: FxHashMap<Allocation, usize> =
                places.iter().map(|&n| (place(n), n)).collect();
            for Move { from, to } in out {
                assert!(!from.is_stack() || !to.is_stack());
                holds.insert(to, holds[&from]);
            }
            for n in 0..6 {
                assert_eq!(holds[&place(places[n])], source(n), "{moves:?}");
            }
        }
        assert!(circles > 1_000);
    }
}
