//! The files of a suite that a run takes.
//!
//! Selection works on whole files, since a directive needs the modules before it. `--directive`
//! takes a file up to a directive. Directives that `--skip` names stay in the account, as `skip`.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use rayon::prelude::*;

use crate::error::InputError;
use crate::features::FeatureList;
use crate::script::module_file::read_module;
use crate::script::packed::PackedScript;
use crate::script::parse::{parse_script, unreadable_script};
use crate::script::{Command, Directive, Script};
use crate::shell;
use crate::suite::preload::{self, Preload};
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
    /// Leave out files whose path contains S (repeatable)
    #[arg(long, value_name = "S")]
    pub exclude: Vec<String>,
    /// Only this directive and those before it in its file, which it may need: an id
    /// (PATH#ORDINAL-HASH) or PATH:LINE (repeatable)
    #[arg(long, value_name = "ID")]
    pub directive: Vec<DirectiveName>,
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
    /// Instantiate a module before each script that imports from NAME, and register it under that
    /// (repeatable)
    #[arg(long, value_name = "NAME=FILE")]
    pub preload: Vec<Preload>,
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
    /// The names of directives up to which the file was taken.
    named: Vec<DirectiveName>,
}

/// Stack of the threads that parse. The text parser recurses as deep as it allows modules to nest.
const PARSE_STACK_BYTES: usize = 64 << 20;

/// Threads that have room to parse.
fn threads(count: usize) -> Result<rayon::ThreadPool, InputError> {
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(count)
        .stack_size(PARSE_STACK_BYTES);
    threads
        .build()
        .map_err(|error| InputError::usage("no threads to parse with").because(error))
}

/// The ordinal past a directive, and past the thread that it is in.
fn end_of(script: &Script, ordinal: usize) -> usize {
    let threads = script.commands[..=ordinal].iter().enumerate();
    let ends = threads.filter_map(|(at, command)| match command {
        Command::Thread { length, .. } => Some(at + 1 + *length as usize),
        _other_command => None,
    });
    ends.chain([ordinal + 1]).max().unwrap_or(ordinal + 1)
}

impl Selection {
    /// Loads the suite, takes the chosen files, and parses them.
    ///
    /// # Errors
    /// If a path cannot be read, or a folder has no `.wast` file.
    pub fn load(&self, jobs: usize) -> Result<Chosen, InputError> {
        let mut all = self.read()?;
        let revision = revision(&all);
        all.retain(|file| self.takes(file));
        if let Some(list) = &self.features {
            for FileFeatures { set, stated_by, .. } in all.iter_mut().map(|it| &mut it.features) {
                *set = list.apply(*set);
                stated_by.push(StatedBy::Option);
            }
        }
        let pool = threads(jobs)?;
        let preloads = pool.install(|| self.preloads())?;
        let parse = |file| self.parse(file, &preloads);
        let files: Vec<ChosenFile> = pool.install(|| all.par_iter().map(parse).collect());
        self.check_directives(&files)?;
        Ok(Chosen {
            suite: self.suite(),
            revision,
            selection: self.describe(),
            files,
        })
    }

    /// Works on scripts of the suite by their paths in reports, with their texts, in threads that
    /// have room to parse them. The suite is read again, since a run keeps no texts.
    ///
    /// # Errors
    /// If the suite cannot be read any more.
    pub fn with_texts<T: Send>(
        &self,
        paths: &BTreeSet<&str>,
        work: impl Fn(&Script, &str) -> T + Sync + Send,
    ) -> Result<Vec<T>, InputError> {
        let mut all = match self.paths.as_slice() {
            [] => suite::embedded(),
            // A pipe gives its text once.
            all => suite::load_where(all, |at, path| paths.contains(path) && at.is_file())?,
        };
        all.retain(|file| paths.contains(file.path.as_str()));
        let threads = threads(1)?;
        let preloads = threads.install(|| self.preloads())?;
        let of_file = |file: &SuiteFile| {
            let script = self.parse(file, &preloads).script.unpack();
            work(&script, &file.text)
        };
        Ok(threads.install(|| all.par_iter().map(of_file).collect()))
    }

