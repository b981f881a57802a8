//! The account of samples: self and total times by function and line of the source, times by tier,
//! of host functions and of translation.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::Serialize;
use wassay_runtime::interior::sample::{SampledFrame, Samples};
use wassay_runtime::{Frame, Proof};

use super::account::{percent, put_line};
use crate::command::run::lines::ModuleLines;

/// The account. All times are in nanoseconds.
#[derive(Debug, Serialize)]
pub(super) struct Times {
    /// The time between two samples; 0 if each poll is one.
    interval: u64,
    samples: u64,
    /// The time in code.
    code: u64,
    /// The time in host functions.
    host: u64,
    /// The time of translation for which the program has waited.
    translation: u64,
    tiers: Vec<TierTime>,
    functions: Vec<PlaceTime>,
    lines: Vec<PlaceTime>,
    hosts: Vec<HostTime>,
    translations: Vec<TranslationTime>,
    /// Functions that were left out of samples since the stack was too deep.
    omitted: u64,
}

/// The time of a tier.
#[derive(Debug, Serialize)]
struct TierTime {
    tier: &'static str,
    time: u64,
    samples: u64,
    /// Entries into its code from outside of it.
    entered: u64,
    /// The functions that were translated for it, and the time of that.
    translated: u64,
    translation: u64,
}

/// The times of a function or of a line.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct PlaceTime {
    pub(super) name: String,
    /// The time in the place itself.
    pub(super) own: u64,
    pub(super) own_samples: u64,
    /// The time in the place and in all that it has called.
    pub(super) total: u64,
    pub(super) total_samples: u64,
    /// The part of `own` in each tier.
    tiers: BTreeMap<&'static str, u64>,
}

/// The time of a host function.
#[derive(Debug, Serialize)]
struct HostTime {
    name: &'static str,
    calls: u64,
    time: u64,
}

/// The time of the translations of a function for a tier.
#[derive(Debug, Serialize)]
struct TranslationTime {
    name: String,
    index: u32,
    tier: &'static str,
    time: u64,
    /// True if the program has waited for all of it.
    is_waited_for: bool,
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Times {
    /// The account of some samples.
    pub(super) fn of(samples: &Samples, interval: Duration, proof: Option<&Proof>) -> Times {
        let functions = functions(samples.frames());
        let lines = lines(samples.frames());
        let hosts = samples.hosts().map(|(name, host)| HostTime {
            name,
            calls: host.calls,
            time: nanos(host.time),
        });
        let mut hosts: Vec<HostTime> = hosts.collect();
        hosts.sort_by_key(|it| (std::cmp::Reverse(it.time), it.name));
        let translations = translations(samples);
        let waited = samples.translations().iter().filter(|it| it.is_waited_for);
        Times {
            interval: nanos(interval),
            samples: samples.stacks().iter().map(|it| it.samples).sum(),
            code: samples.stacks().iter().map(|it| nanos(it.time)).sum(),
            host: hosts.iter().map(|it| it.time).sum(),
            translation: waited.map(|it| nanos(it.time)).sum(),
            tiers: tiers(samples, &translations, proof),
            functions: places(samples, &functions),
            lines: places(samples, &lines),
            hosts,
            translations,
            omitted: samples.omitted(),
        }
    }

    /// The account as text, with so many rows of each table.
    pub(super) fn text(&self, top: usize) -> String {
        let mut out = String::new();
        let mut put = |line: std::fmt::Arguments<'_>| put_line(&mut out, line);
        put(format_args!(
            "{} in code ({} samples), {} in host functions, {} waiting for translation",
            millis(self.code),
            self.samples,
            millis(self.host),
            millis(self.translation)
        ));
        put(format_args!(
            "\n{:>12}        {:>10} {:>10}  tier",
            "time", "entered", "translated"
        ));
        for row in &self.tiers {
            put(format_args!(
                "{:>12} {:>5.1}% {:>10} {:>10}  {} (translation: {})",
                millis(row.time),
                percent(row.time, self.code),
                row.entered,
                row.translated,
                row.tier,
                millis(row.translation)
            ));
        }
        for (title, rows) in [("function", &self.functions), ("line", &self.lines)] {
            if rows.is_empty() {
                continue;
            }
            put(format_args!(
                "\n{:>12}        {:>12}         {title}",
                "self", "total"
            ));
            for row in rows.iter().take(top) {
                put(format_args!(
                    "{:>12} {:>5.1}% {:>12} {:>5.1}%  {}",
                    millis(row.own),
                    percent(row.own, self.code),
                    millis(row.total),
                    percent(row.total, self.code),
                    row.name
                ));
            }
        }
        if !self.hosts.is_empty() {
            put(format_args!(
                "\n{:>12}        {:>12}  host function",
                "time", "calls"
            ));
        }
        for row in self.hosts.iter().take(top) {
            let (time, part) = (millis(row.time), percent(row.time, self.host));
            put(format_args!(
                "{time:>12} {part:>5.1}% {:>12}  {}",
                row.calls, row.name
            ));
        }
        let all: u64 = self.translations.iter().map(|it| it.time).sum();
        put(format_args!("\n{:>12}         translation", "time"));
        for row in self.translations.iter().take(top) {
            let (time, part) = (millis(row.time), percent(row.time, all));
            put(format_args!(
                "{time:>12} {part:>5.1}%  {} ({})",
                row.name, row.tier
            ));
        }
        out
    }
}

/// A time in milliseconds.
pub(super) fn millis(nanos: u64) -> String {
    format!("{:.3} ms", nanos as f64 / 1e6)
}

/// The name of a function without the place in it.
pub(super) fn function_name(frame: &Frame) -> String {
    let name = frame.func_name();
    name.unwrap_or_else(|| format!("<function {}>", frame.func_index()))
}

/// The times of functions by their names: those of one name are one.
pub(super) fn by_name(samples: &Samples) -> Vec<PlaceTime> {
    let named = samples.frames().iter().map(|it| {
        let name = function_name(&it.frame);
        let number = (0, 0);
        Some(Named { name, number })
    });
    places(samples, &named.collect::<Vec<_>>())
}

/// The name of the function of each frame, with a number that functions of one name do not share.
fn functions(frames: &[SampledFrame]) -> Vec<Option<Named>> {
    let mut modules: Vec<&Frame> = Vec::new();
    let named = frames.iter().map(|SampledFrame { frame, .. }| {
        let known = modules.iter().position(|of| of.is_of_same_module(frame));
        let module = known.unwrap_or_else(|| {
            modules.push(frame);
            modules.len() - 1
        });
        let name = function_name(frame);
        Some(Named {
            name,
            number: (module, frame.func_index()),
        })
    });
    named.collect()
}

/// The line of the source of each frame.
fn lines(frames: &[SampledFrame]) -> Vec<Option<Named>> {
    let mut modules = ModuleLines::default();
    let named = frames.iter().map(|SampledFrame { frame, .. }| {
        let name = modules.of(frame)?.line(frame.module_offset()?)?;
        Some(Named {
            name,
            number: (0, 0),
        })
    });
    named.collect()
}

/// A place with its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Named {
    name: String,
    number: (usize, u32),
}

