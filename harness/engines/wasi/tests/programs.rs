//! The programs that wassay-wasi's own tests run in our engine, in wasmi.

#[path = "../../../../runtime/wasi/tests/programs/mod.rs"]
mod programs;

use programs::{Ran, check_all};

#[test]
fn programs_run_in_wasmi() {
    check_all(|module, wasi| match wasi_under_wasmi::run(module, wasi) {
        Ok(None) => Ran::Returned,
        Ok(Some(ending)) => Ran::Ended(ending),
        Err(message) => Ran::Failed(message),
    });
}
