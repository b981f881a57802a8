//! A module at a glance: its sections, what it imports, exports and defines, and the proposals
//! that it needs.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use wasmparser::{Parser, Payload};
use wassay_runtime::interior::decode::Decoder;
use wassay_runtime::interior::module::CompositeKind;
use wassay_runtime::interior::module::{
    CanonicalExternType, ExternKind, MemoryType, ModuleParts, SegmentMode,
};
use wassay_runtime::{GlobalType, Mutability, TableType};

use super::Subject;
use crate::features::Proposal;

/// Names of the sections of the binary format, by id.
const SECTIONS: [&str; 14] = [
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
    "tag",
];

/// The text that shows a module.
pub(super) fn summary(file: &str, subject: &Subject<'_>) -> String {
    let module = subject.module;
    let mut out = Lines::default();
    out.line(format!("{file}: {} bytes", module.bytes.len()));
    out.part("sections", sections(module));
    out.part("types", types(module));
    out.part("imports", imports(module));
    out.part("functions", functions(subject));
    let own = |imported: u32| imported as usize..;
    let tables = module.tables[own(module.imported.tables)].iter();
    out.part(
        "tables",
        numbered(module.imported.tables, tables.map(table)),
    );
    let memories = module.memories[own(module.imported.memories)].iter();
    out.part(
        "memories",
        numbered(module.imported.memories, memories.map(memory)),
    );
    let globals = module.globals[own(module.imported.globals)].iter();
    out.part(
        "globals",
        numbered(module.imported.globals, globals.map(global)),
    );
    let tags = module.tags[own(module.imported.tags)].iter();
    let tags = tags.map(|&ty| module.func_type(ty).to_string());
    out.part("tags", numbered(module.imported.tags, tags));
    out.part("exports", exports(module));
    out.part("segments", segments(module));
    out.part("start", module.start.map(|func| subject.title(func)));
    let features: Vec<&str> = features(module).into_iter().map(Proposal::key).collect();
    out.part("proposals", [features.join(", ")]);
    out.0
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, text: String) {
        writeln!(self.0, "{}", text.trim_end()).expect("a string takes everything");
    }

    /// A title with lines below it, if there are any.
    fn part(&mut self, title: &str, lines: impl IntoIterator<Item = String>) {
        let mut lines = lines.into_iter().peekable();
        if lines.peek().is_some() {
            self.line(format!("\n{title}"));
        }
        for line in lines {
            self.line(format!("  {line}"));
        }
    }
}

fn sections(module: &ModuleParts) -> Vec<String> {
    let mut lines = Vec::new();
    for payload in Parser::new(0).parse_all(&module.bytes).flatten() {
        let Some((id, range)) = payload.as_section() else {
            continue;
        };
        let name = match &payload {
            Payload::CustomSection(section) => format!("custom {:?}", section.name()),
            _ => SECTIONS
                .get(id as usize)
                .copied()
                .unwrap_or("unknown")
                .to_string(),
        };
        let (start, bytes) = (range.start, range.end - range.start);
        lines.push(format!("0x{start:06x} {bytes:>9} bytes  {name}"));
    }
    lines
}

/// Lines with the index of each, counted on from what is imported.
fn numbered(imported: u32, lines: impl Iterator<Item = String>) -> Vec<String> {
    let lines = (imported..).zip(lines);
    lines
        .map(|(index, line)| format!("{index:>4}  {line}"))
        .collect()
}

fn types(module: &ModuleParts) -> Vec<String> {
    let kinds = module.kinds.iter().enumerate();
    let lines = kinds.map(|(index, kind)| match kind {
        CompositeKind::Func => format!("func {}", module.func_type(index as u32)),
        CompositeKind::Struct => "struct".to_string(),
        CompositeKind::Array => "array".to_string(),
        CompositeKind::Cont => "cont".to_string(),
    });
    numbered(0, lines)
}

fn imports(module: &ModuleParts) -> Vec<String> {
    let mut func = 0;
    let line = |import: &wassay_runtime::interior::module::Import| {
        let ty = match &import.ty {
            CanonicalExternType::Func { .. } => {
                func += 1;
                format!("func {}", module.signatures[func - 1])
            }
            CanonicalExternType::Table(ty) => format!("table {}", table(ty)),
            CanonicalExternType::Memory(ty) => format!("memory {}", memory(ty)),
            CanonicalExternType::Global(ty) => format!("global {}", global(ty)),
            CanonicalExternType::Tag(_) => "tag".to_string(),
        };
        format!("{:?} {:?}  {ty}", import.module, import.name)
    };
    module.imports.iter().map(line).collect()
}

