//! Accesses at the edges of memories: a product of its own.
//!
//! For each instruction that accesses a memory and occurs in a file, a seed draws from {the last
//! bytes, one beyond, a sum that wraps, far away} x static offsets x ways to make the address x
//! 32 and 64 bits x the memory's index x growth before. Each script is run with bounds checked by
//! guard pages and in code. What must come of it follows from the bytes, which the plan keeps
//! (`Access::perform`): results, traps, and after each write the end of the memory, which is read
//! back.

use std::collections::BTreeSet;
use std::sync::Arc;

use wasm_encoder::{BlockType, ConstExpr, Function, InstructionSink, MemorySection, MemoryType};
use wasmparser::{Parser, Payload};
use wassay_runtime::interior::decode::Decoder;
use wassay_runtime::interior::ops::Op;

use super::access::{Access, SOURCE, SOURCE_ADDRESS};
use super::body::{Number, Type};
use super::emit::{self, Signature, assembled};
use super::module::{Environment, ModuleDraft};
use super::plan::{Step, kind_of, preparing, script};
use super::{Sampling, product};
use crate::plan::Planned;
use crate::plan::generated::random::Random;
use crate::protocol::Bounds;
use crate::script::{
    Action, Argument, Command, Directive, Expectation, Expected, LanePattern, ModuleSource, Origin,
    Script,
};

/// The shape of these variants.
pub(super) const SHAPE: &str = "edge";
/// Variants of an instruction, for one that is drawn for each assertion.
const FACTOR: u64 = 24;
/// Variants that share a module.
const PER_MODULE: usize = 12;
/// Modules with large memories in a script: an emulator keeps something for each page of them.
const LARGE_PER_SCRIPT: usize = 2;
/// The modules of a hundred that have large memories.
const LARGE_PERCENT: u64 = 8;
const PAGE_BYTES: u64 = 1 << 16;
/// The pages of a memory that all 32-bit addresses reach.
const PAGES_MAX: u64 = 1 << 16;
/// The bytes at the end of a memory that the plan keeps.
const KEPT: usize = 32;
/// The static offsets.
const OFFSETS: [u64; 9] = [0, 0, 1, 255, 256, 4095, 4096, 1 << 31, (1 << 32) - 1];
/// The trap of them all.
const OUT_OF_BOUNDS: &str = "out of bounds memory access";

/// An instruction, and the directive whose module has it.
#[derive(Clone, Debug)]
pub(super) struct Occurrence<'a> {
    pub(super) directive: &'a Directive,
    pub(super) op: Op,
}

/// The place of an access in a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    /// The last bytes.
    Last,
    /// So many bytes are beyond the end.
    Beyond(u64),
    /// The sum of address and offset is beyond the address type, and would be inside if it wrapped.
    Wraps,
    /// An address far away, whose lower bits would be inside.
    Far,
}

/// The way in which an address is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Constant,
    Parameter,
    Sum,
    SumOfParameters,
    Difference,
    Mask,
    Shift,
    Scaled,
    Converted,
    /// A loop that accesses lower addresses first.
    Counted,
}

/// The ways, with their names.
const WAYS: [(Way, &str); 10] = [
    (Way::Constant, "constant"),
    (Way::Parameter, "parameter"),
    (Way::Sum, "sum"),
    (Way::SumOfParameters, "sum-of-parameters"),
    (Way::Difference, "difference"),
    (Way::Mask, "mask"),
    (Way::Shift, "shift"),
    (Way::Scaled, "scaled"),
    (Way::Converted, "converted"),
    (Way::Counted, "counted"),
];

/// A memory and its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// The address type.
    ty: Type,
    /// The memory's index; memories below it are small.
    memory: u32,
    /// The pages at the time of the access.
    pages: u64,
    /// True if the last page comes by growth, in the function that accesses it.
    grows: bool,
}

impl Place {
    fn bytes(self) -> u64 {
        self.pages * PAGE_BYTES
    }
}

