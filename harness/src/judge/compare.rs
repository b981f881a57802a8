//! The tiers against each other, directive by directive (contract C6).
//!
//! Compared are the ending, the bits of the results, where a trap or an exception came from (every
//! function that was running, with the byte of its module), and the state of the store afterwards.
//! What the specification leaves open poisons the rest of the file instead of counting as a
//! difference: after a stack exhaustion the state may differ with the depth; a tier that could not
//! run an earlier directive, or did not end it in time, may lack its effects; what threads of the
//! script do together depends on which is faster; and once the state has diverged, that it still
//! differs is not news. Results that differ always diverge, unless the file is poisoned. In the
//! native profile, the stack tier tells where it took one of several results that the specification
//! allows (`took_choice`): what differs in such a directive is poisoned, whatever became of the
//! choice, and if the states differ then, so is the rest of the file.

use super::judge;
use crate::engine::EngineName;
use crate::judge::verdict::{Agreement, Comparison};
use crate::outcome::text::{ending, outcome_text};
use crate::outcome::visible::VisibleItem;
use crate::outcome::{JudgedBy, Outcome, Place, Reference, Report, StateHash, Value};
use crate::script::{Directive, Expectation, Kind, Script};

/// The beginnings of texts about a difference of states.
const STATE: &str = "state of";
const EXPORTED_STATE: &str = "exported state";

/// True if the text of a difference is about the states that engines leave, and not about how they
/// ended.
pub fn is_of_state(diff: &str) -> bool {
    diff.starts_with(STATE) || diff.starts_with(EXPORTED_STATE)
}

/// Compares the directives of one file, in order.
#[derive(Debug, Default)]
pub struct Comparer {
    /// Differences prove nothing any more.
    poisoned: bool,
    /// The states have diverged already.
    state_diverged: bool,
    /// Tiers that lack an effect that others have, by index.
    incomplete: Vec<EngineName>,
    /// Engines whose state may be another than that of engines of other makers: they failed, or it
    /// was seen to be.
    apart: Vec<EngineName>,
}

/// A tier's report on the directive being compared.
pub type Entry<'a> = (EngineName, &'a Report);

/// Compares a whole file: the reports of each tier that has any, in the order of its directives.
pub fn compare(script: &Script, tiers: &[(EngineName, &[Report])]) -> Vec<Comparison> {
    let mut comparer = Comparer::default();
    let of = |index: usize| -> Vec<Entry<'_>> {
        let mut entries = Vec::with_capacity(tiers.len());
        for (tier, reports) in tiers {
            entries.extend(reports.get(index).map(|report| (*tier, report)));
        }
        entries
    };
    let directives = script.directives.iter().enumerate();
    directives
        .map(|(index, directive)| comparer.next(directive, &of(index)))
        .collect()
}

