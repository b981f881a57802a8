//! A script made small, while it shows the same difference.
//!
//! Owns the order of the steps: directives that come after the difference, then those before it,
//! then of each module the functions that do not run; of a large script, all that runs before the
//! function is entered in which the difference is; the code that does not run before the
//! difference, data, then instructions, then what nothing uses any more, then what the function
//! that is called takes, gives and calls. Kept processes tell most of those that show nothing; one
//! that is taken has run in fresh ones, in the two engines that differ, and its first difference is
//! of the same kind, so that the result never drifts to another fault.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::engine::EngineName;
use crate::judge::symptom::{Symptom, SymptomKind};
use crate::measure::{Examined, Options, examine, job_config};
use crate::plan::Planned;
use crate::pool::{Engines, Interrupted, Observer};
use crate::script::write::encoded;
use crate::script::{Command, Directive, ModuleSource, Script};
use kept::{Kept, Opinion};

mod body;
mod called;
mod entered;
mod forms;
mod function;
mod kept;
mod module;
mod reached;

/// A script that was made small.
#[derive(Clone, Debug)]
pub struct Reduced {
    /// The script.
    pub planned: Planned,
    /// What it shows.
    pub symptom: Symptom,
    /// What the engines reported.
    pub examined: Examined,
    /// The engines that it was run in.
    pub engines: Vec<EngineName>,
    /// Candidates that were run.
    pub tried: u64,
    /// True if there was no time to try everything.
    pub out_of_time: bool,
}

impl Reduced {
    /// The instructions that are left, but for those that every function has.
    pub fn instructions(&self) -> BTreeSet<String> {
        let commands = self.planned.script.commands.iter();
        let modules = commands.filter_map(module_of);
        modules.flat_map(|module| body::mnemonics(module)).collect()
    }
}

/// Makes a script small. `None` if it shows no difference in fresh processes.
///
/// # Errors
/// When it is interrupted.
pub fn reduce(
    options: &Options,
    planned: &Planned,
    time: Duration,
    observer: &dyn Observer,
) -> Result<Option<Reduced>, Interrupted> {
    let deadline = Instant::now() + time;
    let whole = examine(options, planned, observer)?;
    let Some(found) = whole.first_symptom() else {
        return Ok(None);
    };
    let patient = Options {
        tiers: pair(&options.tiers, &found),
        is_lazy: size(&planned.script) >= LAZY_BYTES_MIN,
        ..options.clone()
    };
    let options = Options {
        timeout: match found.kind {
            SymptomKind::Timeout => hang_timeout(options.timeout, &whole, &found),
            _ => options.timeout,
        },
        seeks_places: false,
        ..patient.clone()
    };
    let started = Instant::now();
    let Some((cut, examined, symptom)) = shown(&options, planned, &found, observer)? else {
        return Ok(None);
    };
    // A candidate that hangs shows nothing, unless a hang is what is looked for.
    let timeout = match symptom.kind.is_death() {
        true => options.timeout,
        false => options
            .timeout
            .min(TIMEOUT_MIN + CANDIDATE_SLOWER_MAX * started.elapsed()),
    };
    let launchers = options.launchers();
    let mut reducer = Reducer {
        options: &options,
        launchers: &launchers,
        kept: Kept::new(&launchers, timeout),
        observer,
        deadline,
        planned: cut,
        symptom,
        examined,
        tried: 0,
        out_of_time: false,
    };
    reducer.all()?;
    let is_hang = reducer.symptom.kind == SymptomKind::Timeout;
    if is_hang && !reducer.hangs_still(&patient)? {
        (reducer.planned, reducer.symptom, reducer.examined) = (planned.clone(), found, whole);
    }
    Ok(Some(Reduced {
        planned: reducer.planned,
        symptom: reducer.symptom,
        examined: reducer.examined,
        engines: patient.tiers,
        tried: reducer.tried,
        out_of_time: reducer.out_of_time,
    }))
}

