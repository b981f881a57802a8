//! Statements: code that leaves the stack as it was, with structured control flow.

use std::borrow::Cow;

use wasm_encoder::{Instruction as I, ValType};

use super::body::{Body, Opening};
use super::motifs;

/// The code of a loop, which is given the local that counts.
type LoopBody<'a, B> = &'a mut dyn FnMut(&mut B, u32);

impl Body<'_> {
    /// Statements, about so many.
    pub(super) fn statements(&mut self, count: usize) {
        for _ in 0..count {
            self.statement();
        }
    }

    /// A statement. Near the end of the budget it is a small one.
    pub(super) fn statement(&mut self) {
        if self.left <= 0 {
            return;
        }
        let can_nest = self.left > 15 && self.nesting < 4;
        match self.random.below(100) {
            0..22 => self.assign(),
            22..32 => self.store(),
            32..40 => {
                let ty = self.number_type();
                self.expr(ty, 3);
                self.mix(ty);
            }
            40..45 if can_nest => self.nested(Self::conditional),
            45..51 if can_nest => self.nested(|it| it.counted_loop(None)),
            51..55 if can_nest => self.nested(Self::breakable),
            55..59 if can_nest => self.nested(Self::switch),
            59..66 => self.call_statement(),
            66.. if can_nest => self.nested(motifs::some),
            _ => self.assign(),
        }
    }

    /// Generates code one level deeper.
    pub(super) fn nested(&mut self, code: impl FnOnce(&mut Self)) {
        self.nesting += 1;
        code(self);
        self.nesting -= 1;
    }

    /// A local gets a value.
    fn assign(&mut self) {
        let ty = self.any_type();
        self.expr(ty, 3);
        let local = self.writable(ty);
        self.emit(&I::LocalSet(local));
    }

    /// `if`, with or without `else`.
    fn conditional(&mut self) {
        self.condition(2);
        self.open(Opening::If, &[], &[]);
        let count = self.random.range(1, 3);
        self.statements(count);
        if self.random.chance(10) {
            self.branch_out();
        }
        if self.random.chance(60) {
            self.emit(&I::Else);
            let count = self.random.range(1, 3);
            self.statements(count);
        }
        self.end();
    }

    /// A branch to a block around, with its operands; what follows is not executed.
    pub(super) fn branch_out(&mut self) {
        if let Some((depth, types)) = self.forward_label() {
            self.exprs(&types, 1);
            self.emit(&I::Br(depth));
        }
    }

    /// A block that branches leave early.
    fn breakable(&mut self) {
        self.open(Opening::Block, &[], &[]);
        for _ in 0..self.random.range(1, 3) {
            self.statement();
            self.condition(2);
            self.emit(&I::BrIf(0));
        }
        self.statement();
        self.end();
    }

    /// A loop with a counter that ends it. `code` is its body; for want of one, statements.
    pub(super) fn counted_loop(&mut self, code: Option<LoopBody<'_, Self>>) {
        let trips = self.random.range(1, 7) as u64;
        let mut statements = |body: &mut Self, _counter: u32| {
            let count = body.random.range(1, 4);
            body.statements(count);
        };
        let code = code.unwrap_or(&mut statements);
        self.repeated(trips, |body| match body.random.below(4) {
            0 => body.count_down(trips, code),
            1 => body.count_up(trips, code),
            2 => body.count_while(trips, code),
            _ => body.count_wide(trips, code),
        });
    }

    /// A loop whose counter goes down to 0 at the end of each turn.
    fn count_down(&mut self, trips: u64, code: &mut dyn FnMut(&mut Self, u32)) {
        let counter = self.fixed(ValType::I32);
        self.emit_all(&[I::I32Const(trips as i32), I::LocalSet(counter)]);
        self.open(Opening::Loop, &[], &[]);
        code(self, counter);
        self.emit_all(&[
            I::LocalGet(counter),
            I::I32Const(1),
            I::I32Sub,
            I::LocalTee(counter),
            I::BrIf(0),
        ]);
        self.end();
    }

    /// A loop whose counter goes up, compared with a limit that may be a local.
    fn count_up(&mut self, trips: u64, code: &mut dyn FnMut(&mut Self, u32)) {
        let counter = self.fixed(ValType::I32);
        let limit = self.fixed(ValType::I32);
        self.emit_all(&[I::I32Const(0), I::LocalSet(counter)]);
        self.emit_all(&[I::I32Const(trips as i32), I::LocalSet(limit)]);
        self.open(Opening::Loop, &[], &[]);
        code(self, counter);
        self.emit_all(&[
            I::LocalGet(counter),
            I::I32Const(1),
            I::I32Add,
            I::LocalTee(counter),
        ]);
        let by_local = self.random.chance(50);
        self.emit(&if by_local {
            I::LocalGet(limit)
        } else {
            I::I32Const(trips as i32)
        });
        let compare = self.random.below(3);
        self.emit(&[I::I32LtS, I::I32LtU, I::I32Ne][compare as usize]);
        self.emit(&I::BrIf(0));
        self.end();
    }

    /// A loop whose condition stands before its body.
    fn count_while(&mut self, trips: u64, code: &mut dyn FnMut(&mut Self, u32)) {
        let counter = self.fixed(ValType::I32);
        // As often as the lower bits of some value say.
        self.variable(ValType::I32);
        let mask = (trips + 1).next_power_of_two() / 2 - 1;
        self.integer(ValType::I32, mask);
        self.emit_all(&[I::I32And, I::LocalSet(counter)]);
        self.open(Opening::Block, &[], &[]);
        self.open(Opening::Loop, &[], &[]);
        self.emit_all(&[I::LocalGet(counter), I::I32Eqz, I::BrIf(1)]);
        code(self, counter);
        self.emit_all(&[
            I::LocalGet(counter),
            I::I32Const(-1),
            I::I32Add,
            I::LocalSet(counter),
        ]);
        self.emit(&I::Br(0));
        self.end();
        self.end();
    }

    /// A loop with a counter of 64 bits, of which the code sees the lower half.
    fn count_wide(&mut self, trips: u64, code: &mut dyn FnMut(&mut Self, u32)) {
        let wide = self.fixed(ValType::I64);
        let counter = self.fixed(ValType::I32);
        let high = self.random.pick(&[0, 1u64 << 32, 0xFFFF_FFFF << 32]);
        self.emit_all(&[I::I64Const((high | trips).cast_signed()), I::LocalSet(wide)]);
        self.open(Opening::Loop, &[], &[]);
        self.emit_all(&[I::LocalGet(wide), I::I32WrapI64, I::LocalSet(counter)]);
        code(self, counter);
        self.emit_all(&[
            I::LocalGet(wide),
            I::I64Const(-1),
            I::I64Add,
            I::LocalTee(wide),
            I::I64Const(high.cast_signed()),
            I::I64Ne,
            I::BrIf(0),
        ]);
        self.end();
    }

    /// `br_table` out of nested blocks, each of which has code behind it.
    fn switch(&mut self) {
        let arms = self.random.range(1, 6);
        self.open(Opening::Block, &[], &[]);
        for _ in 0..arms {
            self.open(Opening::Block, &[], &[]);
        }
        self.expr(ValType::I32, 2);
        if self.random.chance(70) {
            self.integer(ValType::I32, (arms as u64 + 1).next_power_of_two() - 1);
            self.emit(&I::I32And);
        }
        let count = self.random.range(0, 2 * arms);
        let labels: Vec<u32> = (0..count)
            .map(|_| self.random.below(arms as u64 + 1) as u32)
            .collect();
        let default = self.random.below(arms as u64 + 1) as u32;
        self.emit(&I::BrTable(Cow::from(labels), default));
        for blocks_left in (0..arms as u32).rev() {
            self.end();
            self.statement();
            // Out of the block around all arms, or on to the next arm.
            match self.random.below(3) {
                0 => self.emit(&I::Br(blocks_left)),
                1 => {
                    self.condition(1);
                    self.emit(&I::BrIf(blocks_left));
                }
                _ => {}
            }
        }
        self.end();
    }

    /// A call of a function that is complete.
    fn call_statement(&mut self) {
        let functions = self.program.functions.iter().enumerate();
        let ready: Vec<u32> = functions
            .filter(|(_, it)| it.is_ready)
            .map(|(index, _)| index as u32)
            .collect();
        if ready.is_empty() {
            return self.assign();
        }
        let function = self.random.pick(&ready);
        if self.may_call(function) {
            let sig = self.program.functions[function as usize].sig.clone();
            self.exprs(&sig.params, 2);
            self.call(function);
            self.sink_all(&sig.results);
        } else {
            self.assign();
        }
    }

    /// The results of the function, made of its locals and its hash.
    pub(super) fn results(&mut self) {
        if self.random.chance(70) {
            for (local, ty) in self.locals() {
                self.emit(&I::LocalGet(local));
                self.mix(ty);
            }
        }
        let types = self.sig.results.clone();
        let hash = self.hash();
        for ty in types {
            match ty {
                ValType::I64 => {
                    self.expr(ty, 1);
                    self.emit_all(&[I::LocalGet(hash), I::I64Xor]);
                }
                ValType::I32 => {
                    self.expr(ty, 1);
                    self.emit_all(&[I::LocalGet(hash), I::I32WrapI64, I::I32Add]);
                }
                ValType::F64 => {
                    self.emit_all(&[I::LocalGet(hash), I::F64ConvertI64S]);
                    self.expr(ty, 1);
                    self.emit(&I::F64Add);
                }
                ValType::V128 => {
                    self.emit_all(&[I::LocalGet(hash), I::I64x2Splat]);
                    self.expr(ty, 1);
                    self.emit(&I::V128Xor);
                }
                ValType::F32 | ValType::Ref(_) => self.expr(ty, 1),
            }
        }
    }

    /// The whole body of an exported function: statements, what the state shows, results.
    pub(super) fn fill(&mut self) {
        for (local, ty) in self.locals().into_iter().take(8) {
            if self.random.chance(30) {
                self.emit(&I::LocalGet(local));
                self.mix(ty);
            }
        }
        while self.left > 30 {
            self.statement();
        }
        self.left = self.left.max(20);
        self.results();
    }
}
