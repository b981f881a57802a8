//! The verifier of the IR: it checks the rules that consumers rely on.
//!
//! - Form: blocks cover the code; each block ends in its only terminator and can be reached; labels
//!   and slots are in range; loop heads are the targets of branches and exceptions that lead back.
//! - Instructions: opcode and number of operands fit the row.
//! - Types: on every path, each slot that is read holds a value of the type that the reader
//!   expects.
//!   Only the results of a call, or the values that a clause writes, are alive at and above the
//!   call's first slot.
//!
//! An exception may come from every call and throw of a handler's blocks, and, to be strict, from
//! the beginning of each block. The verifier is for tests: its time is not linear.

use std::collections::BTreeMap;

use super::{BlockId, FuncIr, Inst, OperandKind, Role, Slot, Type};

/// The types in the slots that have been written. A v128 stands at its first slot.
type SlotTypes = BTreeMap<u32, Type>;

/// Checks a function.
///
/// # Errors
/// The first broken rule, with the instruction that breaks it.
pub fn verify(func: &FuncIr) -> Result<(), String> {
    check_form(func)?;
    let mut entries: Vec<Option<SlotTypes>> = vec![None; func.blocks.len()];
    entries[0] = Some(locals(func));
    let mut pending = vec![0];
    while let Some(block) = pending.pop() {
        let id = BlockId(block);
        let mut state = entries[block as usize].clone().unwrap_or_default();
        let mut edges = Vec::new();
        catch_edges(func, id, &state, &mut edges).map_err(|why| format!("b{block}: {why}"))?;
        for inst in func.block(id) {
            step(func, id, inst, &mut state, &mut edges).map_err(|why| at(func, id, inst, &why))?;
        }
        func.terminator(id).labels(func, |target| {
            edges.push((target, state.clone()));
        });
        for (target, state) in edges {
            if merge(&mut entries[target.0 as usize], &state) {
                pending.push(target.0);
            }
        }
    }
    match entries.iter().position(Option::is_none) {
        Some(block) => Err(format!("nothing leads to b{block}")),
        None => Ok(()),
    }
}

fn at(func: &FuncIr, block: BlockId, inst: &Inst, why: &str) -> String {
    format!("b{}: {}: {why}", block.0, func.show(inst))
}

fn locals(func: &FuncIr) -> SlotTypes {
    let slots = func.local_slots.iter().map(|slot| slot.0);
    slots.zip(func.local_types.iter().copied()).collect()
}

/// Keeps the types that both agree on; returns true if these are fewer than before.
fn merge(entry: &mut Option<SlotTypes>, state: &SlotTypes) -> bool {
    let Some(old) = entry else {
        *entry = Some(state.clone());
        return true;
    };
    let before = old.len();
    old.retain(|slot, ty| state.get(slot) == Some(ty));
    old.len() != before
}

/// Adds an edge for each clause that may catch an exception thrown when slots hold `state`.
fn catch_edges(
    func: &FuncIr,
    block: BlockId,
    state: &SlotTypes,
    edges: &mut Vec<(BlockId, SlotTypes)>,
) -> Result<(), String> {
    let handler = func.blocks[block.0 as usize].handler;
    for catch in func.handler_chain(handler).flat_map(|h| &h.catches) {
        let mut state = state.clone();
        let mut result = Ok(());
        catch.visit(func, |role| {
            if let (Role::Def(slot, ty), Ok(())) = (role, &result) {
                result = write(func, &mut state, slot, ty);
            }
        });
        result?;
        edges.push((catch.target, state));
    }
    Ok(())
}

