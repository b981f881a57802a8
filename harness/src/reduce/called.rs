//! Smaller forms of the function that a script calls: without parameters that nothing uses, with
//! one result or none, or with the code of another function in place of a call.
//!
//! Owns the exchange of a function's type together with its body, and with the arguments and the
//! expected results of the directives that call it.

use wasm_encoder::{BlockType, Encode, Instruction};
use wasmparser::{Operator, ValType};

use super::body::{InstructionKind, kind};
use super::function::{Function, local, with_locals};
use super::module::Parts;
use super::{module_of, module_of_mut};
use crate::script::{Action, Command, Expectation, Script};

/// The script with other forms of the function of a module that its last directive calls: without
/// the parameters that nothing uses, without results, with each result alone, and with the code of
/// each function that it calls itself.
pub(super) fn candidates(script: &Script, at: usize) -> Vec<Script> {
    let Some((parts, index, field)) = called(script, at) else {
        return Vec::new();
    };
    let Some(called) = Function::read(&parts, index) else {
        return Vec::new();
    };
    let mut candidates = Vec::new();
    let mut add = |parts: Option<Parts>, params: &[bool], results: &[bool]| {
        let calls = (&field[..], params, results);
        let script = parts.and_then(|parts| script_with(script, (at, &parts), calls));
        candidates.extend(script);
    };
    let count = called.results.len();
    let (params, results) = (vec![true; called.params.len()], vec![true; count]);
    let used = called.used_parameters();
    if let Some(used) = used.filter(|it| it.contains(&false)) {
        add(called.with_parameters(&used), &used, &results);
    }
    let each = (0..count).map(Some).filter(|_| count > 1);
    for result in std::iter::once(None).filter(|_| count > 0).chain(each) {
        let kept: Vec<bool> = (0..count).map(|it| Some(it) == result).collect();
        add(called.with_result(result), &params, &kept);
    }
    for call in called.calls(index) {
        let callee = Function::read(&parts, call.callee);
        let inlined = callee.and_then(|callee| called.with_inlined(call.at, &callee));
        add(inlined, &params, &results);
    }
    candidates
}

/// The module, the function of it that the last directive calls, and the name of the export.
fn called(script: &Script, at: usize) -> Option<(Parts, u32, String)> {
    let Command::Action(Action::Invoke { field, .. }) = script.commands.last()? else {
        return None;
    };
    let parts = Parts::read(module_of(script.commands.get(at)?)?).ok()?;
    let index = parts.exported_function(field)?;
    Some((parts, index, field.clone()))
}

/// The script with another module, and with calls of an export that fit: with the arguments and
/// the expected results that are kept.
fn script_with(
    script: &Script,
    (at, parts): (usize, &Parts),
    (field, params, results): (&str, &[bool], &[bool]),
) -> Option<Script> {
    let mut script = script.clone();
    *module_of_mut(script.commands.get_mut(at)?)? = parts.module();
    for (command, directive) in script.commands.iter_mut().zip(&mut script.directives) {
        let Command::Action(Action::Invoke {
            field: it, args, ..
        }) = command
        else {
            continue;
        };
        if it != field {
            continue;
        }
        keep(args, params);
        if let Expectation::Return(values) = &mut directive.expectation {
            keep(values, results);
        }
    }
    Some(script)
}

/// Keeps the items for which the flag at the same place is true.
fn keep<T>(all: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    all.retain(|_| kept.next().copied().unwrap_or(true));
}

/// A call in a function's code.
struct Call {
    /// The place among the instructions.
    at: usize,
    callee: u32,
}

