//! THE table of cells: the opcodes of this tier, in families of rows and forms.
//!
//! An opcode is the position of a handler in [`Table`], a struct of handlers and arrays of
//! handlers; so positions follow from names, which [`opcode!`] gives. This file
//! says which families there are, which rows of `ops.rs` are in each and in which forms;
//! `handlers/dispatch.rs` fills the struct with the handlers.

use std::mem::offset_of;

use super::machine::CellHandler;
use crate::engine::Profile;
use crate::ops::{Op, for_each_group};

/// The opcode of a field of the table, or of the first handler in it.
macro_rules! opcode {
    ($field:ident) => {
        (std::mem::offset_of!($crate::register::table::Table, $field)
            / size_of::<$crate::register::machine::CellHandler>()) as u16
    };
}
pub(super) use opcode;

macro_rules! table {
    ($($field:ident: $ty:ty;)*) => {
        /// Handlers by name.
        #[repr(C)]
        pub(super) struct Table {
            $(pub(super) $field: $ty,)*
        }

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
    copy: [[CellHandler; 3]; 4];
    copy_pair: CellHandler;
    copy_vector: CellHandler;
    copy_far: CellHandler;
    constant_vector: CellHandler;
    constant: [CellHandler; 2];
    select: [CellHandler; 2];
    select_vector: CellHandler;
    clear: CellHandler;
    constants: CellHandler;
    br: CellHandler;
    br_if: [[[CellHandler; 2]; 2]; 2];
    br_table: CellHandler;
    trap: CellHandler;
    global_get: [CellHandler; 2];
    global_get_vector: CellHandler;
    global_set: [[CellHandler; 2]; 2];
    global_set_vector: CellHandler;
    ref_func: CellHandler;
    trap_if_null: CellHandler;
    fuel: CellHandler;
    poll: CellHandler;
    table_get: CellHandler;
    table_set: CellHandler;
    helper: [CellHandler; HELPER_OPS.len()];
    throw: CellHandler;
    throw_ref: CellHandler;
    exit: CellHandler;
    reload: CellHandler;
    ret: CellHandler;
    ret_one: [[CellHandler; 3]; 4];
    call: CellHandler;
    call_import: CellHandler;
    call_indirect: CellHandler;
    call_ref: CellHandler;
    return_call: CellHandler;
    return_call_import: CellHandler;
    return_call_indirect: CellHandler;
    return_call_ref: CellHandler;
    return_callee: CellHandler;
    outside: CellHandler;
    count_call: CellHandler;
    count_loop: CellHandler;
    unary: ByProfile<[[CellHandler; UNARY_FORMS]; UNARY_OPS.len()]>;
    binary: ByProfile<[[CellHandler; BINARY_FORMS]; BINARY_OPS.len()]>;
    branch: [Branches; BRANCH_OPS.len()];
    branch_and: Branches;
    count: [[CellHandler; 2]; 2];
    step: [Steps; STEP_OPS.len()];
    chain: ByProfile<[Chains; CHAIN_OPS.len()]>;
    chain_imm: [Chains; CHAIN_IMM_OPS.len()];
    load_then: ByProfile<[Chains; LOAD_THEN_OPS.len()]>;
    load: [[CellHandler; LOAD_FORMS]; LOAD_OPS.len()];
    store: [[CellHandler; STORE_FORMS]; STORE_OPS.len()];
    atomic: [CellHandler; ATOMIC_OPS.len()];
    atomic_sync: [CellHandler; SYNC_OPS.len()];
    fence: CellHandler;
    struct_get: [[CellHandler; 2]; GETS];
    struct_set: [[CellHandler; 2]; SETS];
    array_get: [CellHandler; GETS];
    array_set: [CellHandler; SETS];
    ref_unary: [CellHandler; 5];
    struct_new: CellHandler;
    aggregate: CellHandler;
    aggregate_effect: CellHandler;
    ref_test: CellHandler;
    ref_cast: CellHandler;
    br_on_cast: [CellHandler; 2];
    ref_test_desc: CellHandler;
    ref_cast_desc: CellHandler;
    vector: ByProfile<[CellHandler; PLAIN_OPS.len()]>;
    vector_scalar: [[CellHandler; SCALAR_FORMS]; SCALAR_OPS.len()];
}

/// The number of opcodes.
pub(super) const OPCODES: usize = size_of::<Table>() / size_of::<CellHandler>();

// --- rows ----------------------------------------------------------------------------------------

macro_rules! list_ops {
    ($list:ident $($group:ident {
        $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)*
    })*) => {
        pub(super) const $list: &[Op] = &[$($(Op::$op),*),*];
    };
}

