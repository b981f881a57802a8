//! Faults that are not those of guarded accesses go where they would have gone without this engine:
//! to the handler that was there before, or to the system, which ends the process. Each case is a
//! process of its own, forked before anything has installed a handler.

#![cfg(all(target_os = "linux", target_arch = "aarch64"))]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{c_int, c_void};
use wassay_runtime::{
    Bounds, Config, Engine, Extern, Instance, Module, Store, Tier, TrapKind, Val,
};

/// Addresses below this are never mapped.
const NOWHERE: usize = 0x10;
/// What the foreign handler ends the process with.
const HANDLED: c_int = 42;
/// The same, if the fault is not where it was expected.
const ELSEWHERE: c_int = 43;
const PANICKED: c_int = 44;
/// A process that faults again and again is ended by the system after this time.
const SECONDS_MAX: u32 = 60;

/// Where the foreign handler expects the fault, from when on any is told from none.
static EXPECTED: AtomicUsize = AtomicUsize::new(0);
/// Where the foreign handler expects its stack, if anywhere.
static STACK: AtomicUsize = AtomicUsize::new(0);
const STACK_BYTES: usize = 64 << 10;

#[derive(Debug, PartialEq, Eq)]
enum End {
    Code(c_int),
    Signal(c_int),
}

/// How a process ends that does this.
fn in_child(work: impl FnOnce()) -> End {
    // SAFETY: the child has this thread only, and ends without going back to the test's caller.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "a child process");
    if child == 0 {
        // SAFETY: a timer of this process.
        unsafe { libc::alarm(SECONDS_MAX) };
        let code = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(()) => 0,
            Err(_) => PANICKED,
        };
        // SAFETY: ends the process.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `child` is a child of this process.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    if libc::WIFSIGNALED(status) {
        End::Signal(libc::WTERMSIG(status))
    } else {
        End::Code(libc::WEXITSTATUS(status))
    }
}

unsafe extern "C" fn foreign(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    let here = ptr::from_ref(&info) as usize;
    let stack = STACK.load(Ordering::SeqCst);
    let is_on_stack = stack == 0 || (stack..stack + STACK_BYTES).contains(&here);
    // SAFETY: the system passes what it knows of the fault.
    let address = unsafe { (*info).si_addr() } as usize;
    let is_there = address == EXPECTED.load(Ordering::SeqCst) && is_on_stack;
    // SAFETY: ends the process.
    unsafe { libc::_exit(if is_there { HANDLED } else { ELSEWHERE }) };
}

/// Sets what happens at a signal: the foreign handler, or what the system does.
fn handle(signal: c_int, is_foreign: bool, flags: c_int) {
    // SAFETY: all-zero is the default action.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    if is_foreign {
        action.sa_sigaction = foreign as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | flags;
    }
    // SAFETY: the action is complete.
    assert_eq!(
        unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) },
        0
    );
}

fn handle_both(is_foreign: bool) {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        handle(signal, is_foreign, 0);
    }
}

/// Reads a byte of the process, in host code.
fn touch(address: usize) {
    // SAFETY: none: that is what is tested.
    unsafe { (address as *const u8).read_volatile() };
}

const WAT: &str = r#"(module (memory (export "memory") 1)
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))"#;

struct Run(Store, Instance);

impl Run {
    fn new(bounds: Bounds) -> Run {
        let buffer = wast::parser::ParseBuffer::new(WAT).unwrap();
        let wat = wast::parser::parse::<wast::Wat<'_>>(&buffer);
        let bytes = wat.and_then(|mut wat| wat.encode()).unwrap();
        let config = *Config::only(Tier::Jit).bounds(bounds);
        let engine = Engine::new(&config).unwrap();
        let mut store = Store::new(&engine, ());
        let module = Module::new(&engine, &bytes).unwrap();
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let mut run = Run(store, instance);
        run.must_work();
        run
    }

    fn load(&mut self, address: i32) -> Result<Vec<Val>, wassay_runtime::Error> {
        let func = self.1.get_func(&self.0, "load").unwrap();
        func.invoke(&mut self.0, &[Val::I32(address)])
    }

    /// Accesses are values or traps, as ever.
    fn must_work(&mut self) {
        assert_eq!(self.load(0), Ok(vec![Val::I32(0)]));
        for address in [65_533, 65_536, -4] {
            let kind = self.load(address).unwrap_err().trap_kind();
            assert_eq!(kind, Some(TrapKind::MemoryOutOfBounds));
        }
    }

