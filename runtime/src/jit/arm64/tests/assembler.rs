//! Labels at any distance, literals, tables, records, and the faults that the assembler reports.

use super::decode::disassemble_all;
use crate::jit::arm64::asm::{Assembler, EmitError, instructions, patch};
use crate::jit::arm64::imm::Imm12;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::mem::Mem;
use crate::jit::arm64::ops::{
    AddSub, CompareBranch, Cond, LoadLitV, LoadPair, Size, Store, TestBranch,
};
use crate::jit::arm64::referent::Referent;
use crate::jit::arm64::regs::{Gpr, SP, Tied, Vreg};
use crate::jit::code::symbol::Symbol;
use crate::jit::code::tables::FaultSite;
use crate::jit::code::{Code, Label, Reloc};

const NOP: Inst = Inst::Dmb {};

/// Words of the finished code.
fn words(code: &Code) -> Vec<u32> {
    let words = code.bytes.chunks_exact(4);
    words
        .map(|word| u32::from_le_bytes(word.try_into().expect("four")))
        .collect()
}

/// A signed field of a word.
fn field(word: u32, shift: u32, width: u32) -> i64 {
    i64::from((word as i32) << (32 - shift - width) >> (32 - width))
}

/// Where a conditional branch at a word goes if it is taken, through the branch that it may skip
/// over.
fn taken(words: &[u32], at: usize) -> i64 {
    let word = words[at];
    let near = match word >> 24 & 0x7e {
        0x36 => field(word, 5, 14),
        _ => field(word, 5, 19),
    };
    let next = words[at + 1];
    let at = at as i64;
    // A conditional branch over a `b` has been inverted.
    if near == 2 && next >> 26 == 5 {
        at + 1 + field(next, 0, 26)
    } else {
        at + near
    }
}

type Branch = fn(Referent) -> Inst;

const BRANCHES: [Branch; 3] = [
    |target| Inst::BCond {
        cond: Cond::Lt,
        target,
    },
    |target| Inst::CompareBranch {
        op: CompareBranch::Cbz,
        size: Size::X,
        rt: Gpr::x(3),
        target,
    },
    |target| Inst::TestBranch {
        op: TestBranch::Tbnz,
        rt: Gpr::x(3),
        bit: 40,
        target,
    },
];

#[test]
fn branches_reach_any_label() {
    for branch in BRANCHES {
        for distance in [
            1, 8189, 8190, 8191, 8192, 262_142, 262_143, 262_144, 300_000,
        ] {
            let mut asm = Assembler::new();
            let (back, forth) = (asm.label(), asm.label());
            asm.bind(back);
            asm.emit(branch(forth.into()));
            (0..distance).for_each(|_| asm.emit(NOP));
            asm.emit(branch(back.into()));
            asm.emit(NOP);
            asm.bind(forth);
            asm.emit(NOP);
            let code = asm.finish().expect("labels are bound");
            let words = words(&code);
            assert_eq!(code.offset_of(back), 0);
            assert_eq!(code.offset_of(forth) as usize, words.len() * 4 - 4);
            assert_eq!(taken(&words, 0), words.len() as i64 - 1);
            let last = words.len() - 3;
            let second = if words[last] >> 26 == 5 {
                last - 1
            } else {
                last
            };
            assert_eq!(taken(&words, second), 0, "{distance}");
            disassemble_all(words).expect("all are instructions");
        }
    }
}

#[test]
fn inverted_branches_are_the_inverse() {
    let mut asm = Assembler::new();
    let end = asm.label();
    BRANCHES
        .iter()
        .for_each(|branch| asm.emit(branch(end.into())));
    (0..300_000).for_each(|_| asm.emit(NOP));
    asm.bind(end);
    let code = asm.finish().expect("labels are bound");
    let text = disassemble_all(words(&code)[..6].to_vec()).expect("all are instructions");
    let inverse = [text[0].as_str(), &text[2], &text[4]].map(|text| text.split_whitespace().next());
    assert_eq!(inverse, [Some("b.ge"), Some("cbnz"), Some("tbz")]);
}

