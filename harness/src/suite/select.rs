//! The files of a suite that a run takes.
//!
//! Selection works on whole files, since a directive needs the modules before it. A directive that
//! is named takes its file up to there. Directives that `--skip` names stay in the account, as
//! `skip`; so do those of other kinds than `--kind` names, which run all the same, since others may
//! need their effects. An option that selects nothing is an error.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use rayon::prelude::*;

use crate::error::InputError;
use crate::features::FeatureList;
use crate::script::module_file::read_module;
use crate::script::packed::PackedScript;
use crate::script::parse::{parse_script, unreadable_script};
use crate::script::{Command, Kind, Script};
use crate::shell;
use crate::suite::preload::{self, Preload};
use crate::suite::{self, FileFeatures, Heading, StatedBy, SuiteFile};

pub mod argument;
pub mod name;
pub mod partition;

use argument::PathPattern;
use name::DirectiveName;
use partition::Partition;

/// The files of a suite that a command is to take.
#[derive(Clone, Debug, Default, Args)]
pub struct Selection {
    /// Files and folders of .wast files, patterns of paths ('**/simd_*.wast'), and directives by
    /// id or as FILE:LINE; of the embedded suite when no path is among them
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The patterns of paths of the suite: any of them.
    #[arg(skip)]
    pub patterns: Vec<PathPattern>,
    /// The paths in reports of files that are taken whole although directives are named.
    #[arg(skip)]
    pub whole: BTreeSet<String>,
    /// Only files whose path contains S (repeatable: any of them)
    #[arg(long, value_name = "S", value_parser = NonEmptyStringValueParser::new())]
    pub filter: Vec<String>,
    /// Only files whose path is a filter's S, exactly
    #[arg(long, requires = "filter")]
    pub exact: bool,
    /// Leave out files whose path contains S (repeatable)
    #[arg(long, value_name = "S", value_parser = NonEmptyStringValueParser::new())]
    pub exclude: Vec<String>,
    /// Only this directive and those before it in its file, which it may need: an id
    /// (PATH#ORDINAL-HASH) or PATH:LINE (repeatable)
    #[arg(long, value_name = "ID")]
    pub directive: Vec<DirectiveName>,
    /// Skip directives whose id (PATH#ORDINAL-HASH) contains S; they count as `skip` (repeatable)
    #[arg(long, value_name = "S", value_parser = NonEmptyStringValueParser::new())]
    pub skip: Vec<String>,
    /// Only files of this proposal (repeatable: any of them)
    #[arg(long, value_name = "P", value_parser = parse_heading)]
    pub proposal: Vec<Heading>,
    /// Judge only directives of this kind, as in assert_trap; the others of their files run, and
    /// count as `skip` (repeatable: any of them)
    #[arg(long, value_name = "KIND", value_parser = kind_parser())]
    pub kind: Vec<Kind>,
    /// Change the features of every file, as in 2.0,threads or -simd: names with commas, `-` takes
    /// away; 1.0, 2.0, 3.0 and all begin anew
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub features: Option<FeatureList>,
    /// Instantiate a module before each script that imports from NAME, and register it under that
    /// (repeatable)
    #[arg(long, value_name = "NAME=FILE")]
    pub preload: Vec<Preload>,
    /// Only the I-th of N parts of the files: by a hash of the path, or in turn (slice:I/N)
    #[arg(long, value_name = "hash:I/N")]
    pub partition: Option<Partition>,
    /// True if the directives named are those that a report says failed: there may be many, and
    /// the suite may have lost some.
    #[arg(skip)]
    pub is_rerun: bool,
}

/// The parser of a kind by its name in reports.
fn kind_parser() -> impl TypedValueParser<Value = Kind> {
    let names = PossibleValuesParser::new(Kind::NAMES.map(|(_, name)| name));
    names.map(|text| {
        let row = Kind::NAMES.into_iter().find(|(_, name)| *name == text);
        row.map_or(Kind::Module, |(kind, _)| kind)
    })
}

