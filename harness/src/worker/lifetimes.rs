//! The store of each instance of a script, and the directive after which it is dropped.
//!
//! Instances that can reach each other share a store: those that are joined by imports, and those
//! that import something mutable of `spectest`. Such a group is dropped after the last directive
//! that can reach it: by a name, by a registered name that a later module imports, or as the
//! current instance. So a script of thousands of modules holds no more than a few at a time.
//!
//! The plan follows from the commands alone, before any of them runs, so it is the same in every
//! tier, whatever becomes of them. Where a command fails, a group may live longer than it is used.

use std::collections::HashMap;

use super::spectest;
use crate::script::imports::imports;
use crate::script::{Action, Command, ModuleSource};
use crate::suite::conventions::Conventions;

/// The number of a store of a script.
pub(super) type StoreNumber = u32;

/// The store that is never dropped before the end.
pub(super) const COMMON: StoreNumber = 0;

/// A group has a store of its own if it is used for no more commands than this. No more of these
/// stores can live at the same time.
const SHORT_MAX: usize = 64;
/// Stores of groups that are used for longer and that live at the same time; further groups share
/// the common store.
const LONG_MAX: usize = 16;

/// The stores of a script.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lifetimes {
    /// By position, the store of the instance that a command makes.
    stores: HashMap<usize, StoreNumber>,
    /// By position, the stores that are dropped after a command.
    ends: HashMap<usize, Vec<StoreNumber>>,
}

impl Lifetimes {
    /// The plan for the commands of a script. The instances of a script with threads all live to
    /// the end: what a thread uses is not known here.
    pub(super) fn of(commands: &[Command], conventions: Conventions) -> Lifetimes {
        let is_thread = |command: &Command| matches!(command, Command::Thread { .. });
        if commands.iter().any(is_thread) {
            return Lifetimes::default();
        }
        let mut walk = Walk {
            imports_by_name: conventions.imports_by_name(),
            ..Walk::default()
        };
        for (at, command) in commands.iter().enumerate() {
            walk.command(at, command);
        }
        let mut plan = walk.plan();
        // What lives to the end is part of the whole state, which is taken then.
        plan.ends.remove(&commands.len().wrapping_sub(1));
        plan
    }

    /// The store of the instance that the command at a position makes.
    pub(super) fn store_of(&self, at: usize) -> StoreNumber {
        self.stores.get(&at).copied().unwrap_or(COMMON)
    }

    /// True if a store is made for the instance that the command at a position makes.
    pub(super) fn begins(store: StoreNumber, at: usize) -> bool {
        store == number_of(at)
    }

    /// The stores that nothing reaches after the command at a position.
    pub(super) fn ended(&self, at: usize) -> &[StoreNumber] {
        self.ends.get(&at).map_or(&[], Vec::as_slice)
    }
}

/// The number of the store that is made by the command at a position.
fn number_of(at: usize) -> StoreNumber {
    at as StoreNumber + 1 + COMMON
}

/// An instance, by its place in `Walk::instances`.
type Node = usize;

/// An instance, as far as the commands show.
#[derive(Debug)]
struct Planned {
    /// The node that stands for its group, or one that is nearer to it.
    joined: Node,
    /// The position of the command that makes it.
    made: usize,
    /// The position of the last command that uses it.
    used: usize,
}

/// A walk over the commands, with the names as they stand.
#[derive(Debug, Default)]
struct Walk<'a> {
    instances: Vec<Planned>,
    current: Option<Node>,
    named: HashMap<&'a str, Node>,
    registered: HashMap<&'a str, Node>,
    /// True if imports find instances by their `$name`, too.
    imports_by_name: bool,
    /// Definitions by name, and the latest one.
    definitions: HashMap<Option<&'a str>, &'a ModuleSource>,
    /// An instance that imports something mutable of `spectest`.
    of_spectest: Option<Node>,
}

impl<'a> Walk<'a> {
    fn command(&mut self, at: usize, command: &'a Command) {
        match command {
            Command::Module { name, module } => {
                let node = self.instance(at, Some(module));
                self.make_current(name.as_deref(), node);
            }
            Command::ModuleDefinition { name, module } => {
                self.definitions.insert(name.as_deref(), module);
                self.definitions.insert(None, module);
            }
            Command::ModuleInstance { instance, module } => {
                let module = self.definitions.get(&module.as_deref()).copied();
                let node = self.instance(at, module);
                self.make_current(instance.as_deref(), node);
            }
            Command::Instantiate { module } => {
                self.instance(at, Some(module));
            }
            Command::Register { name, instance } => {
                if let Some(node) = self.find(instance.as_deref()) {
                    self.instances[node].used = at;
                    self.registered.insert(name, node);
                }
            }
            Command::Action(Action::Invoke { instance, .. } | Action::Get { instance, .. }) => {
                if let Some(node) = self.find(instance.as_deref()) {
                    self.instances[node].used = at;
                }
            }
            Command::Unreadable { head, .. } if head == "module" => self.current = None,
            Command::Check { .. }
            | Command::CheckCustom { .. }
            | Command::Thread { .. }
            | Command::Wait { .. }
            | Command::Unreadable { .. } => {}
        }
    }

    fn find(&self, name: Option<&str>) -> Option<Node> {
        name.map_or(self.current, |name| self.named.get(name).copied())
    }

