//! Initialisation (spec: "Instantiation", steps after allocation): globals, tables, element
//! segments, then the active segments in order, tables first.

use std::sync::Arc;

use crate::decode::{Decoder, Instr};
use crate::error::{Error, ErrorKind, Result};
use crate::evaluate::{Evaluator, Slots, evaluator};
use crate::gc::operand_slots;
use crate::helpers;
use crate::module::{ConstExpr, ElementItems, ExternKind, ModuleParts, SegmentMode};
use crate::ops::{Group, Op, Signature, group};
use crate::store::{Extern, StoreData};
use crate::value::{i31_word, slots_of};
use crate::vm::{EXIT_OK, Exit, Vm};

/// Evaluates all initialisers of instance `index` and runs its active segments.
pub(super) fn initialize(data: &mut StoreData, index: usize) -> Result<()> {
    let module = data.instances[index].module.clone();
    init_globals(data, index, &module)?;
    init_tables(data, index, &module)?;
    init_elements(data, index, &module)?;
    run_elements(data, index, &module)?;
    run_datas(data, index, &module)
}

fn init_globals(data: &mut StoreData, index: usize, module: &ModuleParts) -> Result<()> {
    let first = module.imported.globals as usize;
    for (i, init) in module.global_inits.iter().enumerate() {
        let slots = eval(data, index, init)?;
        let global = data.instances[index].globals[first + i];
        // SAFETY: globals of a store are boxed and live as long as the store.
        unsafe { (*global).slots = slots };
    }
    Ok(())
}

fn init_tables(data: &mut StoreData, index: usize, module: &ModuleParts) -> Result<()> {
    for (i, init) in module.table_inits.iter().enumerate() {
        let handle = data.instances[index].handles[ExternKind::Table as usize][i];
        if let (Some(init), Extern::Table(table)) = (init, handle) {
            let word = eval(data, index, init)?[0];
            data.tables[table.index as usize].words_mut().fill(word);
        }
    }
    Ok(())
}

/// Evaluates the segments' elements. Each is a root as soon as it is there.
fn init_elements(data: &mut StoreData, index: usize, module: &ModuleParts) -> Result<()> {
    for (i, segment) in module.elements.iter().enumerate() {
        let instance = &mut data.instances[index];
        let words: Box<[u64]> = match &segment.items {
            ElementItems::Funcs(funcs) => funcs
                .iter()
                .map(|&f| instance.funcs[f as usize] as u64)
                .collect(),
            ElementItems::Exprs(exprs) => vec![0; exprs.len()].into(),
        };
        instance.elements[i].words = words.as_ptr();
        instance.elements[i].len = words.len();
        instance.element_words.push(words);
        if let ElementItems::Exprs(exprs) = &segment.items {
            for (j, expr) in exprs.iter().enumerate() {
                let word = eval(data, index, expr)?[0];
                data.instances[index].element_words[i][j] = word;
            }
        }
    }
    Ok(())
}

fn run_elements(data: &mut StoreData, index: usize, module: &ModuleParts) -> Result<()> {
    for (i, segment) in module.elements.iter().enumerate() {
        let i = i as u32;
        let vm: *mut Vm = &raw mut *data.instances[index].vm;
        match &segment.mode {
            SegmentMode::Passive => {}
            // SAFETY: `vm` is the vm of a live instance.
            SegmentMode::Declared => unsafe { helpers::elem_drop(vm, i) },
            SegmentMode::Active {
                index: table,
                offset,
            } => {
                let is64 = module.tables[*table as usize].is64;
                let at = eval_index(data, index, offset, is64)?;
                let len = segment.items.len() as u64;
                // SAFETY: as above.
                let exit = unsafe { helpers::table_init(vm, *table, i, at, 0, len) };
                // SAFETY: as above.
                unsafe { helpers::elem_drop(vm, i) };
                check(data, exit)?;
            }
        }
    }
    Ok(())
}

fn run_datas(data: &mut StoreData, index: usize, module: &ModuleParts) -> Result<()> {
    for (i, segment) in module.datas.iter().enumerate() {
        let SegmentMode::Active {
            index: memory,
            offset,
        } = &segment.mode
        else {
            continue;
        };
        let i = i as u32;
        let vm: *mut Vm = &raw mut *data.instances[index].vm;
        let at = eval_index(data, index, offset, module.memories[*memory as usize].is64)?;
        let len = segment.range.len() as u64;
        // SAFETY: `vm` is the vm of a live instance.
        let exit = unsafe { helpers::memory_init(vm, *memory, i, at, 0, len) };
        // SAFETY: as above.
        unsafe { helpers::data_drop(vm, i) };
        check(data, exit)?;
    }
    Ok(())
}

