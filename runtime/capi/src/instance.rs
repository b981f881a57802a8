//! Instances.

use std::mem::MaybeUninit;

use wassay_runtime::{Error, Extern, Instance, Module};

use crate::failure::noted;
use crate::module::module_of;
use crate::object::{Kind, Object, StoreRef};
use crate::trap::trap_of;
use crate::vector::{Out, Vector, give};

/// `wasm_extern_vec_t`.
type Externs = Vector<Option<Box<Object>>>;

fn new(
    store: &StoreRef,
    module: &Module,
    imports: &[Option<Box<Object>>],
) -> Result<Instance, Error> {
    let imports = imports.iter().map(|import| {
        let external = import.as_deref().and_then(Object::external);
        external.ok_or_else(|| Error::msg("an import is not an external value"))
    });
    let imports: Vec<Extern> = imports.collect::<Result<_, _>>()?;
    let instance = Instance::new(store.context(), module, &imports)?;
    store.context().data_mut().instances.push(instance);
    Ok(instance)
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_instance_new(
    store: Option<&StoreRef>,
    module: Option<&Object>,
    imports: Option<&Externs>,
    trap: Option<&mut MaybeUninit<Option<Box<Object>>>>,
) -> Option<Box<Object>> {
    let trap = trap.map(|trap| trap.write(None));
    // The start function may delete what C has named here.
    let (store, module) = (store?.clone(), module_of(module)?.clone());
    let made = new(&store, &module, imports.map_or(&[], Vector::as_slice));
    if let (Some(trap), Err(error)) = (trap, &made) {
        *trap = Some(trap_of(&store, error.clone()));
    }
    let instance = noted(made)?;
    Some(store.object(Kind::Instance(instance)))
}

#[unsafe(no_mangle)]
pub extern "C" fn wasm_instance_exports(
    instance: Option<&Object>,
    out: Out<'_, Option<Box<Object>>>,
) {
    let exports = instance.and_then(|object| match &object.kind {
        Kind::Instance(instance) => {
            let context = object.store.context();
            let exports = instance.exports(&context).map(|(_, value)| value);
            let exports = exports.map(|value| Some(object.store.object(Kind::Extern(value))));
            Some(exports.collect::<Vec<_>>())
        }
        _other => None,
    });
    give(out, exports.map_or(Vector::EMPTY, Vector::from));
}
