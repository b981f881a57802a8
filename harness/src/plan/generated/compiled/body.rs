//! The body of a function under construction: instructions, locals, labels, and the hash into which
//! values go that nothing else takes.
//!
//! Invariants: the counter of a loop is written by the loop alone, and calls lead to functions that
//! are complete, so every body terminates; `cost` is about the number of instructions that a call
//! executes at most.

use wasm_encoder::{BlockType, Encode, Function, Ieee32, Ieee64, Instruction as I, ValType};
use wassay_runtime::interior::ops::{Op, Proposal};

use super::super::boundary;
use super::super::random::Random;
use super::pool::PoolOp;
use super::program::{ANYREF, FuncSig, Program};

/// The greatest number of instructions that a call should execute.
const COST_MAX: u64 = 12_000;

/// A local.
#[derive(Clone, Copy, Debug)]
struct Local {
    ty: ValType,
    /// True if only the code that made the local may write it.
    is_fixed: bool,
}

/// The place to which a branch leads.
#[derive(Clone, Debug)]
pub(super) struct Label {
    /// The operands that a branch takes along.
    pub(super) types: Vec<ValType>,
    /// True if a branch leads backwards.
    pub(super) is_loop: bool,
}

/// The instruction that begins a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    Block,
    Loop,
    If,
    Try,
}

/// A body under construction.
pub(super) struct Body<'a> {
    pub(super) program: &'a mut Program,
    pub(super) random: &'a mut Random,
    pub(super) sig: FuncSig,
    locals: Vec<Local>,
    code: Vec<u8>,
    /// The labels, the outermost first: that of the function itself.
    labels: Vec<Label>,
    /// The i64 into which values go.
    hash: u32,
    /// The number of times that the code at hand is executed at most.
    heat: u64,
    cost: u64,
    /// The number of instructions that should still follow.
    pub(super) left: i64,
    /// The depth of motifs in motifs.
    pub(super) nesting: u32,
}

