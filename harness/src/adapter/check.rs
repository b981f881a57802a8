//! A conformance test of adapters: requests with known answers, one row each.

use std::time::Duration;

use super::driver::Channel;
use super::message::{Ending, Lack, Operation};
use super::process::Adapter;
use crate::pool::Cause;
use crate::script::parse::encode_module;

/// The time that a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A module of which each export has a known answer.
const MODULE: &str = "(module
    (import \"m\" \"k\" (global $k i32))
    (func (export \"add\") (param i32 i64) (result i64)
      (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1)))
    (func (export \"two\") (result i32 i64) (i32.const -1) (i64.const 2))
    (func (export \"none\"))
    (func (export \"f32\") (param f32) (result f32) (local.get 0))
    (func (export \"f64\") (param f64) (result f64) (f64.neg (local.get 0)))
    (func (export \"imported\") (result i32) (global.get $k))
    (func (export \"zero\") (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
    (func $deep (export \"deep\") (call $deep))
    (global (export \"g\") i64 (i64.const -2)))";

/// The same with references, which not every engine has.
const REFERENCES: &str = "(module
    (func (export \"extern\") (param externref) (result externref) (local.get 0))
    (func (export \"null\") (result funcref) (ref.null func)))";

/// What the module imports.
const PROVIDER: &str = "(module (global (export \"k\") i32 (i32.const 5)))";
/// A module that decodes, and does not validate.
const INVALID: &str = "(module (func (result i32)))";

/// A request of the test and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The request, in a word or two.
    pub name: String,
    /// The answer, if it is not one that the protocol allows here.
    pub wrong: Option<String>,
}

/// A test that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The adapter died over a request.
    #[error("{0}: {1}")]
    Died(String, #[source] Cause),
    /// A module of the test cannot be encoded, which the tests rule out.
    #[error("a module of the test: {}", .0.message())]
    Module(#[from] wast::Error),
}

/// Tries an adapter.
///
/// # Errors
/// The cause, if the adapter dies on the way; the rows before it are lost with it.
pub fn check(adapter: &mut Adapter) -> Result<Vec<Row>, CheckError> {
    let mut test = Test {
        adapter,
        rows: Vec::new(),
    };
    test.modules()?;
    test.calls()?;
    test.reset()?;
    Ok(test.rows)
}

struct Test<'a> {
    adapter: &'a mut Adapter,
    rows: Vec<Row>,
}

impl Test<'_> {
    fn ask(&mut self, name: &str, operation: Operation) -> Result<Ending, CheckError> {
        self.adapter.allow(TIMEOUT);
        let died = |cause| CheckError::Died(name.to_string(), cause);
        self.adapter.ask(operation).map_err(died)
    }

    /// Asks, and notes the answer if it is not as `right` says.
    fn expect(
        &mut self,
        name: &str,
        operation: Operation,
        right: impl Fn(&Ending) -> bool,
    ) -> Result<(), CheckError> {
        let ending = self.ask(name, operation)?;
        let wrong = (!right(&ending)).then(|| ending.to_string());
        let name = name.to_string();
        self.rows.push(Row { name, wrong });
        Ok(())
    }

    fn modules(&mut self) -> Result<(), CheckError> {
        let ok = |ending: &Ending| *ending == Ending::Ok;
        self.expect("reset", Operation::Reset, ok)?;
        let refused =
            |ending: &Ending| matches!(ending, Ending::Invalid { .. } | Ending::Rejected { .. });
        self.expect(
            "an invalid module",
            Operation::module(0, &encode(INVALID)?),
            refused,
        )?;
        let refused =
            |ending: &Ending| matches!(ending, Ending::Malformed { .. } | Ending::Rejected { .. });
        self.expect(
            "a malformed module",
            Operation::module(1, b"\0asm\x01\0\0\0\xff"),
            refused,
        )?;
        self.expect("a module", Operation::module(2, &encode(MODULE)?), ok)?;
        let unlinkable = |ending: &Ending| matches!(ending, Ending::Unlinkable { .. });
        self.expect("a missing import", Operation::instantiate(2, 0), unlinkable)?;
        self.expect(
            "another module",
            Operation::module(3, &encode(PROVIDER)?),
            ok,
        )?;
        self.expect("an instance", Operation::instantiate(3, 1), ok)?;
        let name = "m".to_string();
        self.expect("its name", Operation::Register { instance: 1, name }, ok)?;
        self.expect("an import", Operation::instantiate(2, 2), ok)
    }

    fn calls(&mut self) -> Result<(), CheckError> {
        let cases: [(&str, &[&str], &[&str]); 6] = [
            (
                "add",
                &["i32:0xffffffff", "i64:0x0000000000000003"],
                &["i64:0x0000000000000002"],
            ),
            ("two", &[], &["i32:0xffffffff", "i64:0x0000000000000002"]),
            ("none", &[], &[]),
            ("f32", &["f32:0x3fc00000"], &["f32:0x3fc00000"]),
            (
                "f64",
                &["f64:0x8000000000000000"],
                &["f64:0x0000000000000000"],
            ),
            ("imported", &[], &["i32:0x00000005"]),
        ];
        let bits = self.adapter.lacks().contains(&Lack::NanBits);
        for (export, args, expected) in cases {
            let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            let right = |ending: &Ending| match ending {
                Ending::Values { values } => *values == expected,
                // Floats may cross by helpers only.
                Ending::Unsupported { .. } => bits && matches!(export, "f32" | "f64"),
                _ => false,
            };
            self.expect(
                &format!("a call of `{export}`"),
                Operation::invoke(2, export, args),
                right,
            )?;
        }
        self.references()?;
        self.endings()
    }

    /// References, unless the engine refuses a module that has some.
    fn references(&mut self) -> Result<(), CheckError> {
        let module = Operation::module(4, &encode(REFERENCES)?);
        let is_refused = |ending: &Ending| {
            matches!(
                ending,
                Ending::Invalid { .. }
                    | Ending::Malformed { .. }
                    | Ending::Rejected { .. }
                    | Ending::Unsupported { .. }
            )
        };
        let name = "a module with references";
        let ending = self.ask(name, module)?;
        let has_references = !is_refused(&ending);
        let wrong = (has_references && ending != Ending::Ok).then(|| ending.to_string());
        let name = name.to_string();
        self.rows.push(Row { name, wrong });
        if !has_references {
            return Ok(());
        }
        let ok = |ending: &Ending| *ending == Ending::Ok;
        self.expect("its instance", Operation::instantiate(4, 3), ok)?;
        let same = |ending: &Ending| match ending {
            Ending::Values { values } => values[..] == ["extern:7"],
            ending => matches!(ending, Ending::Unsupported { .. }),
        };
        let call = Operation::invoke(3, "extern", &["extern:7"]);
        self.expect("a call of `extern`", call, same)?;
        let null = |ending: &Ending| match ending {
            Ending::Values { values } => matches!(&values[..], [it] if it.starts_with("null:")),
            ending => matches!(ending, Ending::Unsupported { .. }),
        };
        self.expect("a null reference", Operation::invoke(3, "null", &[]), null)
    }

    /// Endings other than values, and a global.
    fn endings(&mut self) -> Result<(), CheckError> {
        let divided = |ending: &Ending| match ending {
            Ending::Trap { message } => message
                .split(" | ")
                .any(|message| message == "integer divide by zero"),
            _ => false,
        };
        self.expect("a trap", Operation::invoke(2, "zero", &[]), divided)?;
        let exhausted = |ending: &Ending| matches!(ending, Ending::Exhaustion { .. });
        self.expect(
            "endless recursion",
            Operation::invoke(2, "deep", &[]),
            exhausted,
        )?;
        let missing = |ending: &Ending| matches!(ending, Ending::HostError { .. });
        self.expect(
            "an unknown export",
            Operation::invoke(2, "nothing", &[]),
            missing,
        )?;
        let export = "g".to_string();
        let value = |ending: &Ending| match ending {
            Ending::Values { values } => values[..] == ["i64:0xfffffffffffffffe"],
            _ => false,
        };
        self.expect(
            "a global",
            Operation::Get {
                instance: 2,
                export,
            },
            value,
        )
    }

    /// After a reset, names are gone.
    fn reset(&mut self) -> Result<(), CheckError> {
        let ok = |ending: &Ending| *ending == Ending::Ok;
        self.expect("a second reset", Operation::Reset, ok)?;
        self.expect(
            "a module after it",
            Operation::module(0, &encode(MODULE)?),
            ok,
        )?;
        let unlinkable = |ending: &Ending| matches!(ending, Ending::Unlinkable { .. });
        self.expect(
            "a name that is forgotten",
            Operation::instantiate(0, 0),
            unlinkable,
        )
    }
}

fn encode(text: &str) -> Result<Vec<u8>, CheckError> {
    Ok(encode_module(text)?)
}
