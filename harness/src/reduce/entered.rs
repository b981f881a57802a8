//! A script that begins where a function was entered: the module has the memories and globals of
//! that moment and the function as an export, and the function's call is all that runs.

use wasm_encoder::{ConstExpr, DataSection, Encode, ExportKind, MemorySection, MemoryType};
use wasmparser::{BinaryReader, GlobalSectionReader, MemorySectionReader};

use super::module::{Parts, Segment, contents, slice};
use super::{Reducer, module_of_mut};
use crate::explain::case::Case;
use crate::explain::column::{Column, Stopped};
use crate::explain::search::SearchError;
use crate::explain::snapshot::{MemoryImage, Snapshot, snapshot};
use crate::explain::{Difference, first_difference};
use crate::measure::{examine, job_config};
use crate::outcome::Value;
use crate::plan::Planned;
use crate::pool::Interrupted;
use crate::script::{Action, Argument, Command, Directive, Expectation, Kind, Script};

/// Scripts with as many bytes in modules begin anew where the difference is.
const BYTES_MIN: usize = 1 << 15;

impl Reducer<'_> {
    /// Begins where the function was entered in which the difference is, if the script is large:
    /// what has run before is replaced by the state that it left. The difference may be seen in
    /// another way then, but it is at the same instruction.
    pub(super) fn begin_at_entry(&mut self) -> Result<(), Interrupted> {
        if self.size() < BYTES_MIN || self.symptom.kind.is_death() || self.is_late() {
            return Ok(());
        }
        let Some((difference, script)) = found(self.script_from_entry())? else {
            return Ok(());
        };
        let candidate = self.planned.with(script);
        self.tried += 1;
        let examined = examine(self.options, &candidate, self.observer)?;
        let Some(symptom) = examined.first_symptom() else {
            return Ok(());
        };
        let again = found(self.difference(&candidate, symptom.ordinal))?;
        let is_same = |it: &Difference| {
            (it.func, &it.mnemonic, it.kind)
                == (difference.func, &difference.mnemonic, difference.kind)
        };
        if again.is_some_and(|again| is_same(&again)) && symptom.odd == self.symptom.odd {
            (self.planned, self.symptom, self.examined) = (candidate, symptom, examined);
        }
        Ok(())
    }

    /// The two engines, for as long as there is time; `None` if there are not two.
    fn columns(&self) -> Option<[Column<'_>; 2]> {
        let column = |name| {
            let launcher = self.launchers.get(name)?.as_ref().ok()?;
            let column = Column::new(*name, &**launcher, self.options.timeout);
            Some(column.until(self.deadline))
        };
        let columns: Option<Vec<Column<'_>>> = self.options.tiers.iter().map(column).collect();
        columns?.try_into().ok()
    }

    /// The difference in a directive of a candidate.
    fn difference(
        &self,
        candidate: &Planned,
        ordinal: usize,
    ) -> Result<Option<Difference>, SearchError> {
        let Some(mut columns) = self.columns() else {
            return Ok(None);
        };
        let config = job_config(self.options, candidate);
        let case = Case::new(&candidate.script.commands, ordinal, config);
        let found = first_difference(&mut columns, &case)?;
        Ok(found.map(|(difference, _)| difference))
    }

    /// The difference, and the script that begins where its function was entered.
    fn script_from_entry(&self) -> Result<Option<(Difference, Script)>, SearchError> {
        let Some(mut columns) = self.columns() else {
            return Ok(None);
        };
        let config = job_config(self.options, &self.planned);
        let case = Case::new(&self.planned.script.commands, self.symptom.ordinal, config);
        let Some((difference, case)) = first_difference(&mut columns, &case)? else {
            return Ok(None);
        };
        let mut subjects = case.subjects().into_iter();
        let subject =
            subjects.find(|it| difference.module == case.ordinals.get(it.module).copied());
        let (Some(subject), Some(func)) = (subject, difference.func) else {
            return Ok(None);
        };
        let snapshot = snapshot(&mut columns, &case, &subject, func)?;
        let script = snapshot.and_then(|snapshot| self.script(&case, &snapshot));
        Ok(script.map(|script| (difference, script)))
    }

    /// The script that makes the instance of a snapshot, and calls its function.
    fn script(&self, case: &Case, snapshot: &Snapshot) -> Option<Script> {
        let instance = snapshot.subject.instance;
        if snapshot.subject.module != instance {
            return None;
        }
        let (module, field) = entered(case.module(&snapshot.subject)?, snapshot)?;
        let mut commands = case.commands[..=instance].to_vec();
        *module_of_mut(&mut commands[instance])? = module;
        let args: Option<Vec<Argument>> = snapshot.args.iter().copied().map(argument).collect();
        commands.push(Command::Action(Action::Invoke {
            instance: None,
            field,
            args: args?,
        }));
        let known = &self.planned.script.directives;
        let ordinals = case.ordinals[..=instance].iter().map(|at| *at as usize);
        let mut directives: Vec<Directive> = Vec::new();
        for ordinal in ordinals.chain([self.symptom.ordinal]) {
            directives.push(Directive {
                ordinal: directives.len() as u32,
                ..known.get(ordinal)?.clone()
            });
        }
        let last = directives.last_mut()?;
        last.kind = Kind::Invoke;
        if last.expectation != Expectation::Open {
            last.expectation = Expectation::Success;
        }
        Some(Script {
            directives,
            commands,
            path: self.planned.script.path.clone(),
            sha256: self.planned.script.sha256.clone(),
        })
    }
}

