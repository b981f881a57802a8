//! Conventions of a suite's own runner beyond those of the script format (spec:
//! interpreter/README, "Scripts"): names under which imports find instances, host modules, and
//! messages.
//!
//! Owns: the table of messages by which other engines name traps ([`ALIASES`]).

use serde::{Deserialize, Serialize};

use crate::script::{Expectation, Script};

/// The runner for which scripts were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Conventions {
    /// That of the specification.
    #[default]
    Spec,
    /// That of Wasmtime: imports find an instance by its `$name`, too; a host module `wasmtime`
    /// has a function `gc`; an assertion that a module is not linked may name a trap.
    Wasmtime,
}

/// The names of the host module of Wasmtime's runner, and of its function that collects garbage.
pub const WASMTIME_GC: (&str, &str) = ("wasmtime", "gc");

impl Conventions {
    /// True if an import finds an instance by its `$name` where nothing is registered under that.
    pub fn imports_by_name(self) -> bool {
        match self {
            Conventions::Spec => false,
            Conventions::Wasmtime => true,
        }
    }

    /// True if scripts can import the function that collects garbage.
    pub fn offers_gc(self) -> bool {
        match self {
            Conventions::Spec => false,
            Conventions::Wasmtime => true,
        }
    }

    /// Restates what a script expects in the specification's terms. Messages that are none of the
    /// specification's get those that they stand for as alternatives.
    pub fn restate(self, script: &mut Script) {
        for directive in &mut script.directives {
            let expectation = &mut directive.expectation;
            *expectation = match std::mem::replace(expectation, Expectation::Success) {
                Expectation::Trap(message) => self.trap(message),
                Expectation::Unlinkable(message)
                    if self == Conventions::Wasmtime && OF_MODULES.contains(&&*message) =>
                {
                    Expectation::Trap(message)
                }
                other => other,
            };
        }
    }

    fn trap(self, message: String) -> Expectation {
        if message == EXHAUSTION {
            return Expectation::Exhaustion(message);
        }
        let aliases = ALIASES.iter().filter(|alias| {
            let is_used = match alias.used_by {
                UsedBy::All => true,
                UsedBy::Runner(runner) => runner == self,
            };
            is_used && alias.message == message
        });
        let mut messages = vec![message.as_str()];
        aliases.for_each(|alias| messages.extend(alias.stands_for));
        Expectation::Trap(messages.join(ALTERNATIVES))
    }
}

/// What stands between the messages of a trap if any of several is accepted.
pub const ALTERNATIVES: &str = " | ";

/// Stack exhaustion is a trap in scripts of earlier versions, and in other engines.
const EXHAUSTION: &str = "call stack exhausted";

/// Traps of segments, by which some runners assert that a module is not linked.
const OF_MODULES: [&str; 2] = ["out of bounds memory access", "out of bounds table access"];

/// The scripts in which a message stands for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UsedBy {
    /// All: the specification does not have the message.
    All,
    /// Those for this runner: the specification has the message, or the beginning of it, for
    /// another trap.
    Runner(Conventions),
}

/// A message of another engine.
struct Alias {
    message: &'static str,
    /// The specification's messages for the same, or the limits of ours that are reached there.
    stands_for: &'static [&'static str],
    used_by: UsedBy,
}

