//! From wasmparser's section items to the module's own types. No decisions are taken here: the
//! validator has seen every item before it is converted.

use std::ops::Range;

use wasmparser as wp;

use super::{
    CanonicalExternType, DataSegment, ElementItems, ElementSegment, Export, ExternKind, GlobalType,
    Import, MemoryType, ModuleData, SegmentMode, TableType,
};
use crate::limits::PAGE_SIZE_BYTES;
use crate::types::{
    AbstractHeapType, CompositeKind, CompositeType, FieldType, FuncType, HeapType, RefType,
    StorageType, SubType, TypeId, TypeRef, ValType, for_each_abstract_heap_type,
};

type Parsed<T> = Result<T, wp::BinaryReaderError>;

impl ModuleData {
    pub(super) fn read_types(&mut self, reader: wp::TypeSectionReader<'_>) -> Parsed<()> {
        for group in reader {
            let members: Vec<wp::SubType> = group?.into_types().collect();
            self.kinds.extend(
                members
                    .iter()
                    .map(|m| composite_kind(&m.composite_type.inner)),
            );
            let scope = Scope {
                data: self,
                group_start: self.types.len() as u32,
            };
            let group = members.iter().map(|m| scope.sub_type(m)).collect();
            let ids = self.registry.intern(group);
            self.types.extend(ids);
        }
        Ok(())
    }

    pub(super) fn read_imports(&mut self, reader: wp::ImportSectionReader<'_>) -> Parsed<()> {
        for import in reader.into_imports() {
            let import = import?;
            let ty = self.add_import(import.ty);
            self.imports.push(Import {
                module: import.module.to_owned(),
                name: import.name.to_owned(),
                ty,
            });
        }
        Ok(())
    }

    fn add_import(&mut self, ty: wp::TypeRef) -> CanonicalExternType {
        match ty {
            wp::TypeRef::Func(index) | wp::TypeRef::FuncExact(index) => {
                self.imported.funcs += 1;
                self.add_func(index);
                let exact = matches!(ty, wp::TypeRef::FuncExact(_));
                CanonicalExternType::Func {
                    ty: self.types[index as usize],
                    exact,
                }
            }
            wp::TypeRef::Table(ty) => {
                self.imported.tables += 1;
                let ty = self.scope().table_type(&ty);
                self.tables.push(ty);
                self.table_inits.push(None);
                CanonicalExternType::Table(ty)
            }
            wp::TypeRef::Memory(ty) => {
                self.imported.memories += 1;
                self.memories.push(memory_type(&ty));
                CanonicalExternType::Memory(memory_type(&ty))
            }
            wp::TypeRef::Global(ty) => {
                self.imported.globals += 1;
                let ty = self.scope().global_type(&ty);
                self.globals.push(ty);
                CanonicalExternType::Global(ty)
            }
            wp::TypeRef::Tag(ty) => {
                self.imported.tags += 1;
                self.tags.push(ty.func_type_idx);
                CanonicalExternType::Tag(self.types[ty.func_type_idx as usize])
            }
        }
    }

    pub(super) fn read_tables(&mut self, reader: wp::TableSectionReader<'_>) -> Parsed<()> {
        for table in reader {
            let table = table?;
            self.tables.push(self.scope().table_type(&table.ty));
            self.table_inits.push(match &table.init {
                wp::TableInit::RefNull => None,
                wp::TableInit::Expr(expr) => Some(const_expr(expr)),
            });
        }
        Ok(())
    }

    pub(super) fn read_globals(&mut self, reader: wp::GlobalSectionReader<'_>) -> Parsed<()> {
        for global in reader {
            let global = global?;
            self.globals.push(self.scope().global_type(&global.ty));
            self.global_inits.push(const_expr(&global.init_expr));
        }
        Ok(())
    }

