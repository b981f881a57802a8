//! A group of instances that can reach each other: their store, and what each command does in it.

use std::time::Duration;

use wassay_runtime::interior;
use wassay_runtime::interior::module::{Export, ExternKind};
use wassay_runtime::{
    AsContext, Caller, Engine, Error, Extern, Func, ImportType, Instance, Module, Policy, RootMark,
    SharedMemory, Store, Val,
};

use super::instances::{Instances, Provided, Sizes};
use super::spectest::{self, Spectest};
use super::state::State;
use super::{values, visible};
use crate::outcome::names::{Reason, Slot, reason};
use crate::outcome::visible::VisibleItem;
use crate::outcome::{FuncIndex, Outcome, Place, Proof, StateHash, TieredProof};
use crate::script::Action;
use crate::suite::conventions::{Conventions, WASMTIME_GC};

/// More fuel than any script uses.
const FUEL: u64 = u64::MAX;

/// The beginning of the reason for which a function stayed in the interpreter, if that is an error
/// of the compiler's own.
const INTERNAL: &str = "internal error";

/// The instance that stands under a registered name.
pub(super) enum Registered {
    /// An instance of this group.
    Here(usize),
    /// An instance of another group.
    Elsewhere,
    /// None could be made.
    Missing(Reason),
    /// Nothing is registered.
    Nothing,
}

/// A store with all that was made in it.
pub(super) struct Group {
    store: Store,
    conventions: Conventions,
    spectest: Spectest,
    instances: Instances,
    state: Option<State>,
    /// Functions of modules that the tier refused to compile.
    uncompiled: u64,
    /// Of the command at hand.
    trace: Vec<Place>,
    took_choice: bool,
}

impl Group {
    /// An empty store and no instances.
    pub(super) fn new(engine: &Engine, conventions: Conventions, hash_state: bool) -> Group {
        let mut store = Store::new(engine, ());
        if engine.config().has_fuel() {
            store.set_fuel(FUEL).expect("the engine is metered");
        }
        Group {
            store,
            conventions,
            spectest: Spectest::default(),
            instances: Instances::default(),
            state: hash_state.then(State::new),
            uncompiled: 0,
            trace: Vec::new(),
            took_choice: false,
        }
    }

    /// Lets code trap that still runs in the store when so much time has passed. Code that cannot
    /// be interrupted goes on.
    pub(super) fn interrupt_after(&mut self, time: Duration) {
        if let Err(error) = self.store.set_deadline(Some(time)) {
            eprintln!("wassay worker: no directive is interrupted: {error}");
        }
    }

    /// Runs a part of a command. What the store hands out meanwhile is released after it.
    pub(super) fn scoped<T>(&mut self, run: impl FnOnce(&mut Group) -> T) -> T {
        let scope = RootMark::open(&self.store);
        let before = interior::choices(&self.store);
        let result = run(self);
        self.took_choice = interior::choices(&self.store) > before;
        scope.close(&mut self.store);
        result
    }

    /// Adds an instance of another store, by the memories that it exports to this one.
    pub(super) fn add_lent(
        &mut self,
        module: Module,
        memories: Vec<(String, SharedMemory)>,
    ) -> usize {
        let lend = |(export, memory): (String, SharedMemory)| {
            let memory = memory.in_store(&mut self.store);
            let memory = memory.expect("a new store has room for what an instance exports");
            (export, Extern::Memory(memory))
        };
        let exports = memories.into_iter().map(lend).collect();
        let index = self.instances.add_lent(module, exports);
        if let Some(state) = &mut self.state {
            state.grow(self.store.as_context());
        }
        index
    }

