//! Rows of the opcode table: loads, stores, whole-memory instructions, atomics.
//!
//! Owns the facts of these opcodes and nothing else; `super` says what a row means and composes
//! them. The natural alignment of an access is the size of its `storage` type.
//! Spec: 5.4.6 Memory Instructions; the threads proposal for 0xFE.

rows! {
    /// Whole-memory instructions: `{ Imms signature }`.
    for_each_memory: memory ($)

    MemorySize    [0x3F]      "memory.size"    Mvp           { Memory: () -> (addr) }
    MemoryGrow    [0x40]      "memory.grow"    Mvp           { Memory: (addr) -> (addr) }
    MemoryInit    [0xFC 0x08] "memory.init"    BulkMemory    { MemoryInit: (addr, i32, i32) -> () }
    DataDrop      [0xFC 0x09] "data.drop"      BulkMemory    { Data: () -> () }
    MemoryCopy    [0xFC 0x0A] "memory.copy"    BulkMemory    { MemoryCopy: special }
    MemoryFill    [0xFC 0x0B] "memory.fill"    BulkMemory    { Memory: (addr, i32, addr) -> () }
    MemoryDiscard [0xFC 0x12] "memory.discard" MemoryControl { Memory: (addr, addr) -> () }
}

rows! {
    /// Scalar loads: `{ storage as slot -> result }`, Rust integer types of the bytes in memory and
    /// of the value in its slot (`as` is Rust's: sign or zero extension), then the value type.
    for_each_load: load ($)

    I32Load    [0x28] "i32.load"     Mvp { u32 as u32 -> i32 }
    I64Load    [0x29] "i64.load"     Mvp { u64 as u64 -> i64 }
    F32Load    [0x2A] "f32.load"     Mvp { u32 as u32 -> f32 }
    F64Load    [0x2B] "f64.load"     Mvp { u64 as u64 -> f64 }
    I32Load8S  [0x2C] "i32.load8_s"  Mvp { i8 as u32 -> i32 }
    I32Load8U  [0x2D] "i32.load8_u"  Mvp { u8 as u32 -> i32 }
    I32Load16S [0x2E] "i32.load16_s" Mvp { i16 as u32 -> i32 }
    I32Load16U [0x2F] "i32.load16_u" Mvp { u16 as u32 -> i32 }
    I64Load8S  [0x30] "i64.load8_s"  Mvp { i8 as u64 -> i64 }
    I64Load8U  [0x31] "i64.load8_u"  Mvp { u8 as u64 -> i64 }
    I64Load16S [0x32] "i64.load16_s" Mvp { i16 as u64 -> i64 }
    I64Load16U [0x33] "i64.load16_u" Mvp { u16 as u64 -> i64 }
    I64Load32S [0x34] "i64.load32_s" Mvp { i32 as u64 -> i64 }
    I64Load32U [0x35] "i64.load32_u" Mvp { u32 as u64 -> i64 }
}

rows! {
    /// Scalar stores: `{ operand -> slot as storage }`, the mirror image of loads.
    for_each_store: store ($)

    I32Store   [0x36] "i32.store"   Mvp { i32 -> u32 as u32 }
    I64Store   [0x37] "i64.store"   Mvp { i64 -> u64 as u64 }
    F32Store   [0x38] "f32.store"   Mvp { f32 -> u32 as u32 }
    F64Store   [0x39] "f64.store"   Mvp { f64 -> u64 as u64 }
    I32Store8  [0x3A] "i32.store8"  Mvp { i32 -> u32 as u8 }
    I32Store16 [0x3B] "i32.store16" Mvp { i32 -> u32 as u16 }
    I64Store8  [0x3C] "i64.store8"  Mvp { i64 -> u64 as u8 }
    I64Store16 [0x3D] "i64.store16" Mvp { i64 -> u64 as u16 }
    I64Store32 [0x3E] "i64.store32" Mvp { i64 -> u64 as u32 }
}

rows! {
    /// Atomic loads, rows as for loads.
    for_each_atomic_load: atomic_load ($)

    I32AtomicLoad    [0xFE 0x10] "i32.atomic.load"     Threads { u32 as u32 -> i32 }
    I64AtomicLoad    [0xFE 0x11] "i64.atomic.load"     Threads { u64 as u64 -> i64 }
    I32AtomicLoad8U  [0xFE 0x12] "i32.atomic.load8_u"  Threads { u8 as u32 -> i32 }
    I32AtomicLoad16U [0xFE 0x13] "i32.atomic.load16_u" Threads { u16 as u32 -> i32 }
    I64AtomicLoad8U  [0xFE 0x14] "i64.atomic.load8_u"  Threads { u8 as u64 -> i64 }
    I64AtomicLoad16U [0xFE 0x15] "i64.atomic.load16_u" Threads { u16 as u64 -> i64 }
    I64AtomicLoad32U [0xFE 0x16] "i64.atomic.load32_u" Threads { u32 as u64 -> i64 }
}

