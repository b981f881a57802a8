//! The command-line program `wassay`.
fn main() {}
