//! The table of functions and the numbers, against those of preview 1.
//!
//! `preview1.txt` has the signatures, one to a line. `WASSAY_WITX=FOLDER` names a folder with the
//! witx of preview 1 (`legacy/preview1/witx` of WebAssembly/WASI): with it, an ignored test holds
//! table, numbers and layouts against the witx itself. The witx is not kept here, for it does not
//! come with a licence.

use std::path::Path;

use wassay_wasi::abi::{
    Advice, Clock, Errno, EventType, FdFlags, FileType, LookupFlags, OpenFlags, ReadyFlags,
    ReceiveFlags, ReceivedFlags, Rights, ShutdownFlags, Signal, SubclockFlags, TimeFlags, Whence,
};
use wassay_wasi::{CoreType, FUNCTIONS};
use witx::{Document, Id, Layout, Module, Type, WasmType};

const SIGNATURES: &str = include_str!("preview1.txt");

fn types(types: &[CoreType]) -> String {
    let types = types.iter().map(|ty| match ty {
        CoreType::I32 => " i32",
        CoreType::I64 => " i64",
    });
    types.collect()
}

fn our_signatures() -> Vec<String> {
    let lines = FUNCTIONS.iter().map(|it| {
        let (params, results) = (types(it.params), types(it.results));
        format!("{}:{params} ->{results}", it.name)
    });
    lines.collect()
}

#[test]
fn the_table_has_the_signatures_of_preview_1() {
    let ours = our_signatures();
    let known: Vec<&str> = SIGNATURES.lines().collect();
    assert_eq!(ours, known);
}

#[test]
#[ignore = "needs the witx of preview 1: WASSAY_WITX"]
fn everything_is_as_the_witx_says() {
    let folder = std::env::var("WASSAY_WITX").expect("WASSAY_WITX names a folder");
    let path = Path::new(&folder).join("wasi_snapshot_preview1.witx");
    let document = witx::load(&[path]).expect("the witx");
    check_signatures(&document);
    check_numbers(&document);
    check_layouts(&document);
}

fn check_signatures(document: &Document) {
    let module: std::rc::Rc<Module> = document.modules().next().expect("a module");
    assert_eq!(module.name.as_str(), wassay_wasi::MODULE);
    let lowered = |types: &[WasmType]| -> String {
        let types = types.iter().map(|ty| match ty {
            WasmType::I32 => " i32",
            WasmType::I64 => " i64",
            WasmType::F32 | WasmType::F64 => " float",
        });
        types.collect()
    };
    let mut theirs: Vec<String> = module
        .funcs()
        .map(|func| {
            let (params, results) = func.wasm_signature();
            let (params, results) = (lowered(&params), lowered(&results));
            format!("{}:{params} ->{results}", func.name.as_str())
        })
        .collect();
    let mut ours = our_signatures();
    theirs.sort();
    ours.sort();
    assert_eq!(ours, theirs);
}

/// The names of the cases of an enumeration, or of the flags, in the order of their numbers.
fn names(document: &Document, name: &str) -> Vec<String> {
    let named = document.typename(&Id::new(name)).expect(name);
    match &**named.type_() {
        Type::Variant(variant) => {
            let cases = variant.cases.iter();
            cases.map(|case| case.name.as_str().to_string()).collect()
        }
        Type::Record(record) => {
            let members = record.members.iter();
            members
                .map(|member| member.name.as_str().to_string())
                .collect()
        }
        other => panic!("{name} is {other:?}"),
    }
}

fn check_numbers(document: &Document) {
    macro_rules! check {
        ($($name:literal $ty:ident;)*) => { $(
            let ours: Vec<&str> = $ty::ALL.iter().map(|it| it.name()).collect();
            assert_eq!(ours, names(document, $name), $name);
        )* };
    }
    check! {
        "errno" Errno; "clockid" Clock; "filetype" FileType; "whence" Whence; "advice" Advice;
        "signal" Signal; "eventtype" EventType;
    }
    macro_rules! check_flags {
        ($($name:literal $ty:ident;)*) => { $(
            let ours = $ty::all().iter_names();
            let ours: Vec<String> = ours.map(|(it, _)| it.to_lowercase()).collect();
            assert_eq!(ours, names(document, $name), $name);
            for (n, flag) in $ty::all().iter().enumerate() {
                assert_eq!(u64::from(flag.bits()), 1 << n, $name);
            }
        )* };
    }
    check_flags! {
        "rights" Rights; "fdflags" FdFlags; "oflags" OpenFlags; "lookupflags" LookupFlags;
        "fstflags" TimeFlags; "riflags" ReceiveFlags; "roflags" ReceivedFlags;
        "sdflags" ShutdownFlags; "subclockflags" SubclockFlags; "eventrwflags" ReadyFlags;
    }
}

/// The sizes and offsets that `abi.rs` writes and reads at.
fn check_layouts(document: &Document) {
    let layouts: [(&str, usize, &[usize]); 8] = [
        ("fdstat", 24, &[0, 2, 8, 16]),
        ("filestat", 64, &[0, 8, 16, 24, 32, 40, 48, 56]),
        ("dirent", 24, &[0, 8, 16, 20]),
        ("subscription", 48, &[0, 8]),
        ("subscription_clock", 32, &[0, 8, 16, 24]),
        ("event", 32, &[0, 8, 10, 16]),
        ("event_fd_readwrite", 16, &[0, 8]),
        ("iovec", 8, &[0, 4]),
    ];
    for (name, size, offsets) in layouts {
        let named = document.typename(&Id::new(name)).expect(name);
        let ty = named.type_();
        assert_eq!(ty.mem_size(), size, "{name}");
        let Type::Record(record) = &**ty else {
            panic!("{name} is not a record");
        };
        let found: Vec<usize> = record.member_layout().iter().map(|it| it.offset).collect();
        assert_eq!(found, offsets, "{name}");
    }
    for (name, size, payload) in [("subscription_u", 40, 8), ("prestat", 8, 4)] {
        let named = document.typename(&Id::new(name)).expect(name);
        let Type::Variant(variant) = &**named.type_() else {
            panic!("{name} is not a variant");
        };
        assert_eq!(variant.mem_size(), size, "{name}");
        assert_eq!(variant.payload_offset(), payload, "{name}");
    }
}
