//! Types: of values, of what can be imported and exported, and of imports and exports.
//!
//! All external types are one Rust type, so that conversions between `wasm_functype_t`,
//! `wasm_externtype_t` and the others are tests of the kind. A type keeps all that the engine knows
//! of it, also what the C API has no words for: a type that a module tells is the same type when it
//! is given back.

use std::sync::Arc;

use wassay_runtime::{
    AbstractHeapType, ExternType, FuncType, GlobalType, MemoryType, Mutability, RefType, TableType,
    ValType,
};

use crate::vector::{Bytes, Vector, vectors};

/// `wasm_valkind_t`. The header `wassay.h` has those that `wasm.h` does not know.
pub mod kind {
    pub const I32: u8 = 0;
    pub const I64: u8 = 1;
    pub const F32: u8 = 2;
    pub const F64: u8 = 3;
    pub const V128: u8 = 4;
    pub const EXTERNREF: u8 = 128;
    pub const FUNCREF: u8 = 129;
    pub const ANYREF: u8 = 130;
    pub const EXNREF: u8 = 131;
}

/// `wasm_externkind_t`.
mod externkind {
    pub const FUNC: u8 = 0;
    pub const GLOBAL: u8 = 1;
    pub const TABLE: u8 = 2;
    pub const MEMORY: u8 = 3;
    pub const TAG: u8 = 4;
}

/// The kind of values of a type.
pub fn kind_of(ty: ValType) -> u8 {
    match ty {
        ValType::I32 => kind::I32,
        ValType::I64 => kind::I64,
        ValType::F32 => kind::F32,
        ValType::F64 => kind::F64,
        ValType::V128 => kind::V128,
        ValType::Ref(ty) => match ty.heap_type().top() {
            AbstractHeapType::Func => kind::FUNCREF,
            AbstractHeapType::Extern => kind::EXTERNREF,
            AbstractHeapType::Exn => kind::EXNREF,
            _any => kind::ANYREF,
        },
    }
}

/// The type of a kind: that of all its values.
fn type_of(kind: u8) -> Option<ValType> {
    let nullable = |heap| ValType::Ref(RefType::nullable(heap));
    Some(match kind {
        kind::I32 => ValType::I32,
        kind::I64 => ValType::I64,
        kind::F32 => ValType::F32,
        kind::F64 => ValType::F64,
        kind::V128 => ValType::V128,
        kind::EXTERNREF => nullable(AbstractHeapType::Extern),
        kind::FUNCREF => nullable(AbstractHeapType::Func),
        kind::ANYREF => nullable(AbstractHeapType::Any),
        kind::EXNREF => nullable(AbstractHeapType::Exn),
        _unknown => return None,
    })
}

/// `wasm_valtype_t`.
#[derive(Clone, Debug)]
pub struct Valtype(ValType);

/// A vector of value types.
pub type Valtypes = Vector<Option<Box<Valtype>>>;

/// `wasm_limits_t`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    min: u32,
    max: u32,
}

/// The maximum of limits that do not have one.
const NO_MAXIMUM: u32 = u32::MAX;

impl Limits {
    /// The limits as far as 32 bits hold them.
    fn new(min: u64, max: Option<u64>) -> Limits {
        let low = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        Limits {
            min: low(min),
            max: max.map_or(NO_MAXIMUM, low),
        }
    }

    fn maximum(self) -> Option<u64> {
        (self.max != NO_MAXIMUM).then_some(self.max.into())
    }
}

/// `wasm_externtype_t`, and the types of functions, globals, tables and memories.
#[derive(Debug)]
pub struct Externtype {
    ty: ExternType,
    /// Those of a function.
    params: Valtypes,
    results: Valtypes,
    /// The type of a global's value or of a table's elements.
    content: Option<Box<Valtype>>,
    /// Those of a table or memory.
    limits: Limits,
}

impl From<ExternType> for Externtype {
    fn from(ty: ExternType) -> Externtype {
        let valtype = |ty: ValType| Some(Box::new(Valtype(ty)));
        let vector = |types: &[ValType]| -> Valtypes {
            let types: Vec<_> = types.iter().map(|&ty| valtype(ty)).collect();
            types.into()
        };
        let mut made = Externtype {
            ty: ty.clone(),
            params: Vector::EMPTY,
            results: Vector::EMPTY,
            content: None,
            limits: Limits::new(0, None),
        };
        match &ty {
            ExternType::Func(ty) => {
                made.params = vector(ty.params());
                made.results = vector(ty.results());
            }
            ExternType::Global(ty) => made.content = valtype(ty.content()),
            ExternType::Table(ty) => {
                made.content = valtype(ValType::Ref(ty.element()));
                made.limits = Limits::new(ty.minimum(), ty.maximum());
            }
            ExternType::Memory(ty) => made.limits = Limits::new(ty.minimum(), ty.maximum()),
            _tag => {}
        }
        made
    }
}

