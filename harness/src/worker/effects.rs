//! What calling a function can change in the store, as far as its code shows without running it.
//!
//! This lets the state be hashed again only after calls that can have changed it. It errs on the
//! safe side: what indirect calls and calls of other instances' functions do is left open. Bodies
//! are read when a call first reaches them.

use std::collections::HashMap;
use std::ops::BitOr;

use wassay_runtime::interior::decode::{DecodeError, Decoder};
use wassay_runtime::interior::module::{CanonicalExternType, ModuleParts};
use wassay_runtime::interior::ops::{Domain, Op};

use super::spectest;

/// What can change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// Memories of the instance.
    pub(super) memories: bool,
    /// Tables of the instance.
    pub(super) tables: bool,
    /// Globals of the instance.
    pub(super) globals: bool,
    /// Objects of the heap.
    pub(super) objects: bool,
    /// Whatever the instances within reach can change.
    pub(super) anything: bool,
}

impl Effects {
    /// Can do what cannot be told from here.
    const ANYTHING: Effects = Effects {
        memories: false,
        tables: false,
        globals: false,
        objects: false,
        anything: true,
    };
}

impl BitOr for Effects {
    type Output = Effects;

    fn bitor(self, other: Effects) -> Effects {
        Effects {
            memories: self.memories | other.memories,
            tables: self.tables | other.tables,
            globals: self.globals | other.globals,
            objects: self.objects | other.objects,
            anything: self.anything | other.anything,
        }
    }
}

/// The effects of a module's functions, found when asked for.
#[derive(Debug, Default)]
pub(super) struct ModuleEffects {
    bodies: HashMap<u32, Body>,
    calls: HashMap<u32, Effects>,
    whole: Option<Effects>,
}

/// What one body does by itself, and which functions of the module it calls.
#[derive(Clone, Debug, Default)]
struct Body {
    effects: Effects,
    callees: Vec<u32>,
}

impl ModuleEffects {
    /// What any code of the module can change.
    pub(super) fn of_module(&mut self, module: &ModuleParts) -> Effects {
        if let Some(known) = self.whole {
            return known;
        }
        let mut effects = Effects::default();
        for func in 0..module.funcs.len() as u32 {
            let body = self
                .bodies
                .entry(func)
                .or_insert_with(|| body(module, func));
            effects = effects | body.effects;
        }
        self.whole = Some(effects);
        effects
    }

    /// What a call of function `func` can change.
    pub(super) fn of_call(&mut self, module: &ModuleParts, func: u32) -> Effects {
        if let Some(known) = self.calls.get(&func) {
            return *known;
        }
        let mut effects = Effects::default();
        let (mut seen, mut todo) = (vec![func], vec![func]);
        while let Some(next) = todo.pop() {
            let body = self
                .bodies
                .entry(next)
                .or_insert_with(|| body(module, next));
            effects = effects | body.effects;
            for callee in &body.callees {
                if !seen.contains(callee) {
                    seen.push(*callee);
                    todo.push(*callee);
                }
            }
        }
        self.calls.insert(func, effects);
        effects
    }
}

fn body(module: &ModuleParts, func: u32) -> Body {
    let Some(index) = module.body_index(func) else {
        return imported(module, func);
    };
    let range = module.bodies[index].clone();
    let start = range.start;
    let mut decoder = Decoder::new(&module.bytes[range], start);
    let anything = || Body {
        effects: Effects::ANYTHING,
        callees: Vec::new(),
    };
    read(&mut decoder).unwrap_or_else(|_| anything())
}

/// The host's functions only print; another instance's can do anything.
fn imported(module: &ModuleParts, func: u32) -> Body {
    let funcs = module
        .imports
        .iter()
        .filter(|import| matches!(import.ty, CanonicalExternType::Func { .. }));
    let host = funcs
        .into_iter()
        .nth(func as usize)
        .is_some_and(|it| it.module == spectest::MODULE);
    let effects = if host {
        Effects::default()
    } else {
        Effects::ANYTHING
    };
    Body {
        effects,
        callees: Vec::new(),
    }
}

fn read(decoder: &mut Decoder<'_>) -> Result<Body, DecodeError> {
    let mut body = Body::default();
    decoder.read_locals(|_, _| {})?;
    while !decoder.is_at_end() {
        let instruction = decoder.read()?;
        let op = instruction.op;
        if op == Op::Call || op == Op::ReturnCall {
            body.callees.push(instruction.index()?);
        } else {
            body.effects = body.effects | of_op(op);
        }
    }
    Ok(body)
}

