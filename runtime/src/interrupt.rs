//! Interruption from outside: requests and deadlines, which running code polls.
//!
//! A store has one word of flags. Code of an engine that is configured as interruptible reads it
//! at function entries and loop heads, and traps with `Interrupted` where it is not 0; so do
//! helpers in the middle of long bulk instructions. A request is one-shot: the trap that delivers
//! it takes it back. A deadline that has passed stays until another one is set. One of the flags
//! asks for a sample (`sample.rs`), which ends nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::sample::{DUE as SAMPLE, Sampler};

/// The stack of a thread that waits, whatever the environment asks for.
const TIMER_STACK_BYTES: usize = 256 << 10;

const REQUESTED: u32 = 1;
const EXPIRED: u32 = 2;
// The next bit is SAMPLE: code that polls gives a sample, and goes on.

/// True if code that polls and finds these flags ends.
pub(crate) fn ends(flags: u32) -> bool {
    flags & !SAMPLE != 0
}

/// Interrupts a store, from any thread. Outlives the store harmlessly.
///
/// ```
/// use wassay_runtime::{Config, Engine, Store};
///
/// let engine = Engine::new(Config::new().interruptible(true))?;
/// let store = Store::new(&engine, ());
/// let handle = store.interrupt_handle()?;
/// std::thread::spawn(move || handle.interrupt()).join().unwrap();
/// assert!(store.interrupt_handle()?.is_pending());
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct InterruptHandle {
    flags: Arc<AtomicU32>,
}

impl InterruptHandle {
    /// Asks the store to trap with `Interrupted` at the next place where its code polls; if none
    /// is running, soon after the next call.
    pub fn interrupt(&self) {
        self.flags.fetch_or(REQUESTED, Ordering::Relaxed);
    }

    /// True if code that polls now traps.
    pub fn is_pending(&self) -> bool {
        ends(self.flags.load(Ordering::Relaxed))
    }

    /// Lets a sampler ask code that polls for samples.
    pub(crate) fn attach(&self, sampler: &Sampler) {
        sampler.add_store(&self.flags);
    }

    /// Takes that back.
    pub(crate) fn take_sample(&self) {
        self.flags.fetch_and(!SAMPLE, Ordering::Relaxed);
    }

    /// The word that code polls. It lives as long as any handle.
    pub(crate) fn flags(&self) -> *const AtomicU32 {
        Arc::as_ptr(&self.flags)
    }

    /// Takes the request back that a trap has delivered.
    pub(crate) fn delivered(&self) {
        self.flags.fetch_and(!REQUESTED, Ordering::Relaxed);
    }
}

/// A deadline that runs; dropping it lets it run no more.
#[derive(Debug)]
pub(crate) struct Deadline {
    handle: InterruptHandle,
    cancel: Option<mpsc::Sender<()>>,
    timer: Option<JoinHandle<()>>,
}

impl Deadline {
    /// Sets the flag once `after` has passed.
    ///
    /// # Errors
    /// `Internal` if the system gives no thread for the timer.
    pub(crate) fn start(handle: &InterruptHandle, after: Duration) -> Result<Deadline> {
        let (cancel, cancelled) = mpsc::channel();
        let flags = handle.flags.clone();
        let wait = move || {
            if let Err(RecvTimeoutError::Timeout) = cancelled.recv_timeout(after) {
                flags.fetch_or(EXPIRED, Ordering::Relaxed);
            }
        };
        Ok(Deadline {
            handle: handle.clone(),
            cancel: Some(cancel),
            timer: Some(timer("deadline", wait)?),
        })
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        drop(self.cancel.take());
        if let Some(timer) = self.timer.take() {
            let _ended = timer.join();
        }
        self.handle.flags.fetch_and(!EXPIRED, Ordering::Relaxed);
    }
}

/// A thread that asks for samples; dropping it ends it.
#[derive(Debug)]
pub struct SampleTimer {
    cancel: Option<mpsc::Sender<()>>,
    timer: Option<JoinHandle<()>>,
}

impl SampleTimer {
    /// Asks the stores of a sampler for a sample each time that `period` has passed.
    ///
    /// # Errors
    /// `Internal` if the system gives no thread for the timer.
    pub fn start(sampler: &'static Sampler, period: Duration) -> Result<SampleTimer> {
        let (cancel, cancelled) = mpsc::channel();
        sampler.ask();
        let ask = move || {
            while let Err(RecvTimeoutError::Timeout) = cancelled.recv_timeout(period) {
                sampler.ask();
            }
        };
        Ok(SampleTimer {
            cancel: Some(cancel),
            timer: Some(timer("sampler", ask)?),
        })
    }
}

impl Drop for SampleTimer {
    fn drop(&mut self) {
        drop(self.cancel.take());
        if let Some(timer) = self.timer.take() {
            let _ended = timer.join();
        }
    }
}

/// Starts a thread that waits.
fn timer(name: &str, wait: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(TIMER_STACK_BYTES);
    thread.spawn(wait).map_err(|error| {
        Error::new(
            ErrorKind::Internal,
            format!("no thread for a timer: {error}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_delivered_once_and_a_deadline_stays() {
        let handle = InterruptHandle::default();
        let deadline = Deadline::start(&handle, Duration::from_secs(3600)).expect("a thread");
        assert!(!handle.is_pending());
        handle.clone().interrupt();
        assert!(handle.is_pending());
        handle.delivered();
        assert!(!handle.is_pending());
        let sampler = Sampler::leak(false);
        handle.attach(sampler);
        sampler.ask();
        assert!(!handle.is_pending());
        assert_ne!(handle.flags.load(Ordering::Relaxed), 0);
        handle.take_sample();
        assert_eq!(handle.flags.load(Ordering::Relaxed), 0);
        drop(deadline);
        let deadline = Deadline::start(&handle, Duration::ZERO).expect("a thread");
        while !handle.is_pending() {
            std::thread::yield_now();
        }
        handle.delivered();
        assert!(handle.is_pending());
        drop(deadline);
        assert!(!handle.is_pending());
    }
}
