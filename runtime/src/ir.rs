//! The canonical typed IR: three-address code over numbered slots, made from Wasm on first call.
//!
//! # Slots
//! A function's frame is an array of 8-byte slots, `[parameters | locals | temporaries]`. A value
//! takes one slot, v128 two. The temporary of an operand-stack entry is the slot at the height of
//! that entry (in slots, from the bottom of the operand stack), so that values meet at control
//! merges in the same slot on every path, and no phis are needed. i32 and f32 lie zero-extended in
//! their slots. Declared locals are zero on entry; temporaries are undefined until written.
//!
//! # Operands
//! Reading a local and pushing a constant are not instructions: an [`Operand`] names the local's
//! slot or a constant of the function's pool. The builder writes a pending read of a local to its
//! temporary before the local is set, and at control merges.
//!
//! # Blocks
//! Code is a list of basic blocks in the order of the Wasm text. Each block ends in its only
//! terminator; control does not fall through. A block that is the target of a back edge is marked
//! as a loop head. Unreachable Wasm code has no IR. The moves of a branch stand before it, or in a
//! block of their own on the edge if the branch is conditional.
//!
//! Copies on an edge are in an order in which they can be executed one by one. A copy of a v128
//! reads both slots before it writes.
//!
//! # Exceptions
//! A block may name the [`ExceptionHandler`] that it is in. An exception that leaves a call of the
//! block (not a tail call), or that the block throws, goes to the first clause of the handler with
//! the exception's tag, or without a tag. If all clauses have other tags, it goes on to the
//! handler's parent, and from the outermost handler to the caller. Traps go past handlers. The edge
//! to a clause's target writes the thrown values to the slots that the clause names, which are the
//! target's temporaries. The target's other operands lie in locals, as they are at the time of the
//! exception, and in temporaries below the first one of the call and of the clause. So a target is
//! an ordinary block, possibly a loop head, and a landing pad has three steps: restore the frame,
//! write the slots, go to the target.
//!
//! # Instructions
//! `ir/inst.rs` is the table of instructions: fields, roles and types of operands, effects, names.
//! Visitor, printer, verifier and the queries of all consumers follow from its rows.
//!
//! The register tier makes its cells from the IR, the JIT its SSA. Neither changes the IR.

mod builder;
mod inst;
mod print;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod types;
mod verify;
mod visit;

use std::sync::Arc;

pub use builder::{Scratch, build, build_in, build_with};
pub use inst::Inst;
pub use verify::verify;
pub use visit::{Imm, Role};

use crate::module::ModuleParts;
use crate::ops::Op;
use crate::types::{FuncType, StorageType, ValType};

/// A slot of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u32);

/// The index of a basic block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u32);

/// A slot that is read, or a constant of [`FuncIr::consts`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operand(u32);

impl Operand {
    const CONST: u32 = 1 << 31;

    /// Reads a slot.
    pub fn slot(slot: Slot) -> Operand {
        debug_assert!(slot.0 < Self::CONST);
        Operand(slot.0)
    }

    /// Entry `index` of the constant pool.
    pub fn constant(index: u32) -> Operand {
        debug_assert!(index < Self::CONST);
        Operand(index | Self::CONST)
    }

    /// The operand, taken apart.
    pub fn get(self) -> OperandKind {
        if self.0 & Self::CONST == 0 {
            OperandKind::Slot(Slot(self.0))
        } else {
            OperandKind::Const(self.0 & !Self::CONST)
        }
    }
}

/// The two kinds of operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperandKind {
    /// A slot.
    Slot(Slot),
    /// An index into the constant pool.
    Const(u32),
}

impl std::fmt::Debug for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.get() {
            OperandKind::Slot(Slot(n)) => write!(f, "s{n}"),
            OperandKind::Const(n) => write!(f, "c{n}"),
        }
    }
}

/// An address in a memory: an index plus a constant of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPlace {
    pub memory: u32,
    pub addr: Operand,
    pub offset: u32,
}

