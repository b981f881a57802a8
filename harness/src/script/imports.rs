//! The imports of a module in the binary format, as far as it can be decoded.

use super::{Command, ModuleSource};
use wasmparser::{Parser, Payload};

/// The imports of a module, in their order: module and name.
pub fn imports(bytes: &[u8]) -> Vec<(&str, &str)> {
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::ImportSection(section)) => {
                let imports = section.into_imports().map_while(Result::ok);
                return imports.map(|import| (import.module, import.name)).collect();
            }
            // Imports come before these; what follows a body can be large.
            Ok(Payload::CodeSectionStart { .. } | Payload::End(_)) | Err(_) => break,
            Ok(_) => {}
        }
    }
    Vec::new()
}

/// The names of what the modules of a script import from a module.
pub fn imports_from<'a>(
    module: &'a str,
    commands: &'a [Command],
) -> impl Iterator<Item = &'a str> + 'a {
    let binary = |command: &'a Command| match command.module()? {
        ModuleSource::Binary(bytes) => Some(bytes),
        ModuleSource::Refused { .. } => None,
    };
    let all = commands.iter().filter_map(binary);
    let all = all.flat_map(|bytes| imports(bytes));
    all.filter_map(move |(from, name)| (from == module).then_some(name))
}
