//! Room and tests of references. A test goes by the object's type and that type's display
//! (`gc/cast.rs` says what each means); an allocation takes the next cell of its class's run, and
//! goes out of line where there is none.

use std::mem::{offset_of, size_of};

use super::Emitter;
use crate::gc::{Cast, CastTest, GcCell};
use crate::jit::arm64::abi::{CX, SCRATCH, SCRATCH2};
use crate::jit::arm64::imm::{BitImm, Imm12};
use crate::jit::arm64::inst::Inst;
use crate::jit::arm64::mem::Mem;
use crate::jit::arm64::minst::RefTest;
use crate::jit::arm64::ops::{AddSub, Cond, IndexExtend, Load, LoadPair, Shift, Size, Store};
use crate::jit::arm64::regs::Gpr;
use crate::jit::code::Label;
use crate::jit::code::symbol::Symbol;
use crate::jit::helper::Helper;
use crate::jit::ssa::ObjectRoom;
use crate::types::{CompositeKind, TypeId};
use crate::vm::{self, DISPLAY_LEN, Display, FuncInst, GcHeader, GcRun};

/// An allocation out of line, behind the function's blocks.
pub(super) struct SlowAllocation {
    label: Label,
    /// Where it goes on.
    done: Label,
    rd: Gpr,
    allocation: ObjectRoom,
    position: u32,
}

/// A display's address is that of the table plus the type's number times this: 5 times 8.
const _: () = assert!(size_of::<Display>() == 40 && size_of::<GcRun>() == 8);

