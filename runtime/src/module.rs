//! Bytes to a validated [`ModuleParts`], through wasmparser (spec: "Binary Format / Modules").
//!
//! Owns the module's bytes and everything that is known before instantiation: canonical types,
//! index spaces, segments, the byte range of every function body. Function bodies are validated
//! here (`module/bodies.rs`) and translated elsewhere, from the bytes. The conversion from
//! wasmparser's types is in `module/convert.rs`, custom sections are in `module/custom.rs`, the
//! telling of malformed from invalid in `module/malformed.rs`.

mod bodies;
mod convert;
mod custom;
mod malformed;

pub use custom::Names;

use std::any::Any;
use std::ops::Range;
use std::sync::{Arc, OnceLock, Weak};

use wasmparser::{Parser, Payload, ValidPayload, Validator, WasmFeatures};

use crate::backtrace::{Frame, Naming};
use crate::decode::{RawHeapType, RawRefType};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::PAGE_SIZE_BYTES;
use crate::types::{
    CompositeKind, DefinedType, FieldLayout, FuncType, HeapType, RefType, TypeId, TypeRef,
    TypeRegistry, ValType,
};

/// A validated module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ModuleParts {
    inner: Arc<ModuleData>,
}

/// A reference to a module that may have gone, for the parts that the module owns.
#[derive(Clone, Debug)]
pub struct WeakModuleParts {
    inner: Weak<ModuleData>,
}

impl WeakModuleParts {
    /// The module, if it is still there.
    pub fn upgrade(&self) -> Option<ModuleParts> {
        let inner = self.inner.upgrade()?;
        Some(ModuleParts { inner })
    }
}

/// The contents of a module. Index spaces hold imports first, as in the spec.
#[derive(Debug, Default)]
pub struct ModuleData {
    /// The whole binary.
    pub bytes: Arc<[u8]>,
    /// The canonical type of each type index.
    pub types: Vec<TypeId>,
    /// The composite kind of each type index.
    pub kinds: Vec<CompositeKind>,
    /// Imports, in order.
    pub imports: Vec<Import>,
    /// The type index of every function.
    pub funcs: Vec<u32>,
    /// The signature of every function.
    pub signatures: Vec<Arc<FuncType>>,
    /// Every table.
    pub tables: Vec<TableType>,
    /// The initialiser of each table that has one, by table index.
    pub table_inits: Vec<Option<ConstExpr>>,
    /// Every memory.
    pub memories: Vec<MemoryType>,
    /// Every global.
    pub globals: Vec<GlobalType>,
    /// The initialisers of the globals that are not imported.
    pub global_inits: Vec<ConstExpr>,
    /// The type index of every tag.
    pub tags: Vec<u32>,
    /// Exports, in order.
    pub exports: Vec<Export>,
    /// The start function.
    pub start: Option<u32>,
    /// Element segments.
    pub elements: Vec<ElementSegment>,
    /// Data segments.
    pub datas: Vec<DataSegment>,
    /// The body of each function that is not imported: local declarations and code, as a range
    /// of `bytes`.
    pub bodies: Vec<Range<usize>>,
    /// The numbers of imported functions, tables, memories, globals and tags.
    pub imported: Imported,
    /// The registry that the type ids belong to.
    pub(crate) registry: Arc<TypeRegistry>,
    /// The code that the tiers have compiled of this module, by tier slot; owned here so that it
    /// goes when the module goes.
    pub(crate) compiled: [OnceLock<Arc<dyn CompiledModule>>; 3],
}

/// The data that a tier keeps for a module.
pub trait CompiledModule: Any + Send + Sync + std::fmt::Debug {
    /// For the tier that made it.
    fn as_any(&self) -> &dyn Any;

    /// The addresses of its machine code; empty if the tier makes none.
    fn code(&self) -> Range<usize> {
        0..0
    }

    /// The function whose code for an interpreter is before an address, with the instruction there.
    fn frame_at(&self, _address: usize) -> Option<Frame> {
        None
    }
}

/// Counts of imports by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Functions.
    pub funcs: u32,
    /// Tables.
    pub tables: u32,
    /// Memories.
    pub memories: u32,
    /// Globals.
    pub globals: u32,
    /// Tags.
    pub tags: u32,
}

/// The type of something that can be imported or exported (spec: "External Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CanonicalExternType {
    /// A function of a canonical type; `exact` if subtypes are refused.
    Func {
        /// The canonical function type.
        ty: TypeId,
        /// True if only exactly this type matches (custom descriptors).
        exact: bool,
    },
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag of a canonical function type.
    Tag(TypeId),
}