/// Checks the uses of an instruction and enters its definitions; adds the edges of exceptions.
fn step(
    func: &FuncIr,
    block: BlockId,
    inst: &Inst,
    state: &mut SlotTypes,
    edges: &mut Vec<(BlockId, SlotTypes)>,
) -> Result<(), String> {
    if !inst.has_valid_opcode() {
        return Err("the opcode is of another instruction".into());
    }
    let (mut result, mut uses, mut defs) = (Ok(()), 0, Vec::new());
    inst.visit(func, |role| match role {
        Role::Use(operand, ty) => {
            uses += 1;
            let checked = match operand.get() {
                OperandKind::Slot(slot) => check_read(state, slot, ty),
                OperandKind::Const(index) => check_const(func, index, ty),
            };
            result = std::mem::replace(&mut result, Ok(())).and(checked);
        }
        Role::Def(slot, ty) => defs.push((slot, ty)),
        Role::Imm(_) | Role::Label(_) => {}
    });
    result?;
    let operands = inst.operand_count();
    if uses != operands {
        return Err(format!("{operands} operands, not {uses}"));
    }
    if let Some(first) = inst.callee_frame() {
        state.retain(|&slot, ty| slot + ty.slots() <= first.0);
    }
    if inst.can_throw() {
        catch_edges(func, block, state, edges)?;
    }
    defs.iter()
        .try_for_each(|&(slot, ty)| write(func, state, slot, ty))
}

fn check_read(state: &SlotTypes, slot: Slot, ty: Type) -> Result<(), String> {
    match state.get(&slot.0) {
        Some(&held) if held == ty => Ok(()),
        Some(held) => {
            let (held, wanted) = (held.name(), ty.name());
            Err(format!("slot {} holds {held}, not {wanted}", slot.0))
        }
        None => Err(format!("slot {} holds nothing", slot.0)),
    }
}

fn check_const(func: &FuncIr, index: u32, ty: Type) -> Result<(), String> {
    let end = (index + ty.slots()) as usize;
    let Some(bits) = func.consts.get(index as usize..end) else {
        return Err(format!("there is no constant {index}"));
    };
    let narrow = matches!(ty, Type::I32 | Type::F32);
    if narrow && bits[0] > u64::from(u32::MAX) {
        return Err(format!("{:#x} is not zero-extended", bits[0]));
    }
    Ok(())
}

fn write(func: &FuncIr, state: &mut SlotTypes, slot: Slot, ty: Type) -> Result<(), String> {
    if slot.0 + ty.slots() > func.slots {
        return Err(format!("slot {} is outside of the frame", slot.0));
    }
    if slot.0 < func.first_temporary && state.get(&slot.0) != Some(&ty) {
        return Err(format!("slot {} is a local of another type", slot.0));
    }
    if slot.0 > 0 && state.get(&(slot.0 - 1)) == Some(&Type::V128) {
        state.remove(&(slot.0 - 1));
    }
    if ty == Type::V128 {
        state.remove(&(slot.0 + 1));
    }
    state.insert(slot.0, ty);
    Ok(())
}

