//! The instructions of a function as text, with their offsets in the module.
//!
//! It is written for people, in the words of the text format where it has some; indices stay
//! indices. What an opcode is called and what follows it is the runtime's table.

use std::fmt::Write as _;

use wassay_runtime::interior::decode::{
    Catch, Decoder, Imm, Instr, MemArg, RawBlockType, RawHeapType, RawRefType, RawValType,
    ResumeClause,
};
use wassay_runtime::interior::module::ModuleParts;
use wassay_runtime::interior::ops::Op;
use wassay_runtime::{Error, Val};

use crate::script::value;

/// A body, an instruction to a line.
///
/// # Errors
/// `Internal` if it does not decode, which a valid one does.
pub fn body(module: &ModuleParts, body: usize) -> wassay_runtime::Result<String> {
    let range = module.bodies[body].clone();
    let mut reader = Decoder::new(&module.bytes[range.clone()], range.start);
    let internal = |error: wassay_runtime::interior::decode::DecodeError| {
        Error::msg(format!("{} at {}", error.message, error.offset))
    };
    let mut out = String::new();
    let mut locals = String::new();
    let declare = |count, ty| {
        let types = vec![val_type(ty); count as usize];
        locals += &format!(" {}", types.join(" "));
    };
    reader.read_locals(declare).map_err(internal)?;
    if !locals.is_empty() {
        add(&mut out, range.start, 0, &format!("(local{locals})"));
    }
    let mut depth: usize = 1;
    while !reader.is_at_end() {
        let instr = reader.read().map_err(internal)?;
        if matches!(
            instr.op,
            Op::End | Op::Else | Op::Catch | Op::CatchAll | Op::Delegate
        ) {
            depth = depth.saturating_sub(1);
        }
        add(&mut out, instr.offset, depth, &text(&instr));
        depth += usize::from(opens(instr.op));
    }
    Ok(out)
}

/// The offset at which a line of a function's source begins.
pub fn offset_of(line: &str) -> Option<u32> {
    let digits = line.strip_prefix("0x")?.split_whitespace().next()?;
    u32::from_str_radix(digits, 16).ok()
}

fn add(out: &mut String, offset: usize, depth: usize, text: &str) {
    let indent = 2 * (depth + 1);
    writeln!(out, "{offset:#08x}{:indent$}{text}", "").expect("a string takes everything");
}

/// Whether what follows stands further in.
fn opens(op: Op) -> bool {
    matches!(
        op,
        Op::Block
            | Op::Loop
            | Op::If
            | Op::Else
            | Op::TryTable
            | Op::Try
            | Op::Catch
            | Op::CatchAll
    )
}

fn text(instr: &Instr<'_>) -> String {
    let name = instr.op.mnemonic();
    match immediates(&instr.imm) {
        rest if rest.is_empty() => name.to_string(),
        rest => format!("{name} {rest}"),
    }
}

fn immediates(imm: &Imm<'_>) -> String {
    let value = |val: Val| value::text(val);
    match *imm {
        Imm::None => String::new(),
        Imm::BlockType(ty) => block_type(ty),
        Imm::Label(index) | Imm::Index(index) => index.to_string(),
        Imm::BrTable(table) => {
            let labels = table.targets.chain([table.default]);
            words(labels.map(|label| label.to_string()))
        }
        Imm::Index2(a, b) => format!("{a} {b}"),
        Imm::MemArg(arg) => mem_arg(arg),
        Imm::MemArgLane(arg, lane) => words([mem_arg(arg), lane.to_string()]),
        Imm::I32(bits) => value(Val::I32(bits)),
        Imm::I64(bits) => value(Val::I64(bits)),
        Imm::F32(bits) => value(Val::F32(bits)),
        Imm::F64(bits) => value(Val::F64(bits)),
        Imm::V128(bits) => value(Val::V128(bits)),
        Imm::Lane(lane) => lane.to_string(),
        Imm::Lanes(lanes) => words(lanes.map(|lane| lane.to_string())),
        Imm::HeapType(ty) => heap_type(ty),
        Imm::BrOnCast { label, from, to } => {
            words([label.to_string(), ref_type(from), ref_type(to)])
        }
        Imm::Select(types) => words(types.map(|ty| format!("(result {})", val_type(ty)))),
        Imm::TryTable(ty, catches) => words([block_type(ty), words(catches.map(catch))]),
        Imm::Resume(ty, handlers) => words([ty.to_string(), words(handlers.map(resume_clause))]),
        Imm::ResumeThrow(ty, tag, handlers) => words([
            ty.to_string(),
            tag.to_string(),
            words(handlers.map(resume_clause)),
        ]),
    }
}

/// Words with a blank between; empty ones are left out.
fn words(words: impl IntoIterator<Item = String>) -> String {
    let words = words.into_iter().filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn block_type(ty: RawBlockType) -> String {
    match ty {
        RawBlockType::Empty => String::new(),
        RawBlockType::Value(ty) => format!("(result {})", val_type(ty)),
        RawBlockType::Func(index) => format!("(type {index})"),
    }
}

fn mem_arg(arg: MemArg) -> String {
    let memory = (arg.memory != 0).then(|| arg.memory.to_string());
    let offset = (arg.offset_bytes != 0).then(|| format!("offset={}", arg.offset_bytes));
    let align = format!("align={}", 1u64 << arg.align_log2);
    words([memory, offset, Some(align)].into_iter().flatten())
}

fn catch(catch: Catch) -> String {
    let reference = if catch.with_ref { "_ref" } else { "" };
    match catch.tag {
        Some(tag) => format!("(catch{reference} {tag} {})", catch.label),
        None => format!("(catch_all{reference} {})", catch.label),
    }
}

fn resume_clause(clause: ResumeClause) -> String {
    match clause.label {
        Some(label) => format!("(on {} {label})", clause.tag),
        None => format!("(on {} switch)", clause.tag),
    }
}

fn val_type(ty: RawValType) -> String {
    match ty {
        RawValType::I32 => "i32".to_string(),
        RawValType::I64 => "i64".to_string(),
        RawValType::F32 => "f32".to_string(),
        RawValType::F64 => "f64".to_string(),
        RawValType::V128 => "v128".to_string(),
        RawValType::Ref(ty) => ref_type(ty),
    }
}

fn ref_type(ty: RawRefType) -> String {
    let null = if ty.nullable { "null " } else { "" };
    format!("(ref {null}{})", heap_type(ty.heap))
}

fn heap_type(ty: RawHeapType) -> String {
    match ty {
        RawHeapType::Abstract {
            kind,
            shared: false,
        } => kind.name().to_string(),
        RawHeapType::Abstract { kind, shared: true } => format!("(shared {})", kind.name()),
        RawHeapType::Index {
            index,
            exact: false,
        } => index.to_string(),
        RawHeapType::Index { index, exact: true } => format!("(exact {index})"),
    }
}
