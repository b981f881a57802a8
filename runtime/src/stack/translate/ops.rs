//! One arm for each opcode: its handlers, its immediates, what it does to the height of the stack.

use super::{Translator, wrong_immediates};
use crate::decode::{Imm, Instr, MemArg};
use crate::engine::Profile;
use crate::error::{Error, Result};
use crate::numeric::native::by_profile;
use crate::ops::{
    Group, Op, Shape, SigType, Signature, for_each_group, for_each_numeric, for_each_op,
    for_each_simd_numeric, group,
};
use crate::simd::V128;
use crate::simd::native::by_profile as vector_by_profile;
use crate::stack::machine::Handler;
use crate::stack::{atomic, call, control, gc, memory, numeric, simd, table, variable};
use crate::types::ValType;

/// A pattern of all opcodes of some groups.
macro_rules! any_of {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        $($(Op::$op)|*)|*
    };
}

/// A pattern of the opcodes that this tier does not execute.
macro_rules! unsupported_op {
    () => {
        for_each_group!(
            [for_each_shared_everything for_each_stack_switching]
            any_of;
        ) | Op::MemoryDiscard
            | Op::Pause
            | Op::TypedSelectMulti
    };
}

/// A pattern of the atomic opcodes that have an address.
macro_rules! atomic_op {
    () => {
        for_each_group!(
            [for_each_atomic_load for_each_atomic_store for_each_atomic_rmw
             for_each_atomic_cmpxchg]
            any_of;
        ) | Op::MemoryAtomicWait32
            | Op::MemoryAtomicWait64
            | Op::MemoryAtomicNotify
    };
}

/// True if this tier executes an opcode.
#[cfg(test)]
pub(in crate::stack) fn is_supported(op: Op) -> bool {
    !matches!(op, unsupported_op!())
}

/// The handlers of an opcode that needs no look at its context.
#[derive(Clone, Copy)]
enum Template {
    /// No immediates, so many slots from and to the stack.
    Numeric(Handler, u8, u8),
    /// A load or store: in memory 0 with 32-bit addresses, in any memory.
    Access(Handler, Handler),
    /// A vector instruction, whose slots the row's signature gives.
    Vector(Handler),
    /// Its accesses to memories, as `Access`.
    VectorAccess(Handler, Handler),
    /// An atomic access to any memory, a wait or a notification; slots from and to the stack.
    Atomic(Handler, u8, u8),
    /// Everything else.
    Special,
}