impl<'a> Body<'a> {
    /// The body of a function, of about so many instructions.
    pub(super) fn new(
        program: &'a mut Program,
        random: &'a mut Random,
        sig: FuncSig,
        left: i64,
    ) -> Body<'a> {
        let params = sig.params.iter();
        let locals = params.map(|ty| Local {
            ty: *ty,
            is_fixed: false,
        });
        let mut body = Body {
            program,
            random,
            locals: locals.collect(),
            code: Vec::new(),
            labels: vec![Label {
                types: sig.results.clone(),
                is_loop: false,
            }],
            sig,
            hash: 0,
            heat: 1,
            cost: 0,
            left,
            nesting: 0,
        };
        body.hash = body.fixed(ValType::I64);
        body
    }

    /// The code with its locals, and its cost.
    pub(super) fn finish(mut self) -> (Function, u64) {
        self.emit(&I::End);
        let locals = &self.locals[self.sig.params.len()..];
        let mut function = Function::new_with_locals_types(locals.iter().map(|it| it.ty));
        function.raw(self.code);
        (function, self.cost)
    }

    /// Adds an instruction.
    pub(super) fn emit(&mut self, instruction: &I<'_>) {
        instruction.encode(&mut self.code);
        self.left -= 1;
        self.cost += self.heat;
    }

    /// Adds instructions.
    pub(super) fn emit_all(&mut self, instructions: &[I<'_>]) {
        instructions.iter().for_each(|it| self.emit(it));
    }

    /// Adds an opcode, without its immediates.
    pub(super) fn opcode(&mut self, op: Op) {
        let row = op.row();
        match row.prefix {
            Some(prefix) => {
                self.code.push(prefix);
                row.code.encode(&mut self.code);
            }
            None => self.code.push(row.code as u8),
        }
        self.left -= 1;
        self.cost += self.heat;
    }

    /// Adds an instruction of the pool that does not access memory.
    pub(super) fn pool_op(&mut self, op: &PoolOp) {
        self.opcode(op.op);
        if op.op == Op::I8x16Shuffle {
            let lanes = self.shuffle_lanes();
            self.code.extend(lanes);
        } else if op.lanes > 0 {
            let lane = self.random.below(u64::from(op.lanes)) as u8;
            self.code.push(lane);
        }
    }

    /// Adds the immediates of an access.
    pub(super) fn memory_argument(&mut self, align_log2: u32, memory: u32, offset: u64) {
        match memory {
            0 => align_log2.encode(&mut self.code),
            _ => {
                (align_log2 | 1 << 6).encode(&mut self.code);
                memory.encode(&mut self.code);
            }
        }
        offset.encode(&mut self.code);
    }

    /// Adds a byte of an immediate.
    pub(super) fn byte(&mut self, byte: u8) {
        self.code.push(byte);
    }

    /// The lanes of a shuffle: patterns that have instructions of their own, and others.
    fn shuffle_lanes(&mut self) -> [u8; 16] {
        let width = self.random.pick(&[1u8, 2, 4, 8]);
        let count = 16 / width;
        let odd = self.random.below(2) as u8;
        let start = self.random.below(17) as u8;
        let any = self.random.bytes(16);
        let swapped = self.random.chance(50);
        let half = count / 2 * odd;
        let second = if self.random.chance(50) { 16 } else { 0 };
        let lane = |lane: u8, byte: u8| lane * width + byte;
        let kind = self.random.below(10);
        let mut lanes = [0; 16];
        for (index, at) in lanes.iter_mut().enumerate() {
            let (index, byte) = (index as u8 / width, index as u8 % width);
            let from_other = |lane| lane * width + byte + second;
            *at = match kind {
                // Lanes of both in turn: the lower halves or the higher.
                0 if index % 2 == 0 => lane(half + index / 2, byte),
                0 => from_other(half + index / 2),
                // Every second lane of both.
                1 if index < count / 2 => lane(2 * index + odd, byte),
                1 => from_other(2 * (index - count / 2) + odd),
                // Even or odd lanes in turn.
                2 if index % 2 == 0 => lane(index + odd, byte),
                2 => from_other(index - 1 + odd),
                // Sixteen bytes out of the thirty-two.
                3 => start + lane(index, byte),
                // Lanes in reverse order within a wider lane, or within all of it.
                4 => lane(index ^ 1, byte),
                5 => lane(count - 1 - index, byte),
                // One lane everywhere.
                6 => lane(start % count, byte) + second,
                // One lane of the other vector among those of the first.
                7 if index == start % count => from_other(index),
                7 => lane(index, byte),
                // Halves exchanged or joined.
                8 => (lane(index, byte) + 8) % 32,
                _ => any[lane(index, byte) as usize] & 31,
            } & 31;
        }
        if swapped {
            lanes.iter_mut().for_each(|it| *it ^= 16);
        }
        lanes
    }

    /// A constant from the pool of boundary values.
    pub(super) fn constant(&mut self, ty: ValType) {
        let random = &mut *self.random;
        let instruction = match ty {
            ValType::I32 => I::I32Const(boundary::i32(random).cast_signed()),
            ValType::I64 => I::I64Const(boundary::i64(random).cast_signed()),
            ValType::F32 => I::F32Const(Ieee32::new(boundary::f32(random))),
            ValType::F64 => I::F64Const(Ieee64::new(boundary::f64(random))),
            ValType::V128 => I::V128Const(i128::from_le_bytes(boundary::v128(random))),
            ValType::Ref(ty) => I::RefNull(ty.heap_type),
        };
        self.emit(&instruction);
    }

    /// An integer constant of a type.
    pub(super) fn integer(&mut self, ty: ValType, value: u64) {
        self.emit(&match ty {
            ValType::I64 => I::I64Const(value.cast_signed()),
            _ => I::I32Const((value as u32).cast_signed()),
        });
    }

    // ----- locals

    /// A new local.
    pub(super) fn local(&mut self, ty: ValType) -> u32 {
        self.add_local(ty, false)
    }

    /// A new local that only the code that makes it writes.
    pub(super) fn fixed(&mut self, ty: ValType) -> u32 {
        self.add_local(ty, true)
    }

    /// Leaves the writing of a local to the code that calls this.
    pub(super) fn fix(&mut self, local: u32) {
        self.locals[local as usize].is_fixed = true;
    }

    fn add_local(&mut self, ty: ValType, is_fixed: bool) -> u32 {
        self.locals.push(Local { ty, is_fixed });
        self.locals.len() as u32 - 1
    }

    /// Any local of a type; the hash is one of them.
    pub(super) fn any_local(&mut self, ty: ValType) -> Option<u32> {
        self.some_local(|it| it.ty == ty)
    }

    /// A local of a type that code may write.
    pub(super) fn writable(&mut self, ty: ValType) -> u32 {
        let found = self.some_local(|it| it.ty == ty && !it.is_fixed);
        match found.filter(|_| !self.random.chance(10)) {
            Some(local) => local,
            None => self.local(ty),
        }
    }

    fn some_local(&mut self, fits: impl Fn(&Local) -> bool) -> Option<u32> {
        let count = self.locals.iter().filter(|it| fits(it)).count();
        let nth = self.random.below(count.max(1) as u64) as usize;
        let mut fitting = (0..self.locals.len()).filter(|index| fits(&self.locals[*index]));
        fitting.nth(nth).map(|index| index as u32)
    }

    /// The local in which the hash is.
    pub(super) fn hash(&self) -> u32 {
        self.hash
    }

    /// Every local that holds a value of the program, with its type.
    pub(super) fn locals(&self) -> Vec<(u32, ValType)> {
        let locals = self.locals.iter().enumerate();
        let all = locals.map(|(index, it)| (index as u32, it.ty));
        all.filter(|(index, _)| *index != self.hash).collect()
    }

    /// Puts the operand on top of the stack into a new local.
    pub(super) fn keep(&mut self, ty: ValType) -> u32 {
        let local = self.local(ty);
        self.emit(&I::LocalSet(local));
        local
    }

    // ----- what takes values

    /// Mixes the operand on top of the stack into the hash.
    pub(super) fn mix(&mut self, ty: ValType) {
        match ty {
            ValType::I32 => {
                let signed = self.random.chance(50);
                let op = if signed {
                    I::I64ExtendI32S
                } else {
                    I::I64ExtendI32U
                };
                self.emit(&op);
            }
            ValType::I64 => {}
            ValType::F32 => self.emit_all(&[I::I32ReinterpretF32, I::I64ExtendI32U]),
            ValType::F64 => self.emit(&I::I64ReinterpretF64),
            ValType::V128 => {
                let vector = self.fixed(ValType::V128);
                self.emit_all(&[
                    I::LocalTee(vector),
                    I::I64x2ExtractLane(0),
                    I::LocalGet(vector),
                    I::I64x2ExtractLane(1),
                    I::I64Const(0x9E37_79B9_7F4A_7C15_u64.cast_signed()),
                    I::I64Mul,
                    I::I64Add,
                ]);
            }
            ValType::Ref(_) => self.emit_all(&[I::RefIsNull, I::I64ExtendI32U]),
        }
        let by = self.random.pick(&[5, 7, 13, 32, 61]);
        let combine = self.random.pick(&[Op::I64Add, Op::I64Xor, Op::I64Sub]);
        self.emit_all(&[I::LocalGet(self.hash), I::I64Const(by), I::I64Rotl]);
        self.opcode(combine);
        self.emit(&I::LocalSet(self.hash));
    }

    /// Takes the operand on top of the stack: into a local, a global or the hash.
    pub(super) fn sink(&mut self, ty: ValType) {
        match self.random.below(10) {
            0..5 => {
                let local = self.writable(ty);
                self.emit(&I::LocalSet(local));
            }
            5 => match self.some_global(ty, true) {
                Some(global) => self.emit(&I::GlobalSet(global)),
                None => self.mix(ty),
            },
            6 => {
                let local = self.writable(ty);
                self.emit(&I::LocalTee(local));
                self.mix(ty);
            }
            _ => self.mix(ty),
        }
    }

    /// Takes several operands.
    pub(super) fn sink_all(&mut self, types: &[ValType]) {
        types.iter().rev().for_each(|ty| self.sink(*ty));
    }

    /// A global of a type.
    pub(super) fn some_global(&mut self, ty: ValType, is_written: bool) -> Option<u32> {
        let globals = self.program.globals.iter().enumerate();
        let fits = globals.filter(|(_, it)| it.ty == ty && (it.is_mutable || !is_written));
        let fits: Vec<u32> = fits.map(|(index, _)| index as u32).collect();
        (!fits.is_empty()).then(|| self.random.pick(&fits))
    }

    // ----- blocks

    /// Begins a block.
    pub(super) fn open(&mut self, opening: Opening, params: &[ValType], results: &[ValType]) {
        let ty = self.block_type(params, results);
        self.emit(&match opening {
            Opening::Block => I::Block(ty),
            Opening::Loop => I::Loop(ty),
            Opening::If => I::If(ty),
            Opening::Try => I::Try(ty),
        });
        let is_loop = opening == Opening::Loop;
        let types = if is_loop { params } else { results };
        self.enter(types.to_vec(), is_loop);
    }

    /// Notes the label of a block that the caller has begun.
    pub(super) fn enter(&mut self, types: Vec<ValType>, is_loop: bool) {
        self.labels.push(Label { types, is_loop });
    }

    /// Ends the innermost block.
    pub(super) fn end(&mut self) {
        self.emit(&I::End);
        self.leave();
    }

    /// Notes that the caller has ended the innermost block.
    pub(super) fn leave(&mut self) {
        self.labels.pop();
    }

    /// The type of a block.
    pub(super) fn block_type(&mut self, params: &[ValType], results: &[ValType]) -> BlockType {
        match (params, results) {
            ([], []) => BlockType::Empty,
            ([], [result]) => BlockType::Result(*result),
            _ => BlockType::FunctionType(self.program.ty(&FuncSig {
                params: params.to_vec(),
                results: results.to_vec(),
            })),
        }
    }

    /// A label that leads forwards, by its depth.
    pub(super) fn forward_label(&mut self) -> Option<(u32, Vec<ValType>)> {
        let depth = self.random.below(self.labels.len() as u64) as usize;
        let label = &self.labels[self.labels.len() - 1 - depth];
        let found = (depth as u32, label.types.clone());
        (!label.is_loop && depth + 1 < self.labels.len()).then_some(found)
    }

    // ----- what execution costs

    /// Generates code that is executed up to `trips` times; `false` if that would be too often.
    pub(super) fn repeated(&mut self, trips: u64, code: impl FnOnce(&mut Self)) -> bool {
        if self.heat * trips > 400 || self.cost > COST_MAX {
            return false;
        }
        self.heat *= trips;
        code(self);
        self.heat /= trips;
        true
    }

    /// Counts a call; `false` if it would execute too much.
    pub(super) fn may_call(&mut self, function: u32) -> bool {
        let cost = self.heat * self.program.functions[function as usize].cost;
        let may = self.cost + cost <= COST_MAX;
        self.cost += if may { cost } else { 0 };
        may
    }

    /// Makes another function, whose code `build` generates.
    pub(super) fn helper(
        &mut self,
        params: &[ValType],
        results: &[ValType],
        build: impl FnOnce(&mut Body<'_>, u32),
    ) -> u32 {
        let sig = FuncSig {
            params: params.to_vec(),
            results: results.to_vec(),
        };
        let index = self.program.declare(sig.clone(), false);
        let nesting = (self.nesting + 1).max(2);
        let mut body = Body::new(self.program, self.random, sig, 40);
        body.nesting = nesting;
        build(&mut body, index);
        let (code, cost) = body.finish();
        self.left -= 20;
        let func = &mut self.program.functions[index as usize];
        (func.body, func.cost, func.is_ready) = (Some(code), cost, true);
        index
    }

    // ----- types

    /// True if the module may use a proposal.
    pub(super) fn has(&self, proposal: Proposal) -> bool {
        self.program.has(proposal)
    }

    /// A numeric or vector type.
    pub(super) fn number_type(&mut self) -> ValType {
        let has_vectors = self.has(Proposal::Simd);
        match self.random.below(20) {
            0..8 => ValType::I32,
            8..14 => ValType::I64,
            14 | 15 => ValType::F32,
            16 | 17 => ValType::F64,
            _ if has_vectors => ValType::V128,
            _ => ValType::F64,
        }
    }

    /// An integer type.
    pub(super) fn integer_type(&mut self) -> ValType {
        self.random.pick(&[ValType::I32, ValType::I64])
    }

    /// Any type.
    pub(super) fn any_type(&mut self) -> ValType {
        match self.random.below(20) {
            0 => ValType::EXTERNREF,
            1 => ValType::FUNCREF,
            2 if self.has(Proposal::Gc) => ANYREF,
            _ => self.number_type(),
        }
    }

    /// Several types.
    pub(super) fn types(&mut self, low: usize, high: usize) -> Vec<ValType> {
        let count = self.random.range(low, high);
        (0..count).map(|_| self.any_type()).collect()
    }
}
