//! A script in execution: one store, its instances by name, and what each command does to them.
//!
//! Invariant: a directive that needs an instance which could not be made ends as `MissingInstance`
//! with the reason, never against some earlier instance (contract C3: nothing is judged by what
//! was not executed).

use std::collections::HashMap;

use wassay_runtime::interior;
use wassay_runtime::interior::module::{Export, ExternKind};
use wassay_runtime::{
    Engine, Error, ExportType, Extern, ImportType, Instance, Module, Policy, RootMark,
    SharedMemory, Store,
};

use super::instances::{Instances, Provided, Sizes};
use super::spectest::{self, Spectest};
use super::state::State;
use super::values;
use crate::outcome::text::outcome_text;
use crate::outcome::{Outcome, Place, Proof, Report, StateHash, TieredProof};
use crate::script::{Action, Command, Expectation, ModuleSource};

/// Why there is no instance or no module, in words for the directives that need it.
type Because = String;

/// An instance by index into `Session::instances`, or why it is missing.
type Slot = Result<usize, Because>;

/// More fuel than any script uses.
const FUEL: u64 = u64::MAX;

/// What an instance lends to a thread: its exports that several stores can use.
pub(super) struct SharedInstance {
    name: String,
    module: Module,
    memories: Vec<(String, SharedMemory)>,
}

/// A script in execution.
pub(super) struct Session {
    engine: Engine,
    store: Store,
    spectest: Spectest,
    instances: Instances,
    current: Slot,
    named: HashMap<String, Slot>,
    registered: HashMap<String, Slot>,
    latest_definition: Result<Module, Because>,
    definitions: HashMap<String, Result<Module, Because>>,
    state: Option<State>,
    /// Functions of modules that the tier refused to compile.
    uncompiled: u64,
    /// Of the command at hand.
    trace: Vec<Place>,
}

impl Session {
    /// An empty store and no instances.
    pub(super) fn new(engine: &Engine, hash_state: bool) -> Session {
        let none = || "there is no instance yet".to_string();
        let mut store = Store::new(engine, ());
        if engine.config().has_fuel() {
            store.set_fuel(FUEL).expect("the engine is metered");
        }
        Session {
            engine: engine.clone(),
            store,
            spectest: Spectest::default(),
            instances: Instances::default(),
            current: Err(none()),
            named: HashMap::new(),
            registered: HashMap::new(),
            latest_definition: Err("there is no module definition yet".to_string()),
            definitions: HashMap::new(),
            state: hash_state.then(State::new),
            uncompiled: 0,
            trace: Vec::new(),
        }
    }

    /// The session of a thread, to which an instance of another session lends what can be shared.
    pub(super) fn in_thread(
        engine: &Engine,
        hash_state: bool,
        shared: Option<SharedInstance>,
    ) -> Session {
        let mut session = Session::new(engine, hash_state);
        let Some(shared) = shared else { return session };
        let SharedInstance {
            name,
            module,
            memories,
        } = shared;
        session.race(memories.iter().map(|(_, memory)| memory.clone()));
        let lend = |(export, memory): (String, SharedMemory)| {
            let memory = memory.in_store(&mut session.store);
            let memory = memory.expect("a new store has room for what an instance exports");
            (export, Extern::Memory(memory))
        };
        let exports = memories.into_iter().map(lend).collect();
        let index = session.instances.add_lent(module, exports);
        session.named.insert(name, Ok(index));
        if let Some(state) = &mut session.state {
            state.grow(&session.store);
        }
        session
    }

