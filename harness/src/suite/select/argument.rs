//! The arguments that name what is run: paths, patterns of paths, and directives.
//!
//! What exists is a path. Else `FILE:LINE` and an id name a directive, and what has `*` or `?` is a
//! pattern: of files on disk if it matches any, else of the paths of the suite. Anything else names
//! a file that the program carries.

use std::path::{Path, PathBuf};

use globset::GlobMatcher;
use walkdir::WalkDir;

use super::Selection;
use super::name::DirectiveName;
use crate::error::InputError;
use crate::interrupt;
use crate::suite::{pattern, slashed};

/// A pattern of the paths of a suite, as it was given.
#[derive(Clone, Debug)]
pub struct PathPattern {
    matcher: GlobMatcher,
    /// The text.
    pub text: String,
}

impl PathPattern {
    /// True if a path in reports matches.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.matcher.is_match(path)
    }
}

impl Selection {
    /// Makes of each argument what it names.
    ///
    /// # Errors
    /// If a pattern is malformed.
    pub fn resolve(mut self) -> Result<Selection, InputError> {
        let arguments = std::mem::take(&mut self.paths);
        let (paths, others): (Vec<PathBuf>, Vec<PathBuf>) =
            arguments.into_iter().partition(|path| path.exists());
        let folders: Vec<PathBuf> = paths.iter().filter(|path| path.is_dir()).cloned().collect();
        self.whole = paths
            .iter()
            .filter(|path| path.is_file())
            .map(|it| slashed(it))
            .collect();
        self.paths = paths;
        let mut unknown = Vec::new();
        let options = self.directive.len();
        for argument in others {
            match argument.to_str() {
                Some(text) => self.resolve_text(text, &folders, &mut unknown)?,
                None => unknown.push(argument),
            }
        }
        // An option names directives among all files, an argument stands beside other arguments.
        if self.directive.len() == options {
            self.whole.clear();
        }
        // A name that is not there is a file that the program carries, or the error of a path.
        match self.paths.is_empty() {
            true => {
                for path in unknown {
                    self.patterns.push(exact(&path.to_string_lossy())?);
                }
            }
            false => self.paths.extend(unknown),
        }
        Ok(self)
    }

    /// What of this selection is in files that changed, by their paths; `None` if they are not of
    /// the suite.
    pub fn of_changed(&self, changed: &[PathBuf]) -> Option<Selection> {
        let full = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let mut patterns = Vec::new();
        for file in changed {
            let file = full(file);
            for path in &self.paths {
                let inside = file.strip_prefix(full(path)).ok();
                let named = match inside {
                    Some(inside) if inside.as_os_str().is_empty() => slashed(path),
                    Some(inside) if self.paths.len() == 1 => slashed(inside),
                    Some(inside) => slashed(&path.join(inside)),
                    None => continue,
                };
                let is_script = named.ends_with(".wast") || path.is_file();
                patterns.extend(exact(&named).ok().filter(|_| is_script));
            }
        }
        (!patterns.is_empty()).then(|| Selection {
            patterns,
            ..self.clone()
        })
    }

    fn resolve_text(
        &mut self,
        text: &str,
        folders: &[PathBuf],
        unknown: &mut Vec<PathBuf>,
    ) -> Result<(), InputError> {
        if let Ok(name) = text.parse::<DirectiveName>() {
            let name = self.place(name, folders);
            self.directive.push(name);
        } else if text.contains(['*', '?', '[', '{']) {
            let matcher = pattern(text).map_err(|error| InputError::usage(error.to_string()))?;
            let found = files_on_disk(text, &matcher)?;
            self.whole.extend(found.iter().map(|path| slashed(path)));
            match found.is_empty() {
                true => self.patterns.push(PathPattern {
                    matcher,
                    text: text.to_string(),
                }),
                false => self.paths.extend(found),
            }
        } else {
            unknown.push(text.into());
        }
        Ok(())
    }

    /// A directive by the path that its file has in reports; the file is added to the paths if no
    /// folder among them has it.
    fn place(&mut self, name: DirectiveName, folders: &[PathBuf]) -> DirectiveName {
        let path = PathBuf::from(&name.file);
        if !path.is_file() {
            return name;
        }
        if let [folder] = folders
            && let Ok(inside) = path.strip_prefix(folder)
            && self.paths.len() == 1
        {
            return name.in_file(slashed(inside));
        }
        if !self.paths.contains(&path) && !folders.iter().any(|it| path.starts_with(it)) {
            self.paths.push(path.clone());
        }
        name.in_file(slashed(&path))
    }
}