rows! {
    /// Atomic stores, rows as for stores.
    for_each_atomic_store: atomic_store ($)

    I32AtomicStore   [0xFE 0x17] "i32.atomic.store"   Threads { i32 -> u32 as u32 }
    I64AtomicStore   [0xFE 0x18] "i64.atomic.store"   Threads { i64 -> u64 as u64 }
    I32AtomicStore8  [0xFE 0x19] "i32.atomic.store8"  Threads { i32 -> u32 as u8 }
    I32AtomicStore16 [0xFE 0x1A] "i32.atomic.store16" Threads { i32 -> u32 as u16 }
    I64AtomicStore8  [0xFE 0x1B] "i64.atomic.store8"  Threads { i64 -> u64 as u8 }
    I64AtomicStore16 [0xFE 0x1C] "i64.atomic.store16" Threads { i64 -> u64 as u16 }
    I64AtomicStore32 [0xFE 0x1D] "i64.atomic.store32" Threads { i64 -> u64 as u32 }
}

rows! {
    /// Atomic read-modify-write: `{ operation storage as slot -> type }`.
    for_each_atomic_rmw: atomic_rmw ($)

    I32AtomicRmwAdd     [0xFE 0x1E] "i32.atomic.rmw.add"      Threads { add u32 as u32 -> i32 }
    I64AtomicRmwAdd     [0xFE 0x1F] "i64.atomic.rmw.add"      Threads { add u64 as u64 -> i64 }
    I32AtomicRmw8AddU   [0xFE 0x20] "i32.atomic.rmw8.add_u"   Threads { add u8 as u32 -> i32 }
    I32AtomicRmw16AddU  [0xFE 0x21] "i32.atomic.rmw16.add_u"  Threads { add u16 as u32 -> i32 }
    I64AtomicRmw8AddU   [0xFE 0x22] "i64.atomic.rmw8.add_u"   Threads { add u8 as u64 -> i64 }
    I64AtomicRmw16AddU  [0xFE 0x23] "i64.atomic.rmw16.add_u"  Threads { add u16 as u64 -> i64 }
    I64AtomicRmw32AddU  [0xFE 0x24] "i64.atomic.rmw32.add_u"  Threads { add u32 as u64 -> i64 }
    I32AtomicRmwSub     [0xFE 0x25] "i32.atomic.rmw.sub"      Threads { sub u32 as u32 -> i32 }
    I64AtomicRmwSub     [0xFE 0x26] "i64.atomic.rmw.sub"      Threads { sub u64 as u64 -> i64 }
    I32AtomicRmw8SubU   [0xFE 0x27] "i32.atomic.rmw8.sub_u"   Threads { sub u8 as u32 -> i32 }
    I32AtomicRmw16SubU  [0xFE 0x28] "i32.atomic.rmw16.sub_u"  Threads { sub u16 as u32 -> i32 }
    I64AtomicRmw8SubU   [0xFE 0x29] "i64.atomic.rmw8.sub_u"   Threads { sub u8 as u64 -> i64 }
    I64AtomicRmw16SubU  [0xFE 0x2A] "i64.atomic.rmw16.sub_u"  Threads { sub u16 as u64 -> i64 }
    I64AtomicRmw32SubU  [0xFE 0x2B] "i64.atomic.rmw32.sub_u"  Threads { sub u32 as u64 -> i64 }
    I32AtomicRmwAnd     [0xFE 0x2C] "i32.atomic.rmw.and"      Threads { and u32 as u32 -> i32 }
    I64AtomicRmwAnd     [0xFE 0x2D] "i64.atomic.rmw.and"      Threads { and u64 as u64 -> i64 }
    I32AtomicRmw8AndU   [0xFE 0x2E] "i32.atomic.rmw8.and_u"   Threads { and u8 as u32 -> i32 }
    I32AtomicRmw16AndU  [0xFE 0x2F] "i32.atomic.rmw16.and_u"  Threads { and u16 as u32 -> i32 }
    I64AtomicRmw8AndU   [0xFE 0x30] "i64.atomic.rmw8.and_u"   Threads { and u8 as u64 -> i64 }
    I64AtomicRmw16AndU  [0xFE 0x31] "i64.atomic.rmw16.and_u"  Threads { and u16 as u64 -> i64 }
    I64AtomicRmw32AndU  [0xFE 0x32] "i64.atomic.rmw32.and_u"  Threads { and u32 as u64 -> i64 }
    I32AtomicRmwOr      [0xFE 0x33] "i32.atomic.rmw.or"       Threads { or u32 as u32 -> i32 }
    I64AtomicRmwOr      [0xFE 0x34] "i64.atomic.rmw.or"       Threads { or u64 as u64 -> i64 }
    I32AtomicRmw8OrU    [0xFE 0x35] "i32.atomic.rmw8.or_u"    Threads { or u8 as u32 -> i32 }
    I32AtomicRmw16OrU   [0xFE 0x36] "i32.atomic.rmw16.or_u"   Threads { or u16 as u32 -> i32 }
    I64AtomicRmw8OrU    [0xFE 0x37] "i64.atomic.rmw8.or_u"    Threads { or u8 as u64 -> i64 }
    I64AtomicRmw16OrU   [0xFE 0x38] "i64.atomic.rmw16.or_u"   Threads { or u16 as u64 -> i64 }
    I64AtomicRmw32OrU   [0xFE 0x39] "i64.atomic.rmw32.or_u"   Threads { or u32 as u64 -> i64 }
    I32AtomicRmwXor     [0xFE 0x3A] "i32.atomic.rmw.xor"      Threads { xor u32 as u32 -> i32 }
    I64AtomicRmwXor     [0xFE 0x3B] "i64.atomic.rmw.xor"      Threads { xor u64 as u64 -> i64 }
    I32AtomicRmw8XorU   [0xFE 0x3C] "i32.atomic.rmw8.xor_u"   Threads { xor u8 as u32 -> i32 }
    I32AtomicRmw16XorU  [0xFE 0x3D] "i32.atomic.rmw16.xor_u"  Threads { xor u16 as u32 -> i32 }
    I64AtomicRmw8XorU   [0xFE 0x3E] "i64.atomic.rmw8.xor_u"   Threads { xor u8 as u64 -> i64 }
    I64AtomicRmw16XorU  [0xFE 0x3F] "i64.atomic.rmw16.xor_u"  Threads { xor u16 as u64 -> i64 }
    I64AtomicRmw32XorU  [0xFE 0x40] "i64.atomic.rmw32.xor_u"  Threads { xor u32 as u64 -> i64 }
    I32AtomicRmwXchg    [0xFE 0x41] "i32.atomic.rmw.xchg"     Threads { xchg u32 as u32 -> i32 }
    I64AtomicRmwXchg    [0xFE 0x42] "i64.atomic.rmw.xchg"     Threads { xchg u64 as u64 -> i64 }
    I32AtomicRmw8XchgU  [0xFE 0x43] "i32.atomic.rmw8.xchg_u"  Threads { xchg u8 as u32 -> i32 }
    I32AtomicRmw16XchgU [0xFE 0x44] "i32.atomic.rmw16.xchg_u" Threads { xchg u16 as u32 -> i32 }
    I64AtomicRmw8XchgU  [0xFE 0x45] "i64.atomic.rmw8.xchg_u"  Threads { xchg u8 as u64 -> i64 }
    I64AtomicRmw16XchgU [0xFE 0x46] "i64.atomic.rmw16.xchg_u" Threads { xchg u16 as u64 -> i64 }
    I64AtomicRmw32XchgU [0xFE 0x47] "i64.atomic.rmw32.xchg_u" Threads { xchg u32 as u64 -> i64 }
}