impl Function<'_> {
    /// For each parameter, true if an instruction names it.
    fn used_parameters(&self) -> Option<Vec<bool>> {
        let mut used = vec![false; self.params.len()];
        for (operator, _) in self.instructions()? {
            let index = local(&operator);
            if let Some(it) = index.and_then(|index| used.get_mut(index as usize)) {
                *it = true;
            }
        }
        Some(used)
    }

    /// The module in which the function has only the parameters that are used.
    fn with_parameters(&self, used: &[bool]) -> Option<Parts> {
        let mut kept = self.params.clone();
        keep(&mut kept, used);
        let moved = |index: u32| {
            let before = used.iter().take(index as usize);
            index - before.filter(|is_used| !**is_used).count() as u32
        };
        let mut code = Vec::new();
        for instruction in &self.instructions()? {
            with_locals(instruction, moved, &mut code);
        }
        let more = [(&kept[..], &self.results[..])];
        self.with(&more, self.type_count, &self.locals()?, &code)
    }

    /// The module in which the function has only one of its results, or none: the code computes all
    /// of them in a block, from which branches to the function's end leave.
    fn with_result(&self, result: Option<usize>) -> Option<Parts> {
        let mut locals = self.locals()?;
        let local = self.local_count()?;
        let ty = result.map(|result| self.results[result]);
        locals.extend(ty.map(|ty| (1, ty)));
        let mut code = Vec::new();
        // The type of the block stands behind the function's.
        let block = BlockType::FunctionType(self.type_count + 1);
        Instruction::Block(block).encode(&mut code);
        for (_, bytes) in self.instructions()? {
            code.extend(bytes);
        }
        for at in (0..self.results.len()).rev() {
            match Some(at) == result {
                true => Instruction::LocalSet(local).encode(&mut code),
                false => Instruction::Drop.encode(&mut code),
            }
        }
        if result.is_some() {
            Instruction::LocalGet(local).encode(&mut code);
        }
        Instruction::End.encode(&mut code);
        let more = [(&self.params[..], ty.as_slice()), (&[], &self.results)];
        self.with(&more, self.type_count, &locals, &code)
    }

    /// The calls of other functions by their index.
    fn calls(&self, this: u32) -> Vec<Call> {
        let instructions = self.instructions().unwrap_or_default();
        let call = |(at, (operator, _)): (usize, &(Operator<'_>, &[u8]))| match operator {
            Operator::Call { function_index } => Some(Call {
                at,
                callee: *function_index,
            }),
            _ => None,
        };
        let calls = instructions.iter().enumerate().filter_map(call);
        calls.filter(|it| it.callee != this).collect()
    }

    /// The module in which the code of another function stands for a call of it, in a block, with
    /// locals for its parameters and locals. `None` if the other one ends by a call, or is long.
    fn with_inlined(&self, at: usize, callee: &Function<'_>) -> Option<Parts> {
        let first = self.local_count()?;
        let mut locals = self.locals()?;
        locals.extend(callee.params.iter().map(|ty| (1, *ty)));
        locals.extend(callee.locals()?);
        let mut code = Vec::new();
        for (index, (_, bytes)) in self.instructions()?.into_iter().enumerate() {
            if index != at {
                code.extend(bytes);
                continue;
            }
            for param in (0..callee.params.len() as u32).rev() {
                Instruction::LocalSet(first + param).encode(&mut code);
            }
            Instruction::Block(BlockType::FunctionType(self.type_count)).encode(&mut code);
            callee.inline(first, &mut code)?;
        }
        let more: [(&[ValType], &[ValType]); 1] = [(&[], &callee.results)];
        self.with(&more, self.ty(), &locals, &code)
    }

    /// Writes the code as that of a block, with locals from `first` on.
    fn inline(&self, first: u32, code: &mut Vec<u8>) -> Option<()> {
        let instructions = self.instructions()?;
        if instructions.len() > INLINED_MAX {
            return None;
        }
        let mut depth = 0_i32;
        for instruction in &instructions {
            match kind(&instruction.0) {
                InstructionKind::Opens => depth += 1,
                InstructionKind::Ends => depth -= 1,
                InstructionKind::Constant | InstructionKind::Other => {}
            }
            match instruction.0 {
                Operator::Return => Instruction::Br(depth.cast_unsigned()).encode(code),
                Operator::ReturnCall { .. }
                | Operator::ReturnCallIndirect { .. }
                | Operator::ReturnCallRef { .. } => return None,
                _ => with_locals(instruction, |index| first + index, code),
            }
        }
        Some(())
    }
}