impl Clone for Externtype {
    fn clone(&self) -> Externtype {
        self.ty.clone().into()
    }
}

impl Externtype {
    /// The type as the engine has it.
    pub fn engine_type(&self) -> &ExternType {
        &self.ty
    }

    fn boxed(ty: ExternType) -> Box<Externtype> {
        Box::new(ty.into())
    }

    fn kind(&self) -> u8 {
        match &self.ty {
            ExternType::Func(_) => externkind::FUNC,
            ExternType::Global(_) => externkind::GLOBAL,
            ExternType::Table(_) => externkind::TABLE,
            ExternType::Memory(_) => externkind::MEMORY,
            _tag => externkind::TAG,
        }
    }
}

/// `wasm_importtype_t`.
#[derive(Clone, Debug)]
pub struct Importtype {
    module: Bytes,
    name: Bytes,
    ty: Box<Externtype>,
}

impl Importtype {
    /// The type of an import.
    pub fn new(module: &str, name: &str, ty: ExternType) -> Importtype {
        Importtype {
            module: module.as_bytes().to_vec().into(),
            name: name.as_bytes().to_vec().into(),
            ty: Externtype::boxed(ty),
        }
    }
}

/// `wasm_exporttype_t`.
#[derive(Clone, Debug)]
pub struct Exporttype {
    name: Bytes,
    ty: Box<Externtype>,
}

impl Exporttype {
    /// The type of an export.
    pub fn new(name: &str, ty: ExternType) -> Exporttype {
        Exporttype {
            name: name.as_bytes().to_vec().into(),
            ty: Externtype::boxed(ty),
        }
    }
}

// --- what every type has -------------------------------------------------------------------------

