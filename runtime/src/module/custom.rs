//! Custom sections that this engine knows: names, and branch hints (spec: appendix "Custom
//! Sections"; branch hinting proposal).
//!
//! A module with a faulty one is a module all the same, so nothing here is looked at when it is
//! decoded: [`ModuleParts::names`] skips what cannot be read, [`ModuleParts::check_custom`]
//! refuses it.

use std::collections::BTreeMap;

use wasmparser::{
    BinaryReader, BinaryReaderError, BranchHintFunction, BranchHintSectionReader, KnownCustom,
    Name, NameSectionReader, Parser, Payload,
};

use super::{Export, ExternKind, ModuleData, ModuleParts, reader_error};
use crate::backtrace::Naming;
use crate::decode::{Decoder, Instr};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::Op;

const BRANCH_HINTS: &str = "metadata.code.branch_hint";

/// The names that a module gives its parts for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Of the module itself.
    pub module: Option<String>,
    /// Of functions, by index.
    pub funcs: BTreeMap<u32, String>,
    /// Of locals, by function and local index.
    pub locals: BTreeMap<(u32, u32), String>,
}

impl Naming for ModuleData {
    fn module_name(&self) -> Option<String> {
        self.find_name(|part| match part {
            Name::Module { name, .. } => Some(name.to_owned()),
            _ => None, // other parts' names
        })
    }

    fn func_name(&self, func: u32) -> Option<String> {
        let name = self.find_name(|part| {
            let Name::Function(map) = part else {
                return None;
            };
            let naming = map.into_iter().map_while(Result::ok);
            let found = naming.into_iter().find(|naming| naming.index == func)?;
            Some(found.name.to_owned())
        });
        let is_it = |export: &&Export| export.kind == ExternKind::Func && export.index == func;
        name.or_else(|| Some(self.exports.iter().find(is_it)?.name.clone()))
    }

