//! A module as parts that can be exchanged: bodies of functions and data segments, all other
//! sections as they are.

use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::Range;

use wasm_encoder::reencode::{self, Error as ReencodeError, Reencode};
use wasm_encoder::{
    CodeSection, ConstExpr, Encode, ExportKind, ExportSection, FunctionSection, Module, RawSection,
};
use wasmparser::{
    BinaryReader, BinaryReaderError, DataKind, ExportSectionReader, ExternalKind,
    FunctionSectionReader, Parser, Payload, Validator, WasmFeatures,
};

/// A module in parts.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    sections: Vec<Section>,
    /// The bodies of defined functions: declarations of locals, then instructions.
    pub(super) bodies: Vec<Vec<u8>>,
    /// The data segments.
    pub(super) segments: Vec<Segment>,
    /// True if instructions may name data segments.
    has_data_count: bool,
    /// The number of imported functions.
    pub(super) imported: u32,
}

#[derive(Clone, Debug)]
enum Section {
    Raw(u8, Vec<u8>),
    /// The place of the bodies.
    Code,
    /// The place of the data segments.
    Data,
}

/// A data segment.
#[derive(Clone, Debug)]
pub(super) enum Segment {
    /// Bytes of the first memory from a constant 32-bit address on.
    At(u32, Vec<u8>),
    /// Another one, as it is encoded.
    Encoded(Vec<u8>),
}

impl Segment {
    fn read(module: &[u8], data: wasmparser::Data<'_>) -> Segment {
        let address = match &data.kind {
            DataKind::Active {
                memory_index: 0,
                offset_expr,
            } => constant(offset_expr),
            DataKind::Active { .. } | DataKind::Passive => None,
        };
        match address {
            Some(address) => Segment::At(address, data.data.to_vec()),
            None => Segment::Encoded(slice(module, data.range).to_vec()),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Segment::At(address, bytes) => {
                0u32.encode(out);
                ConstExpr::i32_const(address.cast_signed()).encode(out);
                bytes.encode(out);
            }
            Segment::Encoded(bytes) => out.extend(bytes),
        }
    }

    /// The segment in pieces, if it is so long that this is worth while.
    fn split(self) -> Vec<Segment> {
        match self {
            Segment::At(address, bytes) if bytes.len() > PIECE_BYTES_MIN => {
                let size = bytes.len().div_ceil(PIECES).max(PIECE_BYTES_MIN);
                let pieces = bytes.chunks(size).enumerate();
                let piece = |(index, bytes): (usize, &[u8])| {
                    Segment::At(address + (index * size) as u32, bytes.to_vec())
                };
                pieces.map(piece).collect()
            }
            whole => vec![whole],
        }
    }
}

/// The number of pieces of a data segment, and the bytes of the smallest piece.
const PIECES: usize = 16;
const PIECE_BYTES_MIN: usize = 32;

/// The constant that an expression is, if it is an i32 constant and nothing else.
fn constant(expr: &wasmparser::ConstExpr<'_>) -> Option<u32> {
    let mut operators = expr.get_operators_reader();
    let wasmparser::Operator::I32Const { value } = operators.read().ok()? else {
        return None;
    };
    let end = operators.read().ok()?;
    matches!(end, wasmparser::Operator::End).then_some(value.cast_unsigned())
}

impl Parts {
    /// The parts with long data segments in pieces; `None` if there are none.
    pub(super) fn split_segments(mut self) -> Option<Parts> {
        let before = self.segments.len();
        let segments = std::mem::take(&mut self.segments).into_iter();
        self.segments = segments.flat_map(Segment::split).collect();
        (self.segments.len() > before).then_some(self)
    }

