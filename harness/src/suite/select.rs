//! The files of a suite that a run takes.
//!
//! Selection works on whole files, since a directive needs the modules before it. `--skip` alone
//! works on directives: they stay in the account, as `skip`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use rayon::prelude::*;

use crate::error::InputError;
use crate::features::FeatureList;
use crate::script::packed::PackedScript;
use crate::script::parse::{parse_script, unreadable_script};
use crate::suite::{self, FileFeatures, Heading, StatedBy, SuiteFile};

/// The files of a suite that a command is to take.
#[derive(Clone, Debug, Default, Args)]
pub struct Selection {
    /// Files and folders of .wast files; the embedded suite when there is none
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Only files whose path contains S (repeatable: any of them)
    #[arg(long, value_name = "S")]
    pub filter: Vec<String>,
    /// Only files whose path is a filter's S, exactly
    #[arg(long, requires = "filter")]
    pub exact: bool,
    /// Skip directives whose id (PATH#ORDINAL-HASH) contains S; they count as `skip` (repeatable)
    #[arg(long, value_name = "S")]
    pub skip: Vec<String>,
    /// Only files of this proposal (repeatable: any of them)
    #[arg(long, value_name = "P", value_parser = parse_heading)]
    pub proposal: Vec<Heading>,
    /// Change the features of every file, as in 2.0,threads or -simd: names with commas, `-` takes
    /// away; 1.0, 2.0, 3.0 and all begin anew
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub features: Option<FeatureList>,
    /// Only the I-th of N parts, by a hash of the file's path
    #[arg(long, value_name = "hash:I/N")]
    pub partition: Option<Partition>,
}

/// The files chosen, parsed.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// `embedded`, or the paths given.
    pub suite: String,
    /// A hash over the paths and texts of the whole suite.
    pub revision: String,
    /// The options that left something out, if any did.
    pub selection: Option<String>,
    /// The files, ordered by path.
    pub files: Vec<ChosenFile>,
}

/// A chosen file.
#[derive(Clone, Debug)]
pub struct ChosenFile {
    /// Parsed.
    pub script: PackedScript,
    /// The features that its modules may use.
    pub features: FileFeatures,
    /// The heading under which reports count it.
    pub heading: Heading,
    /// Ordinals of directives to skip, ascending.
    pub skipped: Vec<u32>,
}

/// Stack of the threads that parse. The text parser recurses as deep as it allows modules to nest.
const PARSE_STACK_BYTES: usize = 64 << 20;

