//! The switch of planted faults, which exists in the mutated copy of the runtime only.
//!
//! A worker reads `WASSAY_MUTANT` once, before `main`: the number of the fault that is active, or
//! `coverage`. Then each place that is evaluated is noted in the file `WASSAY_MUTANT_COVERAGE`, a
//! byte for each fault with a bit for each tier. Processes that are not workers have no faults, unless
//! `WASSAY_MUTANT_EVERYWHERE` is there too.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering::Relaxed};

/// The value of `ACTIVE` that means coverage.
const COVERAGE: u32 = u32::MAX;

static ACTIVE: AtomicU32 = AtomicU32::new(0);
static REACHED: AtomicPtr<AtomicU8> = AtomicPtr::new(ptr::null_mut());
static REACHED_LEN: AtomicU32 = AtomicU32::new(0);
static TIER: AtomicU8 = AtomicU8::new(0);

/// True if the fault of this number is active.
#[inline(always)]
pub fn on(number: u32) -> bool {
    let active = ACTIVE.load(Relaxed);
    active == number || (active == COVERAGE && note(number))
}

#[cold]
#[inline(never)]
fn note(number: u32) -> bool {
    if number < REACHED_LEN.load(Relaxed) {
        // SAFETY: the mapping has a byte for each number below the length.
        let byte = unsafe { &*REACHED.load(Relaxed).add(number as usize) };
        byte.fetch_or(TIER.load(Relaxed), Relaxed);
    }
    false
}

/// A number made wider by the other kind of extension. There is no row where the bits are the same.
pub trait Widen<T> {
    /// The wider number.
    fn widened(self) -> T;
}

/// A number without the upper bits that its type has and a program can use.
pub trait Narrow<T> {
    /// What is left of it.
    fn narrowed(self) -> T;
}

macro_rules! conversions {
    ($trait:ident $method:ident { $($from:ident as $by:ident => $($to:ident)*;)* }) => { $($(
        impl $trait<$to> for $from {
            #[inline(always)]
            fn $method(self) -> $to {
                self as $by as $to
            }
        }
    )*)* };
}

conversions! { Widen widened {
    u8 as i8 => u16 i16 u32 i32 u64 i64 usize isize u128 i128 f32 f64;
    i8 as u8 => u16 i16 u32 i32 u64 i64 usize isize u128 i128 f32 f64;
    u16 as i16 => u32 i32 u64 i64 usize isize u128 i128 f32 f64;
    i16 as u16 => u32 i32 u64 i64 usize isize u128 i128 f32 f64;
    u32 as i32 => u64 i64 usize isize u128 i128 f32 f64;
    i32 as u32 => u64 i64 usize isize u128 i128 f32 f64;
    u64 as i64 => u128 i128 f32 f64;
    i64 as u64 => u128 i128 f32 f64;
} }

conversions! { Narrow narrowed {
    u64 as u32 => u64 i64 usize;
    i64 as u32 => u64 i64 usize;
    u128 as u32 => u64 i64 usize;
    i128 as u32 => u64 i64 usize;
    u32 as u16 => u32 i32;
    i32 as u16 => u32 i32;
    u64 as u16 => u32 i32;
    i64 as u16 => u32 i32;
    usize as u16 => u32 i32;
} }

/// As [`Widen::widened`].
#[inline(always)]
pub fn widen<F: Widen<T>, T>(value: F) -> T {
    value.widened()
}

/// As [`Narrow::narrowed`].
#[inline(always)]
pub fn narrow<F: Narrow<T>, T>(value: F) -> T {
    value.narrowed()
}

#[used]
#[unsafe(link_section = ".init_array")]
static INIT: extern "C" fn(c_int, *const *const c_char, *const *const c_char) = init;

/// The tiers in the order of their bits.
const TIERS: [&[u8]; 5] = [b"stack", b"register", b"jit", b"tiered-1", b"tiered-2"];

extern "C" fn init(count: c_int, words: *const *const c_char, _: *const *const c_char) {
    let mut is_worker = false;
    let mut tier = 0;
    for n in 1..count.max(1) as usize {
        // SAFETY: the loader gives the words of the command, each a string.
        let word = unsafe { CStr::from_ptr(*words.add(n)) }.to_bytes();
        is_worker |= n == 1 && word == b"worker";
        if let Some(at) = TIERS.iter().position(|tier| *tier == word) {
            tier = 1 << at;
        }
    }
    // SAFETY: nothing else runs yet.
    is_worker |= unsafe { variable(c"WASSAY_MUTANT_EVERYWHERE") }.is_some();
    // SAFETY: nothing else runs yet.
    let Some(value) = (unsafe { variable(c"WASSAY_MUTANT") }).filter(|_| is_worker) else {
        return;
    };
    TIER.store(tier, Relaxed);
    if value.to_bytes() == b"coverage" {
        map_coverage();
    } else if let Ok(Ok(number)) = value.to_str().map(str::parse) {
        ACTIVE.store(number, Relaxed);
    }
}

unsafe fn variable(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: the caller's promise that no other thread changes the environment.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value))
    }
}

fn map_coverage() {
    // SAFETY: nothing else runs yet; the mapping is never removed.
    unsafe {
        let Some(path) = variable(c"WASSAY_MUTANT_COVERAGE") else {
            return;
        };
        let file = libc::open(path.as_ptr(), libc::O_RDWR);
        if file < 0 {
            return;
        }
        let len = libc::lseek(file, 0, libc::SEEK_END);
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let place = libc::mmap(ptr::null_mut(), len as usize, access, libc::MAP_SHARED, file, 0);
        if place != libc::MAP_FAILED {
            REACHED.store(place.cast(), Relaxed);
            REACHED_LEN.store(len as u32, Relaxed);
            ACTIVE.store(COVERAGE, Relaxed);
        }
    }
}
