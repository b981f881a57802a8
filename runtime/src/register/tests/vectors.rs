//! Every vector row, relaxed ones and accesses included, and every row of wide arithmetic, in every
//! tier that the host runs, against the pure functions: with operands from locals, from the
//! accumulator, from temporaries, and constant; with every lane; at the ends of near and far
//! memories.

use std::fmt::Write;
use std::sync::LazyLock;

use super::{PROFILE, Program, fused};
use crate::engine::{Config, Engine, Profile, Tier};
use crate::error::Error;
use crate::evaluate::tests::{is_allowed_natively, pure};
use crate::ops::{Imms, Op, Shape, SigType, Signature};
use crate::trap::TrapKind;
use crate::value::Val;

/// The tiers that this host runs: the interpreters, and on ARM64 the JIT.
fn tiers() -> Vec<Tier> {
    let all = [Tier::Stack, Tier::Register, Tier::Jit];
    let runs = |&tier: &Tier| tier != Tier::Jit || Engine::new(&Config::only(tier)).is_ok();
    all.into_iter().filter(runs).collect()
}

fn programs(wat: &str) -> Vec<Program> {
    let in_tier = |tier| Program::in_tier(tier, wat);
    tiers().into_iter().map(in_tier).collect()
}

/// Vectors with small and large lanes of every width, signs, infinities and NaNs.
const VECTORS: &[u128] = &[
    0,
    u128::MAX,
    0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100,
    0x8000_7fff_0001_ffff_8000_0000_7fff_ffff,
    0x8000_0000_0000_0000_7fff_ffff_ffff_ffff,
    0x7fc0_0000_3f80_0000_8000_0000_ff80_0000,
    0x7fa0_0001_bf80_0000_0000_0001_7f80_0000,
    0x3ff8_0000_0000_0000_c1e0_0000_0020_0000,
    0x7ff0_0000_0000_0001_fff0_0000_0000_0000,
    0xff80_7f81_40c0_1011_f0e1_d2c3_b4a5_9687,
];

/// The lane numbers of shuffles.
const LANES: [u8; 16] = [31, 0, 16, 1, 17, 2, 30, 15, 8, 24, 9, 3, 3, 3, 19, 7];

fn values(ty: SigType) -> Vec<u128> {
    match ty {
        SigType::V128 => VECTORS.to_vec(),
        _ => fused::values(ty).into_iter().map(u128::from).collect(),
    }
}

fn val(ty: SigType, bits: u128) -> Val {
    match ty {
        SigType::V128 => Val::V128(bits),
        _ => fused::val(ty, bits as u64),
    }
}

fn bits(val: Val) -> u128 {
    match val {
        Val::I32(x) => (x as u32).into(),
        Val::I64(x) => (x as u64).into(),
        Val::F32(x) => x.into(),
        Val::F64(x) => x.into(),
        Val::V128(x) => x,
        _ => panic!("no reference"),
    }
}

fn constant(ty: SigType, bits: u128) -> String {
    match ty {
        SigType::V128 => {
            let (low, high) = (bits as u64, (bits >> 64) as u64);
            format!("(v128.const i64x2 {} {})", low as i64, high as i64)
        }
        _ => fused::constant(ty, bits as u64),
    }
}

fn signature(op: Op) -> (&'static [SigType], &'static [SigType]) {
    match op.row().signature {
        Signature::Fixed { params, results } => (params, results),
        Signature::Special => panic!("{op:?}"),
    }
}

fn types(types: &[SigType]) -> String {
    let names: Vec<&str> = types.iter().map(|&ty| fused::name(ty)).collect();
    names.join(" ")
}

/// Where an operand comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Local,
    /// A local that has just been written.
    Fresh,
    Temporary,
    Constant(u128),
}

fn kinds(ty: SigType) -> Vec<Kind> {
    let all = values(ty);
    let constants = [all[2], all[all.len() - 1]].map(Kind::Constant);
    let mut kinds = vec![Kind::Local, Kind::Temporary];
    kinds.extend(constants);
    if ty != SigType::V128 {
        kinds.push(Kind::Fresh);
    }
    kinds
}

/// All combinations of kinds for the operands; of three operands and more, no two alike but locals.
fn combinations(params: &[SigType]) -> Vec<Vec<Kind>> {
    let mut all = vec![vec![]];
    for (i, &ty) in params.iter().enumerate() {
        let mut longer = Vec::new();
        for before in &all {
            for kind in kinds(ty) {
                let is_new = kind == Kind::Local || !before.contains(&kind);
                if i < 2 || is_new {
                    longer.push([&before[..], &[kind]].concat());
                }
            }
        }
        all = longer;
    }
    all
}

