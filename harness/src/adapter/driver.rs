//! A script driven through the engine protocol: names and numbers of modules and instances, one
//! request after another, an outcome for each command.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::crossing::{self, Exported, crossed_arguments};
use super::message::{Ending, Lack, Operation, argument_text};
use super::spectest;
use super::visible::{self, Item};
use crate::outcome::names::{Names, Reason, Slot, reason, refused};
use crate::outcome::text::outcome_text;
use crate::outcome::visible::VisibleItem;
use crate::outcome::{Outcome, Value};
use crate::pool::Cause;
use crate::script::imports::{imports, imports_from};
use crate::script::{Action, Command, Expectation, ModuleSource};
use crate::suite::conventions::{Conventions, WASMTIME_GC};

/// The other side of the protocol.
pub trait Channel {
    /// Sends a request and waits for its response.
    ///
    /// # Errors
    /// If the adapter dies, hangs, or answers what is not an answer.
    fn ask(&mut self, operation: Operation) -> Result<Ending, Cause>;
}

/// The failure of a module of ours that cannot be encoded, which tests rule out.
fn unwritten(error: wast::Error) -> Cause {
    Cause::Crash(format!("a module of the harness: {}", error.message()))
}

/// The name under which scripts import the host module.
const SPECTEST: &str = "spectest";

/// A script in execution.
pub struct Driver<'a> {
    channel: &'a mut dyn Channel,
    modules: u32,
    instances: u32,
    names: Names<u32, u32>,
    /// The names that a module imports from others, by the number of the module.
    imports: HashMap<u32, Vec<String>>,
    /// What does not cross to the engine as it is.
    lacks: Vec<Lack>,
    /// If something does not: the exports of each module, and the module of each instance.
    exports: HashMap<u32, HashMap<String, Exported>>,
    module_of: HashMap<u32, u32>,
    /// The helpers of exports, by instance and name; `None` where none is needed.
    helpers: HashMap<(u32, String), Option<Helper>>,
    /// True if the visible state is asked for.
    shows_state: bool,
    /// Then: what each module exports of it, and by instance, the instances that compute digests.
    items: HashMap<u32, Vec<Item>>,
    digests: HashMap<u32, Vec<Digest>>,
}

/// An instance that computes the digest of an item.
#[derive(Clone, Debug)]
struct Digest {
    name: String,
    instance: u32,
}

/// An instance that calls an export for the harness.
#[derive(Clone, Debug)]
struct Helper {
    instance: u32,
    exported: Exported,
}

