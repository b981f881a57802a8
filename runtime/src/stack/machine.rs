//! The abstract machine of the stack tier: its registers, the one signature of all handlers, and
//! the dispatch from one handler to the next.
//!
//! # Code
//! A function's code is a row of 64-bit cells: the address of a handler, then its immediates, then
//! the next handler. A handler is entered with `ip` behind its own cell, takes its immediates, and
//! ends in a call of the next handler, of which the compiler makes a jump (release builds; a test
//! on a small native stack checks that). In builds with debug assertions [`Machine::next`] leaves
//! the registers in [`PENDING`] instead, and returns to the loop in `run`.
//!
//! # Registers
//! The operand stack is counted in slots. Its top slot is in `acc`, the others are in memory below
//! `sp`: with operands `e1 .. eh` above the locals, `eh` is in `acc`, `ei` at `bottom + i`, and
//! `sp` is `bottom + h`. So `push` writes `acc` to `*sp` and `pop` reads it from there, empty stack
//! or not: the slot at `bottom` holds no operand and absorbs both. Stack heights are static, hence
//! locals are found by their distance from `sp`, without a frame pointer.
//!
//! `base` and `len` are those of memory 0 of the running instance; code that may have grown a
//! memory or changed the instance loads them anew.
//!
//! # Safety
//! Handlers run only code that this tier has translated from a validated module, on a live store:
//! `ip` is in such code, `sp` inside the value stack with the room that the function's call has
//! checked, `vm` the running instance. That is what every `unsafe` block of a handler relies on.

use crate::trap::TrapKind;
use crate::vm::{Cx, Exit, Vm};

/// The signature of all handlers: the machine's registers, each in a register of the host.
pub(super) type StackHandler = unsafe extern "C" fn(
    ip: *const u64,
    sp: *mut u64,
    base: *mut u8,
    len: usize,
    vm: *mut Vm,
    acc: u64,
) -> Exit;