macro_rules! types {
    ($($name:literal: $ty:ty;)*) => { $(
        const _: () = {
            #[unsafe(export_name = concat!("wasm_", $name, "_delete"))]
            extern "C" fn delete(ty: Option<Box<$ty>>) {
                drop(ty);
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_copy"))]
            extern "C" fn copy(ty: Option<&$ty>) -> Option<Box<$ty>> {
                ty.map(|ty| Box::new(ty.clone()))
            }
        };
    )* };
}

vectors! {
    "valtype": Option<Box<Valtype>>;
    "functype": Option<Box<Externtype>>;
    "globaltype": Option<Box<Externtype>>;
    "tabletype": Option<Box<Externtype>>;
    "memorytype": Option<Box<Externtype>>;
    "externtype": Option<Box<Externtype>>;
    "importtype": Option<Box<Importtype>>;
    "exporttype": Option<Box<Exporttype>>;
}

types! {
    "valtype": Valtype;
    "functype": Externtype;
    "globaltype": Externtype;
    "tabletype": Externtype;
    "memorytype": Externtype;
    "externtype": Externtype;
    "importtype": Importtype;
    "exporttype": Exporttype;
}

/// Conversions from and to `wasm_externtype_t`: null for a type of another kind.
macro_rules! conversions {
    ($($name:literal: $kind:expr;)*) => { $(
        const _: () = {
            #[unsafe(export_name = concat!("wasm_", $name, "_as_externtype"))]
            extern "C" fn as_externtype(ty: Option<&mut Externtype>) -> Option<&mut Externtype> {
                ty
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_as_externtype_const"))]
            extern "C" fn as_externtype_const(ty: Option<&Externtype>) -> Option<&Externtype> {
                ty
            }

            #[unsafe(export_name = concat!("wasm_externtype_as_", $name))]
            extern "C" fn as_it(ty: Option<&mut Externtype>) -> Option<&mut Externtype> {
                ty.filter(|ty| ty.kind() == $kind)
            }

            #[unsafe(export_name = concat!("wasm_externtype_as_", $name, "_const"))]
            extern "C" fn as_it_const(ty: Option<&Externtype>) -> Option<&Externtype> {
                ty.filter(|ty| ty.kind() == $kind)
            }
        };
    )* };
}

conversions! {
    "functype": externkind::FUNC;
    "globaltype": externkind::GLOBAL;
    "tabletype": externkind::TABLE;
    "memorytype": externkind::MEMORY;
}

// --- value types ---------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_valtype_new(kind: u8) -> Option<Box<Valtype>> {
    type_of(kind).map(|ty| Box::new(Valtype(ty)))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_valtype_kind(ty: Option<&Valtype>) -> u8 {
    ty.map_or(kind::I32, |ty| kind_of(ty.0))
}

// --- function types ------------------------------------------------------------------------------

/// The types of a vector that C gives away; none if one of them is null.
fn taken(types: Option<&mut Valtypes>) -> Option<Vec<ValType>> {
    let types = types.map_or(Vector::EMPTY, Vector::take);
    let types = types.as_slice().iter();
    types.map(|ty| ty.as_ref().map(|ty| ty.0)).collect()
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_functype_new(
    params: Option<&mut Valtypes>,
    results: Option<&mut Valtypes>,
) -> Option<Box<Externtype>> {
    let (params, results) = (taken(params), taken(results));
    let ty = FuncType::new(params?, results?);
    Some(Externtype::boxed(ExternType::Func(Arc::new(ty))))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_functype_params(ty: Option<&Externtype>) -> Option<&Valtypes> {
    ty.map(|ty| &ty.params)
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_functype_results(ty: Option<&Externtype>) -> Option<&Valtypes> {
    ty.map(|ty| &ty.results)
}

// --- global types --------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_globaltype_new(
    content: Option<Box<Valtype>>,
    mutability: u8,
) -> Option<Box<Externtype>> {
    let mutability = match mutability {
        0 => Mutability::Const,
        _var => Mutability::Var,
    };
    let ty = GlobalType::new(content?.0, mutability);
    Some(Externtype::boxed(ExternType::Global(ty)))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_globaltype_content(ty: Option<&Externtype>) -> Option<&Valtype> {
    ty?.content.as_deref()
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_globaltype_mutability(ty: Option<&Externtype>) -> u8 {
    match ty.map(Externtype::engine_type) {
        Some(ExternType::Global(ty)) => (ty.mutability() == Mutability::Var).into(),
        _other => 0,
    }
}

// --- table types ---------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_tabletype_new(
    element: Option<Box<Valtype>>,
    limits: Option<&Limits>,
) -> Option<Box<Externtype>> {
    let (ValType::Ref(element), limits) = (element?.0, limits?) else {
        return None;
    };
    let ty = TableType::new(element, limits.min.into(), limits.maximum());
    Some(Externtype::boxed(ExternType::Table(ty)))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_tabletype_element(ty: Option<&Externtype>) -> Option<&Valtype> {
    ty?.content.as_deref()
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_tabletype_limits(ty: Option<&Externtype>) -> Option<&Limits> {
    ty.map(|ty| &ty.limits)
}

// --- memory types --------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_memorytype_new(limits: Option<&Limits>) -> Option<Box<Externtype>> {
    let limits = limits?;
    let ty = MemoryType::new(limits.min.into(), limits.maximum());
    Some(Externtype::boxed(ExternType::Memory(ty)))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_memorytype_limits(ty: Option<&Externtype>) -> Option<&Limits> {
    ty.map(|ty| &ty.limits)
}

// --- external types ------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_externtype_kind(ty: Option<&Externtype>) -> u8 {
    ty.map_or(externkind::FUNC, Externtype::kind)
}

// --- types of imports and exports ----------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_importtype_new(
    module: Option<&mut Bytes>,
    name: Option<&mut Bytes>,
    ty: Option<Box<Externtype>>,
) -> Option<Box<Importtype>> {
    let (module, name) = (module.map(Vector::take), name.map(Vector::take));
    Some(Box::new(Importtype {
        module: module?,
        name: name?,
        ty: ty?,
    }))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_importtype_module(ty: Option<&Importtype>) -> Option<&Bytes> {
    ty.map(|ty| &ty.module)
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_importtype_name(ty: Option<&Importtype>) -> Option<&Bytes> {
    ty.map(|ty| &ty.name)
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_importtype_type(ty: Option<&Importtype>) -> Option<&Externtype> {
    ty.map(|ty| &*ty.ty)
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_exporttype_new(
    name: Option<&mut Bytes>,
    ty: Option<Box<Externtype>>,
) -> Option<Box<Exporttype>> {
    let name = name.map(Vector::take);
    Some(Box::new(Exporttype {
        name: name?,
        ty: ty?,
    }))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_exporttype_name(ty: Option<&Exporttype>) -> Option<&Bytes> {
    ty.map(|ty| &ty.name)
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_exporttype_type(ty: Option<&Exporttype>) -> Option<&Externtype> {
    ty.map(|ty| &*ty.ty)
}
