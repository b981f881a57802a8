//! Exceptions: which blocks handlers take, how they come to be entered, and what they do.
//!
//! # Blocks
//! A call of a block with a handler ends an SSA block ([`Term::Invoke`]); what follows it is in the
//! next one. A handler has a *landing*, to which its calls' exceptions come; a *test* for each
//! clause, which compares tags, and a block that takes what the clause wants out of the exception
//! and goes to its target. What no clause catches goes to the first test of the handler around it,
//! or out of the function. These blocks are numbered behind the last block that is in the handler,
//! so that all blocks are in an order in which a block follows its dominators.
//!
//! # Throwing
//! If it is known here what catches a `throw`, it is a branch; the exception itself is only made if
//! the clause wants a reference. Nothing is walked, either, for what the function may catch itself.
//!
//! # Values
//! Slots are values as everywhere (`vars.rs`): at the end of a block with a call they are what they
//! were when it was called. The exception on its way from block to block is in a slot of its own.
//!
//! Spec: 4.6.8 Control Instructions.

use std::cmp::Reverse;
use std::mem::offset_of;

use super::objects::SLOT_BYTES;
use super::state::{load_of, store_of};
use super::vars::{EXCEPTION, successors};
use super::{Block, Builder, Class, Helper, Inst, Term, Value};
use crate::ir::{self, BlockId, Catch, HandlerId, Operand, Type};
use crate::ops::Op;
use crate::trap::TrapKind;
use crate::types::{EXCEPTION_HEADER_BYTES, OBJECT_HEADER_BYTES};
use crate::vm::Vm;

/// The number of handlers that are looked at here for one that catches a `throw`; the others are
/// looked at in execution.
const HANDLERS_MAX: usize = 32;

/// The blocks of a function in SSA, and where they come from. Without handlers, they are the IR's.
pub(super) struct Blocks {
    /// Of each IR block, where it begins; its further blocks have the numbers behind.
    first: Vec<Block>,
    /// By handler.
    handlers: Vec<HandlerBlocks>,
    /// Handlers in the order of their blocks.
    order: Vec<HandlerId>,
    /// By handler, the one that it comes to: itself, unless it has no clauses.
    with_clauses: Vec<Option<HandlerId>>,
    /// By handler, whether everything is caught there or around it.
    catches_all: Vec<bool>,
    pub(super) count: u32,
}

/// The blocks of a handler.
#[derive(Clone, Default)]
struct HandlerBlocks {
    /// The IR block behind which they are numbered.
    behind: u32,
    landing: u32,
    clauses: Vec<ClauseBlocks>,
}

#[derive(Clone, Copy)]
struct ClauseBlocks {
    test: u32,
    /// The same block, if all that comes here is caught.
    taken: u32,
}

/// Where an exception goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ExceptionWay {
    /// To a clause.
    Clause(Catch),
    /// To the first clause of a handler, to be compared; it is caught there, or around it.
    Handler(HandlerId),
    /// To the landing of a handler, unless no clause catches it there or around it.
    Walk(HandlerId),
    /// To the caller.
    Out,
}

/// The clauses that can catch anything: up to the first that catches all.
fn clauses(ir: &ir::FuncIr, handler: HandlerId) -> &[Catch] {
    let all = &ir.handlers[handler.0 as usize].catches;
    let end = all.iter().position(|clause| clause.tag.is_none());
    end.map_or(all, |end| &all[..=end])
}

/// For each handler, the innermost one with clauses from it outwards.
fn with_clauses(ir: &ir::FuncIr) -> Vec<Option<HandlerId>> {
    let mut known: Vec<Option<HandlerId>> = Vec::with_capacity(ir.handlers.len());
    for (n, handler) in ir.handlers.iter().enumerate() {
        let outer = handler.parent.and_then(|id| known[id.0 as usize]);
        known.push(match handler.catches.is_empty() {
            true => outer,
            false => Some(HandlerId(n as u32)),
        });
    }
    known
}

