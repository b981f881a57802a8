//! SSA with block parameters: the form that tier 3 optimises and lowers.
//!
//! # Values
//! A [`Value`] is defined once: by an instruction, or as a parameter of a block. An edge gives an
//! argument for each parameter of its target. Values of type i32 have an undefined upper half.
//!
//! # Memory and state
//! Everything that WebAssembly reaches through an instance is spelled out here as loads and stores
//! of absolute addresses, so that addresses are shared, folded and moved out of loops like any
//! other arithmetic. A [`Class`] says what a load may be assumed to see. Bounds checks of linear
//! memories are [`Inst::CheckBounds`]; all other checks are [`Inst::TrapIf`].
//!
//! # Order
//! Instructions with effects (traps, stores, calls) keep their order within the block's list; the
//! place of a pure instruction in it only has to follow its operands and precede its users.
//!
//! # Exceptions
//! A call that an exception may leave towards a handler of the function is the last instruction of
//! its block ([`Term::Invoke`]). The edge that the exception takes leads to a block that begins
//! with [`Inst::Caught`]; the call's results do not exist there.
//!
//! The opcodes and their meaning are those of the opcode table. Nothing here knows an instruction
//! set.

pub mod atomic;
pub mod cfg;
pub mod fold;
mod inst;
pub mod print;
pub mod rule;

use std::fmt;

use rustc_hash::FxHashMap;

use crate::engine::Profile;
use crate::ir::Type;
use crate::ops::{Op, Sign};
use crate::trap::TrapKind;
use crate::types::TypeId;

pub use inst::{Inst, Term};

/// A value: the index of its definition in [`FuncSsa::values`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub u32);

/// A basic block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Block(pub u32);

/// An instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstId(pub u32);

/// A range of [`FuncSsa::lists`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct List {
    start: u32,
    len: u32,
}

impl Value {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Block {
    /// The entry.
    pub const ENTRY: Block = Block(0);

    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl InstId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The function that a call calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Callee {
    /// A function that the module defines, in the same instance.
    Func(u32),
    /// The function instance at an address.
    Instance(Value),
}

/// The state that a load sees and a store touches.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Class {
    /// A part of the instance that never changes while code runs, at an address that is always
    /// valid: the load is pure, and may be moved anywhere.
    Instance,
    /// A part of an object that never changes, at an address that may be known valid only here:
    /// pure, but stays behind what checks it.
    Fixed,
    /// Base or length of a memory or table: changes only by calls and by growing.
    Shape,
    /// A global.
    Global,
    /// A table element.
    Table,
    /// A linear memory whose bounds were checked before.
    Memory,
    /// The linear memory of this index, guarded: the access itself traps.
    Guarded(u32),
    /// A field of an object, or an element of one.
    Object,
    /// Arguments and results of a call, on the value stack.
    Transfer,
}

/// An access that comes before the one that a combined check is made for, and may be outside too:
/// the limit of its index is `by` bytes above that of the check.
#[derive(Clone, Copy, Debug)]
pub struct Earlier {
    pub index: Value,
    /// The difference of the reaches.
    pub by: i32,
    /// Where in the module the access comes from, as a byte offset.
    pub position: u32,
}

/// The facts about a linear memory that checks depend on.
#[derive(Clone, Copy, Debug)]
pub struct MemoryFacts {
    /// The memory always has this many bytes at least.
    pub minimum_bytes: u64,
    /// True if guard pages check accesses.
    pub is_guarded: bool,
}

/// The type and the size of a new object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ObjectRoom {
    pub ty: TypeId,
    pub bytes: u64,
}

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Def {
    /// A result of an instruction.
    Inst(InstId),
    /// A parameter of a block.
    Param(Block),
}

/// The type and the definition of a value.
#[derive(Clone, Copy, Debug)]
pub struct ValueData {
    pub ty: Type,
    pub def: Def,
}

/// An instruction and its results, which are values in a row.
#[derive(Clone, Copy, Debug)]
pub struct InstData {
    pub inst: Inst,
    /// Its first result; meaningless if it has none.
    pub first_result: Value,
    pub results: u32,
    /// Where in the module it comes from, as a byte offset.
    pub position: u32,
}