    /// The module of an instance, and the shared memories that it exports.
    pub(super) fn shared_memories(&self, index: usize) -> (Module, Vec<(String, SharedMemory)>) {
        let module = self.instances.get(index).module.clone();
        let shared = |export: wassay_runtime::ExportType<'_>| {
            let memory = self.export(index, export.name())?.into_memory()?;
            Some((export.name().to_string(), memory.shared(&self.store)?))
        };
        let memories = module.exports().filter_map(shared).collect();
        (module, memories)
    }

    /// Leaves memories out of the state from now on.
    pub(super) fn race(&mut self, memories: impl Iterator<Item = SharedMemory>) {
        if let Some(state) = &mut self.state {
            state.race(self.store.as_context(), memories);
        }
    }

    /// True if the last command took a result for which the specification allows several.
    pub(super) fn took_choice(&self) -> bool {
        self.took_choice
    }

    /// What was running when the last command ended.
    pub(super) fn take_trace(&mut self) -> Vec<Place> {
        std::mem::take(&mut self.trace)
    }

    /// The hashes of the state, with the fuel that was spent.
    pub(super) fn state(&self) -> StateHash {
        let state = self.state.as_ref().map(State::hash).unwrap_or_default();
        let fuel = self.store.get_fuel().map_or(0, |left| FUEL - left);
        StateHash { fuel, ..state }
    }

    /// Takes all of the state anew.
    pub(super) fn renew(&mut self) {
        if let Some(state) = &mut self.state {
            state.renew(self.store.as_context());
        }
    }

    /// Evidence of the tier, over all instances.
    ///
    /// # Panics
    /// If a function stayed in the interpreter because of an error of the compiler's own: no result
    /// would show it.
    pub(super) fn proof(&self) -> Proof {
        let proof = self.store.proof();
        let (helpers, tiered) = (proof.ops_via_helper().iter(), proof.tiered());
        let mut kept = tiered.kept().keys();
        if let Some(reason) = kept.find(|reason| reason.starts_with(INTERNAL)) {
            panic!("a function could not be compiled: {reason}");
        }
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

    /// Instantiates a module; `registered` gives what stands under a name that it imports from.
    pub(super) fn instantiate(
        &mut self,
        module: Module,
        registered: &dyn Fn(&str) -> Registered,
    ) -> (Slot<usize>, Outcome) {
        let imports = module
            .imports()
            .map(|import| self.import(&import, registered))
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
        if !ran(&outcome) {
            if let Some(state) = &mut self.state {
                state.grow(self.store.as_context());
            }
            return (Err(reason(&outcome)), outcome);
        }
        let instances = &mut self.instances;
        let index = instances.add(&self.store, before, module, &imports, instance);
        if let Some(state) = &mut self.state {
            state.update(
                self.store.as_context(),
                &instances.changes_of_instantiation(index),
            );
            state.grow(self.store.as_context());
        }
        let slot = match outcome {
            Outcome::Done => Ok(index),
            _ => Err(reason(&outcome)),
        };
        (slot, outcome)
    }

    /// The value of an import.
    fn import(
        &mut self,
        import: &ImportType<'_>,
        registered: &dyn Fn(&str) -> Registered,
    ) -> Result<Provided, Outcome> {
        let (module, name) = (import.module(), import.name());
        let unknown = || Outcome::Unlinkable(format!("unknown import {module:?} {name:?}"));
        let (found, provider) = match registered(module) {
            Registered::Here(index) => (self.export(index, name), Some(index)),
            Registered::Missing(because) => return Err(because.into()),
            Registered::Elsewhere => {
                let message = format!("{module:?} is in another store, against the plan");
                return Err(Outcome::Internal(message));
            }
            Registered::Nothing if module == spectest::MODULE => {
                let item = self.spectest.get(&mut self.store, name);
                (item.map_err(values::ending)?, None)
            }
            Registered::Nothing if self.conventions.offers_gc() => {
                let is_it = (module, name) == WASMTIME_GC;
                (is_it.then(|| collector(&mut self.store)), None)
            }
            Registered::Nothing => (None, None),
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

    /// Calls a function or reads a global of an instance.
    pub(super) fn action(&mut self, index: usize, action: &Action) -> Outcome {
        let (Action::Invoke { field, .. } | Action::Get { field, .. }) = action;
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
                    Ok(results) => self.values(index, &results),
                    Err(error) => self.ended(error),
                }
            }
            (Action::Get { .. }, Some(Extern::Global(global))) => {
                self.values(index, &[global.get(&self.store)])
            }
            (Action::Invoke { .. }, _) => {
                Outcome::HostError(format!("there is no exported function {field:?}"))
            }
            (Action::Get { .. }, _) => {
                Outcome::HostError(format!("there is no exported global {field:?}"))
            }
        }
    }

    /// Results of an instance.
    fn values(&self, index: usize, results: &[Val]) -> Outcome {
        let instance = self.instances.get(index).instance;
        values::from_vals(results, |func| {
            let at = instance.and_then(|it| interior::func_index(&self.store, it, func));
            at.map_or(FuncIndex::Elsewhere, FuncIndex::At)
        })
    }

    /// What an instance shows of its state by its exports.
    pub(super) fn visible(&self, index: usize) -> Vec<VisibleItem> {
        let record = self.instances.get(index);
        let names = record.module.exports();
        names
            .filter_map(|export| {
                let name = export.name();
                let digest = visible::digest(&self.store, self.export(index, name)?)?;
                let name = name.to_string();
                Some(VisibleItem { name, digest })
            })
            .collect()
    }

    /// The ending of code; what was running goes into the report.
    fn ended(&mut self, error: Error) -> Outcome {
        self.trace = values::trace(&error);
        values::ending(error)
    }

    /// Takes in what a call of an export can have changed.
    fn note_call(&mut self, index: usize, field: &str) {
        let func = self.exported_func(index, field);
        if let (Some(state), Some(func)) = (&mut self.state, func) {
            state.update(
                self.store.as_context(),
                &self.instances.changes_of_call(index, func),
            );
        }
    }

    /// True if a call of an export can change the state.
    pub(super) fn can_change(&mut self, index: usize, field: &str) -> bool {
        let func = self.exported_func(index, field);
        func.is_some_and(|func| !self.instances.changes_of_call(index, func).are_none())
    }

    /// The index of an exported function.
    fn exported_func(&self, index: usize, field: &str) -> Option<u32> {
        let mut exports = interior::parts(&self.instances.get(index).module)
            .exports
            .iter();
        let called = |export: &&Export| export.kind == ExternKind::Func && export.name == field;
        exports.find(called).map(|export| export.index)
    }
}

/// A function of the host that collects garbage.
fn collector(store: &mut Store) -> Extern {
    Func::wrap(store, |mut caller: Caller<'_, ()>| caller.gc()).into()
}

/// Whether instantiation came so far that the instance exists and its segments were applied, though
/// one of them or the start function may have ended it.
fn ran(instantiation: &Outcome) -> bool {
    matches!(
        instantiation,
        Outcome::Done | Outcome::Trap(_) | Outcome::Exhaustion(_) | Outcome::Exception(_)
    )
}
