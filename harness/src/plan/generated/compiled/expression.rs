//! Expressions: code that leaves a value of a type on the stack.

use wasm_encoder::{HeapType, Ieee32, Ieee64, Instruction as I, ValType};
use wassay_runtime::interior::ops::{Op, Proposal, SigType};

use super::body::{Body, Opening};
use super::pool::{PoolOp, pool, value_type};
use super::program::{ANYREF, objects};

/// The least and the greatest float that each truncation takes, as bits.
const TRUNCATIONS: [(Op, u64, u64); 8] = [
    (Op::I32TruncF32S, 0xCF00_0000, 0x4EFF_FFFF),
    (Op::I32TruncF32U, 0xBF7F_FFFF, 0x4F7F_FFFF),
    (Op::I64TruncF32S, 0xDF00_0000, 0x5EFF_FFFF),
    (Op::I64TruncF32U, 0xBF7F_FFFF, 0x5F7F_FFFF),
    (
        Op::I32TruncF64S,
        0xC1E0_0000_001F_FFFF,
        0x41DF_FFFF_FFFF_FFFF,
    ),
    (
        Op::I32TruncF64U,
        0xBFEF_FFFF_FFFF_FFFF,
        0x41EF_FFFF_FFFF_FFFF,
    ),
    (
        Op::I64TruncF64S,
        0xC3E0_0000_0000_0000,
        0x43DF_FFFF_FFFF_FFFF,
    ),
    (
        Op::I64TruncF64U,
        0xBFEF_FFFF_FFFF_FFFF,
        0x43EF_FFFF_FFFF_FFFF,
    ),
];

