//! The instructions on structures and arrays that are out of line in every tier: those that
//! allocate or work on many elements (spec: "Aggregate Instructions").
//!
//! They have one signature, [`Aggregate`]: operands stand in consecutive slots of the value stack,
//! and the result comes to stand where the first of them was. So they are roots while a collection
//! runs. `struct.new` is here for its slow path; the tiers allocate structures inline.
//!
//! Invariants: bounds are checked before anything is allocated or written; an object's references
//! are all written before anything else is allocated. `unsafe` here follows addresses that running
//! code holds.

use super::StoreData;
use super::collect::new_object;
use crate::gc;
use crate::helpers::{copy_in_pieces, in_pieces};
use crate::ops::{Group, Op, group};
use crate::trap::TrapKind;
use crate::types::{DefinedType, FieldLayout, OBJECT_HEADER_BYTES};
use crate::vm::{Cx, EXIT_OK, Exit, GcHeader, Vm};

/// An instruction out of line: it takes the running instance, two immediates, the slots of its
/// operands and of its result, and the first slot above everything that is live.
///
/// The immediates are, in the order of the opcode's own: for a type, the address of its
/// [`DefinedType`]; for a segment its index; for a number itself.
///
/// # Safety
/// `vm` is live, the immediates are of its module, the slots are on the value stack below `top` and
/// hold values of the types that validation has checked.
pub type Aggregate =
    unsafe extern "C" fn(vm: *mut Vm, a: u64, b: u64, slots: *mut u64, top: *mut u64) -> Exit;

type OrTrap<T> = Result<T, TrapKind>;

/// The operands and the place of an instruction out of line.
#[derive(Clone, Copy)]
struct AggregateCall {
    vm: *mut Vm,
    cx: *mut Cx,
    slots: *mut u64,
    top: *mut u64,
}