/// For each handler, whether everything is caught there or around it.
fn catching_all(ir: &ir::FuncIr) -> Vec<bool> {
    let mut known: Vec<bool> = Vec::with_capacity(ir.handlers.len());
    for handler in &ir.handlers {
        let catches_all = handler.catches.iter().any(|clause| clause.tag.is_none());
        let outer = handler.parent.is_some_and(|id| known[id.0 as usize]);
        known.push(catches_all || outer);
    }
    known
}

impl Blocks {
    pub(super) fn new(ir: &ir::FuncIr) -> Blocks {
        let mut blocks = Blocks {
            first: Vec::with_capacity(ir.blocks.len()),
            handlers: handlers_by_end(ir),
            order: (0..ir.handlers.len() as u32).map(HandlerId).collect(),
            with_clauses: with_clauses(ir),
            catches_all: catching_all(ir),
            count: 0,
        };
        // Inner handlers have the higher numbers, and lead to outer ones.
        let handlers = &blocks.handlers;
        let key = |id: &HandlerId| (handlers[id.0 as usize].behind, Reverse(id.0));
        blocks.order.sort_by_key(key);
        let mut next = 0;
        for n in 0..ir.blocks.len() {
            blocks.first.push(Block(blocks.count));
            blocks.count += 1 + blocks.landings(ir, n).count() as u32;
            while let Some(id) = blocks.behind(n, next) {
                blocks.number(ir, id);
                next += 1;
            }
        }
        blocks
    }

    /// The handler that is `nth` in order, if it comes behind an IR block.
    fn behind(&self, block: usize, nth: usize) -> Option<HandlerId> {
        let id = *self.order.get(nth)?;
        (self.handler(id).behind == block as u32).then_some(id)
    }

    /// The handler of an IR block, unless nothing can be caught there.
    fn handler_of(&self, ir: &ir::FuncIr, block: usize) -> Option<HandlerId> {
        let id = ir.blocks[block].handler?;
        self.with_clauses[id.0 as usize]
    }

    /// The handler around a handler.
    fn outer(&self, ir: &ir::FuncIr, id: HandlerId) -> Option<HandlerId> {
        let parent = ir.handlers[id.0 as usize].parent?;
        self.with_clauses[parent.0 as usize]
    }

    fn handler(&self, id: HandlerId) -> &HandlerBlocks {
        &self.handlers[id.0 as usize]
    }

    /// Gives numbers to the blocks of a handler.
    fn number(&mut self, ir: &ir::FuncIr, id: HandlerId) {
        let is_outermost = self.outer(ir, id).is_none();
        let mut next = || {
            self.count += 1;
            self.count - 1
        };
        let blocks = &mut self.handlers[id.0 as usize];
        blocks.landing = next();
        let clauses = clauses(ir, id);
        for (n, clause) in clauses.iter().enumerate() {
            // What comes to a landing is caught; so the last clause need not compare.
            let is_last = is_outermost && n + 1 == clauses.len();
            let test = next();
            let taken = match clause.tag {
                Some(_) if !is_last => next(),
                _ => test,
            };
            blocks.clauses.push(ClauseBlocks { test, taken });
        }
    }

    /// Where an IR block begins.
    pub(super) fn of(&self, block: BlockId) -> Block {
        self.first[block.0 as usize]
    }

    /// The first test of a handler.
    fn entry(&self, id: HandlerId) -> Block {
        Block(self.handler(id).clauses[0].test)
    }

    /// The way of an instruction's exceptions, if it throws. Those of a call go to the landing.
    fn way_of(
        &self,
        ir: &ir::FuncIr,
        handler: Option<HandlerId>,
        inst: &ir::Inst,
    ) -> Option<ExceptionWay> {
        if let ir::Inst::Throw { tag, .. } = *inst {
            Some(self.way_of_new(ir, handler, tag))
        } else if let ir::Inst::ThrowRef { .. } = inst {
            Some(self.way_from(handler))
        } else {
            None
        }
    }