    /// Takes a module apart. Custom sections are left out.
    ///
    /// # Errors
    /// If its sections cannot be read.
    pub(super) fn read(module: &[u8]) -> Result<Parts, BinaryReaderError> {
        let mut parts = Parts {
            sections: Vec::new(),
            bodies: Vec::new(),
            segments: Vec::new(),
            has_data_count: false,
            imported: 0,
        };
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            match &payload {
                Payload::CodeSectionStart { .. } => parts.sections.push(Section::Code),
                Payload::CodeSectionEntry(body) => {
                    parts.bodies.push(slice(module, body.range()).to_vec());
                }
                Payload::DataSection(segments) => {
                    for segment in segments.clone() {
                        parts.segments.push(Segment::read(module, segment?));
                    }
                    parts.sections.push(Section::Data);
                }
                Payload::DataCountSection { .. } => {
                    parts.has_data_count = true;
                    parts.add_raw(module, payload.as_section());
                }
                Payload::CustomSection(_) => {}
                Payload::ImportSection(imports) => {
                    for import in imports.clone().into_imports() {
                        let is_function = matches!(
                            import?.ty,
                            wasmparser::TypeRef::Func(_) | wasmparser::TypeRef::FuncExact(_)
                        );
                        parts.imported += u32::from(is_function);
                    }
                    parts.add_raw(module, payload.as_section());
                }
                _ => parts.add_raw(module, payload.as_section()),
            }
        }
        Ok(parts)
    }

    fn add_raw(&mut self, module: &[u8], section: Option<(u8, Range<u64>)>) {
        if let Some((id, range)) = section {
            self.sections
                .push(Section::Raw(id, slice(module, range).to_vec()));
        }
    }

    /// The module of the parts.
    pub(super) fn module(&self) -> Vec<u8> {
        let mut module = Module::new();
        for section in &self.sections {
            match section {
                Section::Raw(id, data) => {
                    module.section(&RawSection { id: *id, data });
                }
                Section::Code => {
                    let mut code = CodeSection::new();
                    for body in &self.bodies {
                        code.raw(body);
                    }
                    module.section(&code);
                }
                Section::Data => {
                    let mut data = Vec::new();
                    (self.segments.len() as u32).encode(&mut data);
                    let segments = self.segments.iter();
                    segments.for_each(|segment| segment.encode(&mut data));
                    module.section(&RawSection {
                        id: DATA,
                        data: &data,
                    });
                }
            }
        }
        module.finish()
    }

    /// The number of exports.
    pub(super) fn exports(&self) -> usize {
        self.export_section()
            .map_or(0, |(_, exports)| exports.len())
    }

    /// The index of the function that is exported under a name.
    pub(super) fn exported_function(&self, name: &str) -> Option<u32> {
        let (_, exports) = self.export_section()?;
        let is_it = |it: &&Export| it.0 == name && it.1 == ExportKind::Func;
        exports.iter().find(is_it).map(|it| it.2)
    }

    /// The parts without some exports.
    pub(super) fn without_exports(&self, range: Range<usize>) -> Option<Parts> {
        let (at, mut exports) = self.export_section()?;
        exports.drain(range);
        let mut parts = self.clone();
        parts.sections[at] = Section::Raw(EXPORT, export_section(&exports));
        Some(parts)
    }

    /// Adds an export of a name that is free, and that begins so; gives the name.
    pub(super) fn add_export(
        &mut self,
        name: &str,
        kind: ExportKind,
        index: u32,
    ) -> Option<String> {
        let (at, mut exports) = self.export_section()?;
        let mut name = name.to_string();
        while exports.iter().any(|(other, ..)| *other == name) {
            name.push('\'');
        }
        exports.push((name.clone(), kind, index));
        self.sections[at] = Section::Raw(EXPORT, export_section(&exports));
        Some(name)
    }

    /// The contents of the section of an id, if there is one; not of those of code and data.
    pub(super) fn section(&self, id: u8) -> Option<&[u8]> {
        self.sections.iter().find_map(|section| match section {
            Section::Raw(it, bytes) if *it == id => Some(&bytes[..]),
            Section::Raw(..) | Section::Code | Section::Data => None,
        })
    }

    /// Gives the section of an id other contents, if there is one, or takes it away.
    pub(super) fn replace(&mut self, id: u8, by: Option<Vec<u8>>) {
        let is_it = |section: &Section| matches!(section, Section::Raw(it, _) if *it == id);
        let Some(at) = self.sections.iter().position(is_it) else {
            return;
        };
        match by {
            Some(bytes) => self.sections[at] = Section::Raw(id, bytes),
            None => {
                self.sections.remove(at);
            }
        }
    }

    /// Adds the section of data segments, if there is none.
    pub(super) fn add_data_section(&mut self) {
        if !self.sections.iter().any(|it| matches!(it, Section::Data)) {
            self.sections.push(Section::Data);
        }
    }

    /// The parts with one empty function for all of a type; `None` if there are no two.
    pub(super) fn with_merged_stubs(&self) -> Option<Vec<u8>> {
        let types = BinaryReader::new(self.section(FUNCTION)?, 0);
        let types = FunctionSectionReader::new(types).ok()?.into_iter();
        let types: Vec<u32> = types.collect::<Result<_, _>>().ok()?;
        let mut renumbering = Renumbering {
            functions: (0..self.imported).collect(),
            kept: Vec::new(),
            body: 0,
        };
        let mut stubs = HashMap::new();
        let mut next = self.imported;
        for (ty, body) in types.iter().zip(&self.bodies) {
            let known = stubs.get(ty).filter(|_| body[..] == TRAP).copied();
            renumbering.kept.push(known.is_none());
            renumbering.functions.push(known.unwrap_or(next));
            if known.is_none() {
                if body[..] == TRAP {
                    stubs.insert(*ty, next);
                }
                next += 1;
            }
        }
        if renumbering.kept.iter().all(|is_kept| *is_kept) {
            return None;
        }
        let mut module = Module::new();
        let parser = Parser::new(0);
        renumbering
            .parse_core_module(&mut module, parser, &self.module())
            .ok()?;
        Some(module.finish())
    }

    /// The place of the section of exports, and what is in it.
    fn export_section(&self) -> Option<(usize, Vec<Export>)> {
        let mut sections = self.sections.iter().enumerate();
        let (at, bytes) = sections.find_map(|(at, section)| match section {
            Section::Raw(EXPORT, bytes) => Some((at, bytes)),
            Section::Raw(..) | Section::Code | Section::Data => None,
        })?;
        let reader = BinaryReader::new(bytes, 0);
        let exports = ExportSectionReader::new(reader).ok()?.into_iter();
        let export = |export: wasmparser::Result<wasmparser::Export<'_>>| {
            let export = export.ok()?;
            let kind = match export.kind {
                ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
                ExternalKind::Table => ExportKind::Table,
                ExternalKind::Memory => ExportKind::Memory,
                ExternalKind::Global => ExportKind::Global,
                ExternalKind::Tag => ExportKind::Tag,
            };
            Some((export.name.to_string(), kind, export.index))
        };
        let exports: Option<Vec<_>> = exports.map(export).collect();
        Some((at, exports?))
    }

    /// The ids of sections that a module can do without, if nothing names what is in them.
    pub(super) fn droppable(&self) -> Vec<usize> {
        const START: u8 = 8;
        const ELEMENT: u8 = 9;
        let is_droppable = |section: &Section| match section {
            Section::Raw(id, _) => matches!(*id, START | ELEMENT),
            Section::Data => !self.has_data_count,
            Section::Code => false,
        };
        let sections = self.sections.iter().enumerate();
        sections
            .filter(|(_, section)| is_droppable(section))
            .map(|(index, _)| index)
            .collect()
    }

    /// True if data segments can be left out: no instruction names one by its index.
    pub(super) fn can_drop_segments(&self) -> bool {
        !self.has_data_count
    }

    /// The parts without a section.
    pub(super) fn without(&self, section: usize) -> Parts {
        let mut parts = self.clone();
        parts.sections.remove(section);
        parts
    }
}