/// Defines handlers. A body works on the machine, and ends in a call of `next`, of another handler
/// or of `trap`.
macro_rules! handlers {
    ($(
        $(#[$meta:meta])*
        fn $name:ident $(<$g:ident: $bound:ident>)? ($m:ident) $body:block
    )*) => { $(
        $(#[$meta])*
        pub(in crate::stack) unsafe extern "C" fn $name $(<$g: $bound>)? (
            ip: *const u64,
            sp: *mut u64,
            base: *mut u8,
            len: usize,
            vm: *mut $crate::vm::Vm,
            acc: u64,
        ) -> $crate::vm::Exit {
            #[allow(unused_mut, reason = "some handlers change no register")]
            let mut $m = $crate::stack::machine::Machine { ip, sp, base, len, vm, acc };
            // SAFETY: the machine's invariants, see the head of `machine.rs`.
            unsafe { $body }
        }
    )* };
}
pub(super) use handlers;

/// The value of a result; a trap ends execution.
macro_rules! or_trap {
    ($m:ident, $result:expr) => {
        match $result {
            Ok(value) => value,
            Err(kind) => return $m.trap(kind),
        }
    };
}
pub(super) use or_trap;

/// Notes a result that is open (`choice.rs`).
#[inline(always)]
pub(super) unsafe fn note(m: &Machine, result: &impl super::choice::Choice) {
    if result.is_open() {
        // SAFETY: the machine's instance is live while it runs, and so is what belongs to it.
        unsafe { (*(*m.vm).cx).choices += 1 };
    }
}

/// Notes nothing: the deterministic profile leaves nothing open.
#[inline(always)]
pub(super) unsafe fn determined<T>(_: &Machine, _: &T) {}

/// The registers. They live in registers of the host: handlers are compiled so that no `Machine`
/// is ever in memory.
#[derive(Clone, Copy)]
pub(super) struct Machine {
    /// The next cell to read.
    pub(super) ip: *const u64,
    /// The slot that the next push spills `acc` to.
    pub(super) sp: *mut u64,
    /// Byte 0 of memory 0.
    pub(super) base: *mut u8,
    /// Length of memory 0 in bytes.
    pub(super) len: usize,
    /// The running instance.
    pub(super) vm: *mut Vm,
    /// The top slot of the operand stack.
    pub(super) acc: u64,
}

#[cfg(debug_assertions)]
thread_local! {
    /// The registers between two handlers, where handlers do not call each other.
    static PENDING: std::cell::Cell<Option<Machine>> = const { std::cell::Cell::new(None) };
}

/// The result of a handler that has left the registers in `PENDING`.
#[cfg(debug_assertions)]
const CONTINUE: Exit = Exit::MAX - 1;

impl Machine {
    /// Goes on with the handler at `ip`.
    #[cfg(not(debug_assertions))]
    #[inline(always)]
    pub(super) unsafe fn next(self) -> Exit {
        // SAFETY: the machine's invariants.
        unsafe { self.dispatch() }
    }

    /// Goes on with the handler at `ip`.
    #[cfg(debug_assertions)]
    pub(super) unsafe fn next(self) -> Exit {
        PENDING.set(Some(self));
        CONTINUE
    }

    /// Runs from `ip` until the outermost call that is under way ends.
    pub(super) unsafe fn run(self) -> Exit {
        #[allow(unused_mut, reason = "it changes where there is a loop")]
        // SAFETY: the machine's invariants.
        let mut exit = unsafe { self.dispatch() };
        #[cfg(debug_assertions)]
        while exit == CONTINUE {
            let machine = PENDING
                .take()
                .expect("a handler that continues leaves them");
            // SAFETY: the machine's invariants.
            exit = unsafe { machine.dispatch() };
        }
        exit
    }

    #[inline(always)]
    unsafe fn dispatch(mut self) -> Exit {
        // SAFETY: where an instruction begins, the cell holds the address of a handler.
        unsafe {
            let handler: StackHandler = std::mem::transmute(self.take() as usize as *const ());
            handler(self.ip, self.sp, self.base, self.len, self.vm, self.acc)
        }
    }

    /// Takes the next immediate.
    #[inline(always)]
    pub(super) unsafe fn take(&mut self) -> u64 {
        // SAFETY: the translator has put as many immediates as the handler takes.
        unsafe {
            let cell = *self.ip;
            self.ip = self.ip.add(1);
            cell
        }
    }

    /// Jumps by the immediate at `ip`: a distance in bytes from its own cell.
    #[inline(always)]
    pub(super) unsafe fn jump(&mut self) {
        // SAFETY: branch targets are instructions of the same function.
        unsafe { self.ip = self.ip.byte_offset(*self.ip as isize) };
    }

    /// Jumps by the immediate at `ip` if the branch is taken, else goes on behind it.
    #[inline(always)]
    pub(super) unsafe fn branch(mut self, is_taken: bool) -> Exit {
        // SAFETY: the machine's invariants.
        unsafe {
            if is_taken {
                self.jump();
                self.next()
            } else {
                self.ip = self.ip.add(1);
                self.next()
            }
        }
    }

    /// Writes the top slot to memory: `sp` is then behind all operands.
    #[inline(always)]
    pub(super) unsafe fn spill(&mut self) {
        // SAFETY: the function's call has checked room for its highest stack.
        unsafe {
            *self.sp = self.acc;
            self.sp = self.sp.add(1);
        }
    }

    /// Pushes one slot.
    #[inline(always)]
    pub(super) unsafe fn push(&mut self, slot: u64) {
        // SAFETY: as for `spill`.
        unsafe { self.spill() };
        self.acc = slot;
    }

    /// Pops one slot.
    #[inline(always)]
    pub(super) unsafe fn pop(&mut self) -> u64 {
        let top = self.acc;
        // SAFETY: validated code pops what it has pushed; the slot below holds no operand, but
        // belongs to the frame.
        unsafe { self.drop_slots(1) };
        top
    }

    /// Pops `n` slots.
    #[inline(always)]
    pub(super) unsafe fn drop_slots(&mut self, n: usize) {
        // SAFETY: as for `pop`.
        unsafe {
            self.sp = self.sp.sub(n);
            self.acc = *self.sp;
        }
    }

    /// The local that the next immediate gives, as its (negative) distance in bytes from `sp`.
    #[inline(always)]
    pub(super) unsafe fn take_local(&mut self) -> *mut u64 {
        // SAFETY: the translator gives distances within the frame.
        unsafe { self.sp.byte_offset(self.take() as isize) }
    }

    /// The store's context.
    #[inline(always)]
    pub(super) unsafe fn cx(&self) -> *mut Cx {
        // SAFETY: `vm` is live.
        unsafe { (*self.vm).cx }
    }

    /// Loads the registers of memory 0 of the running instance.
    #[inline(always)]
    pub(super) unsafe fn load_memory(&mut self) {
        // SAFETY: `vm` is live; its memory is null if it has none.
        match unsafe { (*self.vm).memory0.as_ref() } {
            Some(memory) => (self.base, self.len) = (memory.base, memory.len_bytes),
            None => (self.base, self.len) = (std::ptr::null_mut(), 0),
        }
    }

    /// Ends execution with a trap.
    #[inline(always)]
    pub(super) unsafe fn trap(self, kind: TrapKind) -> Exit {
        // SAFETY: the machine's invariants.
        unsafe { trap(self.ip, self.vm, kind as u64) }
    }

    /// Goes on if `exit` says that nothing has failed, else ends execution with it.
    #[inline(always)]
    pub(super) unsafe fn next_unless(self, exit: Exit) -> Exit {
        // SAFETY: the machine's invariants.
        unsafe {
            if exit == crate::vm::EXIT_OK {
                self.next()
            } else {
                trap(self.ip, self.vm, exit.into())
            }
        }
    }
}

/// Notes that execution has ended in a function whose frame a tail call has given up.
pub(super) unsafe fn trap_in_caller(vm: *mut Vm, code: Exit) -> Exit {
    // SAFETY: the machine's invariants.
    unsafe { trap(std::ptr::null(), vm, code.into()) }
}

/// Notes where execution has ended. (The code is wider than what is returned: were they the same
/// value, the compiler would keep it across a call rather than jump here.)
#[cold]
#[inline(never)]
unsafe extern "C" fn trap(ip: *const u64, vm: *mut Vm, code: u64) -> Exit {
    // SAFETY: the machine's invariants.
    unsafe { (*(*vm).cx).trap_pc = ip as usize };
    code as Exit
}
