//! Counting, and functions that leave the tier, with functions of this file in the place of
//! compiled code: so these run on every host.

use std::sync::{Arc, Mutex};

use super::assemble;
use crate::engine::{
    Backend, Config, Engine, FrameShape, Promote, Promotion, Proof, Thresholds, Tier,
};
use crate::error::Result;
use crate::module::{CompiledModule, ModuleParts};
use crate::register::RegisterTier;
use crate::trap::TrapKind;
use crate::types::FuncType;
use crate::value::Val;
use crate::vm::{Cx, EXIT_OK, EXIT_TAIL_CALL, Entry, Exit, FuncInst};
use crate::{Instance, Store};

/// What stands for the compiled code of functions and loops.
#[derive(Clone, Copy, Debug)]
struct Fake {
    thresholds: Thresholds,
    function: Promotion<Entry>,
    at_loop: Promotion<Entry>,
}

impl Fake {
    fn new(calls: u32, function: Promotion<Entry>) -> Fake {
        Fake {
            thresholds: Thresholds {
                calls,
                back_edges: u32::MAX,
                ..Thresholds::default()
            },
            function,
            at_loop: Promotion::Never,
        }
    }

    fn at_loops(back_edges: u32, at_loop: Promotion<Entry>) -> Fake {
        Fake {
            thresholds: Thresholds {
                calls: u32::MAX,
                back_edges,
                ..Thresholds::default()
            },
            function: Promotion::Never,
            at_loop,
        }
    }
}

/// What was asked for: a function's index, and the shape of its frame if at a loop.
type Asked = Arc<Mutex<Vec<(u32, Option<FrameShape>)>>>;

#[derive(Debug)]
struct Promoter {
    fake: Fake,
    asked: Asked,
}

impl Promote for Promoter {
    fn thresholds(&self) -> Thresholds {
        self.fake.thresholds
    }

    /// Only functions that are exported under the name `hot` have code: those of index 0.
    unsafe fn function(&self, func: *mut FuncInst) -> Promotion<()> {
        // SAFETY: the caller's contract.
        let func = unsafe { &mut *func };
        if func.index != 0 {
            return Promotion::Never;
        }
        self.asked.lock().unwrap().push((func.index, None));
        match self.fake.function {
            Promotion::Done(entry) => {
                func.entry = entry;
                RegisterTier.install_outside(func);
                Promotion::Done(())
            }
            Promotion::Pending => Promotion::Pending,
            Promotion::Never => Promotion::Never,
        }
    }

    unsafe fn at_loop(
        &self,
        func: *mut FuncInst,
        _head: u32,
        frame: FrameShape,
    ) -> Promotion<Entry> {
        // SAFETY: the caller's contract.
        let index = unsafe { (*func).index };
        self.asked.lock().unwrap().push((index, Some(frame)));
        SHAPE.set(frame);
        self.fake.at_loop
    }
}

#[derive(Debug)]
struct Tiers {
    fake: Fake,
    asked: Asked,
}

impl Backend for Tiers {
    fn tier(&self) -> Tier {
        Tier::Register
    }

    fn compile(&self, module: &ModuleParts, config: &Config) -> Result<Arc<dyn CompiledModule>> {
        let promoter = Promoter {
            fake: self.fake,
            asked: self.asked.clone(),
        };
        RegisterTier.compile_lazily(module, config, Arc::new(promoter))
    }

    fn install(&self, compiled: &dyn CompiledModule, module: &ModuleParts, func: &mut FuncInst) {
        RegisterTier.install(compiled, module, func);
    }

    fn install_host(&self, func: &mut FuncInst, ty: &FuncType) -> Result<()> {
        RegisterTier.install_host(func, ty)
    }

    fn proof(&self, compiled: &dyn CompiledModule) -> Proof {
        RegisterTier.proof(compiled)
    }
}

struct Run {
    store: Store,
    instance: Instance,
    asked: Asked,
}

impl Run {
    fn new(fake: Fake, wat: &str) -> Run {
        let asked = Asked::default();
        let tiers = Tiers {
            fake,
            asked: asked.clone(),
        };
        let engine = Engine::with_backend(Config::tiered(fake.thresholds), Box::new(tiers));
        let module =
            crate::Module::new(&engine, assemble(wat)).unwrap_or_else(|e| panic!("{e}\n{wat}"));
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        Run {
            store,
            instance,
            asked,
        }
    }

