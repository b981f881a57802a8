//! The command line as data: `commands/NAME.trycmd` has commands, each with its output and exit
//! code, run in a copy of `commands/NAME.in`. `TRYCMD=overwrite` writes the outputs anew.
//!
//! What needs signals, processes or a terminal is in `cli.rs`.

#[test]
fn commands_answer_as_their_files_say() {
    let cases = trycmd::TestCases::new();
    cases
        .default_bin_name("wassay")
        .case("tests/commands/*.trycmd");
}
