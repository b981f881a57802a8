//! Products: forms drawn from sources x settings x second operations x pools of values.
//!
//! `form::forms` varies one thing at a time, for every assertion. The product of all of it is too
//! large to run, so a seed draws some forms of it for each assertion ([`of_case`]), and some for
//! each body with values that no assertion has ([`of_pool`]): values that compilers treat
//! specially, whose results nobody says, so that tiers and engines are compared with each other.

use super::body::{Body, Number, Type};
use super::find::Case;
use super::form::{Address, Applied, Form, Setting, Source, Width, plain_settings};
use super::second::{Other, Second, that_give, that_take};
use crate::plan::generated::boundary;
use crate::plan::generated::random::Random;
use crate::script::{Expectation, Expected, FloatPattern, LanePattern};

/// A form that was drawn.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) form: Form,
    /// What the sources give.
    pub(super) values: Vec<Number>,
    /// What must come of a call.
    pub(super) expectation: Expectation,
    /// The form in words.
    pub(super) text: String,
}

/// The stream of values from a pool, apart from that of assertions.
const POOL: u64 = 1 << 32;

/// The form that a seed draws for an assertion, by a number; `None` if it draws none.
pub(super) fn of_case(case: &Case<'_>, seed: u64, number: u64) -> Option<Drawn> {
    let mut random = random(&case.directive.id, seed, number);
    let body = &case.function.body;
    draw(body, &case.values, &case.directive.expectation, &mut random)
}

/// The form and the values that a seed draws for a body, of which a case is one.
pub(super) fn of_pool(case: &Case<'_>, seed: u64, number: u64) -> Option<Drawn> {
    let mut random = random(&case.directive.id, seed, POOL | number);
    let body = &case.function.body;
    let values = body.operands.iter().map(|&ty| from_pool(ty, &mut random));
    let values: Vec<Number> = values.collect();
    draw(body, &values, &Expectation::Open, &mut random)
}

/// The choices for a directive: of a seed and its id, the file's path apart.
pub(super) fn random(id: &str, seed: u64, stream: u64) -> Random {
    // FNV-1a: the same on every host.
    let id = id.rsplit_once('#').map_or(id, |(_, id)| id);
    let hashed = id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    Random::new(seed ^ hashed, stream)
}

/// A value that compilers treat specially.
pub(super) fn from_pool(ty: Type, random: &mut Random) -> Number {
    let bits = match ty {
        Type::I32 => u128::from(boundary::i32(random)),
        Type::I64 => u128::from(boundary::i64(random)),
        Type::F32 => u128::from(boundary::f32(random)),
        Type::F64 => u128::from(boundary::f64(random)),
        Type::V128 => u128::from_le_bytes(boundary::v128(random)),
    };
    Number::new(ty, bits)
}

fn draw(
    body: &Body,
    operands: &[Number],
    original: &Expectation,
    random: &mut Random,
) -> Option<Drawn> {
    let mut form = Form::new(vec![Source::Parameter; operands.len()], Setting::Plain);
    let mut expectation = original.clone();
    if random.chance(50)
        && let Some((applied, after)) = after(body, original, random)
    {
        form.after = Some(applied);
        expectation = after;
    }
    let mut values = operands.to_vec();
    for (before, value) in form.before.iter_mut().zip(&mut values) {
        if random.chance(40)
            && let Some((applied, operand)) = makes(*value, random)
        {
            (*before, *value) = (Some(applied), operand);
        }
    }
    let (mut name, setting) = setting(body, &form, &expectation, random)?;
    form.setting = setting;
    sources(&mut form, &values, random);
    if let Some(counted) = induction(body, &form, &values, &expectation)
        && random.chance(25)
    {
        (name, form.setting) = ("induction", counted);
    }
    Some(Drawn {
        expectation: form.setting.expectation(&expectation)?,
        text: text(name, &form),
        form,
        values,
    })
}

/// A second operation on the result, and what must come of it then.
fn after(
    body: &Body,
    original: &Expectation,
    random: &mut Random,
) -> Option<(Applied, Expectation)> {
    let [ty] = body.results[..] else {
        return None;
    };
    let applied = any(that_take(ty), random)?;
    let expectation = match original {
        Expectation::Return(expected) => {
            let [expected] = expected.as_slice() else {
                return None;
            };
            let (second, other) = (applied.second, applied.other.bits);
            let result = second.result(exact(expected)?, other, applied.is_swapped)?;
            Expectation::Return(vec![literal(result)])
        }
        original => original.clone(),
    };
    // A division may trap where nothing is known of its operand.
    let is_safe = *original != Expectation::Open || !applied.second.op.traps();
    is_safe.then_some((applied, expectation))
}

