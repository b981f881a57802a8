//! The code of a variant: a body in a form, as a function of the binary format.
//!
//! Nothing of what must come of it gets into the code: a decision gives one of two fixed numbers,
//! the sum of live values is returned and not compared.

use wasm_encoder::{
    BlockType, Encode, Function, Ieee32, Ieee64, InstructionSink, MemArg, MemArgTarget, ValType,
};
use wassay_runtime::interior::ops::Op;

use super::body::{Body, Number, Part, Type};
use super::form::{
    Address, Applied, DECIDED, DISPLACEMENT, Form, PASSES, SHIFT, Setting, Source, Width,
};
use super::memory::{self, ENTRY_BYTES, Live, ROTATION, WRITTEN};
use super::second::Other;

/// The function that variants call only because a call clobbers registers.
pub(super) const CLOBBER: u32 = 0;
/// The function that wraps an i64, so that callers know nothing of the upper half.
pub(super) const WRAP: u32 = 1;

/// A function's type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Signature {
    pub(super) params: Vec<Type>,
    pub(super) results: Vec<Type>,
}

impl Signature {
    pub(super) fn new(params: &[Type], results: &[Type]) -> Signature {
        Signature {
            params: params.to_vec(),
            results: results.to_vec(),
        }
    }
}

/// The type of the binary format.
pub(super) fn val_type(ty: Type) -> ValType {
    match ty {
        Type::I32 => ValType::I32,
        Type::I64 => ValType::I64,
        Type::F32 => ValType::F32,
        Type::F64 => ValType::F64,
        Type::V128 => ValType::V128,
    }
}

/// The function [`CLOBBER`], of type `[] -> []`.
pub(super) fn clobber() -> Function {
    let mut code = Vec::new();
    let mut sink = InstructionSink::new(&mut code);
    sink.i32_const(0).i32_const(1);
    sink.i32_store8(at(WRITTEN)).end();
    assembled(&[], code)
}

/// The function [`WRAP`], of type `[i64] -> [i32]`.
pub(super) fn wrap() -> Function {
    let mut code = Vec::new();
    InstructionSink::new(&mut code)
        .local_get(0)
        .i32_wrap_i64()
        .end();
    assembled(&[], code)
}

/// A body in a form.
pub(super) fn function(body: &Body, form: &Form) -> (Signature, Function) {
    let mut emitter = Emitter::new(body, form);
    let results = emitter.all();
    let params = emitter.locals[..emitter.parameters].to_vec();
    let locals = &emitter.locals[emitter.parameters..];
    let function = assembled(locals, emitter.code);
    (Signature { params, results }, function)
}

pub(super) fn assembled(locals: &[Type], code: Vec<u8>) -> Function {
    let locals: Vec<ValType> = locals.iter().copied().map(val_type).collect();
    let mut function = Function::new_with_locals_types(locals);
    function.raw(code);
    function
}

/// Adds a constant.
pub(super) fn constant(sink: &mut InstructionSink<'_>, Number { ty, bits }: Number) {
    match ty {
        Type::I32 => sink.i32_const(bits as i32),
        Type::I64 => sink.i64_const(bits as i64),
        Type::F32 => sink.f32_const(Ieee32::new(bits as u32)),
        Type::F64 => sink.f64_const(Ieee64::new(bits as u64)),
        Type::V128 => sink.v128_const(bits as i128),
    };
}

/// The bytes of an opcode without its immediates.
pub(super) fn encoded(op: Op) -> Vec<u8> {
    let row = op.row();
    let mut bytes = Vec::new();
    match row.prefix {
        Some(prefix) => {
            bytes.push(prefix);
            row.code.encode(&mut bytes);
        }
        None => bytes.push(row.code as u8),
    }
    bytes
}

fn at(offset: u32) -> MemArg {
    MemArg {
        offset: u64::from(offset),
        align: 0,
        target: MemArgTarget::Memory(0),
        ordering: None,
    }
}