/// The template that a group and a row say.
macro_rules! template {
    (unary $op:ident { $f:ident $($rest:tt)* }) => { Template::Numeric(numeric::$f, 1, 1) };
    (test $op:ident { $f:ident $($rest:tt)* }) => { Template::Numeric(numeric::$f, 1, 1) };
    (convert $op:ident { $f:ident $($rest:tt)* }) => { Template::Numeric(numeric::$f, 1, 1) };
    (convert_trapping $op:ident { $f:ident $($rest:tt)* }) => {
        Template::Numeric(numeric::$f, 1, 1)
    };
    (binary $op:ident { $f:ident $($rest:tt)* }) => { Template::Numeric(numeric::$f, 2, 1) };
    (binary_trapping $op:ident { $f:ident $($rest:tt)* }) => {
        Template::Numeric(numeric::$f, 2, 1)
    };
    (compare $op:ident { $f:ident $($rest:tt)* }) => { Template::Numeric(numeric::$f, 2, 1) };
    (wide $op:ident { $f:ident($($p:ident),*) -> ($($r:ident),*) }) => {
        Template::Numeric(numeric::$f, [$(stringify!($p)),*].len() as u8, 2)
    };
    (atomic_load $op:ident $tail:tt) => { Template::Atomic(atomic::$op, 1, 1) };
    (atomic_store $op:ident $tail:tt) => { Template::Atomic(atomic::$op, 2, 0) };
    (atomic_rmw $op:ident $tail:tt) => { Template::Atomic(atomic::$op, 2, 1) };
    (atomic_cmpxchg $op:ident $tail:tt) => { Template::Atomic(atomic::$op, 3, 1) };
    (atomic_sync MemoryAtomicWait32 $tail:tt) => { Template::Atomic(atomic::wait32, 3, 1) };
    (atomic_sync MemoryAtomicWait64 $tail:tt) => { Template::Atomic(atomic::wait64, 3, 1) };
    (atomic_sync MemoryAtomicNotify $tail:tt) => { Template::Atomic(atomic::notify, 2, 1) };
    (load $op:ident $tail:tt) => { Template::Access(memory::near::$op, memory::far::$op) };
    (store $op:ident $tail:tt) => { Template::Access(memory::near::$op, memory::far::$op) };
    (simd_load $op:ident $tail:tt) => { Template::VectorAccess(simd::near::$op, simd::far::$op) };
    (simd_store $op:ident $tail:tt) => { Template::VectorAccess(simd::near::$op, simd::far::$op) };
    (simd_load_lane $op:ident $tail:tt) => {
        Template::VectorAccess(simd::near::$op, simd::far::$op)
    };
    (simd_store_lane $op:ident $tail:tt) => {
        Template::VectorAccess(simd::near::$op, simd::far::$op)
    };
    (simd_shuffle $op:ident { $f:ident $($rest:tt)* }) => { Template::Vector(simd::$f) };
    (simd_extract_lane $op:ident { $f:ident $($rest:tt)* }) => { Template::Vector(simd::$f) };
    (simd_replace_lane $op:ident { $f:ident $($rest:tt)* }) => { Template::Vector(simd::$f) };
    (simd_splat $op:ident { $f:ident $($rest:tt)* }) => { Template::Vector(simd::$f) };
    (simd_reduce $op:ident { $f:ident $($rest:tt)* }) => { Template::Vector(simd::$f) };
    (simd_unary $op:ident { $f:ident $($rest:tt)* }) => { Template::Vector(simd::$f) };
    (simd_binary $op:ident { $f:ident $($rest:tt)* }) => { Template::Vector(simd::$f) };
    (simd_shift $op:ident { $f:ident $($rest:tt)* }) => { Template::Vector(simd::$f) };
    (simd_ternary $op:ident { $f:ident $($rest:tt)* }) => { Template::Vector(simd::$f) };
    ($group:ident $op:ident $tail:tt) => { Template::Special };
}

/// The same in the native profile.
macro_rules! native_template {
    (unary $op:ident { $f:ident $($rest:tt)* }) => { native_template!(1 unary $op $f $($rest)*) };
    (convert $op:ident { $f:ident $($rest:tt)* }) => {
        native_template!(1 convert $op $f $($rest)*)
    };
    (binary $op:ident { $f:ident $($rest:tt)* }) => { native_template!(2 binary $op $f $($rest)*) };
    (simd_unary $op:ident { $f:ident $($rest:tt)* }) => { native_vector!($f) };
    (simd_binary $op:ident { $f:ident $($rest:tt)* }) => { native_vector!($f) };
    (simd_ternary $op:ident { $f:ident $($rest:tt)* }) => { native_vector!($f) };
    ($pops:literal $group:ident $op:ident $f:ident $($rest:tt)*) => {
        by_profile!($f
            [Template::Numeric(numeric::native::$f, $pops, 1)]
            [template!($group $op { $f $($rest)* })])
    };
    ($group:ident $op:ident $tail:tt) => { template!($group $op $tail) };
}

macro_rules! native_vector {
    ($f:ident) => {
        vector_by_profile!($f[Template::Vector(simd::native::$f)][Template::Vector(simd::$f)])
    };
}

macro_rules! templates {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        /// By opcode, in the deterministic profile.
        static TEMPLATES: [Template; Op::ALL.len()] = [$($(template!($group $op $tail),)*)*];
        /// By opcode, in the native profile.
        static NATIVE_TEMPLATES: [Template; Op::ALL.len()] =
            [$($(native_template!($group $op $tail),)*)*];
    };
}

for_each_op!(templates);

