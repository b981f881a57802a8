//! The one error type of the engine. Kinds are never mixed (contract C4): what is not built is
//! `Unsupported`, what the spec forbids is `Malformed`, `Invalid` or `Unlinkable`, and a trap is
//! a trap.

use std::fmt;

use crate::backtrace::Backtrace;
use crate::limits::LimitKind;
use crate::trap::TrapKind;
use crate::value::GcRef;

/// What went wrong, with as much of "where" as is known.
#[derive(Clone, Debug)]
pub struct Error {
    /// Which of the distinct endings this is.
    pub kind: ErrorKind,
    /// For people: the reason. For `Unsupported`: the opcode or feature.
    pub message: String,
    /// Byte offset in the module, where there is one.
    pub offset_bytes: Option<usize>,
    /// For `Exception`: which one, in its store.
    pub(crate) exception: Option<GcRef>,
    /// What was running, if anything was.
    pub(crate) backtrace: Option<Box<Backtrace>>,
}

/// The distinct endings that are not success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// A limit was reached outside of execution, or one that is no trap.
    Limit(LimitKind),
    /// The caller used the API wrongly: argument types, a handle of another store, ...
    Usage,
    /// A bug in this engine.
    Internal,
}

/// The engine's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of a kind, with its message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error {
            kind,
            message: message.into(),
            offset_bytes: None,
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
    pub fn unsupported(what: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unsupported, what)
    }

    /// An import that does not match.
    pub fn unlinkable(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Unlinkable, message)
    }

    /// A limit that was reached.
    pub fn limit(kind: LimitKind, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Limit(kind), message)
    }

    /// A wrong use of the API.
    pub fn usage(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Usage, message)
    }

    /// The same error at a byte offset of the module.
    #[must_use]
    pub fn at(mut self, offset_bytes: usize) -> Error {
        self.offset_bytes = Some(offset_bytes);
        self
    }

    /// The functions that were running, if code has ended with this error: of a trap, of an
    /// exception that was not caught, of the error of a host function.
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

/// By what has gone wrong: the backtrace is only told.
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
            ErrorKind::Internal => "internal error",
        };
        write!(f, "{what}: {}", self.message)?;
        match self.offset_bytes {
            Some(offset) => write!(f, " (at offset 0x{offset:x})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
