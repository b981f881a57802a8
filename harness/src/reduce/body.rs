//! The body of a function as instructions, and the ways to make it smaller.
//!
//! A candidate is any body with fewer instructions; the validator says which of them are valid, so
//! nothing here has to know types but those of operands.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Of those before, the ones that the instruction leaves alone.
    left: u32,
    /// The type of the value on top afterwards, if it is known.
    top: Option<ValType>,
    /// Blocks that are open afterwards.
    depth: u32,
    kind: InstructionKind,
}

/// An instruction's part in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InstructionKind {
    /// It opens a block.
    Opens,
    /// It ends the innermost block.
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
        let taken = operator
            .operator_arity(&*validator)
            .map_or(before, |it| it.0);
        validator.op(start, &operator).ok()?;
        instructions.push(Instruction {
            bytes: slice(module, start..reader.original_position()).to_vec(),
            before,
            after: validator.operand_stack_height(),
            left: before.saturating_sub(taken),
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

/// The part that an instruction has.
pub(super) fn kind(operator: &Operator<'_>) -> InstructionKind {
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
    /// candidate says which instructions it loses, and what stands for them. They are as many as
    /// instructions, times a few dozens.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let values = self.values();
        let statements = self.statements();
        let mut candidates = self.smaller_values(&values, &statements);
        for run in self.runs() {
            candidates.extend(Candidate::statements(&run, &statements));
            candidates.push(Candidate::replace(run, Vec::new()));
        }
        for block in self.blocks() {
            let Block { start, end, .. } = block;
            candidates.push(Candidate::keep(start..end + 1, start + 1..end));
            candidates.extend(self.parts_of_if(&block, &values));
        }
        candidates.sort_by_key(|it| std::cmp::Reverse(it.lost()));
        candidates
    }

    /// A value by a constant, with the statements inside of it or without, or by an operand.
    fn smaller_values(
        &self,
        values: &[Option<Range<usize>>],
        statements: &[Vec<usize>],
    ) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for (end, range) in values.iter().enumerate() {
            let Some(range) = range else {
                continue;
            };
            let top = self.instructions[end].top;
            let is_it = |it: &Range<usize>| self.instructions[it.end - 1].top == top;
            // Those that the last instruction takes, from the last one to the first.
            let operand = |end: usize| values[end.checked_sub(1)?].clone();
            let taken = std::iter::successors(operand(end), |it| operand(it.start));
            let taken = taken.take_while(|it| it.start >= range.start);
            let mut thinned = Thinned::default();
            let from = range.start.max(end.saturating_sub(RUN_MAX));
            for it in values[from..end].iter().flatten() {
                if is_it(it) {
                    thinned.add(range.len() - it.len(), it.clone());
                }
            }
            let mut operands: Vec<Range<usize>> = thinned.kept().collect();
            for it in taken.filter(is_it) {
                if !operands.contains(&it) {
                    operands.push(it);
                }
            }
            let operands = operands.into_iter();
            candidates.extend(operands.map(|it| Candidate::keep(range.clone(), it)));
            let constant = top.and_then(zero);
            let is_constant = self.instructions[end].kind == InstructionKind::Constant;
            if let Some(constant) = constant.filter(|_| range.len() > 1 || !is_constant) {
                let inside = Candidate::statements(range, statements);
                let inside = inside.filter(|it| it.lost() > 1);
                candidates.extend(inside.map(|it| it.and(constant.clone())));
                candidates.push(Candidate::replace(range.clone(), constant));
            }
        }
        candidates
    }

    /// For each instruction but the last, the ends of the statements that begin with it and are
    /// not long: they leave the stack as it was, and take nothing of what is on it.
    fn statements(&self) -> Vec<Vec<usize>> {
        let length = self.len().saturating_sub(1);
        let ends_of = |start: usize| {
            let (height, depth) = (self.instructions[start].before, self.depth_before(start));
            let run = start..length.min(start + STATEMENTS_MAX);
            let is_inside = |end: &usize| {
                let it = &self.instructions[*end];
                it.depth >= depth && it.left >= height
            };
            let ends = run.take_while(is_inside).filter(|end| {
                let it = &self.instructions[*end];
                it.depth == depth && it.after == height
            });
            ends.map(|end| end + 1).collect()
        };
        (0..length).map(ends_of).collect()
    }

    /// Runs of instructions that leave the stack as it was.
    fn runs(&self) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        let length = self.len().saturating_sub(1);
        for start in 0..length {
            let height = self.instructions[start].before;
            let depth = self.depth_before(start);
            let mut thinned = Thinned::default();
            for end in start..length.min(start + RUN_MAX) {
                let instruction = &self.instructions[end];
                if instruction.depth < depth || instruction.depth == 0 {
                    break;
                }
                if instruction.after == height && instruction.depth == depth {
                    thinned.add(end + 1 - start, start..end + 1);
                }
            }
            all.extend(thinned.kept());
        }
        all
    }

    /// The blocks, but for the function's own.
    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Vec<(usize, Option<usize>)> = Vec::new();
        for (at, instruction) in self.instructions.iter().enumerate() {
            match instruction.kind {
                InstructionKind::Opens => open.push((at, None)),
                InstructionKind::Ends => {
                    if let Some((start, other)) = open.pop() {
                        let end = at;
                        blocks.push(Block { start, other, end });
                    }
                }
                InstructionKind::Constant | InstructionKind::Other => {
                    if let (ELSE, Some((_, other))) = (instruction.bytes[0], open.last_mut()) {
                        *other = Some(at);
                    }
                }
            }
        }
        blocks
    }

    /// The parts of an `if`, without its condition.
    fn parts_of_if(&self, block: &Block, values: &[Option<Range<usize>>]) -> Vec<Candidate> {
        let &Block { start, other, end } = block;
        let condition = start.checked_sub(1).and_then(|at| values[at].as_ref());
        let is_if = self.instructions[start].bytes[0] == IF;
        let Some(condition) = condition.filter(|_| is_if) else {
            return Vec::new();
        };
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

    /// For each instruction but the last, the instructions that compute the value on top after it.
    fn values(&self) -> Vec<Option<Range<usize>>> {
        let length = self.len().saturating_sub(1);
        let mut values = Vec::with_capacity(length);
        for end in 0..length {
            let value = self.value_from(end, &values);
            values.push(value);
        }
        values
    }

    /// The value that the instruction at `end` leaves on top. Values before it that are `known` are
    /// gone over in one step: inside them the operand stack is higher than they leave it.
    fn value_from(&self, end: usize, known: &[Option<Range<usize>>]) -> Option<Range<usize>> {
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
            if let Some(Some(value)) = known.get(start)
                && self.instructions[start].depth >= depth
            {
                start = value.start;
            }
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
        let kept = kept.iter().flat_map(|it| bytes(it.clone()));
        let middle = kept.chain(constant.iter().copied());
        before
            .chain(middle)
            .chain(bytes(range.end..self.len()))
            .collect()
    }
}

