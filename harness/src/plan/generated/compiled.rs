//! The source `compiled`: our own generator of what compilers make and wasm-smith does not.
//!
//! A program is one module or two of which the second imports of the first. Its functions are made
//! of typed expressions and statements with structured control flow, and of motifs ([`motifs`]):
//! pieces of code that put a certain part of an engine to the test. Programs terminate by
//! construction: only a loop writes its counter, and calls lead to functions that were complete
//! before, or count down. Nearly all values reach a result, a memory or a global, by a hash in each
//! function, so that a wrong one shows.

use std::collections::BTreeSet;

use wasm_encoder::{RefType, TableType, ValType};

use crate::features::{FeatureSet, Proposal};
use crate::script::{Action, Command, ModuleSource};

use super::outline::Outline;
use super::random::Random;
use super::{Case, Source, calls};

mod address;
mod body;
mod expression;
mod motifs;
mod pool;
mod program;
mod statement;

use body::Body;
use program::{ANYREF, FuncSig, Global, Memory, Program, nullable, objects};

/// The source.
pub(super) struct Compiled;

impl Source for Compiled {
    fn name(&self) -> &'static str {
        "compiled"
    }

    fn about(&self) -> &'static str {
        "our own generator of what compilers make"
    }

    fn weight(&self) -> u32 {
        5
    }

    fn case(&self, seed: u64) -> Option<Case> {
        Some(Plan::new(seed).case())
    }
}

/// The making of a case.
struct Plan {
    random: Random,
    features: FeatureSet,
    /// The motifs that the case has.
    motifs: BTreeSet<&'static str>,
}

impl Plan {
    fn new(seed: u64) -> Plan {
        let mut random = Random::new(seed, 3);
        let features = features(&mut random);
        Plan {
            random,
            features,
            motifs: BTreeSet::new(),
        }
    }

    fn case(&mut self) -> Case {
        let mut commands = Vec::new();
        let mut first = None;
        if self.random.chance(30) {
            let program = self.program(None, 2);
            let bytes = program.clone().encode(&mut self.random);
            commands.push(Command::Module {
                name: Some("a".to_string()),
                module: ModuleSource::Binary(bytes.clone()),
            });
            commands.push(Command::Register {
                name: "a".to_string(),
                instance: None,
            });
            first = Some((program, bytes));
        }
        let functions = self.random.range(1, 4);
        let program = self.program(first.as_ref().map(|(program, _)| program), functions);
        let bytes = program.encode(&mut self.random);
        let mut calls = self.calls(&bytes, None, 16);
        if let Some((_, bytes)) = &first {
            calls.extend(self.calls(bytes, Some("a"), 6));
            self.random.shuffle(&mut calls);
        }
        commands.push(calls::module(bytes));
        commands.extend(calls);
        Case {
            features: self.features,
            commands,
        }
    }

    /// Calls of an instance's exports.
    fn calls(&mut self, module: &[u8], name: Option<&str>, most: usize) -> Vec<Command> {
        let outline = Outline::of(module).expect("the module has just been encoded");
        let mut calls = calls::of_exports(&outline, &mut self.random, 4, most);
        for call in &mut calls {
            if let Command::Action(Action::Invoke { instance, .. }) = call {
                *instance = name.map(str::to_string);
            }
        }
        calls
    }

    /// A module of so many exported functions, which may import of another one.
    fn program(&mut self, other: Option<&Program>, functions: usize) -> Program {
        let random = &mut self.random;
        let mut program = Program::new(self.features);
        if let Some(other) = other {
            program.import(other, random);
        }
        memories(&mut program, random);
        tables(&mut program, random);
        globals(&mut program);
        if program.tags.is_empty() && program.has(Proposal::Exceptions) {
            program.tags = vec![
                vec![ValType::I32],
                vec![ValType::I64, ValType::F64],
                vec![],
                vec![ValType::F32, ValType::I32, ValType::I64],
            ];
        }
        let len = random.range(24, 200);
        program.passive = random.bytes(len);
        for _ in 0..functions {
            function(&mut program, random);
        }
        for _ in 0..random.pick(&[0, 0, 1, 1, 2]) {
            let sig = FuncSig {
                params: vec![ValType::I32],
                results: vec![ValType::I64],
            };
            define(&mut program, random, sig, 20, true, |body| {
                motifs::beyond(body);
                body.results();
            });
        }
        // An imported function may trap, and without an instance there is nothing to call.
        if random.chance(5) && other.is_none() {
            program.start = Some(define(&mut program, random, no_sig(), 40, false, |body| {
                body.fill()
            }));
        }
        self.motifs.extend(&program.motifs);
        program
    }
}

