//! The search for the first difference: by bisection over the events of probes, from calls over
//! stretches of code to an instruction.
//!
//! An event is the arrival at a place with a probe. Two engines that have done the same up to an
//! event have the same number of events, the same digest of values, and the same state. A search
//! keeps an event up to which they are the same, and a later one at which they differ; what it ends
//! with was seen so, on both sides. Where a probe changes how code is compiled, a difference can
//! vanish: then the search ends with the narrowest part that still shows it.

use super::case::{Case, Entered, Read, Subject};
use super::column::{Apart, Column, Seen, Stopped, apart, run_both};
use super::outline::{Body, Grain, Outline, OutlineError, Stop};
use super::rewrite::{ARRIVALS, DIGEST, KeptObject, LEFT, Rewriter, SITE, Site, Taken};
use crate::outcome::text::ending;
use crate::outcome::{Outcome, Value};

/// The reason why a search ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The engines do not run.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The module cannot be rewritten.
    #[error(transparent)]
    Outline(#[from] OutlineError),
}

type Result<T> = std::result::Result<T, SearchError>;

/// A module with probes that take values into a digest.
struct Probed {
    bytes: Vec<u8>,
    sites: Vec<Site>,
    /// True if all functions have probes at calls, besides those of one function.
    is_wide: bool,
}

/// Two events in a row: up to the first one the engines are the same, at the second one they are
/// not.
struct Bracket {
    equal: u64,
    /// What was seen at the first event; at the beginning there is nothing to see.
    at_equal: Option<[Seen; 2]>,
    at_differing: [Seen; 2],
}

/// The place where two engines begin to differ, as narrow as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The function, if one was found.
    pub func: Option<u32>,
    /// The byte of the module of the last instruction before which they are the same.
    pub from: Option<usize>,
    /// The byte of the instruction before which they differ; absent if it is not known.
    pub to: Option<usize>,
    /// True if `from` is the instruction that differs.
    pub is_exact: bool,
    /// The number of times that control had come there, this time included.
    pub arrival: Option<u64>,
    /// What each engine did at the first event that differs.
    pub seen: [Seen; 2],
    /// The place behind the instruction with the values that the probe kept, if control gets there
    /// in both engines.
    pub kept: Option<Kept>,
    /// The places to which the engines go, where these differ.
    pub went: [Option<Site>; 2],
    /// True if the probes saw no value that differs before the directive ended.
    pub is_at_end: bool,
    /// The reason why the search ended before it came to an instruction.
    pub note: Option<&'static str>,
}

/// A place with a probe that keeps values, and what it kept in each engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The function.
    pub body: Body,
    /// The place.
    pub stop: Stop,
    /// The arrival.
    pub arrival: u64,
    /// What each engine did; the reads are the locals, then the operands.
    pub seen: [Seen; 2],
}

/// A search in the module of one instance.
pub struct Search<'s, 'a> {
    /// The engines.
    pub columns: &'s mut [Column<'a>; 2],
    /// The script.
    pub case: &'s Case,
    /// The instance.
    pub subject: &'s Subject,
    /// Its module.
    pub outline: &'s Outline<'s>,
}

const REFUSED: &str = "an engine does not take the function, whatever runs";
const NO_CODE: &str = "the instantiation of the module runs no code of it";
const BEFORE_CODE: &str = "the engines differ before the first instruction of the function";
const VANISHED: &str = "with probes in the code, the difference vanishes";
const VANISHED_IN_FUNCTION: &str =
    "with probes at the stretches of this function, the difference vanishes";
const VANISHED_IN_STRETCH: &str =
    "with a probe between the instructions of this stretch, the difference vanishes";

impl Search<'_, '_> {
    /// Searches for the first difference in the module.
    ///
    /// # Errors
    /// If an engine does not run, or the module cannot be rewritten.
    pub fn run(&mut self) -> Result<Found> {
        if self.splits_start() && self.outline.start.is_none() {
            let mut found = self.unprobed(NO_CODE)?;
            if found.apart() == Some(Apart::Outcome) {
                found.func = self.refused_func(&found)?;
                found.note = Some(found.func.map_or(NO_CODE, |_| REFUSED));
            }
            return Ok(found);
        }
        let calls = |_| Some((Grain::Calls, Taken::Passed));
        let calls = self.digests(&calls, None)?;
        let func = match self.bisect(&calls)? {
            Some(bracket) => match bracket.site(&calls) {
                Some(site) => site.func,
                None => return self.in_entered_function(bracket.at_differing),
            },
            // The probes of all functions hide it; those of one may not.
            None => match self.entered_func() {
                Some(func) => func,
                None => return self.unprobed(VANISHED),
            },
        };
        self.in_function(func, 0)
    }

