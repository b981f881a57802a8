//! Every fused form of every numeric row against the pure functions: each way of getting operands,
//! each way of using the result; and every form of every load and store against the stack tier.

use std::fmt::Write;

use super::{Program, agree};
use crate::engine::Tier;
use crate::error::Error;
use crate::evaluate::{Slots, evaluator};
use crate::ops::{Op, SigType, Signature};
use crate::register::table::{
    BINARY_OPS, CHAIN_IMM_OPS, CHAIN_OPS, LOAD_OPS, LOAD_THEN_OPS, STEP_OPS, STORE_OPS, UNARY_OPS,
};
use crate::trap::TrapKind;
use crate::value::Val;

const I32S: &[u64] = &[
    0,
    1,
    2,
    31,
    33,
    0x7fff,
    0x8000,
    0xffff_8000,
    0xffff_7fff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1234_5678,
];
const I64S: &[u64] = &[
    0,
    1,
    63,
    65,
    0x7fff,
    0x8000,
    0xffff_ffff,
    0xffff_ffff_ffff_8000,
    0xffff_ffff_ffff_7fff,
    0x8000_0000_0000_0000,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
    0x0123_4567_89ab_cdef,
];
const F32S: &[f32] = &[
    0.0,
    -0.0,
    1.0,
    -2.0,
    0.5,
    32767.0,
    32768.0,
    3e9,
    -3e9,
    1e19,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    f32::from_bits(0xffa0_0001),
];
const F64S: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    -2.0,
    0.5,
    32767.0,
    -32768.0,
    3e9,
    -3e9,
    1e19,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    f64::from_bits(0xfff4_0000_0000_0001),
];

pub(super) fn values(ty: SigType) -> Vec<u64> {
    match ty {
        SigType::I32 | SigType::Addr => I32S.to_vec(),
        SigType::I64 => I64S.to_vec(),
        SigType::F32 => F32S.iter().map(|x| u64::from(x.to_bits())).collect(),
        SigType::F64 => F64S.iter().map(|x| x.to_bits()).collect(),
        SigType::V128 | SigType::Ref => Vec::new(),
    }
}

pub(super) fn name(ty: SigType) -> &'static str {
    match ty {
        SigType::I32 | SigType::Addr => "i32",
        SigType::I64 => "i64",
        SigType::F32 => "f32",
        SigType::F64 => "f64",
        SigType::V128 => "v128",
        SigType::Ref => "anyref",
    }
}

pub(super) fn val(ty: SigType, slot: u64) -> Val {
    match ty {
        SigType::I32 | SigType::Addr | SigType::V128 | SigType::Ref => Val::I32(slot as i32),
        SigType::I64 => Val::I64(slot as i64),
        SigType::F32 => Val::F32(slot as u32),
        SigType::F64 => Val::F64(slot),
    }
}

/// A constant; floats by reinterpretation cannot be immediates, so they are written exactly.
pub(super) fn constant(ty: SigType, slot: u64) -> String {
    let nan = |negative: bool, payload: u64| {
        let sign = if negative { "-" } else { "" };
        format!("{sign}nan:{payload:#x}")
    };
    match ty {
        SigType::I32 | SigType::Addr => format!("(i32.const {})", slot as i32),
        SigType::I64 => format!("(i64.const {})", slot as i64),
        SigType::F32 if f32::from_bits(slot as u32).is_nan() => {
            format!("(f32.const {})", nan(slot >> 31 != 0, slot & 0x7f_ffff))
        }
        SigType::F64 if f64::from_bits(slot).is_nan() => {
            let payload = slot & 0xf_ffff_ffff_ffff;
            format!("(f64.const {})", nan(slot >> 63 != 0, payload))
        }
        SigType::F32 => format!("(f32.const {:?})", f32::from_bits(slot as u32)),
        SigType::F64 => format!("(f64.const {:?})", f64::from_bits(slot)),
        SigType::V128 | SigType::Ref => String::new(),
    }
}

