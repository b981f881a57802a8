//! The interface, checked from all sides: `tests/wasm.txt` has the declarations of the standard's
//! `wasm.h` (WebAssembly/wasm-c-api) as facts, a function in a line; our header declares exactly
//! these, with these types; the library exports them, and what `wassay.h` adds; and `tests/api.c`
//! calls each and checks what it does.
//!
//! With `WASSAY_WASM_H=FILE`, the ignored test holds the table against the standard's header
//! itself, as the crate wasmtime-c-api-impl and the standard's repository have it.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object as _, ObjectSymbol as _};

/// The declarations of the standard.
const TABLE: &str = include_str!("wasm.txt");

/// A declaration of the table.
struct Row {
    name: &'static str,
    /// The declaration, without the words that say how the function is linked.
    text: &'static str,
    /// True if the header has the whole function.
    is_inline: bool,
}

fn rows() -> impl Iterator<Item = Row> {
    TABLE.lines().map(|line| {
        let text = line.strip_prefix("inline ").unwrap_or(line);
        let head = text.split('(').next().unwrap_or_default();
        let name = head.rsplit([' ', '*']).next().unwrap_or_default();
        let is_inline = text != line;
        Row {
            name,
            text,
            is_inline,
        }
    })
}

fn names(rows: impl Iterator<Item = Row>) -> BTreeSet<String> {
    rows.map(|row| row.name.to_owned()).collect()
}

/// The words before an opening parenthesis that begin with `prefix`, in C without its directives:
/// the functions that it declares, defines or calls.
fn declared(header: &Path, prefix: &str) -> BTreeSet<String> {
    let mut command = support::compiler();
    command.args(["-E", "-P", "-x", "c"]).arg(header);
    let output = support::run(&mut command);
    let text = String::from_utf8(output.stdout).expect("text");
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = |(at, _)| {
        let text: &str = &text[..at];
        let text = text.trim_end();
        &text[text.rfind(|c| !word(c)).map_or(0, |at| at + 1)..]
    };
    let words = text.match_indices('(').map(before);
    let words = words.filter(|word| word.starts_with(prefix));
    words.map(str::to_owned).collect()
}

fn header(name: &str) -> PathBuf {
    support::folder().join("include").join(name)
}

/// Compiles a C file that includes a header, declares all functions again and takes their
/// addresses: an error if a type is another. Links it with the library if that is wanted.
fn compile_declarations(header: &Path, linked: bool) {
    let made = tempfile::tempdir().expect("a folder");
    let source = made.path().join("declarations.c");
    let mut text = format!("#include \"{}\"\n", header.display());
    for row in rows() {
        let linkage = if row.is_inline { "static " } else { "" };
        writeln!(text, "{linkage}{};", row.text).expect("text");
    }
    text += "void (*const all[])(void) = {\n";
    for row in rows() {
        writeln!(text, "  (void (*)(void)){},", row.name).expect("text");
    }
    text += "};\nint main(void) { return all[0] == NULL; }\n";
    std::fs::write(&source, text).expect("the source is written");
    let program = made.path().join("declarations");
    if linked {
        support::link_shared(&source, &program);
    } else {
        support::run(
            support::compiler()
                .arg("-c")
                .arg(&source)
                .arg("-o")
                .arg(&program),
        );
    }
}

#[test]
fn the_header_declares_the_standard_and_nothing_else() {
    let declared = declared(&header("wasm.h"), "wasm_");
    similar_asserts::assert_eq!(declared, names(rows()));
}

#[test]
fn every_declaration_is_of_the_standard_type_and_in_the_library() {
    compile_declarations(&header("wasm.h"), true);
}

/// The names that the library exports to C.
fn exports() -> BTreeSet<String> {
    let bytes = std::fs::read(support::shared_library()).expect("the shared library");
    let library = object::File::parse(&*bytes).expect("a library");
    let exports = library.exports().expect("exports");
    let names = exports.iter().map(|it| String::from_utf8_lossy(it.name()));
    let names = names.map(|name| name.strip_prefix('_').unwrap_or(&name).to_owned());
    let is_ours = |name: &String| name.starts_with("wasm_") || name.starts_with("wassay_");
    names.filter(is_ours).collect()
}

#[test]
fn the_library_exports_what_the_headers_declare_and_nothing_else() {
    let mut wanted = names(rows().filter(|row| !row.is_inline));
    wanted.extend(declared(&header("wassay.h"), "wassay_"));
    similar_asserts::assert_eq!(exports(), wanted);
}

/// Compiles `api.c`, which has the bytes of its module in it.
fn compile_api(to: &Path) {
    let tests = support::folder().join("tests");
    let folder = to.parent().expect("a folder");
    let module = folder.join("api.wasm");
    support::assemble(&tests.join("api.wat"), &module);
    let bytes = std::fs::read(module).expect("the module");
    let text: String = bytes.iter().map(|byte| format!("{byte},")).collect();
    std::fs::write(folder.join("api.wasm.inc"), text).expect("its bytes are written");
    let mut command = support::compiler();
    command
        .arg("-I")
        .arg(folder)
        .arg("-c")
        .arg(tests.join("api.c"));
    support::run(command.arg("-o").arg(to));
}

/// The undefined names of a compiled file: what it calls.
fn called(compiled: &Path) -> BTreeSet<String> {
    let bytes = std::fs::read(compiled).expect("the compiled file");
    let compiled = object::File::parse(&*bytes).expect("a compiled file");
    let symbols = compiled.symbols().filter(|symbol| symbol.is_undefined());
    let names = symbols.filter_map(|symbol| symbol.name().ok().map(str::to_owned));
    names
        .map(|name| name.strip_prefix('_').unwrap_or(&name).to_owned())
        .collect()
}

#[test]
fn every_function_does_what_it_should() {
    let made = tempfile::tempdir().expect("a folder");
    let (compiled, program) = (made.path().join("api.o"), made.path().join("api"));
    compile_api(&compiled);
    let missing: Vec<_> = exports().difference(&called(&compiled)).cloned().collect();
    assert_eq!(missing, Vec::<String>::new(), "not called by api.c");
    support::link_shared(&compiled, &program);
    for tier in support::TIERS {
        support::run(Command::new(&program).env("WASSAY_TIER", tier));
    }
}

#[test]
#[ignore = "needs the standard's header: WASSAY_WASM_H"]
fn the_table_is_that_of_the_standard() {
    let path =
        std::env::var_os("WASSAY_WASM_H").expect("WASSAY_WASM_H names the standard's header");
    let path = Path::new(&path);
    compile_declarations(path, false);
    similar_asserts::assert_eq!(declared(path, "wasm_"), names(rows()));
}
