//! Clocks: the system's, or made ones, in which time goes on by looking at it.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};

use crate::abi::Clock;

/// The clocks of a program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clocks {
    /// Those of the system.
    System,
    /// All clocks are one; its time, and the step by which it goes on at each look.
    Fixed { now: u64, step: u64 },
}

impl Clocks {
    /// The time of a clock in nanoseconds.
    pub(crate) fn now(&mut self, clock: Clock) -> u64 {
        match self {
            Clocks::System => nanoseconds(clock_gettime(of_system(clock))),
            Clocks::Fixed { now, step } => {
                let time = *now;
                *now = now.saturating_add(*step);
                time
            }
        }
    }

    /// The resolution of a clock in nanoseconds, which is not zero.
    pub(crate) fn resolution(&self, clock: Clock) -> u64 {
        let resolution = match self {
            Clocks::System => nanoseconds(clock_getres(of_system(clock))),
            Clocks::Fixed { step, .. } => *step,
        };
        resolution.max(1)
    }

    /// True if waiting takes no time.
    pub(crate) fn are_fixed(&self) -> bool {
        matches!(self, Clocks::Fixed { .. })
    }

    /// Sets made clocks forward.
    pub(crate) fn pass(&mut self, time: Duration) {
        if let Clocks::Fixed { now, .. } = self {
            let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            *now = now.saturating_add(time);
        }
    }
}

fn of_system(clock: Clock) -> ClockId {
    match clock {
        Clock::Realtime => ClockId::Realtime,
        Clock::Monotonic => ClockId::Monotonic,
        Clock::ProcessCpu => ClockId::ProcessCPUTime,
        Clock::ThreadCpu => ClockId::ThreadCPUTime,
    }
}

fn nanoseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}