rows! {
    /// Atomic compare-exchange: `{ storage as slot -> type }`.
    for_each_atomic_cmpxchg: atomic_cmpxchg ($)

    I32AtomicRmwCmpxchg    [0xFE 0x48] "i32.atomic.rmw.cmpxchg"     Threads { u32 as u32 -> i32 }
    I64AtomicRmwCmpxchg    [0xFE 0x49] "i64.atomic.rmw.cmpxchg"     Threads { u64 as u64 -> i64 }
    I32AtomicRmw8CmpxchgU  [0xFE 0x4A] "i32.atomic.rmw8.cmpxchg_u"  Threads { u8 as u32 -> i32 }
    I32AtomicRmw16CmpxchgU [0xFE 0x4B] "i32.atomic.rmw16.cmpxchg_u" Threads { u16 as u32 -> i32 }
    I64AtomicRmw8CmpxchgU  [0xFE 0x4C] "i64.atomic.rmw8.cmpxchg_u"  Threads { u8 as u64 -> i64 }
    I64AtomicRmw16CmpxchgU [0xFE 0x4D] "i64.atomic.rmw16.cmpxchg_u" Threads { u16 as u64 -> i64 }
    I64AtomicRmw32CmpxchgU [0xFE 0x4E] "i64.atomic.rmw32.cmpxchg_u" Threads { u32 as u64 -> i64 }
}

rows! {
    /// Wait, notify, fence: `{ Imms signature }`.
    for_each_atomic_sync: atomic_sync ($)

    MemoryAtomicNotify [0xFE 0x00] "memory.atomic.notify" Threads
        { AtomicMemArg: (addr, i32) -> (i32) }
    MemoryAtomicWait32 [0xFE 0x01] "memory.atomic.wait32" Threads
        { AtomicMemArg: (addr, i32, i64) -> (i32) }
    MemoryAtomicWait64 [0xFE 0x02] "memory.atomic.wait64" Threads
        { AtomicMemArg: (addr, i64, i64) -> (i32) }
    AtomicFence [0xFE 0x03] "atomic.fence" Threads               { Ordering: () -> () }
    Pause       [0xFE 0x04] "pause"        AcquireReleaseAtomics { None: () -> () }
}
