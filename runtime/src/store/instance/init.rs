//! Initialisation (spec: "Instantiation", steps after allocation): globals, tables, element
//! segments, then the active segments in order, tables first.

use super::InstanceData;
use crate::error::{Error, ErrorKind, Result};
use crate::helpers;
use crate::module::{ConstExpr, ConstOp, ElementItems, Module, SegmentMode};
use crate::store::StoreData;
use crate::types::ValType;
use crate::vm::{EXIT_OK, Exit, Vm};

/// Evaluates all initialisers of instance `index` and runs its active segments.
pub(super) fn initialize(data: &mut StoreData, index: usize) -> Result<()> {
    let module = data.instances[index].module.clone();
    init_globals(&mut data.instances[index], &module)?;
    init_tables(data, index, &module)?;
    init_elements(&mut data.instances[index], &module)?;
    run_elements(data, index, &module)?;
    run_datas(data, index, &module)
}

fn init_globals(instance: &mut InstanceData, module: &Module) -> Result<()> {
    let first = module.imported.globals as usize;
    for (i, init) in module.global_inits.iter().enumerate() {
        let slots = instance.eval(init)?;
        // SAFETY: globals of a store are boxed and live as long as the store.
        unsafe { (*instance.globals[first + i]).slots = slots };
    }
    Ok(())
}

fn init_tables(data: &mut StoreData, index: usize, module: &Module) -> Result<()> {
    for (i, init) in module.table_inits.iter().enumerate() {
        let Some(init) = init else { continue };
        let word = data.instances[index].eval(init)?[0];
        let table = data.instances[index].handles.tables[i];
        data.tables[table.index as usize].words_mut().fill(word);
    }
    Ok(())
}

fn init_elements(instance: &mut InstanceData, module: &Module) -> Result<()> {
    for (i, segment) in module.elements.iter().enumerate() {
        let words: Box<[u64]> = match &segment.items {
            ElementItems::Funcs(funcs) => funcs
                .iter()
                .map(|&f| instance.funcs[f as usize] as u64)
                .collect(),
            ElementItems::Exprs(exprs) => exprs
                .iter()
                .map(|e| Ok(instance.eval(e)?[0]))
                .collect::<Result<_>>()?,
        };
        instance.elements[i].words = words.as_ptr();
        instance.elements[i].len = words.len();
        instance.element_words.push(words);
    }
    Ok(())
}

fn run_elements(data: &mut StoreData, index: usize, module: &Module) -> Result<()> {
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
                let at = data.instances[index]
                    .eval_index(offset, module.tables[*table as usize].is64)?;
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

fn run_datas(data: &mut StoreData, index: usize, module: &Module) -> Result<()> {
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
        let at =
            data.instances[index].eval_index(offset, module.memories[*memory as usize].is64)?;
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

impl InstanceData {
    /// The offset that a constant expression gives, as an unsigned index.
    fn eval_index(&self, expr: &ConstExpr, is64: bool) -> Result<u64> {
        let slot = self.eval(expr)?[0];
        Ok(if is64 { slot } else { u64::from(slot as u32) })
    }

    /// Evaluates a constant expression to the slots of its value.
    fn eval(&self, expr: &ConstExpr) -> Result<[u64; 2]> {
        let mut stack: Vec<[u64; 2]> = Vec::new();
        for &op in &expr.0 {
            let value = match op {
                ConstOp::I32(v) => one(u64::from(v as u32)),
                ConstOp::I64(v) => one(v as u64),
                ConstOp::F32(v) => one(u64::from(v)),
                ConstOp::F64(v) => one(v),
                ConstOp::V128(v) => [v as u64, (v >> 64) as u64],
                ConstOp::GlobalGet(i) => self.global_slots(i),
                ConstOp::RefNull(_) => one(0),
                ConstOp::RefFunc(i) => one(self.funcs[i as usize] as u64),
                ConstOp::I32Add => binary32(&mut stack, u32::wrapping_add)?,
                ConstOp::I32Sub => binary32(&mut stack, u32::wrapping_sub)?,
                ConstOp::I32Mul => binary32(&mut stack, u32::wrapping_mul)?,
                ConstOp::I64Add => binary64(&mut stack, u64::wrapping_add)?,
                ConstOp::I64Sub => binary64(&mut stack, u64::wrapping_sub)?,
                ConstOp::I64Mul => binary64(&mut stack, u64::wrapping_mul)?,
                ConstOp::Unsupported(what) => return Err(Error::unsupported(what)),
            };
            stack.push(value);
        }
        pop(&mut stack)
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

fn pop(stack: &mut Vec<[u64; 2]>) -> Result<[u64; 2]> {
    let underflow = || Error::new(ErrorKind::Internal, "a constant expression without a value");
    stack.pop().ok_or_else(underflow)
}

fn binary32(stack: &mut Vec<[u64; 2]>, op: fn(u32, u32) -> u32) -> Result<[u64; 2]> {
    let (b, a) = (pop(stack)?, pop(stack)?);
    Ok(one(u64::from(op(a[0] as u32, b[0] as u32))))
}

fn binary64(stack: &mut Vec<[u64; 2]>, op: fn(u64, u64) -> u64) -> Result<[u64; 2]> {
    let (b, a) = (pop(stack)?, pop(stack)?);
    Ok(one(op(a[0], b[0])))
}