/// The time after which a candidate hangs, of a script that hangs in one engine and ends in others:
/// by the slowest of these, since each candidate that is taken costs all of the time. What is left
/// at the end must hang for the whole time.
fn hang_timeout(most: Duration, whole: &Examined, found: &Symptom) -> Duration {
    let ending = whole
        .runs
        .iter()
        .filter(|(name, _)| !found.odd.contains(name));
    let slowest = ending.map(|(_, run)| run.micros).max().unwrap_or_default();
    most.min(HANG_MIN + CANDIDATE_SLOWER_MAX * Duration::from_micros(slowest))
}

/// The directives up to the difference, or the whole script, as two engines run them: what comes
/// after the difference costs its time once. `None` if they show no difference.
fn shown(
    options: &Options,
    planned: &Planned,
    found: &Symptom,
    observer: &dyn Observer,
) -> Result<Option<(Planned, Examined, Symptom)>, Interrupted> {
    let kept: Vec<usize> = (0..=found.ordinal).collect();
    let cut = planned.with(chosen(&planned.script, &kept));
    let examined = examine(options, &cut, observer)?;
    if let Some(symptom) = examined.first_symptom()
        && symptom.kind == found.kind
    {
        return Ok(Some((cut, examined, symptom)));
    }
    let examined = examine(options, planned, observer)?;
    let symptom = examined.first_symptom();
    Ok(symptom.map(|symptom| (planned.clone(), examined, symptom)))
}

/// An engine of the majority and one that is alone.
fn pair(engines: &[EngineName], symptom: &Symptom) -> Vec<EngineName> {
    let common = engines.iter().find(|name| !symptom.odd.contains(name));
    let odd = symptom.odd.iter().next();
    common.into_iter().chain(odd).copied().collect()
}

/// The time that a candidate has: so many times that of the whole script, and this besides.
const CANDIDATE_SLOWER_MAX: u32 = 4;
const TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// The same where a hang is what is looked for.
const HANG_MIN: Duration = Duration::from_millis(500);
/// Modules with as many bytes are translated function by function, when these are called.
const LAZY_BYTES_MIN: usize = 1 << 20;
/// Larger modules are not printed.
const PRINTED_BYTES_MAX: usize = 1 << 20;
/// Forms of the text are left out of modules below this size.
const SHRUNK_BYTES_MAX: usize = 1 << 16;
/// Candidates in a row that a step may try in vain before it ends, where it has many.
const FAILURES_MAX: usize = 4000;

struct Reducer<'a> {
    options: &'a Options,
    launchers: &'a Engines,
    kept: Kept<'a>,
    observer: &'a dyn Observer,
    deadline: Instant,
    planned: Planned,
    symptom: Symptom,
    examined: Examined,
    tried: u64,
    out_of_time: bool,
}