    /// Takes the memory away, and gives the address of its first byte.
    fn take_memory(&self) -> usize {
        let Some(Extern::Memory(memory)) = self.1.get_export(&self.0, "memory") else {
            panic!("there is a memory");
        };
        let data = memory.data(&self.0);
        let address = data.as_ptr() as usize;
        // SAFETY: pages of a memory that only the code called next accesses.
        let taken = unsafe { libc::mprotect(address as *mut c_void, data.len(), libc::PROT_NONE) };
        assert_eq!(taken, 0);
        address
    }
}

#[test]
fn faults_of_the_host_go_to_the_handler_of_before() {
    for bounds in [Bounds::Guard, Bounds::Explicit] {
        let end = in_child(|| {
            handle_both(true);
            let _run = Run::new(bounds);
            EXPECTED.store(NOWHERE, Ordering::SeqCst);
            touch(NOWHERE);
        });
        assert_eq!(end, End::Code(HANDLED), "{bounds:?}");
    }
}

#[test]
fn faults_of_the_host_end_the_process_where_there_was_no_handler() {
    let end = in_child(|| {
        handle_both(false);
        let _run = Run::new(Bounds::Guard);
        touch(NOWHERE);
    });
    assert_eq!(end, End::Signal(libc::SIGSEGV));
    // With the handler that Rust's library has installed.
    let end = in_child(|| {
        let _run = Run::new(Bounds::Guard);
        touch(NOWHERE);
    });
    assert_eq!(end, End::Signal(libc::SIGSEGV));
}

#[test]
fn faults_of_compiled_code_where_none_is_expected_are_not_taken_for_traps() {
    for is_foreign in [true, false] {
        let end = in_child(|| {
            handle_both(is_foreign);
            let mut run = Run::new(Bounds::Explicit);
            let address = run.take_memory();
            EXPECTED.store(address, Ordering::SeqCst);
            let _ = run.load(0);
        });
        let expected = match is_foreign {
            true => End::Code(HANDLED),
            false => End::Signal(libc::SIGSEGV),
        };
        assert_eq!(end, expected);
    }
}

/// A page of a file that is too short to have it.
fn page_without_file() -> usize {
    // SAFETY: a new file without a name, and a mapping of it that nothing else knows.
    unsafe {
        let file = libc::memfd_create(c"empty".as_ptr(), 0);
        assert!(file >= 0);
        let (bytes, access) = (1 << 16, libc::PROT_READ);
        let page = libc::mmap(ptr::null_mut(), bytes, access, libc::MAP_SHARED, file, 0);
        assert_ne!(page, libc::MAP_FAILED);
        page as usize
    }
}

#[test]
fn bus_errors_of_the_host_are_passed_on() {
    for is_foreign in [true, false] {
        let end = in_child(|| {
            handle_both(is_foreign);
            let _run = Run::new(Bounds::Guard);
            let page = page_without_file();
            EXPECTED.store(page, Ordering::SeqCst);
            touch(page);
        });
        let expected = match is_foreign {
            true => End::Code(HANDLED),
            false => End::Signal(libc::SIGBUS),
        };
        assert_eq!(end, expected);
    }
}

#[test]
fn handlers_run_on_the_alternate_stack_where_there_is_one() {
    let end = in_child(|| {
        let stack = vec![0_u8; STACK_BYTES].leak().as_mut_ptr();
        let alternate = libc::stack_t {
            ss_sp: stack.cast(),
            ss_flags: 0,
            ss_size: STACK_BYTES,
        };
        // SAFETY: the stack is never given back.
        let set = unsafe { libc::sigaltstack(&raw const alternate, ptr::null_mut()) };
        assert_eq!(set, 0);
        handle(libc::SIGSEGV, true, libc::SA_ONSTACK);
        let _run = Run::new(Bounds::Guard);
        STACK.store(stack as usize, Ordering::SeqCst);
        EXPECTED.store(NOWHERE, Ordering::SeqCst);
        touch(NOWHERE);
    });
    assert_eq!(end, End::Code(HANDLED));
    // And in a thread without one, on its own stack.
    let end = in_child(|| {
        let disabled = libc::stack_t {
            ss_sp: ptr::null_mut(),
            ss_flags: libc::SS_DISABLE,
            ss_size: 0,
        };
        // SAFETY: handlers run on the thread's stack from now on.
        unsafe { libc::sigaltstack(&raw const disabled, ptr::null_mut()) };
        let mut run = Run::new(Bounds::Guard);
        run.must_work();
    });
    assert_eq!(end, End::Code(0));
}
