//! A module with probes: code at chosen places that counts, takes values into a digest or keeps
//! them in exported globals, and stops execution at a chosen event.
//!
//! Whatever is added stands behind what is there, so that no index changes, and bodies without a
//! probe stay as they are, byte by byte. Probes are plain code and plain exports: any engine runs
//! them.

use std::collections::HashMap;

use wasm_encoder::{
    BlockType, ConstExpr, Encode, HeapType, Instruction as I, MemArg, MemArgTarget, RefType,
    ValType,
};

use wasmparser::MemoryType;

use super::outline::{Body, Objects, Outline, OutlineError, Stop};

/// The beginning of the names of exports that are added.
pub const PREFIX: &str = "wassay-explain-";
/// A global: the number of events until execution stops; it counts down.
pub const LEFT: &str = "wassay-explain-left";
/// A global: the digest of all that events have taken in.
pub const DIGEST: &str = "wassay-explain-digest";
/// A global: the number of the place of the last event.
pub const SITE: &str = "wassay-explain-site";
/// A global: the number of events at the marked place.
pub const ARRIVALS: &str = "wassay-explain-arrivals";
/// A function: begins to count, and stops at the event of the given number; 0 is never.
pub const ARM: &str = "wassay-explain-arm";
/// A function: the start function of the module.
pub const START: &str = "wassay-explain-start";

/// The prime of the digest: odd, so that nothing that was taken in is lost.
const PRIME: i64 = 0x0000_0100_0000_01b3;
/// The stand-in for every NaN, whose bits an engine may choose.
const NAN: i64 = 0x7ff8_5eed;

const TYPE_SECTION: u8 = 1;
const FUNCTION_SECTION: u8 = 3;
const GLOBAL_SECTION: u8 = 6;
const EXPORT_SECTION: u8 = 7;
const START_SECTION: u8 = 8;
const CODE_SECTION: u8 = 10;
/// The order of sections in a module.
const ORDER: [u8; 13] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11];

/// The name of the export of a value that a probe keeps.
pub fn kept_local(local: usize) -> String {
    format!("{PREFIX}local-{local}")
}

/// The name of the export of an operand that a probe keeps, counted from the lowest.
pub fn kept_operand(operand: usize) -> String {
    format!("{PREFIX}operand-{operand}")
}

/// The name of the export of a global of the module.
pub fn global_name(global: usize) -> String {
    format!("{PREFIX}global-{global}")
}

/// The name of the function that gives the digest of a part of a memory.
pub fn memory_digest(memory: usize) -> String {
    format!("{PREFIX}memory-{memory}")
}

/// The words that a call of the function of [`memory_words`] gives.
pub const WORDS: usize = 512;

/// The name of the function that gives so many words of a memory, from an address on.
pub fn memory_words(memory: usize) -> String {
    format!("{PREFIX}memory-words-{memory}")
}

/// The name of the function that gives the number of pages of a memory.
pub fn memory_size(memory: usize) -> String {
    format!("{PREFIX}memory-size-{memory}")
}

/// The name of the function that gives an element of a table.
pub fn table_element(table: usize) -> String {
    format!("{PREFIX}table-{table}")
}

/// The name of the function that gives the length of a table.
pub fn table_size(table: usize) -> String {
    format!("{PREFIX}table-size-{table}")
}

/// A place with a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The function.
    pub func: u32,
    /// The index of the instruction that follows.
    pub at: usize,
    /// The byte of the module at which that instruction begins.
    pub offset: usize,
    /// True if a call stands before it.
    pub is_behind_call: bool,
}

/// The values of a place that a digest takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Parameters at the beginning of a function, results behind a call.
    Passed,
    /// All locals, and all operands of the block.
    Everything,
}

/// An object that a probe keeps, with the functions that read what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptObject {
    /// The index of its type.
    pub ty: u32,
    /// The functions: of a struct, one for each field; of an array, one that takes an index.
    pub readers: Vec<String>,
    /// Of an array, the function that gives its length.
    pub length: Option<String>,
}

