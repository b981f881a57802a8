//! THE table of handlers. An opcode of this tier is a handler's position in it.
//!
//! The table is a struct of handlers and arrays of handlers, so that positions follow from names:
//! [`opcode!`] gives them, and nobody numbers anything.

use std::mem::offset_of;

use super::atomic::{self, ATOMIC, ATOMIC_OPS, SYNC, SYNC_OPS};
use super::call::{self, RET_ONE};
use super::control::{self, BR_IF, COPY, HELPER, HELPER_OPS, SELECT};
use super::gc::{
    self, ARRAY_GET, ARRAY_SET, BR_ON_CAST, GETS, REF_UNARY, STRUCT_GET, STRUCT_GET_VECTOR,
    STRUCT_SET, STRUCT_SET_VECTOR,
};
use super::machine::{Handler, InAcc, InSlot};
use super::memory::{
    LOAD, LOAD_FORMS, LOAD_OPS, LOAD_THEN, LOAD_THEN_OPS, LoadForm, NATIVE_LOAD_THEN, STORE,
    STORE_FORMS, STORE_OPS, StoreForm,
};
use super::numeric::{
    BINARY, BINARY_OPS, BRANCH, BRANCH_AND, BRANCH_OPS, Branches, CHAIN, CHAIN_IMM, CHAIN_IMM_OPS,
    CHAIN_OPS, COUNT, Chains, NATIVE_BINARY, NATIVE_CHAIN, NATIVE_UNARY, ONE, One, STEP, STEP_OPS,
    Steps, TWO, Two, UNARY, UNARY_OPS,
};
use super::simd::{NATIVE_PLAIN, PLAIN, PLAIN_OPS, SCALAR, SCALAR_OPS, SCALARS, Scalar};
use super::{promote, unwind};
use crate::engine::Profile;
use crate::ops::Op;

/// The opcode of a field of the table, or of the first handler in it.
macro_rules! opcode {
    ($field:ident) => {
        (std::mem::offset_of!($crate::register::table::Table, $field)
            / size_of::<$crate::register::machine::Handler>()) as u16
    };
}
pub(super) use opcode;

macro_rules! table {
    ($($field:ident: $ty:ty = $value:expr;)*) => {
        /// Handlers by name.
        #[repr(C)]
        pub(super) struct Table {
            $(pub(super) $field: $ty,)*
        }

        static TABLE: Table = Table { $($field: $value,)* };

        /// The name of an opcode, for tests: the field and the position in it.
        #[cfg(all(test, debug_assertions))]
        pub(super) fn name(opcode: usize) -> String {
            let fields = [$((stringify!($field), opcode!($field) as usize)),*];
            let behind = |&&(_, first): &&(&str, usize)| first <= opcode;
            let (field, first) = fields.iter().rev().find(behind).expect("the first one is 0");
            format!("{field}[{}]", opcode - first)
        }
    };
}