/// Relaxing one branch pushes others out of reach, and records move with their instructions.
#[test]
fn relaxation_cascades_and_records_follow() {
    let mut asm = Assembler::new();
    let near: Vec<Label> = (0..4000).map(|_| asm.label()).collect();
    for &label in &near {
        asm.emit(BRANCHES[2](label.into()));
    }
    (0..4191).for_each(|_| asm.emit(NOP));
    asm.source(7);
    asm.fault_here(9);
    asm.emit(Inst::Bl {
        target: Referent::Symbol(Symbol::Func(5)),
    });
    for &label in near.iter().rev() {
        asm.bind(label);
        asm.emit(NOP);
    }
    let code = asm.finish().expect("labels are bound");
    let words = words(&code);
    let call = words
        .iter()
        .position(|word| word >> 26 == 0x25)
        .expect("there is a bl") as u32
        * 4;
    assert!(call > (4000 + 4191) * 4, "some branches became long");
    assert_eq!(
        code.faults,
        [FaultSite {
            offset: call,
            memory: 9
        }]
    );
    assert_eq!(
        code.relocs,
        [Reloc {
            offset: call,
            symbol: Symbol::Func(5)
        }]
    );
    assert_eq!(code.sources[0].offset, call);
    let mut at = 0;
    for label in near {
        assert_eq!(taken(&words, at) * 4, i64::from(code.offset_of(label)));
        at += if words[at + 1] >> 26 == 5 { 2 } else { 1 };
    }
}

/// Each branch just reaches until one between it and its label becomes long, and so on to the end.
#[test]
fn adversarial_branches_end_soon() {
    let mut asm = Assembler::new();
    let count = 200_000;
    let labels: Vec<Label> = (0..count).map(|_| asm.label()).collect();
    for at in 0..count + 4096 {
        if let Some(&label) = labels.get(at) {
            asm.emit(BRANCHES[2](label.into()));
        }
        if at == 4000 {
            (0..3).for_each(|_| asm.emit(NOP));
        }
        asm.emit(NOP);
        if let Some(&label) = at.checked_sub(4095).and_then(|at| labels.get(at)) {
            asm.bind(label);
        }
    }
    let start = std::time::Instant::now();
    let code = asm.finish().expect("labels are bound");
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    let words = words(&code);
    assert!(words.len() > 3 * count, "most became long");
    assert_eq!(taken(&words, 0) * 4, i64::from(code.offset_of(labels[0])));
}

#[test]
fn literals_are_shared_aligned_and_reached() {
    let ops = [
        LoadLitV::LdrS,
        LoadLitV::LdrD,
        LoadLitV::LdrQ,
        LoadLitV::LdrD,
    ];
    for distance in [0, 262_143, 300_000] {
        let mut asm = Assembler::new();
        let value = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100;
        for op in ops {
            let bits = 8 << op.width().bits();
            let mask = u128::MAX >> (128 - bits);
            asm.load_literal(op, Vreg::v(1), value & mask);
        }
        (0..distance).for_each(|_| asm.emit(NOP));
        let code = asm.finish().expect("no labels");
        let words = words(&code);
        let mut at = 0;
        for op in ops {
            let literal = (at as i64 + field(words[at], 5, 19)) as usize;
            let count = 1 << (op.width().bits() - 2);
            let bytes = &code.bytes[literal * 4..(literal + count) * 4];
            assert_eq!(bytes, (0..4 * count as u8).collect::<Vec<_>>());
            let is_data = |offset| code.data.iter().any(|data| data.contains(&offset));
            assert!(is_data(literal as u32 * 4));
            at += if words[at + 1] >> 26 == 5 {
                2 + count
            } else {
                1
            };
        }
        if distance == 0 {
            assert_eq!(words.len(), 4 + 7, "the two equal literals are one");
        }
        disassemble_all(instructions(&code).map(|(_, word)| word)).expect("without the data");
    }
}

#[test]
fn addresses_reach_any_label() {
    for distance in [1, 262_143, 262_144, 1_000_000] {
        let mut asm = Assembler::new();
        let (start, end) = (asm.label(), asm.label());
        asm.bind(start);
        asm.emit(Inst::Adr {
            rd: Gpr::x(7),
            target: end.into(),
        });
        (0..distance).for_each(|_| asm.emit(NOP));
        asm.bind(end);
        asm.emit(Inst::Adr {
            rd: Gpr::x(7),
            target: start.into(),
        });
        let code = asm.finish().expect("labels are bound");
        let words = words(&code);
        let last = code.offset_of(end);
        assert_eq!(address(&words, 0), i64::from(last));
        assert_eq!(address(&words, last as usize / 4), 0);
    }
}

