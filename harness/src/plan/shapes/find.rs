//! The assertions of a script that a function which only computes answers.
//!
//! Owns: which module an action's instance is made of, followed through the script as a worker
//! would follow it, and the count of what is left out, by reason.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use wassay_runtime::interior::module::ExternKind;
use wassay_runtime::interior::module::ModuleParts;
use wassay_runtime::{Config, Engine, Tier};

use super::body::{self, Function, Number, Operand};
use crate::plan::Planned;
use crate::script::{Action, Argument, Command, Directive, Expectation, Kind, ModuleSource};

/// An assertion about a function that only computes.
#[derive(Clone, Debug)]
pub(super) struct Case<'a> {
    pub(super) directive: &'a Directive,
    pub(super) function: Rc<Function>,
    /// The export called.
    pub(super) export: &'a str,
    /// The values of the body's operands.
    pub(super) values: Vec<Number>,
}

/// What a file has.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    /// Assertions of results and traps.
    pub(super) assertions: u64,
    pub(super) cases: Vec<Case<'a>>,
    /// The assertions that are none, by the reason.
    pub(super) left_out: BTreeMap<&'static str, u64>,
}

/// A module of the script, decoded when it is first needed.
struct Known<'a> {
    source: &'a ModuleSource,
    functions: HashMap<&'a str, Result<Rc<Function>, &'static str>>,
    decoded: Option<Option<ModuleParts>>,
}

/// A module by its place in [`Finder::modules`]; `None` where there is none.
type Slot = Option<usize>;

struct Finder<'a> {
    engine: Engine,
    modules: Vec<Known<'a>>,
    current: Slot,
    named: HashMap<&'a str, Slot>,
    latest_definition: Slot,
    definitions: HashMap<&'a str, Slot>,
}

/// Finds the cases of a file.
pub(super) fn find(file: &Planned) -> Found<'_> {
    let mut found = Found::default();
    let mut finder = Finder::new(file);
    let script = &file.script;
    for (directive, command) in script.directives.iter().zip(&script.commands) {
        finder.follow(command);
        if !matches!(directive.kind, Kind::AssertReturn | Kind::AssertTrap) {
            continue;
        }
        found.assertions += 1;
        let case = match file.skipped.binary_search(&directive.ordinal) {
            Ok(_) => Err("skipped"),
            Err(_) => finder.case(directive, command),
        };
        match case {
            Ok(case) => found.cases.push(case),
            Err(reason) => *found.left_out.entry(reason).or_default() += 1,
        }
    }
    found
}

impl<'a> Finder<'a> {
    fn new(file: &Planned) -> Finder<'a> {
        let config = *Config::only(Tier::Stack).features(file.features.set.wasmparser());
        Finder {
            engine: Engine::new(&config).expect("the reference tier runs on every host"),
            modules: Vec::new(),
            current: None,
            named: HashMap::new(),
            latest_definition: None,
            definitions: HashMap::new(),
        }
    }

    /// Takes in what a command does to the names of modules.
    fn follow(&mut self, command: &'a Command) {
        match command {
            Command::Module { name, module } => {
                let slot = self.add(module);
                self.make_current(name.as_deref(), slot);
            }
            Command::ModuleDefinition { name, module } => {
                self.latest_definition = self.add(module);
                if let Some(name) = name {
                    self.definitions.insert(name, self.latest_definition);
                }
            }
            Command::ModuleInstance { instance, module } => {
                let slot = match module {
                    None => self.latest_definition,
                    Some(name) => self.definitions.get(name.as_str()).copied().flatten(),
                };
                self.make_current(instance.as_deref(), slot);
            }
            Command::Unreadable { head, .. } if head == "module" => self.current = None,
            Command::Register { .. }
            | Command::Action(_)
            | Command::Instantiate { .. }
            | Command::Check { .. }
            | Command::CheckCustom { .. }
            | Command::Thread { .. }
            | Command::Wait { .. }
            | Command::Unreadable { .. } => {}
        }
    }

    fn add(&mut self, source: &'a ModuleSource) -> Slot {
        self.modules.push(Known {
            source,
            functions: HashMap::new(),
            decoded: None,
        });
        Some(self.modules.len() - 1)
    }

    fn make_current(&mut self, name: Option<&'a str>, slot: Slot) {
        if let Some(name) = name {
            self.named.insert(name, slot);
        }
        self.current = slot;
    }

    fn case(
        &mut self,
        directive: &'a Directive,
        command: &'a Command,
    ) -> Result<Case<'a>, &'static str> {
        let Command::Action(Action::Invoke {
            instance,
            field,
            args,
        }) = command
        else {
            return Err("not a call");
        };
        let slot = match instance {
            None => self.current,
            Some(name) => self.named.get(name.as_str()).copied().flatten(),
        };
        let known = &mut self.modules[slot.ok_or("no module")?];
        let function = known.function(&self.engine, field)?;
        let values = values(&function, args)?;
        if let Expectation::Return(expected) = &directive.expectation
            && expected.len() != function.body.results.len()
        {
            return Err("a wrong number of results");
        }
        Ok(Case {
            directive,
            function,
            export: field,
            values,
        })
    }
}

impl<'a> Known<'a> {
    fn function(&mut self, engine: &Engine, export: &'a str) -> Result<Rc<Function>, &'static str> {
        if let Some(known) = self.functions.get(export) {
            return known.clone();
        }
        let source = self.source;
        let module = self.decoded.get_or_insert_with(|| match source {
            ModuleSource::Binary(bytes) => ModuleParts::new(engine, bytes).ok(),
            ModuleSource::Refused { .. } => None,
        });
        let function = match module {
            Some(module) => decode(module, export).map(Rc::new),
            None => Err("no module"),
        };
        self.functions.insert(export, function.clone());
        function
    }
}

fn decode(module: &ModuleParts, export: &str) -> Result<Function, &'static str> {
    let mut exports = module.exports.iter();
    let export = exports.find(|it| it.name == export && it.kind == ExternKind::Func);
    body::decode(module, export.ok_or("no such export")?.index)
}

/// The operands' values in a call.
fn values(function: &Function, args: &[Argument]) -> Result<Vec<Number>, &'static str> {
    if args.len() != function.parameters {
        return Err("a wrong number of arguments");
    }
    let value = |operand: &Operand| match operand {
        Operand::Constant(number) => Some(*number),
        Operand::Parameter(index) => Number::of(&args[*index]),
    };
    let values: Option<Vec<Number>> = function.operands.iter().map(value).collect();
    let values = values.ok_or("references")?;
    let typed = values.iter().map(|number| number.ty);
    match typed.eq(function.body.operands.iter().copied()) {
        true => Ok(values),
        false => Err("arguments of other types"),
    }
}
