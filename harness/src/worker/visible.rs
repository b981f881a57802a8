//! The visible state of an instance (`outcome/visible.rs`), of our own tiers.

use wassay_runtime::{Extern, Store, Val};

use crate::outcome::visible::{of_f32, of_f64, of_memory, of_table, of_v128};

/// The digest of an export; none of what is not state, or what other threads can write.
pub(super) fn digest(store: &Store, item: Extern) -> Option<u64> {
    match item {
        Extern::Memory(memory) if memory.ty(store).is_shared() => None,
        Extern::Memory(memory) => Some(of_memory(memory.data(store))),
        Extern::Table(table) => {
            let length = table.size(store);
            let element = |index| {
                table
                    .get(store, index)
                    .is_none_or(|element| element.is_null())
            };
            Some(of_table(length, (0..length).map(element)))
        }
        Extern::Global(global) => Some(match global.get(store) {
            Val::I32(bits) => u64::from(bits.cast_unsigned()),
            Val::I64(bits) => bits.cast_unsigned(),
            Val::F32(bits) => of_f32(bits),
            Val::F64(bits) => of_f64(bits),
            Val::V128(bits) => of_v128(bits),
            Val::Ref(reference) => u64::from(reference.is_null()),
        }),
        Extern::Func(_) | Extern::Tag(_) => None,
    }
}
