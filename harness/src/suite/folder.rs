//! `wassay.toml`: the features of the scripts in a folder and below it, as its owner states them.
//!
//! ```toml
//! features = "2.0,threads"        # a list as for `--features`; it changes what was known before
//! proposal = "threads"            # the heading in reports
//!
//! [[files]]                       # exceptions, in their order: each row that matches counts
//! glob = "gc/**"                  # of the path relative to this folder
//! features = "3.0"
//! proposal = "gc"
//! ```
//!
//! The nearest such file in a folder above a script counts, and it alone. Tables of profiles and
//! configurations, which `cli/config.rs` reads, may stand in the same file.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobMatcher;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::{pattern, slashed};
use crate::error::{InputError, line_at};
use crate::features::{FeatureList, Proposal, proposal_named};
use crate::input::read_text;

/// The name of the file.
pub const NAME: &str = "wassay.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFolder {
    features: Option<Spanned<String>>,
    proposal: Option<Spanned<String>>,
    #[serde(default)]
    files: Vec<RawFiles>,
    #[serde(rename = "profile")]
    _profile: Option<IgnoredAny>,
    #[serde(rename = "configuration")]
    _configuration: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFiles {
    glob: Spanned<String>,
    features: Option<Spanned<String>>,
    proposal: Option<Spanned<String>>,
}

/// What is stated of some files.
#[derive(Clone, Debug, Default)]
struct Statement {
    features: Option<FeatureList>,
    proposal: Option<Proposal>,
}

/// A `wassay.toml`, read.
#[derive(Debug)]
struct FolderFile {
    path: PathBuf,
    all: Statement,
    files: Vec<(GlobMatcher, Statement)>,
}

/// What a `wassay.toml` states of one script.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    /// The path of the `wassay.toml`.
    pub(super) path: PathBuf,
    /// The features, if it states any.
    pub(super) features: Option<FeatureList>,
    /// The proposal, if it states one.
    pub(super) proposal: Option<Proposal>,
}

/// The `wassay.toml` files that have been looked for, by folder.
#[derive(Debug, Default)]
pub(super) struct Folders {
    known: HashMap<PathBuf, Option<Arc<FolderFile>>>,
}

impl Folders {
    /// What the nearest `wassay.toml` states of a script, by the script's full path.
    ///
    /// # Errors
    /// If the file cannot be read, or is malformed.
    pub(super) fn of_file(&mut self, script: &Path) -> Result<Option<Stated>, InputError> {
        for folder in script.ancestors().skip(1) {
            if let Some(file) = self.at(folder)? {
                let relative = script.strip_prefix(folder).unwrap_or(script);
                return Ok(Some(file.states(&slashed(relative))));
            }
        }
        Ok(None)
    }

    fn at(&mut self, folder: &Path) -> Result<Option<Arc<FolderFile>>, InputError> {
        if let Some(known) = self.known.get(folder) {
            return Ok(known.clone());
        }
        let path = folder.join(NAME);
        let file = match fs::symlink_metadata(&path) {
            Err(_) => None,
            Ok(_) => {
                let text = read_text(&path)?;
                Some(Arc::new(FolderFile::parse(path, &text)?))
            }
        };
        self.known.insert(folder.to_path_buf(), file.clone());
        Ok(file)
    }
}

impl FolderFile {
    fn parse(path: PathBuf, text: &str) -> Result<FolderFile, InputError> {
        let raw: RawFolder =
            toml::from_str(text).map_err(|error| InputError::in_toml(&path, text, &error))?;
        let wrong = |span: std::ops::Range<usize>, message: String| {
            InputError::at_line(&path, line_at(text, span.start), message)
        };
        let statement = |features: Option<Spanned<String>>, proposal: Option<Spanned<String>>| {
            let features = features.map(|list| {
                let parsed = list.get_ref().parse::<FeatureList>();
                parsed.map_err(|error| wrong(list.span(), error.to_string()))
            });
            let proposal = proposal.map(|name| {
                let unknown = || format!("unknown proposal `{}`", name.get_ref());
                proposal_named(name.get_ref()).ok_or_else(|| wrong(name.span(), unknown()))
            });
            Ok(Statement {
                features: features.transpose()?,
                proposal: proposal.transpose()?,
            })
        };
        let all = statement(raw.features, raw.proposal)?;
        let files = raw.files.into_iter().map(|row| {
            let glob = pattern(row.glob.get_ref());
            let glob = glob.map_err(|error| wrong(row.glob.span(), error.to_string()))?;
            Ok((glob, statement(row.features, row.proposal)?))
        });
        let files = files.collect::<Result<_, InputError>>()?;
        Ok(FolderFile { path, all, files })
    }

    /// What is stated of a script, by its path relative to the folder.
    fn states(&self, script: &str) -> Stated {
        let rows = self.files.iter().filter(|(glob, _)| glob.is_match(script));
        let rows = std::iter::once(&self.all).chain(rows.map(|(_, row)| row));
        let mut stated = Stated {
            path: self.path.clone(),
            features: None,
            proposal: None,
        };
        for row in rows {
            if let Some(list) = &row.features {
                let all = stated.features.get_or_insert_with(FeatureList::default);
                all.0.extend_from_slice(&list.0);
            }
            stated.proposal = row.proposal.or(stated.proposal);
        }
        stated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::FeatureSet;

    fn parse(text: &str) -> Result<FolderFile, InputError> {
        FolderFile::parse("x/wassay.toml".into(), text)
    }

    #[test]
    fn a_folder_states_features_with_exceptions() {
        let text = "features = \"2.0,threads\"\nproposal = \"threads\"\n\
            [[files]]\nglob = \"gc/**\"\nfeatures = \"3.0\"\nproposal = \"gc\"\n\
            [[files]]\nglob = \"*.wast\"\nfeatures = \"-simd\"\n";
        let file = parse(text).expect("well formed");
        let set = |script: &str| {
            let list = file.states(script).features.expect("features");
            (list.apply(FeatureSet::WASM1), file.states(script).proposal)
        };
        let folder = FeatureSet::WASM2.with(Proposal::Threads);
        let threads = Some(Proposal::Threads);
        assert_eq!(set("a/b.wast"), (folder, threads));
        let gc = Some(Proposal::Gc);
        assert_eq!(set("gc/a.wast"), (FeatureSet::WASM3, gc));
        let less = folder.without(Proposal::Simd);
        assert_eq!(set("a.wast"), (less, threads));
    }

    #[test]
    fn what_is_malformed_is_an_error_with_its_line() {
        for (text, line, part) in [
            ("\nfeatures = \"banana\"", 2, "unknown feature `banana`"),
            ("proposal = \"banana\"", 1, "unknown proposal `banana`"),
            ("features = 3", 1, "string"),
            ("[[files]]\nfeatures = \"gc\"", 1, "glob"),
            ("\n[[files]]\nglob = \"a[\"", 3, "a["),
            ("banana = 1", 1, "banana"),
            ("features = \"3.0\"\n[files", 2, ""),
        ] {
            let error = parse(text).map(drop).expect_err("an error");
            assert_eq!(error.line, Some(line), "{error}");
            assert_eq!(error.path.as_deref(), Some(Path::new("x/wassay.toml")));
            assert!(error.message.contains(part), "{error}");
        }
    }
}
