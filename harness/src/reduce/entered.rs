//! A module that begins where one of its functions was entered: with the memories and globals of
//! that moment, and the function as an export.

use wasm_encoder::{
    ConstExpr, DataSection, Encode, ExportKind, ExportSection, MemorySection, MemoryType,
};
use wasmparser::{BinaryReader, GlobalSectionReader, MemorySectionReader};

use super::module::{Parts, Segment, slice};
use crate::explain::snapshot::{MemoryImage, Snapshot};
use crate::outcome::Value;

/// The ids of sections.
const MEMORY: u8 = 5;
const GLOBAL: u8 = 6;
const START: u8 = 8;

/// The module of a snapshot, with the name by which it exports the function; `None` if it cannot be
/// made: it imports memories, or its code may name data segments.
pub(super) fn entered(module: &[u8], snapshot: &Snapshot) -> Option<(Vec<u8>, String)> {
    let mut parts = Parts::read(module).ok()?;
    if !parts.can_drop_segments() {
        return None;
    }
    parts.replace(START, |_| Some(None))?;
    let defined = parts.count(MEMORY, |bytes| {
        let reader = MemorySectionReader::new(BinaryReader::new(bytes, 0)).ok()?;
        Some(reader.count() as usize)
    })?;
    if defined != snapshot.memories.len() {
        return None;
    }
    parts.replace(MEMORY, |bytes| {
        memories(bytes, &snapshot.memories).map(Some)
    })?;
    parts.replace(GLOBAL, |bytes| globals(bytes, &snapshot.globals).map(Some))?;
    parts.segments.clear();
    for (memory, image) in snapshot.memories.iter().enumerate() {
        for (address, bytes) in &image.pieces {
            let segment = segment(memory as u32, *address, bytes)?;
            parts.segments.push(segment);
        }
    }
    parts.add_data_section();
    let name = parts.add_export("entered", ExportKind::Func, snapshot.func)?;
    Some((parts.module(), name))
}

/// The section of memories, with the lengths of the images.
fn memories(bytes: &[u8], images: &[MemoryImage]) -> Option<Vec<u8>> {
    let reader = MemorySectionReader::new(BinaryReader::new(bytes, 0)).ok()?;
    let mut section = MemorySection::new();
    for (ty, image) in reader.into_iter().zip(images) {
        let ty = ty.ok()?;
        section.memory(MemoryType {
            minimum: image.pages,
            maximum: ty.maximum,
            memory64: ty.memory64,
            shared: ty.shared,
            page_size_log2: ty.page_size_log2,
        });
    }
    Some(contents(&section))
}

/// The section of globals, with the values that are known; `values` begins with those of imported
/// globals.
fn globals(bytes: &[u8], values: &[Option<Value>]) -> Option<Vec<u8>> {
    let reader = GlobalSectionReader::new(BinaryReader::new(bytes, 0)).ok()?;
    let count = reader.count();
    let values = values
        .iter()
        .skip(values.len().checked_sub(count as usize)?);
    let mut out = Vec::new();
    count.encode(&mut out);
    for (global, value) in reader.into_iter_with_offsets().zip(values) {
        let (start, global) = global.ok()?;
        let init = global.init_expr.get_binary_reader().range();
        out.extend(slice(bytes, start..init.start));
        match value.and_then(constant) {
            Some(value) => value.encode(&mut out),
            None => out.extend(slice(bytes, init)),
        }
    }
    Some(out)
}

/// The constant expression of a number.
fn constant(value: Value) -> Option<ConstExpr> {
    Some(match value {
        Value::I32(bits) => ConstExpr::i32_const(bits.cast_signed()),
        Value::I64(bits) => ConstExpr::i64_const(bits.cast_signed()),
        Value::F32(bits) => ConstExpr::f32_const(f32::from_bits(bits).into()),
        Value::F64(bits) => ConstExpr::f64_const(f64::from_bits(bits).into()),
        Value::V128(bytes) => ConstExpr::v128_const(i128::from_le_bytes(bytes)),
        Value::Ref(_) => return None,
    })
}

/// An active segment of a memory. An address beyond 32 bits is one of a 64-bit memory; so that all
/// others are of the right type, only the first memory and 32-bit addresses are written so.
fn segment(memory: u32, address: u64, bytes: &[u8]) -> Option<Segment> {
    let address = u32::try_from(address).ok()?;
    if memory == 0 {
        return Some(Segment::At(address, bytes.to_vec()));
    }
    let mut section = DataSection::new();
    let offset = ConstExpr::i32_const(address.cast_signed());
    section.active(memory, &offset, bytes.iter().copied());
    // One segment, behind the number of segments.
    Some(Segment::Encoded(contents(&section)[1..].to_vec()))
}

/// The contents of a section, without its size.
pub(super) fn contents(section: &impl Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    section.encode(&mut bytes);
    // The encoder writes the size of the section first.
    let more = bytes.iter().take_while(|&&byte| byte & 0x80 != 0);
    let length = more.count() + 1;
    bytes.split_off(length)
}

/// The contents of a section of exports.
pub(super) fn export_section(exports: &[(String, ExportKind, u32)]) -> Vec<u8> {
    let mut section = ExportSection::new();
    for (name, kind, index) in exports {
        section.export(name, *kind, *index);
    }
    contents(&section)
}
