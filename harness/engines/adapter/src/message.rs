//! The messages of the engine protocol, written from `docs/engine-protocol.md` alone.
//!
//! Invariant: no bit of a value is lost between its text and an engine.

use serde::{Deserialize, Serialize};

/// The version of the protocol that is spoken here.
pub const PROTOCOL: u32 = 1;

/// A line from the harness.
#[derive(Deserialize)]
pub struct Request {
    /// The number that the response repeats.
    pub id: u64,
    /// The operation and its fields.
    #[serde(flatten)]
    pub operation: Operation,
}

/// An operation of the protocol.
#[derive(Clone, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// The first request.
    Hello {
        /// The version of the harness.
        protocol: u32,
    },
    /// A script begins.
    Reset,
    /// A module to decode and validate.
    Module {
        /// Its number.
        module: u32,
        /// Its bytes, in base64.
        bytes: String,
    },
    /// A module to instantiate.
    Instantiate {
        /// The number of the module.
        module: u32,
        /// The number of the new instance.
        instance: u32,
    },
    /// A name for the exports of an instance.
    Register {
        /// The number of the instance.
        instance: u32,
        /// The name.
        name: String,
    },
    /// A call of an exported function.
    Invoke {
        /// The number of the instance.
        instance: u32,
        /// The name of the export.
        export: String,
        /// The arguments.
        args: Vec<String>,
    },
    /// The value of an exported global.
    Get {
        /// The number of the instance.
        instance: u32,
        /// The name of the export.
        export: String,
    },
    /// An operation of a later version.
    #[serde(other)]
    Unknown,
}

/// A line to the harness.
#[derive(Serialize)]
pub struct Response {
    /// The number of the request.
    pub id: u64,
    /// The ending of the request.
    #[serde(flatten)]
    pub ending: Ending,
}

/// An ending of a request.
#[derive(Debug, Serialize)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum Ending {
    /// The engine runs.
    Ready {
        /// The version of the protocol.
        protocol: u32,
        /// The name of the engine.
        engine: String,
        /// The version of the engine.
        version: String,
        /// The kinds of values that do not cross.
        lacks: &'static [&'static str],
    },
    /// The engine does not run here.
    Unavailable {
        /// The reason.
        message: String,
    },
    /// The request is done.
    Ok,
    /// Values of a function or a global.
    Values {
        /// The values.
        values: Vec<String>,
    },
    /// A trap.
    Trap {
        /// The message of the specification.
        message: String,
    },
    /// The call stack was exhausted.
    Exhaustion {
        /// The engine's message.
        message: String,
    },
    /// An exception that nothing caught.
    Exception {
        /// The engine's message.
        message: String,
    },
    /// Imports are missing or do not match.
    Unlinkable {
        /// The engine's message.
        message: String,
    },
    /// The module does not decode or does not validate.
    Rejected {
        /// The engine's message.
        message: String,
    },
    /// The engine or its adapter does not do this.
    Unsupported {
        /// The reason.
        message: String,
    },
    /// A limit of the engine was reached.
    Limit {
        /// The engine's message.
        message: String,
    },
    /// A fault of the engine.
    Internal {
        /// The engine's message.
        message: String,
    },
    /// The request names something that does not exist.
    HostError {
        /// The reason.
        message: String,
    },
}

/// Constructors of the endings that have a message.
macro_rules! with_message {
    ($($function:ident $ending:ident,)*) => {
        #[allow(dead_code, reason = "an engine has the endings that it has")]
        impl Ending {
            $(
                #[doc = concat!("`", stringify!($ending), "` with a message.")]
                pub fn $function(message: impl ToString) -> Ending {
                    Ending::$ending { message: message.to_string() }
                }
            )*
        }
    };
}

with_message! {
    unavailable Unavailable,
    trap Trap,
    exhaustion Exhaustion,
    exception Exception,
    unlinkable Unlinkable,
    rejected Rejected,
    unsupported Unsupported,
    limit Limit,
    internal Internal,
    host_error HostError,
}

/// A value of the protocol.
#[allow(dead_code, reason = "an engine has the kinds of values that it has")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An i32.
    I32(u32),
    /// An i64.
    I64(u64),
    /// The bits of an f32.
    F32(u32),
    /// The bits of an f64.
    F64(u64),
    /// The bytes of a v128 in the order of memory.
    V128([u8; 16]),
    /// A null reference and the name of its heap type, which may be empty.
    Null(String),
    /// A function.
    Func,
    /// A host object as an externref; `None` is a reference that is not the host's.
    Extern(Option<u32>),
    /// A host object as an anyref.
    Host(u32),
    /// An i31.
    I31(u32),
    /// A structure.
    Struct,
    /// An array.
    Array,
    /// An exception.
    Exn,
    /// A reference of the any hierarchy.
    Any,
}

