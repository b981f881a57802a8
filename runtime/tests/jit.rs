//! Golden tests of the JIT's compile pipeline, on any host: every `tests/jit/*.wat` becomes the
//! `.txt` beside it, SSA and A64 (`BLESS=1` rewrites them).

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod golden;

use std::fmt::Write as _;

use wassay_runtime::{Config, Tier, jit};

#[test]
fn code_is_as_expected() {
    golden::check("jit", "txt", |module| {
        let mut out = String::new();
        for body in 0..module.bodies.len() {
            let stages = jit::stages(module, body, &Config::only(Tier::Register)).unwrap();
            let (ssa, code) = (stages.optimised, stages.listing);
            writeln!(out, "; function {body}\n{ssa}\n{code}").unwrap();
        }
        out
    });
}
