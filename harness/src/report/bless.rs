//! A file of expectations, brought up to date with a report.
//!
//! An entry changes only where the run covered all that it is for: its columns, and its files as a
//! whole. Of columns that did not run it keeps what it says. An entry that excuses nothing any more
//! goes, a count becomes what was found, an entry whose columns differ is divided; failures that no
//! entry expects get new ones at the end. Comments and order stay.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use super::Report;
use crate::engine::EngineName;
use crate::error::InputError;
use crate::judge::expectations::{Entry, Expectations};
use crate::judge::verdict::Status;
use crate::protocol::configuration::PLAIN;

/// The most bytes of a failure's detail that a new entry takes over.
const DETAIL_BYTES_MAX: usize = 60;

/// How a file is brought up to date.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// The engine of another maker whose file it is; `None` for a file of all engines.
    pub engine: Option<EngineName>,
    /// The reason of new entries.
    pub reason: Option<String>,
    /// The link of new entries.
    pub link: Option<String>,
}

/// A file that was brought up to date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blessed {
    /// The text.
    pub text: String,
    /// What changed, each in a line.
    pub changes: Vec<String>,
    /// The failures of new entries, which need a reason.
    pub added: usize,
}

/// A failure of a report.
struct Failure<'a> {
    column: EngineName,
    file: &'a str,
    id: &'a str,
    detail: &'a str,
    is_excused: bool,
}

/// Columns of an entry with the same number of failures.
struct Share {
    engines: BTreeSet<EngineName>,
    configurations: Option<BTreeSet<String>>,
    count: usize,
}

/// A run, and the files that it has of each column as a whole.
struct Ran<'a> {
    report: &'a Report,
    /// The headings of files, by path.
    files: BTreeMap<&'a str, &'a str>,
    columns: Vec<EngineName>,
    is_whole_suite: bool,
}

/// Brings the text of a file up to date.
///
/// # Errors
/// If the file is malformed, or the run says too little.
pub fn bless(
    path: &Path,
    text: &str,
    report: &Report,
    wishes: &Wishes,
) -> Result<Blessed, InputError> {
    let ran = Ran::new(report, wishes.engine)?;
    let expectations = match wishes.engine {
        Some(name) => Expectations::parse(path, text)?.for_engine(path, name)?,
        None => Expectations::parse(path, text)?,
    };
    let document: Result<DocumentMut, _> = text.parse();
    let mut document = document.map_err(|error| InputError::at(path, error.to_string()))?;
    let entries = expectations.entries();
    let mut found: Vec<BTreeMap<EngineName, usize>> = vec![BTreeMap::new(); entries.len()];
    let mut unexpected = Vec::new();
    for failure in ran.failures() {
        let proposal = ran.files.get(failure.file).copied().unwrap_or_default();
        let by = entries.iter().position(|entry| {
            entry.covers_file(failure.file, proposal)
                && entry.expects_failure(failure.column, failure.id, failure.detail)
        });
        match by {
            Some(index) => *found[index].entry(failure.column).or_default() += 1,
            // What is excused is another file's.
            None if failure.is_excused => {}
            None => unexpected.push(failure),
        }
    }
    let mut blessed = Blessed::default();
    let tables = taken(&mut document);
    let mut all = ArrayOfTables::new();
    let mut heads = Heads::default();
    if tables.is_empty() {
        // A file of comments only: they stay above the first entry.
        heads.0 = document.trailing().as_str().unwrap_or_default().to_string();
        document.set_trailing("");
    }
    for ((entry, table), found) in entries.iter().zip(tables).zip(&found) {
        let was = table.clone();
        let tables = ran.updated(entry, table, found, &mut blessed.changes);
        if tables.is_empty() {
            heads.keep(&was);
        }
        for (index, mut table) in tables.into_iter().enumerate() {
            match index {
                0 => heads.give(&mut table),
                _ => table.decor_mut().set_prefix("\n"),
            }
            all.push(table);
        }
    }
    for mut table in new_entries(&ran, &unexpected, wishes, &mut blessed.changes) {
        heads.give(&mut table);
        all.push(table);
    }
    blessed.added = unexpected.len();
    blessed.text = match blessed.changes.is_empty() {
        true => text.to_string(),
        false => {
            in_order(&mut all);
            document.insert("expect", Item::ArrayOfTables(all));
            document.to_string() + &heads.0
        }
    };
    Ok(blessed)
}

