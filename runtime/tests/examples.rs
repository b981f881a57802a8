//! The programs of `examples/`, run as they are: each prints what it is known to print.

#![allow(
    clippy::duplicate_mod,
    reason = "each program has the same support module"
)]

macro_rules! examples {
    ($($name:ident $file:literal: $lines:expr;)*) => { $(
        #[path = $file]
        #[allow(dead_code, unreachable_pub, reason = "a program of its own has a `main`")]
        mod $name;
    )*
        #[test]
        fn every_example_prints_what_it_should() {
            $(
                let lines = $name::run().expect(stringify!($name));
                let expected: &[&str] = &$lines;
                assert_eq!(lines, expected, "{}", stringify!($name));
            )*
        }

        /// Every program of the folder is listed above.
        #[test]
        fn every_example_is_run() {
            let listed = [$($file),*];
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
            let entries = std::fs::read_dir(folder).expect("the folder is there");
            for entry in entries {
                let name = entry.expect("an entry").file_name();
                let path = format!("../examples/{}", name.to_string_lossy());
                let is_program = path.ends_with(".rs");
                assert!(!is_program || listed.contains(&path.as_str()), "{path}");
            }
        }
    };
}

examples! {
    hello "../examples/hello.rs": ["40 + 2 = 42"];
    host_functions "../examples/host_functions.rs": [
        "[1, 2, 3, 4] sum up to 10",
        "the host's own error came back: true",
    ];
    memory "../examples/memory.rs": [
        "WEBassembly",
        "SLICE",
        "1 page, then 3",
        "one byte further: true",
        "more than its maximum: true",
    ];
    limits "../examples/limits.rs": [
        "out of fuel: true",
        "interrupted: true",
        "too deep: true",
        "15 pages more: 1",
        "one more: -1",
        "the store still answers 42",
    ];
    linking "../examples/linking.rs": [
        "(5 * 2)^2 = 100, after 2 calls",
        "the counter itself says Some(2)",
    ];
    objects "../examples/objects.rs": [
        "the sum of a tree of objects is Some(5050)",
        "a structure of the module holds Some(42)",
        "202 objects are alive",
        "0 after the scope",
        "a released handle is refused: true",
    ];
}