impl Selection {
    /// Loads the suite, takes the chosen files, and parses them.
    ///
    /// # Errors
    /// If a path cannot be read, or a folder has no `.wast` file.
    pub fn load(&self, jobs: usize) -> Result<Chosen, InputError> {
        let mut all = match self.paths.as_slice() {
            [] => suite::embedded(),
            paths => suite::load(paths)?,
        };
        all.sort_by(|a, b| a.path.cmp(&b.path));
        let revision = revision(&all);
        all.retain(|file| self.takes(file));
        if let Some(list) = &self.features {
            for FileFeatures { set, stated_by, .. } in all.iter_mut().map(|it| &mut it.features) {
                *set = list.apply(*set);
                stated_by.push(StatedBy::Option);
            }
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .stack_size(PARSE_STACK_BYTES)
            .build()
            .map_err(|error| InputError::usage(format!("no threads to parse with: {error}")))?;
        let files = pool.install(|| all.par_iter().map(|file| self.parse(file)).collect());
        Ok(Chosen {
            suite: self.suite(),
            revision,
            selection: self.describe(),
            files,
        })
    }

    /// Whether no file of the suite is left out, as far as can be said: files named one by one are
    /// hardly a suite.
    pub fn is_whole_suite(&self) -> bool {
        let rest = Selection {
            paths: Vec::new(),
            skip: Vec::new(),
            ..self.clone()
        };
        rest.describe().is_none() && self.paths.iter().all(|path| path.is_dir())
    }

    fn takes(&self, file: &SuiteFile) -> bool {
        let named = |name: &String| match self.exact {
            true => file.path == *name,
            false => file.path.contains(name),
        };
        (self.filter.is_empty() || self.filter.iter().any(named))
            && (self.proposal.is_empty() || self.proposal.contains(&file.heading))
            && self
                .partition
                .is_none_or(|partition| partition.contains(&file.path))
    }

    fn parse(&self, file: &SuiteFile) -> ChosenFile {
        let script = match &file.fault {
            None => parse_script(&file.path, &file.text),
            Some((line, message)) => unreadable_script(&file.path, *line, message),
        };
        let skipped = script.directives.iter().filter(|directive| {
            self.skip
                .iter()
                .any(|part| directive.id.contains(part.as_str()))
        });
        ChosenFile {
            skipped: skipped.map(|directive| directive.ordinal).collect(),
            script: PackedScript::new(&script),
            features: file.features.clone(),
            heading: file.heading,
        }
    }

    fn suite(&self) -> String {
        let paths: Vec<_> = self
            .paths
            .iter()
            .map(|path| path.to_string_lossy())
            .collect();
        match paths.as_slice() {
            [] => "embedded".to_string(),
            paths => paths.join(" "),
        }
    }

    /// Where a file with this path in reports is, for messages.
    pub fn path_of(&self, path: &str) -> PathBuf {
        match self.paths.as_slice() {
            [folder] if folder.is_dir() => folder.join(path),
            _ => PathBuf::from(path),
        }
    }

    /// The options that leave something out, as they would be typed.
    fn describe(&self) -> Option<String> {
        let mut words = Vec::new();
        words.extend(self.filter.iter().map(|part| format!("--filter {part}")));
        words.extend(self.exact.then(|| "--exact".to_string()));
        words.extend(self.skip.iter().map(|part| format!("--skip {part}")));
        words.extend(
            self.proposal
                .iter()
                .map(|p| format!("--proposal {}", p.key())),
        );
        words.extend(
            self.partition
                .map(|partition| format!("--partition {partition}")),
        );
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// A hash over the paths and texts of files in their order.
fn revision(files: &[SuiteFile]) -> String {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for file in files {
        for part in [file.path.as_bytes(), file.text.as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    format!("xxh3:{:016x}", hasher.digest())
}

fn parse_heading(text: &str) -> Result<Heading, UnknownHeading> {
    Heading::named(text).ok_or_else(|| UnknownHeading {
        name: text.to_string(),
        known: Heading::all().map(Heading::key).collect(),
    })
}

/// A name that no heading has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown proposal `{name}` (known: {})", known.join(", "))]
struct UnknownHeading {
    name: String,
    known: Vec<&'static str>,
}

/// One of several parts of a suite, for runs on several machines: every file is in exactly one
/// part, by a hash of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The part, from 1.
    pub part: u64,
    /// The number of parts.
    pub parts: u64,
}

impl Partition {
    /// Whether the file is in this part.
    pub fn contains(self, path: &str) -> bool {
        xxhash_rust::xxh3::xxh3_64(path.as_bytes()) % self.parts + 1 == self.part
    }
}

/// Text that does not name a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form is hash:I/N, with I from 1 to N")]
pub struct NotAPartition;

impl FromStr for Partition {
    type Err = NotAPartition;

    fn from_str(text: &str) -> Result<Self, NotAPartition> {
        let numbers = text
            .strip_prefix("hash:")
            .and_then(|rest| rest.split_once('/'));
        let (part, parts) = numbers.ok_or(NotAPartition)?;
        let part: u64 = part.parse().map_err(|_| NotAPartition)?;
        let parts: u64 = parts.parse().map_err(|_| NotAPartition)?;
        if part == 0 || part > parts {
            return Err(NotAPartition);
        }
        Ok(Partition { part, parts })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hash:{}/{}", self.part, self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_in_exactly_one_part() {
        for index in 0..100 {
            let path = format!("file{index}.wast");
            let parts = (1..=4).filter(|&part| Partition { part, parts: 4 }.contains(&path));
            assert_eq!(parts.count(), 1, "{path}");
        }
    }

    #[test]
    fn partitions_read_back() {
        let partition: Partition = "hash:2/4".parse().expect("well formed");
        assert_eq!(partition.to_string(), "hash:2/4");
        for bad in [
            "2/4", "hash:0/4", "hash:5/4", "hash:1/0", "hash:a/b", "hash:1",
        ] {
            assert!(bad.parse::<Partition>().is_err(), "{bad}");
        }
    }
}
