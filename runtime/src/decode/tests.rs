//! Tests of the decoder: it reads what wasmparser reads, operator by operator and immediate by
//! immediate, over the spec testsuite (where it is at hand) and over texts of each feature; and it
//! ends in an error on whatever is cut or damaged.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::*;

/// An immediate as text, the same from both readers.
trait Show {
    fn show(&self) -> String;
}

macro_rules! show_as_debug {
    ($($ty:ty)*) => { $(impl Show for $ty {
        fn show(&self) -> String {
            format!("{self:?}")
        }
    })* };
}

show_as_debug!(u8 u32 i32 i64 [u8; 16]);

impl Show for wasmparser::Ieee32 {
    fn show(&self) -> String {
        self.bits().show()
    }
}

impl Show for wasmparser::Ieee64 {
    fn show(&self) -> String {
        format!("{}", self.bits())
    }
}

impl Show for wasmparser::V128 {
    fn show(&self) -> String {
        format!("{}", u128::from_le_bytes(*self.bytes()))
    }
}

impl Show for wasmparser::HeapType {
    fn show(&self) -> String {
        match self {
            wasmparser::HeapType::Abstract { shared, ty } => format!("{ty:?}/{shared}"),
            wasmparser::HeapType::Concrete(index) => {
                format!("{}/false", index.as_module_index().unwrap())
            }
            wasmparser::HeapType::Exact(index) => {
                format!("{}/true", index.as_module_index().unwrap())
            }
        }
    }
}

impl Show for RawHeapType {
    fn show(&self) -> String {
        match self {
            RawHeapType::Abstract { kind, shared } => format!("{kind:?}/{shared}"),
            RawHeapType::Index { index, exact } => format!("{index}/{exact}"),
        }
    }
}

impl Show for wasmparser::RefType {
    fn show(&self) -> String {
        format!("ref {} {}", self.is_nullable(), self.heap_type().show())
    }
}

impl Show for RawRefType {
    fn show(&self) -> String {
        format!("ref {} {}", self.nullable, self.heap.show())
    }
}

impl Show for wasmparser::ValType {
    fn show(&self) -> String {
        match self {
            wasmparser::ValType::Ref(ty) => ty.show(),
            number => format!("{number:?}"),
        }
    }
}

impl Show for RawValType {
    fn show(&self) -> String {
        match self {
            RawValType::Ref(ty) => ty.show(),
            number => format!("{number:?}"),
        }
    }
}

impl Show for Vec<wasmparser::ValType> {
    fn show(&self) -> String {
        self.iter().map(Show::show).collect::<Vec<_>>().join(" ")
    }
}

impl Show for wasmparser::BlockType {
    fn show(&self) -> String {
        match self {
            wasmparser::BlockType::Empty => "empty".into(),
            wasmparser::BlockType::Type(ty) => ty.show(),
            wasmparser::BlockType::FuncType(index) => format!("type {index}"),
        }
    }
}

impl Show for RawBlockType {
    fn show(&self) -> String {
        match self {
            RawBlockType::Empty => "empty".into(),
            RawBlockType::Value(ty) => ty.show(),
            RawBlockType::Func(index) => format!("type {index}"),
        }
    }
}

impl Show for wasmparser::BrTable<'_> {
    fn show(&self) -> String {
        let targets: Vec<u32> = self.targets().map(|label| label.unwrap()).collect();
        format!("{targets:?} {}", self.default())
    }
}

impl Show for wasmparser::MemArg {
    fn show(&self) -> String {
        let wasmparser::MemArgTarget::Memory(memory) = self.target else {
            panic!("an access to an array")
        };
        format!(
            "memory {memory} align {} offset {}",
            self.align, self.offset
        )
    }
}

impl Show for MemArg {
    fn show(&self) -> String {
        let MemArg {
            memory,
            align_log2,
            offset_bytes,
        } = self;
        format!("memory {memory} align {align_log2} offset {offset_bytes}")
    }
}

