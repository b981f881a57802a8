//! The code of a module that runs: each function, or each stretch of code, sets a bit of a global
//! when it is entered, and the globals are read in the end.

use std::ops::Range;

use wasmparser::WasmFeatures;

use super::module::{Parts, TRAP};
use super::{module_of, module_of_mut};
use crate::explain::outline::{Body, Grain, Outline};
use crate::explain::rewrite::{ARM, LEFT, Rewriter};
use crate::outcome::{Outcome, Report, Value};
use crate::script::{Action, Argument, Command, Directive, Expectation, Kind, Script};

/// A script whose module notes which functions run, and that reads it afterwards.
pub(super) struct Watched {
    pub(super) script: Script,
    /// The ordinal of the first directive that reads.
    first: usize,
}

impl Watched {
    /// A bit for each of the defined functions, 64 to a word: whether it has run.
    pub(super) fn read(&self, reports: &[Report]) -> Option<Vec<u64>> {
        reports.get(self.first..)?.iter().map(word).collect()
    }
}

/// The script with a module that notes which functions run; `None` if the module cannot be changed
/// so.
pub(super) fn watch(script: &Script, at: usize, features: WasmFeatures) -> Option<Watched> {
    let Command::Module { name, .. } = script.commands.get(at)? else {
        return None;
    };
    let instance = name.clone();
    let outline = Outline::new(module_of(&script.commands[at])?, features).ok()?;
    let mut rewriter = Rewriter::new(&outline, false).ok()?;
    let globals = rewriter.flag_entries().ok()?;
    let (module, _) = rewriter.finish();
    let mut script = script.clone();
    *module_of_mut(&mut script.commands[at])? = module;
    let first = script.commands.len();
    for field in globals {
        script.commands.push(Command::Action(Action::Get {
            instance: instance.clone(),
            field,
        }));
        let ordinal = script.directives.len() as u32;
        script.directives.push(reading(ordinal));
    }
    Some(Watched { script, first })
}

/// A module whose code can be cut where it does not run.
pub(super) struct Cut {
    /// The script; its module notes which stretches of code run.
    script: Script,
    /// The ordinal of the directive that arms the module: its argument is the number of stretches.
    arms: usize,
    /// The functions that are not empty.
    bodies: Vec<Body>,
    /// Where the bodies of all defined functions are.
    ranges: Vec<Range<usize>>,
    /// The module as it was.
    module: Vec<u8>,
}

/// What has run.
pub(super) struct Ran {
    /// A bit for each stretch, 64 to a word.
    pub(super) reached: Vec<u64>,
    /// The number of stretches that ran in the last directive.
    pub(super) ran: i64,
    /// True if the difference was seen.
    pub(super) shows: bool,
}

impl Cut {
    /// Prepares a module; `None` if it cannot be changed so, or if nothing is left to cut.
    pub(super) fn new(script: &Script, at: usize, features: WasmFeatures) -> Option<Cut> {
        let Command::Module { name, .. } = script.commands.get(at)? else {
            return None;
        };
        let instance = name.clone();
        let module = module_of(&script.commands[at])?.clone();
        let outline = Outline::new(&module, features).ok()?;
        let is_full = |func: u32| {
            let body = outline.bodies.get((func - outline.imported_funcs) as usize);
            body.is_some_and(|range| module[range.clone()] != TRAP)
        };
        let mut bodies = Vec::new();
        let grain = |func| is_full(func).then_some(Grain::Stretches);
        outline
            .functions(&grain, &mut |body| bodies.push(body))
            .ok()?;
        let mut rewriter = Rewriter::new(&outline, false).ok()?;
        let globals = rewriter.flag_places(&bodies);
        let (watched, _) = rewriter.finish();
        let mut script = script.clone();
        *module_of_mut(&mut script.commands[at])? = watched;
        // Only calls of this module can be armed: what it does when it is instantiated runs whole.
        let arms = script.commands.len() - 1;
        if at == arms {
            return None;
        }
        let arm = Command::Action(Action::Invoke {
            instance: instance.clone(),
            field: ARM.to_string(),
            args: vec![Argument::I64(0)],
        });
        script.commands.insert(arms, arm);
        for field in std::iter::once(LEFT.to_string()).chain(globals) {
            script.commands.push(Command::Action(Action::Get {
                instance: instance.clone(),
                field,
            }));
        }
        let ordinals = 0..script.commands.len() as u32;
        let known = std::mem::take(&mut script.directives);
        let directive = |ordinal: u32| match (ordinal as usize, arms) {
            (at, arms) if at < arms => known[at].clone(),
            (at, arms) if at == arms + 1 => Directive {
                ordinal,
                ..known[arms].clone()
            },
            _ => reading(ordinal),
        };
        script.directives = ordinals.map(directive).collect();
        let ranges = outline.bodies.clone();
        Some(Cut {
            script,
            arms,
            bodies,
            ranges,
            module,
        })
    }