fn signature(op: Op) -> (&'static [SigType], SigType) {
    match op.row().signature {
        Signature::Fixed { params, results } => (params, results[0]),
        Signature::Special => panic!("{op:?}"),
    }
}

fn expected(op: Op, operands: &[u64]) -> Result<u64, TrapKind> {
    let evaluate = evaluator(op).expect("the rows of this tier are numeric");
    match evaluate(operands)? {
        Slots::One(slot) => Ok(slot),
        Slots::Two(..) => panic!("{op:?}"),
    }
}

/// How a pair of operands is written, given constants for them, and which they then are.
struct Kind {
    before: String,
    a: String,
    b: String,
    /// Constants in place of the arguments.
    fixed: (Option<u64>, Option<u64>),
    /// Whether the second argument is in place of the first, or the first of the second.
    same: bool,
}

fn kinds(ty: SigType) -> Vec<Kind> {
    let (x, y, copy) = ("(local.get 0)", "(local.get 1)", "(local.get 2)");
    let kind = |before: &str, a: &str, b: &str| Kind {
        before: before.into(),
        a: a.into(),
        b: b.into(),
        fixed: (None, None),
        same: false,
    };
    let (copy_x, copy_y) = ("(local.set 2 (local.get 0))", "(local.set 2 (local.get 1))");
    let mut kinds = vec![
        kind("", x, y),
        kind(copy_x, copy, y),
        kind(copy_y, x, copy),
        Kind {
            same: true,
            ..kind("", x, x)
        },
        Kind {
            same: true,
            ..kind(copy_x, copy, copy)
        },
    ];
    for value in values(ty) {
        let c = constant(ty, value);
        let (first, second) = ((Some(value), None), (None, Some(value)));
        kinds.push(Kind {
            fixed: second,
            ..kind("", x, &c)
        });
        kinds.push(Kind {
            fixed: second,
            ..kind(copy_x, copy, &c)
        });
        kinds.push(Kind {
            fixed: first,
            ..kind("", &c, y)
        });
        kinds.push(Kind {
            fixed: first,
            ..kind(copy_y, &c, copy)
        });
        let both = (Some(value), Some(value));
        kinds.push(Kind {
            fixed: both,
            ..kind("", &c, &c)
        });
    }
    kinds
}

/// The ways of using a result: code around `OP`, its type if not the operation's, and whether the
/// code gives 1 for a result that is not 0.
const USES: &[(&str, bool)] = &[
    ("OP", false),
    ("(loop (result R) (br_if 0 (local.get 3)) OP)", false),
    (
        "(block (br_if 0 OP) (return (i32.const 0))) (i32.const 1)",
        true,
    ),
    (
        "(block (br_if 0 (i32.eqz OP)) (return (i32.const 1))) (i32.const 0)",
        true,
    ),
    (
        "(if (result i32) OP (then (i32.const 1)) (else (i32.const 0)))",
        true,
    ),
    (
        "(loop (result i32) (br_if 0 (local.get 3)) (block (br_if 0 OP) (return (i32.const 0)))
        (i32.const 1))",
        true,
    ),
    ("(select (i32.const 1) (i32.const 0) OP)", true),
];

/// Runs a function of two operands for many values and compares with the pure function.
fn check_pairs(program: &mut Program, export: &str, op: Op, kind: &Kind, is_test: bool) {
    let (params, result) = signature(op);
    let ty = params[0];
    let all = values(ty);
    for (i, &x) in all.iter().enumerate() {
        let ys = if kind.fixed.1.is_some() {
            &all[..1]
        } else {
            &all[..]
        };
        for &y in ys {
            if kind.fixed.0.is_some() && i > 0 {
                return;
            }
            let a = kind.fixed.0.unwrap_or(x);
            let b = if kind.same {
                a
            } else {
                kind.fixed.1.unwrap_or(y)
            };
            let mut want = expected(op, &[a, b]);
            if is_test {
                want = want.map(|slot| u64::from(slot as u32 != 0));
            }
            let ty_of_result = if is_test { SigType::I32 } else { result };
            let want = want
                .map(|slot| vec![val(ty_of_result, slot)])
                .map_err(Error::trap);
            let got = program.call(export, &[val(ty, x), val(ty, y)]);
            let op = op.mnemonic();
            assert!(
                agree(&got, &want),
                "{got:?} {want:?} {op} {a:#x} {b:#x}: {} {} {}",
                kind.before,
                kind.a,
                kind.b
            );
        }
    }
}