/// Items of a section that are added.
#[derive(Default)]
struct Added {
    count: u32,
    bytes: Vec<u8>,
}

impl Added {
    fn add(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        self.count += 1;
        encode(&mut self.bytes);
    }
}

/// A module that is being written anew.
pub struct Rewriter<'a> {
    outline: &'a Outline<'a>,
    types: Added,
    funcs: Added,
    globals: Added,
    exports: Added,
    code: Added,
    bodies: HashMap<u32, Vec<u8>>,
    drops_start: bool,
    drops_custom: bool,
    sites: Vec<Site>,
}

impl<'a> Rewriter<'a> {
    /// The module as it is.
    fn unchanged(outline: &'a Outline<'a>) -> Rewriter<'a> {
        Rewriter {
            outline,
            types: Added::default(),
            funcs: Added::default(),
            globals: Added::default(),
            exports: Added::default(),
            code: Added::default(),
            bodies: HashMap::new(),
            drops_start: false,
            drops_custom: false,
            sites: Vec::new(),
        }
    }

    /// The module with nothing but a trap in the functions that `is_kept` does not name, and
    /// without custom sections.
    pub fn stubbed(outline: &'a Outline<'a>, is_kept: impl Fn(u32) -> bool) -> Vec<u8> {
        let mut new = Rewriter::unchanged(outline);
        new.drops_custom = true;
        let funcs = outline.imported_funcs..outline.funcs;
        let mut stub = vec![0];
        write(&mut stub, &[I::Unreachable, I::End]);
        new.bodies = funcs
            .filter(|func| !is_kept(*func))
            .map(|func| (func, stub.clone()))
            .collect();
        new.finish().0
    }

    /// The module with the globals and the function of every probe, and with its start function
    /// as an export if `splits_start`.
    ///
    /// # Errors
    /// If the module has exports of such names already.
    pub fn new(outline: &'a Outline<'a>, splits_start: bool) -> Result<Rewriter<'a>, OutlineError> {
        let mut new = Rewriter::unchanged(outline);
        new.drops_start = splits_start;
        if let Some(name) = (outline.exported_funcs.keys()).find(|it| it.starts_with(PREFIX)) {
            let message = format!("the module exports {name:?} already");
            return Err(OutlineError::Invalid(message));
        }
        for name in [LEFT, DIGEST, SITE, ARRIVALS] {
            new.add_global(name, ValType::I64);
        }
        if let Some(start) = outline.start.filter(|_| splits_start) {
            new.export(START, 0, start);
        }
        let mut arm = Vec::new();
        for (global, value) in [
            (new.left(), I::LocalGet(0)),
            (new.digest(), I::I64Const(0)),
            (new.site(), I::I64Const(0)),
            (new.arrivals(), I::I64Const(0)),
        ] {
            write(&mut arm, &[value, I::GlobalSet(global)]);
        }
        new.add_func(ARM, &[ValType::I64], &[], &[], arm);
        Ok(new)
    }

    fn global(&self, n: u32) -> u32 {
        self.outline.globals.len() as u32 + n
    }

    fn left(&self) -> u32 {
        self.global(0)
    }

    fn digest(&self) -> u32 {
        self.global(1)
    }

    fn site(&self) -> u32 {
        self.global(2)
    }

    fn arrivals(&self) -> u32 {
        self.global(3)
    }

    /// Adds an exported mutable global of a type that has a default; gives its index.
    fn add_global(&mut self, name: &str, ty: ValType) -> u32 {
        let index = self.global(self.globals.count);
        let init = match ty {
            ValType::I32 => ConstExpr::i32_const(0),
            ValType::I64 => ConstExpr::i64_const(0),
            ValType::F32 => ConstExpr::f32_const(0.0.into()),
            ValType::F64 => ConstExpr::f64_const(0.0.into()),
            ValType::V128 => ConstExpr::v128_const(0),
            ValType::Ref(ty) => ConstExpr::ref_null(ty.heap_type),
        };
        self.globals.add(|out| {
            ty.encode(out);
            out.push(1);
            init.encode(out);
        });
        self.export(name, 3, index);
        index
    }

    fn export(&mut self, name: &str, kind: u8, index: u32) {
        self.exports.add(|out| {
            name.encode(out);
            out.push(kind);
            index.encode(out);
        });
    }

    fn add_type(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        let index = self.outline.types + self.types.count;
        self.types.add(|out| {
            out.push(0x60);
            params.encode(out);
            results.encode(out);
        });
        index
    }

    /// Adds an exported function.
    fn add_func(
        &mut self,
        name: &str,
        params: &[ValType],
        results: &[ValType],
        locals: &[ValType],
        code: Vec<u8>,
    ) {
        let ty = self.add_type(params, results);
        let index = self.outline.funcs + self.funcs.count;
        self.funcs.add(|out| ty.encode(out));
        self.export(name, 0, index);
        let mut body = Vec::new();
        (locals.len() as u32).encode(&mut body);
        for ty in locals {
            body.push(1);
            ty.encode(&mut body);
        }
        body.extend(code);
        I::End.encode(&mut body);
        self.code.add(|out| body.encode(out));
    }

    /// Lets the places of a function count, and take values into the digest. At the place
    /// `marked`, arrivals count too.
    pub fn digest_at(&mut self, body: &Body, taken: Taken, marked: Option<(u32, usize)>) {
        let mut temps = Temps::new(body);
        let mut insertions = Vec::new();
        for stop in &body.stops {
            self.sites.push(Site {
                func: body.func,
                at: stop.at,
                offset: body.instructions[stop.at].offset,
                is_behind_call: stop.at > 0 && body.instructions[stop.at - 1].is_call,
            });
            let number = self.sites.len() as i64;
            let is_first = stop.at == 0;
            let top = match taken {
                Taken::Everything => stop.operands.len(),
                Taken::Passed => stop.results,
            };
            let locals = match taken {
                Taken::Everything => readable(body),
                Taken::Passed if is_first => (0..body.params).collect(),
                Taken::Passed => Vec::new(),
            };
            let operands = &stop.operands[stop.operands.len() - top..];
            let temps = temps.of(operands);
            let mut code = Vec::new();
            take_off(&mut code, &temps);
            self.mix(&mut code, &[I::I64Const(number)]);
            for local in locals {
                self.mix_local(&mut code, local as u32, body.locals[local]);
            }
            for (&temp, &ty) in temps.iter().zip(operands) {
                self.mix_local(&mut code, temp, ty);
            }
            write(&mut code, &[I::I64Const(number), I::GlobalSet(self.site())]);
            if marked == Some((body.func, stop.at)) {
                self.count(&mut code, self.arrivals(), &I::I64Add);
            }
            self.count(&mut code, self.left(), &I::I64Sub);
            self.if_none_left(&mut code);
            write(&mut code, &[I::Unreachable, I::End]);
            put_back(&mut code, &temps);
            insertions.push((stop.at, code));
        }
        self.put_body(body, &insertions, &temps.types);
    }

    /// Lets each function note in a global that it has been entered: a bit for each, 64 in a
    /// global. Gives the names of the globals.
    ///
    /// # Errors
    /// If a body cannot be read.
    pub fn flag_entries(&mut self) -> Result<Vec<String>, OutlineError> {
        let (mut names, mut global) = (Vec::new(), 0);
        for (at, range) in self.outline.bodies.iter().enumerate() {
            if at % 64 == 0 {
                names.push(format!("{PREFIX}entered-{}", at / 64));
                global = self.add_global(&names[at / 64], ValType::I64);
            }
            let mut code = Vec::new();
            write(
                &mut code,
                &[
                    I::GlobalGet(global),
                    I::I64Const(1 << (at % 64)),
                    I::I64Or,
                    I::GlobalSet(global),
                ],
            );
            let start = range.start as u64;
            let bytes = &self.outline.bytes[range.clone()];
            let body = wasmparser::FunctionBody::new(wasmparser::BinaryReader::new(bytes, start));
            let first = body.get_operators_reader()?.original_position() as usize;
            let mut new = self.outline.bytes[range.start..first].to_vec();
            new.extend(code);
            new.extend(&self.outline.bytes[first..range.end]);
            self.bodies
                .insert(self.outline.imported_funcs + at as u32, new);
        }
        Ok(names)
    }

    /// Lets each place of some functions note in a global that it was reached (a bit for each, 64
    /// in a global), and stop after the armed number of places. Gives the names of the globals.
    pub fn flag_places(&mut self, bodies: &[Body]) -> Vec<String> {
        let (mut names, mut number, mut global) = (Vec::new(), 0, 0);
        for body in bodies {
            let mut insertions = Vec::new();
            for stop in &body.stops {
                if number % 64 == 0 {
                    let name = format!("{PREFIX}reached-{}", number / 64);
                    global = self.add_global(&name, ValType::I64);
                    names.push(name);
                }
                let mut code = Vec::new();
                write(
                    &mut code,
                    &[
                        I::GlobalGet(global),
                        I::I64Const(1 << (number % 64)),
                        I::I64Or,
                        I::GlobalSet(global),
                    ],
                );
                self.count(&mut code, self.left(), &I::I64Sub);
                self.if_none_left(&mut code);
                write(&mut code, &[I::Unreachable, I::End]);
                insertions.push((stop.at, code));
                number += 1;
            }
            self.put_body(body, &insertions, &[]);
        }
        names
    }

    /// Lets a place of a function keep all locals and operands at the armed arrival, and stop.
    pub fn keep_at(&mut self, body: &Body, stop: &Stop) {
        let mut temps = Temps::new(body);
        let operands = temps.of(&stop.operands);
        let mut code = Vec::new();
        take_off(&mut code, &operands);
        self.count(&mut code, self.left(), &I::I64Sub);
        self.if_none_left(&mut code);
        for local in readable(body) {
            let global = self.add_global(&kept_local(local), nullable(body.locals[local]));
            write(
                &mut code,
                &[I::LocalGet(local as u32), I::GlobalSet(global)],
            );
        }
        for (number, (&temp, &ty)) in operands.iter().zip(&stop.operands).enumerate() {
            let global = self.add_global(&kept_operand(number), nullable(ty));
            write(&mut code, &[I::LocalGet(temp), I::GlobalSet(global)]);
        }
        write(&mut code, &[I::Unreachable, I::End]);
        put_back(&mut code, &operands);
        self.put_body(body, &[(stop.at, code)], &temps.types);
    }

    /// Lets a place of a function stop at the armed arrival, and keep the objects that locals and
    /// operands refer to there, and operands at the place before it.
    ///
    /// # Errors
    /// If a type cannot be written.
    pub fn keep_objects_at(
        &mut self,
        body: &Body,
        before: Option<&Stop>,
        stop: &Stop,
    ) -> Result<Vec<KeptObject>, OutlineError> {
        let mut temps = Temps::new(body);
        let mut kept = Vec::new();
        let mut insertions = Vec::new();
        if let Some(before) = before {
            let operands = temps.of(&before.operands);
            let mut code = Vec::new();
            take_off(&mut code, &operands);
            let left = [I::GlobalGet(self.left()), I::I64Const(1), I::I64Eq];
            write(&mut code, &left);
            write(&mut code, &[I::If(BlockType::Empty)]);
            for (&temp, &ty) in operands.iter().zip(&before.operands) {
                kept.extend(self.keep_object(&mut code, temp, ty)?);
            }
            write(&mut code, &[I::End]);
            put_back(&mut code, &operands);
            insertions.push((before.at, code));
        }
        let operands = temps.of(&stop.operands);
        let mut code = Vec::new();
        take_off(&mut code, &operands);
        self.count(&mut code, self.left(), &I::I64Sub);
        self.if_none_left(&mut code);
        for (&temp, &ty) in operands.iter().zip(&stop.operands).rev() {
            kept.extend(self.keep_object(&mut code, temp, ty)?);
        }
        for local in readable(body) {
            kept.extend(self.keep_object(&mut code, local as u32, body.locals[local])?);
        }
        write(&mut code, &[I::Unreachable, I::End]);
        put_back(&mut code, &operands);
        insertions.push((stop.at, code));
        self.put_body(body, &insertions, &temps.types);
        Ok(kept)
    }

    /// Keeps a local if it refers to a struct or an array of a known type.
    fn keep_object(
        &mut self,
        code: &mut Vec<u8>,
        local: u32,
        ty: ValType,
    ) -> Result<Option<KeptObject>, OutlineError> {
        let outline = self.outline;
        let ValType::Ref(RefType {
            heap_type: HeapType::Concrete(index) | HeapType::Exact(index),
            ..
        }) = ty
        else {
            return Ok(None);
        };
        let name = format!("{PREFIX}object-{}", self.globals.count);
        let (fields, is_array) = match outline.objects.get(index as usize) {
            Some(Objects::Struct(fields)) => (fields.as_slice(), false),
            Some(Objects::Array(element)) => (std::slice::from_ref(element), true),
            Some(Objects::Other) | None => return Ok(None),
        };
        let global = self.add_global(&name, nullable(ty));
        write(code, &[I::LocalGet(local), I::GlobalSet(global)]);
        let mut kept = KeptObject {
            ty: index,
            readers: Vec::new(),
            length: None,
        };
        for (field, &storage) in fields.iter().enumerate() {
            let (ty, is_packed) = outline.read_type(storage)?;
            let (struct_type_index, field_index) = (index, field as u32);
            let get = match (is_array, is_packed) {
                (true, false) => I::ArrayGet(index),
                (true, true) => I::ArrayGetU(index),
                (false, false) => I::StructGet {
                    struct_type_index,
                    field_index,
                },
                (false, true) => I::StructGetU {
                    struct_type_index,
                    field_index,
                },
            };
            let mut reader = Vec::new();
            write(&mut reader, &[I::GlobalGet(global)]);
            if is_array {
                write(&mut reader, &[I::LocalGet(0)]);
            }
            write(&mut reader, &[get]);
            let params: &[ValType] = if is_array { &[ValType::I32] } else { &[] };
            let reader_name = format!("{name}-{field}");
            self.add_func(&reader_name, params, &[ty], &[], reader);
            kept.readers.push(reader_name);
        }
        if is_array {
            let mut reader = Vec::new();
            write(
                &mut reader,
                &[I::GlobalGet(global), I::ArrayLen, I::I64ExtendI32U],
            );
            let length = format!("{name}-length");
            self.add_func(&length, &[], &[ValType::I64], &[], reader);
            kept.length = Some(length);
        }
        Ok(Some(kept))
    }

    /// Adds functions and exports that give the parts of the state.
    ///
    /// # Errors
    /// If a type cannot be written.
    pub fn add_accessors(&mut self) -> Result<(), OutlineError> {
        for global in 0..self.outline.globals.len() {
            self.export(&global_name(global), 3, global as u32);
        }
        let outline = self.outline;
        for (memory, ty) in outline.memories.iter().enumerate() {
            let mut code = vec![];
            self.digest_of_memory(&mut code, memory as u32, ty);
            let i64 = ValType::I64;
            self.add_func(&memory_digest(memory), &[i64, i64], &[i64], &[i64], code);
            let mut code = vec![];
            write(&mut code, &[I::MemorySize(memory as u32)]);
            widen(&mut code, ty.memory64);
            self.add_func(&memory_size(memory), &[], &[i64], &[], code);
        }
        for (table, ty) in outline.tables.iter().enumerate() {
            let element = ValType::Ref(outline.ref_type(ty.element_type)?);
            let index = if ty.table64 {
                ValType::I64
            } else {
                ValType::I32
            };
            let mut code = vec![];
            write(&mut code, &[I::LocalGet(0), I::TableGet(table as u32)]);
            self.add_func(&table_element(table), &[index], &[element], &[], code);
            let mut code = vec![];
            write(&mut code, &[I::TableSize(table as u32)]);
            widen(&mut code, ty.table64);
            self.add_func(&table_size(table), &[], &[ValType::I64], &[], code);
        }
        Ok(())
    }

    /// Adds functions that give the words of memories.
    pub fn add_word_readers(&mut self) {
        let outline = self.outline;
        for (memory, ty) in outline.memories.iter().enumerate() {
            let mut code = vec![];
            for word in 0..WORDS as u64 {
                write(&mut code, &[I::LocalGet(0)]);
                if !ty.memory64 {
                    write(&mut code, &[I::I32WrapI64]);
                }
                let at = MemArg {
                    offset: 8 * word,
                    align: 0,
                    target: MemArgTarget::Memory(memory as u32),
                    ordering: None,
                };
                write(&mut code, &[I::I64Load(at)]);
            }
            let results = [ValType::I64; WORDS];
            self.add_func(&memory_words(memory), &[ValType::I64], &results, &[], code);
        }
    }

    /// Exports every memory and table, for engines that show their state by exports only.
    pub fn export_state(&mut self) {
        for memory in 0..self.outline.memories.len() {
            self.export(&format!("{PREFIX}shown-memory-{memory}"), 2, memory as u32);
        }
        for table in 0..self.outline.tables.len() {
            self.export(&format!("{PREFIX}shown-table-{table}"), 1, table as u32);
        }
    }

    /// The digest of local 1 units from address local 0 on, with local 2 for it.
    fn digest_of_memory(&self, code: &mut Vec<u8>, memory: u32, ty: &MemoryType) {
        let at = MemArg {
            offset: 0,
            align: 0,
            target: MemArgTarget::Memory(memory),
            ordering: None,
        };
        let unit = unit_bytes(ty);
        write(
            code,
            &[I::Block(BlockType::Empty), I::Loop(BlockType::Empty)],
        );
        write(code, &[I::LocalGet(1), I::I64Eqz, I::BrIf(1)]);
        write(code, &[I::LocalGet(2), I::LocalGet(0)]);
        if !ty.memory64 {
            write(code, &[I::I32WrapI64]);
        }
        let load = if unit == 1 {
            I::I64Load8U(at)
        } else {
            I::I64Load(at)
        };
        write(code, &[load, I::I64Xor]);
        write(code, &[I::I64Const(PRIME), I::I64Mul, I::LocalSet(2)]);
        for (local, by) in [(0, unit as i64), (1, -1)] {
            let (get, set) = (I::LocalGet(local), I::LocalSet(local));
            write(code, &[get, I::I64Const(by), I::I64Add, set]);
        }
        write(code, &[I::Br(0), I::End, I::End, I::LocalGet(2)]);
    }

    /// Takes the i64 that some code gives into the digest.
    fn mix(&self, code: &mut Vec<u8>, value: &[I<'_>]) {
        write(code, value);
        write(
            code,
            &[
                I::GlobalGet(self.digest()),
                I::I64Xor,
                I::I64Const(PRIME),
                I::I64Mul,
                I::GlobalSet(self.digest()),
            ],
        );
    }

    fn mix_local(&self, code: &mut Vec<u8>, local: u32, ty: ValType) {
        let get = I::LocalGet(local);
        match ty {
            ValType::I32 => self.mix(code, &[get, I::I64ExtendI32U]),
            ValType::I64 => self.mix(code, &[get]),
            ValType::F32 => self.mix(
                code,
                &[
                    get.clone(),
                    I::I32ReinterpretF32,
                    I::I64ExtendI32U,
                    I::I64Const(NAN),
                    get.clone(),
                    get,
                    I::F32Eq,
                    I::Select,
                ],
            ),
            ValType::F64 => self.mix(
                code,
                &[
                    get.clone(),
                    I::I64ReinterpretF64,
                    I::I64Const(NAN),
                    get.clone(),
                    get,
                    I::F64Eq,
                    I::Select,
                ],
            ),
            ValType::V128 => {
                self.mix(code, &[get.clone(), I::I64x2ExtractLane(0)]);
                self.mix(code, &[get, I::I64x2ExtractLane(1)]);
            }
            ValType::Ref(_) => self.mix(code, &[get, I::RefIsNull, I::I64ExtendI32U]),
        }
    }

    /// Adds 1 to a global, or subtracts it.
    fn count(&self, code: &mut Vec<u8>, global: u32, by: &I<'_>) {
        write(
            code,
            &[
                I::GlobalGet(global),
                I::I64Const(1),
                by.clone(),
                I::GlobalSet(global),
            ],
        );
    }

    fn if_none_left(&self, code: &mut Vec<u8>) {
        write(
            code,
            &[
                I::GlobalGet(self.left()),
                I::I64Eqz,
                I::If(BlockType::Empty),
            ],
        );
    }

    /// Writes a body with code before some of its instructions, and with more locals.
    fn put_body(&mut self, body: &Body, insertions: &[(usize, Vec<u8>)], more: &[ValType]) {
        let index = (body.func - self.outline.imported_funcs) as usize;
        let range = self.outline.bodies[index].clone();
        let bytes = self.outline.bytes;
        let mut reader = wasmparser::BinaryReader::new(&bytes[range.clone()], range.start as u64);
        let groups = reader.read_var_u32().unwrap_or(0);
        let first_group = reader.original_position() as usize;
        let first = body.instructions[0].offset;
        let mut out = Vec::with_capacity(range.len() + 64);
        (groups + more.len() as u32).encode(&mut out);
        out.extend(&bytes[first_group..first]);
        for ty in more {
            out.push(1);
            ty.encode(&mut out);
        }
        let mut at = first;
        for (instruction, code) in insertions {
            let offset = body.instructions[*instruction].offset;
            out.extend(&bytes[at..offset]);
            out.extend(code);
            at = offset;
        }
        out.extend(&bytes[at..range.end]);
        self.bodies.insert(body.func, out);
    }

    /// The module, and the places by their numbers, from 1.
    pub fn finish(self) -> (Vec<u8>, Vec<Site>) {
        let mut out = self.outline.bytes[..8].to_vec();
        let mut done = Vec::new();
        for (id, range) in &self.outline.sections {
            if *id != 0 {
                self.missing(&mut out, &mut done, Some(*id));
            }
            let contents = &self.outline.bytes[range.clone()];
            done.push(*id);
            match *id {
                CODE_SECTION => self.code_section(&mut out),
                START_SECTION if self.drops_start => {}
                0 if self.drops_custom => {}
                id => match self.added(id) {
                    Some(added) => extended(&mut out, id, contents, added),
                    None => section(&mut out, id, contents),
                },
            }
        }
        self.missing(&mut out, &mut done, None);
        (out, self.sites)
    }

    fn added(&self, id: u8) -> Option<&Added> {
        match id {
            TYPE_SECTION => Some(&self.types),
            FUNCTION_SECTION => Some(&self.funcs),
            GLOBAL_SECTION => Some(&self.globals),
            EXPORT_SECTION => Some(&self.exports),
            _ => None,
        }
    }

    /// Writes the sections that have been added and that the module does not have, as far as they
    /// stand before another one.
    fn missing(&self, out: &mut Vec<u8>, done: &mut Vec<u8>, before: Option<u8>) {
        for id in ORDER {
            if Some(id) == before {
                return;
            }
            let is_there = self.outline.sections.iter().any(|(it, _)| *it == id);
            if is_there || done.contains(&id) {
                continue;
            }
            done.push(id);
            if id == CODE_SECTION {
                self.code_section(out);
            } else if let Some(added) = self.added(id) {
                extended(out, id, &[0], added);
            }
        }
    }

    fn code_section(&self, out: &mut Vec<u8>) {
        let outline = self.outline;
        let mut contents = Vec::new();
        (outline.bodies.len() as u32 + self.code.count).encode(&mut contents);
        for (range, func) in outline.bodies.iter().zip(outline.imported_funcs..) {
            match self.bodies.get(&func) {
                Some(body) => body.encode(&mut contents),
                None => outline.bytes[range.clone()].encode(&mut contents),
            }
        }
        contents.extend(&self.code.bytes);
        section(out, CODE_SECTION, &contents);
    }
}

