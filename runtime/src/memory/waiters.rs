//! The waiters at the addresses of a shared memory (threads proposal: "Wait and Notify operators").
//!
//! A wait compares and enlists under the lock that a notification takes, so none is lost between.
//! Waiters of an address are woken in the order in which they came. A wait looks every
//! [`CHECK_PERIOD`] whether it has been interrupted, so that an interruption does not have to find
//! its queue.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest time for which an interruption goes unnoticed.
const CHECK_PERIOD: Duration = Duration::from_millis(5);

/// The ending of a wait. The discriminants are the instruction's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// A notification woke it.
    Woken = 0,
    /// The value at the address was another one.
    NotEqual = 1,
    /// The time was over.
    TimedOut = 2,
    /// The wait was interrupted, which is not a result of the instruction.
    Interrupted = 3,
}

/// The waiters of one memory, by address.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    queues: Mutex<HashMap<u64, VecDeque<Arc<Condvar>>>>,
}

impl Waiters {
    /// Waits at `address` until it is notified, if `is_expected` says that the value is the
    /// expected one; at most for `timeout`, if there is one.
    pub(super) fn wait(
        &self,
        address: u64,
        timeout: Option<Duration>,
        is_expected: impl FnOnce() -> bool,
        is_interrupted: impl Fn() -> bool,
    ) -> Waited {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut queues = self.lock();
        if !is_expected() {
            return Waited::NotEqual;
        }
        let own = Arc::new(Condvar::new());
        queues.entry(address).or_default().push_back(own.clone());
        loop {
            let period = match deadline {
                None => CHECK_PERIOD,
                Some(deadline) => deadline
                    .saturating_duration_since(Instant::now())
                    .min(CHECK_PERIOD),
            };
            queues = own
                .wait_timeout(queues, period)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            // A notification has taken it out of the queue, a waking for no reason has not.
            let queue = queues.get_mut(&address);
            let place = queue.and_then(|queue| queue.iter().position(|it| Arc::ptr_eq(it, &own)));
            let Some(place) = place else {
                return Waited::Woken;
            };
            let is_over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if is_over || is_interrupted() {
                remove(&mut queues, address, place);
                let interrupted = !is_over;
                return [Waited::TimedOut, Waited::Interrupted][usize::from(interrupted)];
            }
        }
    }

    /// Wakes the first `count` waiters at `address`: the number that it woke.
    pub(super) fn notify(&self, address: u64, count: u32) -> u32 {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(&address) else {
            return 0;
        };
        let woken = queue.len().min(count as usize);
        queue.drain(..woken).for_each(|waiter| waiter.notify_one());
        if queue.is_empty() {
            queues.remove(&address);
        }
        woken as u32
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, VecDeque<Arc<Condvar>>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove(queues: &mut HashMap<u64, VecDeque<Arc<Condvar>>>, address: u64, place: usize) {
    if let Some(queue) = queues.get_mut(&address) {
        queue.remove(place);
        if queue.is_empty() {
            queues.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_a_wait_that_is_over() {
        let waiters = Waiters::default();
        let never = || false;
        let wait = |timeout: u64| {
            let timeout = Some(Duration::from_millis(timeout));
            waiters.wait(8, timeout, || true, never)
        };
        assert_eq!([wait(0), wait(12)], [Waited::TimedOut; 2]);
        assert_eq!(waiters.wait(8, None, never, never), Waited::NotEqual);
        assert_eq!(waiters.wait(8, None, || true, || true), Waited::Interrupted);
        assert_eq!(waiters.notify(8, 9), 0);
        assert!(waiters.lock().is_empty());
    }

    #[test]
    fn waiters_are_woken_in_order_and_no_more_than_asked_for() {
        let waiters = Waiters::default();
        let woken = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for number in 0..3 {
                let (waiters, woken) = (&waiters, &woken);
                scope.spawn(move || {
                    assert_eq!(waiters.wait(4, None, || true, || false), Waited::Woken);
                    woken.lock().unwrap().push(number);
                });
                while waiters.lock().get(&4).map_or(0, VecDeque::len) <= number {
                    std::thread::yield_now();
                }
            }
            assert_eq!([waiters.notify(0, 3), waiters.notify(4, 0)], [0, 0]);
            for number in 0..2 {
                assert_eq!(waiters.notify(4, 1), 1);
                while woken.lock().unwrap().len() <= number {
                    std::thread::yield_now();
                }
            }
            assert_eq!(waiters.notify(4, u32::MAX), 1);
        });
        assert_eq!(woken.into_inner().unwrap(), [0, 1, 2]);
    }
}
