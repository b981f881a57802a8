//! The time that engines lose by workers that die or hang, and the bounds on it: a broken build
//! costs a run minutes, and not hours.
//!
//! Owns the budgets. They are measured in deadlines, so that `--timeout` scales them; an engine
//! without deaths never meets them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Cause;
use crate::engine::EngineName;

/// Time-outs of an engine after which its deadline is halved.
const TIMEOUTS_PER_HALVING: u32 = 4;
/// The most halvings.
const HALVINGS_MAX: u32 = 4;
/// Deadlines that an engine may lose over a file.
const PER_FILE: u32 = 3;
/// Deadlines that an engine may lose in a run before each further file costs one death at most.
const PER_RUN: u32 = 18;

/// The losses of a run.
#[derive(Debug, Default)]
pub struct Losses {
    engines: Mutex<BTreeMap<EngineName, EngineLosses>>,
}

/// The losses of an engine.
#[derive(Clone, Copy, Debug, Default)]
struct EngineLosses {
    timeouts: u32,
    time: Duration,
}

impl Losses {
    /// How long a directive may take in an engine: less after repeated time-outs.
    pub fn deadline(&self, engine: EngineName, timeout: Duration) -> Duration {
        let halvings = self.of(engine).timeouts / TIMEOUTS_PER_HALVING;
        timeout / (1 << halvings.min(HALVINGS_MAX))
    }

    /// Notes a death, and the time that was lost by it.
    pub fn add(&self, engine: EngineName, cause: &Cause, time: Duration) {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        let losses = engines.entry(engine).or_default();
        losses.time += time;
        losses.timeouts += u32::from(*cause == Cause::Timeout);
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
        } else if in_run > timeout * PER_RUN {
            let seconds = seconds(in_run);
            Some(format!(
                "given up after {seconds:.0} s lost by dead workers of {engine}"
            ))
        } else {
            None
        }
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
        assert_eq!(losses.deadline(jit, second), second);
        assert_eq!(losses.reason_to_give_up(jit, second, second), None);
        for _ in 0..TIMEOUTS_PER_HALVING {
            losses.add(jit, &Cause::Timeout, second);
        }
        assert_eq!(losses.deadline(jit, second), second / 2);
        assert_eq!(losses.deadline(stack, second), second);
        assert!(losses.reason_to_give_up(jit, second * 4, second).is_some());
        assert_eq!(losses.reason_to_give_up(jit, second, second), None);
        for _ in 0..100 {
            losses.add(jit, &Cause::Timeout, second);
        }
        assert_eq!(losses.deadline(jit, second), second / 16);
        assert!(
            losses
                .reason_to_give_up(jit, Duration::ZERO, second)
                .is_some()
        );
        assert_eq!(
            losses.reason_to_give_up(stack, Duration::ZERO, second),
            None
        );
        losses.add(stack, &Cause::Crash(String::new()), second);
        assert_eq!(losses.deadline(stack, second), second);
    }
}
