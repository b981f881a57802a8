//! Instructions that access a memory: what they take and give, and what they do to its bytes.
//!
//! The meaning is made of the mnemonic's parts and the width in the opcode table, and is
//! independent of the tiers.

use wasm_encoder::{Encode, InstructionSink, MemArg, MemArgTarget};
use wassay_runtime::interior::ops::{Op, Shape};

use super::body::{Number, Type};
use super::emit::encoded;

/// An instruction that accesses so many bytes of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) op: Op,
    kind: Kind,
    /// The type of the value, or of the vector.
    ty: Type,
    /// The bytes accessed; the length of a bulk operation is an operand.
    width: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Load,
    Store,
    Modify,
    Exchange,
    LoadLane,
    StoreLane,
    Fill,
    Copy,
    Init,
}

/// The instructions on whole memories that access bytes.
const BULK: [(Op, Kind); 3] = [
    (Op::MemoryFill, Kind::Fill),
    (Op::MemoryCopy, Kind::Copy),
    (Op::MemoryInit, Kind::Init),
];

/// The bytes that `memory.copy` and `memory.init` take: those from [`SOURCE_ADDRESS`] on, and those
/// of the only segment. No two are equal.
pub(super) const SOURCE: [u8; 16] = *b"0123456789abcdef";
/// The address of [`SOURCE`] in each memory.
pub(super) const SOURCE_ADDRESS: u32 = 64;

impl Access {
    /// The access that an opcode is, if it is one of those with a meaning here. Waiting and
    /// notifying are of threads and not of bytes.
    pub(super) fn of(op: Op) -> Option<Access> {
        let kind = match op.shape() {
            Shape::Load | Shape::SimdLoad | Shape::AtomicLoad => Kind::Load,
            Shape::Store | Shape::SimdStore | Shape::AtomicStore => Kind::Store,
            Shape::AtomicRmw => Kind::Modify,
            Shape::AtomicCmpxchg => Kind::Exchange,
            Shape::SimdLoadLane => Kind::LoadLane,
            Shape::SimdStoreLane => Kind::StoreLane,
            Shape::Memory => BULK.iter().find(|(bulk, _)| *bulk == op)?.1,
            _ => return None, // no access to a memory
        };
        let types = [Type::I32, Type::I64, Type::F32, Type::F64, Type::V128];
        let is_of = |ty: &Type| op.mnemonic().starts_with(ty.name());
        Some(Access {
            op,
            kind,
            ty: types.into_iter().find(is_of).unwrap_or(Type::I32),
            width: op.row().access_bytes.map(|bytes| bytes as u32),
        })
    }

    /// The bytes that are accessed; `None` if an operand says it.
    pub(super) fn width(self) -> Option<u32> {
        self.width
    }

    /// True if the address must be a multiple of the width.
    pub(super) fn is_atomic(self) -> bool {
        self.op.mnemonic().contains(".atomic.")
    }

    /// True if it only reads.
    pub(super) fn reads_only(self) -> bool {
        matches!(self.kind, Kind::Load | Kind::LoadLane)
    }

    /// The types of the operands that follow the address; the last one of a bulk operation is the
    /// length, and the first one of `memory.copy` the other address.
    pub(super) fn operands(self, address: Type) -> Vec<Type> {
        match self.kind {
            Kind::Load => vec![],
            Kind::Store | Kind::Modify | Kind::LoadLane | Kind::StoreLane => vec![self.ty],
            Kind::Exchange => vec![self.ty, self.ty],
            Kind::Fill => vec![Type::I32, address],
            Kind::Copy => vec![address, address],
            Kind::Init => vec![Type::I32, Type::I32],
        }
    }

    /// The type of the result, if there is one.
    pub(super) fn result(self) -> Option<Type> {
        match self.kind {
            Kind::Load | Kind::Modify | Kind::Exchange | Kind::LoadLane => Some(self.ty),
            Kind::Store | Kind::StoreLane | Kind::Fill | Kind::Copy | Kind::Init => None,
        }
    }

    /// The numbers of lanes among which an immediate chooses; 1 if none does.
    pub(super) fn lanes(self) -> u8 {
        match (self.kind, self.width) {
            (Kind::LoadLane | Kind::StoreLane, Some(width)) => (16 / width) as u8,
            _ => 1, // no lane is chosen
        }
    }

    /// Adds the instruction, with a static offset and an alignment (as a power of two).
    pub(super) fn emit(self, code: &mut Vec<u8>, offset: u64, align: u32, memory: u32, lane: u8) {
        match self.kind {
            Kind::Fill => {
                InstructionSink::new(code).memory_fill(memory);
            }
            Kind::Copy => {
                InstructionSink::new(code).memory_copy(memory, memory);
            }
            Kind::Init => {
                InstructionSink::new(code).memory_init(memory, 0);
            }
            Kind::Load | Kind::Store | Kind::Modify | Kind::Exchange => {
                code.extend(encoded(self.op));
                argument(offset, align, memory).encode(code);
            }
            Kind::LoadLane | Kind::StoreLane => {
                code.extend(encoded(self.op));
                argument(offset, align, memory).encode(code);
                code.push(lane);
            }
        }
    }

