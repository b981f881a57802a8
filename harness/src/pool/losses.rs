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
/// Deadlines that an engine may lose over a file.
const PER_FILE: u32 = 3;
/// Deadlines that an engine may lose in a run before each further file costs one death at most, by
/// the shortest deadline. From then on results depend on the order of files.
const PER_RUN: u32 = 18;

/// The losses of a run.
#[derive(Debug, Default)]
pub struct Losses {
    engines: Mutex<BTreeMap<EngineName, EngineLosses>>,
}

/// The losses of an engine.
#[derive(Clone, Copy, Debug, Default)]
struct EngineLosses {
    time: Duration,
}

impl Losses {
    /// How long a directive may take in an engine: half as long after each time-out in its file.
    pub fn deadline(&self, engine: EngineName, timeouts: usize, timeout: Duration) -> Duration {
        let halvings = match self.is_spent(engine, timeout) {
            true => HALVINGS_MAX,
            false => u32::try_from(timeouts).map_or(HALVINGS_MAX, |it| it.min(HALVINGS_MAX)),
        };
        timeout / (1 << halvings)
    }

    /// True if an engine has lost more time in this run than it may.
    fn is_spent(&self, engine: EngineName, timeout: Duration) -> bool {
        self.of(engine).time > timeout * PER_RUN
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
        if in_file > timeout * PER_FILE {
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
        losses.add(jit, second * PER_RUN);
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
}
