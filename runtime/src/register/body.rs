//! The bodies of a module's functions in this tier, and their translation: all at once, or each
//! when it is first called (`code.rs` has the path of a first call).
//!
//! Threads whose stores share a module may call a body first at the same time: each translates, the
//! code of one is kept. The cells that name code are therefore read and written atomically.

use std::sync::{Arc, OnceLock};

use super::code::{Bodies, Code, ExceptionHandlers, ExceptionTable, Untranslated};
use super::fuse;
use super::machine::Ip;
use crate::backtrace::{Frame, PositionCache};
use crate::engine::{Compilation, Config, Proof, Thresholds, Tier};
use crate::error::{Error, ErrorKind, Result};
use crate::ir::{self, Inst};
use crate::module::{ModuleParts, WeakModuleParts};
use crate::ops::{Op, Shape};
use crate::sample::timed;
use crate::store::StoreData;
use crate::trap::TrapKind;
use crate::vm::Cx;

/// A function's body.
#[derive(Debug)]
#[repr(C)]
struct Body {
    head: Untranslated,
    index: u32,
    unit: Arc<TranslationUnit>,
    code: OnceLock<Code>,
}

/// The bodies of a module.
#[derive(Debug)]
struct ModuleBodies {
    bodies: Box<[Body]>,
    /// For backtraces.
    positions: PositionCache,
}

/// The module that bodies are translated for.
#[derive(Debug)]
struct TranslationUnit {
    module: WeakModuleParts,
    config: Config,
    /// The exception handlers of all bodies that are translated.
    exceptions: Arc<ExceptionTable>,
    /// The thresholds of hot functions, if functions may leave the tier.
    thresholds: Option<Thresholds>,
}

/// Buffers that are kept from one body to the next, and the proof of all.
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
    module: &ModuleParts,
    config: &Config,
    exceptions: &Arc<ExceptionTable>,
    thresholds: Option<Thresholds>,
) -> Result<(Box<dyn Bodies>, Proof)> {
    let unit = Arc::new(TranslationUnit {
        module: module.downgrade(),
        config: *config,
        exceptions: exceptions.clone(),
        thresholds,
    });
    let body = |index| Body {
        head: Untranslated::new(translate),
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
    let positions = PositionCache::default();
    let bodies = Box::new(ModuleBodies { bodies, positions });
    Ok((bodies, translator.proof))
}

impl Translator {
    /// The code of a body and its exception handlers; `call` is given each cell that is to name
    /// code, and the body that it names.
    fn translate(
        &mut self,
        module: &ModuleParts,
        body: &Body,
        call: impl FnMut(usize, usize),
    ) -> Result<(Code, Option<ExceptionHandlers>)> {
        let sampler = body.unit.config.sampler;
        let func = || module.naming_of(body.index as usize);
        timed(sampler, Tier::Register.name(), func, || {
            self.translate_now(module, body, call)
        })
    }

    fn translate_now(
        &mut self,
        module: &ModuleParts,
        body: &Body,
        mut call: impl FnMut(usize, usize),
    ) -> Result<(Code, Option<ExceptionHandlers>)> {
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

    fn count(&mut self, func: &ir::FuncIr) {
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
    if let Inst::Helper { op, .. } = *inst {
        Some(op)
    } else if let Inst::Aggregate { op, .. } = *inst {
        (op != Op::StructNew).then_some(op)
    } else if let Inst::Atomic { op, .. } = *inst {
        (op.shape() == Shape::AtomicSync).then_some(op)
    } else {
        matches!(inst, Inst::Throw { .. }).then_some(Op::Throw)
    }
}

impl Body {
    /// The address that calls of the body name.
    fn address(&self) -> Ip {
        match self.code.get() {
            Some(code) => code.address(),
            None => (&raw const *self).cast(),
        }
    }

    /// The address that calls of another body of the module name before it is translated.
    fn address_of(&self, other: usize) -> Ip {
        let distance = other as isize - self.index as isize;
        (&raw const *self).wrapping_offset(distance).cast()
    }

    /// The code of the body, translated now if it has not been, and the addition to the proof.
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

    /// The cells that instructions begin with, and their bytes in the module.
    fn positions(&self, module: &ModuleParts) -> Result<Vec<(u32, u32)>> {
        let config = &self.unit.config;
        let func = ir::build_with(module, self.index as usize, config)?;
        fuse::positions(&func, config.profile, self.unit.thresholds)
    }

    /// Keeps code, unless there is some by now: the code that is kept.
    fn publish(&self, (code, handlers): (Code, Option<ExceptionHandlers>)) -> &Code {
        self.code.get_or_init(|| {
            if let Some(handlers) = handlers {
                self.unit
                    .exceptions
                    .add(code.address(), code.end(), handlers);
            }
            code
        })
    }
}

impl Bodies for ModuleBodies {
    fn address(&self, body: usize) -> Ip {
        self.bodies[body].address()
    }

    fn frame(&self, ip: Ip) -> Option<Frame> {
        let (body, code) = self.bodies.iter().find_map(|body| {
            let code = body.code.get()?;
            (code.address() < ip && ip <= code.end()).then_some((body, code))
        })?;
        let module = body.unit.module.upgrade()?;
        let cell = (ip as usize - code.address() as usize) / size_of::<u64>();
        // A body that has been translated can be translated again.
        let positions = || body.positions(&module).unwrap_or_default();
        let positions = self.positions.of(body.index as usize, positions);
        Some(Frame {
            offset_bytes: positions.before(cell as u32),
            func: module.imported.funcs + body.index,
            module: module.naming(),
        })
    }
}

/// Translates a body when it is first called; gives the address of its code.
///
/// # Safety
/// `head` is that of a [`Body`], and `cx` a live store's.
unsafe fn translate(head: *const Untranslated, cx: *mut Cx) -> std::result::Result<Ip, TrapKind> {
    // SAFETY: a body begins with its head. No other reference into the store is in use meanwhile.
    let (body, store) = unsafe { (&*head.cast::<Body>(), &mut *(*cx).store.cast::<StoreData>()) };
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
