//! Scripts of variants: for each body a module with all its forms, then the calls.
//!
//! A form without constants is one function for all assertions of its body, so that what must be
//! compiled for each assertion is small. Scripts are kept short: one that kills its worker runs
//! again, and files of many assertions are shared among workers.

use std::collections::HashMap;

use wasm_encoder::{
    ConstExpr, DataSection, EntityType, ExportKind, ExportSection, ImportSection, MemorySection,
    MemoryType, Module,
};

use super::Request;
use super::body::{Body, Type};
use super::emit::{self, Signature};
use super::find::Case;
use super::form::{Form, forms};
use super::memory::Memory;
use super::module::{Environment, ModuleDraft};
use super::product::{self, Drawn};
use crate::plan::canonical::canonical;
use crate::script::{
    Action, Argument, Command, Directive, Expectation, Kind, ModuleSource, Origin, Script,
};

/// Assertions of one body that share a module.
const CASES_PER_MODULE: usize = 256;
/// Variants after which a script ends.
const VARIANTS_PER_SCRIPT: usize = 4096;
/// The shape of what is drawn from a product, and that with values from a pool.
const PRODUCT: &str = "product";
const POOL: &str = "pool";
/// Calls with values from a pool for each module, for one that is drawn for each assertion.
const POOL_FACTOR: u64 = 16;
/// The name under which scripts offer the memory to their modules.
const MEMORY_MODULE: &str = "shapes";
const MEMORY_NAME: &str = "memory";

