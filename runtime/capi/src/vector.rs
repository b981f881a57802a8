//! Vectors: a size and a pointer, with the five functions of each element type.
//!
//! A vector that this library makes owns a boxed slice. C may also hand over vectors of arrays of
//! its own, which are only read or written in place. Invariant: data that is null goes with the
//! size 0.

use std::mem::MaybeUninit;
use std::ptr::{null_mut, slice_from_raw_parts_mut};

/// `wasm_xxx_vec_t`. It owns its elements.
#[repr(C)]
#[derive(Debug)]
pub struct Vector<T> {
    size: usize,
    data: *mut T,
}

/// `wasm_byte_vec_t` and `wasm_name_t`.
pub type Bytes = Vector<u8>;

/// A vector that C gets by a pointer to memory without a value.
pub type Out<'a, T> = Option<&'a mut MaybeUninit<Vector<T>>>;

impl<T> Vector<T> {
    /// The vector without elements.
    pub const EMPTY: Vector<T> = Vector {
        size: 0,
        data: null_mut(),
    };

    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        if self.data.is_null() {
            return &[];
        }
        // SAFETY: the contract: the data has as many elements as the size says.
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }

    /// The number of elements that there is room for, initialised or not.
    pub fn room(&self) -> usize {
        if self.data.is_null() { 0 } else { self.size }
    }

    /// Writes values in place of elements that may be uninitialised, as far as there is room.
    pub fn fill(&mut self, values: impl IntoIterator<Item = T>) {
        for (at, value) in values.into_iter().enumerate().take(self.room()) {
            // SAFETY: the contract: the data has room for as many elements as the size says.
            unsafe { self.data.add(at).write(value) }
        }
    }

    /// The vector with its elements; an empty one is left.
    pub fn take(&mut self) -> Vector<T> {
        std::mem::replace(self, Vector::EMPTY)
    }
}

impl<T> From<Vec<T>> for Vector<T> {
    fn from(elements: Vec<T>) -> Vector<T> {
        if elements.is_empty() {
            return Vector::EMPTY;
        }
        Vector {
            size: elements.len(),
            data: Box::into_raw(elements.into_boxed_slice()).cast(),
        }
    }
}

impl<T: Clone> Clone for Vector<T> {
    fn clone(&self) -> Vector<T> {
        self.as_slice().to_vec().into()
    }
}

impl<T> Drop for Vector<T> {
    fn drop(&mut self) {
        if self.size > 0 && !self.data.is_null() {
            // SAFETY: an owned vector is a boxed slice: see `From<Vec<T>>`.
            drop(unsafe { Box::from_raw(slice_from_raw_parts_mut(self.data, self.size)) });
        }
    }
}

/// Gives C a vector.
pub fn give<T>(out: Out<'_, T>, vector: Vector<T>) {
    if let Some(out) = out {
        out.write(vector);
    }
}

/// So many elements, each of them made; none if memory for them is lacking.
pub fn elements<T>(size: usize, make: impl FnMut(usize) -> T) -> Vector<T> {
    let mut elements = Vec::new();
    if elements.try_reserve_exact(size).is_ok() {
        elements.extend((0..size).map(make));
    }
    elements.into()
}

/// The five functions of a vector type.
macro_rules! vectors {
    ($($name:literal: $element:ty;)*) => { $(
        const _: () = {
            use $crate::vector::{Out, Vector, elements, give};

            #[unsafe(export_name = concat!("wasm_", $name, "_vec_new_empty"))]
            extern "C" fn new_empty(out: Out<'_, $element>) {
                give(out, Vector::EMPTY);
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_vec_new_uninitialized"))]
            extern "C" fn new_uninitialized(out: Out<'_, $element>, size: usize) {
                give(out, elements(size, |_| <$element>::default()));
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_vec_new"))]
            extern "C" fn new(out: Out<'_, $element>, size: usize, data: *const $element) {
                let size = if data.is_null() { 0 } else { size };
                // SAFETY: C gives away as many elements as it says.
                give(out, elements(size, |at| unsafe { data.add(at).read() }));
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_vec_copy"))]
            extern "C" fn copy(out: Out<'_, $element>, from: Option<&Vector<$element>>) {
                give(out, from.cloned().unwrap_or(Vector::EMPTY));
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_vec_delete"))]
            extern "C" fn delete(vector: Option<&mut Vector<$element>>) {
                drop(vector.map(Vector::take));
            }
        };
    )* };
}

pub(crate) use vectors;

vectors! {
    "byte": u8;
}
