//! Globals and tags (spec: "Global Instances", "Tag Instances").

use crate::module::GlobalType;
use crate::value::{Val, slots_of};
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
    pub fn new(ty: GlobalType, value: Val) -> Box<Global> {
        let mut global = Box::new(Global {
            inst: GlobalInst { slots: [0; 2] },
            ty,
        });
        global.set(value);
        global
    }

    /// The current value.
    pub fn get(&self) -> Val {
        Val::read(self.ty.content, &self.inst.slots)
    }

    /// Replaces the value; its type must match.
    pub fn set(&mut self, value: Val) {
        value.write(&mut self.inst.slots[..slots_of(self.ty.content)]);
    }
}

/// A tag. `inst` is what code sees; its address is the tag's identity.
#[derive(Debug)]
#[repr(C)]
pub struct Tag {
    /// Type and number.
    pub inst: TagInst,
}
