//! Operand roles against what the mnemonics say by themselves, and the round trip of mapping.
//!
//! The lists here repeat, on purpose, what the format table says by roles: a wrong role is silent
//! until the allocator reuses a register, so it is worth a second, differently ordered statement.

use super::all_samples;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::mem::Mem;
use crate::jit::arm64::regs::{Gpr, Reg, Role, Vreg};

/// Mnemonics that write no register (but a base that is written back).
const NO_RESULT: &[&str] = &[
    "ccmn", "ccmp", "fcmp", "fcmpe", "b", "bl", "br", "blr", "ret", "cbz", "cbnz", "tbz", "tbnz",
    "nop", "yield", "csdb", "bti", "isb", "dmb", "dsb", "msr", "str", "stur", "strb", "sturb",
    "strh", "sturh", "stp", "stlr", "stlrb", "stlrh",
];

/// Mnemonics that write two registers.
const TWO_RESULTS: &[&str] = &["ldp", "ldpsw"];

/// Mnemonics that read what they write.
const READS_RESULT: &[&str] = &[
    "movk", "mla", "mls", "saba", "uaba", "bsl", "bit", "bif", "sli", "xtn2", "sqxtun2", "sqxtn2",
    "uqxtn2", "smlal", "umlal", "smlsl", "umlsl", "smlal2", "umlal2", "smlsl2", "umlsl2", "sadalp",
    "uadalp", "ins", "tbx", "fmla", "fmls",
];

/// Shows each register operand and its role, in the order of the format's row.
fn visit_regs(inst: &Inst, mut f: impl FnMut(Reg, Role)) {
    let mut copy = *inst;
    copy.map_regs(&mut |reg, role| {
        f(reg, role);
        reg
    });
}

/// How often each role occurs: uses, defs, early defs, reuse defs.
fn counts(inst: &Inst) -> [usize; 4] {
    let mut counts = [0; 4];
    let mut last = None;
    visit_regs(inst, |reg, role| {
        let kind = match role {
            Role::Use => 0,
            Role::Def => 1,
            Role::EarlyDef => 2,
            Role::ReuseDef => {
                assert_eq!(
                    last,
                    Some((reg.class(), Role::Use)),
                    "{inst}: no use before the reuse"
                );
                3
            }
        };
        counts[kind] += 1;
        last = Some((reg.class(), role));
    });
    counts
}

/// How often registers are written, by mnemonic: defs, early defs, reuse defs.
fn expected_results(inst: &Inst) -> [usize; 3] {
    let text = inst.to_string();
    let mnemonic = text.split([' ', '.']).next().expect("not empty");
    let is_exclusive_store = mnemonic.starts_with("stxr") || mnemonic.starts_with("stlxr");
    let writes_back = matches!(inst.mem(), Some(Mem::Pre { .. } | Mem::Post { .. }));
    let [defs, early, reuse] = match mnemonic {
        m if NO_RESULT.contains(&m) => [0, 0, 0],
        m if TWO_RESULTS.contains(&m) => [2, 0, 0],
        m if READS_RESULT.contains(&m) || m.starts_with("cas") => [0, 0, 1],
        _ if is_exclusive_store => [0, 1, 0],
        _ => [1, 0, 0],
    };
    [defs, early, reuse + usize::from(writes_back)]
}

/// The number of registers in an instruction's text, one written back counted twice.
fn registers_in_text(inst: &Inst) -> usize {
    let text = inst.to_string();
    let operands = text.split_once(' ').map_or("", |(_, operands)| operands);
    let tokens = operands.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_register = |token: &&str| {
        let number = token.trim_start_matches(['x', 'w', 'v', 'b', 'h', 's', 'd', 'q']);
        let is_numbered = number.len() + 1 == token.len() && number.parse::<u32>().is_ok();
        is_numbered || ["xzr", "wzr", "sp", "wsp"].contains(token)
    };
    tokens.filter(is_register).count()
}

#[test]
fn roles_are_what_mnemonics_say() {
    for (inst, _) in all_samples().into_values().flatten() {
        let [uses, defs, early, reuse] = counts(&inst);
        assert_eq!([defs, early, reuse], expected_results(&inst), "{inst}");
        assert_eq!(uses + defs + early, registers_in_text(&inst), "{inst}");
    }
}

/// Visiting shows each register once, and mapping replaces what visiting shows.
#[test]
fn operands_map_as_they_are_visited() {
    for (inst, _) in all_samples().into_values().flatten() {
        let mut visited = Vec::new();
        visit_regs(&inst, |reg, role| visited.push((reg, role)));
        let mut virtuals = inst;
        let mut count = 0;
        virtuals.map_regs(&mut |reg, _| {
            count += 1;
            match reg {
                Reg::Gpr(_) => Reg::Gpr(Gpr::virt(count)),
                Reg::Vreg(_) => Reg::Vreg(Vreg::virt(count)),
            }
        });
        let fault = virtuals.encode().err().map(|error| error.fault);
        assert!(visited.is_empty() || fault.is_some(), "{virtuals} encodes");
        let mut back = visited.iter();
        virtuals.map_regs(&mut |_, role| {
            let (reg, was) = back.next().expect("as many as visited");
            assert_eq!(role, *was);
            *reg
        });
        assert_eq!(virtuals, inst);
    }
}
