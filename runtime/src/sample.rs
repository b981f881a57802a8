//! Samples of what runs, with times, in any tier: for profiles.
//!
//! A configuration with a sampler is interruptible. From time to time a thread asks for a sample by
//! a flag of the store's word of interruption (`interrupt.rs`); the next place at which code polls
//! (a function's entry, a loop's head) gives the functions that run to the sampler, and goes on.
//! The time since the sample before counts for that place, without the time in host functions and
//! in translation, which is kept apart. Code of an engine without a sampler has nothing of this.
//!
//! Owns the samples and their sums by path of calls; `store/sample.rs` finds the functions.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use crate::backtrace::{Frame, Naming};

/// The most functions of a sample: of deeper stacks the outermost are left out, and counted.
const DEPTH_MAX: usize = 4096;
/// The most samples that are kept one by one. Sums have all of them.
const TICKS_MAX: usize = 1 << 20;

/// The flag of a store's word of interruption that asks for a sample.
pub(crate) const DUE: u32 = 4;

/// Takes samples. It lives as long as the process, as does code that is sampled.
#[derive(Debug)]
pub struct Sampler {
    /// True if every poll is a sample: then the number of samples is the same in every tier.
    is_always: bool,
    /// The words that the engine's stores poll.
    stores: Mutex<Vec<Weak<AtomicU32>>>,
    samples: Mutex<Samples>,
}

/// The samples so far.
#[derive(Debug)]
pub struct Samples {
    begin: Instant,
    /// The thread whose times are sampled.
    thread: ThreadId,
    /// The time of the sample before, from the beginning on.
    last: Duration,
    /// The part of the time since then that is not of code.
    apart: Duration,
    frames: Vec<SampledFrame>,
    /// The frames by address of code; none at an address that is of no function.
    known: HashMap<usize, Option<u32>>,
    stacks: Vec<SampledStack>,
    next: HashMap<(Option<u32>, u32), u32>,
    ticks: Vec<Tick>,
    omitted: u64,
    translations: Vec<Translation>,
    hosts: BTreeMap<&'static str, HostTime>,
}

/// A place in a function that was running.
#[derive(Clone, Debug)]
pub struct SampledFrame {
    /// The function, and the byte of the instruction.
    pub frame: Frame,
    /// The name of the tier.
    pub tier: &'static str,
}

/// A place as it was reached by a path of calls.
#[derive(Clone, Copy, Debug)]
pub struct SampledStack {
    /// The path of the caller; `None` if the host has called.
    pub caller: Option<u32>,
    /// The number of the place among the frames.
    pub frame: u32,
    /// The samples in the function itself.
    pub samples: u64,
    /// The time in the function itself.
    pub time: Duration,
}

/// A sample.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// The time from the beginning on.
    pub at: Duration,
    /// The path to the function that was running.
    pub stack: u32,
    /// The time that counts for it.
    pub time: Duration,
}

/// The translation of a function for a tier: to cells of an interpreter, or to machine code.
#[derive(Clone, Debug)]
pub struct Translation {
    module: Arc<dyn Naming>,
    /// The index of the function in its module.
    pub func: u32,
    /// The name of the tier.
    pub tier: &'static str,
    /// The time.
    pub time: Duration,
    /// True if the program waited for it.
    pub is_waited_for: bool,
}

impl Translation {
    /// The function's name: that of the name section, or else that of an export.
    pub fn name(&self) -> Option<String> {
        self.module.func_name(self.func)
    }
}

/// The calls of a host function.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostTime {
    /// The number.
    pub calls: u64,
    /// The time.
    pub time: Duration,
}

