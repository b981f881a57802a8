//! The stages from canonical IR to bytes, for a function and for a module, whatever the target.

use std::collections::hash_map::Entry;
use std::fmt::Write as _;
use std::marker::PhantomData;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::build::{self, Assumptions, HelperOps, resume};
use super::code::signature::Signature;
use super::code::symbol::Symbol;
use super::code::tables::Tables;
use super::code::tables::{FaultSite, FrameLayout, Pad, PadHandler, Piece, PieceKind, SourceLoc};
use super::code::{Code, Reloc};
use super::lower::layout::BlockLayout;
use super::lower::vcode::VCode;
use super::ssa::cfg::Cfg;
use super::ssa::{Block, FuncSsa, print};
use super::target::{Emitted, Listing, Mode, Surroundings, Target};
use super::{lower, opt};
use crate::engine::{Config, FrameShape, Proof, Tier};
use crate::error::{Error, Result};
use crate::ir;
use crate::limits::LimitKind;
use crate::module::ModuleParts;
use crate::sample;

/// A module's code, before it has an address.
#[derive(Debug)]
pub struct Image {
    /// Functions, shared pieces, entries.
    pub bytes: Vec<u8>,
    /// Ranges of `bytes` that are data, in ascending order.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "tests tell data from instructions by it")
    )]
    pub data: Vec<Range<u32>>,
    /// The offset of each function, by body.
    pub funcs: Vec<u32>,
    /// The offset of the entry of each signature.
    pub entries: FxHashMap<Signature, u32>,
    /// The records of the code.
    pub tables: Tables,
    /// The counts of what was compiled.
    pub proof: Proof,
}

/// A function on its way, stage by stage.
#[derive(Debug)]
pub struct Stages {
    /// SSA as built.
    pub built: String,
    /// SSA as optimised.
    pub optimised: String,
    /// The offset in the module from which each line of it comes.
    pub optimised_offsets: Vec<u32>,
    /// The instructions, in the order of emission.
    pub listing: String,
    /// The offset in the module from which each line of them comes.
    pub listing_offsets: Vec<u32>,
}

/// Compiles every function of a module.
///
/// # Errors
/// `Unsupported` with the opcode that this tier has no code for; `Limit` for code that is too
/// large.
pub fn compile<T: Target>(module: &ModuleParts, config: &Config) -> Result<Image> {
    let assumptions = Assumptions::new(config);
    let build = |body| {
        timed(module, body, config, || {
            ir::build_with(module, body, config)
        })
    };
    let irs = (0..module.bodies.len())
        .map(build)
        .collect::<Result<Vec<_>>>()?;
    let around = surroundings(&irs, config);
    let mut linker = Linker::<T>::new(module, config);
    let mut proof = Proof {
        functions: irs.len() as u64,
        ..Proof::default()
    };
    for (body, ir) in irs.iter().enumerate() {
        let helper_ops = timed(module, body, config, || {
            linker.compile(ir, assumptions, around)
        })?;
        count(&mut proof, ir.ops, &helper_ops);
    }
    let mode = Mode::new(config);
    let own = &module.signatures[module.imported.funcs as usize..];
    let signatures = own.iter().map(|ty| Signature::new(ty));
    linker.finish(signatures, mode, T::entry_stub, proof)
}

/// Does a part of the compilation of a function, and keeps its time if there is a sampler.
pub fn timed<R>(module: &ModuleParts, body: usize, config: &Config, work: impl FnOnce() -> R) -> R {
    let name = || module.naming_of(body);
    sample::timed(config.sampler, Tier::Jit.name(), name, work)
}

/// Compiles one function, by body, to an image of its own, with its entry.
///
/// # Errors
/// As [`compile`].
pub fn compile_function<T: Target>(
    module: &ModuleParts,
    body: usize,
    config: &Config,
) -> Result<Image> {
    let ir = ir::build_with(module, body, config)?;
    let ops = ir.ops;
    let mut linker = Linker::<T>::new(module, config);
    linker.frame_bytes_max = FRAME_BYTES_MAX_ALONE;
    let helper_ops = linker.compile(&ir, Assumptions::new(config), alone(config))?;
    let mut proof = Proof::default();
    count(&mut proof, ops, &helper_ops);
    let signature = Signature::new(&ir.ty);
    linker.finish([signature], Mode::new(config), T::entry_stub, proof)
}

