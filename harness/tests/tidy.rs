//! Tidy: the rules of the tree that neither rustc, clippy nor rustfmt checks.
//!
//! It owns: the floors of runtime/src (which room may import which), the list of files that may
//! say `unsafe`, the limits of columns and of lines per function, and the rule that a match over
//! opcodes or IR instructions lists them. The rules read the sources as text: comments and literals
//! are blanked first, and code under `#[cfg(test)]` is told apart.
//! Every rule has a test of its own below, on a source that breaks it.

use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The rooms of runtime/src, lowest floor first. A file imports only from rooms on floors below its
/// own, or from its own room (a folder).
const FLOORS: &[&[&str]] = &[
    &["types", "trap", "limits", "signals"],
    &["value", "vm", "backtrace", "perf_map"],
    &["error"],
    &["ops"],
    &["decode", "numeric", "meter", "atomic", "count", "sample"],
    &["simd"],
    &["evaluate"],
    &["module"],
    &["memory", "table", "global", "engine", "interrupt"],
    &["gc"],
    &["helpers"],
    &["store"],
    &["ir"],
    &["stack", "register", "jit"],
    &["tier"],
    &["api"],
    &["crash"],
    &["interior"],
    &["lib"],
];

/// The rooms of harness/src, lowest floor first: they follow the data.
const HARNESS_FLOORS: &[&[&str]] = &[
    &["closed", "error", "features", "shell", "tier"],
    &["engine", "interrupt"],
    &["input", "thread"],
    &["script"],
    &["outcome", "suite"],
    &["protocol"],
    &["plan"],
    &["worker"],
    &["record"],
    &["pool"],
    &["adapter"],
    &["judge"],
    &["explain"],
    &["report"],
    &["measure"],
    &["coverage", "listing", "reduce"],
    &["present"],
    &["fuzz"],
    &["cli"],
    &["command"],
    &["lib", "main"],
];

/// The rooms of runtime/capi/src, lowest floor first.
const CAPI_FLOORS: &[&[&str]] = &[
    &["vector", "object"],
    &["failure", "types"],
    &["value"],
    &["trap", "module"],
    &["engine", "externs", "func", "instance", "reference"],
    &["lib"],
];

/// The folder of a crate, and its floors.
type House = (&'static str, &'static [&'static [&'static str]]);

/// The crates whose files have floors.
const HOUSES: &[House] = &[
    ("runtime/src/", FLOORS),
    ("runtime/capi/src/", CAPI_FLOORS),
    ("harness/src/", HARNESS_FLOORS),
];

/// The order inside of rooms of the runtime: a folder as the path of its module, and its files and
/// folders, lowest first. The rule is that of `FLOORS`; the folder's own file (`register.rs`,
/// `jit/mod.rs`) is its roof, which may import them all. A folder inside of such a folder may have
/// a row of its own.
const ORDERS: &[(&str, &[&[&str]])] = &[
    (
        "jit",
        &[
            &["helper", "marks", "steps"],
            &["ssa"],
            &["build"],
            &["opt"],
            &["lower"],
            &["code"],
            &["target"],
            &["arm64", "publish"],
            &["pipeline"],
            &["backend"],
            &["host"],
        ],
    ),
    (
        "register",
        &[
            &["machine"],
            &["code"],
            &["table"],
            &["handlers"],
            &["fuse"],
            &["body"],
        ],
    ),
    (
        "register::handlers",
        &[
            &["numeric"],
            &["memory"],
            &["atomic", "control", "gc", "simd"],
            &["unwind"],
            &["call"],
            &["promote"],
            &["dispatch"],
        ],
    ),
];

