//! The details of a directive that fails: its text, the function that it calls, and the places at
//! which code ended.
//!
//! Owns: which module an action enters, followed through the script as a worker follows it, and
//! which function a place names. A worker tells functions by index only, so a frame is named only
//! where it fits the module that its caller is in; where a call leaves that module, names end.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wasmparser::Validator;
use wassay_runtime::interior::decode::Decoder;
use wassay_runtime::interior::module::{ExternKind, ModuleParts};
use wassay_runtime::interior::ops::Op;
use wassay_runtime::{Config, Engine, Tier};

use crate::engine::EngineName;
use crate::features::{FeatureSet, Proposal};
use crate::judge::judged::Traces;
use crate::outcome::Place;
use crate::outcome::names::{Names, reason};
use crate::outcome::text::{argument_text, lane_shape};
use crate::script::parse::text_hash;
use crate::script::source::SourceText;
use crate::script::{Action, Command, Directive, ModuleSource, Script};

/// Bytes of a directive's text that a report keeps.
const TEXT_BYTES_MAX: usize = 2000;
/// Frames of a trace that a report keeps, the innermost.
const FRAMES_MAX: usize = 16;
/// Functions in which a directive may have failed that are shown.
const SUSPECTS_MAX: usize = 3;
/// Instructions of a function that are named.
const INSTRUCTIONS_MAX: usize = 8;

/// The details of a directive that fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// The directive's text, or the beginning of a long one.
    pub text: String,
    /// True if the text goes on.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub is_cut: bool,
    /// The call that the directive makes; absent if it makes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallAccount>,
    /// The features that a module needs and that its file does not have, as a list for
    /// `--features`; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
    /// The places where code ended, for each group of engines in which that is the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traces: Vec<TraceAccount>,
}

/// A call of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallAccount {
    /// The export's name.
    pub export: String,
    /// The arguments, as bits.
    pub arguments: Vec<String>,
    /// The function; absent if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionAccount>,
}

/// A function of a module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionAccount {
    /// The function's index in its module.
    pub index: u32,
    /// Its name in the name section, or that of an export; absent if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The first instructions of its code, each once, those apart that only move operands.
    pub instructions: Vec<String>,
}

/// The functions that were running when code ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceAccount {
    /// The engines.
    pub tiers: Vec<EngineName>,
    /// The functions, the innermost first.
    pub frames: Vec<FrameAccount>,
    /// Further functions that are not listed.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub more: u64,
}

/// A function that was running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameAccount {
    /// The function's index in its module.
    pub function: u32,
    /// The byte of the module at which the instruction begins; absent if the engine does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
    /// The function's name; absent if it has none, or if its module is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The instruction; absent if the module is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// The instruction's place in the file; absent if its module is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceAccount>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceAccount {
    /// Line, from 1.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
    /// The text of the line.
    pub text: String,
}

/// The details of some directives of a script, by ordinal; `wanted` is ascending.
pub fn details(
    script: &Script,
    text: &str,
    features: FeatureSet,
    traces: &Traces,
    wanted: &[usize],
) -> BTreeMap<usize, Details> {
    let mut follower = Follower::new(script, text, features);
    let mut all = BTreeMap::new();
    let mut at = 0;
    for &ordinal in wanted {
        while at <= ordinal {
            follower.follow(at, &script.commands[at]);
            at += 1;
        }
        all.insert(ordinal, follower.details(ordinal, traces.of(ordinal)));
    }
    all
}

/// A function that was running when a directive failed, or that it calls.
#[derive(Clone, Copy, Debug)]
pub struct Suspect<'a> {
    /// The ordinal of the directive that has the module.
    pub of: usize,
    /// The module.
    pub module: &'a ModuleParts,
    /// The function's index in it.
    pub func: u32,
    /// The function's name; `None` if it has none.
    pub name: Option<&'a str>,
    /// The byte of the module at which it was.
    pub offset: Option<u32>,
}