    pub(super) fn read_exports(&mut self, reader: wp::ExportSectionReader<'_>) -> Parsed<()> {
        for export in reader {
            let export = export?;
            let kind = match export.kind {
                wp::ExternalKind::Func | wp::ExternalKind::FuncExact => ExternKind::Func,
                wp::ExternalKind::Table => ExternKind::Table,
                wp::ExternalKind::Memory => ExternKind::Memory,
                wp::ExternalKind::Global => ExternKind::Global,
                wp::ExternalKind::Tag => ExternKind::Tag,
            };
            self.exports.push(Export {
                name: export.name.to_owned(),
                kind,
                index: export.index,
            });
        }
        Ok(())
    }

    pub(super) fn read_elements(&mut self, reader: wp::ElementSectionReader<'_>) -> Parsed<()> {
        for element in reader {
            let element = element?;
            let scope = self.scope();
            let mode = match &element.kind {
                wp::ElementKind::Passive => SegmentMode::Passive,
                wp::ElementKind::Declared => SegmentMode::Declared,
                wp::ElementKind::Active {
                    table_index,
                    offset_expr,
                } => SegmentMode::Active {
                    index: table_index.unwrap_or(0),
                    offset: const_expr(offset_expr),
                },
            };
            let (ty, items) = match element.items {
                wp::ElementItems::Functions(funcs) => {
                    let funcs = funcs.into_iter().collect::<Parsed<_>>()?;
                    (RefType::FUNCREF, ElementItems::Funcs(funcs))
                }
                wp::ElementItems::Expressions(ty, exprs) => {
                    let exprs = exprs.into_iter().map(|expr| Ok(const_expr(&expr?)));
                    let exprs = exprs.collect::<Parsed<_>>()?;
                    (scope.ref_type(ty), ElementItems::Exprs(exprs))
                }
            };
            self.elements.push(ElementSegment { mode, ty, items });
        }
        Ok(())
    }

    pub(super) fn read_datas(&mut self, reader: wp::DataSectionReader<'_>) -> Parsed<()> {
        for data in reader {
            let data = data?;
            let mode = match &data.kind {
                wp::DataKind::Passive => SegmentMode::Passive,
                wp::DataKind::Active {
                    memory_index,
                    offset_expr,
                } => SegmentMode::Active {
                    index: *memory_index,
                    offset: const_expr(offset_expr),
                },
            };
            let end = data.range.end as usize;
            self.datas.push(DataSegment {
                mode,
                range: end - data.data.len()..end,
            });
        }
        Ok(())
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            data: self,
            group_start: u32::MAX,
        }
    }
}

/// The meaning of type indices at one place of the module.
struct Scope<'a> {
    data: &'a ModuleData,
    /// The first type index of the recursion group that is being read, if one is.
    group_start: u32,
}

