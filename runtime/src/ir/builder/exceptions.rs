//! `try_table` and the legacy `try`: handlers, their clauses, and the blocks that they are for.
//!
//! Owns the rule of handlers: a block is in one handler or in none, so blocks are split where a
//! handler begins or ends, and no read of a local is pending there. A clause of `try_table` leads
//! to the label that it names, or to a block that returns if it names the function itself. A legacy
//! clause leads to its own instructions. The reference of its exception lies below the thrown
//! values until the clause ends, so that `rethrow` finds it. Spec: 4.6.8 Control Instructions.

use super::Builder;
use super::control::{ControlFrame, FrameKind};
use crate::decode::{self, Instr, RawBlockType, Vector};
use crate::error::Result;
use crate::ir::{Catch, ExceptionHandler, HandlerId, Inst, Operand, Slot, Type};
use crate::ops::group;

impl Builder<'_> {
    pub(super) fn exception(&mut self, op: group::Exception, instr: &Instr<'_>) -> Result<()> {
        use group::Exception as E;
        match op {
            E::TryTable => {
                let (ty, clauses) = instr.try_table()?;
                self.begin_try_table(ty, clauses);
            }
            E::Throw => {
                let tag = instr.index()?;
                let values = self.func.tag_type(tag).params.len();
                let args = self.list(None, values);
                self.terminate(Inst::Throw { tag, args });
            }
            E::ThrowRef => {
                let exception = self.pop();
                self.terminate(Inst::ThrowRef { exception });
            }
        }
        Ok(())
    }

    pub(super) fn legacy_exception(
        &mut self,
        op: group::LegacyException,
        instr: &Instr<'_>,
    ) -> Result<()> {
        use group::LegacyException as L;
        match op {
            L::Try => {
                let handler = self.new_handler();
                self.begin_try(instr.block_type()?, handler);
            }
            L::Catch => self.begin_catch(Some(instr.index()?)),
            L::CatchAll => self.begin_catch(None),
            L::Rethrow => {
                let frame = self.frame(instr.label()?);
                let exception = Operand::slot(self.stack.temporary(frame.height));
                self.terminate(Inst::ThrowRef { exception });
            }
            L::Delegate => self.delegate(instr.label()?),
        }
        Ok(())
    }

    /// A handler within the one at hand, without clauses.
    fn new_handler(&mut self) -> HandlerId {
        self.func.handlers.push(ExceptionHandler {
            parent: self.handler,
            catches: Vec::new(),
        });
        HandlerId(self.func.handlers.len() as u32 - 1)
    }

    fn add_catch(&mut self, handler: HandlerId, catch: Catch) {
        self.func.handlers[handler.0 as usize].catches.push(catch);
    }

    fn begin_try_table(&mut self, ty: RawBlockType, clauses: Vector<'_, decode::Catch>) {
        let handler = self.new_handler();
        for clause in clauses {
            let values = match self.frame(clause.label) {
                ControlFrame {
                    kind: FrameKind::Function,
                    ..
                } => self.stack.temporary(0),
                frame => self.stack.temporary(frame.height),
            };
            let target = self.catch_label(clause.label);
            let catch = Catch {
                tag: clause.tag,
                values,
                exception: clause.with_ref.then(|| self.behind(clause.tag, values)),
                target,
            };
            self.add_catch(handler, catch);
        }
        self.begin_try(ty, handler);
    }

    /// The slot behind the values of a tag.
    fn behind(&self, tag: Option<u32>, values: Slot) -> Slot {
        let types = tag.map(|tag| self.func.tag_type(tag));
        let types = types.iter().flat_map(|ty| ty.params.iter());
        let slots: u32 = types.map(|&ty| Type::from(ty).slots()).sum();
        Slot(values.0 + slots)
    }

    fn begin_try(&mut self, ty: RawBlockType, handler: HandlerId) {
        let sig = self.block_sig(ty);
        self.settle();
        let (inside, end) = (self.new_label(), self.new_label());
        let target = self.use_label(inside);
        self.terminate(Inst::Br { target });
        self.bind(inside);
        self.begin(FrameKind::Try(handler), end, sig);
        self.enter_handler(Some(handler));
    }

    /// Makes a handler that of the innermost block, from here on.
    fn enter_handler(&mut self, handler: Option<HandlerId>) {
        self.handler = handler;
        if let Some(frame) = self.frames.last_mut() {
            frame.handler = handler;
        }
    }

    /// Ends the body of a `try`, or the clause before; begins a clause.
    fn begin_catch(&mut self, tag: Option<u32>) {
        if self.is_open {
            self.goto(0);
        }
        let frame = self.frame(0);
        let (base, height, outer) = (frame.base, frame.height, frame.outer_handler);
        let (FrameKind::Try(handler) | FrameKind::Catch(handler)) = frame.kind else {
            debug_assert!(false, "validated code has a `try` for its `catch`");
            return;
        };
        self.enter_handler(outer);
        if let Some(frame) = self.frames.last_mut() {
            frame.kind = FrameKind::Catch(handler);
        }
        self.stack.truncate(base);
        let exception = self.push_temp(Type::Ref);
        debug_assert_eq!(exception, self.stack.temporary(height));
        let values = self.stack.temporary(self.stack.height());
        if let Some(tag) = tag {
            for &ty in &self.func.tag_type(tag).params {
                self.push_temp(ty.into());
            }
        }
        let label = self.new_label();
        let catch = Catch {
            tag,
            values,
            exception: Some(exception),
            target: self.use_label(label),
        };
        self.add_catch(handler, catch);
        self.bind(label);
    }

    /// Ends a `try` whose exceptions go to the handler of a label outside of it.
    fn delegate(&mut self, depth: u32) {
        let parent = self.frame(depth + 1).handler;
        if let FrameKind::Try(handler) = self.frame(0).kind {
            self.func.handlers[handler.0 as usize].parent = parent;
        }
        self.end();
    }
}