impl Show for wasmparser::TryTable {
    fn show(&self) -> String {
        let mut text = self.ty.show();
        for catch in &self.catches {
            let catch = match *catch {
                wasmparser::Catch::One { tag, label } => (Some(tag), false, label),
                wasmparser::Catch::OneRef { tag, label } => (Some(tag), true, label),
                wasmparser::Catch::All { label } => (None, false, label),
                wasmparser::Catch::AllRef { label } => (None, true, label),
            };
            write!(text, " {catch:?}").unwrap();
        }
        text
    }
}

impl Show for wasmparser::ResumeTable {
    fn show(&self) -> String {
        let mut text = String::new();
        for handle in &self.handlers {
            let handle = match *handle {
                wasmparser::Handle::OnLabel { tag, label } => (tag, Some(label)),
                wasmparser::Handle::OnSwitch { tag } => (tag, None),
            };
            write!(text, " {handle:?}").unwrap();
        }
        text
    }
}

/// Orderings are read and not kept.
impl Show for wasmparser::Ordering {
    fn show(&self) -> String {
        String::new()
    }
}

fn show_handlers(handlers: Vector<'_, ResumeClause>) -> String {
    handlers
        .map(|h| format!(" {:?}", (h.tag, h.label)))
        .collect()
}

fn show_imm(imm: Imm<'_>) -> String {
    let parts = match imm {
        Imm::None => vec![],
        Imm::BlockType(ty) => vec![ty.show()],
        Imm::Label(index) | Imm::Index(index) => vec![index.show()],
        Imm::Index2(a, b) => vec![a.show(), b.show()],
        Imm::BrTable(table) => {
            vec![format!(
                "{:?} {}",
                table.targets.collect::<Vec<_>>(),
                table.default
            )]
        }
        Imm::MemArg(arg) => vec![arg.show()],
        Imm::MemArgLane(arg, lane) => vec![arg.show(), lane.show()],
        Imm::I32(value) => vec![value.show()],
        Imm::I64(value) => vec![value.show()],
        Imm::F32(bits) => vec![bits.show()],
        Imm::F64(bits) => vec![bits.to_string()],
        Imm::V128(bits) => vec![bits.to_string()],
        Imm::Lane(lane) => vec![lane.show()],
        Imm::Lanes(lanes) => vec![lanes.show()],
        Imm::HeapType(ty) => vec![ty.show()],
        Imm::BrOnCast { label, from, to } => vec![label.show(), from.show(), to.show()],
        Imm::Select(types) => vec![types.map(|ty| ty.show()).collect::<Vec<_>>().join(" ")],
        Imm::TryTable(ty, catches) => {
            let clauses = catches.map(|c| format!(" {:?}", (c.tag, c.with_ref, c.label)));
            vec![ty.show() + &clauses.collect::<String>()]
        }
        Imm::Resume(ty, handlers) => vec![ty.show(), show_handlers(handlers)],
        Imm::ResumeThrow(ty, tag, handlers) => {
            vec![ty.show(), tag.show(), show_handlers(handlers)]
        }
    };
    parts.join(", ")
}

macro_rules! define_show_operator {
    ($( @$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident
        ($($arity:tt)*) )*) => {
        /// The operator's name, and its immediates as text.
        fn show_operator(operator: &wasmparser::Operator<'_>) -> (&'static str, String) {
            match operator {
                $(wasmparser::Operator::$op $({ $($arg),* })? => {
                    let parts: Vec<String> = vec![$($($arg.show()),*)?];
                    let parts: Vec<String> = parts.into_iter().filter(|p| !p.is_empty()).collect();
                    (stringify!($op), parts.join(", "))
                })*
                other => panic!("unknown operator {other:?}"),
            }
        }
    };
}

wasmparser::for_each_operator!(define_show_operator);