/// The type of a table.
///
/// ```
/// use wassay_runtime::{RefType, TableType};
///
/// let ty = TableType::new(RefType::FUNCREF, 2, None);
/// assert_eq!((ty.element(), ty.minimum(), ty.maximum()), (RefType::FUNCREF, 2, None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableType {
    pub(crate) element: RefType,
    pub(crate) is64: bool,
    pub(crate) initial: u64,
    pub(crate) maximum: Option<u64>,
}

/// The type of a memory.
///
/// ```
/// use wassay_runtime::MemoryType;
///
/// let ty = MemoryType::new(1, Some(3));
/// assert_eq!((ty.minimum(), ty.maximum(), ty.is_shared()), (1, Some(3), false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryType {
    pub(crate) is64: bool,
    pub(crate) shared: bool,
    pub(crate) initial: u64,
    pub(crate) maximum: Option<u64>,
    /// Base-2 logarithm of the page size in bytes: 16, unless it is custom.
    pub(crate) page_size_log2: u32,
}

impl MemoryType {
    /// The number of bytes that every memory of this type always has at least.
    pub fn minimum_bytes(&self) -> u64 {
        let page_bytes = 1 << self.page_size_log2;
        self.initial.saturating_mul(page_bytes)
    }

    /// The initial size in pages.
    pub fn minimum(&self) -> u64 {
        self.initial
    }

    /// The greatest size in pages.
    pub fn maximum(&self) -> Option<u64> {
        self.maximum
    }

    /// True if threads share the memory.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// True if the memory is indexed by i64.
    pub fn is_64(&self) -> bool {
        self.is64
    }

    /// The size of a page in bytes.
    pub fn page_size(&self) -> u64 {
        1 << self.page_size_log2
    }

    /// The same type with pages of another size (custom page sizes).
    ///
    /// # Errors
    /// `Usage` if the size is neither 1 nor 65,536 bytes.
    pub fn with_page_size(self, bytes: u64) -> Result<MemoryType> {
        let page_size_log2 = match bytes {
            1 => 0,
            65_536 => 16,
            _other => return Err(Error::usage("pages have 1 or 65,536 bytes")),
        };
        Ok(MemoryType {
            page_size_log2,
            ..self
        })
    }

    /// A 64-bit memory of ordinary pages.
    pub fn new64(initial: u64, maximum: Option<u64>) -> MemoryType {
        MemoryType {
            is64: true,
            ..MemoryType::new(initial, maximum)
        }
    }

    /// A 32-bit memory of ordinary pages that threads share.
    pub fn new_shared(initial: u64, maximum: u64) -> MemoryType {
        MemoryType {
            shared: true,
            ..MemoryType::new(initial, Some(maximum))
        }
    }

    /// A 64-bit memory of ordinary pages that threads share.
    pub fn new64_shared(initial: u64, maximum: u64) -> MemoryType {
        MemoryType {
            is64: true,
            ..MemoryType::new_shared(initial, maximum)
        }
    }

    /// A 32-bit memory of ordinary pages.
    pub fn new(initial: u64, maximum: Option<u64>) -> MemoryType {
        let page_size_log2 = PAGE_SIZE_BYTES.trailing_zeros();
        MemoryType {
            is64: false,
            shared: false,
            initial,
            maximum,
            page_size_log2,
        }
    }
}

impl TableType {
    /// A table indexed by i32, of a length in elements.
    pub fn new(element: RefType, initial: u64, maximum: Option<u64>) -> TableType {
        TableType {
            element,
            is64: false,
            initial,
            maximum,
        }
    }

    /// A table indexed by i64.
    pub fn new64(element: RefType, initial: u64, maximum: Option<u64>) -> TableType {
        TableType {
            is64: true,
            ..TableType::new(element, initial, maximum)
        }
    }

    /// The type of the elements.
    pub fn element(&self) -> RefType {
        self.element
    }

    /// The initial length in elements.
    pub fn minimum(&self) -> u64 {
        self.initial
    }

    /// The greatest length in elements.
    pub fn maximum(&self) -> Option<u64> {
        self.maximum
    }

    /// True if the table is indexed by i64.
    pub fn is_64(&self) -> bool {
        self.is64
    }
}

/// The mutability of a global or field.
///
/// ```
/// use wassay_runtime::{GlobalType, Mutability, ValType};
///
/// let ty = GlobalType::new(ValType::F32, Mutability::Const);
/// assert_eq!(ty.mutability(), Mutability::Const);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// The value cannot be set.
    Const,
    /// The value can be set.
    Var,
}

impl GlobalType {
    /// The type of a global that holds a value of that type.
    pub fn new(content: ValType, mutability: Mutability) -> GlobalType {
        GlobalType {
            content,
            mutable: mutability == Mutability::Var,
        }
    }

