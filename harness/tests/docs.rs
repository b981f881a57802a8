//! The pages of `docs/`: each is in the table of contents, each link leads somewhere, the code that
//! a page shows of an example stands in the example, and scripts pass.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The targets of a page's links, without fragments and addresses of the network.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1);
    let targets = targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|it| it.0);
    let targets = targets.map(|target| target.split('#').next().unwrap_or_default());
    let is_file = |it: &&str| !it.is_empty() && !it.contains("://");
    targets.filter(is_file).collect()
}

/// The blocks of code in a language that a page has.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let parts = text.split("```").skip(1).step_by(2);
    let code = parts.filter_map(|part| part.strip_prefix(language)?.split_once('\n'));
    code.map(|(_, code)| code).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(folder: &Path, extension: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    names.filter(|name| name.ends_with(extension)).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn each_page_is_in_the_table_of_contents_once() {
    let docs = root().join("docs");
    let summary = read(&docs.join("SUMMARY.md"));
    let listed = links(&summary);
    let mut pages = files(&docs, ".md");
    assert!(pages.remove("SUMMARY.md") && pages.len() > 5, "{pages:?}");
    assert_eq!(listed.len(), pages.len(), "{listed:?}");
    let listed: BTreeSet<String> = listed.into_iter().map(str::to_owned).collect();
    assert_eq!(listed, pages);
}

#[test]
fn links_lead_to_files() {
    let (root, docs) = (root(), root().join("docs"));
    let pages = files(&docs, ".md").into_iter().map(|name| docs.join(name));
    let others = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"];
    let mut count = 0;
    for page in pages.chain(others.iter().map(|name| root.join(name))) {
        let text = read(&page);
        for link in links(&text) {
            let target = page.parent().expect("a folder").join(link);
            assert!(target.exists(), "{}: {link}", page.display());
            count += 1;
        }
    }
    assert!(count > 20, "{count} links");
}

#[test]
fn code_of_pages_is_that_of_examples() {
    let (docs, examples) = (root().join("docs"), root().join("runtime/examples"));
    let examples: Vec<String> = files(&examples, ".rs")
        .iter()
        .map(|name| read(&examples.join(name)))
        .collect();
    let mut count = 0;
    for name in files(&docs, ".md") {
        for code in blocks(&read(&docs.join(&name)), "rust") {
            let is_there = examples.iter().any(|example| example.contains(code));
            assert!(is_there, "{name}: no example has\n{code}");
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn scripts_of_pages_pass() {
    let docs = root().join("docs");
    let folder = tempfile::tempdir().expect("a folder");
    let mut count = 0;
    for name in files(&docs, ".md") {
        for script in blocks(&read(&docs.join(&name)), "wast") {
            let file = folder.path().join(format!("{count}.wast"));
            fs::write(&file, script).expect("a file");
            count += 1;
        }
    }
    let run = Command::new(env!("CARGO_BIN_EXE_wassay"))
        .args(["spec", "--engines", "stack,register"])
        .arg(folder.path())
        .output()
        .expect("the program runs");
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}");
    assert!(
        told.contains(&format!(" in {count} files")) && count > 2,
        "{told}"
    );
}