/// The files that may contain `unsafe`; each block says why it is sound.
const UNSAFE_FILES: &[&str] = &[
    // Libraries of C.
    "harness/engines/adapter/src/engines/c_api/library.rs",
    "harness/engines/adapter/src/engines/toywasm.rs",
    "harness/engines/adapter/src/engines/wamr.rs",
    // What C calls: exported names in all of them; pointers and stores in the first three.
    "runtime/capi/src/object.rs",
    "runtime/capi/src/value.rs",
    "runtime/capi/src/vector.rs",
    "runtime/capi/src/engine.rs",
    "runtime/capi/src/externs.rs",
    "runtime/capi/src/failure.rs",
    "runtime/capi/src/func.rs",
    "runtime/capi/src/instance.rs",
    "runtime/capi/src/module.rs",
    "runtime/capi/src/reference.rs",
    "runtime/capi/src/trap.rs",
    "runtime/capi/src/types.rs",
    // A signal to a run that has taken too long.
    "harness/mutate/src/process.rs",
    // A look at the standard output before `main`.
    "harness/src/closed.rs",
    // A memory-mapped file that a worker and its master both see.
    "harness/src/protocol/cell.rs",
    // Signals and their handlers.
    "runtime/src/crash.rs",
    "runtime/src/signals.rs",
    // A read that the compiler must not see through.
    "runtime/src/numeric.rs",
    // Stable addresses that running code holds.
    "runtime/src/helpers.rs",
    "runtime/src/helpers/atomic.rs",
    "runtime/src/memory.rs",
    "runtime/src/memory/shared.rs",
    "runtime/src/memory/space.rs",
    // Atomics of the host on the bytes of a memory.
    "runtime/src/atomic.rs",
    "runtime/src/store.rs",
    "runtime/src/store/aggregate.rs",
    "runtime/src/store/collect.rs",
    "runtime/src/store/exception.rs",
    "runtime/src/store/describe.rs",
    "runtime/src/store/func.rs",
    "runtime/src/store/handles.rs",
    "runtime/src/store/objects.rs",
    "runtime/src/store/sample.rs",
    "runtime/src/api/objects.rs",
    // The public face: stores by pointer, values in slots, closures behind entries.
    "runtime/src/api/caller.rs",
    "runtime/src/api/context.rs",
    "runtime/src/api/externs.rs",
    "runtime/src/api/func.rs",
    "runtime/src/api/linker.rs",
    "runtime/src/api/typed.rs",
    "runtime/src/value.rs",
    "runtime/src/store/instance.rs",
    "runtime/src/store/instance/init.rs",
    "runtime/src/vm.rs",
    // Contracts of what follows those addresses.
    "runtime/src/engine.rs",
    "runtime/src/tier.rs",
    // The garbage-collected heap.
    "runtime/src/gc.rs",
    "runtime/src/gc/cast.rs",
    "runtime/src/gc/mark.rs",
    "runtime/src/gc/object.rs",
    // Handlers: code, frames and memory by pointer.
    "runtime/src/register/body.rs",
    "runtime/src/register/code.rs",
    "runtime/src/register/handlers/atomic.rs",
    "runtime/src/register/handlers/call.rs",
    "runtime/src/register/handlers/control.rs",
    "runtime/src/register/handlers/dispatch.rs",
    "runtime/src/register/handlers/gc.rs",
    "runtime/src/register/handlers/memory.rs",
    "runtime/src/register/handlers/promote.rs",
    "runtime/src/register/handlers/simd.rs",
    "runtime/src/register/handlers/unwind.rs",
    "runtime/src/register/machine.rs",
    "runtime/src/stack/call.rs",
    "runtime/src/stack/code.rs",
    "runtime/src/stack/gc.rs",
    "runtime/src/stack/machine.rs",
    "runtime/src/stack/simd.rs",
    "runtime/src/stack/unwind.rs",
    // Compiled code: its memory, its faults, entering it, what it calls.
    "runtime/src/jit/backend.rs",
    "runtime/src/jit/code/outside.rs",
    "runtime/src/jit/code/regions.rs",
    "runtime/src/jit/code/unwind.rs",
    "runtime/src/jit/code/walk.rs",
    "runtime/src/jit/publish.rs",
    "runtime/src/jit/publish/fault.rs",
    "runtime/src/jit/target.rs",
    // The target of this process: its caches, and the registers of interrupted code.
    "runtime/src/jit/arm64/host.rs",
    "runtime/src/jit/arm64/mod.rs",
    // Tests of them: registers in assembly, signals and processes.
    "runtime/src/jit/arm64/tests/preserved.rs",
    "runtime/tests/faults.rs",
    "runtime/tests/api.rs",
    // The mark that the counting plugin looks for is a system call.
    "runtime/src/jit/marks.rs",
];

const COLUMNS_MAX: usize = 100;
const FUNCTION_LINES_MAX: usize = 70;

/// A function may be longer if it is one exhaustive match or one table: around the match or the
/// brackets of the table it has at most so many lines, and each arm of the match has at most these.
const LINES_AROUND_TABLE_MAX: usize = 10;
const ARM_LINES_MAX: usize = 20;

/// What does not belong outside tests, with what to write in its place.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        ".unwrap()",
        "expect(\"why it cannot fail\"), or return an error",
    ),
    ("todo!(", "an error that says what is not built"),
    ("dbg!(", "nothing"),
];

/// Words with which a doc comment does not begin: a noun is to stand there.
const CLAUSE_WORDS: &[&str] = &["What ", "Whether ", "Who ", "How "];

/// Phrases that docs write in another way.
const UNPLAIN_PHRASES: &[(&str, &str)] = &[(" is no ", " is not a "), (" are no ", " are not ")];