impl Comparer {
    /// Compares the next directive of the file.
    ///
    /// Engines of other makers choose for themselves what the specification leaves open, so they
    /// are compared by [`Comparer::others`].
    pub fn next(&mut self, directive: &Directive, entries: &[Entry<'_>]) -> Comparison {
        self.poisoned |= directive.kind == Kind::Thread;
        let is_own = |entry: &&Entry<'_>| entry.0.tier().is_some();
        let own: Vec<Entry<'_>> = entries.iter().filter(is_own).copied().collect();
        let among_own = self.own(directive, &own);
        match among_own.agreement {
            Agreement::Diverge | Agreement::Poisoned => among_own,
            Agreement::Agree | Agreement::NotComparable if own.len() == entries.len() => among_own,
            Agreement::Agree | Agreement::NotComparable => {
                self.others(directive, entries, among_own)
            }
        }
    }

    /// Compares tiers of our own.
    fn own(&mut self, directive: &Directive, entries: &[Entry<'_>]) -> Comparison {
        let ran: Vec<Entry<'_>> = entries
            .iter()
            .copied()
            .filter(|(_, report)| comparable(&report.outcome))
            .collect();
        let result = if ran.len() < 2 {
            Comparison {
                agreement: Agreement::NotComparable,
                diff: String::new(),
            }
        } else {
            self.compare(directive, &ran)
        };
        self.note_incomplete(entries, &ran);
        result
    }

    /// Compares engines of other makers with ours, or with each other where ours did not run: those
    /// that pass, since what does not is an account of its own, by their values, the bits of NaNs
    /// and what the suite allows apart.
    fn others(
        &mut self,
        directive: &Directive,
        entries: &[Entry<'_>],
        among_own: Comparison,
    ) -> Comparison {
        let ran = |entry: &&Entry<'_>| {
            let outcome = &entry.1.outcome;
            let passes = || judge(directive, outcome).status.is_plain();
            comparable(outcome) && passes()
        };
        let ran: Vec<Entry<'_>> = entries.iter().filter(ran).copied().collect();
        let has_run = |name: EngineName| ran.iter().any(|it| it.0 == name);
        for name in entries.iter().map(|it| it.0).filter(|it| !has_run(*it)) {
            if !self.apart.contains(&name) {
                self.apart.push(name);
            }
        }
        let [first, rest @ ..] = ran.as_slice() else {
            return among_own;
        };
        if rest.is_empty() {
            return among_own;
        }
        let is_asserted = matches!(directive.expectation, Expectation::Return(_));
        let same = |a: &Entry<'_>, b: &Entry<'_>| {
            is_asserted || alike(&a.1.outcome, &b.1.outcome, same_but_for_choices)
        };
        let differing = |entry: &&Entry<'_>| entry.0.tier().is_none() && !same(first, entry);
        let differing: Vec<EngineName> = rest.iter().filter(differing).map(|it| it.0).collect();
        if differing.is_empty() {
            return self.visible_states(first, rest);
        }
        let lacks = |name: &EngineName| self.incomplete.contains(name) || self.apart.contains(name);
        let known = differing.iter().all(lacks) || depth_is_open(directive, &ran);
        let agreement = self.difference(known);
        self.incomplete.extend(differing);
        let text = |entry: &Entry<'_>| outcome_text(&directive.expectation, &entry.1.outcome);
        Comparison {
            agreement,
            diff: diff(&groups(&ran, same), text),
        }
    }

    /// Compares what engines of other makers show of their state with what ours show.
    fn visible_states(&mut self, first: &Entry<'_>, rest: &[Entry<'_>]) -> Comparison {
        // What an exhausted stack leaves behind differs with its depth.
        let open = matches!(first.1.outcome, Outcome::Exhaustion(_));
        let mut seen = Vec::new();
        let rest = if self.apart.contains(&first.0) {
            &[][..]
        } else {
            rest
        };
        for (name, report) in rest {
            let items = differing_items(&first.1.visible, &report.visible);
            if name.tier().is_none() && !items.is_empty() && !self.apart.contains(name) {
                self.apart.push(*name);
                seen.push(format!("{name}: {}", items.join(", ")));
            }
        }
        if seen.is_empty() {
            let (agreement, diff) = (Agreement::Agree, String::new());
            return Comparison { agreement, diff };
        }
        Comparison {
            agreement: self.difference(open),
            diff: format!("{EXPORTED_STATE}, against {}: {}", first.0, seen.join("; ")),
        }
    }

    fn compare(&mut self, directive: &Directive, ran: &[Entry<'_>]) -> Comparison {
        let complete: Vec<Entry<'_>> = ran
            .iter()
            .copied()
            .filter(|(tier, report)| !self.incomplete.contains(tier) && report.state.is_some())
            .collect();
        let took_choice = ran.iter().any(|(_, report)| report.took_choice);
        // A choice that is kept in the state is met again, whatever became of the results.
        self.poisoned |= took_choice && by_state(&complete).len() > 1;
        let open = took_choice || self.involves_incomplete(ran);
        let same = |a: &Entry<'_>, b: &Entry<'_>| alike(&a.1.outcome, &b.1.outcome, Value::eq);
        let groups = groups(ran, same);
        self.poisoned |= groups.len() > 1 && depth_is_open(directive, ran);
        if groups.len() > 1 {
            let text = |entry: &Entry<'_>| outcome_text(&directive.expectation, &entry.1.outcome);
            let agreement = self.difference(open);
            return Comparison {
                agreement,
                diff: diff(&groups, text),
            };
        }
        let groups = self::groups(ran, |a, b| a.1.trace == b.1.trace);
        if groups.len() > 1 {
            let text = |entry: &Entry<'_>| {
                let ending = outcome_text(&directive.expectation, &entry.1.outcome);
                format!("{ending} at {}", trace_text(entry.1.trace.as_deref()))
            };
            let agreement = self.difference(open);
            return Comparison {
                agreement,
                diff: diff(&groups, text),
            };
        }
        let exhausted = matches!(ran[0].1.outcome, Outcome::Exhaustion(_));
        self.compare_states(&complete, exhausted)
    }

    /// Compares the states of tiers that ran everything so far.
    fn compare_states(&mut self, complete: &[Entry<'_>], exhausted: bool) -> Comparison {
        let groups = by_state(complete);
        if groups.len() < 2 {
            self.state_diverged &= complete.len() < 2;
            return Comparison {
                agreement: Agreement::Agree,
                diff: String::new(),
            };
        }
        self.poisoned |= exhausted;
        let agreement = self.difference(self.state_diverged);
        self.state_diverged = true;
        let differing = differing_parts(&groups.concat());
        let text = |entry: &Entry<'_>| state_text(entry.1.state.unwrap_or_default(), &differing);
        Comparison {
            agreement,
            diff: format!("{STATE} {}: {}", differing.join(", "), diff(&groups, text)),
        }
    }

    fn involves_incomplete(&self, ran: &[Entry<'_>]) -> bool {
        ran.iter().any(|(tier, _)| self.incomplete.contains(tier))
    }

    fn difference(&self, open: bool) -> Agreement {
        if self.poisoned || open {
            Agreement::Poisoned
        } else {
            Agreement::Diverge
        }
    }

    /// Remembers tiers that did not run what another ran.
    fn note_incomplete(&mut self, entries: &[Entry<'_>], ran: &[Entry<'_>]) {
        if ran.is_empty() {
            return;
        }
        for (tier, report) in entries {
            let lacks = !comparable(&report.outcome) || matches!(report.outcome, Outcome::Crash(_));
            if lacks && !self.incomplete.contains(tier) {
                self.incomplete.push(*tier);
            }
        }
    }
}

/// True if an engine ran out of stack in a call of which nobody says that it must: the depth of
/// calls is open.
fn depth_is_open(directive: &Directive, ran: &[Entry<'_>]) -> bool {
    let exhausted = |entry: &Entry<'_>| matches!(entry.1.outcome, Outcome::Exhaustion(_));
    directive.expectation == Expectation::Open && ran.iter().any(exhausted)
}

/// Groups entries that ran and ended alike, the bits of NaNs of other makers' engines apart.
pub(super) fn by_outcome<'a>(entries: &[Entry<'a>]) -> Vec<Vec<Entry<'a>>> {
    let ran = entries.iter().filter(|entry| comparable(&entry.1.outcome));
    let ran: Vec<Entry<'a>> = ran.copied().collect();
    groups(&ran, |a, b| {
        let are_own = a.0.tier().is_some() && b.0.tier().is_some();
        let same: fn(&Value, &Value) -> bool = match are_own {
            true => Value::eq,
            false => same_but_for_choices,
        };
        alike(&a.1.outcome, &b.1.outcome, same)
    })
}

/// Groups entries of our own tiers that ended at the same place.
pub(super) fn alike_in_place<'a>(entries: &[Entry<'a>]) -> Vec<Vec<Entry<'a>>> {
    let own = entries
        .iter()
        .filter(|entry| entry.0.tier().is_some() && comparable(&entry.1.outcome));
    groups(&own.copied().collect::<Vec<_>>(), |a, b| {
        a.1.trace == b.1.trace
    })
}

