//! The host module `spectest` that scripts import from (spec: interpreter/README, "Spectest host
//! module"): printing functions that print nothing, constant globals, a memory, two tables.
//!
//! Each item is made when it is first imported, so that stores that do not need them stay small.
//! The order in which they are made depends on the script alone, so it is the same in every tier.

use std::collections::HashMap;

use wassay_runtime::{
    Extern, Func, FuncType, Global, GlobalType, Memory, MemoryType, Mutability, Ref, RefType,
    Result, Store, Table, TableType, Val, ValType,
};

/// The name under which scripts import it.
pub(super) const MODULE: &str = "spectest";

/// The items made so far.
#[derive(Debug, Default)]
pub(super) struct Spectest {
    made: HashMap<String, Extern>,
}

/// The functions: names and parameters.
const FUNCS: &[(&str, &[ValType])] = &[
    ("print", &[]),
    ("print_i32", &[ValType::I32]),
    ("print_i64", &[ValType::I64]),
    ("print_f32", &[ValType::F32]),
    ("print_f64", &[ValType::F64]),
    ("print_i32_f32", &[ValType::I32, ValType::F32]),
    ("print_f64_f64", &[ValType::F64, ValType::F64]),
];

/// The items that can change. What imports none of them cannot reach what else imports them.
const MUTABLE: [&str; 4] = ["memory", "shared_memory", "table", "table64"];

/// True if the item of that name can change.
pub(super) fn is_mutable(name: &str) -> bool {
    MUTABLE.contains(&name)
}

/// 666.6 as an f32 and as an f64.
const FLOATS: (f32, f64) = (666.6, 666.6);

impl Spectest {
    /// The item of that name, if there is one.
    ///
    /// # Errors
    /// When the runtime cannot make it.
    pub(super) fn get(&mut self, store: &mut Store, name: &str) -> Result<Option<Extern>> {
        if let Some(item) = self.made.get(name) {
            return Ok(Some(*item));
        }
        let item = make(store, name)?;
        if let Some(item) = item {
            self.made.insert(name.to_string(), item);
        }
        Ok(item)
    }
}

fn make(store: &mut Store, name: &str) -> Result<Option<Extern>> {
    if let Some((_, params)) = FUNCS.iter().find(|(known, _)| *known == name) {
        let ty = FuncType::new(params.iter().copied(), []);
        let func = Func::new(store, ty, |_, _, _| Ok(()))?;
        return Ok(Some(Extern::Func(func)));
    }
    let global = match name {
        "global_i32" => Some(Val::I32(666)),
        "global_i64" => Some(Val::I64(666)),
        "global_f32" => Some(Val::F32(FLOATS.0.to_bits())),
        "global_f64" => Some(Val::F64(FLOATS.1.to_bits())),
        _ => None,
    };
    if let Some(value) = global {
        let ty = GlobalType::new(value.ty(), Mutability::Const);
        return Ok(Some(Global::new(store, ty, value)?.into()));
    }
    Ok(Some(match name {
        "memory" => Extern::Memory(Memory::new(store, memory())?),
        "shared_memory" => {
            let ty = MemoryType::new_shared(1, 2);
            Extern::Memory(Memory::new(store, ty)?)
        }
        "table" => Extern::Table(table(store, false)?),
        "table64" => Extern::Table(table(store, true)?),
        _ => return Ok(None),
    }))
}

/// One page, at most two.
fn memory() -> MemoryType {
    MemoryType::new(1, Some(2))
}

/// Ten null functions, at most twenty.
fn table(store: &mut Store, is64: bool) -> Result<Table> {
    let element = RefType::FUNCREF;
    let new = if is64 {
        TableType::new64
    } else {
        TableType::new
    };
    let ty = new(element, 10, Some(20));
    Table::new(store, ty, Ref::Null(element.heap_type().top()))
}
