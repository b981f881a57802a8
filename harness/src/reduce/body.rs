//! The body of a function as instructions, and the ways to make it smaller.
//!
//! A candidate is any body with fewer instructions; the validator says which of them are valid, so
//! nothing here has to know types but those of operands.

use std::collections::BTreeSet;
use std::ops::Range;

use wassay_runtime::interior::decode::Decoder;

use super::module::slice;
use wasm_encoder::Encode;
use wasmparser::{
    FuncValidatorAllocations, FunctionBody, Operator, Parser, ValType, ValidPayload, Validator,
    WasmFeatures,
};

/// An instruction of a body, with what the validator knows of the operand stack.
#[derive(Clone, Debug)]
struct Instruction {
    bytes: Vec<u8>,
    /// Values on the operand stack, of all open blocks together.
    before: u32,
    after: u32,
    /// The type of the value on top afterwards, if it is known.
    top: Option<ValType>,
    /// Blocks that are open afterwards.
    depth: u32,
    kind: InstructionKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InstructionKind {
    Opens,
    Ends,
    Constant,
    Other,
}

/// A body in instructions.
#[derive(Clone, Debug)]
pub(super) struct Body {
    locals: Vec<u8>,
    instructions: Vec<Instruction>,
}

/// The mnemonics of the instructions of a module that compute, access or call: what is left when
/// locals, constants and blocks are taken away.
pub(super) fn mnemonics(module: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for payload in Parser::new(0).parse_all(module) {
        let Ok(wasmparser::Payload::CodeSectionEntry(body)) = payload else {
            continue;
        };
        let Ok(reader) = body.get_operators_reader() else {
            continue;
        };
        let code = slice(module, reader.original_position()..body.range().end);
        let ops = Decoder::new(code, 0).map_while(Result::ok);
        found.extend(ops.map(|it| it.op.mnemonic().to_string()));
    }
    let is_plain = |name: &String| {
        const PLAIN: [&str; 9] = [
            "local.get",
            "local.set",
            "local.tee",
            "end",
            "block",
            "drop",
            "unreachable",
            "nop",
            "return",
        ];
        PLAIN.contains(&name.as_str()) || name.ends_with(".const")
    };
    found.retain(|name| !is_plain(name));
    found
}

/// Reads a body of a valid module: that of the defined function of an index.
pub(super) fn read(module: &[u8], index: usize, features: WasmFeatures) -> Option<Body> {
    let mut validator = Validator::new_with_features(features);
    let mut seen = 0;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload.ok()?;
        if let ValidPayload::Func(to_validate, body) = validator.payload(&payload).ok()? {
            if seen == index {
                let allocations = FuncValidatorAllocations::default();
                return of_function(&mut to_validate.into_validator(allocations), &body, module);
            }
            seen += 1;
        }
    }
    None
}

fn of_function(
    validator: &mut wasmparser::FuncValidator<wasmparser::ValidatorResources>,
    body: &FunctionBody<'_>,
    module: &[u8],
) -> Option<Body> {
    let mut reader = body.get_operators_reader().ok()?;
    let locals = slice(module, body.range().start..reader.original_position()).to_vec();
    let mut locals_reader = body.get_binary_reader();
    validator.read_locals(&mut locals_reader).ok()?;
    let mut instructions = Vec::new();
    while !reader.eof() {
        let start = reader.original_position();
        let operator = reader.read().ok()?;
        let before = validator.operand_stack_height();
        validator.op(start, &operator).ok()?;
        instructions.push(Instruction {
            bytes: slice(module, start..reader.original_position()).to_vec(),
            before,
            after: validator.operand_stack_height(),
            top: validator.get_operand_type(0).flatten(),
            depth: validator.control_stack_height(),
            kind: kind(&operator),
        });
    }
    Some(Body {
        locals,
        instructions,
    })
}

fn kind(operator: &Operator<'_>) -> InstructionKind {
    match operator {
        Operator::Block { .. }
        | Operator::Loop { .. }
        | Operator::If { .. }
        | Operator::TryTable { .. }
        | Operator::Try { .. } => InstructionKind::Opens,
        Operator::End | Operator::Delegate { .. } => InstructionKind::Ends,
        Operator::I32Const { .. }
        | Operator::I64Const { .. }
        | Operator::F32Const { .. }
        | Operator::F64Const { .. }
        | Operator::V128Const { .. }
        | Operator::RefNull { .. } => InstructionKind::Constant,
        _ => InstructionKind::Other,
    }
}

impl Body {
    /// The number of instructions.
    pub(super) fn len(&self) -> usize {
        self.instructions.len()
    }