/// A module with fewer functions.
struct Renumbering {
    /// The new indices of functions.
    functions: Vec<u32>,
    /// The defined functions that stay.
    kept: Vec<bool>,
    /// The body that comes next.
    body: usize,
}

impl Reencode for Renumbering {
    type Error = Infallible;

    fn function_index(&mut self, func: u32) -> Result<u32, ReencodeError<Infallible>> {
        Ok(self.functions.get(func as usize).copied().unwrap_or(func))
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Result<(), ReencodeError<Infallible>> {
        for (ty, is_kept) in section.into_iter().zip(self.kept.clone()) {
            if is_kept {
                functions.function(self.type_index(ty?)?);
            }
        }
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        func: wasmparser::FunctionBody<'_>,
    ) -> Result<(), ReencodeError<Infallible>> {
        let is_kept = self.kept.get(self.body).copied().unwrap_or(true);
        self.body += 1;
        match is_kept {
            true => reencode::utils::parse_function_body(self, code, func),
            false => Ok(()),
        }
    }
}

/// An export: its name, and the kind and index of what it exports.
type Export = (String, ExportKind, u32);

/// The id of the section of functions.
pub(super) const FUNCTION: u8 = 3;
/// The id of the section of exports.
const EXPORT: u8 = 7;
/// The id of the section of data segments.
const DATA: u8 = 11;

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
fn export_section(exports: &[Export]) -> Vec<u8> {
    let mut section = ExportSection::new();
    for (name, kind, index) in exports {
        section.export(name, *kind, *index);
    }
    contents(&section)
}

/// The bytes of a range that the parser gave.
pub(super) fn slice(module: &[u8], range: Range<u64>) -> &[u8] {
    &module[range.start as usize..range.end as usize]
}

/// True if a module is valid under all features that our tiers execute.
pub(super) fn is_valid(module: &[u8], features: WasmFeatures) -> bool {
    Validator::new_with_features(features)
        .validate_all(module)
        .is_ok()
}

/// The body of a function that does nothing but trap.
pub(super) const TRAP: [u8; 3] = [0x00, 0x00, 0x0b];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse::encode_module;

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
        assert!(is_valid(&merged, WasmFeatures::all()));
        assert!(
            text.contains("(elem (;0;) (i32.const 0) func 1 2 1 3)"),
            "{text}"
        );
        assert!(text.contains("call 0\n    call 1\n    call 3"), "{text}");
        let parts = Parts::read(&merged).expect("it is read");
        assert_eq!((parts.bodies.len(), parts.with_merged_stubs()), (4, None));
    }
}
