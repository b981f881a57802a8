//! Import matching (spec: "External Type Matching").

use crate::error::{Error, Result};
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
            return Err(incompatible(import, &given));
        }
    }
    Ok(())
}

fn incompatible(import: &Import, given: &CanonicalExternType) -> Error {
    Error::unlinkable(format!(
        "incompatible import type for {:?} {:?}: {given:?} does not match {:?}",
        import.module, import.name, import.ty
    ))
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