/// The files chosen, parsed.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// `embedded`, or the paths given.
    pub suite: String,
    /// A hash over the paths and texts of the whole suite.
    pub revision: String,
    /// The options that left something out, if any did; without the part.
    pub selection: Option<String>,
    /// The part, and the number of files in all parts.
    pub part: Option<(Partition, usize)>,
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
    /// True if a directive is of the kinds that are chosen.
    has_kind: bool,
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
        self.check_names(&all)?;
        all.retain(|file| self.takes(file));
        let part = self.partition.map(|partition| (partition, all.len()));
        if let Some(partition) = self.partition {
            let mut index = 0..;
            all.retain(|file| {
                let index = index.next();
                index.is_some_and(|index| partition.contains(&file.path, index))
            });
        }
        if let Some(list) = &self.features {
            for FileFeatures { set, stated_by, .. } in all.iter_mut().map(|it| &mut it.features) {
                *set = list.apply(*set);
                stated_by.push(StatedBy::Option);
            }
        }
        let pool = threads(jobs)?;
        let preloads = pool.install(|| self.preloads())?;
        let parse = |file| self.parse(file, &preloads);
        let mut files: Vec<ChosenFile> = pool.install(|| all.par_iter().map(parse).collect());
        self.check_directives(&files)?;
        files.retain(|file| !self.is_rerun || !file.named.is_empty());
        files.retain(|file| file.has_kind);
        Ok(Chosen {
            suite: self.suite(),
            revision,
            selection: self.describe(),
            part,
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

    /// Refuses options that no file of the suite meets.
    fn check_names(&self, all: &[SuiteFile]) -> Result<(), InputError> {
        let unmet = |option: &str, text: &str, is_met: &dyn Fn(&SuiteFile) -> bool| match all
            .iter()
            .any(is_met)
        {
            true => Ok(()),
            false => {
                let word = shell::quote(text);
                let message = match option {
                    "" => format!("no file here is meant by {word}, and none of the suite"),
                    _ => format!("no file of the suite is meant by {option}{word}"),
                };
                Err(InputError::usage(message))
            }
        };
        for text in &self.filter {
            unmet("--filter ", text, &|file| self.is_filtered(file, text))?;
        }
        for text in &self.exclude {
            unmet("--exclude ", text, &|file| file.path.contains(text))?;
        }
        for heading in &self.proposal {
            unmet("--proposal ", heading.key(), &|file| {
                file.heading == *heading
            })?;
        }
        for pattern in &self.patterns {
            unmet("", &pattern.text, &|file| pattern.matches(&file.path))?;
        }
        Ok(())
    }

    /// Refuses names that no directive has.
    fn check_directives(&self, files: &[ChosenFile]) -> Result<(), InputError> {
        let is_there = |name: &&DirectiveName| files.iter().any(|file| file.named.contains(*name));
        let mut named = self.directive.iter().filter(|_| !self.is_rerun);
        if let Some(name) = named.find(|name| !is_there(name)) {
            let message = format!("there is no directive `{name}` among the chosen files");
            return Err(InputError::usage(message));
        }
        // Another part of the suite may have what this one lacks.
        if self.partition.is_some() || files.is_empty() {
            return Ok(());
        }
        if let Some(kind) = self
            .kind
            .first()
            .filter(|_| !files.iter().any(|it| it.has_kind))
        {
            let message = format!("no chosen directive is of the kind {}", kind.name());
            return Err(InputError::usage(message));
        }
        match self.skip.is_empty() || files.iter().any(|file| !file.skipped.is_empty()) {
            true => Ok(()),
            false => {
                let skip = self.skip.join(" or ");
                let message = format!("no id of a chosen directive contains the {skip} of --skip");
                Err(InputError::usage(message))
            }
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
        rest.describe().is_none()
            && self.partition.is_none()
            && self.paths.iter().all(|path| path.is_dir())
    }

    /// True if a file is one that a `--filter` means.
    fn is_filtered(&self, file: &SuiteFile, text: &String) -> bool {
        match self.exact {
            true => file.path == *text,
            false => file.path.contains(text),
        }
    }

    fn takes(&self, file: &SuiteFile) -> bool {
        let named = |text: &String| self.is_filtered(file, text);
        let is_meant = |pattern: &PathPattern| pattern.matches(&file.path);
        let is_excluded = |part: &String| file.path.contains(part);
        (self.filter.is_empty() || self.filter.iter().any(named))
            && !self.exclude.iter().any(is_excluded)
            && (self.patterns.is_empty() || self.patterns.iter().any(is_meant))
            && (self.directive.is_empty()
                || self.whole.contains(&file.path)
                || self.directive.iter().any(|it| it.file == file.path))
            && (self.proposal.is_empty() || self.proposal.contains(&file.heading))
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
            has_kind: script.directives.iter().any(|it| self.judges(it.kind)),
        }
    }

    /// True if directives of a kind have a verdict.
    pub fn judges(&self, kind: Kind) -> bool {
        self.kind.is_empty() || self.kind.contains(&kind)
    }

    /// Takes away what comes after the last directive that is named; gives the names that were met.
    fn cut_off(&self, script: &mut Script) -> Vec<DirectiveName> {
        let mut met = Vec::new();
        let mut end = 0;
        for name in self
            .directive
            .iter()
            .filter(|name| name.file == script.path)
        {
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
        words.extend(self.patterns.iter().map(|it| shell::quote(&it.text)));
        words.extend(self.filter.iter().map(|part| option("--filter", part)));
        words.extend(self.exact.then(|| "--exact".to_string()));
        words.extend(self.exclude.iter().map(|part| option("--exclude", part)));
        match self.is_rerun {
            true => words.push("--rerun failed".to_string()),
            false => {
                let names = self.directive.iter();
                words.extend(names.map(|name| option("--directive", &name.to_string())));
            }
        }
        words.extend(self.skip.iter().map(|part| option("--skip", part)));
        words.extend(
            self.proposal
                .iter()
                .map(|p| format!("--proposal {}", p.key())),
        );
        let kinds = self.kind.iter();
        words.extend(kinds.map(|kind| format!("--kind {}", kind.name())));
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
