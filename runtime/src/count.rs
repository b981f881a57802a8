//! Exact counts of what a program executes in the stack tier: for profiles.
//!
//! A configuration with a counter lets the stack tier translate functions with a probe at each
//! function's entry and before each instruction that costs (`meter.rs`: markers do not). Without a
//! counter code has no probes. The counter knows the function that is running by the depth of the
//! control stack: what is deeper than a probe has returned, by whatever way.
//!
//! Counts are kept by path: the functions from the outermost one to the one that runs. So recursion
//! and sums over callees are told from each other when the counts are read. Executions of an
//! instruction are also kept by the set of instructions that are calling meanwhile, which is small
//! however deep recursion goes: for sums over callees of lines.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::backtrace::Naming;
use crate::ops::Op;

/// The most paths that are told apart. What is called beyond them counts for its caller.
const PATHS_MAX: usize = 1 << 20;
/// The most sets of calling instructions that are told apart. Of more, the larger ones count as a
/// smaller one.
const CALLING_MAX: usize = 1 << 16;

/// Counts what runs. It lives as long as the process, as does code that counts.
#[derive(Debug, Default)]
pub struct Counter(Mutex<Counts>);

/// The counts so far.
#[derive(Debug, Default)]
pub struct Counts {
    functions: Vec<CountedFunction>,
    sites: Vec<Site>,
    paths: Vec<CallPath>,
    /// The path to a function from the path that calls it; none is before the outermost one.
    next: HashMap<(Option<u32>, u32), u32>,
    pairs: HashMap<(Op, Op), u64>,
    /// The site that was executed last.
    last: Option<u32>,
    /// The sets of sites that call, by number, and the numbers.
    calling: Vec<Arc<[u32]>>,
    numbers: HashMap<Arc<[u32]>, u32>,
    /// The set that a site makes of another one.
    with: HashMap<(u32, u32), u32>,
    /// The executions of sites, by the set that is calling.
    steps: HashMap<(u32, u32), u64>,
    /// The frames that run.
    frames: Vec<RunningFrame>,
}

/// A function that runs.
#[derive(Clone, Copy, Debug)]
struct RunningFrame {
    /// The depth on the control stack.
    depth: usize,
    path: u32,
    /// The set of sites that are calling it, at any distance.
    calling: u32,
}

/// A function that is counted.
#[derive(Clone, Debug)]
pub struct CountedFunction {
    module: Arc<dyn Naming>,
    /// Its index in its module.
    pub func: u32,
}

impl CountedFunction {
    /// The function's name: that of the name section, or else that of an export.
    pub fn name(&self) -> Option<String> {
        self.module.func_name(self.func)
    }

    /// The bytes of the function's module.
    pub fn module_bytes(&self) -> &[u8] {
        self.module.bytes()
    }

    /// True if two functions are of one module.
    pub fn is_of_same_module(&self, other: &CountedFunction) -> bool {
        Arc::ptr_eq(&self.module, &other.module)
    }
}

/// An instruction with the number of times that it was executed.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    /// The number of its function among those that are counted.
    pub function: u32,
    /// The byte of the module at which the instruction begins.
    pub offset_bytes: u32,
    /// The opcode.
    pub op: Op,
    /// The number of times.
    pub count: u64,
}

/// A function as it is called by a path of others.
#[derive(Clone, Copy, Debug)]
pub struct CallPath {
    /// The path of the caller; `None` if the host has called.
    pub caller: Option<u32>,
    /// The number of the function among those that are counted.
    pub function: u32,
    /// The number of calls.
    pub calls: u64,
    /// The number of instructions that were executed in the function itself.
    pub instructions: u64,
}

impl Counter {
    /// A new counter.
    pub fn leak() -> &'static Counter {
        Box::leak(Box::default())
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the counts.
    pub fn read<R>(&self, look: impl FnOnce(&Counts) -> R) -> R {
        look(&self.lock())
    }

    /// Makes a function known: its number.
    pub(crate) fn add_function(&self, module: Arc<dyn Naming>, func: u32) -> u32 {
        let mut counts = self.lock();
        let known = |it: &CountedFunction| it.func == func && Arc::ptr_eq(&it.module, &module);
        if let Some(number) = counts.functions.iter().position(known) {
            return number as u32;
        }
        counts.functions.push(CountedFunction { module, func });
        counts.functions.len() as u32 - 1
    }

    /// Makes an instruction known: its number.
    pub(crate) fn add_site(&self, function: u32, offset_bytes: u32, op: Op) -> u32 {
        let mut counts = self.lock();
        counts.sites.push(Site {
            function,
            offset_bytes,
            op,
            count: 0,
        });
        counts.sites.len() as u32 - 1
    }

    /// Counts the entry of a function, with the depth of the control stack behind its frame.
    pub(crate) fn enter(&self, function: u32, depth: usize) {
        self.lock().enter(function, depth);
    }

    /// Counts an instruction.
    pub(crate) fn step(&self, site: u32, depth: usize) {
        self.lock().step(site, depth);
    }
}

impl Counts {
    /// The functions, by number.
    pub fn functions(&self) -> &[CountedFunction] {
        &self.functions
    }

    /// The instructions.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The paths of calls, by number; callers come before those that they call.
    pub fn paths(&self) -> &[CallPath] {
        &self.paths
    }

    /// The opcode of the instruction that was executed last; none before the first one.
    pub fn last(&self) -> Option<Op> {
        self.last.map(|site| self.sites[site as usize].op)
    }

    /// The executions of sites: the sites that were calling meanwhile, in ascending order, the site
    /// itself, and the number of times.
    pub fn steps(&self) -> impl Iterator<Item = (&[u32], u32, u64)> {
        let steps = self.steps.iter();
        steps.map(|(&(calling, site), &count)| (&*self.calling[calling as usize], site, count))
    }

