//! Modules made to terminate: fuel that loops and functions take, which the export [`REFUEL`] gives
//! anew; waits of a microsecond; memories and tables that cannot become large.
//!
//! Sections are copied as they are but for what is added at their ends, so no index changes. Custom
//! sections are left out.

use wasm_encoder::{Encode, MemorySection, MemoryType, TableType};
use wasmparser::{
    BinaryReader, FunctionBody, MemorySectionReader, Operator, Parser, Payload, Result, TableInit,
    TableSectionReader,
};

use super::outline::Outline;

/// The export that gives a module all of its fuel.
pub(super) const REFUEL: &str = "refuel";

/// The arrivals at loops and functions that a call may make.
const FUEL: i32 = 1500;

/// The most elements that a new array of a given length may have.
const ARRAY_ELEMENTS_MAX: i32 = 5000;

/// The time that a wait takes at most.
const WAIT_NANOSECONDS: i64 = 1000;

/// The most pages of 64 KiB, and the most elements of a table.
const PAGES_MAX: u64 = 4;
const ELEMENTS_MAX: u64 = 1000;

/// The sections of a module in the order in which they stand.
const ORDER: [u8; 13] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/// The numbers of sections that are changed.
mod section {
    pub(super) const TYPE: u8 = 1;
    pub(super) const FUNCTION: u8 = 3;
    pub(super) const TABLE: u8 = 4;
    pub(super) const MEMORY: u8 = 5;
    pub(super) const GLOBAL: u8 = 6;
    pub(super) const EXPORT: u8 = 7;
    pub(super) const CODE: u8 = 10;
}

/// What a module's sections hold, by their numbers.
type Sections<'a> = [Option<&'a [u8]>; 14];

/// The module with fuel; `None` if it is malformed, has an export of the name already, or needs
/// more memory from the start than is allowed.
pub(super) fn limited(module: &[u8], outline: &Outline) -> Option<Vec<u8>> {
    if outline.exports.iter().any(|(name, ..)| name == REFUEL) {
        return None;
    }
    let (sections, bodies) = sections(module).ok()?;
    let fuel = outline.globals;
    let mut result = b"\0asm\x01\0\0\0".to_vec();
    for number in ORDER {
        let old = sections[usize::from(number)];
        let new = match number {
            section::TYPE => Some(extended(old, &[&[0x60, 0, 0]])?),
            section::FUNCTION => {
                let ty = encoded(&(outline.types.len() as u32));
                Some(extended(old, &[&ty])?)
            }
            section::TABLE => match old {
                Some(old) => Some(tables(old).ok()??),
                None => None,
            },
            section::MEMORY => match old {
                Some(old) => Some(memories(old).ok()??),
                None => None,
            },
            section::GLOBAL => {
                let mut global = vec![0x7F, 1, 0x41];
                FUEL.encode(&mut global);
                global.push(0x0B);
                Some(extended(old, &[&global])?)
            }
            section::EXPORT => {
                let mut export = encoded(REFUEL);
                export.push(0);
                (outline.functions.len() as u32).encode(&mut export);
                Some(extended(old, &[&export])?)
            }
            section::CODE => {
                let mut code = encoded(&(bodies.len() as u32 + 1));
                for (index, body) in bodies.iter().enumerate() {
                    let function = outline.functions.len() - bodies.len() + index;
                    let ty = outline.function_type(function as u32)?;
                    let params = ty.params().len() as u32;
                    with_fuel(body, params, fuel)
                        .ok()?
                        .as_slice()
                        .encode(&mut code);
                }
                refuel(fuel).as_slice().encode(&mut code);
                Some(code)
            }
            _ => old.map(<[u8]>::to_vec),
        };
        if let Some(new) = new {
            result.push(number);
            new.as_slice().encode(&mut result);
        }
    }
    Some(result)
}

fn encoded<T: Encode + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

/// The sections of a module, and the bodies of its functions.
fn sections(module: &[u8]) -> Result<(Sections<'_>, Vec<FunctionBody<'_>>)> {
    let mut sections = Sections::default();
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::CodeSectionEntry(body) = payload {
            bodies.push(body);
        } else if let Some((number, range)) = payload.as_section()
            && let Some(place) = sections.get_mut(usize::from(number))
        {
            *place = Some(&module[range.start as usize..range.end as usize]);
        }
    }
    Ok((sections, bodies))
}

/// A section with entries added, or a new one.
fn extended(old: Option<&[u8]>, added: &[&[u8]]) -> Option<Vec<u8>> {
    let mut reader = BinaryReader::new(old.unwrap_or(&[0]), 0);
    let count = reader.read_var_u32().ok()?;
    let mut section = encoded(&(count + added.len() as u32));
    section.extend(reader.read_bytes(reader.bytes_remaining()).ok()?);
    added.iter().for_each(|entry| section.extend(*entry));
    Some(section)
}

/// Memories with a maximum that is near; `None` if one is large from the start.
fn memories(section: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut memories = MemorySection::new();
    for memory in MemorySectionReader::new(BinaryReader::new(section, 0))? {
        let memory = memory?;
        let pages_max = PAGES_MAX << (16 - memory.page_size_log2.unwrap_or(16));
        if memory.initial > pages_max {
            return Ok(None);
        }
        memories.memory(MemoryType {
            minimum: memory.initial,
            maximum: Some(memory.maximum.unwrap_or(pages_max).min(pages_max)),
            memory64: memory.memory64,
            shared: memory.shared,
            page_size_log2: memory.page_size_log2,
        });
    }
    Ok(Some(contents(&memories)))
}