/// The proposals of a case: those of WebAssembly 2.0 but vectors always, others by chance.
fn features(random: &mut Random) -> FeatureSet {
    use Proposal as P;
    let base = FeatureSet::WASM2.without(P::Simd);
    let optional = [
        (55, P::Simd),
        (15, P::RelaxedSimd),
        (50, P::TailCall),
        (25, P::ExtendedConst),
        (30, P::MultiMemory),
        (30, P::Memory64),
        (40, P::FunctionReferences),
        (35, P::Gc),
        (6, P::CustomDescriptors),
        (40, P::Exceptions),
        (25, P::Threads),
        (12, P::LegacyExceptions),
        (20, P::CustomPageSizes),
        (25, P::WideArithmetic),
    ];
    let mut set = base;
    for (percent, proposal) in optional {
        if random.chance(percent) {
            set = set.with(proposal);
        }
    }
    // Tags come with the proposal that replaced the legacy instructions.
    match set.contains(P::LegacyExceptions) {
        true => set.with(P::Exceptions),
        false => set,
    }
}

/// Memories of the module's own: one, or more where several are allowed.
fn memories(program: &mut Program, random: &mut Random) {
    let count = match program.has(Proposal::MultiMemory) {
        true => random.range(1, 3),
        false => 1,
    };
    while program.memories.len() < count {
        let has_small_pages = program.has(Proposal::CustomPageSizes) && random.chance(70);
        let is_shared = program.has(Proposal::Threads) && random.chance(60);
        let pages = match has_small_pages {
            true => 16 * random.range(4, 20) as u64,
            false => 1,
        };
        let more = if has_small_pages { 64 } else { 2 };
        program.memories.push(Memory {
            is64: program.has(Proposal::Memory64) && random.chance(60),
            is_shared,
            pages: (pages, pages + more),
            page_log2: if has_small_pages { 0 } else { 16 },
        });
    }
}

/// Table 0, which code calls by, and tables that code writes.
fn tables(program: &mut Program, random: &mut Random) {
    if program.tables.is_empty() {
        program.tables.push(Program::table_of_functions());
    }
    for element_type in [RefType::FUNCREF, RefType::EXTERNREF] {
        if random.chance(60) {
            program.tables.push(TableType {
                element_type,
                table64: program.has(Proposal::Memory64) && random.chance(40),
                minimum: 8,
                maximum: Some(12),
                shared: false,
            });
        }
    }
}

/// Globals of every type, two of them constant.
fn globals(program: &mut Program) {
    use ValType::{F32, F64, I32, I64, V128};
    let mut types = vec![I32, I64, F32, F64, I64, ValType::EXTERNREF];
    if program.has(Proposal::Simd) {
        types.push(V128);
    }
    if program.has(Proposal::Gc) {
        types.extend([nullable(objects::NODE), ANYREF, nullable(objects::NODE)]);
    }
    let mutable = types.into_iter().map(|ty| Global {
        ty,
        is_mutable: true,
    });
    let constant = [I32, F64].map(|ty| Global {
        ty,
        is_mutable: false,
    });
    program.globals.extend(mutable.chain(constant));
}

/// `[] -> []`
fn no_sig() -> FuncSig {
    FuncSig {
        params: Vec::new(),
        results: Vec::new(),
    }
}

/// Adds an exported function.
fn function(program: &mut Program, random: &mut Random) {
    let length = random.pick(&[40, 60, 100, 160, 320]);
    let mut types = Body::new(program, random, no_sig(), 0);
    let most = if types.random.chance(15) { 16 } else { 6 };
    let (params, results) = (types.types(1, most), types.types(1, 3));
    let sig = FuncSig { params, results };
    define(program, random, sig, length, true, |body| body.fill());
}

/// Adds a function of about so many instructions.
fn define(
    program: &mut Program,
    random: &mut Random,
    sig: FuncSig,
    length: i64,
    is_exported: bool,
    fill: impl FnOnce(&mut Body<'_>),
) -> u32 {
    let index = program.declare(sig.clone(), is_exported);
    let mut body = Body::new(program, random, sig, length);
    fill(&mut body);
    let (code, cost) = body.finish();
    let func = &mut program.functions[index as usize];
    (func.body, func.cost, func.is_ready) = (Some(code), cost, true);
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_motif_occurs() {
        let mut seen = BTreeSet::new();
        for seed in 0..400 {
            let mut plan = Plan::new(seed);
            plan.case();
            seen.extend(plan.motifs);
        }
        let all = motifs::MOTIFS.iter().map(|it| it.name);
        let never: Vec<_> = all.filter(|name| !seen.contains(name)).collect();
        assert_eq!(never, [""; 0]);
    }
}