/// A function of the operands by their kinds, which gives the results.
fn function(op: Op, export: usize, kinds: &[Kind], immediates: &str) -> String {
    let (params, results) = signature(op);
    let mut before = String::new();
    let mut operands = String::new();
    for (i, (kind, &ty)) in kinds.iter().zip(params).enumerate() {
        let (copy, t) = (params.len() + i, fused::name(ty));
        match kind {
            Kind::Local => write!(operands, "(local.get {i})"),
            Kind::Temporary => write!(operands, "(block (result {t}) (local.get {i}))"),
            Kind::Constant(bits) => write!(operands, "{}", constant(ty, *bits)),
            Kind::Fresh => {
                write!(before, "(local.set {copy} (local.get {i}))").unwrap();
                write!(operands, "(local.get {copy})")
            }
        }
        .unwrap();
    }
    let (types, results) = (types(params), types(results));
    format!(
        "(func (export \"{export}\") (param {types}) (result {results}) (local {types})
           {before} {operands} {} {immediates})",
        op.mnemonic()
    )
}

/// Calls a function and compares with the pure function: with all pairs of values for the first two
/// operands if they are locals, else with one pair for each value.
fn check_function(programs: &mut [Program], export: usize, op: Op, kinds: &[Kind], lane: u8) {
    let (params, results) = signature(op);
    let lists: Vec<Vec<u128>> = params.iter().map(|&ty| values(ty)).collect();
    let is_plain = kinds.iter().all(|kind| *kind == Kind::Local);
    let count: usize = match is_plain && lane == 0 {
        true => lists.iter().take(2).map(Vec::len).product(),
        false => lists[0].len(),
    };
    for n in 0..count {
        let index = |i: usize| match i {
            0 => n % lists[0].len(),
            _ => (n / lists[0].len() + (i - 1 + usize::from(!is_plain)) * n) % lists[i].len(),
        };
        let args: Vec<u128> = (0..params.len()).map(|i| lists[i][index(i)]).collect();
        let seen = args.iter().zip(kinds).map(|(&arg, kind)| match kind {
            Kind::Constant(bits) => *bits,
            Kind::Local | Kind::Fresh | Kind::Temporary => arg,
        });
        let seen: Vec<u128> = seen.collect();
        let want = pure(op, &seen, lane, LANES).expect("no vector row traps");
        let is_allowed = |got: &[Val]| {
            let got: Vec<u128> = got.iter().map(|&val| bits(val)).collect();
            is_allowed_natively(op, &seen, (lane, LANES), &got)
        };
        let want: Vec<Val> = want
            .iter()
            .zip(results)
            .map(|(&x, &ty)| val(ty, x))
            .collect();
        let vals: Vec<Val> = args
            .iter()
            .zip(params)
            .map(|(&x, &ty)| val(ty, x))
            .collect();
        for program in programs.iter_mut() {
            let got = program.call(&export.to_string(), &vals);
            let is_right = match (PROFILE.get(), &got) {
                (Profile::Native, Ok(got)) => is_allowed(got),
                (_, got) => *got == Ok(want.clone()),
            };
            let op = op.mnemonic();
            assert!(
                is_right,
                "{op} {lane} {seen:x?} {kinds:?}: {got:x?}, not {want:x?}"
            );
        }
    }
}

/// How many lanes a lane row has: the name begins with their number.
fn lanes(op: Op) -> u8 {
    let name = op.mnemonic();
    let width: u8 = match name
        .strip_prefix("v128.load")
        .or(name.strip_prefix("v128.store"))
    {
        Some(rest) => rest.trim_end_matches("_lane").parse().expect("a width"),
        None => {
            let lanes = name[1..].split(['x', '.']).next().expect("a width");
            lanes.parse().expect("a width")
        }
    };
    128 / width
}

fn is_computing(op: Op) -> bool {
    matches!(
        op.shape(),
        Shape::Wide
            | Shape::SimdShuffle
            | Shape::SimdExtractLane
            | Shape::SimdReplaceLane
            | Shape::SimdSplat
            | Shape::SimdReduce
            | Shape::SimdUnary
            | Shape::SimdBinary
            | Shape::SimdShift
            | Shape::SimdTernary
    )
}

#[test]
pub(super) fn vectors_are_computed_by_interpreters_and_jit() {
    for &op in Op::ALL.iter().filter(|&&op| is_computing(op)) {
        let mut functions = Vec::new();
        for kinds in combinations(signature(op).0) {
            match op.row().imms {
                Imms::Lane => functions.extend((0..lanes(op)).map(|lane| (kinds.clone(), lane))),
                _ => functions.push((kinds, 0)),
            }
        }
        let mut wat = String::from("(module");
        for (i, (kinds, lane)) in functions.iter().enumerate() {
            let immediates = match op.row().imms {
                Imms::Lane => lane.to_string(),
                Imms::Lanes => LANES.map(|lane| lane.to_string()).join(" "),
                _ => String::new(),
            };
            wat += &function(op, i, kinds, &immediates);
        }
        wat.push(')');
        let mut programs = programs(&wat);
        for (i, (kinds, lane)) in functions.iter().enumerate() {
            check_function(&mut programs, i, op, kinds, *lane);
        }
    }
}

/// Memories of a page each: near, far by its index, far by its address type. By name, the type of
/// addresses and the immediate.
const MEMORIES: [(&str, SigType, &str); 3] = [
    ("near", SigType::I32, ""),
    ("far", SigType::I32, "1"),
    ("large", SigType::I64, "2"),
];
const PAGE_BYTES: u64 = 65536;

