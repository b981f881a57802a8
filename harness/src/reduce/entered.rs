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
    let mut is_64 = Vec::new();
    let defined = parts.count(MEMORY, |bytes| {
        let reader = MemorySectionReader::new(BinaryReader::new(bytes, 0)).ok()?;
        for ty in reader {
            is_64.push(ty.ok()?.memory64);
        }
        Some(is_64.len())
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
        let is_64 = is_64.get(memory).copied().unwrap_or(false);
        for (address, bytes) in &image.pieces {
            let segment = segment((memory as u32, is_64), *address, bytes)?;
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

/// An active segment of a memory, whose addresses may have 64 bits.
fn segment((memory, is_64): (u32, bool), address: u64, bytes: &[u8]) -> Option<Segment> {
    let offset = match (is_64, u32::try_from(address)) {
        (false, Ok(address)) if memory == 0 => {
            return Some(Segment::At(address, bytes.to_vec()));
        }
        (false, Ok(address)) => ConstExpr::i32_const(address.cast_signed()),
        (false, Err(_)) => return None,
        (true, _) => ConstExpr::i64_const(address.cast_signed()),
    };
    let mut section = DataSection::new();
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

#[cfg(test)]
mod tests {
    use wassay_runtime as runtime;

    use super::*;
    use crate::explain::case::Subject;
    use crate::reduce::module::is_valid;
    use crate::script::parse::encode_module;

    /// The state of a snapshot is that of the instance, and the function is called in it.
    #[test]
    fn an_instance_begins_with_the_state() {
        let module = encode_module(
            r#"(module
              (import "m" "g" (global $i i32))
              (memory 1) (memory $other i64 1)
              (global $g (mut i64) (i64.const 1)) (global $r (mut funcref) (ref.func $f))
              (data (i32.const 0) "abc")
              (func $f (export "f") (param f32) (result i64 i32 i32 i32 f32)
                (global.get $g) (i32.load (i32.const 0)) (i32.load (i32.const 131068))
                (i32.load $other (i64.const 65532)) (local.get 0))
              (func $start (unreachable)) (start $start))"#,
        );
        let module = module.expect("a module");
        let snapshot = Snapshot {
            subject: Subject {
                module: 0,
                instance: 0,
                is_entered: true,
            },
            func: 0,
            args: vec![Value::F32(0)],
            globals: vec![Some(Value::I32(4)), Some(Value::I64(77)), None],
            memories: vec![
                MemoryImage {
                    pages: 2,
                    pieces: vec![(131_068, vec![5, 6, 7, 8])],
                },
                MemoryImage {
                    pages: 1,
                    pieces: vec![(65_535, vec![9])],
                },
            ],
        };
        let (module, name) = entered(&module, &snapshot).expect("a module");
        assert!(is_valid(&module, wasmparser::WasmFeatures::all()));
        let mut config = runtime::Config::new();
        config.features(wasmparser::WasmFeatures::all());
        let engine = runtime::Engine::new(&config).expect("an engine");
        let module = runtime::Module::new(&engine, &module).expect("valid");
        let mut store = runtime::Store::new(&engine, ());
        let mut linker = runtime::Linker::new(&engine);
        let ty = runtime::GlobalType::new(runtime::ValType::I32, runtime::Mutability::Const);
        let global = runtime::Global::new(&mut store, ty, runtime::Val::I32(4)).expect("a global");
        linker.define("m", "g", global).expect("defined");
        let instance = linker
            .instantiate(&mut store, &module)
            .expect("an instance");
        let func = instance.get_typed_func::<f32, (i64, u32, u32, u32, f32)>(&mut store, &name);
        let result = func.expect("it is exported").call(&mut store, 2.5);
        let expected = (77, 0, 0x0807_0605, 0x0900_0000, 2.5);
        assert_eq!(result.expect("no trap"), expected);
    }

    /// One empty function of each type is left, and what names another one names it.
    #[test]
    fn empty_functions_are_merged() {
        let module = encode_module(
            r#"(module
              (import "m" "f" (func $i))
              (table 4 funcref) (elem (i32.const 0) $a $b $c $d)
              (func $a (unreachable)) (func $b (result i32) (unreachable))
              (func $c (unreachable)) (func $d (result i32) (i32.const 7))
              (func (export "run") (result i32) (call $i) (call $c) (call $d)))"#,
        );
        let module = module.expect("a module");
        let parts = Parts::read(&module).expect("it is read");
        let merged = parts.with_merged_stubs().expect("there are two");
        let text = wasmprinter::print_bytes(&merged).expect("it is printed");
        assert!(is_valid(&merged, wasmparser::WasmFeatures::all()));
        assert!(
            text.contains("(elem (;0;) (i32.const 0) func 1 2 1 3)"),
            "{text}"
        );
        assert!(text.contains("call 0\n    call 1\n    call 3"), "{text}");
        let parts = Parts::read(&merged).expect("it is read");
        assert_eq!((parts.bodies.len(), parts.with_merged_stubs()), (4, None));
    }
}