    /// The first function without which both engines take the module.
    fn refused_func(&mut self, whole: &Found) -> Result<Option<u32>> {
        let first = self.outline.imported_funcs;
        let (mut equal, mut differing) = (first, self.outline.funcs);
        let mut differs_with = |count: u32| {
            let module = Rewriter::stubbed(self.outline, |func| func < count);
            let case = self.case.with_module(self.subject, module);
            let (commands, at) = (&case.commands, case.commands.len() - 1);
            let seen = run_both(self.columns, commands, at, case.config)?;
            let is_same = |n: usize| ending(&seen[n].outcome) == ending(&whole.seen[n].outcome);
            Ok::<bool, SearchError>(is_same(0) && is_same(1))
        };
        if differs_with(equal)? {
            return Ok(None);
        }
        while equal + 1 < differing {
            let middle = equal + (differing - equal) / 2;
            match differs_with(middle)? {
                true => differing = middle,
                false => equal = middle,
            }
        }
        Ok(Some(differing - 1))
    }

    /// What the engines do without probes.
    fn unprobed(&mut self, note: &'static str) -> Result<Found> {
        let (commands, at) = (&self.case.commands, self.case.commands.len() - 1);
        let seen = run_both(self.columns, commands, at, self.case.config)?;
        Ok(Found::nothing(seen, note))
    }

    /// The search where engines differ before the first event.
    fn in_entered_function(&mut self, seen: [Seen; 2]) -> Result<Found> {
        match self.entered_func() {
            Some(func) => self.in_function(func, 0),
            None => Ok(Found::nothing(seen, VANISHED)),
        }
    }

    fn entered_func(&self) -> Option<u32> {
        if !self.subject.is_entered {
            return None;
        }
        let func = match self.case.entered()? {
            Entered::Export(name) => *self.outline.exported_funcs.get(&name)?,
            Entered::Start => self.outline.start?,
        };
        (func >= self.outline.imported_funcs).then_some(func)
    }

    /// The search in a function; `depth` calls have been followed without probes at all calls.
    fn in_function(&mut self, func: u32, depth: usize) -> Result<Found> {
        let Some((stretches, bracket)) = self.bisect_function(func)? else {
            let mut found = self.unprobed(VANISHED_IN_FUNCTION)?;
            found.func = Some(func);
            return Ok(found);
        };
        let mut body = None;
        let every = |it: u32| (it == func).then_some(Grain::Instructions);
        self.outline.functions(&every, &mut |it| body = Some(it))?;
        let Some(body) = body else {
            return Ok(Found::nothing(bracket.at_differing, VANISHED));
        };
        let (start, arrival) = match bracket.site(&stretches) {
            None => (0, 1),
            Some(site) => {
                let at = (site.func, site.at);
                let arrival = self.arrivals(func, at, bracket.equal, stretches.is_wide)?;
                (site.at, arrival)
            }
        };
        let found = self.in_stretch(&body, start, arrival, &bracket, &stretches)?;
        self.followed(found, &body, depth)
    }

    /// Follows a call that gives other results, if no probe has seen why.
    fn followed(&mut self, found: Found, body: &Body, depth: usize) -> Result<Found> {
        const DEPTH_MAX: usize = 32;
        let offset = found.from.filter(|_| found.is_exact && depth < DEPTH_MAX);
        let called = offset.and_then(|offset| callee(&self.outline.bytes[offset..]));
        match called.filter(|func| *func >= self.outline.imported_funcs) {
            Some(func) if func != body.func => {
                let inside = self.in_function(func, depth + 1)?;
                Ok(if inside.note.is_none() { inside } else { found })
            }
            Some(_) | None => Ok(found),
        }
    }