/// An edge to a block, with an argument for each of its parameters.
#[derive(Clone, Debug)]
pub struct Edge {
    pub to: Block,
    pub args: Vec<Value>,
}

/// A block.
#[derive(Clone, Debug)]
pub struct BlockData {
    pub params: Vec<Value>,
    pub insts: Vec<InstId>,
    pub term: Term,
    pub edges: Vec<Edge>,
    /// Where in the module the terminator comes from, as a byte offset.
    pub position: u32,
}

/// A function.
#[derive(Clone, Debug, Default)]
pub struct FuncSsa {
    /// Values, by number. Not all are defined by instructions that are still in a block.
    pub values: Vec<ValueData>,
    /// Instructions, by number.
    pub insts: Vec<InstData>,
    /// Blocks; the entry is the first, its parameters are the function's.
    pub blocks: Vec<BlockData>,
    pub lists: Vec<Value>,
    /// Places of 8 bytes in the frame that `LoadSlot` and `StoreSlot` name.
    pub frame_slots: u32,
    /// The tables of `BrTable`: indices of edges.
    pub tables: Vec<Vec<u32>>,
    /// The module's memories, by number.
    pub memories: Vec<MemoryFacts>,
    /// Blocks, and those made later that are to follow them in the text.
    pub follows: Vec<(Block, Block)>,
    /// The accesses between a combined check and the access that it is made for, in their order.
    pub earlier: FxHashMap<InstId, Vec<Earlier>>,
    /// True if the machine has atomic read-modify-write instructions.
    pub has_atomics: bool,
    /// The results that the spec leaves open.
    pub profile: Profile,
}

impl FuncSsa {
    /// A block without instructions, which traps until it gets a terminator.
    pub fn add_block(&mut self) -> Block {
        let kind = TrapKind::Unreachable;
        self.blocks.push(BlockData {
            params: Vec::new(),
            insts: Vec::new(),
            term: Term::Trap { kind },
            edges: Vec::new(),
            position: 0,
        });
        Block(self.blocks.len() as u32 - 1)
    }

    /// A new value that `def` defines.
    pub fn add_value(&mut self, ty: Type, def: Def) -> Value {
        self.values.push(ValueData { ty, def });
        Value(self.values.len() as u32 - 1)
    }

    /// An instruction with results of the given types, in no block yet.
    pub fn add_inst(&mut self, inst: Inst, types: &[Type], position: u32) -> InstId {
        let id = InstId(self.insts.len() as u32);
        let first_result = Value(self.values.len() as u32);
        for &ty in types {
            self.add_value(ty, Def::Inst(id));
        }
        self.insts.push(InstData {
            inst,
            first_result,
            results: types.len() as u32,
            position,
        });
        id
    }

    /// Appends an instruction to a block; gives its first result, which is meaningless if it has
    /// none.
    pub fn append(&mut self, block: Block, inst: Inst, types: &[Type], position: u32) -> Value {
        let id = self.add_inst(inst, types, position);
        self.blocks[block.index()].insts.push(id);
        self.insts[id.index()].first_result
    }

    /// A list of values.
    pub fn add_list(&mut self, values: &[Value]) -> List {
        let start = self.lists.len() as u32;
        self.lists.extend_from_slice(values);
        List {
            start,
            len: values.len() as u32,
        }
    }

    /// The values of a list.
    pub fn list(&self, list: List) -> &[Value] {
        &self.lists[list.range()]
    }

    /// The results of an instruction.
    pub fn results(&self, id: InstId) -> impl Iterator<Item = Value> + use<> {
        let InstData {
            first_result,
            results,
            ..
        } = self.insts[id.index()];
        (first_result.0..first_result.0 + results).map(Value)
    }

