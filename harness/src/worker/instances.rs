//! The instances of a store, and what running their code can change.
//!
//! Code reaches code of other instances through what was imported: an imported function can be
//! called; through an imported table, global or tag, and through references that are passed to an
//! imported function or come from it, function references can travel both ways. So an indirect call
//! can change what the instances within reach can change, and nothing else.
//!
//! An instance whose instantiation trapped is kept: its functions may be in a table.

use std::collections::HashMap;

use wassay_runtime::interior::module::SegmentMode;
use wassay_runtime::{
    Extern, ExternType, Global, Instance, Memory, Module, Store, Table, ValType, interior,
};

use super::effects::{Effects, ModuleEffects};
use super::state::Changes;

/// An instance and what is known of it.
pub(super) struct Record {
    /// The instance, unless its instantiation trapped, or it is of another store.
    pub(super) instance: Option<Instance>,
    /// Of an instance of another store, what this one can use.
    pub(super) lent: HashMap<String, Extern>,
    /// Its module.
    pub(super) module: Module,
    effects: ModuleEffects,
    /// The memories that its code can name.
    memories: Vec<Memory>,
    /// The tables that its code can name.
    tables: Vec<Table>,
    /// The globals that its code can name.
    globals: Vec<Global>,
    /// Instances whose code its code can call.
    calls: Vec<usize>,
}

/// The numbers of memories, tables and globals of a store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    memories: usize,
    tables: usize,
    globals: usize,
}

impl Sizes {
    /// Of this store, now.
    pub(super) fn of(store: &Store) -> Sizes {
        Sizes {
            memories: interior::memories(store).count(),
            tables: interior::tables(store).count(),
            globals: interior::globals(store).count(),
        }
    }
}

/// A resolved import: its value, and the instance that exports it, unless the host made it.
pub(super) type Provided = (Extern, Option<usize>);

/// Every instance of a store, in order of creation.
#[derive(Default)]
pub(super) struct Instances {
    records: Vec<Record>,
}

impl Instances {
    /// The instance of that index.
    pub(super) fn get(&self, index: usize) -> &Record {
        &self.records[index]
    }

    /// Adds an instance that has just been made, or whose making trapped; `before` are the sizes of
    /// the store from before.
    pub(super) fn add(
        &mut self,
        store: &Store,
        before: Sizes,
        module: Module,
        imports: &[Provided],
        instance: Option<Instance>,
    ) -> usize {
        let (mut memories, mut tables, mut globals) = (Vec::new(), Vec::new(), Vec::new());
        for (value, _) in imports {
            match value {
                Extern::Memory(memory) => memories.push(*memory),
                Extern::Table(table) => tables.push(*table),
                Extern::Global(global) => globals.push(*global),
                Extern::Func(_) | Extern::Tag(_) => {}
            }
        }
        memories.extend(interior::memories(store).skip(before.memories));
        tables.extend(interior::tables(store).skip(before.tables));
        globals.extend(interior::globals(store).skip(before.globals));
        let (effects, calls) = (ModuleEffects::default(), Vec::new());
        self.records.push(Record {
            instance,
            lent: HashMap::new(),
            module,
            effects,
            memories,
            tables,
            globals,
            calls,
        });
        let index = self.records.len() - 1;
        self.connect(index, imports);
        index
    }

    /// Adds an instance of another store, by what it lends to this one.
    pub(super) fn add_lent(&mut self, module: Module, lent: HashMap<String, Extern>) -> usize {
        self.records.push(Record {
            instance: None,
            lent,
            module,
            effects: ModuleEffects::default(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            calls: Vec::new(),
        });
        self.records.len() - 1
    }

    /// Notes whose code the new instance can call, and who can call its code.
    fn connect(&mut self, index: usize, imports: &[Provided]) {
        let mut func = 0;
        for (value, provider) in imports {
            let both_ways = match value {
                Extern::Func(_) => {
                    func += 1;
                    takes_or_gives_references(&self.records[index].module, func - 1)
                }
                Extern::Table(_) | Extern::Global(_) | Extern::Tag(_) => true,
                Extern::Memory(_) => continue,
            };
            let Some(provider) = *provider else { continue };
            self.records[index].calls.push(provider);
            if both_ways {
                self.records[provider].calls.push(index);
            }
        }
    }

    /// What a call of function `func` of an instance can change.
    pub(super) fn changes_of_call(&mut self, index: usize, func: u32) -> Changes {
        let record = &mut self.records[index];
        let effects = record
            .effects
            .of_call(interior::parts(&record.module), func);
        let mut changes = Changes::default();
        self.add_changes(index, effects, &mut changes);
        changes
    }

    /// What instantiating an instance can have changed: by its active segments and by its start
    /// function.
    pub(super) fn changes_of_instantiation(&mut self, index: usize) -> Changes {
        let record = &mut self.records[index];
        let module = interior::parts(&record.module);
        let active = |mode: &SegmentMode| matches!(mode, SegmentMode::Active { .. });
        let mut effects = Effects {
            memories: module.datas.iter().any(|segment| active(&segment.mode)),
            tables: module.elements.iter().any(|segment| active(&segment.mode)),
            ..Effects::default()
        };
        if let Some(start) = module.start {
            effects = effects | record.effects.of_call(module, start);
        }
        let mut changes = Changes::default();
        self.add_changes(index, effects, &mut changes);
        changes
    }

    fn add_changes(&mut self, index: usize, effects: Effects, changes: &mut Changes) {
        self.records[index].add_changes(effects, changes);
        if !effects.anything {
            return;
        }
        for reached in self.within_reach(index) {
            let record = &mut self.records[reached];
            let whole = record.effects.of_module(interior::parts(&record.module));
            record.add_changes(whole, changes);
        }
    }

    /// The instance and all those whose code its code can come to call.
    fn within_reach(&self, index: usize) -> Vec<usize> {
        let mut seen = vec![false; self.records.len()];
        let (mut found, mut todo) = (Vec::new(), vec![index]);
        while let Some(next) = todo.pop() {
            if !std::mem::replace(&mut seen[next], true) {
                found.push(next);
                todo.extend(&self.records[next].calls);
            }
        }
        found
    }
}

impl Record {
    fn add_changes(&self, effects: Effects, changes: &mut Changes) {
        if effects.memories {
            changes.memories.extend(&self.memories);
        }
        if effects.tables {
            changes.tables.extend(&self.tables);
        }
        if effects.globals {
            changes.globals.extend(&self.globals);
        }
        changes.objects |= effects.objects;
    }
}

/// True if references pass through the `n`-th imported function.
fn takes_or_gives_references(module: &Module, n: usize) -> bool {
    let types = module.imports().map(|import| import.ty());
    let func = types.filter(|ty| ty.func().is_some()).nth(n);
    let types = func.as_ref().and_then(ExternType::func);
    let mut types = types
        .into_iter()
        .flat_map(|ty| ty.params().iter().chain(ty.results()));
    types.any(|ty| matches!(ty, ValType::Ref(_)))
}