/// Every binary row in every way; those that give an i32 also as conditions.
#[test]
pub(super) fn binary_rows() {
    for &op in BINARY_OPS {
        let (params, result) = signature(op);
        let (t, r) = (name(params[0]), name(result));
        let uses = USES
            .iter()
            .filter(|(_, is_test)| !is_test || result == SigType::I32);
        let forms: Vec<(Kind, &(&str, bool))> = uses
            .flat_map(|way| kinds(params[0]).into_iter().map(move |kind| (kind, way)))
            .collect();
        let mut wat = String::from("(module");
        for (i, (kind, (code, is_test))) in forms.iter().enumerate() {
            let call = format!("({} {} {})", op.mnemonic(), kind.a, kind.b);
            let code = code.replace("OP", &call).replace('R', r);
            let r = if *is_test { "i32" } else { r };
            write!(
                wat,
                "(func (export \"{i}\") (param {t} {t}) (result {r}) (local {t} i32) {} {code})",
                kind.before
            )
            .unwrap();
        }
        wat.push(')');
        let mut program = Program::new(&wat);
        for (i, (kind, (_, is_test))) in forms.iter().enumerate() {
            check_pairs(&mut program, &i.to_string(), op, kind, *is_test);
        }
    }
}

/// Every unary row, of a slot, of an accumulator, and of constants.
#[test]
pub(super) fn unary_rows() {
    for &op in UNARY_OPS {
        let (params, result) = signature(op);
        let (ty, r) = (params[0], name(result));
        let (t, mnemonic) = (name(ty), op.mnemonic());
        let mut wat = format!(
            "(module (func (export \"slot\") (param {t}) (result {r}) ({mnemonic} (local.get 0)))
               (func (export \"acc\") (param {t}) (result {r}) (local {t})
                 (local.set 1 (local.get 0)) ({mnemonic} (local.get 1)))"
        );
        for (i, &value) in values(ty).iter().enumerate() {
            let c = constant(ty, value);
            write!(
                wat,
                "(func (export \"{i}\") (param {t}) (result {r}) ({mnemonic} {c}))"
            )
            .unwrap();
        }
        wat.push(')');
        let mut program = Program::new(&wat);
        for (i, value) in values(ty).into_iter().enumerate() {
            let want = expected(op, &[value]).map(|slot| vec![val(result, slot)]);
            let want = want.map_err(Error::trap);
            for export in ["slot", "acc", &i.to_string()] {
                let got = program.call(export, &[val(ty, value)]);
                assert!(
                    agree(&got, &want),
                    "{got:?} {want:?} {mnemonic} {value:#x} {export}"
                );
            }
        }
    }
}

/// Counted loops: every comparison with every kind of bound; how often they go round is compared
/// with what the pure functions say.
#[test]
pub(super) fn counted_loops() {
    for &op in STEP_OPS {
        let mnemonic = op.mnemonic();
        for (step, bound) in [(1, 3), (-1, 5), (2, -32768), (7, 40000), (-3, -1)] {
            let next = format!("(local.tee 0 (i32.add (local.get 0) (i32.const {step})))");
            let count = "(local.set 2 (i32.add (local.get 2) (i32.const 1)))
                (br_if $e (i32.eq (local.get 2) (i32.const 5)))";
            let bound_const = format!("(i32.const {bound})");
            let mut wat = String::from("(module");
            for (i, bound) in [bound_const.as_str(), "(local.get 1)"].iter().enumerate() {
                let forms = [
                    format!("(br_if $l ({mnemonic} {next} {bound}))"),
                    format!("(br_if $l (i32.eqz ({mnemonic} {next} {bound})))"),
                    format!("(br_if $e ({mnemonic} {next} {bound})) (br $l)"),
                ];
                for (j, form) in forms.iter().enumerate() {
                    write!(
                        wat,
                        "(func (export \"{i}{j}\") (param i32 i32) (result i32 i32) (local i32)
                           (block $e (loop $l {count} {form})) (local.get 0) (local.get 2))"
                    )
                    .unwrap();
                }
            }
            wat.push(')');
            let mut program = Program::new(&wat);
            for start in [0, 1, -1, 4, i32::MAX, i32::MIN] {
                for (j, stays) in [(0, 1), (1, 0), (2, 0)] {
                    let (mut x, mut n) = (start, 0);
                    loop {
                        n += 1;
                        if n == 5 {
                            break;
                        }
                        x = x.wrapping_add(step);
                        let holds = expected(op, &[u64::from(x as u32), u64::from(bound as u32)]);
                        if holds != Ok(stays) {
                            break;
                        }
                    }
                    for i in 0..2 {
                        let args = [Val::I32(start), Val::I32(bound)];
                        let got = program.call(&format!("{i}{j}"), &args);
                        let want = Ok(vec![Val::I32(x), Val::I32(n)]);
                        assert_eq!(got, want, "{mnemonic} from {start} by {step} to {bound}");
                    }
                }
            }
        }
    }
}

