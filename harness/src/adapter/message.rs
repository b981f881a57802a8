//! The messages of the engine protocol, version 1: one JSON object in a line, each request answered
//! by exactly one response with its `id`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::{Hierarchy, JudgedBy, Outcome, Reference, Value};
use crate::script::Argument;

/// The version of the protocol.
pub const PROTOCOL: u32 = 1;

/// The JSON Schema of both directions, as text: `docs/engine-protocol.schema.json`.
pub fn schema() -> String {
    let mut generator = schemars::SchemaGenerator::default();
    let request = generator.subschema_for::<Request>();
    let response = generator.subschema_for::<Response>();
    let schema = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:wassay:engine-protocol:1",
        "title": "Wassay engine protocol, version 1",
        "description": "A line from the harness is a request, a line from the adapter a response.",
        "anyOf": [request, response],
        "$defs": generator.definitions(),
    });
    let mut text = serde_json::to_string_pretty(&schema)
        .expect("a schema is objects with string keys, which always serialise");
    text.push('\n');
    text
}

/// From the harness to an adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// The number of the request, which the response repeats.
    pub id: u64,
    /// The operation.
    #[serde(flatten)]
    pub operation: Operation,
}

/// What an adapter is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// The first request. Answered by `ready` or `unavailable`.
    Hello {
        /// The version of the protocol that the harness speaks.
        protocol: u32,
    },
    /// Forget all modules, instances and names: a script begins.
    Reset,
    /// Decode and validate a module, and keep it under a number.
    Module {
        /// The number.
        module: u32,
        /// The module in the binary format, in base64 with padding.
        bytes: String,
    },
    /// Instantiate a module that was kept; imports are found by the names that are registered. The
    /// start function runs.
    Instantiate {
        /// The number of the module.
        module: u32,
        /// The number by which the instance is named from now on.
        instance: u32,
    },
    /// Offer the exports of an instance for import under a module name; it replaces an earlier one.
    Register {
        /// The number of the instance.
        instance: u32,
        /// The module name.
        name: String,
    },
    /// Call an exported function. Answered by `values` if it returns.
    Invoke {
        /// The number of the instance.
        instance: u32,
        /// The export.
        export: String,
        /// The arguments, as values are written.
        args: Vec<String>,
    },
    /// Read an exported global. Answered by `values`.
    Get {
        /// The number of the instance.
        instance: u32,
        /// The export.
        export: String,
    },
}

impl Operation {
    /// Sends a module, and has it kept under a number.
    pub fn module(module: u32, bytes: &[u8]) -> Operation {
        let bytes = STANDARD.encode(bytes);
        Operation::Module { module, bytes }
    }

    /// Instantiates a kept module, and has the instance kept under a number.
    pub fn instantiate(module: u32, instance: u32) -> Operation {
        Operation::Instantiate { module, instance }
    }

    /// Calls an export with arguments as text.
    pub fn invoke(instance: u32, export: &str, args: &[&str]) -> Operation {
        Operation::Invoke {
            instance,
            export: export.to_string(),
            args: args.iter().map(ToString::to_string).collect(),
        }
    }
}

