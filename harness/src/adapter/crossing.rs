//! Helper modules for engines behind an interface that does not carry every value: a function that
//! takes and gives integers in place of vectors and floats, and calls the one that is meant.
//!
//! So no directive is given up that a helper can decide: a v128 crosses as two i64, the low one
//! first, an f32 as an i32, an f64 as an i64. As a result, a reference of the any hierarchy crosses
//! as its kind, the number of an i31 and an externref, one of the exn hierarchy as 1 if it is null.

use std::collections::HashMap;
use std::sync::Arc;

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    AbstractHeapType, BlockType, CodeSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalType, HeapType, ImportSection, Instruction, Module, RefType,
    TypeSection, ValType,
};
use wasmparser as wp;

use super::message::{AnswerError, Lack};
use crate::outcome::{Hierarchy, Reference, Value};
use crate::script::Argument;

/// The module name under which the helper imports the instance.
pub const TARGET: &str = "wassay:target";
/// The export of a helper.
pub const EXPORT: &str = "f";

/// What a module exports, as far as a helper can be made for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exported {
    /// A function.
    Func {
        /// Its parameters.
        params: Vec<ValType>,
        /// Its results.
        results: Vec<ValType>,
        /// Where its type is defined, if a type of these parameters and results alone is another.
        home: Option<TypeHome>,
    },
    /// A global.
    Global {
        /// Its type.
        ty: ValType,
        /// True if it is mutable.
        mutable: bool,
    },
}

/// The type of a function that is one of a recursive group, or has or allows subtypes: a module
/// that imports the function defines the same types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeHome {
    /// The contents of the module's type section.
    section: Arc<[u8]>,
    /// The number of types in it.
    count: u32,
    /// The index of the function's type.
    index: u32,
}

impl TypeHome {
    /// The same types; `None` if the section cannot be read.
    fn types(&self) -> Option<TypeSection> {
        let reader = wp::BinaryReader::new(&self.section, 0);
        let reader = wp::TypeSectionReader::new(reader).ok()?;
        let mut types = TypeSection::new();
        RoundtripReencoder
            .parse_type_section(&mut types, reader)
            .ok()?;
        Some(types)
    }
}

impl Exported {
    /// The exports of a valid module by name: functions and globals whose types have numbers,
    /// vectors and abstract references only.
    pub fn all(bytes: &[u8]) -> HashMap<String, Exported> {
        let section: Arc<[u8]> = type_section(bytes).into();
        let of = |types: wp::types::TypesRef<'_>, ty| of_type(types, ty, &section);
        exports(bytes, of).into_iter().collect()
    }

    /// True if a value of this type does not cross as it is.
    pub fn needs_help(&self, lacks: &[Lack]) -> bool {
        let needs = |ty: &ValType| match ty {
            ValType::V128 => lacks.contains(&Lack::V128),
            ValType::F32 | ValType::F64 => lacks.contains(&Lack::NanBits),
            ValType::I32 | ValType::I64 | ValType::Ref(_) => false,
        };
        let is_told = |ty: &ValType| !lacks.contains(&Lack::References) || shape(ty).is_none();
        match self {
            Exported::Func {
                params, results, ..
            } => params.iter().chain(results).any(needs) || !results.iter().all(is_told),
            Exported::Global { ty, .. } => needs(ty) || !is_told(ty),
        }
    }

    /// The helper for the export of this name, as bytes.
    pub fn helper(&self, name: &str) -> Vec<u8> {
        let mut types = TypeSection::new();
        let mut imports = ImportSection::new();
        let mut own_type = 1;
        let (params, results): (&[ValType], &[ValType]) = match self {
            Exported::Func {
                params,
                results,
                home,
            } => {
                let home = home.as_ref();
                let home = home.and_then(|home| Some((home.types()?, home.count, home.index)));
                let (same, count, index) = home.unwrap_or_else(|| {
                    let (params, results) = (params.iter(), results.iter());
                    types.ty().function(params.copied(), results.copied());
                    (types, 1, 0)
                });
                (types, own_type) = (same, count);
                imports.import(TARGET, name, EntityType::Function(index));
                (params, results)
            }
            Exported::Global { ty, mutable } => {
                let global = GlobalType {
                    val_type: *ty,
                    mutable: *mutable,
                    shared: false,
                };
                types.ty().function([], []);
                imports.import(TARGET, name, EntityType::Global(global));
                (&[], std::slice::from_ref(ty))
            }
        };
        types.ty().function(
            params.iter().flat_map(crossed).collect::<Vec<_>>(),
            results.iter().flat_map(crossed_result).collect::<Vec<_>>(),
        );
        let mut functions = FunctionSection::new();
        functions.function(own_type);
        let mut exports = ExportSection::new();
        let index = u32::from(matches!(self, Exported::Func { .. }));
        exports.export(EXPORT, ExportKind::Func, index);
        let mut code = CodeSection::new();
        code.function(&self.body(params, results));
        let mut module = Module::new();
        module
            .section(&types)
            .section(&imports)
            .section(&functions)
            .section(&exports);
        module.section(&code);
        module.finish()
    }

