//! The GNU assembler for A64, where it is installed.

use std::io::ErrorKind;
use std::process::Command;

pub(super) const ASSEMBLER: &str = "aarch64-linux-gnu-as";
const OBJCOPY: &str = "aarch64-linux-gnu-objcopy";

/// The words of assembly text, or none where the assembler is not installed.
///
/// Panics if the text does not assemble.
pub(super) fn assemble(text: &str) -> Option<Vec<u32>> {
    let path = |suffix| {
        let name = format!("wassay-{}-{:p}.{suffix}", std::process::id(), text.as_ptr());
        std::env::temp_dir().join(name)
    };
    let (source, object, binary) = (path("s"), path("o"), path("bin"));
    std::fs::write(&source, text).expect("the temporary folder can be written to");
    let assembled = run(Command::new(ASSEMBLER)
        .arg("-march=armv8.5-a")
        .arg("-o")
        .arg(&object)
        .arg(&source));
    let copied = assembled.and_then(|()| {
        run(Command::new(OBJCOPY)
            .args(["-O", "binary"])
            .arg(&object)
            .arg(&binary))
    });
    let bytes = copied.map(|()| std::fs::read(&binary).expect("objcopy wrote it"));
    for file in [source, object, binary] {
        // Absent after a skip; left behind at worst.
        let _ = std::fs::remove_file(file);
    }
    let words = bytes?
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes(word.try_into().expect("four")))
        .collect();
    Some(words)
}

/// Runs a command to its good end; none where it is not installed.
fn run(command: &mut Command) -> Option<()> {
    match command.output() {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command:?}: {errors}");
            Some(())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("{command:?}: {error}"),
    }
}
