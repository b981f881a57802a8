//! The roles of an instruction's operands: what it defines, uses, names and jumps to.
//!
//! [`Inst::visit`] is the one place that knows them. It reports uses in the order in which Wasm
//! pops them from the bottom up, then definitions, immediates and labels. Types come from the
//! opcode table, and from the module's signatures where the opcode leaves them open.

use super::{BlockId, Catch, Func, Inst, List, Operand, Slot, Type};
use crate::ops::{Op, SigType, Signature};
use crate::trap::TrapKind;
use crate::types::{CompositeType, FieldType, RefType, StorageType};

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

/// An immediate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is the index or value of what it is named after"
)]
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

/// The type that a signature's type has where addresses are of type `address`.
pub(super) fn sig_type(ty: SigType, address: Type) -> Type {
    match ty {
        SigType::I32 => Type::I32,
        SigType::I64 => Type::I64,
        SigType::F32 => Type::F32,
        SigType::F64 => Type::F64,
        SigType::V128 => Type::V128,
        SigType::Addr => address,
    }
}

/// Parameters and results of an opcode with a fixed signature; nothing for the others.
pub(super) fn fixed(op: Op) -> (&'static [SigType], &'static [SigType]) {
    match op.row().signature {
        Signature::Fixed { params, results } => (params, results),
        Signature::Special => (&[], &[]),
    }
}

/// The operands' types of a helper, and its result's type. `a` and `b` are its indices.
pub(super) fn helper_types(func: &Func, op: Op, a: u32, b: u32) -> (Vec<Type>, Option<Type>) {
    let shorter = |x: Type, y: Type| if x == Type::I64 { y } else { x };
    let address = match op {
        Op::MemorySize | Op::MemoryGrow | Op::MemoryFill => func.memory_address(a),
        Op::MemoryInit => func.memory_address(b),
        Op::TableSize | Op::TableGrow | Op::TableFill => func.table_address(a),
        Op::TableInit => func.table_address(b),
        _ => Type::I32, // no address among its operands, or of two kinds: see below
    };
    match op {
        Op::MemoryCopy => {
            let (to, from) = (func.memory_address(a), func.memory_address(b));
            (vec![to, from, shorter(to, from)], None)
        }
        Op::TableCopy => {
            let (to, from) = (func.table_address(a), func.table_address(b));
            (vec![to, from, shorter(to, from)], None)
        }
        Op::TableGrow => (vec![Type::Ref, address], Some(address)),
        Op::TableFill => (vec![address, Type::Ref, address], None),
        _ => {
            let (params, results) = fixed(op);
            let typed = |&ty: &SigType| sig_type(ty, address);
            (
                params.iter().map(typed).collect(),
                results.first().map(typed),
            )
        }
    }
}

/// The type that a field of a structure, or an element of an array, has outside of it.
pub(super) fn field_type(func: &Func, type_index: u32, field: u32) -> Type {
    fields(func, type_index)[field as usize]
}

fn fields(func: &Func, type_index: u32) -> Vec<Type> {
    let of = |field: &FieldType| match field.storage {
        StorageType::I8 | StorageType::I16 => Type::I32,
        StorageType::Val(ty) => ty.into(),
    };
    let module = &func.module;
    match &module
        .registry
        .get(module.types[type_index as usize])
        .sub
        .composite
    {
        CompositeType::Struct(fields) => fields.iter().map(of).collect(),
        CompositeType::Array(element) => vec![of(element)],
        CompositeType::Func(_) | CompositeType::Cont(_) => Vec::new(),
    }
}

/// The operands' types of what is out of line on structures and arrays, and its result's type.
pub(crate) fn aggregate_types(
    func: &Func,
    op: Op,
    type_index: u32,
    b: u32,
) -> (Vec<Type>, Option<Type>) {
    use Type::{I32, Ref};
    let mut fields = fields(func, type_index);
    let params = match op {
        Op::StructNew => fields,
        Op::StructNewDesc => {
            fields.push(Ref);
            fields
        }
        Op::StructNewDefaultDesc => vec![Ref],
        Op::ArrayNew => vec![fields[0], I32],
        Op::ArrayNewDefault => vec![I32],
        Op::ArrayNewFixed => vec![fields[0]; b as usize],
        Op::ArrayNewData | Op::ArrayNewElem => vec![I32; 2],
        Op::ArrayFill => vec![Ref, I32, fields[0], I32],
        Op::ArrayCopy => vec![Ref, I32, Ref, I32, I32],
        Op::ArrayInitData | Op::ArrayInitElem => vec![Ref, I32, I32, I32],
        _default => Vec::new(), // struct.new_default
    };
    let has_result = !matches!(
        op,
        Op::ArrayFill | Op::ArrayCopy | Op::ArrayInitData | Op::ArrayInitElem
    );
    (params, has_result.then_some(Ref))
}