/// The opcodes of `if` and `else`.
const IF: u8 = 0x04;
const ELSE: u8 = 0x05;
/// The longest run of instructions that is taken out as a whole, for each place that it can begin,
/// and the distance from the end of a value within which operands are looked for.
const RUN_MAX: usize = 4096;
/// The longest range of which the statements inside are kept without the rest.
const STATEMENTS_MAX: usize = 64;
/// All runs and operands are candidates that lose no more instructions than this.
const SMALL: usize = 16;

/// A block, with the place of its `else`.
struct Block {
    start: usize,
    other: Option<usize>,
    end: usize,
}

/// Of ranges, those by which little is lost, and one for each power of two of what is lost: the one
/// that loses most.
#[derive(Default)]
struct Thinned {
    small: Vec<Range<usize>>,
    /// By the logarithm of what is lost.
    largest: BTreeMap<u32, (usize, Range<usize>)>,
}

impl Thinned {
    fn add(&mut self, loss: usize, range: Range<usize>) {
        if loss <= SMALL {
            self.small.push(range);
            return;
        }
        let largest = self.largest.entry(loss.ilog2());
        let largest = largest.or_insert_with(|| (loss, range.clone()));
        if loss > largest.0 {
            *largest = (loss, range);
        }
    }

    fn kept(self) -> impl Iterator<Item = Range<usize>> {
        let largest = self.largest.into_values().map(|(_, range)| range);
        self.small.into_iter().chain(largest)
    }
}

/// A smaller body: in place of the instructions of a range, some of them and a constant.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    range: Range<usize>,
    kept: Vec<Range<usize>>,
    constant: Vec<u8>,
}

impl Candidate {
    fn keep(range: Range<usize>, kept: Range<usize>) -> Candidate {
        Candidate {
            range,
            kept: vec![kept],
            constant: Vec::new(),
        }
    }

    fn replace(range: Range<usize>, constant: Vec<u8>) -> Candidate {
        Candidate {
            range,
            kept: Vec::new(),
            constant,
        }
    }

    /// The statements inside of a range, without what is around them. None if there is none, and
    /// for a long range.
    fn statements(range: &Range<usize>, statements: &[Vec<usize>]) -> Option<Candidate> {
        if range.len() > STATEMENTS_MAX {
            return None;
        }
        let mut kept: Vec<Range<usize>> = Vec::new();
        let mut at = range.start + 1;
        while at < range.end {
            let longest = statements[at].iter().rfind(|end| **end < range.end);
            kept.extend(longest.map(|end| at..*end));
            at = longest.copied().unwrap_or(at + 1);
        }
        (!kept.is_empty()).then(|| Candidate {
            range: range.clone(),
            kept,
            constant: Vec::new(),
        })
    }