    fn make_current(&mut self, name: Option<&'a str>, node: Node) {
        self.current = Some(node);
        if let Some(name) = name {
            self.named.insert(name, node);
        }
    }

    /// Notes an instance, which belongs to the group of all that it imports.
    fn instance(&mut self, at: usize, module: Option<&ModuleSource>) -> Node {
        let node = self.instances.len();
        self.instances.push(Planned {
            joined: node,
            made: at,
            used: at,
        });
        let Some(ModuleSource::Binary(bytes)) = module else {
            return node;
        };
        for (from, name) in imports(bytes) {
            let named = || self.named.get(from).filter(|_| self.imports_by_name);
            if let Some(&provider) = self.registered.get(from).or_else(named) {
                self.join(node, provider);
            } else if from == spectest::MODULE && spectest::is_mutable(name) {
                let first = *self.of_spectest.get_or_insert(node);
                self.join(node, first);
            }
        }
        node
    }

    fn join(&mut self, one: Node, other: Node) {
        let (one, other) = (self.root(one), self.root(other));
        self.instances[one.max(other)].joined = one.min(other);
    }

    /// The node that stands for a group: the first of its instances.
    fn root(&mut self, mut node: Node) -> Node {
        while self.instances[node].joined != node {
            let above = self.instances[self.instances[node].joined].joined;
            self.instances[node].joined = above;
            node = above;
        }
        node
    }

    fn plan(mut self) -> Lifetimes {
        for node in 0..self.instances.len() {
            let root = self.root(node);
            self.instances[root].used = self.instances[root].used.max(self.instances[node].used);
        }
        let mut plan = Lifetimes::default();
        let mut long_ends: Vec<usize> = Vec::new();
        for node in 0..self.instances.len() {
            let root = self.root(node);
            let Planned { made, used, .. } = self.instances[root];
            if root == node {
                let is_long = used - made >= SHORT_MAX;
                long_ends.retain(|&end| end >= made);
                if is_long && long_ends.len() >= LONG_MAX {
                    continue;
                }
                long_ends.extend(is_long.then_some(used));
                let number = number_of(made);
                plan.stores.insert(made, number);
                plan.ends.entry(used).or_default().push(number);
            } else if let Some(&number) = plan.stores.get(&made) {
                plan.stores.insert(self.instances[node].made, number);
            }
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse::parse_script;

    /// The stores of the instances that a script makes, in order, and those that end by position.
    fn plan(text: &str) -> (Vec<StoreNumber>, Vec<(usize, StoreNumber)>) {
        let script = parse_script("t.wast", text);
        let plan = Lifetimes::of(&script.commands, Conventions::Spec);
        let makes = |at: &usize| {
            matches!(
                script.commands[*at],
                Command::Module { .. }
                    | Command::ModuleInstance { .. }
                    | Command::Instantiate { .. }
            )
        };
        let positions = 0..script.commands.len();
        let stores = positions.clone().filter(makes).map(|at| plan.store_of(at));
        let ended = |at: usize| plan.ended(at).iter().map(move |&store| (at, store));
        (stores.collect(), positions.flat_map(ended).collect())
    }

    #[test]
    fn unnamed_modules_end_where_the_next_one_begins() {
        let text = r#"
            (module (memory 1) (func (export "f")))
            (invoke "f")
            (module (import "spectest" "print" (func)))
            (module $a (func (export "f")))
            (module (func))
            (invoke $a "f")
            (module $a (func (export "f")))
            (invoke "f")"#;
        let ends = vec![(1, 1), (2, 3), (4, 5), (5, 4)];
        assert_eq!(plan(text), (vec![1, 3, 4, 5, 7], ends));
    }

    #[test]
    fn imports_join_groups() {
        let text = r#"
            (module (func (export "f")))
            (register "M")
            (module $n (import "M" "f" (func)))
            (module (import "spectest" "memory" (memory 1)))
            (module $t (import "spectest" "table" (table 10 funcref)) (func (export "f")))
            (register "N" $n)
            (assert_trap (module (import "N" "g" (func))) "unreachable")
            (module definition $d (import "N" "g" (func)))
            (module instance $i $d)
            (invoke $t "f")
            (module (import "M" "f" (func)))"#;
        let ends = vec![(9, 4)];
        assert_eq!(plan(text), (vec![1, 1, 4, 4, 1, 1, 1], ends));
    }

    /// Of groups that live for long only some have stores of their own.
    #[test]
    fn stores_that_live_at_the_same_time_are_few() {
        let count = 100;
        let mut text: String = (0..count)
            .map(|n| format!("(module $m{n} (func (export \"f\")))\n"))
            .collect();
        (0..count).for_each(|n| text += &format!("(invoke $m{n} \"f\")\n"));
        let (stores, ends) = plan(&text);
        let own = stores.iter().filter(|&&store| store != COMMON).count();
        assert_eq!((own, ends.len()), (LONG_MAX, LONG_MAX));
    }

    #[test]
    fn instances_of_a_script_with_threads_live_to_its_end() {
        let text = r#"(module $m (memory (export "m") 1 1 shared))
            (thread $t (shared (module $m)) (module (func)))
            (wait $t)"#;
        assert_eq!(plan(text), (vec![COMMON; 2], vec![]));
    }
}