/// A script about the edges of memories.
#[derive(Clone, Debug)]
pub(super) struct Edges {
    script: Script,
    /// True if memories are large.
    pub(super) has_large: bool,
}

impl Edges {
    /// The script, to be run with bounds checked so: the names of directives say it.
    pub(super) fn script(&self, bounds: Bounds) -> Arc<Script> {
        let mut script = self.script.clone();
        for directive in &mut script.directives {
            if directive.origin.is_some() {
                directive.id = format!("{}-{bounds}", directive.id);
            }
        }
        Arc::new(script)
    }
}

/// The instructions that access memories in the modules of a file, each where it first occurs.
pub(super) fn occurrences(file: &Planned) -> Vec<Occurrence<'_>> {
    let mut seen = BTreeSet::new();
    let mut occurrences = Vec::new();
    let script = &file.script;
    for (directive, command) in script.directives.iter().zip(&script.commands) {
        let Some(ModuleSource::Binary(bytes)) = command.module() else {
            continue;
        };
        let found = instructions(bytes)
            .into_iter()
            .filter(|op| seen.insert(*op));
        occurrences.extend(found.map(|op| Occurrence { directive, op }));
    }
    occurrences
}

/// The opcodes of accesses in a module, as far as it can be read.
fn instructions(module: &[u8]) -> BTreeSet<Op> {
    let mut ops = BTreeSet::new();
    for payload in Parser::new(0).parse_all(module) {
        let Ok(payload) = payload else { break };
        if let Payload::CodeSectionEntry(body) = payload {
            let range = body.range();
            let (start, end) = (range.start as usize, range.end as usize);
            let mut decoder = Decoder::new(&module[start..end], start);
            if decoder.read_locals(|_, _| ()).is_err() {
                break;
            }
            while !decoder.is_at_end() {
                let Ok(instr) = decoder.read() else { break };
                if Access::of(instr.op).is_some() {
                    ops.insert(instr.op);
                }
            }
        }
    }
    ops
}

/// The scripts of a file's instructions. Large memories are in scripts of their own.
pub(super) fn scripts(
    path: &str,
    occurrences: &[Occurrence<'_>],
    sampling: Sampling,
    has_large: bool,
) -> Vec<Edges> {
    let mut small = Vec::new();
    let mut large = Vec::new();
    for occurrence in occurrences {
        let Some(access) = Access::of(occurrence.op) else {
            continue;
        };
        let mut random = product::random(&occurrence.directive.id, sampling.seed, access.op as u64);
        let mut left = sampling.per_assertion * FACTOR;
        while left > 0 {
            let place = place(has_large, &mut random);
            let count = match place.grows {
                true => 1,
                false => (left as usize).min(PER_MODULE),
            };
            let module = Draft::new(occurrence, access, place, sampling.seed, left);
            let steps = module.steps(count, &mut random);
            match place.pages {
                PAGES_MAX => large.push(steps),
                _ => small.extend(steps),
            }
            left -= count as u64;
        }
    }
    let large = large.chunks(LARGE_PER_SCRIPT).map(|it| (it.concat(), true));
    let scripts = std::iter::once((small, false)).chain(large);
    let scripts = scripts.filter(|(steps, _)| !steps.is_empty());
    let edges = scripts.map(|(steps, has_large)| Edges {
        script: script(path, steps),
        has_large,
    });
    edges.collect()
}

fn place(has_large: bool, random: &mut Random) -> Place {
    Place {
        ty: random.pick(&[Type::I32, Type::I64]),
        memory: random.pick(&[0, 0, 1]),
        pages: match has_large && random.chance(LARGE_PERCENT) {
            true => PAGES_MAX,
            false => random.pick(&[1, 2, 3]),
        },
        grows: random.chance(25),
    }
}

/// The steps of a module under construction.
struct Draft<'a> {
    occurrence: &'a Occurrence<'a>,
    access: Access,
    place: Place,
    seed: u64,
    /// The number of the module's first variant.
    number: u64,
    module: ModuleDraft,
    steps: Vec<Step>,
    /// The last bytes of the memory.
    end: [u8; KEPT],
}

