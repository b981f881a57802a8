//! Every limit of the engine, named, with its source and its default.
//!
//! Limits marked "spec" follow the spec's appendix on implementation limitations; the others
//! are this engine's own, and all of them that an embedder may want to change are in [`Limits`].

/// Bytes of a Wasm page (spec: 64 KiB).
pub const PAGE_SIZE_BYTES: usize = 65_536;
/// Most pages of a 32-bit memory (spec: 2^16, the whole 4 GiB).
pub const MEMORY32_PAGES_MAX: u64 = 65_536;
/// Bytes that a guarded reservation spans: index (4 GiB) + offset (4 GiB) + widest access, rounded.
pub const GUARD_RESERVATION_BYTES: usize = (8 << 30) + PAGE_SIZE_BYTES;
/// Most results and parameters of a function type that wasmparser accepts.
pub const FUNC_TYPE_VALUES_MAX: usize = 1_000;

/// What one store may use. Each has its own trap or error kind when it is reached.
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
    /// Most elements that one table may grow to.
    pub table_elements_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            value_stack_bytes: 8 << 20,
            call_depth_max: 100_000,
            native_stack_bytes: 1 << 20,
            memory_bytes_max: 4 << 30,
            table_elements_max: 10_000_000,
        }
    }
}