#[test]
fn the_tree_is_tidy() {
    let sources = sources_of_the_tree();
    assert!(sources.len() > 4, "the walk must find the sources");
    let mut findings = Vec::new();
    for source in &sources {
        check_head(source, &mut findings);
        check_columns(source, &mut findings);
        check_floors(source, &mut findings);
        check_orders(source, &mut findings);
        check_unsafe(source, &mut findings);
        check_forbidden(source, &mut findings);
        check_function_lines(source, &mut findings);
        check_default_arms(source, &mut findings);
        check_target(source, &mut findings);
        if ["runtime/src/", "runtime/capi/src/", "runtime/wasi/src/"]
            .iter()
            .any(|it| source.path.starts_with(it))
        {
            check_docs(source, &mut findings);
        }
    }
    check_rows_are_needed(&sources, &mut findings);
    assert!(
        findings.is_empty(),
        "{} untidy places:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

// --- rules ---------------------------------------------------------------------------------------

fn check_head(source: &Source, findings: &mut Vec<String>) {
    if !source.text.starts_with("//!") {
        findings.push(source.at(
            0,
            "no `//!` head: what the file is for, owns and keeps true",
        ));
    }
}

fn check_columns(source: &Source, findings: &mut Vec<String>) {
    let mut offset = 0;
    for line in source.text.split_inclusive('\n') {
        let columns = line.trim_end_matches('\n').chars().count();
        if columns > COLUMNS_MAX {
            findings.push(source.at(offset, &format!("{columns} columns, {COLUMNS_MAX} allowed")));
        }
        offset += line.len();
    }
}

/// Imports point down: judged by every `crate::room` and `super::room` outside tests.
fn check_floors(source: &Source, findings: &mut Vec<String>) {
    if let Some((_, floors)) = source.house() {
        check_order(source, &[], floors, findings);
    }
}

/// The same inside of the folders of `ORDERS`.
fn check_orders(source: &Source, findings: &mut Vec<String>) {
    if !source.path.starts_with("runtime/src/") {
        return;
    }
    for (folder, floors) in ORDERS {
        let folder: Vec<&str> = folder.split("::").collect();
        check_order(source, &folder, floors, findings);
    }
}

/// Checks what a file of a folder imports from the folder.
fn check_order(source: &Source, folder: &[&str], floors: &[&[&str]], findings: &mut Vec<String>) {
    let Some(module) = source.module() else {
        return;
    };
    let Some([own_room, ..]) = module.strip_prefix(folder) else {
        return;
    };
    if source.is_test(0) || module == ["lib"] || module == ["main"] {
        return;
    }
    let floor_of = |room: &str| floors.iter().position(|rooms| rooms.contains(&room));
    let within = ["crate"]
        .iter()
        .chain(folder)
        .copied()
        .collect::<Vec<_>>()
        .join("::");
    let Some(own_floor) = floor_of(own_room) else {
        let message = format!("room `{own_room}` has no floor in `{within}`");
        findings.push(source.at(0, &message));
        return;
    };
    for (offset, path) in source.imports() {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some([room, ..]) = path.strip_prefix(folder) else {
            continue;
        };
        if room == own_room {
            continue;
        }
        match floor_of(room) {
            Some(floor) if floor < own_floor => {}
            Some(floor) => findings.push(source.at(
                offset,
                &format!("`{own_room}` (floor {own_floor}) imports `{room}` (floor {floor})"),
            )),
            None => findings.push(source.at(
                offset,
                &format!("`{within}::{room}` is no room: name the module that defines it"),
            )),
        }
    }
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn check_unsafe(source: &Source, findings: &mut Vec<String>) {
    let mut places = source.words("unsafe");
    places.retain(|&offset| !source.is_test(offset));
    if let Some(&first) = places.first()
        && !UNSAFE_FILES.contains(&source.path.as_str())
    {
        findings.push(source.at(first, "`unsafe` outside the files of UNSAFE_FILES"));
    }
    for offset in places {
        if source.opens_block(offset) && !source.has_safety_note(offset) {
            findings.push(source.at(offset, "`unsafe` block without a `// SAFETY:` note"));
        }
    }
}

fn check_forbidden(source: &Source, findings: &mut Vec<String>) {
    for (needle, instead) in FORBIDDEN {
        for (offset, _) in source.code.match_indices(needle) {
            if !source.is_test(offset) {
                findings.push(source.at(offset, &format!("`{needle}`: write {instead}")));
            }
        }
    }
}

fn check_function_lines(source: &Source, findings: &mut Vec<String>) {
    for (range, name) in source.functions() {
        let lines = source.lines(&range);
        if lines > FUNCTION_LINES_MAX && !source.is_one_table(&range) {
            let message = format!("fn {name} has {lines} lines, {FUNCTION_LINES_MAX} allowed");
            findings.push(source.at(range.start, &message));
        }
    }
}

/// A match over `Op`, `Group` or `ir::Inst` has no arm for all others: an opcode or instruction
/// that is added and not thought of does not compile.
fn check_default_arms(source: &Source, findings: &mut Vec<String>) {
    for (_, arms) in source.matches() {
        if !arms.iter().any(|arm| source.names_variant(arm.pattern)) {
            continue;
        }
        for arm in arms.iter().filter(|arm| !arm.has_guard) {
            if let Some(default) = default_of(arm.pattern) {
                let message = format!(
                    "`{default}` is an arm for all other opcodes or instructions: \
                     list them, or use a column of the table or an enum of `ops::group`"
                );
                findings.push(source.at(arm.offset, &message));
            }
        }
    }
}

/// In the JIT, one folder is about an instruction set, one file names it, and the roof declares it.
fn check_target(source: &Source, findings: &mut Vec<String>) {
    let is_jit = source.path.starts_with("runtime/src/jit/");
    let is_target = source.path.starts_with("runtime/src/jit/arm64/");
    if !is_jit || is_target || source.path == "runtime/src/jit/host.rs" {
        return;
    }
    let code = source.code.to_lowercase();
    for name in ["arm64", "aarch64"] {
        for (offset, _) in code.match_indices(name) {
            if !code[..offset].ends_with("mod ") {
                let message = format!("`{name}` outside of jit/arm64/ and jit/host.rs");
                findings.push(source.at(offset, &message));
            }
        }
    }
}

/// Docs are in plain English, as far as that can be checked.
fn check_docs(source: &Source, findings: &mut Vec<String>) {
    let (mut offset, mut was_doc) = (0, false);
    for line in source.text.split_inclusive('\n') {
        let text = line.trim_start();
        let doc = text.strip_prefix("///").or(text.strip_prefix("//!"));
        if let Some(doc) = doc.filter(|_| !source.is_test(offset)) {
            let doc = doc.trim();
            let word = CLAUSE_WORDS.iter().find(|word| doc.starts_with(**word));
            if let Some(word) = word.filter(|_| !was_doc) {
                let word = word.trim_end();
                findings.push(source.at(offset, &format!("`{word} ..`: begin with a noun")));
            }
            for (phrase, instead) in UNPLAIN_PHRASES {
                if doc.contains(phrase) {
                    findings.push(source.at(offset, &format!("`{phrase}`: write `{instead}`")));
                }
            }
        }
        was_doc = doc.is_some_and(|doc| !doc.trim().is_empty());
        offset += line.len();
    }
}

/// A row of a list that nothing needs any more must go.
fn check_rows_are_needed(sources: &[Source], findings: &mut Vec<String>) {
    let find = |path: &str| sources.iter().find(|source| source.path == path);
    for (house, floors) in HOUSES {
        let is_room = |source: &&Source| source.path.starts_with(house);
        let modules: Vec<_> = sources.iter().filter(is_room).map(Source::module).collect();
        for room in floors.iter().copied().flatten() {
            let is_it = |module: &Option<Vec<&str>>| {
                module
                    .as_ref()
                    .is_some_and(|module| module.first() == Some(room))
            };
            if !modules.iter().any(is_it) {
                findings.push(format!("floors of {house}: there is no room `{room}`"));
            }
        }
    }
    let of_runtime = sources
        .iter()
        .filter(|source| source.path.starts_with("runtime/"));
    let modules: Vec<Vec<&str>> = of_runtime.filter_map(Source::module).collect();
    for (folder, floors) in ORDERS {
        for room in floors.iter().copied().flatten() {
            let path: Vec<&str> = folder.split("::").chain([*room]).collect();
            if !modules.iter().any(|module| module.starts_with(&path)) {
                findings.push(format!("ORDERS: there is no `{folder}::{room}`"));
            }
        }
    }
    for path in UNSAFE_FILES {
        if find(path).is_none_or(|source| source.words("unsafe").is_empty()) {
            findings.push(format!("UNSAFE_FILES: {path} needs no row"));
        }
    }
}

/// ARCHITECTURE.md tells the floors to people: its table and FLOORS agree.
#[test]
fn architecture_tells_the_floors() {
    let path = root().join("ARCHITECTURE.md");
    let text = fs::read_to_string(path).expect("ARCHITECTURE.md is there");
    let mut told = Vec::new();
    for (row, line) in text
        .lines()
        .filter(|line| line.starts_with("| F"))
        .enumerate()
    {
        let names = line
            .split('|')
            .nth(2)
            .expect("a row has cells")
            .split('`')
            .skip(1)
            .step_by(2);
        told.extend(names.map(|name| (row, name)));
    }
    let mut row_before = 0;
    for rooms in FLOORS {
        for room in *rooms {
            let row = told
                .iter()
                .find(|(_, name)| name == room)
                .map(|(row, _)| *row);
            let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md has no floor for `{room}`"));
            assert!(
                row_before <= row,
                "`{room}` is lower in ARCHITECTURE.md than in FLOORS"
            );
            row_before = row;
        }
    }
    for (_, name) in &told {
        assert!(
            floor_of(name).is_some(),
            "ARCHITECTURE.md tells of a room `{name}`, FLOORS not"
        );
    }
}

// --- sources -------------------------------------------------------------------------------------

/// One file: its text, and the same text with comments and literals blanked, byte for byte.
struct Source {
    /// From the workspace's root, with `/`.
    path: String,
    text: String,
    code: String,
    tests: Vec<Range<usize>>,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let code = blank_comments_and_literals(text);
        let is_test_file = path.contains("/tests/") || path.ends_with("/tests.rs");
        let tests = if is_test_file {
            Vec::from([Range {
                start: 0,
                end: text.len(),
            }])
        } else {
            test_items(&code)
        };
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            tests,
        }
    }

    fn at(&self, offset: usize, message: &str) -> String {
        let line = self.text[..offset].matches('\n').count() + 1;
        format!("{}:{line}: {message}", self.path)
    }

    fn is_test(&self, offset: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&offset))
    }

    /// The row of `HOUSES` that the file belongs to.
    fn house(&self) -> Option<&'static House> {
        HOUSES
            .iter()
            .find(|(prefix, _)| self.path.starts_with(prefix))
    }

    /// The path of the file's module in its crate: `[stack, frame]` for
    /// runtime/src/stack/frame.rs, `[stack]` for runtime/src/stack.rs and runtime/src/stack/mod.rs.
    fn module(&self) -> Option<Vec<&str>> {
        let (prefix, _) = self.house()?;
        let inside = self.path.strip_prefix(prefix)?.strip_suffix(".rs")?;
        let mut module: Vec<&str> = inside.split('/').collect();
        if module.last() == Some(&"mod") {
            module.pop();
        }
        Some(module)
    }

    /// The names of the modules inside of the file that a place is in, outermost first.
    fn inner_modules(&self, offset: usize) -> Vec<&str> {
        let mut names = Vec::new();
        for start in self.words("mod") {
            let rest = self.code[start + "mod".len()..].trim_start();
            let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let (name, rest) = rest.split_at(len.unwrap_or(rest.len()));
            if start < offset && rest.trim_start().starts_with('{') {
                let open = self.code.len() - rest.trim_start().len();
                if offset < end_of_block(&self.code, open) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// Where each whole word `word` stands in the code.
    fn words(&self, word: &str) -> Vec<usize> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let whole = |&offset: &usize| {
            !self.code[..offset].ends_with(is_word)
                && !self.code[offset + word.len()..].starts_with(is_word)
        };
        self.code
            .match_indices(word)
            .map(|(offset, _)| offset)
            .filter(whole)
            .collect()
    }

    /// The paths from the crate's root that are named outside tests by `crate` or `super`.
    fn imports(&self) -> Vec<(usize, Vec<String>)> {
        let own: Vec<&str> = match self.module() {
            Some(module) if module != ["lib"] => module,
            Some(_) | None => Vec::new(),
        };
        let mut imports = Vec::new();
        let mut add = |offset: usize, base: &[&str], end: usize| {
            if let Some(rest) = self.code[end..].strip_prefix("::") {
                for path in paths(rest) {
                    let base = base.iter().map(|&name| name.to_owned());
                    imports.push((offset, base.chain(path).collect()));
                }
            }
        };
        for offset in self.words("crate") {
            if !self.is_test(offset) {
                add(offset, &[], offset + "crate".len());
            }
        }
        for offset in self.words("super") {
            if self.is_test(offset) || self.code[..offset].ends_with("super::") {
                continue;
            }
            let mut here = own.clone();
            here.extend(self.inner_modules(offset));
            here.pop();
            let mut end = offset + "super".len();
            while self.code[end..].starts_with("::super") {
                here.pop();
                end += "::super".len();
            }
            add(offset, &here, end);
        }
        imports
    }

    fn opens_block(&self, offset: usize) -> bool {
        let rest = self.code[offset + "unsafe".len()..].trim_start();
        rest.starts_with('{') || rest.starts_with("impl")
    }

    /// Is there a SAFETY note on the line, or in the comment directly above the statement?
    fn has_safety_note(&self, offset: usize) -> bool {
        let line_end = self.text[offset..]
            .find('\n')
            .map_or(self.text.len(), |n| offset + n);
        let mut lines = self.text[..line_end].lines().rev();
        let own_line = lines.next().unwrap_or_default();
        let above = lines.take_while(|line| {
            let line = line.trim();
            !line.is_empty() && !line.ends_with(['}', '{'])
        });
        own_line.contains("SAFETY:") || above.into_iter().any(|line| line.contains("SAFETY:"))
    }

    /// Signature to closing brace, and name, of every function outside tests.
    fn functions(&self) -> Vec<(Range<usize>, &str)> {
        let mut functions = Vec::new();
        for offset in self.words("fn") {
            let rest = self.code[offset + 2..].trim_start();
            let name_len = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(0);
            let body = self.code[offset..].find(['{', ';']).map(|n| offset + n);
            if let Some(body) = body.filter(|&b| self.code[b..].starts_with('{'))
                && name_len > 0
                && !self.is_test(offset)
            {
                functions.push((offset..end_of_block(&self.code, body), &rest[..name_len]));
            }
        }
        functions
    }

    fn lines(&self, range: &Range<usize>) -> usize {
        self.code[range.clone()].matches('\n').count() + 1
    }

    /// True if a function is one exhaustive match with short arms, or one table in brackets.
    fn is_one_table(&self, function: &Range<usize>) -> bool {
        let is_most = |range: &Range<usize>| {
            let is_inside = function.start < range.start && range.end <= function.end;
            is_inside && self.lines(function) - self.lines(range) < LINES_AROUND_TABLE_MAX
        };
        let is_plain = |arm: &Arm<'_>| {
            let is_default = !arm.has_guard && default_of(arm.pattern).is_some();
            arm.lines <= ARM_LINES_MAX && !is_default
        };
        let mut matches = self.matches().into_iter();
        let mut tables = self.code[function.clone()]
            .match_indices('[')
            .map(|(n, _)| {
                let open = function.start + n;
                open..end_of_brackets(&self.code, open)
            });
        matches.any(|(range, arms)| is_most(&range) && arms.iter().all(is_plain))
            || tables.any(|range| is_most(&range))
    }

    /// Every `match` outside tests, with its arms.
    fn matches(&self) -> Vec<(Range<usize>, Vec<Arm<'_>>)> {
        let mut matches = Vec::new();
        for offset in self.words("match") {
            if let Some(open) = body_of_match(&self.code, offset + "match".len())
                && !self.is_test(offset)
            {
                let end = end_of_brackets(&self.code, open);
                matches.push((offset..end, arms(&self.code, open + 1..end - 1)));
            }
        }
        matches
    }

    /// True if a pattern names variants of `Op`, of `Group` or of the IR's `Inst`. The JIT has
    /// instructions of its own, and names those of the IR with their module. A slice's pattern is
    /// about the sequence.
    fn names_variant(&self, pattern: &str) -> bool {
        let names: &[&str] = if self.path.starts_with("runtime/src/jit/") {
            &["Op::", "Group::", "ir::Inst::", "IrInst::"]
        } else {
            &["Op::", "Group::", "Inst::"]
        };
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut found = names.iter().flat_map(|name| pattern.match_indices(name));
        !pattern.starts_with('[') && found.any(|(at, _)| !pattern[..at].ends_with(is_word))
    }
}