impl Scope<'_> {
    fn id(&self, index: wp::UnpackedIndex) -> TypeId {
        match index {
            wp::UnpackedIndex::Module(i) if i >= self.group_start => {
                TypeId::in_group(i - self.group_start)
            }
            wp::UnpackedIndex::Module(i) => self.data.types[i as usize],
            wp::UnpackedIndex::RecGroup(n) => TypeId::in_group(n),
            wp::UnpackedIndex::Id(_) => unreachable!("readers never give validator ids"),
        }
    }

    fn type_ref(&self, index: wp::UnpackedIndex) -> TypeRef {
        let position = match index {
            wp::UnpackedIndex::Module(i) => i,
            wp::UnpackedIndex::RecGroup(n) => self.group_start + n,
            wp::UnpackedIndex::Id(_) => unreachable!("readers never give validator ids"),
        };
        TypeRef {
            id: self.id(index),
            kind: self.data.kinds[position as usize],
        }
    }

    fn sub_type(&self, ty: &wp::SubType) -> SubType {
        let id = |index: &wp::PackedIndex| self.id(index.unpack());
        let composite = match &ty.composite_type.inner {
            wp::CompositeInnerType::Func(f) => CompositeType::Func(std::sync::Arc::new(FuncType {
                params: f.params().iter().map(|&t| self.val_type(t)).collect(),
                results: f.results().iter().map(|&t| self.val_type(t)).collect(),
            })),
            wp::CompositeInnerType::Struct(s) => {
                CompositeType::Struct(s.fields.iter().map(|f| self.field(f)).collect())
            }
            wp::CompositeInnerType::Array(a) => CompositeType::Array(self.field(&a.0)),
            wp::CompositeInnerType::Cont(c) => CompositeType::Cont(id(&c.0)),
        };
        SubType {
            is_final: ty.is_final,
            supertype: ty.supertype_idxs.first().map(id),
            composite,
            shared: ty.composite_type.shared,
            descriptor: ty.composite_type.descriptor_idx.as_ref().map(id),
            describes: ty.composite_type.describes_idx.as_ref().map(id),
        }
    }

    fn field(&self, field: &wp::FieldType) -> FieldType {
        let storage = match field.element_type {
            wp::StorageType::I8 => StorageType::I8,
            wp::StorageType::I16 => StorageType::I16,
            wp::StorageType::Val(ty) => StorageType::Val(self.val_type(ty)),
        };
        FieldType {
            storage,
            mutable: field.mutable,
        }
    }

    fn val_type(&self, ty: wp::ValType) -> ValType {
        match ty {
            wp::ValType::I32 => ValType::I32,
            wp::ValType::I64 => ValType::I64,
            wp::ValType::F32 => ValType::F32,
            wp::ValType::F64 => ValType::F64,
            wp::ValType::V128 => ValType::V128,
            wp::ValType::Ref(r) => ValType::Ref(self.ref_type(r)),
        }
    }

    fn ref_type(&self, ty: wp::RefType) -> RefType {
        RefType {
            nullable: ty.is_nullable(),
            heap: self.heap_type(ty.heap_type()),
        }
    }

    fn heap_type(&self, ty: wp::HeapType) -> HeapType {
        match ty {
            wp::HeapType::Abstract { ty, .. } => HeapType::Abstract(abstract_heap_type(ty)),
            wp::HeapType::Concrete(index) => HeapType::Concrete(self.type_ref(index)),
            wp::HeapType::Exact(index) => HeapType::Exact(self.type_ref(index)),
        }
    }

    fn table_type(&self, ty: &wp::TableType) -> TableType {
        TableType {
            element: self.ref_type(ty.element_type),
            is64: ty.table64,
            initial: ty.initial,
            maximum: ty.maximum,
        }
    }

    fn global_type(&self, ty: &wp::GlobalType) -> GlobalType {
        GlobalType {
            content: self.val_type(ty.content_type),
            mutable: ty.mutable,
        }
    }
}

/// The bytes of a constant expression.
fn const_expr(expr: &wp::ConstExpr<'_>) -> Range<usize> {
    let range = expr.get_binary_reader().range();
    range.start as usize..range.end as usize
}

fn composite_kind(ty: &wp::CompositeInnerType) -> CompositeKind {
    match ty {
        wp::CompositeInnerType::Func(_) => CompositeKind::Func,
        wp::CompositeInnerType::Struct(_) => CompositeKind::Struct,
        wp::CompositeInnerType::Array(_) => CompositeKind::Array,
        wp::CompositeInnerType::Cont(_) => CompositeKind::Cont,
    }
}

macro_rules! define_abstract_heap_type {
    ($($name:ident $text:literal $code:literal $top:ident;)*) => {
        fn abstract_heap_type(ty: wp::AbstractHeapType) -> AbstractHeapType {
            match ty { $(wp::AbstractHeapType::$name => AbstractHeapType::$name,)* }
        }
    };
}

for_each_abstract_heap_type!(define_abstract_heap_type);

pub(super) fn memory_type(ty: &wp::MemoryType) -> MemoryType {
    MemoryType {
        is64: ty.memory64,
        shared: ty.shared,
        initial: ty.initial,
        maximum: ty.maximum,
        page_size_log2: ty
            .page_size_log2
            .unwrap_or(PAGE_SIZE_BYTES.trailing_zeros()),
    }
}