    /// Does it to the bytes that are accessed; gives the result, if there is one. The operands are
    /// those after the address.
    pub(super) fn perform(self, bytes: &mut [u8], operands: &[Number], lane: u8) -> Option<Number> {
        let old = little_endian(bytes);
        let bits = 8 * bytes.len() as u32;
        let operand = |index: usize| operands.get(index).map_or(0, |it| it.bits);
        let mut new = old;
        let result = match self.kind {
            Kind::Load => self.loaded(old, bits),
            Kind::Store => {
                new = operand(0);
                0
            }
            Kind::StoreLane => {
                new = operand(0) >> (u32::from(lane) * bits);
                0
            }
            Kind::LoadLane => {
                let shift = u32::from(lane) * bits;
                let mask = (u128::MAX >> (128 - bits)) << shift;
                (operand(0) & !mask) | old << shift
            }
            Kind::Modify => {
                new = self.modified(old, operand(0));
                old
            }
            Kind::Exchange => {
                if operand(0) & (u128::MAX >> (128 - bits)) == old {
                    new = operand(1);
                }
                old
            }
            Kind::Fill => {
                bytes.fill(operand(0) as u8);
                return None;
            }
            Kind::Copy | Kind::Init => {
                bytes.copy_from_slice(&SOURCE[..bytes.len()]);
                return None;
            }
        };
        let count = bytes.len();
        bytes.copy_from_slice(&new.to_le_bytes()[..count]);
        self.result().map(|ty| Number::new(ty, result & ty.mask()))
    }

    /// What a load makes of bytes.
    fn loaded(self, old: u128, bits: u32) -> u128 {
        let mnemonic = self.op.mnemonic();
        let extended = |bits: u32, value: u128| match mnemonic.ends_with("_s") {
            true => ((value << (128 - bits)).cast_signed() >> (128 - bits)).cast_unsigned(),
            false => value & (u128::MAX >> (128 - bits)),
        };
        let lanes = |from: u32, to: u32, lane: &dyn Fn(u32) -> u128| {
            (0..128 / to).fold(0, |sum, index| {
                let value = extended(from, lane(index)) & (u128::MAX >> (128 - to));
                sum | value << (index * to)
            })
        };
        let halves = [("8x8", 8), ("16x4", 16), ("32x2", 32)];
        let half = halves.iter().find(|(part, _)| mnemonic.contains(part));
        match half {
            Some(&(_, from)) => lanes(from, 2 * from, &|index| old >> (index * from)),
            None if mnemonic.ends_with("_splat") => lanes(bits, bits, &|_| old),
            None => extended(bits, old),
        }
    }

    /// What a read-modify-write instruction stores.
    fn modified(self, old: u128, operand: u128) -> u128 {
        let parts = self.op.mnemonic().split(['.', '_']);
        let mut operations = parts.filter_map(|part| {
            Some(match part {
                "add" => old.wrapping_add(operand),
                "sub" => old.wrapping_sub(operand),
                "and" => old & operand,
                "or" => old | operand,
                "xor" => old ^ operand,
                "xchg" => operand,
                _ => return None, // another part of the name
            })
        });
        operations.next().unwrap_or(old)
    }
}

fn little_endian(bytes: &[u8]) -> u128 {
    let bytes = bytes.iter().take(16).rev();
    bytes.fold(0, |sum, &byte| sum << 8 | u128::from(byte))
}

fn argument(offset: u64, align: u32, memory: u32) -> MemArg {
    MemArg {
        offset,
        align,
        target: MemArgTarget::Memory(memory),
        ordering: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn performed(mnemonic: &str, mut bytes: Vec<u8>, operands: &[(Type, u128)]) -> (u128, Vec<u8>) {
        let mut ops = Op::ALL.iter();
        let op = ops.find(|op| op.mnemonic() == mnemonic).expect("an opcode");
        let access = Access::of(*op).expect("an access");
        let operands: Vec<Number> = operands
            .iter()
            .map(|&(ty, it)| Number::new(ty, it))
            .collect();
        let result = access.perform(&mut bytes, &operands, 1);
        (result.map_or(0, |it| it.bits), bytes)
    }

    /// Results by hand.
    #[test]
    fn meanings_are_those_of_the_specification() {
        let loaded = |mnemonic, bytes: &[u8]| performed(mnemonic, bytes.to_vec(), &[]).0;
        assert_eq!(loaded("i32.load8_s", &[0x80]), 0xffff_ff80);
        assert_eq!(loaded("i64.load16_u", &[1, 0x80]), 0x8001);
        assert_eq!(
            loaded("i64.load32_s", &[0, 0, 0, 0x80]),
            0xffff_ffff_8000_0000
        );
        assert_eq!(
            loaded("f64.load", &[1, 2, 3, 4, 5, 6, 7, 8]),
            0x0807_0605_0403_0201
        );
        let eight = [1, 2, 3, 4, 5, 6, 7, 0x88];
        let wide = 0xff88_0007_0006_0005_0004_0003_0002_0001;
        assert_eq!(loaded("v128.load8x8_s", &eight), wide);
        assert_eq!(loaded("v128.load32_zero", &[1, 2, 3, 4]), 0x0403_0201);
        let splat = 0x0201_0201_0201_0201_0201_0201_0201_0201;
        assert_eq!(loaded("v128.load16_splat", &[1, 2]), splat);
        let lane = performed("v128.load8_lane", vec![0xab], &[(Type::V128, 0x1122)]);
        assert_eq!(lane.0, 0xab22);
        let lane = performed(
            "v128.store16_lane",
            vec![0, 0],
            &[(Type::V128, 0x1122_3344)],
        );
        assert_eq!(lane.1, [0x22, 0x11]);
        let sum = performed("i64.atomic.rmw8.add_u", vec![0xff], &[(Type::I64, 2)]);
        assert_eq!(sum, (0xff, vec![1]));
        let both = [(Type::I32, 0x1_ab), (Type::I32, 0x77)];
        let swapped = performed("i32.atomic.rmw8.cmpxchg_u", vec![0xab], &both);
        assert_eq!(swapped, (0xab, vec![0x77]));
        let fill = [(Type::I32, 0x1ff), (Type::I32, 3)];
        assert_eq!(performed("memory.fill", vec![0; 3], &fill).1, [0xff; 3]);
    }
}
