//! The handlers of all cells in one table, and the dispatch from one to the next.

use super::atomic::{self, ATOMIC, SYNC};
use super::call::{self, RET_ONE};
use super::control::{self, BR_IF, CONSTANT, COPY, GLOBAL_GET, GLOBAL_SET, HELPER, SELECT};
use super::gc::{self, ARRAY_GET, ARRAY_SET, BR_ON_CAST, REF_UNARY, STRUCT_GET, STRUCT_SET};
use super::memory::{LOAD, LOAD_THEN, STORE};
use super::numeric::{BINARY, BRANCH, BRANCH_AND, CHAIN, CHAIN_IMM, COUNT, STEP, UNARY};
use super::simd::{PLAIN, SCALARS};
use super::{promote, unwind};
use crate::register::machine::{CellHandler, Flow, Ip, Regs};
use crate::register::table::Table;
#[cfg(debug_assertions)]
use crate::vm::EXIT_OK;
use crate::vm::Exit;

static TABLE: Table = Table {
    copy: COPY,
    copy_pair: control::copy_pair,
    copy_vector: control::copy_vector,
    copy_far: control::copy_far,
    constant_vector: control::constant_vector,
    constant: CONSTANT,
    select: SELECT,
    select_vector: control::select_vector,
    clear: control::clear,
    constants: control::constants,
    br: control::br,
    br_if: BR_IF,
    br_table: control::br_table,
    trap: control::trap,
    global_get: GLOBAL_GET,
    global_get_vector: control::global_get_vector,
    global_set: GLOBAL_SET,
    global_set_vector: control::global_set_vector,
    ref_func: control::ref_func,
    trap_if_null: control::trap_if_null,
    fuel: control::fuel,
    poll: control::poll,
    table_get: control::table_get,
    table_set: control::table_set,
    helper: HELPER,
    throw: unwind::throw,
    throw_ref: unwind::throw_ref,
    exit: call::exit,
    reload: call::reload,
    ret: call::ret,
    ret_one: RET_ONE,
    call: call::call,
    call_import: call::call_import::<false>,
    call_indirect: call::call_indirect::<false>,
    call_ref: call::call_ref::<false>,
    return_call: call::return_call,
    return_call_import: call::call_import::<true>,
    return_call_indirect: call::call_indirect::<true>,
    return_call_ref: call::call_ref::<true>,
    return_callee: call::return_call_func,
    outside: promote::outside,
    count_call: promote::count_call,
    count_loop: promote::count_loop,
    unary: UNARY,
    binary: BINARY,
    branch: BRANCH,
    branch_and: BRANCH_AND,
    count: COUNT,
    step: STEP,
    chain: CHAIN,
    chain_imm: CHAIN_IMM,
    load_then: LOAD_THEN,
    load: LOAD,
    store: STORE,
    atomic: ATOMIC,
    atomic_sync: SYNC,
    fence: atomic::fence,
    struct_get: STRUCT_GET,
    struct_set: STRUCT_SET,
    array_get: ARRAY_GET,
    array_set: ARRAY_SET,
    ref_unary: REF_UNARY,
    struct_new: gc::struct_new,
    aggregate: gc::aggregate,
    aggregate_effect: gc::aggregate_effect,
    ref_test: gc::ref_test,
    ref_cast: gc::ref_cast,
    br_on_cast: BR_ON_CAST,
    ref_test_desc: gc::ref_test_desc,
    ref_cast_desc: gc::ref_cast_desc,
    vector: PLAIN,
    vector_scalar: SCALARS,
};

/// The opcodes that tests have executed, at the limits of the format and at lower ones.
#[cfg(all(test, debug_assertions))]
pub(in crate::register) static EXECUTED: [[std::sync::atomic::AtomicBool;
    crate::register::table::OPCODES]; 2] = [const {
    [const { std::sync::atomic::AtomicBool::new(false) }; crate::register::table::OPCODES]
}; 2];

/// The handler of an opcode.
///
/// # Safety
/// The opcode must be less than [`OPCODES`](crate::register::table::OPCODES).
#[inline(always)]
unsafe fn handler(opcode: u16) -> CellHandler {
    // SAFETY: the table consists of handlers only, of which there are `OPCODES`.
    unsafe {
        *(&raw const TABLE)
            .cast::<CellHandler>()
            .add(usize::from(opcode))
    }
}

impl Regs {
    /// Goes on `cells` further.
    #[inline(always)]
    pub(in crate::register) unsafe fn next(self, cells: usize) -> Flow {
        // SAFETY: the instruction has that many cells, and another one follows.
        unsafe { self.goto(self.ip.add(cells)) }
    }

    /// Goes on at a distance in cells.
    #[inline(always)]
    pub(in crate::register) unsafe fn jump(self, cells: i32) -> Flow {
        // SAFETY: branches lead to instructions of the same function.
        unsafe { self.goto(self.ip.offset(cells as isize)) }
    }

    /// Goes on at `ip`.
    #[cfg(not(debug_assertions))]
    #[inline(always)]
    pub(in crate::register) unsafe fn goto(self, ip: Ip) -> Flow {
        // SAFETY: `ip` is at an instruction, whose first field is an opcode of the table.
        unsafe {
            let handler = handler(*ip.cast::<u16>());
            let Regs {
                fp, mem, len, vm, ..
            } = self;
            handler(ip, fp, mem, len, vm, self.acc, self.facc)
        }
    }

    /// Goes on at `ip`.
    #[cfg(debug_assertions)]
    pub(in crate::register) unsafe fn goto(self, ip: Ip) -> Flow {
        Flow {
            regs: Regs { ip, ..self },
            exit: EXIT_OK,
            is_running: true,
        }
    }

    /// Runs from the registers' `ip` until the machine is left.
    ///
    /// # Safety
    /// As for [`CellHandler`].
    #[cfg(not(debug_assertions))]
    pub(in crate::register) unsafe fn run(self) -> Exit {
        // SAFETY: the caller's contract.
        unsafe { self.goto(self.ip) }
    }

    /// Runs from the registers' `ip` until the machine is left.
    ///
    /// # Safety
    /// As for [`CellHandler`].
    #[cfg(debug_assertions)]
    pub(in crate::register) unsafe fn run(self) -> Exit {
        let mut regs = self;
        loop {
            #[cfg(test)]
            {
                // SAFETY: the caller's contract.
                let opcode = unsafe { *regs.ip.cast::<u16>() };
                EXECUTED[usize::from(crate::register::fuse::limits::are_lower())]
                    [usize::from(opcode)]
                .store(true, std::sync::atomic::Ordering::Relaxed);
            }
            // SAFETY: the caller's contract, and that every handler leaves the registers as the
            // next one wants them.
            let flow = unsafe { regs.handle(handler(*regs.ip.cast::<u16>())) };
            if !flow.is_running {
                return flow.exit;
            }
            regs = flow.regs;
        }
    }
}
