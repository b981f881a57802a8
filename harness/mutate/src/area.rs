//! The areas of the runtime that get faults, and the tiers to which a fault of each belongs.

use serde::Serialize;

/// What code is for: it decides which faults can change a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum Role {
    /// It runs programs.
    Execution,
    /// It translates programs. Conversions to `usize` are of numbers of entities.
    Translation,
    /// It translates, and decides what is done in a better way: that can be left out.
    Improvement,
}

/// A part of the runtime, by the paths of its files below `runtime/src`.
#[derive(Debug, Serialize)]
pub struct Area {
    /// The name of the area in tables.
    pub name: &'static str,
    /// The tier that a verdict names; none where the tiers share the code.
    pub tier: Option<&'static str>,
    /// The columns in which a fault can show.
    pub columns: &'static [&'static str],
    /// What its code is for.
    pub role: Role,
    /// The files and folders, by prefix.
    paths: &'static [&'static str],
}

const INTERPRETERS: &[&str] = &["stack", "register"];
const ALL: &[&str] = &["stack", "register", "jit"];
const REGISTER: &[&str] = &["stack", "register"];
const JIT: &[&str] = &["stack", "jit"];
/// The columns of tiers mixed, beside the reference.
pub const TIERED: &[&str] = &["stack", "tiered-1", "tiered-2"];

const fn area(
    name: &'static str,
    tier: Option<&'static str>,
    columns: &'static [&'static str],
    role: Role,
    paths: &'static [&'static str],
) -> Area {
    Area {
        name,
        tier,
        columns,
        role,
        paths,
    }
}

/// The areas. The first one with a file's prefix has it.
pub static AREAS: &[Area] = &[
    area(
        "tiering",
        None,
        TIERED,
        Role::Execution,
        &[
            "tier",
            "register/handlers/promote",
            "jit/build/outside",
            "jit/code/outside",
            "jit/build/resume",
        ],
    ),
    area(
        "stack handlers",
        Some("stack"),
        INTERPRETERS,
        Role::Execution,
        &["stack/translate", "stack"],
    ),
    area(
        "register handlers",
        Some("register"),
        REGISTER,
        Role::Execution,
        &["register/handlers", "register/machine", "register/code"],
    ),
    area(
        "register fusions",
        Some("register"),
        REGISTER,
        Role::Improvement,
        &["register/fuse", "register/body"],
    ),
    area(
        "IR",
        None,
        ALL,
        Role::Translation,
        &["ir/builder", "ir/types", "ir/visit"],
    ),
    area(
        "JIT build",
        Some("jit"),
        JIT,
        Role::Improvement,
        &["jit/build", "jit/ssa/atomic"],
    ),
    area(
        "JIT optimiser",
        Some("jit"),
        JIT,
        Role::Improvement,
        &["jit/opt", "jit/ssa"],
    ),
    area(
        "JIT lowering",
        Some("jit"),
        JIT,
        Role::Improvement,
        &["jit/arm64/lower", "jit/lower"],
    ),
    area(
        "JIT emission",
        Some("jit"),
        JIT,
        Role::Translation,
        &["jit/arm64", "jit/code", "jit/pipeline"],
    ),
    area(
        "meaning of opcodes",
        None,
        ALL,
        Role::Execution,
        &["numeric", "simd", "atomic", "evaluate"],
    ),
    area(
        "collector",
        None,
        ALL,
        Role::Execution,
        &["gc", "store/collect"],
    ),
    area(
        "store",
        None,
        ALL,
        Role::Execution,
        &["store", "memory", "table", "global", "helpers"],
    ),
];

/// Files that have no results of programs: tests, printing, checks, tables that are checked by
/// tests of their own, the sizes of code.
const WITHOUT: &[&str] = &[
    "tests", "print", "verify", "describe", "decode", "rule", "marks", "steps", "host",
];

/// The area of a file below `runtime/src`.
pub fn area_of(path: &str) -> Option<&'static Area> {
    let stem = path.strip_suffix(".rs")?;
    if stem.split('/').any(|part| WITHOUT.contains(&part)) {
        return None;
    }
    let has = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    AREAS
        .iter()
        .find(|area| area.paths.iter().any(|prefix| has(prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_areas() {
        let name = |path| area_of(path).map(|area| area.name);
        assert_eq!(name("stack/memory.rs"), Some("stack handlers"));
        assert_eq!(name("register/handlers/promote.rs"), Some("tiering"));
        assert_eq!(name("jit/opt.rs"), Some("JIT optimiser"));
        assert_eq!(name("jit/arm64/tests/gas.rs"), None);
        assert_eq!(name("api/typed.rs"), None);
    }
}