for_each_group!([for_each_unary for_each_test for_each_convert for_each_convert_trapping]
    list_ops; UNARY_OPS);
for_each_group!([for_each_binary for_each_binary_trapping for_each_compare]
    list_ops; BINARY_OPS);
for_each_group!([for_each_compare] list_ops; BRANCH_OPS);
for_each_group!([for_each_load] list_ops; LOAD_OPS);
for_each_group!([for_each_store] list_ops; STORE_OPS);
for_each_group!([for_each_atomic_load for_each_atomic_store for_each_atomic_rmw
    for_each_atomic_cmpxchg] list_ops; ATOMIC_OPS);
// Vector rows, and those of wide arithmetic, that have one handler.
for_each_group!([for_each_simd_unary for_each_simd_binary for_each_simd_ternary for_each_simd_reduce
    for_each_simd_shuffle for_each_simd_extract_lane for_each_simd_load_lane
    for_each_simd_store_lane for_each_wide] list_ops; PLAIN_OPS);
// Vector rows of which one operand is a scalar.
for_each_group!([for_each_simd_shift for_each_simd_splat for_each_simd_replace_lane
    for_each_simd_load for_each_simd_store] list_ops; SCALAR_OPS);

/// Passes on the comparisons that end a counted loop.
macro_rules! for_each_step {
    ($rows:ident) => {
        $rows! {
            I32Eq
            I32Ne
            I32LtS
            I32LtU
            I32GtS
            I32GtU
            I32LeS
            I32LeU
            I32GeS
            I32GeU
        }
    };
}
pub(super) use for_each_step;

/// Passes on pairs of operations in slots, of which the second takes the result of the first.
macro_rules! for_each_chain {
    ($rows:ident) => {
        $rows! {
            I32Mul I32Add;
            F32Mul F32Add;
            F64Mul F64Add;
            F64Mul F64Sub;
        }
    };
}
pub(super) use for_each_chain;

/// Passes on pairs of integers where the second operand of the first operation is an immediate.
macro_rules! for_each_chain_imm {
    ($rows:ident) => {
        $rows! {
            I32Shl I32Add;
            I64Shl I64Xor;
            I64ShrU I64Xor;
            I64Rotl I64Mul;
        }
    };
}
pub(super) use for_each_chain_imm;

/// Passes on loads, and operations that take the loaded value.
macro_rules! for_each_load_then {
    ($rows:ident) => {
        $rows! {
            I32Load I32Add;
            I64Load I64Xor;
            F64Load F64Add;
            F64Load F64Sub;
            F64Load F64Mul;
        }
    };
}
pub(super) use for_each_load_then;

macro_rules! ops {
    ($($op:ident)*) => {
        &[$(Op::$op),*]
    };
}

macro_rules! pairs {
    ($($first:ident $second:ident;)*) => {
        &[$((Op::$first, Op::$second)),*]
    };
}

pub(super) const STEP_OPS: &[Op] = for_each_step!(ops);
pub(super) const CHAIN_OPS: &[(Op, Op)] = for_each_chain!(pairs);
pub(super) const CHAIN_IMM_OPS: &[(Op, Op)] = for_each_chain_imm!(pairs);
pub(super) const LOAD_THEN_OPS: &[(Op, Op)] = for_each_load_then!(pairs);

/// The instructions of `helpers.rs`.
pub(super) const HELPER_OPS: [Op; 12] = [
    Op::MemorySize,
    Op::MemoryGrow,
    Op::MemoryFill,
    Op::MemoryCopy,
    Op::MemoryInit,
    Op::DataDrop,
    Op::TableSize,
    Op::TableGrow,
    Op::TableFill,
    Op::TableCopy,
    Op::TableInit,
    Op::ElemDrop,
];

/// Waits and notifications.
pub(super) const SYNC_OPS: [Op; 3] = [
    Op::MemoryAtomicWait32,
    Op::MemoryAtomicWait64,
    Op::MemoryAtomicNotify,
];

/// The instructions of one operand, a reference or an i31.
pub(super) const REF_UNARY_OPS: [Op; 5] = [
    Op::RefI31,
    Op::I31GetS,
    Op::I31GetU,
    Op::ArrayLen,
    Op::RefGetDesc,
];

// --- forms ---------------------------------------------------------------------------------------

/// The forms of the operands of a unary row, in the order of its handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnaryForm {
    Slot,
    Acc,
}

/// The forms of the operands of a binary row, in the order of its handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinaryForm {
    SlotSlot,
    SlotImm,
    AccSlot,
    SlotAcc,
    AccImm,
}

pub(super) const UNARY_FORMS: usize = UnaryForm::Acc as usize + 1;
pub(super) const BINARY_FORMS: usize = BinaryForm::AccImm as usize + 1;