/// An arm of a `match`.
struct Arm<'a> {
    offset: usize,
    /// Without its guard.
    pattern: &'a str,
    has_guard: bool,
    /// Of the whole arm.
    lines: usize,
}

/// The brace that opens the arms of a `match` whose operand begins at `from`.
fn body_of_match(code: &str, from: usize) -> Option<usize> {
    let mut at = from;
    while at < code.len() {
        match code.as_bytes()[at] {
            b'{' if code[..at].trim_end().ends_with("unsafe") => at = end_of_brackets(code, at),
            b'(' | b'[' => at = end_of_brackets(code, at),
            b'{' => return Some(at),
            b';' => return None,
            _ => at += 1,
        }
    }
    None
}

/// The arms in the body of a `match`. A macro's repetition `$( .. )*` is part of the pattern of the
/// arm behind it.
fn arms(code: &str, body: Range<usize>) -> Vec<Arm<'_>> {
    let mut arms = Vec::new();
    let mut at = body.start;
    while let Some(arrow) = find_outside_brackets(code, at..body.end, "=>") {
        let value = arrow + 2 + code[arrow + 2..].len() - code[arrow + 2..].trim_start().len();
        let end = if code[value..].starts_with('{') {
            end_of_brackets(code, value)
        } else {
            find_outside_brackets(code, value..body.end, ",").unwrap_or(body.end)
        };
        let text = &code[at..arrow];
        let offset = at + text.len() - text.trim_start().len();
        let guard = find_outside_brackets(code, offset..arrow, " if ");
        arms.push(Arm {
            offset,
            pattern: code[offset..guard.unwrap_or(arrow)].trim(),
            has_guard: guard.is_some(),
            lines: code[offset..end].matches('\n').count() + 1,
        });
        let comma = code[end..body.end].trim_start().starts_with(',');
        at = match code[end..body.end].find(',') {
            Some(n) if comma => end + n + 1,
            _ => end,
        };
    }
    arms
}

