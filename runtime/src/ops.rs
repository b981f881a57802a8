//! THE opcode table: one row for every opcode of WebAssembly and of the proposals that the pinned
//! wasmparser knows, with bytes, mnemonic, immediates, signature, proposal and shape.
//!
//! It owns the facts of opcodes; it owns no behaviour. The rows stand in `ops/*.rs`, in groups of
//! one shape: a group's rows have one grammar, so that a macro over a group generates one handler
//! per row. A row is `Variant [bytes] "mnemonic" Proposal { tail }`; the tail's grammar is given at
//! its group. `[0x6A]` is a plain opcode, `[0xFD 0x0C]` a prefix and the code behind it (a LEB128
//! u32).
//!
//! `for_each_<group>!(mac)` expands to `mac! { group { rows } }`. `for_each_op!`,
//! `for_each_numeric!` and `for_each_simd_numeric!` hand over several groups in one expansion, as
//! is needed inside of one `match`; `for_each_group!([for_each_unary for_each_test] mac;)` composes
//! any. An example:
//!
//! ```ignore
//! macro_rules! binary_handlers {
//!     ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident
//!         { $func:ident($a:ident, $b:ident) -> $result:ident })* })*) => { $($(
//!         fn $func(a: u64, b: u64) -> u64 {
//!             numeric::$func(Slot::from_slot(a), Slot::from_slot(b)).into_slot()
//!         }
//!     )*)* };
//! }
//! for_each_group!([for_each_binary for_each_compare] binary_handlers;);
//! ```
//!
//! Value types in tails are the spec's `i32 i64 f32 f64 v128`, and `addr` for the address type of
//! the memory or table at hand. Invariants, tested: every operator of wasmparser has a row and
//! decodes from its bytes; no two rows share bytes or mnemonic, save the pairs that the spec itself
//! writes so. Spec: 5.4 Instructions, appendix Index of Instructions.