/// Loops that count down to 0, of both widths, both ways round.
#[test]
pub(super) fn loops_to_zero() {
    for ty in ["i32", "i64"] {
        for step in [
            "(T.sub (local.get 0) (T.const 1))",
            "(T.add (T.const -1) (local.get 0))",
        ] {
            let loops = [
                (
                    "",
                    "(block $e COUNT
                       (loop $l (br_if $e (T.eqz (local.tee 0 NEXT))) COUNT (br $l)))",
                ),
                ("i32", "(loop $l COUNT (br_if $l (local.tee 0 NEXT)))"),
                (
                    "",
                    "(block $e (loop $l COUNT (br_if $e (T.eqz (local.tee 0 NEXT))) (br $l)))",
                ),
                (
                    "",
                    "(loop $l COUNT (local.set 0 NEXT) (br_if $l (i32.eqz (T.eqz (local.get 0)))))",
                ),
            ];
            for (only, code) in loops {
                if !only.is_empty() && only != ty {
                    continue;
                }
                let count = "(local.set 1 (i32.add (local.get 1) (i32.const 1)))";
                let code = code
                    .replace("COUNT", count)
                    .replace("NEXT", step)
                    .replace('T', ty);
                let wat = format!(
                    "(module (func (export \"run\") (param {ty}) (result i32) (local i32)
                       {code} (local.get 1)))"
                );
                let arg = if ty == "i32" {
                    Val::I32(9)
                } else {
                    Val::I64(9)
                };
                let got = Program::new(&wat).call("run", &[arg]);
                assert_eq!(got, Ok(vec![Val::I32(9)]), "{wat}");
            }
        }
    }
}

/// Forms of an address: code, the offset, and whether it is in a second, 64-bit memory.
const ADDRESSES: &[(&str, &str)] = &[
    ("(local.get 0)", ""),
    ("(local.get 0)", "offset=5"),
    ("(local.get 0)", "offset=65535"),
    ("(local.get 0)", "offset=65536"),
    ("(local.get 0)", "offset=4294967295"),
    ("(local.tee 2 (local.get 0))", "offset=9"),
    ("(i32.add (local.get 0) (i32.const 1))", "offset=1"),
    ("(i32.const 65528)", ""),
    ("(i32.const 65530)", "offset=4"),
    ("(i32.const -1)", "offset=8"),
    ("(i64.extend_i32_u (local.get 0))", "1 offset=3"),
    ("(i64.extend_i32_s (local.get 0))", "1 offset=0x100000000"),
];