/// The function that a call calls. Indices are the module's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A function of the module.
    Func(u32),
    /// The element of a table at the index that is the first operand, after a check of its type.
    Indirect { table: u32, type_index: u32 },
    /// The function that the first operand refers to; null traps.
    Ref { type_index: u32 },
}

impl Callee {
    /// The opcodes of a call and of a tail call.
    pub fn ops(self) -> [Op; 2] {
        match self {
            Callee::Func(_) => [Op::Call, Op::ReturnCall],
            Callee::Indirect { .. } => [Op::CallIndirect, Op::ReturnCallIndirect],
            Callee::Ref { .. } => [Op::CallRef, Op::ReturnCallRef],
        }
    }
}

/// The type of an operand. All references have one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Type {
    I32,
    I64,
    F32,
    F64,
    V128,
    Ref,
}

impl From<ValType> for Type {
    fn from(ty: ValType) -> Type {
        match ty {
            ValType::I32 => Type::I32,
            ValType::I64 => Type::I64,
            ValType::F32 => Type::F32,
            ValType::F64 => Type::F64,
            ValType::V128 => Type::V128,
            ValType::Ref(_) => Type::Ref,
        }
    }
}

impl From<StorageType> for Type {
    /// The type of a field's value outside of the object.
    fn from(storage: StorageType) -> Type {
        match storage {
            StorageType::I8 | StorageType::I16 => Type::I32,
            StorageType::Val(ty) => ty.into(),
        }
    }
}

impl Type {
    /// The number of types.
    pub const COUNT: usize = Type::Ref as usize + 1;

    /// The name in printed code.
    pub fn name(self) -> &'static str {
        match self {
            Type::I32 => "i32",
            Type::I64 => "i64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::V128 => "v128",
            Type::Ref => "ref",
        }
    }

    /// The number of slots that a value takes.
    pub fn slots(self) -> u32 {
        if self == Type::V128 { 2 } else { 1 }
    }
}

/// A range of [`FuncIr::lists`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    /// Index of the first operand.
    pub start: u32,
    /// The number of operands.
    pub len: u32,
}

/// A basic block: a range of instructions, of which only the last is a terminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// First instruction.
    pub start: u32,
    /// One past the terminator.
    pub end: u32,
    /// True if a branch leads back here.
    pub is_loop_head: bool,
    /// The handler of exceptions that the block throws or that its calls let out.
    pub handler: Option<HandlerId>,
}

/// The index of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandlerId(pub u32);

/// A handler of exceptions: it catches those of the blocks that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionHandler {
    /// The handler of exceptions that no clause catches, an earlier one; `None`: the caller.
    pub parent: Option<HandlerId>,
    /// The clauses, in the order in which they are tried.
    pub catches: Vec<Catch>,
}

/// A clause of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Catch {
    /// The tag of the exceptions that it catches; `None` catches all.
    pub tag: Option<u32>,
    /// The first of the consecutive slots to which the tag's values are written.
    pub values: Slot,
    /// The slot to which the exception's reference is written, if the clause wants it.
    pub exception: Option<Slot>,
    /// The block to which a caught exception leads.
    pub target: BlockId,
}

/// A function in canonical IR.
#[derive(Clone, Debug)]
pub struct FuncIr {
    /// The module of the function.
    pub module: ModuleParts,
    /// Its function index.
    pub index: u32,
    /// Its signature.
    pub ty: Arc<FuncType>,
    /// The type of each parameter and local.
    pub local_types: Vec<Type>,
    /// The slot of each parameter and local.
    pub local_slots: Vec<Slot>,
    /// Slots of the parameters alone.
    pub param_slots: u32,
    /// Slots of parameters and locals: the first temporary.
    pub first_temporary: u32,
    /// Slots of the whole frame, callees' argument areas included.
    pub slots: u32,
    /// The code; block 0 is the entry and has no predecessors.
    pub blocks: Vec<Block>,
    /// The instructions of all blocks.
    pub insts: Vec<Inst>,
    /// The byte offset in the module from which each instruction comes.
    pub offsets: Vec<u32>,
    /// Constants, an entry each; a v128 takes two entries, the low half first.
    pub consts: Vec<u64>,
    /// Operand lists.
    pub lists: Vec<Operand>,
    /// Label lists of `BrTable`.
    pub labels: Vec<BlockId>,
    /// Handlers of exceptions; a parent comes before its children.
    pub handlers: Vec<ExceptionHandler>,
    /// The number of Wasm instructions that the code stands for, for the proof.
    pub ops: u64,
}

