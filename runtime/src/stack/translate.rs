//! Wasm code to stack code: one pass over the bytes of a function, one handler for each instruction
//! that does something.
//!
//! The code has been validated, so types are not tracked, but the number of slots on the operand
//! stack and the places of v128 values. Code that cannot be reached is not translated. Nothing here
//! recurses: open blocks are on a stack of their own (as in the spec's appendix "Validation
//! Algorithm"). Blocks and branches are in `translate/blocks.rs`, all other instructions in
//! `translate/ops.rs`, heights in `translate/heights.rs`.

mod blocks;
mod exceptions;
mod gc;
mod heights;
mod ops;

use std::sync::Arc;

use blocks::Block;
use exceptions::ExceptionHandlersBuilder;
use heights::Heights;
#[cfg(test)]
pub(super) use ops::is_supported;

use super::code::FuncCode;
use super::machine::StackHandler;
use super::unwind::ExceptionHandlers;
use super::{call, control};
use crate::count::Counter;
use crate::decode::{Decoder, Instr, RawValType};
use crate::engine::{Config, Profile, Proof};
use crate::error::{Error, ErrorKind, Result};
use crate::meter;
use crate::module::ModuleParts;
use crate::ops::Op;
use crate::types::{FuncType, ValType};
use crate::value::slots_of_all;

/// A function as it has been translated.
#[derive(Debug)]
pub(super) struct Translated {
    /// Handlers and their immediates.
    pub(super) cells: Box<[u64]>,
    /// Room that a call needs on the value stack above its arguments.
    pub(super) frame_bytes: usize,
    /// The handlers of exceptions.
    pub(super) handlers: ExceptionHandlers,
}

/// The function types of a module, by type index; empty for other types.
pub(super) fn signatures(module: &ModuleParts) -> Box<[Signature]> {
    let types = 0..module.types.len() as u32;
    types.map(|i| Signature::new(module.func_type(i))).collect()
}

/// The state that is kept from one function to the next: buffers, and facts of the module.
pub(super) struct Translator<'m> {
    module: &'m ModuleParts,
    profile: Profile,
    /// Where the code of the module's functions will be; calls name it.
    codes: *const FuncCode,
    signatures: &'m [Signature],
    cells: Vec<u64>,
    blocks: Vec<Block>,
    locals: Vec<Local>,
    /// The operand stack of the function.
    stack: Heights,
    /// Slots of the parameters and the other locals.
    local_slots: u32,
    /// True if the next instruction can be reached.
    is_reachable: bool,
    /// `br_table`: the pending jumps by label.
    stubs: Vec<u32>,
    /// Slots of the locals that are not parameters.
    zeroed_slots: u32,
    handlers: ExceptionHandlersBuilder,
    pub(super) proof: Proof,
    /// The metering: charges of segments, and polls for interruption (`meter.rs`).
    has_fuel: bool,
    is_interruptible: bool,
    /// The counter of what is executed, and the number of the function there.
    counter: Option<&'static Counter>,
    counted: u32,
    /// The cell that holds the cost of the open segment.
    segment: Option<usize>,
    /// The first cell of each instruction, and where it is in the module, if that is wanted.
    positions: Option<Vec<(u32, u32)>>,
}

/// A function type, counted in slots.
#[derive(Debug)]
pub(super) struct Signature {
    params: u32,
    results: u32,
    has_wide: bool,
    ty: Arc<FuncType>,
}

/// Where a local is.
#[derive(Clone, Copy)]
struct Local {
    slot: u32,
    is_wide: bool,
}

impl<'m> Translator<'m> {
    /// A translator of functions of a module whose codes are to be at `codes`.
    pub(super) fn new(
        module: &'m ModuleParts,
        signatures: &'m [Signature],
        config: &Config,
        codes: *const FuncCode,
    ) -> Self {
        Translator {
            module,
            profile: config.profile,
            codes,
            signatures,
            cells: Vec::new(),
            blocks: Vec::new(),
            locals: Vec::new(),
            stack: Heights::default(),
            local_slots: 0,
            is_reachable: true,
            stubs: Vec::new(),
            zeroed_slots: 0,
            handlers: ExceptionHandlersBuilder::default(),
            proof: Proof::default(),
            has_fuel: config.fuel,
            is_interruptible: config.interruptible,
            counter: config.counter,
            counted: 0,
            segment: None,
            positions: None,
        }
    }

    /// Which cells come from which bytes of the module in the function of an index.
    ///
    /// # Errors
    /// As [`Self::function`].
    pub(super) fn positions(&mut self, index: u32) -> Result<Vec<(u32, u32)>> {
        self.positions = Some(Vec::new());
        let translated = self.function(index);
        let positions = self.positions.take().unwrap_or_default();
        translated.map(|_| positions)
    }

