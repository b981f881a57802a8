//! The shapes in which an assertion is repeated: where its operands come from ([`Source`]), what
//! is around the operation ([`Setting`]), and what must come of it then.
//!
//! What must come of a variant follows from the directive's literal expectation alone. A shape that
//! says nothing about an assertion (a test of a sign where a NaN of any sign is expected, say) is
//! not made.

use std::borrow::Cow;

use super::body::{Body, Number, Type};
use super::find::Case;
use super::memory;
use super::second::Second;
use crate::script::{Argument, Expectation, Expected, FloatPattern, LanePattern};

/// Where a variant takes an operand from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// A parameter of its own.
    Parameter,
    /// The parameter of an earlier operand.
    Shared(usize),
    /// A constant.
    Constant(Number),
    /// Memory, at an address made in this way.
    Memory(Width, Address),
    /// A register with more in it than the operand: an i64 that is wrapped, a lane of a vector.
    Dirty,
    /// The same as `Dirty`, but an i64 is wrapped by a function that is called.
    Passed,
    /// The same as `Dirty`, but an i64 is wrapped on one of two ways that meet.
    Joined,
    /// An extension of what has more above these bits.
    Extended(Width),
}

/// How the address of an operand is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Address {
    /// An i64 is wrapped.
    Wrapped,
    /// An i64 is wrapped by a function that is called.
    Passed,
    /// A constant is added, and the sum is above 32 bits.
    Displaced,
    /// An index is shifted by [`SHIFT`], out of whose upper bits something is lost.
    Indexed,
}

/// The bits of an operand that are stored or kept, and how it is made of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Width {
    pub(super) bits: u32,
    pub(super) signed: bool,
}

/// What is around the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Setting {
    /// Nothing: the results are returned.
    Plain,
    /// The results are used twice.
    Twice,
    /// The results go through memory.
    Stored,
    /// The result decides an `if`.
    If,
    /// The negated result decides a `br_if`.
    IfNot,
    /// The result decides a `select`.
    Select,
    /// The result is compared with zero.
    Eqz,
    /// The result is an address.
    Address,
    /// The operation is in a loop that does not change its operands.
    Loop,
    /// The operation is in a loop that counts this operand up to its value.
    Induction(usize),
    /// More values are alive than there are registers.
    Pressure,
    /// Operands, results and other values are alive while functions are called.
    Calls,
    /// Nobody needs the results.
    Dropped,
}

/// A second operation, with its other operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Applied {
    pub(super) second: &'static Second,
    /// The other operand; zero if there is none.
    pub(super) other: Number,
    /// True if the other operand is a parameter and not a constant.
    pub(super) is_passed: bool,
    /// True if the other operand stands before the one that the operation is about.
    pub(super) is_swapped: bool,
}

/// A variant of a body: all that its code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    pub(super) sources: Vec<Source>,
    /// The second operation that makes each operand of what its source gives, if any does.
    pub(super) before: Vec<Option<Applied>>,
    pub(super) setting: Setting,
    /// The second operation that takes the result, if any does.
    pub(super) after: Option<Applied>,
}

/// What is added to a displaced address: so much that the sum goes beyond 32 bits.
pub(super) const DISPLACEMENT: u32 = 0x9000_0008;
/// The shift of an index; every record is at a multiple.
pub(super) const SHIFT: u32 = 3;
/// The passes of a loop.
pub(super) const PASSES: u32 = 3;
/// What a decision gives where the condition holds, and where not.
pub(super) const DECIDED: [u32; 2] = [1, 2];
/// Operands of which each is varied by itself; with more, only all together are.
const SINGLE_MAX: usize = 3;

impl Form {
    /// A form without second operations.
    pub(super) fn new(sources: Vec<Source>, setting: Setting) -> Form {
        Form {
            before: vec![None; sources.len()],
            sources,
            setting,
            after: None,
        }
    }

    /// The types of what the sources give, in a body.
    pub(super) fn source_types(&self, body: &Body) -> Vec<Type> {
        let types = self.before.iter().zip(&body.operands);
        let types = types.map(|(before, &ty)| before.map_or(ty, |it| it.second.from));
        types.collect()
    }

    /// The types of the results, in a body.
    pub(super) fn results(&self, body: &Body) -> Vec<Type> {
        match self.after {
            Some(applied) => vec![applied.second.to],
            None => body.results.clone(),
        }
    }

