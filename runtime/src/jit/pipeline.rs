//! The stages from canonical IR to bytes, for a function and for a module.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;
use std::ops::Range;

use super::arm64::asm::{Code, Pad};
use super::arm64::emit::{self, Emitted, Surroundings};
use super::arm64::lower::{Arm64, is_kept};
use super::arm64::minst::MInst;
use super::arm64::stubs::{self, Mode, Signature};
use super::arm64::{Assembler, abi};
use super::build::resume;
use super::build::{self, Assumptions, HelperOps};
use super::code::symbol::Symbol;
use super::helper::Helper;
use super::lower::layout::Layout;
use super::lower::vcode::VCode;
use super::publish::{FaultSite, Handler, Piece, Tables, What};
use super::ssa::cfg::Cfg;
use super::ssa::print;
use super::ssa::{Block, Func};
use super::{lower, opt};
use crate::engine::{Config, FrameShape, Proof};
use crate::error::{Error, Result};
use crate::ir;
use crate::limits::LimitKind;
use crate::module::Module;

/// A module's code, before it has an address.
#[derive(Debug)]
pub struct Image {
    /// Functions, shared pieces, entries.
    pub bytes: Vec<u8>,
    /// Ranges of `bytes` that are data, in ascending order.
    pub data: Vec<Range<u32>>,
    /// Where each function begins, by body.
    pub funcs: Vec<u32>,
    /// Where the entry of each signature begins.
    pub entries: HashMap<Signature, u32>,
    /// What is known of the code by offset.
    pub tables: Tables,
    /// What was compiled.
    pub proof: Proof,
}

/// A function on its way, stage by stage.
#[derive(Debug)]
pub struct Stages {
    /// SSA as built.
    pub built: String,
    /// SSA as optimised.
    pub optimised: String,
    /// The instructions, in the order of emission.
    pub listing: String,
}

/// Compiles every function of a module.
///
/// # Errors
/// `Unsupported` with the opcode that this tier has no code for; `Limit` for code that is too
/// large.
pub fn compile(module: &Module, config: &Config) -> Result<Image> {
    let assumptions = Assumptions::new(config);
    let irs = (0..module.bodies.len())
        .map(|body| ir::build_with(module, body, config))
        .collect::<Result<Vec<_>>>()?;
    let around = surroundings(&irs);
    let mut linker = Linker::new(module, config);
    let mut proof = Proof {
        functions: irs.len() as u64,
        ..Proof::default()
    };
    for ir in &irs {
        let helper_ops = linker.compile(ir, assumptions, around)?;
        count(&mut proof, ir.ops, &helper_ops);
    }
    let mode = Mode::new(config);
    let own = &module.signatures[module.imported.funcs as usize..];
    let signatures = own.iter().map(|ty| Signature::new(ty));
    linker.finish(signatures, mode, stubs::entry, proof)
}

/// Compiles one function, by body, to an image of its own, with its entry.
///
/// # Errors
/// As [`compile`].
pub fn compile_function(module: &Module, body: usize, config: &Config) -> Result<Image> {
    let ir = ir::build_with(module, body, config)?;
    let ops = ir.ops;
    let mut linker = Linker::new(module, config);
    let helper_ops = linker.compile(&ir, Assumptions::new(config), ALONE)?;
    let mut proof = Proof::default();
    count(&mut proof, ops, &helper_ops);
    let signature = Signature::new(&ir.ty);
    linker.finish([signature], Mode::new(config), stubs::entry, proof)
}

/// Compiles the rest of a function from a loop head on, the number of the head's block in the IR.
/// The image's one entry is that of this code, which finds its slots in a frame of that shape.
///
/// # Errors
/// As [`compile`].
pub fn compile_loop(
    module: &Module,
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
    let mut linker = Linker::new(module, config);
    linker.compile(&ir, assumptions, ALONE)?;
    let signature = Signature::new(&ir.ty);
    let code = Symbol::Func(ir.index);
    linker.finish(
        [signature],
        Mode::new(config),
        |signature, mode| stubs::resume(signature, code, mode),
        Proof::default(),
    )
}

