//! Counting the steps of loops whose number must grow with the size of a function and not faster:
//! what the tests of scaling compare. Outside of tests nothing is counted.

#[cfg(test)]
std::thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Notes that `count` steps are taken.
#[inline]
pub(super) fn step(count: usize) {
    #[cfg(test)]
    STEPS.set(STEPS.get() + count as u64);
    #[cfg(not(test))]
    let _ = count;
}

/// The number of steps that this thread has taken.
#[cfg(test)]
pub(super) fn taken() -> u64 {
    STEPS.get()
}
