//! Feature sets: the proposals that a module may use, any of them together.
//!
//! Owns: a row for each proposal of the runtime, with the validator's flags and the proposals that
//! it builds on ([`row`]); the versions of the specification as sets; and the text form of a list
//! of features, which options, `wassay.toml` and reports share.
//!
//! Invariant: a set contains what its proposals build on, so that every set makes sense by itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wasmparser::WasmFeatures;

pub use wassay_runtime::interior::ops::Proposal;

/// A set of proposals. WebAssembly 1.0 (`Proposal::Mvp`) is in every set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FeatureSet {
    /// A bit for each proposal, by its place in `Proposal::ALL`.
    bits: u32,
}

/// The validator's flags of a proposal, and the proposals that it builds on.
const fn row(proposal: Proposal) -> (WasmFeatures, &'static [Proposal]) {
    use Proposal as P;
    use WasmFeatures as W;
    match proposal {
        P::Mvp => (W::WASM1, &[]),
        P::SignExtension => (W::SIGN_EXTENSION, &[]),
        P::NontrappingFloatToInt => (W::SATURATING_FLOAT_TO_INT, &[]),
        P::MultiValue => (W::MULTI_VALUE, &[]),
        P::BulkMemory => (W::BULK_MEMORY, &[]),
        P::ReferenceTypes => (W::REFERENCE_TYPES, &[]),
        P::Simd => (W::SIMD, &[]),
        P::TailCall => (W::TAIL_CALL, &[]),
        P::ExtendedConst => (W::EXTENDED_CONST, &[]),
        P::MultiMemory => (W::MULTI_MEMORY, &[]),
        P::Memory64 => (W::MEMORY64, &[]),
        P::FunctionReferences => (W::FUNCTION_REFERENCES, &[P::ReferenceTypes]),
        P::Gc => (W::GC, &[P::FunctionReferences]),
        P::Exceptions => (W::EXCEPTIONS, &[P::ReferenceTypes]),
        P::RelaxedSimd => (W::RELAXED_SIMD, &[P::Simd]),
        P::Threads => (W::THREADS, &[]),
        P::LegacyExceptions => (W::LEGACY_EXCEPTIONS, &[]),
        // A matter of the text format, which is always read.
        P::Annotations => (W::empty(), &[]),
        P::CustomPageSizes => (W::CUSTOM_PAGE_SIZES, &[]),
        P::WideArithmetic => (W::WIDE_ARITHMETIC, &[P::MultiValue]),
        P::CustomDescriptors => (W::CUSTOM_DESCRIPTORS, &[P::Gc]),
        P::SharedEverything => (W::SHARED_EVERYTHING_THREADS, &[P::Threads, P::Gc]),
        P::StackSwitching => (W::STACK_SWITCHING, &[P::FunctionReferences, P::Exceptions]),
        P::MemoryControl => (W::MEMORY_CONTROL, &[]),
        P::AcquireReleaseAtomics => (W::ACQUIRE_RELEASE_ATOMICS, &[P::Threads]),
        P::CompactImports => (W::COMPACT_IMPORTS, &[]),
    }
}

impl FeatureSet {
    /// WebAssembly 1.0 and nothing else.
    pub const WASM1: FeatureSet = FeatureSet {
        bits: 1 << Proposal::Mvp as u32,
    };
    /// WebAssembly 2.0 and nothing else.
    pub const WASM2: FeatureSet = FeatureSet::WASM1.with_all(&[
        Proposal::SignExtension,
        Proposal::NontrappingFloatToInt,
        Proposal::MultiValue,
        Proposal::BulkMemory,
        Proposal::ReferenceTypes,
        Proposal::Simd,
    ]);
    /// WebAssembly 3.0 and nothing else. (It has no threads.)
    pub const WASM3: FeatureSet = FeatureSet::WASM2.with_all(&[
        Proposal::TailCall,
        Proposal::ExtendedConst,
        Proposal::MultiMemory,
        Proposal::Memory64,
        Proposal::FunctionReferences,
        Proposal::Gc,
        Proposal::Exceptions,
        Proposal::RelaxedSimd,
        Proposal::Annotations,
    ]);
    /// What Wassay's own tiers execute.
    pub const EXECUTED: FeatureSet = FeatureSet::WASM3.with_all(&[
        Proposal::Threads,
        Proposal::LegacyExceptions,
        Proposal::CustomPageSizes,
        Proposal::WideArithmetic,
        Proposal::CustomDescriptors,
        Proposal::CompactImports,
    ]);
    /// Every proposal that there is a name for.
    pub const ALL: FeatureSet = FeatureSet::WASM1.with_all(Proposal::ALL);

    /// The set with a proposal, and with what that builds on.
    pub const fn with(self, proposal: Proposal) -> FeatureSet {
        let set = FeatureSet {
            bits: self.bits | 1 << proposal as u32,
        };
        set.with_all(row(proposal).1)
    }