/// Takes the entries out of a document.
fn taken(document: &mut DocumentMut) -> Vec<Table> {
    let tables = document.remove("expect").map(Item::into_array_of_tables);
    match tables {
        Some(Ok(tables)) => tables.into_iter().collect(),
        Some(Err(_)) | None => Vec::new(),
    }
}

/// The comments above entries that are gone, but for the last paragraph, which is of the entry.
#[derive(Default)]
struct Heads(String);

impl Heads {
    fn keep(&mut self, gone: &Table) {
        let prefix = prefix_of(gone);
        if let Some((head, _)) = prefix.rsplit_once("\n\n") {
            self.0.push_str(head);
            self.0.push('\n');
        }
    }

    fn give(&mut self, table: &mut Table) {
        if !self.0.is_empty() {
            let prefix = std::mem::take(&mut self.0) + &prefix_of(table);
            table.decor_mut().set_prefix(prefix);
        }
    }
}

/// What stands above a table.
fn prefix_of(table: &Table) -> String {
    let prefix = table.decor().prefix().and_then(|it| it.as_str());
    prefix.unwrap_or_default().to_string()
}

impl<'a> Ran<'a> {
    fn new(report: &'a Report, engine: Option<EngineName>) -> Result<Ran<'a>, InputError> {
        let refuse = |why: &str| {
            Err(InputError::usage(format!(
                "the report says too little: {why}"
            )))
        };
        let run = &report.run;
        if run.interrupted || !report.accounting.closed {
            return refuse("its run did not come to its end");
        }
        let selection = run.selection.as_deref().unwrap_or_default();
        if selection.contains("--directive ") || selection.contains("--rerun ") {
            return refuse("its run took files up to a directive only");
        }
        let available = report.tiers.iter().filter(|(_, tier)| tier.available);
        let columns = available.map(|(&column, _)| column);
        let is_of = |column: &EngineName| engine.is_none_or(|engine| column.engine() == engine);
        let columns: Vec<EngineName> = columns.filter(is_of).collect();
        if columns.is_empty() {
            return refuse("no engine that is meant ran");
        }
        let files = report.files.iter();
        let files = files.map(|it| (it.path.as_str(), it.proposal.as_deref().unwrap_or_default()));
        let is_suite = run.paths().is_empty() || run.folder.is_some();
        Ok(Ran {
            report,
            files: files.collect(),
            columns,
            is_whole_suite: run.selection.is_none() && is_suite,
        })
    }

    /// The failures of the columns, expected ones among them.
    fn failures(&self) -> impl Iterator<Item = Failure<'a>> {
        let of_directive = |directive: &'a super::DirectiveAccount| {
            let failed = directive.tiers.iter().filter(|(column, verdict)| {
                let is_failure = match verdict.status {
                    Status::Fail | Status::Crash | Status::Timeout | Status::Xfail => true,
                    Status::Pass
                    | Status::Xpass
                    | Status::Skip
                    | Status::NotRun
                    | Status::Blocked
                    | Status::Compared => false,
                };
                is_failure && self.columns.contains(column)
            });
            failed.map(|(&column, verdict)| Failure {
                column,
                file: &directive.file,
                id: &directive.id,
                detail: &verdict.detail,
                is_excused: verdict.status == Status::Xfail,
            })
        };
        self.report.directives.iter().flat_map(of_directive)
    }

    /// The columns in which the run has all that an entry is for.
    fn covered(&self, entry: &Entry) -> Vec<EngineName> {
        let knows_proposals = self.files.values().all(|proposal| !proposal.is_empty());
        let is_known = entry.is_narrow()
            || self.is_whole_suite && (knows_proposals || !entry.is_of_proposal());
        if !is_known {
            return Vec::new();
        }
        let files = self.report.files.iter().filter(|file| {
            let proposal = file.proposal.as_deref().unwrap_or_default();
            entry.covers_file(&file.path, proposal)
        });
        let files: Vec<&super::FileAccount> = files.collect();
        let is_whole = |column: &EngineName| {
            let whole = files.iter().all(|file| {
                let counts = file.counts.get(column);
                counts.is_some_and(|it| it.skip + it.not_run + it.blocked == 0)
            });
            whole && !files.is_empty() && entry.is_for(*column)
        };
        self.columns.iter().copied().filter(is_whole).collect()
    }

    /// What becomes of an entry's table: itself, none, or several.
    fn updated(
        &self,
        entry: &Entry,
        table: Table,
        found: &BTreeMap<EngineName, usize>,
        changes: &mut Vec<String>,
    ) -> Vec<Table> {
        let covered = self.covered(entry);
        let number = |column: &EngineName| found.get(column).copied().unwrap_or(0);
        let is_right = |column: &EngineName| match entry.count() {
            Some(count) => number(column) == count,
            None => number(column) > 0,
        };
        if covered.iter().all(is_right) {
            return vec![table];
        }
        for column in covered.iter().filter(|column| !is_right(column)) {
            let what = match (number(column), entry.count()) {
                (0, _) => format!("excuses nothing in {column} any more"),
                (count, Some(was)) => format!("is for {count} failures in {column}, not {was}"),
                (_, None) => continue,
            };
            changes.push(entry.to_line(&what));
        }
        let shares = shares(entry, &covered, number);
        let is_one = shares.len() == 1;
        let share_table = |share: Share| {
            let mut table = table.clone();
            if !is_one || share.engines != *entry.engines() {
                name_engines(&mut table, &share.engines);
            }
            if share.configurations.as_ref() != entry.configurations() {
                name_configurations(&mut table, share.configurations.as_ref());
            }
            if entry.count().is_some() {
                set(&mut table, "count", share.count as i64);
            }
            table
        };
        shares.into_iter().map(share_table).collect()
    }
}