    /// The second operations whose other operand is a parameter, in the order of the parameters.
    pub(super) fn passed(&self) -> impl Iterator<Item = &Applied> {
        let all = self.before.iter().flatten().chain(&self.after);
        all.filter(|applied| applied.is_passed)
    }

    /// How the address of the assertion's record is made of its parameter, if it has one. That
    /// follows the operands' parameters; those of second operations are the last.
    pub(super) fn base(&self) -> Option<Address> {
        let address = |source: &Source| match source {
            Source::Memory(_, address) => Some(*address),
            _ => None,
        };
        let stored = (self.setting == Setting::Stored).then_some(Address::Wrapped);
        stored.or_else(|| self.sources.iter().find_map(address))
    }

    /// The arguments of a call whose sources give these values and whose record is at this address.
    pub(super) fn arguments(&self, values: &[Number], seed: u64, address: u32) -> Vec<Argument> {
        let mut garbage = Garbage(seed);
        let mut args = Vec::new();
        for (index, (source, value)) in self.sources.iter().zip(values).enumerate() {
            match source {
                Source::Parameter if self.setting == Setting::Induction(index) => {
                    args.push(below(*value, PASSES).argument());
                }
                Source::Parameter => args.push(value.argument()),
                Source::Shared(_) | Source::Constant(_) | Source::Memory(..) => {}
                Source::Dirty | Source::Passed | Source::Joined => {
                    args.push(dirty(*value, &mut garbage))
                }
                Source::Extended(width) => {
                    let above = garbage.next() << width.bits;
                    let low = value.bits as u64 & ((1 << width.bits) - 1);
                    let all = Number::new(value.ty, u128::from(low | above));
                    args.push(truncated(all).argument());
                }
            }
        }
        args.extend(self.base().map(|base| match base {
            Address::Wrapped | Address::Passed => {
                Argument::I64(u64::from(address) | garbage.next() << 32)
            }
            Address::Displaced => Argument::I32(address.wrapping_sub(DISPLACEMENT)),
            Address::Indexed => {
                let lost = u32::MAX << (u32::BITS - SHIFT);
                Argument::I32(address >> SHIFT | lost)
            }
        }));
        args.extend(self.passed().map(|applied| applied.other.argument()));
        args
    }
}

/// What lies where nobody must look: never zero, and the same in every run.
struct Garbage(u64);

impl Garbage {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed | 1 | 1 << 32
    }
}

fn truncated(number: Number) -> Number {
    let bits = number.bits & number.ty.mask();
    Number { bits, ..number }
}

/// An integer that so many steps count up to this one.
fn below(value: Number, steps: u32) -> Number {
    truncated(Number {
        bits: value.bits.wrapping_sub(u128::from(steps)),
        ..value
    })
}

/// What a dirty operand is made of, by its type: see `Emitter::dirty`.
fn dirty(value: Number, garbage: &mut Garbage) -> Argument {
    let bits = value.bits;
    match value.ty {
        Type::I32 => Argument::I64(bits as u64 | garbage.next() << 32),
        Type::I64 => Argument::V128((bits << 64 | u128::from(garbage.next())).to_le_bytes()),
        Type::F32 => {
            let above = u128::from(garbage.next()) << 64 | u128::from(garbage.next() << 32);
            Argument::V128((bits | above).to_le_bytes())
        }
        Type::F64 => Argument::V128((bits | u128::from(garbage.next()) << 64).to_le_bytes()),
        Type::V128 => Argument::V128((!bits).to_le_bytes()),
    }
}

