//! Which opcodes the tier does not execute, held to a list that the table generates.

use crate::ops::Op;
use crate::stack::is_supported;

/// `BLESS=1` rewrites the list.
#[test]
fn unsupported_opcodes_are_those_listed() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/stack/tests/unsupported.txt"
    );
    let line = |op: &Op| format!("{} {:?} {}\n", op.proposal().key(), op, op.mnemonic());
    let list: String = Op::ALL
        .iter()
        .filter(|&&op| !is_supported(op))
        .map(line)
        .collect();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &list).expect("the list can be written");
    }
    let listed = std::fs::read_to_string(path).expect("the list is checked in");
    similar_asserts::assert_eq!(listed, list, "BLESS=1 rewrites {path}");
}
