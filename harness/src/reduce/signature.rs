//! A function with a smaller signature: without parameters that nothing uses, with one result or
//! none.
//!
//! Owns the exchange of a function's type together with its body, and with the arguments and the
//! expected results of the directives that call it.

use wasm_encoder::{BlockType, Encode, FunctionSection, Instruction, TypeSection};
use wasmparser::{BinaryReader, FunctionBody, FunctionSectionReader, Operator, TypeSectionReader};
use wasmparser::{CompositeInnerType, ValType};

use super::module::{FUNCTION, Parts, contents, slice};
use super::{module_of, module_of_mut};
use crate::script::{Action, Command, Expectation, Script};

/// The script with smaller signatures of the function of a module that its last directive calls:
/// without the parameters that nothing uses, without results, and with each result alone.
pub(super) fn candidates(script: &Script, at: usize) -> Vec<Script> {
    let Some((called, field)) = called(script, at) else {
        return Vec::new();
    };
    let mut candidates = Vec::new();
    let used = called.used_parameters();
    let mut add = |parts: Option<Parts>, params: &[bool], results: &[bool]| {
        let calls = (&field[..], params, results);
        let script = parts.and_then(|parts| with(script, (at, &parts), calls));
        candidates.extend(script);
    };
    let count = called.results.len();
    if let Some(used) = used.as_ref().filter(|it| it.contains(&false)) {
        add(called.with_parameters(used), used, &vec![true; count]);
    }
    let all = vec![true; called.params.len()];
    let each = (0..count).map(Some).filter(|_| count > 1);
    for result in std::iter::once(None).filter(|_| count > 0).chain(each) {
        let kept: Vec<bool> = (0..count).map(|it| Some(it) == result).collect();
        add(called.with_result(result), &all, &kept);
    }
    candidates
}

/// The function that the last directive calls, if a module defines it, and the name of the export.
fn called(script: &Script, at: usize) -> Option<(Called, String)> {
    let Command::Action(Action::Invoke { field, .. }) = script.commands.last()? else {
        return None;
    };
    let parts = Parts::read(module_of(script.commands.get(at)?)?).ok()?;
    let index = parts.exported_function(field)?;
    Some((Called::read(parts, index)?, field.clone()))
}

/// The script with another module, and with calls of an export that fit: with the arguments and
/// the expected results that are kept.
fn with(
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

/// Keeps those of which it is true.
fn keep<T>(all: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    all.retain(|_| kept.next().copied().unwrap_or(true));
}

/// A function of a module, with its type.
struct Called {
    parts: Parts,
    /// The index among defined functions.
    defined: usize,
    params: Vec<ValType>,
    results: Vec<ValType>,
    /// The types of all defined functions.
    types: Vec<u32>,
    /// The number of types of the module.
    type_count: u32,
}

impl Called {
    fn read(parts: Parts, index: u32) -> Option<Called> {
        let defined = index.checked_sub(parts.imported)? as usize;
        let types = FunctionSectionReader::new(BinaryReader::new(parts.section(FUNCTION)?, 0));
        let types: Vec<u32> = types.ok()?.into_iter().collect::<Result<_, _>>().ok()?;
        let groups = TypeSectionReader::new(BinaryReader::new(parts.section(TYPE)?, 0)).ok()?;
        let groups: Vec<_> = groups.into_iter().collect::<Result<_, _>>().ok()?;
        let all: Vec<_> = groups.into_iter().flat_map(|it| it.into_types()).collect();
        let ty = all.get(*types.get(defined)? as usize)?;
        let CompositeInnerType::Func(ty) = &ty.composite_type.inner else {
            return None;
        };
        let (params, results) = (ty.params().to_vec(), ty.results().to_vec());
        Some(Called {
            parts,
            defined,
            params,
            results,
            types,
            type_count: u32::try_from(all.len()).ok()?,
        })
    }

    fn body(&self) -> Option<FunctionBody<'_>> {
        let bytes = self.parts.bodies.get(self.defined)?;
        Some(FunctionBody::new(BinaryReader::new(bytes, 0)))
    }

    /// The groups of declared locals.
    fn locals(&self) -> Option<Vec<(u32, ValType)>> {
        let locals = self.body()?.get_locals_reader().ok()?;
        locals.into_iter().collect::<Result<_, _>>().ok()
    }

    /// The instructions, each with its bytes.
    fn instructions(&self) -> Option<Vec<(Operator<'_>, &[u8])>> {
        let mut reader = self.body()?.get_operators_reader().ok()?;
        let bytes = self.parts.bodies.get(self.defined)?;
        let mut all = Vec::new();
        while !reader.eof() {
            let start = reader.original_position();
            let operator = reader.read().ok()?;
            all.push((operator, slice(bytes, start..reader.original_position())));
        }
        Some(all)
    }

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
        let kept = self
            .params
            .iter()
            .zip(used)
            .filter(|(_, is_used)| **is_used);
        let kept: Vec<ValType> = kept.map(|(ty, _)| *ty).collect();
        let moved = |index: u32| {
            let before = used.iter().take(index as usize);
            index - before.filter(|is_used| !**is_used).count() as u32
        };
        let mut code = Vec::new();
        for (operator, bytes) in self.instructions()? {
            match operator {
                Operator::LocalGet { local_index } => {
                    Instruction::LocalGet(moved(local_index)).encode(&mut code);
                }
                Operator::LocalSet { local_index } => {
                    Instruction::LocalSet(moved(local_index)).encode(&mut code);
                }
                Operator::LocalTee { local_index } => {
                    Instruction::LocalTee(moved(local_index)).encode(&mut code);
                }
                _ => code.extend(bytes),
            }
        }
        let body = body(&self.locals()?, &code)?;
        self.with_types(&[(&kept, &self.results)], body)
    }

    /// The module in which the function has only one of its results, or none: the code computes all
    /// of them in a block, from which branches to the function's end leave.
    fn with_result(&self, result: Option<usize>) -> Option<Parts> {
        let mut locals = self.locals()?;
        let declared: u32 = locals.iter().map(|(count, _)| count).sum();
        let local = self.params.len() as u32 + declared;
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
        let types = [(&self.params[..], ty.as_slice()), (&[], &self.results)];
        self.with_types(&types, body(&locals, &code)?)
    }

    /// The module with more types, of which the first one is the function's, and another body.
    fn with_types(&self, types: &[(&[ValType], &[ValType])], body: Vec<u8>) -> Option<Parts> {
        let mut parts = self.parts.clone();
        let mut reader = BinaryReader::new(parts.section(TYPE)?, 0);
        let groups = reader.read_var_u32().ok()?;
        let known = reader.read_bytes(reader.bytes_remaining()).ok()?;
        let mut section = Vec::new();
        (groups + types.len() as u32).encode(&mut section);
        section.extend(known);
        for (params, results) in types {
            let mut more = TypeSection::new();
            more.ty().function(encoded(params)?, encoded(results)?);
            // One type, behind the number of types.
            section.extend(&contents(&more)[1..]);
        }
        parts.replace(TYPE, Some(section));
        let mut functions = FunctionSection::new();
        for (index, ty) in self.types.iter().enumerate() {
            functions.function(match index == self.defined {
                true => self.type_count,
                false => *ty,
            });
        }
        parts.replace(FUNCTION, Some(contents(&functions)));
        *parts.bodies.get_mut(self.defined)? = body;
        Some(parts)
    }
}