/// From an adapter to the harness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Response {
    /// The number of the request.
    pub id: u64,
    /// The ending.
    #[serde(flatten)]
    pub ending: Ending,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum Ending {
    /// To `hello`: the engine can run.
    Ready {
        /// The version of the protocol that the adapter speaks.
        protocol: u32,
        /// The engine's name.
        engine: String,
        /// Its version.
        version: String,
        /// What values cannot cross between adapter and engine.
        #[serde(default)]
        lacks: Vec<Lack>,
    },
    /// To `hello`: the engine cannot run here.
    Unavailable {
        /// The reason.
        message: String,
    },
    /// Done.
    Ok,
    /// A function returned, or a global was read.
    Values {
        /// The values.
        values: Vec<String>,
    },
    /// A trap. Where the engine does not tell which of several, all of them, with ` | ` between.
    Trap {
        /// The specification's message.
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
    /// Imports that are missing or do not match.
    Unlinkable {
        /// The engine's message.
        message: String,
    },
    /// The module does not validate.
    Invalid {
        /// The engine's message.
        message: String,
    },
    /// The module does not decode.
    Malformed {
        /// The engine's message.
        message: String,
    },
    /// The module does not decode or does not validate: the engine does not tell which.
    Rejected {
        /// The engine's message.
        message: String,
    },
    /// The engine or the adapter does not do this.
    Unsupported {
        /// What is not done.
        message: String,
    },
    /// A limit of the engine was reached.
    Limit {
        /// The engine's message.
        message: String,
    },
    /// The engine found a fault of its own.
    Internal {
        /// The engine's message.
        message: String,
    },
    /// The request asks for what is not there: an unknown export, a wrong argument.
    HostError {
        /// The adapter's message.
        message: String,
    },
}

/// As on the wire, without the request's number.
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// Values that cannot cross between an adapter and its engine; the harness then sends them through
/// helper modules, as integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// Vectors.
    V128,
    /// The bits of a NaN.
    NanBits,
    /// The kind of a reference of the any hierarchy, and references to exceptions.
    References,
}

/// An answer that the protocol does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// An ending of the first request for another one.
    #[error("an ending of `hello` for another request")]
    OfHello,
    /// A value that is not written as values are.
    #[error("`{}` is not a value", .0.escape_debug())]
    NotAValue(String),
    /// Values that a helper's type does not have.
    #[error("a helper gave other values than its type says")]
    OfHelper,
}

impl Ending {
    /// The outcome of a directive that ended so.
    ///
    /// # Errors
    /// If a value is not written as values are, or the ending is not one of a directive.
    pub fn outcome(self) -> Result<Outcome, AnswerError> {
        Ok(match self {
            Ending::Ready { .. } | Ending::Unavailable { .. } => {
                return Err(AnswerError::OfHello);
            }
            Ending::Ok => Outcome::Done,
            Ending::Values { values } => {
                let values = values.iter().map(|text| value(text));
                Outcome::Values(values.collect::<Result<_, _>>()?)
            }
            Ending::Trap { message } => Outcome::Trap(message),
            Ending::Exhaustion { message } => Outcome::Exhaustion(message),
            Ending::Exception { message } => Outcome::Exception(message),
            Ending::Unlinkable { message } => Outcome::Unlinkable(message),
            Ending::Invalid { message } => Outcome::Invalid(message),
            Ending::Malformed { message } => Outcome::Malformed {
                message,
                by: JudgedBy::Engine,
            },
            Ending::Rejected { message } => Outcome::Rejected(message),
            Ending::Unsupported { message } => Outcome::Unsupported(message),
            Ending::Limit { message } => Outcome::Limit(message),
            Ending::Internal { message } => Outcome::Internal(message),
            Ending::HostError { message } => Outcome::HostError(message),
        })
    }
}

/// An argument as the protocol writes values: the type, a colon, and the bits in hexadecimal; of a
/// v128 its bytes, the first lane first; of a reference its kind and number.
pub fn argument_text(argument: &Argument) -> String {
    match argument {
        Argument::I32(value) => format!("i32:{value:#010x}"),
        Argument::I64(value) => format!("i64:{value:#018x}"),
        Argument::F32(bits) => format!("f32:{bits:#010x}"),
        Argument::F64(bits) => format!("f64:{bits:#018x}"),
        Argument::V128(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("v128:0x{digits}")
        }
        Argument::RefNull(heap_type) => format!("null:{heap_type}"),
        Argument::RefExtern(host) => format!("extern:{host}"),
        Argument::RefHost(host) => format!("host:{host}"),
    }
}