    fn body(&self, params: &[ValType], results: &[ValType]) -> Function {
        let mut function = Function::new_with_locals_types(results.iter().copied());
        let mut local = 0;
        for param in params {
            for instruction in restored(param, local) {
                function.instruction(&instruction);
            }
            local += crossed(param).len() as u32;
        }
        function.instruction(&match self {
            Exported::Func { .. } => Instruction::Call(0),
            Exported::Global { .. } => Instruction::GlobalGet(0),
        });
        for index in (0..results.len() as u32).rev() {
            function.instruction(&Instruction::LocalSet(local + index));
        }
        for (result, local) in results.iter().zip(local..) {
            for instruction in taken_apart(result, local) {
                function.instruction(&instruction);
            }
        }
        function.instruction(&Instruction::End);
        function
    }

    /// The values of the export's own types, from those that the helper gave.
    ///
    /// # Errors
    /// If the helper gave others.
    pub fn joined(&self, values: &[Value]) -> Result<Vec<Value>, AnswerError> {
        let results = match self {
            Exported::Func { results, .. } => results.as_slice(),
            Exported::Global { ty, .. } => std::slice::from_ref(ty),
        };
        let mut values = values.iter().copied();
        let mut next = || values.next();
        let joined = results.iter().map(|ty| {
            if let Some(shape) = shape(ty) {
                return shape.joined(&mut next).map(Value::Ref);
            }
            Some(match (ty, next()?) {
                (ValType::F32, Value::I32(bits)) => Value::F32(bits),
                (ValType::F64, Value::I64(bits)) => Value::F64(bits),
                (ValType::V128, Value::I64(low)) => {
                    let Value::I64(high) = next()? else {
                        return None;
                    };
                    let bits = u128::from(low) | u128::from(high) << 64;
                    Value::V128(bits.to_le_bytes())
                }
                (ValType::I32 | ValType::I64 | ValType::Ref(_), value) => value,
                (ValType::F32 | ValType::F64 | ValType::V128, _) => return None,
            })
        });
        let joined: Option<Vec<Value>> = joined.collect();
        joined.ok_or(AnswerError::OfHelper)
    }
}

