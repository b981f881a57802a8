//! What a `.wast` file says, as data without lifetimes: what to do ([`Command`]) apart from what
//! must come of it ([`Expectation`]).
//!
//! A worker receives commands only, so it cannot know what it ought to answer. `parse.rs` makes
//! these values; `worker.rs` runs the commands; `judge.rs` reads the expectations. Everything here
//! goes over the wire (serde), and all floats are bit patterns.
//!
//! Invariant: `Script::directives` and `Script::commands` have the same length; a directive's
//! ordinal is its index in both. The directives of a thread are nested in the text and follow it
//! here: each counts by itself. (The suite's total of 67,119 has none of these.)

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod imports;
pub mod module_file;
mod old_forms;
pub mod packed;
pub mod parse;
pub mod source;
pub mod split;
pub mod text_rules;
mod unfold;
pub mod value;
pub mod write;

/// One `.wast` file, parsed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// The path that reports show; it uses `/` on every host.
    pub path: String,
    /// SHA-256 of the file's bytes, lower-case hex.
    pub sha256: String,
    /// What must come of each directive, in the order of the file.
    pub directives: Vec<Directive>,
    /// What each directive does, in the same order.
    pub commands: Vec<Command>,
}

/// One directive: where it stands and what must come of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Directive {
    /// Position in the file, from 0.
    pub ordinal: u32,
    /// Line of the directive's opening parenthesis, from 1.
    pub line: u32,
    /// Column of the directive's opening parenthesis in bytes, from 1.
    pub column: u32,
    /// What sort of directive it is.
    pub kind: Kind,
    /// Stable name: `path#ordinal-hash`, where hash is 8 hex digits over the directive's text.
    pub id: String,
    /// What must come of it.
    pub expectation: Expectation,
    /// The origin of a directive that a plan has made; `None` for one that stands in the file.
    pub origin: Option<Box<Origin>>,
}

/// The origin of a directive that repeats another one in an operand shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The shape.
    pub shape: String,
    /// The form that was drawn for it, in words; empty where the shape says all.
    pub form: String,
    /// The export that the repeated directive calls.
    pub export: String,
}

/// Sort of directive, as reports name it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "each variant is the directive of the same name"
)]
pub enum Kind {
    Module,
    ModuleDefinition,
    ModuleInstance,
    Register,
    Invoke,
    Get,
    AssertReturn,
    AssertTrap,
    AssertExhaustion,
    AssertException,
    AssertSuspension,
    AssertInvalid,
    AssertInvalidCustom,
    AssertMalformed,
    AssertMalformedCustom,
    AssertUnlinkable,
    Thread,
    Wait,
    Unreadable,
}

impl Kind {
    /// Every kind with its name in reports.
    pub const NAMES: [(Kind, &'static str); 19] = [
        (Kind::Module, "module"),
        (Kind::ModuleDefinition, "module_definition"),
        (Kind::ModuleInstance, "module_instance"),
        (Kind::Register, "register"),
        (Kind::Invoke, "invoke"),
        (Kind::Get, "get"),
        (Kind::AssertReturn, "assert_return"),
        (Kind::AssertTrap, "assert_trap"),
        (Kind::AssertExhaustion, "assert_exhaustion"),
        (Kind::AssertException, "assert_exception"),
        (Kind::AssertSuspension, "assert_suspension"),
        (Kind::AssertInvalid, "assert_invalid"),
        (Kind::AssertInvalidCustom, "assert_invalid_custom"),
        (Kind::AssertMalformed, "assert_malformed"),
        (Kind::AssertMalformedCustom, "assert_malformed_custom"),
        (Kind::AssertUnlinkable, "assert_unlinkable"),
        (Kind::Thread, "thread"),
        (Kind::Wait, "wait"),
        (Kind::Unreadable, "unreadable"),
    ];

    /// The kind's name in reports.
    pub fn name(self) -> &'static str {
        Kind::NAMES[self as usize].1
    }
}