/// Handlers of the deterministic profile, and of the native one.
pub(super) type ByProfile<T> = [T; 2];

/// The forms of a branch: by negation, then operands.
pub(super) type Branches = [[CellHandler; BINARY_FORMS]; 2];

/// The forms of an addition and a branch: by negation, then by the second operand of the
/// comparison, a slot or an immediate.
pub(super) type Steps = [[CellHandler; 2]; 2];

/// The forms of a pair of operations: by the operand of the second operation that is the result of
/// the first one (the second operand, the first), then by the other operand (a slot, the
/// accumulator).
pub(super) type Chains = [[CellHandler; 2]; 2];

/// The forms of a load, in the order of its handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoadForm {
    Slot,
    Acc,
    Fixed,
    Wide,
}

/// The forms of a store, by address and value, in the order of its handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreForm {
    SlotSlot,
    SlotImm,
    AccSlot,
    SlotAcc,
    AccImm,
    FixedSlot,
    FixedAcc,
    FixedImm,
    Wide,
}

impl LoadForm {
    /// The same form of a load of a vector, if that has it.
    fn of_vector(self) -> Option<ScalarForm> {
        match self {
            LoadForm::Slot => Some(ScalarForm::Slot),
            LoadForm::Acc => Some(ScalarForm::Acc),
            LoadForm::Wide => Some(ScalarForm::ImmOrWide),
            LoadForm::Fixed => None,
        }
    }
}

impl StoreForm {
    /// The same form of a store of a vector, if that has it.
    fn of_vector(self) -> Option<ScalarForm> {
        match self {
            StoreForm::SlotSlot => Some(ScalarForm::Slot),
            StoreForm::AccSlot => Some(ScalarForm::Acc),
            StoreForm::Wide => Some(ScalarForm::ImmOrWide),
            StoreForm::SlotImm
            | StoreForm::SlotAcc
            | StoreForm::AccImm
            | StoreForm::FixedSlot
            | StoreForm::FixedAcc
            | StoreForm::FixedImm => None,
        }
    }
}

pub(super) const LOAD_FORMS: usize = LoadForm::Wide as usize + 1;
pub(super) const STORE_FORMS: usize = StoreForm::Wide as usize + 1;

/// The forms of the scalar operand of a row, in the order of its handlers; the last one of
/// an access is to any memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarForm {
    Slot,
    Acc,
    ImmOrWide,
}

pub(super) const SCALAR_FORMS: usize = ScalarForm::ImmOrWide as usize + 1;

/// The number of forms that write a field: by the logarithm of the width.
pub(super) const SETS: usize = 5;
/// The number of forms that read a field: by the logarithm of the width, then those that extend the
/// sign, then f64.
pub(super) const GETS: usize = SETS + 3;

/// In field `a` of a helper's cell: it has a result, for the slot in the last field.
pub(super) const HAS_RESULT: u16 = 1 << 2;
/// In field `a` of a helper's cell: its result is an i32.
pub(super) const IS_NARROW: u16 = 1 << 3;

/// Cells of every calling instruction: its arguments' first slot is in `a` and `b`.
pub(super) const CALL_CELLS: usize = 2;

// --- code that belongs to no function ------------------------------------------------------------

/// Leaves the machine: where the frame of an entry from outside goes on.
pub(super) static EXIT: [u64; 1] = [opcode!(exit) as u64];
/// Switches back to the instance of the caller, and goes on there.
pub(super) static RELOAD: [u64; 1] = [opcode!(reload) as u64];
/// The code of a function that is called outside of the tier.
pub(super) static OUTSIDE: [u64; 2] = [0, opcode!(outside) as u64];
/// Tail-calls the function in the accumulator.
pub(super) static TAIL_CALL: [u64; 1] = [opcode!(return_callee) as u64];

// --- opcodes -------------------------------------------------------------------------------------

/// No row.
const NONE: u16 = u16::MAX;

/// The handlers of a list of opcodes, which must have the same order.
pub(super) const fn by_op<const N: usize>(
    order: [Op; N],
    handlers: [(Op, CellHandler); N],
) -> [CellHandler; N] {
    let mut in_order = [handlers[0].1; N];
    let mut i = 0;
    while i < N {
        assert!(order[i] as u16 == handlers[i].0 as u16, "the lists differ");
        in_order[i] = handlers[i].1;
        i += 1;
    }
    in_order
}

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

/// The number of a row in a profile, among `rows` in each.
fn row_in(profile: Profile, row: u16, rows: usize) -> u16 {
    profile as u16 * rows as u16 + row
}

