//! The table of engines: `engines.toml`, the shipped one and a user's own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::process::{Adapter, AdapterCommand, EngineInfo};
use crate::engine::{EngineName, NotAName};
use crate::error::{InputError, line_at};
use crate::input::read_text;
use crate::pool::launch::emulator;
use crate::pool::{Launcher, Session, StartError, Unavailable};

/// The shipped table, below a folder above the program.
const SHIPPED: &str = "harness/engines/engines.toml";
/// The word of a command that stands for the emulator of ARM64 programs.
const EMULATOR: &str = "{emulator}";

/// What an engine claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Claim {
    /// An interpreter.
    Interpreter,
    /// A compiler that translates quickly.
    Baseline,
    /// A compiler that optimises.
    Optimising,
}

impl Claim {
    /// The claim's word.
    pub fn name(self) -> &'static str {
        match self {
            Claim::Interpreter => "interpreter",
            Claim::Baseline => "baseline",
            Claim::Optimising => "optimising",
        }
    }

    /// The claim as a noun.
    pub fn noun(self) -> &'static str {
        match self {
            Claim::Interpreter => "an interpreter",
            Claim::Baseline => "a baseline compiler",
            Claim::Optimising => "an optimising compiler",
        }
    }
}

/// A row: an engine and how it is run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    name: String,
    command: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    claim: Claim,
    #[serde(default)]
    lacks: Vec<String>,
    expectations: Option<String>,
    #[serde(default)]
    setup: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTable {
    #[serde(default)]
    engine: Vec<toml::Spanned<RawRow>>,
}

/// A row of a table of engines.
#[derive(Clone, Debug)]
pub struct EngineRow {
    /// The engine's name.
    pub name: EngineName,
    /// Its adapter.
    pub command: AdapterCommand,
    /// What it claims to be.
    pub claim: Claim,
    /// Proposals that it does not claim, by the names of reports.
    pub lacks: Vec<String>,
    /// The file of its expected failures.
    pub expectations: Option<PathBuf>,
    /// How to get it, in a line; empty if nothing is to be done.
    pub setup: String,
    /// What the first process of the run said of its engine; copies of the row share it.
    said: Arc<OnceLock<EngineInfo>>,
}

impl EngineRow {
    /// The engine and its version, if a process of it was started.
    pub fn info(&self) -> Option<&EngineInfo> {
        self.said.get()
    }
}

impl Launcher for EngineRow {
    /// A process that names another engine or version than the first one is not taken: one column
    /// is one engine.
    fn start(&self) -> Result<Box<dyn Session>, StartError> {
        let (adapter, info) = Adapter::start(&self.command)?;
        let first = self.said.get_or_init(|| info.clone());
        if *first == info {
            return Ok(Box::new(adapter));
        }
        let name = |info: &EngineInfo| format!("{} {}", info.engine, info.version);
        let (was, is) = (name(first), name(&info));
        let reason = format!("the engine was {was} when the run began, and is {is} now");
        Err(Unavailable::new(reason).into())
    }

    fn declines(&self, proposal: &str) -> Option<String> {
        let lacks = self.lacks.iter().any(|lack| lack == proposal);
        lacks.then(|| format!("{} does not claim {proposal}", self.name))
    }
}

/// All engines that are known beside our own tiers, by name.
#[derive(Clone, Debug, Default)]
pub struct EngineTable {
    rows: BTreeMap<EngineName, EngineRow>,
    /// The folder of the shipped table.
    folder: PathBuf,
    /// The files that were read.
    files: Vec<PathBuf>,
}

impl EngineTable {
    /// The shipped table, if it is found above this program, and then the user's own ones, whose
    /// rows replace those of the same name.
    ///
    /// # Errors
    /// If a table cannot be read.
    pub fn load(program: &Path, own: &[PathBuf]) -> Result<EngineTable, InputError> {
        let mut table = EngineTable::default();
        let above = program
            .ancestors()
            .skip(1)
            .map(|folder| folder.join(SHIPPED));
        let shipped = above.into_iter().find(|path| path.is_file());
        let file = shipped.as_deref().unwrap_or(Path::new(SHIPPED));
        table.folder = folder_of(file).to_path_buf();
        for path in shipped.iter().chain(own) {
            let text = read_text(path)?;
            table.add(path, &text)?;
            table.files.push(path.clone());
        }
        Ok(table)
    }

