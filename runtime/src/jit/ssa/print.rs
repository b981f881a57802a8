//! SSA as text, for tests and `inspect`: a line for each instruction, blocks in order of number.

use std::fmt::{self, Write as _};

use super::{Block, Callee, Class, Edge, FuncSsa, InstId, Value};

/// A function's SSA as text.
pub fn print(func: &FuncSsa, order: &[Block]) -> String {
    let mut text = String::new();
    let printed = order.iter().try_for_each(|&b| block(&mut text, func, b));
    printed.expect("writing to a string does not fail");
    text
}

/// The source position of each line of a function's text.
pub fn positions(func: &FuncSsa, order: &[Block]) -> Vec<u32> {
    let mut positions = Vec::new();
    for block in order {
        let data = &func.blocks[block.index()];
        let insts = data.insts.iter().map(|id| func.insts[id.index()].position);
        positions.push(insts.clone().next().unwrap_or(data.position));
        positions.extend(insts);
        positions.push(data.position);
    }
    positions
}

fn block(out: &mut String, func: &FuncSsa, block: Block) -> fmt::Result {
    let data = &func.blocks[block.index()];
    write!(out, "{block:?}(")?;
    for (i, &param) in data.params.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(out, "{comma}{param:?}: {}", func.ty(param).name())?;
    }
    writeln!(out, "):")?;
    data.insts.iter().try_for_each(|&id| inst(out, func, id))?;
    term(out, func, block)
}

fn inst(out: &mut String, func: &FuncSsa, id: InstId) -> fmt::Result {
    write!(out, "  ")?;
    for (i, result) in func.results(id).enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(out, "{comma}{result:?}: {}", func.ty(result).name())?;
    }
    if func.results(id).next().is_some() {
        write!(out, " = ")?;
    }
    func.insts[id.index()].inst.print(out, func)?;
    writeln!(out)
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::Instance => "instance",
            Class::Fixed => "fixed",
            Class::Shape => "shape",
            Class::Global => "global",
            Class::Table => "table",
            Class::Memory => "memory",
            Class::Guarded(_) => "guarded",
            Class::Object => "object",
            Class::Transfer => "transfer",
        })
    }
}

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Callee::Func(func) => write!(f, " f{func}"),
            Callee::Instance(func) => write!(f, "_ref {func:?}"),
        }
    }
}

fn term(out: &mut String, func: &FuncSsa, block: Block) -> fmt::Result {
    let data = &func.blocks[block.index()];
    write!(out, "  ")?;
    data.term.print(out, func)?;
    for Edge { to, args } in &data.edges {
        write!(out, " {to:?}{}", Values(args))?;
    }
    writeln!(out)
}

/// Values in parentheses; nothing if there are none.
pub(super) struct Values<'a>(pub(super) &'a [Value]);

impl fmt::Display for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, value) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "(" } else { ", " })?;
            write!(f, "{value:?}")?;
        }
        f.write_str(if self.0.is_empty() { "" } else { ")" })
    }
}