impl Body<'_> {
    /// A value of a type, of nested operations.
    pub(super) fn expr(&mut self, ty: ValType, depth: u32) {
        if let ValType::Ref(_) = ty {
            return self.reference(ty);
        }
        if depth == 0 || self.left <= 0 {
            return self.leaf(ty);
        }
        match self.random.below(100) {
            0..14 => self.leaf(ty),
            14..52 => self.operation(&pool().same, ty, depth),
            52..64 => self.mixed_operation(ty, depth),
            64..74 => self.load(ty),
            74..80 => self.chosen(ty, depth),
            80..84 => self.branching(ty, depth),
            84..88 => self.tee(ty, depth),
            88..92 => self.trapping(ty, depth),
            92..95 => self.with_constant(ty, depth),
            95..98 => self.block_value(ty, depth),
            _ => self.call_value(ty, depth),
        }
    }

    /// Values of several types.
    pub(super) fn exprs(&mut self, types: &[ValType], depth: u32) {
        types.iter().for_each(|ty| self.expr(*ty, depth));
    }

    /// A value that one instruction gives.
    pub(super) fn leaf(&mut self, ty: ValType) {
        let kind = self.random.below(10);
        if kind < 6
            && let Some(local) = self.any_local(ty)
        {
            return self.emit(&I::LocalGet(local));
        }
        if kind == 6
            && let Some(global) = self.some_global(ty, false)
        {
            return self.emit(&I::GlobalGet(global));
        }
        self.constant(ty);
    }

    /// A value of a local or, for lack of one, a constant.
    pub(super) fn variable(&mut self, ty: ValType) {
        match self.any_local(ty) {
            Some(local) => self.emit(&I::LocalGet(local)),
            None => self.constant(ty),
        }
    }

    fn reference(&mut self, ty: ValType) {
        let kind = self.random.below(8);
        if kind < 4
            && let Some(local) = self.any_local(ty)
        {
            return self.emit(&I::LocalGet(local));
        }
        if ty == ValType::FUNCREF && kind < 7 {
            let function = self.random.below(self.program.functions.len() as u64) as u32;
            return self.emit(&I::RefFunc(function));
        }
        if ty == ANYREF && kind < 7 {
            if kind == 6 {
                return self.emit(&I::StructNewDefault(objects::LEAF));
            }
            self.expr(ValType::I32, 1);
            return self.emit(&I::RefI31);
        }
        if ty == ValType::EXTERNREF && kind == 5 && self.has(Proposal::Gc) {
            self.reference(ANYREF);
            return self.emit(&I::ExternConvertAny);
        }
        self.leaf(ty);
    }

    /// An operation of the pool whose operands are expressions.
    fn operation(&mut self, from: &super::pool::ByResult, ty: ValType, depth: u32) {
        let candidates = from.of(ty);
        if candidates.is_empty() {
            return self.leaf(ty);
        }
        let op = self.random.pick(candidates);
        self.apply(&op, depth - 1);
    }

    /// An operation whose operands are of other types.
    fn mixed_operation(&mut self, ty: ValType, depth: u32) {
        let has_vectors = self.has(Proposal::Simd);
        let relaxed = self.has(Proposal::RelaxedSimd);
        let from = match self.random.below(10) {
            0..4 if has_vectors => &pool().lanes,
            4 | 5 if relaxed && ty == ValType::V128 => &pool().relaxed,
            _ if ty == ValType::V128 => &pool().lanes,
            _ => &pool().cross,
        };
        self.operation(from, ty, depth);
    }

    /// An instruction of the pool with its operands.
    pub(super) fn apply(&mut self, op: &PoolOp, depth: u32) {
        for ty in op.params {
            self.expr(value_type(*ty), depth);
        }
        self.pool_op(op);
    }

    /// An operation with a constant on one of its sides.
    pub(super) fn with_constant(&mut self, ty: ValType, depth: u32) {
        let op = self.random.pick(pool().same.of(ty));
        let constant_at = self.random.below(op.params.len() as u64) as usize;
        for (index, param) in op.params.iter().enumerate() {
            match index == constant_at && op.params.len() > 1 {
                true => self.constant(value_type(*param)),
                false => self.expr(value_type(*param), depth - 1),
            }
        }
        self.pool_op(&op);
    }

    /// The one of two values that a condition chooses.
    pub(super) fn chosen(&mut self, ty: ValType, depth: u32) {
        self.expr(ty, depth - 1);
        self.expr(ty, depth - 1);
        self.condition(depth - 1);
        self.select(ty);
    }

    /// `select`, with its type or without.
    pub(super) fn select(&mut self, ty: ValType) {
        match self.random.chance(30) {
            true => self.emit(&I::TypedSelect(ty)),
            false => self.emit(&I::Select),
        }
    }

    /// An i32 to branch or select on: most often what a comparison gives.
    pub(super) fn condition(&mut self, depth: u32) {
        match self.random.below(10) {
            0..6 => self.comparison(depth),
            6 => {
                let negated = self.random.chance(50);
                self.comparison(depth);
                if negated {
                    self.emit(&I::I32Eqz);
                }
            }
            7 => {
                self.expr(ValType::I32, depth.min(1));
                let bit = self.random.below(32);
                self.integer(ValType::I32, 1 << bit);
                self.emit(&I::I32And);
            }
            8 => {
                self.expr(ValType::I64, depth.min(1));
                self.emit(&I::I32WrapI64);
            }
            _ => self.expr(ValType::I32, depth),
        }
    }

    /// A comparison or a test.
    pub(super) fn comparison(&mut self, depth: u32) {
        loop {
            let op = self.random.pick(pool().cross.of(ValType::I32));
            let first = op.params[0];
            let is_comparison = op.params.len() == 2 || matches!(op.op, Op::I32Eqz | Op::I64Eqz);
            let is_rare = matches!(first, SigType::F32 | SigType::F64);
            if !is_comparison || is_rare && self.random.chance(60) {
                continue;
            }
            let with_constant = op.params.len() == 2 && self.random.chance(35);
            self.expr(value_type(first), depth);
            if with_constant {
                self.constant(value_type(first));
            } else if op.params.len() == 2 {
                self.expr(value_type(first), depth);
            }
            return self.pool_op(&op);
        }
    }

    /// The value of an `if`.
    fn branching(&mut self, ty: ValType, depth: u32) {
        self.condition(depth - 1);
        self.open(Opening::If, &[], &[ty]);
        self.expr(ty, depth - 1);
        self.emit(&I::Else);
        self.expr(ty, depth - 1);
        self.end();
    }

    /// A value that a local keeps as well.
    fn tee(&mut self, ty: ValType, depth: u32) {
        self.expr(ty, depth - 1);
        let local = self.writable(ty);
        self.emit(&I::LocalTee(local));
    }

    /// A block that branches leave with a value.
    fn block_value(&mut self, ty: ValType, depth: u32) {
        self.open(Opening::Block, &[], &[ty]);
        self.expr(ty, depth - 1);
        self.condition(depth - 1);
        self.emit(&I::BrIf(0));
        let local = self.writable(ty);
        self.emit(&I::LocalSet(local));
        self.expr(ty, depth - 1);
        self.end();
    }

    /// A division or a truncation that does not trap.
    pub(super) fn trapping(&mut self, ty: ValType, depth: u32) {
        match ty {
            ValType::I32 | ValType::I64 if self.random.chance(60) => {
                let op = self.random.pick(pool().divisions.of(ty));
                self.expr(ty, depth - 1);
                self.divisor(ty, depth - 1);
                self.opcode(op.op);
            }
            ValType::I32 | ValType::I64 => {
                let op = self.random.pick(pool().truncations.of(ty));
                self.truncation(&op, depth - 1);
            }
            ValType::F32 | ValType::F64 | ValType::V128 | ValType::Ref(_) => {
                self.expr(ty, depth - 1);
            }
        }
    }

    /// A divisor that is neither 0 nor -1.
    fn divisor(&mut self, ty: ValType, depth: u32) {
        if self.random.chance(40) {
            let value = match ty {
                ValType::I64 => super::super::boundary::i64(self.random),
                _ => u64::from(super::super::boundary::i32(self.random)),
            };
            let never = [0, u64::MAX, u64::from(u32::MAX)];
            let value = if never.contains(&value) { 7 } else { value };
            let is_zero = ty == ValType::I32 && matches!(value as u32, 0 | u32::MAX);
            return self.integer(ty, if is_zero { 10 } else { value });
        }
        self.expr(ty, depth);
        let (and, or, top) = match ty {
            ValType::I64 => (I::I64And, I::I64Or, u64::MAX >> 1),
            _ => (I::I32And, I::I32Or, u64::from(u32::MAX) >> 1),
        };
        let (mask, bit) = self
            .random
            .pick(&[(top, 1), (0xFF, 1), (0xFFF0, 2), (top >> 1, 3)]);
        self.integer(ty, mask);
        self.emit(&and);
        self.integer(ty, bit);
        self.emit(&or);
    }

    /// A truncation of a value between its bounds; NaN is 0.
    pub(super) fn truncation(&mut self, op: &PoolOp, depth: u32) {
        let bounds = TRUNCATIONS.iter().find(|(it, ..)| *it == op.op);
        let &(_, low, high) = bounds.expect("every truncation has bounds");
        let ty = value_type(op.params[0]);
        let is32 = ty == ValType::F32;
        let constant = |bits: u64| match is32 {
            true => I::F32Const(Ieee32::new(bits as u32)),
            false => I::F64Const(Ieee64::new(bits)),
        };
        let (eq, max, min) = match is32 {
            true => (I::F32Eq, I::F32Max, I::F32Min),
            false => (I::F64Eq, I::F64Max, I::F64Min),
        };
        self.expr(ty, depth);
        let value = self.fixed(ty);
        self.emit_all(&[I::LocalTee(value), constant(0)]);
        self.emit_all(&[I::LocalGet(value), I::LocalGet(value), eq, I::Select]);
        self.emit_all(&[constant(low), max, constant(high), min]);
        self.opcode(op.op);
    }

    /// The result of a call of a function that has one result of the type.
    fn call_value(&mut self, ty: ValType, depth: u32) {
        let functions = self.program.functions.iter().enumerate();
        let fits = functions.filter(|(_, it)| it.is_ready && it.sig.results == [ty]);
        let fits: Vec<u32> = fits.map(|(index, _)| index as u32).collect();
        if fits.is_empty() {
            return self.operation(&pool().same, ty, depth);
        }
        let function = self.random.pick(&fits);
        if !self.may_call(function) {
            return self.leaf(ty);
        }
        let params = self.program.functions[function as usize].sig.params.clone();
        self.exprs(&params, depth.min(2) - 1);
        self.call(function);
    }

    /// A call of a function whose arguments are on the stack: direct, by a table, by a reference.
    pub(super) fn call(&mut self, function: u32) {
        let func = &self.program.functions[function as usize];
        let (type_index, slot) = (func.ty, func.slot);
        let by_table = self.program.has_slot(function);
        match self.random.below(10) {
            0..2 if by_table => {
                self.slot(slot);
                self.emit(&I::CallIndirect {
                    type_index,
                    table_index: 0,
                });
            }
            2..4 if self.has(Proposal::FunctionReferences) => {
                self.emit_all(&[I::RefFunc(function), I::CallRef(type_index)]);
            }
            4 if by_table && self.has(Proposal::Gc) => {
                self.slot(slot);
                self.emit_all(&[
                    I::TableGet(0),
                    I::RefCastNonNull(HeapType::Concrete(type_index)),
                    I::CallRef(type_index),
                ]);
            }
            _ => self.emit(&I::Call(function)),
        }
    }

    /// The index of a slot of table 0: a constant, or an i32 with other bits above it.
    pub(super) fn slot(&mut self, slot: u32) {
        match self.random.below(4) {
            0 => {
                self.variable(ValType::I64);
                self.emit_all(&[
                    I::I64Const(32),
                    I::I64Shl,
                    I::I64Const(i64::from(slot)),
                    I::I64Or,
                    I::I32WrapI64,
                ]);
            }
            1 => {
                self.variable(ValType::I32);
                let local = self.fixed(ValType::I32);
                self.emit_all(&[
                    I::LocalTee(local),
                    I::I32Const((slot as i32).wrapping_sub(0x8000_0000_u32.cast_signed())),
                    I::I32Add,
                    I::LocalGet(local),
                    I::I32Const(0x8000_0000_u32.cast_signed()),
                    I::I32Add,
                    I::I32Sub,
                    I::I32Const(i32::MIN),
                    I::I32Add,
                    I::I32Const(i32::MIN),
                    I::I32Add,
                ]);
            }
            _ => self.emit(&I::I32Const(slot.cast_signed())),
        }
    }
}
