//! The machine that handlers run on: its registers, the end of a handler, the sources of operands.
//!
//! # Code
//! A function's code is an array of 8-byte cells. The first is the size of its frame in bytes; at
//! the second, execution begins. A cell is an opcode and three fields of 16 bits, `{op, a, b, c}`;
//! some opcodes take further cells. Opcodes index `table.rs`.
//!
//! # Registers
//! Every handler has the signature [`CellHandler`], whose arguments stay in machine registers: `ip`
//! the cell at hand, `fp` slot 0 of the frame, memory 0 as base and length, the instance, and two
//! accumulators. The result of an instruction is written to its slot *and* left in an accumulator:
//! f64 in `facc`, everything else in `acc`. An instruction without a result keeps both; so does one
//! for the accumulator of the other kind. Slots are always valid; accumulators only save reads.
//!
//! # Dispatch
//! A handler ends by calling the next one as its last act. Release builds make a jump of that, as
//! all signatures are the same and no handler has a local whose address escapes; slow paths are out
//! of line for that reason. Debug builds return the registers to a loop instead: [`Flow`].

use crate::numeric::Slot;
use crate::trap::TrapKind;
use crate::vm::{Cx, Exit, Vm};

/// A position in code.
pub(super) type Ip = *const u64;

/// The function that executes a cell.
///
/// # Safety
/// `ip` points to a cell of the handler's opcode in finished code, `fp` to a frame with room for
/// what that code names, `mem` and `len` are memory 0 of `vm`, which is alive.
pub(super) type CellHandler =
    unsafe extern "C" fn(Ip, *mut u64, *mut u8, usize, *mut Vm, u64, f64) -> Flow;

/// The arguments of a handler.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Regs {
    pub(super) ip: Ip,
    pub(super) fp: *mut u64,
    pub(super) mem: *mut u8,
    pub(super) len: usize,
    pub(super) vm: *mut Vm,
    pub(super) acc: u64,
    pub(super) facc: f64,
}

/// The end of a handler.
#[cfg(not(debug_assertions))]
pub(super) type Flow = Exit;

/// The end of a handler: it goes on with the registers, or leaves the machine.
#[cfg(debug_assertions)]
#[derive(Debug)]
#[repr(C)]
pub(super) struct Flow {
    pub(super) regs: Regs,
    pub(super) exit: Exit,
    pub(super) is_running: bool,
}