/// Defines `$name!`, which hands the rows of a group to a macro: the callback's name, then
/// optionally `;` and tokens to put before the group.
macro_rules! rows {
    ($(#[$doc:meta])* $name:ident: $group:ident ($d:tt) $($rows:tt)*) => {
        $(#[$doc])*
        macro_rules! $name {
            ($d mac:path $d(; $d($d before:tt)*)?) => {
                $d mac! { $d($d($d before)*)? $group { $($rows)* } }
            };
        }
        #[allow(unused_imports, reason = "a group may be used only as a part of for_each_op")]
        pub(crate) use $name;
    };
}

#[macro_use]
mod lanes;
mod commute;
mod control;
mod memory;
mod numeric;
mod simd;
#[cfg(test)]
mod tests;

pub(crate) use control::*;
pub use lanes::{
    Half, LaneShape, Lanes, Sign, VectorBinary, VectorReduce, VectorRow, VectorShift,
    VectorTernary, VectorUnary,
};
pub(crate) use memory::*;
pub(crate) use numeric::*;
pub(crate) use simd::*;

/// `for_each_group!([for_each_a for_each_b] mac;)` expands to `mac! { a { rows } b { rows } }`.
macro_rules! for_each_group {
    ([] $mac:path; $($rows:tt)*) => { $mac! { $($rows)* } };
    ([$first:ident $($rest:ident)*] $($tokens:tt)*) => {
        $crate::ops::$first! { $crate::ops::for_each_group; [$($rest)*] $($tokens)* }
    };
}
pub(crate) use for_each_group;

/// Every scalar numeric group, in one expansion.
macro_rules! for_each_numeric {
    ($mac:path; $($before:tt)*) => {
        $crate::ops::for_each_group! {
            [for_each_unary for_each_test for_each_convert for_each_convert_trapping
             for_each_binary for_each_binary_trapping for_each_compare for_each_wide]
            $mac; $($before)*
        }
    };
}
#[allow(unused_imports, reason = "for the floors above")]
pub(crate) use for_each_numeric;

/// Every vector group that does not access memory, in one expansion.
#[allow(unused_macros, reason = "for the floors above")]
macro_rules! for_each_simd_numeric {
    ($mac:path; $($before:tt)*) => {
        $crate::ops::for_each_group! {
            [for_each_simd_shuffle for_each_simd_extract_lane for_each_simd_replace_lane
             for_each_simd_splat for_each_simd_reduce for_each_simd_unary for_each_simd_binary
             for_each_simd_shift for_each_simd_ternary]
            $mac; $($before)*
        }
    };
}
#[allow(unused_imports, reason = "for the floors above")]
pub(crate) use for_each_simd_numeric;

/// Every group, in one expansion: `mac! { control { rows } call { rows } .. }`.
macro_rules! for_each_op {
    ($mac:path) => {
        $crate::ops::for_each_group! {
            [for_each_control for_each_call for_each_exception for_each_legacy_exception
             for_each_parametric for_each_variable for_each_constant for_each_table
             for_each_reference for_each_object for_each_aggregate
             for_each_memory for_each_load for_each_store
             for_each_unary for_each_test for_each_convert for_each_convert_trapping
             for_each_binary for_each_binary_trapping for_each_compare for_each_wide
             for_each_simd_load for_each_simd_store for_each_simd_load_lane for_each_simd_store_lane
             for_each_simd_shuffle for_each_simd_extract_lane for_each_simd_replace_lane
             for_each_simd_splat for_each_simd_reduce for_each_simd_unary for_each_simd_binary
             for_each_simd_shift for_each_simd_ternary
             for_each_atomic_load for_each_atomic_store for_each_atomic_rmw
             for_each_atomic_cmpxchg for_each_atomic_sync
             for_each_shared_everything for_each_stack_switching]
            $mac;
        }
    };
}
#[allow(unused_imports, reason = "for the floors above")]
pub(crate) use for_each_op;

/// The immediates of an opcode, in the order in which they are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Imms {
    /// No immediates.
    None,
    /// A block type.
    BlockType,
    /// A label: the relative depth.
    Label,
    /// A vector of labels and the default label.
    BrTable,
    /// A function index.
    Func,
    /// A type index, then a table index.
    CallIndirect,
    /// A type index.
    Type,
    /// A type index, then a field index.
    StructField,
    /// A type index, then a number of elements.
    TypeCount,
    /// A type index, then a data index.
    TypeData,
    /// A type index, then an element segment index.
    TypeElem,
    /// Two type indices.
    TypeType,
    /// A type index, then a tag index.
    TypeTag,
    /// A local index.
    Local,
    /// A global index.
    Global,
    /// A table index.
    Table,
    /// An element segment index, then a table index.
    TableInit,
    /// The destination's table index, then the source's.
    TableCopy,
    /// An element segment index.
    Elem,
    /// A memory index.
    Memory,
    /// A data index, then a memory index.
    MemoryInit,
    /// The destination's memory index, then the source's.
    MemoryCopy,
    /// A data index.
    Data,
    /// A tag index.
    Tag,
    /// A vector of value types.
    SelectTypes,
    /// Alignment, memory index, offset.
    MemArg,
    /// As `MemArg`, then a lane number.
    MemArgLane,
    /// As `MemArg`, with an optional memory ordering.
    AtomicMemArg,
    /// A signed 32-bit integer.
    I32,
    /// A signed 64-bit integer.
    I64,
    /// Four bytes of an f32.
    F32,
    /// Eight bytes of an f64.
    F64,
    /// Sixteen bytes.
    V128,
    /// A lane number.
    Lane,
    /// Sixteen lane numbers.
    Lanes,
    /// A heap type.
    HeapType,
    /// Cast flags, a label, the heap type cast from, the heap type cast to.
    BrOnCast,
    /// A block type, then a vector of catch clauses.
    TryTable,
    /// A memory ordering.
    Ordering,
    /// A memory ordering, then a global, table or type index.
    AtomicIndex,
    /// A memory ordering, a type index, a field index.
    AtomicField,
    /// A type index, then a vector of handlers.
    Resume,
    /// A type index, a tag index, a vector of handlers.
    ResumeThrow,
}

/// A type in a signature: a value type, or the address type of the memory or table at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigType {
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `v128`
    V128,
    /// A reference of any type, which takes one slot.
    Ref,
    /// `i32` or `i64`, as the memory or table is addressed.
    Addr,
}