impl<'a> Driver<'a> {
    /// The beginning of a script: the adapter forgets what was before, and has the host module.
    ///
    /// # Errors
    /// If the adapter dies.
    pub fn start(
        channel: &'a mut dyn Channel,
        commands: &[Command],
        conventions: Conventions,
        lacks: &[Lack],
        shows_state: bool,
    ) -> Result<Driver<'a>, Cause> {
        let mut driver = Driver {
            channel,
            modules: 0,
            instances: 0,
            names: Names::new(conventions.imports_by_name()),
            imports: HashMap::new(),
            lacks: lacks.to_vec(),
            exports: HashMap::new(),
            module_of: HashMap::new(),
            helpers: HashMap::new(),
            shows_state,
            items: HashMap::new(),
            digests: HashMap::new(),
        };
        match driver.channel.ask(Operation::Reset)? {
            Ending::Ok => {}
            other => return Err(refusal("reset", &other)),
        }
        let imported = imports_from(SPECTEST, commands).map(str::to_string);
        let imported: Vec<String> = imported.collect();
        if !imported.is_empty() {
            let bytes = spectest::module(&imported).map_err(unwritten)?;
            driver.host_module(SPECTEST, bytes)?;
        }
        let (host, function) = WASMTIME_GC;
        if conventions.offers_gc() && imports_from(host, commands).any(|it| it == function) {
            let bytes = spectest::nothing(function).map_err(unwritten)?;
            driver.host_module(host, bytes)?;
        }
        Ok(driver)
    }

    /// Registers an instance of a module of ours under a name.
    fn host_module(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), Cause> {
        let (module, _) = self.decode(&ModuleSource::Binary(bytes))?;
        let (instance, outcome) = self.instantiate(module)?;
        match instance {
            Ok(instance) => {
                let name = name.to_string();
                self.ask(Operation::Register { instance, name })?;
            }
            Err(_) => self.names.register(name, Err(reason(&outcome))),
        }
        Ok(())
    }

    /// Runs a command.
    ///
    /// # Errors
    /// If the adapter dies.
    pub fn run(&mut self, command: &Command) -> Result<Outcome, Cause> {
        match command {
            Command::Module { name, module } => {
                let (slot, outcome) = self.module(module)?;
                self.offer(name.as_ref(), &slot)?;
                self.names.make_current(name.as_ref(), slot);
                Ok(outcome)
            }
            Command::ModuleDefinition { name, module } => {
                let (definition, outcome) = self.decode(module)?;
                self.names.define(name.as_ref(), definition);
                Ok(outcome)
            }
            Command::ModuleInstance { instance, module } => {
                let (slot, outcome) = self.module_instance(module.as_ref())?;
                self.offer(instance.as_ref(), &slot)?;
                self.names.make_current(instance.as_ref(), slot);
                Ok(outcome)
            }
            Command::Register { name, instance } => self.register(name, instance.as_ref()),
            Command::Action(action) => self.action(action),
            Command::Instantiate { module } => Ok(self.module(module)?.1),
            Command::Check { module } => Ok(self.decode(module)?.1),
            Command::CheckCustom { .. } => Ok(Outcome::Unsupported(
                "validation of custom sections".to_string(),
            )),
            Command::Thread { .. } | Command::Wait { .. } => {
                Ok(Outcome::Unsupported("threads of scripts".to_string()))
            }
            Command::Unreadable { message, head } => Ok(self.names.unreadable(message, head)),
        }
    }

    /// Notes that a command is left out, so that what depends on it is not run either.
    pub fn leave_out(&mut self, ordinal: u32, command: &Command) {
        self.names.leave_out(ordinal, command);
    }

    fn ask(&mut self, operation: Operation) -> Result<Outcome, Cause> {
        let ending = self.channel.ask(operation)?;
        let refused = |error| Cause::Crash(format!("the adapter answers wrongly: {error}"));
        ending.outcome().map_err(refused)
    }

    /// Decodes and validates.
    fn decode(&mut self, source: &ModuleSource) -> Result<(Slot<u32>, Outcome), Cause> {
        let bytes = match source {
            ModuleSource::Binary(bytes) => bytes,
            ModuleSource::Refused { message } => {
                let outcome = refused(message);
                return Ok((Err(reason(&outcome)), outcome));
            }
        };
        let module = self.modules;
        self.modules += 1;
        let outcome = self.ask(Operation::Module {
            module,
            bytes: STANDARD.encode(bytes),
        })?;
        self.imports.insert(module, imported_modules(bytes));
        if !self.lacks.is_empty() {
            self.exports.insert(module, Exported::all(bytes));
        }
        if self.shows_state {
            self.items.insert(module, visible::items(bytes));
        }
        Ok((slot(module, &outcome), outcome))
    }

    /// Decodes, validates and instantiates.
    fn module(&mut self, source: &ModuleSource) -> Result<(Slot<u32>, Outcome), Cause> {
        match self.decode(source)? {
            (Ok(module), _) => self.instantiate(Ok(module)),
            (Err(reason), outcome) => Ok((Err(reason), outcome)),
        }
    }

    fn module_instance(&mut self, name: Option<&String>) -> Result<(Slot<u32>, Outcome), Cause> {
        match self.names.definition(name) {
            Ok(module) => self.instantiate(module),
            Err(outcome) => Ok((Err(reason(&outcome)), outcome)),
        }
    }

    fn instantiate(&mut self, module: Slot<u32>) -> Result<(Slot<u32>, Outcome), Cause> {
        let missing = |reason: Reason| (Err(reason.clone()), Outcome::from(reason));
        let module = match module {
            Ok(module) => module,
            Err(reason) => return Ok(missing(reason)),
        };
        let imports = self.imports.get(&module).into_iter().flatten();
        let mut registered = imports.filter_map(|name| self.names.registered(name));
        if let Some(reason) = registered.find_map(|slot| slot.as_ref().err()) {
            return Ok(missing(reason.clone()));
        }
        let instance = self.instances;
        self.instances += 1;
        self.module_of.insert(instance, module);
        let outcome = self.ask(Operation::Instantiate { module, instance })?;
        Ok((slot(instance, &outcome), outcome))
    }

    fn register(&mut self, name: &str, instance: Option<&String>) -> Result<Outcome, Cause> {
        let slot = match self.names.instance(instance) {
            Ok(slot) => slot,
            Err(outcome) => return Ok(outcome),
        };
        self.names.register(name, slot.clone());
        match slot {
            Ok(instance) => self.ask(Operation::Register {
                instance,
                name: name.to_string(),
            }),
            Err(reason) => Ok(Outcome::from(reason)),
        }
    }

    /// Offers an instance for import under its `$name`, if the conventions say so.
    fn offer(&mut self, name: Option<&String>, slot: &Slot<u32>) -> Result<(), Cause> {
        let (Some(name), &Ok(instance)) = (name, slot) else {
            return Ok(());
        };
        if self.names.is_found_by_name(name) {
            let name = name.clone();
            self.ask(Operation::Register { instance, name })?;
        }
        Ok(())
    }

    fn action(&mut self, action: &Action) -> Result<Outcome, Cause> {
        let (Action::Invoke {
            instance, field, ..
        }
        | Action::Get { instance, field }) = action;
        let instance = match self.names.instance(instance.as_ref()) {
            Ok(Ok(instance)) => instance,
            Ok(Err(reason)) => return Ok(Outcome::from(reason)),
            Err(outcome) => return Ok(outcome),
        };
        let export = field.clone();
        if let Some(helper) = self.helper(instance, field)? {
            return self.action_by(&helper, action);
        }
        self.ask(match action {
            Action::Invoke { args, .. } => Operation::Invoke {
                instance,
                export,
                args: args.iter().map(argument_text).collect(),
            },
            Action::Get { .. } => Operation::Get { instance, export },
        })
    }
}