/// Compiles the rest of a function from a loop head on, the number of the head's block in the IR.
/// The image's one entry is that of this code, which finds its slots in a frame of that shape.
///
/// # Errors
/// As [`compile`].
pub fn compile_loop<T: Target>(
    module: &ModuleParts,
    body: usize,
    config: &Config,
    (head, frame): (u32, FrameShape),
) -> Result<Image> {
    let ir = ir::build_with(module, body, config)?;
    let ir = resume::from_loop(ir, ir::BlockId(head));
    let assumptions = Assumptions {
        frame: Some(frame),
        ..Assumptions::new(config)
    };
    let mut linker = Linker::<T>::new(module, config);
    linker.frame_bytes_max = FRAME_BYTES_MAX_ALONE;
    linker.compile(&ir, assumptions, alone(config))?;
    let signature = Signature::new(&ir.ty);
    let code = Symbol::Func(ir.index);
    linker.finish(
        [signature],
        Mode::new(config),
        |signature, mode| T::resume_stub(signature, code, mode),
        Proof::default(),
    )
}

/// The largest frame of a function that is compiled alone: it can be interpreted, which takes no
/// native stack.
const FRAME_BYTES_MAX_ALONE: u32 = 64 << 10;

/// A function of which nothing is known but its own code.
fn alone(config: &Config) -> Surroundings {
    Surroundings {
        leaves_instance: true,
        is_sampled: config.sampler.is_some(),
    }
}

/// The stages of one function, by body.
///
/// # Errors
/// As [`compile`].
pub fn stages<T: Target>(module: &ModuleParts, body: usize, config: &Config) -> Result<Stages> {
    let assumptions = Assumptions::new(config);
    let ir = ir::build_with(module, body, config)?;
    let around = surroundings(std::slice::from_ref(&ir), config);
    let (mut func, _) = build::build(&ir, assumptions)?;
    let blocks: Vec<Block> = Cfg::new(&func).order;
    let built = print::print(&func, &blocks);
    let (cfg, layout) = optimise::<T>(&mut func);
    let optimised = print::print(&func, &layout.order);
    let optimised_offsets = print::positions(&func, &layout.order);
    let vcode = lower::run::<T>(&func, &cfg, &layout);
    let output = vcode.allocate(&T::env())?;
    let emitted = T::emit(&vcode, &output, around, Listing::Kept)?;
    let mut listing = emitted.listing;
    let frame = emitted.frame.bytes;
    writeln!(listing, "; frame of {frame} bytes").expect("writing to a string does not fail");
    Ok(Stages {
        built,
        optimised,
        optimised_offsets,
        listing,
        listing_offsets: emitted.positions,
    })
}

/// The surroundings of functions: some may leave their instance by a tail call.
fn surroundings(irs: &[ir::FuncIr], config: &Config) -> Surroundings {
    let is_own = |ir: &ir::FuncIr, inst: &ir::Inst| {
        let own = ir.module.imported.funcs..;
        matches!(inst, ir::Inst::ReturnCall { callee: ir::Callee::Func(func), .. }
            if own.contains(func))
    };
    let leaves = |ir: &ir::FuncIr, inst: &ir::Inst| {
        let effects = inst.effects();
        effects.calls && effects.ends && !is_own(ir, inst)
    };
    Surroundings {
        leaves_instance: irs
            .iter()
            .any(|ir| ir.insts.iter().any(|inst| leaves(ir, inst))),
        is_sampled: config.sampler.is_some(),
    }
}

fn optimise<T: Target>(func: &mut FuncSsa) -> (Cfg, BlockLayout) {
    let cfg = opt::run(func, T::is_kept);
    let layout = BlockLayout::new(func, &cfg);
    (cfg, layout)
}