    /// The search between the instructions of a stretch that begins before the `start`-th.
    fn in_stretch(
        &mut self,
        body: &Body,
        start: usize,
        arrival: u64,
        bracket: &Bracket,
        stretches: &Probed,
    ) -> Result<Found> {
        let code = &body.instructions;
        let last = (start..code.len()).find(|&at| code[at].ends_stretch);
        let last = last.unwrap_or(code.len() - 1);
        let (mut equal, mut differing) = (start, None);
        let mut high = last + 1;
        while equal + 1 < high {
            // The end first: mostly it shows whether the last instruction is the one.
            let at = match differing {
                None => last,
                Some(_) => equal + (high - equal) / 2,
            };
            let kept = self.keep(body, at, arrival)?;
            match kept {
                Some(kept) if apart(&kept.seen).is_none() => equal = at,
                Some(kept) => (high, differing) = (at, Some(kept)),
                None => break,
            }
            if differing.is_none() {
                break;
            }
        }
        let mut found = Found {
            func: Some(body.func),
            from: Some(code[equal].offset),
            to: code.get(equal + 1).map(|it| it.offset),
            is_exact: true,
            arrival: Some(arrival),
            seen: bracket.at_differing.clone(),
            kept: None,
            went: [None, None],
            is_at_end: false,
            note: None,
        };
        match differing {
            Some(kept) => {
                found.seen = kept.seen.clone();
                let stopped = kept.seen.iter().all(|seen| left(seen) == Some(0));
                found.kept = stopped.then_some(kept);
                let note = match bracket.equal {
                    0 => BEFORE_CODE,
                    _ => VANISHED_IN_STRETCH,
                };
                self.check_start(&mut found, body, start, note)?;
            }
            None => self.behind_stretch(&mut found, body, bracket, stretches)?,
        }
        Ok(found)
    }

    /// Notes where the engines differ before the first instruction of a stretch already, if only
    /// the probe for it is there.
    fn check_start(
        &mut self,
        found: &mut Found,
        body: &Body,
        start: usize,
        note: &'static str,
    ) -> Result<()> {
        let arrival = found.arrival.unwrap_or(1);
        if found.from != Some(body.instructions[start].offset) {
            return Ok(());
        }
        if let Some(kept) = self.keep(body, start, arrival)?
            && apart(&kept.seen).is_some()
        {
            found.is_exact = false;
            found.note = Some(note);
            found.kept = Some(kept);
        }
        Ok(())
    }

    /// Sees where the engines go from the last instruction of a stretch.
    fn behind_stretch(
        &mut self,
        found: &mut Found,
        body: &Body,
        bracket: &Bracket,
        stretches: &Probed,
    ) -> Result<()> {
        let stopped = bracket
            .at_differing
            .each_ref()
            .map(|it| left(it) == Some(0));
        found.went = [0, 1].map(|n| {
            let seen = &bracket.at_differing[n];
            stopped[n].then(|| stretches.site(seen)).flatten()
        });
        found.is_at_end = !stopped[0] && !stopped[1];
        if let [Some(one), Some(other)] = found.went
            && one == other
        {
            let at = (one.func, one.at);
            let event = bracket.equal + 1;
            let arrival = self.arrivals(body.func, at, event, stretches.is_wide)?;
            let kept = self.keep(body, one.at, arrival)?;
            match kept {
                Some(kept) if apart(&kept.seen).is_some() => found.kept = Some(kept),
                Some(_) | None => {
                    found.is_exact = false;
                    found.note = Some(VANISHED_IN_STRETCH);
                }
            }
        }
        Ok(())
    }

    /// The module with probes that take values into the digest.
    fn digests(
        &self,
        probes: &dyn Fn(u32) -> Option<(Grain, Taken)>,
        marked: Option<(u32, usize)>,
    ) -> Result<Probed> {
        let mut rewriter = Rewriter::new(self.outline, self.splits_start())?;
        let mut visit = |body: Body| {
            if let Some((_, taken)) = probes(body.func) {
                rewriter.digest_at(&body, taken, marked);
            }
        };
        let grain = |func| probes(func).map(|(grain, _)| grain);
        self.outline.functions(&grain, &mut visit)?;
        if self.shows_exports() {
            rewriter.export_state();
        }
        let (bytes, sites) = rewriter.finish();
        Ok(Probed {
            bytes,
            sites,
            is_wide: false,
        })
    }

    /// The module with probes at the stretches of a function, and at the calls of all others if it
    /// `is_wide`.
    fn stretches(&self, func: u32, is_wide: bool, marked: Option<(u32, usize)>) -> Result<Probed> {
        let probes = |it: u32| match it == func {
            true => Some((Grain::Stretches, Taken::Everything)),
            false => is_wide.then_some((Grain::Calls, Taken::Passed)),
        };
        let probed = self.digests(&probes, marked)?;
        Ok(Probed { is_wide, ..probed })
    }

    /// Two events in a row between which the engines begin to differ in a function. What it returns
    /// is seen by the probes at calls; where these hide the difference, there are none.
    fn bisect_function(&mut self, func: u32) -> Result<Option<(Probed, Bracket)>> {
        for is_wide in [true, false] {
            let stretches = self.stretches(func, is_wide, None)?;
            let bracket = self.bisect(&stretches)?;
            let is_there = |bracket: &Bracket| {
                !is_wide
                    || bracket
                        .site(&stretches)
                        .is_some_and(|site| site.func == func)
            };
            if let Some(bracket) = bracket.filter(is_there) {
                return Ok(Some((stretches, bracket)));
            }
        }
        Ok(None)
    }