/// What a worker has to do for one directive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Decode, validate and instantiate; the instance becomes the current one, also under `name` if
    /// there is one.
    Module {
        /// The `$name` of the instance.
        name: Option<String>,
        /// The module.
        module: ModuleSource,
    },
    /// Decode and validate only; keep the module for `ModuleInstance`.
    ModuleDefinition {
        /// The `$name` of the definition.
        name: Option<String>,
        /// The module.
        module: ModuleSource,
    },
    /// Instantiate a kept definition (the latest when `module` is absent).
    ModuleInstance {
        /// The `$name` of the new instance.
        instance: Option<String>,
        /// The `$name` of the definition.
        module: Option<String>,
    },
    /// Offer the exports of an instance (the current one when absent) for import under `name`.
    Register {
        /// The module name by which imports find it.
        name: String,
        /// The `$name` of the instance.
        instance: Option<String>,
    },
    /// Call an export or read a global.
    Action(Action),
    /// Decode, validate and instantiate for its ending alone; the current instance stays.
    Instantiate {
        /// The module.
        module: ModuleSource,
    },
    /// Decode and validate for its ending alone.
    Check {
        /// The module.
        module: ModuleSource,
    },
    /// Decode and validate, custom sections included (`name`, branch hints, ...).
    CheckCustom {
        /// The module.
        module: ModuleSource,
    },
    /// Run commands in a new thread that shares one instance: those that follow this one. They are
    /// directives of the file as all others are, with ordinals of their own.
    Thread {
        /// The `$name` of the thread.
        name: String,
        /// The `$name` of the instance it shares.
        shared_module: Option<String>,
        /// How many commands it runs, those of threads that it starts included.
        length: u32,
    },
    /// Wait for a thread to end.
    Wait {
        /// The `$name` of the thread.
        thread: String,
    },
    /// Nothing can be done: the directive's text could not be read.
    Unreadable {
        /// Why.
        message: String,
        /// The keyword after its opening parenthesis, if it has one.
        head: String,
    },
}

/// The accessors of a command's module, shared and exclusive: one list of commands that have one.
macro_rules! module_accessor {
    ($(#[$doc:meta])* $name:ident, $($reference:tt)+) => {
        $(#[$doc])*
        pub fn $name(self: $($reference)+ Command) -> Option<$($reference)+ ModuleSource> {
            match self {
                Command::Module { module, .. }
                | Command::ModuleDefinition { module, .. }
                | Command::Instantiate { module }
                | Command::Check { module }
                | Command::CheckCustom { module } => Some(module),
                Command::ModuleInstance { .. }
                | Command::Register { .. }
                | Command::Action(_)
                | Command::Thread { .. }
                | Command::Wait { .. }
                | Command::Unreadable { .. } => None,
            }
        }
    };
}

impl Command {
    /// True if the command may change what later ones see, names apart.
    pub fn may_have_effects(&self) -> bool {
        match self {
            Command::Module { .. }
            | Command::ModuleInstance { .. }
            | Command::Instantiate { .. }
            | Command::Action(Action::Invoke { .. })
            | Command::Thread { .. } => true,
            Command::ModuleDefinition { .. }
            | Command::Register { .. }
            | Command::Action(Action::Get { .. })
            | Command::Check { .. }
            | Command::CheckCustom { .. }
            | Command::Wait { .. }
            | Command::Unreadable { .. } => false,
        }
    }

    module_accessor! {
        /// The module that the command instantiates, defines or checks, if it has one.
        module, &
    }
    module_accessor! {
        /// The same, to be changed.
        module_mut, &mut
    }
}

/// A module of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ModuleSource {
    /// The module in the binary format, for the engine to decode.
    Binary(#[serde(with = "bytes")] Vec<u8>),
    /// Text that the text parser itself refused, so the engine never sees it.
    Refused {
        /// The parser's message.
        message: String,
    },
}

/// A call or a read, as in `(invoke $m "f" ..)` and `(get $m "g")`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Call the exported function `field`.
    Invoke {
        /// The `$name` of the instance; the current one when absent.
        instance: Option<String>,
        /// The export's name.
        field: String,
        /// The arguments.
        args: Vec<Argument>,
    },
    /// Read the exported global `field`.
    Get {
        /// The `$name` of the instance; the current one when absent.
        instance: Option<String>,
        /// The export's name.
        field: String,
    },
}

/// An argument, as scripts can write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Argument {
    /// `i32.const`
    I32(u32),
    /// `i64.const`
    I64(u64),
    /// `f32.const`, its bits.
    F32(u32),
    /// `f64.const`, its bits.
    F64(u64),
    /// `v128.const`, little-endian bytes.
    V128([u8; 16]),
    /// `ref.null ht`; the heap type by its text name (`func`, `extern`, `any`, ...).
    RefNull(String),
    /// `ref.extern n`: the host's n-th object as an externref.
    RefExtern(u32),
    /// `ref.host n`: the host's n-th object as an anyref.
    RefHost(u32),
}