/// Shows the functions in which directives of a script may have failed, for each directive by its
/// ordinal and traces, in ascending order: those of known modules that were running, the innermost
/// first; without these the function that is called, and those that it calls by index.
pub fn each_suspect(
    script: &Script,
    text: &str,
    features: FeatureSet,
    wanted: &[(usize, Vec<Vec<Place>>)],
    show: &mut dyn FnMut(usize, Suspect<'_>),
) {
    let mut follower = Follower::new(script, text, features);
    let mut at = 0;
    for (ordinal, traces) in wanted {
        while at <= *ordinal {
            follower.follow(at, &script.commands[at]);
            at += 1;
        }
        for (of, func, offset) in follower.suspects(*ordinal, traces) {
            if let Some(known) = follower.known(of) {
                let (module, name) = (&known.module, known.names.get(&func).map(String::as_str));
                let suspect = Suspect {
                    of,
                    module,
                    func,
                    name,
                    offset,
                };
                show(*ordinal, suspect);
            }
        }
    }
}

/// A module of the script, decoded.
struct Known {
    module: ModuleParts,
    names: BTreeMap<u32, String>,
}

/// An instruction of a function.
#[derive(Clone, Copy)]
struct Instruction {
    /// Its position in the function.
    position: usize,
    op: Op,
    /// The function that it calls by index.
    callee: Option<u32>,
}

struct Follower<'a> {
    script: &'a Script,
    source: SourceText<'a>,
    features: FeatureSet,
    engine: Option<Engine>,
    /// Instances and modules, by the ordinal of the directive that has the module.
    names: Names<usize, usize>,
    /// The modules that were looked at.
    known: BTreeMap<usize, Option<Known>>,
    /// The ordinal past the latest thread: names inside of one are not followed.
    thread_end: usize,
}