/// Locals of a function beyond those that it has, to hold operands for a while.
struct Temps {
    first: u32,
    types: Vec<ValType>,
}

impl Temps {
    fn new(body: &Body) -> Temps {
        Temps {
            first: body.locals.len() as u32,
            types: Vec::new(),
        }
    }

    /// Different locals of these types.
    fn of(&mut self, types: &[ValType]) -> Vec<u32> {
        let mut used: Vec<usize> = Vec::new();
        for ty in types {
            let free = |at: &usize| self.types[*at] == *ty && !used.contains(at);
            let at = (0..self.types.len()).find(free);
            used.push(at.unwrap_or_else(|| {
                self.types.push(*ty);
                self.types.len() - 1
            }));
        }
        used.iter().map(|&at| self.first + at as u32).collect()
    }
}

/// The locals that can be read anywhere: those that are set before the code begins.
pub fn readable(body: &Body) -> Vec<usize> {
    let has_default = |local: &usize| {
        let ty = body.locals[*local];
        *local < body.params
            || !matches!(
                ty,
                ValType::Ref(RefType {
                    nullable: false,
                    ..
                })
            )
    };
    (0..body.locals.len()).filter(has_default).collect()
}

/// The unit in which a memory is read: its length is a multiple of it.
pub fn unit_bytes(ty: &MemoryType) -> u64 {
    match ty.page_size_log2 {
        Some(0..3) => 1,
        Some(_) | None => 8,
    }
}

