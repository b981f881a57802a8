//! A record as a script: a module of WebAssembly that answers the recorded calls, and the program,
//! which imports it. So whatever works on scripts works on programs: `explain`, `reduce`, `spec`.
//!
//! The module that answers defines the program's memory, which the program then imports. A second
//! memory holds the answers one behind the other. A call that is not the next one of the record,
//! or that ends the program, traps. The bits of the arguments of the last call are kept in that
//! memory too, so that a difference between them is a difference of state. For engines that show
//! nothing of their state but exports, two globals tell the rest: the number of calls, and a digest
//! of the arguments of all of them and of what they read of the program's memory.

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, InstructionSink, MemArg, MemArgTarget,
    MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wasmparser::{Parser, Payload, TypeRef};
use wassay_wasi::{CoreType, FUNCTIONS, MODULE};

use super::{Answer, Bytes, HostCall};
use crate::outcome::visible::PRIME;

/// The reason why a program has no script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unscripted {
    /// The program's memory cannot be that of the answering module.
    #[error("its memory is imported, or has 64-bit addresses or small pages, or is shared")]
    Memory,
    /// The program imports what is not a function of WASI.
    #[error("it imports `{0}` `{1}`, which is not of WASI")]
    Import(String, String),
    /// The program cannot be read, or the answers are too many.
    #[error("{0}")]
    Other(String),
}

/// The two modules of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scripted {
    /// The module that answers; it is to be registered as [`MODULE`].
    pub answers: Vec<u8>,
    /// The program, with its memory imported from there.
    pub program: Vec<u8>,
}

/// The name under which a script registers the module that answers.
pub const REGISTERED: &str = MODULE;

/// The name of the module that answers, by which `explain` knows it.
pub const ANSWERS_NAME: &str = "wassay-answers";

/// Arguments of the last call, eight bytes each, then the answers.
const ANSWERS_AT: u32 = 128;
/// Bytes of an answer before its reads: the function, the result, the numbers of reads and writes.
const ANSWER_BYTES: u32 = 16;
/// Bytes of a read: its address and its length.
const READ_BYTES: i32 = 8;
/// A result that ends the program.
const ENDS: u32 = u32::MAX;
const PAGE_BYTES: u64 = 1 << 16;
/// The memory with the answers; that of the program is 0.
const OWN: u32 = 1;
/// The global with the place of the next answer.
const NEXT: u32 = 0;
/// The global with the number of calls, and its name.
const CALLS: (u32, &str) = (1, "calls");
/// The global with the digest of arguments and of what is read, and its name.
const DIGEST: (u32, &str) = (2, "digest");
/// The globals that tell what the program has done.
pub const TOLD: [&str; 2] = [CALLS.1, DIGEST.1];
/// The functions before those of the imports.
const ANSWERING: u32 = 0;
const MIXING: u32 = 1;
const FIRST_ENTRY: u32 = 2;

/// Makes the two modules of a program and some of its calls.
///
/// # Errors
/// If the program's imports or memory are of another form.
pub fn scripted(program: &[u8], calls: &[HostCall]) -> Result<Scripted, Unscripted> {
    let outline = Outline::read(program)?;
    Ok(Scripted {
        answers: answers(&outline, calls)?,
        program: outline.rewritten(program)?,
    })
}

/// The parts of a program that a script changes.
struct Outline {
    /// The indices in [`FUNCTIONS`] of the imported functions.
    functions: Vec<usize>,
    /// The first memory; `None` if the program has none.
    memory: Option<wasmparser::MemoryType>,
    /// The contents of the import section and of the memory section: begin and end.
    imports: Option<(usize, usize)>,
    memories: Option<(usize, usize)>,
}