    fn splits_start(&self) -> bool {
        self.subject.is_entered && self.case.entered() == Some(Entered::Start)
    }

    /// True if an engine shows its state by exports only.
    fn shows_exports(&self) -> bool {
        self.case.config.show_state
    }

    /// Stops both engines at an event.
    ///
    /// # Errors
    /// If one does not run.
    pub fn stop_at(&mut self, module: &[u8], limit: u64, reads: &[Read]) -> Result<[Seen; 2]> {
        let (commands, at) = self.case.probed(self.subject, module, limit, reads);
        Ok(run_both(self.columns, &commands, at, self.case.config)?)
    }

    /// The number of events in the first engine that ends by itself, before a limit.
    fn events(&mut self, module: &[u8]) -> Result<Option<u64>> {
        let (commands, at) = self.case.probed(self.subject, module, 0, &counters());
        for column in &mut *self.columns {
            let seen = column.run(&commands, at, self.case.config)?;
            if let Some(left) = left(&seen) {
                return Ok(Some(left.wrapping_neg()));
            }
        }
        Ok(None)
    }

    /// Two events in a row between which the engines begin to differ, if they do.
    fn bisect(&mut self, probed: &Probed) -> Result<Option<Bracket>> {
        let mut equal = 0;
        let mut at_equal = None;
        let mut high = match self.events(&probed.bytes)? {
            Some(count) => count + 1,
            None => 1,
        };
        let mut at_differing = loop {
            let seen = self.stop_at(&probed.bytes, high, &counters())?;
            if apart(&seen).is_some() {
                break seen;
            }
            // Beyond the events that there are, nothing stops any more.
            if left(&seen[0]) != Some(0) || high > u64::MAX / 4 {
                return Ok(None);
            }
            (equal, at_equal) = (high, Some(seen));
            high *= 2;
        };
        while equal + 1 < high {
            let middle = equal + (high - equal) / 2;
            let seen = self.stop_at(&probed.bytes, middle, &counters())?;
            match apart(&seen) {
                None => (equal, at_equal) = (middle, Some(seen)),
                Some(_) => (high, at_differing) = (middle, seen),
            }
        }
        Ok(Some(Bracket {
            equal,
            at_equal,
            at_differing,
        }))
    }

    /// The number of arrivals at a place of a function up to an event of its stretches.
    fn arrivals(
        &mut self,
        func: u32,
        place: (u32, usize),
        event: u64,
        is_wide: bool,
    ) -> Result<u64> {
        let probed = self.stretches(func, is_wide, Some(place))?;
        let [seen, _] = self.stop_at(&probed.bytes, event, &counters())?;
        Ok(read(&seen, ARRIVALS).unwrap_or(1))
    }

    /// The number of times that a function has been entered when the engines begin to differ in it;
    /// `None` if they do not, or before it.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn entries(&mut self, func: u32) -> Result<Option<u64>> {
        match self.bisect_function(func)? {
            Some((stretches, bracket)) if bracket.equal > 0 => {
                let (place, event) = ((func, 0), bracket.equal);
                let entries = self.arrivals(func, place, event, stretches.is_wide);
                entries.map(|entries| Some(entries).filter(|it| *it > 0))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// What both engines have before an instruction, at an arrival.
    fn keep(&mut self, body: &Body, at: usize, arrival: u64) -> Result<Option<Kept>> {
        let Some(stop) = body.stops.iter().find(|stop| stop.at == at) else {
            return Ok(None);
        };
        let module = self.keeping(body, stop, false)?;
        let seen = self.stop_at(&module, arrival, &kept_reads(body, stop))?;
        Ok(Some(Kept {
            body: body.clone(),
            stop: stop.clone(),
            arrival,
            seen,
        }))
    }

    fn keeping(&self, body: &Body, stop: &Stop, accessors: bool) -> Result<Vec<u8>> {
        let mut rewriter = Rewriter::new(self.outline, self.splits_start())?;
        rewriter.keep_at(body, stop);
        if self.shows_exports() {
            rewriter.export_state();
        }
        if accessors {
            rewriter.add_accessors()?;
        }
        Ok(rewriter.finish().0)
    }

    /// The objects at the place where a probe stops both engines, and at the place before it; with
    /// the module that reads them.
    ///
    /// # Errors
    /// If the module cannot be rewritten.
    pub fn objects_at(&self, kept: &Kept) -> Result<(Vec<KeptObject>, Vec<u8>)> {
        let mut rewriter = Rewriter::new(self.outline, self.splits_start())?;
        let before = (kept.stop.at.checked_sub(1))
            .and_then(|at| kept.body.stops.iter().find(|stop| stop.at == at));
        let objects = rewriter.keep_objects_at(&kept.body, before, &kept.stop)?;
        Ok((objects, rewriter.finish().0))
    }

    /// Reads the state behind the directive.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn reads_at_end(&mut self, reads: &[Read]) -> Result<[Seen; 2]> {
        let mut rewriter = Rewriter::new(self.outline, self.splits_start())?;
        rewriter.add_accessors()?;
        let (module, _) = rewriter.finish();
        self.stop_at(&module, 0, reads)
    }

    /// Reads more of the state where a probe has stopped both engines.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn reads_at(&mut self, kept: &Kept, reads: &[Read]) -> Result<[Seen; 2]> {
        let module = self.keeping(&kept.body, &kept.stop, true)?;
        self.stop_at(&module, kept.arrival, reads)
    }
}