/// The only unit that a part of a memory holds, by the digest of the part.
pub fn unit_of_digest(digest: u64) -> u64 {
    // Newton's iteration: each step doubles the bits that are right.
    let prime = PRIME as u64;
    let step = |inverse: u64| inverse.wrapping_mul(2u64.wrapping_sub(prime.wrapping_mul(inverse)));
    let inverse = (0..6).fold(prime, |inverse, _| step(inverse));
    digest.wrapping_mul(inverse)
}

/// The type with null in it.
fn nullable(ty: ValType) -> ValType {
    match ty {
        ValType::Ref(RefType { heap_type, .. }) => ValType::Ref(RefType {
            nullable: true,
            heap_type: match heap_type {
                HeapType::Exact(index) => HeapType::Concrete(index),
                other => other,
            },
        }),
        other => other,
    }
}

fn take_off(code: &mut Vec<u8>, temps: &[u32]) {
    for &temp in temps.iter().rev() {
        I::LocalSet(temp).encode(code);
    }
}

fn put_back(code: &mut Vec<u8>, temps: &[u32]) {
    for &temp in temps {
        I::LocalGet(temp).encode(code);
    }
}

fn widen(code: &mut Vec<u8>, is_64: bool) {
    if !is_64 {
        I::I64ExtendI32U.encode(code);
    }
}

fn write(code: &mut Vec<u8>, instructions: &[I<'_>]) {
    for instruction in instructions {
        instruction.encode(code);
    }
}

/// Writes a section of a vector with more items behind its own.
fn extended(out: &mut Vec<u8>, id: u8, contents: &[u8], added: &Added) {
    if added.count == 0 && contents == [0] {
        return;
    }
    let mut reader = wasmparser::BinaryReader::new(contents, 0);
    let count = reader.read_var_u32().unwrap_or(0);
    let items = reader.original_position() as usize;
    let mut new = Vec::with_capacity(contents.len() + added.bytes.len() + 5);
    (count + added.count).encode(&mut new);
    new.extend(&contents[items..]);
    new.extend(&added.bytes);
    section(out, id, &new);
}

fn section(out: &mut Vec<u8>, id: u8, contents: &[u8]) {
    out.push(id);
    contents.encode(out);
}
