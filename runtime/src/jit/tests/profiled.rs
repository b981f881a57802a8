//! Without a profile, code has nothing of one: no instruction reads the word of interruption or
//! writes the frame of a call out of code, and names for a system's profiler change no byte.

use std::mem::offset_of;

use super::encode;
use crate::engine::{Config, Engine, Tier};
use crate::jit::JitTier;
use crate::jit::code::signature::Signature;
use crate::jit::host::HostTarget;
use crate::jit::pipeline::{self, Image};
use crate::jit::target::{Mode, Target};
use crate::module::ModuleParts;
use crate::perf_map::PerfMap;
use crate::sample::Sampler;
use crate::types::{FuncType, ValType};
use crate::vm::Cx;

/// Calls out of code by import and helper, loops, traps.
const PROGRAM: &str = r#"(module
  (import "m" "f" (func $host (param i32)))
  (memory 1)
  (func $fill (param i32) (memory.fill (local.get 0) (i32.const 7) (i32.const 9)))
  (func (export "run") (param i32) (result i32)
    (loop $again
      (call $host (local.get 0))
      (call $fill (local.get 0))
      (br_if $again (local.tee 0 (i32.div_u (local.get 0) (i32.const 2)))))
    (i32.load (local.get 0))))"#;

fn image(config: &Config) -> Image {
    let engine = Engine::with_backend(*config, Box::new(JitTier::compiling(config)));
    let module = ModuleParts::new(&engine, &encode(PROGRAM)).expect("the module is valid");
    pipeline::compile::<HostTarget>(&module, config).expect("it compiles")
}

/// Loads and stores of 64 bits at an offset of the register that has `Cx` (Arm ARM, "LDR
/// (immediate)", unsigned offset).
fn accesses(code: &[u8], offset: usize) -> usize {
    const CX: u32 = 27;
    let imm12 = u32::try_from(offset / 8).expect("a small offset");
    let access = 0xf900_0000 | imm12 << 10 | CX << 5;
    let words = code.chunks_exact(4);
    let words = words.map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    words.filter(|word| word & 0xffbf_ffe0 == access).count()
}

#[test]
fn code_without_a_profile_has_nothing_of_one() {
    let config = Config::only(Tier::Jit);
    let plain = image(&config);
    let offsets = [offset_of!(Cx, interrupt), offset_of!(Cx, jit_exit)];
    let accessed = |code: &[u8]| offsets.map(|it| accesses(code, it));
    assert_eq!(accessed(&plain.bytes), [0, 0]);

    let file = std::fs::File::open("/dev/null").expect("it is there");
    let named = image(&Config {
        perf_map: Some(PerfMap::leak(file)),
        ..config
    });
    assert!(named.bytes == plain.bytes, "names change the code");

    let interruptible = Config {
        interruptible: true,
        ..config
    };
    let sampled = Config {
        sampler: Some(Sampler::leak(false)),
        ..interruptible
    };
    // Each function reads once where its polls look, with a sampler as without.
    for config in [interruptible, sampled] {
        assert_eq!(accessed(&image(&config).bytes), [2, 0]);
    }
    // A call of a host function shows its frame to a sampler, and to nobody else.
    let signature = Signature::new(&FuncType::new([ValType::I32], []));
    let exits = [config, interruptible, sampled].map(|config| {
        let stub = HostTarget::host_stub(&signature, Mode::new(&config));
        accessed(&stub.expect("it is emitted").bytes)
    });
    assert_eq!(exits, [[0, 0], [0, 0], [0, 3]]);
}
