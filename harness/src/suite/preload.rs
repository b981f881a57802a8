//! Modules that are instantiated and registered before a script: `--preload NAME=FILE`.
//!
//! A script that imports from NAME begins with two more directives, a `module` and a `register`.
//! They are directives as all others: each engine runs them, and they count.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use crate::script::imports::imports_from;
use crate::script::{Command, Directive, Expectation, Kind, ModuleSource, Script};

/// A module that stands under a name before anything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preload {
    /// The name by which imports find its exports.
    pub name: String,
    /// The file of the module.
    pub path: PathBuf,
}

impl Preload {
    /// The option's value that says the same.
    pub fn to_arg(&self) -> OsString {
        let mut arg = OsString::from(format!("{}=", self.name));
        arg.push(&self.path);
        arg
    }
}

/// Text that does not name a module and its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form is NAME=FILE, as in env=host.wat")]
pub struct NotAPreload;

impl FromStr for Preload {
    type Err = NotAPreload;

    fn from_str(text: &str) -> Result<Preload, NotAPreload> {
        match text.split_once('=') {
            Some((name, path)) if !path.is_empty() => Ok(Preload {
                name: name.to_string(),
                path: path.into(),
            }),
            Some(_) | None => Err(NotAPreload),
        }
    }
}

/// Puts modules, each with its name, in front of a script that imports from them.
pub(super) fn put_before(script: &mut Script, modules: &[(String, Vec<u8>)]) {
    let is_used = |name: &str| imports_from(name, &script.commands).next().is_some();
    let used = modules.iter().filter(|(name, _)| is_used(name));
    let mut commands = Vec::new();
    let mut directives = Vec::new();
    for (name, bytes) in used {
        let module = ModuleSource::Binary(bytes.clone());
        let name = name.clone();
        commands.push(Command::Module { name: None, module });
        commands.push(Command::Register {
            name,
            instance: None,
        });
        directives.extend([directive(Kind::Module), directive(Kind::Register)]);
    }
    if commands.is_empty() {
        return;
    }
    commands.append(&mut script.commands);
    directives.append(&mut script.directives);
    for (ordinal, directive) in (0_u32..).zip(&mut directives) {
        let hash = directive.id.rsplit('-').next().unwrap_or_default();
        directive.id = format!("{}#{ordinal}-{hash}", script.path);
        directive.ordinal = ordinal;
    }
    (script.commands, script.directives) = (commands, directives);
}

/// A directive that stands in no file. Its text, of which the id has the hash, is empty.
fn directive(kind: Kind) -> Directive {
    Directive {
        ordinal: 0,
        line: 1,
        column: 1,
        kind,
        id: format!("-{:08x}", xxhash_rust::xxh3::xxh3_64(b"") as u32),
        expectation: Expectation::Success,
        origin: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse::{encode_module, parse_script};

    #[test]
    fn names_and_files() {
        let preload: Preload = "env=a=b.wat".parse().expect("well formed");
        assert_eq!(
            (&*preload.name, &*preload.path),
            ("env", "a=b.wat".as_ref())
        );
        assert_eq!(preload.to_arg(), "env=a=b.wat");
        for bad in ["env", "env=", ""] {
            assert_eq!(bad.parse::<Preload>(), Err(NotAPreload));
        }
    }

    #[test]
    fn only_scripts_that_import_from_a_module_begin_with_it() {
        let module = |text: &str| encode_module(text).expect("a module");
        let modules = [
            ("env".to_string(), module("(module (func (export \"f\")))")),
            ("other".to_string(), module("(module)")),
        ];
        let text = "(module (import \"env\" \"f\" (func)))\n(module)";
        let mut script = parse_script("t.wast", text);
        let before = script.clone();
        put_before(&mut script, &modules);
        assert_eq!((script.commands.len(), script.directives.len()), (4, 4));
        let register = Command::Register {
            name: "env".to_string(),
            instance: None,
        };
        assert_eq!(script.commands[1], register);
        assert_eq!(script.commands[2..], before.commands[..]);
        let ids: Vec<&str> = script.directives.iter().map(|it| &*it.id).collect();
        let old = before.directives[1].id.replace("#1-", "#3-");
        assert_eq!((ids[3], script.directives[3].ordinal), (&*old, 3));
        let mut plain = parse_script("t.wast", "(module)");
        let before = plain.clone();
        put_before(&mut plain, &modules);
        assert_eq!(plain, before);
    }
}