    /// The files of the suite, ordered by path.
    fn read(&self) -> Result<Vec<SuiteFile>, InputError> {
        let mut all = match self.paths.as_slice() {
            [] => suite::embedded(),
            paths => suite::load(paths)?,
        };
        all.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(all)
    }

    /// Refuses names that no directive has.
    fn check_directives(&self, files: &[ChosenFile]) -> Result<(), InputError> {
        let is_there = |name: &&DirectiveName| files.iter().any(|file| file.named.contains(*name));
        match self.directive.iter().find(|name| !is_there(name)) {
            Some(name) => {
                let message = format!("there is no directive `{name}` among the chosen files");
                Err(InputError::usage(message))
            }
            None => Ok(()),
        }
    }

    /// The folder to which paths in reports are relative; none if files are named one by one, or
    /// are those that the program carries.
    pub fn folder(&self) -> Option<String> {
        match self.paths.as_slice() {
            [folder] if folder.is_dir() => Some(folder.to_string_lossy().into_owned()),
            _ => None,
        }
    }

    /// Whether no file of the suite is left out, as far as can be said: files named one by one are
    /// hardly a suite.
    pub fn is_whole_suite(&self) -> bool {
        let rest = Selection {
            paths: Vec::new(),
            skip: Vec::new(),
            preload: Vec::new(),
            ..self.clone()
        };
        rest.describe().is_none() && self.paths.iter().all(|path| path.is_dir())
    }

    fn takes(&self, file: &SuiteFile) -> bool {
        let named = |name: &String| match self.exact {
            true => file.path == *name,
            false => file.path.contains(name),
        };
        let is_excluded = |part: &String| file.path.contains(part);
        (self.filter.is_empty() || self.filter.iter().any(named))
            && !self.exclude.iter().any(is_excluded)
            && (self.directive.is_empty() || self.directive.iter().any(|it| it.file == file.path))
            && (self.proposal.is_empty() || self.proposal.contains(&file.heading))
            && self
                .partition
                .is_none_or(|partition| partition.contains(&file.path))
    }

    /// The modules that stand before scripts, by name.
    fn preloads(&self) -> Result<Vec<(String, Vec<u8>)>, InputError> {
        let named = |preload: &Preload| Ok((preload.name.clone(), read_module(&preload.path)?));
        self.preload.iter().map(named).collect()
    }