/// An access that was drawn.
struct Variant {
    edge: Edge,
    offset: u64,
    address: u64,
    way: Way,
    /// The name of the way.
    way_name: &'static str,
    length: u32,
    align: u32,
    lane: u8,
    operands: Vec<Number>,
}

impl<'a> Draft<'a> {
    fn new(
        occurrence: &'a Occurrence<'a>,
        access: Access,
        place: Place,
        seed: u64,
        number: u64,
    ) -> Draft<'a> {
        let mut module = ModuleDraft::default();
        module.define(Signature::new(&[], &[]), &poke(place));
        let vectors = [Type::V128, Type::V128];
        module.define(Signature::new(&[], &vectors), &peek(place));
        Draft {
            occurrence,
            access,
            place,
            seed,
            number,
            module,
            steps: Vec::new(),
            end: pattern(),
        }
    }

    /// The steps of so many variants.
    fn steps(mut self, count: usize, random: &mut Random) -> Vec<Step> {
        for index in 0..count {
            // Not each offset has each edge.
            let variant = (0..16).find_map(|_| self.draw(random));
            if let Some(variant) = variant {
                self.add(index, &variant, random);
            }
        }
        if self.steps.is_empty() {
            return Vec::new();
        }
        let mut memories = MemorySection::new();
        for _ in 0..self.place.memory {
            memories.memory(memory_type(Type::I32, 1));
        }
        let Place {
            ty, pages, grows, ..
        } = self.place;
        memories.memory(memory_type(ty, pages - u64::from(grows)));
        let mut environment = Environment {
            memories,
            ..Environment::default()
        };
        self.data(&mut environment);
        let module = ModuleSource::Binary(self.module.finish(environment));
        let command = Command::Module { name: None, module };
        let mut steps = vec![preparing(command, self.occurrence.directive)];
        steps.append(&mut self.steps);
        steps
    }

    /// The passive segment, and the bytes that are there from the beginning.
    fn data(&self, environment: &mut Environment) {
        let Place {
            ty, memory, grows, ..
        } = self.place;
        let address = |address: u64| match ty {
            Type::I64 => ConstExpr::i64_const(address.cast_signed()),
            _ => ConstExpr::i32_const((address as u32).cast_signed()),
        };
        let data = &mut environment.data;
        data.passive(SOURCE);
        if !grows {
            data.active(memory, &address(SOURCE_ADDRESS.into()), SOURCE);
            data.active(
                memory,
                &address(self.place.bytes() - KEPT as u64),
                pattern(),
            );
        }
    }

    /// Draws an access; `None` if there is none with what was drawn.
    fn draw(&self, random: &mut Random) -> Option<Variant> {
        let (access, place) = (self.access, self.place);
        let is_bulk = access.width().is_none();
        let length = access
            .width()
            .unwrap_or_else(|| random.pick(&[0, 1, 3, 8, 16]));
        let width = u64::from(length);
        let offset = match is_bulk {
            true => 0,
            false => random.pick(&OFFSETS),
        };
        let over = match access.is_atomic() {
            true => width,
            false => random.pick(&[1, 1, width.max(1)]),
        };
        let edges = [
            Edge::Last,
            Edge::Last,
            Edge::Beyond(over),
            Edge::Wraps,
            Edge::Far,
        ];
        let edge = random.pick(&edges);
        let address = address(place, edge, offset, width, random)?;
        if access.is_atomic() && !address.wrapping_add(offset).is_multiple_of(width) {
            return None;
        }
        let (way, way_name) = random.pick(&WAYS);
        let natural = width.max(1).trailing_zeros();
        let align = match access.is_atomic() {
            true => natural,
            false => random.below(u64::from(natural) + 1) as u32,
        };
        let operands = access.operands(place.ty);
        let mut operands: Vec<Number> = operands
            .into_iter()
            .map(|ty| product::from_pool(ty, random))
            .collect();
        if is_bulk && let [first, last] = operands.as_mut_slice() {
            last.bits = u128::from(length);
            if access.op == Op::MemoryCopy {
                first.bits = SOURCE_ADDRESS.into();
            } else if access.op == Op::MemoryInit {
                first.bits = 0;
            }
        }
        let counts = access.reads_only() && address >= 3 * width;
        let converts = place.ty == Type::I32 || u32::try_from(address).is_ok();
        let is_impossible =
            (way == Way::Counted && !counts) || (way == Way::Converted && !converts);
        (!is_impossible).then_some(Variant {
            edge,
            offset,
            address,
            way,
            way_name,
            length,
            align,
            lane: random.below(u64::from(access.lanes())) as u8,
            operands,
        })
    }

    /// Adds a variant: its function, its call, and the look at the end of the memory after it.
    fn add(&mut self, index: usize, variant: &Variant, random: &mut Random) {
        let exchanges = self.access.operands(self.place.ty).len() == 2;
        let mut variant_operands = variant.operands.clone();
        let bytes = self.accessed(variant);
        if exchanges && self.access.is_atomic() && random.chance(50) {
            // What is expected is there.
            let found = bytes.clone().fold(0, |sum, at| {
                sum | u128::from(self.end[at]) << (8 * (at - bytes.start))
            });
            if let Some(first) = variant_operands.first_mut() {
                first.bits = found;
            }
        }
        let mut args = Vec::new();
        let mut code = Code::new(self.place, self.access, &mut args);
        code.before();
        code.access(variant, &variant_operands, random);
        let (function, signature) = code.finish();
        let function = self.module.define(signature, &function);
        let field = self.module.export(function);
        let expectation = match variant.edge {
            Edge::Last => {
                let bytes = &mut self.end[bytes];
                let result = self.access.perform(bytes, &variant_operands, variant.lane);
                Expectation::Return(result.map(product::literal).into_iter().collect())
            }
            Edge::Beyond(_) | Edge::Wraps | Edge::Far => {
                Expectation::Trap(OUT_OF_BOUNDS.to_string())
            }
        };
        let number = self.number - index as u64;
        self.call(number, "", &self.text(variant), field, args, expectation);
        if !self.access.reads_only() {
            let lanes = |from: usize| {
                let lane = |at: usize| self.end[from + at];
                Expected::V128(LanePattern::I8x16(std::array::from_fn(lane)))
            };
            let expectation = Expectation::Return(vec![lanes(0), lanes(16)]);
            let field = self.module.export(PEEK);
            let text = format!("the memory after {}", self.text(variant));
            self.call(number, "-memory", &text, field, Vec::new(), expectation);
        }
    }

    /// The bytes of the end that an access to the last bytes accesses.
    fn accessed(&self, variant: &Variant) -> std::ops::Range<usize> {
        KEPT - variant.length as usize..KEPT
    }

    fn call(
        &mut self,
        number: u64,
        part: &str,
        text: &str,
        field: String,
        args: Vec<Argument>,
        expectation: Expectation,
    ) {
        let directive = self.occurrence.directive;
        let mnemonic = self.access.op.mnemonic();
        let origin = Origin {
            shape: SHAPE.to_string(),
            form: text.to_string(),
            export: mnemonic.to_string(),
        };
        self.steps.push(Step {
            command: Command::Action(Action::Invoke {
                instance: None,
                field,
                args,
            }),
            directive: Directive {
                id: format!(
                    "{}/{SHAPE}-{mnemonic}-{:x}-{number}{part}",
                    directive.id, self.seed
                ),
                kind: kind_of(&expectation),
                expectation,
                origin: Some(Box::new(origin)),
                ..directive.clone()
            },
        });
    }

    /// A variant in words.
    fn text(&self, variant: &Variant) -> String {
        let edge = match variant.edge {
            Edge::Last => "last".to_string(),
            Edge::Beyond(over) => format!("{over}-beyond"),
            Edge::Wraps => "wraps".to_string(),
            Edge::Far => "far".to_string(),
        };
        let way = variant.way_name;
        let Place {
            ty,
            memory,
            pages,
            grows,
        } = self.place;
        let grown = if grows { " grown" } else { "" };
        format!(
            "{edge}({way}, offset {}, {} address, memory {memory} of {pages}{grown})",
            variant.offset,
            ty.name(),
        )
    }
}

