//! Rows of the opcode table: control, calls, exceptions, variables, constants, tables, references.
//!
//! Owns the facts of these opcodes and nothing else; `super` says what a row means and composes
//! them. Here every tail is `{ Imms signature }`: the kind of immediates, then
//! `(params) -> (results)`, or `special` where the number or the types of operands depend on
//! immediates or on the context. `ref` is a reference of any type. Spec: 5.4 Instructions (binary
//! format), appendix Index of Instructions.

rows! {
    /// Control instructions, spec 4.6.1: `Op [bytes] "name" Proposal { Imms signature }`.
    for_each_control: control ($)

    Unreachable [0x00] "unreachable" Mvp { None: special }
    Nop         [0x01] "nop"         Mvp { None: () -> () }
    Block       [0x02] "block"       Mvp { BlockType: special }
    Loop        [0x03] "loop"        Mvp { BlockType: special }
    If          [0x04] "if"          Mvp { BlockType: special }
    Else        [0x05] "else"        Mvp { None: special }
    End         [0x0B] "end"         Mvp { None: special }
    Br          [0x0C] "br"          Mvp { Label: special }
    BrIf        [0x0D] "br_if"       Mvp { Label: special }
    BrTable     [0x0E] "br_table"    Mvp { BrTable: special }
    Return      [0x0F] "return"      Mvp { None: special }
}

rows! {
    /// Calls and tail calls: `{ Imms signature }`.
    for_each_call: call ($)

    Call               [0x10] "call"                 Mvp                { Func: special }
    CallIndirect       [0x11] "call_indirect"        Mvp                { CallIndirect: special }
    ReturnCall         [0x12] "return_call"          TailCall           { Func: special }
    ReturnCallIndirect [0x13] "return_call_indirect" TailCall           { CallIndirect: special }
    CallRef            [0x14] "call_ref"             FunctionReferences { Type: special }
    ReturnCallRef      [0x15] "return_call_ref"      FunctionReferences { Type: special }
}

rows! {
    /// Exceptions: `{ Imms signature }`.
    for_each_exception: exception ($)

    TryTable [0x1F] "try_table" Exceptions { TryTable: special }
    Throw    [0x08] "throw"     Exceptions { Tag: special }
    ThrowRef [0x0A] "throw_ref" Exceptions { None: special }
}

rows! {
    /// The exception instructions that Wasm 3.0 replaced: `{ Imms signature }`.
    for_each_legacy_exception: legacy_exception ($)

    Try      [0x06] "try"       LegacyExceptions { BlockType: special }
    Catch    [0x07] "catch"     LegacyExceptions { Tag: special }
    Rethrow  [0x09] "rethrow"   LegacyExceptions { Label: special }
    Delegate [0x18] "delegate"  LegacyExceptions { Label: special }
    CatchAll [0x19] "catch_all" LegacyExceptions { None: special }
}

rows! {
    /// `drop` and `select`: `{ Imms signature }`.
    for_each_parametric: parametric ($)

    Drop             [0x1A] "drop"   Mvp            { None: special }
    Select           [0x1B] "select" Mvp            { None: special }
    TypedSelect      [0x1C] "select" ReferenceTypes { SelectTypes: special }
    TypedSelectMulti [0x1C] "select" ReferenceTypes { SelectTypes: special }
}

rows! {
    /// Locals and globals: `{ Imms signature }`.
    for_each_variable: variable ($)

    LocalGet  [0x20] "local.get"  Mvp { Local: special }
    LocalSet  [0x21] "local.set"  Mvp { Local: special }
    LocalTee  [0x22] "local.tee"  Mvp { Local: special }
    GlobalGet [0x23] "global.get" Mvp { Global: special }
    GlobalSet [0x24] "global.set" Mvp { Global: special }
}

rows! {
    /// Constants: `{ Imms signature }`.
    for_each_constant: constant ($)

    I32Const  [0x41]      "i32.const"  Mvp  { I32: () -> (i32) }
    I64Const  [0x42]      "i64.const"  Mvp  { I64: () -> (i64) }
    F32Const  [0x43]      "f32.const"  Mvp  { F32: () -> (f32) }
    F64Const  [0x44]      "f64.const"  Mvp  { F64: () -> (f64) }
    V128Const [0xFD 0x0C] "v128.const" Simd { V128: () -> (v128) }
}

