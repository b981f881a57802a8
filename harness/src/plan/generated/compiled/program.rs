//! A module under construction: types, functions with known signatures, memories, tables, globals,
//! tags and segments, and its encoding.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use wasm_encoder::{
    ArrayType, CodeSection, CompositeInnerType, CompositeType, ConstExpr, DataCountSection,
    DataSection, ElementSection, Elements, EntityType, ExportKind, ExportSection, FieldType,
    Function, FunctionSection, GlobalSection, GlobalType, HeapType, ImportSection, MemorySection,
    MemoryType, Module, RefType, StartSection, StorageType, StructType, SubType, TableSection,
    TableType, TagKind, TagSection, TagType, TypeSection, ValType,
};

use crate::features::{FeatureSet, Proposal};

use super::super::random::Random;

/// The indices of the types that every module with objects begins with: one recursion group.
pub(super) mod objects {
    /// `(sub (struct (mut i32) (mut i64) (mut (ref null $node))))`
    pub(in super::super) const NODE: u32 = 0;
    /// A subtype of a node with `(mut f64) (mut f32) (mut anyref)` besides.
    pub(in super::super) const LEAF: u32 = 1;
    /// `(struct (mut i8) (mut i16) (mut i32) (mut i8) i64)`
    pub(in super::super) const PACKED: u32 = 2;
    /// Arrays of i8, i16, i32, i64, f32, f64.
    pub(in super::super) const BYTES: u32 = 3;
    /// `(array (mut i64))`
    pub(in super::super) const LONGS: u32 = 6;
    /// `(array (mut (ref null $node)))`
    pub(in super::super) const NODES: u32 = 9;
    /// `(array (mut anyref))`
    pub(in super::super) const ANYS: u32 = 10;
    /// `(array (mut funcref))`
    pub(in super::super) const FUNCS: u32 = 11;
    /// The first of a chain of subtypes of `(struct (mut i32))`, each below the one before.
    pub(in super::super) const CHAIN: u32 = 12;
    /// The length of the chain.
    pub(in super::super) const CHAIN_LEN: u32 = 11;
    /// The number of types.
    pub(in super::super) const COUNT: u32 = CHAIN + CHAIN_LEN;
    /// `(descriptor $described) (struct (mut i64))`, in a group of its own behind the others.
    pub(in super::super) const DESCRIBED: u32 = COUNT;
    /// The type of its descriptors.
    pub(in super::super) const DESCRIPTOR: u32 = COUNT + 1;
}

/// The parameters and results of a function or a block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FuncSig {
    pub(super) params: Vec<ValType>,
    pub(super) results: Vec<ValType>,
}

/// A function.
#[derive(Clone, Debug)]
pub(super) struct Func {
    pub(super) sig: FuncSig,
    pub(super) ty: u32,
    /// About how many instructions a call executes at most.
    pub(super) cost: u64,
    /// The code; `None` if the function is imported or not yet generated.
    pub(super) body: Option<Function>,
    /// True if calls of the function can be generated.
    pub(super) is_ready: bool,
    /// True if scripts call the function.
    pub(super) is_exported: bool,
    /// The function's slot in table 0.
    pub(super) slot: u32,
}

/// A memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) is64: bool,
    pub(super) is_shared: bool,
    /// Pages at the start, and the greatest number of them.
    pub(super) pages: (u64, u64),
    pub(super) page_log2: u32,
}

impl Memory {
    /// The bytes at the start. Memories never shrink.
    pub(super) fn bytes(self) -> u64 {
        self.pages.0 << self.page_log2
    }

    /// The type of addresses.
    pub(super) fn address_type(self) -> ValType {
        match self.is64 {
            true => ValType::I64,
            false => ValType::I32,
        }
    }

    fn encoded(self) -> MemoryType {
        MemoryType {
            minimum: self.pages.0,
            maximum: Some(self.pages.1),
            memory64: self.is64,
            shared: self.is_shared,
            page_size_log2: (self.page_log2 != 16).then_some(self.page_log2),
        }
    }
}

/// A global.
#[derive(Clone, Copy, Debug)]
pub(super) struct Global {
    pub(super) ty: ValType,
    pub(super) is_mutable: bool,
}

/// The slots of table 0 that hold functions of one module.
const SLOTS: u32 = 60;

/// A module under construction.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) features: FeatureSet,
    types: Vec<FuncSig>,
    type_of: HashMap<FuncSig, u32>,
    pub(super) functions: Vec<Func>,
    pub(super) memories: Vec<Memory>,
    /// Tables: table 0 holds functions and is never written by code.
    pub(super) tables: Vec<TableType>,
    pub(super) globals: Vec<Global>,
    pub(super) tags: Vec<Vec<ValType>>,
    imports: Vec<(String, EntityType)>,
    imported: Imported,
    first_slot: u32,
    /// The bytes of the passive data segment, which is segment 0.
    pub(super) passive: Vec<u8>,
    /// The start function.
    pub(super) start: Option<u32>,
    /// The motifs that the module has.
    pub(super) motifs: BTreeSet<&'static str>,
}