/// The address of an access; `None` if there is none.
fn address(place: Place, edge: Edge, offset: u64, width: u64, random: &mut Random) -> Option<u64> {
    let (bytes, bits) = (place.bytes(), place.ty.bits());
    let highest = u64::MAX >> (64 - bits);
    let address = match edge {
        Edge::Last => (bytes - width).checked_sub(offset)?,
        Edge::Beyond(over) => (bytes + over - width).checked_sub(offset)?,
        Edge::Wraps => {
            let least = highest - offset.checked_sub(1)?;
            let inside = random
                .below(bytes.min(offset))
                .next_multiple_of(width.max(1));
            least.checked_add(inside)?
        }
        Edge::Far => match place.ty {
            Type::I64 => {
                let upper = (1 + random.bits() % 0x7fff_ffff) << 32;
                upper | (bytes - width).checked_sub(offset)?
            }
            _ if place.pages == PAGES_MAX => return None,
            _ => (highest - random.below(64)) & !(width.max(1) - 1),
        },
    };
    (address <= highest).then_some(address)
}

/// The function that writes [`SOURCE`] and the pattern at the end, whatever the memory's size is.
const POKE: u32 = 0;
/// The function that reads the end of the memory.
const PEEK: u32 = 1;

/// The bytes at the end of each memory at first: no two are equal.
fn pattern() -> [u8; KEPT] {
    std::array::from_fn(|index| 0x81u8.wrapping_add(index as u8 * 5))
}