    /// Where a new exception of a tag goes. Different tags of a module are the same tag at most if
    /// both are imported.
    fn way_of_new(&self, ir: &ir::FuncIr, handler: Option<HandlerId>, tag: u32) -> ExceptionWay {
        let mut at = handler;
        for _ in 0..HANDLERS_MAX {
            let Some(id) = at else {
                return ExceptionWay::Out;
            };
            for &clause in clauses(ir, id) {
                match clause.tag {
                    Some(other) if other != tag => {
                        if other.max(tag) < ir.module.imported.tags {
                            return self.way_from(Some(id));
                        }
                    }
                    _ => return ExceptionWay::Clause(clause),
                }
            }
            at = self.outer(ir, id);
        }
        self.way_from(at)
    }

    /// Where an exception of any tag goes from a handler.
    fn way_from(&self, handler: Option<HandlerId>) -> ExceptionWay {
        match handler {
            Some(id) if self.catches_all[id.0 as usize] => ExceptionWay::Handler(id),
            Some(id) => ExceptionWay::Walk(id),
            None => ExceptionWay::Out,
        }
    }

    /// The number of calls of an IR block that end blocks.
    fn invokes(&self, ir: &ir::FuncIr, block: usize) -> u32 {
        if self.handler_of(ir, block).is_none() {
            return 0;
        }
        let insts = ir.block(BlockId(block as u32)).iter();
        insts.filter(|inst| inst.is_call()).count() as u32
    }

    /// The handlers of the calls that end SSA blocks of an IR block, in their order.
    fn landings(&self, ir: &ir::FuncIr, block: usize) -> impl Iterator<Item = HandlerId> {
        let handler = self.handler_of(ir, block);
        let last = ir.terminator(BlockId(block as u32));
        let walk = match self.way_of(ir, handler, last) {
            Some(ExceptionWay::Walk(id)) => Some(id),
            _ => None, // it leaves the block without a call
        };
        let calls = self.invokes(ir, block) as usize;
        let calls = handler.into_iter().cycle().take(calls);
        calls.chain(walk)
    }

    fn target(&self, way: ExceptionWay) -> Option<Block> {
        match way {
            ExceptionWay::Clause(clause) => Some(self.of(clause.target)),
            ExceptionWay::Handler(id) => Some(self.entry(id)),
            ExceptionWay::Walk(_) | ExceptionWay::Out => None,
        }
    }

    /// The blocks that lead to each block, each once.
    pub(super) fn preds(&self, ir: &ir::FuncIr) -> Vec<Vec<Block>> {
        let mut preds = vec![Vec::new(); self.count as usize];
        for (n, block) in ir.blocks.iter().enumerate() {
            let handler = self.handler_of(ir, n);
            let mut at = self.first[n];
            for id in self.landings(ir, n) {
                preds[self.handler(id).landing as usize].push(at);
                preds[at.index() + 1].push(at);
                at.0 += 1;
            }
            let last = &ir.insts[block.end as usize - 1];
            successors(ir, last, |to| preds[self.of(to).index()].push(at));
            if let Some(to) = self
                .way_of(ir, handler, last)
                .and_then(|way| self.target(way))
            {
                preds[to.index()].push(at);
            }
        }
        for n in (0..self.handlers.len() as u32).rev() {
            self.preds_of_handler(ir, HandlerId(n), &mut preds);
        }
        preds
    }

    fn preds_of_handler(&self, ir: &ir::FuncIr, id: HandlerId, preds: &mut [Vec<Block>]) {
        let blocks = self.handler(id);
        let Some(entry) = blocks.clauses.first().map(|clause| clause.test as usize) else {
            return;
        };
        if !preds[blocks.landing as usize].is_empty() {
            preds[entry].push(Block(blocks.landing));
        }
        if preds[entry].is_empty() {
            return;
        }
        for (n, clause) in clauses(ir, id).iter().enumerate() {
            let ClauseBlocks { test, taken } = blocks.clauses[n];
            preds[self.of(clause.target).index()].push(Block(taken));
            if test != taken {
                preds[taken as usize].push(Block(test));
                preds[self.otherwise(ir, id, n).index()].push(Block(test));
            }
        }
    }

