//! The adapter of tests: a shell script that knows no WebAssembly, and its table.

use std::path::{Path, PathBuf};

/// The answers of an honest adapter to the first requests: `hello`, `reset`.
const BEGIN: &str = r#"
id() { printf '%s' "$1" | sed 's/.*"id":\([0-9]*\).*/\1/'; }
say() { printf '{"id":%s,"ending":%s}\n' "$(id "$line")" "$1"; }
ready='"ready","protocol":1,"engine":"fake","version":"1"'
"#;

/// The loop of an honest adapter: each function gives 7.
pub(crate) const HONEST: &str = r#"case $line in
*'"op":"hello"'*) say "$ready" ;;
*'"op":"invoke"'*) say '"values","values":["i32:0x00000007"]' ;;
*) say '"ok"' ;;
esac"#;

/// What an honest adapter answers to a call.
pub(crate) const INVOKE: &str = r#"say '"values","values":["i32:0x00000007"]'"#;

/// A table with the engine `fake`, whose adapter's loop over requests is `body`.
pub(crate) fn table(folder: &Path, body: &str) -> PathBuf {
    let script = folder.join("adapter.sh");
    let text = format!("{BEGIN}\nwhile IFS= read -r line; do\n{body}\ndone\n");
    std::fs::write(&script, text).expect("written");
    let command = format!("[\"sh\", \"{}\"]", script.display());
    let row = format!("name = \"fake\"\ncommand = {command}\nclaim = \"interpreter\"\n");
    let table = folder.join("engines.toml");
    std::fs::write(&table, format!("[[engine]]\n{row}")).expect("written");
    table
}
