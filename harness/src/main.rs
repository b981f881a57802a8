//! The command-line program `wassay`.

use std::process::ExitCode;

fn main() -> ExitCode {
    wassay::command::main().into()
}