macro_rules! aggregates {
    ($(
        $(#[$meta:meta])*
        $op:ident: fn $name:ident($call:ident, $a:ident, $b:ident) $body:block
    )*) => {
        /// The implementation of an opcode; `None` for those that every tier executes inline.
        pub fn aggregate(op: Op) -> Option<Aggregate> {
            let Group::Aggregate(op) = op.group() else {
                return None;
            };
            Some(match op { $(group::Aggregate::$op => $name),* })
        }

        $($(#[$meta])*
        unsafe extern "C" fn $name(
            vm: *mut Vm,
            $a: u64,
            $b: u64,
            slots: *mut u64,
            top: *mut u64,
        ) -> Exit {
            // SAFETY: the contract of `Aggregate`.
            unsafe {
                let $call = AggregateCall { vm, cx: (*vm).cx, slots, top };
                let body = || -> OrTrap<()> { $body };
                match body() {
                    Ok(()) => EXIT_OK,
                    Err(kind) => kind as Exit,
                }
            }
        })*
    };
}

aggregates! {
    /// `struct.new`: `[fields] -> [structure]`.
    StructNew: fn struct_new(call, ty, _b) {
        let ty = defined(ty);
        let object = call.structure(ty, 0)?;
        gc::write_fields(object, &ty.layout, call.slots);
        call.give(object)
    }

    /// `struct.new_default`: `[] -> [structure]`.
    StructNewDefault: fn struct_new_default(call, ty, _b) {
        let ty = defined(ty);
        let object = call.structure(ty, 0)?;
        zero(object, ty);
        call.give(object)
    }

    /// `struct.new_desc`: `[fields descriptor] -> [structure]`.
    StructNewDesc: fn struct_new_desc(call, ty, _b) {
        let ty = defined(ty);
        let fields = ty.layout.fields.iter().map(|field| field.slots()).sum::<u32>();
        let object = call.structure(ty, call.descriptor(fields)?)?;
        gc::write_fields(object, &ty.layout, call.slots);
        call.give(object)
    }

    /// `struct.new_default_desc`: `[descriptor] -> [structure]`.
    StructNewDefaultDesc: fn struct_new_default_desc(call, ty, _b) {
        let ty = defined(ty);
        let object = call.structure(ty, call.descriptor(0)?)?;
        zero(object, ty);
        call.give(object)
    }

    /// `array.new`: `[value length] -> [array]`.
    ArrayNew: fn array_new(call, ty, _b) {
        let ty = defined(ty);
        let element = ty.layout.fields[0];
        let len = call.int(element.slots());
        let object = call.array(ty, len)?;
        gc::fill(first(object), element.size_log2, call.slots, len as usize);
        call.give(object)
    }

    /// `array.new_default`: `[length] -> [array]`.
    ArrayNewDefault: fn array_new_default(call, ty, _b) {
        let ty = defined(ty);
        let len = call.int(0);
        let object = call.array(ty, len)?;
        first(object).write_bytes(0, (len as usize) << ty.layout.fields[0].size_log2);
        call.give(object)
    }

    /// `array.new_fixed`: `[values] -> [array]`.
    ArrayNewFixed: fn array_new_fixed(call, ty, len) {
        let ty = defined(ty);
        let object = call.array(ty, len as u32)?;
        let size_log2 = ty.layout.fields[0].size_log2;
        gc::write_elements(first(object), size_log2, call.slots, len as usize);
        call.give(object)
    }

    /// `array.new_data`: `[from length] -> [array]`.
    ArrayNewData: fn array_new_data(call, ty, segment) {
        let ty = defined(ty);
        let element = ty.layout.fields[0];
        let (from, len) = (call.int(0), call.int(1));
        let bytes = call.data(segment, from, len, element)?;
        let object = call.array(ty, len)?;
        first(object).copy_from_nonoverlapping(bytes, (len as usize) << element.size_log2);
        call.give(object)
    }

    /// `array.new_elem`: `[from length] -> [array]`.
    ArrayNewElem: fn array_new_elem(call, ty, segment) {
        let ty = defined(ty);
        let (from, len) = (call.int(0), call.int(1));
        let words = call.element(segment, from, len)?;
        let object = call.array(ty, len)?;
        first(object).cast::<u64>().copy_from_nonoverlapping(words, len as usize);
        call.give(object)
    }

    /// `array.fill`: `[array at value length] -> []`.
    ArrayFill: fn array_fill(call, ty, _b) {
        let element = defined(ty).layout.fields[0];
        let (at, len) = (call.int(1), call.int(2 + element.slots()));
        let to = call.range(0, at, len, element)?;
        let width = 1 << element.size_log2;
        call.in_pieces(len as usize, width, |at, len| {
            gc::fill(to.add(at * width), element.size_log2, call.slots.add(2), len);
        })
    }

    /// `array.copy`: `[to-array to from-array from length] -> []`.
    ArrayCopy: fn array_copy(call, ty, _from_ty) {
        let element = defined(ty).layout.fields[0];
        let (to, from, len) = (call.int(1), call.int(3), call.int(4));
        call.null_array(2)?;
        let to = call.range(0, to, len, element)?;
        let from = call.range(2, from, len, element)?;
        let len_bytes = (len as usize) << element.size_log2;
        ended(copy_in_pieces(call.vm, from.cast_const(), to, len_bytes))
    }

    /// `array.init_data`: `[array to from length] -> []`.
    ArrayInitData: fn array_init_data(call, ty, segment) {
        let element = defined(ty).layout.fields[0];
        let (to, from, len) = (call.int(1), call.int(2), call.int(3));
        let to = call.range(0, to, len, element)?;
        let bytes = call.data(segment, from, len, element)?;
        to.copy_from_nonoverlapping(bytes, (len as usize) << element.size_log2);
        Ok(())
    }

    /// `array.init_elem`: `[array to from length] -> []`.
    ArrayInitElem: fn array_init_elem(call, ty, segment) {
        let element = defined(ty).layout.fields[0];
        let (to, from, len) = (call.int(1), call.int(2), call.int(3));
        let to = call.range(0, to, len, element)?;
        let words = call.element(segment, from, len)?;
        to.cast::<u64>().copy_from_nonoverlapping(words, len as usize);
        Ok(())
    }
}

/// The end of an instruction that may have been interrupted.
fn ended(exit: Exit) -> OrTrap<()> {
    match exit {
        EXIT_OK => Ok(()),
        _ => Err(TrapKind::Interrupted),
    }
}

/// The type that an immediate gives.
unsafe fn defined<'a>(address: u64) -> &'a DefinedType {
    // SAFETY: the contract of `Aggregate`; types live as long as their registry.
    unsafe { &*(address as *const DefinedType) }
}

/// The address of an array's first element.
fn first(object: *mut u8) -> *mut u8 {
    object.wrapping_add(OBJECT_HEADER_BYTES as usize)
}

/// Makes all fields zero and null.
unsafe fn zero(object: *mut u8, ty: &DefinedType) {
    let bytes = ty.layout.size_bytes - OBJECT_HEADER_BYTES;
    // SAFETY: the caller has just allocated an object of the type.
    unsafe { first(object).write_bytes(0, bytes as usize) };
}

impl AggregateCall {
    /// Does something to `len` elements of `width` bytes, in pieces between which it can be
    /// interrupted.
    unsafe fn in_pieces(
        self,
        len: usize,
        width: usize,
        work: impl FnMut(usize, usize),
    ) -> OrTrap<()> {
        // SAFETY: the contract of `Aggregate`.
        ended(unsafe { in_pieces(self.vm, len, width, work) })
    }

    /// An operand that is an i32.
    unsafe fn int(self, slot: u32) -> u32 {
        // SAFETY: the contract of `Aggregate`.
        unsafe { *self.slots.add(slot as usize) as u32 }
    }

    /// The descriptor that is an operand.
    unsafe fn descriptor(self, slot: u32) -> OrTrap<u32> {
        // SAFETY: the contract of `Aggregate`.
        match unsafe { self.int(slot) } {
            0 => Err(TrapKind::NullDescriptorReference),
            descriptor => Ok(descriptor),
        }
    }

    /// Makes an object the result.
    unsafe fn give(self, object: *mut u8) -> OrTrap<()> {
        // SAFETY: the contract of `Aggregate`; the object is in the store's heap.
        unsafe { *self.slots = object as u64 - (*self.cx).gc_base as u64 };
        Ok(())
    }

    unsafe fn structure(self, ty: &DefinedType, descriptor: u32) -> OrTrap<*mut u8> {
        // SAFETY: the contract of `Aggregate`.
        unsafe { self.object(ty, descriptor, ty.layout.size_bytes.into()) }
    }

    unsafe fn array(self, ty: &DefinedType, len: u32) -> OrTrap<*mut u8> {
        let bytes = u64::from(len) << ty.layout.fields[0].size_log2;
        // SAFETY: the contract of `Aggregate`.
        unsafe { self.object(ty, len, u64::from(ty.layout.size_bytes) + bytes) }
    }

    unsafe fn object(self, ty: &DefinedType, extra: u32, bytes: u64) -> OrTrap<*mut u8> {
        let header = GcHeader { ty: ty.id(), extra };
        // SAFETY: the contract of `Aggregate`.
        let object = unsafe { new_object(self.cx, header, bytes, self.top) };
        object.ok_or(TrapKind::HeapExhausted)
    }

    unsafe fn null_array(self, slot: u32) -> OrTrap<()> {
        // SAFETY: the contract of `Aggregate`.
        match unsafe { *self.slots.add(slot as usize) } {
            0 => Err(TrapKind::NullArrayReference),
            _ => Ok(()),
        }
    }

    /// The address of some elements of the array that is an operand.
    unsafe fn range(self, slot: u32, at: u32, len: u32, element: FieldLayout) -> OrTrap<*mut u8> {
        // SAFETY: the contract of `Aggregate`.
        unsafe {
            self.null_array(slot)?;
            let object = (*self.cx)
                .gc_base
                .add(*self.slots.add(slot as usize) as usize);
            let array_len = (*object.cast::<GcHeader>()).extra;
            if u64::from(at) + u64::from(len) > u64::from(array_len) {
                return Err(TrapKind::ArrayOutOfBounds);
            }
            Ok(first(object).add((at as usize) << element.size_log2))
        }
    }

    /// The address of a data segment's bytes for `len` elements.
    unsafe fn data(
        self,
        segment: u64,
        from: u32,
        len: u32,
        element: FieldLayout,
    ) -> OrTrap<*const u8> {
        // SAFETY: the contract of `Aggregate`.
        unsafe {
            let data = &*(*self.vm).datas.add(segment as usize);
            let bytes = u64::from(len) << element.size_log2;
            if u64::from(from) + bytes > data.len_bytes as u64 {
                return Err(TrapKind::MemoryOutOfBounds);
            }
            Ok(data.bytes.wrapping_add(from as usize))
        }
    }

    /// The address of `len` words of an element segment.
    unsafe fn element(self, segment: u64, from: u32, len: u32) -> OrTrap<*const u64> {
        // SAFETY: the contract of `Aggregate`.
        unsafe {
            let element = &*(*self.vm).elements.add(segment as usize);
            if u64::from(from) + u64::from(len) > element.len as u64 {
                return Err(TrapKind::TableOutOfBounds);
            }
            Ok(element.words.wrapping_add(from as usize))
        }
    }
}

impl StoreData {
    /// Runs an instruction on operands that are not on the value stack but among the roots of
    /// initialisation, the topmost last: its result is left there.
    ///
    /// # Safety
    /// `vm` is of an instance of this store, the immediates are of its module, and `operands` slots
    /// are there.
    pub(super) unsafe fn run_aggregate(
        data: *mut StoreData,
        vm: *mut Vm,
        op: Op,
        (a, b): (u64, u64),
        operands: usize,
    ) -> Exit {
        let Some(run) = aggregate(op) else {
            return Exit::MAX;
        };
        // SAFETY: the caller's contract; while the instruction runs, nothing pushes to the roots.
        unsafe {
            let roots = &mut (*data).heap.initializing;
            roots.push(0);
            let first = roots.len() - 1 - operands;
            let slots = roots.as_mut_ptr().add(first);
            let top = (*data).cx.top;
            let exit = run(vm, a, b, slots, top);
            (*data).heap.initializing.truncate(first + 1);
            exit
        }
    }
}