fn functions(subject: &Subject<'_>) -> Vec<String> {
    let module = subject.module;
    let line = |(body, range): (usize, &std::ops::Range<usize>)| {
        let func = module.imported.funcs + body as u32;
        let title = subject.title(func);
        let title = title.strip_prefix("function ").unwrap_or(&title);
        let ty = &module.signatures[func as usize];
        format!(
            "0x{:06x} {:>9} bytes  {title}  {ty}",
            range.start,
            range.len()
        )
    };
    module.bodies.iter().enumerate().map(line).collect()
}

fn exports(module: &ModuleParts) -> Vec<String> {
    let line = |export: &wassay_runtime::interior::module::Export| {
        let kind = match export.kind {
            ExternKind::Func => "func",
            ExternKind::Table => "table",
            ExternKind::Memory => "memory",
            ExternKind::Global => "global",
            ExternKind::Tag => "tag",
        };
        format!("{:?}  {kind} {}", export.name, export.index)
    };
    module.exports.iter().map(line).collect()
}

fn segments(module: &ModuleParts) -> Vec<String> {
    let mode = |mode: &SegmentMode, of: &str| match mode {
        SegmentMode::Passive => "passive".to_string(),
        SegmentMode::Declared => "declared".to_string(),
        SegmentMode::Active { index, .. } => format!("active in {of} {index}"),
    };
    let elements = module.elements.iter().enumerate().map(|(index, it)| {
        let (count, mode) = (it.items.len(), mode(&it.mode, "table"));
        format!("elem {index}: {count} of {}, {mode}", it.ty)
    });
    let datas = module.datas.iter().enumerate().map(|(index, it)| {
        let (bytes, mode) = (it.range.len(), mode(&it.mode, "memory"));
        format!(
            "data {index}: {bytes} bytes at 0x{:x}, {mode}",
            it.range.start
        )
    });
    elements.chain(datas).collect()
}

/// Limits as the text format has them.
fn limits(is64: bool, initial: u64, maximum: Option<u64>) -> String {
    let index = if is64 { "i64 " } else { "" };
    let maximum = maximum.map(|maximum| format!(" {maximum}"));
    format!("{index}{initial}{}", maximum.unwrap_or_default())
}

fn table(ty: &TableType) -> String {
    format!(
        "{} {}",
        limits(ty.is_64(), ty.minimum(), ty.maximum()),
        ty.element()
    )
}

fn memory(ty: &MemoryType) -> String {
    let shared = if ty.is_shared() { " shared" } else { "" };
    let page = match ty.page_size() {
        65_536 => String::new(),
        bytes => format!(" (pagesize {bytes})"),
    };
    format!(
        "{}{shared}{page}",
        limits(ty.is_64(), ty.minimum(), ty.maximum())
    )
}

fn global(ty: &GlobalType) -> String {
    match ty.mutability() {
        Mutability::Var => format!("(mut {})", ty.content()),
        Mutability::Const => ty.content().to_string(),
    }
}

/// The proposals that the module needs, as its instructions and declarations say.
fn features(module: &ModuleParts) -> BTreeSet<Proposal> {
    let mut found = BTreeSet::from([Proposal::Mvp]);
    for range in &module.bodies {
        let mut reader = Decoder::new(&module.bytes[range.clone()], range.start);
        if reader.read_locals(|_, _| ()).is_ok() {
            found.extend(reader.flatten().map(|instr| instr.op.proposal()));
        }
    }
    let is_object = |kind| matches!(kind, &CompositeKind::Struct | &CompositeKind::Array);
    let is64 = |ty: &MemoryType| ty.is_64();
    let declared = [
        (Proposal::Gc, module.kinds.iter().any(is_object)),
        (Proposal::MultiMemory, module.memories.len() > 1),
        (Proposal::ReferenceTypes, module.tables.len() > 1),
        (
            Proposal::Memory64,
            module.memories.iter().any(is64) || module.tables.iter().any(|ty| ty.is_64()),
        ),
        (
            Proposal::Threads,
            module.memories.iter().any(|ty| ty.is_shared()),
        ),
        (
            Proposal::CustomPageSizes,
            module.memories.iter().any(|ty| ty.page_size() != 65_536),
        ),
        (Proposal::Exceptions, !module.tags.is_empty()),
        (
            Proposal::MultiValue,
            module.signatures.iter().any(|ty| ty.results().len() > 1),
        ),
    ];
    let declared = declared.into_iter().filter(|(_, needed)| *needed);
    found.extend(declared.map(|(proposal, _)| proposal));
    found
}