impl Translator<'_> {
    /// Translates one instruction.
    ///
    /// # Errors
    /// `Unsupported` with its mnemonic.
    pub(super) fn instruction(&mut self, instr: &Instr<'_>) -> Result<()> {
        match instr.op {
            Op::Nop => {}
            Op::Unreachable => self.unreachable(),
            Op::Block => self.block(instr.block_type()?),
            Op::Loop => self.loop_(instr.block_type()?),
            Op::If => self.if_(instr.block_type()?),
            Op::Else => self.else_(),
            Op::End => self.end(),
            Op::Br => self.br(instr.label()?),
            Op::BrIf => self.br_if(instr.label()?),
            Op::BrTable => self.br_table(instr)?,
            Op::Return => self.return_(),
            Op::Call => self.call(instr.index()?),
            Op::CallIndirect => self.call_indirect(instr.index2()?),
            Op::CallRef => self.call_ref(instr.index()?),
            Op::ReturnCall => self.return_call(instr.index()?),
            Op::ReturnCallIndirect => self.return_call_indirect(instr.index2()?),
            Op::ReturnCallRef => self.return_call_ref(instr.index()?),
            Op::Drop => self.drop(),
            Op::Select | Op::TypedSelect => self.select(),
            Op::LocalGet => self.local_get(instr.index()?),
            Op::LocalSet => self.local_set(instr.index()?),
            Op::LocalTee => self.local_tee(instr.index()?),
            Op::GlobalGet => self.global_get(instr.index()?),
            Op::GlobalSet => self.global_set(instr.index()?),
            Op::I32Const | Op::I64Const | Op::F32Const | Op::F64Const => self.constant(instr)?,
            Op::V128Const => self.constant(instr)?,
            for_each_group!([for_each_reference for_each_object for_each_aggregate] any_of;) => {
                self.on_references(instr)?
            }
            Op::TableGet => self.simple(table::table_get, &[instr.index()?.into()], 1, 1),
            Op::TableSet => self.simple(table::table_set, &[instr.index()?.into()], 2, 0),
            Op::TableSize => self.simple(table::table_size, &[instr.index()?.into()], 0, 1),
            Op::TableGrow => self.table_grow(instr.index()?),
            Op::TableFill => self.bulk(instr, table::table_fill, 3)?,
            Op::TableCopy => self.bulk(instr, table::table_copy, 3)?,
            Op::TableInit => self.bulk(instr, table::table_init, 3)?,
            Op::ElemDrop => self.bulk(instr, table::elem_drop, 0)?,
            Op::MemorySize => self.memory_size(instr.index()?),
            Op::MemoryGrow => self.memory_grow(instr.index()?),
            Op::MemoryFill => self.bulk(instr, memory::memory_fill, 3)?,
            Op::MemoryCopy => self.bulk(instr, memory::memory_copy, 3)?,
            Op::MemoryInit => self.bulk(instr, memory::memory_init, 3)?,
            Op::DataDrop => self.bulk(instr, memory::data_drop, 0)?,
            for_each_group!([for_each_load] any_of;) => self.access(instr, 1, 1)?,
            for_each_group!([for_each_store] any_of;) => self.access(instr, 2, 0)?,
            Op::AtomicFence => self.simple(atomic::fence, &[], 0, 0),
            atomic_op!() => self.atomic(instr)?,
            for_each_numeric!(any_of) => self.numeric(instr.op),
            for_each_simd_numeric!(any_of) => self.vector(instr)?,
            for_each_group!([for_each_simd_load for_each_simd_store for_each_simd_load_lane
                for_each_simd_store_lane] any_of;) => self.vector(instr)?,
            for_each_group!([for_each_exception for_each_legacy_exception] any_of;) => {
                self.on_exceptions(instr)?;
            }
            unsupported_op!() => {
                return Err(Error::unsupported(instr.op.mnemonic()).at(instr.offset));
            }
        }
        Ok(())
    }

    /// An instruction on exceptions.
    pub(super) fn on_exceptions(&mut self, instr: &Instr<'_>) -> Result<()> {
        if let Group::Exception(op) = instr.op.group() {
            self.exception(op, instr)
        } else if let Group::LegacyException(op) = instr.op.group() {
            self.legacy_exception(op, instr)
        } else {
            Err(wrong_immediates(instr.op))
        }
    }

    /// An instruction on references or objects.
    fn on_references(&mut self, instr: &Instr<'_>) -> Result<()> {
        if let Group::Reference(op) = instr.op.group() {
            self.reference(op, instr)
        } else if let Group::Object(op) = instr.op.group() {
            self.object(op, instr)
        } else if let Group::Aggregate(op) = instr.op.group() {
            self.aggregate(op, instr)
        } else {
            Err(wrong_immediates(instr.op))
        }
    }

    /// An instruction on references.
    fn reference(&mut self, op: group::Reference, instr: &Instr<'_>) -> Result<()> {
        use group::Reference as R;
        match op {
            R::RefNull => self.fixed(instr.op, variable::const_, &[0])?,
            R::RefFunc => self.fixed(instr.op, table::ref_func, &[instr.index()?.into()])?,
            R::RefIsNull => self.fixed(instr.op, table::ref_is_null, &[])?,
            R::RefEq => self.fixed(instr.op, table::ref_eq, &[])?,
            R::RefAsNonNull => self.fixed(instr.op, table::ref_as_non_null, &[])?,
            R::BrOnNull => self.br_on_null(instr.label()?),
            R::BrOnNonNull => self.br_on_non_null(instr.label()?),
            R::RefTestNonNull => self.cast(gc::ref_test, false, instr)?,
            R::RefTestNullable => self.cast(gc::ref_test, true, instr)?,
            R::RefCastNonNull => self.cast(gc::ref_cast, false, instr)?,
            R::RefCastNullable => self.cast(gc::ref_cast, true, instr)?,
            R::BrOnCast => self.br_on_cast(gc::br_on_cast, gc::br_on_cast_fail, instr)?,
            R::BrOnCastFail => self.br_on_cast(gc::br_on_cast_fail, gc::br_on_cast, instr)?,
            R::BrOnCastDescEq => {
                self.br_on_cast_desc(gc::br_on_cast_desc_eq, gc::br_on_cast_desc_eq_fail, instr)?;
            }
            R::BrOnCastDescEqFail => {
                self.br_on_cast_desc(gc::br_on_cast_desc_eq_fail, gc::br_on_cast_desc_eq, instr)?;
            }
            R::RefGetDesc => self.fixed(instr.op, gc::ref_get_desc, &[])?,
            R::RefCastDescEqNonNull => self.fixed(instr.op, gc::ref_cast_desc_eq, &[0])?,
            R::RefCastDescEqNullable => self.fixed(instr.op, gc::ref_cast_desc_eq, &[1])?,
        }
        Ok(())
    }

    /// An instruction of fixed slots.
    pub(super) fn simple(&mut self, handler: Handler, immediates: &[u64], pops: u32, pushes: u32) {
        self.emit(handler, immediates);
        self.stack.pop(pops);
        self.stack.push(pushes);
    }

    /// The template in the profile at hand.
    fn template(&self, op: Op) -> Template {
        match self.profile {
            Profile::Deterministic => TEMPLATES[op as usize],
            Profile::Native => NATIVE_TEMPLATES[op as usize],
        }
    }

    fn numeric(&mut self, op: Op) {
        if let Template::Numeric(handler, pops, pushes) = self.template(op) {
            self.simple(handler, &[], pops.into(), pushes.into());
        }
    }

    /// A vector instruction: its immediates, and its slots by the row's signature.
    fn vector(&mut self, instr: &Instr<'_>) -> Result<()> {
        let is_near = |memarg: MemArg| memarg.memory == 0 && !self.module.memories[0].is64;
        let access = |memarg: MemArg| [memarg.offset_bytes, memarg.memory.into()];
        match (self.template(instr.op), instr.imm) {
            (Template::Vector(handler), Imm::None) => self.emit(handler, &[]),
            (Template::Vector(handler), Imm::Lane(lane)) => self.emit(handler, &[lane.into()]),
            (Template::Vector(handler), Imm::Lanes(lanes)) => {
                self.emit(handler, &V128(lanes).into_slots());
            }
            (Template::VectorAccess(near, _), Imm::MemArg(at)) if is_near(at) => {
                self.emit(near, &[at.offset_bytes]);
            }
            (Template::VectorAccess(_, far), Imm::MemArg(at)) => self.emit(far, &access(at)),
            (Template::VectorAccess(near, _), Imm::MemArgLane(at, lane)) if is_near(at) => {
                self.emit(near, &[at.offset_bytes, lane.into()]);
            }
            (Template::VectorAccess(_, far), Imm::MemArgLane(at, lane)) => {
                let [offset, memory] = access(at);
                self.emit(far, &[offset, memory, lane.into()]);
            }
            (_, _) => return Err(wrong_immediates(instr.op)),
        }
        self.operands(instr.op)
    }

    /// An instruction whose slots are those of its row's signature.
    pub(super) fn fixed(&mut self, op: Op, handler: Handler, immediates: &[u64]) -> Result<()> {
        self.emit(handler, immediates);
        self.operands(op)
    }

    /// Pops the operands of a row's signature, and pushes the results.
    fn operands(&mut self, op: Op) -> Result<()> {
        let Signature::Fixed { params, results } = op.row().signature else {
            return Err(wrong_immediates(op));
        };
        let is_wide = |&ty: &SigType| ty == SigType::V128;
        let wides = params.iter().filter(|&ty| is_wide(ty)).count();
        self.stack.pop((params.len() + wides) as u32);
        for ty in results {
            self.stack.push_value(is_wide(ty));
        }
        Ok(())
    }

    fn access(&mut self, instr: &Instr<'_>, pops: u32, pushes: u32) -> Result<()> {
        let (Template::Access(near, far), Imm::MemArg(memarg)) =
            (TEMPLATES[instr.op as usize], instr.imm)
        else {
            return Err(wrong_immediates(instr.op));
        };
        let MemArg {
            memory,
            offset_bytes,
            ..
        } = memarg;
        if memory == 0 && !self.module.memories[0].is64 {
            self.simple(near, &[offset_bytes], pops, pushes);
        } else {
            self.simple(far, &[offset_bytes, memory.into()], pops, pushes);
        }
        Ok(())
    }

    fn atomic(&mut self, instr: &Instr<'_>) -> Result<()> {
        let (Template::Atomic(handler, pops, pushes), Imm::MemArg(arg)) =
            (TEMPLATES[instr.op as usize], instr.imm)
        else {
            return Err(wrong_immediates(instr.op));
        };
        let immediates = [arg.offset_bytes, arg.memory.into()];
        if instr.op.shape() == Shape::AtomicSync {
            self.emit_helper(instr.op, handler, &immediates);
        } else {
            self.emit(handler, &immediates);
        }
        self.stack.pop(pops.into());
        self.stack.push(pushes.into());
        Ok(())
    }

    fn unreachable(&mut self) {
        self.emit(control::unreachable, &[]);
        self.is_reachable = false;
    }

    fn br_if(&mut self, depth: u32) {
        self.stack.pop(1);
        self.br_on(depth, control::br_if, control::br_unless, &[]);
    }

    /// Falls through with the reference, branches without it.
    fn br_on_null(&mut self, depth: u32) {
        self.stack.pop(1);
        self.br_on(depth, control::br_on_null, control::br_on_non_null, &[]);
        self.stack.push(1);
    }

    /// Branches with the reference, falls through without it.
    fn br_on_non_null(&mut self, depth: u32) {
        self.br_on(depth, control::br_on_non_null, control::br_on_null, &[]);
        self.stack.pop(1);
    }

    fn call(&mut self, func: u32) {
        let ty = self.module.funcs[func as usize];
        match self.module.body_index(func) {
            Some(own) => self.emit(call::call_own, &[self.code_address(own)]),
            None => self.emit(call::call_imported, &[func.into()]),
        }
        self.replace_params(ty);
    }

    fn call_indirect(&mut self, (ty, table): (u32, u32)) {
        self.stack.pop(1);
        self.emit(call::call_indirect, &[table.into(), self.type_id(ty)]);
        self.replace_params(ty);
    }

    fn call_ref(&mut self, ty: u32) {
        self.stack.pop(1);
        self.emit(call::call_ref, &[]);
        self.replace_params(ty);
    }

    fn return_call(&mut self, func: u32) {
        let [frame, args] = self.tail_call_slots(self.module.funcs[func as usize]);
        match self.module.body_index(func) {
            Some(own) => {
                let code = self.code_address(own);
                self.emit(call::return_call_own, &[frame, args, code, func.into()]);
            }
            None => self.emit(call::return_call_imported, &[frame, args, func.into()]),
        }
        self.is_reachable = false;
    }

    fn return_call_indirect(&mut self, (ty, table): (u32, u32)) {
        self.stack.pop(1);
        let [frame, args] = self.tail_call_slots(ty);
        let type_id = self.type_id(ty);
        self.emit(
            call::return_call_indirect,
            &[frame, args, table.into(), type_id],
        );
        self.is_reachable = false;
    }

    fn return_call_ref(&mut self, ty: u32) {
        self.stack.pop(1);
        let [frame, args] = self.tail_call_slots(ty);
        self.emit(call::return_call_ref, &[frame, args]);
        self.is_reachable = false;
    }

    /// From the end of the arguments, all in memory, to the frame's begin; and the arguments.
    fn tail_call_slots(&self, ty: u32) -> [u64; 2] {
        [
            self.frame_slots() + 1,
            self.signatures[ty as usize].params.into(),
        ]
    }

    fn replace_params(&mut self, ty: u32) {
        self.stack.pop(self.signatures[ty as usize].params);
        self.push_results(ty);
    }

    fn code_address(&self, own: usize) -> u64 {
        self.codes.wrapping_add(own) as u64
    }

    fn type_id(&self, ty: u32) -> u64 {
        self.module.types[ty as usize].0.into()
    }

    fn drop(&mut self) {
        if self.stack.is_wide() {
            self.simple(variable::drop_wide, &[], 2, 0);
        } else {
            self.simple(variable::drop, &[], 1, 0);
        }
    }

    fn select(&mut self) {
        self.stack.pop(1);
        if self.stack.is_wide() {
            self.simple(variable::select_wide, &[], 2, 0);
        } else {
            self.simple(variable::select, &[], 1, 0);
        }
    }

    fn local_get(&mut self, index: u32) {
        let (distance, is_wide) = self.local(index);
        let handler = if is_wide {
            variable::local_get_wide
        } else {
            variable::local_get
        };
        self.emit(handler, &[distance]);
        self.stack.push_value(is_wide);
    }

    fn local_set(&mut self, index: u32) {
        let (distance, is_wide) = self.local(index);
        let handler = if is_wide {
            variable::local_set_wide
        } else {
            variable::local_set
        };
        self.emit(handler, &[distance]);
        self.stack.pop(1 + u32::from(is_wide));
    }

    fn local_tee(&mut self, index: u32) {
        let (distance, is_wide) = self.local(index);
        let handler = if is_wide {
            variable::local_tee_wide
        } else {
            variable::local_tee
        };
        self.emit(handler, &[distance]);
    }

    /// The distance of a local from `sp` in bytes, and true if the local is a v128.
    fn local(&self, index: u32) -> (u64, bool) {
        let local = self.locals[index as usize];
        let slots = i64::from(local.slot) - self.frame_slots() as i64;
        ((slots * size_of::<u64>() as i64) as u64, local.is_wide)
    }

    fn global_get(&mut self, index: u32) {
        let is_wide = self.module.globals[index as usize].content == ValType::V128;
        let handler = if is_wide {
            variable::global_get_wide
        } else {
            variable::global_get
        };
        self.emit(handler, &[index.into()]);
        self.stack.push_value(is_wide);
    }

    fn global_set(&mut self, index: u32) {
        let is_wide = self.module.globals[index as usize].content == ValType::V128;
        let handler = if is_wide {
            variable::global_set_wide
        } else {
            variable::global_set
        };
        self.emit(handler, &[index.into()]);
        self.stack.pop(1 + u32::from(is_wide));
    }

    fn constant(&mut self, instr: &Instr<'_>) -> Result<()> {
        let bits = instr.constant()?;
        if instr.op == Op::V128Const {
            self.emit(variable::const_wide, &[bits as u64, (bits >> 64) as u64]);
            self.stack.push_value(true);
            return Ok(());
        }
        let slot = bits as u64;
        self.simple(variable::const_, &[slot], 0, 1);
        Ok(())
    }

    fn table_grow(&mut self, index: u32) {
        let address_max = address_max(self.module.tables[index as usize].is64);
        self.emit_helper(
            Op::TableGrow,
            table::table_grow,
            &[index.into(), address_max],
        );
        self.stack.pop(1);
    }

    fn memory_size(&mut self, index: u32) {
        self.emit_helper(Op::MemorySize, memory::memory_size, &[index.into()]);
        self.stack.push(1);
    }

    fn memory_grow(&mut self, index: u32) {
        let address_max = address_max(self.module.memories[index as usize].is64);
        self.emit_helper(
            Op::MemoryGrow,
            memory::memory_grow,
            &[index.into(), address_max],
        );
    }

    /// A bulk instruction: its immediates are one or two indices, in the order of the encoding.
    fn bulk(&mut self, instr: &Instr<'_>, handler: Handler, pops: u32) -> Result<()> {
        match instr.imm {
            Imm::Index(a) => self.emit_helper(instr.op, handler, &[a.into()]),
            Imm::Index2(a, b) => self.emit_helper(instr.op, handler, &[a.into(), b.into()]),
            _other => return Err(wrong_immediates(instr.op)),
        }
        self.stack.pop(pops);
        Ok(())
    }
}

/// The greatest address of a memory or table, which also is -1 in its address type.
fn address_max(is64: bool) -> u64 {
    if is64 { u64::MAX } else { u32::MAX.into() }
}