/// A second operation that gives a value, and its operand.
fn makes(value: Number, random: &mut Random) -> Option<(Applied, Number)> {
    // Most operations give most values; a few tries find one that gives this.
    (0..4).find_map(|_| {
        let applied = any(that_give(value.ty), random)?;
        let bits = u128::from(random.bits()) << 64 | u128::from(random.bits());
        let (other, swapped) = (applied.other.bits, applied.is_swapped);
        let operand = applied.second.operand(value, other, swapped, bits)?;
        Some((applied, operand))
    })
}

/// One of some operations, with another operand from the pool.
fn any(seconds: impl Iterator<Item = &'static Second>, random: &mut Random) -> Option<Applied> {
    let seconds: Vec<&Second> = seconds.collect();
    if seconds.is_empty() {
        return None;
    }
    let second = random.pick(&seconds);
    let other = match second.other() {
        Other::None => Number::new(Type::I32, 0),
        Other::Same => from_pool(second.from, random),
        Other::Count => from_pool(Type::I32, random),
        Other::Lane(count) => Number::new(Type::I32, u128::from(random.below(count.into()))),
    };
    Some(Applied {
        second,
        other,
        is_passed: matches!(second.other(), Other::Same | Other::Count) && random.chance(30),
        is_swapped: second.swaps() && random.chance(25),
    })
}

/// A setting that says something about what must come of it.
fn setting(
    body: &Body,
    form: &Form,
    expectation: &Expectation,
    random: &mut Random,
) -> Option<(&'static str, Setting)> {
    let compares = match form.after {
        Some(applied) => applied.second.to == Type::I32,
        None => body.compares,
    };
    let mut settings = plain_settings(&form.results(body), compares);
    settings.retain(|(_, setting)| setting.expectation(expectation).is_some());
    (!settings.is_empty()).then(|| random.pick(&settings))
}

/// The setting in which an operand is counted up to, if there is such an operand.
fn induction(
    body: &Body,
    form: &Form,
    values: &[Number],
    expectation: &Expectation,
) -> Option<Setting> {
    let traps = body.may_trap || form.before.iter().flatten().any(|it| it.second.op.traps());
    let mut sources = form.sources.iter().zip(values);
    let counts = |(source, value): (&Source, &Number)| {
        *source == Source::Parameter && matches!(value.ty, Type::I32 | Type::I64)
    };
    let index = sources.position(counts)?;
    let after = form.after.is_some_and(|it| it.second.op.traps());
    let setting = Setting::Induction(index);
    let says = setting.expectation(expectation).is_some();
    (form.setting == Setting::Plain && !traps && !after && says).then_some(setting)
}

/// Draws a source for each operand. All that are in memory have addresses made in one way.
fn sources(form: &mut Form, values: &[Number], random: &mut Random) {
    let ways = [
        Address::Wrapped,
        Address::Wrapped,
        Address::Passed,
        Address::Displaced,
        Address::Indexed,
    ];
    let way = match form.setting {
        Setting::Stored => Address::Wrapped,
        _ => random.pick(&ways),
    };
    for (index, value) in values.iter().enumerate() {
        let mut possible = vec![
            Source::Parameter,
            Source::Parameter,
            Source::Constant(*value),
            Source::Constant(*value),
            Source::Memory(Width::whole(value.ty), way),
            Source::Dirty,
        ];
        if value.ty == Type::I32 {
            possible.extend([Source::Passed, Source::Joined]);
        }
        let fitting = Width::narrow(value.ty).filter(|width| width.fits(*value));
        let fitting: Vec<Width> = fitting.collect();
        if !fitting.is_empty() {
            let width = random.pick(&fitting);
            possible.extend([Source::Extended(width), Source::Memory(width, way)]);
        }
        let first = values[..index].iter().position(|it| it == value);
        if let Some(first) = first.filter(|&first| form.before[first] == form.before[index]) {
            // The earlier operand is taken as it is, its second operation included.
            possible.push(Source::Shared(first));
            possible.push(Source::Shared(first));
        }
        form.sources[index] = random.pick(&possible);
        if matches!(form.sources[index], Source::Shared(_)) {
            form.before[index] = None;
        }
    }
}

