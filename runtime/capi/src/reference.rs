//! The functions that every reference has, and conversions between the types of references.

use std::ffi::c_void;

use wassay_runtime::{Extern, Module};

use crate::object::{Counted, Finalizer, HostInfo, Kind, Object, StoreRef};

/// `wasm_shared_module_t`: a module without a store, for other threads.
#[derive(Debug)]
pub struct SharedModule(Module);

/// The functions of `WASM_DECLARE_REF_BASE`.
macro_rules! references {
    ($($name:literal;)*) => { $(
        const _: () = {
            #[unsafe(export_name = concat!("wasm_", $name, "_delete"))]
            extern "C" fn delete(object: Option<Box<Object>>) {
                drop(object);
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_copy"))]
            extern "C" fn copy(object: Option<&Object>) -> Option<Box<Object>> {
                object.map(|object| Box::new(object.clone()))
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_same"))]
            extern "C" fn same(one: Option<&Object>, other: Option<&Object>) -> bool {
                match (one, other) {
                    (Some(one), Some(other)) => one.same(other),
                    (one, other) => one.is_none() && other.is_none(),
                }
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_get_host_info"))]
            extern "C" fn host_info(object: Option<&Object>) -> *mut c_void {
                object.map_or(std::ptr::null_mut(), Object::host_info)
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_set_host_info"))]
            extern "C" fn set_host_info(object: Option<&Object>, data: *mut c_void) {
                set_with_finalizer(object, data, None);
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_set_host_info_with_finalizer"))]
            extern "C" fn set_with_finalizer(
                object: Option<&Object>,
                data: *mut c_void,
                finalizer: Finalizer,
            ) {
                let info = HostInfo { data, finalizer };
                match object {
                    Some(object) => object.set_host_info(info),
                    None => drop(info),
                }
            }
        };
    )* };
}

/// The conversions of one type into another and back, which gives null for a reference of another
/// kind: `name` is part of `whole`.
macro_rules! conversions {
    ($($name:literal in $whole:literal: $kind:pat,)*) => { $(
        const _: () = {
            #[unsafe(export_name = concat!("wasm_", $name, "_as_", $whole))]
            extern "C" fn as_whole(object: Option<&mut Object>) -> Option<&mut Object> {
                object
            }

            #[unsafe(export_name = concat!("wasm_", $name, "_as_", $whole, "_const"))]
            extern "C" fn as_whole_const(object: Option<&Object>) -> Option<&Object> {
                object
            }

            #[unsafe(export_name = concat!("wasm_", $whole, "_as_", $name))]
            extern "C" fn as_part(object: Option<&mut Object>) -> Option<&mut Object> {
                object.filter(|object| matches!(object.kind, $kind))
            }

            #[unsafe(export_name = concat!("wasm_", $whole, "_as_", $name, "_const"))]
            extern "C" fn as_part_const(object: Option<&Object>) -> Option<&Object> {
                object.filter(|object| matches!(object.kind, $kind))
            }
        };
    )* };
}

references! {
    "ref";
    "trap";
    "foreign";
    "module";
    "func";
    "global";
    "table";
    "memory";
    "extern";
    "instance";
}

conversions! {
    "trap" in "ref": Kind::Trap(..),
    "foreign" in "ref": Kind::Foreign(_),
    "module" in "ref": Kind::Module(_),
    "func" in "ref": Kind::Extern(Extern::Func(_)),
    "global" in "ref": Kind::Extern(Extern::Global(_)),
    "table" in "ref": Kind::Extern(Extern::Table(_)),
    "memory" in "ref": Kind::Extern(Extern::Memory(_)),
    "extern" in "ref": Kind::Extern(_),
    "instance" in "ref": Kind::Instance(_),
    "func" in "extern": Kind::Extern(Extern::Func(_)),
    "global" in "extern": Kind::Extern(Extern::Global(_)),
    "table" in "extern": Kind::Extern(Extern::Table(_)),
    "memory" in "extern": Kind::Extern(Extern::Memory(_)),
}

// --- foreign objects -----------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_foreign_new(store: Option<&StoreRef>) -> Option<Box<Object>> {
    Some(store?.object(Kind::Foreign(Counted::new(()))))
}

// --- modules of all threads ----------------------------------------------------------------------

#[unsafe(no_mangle)]
pub extern "C" fn wasm_module_share(module: Option<&Object>) -> Option<Box<SharedModule>> {
    match &module?.kind {
        Kind::Module(module) => Some(Box::new(SharedModule(module.value.clone()))),
        _other => None,
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_module_obtain(
    store: Option<&StoreRef>,
    shared: Option<&SharedModule>,
) -> Option<Box<Object>> {
    let module = Counted::new(shared?.0.clone());
    Some(store?.object(Kind::Module(module)))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_shared_module_delete(shared: Option<Box<SharedModule>>) {
    drop(shared);
}
