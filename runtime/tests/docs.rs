//! The documentation of the public face: every type and trait at the root of the crate has an
//! example, which doctests run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Names at the root that are another crate's, which documents them.
const FOREIGN: &[&str] = &["WasmFeatures"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the crate's sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The names that the `pub use` items of a source offer.
fn offered(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in source.split("\npub use ").skip(1) {
        let item = item.split(';').next().unwrap_or_default();
        let last = item.rsplit("::").next().unwrap_or_default();
        let list = item
            .split_once('{')
            .map_or(last, |(_path, list)| list.trim_end_matches('}'));
        let list = list.split(',').map(str::trim);
        names.extend(
            list.filter(|name| !name.is_empty() && *name != "*")
                .map(str::to_owned),
        );
    }
    names
}

/// True if a line is the head of the definition of a type or trait with that name, or its row in
/// the list of a macro that defines such.
fn defines(line: &str, name: &str) -> bool {
    let line = line.trim();
    let keywords = ["struct", "enum", "trait", "unsafe trait", "type"];
    let is_head = keywords.iter().any(|keyword| {
        let rest = line.strip_prefix(&format!("pub {keyword} {name}"));
        rest.is_some_and(|rest| rest.starts_with([' ', ';', '(', '<', ':']))
    });
    let row = line
        .strip_suffix(';')
        .and_then(|line| line.strip_prefix(name));
    is_head || row.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// True if the docs above a line have an example.
fn has_example(lines: &[&str], at: usize) -> bool {
    let above = lines[..at].iter().rev().map(|line| line.trim());
    let mut docs = above.take_while(|line| line.starts_with("///") || line.starts_with("#["));
    docs.any(|line| line == "/// ```")
}

#[test]
fn every_type_at_the_root_has_an_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: &Path| fs::read_to_string(path).expect("a source");
    let mut names = offered(&read(&folder.join("lib.rs")));
    names.extend(offered(&read(&folder.join("api.rs"))));
    names.retain(|name| !FOREIGN.contains(&name.as_str()));
    assert!(names.len() > 60, "the lists are read: {names:?}");
    let mut paths = Vec::new();
    sources(&folder, &mut paths);
    let texts: Vec<String> = paths.iter().map(|path| read(path)).collect();
    let is_documented = |name: &str| {
        texts.iter().any(|text| {
            let lines: Vec<&str> = text.lines().collect();
            let mut heads = (0..lines.len()).filter(|&at| defines(lines[at], name));
            heads.any(|at| has_example(&lines, at))
        })
    };
    let missing: Vec<&String> = names.iter().filter(|name| !is_documented(name)).collect();
    assert!(missing.is_empty(), "no example in the docs of {missing:?}");
}