/// Compares the two readers over one body; how many operators there were.
fn check_body(module: &[u8], body: &wasmparser::FunctionBody<'_>) -> usize {
    let range = body.range();
    let mut decoder = Decoder::new(
        &module[range.start as usize..range.end as usize],
        range.start as usize,
    );
    let mut locals = Vec::new();
    decoder
        .read_locals(|count, ty| locals.push((count, ty.show())))
        .unwrap();
    let known_locals = body.get_locals_reader().unwrap().into_iter();
    let known_locals: Vec<_> = known_locals
        .map(|local| local.map(|(count, ty)| (count, ty.show())).unwrap())
        .collect();
    assert_eq!(locals, known_locals);

    let mut reader = body.get_operators_reader().unwrap();
    let mut count = 0;
    while !reader.eof() {
        let offset = reader.original_position() as usize;
        let (name, immediates) = show_operator(&reader.read().unwrap());
        let instr = decoder.next().expect("wasmparser reads one more").unwrap();
        assert_eq!(format!("{:?}", instr.op), name);
        assert_eq!(instr.offset, offset, "{name}");
        assert_eq!(show_imm(instr.imm), immediates, "{name} at {offset:#x}");
        count += 1;
    }
    assert!(decoder.next().is_none(), "wasmparser reads no more");
    count
}

/// Compares the two readers over the functions of a module; how many operators there were.
fn check_module(module: &[u8]) -> usize {
    let mut count = 0;
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        if let wasmparser::Payload::CodeSectionEntry(body) = payload.unwrap() {
            count += check_body(module, &body);
        }
    }
    count
}

/// Whether the module is valid with every feature that is known here; only such code is decoded.
fn is_valid(module: &[u8]) -> bool {
    let mut features = wasmparser::WasmFeatures::all();
    features.remove(wasmparser::WasmFeatures::MULTIBYTE_ARRAY_ACCESS);
    wasmparser::Validator::new_with_features(features)
        .validate_all(module)
        .is_ok()
}