    /// Smaller bodies, in the order in which to try them: those that lose most come first. A
    /// candidate says which instructions it loses, and what stands for them.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let length = self.len().saturating_sub(1);
        // A value by a constant, or by one of its operands.
        for end in 0..length {
            let Some(range) = self.value_at(end) else {
                continue;
            };
            if range.len() > 1 {
                let operands = (range.start..end).filter_map(|it| self.value_at(it));
                let same = |operand: &Range<usize>| {
                    let top = self.instructions[operand.end - 1].top;
                    operand.end <= end && top == self.instructions[end].top
                };
                for operand in operands.filter(same) {
                    candidates.push(Candidate::keep(range.clone(), operand));
                }
            }
            let constant = self.instructions[end].top.and_then(zero);
            let is_constant = self.instructions[end].kind == InstructionKind::Constant;
            if let Some(constant) = constant.filter(|_| range.len() > 1 || !is_constant) {
                candidates.push(Candidate::replace(range, constant));
            }
        }
        // Runs of instructions that leave the stack as it was.
        for start in 0..length {
            let height = self.instructions[start].before;
            let depth = self.depth_before(start);
            for end in start..length.min(start + RUN_MAX) {
                let instruction = &self.instructions[end];
                if instruction.depth < depth || instruction.depth == 0 {
                    break;
                }
                if instruction.after == height && instruction.depth == depth {
                    candidates.push(Candidate::replace(start..end + 1, Vec::new()));
                }
            }
        }
        // A block without its bounds.
        for start in 0..length {
            if self.instructions[start].kind == InstructionKind::Opens {
                let depth = self.depth_before(start);
                let rest = self.instructions[start..length].iter();
                let end = rest
                    .clone()
                    .position(|it| it.kind == InstructionKind::Ends && it.depth == depth);
                if let Some(end) = end {
                    let end = start + end;
                    candidates.push(Candidate::keep(start..end + 1, start + 1..end));
                    candidates.extend(self.parts_of_if(start, end));
                }
            }
        }
        candidates.sort_by_key(|it| std::cmp::Reverse(it.range.len() - it.kept.len()));
        candidates
    }

    /// The parts of an `if`, without its condition.
    fn parts_of_if(&self, start: usize, end: usize) -> Vec<Candidate> {
        let is = |at: usize, opcode: u8| self.instructions[at].bytes[0] == opcode;
        let condition = start.checked_sub(1).and_then(|at| self.value_at(at));
        let Some(condition) = condition.filter(|_| is(start, IF)) else {
            return Vec::new();
        };
        let depth = self.instructions[start].depth;
        let mut inside = start + 1..end;
        let other = inside.find(|&at| is(at, ELSE) && self.instructions[at].depth == depth);
        let first = start + 1..other.unwrap_or(end);
        let second = other.map(|other| other + 1..end);
        let whole = condition.start..end + 1;
        let keep = |part| Candidate::keep(whole.clone(), part);
        std::iter::once(first).chain(second).map(keep).collect()
    }

    fn depth_before(&self, index: usize) -> u32 {
        match index {
            0 => 1,
            _ => self.instructions[index - 1].depth,
        }
    }

    /// The instructions that compute the value which the instruction at `end` leaves on top.
    fn value_at(&self, end: usize) -> Option<Range<usize>> {
        let last = &self.instructions[end];
        last.top?;
        let height = last.after.checked_sub(1)?;
        let depth = last.depth;
        let mut start = end;
        loop {
            let instruction = &self.instructions[start];
            let before = self.depth_before(start);
            if before < depth {
                return None;
            }
            if before == depth && instruction.before <= height {
                return (instruction.before == height).then_some(start..end + 1);
            }
            start = start.checked_sub(1)?;
        }
    }

    /// The body that a candidate makes.
    pub(super) fn with(&self, candidate: &Candidate) -> Vec<u8> {
        let Candidate {
            range,
            kept,
            constant,
        } = candidate;
        let bytes = |range: Range<usize>| {
            let instructions = self.instructions[range].iter();
            instructions.flat_map(|it| it.bytes.iter().copied())
        };
        let before = self.locals.iter().copied().chain(bytes(0..range.start));
        let middle = bytes(kept.clone()).chain(constant.iter().copied());
        before
            .chain(middle)
            .chain(bytes(range.end..self.len()))
            .collect()
    }
}

/// The opcodes of `if` and `else`.
const IF: u8 = 0x04;
const ELSE: u8 = 0x05;
/// The longest run of instructions that is taken out as a whole, for each place that it can begin.
const RUN_MAX: usize = 4096;

/// A smaller body.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    range: Range<usize>,
    kept: Range<usize>,
    constant: Vec<u8>,
}

impl Candidate {
    fn keep(range: Range<usize>, kept: Range<usize>) -> Candidate {
        Candidate {
            range,
            kept,
            constant: Vec::new(),
        }
    }

    fn replace(range: Range<usize>, constant: Vec<u8>) -> Candidate {
        Candidate {
            kept: range.start..range.start,
            range,
            constant,
        }
    }
}

/// The instruction that gives the least value of a type, if there is one.
fn zero(ty: ValType) -> Option<Vec<u8>> {
    use wasm_encoder::{HeapType, Instruction as I};
    let mut bytes = Vec::new();
    match ty {
        ValType::I32 => I::I32Const(1).encode(&mut bytes),
        ValType::I64 => I::I64Const(1).encode(&mut bytes),
        ValType::F32 => I::F32Const(1.0_f32.into()).encode(&mut bytes),
        ValType::F64 => I::F64Const(1.0_f64.into()).encode(&mut bytes),
        ValType::V128 => I::V128Const(1).encode(&mut bytes),
        ValType::Ref(ty) if ty.is_nullable() => {
            let heap_type = HeapType::try_from(ty.heap_type()).ok()?;
            I::RefNull(heap_type).encode(&mut bytes);
        }
        ValType::Ref(_) => return None,
    }
    Some(bytes)
}
