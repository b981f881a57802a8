//! The table of runtime functions that compiled code calls: what is not worth inline code.
//!
//! A row is `Variant returns function`. Every function takes the instance's `Vm` first, then what
//! the instruction lists, all in general registers (the C calling convention of the host). The list
//! is short on purpose: a function of the JIT tier is machine code, not a chain of calls.

use super::code::unwind;
use crate::helpers;
use crate::ops::Op;
use crate::store::{StoreData, aggregate, collect};
use crate::types::TypeId;
use crate::vm::{Cx, Exit, GcHeader, Vm};

/// What a helper gives back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Returns {
    /// Nothing.
    Nothing,
    /// A value in one register.
    Value,
    /// An exit code; anything but [`EXIT_OK`] is a trap.
    Exit,
    /// A value of 32 bits, and an exit code in the upper half.
    ValueOrExit,
}

macro_rules! helpers {
    ($($variant:ident $returns:ident $function:path;)*) => {
        /// A function of the runtime.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u32)]
        #[expect(missing_docs, reason = "the names are those of the instructions")]
        pub enum Helper { $($variant),* }

        impl Helper {
            /// All helpers, at the index of their discriminants.
            pub const ALL: &'static [Helper] = &[$(Helper::$variant),*];

            /// What it gives back.
            pub fn returns(self) -> Returns {
                match self { $(Helper::$variant => Returns::$returns),* }
            }

            /// Its address in this process.
            pub fn address(self) -> usize {
                match self { $(Helper::$variant => $function as *const () as usize),* }
            }
        }
    };
}

helpers! {
    MemoryGrow Value helpers::memory_grow;
    MemoryFill Exit helpers::memory_fill;
    MemoryCopy Exit helpers::memory_copy;
    MemoryInit Exit helpers::memory_init;
    DataDrop Nothing helpers::data_drop;
    TableGrow Value helpers::table_grow;
    TableFill Exit helpers::table_fill;
    TableCopy Exit helpers::table_copy;
    TableInit Exit helpers::table_init;
    ElemDrop Nothing helpers::elem_drop;
    AtomicWait32 ValueOrExit helpers::atomic_wait32;
    AtomicWait64 ValueOrExit helpers::atomic_wait64;
    AtomicNotify ValueOrExit helpers::atomic_notify;
    Throw Nothing unwind::unwind;
    Allocate Value allocate;
    Aggregate Exit aggregate;
}

impl Helper {
    /// Whether a collection may run in it: then everything that registers refer to must be on the
    /// native stack.
    pub fn may_collect(self) -> bool {
        matches!(self, Helper::Allocate | Helper::Aggregate)
    }
}

/// Room for an object where its size class has no cell at hand: its reference, or 0 where the heap
/// is exhausted.
///
/// # Safety
/// `cx` is the context of a live store that has the type; roots are on the value stack below its
/// top, or on the native stack.
unsafe extern "C" fn allocate(cx: *mut Cx, ty: TypeId, bytes: u64) -> u64 {
    let header = GcHeader { ty, extra: 0 };
    // SAFETY: the caller's contract.
    let object = unsafe { collect::allocate(cx, header, bytes, (*cx).top) };
    object.map_or(0, u64::from)
}

/// An instruction on structures or arrays that is out of line in every tier.
///
/// # Safety
/// `op` is the number of an opcode that has an implementation there, `ty` a type of its kind, and
/// the rest is as [`Aggregate`](crate::store::aggregate::Aggregate) wants it.
unsafe extern "C" fn aggregate(
    vm: *mut Vm,
    op: u32,
    ty: TypeId,
    b: u32,
    slots: *mut u64,
    top: *mut u64,
) -> Exit {
    let Some(run) = Op::ALL
        .get(op as usize)
        .and_then(|&op| aggregate::aggregate(op))
    else {
        return Exit::MAX;
    };
    // SAFETY: the caller's contract; the store keeps its types.
    unsafe {
        let store = (*(*vm).cx).store.cast::<StoreData>();
        let ty = std::ptr::from_ref((*store).heap.defined(ty));
        run(vm, ty as u64, b.into(), slots, top)
    }
}
