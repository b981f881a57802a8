//! The one error type of the engine. Kinds are never mixed (contract C4): an instruction that is
//! not built is `Unsupported`, a module that the spec forbids is `Malformed`, `Invalid` or
//! `Unlinkable`, and a trap is a `Trap`.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::backtrace::Backtrace;
use crate::limits::LimitKind;
use crate::trap::TrapKind;
use crate::value::GcRef;

/// The reason of a failure, with as much of its place as is known.
///
/// An error of the host passes through code unchanged. The call that the host has made returns it:
///
/// ```
/// use wassay_runtime::{Config, Engine, Error, ErrorKind, Func, Store};
///
/// let engine = Engine::new(&Config::new())?;
/// let mut store = Store::new(&engine, ());
/// let fails = Func::wrap(&mut store, || -> Result<(), Error> {
///     Err(Error::host("x".parse::<i32>().unwrap_err()))
/// });
/// let error = fails.typed::<(), ()>(&store)?.call(&mut store, ()).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Host);
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    /// The kind of the ending.
    pub(crate) kind: ErrorKind,
    /// The reason, in words. For `Unsupported`: the opcode or feature.
    pub(crate) message: String,
    /// The byte offset in the module, where there is one.
    pub(crate) offset_bytes: Option<usize>,
    /// The host's own error.
    pub(crate) source: Option<Arc<dyn StdError + Send + Sync>>,
    /// For `Exception`: the handle of the exception.
    pub(crate) exception: Option<GcRef>,
    /// The functions that were running, if there were any.
    pub(crate) backtrace: Option<Box<Backtrace>>,
}

/// The distinct endings that are not success.
///
/// ```
/// use wassay_runtime::{Config, Engine, ErrorKind, Module};
///
/// let engine = Engine::new(&Config::new())?;
/// let error = Module::new(&engine, b"nonsense").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Malformed);
/// # Ok::<(), wassay_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a module (spec: "Binary Format").
    Malformed,
    /// The module does not validate (spec: "Validation").
    Invalid,
    /// The imports do not match (spec: "Modules / Instantiation", external typing).
    Unlinkable,
    /// Execution trapped.
    Trap(TrapKind),
    /// An exception was not caught; [`crate::Exception::of`] gives it.
    Exception,
    /// This tier does not execute an opcode or feature yet.
    Unsupported,
    /// A limit was reached that does not trap, or was reached outside of execution.
    Limit(LimitKind),
    /// The caller used the API wrongly: argument types, a handle of another store, ...
    Usage,
    /// A host function has failed: [`Error::downcast_ref`] gives its error.
    Host,
    /// A bug in this engine.
    Internal,
}

/// The engine's result.
///
/// ```
/// use wassay_runtime::{Error, Result};
///
/// fn check(n: u32) -> Result<u32> {
///     if n > 0 { Ok(n) } else { Err(Error::msg("nothing")) }
/// }
/// assert_eq!(check(1)?, 1);
/// # Ok::<(), Error>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The reason, in words; for `Unsupported`, the opcode or feature.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The place in the module, as a byte offset, where there is one.
    pub fn offset_bytes(&self) -> Option<usize> {
        self.offset_bytes
    }

    /// The error of a host function, with its own error as the source.
    pub fn host(error: impl StdError + Send + Sync + 'static) -> Error {
        let message = error.to_string();
        Error {
            source: Some(Arc::new(error)),
            ..Error::new(ErrorKind::Host, message)
        }
    }

    /// The error of a host function, in words.
    pub fn msg(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Host, message)
    }

    /// The host's own error, if it is of the type `E`.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.source.as_deref()?.downcast_ref()
    }

    /// An error of a kind, with its message.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error {
            kind,
            message: message.into(),
            offset_bytes: None,
            source: None,
            exception: None,
            backtrace: None,
        }
    }

    /// The end of a call by an exception that was not caught.
    pub(crate) fn exception(exception: GcRef) -> Error {
        Error {
            exception: Some(exception),
            ..Error::new(ErrorKind::Exception, TrapKind::UncaughtException.message())
        }
    }

    /// A trap with the spec's message.
    pub fn trap(kind: TrapKind) -> Error {
        Error::new(ErrorKind::Trap(kind), kind.message())
    }

    /// An opcode or feature that the tier cannot execute.
    pub(crate) fn unsupported(what: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unsupported, what)
    }

    /// An import that does not match.
    pub(crate) fn unlinkable(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unlinkable, message)
    }

    /// A limit that was reached.
    pub(crate) fn limit(kind: LimitKind, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Limit(kind), message)
    }

    /// A wrong use of the API.
    pub(crate) fn usage(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Usage, message)
    }

    /// The same error at a byte offset of the module.
    #[must_use]
    pub(crate) fn at(mut self, offset_bytes: usize) -> Error {
        self.offset_bytes = Some(offset_bytes);
        self
    }

    /// The functions that were running, if code has ended with this error: a trap, an exception
    /// that was not caught, or the error of a host function.
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.backtrace.as_deref()
    }

    /// The trap kind, if it is a trap.
    pub fn trap_kind(&self) -> Option<TrapKind> {
        match self.kind {
            ErrorKind::Trap(kind) => Some(kind),
            _ => None,
        }
    }
}

/// Equality of the failure: backtraces are not compared.
impl PartialEq for Error {
    fn eq(&self, other: &Error) -> bool {
        let parts = |e: &Error| (e.kind, e.offset_bytes, e.exception);
        parts(self) == parts(other) && self.message == other.message
    }
}

impl Eq for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Malformed => "malformed module",
            ErrorKind::Invalid => "invalid module",
            ErrorKind::Unlinkable => "unlinkable",
            ErrorKind::Trap(_) => "trap",
            ErrorKind::Exception => "uncaught exception",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Limit(kind) => {
                return write!(f, "limit reached, {}: {}", kind.name(), self.message);
            }
            ErrorKind::Usage => "wrong use",
            ErrorKind::Host => "host error",
            ErrorKind::Internal => "internal error",
        };
        write!(f, "{what}: {}", self.message)?;
        match self.offset_bytes {
            Some(offset) => write!(f, " (at offset 0x{offset:x})"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

impl From<TrapKind> for Error {
    fn from(kind: TrapKind) -> Error {
        Error::trap(kind)
    }
}