/// The address that `adr`, with an `add` or `sub` behind it, computes.
fn address(words: &[u32], at: usize) -> i64 {
    let word = words[at];
    let near = field(word, 5, 19) * 4 + i64::from(word >> 29 & 3);
    let pages = match words.get(at + 1) {
        Some(next) if next >> 22 == 0x91_4000 >> 14 => i64::from(next >> 10 & 0xfff),
        Some(next) if next >> 22 == 0xd1_4000 >> 14 => -i64::from(next >> 10 & 0xfff),
        _ => 0,
    };
    at as i64 * 4 + near + (pages << 12)
}

#[test]
fn tables_hold_distances_from_their_start() {
    let mut asm = Assembler::new();
    let (first, last) = (asm.label(), asm.label());
    asm.bind(first);
    asm.emit(BRANCHES[2](last.into()));
    let table = asm.table(&[first, last]);
    (0..10_000).for_each(|_| asm.emit(NOP));
    asm.bind(last);
    asm.emit(NOP);
    let code = asm.finish().expect("labels are bound");
    let start = code.offset_of(table);
    assert_eq!(start, 8, "the branch before it became long");
    assert_eq!(code.data.as_slice(), std::slice::from_ref(&(8..16)));
    let words = words(&code);
    assert_eq!(words[2] as i32, -8);
    assert_eq!(words[3], code.offset_of(last) - start);
    assert_eq!(instructions(&code).count(), words.len() - 2);
}

#[test]
fn calls_are_patched() {
    let mut bytes = 0x9400_0000u32.to_le_bytes().to_vec();
    let symbol = Symbol::Func(3);
    let reloc = Reloc { offset: 0, symbol };
    patch(&mut bytes, reloc, -8).expect("near");
    assert_eq!(bytes, 0x97ff_fffeu32.to_le_bytes());
    let too_far = patch(&mut bytes, reloc, 128 << 20);
    assert_eq!(
        too_far,
        Err(EmitError::OutOfReach {
            offset: 0,
            distance: 128 << 20
        })
    );
}

/// The error that one instruction makes.
fn error_of(inst: Inst) -> EmitError {
    let mut asm = Assembler::new();
    asm.emit(inst);
    asm.finish().expect_err("a fault")
}

#[test]
fn misaligned_stack_is_refused() {
    let imm = Imm12::new(24).expect("small");
    let sub = Inst::AddSubImm {
        op: AddSub::Sub,
        size: Size::X,
        rd: SP,
        rn: SP,
        imm,
    };
    let (base, offset) = (Tied::fixed(SP), -8);
    let push = Inst::Store {
        op: Store::StrX,
        rt: Gpr::x(0),
        mem: Mem::Pre { base, offset },
    };
    let mem = Mem::Post { base, offset: 8 };
    let pop = Inst::LoadPair {
        op: LoadPair::LdpX,
        rt: Gpr::x(0),
        rt2: Gpr::x(1),
        mem,
    };
    for inst in [sub, push, pop] {
        assert_eq!(error_of(inst), EmitError::StackMisaligned(inst));
    }
}

#[test]
fn faults_of_the_caller_are_reported() {
    let mut asm = Assembler::new();
    let label = asm.label();
    asm.emit(Inst::B {
        target: label.into(),
    });
    assert_eq!(
        asm.finish().expect_err("unbound"),
        EmitError::Unbound(label)
    );
    let mut asm = Assembler::new();
    let label = asm.label();
    asm.bind(label);
    asm.bind(label);
    assert_eq!(
        asm.finish().expect_err("rebound"),
        EmitError::Rebound(label)
    );
    let virt = Inst::BranchReg {
        op: crate::jit::arm64::ops::BranchReg::Br,
        rn: Gpr::virt(0),
    };
    assert!(matches!(error_of(virt), EmitError::Encode(_)));
    let far = Inst::BCond {
        cond: Cond::Eq,
        target: Referent::Symbol(Symbol::Func(0)),
    };
    assert_eq!(error_of(far), EmitError::NotRelocatable(far));
}
