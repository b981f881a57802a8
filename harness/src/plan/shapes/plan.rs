//! Scripts of variants: for each body a module with all its forms, then the calls.
//!
//! A form without constants is one function for all assertions of its body, so that what must be
//! compiled for each assertion is small. Scripts are kept short: one that kills its worker runs
//! again, and files of many assertions are shared among workers.

use std::collections::HashMap;

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, FunctionSection,
    ImportSection, MemorySection, MemoryType, Module, TypeSection,
};

use super::body::Body;
use super::emit::{self, Signature};
use super::find::Case;
use super::form::{Form, forms};
use super::memory::Memory;
use crate::script::{Action, Command, Directive, Expectation, Kind, ModuleSource, Origin, Script};

/// Assertions of one body that share a module.
const CASES_PER_MODULE: usize = 256;
/// Variants after which a script ends.
const VARIANTS_PER_SCRIPT: usize = 4096;
/// The name under which scripts offer the memory to their modules.
const MEMORY_MODULE: &str = "shapes";
const MEMORY_NAME: &str = "memory";

/// Makes the scripts of a file's cases. Directives without an origin only prepare for others.
pub(super) fn scripts(path: &str, cases: &[Case<'_>]) -> Vec<Script> {
    let mut scripts = Vec::new();
    let mut script = Draft::new(path);
    for group in by_body(cases) {
        for chunk in group.chunks(CASES_PER_MODULE) {
            script.add_module(chunk);
            if script.variants >= VARIANTS_PER_SCRIPT {
                scripts.push(std::mem::replace(&mut script, Draft::new(path)).finish());
            }
        }
    }
    if script.variants > 0 {
        scripts.push(script.finish());
    }
    scripts
}

/// The cases of each body, in the order in which bodies first occur.
fn by_body<'a, 'b>(cases: &'b [Case<'a>]) -> Vec<Vec<&'b Case<'a>>> {
    let mut places: HashMap<&Body, usize> = HashMap::new();
    let mut groups: Vec<Vec<&Case<'_>>> = Vec::new();
    for case in cases {
        let place = *places.entry(&case.function.body).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(case),
            None => groups.push(vec![case]),
        }
    }
    groups
}

/// A directive with its command, before it has a place.
struct Step {
    command: Command,
    directive: Directive,
}

/// A script under construction.
struct Draft<'a> {
    path: &'a str,
    memory: Memory,
    steps: Vec<Step>,
    variants: usize,
}

