//! Modules, and the facts that are known of them before they are instantiated.

use std::sync::Arc;

use wasmparser::{Parser, Payload};

use crate::engine::Engine;
use crate::error::Result;
use crate::module::{self as core, CanonicalExternType, ModuleData};
use crate::module::{GlobalType, MemoryType, TableType};
use crate::store::check_native_room;
use crate::types::{FuncType, TypeRegistry};

/// A validated module of an engine. Clones are cheap and are the same module.
///
/// ```
/// use wassay_runtime::{Config, Engine, ExternType, Module};
///
/// let engine = Engine::new(&Config::new())?;
/// let bytes = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01\x07\x05\x01\x01m\x02\0";
/// let module = Module::new(&engine, bytes)?;
/// assert_eq!(module.imports().len(), 0);
/// let export = module.exports().next().unwrap();
/// assert_eq!(export.name(), "m");
/// assert!(matches!(export.ty(), ExternType::Memory(ty) if ty.minimum() == 1));
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Module {
    pub(crate) inner: core::ModuleParts,
}

/// The type of something that can be imported or exported (spec: "External Types").
///
/// ```
/// use wassay_runtime::{Config, Engine, ExternType, Extern, Func, Store, ValType};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let func = Extern::from(Func::wrap(&mut store, |n: i32| n));
/// assert!(matches!(func.ty(&store), ExternType::Func(ty) if ty.params() == [ValType::I32]));
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExternType {
    /// A function.
    Func(Arc<FuncType>),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag; the parameters are the types of the values that its exceptions carry.
    Tag(Arc<FuncType>),
}

impl ExternType {
    pub(crate) fn of(ty: CanonicalExternType, registry: &TypeRegistry) -> ExternType {
        match ty {
            CanonicalExternType::Func { ty, .. } => ExternType::Func(registry.func(ty)),
            CanonicalExternType::Table(ty) => ExternType::Table(ty),
            CanonicalExternType::Memory(ty) => ExternType::Memory(ty),
            CanonicalExternType::Global(ty) => ExternType::Global(ty),
            CanonicalExternType::Tag(ty) => ExternType::Tag(registry.func(ty)),
        }
    }

    /// The function type, if it is one.
    pub fn func(&self) -> Option<&FuncType> {
        match self {
            ExternType::Func(ty) => Some(ty),
            _other => None,
        }
    }
}

/// An import of a module.
///
/// ```
/// use wassay_runtime::{Config, Engine, ImportType, Module};
///
/// fn name(import: &ImportType<'_>) -> String {
///     format!("{}.{}", import.module(), import.name())
/// }
/// let engine = Engine::new(&Config::new())?;
/// let module = Module::new(&engine, b"\0asm\x01\0\0\0\x02\x08\x01\x01a\x01b\x02\0\x01")?;
/// assert_eq!(name(&module.imports().next().unwrap()), "a.b");
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ImportType<'a> {
    import: &'a core::Import,
    registry: &'a TypeRegistry,
}

impl<'a> ImportType<'a> {
    /// The module's name.
    pub fn module(&self) -> &'a str {
        &self.import.module
    }

    /// The item's name.
    pub fn name(&self) -> &'a str {
        &self.import.name
    }

    /// The type that the import must have.
    pub fn ty(&self) -> ExternType {
        ExternType::of(self.import.ty, self.registry)
    }
}

/// An export of a module.
///
/// ```
/// use wassay_runtime::{Config, Engine, ExportType, ExternType, Module};
///
/// fn is_memory(export: &ExportType<'_>) -> bool {
///     matches!(export.ty(), ExternType::Memory(_))
/// }
/// let engine = Engine::new(&Config::new())?;
/// let bytes = b"\0asm\x01\0\0\0\x05\x03\x01\0\x01\x07\x05\x01\x01m\x02\0";
/// let module = Module::new(&engine, bytes)?;
/// assert_eq!(module.exports().filter(is_memory).count(), 1);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ExportType<'a> {
    export: &'a core::Export,
    module: &'a ModuleData,
}

impl<'a> ExportType<'a> {
    /// The name.
    pub fn name(&self) -> &'a str {
        &self.export.name
    }

    /// The type.
    pub fn ty(&self) -> ExternType {
        let ty = self.module.export_type(self.export);
        ExternType::of(ty, &self.module.registry)
    }
}

/// A custom section of a module.
///
/// ```
/// use wassay_runtime::{Config, CustomSection, Engine, Module};
///
/// let engine = Engine::new(&Config::new())?;
/// let module = Module::new(&engine, b"\0asm\x01\0\0\0\0\x07\x04note\x0a\x0b")?;
/// let note: CustomSection<'_> = module.custom_sections().next().unwrap();
/// assert_eq!((note.name(), note.data()), ("note", &[10, 11][..]));
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CustomSection<'a> {
    name: &'a str,
    data: &'a [u8],
}

impl<'a> CustomSection<'a> {
    /// The section's name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The bytes that follow the name.
    pub fn data(&self) -> &'a [u8] {
        self.data
    }
}

impl Module {
    /// Decodes and validates a binary module under the engine's features and limits.
    ///
    /// # Errors
    /// `Malformed` or `Invalid` with the byte offset; `Limit` if it is too large; the trap
    /// `StackExhausted` if too little native stack is left.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        check_native_room()?;
        let inner = core::ModuleParts::new(engine, bytes.as_ref())?;
        Ok(Module { inner })
    }

    /// Checks that bytes are a module that [`Module::new`] takes.
    ///
    /// # Errors
    /// As [`Module::new`].
    pub fn validate(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<()> {
        Module::new(engine, bytes).map(|_module| ())
    }

    /// The bytes that the module was made of.
    pub fn bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// The name that the name section gives the module.
    pub fn name(&self) -> Option<String> {
        self.inner.naming().module_name()
    }

    /// The imports, in order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        let registry = &*self.inner.registry;
        self.inner
            .imports
            .iter()
            .map(move |import| ImportType { import, registry })
    }

    /// The exports, in order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        let module = self.inner.data();
        module
            .exports
            .iter()
            .map(move |export| ExportType { export, module })
    }

    /// The type of the export of that name.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        let mut exports = self.exports();
        exports
            .find(|export| export.name() == name)
            .map(|export| export.ty())
    }

    /// The custom sections, in order.
    pub fn custom_sections(&self) -> impl Iterator<Item = CustomSection<'_>> {
        let payloads = Parser::new(0).parse_all(&self.inner.bytes);
        payloads.filter_map(|payload| match payload {
            Ok(Payload::CustomSection(section)) => Some(CustomSection {
                name: section.name(),
                data: section.data(),
            }),
            _other => None,
        })
    }

    /// True if both are the same module.
    pub fn same(&self, other: &Module) -> bool {
        self.inner.same(&other.inner)
    }
}
