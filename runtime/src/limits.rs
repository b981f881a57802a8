//! Every limit of the engine, named, with its source and its default.
//!
//! Limits marked "spec" follow the spec's appendix on implementation limitations; the others
//! are this engine's own, and all that an embedder can change are in [`Limits`].

/// Bytes of a Wasm page (spec: 64 KiB).
pub const PAGE_SIZE_BYTES: usize = 65_536;
/// Bytes that a guarded reservation spans: index (4 GiB) + offset (4 GiB) + widest access, rounded.
pub const GUARD_RESERVATION_BYTES: usize = (8 << 30) + PAGE_SIZE_BYTES;
/// Most bytes of a garbage-collected heap: its references are 32-bit offsets, and they do not wrap.
pub const GC_HEAP_BYTES_MAX: u64 = (1 << 32) - (1 << 16);
/// Most fields of a structure type that wasmparser accepts.
pub const STRUCT_FIELDS_MAX: usize = 10_000;
/// Most results and parameters of a function type that wasmparser accepts.
pub const FUNC_TYPE_VALUES_MAX: usize = 1_000;

/// Most frames of a backtrace (own); frames further out are counted.
pub const BACKTRACE_FRAMES_MAX: usize = 64;

/// The part of a bulk instruction that is done before it looks for an interruption again (own):
/// some milliseconds of work.
pub const INTERRUPT_PIECE_BYTES: usize = 16 << 20;

macro_rules! limit_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// The limit that was reached, where no trap says so.
        ///
        /// ```
        /// use wassay_runtime::{Config, Engine, ErrorKind, LimitKind, Limits, Module};
        ///
        /// let engine = Engine::new(Config::new().limits(Limits::new().module_bytes_max(7)))?;
        /// let error = Module::new(&engine, b"\0asm\x01\0\0\0").unwrap_err();
        /// assert_eq!(error.kind(), ErrorKind::Limit(LimitKind::ModuleBytes));
        /// assert_eq!(LimitKind::ModuleBytes.name(), "bytes of a module");
        /// # Ok::<(), wassay_runtime::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum LimitKind { $($(#[$doc])* $variant,)* }

        impl LimitKind {
            /// The name in messages.
            pub const fn name(self) -> &'static str {
                match self { $(LimitKind::$variant => $name,)* }
            }
        }
    };
}

limit_kinds! {
    /// [`Limits::memory_bytes_max`], or the most that a memory's address type reaches.
    MemoryBytes = "bytes of a memory";
    /// [`Limits::store_memory_bytes_max`]
    StoreMemoryBytes = "bytes of all memories of a store";
    /// [`Limits::table_elements_max`]
    TableElements = "elements of a table";
    /// [`Limits::store_table_elements_max`]
    StoreTableElements = "elements of all tables of a store";
    /// [`Limits::instances_max`]
    Instances = "instances of a store";
    /// [`Limits::memories_max`]
    Memories = "memories of a store";
    /// [`Limits::tables_max`]
    Tables = "tables of a store";
    /// [`Limits::module_bytes_max`]
    ModuleBytes = "bytes of a module";
    /// [`Limits::function_bytes_max`]
    FunctionBytes = "bytes of a function";
    /// The numbers of items that a module, a type or a function may have: those of wasmparser,
    /// which are the limits of other engines, too.
    ModuleItems = "items of a module";
    /// [`Limits::code_bytes_max`], or the reach of a tier's own code: distances of branches,
    /// indices, frames.
    Code = "compiled code";
    /// The address space or memory that the system gives.
    System = "memory of the system";
}

/// The limits of one engine's modules and stores. Each has its own trap or error kind when it is
/// reached: those of the stacks trap with `StackExhausted`, that of the collected heap with
/// `HeapExhausted`; growing a memory or table beyond its limit gives -1, as the spec has it, and
/// every other limit is an error that names its [`LimitKind`]. All limits are this engine's own,
/// within the spec's appendix on implementation limitations.
///
/// ```
/// use wassay_runtime::{Config, Engine, Limits, Memory, MemoryType, Store};
///
/// let limits = Limits::new().memory_bytes_max(1 << 16);
/// let engine = Engine::new(Config::new().limits(limits))?;
/// let mut store = Store::new(&engine, ());
/// assert!(Memory::new(&mut store, MemoryType::new(2, None)).is_err());
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) value_stack_bytes: usize,
    pub(crate) call_depth_max: usize,
    pub(crate) native_stack_bytes: usize,
    pub(crate) memory_bytes_max: u64,
    pub(crate) store_memory_bytes_max: u64,
    pub(crate) table_elements_max: u64,
    pub(crate) gc_heap_bytes_max: u64,
    pub(crate) store_table_elements_max: u64,
    pub(crate) instances_max: usize,
    pub(crate) memories_max: usize,
    pub(crate) tables_max: usize,
    pub(crate) module_bytes_max: usize,
    pub(crate) function_bytes_max: usize,
    pub(crate) code_bytes_max: u64,
}

impl Default for Limits {
    /// Limits with room for every test of the spec's suite and for programs of today; the sizes of
    /// modules and functions are those that wasmparser accepts. A memory of 32-bit addresses has at
    /// most 4 GiB by its type. One of 64-bit addresses takes only addresses of the system until its
    /// pages are touched, so that its limit is far above the system's memory.
    fn default() -> Self {
        Limits {
            value_stack_bytes: 8 << 20,
            call_depth_max: 100_000,
            native_stack_bytes: 1 << 20,
            memory_bytes_max: 64 << 30,
            store_memory_bytes_max: u64::MAX,
            table_elements_max: 10_000_000,
            gc_heap_bytes_max: 1 << 30,
            store_table_elements_max: u64::MAX,
            instances_max: usize::MAX,
            memories_max: usize::MAX,
            tables_max: usize::MAX,
            module_bytes_max: 1 << 30,
            function_bytes_max: 7_654_321,
            code_bytes_max: 1 << 30,
        }
    }
}
