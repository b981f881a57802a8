//! Globals and tags (spec: "Global Instances", "Tag Instances").

use crate::module::GlobalType;
use crate::value::{Objects, Val, slots_of};
use crate::vm::{GlobalInst, TagInst};

/// A global and its type. `inst` is what code sees.
#[derive(Debug)]
#[repr(C)]
pub struct Global {
    /// The value, at the address that instances point to.
    pub inst: GlobalInst,
    /// Its type as declared.
    pub ty: GlobalType,
}

impl Global {
    /// A global holding `value`, whose type must match.
    pub(crate) fn new(ty: GlobalType, objects: &dyn Objects, value: Val) -> Box<Global> {
        let mut global = Box::new(Global {
            inst: GlobalInst { slots: [0; 2] },
            ty,
        });
        global.set(objects, value);
        global
    }

    /// The current value.
    pub(crate) fn get(&self, objects: &dyn Objects) -> Val {
        Val::read(self.ty.content, objects, &self.inst.slots)
    }

    /// Replaces the value; its type must match.
    pub(crate) fn set(&mut self, objects: &dyn Objects, value: Val) {
        value.write(objects, &mut self.inst.slots[..slots_of(self.ty.content)]);
    }
}

/// A tag. `inst` is what code sees; its address is the tag's identity.
#[derive(Debug)]
#[repr(C)]
pub struct Tag {
    /// Type and number.
    pub inst: TagInst,
}