/// The opcode of a unary row.
pub(super) fn unary(op: Op, form: UnaryForm, profile: Profile) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(UNARY_OPS);
    let row = row_in(profile, row(&ROWS, op)?, UNARY_OPS.len());
    Some(opcode!(unary) + row * UNARY_FORMS as u16 + form as u16)
}

/// The opcode of a binary row.
pub(super) fn binary(op: Op, form: BinaryForm, profile: Profile) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(BINARY_OPS);
    let row = row_in(profile, row(&ROWS, op)?, BINARY_OPS.len());
    Some(opcode!(binary) + row * BINARY_FORMS as u16 + form as u16)
}

/// The opcodes of a branch on a comparison, or on `i32.and`, and of its negation.
pub(super) fn branch(op: Op, form: BinaryForm) -> Option<[u16; 2]> {
    static ROWS: [u16; Op::ALL.len()] = rows(BRANCH_OPS);
    let first = if op == Op::I32And {
        opcode!(branch_and)
    } else {
        opcode!(branch) + row(&ROWS, op)? * 2 * BINARY_FORMS as u16
    };
    Some([0, BINARY_FORMS as u16].map(|negation| first + negation + form as u16))
}

/// The opcodes of an addition and a branch on its result, and of the negation.
pub(super) fn count(is64: bool) -> [u16; 2] {
    let first = opcode!(count) + u16::from(is64) * 2;
    [first, first + 1]
}

/// The opcode of an addition and a branch on a comparison of its result.
pub(super) fn step(op: Op, immediate: bool, negated: bool) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(STEP_OPS);
    let form = u16::from(negated) * 2 + u16::from(immediate);
    Some(opcode!(step) + row(&ROWS, op)? * 4 + form)
}

/// The opcode of a load or operation and an operation on its result. `form` is true where the first
/// operation's second operand is an immediate, the result is the first operand of the second one,
/// the other operand is in the accumulator.
pub(super) fn chain(ops: (Op, Op), form: (bool, bool, bool), profile: Profile) -> Option<u16> {
    let (imm, first, in_acc) = form;
    let find = |rows: &[(Op, Op)]| Some(rows.iter().position(|&row| row == ops)? as u16);
    let (opcode, row) = if imm {
        (opcode!(chain_imm), find(CHAIN_IMM_OPS)?)
    } else if let Some(row) = find(CHAIN_OPS) {
        (opcode!(chain), row_in(profile, row, CHAIN_OPS.len()))
    } else {
        let row = find(LOAD_THEN_OPS)?;
        (
            opcode!(load_then),
            row_in(profile, row, LOAD_THEN_OPS.len()),
        )
    };
    Some(opcode + row * 4 + u16::from(first) * 2 + u16::from(in_acc))
}

/// The opcode of a load. That of a vector has fewer forms.
pub(super) fn load(op: Op, form: LoadForm) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(LOAD_OPS);
    let Some(row) = row(&ROWS, op) else {
        return vector_scalar(op, form.of_vector()?);
    };
    Some(opcode!(load) + row * LOAD_FORMS as u16 + form as u16)
}

/// The opcode of a store. That of a vector has fewer forms.
pub(super) fn store(op: Op, form: StoreForm) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(STORE_OPS);
    let Some(row) = row(&ROWS, op) else {
        return vector_scalar(op, form.of_vector()?);
    };
    Some(opcode!(store) + row * STORE_FORMS as u16 + form as u16)
}

/// The opcode of an atomic access, wait or notification.
pub(super) fn atomic(op: Op) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(ATOMIC_OPS);
    static SYNC_ROWS: [u16; Op::ALL.len()] = rows(&SYNC_OPS);
    let access = row(&ROWS, op).map(|row| opcode!(atomic) + row);
    access.or_else(|| Some(opcode!(atomic_sync) + row(&SYNC_ROWS, op)?))
}

/// The opcode of a vector row, or one of wide arithmetic, that has one handler.
pub(super) fn vector(op: Op, profile: Profile) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(PLAIN_OPS);
    Some(opcode!(vector) + row_in(profile, row(&ROWS, op)?, PLAIN_OPS.len()))
}

/// The opcode of a vector row with a scalar operand.
pub(super) fn vector_scalar(op: Op, form: ScalarForm) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(SCALAR_OPS);
    Some(opcode!(vector_scalar) + row(&ROWS, op)? * SCALAR_FORMS as u16 + form as u16)
}

/// The opcode of a helper.
pub(super) fn helper(op: Op) -> Option<u16> {
    static ROWS: [u16; Op::ALL.len()] = rows(&HELPER_OPS);
    Some(opcode!(helper) + row(&ROWS, op)?)
}

const _: () = assert!(OPCODES < NONE as usize && offset_of!(Table, copy) == 0);
