//! Import matching (spec: "External Type Matching").

use crate::error::{Error, Result};
use crate::limits::PAGE_SIZE_BYTES;
use crate::module::{CanonicalExternType, Import, ModuleParts};
use crate::store::{Extern, StoreData};
use crate::types::TypeRegistry;

/// Checks that there is one matching external value for each import.
///
/// # Errors
/// `Unlinkable`, naming the import; `Usage` for a value of another store.
pub(super) fn check(store: &StoreData, module: &ModuleParts, imports: &[Extern]) -> Result<()> {
    if imports.len() != module.imports.len() {
        let (want, got) = (module.imports.len(), imports.len());
        return Err(Error::usage(format!(
            "{want} imports are wanted, {got} were given"
        )));
    }
    for (import, &value) in module.imports.iter().zip(imports) {
        crate::store::check_store(value.store(), store)?;
        let given = store.type_of(value);
        if !matches(store.engine.registry(), &given, &import.ty) {
            return Err(incompatible(store.engine.registry(), import, &given));
        }
    }
    Ok(())
}

fn incompatible(registry: &TypeRegistry, import: &Import, given: &CanonicalExternType) -> Error {
    Error::unlinkable(format!(
        "incompatible import type for {:?} {:?}: {} does not match {}",
        import.module,
        import.name,
        text(registry, given),
        text(registry, &import.ty)
    ))
}

/// A type as the text format has it.
fn text(registry: &TypeRegistry, ty: &CanonicalExternType) -> String {
    use CanonicalExternType as E;
    let limits = |is_64: bool, minimum: u64, maximum: Option<u64>| {
        let address = if is_64 { "i64 " } else { "" };
        let maximum = maximum.map_or_else(String::new, |maximum| format!(" {maximum}"));
        format!("{address}{minimum}{maximum}")
    };
    match ty {
        E::Func { ty, exact } => {
            let exact = if *exact { "exact " } else { "" };
            format!("func {exact}{} (type#{})", registry.func(*ty), ty.0)
        }
        E::Table(ty) => {
            let limits = limits(ty.is64, ty.initial, ty.maximum);
            format!("table {limits} {}", ty.element)
        }
        E::Memory(ty) => {
            let limits = limits(ty.is64, ty.initial, ty.maximum);
            let shared = if ty.shared { " shared" } else { "" };
            let page_bytes = ty.page_size();
            let page_size = match page_bytes == PAGE_SIZE_BYTES as u64 {
                true => String::new(),
                false => format!(" (pagesize {page_bytes})"),
            };
            format!("memory {limits}{shared}{page_size}")
        }
        E::Global(ty) if ty.mutable => format!("global (mut {})", ty.content),
        E::Global(ty) => format!("global {}", ty.content),
        E::Tag(ty) => format!("tag {} (type#{})", registry.func(*ty), ty.0),
    }
}

/// True if a value of type `given` may be imported as `wanted`.
fn matches(
    registry: &TypeRegistry,
    given: &CanonicalExternType,
    wanted: &CanonicalExternType,
) -> bool {
    use CanonicalExternType as E;
    match (given, wanted) {
        (E::Func { ty: a, .. }, E::Func { ty: b, exact: true }) => a == b,
        (
            E::Func { ty: a, .. },
            E::Func {
                ty: b,
                exact: false,
            },
        ) => registry.is_subtype(*a, *b),
        (E::Table(a), E::Table(b)) => {
            a.element == b.element
                && a.is64 == b.is64
                && limits_match((a.initial, a.maximum), (b.initial, b.maximum))
        }
        (E::Memory(a), E::Memory(b)) => {
            a.is64 == b.is64
                && a.shared == b.shared
                && a.page_size_log2 == b.page_size_log2
                && limits_match((a.initial, a.maximum), (b.initial, b.maximum))
        }
        (E::Global(a), E::Global(b)) if a.mutable || b.mutable => a == b,
        (E::Global(a), E::Global(b)) => registry.matches(a.content, b.content),
        (E::Tag(a), E::Tag(b)) => a == b,
        (E::Func { .. } | E::Table(_) | E::Memory(_) | E::Global(_) | E::Tag(_), _) => false,
    }
}

/// Spec: "Matching / Limits".
fn limits_match(given: (u64, Option<u64>), wanted: (u64, Option<u64>)) -> bool {
    let max_fits = match (given.1, wanted.1) {
        (_, None) => true,
        (Some(given), Some(wanted)) => given <= wanted,
        (None, Some(_)) => false,
    };
    given.0 >= wanted.0 && max_fits
}
