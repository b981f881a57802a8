//! The roles of operands, and the visitor that the rows of `ir/inst.rs` report to.

use super::types::types_of;
use super::{BlockId, Callee, Catch, FuncIr, List, MemoryPlace, Operand, Slot, Type};
use crate::trap::TrapKind;
use crate::types::RefType;

/// One operand of an instruction in its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads the operand.
    Use(Operand, Type),
    /// Writes the slot (both slots of a v128).
    Def(Slot, Type),
    /// An immediate.
    Imm(Imm),
    /// May go to the block.
    Label(BlockId),
}

/// An immediate: an index into the space of its name, or a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imm {
    Func(u32),
    Type(u32),
    Table(u32),
    Memory(u32),
    Global(u32),
    Element(u32),
    Data(u32),
    Tag(u32),
    Offset(u64),
    Lane(u8),
    Lanes(u128),
    Trap(TrapKind),
    Cost(u32),
    Field(u32),
    Count(u32),
    RefType(RefType),
    Nullable(bool),
}

/// Passes the roles of one instruction on.
pub(super) struct Visitor<'a, F> {
    pub(super) func: &'a FuncIr,
    pub(super) role: F,
}

impl<F: FnMut(Role)> Visitor<'_, F> {
    #[inline]
    pub(super) fn uses(&mut self, operand: Operand, ty: Type) {
        (self.role)(Role::Use(operand, ty));
    }

    #[inline]
    pub(super) fn def(&mut self, slot: Slot, ty: Type) {
        (self.role)(Role::Def(slot, ty));
    }

    #[inline]
    pub(super) fn imm(&mut self, imm: Imm) {
        (self.role)(Role::Imm(imm));
    }

    #[inline]
    pub(super) fn label(&mut self, block: BlockId) {
        (self.role)(Role::Label(block));
    }

    /// An immediate that some opcodes of the row do not have.
    #[inline]
    pub(super) fn index(&mut self, imm: Option<Imm>) {
        if let Some(imm) = imm {
            self.imm(imm);
        }
    }

    /// Uses of a list, each of its type.
    #[inline]
    pub(super) fn list(&mut self, list: List, types: impl IntoIterator<Item = Type>) {
        let operands = self.func.list(list);
        for (&operand, ty) in operands.iter().zip(types) {
            self.uses(operand, ty);
        }
    }

    /// Uses of a call's operands. That of the callee comes last, as it is pushed last.
    #[inline]
    pub(super) fn call(
        &mut self,
        list: List,
        callee: Callee,
        types: impl IntoIterator<Item = Type>,
    ) {
        let (by, args) = self.func.call_operands(callee, list);
        for (&operand, ty) in args.iter().zip(types) {
            self.uses(operand, ty);
        }
        if let Some((operand, ty)) = by {
            self.uses(operand, ty);
        }
    }

    /// The immediates of a callee.
    #[inline]
    pub(super) fn callee(&mut self, callee: Callee) {
        match callee {
            Callee::Func(func) => self.imm(Imm::Func(func)),
            Callee::Indirect { table, type_index } => {
                self.imm(Imm::Table(table));
                self.imm(Imm::Type(type_index));
            }
            Callee::Ref { type_index } => self.imm(Imm::Type(type_index)),
        }
    }

    /// The immediates and the operand of an address in a memory.
    #[inline]
    pub(super) fn place(&mut self, at: MemoryPlace) {
        self.imm(Imm::Memory(at.memory));
        self.uses(at.addr, self.func.memory_address(at.memory));
        self.imm(Imm::Offset(self.func.consts[at.offset as usize]));
    }

    /// Definitions of consecutive slots from `dst`.
    #[inline]
    pub(super) fn defs(&mut self, dst: Slot, types: impl IntoIterator<Item = Type>) {
        let mut slot = dst.0;
        for ty in types {
            self.def(Slot(slot), ty);
            slot += ty.slots();
        }
    }

    #[inline]
    pub(super) fn labels(&mut self, list: List) {
        for &target in self.func.label_list(list) {
            self.label(target);
        }
    }

    /// A constant of the pool that takes two entries.
    #[inline]
    pub(super) fn pool128(&self, index: u32) -> u128 {
        let [low, high] = [index, index + 1].map(|i| u128::from(self.func.consts[i as usize]));
        high << 64 | low
    }
}

impl Catch {
    /// Reports the definitions, the tag and the target in their roles.
    pub fn visit(&self, func: &FuncIr, role: impl FnMut(Role)) {
        let mut visitor = Visitor { func, role };
        if let Some(tag) = self.tag {
            visitor.defs(self.values, types_of(&func.tag_type(tag).params));
            visitor.imm(Imm::Tag(tag));
        }
        if let Some(slot) = self.exception {
            visitor.def(slot, Type::Ref);
        }
        visitor.label(self.target);
    }
}
