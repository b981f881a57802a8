//! The code of a module's functions in this tier, and their translation: all at once, or each when
//! it is first called.
//!
//! The operand of a call, and the target of `FuncInst::stack`, is the function's [`FuncCode`], with
//! the size of its frame. Before the function is translated, that is larger than any stack: the
//! first call takes the path of a call without room (`stack/call.rs`), on which the function is
//! translated and the call made once more. Other calls pay nothing.
//!
//! Threads whose stores share a module may call a function first at the same time: each translates,
//! the code of one is kept. The size of the frame is read first and written last.

use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::translate::{Signature, Translated, Translator, signatures};
use super::unwind::ExceptionHandlers;
use crate::backtrace::{Frame, PositionCache};
use crate::engine::{Compilation, Config, Proof, Tier};
use crate::error::{Error, ErrorKind, Result};
use crate::module::{ModuleParts, WeakModuleParts};
use crate::sample;
use crate::store::StoreData;
use crate::trap::TrapKind;
use crate::vm::Cx;

/// The frame of a function that is not translated: larger than any address space.
const UNTRANSLATED: usize = 1 << 62;

/// A function's code, now or later.
#[derive(Debug)]
pub(super) struct FuncCode {
    frame_bytes: AtomicUsize,
    /// The first cell.
    cells: AtomicPtr<u64>,
    /// The function's index in its module.
    pub(super) index: u32,
    unit: Arc<TranslationUnit>,
    translated: OnceLock<Translated>,
}

/// The facts of a module that the translation of every function needs.
#[derive(Debug)]
struct TranslationUnit {
    module: WeakModuleParts,
    signatures: Box<[Signature]>,
    config: Config,
    /// For backtraces.
    positions: PositionCache,
}

/// The code of a module's functions, translated if the configuration asks for that.
///
/// # Errors
/// `Unsupported` with the mnemonic of the first opcode that this tier does not execute.
pub(super) fn compile(module: &ModuleParts, config: &Config) -> Result<(Box<[FuncCode]>, Proof)> {
    let unit = Arc::new(TranslationUnit {
        module: module.downgrade(),
        signatures: signatures(module),
        config: *config,
        positions: PositionCache::default(),
    });
    let code = |index| FuncCode {
        frame_bytes: AtomicUsize::new(UNTRANSLATED),
        cells: AtomicPtr::default(),
        index,
        unit: unit.clone(),
        translated: OnceLock::new(),
    };
    let indices = module.imported.funcs..module.funcs.len() as u32;
    let codes: Box<[FuncCode]> = indices.map(code).collect();
    let mut proof = Proof::default();
    if config.compilation == Compilation::Eager {
        let mut translator = Translator::new(module, &unit.signatures, config, codes.as_ptr());
        for code in &codes {
            code.publish(timed(config, module, code.index, || {
                translator.function(code.index)
            })?);
        }
        proof = translator.proof;
    }
    proof.functions = codes.len() as u64;
    Ok((codes, proof))
}

impl FuncCode {
    /// Room that a call needs on the value stack above its arguments.
    #[inline(always)]
    pub(super) fn frame_bytes(&self) -> usize {
        self.frame_bytes.load(Ordering::Acquire)
    }

    /// Where execution begins, once there has been room for the frame.
    #[inline(always)]
    pub(super) fn cells(&self) -> *const u64 {
        self.cells.load(Ordering::Relaxed)
    }

    /// The handlers of exceptions of a function that is running.
    pub(super) fn handlers(&self) -> &ExceptionHandlers {
        let translated = self.translated.get();
        &translated.expect("what runs has been translated").handlers
    }

    /// True if the function has an instruction before `ip`.
    pub(super) fn has_before(&self, ip: *const u64) -> bool {
        self.translated.get().is_some_and(|code| {
            let cells = code.cells.as_ptr_range();
            cells.start < ip && ip <= cells.end
        })
    }

    /// The frame of the function in a backtrace, which has stopped before `ip`.
    pub(super) fn frame(&self, ip: *const u64) -> Frame {
        let module = self.unit.module.upgrade();
        let module = module.expect("the module of running code is alive");
        let distance = (ip as usize).wrapping_sub(self.cells() as usize) / size_of::<u64>();
        let len = self.translated.get().map_or(0, |code| code.cells.len());
        let own = module.body_index(self.index).unwrap_or_default();
        let positions = || {
            let TranslationUnit {
                signatures, config, ..
            } = &*self.unit;
            let mut translator = Translator::new(&module, signatures, config, std::ptr::null());
            // What has been translated can be translated again.
            translator.positions(self.index).unwrap_or_default()
        };
        // A call without room may have put another function in place of the one that has made it.
        let position = Some(distance as u32).filter(|_| distance <= len);
        let offset_bytes =
            position.and_then(|at| self.unit.positions.of(own, positions).before(at));
        Frame {
            module: module.naming(),
            func: self.index,
            offset_bytes,
        }
    }

    fn publish(&self, translated: Translated) {
        let translated = self.translated.get_or_init(|| translated);
        let cells = translated.cells.as_ptr().cast_mut();
        self.cells.store(cells, Ordering::Relaxed);
        self.frame_bytes
            .store(translated.frame_bytes, Ordering::Release);
    }

    /// Translates the function, if it has not been: the addition to the proof.
    fn translate(&self) -> Result<Proof> {
        if self.frame_bytes() != UNTRANSLATED {
            return Ok(Proof::default());
        }
        let module = self.unit.module.upgrade();
        let module =
            module.ok_or_else(|| Error::new(ErrorKind::Internal, "the module has gone"))?;
        let TranslationUnit {
            signatures, config, ..
        } = &*self.unit;
        let own = module.body_index(self.index).unwrap_or_default();
        let codes = (&raw const *self).wrapping_sub(own);
        let mut translator = Translator::new(&module, signatures, config, codes);
        let translated = timed(config, &module, self.index, || {
            translator.function(self.index)
        });
        self.publish(translated?);
        Ok(translator.proof)
    }
}

/// Does the work of translating a function, and keeps its time if there is a sampler.
fn timed<R>(config: &Config, module: &ModuleParts, func: u32, translate: impl FnOnce() -> R) -> R {
    let name = || (module.naming(), func);
    sample::timed(config.sampler, Tier::Stack.name(), name, translate)
}

/// Translates a function for whose frame a call has found no room, if it has not been translated.
///
/// # Errors
/// `HostError` if it cannot be translated, with the error left in the store.
///
/// # Safety
/// `cx` is a live store's, and `code` that of a function in it.
pub(super) unsafe fn ready(
    cx: *mut Cx,
    code: *const FuncCode,
) -> std::result::Result<(), TrapKind> {
    // SAFETY: the caller's contract. No other reference into the store is in use while code runs.
    let (code, store) = unsafe { (&*code, &mut *(*cx).store.cast::<StoreData>()) };
    match code.translate() {
        Ok(proof) => {
            store.proof.add(&proof);
            Ok(())
        }
        Err(error) => {
            store.host_error = Some(error);
            Err(TrapKind::HostError)
        }
    }
}