/// Tables with a maximum that is near; `None` if one is large from the start.
fn tables(section: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut tables = wasm_encoder::TableSection::new();
    for table in TableSectionReader::new(BinaryReader::new(section, 0))? {
        let table = table?;
        let Ok(element_type) = table.ty.element_type.try_into() else {
            return Ok(None);
        };
        if table.ty.initial > ELEMENTS_MAX {
            return Ok(None);
        }
        let ty = TableType {
            element_type,
            table64: table.ty.table64,
            minimum: table.ty.initial,
            maximum: Some(table.ty.maximum.unwrap_or(ELEMENTS_MAX).min(ELEMENTS_MAX)),
            shared: table.ty.shared,
        };
        match table.init {
            TableInit::RefNull => tables.table(ty),
            TableInit::Expr(value) => {
                let mut reader = value.get_binary_reader();
                let bytes = reader.read_bytes(reader.bytes_remaining())?;
                // The end is added by the encoder.
                let bytes = bytes.strip_suffix(&[0x0B]).unwrap_or(bytes);
                let value = wasm_encoder::ConstExpr::raw(bytes.iter().copied());
                tables.table_with_init(ty, &value)
            }
        };
    }
    Ok(Some(contents(&tables)))
}

/// What an encoded section holds, without its size.
fn contents(section: &impl Encode) -> Vec<u8> {
    let bytes = encoded(section);
    let mut reader = BinaryReader::new(&bytes, 0);
    let size = reader.read_var_u32().unwrap_or_default() as usize;
    bytes[bytes.len() - size..].to_vec()
}

/// The body of a function that takes fuel, and traps when there is none.
fn with_fuel(body: &FunctionBody<'_>, params: u32, fuel: u32) -> Result<Vec<u8>> {
    let mut locals = body.get_locals_reader()?;
    let groups = locals.get_count();
    let mut count = params;
    let start = locals.original_position();
    for _ in 0..groups {
        count += locals.read()?.0;
    }
    let whole = body.as_bytes();
    let origin = body.range().start;
    let operators = body.get_operators_reader()?;
    let code = operators.original_position();
    // A local for lengths of arrays.
    let mut result = encoded(&(groups + 1));
    result.extend(&whole[(start - origin) as usize..(code - origin) as usize]);
    result.extend([1, 0x7F]);
    take_fuel(&mut result, fuel);
    let mut copied = (code - origin) as usize;
    for item in operators.into_iter_with_offsets() {
        let (operator, at) = item?;
        let before = matches!(
            operator,
            Operator::ArrayNew { .. } | Operator::ArrayNewDefault { .. }
        );
        if before {
            let at = (at - origin) as usize;
            result.extend(&whole[copied..at]);
            copied = at;
            check_length(&mut result, count);
        }
        if let Operator::MemoryAtomicWait32 { .. } | Operator::MemoryAtomicWait64 { .. } = operator
        {
            let at = (at - origin) as usize;
            result.extend(&whole[copied..at]);
            copied = at;
            wait_briefly(&mut result);
        }
        if let Operator::Loop { blockty } = operator {
            // The opcode and the block type.
            let len = 1 + match blockty {
                wasmparser::BlockType::FuncType(index) => encoded(&i64::from(index)).len(),
                wasmparser::BlockType::Empty => 1,
                wasmparser::BlockType::Type(_) => {
                    let mut reader = BinaryReader::new(&whole[(at - origin) as usize + 1..], 0);
                    let before = reader.bytes_remaining();
                    reader.read::<wasmparser::ValType>()?;
                    before - reader.bytes_remaining()
                }
            };
            let end = (at - origin) as usize + len;
            result.extend(&whole[copied..end]);
            copied = end;
            take_fuel(&mut result, fuel);
        }
    }
    result.extend(&whole[copied..]);
    Ok(result)
}

/// `if fuel == 0 { trap }; fuel -= 1`
fn take_fuel(code: &mut Vec<u8>, fuel: u32) {
    use wasm_encoder::{BlockType, Instruction as I};
    let instructions = [
        I::GlobalGet(fuel),
        I::I32Eqz,
        I::If(BlockType::Empty),
        I::Unreachable,
        I::End,
        I::GlobalGet(fuel),
        I::I32Const(1),
        I::I32Sub,
        I::GlobalSet(fuel),
    ];
    instructions.iter().for_each(|it| it.encode(code));
}

/// `if length > most { trap }`, with the length on the stack before and after.
fn check_length(code: &mut Vec<u8>, local: u32) {
    use wasm_encoder::{BlockType, Instruction as I};
    let instructions = [
        I::LocalTee(local),
        I::LocalGet(local),
        I::I32Const(ARRAY_ELEMENTS_MAX),
        I::I32GtU,
        I::If(BlockType::Empty),
        I::Unreachable,
        I::End,
    ];
    instructions.iter().for_each(|it| it.encode(code));
}

/// Replaces the time-out of a wait, which is on the stack: a negative one has no end.
fn wait_briefly(code: &mut Vec<u8>) {
    use wasm_encoder::Instruction as I;
    let instructions = [I::Drop, I::I64Const(WAIT_NANOSECONDS)];
    instructions.iter().for_each(|it| it.encode(code));
}

/// The body of the function that gives fuel.
fn refuel(fuel: u32) -> Vec<u8> {
    use wasm_encoder::Instruction as I;
    let mut body = vec![0];
    for instruction in [I::I32Const(FUEL), I::GlobalSet(fuel), I::End] {
        instruction.encode(&mut body);
    }
    body
}
