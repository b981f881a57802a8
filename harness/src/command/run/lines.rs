//! Backtraces with lines of the source, where a module has debugging information in DWARF.
//!
//! Its addresses are offsets in the code section ("DWARF for WebAssembly").

use std::collections::HashMap;
use std::fmt::Write as _;

use addr2line::Context;
use gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use wasmparser::{Parser, Payload};
use wassay_runtime::{Backtrace, Frame};

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// The text of a backtrace: a line for each frame, and one for each place in the source.
pub(in crate::command) fn with_lines(backtrace: &Backtrace) -> String {
    let mut modules = ModuleLines::default();
    let mut text = String::new();
    for (line, frame) in backtrace.to_string().lines().zip(frames(backtrace)) {
        text.push_str(line);
        text.push('\n');
        let Some(frame) = frame else { continue };
        if let (Some(lines), Some(offset)) = (modules.of(frame), frame.module_offset()) {
            text.push_str(&lines.at(offset));
        }
    }
    text
}

/// The place in the source of an instruction of a module, by its offset; empty without one.
pub(in crate::command) fn of_instruction(module: &[u8], offset: usize) -> String {
    Lines::read(module).map_or(String::new(), |lines| lines.at(offset))
}

/// The frames, and then nothing, for the lines that are of none.
fn frames(backtrace: &Backtrace) -> impl Iterator<Item = Option<&Frame>> {
    let frames = backtrace.frames().iter().map(Some);
    frames.chain(std::iter::repeat(None))
}

/// The debugging information of the modules of frames, read once for each.
#[derive(Default)]
pub(in crate::command) struct ModuleLines<'a>(Vec<(&'a Frame, Option<Lines<'a>>)>);

impl<'a> ModuleLines<'a> {
    /// That of the module of a frame, if it has any.
    pub(in crate::command) fn of(&mut self, frame: &'a Frame) -> Option<&Lines<'a>> {
        let mut known = self.0.iter();
        let known = known.position(|(of, _)| of.is_of_same_module(frame));
        let known = known.unwrap_or_else(|| {
            self.0.push((frame, Lines::read(frame.module_bytes())));
            self.0.len() - 1
        });
        self.0[known].1.as_ref()
    }
}

/// The debugging information of a module.
pub(in crate::command) struct Lines<'a> {
    context: Context<Slice<'a>>,
    /// The offset in the module of the contents of the code section.
    code: usize,
}

impl<'a> Lines<'a> {
    /// The information in a module, if it has any that can be read.
    pub(in crate::command) fn read(module: &'a [u8]) -> Option<Lines<'a>> {
        let mut sections = HashMap::new();
        let mut code = None;
        for payload in Parser::new(0).parse_all(module) {
            match payload.ok()? {
                Payload::CodeSectionStart {
                    unchecked_range, ..
                } => code = usize::try_from(unchecked_range.start).ok(),
                Payload::CustomSection(section) => {
                    sections.insert(section.name(), section.data());
                }
                _other => {}
            }
        }
        let section = |id: SectionId| {
            let data = sections.get(id.name()).copied().unwrap_or_default();
            Ok::<_, gimli::Error>(EndianSlice::new(data, LittleEndian))
        };
        if !sections.contains_key(SectionId::DebugInfo.name()) {
            return None;
        }
        let dwarf = Dwarf::load(section).ok()?;
        let context = Context::from_dwarf(dwarf).ok()?;
        Some(Lines {
            context,
            code: code?,
        })
    }

    /// The file and the line of an instruction; of inlined functions the innermost.
    pub(in crate::command) fn line(&self, offset: usize) -> Option<String> {
        let probe = offset.checked_sub(self.code)? as u64;
        let place = self.context.find_location(probe).ok()??;
        Some(format!("{}:{}", place.file?, place.line?))
    }

    /// The places in the source of an instruction: of inlined functions the innermost first.
    fn at(&self, offset: usize) -> String {
        let mut text = String::new();
        let Some(probe) = offset.checked_sub(self.code) else {
            return text;
        };
        let found = self.context.find_frames(probe as u64).skip_all_loads();
        let Ok(mut found) = found else { return text };
        while let Ok(Some(frame)) = found.next() {
            let Some(place) = frame.location else {
                continue;
            };
            let file = place.file.unwrap_or("?");
            let _ = write!(text, "{:17}at {file}", "");
            for number in [place.line, place.column].into_iter().flatten() {
                let _ = write!(text, ":{number}");
            }
            let name = frame
                .function
                .as_ref()
                .and_then(|name| name.demangle().ok());
            if let Some(name) = name {
                let _ = write!(text, ", in {name}");
            }
            text.push('\n');
        }
        text
    }
}