table! {
    copy: [[Handler; 3]; 4] = COPY;
    copy_pair: Handler = control::copy_pair;
    copy_vector: Handler = control::copy_vector;
    copy_far: Handler = control::copy_far;
    constant_vector: Handler = control::constant_vector;
    constant: [Handler; 2] = [control::constant::<u64>, control::constant::<f64>];
    select: [[Handler; 2]; 2] = SELECT;
    select_vector: Handler = control::select_vector;
    clear: Handler = control::clear;
    constants: Handler = control::constants;
    br: Handler = control::br;
    br_if: [[[Handler; 2]; 2]; 2] = BR_IF;
    br_table: Handler = control::br_table;
    trap: Handler = control::trap;
    global_get: [Handler; 2] = [control::global_get::<u64>, control::global_get::<f64>];
    global_get_vector: Handler = control::global_get_vector;
    global_set: [[Handler; 2]; 2] = [
        [control::global_set::<u64, InSlot>, control::global_set::<u64, InAcc>],
        [control::global_set::<f64, InSlot>, control::global_set::<f64, InAcc>],
    ];
    global_set_vector: Handler = control::global_set_vector;
    ref_func: Handler = control::ref_func;
    trap_if_null: Handler = control::trap_if_null;
    fuel: Handler = control::fuel;
    poll: Handler = control::poll;
    table_get: Handler = control::table_get;
    table_set: Handler = control::table_set;
    helper: [Handler; HELPER_OPS.len()] = HELPER;
    throw: Handler = unwind::throw;
    throw_ref: Handler = unwind::throw_ref;
    exit: Handler = call::exit;
    reload: Handler = call::reload;
    ret: Handler = call::ret;
    ret_one: [[Handler; 3]; 4] = RET_ONE;
    call: Handler = call::call;
    call_import: Handler = call::call_import;
    call_indirect: Handler = call::call_indirect;
    call_ref: Handler = call::call_ref;
    return_call: Handler = call::return_call;
    return_call_import: Handler = call::return_call_import;
    return_call_indirect: Handler = call::return_call_indirect;
    return_call_ref: Handler = call::return_call_ref;
    return_callee: Handler = call::return_call_func;
    outside: Handler = promote::outside;
    count_call: Handler = promote::count_call;
    count_loop: Handler = promote::count_loop;
    unary: [[Handler; ONE]; UNARY_OPS.len()] = UNARY;
    binary: [[Handler; TWO]; BINARY_OPS.len()] = BINARY;
    branch: [Branches; BRANCH_OPS.len()] = BRANCH;
    branch_and: Branches = BRANCH_AND;
    count: [[Handler; 2]; 2] = COUNT;
    step: [Steps; STEP_OPS.len()] = STEP;
    chain: [Chains; CHAIN_OPS.len()] = CHAIN;
    chain_imm: [Chains; CHAIN_IMM_OPS.len()] = CHAIN_IMM;
    load_then: [Chains; LOAD_THEN_OPS.len()] = LOAD_THEN;
    load: [[Handler; LOAD_FORMS]; LOAD_OPS.len()] = LOAD;
    store: [[Handler; STORE_FORMS]; STORE_OPS.len()] = STORE;
    atomic: [Handler; ATOMIC_OPS.len()] = ATOMIC;
    atomic_sync: [Handler; SYNC_OPS.len()] = SYNC;
    fence: Handler = atomic::fence;
    struct_get: [[Handler; 2]; GETS] = STRUCT_GET;
    struct_get_vector: [Handler; 2] = STRUCT_GET_VECTOR;
    struct_set: [[Handler; 2]; 4] = STRUCT_SET;
    struct_set_vector: [Handler; 2] = STRUCT_SET_VECTOR;
    array_get: [Handler; GETS] = ARRAY_GET;
    array_get_vector: Handler = gc::array_get_vector;
    array_set: [Handler; 4] = ARRAY_SET;
    array_set_vector: Handler = gc::array_set_vector;
    ref_unary: [Handler; 5] = REF_UNARY;
    struct_new: Handler = gc::struct_new;
    aggregate: Handler = gc::aggregate;
    aggregate_effect: Handler = gc::aggregate_effect;
    ref_test: Handler = gc::ref_test;
    ref_cast: Handler = gc::ref_cast;
    br_on_cast: [Handler; 2] = BR_ON_CAST;
    ref_test_desc: Handler = gc::ref_test_desc;
    ref_cast_desc: Handler = gc::ref_cast_desc;
    native_unary: [[Handler; ONE]; UNARY_OPS.len()] = NATIVE_UNARY;
    native_binary: [[Handler; TWO]; BINARY_OPS.len()] = NATIVE_BINARY;
    native_chain: [Chains; CHAIN_OPS.len()] = NATIVE_CHAIN;
    native_load_then: [Chains; LOAD_THEN_OPS.len()] = NATIVE_LOAD_THEN;
    vector: [Handler; PLAIN_OPS.len()] = PLAIN;
    native_vector: [Handler; PLAIN_OPS.len()] = NATIVE_PLAIN;
    vector_scalar: [[Handler; SCALAR]; SCALAR_OPS.len()] = SCALARS;
}

/// The number of opcodes.
pub(super) const OPCODES: usize = size_of::<Table>() / size_of::<Handler>();

/// Which opcodes tests have executed.
#[cfg(all(test, debug_assertions))]
pub(super) static EXECUTED: [std::sync::atomic::AtomicBool; OPCODES] =
    [const { std::sync::atomic::AtomicBool::new(false) }; OPCODES];

/// The handler of an opcode.
///
/// # Safety
/// The opcode must be less than [`OPCODES`].
#[inline(always)]
pub(super) unsafe fn handler(opcode: u16) -> Handler {
    // SAFETY: the table consists of handlers only, of which there are `OPCODES`.
    unsafe {
        *(&raw const TABLE)
            .cast::<Handler>()
            .add(usize::from(opcode))
    }
}

/// No row.
const NONE: u16 = u16::MAX;

/// By opcode, the position in a list of opcodes.
const fn rows(ops: &[Op]) -> [u16; Op::ALL.len()] {
    let mut rows = [NONE; Op::ALL.len()];
    let mut i = 0;
    while i < ops.len() {
        rows[ops[i] as usize] = i as u16;
        i += 1;
    }
    rows
}