impl<'a> Follower<'a> {
    fn new(script: &'a Script, text: &'a str, features: FeatureSet) -> Follower<'a> {
        let config = *Config::only(Tier::Stack).features(features.wasmparser());
        Follower {
            script,
            source: SourceText::new(text),
            features,
            engine: Engine::new(&config).ok(),
            names: Names::default(),
            known: BTreeMap::new(),
            thread_end: 0,
        }
    }

    /// Takes in what a command does to the names of instances.
    fn follow(&mut self, at: usize, command: &Command) {
        if at < self.thread_end {
            return;
        }
        match command {
            Command::Module { name, .. } => self.names.make_current(name.as_ref(), Ok(at)),
            Command::ModuleDefinition { name, .. } => self.names.define(name.as_ref(), Ok(at)),
            Command::ModuleInstance { instance, module } => {
                let slot = self.names.definition(module.as_ref());
                let slot = slot.unwrap_or_else(|unknown| Err(reason(&unknown)));
                self.names.make_current(instance.as_ref(), slot);
            }
            Command::Unreadable { message, head } => {
                self.names.unreadable(message, head);
            }
            Command::Thread { length, .. } => self.thread_end = at + 1 + *length as usize,
            Command::Register { .. }
            | Command::Action(_)
            | Command::Instantiate { .. }
            | Command::Check { .. }
            | Command::CheckCustom { .. }
            | Command::Wait { .. } => {}
        }
    }

    /// The directive that has the module which a command enters.
    fn entered(&self, at: usize, command: &Command) -> Option<usize> {
        if at < self.thread_end {
            return None;
        }
        match command {
            Command::Module { .. } | Command::Instantiate { .. } => Some(at),
            Command::ModuleInstance { module, .. } => {
                self.names.definition(module.as_ref()).ok()?.ok()
            }
            Command::Action(Action::Invoke { instance, .. } | Action::Get { instance, .. }) => {
                self.names.instance(instance.as_ref()).ok()?.ok()
            }
            Command::ModuleDefinition { .. }
            | Command::Register { .. }
            | Command::Check { .. }
            | Command::CheckCustom { .. }
            | Command::Thread { .. }
            | Command::Wait { .. }
            | Command::Unreadable { .. } => None,
        }
    }

    fn details(&mut self, ordinal: usize, traces: &[(EngineName, Vec<Place>)]) -> Details {
        let (directive, command) = (
            &self.script.directives[ordinal],
            &self.script.commands[ordinal],
        );
        let entered = self.entered(ordinal, command);
        // A directive that stands in no file has a place all the same.
        let text = self.source.of(directive);
        let text = text.filter(|text| directive.id.ends_with(&format!("-{}", text_hash(text))));
        let (text, is_cut) = cut(text.unwrap_or_default());
        let mut groups: Vec<(Vec<EngineName>, &[Place])> = Vec::new();
        for (tier, places) in traces {
            match groups.iter_mut().find(|(_, known)| *known == &places[..]) {
                Some((tiers, _)) => tiers.push(*tier),
                None => groups.push((vec![*tier], places)),
            }
        }
        let call = self.call(entered, command);
        let lacks = self.lacks(command);
        let trace = |(tiers, places): (Vec<EngineName>, &[Place])| TraceAccount {
            tiers,
            frames: self
                .frames(entered, places)
                .map(|(frame, _)| frame)
                .collect(),
            more: places.len().saturating_sub(FRAMES_MAX) as u64,
        };
        Details {
            text,
            is_cut,
            call,
            lacks,
            traces: groups.into_iter().map(trace).collect(),
        }
    }

    fn call(&mut self, entered: Option<usize>, command: &Command) -> Option<CallAccount> {
        let Command::Action(Action::Invoke { field, args, .. }) = command else {
            return None;
        };
        let known = entered.and_then(|at| self.known(at));
        let function = known.and_then(|known| known.export(field));
        let mut instructions = function.iter().flat_map(|it| &it.instructions);
        // The lanes of an argument are those of the first instruction that has some.
        let shape = instructions.find_map(|it| lane_shape(it));
        let arguments = args.iter().map(|it| argument_text(shape.as_ref(), it));
        Some(CallAccount {
            export: field.clone(),
            arguments: arguments.collect(),
            function,
        })
    }

    /// The features that a module lacks which must be valid and is not.
    fn lacks(&self, command: &Command) -> Option<String> {
        let (Command::Module { .. } | Command::ModuleDefinition { .. }) = command else {
            return None;
        };
        let ModuleSource::Binary(bytes) = command.module()? else {
            return None;
        };
        lacking(bytes, self.features).map(|lacking| {
            let names: Vec<&str> = lacking.iter().map(|it| it.key()).collect();
            names.join(",")
        })
    }

    /// The module of a directive.
    fn known(&mut self, at: usize) -> Option<&Known> {
        let (script, engine) = (self.script, self.engine.as_ref());
        let known = self.known.entry(at).or_insert_with(|| {
            let ModuleSource::Binary(bytes) = script.commands[at].module()? else {
                return None;
            };
            let module = ModuleParts::new(engine?, bytes).ok()?;
            let mut names = module.names().funcs;
            for export in module
                .exports
                .iter()
                .filter(|it| it.kind == ExternKind::Func)
            {
                names
                    .entry(export.index)
                    .or_insert_with(|| export.name.clone());
            }
            Some(Known { module, names })
        });
        known.as_ref()
    }

    /// The functions in which a directive may have failed, each once: the ordinal of the module,
    /// the function and the byte at which it was.
    fn suspects(
        &mut self,
        ordinal: usize,
        traces: &[Vec<Place>],
    ) -> Vec<(usize, u32, Option<u32>)> {
        let command = &self.script.commands[ordinal];
        let entered = self.entered(ordinal, command);
        let mut found = Vec::new();
        for places in traces {
            let frames = self.frames(entered, places).enumerate();
            let known = frames.filter_map(|(depth, (frame, of))| {
                frame.instruction.as_ref()?;
                Some((depth, (of?, frame.function, frame.offset)))
            });
            found.extend(known);
        }
        found.sort_by_key(|(depth, _)| *depth);
        let mut found: Vec<_> = found.into_iter().map(|(_, it)| it).collect();
        if let (true, Some(of), Command::Action(Action::Invoke { field, .. })) =
            (found.is_empty(), entered, command)
            && let Some(known) = self.known(of)
        {
            let called = known.called(field);
            found.extend(called.into_iter().map(|func| (of, func, None)));
        }
        let mut seen = BTreeSet::new();
        found.retain(|(of, func, _)| seen.insert((*of, *func)));
        found.truncate(SUSPECTS_MAX);
        found
    }

    /// The frames of a trace, the innermost first, with the ordinals of their modules as far as
    /// these are known.
    fn frames(
        &mut self,
        entered: Option<usize>,
        places: &[Place],
    ) -> impl Iterator<Item = (FrameAccount, Option<usize>)> + use<> {
        let mut module = entered;
        let mut frames = Vec::new();
        for place in places.iter().rev() {
            let of = module;
            let mut frame = FrameAccount {
                function: place.func,
                offset: place.offset_bytes,
                name: None,
                instruction: None,
                place: None,
            };
            let found = module.and_then(|at| {
                let known = self.known(at)?;
                let found = known.instruction(place.func, place.offset_bytes?)?;
                let leaves = found
                    .callee
                    .is_some_and(|it| it < known.module.imported.funcs);
                let defined = place.func.checked_sub(known.module.imported.funcs)?;
                frame.name = known.names.get(&place.func).cloned();
                frame.instruction = Some(found.op.mnemonic().to_string());
                frame.place = self.place(&self.script.directives[at], defined, found.position);
                (!leaves).then_some(at)
            });
            module = found;
            frames.push((frame, of));
        }
        frames.into_iter().rev().take(FRAMES_MAX)
    }

    fn place(&self, module: &Directive, function: u32, position: usize) -> Option<PlaceAccount> {
        let place = self
            .source
            .instruction(module, function as usize, position)?;
        let (text, _) = cut(&place.text);
        Some(PlaceAccount {
            line: place.line,
            column: place.column,
            text,
        })
    }
}

