//! The alias constructors against the GNU assembler's and a decoder's idea of the same aliases.

use super::decode::by_yaxpeax;
use crate::jit::arm64::imm::Imm12;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::ops::{Cond, Shift, Size};
use crate::jit::arm64::regs::{Gpr, SP};

#[test]
fn aliases_are_what_a_decoder_calls_them() {
    let (a, b, c) = (Gpr::x(1), Gpr::x(2), Gpr::x(3));
    let (w, x) = (Size::W, Size::X);
    let imm = Imm12::new(7).expect("small");
    let rows = [
        (Inst::mov(w, a, b), "mov w1, w2"),
        (Inst::mov(x, a, b), "mov x1, x2"),
        (Inst::mov_sp(a, SP), "mov x1, sp"),
        (Inst::mov_sp(SP, a), "mov sp, x1"),
        (Inst::cmp(w, a, b), "cmp w1, w2"),
        (Inst::cmp_imm(x, SP, imm), "cmp sp, #0x7"),
        (Inst::cmn_imm(x, a, imm), "cmn x1, #0x7"),
        (Inst::tst(w, a, b), "tst w1, w2"),
        (Inst::neg(x, a, b), "neg x1, x2"),
        (Inst::mvn(x, a, b), "mvn x1, x2"),
        (Inst::mul(w, a, b, c), "mul w1, w2, w3"),
        (Inst::shift(Shift::Lsl, w, a, b, c), "lsl w1, w2, w3"),
        (Inst::shift(Shift::Lsr, w, a, b, c), "lsr w1, w2, w3"),
        (Inst::shift(Shift::Asr, x, a, b, c), "asr x1, x2, x3"),
        (Inst::shift(Shift::Ror, x, a, b, c), "ror x1, x2, x3"),
        (Inst::shift_imm(Shift::Lsl, w, a, b, 3), "lsl w1, w2, #0x3"),
        (
            Inst::shift_imm(Shift::Lsl, x, a, b, 127),
            "lsl x1, x2, #0x3f",
        ),
        (Inst::shift_imm(Shift::Lsr, x, a, b, 9), "lsr x1, x2, #0x9"),
        (
            Inst::shift_imm(Shift::Asr, w, a, b, 31),
            "asr w1, w2, #0x1f",
        ),
        (Inst::shift_imm(Shift::Ror, w, a, b, 33), "ror w1, w2, #0x1"),
        (Inst::sign_extend(w, 8, a, b), "sxtb w1, w2"),
        (Inst::sign_extend(x, 16, a, b), "sxth x1, w2"),
        (Inst::sign_extend(x, 32, a, b), "sxtw x1, w2"),
        (Inst::zero_extend(w, 8, a, b), "uxtb w1, w2"),
        (Inst::zero_extend(w, 16, a, b), "uxth w1, w2"),
        (Inst::cset(w, a, Cond::Lt), "cset w1, lt"),
        (Inst::csel(x, a, b, c, Cond::Hs), "csel x1, x2, x3, hs"),
        (Inst::ret(), "ret"),
    ];
    for (inst, expected) in rows {
        let word = inst.encode().expect("architectural registers");
        assert_eq!(by_yaxpeax(word).as_deref(), Some(expected), "{inst}");
    }
    let unshifted = Inst::shift_imm(Shift::Lsl, w, a, b, 32);
    assert_eq!(unshifted.to_string(), "ubfm w1, w2, #0, #31");
}
