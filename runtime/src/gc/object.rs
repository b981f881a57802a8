//! Fields in the heap: from slots and back, by their width; how many slots instructions take.
//!
//! A field narrower than a slot holds the slot's low bytes; a v128 takes two slots. Heap objects
//! are 8-aligned and v128 fields no better, so that every access is one that may be unaligned.

use crate::ops::{Group, Op, group};
use crate::types::Layout;

/// The number of slots of the operands of an instruction that is out of line: it makes a structure
/// or an array of a type, or works on an array of it. `b` is its second immediate.
pub fn operand_slots(op: Op, layout: &Layout, b: u32) -> u32 {
    use group::Aggregate as A;
    let fields: u32 = layout.fields.iter().map(|field| field.slots()).sum();
    let Group::Aggregate(op) = op.group() else {
        return 0;
    };
    match op {
        A::StructNew => fields,
        A::StructNewDefault => 0,
        A::StructNewDesc | A::ArrayNew => fields + 1,
        A::StructNewDefaultDesc | A::ArrayNewDefault => 1,
        A::ArrayNewFixed => fields * b,
        A::ArrayNewData | A::ArrayNewElem => 2,
        A::ArrayFill => fields + 3,
        A::ArrayCopy => 5,
        A::ArrayInitData | A::ArrayInitElem => 4,
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