/// The part of a pattern that matches everything: `_`, a name, or a tuple of these.
fn default_of(pattern: &str) -> Option<&str> {
    let mut rest = pattern;
    while rest.starts_with(['$', '#']) {
        let open = rest.find(['(', '['])?;
        let end = end_of_brackets(rest, open);
        rest = rest[end..]
            .trim_start_matches(['*', '+', '?', ',', '|'])
            .trim();
    }
    let mut alternatives = split_outside_brackets(rest, "|").into_iter();
    alternatives.find(|it| is_default(it))
}

fn is_default(pattern: &str) -> bool {
    let pattern = pattern.trim().trim_start_matches(['&', '*']);
    let pattern = ["ref ", "mut "]
        .iter()
        .fold(pattern, |it, word| it.strip_prefix(word).unwrap_or(it));
    if let Some(inside) = pattern
        .strip_prefix('(')
        .and_then(|it| it.strip_suffix(')'))
    {
        let fields = split_outside_brackets(inside, ",");
        return fields
            .iter()
            .all(|it| it.trim() == ".." || is_default(it) || it.trim() == "");
    }
    let is_name = pattern.starts_with(|c: char| c == '_' || c.is_lowercase())
        && pattern.chars().all(|c| c == '_' || c.is_alphanumeric());
    is_name && pattern != "true" && pattern != "false"
}