    fn body_offset(&self, func: u32) -> Option<usize> {
        let body = func.checked_sub(self.imported.funcs)?;
        Some(self.bodies.get(body as usize)?.start)
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl ModuleData {
    /// The contents of a part of the name section, as far as that can be read.
    fn find_name<T>(&self, find: impl Fn(Name<'_>) -> Option<T>) -> Option<T> {
        for payload in Parser::new(0).parse_all(&self.bytes) {
            if let Payload::CustomSection(section) = payload.ok()?
                && let KnownCustom::Name(section) = section.as_known()
            {
                return section.into_iter().map_while(Result::ok).find_map(&find);
            }
        }
        None
    }
}

impl ModuleParts {
    /// The names in the module's name section, as far as it can be read; read anew at each call.
    pub fn names(&self) -> Names {
        let mut names = Names::default();
        for payload in Parser::new(0).parse_all(&self.bytes) {
            let Ok(payload) = payload else { break };
            if let Payload::CustomSection(section) = payload
                && let KnownCustom::Name(section) = section.as_known()
            {
                // What was read before a fault stays.
                let _ = names.read(section);
            }
        }
        names
    }

    /// Checks the custom sections that this engine knows.
    ///
    /// # Errors
    /// `Malformed` if one cannot be decoded, `Invalid` if its contents contradict the module.
    pub fn check_custom(&self) -> Result<()> {
        let malformed = |error: BinaryReaderError| reader_error(ErrorKind::Malformed, &error);
        let (mut has_hints, mut has_code) = (false, false);
        for payload in Parser::new(0).parse_all(&self.bytes) {
            let section = match payload.map_err(malformed)? {
                Payload::CustomSection(section) => section,
                Payload::CodeSectionStart { .. } => {
                    has_code = true;
                    continue;
                }
                _ => continue, // the others are not custom
            };
            let (data, at) = (section.data(), section.data_offset());
            if section.name() == "name" {
                let reader = BinaryReader::new(data, at);
                let mut names = Names::default();
                names
                    .read(NameSectionReader::new(reader))
                    .map_err(malformed)?;
            } else if section.name() == BRANCH_HINTS {
                if has_hints || has_code {
                    let what = "there may be one section of branch hints, before the code";
                    return Err(Error::new(ErrorKind::Malformed, what).at(at as usize));
                }
                has_hints = true;
                self.check_hints(data, at)?;
            }
        }
        Ok(())
    }

    /// Checks that branch hints are in order, each at a conditional branch.
    fn check_hints(&self, data: &[u8], at: u64) -> Result<()> {
        let malformed = |error: BinaryReaderError| reader_error(ErrorKind::Malformed, &error);
        let reader = BinaryReader::new(data, at);
        let mut next = 0;
        for func in BranchHintSectionReader::new(reader).map_err(malformed)? {
            let func = func.map_err(malformed)?;
            let body = self.body_index(func.func).filter(|_| func.func >= next);
            let Some(body) = body.filter(|&body| body < self.bodies.len()) else {
                let what = format!("branch hints of function {}: out of order", func.func);
                return Err(Error::new(ErrorKind::Invalid, what).at(at as usize));
            };
            next = func.func + 1;
            self.check_hints_of(body, &func)?;
        }
        Ok(())
    }

    fn check_hints_of(&self, body: usize, func: &BranchHintFunction<'_>) -> Result<()> {
        let range = self.bodies[body].clone();
        let mut decoder = Decoder::new(&self.bytes[range.clone()], range.start);
        decoder.read_locals(|_, _| {})?;
        for hint in func.hints.clone() {
            let hint = hint.map_err(|error| reader_error(ErrorKind::Malformed, &error))?;
            let target = range.start + hint.func_offset as usize;
            let is_behind = |instr: &Result<Instr<'_>, _>| match instr {
                Ok(instr) => instr.offset >= target,
                Err(_) => true,
            };
            let found = decoder.find(is_behind).transpose()?;
            let is_branch = |op| matches!(op, Op::If | Op::BrIf);
            if !found.is_some_and(|instr| instr.offset == target && is_branch(instr.op)) {
                let what = "invalid target of a branch hint";
                return Err(Error::new(ErrorKind::Invalid, what).at(target));
            }
        }
        Ok(())
    }
}

impl Names {
    fn read(&mut self, section: NameSectionReader<'_>) -> Result<(), BinaryReaderError> {
        for name in section {
            match name? {
                Name::Module { name, .. } => self.module = Some(name.to_string()),
                Name::Function(names) => {
                    for name in names {
                        let name = name?;
                        self.funcs.insert(name.index, name.name.to_string());
                    }
                }
                Name::Local(funcs) => {
                    for func in funcs {
                        let func = func?;
                        for name in func.names {
                            let name = name?;
                            let place = (func.index, name.index);
                            self.locals.insert(place, name.name.to_string());
                        }
                    }
                }
                _ => {} // names of what no message speaks of
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::WasmFeatures;

    fn module(bytes: &[u8]) -> ModuleParts {
        ModuleParts::decode(bytes, WasmFeatures::WASM3, std::sync::Arc::default()).unwrap()
    }

    fn encode(wat: &str) -> Vec<u8> {
        let buffer = wast::parser::ParseBuffer::new(wat).unwrap();
        let mut wat: wast::Wat<'_> = wast::parser::parse(&buffer).unwrap();
        wat.encode().unwrap()
    }

    #[test]
    fn names_are_kept_and_faulty_ones_harm_nothing() {
        let text = "(module $m (func $f (param $x i32) (local i32 i32) (local $y i64)) (func))";
        let bytes = encode(text);
        let names = module(&bytes).names();
        assert_eq!(names.module.as_deref(), Some("m"));
        assert_eq!(names.funcs, BTreeMap::from([(0, "f".to_string())]));
        let locals = [((0, 0), "x".to_string()), ((0, 3), "y".to_string())];
        assert_eq!(names.locals, BTreeMap::from(locals));
        assert_eq!(module(&bytes).check_custom(), Ok(()));
        // The section's last name is longer than the section.
        let mut faulty = bytes;
        let place = faulty.len() - 2;
        assert_eq!(faulty[place..], [1, b'y']);
        faulty[place] = 9;
        let faulty = module(&faulty);
        assert_eq!(faulty.names().funcs.len(), 1);
        let error = faulty.check_custom().map_err(|error| error.kind);
        assert_eq!(error, Err(ErrorKind::Malformed));
    }

    /// A module of two functions, each `(if (local.get 0) (then)) (br_if 0 (local.get 0))`, with a
    /// section of branch hints in front of the code.
    fn hinted(hints: &[u8]) -> Result<(), ErrorKind> {
        let code = [0, 0x20, 0, 4, 0x40, 0x0b, 0x20, 0, 0x0d, 0, 0x0b];
        let body = [&[code.len() as u8][..], &code].concat();
        let code = [&[2][..], &body, &body].concat();
        let name = [&[BRANCH_HINTS.len() as u8][..], BRANCH_HINTS.as_bytes()].concat();
        let custom = [&name[..], hints].concat();
        let bytes = [
            &b"\0asm\x01\0\0\0\x01\x05\x01\x60\x01\x7f\0\x03\x03\x02\0\0\0"[..],
            &[custom.len() as u8],
            &custom,
            &[10, code.len() as u8],
            &code,
        ];
        let checked = module(&bytes.concat()).check_custom();
        checked.map_err(|error| error.kind)
    }

    #[test]
    fn branch_hints_stand_at_branches_in_order() {
        let (malformed, invalid) = (Err(ErrorKind::Malformed), Err(ErrorKind::Invalid));
        assert_eq!(hinted(&[0]), Ok(()));
        let both = [2, 0, 2, 3, 1, 0, 8, 1, 1, 1, 1, 8, 1, 0];
        assert_eq!(hinted(&both), Ok(()));
        assert_eq!(hinted(&[1, 0, 1, 1, 1, 0]), invalid, "local.get");
        assert_eq!(
            hinted(&[1, 0, 1, 4, 1, 0]),
            invalid,
            "inside an instruction"
        );
        assert_eq!(hinted(&[1, 0, 1, 99, 1, 0]), invalid, "outside");
        assert_eq!(hinted(&[1, 2, 1, 3, 1, 0]), invalid, "no such function");
        assert_eq!(hinted(&[1, 0, 2, 8, 1, 0, 3, 1, 0]), invalid, "backwards");
        assert_eq!(hinted(&[1, 0, 2, 3, 1, 0, 3, 1, 0]), invalid, "twice");
        assert_eq!(hinted(&[2, 1, 1, 3, 1, 0, 0, 1, 3, 1, 0]), invalid);
        assert_eq!(hinted(&[1, 0, 1, 3, 1, 2]), malformed, "neither 0 nor 1");
        assert_eq!(hinted(&[1, 0, 1, 3, 2, 0]), malformed, "of two bytes");
        assert_eq!(hinted(&[1, 0, 1]), malformed, "cut short");
        assert_eq!(hinted(&[0, 0]), malformed, "bytes left over");
    }
}
