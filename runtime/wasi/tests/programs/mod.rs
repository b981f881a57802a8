//! The programs, and what must come of them in any engine.

#![allow(unreachable_pub, reason = "test programs of several crates share it")]

use std::fs;
use std::path::Path;

use wassay_wasi::{Ending, Options, Signal, Wasi};

/// The end of a program.
#[derive(Debug, PartialEq)]
pub enum Ran {
    Returned,
    Ended(Ending),
    Failed(String),
}

/// A program, what it gets, and what must come of it.
struct Case {
    text: &'static str,
    args: &'static [&'static str],
    stdin: &'static str,
    end: Ran,
    stdout: &'static str,
}

macro_rules! cases {
    ($($name:literal $args:expr, $stdin:literal => $end:expr, $stdout:literal;)*) => {
        &[$(Case {
            text: include_str!(concat!($name, ".wat")),
            args: &$args,
            stdin: $stdin,
            end: $end,
            stdout: $stdout,
        }),*]
    };
}

const CASES: &[Case] = cases! {
    "hello" [], "" => Ran::Returned, "hello\n";
    "exit" [], "" => Ran::Ended(Ending::Exit(33)), "before\n";
    "raise" [], "" => Ran::Ended(Ending::Raised(Signal::Term)), "";
    "args" ["one", "two words"], "" => Ran::Returned, "prog\0one\0two words\0";
    "environment" [], "" => Ran::Returned, "A=1\0B=two\0";
    "cat" [], "line 1\nline 2\n" => Ran::Returned, "line 1\nline 2\n";
    "file" [], "" => Ran::Ended(Ending::Exit(0)), "written and read\n";
    "list" [], "" => Ran::Returned, ".\n..\na\nb\nsub\n";
    "sleep" [], "" => Ran::Ended(Ending::Exit(0)), "";
    "clock" [], "" => Ran::Returned, "\0\u{1}\0\0\0\0\0\0d\u{1}\0\0\0\0\0\0";
    "nomemory" [], "" => Ran::Ended(Ending::Exit(7)), "";
};

/// Runs all programs by an engine, each with a tree of its own, and checks what came of them.
pub fn check_all(run: impl Fn(&[u8], Wasi) -> Ran) {
    for case in CASES {
        let tree = tempfile::tempdir().expect("a folder");
        fs::write(tree.path().join("a"), "").expect("written");
        fs::write(tree.path().join("b"), "").expect("written");
        fs::create_dir(tree.path().join("sub")).expect("made");
        let (wasi, stdout) = state(case, tree.path());
        let ran = run(&binary(case.text), wasi);
        let first = case.text.lines().next().unwrap_or_default();
        let stdout = stdout.bytes();
        assert_eq!(ran, case.end, "{first}");
        assert_eq!(String::from_utf8_lossy(&stdout), case.stdout, "{first}");
    }
}

fn state(case: &Case, tree: &Path) -> (Wasi, wassay_wasi::Captured) {
    let mut options = Options::new();
    options.arg("prog");
    for arg in case.args {
        options.arg(*arg);
    }
    options.env("A", "1").env("B", "two");
    options.stdin(case.stdin.as_bytes());
    options.fixed_time(256, 100).seed(1);
    options.directory(tree, "/").expect("there");
    let stdout = options.capture_stdout();
    (options.build().expect("options that can be used"), stdout)
}

fn binary(text: &str) -> Vec<u8> {
    let buffer = wast::parser::ParseBuffer::new(text).expect("tokens");
    let mut wat: wast::Wat<'_> = wast::parser::parse(&buffer).expect("a module");
    wat.encode().expect("a binary module")
}
