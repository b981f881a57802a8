//! The opcodes whose operands may be exchanged, with the opcode that the exchange makes of them.

use super::Op;

/// Opcodes that give the same with exchanged operands.
const COMMUTATIVE: &[Op] = &[
    Op::I32Add,
    Op::I32Mul,
    Op::I32And,
    Op::I32Or,
    Op::I32Xor,
    Op::I32Eq,
    Op::I32Ne,
    Op::I64Add,
    Op::I64Mul,
    Op::I64And,
    Op::I64Or,
    Op::I64Xor,
    Op::I64Eq,
    Op::I64Ne,
    Op::F32Add,
    Op::F32Mul,
    Op::F32Min,
    Op::F32Max,
    Op::F32Eq,
    Op::F32Ne,
    Op::F64Add,
    Op::F64Mul,
    Op::F64Min,
    Op::F64Max,
    Op::F64Eq,
    Op::F64Ne,
];

/// Comparisons that give the same as their partner with exchanged operands.
const MIRRORED: &[(Op, Op)] = &[
    (Op::I32LtS, Op::I32GtS),
    (Op::I32LtU, Op::I32GtU),
    (Op::I32LeS, Op::I32GeS),
    (Op::I32LeU, Op::I32GeU),
    (Op::I64LtS, Op::I64GtS),
    (Op::I64LtU, Op::I64GtU),
    (Op::I64LeS, Op::I64GeS),
    (Op::I64LeU, Op::I64GeU),
    (Op::F32Lt, Op::F32Gt),
    (Op::F32Le, Op::F32Ge),
    (Op::F64Lt, Op::F64Gt),
    (Op::F64Le, Op::F64Ge),
];

/// By opcode, the opcode that gives the same with exchanged operands, if there is one.
static COMMUTED: [Option<Op>; Op::ALL.len()] = {
    let mut commuted = [None; Op::ALL.len()];
    let mut i = 0;
    while i < COMMUTATIVE.len() {
        commuted[COMMUTATIVE[i] as usize] = Some(COMMUTATIVE[i]);
        i += 1;
    }
    i = 0;
    while i < MIRRORED.len() {
        let (a, b) = MIRRORED[i];
        commuted[a as usize] = Some(b);
        commuted[b as usize] = Some(a);
        i += 1;
    }
    commuted
};

impl Op {
    /// The opcode that gives the same with exchanged operands.
    pub fn commuted(self) -> Option<Op> {
        COMMUTED[self as usize]
    }
}