/// A function's machine code with virtual registers.
///
/// # Errors
/// As [`compile`].
pub fn lowered<T: Target>(
    ir: &ir::FuncIr,
    assumptions: Assumptions,
) -> Result<(VCode<T::Inst>, HelperOps)> {
    let (mut func, helper_ops) = build::build(ir, assumptions)?;
    let (cfg, layout) = optimise::<T>(&mut func);
    Ok((lower::run::<T>(&func, &cfg, &layout), helper_ops))
}

/// The ways in which the allocation of registers is tested.
#[derive(Clone, Copy)]
struct Allocation {
    /// True if it is checked.
    is_checked: bool,
    /// True if every function's is made in linear time.
    is_linear: bool,
}

fn function<T: Target>(
    ir: &ir::FuncIr,
    assumptions: Assumptions,
    around: Surroundings,
    allocation: Allocation,
) -> Result<(Emitted, HelperOps)> {
    let (vcode, helper_ops) = lowered::<T>(ir, assumptions)?;
    let env = T::env();
    let output = match allocation.is_linear {
        true => vcode.allocate_blockwise(&env)?,
        false => vcode.allocate(&env)?,
    };
    // The checker's time is quadratic: functions of the suites are all below this.
    if allocation.is_checked || cfg!(test) && vcode.insts.len() < 10_000 {
        vcode.check(&env, &output)?;
    }
    let emitted = T::emit(&vcode, &output, around, Listing::None)?;
    Ok((emitted, helper_ops))
}

fn count(proof: &mut Proof, ops: u64, helper_ops: &HelperOps) {
    proof.compiled += 1;
    proof.ops_inline += ops.saturating_sub(helper_ops.len() as u64);
    for op in helper_ops {
        *proof.ops_via_helper.entry(op.mnemonic()).or_default() += 1;
    }
}

/// Puts pieces of code one behind the other: at multiples of 16 bytes, references between them
/// resolved, records as offsets from the start of the whole.
struct Linker<T> {
    bytes_max: usize,
    /// The largest frame that a function may have.
    frame_bytes_max: u32,
    allocation: Allocation,
    bytes: Vec<u8>,
    data: Vec<Range<u32>>,
    tables: Tables,
    funcs: Vec<u32>,
    relocs: Vec<Reloc>,
    places: FxHashMap<Symbol, u32>,
    target: PhantomData<T>,
}

const PIECE_ALIGN: usize = 16;

impl<T: Target> Linker<T> {
    fn new(module: &ModuleParts, config: &Config) -> Linker<T> {
        let allowed = usize::try_from(config.limits.code_bytes_max);
        Linker {
            bytes_max: allowed.unwrap_or(usize::MAX).min(T::CODE_BYTES_MAX),
            frame_bytes_max: u32::MAX,
            allocation: Allocation {
                is_checked: config.check_allocation,
                is_linear: config.linear_allocation,
            },
            bytes: Vec::new(),
            data: Vec::new(),
            tables: Tables {
                module: Some(module.downgrade()),
                ..Tables::default()
            },
            funcs: Vec::new(),
            relocs: Vec::new(),
            places: FxHashMap::default(),
            target: PhantomData,
        }
    }