fn check_form(func: &FuncIr) -> Result<(), String> {
    let limit = |i: usize| func.handlers[i].parent.is_none_or(|id| (id.0 as usize) < i);
    if !(0..func.handlers.len()).all(limit) {
        return Err("a handler's parent must come before it".into());
    }
    let handlers = func.handlers.len() as u32;
    if func
        .blocks
        .iter()
        .any(|b| b.handler.is_some_and(|id| id.0 >= handlers))
    {
        return Err("a block names a handler that does not exist".into());
    }
    let mut next = 0;
    let mut heads = vec![false; func.blocks.len()];
    for (i, block) in func.blocks.iter().enumerate() {
        if block.start != next || block.end <= block.start {
            return Err(format!("b{i} is empty or not where b{} ends", i.max(1) - 1));
        }
        next = block.end;
        let id = BlockId(i as u32);
        let (last, body) = func.block(id).split_last().ok_or("an empty block")?;
        if !last.is_terminator() || body.iter().any(Inst::is_terminator) {
            return Err(format!("b{i} must end in its only terminator"));
        }
        let mut outside = false;
        let mut check = |target: BlockId| match heads.get_mut(target.0 as usize) {
            Some(head) if target.0 > 0 => *head |= target.0 <= id.0,
            _ => outside = true,
        };
        last.labels(func, &mut check);
        let catches = func.handler_chain(block.handler).flat_map(|h| &h.catches);
        catches.for_each(|catch| check(catch.target));
        if outside {
            return Err(at(
                func,
                id,
                last,
                "a label is not a block, or is the entry",
            ));
        }
    }
    if next as usize != func.insts.len() || func.insts.len() != func.offsets.len() {
        return Err("code outside of blocks, or without offsets".into());
    }
    let is_head = func.blocks.iter().map(|block| block.is_loop_head);
    match is_head.zip(heads).position(|(said, seen)| said != seen) {
        Some(i) => Err(format!(
            "b{i} is wrongly marked, or not marked, as a loop head"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Config, Engine, Tier};
    use crate::ir::{HandlerId, Operand, build};
    use crate::module::ModuleParts;

    fn func(wat: &str) -> FuncIr {
        let buffer = wast::parser::ParseBuffer::new(wat).unwrap();
        let mut wat: wast::Wat<'_> = wast::parser::parse(&buffer).unwrap();
        let engine = Engine::new(&Config::only(Tier::Register)).unwrap();
        build(
            &ModuleParts::new(&engine, &wat.encode().unwrap()).unwrap(),
            0,
        )
        .unwrap()
    }

    #[test]
    fn finds_what_is_broken() {
        let good = func(
            "(module (func (param i32 i64) (result i32) (loop (br_if 0 (local.get 0)))
               (i32.add
                 (call 0 (local.get 0) (local.get 1))
                 (i32.mul (local.get 0) (i32.const 3)))))",
        );
        assert_eq!(verify(&good), Ok(()));
        let check = |what: &str, breakage: &dyn Fn(&mut FuncIr)| {
            let mut bad = good.clone();
            breakage(&mut bad);
            let why = verify(&bad).expect_err(what);
            assert!(why.contains(what), "{why}");
        };
        let last = |f: &mut FuncIr, inst| *f.insts.last_mut().unwrap() = inst;
        check("wrongly marked", &|f| f.blocks[1].is_loop_head = false);
        check("only terminator", &|f| last(f, good.insts[2]));
        check("or is the entry", &|f| {
            last(f, Inst::Br { target: BlockId(0) })
        });
        check("holds i64, not i32", &|f| {
            f.lists[0] = Operand::slot(Slot(1))
        });
        check("holds nothing", &|f| f.lists[0] = Operand::slot(Slot(2)));
        check("no constant", &|f| f.consts.clear());
        check("zero-extended", &|f| f.consts[0] = 1 << 40);
        check("code outside", &|f| f.offsets.clear());
        check("outside of the frame", &|f| f.slots = 2);
    }

    #[test]
    fn finds_broken_handlers() {
        let good = func(
            "(module (tag (param i32)) (func (param i64) (result i32) (local i32)
               (block $h (result i32 exnref) (try_table (catch_ref 0 $h) (call 0 (local.get 0))
                 (local.set 1)) (return (local.get 1)))
               (drop)))",
        );
        assert_eq!(verify(&good), Ok(()));
        let check = |what: &str, breakage: &dyn Fn(&mut FuncIr)| {
            let mut bad = good.clone();
            breakage(&mut bad);
            let why = verify(&bad).expect_err(what);
            assert!(why.contains(what), "{why}");
        };
        let catch = good.handlers[0].catches[0];
        check("before it", &|f| f.handlers[0].parent = Some(HandlerId(0)));
        check("that does not exist", &|f| {
            f.blocks[0].handler = Some(HandlerId(1))
        });
        check("nothing leads", &|f| f.handlers[0].catches.clear());
        check("holds nothing", &|f| f.handlers[0].catches[0].tag = None);
        check("local of another type", &|f| {
            f.handlers[0].catches[0].exception = Some(Slot(1))
        });
        check("outside of the frame", &|f| {
            f.handlers[0].catches[0].values = Slot(f.slots)
        });
        check("or is the entry", &|f| {
            f.handlers[0].catches[0].target = BlockId(0)
        });
        check("wrongly marked", &|f| {
            let inside = f.blocks.iter().position(|block| block.handler.is_some());
            f.blocks[catch.target.0 as usize].handler = Some(HandlerId(0));
            assert!(inside.is_some());
        });
    }
}