/// Every shape of a case, by its name. Equal names are equal shapes, whatever the case.
pub(super) fn forms(case: &Case<'_>) -> Vec<(Cow<'static, str>, Form)> {
    let body = &case.function.body;
    let count = body.operands.len();
    let mut forms = Vec::new();
    let mut add = |name: Cow<'static, str>, sources: Vec<Source>, setting| {
        forms.push((name, Form::new(sources, setting)));
    };
    let parameters = vec![Source::Parameter; count];
    for (name, setting) in settings(case) {
        add(name.into(), parameters.clone(), setting);
    }
    if let Some(shared) = shared(&case.values) {
        add("same-local".into(), shared, Setting::Plain);
    }
    let constant = |index: usize| Source::Constant(case.values[index]);
    let all_constant: Vec<Source> = (0..count).map(constant).collect();
    let at = |index: usize, how| Source::Memory(Width::whole(body.operands[index]), how);
    let memory = |index: usize| at(index, Address::Wrapped);
    for (name, how) in [
        ("loaded", Address::Wrapped),
        ("displaced", Address::Displaced),
        ("indexed", Address::Indexed),
        ("passed-address", Address::Passed),
    ] {
        let sources = (0..count).map(|index| at(index, how)).collect();
        add(name.into(), sources, Setting::Plain);
    }
    add("constant".into(), all_constant.clone(), Setting::Plain);
    if body.compares {
        add("constant-if".into(), all_constant, Setting::If);
    }
    if (2..=SINGLE_MAX).contains(&count) {
        for index in 0..count {
            let one = |source| {
                let mut sources = parameters.clone();
                sources[index] = source;
                sources
            };
            add(
                single(index, count, "constant"),
                one(constant(index)),
                Setting::Plain,
            );
            add(
                single(index, count, "loaded"),
                one(memory(index)),
                Setting::Plain,
            );
            if body.compares {
                add(
                    single(index, count, "constant-if"),
                    one(constant(index)),
                    Setting::If,
                );
            }
        }
    }
    add("dirty".into(), vec![Source::Dirty; count], Setting::Plain);
    if body.operands.contains(&Type::I32) {
        add("passed".into(), vec![Source::Passed; count], Setting::Plain);
        add("joined".into(), vec![Source::Joined; count], Setting::Plain);
    }
    if let Some(sources) = made_of_less(case, |it| Source::Memory(it, Address::Wrapped)) {
        add("narrow".into(), sources, Setting::Plain);
    }
    if let Some(sources) = made_of_less(case, Source::Extended) {
        add("extended".into(), sources, Setting::Plain);
    }
    forms
}

/// The name of the shape in which one operand of several is special.
fn single(index: usize, count: usize, what: &str) -> Cow<'static, str> {
    match (index, count) {
        (0, 2) => format!("left-{what}").into(),
        (1, 2) => format!("right-{what}").into(),
        _ => format!("{what}-{}", index + 1).into(),
    }
}

/// The settings that say something about a case, by the names of their shapes.
fn settings(case: &Case<'_>) -> Vec<(&'static str, Setting)> {
    let body = &case.function.body;
    let counts = |ty: &Type| matches!(ty, Type::I32 | Type::I64);
    let mut settings = plain_settings(&body.results, body.compares);
    if let (Some(index), false) = (body.operands.iter().position(counts), body.may_trap) {
        settings.push(("induction", Setting::Induction(index)));
    }
    let expected = &case.directive.expectation;
    settings.retain(|(_, setting)| setting.expectation(expected).is_some());
    settings
}

/// The settings that results of these types allow, whatever the operands are.
pub(super) fn plain_settings(results: &[Type], compares: bool) -> Vec<(&'static str, Setting)> {
    let mut settings = vec![
        ("parameter", Setting::Plain),
        ("twice", Setting::Twice),
        ("stored", Setting::Stored),
        ("loop", Setting::Loop),
        ("pressure", Setting::Pressure),
        ("calls", Setting::Calls),
        ("dropped", Setting::Dropped),
    ];
    if let [result] = *results {
        settings.push(("if", Setting::If));
        if result == Type::I32 || compares {
            settings.push(("if-not", Setting::IfNot));
            settings.push(("select", Setting::Select));
        }
        if matches!(result, Type::I32 | Type::I64) {
            settings.push(("eqz", Setting::Eqz));
        }
        if result == Type::I32 {
            settings.push(("address", Setting::Address));
        }
    }
    settings
}

/// Equal operands by the parameter of the first of them, if any are equal.
fn shared(values: &[Number]) -> Option<Vec<Source>> {
    let source = |(index, value): (usize, &Number)| match values.iter().position(|it| it == value) {
        Some(first) if first < index => Source::Shared(first),
        Some(_) | None => Source::Parameter,
    };
    let sources: Vec<Source> = values.iter().enumerate().map(source).collect();
    let any = sources
        .iter()
        .any(|source| matches!(source, Source::Shared(_)));
    any.then_some(sources)
}

/// Sources of which integers that fit in less than their type are made of less, if there are any.
fn made_of_less(case: &Case<'_>, source: fn(Width) -> Source) -> Option<Vec<Source>> {
    let turn = case.directive.ordinal as usize;
    let sources = case.values.iter().map(|&value| {
        let fitting: Vec<Width> = Width::narrow(value.ty)
            .filter(|it| it.fits(value))
            .collect();
        match fitting.as_slice() {
            [] => Source::Parameter,
            fitting => source(fitting[turn % fitting.len()]),
        }
    });
    let sources: Vec<Source> = sources.collect();
    let any = sources.iter().any(|it| *it != Source::Parameter);
    any.then_some(sources)
}

