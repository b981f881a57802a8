//! Engines that run JavaScript: `sample.mjs` takes the sample, with the engine's own WASI.

use std::path::Path;

/// The words that take a sample, before file and export.
///
/// # Errors
/// If the engine is not installed.
pub fn words(name: &str) -> Result<Vec<String>, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = here.join("../installed/node_modules/.bin").join(name);
    if !program.exists() {
        let family = if name == "node" { "v8" } else { "jsc" };
        return Err(format!("not installed: scripts/engines {family}"));
    }
    let script = here.join("src/engines/sample.mjs");
    let mut words = vec![program.to_string_lossy().into_owned()];
    if name == "node" {
        words.push("--no-warnings".to_owned());
    }
    words.push(script.to_string_lossy().into_owned());
    Ok(words)
}
