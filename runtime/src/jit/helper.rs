//! The table of runtime functions that compiled code calls: what is not worth inline code.
//!
//! A row is `Variant returns function`. Every function takes the instance's `Vm` first, then what
//! the instruction lists, all in general registers (the C calling convention of the host). The list
//! is short on purpose: a function of the JIT tier is machine code, not a chain of calls.

use crate::helpers;
use crate::store::StoreData;
use crate::trap::TrapKind;
use crate::types::TypeId;
use crate::vm::{EXIT_OK, Exit, FuncInst, Vm};

/// What a helper gives back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Returns {
    /// Nothing.
    Nothing,
    /// A value in one register.
    Value,
    /// An exit code; anything but [`EXIT_OK`] is a trap.
    Exit,
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
    CheckFuncType Exit check_func_type;
}

/// The type check of an indirect call whose type may have subtypes.
///
/// # Safety
/// `vm` is the vm of a live instance, `func` a function of the same store.
unsafe extern "C" fn check_func_type(vm: *mut Vm, func: *const FuncInst, ty: TypeId) -> Exit {
    // SAFETY: the caller's contract; nothing is written, and no code of the store runs meanwhile.
    let matches = unsafe {
        let store = (*(*vm).cx).store.cast::<StoreData>();
        let registry = (*store).engine.registry();
        registry.is_subtype((*func).ty, ty)
    };
    if matches {
        EXIT_OK
    } else {
        TrapKind::IndirectCallTypeMismatch as Exit
    }
}