/// The pattern that one path alone matches.
fn exact(path: &str) -> Result<PathPattern, InputError> {
    let matcher = pattern(&globset::escape(path));
    let matcher = matcher.map_err(|error| InputError::usage(error.to_string()))?;
    let text = path.to_string();
    Ok(PathPattern { matcher, text })
}

/// The scripts on disk that match a pattern, in the order of their paths. A folder that cannot be
/// read has none.
fn files_on_disk(text: &str, matcher: &GlobMatcher) -> Result<Vec<PathBuf>, InputError> {
    let is_plain = |part: &&str| !part.contains(['*', '?', '[', '{']);
    let parts: Vec<&str> = text.split('/').collect();
    let plain: Vec<&str> = parts.iter().copied().take_while(is_plain).collect();
    let base = match plain.join("/") {
        base if base.is_empty() && text.starts_with('/') => PathBuf::from("/"),
        base if base.is_empty() => PathBuf::from("."),
        base => PathBuf::from(base),
    };
    if !base.is_dir() {
        return Ok(Vec::new());
    }
    let depth = match text.contains("**") {
        true => usize::MAX,
        false => parts.len() - plain.len(),
    };
    let walk = WalkDir::new(&base)
        .follow_links(true)
        .max_depth(depth)
        .sort_by_file_name();
    let mut found = Vec::new();
    for entry in walk {
        if interrupt::requested() {
            return Err(InputError::usage("interrupted"));
        }
        let Ok(entry) = entry else { continue };
        let path = entry.path().strip_prefix("./").unwrap_or(entry.path());
        let is_script = path.extension().is_some_and(|it| it == "wast");
        if is_script && entry.file_type().is_file() && matcher.is_match(Path::new(&slashed(path))) {
            found.push(path.to_path_buf());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(arguments: &[String]) -> Selection {
        let paths = arguments.iter().map(PathBuf::from).collect();
        let selection = Selection {
            paths,
            ..Selection::default()
        };
        selection.resolve().expect("well formed")
    }

    #[test]
    fn arguments_are_paths_patterns_and_directives() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        std::fs::create_dir(at("more")).expect("created");
        for name in ["a.wast", "b.wast", "more/c.wast", "more/d.txt"] {
            std::fs::write(at(name), "(module)\n(module)").expect("written");
        }
        let paths = |arguments: &[String]| {
            let selection = resolve(arguments);
            assert!(selection.patterns.is_empty() && selection.directive.is_empty());
            selection.paths
        };
        assert_eq!(
            paths(&[at("*.wast")]),
            [at("a.wast"), at("b.wast")].map(PathBuf::from)
        );
        assert_eq!(paths(&[at("**/c*")]), [PathBuf::from(at("more/c.wast"))]);
        // A pattern without a match on disk is one of the suite.
        assert_eq!(resolve(&["no-such-*.wast".to_string()]).patterns.len(), 1);
        assert_eq!(resolve(&["i32.wast".to_string()]).patterns.len(), 1);

        let taken = |arguments: &[String]| {
            let chosen = resolve(arguments).load(1).expect("loads");
            let files = chosen.files.into_iter();
            files
                .map(|it| (it.script.path, it.script.directives))
                .collect::<Vec<_>>()
        };
        let line = |name: &str| format!("{}:1", at(name));
        assert_eq!(taken(&[line("a.wast")]), [(at("a.wast"), 1)]);
        // Beside a file, both; in a folder, of that folder only.
        assert_eq!(
            taken(&[at("b.wast"), line("a.wast")]),
            [(at("a.wast"), 1), (at("b.wast"), 2)]
        );
        let root = folder.path().to_string_lossy().into_owned();
        assert_eq!(
            taken(&[root.clone(), line("a.wast")]),
            [("a.wast".to_string(), 1)]
        );
        assert_eq!(
            taken(&[root, "more/c.wast:2".to_string()]),
            [("more/c.wast".to_string(), 2)]
        );
    }
}
