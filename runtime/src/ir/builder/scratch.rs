//! Data that the builder keeps from one function of a module to the next: buffers, so that a
//! function costs few allocations; signatures, which are facts of the module; the last indices of
//! constants.
//!
//! A [`Scratch`] belongs to one module. A function does not depend on the functions built before
//! it, save in the order of the constants in its pool.

use std::rc::Rc;

use super::control::{ControlFrame, Label};
use super::stack::Stack;
use super::{Sig, Type};
use crate::ir::{BlockId, FuncIr};
use crate::module::ModuleParts;

/// Buffers and facts of one module.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(super) stack: Stack,
    pub(super) consts: Consts,
    pub(super) sigs: Sigs,
    pub(super) frames: Vec<ControlFrame>,
    pub(super) labels: Vec<Label>,
    pub(super) by_depth: Vec<Option<BlockId>>,
    /// A function that is not needed any more, kept for its buffers.
    spent: Option<FuncIr>,
}

impl Scratch {
    /// Takes the buffers of a function that is not needed any more.
    pub fn recycle(&mut self, func: FuncIr) {
        self.spent = Some(func);
    }

    /// A function without code.
    pub(super) fn func(&mut self, module: &ModuleParts, index: u32) -> FuncIr {
        let ty = module.signatures[index as usize].clone();
        if let Some(mut func) = self.spent.take_if(|func| func.module.same(module)) {
            func.clear();
            (func.index, func.ty) = (index, ty);
            return func;
        }
        FuncIr {
            module: module.clone(),
            index,
            ty,
            local_types: Vec::new(),
            local_slots: Vec::new(),
            param_slots: 0,
            first_temporary: 0,
            slots: 0,
            blocks: Vec::new(),
            insts: Vec::new(),
            offsets: Vec::new(),
            consts: Vec::new(),
            lists: Vec::new(),
            labels: Vec::new(),
            handlers: Vec::new(),
            ops: 0,
        }
    }
}

/// By hash, the index in the pool of the last constant. An index is a guess, which is compared with
/// the pool, so that nothing is cleared between two functions. A constant that is not found is
/// added to the pool again.
#[derive(Debug)]
pub(super) struct Consts {
    guesses: Box<[u32; Consts::GUESSES]>,
}

impl Default for Consts {
    fn default() -> Consts {
        Consts {
            guesses: Box::new([0; Consts::GUESSES]),
        }
    }
}

impl Consts {
    const GUESSES: usize = 256;

    fn guess(&mut self, bits: u64) -> &mut u32 {
        let hash = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        &mut self.guesses[hash as usize % Consts::GUESSES]
    }

    /// The index of a constant of one slot.
    pub(super) fn one(&mut self, pool: &mut Vec<u64>, bits: u64) -> u32 {
        let guess = self.guess(bits);
        if pool.get(*guess as usize) != Some(&bits) {
            *guess = pool.len() as u32;
            pool.push(bits);
        }
        *guess
    }

    /// The index of the low half of a constant of two slots.
    pub(super) fn two(&mut self, pool: &mut Vec<u64>, bits: u128) -> u32 {
        let halves = [bits as u64, (bits >> 64) as u64];
        let guess = self.guess(halves[0] ^ halves[1].rotate_left(31));
        if pool.get(*guess as usize..).and_then(<[u64]>::first_chunk) != Some(&halves) {
            *guess = pool.len() as u32;
            pool.extend(halves);
        }
        *guess
    }
}

/// Signatures of a module: those of its types, and those that block types imply.
#[derive(Debug, Default)]
pub(super) struct Sigs {
    by_index: Vec<Option<Rc<Sig>>>,
    by_result: [Option<Rc<Sig>>; Type::COUNT],
    empty: Rc<Sig>,
}

impl Sigs {
    pub(super) fn empty(&self) -> Rc<Sig> {
        self.empty.clone()
    }

    pub(super) fn of_result(&mut self, ty: Type) -> Rc<Sig> {
        let new = || {
            Rc::new(Sig {
                params: Box::default(),
                results: Box::new([ty]),
            })
        };
        self.by_result[ty as usize].get_or_insert_with(new).clone()
    }

    pub(super) fn of_index(&mut self, module: &ModuleParts, type_index: u32) -> Rc<Sig> {
        if self.by_index.is_empty() {
            self.by_index.resize(module.types.len(), None);
        }
        let new = || Rc::new(Sig::new(&module.func_type(type_index)));
        self.by_index[type_index as usize]
            .get_or_insert_with(new)
            .clone()
    }
}
