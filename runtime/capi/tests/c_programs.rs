//! The programs of `examples/`, each compiled, linked with the shared library, and run in every
//! tier that this machine runs: what each prints stands in a text file beside it (`BLESS=1` writes
//! them). One is also linked with the static library.

mod support;

use std::path::Path;
use std::process::Command;

/// The output of a program in a tier.
#[track_caller]
fn output(program: &Path, module: &Path, tier: &str) -> String {
    let mut command = Command::new(program);
    let output = support::run(command.arg(module).env("WASSAY_TIER", tier));
    String::from_utf8(output.stdout).expect("text")
}

#[track_caller]
fn check(name: &str) {
    let examples = support::folder().join("examples");
    let made = tempfile::tempdir().expect("a folder");
    let (program, module) = (made.path().join(name), made.path().join("module.wasm"));
    support::link_shared(&examples.join(name).with_extension("c"), &program);
    support::assemble(&examples.join(name).with_extension("wat"), &module);

    let golden = examples.join(name).with_extension("txt");
    for tier in support::TIERS {
        let printed = output(&program, &module, tier);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &printed).expect("the output is written");
        }
        let expected = std::fs::read_to_string(&golden).expect("the expected output");
        similar_asserts::assert_eq!(printed, expected, "{name} in {tier}");
    }
}

macro_rules! examples {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        /// Every program of the folder is a test.
        #[test]
        fn every_example_is_run() {
            let entries = support::folder().join("examples").read_dir().expect("the folder");
            let paths = entries.map(|entry| entry.expect("an entry").path());
            let programs = paths.filter(|path| path.extension().is_some_and(|it| it == "c"));
            let names = programs.map(|it| it.file_stem().expect("a name").to_owned());
            let mut names: Vec<_> = names.collect();
            names.sort();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

examples! {
    callback finalize global hello hostref memory multi reflect serialize start table threads trap
}

/// The libraries of the system that a program of the static library needs.
const SYSTEM: &[&str] = if cfg!(target_os = "macos") {
    &["-lpthread", "-lm", "-framework", "CoreFoundation"]
} else {
    &["-lpthread", "-lm", "-ldl", "-lgcc_s"]
};

#[test]
fn the_static_library_is_whole() {
    let made = tempfile::tempdir().expect("a folder");
    let (program, module) = (made.path().join("hello"), made.path().join("module.wasm"));
    let examples = support::folder().join("examples");
    let library = support::library_folder().join(format!("lib{}.a", support::LIBRARY));
    let mut command = support::compiler();
    command
        .arg(examples.join("hello.c"))
        .arg("-o")
        .arg(&program);
    support::run(command.arg(library).args(SYSTEM));
    support::assemble(&examples.join("hello.wat"), &module);
    let expected = std::fs::read_to_string(examples.join("hello.txt")).expect("its output");
    assert_eq!(output(&program, &module, "register"), expected);
}

/// An unknown tier in the environment gives no engine, and the reason.
#[test]
fn an_unknown_tier_is_refused() {
    let made = tempfile::tempdir().expect("a folder");
    let (program, module) = (made.path().join("hello"), made.path().join("module.wasm"));
    let examples = support::folder().join("examples");
    support::link_shared(&examples.join("hello.c"), &program);
    support::assemble(&examples.join("hello.wat"), &module);
    let mut command = Command::new(program);
    let output = command.arg(module).env("WASSAY_TIER", "fast").output();
    let output = output.expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    let message = "wasm_module_new: WASSAY_TIER is `fast`, and not one of stack, register, jit, \
                   tiered\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), message);
}