/// The second immediate of what is out of line on structures and arrays.
fn aggregate_imm(op: Op, b: u32) -> Option<Imm> {
    match op {
        Op::ArrayNewFixed => Some(Imm::Count(b)),
        Op::ArrayNewData | Op::ArrayInitData => Some(Imm::Data(b)),
        Op::ArrayNewElem | Op::ArrayInitElem => Some(Imm::Element(b)),
        Op::ArrayCopy => Some(Imm::Type(b)),
        _one => None,
    }
}

/// The index immediates of a helper by kind.
fn helper_imms(op: Op, a: u32, b: u32) -> [Option<Imm>; 2] {
    match op {
        Op::MemoryCopy => [Some(Imm::Memory(a)), Some(Imm::Memory(b))],
        Op::MemoryInit => [Some(Imm::Data(a)), Some(Imm::Memory(b))],
        Op::DataDrop => [Some(Imm::Data(a)), None],
        Op::TableCopy => [Some(Imm::Table(a)), Some(Imm::Table(b))],
        Op::TableInit => [Some(Imm::Element(a)), Some(Imm::Table(b))],
        Op::ElemDrop => [Some(Imm::Element(a)), None],
        Op::TableSize | Op::TableGrow | Op::TableFill => [Some(Imm::Table(a)), None],
        _ => [Some(Imm::Memory(a)), None], // memory.size, memory.grow, memory.fill
    }
}

/// Passes the roles of one instruction on.
struct Visitor<'a, F> {
    func: &'a Func,
    role: F,
}