/// The longest code that stands for a call, in instructions.
const INLINED_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use wasmparser::WasmFeatures;

    use super::*;
    use crate::reduce::module::is_valid;
    use crate::script::parse::encode_module;

    fn parts(text: &str) -> Parts {
        let module = encode_module(text).expect("a module");
        Parts::read(&module).expect("it is read")
    }

    /// The function that is exported as `f`.
    fn f(parts: &Parts) -> Function<'_> {
        let index = parts.exported_function("f").expect("it is exported");
        Function::read(parts, index).expect("it is defined")
    }

    fn call<P, R>(parts: &Parts, params: P) -> R
    where
        P: wassay_runtime::WasmParams,
        R: wassay_runtime::WasmResults,
    {
        use wassay_runtime as runtime;
        let module = parts.module();
        assert!(is_valid(&module, WasmFeatures::all()));
        let engine = runtime::Engine::new(&runtime::Config::new()).expect("an engine");
        let module = runtime::Module::new(&engine, &module).expect("valid");
        let mut store = runtime::Store::new(&engine, ());
        let linker = runtime::Linker::new(&engine);
        let instance = linker
            .instantiate(&mut store, &module)
            .expect("an instance");
        let func = instance.get_typed_func::<P, R>(&mut store, "f").expect("f");
        func.call(&mut store, params).expect("no trap")
    }

    /// Branches to the end of a function give its results as before.
    #[test]
    fn each_result_can_stand_alone() {
        let parts = parts(
            r#"(module (func (result i64) (i64.const 1))
              (func (export "f") (param i32) (result i32 f64 i64) (local i64)
                (i32.const 1) (f64.const 2) (i64.const 3)
                (br_if 0 (local.get 0)) (local.set 1)
                (drop) (drop) (i32.const 4) (f64.const 5) (local.get 1)))"#,
        );
        let called = f(&parts);
        let none = called.with_result(None).expect("a module");
        let () = call(&none, 0);
        let with = |result| called.with_result(Some(result)).expect("a module");
        assert_eq!([call::<_, i32>(&with(0), 0), call(&with(0), 1)], [4, 1]);
        assert_eq!([call::<_, f64>(&with(1), 0), call(&with(1), 1)], [5.0, 2.0]);
        assert_eq!([call::<_, i64>(&with(2), 0), call(&with(2), 1)], [3, 3]);
    }

    #[test]
    fn parameters_without_use_go() {
        let parts = parts(
            r#"(module (type (sub (struct)))
              (func (export "f") (param f32 i32 f64 i32) (result i32) (local f64 i32)
                (local.set 5 (local.get 3)) (i32.sub (local.get 1) (local.tee 5 (local.get 5)))))"#,
        );
        let called = f(&parts);
        let used = called.used_parameters().expect("they are known");
        assert_eq!(used, [false, true, false, true]);
        let parts = called.with_parameters(&used).expect("a module");
        assert_eq!(call::<(i32, i32), i32>(&parts, (9, 5)), 4);
    }

    /// Code in place of a call has locals of its own, and leaves by its own end.
    #[test]
    fn code_stands_for_a_call() {
        let parts = parts(
            r#"(module (global $g (mut i32) (i32.const 0))
              (func $id (param i32) (result i32) (local.get 0))
              (func $callee (param i32 i64) (result i64 i32) (local i32)
                (local.set 2 (i32.const 5))
                (block (br_if 0 (i32.eqz (local.get 0)))
                  (return (i64.add (local.get 1) (i64.const 1)) (local.get 2)))
                (global.set $g (call $id (i32.const 3)))
                (br_if 0 (i64.const 20) (i32.const 21) (local.get 2))
                (unreachable))
              (func (export "f") (param i32) (result i32 i64 i32) (local i64)
                (local.set 1 (i64.const 7))
                (local.get 0) (call $callee (local.get 0) (local.get 1))))"#,
        );
        let called = f(&parts);
        let calls = called.calls(2);
        assert_eq!((calls.len(), calls[0].callee), (1, 1));
        let callee = Function::read(&parts, 1).expect("it is defined");
        let inlined = called.with_inlined(calls[0].at, &callee);
        let inlined = inlined.expect("a module");
        assert!(
            !wasmprinter::print_bytes(inlined.module())
                .expect("text")
                .contains("call 1")
        );
        assert_eq!(call::<i32, (i32, i64, i32)>(&inlined, 2), (2, 8, 5));
        assert_eq!(call::<i32, (i32, i64, i32)>(&inlined, 0), (0, 20, 21));
    }

    /// The directives fit the function that they call.
    #[test]
    fn directives_lose_arguments_and_results() {
        let text = r#"(module (func (export "f") (param f32 i32) (result i32 i32)
              (local.get 1) (i32.const 2)))
            (assert_return (invoke "f" (f32.const 0) (i32.const 4)) (i32.const 4) (i32.const 2))"#;
        let script = crate::script::parse::parse_script("a.wast", text);
        let texts: Vec<String> = candidates(&script, 0)
            .iter()
            .map(|it| crate::script::write::text(it).expect("it is written"))
            .collect();
        let lines: Vec<&str> = texts.iter().filter_map(|it| it.lines().last()).collect();
        assert_eq!(
            lines,
            [
                r#"(assert_return (invoke "f" (i32.const 4)) (i32.const 4) (i32.const 2))"#,
                r#"(assert_return (invoke "f" (f32.const 0.0) (i32.const 4)))"#,
                r#"(assert_return (invoke "f" (f32.const 0.0) (i32.const 4)) (i32.const 4))"#,
                r#"(assert_return (invoke "f" (f32.const 0.0) (i32.const 4)) (i32.const 2))"#,
            ]
        );
    }
}