/// The effects of one instruction, calls within the module apart.
fn of_op(op: Op) -> Effects {
    let none = Effects::default();
    match op.shape().domain() {
        Domain::Memory => Effects {
            memories: op.shape().effects().writes && op != Op::MemorySize && op != Op::DataDrop,
            ..none
        },
        Domain::Table => Effects {
            tables: !matches!(op, Op::TableGet | Op::TableSize | Op::ElemDrop),
            ..none
        },
        Domain::Variable => Effects {
            globals: op == Op::GlobalSet,
            ..none
        },
        Domain::Aggregate => Effects {
            objects: writes_objects(op),
            ..none
        },
        Domain::Call | Domain::SharedEverything | Domain::StackSwitching => Effects::ANYTHING,
        Domain::Control
        | Domain::Exception
        | Domain::Parametric
        | Domain::Constant
        | Domain::Reference
        | Domain::Numeric => none,
    }
}

/// Whether an aggregate instruction writes to an object that exists already.
fn writes_objects(op: Op) -> bool {
    matches!(
        op,
        Op::StructSet
            | Op::ArraySet
            | Op::ArrayFill
            | Op::ArrayCopy
            | Op::ArrayInitData
            | Op::ArrayInitElem
    )
}

#[cfg(test)]
mod tests {
    use wassay_runtime::{Config, Engine, Tier};

    use super::*;
    use crate::script::parse::parse_script;
    use crate::script::{Command, ModuleSource};

    /// What calls of the functions of a module can change, as letters: memories, tables, globals,
    /// anything.
    fn check(fields: &str, expected: &[&str]) {
        let script = parse_script("t.wast", &format!("(module {fields})"));
        let Command::Module {
            module: ModuleSource::Binary(bytes),
            ..
        } = &script.commands[0]
        else {
            panic!("{script:?}");
        };
        let engine = Engine::new(&Config::only(Tier::Stack)).expect("an engine");
        let module = ModuleParts::new(&engine, bytes).expect("valid");
        let mut effects = ModuleEffects::default();
        for (func, expected) in (0..).zip(expected) {
            let found = effects.of_call(&module, func);
            let letters = [
                (found.memories, "m"),
                (found.tables, "t"),
                (found.globals, "g"),
                (found.objects, "o"),
                (found.anything, "*"),
            ];
            let letters = letters.into_iter().filter(|(is, _)| *is);
            let found: String = letters.map(|(_, letter)| letter).collect();
            assert_eq!(found, *expected, "function {func}");
        }
    }

    #[test]
    fn direct_effects() {
        check(
            r#"(memory 1) (table 1 funcref) (global $g (mut i32) (i32.const 0)) (data "")
            (func (drop (i32.load (i32.const 0))) (drop (memory.size)) (drop (global.get $g)))
            (func (i32.store (i32.const 0) (i32.const 0)))
            (func (drop (memory.grow (i32.const 0))))
            (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))
            (func (v128.store (i32.const 0) (v128.const i64x2 0 0)))
            (func (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 0))))
            (func (global.set $g (i32.const 0)))
            (func (table.set (i32.const 0) (ref.null func)))
            (func (drop (table.get (i32.const 0))) (data.drop 0))
            (func (call_indirect (i32.const 0)))"#,
            &["", "m", "m", "m", "m", "m", "g", "t", "", "*"],
        );
    }

    #[test]
    fn writing_to_objects_is_an_effect_and_making_them_is_none() {
        check(
            r#"(type $s (struct (field (mut i32)))) (type $a (array (mut i8)))
            (func (drop (struct.new $s (i32.const 1))))
            (func (param (ref $s)) (struct.set $s 0 (local.get 0) (i32.const 1)))
            (func (param (ref $a)) (array.set $a (local.get 0) (i32.const 1) (i32.const 1)))
            (func (param (ref $a)) (drop (array.get_u $a (local.get 0) (i32.const 1))))"#,
            &["", "o", "o", ""],
        );
    }

    #[test]
    fn effects_come_through_calls_even_in_rings() {
        check(
            r#"(import "spectest" "print" (func $print)) (import "M" "f" (func $f))
            (memory 1) (global $g (mut i32) (i32.const 0))
            (func $a (call $print) (call $b))
            (func $b (i32.store (i32.const 0) (i32.const 0)) (call $c))
            (func $c (global.set $g (i32.const 0)) (call $a))
            (func $d (call $print))
            (func $e (return_call $f))"#,
            &["", "*", "mg", "mg", "mg", "", "*"],
        );
    }

    #[test]
    fn an_indirect_call_does_not_hide_what_is_known() {
        check(
            r#"(memory 1) (table 1 funcref)
            (func (call_indirect (i32.const 0)) (i32.store (i32.const 0) (i32.const 0)))"#,
            &["m*"],
        );
    }
}
