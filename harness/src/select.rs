//! Which files of a suite a run takes, and `wassay list`.
//!
//! Selection works on whole files, since a directive needs the modules before it. `--skip` alone
//! works on directives: they stay in the account, as `skip`.

use std::fmt;
use std::str::FromStr;

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

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "the form is hash:I/N, with I from 1 to N";
        let numbers = text
            .strip_prefix("hash:")
            .and_then(|rest| rest.split_once('/'));
        let (part, parts) = numbers.ok_or(form)?;
        let part: u64 = part.parse().map_err(|_| form)?;
        let parts: u64 = parts.parse().map_err(|_| form)?;
        if part == 0 || part > parts {
            return Err(form.to_string());
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