impl<F: FnMut(Role)> Visitor<'_, F> {
    fn uses(&mut self, operand: Operand, ty: Type) {
        (self.role)(Role::Use(operand, ty));
    }

    fn def(&mut self, slot: Slot, ty: Type) {
        (self.role)(Role::Def(slot, ty));
    }

    fn imm(&mut self, imm: Imm) {
        (self.role)(Role::Imm(imm));
    }

    fn label(&mut self, block: BlockId) {
        (self.role)(Role::Label(block));
    }

    /// Uses of a list, each of its type.
    fn list(&mut self, list: List, types: impl IntoIterator<Item = Type>) {
        let operands = self.func.list(list);
        for (&operand, ty) in operands.iter().zip(types) {
            self.uses(operand, ty);
        }
    }

    /// Definitions of consecutive slots from `dst`.
    fn defs(&mut self, dst: Slot, types: impl IntoIterator<Item = Type>) {
        let mut slot = dst.0;
        for ty in types {
            self.def(Slot(slot), ty);
            slot += ty.slots();
        }
    }

    fn binary(&mut self, op: Op, dst: Slot, a: Operand, b: Operand) {
        let (params, results) = fixed(op);
        self.uses(a, sig_type(params[0], Type::I32));
        self.uses(b, sig_type(params[1], Type::I32));
        self.def(dst, sig_type(results[0], Type::I32));
    }

    fn ternary(&mut self, op: Op, dst: Slot, operands: [Operand; 3]) {
        let (params, results) = fixed(op);
        for (operand, &ty) in operands.into_iter().zip(params) {
            self.uses(operand, sig_type(ty, Type::I32));
        }
        self.def(dst, sig_type(results[0], Type::I32));
    }

    fn memory(&mut self, memory: u32, offset: u32) {
        self.imm(Imm::Memory(memory));
        self.imm(Imm::Offset(self.func.consts[offset as usize]));
    }

    /// A call whose list begins with the callee, of type `callee`, if that is not `None`.
    fn call(&mut self, callee: Option<Type>, ty: &crate::types::FuncType, list: List) {
        let params = ty.params.iter().map(|&ty| ty.into());
        match callee {
            None => self.list(list, params),
            Some(callee) => {
                let operands = self.func.list(list);
                self.list(
                    List {
                        start: list.start + 1,
                        len: list.len - 1,
                    },
                    params,
                );
                self.uses(operands[0], callee);
            }
        }
    }

    fn results(&mut self, dst: Slot, ty: &crate::types::FuncType) {
        self.defs(dst, ty.results.iter().map(|&ty| ty.into()));
    }

    fn helper(&mut self, op: Op, dst: Slot, (a, b): (u32, u32), operands: List) {
        let (params, result) = helper_types(self.func, op, a, b);
        self.list(operands, params);
        self.defs(dst, result);
        helper_imms(op, a, b)
            .into_iter()
            .flatten()
            .for_each(|imm| self.imm(imm));
    }

    fn value(&mut self, inst: &Inst) {
        match *inst {
            Inst::Copy { ty, dst, src } => {
                self.uses(src, ty);
                self.def(dst, ty);
            }
            Inst::Unary { op, dst, a } => {
                let (params, results) = fixed(op);
                self.uses(a, sig_type(params[0], Type::I32));
                self.def(dst, sig_type(results[0], Type::I32));
            }
            Inst::Binary { op, dst, a, b } => self.binary(op, dst, a, b),
            Inst::Select {
                ty,
                dst,
                cond,
                operands,
            } => {
                self.list(operands, [ty, ty]);
                self.uses(cond, Type::I32);
                self.def(dst, ty);
            }
            Inst::Load {
                op,
                memory,
                dst,
                addr,
                offset,
            } => {
                self.uses(addr, self.func.memory_address(memory));
                self.def(dst, sig_type(fixed(op).1[0], Type::I32));
                self.memory(memory, offset);
            }
            Inst::Store {
                op,
                memory,
                addr,
                value,
                offset,
            } => {
                self.uses(addr, self.func.memory_address(memory));
                self.uses(value, sig_type(fixed(op).0[1], Type::I32));
                self.memory(memory, offset);
            }
            _ => self.vector(inst),
        }
    }

    /// Vectors, and numbers of 128 bits.
    fn vector(&mut self, inst: &Inst) {
        match *inst {
            Inst::Ternary { op, dst, a, b, c } => self.ternary(op, dst, [a, b, c]),
            Inst::Wide { op, dst, operands } => {
                let (params, results) = fixed(op);
                self.list(operands, params.iter().map(|&ty| sig_type(ty, Type::I32)));
                self.defs(dst, results.iter().map(|&ty| sig_type(ty, Type::I32)));
            }
            Inst::Shuffle {
                op,
                dst,
                a,
                b,
                lanes,
            } => {
                self.binary(op, dst, a, b);
                let [low, high] = [lanes, lanes + 1].map(|i| self.func.consts[i as usize]);
                self.imm(Imm::Lanes(u128::from(high) << 64 | u128::from(low)));
            }
            Inst::ExtractLane { op, lane, dst, a } => {
                self.uses(a, Type::V128);
                self.def(dst, sig_type(fixed(op).1[0], Type::I32));
                self.imm(Imm::Lane(lane));
            }
            Inst::ReplaceLane {
                op,
                lane,
                dst,
                a,
                value,
            } => {
                self.binary(op, dst, a, value);
                self.imm(Imm::Lane(lane));
            }
            Inst::LoadLane {
                lane,
                memory,
                dst,
                addr,
                vector,
                offset,
                ..
            } => {
                self.lane_access(memory, addr, vector);
                self.def(dst, Type::V128);
                self.memory(memory, offset);
                self.imm(Imm::Lane(lane));
            }
            Inst::StoreLane {
                lane,
                memory,
                addr,
                vector,
                offset,
                ..
            } => {
                self.lane_access(memory, addr, vector);
                self.memory(memory, offset);
                self.imm(Imm::Lane(lane));
            }
            _ => self.state(inst),
        }
    }

    fn lane_access(&mut self, memory: u32, addr: Operand, vector: Operand) {
        self.uses(addr, self.func.memory_address(memory));
        self.uses(vector, Type::V128);
    }

    fn state(&mut self, inst: &Inst) {
        match *inst {
            Inst::Atomic {
                op,
                memory,
                dst,
                operands,
                offset,
            } => {
                let (params, results) = fixed(op);
                let address = self.func.memory_address(memory);
                self.list(operands, params.iter().map(|&ty| sig_type(ty, address)));
                self.defs(dst, results.iter().map(|&ty| sig_type(ty, address)));
                self.memory(memory, offset);
            }
            Inst::Fence => {}
            Inst::GlobalGet { ty, dst, global } => {
                self.def(dst, ty);
                self.imm(Imm::Global(global));
            }
            Inst::GlobalSet { ty, global, src } => {
                self.uses(src, ty);
                self.imm(Imm::Global(global));
            }
            Inst::RefFunc { dst, func } => {
                self.def(dst, Type::Ref);
                self.imm(Imm::Func(func));
            }
            Inst::RefIsNull { dst, a } => {
                self.uses(a, Type::Ref);
                self.def(dst, Type::I32);
            }
            Inst::TrapIfNull { a, kind } => {
                self.uses(a, Type::Ref);
                self.imm(Imm::Trap(kind));
            }
            Inst::Fuel { cost } => self.imm(Imm::Cost(cost)),
            Inst::Poll => {}
            Inst::TableGet { table, dst, index } => {
                self.uses(index, self.func.table_address(table));
                self.def(dst, Type::Ref);
                self.imm(Imm::Table(table));
            }
            Inst::TableSet {
                table,
                index,
                value,
            } => {
                self.uses(index, self.func.table_address(table));
                self.uses(value, Type::Ref);
                self.imm(Imm::Table(table));
            }
            Inst::Helper {
                op,
                dst,
                a,
                b,
                operands,
            } => self.helper(op, dst, (a, b), operands),
            _ => self.objects(inst),
        }
    }

    /// Structures, arrays, i31.
    fn objects(&mut self, inst: &Inst) {
        match *inst {
            Inst::RefUnary { op, dst, a } => {
                let (param, result) = match op {
                    Op::RefI31 => (Type::I32, Type::Ref),
                    Op::RefGetDesc => (Type::Ref, Type::Ref),
                    _others => (Type::Ref, Type::I32), // i31.get_s, i31.get_u, array.len
                };
                self.uses(a, param);
                self.def(dst, result);
            }
            Inst::StructGet {
                type_index,
                field,
                dst,
                object,
                ..
            } => {
                self.uses(object, Type::Ref);
                self.def(dst, field_type(self.func, type_index, field));
                self.imm(Imm::Type(type_index));
                self.imm(Imm::Field(field));
            }
            Inst::StructSet {
                type_index,
                field,
                object,
                value,
            } => {
                self.uses(object, Type::Ref);
                self.uses(value, field_type(self.func, type_index, field));
                self.imm(Imm::Type(type_index));
                self.imm(Imm::Field(field));
            }
            Inst::ArrayGet {
                type_index,
                dst,
                array,
                index,
                ..
            } => {
                self.uses(array, Type::Ref);
                self.uses(index, Type::I32);
                self.def(dst, field_type(self.func, type_index, 0));
                self.imm(Imm::Type(type_index));
            }
            Inst::ArraySet {
                type_index,
                operands,
            } => {
                let element = field_type(self.func, type_index, 0);
                self.list(operands, [Type::Ref, Type::I32, element]);
                self.imm(Imm::Type(type_index));
            }
            Inst::Aggregate {
                op,
                type_index,
                b,
                dst,
                operands,
            } => self.aggregate((op, type_index, b), dst, operands),
            _ => self.casts(inst),
        }
    }

    fn aggregate(&mut self, (op, type_index, b): (Op, u32, u32), dst: Slot, operands: List) {
        let (params, result) = aggregate_types(self.func, op, type_index, b);
        self.list(operands, params);
        self.defs(dst, result);
        self.imm(Imm::Type(type_index));
        if let Some(imm) = aggregate_imm(op, b) {
            self.imm(imm);
        }
    }

    /// Comparing and casting references.
    fn casts(&mut self, inst: &Inst) {
        match *inst {
            Inst::RefEq { dst, a, b } => {
                self.uses(a, Type::Ref);
                self.uses(b, Type::Ref);
                self.def(dst, Type::I32);
            }
            Inst::RefTest { ty, dst, a } => {
                self.uses(a, Type::Ref);
                self.def(dst, Type::I32);
                self.imm(Imm::RefType(ty));
            }
            Inst::RefCast { ty, a } => {
                self.uses(a, Type::Ref);
                self.imm(Imm::RefType(ty));
            }
            Inst::RefTestDesc {
                nullable,
                dst,
                a,
                descriptor,
            } => {
                self.uses(a, Type::Ref);
                self.uses(descriptor, Type::Ref);
                self.def(dst, Type::I32);
                self.imm(Imm::Nullable(nullable));
            }
            Inst::RefCastDesc {
                nullable,
                a,
                descriptor,
            } => {
                self.uses(a, Type::Ref);
                self.uses(descriptor, Type::Ref);
                self.imm(Imm::Nullable(nullable));
            }
            _ => self.calls(inst),
        }
    }

    fn calls(&mut self, inst: &Inst) {
        let module = &self.func.module;
        match *inst {
            Inst::Call { func, dst, args } => {
                let ty = &module.signatures[func as usize];
                self.call(None, ty, args);
                self.results(dst, ty);
                self.imm(Imm::Func(func));
            }
            Inst::CallIndirect {
                table,
                type_index,
                dst,
                index_and_args,
            } => {
                let ty = module.func_type(type_index);
                self.call(Some(self.func.table_address(table)), &ty, index_and_args);
                self.results(dst, &ty);
                self.imm(Imm::Table(table));
                self.imm(Imm::Type(type_index));
            }
            Inst::CallRef {
                type_index,
                dst,
                func_and_args,
            } => {
                let ty = module.func_type(type_index);
                self.call(Some(Type::Ref), &ty, func_and_args);
                self.results(dst, &ty);
                self.imm(Imm::Type(type_index));
            }
            Inst::ReturnCall { func, args } => {
                self.call(None, &module.signatures[func as usize], args);
                self.imm(Imm::Func(func));
            }
            Inst::ReturnCallIndirect {
                table,
                type_index,
                index_and_args,
            } => {
                let ty = module.func_type(type_index);
                self.call(Some(self.func.table_address(table)), &ty, index_and_args);
                self.imm(Imm::Table(table));
                self.imm(Imm::Type(type_index));
            }
            Inst::ReturnCallRef {
                type_index,
                func_and_args,
            } => {
                self.call(
                    Some(Type::Ref),
                    &module.func_type(type_index),
                    func_and_args,
                );
                self.imm(Imm::Type(type_index));
            }
            _ => self.control(inst),
        }
    }

    fn control(&mut self, inst: &Inst) {
        match *inst {
            Inst::Br { target } => self.label(target),
            Inst::BrIf { cond, then, other } => {
                self.uses(cond, Type::I32);
                self.label(then);
                self.label(other);
            }
            Inst::BrIfNull { a, then, other } => {
                self.uses(a, Type::Ref);
                self.label(then);
                self.label(other);
            }
            Inst::BrOnCast { ty, a, then, other } => {
                self.uses(a, Type::Ref);
                self.imm(Imm::RefType(ty));
                self.label(then);
                self.label(other);
            }
            Inst::BrTable { index, targets } => {
                self.uses(index, Type::I32);
                for &target in self.func.label_list(targets) {
                    self.label(target);
                }
            }
            Inst::Return { values } => {
                let results = &self.func.ty.results;
                self.list(values, results.iter().map(|&ty| ty.into()));
            }
            Inst::Trap { kind } => self.imm(Imm::Trap(kind)),
            Inst::Throw { tag, args } => {
                let ty = self.func.tag_type(tag);
                self.list(args, ty.params.iter().map(|&ty| ty.into()));
                self.imm(Imm::Tag(tag));
            }
            Inst::ThrowRef { exception } => self.uses(exception, Type::Ref),
            _ => debug_assert!(false, "every instruction is handled: {inst:?}"),
        }
    }
}