rows! {
    /// Table instructions: `{ Imms signature }`.
    for_each_table: table ($)

    TableInit [0xFC 0x0C] "table.init" BulkMemory     { TableInit: (addr, i32, i32) -> () }
    ElemDrop  [0xFC 0x0D] "elem.drop"  BulkMemory     { Elem: () -> () }
    TableCopy [0xFC 0x0E] "table.copy" BulkMemory     { TableCopy: special }
    TableFill [0xFC 0x11] "table.fill" ReferenceTypes { Table: special }
    TableGet  [0x25]      "table.get"  ReferenceTypes { Table: special }
    TableSet  [0x26]      "table.set"  ReferenceTypes { Table: special }
    TableGrow [0xFC 0x0F] "table.grow" ReferenceTypes { Table: special }
    TableSize [0xFC 0x10] "table.size" ReferenceTypes { Table: () -> (addr) }
}

rows! {
    /// References, casts and the branches on them: `{ Imms signature }`.
    for_each_reference: reference ($)

    RefEq [0xD3] "ref.eq" Gc
        { None: (ref, ref) -> (i32) }
    RefTestNonNull [0xFB 0x14] "ref.test" Gc
        { HeapType: (ref) -> (i32) }
    RefTestNullable [0xFB 0x15] "ref.test" Gc
        { HeapType: (ref) -> (i32) }
    RefCastNonNull [0xFB 0x16] "ref.cast" Gc
        { HeapType: (ref) -> (ref) }
    RefCastNullable [0xFB 0x17] "ref.cast" Gc
        { HeapType: (ref) -> (ref) }
    BrOnCast           [0xFB 0x18] "br_on_cast"           Gc                 { BrOnCast: special }
    BrOnCastFail       [0xFB 0x19] "br_on_cast_fail"      Gc                 { BrOnCast: special }
    RefGetDesc [0xFB 0x22] "ref.get_desc" CustomDescriptors
        { Type: (ref) -> (ref) }
    RefCastDescEqNonNull [0xFB 0x23] "ref.cast_desc_eq" CustomDescriptors
        { HeapType: (ref, ref) -> (ref) }
    RefCastDescEqNullable [0xFB 0x24] "ref.cast_desc_eq" CustomDescriptors
        { HeapType: (ref, ref) -> (ref) }
    BrOnCastDescEq     [0xFB 0x25] "br_on_cast_desc_eq"   CustomDescriptors  { BrOnCast: special }
    BrOnCastDescEqFail [0xFB 0x26] "br_on_cast_desc_eq_fail" CustomDescriptors { BrOnCast: special }
    RefNull [0xD0] "ref.null" ReferenceTypes
        { HeapType: () -> (ref) }
    RefIsNull [0xD1] "ref.is_null" ReferenceTypes
        { None: (ref) -> (i32) }
    RefFunc            [0xD2]      "ref.func"             ReferenceTypes     { Func: () -> (ref) }
    RefAsNonNull [0xD4] "ref.as_non_null" FunctionReferences
        { None: (ref) -> (ref) }
    BrOnNull           [0xD5]      "br_on_null"           FunctionReferences { Label: special }
    BrOnNonNull        [0xD6]      "br_on_non_null"       FunctionReferences { Label: special }
}