impl Outline {
    fn read(program: &[u8]) -> Result<Outline, Unscripted> {
        let other = |error: wasmparser::BinaryReaderError| Unscripted::Other(error.to_string());
        let mut outline = Outline {
            functions: Vec::new(),
            memory: None,
            imports: None,
            memories: None,
        };
        for payload in Parser::new(0).parse_all(program) {
            match payload.map_err(other)? {
                Payload::ImportSection(section) => {
                    outline.imports = Some(bounds(section.range()));
                    for import in section.into_imports() {
                        outline.import(&import.map_err(other)?)?;
                    }
                }
                Payload::MemorySection(section) => {
                    outline.memories = Some(bounds(section.range()));
                    let first = section.into_iter().next().transpose().map_err(other)?;
                    outline.memory = first;
                }
                _unchanged => {}
            }
        }
        let is_plain =
            |ty: wasmparser::MemoryType| !ty.memory64 && !ty.shared && ty.page_size_log2.is_none();
        match outline.memory.is_none_or(is_plain) {
            true => Ok(outline),
            false => Err(Unscripted::Memory),
        }
    }

    fn import(&mut self, import: &wasmparser::Import<'_>) -> Result<(), Unscripted> {
        let of_wasi = FUNCTIONS.iter().position(|it| it.name == import.name);
        match (import.ty, of_wasi) {
            (TypeRef::Func(_), Some(function)) if import.module == MODULE => {
                if !self.functions.contains(&function) {
                    self.functions.push(function);
                }
                Ok(())
            }
            (TypeRef::Memory(_), _) => Err(Unscripted::Memory),
            _ => {
                let [module, name] = [import.module, import.name].map(ToString::to_string);
                Err(Unscripted::Import(module, name))
            }
        }
    }

    /// The program with its first memory imported.
    fn rewritten(&self, program: &[u8]) -> Result<Vec<u8>, Unscripted> {
        let (Some(ty), Some(memories), Some(imports)) = (self.memory, self.memories, self.imports)
        else {
            return Ok(program.to_vec());
        };
        let mut out = program[..8].to_vec();
        let mut at = 8;
        while at < program.len() {
            let (id, start) = (program[at], at + 1);
            let (size, contents) = leb(program, start)?;
            let end = contents + size as usize;
            match contents {
                begin if begin == imports.0 => {
                    let (count, entries) = leb(program, begin)?;
                    let mut section = leb_bytes(count + 1);
                    section.extend_from_slice(&program[entries..end]);
                    section.extend_from_slice(&memory_import(ty));
                    push_section(&mut out, id, &section);
                }
                begin if begin == memories.0 => {
                    let (count, first) = leb(program, begin)?;
                    let mut rest = first + 1;
                    for _ in 0..1 + usize::from(ty.maximum.is_some()) {
                        rest = leb(program, rest)?.1;
                    }
                    if count > 1 {
                        let section = [&leb_bytes(count - 1), &program[rest..end]].concat();
                        push_section(&mut out, id, &section);
                    }
                }
                _ => out.extend_from_slice(&program[at..end]),
            }
            at = end;
        }
        Ok(out)
    }
}

fn bounds(range: std::ops::Range<u64>) -> (usize, usize) {
    (range.start as usize, range.end as usize)
}

fn push_section(out: &mut Vec<u8>, id: u8, contents: &[u8]) {
    out.push(id);
    out.extend_from_slice(&leb_bytes(contents.len() as u32));
    out.extend_from_slice(contents);
}

/// The import of the program's memory, as bytes.
fn memory_import(ty: wasmparser::MemoryType) -> Vec<u8> {
    let mut bytes = Vec::new();
    for name in [MODULE, "memory"] {
        bytes.extend_from_slice(&leb_bytes(name.len() as u32));
        bytes.extend_from_slice(name.as_bytes());
    }
    bytes.push(2);
    bytes.push(u8::from(ty.maximum.is_some()));
    bytes.extend_from_slice(&leb_bytes(ty.initial as u32));
    bytes.extend(ty.maximum.into_iter().flat_map(|it| leb_bytes(it as u32)));
    bytes
}