    /// Translates the function of an index.
    ///
    /// # Errors
    /// `Unsupported` with the mnemonic of the first opcode that this tier does not execute.
    pub(super) fn function(&mut self, index: u32) -> Result<Translated> {
        let module = self.module;
        let own = module.body_index(index).unwrap_or_default();
        let body = module.bodies[own].clone();
        let mut decoder = Decoder::new(&module.bytes[body.clone()], body.start);
        self.cells.clear();
        self.locals.clear();
        self.stack.clear();
        self.local_slots = 0;
        self.is_reachable = true;
        self.segment = None;
        self.handlers.clear();
        if let Some(counter) = self.counter {
            self.counted = counter.add_function(module.naming(), index);
            let immediates = [counter as *const Counter as u64, self.counted.into()];
            self.emit(control::count_entry, &immediates);
        }
        self.zeroed_slots = self.declare_locals(index, &mut decoder)?;
        self.emit_poll();
        self.open_function(self.module.funcs[index as usize]);
        while !self.blocks.is_empty() {
            // By reference: an instruction is large, and copied word by word as soon as written.
            match &decoder.read() {
                Ok(instr) => self.counted_instruction(instr)?,
                Err(error) => return Err((*error).into()),
            }
            if !self.is_reachable && !self.blocks.is_empty() {
                self.skip_unreachable(&mut decoder)?;
            }
        }
        // One slot below the operands, and one for `acc`.
        let slots = self.zeroed_slots as usize + self.stack.max() as usize + 2;
        self.proof.compiled += 1;
        Ok(Translated {
            cells: self.cells.as_slice().into(),
            frame_bytes: slots * size_of::<u64>(),
            handlers: self.handlers.finish(),
        })
    }

    fn counted_instruction(&mut self, instr: &Instr<'_>) -> Result<()> {
        self.proof.ops_inline += 1;
        if let Some(positions) = &mut self.positions {
            positions.push((self.cells.len() as u32, instr.offset as u32));
        }
        if self.has_fuel {
            self.charge(instr.op);
        }
        if let Some(counter) = self.counter.filter(|_| meter::cost(instr.op) > 0) {
            let site = counter.add_site(self.counted, instr.offset as u32, instr.op);
            let immediates = [counter as *const Counter as u64, site.into()];
            self.emit(control::count, &immediates);
        }
        self.instruction(instr)
    }

    /// Gives every local its slot, and zeroes those that are not parameters: the number of their
    /// slots.
    fn declare_locals(&mut self, index: u32, decoder: &mut Decoder<'_>) -> Result<u32> {
        let module = self.module;
        for &ty in &module.signatures[index as usize].params {
            self.declare(1, ty == ValType::V128);
        }
        let param_slots = self.local_slots;
        let declare = |count, ty| self.declare(count, ty == RawValType::V128);
        decoder.read_locals(declare)?;
        let zeroed = self.local_slots - param_slots;
        match zeroed {
            0 => {}
            1 => self.emit(call::zero_locals_1, &[]),
            2 => self.emit(call::zero_locals_2, &[]),
            3 => self.emit(call::zero_locals_3, &[]),
            4 => self.emit(call::zero_locals_4, &[]),
            more => self.emit(call::zero_locals, &[u64::from(more)]),
        }
        Ok(zeroed)
    }

    fn declare(&mut self, count: u32, is_wide: bool) {
        for _ in 0..count {
            let slot = self.local_slots;
            self.locals.push(Local { slot, is_wide });
            self.local_slots += 1 + u32::from(is_wide);
        }
    }

    /// The distance of `sp` from the function's frame in slots.
    fn frame_slots(&self) -> u64 {
        u64::from(self.local_slots) + u64::from(self.stack.height())
    }

    fn emit(&mut self, handler: StackHandler, immediates: &[u64]) {
        self.cells.push(handler as usize as u64);
        self.cells.extend_from_slice(immediates);
    }

    /// Adds an instruction to the segment that is open, or opens one. (A segment's end closes it,
    /// though the instruction itself is still to be emitted.)
    fn charge(&mut self, op: Op) {
        let cost = u64::from(meter::cost(op));
        match self.segment {
            Some(cell) => self.cells[cell] += cost,
            None if cost > 0 => {
                self.emit(control::fuel, &[cost]);
                self.segment = Some(self.cells.len() - 1);
            }
            None => {}
        }
        if meter::ends_segment(op) {
            self.segment = None;
        }
    }

    /// At a function's entry or a loop's head.
    fn emit_poll(&mut self) {
        if self.is_interruptible {
            self.emit(control::poll, &[]);
        }
    }

    /// Emits an instruction whose handler calls out for its whole work (contract C2).
    fn emit_helper(&mut self, op: Op, handler: StackHandler, immediates: &[u64]) {
        self.emit(handler, immediates);
        self.count_helper(op);
    }

    fn count_helper(&mut self, op: Op) {
        self.proof.ops_inline -= 1;
        *self.proof.ops_via_helper.entry(op.mnemonic()).or_default() += 1;
    }

    fn push_params(&mut self, type_index: u32) {
        let signature = &self.signatures[type_index as usize];
        match signature.has_wide {
            true => self.stack.push_types(&signature.ty.params),
            false => self.stack.push(signature.params),
        }
    }

    fn push_results(&mut self, type_index: u32) {
        let signature = &self.signatures[type_index as usize];
        match signature.has_wide {
            true => self.stack.push_types(&signature.ty.results),
            false => self.stack.push(signature.results),
        }
    }
}

impl Signature {
    fn new(ty: Arc<FuncType>) -> Signature {
        Signature {
            params: slots_of_all(&ty.params) as u32,
            results: slots_of_all(&ty.results) as u32,
            has_wide: ty
                .params
                .iter()
                .chain(&ty.results)
                .any(|&t| t == ValType::V128),
            ty,
        }
    }
}

/// The error of immediates that are not those of the opcode's row.
fn wrong_immediates(op: Op) -> Error {
    let message = format!("{} with immediates of another form", op.mnemonic());
    Error::new(ErrorKind::Internal, message)
}
