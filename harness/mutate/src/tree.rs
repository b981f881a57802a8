//! The mutated copy of the project below `target/mutate/tree`: written, freed of faults that do not
//! compile, and built.
//!
//! Files are rewritten only if their text changes, so that cargo builds what has changed. The real
//! sources are never touched: no build of them can contain a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::site::{Site, mark, rewrite};

/// The module of the switch, and its declaration.
const SWITCH: &str = include_str!("../switch.rs");
const SWITCH_PATH: &str = "runtime/src/mutant.rs";
const DECLARATION: &str = "#[doc(hidden)]\npub mod mutant;\n";

/// The copy.
pub struct Tree {
    root: PathBuf,
    folder: PathBuf,
}

impl Tree {
    /// The copy of the project in a folder.
    pub fn new(root: &Path, folder: PathBuf) -> Self {
        Self {
            root: root.to_owned(),
            folder,
        }
    }

    /// The program.
    pub fn program(&self) -> PathBuf {
        self.folder.join("target/release/wassay")
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a folder that is given from the project's folder.
    pub fn of_project(&self, folder: &str) -> String {
        self.root.join(folder).to_string_lossy().into_owned()
    }

    /// The files of the project under version control, as they are in the working tree.
    ///
    /// # Errors
    /// Where there is no git, or no repository.
    pub fn files(&self) -> Result<Vec<String>, String> {
        let listed = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(&self.root)
            .output()
            .map_err(|error| format!("git: {error}"))?;
        if !listed.status.success() {
            return Err("git ls-files failed".to_owned());
        }
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        let is_copied =
            |path: &&str| !path.starts_with("harness/mutate/") && self.root.join(path).is_file();
        Ok(text.lines().filter(is_copied).map(str::to_owned).collect())
    }

    /// The text of a file of the project.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn source(&self, path: &str) -> Result<String, String> {
        fs::read_to_string(self.root.join(path)).map_err(|error| format!("{path}: {error}"))
    }

    /// Writes the copy with faults planted, each numbered from 1 by its place in the list.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn write(&self, sites: &[Site]) -> Result<(), String> {
        let mut by_file: BTreeMap<&str, Vec<(u32, &Site)>> = BTreeMap::new();
        for (number, site) in (1..).zip(sites) {
            by_file.entry(&site.file).or_default().push((number, site));
        }
        let mut files: BTreeSet<PathBuf> = BTreeSet::from([self.folder.join(SWITCH_PATH)]);
        for path in self.files()? {
            files.insert(self.folder.join(&path));
            let from = self.root.join(&path);
            let bytes = fs::read(&from).map_err(|error| format!("{path}: {error}"))?;
            let bytes = match path.as_str() {
                "runtime/src/lib.rs" => [&bytes, DECLARATION.as_bytes()].concat(),
                "Cargo.toml" => lean(&String::from_utf8_lossy(&bytes)).into_bytes(),
                _ => match by_file.get(path.as_str()) {
                    Some(sites) => rewrite(&String::from_utf8_lossy(&bytes), sites).into_bytes(),
                    None => bytes,
                },
            };
            self.put(&path, &bytes)?;
        }
        self.put(SWITCH_PATH, SWITCH.as_bytes())?;
        let target = self.folder.join("target");
        remove_others(&self.folder, &target, &files)
            .map_err(|error| format!("{}: {error}", self.folder.display()))
    }

    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), String> {
        let to = self.folder.join(path);
        if fs::read(&to).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        let folder = to.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&to, bytes))
            .and_then(|()| {
                let permissions = fs::metadata(self.root.join(path)).map(|m| m.permissions());
                permissions.map_or(Ok(()), |permissions| fs::set_permissions(&to, permissions))
            })
            .map_err(|error| format!("{}: {error}", to.display()))
    }

    /// Leaves out faults that do not compile, until all others do. Returns the number left out.
    ///
    /// # Errors
    /// If an error of the compiler has nothing to do with any fault.
    pub fn check(&self, sites: &mut Vec<Site>) -> Result<usize, String> {
        let before = sites.len();
        loop {
            self.write(sites)?;
            let blamed = self.blamed(sites)?;
            eprintln!(
                "mutate: {} faults, {} do not compile",
                sites.len(),
                blamed.len()
            );
            if blamed.is_empty() {
                return Ok(before - sites.len());
            }
            let mut number = 0;
            sites.retain(|_| {
                number += 1;
                !blamed.contains(&number)
            });
        }
    }

    /// The numbers of the faults at which the compiler finds errors.
    fn blamed(&self, sites: &[Site]) -> Result<BTreeSet<u32>, String> {
        let checked = Command::new("cargo")
            .args([
                "check",
                "--release",
                "--locked",
                "--package",
                "wassay-runtime",
            ])
            .args(["--lib", "--message-format=json"])
            .current_dir(&self.folder)
            .env_remove("CARGO_TARGET_DIR")
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cargo: {error}"))?;
        let mut blamed = BTreeSet::new();
        if checked.status.success() {
            return Ok(blamed);
        }
        let places = self.places(sites)?;
        let mut last = String::new();
        for line in String::from_utf8_lossy(&checked.stdout).lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let message = &line["message"];
            if message["level"] == "error" {
                last = message["rendered"].as_str().unwrap_or_default().to_owned();
                blamed.extend(blame(&spans(message), &places));
            }
        }
        if blamed.is_empty() {
            return Err(format!(
                "the copy does not compile, and no fault is near:\n{last}"
            ));
        }
        Ok(blamed)
    }

    /// The place of each fault in the copy.
    fn places(&self, sites: &[Site]) -> Result<Vec<Place>, String> {
        let mut texts: BTreeMap<&str, String> = BTreeMap::new();
        let mut places = Vec::new();
        for (number, site) in (1..).zip(sites) {
            if !texts.contains_key(site.file.as_str()) {
                let path = self.folder.join(&site.file);
                let text = fs::read_to_string(&path).map_err(|error| error.to_string())?;
                texts.insert(&site.file, text);
            }
            let text = &texts[site.file.as_str()];
            let ends = ['{', '}'].map(|bracket| text.find(&mark(number, bracket)));
            if let [Some(start), Some(end)] = ends {
                places.push(Place {
                    number,
                    file: site.file.clone(),
                    start,
                    end,
                });
            }
        }
        Ok(places)
    }

    /// Builds the program, for this host and for the worker of the JIT.
    ///
    /// # Errors
    /// If it does not build.
    pub fn build(&self) -> Result<(), String> {
        let status = Command::new(self.folder.join("scripts/build"))
            .env_remove("CARGO_TARGET_DIR")
            .status()
            .map_err(|error| format!("scripts/build: {error}"))?;
        if status.success() {
            Ok(())
        } else {
            Err("the copy does not build".to_owned())
        }
    }
}

