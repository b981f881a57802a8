//! Modules.
//!
//! The serialized form is the module's own bytes behind a head: this engine's modules are validated
//! and compiled again when they are read, so that no bytes can harm it.

use wassay_runtime::Module;
use xxhash_rust::xxh3::xxh3_64;

use crate::failure::noted;
use crate::object::{Counted, Kind, Object, StoreRef};
use crate::types::{Exporttype, Importtype};
use crate::vector::{Bytes, Out, Vector, give};

/// The head of the serialized form: these bytes, of which the last is the version of the form, and
/// the hash of the module's bytes (XXH3, 64 bits, little-endian).
const MAGIC: [u8; 8] = *b"wassay\0\x01";

/// The bytes of a module in the serialized form, if they are unharmed.
fn serialized(bytes: &[u8]) -> Option<&[u8]> {
    let (hash, module) = bytes.strip_prefix(&MAGIC)?.split_first_chunk()?;
    (u64::from_le_bytes(*hash) == xxh3_64(module)).then_some(module)
}

fn new(store: &StoreRef, bytes: &[u8]) -> Option<Box<Object>> {
    let module = noted(Module::new(store.engine(), bytes))?;
    Some(store.object(Kind::Module(Counted::new(module))))
}

/// The module of a reference.
pub fn module_of(object: Option<&Object>) -> Option<&Module> {
    match &object?.kind {
        Kind::Module(module) => Some(&module.value),
        _other => None,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_module_new(
    store: Option<&StoreRef>,
    binary: Option<&Bytes>,
) -> Option<Box<Object>> {
    new(store?, binary?.as_slice())
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_module_validate(store: Option<&StoreRef>, binary: Option<&Bytes>) -> bool {
    let (Some(store), Some(binary)) = (store, binary) else {
        return false;
    };
    noted(Module::validate(store.engine(), binary.as_slice())).is_some()
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_module_imports(
    module: Option<&Object>,
    out: Out<'_, Option<Box<Importtype>>>,
) {
    let imports = module_of(module).into_iter().flat_map(Module::imports);
    let imports = imports.map(|it| Importtype::new(it.module(), it.name(), it.ty()));
    let imports: Vec<_> = imports.map(|it| Some(Box::new(it))).collect();
    give(out, imports.into());
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_module_exports(
    module: Option<&Object>,
    out: Out<'_, Option<Box<Exporttype>>>,
) {
    let exports = module_of(module).into_iter().flat_map(Module::exports);
    let exports = exports.map(|it| Exporttype::new(it.name(), it.ty()));
    let exports: Vec<_> = exports.map(|it| Some(Box::new(it))).collect();
    give(out, exports.into());
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_module_serialize(module: Option<&Object>, out: Out<'_, u8>) {
    let bytes = module_of(module).map(Module::bytes).map(|module| {
        let hash = xxh3_64(module).to_le_bytes();
        [&MAGIC, &hash[..], module].concat()
    });
    give(out, bytes.map_or(Vector::EMPTY, Vector::from));
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_module_deserialize(
    store: Option<&StoreRef>,
    bytes: Option<&Bytes>,
) -> Option<Box<Object>> {
    let error = || wassay_runtime::Error::msg("the bytes are not a serialized module");
    let module = noted(serialized(bytes?.as_slice()).ok_or_else(error))?;
    new(store?, module)
}