/// The operands that an opcode takes from the stack, and the results that it leaves there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signature {
    /// `[params] -> [results]`, whatever the context.
    Fixed {
        /// Operands, the topmost of the stack last.
        params: &'static [SigType],
        /// Results, the topmost of the stack last.
        results: &'static [SigType],
    },
    /// The types depend on immediates, context or reference types.
    Special,
}

macro_rules! proposals {
    ($($(#[$doc:meta])* $variant:ident = $key:literal;)*) => {
        /// The proposal that brought an opcode, or a feature without opcodes, to WebAssembly.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Proposal { $($(#[$doc])* $variant,)* }

        impl Proposal {
            /// Every proposal, in the order of the table.
            pub const ALL: &'static [Proposal] = &[$(Proposal::$variant),*];

            /// The key in reports, in kebab case.
            pub const fn key(self) -> &'static str {
                match self { $(Proposal::$variant => $key,)* }
            }
        }
    };
}

proposals! {
    /// WebAssembly 1.0.
    Mvp = "mvp";
    /// `extend8_s` and its kind.
    SignExtension = "sign-extension";
    /// `trunc_sat`.
    NontrappingFloatToInt = "nontrapping-float-to-int";
    /// Several results; block parameters. No opcodes.
    MultiValue = "multi-value";
    /// Bulk operations on memories and tables, passive segments.
    BulkMemory = "bulk-memory";
    /// `externref`, several tables.
    ReferenceTypes = "reference-types";
    /// Vectors of 128 bits.
    Simd = "simd";
    /// `return_call` and its kind.
    TailCall = "tail-call";
    /// Arithmetic in constant expressions. No opcodes.
    ExtendedConst = "extended-const";
    /// Several memories. No opcodes.
    MultiMemory = "multi-memory";
    /// 64-bit memories and tables. No opcodes.
    Memory64 = "memory64";
    /// Typed function references.
    FunctionReferences = "function-references";
    /// Structures, arrays, subtyping, casts.
    Gc = "gc";
    /// `try_table`, `throw`, `throw_ref`.
    Exceptions = "exceptions";
    /// Vectors with results that depend on the host.
    RelaxedSimd = "relaxed-simd";
    /// Shared memories and atomic access.
    Threads = "threads";
    /// The exception instructions that Wasm 3.0 replaced.
    LegacyExceptions = "legacy-exceptions";
    /// Custom annotations in the text format. No opcodes.
    Annotations = "annotations";
    /// Pages of one byte. No opcodes.
    CustomPageSizes = "custom-page-sizes";
    /// 128-bit arithmetic.
    WideArithmetic = "wide-arithmetic";
    /// Descriptors and exact types.
    CustomDescriptors = "custom-descriptors";
    /// Shared functions, tables, globals and heap objects.
    SharedEverything = "shared-everything-threads";
    /// Continuations.
    StackSwitching = "stack-switching";
    /// `memory.discard`.
    MemoryControl = "memory-control";
    /// Memory orderings and `pause`.
    AcquireReleaseAtomics = "acquire-release-atomics";
    /// Imports of one module, or of one type, in one entry. No opcodes.
    CompactImports = "compact-imports";
}

/// The entry of an opcode in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The opcode itself.
    pub op: Op,
    /// The prefix byte, where there is one.
    pub prefix: Option<u8>,
    /// The opcode byte, or the code behind the prefix.
    pub code: u32,
    /// The name in the text format.
    pub mnemonic: &'static str,
    /// Where the opcode comes from.
    pub proposal: Proposal,
    /// The group in which the row stands.
    pub shape: Shape,
    /// The immediates behind the opcode in the binary format.
    pub imms: Imms,
    /// The operands and the results.
    pub signature: Signature,
    /// The columns of a vector row.
    pub vector: VectorRow,
    /// The width of an access to a memory, where the opcode accesses so many bytes.
    pub access_bytes: Option<u64>,
}

/// The effects that an instruction has besides its results, or that one of a group may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effects {
    /// Reads state that instructions can change: memories, tables, globals, objects, segments.
    pub reads: bool,
    /// Writes such state, or allocates.
    pub writes: bool,
    /// May trap.
    pub traps: bool,
    /// Calls a function, which may do anything.
    pub calls: bool,
    /// May throw an exception that a handler around the instruction can catch.
    pub throws: bool,
    /// Ends straight-line code: control goes elsewhere.
    pub ends: bool,
}

