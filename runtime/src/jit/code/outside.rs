//! The addresses of the runtime's functions that compiled code calls, for the rows of `helper.rs`,
//! and those functions that only compiled code has.

use super::unwind;
use crate::helpers;
use crate::jit::helper::{Helper, for_each_helper};
use crate::ops::Op;
use crate::store::{StoreData, aggregate, collect};
use crate::types::TypeId;
use crate::vm::{Cx, Exit, GcHeader, Vm};

macro_rules! addresses {
    ($($variant:ident $returns:ident $function:path;)*) => {
        /// The address of a helper in this process.
        pub fn address_of(helper: Helper) -> usize {
            match helper { $(Helper::$variant => $function as *const () as usize),* }
        }
    };
}

for_each_helper!(addresses);

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
