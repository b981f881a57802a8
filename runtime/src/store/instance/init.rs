//! Initialisation (spec: "Instantiation", steps after allocation): globals, tables, element
//! segments, then the active segments in order, tables first.

use std::sync::Arc;

use super::InstanceData;
use crate::error::{Error, ErrorKind, Result};
use crate::gc::operand_slots;
use crate::helpers;
use crate::module::{ConstExpr, ConstOp, ElementItems, ModuleParts, SegmentMode};
use crate::ops::Op;
use crate::store::StoreData;
use crate::types::ValType;
use crate::value::i31_word;
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
        let Some(init) = init else { continue };
        let word = eval(data, index, init)?[0];
        let table = data.instances[index].handles.tables[i];
        data.tables[table.index as usize].words_mut().fill(word);
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

/// Evaluates a constant expression of instance `index` to the slots of its value.
fn eval(data: &mut StoreData, index: usize, expr: &ConstExpr) -> Result<[u64; 2]> {
    if let [op] = *expr.0
        && let Some(slots) = data.instances[index].constant(op)
    {
        return Ok(slots);
    }
    // The operands may be references: they are among the heap's roots.
    let bottom = data.heap.initializing.len();
    let result = run(data, index, expr);
    let slots = data.heap.initializing.split_off(bottom);
    result?;
    match *slots {
        [slot] => Ok([slot, 0]),
        [low, high] => Ok([low, high]),
        _ => Err(Error::new(
            ErrorKind::Internal,
            "a constant expression without a value",
        )),
    }
}

/// Runs a constant expression on the stack of roots.
fn run(data: &mut StoreData, index: usize, expr: &ConstExpr) -> Result<()> {
    let module = data.instances[index].module.clone();
    for &op in &expr.0 {
        if let Some([low, high]) = data.instances[index].constant(op) {
            data.heap.initializing.push(low);
            if is_wide(op, &module) {
                data.heap.initializing.push(high);
            }
            continue;
        }
        match op {
            ConstOp::Aggregate { op, ty, b } => aggregate(data, index, (op, ty, b))?,
            ConstOp::Unsupported(what) => return Err(Error::unsupported(what)),
            _ => arithmetic(&mut data.heap.initializing, op)?,
        }
    }
    Ok(())
}

fn is_wide(op: ConstOp, module: &ModuleParts) -> bool {
    match op {
        ConstOp::V128(_) => true,
        ConstOp::GlobalGet(i) => module.globals[i as usize].content == ValType::V128,
        _ => false,
    }
}

/// Makes a structure or an array of the operands on the stack of roots.
fn aggregate(data: &mut StoreData, index: usize, (op, ty, b): (Op, u32, u32)) -> Result<()> {
    let instance = &mut data.instances[index];
    let vm: *mut Vm = &raw mut *instance.vm;
    let module = &instance.module;
    let defined = module.registry.get(module.types[ty as usize]);
    let operands = operand_slots(op, &defined.layout, b) as usize;
    let immediates = (Arc::as_ptr(&defined) as u64, b.into());
    // SAFETY: `vm` is of a live instance, and validation has put the operands there.
    let exit = unsafe { StoreData::run_aggregate(data, vm, op, immediates, operands) };
    check(data, exit)
}

fn arithmetic(stack: &mut Vec<u64>, op: ConstOp) -> Result<()> {
    let top = pop(stack)?;
    let slot = match op {
        ConstOp::RefI31 => i31_word(top as u32),
        ConstOp::I32Add => binary32(stack, top, u32::wrapping_add)?,
        ConstOp::I32Sub => binary32(stack, top, u32::wrapping_sub)?,
        ConstOp::I32Mul => binary32(stack, top, u32::wrapping_mul)?,
        ConstOp::I64Add => pop(stack)?.wrapping_add(top),
        ConstOp::I64Sub => pop(stack)?.wrapping_sub(top),
        ConstOp::I64Mul => pop(stack)?.wrapping_mul(top),
        _ => {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("{op:?} as arithmetic"),
            ));
        }
    };
    stack.push(slot);
    Ok(())
}

impl InstanceData {
    /// The slots of an instruction that has no operands and allocates nothing.
    fn constant(&self, op: ConstOp) -> Option<[u64; 2]> {
        Some(match op {
            ConstOp::I32(v) => one(u64::from(v as u32)),
            ConstOp::I64(v) => one(v as u64),
            ConstOp::F32(v) => one(u64::from(v)),
            ConstOp::F64(v) => one(v),
            ConstOp::V128(v) => [v as u64, (v >> 64) as u64],
            ConstOp::GlobalGet(i) => self.global_slots(i),
            ConstOp::RefNull(_) => one(0),
            ConstOp::RefFunc(i) => one(self.funcs[i as usize] as u64),
            ConstOp::I32Add
            | ConstOp::I32Sub
            | ConstOp::I32Mul
            | ConstOp::I64Add
            | ConstOp::I64Sub
            | ConstOp::I64Mul
            | ConstOp::RefI31
            | ConstOp::Aggregate { .. }
            | ConstOp::Unsupported(_) => return None,
        })
    }

    fn global_slots(&self, index: u32) -> [u64; 2] {
        let i = index as usize;
        // SAFETY: globals of a store are boxed and live as long as the store.
        let mut slots = unsafe { (*self.globals[i]).slots };
        if self.module.globals[i].content != ValType::V128 {
            slots[1] = 0;
        }
        slots
    }
}

fn one(slot: u64) -> [u64; 2] {
    [slot, 0]
}

fn pop(stack: &mut Vec<u64>) -> Result<u64> {
    let underflow = || Error::new(ErrorKind::Internal, "a constant expression without a value");
    stack.pop().ok_or_else(underflow)
}

fn binary32(stack: &mut Vec<u64>, b: u64, op: fn(u32, u32) -> u32) -> Result<u64> {
    Ok(u64::from(op(pop(stack)? as u32, b as u32)))
}
