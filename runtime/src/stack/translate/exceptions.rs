//! `try_table` and the legacy `try`: the cells of each region, and its clauses.
//!
//! Nothing is emitted to enter or leave a region. A clause of `try_table` leads where a branch to
//! its label would; a legacy one to its own instructions, with the exception's reference below the
//! thrown values as long as the clause lasts, so that `rethrow` finds it.

use super::Translator;
use super::blocks::Block;
use crate::decode::{Catch, Instr};
use crate::error::Result;
use crate::ops::{Op, group};
use crate::stack::unwind::{self, Clause, ExceptionHandlers, NONE, Range, Reference, Region};

/// The handlers of the function at hand.
#[derive(Default)]
pub(super) struct ExceptionHandlersBuilder {
    ranges: Vec<Range>,
    regions: Vec<Region>,
    clauses: Vec<Clause>,
    /// By region. (Those of a `try` need not stand side by side.)
    last_clauses: Vec<u32>,
    /// The innermost region of the next cell.
    region: u32,
}

impl ExceptionHandlersBuilder {
    pub(super) fn clear(&mut self) {
        self.ranges.clear();
        self.regions.clear();
        self.clauses.clear();
        self.last_clauses.clear();
        self.region = NONE;
    }

    pub(super) fn finish(&self) -> ExceptionHandlers {
        ExceptionHandlers {
            ranges: self.ranges.as_slice().into(),
            regions: self.regions.as_slice().into(),
            clauses: self.clauses.as_slice().into(),
        }
    }

    /// The innermost region of the next cell.
    pub(super) fn region(&self) -> u32 {
        self.region
    }

    /// The cells from `at` on are in another region.
    pub(super) fn set_region(&mut self, region: u32, at: usize) {
        let end = at as u32;
        if region != self.region {
            if self.ranges.last().map_or(0, |range| range.end) < end {
                let region = self.region;
                self.ranges.push(Range { end, region });
            }
            self.region = region;
        }
    }

    fn add_region(&mut self) -> u32 {
        self.regions.push(Region {
            parent: self.region,
            first_clause: NONE,
        });
        self.last_clauses.push(NONE);
        self.regions.len() as u32 - 1
    }

    /// Appends a clause to those of a region.
    fn add_clause(&mut self, region: u32, clause: Clause) -> u32 {
        let added = self.clauses.len() as u32;
        self.clauses.push(clause);
        match std::mem::replace(&mut self.last_clauses[region as usize], added) {
            NONE => self.regions[region as usize].first_clause = added,
            last => self.clauses[last as usize].next = added,
        }
        added
    }

    /// Lets a chain of clauses, linked by their targets, lead to a cell.
    pub(super) fn resolve(&mut self, mut clause: u32, target: usize) {
        while clause != NONE {
            let of_clause = &mut self.clauses[clause as usize].target;
            clause = std::mem::replace(of_clause, target as u32);
        }
    }
}

impl Translator<'_> {
    /// `try_table` and throws.
    pub(super) fn exception(&mut self, op: group::Exception, instr: &Instr<'_>) -> Result<()> {
        use group::Exception as E;
        match op {
            E::TryTable => {
                let (ty, clauses) = instr.try_table()?;
                let region = self.handlers.add_region();
                clauses.for_each(|catch| self.clause(region, catch));
                self.block(ty);
                self.enter_region(region);
            }
            E::Throw => {
                self.emit_helper(Op::Throw, unwind::throw, &[instr.index()?.into()]);
                self.is_reachable = false;
            }
            E::ThrowRef => {
                self.emit(unwind::throw_ref, &[]);
                self.is_reachable = false;
            }
        }
        Ok(())
    }

    /// An exception instruction that Wasm 3.0 replaced.
    pub(super) fn legacy_exception(
        &mut self,
        op: group::LegacyException,
        instr: &Instr<'_>,
    ) -> Result<()> {
        use group::LegacyException as L;
        match op {
            L::Try => {
                let ty = instr.block_type()?;
                let region = self.handlers.add_region();
                self.block(ty);
                self.enter_region(region);
            }
            L::Catch => self.catch(instr.index()?),
            L::CatchAll => self.catch(NONE),
            L::Rethrow => self.rethrow(instr.label()?),
            L::Delegate => self.delegate(instr.label()?),
        }
        Ok(())
    }

    fn enter_region(&mut self, region: u32) {
        let at = self.cells.len();
        self.handlers.set_region(region, at);
        self.top().region = region;
    }

    /// A clause of a `try_table` that is not open yet.
    fn clause(&mut self, region: u32, catch: Catch) {
        let zeroed_slots = self.zeroed_slots;
        let &mut Block {
            start,
            height,
            clauses,
            ..
        } = self.label(catch.label);
        let clause = Clause {
            tag: catch.tag.unwrap_or(NONE),
            reference: if catch.with_ref {
                Reference::Above
            } else {
                Reference::No
            },
            target: if start == NONE { clauses } else { start },
            height: zeroed_slots + height,
            next: NONE,
        };
        let added = self.handlers.add_clause(region, clause);
        if start == NONE {
            self.label(catch.label).clauses = added;
        }
    }

    /// `catch` and `catch_all`: the end of the body or clause before, the begin of the clause.
    fn catch(&mut self, tag: u32) {
        self.leave_arm();
        let block = *self.top();
        let clause = Clause {
            tag,
            reference: Reference::Below,
            target: self.cells.len() as u32,
            height: self.zeroed_slots + block.height,
            next: NONE,
        };
        self.handlers.add_clause(block.region, clause);
        self.handlers
            .set_region(block.outer_region, self.cells.len());
        self.top().is_caught = true;
        self.stack.truncate(block.height);
        self.stack.push(1);
        if tag != NONE {
            let ty = self.module.tags[tag as usize];
            self.push_params(ty);
        }
        self.is_reachable = true;
    }

    /// Ends a body or clause of a `try` by a branch to its end.
    pub(super) fn leave_arm(&mut self) {
        if self.is_reachable {
            self.emit_branch(0);
            self.is_reachable = false;
        }
    }

    fn rethrow(&mut self, depth: u32) {
        let height = self.stack.height();
        let of_try = self.label(depth).height + 1;
        self.emit(unwind::rethrow, &[u64::from(height - of_try)]);
        self.is_reachable = false;
    }

    /// Ends a `try` whose exceptions go on at a label outside of it.
    fn delegate(&mut self, depth: u32) {
        let region = self.top().region;
        let parent = self.label(depth + 1);
        let parent = if parent.is_caught {
            parent.outer_region
        } else {
            parent.region
        };
        self.handlers.regions[region as usize].parent = parent;
        self.end();
    }
}