    /// The script, to stop after so many stretches of code in its last directive.
    pub(super) fn script(&self, stretches: i64) -> Script {
        let mut script = self.script.clone();
        if let Command::Action(Action::Invoke { args, .. }) = &mut script.commands[self.arms] {
            *args = vec![Argument::I64(stretches.cast_unsigned())];
        }
        script
    }

    /// What ran in any of the engines; `None` if they do not tell.
    pub(super) fn read<'a>(
        &self,
        stretches: i64,
        runs: impl Iterator<Item = &'a [Report]>,
        shows: bool,
    ) -> Option<Ran> {
        let mut ran = Ran {
            reached: Vec::new(),
            ran: 0,
            shows,
        };
        for reports in runs {
            let words = reports.get(self.arms + 2..)?.iter().map(word);
            let words: Option<Vec<u64>> = words.collect();
            let (left, flags) = words.as_ref()?.split_first()?;
            ran.ran = ran.ran.max(stretches.wrapping_sub(left.cast_signed()));
            ran.reached.resize(flags.len(), 0);
            let pairs = ran.reached.iter_mut().zip(flags);
            pairs.for_each(|(sum, flag)| *sum |= flag);
        }
        Some(ran)
    }

    /// The module with a trap in place of each stretch that was not reached; `None` if all were.
    pub(super) fn without_unreached(&self, reached: &[u64]) -> Option<Vec<u8>> {
        let mut parts = Parts::read(&self.module).ok()?;
        let (mut number, mut is_cut) = (0, false);
        for body in &self.bodies {
            let flags = (number..number + body.stops.len()).map(|number: usize| {
                let word = reached.get(number / 64).copied().unwrap_or(0);
                word >> (number % 64) & 1 != 0
            });
            let flags: Vec<bool> = flags.collect();
            number += flags.len();
            if flags.iter().any(|is_reached| !is_reached) {
                let index = (body.func - parts.imported) as usize;
                parts.bodies[index] = self.cut(body, &self.ranges[index], &flags);
                is_cut = true;
            }
        }
        is_cut.then(|| parts.module())
    }

    /// A body with traps: blocks stay where any of their code runs.
    fn cut(&self, body: &Body, whole: &Range<usize>, flags: &[bool]) -> Vec<u8> {
        let start = body.instructions.first().map_or(body.end, |it| it.offset);
        let mut out = self.module[whole.start..start].to_vec();
        let opcodes: Vec<u8> = self.opcodes(body).collect();
        let ends = ends(&opcodes);
        // A trap makes the rest of its block unreachable, and that block only.
        let (mut at, mut stop, mut runs, mut is_trapped) = (0, 0, true, false);
        while at < opcodes.len() {
            if body.stops.get(stop).is_some_and(|it| it.at == at) {
                runs = flags[stop];
                if !runs && !is_trapped {
                    out.push(UNREACHABLE);
                    is_trapped = true;
                }
                stop += 1;
            }
            let opens = OPENS.contains(&opcodes[at]);
            let is_kept = runs || opens || BOUNDS.contains(&opcodes[at]);
            if let (false, true, Some(end)) = (runs, opens, ends[at]) {
                // A block of which nothing runs goes as a whole.
                let inside = body.stops.iter().zip(flags).skip(stop);
                let mut inside = inside.take_while(|(it, _)| it.at <= end);
                if inside.all(|(_, is_reached)| !is_reached) {
                    at = end + 1;
                    while body.stops.get(stop).is_some_and(|it| it.at < at) {
                        stop += 1;
                    }
                    continue;
                }
            }
            if is_kept {
                let next = body
                    .instructions
                    .get(at + 1)
                    .map_or(body.end, |it| it.offset);
                out.extend(&self.module[body.instructions[at].offset..next]);
                is_trapped = false;
            }
            at += 1;
        }
        out
    }

    fn opcodes(&self, body: &Body) -> impl Iterator<Item = u8> {
        body.instructions.iter().map(|it| self.module[it.offset])
    }
}