/// The numbers of imported items.
#[derive(Clone, Copy, Debug, Default)]
struct Imported {
    functions: usize,
    memories: usize,
    tables: usize,
    globals: usize,
    tags: usize,
}

impl Program {
    /// A module without anything in it.
    pub(super) fn new(features: FeatureSet) -> Program {
        Program {
            features,
            types: Vec::new(),
            type_of: HashMap::new(),
            functions: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            imports: Vec::new(),
            imported: Imported::default(),
            first_slot: 0,
            passive: Vec::new(),
            start: None,
            motifs: BTreeSet::new(),
        }
    }

    /// True if the module may use a proposal.
    pub(super) fn has(&self, proposal: Proposal) -> bool {
        self.features.contains(proposal)
    }

    /// The index of a function type.
    pub(super) fn ty(&mut self, sig: &FuncSig) -> u32 {
        if let Some(index) = self.type_of.get(sig) {
            return *index;
        }
        let objects = match self.has(Proposal::Gc) {
            true if self.has(Proposal::CustomDescriptors) => objects::DESCRIPTOR + 1,
            true => objects::COUNT,
            false => 0,
        };
        let index = objects + self.types.len() as u32;
        self.types.push(sig.clone());
        self.type_of.insert(sig.clone(), index);
        index
    }

    /// Declares a function, whose code follows.
    pub(super) fn declare(&mut self, sig: FuncSig, is_exported: bool) -> u32 {
        let ty = self.ty(&sig);
        let index = self.functions.len() as u32;
        let own = index - self.imported.functions as u32;
        self.functions.push(Func {
            sig,
            ty,
            cost: 0,
            body: None,
            is_ready: false,
            is_exported,
            slot: self.first_slot + own.min(SLOTS - 1),
        });
        index
    }

    /// True if table 0 holds the function in the slot that the function names.
    pub(super) fn has_slot(&self, function: u32) -> bool {
        let index = function as usize;
        index < self.imported.functions || index - self.imported.functions < SLOTS as usize - 1
    }

    /// The number of imported functions, which come first.
    pub(super) fn imported_functions(&self) -> u32 {
        self.imported.functions as u32
    }

    /// Imports of another module what it exports: memory, table, globals, tags and some functions.
    pub(super) fn import(&mut self, other: &Program, random: &mut Random) {
        for (index, func) in other.functions.iter().enumerate() {
            if func.is_exported && other.has_slot(index as u32) && random.chance(70) {
                let ty = self.ty(&func.sig);
                let mut func = func.clone();
                (func.ty, func.body, func.is_exported) = (ty, None, false);
                self.functions.push(func);
                self.imports
                    .push((format!("f{index}"), EntityType::Function(ty)));
            }
        }
        if let Some(memory) = other.memories.first().filter(|_| random.chance(80)) {
            self.memories.push(*memory);
            let ty = EntityType::Memory(memory.encoded());
            self.imports.push(("m0".to_string(), ty));
        }
        self.tables.push(other.tables[0]);
        let table = EntityType::Table(other.tables[0]);
        self.imports.push(("t0".to_string(), table));
        for (index, global) in other.globals.iter().enumerate() {
            if random.chance(50) {
                self.globals.push(*global);
                let ty = EntityType::Global(global_type(*global));
                self.imports.push((format!("g{index}"), ty));
            }
        }
        for (index, params) in other.tags.iter().enumerate() {
            self.tags.push(params.clone());
            let ty = EntityType::Tag(self.tag_type(params));
            self.imports.push((format!("e{index}"), ty));
        }
        self.imported = Imported {
            functions: self.functions.len(),
            memories: self.memories.len(),
            tables: self.tables.len(),
            globals: self.globals.len(),
            tags: self.tags.len(),
        };
        self.first_slot = other.first_slot + SLOTS;
    }

    fn tag_type(&mut self, params: &[ValType]) -> TagType {
        let sig = FuncSig {
            params: params.to_vec(),
            results: Vec::new(),
        };
        TagType {
            kind: TagKind::Exception,
            func_type_idx: self.ty(&sig),
        }
    }