impl Catch {
    /// Reports what it writes, and its tag and target, in their roles.
    pub fn visit(&self, func: &Func, role: impl FnMut(Role)) {
        let mut visitor = Visitor { func, role };
        if let Some(tag) = self.tag {
            let ty = func.tag_type(tag);
            visitor.defs(self.values, ty.params.iter().map(|&ty| ty.into()));
            visitor.imm(Imm::Tag(tag));
        }
        if let Some(slot) = self.exception {
            visitor.def(slot, Type::Ref);
        }
        visitor.label(self.target);
    }
}

impl Inst {
    /// Reports every operand in its role. For the calls whose list begins with the callee, the
    /// callee is the last use, as Wasm pops it first.
    pub fn visit(&self, func: &Func, role: impl FnMut(Role)) {
        Visitor { func, role }.value(self);
    }

    /// Whether it ends a block.
    pub fn is_terminator(&self) -> bool {
        matches!(
            self,
            Inst::Br { .. }
                | Inst::BrIf { .. }
                | Inst::BrIfNull { .. }
                | Inst::BrOnCast { .. }
                | Inst::BrTable { .. }
                | Inst::Return { .. }
                | Inst::ReturnCall { .. }
                | Inst::ReturnCallIndirect { .. }
                | Inst::ReturnCallRef { .. }
                | Inst::Trap { .. }
                | Inst::Throw { .. }
                | Inst::ThrowRef { .. }
        )
    }