impl Reducer<'_> {
    fn all(&mut self) -> Result<(), Interrupted> {
        for at in self.modules() {
            self.print(at)?;
        }
        self.drop_directives()?;
        for at in self.modules() {
            self.stub_unreached(at)?;
        }
        self.begin_at_entry()?;
        for at in self.modules() {
            self.stub_unreached(at)?;
            self.cut_unreached(at)?;
            self.drop_data(at)?;
        }
        loop {
            let before = self.size();
            self.drop_directives()?;
            for at in self.modules() {
                self.drop_data(at)?;
                self.stub_functions(at)?;
                self.merge_stubs(at)?;
                self.cut_unreached(at)?;
                self.drop_sections(at)?;
                self.drop_exports(at)?;
                self.shrink_bodies(at)?;
                self.shrink_items(at)?;
                self.shrink_called(at)?;
            }
            if self.size() >= before || self.is_late() {
                return Ok(());
            }
        }
    }

    /// True if the script of now, which hangs for a short time, hangs for the whole time.
    fn hangs_still(&mut self, patient: &Options) -> Result<bool, Interrupted> {
        let examined = examine(patient, &self.planned, self.observer)?;
        let symptom = examined.first_symptom();
        let Some(symptom) = symptom.filter(|symptom| symptom.is_like(&self.symptom)) else {
            return Ok(false);
        };
        (self.symptom, self.examined) = (symptom, examined);
        Ok(true)
    }

    fn is_late(&mut self) -> bool {
        self.out_of_time |= Instant::now() >= self.deadline;
        self.out_of_time
    }

    /// Bytes of modules, and directives.
    fn size(&self) -> usize {
        size(&self.planned.script) + self.planned.script.commands.len()
    }

    /// The ordinals of modules, the largest first.
    fn modules(&self) -> Vec<usize> {
        let commands = &self.planned.script.commands;
        let mut modules: Vec<usize> = (0..commands.len())
            .filter(|&at| module_of(&commands[at]).is_some())
            .collect();
        let size = |at: &usize| module_of(&commands[*at]).map_or(0, Vec::len);
        modules.sort_by_key(|at| std::cmp::Reverse(size(at)));
        modules
    }

    fn module(&self, at: usize) -> Option<&Vec<u8>> {
        module_of(self.planned.script.commands.get(at)?)
    }

    /// Runs a candidate, and takes it if it shows the same.
    fn accepts(&mut self, script: Script) -> Result<bool, Interrupted> {
        if self.is_late() {
            return Ok(false);
        }
        self.tried += 1;
        let candidate = self.planned.with(script);
        // Most candidates show nothing, which processes that are there can tell.
        let config = job_config(self.options, &candidate);
        let is_rejected = match self.kept.run(&candidate, config)? {
            Opinion::Seen(seen) => {
                let symptom = seen.first_symptom();
                symptom.is_none_or(|symptom| !symptom.is_like(&self.symptom))
            }
            // The symptom is another one then, unless it is a death.
            Opinion::Died => !self.symptom.kind.is_death(),
            Opinion::None => false,
        };
        if is_rejected {
            return Ok(false);
        }
        let examined = examine(self.options, &candidate, self.observer)?;
        match examined.first_symptom() {
            Some(symptom) if symptom.is_like(&self.symptom) => {
                self.planned = candidate;
                self.symptom = symptom;
                self.examined = examined;
                Ok(true)
            }
            Some(_) | None => Ok(false),
        }
    }

    fn accepts_module(&mut self, at: usize, module: Vec<u8>) -> Result<bool, Interrupted> {
        if !self.is_valid(&module) {
            return Ok(false);
        }
        let mut script = (*self.planned.script).clone();
        if let Some(place) = module_of_mut(&mut script.commands[at]) {
            *place = module;
        }
        self.accepts(script)
    }

    fn is_valid(&self, module: &[u8]) -> bool {
        module::is_valid(module, self.planned.features.set.wasmparser())
    }

    /// Replaces a module by what the text parser makes of its text, so that it can be shown.
    fn print(&mut self, at: usize) -> Result<(), Interrupted> {
        let module = self
            .module(at)
            .filter(|module| module.len() < PRINTED_BYTES_MAX);
        let text = module.and_then(|module| wasmprinter::print_bytes(module).ok());
        if let Some(module) = text.and_then(|text| encoded(&text)) {
            self.accepts_module(at, module)?;
        }
        Ok(())
    }

    /// Leaves out directives before the difference, many at a time, then fewer.
    fn drop_directives(&mut self) -> Result<(), Interrupted> {
        let mut part = self.planned.script.commands.len() / 2;
        while part > 0 {
            let mut start = 0;
            while start < self.planned.script.commands.len() {
                let length = self.planned.script.commands.len();
                let left_out = start..(start + part).min(length);
                let kept = (0..length).filter(|at| !left_out.contains(at));
                let kept: Vec<usize> = kept.collect();
                if kept.is_empty() || !self.accepts(chosen(&self.planned.script, &kept))? {
                    start += part;
                }
                if self.is_late() {
                    return Ok(());
                }
            }
            part /= 2;
        }
        Ok(())
    }

    /// Empties the functions that do not run in the engine that is not alone.
    fn stub_unreached(&mut self, at: usize) -> Result<(), Interrupted> {
        let Some(reached) = self.reached(at)? else {
            return Ok(());
        };
        let Some(mut parts) = self.parts(at) else {
            return Ok(());
        };
        for (index, body) in parts.bodies.iter_mut().enumerate() {
            let word = reached.get(index / 64).copied().unwrap_or(0);
            if word >> (index % 64) & 1 == 0 {
                *body = module::TRAP.to_vec();
            }
        }
        self.accepts_module(at, parts.module())?;
        Ok(())
    }

    /// Which functions of a module run, as bits; `None` if it cannot be found out.
    fn reached(&mut self, at: usize) -> Result<Option<Vec<u64>>, Interrupted> {
        let features = self.planned.features.set.wasmparser();
        let Some(watched) = reached::watch(&self.planned.script, at, features) else {
            return Ok(None);
        };
        let options = Options {
            tiers: self.options.tiers.iter().take(1).copied().collect(),
            ..self.options.clone()
        };
        let candidate = self.planned.with(watched.script.clone());
        let examined = examine(&options, &candidate, self.observer)?;
        let run = examined.runs.into_values().next();
        Ok(run.and_then(|run| watched.read(&run.reports)))
    }

    /// Puts traps in place of the stretches of code that do not run before the difference.
    fn cut_unreached(&mut self, at: usize) -> Result<(), Interrupted> {
        let features = self.planned.features.set.wasmparser();
        let script = self.planned.script.clone();
        let Some(cut) = reached::Cut::new(&script, at, features) else {
            return Ok(());
        };
        // With so many stretches left, the difference shows; with fewer than `low`, it does not.
        let (mut low, mut high) = (0, i64::MAX);
        let Some(watched) = self.watch_cut(&cut, high)? else {
            return Ok(());
        };
        let mut reached = watched.reached;
        if watched.shows {
            high = watched.ran.max(1);
        }
        while watched.shows && low + 1 < high && !self.is_late() {
            let middle = low + (high - low) / 2;
            match self.watch_cut(&cut, middle)?.filter(|it| it.shows) {
                Some(watched) => (high, reached) = (middle, watched.reached),
                None => low = middle,
            }
        }
        if let Some(module) = cut.without_unreached(&reached) {
            self.accepts_module(at, module)?;
        }
        Ok(())
    }

    /// Runs a script that stops after so many stretches of code.
    fn watch_cut(
        &mut self,
        cut: &reached::Cut,
        stretches: i64,
    ) -> Result<Option<reached::Ran>, Interrupted> {
        if self.is_late() {
            return Ok(None);
        }
        self.tried += 1;
        let candidate = self.planned.with(cut.script(stretches));
        let config = job_config(self.options, &candidate);
        let Opinion::Seen(seen) = self.kept.run(&candidate, config)? else {
            return Ok(None);
        };
        let symptom = seen.first_symptom();
        let shows = symptom.is_some_and(|symptom| symptom.is_like(&self.symptom));
        let runs = seen.runs.values().map(|run| &run.reports[..]);
        Ok(cut.read(stretches, runs, shows))
    }

    fn parts(&self, at: usize) -> Option<module::Parts> {
        module::Parts::read(self.module(at)?).ok()
    }

    /// Makes a module smaller by some of its items, half of them at a time, then fewer: by those of
    /// a range, among as many as `count` gives.
    fn drop_parts(
        &mut self,
        at: usize,
        count: impl Fn(&module::Parts) -> usize,
        without: impl Fn(module::Parts, Range<usize>) -> Option<module::Parts>,
    ) -> Result<(), Interrupted> {
        let mut part = self.parts(at).map_or(0, |parts| count(&parts)).div_ceil(2);
        while part > 0 {
            let mut start = 0;
            while let Some(parts) = self.parts(at) {
                let end = (start + part).min(count(&parts));
                if start >= end || self.is_late() {
                    break;
                }
                let is_taken = match without(parts, start..end) {
                    Some(smaller) => self.accepts_module(at, smaller.module())?,
                    None => false,
                };
                if !is_taken {
                    start = end;
                }
            }
            part /= 2;
        }
        Ok(())
    }

    /// Empties functions, but for the last one that is not empty.
    fn stub_functions(&mut self, at: usize) -> Result<(), Interrupted> {
        let full = |parts: &module::Parts| -> Vec<usize> {
            let bodies = parts.bodies.iter().enumerate();
            let full = bodies.filter(|(_, body)| body[..] != module::TRAP);
            full.map(|(index, _)| index).collect()
        };
        let without = |mut parts: module::Parts, range: Range<usize>| {
            let full = full(&parts);
            for &index in &full[range] {
                parts.bodies[index] = module::TRAP.to_vec();
            }
            (full.len() > 1).then_some(parts)
        };
        self.drop_parts(at, |parts| full(parts).len(), without)
    }

    /// Lets one empty function stand for all of its type.
    fn merge_stubs(&mut self, at: usize) -> Result<(), Interrupted> {
        let merged = self.parts(at).and_then(|parts| parts.with_merged_stubs());
        if let Some(module) = merged {
            self.accepts_module(at, module)?;
        }
        Ok(())
    }

    /// Leaves out data: whole segments, then pieces of those that are left.
    fn drop_data(&mut self, at: usize) -> Result<(), Interrupted> {
        loop {
            let before = self.module(at).map_or(0, Vec::len);
            self.drop_segments(at)?;
            let parts = self.parts(at).filter(module::Parts::can_drop_segments);
            let split = parts.and_then(module::Parts::split_segments);
            let Some(split) = split.filter(|_| !self.is_late()) else {
                return Ok(());
            };
            // In pieces the module is longer: what is left of it afterwards counts.
            let whole = self.so_far();
            if self.accepts_module(at, split.module())? {
                self.drop_segments(at)?;
            }
            if self.module(at).map_or(0, Vec::len) >= before {
                (self.planned, self.symptom, self.examined) = whole;
                return Ok(());
            }
        }
    }

    /// The script so far and what it shows, to come back to.
    fn so_far(&self) -> (Planned, Symptom, Examined) {
        let (planned, symptom) = (self.planned.clone(), self.symptom.clone());
        (planned, symptom, self.examined.clone())
    }

    /// Leaves out data segments.
    fn drop_segments(&mut self, at: usize) -> Result<(), Interrupted> {
        let count = |parts: &module::Parts| match parts.can_drop_segments() {
            true => parts.segments.len(),
            false => 0,
        };
        self.drop_parts(at, count, |mut parts, range| {
            parts.segments.drain(range);
            Some(parts)
        })
    }

    /// Leaves out sections that nothing needs.
    fn drop_sections(&mut self, at: usize) -> Result<(), Interrupted> {
        let Some(parts) = self.parts(at) else {
            return Ok(());
        };
        for section in parts.droppable().into_iter().rev() {
            if let Some(parts) = self.parts(at) {
                self.accepts_module(at, parts.without(section).module())?;
            }
        }
        Ok(())
    }

    /// Leaves out exports that no directive needs.
    fn drop_exports(&mut self, at: usize) -> Result<(), Interrupted> {
        self.drop_parts(at, module::Parts::exports, |parts, range| {
            parts.without_exports(range)
        })
    }

    /// Leaves out instructions of each function.
    fn shrink_bodies(&mut self, at: usize) -> Result<(), Interrupted> {
        let count = self.parts(at).map_or(0, |parts| parts.bodies.len());
        for index in 0..count {
            let is_empty = |parts: module::Parts| parts.bodies[index][..] == module::TRAP;
            if self.parts(at).is_none_or(is_empty) {
                continue;
            }
            while self.shrink_body(at, index)? {}
        }
        Ok(())
    }

    /// Takes the candidates of a body one after the other; true if one was taken.
    fn shrink_body(&mut self, at: usize, index: usize) -> Result<bool, Interrupted> {
        let features = self.planned.features.set.wasmparser();
        let mut taken = false;
        let mut skip = 0;
        'again: loop {
            let body = self.module(at);
            let body = body.and_then(|module| body::read(module, index, features));
            let (Some(body), Some(mut parts)) = (body, self.parts(at)) else {
                return Ok(taken);
            };
            let candidates = body.candidates();
            for (number, candidate) in candidates.iter().enumerate().skip(skip) {
                if self.is_late() || number >= skip + FAILURES_MAX {
                    return Ok(taken);
                }
                parts.bodies[index] = body.with(candidate);
                if self.accepts_module(at, parts.module())? {
                    taken = true;
                    // What failed before mostly fails again; the next round tries it once more.
                    skip = number.min(candidates.len() / 2);
                    continue 'again;
                }
            }
            return Ok(taken);
        }
    }

    /// Leaves out parameters that nothing uses, and results, of the function that the last
    /// directive calls, and lets code stand for the calls in it.
    fn shrink_called(&mut self, at: usize) -> Result<(), Interrupted> {
        let before = self.size();
        if self
            .module(at)
            .is_none_or(|it| it.len() >= SHRUNK_BYTES_MAX)
        {
            return Ok(());
        }
        let whole = self.so_far();
        for candidate in called::candidates(&self.planned.script.clone(), at) {
            let module = candidate.commands.get(at).and_then(module_of);
            if !module.is_some_and(|it| self.is_valid(it)) || !self.accepts(candidate)? {
                continue;
            }
            // The code computes the other results still: what is left of it afterwards counts.
            self.shrink_bodies(at)?;
            self.shrink_items(at)?;
            if self.size() < before {
                return Ok(());
            }
            (self.planned, self.symptom, self.examined) = whole.clone();
        }
        Ok(())
    }

    /// Leaves out types, globals, functions, locals and other things that nothing names any more,
    /// and gives the module what it imports.
    fn shrink_items(&mut self, at: usize) -> Result<(), Interrupted> {
        // Each form costs a parse of the text.
        let module = self.module(at).filter(|it| it.len() < SHRUNK_BYTES_MAX);
        let Some(mut text) = module.and_then(|module| forms::text(module)) else {
            return Ok(());
        };
        let mut part = forms::forms(&text).len().div_ceil(2).max(1);
        loop {
            // Forms around one that was taken are not what they were; the next round has them.
            let mut end = text.len();
            let mut taken = false;
            for some in forms::forms(&text).chunks(part) {
                if some.iter().any(|form| form.end > end) {
                    continue;
                } else if self.is_late() {
                    return Ok(());
                }
                let own = (part == 1)
                    .then(|| forms::with_own(&text, &some[0]))
                    .flatten();
                for smaller in std::iter::once(forms::without(&text, some)).chain(own) {
                    // Without the names that the text gives to everything.
                    let module = encoded(&smaller).and_then(|it| module::Parts::read(&it).ok());
                    if let Some(module) = module.map(|parts| parts.module())
                        && self.accepts_module(at, module)?
                    {
                        text = smaller;
                        end = some.iter().map(|form| form.start).min().unwrap_or(end);
                        taken = true;
                        break;
                    }
                }
            }
            match part {
                1 if !taken => return Ok(()),
                1 => {}
                _ => part /= 2,
            }
        }
    }
}

/// The bytes of all modules of a script.
fn size(script: &Script) -> usize {
    let commands = script.commands.iter();
    let bytes = commands.filter_map(|command| module_of(command).map(Vec::len));
    bytes.sum()
}

/// The directives of some ordinals, with ordinals of their own.
fn chosen(script: &Script, kept: &[usize]) -> Script {
    let directive = |(ordinal, &at): (usize, &usize)| Directive {
        ordinal: ordinal as u32,
        ..script.directives[at].clone()
    };
    Script {
        directives: kept.iter().enumerate().map(directive).collect(),
        commands: kept.iter().map(|&at| script.commands[at].clone()).collect(),
        path: script.path.clone(),
        sha256: script.sha256.clone(),
    }
}

/// The bytes of the module that a command instantiates, defines or checks.
fn module_of(command: &Command) -> Option<&Vec<u8>> {
    match command.module()? {
        ModuleSource::Binary(bytes) => Some(bytes),
        ModuleSource::Refused { .. } => None,
    }
}

fn module_of_mut(command: &mut Command) -> Option<&mut Vec<u8>> {
    match command.module_mut()? {
        ModuleSource::Binary(bytes) => Some(bytes),
        ModuleSource::Refused { .. } => None,
    }
}