    fn parse(&self, file: &SuiteFile, preloads: &[(String, Vec<u8>)]) -> ChosenFile {
        let mut script = match &file.fault {
            None => parse_script(&file.path, &file.text),
            Some((line, message)) => unreadable_script(&file.path, *line, message),
        };
        file.features.conventions().restate(&mut script);
        preload::put_before(&mut script, preloads);
        let named = self.cut_off(&mut script);
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
            named,
        }
    }

    /// Takes away what comes after the last directive that is named; gives the names that were met.
    fn cut_off(&self, script: &mut Script) -> Vec<DirectiveName> {
        let mut met = Vec::new();
        let mut end = 0;
        for name in &self.directive {
            if let Some(ordinal) = script.directives.iter().rposition(|it| name.is(script, it)) {
                met.push(name.clone());
                end = end.max(end_of(script, ordinal));
            }
        }
        if end > 0 {
            script.directives.truncate(end);
            script.commands.truncate(end);
        }
        met
    }

    fn suite(&self) -> String {
        match self.paths.as_slice() {
            [] => "embedded".to_string(),
            paths => shell::join(paths.iter().map(|path| path.to_string_lossy())),
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
        let option = |name, word: &str| format!("{name} {}", shell::quote(word));
        words.extend(self.filter.iter().map(|part| option("--filter", part)));
        words.extend(self.exact.then(|| "--exact".to_string()));
        words.extend(self.exclude.iter().map(|part| option("--exclude", part)));
        let names = self.directive.iter();
        words.extend(names.map(|name| option("--directive", &name.to_string())));
        words.extend(self.skip.iter().map(|part| option("--skip", part)));
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

/// The name of a directive of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectiveName {
    file: String,
    /// What stands behind the path in an id, or the line.
    rest: Result<String, u32>,
}

impl DirectiveName {
    fn is(&self, script: &Script, directive: &Directive) -> bool {
        self.file == script.path
            && match &self.rest {
                Ok(rest) => directive.id.strip_prefix(&self.file) == Some(rest),
                Err(line) => directive.line == *line,
            }
    }
}

impl FromStr for DirectiveName {
    type Err = NotADirectiveName;

    fn from_str(text: &str) -> Result<Self, NotADirectiveName> {
        let by_id = text.rfind('#').map(|at| text.split_at(at));
        if let Some((file, rest)) = by_id.filter(|(file, rest)| !file.is_empty() && is_id(rest)) {
            let (file, rest) = (file.to_string(), Ok(rest.to_string()));
            return Ok(DirectiveName { file, rest });
        }
        let (file, line) = text.rsplit_once(':').ok_or(NotADirectiveName)?;
        match line.parse() {
            Ok(line @ 1..) if !file.is_empty() => Ok(DirectiveName {
                file: file.to_string(),
                rest: Err(line),
            }),
            Ok(_) | Err(_) => Err(NotADirectiveName),
        }
    }
}

/// True if a text is the end of an id: `#ORDINAL-HASH`.
fn is_id(text: &str) -> bool {
    let parts = text.strip_prefix('#').and_then(|it| it.split_once('-'));
    parts.is_some_and(|(ordinal, hash)| {
        ordinal.parse::<u32>().is_ok() && u32::from_str_radix(hash, 16).is_ok()
    })
}

impl fmt::Display for DirectiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rest {
            Ok(rest) => write!(f, "{}{rest}", self.file),
            Err(line) => write!(f, "{}:{line}", self.file),
        }
    }
}

/// Text that does not name a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form is PATH#ORDINAL-HASH or PATH:LINE")]
pub struct NotADirectiveName;

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
    fn names_of_directives_read_back() {
        for name in ["a b#c.wast#12-0123abcd", "a.wast:7", "a:1:7"] {
            let read: DirectiveName = name.parse().expect("well formed");
            assert_eq!(read.to_string(), name);
        }
        for bad in [
            "", "a.wast", "#1-ab", "a#1", "a#x-ab", "a#1-x", ":7", "a:0", "a:b",
        ] {
            assert!(bad.parse::<DirectiveName>().is_err(), "{bad}");
        }
    }

    /// A file ends with the directive that is named, or with the thread that it is in.
    #[test]
    fn files_are_taken_up_to_a_directive() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "(module $m)\n(thread $t\n(module)\n(module)\n)\n(wait $t)\n(module)\n(module)";
        std::fs::write(folder.path().join("a.wast"), text).expect("written");
        std::fs::write(folder.path().join("b.wast"), text).expect("written");
        let all = parse_script("a.wast", text);
        let taken = |names: &[&str]| {
            let selection = Selection {
                paths: vec![folder.path().to_path_buf()],
                directive: names.iter().map(|it| it.parse().expect("a name")).collect(),
                ..Selection::default()
            };
            let chosen = selection.load(1)?;
            let [file] = chosen.files.as_slice() else {
                panic!("one file");
            };
            Ok::<usize, InputError>(file.script.directives)
        };
        assert_eq!(taken(&["a.wast:1"]), Ok(1));
        assert_eq!(taken(&["a.wast:3"]), Ok(4));
        assert_eq!(taken(&["a.wast:2"]), Ok(4));
        assert_eq!(taken(&["a.wast:1", &all.directives[5].id]), Ok(6));
        let error = taken(&["a.wast:99"]).expect_err("no such line");
        assert!(error.to_string().contains("no directive `a.wast:99`"));
        assert!(taken(&["a.wast#5-00000000"]).is_err(), "another hash");
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