/// The parts of an entry: the columns that ran by their numbers of failures, without those that
/// have none, and what did not run as it was.
fn shares(
    entry: &Entry,
    covered: &[EngineName],
    number: impl Fn(&EngineName) -> usize,
) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    let mut add = |engine: EngineName, configurations: Option<BTreeSet<String>>, count: usize| {
        let same = |it: &&mut Share| it.count == count && it.configurations == configurations;
        match shares.iter_mut().find(same) {
            Some(share) => drop(share.engines.insert(engine)),
            None => shares.push(Share {
                engines: BTreeSet::from([engine]),
                configurations,
                count,
            }),
        }
    };
    for &engine in entry.engines() {
        let columns = covered.iter().filter(|column| column.engine() == engine);
        let mut by_number: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for column in columns {
            let count = match entry.count() {
                Some(_) => number(column),
                None => number(column).min(1),
            };
            let name = column.configuration().unwrap_or(PLAIN);
            by_number.entry(count).or_default().insert(name.to_string());
        }
        let ran: BTreeSet<String> = by_number.values().flatten().cloned().collect();
        let left = entry.configurations().map(|names| &names.clone() - &ran);
        let is_even = by_number.len() == 1;
        for (count, names) in by_number.iter().filter(|(count, _)| **count > 0) {
            // What is the same in all that ran is so in all.
            let names = match (is_even, entry.configurations()) {
                (true, None) => None,
                (true, Some(_)) | (false, _) => Some(names.clone()),
            };
            add(engine, names, *count);
        }
        let was = entry.count().unwrap_or(1);
        match left {
            Some(left) if !left.is_empty() => add(engine, Some(left), was),
            None if ran.is_empty() => add(engine, None, was),
            Some(_) | None => {}
        }
    }
    shares
}