/// Groups entries whose states are the same. What is left of the fuel is compared only in each
/// configuration, since configurations meter code or do not.
pub(super) fn by_state<'a>(entries: &[Entry<'a>]) -> Vec<Vec<Entry<'a>>> {
    let but_for_fuel =
        |entry: &Entry<'_>| entry.1.state.map(|state| StateHash { fuel: 0, ..state });
    let apart = groups(entries, |a, b| but_for_fuel(a) == but_for_fuel(b));
    if apart.len() > 1 {
        return apart;
    }
    let configurations = groups(entries, |a, b| a.0.configuration() == b.0.configuration());
    let by_fuel = configurations
        .iter()
        .map(|of| groups(of, |a, b| a.1.state == b.1.state));
    by_fuel
        .into_iter()
        .find(|groups| groups.len() > 1)
        .unwrap_or(apart)
}

/// Groups entries whose exports show the same.
pub(super) fn by_visible_state<'a>(entries: &[Entry<'a>]) -> Vec<Vec<Entry<'a>>> {
    groups(entries, |a, b| {
        differing_items(&a.1.visible, &b.1.visible).is_empty()
    })
}

/// The exports that both show, and differently.
fn differing_items(ours: &[VisibleItem], theirs: &[VisibleItem]) -> Vec<String> {
    let differs = |item: &&VisibleItem| {
        let other = theirs.iter().find(|other| other.name == item.name);
        other.is_some_and(|other| other.digest != item.digest)
    };
    let names = ours.iter().filter(differs);
    names
        .map(|item| format!("`{}`", item.name.escape_debug()))
        .collect()
}

