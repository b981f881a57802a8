//! One arm for each opcode: its handlers, its immediates, its change of the height of the stack.

use super::{Translator, wrong_immediates};
use crate::atomic::ops;
use crate::decode::{Imm, Instr};
use crate::error::{Error, Result};
use crate::ops::{
    Group, Op, Shape, SigType, Signature, for_each_group, for_each_numeric, for_each_simd_numeric,
    group,
};
use crate::simd::V128;
use crate::stack::choice::{by_choice, vector_by_choice};
use crate::stack::machine::StackHandler;
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

/// True if this tier executes an opcode.
#[cfg(test)]
pub(in crate::stack) fn is_supported(op: Op) -> bool {
    !matches!(op, unsupported_op!())
}

/// The handlers of an opcode whose operands are those of its row.
#[derive(Clone, Copy)]
enum Template {
    /// An instruction without immediates but lane numbers: by profile.
    Plain([StackHandler; 2]),
    /// An access to memory 0 with 32-bit addresses, if that has a handler of its own; an access to
    /// any memory.
    Access(Option<StackHandler>, StackHandler),
    /// Every other opcode.
    Special,
}

macro_rules! plain {
    ($list:ident $module:ident $by_choice:ident $($group:ident {
        $($op:ident $bytes:tt $name:literal $proposal:ident { $f:ident $($rest:tt)* })*
    })*) => {
        const $list: &[(Op, Template)] = &[$($((Op::$op, Template::Plain([
            $module::$f,
            $by_choice!($f [$module::native::$f] [$module::$f]),
        ]))),*),*];
    };
}

macro_rules! accesses {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        const ACCESSES: &[(Op, Template)] = &[$($(
            (Op::$op, Template::Access(Some(memory::near::$op), memory::far::$op))
        ),*),*];
    };
}

macro_rules! atomics {
    ($($group:ident { $($op:ident $bytes:tt $name:literal $proposal:ident $tail:tt)* })*) => {
        const ATOMICS: &[(Op, Template)] = &[
            $($((Op::$op, Template::Access(None, atomic::access::<ops::$op>)),)*)*
            (Op::MemoryAtomicWait32, Template::Access(None, atomic::wait32)),
            (Op::MemoryAtomicWait64, Template::Access(None, atomic::wait64)),
            (Op::MemoryAtomicNotify, Template::Access(None, atomic::notify)),
        ];
    };
}

for_each_numeric!(plain; NUMERIC numeric by_choice);
for_each_simd_numeric!(plain; VECTOR simd vector_by_choice);
for_each_group!([for_each_load for_each_store for_each_simd_load for_each_simd_store
    for_each_simd_load_lane for_each_simd_store_lane] accesses;);
for_each_group!([for_each_atomic_load for_each_atomic_store for_each_atomic_rmw
    for_each_atomic_cmpxchg] atomics;);