impl Effects {
    pub(crate) const NONE: Effects = Effects {
        reads: false,
        writes: false,
        traps: false,
        calls: false,
        throws: false,
        ends: false,
    };
}

/// The part of the spec that a group belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the names are the spec's sections of instructions"
)]
pub enum Domain {
    Control,
    Call,
    Exception,
    Parametric,
    Variable,
    Constant,
    Table,
    Reference,
    Aggregate,
    Memory,
    Numeric,
    SharedEverything,
    StackSwitching,
}

macro_rules! shapes {
    (($d:tt) $(
        $(#[$doc:meta])* $group:ident $variant:ident: $domain:ident $imms:ident [$($effect:ident)*];
    )*) => {
        /// The group of a row, which is its shape: what a tier must do for it, opcodes apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Shape { $($(#[$doc])* $variant,)* }

        impl Shape {
            /// The part of the spec that the group belongs to.
            pub const fn domain(self) -> Domain {
                match self { $(Shape::$variant => Domain::$domain,)* }
            }

            /// The immediates of the group's rows that do not name their own.
            const fn imms(self) -> Imms {
                match self { $(Shape::$variant => Imms::$imms,)* }
            }

            /// The effects that an instruction of the group may have.
            #[allow(clippy::needless_update, reason = "a row may name all effects")]
            pub const fn effects(self) -> Effects {
                match self { $(
                    Shape::$variant => Effects { $($effect: true,)* ..Effects::NONE },
                )* }
            }
        }

        /// An opcode as one of its group, so that a match over a group is exhaustive.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Group { $($(#[$doc])* $variant(group::$variant),)* }

        macro_rules! shape_of { $(($group) => { Shape::$variant };)* }

        macro_rules! group_of {
            $(($group $d op:ident) => { Group::$variant(group::$variant::$d op) };)*
        }

        /// Defines the enum of a group.
        macro_rules! group_enum { $(
            ($group { $d(
                $d op:ident $d bytes:tt $d name:literal $d proposal:ident $d tail:tt
            )* }) => {
                $(#[$doc])*
                #[derive(Clone, Copy, Debug, PartialEq, Eq)]
                #[repr(u8)]
                #[allow(clippy::enum_variant_names, reason = "the names are those of the opcodes")]
                pub enum $variant { $d( #[doc = concat!("`", $d name, "`")] $d op, )* }

                impl $variant {
                    /// The opcode, which has the same name.
                    pub const fn op(self) -> Op {
                        match self { $d($variant::$d op => Op::$d op,)* }
                    }
                }
            };
        )* }
    };
}

shapes! {
    ($)

    /// Blocks and branches.
    control Control: Control None [traps ends];
    /// Calls and tail calls.
    call Call: Call None [reads writes traps calls throws ends];
    /// `try_table` and throws.
    exception Exception: Exception None [writes traps throws ends];
    /// The replaced exception instructions.
    legacy_exception LegacyException: Exception None [writes traps throws ends];
    /// `drop`, `select`.
    parametric Parametric: Parametric None [];
    /// Locals and globals.
    variable Variable: Variable None [reads writes];
    /// Constants.
    constant Constant: Constant None [];
    /// Tables and element segments.
    table Table: Table None [reads writes traps];
    /// References, casts and branches on them.
    reference Reference: Reference None [traps ends];
    /// Fields, elements and lengths of structures and arrays; i31; conversions of references.
    object Object: Aggregate None [reads writes traps];
    /// Allocation of structures and arrays, and work on many elements.
    aggregate Aggregate: Aggregate None [reads writes traps];
    /// Whole memories and data segments.
    memory Memory: Memory None [reads writes traps];
    /// A scalar load.
    load Load: Memory MemArg [reads traps];
    /// A scalar store.
    store Store: Memory MemArg [writes traps];
    /// Total, `[t] -> [t]`.
    unary Unary: Numeric None [];
    /// Total, `[t] -> [i32]`, a boolean.
    test Test: Numeric None [];
    /// Total, `[t1] -> [t2]`.
    convert Convert: Numeric None [];
    /// May trap, `[t1] -> [t2]`.
    convert_trapping ConvertTrapping: Numeric None [traps];
    /// Total, `[t t] -> [t]`.
    binary Binary: Numeric None [];
    /// May trap, `[t t] -> [t]`.
    binary_trapping BinaryTrapping: Numeric None [traps];
    /// Total, `[t t] -> [i32]`, a boolean.
    compare Compare: Numeric None [];
    /// 128-bit arithmetic on pairs of i64.
    wide Wide: Numeric None [];
    /// A load of a vector.
    simd_load SimdLoad: Memory MemArg [reads traps];
    /// A store of a vector.
    simd_store SimdStore: Memory MemArg [writes traps];
    /// A load of one lane.
    simd_load_lane SimdLoadLane: Memory MemArgLane [reads traps];
    /// A store of one lane.
    simd_store_lane SimdStoreLane: Memory MemArgLane [writes traps];
    /// The shuffle.
    simd_shuffle SimdShuffle: Numeric Lanes [];
    /// Vector and lane number to scalar.
    simd_extract_lane SimdExtractLane: Numeric Lane [];
    /// Vector, lane number and scalar to vector.
    simd_replace_lane SimdReplaceLane: Numeric Lane [];
    /// Scalar to vector.
    simd_splat SimdSplat: Numeric None [];
    /// Vector to i32.
    simd_reduce SimdReduce: Numeric None [];
    /// Vector to vector.
    simd_unary SimdUnary: Numeric None [];
    /// Two vectors to vector.
    simd_binary SimdBinary: Numeric None [];
    /// Vector and i32 to vector.
    simd_shift SimdShift: Numeric None [];
    /// Three vectors to vector.
    simd_ternary SimdTernary: Numeric None [];
    /// An atomic load.
    atomic_load AtomicLoad: Memory AtomicMemArg [reads traps];
    /// An atomic store.
    atomic_store AtomicStore: Memory AtomicMemArg [writes traps];
    /// An atomic read-modify-write.
    atomic_rmw AtomicRmw: Memory AtomicMemArg [reads writes traps];
    /// An atomic compare-exchange.
    atomic_cmpxchg AtomicCmpxchg: Memory AtomicMemArg [reads writes traps];
    /// Wait, notify, fence.
    atomic_sync AtomicSync: Memory None [reads traps];
    /// Atomic access to globals, tables and heap objects.
    shared_everything SharedEverything: SharedEverything None [reads writes traps];
    /// Continuations.
    stack_switching StackSwitching: StackSwitching None [reads writes traps calls throws ends];
}

/// The opcodes of each group, as enums of their own.
pub mod group {
    use super::Op;

    macro_rules! define_groups {
        ($($group:ident $rows:tt)*) => { $(group_enum! { $group $rows })* };
    }
    for_each_op!(define_groups);
}

/// The immediates that a tail says, else those of the group.
macro_rules! imms_of {
    ($group:ident { $imms:ident: $($signature:tt)* }) => {
        Imms::$imms
    };
    ($group:ident $tail:tt) => {
        shape_of!($group).imms()
    };
}

macro_rules! sig_type {
    (i32) => {
        SigType::I32
    };
    (i64) => {
        SigType::I64
    };
    (f32) => {
        SigType::F32
    };
    (f64) => {
        SigType::F64
    };
    (v128) => {
        SigType::V128
    };
    (ref) => {
        SigType::Ref
    };
    (addr) => {
        SigType::Addr
    };
}

macro_rules! fixed {
    (($($param:ident),*) -> ($($result:ident),*)) => {
        Signature::Fixed { params: &[$(sig_type!($param)),*], results: &[$(sig_type!($result)),*] }
    };
}

/// The signature that a group and a tail say.
macro_rules! signature_of {
    ($group:ident { $imms:ident: special }) => { Signature::Special };
    ($group:ident { $imms:ident: $($signature:tt)* }) => { fixed!($($signature)*) };
    (load { $storage:ident as $slot:ident -> $t:ident }) => { fixed!((addr) -> ($t)) };
    (store { $t:ident -> $slot:ident as $storage:ident }) => { fixed!((addr, $t) -> ()) };
    (atomic_load { $storage:ident as $slot:ident -> $t:ident }) => { fixed!((addr) -> ($t)) };
    (atomic_store { $t:ident -> $slot:ident as $storage:ident }) => { fixed!((addr, $t) -> ()) };
    (atomic_rmw { $operation:ident $storage:ident as $slot:ident -> $t:ident }) => {
        fixed!((addr, $t) -> ($t))
    };
    (atomic_cmpxchg { $storage:ident as $slot:ident -> $t:ident }) => {
        fixed!((addr, $t, $t) -> ($t))
    };
    (simd_load $tail:tt) => { fixed!((addr) -> (v128)) };
    (simd_store $tail:tt) => { fixed!((addr, v128) -> ()) };
    (simd_load_lane $tail:tt) => { fixed!((addr, v128) -> (v128)) };
    (simd_store_lane $tail:tt) => { fixed!((addr, v128) -> ()) };
    (simd_shuffle $tail:tt) => { fixed!((v128, v128) -> (v128)) };
    (simd_extract_lane { $func:ident(v128, lane) -> $t:ident; $($column:ident)* }) => {
        fixed!((v128) -> ($t))
    };
    (simd_replace_lane { $func:ident(v128, lane, $t:ident) -> v128; $($column:ident)* }) => {
        fixed!((v128, $t) -> (v128))
    };
    (wide { $func:ident $params:tt -> $results:tt }) => { fixed!($params -> $results) };
    ($group:ident { $func:ident $params:tt -> $result:ident $(; $($column:ident)*)? }) => {
        fixed!($params -> ($result))
    };
}

/// The width of an access to a memory that a group and a tail say.
macro_rules! access_bytes_of {
    (load { $storage:ident $($rest:tt)* }) => { Some(size_of::<$storage>() as u64) };
    (store { $t:ident -> $slot:ident as $storage:ident }) => { Some(size_of::<$storage>() as u64) };
    (atomic_load $tail:tt) => { access_bytes_of!(load $tail) };
    (atomic_store $tail:tt) => { access_bytes_of!(store $tail) };
    (atomic_rmw { $operation:ident $($rest:tt)* }) => { access_bytes_of!(load { $($rest)* }) };
    (atomic_cmpxchg $tail:tt) => { access_bytes_of!(load $tail) };
    (simd_load { $func:ident($storage:ident) $($rest:tt)* }) => {
        access_bytes_of!(load { $storage })
    };
    (simd_store { $func:ident(v128) -> $storage:ident }) => { access_bytes_of!(load { $storage }) };
    (simd_load_lane { $func:ident($storage:ident, $($rest:tt)* ) $($tail:tt)* }) => {
        access_bytes_of!(load { $storage })
    };
    (simd_store_lane { $func:ident $params:tt -> $storage:ident; $($rest:tt)* }) => {
        access_bytes_of!(load { $storage })
    };
    ($group:ident $tail:tt) => { None };
}

/// The prefix byte, where there is one, and the code.
const fn prefix_and_code(bytes: &[u32]) -> (Option<u8>, u32) {
    match *bytes {
        [code] => (None, code),
        [prefix, code] => (Some(prefix as u8), code),
        _ => panic!("an opcode is a byte, or a prefix and a code"),
    }
}

macro_rules! define_ops {
    ($($group:ident {
        $($op:ident [$($byte:literal)+] $name:literal $proposal:ident $tail:tt)*
    })*) => {
        /// An opcode. Variants are named as in wasmparser; the discriminants are dense.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Op { $($( #[doc = concat!("`", $name, "`")] $op, )*)* }

        impl Op {
            /// Every opcode, at the index of its discriminant.
            pub const ALL: &'static [Op] = &[$($(Op::$op),*),*];
        }

        static GROUPS: [Group; Op::ALL.len()] = [$($(group_of!($group $op),)*)*];

        static ROWS: [Row; Op::ALL.len()] = [$($(
            Row {
                op: Op::$op,
                prefix: prefix_and_code(&[$($byte),+]).0,
                code: prefix_and_code(&[$($byte),+]).1,
                mnemonic: $name,
                proposal: Proposal::$proposal,
                shape: shape_of!($group),
                imms: imms_of!($group $tail),
                signature: signature_of!($group $tail),
                vector: vector_row!($group $tail),
                access_bytes: access_bytes_of!($group $tail),
            },
        )*)*];
    };
}

for_each_op!(define_ops);

/// The change that an opcode makes to the nesting of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// Begins a block.
    Begin,
    /// Ends a part of a block and begins the next.
    Next,
    /// Ends a block.
    End,
    /// None.
    Same,
}

impl Op {
    /// The change of the nesting of blocks. Only control instructions and exceptions change it.
    pub fn nesting(self) -> Nesting {
        use group::{Control as C, Exception as E, LegacyException as L};
        if let Group::Control(op) = self.group() {
            return match op {
                C::Block | C::Loop | C::If => Nesting::Begin,
                C::Else => Nesting::Next,
                C::End => Nesting::End,
                C::Unreachable | C::Nop | C::Br | C::BrIf | C::BrTable | C::Return => Nesting::Same,
            };
        }
        if let Group::Exception(op) = self.group() {
            return match op {
                E::TryTable => Nesting::Begin,
                E::Throw | E::ThrowRef => Nesting::Same,
            };
        }
        if let Group::LegacyException(op) = self.group() {
            return match op {
                L::Try => Nesting::Begin,
                L::Catch | L::CatchAll => Nesting::Next,
                L::Delegate => Nesting::End,
                L::Rethrow => Nesting::Same,
            };
        }
        Nesting::Same
    }

    /// The entry in the table.
    #[inline(always)]
    pub const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The name in the text format.
    pub fn mnemonic(self) -> &'static str {
        self.row().mnemonic
    }

    /// Where the opcode comes from.
    pub fn proposal(self) -> Proposal {
        self.row().proposal
    }

    /// The operation on words that a comparison of references is; all others are themselves.
    pub fn on_words(self) -> Op {
        if self == Op::RefIsNull {
            Op::I64Eqz
        } else if self == Op::RefEq {
            Op::I64Eq
        } else {
            self
        }
    }

    /// True if the instruction may trap.
    pub fn traps(self) -> bool {
        let never = matches!(self, Op::RefIsNull | Op::RefEq | Op::RefI31);
        self.shape().effects().traps && !never
    }

    /// The group in which the row stands.
    pub fn shape(self) -> Shape {
        self.row().shape
    }

    /// The opcode as one of its group.
    #[inline(always)]
    pub fn group(self) -> Group {
        GROUPS[self as usize]
    }

    /// The opcode of a byte, or of a prefix and the code behind it; `None` where there is none.
    /// 0x1C is `TypedSelect`: whether it is the multiple form is seen in its immediates only.
    #[inline]
    pub fn from_bytes(prefix: Option<u8>, code: u32) -> Option<Op> {
        let index: &[Option<Op>] = match prefix {
            None => &PLAIN,
            Some(0xFB) => &FB,
            Some(0xFC) => &FC,
            Some(0xFD) => &FD,
            Some(0xFE) => &FE,
            Some(_) => return None,
        };
        index.get(code as usize).copied().flatten()
    }

    /// The opcode of a byte without a prefix; `None` for prefixes and for bytes that mean nothing.
    #[inline(always)]
    pub fn from_byte(byte: u8) -> Option<Op> {
        PLAIN[byte as usize]
    }
}

/// Codes by prefix; the first row of a code stands for it.
const fn index<const CODES: usize>(prefix: Option<u8>) -> [Option<Op>; CODES] {
    let mut codes = [None; CODES];
    let mut i = 0;
    while i < ROWS.len() {
        let row = &ROWS[i];
        let same = match (row.prefix, prefix) {
            (None, None) => true,
            (Some(a), Some(b)) => a == b,
            (None, Some(_)) | (Some(_), None) => false,
        };
        if same && codes[row.code as usize].is_none() {
            codes[row.code as usize] = Some(row.op);
        }
        i += 1;
    }
    codes
}

static PLAIN: [Option<Op>; 0x100] = index(None);
static FB: [Option<Op>; 0x80] = index(Some(0xFB));
static FC: [Option<Op>; 0x80] = index(Some(0xFC));
static FD: [Option<Op>; 0x180] = index(Some(0xFD));
static FE: [Option<Op>; 0x80] = index(Some(0xFE));