    #[track_caller]
    fn check(&mut self, export: &str, arg: i64, expected: std::result::Result<i64, TrapKind>) {
        let func = self.instance.get_func(&self.store, export).unwrap();
        let outcome = func.invoke(&mut self.store, &[Val::I64(arg)]);
        let outcome = outcome.map_err(|e| e.trap_kind().unwrap_or_else(|| panic!("{e}")));
        assert_eq!(
            outcome,
            expected.map(|value| vec![Val::I64(value)]),
            "{export} of {arg}"
        );
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

std::thread_local! {
    static SHAPE: std::cell::Cell<FrameShape> = const {
        std::cell::Cell::new(FrameShape { param_slots: 0, shift: 0 })
    };
}

/// Adds 1000.
unsafe extern "C" fn add(_: *mut FuncInst, _: *mut Cx, args: *mut u64) -> Exit {
    // SAFETY: the contract of `Entry`.
    unsafe { *args += 1000 };
    EXIT_OK
}

unsafe extern "C" fn fail(_: *mut FuncInst, _: *mut Cx, _: *mut u64) -> Exit {
    TrapKind::IntegerOverflow as Exit
}

/// Calls the function of the next index.
unsafe extern "C" fn forward(func: *mut FuncInst, cx: *mut Cx, args: *mut u64) -> Exit {
    // SAFETY: the contract of `Entry`; the tests' modules have such a function.
    unsafe {
        let next = next(func);
        crate::vm::enter(next, cx, args)
    }
}

/// Tail-calls the function of the next index.
unsafe extern "C" fn forward_by_tail(func: *mut FuncInst, cx: *mut Cx, args: *mut u64) -> Exit {
    // SAFETY: as above.
    unsafe {
        (*cx).tail_callee = next(func);
        *args += 1;
    }
    EXIT_TAIL_CALL
}

unsafe fn next(func: *mut FuncInst) -> *mut FuncInst {
    // SAFETY: the caller's contract.
    unsafe { *(*(*func).vm).funcs.add((*func).index as usize + 1) }
}

/// Ends a loop of [`LOOPS`]: gives parameter, local and operand as digits.
unsafe extern "C" fn end(_: *mut FuncInst, _: *mut Cx, args: *mut u64) -> Exit {
    let shape = SHAPE.get();
    // SAFETY: the contract of `Entry`, and of `Promote::at_loop`.
    unsafe {
        let slot = |n: u32| *args.add(shape.slot(n) as usize);
        *args = slot(0) * 1_000_000 + slot(1) * 1000 + slot(2);
    }
    EXIT_OK
}

const CALLS: &str = r#"(module
    (table funcref (elem $hot $next))
    (type $t (func (param i64) (result i64)))
    (tag $e (param i64))
    (func $hot (export "hot") (type $t) (i64.add (local.get 0) (i64.const 1)))
    (func $next (export "next") (type $t)
      (if (i64.eq (local.get 0) (i64.const 66)) (then (throw $e (i64.const 67))))
      (i64.add (local.get 0) (i64.const 50)))
    (func (export "direct") (type $t) (i64.mul (call $hot (local.get 0)) (i64.const 2)))
    (func (export "by table") (type $t)
      (i64.mul (call_indirect (type $t) (local.get 0) (i32.const 0)) (i64.const 2)))
    (func (export "by tail") (type $t) (return_call $hot (local.get 0)))
    (func (export "by reference") (type $t)
      (i64.mul (call_ref $t (local.get 0) (ref.func $hot)) (i64.const 2)))
    (func (export "catch") (type $t)
      (block $caught (result i64)
        (try_table (catch $e $caught) (return (call $hot (local.get 0))))
        (unreachable))
      (i64.add (i64.const 7))))"#;

#[test]
pub(super) fn a_function_leaves_the_tier_at_its_threshold() {
    for (threshold, before) in [(0, 0), (1, 0), (2, 1), (4, 3)] {
        let mut run = Run::new(Fake::new(threshold, Promotion::Done(add)), CALLS);
        for n in 0..6 {
            let expected = if n < before { n + 1 } else { n + 1000 };
            run.check("hot", n, Ok(expected));
        }
        assert_eq!(run.asked(), 1);
    }
}

#[test]
fn every_call_goes_to_what_is_outside() {
    for threshold in [1, 2] {
        let mut run = Run::new(Fake::new(threshold, Promotion::Done(add)), CALLS);
        for (export, times) in [
            ("direct", 2),
            ("by table", 2),
            ("by reference", 2),
            ("by tail", 1),
        ] {
            if threshold == 1 || run.asked() == 1 {
                run.check(export, 5, Ok(times * 1005));
            } else {
                run.check(export, 5, Ok(times * 6));
                run.check(export, 5, Ok(times * 1005));
            }
        }
        run.check("hot", 5, Ok(1005));
        assert_eq!(run.asked(), 1);
    }
}

#[test]
fn what_is_outside_may_end_in_every_way() {
    let mut run = Run::new(Fake::new(1, Promotion::Done(fail)), CALLS);
    for export in ["hot", "direct", "by tail", "catch"] {
        run.check(export, 5, Err(TrapKind::IntegerOverflow));
    }
    let mut run = Run::new(Fake::new(1, Promotion::Done(forward)), CALLS);
    run.check("direct", 5, Ok(110));
    run.check("by tail", 5, Ok(55));
    run.check("catch", 5, Ok(55));
    run.check("catch", 66, Ok(74));
    let mut run = Run::new(Fake::new(1, Promotion::Done(forward_by_tail)), CALLS);
    for _ in 0..2 {
        run.check("hot", 5, Ok(56));
        run.check("direct", 5, Ok(112));
        run.check("by tail", 5, Ok(56));
        run.check("catch", 65, Ok(74));
    }
}

/// Loops whose heads have a parameter, a local and an operand in their slots.
const LOOPS: &str = r#"(module
    (type $t (func (param i64) (result i64)))
    (func $once (export "run") (type $t) (local $x i64)
      (i64.extend8_s (i64.const 7))
      (loop $again
        (local.set $x (i64.add (local.get $x) (i64.const 10)))
        (br_if $again (i64.ne (i64.const 0)
          (local.tee 0 (i64.sub (local.get 0) (i64.const 1))))))
      (i64.add (local.get $x)))
    (func $next (type $t) (i64.mul (local.get 0) (i64.const 3)))
    (func (export "call") (type $t) (i64.add (call $once (local.get 0)) (i64.const 1))))"#;