    /// The type of the value.
    pub fn content(&self) -> ValType {
        self.content
    }

    /// The mutability of the global.
    pub fn mutability(&self) -> Mutability {
        if self.mutable {
            Mutability::Var
        } else {
            Mutability::Const
        }
    }
}

/// The type of a global.
///
/// ```
/// use wassay_runtime::{GlobalType, Mutability, ValType};
///
/// let ty = GlobalType::new(ValType::I64, Mutability::Var);
/// assert_eq!((ty.content(), ty.mutability()), (ValType::I64, Mutability::Var));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalType {
    pub(crate) content: ValType,
    pub(crate) mutable: bool,
}

/// An import.
#[derive(Clone, Debug)]
pub struct Import {
    /// The module's name.
    pub module: String,
    /// The item's name.
    pub name: String,
    /// The type of the import.
    pub ty: CanonicalExternType,
}

/// The item behind an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExternKind {
    /// A function.
    Func,
    /// A table.
    Table,
    /// A memory.
    Memory,
    /// A global.
    Global,
    /// A tag.
    Tag,
}

impl ExternKind {
    /// The number of kinds.
    pub(crate) const COUNT: usize = ExternKind::Tag as usize + 1;
}

/// An export.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ExternKind,
    /// Its index in the index space of that kind.
    pub index: u32,
}

/// A constant expression that has been validated, as a range of the module's bytes (spec: "Constant
/// Expressions").
pub type ConstExpr = Range<usize>;

/// The use of a segment.
#[derive(Clone, Debug)]
pub enum SegmentMode {
    /// Only by the bulk instructions.
    Passive,
    /// Copied at instantiation to `offset` of the table or memory `index`.
    Active {
        /// Table or memory index.
        index: u32,
        /// The offset at which the segment is written.
        offset: ConstExpr,
    },
    /// Only a forward declaration of function references.
    Declared,
}

/// An element segment.
#[derive(Clone, Debug)]
pub struct ElementSegment {
    /// The use of the segment.
    pub mode: SegmentMode,
    /// The type of its elements.
    pub ty: RefType,
    /// Its elements.
    pub items: ElementItems,
}

/// The elements of a segment.
#[derive(Clone, Debug)]
pub enum ElementItems {
    /// Function indices.
    Funcs(Box<[u32]>),
    /// Constant expressions.
    Exprs(Box<[ConstExpr]>),
}

impl ElementItems {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            ElementItems::Funcs(f) => f.len(),
            ElementItems::Exprs(e) => e.len(),
        }
    }

    /// True if the list is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A data segment.
#[derive(Clone, Debug)]
pub struct DataSegment {
    /// The use of the segment.
    pub mode: SegmentMode,
    /// Its bytes, as a range of the module's bytes.
    pub range: Range<usize>,
}

impl ModuleParts {
    /// Decodes and validates `bytes` under `features`.
    ///
    /// # Errors
    /// `Malformed` or `Invalid`, with the byte offset; `Unsupported` for components.
    pub fn decode(
        bytes: &[u8],
        features: WasmFeatures,
        registry: Arc<TypeRegistry>,
    ) -> Result<ModuleParts> {
        let mut data = ModuleData {
            bytes: bytes.into(),
            registry,
            ..ModuleData::default()
        };
        match data.read(features) {
            Ok(()) => Ok(ModuleParts {
                inner: Arc::new(data),
            }),
            Err(error) => Err(malformed::classify(bytes, features, &error)),
        }
    }

    /// The module's parts.
    pub fn data(&self) -> &ModuleData {
        &self.inner
    }

    /// The module without keeping it.
    pub fn downgrade(&self) -> WeakModuleParts {
        WeakModuleParts {
            inner: Arc::downgrade(&self.inner),
        }
    }

    /// The source of the names in the name section.
    pub fn naming(&self) -> Arc<dyn Naming> {
        self.inner.clone()
    }

    /// The names, and the index of the function of a body.
    pub fn naming_of(&self, body: usize) -> (Arc<dyn Naming>, u32) {
        (self.naming(), self.imported.funcs + body as u32)
    }