fn assemble(text: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    let mut wat =
        wast::parser::parse::<wast::Wat<'_>>(&buffer).unwrap_or_else(|e| panic!("{e}: {text}"));
    wat.encode().unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// One text for each feature with immediates of its own.
const TEXTS: &[(&str, &str)] = &[
    (
        "mvp",
        "(module (memory 1) (table 1 funcref) (global i32 (i32.const 1)) (type $t (func (param i32)
           (result i32 i64)))
         (func $f (type $t) (local i64 i64 f32 funcref) (i32.const -1)
           (i64.const 0x8000000000000000)
           (block (type $t) (loop (result i64 i64) (br_table 0 1 2 0 1 (i32.const 300000)))) drop
           (f32.const nan:0x200001) drop (f64.const -0x1p-1074) drop
           (i32.load8_s offset=0xffffffff align=1 (i32.const 64)) drop
           (if (result i32) (i32.const 64) (then (i32.const -64)) (else (i32.const 127))) drop
           (call_indirect (type $t) (i32.const 0) (global.get 0)) (call $f (local.get 0))))",
    ),
    (
        "simd and relaxed simd",
        "(module (memory 1) (func (param v128) (result v128)
           (v128.load64_lane offset=65536 align=1 7 (i32.const 1) (v128.const i32x4 1 -2 3 -4))
           (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (local.get 0) (local.get 0))
           (f32x4.relaxed_madd (local.get 0)) (i16x8.extract_lane_u 7) (i32x4.splat)
           (select (result v128) (local.get 0) (i32.const 1))))",
    ),
    (
        "gc and references",
        "(module (type $s (sub (struct (field (mut i8)) (field (mut i64)))))
           (type $a (array (mut (ref null $s)))) (type $f (func (result (ref $s))))
           (elem $e (ref null $s) (ref.null none)) (data $d \"abc\") (type $b (array i8))
         (func (result (ref null any)) (local (ref null $a) (ref null i31) externref exnref)
           (struct.new $s (i32.const 1) (i64.const 2))
           (struct.get_s $s 0 (struct.new_default $s)) drop
           (array.copy $a $a (local.get 0) (i32.const 0) (local.get 0) (i32.const 0) (i32.const 1))
           (array.new_fixed $a 300 (ref.null none)) drop (array.new_data $b $d) drop
           (array.init_elem $a $e) (ref.test (ref null $a)) (ref.cast (ref eq)) (ref.test (ref 2))
           (br_on_cast 0 anyref (ref $a)) (br_on_cast_fail 0 (ref null any) (ref null none))
           (ref.null 200) (ref.null nofunc) (call_ref $f)))",
    ),
    (
        "exceptions",
        "(module (tag $t (param i32)) (func (block $a (result i32 exnref) (block $b
           (try_table (result i32) (catch $t $b) (catch_ref $t $a) (catch_all $b) (catch_all_ref $a)
             (throw $t (i32.const 1))) throw_ref) unreachable) unreachable))",
    ),
    (
        "legacy exceptions",
        "(module (tag $t) (func try (result i32) (call 0) catch $t rethrow 0 catch_all end
           try delegate 1))",
    ),
    (
        "threads, memory64, bulk memory",
        "(module (memory 1 1 shared) (memory i64 1) (data \"\") (elem func) (table 1 funcref)
         (func (i64.atomic.rmw32.cmpxchg_u offset=8) (atomic.fence)
           (memory.atomic.wait64 1 offset=8)
           (i64.load32_u 1 offset=0xffffffffffffffff align=2) (memory.copy 1 0) (memory.init 1 0)
           (table.init 0 0) (table.copy 0 0) (memory.fill 1) (memory.grow 1) (data.drop 0)))",
    ),
    (
        "stack switching, wide arithmetic",
        "(module (type $f (func)) (type $c (cont $f)) (tag $t)
         (func (resume $c (on $t 0) (on $t switch))
           (resume_throw $c $t (on $t 0)) (cont.bind $c $c) (switch $c $t) i64.mul_wide_s))",
    ),
];

#[test]
fn reads_what_wasmparser_reads_in_each_feature() {
    for (feature, text) in TEXTS {
        let count = check_module(&assemble(text));
        assert!(count > 5, "{feature}: {count} operators");
    }
}

fn wast_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            wast_files(&path, files);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "wast")
        {
            files.push(path);
        }
    }
}

/// The modules of a script that can be encoded; none where the script cannot be parsed.
fn modules(script: &str) -> Vec<Vec<u8>> {
    use wast::WastDirective as D;
    let Ok(buffer) = wast::parser::ParseBuffer::new(script) else {
        return Vec::new();
    };
    let Ok(wast) = wast::parser::parse::<wast::Wast<'_>>(&buffer) else {
        return Vec::new();
    };
    let encode = |directive| match directive {
        D::Module(mut module) | D::ModuleDefinition(mut module) => module.encode().ok(),
        D::AssertInvalid { mut module, .. } | D::AssertMalformed { mut module, .. } => {
            module.encode().ok()
        }
        D::AssertUnlinkable { mut module, .. } => module.encode().ok(),
        _ => None,
    };
    wast.directives.into_iter().filter_map(encode).collect()
}

#[test]
#[ignore = "needs a checkout of WebAssembly/testsuite"]
fn reads_what_wasmparser_reads_in_a_checkout() {
    let folder = std::env::var_os("WASSAY_TESTSUITE");
    let folder = folder.expect("WASSAY_TESTSUITE names a checkout of WebAssembly/testsuite");
    let folder = PathBuf::from(folder);
    let mut files = Vec::new();
    wast_files(&folder, &mut files);
    let (mut count, mut operators) = (0, 0);
    for file in &files {
        let Ok(script) = std::fs::read_to_string(file) else {
            continue;
        };
        for module in modules(&script).iter().filter(|module| is_valid(module)) {
            count += 1;
            operators += check_module(module);
        }
    }
    println!(
        "{} files, {count} valid modules, {operators} operators",
        files.len()
    );
    assert!(
        operators > 10_000,
        "only {operators} operators: the suite was not read"
    );
}

