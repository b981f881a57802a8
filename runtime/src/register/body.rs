//! The bodies of a module's functions in this tier, and their translation: all at once, or each
//! when it is first called.
//!
//! What a call names, and what `FuncInst::register` points to, is the first cell of code: the size
//! of its frame. Before a body is translated it is the [`Body`] itself, which begins with the size
//! of a frame that has room nowhere. So its first call ends on the way of a call without room, and
//! other calls pay nothing: there (`register/call.rs`) the body is translated, the code's address
//! is put where the body's was taken from, and the call is made once more.
//!
//! Threads whose stores share a module may call a body first at the same time: each translates, the
//! code of one is kept. The cells that name code are therefore read and written atomically.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::Compiled;
use super::fuse;
use super::machine::Ip;
use super::unwind::{self, Handlers};
use crate::backtrace::Frame;
use crate::engine::{Compilation, Config, Proof, Thresholds};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{self, Inst};
use crate::module::{Module, WeakModule};
use crate::ops::{Op, Shape};
use crate::store::StoreData;
use crate::trap::TrapKind;
use crate::vm::Cx;

/// The frame of a body that is not translated: larger than any address space.
const UNTRANSLATED: u64 = 1 << 62;

/// A function's body.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Body {
    /// In place of the first cell of code.
    frame_bytes: u64,
    index: u32,
    unit: Arc<Unit>,
    code: OnceLock<Code>,
}

/// What translation needs to know, for all bodies of a module.
#[derive(Debug)]
struct Unit {
    module: WeakModule,
    config: Config,
    /// Of all bodies that are translated.
    handlers: Arc<unwind::Table>,
    /// When to ask for compiled code, if there is anyone to ask.
    thresholds: Option<Thresholds>,
}

/// The cells of a translated body. Other code points to them, so that they do not move.
#[derive(Debug)]
struct Code(NonNull<[u64]>);

// SAFETY: it owns its cells; those that are written after it is shared are accessed atomically.
unsafe impl Send for Code {}
// SAFETY: as above.
unsafe impl Sync for Code {}

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: it was made from a box, and nothing runs the code of a module that has gone.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl Code {
    fn new(cells: &[u64]) -> Code {
        Code(NonNull::from(Box::leak(Box::from(cells))))
    }

    fn address(&self) -> Ip {
        self.0.as_ptr().cast()
    }

    fn end(&self) -> Ip {
        self.address().wrapping_add(self.0.len())
    }

    /// Puts the address of code into a cell.
    fn link(&self, cell: usize, code: Ip) {
        debug_assert!(cell < self.0.len());
        // SAFETY: the cell is one of these.
        unsafe { link(self.address().add(cell), code) };
    }
}

/// Puts the address of code into a cell that calls read.
///
/// # Safety
/// It is a cell of a calling instruction, in finished code, that names code.
pub(super) unsafe fn link(cell: Ip, code: Ip) {
    // SAFETY: the caller's contract; such cells are only accessed atomically.
    unsafe { AtomicU64::from_ptr(cell.cast_mut()) }.store(code as u64, Ordering::Release);
}

/// The address of code in a cell of a calling instruction.
///
/// # Safety
/// As for [`link`].
#[inline(always)]
pub(super) unsafe fn linked(cell: Ip) -> Ip {
    // SAFETY: as for `link`.
    unsafe { AtomicU64::from_ptr(cell.cast_mut()) }.load(Ordering::Acquire) as Ip
}

/// What is kept from one body to the next.
#[derive(Default)]
struct Translator {
    building: ir::Scratch,
    fusing: fuse::Scratch,
    proof: Proof,
}

/// The bodies of a module, translated if the configuration asks for that.
///
/// # Errors
/// `Unsupported` with the first opcode that this tier does not execute; `Limit`.
pub(super) fn compile(
    module: &Module,
    config: &Config,
    handlers: &Arc<unwind::Table>,
    thresholds: Option<Thresholds>,
) -> Result<(Box<[Body]>, Proof)> {
    let unit = Arc::new(Unit {
        module: module.downgrade(),
        config: *config,
        handlers: handlers.clone(),
        thresholds,
    });
    let body = |index| Body {
        frame_bytes: UNTRANSLATED,
        index,
        unit: unit.clone(),
        code: OnceLock::new(),
    };
    let bodies: Box<[Body]> = (0..module.bodies.len() as u32).map(body).collect();
    let mut translator = Translator::default();
    if config.compilation == Compilation::Eager {
        let mut calls = Vec::new();
        for (i, body) in bodies.iter().enumerate() {
            let translated = translator.translate(module, body, |cell, callee| {
                calls.push((i, cell, callee));
            })?;
            body.publish(translated);
        }
        for (caller, cell, callee) in calls {
            if let Some(code) = bodies[caller].code.get() {
                code.link(cell, bodies[callee].address());
            }
        }
    }
    translator.proof.functions = bodies.len() as u64;
    Ok((bodies, translator.proof))
}