    /// Instructions that were executed one after the other, with the number of times.
    pub fn pairs(&self) -> impl Iterator<Item = ((Op, Op), u64)> {
        self.pairs.iter().map(|(&pair, &count)| (pair, count))
    }

    fn enter(&mut self, function: u32, depth: usize) {
        let mut replaced = None;
        while let Some(frame) = self.frames.pop_if(|frame| frame.depth >= depth) {
            replaced = Some(frame).filter(|frame| frame.depth == depth);
        }
        let caller = self.frames.last().copied();
        let calling = match (replaced, caller, self.last) {
            // A tail call, or the next call of a host function.
            (Some(replaced), _, _) => replaced.calling,
            (None, Some(caller), Some(site)) => self.set_with(caller.calling, site),
            (None, _, _) => self.set([].into()),
        };
        let caller = caller.map(|caller| caller.path);
        let path = match (self.next.get(&(caller, function)), caller) {
            (Some(&path), _) => path,
            (None, Some(caller)) if self.paths.len() >= PATHS_MAX => caller,
            (None, caller) => {
                let path = self.paths.len() as u32;
                self.paths.push(CallPath {
                    caller,
                    function,
                    calls: 0,
                    instructions: 0,
                });
                self.next.insert((caller, function), path);
                path
            }
        };
        self.paths[path as usize].calls += 1;
        self.frames.push(RunningFrame {
            depth,
            path,
            calling,
        });
    }

    /// The number of a set of sites.
    fn set(&mut self, sites: Arc<[u32]>) -> u32 {
        let next = self.calling.len() as u32;
        let calling = &mut self.calling;
        *self.numbers.entry(sites).or_insert_with_key(|sites| {
            calling.push(sites.clone());
            next
        })
    }

    /// The number of a set with one more site.
    fn set_with(&mut self, set: u32, site: u32) -> u32 {
        if let Some(&known) = self.with.get(&(set, site)) {
            return known;
        }
        let sites = &self.calling[set as usize];
        let with = match sites.binary_search(&site) {
            Ok(_) => set,
            Err(_) if self.calling.len() >= CALLING_MAX => return set,
            Err(at) => {
                let (before, after) = sites.split_at(at);
                self.set([before, &[site], after].concat().into())
            }
        };
        self.with.insert((set, site), with);
        with
    }

    fn step(&mut self, number: u32, depth: usize) {
        while self.frames.pop_if(|frame| frame.depth > depth).is_some() {}
        let site = &mut self.sites[number as usize];
        site.count += 1;
        let op = site.op;
        if let Some(last) = self.last.replace(number) {
            let last = self.sites[last as usize].op;
            *self.pairs.entry((last, op)).or_default() += 1;
        }
        if let Some(frame) = self.frames.last() {
            self.paths[frame.path as usize].instructions += 1;
            *self.steps.entry((frame.calling, number)).or_default() += 1;
        }
    }
}

impl fmt::Display for CountedFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(&name),
            None => write!(f, "<function {}>", self.func),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtrace::Unnamed;

    /// What is deeper than a probe has returned; a tail call takes the place of its caller.
    #[test]
    fn frames_end_where_the_control_stack_is_lower() {
        let counter = Counter::default();
        let module: Arc<dyn Naming> = Arc::new(Unnamed);
        let [a, b] = [0, 1].map(|func| counter.add_function(module.clone(), func));
        assert_eq!(counter.add_function(module, 0), a);
        let [in_a, in_b] = [a, b].map(|function| counter.add_site(function, 7, Op::Nop));
        counter.enter(a, 1);
        counter.step(in_a, 1);
        counter.enter(b, 2);
        counter.step(in_b, 2);
        counter.step(in_a, 1);
        counter.enter(b, 2);
        counter.enter(a, 2);
        counter.step(in_a, 2);
        let rows = counter.read(|counts| {
            let rows = counts.paths().iter();
            let rows = rows.map(|it| (it.caller, it.function, it.calls, it.instructions));
            rows.collect::<Vec<_>>()
        });
        let expected = [(None, a, 1, 2), (Some(0), b, 2, 1), (Some(0), a, 1, 1)];
        assert_eq!(rows, expected);
        let steps = counter.read(|counts| {
            let steps = counts
                .steps()
                .map(|(calling, site, count)| (calling.to_vec(), site, count));
            let mut steps: Vec<_> = steps.collect();
            steps.sort_unstable();
            steps
        });
        let expected = [
            (vec![], in_a, 2),
            (vec![in_a], in_a, 1),
            (vec![in_a], in_b, 1),
        ];
        assert_eq!(steps, expected);
        let pairs = counter.read(|counts| counts.pairs().collect::<Vec<_>>());
        assert_eq!(pairs, [((Op::Nop, Op::Nop), 3)]);
    }

    /// Sets of calling instructions stay small in a recursion of any depth, by any instruction.
    #[test]
    fn recursion_makes_few_sets() {
        let counter = Counter::default();
        let module: Arc<dyn Naming> = Arc::new(Unnamed);
        let function = counter.add_function(module, 0);
        let [left, right, leaf] = [0; 3].map(|_| counter.add_site(function, 7, Op::Nop));
        counter.enter(function, 1);
        for depth in 1..200 {
            counter.step(if depth % 3 == 0 { left } else { right }, depth);
            counter.enter(function, depth + 1);
        }
        counter.step(leaf, 200);
        counter.read(|counts| {
            let of_leaf = counts.steps().find(|&(_, site, _)| site == leaf);
            assert_eq!(of_leaf, Some((&[left, right][..], leaf, 1)));
            assert_eq!(counts.calling.len(), 3);
        });
    }
}