fn memory_type(ty: Type, pages: u64) -> MemoryType {
    MemoryType {
        minimum: pages,
        maximum: Some(PAGES_MAX),
        memory64: ty == Type::I64,
        shared: false,
        page_size_log2: None,
    }
}

/// The function [`POKE`].
fn poke(place: Place) -> Function {
    let mut code = Vec::new();
    let address = Number::new(place.ty, SOURCE_ADDRESS.into());
    emit::constant(&mut InstructionSink::new(&mut code), address);
    let source = i128::from_le_bytes(SOURCE);
    InstructionSink::new(&mut code).v128_const(source);
    plain(Op::V128Store).emit(&mut code, 0, 0, place.memory, 0);
    let pattern = pattern();
    for (from, half) in pattern.chunks(16).enumerate() {
        end_address(place, from, &mut code);
        let lanes = half
            .iter()
            .rev()
            .fold(0, |sum, &byte| sum << 8 | i128::from(byte));
        InstructionSink::new(&mut code).v128_const(lanes);
        plain(Op::V128Store).emit(&mut code, 0, 0, place.memory, 0);
    }
    InstructionSink::new(&mut code).end();
    assembled(&[], code)
}

/// The function [`PEEK`].
fn peek(place: Place) -> Function {
    let mut code = Vec::new();
    for half in 0..2 {
        end_address(place, half, &mut code);
        plain(Op::V128Load).emit(&mut code, 0, 0, place.memory, 0);
    }
    InstructionSink::new(&mut code).end();
    assembled(&[], code)
}

/// Adds the address of one of the vectors that are the end of the memory as it is.
fn end_address(place: Place, half: usize, code: &mut Vec<u8>) {
    let before_end = (KEPT - 16 * half) as i64;
    let mut sink = InstructionSink::new(code);
    sink.memory_size(place.memory);
    match place.ty {
        Type::I64 => {
            sink.i64_const(16).i64_shl();
            sink.i64_const(before_end).i64_sub();
        }
        // The size of a memory of 2^16 pages is 0 here, and the difference is right.
        _ => {
            sink.i32_const(16).i32_shl();
            sink.i32_const(before_end as i32).i32_sub();
        }
    }
}