impl Found {
    fn nothing(seen: [Seen; 2], note: &'static str) -> Found {
        Found {
            func: None,
            from: None,
            to: None,
            is_exact: false,
            arrival: None,
            seen,
            kept: None,
            went: [None, None],
            is_at_end: false,
            note: Some(note),
        }
    }

    /// The same with places as another version of the module has them, in which functions have the
    /// same code at other bytes.
    pub fn moved(mut self, from: &Outline<'_>, to: &Outline<'_>) -> Found {
        let moved = |func: u32, offset: usize| {
            let body = (func - from.imported_funcs) as usize;
            to.bodies[body].start + offset - from.bodies[body].start
        };
        if let Some(func) = self.func {
            self.from = self.from.map(|offset| moved(func, offset));
            self.to = self.to.map(|offset| moved(func, offset));
        }
        for site in self.went.iter_mut().flatten() {
            site.offset = moved(site.func, site.offset);
        }
        self
    }

    /// The sort of difference.
    pub fn apart(&self) -> Option<Apart> {
        apart(self.kept.as_ref().map_or(&self.seen, |kept| &kept.seen))
    }
}

impl Bracket {
    /// The place of the event up to which the engines are the same; none at the beginning.
    fn site(&self, probed: &Probed) -> Option<Site> {
        probed.site(&self.at_equal.as_ref()?[0])
    }
}

impl Probed {
    fn site(&self, seen: &Seen) -> Option<Site> {
        let number = read(seen, SITE)? as usize;
        self.sites.get(number.checked_sub(1)?).copied()
    }
}

/// The reads of every probe, in the order of [`COUNTERS`].
const COUNTERS: [&str; 4] = [LEFT, DIGEST, SITE, ARRIVALS];

fn counters() -> Vec<Read> {
    COUNTERS.map(|name| Read::Global(name.to_string())).to_vec()
}

/// The counters, then every local that is kept, then the operands.
fn kept_reads(body: &Body, stop: &Stop) -> Vec<Read> {
    let mut reads = counters();
    let locals = super::rewrite::readable(body).into_iter();
    reads.extend(locals.map(|local| Read::Global(super::rewrite::kept_local(local))));
    let operands = 0..stop.operands.len();
    reads.extend(operands.map(|number| Read::Global(super::rewrite::kept_operand(number))));
    reads
}

/// The number of reads before those of locals.
pub const READS_BEFORE_LOCALS: usize = COUNTERS.len();

fn read(seen: &Seen, name: &str) -> Option<u64> {
    let at = COUNTERS.iter().position(|it| *it == name)?;
    match seen.reads.get(at)? {
        Outcome::Values(values) => match values.as_slice() {
            [Value::I64(value)] => Some(*value),
            _ => None,
        },
        _ => None,
    }
}

/// True if a probe has stopped the engine.
pub fn has_stopped(seen: &Seen) -> bool {
    left(seen) == Some(0)
}

/// The number of events left until a probe stops; 0 if it has.
fn left(seen: &Seen) -> Option<u64> {
    read(seen, LEFT)
}

/// The function that a direct call names.
fn callee(code: &[u8]) -> Option<u32> {
    const CALL: u8 = 0x10;
    let (&opcode, rest) = code.split_first()?;
    let mut reader = wasmparser::BinaryReader::new(rest, 0);
    (opcode == CALL)
        .then(|| reader.read_var_u32().ok())
        .flatten()
}