fn leb_bytes(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A number and the place behind it.
fn leb(bytes: &[u8], at: usize) -> Result<(u32, usize), Unscripted> {
    let rest = bytes.get(at..).unwrap_or_default();
    let mut reader = wasmparser::BinaryReader::new(rest, at as u64);
    let value = reader.read_var_u32();
    let value = value.map_err(|error| Unscripted::Other(error.to_string()))?;
    Ok((value, reader.original_position() as usize))
}

/// The answers as bytes of the module's own memory.
fn encoded(outline: &Outline, calls: &[HostCall]) -> Result<Vec<u8>, Unscripted> {
    let mut bytes = Vec::new();
    for call in calls {
        let number = (outline.functions.iter()).position(|&it| FUNCTIONS[it].name == call.name);
        let unknown = || Unscripted::Other(format!("`{}` is not imported", call.name));
        let number = number.ok_or_else(unknown)? as u32;
        let result = match call.answer {
            Answer::Errno(errno) => errno.into(),
            Answer::Exit(_) | Answer::Raised(_) | Answer::Deadline => ENDS,
        };
        let counts = [call.reads.len(), call.writes.len()];
        let [reads, writes] = counts.map(|count| count as u32);
        for word in [number, result, reads, writes] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        for &(address, length) in &call.reads {
            bytes.extend_from_slice(&address.to_le_bytes());
            bytes.extend_from_slice(&length.to_le_bytes());
        }
        for (address, Bytes(written)) in &call.writes {
            bytes.extend_from_slice(&address.to_le_bytes());
            bytes.extend_from_slice(&(written.len() as u32).to_le_bytes());
            bytes.extend_from_slice(written);
        }
    }
    match bytes.len() < 1 << 30 {
        true => Ok(bytes),
        false => Err(Unscripted::Other("the answers take more than 1 GiB".into())),
    }
}

/// The module that answers.
fn answers(outline: &Outline, calls: &[HostCall]) -> Result<Vec<u8>, Unscripted> {
    let data = encoded(outline, calls)?;
    let end = ANSWERS_AT + data.len() as u32;
    let mut types = TypeSection::new();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    types.ty().function([ValType::I64], []);
    functions.function(ANSWERING).function(MIXING);
    code.function(&answering(end)).function(&mixing());
    for (number, &row) in outline.functions.iter().enumerate() {
        let number = number as u32;
        let function = &FUNCTIONS[row];
        let core = |types: &[CoreType]| -> Vec<ValType> {
            let types = types.iter().map(|ty| match ty {
                CoreType::I32 => ValType::I32,
                CoreType::I64 => ValType::I64,
            });
            types.collect()
        };
        types
            .ty()
            .function(core(function.params), core(function.results));
        functions.function(FIRST_ENTRY + number);
        exports.export(function.name, ExportKind::Func, FIRST_ENTRY + number);
        code.function(&entry(number, function.params, function.results.is_empty()));
    }
    exports.export("memory", ExportKind::Memory, 0);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: outline.memory.map_or(0, |ty| ty.initial),
        maximum: outline.memory.and_then(|ty| ty.maximum),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    memories.memory(MemoryType {
        minimum: u64::from(end).div_ceil(PAGE_BYTES),
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    for (index, name) in [CALLS, DIGEST] {
        exports.export(name, ExportKind::Global, index);
    }
    let mut segments = DataSection::new();
    segments.active(OWN, &ConstExpr::i32_const(ANSWERS_AT as i32), data);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&memories);
    module.section(&globals()).section(&exports).section(&code);
    module.section(&segments);
    Ok(module.finish())
}

/// The globals, in the order of their numbers.
fn globals() -> GlobalSection {
    let of_type = |val_type| GlobalType {
        val_type,
        mutable: true,
        shared: false,
    };
    let mut globals = GlobalSection::new();
    let start = ConstExpr::i32_const(ANSWERS_AT as i32);
    globals.global(of_type(ValType::I32), &start);
    globals.global(of_type(ValType::I32), &ConstExpr::i32_const(0));
    globals.global(of_type(ValType::I64), &ConstExpr::i64_const(0));
    globals
}

/// The function that takes a word into the digest.
fn mixing() -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    code.global_get(DIGEST.0).local_get(0).i64_xor();
    code.i64_const(PRIME.cast_signed()).i64_mul();
    code.global_set(DIGEST.0).end();
    function
}

/// The function of an import: keeps the arguments, and answers.
fn entry(number: u32, params: &[CoreType], has_no_result: bool) -> Function {
    let mut function = Function::new([]);
    let mut code = function.instructions();
    for (at, ty) in params.iter().enumerate() {
        code.i32_const(at as i32 * 8).local_get(at as u32);
        if *ty == CoreType::I32 {
            code.i64_extend_i32_u();
        }
        code.i64_store(own(0));
        code.i32_const(at as i32 * 8).i64_load(own(0)).call(MIXING);
    }
    code.i32_const(number.cast_signed()).call(ANSWERING);
    if has_no_result {
        code.drop();
    }
    code.end();
    function
}

/// The function that finds the next answer: its parameter is the number of the imported function,
/// its result the error code.
fn answering(end: u32) -> Function {
    let [asked, at, count, result] = [0, 1, 2, 3];
    let mut function = Function::new([(5, ValType::I32)]);
    let mut code = function.instructions();
    code.global_get(CALLS.0).i32_const(1).i32_add();
    code.global_set(CALLS.0);
    code.global_get(NEXT).local_tee(at);
    code.i32_const(end.cast_signed()).i32_ge_u();
    trap_if(&mut code);
    code.local_get(at).i32_load(own(0));
    code.local_get(asked).i32_ne();
    trap_if(&mut code);
    code.local_get(at).i32_load(own(4)).local_set(result);
    // The number of writes, for later.
    code.local_get(at).i32_load(own(12)).local_set(asked);
    code.local_get(at).i32_load(own(8)).local_set(count);
    advance(&mut code, at, ANSWER_BYTES.cast_signed());
    reading(&mut code, [at, count, 4, 5]);
    code.local_get(asked).local_set(count);
    writing(&mut code, [at, count]);
    code.local_get(at).global_set(NEXT);
    code.local_get(result);
    code.i32_const(ENDS.cast_signed()).i32_eq();
    trap_if(&mut code);
    code.local_get(result).end();
    function
}

fn trap_if(code: &mut InstructionSink<'_>) {
    code.if_(BlockType::Empty).unreachable().end();
}

/// Adds to a local.
fn advance(code: &mut InstructionSink<'_>, local: u32, amount: i32) {
    code.local_get(local).i32_const(amount).i32_add();
    code.local_set(local);
}

/// Takes each byte that a call reads into the digest: `count` reads, which begin at `at`.
fn reading(code: &mut InstructionSink<'_>, [at, count, from, to]: [u32; 4]) {
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(count).i32_eqz().br_if(1);
    code.local_get(at).i32_load(own(0)).local_tee(from);
    code.local_get(at).i32_load(own(4)).i32_add().local_set(to);
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(from).local_get(to).i32_eq().br_if(1);
    code.local_get(from).i64_load8_u(MemArg {
        target: MemArgTarget::Memory(0),
        ..own(0)
    });
    code.call(MIXING);
    advance(code, from, 1);
    code.br(0).end().end();
    advance(code, at, READ_BYTES);
    advance(code, count, -1);
    code.br(0).end().end();
}

/// Writes what a call answers into the program's memory: `count` writes, which begin at `at`.
fn writing(code: &mut InstructionSink<'_>, [at, count]: [u32; 2]) {
    code.block(BlockType::Empty).loop_(BlockType::Empty);
    code.local_get(count).i32_eqz().br_if(1);
    code.local_get(at).i32_load(own(0));
    code.local_get(at).i32_const(8).i32_add();
    code.local_get(at).i32_load(own(4)).memory_copy(0, OWN);
    code.local_get(at).local_get(at).i32_load(own(4)).i32_add();
    code.i32_const(8).i32_add().local_set(at);
    advance(code, count, -1);
    code.br(0).end().end();
}

/// An access of the module's own memory.
fn own(offset: u64) -> MemArg {
    MemArg {
        offset,
        align: 0,
        target: MemArgTarget::Memory(OWN),
        ordering: None,
    }
}
