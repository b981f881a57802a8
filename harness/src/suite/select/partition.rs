//! The parts of a suite, for runs on several machines: every file is in exactly one part.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How files are dealt out to parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dealing {
    /// By a hash of the path: a file stays in its part, whatever other files there are.
    Hash,
    /// In turn, in the order of paths: parts are equally large.
    Slice,
}

impl Dealing {
    const ALL: [Dealing; 2] = [Dealing::Hash, Dealing::Slice];

    const fn name(self) -> &'static str {
        match self {
            Dealing::Hash => "hash",
            Dealing::Slice => "slice",
        }
    }
}

/// One of several parts of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// How files are dealt out.
    pub dealing: Dealing,
    /// The part, from 1.
    pub part: u64,
    /// The number of parts.
    pub parts: u64,
}

impl Partition {
    /// True if a file is in this part, by its path and its place among the chosen files.
    pub fn contains(self, path: &str, index: usize) -> bool {
        let number = match self.dealing {
            Dealing::Hash => xxhash_rust::xxh3::xxh3_64(path.as_bytes()),
            Dealing::Slice => index as u64,
        };
        number % self.parts + 1 == self.part
    }
}

/// Text that does not name a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form is hash:I/N or slice:I/N, with I from 1 to N")]
pub struct NotAPartition;

impl FromStr for Partition {
    type Err = NotAPartition;

    fn from_str(text: &str) -> Result<Self, NotAPartition> {
        let (name, numbers) = text.split_once(':').ok_or(NotAPartition)?;
        let dealing = Dealing::ALL.into_iter().find(|it| it.name() == name);
        let dealing = dealing.ok_or(NotAPartition)?;
        let (part, parts) = numbers.split_once('/').ok_or(NotAPartition)?;
        let part: u64 = part.parse().map_err(|_| NotAPartition)?;
        let parts: u64 = parts.parse().map_err(|_| NotAPartition)?;
        if part == 0 || part > parts {
            return Err(NotAPartition);
        }
        Ok(Partition {
            dealing,
            part,
            parts,
        })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.dealing.name(), self.part, self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_in_exactly_one_part() {
        for dealing in Dealing::ALL {
            for index in 0..100 {
                let path = format!("file{index}.wast");
                let parts = 1..=4;
                let parts = parts.map(|part| Partition {
                    dealing,
                    part,
                    parts: 4,
                });
                let parts = parts.filter(|part| part.contains(&path, index));
                assert_eq!(parts.count(), 1, "{path}");
            }
        }
        let second = Partition {
            dealing: Dealing::Slice,
            part: 2,
            parts: 4,
        };
        assert_eq!(
            (0..100).filter(|&index| second.contains("", index)).count(),
            25
        );
    }

    #[test]
    fn partitions_read_back() {
        for text in ["hash:2/4", "slice:4/4"] {
            let partition: Partition = text.parse().expect("well formed");
            assert_eq!(partition.to_string(), text);
        }
        for bad in [
            "2/4",
            "hash:0/4",
            "hash:5/4",
            "hash:1/0",
            "hash:a/b",
            "hash:1",
            "count:1/2",
        ] {
            assert!(bad.parse::<Partition>().is_err(), "{bad}");
        }
    }
}