    /// The type of table 0: slots for the functions of two modules.
    pub(super) fn table_of_functions() -> TableType {
        TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: u64::from(2 * SLOTS + 4),
            maximum: Some(u64::from(2 * SLOTS + 4)),
            shared: false,
        }
    }

    /// The module in the binary format.
    pub(super) fn encode(mut self, random: &mut Random) -> Vec<u8> {
        let tags: Vec<_> = self
            .tags
            .clone()
            .iter()
            .map(|it| self.tag_type(it))
            .collect();
        let mut module = Module::new();
        module.section(&self.encode_types());
        let mut imports = ImportSection::new();
        for (name, ty) in &self.imports {
            imports.import("a", name, *ty);
        }
        module.section(&imports);
        let own = &self.functions[self.imported.functions..];
        let mut functions = FunctionSection::new();
        own.iter().for_each(|it| {
            functions.function(it.ty);
        });
        module.section(&functions);
        let mut tables = TableSection::new();
        self.tables[self.imported.tables..].iter().for_each(|it| {
            tables.table(*it);
        });
        module.section(&tables);
        let mut memories = MemorySection::new();
        self.memories[self.imported.memories..]
            .iter()
            .for_each(|it| {
                memories.memory(it.encoded());
            });
        module.section(&memories);
        if tags.len() > self.imported.tags {
            let mut section = TagSection::new();
            tags[self.imported.tags..].iter().for_each(|it| {
                section.tag(*it);
            });
            module.section(&section);
        }
        let mut globals = GlobalSection::new();
        for global in &self.globals[self.imported.globals..] {
            globals.global(global_type(*global), &initial(global.ty, random));
        }
        module.section(&globals);
        module.section(&self.encode_exports());
        if let Some(function_index) = self.start {
            module.section(&StartSection { function_index });
        }
        module.section(&self.encode_elements());
        module.section(&DataCountSection {
            count: 2 + 2 * self.memories.len() as u32,
        });
        let mut code = CodeSection::new();
        for func in &self.functions[self.imported.functions..] {
            code.function(
                func.body
                    .as_ref()
                    .expect("every declared function has been generated"),
            );
        }
        module.section(&code);
        module.section(&self.encode_data(random));
        module.finish()
    }

    fn encode_types(&self) -> TypeSection {
        let mut types = TypeSection::new();
        if self.has(Proposal::Gc) {
            types.ty().rec(object_types());
        }
        if self.has(Proposal::CustomDescriptors) {
            types.ty().rec(described_types());
        }
        for sig in &self.types {
            types
                .ty()
                .function(sig.params.iter().copied(), sig.results.iter().copied());
        }
        types
    }

    fn encode_exports(&self) -> ExportSection {
        let mut exports = ExportSection::new();
        for (index, func) in self.functions.iter().enumerate() {
            if func.is_exported {
                exports.export(&format!("f{index}"), ExportKind::Func, index as u32);
            }
        }
        let counts = [
            ("m", ExportKind::Memory, self.memories.len()),
            ("t", ExportKind::Table, self.tables.len()),
            ("g", ExportKind::Global, self.globals.len()),
            ("e", ExportKind::Tag, self.tags.len()),
        ];
        for (letter, kind, count) in counts {
            for index in 0..count {
                exports.export(&format!("{letter}{index}"), kind, index as u32);
            }
        }
        exports
    }

    /// Segment 0 fills the module's slots of table 0; segment 1 is passive, and has functions and
    /// null; segment 2 declares all functions, so that code may name them; code may
    /// drop segment 3.
    fn encode_elements(&self) -> ElementSection {
        let first = self.imported.functions as u32;
        let count = (self.functions.len() as u32 - first).min(SLOTS - 1);
        let own: Vec<u32> = (first..first + count).collect();
        let mut elements = ElementSection::new();
        let offset = ConstExpr::i32_const(self.first_slot as i32);
        elements.active(Some(0), &offset, Elements::Functions(Cow::from(own)));
        let null = ConstExpr::ref_null(HeapType::FUNC);
        let some = [0, 0, 1, 0].map(|it: u32| match it < self.functions.len() as u32 {
            true => ConstExpr::ref_func(it),
            false => null.clone(),
        });
        let mut some = some.to_vec();
        some.insert(1, null);
        elements.passive(Elements::Expressions(RefType::FUNCREF, Cow::from(some)));
        let all: Vec<u32> = (0..self.functions.len() as u32).collect();
        elements.declared(Elements::Functions(Cow::from(all)));
        elements.passive(Elements::Functions(Cow::from(vec![0])));
        elements
    }

    /// Segments 0 and 1 are passive, and code may drop 1; the others fill the first and the last
    /// bytes of each memory.
    fn encode_data(&self, random: &mut Random) -> DataSection {
        let mut data = DataSection::new();
        data.passive(self.passive.iter().copied());
        data.passive(self.passive.iter().copied().take(8));
        for (index, memory) in self.memories.iter().enumerate() {
            let len = memory.bytes().min(64);
            for at in [0, memory.bytes() - len] {
                let at = match memory.is64 {
                    true => ConstExpr::i64_const(at as i64),
                    false => ConstExpr::i32_const(at as i32),
                };
                data.active(index as u32, &at, random.bytes(len as usize));
            }
        }
        data
    }
}