fn check_accesses(funcs: &str, exports: usize, argument: SigType) {
    let wat = format!(
        "(module (memory 1) (memory i64 1)
           (data (i32.const 65500)
             \"\\01\\82\\03\\84\\05\\86\\07\\88\\09\\fa\\0b\\fc\\7f\\ff\\80\\00\\11\")
           (data (memory 1) (i64.const 40) \"\\ff\\fe\\fd\\fc\\fb\\fa\\f9\\f8\\77\") {funcs})"
    );
    let mut register = Program::new(&wat);
    let mut stack = Program::in_tier(Tier::Stack, &wat);
    for export in 0..exports {
        for address in [
            0, 1, 37, 40, 65500, 65495, 65520, 65528, 65529, 65535, -1, -65536,
        ] {
            for value in values(argument) {
                let args = [Val::I32(address), val(argument, value)];
                let export = export.to_string();
                let (got, want) = (register.call(&export, &args), stack.call(&export, &args));
                assert!(
                    agree(&got, &want),
                    "{got:?} {want:?} {export} {args:x?} in {funcs}"
                );
            }
        }
    }
    let memories = |program: &Program| -> Vec<Vec<u8>> {
        let all = crate::interior::memories(&program.store);
        all.map(|memory| memory.data(&program.store).to_vec())
            .collect()
    };
    assert!(
        memories(&register) == memories(&stack),
        "memories differ: {funcs}"
    );
}

#[test]
pub(super) fn loads() {
    for &op in LOAD_OPS {
        let (_, result) = signature(op);
        let (r, mnemonic) = (name(result), op.mnemonic());
        let mut funcs = String::new();
        for (i, (address, offset)) in ADDRESSES.iter().enumerate() {
            write!(
                funcs,
                "(func (export \"{i}\") (param i32 i32) (result {r}) (local i32)
                   ({mnemonic} {offset} {address}))"
            )
            .unwrap();
        }
        check_accesses(&funcs, ADDRESSES.len(), SigType::I32);
    }
}

#[test]
pub(super) fn stores() {
    for &op in STORE_OPS {
        let Signature::Fixed { params, .. } = op.row().signature else {
            panic!("{op:?}");
        };
        let (ty, mnemonic) = (params[1], op.mnemonic());
        let t = name(ty);
        let acc = "(local.tee 3 (local.get 1))".to_owned();
        let mut values = vec!["(local.get 1)".to_owned(), acc];
        values.extend(self::values(ty).iter().step_by(3).map(|&v| constant(ty, v)));
        let (mut funcs, mut exports) = (String::new(), 0);
        for (address, offset) in ADDRESSES {
            for value in &values {
                write!(
                    funcs,
                    "(func (export \"{exports}\") (param i32 {t}) (local i32 {t})
                       ({mnemonic} {offset} {address} {value}))"
                )
                .unwrap();
                exports += 1;
            }
        }
        check_accesses(&funcs, exports, ty);
    }
}