rows! {
    /// Fields, elements, lengths of objects, i31, conversions of references: `{ Imms signature }`.
    for_each_object: object ($)

    StructGet         [0xFB 0x02] "struct.get"           Gc                { StructField: special }
    StructGetS        [0xFB 0x03] "struct.get_s"         Gc                { StructField: special }
    StructGetU        [0xFB 0x04] "struct.get_u"         Gc                { StructField: special }
    StructSet         [0xFB 0x05] "struct.set"           Gc                { StructField: special }
    ArrayGet          [0xFB 0x0B] "array.get"            Gc                { Type: special }
    ArrayGetS         [0xFB 0x0C] "array.get_s"          Gc                { Type: special }
    ArrayGetU         [0xFB 0x0D] "array.get_u"          Gc                { Type: special }
    ArraySet          [0xFB 0x0E] "array.set"            Gc                { Type: special }
    ArrayLen          [0xFB 0x0F] "array.len"            Gc                { None: (ref) -> (i32) }
    AnyConvertExtern  [0xFB 0x1A] "any.convert_extern"   Gc                { None: (ref) -> (ref) }
    ExternConvertAny  [0xFB 0x1B] "extern.convert_any"   Gc                { None: (ref) -> (ref) }
    RefI31            [0xFB 0x1C] "ref.i31"              Gc                { None: (i32) -> (ref) }
    I31GetS           [0xFB 0x1D] "i31.get_s"            Gc                { None: (ref) -> (i32) }
    I31GetU           [0xFB 0x1E] "i31.get_u"            Gc                { None: (ref) -> (i32) }
}

rows! {
    /// Allocation, and work on many elements: `{ Imms signature }`. Out of line in every tier
    /// (`store/aggregate.rs`), save that tiers may allocate structures inline.
    for_each_aggregate: aggregate ($)

    StructNew         [0xFB 0x00] "struct.new"           Gc                { Type: special }
    StructNewDefault  [0xFB 0x01] "struct.new_default"   Gc                { Type: special }
    ArrayNew          [0xFB 0x06] "array.new"            Gc                { Type: special }
    ArrayNewDefault   [0xFB 0x07] "array.new_default"    Gc                { Type: special }
    ArrayNewFixed     [0xFB 0x08] "array.new_fixed"      Gc                { TypeCount: special }
    ArrayNewData      [0xFB 0x09] "array.new_data"       Gc                { TypeData: special }
    ArrayNewElem      [0xFB 0x0A] "array.new_elem"       Gc                { TypeElem: special }
    ArrayFill         [0xFB 0x10] "array.fill"           Gc                { Type: special }
    ArrayCopy         [0xFB 0x11] "array.copy"           Gc                { TypeType: special }
    ArrayInitData     [0xFB 0x12] "array.init_data"      Gc                { TypeData: special }
    ArrayInitElem     [0xFB 0x13] "array.init_elem"      Gc                { TypeElem: special }
    StructNewDesc     [0xFB 0x20] "struct.new_desc"      CustomDescriptors { Type: special }
    StructNewDefaultDesc [0xFB 0x21] "struct.new_default_desc" CustomDescriptors { Type: special }
}

rows! {
    /// Continuations: `{ Imms signature }`.
    for_each_stack_switching: stack_switching ($)

    ContNew        [0xE0] "cont.new"         StackSwitching { Type: special }
    ContBind       [0xE1] "cont.bind"        StackSwitching { TypeType: special }
    Suspend        [0xE2] "suspend"          StackSwitching { Tag: special }
    Resume         [0xE3] "resume"           StackSwitching { Resume: special }
    ResumeThrow    [0xE4] "resume_throw"     StackSwitching { ResumeThrow: special }
    ResumeThrowRef [0xE5] "resume_throw_ref" StackSwitching { Resume: special }
    Switch         [0xE6] "switch"           StackSwitching { TypeTag: special }
}