impl Translator {
    /// The code of a body, and what catches exceptions in it; `call` is given the cells that are to
    /// name code, and whose.
    fn translate(
        &mut self,
        module: &Module,
        body: &Body,
        mut call: impl FnMut(usize, usize),
    ) -> Result<(Code, Option<Handlers>)> {
        let config = &body.unit.config;
        let func = ir::build_in(module, body.index as usize, config, &mut self.building)?;
        let thresholds = body.unit.thresholds;
        let fused = fuse::fuse(&func, config.profile, thresholds, &mut self.fusing)?;
        let code = Code::new(fused.cells);
        for &(cell, callee) in fused.calls {
            if let Some(callee) = module.body_index(callee) {
                call(cell, callee);
            }
        }
        let handlers = fused.handlers;
        match thresholds {
            None => self.count(&func),
            Some(_) => self.proof.tiered.interpreted += 1,
        }
        self.building.recycle(func);
        Ok((code, handlers))
    }

    fn count(&mut self, func: &ir::Func) {
        let mut helped = 0;
        for inst in &func.insts {
            if let Some(op) = helper_op(inst) {
                let count = &mut self.proof.ops_via_helper;
                *count.entry(op.mnemonic()).or_default() += 1;
                helped += 1;
            }
        }
        self.proof.compiled += 1;
        self.proof.ops_inline += func.ops - helped;
    }
}

/// The opcode of an instruction that a helper executes.
fn helper_op(inst: &Inst) -> Option<Op> {
    match *inst {
        Inst::Helper { op, .. } => Some(op),
        Inst::Aggregate { op, .. } if op != Op::StructNew => Some(op),
        Inst::Throw { .. } => Some(Op::Throw),
        Inst::Atomic { op, .. } if op.shape() == Shape::AtomicSync => Some(op),
        _ => None,
    }
}

impl Body {
    /// What calls of it name.
    pub(super) fn address(&self) -> Ip {
        match self.code.get() {
            Some(code) => code.address(),
            None => (&raw const *self).cast(),
        }
    }

    /// What calls of another body of the module name before it is translated.
    fn address_of(&self, other: usize) -> Ip {
        let distance = other as isize - self.index as isize;
        (&raw const *self).wrapping_offset(distance).cast()
    }

    /// Its code, translated now if it has not been; what that adds to the proof.
    fn translated(&self) -> Result<(&Code, Proof)> {
        let mut translator = Translator::default();
        if let Some(code) = self.code.get() {
            return Ok((code, translator.proof));
        }
        let module = self.unit.module.upgrade();
        let module =
            module.ok_or_else(|| Error::new(ErrorKind::Internal, "the module has gone"))?;
        let mut calls = Vec::new();
        let call = |cell, callee| calls.push((cell, callee));
        let translated = translator.translate(&module, self, call)?;
        for (cell, callee) in calls {
            translated.0.link(cell, self.address_of(callee));
        }
        Ok((self.publish(translated), translator.proof))
    }

    /// Which cells come from which bytes of the module.
    fn positions(&self, module: &Module) -> Result<Vec<(u32, u32)>> {
        let config = &self.unit.config;
        let func = ir::build_with(module, self.index as usize, config)?;
        fuse::positions(&func, config.profile, self.unit.thresholds)
    }

    /// Keeps code, unless there is some by now; gives what is kept.
    fn publish(&self, (code, handlers): (Code, Option<Handlers>)) -> &Code {
        self.code.get_or_init(|| {
            if let Some(handlers) = handlers {
                self.unit.handlers.add(code.address(), code.end(), handlers);
            }
            code
        })
    }
}

/// Whether what calls name is a body that has no code yet.
///
/// # Safety
/// It is code or a body of a live module.
pub(super) unsafe fn is_untranslated(at: Ip) -> bool {
    // SAFETY: code and bodies begin with the size of a frame.
    unsafe { *at == UNTRANSLATED }
}

impl Compiled {
    /// The frame in a backtrace of the function that has stopped before `ip`; none if that is in
    /// the code of no function.
    pub(super) fn frame(&self, ip: Ip) -> Option<Frame> {
        let ranges = self.bodies.iter().filter_map(|body| {
            let code = body.code.get()?;
            (code.address() < ip && ip <= code.end()).then_some((body, code))
        });
        let (body, code) = ranges.into_iter().next()?;
        let module = body.unit.module.upgrade()?;
        let cell = (ip as usize - code.address() as usize) / size_of::<u64>();
        // What has been translated can be translated again.
        let positions = || body.positions(&module).unwrap_or_default();
        let positions = self.positions.of(body.index as usize, positions);
        Some(Frame {
            offset_bytes: positions.before(cell as u32),
            func: module.imported.funcs + body.index,
            module: module.naming(),
        })
    }
}

/// The code to call where a call of what is at `at` has found no room: that of a body which is
/// translated now if it has not been.
///
/// # Errors
/// The trap that the call is, if `at` is code: then there was no room indeed. Or, if the body
/// cannot be translated, `HostError`, with the error left in the store.
///
/// # Safety
/// `cx` is a live store's, and `at` what a call in it names.
pub(super) unsafe fn ready(cx: *mut Cx, at: Ip) -> std::result::Result<Ip, TrapKind> {
    // SAFETY: the caller's contract.
    if !unsafe { is_untranslated(at) } {
        return Err(TrapKind::StackExhausted);
    }
    // SAFETY: such a frame is a body's. No other reference into the store is in use meanwhile.
    let (body, store) = unsafe { (&*at.cast::<Body>(), &mut *(*cx).store.cast::<StoreData>()) };
    match body.translated() {
        Ok((code, proof)) => {
            store.proof.add(&proof);
            Ok(code.address())
        }
        Err(error) => {
            store.host_error = Some(error);
            Err(TrapKind::HostError)
        }
    }
}