/// A function of which nothing is known but its own code.
const ALONE: Surroundings = Surroundings {
    leaves_instance: true,
};

/// The stages of one function, by body.
///
/// # Errors
/// As [`compile`].
pub fn stages(module: &Module, body: usize, config: &Config) -> Result<Stages> {
    let assumptions = Assumptions::new(config);
    let ir = ir::build_with(module, body, config)?;
    let around = surroundings(std::slice::from_ref(&ir));
    let (mut func, _) = build::build(&ir, assumptions)?;
    let blocks: Vec<Block> = Cfg::new(&func).order;
    let built = print::print(&func, &blocks);
    let (cfg, layout) = optimise(&mut func);
    let optimised = print::print(&func, &layout.order);
    let vcode = lower::run::<Arm64>(&func, &cfg, &layout);
    let output = vcode.allocate(&abi::env())?;
    let asm = Assembler::with_listing();
    let emitted = emit::emit(asm, &vcode, &output, around)?;
    let mut listing = named(emitted.listing);
    let frame = emitted.frame_bytes;
    writeln!(listing, "; frame of {frame} bytes").expect("writing to a string does not fail");
    Ok(Stages {
        built,
        optimised,
        listing,
    })
}

/// A listing with the names of shared pieces.
fn named(listing: String) -> String {
    Symbol::shared().fold(listing, |text, symbol| {
        text.replace(&format!("func{}", symbol.number()), &format!("{symbol:?}"))
    })
}

/// What emission must know: whether any function may leave its instance by a tail call.
fn surroundings(irs: &[ir::Func]) -> Surroundings {
    let leaves = |ir: &ir::Func, inst: &ir::Inst| match *inst {
        ir::Inst::ReturnCallIndirect { .. } | ir::Inst::ReturnCallRef { .. } => true,
        ir::Inst::ReturnCall { func, .. } => func < ir.module.imported.funcs,
        _ => false,
    };
    Surroundings {
        leaves_instance: irs
            .iter()
            .any(|ir| ir.insts.iter().any(|inst| leaves(ir, inst))),
    }
}

fn optimise(func: &mut Func) -> (Cfg, Layout) {
    let cfg = opt::run(func, is_kept);
    let layout = Layout::new(func, &cfg);
    (cfg, layout)
}

/// A function's machine code with virtual registers.
///
/// # Errors
/// As [`compile`].
pub fn lowered(ir: &ir::Func, assumptions: Assumptions) -> Result<(VCode<MInst>, HelperOps)> {
    let (mut func, helper_ops) = build::build(ir, assumptions)?;
    let (cfg, layout) = optimise(&mut func);
    Ok((lower::run::<Arm64>(&func, &cfg, &layout), helper_ops))
}

fn function(
    ir: &ir::Func,
    assumptions: Assumptions,
    around: Surroundings,
    is_checked: bool,
) -> Result<(Emitted, HelperOps)> {
    let (vcode, helper_ops) = lowered(ir, assumptions)?;
    let env = abi::env();
    let output = vcode.allocate(&env)?;
    // The checker's time is quadratic: functions of the suites are all below this.
    if is_checked || cfg!(test) && vcode.insts.len() < 10_000 {
        vcode.check(&env, &output)?;
    }
    let emitted = emit::emit(Assembler::new(), &vcode, &output, around)?;
    Ok((emitted, helper_ops))
}

fn count(proof: &mut Proof, ops: u64, helper_ops: &HelperOps) {
    proof.compiled += 1;
    proof.ops_inline += ops.saturating_sub(helper_ops.len() as u64);
    for op in helper_ops {
        *proof.ops_via_helper.entry(op.mnemonic()).or_default() += 1;
    }
}

/// Puts pieces of code one behind the other.
#[derive(Default)]
struct Linker {
    bytes_max: usize,
    /// Whether register allocation is checked.
    checks_allocation: bool,
    bytes: Vec<u8>,
    data: Vec<Range<u32>>,
    tables: Tables,
    funcs: Vec<u32>,
    relocs: Vec<super::arm64::asm::Reloc>,
    places: HashMap<u32, u32>,
}

