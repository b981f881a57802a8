//! A module as parts that can be exchanged: bodies of functions and data segments, all other
//! sections as they are.

use std::ops::Range;

use wasm_encoder::{CodeSection, ConstExpr, Encode, ExportKind, ExportSection, Module, RawSection};
use wasmparser::{
    BinaryReader, BinaryReaderError, DataKind, ExportSectionReader, ExternalKind, Parser, Payload,
    Validator, WasmFeatures,
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

    /// The parts without an export.
    pub(super) fn without_export(&self, index: usize) -> Option<Parts> {
        let (at, mut exports) = self.export_section()?;
        exports.remove(index);
        let mut section = ExportSection::new();
        for (name, kind, index) in &exports {
            section.export(name, *kind, *index);
        }
        let mut bytes = Vec::new();
        section.encode(&mut bytes);
        // The encoder writes the size of the section first.
        let size = leb128_length(&bytes);
        let mut parts = self.clone();
        parts.sections[at] = Section::Raw(EXPORT, bytes.split_off(size));
        Some(parts)
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

/// An export: its name, and the kind and index of what it exports.
type Export = (String, ExportKind, u32);

/// The id of the section of exports.
const EXPORT: u8 = 7;
/// The id of the section of data segments.
const DATA: u8 = 11;

/// The length of the number that bytes begin with.
fn leb128_length(bytes: &[u8]) -> usize {
    let more = bytes.iter().take_while(|&&byte| byte & 0x80 != 0);
    more.count() + 1
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
