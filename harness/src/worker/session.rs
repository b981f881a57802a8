//! A script in execution: its instances by name, the stores that they live in, and what each
//! command does to them.
//!
//! Instances that can reach each other share a store, which is dropped after the last command that
//! can reach it (`lifetimes.rs`). The state after a command is that of all stores that live; before
//! a store is dropped, all of it is taken anew once more, and that is the state of the report.

use std::collections::HashMap;
use std::time::Duration;

use wassay_runtime::{Engine, Module, SharedMemory, interior};
use xxhash_rust::xxh3::xxh3_64;

use super::group::{Group, Registered};
use super::lifetimes::{COMMON, Lifetimes, StoreNumber};
use super::values;
use crate::outcome::names::{Names, Slot, reason, refused};
use crate::outcome::visible::VisibleItem;
use crate::outcome::{Outcome, Proof, Report, StateHash};
use crate::script::imports::imports;
use crate::script::{Action, Command, ModuleSource};
use crate::suite::conventions::Conventions;

/// What an instance lends to a thread: its exports that several stores can use.
pub(super) struct SharedInstance {
    name: String,
    module: Module,
    memories: Vec<(String, SharedMemory)>,
}

/// An instance of a script: its store, and its index in it.
#[derive(Clone, Copy, Debug)]
struct InstanceId {
    store: StoreNumber,
    index: usize,
}

/// A group, and its part in the state of the script.
struct Member {
    group: Group,
    counted: StateHash,
    /// The first command that was left out though it can have changed the state.
    lacks: Option<u32>,
}

/// The parts of the state that reports have.
#[derive(Clone, Copy, Debug)]
pub(super) struct StateAsked {
    /// The hash of all of it.
    pub(super) hash: bool,
    /// What the instance that was acted on shows by its exports.
    pub(super) visible: bool,
}

/// A script in execution.
pub(super) struct Session {
    engine: Engine,
    conventions: Conventions,
    asked: StateAsked,
    lifetimes: Lifetimes,
    groups: HashMap<StoreNumber, Member>,
    names: Names<InstanceId, Module>,
    /// The state of all groups together.
    total: StateHash,
    /// Evidence of groups that have been dropped.
    proof: Proof,
    /// The time after which what runs is interrupted, if it is.
    time: Option<Duration>,
}

impl Session {
    /// A script of which nothing has been run.
    pub(super) fn new(
        engine: &Engine,
        conventions: Conventions,
        asked: StateAsked,
        lifetimes: Lifetimes,
    ) -> Session {
        Session {
            engine: engine.clone(),
            conventions,
            asked,
            lifetimes,
            groups: HashMap::new(),
            names: Names::new(conventions.imports_by_name()),
            total: StateHash::default(),
            proof: Proof::default(),
            time: None,
        }
    }

    /// Interrupts what runs from now on when so much time has passed.
    pub(super) fn interrupt_after(&mut self, time: Duration) {
        self.time = Some(time);
        for member in self.groups.values_mut() {
            member.group.interrupt_after(time);
        }
    }

    /// The session of a thread, to which an instance of another session lends what can be shared.
    pub(super) fn in_thread(
        engine: &Engine,
        conventions: Conventions,
        asked: StateAsked,
        shared: Option<SharedInstance>,
    ) -> Session {
        let mut session = Session::new(engine, conventions, asked, Lifetimes::default());
        let Some(shared) = shared else { return session };
        let SharedInstance {
            name,
            module,
            memories,
        } = shared;
        session.race(memories.iter().map(|(_, memory)| memory.clone()));
        let index = session.group(COMMON).add_lent(module, memories);
        let store = COMMON;
        session.names.name(name, InstanceId { store, index });
        session.count(COMMON);
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
        let id = self.names.instance(Some(name))?.map_err(Outcome::from)?;
        let (module, memories) = self.group(id.store).shared_memories(id.index);
        self.race(memories.iter().map(|(_, memory)| memory.clone()));
        Ok(Some(SharedInstance {
            name: name.clone(),
            module,
            memories,
        }))
    }

    /// Leaves memories out of the state from now on. Scripts with threads have one store.
    fn race(&mut self, memories: impl Iterator<Item = SharedMemory>) {
        self.group(COMMON).race(memories);
        self.count(COMMON);
    }

    /// Evidence of the tier, over all instances.
    pub(super) fn proof(&self) -> Proof {
        let mut proof = self.proof.clone();
        for member in self.groups.values() {
            proof.add(&member.group.proof());
        }
        proof
    }

    /// Runs the command at a position of the script.
    pub(super) fn run(&mut self, at: usize, command: &Command) -> Report {
        let mut report = self.run_command(at, command);
        if let Some(state) = self.drop_ended(at) {
            report.state = Some(state);
        }
        report
    }