/// What was found; nothing if the engines or the module do not let it be found, or in time.
fn found<T>(result: Result<Option<T>, SearchError>) -> Result<Option<T>, Interrupted> {
    match result {
        Ok(found) => Ok(found),
        Err(SearchError::Stopped(Stopped::Interrupted)) => Err(Interrupted),
        Err(
            SearchError::Stopped(Stopped::Unavailable(..) | Stopped::Late)
            | SearchError::Outline(_),
        ) => Ok(None),
    }
}

/// The argument that is a number; `None` for references.
fn argument(value: Value) -> Option<Argument> {
    Some(match value {
        Value::I32(bits) => Argument::I32(bits),
        Value::I64(bits) => Argument::I64(bits),
        Value::F32(bits) => Argument::F32(bits),
        Value::F64(bits) => Argument::F64(bits),
        Value::V128(bytes) => Argument::V128(bytes),
        Value::Ref(_) => return None,
    })
}

/// The ids of sections.
const MEMORY: u8 = 5;
const GLOBAL: u8 = 6;
const START: u8 = 8;

/// The module of a snapshot, with the name by which it exports the function; `None` if it cannot be
/// made: it imports memories, or its code may name data segments.
pub(super) fn entered(module: &[u8], snapshot: &Snapshot) -> Option<(Vec<u8>, String)> {
    let mut parts = Parts::read(module).ok()?;
    if !parts.can_drop_segments() {
        return None;
    }
    let types = BinaryReader::new(parts.section(MEMORY).unwrap_or(&[0]), 0);
    let types = MemorySectionReader::new(types).ok()?.into_iter();
    let types: Vec<wasmparser::MemoryType> = types.collect::<Result<_, _>>().ok()?;
    if types.len() != snapshot.memories.len() {
        return None;
    }
    let globals = parts
        .section(GLOBAL)
        .map(|it| globals(it, &snapshot.globals));
    parts.replace(START, None);
    parts.replace(MEMORY, Some(memories(&types, &snapshot.memories)));
    if let Some(globals) = globals {
        parts.replace(GLOBAL, Some(globals?));
    }
    parts.segments.clear();
    for (memory, (ty, image)) in (0..).zip(types.iter().zip(&snapshot.memories)) {
        for (address, bytes) in &image.pieces {
            let segment = segment((memory, ty.memory64), *address, bytes)?;
            parts.segments.push(segment);
        }
    }
    parts.add_data_section();
    let name = parts.add_export("entered", ExportKind::Func, snapshot.func)?;
    Some((parts.module(), name))
}

/// The section of memories, with the lengths of the images.
fn memories(types: &[wasmparser::MemoryType], images: &[MemoryImage]) -> Vec<u8> {
    let mut section = MemorySection::new();
    for (ty, image) in types.iter().zip(images) {
        section.memory(MemoryType {
            minimum: image.pages,
            maximum: ty.maximum,
            memory64: ty.memory64,
            shared: ty.shared,
            page_size_log2: ty.page_size_log2,
        });
    }
    contents(&section)
}