/// The times of places; `of` has the place of each frame.
fn places(samples: &Samples, of: &[Option<Named>]) -> Vec<PlaceTime> {
    let mut numbers: HashMap<&Named, usize> = HashMap::new();
    let mut rows: Vec<PlaceTime> = Vec::new();
    let place_of: Vec<Option<usize>> = of
        .iter()
        .map(|named| {
            let named = named.as_ref()?;
            Some(*numbers.entry(named).or_insert_with(|| {
                let name = named.name.clone();
                rows.push(PlaceTime {
                    name,
                    ..PlaceTime::default()
                });
                rows.len() - 1
            }))
        })
        .collect();
    let stacks = samples.stacks();
    let mut seen = vec![u32::MAX; rows.len()];
    for (number, stack) in stacks.iter().enumerate().filter(|(_, it)| it.samples > 0) {
        let time = nanos(stack.time);
        if let Some(place) = place_of[stack.frame as usize] {
            rows[place].own += time;
            rows[place].own_samples += stack.samples;
            let tier = samples.frames()[stack.frame as usize].tier;
            *rows[place].tiers.entry(tier).or_default() += time;
        }
        let mut next = Some(*stack);
        while let Some(at) = next {
            // Of a place that is on the stack more than once, one counts.
            if let Some(place) = place_of[at.frame as usize]
                && seen[place] != number as u32
            {
                seen[place] = number as u32;
                rows[place].total += time;
                rows[place].total_samples += stack.samples;
            }
            next = at.caller.map(|caller| stacks[caller as usize]);
        }
    }
    rows.retain(|row| row.total_samples > 0);
    rows.sort_by(|a, b| {
        let key = |row: &PlaceTime| std::cmp::Reverse((row.own, row.total));
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    rows
}

fn tiers(
    samples: &Samples,
    translations: &[TranslationTime],
    proof: Option<&Proof>,
) -> Vec<TierTime> {
    let mut rows: BTreeMap<&str, TierTime> = BTreeMap::new();
    let row = |tier| TierTime {
        tier,
        time: 0,
        samples: 0,
        entered: 0,
        translated: 0,
        translation: 0,
    };
    for stack in samples.stacks() {
        let tier = samples.frames()[stack.frame as usize].tier;
        let row = rows.entry(tier).or_insert_with(|| row(tier));
        row.time += nanos(stack.time);
        row.samples += stack.samples;
    }
    for translation in translations {
        let tier = translation.tier;
        let row = rows.entry(tier).or_insert_with(|| row(tier));
        row.translation += translation.time;
        row.translated += 1;
    }
    let is_mixed = rows.len() > 1;
    let (all, interpreted) = proof.map_or((0, 0), |proof| {
        (proof.entered(), proof.tiered().entered_interpreter())
    });
    for row in rows.values_mut() {
        row.entered = match (is_mixed, row.tier) {
            (false, _) => all,
            (true, "jit") => all - interpreted,
            (true, _) => interpreted,
        };
    }
    rows.into_values().collect()
}

fn translations(samples: &Samples) -> Vec<TranslationTime> {
    let mut rows: BTreeMap<(u32, &str, Option<String>), TranslationTime> = BTreeMap::new();
    for it in samples.translations() {
        let (index, tier) = (it.func, it.tier);
        let row = rows.entry((index, tier, it.name()));
        let row = row.or_insert_with(|| TranslationTime {
            name: it.name().unwrap_or_else(|| format!("<function {index}>")),
            index,
            tier,
            time: 0,
            is_waited_for: true,
        });
        row.time += nanos(it.time);
        row.is_waited_for &= it.is_waited_for;
    }
    let mut rows: Vec<TranslationTime> = rows.into_values().collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.time), row.index));
    rows
}
