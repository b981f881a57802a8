//! Accesses to memories, and the ways in which code makes an address.

use wasm_encoder::{Instruction as I, ValType};
use wassay_runtime::interior::ops::Proposal;

use super::body::Body;
use super::pool::{PoolOp, pool, value_type};
use super::program::Memory;

/// Offsets that stand in instructions: about the ends of what immediates can hold.
const OFFSETS: &[u64] = &[
    0, 1, 2, 3, 4, 7, 8, 15, 16, 127, 128, 254, 255, 256, 257, 504, 512, 1020, 1024, 2047, 4092,
    4095, 4096, 8190, 16_380, 16_384, 32_760, 32_768, 65_520, 65_535,
];

impl Body<'_> {
    /// A memory, if there is one.
    pub(super) fn some_memory(&mut self) -> Option<u32> {
        let count = self.program.memories.len() as u64;
        (count > 0).then(|| self.random.below(count) as u32)
    }

    /// An address of a memory, such that `bytes` at the address and the returned offset are inside.
    pub(super) fn address(&mut self, memory: u32, bytes: u64, is_aligned: bool) -> u64 {
        let it = self.program.memories[memory as usize];
        // Half of the memory for the address, and the rest for the offset and the width.
        let mut mask = (it.bytes() / 2).next_power_of_two() - 1;
        if self.random.chance(60) {
            mask = mask.min(self.random.pick(&[0xF, 0xFF, 0x3FF]));
        }
        let mut offset = match self.random.chance(40) {
            true => 0,
            false => self.random.pick(OFFSETS),
        };
        if is_aligned {
            mask &= !(bytes - 1);
            offset &= !(bytes - 1);
        }
        if mask + offset + bytes > it.bytes() {
            offset = 0;
        }
        match self.random.below(12) {
            0 => self.last(it, bytes + offset),
            1 if !is_aligned || it.page_log2 >= 4 => self.last_now(memory, bytes + offset),
            2 => self.below_last(it, mask, bytes + offset),
            3 if mask > 64 => self.scaled(it, mask),
            4 if !it.is64 => self.masked_wide(mask),
            5 if !it.is64 => self.carried(mask),
            6 => self.limited(it, mask),
            7 if mask >= 0xFF && !is_aligned => self.loaded(memory),
            _ => self.masked(it.address_type(), mask),
        }
        offset
    }

    /// A value under a mask.
    pub(super) fn masked(&mut self, ty: ValType, mask: u64) {
        self.expr(ty, 1);
        self.integer(ty, mask);
        self.emit(&and(ty));
    }

    /// The constant address of the last bytes that the memory has from the start.
    fn last(&mut self, memory: Memory, bytes: u64) {
        self.integer(memory.address_type(), memory.bytes() - bytes);
    }

    /// The address of the last bytes that the memory has at that time.
    pub(super) fn last_now(&mut self, memory: u32, bytes: u64) {
        let it = self.program.memories[memory as usize];
        let ty = it.address_type();
        self.emit(&I::MemorySize(memory));
        if it.page_log2 > 0 {
            self.integer(ty, u64::from(it.page_log2));
            self.emit(&if it.is64 { I::I64Shl } else { I::I32Shl });
        }
        self.integer(ty, bytes);
        self.emit(&sub(ty));
    }

    /// The last bytes less a value under a mask.
    fn below_last(&mut self, memory: Memory, mask: u64, bytes: u64) {
        let ty = memory.address_type();
        let last = memory.bytes() - bytes;
        self.integer(ty, last);
        self.masked(
            ty,
            mask & ((last + 1).next_power_of_two() / 2).saturating_sub(1),
        );
        self.emit(&sub(ty));
    }

    /// A base and a scaled index.
    fn scaled(&mut self, memory: Memory, mask: u64) {
        let ty = memory.address_type();
        let scale = self.random.range(0, 4) as u64;
        let half = mask.div_ceil(2);
        self.masked(ty, (half >> scale).next_power_of_two().max(2) / 2 - 1);
        self.integer(ty, scale);
        self.emit(&if memory.is64 { I::I64Shl } else { I::I32Shl });
        let base = self.random.below(half / 16) * 16;
        self.integer(ty, base);
        self.emit(&add(ty));
        if mask & 1 == 0 {
            self.integer(ty, mask);
            self.emit(&and(ty));
        }
    }

    /// The lower half of an i64 whose upper half is not 0.
    fn masked_wide(&mut self, mask: u64) {
        self.expr(ValType::I64, 1);
        self.emit_all(&[
            I::I64Const((mask | 0xFFFF_FFFF_0000_0000).cast_signed()),
            I::I64And,
            I::I32WrapI64,
        ]);
    }

    /// A sum that carries out of 32 bits.
    fn carried(&mut self, mask: u64) {
        let high = self
            .random
            .pick(&[0x8000_0000_u32, 0xFFFF_0000, 0xC000_0000, 0x7FFF_0000]);
        self.masked(ValType::I32, mask);
        let combine = self.random.pick(&[0, 1]);
        let op = if combine == 0 { I::I32Or } else { I::I32Add };
        let low_bits_free = high & mask as u32 == 0 || combine == 1;
        let high = if low_bits_free { high } else { 0x8000_0000 };
        self.emit_all(&[
            I::I32Const(high.cast_signed()),
            op,
            I::I32Const(high.wrapping_neg().cast_signed()),
            I::I32Add,
        ]);
    }

    /// The lesser of a value and a limit.
    fn limited(&mut self, memory: Memory, limit: u64) {
        let ty = memory.address_type();
        let value = self.fixed(ty);
        self.expr(ty, 1);
        self.emit(&I::LocalTee(value));
        self.integer(ty, limit);
        self.emit(&I::LocalGet(value));
        self.integer(ty, limit);
        self.emit(&if memory.is64 { I::I64LtU } else { I::I32LtU });
        self.emit(&I::Select);
        if limit & 1 == 0 {
            self.integer(ty, limit);
            self.emit(&and(ty));
        }
    }

    /// A byte of the memory.
    fn loaded(&mut self, memory: u32) {
        use wassay_runtime::interior::ops::Op;
        let is64 = self.program.memories[memory as usize].is64;
        self.integer(if is64 { ValType::I64 } else { ValType::I32 }, 5);
        self.opcode(if is64 { Op::I64Load8U } else { Op::I32Load8U });
        self.memory_argument(0, memory, 0);
    }

    /// A load, if there is a memory.
    pub(super) fn load(&mut self, ty: ValType) {
        let Some(memory) = self.some_memory() else {
            return self.leaf(ty);
        };
        let candidates = match ty {
            ValType::V128 => pool().vector_loads.of(ty),
            _ => pool().loads.of(ty),
        };
        let op = self.random.pick(candidates);
        self.access(&op, memory);
    }

    /// A store, if there is a memory.
    pub(super) fn store(&mut self) {
        let Some(memory) = self.some_memory() else {
            return;
        };
        let is_vector = self.has(Proposal::Simd) && self.random.chance(20);
        let op = match is_vector {
            true => self.random.pick(&pool().vector_stores),
            false => self.random.pick(&pool().stores),
        };
        self.access(&op, memory);
    }

    /// An access with its operands, inside of the memory.
    pub(super) fn access(&mut self, op: &PoolOp, memory: u32) {
        let offset = self.address(memory, op.bytes, false);
        for ty in op.params {
            self.expr(value_type(*ty), 2);
        }
        self.finish_access(op, memory, offset);
    }

    /// An access whose operands are on the stack.
    pub(super) fn finish_access(&mut self, op: &PoolOp, memory: u32, offset: u64) {
        self.opcode(op.op);
        let natural = op.bytes.trailing_zeros();
        let align = match op.op.proposal() {
            Proposal::Threads => natural,
            _ => self.random.below(u64::from(natural) + 1) as u32,
        };
        self.memory_argument(align, memory, offset);
        if op.lanes > 0 {
            let lane = self.random.below(u64::from(op.lanes)) as u8;
            self.byte(lane);
        }
    }
}

/// `and` of a type of addresses.
pub(super) fn and(ty: ValType) -> I<'static> {
    match ty {
        ValType::I64 => I::I64And,
        _ => I::I32And,
    }
}

/// `add` of a type of addresses.
pub(super) fn add(ty: ValType) -> I<'static> {
    match ty {
        ValType::I64 => I::I64Add,
        _ => I::I32Add,
    }
}

/// `sub` of a type of addresses.
pub(super) fn sub(ty: ValType) -> I<'static> {
    match ty {
        ValType::I64 => I::I64Sub,
        _ => I::I32Sub,
    }
}