/// Defines handlers: functions of the registers `r`, in the signature [`CellHandler`]. The
/// parameters of a family are types and, behind a semicolon, a truth value.
macro_rules! handlers {
    ($(
        $(#[$meta:meta])*
        fn $name:ident $(<$($g:ident: $bound:path),* $(; $flag:ident)?>)?($r:ident) $body:block
    )*) => { $(
        $(#[$meta])*
        #[allow(unused_mut, unused_unsafe, reason = "not every handler needs it")]
        pub(super) unsafe extern "C" fn $name $(<$($g: $bound,)* $(const $flag: bool)?>)? (
            ip: $crate::register::machine::Ip,
            fp: *mut u64,
            mem: *mut u8,
            len: usize,
            vm: *mut $crate::vm::Vm,
            acc: u64,
            facc: f64,
        ) -> $crate::register::machine::Flow {
            let mut $r = $crate::register::machine::Regs { ip, fp, mem, len, vm, acc, facc };
            // SAFETY: the contract of `CellHandler`: the fuser wrote the cell, so its fields name
            // slots inside the frame and indices that validation has checked.
            unsafe { $body }
        }
    )* };
}
pub(super) use handlers;

/// The value of a result; a trap ends execution.
macro_rules! or_trap {
    ($r:ident, $result:expr) => {
        match $result {
            Ok(value) => value,
            Err(kind) => return $r.trap(kind),
        }
    };
}
pub(super) use or_trap;

/// The handlers of a family for every choice of its parameters, in arrays by the lists of choices:
/// `forms!(handler [given] [first] [second] ..)`.
macro_rules! forms {
    ($handler:ident [$($given:tt)*]) => { $handler::<$($given)*> };
    ($handler:ident $given:tt [$($choice:tt)*] $($lists:tt)*) => {
        forms!(@each $handler $given [$($choice)*] [$($lists)*])
    };
    (@each $handler:ident $given:tt [$($choice:tt)*] $lists:tt) => {
        [$(forms!(@with $handler $given $choice $lists)),*]
    };
    (@with $handler:ident [$($given:tt)*] $choice:tt [$($lists:tt)*]) => {
        forms!($handler [$($given)* $choice,] $($lists)*)
    };
}
pub(super) use forms;

impl Regs {
    /// Field 1 to 3 of the cell.
    ///
    /// # Safety
    /// As for [`CellHandler`]; so for all methods here.
    #[inline(always)]
    pub(super) unsafe fn field(&self, n: usize) -> u16 {
        // SAFETY: a cell has four fields.
        unsafe { *self.ip.cast::<u16>().add(n) }
    }

    /// Fields `n` and `n + 1` as one number.
    #[inline(always)]
    pub(super) unsafe fn field32(&self, n: usize) -> u32 {
        // SAFETY: a cell has four fields.
        unsafe { self.ip.cast::<u16>().add(n).cast::<u32>().read_unaligned() }
    }

    /// A further cell of the instruction.
    #[inline(always)]
    pub(super) unsafe fn cell(&self, n: usize) -> u64 {
        // SAFETY: the opcode has that many cells.
        unsafe { *self.ip.add(n) }
    }

    /// The slot that a field names.
    #[inline(always)]
    pub(super) unsafe fn slot(&self, n: usize) -> *mut u64 {
        // SAFETY: fields name slots of the frame.
        unsafe { self.fp.add(usize::from(self.field(n))) }
    }

    /// Writes a result to the slot that a field names, and to its accumulator.
    #[inline(always)]
    pub(super) unsafe fn set<T: AccValue>(&mut self, n: usize, value: T) {
        // SAFETY: fields name slots of the frame.
        unsafe { *self.slot(n) = value.into_slot() };
        value.accumulate(self);
    }

    /// Puts the value of a slot into both accumulators.
    #[inline(always)]
    pub(super) unsafe fn take_result(&mut self, slot: *const u64) {
        // SAFETY: the caller names a slot of the value stack.
        self.acc = unsafe { *slot };
        self.facc = f64::from_bits(self.acc);
    }

    /// Goes on in another handler for the same cell.
    #[inline(always)]
    pub(super) unsafe fn handle(self, handler: CellHandler) -> Flow {
        let Regs {
            ip,
            fp,
            mem,
            len,
            vm,
            ..
        } = self;
        // SAFETY: the caller's contract.
        unsafe { handler(ip, fp, mem, len, vm, self.acc, self.facc) }
    }

    /// Leaves the machine.
    #[cfg(not(debug_assertions))]
    #[inline(always)]
    pub(super) fn exit(self, exit: Exit) -> Flow {
        exit
    }

    /// Leaves the machine.
    #[cfg(debug_assertions)]
    pub(super) fn exit(self, exit: Exit) -> Flow {
        Flow {
            regs: self,
            exit,
            is_running: false,
        }
    }

    /// Leaves the machine with a trap of the instruction at hand.
    #[inline(always)]
    pub(super) unsafe fn trap(self, kind: TrapKind) -> Flow {
        // SAFETY: `vm` is alive.
        unsafe { self.fail(kind as Exit) }
    }

    /// Leaves the machine with the exit code that the instruction at hand has ended with.
    #[inline(always)]
    pub(super) unsafe fn fail(self, exit: Exit) -> Flow {
        // SAFETY: `vm` is alive.
        let exit = unsafe { trapped(self.vm, self.ip, exit) };
        self.exit(exit)
    }

    /// The execution context.
    #[inline(always)]
    pub(super) unsafe fn cx(&self) -> *mut Cx {
        // SAFETY: `vm` is alive.
        unsafe { (*self.vm).cx }
    }

    /// Reads base and length of memory 0 again, which may have grown or be another instance's.
    #[inline(always)]
    pub(super) unsafe fn reload(&mut self) {
        // SAFETY: `vm` is alive, and memories live as long as their store.
        unsafe {
            let memory = (*self.vm).memory0;
            if memory.is_null() {
                (self.mem, self.len) = (std::ptr::null_mut(), 0);
            } else {
                (self.mem, self.len) = ((*memory).base, (*memory).len_bytes);
            }
        }
    }
}

/// Notes that execution has ended at the instruction of a cell; gives its exit code.
#[cold]
#[inline(never)]
pub(super) unsafe fn trapped(vm: *mut Vm, ip: Ip, exit: Exit) -> Exit {
    // SAFETY: the caller's `vm` is alive.
    unsafe { ended(vm, ip.wrapping_add(1), exit) }
}

/// Notes that execution has ended before a cell, or in a function whose frame a tail call has given
/// up if that is null.
#[cold]
#[inline(never)]
pub(super) unsafe fn ended(vm: *mut Vm, ip: Ip, exit: Exit) -> Exit {
    // SAFETY: the caller's `vm` is alive.
    unsafe {
        let cx = (*vm).cx;
        ((*cx).trap_pc, (*cx).trap_vm) = (ip as usize, vm);
    }
    exit
}

/// A value that an accumulator holds.
pub(super) trait AccValue: Slot {
    /// The value in its accumulator.
    fn accumulated(regs: &Regs) -> Self;
    /// Puts the value into its accumulator.
    fn accumulate(self, regs: &mut Regs);
    /// The value of an immediate field.
    fn immediate(field: i16) -> Self;
}

macro_rules! values {
    ($($ty:ty: $field:ident => $immediate:expr;)*) => { $(
        impl AccValue for $ty {
            #[inline(always)]
            fn accumulated(regs: &Regs) -> $ty {
                Slot::from_slot(regs.acc)
            }
            #[inline(always)]
            fn accumulate(self, regs: &mut Regs) {
                regs.acc = self.into_slot();
            }
            #[inline(always)]
            fn immediate($field: i16) -> $ty {
                $immediate
            }
        }
    )* };
}

values! {
    u32: field => i32::from(field) as u32;
    u64: field => i64::from(field) as u64;
    f32: field => f32::from(field);
    bool: field => field != 0;
}

impl AccValue for f64 {
    #[inline(always)]
    fn accumulated(regs: &Regs) -> f64 {
        regs.facc
    }
    #[inline(always)]
    fn accumulate(self, regs: &mut Regs) {
        regs.facc = self;
    }
    #[inline(always)]
    fn immediate(field: i16) -> f64 {
        f64::from(field)
    }
}

/// The source of an operand.
pub(super) trait OperandSource {
    /// The operand that field `n` describes.
    ///
    /// # Safety
    /// As for [`CellHandler`].
    unsafe fn get<T: AccValue>(regs: &Regs, n: usize) -> T;
}

/// The slot that the field names.
pub(super) struct InSlot;
/// The accumulator; the field has no meaning.
pub(super) struct InAcc;
/// The field itself, signed.
pub(super) struct Immediate;

impl OperandSource for InSlot {
    #[inline(always)]
    unsafe fn get<T: AccValue>(regs: &Regs, n: usize) -> T {
        // SAFETY: the caller's contract.
        T::from_slot(unsafe { *regs.slot(n) })
    }
}

impl OperandSource for InAcc {
    #[inline(always)]
    unsafe fn get<T: AccValue>(regs: &Regs, _: usize) -> T {
        T::accumulated(regs)
    }
}

impl OperandSource for Immediate {
    #[inline(always)]
    unsafe fn get<T: AccValue>(regs: &Regs, n: usize) -> T {
        // SAFETY: the caller's contract.
        T::immediate(unsafe { regs.field(n) } as i16)
    }
}