/// Entries for failures that none expects: one for each file, detail and number of failures.
fn new_entries(
    ran: &Ran<'_>,
    unexpected: &[Failure<'_>],
    wishes: &Wishes,
    changes: &mut Vec<String>,
) -> Vec<Table> {
    // The file, the detail, and the id where nothing else tells.
    type Key<'a> = (&'a str, &'a str, Option<&'a str>);
    let mut failures: BTreeMap<Key<'_>, BTreeMap<EngineName, usize>> = BTreeMap::new();
    for failure in unexpected {
        let detail = beginning(failure.detail);
        let id = detail.is_empty().then_some(failure.id);
        let columns = failures.entry((failure.file, detail, id)).or_default();
        *columns.entry(failure.column).or_default() += 1;
    }
    let mut tables = Vec::new();
    for ((file, detail, id), columns) in failures {
        let mut by_number: BTreeMap<usize, BTreeMap<EngineName, BTreeSet<String>>> =
            BTreeMap::new();
        for (column, count) in columns {
            let engines = by_number.entry(count).or_default();
            let name = column.configuration().unwrap_or(PLAIN).to_string();
            engines.entry(column.engine()).or_default().insert(name);
        }
        for (count, engines) in by_number {
            for share in alike(ran, engines, count) {
                let names: Vec<&str> = share.engines.iter().map(|it| it.name()).collect();
                let names = names.join(", ");
                let place = id.unwrap_or(file);
                changes.push(format!(
                    "new: {place}: `{detail}` is expected {count} times in {names}"
                ));
                tables.push(new_entry((file, detail, id), &share, wishes));
            }
        }
    }
    tables
}

/// Engines whose configurations are alike together; all that ran are named by none.
fn alike(
    ran: &Ran<'_>,
    engines: BTreeMap<EngineName, BTreeSet<String>>,
    count: usize,
) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    for (engine, names) in engines {
        let all = ran
            .columns
            .iter()
            .filter(|column| column.engine() == engine);
        let configurations = (all.count() != names.len()).then_some(names);
        match shares
            .iter_mut()
            .find(|it| it.configurations == configurations)
        {
            Some(share) => drop(share.engines.insert(engine)),
            None => shares.push(Share {
                engines: BTreeSet::from([engine]),
                configurations,
                count,
            }),
        }
    }
    shares
}

fn new_entry(
    (file, detail, id): (&str, &str, Option<&str>),
    share: &Share,
    wishes: &Wishes,
) -> Table {
    let mut table = Table::new();
    table.decor_mut().set_prefix("\n");
    match id {
        Some(id) => set(&mut table, "id", id),
        None => set(&mut table, "file", file),
    }
    if wishes.engine.is_none() && !share.engines.iter().copied().eq(EngineName::own()) {
        name_engines(&mut table, &share.engines);
    }
    name_configurations(&mut table, share.configurations.as_ref());
    set(&mut table, "detail", detail);
    if id.is_none() {
        set(&mut table, "count", share.count as i64);
    }
    set(
        &mut table,
        "reason",
        wishes.reason.as_deref().unwrap_or_default(),
    );
    if let Some(link) = &wishes.link {
        set(&mut table, "link", link.as_str());
    }
    table
}

/// The beginning of a detail, by which failures are told apart.
fn beginning(detail: &str) -> &str {
    let line = detail.lines().next().unwrap_or_default();
    let end = line.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = end.take_while(|end| *end <= DETAIL_BYTES_MAX).last();
    line[..end.unwrap_or(0)].trim_end()
}

/// Sets a key; the comment behind an old value stays.
fn set(table: &mut Table, key: &str, new: impl Into<toml_edit::Value>) {
    let mut new: toml_edit::Value = new.into();
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, value(new));
}

fn name_engines(table: &mut Table, engines: &BTreeSet<EngineName>) {
    let are_own = engines.iter().all(|engine| engine.tier().is_some());
    let (key, other) = match are_own {
        true => ("tiers", "engines"),
        false => ("engines", "tiers"),
    };
    table.remove(other);
    let names: Array = engines.iter().map(|engine| engine.name()).collect();
    set(table, key, names);
}

fn name_configurations(table: &mut Table, names: Option<&BTreeSet<String>>) {
    match names {
        Some(names) => {
            let names: Array = names.iter().map(String::as_str).collect();
            set(table, "configurations", names);
        }
        None => drop(table.remove("configurations")),
    }
}

/// Gives tables places in the file that are those of their order.
fn in_order(tables: &mut ArrayOfTables) {
    for (index, table) in tables.iter_mut().enumerate() {
        table.set_position(Some(index as isize));
    }
}

#[cfg(test)]
mod tests;