/// Where `needle` stands first outside of all brackets.
fn find_outside_brackets(code: &str, range: Range<usize>, needle: &str) -> Option<usize> {
    let mut at = range.start;
    while at < range.end {
        if code[at..range.end].starts_with(needle) {
            return Some(at);
        }
        at = match code.as_bytes()[at] {
            b'(' | b'[' | b'{' => end_of_brackets(code, at),
            _ => at + code[at..].chars().next().map_or(1, char::len_utf8),
        };
    }
    None
}

fn split_outside_brackets<'a>(code: &'a str, separator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(end) = find_outside_brackets(code, at..code.len(), separator) {
        parts.push(&code[at..end]);
        at = end + separator.len();
    }
    parts.push(&code[at..]);
    parts
}

/// The offset after the bracket that closes the one at `open`, of whatever kind.
fn end_of_brackets(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (offset, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return offset + 1;
        }
    }
    code.len()
}

/// The paths that begin with what follows `crate::`: `[a, b]` of `a::b`, `[a, c]` and `[b]` of
/// `{a::c, b}`.
fn paths(rest: &str) -> Vec<Vec<String>> {
    let rest = rest.trim_start();
    if let Some(group) = rest.strip_prefix('{') {
        return items(group).into_iter().flat_map(paths).collect();
    }
    let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
    let (name, rest) = rest.split_at(len.unwrap_or(rest.len()));
    if name.is_empty() {
        return Vec::new();
    }
    let below = rest.strip_prefix("::").map(paths).unwrap_or_default();
    if below.is_empty() {
        return Vec::from([Vec::from([name.to_owned()])]);
    }
    let path = |below: Vec<String>| [name.to_owned()].into_iter().chain(below).collect();
    below.into_iter().map(path).collect()
}

/// The items of a group, of which the opening brace is left out.
fn items(group: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (offset, c) in group.char_indices() {
        match c {
            '}' if depth == 0 => {
                items.push(&group[start..offset]);
                break;
            }
            ',' if depth == 0 => {
                items.push(&group[start..offset]);
                start = offset + 1;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    items
}

/// The items under `#[cfg(test)]` or `#[test]`, from the attribute to the closing brace or `;`.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for attribute in ["#[cfg(test)]", "#[test]", "#[cfg(all(test"] {
        for (start, _) in code.match_indices(attribute) {
            let after = start + attribute.len();
            let Some(open) = code[after..].find(['{', ';']).map(|n| after + n) else {
                continue;
            };
            ranges.push(start..end_of_block(code, open));
        }
    }
    ranges
}

/// The offset after the brace that closes the one at `open` (just after a `;`).
fn end_of_block(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (offset, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return offset + 1;
        }
    }
    code.len()
}

/// The text with every byte of a comment, string or character literal replaced by a blank.
fn blank_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut offset = 0;
    while offset < text.len() {
        let len = opaque_len(&text[offset..], code.chars().next_back());
        if len > 0 {
            let blank = |c: char| {
                if c == '\n' {
                    "\n"
                } else {
                    &"    "[..c.len_utf8()]
                }
            };
            code.extend(text[offset..offset + len].chars().map(blank));
            offset += len;
        } else {
            let c = text[offset..].chars().next().unwrap_or(' ');
            code.push(c);
            offset += c.len_utf8();
        }
    }
    code
}

/// The length of the comment or literal that begins here; 0 where none does.
fn opaque_len(rest: &str, before: Option<char>) -> usize {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment_len(rest)
    } else if rest.starts_with('"') {
        string_len(rest)
    } else if rest.starts_with("b\"") || rest.starts_with("c\"") {
        if in_word {
            0
        } else {
            1 + string_len(&rest[1..])
        }
    } else if !in_word
        && ["r\"", "r#", "br\"", "br#"]
            .iter()
            .any(|raw| rest.starts_with(raw))
    {
        raw_string_len(rest)
    } else if rest.starts_with('\'') {
        char_len(rest)
    } else {
        0
    }
}