fn check(data: &mut StoreData, exit: Exit) -> Result<()> {
    if exit == EXIT_OK {
        Ok(())
    } else {
        Err(data.exit_error(exit))
    }
}

/// The offset that a constant expression gives, as an unsigned index.
fn eval_index(data: &mut StoreData, index: usize, expr: &ConstExpr, is64: bool) -> Result<u64> {
    let slot = eval(data, index, expr)?[0];
    Ok(if is64 { slot } else { u64::from(slot as u32) })
}

/// Evaluates a constant expression of instance `index` to the slots of its value. The operands may
/// be references: meanwhile they are among the heap's roots.
fn eval(data: &mut StoreData, index: usize, expr: &ConstExpr) -> Result<[u64; 2]> {
    let bottom = data.heap.initializing.len();
    let result = run(data, index, expr);
    let slots = match data.heap.initializing[bottom..] {
        [slot] => Ok([slot, 0]),
        [low, high] => Ok([low, high]),
        _ => Err(Error::new(
            ErrorKind::Internal,
            "a constant expression without a value",
        )),
    };
    data.heap.initializing.truncate(bottom);
    result.and(slots)
}

/// Runs a constant expression on the stack of roots.
fn run(data: &mut StoreData, index: usize, expr: &ConstExpr) -> Result<()> {
    let bytes = data.instances[index].module.bytes.clone();
    let mut code = Decoder::new(&bytes[expr.clone()], expr.start);
    code.try_for_each(|instr| instruction(data, index, &instr?))
}

fn instruction(data: &mut StoreData, index: usize, instr: &Instr<'_>) -> Result<()> {
    let (op, instance) = (instr.op, &data.instances[index]);
    let stack = &mut data.heap.initializing;
    if let Group::Constant(constant) = op.group() {
        let bits = instr.constant()?;
        stack.push(bits as u64);
        if constant == group::Constant::V128Const {
            stack.push((bits >> 64) as u64);
        }
    } else if let Some(evaluate) = evaluator(op) {
        arithmetic(stack, op, evaluate)?;
    } else if let Group::Aggregate(_) = op.group() {
        aggregate(data, index, instr)?;
    } else if op == Op::GlobalGet {
        let i = instr.index()? as usize;
        // SAFETY: globals of a store are boxed and live as long as the store.
        let slots = unsafe { (*instance.globals[i]).slots };
        stack.extend(&slots[..slots_of(instance.module.globals[i].content)]);
    } else if op == Op::RefNull {
        stack.push(0);
    } else if op == Op::RefFunc {
        stack.push(instance.funcs[instr.index()? as usize] as u64);
    } else if op == Op::RefI31 {
        let value = stack.pop().unwrap_or_default();
        stack.push(i31_word(value as u32));
    } else if !matches!(
        op,
        Op::End | Op::AnyConvertExtern | Op::ExternConvertAny // the word stays as it is
    ) {
        return Err(Error::unsupported(op.mnemonic()).at(instr.offset));
    }
    Ok(())
}

/// Replaces the operands of a numeric instruction by its results.
fn arithmetic(stack: &mut Vec<u64>, op: Op, evaluate: Evaluator) -> Result<()> {
    let operands = match op.row().signature {
        Signature::Fixed { params, .. } => params.len(),
        Signature::Special => 0,
    };
    let operands = stack.split_off(stack.len().saturating_sub(operands));
    match evaluate(&operands).map_err(Error::trap)? {
        Slots::One(slot) => stack.push(slot),
        Slots::Two(low, high) => stack.extend([low, high]),
    }
    Ok(())
}

/// Makes a structure or an array of the operands on the stack of roots.
fn aggregate(data: &mut StoreData, index: usize, instr: &Instr<'_>) -> Result<()> {
    let (ty, b) = instr.indices()?;
    let instance = &mut data.instances[index];
    let vm: *mut Vm = &raw mut *instance.vm;
    let module = &instance.module;
    let defined = module.defined(ty);
    let operands = operand_slots(instr.op, &defined.layout, b) as usize;
    let immediates = (Arc::as_ptr(&defined) as u64, b.into());
    // SAFETY: `vm` is of a live instance, and validation has put the operands there.
    let exit = unsafe { StoreData::run_aggregate(data, vm, instr.op, immediates, operands) };
    check(data, exit)
}