const UNREACHABLE: u8 = 0x00;
/// The opcodes that open a block: `block`, `loop`, `if`, `try`, `try_table`.
const OPENS: [u8; 5] = [0x02, 0x03, 0x04, 0x06, 0x1f];
/// The opcodes that end a block or a part of one: `else`, `catch`, `end`, `delegate`, `catch_all`.
const BOUNDS: [u8; 5] = [0x05, 0x07, 0x0b, 0x18, 0x19];

/// The end of each block, by the index of the instruction that opens it.
fn ends(opcodes: &[u8]) -> Vec<Option<usize>> {
    let mut ends = vec![None; opcodes.len()];
    let mut open = Vec::new();
    for (at, opcode) in opcodes.iter().enumerate() {
        if OPENS.contains(opcode) {
            open.push(at);
        } else if matches!(opcode, 0x0b | 0x18)
            && let Some(start) = open.pop()
        {
            ends[start] = Some(at);
        }
    }
    ends
}

/// A directive that reads what was noted.
fn reading(ordinal: u32) -> Directive {
    Directive {
        ordinal,
        line: 1,
        column: 1,
        kind: Kind::Get,
        id: String::new(),
        expectation: Expectation::Open,
        origin: None,
    }
}

/// The word that a directive has read.
fn word(report: &Report) -> Option<u64> {
    match &report.outcome {
        Outcome::Values(values) => match values[..] {
            [Value::I64(word)] => Some(word),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::FeatureSet;
    use crate::protocol::cell::Cell;
    use crate::protocol::{Job, JobConfig};
    use crate::reduce::module::is_valid;
    use crate::script::parse::parse_script;
    use crate::tier::Tier;
    use crate::worker::run_job;

    /// Blocks with and without results, of which the call runs a part.
    const SCRIPT: &str = r#"(module
      (func $other (result i32) (i32.const 9))
      (func (export "f") (param i32) (result i32)
        (block
          (block (br_if 0 (local.get 0)) (return (i32.add (i32.const 3) (i32.const 4))))
          (drop (loop (result i32) (if (local.get 0) (then (br 1))) (call $other))))
        (if (result i32) (local.get 0) (then (call $other)) (else (i32.const 2)))))
    (assert_return (invoke "f" (i32.const 0)) (i32.const 7))"#;

    fn run(script: &Script) -> Vec<Report> {
        let cell = Cell::create().expect("a cell");
        let job = Job {
            sequence: 1,
            path: "t.wast".into(),
            commands: (&script.commands[..]).into(),
            config: JobConfig::plain(FeatureSet::WASM3),
            excluded: (&[][..]).into(),
        };
        run_job(Tier::Stack, &cell, &job).reports
    }

    #[test]
    fn code_that_does_not_run_is_cut_and_the_rest_does_the_same() {
        let script = parse_script("t.wast", SCRIPT);
        let features = FeatureSet::WASM3.wasmparser();
        let cut = Cut::new(&script, 0, features).expect("a module that can be cut");
        let seen = |stretches| {
            let reports = run(&cut.script(stretches));
            let ran = cut.read(stretches, std::iter::once(&reports[..]), true);
            (ran.expect("flags"), reports)
        };
        let (all, _) = seen(i64::MAX);
        assert_eq!(all.ran, 2);
        let module = cut
            .without_unreached(&all.reached)
            .expect("something to cut");
        assert!(is_valid(&module, features));
        assert!(module.len() < module_of(&script.commands[0]).expect("a module").len());
        let mut small = script.clone();
        *module_of_mut(&mut small.commands[0]).expect("a module") = module;
        assert_eq!(run(&small)[1].outcome, run(&script)[1].outcome);
        // The other way through the function traps now.
        let [
            Command::Module { .. },
            Command::Action(Action::Invoke { args, .. }),
        ] = &mut small.commands[..]
        else {
            panic!("not the script");
        };
        *args = vec![Argument::I32(1)];
        assert!(matches!(run(&small)[1].outcome, Outcome::Trap(_)));
        // It stops at the first stretch.
        let (one, reports) = seen(1);
        assert_eq!(one.ran, 1);
        assert!(matches!(reports[cut.arms + 1].outcome, Outcome::Trap(_)));
    }
}