#[test]
fn every_cut_of_a_body_ends_in_an_error_or_at_a_boundary() {
    for (feature, text) in TEXTS {
        let module = assemble(text);
        let code: Vec<u8> = wasmparser::Parser::new(0)
            .parse_all(&module)
            .find_map(|payload| match payload.unwrap() {
                wasmparser::Payload::CodeSectionEntry(body) => {
                    let start = body.get_operators_reader().unwrap().original_position();
                    Some(module[start as usize..body.range().end as usize].to_vec())
                }
                _ => None,
            })
            .expect("every text has a function");
        let whole = Decoder::new(&code, 0).map(|instr| instr.unwrap().offset);
        let mut boundaries: Vec<usize> = whole.collect();
        boundaries.push(code.len());
        for end in 0..code.len() {
            let ended_well = Decoder::new(&code[..end], 0).all(|instr| instr.is_ok());
            assert_eq!(
                ended_well,
                boundaries.contains(&end),
                "{feature}: cut at {end}"
            );
        }
    }
}

#[test]
fn damaged_bytes_never_panic() {
    // A generator of Knuth's, so that every run tries the same bytes.
    let mut state = 1u64;
    let mut random = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as u32
    };
    for _ in 0..200_000 {
        let bytes: Vec<u8> = (0..16).map(|_| random() as u8).collect();
        let mut count = 0;
        for instr in Decoder::new(&bytes, 0).map_while(|instr| instr.ok()) {
            count += 1;
            show_imm(instr.imm);
        }
        assert!(count <= bytes.len());
    }
}

#[test]
fn integers_at_the_limits_of_their_encoding() {
    let unsigned = |bytes: &[u8], bits| Decoder::new(bytes, 0).read_unsigned(bits).ok();
    let signed = |bytes: &[u8], bits| Decoder::new(bytes, 0).read_signed(bits).ok();
    assert_eq!(unsigned(&[0x80, 0x80, 0x80, 0x80, 0x00], 32), Some(0));
    assert_eq!(
        unsigned(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F], 32),
        Some(0xFFFF_FFFF)
    );
    assert_eq!(unsigned(&[0xFF, 0xFF, 0xFF, 0xFF, 0x1F], 32), None);
    assert_eq!(unsigned(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 32), None);
    let max = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
    assert_eq!(unsigned(&max, 64), Some(u64::MAX));
    assert_eq!(unsigned(&[&max[..9], &[0x02]].concat(), 64), None);
    assert_eq!(signed(&[0x7F], 32), Some(-1));
    assert_eq!(
        signed(&[0x80, 0x80, 0x80, 0x80, 0x78], 32),
        Some(i64::from(i32::MIN))
    );
    assert_eq!(
        signed(&[0xFF, 0xFF, 0xFF, 0xFF, 0x07], 32),
        Some(i64::from(i32::MAX))
    );
    assert_eq!(signed(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F], 32), None);
    assert_eq!(signed(&[0x80, 0x80, 0x80, 0x80, 0x70], 32), None);
    assert_eq!(
        signed(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F], 33),
        Some(0xFFFF_FFFF)
    );
    assert_eq!(signed(&[0xFF, 0xFF, 0xFF, 0xFF, 0x1F], 33), None);
    let min = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7F];
    assert_eq!(signed(&min, 64), Some(i64::MIN));
    assert_eq!(signed(&[&min[..9], &[0x7E]].concat(), 64), None);
    assert_eq!(signed(&[&min[..9], &[0x00]].concat(), 64), Some(0));
}