/// The exports of a valid module by name, as far as `of` makes something of their types.
pub fn exports<T>(
    bytes: &[u8],
    of: impl Fn(wp::types::TypesRef<'_>, wp::types::EntityType) -> Option<T>,
) -> Vec<(String, T)> {
    let mut validator = wp::Validator::new_with_features(wp::WasmFeatures::all());
    let Ok(types) = validator.validate_all(bytes) else {
        return Vec::new();
    };
    let types = types.as_ref();
    let exports = types.core_exports().into_iter().flatten();
    let named = exports.filter_map(|(name, ty)| Some((name.to_string(), of(types, ty)?)));
    named.collect()
}

/// The contents of a module's type section; empty if it has none.
fn type_section(bytes: &[u8]) -> &[u8] {
    let payloads = wp::Parser::new(0).parse_all(bytes);
    let section = payloads.flatten().find_map(|payload| match payload {
        wp::Payload::TypeSection(reader) => {
            let range = reader.range();
            bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
        }
        _ => None,
    });
    section.unwrap_or_default()
}

/// The home of a type, if it is not a final one without supertype in a group of its own.
fn home(
    types: wp::types::TypesRef<'_>,
    id: wp::types::CoreTypeId,
    section: &Arc<[u8]>,
) -> Option<TypeHome> {
    let ty = types.get(id)?;
    let group = types.rec_group_elements(types.rec_group_id_of(id));
    if ty.is_final && ty.supertype_idxs.is_empty() && group.count() == 1 {
        return None;
    }
    let count = types.core_type_count_in_module();
    let index = (0..count).find(|&index| types.core_type_at_in_module(index) == id)?;
    Some(TypeHome {
        section: section.clone(),
        count,
        index,
    })
}

fn of_type(
    types: wp::types::TypesRef<'_>,
    ty: wp::types::EntityType,
    section: &Arc<[u8]>,
) -> Option<Exported> {
    let val_types = |types: &[wp::ValType]| types.iter().map(|ty| val_type(*ty)).collect();
    match ty {
        wp::types::EntityType::Func(id) | wp::types::EntityType::FuncExact(id) => {
            let wp::CompositeInnerType::Func(ty) = &types.get(id)?.composite_type.inner else {
                return None;
            };
            let params: Option<Vec<ValType>> = val_types(ty.params());
            let results: Option<Vec<ValType>> = val_types(ty.results());
            Some(Exported::Func {
                params: params?,
                results: results?,
                home: home(types, id, section),
            })
        }
        wp::types::EntityType::Global(ty) => Some(Exported::Global {
            ty: val_type(ty.content_type)?,
            mutable: ty.mutable,
        }),
        _ => None,
    }
}

/// The arguments for a helper.
pub fn crossed_arguments(arguments: &[Argument]) -> Vec<Argument> {
    let crossed = |argument: &Argument| match argument {
        Argument::F32(bits) => vec![Argument::I32(*bits)],
        Argument::F64(bits) => vec![Argument::I64(*bits)],
        Argument::V128(bytes) => {
            let bits = u128::from_le_bytes(*bytes);
            vec![
                Argument::I64(bits as u64),
                Argument::I64((bits >> 64) as u64),
            ]
        }
        Argument::I32(_)
        | Argument::I64(_)
        | Argument::RefNull(_)
        | Argument::RefExtern(_)
        | Argument::RefHost(_) => vec![argument.clone()],
    };
    arguments.iter().flat_map(crossed).collect()
}

/// The types as which a type crosses.
fn crossed(ty: &ValType) -> Vec<ValType> {
    match ty {
        ValType::F32 => vec![ValType::I32],
        ValType::F64 => vec![ValType::I64],
        ValType::V128 => vec![ValType::I64, ValType::I64],
        ValType::I32 | ValType::I64 | ValType::Ref(_) => vec![*ty],
    }
}

/// The types as which a type crosses as a result.
fn crossed_result(ty: &ValType) -> Vec<ValType> {
    match shape(ty) {
        Some(Shape::Internal) => vec![ValType::I32, ValType::I32, ValType::EXTERNREF],
        Some(Shape::Exception) => vec![ValType::I32],
        None => crossed(ty),
    }
}

/// A reference whose kind crosses apart from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Of the any hierarchy.
    Internal,
    /// Of the exn hierarchy.
    Exception,
}

fn shape(ty: &ValType) -> Option<Shape> {
    let ValType::Ref(RefType {
        heap_type: HeapType::Abstract { ty, .. },
        ..
    }) = ty
    else {
        return None;
    };
    match ty {
        AbstractHeapType::Any
        | AbstractHeapType::Eq
        | AbstractHeapType::I31
        | AbstractHeapType::Struct
        | AbstractHeapType::Array
        | AbstractHeapType::None => Some(Shape::Internal),
        AbstractHeapType::Exn | AbstractHeapType::NoExn => Some(Shape::Exception),
        AbstractHeapType::Func
        | AbstractHeapType::NoFunc
        | AbstractHeapType::Extern
        | AbstractHeapType::NoExtern
        | AbstractHeapType::Cont
        | AbstractHeapType::NoCont => None,
    }
}

/// The kinds of an internal reference, in the order of their tests; what is none of them is the
/// host's.
const KINDS: [AbstractHeapType; 3] = [
    AbstractHeapType::I31,
    AbstractHeapType::Struct,
    AbstractHeapType::Array,
];

