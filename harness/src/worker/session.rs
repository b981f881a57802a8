//! A script in execution: one store, its instances by name, and what each command does to them.

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
use crate::outcome::names::{Names, Slot, reason, refused};
use crate::outcome::{Outcome, Place, Proof, Report, StateHash, TieredProof};
use crate::script::{Action, Command, ModuleSource};

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
    /// Instances are indices into `instances`.
    names: Names<usize, Module>,
    state: Option<State>,
    /// Functions of modules that the tier refused to compile.
    uncompiled: u64,
    /// Of the command at hand.
    trace: Vec<Place>,
}

impl Session {
    /// An empty store and no instances.
    pub(super) fn new(engine: &Engine, hash_state: bool) -> Session {
        let mut store = Store::new(engine, ());
        if engine.config().has_fuel() {
            store.set_fuel(FUEL).expect("the engine is metered");
        }
        Session {
            engine: engine.clone(),
            store,
            spectest: Spectest::default(),
            instances: Instances::default(),
            names: Names::default(),
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
        session.names.name(name, index);
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
        let index = self
            .names
            .instance(Some(name))?
            .map_err(Outcome::MissingInstance)?;
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
        let before = interior::choices(&self.store);
        let mut report = self.run_command(command);
        report.took_choice = interior::choices(&self.store) > before;
        scope.close(&mut self.store);
        report
    }

    fn run_command(&mut self, command: &Command) -> Report {
        match command {
            Command::Module { name, module } => {
                let (slot, outcome) = self.module(module);
                self.names.make_current(name.as_ref(), slot);
                self.report(outcome)
            }
            Command::ModuleDefinition { name, module } => {
                let (definition, outcome) = self.decode(module);
                self.names.define(name.as_ref(), definition);
                outcome.into()
            }
            Command::ModuleInstance { instance, module } => {
                let (slot, outcome) = self.module_instance(module.as_ref());
                self.names.make_current(instance.as_ref(), slot);
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
            Command::Unreadable { message, head } => self.names.unreadable(message, head).into(),
        }
    }

    /// Notes that a command is left out, so that what depends on it is not run either.
    pub(super) fn leave_out(&mut self, command: &Command, why: &str) {
        self.names.leave_out(command, why);
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
            took_choice: false,
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

    /// Decodes and validates.
    fn decode(&self, module: &ModuleSource) -> (Slot<Module>, Outcome) {
        let outcome = match module {
            ModuleSource::Binary(bytes) => match Module::new(&self.engine, bytes) {
                Ok(module) => return (Ok(module), Outcome::Done),
                Err(error) => values::ending(error),
            },
            ModuleSource::Refused { message } => refused(message),
        };
        (Err(reason(&outcome)), outcome)
    }

    /// Decodes, validates and instantiates.
    fn module(&mut self, module: &ModuleSource) -> (Slot<usize>, Outcome) {
        match self.decode(module) {
            (Ok(module), _) => self.instantiate(module),
            (Err(because), outcome) => (Err(because), outcome),
        }
    }

    fn module_instance(&mut self, name: Option<&String>) -> (Slot<usize>, Outcome) {
        match self.names.definition(name) {
            Ok(module) => self.instantiate(module),
            Err(because) => (Err(because.clone()), Outcome::MissingInstance(because)),
        }
    }

    fn instantiate(&mut self, module: Module) -> (Slot<usize>, Outcome) {
        let imports = module
            .imports()
            .map(|import| self.import(&import))
            .collect();
        let imports: Vec<Provided> = match imports {
            Ok(imports) => imports,
            Err(outcome) => return (Err(reason(&outcome)), outcome),
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
            return (Err(reason(&outcome)), outcome);
        }
        let instances = &mut self.instances;
        let index = instances.add(&self.store, before, module, &imports, instance);
        if let Some(state) = &mut self.state {
            state.update(&self.store, &instances.changes_of_instantiation(index));
        }
        let slot = match outcome {
            Outcome::Done => Ok(index),
            _ => Err(reason(&outcome)),
        };
        (slot, outcome)
    }

    /// The value of an import, by the names that are registered.
    fn import(&mut self, import: &ImportType<'_>) -> Result<Provided, Outcome> {
        let (module, name) = (import.module(), import.name());
        let unknown = || Outcome::Unlinkable(format!("unknown import {module:?} {name:?}"));
        let (found, provider) = match self.names.registered(module) {
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
        let slot = match self.names.instance(instance) {
            Ok(slot) => slot,
            Err(outcome) => return outcome,
        };
        self.names.register(name, slot.clone());
        match slot {
            Ok(_) => Outcome::Done,
            Err(because) => Outcome::MissingInstance(because),
        }
    }

    fn action(&mut self, action: &Action) -> Outcome {
        let (Action::Invoke {
            instance, field, ..
        }
        | Action::Get { instance, field }) = action;
        let index = match self.names.instance(instance.as_ref()) {
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

/// Whether instantiation came so far that the instance exists and its segments were applied, though
/// one of them or the start function may have ended it.
fn ran(instantiation: &Outcome) -> bool {
    matches!(
        instantiation,
        Outcome::Done | Outcome::Trap(_) | Outcome::Exhaustion(_) | Outcome::Exception(_)
    )
}