rows! {
    /// Atomic access to globals, tables, structures, arrays: `{ Imms signature }`.
    for_each_shared_everything: shared_everything ($)

    GlobalAtomicGet    [0xFE 0x4F] "global.atomic.get"     SharedEverything { AtomicIndex: special }
    GlobalAtomicSet    [0xFE 0x50] "global.atomic.set"     SharedEverything { AtomicIndex: special }
    GlobalAtomicRmwAdd [0xFE 0x51] "global.atomic.rmw.add" SharedEverything { AtomicIndex: special }
    GlobalAtomicRmwSub [0xFE 0x52] "global.atomic.rmw.sub" SharedEverything { AtomicIndex: special }
    GlobalAtomicRmwAnd [0xFE 0x53] "global.atomic.rmw.and" SharedEverything { AtomicIndex: special }
    GlobalAtomicRmwOr  [0xFE 0x54] "global.atomic.rmw.or"  SharedEverything { AtomicIndex: special }
    GlobalAtomicRmwXor [0xFE 0x55] "global.atomic.rmw.xor" SharedEverything { AtomicIndex: special }
    GlobalAtomicRmwXchg [0xFE 0x56] "global.atomic.rmw.xchg" SharedEverything
        { AtomicIndex: special }
    GlobalAtomicRmwCmpxchg [0xFE 0x57] "global.atomic.rmw.cmpxchg" SharedEverything
        { AtomicIndex: special }
    TableAtomicGet     [0xFE 0x58] "table.atomic.get"      SharedEverything { AtomicIndex: special }
    TableAtomicSet     [0xFE 0x59] "table.atomic.set"      SharedEverything { AtomicIndex: special }
    TableAtomicRmwXchg [0xFE 0x5A] "table.atomic.rmw.xchg" SharedEverything { AtomicIndex: special }
    TableAtomicRmwCmpxchg [0xFE 0x5B] "table.atomic.rmw.cmpxchg" SharedEverything
        { AtomicIndex: special }
    StructAtomicGet    [0xFE 0x5C] "struct.atomic.get"     SharedEverything { AtomicField: special }
    StructAtomicGetS   [0xFE 0x5D] "struct.atomic.get_s"   SharedEverything { AtomicField: special }
    StructAtomicGetU   [0xFE 0x5E] "struct.atomic.get_u"   SharedEverything { AtomicField: special }
    StructAtomicSet    [0xFE 0x5F] "struct.atomic.set"     SharedEverything { AtomicField: special }
    StructAtomicRmwAdd [0xFE 0x60] "struct.atomic.rmw.add" SharedEverything { AtomicField: special }
    StructAtomicRmwSub [0xFE 0x61] "struct.atomic.rmw.sub" SharedEverything { AtomicField: special }
    StructAtomicRmwAnd [0xFE 0x62] "struct.atomic.rmw.and" SharedEverything { AtomicField: special }
    StructAtomicRmwOr  [0xFE 0x63] "struct.atomic.rmw.or"  SharedEverything { AtomicField: special }
    StructAtomicRmwXor [0xFE 0x64] "struct.atomic.rmw.xor" SharedEverything { AtomicField: special }
    StructAtomicRmwXchg [0xFE 0x65] "struct.atomic.rmw.xchg" SharedEverything
        { AtomicField: special }
    StructAtomicRmwCmpxchg [0xFE 0x66] "struct.atomic.rmw.cmpxchg" SharedEverything
        { AtomicField: special }
    ArrayAtomicGet     [0xFE 0x67] "array.atomic.get"      SharedEverything { AtomicIndex: special }
    ArrayAtomicGetS    [0xFE 0x68] "array.atomic.get_s"    SharedEverything { AtomicIndex: special }
    ArrayAtomicGetU    [0xFE 0x69] "array.atomic.get_u"    SharedEverything { AtomicIndex: special }
    ArrayAtomicSet     [0xFE 0x6A] "array.atomic.set"      SharedEverything { AtomicIndex: special }
    ArrayAtomicRmwAdd  [0xFE 0x6B] "array.atomic.rmw.add"  SharedEverything { AtomicIndex: special }
    ArrayAtomicRmwSub  [0xFE 0x6C] "array.atomic.rmw.sub"  SharedEverything { AtomicIndex: special }
    ArrayAtomicRmwAnd  [0xFE 0x6D] "array.atomic.rmw.and"  SharedEverything { AtomicIndex: special }
    ArrayAtomicRmwOr   [0xFE 0x6E] "array.atomic.rmw.or"   SharedEverything { AtomicIndex: special }
    ArrayAtomicRmwXor  [0xFE 0x6F] "array.atomic.rmw.xor"  SharedEverything { AtomicIndex: special }
    ArrayAtomicRmwXchg [0xFE 0x70] "array.atomic.rmw.xchg" SharedEverything { AtomicIndex: special }
    ArrayAtomicRmwCmpxchg [0xFE 0x71] "array.atomic.rmw.cmpxchg" SharedEverything
        { AtomicIndex: special }
    RefI31Shared       [0xFE 0x72] "ref.i31_shared"        SharedEverything { None: special }
}