    /// Whether an exception can come from it that the block's handler may catch.
    pub fn can_throw(&self) -> bool {
        matches!(
            self,
            Inst::Call { .. }
                | Inst::CallIndirect { .. }
                | Inst::CallRef { .. }
                | Inst::Throw { .. }
                | Inst::ThrowRef { .. }
        )
    }

    /// The name in printed IR.
    pub fn name(&self) -> &'static str {
        match self {
            Inst::Unary { op, .. }
            | Inst::Binary { op, .. }
            | Inst::Load { op, .. }
            | Inst::Store { op, .. }
            | Inst::Atomic { op, .. }
            | Inst::RefUnary { op, .. }
            | Inst::StructGet { op, .. }
            | Inst::ArrayGet { op, .. }
            | Inst::Aggregate { op, .. }
            | Inst::Ternary { op, .. }
            | Inst::Wide { op, .. }
            | Inst::Shuffle { op, .. }
            | Inst::ExtractLane { op, .. }
            | Inst::ReplaceLane { op, .. }
            | Inst::LoadLane { op, .. }
            | Inst::StoreLane { op, .. }
            | Inst::Helper { op, .. } => op.mnemonic(),
            Inst::Copy { .. } => "copy",
            Inst::Select { .. } => "select",
            Inst::Fence => Op::AtomicFence.mnemonic(),
            Inst::GlobalGet { .. } => "global.get",
            Inst::GlobalSet { .. } => "global.set",
            Inst::RefFunc { .. } => "ref.func",
            Inst::RefIsNull { .. } => "ref.is_null",
            Inst::RefEq { .. } => "ref.eq",
            Inst::StructSet { .. } => "struct.set",
            Inst::ArraySet { .. } => "array.set",
            Inst::RefTest { .. } => "ref.test",
            Inst::RefCast { .. } => "ref.cast",
            Inst::RefTestDesc { .. } => "ref.test_desc_eq",
            Inst::RefCastDesc { .. } => "ref.cast_desc_eq",
            Inst::BrOnCast { .. } => "br_on_cast",
            Inst::Fuel { .. } => "fuel",
            Inst::Poll => "poll",
            Inst::TrapIfNull { .. } => "trap_if_null",
            Inst::TableGet { .. } => "table.get",
            Inst::TableSet { .. } => "table.set",
            Inst::Call { .. } => "call",
            Inst::CallIndirect { .. } => "call_indirect",
            Inst::CallRef { .. } => "call_ref",
            Inst::Br { .. } => "br",
            Inst::BrIf { .. } => "br_if",
            Inst::BrIfNull { .. } => "br_if_null",
            Inst::BrTable { .. } => "br_table",
            Inst::Return { .. } => "return",
            Inst::ReturnCall { .. } => "return_call",
            Inst::ReturnCallIndirect { .. } => "return_call_indirect",
            Inst::ReturnCallRef { .. } => "return_call_ref",
            Inst::Trap { .. } => "trap",
            Inst::Throw { .. } => "throw",
            Inst::ThrowRef { .. } => "throw_ref",
        }
    }
}