    /// The first result of an instruction that has one.
    pub fn result(&self, id: InstId) -> Value {
        debug_assert!(self.insts[id.index()].results > 0);
        self.insts[id.index()].first_result
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> Type {
        self.values[value.index()].ty
    }

    /// The instruction that defines a value, if one does.
    pub fn def(&self, value: Value) -> Option<Inst> {
        match self.values[value.index()].def {
            Def::Inst(id) => Some(self.insts[id.index()].inst),
            Def::Param(_) => None,
        }
    }

    /// The bits of a value that is a constant, kept in a register or not.
    pub fn constant(&self, value: Value) -> Option<u64> {
        match self.def(value)? {
            Inst::Const { bits } => Some(bits),
            Inst::Keep { a } => self.constant(a),
            _ => None,
        }
    }

    /// The operand of a value that is the result of this operation.
    pub fn unary(&self, op: Op, value: Value) -> Option<Value> {
        match self.def(value)? {
            Inst::Unary { op: of, a } if of == op => Some(a),
            _ => None,
        }
    }

    /// The operands of a value that is the result of this operation.
    pub fn binary(&self, op: Op, value: Value) -> Option<(Value, Value)> {
        match self.def(value)? {
            Inst::Binary { op: of, a, b } if of == op => Some((a, b)),
            _ => None,
        }
    }

    /// The i32 that a value is, extended to 64 bits, and the sign of the extension.
    pub fn extended(&self, value: Value) -> Option<(Value, Sign)> {
        let by = |op, sign| Some((self.unary(op, value)?, sign));
        by(Op::I64ExtendI32U, Sign::Unsigned).or_else(|| by(Op::I64ExtendI32S, Sign::Signed))
    }

    /// True if a value is a constant that is made anew at each use.
    pub fn is_made_at_use(&self, value: Value) -> bool {
        self.def(value).is_some_and(|inst| inst.is_made_at_use())
    }

    /// True if a value is a constant that no register keeps.
    pub fn is_constant(&self, value: Value) -> bool {
        let def = self.def(value);
        matches!(def, Some(Inst::Const { .. } | Inst::Const128 { .. }))
    }

    /// The bits of a value that is a constant of 128 bits, kept in a register or not.
    pub fn constant128(&self, value: Value) -> Option<u128> {
        match self.def(value)? {
            Inst::Const128 { low, high } => Some(u128::from(high) << 64 | u128::from(low)),
            Inst::Keep { a } => self.constant128(a),
            _ => None,
        }
    }

    /// Calls `f` for every operand of an instruction.
    pub fn visit(&self, inst: &Inst, f: impl FnMut(Value)) {
        inst.visit(&self.lists, f);
    }

    /// Calls `f` for every operand of a block's terminator, the arguments of its edges included.
    pub fn visit_term(&self, block: Block, mut f: impl FnMut(Value)) {
        let data = &self.blocks[block.index()];
        data.term.visit(&self.lists, &mut f);
        for edge in &data.edges {
            edge.args.iter().copied().for_each(&mut f);
        }
    }

    /// Replaces every operand of an instruction. Lists are replaced in place: each belongs to one
    /// instruction.
    pub fn map(&mut self, id: InstId, f: impl Fn(Value) -> Value) {
        self.insts[id.index()].inst.map(&mut self.lists, f);
    }

    /// Replaces every operand of a block's terminator, the arguments of its edges included.
    pub fn map_term(&mut self, block: Block, f: impl Fn(Value) -> Value) {
        let data = &mut self.blocks[block.index()];
        data.term.map(&mut self.lists, &f);
        for edge in &mut data.edges {
            edge.args.iter_mut().for_each(|arg| *arg = f(*arg));
        }
    }
}

impl Inst {
    /// The zero of a type.
    pub fn zero(ty: Type) -> Inst {
        match ty {
            Type::V128 => Inst::Const128 { low: 0, high: 0 },
            Type::I32 | Type::I64 | Type::F32 | Type::F64 | Type::Ref => Inst::Const { bits: 0 },
        }
    }
}

impl Edge {
    /// An edge without arguments.
    pub fn bare(to: Block) -> Edge {
        let args = Vec::new();
        Edge { to, args }
    }
}

impl List {
    fn range(self) -> std::ops::Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }
}

impl Class {
    /// True if nothing changes what a load sees.
    fn is_constant(self) -> bool {
        matches!(self, Class::Instance | Class::Fixed)
    }

    /// True if the access itself may trap.
    fn is_guarded(self) -> bool {
        matches!(self, Class::Guarded(_))
    }
}

impl BlockData {
    /// The call that may send an exception along the second edge, if the block ends so.
    pub fn invoked(&self) -> Option<InstId> {
        let call = self.insts.last().copied();
        call.filter(|_| matches!(self.term, Term::Invoke { .. }))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", self.0)
    }
}

impl fmt::Debug for InstId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i{}", self.0)
    }
}
