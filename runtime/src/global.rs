//! Globals and tags (spec: "Global Instances", "Tag Instances").

use crate::module::GlobalType;
use crate::vm::{GlobalInst, TagInst};

/// A global and its type. `inst` is what code sees.
#[derive(Debug)]
#[repr(C)]
pub struct GlobalData {
    /// The value, at the address that instances point to.
    pub inst: GlobalInst,
    /// Its type as declared.
    pub ty: GlobalType,
}

impl GlobalData {
    /// A global holding the value of these slots.
    pub(crate) fn new(ty: GlobalType, slots: [u64; 2]) -> Box<GlobalData> {
        Box::new(GlobalData {
            inst: GlobalInst { slots },
            ty,
        })
    }
}

/// A tag. `inst` is what code sees; its address is the tag's identity.
#[derive(Debug)]
#[repr(C)]
pub struct TagData {
    /// Type and number.
    pub inst: TagInst,
}