impl Sampler {
    /// A new sampler; with `is_always`, one that takes a sample at each poll.
    pub fn leak(is_always: bool) -> &'static Sampler {
        Box::leak(Box::new(Sampler {
            is_always,
            stores: Mutex::default(),
            samples: Mutex::new(Samples::new()),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Samples> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if every poll is a sample.
    pub(crate) fn is_always(&self) -> bool {
        self.is_always
    }

    /// Makes the word of a store known.
    pub(crate) fn add_store(&self, flags: &Arc<AtomicU32>) {
        if self.is_always {
            flags.fetch_or(DUE, Ordering::Relaxed);
        }
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.retain(|store| store.strong_count() > 0);
        stores.push(Arc::downgrade(flags));
    }

    /// Asks all stores for a sample.
    pub(crate) fn ask(&self) {
        let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        for flags in stores.iter().filter_map(Weak::upgrade) {
            flags.fetch_or(DUE, Ordering::Relaxed);
        }
    }

    /// Forgets the addresses of code, which others may get once a module has gone.
    pub fn forget_addresses(&self) {
        self.lock().known.clear();
    }

    /// Begins: what comes is of this thread, and the time before does not count.
    pub fn begin(&self) {
        let mut samples = self.lock();
        samples.thread = std::thread::current().id();
        samples.last = samples.begin.elapsed();
        samples.apart = Duration::ZERO;
    }

    /// Looks at the samples.
    pub fn read<R>(&self, look: impl FnOnce(&Samples) -> R) -> R {
        look(&self.lock())
    }

    /// Calls a host function, whose time is not of code.
    pub fn host<R>(&self, name: &'static str, call: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        let result = call();
        let time = begin.elapsed();
        let mut samples = self.lock();
        samples.apart += time;
        let host = samples.hosts.entry(name).or_default();
        host.calls += 1;
        host.time += time;
        result
    }

    /// Translates a function, which takes time that is not of code.
    pub(crate) fn translation<R>(
        &self,
        tier: &'static str,
        (module, func): (Arc<dyn Naming>, u32),
        translate: impl FnOnce() -> R,
    ) -> R {
        let begin = Instant::now();
        let result = translate();
        let time = begin.elapsed();
        let mut samples = self.lock();
        let is_waited_for = samples.thread == std::thread::current().id();
        if is_waited_for {
            samples.apart += time;
        }
        samples.translations.push(Translation {
            module,
            func,
            tier,
            time,
            is_waited_for,
        });
        result
    }

    /// Takes a sample: `walk` gives the places that run, the innermost first.
    pub(crate) fn take(&self, walk: impl FnOnce(&mut Stack<'_>)) {
        let mut samples = self.lock();
        let at = samples.begin.elapsed();
        let mut stack = Stack {
            samples: &mut samples,
            frames: Vec::new(),
        };
        walk(&mut stack);
        let frames = stack.frames;
        samples.add(at, &frames);
        // The sample itself is not of code.
        samples.last = samples.begin.elapsed();
        samples.apart = Duration::ZERO;
    }
}

/// Does the work of a translation, and keeps its time if there is a sampler.
pub(crate) fn timed<R>(
    sampler: Option<&'static Sampler>,
    tier: &'static str,
    func: impl FnOnce() -> (Arc<dyn Naming>, u32),
    translate: impl FnOnce() -> R,
) -> R {
    match sampler {
        Some(sampler) => sampler.translation(tier, func(), translate),
        None => translate(),
    }
}

/// The places of a sample that is being taken.
#[derive(Debug)]
pub struct Stack<'a> {
    samples: &'a mut Samples,
    frames: Vec<u32>,
}

impl Stack<'_> {
    /// Adds the next place outwards, if code of a function is there; `find` looks for it where the
    /// address is new.
    pub(crate) fn push(
        &mut self,
        address: usize,
        tier: &'static str,
        find: impl FnOnce() -> Option<Frame>,
    ) {
        let samples = &mut *self.samples;
        let frame = *samples.known.entry(address).or_insert_with(|| {
            let frame = find()?;
            samples.frames.push(SampledFrame { frame, tier });
            Some(samples.frames.len() as u32 - 1)
        });
        match frame {
            Some(_) if self.frames.len() == DEPTH_MAX => samples.omitted += 1,
            frame => self.frames.extend(frame),
        }
    }
}

impl Samples {
    fn new() -> Samples {
        Samples {
            begin: Instant::now(),
            thread: std::thread::current().id(),
            last: Duration::ZERO,
            apart: Duration::ZERO,
            frames: Vec::new(),
            known: HashMap::new(),
            stacks: Vec::new(),
            next: HashMap::new(),
            ticks: Vec::new(),
            omitted: 0,
            translations: Vec::new(),
            hosts: BTreeMap::new(),
        }
    }

    /// The places, by number.
    pub fn frames(&self) -> &[SampledFrame] {
        &self.frames
    }

    /// The paths of calls, by number; callers come before those that they call.
    pub fn stacks(&self) -> &[SampledStack] {
        &self.stacks
    }

    /// The samples, in order of time; of very many only the first.
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// The number of functions that were left out of samples for their depth.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// The translations of functions, in order of time.
    pub fn translations(&self) -> &[Translation] {
        &self.translations
    }

    /// The calls of host functions, by name.
    pub fn hosts(&self) -> impl Iterator<Item = (&'static str, HostTime)> {
        self.hosts.iter().map(|(&name, &time)| (name, time))
    }

    /// Adds a sample of some places, the innermost first.
    fn add(&mut self, at: Duration, frames: &[u32]) {
        let time = at.saturating_sub(self.last).saturating_sub(self.apart);
        let mut path = None;
        for &frame in frames.iter().rev() {
            let stacks = &mut self.stacks;
            path = Some(*self.next.entry((path, frame)).or_insert_with(|| {
                stacks.push(SampledStack {
                    caller: path,
                    frame,
                    samples: 0,
                    time: Duration::ZERO,
                });
                stacks.len() as u32 - 1
            }));
        }
        let Some(stack) = path else { return };
        let sums = &mut self.stacks[stack as usize];
        sums.samples += 1;
        sums.time += time;
        if self.ticks.len() < TICKS_MAX {
            self.ticks.push(Tick { at, stack, time });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtrace::Unnamed;

    /// Paths are told apart; an address is looked up once; what is of no function is left out.
    #[test]
    fn samples_add_up_by_path() {
        let sampler = Sampler::leak(false);
        let module: Arc<dyn Naming> = Arc::new(Unnamed);
        let mut looked = 0;
        let mut sample = |addresses: &[usize]| {
            sampler.take(|stack| {
                for &address in addresses {
                    stack.push(address, "stack", || {
                        looked += 1;
                        (address > 0).then(|| Frame {
                            module: module.clone(),
                            func: address as u32,
                            offset_bytes: None,
                        })
                    });
                }
            });
        };
        sample(&[7, 0, 5]);
        sample(&[7, 0, 5]);
        sample(&[5]);
        sample(&[0]);
        assert_eq!(looked, 3);
        let rows = sampler.read(|samples| {
            let func = |frame: u32| samples.frames()[frame as usize].frame.func_index();
            let stacks = samples.stacks().iter();
            let rows = stacks.map(|it| (it.caller, func(it.frame), it.samples));
            rows.collect::<Vec<_>>()
        });
        assert_eq!(rows, [(None, 5, 1), (Some(0), 7, 2)]);
        assert_eq!(sampler.read(|samples| samples.ticks().len()), 3);
    }

    /// Time in host functions and in translation is not of the code that polls next.
    #[test]
    fn time_apart_is_not_of_code() {
        let sampler = Sampler::leak(false);
        let module: Arc<dyn Naming> = Arc::new(Unnamed);
        let pause = || std::thread::sleep(Duration::from_millis(20));
        sampler.begin();
        sampler.host("sleep", pause);
        sampler.translation("jit", (module.clone(), 3), pause);
        sampler.take(|stack| {
            stack.push(1, "jit", || {
                Some(Frame {
                    module: module.clone(),
                    func: 3,
                    offset_bytes: None,
                })
            });
        });
        sampler.read(|samples| {
            let [tick] = *samples.ticks() else {
                panic!("one sample")
            };
            let (_, host) = samples.hosts().next().expect("it was called");
            let translation = &samples.translations()[0];
            let apart = host.time + translation.time;
            assert!(apart >= Duration::from_millis(40));
            assert_eq!((host.calls, translation.is_waited_for), (1, true));
            assert!(tick.time + apart <= tick.at, "{samples:?}");
        });
    }
}