/// The proposals with which a module is valid that is not valid with the features alone: as few as
/// one after the other can be left out.
fn lacking(module: &[u8], features: FeatureSet) -> Option<Vec<Proposal>> {
    let is_valid = |set: FeatureSet| {
        let mut validator = Validator::new_with_features(set.wasmparser());
        validator.validate_all(module).is_ok()
    };
    let all = features.union(FeatureSet::EXECUTED);
    if is_valid(features) || !is_valid(all) {
        return None;
    }
    let added = all.proposals().filter(|it| !features.contains(*it));
    let without = |set: FeatureSet, proposal| {
        let less = features.union(set.without(proposal));
        if is_valid(less) { less } else { set }
    };
    let needed = added.fold(all, without);
    let needed = needed.proposals().filter(|it| !features.contains(*it));
    Some(needed.collect())
}

impl Known {
    fn export(&self, name: &str) -> Option<FunctionAccount> {
        let mut exports = self.module.exports.iter();
        let export = exports.find(|it| it.kind == ExternKind::Func && it.name == name)?;
        let mut instructions: Vec<String> = Vec::new();
        self.each(export.index, |instruction, _| {
            let name = instruction.op.mnemonic();
            let is_known = instructions.iter().any(|it| it == name);
            if !moves_operands(instruction.op) && !is_known {
                instructions.push(name.to_string());
            }
            instructions.len() < INSTRUCTIONS_MAX
        });
        Some(FunctionAccount {
            index: export.index,
            name: self.names.get(&export.index).cloned(),
            instructions,
        })
    }

    /// The function of an export, and those that it calls by index; imported ones are left out.
    fn called(&self, export: &str) -> Vec<u32> {
        let mut exports = self.module.exports.iter();
        let export = exports.find(|it| it.kind == ExternKind::Func && it.name == export);
        let mut called: Vec<u32> = export.iter().map(|it| it.index).collect();
        if let Some(export) = export {
            self.each(export.index, |instruction, _| {
                called.extend(instruction.callee);
                called.len() < INSTRUCTIONS_MAX
            });
        }
        called.retain(|func| self.module.body_index(*func).is_some());
        called
    }

    /// The instruction of a function at a byte of the module.
    fn instruction(&self, func: u32, offset: u32) -> Option<Instruction> {
        let mut found = None;
        self.each(func, |instruction, at| {
            if at == offset as usize {
                found = Some(instruction);
            }
            at < offset as usize
        });
        found
    }

    /// Goes through the instructions of a function, with their offsets, as long as it is told to.
    fn each(&self, func: u32, mut go_on: impl FnMut(Instruction, usize) -> bool) {
        let defined = func.checked_sub(self.module.imported.funcs);
        let Some(range) = defined.and_then(|it| self.module.bodies.get(it as usize)) else {
            return;
        };
        let mut reader = Decoder::new(&self.module.bytes[range.clone()], range.start);
        if reader.read_locals(|_, _| ()).is_err() {
            return;
        }
        for position in 0.. {
            if reader.is_at_end() {
                return;
            }
            let Ok(instr) = reader.read() else { return };
            let calls = matches!(instr.op, Op::Call | Op::ReturnCall);
            let callee = calls.then(|| instr.index().ok()).flatten();
            let op = instr.op;
            let instruction = Instruction {
                position,
                op,
                callee,
            };
            if !go_on(instruction, instr.offset) {
                return;
            }
        }
    }
}

/// True if an instruction says nothing about what a function does.
fn moves_operands(op: Op) -> bool {
    matches!(
        op,
        Op::LocalGet
            | Op::LocalSet
            | Op::LocalTee
            | Op::End
            | Op::I32Const
            | Op::I64Const
            | Op::F32Const
            | Op::F64Const
            | Op::V128Const
    )
}

