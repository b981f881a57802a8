//! Blocks and what ends them, in the order of the code: conditions, tail repetition, branch tables.

use super::moves::Move;
use super::{Fixup, Fuser, condition};
use crate::error::Result;
use crate::ir::{BlockId, Inst, List, Operand, Type};
use crate::register::table::opcode;

impl Fuser<'_> {
    pub(super) fn block(&mut self, id: BlockId) -> Result<()> {
        self.starts[id.0 as usize] = self.cells.len();
        self.mirror = self.mirrors[id.0 as usize];
        self.next = self.plan.next(id);
        let block = self.func.blocks[id.0 as usize];
        self.enter_handler(block.handler);
        if block.is_loop_head {
            self.loop_head(id);
        }
        self.insts(self.func.block(id), id)
    }

    /// The instructions of a block, or the rest of them, in the place of block `here`.
    fn insts(&mut self, mut insts: &[Inst], here: BlockId) -> Result<()> {
        while let [first, rest @ ..] = insts {
            self.begin(first);
            if let Some(condition) = condition::find(self.func, insts, self.layout) {
                self.br_if(condition, here)?;
                return Ok(());
            }
            let copies = insts.iter().take_while(|i| matches!(i, Inst::Copy { .. }));
            let copies = copies.count();
            if copies > 0 {
                if let Some((src, ty)) = self.returned_copy(&insts[copies - 1..]) {
                    self.copies(&insts[..copies - 1]);
                    self.ret_one(src, ty);
                    return Ok(());
                }
                self.copies(&insts[..copies]);
                insts = &insts[copies..];
                continue;
            }
            if self.chain(insts)? {
                insts = &insts[2..];
                continue;
            }
            self.inst(first, here)?;
            insts = rest;
        }
        Ok(())
    }

    /// The source of a copy, if the block that follows only returns the copy.
    fn returned_copy(&self, insts: &[Inst]) -> Option<(Operand, Type)> {
        let [Inst::Copy { dst, src, ty }, Inst::Br { target }] = *insts else {
            return None;
        };
        let [Inst::Return { values }] = *self.func.block(self.plan.end(target)) else {
            return None;
        };
        let is_it = self.func.list(values) == [Operand::slot(dst)]
            && dst.0 >= self.func.first_temporary
            && self.single_result().is_some();
        is_it.then_some((src, ty))
    }

    /// The type of the function's result, if there is one in one slot.
    pub(super) fn single_result(&self) -> Option<Type> {
        match self.func.ty.results[..] {
            [ty] => Some(Type::from(ty)).filter(|&ty| ty != Type::V128),
            _ => None,
        }
    }

    fn copies(&mut self, insts: &[Inst]) {
        for inst in insts {
            if let Inst::Copy { ty, dst, src } = *inst {
                let dst = self.layout.slot(dst);
                self.list.push(Move { dst, src, ty });
            }
        }
        self.moves();
    }

    /// Notes that code goes from here to a block.
    pub(super) fn leave_to(&mut self, target: BlockId) {
        if self.plan.has_one_predecessor(target) {
            self.mirrors[target.0 as usize] = self.mirror;
        }
    }

    pub(super) fn br(&mut self, target: BlockId, here: BlockId) -> Result<()> {
        let target = self.plan.end(target);
        if self.plan.repeats(here, target) {
            return self.insts(self.func.block(target), here);
        }
        self.goto(target);
        Ok(())
    }

    /// Goes to a block by falling through or by a jump.
    pub(super) fn goto(&mut self, target: BlockId) {
        self.leave_to(target);
        if self.next != Some(target) {
            self.jump(target);
        }
    }

    /// A jump to a block.
    pub(super) fn jump(&mut self, target: BlockId) {
        self.fixups.push((self.cells.len(), Fixup::Far, target));
        self.cell(opcode!(br), 0, 0, 0);
    }

    pub(super) fn br_table(&mut self, index: Operand, targets: List) {
        let index = self.slot(index, Type::I32, 0);
        let targets = self.func.label_list(targets);
        let at = self.cells.len();
        self.cell_far(opcode!(br_table), index, targets.len() as u32);
        for (i, &target) in targets.iter().enumerate() {
            let target = self.plan.end(target);
            self.leave_to(target);
            self.fixups.push((at, Fixup::Entry(i as u32), target));
        }
        self.cells
            .resize(self.cells.len() + targets.len().div_ceil(2), 0);
    }
}