fn block_comment_len(rest: &str) -> usize {
    let mut depth = 0;
    let mut offset = 0;
    while offset < rest.len() {
        if rest[offset..].starts_with("/*") {
            depth += 1;
            offset += 2;
        } else if rest[offset..].starts_with("*/") {
            depth -= 1;
            offset += 2;
        } else {
            offset += rest[offset..].chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    offset
}

fn string_len(rest: &str) -> usize {
    let mut escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return offset + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"..."`, `br#"..."#`; 0 for a raw identifier (`r#type`).
fn raw_string_len(rest: &str) -> usize {
    let marks = &rest[rest.find('r').map_or(0, |n| n + 1)..];
    let hashes = marks.len() - marks.trim_start_matches('#').len();
    let Some(body) = marks[hashes..].strip_prefix('"') else {
        return 0;
    };
    let mut close = String::from("\"");
    close.extend(std::iter::repeat_n('#', hashes));
    let body_len = body.find(&close).map_or(body.len(), |n| n + close.len());
    rest.len() - body.len() + body_len
}

/// `'x'`, `'\n'`; 0 for a lifetime or a label.
fn char_len(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => rest[3..].find('\'').map_or(0, |n| n + 4),
        Some((_, _)) => match chars.next() {
            Some((offset, '\'')) => offset + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// The workspace's folder.
fn root() -> &'static Path {
    let harness = Path::new(env!("CARGO_MANIFEST_DIR"));
    harness.parent().expect("harness/ has a parent")
}

fn sources_of_the_tree() -> Vec<Source> {
    let root = root();
    let mut files = Vec::new();
    for member in [
        "runtime",
        "runtime/capi",
        "runtime/wasi",
        "harness",
        "harness/engines/bench",
        "harness/engines/adapter",
        "harness/mutate",
    ] {
        for folder in ["src", "tests", "benches", "examples"] {
            collect_rust_files(&root.join(member).join(folder), &mut files);
        }
    }
    files.sort();
    let source = |file: &PathBuf| {
        let path = file.strip_prefix(root).expect("found under the root");
        let path = path.to_string_lossy().replace('\\', "/");
        Source::new(
            &path,
            &fs::read_to_string(file).expect("a listed source can be read"),
        )
    };
    files.iter().map(source).collect()
}

fn collect_rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a folder being read stays readable").path();
        if path.is_dir() {
            collect_rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

// --- the rules themselves ------------------------------------------------------------------------

/// What one rule says of one source, a line each.
fn said_by(rule: fn(&Source, &mut Vec<String>), path: &str, text: &str) -> String {
    let mut findings = Vec::new();
    rule(&Source::new(path, text), &mut findings);
    let mut said = String::new();
    for finding in findings {
        writeln!(said, "{finding}").expect("a String takes all");
    }
    said
}

#[test]
fn rule_head() {
    assert_eq!(
        said_by(check_head, "runtime/src/ops.rs", "//! A head.\n"),
        ""
    );
    assert!(said_by(check_head, "runtime/src/ops.rs", "use a;\n").contains("ops.rs:1: no `//!`"));
}

#[test]
fn rule_columns() {
    let line = "é".repeat(COLUMNS_MAX);
    assert_eq!(said_by(check_columns, "a.rs", &format!("{line}\n")), "");
    assert!(said_by(check_columns, "a.rs", &format!("\n{line}é\n")).starts_with("a.rs:2: 101"));
}

#[test]
fn rule_floors() {
    let said = |path: &str, text: &str| said_by(check_floors, path, text);
    assert_eq!(
        said(
            "runtime/src/stack/run.rs",
            "use crate::{ir::Ir, memory, stack};"
        ),
        ""
    );
    assert_eq!(
        said("runtime/src/stack/run.rs", "use super::code; // crate::jit"),
        ""
    );
    assert_eq!(said("runtime/src/lib.rs", "pub use crate::anything;"), "");
    assert_eq!(
        said(
            "runtime/src/ops.rs",
            "#[cfg(test)] mod tests { use crate::jit; }"
        ),
        ""
    );
    let upwards = said("harness/src/pool.rs", "use crate::judge;");
    assert!(upwards.contains("imports `judge`"), "{upwards}");
    for text in [
        "use crate::register::Frame;",
        "use crate::{memory::{self, Memory}, jit};",
        "fn f() { crate::tier::up() }",
        "use super::super::lib;",
        "use crate::Engine;",
    ] {
        assert_eq!(
            said("runtime/src/stack/run.rs", text).lines().count(),
            1,
            "{text}"
        );
    }
    assert!(said("runtime/src/ops.rs", "use super::numeric;").contains("(floor 3)"));
    assert!(said("runtime/src/attic.rs", "").contains("has no floor"));
}

#[test]
fn rule_orders() {
    const ORDER: &[&[&str]] = &[&["machine"], &["table"], &["handlers", "fuse"]];
    let said = |path: &str, text: &str| {
        let mut findings = Vec::new();
        let source = Source::new(path, text);
        check_order(&source, &["register"], ORDER, &mut findings);
        findings
    };
    let table = "runtime/src/register/table.rs";
    let inner = "runtime/src/register/handlers/call.rs";
    for (path, text) in [
        (
            table,
            "use super::machine::Ip; use crate::{ops::Op, register::machine};",
        ),
        (
            table,
            "mod native { use super::{handlers, fuse}; use super::super::machine; }",
        ),
        (
            inner,
            "use super::numeric; use super::super::table; use crate::register::handlers;",
        ),
        (
            "runtime/src/register.rs",
            "use crate::register::fuse; use super::jit;",
        ),
        (
            "runtime/src/register/mod.rs",
            "use self::fuse; use crate::register::fuse;",
        ),
        ("runtime/src/stack.rs", "use crate::register::fuse;"),
        (table, "#[cfg(test)] mod tests { use super::super::fuse; }"),
        ("runtime/src/register/tests.rs", "use super::fuse;"),
    ] {
        assert_eq!(said(path, text), [""; 0], "{path}: {text}");
    }
    for (path, text) in [
        (table, "use super::handlers::call;"),
        (
            table,
            "use crate::{ops::Op, register::{machine, fuse::Fuser}};",
        ),
        (table, "fn f() { crate::register::handlers::call() }"),
        (table, "mod native { use super::super::fuse; }"),
        (table, "use super::Compiled;"),
        (inner, "use super::super::fuse::Fuser;"),
        ("runtime/src/register/attic.rs", ""),
    ] {
        assert_eq!(said(path, text).len(), 1, "{path}: {text}");
    }
}

#[test]
fn rule_unsafe() {
    let text = "fn f() {\n    unsafe { g() }\n}\n";
    let said = said_by(check_unsafe, "harness/src/a.rs", text);
    assert!(
        said.starts_with("harness/src/a.rs:2: `unsafe` outside"),
        "{said}"
    );
    assert!(
        said.ends_with("`unsafe` block without a `// SAFETY:` note\n"),
        "{said}"
    );
    assert_eq!(
        said_by(
            check_unsafe,
            "a.rs",
            "// unsafe\nlet a = \"unsafe\"; unsafely()"
        ),
        ""
    );
    let noted = "fn f() {\n    // SAFETY: because.\n    let a =\n        unsafe { g() };\n}\n";
    assert!(Source::new("a.rs", noted).has_safety_note(noted.find("unsafe").unwrap()));
    assert!(!Source::new("a.rs", text).has_safety_note(text.find("unsafe").unwrap()));
}

#[test]
fn rule_target() {
    let said = |path: &str, text: &str| said_by(check_target, path, text);
    let text = "use crate::jit::arm64::Arm64;";
    assert_eq!(said("runtime/src/jit/lower.rs", text).lines().count(), 2);
    let declared = "//! As ARM64.\nmod arm64; // aarch64\nlet a = \"ARM64\";\n";
    assert_eq!(said("runtime/src/jit/mod.rs", declared), "");
    for path in [
        "runtime/src/jit/arm64/emit.rs",
        "runtime/src/jit/host.rs",
        "runtime/src/engine.rs",
    ] {
        assert_eq!(said(path, text), "", "{path}");
    }
}

#[test]
fn rule_forbidden() {
    let text = "fn f() { g().unwrap(); }\n#[cfg(test)]\nmod tests { fn f() { g().unwrap() } }\n";
    assert_eq!(said_by(check_forbidden, "a.rs", text).lines().count(), 1);
    assert_eq!(said_by(check_forbidden, "harness/tests/a.rs", text), "");
}

#[test]
fn rule_docs() {
    let said = |text: &str| said_by(check_docs, "runtime/src/ops.rs", text);
    let plain =
        "//! A table.\n\n/// True if it is one.\n/// What follows is text.\nlet a = \" is no \";\n";
    assert_eq!(said(plain), "");
    assert!(said("/// Whether it is one.\n").starts_with("runtime/src/ops.rs:1: `Whether ..`"));
    assert!(said("/// A table.\n///\n/// What it holds.\n").starts_with("runtime/src/ops.rs:3"));
    assert!(said("//! A row is no table.\n").contains("write ` is not a `"));
}

#[test]
fn rule_function_lines() {
    let body = "    g('{', \"{\", r#\"{\"{\"#);\n";
    let function = |lines| format!("fn f<'a>() {{\n{}}}\n", body.repeat(lines - 2));
    assert_eq!(
        said_by(check_function_lines, "a.rs", &function(FUNCTION_LINES_MAX)),
        ""
    );
    let said = said_by(
        check_function_lines,
        "a.rs",
        &function(FUNCTION_LINES_MAX + 1),
    );
    assert_eq!(said, "a.rs:1: fn f has 71 lines, 70 allowed\n");
}

/// A function that is a match of `arms` arms, of which the last is `last`.
fn match_function(arms: usize, last: &str) -> String {
    let arms = "        Op::A | Op::B => g(),\n".repeat(arms - 1);
    format!("fn f() {{\n    match op {{\n{arms}        {last} => (),\n    }}\n}}\n")
}

#[test]
fn a_long_function_may_be_one_match_or_one_table() {
    let said = |text: &str| said_by(check_function_lines, "a.rs", text);
    assert_eq!(said(&match_function(200, "Op::C")), "");
    assert_eq!(said(&match_function(200, "op if g(op)")), "");
    assert!(said(&match_function(200, "_")).contains("fn f has 204 lines"));
    let rows = "        (1, 2),\n".repeat(100);
    let before = "    g();\n".repeat(10);
    assert_eq!(said(&format!("fn f() {{\n    g([\n{rows}    ])\n}}\n")), "");
    assert!(!said(&format!("fn f() {{\n{before}    g([\n{rows}    ])\n}}\n")).is_empty());
    let long = format!("Op::C => {{\n{} }}, Op::D", "g();\n".repeat(20));
    assert!(!said(&match_function(100, &long)).is_empty());
}

#[test]
fn rule_default_arms() {
    let said = |path: &str, text: &str| {
        let text = format!("fn f() {{ {text} }}");
        said_by(check_default_arms, path, &text).lines().count()
    };
    let ir = "runtime/src/ir/a.rs";
    for text in [
        "match op { Op::A => 1, _ => 2 }",
        "match op { Op::A => { g() } other => 2, }",
        "match g(|| { h() }) { Op::A => 1, Op::B | _other => 2 }",
        "match unsafe { g() } { Op::A => 1, _ => 2 }",
        "match (op, imm) { (Op::A, Imm::B) => match x { y => 1 }, (op, _) => 2 }",
        "match (op, imm) { (Op::A, Imm::B) => 1, (..) => 2 }",
        "match op { $($(Op::$op => 1,)*)* _ => 2 }",
        "match *inst { Inst::A { a, .. } if a => 1, Inst::B(_) => 2, _ => 3 }",
        "match op.group() { Group::A(_) => 1, ref op => 2 }",
        "match Some(op) { Some(Op::A) => 1, _ => 2 }",
    ] {
        assert_eq!(said(ir, text), 1, "{text}");
    }
    for text in [
        "match op { Op::A => match x { _ => 1 }, Op::B => 2 }",
        "match op { Op::A | Op::B => 1, op if g(op) => 2, Op::C => 3 }",
        "match imm { Imm::A => 1, _ => 2 }",
        "match op { AtomicOp::A => 1, _ => 2 }",
        "match *insts { [Inst::A] => 1, _ => 2 }",
        "match (op, x) { (Op::A, _) => 1, (Op::B, true) => 2, (Op::B, false) => 3 }",
        "match op { $($(Op::$op => 1,)*)* }",
    ] {
        assert_eq!(said(ir, text), 0, "{text}");
    }
    let jit = "runtime/src/jit/a.rs";
    assert_eq!(said(jit, "match inst { Inst::A => 1, _ => 2 }"), 0);
    assert_eq!(said(jit, "match inst { ir::Inst::A => 1, _ => 2 }"), 1);
    let test = "#[test] fn t() { match op { Op::A => 1, _ => 2 } }";
    assert_eq!(said_by(check_default_arms, ir, test), "");
}

#[test]
fn blanking_keeps_every_offset() {
    for source in sources_of_the_tree() {
        assert_eq!(source.code.len(), source.text.len(), "{}", source.path);
        let lines = |text: &str| text.matches('\n').count();
        assert_eq!(lines(&source.code), lines(&source.text), "{}", source.path);
        let braces = |brace| source.code.matches(brace).count();
        assert_eq!(
            braces('{'),
            braces('}'),
            "{}: unbalanced after blanking",
            source.path
        );
    }
}