    /// The set with some proposals, and with what these build on.
    pub const fn with_all(mut self, proposals: &[Proposal]) -> FeatureSet {
        let mut index = 0;
        while index < proposals.len() {
            self = self.with(proposals[index]);
            index += 1;
        }
        self
    }

    /// The set without a proposal, and without what builds on it. WebAssembly 1.0 stays.
    pub fn without(self, proposal: Proposal) -> FeatureSet {
        if proposal == Proposal::Mvp {
            return self;
        }
        let set = FeatureSet {
            bits: self.bits & !(1 << proposal as u32),
        };
        let dependent = set.proposals().filter(|it| row(*it).1.contains(&proposal));
        let dependent: Vec<Proposal> = dependent.collect();
        dependent.into_iter().fold(set, FeatureSet::without)
    }

    /// Both sets together.
    pub fn union(self, other: FeatureSet) -> FeatureSet {
        FeatureSet {
            bits: self.bits | other.bits,
        }
    }

    /// True if all proposals of the other set are in this one.
    pub fn contains_all(self, other: FeatureSet) -> bool {
        self.bits & other.bits == other.bits
    }

    /// True if a proposal is in the set.
    pub fn contains(self, proposal: Proposal) -> bool {
        self.bits & 1 << proposal as u32 != 0
    }

    /// The proposals of the set, in the order of `Proposal::ALL`.
    pub fn proposals(self) -> impl Iterator<Item = Proposal> {
        let all = Proposal::ALL.iter().copied();
        all.filter(move |&proposal| self.contains(proposal))
    }

    /// The same as flags of the validator.
    pub fn wasmparser(self) -> WasmFeatures {
        self.proposals()
            .fold(WasmFeatures::empty(), |flags, it| flags | row(it).0)
    }
}

impl fmt::Debug for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A list that reads back as the same set: the greatest version in it, and what is added to that.
impl fmt::Display for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut versions = VERSIONS.iter().rev();
        let version = versions.find(|(_, version)| self.contains_all(*version));
        let (name, version) = version.ok_or(fmt::Error)?;
        f.write_str(name)?;
        let added = self.proposals().filter(|it| !version.contains(*it));
        added
            .into_iter()
            .try_for_each(|proposal| write!(f, ",{}", proposal.key()))
    }
}

/// The versions of the specification, least first.
const VERSIONS: [(&str, FeatureSet); 3] = [
    ("1.0", FeatureSet::WASM1),
    ("2.0", FeatureSet::WASM2),
    ("3.0", FeatureSet::WASM3),
];

/// Other names that users know from other tools: of a version, and of a proposal.
const VERSION_ALIASES: [(&str, FeatureSet); 4] = [
    ("mvp", FeatureSet::WASM1),
    ("wasm1", FeatureSet::WASM1),
    ("wasm2", FeatureSet::WASM2),
    ("wasm3", FeatureSet::WASM3),
];
const PROPOSAL_ALIASES: [(&str, Proposal); 2] = [
    ("saturating-float-to-int", Proposal::NontrappingFloatToInt),
    ("compact-import-section", Proposal::CompactImports),
];

/// An item of a list of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureChange {
    /// Begin with this set, whatever the set was.
    Set(FeatureSet),
    /// Add a proposal, and what it builds on.
    Add(Proposal),
    /// Take a proposal away, and what builds on it.
    Remove(Proposal),
}

/// A list of features: changes of a set, in their order. The text form is that of wasm-tools'
/// option `--features`: names with commas between them, where `-` before a name takes away; `all`
/// or a version (`1.0`, `2.0`, `3.0`) replaces what was before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureList(pub Vec<FeatureChange>);

impl FeatureList {
    /// A set as the list changes it.
    pub fn apply(&self, set: FeatureSet) -> FeatureSet {
        self.0.iter().fold(set, |set, change| match *change {
            FeatureChange::Set(set) => set,
            FeatureChange::Add(proposal) => set.with(proposal),
            FeatureChange::Remove(proposal) => set.without(proposal),
        })
    }
}

/// A name in a list of features that is not the name of a feature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown feature `{name}` (known: all, 1.0, 2.0, 3.0, {})", known().join(", "))]
pub struct UnknownFeature {
    name: String,
}

fn known() -> Vec<&'static str> {
    let named = Proposal::ALL.iter().filter(|it| **it != Proposal::Mvp);
    named.map(|proposal| proposal.key()).collect()
}

/// The proposal of a name, which may have `_` in place of `-`.
pub fn proposal_named(name: &str) -> Option<Proposal> {
    let name = name.replace('_', "-");
    let all = Proposal::ALL.iter().map(|&it| (it.key(), it));
    let mut all = all.chain(PROPOSAL_ALIASES);
    all.find(|(key, _)| *key == name).map(|(_, it)| it)
}

impl FromStr for FeatureList {
    type Err = UnknownFeature;

    fn from_str(text: &str) -> Result<Self, UnknownFeature> {
        let names = text.split(',').map(str::trim).filter(|it| !it.is_empty());
        names.map(change).collect::<Result<_, _>>().map(FeatureList)
    }
}