impl Shape {
    /// Takes the reference in a local apart.
    fn taken_apart(self, local: u32) -> Vec<Instruction<'static>> {
        let get = Instruction::LocalGet(local);
        let mut code = vec![get.clone(), Instruction::RefIsNull];
        if self == Shape::Exception {
            return code;
        }
        let heap = |ty| HeapType::Abstract { shared: false, ty };
        // Null is kind 0; after it come the kinds of the list.
        let kind = BlockType::Result(ValType::I32);
        code = vec![Instruction::Block(kind), Instruction::I32Const(0)];
        code.extend([get.clone(), Instruction::RefIsNull, Instruction::BrIf(0)]);
        for (number, ty) in (1..).zip(KINDS) {
            code.extend([Instruction::Drop, Instruction::I32Const(number)]);
            let test = Instruction::RefTestNonNull(heap(ty));
            code.extend([get.clone(), test, Instruction::BrIf(0)]);
        }
        code.extend([
            Instruction::Drop,
            Instruction::I32Const(4),
            Instruction::End,
        ]);
        let i31 = heap(AbstractHeapType::I31);
        code.extend([
            get.clone(),
            Instruction::RefTestNonNull(i31),
            Instruction::If(kind),
        ]);
        code.extend([
            get.clone(),
            Instruction::RefCastNonNull(i31),
            Instruction::I31GetU,
        ]);
        code.extend([
            Instruction::Else,
            Instruction::I32Const(0),
            Instruction::End,
        ]);
        code.extend([get, Instruction::ExternConvertAny]);
        code
    }

    /// The reference, from the values as which it crossed.
    fn joined(self, next: &mut dyn FnMut() -> Option<Value>) -> Option<Reference> {
        let Value::I32(kind) = next()? else {
            return None;
        };
        if self == Shape::Exception {
            return Some(match kind {
                0 => Reference::Exn,
                _ => Reference::Null(Hierarchy::Exn),
            });
        }
        let (number, external) = (next()?, next()?);
        Some(match (kind, number, external) {
            (0, _, _) => Reference::Null(Hierarchy::Any),
            (1, Value::I32(number), _) => Reference::I31(number),
            (2, _, _) => Reference::Struct,
            (3, _, _) => Reference::Array,
            (4, _, Value::Ref(Reference::Extern(number))) => Reference::Host(number),
            (4, _, _) => Reference::Any,
            _ => return None,
        })
    }
}

/// Puts a value together from the locals as which it crossed.
fn restored(ty: &ValType, local: u32) -> Vec<Instruction<'static>> {
    let get = Instruction::LocalGet(local);
    match ty {
        ValType::F32 => vec![get, Instruction::F32ReinterpretI32],
        ValType::F64 => vec![get, Instruction::F64ReinterpretI64],
        ValType::V128 => vec![
            get,
            Instruction::I64x2Splat,
            Instruction::LocalGet(local + 1),
            Instruction::I64x2ReplaceLane(1),
        ],
        ValType::I32 | ValType::I64 | ValType::Ref(_) => vec![get],
    }
}

/// Takes the value of a local apart.
fn taken_apart(ty: &ValType, local: u32) -> Vec<Instruction<'static>> {
    if let Some(shape) = shape(ty) {
        return shape.taken_apart(local);
    }
    let get = Instruction::LocalGet(local);
    match ty {
        ValType::F32 => vec![get, Instruction::I32ReinterpretF32],
        ValType::F64 => vec![get, Instruction::I64ReinterpretF64],
        ValType::V128 => vec![
            get.clone(),
            Instruction::I64x2ExtractLane(0),
            get,
            Instruction::I64x2ExtractLane(1),
        ],
        ValType::I32 | ValType::I64 | ValType::Ref(_) => vec![get],
    }
}

/// The type for the encoder; `None` for references to concrete types.
pub fn val_type(ty: wp::ValType) -> Option<ValType> {
    Some(match ty {
        wp::ValType::I32 => ValType::I32,
        wp::ValType::I64 => ValType::I64,
        wp::ValType::F32 => ValType::F32,
        wp::ValType::F64 => ValType::F64,
        wp::ValType::V128 => ValType::V128,
        wp::ValType::Ref(reference) => ValType::Ref(of_reference(reference)?),
    })
}

/// The reference type for the encoder; `None` for references to concrete types.
pub fn of_reference(reference: wp::RefType) -> Option<RefType> {
    use wasm_encoder::{AbstractHeapType as A, HeapType};
    use wp::AbstractHeapType as W;
    let wp::HeapType::Abstract { shared: false, ty } = reference.heap_type() else {
        return None;
    };
    let ty = match ty {
        W::Func => A::Func,
        W::NoFunc => A::NoFunc,
        W::Extern => A::Extern,
        W::NoExtern => A::NoExtern,
        W::Any => A::Any,
        W::Eq => A::Eq,
        W::I31 => A::I31,
        W::Struct => A::Struct,
        W::Array => A::Array,
        W::None => A::None,
        W::Exn => A::Exn,
        W::NoExn => A::NoExn,
        W::Cont | W::NoCont => return None,
    };
    Some(RefType {
        nullable: reference.is_nullable(),
        heap_type: HeapType::Abstract { shared: false, ty },
    })
}

