//! Between the harness's values and endings and the runtime's.

use wassay_runtime::interior::Numbered;
use wassay_runtime::{
    AbstractHeapType, AnyRef, Backtrace, Error, ErrorKind, ExternRef, Frame, Func, Ref, TrapKind,
    Val,
};

use crate::outcome::{FuncIndex, Hierarchy, JudgedBy, Outcome, Place, Reference, Value};
use crate::script::Argument;

/// The runtime's error as the ending of a directive.
pub(super) fn ending(error: Error) -> Outcome {
    let message = error.message().to_owned();
    match error.kind() {
        ErrorKind::Malformed => Outcome::Malformed {
            message,
            by: JudgedBy::Engine,
        },
        ErrorKind::Invalid => Outcome::Invalid(message),
        ErrorKind::Unlinkable => Outcome::Unlinkable(message),
        ErrorKind::Trap(TrapKind::StackExhausted) => Outcome::Exhaustion(message),
        ErrorKind::Trap(TrapKind::UncaughtException) => Outcome::Exception(message),
        ErrorKind::Trap(TrapKind::OutOfFuel | TrapKind::Interrupted | TrapKind::HeapExhausted) => {
            Outcome::Limit(message)
        }
        ErrorKind::Trap(TrapKind::HostError) => Outcome::HostError(message),
        ErrorKind::Trap(_) => Outcome::Trap(message),
        ErrorKind::Exception => Outcome::Exception(message),
        ErrorKind::Unsupported => Outcome::Unsupported(message),
        ErrorKind::Limit(kind) => Outcome::Limit(format!("{}: {message}", kind.name())),
        ErrorKind::Usage | ErrorKind::Host => Outcome::HostError(message),
        _ => Outcome::Internal(message),
    }
}

/// What was running when code ended with an error, if its ending has a place.
pub(crate) fn trace(error: &Error) -> Vec<Place> {
    let has_place = match error.kind() {
        // How deep and for how long code runs is the tiers' own matter; what is interrupted is
        // asked for its place.
        ErrorKind::Trap(
            TrapKind::StackExhausted
            | TrapKind::OutOfFuel
            | TrapKind::HeapExhausted
            | TrapKind::HostError,
        ) => false,
        ErrorKind::Trap(_) | ErrorKind::Exception => true,
        ErrorKind::Malformed
        | ErrorKind::Invalid
        | ErrorKind::Unlinkable
        | ErrorKind::Unsupported
        | ErrorKind::Limit(_)
        | ErrorKind::Usage
        | ErrorKind::Host
        | ErrorKind::Internal => false,
        _ => false,
    };
    let frames = error.backtrace().filter(|_| has_place);
    let frames = frames.map_or(&[][..], Backtrace::frames).iter();
    let place = |frame: &Frame| Place {
        func: frame.func_index(),
        offset_bytes: frame.module_offset().map(|offset| offset as u32),
    };
    frames.map(place).collect()
}

/// The runtime's value for an argument of a script.
///
/// # Errors
/// `Unsupported` for what the runtime has no value for.
pub(super) fn to_val(argument: &Argument) -> Result<Val, Outcome> {
    Ok(match argument {
        Argument::I32(value) => Val::I32(value.cast_signed()),
        Argument::I64(value) => Val::I64(value.cast_signed()),
        Argument::F32(bits) => Val::F32(*bits),
        Argument::F64(bits) => Val::F64(*bits),
        Argument::V128(bytes) => Val::V128(u128::from_le_bytes(*bytes)),
        Argument::RefNull(name) => Val::Ref(Ref::Null(heap_type(name)?.top())),
        Argument::RefExtern(host) => Val::Ref(Ref::Extern(ExternRef::from_number(*host))),
        Argument::RefHost(host) => Val::Ref(Ref::Any(AnyRef::Host(*host))),
    })
}

/// The abstract heap type of a name.
fn heap_type(name: &str) -> Result<AbstractHeapType, Outcome> {
    use AbstractHeapType as T;
    let all = [
        T::Func,
        T::NoFunc,
        T::Extern,
        T::NoExtern,
        T::Any,
        T::Eq,
        T::I31,
        T::Struct,
        T::Array,
        T::None,
        T::Exn,
        T::NoExn,
        T::Cont,
        T::NoCont,
    ];
    let found = all.into_iter().find(|it| it.name() == name);
    found.ok_or_else(|| Outcome::Unsupported(format!("ref.null {name}")))
}

/// The harness's values for results; `index_of` gives the place of a function in the instance that
/// they come from.
pub(super) fn from_vals(results: &[Val], index_of: impl Fn(Func) -> FuncIndex) -> Outcome {
    let values = results.iter().map(|result| {
        let value = from_val(*result)?;
        Ok(match (result, value) {
            (Val::Ref(Ref::Func(func)), Value::Ref(Reference::Func { number, .. })) => {
                let index = index_of(*func);
                Value::Ref(Reference::Func { number, index })
            }
            (_, value) => value,
        })
    });
    let values: Result<Vec<Value>, Outcome> = values.collect();
    values.map_or_else(|outcome| outcome, Outcome::Values)
}

fn from_val(val: Val) -> Result<Value, Outcome> {
    Ok(match val {
        Val::I32(value) => Value::I32(value.cast_unsigned()),
        Val::I64(value) => Value::I64(value.cast_unsigned()),
        Val::F32(bits) => Value::F32(bits),
        Val::F64(bits) => Value::F64(bits),
        Val::V128(value) => Value::V128(value.to_le_bytes()),
        Val::Ref(reference) => Value::Ref(from_ref(reference)?),
    })
}

/// The canonical identity of a reference.
pub(super) fn from_ref(reference: Ref) -> Result<Reference, Outcome> {
    Ok(match reference {
        Ref::Null(heap_type) => Reference::Null(hierarchy(heap_type)?),
        Ref::Func(func) => Reference::numbered_func(func.number()),
        Ref::Extern(host) => match host.number() {
            Some(number) => Reference::Extern(number),
            None => Reference::Externalized,
        },
        Ref::Any(AnyRef::Host(host)) => Reference::Host(host),
        Ref::Any(AnyRef::I31(value)) => Reference::I31(value.get_u32()),
        Ref::Any(AnyRef::Struct(_)) => Reference::Struct,
        Ref::Any(AnyRef::Array(_)) => Reference::Array,
        Ref::Exn(_) => Reference::Exn,
        _new => {
            return Err(Outcome::Unsupported(
                "a reference of another kind".to_string(),
            ));
        }
    })
}

fn hierarchy(heap_type: AbstractHeapType) -> Result<Hierarchy, Outcome> {
    let top = heap_type.top();
    Ok(match top {
        AbstractHeapType::Func => Hierarchy::Func,
        AbstractHeapType::Extern => Hierarchy::Extern,
        AbstractHeapType::Any => Hierarchy::Any,
        AbstractHeapType::Exn => Hierarchy::Exn,
        _ => {
            return Err(Outcome::Unsupported(format!(
                "results of type {}",
                top.name()
            )));
        }
    })
}