/// Where code ended, and from where it was called.
fn trace_text(trace: Option<&[Place]>) -> String {
    let place = |place: &Place| match place.offset_bytes {
        Some(offset) => format!("function {} byte {offset:#x}", place.func),
        None => format!("function {}", place.func),
    };
    match trace.unwrap_or_default() {
        [] => "no function".to_string(),
        trace => trace.iter().map(place).collect::<Vec<_>>().join(" < "),
    }
}

/// Whether two outcomes are the same: values as `same` says, traps by kind, other endings by class.
fn alike(a: &Outcome, b: &Outcome, same: fn(&Value, &Value) -> bool) -> bool {
    match (a, b) {
        (Outcome::Values(a), Outcome::Values(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Outcome::Trap(a), Outcome::Trap(b)) => {
            a.split(" | ").any(|a| b.split(" | ").any(|b| a == b))
        }
        (Outcome::Rejected(_), Outcome::Invalid(_) | Outcome::Malformed { .. })
        | (Outcome::Invalid(_) | Outcome::Malformed { .. }, Outcome::Rejected(_)) => true,
        (a, b) => ending(a) == ending(b),
    }
}

/// Whether values are the same, any NaN being the same as any other.
fn same_but_for_nans(a: &Value, b: &Value) -> bool {
    let nan = |value: &Value| match value {
        Value::F32(bits) => bits & 0x7fff_ffff > 0x7f80_0000,
        Value::F64(bits) => bits & 0x7fff_ffff_ffff_ffff > 0x7ff0_0000_0000_0000,
        Value::I32(_) | Value::I64(_) | Value::V128(_) | Value::Ref(_) => false,
    };
    let same_type = std::mem::discriminant(a) == std::mem::discriminant(b);
    a == b || same_type && nan(a) && nan(b)
}

/// True if outcomes are the same but for what engines choose.
pub fn is_same_but_for_choices(a: &Outcome, b: &Outcome) -> bool {
    alike(a, b, same_but_for_choices)
}

/// True if values are the same but for what engines choose: the bits of NaNs, and the number by
/// which a function is told.
fn same_but_for_choices(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Ref(Reference::Func { .. }), Value::Ref(Reference::Func { .. }))
        | (Value::Ref(Reference::Null(_)), Value::Ref(Reference::Null(_))) => true,
        (a, b) => same_but_for_nans(a, b),
    }
}

/// True if the tier ran the directive, so that its ending says something about the engine. A
/// time-out does not: on a busy machine, the time that a directive takes is not the engine's.
fn comparable(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Done
        | Outcome::Values(_)
        | Outcome::Trap(_)
        | Outcome::Exhaustion(_)
        | Outcome::Exception(_)
        | Outcome::Unlinkable(_)
        | Outcome::Invalid(_)
        | Outcome::Rejected(_)
        | Outcome::Malformed {
            by: JudgedBy::Engine,
            ..
        }
        | Outcome::Internal(_)
        | Outcome::HostError(_)
        | Outcome::Crash(_) => true,
        Outcome::Malformed {
            by: JudgedBy::Parser,
            ..
        }
        | Outcome::Unsupported(_)
        | Outcome::MissingInstance(_)
        | Outcome::Blocked(_)
        | Outcome::Limit(_)
        | Outcome::Timeout { .. }
        | Outcome::NotRun(_)
        | Outcome::Unmeasured(_)
        | Outcome::Skipped(_) => false,
    }
}

/// Groups entries that are the same, the largest group first.
fn groups<'a>(
    entries: &[Entry<'a>],
    same: impl Fn(&Entry<'a>, &Entry<'a>) -> bool,
) -> Vec<Vec<Entry<'a>>> {
    let mut groups: Vec<Vec<Entry<'a>>> = Vec::new();
    for entry in entries {
        match groups.iter_mut().find(|group| same(&group[0], entry)) {
            Some(group) => group.push(*entry),
            None => groups.push(vec![*entry]),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}

/// `jit: X, but stack and register: Y`: the odd tiers first, where there is a majority.
fn diff(groups: &[Vec<Entry<'_>>], text: impl Fn(&Entry<'_>) -> String) -> String {
    let part = |group: &Vec<Entry<'_>>| {
        let names: Vec<&str> = group.iter().map(|(tier, _)| tier.name()).collect();
        format!("{}: {}", names.join(" and "), text(&group[0]))
    };
    let majority = groups[0].len() > groups[1].len();
    let mut parts: Vec<String> = groups.iter().map(part).collect();
    if majority {
        let common = parts.remove(0);
        return format!("{}, but {common}", parts.join("; "));
    }
    parts.join("; ")
}

