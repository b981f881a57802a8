//! SSA as text, for tests and `inspect`: a line for each instruction, blocks in order of number.

use std::fmt::{self, Write as _};

use super::{Block, Class, Edge, Func, Inst, InstId, Room, Term, Value};
use crate::ir::Type;

/// A function's SSA as text.
pub fn print(func: &Func, order: &[Block]) -> String {
    let mut text = String::new();
    let printed = order.iter().try_for_each(|&b| block(&mut text, func, b));
    printed.expect("writing to a string does not fail");
    text
}

fn block(out: &mut String, func: &Func, block: Block) -> fmt::Result {
    let data = &func.blocks[block.index()];
    write!(out, "{block:?}(")?;
    for (i, &param) in data.params.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(out, "{comma}{param:?}: {}", type_name(func.ty(param)))?;
    }
    writeln!(out, "):")?;
    data.insts.iter().try_for_each(|&id| inst(out, func, id))?;
    term(out, func, block)
}

fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::I32 => "i32",
        Type::I64 => "i64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::V128 => "v128",
        Type::Ref => "ref",
    }
}

fn inst(out: &mut String, func: &Func, id: InstId) -> fmt::Result {
    write!(out, "  ")?;
    for (i, result) in func.results(id).enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(out, "{comma}{result:?}: {}", type_name(func.ty(result)))?;
    }
    if func.results(id).next().is_some() {
        write!(out, " = ")?;
    }
    match func.insts[id.index()].inst {
        Inst::Const { bits } => writeln!(out, "const {bits:#x}"),
        Inst::Const128 { low, high } => writeln!(out, "const {high:#018x}_{low:016x}"),
        Inst::Keep { a } => writeln!(out, "keep {a:?}"),
        Inst::Vm => writeln!(out, "vm"),
        Inst::Cx => writeln!(out, "cx"),
        Inst::Unary { op, a } => writeln!(out, "{} {a:?}", op.mnemonic()),
        Inst::Binary { op, a, b } => writeln!(out, "{} {a:?}, {b:?}", op.mnemonic()),
        Inst::Ternary { op, a, b, c } => writeln!(out, "{} {a:?}, {b:?}, {c:?}", op.mnemonic()),
        Inst::Lane { op, lane, a } => writeln!(out, "{} {lane}, {a:?}", op.mnemonic()),
        Inst::Replace { op, lane, a, b } => {
            writeln!(out, "{} {lane}, {a:?}, {b:?}", op.mnemonic())
        }
        Inst::Wide { op, args } => writeln!(out, "{}{}", op.mnemonic(), Values(func.list(args))),
        Inst::Select { cond, a, b } => writeln!(out, "select {cond:?}, {a:?}, {b:?}"),
        Inst::Load {
            op,
            class,
            base,
            offset,
        } => writeln!(
            out,
            "{} {base:?}{offset:+} {}",
            op.mnemonic(),
            class_name(class)
        ),
        Inst::Store {
            op,
            class,
            base,
            offset,
            value,
        } => {
            let (name, class) = (op.mnemonic(), class_name(class));
            writeln!(out, "{name} {base:?}{offset:+} {class}, {value:?}")
        }
        Inst::TrapIf { cond, kind } => writeln!(out, "trap_if {cond:?}, {kind:?}"),
        Inst::CheckBounds {
            memory,
            index,
            limit,
            reach,
        } => writeln!(
            out,
            "check_bounds memory#{memory}, {index:?}{reach:+} within {limit:?}"
        ),
        Inst::Atomic { .. }
        | Inst::Fence
        | Inst::Allocate(_)
        | Inst::Cast { .. }
        | Inst::HasDescriptor { .. } => heap_inst(out, func, id),
        Inst::Helper { helper, args } => {
            writeln!(out, "helper {helper:?}{}", Values(func.list(args)))
        }
        Inst::Call { func: f, args } => writeln!(out, "call f{f}{}", Values(func.list(args))),
        Inst::CallRef { func: f, args } => {
            writeln!(out, "call_ref {f:?}{}", Values(func.list(args)))
        }
        Inst::Caught => writeln!(out, "caught"),
    }
}

/// Atomic instructions, and those on objects.
fn heap_inst(out: &mut String, func: &Func, id: InstId) -> fmt::Result {
    let or_null = |nullable| if nullable { " or null" } else { "" };
    match func.insts[id.index()].inst {
        Inst::Allocate(Room { ty, bytes }) => writeln!(out, "allocate {ty:?}, {bytes}"),
        Inst::Cast { cast, a } => {
            let null = or_null(cast.nullable);
            writeln!(out, "is {:?}{null}, {:?} {a:?}", cast.test, cast.ty)
        }
        Inst::HasDescriptor {
            nullable,
            a,
            descriptor,
        } => {
            let null = or_null(nullable);
            writeln!(out, "has_descriptor{null} {a:?}, {descriptor:?}")
        }
        Inst::Fence => writeln!(out, "fence"),
        Inst::Atomic {
            op,
            size_log2,
            args,
        } => {
            let bits = 8 << size_log2;
            writeln!(out, "{}{bits}{}", op.name(), Values(func.list(args)))
        }
        ref other => unreachable!("{other:?} is printed by `inst`"),
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Instance => "instance",
        Class::Fixed => "fixed",
        Class::Shape => "shape",
        Class::Global => "global",
        Class::Table => "table",
        Class::Memory => "memory",
        Class::Guarded(_) => "guarded",
        Class::Object => "object",
        Class::Transfer => "transfer",
    }
}

fn term(out: &mut String, func: &Func, block: Block) -> fmt::Result {
    let data = &func.blocks[block.index()];
    match data.term {
        Term::Br => write!(out, "  br"),
        Term::BrIf { cond } => write!(out, "  br_if {cond:?}"),
        Term::BrTable { index, table } => {
            write!(
                out,
                "  br_table {index:?} {:?}",
                func.tables[table as usize]
            )
        }
        Term::Invoke { handler } => write!(out, "  invoke h{handler}"),
        Term::Return { values } => write!(out, "  return{}", Values(func.list(values))),
        Term::ReturnCall { func: f, args } => {
            write!(out, "  return_call f{f}{}", Values(func.list(args)))
        }
        Term::ReturnCallRef { func: f, args } => {
            write!(out, "  return_call_ref {f:?}{}", Values(func.list(args)))
        }
        Term::Trap { kind } => write!(out, "  trap {kind:?}"),
    }?;
    for Edge { to, args } in &data.edges {
        write!(out, " {to:?}{}", Values(args))?;
    }
    writeln!(out)
}

/// Values in parentheses; nothing if there are none.
struct Values<'a>(&'a [Value]);

impl fmt::Display for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, value) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "(" } else { ", " })?;
            write!(f, "{value:?}")?;
        }
        f.write_str(if self.0.is_empty() { "" } else { ")" })
    }
}