impl Value {
    /// A null reference of a heap type.
    pub fn null(heap_type: &str) -> Value {
        Value::Null(heap_type.to_string())
    }

    /// The value that a text stands for.
    ///
    /// # Errors
    /// If the text is not a value.
    pub fn parse(text: &str) -> Result<Value, Ending> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let bits = |digits: usize| {
            let hex = rest.strip_prefix("0x")?;
            (hex.len() == digits).then(|| u128::from_str_radix(hex, 16).ok())?
        };
        let value = match kind {
            "i32" => bits(8).map(|bits| Value::I32(bits as u32)),
            "i64" => bits(16).map(|bits| Value::I64(bits as u64)),
            "f32" => bits(8).map(|bits| Value::F32(bits as u32)),
            "f64" => bits(16).map(|bits| Value::F64(bits as u64)),
            "v128" => bits(32).map(|bits| Value::V128(bits.to_be_bytes())),
            "null" => Some(Value::null(rest)),
            "func" => Some(Value::Func),
            "extern" => rest.parse().ok().map(|number| Value::Extern(Some(number))),
            "host" => rest.parse().ok().map(Value::Host),
            "i31" => bits(8).map(|bits| Value::I31(bits as u32)),
            _ => None,
        };
        value.ok_or_else(|| Ending::host_error(format!("`{text}` is not a value")))
    }

    /// The text of a value.
    pub fn text(&self) -> String {
        match self {
            Value::I32(value) => format!("i32:{value:#010x}"),
            Value::I64(value) => format!("i64:{value:#018x}"),
            Value::F32(bits) => format!("f32:{bits:#010x}"),
            Value::F64(bits) => format!("f64:{bits:#018x}"),
            Value::V128(bytes) => format!("v128:{:#034x}", u128::from_be_bytes(*bytes)),
            Value::Null(heap_type) => format!("null:{heap_type}"),
            Value::Func => "func:".to_string(),
            Value::Extern(Some(number)) => format!("extern:{number}"),
            Value::Extern(None) => "extern:".to_string(),
            Value::Host(number) => format!("host:{number}"),
            Value::I31(bits) => format!("i31:{:#010x}", bits & 0x7fff_ffff),
            Value::Struct => "struct:".to_string(),
            Value::Array => "array:".to_string(),
            Value::Exn => "exn:".to_string(),
            Value::Any => "any:".to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_back() {
        for text in [
            "i32:0xffffffff",
            "i64:0x000000000000002a",
            "f32:0x7fa00001",
            "f64:0x7ff4000000000001",
            "v128:0x000102030405060708090a0b0c0d0e0f",
            "null:func",
            "null:",
            "func:",
            "extern:7",
            "host:0",
            "i31:0x7fffffff",
        ] {
            let value = Value::parse(text).expect("a value");
            assert_eq!(value.text(), text);
        }
        for text in ["i32:1", "i32:0x1", "i64:0x0000002a", "f32:", "what:1", ""] {
            assert!(Value::parse(text).is_err(), "{text}");
        }
        let bytes = std::array::from_fn(|index| index as u8);
        assert_eq!(
            Value::V128(bytes).text(),
            "v128:0x000102030405060708090a0b0c0d0e0f"
        );
    }

    #[test]
    fn lines_are_those_of_the_document() {
        let line = r#"{"id":5,"op":"invoke","instance":0,"export":"f","args":["i32:0x00000001"]}"#;
        let request: Request = serde_json::from_str(line).expect("a request");
        assert_eq!(request.id, 5);
        assert!(matches!(
            request.operation,
            Operation::Invoke { instance: 0, .. }
        ));
        let ready = Ending::Ready {
            protocol: PROTOCOL,
            engine: "example".to_string(),
            version: "1.0".to_string(),
            lacks: &["v128"],
        };
        let text = serde_json::to_string(&Response {
            id: 1,
            ending: ready,
        })
        .expect("a line");
        let expected = concat!(
            r#"{"id":1,"ending":"ready","protocol":1,"#,
            r#""engine":"example","version":"1.0","lacks":["v128"]}"#
        );
        assert_eq!(text, expected);
        let later = r#"{"id":9,"op":"trace"}"#;
        let request: Request = serde_json::from_str(later).expect("a request");
        assert!(matches!(request.operation, Operation::Unknown));
    }
}