/// What `bl` can cross, less the shared pieces.
const CODE_BYTES_MAX: usize = 120 << 20;
const PIECE_ALIGN: usize = 16;

impl Linker {
    fn new(module: &Module, config: &Config) -> Linker {
        let mut linker = Linker::default();
        let allowed = usize::try_from(config.limits.code_bytes_max);
        linker.bytes_max = allowed.unwrap_or(usize::MAX).min(CODE_BYTES_MAX);
        linker.checks_allocation = config.check_allocation;
        linker.tables.module = Some(module.downgrade());
        linker
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
        self.tables
            .sites
            .extend(code.traps.iter().map(|site| FaultSite {
                offset: site.offset + start,
                memory: site.payload,
            }));
        let sources = code.sources.iter();
        self.tables
            .sources
            .extend(sources.map(|source| (source.offset + start, source.position)));
        let handlers = self.tables.handlers.len() as u32;
        self.tables.pads.extend(code.pads.iter().map(|pad| Pad {
            return_offset: pad.return_offset + start,
            offset: pad.offset + start,
            handler: pad.handler + handlers,
            ..*pad
        }));
        self.relocs.extend(code.relocs.iter().map(|reloc| {
            let mut reloc = *reloc;
            reloc.offset += start;
            reloc
        }));
        Ok(start)
    }

    /// Compiles a function and appends it.
    fn compile(
        &mut self,
        ir: &ir::Func,
        assumptions: Assumptions,
        around: Surroundings,
    ) -> Result<HelperOps> {
        let (emitted, helper_ops) = function(ir, assumptions, around, self.checks_allocation)?;
        let no_room = emitted.no_room_at;
        let start = self.piece(emitted.code)?;
        self.handlers(ir);
        self.tables.pieces.push(Piece {
            start,
            what: What::Func(ir.index),
            frame_bytes: emitted.frame_bytes,
            saves_link: emitted.saves_link,
        });
        if let Some(offset) = no_room {
            let what = What::NoRoom;
            self.frameless(start + offset, what);
        }
        self.funcs.push(start);
        self.places.insert(Symbol::Func(ir.index).number(), start);
        Ok(helper_ops)
    }

    /// Notes the handlers of the function whose code has just been appended.
    fn handlers(&mut self, ir: &ir::Func) {
        let first = self.tables.handlers.len() as u32;
        let of_ir = |handler: &ir::Handler| Handler {
            outer: handler.parent.map(|id| id.0 + first),
            tags: handler.catches.iter().map(|catch| catch.tag).collect(),
        };
        self.tables.handlers.extend(ir.handlers.iter().map(of_ir));
    }

    /// Notes code that has no frame where something is called.
    fn frameless(&mut self, start: u32, what: What) {
        self.tables.pieces.push(Piece {
            start,
            what,
            frame_bytes: 0,
            saves_link: false,
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
        let (code, pieces) = stubs::shared(Helper::address, mode)?;
        let start = self.piece(code)?;
        for shared in pieces {
            let start = start + shared.offset;
            self.tables.pieces.push(Piece {
                start,
                what: What::Shared,
                frame_bytes: shared.frame_bytes,
                saves_link: shared.frame_bytes > 0,
            });
            self.places.insert(shared.symbol.number(), start);
        }
        let mut entries = HashMap::new();
        for signature in signatures {
            if let Entry::Vacant(vacant) = entries.entry(signature) {
                let code = entry(vacant.key(), mode)?;
                let start = self.piece(code)?;
                vacant.insert(start);
                self.frameless(start, What::Entry);
            }
        }
        for &reloc in &self.relocs {
            let to = self.places[&reloc.func];
            let distance = i64::from(to) - i64::from(reloc.offset);
            Code::patch(&mut self.bytes, reloc, distance)
                .map_err(|e| Error::limit(LimitKind::Code, e.to_string()))?;
        }
        let out_of_bounds = Symbol::Trap(crate::trap::TrapKind::MemoryOutOfBounds);
        self.tables.fault_exit = self.places[&out_of_bounds.number()];
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
