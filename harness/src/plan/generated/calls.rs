//! Calls of what a generated module exports, with arguments from the pools of boundary values.

use wasmparser::{
    AbstractHeapType, CompositeInnerType, FuncType, HeapType, RefType, UnpackedIndex, ValType,
};

use crate::script::{Action, Argument, Command, ModuleSource};

use super::boundary;
use super::outline::Outline;
use super::random::Random;

/// The command that instantiates a module.
pub(super) fn module(bytes: Vec<u8>) -> Command {
    Command::Module {
        name: None,
        module: ModuleSource::Binary(bytes),
    }
}

/// The command that calls an export of the current instance.
pub(super) fn invoke(field: &str, args: Vec<Argument>) -> Command {
    Command::Action(Action::Invoke {
        instance: None,
        field: field.to_string(),
        args,
    })
}

/// Calls of every exported function that a script can call: each of them `rounds` times, in a
/// random order, at most `most` calls.
pub(super) fn of_exports(
    outline: &Outline,
    random: &mut Random,
    rounds: usize,
    most: usize,
) -> Vec<Command> {
    let functions: Vec<_> = outline.exported_functions().collect();
    let mut calls = Vec::new();
    for _ in 0..rounds {
        let mut order: Vec<usize> = (0..functions.len()).collect();
        random.shuffle(&mut order);
        for index in order {
            let (name, ty) = functions[index];
            if let Some(args) = arguments(outline, ty, random) {
                calls.push(invoke(name, args));
            }
        }
    }
    calls.truncate(most);
    calls
}

/// True if arguments are of the types of a function's parameters.
pub(super) fn fit(args: &[Argument], ty: &FuncType) -> bool {
    let mut pairs = args.iter().zip(ty.params());
    let fits = |(arg, ty): (&Argument, &ValType)| match arg {
        Argument::I32(_) => *ty == ValType::I32,
        Argument::I64(_) => *ty == ValType::I64,
        Argument::F32(_) => *ty == ValType::F32,
        Argument::F64(_) => *ty == ValType::F64,
        Argument::V128(_) => *ty == ValType::V128,
        Argument::RefExtern(_) => *ty == ValType::EXTERNREF,
        Argument::RefHost(_) => *ty == ValType::Ref(RefType::ANYREF),
        Argument::RefNull(_) => false,
    };
    args.len() == ty.params().len() && pairs.all(fits)
}

/// Arguments for a type; `None` if a script cannot write one of them.
fn arguments(outline: &Outline, ty: &FuncType, random: &mut Random) -> Option<Vec<Argument>> {
    let params = ty.params().iter();
    params.map(|ty| argument(outline, *ty, random)).collect()
}

fn argument(outline: &Outline, ty: ValType, random: &mut Random) -> Option<Argument> {
    Some(match ty {
        ValType::I32 => Argument::I32(boundary::i32(random)),
        ValType::I64 => Argument::I64(boundary::i64(random)),
        ValType::F32 => Argument::F32(boundary::f32(random)),
        ValType::F64 => Argument::F64(boundary::f64(random)),
        ValType::V128 => Argument::V128(boundary::v128(random)),
        ValType::Ref(ty) => return reference(outline, ty, random),
    })
}

/// A reference: a host object where the type has them, else null.
fn reference(outline: &Outline, ty: RefType, random: &mut Random) -> Option<Argument> {
    let number = random.below(4) as u32;
    let null = ty.is_nullable() && random.chance(50);
    if let HeapType::Abstract { shared: false, ty } = ty.heap_type()
        && !null
    {
        match ty {
            AbstractHeapType::Extern => return Some(Argument::RefExtern(number)),
            AbstractHeapType::Any => return Some(Argument::RefHost(number)),
            _only_null => {}
        }
    }
    let name = top(outline, ty.heap_type()).filter(|_| ty.is_nullable())?;
    Some(Argument::RefNull(name.to_string()))
}

/// The name of the top type of a heap type.
fn top(outline: &Outline, ty: HeapType) -> Option<&'static str> {
    use AbstractHeapType as T;
    let index = match ty {
        HeapType::Abstract { ty, .. } => {
            return match ty {
                T::Func | T::NoFunc => Some("func"),
                T::Extern | T::NoExtern => Some("extern"),
                T::Any | T::Eq | T::I31 | T::Struct | T::Array | T::None => Some("any"),
                T::Exn | T::NoExn => Some("exn"),
                T::Cont | T::NoCont => None,
            };
        }
        HeapType::Concrete(index) | HeapType::Exact(index) => index,
    };
    let UnpackedIndex::Module(index) = index else {
        return None;
    };
    match outline.types.get(index as usize)?.composite_type.inner {
        CompositeInnerType::Func(_) => Some("func"),
        CompositeInnerType::Array(_) | CompositeInnerType::Struct(_) => Some("any"),
        CompositeInnerType::Cont(_) => None,
    }
}