/// Which sorts of state differ between any two entries.
fn differing_parts(entries: &[Entry<'_>]) -> Vec<&'static str> {
    let states: Vec<StateHash> = entries
        .iter()
        .filter_map(|(_, report)| report.state)
        .collect();
    let differ =
        |part: fn(&StateHash) -> u64| states.windows(2).any(|it| part(&it[0]) != part(&it[1]));
    let is_one_configuration =
        |it: &[Entry<'_>]| it[0].0.configuration() == it[1].0.configuration();
    let is_one_configuration = entries.windows(2).all(is_one_configuration);
    PARTS
        .into_iter()
        .filter(|(name, part)| differ(*part) && (is_one_configuration || *name != FUEL))
        .map(|(name, _)| name)
        .collect()
}

/// A sort of state: its name, and its hash.
type Part = (&'static str, fn(&StateHash) -> u64);

/// The sorts of state.
const PARTS: [Part; 5] = [
    ("memories", |state| state.memories),
    ("globals", |state| state.globals),
    ("tables", |state| state.tables),
    ("objects", |state| state.objects),
    (FUEL, |state| state.fuel),
];

/// The sort of state that is the fuel.
const FUEL: &str = "fuel";

/// The hashes of the parts that differ.
fn state_text(state: StateHash, differing: &[&str]) -> String {
    let shown = PARTS.iter().filter(|(name, _)| differing.contains(name));
    let hashes: Vec<String> = shown
        .map(|(_, part)| format!("{:016x}", part(&state)))
        .collect();
    hashes.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Expectation, Kind};
    use Agreement::{Agree, Diverge, NotComparable, Poisoned};

    fn directive() -> Directive {
        let id = "t.wast#0-00000000".to_string();
        let (kind, expectation) = (Kind::AssertReturn, Expectation::Return(vec![]));
        Directive {
            origin: None,
            ordinal: 0,
            line: 1,
            column: 1,
            kind,
            id,
            expectation,
        }
    }

    fn value(value: u32) -> Report {
        Outcome::Values(vec![Value::I32(value)]).into()
    }

    fn with_state(mut report: Report, memories: u64) -> Report {
        report.state = Some(StateHash {
            memories,
            globals: 1,
            tables: 2,
            ..StateHash::default()
        });
        report
    }

    fn next(comparer: &mut Comparer, reports: [Report; 3]) -> (Agreement, String) {
        let entries: Vec<Entry<'_>> = EngineName::own().zip(&reports).collect();
        let comparison = comparer.next(&directive(), &entries);
        (comparison.agreement, comparison.diff)
    }

    fn outcome(outcome: Outcome) -> Report {
        outcome.into()
    }

    #[test]
    fn equal_results_agree_and_different_ones_name_the_odd_tier() {
        let mut comparer = Comparer::default();
        assert_eq!(next(&mut comparer, [value(1), value(1), value(1)]).0, Agree);
        let (agreement, diff) = next(&mut comparer, [value(1), value(1), value(2)]);
        let text = "jit: i32:0x00000002, but stack and register: i32:0x00000001";
        assert_eq!((agreement, diff.as_str()), (Diverge, text));
        let (agreement, diff) = next(&mut comparer, [value(1), value(2), value(3)]);
        assert_eq!(agreement, Diverge);
        assert_eq!(diff.matches("i32:").count(), 3);
        let skipped = Outcome::Skipped(String::new());
        let (agreement, diff) = next(&mut comparer, [value(1), outcome(skipped), value(2)]);
        let text = "stack: i32:0x00000001; jit: i32:0x00000002";
        assert_eq!((agreement, diff.as_str()), (Diverge, text));
    }

    #[test]
    fn fuel_is_compared_in_each_configuration() {
        let with_fuel = |fuel| {
            let mut report = with_state(value(1), 7);
            report.state.as_mut().expect("a state").fuel = fuel;
            report
        };
        let compared = |fuel: [u64; 4]| {
            let names = ["stack", "stack@fuel", "jit", "jit@fuel"];
            let names = names.map(|name| name.parse::<EngineName>().expect("a name"));
            let reports = fuel.map(with_fuel);
            let entries: Vec<Entry<'_>> = names.into_iter().zip(&reports).collect();
            Comparer::default().next(&directive(), &entries)
        };
        assert_eq!(compared([0, 5, 0, 5]).agreement, Agree);
        let differing = compared([0, 5, 0, 6]);
        assert_eq!(differing.agreement, Diverge);
        assert!(
            differing.diff.starts_with("state of fuel: stack@fuel: "),
            "{}",
            differing.diff
        );
    }

    #[test]
    fn endings_are_compared_by_class_and_traps_by_kind() {
        let trap = |message: &str| outcome(Outcome::Trap(message.to_string()));
        let invalid = |message: &str| outcome(Outcome::Invalid(message.to_string()));
        let mut comparer = Comparer::default();
        assert_eq!(
            next(&mut comparer, [trap("a"), trap("a"), trap("b")]).0,
            Diverge
        );
        assert_eq!(
            next(&mut comparer, [trap("a"), trap("a"), value(1)]).0,
            Diverge
        );
        assert_eq!(
            next(&mut comparer, [invalid("a"), invalid("b"), invalid("c")]).0,
            Agree
        );
        let crash = outcome(Outcome::Crash("signal 11".to_string()));
        let (agreement, diff) = next(&mut comparer, [value(1), value(1), crash]);
        assert_eq!(agreement, Diverge);
        assert!(diff.starts_with("jit: crash: signal 11, but stack and register"));
    }

    #[test]
    fn where_a_trap_came_from_is_compared() {
        let at = |offset| {
            let mut report = outcome(Outcome::Trap("unreachable".to_string()));
            report.trace = Some(vec![
                Place {
                    func: 3,
                    offset_bytes: Some(offset),
                },
                Place {
                    func: 5,
                    offset_bytes: None,
                },
            ]);
            report
        };
        let mut comparer = Comparer::default();
        assert_eq!(next(&mut comparer, [at(16), at(16), at(16)]).0, Agree);
        let (agreement, diff) = next(&mut comparer, [at(16), at(16), at(17)]);
        let text = "jit: trap: unreachable at function 3 byte 0x11 < function 5, \
                    but stack and register: trap: unreachable at function 3 byte 0x10 < function 5";
        assert_eq!((agreement, diff.as_str()), (Diverge, text));
        let nowhere = outcome(Outcome::Trap("unreachable".to_string()));
        let (agreement, diff) = next(&mut comparer, [at(16), nowhere, at(16)]);
        assert_eq!(agreement, Diverge);
        assert!(diff.starts_with("register: trap: unreachable at no function, but"));
    }

    #[test]
    fn fewer_than_two_tiers_that_ran_are_not_comparable() {
        let not_run = || outcome(Outcome::NotRun("no jit".to_string()));
        let unsupported = || outcome(Outcome::Unsupported("i32.add".to_string()));
        let mut comparer = Comparer::default();
        assert_eq!(
            next(&mut comparer, [value(1), unsupported(), not_run()]).0,
            NotComparable
        );
        let all = [unsupported(), unsupported(), unsupported()];
        assert_eq!(next(&mut Comparer::default(), all).0, NotComparable);
    }

    /// A busy machine makes no divergence; what a tier did not end is missing from its state.
    #[test]
    fn a_timeout_does_not_diverge() {
        let late = || {
            outcome(Outcome::Timeout {
                millis: 10_000,
                place: None,
            })
        };
        let mut comparer = Comparer::default();
        let compared = next(&mut comparer, [value(1), late(), value(1)]);
        assert_eq!(compared.0, Agree);
        let states = [5, 6, 5].map(|memories| with_state(value(1), memories));
        assert_eq!(next(&mut comparer, states).0, Agree);
        assert_eq!(
            next(&mut Comparer::default(), [value(1), late(), late()]).0,
            NotComparable
        );
    }

    #[test]
    fn a_tier_that_lacks_an_earlier_effect_proves_nothing() {
        let unsupported = || outcome(Outcome::Unsupported("v128.load".to_string()));
        let mut comparer = Comparer::default();
        assert_eq!(
            next(&mut comparer, [value(1), value(1), unsupported()]).0,
            Agree
        );
        let states = [
            with_state(value(1), 5),
            with_state(value(1), 5),
            with_state(value(1), 6),
        ];
        assert_eq!(next(&mut comparer, states).0, Agree);
        assert_eq!(
            next(&mut comparer, [value(1), value(1), value(2)]).0,
            Poisoned
        );
        let states = [
            with_state(value(1), 5),
            with_state(value(1), 6),
            with_state(value(1), 6),
        ];
        assert_eq!(next(&mut comparer, states).0, Diverge);
    }

    #[test]
    fn what_no_tier_supports_leaves_all_comparable() {
        let unsupported = || outcome(Outcome::Unsupported("v128.load".to_string()));
        let mut comparer = Comparer::default();
        next(&mut comparer, [unsupported(), unsupported(), unsupported()]);
        assert_eq!(
            next(&mut comparer, [value(1), value(1), value(2)]).0,
            Diverge
        );
    }

    #[test]
    fn states_diverge_once_and_recover() {
        let states = |jit: u64| [5, 5, jit].map(|memories| with_state(value(1), memories));
        let mut comparer = Comparer::default();
        assert_eq!(next(&mut comparer, states(5)).0, Agree);
        let (agreement, diff) = next(&mut comparer, states(6));
        assert_eq!(agreement, Diverge);
        let text =
            "state of memories: jit: 0000000000000006, but stack and register: 0000000000000005";
        assert_eq!(diff, text);
        assert_eq!(next(&mut comparer, states(7)).0, Poisoned);
        assert_eq!(
            next(&mut comparer, [value(1), value(1), value(2)]).0,
            Diverge
        );
        assert_eq!(next(&mut comparer, states(5)).0, Agree);
        assert_eq!(next(&mut comparer, states(6)).0, Diverge);
    }

    /// The depth of calls is open where nobody expects exhaustion, and so is what follows.
    #[test]
    fn exhaustion_of_one_tier_poisons_generated_programs() {
        let exhausted = || outcome(Outcome::Exhaustion("call stack exhausted".to_string()));
        let open = Directive {
            expectation: Expectation::Open,
            ..directive()
        };
        let reports = [value(1), value(1), exhausted()];
        let mut comparer = Comparer::default();
        let entries: Vec<Entry<'_>> = EngineName::own().zip(&reports).collect();
        assert_eq!(comparer.next(&open, &entries).agreement, Poisoned);
        assert_eq!(
            next(&mut comparer, [value(1), value(1), value(2)]).0,
            Poisoned
        );
        assert_eq!(next(&mut Comparer::default(), reports).0, Diverge);
    }

    #[test]
    fn exhaustion_poisons_the_states_that_follow() {
        let exhausted = |memories| {
            with_state(
                outcome(Outcome::Exhaustion("call stack exhausted".to_string())),
                memories,
            )
        };
        let mut comparer = Comparer::default();
        assert_eq!(next(&mut comparer, [5, 5, 5].map(exhausted)).0, Agree);
        assert_eq!(
            next(&mut comparer, [value(1), value(1), value(2)]).0,
            Diverge
        );
        assert_eq!(next(&mut comparer, [5, 6, 7].map(exhausted)).0, Poisoned);
        assert_eq!(
            next(&mut comparer, [value(1), value(1), value(2)]).0,
            Poisoned
        );
        let agreeing = [value(1), value(1), value(1)];
        assert_eq!(next(&mut comparer, agreeing).0, Agree);
    }

    /// A tier that took one of several results that are allowed may differ in that directive, in
    /// whatever became of it, and in what follows if the states differ.
    #[test]
    fn choices_are_open() {
        let chosen = |report: Report| Report {
            took_choice: true,
            ..report
        };
        let mut comparer = Comparer::default();
        let differing = || [chosen(value(1)), value(2), value(3)];
        assert_eq!(next(&mut comparer, differing()).0, Poisoned);
        // The states were the same: what was chosen is forgotten.
        let numbers = [value(1), value(1), value(2)];
        assert_eq!(next(&mut comparer, numbers.clone()).0, Diverge);
        let [a, b, c] = [5, 5, 6].map(|memories| with_state(value(1), memories));
        assert_eq!(
            next(&mut Comparer::default(), [a.clone(), b.clone(), c.clone()]).0,
            Diverge
        );
        assert_eq!(next(&mut comparer, [chosen(a), b, c]).0, Poisoned);
        assert_eq!(next(&mut comparer, numbers).0, Poisoned);

        // The results differ, too: the states that follow are open all the same.
        let mut comparer = Comparer::default();
        let kept = [(1, 5), (2, 6), (2, 6)];
        let [a, b, c] = kept.map(|(result, memories)| with_state(value(result), memories));
        assert_eq!(next(&mut comparer, [chosen(a), b, c]).0, Poisoned);
        let after = [5, 6, 6].map(|memories| with_state(value(1), memories));
        assert_eq!(next(&mut comparer, after).0, Poisoned);
    }

    /// What an engine of another maker shows of its state is compared once it differs, as long as
    /// the engine has passed.
    #[test]
    fn visible_states_are_compared() {
        let other: EngineName = "other".parse().expect("a name");
        let shows = |name: &str, digest| Report {
            visible: vec![VisibleItem {
                name: name.to_string(),
                digest,
            }],
            ..outcome(Outcome::Values(Vec::new()))
        };
        let mut comparer = Comparer::default();
        let mut next = |own: &Report, foreign: &Report| {
            let entries = [(EngineName::STACK, own), (other, foreign)];
            let comparison = comparer.next(&directive(), &entries);
            (comparison.agreement, comparison.diff)
        };
        let ours = shows("m", 1);
        assert_eq!(next(&ours, &shows("m", 1)).0, Agree);
        assert_eq!(next(&ours, &shows("n", 2)).0, Agree);
        let diff = "exported state, against stack: other: `m`".to_string();
        assert_eq!(next(&ours, &shows("m", 2)), (Diverge, diff));
        // That it still differs is not news.
        assert_eq!(next(&ours, &shows("m", 2)).0, Agree);

        let mut comparer = Comparer::default();
        let mut next = |own: &Report, foreign: &Report| {
            let entries = [(EngineName::STACK, own), (other, foreign)];
            comparer.next(&directive(), &entries).agreement
        };
        let trap = outcome(Outcome::Trap("unreachable".to_string()));
        assert_eq!(next(&ours, &trap), NotComparable);
        assert_eq!(next(&ours, &shows("m", 2)), Agree);
    }

    /// What an engine of another maker did not run may be what a later difference comes from.
    #[test]
    fn what_another_engine_lacks_is_open() {
        let other: EngineName = "other".parse().expect("a name");
        let open = Directive {
            expectation: Expectation::Open,
            ..directive()
        };
        let mut comparer = Comparer::default();
        let mut next = |own: &Report, foreign: &Report| {
            let entries = [(EngineName::STACK, own), (other, foreign)];
            comparer.next(&open, &entries).agreement
        };
        let skipped = outcome(Outcome::Skipped(String::new()));
        assert_eq!(next(&value(1), &value(1)), Agree);
        assert_eq!(next(&value(1), &skipped), NotComparable);
        assert_eq!(next(&value(1), &value(2)), Poisoned);
        let entries = [(EngineName::STACK, &value(1)), (other, &value(2))];
        assert_eq!(Comparer::default().next(&open, &entries).agreement, Diverge);
    }

    /// An engine of another maker is compared where it passes, apart from what engines choose.
    #[test]
    fn others_are_compared_where_they_pass() {
        let other: EngineName = "other".parse().expect("a name");
        let success = Directive {
            expectation: Expectation::Success,
            ..directive()
        };
        let agreement = |own: &Report, foreign: &Report, directive: &Directive| {
            let entries = [(EngineName::STACK, own), (other, foreign)];
            Comparer::default().next(directive, &entries).agreement
        };
        let nan = |bits| outcome(Outcome::Values(vec![Value::F32(bits)]));
        let (positive, negative) = (nan(0x7fc0_0000), nan(0xffc0_0000));
        assert_eq!(agreement(&positive, &negative, &success), Agree);
        assert_eq!(agreement(&value(1), &value(2), &success), Diverge);
        let func = |number| {
            let func = Value::Ref(Reference::numbered_func(number));
            outcome(Outcome::Values(vec![func]))
        };
        let unknown = func(Reference::UNKNOWN);
        assert_eq!(agreement(&func(3), &unknown, &success), Agree);
        // A failure is an account of its own, on either side.
        let trap = outcome(Outcome::Trap("unreachable".to_string()));
        let alone = agreement(&value(1), &trap, &success);
        assert_eq!(alone, NotComparable);
        let alone = agreement(&trap, &value(1), &success);
        assert_eq!(alone, NotComparable);
    }
}