impl FuncIr {
    /// Removes the code and leaves the buffers.
    fn clear(&mut self) {
        let FuncIr {
            module: _,
            index,
            ty: _,
            local_types,
            local_slots,
            param_slots,
            first_temporary,
            slots,
            blocks,
            insts,
            offsets,
            consts,
            lists,
            labels,
            handlers,
            ops,
        } = self;
        (*index, *param_slots, *first_temporary, *slots, *ops) = (0, 0, 0, 0, 0);
        local_types.clear();
        local_slots.clear();
        blocks.clear();
        insts.clear();
        offsets.clear();
        consts.clear();
        handlers.clear();
        lists.clear();
        labels.clear();
    }

    /// The operands of a list.
    pub fn list(&self, list: List) -> &[Operand] {
        &self.lists[list.start as usize..][..list.len as usize]
    }

    /// The labels of a `BrTable`.
    pub fn label_list(&self, list: List) -> &[BlockId] {
        &self.labels[list.start as usize..][..list.len as usize]
    }

    /// The instructions of a block, the terminator last.
    pub fn block(&self, id: BlockId) -> &[Inst] {
        let block = &self.blocks[id.0 as usize];
        &self.insts[block.start as usize..block.end as usize]
    }

    /// The instruction that ends a block.
    pub fn terminator(&self, id: BlockId) -> &Inst {
        &self.insts[self.blocks[id.0 as usize].end as usize - 1]
    }

    /// A handler and those around it, from the inside out.
    pub fn handler_chain(&self, id: Option<HandlerId>) -> impl Iterator<Item = &ExceptionHandler> {
        let get = |id: HandlerId| &self.handlers[id.0 as usize];
        std::iter::successors(id.map(get), move |handler| handler.parent.map(get))
    }

    /// The value of an operand that is a constant of one slot.
    pub fn constant(&self, operand: Operand) -> Option<u64> {
        match operand.get() {
            OperandKind::Slot(_) => None,
            OperandKind::Const(index) => Some(self.consts[index as usize]),
        }
    }

    /// The type of a tag. Its parameters are the values of its exceptions.
    pub fn tag_type(&self, tag: u32) -> Arc<FuncType> {
        self.module.func_type(self.module.tags[tag as usize])
    }

    /// The type of a callee.
    pub fn callee_type(&self, callee: Callee) -> Arc<FuncType> {
        match callee {
            Callee::Func(func) => self.module.signatures[func as usize].clone(),
            Callee::Indirect { type_index, .. } | Callee::Ref { type_index } => {
                self.module.func_type(type_index)
            }
        }
    }

    /// The operands of a call: the one that tells the callee, with its type, and the arguments.
    pub fn call_operands(
        &self,
        callee: Callee,
        list: List,
    ) -> (Option<(Operand, Type)>, &[Operand]) {
        let operands = self.list(list);
        let ty = match callee {
            Callee::Func(_) => return (None, operands),
            Callee::Indirect { table, .. } => self.table_address(table),
            Callee::Ref { .. } => Type::Ref,
        };
        (Some((operands[0], ty)), &operands[1..])
    }

    /// The address type of a memory.
    pub fn memory_address(&self, memory: u32) -> Type {
        address(self.module.memories[memory as usize].is64)
    }

    /// The address type of a table.
    pub fn table_address(&self, table: u32) -> Type {
        address(self.module.tables[table as usize].is64)
    }
}

fn address(is64: bool) -> Type {
    if is64 { Type::I64 } else { Type::I32 }
}