    /// Appends a piece; gives its offset.
    fn piece(&mut self, code: Code) -> Result<u32> {
        let start = self.bytes.len().next_multiple_of(PIECE_ALIGN);
        let max = self.bytes_max;
        if start + code.bytes.len() > max {
            let message = format!("the code of a module is above {max} bytes");
            return Err(Error::limit(LimitKind::Code, message));
        }
        let before = self.bytes.len() as u32;
        self.bytes.resize(start, 0);
        let start = start as u32;
        if before < start {
            self.data.push(before..start);
        }
        self.bytes.extend(&code.bytes);
        let moved = |range: &Range<u32>| range.start + start..range.end + start;
        self.data.extend(code.data.iter().map(moved));
        let faults = code.faults.iter().map(|site| FaultSite {
            offset: site.offset + start,
            ..*site
        });
        self.tables.faults.extend(faults);
        let sources = code.sources.iter().map(|source| SourceLoc {
            offset: source.offset + start,
            ..*source
        });
        self.tables.sources.extend(sources);
        let handlers = self.tables.handlers.len() as u32;
        self.tables.pads.extend(code.pads.iter().map(|pad| Pad {
            return_offset: pad.return_offset + start,
            offset: pad.offset + start,
            handler: pad.handler + handlers,
            ..*pad
        }));
        let relocs = code.relocs.iter().map(|reloc| Reloc {
            offset: reloc.offset + start,
            ..*reloc
        });
        self.relocs.extend(relocs);
        Ok(start)
    }

    /// Compiles a function and appends it.
    fn compile(
        &mut self,
        ir: &ir::FuncIr,
        assumptions: Assumptions,
        around: Surroundings,
    ) -> Result<HelperOps> {
        let (emitted, helper_ops) = function::<T>(ir, assumptions, around, self.allocation)?;
        let max = self.frame_bytes_max;
        if emitted.frame.bytes > max {
            let message = format!("its frame is above {max} bytes");
            return Err(Error::limit(LimitKind::Code, message));
        }
        let no_room = emitted.no_room_at;
        let start = self.piece(emitted.code)?;
        self.handlers(ir);
        self.tables.pieces.push(Piece {
            start,
            kind: PieceKind::Func(ir.index),
            frame: emitted.frame,
        });
        if let Some(offset) = no_room {
            self.frameless(start + offset, PieceKind::NoRoom);
        }
        self.funcs.push(start);
        self.places.insert(Symbol::Func(ir.index), start);
        Ok(helper_ops)
    }

    /// Notes the handlers of the function whose code has just been appended.
    fn handlers(&mut self, ir: &ir::FuncIr) {
        let first = self.tables.handlers.len() as u32;
        let of_ir = |handler: &ir::ExceptionHandler| PadHandler {
            outer: handler.parent.map(|id| id.0 + first),
            tags: handler.catches.iter().map(|catch| catch.tag).collect(),
        };
        self.tables.handlers.extend(ir.handlers.iter().map(of_ir));
    }

    /// Notes code that has no frame where something is called.
    fn frameless(&mut self, start: u32, kind: PieceKind) {
        self.tables.pieces.push(Piece {
            start,
            kind,
            frame: FrameLayout::NONE,
        });
    }

    /// Appends what is shared, and an entry for each signature.
    fn finish(
        mut self,
        signatures: impl IntoIterator<Item = Signature>,
        mode: Mode,
        entry: impl Fn(&Signature, Mode) -> Result<Code>,
        proof: Proof,
    ) -> Result<Image> {
        let (code, pieces) = T::shared_stubs(mode)?;
        let start = self.piece(code)?;
        for shared in pieces {
            let start = start + shared.offset;
            self.tables.pieces.push(Piece {
                start,
                kind: PieceKind::Shared,
                frame: shared.frame,
            });
            self.places.insert(shared.symbol, start);
        }
        let mut entries = FxHashMap::default();
        for signature in signatures {
            if let Entry::Vacant(vacant) = entries.entry(signature) {
                let code = entry(vacant.key(), mode)?;
                let start = self.piece(code)?;
                vacant.insert(start);
                self.frameless(start, PieceKind::Entry);
            }
        }
        for &reloc in &self.relocs {
            let to = self.places[&reloc.symbol];
            let distance = i64::from(to) - i64::from(reloc.offset);
            T::patch(&mut self.bytes, reloc, distance)?;
        }
        let out_of_bounds = Symbol::Trap(crate::trap::TrapKind::MemoryOutOfBounds);
        self.tables.fault_exit = self.places[&out_of_bounds];
        Ok(Image {
            bytes: self.bytes,
            data: self.data,
            tables: self.tables,
            funcs: self.funcs,
            entries,
            proof,
        })
    }
}
