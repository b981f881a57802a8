//! The interior of the runtime, for the harness and tests. It is not a part of the public face, and
//! may change at any time. Its functions are safe to call with anything, as the public face is.

use crate::api::{AsContext, Module};
use crate::store::{Global, Instance, Memory, Table, Tag};
use crate::value::Func;

/// Decoding of instructions.
pub mod decode {
    pub use crate::decode::{
        Catch, DecodeError, Decoder, Imm, Instr, MemArg, RawBlockType, RawHeapType, RawRefType,
        RawValType, ResumeClause,
    };
}

/// The canonical IR.
pub mod ir {
    pub use crate::ir::{build, build_with, verify};
}

/// The stages of the JIT as text, and the marks around code whose instructions are counted.
pub mod jit {
    pub use crate::jit::{CAN_RUN, Stages, marks, stages};
}

/// The parts of a module.
pub mod module {
    pub use crate::module::{
        CanonicalExternType, Export, ExternKind, Import, MemoryType, ModuleParts, Names,
        SegmentMode,
    };
    pub use crate::types::CompositeKind;
}

/// The table of opcodes.
pub mod ops {
    pub use crate::ops::{Domain, Imms, Op, Proposal, Shape, SigType, Signature};
}

/// The last words of a process that a signal ends.
pub mod crash {
    pub use crate::crash::{PLACE, tell_of_faults};
}

pub use crate::memory::space::{peak_resident_bytes, use_sparse_scheme};

/// Exact counts of what the stack tier executes.
pub mod count {
    pub use crate::count::{CallPath, CountedFunction, Counter, Counts, Site};
    use crate::engine::Config;
    pub use crate::meter::cost;

    /// Lets the stack tier count what it executes.
    pub fn count(config: &mut Config, counter: &'static Counter) {
        config.counter = Some(counter);
    }
}

/// Samples of what runs, with times, and names of machine code for a system's profiler.
pub mod sample {
    use crate::engine::Config;
    use crate::error::Result;
    pub use crate::interrupt::SampleTimer;
    pub use crate::perf_map::PerfMap;
    pub use crate::sample::{
        HostTime, SampledFrame, SampledStack, Sampler, Samples, Tick, Translation,
    };
    use std::time::Duration;

    /// Lets a sampler take samples of what runs.
    pub fn sample(config: &mut Config, sampler: &'static Sampler) {
        config.sampler = Some(sampler);
        config.interruptible = true;
    }

    /// Lets machine code be named in a file.
    pub fn name_code(config: &mut Config, map: &'static PerfMap) {
        config.perf_map = Some(map);
    }

    /// Begins to ask the stores of a sampler's engine for samples, each time that `period` has
    /// passed, until the timer is dropped. What ran before does not count.
    ///
    /// # Errors
    /// `Internal` if the system gives no thread.
    pub fn begin(sampler: &'static Sampler, period: Duration) -> Result<SampleTimer> {
        sampler.begin();
        SampleTimer::start(sampler, period)
    }
}

/// The parts of a module.
pub fn parts(module: &Module) -> &crate::module::ModuleParts {
    &module.inner
}

/// The number of a handle in its store, in order of creation: the same in every tier.
pub trait Numbered {
    /// The number.
    fn number(self) -> u32;
}

impl Numbered for Func {
    fn number(self) -> u32 {
        self.id
    }
}

macro_rules! numbered {
    ($($name:ident $all:ident $what:literal;)*) => { $(
        impl Numbered for $name {
            fn number(self) -> u32 {
                self.index
            }
        }

        #[doc = concat!("Every ", $what, " of a store, in order of creation.")]
        pub fn $all(store: impl AsContext) -> impl Iterator<Item = $name> {
            let state = store.as_context().state();
            let (store, len) = (state.id, state.$all.len() as u32);
            (0..len).map(move |index| $name { store, index })
        }
    )* };
}

numbered! {
    Memory memories "memory";
    Table tables "table";
    Global globals "global";
    Tag tags "tag";
}

/// The first index under which an instance has a function, if it has it.
///
/// # Panics
/// If the instance is of another store.
pub fn func_index(store: impl AsContext, instance: Instance, func: Func) -> Option<u32> {
    store.as_context().state().func_index(instance, func)
}

/// The number of results so far for which the specification allows several: noted by the stack tier
/// in the native profile, and in no other.
pub fn choices(store: impl AsContext) -> u64 {
    store.as_context().state().cx.choices
}

/// Describes the value of a global. Objects are not told apart.
///
/// # Panics
/// If the global is of another store.
pub fn describe_global(store: impl AsContext, global: Global, sink: &mut dyn FnMut(u64)) {
    store.as_context().state().describe_global(global, sink);
}

/// Describes the length and every element of a table. Objects are not told apart.
///
/// # Panics
/// If the table is of another store.
pub fn describe_table(store: impl AsContext, table: Table, sink: &mut dyn FnMut(u64)) {
    store.as_context().state().describe_table(table, sink);
}

/// Describes all objects that globals and tables reach: the references of globals and elements to
/// them, then the type and the contents of each. Without objects the description is empty.
pub fn describe_objects(store: impl AsContext, sink: &mut dyn FnMut(u64)) {
    store.as_context().state().describe_objects(sink);
}
