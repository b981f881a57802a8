//! The time that engines lose by workers that die or hang, and the bounds on it: a broken build
//! costs a run minutes, and not hours.
//!
//! Owns the budgets. They are measured in deadlines, so that `--timeout` scales them; an engine
//! without deaths never meets them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::engine::EngineName;

/// The most halvings of a deadline.
const HALVINGS_MAX: u32 = 4;

/// The deadlines that an engine may lose.
#[derive(Clone, Copy, Debug)]
struct Budget {
    /// Over a file.
    per_file: u32,
    /// In a run, before each further file costs one death at most, by the shortest deadline. From
    /// then on results depend on the order of files.
    per_run: u32,
}

/// Of files of suites, whose directives have little to do with each other.
const OF_FILES: Budget = Budget {
    per_file: 3,
    per_run: 18,
};
/// Of generated programs, which end within milliseconds: one death shows what is wrong.
const OF_PROGRAMS: Budget = Budget {
    per_file: 1,
    per_run: 4,
};

/// The losses of a run.
#[derive(Debug)]
pub struct Losses {
    budget: Budget,
    engines: Mutex<BTreeMap<EngineName, EngineLosses>>,
}

impl Default for Losses {
    fn default() -> Losses {
        Losses {
            budget: OF_FILES,
            engines: Mutex::default(),
        }
    }
}

/// The losses of an engine.
#[derive(Clone, Copy, Debug, Default)]
struct EngineLosses {
    time: Duration,
}

impl Losses {
    /// No losses of a run of generated programs.
    pub fn of_programs() -> Losses {
        Losses {
            budget: OF_PROGRAMS,
            ..Losses::default()
        }
    }

    /// Forgets half of all losses: a long run may have some now and then.
    pub fn halve(&self) {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines.values_mut().for_each(|losses| losses.time /= 2);
    }

    /// How long a directive may take in an engine: half as long after each time-out in its file.
    pub fn deadline(&self, engine: EngineName, timeouts: usize, timeout: Duration) -> Duration {
        let halvings = match self.is_spent(engine, timeout) {
            true => HALVINGS_MAX,
            false => u32::try_from(timeouts).map_or(HALVINGS_MAX, |it| it.min(HALVINGS_MAX)),
        };
        timeout / (1 << halvings)
    }

    /// True if an engine has lost all the time in this run that it may.
    pub fn is_spent(&self, engine: EngineName, timeout: Duration) -> bool {
        self.of(engine).time >= timeout * self.budget.per_run
    }

    /// Notes the time that was lost by a death: of a hang, the deadline.
    pub fn add(&self, engine: EngineName, time: Duration) {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        let losses = engines.entry(engine).or_default();
        losses.time += time;
    }

    /// The reason to give up the rest of a file over which an engine has lost so much time, if
    /// there is one.
    pub fn reason_to_give_up(
        &self,
        engine: EngineName,
        in_file: Duration,
        timeout: Duration,
    ) -> Option<String> {
        let seconds = |time: Duration| time.as_secs_f64();
        let in_run = self.of(engine).time;
        if in_file >= timeout * self.budget.per_file {
            let seconds = seconds(in_file);
            Some(format!(
                "given up after {seconds:.0} s lost by dead workers in this file"
            ))
        } else if self.is_spent(engine, timeout) {
            let seconds = seconds(in_run);
            Some(format!(
                "given up after {seconds:.0} s lost by dead workers of {engine}"
            ))
        } else {
            None
        }
    }

    /// The time that an engine has lost so far.
    pub fn time(&self, engine: EngineName) -> Duration {
        self.of(engine).time
    }

    fn of(&self, engine: EngineName) -> EngineLosses {
        let engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines.get(&engine).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_shrink_and_budgets_end() {
        let losses = Losses::default();
        let (stack, jit) = (EngineName::STACK, EngineName::JIT);
        let second = Duration::from_secs(1);
        let deadlines = [0, 1, 2, 99].map(|timeouts| losses.deadline(jit, timeouts, second));
        assert_eq!(deadlines, [second, second / 2, second / 4, second / 16]);
        assert_eq!(losses.reason_to_give_up(jit, second, second), None);
        losses.add(jit, second);
        assert_eq!(losses.deadline(jit, 0, second), second);
        assert!(losses.reason_to_give_up(jit, second * 4, second).is_some());
        losses.add(jit, second * OF_FILES.per_run);
        assert_eq!(losses.deadline(jit, 0, second), second / 16);
        assert_eq!(losses.deadline(stack, 0, second), second);
        assert!(
            losses
                .reason_to_give_up(jit, Duration::ZERO, second)
                .is_some()
        );
        assert_eq!(
            losses.reason_to_give_up(stack, Duration::ZERO, second),
            None
        );
    }

    #[test]
    fn a_generated_program_loses_one_deadline_and_a_long_run_forgets() {
        let losses = Losses::of_programs();
        let (jit, second) = (EngineName::JIT, Duration::from_secs(1));
        losses.add(jit, second);
        assert!(losses.reason_to_give_up(jit, second, second).is_some());
        assert_eq!(losses.deadline(jit, 0, second), second);
        losses.add(jit, second * 3);
        assert_eq!(losses.deadline(jit, 0, second), second / 16);
        losses.halve();
        assert_eq!(losses.deadline(jit, 0, second), second);
    }
}