struct Emitter<'a> {
    body: &'a Body,
    form: &'a Form,
    /// The parameter of each operand that has one.
    operands: Vec<Option<u32>>,
    /// The parameter that holds the record's address.
    base: u32,
    /// The first parameter that is the other operand of a second operation.
    others: u32,
    /// The types of all locals, parameters first.
    locals: Vec<Type>,
    parameters: usize,
    code: Vec<u8>,
}

impl<'a> Emitter<'a> {
    fn new(body: &'a Body, form: &'a Form) -> Emitter<'a> {
        let mut locals = Vec::new();
        let types = form.source_types(body);
        let mut parameter = |(source, &ty): (&Source, &Type)| {
            let ty = match (source, ty) {
                (Source::Parameter | Source::Extended(_), ty) => ty,
                (Source::Dirty | Source::Passed | Source::Joined, ty) => match ty {
                    Type::I32 => Type::I64,
                    Type::I64 | Type::F32 | Type::F64 | Type::V128 => Type::V128,
                },
                (Source::Shared(_) | Source::Constant(_) | Source::Memory(..), _) => return None,
            };
            locals.push(ty);
            Some(locals.len() as u32 - 1)
        };
        let operands = form
            .sources
            .iter()
            .zip(&types)
            .map(&mut parameter)
            .collect();
        let base = locals.len() as u32;
        locals.extend(form.base().map(|base| match base {
            Address::Wrapped | Address::Passed => Type::I64,
            Address::Displaced | Address::Indexed => Type::I32,
        }));
        let others = locals.len() as u32;
        locals.extend(form.passed().map(|applied| applied.other.ty));
        Emitter {
            body,
            form,
            operands,
            base,
            others,
            parameters: locals.len(),
            locals,
            code: Vec::new(),
        }
    }

    fn sink(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    fn local(&mut self, ty: Type) -> u32 {
        self.locals.push(ty);
        self.locals.len() as u32 - 1
    }

    /// The whole function; gives the types of its results.
    fn all(&mut self) -> Vec<Type> {
        let results = match self.form.setting {
            Setting::Plain => self.operation().results(),
            Setting::Twice => self.twice(),
            Setting::Stored => self.stored(),
            Setting::If | Setting::IfNot | Setting::Select => self.decision(),
            Setting::Eqz => self.eqz(),
            Setting::Address => {
                self.operation().sink().i32_load8_u(at(0));
                vec![Type::I32]
            }
            Setting::Loop => self.looping(None),
            Setting::Induction(operand) => self.looping(self.operands[operand]),
            Setting::Pressure => self.among(memory::PRESSURE, |it| it.write()),
            Setting::Calls => self.among(memory::CALLS, |it| {
                it.sink().call(CLOBBER);
            }),
            Setting::Dropped => {
                let count = self.operation().results().len();
                (0..count).for_each(|_| {
                    self.sink().drop();
                });
                Vec::new()
            }
        };
        self.sink().end();
        results
    }

    /// The operation and what takes its result, with the results on the stack.
    fn operation(&mut self) -> &mut Self {
        let form = self.form;
        match &form.after {
            Some(applied) => {
                let before = form.before.iter().flatten();
                let passed = before.filter(|it| it.is_passed).count();
                self.applied(applied, passed, Self::parts);
            }
            None => self.parts(),
        }
        self
    }

    /// The operation by itself.
    fn parts(&mut self) {
        for part in &self.body.parts {
            match part {
                Part::Operand(operand) => self.operand(*operand),
                Part::Code(code) => self.code.extend(code),
            }
        }
    }

    /// A second operation on what `inner` leaves; `passed` is the number of its parameter, if the
    /// other operand is one.
    fn applied(&mut self, applied: &Applied, passed: usize, inner: impl FnOnce(&mut Self)) {
        let second = applied.second;
        let has_other = matches!(second.other(), Other::Same | Other::Count);
        if has_other && applied.is_swapped {
            self.other(applied, passed);
        }
        inner(self);
        if has_other && !applied.is_swapped {
            self.other(applied, passed);
        }
        self.code.extend(encoded(second.op));
        if let Other::Lane(_) = second.other() {
            self.code.push(applied.other.bits as u8);
        }
    }

    fn other(&mut self, applied: &Applied, passed: usize) {
        match applied.is_passed {
            true => {
                let local = self.others + passed as u32;
                self.sink().local_get(local);
            }
            false => self.constant(applied.other),
        }
    }

    /// The operation, with its results in locals.
    fn results_in_locals(&mut self) -> Vec<u32> {
        let types = self.operation().results();
        let locals: Vec<u32> = types.iter().map(|&ty| self.local(ty)).collect();
        for &local in locals.iter().rev() {
            self.sink().local_set(local);
        }
        locals
    }

    fn results(&self) -> Vec<Type> {
        self.form.results(self.body)
    }

    /// An operand, with the second operation that makes it.
    fn operand(&mut self, operand: usize) {
        let form = self.form;
        match &form.before[operand] {
            Some(applied) => {
                let before = form.before[..operand].iter().flatten();
                let passed = before.filter(|it| it.is_passed).count();
                self.applied(applied, passed, |it| {
                    it.source(operand, applied.second.from);
                });
            }
            None => self.source(operand, self.body.operands[operand]),
        }
    }

    /// What the source of an operand gives.
    fn source(&mut self, operand: usize, ty: Type) {
        let local = self.operands[operand];
        match (self.form.sources[operand], local) {
            (Source::Shared(first), _) => self.operand(first),
            (Source::Constant(number), _) => self.constant(number),
            (Source::Memory(width, how), _) => {
                self.address(how);
                self.load(ty, width, operand as u32 * ENTRY_BYTES);
            }
            (Source::Parameter, Some(local)) => {
                self.sink().local_get(local);
            }
            (Source::Passed, Some(local)) if ty == Type::I32 => {
                self.sink().local_get(local).call(WRAP);
            }
            (Source::Joined, Some(local)) if ty == Type::I32 => self.joined(local),
            (Source::Dirty | Source::Passed | Source::Joined, Some(local)) => {
                self.dirty(ty, local);
            }
            (Source::Extended(width), Some(local)) => self.extended(ty, width, local),
            (
                Source::Parameter
                | Source::Dirty
                | Source::Passed
                | Source::Joined
                | Source::Extended(_),
                None,
            ) => {
                unreachable!("each of these has a parameter")
            }
        }
    }

    /// The address of the record.
    fn address(&mut self, how: Address) {
        let base = self.base;
        let mut sink = self.sink();
        sink.local_get(base);
        match how {
            Address::Wrapped => sink.i32_wrap_i64(),
            Address::Passed => sink.call(WRAP),
            Address::Displaced => sink.i32_const(DISPLACEMENT.cast_signed()).i32_add(),
            Address::Indexed => sink.i32_const(SHIFT.cast_signed()).i32_shl(),
        };
    }

    fn constant(&mut self, number: Number) {
        constant(&mut self.sink(), number);
    }

    /// A value out of something that has more in it: what `form::dirty` gives.
    fn dirty(&mut self, ty: Type, local: u32) {
        let mut sink = self.sink();
        sink.local_get(local);
        match ty {
            Type::I32 => sink.i32_wrap_i64(),
            Type::I64 => sink.i64x2_extract_lane(1),
            Type::F32 => sink.f32x4_extract_lane(0),
            Type::F64 => sink.f64x2_extract_lane(0),
            Type::V128 => sink.v128_not(),
        };
    }

    /// A wrapped i64, where the upper half is not 0, which it never is; else a constant.
    fn joined(&mut self, local: u32) {
        let mut sink = self.sink();
        sink.local_get(local)
            .i64_const(32)
            .i64_shr_u()
            .i64_const(0)
            .i64_ne();
        sink.if_(BlockType::Result(ValType::I32));
        sink.local_get(local)
            .i32_wrap_i64()
            .else_()
            .i32_const(0)
            .end();
    }

    fn extended(&mut self, ty: Type, Width { bits, signed }: Width, local: u32) {
        let mut sink = self.sink();
        sink.local_get(local);
        match (ty, bits, signed) {
            (Type::I32, 8, true) => sink.i32_extend8_s(),
            (Type::I32, 16, true) => sink.i32_extend16_s(),
            (Type::I64, 8, true) => sink.i64_extend8_s(),
            (Type::I64, 16, true) => sink.i64_extend16_s(),
            (Type::I64, _, true) => sink.i32_wrap_i64().i64_extend_i32_s(),
            (Type::I64, 32, false) => sink.i32_wrap_i64().i64_extend_i32_u(),
            (Type::I64, bits, false) => sink.i64_const((1 << bits) - 1).i64_and(),
            (_, bits, _) => sink.i32_const((1 << bits) - 1).i32_and(),
        };
    }

    fn load(&mut self, ty: Type, Width { bits, signed }: Width, offset: u32) {
        let (mut sink, at) = (self.sink(), at(offset));
        match (ty, bits, signed) {
            (Type::I32, 8, false) => sink.i32_load8_u(at),
            (Type::I32, 8, true) => sink.i32_load8_s(at),
            (Type::I32, 16, false) => sink.i32_load16_u(at),
            (Type::I32, 16, true) => sink.i32_load16_s(at),
            (Type::I32, _, _) => sink.i32_load(at),
            (Type::I64, 8, false) => sink.i64_load8_u(at),
            (Type::I64, 8, true) => sink.i64_load8_s(at),
            (Type::I64, 16, false) => sink.i64_load16_u(at),
            (Type::I64, 16, true) => sink.i64_load16_s(at),
            (Type::I64, 32, false) => sink.i64_load32_u(at),
            (Type::I64, 32, true) => sink.i64_load32_s(at),
            (Type::I64, _, _) => sink.i64_load(at),
            (Type::F32, _, _) => sink.f32_load(at),
            (Type::F64, _, _) => sink.f64_load(at),
            (Type::V128, _, _) => sink.v128_load(at),
        };
    }

    fn store(&mut self, ty: Type, offset: u32) {
        let (mut sink, at) = (self.sink(), at(offset));
        match ty {
            Type::I32 => sink.i32_store(at),
            Type::I64 => sink.i64_store(at),
            Type::F32 => sink.f32_store(at),
            Type::F64 => sink.f64_store(at),
            Type::V128 => sink.v128_store(at),
        };
    }

    /// A store that no load may be moved across.
    fn write(&mut self) {
        self.sink().i32_const(0).i32_const(1);
        self.store(Type::I32, WRITTEN);
    }

    fn twice(&mut self) -> Vec<Type> {
        let results = self.results_in_locals();
        for &local in results.iter().chain(&results) {
            self.sink().local_get(local);
        }
        [self.results(), self.results()].concat()
    }

    fn stored(&mut self) -> Vec<Type> {
        let results = self.results_in_locals();
        let types = self.results();
        let first = self.body.operands.len();
        let offset = |index: usize| (first + index) as u32 * ENTRY_BYTES;
        for (index, (&local, &ty)) in results.iter().zip(&types).enumerate() {
            self.address(Address::Wrapped);
            self.sink().local_get(local);
            self.store(ty, offset(index));
        }
        for (index, &ty) in types.iter().enumerate() {
            self.address(Address::Wrapped);
            let bits = 8 * memory::bytes_of(ty);
            let signed = false;
            self.load(ty, Width { bits, signed }, offset(index));
        }
        types
    }

    /// Makes a condition of the result: `form::decides` says when it holds.
    fn condition(&mut self) {
        let ty = self.results()[0];
        let mut sink = self.sink();
        match ty {
            Type::I32 => return,
            Type::I64 => sink.i64_const(0).i64_ne(),
            Type::F32 => sink.f32_const(Ieee32::new(0)).f32_lt(),
            Type::F64 => sink.f64_const(Ieee64::new(0)).f64_lt(),
            Type::V128 => sink.v128_any_true(),
        };
    }

    fn decision(&mut self) -> Vec<Type> {
        let result = BlockType::Result(ValType::I32);
        let [yes, no] = DECIDED.map(u32::cast_signed);
        match self.form.setting {
            Setting::Select => {
                self.sink().i32_const(yes).i32_const(no);
                self.operation().condition();
                self.sink().select();
            }
            Setting::IfNot => {
                self.sink().block(result).i32_const(no);
                self.operation().condition();
                self.sink().i32_eqz().br_if(0).drop().i32_const(yes).end();
            }
            _ => {
                self.operation().condition();
                let mut sink = self.sink();
                sink.if_(result).i32_const(yes).else_().i32_const(no).end();
            }
        }
        vec![Type::I32]
    }

    fn eqz(&mut self) -> Vec<Type> {
        match self.operation().results()[0] {
            Type::I64 => self.sink().i64_eqz(),
            _ => self.sink().i32_eqz(),
        };
        vec![Type::I32]
    }

    /// The operation some times over; `counter` counts up before it.
    fn looping(&mut self, counter: Option<u32>) -> Vec<Type> {
        let left = self.local(Type::I32);
        self.sink().i32_const(PASSES.cast_signed()).local_set(left);
        self.sink().loop_(BlockType::Empty);
        if let Some(counter) = counter {
            let ty = self.locals[counter as usize];
            let mut sink = self.sink();
            sink.local_get(counter);
            match ty {
                Type::I64 => sink.i64_const(1).i64_add(),
                _ => sink.i32_const(1).i32_add(),
            };
            sink.local_set(counter);
        }
        let results = self.results_in_locals();
        let mut sink = self.sink();
        sink.local_get(left)
            .i32_const(1)
            .i32_sub()
            .local_tee(left)
            .br_if(0)
            .end();
        for &local in &results {
            self.sink().local_get(local);
        }
        self.results()
    }

    /// The operation, while other values are alive; `around` comes before and after it.
    fn among(&mut self, live: Live, around: fn(&mut Self)) -> Vec<Type> {
        let mut alive = Vec::new();
        for (ty, address) in memory::places(live) {
            let local = self.local(ty);
            self.sink().i32_const(0);
            let bits = 8 * memory::bytes_of(ty);
            let signed = false;
            self.load(ty, Width { bits, signed }, address);
            self.sink().local_set(local);
            alive.push(local);
        }
        around(self);
        let results = self.results_in_locals();
        around(self);
        for &local in &results {
            self.sink().local_get(local);
        }
        self.sum(&alive);
        [self.results(), vec![Type::I64]].concat()
    }

    /// The sum of live values, on the stack: `memory::check` says what it is.
    fn sum(&mut self, alive: &[u32]) {
        let rotation = i64::from(ROTATION);
        self.sink().i64_const(0);
        for &local in alive {
            let ty = self.locals[local as usize];
            let mut sink = self.sink();
            sink.i64_const(rotation).i64_rotl().local_get(local);
            match ty {
                Type::I32 => sink.i64_extend_i32_u().i64_xor(),
                Type::I64 => sink.i64_xor(),
                Type::F32 => sink.i32_reinterpret_f32().i64_extend_i32_u().i64_xor(),
                Type::F64 => sink.i64_reinterpret_f64().i64_xor(),
                Type::V128 => {
                    sink.i64x2_extract_lane(0).i64_xor();
                    sink.i64_const(rotation).i64_rotl().local_get(local);
                    sink.i64x2_extract_lane(1).i64_xor()
                }
            };
        }
    }
}