impl Driver<'_> {
    /// A call or a read through a helper.
    fn action_by(&mut self, helper: &Helper, action: &Action) -> Result<Outcome, Cause> {
        let args = match action {
            Action::Invoke { args, .. } => crossed_arguments(args),
            Action::Get { .. } => Vec::new(),
        };
        let outcome = self.ask(Operation::Invoke {
            instance: helper.instance,
            export: crossing::EXPORT.to_string(),
            args: args.iter().map(argument_text).collect(),
        })?;
        let Outcome::Values(values) = outcome else {
            return Ok(outcome);
        };
        let joined = helper.exported.joined(&values);
        Ok(joined.map_or_else(
            |error| Outcome::Internal(error.to_string()),
            Outcome::Values,
        ))
    }

    /// The helper of an export, if its values do not cross as they are.
    fn helper(&mut self, instance: u32, export: &str) -> Result<Option<Helper>, Cause> {
        if self.lacks.is_empty() {
            return Ok(None);
        }
        let key = (instance, export.to_string());
        if let Some(helper) = self.helpers.get(&key) {
            return Ok(helper.clone());
        }
        let helper = self.make_helper(instance, export)?;
        self.helpers.insert(key, helper.clone());
        Ok(helper)
    }

    fn make_helper(&mut self, target: u32, export: &str) -> Result<Option<Helper>, Cause> {
        let module = self.module_of.get(&target);
        let exports = module.and_then(|module| self.exports.get(module));
        let exported = exports.and_then(|exports| exports.get(export));
        let Some(exported) = exported.filter(|it| it.needs_help(&self.lacks)).cloned() else {
            return Ok(None);
        };
        let helper = self.importer(target, &exported.helper(export))?;
        Ok(helper.map(|instance| Helper { instance, exported }))
    }

    /// An instance of a module of ours that imports from an instance of the script; none if the
    /// engine does not make it.
    fn importer(&mut self, target: u32, bytes: &[u8]) -> Result<Option<u32>, Cause> {
        self.ask(Operation::Register {
            instance: target,
            name: crossing::TARGET.to_string(),
        })?;
        let (module, instance) = (self.modules, self.instances);
        self.modules += 1;
        self.instances += 1;
        if self.ask(Operation::module(module, bytes))? != Outcome::Done {
            return Ok(None);
        }
        let made = self.ask(Operation::instantiate(module, instance))?;
        Ok((made == Outcome::Done).then_some(instance))
    }

    /// The visible state after a command, of the instance that it made or acted on.
    ///
    /// # Errors
    /// If the adapter dies.
    pub fn visible(&mut self, command: &Command) -> Result<Vec<VisibleItem>, Cause> {
        let name = match command {
            Command::Module { name, .. } => name.as_ref(),
            Command::ModuleInstance { instance, .. } => instance.as_ref(),
            Command::Action(Action::Invoke { instance, .. }) => instance.as_ref(),
            Command::Action(Action::Get { .. })
            | Command::ModuleDefinition { .. }
            | Command::Register { .. }
            | Command::Instantiate { .. }
            | Command::Check { .. }
            | Command::CheckCustom { .. }
            | Command::Thread { .. }
            | Command::Wait { .. }
            | Command::Unreadable { .. } => return Ok(Vec::new()),
        };
        let Ok(Ok(instance)) = self.names.instance(name) else {
            return Ok(Vec::new());
        };
        let mut shown = Vec::new();
        for Digest { name, instance } in self.digests(instance)? {
            let outcome = self.ask(Operation::invoke(instance, crossing::EXPORT, &[]))?;
            if let Outcome::Values(values) = outcome
                && let [Value::I64(digest)] = values[..]
            {
                shown.push(VisibleItem { name, digest });
            }
        }
        Ok(shown)
    }

    /// The instances that compute digests of an instance's exports.
    fn digests(&mut self, target: u32) -> Result<Vec<Digest>, Cause> {
        if let Some(digests) = self.digests.get(&target) {
            return Ok(digests.clone());
        }
        let module = self.module_of.get(&target);
        let items = module.and_then(|module| self.items.get(module)).cloned();
        let mut digests = Vec::new();
        for item in items.unwrap_or_default() {
            if let Some(instance) = self.importer(target, &item.helper())? {
                let name = item.name;
                digests.push(Digest { name, instance });
            }
        }
        self.digests.insert(target, digests.clone());
        Ok(digests)
    }
}

fn slot(number: u32, outcome: &Outcome) -> Slot<u32> {
    match outcome {
        Outcome::Done => Ok(number),
        other => Err(reason(other)),
    }
}

fn refusal(what: &str, ending: &Ending) -> Cause {
    let how = match ending.clone().outcome() {
        Ok(outcome) => outcome_text(&Expectation::Success, &outcome),
        Err(error) => error.to_string(),
    };
    Cause::Crash(format!("the adapter refuses `{what}`: {how}"))
}

fn imported_modules(bytes: &[u8]) -> Vec<String> {
    let imports = imports(bytes).into_iter();
    imports.map(|(module, _)| module.to_string()).collect()
}
