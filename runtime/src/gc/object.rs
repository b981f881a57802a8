//! Fields in the heap: writes from slots by width; the number of slots that instructions take.
//!
//! A field narrower than a slot holds the slot's low bytes; a v128 takes two slots. Heap objects
//! are 8-aligned and v128 fields no better, so that every access is one that may be unaligned.

use crate::ops::{Group, Op, group};
use crate::trap::{TrapKind, non_null};
use crate::types::{AbstractHeapType, Layout, OBJECT_HEADER_BYTES, RefType, StorageType, ValType};
use crate::vm::{Cx, GcHeader};

/// The operands of an instruction that makes a structure or an array of a type, or works on an
/// array of it, by their storage. `b` is its second immediate.
pub fn aggregate_operands(op: group::Aggregate, layout: &Layout, b: u32) -> Vec<StorageType> {
    use group::Aggregate as A;
    const I32: StorageType = StorageType::Val(ValType::I32);
    const REF: StorageType =
        StorageType::Val(ValType::Ref(RefType::nullable(AbstractHeapType::Any)));
    let fields = || layout.fields.iter().map(|field| field.storage);
    let element = || layout.fields[0].storage;
    match op {
        A::StructNew => fields().collect(),
        A::StructNewDefault => Vec::new(),
        A::StructNewDesc => fields().chain([REF]).collect(),
        A::StructNewDefaultDesc => vec![REF],
        A::ArrayNew => vec![element(), I32],
        A::ArrayNewDefault => vec![I32],
        A::ArrayNewFixed => vec![element(); b as usize],
        A::ArrayNewData | A::ArrayNewElem => vec![I32, I32],
        A::ArrayFill => vec![REF, I32, element(), I32],
        A::ArrayCopy => vec![REF, I32, REF, I32, I32],
        A::ArrayInitData | A::ArrayInitElem => vec![REF, I32, I32, I32],
    }
}

/// True if the result of an instruction is a new object; otherwise it has none.
pub fn makes_object(op: group::Aggregate) -> bool {
    use group::Aggregate as A;
    match op {
        A::StructNew
        | A::StructNewDefault
        | A::StructNewDesc
        | A::StructNewDefaultDesc
        | A::ArrayNew
        | A::ArrayNewDefault
        | A::ArrayNewFixed
        | A::ArrayNewData
        | A::ArrayNewElem => true,
        A::ArrayFill | A::ArrayCopy | A::ArrayInitData | A::ArrayInitElem => false,
    }
}

/// The number of slots of the operands of such an instruction.
pub fn operand_slots(op: Op, layout: &Layout, b: u32) -> u32 {
    let Group::Aggregate(row) = op.group() else {
        return 0;
    };
    let operands = aggregate_operands(row, layout, b);
    operands.iter().map(|storage| storage.slots()).sum()
}

/// The head of the object of a word, or the trap if that is null.
///
/// # Safety
/// The word is null or that of an object of the store that `cx` belongs to.
#[inline(always)]
pub unsafe fn header(cx: *mut Cx, word: u64, null: TrapKind) -> Result<*mut GcHeader, TrapKind> {
    non_null(word, null)?;
    // SAFETY: the caller's contract.
    Ok(unsafe { (*cx).gc_base.add(word as usize).cast() })
}

/// The address of a structure's field at an offset in bytes, or the trap.
///
/// # Safety
/// As for [`header`], of a structure that has the field.
#[inline(always)]
pub unsafe fn field(cx: *mut Cx, word: u64, offset: u64) -> Result<*mut u8, TrapKind> {
    non_null(word, TrapKind::NullStructReference)?;
    // SAFETY: the caller's contract.
    Ok(unsafe { (*cx).gc_base.add((word + offset) as usize) })
}

/// The address of an array's element of `size_bytes`, or the trap.
///
/// # Safety
/// As for [`header`], of an array of such elements.
#[inline(always)]
pub unsafe fn element(
    cx: *mut Cx,
    word: u64,
    index: u64,
    size_bytes: usize,
) -> Result<*mut u8, TrapKind> {
    // SAFETY: the caller's contract.
    unsafe {
        let object = header(cx, word, TrapKind::NullArrayReference)?;
        if index >= u64::from((*object).extra) {
            return Err(TrapKind::ArrayOutOfBounds);
        }
        let offset = OBJECT_HEADER_BYTES as usize + index as usize * size_bytes;
        Ok(object.cast::<u8>().add(offset))
    }
}

/// Writes a field of `1 << size_log2` bytes from its slots.
///
/// # Safety
/// `at` is a field of that width, `slots` its value's slots.
#[inline(always)]
pub unsafe fn write_field(at: *mut u8, size_log2: u8, slots: *const u64) {
    // SAFETY: the caller's contract.
    unsafe {
        match size_log2 {
            0 => at.write(*slots as u8),
            1 => at.cast::<u16>().write_unaligned(*slots as u16),
            2 => at.cast::<u32>().write_unaligned(*slots as u32),
            3 => at.cast::<u64>().write_unaligned(*slots),
            _ => at
                .cast::<[u64; 2]>()
                .write_unaligned([*slots, *slots.add(1)]),
        }
    }
}

/// Reads a field of `1 << size_log2` bytes: its value's slots, zero-extended.
///
/// # Safety
/// `at` is a field of that width.
pub unsafe fn read_field(at: *const u8, size_log2: u8) -> [u64; 2] {
    // SAFETY: the caller's contract.
    unsafe {
        match size_log2 {
            0 => [at.read().into(), 0],
            1 => [at.cast::<u16>().read_unaligned().into(), 0],
            2 => [at.cast::<u32>().read_unaligned().into(), 0],
            3 => [at.cast::<u64>().read_unaligned(), 0],
            _ => at.cast::<[u64; 2]>().read_unaligned(),
        }
    }
}

/// Writes a structure's fields from consecutive slots.
///
/// # Safety
/// `object` is the address of an object of that layout, `slots` has all its fields' slots.
#[inline(always)]
pub unsafe fn write_fields(object: *mut u8, layout: &Layout, mut slots: *const u64) {
    for field in &layout.fields {
        // SAFETY: the caller's contract.
        unsafe {
            write_field(
                object.add(field.offset_bytes as usize),
                field.size_log2,
                slots,
            );
            slots = slots.add(field.slots() as usize);
        }
    }
}

/// Fills `len` elements with the value of some slots.
///
/// # Safety
/// `at` is the first of that many elements of that width, `slots` their value's slots.
pub unsafe fn fill(at: *mut u8, size_log2: u8, slots: *const u64, len: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        if size_log2 == 0 {
            at.write_bytes(*slots as u8, len);
            return;
        }
        for i in 0..len {
            write_field(at.add(i << size_log2), size_log2, slots);
        }
    }
}

/// Writes `len` elements, each from its own slots.
///
/// # Safety
/// As for [`fill`], with the slots of all values.
pub unsafe fn write_elements(at: *mut u8, size_log2: u8, slots: *const u64, len: usize) {
    let slots_of = if size_log2 == 4 { 2 } else { 1 };
    for i in 0..len {
        // SAFETY: the caller's contract.
        unsafe {
            let at = at.add(i << size_log2);
            write_field(at, size_log2, slots.add(i * slots_of));
        }
    }
}