impl Emitter<'_> {
    // --- allocation ------------------------------------------------------------------------------

    pub(super) fn allocate(&mut self, rd: Gpr, allocation: ObjectRoom) {
        let cell = GcCell::of(allocation.bytes);
        let run = cell.class as usize * size_of::<GcRun>();
        let (label, done) = (self.asm.label(), self.asm.label());
        self.slow.push(SlowAllocation {
            label,
            done,
            rd,
            allocation,
            position: self.position,
        });
        let Some(bytes) = Imm12::new(cell.bytes.into()).filter(|_| cell.bytes > 0) else {
            // A large object: its class never has a free cell.
            self.asm.emit(Inst::b(label));
            self.asm.bind(done);
            return;
        };
        self.asm.load_x(SCRATCH, CX, offset_of!(vm::Cx, gc_runs));
        let mem = Mem::at(SCRATCH, (run + offset_of!(GcRun, cursor)) as i32);
        self.asm
            .emit(Inst::load_pair(LoadPair::LdpW, rd, SCRATCH2, mem));
        self.asm.emit(Inst::cmp(Size::W, rd, SCRATCH2));
        self.asm.emit(Inst::bcond(Cond::Eq, label));
        self.asm.emit(Inst::add_imm(Size::W, SCRATCH2, rd, bytes));
        self.asm.emit(Inst::store(Store::StrW, SCRATCH2, mem));
        self.asm.bind(done);
    }

    /// The part of [`allocate`](Self::allocate) behind the blocks: type and size go to the
    /// shared piece in the scratch registers, which changes no other.
    pub(super) fn slow_allocations(&mut self) {
        for slow in std::mem::take(&mut self.slow) {
            self.asm.bind(slow.label);
            self.asm.source(slow.position);
            let ObjectRoom { ty, bytes } = slow.allocation;
            self.asm.mov_imm(Size::W, SCRATCH, ty.0.into());
            self.asm.mov_imm(Size::X, SCRATCH2, bytes);
            self.asm.emit(Inst::bl(Symbol::Helper(Helper::Allocate)));
            self.asm.emit(Inst::mov(Size::X, slow.rd, SCRATCH));
            self.asm.emit(Inst::b(slow.done));
        }
    }

    // --- tests -----------------------------------------------------------------------------------

    pub(super) fn test_ref(&mut self, rd: Gpr, reference: Gpr, descriptor: Gpr, test: RefTest) {
        let nullable = match test {
            RefTest::Cast(cast) => cast.nullable,
            RefTest::Descriptor { nullable } => nullable,
        };
        let done = self.asm.label();
        self.asm.mov_imm(Size::W, rd, nullable.into());
        self.asm.emit(Inst::cbz(Size::X, reference, done));
        if nullable {
            self.asm.mov_imm(Size::W, rd, 0);
        }
        match test {
            RefTest::Cast(cast) if is_func(cast.test) => {
                self.asm
                    .load_w(SCRATCH, reference, offset_of!(FuncInst, ty));
                self.test_type(rd, cast, done);
            }
            RefTest::Cast(cast) => {
                self.load_type(reference, done);
                self.test_type(rd, cast, done);
            }
            RefTest::Descriptor { .. } => {
                self.load_type(reference, done);
                self.test_kind(CompositeKind::Struct);
                self.asm.emit(Inst::bcond(Cond::Ne, done));
                self.asm.load_x(SCRATCH2, CX, offset_of!(vm::Cx, gc_base));
                self.asm
                    .emit(Inst::add(Size::X, SCRATCH2, SCRATCH2, reference));
                let extra = offset_of!(GcHeader, extra);
                self.asm.load_w(SCRATCH, SCRATCH2, extra);
                self.asm.emit(Inst::cmp(Size::X, SCRATCH, descriptor));
                self.asm.emit(Inst::cset(Size::W, rd, Cond::Eq));
            }
        }
        self.asm.bind(done);
    }

    /// The type of an object; to `other` if it is none.
    fn load_type(&mut self, reference: Gpr, other: Label) {
        let low_bits = BitImm::new(Size::W, 7).expect("three ones");
        self.asm.emit(Inst::tst_imm(Size::W, reference, low_bits));
        self.asm.emit(Inst::bcond(Cond::Ne, other));
        self.asm.load_x(SCRATCH, CX, offset_of!(vm::Cx, gc_base));
        const _: () = assert!(offset_of!(GcHeader, ty) == 0);
        let mem = Mem::index(SCRATCH, reference, IndexExtend::Lsl, false);
        self.asm.emit(Inst::load(Load::LdrW, SCRATCH, mem));
    }

    /// True if the type in the scratch register passes; to `done` if it does not.
    fn test_type(&mut self, rd: Gpr, cast: Cast, done: Label) {
        match cast.test {
            CastTest::Struct => self.test_kind(CompositeKind::Struct),
            CastTest::Array => self.test_kind(CompositeKind::Array),
            CastTest::ObjectExact | CastTest::FuncExact => self.compare_type(cast.ty),
            CastTest::Object | CastTest::Func => self.test_display(cast, done),
            CastTest::Always | CastTest::Never | CastTest::I31 | CastTest::Eq => {
                unreachable!("{cast:?} looks at no object")
            }
        }
        self.asm.emit(Inst::cset(Size::W, rd, Cond::Eq));
    }

    fn compare_type(&mut self, ty: TypeId) {
        self.asm.mov_imm(Size::W, SCRATCH2, ty.0.into());
        self.asm.emit(Inst::cmp(Size::W, SCRATCH, SCRATCH2));
    }

    fn test_kind(&mut self, kind: CompositeKind) {
        self.load_display();
        self.asm.load_w(SCRATCH, SCRATCH, offset_of!(Display, kind));
        let kind = Imm12::new(kind as u64).expect("there are a few kinds");
        self.asm.emit(Inst::cmp_imm(Size::W, SCRATCH, kind));
    }

    fn test_display(&mut self, cast: Cast, done: Label) {
        let depth = usize::from(cast.depth);
        let at = depth * size_of::<TypeId>();
        self.load_display();
        if depth < DISPLAY_LEN {
            self.asm
                .load_w(SCRATCH, SCRATCH, offset_of!(Display, types) + at);
        } else {
            self.asm.load_w(SCRATCH2, SCRATCH, offset_of!(Display, len));
            let depth = Imm12::new(depth as u64).expect("validation limits depths");
            self.asm.emit(Inst::cmp_imm(Size::W, SCRATCH2, depth));
            self.asm.emit(Inst::bcond(Cond::Ls, done));
            self.asm.load_x(SCRATCH, SCRATCH, offset_of!(Display, full));
            self.asm.load_w(SCRATCH, SCRATCH, at);
        }
        self.compare_type(cast.ty);
    }

    /// The address of the display of the type in the scratch register.
    fn load_display(&mut self) {
        self.asm.load_x(SCRATCH2, CX, offset_of!(vm::Cx, displays));
        for (rn, amount) in [(SCRATCH, 2), (SCRATCH2, 3)] {
            self.asm.emit(Inst::add_sub_shifted(
                AddSub::Add,
                Size::X,
                SCRATCH,
                rn,
                SCRATCH,
                Shift::Lsl,
                amount,
            ));
        }
    }
}

fn is_func(test: CastTest) -> bool {
    matches!(test, CastTest::Func | CastTest::FuncExact)
}