/// Makes the scripts of a file's cases. Directives without an origin only prepare for others.
pub(super) fn scripts(path: &str, cases: &[Case<'_>], request: Request) -> Vec<Script> {
    let mut scripts = Vec::new();
    let mut script = Draft::new(path, request);
    for group in by_body(cases) {
        for chunk in group.chunks(CASES_PER_MODULE) {
            script.add_module(chunk);
            if script.variants >= VARIANTS_PER_SCRIPT {
                let next = Draft::new(path, request);
                scripts.push(std::mem::replace(&mut script, next).finish());
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
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) command: Command,
    pub(super) directive: Directive,
}

/// A variant of a case.
struct Variant {
    id: String,
    shape: String,
    form: String,
    field: String,
    args: Vec<Argument>,
    expectation: Expectation,
}

impl Variant {
    fn of(self, case: &Case<'_>) -> Step {
        let origin = Origin {
            shape: self.shape,
            form: self.form,
            export: case.export.to_string(),
        };
        Step {
            command: Command::Action(Action::Invoke {
                instance: None,
                field: self.field,
                args: self.args,
            }),
            directive: Directive {
                id: self.id,
                kind: kind_of(&self.expectation),
                expectation: self.expectation,
                origin: Some(Box::new(origin)),
                ..case.directive.clone()
            },
        }
    }
}

/// A script under construction.
struct Draft<'a> {
    path: &'a str,
    request: Request,
    memory: Memory,
    steps: Vec<Step>,
    variants: usize,
}

impl<'a> Draft<'a> {
    fn new(path: &'a str, request: Request) -> Draft<'a> {
        Draft {
            path,
            request,
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
        self.push(first, functions.finish(), steps);
        self.add_pool(first);
    }

    /// Adds a module and the calls of it.
    fn push(&mut self, case: &Case<'_>, module: Vec<u8>, mut steps: Vec<Step>) {
        let module = ModuleSource::Binary(module);
        let command = Command::Module { name: None, module };
        self.steps.push(preparing(command, case.directive));
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
            let variant = Variant {
                id: format!("{}/{shape}", directive.id),
                shape: shape.to_string(),
                form: String::new(),
                args: form.arguments(&case.values, seed, address),
                field: functions.export(form),
                expectation,
            };
            steps.push(variant.of(case));
        }
        for number in 0..self.request.sampling.per_assertion {
            if let Some(drawn) = product::of_case(case, self.request.sampling.seed, number) {
                steps.push(self.drawn(case, PRODUCT, number, drawn, functions));
            }
        }
    }

    /// Adds what is drawn for a body with values from a pool, in a module of its own; a case lends
    /// its name.
    fn add_pool(&mut self, case: &Case<'_>) {
        let sampling = self.request.sampling;
        let mut functions = Functions::new(&case.function.body);
        let mut steps = Vec::new();
        for number in 0..sampling.per_assertion * POOL_FACTOR {
            if let Some(drawn) = product::of_pool(case, sampling.seed, number) {
                steps.push(self.drawn(case, POOL, number, drawn, &mut functions));
            }
        }
        let module = functions.finish();
        let module = match self.request.has_foreign {
            // Relaxed instructions have results that engines choose.
            true => canonical(&module),
            false => Some(module),
        };
        if let Some(module) = module.filter(|_| !steps.is_empty()) {
            self.push(case, module, steps);
        }
    }

    fn drawn(
        &mut self,
        case: &Case<'_>,
        shape: &str,
        number: u64,
        drawn: Drawn,
        functions: &mut Functions<'_>,
    ) -> Step {
        let address = match drawn.form.base() {
            Some(_) => {
                let results = case.function.body.results.len();
                self.memory.record(&drawn.values, results)
            }
            None => 0,
        };
        let seed = u64::from(case.directive.ordinal) << 32 | number;
        let variant = Variant {
            id: format!(
                "{}/{shape}-{:x}-{number}",
                case.directive.id, self.request.sampling.seed
            ),
            shape: shape.to_string(),
            form: drawn.text,
            args: drawn.form.arguments(&drawn.values, seed, address),
            field: functions.export(drawn.form),
            expectation: drawn.expectation,
        };
        variant.of(case)
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
        script(self.path, self.steps)
    }
}

/// The script of some steps.
pub(super) fn script(path: &str, steps: Vec<Step>) -> Script {
    let mut script = Script {
        path: path.to_string(),
        sha256: String::new(),
        directives: Vec::with_capacity(steps.len()),
        commands: Vec::with_capacity(steps.len()),
    };
    for (ordinal, step) in steps.into_iter().enumerate() {
        script.commands.push(step.command);
        script.directives.push(Directive {
            ordinal: ordinal as u32,
            ..step.directive
        });
    }
    script
}

pub(super) fn preparing(command: Command, place: &Directive) -> Step {
    Step {
        command,
        directive: Directive {
            kind: Kind::Module,
            expectation: Expectation::Success,
            ..place.clone()
        },
    }
}

pub(super) fn kind_of(expectation: &Expectation) -> Kind {
    match expectation {
        Expectation::Trap(_) => Kind::AssertTrap,
        Expectation::Open => Kind::Invoke,
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
    module: ModuleDraft,
}

impl<'a> Functions<'a> {
    fn new(body: &'a Body) -> Functions<'a> {
        let mut module = ModuleDraft::default();
        module.define(Signature::new(&[], &[]), &emit::clobber());
        module.define(Signature::new(&[Type::I64], &[Type::I32]), &emit::wrap());
        Functions {
            body,
            by_form: HashMap::new(),
            module,
        }
    }

    /// The name of the export that is the body in a form.
    fn export(&mut self, form: Form) -> String {
        let known = self.by_form.get(&form).copied();
        let index = known.unwrap_or_else(|| {
            let (signature, function) = emit::function(self.body, &form);
            let index = self.module.define(signature, &function);
            self.by_form.insert(form, index);
            index
        });
        self.module.export(index)
    }

    fn finish(self) -> Vec<u8> {
        let mut imports = ImportSection::new();
        let memory = EntityType::Memory(memory_type(1));
        imports.import(MEMORY_MODULE, MEMORY_NAME, memory);
        self.module.finish(Environment {
            imports,
            ..Environment::default()
        })
    }
}