const fn alias(message: &'static str, stands_for: &'static [&'static str]) -> Alias {
    let used_by = UsedBy::All;
    Alias {
        message,
        stands_for,
        used_by,
    }
}

const fn in_wasmtime(message: &'static str, stands_for: &'static [&'static str]) -> Alias {
    let used_by = UsedBy::Runner(Conventions::Wasmtime);
    Alias {
        message,
        stands_for,
        used_by,
    }
}

/// The nulls that have messages of their own.
const NULLS: &[&str] = &[
    "null function reference",
    "null structure reference",
    "null array reference",
    "null i31 reference",
    "null exception reference",
    "null descriptor reference",
];

/// The messages of other engines: of Wasmtime, V8, wabt and wasm3, as their own scripts have them.
#[rustfmt::skip]
const ALIASES: &[Alias] = &[
    alias("wasm trap: wasm `unreachable` instruction executed", &["unreachable"]),
    alias("wasm `unreachable` instruction executed", &["unreachable"]),
    alias("unreachable executed", &["unreachable"]),
    alias("divide by zero", &["integer divide by zero"]),
    alias("division by zero", &["integer divide by zero"]),
    alias("remainder by zero", &["integer divide by zero"]),
    alias("wasm trap: integer divide by zero", &["integer divide by zero"]),
    alias("wasm trap: integer overflow", &["integer overflow"]),
    alias("divide result unrepresentable", &["integer overflow"]),
    alias("wasm trap: invalid conversion to integer", &["invalid conversion to integer"]),
    alias(
        "float unrepresentable in integer range",
        &["integer overflow", "invalid conversion to integer"],
    ),
    alias("wasm trap: out of bounds memory access", &["out of bounds memory access"]),
    alias("memory access out of bounds", &["out of bounds memory access"]),
    alias("wasm trap: out of bounds table access", &["out of bounds table access"]),
    alias("undefined table index", &["undefined element"]),
    alias("table index is out of bounds", &["undefined element", "out of bounds table access"]),
    alias("wasm trap: undefined element: out of bounds table access", &["undefined element"]),
    alias("undefined element: out of bounds table access", &["undefined element"]),
    alias("wasm trap: uninitialized element", &["uninitialized element"]),
    alias("uninitialized table element", &["uninitialized element"]),
    alias("wasm trap: indirect call type mismatch", &["indirect call type mismatch"]),
    alias("call type mismatch", &["indirect call type mismatch"]),
    alias("indirect call signature mismatch", &["indirect call type mismatch"]),
    alias(
        "null function or function signature mismatch",
        &["indirect call type mismatch", "uninitialized element"],
    ),
    alias("wasm trap: unaligned atomic", &["unaligned atomic"]),
    alias("operation does not support unaligned accesses", &["unaligned atomic"]),
    alias("atomic wait on non-shared memory", &["expected shared memory"]),
    alias("wasm trap: cast failure", &["cast failure"]),
    alias("illegal cast", &["cast failure"]),
    alias("dereferencing a null pointer", NULLS),
    alias("array element access out of bounds", &["out of bounds array access"]),
    alias("allocation size too large", &["gc heap exhausted"]),
    alias("overflow calculating table allocation size", &["elements of a table"]),
    in_wasmtime("null reference", NULLS),
    in_wasmtime("out of bounds", &["undefined element"]),
    in_wasmtime("undefined element", &["out of bounds table access"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse::parse_script;
    use wassay_runtime::TrapKind;

    fn restated(conventions: Conventions, assertion: &str, message: &str) -> Expectation {
        let what = match assertion {
            "assert_trap" => "(invoke \"f\")",
            _ => "(module)",
        };
        let mut script = parse_script("t.wast", &format!("({assertion} {what} \"{message}\")"));
        conventions.restate(&mut script);
        script.directives.remove(0).expectation
    }

    /// What stands for others everywhere is a message of no trap, nor the beginning of one: the
    /// judge takes a beginning for the message.
    #[test]
    fn aliases_are_not_messages_of_the_specification() {
        let is_message = |message: &str| {
            let mut all = TrapKind::ALL.iter();
            all.any(|kind| kind.message().starts_with(message))
        };
        for alias in ALIASES {
            let is_own = alias.used_by != UsedBy::All;
            assert_eq!(is_message(alias.message), is_own, "{}", alias.message);
            for &message in alias.stands_for {
                assert!(
                    is_message(message) || message == "elements of a table",
                    "{message}"
                );
            }
        }
    }

    #[test]
    fn messages_of_other_engines_get_alternatives() {
        use Conventions::{Spec, Wasmtime};
        let trap = |text: &str| Expectation::Trap(text.to_string());
        let rows = [
            (
                Spec,
                "divide by zero",
                "divide by zero | integer divide by zero",
            ),
            (Spec, "integer divide by zero", "integer divide by zero"),
            (Spec, "undefined element", "undefined element"),
            (Spec, "out of bounds", "out of bounds"),
            (
                Wasmtime,
                "undefined element",
                "undefined element | out of bounds table access",
            ),
            (
                Wasmtime,
                "out of bounds",
                "out of bounds | undefined element",
            ),
        ];
        for (conventions, message, expected) in rows {
            let found = restated(conventions, "assert_trap", message);
            assert_eq!(found, trap(expected), "{conventions:?}");
        }
        let exhaustion = Expectation::Exhaustion(EXHAUSTION.to_string());
        assert_eq!(restated(Spec, "assert_trap", EXHAUSTION), exhaustion);
        let outside = "out of bounds memory access";
        assert_eq!(
            restated(Wasmtime, "assert_unlinkable", outside),
            trap(outside)
        );
        let unlinkable = Expectation::Unlinkable(outside.to_string());
        assert_eq!(restated(Spec, "assert_unlinkable", outside), unlinkable);
    }
}