impl Width {
    /// All of a type.
    pub(super) fn whole(ty: Type) -> Width {
        Width {
            bits: ty.bits(),
            signed: false,
        }
    }

    /// The widths below that of a type that it can be extended from.
    pub(super) fn narrow(ty: Type) -> impl Iterator<Item = Width> {
        let widths: &[u32] = match ty {
            Type::I32 => &[8, 16],
            Type::I64 => &[8, 16, 32],
            Type::F32 | Type::F64 | Type::V128 => &[],
        };
        let both = |&bits| [false, true].map(|signed| Width { bits, signed });
        widths.iter().flat_map(both)
    }

    /// Whether extending these bits of an integer gives all of it.
    pub(super) fn fits(self, value: Number) -> bool {
        let low = value.bits & ((1 << self.bits) - 1);
        let is_negative = self.signed && low >> (self.bits - 1) != 0;
        let high = if is_negative {
            u128::MAX << self.bits
        } else {
            0
        };
        let extended = Number {
            bits: low | high,
            ..value
        };
        truncated(extended) == value
    }
}

impl Setting {
    /// What must come of a variant of what must come to this; `None` if that is not said.
    pub(super) fn expectation(self, original: &Expectation) -> Option<Expectation> {
        let expected = match original {
            Expectation::Return(expected) => expected,
            Expectation::Trap(_) | Expectation::Open => return Some(original.clone()),
            _ => return None,
        };
        let check = |live| Expected::I64(memory::check(live));
        let returned = match (self, expected.as_slice()) {
            (Setting::Plain | Setting::Stored | Setting::Loop | Setting::Induction(_), _) => {
                expected.clone()
            }
            (Setting::Twice, _) => [expected.as_slice(), expected].concat(),
            (Setting::Pressure, _) => [expected.as_slice(), &[check(memory::PRESSURE)]].concat(),
            (Setting::Calls, _) => [expected.as_slice(), &[check(memory::CALLS)]].concat(),
            (Setting::If | Setting::IfNot | Setting::Select, [result]) => {
                let [yes, no] = DECIDED;
                vec![Expected::I32(if decides(result)? { yes } else { no })]
            }
            (Setting::Eqz, [result]) => vec![Expected::I32(u32::from(!decides(result)?))],
            (Setting::Address, [Expected::I32(address)]) => return memory::byte_at(*address),
            (
                Setting::If
                | Setting::IfNot
                | Setting::Select
                | Setting::Eqz
                | Setting::Address
                | Setting::Dropped,
                _,
            ) => return None,
        };
        Some(Expectation::Return(returned))
    }
}

/// Whether what is expected makes a condition hold (`Emitter::condition`): an integer or vector
/// that is not zero, a float below zero.
fn decides(expected: &Expected) -> Option<bool> {
    Some(match expected {
        Expected::I32(value) => *value != 0,
        Expected::I64(value) => *value != 0,
        Expected::F32(FloatPattern::Bits(bits)) => f32::from_bits(*bits) < 0.0,
        Expected::F64(FloatPattern::Bits(bits)) => f64::from_bits(*bits) < 0.0,
        Expected::F32(_) | Expected::F64(_) => false,
        Expected::V128(pattern) => match pattern {
            LanePattern::I8x16(lanes) => lanes.iter().any(|&lane| lane != 0),
            LanePattern::I16x8(lanes) => lanes.iter().any(|&lane| lane != 0),
            LanePattern::I32x4(lanes) => lanes.iter().any(|&lane| lane != 0),
            LanePattern::I64x2(lanes) => lanes.iter().any(|&lane| lane != 0),
            LanePattern::F32x4(lanes) => lanes.iter().any(|&lane| lane != FloatPattern::Bits(0)),
            LanePattern::F64x2(lanes) => lanes.iter().any(|&lane| lane != FloatPattern::Bits(0)),
        },
        Expected::Either(cases) => {
            let mut all = cases.iter().map(decides);
            let first = all.next()??;
            return all.all(|it| it == Some(first)).then_some(first);
        }
        Expected::RefNull(_)
        | Expected::RefExtern(_)
        | Expected::RefHost(_)
        | Expected::RefFunc(_)
        | Expected::RefAny
        | Expected::RefEq
        | Expected::RefArray
        | Expected::RefStruct
        | Expected::RefI31
        | Expected::RefI31Shared => return None,
    })
}