#[cfg(test)]
mod tests {
    use wassay_runtime as runtime;

    use super::*;
    use crate::script::parse::encode_module;

    #[test]
    fn helpers_are_valid_and_values_come_back() {
        let module = encode_module(
            "(module (type $t (struct))
               (func (export \"f\") (param f32 v128 externref) (result v128 f64 i32) unreachable)
               (global (export \"g\") (mut v128) (v128.const i64x2 1 2))
               (func (export \"i\") (param i32) (result i64) unreachable)
               (func (export \"any\") (param anyref) (result (ref any) i32) unreachable)
               (global (export \"exn\") exnref (ref.null exn))
               (func (export \"c\") (param (ref null $t))))",
        )
        .expect("a module");
        let exports = Exported::all(&module);
        let lacks = [Lack::V128, Lack::NanBits, Lack::References];
        for name in ["f", "g", "any", "exn"] {
            let exported = exports.get(name).expect("has a helper");
            assert!(
                exported.needs_help(&lacks) && !exported.needs_help(&[]),
                "{name}"
            );
            let helper = exported.helper(name);
            let mut validator = wp::Validator::new_with_features(wp::WasmFeatures::all());
            validator.validate_all(&helper).expect("valid");
        }
        let func = &exports["f"];
        let given = [Value::I64(1), Value::I64(2), Value::I64(3), Value::I32(4)];
        let mut vector = [0; 16];
        (vector[0], vector[8]) = (1, 2);
        let joined = vec![Value::V128(vector), Value::F64(3), Value::I32(4)];
        assert_eq!(func.joined(&given), Ok(joined));
        assert!(func.joined(&given[..2]).is_err());
        let any = &exports["any"];
        let external = Value::Ref(Reference::Extern(9));
        for (kind, reference) in [
            (0, Reference::Null(Hierarchy::Any)),
            (1, Reference::I31(5)),
            (2, Reference::Struct),
            (3, Reference::Array),
            (4, Reference::Host(9)),
        ] {
            let given = [Value::I32(kind), Value::I32(5), external, Value::I32(6)];
            let joined = vec![Value::Ref(reference), Value::I32(6)];
            assert_eq!(any.joined(&given), Ok(joined));
        }
        let null = vec![Value::Ref(Reference::Null(Hierarchy::Exn))];
        assert_eq!(exports["exn"].joined(&[Value::I32(1)]), Ok(null));
        assert!(!any.needs_help(&lacks[..2]) && !exports["i"].needs_help(&lacks));
        assert_eq!(exports.get("c"), None);
    }

    /// The type of a function in a group, of one with a supertype and of one that allows subtypes
    /// is not that of its parameters and results alone.
    #[test]
    fn helpers_import_functions_of_any_type() {
        let module = encode_module(
            "(module
               (rec (type $s (struct (field (ref null $f))))
                 (type $f (func (param f32) (result i32))))
               (type $open (sub (func (param f32) (result i32))))
               (type $below (sub final $open (func (param f32) (result i32))))
               (type $plain (func (param f32) (result i32)))
               (func (export \"f\") (type $f) (i32.reinterpret_f32 (local.get 0)))
               (func (export \"open\") (type $open) (i32.reinterpret_f32 (local.get 0)))
               (func (export \"below\") (type $below) (i32.reinterpret_f32 (local.get 0)))
               (func (export \"plain\") (type $plain) (i32.reinterpret_f32 (local.get 0))))",
        )
        .expect("a module");
        let mut config = runtime::Config::new();
        config.features(wp::WasmFeatures::all());
        let engine = runtime::Engine::new(&config).expect("an engine");
        let made = runtime::Module::new(&engine, &module).expect("valid");
        let mut store = runtime::Store::new(&engine, ());
        let mut linker = runtime::Linker::new(&engine);
        let target = linker.instantiate(&mut store, &made).expect("an instance");
        linker.instance(&mut store, TARGET, target).expect("named");
        let exports = Exported::all(&module);
        for name in ["f", "open", "below", "plain"] {
            let helper = exports[name].helper(name);
            let helper = runtime::Module::new(&engine, &helper).expect("valid");
            let instance = linker.instantiate(&mut store, &helper).expect(name);
            let helper = instance.get_typed_func::<u32, u32>(&mut store, EXPORT);
            let bits = helper.expect(name).call(&mut store, 0x7f80_0001);
            assert_eq!(bits.expect("no trap"), 0x7f80_0001, "{name}");
        }
    }
}