/// Reads a value.
fn value(text: &str) -> Result<Value, AnswerError> {
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    let read = || -> Option<Value> {
        let bits = |digits: usize| {
            let hex = rest.strip_prefix("0x")?;
            (hex.len() == digits).then(|| u64::from_str_radix(hex, 16).ok())?
        };
        let number = || rest.parse::<u32>().ok();
        let reference = |reference| Some(Value::Ref(reference));
        match kind {
            "i32" => Some(Value::I32(bits(8)? as u32)),
            "i64" => Some(Value::I64(bits(16)?)),
            "f32" => Some(Value::F32(bits(8)? as u32)),
            "f64" => Some(Value::F64(bits(16)?)),
            "v128" => {
                let hex = rest.strip_prefix("0x").filter(|hex| hex.len() == 32)?;
                let bytes = u128::from_str_radix(hex, 16).ok()?;
                Some(Value::V128(bytes.to_be_bytes()))
            }
            "null" => reference(Reference::Null(match rest {
                "func" | "nofunc" => Hierarchy::Func,
                "extern" | "noextern" => Hierarchy::Extern,
                "any" | "eq" | "i31" | "struct" | "array" | "none" => Hierarchy::Any,
                "exn" | "noexn" => Hierarchy::Exn,
                "" => Hierarchy::Unknown,
                _ => return None,
            })),
            "func" => reference(Reference::numbered_func(match rest {
                "" => Reference::UNKNOWN,
                _ => number()?,
            })),
            "extern" if rest.is_empty() => reference(Reference::Externalized),
            "extern" => reference(Reference::Extern(number()?)),
            "host" => reference(Reference::Host(number()?)),
            "i31" => reference(Reference::I31(bits(8)? as u32)),
            "struct" => reference(Reference::Struct),
            "array" => reference(Reference::Array),
            "exn" => reference(Reference::Exn),
            "any" => reference(Reference::Any),
            _ => None,
        }
    };
    read().ok_or_else(|| AnswerError::NotAValue(text.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `BLESS=1` writes the schema anew.
    #[test]
    fn the_schema_is_that_of_the_types() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../docs/engine-protocol.schema.json"
        );
        let schema = schema();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &schema).expect("written");
        }
        let written = std::fs::read_to_string(path).expect("it is there");
        similar_asserts::assert_eq!(written, schema, "BLESS=1 rewrites {path}");
    }

    #[test]
    fn arguments_read_back_as_values() {
        let bytes = std::array::from_fn(|index| index as u8);
        let pairs = [
            (Argument::I32(1), Value::I32(1)),
            (Argument::I64(u64::MAX), Value::I64(u64::MAX)),
            (Argument::F32(0x7fc0_0001), Value::F32(0x7fc0_0001)),
            (Argument::F64(1 << 63), Value::F64(1 << 63)),
            (Argument::V128(bytes), Value::V128(bytes)),
            (Argument::RefExtern(7), Value::Ref(Reference::Extern(7))),
            (Argument::RefHost(0), Value::Ref(Reference::Host(0))),
            (
                Argument::RefNull("exn".to_string()),
                Value::Ref(Reference::Null(Hierarchy::Exn)),
            ),
        ];
        for (argument, expected) in pairs {
            assert_eq!(value(&argument_text(&argument)), Ok(expected));
        }
    }

    #[test]
    fn what_is_not_a_value_is_refused() {
        for bad in [
            "",
            "i32",
            "i32:1",
            "i32:0x1",
            "i32:0x000000001",
            "i33:0x00000001",
            "v128:0x00",
            "f32:0x7fc0000g",
            "extern:-1",
            "null:what",
            "i64:0x00000001",
        ] {
            assert!(value(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn messages_are_flat_objects() {
        let request = Request {
            id: 7,
            operation: Operation::Get {
                instance: 1,
                export: "g".to_string(),
            },
        };
        let text = serde_json::to_string(&request).expect("serialises");
        assert_eq!(text, r#"{"id":7,"op":"get","instance":1,"export":"g"}"#);
        let text = r#"{"id":7,"ending":"trap","message":"unreachable"}"#;
        let response: Response = serde_json::from_str(text).expect("reads");
        assert_eq!(
            response.ending.outcome(),
            Ok(Outcome::Trap("unreachable".to_string()))
        );
    }
}