/// The templates by opcode.
static TEMPLATES: [Template; Op::ALL.len()] = {
    let mut all = [Template::Special; Op::ALL.len()];
    let lists = [NUMERIC, VECTOR, ACCESSES, ATOMICS];
    let (mut list, mut row) = (0, 0);
    while list < lists.len() {
        if row < lists[list].len() {
            let (op, template) = lists[list][row];
            all[op as usize] = template;
            row += 1;
        } else {
            (list, row) = (list + 1, 0);
        }
    }
    all
};

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
            for_each_numeric!(any_of;) | for_each_simd_numeric!(any_of;) => self.plain(instr)?,
            for_each_group!([for_each_load for_each_store for_each_simd_load for_each_simd_store
                for_each_simd_load_lane for_each_simd_store_lane for_each_atomic_load
                for_each_atomic_store for_each_atomic_rmw for_each_atomic_cmpxchg] any_of;)
            | Op::MemoryAtomicWait32
            | Op::MemoryAtomicWait64
            | Op::MemoryAtomicNotify => self.access(instr)?,
            Op::AtomicFence => self.fixed(instr.op, atomic::fence, &[])?,
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
    pub(super) fn simple(
        &mut self,
        handler: StackHandler,
        immediates: &[u64],
        pops: u32,
        pushes: u32,
    ) {
        self.emit(handler, immediates);
        self.stack.pop(pops);
        self.stack.push(pushes);
    }

    /// An instruction that needs no look at its context.
    fn plain(&mut self, instr: &Instr<'_>) -> Result<()> {
        let Template::Plain(by_profile) = TEMPLATES[instr.op as usize] else {
            return Err(wrong_immediates(instr.op));
        };
        let handler = by_profile[self.profile as usize];
        match instr.imm {
            Imm::Lane(lane) => self.emit(handler, &[lane.into()]),
            Imm::Lanes(lanes) => self.emit(handler, &V128(lanes).into_slots()),
            _ => self.emit(handler, &[]),
        }
        self.operands(instr.op)
    }

    /// An instruction whose slots are those of its row's signature.
    pub(super) fn fixed(
        &mut self,
        op: Op,
        handler: StackHandler,
        immediates: &[u64],
    ) -> Result<()> {
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

    /// An access to a memory, a wait or a notification.
    fn access(&mut self, instr: &Instr<'_>) -> Result<()> {
        let Template::Access(near, far) = TEMPLATES[instr.op as usize] else {
            return Err(wrong_immediates(instr.op));
        };
        let (arg, lane) = match instr.imm {
            Imm::MemArgLane(arg, lane) => (arg, Some(lane)),
            _ => (instr.memarg()?, None),
        };
        let is_near = arg.memory == 0 && !self.module.memories[0].is64;
        match near.filter(|_| is_near) {
            Some(near) => self.emit(near, &[arg.offset_bytes]),
            None => self.emit(far, &[arg.offset_bytes, arg.memory.into()]),
        }
        self.cells.extend(lane.map(u64::from));
        if instr.op.shape() == Shape::AtomicSync {
            self.count_helper(instr.op);
        }
        self.operands(instr.op)
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

    /// Emits a handler by the width of its operand; the slots of that.
    fn by_width(&mut self, is_wide: bool, handlers: [StackHandler; 2], immediates: &[u64]) -> u32 {
        self.emit(handlers[usize::from(is_wide)], immediates);
        1 + u32::from(is_wide)
    }

    fn drop(&mut self) {
        let handlers = [variable::drop, variable::drop_wide];
        let slots = self.by_width(self.stack.is_wide(), handlers, &[]);
        self.stack.pop(slots);
    }

    fn select(&mut self) {
        self.stack.pop(1);
        let handlers = [variable::select, variable::select_wide];
        let slots = self.by_width(self.stack.is_wide(), handlers, &[]);
        self.stack.pop(slots);
    }

    fn local_get(&mut self, index: u32) {
        let (distance, is_wide) = self.local(index);
        let handlers = [variable::local_get, variable::local_get_wide];
        self.by_width(is_wide, handlers, &[distance]);
        self.stack.push_value(is_wide);
    }

    fn local_set(&mut self, index: u32) {
        let (distance, is_wide) = self.local(index);
        let handlers = [variable::local_set, variable::local_set_wide];
        let slots = self.by_width(is_wide, handlers, &[distance]);
        self.stack.pop(slots);
    }

    fn local_tee(&mut self, index: u32) {
        let (distance, is_wide) = self.local(index);
        let handlers = [variable::local_tee, variable::local_tee_wide];
        self.by_width(is_wide, handlers, &[distance]);
    }

    /// The distance of a local from `sp` in bytes, and true if the local is a v128.
    fn local(&self, index: u32) -> (u64, bool) {
        let local = self.locals[index as usize];
        let slots = i64::from(local.slot) - self.frame_slots() as i64;
        ((slots * size_of::<u64>() as i64) as u64, local.is_wide)
    }

    fn global_get(&mut self, index: u32) {
        let is_wide = self.module.globals[index as usize].content == ValType::V128;
        let handlers = [variable::global_get, variable::global_get_wide];
        self.by_width(is_wide, handlers, &[index.into()]);
        self.stack.push_value(is_wide);
    }

    fn global_set(&mut self, index: u32) {
        let is_wide = self.module.globals[index as usize].content == ValType::V128;
        let handlers = [variable::global_set, variable::global_set_wide];
        let slots = self.by_width(is_wide, handlers, &[index.into()]);
        self.stack.pop(slots);
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
    fn bulk(&mut self, instr: &Instr<'_>, handler: StackHandler, pops: u32) -> Result<()> {
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