/// The local that an instruction names.
fn local(operator: &Operator<'_>) -> Option<u32> {
    match operator {
        Operator::LocalGet { local_index }
        | Operator::LocalSet { local_index }
        | Operator::LocalTee { local_index } => Some(*local_index),
        _ => None,
    }
}

fn body(locals: &[(u32, ValType)], code: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    (locals.len() as u32).encode(&mut bytes);
    for (count, ty) in locals {
        count.encode(&mut bytes);
        wasm_encoder::ValType::try_from(*ty)
            .ok()?
            .encode(&mut bytes);
    }
    bytes.extend(code);
    Some(bytes)
}

fn encoded(types: &[ValType]) -> Option<Vec<wasm_encoder::ValType>> {
    let types = types.iter().map(|ty| wasm_encoder::ValType::try_from(*ty));
    types.collect::<Result<_, _>>().ok()
}

/// The id of the section of types.
const TYPE: u8 = 1;

#[cfg(test)]
mod tests {
    use wasmparser::WasmFeatures;

    use super::*;
    use crate::reduce::module::is_valid;
    use crate::script::parse::encode_module;

    fn called(text: &str) -> Called {
        let module = encode_module(text).expect("a module");
        let parts = Parts::read(&module).expect("it is read");
        let index = parts.exported_function("f").expect("it is exported");
        Called::read(parts, index).expect("it is defined")
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
        let called = called(
            r#"(module (func (result i64) (i64.const 1))
              (func (export "f") (param i32) (result i32 f64 i64) (local i64)
                (i32.const 1) (f64.const 2) (i64.const 3)
                (br_if 0 (local.get 0)) (local.set 1)
                (drop) (drop) (i32.const 4) (f64.const 5) (local.get 1)))"#,
        );
        let none = called.with_result(None).expect("a module");
        let () = call(&none, 0);
        let with = |result| called.with_result(Some(result)).expect("a module");
        assert_eq!([call::<_, i32>(&with(0), 0), call(&with(0), 1)], [4, 1]);
        assert_eq!([call::<_, f64>(&with(1), 0), call(&with(1), 1)], [5.0, 2.0]);
        assert_eq!([call::<_, i64>(&with(2), 0), call(&with(2), 1)], [3, 3]);
    }

    #[test]
    fn parameters_without_use_go() {
        let called = called(
            r#"(module (type (sub (struct)))
              (func (export "f") (param f32 i32 f64 i32) (result i32) (local f64 i32)
                (local.set 5 (local.get 3)) (i32.sub (local.get 1) (local.tee 5 (local.get 5)))))"#,
        );
        let used = called.used_parameters().expect("they are known");
        assert_eq!(used, [false, true, false, true]);
        let parts = called.with_parameters(&used).expect("a module");
        assert_eq!(call::<(i32, i32), i32>(&parts, (9, 5)), 4);
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