    /// Drops the stores that nothing reaches after the command at a position. The state from just
    /// before, if it is taken and there are such stores.
    fn drop_ended(&mut self, at: usize) -> Option<StateHash> {
        let live = |number: &&StoreNumber| self.groups.contains_key(*number);
        let ended: Vec<StoreNumber> = self
            .lifetimes
            .ended(at)
            .iter()
            .filter(live)
            .copied()
            .collect();
        for &number in &ended {
            // What the command at hand has made is as it was made.
            if self.asked.hash && !Lifetimes::begins(number, at) {
                self.group(number).renew();
                self.count(number);
            }
        }
        let state = (self.asked.hash && !ended.is_empty()).then_some(self.total);
        for number in ended {
            if let Some(Member { group, counted, .. }) = self.groups.remove(&number) {
                // Fuel that was spent stays spent.
                let fuel = self.total.fuel;
                self.total = combine(self.total, counted, u64::wrapping_sub);
                self.total.fuel = fuel;
                self.proof.add(&group.proof());
            }
        }
        state
    }

    fn run_command(&mut self, at: usize, command: &Command) -> Report {
        match command {
            Command::Module { name, module } => {
                let (slot, report) = self.module(at, module);
                self.names.make_current(name.as_ref(), slot);
                report
            }
            Command::ModuleDefinition { name, module } => {
                let (definition, outcome) = self.decode(module);
                self.names.define(name.as_ref(), definition);
                outcome.into()
            }
            Command::ModuleInstance { instance, module } => {
                let (slot, report) = self.module_instance(at, module.as_ref());
                self.names.make_current(instance.as_ref(), slot);
                report
            }
            Command::Register { name, instance } => self.register(name, instance.as_ref()).into(),
            Command::Action(action) => self.action(action),
            Command::Instantiate { module } => self.module(at, module).1,
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

    /// Notes that the command at a position is left out, so that what depends on it is not run
    /// either, and what may lack its effects says so.
    pub(super) fn leave_out(&mut self, at: usize, command: &Command) {
        let ordinal = u32::try_from(at).unwrap_or(u32::MAX);
        if let Some(store) = self.store_changed_by(at, command)
            && let Some(member) = self.groups.get_mut(&store)
        {
            member.lacks.get_or_insert(ordinal);
        }
        self.names.leave_out(ordinal, command);
        self.drop_ended(at);
    }

    /// Notes that a thread of the script lacks the effects of a directive that was left out.
    pub(super) fn lack(&mut self, ordinal: u32) {
        if let Some(member) = self.groups.get_mut(&COMMON) {
            member.lacks.get_or_insert(ordinal);
        }
    }

    /// The store whose state a command can change, if it can change one.
    fn store_changed_by(&mut self, at: usize, command: &Command) -> Option<StoreNumber> {
        match command {
            Command::Action(Action::Invoke {
                instance, field, ..
            }) => {
                let id = self.names.instance(instance.as_ref()).ok()?.ok()?;
                let group = &mut self.groups.get_mut(&id.store)?.group;
                group.can_change(id.index, field).then_some(id.store)
            }
            // A module can write to what it imports when it is instantiated.
            Command::Module { module, .. } | Command::Instantiate { module } => {
                let ModuleSource::Binary(bytes) = module else {
                    return None;
                };
                let store = self.lifetimes.store_of(at);
                (!imports(bytes).is_empty()).then_some(store)
            }
            Command::ModuleInstance { .. } => Some(self.lifetimes.store_of(at)),
            Command::ModuleDefinition { .. }
            | Command::Register { .. }
            | Command::Action(Action::Get { .. })
            | Command::Check { .. }
            | Command::CheckCustom { .. }
            | Command::Thread { .. }
            | Command::Wait { .. }
            | Command::Unreadable { .. } => None,
        }
    }

    /// A report of what touched a store.
    fn report(&mut self, store: StoreNumber, outcome: Outcome) -> Report {
        self.count(store);
        let state = self.asked.hash.then_some(self.total);
        let lacks = self.groups.get(&store).and_then(|member| member.lacks);
        let group = self.group(store);
        Report {
            outcome,
            state,
            trace: Some(group.take_trace()),
            took_choice: group.took_choice(),
            visible: Vec::new(),
            lacks,
        }
    }

    /// The state, all of it taken anew.
    pub(super) fn whole_state(&mut self) -> Option<StateHash> {
        let numbers: Vec<StoreNumber> = self.groups.keys().copied().collect();
        for number in numbers {
            self.group(number).renew();
            self.count(number);
        }
        self.asked.hash.then_some(self.total)
    }

    /// The group of a number, which is made when it is first needed.
    fn group(&mut self, number: StoreNumber) -> &mut Group {
        let Session {
            engine,
            conventions,
            asked,
            time,
            ..
        } = self;
        let new = || {
            let mut group = Group::new(engine, *conventions, asked.hash);
            if let Some(time) = *time {
                group.interrupt_after(time);
            }
            Member {
                group,
                counted: StateHash::default(),
                lacks: None,
            }
        };
        &mut self.groups.entry(number).or_insert_with(new).group
    }

    /// Takes the state of a group into that of the script.
    fn count(&mut self, number: StoreNumber) {
        let Some(member) = self.groups.get_mut(&number).filter(|_| self.asked.hash) else {
            return;
        };
        let new = of_store(number, member.group.state());
        let others = combine(self.total, member.counted, u64::wrapping_sub);
        self.total = combine(others, new, u64::wrapping_add);
        member.counted = new;
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
    fn module(&mut self, at: usize, module: &ModuleSource) -> (Slot<InstanceId>, Report) {
        let (module, outcome) = self.decode(module);
        match module {
            Ok(module) => self.instantiate(at, module),
            Err(because) => (Err(because), self.untouched(outcome)),
        }
    }

    fn module_instance(&mut self, at: usize, name: Option<&String>) -> (Slot<InstanceId>, Report) {
        match self.names.definition(name) {
            Ok(Ok(module)) => self.instantiate(at, module),
            Ok(Err(because)) => {
                let outcome = Outcome::from(because.clone());
                (Err(because), self.untouched(outcome))
            }
            Err(outcome) => (Err(reason(&outcome)), self.untouched(outcome)),
        }
    }

    /// A report of what could have touched a store and did not.
    fn untouched(&self, outcome: Outcome) -> Report {
        Report {
            state: self.asked.hash.then_some(self.total),
            ..outcome.into()
        }
    }

    fn instantiate(&mut self, at: usize, module: Module) -> (Slot<InstanceId>, Report) {
        let store = self.lifetimes.store_of(at);
        self.group(store);
        let Session { groups, names, .. } = self;
        let registered = |name: &str| match names.registered(name) {
            None => Registered::Nothing,
            Some(Err(because)) => Registered::Missing(because.clone()),
            Some(Ok(id)) if id.store == store => Registered::Here(id.index),
            Some(Ok(_)) => Registered::Elsewhere,
        };
        let group = &mut groups.get_mut(&store).expect("it was made above").group;
        let (slot, outcome) = group.scoped(|group| group.instantiate(module, &registered));
        let slot = slot.map(|index| InstanceId { store, index });
        let mut report = self.report(store, outcome);
        if let Ok(id) = &slot {
            report.visible = self.visible(*id);
        }
        (slot, report)
    }

    fn register(&mut self, name: &str, instance: Option<&String>) -> Outcome {
        let slot = match self.names.instance(instance) {
            Ok(slot) => slot,
            Err(outcome) => return outcome,
        };
        self.names.register(name, slot.clone());
        match slot {
            Ok(_) => Outcome::Done,
            Err(because) => Outcome::from(because),
        }
    }

    fn action(&mut self, action: &Action) -> Report {
        let (Action::Invoke { instance, .. } | Action::Get { instance, .. }) = action;
        let InstanceId { store, index } = match self.names.instance(instance.as_ref()) {
            Ok(Ok(id)) => id,
            Ok(Err(because)) => return self.untouched(Outcome::from(because)),
            Err(outcome) => return self.untouched(outcome),
        };
        let Some(member) = self.groups.get_mut(&store) else {
            let message = "the instance was dropped, against the plan".to_string();
            return self.untouched(Outcome::Internal(message));
        };
        let outcome = member.group.scoped(|group| group.action(index, action));
        let mut report = self.report(store, outcome);
        if matches!(action, Action::Invoke { .. }) {
            report.visible = self.visible(InstanceId { store, index });
        }
        report
    }

    /// What an instance shows of its state, if that is asked for.
    fn visible(&mut self, id: InstanceId) -> Vec<VisibleItem> {
        match self.asked.visible {
            true => self.group(id.store).visible(id.index),
            false => Vec::new(),
        }
    }
}

/// The part of a store in the state of a script. Parts are added up, so that one can be exchanged.
fn of_store(number: StoreNumber, state: StateHash) -> StateHash {
    let part = |sort: u64| {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        bytes[4..].copy_from_slice(&sort.to_le_bytes());
        xxh3_64(&bytes)
    };
    StateHash {
        memories: part(state.memories),
        globals: part(state.globals),
        tables: part(state.tables),
        objects: part(state.objects),
        fuel: state.fuel,
    }
}

/// Combines two states, sort by sort.
fn combine(one: StateHash, other: StateHash, by: fn(u64, u64) -> u64) -> StateHash {
    StateHash {
        memories: by(one.memories, other.memories),
        globals: by(one.globals, other.globals),
        tables: by(one.tables, other.tables),
        objects: by(one.objects, other.objects),
        fuel: by(one.fuel, other.fuel),
    }
}
