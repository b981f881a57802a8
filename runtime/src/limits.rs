//! Every limit of the engine, named, with its source and its default.
//!
//! Limits marked "spec" follow the spec's appendix on implementation limitations; the others
//! are this engine's own, and all of them that an embedder may want to change are in [`Limits`].

/// Bytes of a Wasm page (spec: 64 KiB).
pub const PAGE_SIZE_BYTES: usize = 65_536;
/// Bytes that a guarded reservation spans: index (4 GiB) + offset (4 GiB) + widest access, rounded.
pub const GUARD_RESERVATION_BYTES: usize = (8 << 30) + PAGE_SIZE_BYTES;
/// Most bytes of a garbage-collected heap: its references are 32-bit offsets, and none may wrap.
pub const GC_HEAP_BYTES_MAX: u64 = (1 << 32) - (1 << 16);
/// Most results and parameters of a function type that wasmparser accepts.
pub const FUNC_TYPE_VALUES_MAX: usize = 1_000;

/// Most frames of a backtrace (own); what is further out is counted.
pub const BACKTRACE_FRAMES_MAX: usize = 64;

/// How much of a bulk instruction is done before it looks for an interruption again (own): some
/// milliseconds of work.
pub const INTERRUPT_PIECE_BYTES: usize = 16 << 20;

macro_rules! limit_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// Which limit was reached, where no trap says so.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// [`Limits::code_bytes_max`], or what a tier's own code can express: distances of branches,
    /// indices, frames.
    Code = "compiled code";
    /// What the system gives: address space or memory.
    System = "memory of the system";
}

/// What one engine's modules and stores may use. Each has its own trap or error kind when it is
/// reached: those of the stacks trap with `StackExhausted`, that of the collected heap with
/// `HeapExhausted`; growing a memory or table beyond its limit gives -1, as the spec has it, and
/// all else is an error that names its [`LimitKind`]. All are this engine's own, and what the spec
/// allows in its appendix on implementation limitations.
///
/// ```
/// use wassay_runtime::{Config, Engine, Limits, Memory, MemoryType, Store};
///
/// let limits = Limits { memory_bytes_max: 1 << 16, ..Limits::default() };
/// let engine = Engine::new(Config::new().limits(limits))?;
/// let mut store = Store::new(&engine, ());
/// assert!(Memory::new(&mut store, MemoryType::new(2, None)).is_err());
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the value stack on which interpreted frames live.
    pub value_stack_bytes: usize,
    /// Most nested calls between interpreted functions.
    pub call_depth_max: usize,
    /// Bytes of native stack that compiled code and nested host calls may use.
    pub native_stack_bytes: usize,
    /// Most bytes that one memory may grow to.
    pub memory_bytes_max: u64,
    /// Most bytes that all memories of a store may have together.
    pub store_memory_bytes_max: u64,
    /// Most elements that one table may grow to.
    pub table_elements_max: u64,
    /// Most bytes that the garbage-collected heap may grow to; above `GC_HEAP_BYTES_MAX` it is
    /// that.
    pub gc_heap_bytes_max: u64,
    /// Most elements that all tables of a store may have together.
    pub store_table_elements_max: u64,
    /// Most instances of a store.
    pub instances_max: usize,
    /// Most memories of a store.
    pub memories_max: usize,
    /// Most tables of a store.
    pub tables_max: usize,
    /// Most bytes of a module's binary.
    pub module_bytes_max: usize,
    /// Most bytes of a function's body.
    pub function_bytes_max: usize,
    /// Most bytes of memory that machine code of all an engine's modules may take together; a
    /// module takes whole pages.
    pub code_bytes_max: u64,
}

impl Default for Limits {
    /// Room for every test of the spec's suite and for programs of today; the sizes of modules and
    /// functions are those that wasmparser accepts.
    fn default() -> Self {
        Limits {
            value_stack_bytes: 8 << 20,
            call_depth_max: 100_000,
            native_stack_bytes: 1 << 20,
            memory_bytes_max: 4 << 30,
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