/// The number that a literal is, if it is exactly one.
fn exact(expected: &Expected) -> Option<Number> {
    let float = |pattern: &FloatPattern<u32>| match pattern {
        FloatPattern::Bits(bits) => Some(u128::from(*bits)),
        FloatPattern::CanonicalNan | FloatPattern::ArithmeticNan => None,
    };
    let double = |pattern: &FloatPattern<u64>| match pattern {
        FloatPattern::Bits(bits) => Some(u128::from(*bits)),
        FloatPattern::CanonicalNan | FloatPattern::ArithmeticNan => None,
    };
    Some(match expected {
        Expected::I32(value) => Number::new(Type::I32, u128::from(*value)),
        Expected::I64(value) => Number::new(Type::I64, u128::from(*value)),
        Expected::F32(pattern) => Number::new(Type::F32, float(pattern)?),
        Expected::F64(pattern) => Number::new(Type::F64, double(pattern)?),
        Expected::V128(pattern) => {
            let bits = match pattern {
                LanePattern::I8x16(lanes) => joined(lanes.map(|it| Some(u128::from(it))))?,
                LanePattern::I16x8(lanes) => joined(lanes.map(|it| Some(u128::from(it))))?,
                LanePattern::I32x4(lanes) => joined(lanes.map(|it| Some(u128::from(it))))?,
                LanePattern::I64x2(lanes) => joined(lanes.map(|it| Some(u128::from(it))))?,
                LanePattern::F32x4(lanes) => joined(lanes.each_ref().map(float))?,
                LanePattern::F64x2(lanes) => joined(lanes.each_ref().map(double))?,
            };
            Number::new(Type::V128, bits)
        }
        Expected::Either(_)
        | Expected::RefNull(_)
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

/// The vector of some lanes, all of which must be known.
fn joined<const COUNT: usize>(lanes: [Option<u128>; COUNT]) -> Option<u128> {
    let bits = 128 / COUNT;
    let mut lanes = lanes.into_iter().enumerate();
    lanes.try_fold(0, |sum, (index, lane)| Some(sum | lane? << (index * bits)))
}

/// The literal that exactly a number is.
pub(super) fn literal(number: Number) -> Expected {
    match number.ty {
        Type::I32 => Expected::I32(number.bits as u32),
        Type::I64 => Expected::I64(number.bits as u64),
        Type::F32 => Expected::F32(FloatPattern::Bits(number.bits as u32)),
        Type::F64 => Expected::F64(FloatPattern::Bits(number.bits as u64)),
        Type::V128 => {
            let lane = |index: usize| (number.bits >> (64 * index)) as u64;
            Expected::V128(LanePattern::I64x2([lane(0), lane(1)]))
        }
    }
}

/// A form in words: `setting(operand, operand) after`, an operand being its source and the
/// operation that makes it.
fn text(setting: &str, form: &Form) -> String {
    let source = |source: &Source| match source {
        Source::Parameter => "parameter".to_string(),
        Source::Shared(first) => format!("same-as-{}", first + 1),
        Source::Constant(_) => "constant".to_string(),
        Source::Memory(width, way) => {
            let way = match way {
                Address::Wrapped => "loaded",
                Address::Passed => "passed-address",
                Address::Displaced => "displaced",
                Address::Indexed => "indexed",
            };
            format!("{way}-{}", width.bits)
        }
        Source::Dirty => "dirty".to_string(),
        Source::Passed => "passed".to_string(),
        Source::Joined => "joined".to_string(),
        Source::Extended(width) => format!("extended-{}", width.bits),
    };
    let operands = form.sources.iter().zip(&form.before);
    let operands: Vec<String> = operands
        .map(|(it, before)| match before {
            Some(applied) => format!("{} {}", source(it), applied.second.op.mnemonic()),
            None => source(it),
        })
        .collect();
    let after = form.after.map(|it| format!(" {}", it.second.op.mnemonic()));
    format!(
        "{setting}({}){}",
        operands.join(", "),
        after.unwrap_or_default()
    )
}
