//! `wassay list`: the chosen files, their proposals, features and numbers of directives, or the
//! directives themselves.

use std::fmt::Write as _;

use serde::Serialize;

use super::stdout::print;
use crate::cli::{ListArgs, ListFormat};
use crate::error::{Exit, InputError};
use crate::measure::jobs_by_default;
use crate::present::grid::Grid;
use crate::script::Kind;
use crate::suite::select::{Chosen, ChosenFile, Selection};

/// A list as JSON.
#[derive(Serialize)]
struct List<'a> {
    suite: &'a str,
    suite_revision: &'a str,
    files: Vec<ListedFile<'a>>,
}

#[derive(Serialize)]
struct ListedFile<'a> {
    path: &'a str,
    proposal: &'static str,
    features: String,
    directives: Vec<ListedDirective>,
}

#[derive(Serialize)]
struct ListedDirective {
    id: String,
    line: u32,
    kind: Kind,
}

/// Answers `wassay list`.
///
/// # Errors
/// If the suite cannot be loaded.
pub fn command(args: &ListArgs) -> Result<Exit, InputError> {
    let selection = args.selection.clone().resolve()?;
    let chosen = selection.load(jobs_by_default())?;
    let text = match args.format {
        ListFormat::Table => table(&chosen),
        ListFormat::Terse => terse(&chosen, &selection),
        ListFormat::Json => json(&chosen, &selection)?,
    };
    print(&text)?;
    match chosen.files.is_empty() {
        true => Ok(Exit::NotMeasured),
        false => Ok(Exit::AsExpected),
    }
}

fn table(chosen: &Chosen) -> String {
    let mut grid = Grid::new(3);
    let mut total = 0;
    for file in &chosen.files {
        let directives = file.script.directives;
        total += directives;
        grid.row([
            file.heading.key().to_string(),
            file.features.set.to_string(),
            file.script.path.clone(),
            directives.to_string(),
        ]);
    }
    let files = chosen.files.len();
    format!("{grid}{total} directives in {files} files\n")
}

/// The directives of a file that are judged.
fn directives(file: &ChosenFile, selection: &Selection) -> Vec<ListedDirective> {
    let script = file.script.unpack();
    let is_judged = |ordinal: &u32, kind| {
        selection.judges(kind) && file.skipped.binary_search(ordinal).is_err()
    };
    let judged = script
        .directives
        .iter()
        .filter(|it| is_judged(&it.ordinal, it.kind));
    let listed = judged.map(|it| ListedDirective {
        id: it.id.clone(),
        line: it.line,
        kind: it.kind,
    });
    listed.collect()
}

fn terse(chosen: &Chosen, selection: &Selection) -> String {
    let mut out = String::new();
    for directive in chosen
        .files
        .iter()
        .flat_map(|file| directives(file, selection))
    {
        writeln!(out, "{}", directive.id).expect("a string takes everything");
    }
    out
}

fn listed<'a>(file: &'a ChosenFile, selection: &Selection) -> ListedFile<'a> {
    ListedFile {
        path: &file.script.path,
        proposal: file.heading.key(),
        features: file.features.set.to_string(),
        directives: directives(file, selection),
    }
}

fn json(chosen: &Chosen, selection: &Selection) -> Result<String, InputError> {
    let files = chosen.files.iter();
    let list = List {
        suite: &chosen.suite,
        suite_revision: &chosen.revision,
        files: files.map(|file| listed(file, selection)).collect(),
    };
    let text = serde_json::to_string_pretty(&list);
    let text = text.map_err(|error| InputError::usage(error.to_string()))?;
    Ok(text + "\n")
}