#[test]
pub(super) fn a_loop_leaves_the_tier_with_its_state() {
    for threshold in [0, 1, 2, 5] {
        let mut run = Run::new(Fake::at_loops(threshold, Promotion::Done(end)), LOOPS);
        let rounds = i64::from(threshold.max(1)) - 1;
        run.check("run", 9, Ok((9 - rounds) * 1_000_000 + rounds * 10_000 + 7));
        run.check("run", 9, Ok(9_000_007));
        run.check("call", 9, Ok(9_000_008));
        assert_eq!(run.asked(), 1);
        assert_eq!(run.store.proof().tiered.loops_entered, 3);
    }
}

#[test]
pub(super) fn a_loop_that_leaves_may_end_in_every_way() {
    let mut run = Run::new(Fake::at_loops(3, Promotion::Done(fail)), LOOPS);
    run.check("call", 2, Ok(28));
    run.check("call", 5, Err(TrapKind::IntegerOverflow));
    let mut run = Run::new(Fake::at_loops(3, Promotion::Done(forward_by_tail)), LOOPS);
    run.check("call", 5, Ok((3 + 1) * 3 + 1));
    run.check("run", 5, Ok((5 + 1) * 3));
}

#[test]
fn what_is_not_ready_is_asked_for_again_and_what_never_is_is_not() {
    let mut run = Run::new(Fake::new(2, Promotion::Never), CALLS);
    let mut other = Run::new(Fake::new(2, Promotion::Pending), CALLS);
    for n in 0..300 {
        run.check("direct", n, Ok(2 * n + 2));
        other.check("direct", n, Ok(2 * n + 2));
    }
    assert_eq!((run.asked(), other.asked() > 2), (1, true));
    let mut run = Run::new(Fake::at_loops(2, Promotion::Never), LOOPS);
    let mut other = Run::new(Fake::at_loops(2, Promotion::Pending), LOOPS);
    run.check("run", 300, Ok(3007));
    other.check("run", 300, Ok(3007));
    assert_eq!((run.asked(), other.asked() > 2), (1, true));
}