    /// Where it goes on if clause `n` does not catch.
    fn otherwise(&self, ir: &ir::FuncIr, id: HandlerId, n: usize) -> Block {
        match self.handler(id).clauses.get(n + 1) {
            Some(clause) => Block(clause.test),
            None => {
                let outer = self.outer(ir, id);
                self.entry(outer.expect("the last clause of all compares nothing"))
            }
        }
    }
}

/// The last block that is in each handler, or in one inside of it.
fn handlers_by_end(ir: &ir::FuncIr) -> Vec<HandlerBlocks> {
    let mut handlers = vec![HandlerBlocks::default(); ir.handlers.len()];
    for (n, block) in ir.blocks.iter().enumerate() {
        if let Some(id) = block.handler {
            handlers[id.0 as usize].behind = n as u32;
        }
    }
    for (n, handler) in ir.handlers.iter().enumerate().rev() {
        if let Some(parent) = handler.parent {
            let behind = handlers[n].behind;
            let parent = &mut handlers[parent.0 as usize];
            parent.behind = parent.behind.max(behind);
        }
    }
    handlers
}

impl Builder<'_> {
    /// Ends the block at hand after a call, if an exception that leaves it may be caught here.
    pub(super) fn end_invoke(&mut self) {
        if let Some(id) = self.handler {
            self.end_towards(id);
        }
    }

    fn end_towards(&mut self, id: HandlerId) {
        let landing = Block(self.blocks.handler(id).landing);
        let next = Block(self.block.0 + 1);
        self.end_at(Term::Invoke { handler: id.0 }, &[next, landing]);
        self.block = next;
    }

    /// The handler of an IR block, unless nothing can be caught there.
    pub(super) fn handler_of(&self, block: usize) -> Option<HandlerId> {
        self.blocks.handler_of(self.ir, block)
    }

    /// Makes the blocks of the handlers that are numbered behind an IR block, of which `done` have
    /// been made.
    pub(super) fn handlers_behind(&mut self, block: usize, done: &mut usize) {
        while let Some(id) = self.blocks.behind(block, *done) {
            self.handler_blocks(id);
            *done += 1;
        }
    }

    fn handler_blocks(&mut self, id: HandlerId) {
        let blocks = self.blocks.handler(id).clone();
        let Some(entry) = blocks.clauses.first().map(|clause| Block(clause.test)) else {
            return;
        };
        if self.vars.is_reached(Block(blocks.landing)) {
            self.block = Block(blocks.landing);
            let exception = self.one(Inst::Caught, Type::Ref);
            self.write(EXCEPTION, exception);
            self.end_at(Term::Br, &[entry]);
        }
        if !self.vars.is_reached(entry) {
            return;
        }
        for (n, &clause) in clauses(self.ir, id).iter().enumerate() {
            let ClauseBlocks { test, taken } = blocks.clauses[n];
            self.block = Block(test);
            if let Some(tag) = clause.tag
                && test != taken
            {
                let exception = self.exception();
                let actual = self.exception_tag(exception);
                let wanted = self.vm_entry(offset_of!(Vm, tags), tag);
                let cond = self.binary(Op::I64Eq, actual, wanted);
                let other = self.blocks.otherwise(self.ir, id, n);
                self.end_at(Term::BrIf { cond }, &[Block(taken), other]);
            }
            self.block = Block(taken);
            self.take(clause);
        }
    }

    /// Writes what a clause wants of the exception on its way, and goes to its target.
    fn take(&mut self, clause: Catch) {
        let exception = self.exception();
        let types = self.payload_types(clause.tag);
        let base = self.object_address(exception);
        let mut at = EXCEPTION_HEADER_BYTES as usize;
        let mut values = Vec::new();
        for ty in types {
            values.push((self.load(load_of(ty), Class::Fixed, base, at, ty), ty));
            at += SLOT_BYTES * ty.slots() as usize;
        }
        self.go_to_clause(clause, &values, Some(exception));
    }

    /// Goes to a clause's target with what was thrown.
    fn go_to_clause(&mut self, clause: Catch, values: &[(Value, Type)], exception: Option<Value>) {
        if clause.tag.is_some() {
            let mut slot = clause.values;
            for &(value, ty) in values {
                self.write(slot, value);
                slot.0 += ty.slots();
            }
        }
        if let (Some(slot), Some(exception)) = (clause.exception, exception) {
            self.write(slot, exception);
        }
        let target = self.blocks.of(clause.target);
        self.end_at(Term::Br, &[target]);
    }

    fn payload_types(&self, tag: Option<u32>) -> Vec<Type> {
        let ty = tag.map(|tag| self.ir.tag_type(tag));
        let types = ty.iter().flat_map(|ty| ty.params.iter());
        types.map(|&ty| ty.into()).collect()
    }

    // --- throwing --------------------------------------------------------------------------------

    pub(super) fn throw(&mut self, tag: u32, args: ir::List) {
        let types = self.payload_types(Some(tag));
        let pairs = self.list(args).iter().zip(types);
        let values: Vec<_> = pairs.map(|(&o, ty)| (self.read(o, ty), ty)).collect();
        let way = self.blocks.way_of_new(self.ir, self.handler, tag);
        if let ExceptionWay::Clause(clause) = way {
            let is_wanted = clause.exception.is_some();
            let exception = is_wanted.then(|| self.new_exception(tag, &values));
            self.go_to_clause(clause, &values, exception);
        } else {
            let exception = self.new_exception(tag, &values);
            self.send(Op::Throw, exception, way);
        }
    }

    pub(super) fn throw_ref(&mut self, exception: Operand) {
        let exception = self.read(exception, Type::Ref);
        self.trap_if_null(exception, TrapKind::NullExceptionReference);
        let way = self.blocks.way_from(self.handler);
        self.send(Op::ThrowRef, exception, way);
    }

    /// Sends an exception on its way.
    fn send(&mut self, op: Op, exception: Value, way: ExceptionWay) {
        if let Some(to) = self.blocks.target(way) {
            self.write(EXCEPTION, exception);
            self.end_at(Term::Br, &[to]);
            return;
        }
        self.helper(op, Helper::Throw, &[exception], &[]);
        if let ExceptionWay::Walk(id) = way {
            self.end_towards(id);
        }
        // It never comes back.
        let kind = TrapKind::Unreachable;
        self.end_at(Term::Trap { kind }, &[]);
    }

    /// A new exception: head, tag, and the values in slots, as the interpreters and the host read
    /// them.
    fn new_exception(&mut self, tag: u32, values: &[(Value, Type)]) -> Value {
        let ty = self.module.defined(self.module.tags[tag as usize]);
        let identity = self.vm_entry(offset_of!(Vm, tags), tag);
        let (exception, base) = self.new_object(&ty, ty.layout.size_bytes.into(), 0);
        let at = OBJECT_HEADER_BYTES as i32;
        self.put(Op::I64Store, Class::Object, (base, at), identity);
        let mut at = EXCEPTION_HEADER_BYTES as usize;
        for &(value, ty) in values {
            let (value, store) = match ty {
                Type::I32 => (self.unary(Op::I64ExtendI32U, value), Op::I64Store),
                Type::F32 => {
                    let bits = self.unary(Op::I32ReinterpretF32, value);
                    (self.unary(Op::I64ExtendI32U, bits), Op::I64Store)
                }
                Type::I64 | Type::F64 | Type::V128 | Type::Ref => (value, store_of(ty)),
            };
            self.put(store, Class::Object, (base, at as i32), value);
            at += SLOT_BYTES * ty.slots() as usize;
        }
        exception
    }

    /// The identity of an exception's tag.
    fn exception_tag(&mut self, exception: Value) -> Value {
        let base = self.object_address(exception);
        let at = OBJECT_HEADER_BYTES as usize;
        self.load(Op::I64Load, Class::Fixed, base, at, Type::I64)
    }

    /// The exception on its way.
    fn exception(&mut self) -> Value {
        let (vars, func) = (&mut self.vars, &mut self.func);
        vars.read(func, self.block, EXCEPTION, Type::Ref)
    }
}