fn row(rows: &[u16; Op::ALL.len()], op: Op) -> Option<u16> {
    Some(rows[op as usize]).filter(|&row| row != NONE)
}

/// The first of two opcodes in the deterministic profile, the second in the native one.
fn by_profile(profile: Profile, deterministic: u16, native: u16) -> u16 {
    match profile {
        Profile::Deterministic => deterministic,
        Profile::Native => native,
    }
}

/// The opcode of a unary row.
pub(super) fn unary(op: Op, way: One, profile: Profile) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(UNARY_OPS);
    let first = by_profile(profile, opcode!(unary), opcode!(native_unary));
    Some(first + row(&ROWS, op)? * ONE as u16 + way as u16)
}

/// The opcode of a binary row.
pub(super) fn binary(op: Op, way: Two, profile: Profile) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(BINARY_OPS);
    let first = by_profile(profile, opcode!(binary), opcode!(native_binary));
    Some(first + row(&ROWS, op)? * TWO as u16 + way as u16)
}

/// The opcode of a branch on a comparison, or on `i32.and`.
pub(super) fn branch(op: Op, way: Two, negated: bool) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(BRANCH_OPS);
    let ways = u16::from(negated) * TWO as u16 + way as u16;
    if op == Op::I32And {
        return Some(opcode!(branch_and) + ways);
    }
    Some(opcode!(branch) + row(&ROWS, op)? * 2 * TWO as u16 + ways)
}

/// The opcode of an addition and a branch on its result.
pub(super) fn count(is64: bool, negated: bool) -> u16 {
    opcode!(count) + u16::from(is64) * 2 + u16::from(negated)
}

/// The opcode of an addition and a branch on a comparison of its result.
pub(super) fn step(op: Op, immediate: bool, negated: bool) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(STEP_OPS);
    let way = u16::from(negated) * 2 + u16::from(immediate);
    Some(opcode!(step) + row(&ROWS, op)? * 4 + way)
}

/// The opcode of a load or operation and an operation on its result. `way`: whether the first
/// operation's second operand is an immediate, whether the result is the first operand of the
/// second one, whether the other operand is in the accumulator.
pub(super) fn chain(ops: (Op, Op), way: (bool, bool, bool), profile: Profile) -> Option<u16> {
    let (imm, first, in_acc) = way;
    let find = |rows: &[(Op, Op)]| rows.iter().position(|&row| row == ops);
    let (opcode, row) = if imm {
        (opcode!(chain_imm), find(CHAIN_IMM_OPS)?)
    } else if let Some(row) = find(CHAIN_OPS) {
        let chain = by_profile(profile, opcode!(chain), opcode!(native_chain));
        (chain, row)
    } else {
        let load_then = by_profile(profile, opcode!(load_then), opcode!(native_load_then));
        (load_then, find(LOAD_THEN_OPS)?)
    };
    Some(opcode + row as u16 * 4 + u16::from(first) * 2 + u16::from(in_acc))
}

/// The opcode of a load.
pub(super) fn load(op: Op, form: LoadForm) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(LOAD_OPS);
    Some(opcode!(load) + row(&ROWS, op)? * LOAD_FORMS as u16 + form as u16)
}

/// The opcode of a store.
pub(super) fn store(op: Op, form: StoreForm) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(STORE_OPS);
    Some(opcode!(store) + row(&ROWS, op)? * STORE_FORMS as u16 + form as u16)
}

/// The opcode of an atomic access, wait or notification.
pub(super) fn atomic(op: Op) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(ATOMIC_OPS);
    static SYNC_ROWS: [u16; Op::ALL.len()] = rows(SYNC_OPS);
    let access = row(&ROWS, op).map(|row| opcode!(atomic) + row);
    access.or_else(|| Some(opcode!(atomic_sync) + row(&SYNC_ROWS, op)?))
}

/// The opcode of a vector row, or one of wide arithmetic, that has one handler.
pub(super) fn vector(op: Op, profile: Profile) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(PLAIN_OPS);
    let first = by_profile(profile, opcode!(vector), opcode!(native_vector));
    Some(first + row(&ROWS, op)?)
}

/// The opcode of a vector row with a scalar operand.
pub(super) fn vector_scalar(op: Op, way: Scalar) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(SCALAR_OPS);
    Some(opcode!(vector_scalar) + row(&ROWS, op)? * SCALAR as u16 + way as u16)
}

/// The opcode of a helper.
pub(super) fn helper(op: Op) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(HELPER_OPS);
    Some(opcode!(helper) + row(&ROWS, op)?)
}

const _: () = assert!(OPCODES < NONE as usize && offset_of!(Table, copy) == 0);