/// What must come of a directive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expectation {
    /// It must simply succeed (module, register, bare invoke, ...).
    Success,
    /// The action must return these values.
    Return(Vec<Expected>),
    /// It must trap, with a message that starts as this one.
    Trap(String),
    /// The call must run out of stack.
    Exhaustion(String),
    /// The call must end by an uncaught exception.
    Exception,
    /// The call must end by an unhandled suspension.
    Suspension(String),
    /// The module must decode, and must not validate.
    Invalid {
        /// The suite's reason.
        message: String,
        /// True if the module was given as text, so that we have encoded it.
        text: bool,
    },
    /// The module must not decode. `text`: it was given as text to parse.
    Malformed {
        /// The suite's reason.
        message: String,
        /// Whether the module was quoted text.
        text: bool,
    },
    /// The module must be valid, and must not link.
    Unlinkable(String),
    /// The directive's text could not be read: it can only fail.
    Unreadable(String),
    /// Nobody knows: engines are compared. Of a module, that it is valid and links is known.
    Open,
}

/// A result that a script accepts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expected {
    /// Exactly this i32.
    I32(u32),
    /// Exactly this i64.
    I64(u64),
    /// An f32 pattern.
    F32(FloatPattern<u32>),
    /// An f64 pattern.
    F64(FloatPattern<u64>),
    /// A v128 pattern.
    V128(LanePattern),
    /// A null reference; of this heap type's hierarchy, if given.
    RefNull(Option<String>),
    /// A non-null externref; this host object, if given.
    RefExtern(Option<u32>),
    /// This host object as an anyref.
    RefHost(u32),
    /// A non-null funcref; the function of this index in the instance whose export was called or
    /// read, if given.
    RefFunc(Option<u32>),
    /// Any non-null reference of the any hierarchy.
    RefAny,
    /// Any non-null reference below eq.
    RefEq,
    /// Any non-null array.
    RefArray,
    /// Any non-null struct.
    RefStruct,
    /// Any non-null i31.
    RefI31,
    /// Any non-null shared i31.
    RefI31Shared,
    /// Any one of these.
    Either(Vec<Expected>),
}

/// A float as scripts expect it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FloatPattern<T> {
    /// `nan:canonical`: a NaN whose payload is the top bit alone, of either sign.
    CanonicalNan,
    /// `nan:arithmetic`: a NaN whose payload has its top bit set, of either sign.
    ArithmeticNan,
    /// Exactly these bits.
    Bits(T),
}

/// A v128 as scripts expect it; the shape decides how it is shown and how NaN lanes are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LanePattern {
    /// Sixteen lanes of 8 bits.
    I8x16([u8; 16]),
    /// Eight lanes of 16 bits.
    I16x8([u16; 8]),
    /// Four lanes of 32 bits.
    I32x4([u32; 4]),
    /// Two lanes of 64 bits.
    I64x2([u64; 2]),
    /// Four f32 patterns.
    F32x4([FloatPattern<u32>; 4]),
    /// Two f64 patterns.
    F64x2([FloatPattern<u64>; 2]),
}

/// Byte strings go over the wire as byte strings, not as sequences of numbers.
mod bytes {
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        from.deserialize_byte_buf(Bytes)
    }

    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a byte string")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_kinds_is_in_the_order_of_the_enum() {
        for (index, (kind, _)) in Kind::NAMES.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }

    #[test]
    fn commands_survive_the_wire() {
        let command = Command::Module {
            name: Some("$m".to_string()),
            module: ModuleSource::Binary(vec![0, 0x61, 0x73, 0x6d]),
        };
        let bytes = postcard::to_stdvec(&command).expect("serialises");
        assert_eq!(postcard::from_bytes::<Command>(&bytes), Ok(command));
    }
}