/// What the memories hold.
static PATTERN: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..PAGE_BYTES).map(|i| (i * 7 + (i >> 8)) as u8).collect());

/// Functions `near`, `far`, `large` of address and vector that do one access, with a bias of the
/// address that the offset or the constant takes back.
fn access_module(op: Op, offset: u64, lane: &str, kind: Kind) -> String {
    let (_, results) = signature(op);
    let takes_vector = signature(op).0.len() == 2;
    let mut wat = String::from("(module (memory 1 1) (memory 1 1) (memory i64 1 1)");
    for (name, ty, memory) in MEMORIES {
        let t = fused::name(ty);
        let (before, address) = match kind {
            Kind::Local => ("", "(local.get 0)".to_owned()),
            Kind::Fresh => ("(local.set 2 (local.get 0))", "(local.get 2)".to_owned()),
            Kind::Temporary => ("", format!("(block (result {t}) (local.get 0))")),
            Kind::Constant(at) => ("", format!("({t}.const {at})")),
        };
        let vector = if takes_vector { "(local.get 1)" } else { "" };
        write!(
            wat,
            "(func (export \"{name}\") (param {t} v128) (result {}) (local {t}) {before}
               {address} {vector} {} {memory} offset={offset} {lane})",
            types(results),
            op.mnemonic()
        )
        .unwrap();
    }
    wat + ")"
}

/// How many bytes an access reads or writes.
fn storage_bytes(op: Op) -> u64 {
    let name = op.mnemonic();
    match name {
        "v128.load" | "v128.store" => 16,
        _ if name.contains('x') => 8,
        _ => {
            let digits = name.split(|c: char| !c.is_ascii_digit());
            let width = digits.filter(|d| !d.is_empty()).nth(1);
            width.and_then(|d| d.parse::<u64>().ok()).expect("a width") / 8
        }
    }
}

/// One access at an address plus offset, in every memory of every tier.
fn check_access(programs: &mut [Program], op: Op, lane: u8, address: u64, effective: u64) {
    let (vector, size) = (VECTORS[9], storage_bytes(op));
    let is_store = signature(op).1.is_empty();
    for program in programs {
        for (i, (name, ty, _)) in MEMORIES.into_iter().enumerate() {
            let memory = crate::interior::memories(&program.store)
                .nth(i)
                .expect("three memories");
            let pattern = &*PATTERN;
            memory.data_mut(&mut program.store).copy_from_slice(pattern);
            let args = [val(ty, address.into()), Val::V128(vector)];
            let got = program.call(name, &args);
            let what = format!("{} {lane} {name} {address}", op.mnemonic());
            if effective + size > PAGE_BYTES {
                assert_eq!(got, Err(Error::trap(TrapKind::MemoryOutOfBounds)), "{what}");
                assert!(memory.data(&program.store) == &pattern[..], "{what}");
                continue;
            }
            let at = effective as usize..(effective + size) as usize;
            let mut bytes = [0; 16];
            bytes[..size as usize].copy_from_slice(&pattern[at.clone()]);
            let read = u128::from_le_bytes(bytes);
            let operands: &[u128] = match op.shape() {
                Shape::SimdLoad => &[read],
                Shape::SimdLoadLane => &[read, vector],
                _ => &[vector],
            };
            let want = pure(op, operands, lane, LANES).expect("it does not trap")[0];
            if is_store {
                let mut expected = pattern.clone();
                expected[at].copy_from_slice(&want.to_le_bytes()[..size as usize]);
                assert_eq!(got, Ok(vec![]), "{what}");
                assert!(memory.data(&program.store) == expected, "{what}");
            } else {
                assert_eq!(got, Ok(vec![Val::V128(want)]), "{what}");
            }
        }
    }
}

#[test]
pub(super) fn vectors_are_loaded_and_stored_by_interpreters_and_jit() {
    let is_access = |op: Op| {
        use Shape::{SimdLoad, SimdLoadLane, SimdStore, SimdStoreLane};
        matches!(
            op.shape(),
            SimdLoad | SimdLoadLane | SimdStore | SimdStoreLane
        )
    };
    for &op in Op::ALL.iter().filter(|&&op| is_access(op)) {
        let has_lane = op.row().imms == Imms::MemArgLane;
        for lane in 0..if has_lane { lanes(op) } else { 1 } {
            let text = if has_lane {
                lane.to_string()
            } else {
                String::new()
            };
            let last = PAGE_BYTES - storage_bytes(op);
            let offsets = if lane == 0 {
                &[0, 40, 65535][..]
            } else {
                &[40]
            };
            for &offset in offsets {
                let fixed = Kind::Constant(24);
                for kind in [Kind::Local, Kind::Fresh, Kind::Temporary, fixed] {
                    let wat = access_module(op, offset, &text, kind);
                    let mut programs = programs(&wat);
                    if kind == fixed {
                        check_access(&mut programs, op, lane, 0, 24 + offset);
                        continue;
                    }
                    for address in [3, last.saturating_sub(offset), last + 1] {
                        check_access(&mut programs, op, lane, address, address + offset);
                    }
                }
            }
        }
    }
}