/// Removes what earlier copies had: all below a folder but `target`, and but for these files.
fn remove_others(folder: &Path, target: &Path, files: &BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path == target || files.contains(&path) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => remove_others(&path, target, files)?,
            false => fs::remove_file(&path)?,
        }
    }
    Ok(())
}

/// The project's manifest without what only a debugger needs.
fn lean(manifest: &str) -> String {
    let release = manifest.find("[profile.release]").unwrap_or(manifest.len());
    let (before, profile) = manifest.split_at(release);
    format!(
        "{before}{}",
        profile.replacen("debug = \"line-tables-only\"", "debug = false", 1)
    )
}

struct Place {
    number: u32,
    file: String,
    start: usize,
    end: usize,
}

/// A file, and bytes of it.
type Bytes = (String, usize, usize);

/// The places of an error: the primary ones with what they are expanded from, then all others.
fn spans(message: &Value) -> [Vec<Bytes>; 2] {
    let mut sorted = [Vec::new(), Vec::new()];
    for span in message["spans"].as_array().into_iter().flatten() {
        let kind = usize::from(span["is_primary"] != true);
        let mut span = span;
        while !span.is_null() {
            let at = |key: &str| span[key].as_u64().unwrap_or_default() as usize;
            let file = span["file_name"].as_str().unwrap_or_default().to_owned();
            sorted[kind].push((file, at("byte_start"), at("byte_end")));
            span = &span["expansion"]["span"];
        }
    }
    sorted
}

/// The faults at the places of an error: the innermost one around it, those inside of it, or the
/// nearest one of the file.
fn blame(spans: &[Vec<Bytes>; 2], places: &[Place]) -> Vec<u32> {
    for (file, start, end) in spans.iter().flatten() {
        let of_file = || places.iter().filter(|place| place.file == *file);
        let around = of_file().filter(|place| place.start <= *start && *end <= place.end + 1);
        if let Some(place) = around.min_by_key(|place| place.end - place.start) {
            return vec![place.number];
        }
        let inside = of_file().filter(|place| *start <= place.start && place.end <= *end);
        let inside: Vec<u32> = inside.map(|place| place.number).collect();
        if !inside.is_empty() {
            return inside;
        }
    }
    let nearest = |(file, start, _): &Bytes| {
        let of_file = places.iter().filter(|place| place.file == *file);
        of_file
            .min_by_key(|place| place.start.abs_diff(*start))
            .map(|place| place.number)
    };
    spans
        .iter()
        .flatten()
        .find_map(nearest)
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_copies_had_goes() {
        let folder = std::env::temp_dir().join(format!("wassay-mutate-{}", std::process::id()));
        let paths = [
            "kept.rs",
            "tests/kept.rs",
            "tests/old.rs",
            "old/a.rs",
            "target/built",
        ];
        let paths = paths.map(|path| folder.join(path));
        for path in &paths {
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "").expect("written");
        }
        let files = BTreeSet::from([paths[0].clone(), paths[1].clone()]);
        remove_others(&folder, &folder.join("target"), &files).expect("removed");
        let is_there = paths.map(|path| path.exists());
        fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(is_there, [true, true, false, false, true]);
    }

    #[test]
    fn an_error_is_blamed_on_the_innermost_fault() {
        let place = |number, start, end| Place {
            number,
            file: "a.rs".to_owned(),
            start,
            end,
        };
        let places = [place(1, 10, 100), place(2, 20, 30), place(3, 200, 210)];
        let blamed = |start, end| blame(&[vec![("a.rs".to_owned(), start, end)], vec![]], &places);
        assert_eq!(blamed(22, 25), [2]);
        assert_eq!(blamed(40, 45), [1]);
        assert_eq!(blamed(190, 220), [3]);
        assert_eq!(blamed(500, 501), [3]);
    }
}
