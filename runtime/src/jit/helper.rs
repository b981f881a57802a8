//! The table of runtime functions that compiled code calls: what is not worth inline code.
//!
//! A row is `Variant returns function`. Every function takes the instance's `Vm` first, then what
//! the instruction lists, all in general registers (the C calling convention of the host). The list
//! is short on purpose: a function of the JIT tier is machine code, not a chain of calls. The
//! functions' addresses are in `code/outside.rs`.

/// The kind of result of a helper.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Returns {
    /// No result.
    Nothing,
    /// A value in one register.
    Value,
    /// An exit code; every code but `vm::EXIT_OK` is a trap.
    Exit,
    /// A value of 32 bits, and an exit code in the upper half.
    ValueOrExit,
}

/// The rows, given to a macro. The functions are named from `code/outside.rs`.
macro_rules! for_each_helper {
    ($callback:ident) => {
        $callback! {
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
    };
}
pub(super) use for_each_helper;

macro_rules! names {
    ($($variant:ident $returns:ident $function:path;)*) => {
        /// A function of the runtime.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Helper { $($variant),* }

        impl Helper {
            /// All helpers.
            pub const ALL: &'static [Helper] = &[$(Helper::$variant),*];

            /// The kind of its result.
            pub fn returns(self) -> Returns {
                match self { $(Helper::$variant => Returns::$returns),* }
            }
        }
    };
}

for_each_helper!(names);

impl Helper {
    /// True if a collection may run in it: then everything that registers refer to must be on the
    /// native stack.
    pub fn may_collect(self) -> bool {
        matches!(self, Helper::Allocate | Helper::Aggregate)
    }
}
