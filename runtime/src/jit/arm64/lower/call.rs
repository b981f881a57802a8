//! Parameters, calls, results, tail calls.
//!
//! A value without a register goes over the value stack from its top (`abi::Place::Slot`), as whole
//! slots: i32 and f32 zero-extended, since a host function may read them.

use std::mem::offset_of;

use super::{Cx, as_gpr, as_vreg};
use crate::helpers::EXIT_SHIFT;
use crate::ir::Type;
use crate::jit::arm64::abi::{self, ArgPlace, CALLEE, CX, Located, VM};
use crate::jit::arm64::alias::move_vector;
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::mem::Mem;
use crate::jit::arm64::minst::{Callee, Fixed, MInst};
use crate::jit::arm64::ops::{FpSize, Load, Shift, Size, Store, Width};
use crate::jit::arm64::regs::{Gpr, Reg};
use crate::jit::helper::{Helper, Returns};
use crate::jit::ssa::{self, Block, InstId, List, Value};
use crate::vm;
use regalloc2::{RegClass, VReg};

const SLOT_BYTES: u32 = 8;

impl Cx<'_> {
    pub(super) fn take_params(&mut self) {
        let params = self.func.blocks[Block::ENTRY.index()].params.clone();
        let places = self.places(&params);
        let mut fixed = Vec::new();
        let mut late = Vec::new();
        let mut moves = Vec::new();
        for (&value, located) in params.iter().zip(places) {
            match located.place {
                ArgPlace::Reg(reg) => {
                    let vreg = self.taken(value, &mut moves);
                    fixed.push(Fixed { vreg, reg });
                }
                ArgPlace::Slot(slot) if self.is_needed(value) => late.push((value, slot)),
                ArgPlace::Slot(_) => {}
            }
        }
        self.emit(MInst::Take(fixed.into()));
        self.move_on(moves);
        self.take_slots(&late);
    }

    /// The register in which a value comes from a given one. What loops use is moved on at once:
    /// bound to a given register, its range would be split by what else is bound there, and the
    /// pieces traded places in the loop.
    fn taken(&mut self, value: Value, moves: &mut Vec<(VReg, VReg)>) -> VReg {
        let vreg = self.vreg(value);
        if !self.is_used_in_inner_loop(value) {
            return vreg;
        }
        let fresh = self.fresh(vreg.class());
        moves.push((vreg, fresh));
        fresh
    }

    fn move_on(&mut self, moves: Vec<(VReg, VReg)>) {
        for (to, from) in moves {
            self.a64(match to.class() {
                RegClass::Int => Inst::mov(Size::X, as_gpr(to), as_gpr(from)),
                RegClass::Float | RegClass::Vector => move_vector(as_vreg(to), as_vreg(from)),
            });
        }
    }

    fn places(&self, values: &[Value]) -> Vec<Located> {
        abi::locate(values.iter().map(|&v| self.func.ty(v)))
    }

    // --- the value stack -------------------------------------------------------------------------

    fn top(&mut self) -> Gpr {
        self.load_field(CX, offset_of!(vm::Cx, top))
    }

    /// Loads values from slots above the top of the value stack.
    fn take_slots(&mut self, late: &[(Value, u32)]) {
        if late.is_empty() {
            return;
        }
        let base = self.top();
        for &(value, slot) in late {
            let mem = self.slot_at(base, slot, self.func.ty(value));
            let rt = self.vreg(value);
            self.a64(match self.func.ty(value) {
                Type::I32 => Inst::load(Load::LdrW, as_gpr(rt), mem),
                Type::I64 | Type::Ref => Inst::load(Load::LdrX, as_gpr(rt), mem),
                ty @ (Type::F32 | Type::F64 | Type::V128) => {
                    Inst::load_v(width_of(ty), as_vreg(rt), mem)
                }
            });
        }
    }

    /// Stores values to slots above the top of the value stack.
    fn give_slots(&mut self, late: &[(Value, u32)]) {
        if late.is_empty() {
            return;
        }
        let base = self.top();
        for &(value, slot) in late {
            let mem = self.slot_at(base, slot, self.func.ty(value));
            match self.func.ty(value) {
                Type::I32 => {
                    let (rd, rm) = (self.temp(), self.gpr(value));
                    self.a64(Inst::mov(Size::W, rd, rm));
                    self.store_x(rd, mem);
                }
                Type::F32 => {
                    let (rd, rn) = (self.temp(), self.fpr(value));
                    self.a64(Inst::fp_to_gpr(FpSize::S, rd, rn));
                    self.store_x(rd, mem);
                }
                Type::I64 | Type::Ref => {
                    let rt = self.gpr_or_zero(value);
                    self.store_x(rt, mem);
                }
                ty @ (Type::F64 | Type::V128) => {
                    let (rt, width) = (self.fpr(value), width_of(ty));
                    self.a64(Inst::store_v(width, rt, mem));
                }
            }
        }
    }

    fn slot_at(&mut self, base: Gpr, slot: u32, ty: Type) -> Mem {
        let log2 = if ty == Type::V128 { 4 } else { 3 };
        let offset = (slot * SLOT_BYTES) as i32;
        self.offset_from(base, offset, log2)
    }

    fn store_x(&mut self, rt: Gpr, mem: Mem) {
        self.a64(Inst::store(Store::StrX, rt, mem));
    }

    // --- calls -----------------------------------------------------------------------------------

    /// Puts values where a callee or a caller expects them: what goes in registers.
    fn give(&mut self, values: List) -> Vec<Fixed> {
        let values = self.func.list(values).to_vec();
        let places = self.places(&values);
        let late: Vec<(Value, u32)> = values
            .iter()
            .zip(&places)
            .filter_map(|(&v, at)| match at.place {
                ArgPlace::Slot(slot) => Some((v, slot)),
                ArgPlace::Reg(_) => None,
            })
            .collect();
        self.give_slots(&late);
        let mut fixed = Vec::new();
        for (&value, at) in values.iter().zip(&places) {
            if let ArgPlace::Reg(reg) = at.place {
                let vreg = self.reg(value);
                fixed.push(Fixed { vreg, reg });
            }
        }
        fixed
    }

    /// Puts arguments, and the function instance if one is called, where a callee expects them.
    fn give_call(&mut self, callee: ssa::Callee, args: List) -> (Callee, Box<[Fixed]>) {
        let mut uses = self.give(args);
        let callee = match callee {
            ssa::Callee::Func(func) => Callee::Func(func),
            ssa::Callee::Instance(func) => {
                let (vreg, reg) = (self.reg(func), Reg::Gpr(CALLEE));
                uses.push(Fixed { vreg, reg });
                Callee::Instance
            }
        };
        (callee, uses.into())
    }

    pub(super) fn call(&mut self, id: InstId, callee: ssa::Callee, args: List) {
        let (callee, uses) = self.give_call(callee, args);
        let results: Vec<Value> = self.func.results(id).collect();
        let handler = self.handler_of(id);
        let mut defs = Vec::new();
        let mut moves = Vec::new();
        for (&value, at) in results.iter().zip(self.places(&results)) {
            if let ArgPlace::Reg(reg) = at.place {
                let vreg = match handler {
                    Some(_) => self.vreg(value),
                    None => self.taken(value, &mut moves),
                };
                defs.push(Fixed { vreg, reg });
            }
        }
        self.emit(MInst::Call {
            callee,
            uses,
            defs: defs.into(),
            handler,
        });
        if handler.is_none() {
            self.move_on(moves);
            self.take_results(id);
        }
    }

    /// Takes the results of a call that have no register, behind it.
    pub(super) fn take_results(&mut self, id: InstId) {
        let results: Vec<Value> = self.func.results(id).collect();
        let mut late = Vec::new();
        for (&value, at) in results.iter().zip(self.places(&results)) {
            if let ArgPlace::Slot(slot) = at.place
                && self.is_needed(value)
            {
                late.push((value, slot));
            }
        }
        self.take_slots(&late);
    }

    pub(super) fn give_results(&mut self, values: List) {
        let fixed = self.give(values);
        self.emit(MInst::Return(fixed.into()));
    }

    pub(super) fn tail_call(&mut self, callee: ssa::Callee, args: List) {
        let (callee, uses) = self.give_call(callee, args);
        self.emit(MInst::TailCall { callee, uses });
    }

    // --- helpers ---------------------------------------------------------------------------------

    /// Calls a function of the runtime: the instance, then the arguments, in x0, x1 and so on.
    pub(super) fn helper(&mut self, id: InstId, helper: Helper, args: List) {
        let x = |n: usize| Reg::Gpr(Gpr::x(n as u32));
        let vm = self.made(|rd| Inst::mov(Size::X, rd, VM));
        let vm = VReg::new(
            vm.virtual_index().expect("a fresh register") as usize,
            RegClass::Int,
        );
        let mut uses = vec![Fixed {
            vreg: vm,
            reg: x(0),
        }];
        for (n, &value) in self.func.list(args).to_vec().iter().enumerate() {
            let vreg = self.reg(value);
            uses.push(Fixed {
                vreg,
                reg: x(n + 1),
            });
        }
        let vreg = match helper.returns() {
            Returns::Nothing => None,
            Returns::Value | Returns::ValueOrExit => Some(self.vreg(self.func.result(id))),
            Returns::Exit => Some(self.fresh(RegClass::Int)),
        };
        let def = vreg.map(|vreg| Fixed { vreg, reg: x(0) });
        self.emit(MInst::Call {
            callee: Callee::Helper(helper),
            uses: uses.into(),
            defs: def.into_iter().collect(),
            handler: self.handler_of(id),
        });
        match (helper.returns(), def) {
            (Returns::Exit, Some(code)) => self.emit(MInst::TrapIfExit(code)),
            (Returns::ValueOrExit, Some(Fixed { vreg, reg })) => {
                let code = self.fresh(RegClass::Int);
                let (rd, rn) = (as_gpr(code), as_gpr(vreg));
                self.a64(Inst::shift_imm(
                    Shift::Lsr,
                    Size::X,
                    rd,
                    rn,
                    EXIT_SHIFT as u8,
                ));
                self.emit(MInst::TrapIfExit(Fixed { vreg: code, reg }));
            }
            _nothing_to_check => {}
        }
    }
}

fn width_of(ty: Type) -> Width {
    match ty {
        Type::F32 => Width::S,
        Type::F64 => Width::D,
        Type::V128 => Width::Q,
        Type::I32 | Type::I64 | Type::Ref => unreachable!("{ty:?} is in general registers"),
    }
}
