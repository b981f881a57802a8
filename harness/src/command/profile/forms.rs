//! Profiles for other programs: folded stacks, and the format of Firefox's profiler. Both are of
//! times where there are samples, else of counts.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use fxprof_processed_profile::{
    CategoryColor, CategoryHandle, CpuDelta, Frame, FrameFlags, FrameInfo, Profile,
    ReferenceTimestamp, SamplingInterval, StackHandle, ThreadHandle, Timestamp,
};
use wassay_runtime::interior::count::Counts;
use wassay_runtime::interior::sample::Samples;

use super::times::function_name;

/// Functions by path of calls, with what counts for each path.
pub(super) struct Paths {
    /// The caller's path, the function's name, and the count of the path itself; callers first.
    rows: Vec<(Option<u32>, String, u64)>,
}

impl Paths {
    /// Instructions by path.
    pub(super) fn of_counts(counts: &Counts) -> Paths {
        let name = |function: u32| counts.functions()[function as usize].to_string();
        let paths = counts.paths().iter();
        let rows = paths.map(|it| (it.caller, name(it.function), it.instructions));
        Paths {
            rows: rows.collect(),
        }
    }

    /// Microseconds by path; samples, if each poll is one.
    pub(super) fn of_samples(samples: &Samples, interval: Duration) -> Paths {
        let frames = samples.frames();
        let rows = samples.stacks().iter().map(|it| {
            let count = match interval.is_zero() {
                true => it.samples,
                false => u64::try_from(it.time.as_micros()).unwrap_or(u64::MAX),
            };
            let name = function_name(&frames[it.frame as usize].frame);
            (it.caller, name, count)
        });
        Paths {
            rows: rows.collect(),
        }
    }

    /// A line for each path: the functions, the outermost first, and the count.
    pub(super) fn folded(&self, to: &mut dyn Write) -> std::io::Result<()> {
        let mut lines: BTreeMap<Vec<String>, (usize, u64)> = BTreeMap::new();
        for (number, (caller, name, count)) in self.rows.iter().enumerate() {
            if *count == 0 {
                continue;
            }
            let mut names = vec![name];
            let mut next = *caller;
            while let Some(path) = next {
                let (caller, name, _) = &self.rows[path as usize];
                names.push(name);
                next = *caller;
            }
            // These separate names, and the names from the number.
            let names = names.iter().rev().map(|name| name.replace([';', ' '], "_"));
            let line = lines.entry(names.collect()).or_insert((number, 0));
            line.1 += count;
        }
        let mut lines: Vec<(Vec<String>, (usize, u64))> = lines.into_iter().collect();
        lines.sort_by_key(|&(_, (number, _))| number);
        for (names, (_, count)) in lines {
            writeln!(to, "{} {count}", names.join(";"))?;
        }
        Ok(())
    }
}

/// A profile for Firefox's profiler with its one thread.
fn begin(name: &str, interval: SamplingInterval) -> (Profile, ThreadHandle) {
    let begin = Timestamp::from_millis_since_reference(0.0);
    let epoch = ReferenceTimestamp::from_millis_since_unix_epoch(0.0);
    let mut profile = Profile::new(name, epoch, interval);
    let process = profile.add_process(name, 1, begin);
    let thread = profile.add_thread(process, 1, begin, true);
    (profile, thread)
}

fn stack(
    (profile, thread): (&mut Profile, ThreadHandle),
    caller: Option<StackHandle>,
    label: &str,
    category: CategoryHandle,
) -> StackHandle {
    let label = profile.intern_string(label);
    let info = FrameInfo {
        frame: Frame::Label(label),
        category_pair: category.into(),
        flags: FrameFlags::empty(),
    };
    let frame = profile.intern_frame(thread, info);
    profile.intern_stack(thread, caller, frame)
}

/// Counts for Firefox's profiler: a sample for each path, weighed by its instructions; of so many
/// that a weight does not hold them, by thousands, millions, ...
pub(super) fn counts(counts: &Counts, name: &str) -> Profile {
    let (mut profile, thread) = begin(name, SamplingInterval::from_millis(1));
    let paths = Paths::of_counts(counts);
    let total: u64 = paths.rows.iter().map(|&(_, _, count)| count).sum();
    let mut unit = 1;
    while total / unit > i32::MAX as u64 {
        unit *= 1000;
    }
    let unit_name = match unit {
        1 => "instructions".to_string(),
        unit => format!("{unit} instructions"),
    };
    profile.set_thread_name(thread, &format!("{name} (a sample is {unit_name})"));
    let mut stacks: Vec<StackHandle> = Vec::new();
    for (number, (caller, label, count)) in paths.rows.iter().enumerate() {
        let caller = caller.map(|caller| stacks[caller as usize]);
        let place = (&mut profile, thread);
        let stack = stack(place, caller, label, CategoryHandle::OTHER);
        stacks.push(stack);
        let weight = i32::try_from(count / unit).unwrap_or(i32::MAX);
        if weight > 0 {
            let at = Timestamp::from_millis_since_reference(number as f64);
            profile.add_sample(thread, at, Some(stack), CpuDelta::ZERO, weight);
        }
    }
    profile
}

/// Samples for Firefox's profiler, at their times; tiers are categories.
pub(super) fn times(samples: &Samples, interval: Duration, name: &str) -> Profile {
    let every = interval.max(Duration::from_micros(1));
    let (mut profile, thread) = begin(name, every.into());
    profile.set_thread_name(thread, name);
    let mut categories: BTreeMap<&str, CategoryHandle> = BTreeMap::new();
    for (tier, color) in [
        ("stack", CategoryColor::Yellow),
        ("register", CategoryColor::Orange),
        ("jit", CategoryColor::Green),
    ] {
        categories.insert(tier, profile.add_category(tier, color));
    }
    let mut stacks: Vec<StackHandle> = Vec::new();
    for it in samples.stacks() {
        let frame = &samples.frames()[it.frame as usize];
        let caller = it.caller.map(|caller| stacks[caller as usize]);
        let label = function_name(&frame.frame);
        let category = categories.get(frame.tier).copied();
        let category = category.unwrap_or(CategoryHandle::OTHER);
        stacks.push(stack((&mut profile, thread), caller, &label, category));
    }
    for tick in samples.ticks() {
        let at = Timestamp::from_nanos_since_reference(tick.at.as_nanos() as u64);
        let cpu = CpuDelta::from_nanos(tick.time.as_nanos() as u64);
        profile.add_sample(thread, at, Some(stacks[tick.stack as usize]), cpu, 1);
    }
    profile
}
