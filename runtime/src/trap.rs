//! THE trap table: every way in which execution can end abnormally, with its exit code and the
//! message that the spec testsuite expects.
//!
//! Exit codes are what compiled code and interpreter handlers return: 0 is success, everything
//! else indexes this table. Sources: the reference interpreter's messages as quoted by the
//! `assert_trap` and `assert_exhaustion` directives of the testsuite.

macro_rules! traps {
    ($( $(#[$doc:meta])* $variant:ident = $code:literal, $message:literal; )*) => {
        /// The reason of a trap. The discriminant is the exit code used by every tier.
        ///
        /// ```
        /// use wassay_runtime::{Config, Engine, Instance, Module, Store, TrapKind};
        ///
        /// let engine = Engine::new(&Config::new())?;
        /// // (module (func (export "f") unreachable))
        /// let bytes = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x05\x01\x01f\0\0\
        ///     \x0a\x05\x01\x03\0\0\x0b";
        /// let module = Module::new(&engine, bytes)?;
        /// let mut store = Store::new(&engine, ());
        /// let instance = Instance::new(&mut store, &module, &[])?;
        /// let func = instance.get_typed_func::<(), ()>(&store, "f")?;
        /// let error = func.call(&mut store, ()).unwrap_err();
        /// assert_eq!(error.trap_kind(), Some(TrapKind::Unreachable));
        /// assert_eq!(TrapKind::Unreachable.message(), "unreachable");
        /// # Ok::<(), wassay_runtime::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum TrapKind {
            $( $(#[$doc])* $variant = $code, )*
        }

        impl TrapKind {
            /// Every kind, in the order of the exit codes.
            pub const ALL: &'static [TrapKind] = &[$(TrapKind::$variant),*];

            /// The spec's message.
            pub const fn message(self) -> &'static str {
                match self { $( TrapKind::$variant => $message, )* }
            }

            /// The kind of an exit code; `None` for 0 and for codes that are not in the table.
            pub const fn from_code(code: u32) -> Option<TrapKind> {
                match code { $( $code => Some(TrapKind::$variant), )* _ => None }
            }
        }
    };
}

traps! {
    /// `unreachable` was executed.
    Unreachable = 1, "unreachable";
    /// A load, store or bulk memory access left the memory.
    MemoryOutOfBounds = 2, "out of bounds memory access";
    /// A table access left the table.
    TableOutOfBounds = 3, "out of bounds table access";
    /// `call_indirect` past the end of the table.
    UndefinedElement = 4, "undefined element";
    /// `call_indirect` on a null element.
    UninitializedElement = 5, "uninitialized element";
    /// `call_indirect` on a function of another type.
    IndirectCallTypeMismatch = 6, "indirect call type mismatch";
    /// Integer division or remainder by zero.
    IntegerDivideByZero = 7, "integer divide by zero";
    /// Signed division overflow, or a float too large for the integer type.
    IntegerOverflow = 8, "integer overflow";
    /// A NaN converted to an integer.
    InvalidConversionToInteger = 9, "invalid conversion to integer";
    /// The call stack or the value stack is used up.
    StackExhausted = 10, "call stack exhausted";
    /// A null reference where a reference was required.
    NullReference = 11, "null reference";
    /// `call_ref` on null.
    NullFunctionReference = 12, "null function reference";
    /// `struct.get` and friends on null.
    NullStructReference = 13, "null structure reference";
    /// `array.get` and friends on null.
    NullArrayReference = 14, "null array reference";
    /// `i31.get` on null.
    NullI31Reference = 15, "null i31 reference";
    /// `throw_ref` on null.
    NullExceptionReference = 16, "null exception reference";
    /// An array index or range past the array's end.
    ArrayOutOfBounds = 17, "out of bounds array access";
    /// `ref.cast` failed.
    CastFailure = 18, "cast failure";
    /// An atomic access that is not naturally aligned.
    UnalignedAtomic = 19, "unaligned atomic";
    /// `memory.atomic.wait` on a memory that is not shared.
    ExpectedSharedMemory = 20, "expected shared memory";
    /// A null descriptor where one was required.
    NullDescriptorReference = 21, "null descriptor reference";
    /// An exception left the outermost function; the store holds the exception.
    UncaughtException = 22, "unhandled exception";
    /// The store's fuel is used up.
    OutOfFuel = 23, "all fuel consumed";
    /// The store was interrupted from outside or passed its deadline.
    Interrupted = 24, "interrupted";
    /// The garbage-collected heap has reached its limit.
    HeapExhausted = 25, "gc heap exhausted";
    /// A host function failed; the store holds its error.
    HostError = 26, "host function failed";
    /// `ref.cast_desc_eq` failed.
    DescriptorCastFailure = 27, "descriptor cast failure";
}

/// The trap of an instruction whose operand is null.
#[inline(always)]
pub(crate) fn non_null(word: u64, kind: TrapKind) -> Result<(), TrapKind> {
    if word == 0 { Err(kind) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip_and_messages_are_distinct() {
        let mut seen = std::collections::HashSet::new();
        for &kind in TrapKind::ALL {
            assert_eq!(TrapKind::from_code(kind as u32), Some(kind));
            assert!(seen.insert(kind.message()), "{kind:?} shares its message");
        }
        assert_eq!(TrapKind::from_code(0), None);
        assert_eq!(TrapKind::from_code(TrapKind::ALL.len() as u32 + 1), None);
    }
}