/// Reads an item of a list.
fn change(item: &str) -> Result<FeatureChange, UnknownFeature> {
    let unknown = || UnknownFeature {
        name: item.to_string(),
    };
    let (removes, name) = match item.strip_prefix('-') {
        Some(name) => (true, name),
        None => (false, item.strip_prefix('+').unwrap_or(item)),
    };
    if name == "all" {
        let set = match removes {
            true => FeatureSet::WASM1,
            false => FeatureSet::ALL,
        };
        return Ok(FeatureChange::Set(set));
    }
    let mut versions = VERSIONS.iter().chain(&VERSION_ALIASES);
    if let Some((_, version)) = versions.find(|(it, _)| *it == name) {
        // A version less another one is not a set that anyone means.
        return match removes {
            true => Err(unknown()),
            false => Ok(FeatureChange::Set(*version)),
        };
    }
    let proposal = proposal_named(name).ok_or_else(unknown)?;
    Ok(match removes {
        true => FeatureChange::Remove(proposal),
        false => FeatureChange::Add(proposal),
    })
}

impl fmt::Display for FeatureList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, change) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "," })?;
            match change {
                FeatureChange::Set(set) => write!(f, "{set}")?,
                FeatureChange::Add(proposal) => f.write_str(proposal.key())?,
                FeatureChange::Remove(proposal) => write!(f, "-{}", proposal.key())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> FeatureSet {
        let list: FeatureList = text.parse().expect("features");
        list.apply(FeatureSet::WASM3)
    }

    #[test]
    fn a_set_fits_its_bits_and_reads_back() {
        assert!(Proposal::ALL.len() <= u32::BITS as usize);
        let singles = Proposal::ALL.iter().map(|&it| FeatureSet::WASM1.with(it));
        let without = Proposal::ALL.iter().map(|&it| FeatureSet::ALL.without(it));
        let sets = [FeatureSet::WASM2, FeatureSet::EXECUTED, FeatureSet::ALL];
        for set in singles.chain(without).chain(sets) {
            assert_eq!(list(&set.to_string()), set, "{set}");
        }
    }

    #[test]
    fn what_is_executed_is_what_the_runtime_offers() {
        let offered = wassay_runtime::Config::EXECUTED_FEATURES;
        assert_eq!(FeatureSet::EXECUTED.wasmparser(), offered);
    }

    #[test]
    fn versions_are_those_of_the_validator_but_for_threads() {
        let validator = [
            (FeatureSet::WASM1, WasmFeatures::WASM1),
            (FeatureSet::WASM2, WasmFeatures::WASM2),
            (
                FeatureSet::WASM3,
                WasmFeatures::WASM3 - WasmFeatures::THREADS,
            ),
        ];
        for (set, flags) in validator {
            assert_eq!(set.wasmparser(), flags, "{set}");
        }
    }

    #[test]
    fn what_a_proposal_builds_on_comes_and_goes_with_it() {
        let gc = FeatureSet::WASM1.with(Proposal::Gc);
        assert_eq!(gc.to_string(), "1.0,reference-types,function-references,gc");
        let less = FeatureSet::WASM3.without(Proposal::ReferenceTypes);
        for gone in [Proposal::Gc, Proposal::Exceptions, Proposal::ReferenceTypes] {
            assert!(!less.contains(gone), "{}", gone.key());
        }
        assert!(less.contains(Proposal::TailCall));
        assert_eq!(FeatureSet::WASM2.without(Proposal::Mvp), FeatureSet::WASM2);
    }

    #[test]
    fn lists_are_those_of_wasm_tools() {
        let threads = FeatureSet::WASM3.with(Proposal::Threads);
        for text in ["threads", "+threads", " threads ,", "3.0,threads"] {
            assert_eq!(list(text), threads, "{text}");
        }
        assert_eq!(list(""), FeatureSet::WASM3);
        assert_eq!(list("all"), FeatureSet::ALL);
        assert_eq!(list("threads,-all"), FeatureSet::WASM1);
        assert_eq!(list("gc,mvp,simd"), FeatureSet::WASM1.with(Proposal::Simd));
        assert_eq!(list("wasm2"), FeatureSet::WASM2);
        assert_eq!(
            list("-relaxed_simd"),
            FeatureSet::WASM3.without(Proposal::RelaxedSimd)
        );
        assert_eq!(
            list("1.0,saturating-float-to-int"),
            FeatureSet::WASM1.with(Proposal::NontrappingFloatToInt)
        );
        for bad in ["banana", "3.1", "-3.0", "--gc", "gc threads"] {
            let error = bad.parse::<FeatureList>().expect_err("an error");
            let message = error.to_string();
            assert!(message.contains(&format!("`{bad}`")), "{message}");
            assert!(message.contains("wide-arithmetic"), "{message}");
        }
    }

    #[test]
    fn lists_are_handed_on_as_they_were_given() {
        for text in ["", "threads,-gc", "2.0,memory64", "3.0"] {
            let list: FeatureList = text.parse().expect("features");
            assert_eq!(list.to_string(), text);
        }
    }
}