/// The beginning of a text, and true if that is not all of it.
fn cut(text: &str) -> (String, bool) {
    let end = (0..=text.len().min(TEXT_BYTES_MAX)).rev();
    let end = end
        .into_iter()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    (text[..end].to_string(), end < text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse::parse_script;

    const TEXT: &str = r#"(module (func (export "out") unreachable)) (register "m")
(module
  (import "m" "out" (func $out))
  (func $div (param i32 i32) (result i32)
    (i32.div_s (local.get 0)
      (local.get 1)))
  (func (export "run") (param i32) (result i32)
    (call $div (i32.const 1) (local.get 0)))
  (func (export "leave") (call $out)))
(assert_return (invoke "run" (i32.const 0)) (i32.const 1))
(assert_return (invoke "leave"))"#;

    fn place(func: u32, offset_bytes: u32) -> Place {
        Place {
            func,
            offset_bytes: Some(offset_bytes),
        }
    }

    /// The bytes at which the calls and the division begin.
    fn offset_of(func: u32, op: Op) -> u32 {
        let script = parse_script("a.wast", TEXT);
        let mut follower = Follower::new(&script, TEXT, FeatureSet::WASM3);
        let known = follower.known(2).expect("valid");
        let mut found = None;
        known.each(func, |instruction, at| {
            found = (instruction.op == op).then_some(at);
            found.is_none()
        });
        found.expect("there") as u32
    }

    #[test]
    fn calls_and_traps_are_named() {
        let script = parse_script("a.wast", TEXT);
        let trace = vec![
            place(1, offset_of(1, Op::I32DivS)),
            place(2, offset_of(2, Op::Call)),
        ];
        let mut traces = Traces::default();
        traces.add(3, EngineName::STACK, trace.clone());
        traces.add(3, EngineName::JIT, trace);
        let all = details(&script, TEXT, FeatureSet::WASM3, &traces, &[3]);
        let found = &all[&3];
        assert!(
            found.text.starts_with("(assert_return (invoke \"run\""),
            "{}",
            found.text
        );
        let call = found.call.as_ref().expect("a call");
        assert_eq!(
            (&*call.export, &*call.arguments),
            ("run", &["i32:0x00000000".to_string()][..])
        );
        let function = call.function.as_ref().expect("known");
        assert_eq!((function.index, function.name.as_deref()), (2, Some("run")));
        assert_eq!(function.instructions, ["call"]);
        let [trace] = &found.traces[..] else {
            panic!("one trace: {found:?}");
        };
        assert_eq!(trace.tiers, [EngineName::STACK, EngineName::JIT]);
        let frame = &trace.frames[0];
        assert_eq!(frame.name.as_deref(), Some("div"));
        assert_eq!(frame.instruction.as_deref(), Some("i32.div_s"));
        let place = frame.place.as_ref().expect("text");
        assert_eq!((place.line, place.column), (5, 6));
        assert_eq!(place.text, "    (i32.div_s (local.get 0)");
        assert_eq!(trace.frames[1].place.as_ref().expect("text").line, 8);
        assert_eq!(
            trace.frames[1].name.as_deref(),
            Some("run"),
            "by its export"
        );
    }

    /// A frame behind a call out of the module is not named: its module is not known.
    #[test]
    fn frames_of_other_modules_are_not_named() {
        let script = parse_script("a.wast", TEXT);
        let inner = place(1, offset_of(1, Op::I32DivS));
        let mut traces = Traces::default();
        traces.add(
            4,
            EngineName::STACK,
            vec![inner, place(3, offset_of(3, Op::Call))],
        );
        let all = details(&script, TEXT, FeatureSet::WASM3, &traces, &[4]);
        let frames = &all[&4].traces[0].frames;
        assert_eq!((&frames[0].name, &frames[0].instruction), (&None, &None));
        assert_eq!(frames[1].instruction.as_deref(), Some("call"));
    }

    #[test]
    fn a_place_between_instructions_is_not_named() {
        let script = parse_script("a.wast", TEXT);
        let mut traces = Traces::default();
        traces.add(
            3,
            EngineName::STACK,
            vec![place(2, offset_of(2, Op::Call) + 1)],
        );
        let all = details(&script, TEXT, FeatureSet::WASM3, &traces, &[3]);
        assert_eq!(all[&3].traces[0].frames[0].instruction, None);
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let text = "\u{e4}".repeat(TEXT_BYTES_MAX);
        let (start, is_cut) = cut(&text);
        assert!(is_cut && start.len() <= TEXT_BYTES_MAX);
        assert_eq!(cut("a"), ("a".to_string(), false));
    }
}