/// Pairs of operations in one cell, both ways round, of slots and of an accumulator.
#[test]
pub(super) fn chains() {
    for &(first, second) in CHAIN_OPS {
        let ty = signature(first).0[0];
        let (t, f, s) = (name(ty), first.mnemonic(), second.mnemonic());
        let product = format!("({f} (local.get 0) (local.get 1))");
        let copy = "(local.set 3 (local.get 2))";
        let wat = format!(
            "(module
               (func (export \"0\") (param {t} {t} {t}) (result {t})
                 ({s} (local.get 2) {product}))
               (func (export \"1\") (param {t} {t} {t}) (result {t})
                 ({s} {product} (local.get 2)))
               (func (export \"2\") (param {t} {t} {t}) (result {t}) (local {t})
                 {copy} ({s} (local.get 3) {product}))
               (func (export \"3\") (param {t} {t} {t}) (result {t}) (local {t})
                 {copy} ({s} {product} (local.get 3)))
               (func (export \"4\") (param {t} {t} {t}) (result {t})
                 ({s} {product} {product})))"
        );
        let mut program = Program::new(&wat);
        for (x, y, z) in triples(&values(ty)) {
            let product = expected(first, &[x, y]).unwrap();
            let args = [x, y, z].map(|slot| val(ty, slot));
            for (export, operands) in [
                ("0", [z, product]),
                ("1", [product, z]),
                ("2", [z, product]),
                ("3", [product, z]),
                ("4", [product, product]),
            ] {
                let want = vec![val(ty, expected(second, &operands).unwrap())];
                let got = program.call(export, &args);
                assert!(
                    agree(&got, &Ok(want.clone())),
                    "{got:?} {want:?} {f} {s} {export} {x:#x} {y:#x} {z:#x}"
                );
            }
        }
    }
}

/// Pairs of which the first has an immediate, both ways round, of slots and of an accumulator.
#[test]
pub(super) fn chains_of_immediates() {
    for &(first, second) in CHAIN_IMM_OPS {
        let ty = signature(first).0[0];
        let (t, f, s) = (name(ty), first.mnemonic(), second.mnemonic());
        for imm in [0, 1, 7, 33, -1, 32767, -32768i64] {
            let shifted = format!("({f} (local.get 0) ({t}.const {imm}))");
            let copy = "(local.set 2 (local.get 1))";
            let wat = format!(
                "(module
                   (func (export \"0\") (param {t} {t}) (result {t})
                     ({s} (local.get 1) {shifted}))
                   (func (export \"1\") (param {t} {t}) (result {t})
                     ({s} {shifted} (local.get 1)))
                   (func (export \"2\") (param {t} {t}) (result {t}) (local {t})
                     {copy} ({s} (local.get 2) {shifted}))
                   (func (export \"3\") (param {t} {t}) (result {t}) (local {t})
                     {copy} ({s} {shifted} (local.get 2))))"
            );
            let mut program = Program::new(&wat);
            let slot = if ty == SigType::I32 {
                imm as u32 as u64
            } else {
                imm as u64
            };
            let values = values(ty);
            for (&x, &y) in values
                .iter()
                .flat_map(|x| values.iter().map(move |y| (x, y)))
            {
                let shifted = expected(first, &[x, slot]).unwrap();
                let args = [x, y].map(|slot| val(ty, slot));
                for (export, operands) in [
                    ("0", [y, shifted]),
                    ("1", [shifted, y]),
                    ("2", [y, shifted]),
                    ("3", [shifted, y]),
                ] {
                    let want = vec![val(ty, expected(second, &operands).unwrap())];
                    let got = program.call(export, &args);
                    assert_eq!(got, Ok(want), "{f} {imm} {s} {export} {x:#x} {y:#x}");
                }
            }
        }
    }
}

fn triples(values: &[u64]) -> Vec<(u64, u64, u64)> {
    let pairs = values
        .iter()
        .flat_map(|&x| values.iter().map(move |&y| (x, y)));
    pairs
        .flat_map(|(x, y)| values.iter().map(move |&z| (x, y, z)))
        .collect()
}

/// Loads in one cell with an operation on what they load.
#[test]
pub(super) fn loads_with_operations() {
    for &(load, op) in LOAD_THEN_OPS {
        let ty = signature(op).0[0];
        let (t, load, op) = (name(ty), load.mnemonic(), op.mnemonic());
        let (mut funcs, mut exports) = (String::new(), 0);
        for (address, offset) in ADDRESSES {
            let load = format!("({load} {offset} {address})");
            let copy = "(local.set 3 (local.get 1))";
            for code in [
                format!("({op} (local.get 1) {load})"),
                format!("({op} {load} (local.get 1))"),
                format!("{copy} ({op} (local.get 3) {load})"),
                format!("{copy} ({op} {load} (local.get 3))"),
                format!("({op} {load} {load})"),
            ] {
                write!(
                    funcs,
                    "(func (export \"{exports}\") (param i32 {t}) (result {t}) (local i32 {t})
                       {code})"
                )
                .unwrap();
                exports += 1;
            }
        }
        check_accesses(&funcs, exports, ty);
    }
}
