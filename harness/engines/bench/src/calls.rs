//! The cost of a call between the host and code: entering a function by its typed handle, and
//! calling a typed host function, in nanoseconds of this thread's processor time.
//!
//! Engines take turns within one process. A host call's cost is that of a loop that calls, less
//! that of the same loop without the call.

use std::collections::BTreeMap;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::Done;
use crate::table::{Figure, Job, Results, Row};

const MODULE: &str = r#"(module (import "host" "add" (func $add (param i32 i32) (result i32)))
    (func (export "entry") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "calls") (param i32) (result i32) (local i32)
        (loop $l
            (local.set 1 (call $add (local.get 1) (local.get 0)))
            (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))
    (func (export "loop") (param i32) (result i32) (local i32)
        (loop $l
            (local.set 1 (i32.add (local.get 1) (local.get 0)))
            (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"#;

const CALLS: i32 = 2_000_000;
const ROUNDS: usize = 9;

/// The nanoseconds for each call: of an entry, a loop with host calls, the loop alone.
type Nanoseconds = [f64; 3];

/// What an engine does in a round.
type Round = Box<dyn FnMut() -> Done<Nanoseconds>>;

/// Measures all engines.
///
/// # Errors
/// If an engine refuses the module or traps.
pub fn measure() -> Done<Results> {
    let buffer = wast::parser::ParseBuffer::new(MODULE)?;
    let bytes = wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode()?;
    let mut engines: Vec<(&str, Round)> = Vec::new();
    for (name, tier) in [
        ("wassay-register", wassay_runtime::Tier::Register),
        ("wassay-stack", wassay_runtime::Tier::Stack),
        ("wassay-jit", wassay_runtime::Tier::Jit),
    ] {
        if tier != wassay_runtime::Tier::Jit || wassay_runtime::interior::jit::CAN_RUN {
            engines.push((name, wassay(tier, &bytes)?));
        }
    }
    engines.push(("wasmi", wasmi(&bytes)?));
    let mut figures = [BTreeMap::new(), BTreeMap::new()];
    for _ in 0..ROUNDS {
        for (name, round) in &mut engines {
            let [entry, calls, plain] = round()?;
            for (figures, taken) in figures.iter_mut().zip([entry, calls - plain]) {
                let of_engine: &mut Vec<f64> = figures.entry((*name).to_owned()).or_default();
                of_engine.push(taken);
            }
        }
    }
    let rows = ["entry", "host call"].into_iter().zip(figures);
    let rows = rows.map(|(name, taken)| {
        let figures = taken
            .into_iter()
            .map(|(engine, it)| (engine, Figure::of(it)));
        Row::of_figures(name, figures.collect())
    });
    let names = engines.iter().map(|(name, _)| (*name).to_owned()).collect();
    Ok(Results::new(Job::Calls, ROUNDS, names, rows.collect()))
}

/// Times the three; `entry` is called often, the loops once.
fn round(
    mut entry: impl FnMut(i32) -> Done<i32>,
    mut calls: impl FnMut(i32) -> Done<i32>,
    mut plain: impl FnMut(i32) -> Done<i32>,
) -> Done<Nanoseconds> {
    let time = |work: &mut dyn FnMut() -> Done<i32>| -> Done<f64> {
        let started = nanoseconds()?;
        std::hint::black_box(work()?);
        Ok((nanoseconds()? - started) as f64 / f64::from(CALLS))
    };
    let mut entries = || (0..CALLS).try_fold(0, |sum, n| Ok(entry(n)?.wrapping_add(sum)));
    Ok([
        time(&mut entries)?,
        time(&mut || calls(CALLS))?,
        time(&mut || plain(CALLS))?,
    ])
}

fn nanoseconds() -> Done<i64> {
    Ok(getrusage(UsageWho::RUSAGE_THREAD)?
        .user_time()
        .num_microseconds()
        * 1000)
}

macro_rules! engine {
    ($store:ident, $instance:ident) => {{
        let entry = $instance.get_typed_func::<(i32, i32), i32>(&mut $store, "entry")?;
        let calls = $instance.get_typed_func::<i32, i32>(&mut $store, "calls")?;
        let plain = $instance.get_typed_func::<i32, i32>(&mut $store, "loop")?;
        Ok(Box::new(move || {
            let store = std::cell::RefCell::new(&mut $store);
            round(
                |n| Ok(entry.call(&mut **store.borrow_mut(), (n, 1))?),
                |n| Ok(calls.call(&mut **store.borrow_mut(), n)?),
                |n| Ok(plain.call(&mut **store.borrow_mut(), n)?),
            )
        }))
    }};
}

fn wassay(tier: wassay_runtime::Tier, bytes: &[u8]) -> Done<Round> {
    use wassay_runtime::{Config, Engine, Linker, Module, Store};
    let engine = Engine::new(Config::new().tier(tier))?;
    let module = Module::new(&engine, bytes)?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "add", |a: i32, b: i32| a.wrapping_add(b))?;
    let instance = linker.instantiate(&mut store, &module)?;
    engine!(store, instance)
}

fn wasmi(bytes: &[u8]) -> Done<Round> {
    use wasmi::{Engine, Linker, Module, Store};
    let engine = Engine::default();
    let module = Module::new(&engine, bytes)?;
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "add", |a: i32, b: i32| a.wrapping_add(b))?;
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    engine!(store, instance)
}
