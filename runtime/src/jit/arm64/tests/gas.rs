//! The GNU assembler for A64, which scripts/setup installs.

use std::process::Command;

const ASSEMBLER: &str = "aarch64-linux-gnu-as";
const OBJCOPY: &str = "aarch64-linux-gnu-objcopy";

/// The words of assembly text. Panics if it does not assemble, or nothing assembles it.
pub(super) fn assemble(text: &str) -> Vec<u32> {
    let path = |suffix| {
        let name = format!("wassay-{}-{:p}.{suffix}", std::process::id(), text.as_ptr());
        std::env::temp_dir().join(name)
    };
    let (source, object, binary) = (path("s"), path("o"), path("bin"));
    std::fs::write(&source, text).expect("the temporary folder can be written to");
    run(Command::new(ASSEMBLER)
        .arg("-march=armv8.5-a")
        .arg("-o")
        .arg(&object)
        .arg(&source));
    run(Command::new(OBJCOPY)
        .args(["-O", "binary"])
        .arg(&object)
        .arg(&binary));
    let bytes = std::fs::read(&binary).expect("objcopy wrote it");
    for file in [source, object, binary] {
        // Left behind at worst.
        let _ = std::fs::remove_file(file);
    }
    bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().expect("four")))
        .collect()
}

/// Runs a command to its good end.
fn run(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; run scripts/setup"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}