    /// What an instance lends to a thread.
    ///
    /// # Errors
    /// The ending of the thread's directive, if there is no such instance.
    pub(super) fn share(
        &mut self,
        name: Option<&String>,
    ) -> Result<Option<SharedInstance>, Outcome> {
        let Some(name) = name else { return Ok(None) };
        let index = self.slot(Some(name))?.map_err(Outcome::MissingInstance)?;
        let module = self.instances.get(index).module.clone();
        let shared = |export: ExportType<'_>| {
            let memory = self.export(index, export.name())?.into_memory()?;
            Some((export.name().to_string(), memory.shared(&self.store)?))
        };
        let memories: Vec<_> = module.exports().filter_map(shared).collect();
        self.race(memories.iter().map(|(_, memory)| memory.clone()));
        Ok(Some(SharedInstance {
            name: name.clone(),
            module,
            memories,
        }))
    }

    /// Leaves memories out of the state from now on.
    fn race(&mut self, memories: impl Iterator<Item = SharedMemory>) {
        if let Some(state) = &mut self.state {
            state.race(&self.store, memories);
        }
    }

    /// Evidence of the tier, over all instances.
    pub(super) fn proof(&self) -> Proof {
        let proof = self.store.proof();
        let (helpers, tiered) = (proof.ops_via_helper().iter(), proof.tiered());
        let is_tiered = matches!(self.store.engine().config().get_policy(), Policy::Tiered(_));
        let tiered = is_tiered.then_some(TieredProof {
            interpreted: tiered.interpreted(),
            entered_interpreter: tiered.entered_interpreter(),
            loops_compiled: tiered.loops_compiled(),
            loops_entered: tiered.loops_entered(),
            kept: tiered.kept().clone(),
        });
        Proof {
            functions: proof.functions() + self.uncompiled,
            compiled: proof.compiled(),
            entered: proof.entered(),
            ops_via_helper: helpers
                .map(|(op, count)| ((*op).to_string(), *count))
                .collect(),
            tiered,
        }
    }

    /// Runs a command. What the store hands out meanwhile is released after it.
    pub(super) fn run(&mut self, command: &Command) -> Report {
        let scope = RootMark::open(&self.store);
        let report = self.run_command(command);
        scope.close(&mut self.store);
        report
    }

    fn run_command(&mut self, command: &Command) -> Report {
        match command {
            Command::Module { name, module } => {
                let (slot, outcome) = self.module(module);
                self.make_current(name.as_ref(), slot);
                self.report(outcome)
            }
            Command::ModuleDefinition { name, module } => {
                let (definition, outcome) = self.decode(module);
                self.define(name.as_ref(), definition);
                outcome.into()
            }
            Command::ModuleInstance { instance, module } => {
                let (slot, outcome) = self.module_instance(module.as_ref());
                self.make_current(instance.as_ref(), slot);
                self.report(outcome)
            }
            Command::Register { name, instance } => self.register(name, instance.as_ref()).into(),
            Command::Action(action) => {
                let outcome = self.action(action);
                self.report(outcome)
            }
            Command::Instantiate { module } => {
                let (_, outcome) = self.module(module);
                self.report(outcome)
            }
            Command::Check { module } => self.decode(module).1.into(),
            Command::CheckCustom { module } => match self.decode(module) {
                (Ok(module), _) => {
                    let checked = interior::parts(&module).check_custom();
                    checked
                        .map_or_else(values::ending, |()| Outcome::Done)
                        .into()
                }
                (Err(_), outcome) => outcome.into(),
            },
            Command::Thread { .. } | Command::Wait { .. } => {
                Outcome::Internal("threads are run by `worker/threads.rs`".to_string()).into()
            }
            Command::Unreadable { message, head } => {
                if head == "module" {
                    self.current = Err(format!("unreadable: {message}"));
                }
                Outcome::Unsupported(format!("directive: {message}")).into()
            }
        }
    }

    /// Notes that a command is left out, so that what depends on it is not run either.
    pub(super) fn leave_out(&mut self, command: &Command, why: &str) {
        let because = || format!("no instance: its directive was {why}");
        match command {
            Command::Module { name, .. } => self.make_current(name.as_ref(), Err(because())),
            Command::ModuleInstance { instance, .. } => {
                self.make_current(instance.as_ref(), Err(because()));
            }
            Command::ModuleDefinition { name, .. } => self.define(name.as_ref(), Err(because())),
            Command::Register { name, .. } => {
                self.registered.insert(name.clone(), Err(because()));
            }
            Command::Unreadable { head, .. } if head == "module" => self.current = Err(because()),
            Command::Action(_)
            | Command::Instantiate { .. }
            | Command::Check { .. }
            | Command::CheckCustom { .. }
            | Command::Thread { .. }
            | Command::Wait { .. }
            | Command::Unreadable { .. } => {}
        }
    }

    /// The ending of code; what was running goes into the report.
    fn ended(&mut self, error: Error) -> Outcome {
        self.trace = values::trace(&error);
        values::ending(error)
    }

    /// A report of what touched the store.
    fn report(&mut self, outcome: Outcome) -> Report {
        Report {
            outcome,
            state: self.state(),
            trace: Some(std::mem::take(&mut self.trace)),
        }
    }

    fn state(&self) -> Option<StateHash> {
        self.state.as_ref().map(|state| StateHash {
            fuel: self.store.get_fuel().unwrap_or_default(),
            ..state.hash()
        })
    }

    /// The state, all of it taken anew.
    pub(super) fn whole_state(&mut self) -> Option<StateHash> {
        if let Some(state) = &mut self.state {
            state.renew(&self.store);
        }
        self.state()
    }

    fn make_current(&mut self, name: Option<&String>, slot: Slot) {
        if let Some(name) = name {
            self.named.insert(name.clone(), slot.clone());
        }
        self.current = slot;
    }

    fn define(&mut self, name: Option<&String>, definition: Result<Module, Because>) {
        if let Some(name) = name {
            self.definitions.insert(name.clone(), definition.clone());
        }
        self.latest_definition = definition;
    }

    /// Decodes and validates.
    fn decode(&self, module: &ModuleSource) -> (Result<Module, Because>, Outcome) {
        let outcome = match module {
            ModuleSource::Binary(bytes) => match Module::new(&self.engine, bytes) {
                Ok(module) => return (Ok(module), Outcome::Done),
                Err(error) => values::ending(error),
            },
            ModuleSource::Refused { message } => refused(message),
        };
        (Err(because(&outcome)), outcome)
    }

    /// Decodes, validates and instantiates.
    fn module(&mut self, module: &ModuleSource) -> (Slot, Outcome) {
        match self.decode(module) {
            (Ok(module), _) => self.instantiate(module),
            (Err(because), outcome) => (Err(because), outcome),
        }
    }

    fn module_instance(&mut self, name: Option<&String>) -> (Slot, Outcome) {
        let definition = match name {
            None => self.latest_definition.clone(),
            Some(name) => match self.definitions.get(name) {
                Some(definition) => definition.clone(),
                None => Err(format!("there is no module definition ${name}")),
            },
        };
        match definition {
            Ok(module) => self.instantiate(module),
            Err(because) => (Err(because.clone()), Outcome::MissingInstance(because)),
        }
    }

    fn instantiate(&mut self, module: Module) -> (Slot, Outcome) {
        let imports = module
            .imports()
            .map(|import| self.import(&import))
            .collect();
        let imports: Vec<Provided> = match imports {
            Ok(imports) => imports,
            Err(outcome) => return (Err(because(&outcome)), outcome),
        };
        let values: Vec<Extern> = imports.iter().map(|(value, _)| *value).collect();
        let before = Sizes::of(&self.store);
        let (instance, outcome) = match Instance::new(&mut self.store, &module, &values) {
            Ok(instance) => (Some(instance), Outcome::Done),
            Err(error) => (None, self.ended(error)),
        };
        if matches!(outcome, Outcome::Unsupported(_)) {
            self.uncompiled += interior::parts(&module).bodies.len() as u64;
        }
        if let Some(state) = &mut self.state {
            state.grow(&self.store);
        }
        if !ran(&outcome) {
            return (Err(because(&outcome)), outcome);
        }
        let instances = &mut self.instances;
        let index = instances.add(&self.store, before, module, &imports, instance);
        if let Some(state) = &mut self.state {
            state.update(&self.store, &instances.changes_of_instantiation(index));
        }
        let slot = match outcome {
            Outcome::Done => Ok(index),
            _ => Err(because(&outcome)),
        };
        (slot, outcome)
    }

    /// The value of an import, by the names that are registered.
    fn import(&mut self, import: &ImportType<'_>) -> Result<Provided, Outcome> {
        let (module, name) = (import.module(), import.name());
        let unknown = || Outcome::Unlinkable(format!("unknown import {module:?} {name:?}"));
        let (found, provider) = match self.registered.get(module) {
            Some(Ok(index)) => (self.export(*index, name), Some(*index)),
            Some(Err(because)) => return Err(Outcome::MissingInstance(because.clone())),
            None if module == spectest::MODULE => {
                let item = self.spectest.get(&mut self.store, name);
                (item.map_err(values::ending)?, None)
            }
            None => (None, None),
        };
        found.map(|value| (value, provider)).ok_or_else(unknown)
    }

    fn export(&self, index: usize, name: &str) -> Option<Extern> {
        let record = self.instances.get(index);
        match record.instance {
            Some(instance) => instance.get_export(&self.store, name),
            None => record.lent.get(name).copied(),
        }
    }

    fn register(&mut self, name: &str, instance: Option<&String>) -> Outcome {
        let slot = match self.slot(instance) {
            Ok(slot) => slot,
            Err(outcome) => return outcome,
        };
        self.registered.insert(name.to_string(), slot.clone());
        match slot {
            Ok(_) => Outcome::Done,
            Err(because) => Outcome::MissingInstance(because),
        }
    }

    /// The instance of that name, or the current one.
    fn slot(&self, name: Option<&String>) -> Result<Slot, Outcome> {
        match name {
            None => Ok(self.current.clone()),
            Some(name) => match self.named.get(name) {
                Some(slot) => Ok(slot.clone()),
                None => Err(Outcome::HostError(format!("there is no instance ${name}"))),
            },
        }
    }

    fn action(&mut self, action: &Action) -> Outcome {
        let (Action::Invoke {
            instance, field, ..
        }
        | Action::Get { instance, field }) = action;
        let index = match self.slot(instance.as_ref()) {
            Ok(Ok(index)) => index,
            Ok(Err(because)) => return Outcome::MissingInstance(because),
            Err(outcome) => return outcome,
        };
        let export = self.export(index, field);
        match (action, export) {
            (Action::Invoke { args, .. }, Some(Extern::Func(func))) => {
                let args = match args
                    .iter()
                    .map(values::to_val)
                    .collect::<Result<Vec<_>, _>>()
                {
                    Ok(args) => args,
                    Err(outcome) => return outcome,
                };
                let result = func.invoke(&mut self.store, &args);
                self.note_call(index, field);
                match result {
                    Ok(results) => values::from_vals(&results),
                    Err(error) => self.ended(error),
                }
            }
            (Action::Get { .. }, Some(Extern::Global(global))) => {
                values::from_vals(&[global.get(&self.store)])
            }
            (Action::Invoke { .. }, _) => {
                Outcome::HostError(format!("there is no exported function {field:?}"))
            }
            (Action::Get { .. }, _) => {
                Outcome::HostError(format!("there is no exported global {field:?}"))
            }
        }
    }

    /// Takes in what a call of an export can have changed.
    fn note_call(&mut self, index: usize, field: &str) {
        let Some(state) = &mut self.state else { return };
        let mut exports = interior::parts(&self.instances.get(index).module)
            .exports
            .iter();
        let called = |export: &&Export| export.kind == ExternKind::Func && export.name == field;
        if let Some(func) = exports.find(called).map(|export| export.index) {
            state.update(&self.store, &self.instances.changes_of_call(index, func));
        }
    }
}

/// The text parser's refusal.
fn refused(message: &str) -> Outcome {
    let by = crate::outcome::JudgedBy::Parser;
    Outcome::Malformed {
        message: message.to_string(),
        by,
    }
}

/// Why what depends on a directive that ended so cannot run; what is not built is named first.
fn because(outcome: &Outcome) -> Because {
    match outcome {
        Outcome::Unsupported(what) => format!("unsupported: {what}"),
        Outcome::MissingInstance(because) => because.clone(),
        other => {
            let ended = outcome_text(&Expectation::Success, other);
            format!("no instance: {ended}")
        }
    }
}

/// Whether instantiation came so far that the instance exists and its segments were applied, though
/// one of them or the start function may have ended it.
fn ran(instantiation: &Outcome) -> bool {
    matches!(
        instantiation,
        Outcome::Done | Outcome::Trap(_) | Outcome::Exhaustion(_) | Outcome::Exception(_)
    )
}