    /// True if two handles are of one module.
    pub fn same(&self, other: &ModuleParts) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl std::ops::Deref for ModuleParts {
    type Target = ModuleData;

    fn deref(&self) -> &ModuleData {
        &self.inner
    }
}

impl ModuleData {
    /// Validates and reads every section.
    fn read(&mut self, features: WasmFeatures) -> Result<(), wasmparser::BinaryReaderError> {
        let bytes = self.bytes.clone();
        let mut validator = Validator::new_with_features(features);
        let mut parser = Parser::new(0);
        parser.set_features(features);
        let mut allocations = wasmparser::FuncValidatorAllocations::default();
        for payload in parser.parse_all(&bytes) {
            let payload = payload?;
            if let ValidPayload::Func(func, body) = validator.payload(&payload)? {
                let mut checker = func.into_validator(std::mem::take(&mut allocations));
                bodies::validate(&mut checker, &body, features)?;
                allocations = checker.into_allocations();
            }
            self.section(payload)?;
        }
        Ok(())
    }

    fn section(&mut self, payload: Payload<'_>) -> Result<(), wasmparser::BinaryReaderError> {
        match payload {
            Payload::TypeSection(reader) => self.read_types(reader),
            Payload::ImportSection(reader) => self.read_imports(reader),
            Payload::FunctionSection(reader) => reader
                .into_iter()
                .try_for_each(|ty| ty.map(|ty| self.add_func(ty))),
            Payload::TableSection(reader) => self.read_tables(reader),
            Payload::MemorySection(reader) => reader
                .into_iter()
                .try_for_each(|ty| ty.map(|ty| self.memories.push(convert::memory_type(&ty)))),
            Payload::TagSection(reader) => reader
                .into_iter()
                .try_for_each(|ty| ty.map(|ty| self.tags.push(ty.func_type_idx))),
            Payload::GlobalSection(reader) => self.read_globals(reader),
            Payload::ExportSection(reader) => self.read_exports(reader),
            Payload::StartSection { func, .. } => {
                self.start = Some(func);
                Ok(())
            }
            Payload::ElementSection(reader) => self.read_elements(reader),
            Payload::DataSection(reader) => self.read_datas(reader),
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                self.bodies.push(range.start as usize..range.end as usize);
                Ok(())
            }
            _ => Ok(()), // the validator has refused what is not part of a core module
        }
    }

    fn add_func(&mut self, type_index: u32) {
        self.funcs.push(type_index);
        self.signatures
            .push(self.registry.func(self.types[type_index as usize]));
    }

    /// The canonical type of a function.
    pub fn func_type_id(&self, func: u32) -> TypeId {
        self.types[self.funcs[func as usize] as usize]
    }

    /// The defined type at a type index, as a reference with its kind.
    pub fn type_ref(&self, type_index: u32) -> TypeRef {
        let i = type_index as usize;
        TypeRef {
            id: self.types[i],
            kind: self.kinds[i],
        }
    }

    /// A reference type of the module's text, with canonical ids.
    pub fn ref_type(&self, raw: RawRefType) -> RefType {
        let heap = match raw.heap {
            RawHeapType::Abstract { kind, .. } => HeapType::Abstract(kind),
            RawHeapType::Index {
                index,
                exact: false,
            } => HeapType::Concrete(self.type_ref(index)),
            RawHeapType::Index { index, exact: true } => HeapType::Exact(self.type_ref(index)),
        };
        RefType {
            nullable: raw.nullable,
            heap,
        }
    }

    /// The canonical type at a type index.
    pub fn defined(&self, type_index: u32) -> Arc<DefinedType> {
        self.registry.get(self.types[type_index as usize])
    }

    /// A field of the structure, or the element of the array, at a type index.
    pub fn field(&self, type_index: u32, field: u32) -> FieldLayout {
        self.defined(type_index).layout.fields[field as usize]
    }

    /// The function type at a type index that is one.
    pub fn func_type(&self, type_index: u32) -> Arc<FuncType> {
        self.registry.func(self.types[type_index as usize])
    }

    /// The index into `bodies` of a function, `None` for an import.
    pub fn body_index(&self, func: u32) -> Option<usize> {
        func.checked_sub(self.imported.funcs).map(|n| n as usize)
    }

    /// The type of an export.
    pub fn export_type(&self, export: &Export) -> CanonicalExternType {
        let i = export.index as usize;
        match export.kind {
            ExternKind::Func => CanonicalExternType::Func {
                ty: self.func_type_id(export.index),
                exact: false,
            },
            ExternKind::Table => CanonicalExternType::Table(self.tables[i]),
            ExternKind::Memory => CanonicalExternType::Memory(self.memories[i]),
            ExternKind::Global => CanonicalExternType::Global(self.globals[i]),
            ExternKind::Tag => CanonicalExternType::Tag(self.types[self.tags[i] as usize]),
        }
    }
}

/// An error of wasmparser as ours, of a given kind.
fn reader_error(kind: ErrorKind, error: &wasmparser::BinaryReaderError) -> Error {
    Error::new(kind, error.message()).at(error.offset() as usize)
}