impl<'a> Draft<'a> {
    fn new(path: &'a str) -> Draft<'a> {
        Draft {
            path,
            memory: Memory::new(),
            steps: Vec::new(),
            variants: 0,
        }
    }

    /// Adds the variants of cases of one body, with their module.
    fn add_module(&mut self, cases: &[&Case<'_>]) {
        let Some(first) = cases.first() else { return };
        let mut functions = Functions::new(&first.function.body);
        let mut steps = Vec::new();
        for case in cases {
            self.add_case(case, &mut functions, &mut steps);
        }
        let module = ModuleSource::Binary(functions.finish());
        let command = Command::Module { name: None, module };
        self.steps.push(preparing(command, first.directive));
        self.variants += steps.len();
        self.steps.append(&mut steps);
    }

    fn add_case(&mut self, case: &Case<'_>, functions: &mut Functions<'_>, steps: &mut Vec<Step>) {
        let (directive, body) = (case.directive, &case.function.body);
        let address = self.memory.record(&case.values, body.results.len());
        for (index, (shape, form)) in forms(case).into_iter().enumerate() {
            let Some(expectation) = form.setting.expectation(&directive.expectation) else {
                continue;
            };
            let seed = u64::from(directive.ordinal) << 8 | index as u64;
            let action = Action::Invoke {
                instance: None,
                args: form.arguments(&case.values, seed, address),
                field: functions.export(form),
            };
            let origin = Origin {
                shape: shape.to_string(),
                export: case.export.to_string(),
            };
            steps.push(Step {
                command: Command::Action(action),
                directive: Directive {
                    id: format!("{}/{shape}", directive.id),
                    kind: kind_of(&expectation),
                    expectation,
                    origin: Some(Box::new(origin)),
                    ..directive.clone()
                },
            });
        }
    }

    fn finish(mut self) -> Script {
        if let Some(first) = self.steps.first().map(|step| step.directive.clone()) {
            let module = ModuleSource::Binary(memory_module(&self.memory));
            let module = Command::Module { name: None, module };
            let register = Command::Register {
                name: MEMORY_MODULE.to_string(),
                instance: None,
            };
            let before = [module, register].map(|command| preparing(command, &first));
            self.steps.splice(0..0, before);
        }
        let mut script = Script {
            path: self.path.to_string(),
            sha256: String::new(),
            directives: Vec::with_capacity(self.steps.len()),
            commands: Vec::with_capacity(self.steps.len()),
        };
        for (ordinal, step) in self.steps.into_iter().enumerate() {
            script.commands.push(step.command);
            script.directives.push(Directive {
                ordinal: ordinal as u32,
                ..step.directive
            });
        }
        script
    }
}

fn preparing(command: Command, place: &Directive) -> Step {
    Step {
        command,
        directive: Directive {
            kind: Kind::Module,
            expectation: Expectation::Success,
            ..place.clone()
        },
    }
}

fn kind_of(expectation: &Expectation) -> Kind {
    match expectation {
        Expectation::Trap(_) => Kind::AssertTrap,
        _ => Kind::AssertReturn,
    }
}

/// The module with the memory.
fn memory_module(memory: &Memory) -> Vec<u8> {
    let (mut memories, mut exports, mut data) = (
        MemorySection::new(),
        ExportSection::new(),
        DataSection::new(),
    );
    memories.memory(memory_type(memory.pages()));
    exports.export(MEMORY_NAME, ExportKind::Memory, 0);
    for (address, bytes) in memory.segments() {
        data.active(0, &ConstExpr::i32_const(address.cast_signed()), bytes);
    }
    let mut module = Module::new();
    module.section(&memories).section(&exports).section(&data);
    module.finish()
}

fn memory_type(pages: u64) -> MemoryType {
    MemoryType {
        minimum: pages,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    }
}

/// The functions of a module: a body's forms, each once.
struct Functions<'a> {
    body: &'a Body,
    by_form: HashMap<Form, u32>,
    by_signature: HashMap<Signature, u32>,
    types: TypeSection,
    functions: FunctionSection,
    exports: ExportSection,
    code: CodeSection,
}

impl<'a> Functions<'a> {
    fn new(body: &'a Body) -> Functions<'a> {
        let mut functions = Functions {
            body,
            by_form: HashMap::new(),
            by_signature: HashMap::new(),
            types: TypeSection::new(),
            functions: FunctionSection::new(),
            exports: ExportSection::new(),
            code: CodeSection::new(),
        };
        let nothing = Signature {
            params: Vec::new(),
            results: Vec::new(),
        };
        functions.define(nothing, &emit::clobber());
        let wraps = Signature {
            params: vec![super::body::Type::I64],
            results: vec![super::body::Type::I32],
        };
        functions.define(wraps, &emit::wrap());
        functions
    }

    /// The name of the export that is the body in a form.
    fn export(&mut self, form: Form) -> String {
        let known = self.by_form.get(&form).copied();
        let index = known.unwrap_or_else(|| {
            let (signature, function) = emit::function(self.body, &form);
            let index = self.define(signature, &function);
            self.exports.export(&name(index), ExportKind::Func, index);
            self.by_form.insert(form, index);
            index
        });
        name(index)
    }

    fn define(&mut self, signature: Signature, function: &wasm_encoder::Function) -> u32 {
        let index = self.functions.len();
        let next = self.types.len();
        let ty = *self.by_signature.entry(signature).or_insert_with_key(|it| {
            let types = |types: &[super::body::Type]| -> Vec<_> {
                types.iter().copied().map(emit::val_type).collect()
            };
            self.types
                .ty()
                .function(types(&it.params), types(&it.results));
            next
        });
        self.functions.function(ty);
        self.code.function(function);
        index
    }

    fn finish(self) -> Vec<u8> {
        let mut imports = ImportSection::new();
        let memory = EntityType::Memory(memory_type(1));
        imports.import(MEMORY_MODULE, MEMORY_NAME, memory);
        let mut module = Module::new();
        module
            .section(&self.types)
            .section(&imports)
            .section(&self.functions)
            .section(&self.exports)
            .section(&self.code);
        module.finish()
    }
}

fn name(index: u32) -> String {
    format!("f{index}")
}