    fn and(self, constant: Vec<u8>) -> Candidate {
        Candidate { constant, ..self }
    }

    /// The number of instructions that it loses.
    fn lost(&self) -> usize {
        let kept: usize = self.kept.iter().map(ExactSizeIterator::len).sum();
        self.range.len() - kept
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

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Body {
        let text =
            format!("(module (memory 1) (func (param i32) (result i32) (local i32) {text}))");
        let buffer = wast::parser::ParseBuffer::new(&text).expect("tokens");
        let module = wast::parser::parse::<wast::Wat<'_>>(&buffer)
            .expect("a module")
            .encode();
        read(&module.expect("encoded"), 0, WasmFeatures::all()).expect("a body")
    }

    /// An expression, an assignment, an `if` inside of one, and a call's arguments.
    const MIXED: &str = "
        local.get 0 i32.const 3 i32.add local.get 0 i32.mul local.set 1
        local.get 1
        (if (result i32) (then i32.const 5 local.get 0 i32.sub)
          (else (block (result i32) i32.const 7 local.get 1 br_if 0 i32.const 9 i32.xor)))
        local.get 0 i32.load i32.add
        i32.const 8 local.get 1 i32.store
        local.get 1 i32.add";

    impl Body {
        fn with_nothing_changed(&self) -> Vec<u8> {
            self.with(&Candidate::keep(0..self.len(), 0..self.len()))
        }
    }

    #[test]
    fn values_that_are_known_change_no_value() {
        let body = body(MIXED);
        let values = body.values();
        assert_eq!(values.len(), body.len() - 1);
        for (end, value) in values.iter().enumerate() {
            assert_eq!(*value, body.value_from(end, &[]), "{end}");
        }
        assert!(values.iter().flatten().any(|value| value.len() > 15));
    }

    /// Of what loses little, every candidate is there.
    #[test]
    fn candidates_are_values_runs_and_parts() {
        let body = body("local.get 0 (if (then (local.set 1 (i32.const 4)))) local.get 1");
        let all = body.candidates();
        let has = |range: Range<usize>, kept: Range<usize>| {
            let is_kept = |it: &Candidate| it.kept[..] == [kept.clone()];
            let is_it = |it: &Candidate| {
                it.range == range && (is_kept(it) || kept.is_empty() && it.kept.is_empty())
            };
            assert!(all.iter().any(is_it), "{range:?} {kept:?}: {all:?}");
        };
        has(0..5, 2..4); // the part of the `if`
        has(1..5, 2..4); // the block without its bounds
        has(0..5, 0..0); // the statement
        has(2..4, 2..2); // the statement inside
        has(0..1, 0..0); // a constant for the condition
        assert!(all.windows(2).all(|two| two[0].lost() >= two[1].lost()));
    }

    /// A statement that stands between an operand and the instruction that takes it is kept alone.
    #[test]
    fn statements_are_kept_without_what_is_around_them() {
        let statement = "i32.const 3 i32.const 4 i32.xor local.set 1";
        let pairs = [
            (
                format!("loop local.get 0 {statement} i32.eqz br_if 0 end"),
                format!("loop {statement} end"),
            ),
            (
                format!("local.get 0 {statement} i32.clz drop"),
                statement.to_string(),
            ),
        ];
        for (text, small) in pairs {
            let body_of = |text: &str| body(&format!("{text} local.get 1"));
            let (body, small) = (body_of(&text), body_of(&small).with_nothing_changed());
            let candidates = body.candidates();
            let is_small = candidates.iter().any(|it| body.with(it) == small);
            assert!(is_small, "{text}: {candidates:?}");
        }
        // With a constant for the value.
        let body = body(&format!("local.get 0 {statement} i32.clz"));
        let statement = |it: &Candidate| it.kept.first() == Some(&(1..5));
        let kept = |it: &Candidate| statement(it) && !it.constant.is_empty();
        assert!(body.candidates().iter().any(kept));
    }

    #[test]
    fn candidates_are_not_many_more_than_instructions() {
        let chain = "local.get 0 i32.add local.get 1 i32.xor ".repeat(5_000);
        let inner = "local.get 0".to_owned() + &" drop i32.const 1)".repeat(900);
        let nested = "(block (result i32) ".repeat(900) + &inner;
        let statements =
            "local.get 0 i32.const 1 i32.add local.set 1 ".repeat(5_000) + "local.get 1";
        for text in [format!("local.get 0 {chain}"), nested, statements] {
            let body = body(&text);
            let count = body.candidates().len();
            assert!(
                count > body.len() && count < 60 * body.len(),
                "{count} of {}",
                body.len()
            );
        }
    }
}
