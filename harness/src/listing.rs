//! Functions as text in the forms that engines run: source, IR, SSA and machine code.
//!
//! Owns which stages there are, their order, and the lines that come from an instruction;
//! [`failing`] lists the functions in which directives of a run failed. The stages themselves are
//! the runtime's. Nothing is executed, so every stage is there on every host.

use wassay_runtime::interior::module::ModuleParts;
use wassay_runtime::interior::{ir, jit};
use wassay_runtime::{Config, Result};

pub mod failing;
pub mod source;

/// The stages to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// The instructions of the module.
    pub source: bool,
    /// The canonical IR.
    pub ir: bool,
    /// SSA as it is built.
    pub built: bool,
    /// SSA as the passes leave it.
    pub optimised: bool,
    /// Machine code.
    pub code: bool,
}

/// A function in one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The stage's name.
    pub name: &'static str,
    /// The function's text.
    pub text: String,
    /// The lines that come from the instruction that was asked for, from 0.
    pub marked: Vec<usize>,
}

/// Shows the chosen stages of a function by its body, with the lines marked that come from the
/// instruction at a byte of the module.
///
/// # Errors
/// If a stage cannot be made; those before it have been shown.
pub fn parts(
    module: &ModuleParts,
    body: usize,
    config: &Config,
    (stages, at): (Stages, Option<u32>),
    show: &mut dyn FnMut(Part),
) -> Result<()> {
    let mut part = |name, text: String, marked| show(Part { name, text, marked });
    if stages.source {
        let text = source::body(module, body)?;
        let is_marked = |line: &str| at.is_some() && source::offset_of(line) == at;
        let marked = text.lines().position(is_marked);
        part("source", text, Vec::from_iter(marked));
    }
    if stages.ir {
        let ir = ir::build_with(module, body, config)?;
        let text = ir.to_string();
        let marked = at.and_then(|at| ir_line(&text, &ir.offsets, at));
        part("IR", text, Vec::from_iter(marked));
    }
    if stages.built || stages.optimised || stages.code {
        let made = jit::stages(module, body, config)?;
        let marks = |offsets: &[u32]| at.map_or_else(Vec::new, |at| lines_from(offsets, at));
        let (optimised, code) = (marks(&made.optimised_offsets), marks(&made.listing_offsets));
        if stages.built {
            part("SSA, built", made.built, Vec::new());
        }
        if stages.optimised {
            part("SSA, optimised", made.optimised, optimised);
        }
        if stages.code {
            part("A64", made.listing, code);
        }
    }
    Ok(())
}

/// The line of the IR that comes from the instruction at an offset, or from the next one that has
/// a line.
fn ir_line(text: &str, offsets: &[u32], offset: u32) -> Option<usize> {
    let is_block = |line: &str| line.starts_with('b');
    let first = text.lines().position(is_block)?;
    let lines = text.lines().enumerate().skip(first);
    let lines = lines.filter(|(_, line)| line.starts_with(' '));
    let lines: Vec<usize> = lines.map(|(at, _)| at).collect();
    if lines.len() != offsets.len() {
        return None;
    }
    let pairs = offsets.iter().zip(lines);
    let behind = pairs.filter(|(it, _)| **it >= offset);
    behind.min_by_key(|(it, _)| **it).map(|(_, line)| line)
}

/// The lines that come from the instruction at an offset, or from the next one that has lines; none
/// if nothing comes from there or behind it.
fn lines_from(offsets: &[u32], offset: u32) -> Vec<usize> {
    let behind = offsets.iter().filter(|it| **it >= offset);
    let Some(next) = behind.min() else {
        return Vec::new();
    };
    let lines = offsets.iter().enumerate().filter(|(_, it)| *it == next);
    lines.map(|(line, _)| line).collect()
}