/// The section of globals, with the values that are known; `values` begins with those of imported
/// globals.
fn globals(bytes: &[u8], values: &[Option<Value>]) -> Option<Vec<u8>> {
    let reader = GlobalSectionReader::new(BinaryReader::new(bytes, 0)).ok()?;
    let count = reader.count();
    let values = values
        .iter()
        .skip(values.len().checked_sub(count as usize)?);
    let mut out = Vec::new();
    count.encode(&mut out);
    for (global, value) in reader.into_iter_with_offsets().zip(values) {
        let (start, global) = global.ok()?;
        let init = global.init_expr.get_binary_reader().range();
        out.extend(slice(bytes, start..init.start));
        match value.and_then(constant) {
            Some(value) => value.encode(&mut out),
            None => out.extend(slice(bytes, init)),
        }
    }
    Some(out)
}

/// The constant expression of a number.
fn constant(value: Value) -> Option<ConstExpr> {
    Some(match value {
        Value::I32(bits) => ConstExpr::i32_const(bits.cast_signed()),
        Value::I64(bits) => ConstExpr::i64_const(bits.cast_signed()),
        Value::F32(bits) => ConstExpr::f32_const(f32::from_bits(bits).into()),
        Value::F64(bits) => ConstExpr::f64_const(f64::from_bits(bits).into()),
        Value::V128(bytes) => ConstExpr::v128_const(i128::from_le_bytes(bytes)),
        Value::Ref(_) => return None,
    })
}

/// An active segment of a memory, whose addresses may have 64 bits.
fn segment((memory, is_64): (u32, bool), address: u64, bytes: &[u8]) -> Option<Segment> {
    let offset = match (is_64, u32::try_from(address)) {
        (false, Ok(address)) if memory == 0 => {
            return Some(Segment::At(address, bytes.to_vec()));
        }
        (false, Ok(address)) => ConstExpr::i32_const(address.cast_signed()),
        (false, Err(_)) => return None,
        (true, _) => ConstExpr::i64_const(address.cast_signed()),
    };
    let mut section = DataSection::new();
    section.active(memory, &offset, bytes.iter().copied());
    // One segment, behind the number of segments.
    Some(Segment::Encoded(contents(&section)[1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use wassay_runtime as runtime;

    use super::*;
    use crate::explain::case::Subject;
    use crate::reduce::module::is_valid;
    use crate::script::parse::encode_module;

    /// The state of a snapshot is that of the instance, and the function is called in it.
    #[test]
    fn an_instance_begins_with_the_state() {
        let module = encode_module(
            r#"(module
              (import "m" "g" (global $i i32))
              (memory 1) (memory $other i64 1)
              (global $g (mut i64) (i64.const 1)) (global $r (mut funcref) (ref.func $f))
              (data (i32.const 0) "abc")
              (func $f (export "f") (param f32) (result i64 i32 i32 i32 f32)
                (global.get $g) (i32.load (i32.const 0)) (i32.load (i32.const 131068))
                (i32.load $other (i64.const 65532)) (local.get 0))
              (func $start (unreachable)) (start $start))"#,
        );
        let module = module.expect("a module");
        let snapshot = Snapshot {
            subject: Subject {
                module: 0,
                instance: 0,
                is_entered: true,
            },
            func: 0,
            args: vec![Value::F32(0)],
            globals: vec![Some(Value::I32(4)), Some(Value::I64(77)), None],
            memories: vec![
                MemoryImage {
                    pages: 2,
                    pieces: vec![(131_068, vec![5, 6, 7, 8])],
                },
                MemoryImage {
                    pages: 1,
                    pieces: vec![(65_535, vec![9])],
                },
            ],
        };
        let (module, name) = entered(&module, &snapshot).expect("a module");
        assert!(is_valid(&module, wasmparser::WasmFeatures::all()));
        let mut config = runtime::Config::new();
        config.features(wasmparser::WasmFeatures::all());
        let engine = runtime::Engine::new(&config).expect("an engine");
        let module = runtime::Module::new(&engine, &module).expect("valid");
        let mut store = runtime::Store::new(&engine, ());
        let mut linker = runtime::Linker::new(&engine);
        let ty = runtime::GlobalType::new(runtime::ValType::I32, runtime::Mutability::Const);
        let global = runtime::Global::new(&mut store, ty, runtime::Val::I32(4)).expect("a global");
        linker.define("m", "g", global).expect("defined");
        let instance = linker
            .instantiate(&mut store, &module)
            .expect("an instance");
        let func = instance.get_typed_func::<f32, (i64, u32, u32, u32, f32)>(&mut store, &name);
        let result = func.expect("it is exported").call(&mut store, 2.5);
        let expected = (77, 0, 0x0807_0605, 0x0900_0000, 2.5);
        assert_eq!(result.expect("no trap"), expected);
    }
}