fn global_type(global: Global) -> GlobalType {
    GlobalType {
        val_type: global.ty,
        mutable: global.is_mutable,
        shared: false,
    }
}

/// The value with which a global begins.
fn initial(ty: ValType, random: &mut Random) -> ConstExpr {
    use super::super::boundary;
    match ty {
        ValType::I32 => ConstExpr::i32_const(boundary::i32(random).cast_signed()),
        ValType::I64 => ConstExpr::i64_const(boundary::i64(random).cast_signed()),
        ValType::F32 => ConstExpr::f32_const(wasm_encoder::Ieee32::new(boundary::f32(random))),
        ValType::F64 => ConstExpr::f64_const(wasm_encoder::Ieee64::new(boundary::f64(random))),
        ValType::V128 => ConstExpr::v128_const(i128::from_le_bytes(boundary::v128(random))),
        ValType::Ref(ty) => ConstExpr::ref_null(ty.heap_type),
    }
}

/// A mutable field of a value type.
fn field(ty: ValType) -> FieldType {
    stored(StorageType::Val(ty))
}

fn stored(element_type: StorageType) -> FieldType {
    FieldType {
        element_type,
        mutable: true,
    }
}

/// The nullable reference to a type.
pub(super) fn nullable(index: u32) -> ValType {
    ValType::Ref(RefType {
        nullable: true,
        heap_type: HeapType::Concrete(index),
    })
}

/// `anyref`
pub(super) const ANYREF: ValType = ValType::Ref(RefType::ANYREF);

/// The abstract heap types of objects.
pub(super) mod heap {
    use wasm_encoder::{AbstractHeapType, HeapType};

    const fn unshared(ty: AbstractHeapType) -> HeapType {
        HeapType::Abstract { shared: false, ty }
    }

    pub(in super::super) const ANY: HeapType = unshared(AbstractHeapType::Any);
    pub(in super::super) const EQ: HeapType = unshared(AbstractHeapType::Eq);
    pub(in super::super) const STRUCT: HeapType = unshared(AbstractHeapType::Struct);
    pub(in super::super) const ARRAY: HeapType = unshared(AbstractHeapType::Array);
    pub(in super::super) const NONE: HeapType = unshared(AbstractHeapType::None);
}

fn object(inner: CompositeInnerType, is_final: bool, supertype: Option<u32>) -> SubType {
    SubType {
        is_final,
        supertype_idxs: supertype.into_iter().collect(),
        composite_type: CompositeType {
            inner,
            shared: false,
            descriptor: None,
            describes: None,
        },
    }
}

/// A type and that of its descriptors.
fn described_types() -> [SubType; 2] {
    let structure = |ty| {
        CompositeInnerType::Struct(StructType {
            fields: vec![field(ty)].into(),
        })
    };
    let mut described = object(structure(ValType::I64), true, None);
    described.composite_type.descriptor = Some(objects::DESCRIPTOR);
    let mut descriptor = object(structure(ValType::I32), true, None);
    descriptor.composite_type.describes = Some(objects::DESCRIBED);
    [described, descriptor]
}

/// The types of `objects`, in their order.
fn object_types() -> Vec<SubType> {
    use ValType::{F32, F64, I32, I64};
    let structure = |fields: Vec<FieldType>| {
        CompositeInnerType::Struct(StructType {
            fields: fields.into(),
        })
    };
    let node = vec![field(I32), field(I64), field(nullable(objects::NODE))];
    let mut leaf = node.clone();
    leaf.extend([field(F64), field(F32), field(ANYREF)]);
    let mut constant = field(I64);
    constant.mutable = false;
    let packed = vec![
        stored(StorageType::I8),
        stored(StorageType::I16),
        field(I32),
        stored(StorageType::I8),
        constant,
    ];
    let mut types = vec![
        object(structure(node), false, None),
        object(structure(leaf), false, Some(objects::NODE)),
        object(structure(packed), true, None),
    ];
    let elements = [
        stored(StorageType::I8),
        stored(StorageType::I16),
        field(I32),
        field(I64),
        field(F32),
        field(F64),
        field(nullable(objects::NODE)),
        field(ANYREF),
        field(ValType::FUNCREF),
    ];
    let arrays = elements.map(|it| object(CompositeInnerType::Array(ArrayType(it)), true, None));
    types.extend(arrays);
    for depth in 0..objects::CHAIN_LEN {
        let above = depth.checked_sub(1).map(|above| objects::CHAIN + above);
        let is_final = depth + 1 == objects::CHAIN_LEN;
        types.push(object(structure(vec![field(I32)]), is_final, above));
    }
    types
}