    fn add(&mut self, path: &Path, text: &str) -> Result<(), InputError> {
        let raw: RawTable =
            toml::from_str(text).map_err(|error| InputError::in_toml(path, text, &error))?;
        let folder = folder_of(path);
        for row in raw.engine {
            let line = line_at(text, row.span().start);
            let wrong = |message: String| InputError::at_line(path, line, message);
            let row = row.into_inner();
            let name = row.name.parse();
            let name: EngineName = name.map_err(|error: NotAName| wrong(error.to_string()))?;
            if name.tier().is_some() {
                return Err(wrong(format!("`{name}` is a tier of our own")));
            }
            if row.command.is_empty() {
                return Err(wrong(format!("`{name}` has an empty command")));
            }
            let words = row.command.iter().flat_map(|word| match word.as_str() {
                EMULATOR => emulator(),
                word => vec![OsString::from(with_folder(word, folder))],
            });
            let env = row.env.into_iter();
            let row = EngineRow {
                name,
                command: AdapterCommand {
                    words: words.collect(),
                    env: env
                        .map(|(key, value)| (key, with_folder(&value, folder)))
                        .collect(),
                },
                claim: row.claim,
                lacks: row.lacks,
                expectations: row.expectations.map(|file| folder.join(file)),
                setup: row.setup,
                said: Arc::default(),
            };
            self.rows.insert(name, row);
        }
        Ok(())
    }

    /// The counting plugin of the emulator, where `scripts/engines prove` puts it.
    pub fn plugin(&self) -> PathBuf {
        self.folder.join("installed/libcount.so")
    }

    /// The rows, by name.
    pub fn rows(&self) -> impl Iterator<Item = &EngineRow> {
        self.rows.values()
    }

    /// The files that the rows come from.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The row of an engine.
    pub fn get(&self, name: EngineName) -> Option<&EngineRow> {
        self.rows.get(&name)
    }

    /// Checks that an engine is a tier of our own or has a row.
    ///
    /// # Errors
    /// If it is neither.
    pub fn check(&self, name: EngineName) -> Result<(), InputError> {
        if name.tier().is_some() || self.rows.contains_key(&name) {
            return Ok(());
        }
        let known: Vec<&str> = EngineName::own()
            .chain(self.rows.keys().copied())
            .map(EngineName::name)
            .collect();
        let known = known.join(", ");
        Err(InputError::usage(format!(
            "unknown engine `{name}` (known: {known})"
        )))
    }
}

/// The folder of a file; that of a bare name is the current one.
fn folder_of(file: &Path) -> &Path {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A word of a command, with `{dir}` replaced by the folder of its table.
fn with_folder(word: &str, folder: &Path) -> String {
    word.replace("{dir}", &folder.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_faults_have_lines() {
        let path = Path::new("/x/engines.toml");
        let mut table = EngineTable::default();
        let row = "[[engine]]\nname = \"e\"\n\
            command = [\"node\", \"{dir}/a.mjs\"]\nclaim = \"baseline\"\n";
        table.add(path, row).expect("a table");
        let name: EngineName = "e".parse().expect("a name");
        let read = table.get(name).expect("there");
        assert_eq!(read.command.words, ["node", "/x/a.mjs"]);
        let mut here = EngineTable::default();
        here.add(Path::new("engines.toml"), row).expect("a table");
        let words = &here.get(name).expect("there").command.words;
        assert_eq!(*words, ["node", "./a.mjs"]);
        let emulated = row.replace("[\"node\"", "[\"{emulator}\", \"node\"");
        table.add(path, &emulated).expect("a table");
        let words = &table.get(name).expect("there").command.words;
        assert_eq!(words[..words.len() - 2], emulator());
        assert_eq!(words[words.len() - 2..], ["node", "/x/a.mjs"]);
        assert!(table.check(name).is_ok() && table.check(EngineName::JIT).is_ok());
        let unknown = table
            .check("f".parse().expect("a name"))
            .expect_err("unknown");
        assert!(unknown.to_string().contains("tiered-2, e)"), "{unknown}");
        for (text, part) in [
            (row.replace("baseline", "fast"), "engines.toml:4: "),
            (
                row.replace("[\"node\", \"{dir}/a.mjs\"]", "[]"),
                "an empty command",
            ),
            (row.replace("\"e\"", "\"jit\""), "a tier of our own"),
            (row.replace("\"e\"", "\"e/\""), "not the name of an engine"),
            (format!("{row}other = 1\n"), "unknown field"),
        ] {
            let error = EngineTable::default()
                .add(path, &text)
                .expect_err("refused");
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