/// The code of a variant.
struct Code<'a> {
    place: Place,
    access: Access,
    args: &'a mut Vec<Argument>,
    params: Vec<Type>,
    locals: Vec<Type>,
    code: Vec<u8>,
}

impl<'a> Code<'a> {
    fn new(place: Place, access: Access, args: &'a mut Vec<Argument>) -> Code<'a> {
        Code {
            place,
            access,
            args,
            params: Vec::new(),
            locals: Vec::new(),
            code: Vec::new(),
        }
    }

    fn sink(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    /// An access to the last byte and growth, if the memory grows.
    fn before(&mut self) {
        if !self.place.grows {
            return;
        }
        let (ty, memory) = (self.place.ty, self.place.memory);
        let last = (self.place.pages - 1) * PAGE_BYTES;
        if let Some(last) = last.checked_sub(1) {
            self.number(ty, last);
            plain(Op::I32Load8U).emit(&mut self.code, 0, 0, memory, 0);
            self.sink().drop();
        }
        self.number(ty, 1);
        self.sink().memory_grow(memory).drop().call(POKE);
    }

    /// Adds a constant of an integer type.
    fn number(&mut self, ty: Type, bits: u64) {
        let number = Number::new(ty, u128::from(bits) & ty.mask());
        emit::constant(&mut self.sink(), number);
    }

    /// Adds a parameter, whose argument has these bits, and takes it.
    fn parameter(&mut self, ty: Type, bits: u128) -> u32 {
        let number = Number::new(ty, bits & ty.mask());
        self.args.push(number.argument());
        self.params.push(ty);
        let local = self.params.len() as u32 - 1;
        self.sink().local_get(local);
        local
    }

    /// The access, with the address made as the variant says.
    fn access(&mut self, variant: &Variant, operands: &[Number], random: &mut Random) {
        if variant.way == Way::Counted {
            return self.counted(variant, operands);
        }
        self.address(variant.way, variant.address, random);
        for operand in operands {
            match random.chance(50) {
                true => {
                    self.parameter(operand.ty, operand.bits);
                }
                false => emit::constant(&mut self.sink(), *operand),
            }
        }
        self.instruction(variant);
    }

    fn instruction(&mut self, variant: &Variant) {
        let Variant {
            offset,
            align,
            lane,
            ..
        } = *variant;
        let (access, memory) = (self.access, self.place.memory);
        access.emit(&mut self.code, offset, align, memory, lane);
    }

    /// Accesses three addresses below this one, one after the other, and then this one.
    fn counted(&mut self, variant: &Variant, operands: &[Number]) {
        let ty = self.place.ty;
        let step = u64::from(variant.length);
        let from = variant.address - 3 * step;
        let address = self.parameter(ty, from.into());
        self.sink().drop();
        // Behind the highest address is 0.
        let end = self.parameter(ty, u128::from(variant.address) + u128::from(step));
        self.sink().drop();
        for operand in operands {
            self.parameter(operand.ty, operand.bits);
            self.sink().drop();
        }
        let first_operand = self.params.len() - operands.len();
        // A local of its own for the result of each pass, behind all parameters.
        let result = self.access.result().map(|ty| {
            self.locals.push(ty);
            self.params.len() as u32
        });
        self.sink().loop_(BlockType::Empty).local_get(address);
        for index in 0..operands.len() {
            let local = (first_operand + index) as u32;
            self.sink().local_get(local);
        }
        self.instruction(variant);
        if let Some(result) = result {
            self.sink().local_set(result);
        }
        self.sink().local_get(address);
        self.number(ty, step);
        let mut sink = self.sink();
        match ty {
            Type::I64 => sink.i64_add().local_tee(address).local_get(end).i64_ne(),
            _ => sink.i32_add().local_tee(address).local_get(end).i32_ne(),
        };
        sink.br_if(0).end();
        if let Some(result) = result {
            self.sink().local_get(result);
        }
    }

    /// Puts an address on the stack, made in a way.
    fn address(&mut self, way: Way, address: u64, random: &mut Random) {
        let ty = self.place.ty;
        let is_wide = ty == Type::I64;
        let noise = random.bits();
        let near = noise % 0x2_0000;
        let whole = u128::from(address);
        match way {
            Way::Constant => self.number(ty, address),
            Way::Parameter | Way::Counted => {
                self.parameter(ty, whole);
            }
            Way::Sum => {
                let other = random.pick(&[near, noise, 8, u64::MAX]);
                self.parameter(ty, u128::from(address.wrapping_sub(other)));
                self.number(ty, other);
                self.binary(is_wide, Op::I32Add, Op::I64Add);
            }
            Way::SumOfParameters => {
                let other = random.pick(&[near, noise]);
                self.parameter(ty, u128::from(address.wrapping_sub(other)));
                self.parameter(ty, u128::from(other));
                self.binary(is_wide, Op::I32Add, Op::I64Add);
            }
            Way::Difference => {
                let other = random.pick(&[near, noise, 8]);
                self.parameter(ty, u128::from(address.wrapping_add(other)));
                self.number(ty, other);
                self.binary(is_wide, Op::I32Sub, Op::I64Sub);
            }
            Way::Mask => {
                // Bits of the address, and above them: what compilers write as a power of two.
                let ones = u64::MAX.checked_shr(address.leading_zeros()).unwrap_or(0);
                let mask = random.pick(&[ones, address | (noise & ones)]);
                self.parameter(ty, u128::from(address | (random.bits() & !mask)));
                self.number(ty, mask);
                self.binary(is_wide, Op::I32And, Op::I64And);
            }
            Way::Shift => self.shifted(address, random),
            Way::Scaled => {
                let (index, shift) = (noise % 100, 1 + noise % 4);
                let base = address.wrapping_sub(index << shift);
                self.parameter(ty, u128::from(base));
                self.parameter(ty, u128::from(index));
                self.number(ty, shift);
                self.binary(is_wide, Op::I32Shl, Op::I64Shl);
                self.binary(is_wide, Op::I32Add, Op::I64Add);
            }
            Way::Converted => match ty {
                Type::I64 => {
                    self.parameter(Type::I32, whole);
                    self.sink().i64_extend_i32_u();
                }
                _ => {
                    self.parameter(Type::I64, whole | u128::from(noise | 1) << 32);
                    self.sink().i32_wrap_i64();
                }
            },
        }
    }

    /// An address that is an index shifted left, or a number shifted right if the address is odd
    /// and small.
    fn shifted(&mut self, address: u64, random: &mut Random) {
        let ty = self.place.ty;
        let is_wide = ty == Type::I64;
        let (bits, zeros) = (ty.bits(), address.trailing_zeros().min(4));
        let noise = random.bits();
        if zeros > 0 {
            let lost = u128::from(noise) << (bits - zeros);
            self.parameter(ty, u128::from(address >> zeros) | lost);
            self.number(ty, u64::from(zeros));
            self.binary(is_wide, Op::I32Shl, Op::I64Shl);
        } else {
            let free = address.leading_zeros().saturating_sub(64 - bits).min(5);
            let low = u128::from(noise & ((1 << free) - 1));
            self.parameter(ty, u128::from(address) << free | low);
            self.number(ty, u64::from(free));
            self.binary(is_wide, Op::I32ShrU, Op::I64ShrU);
        }
    }

    fn binary(&mut self, is_wide: bool, narrow: Op, wide: Op) {
        self.code
            .extend(emit::encoded(if is_wide { wide } else { narrow }));
    }

    fn finish(mut self) -> (Function, Signature) {
        self.sink().end();
        let results: Vec<Type> = self.access.result().into_iter().collect();
        let signature = Signature::new(&self.params, &results);
        (assembled(&self.locals, self.code), signature)
    }
}

/// An access that has a meaning, for code around the one that is tested.
fn plain(op: Op) -> Access {
    Access::of(op).expect("loads and stores are accesses")
}
