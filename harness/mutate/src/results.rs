//! The results of all faults so far, a line each, kept as they come, and their summary.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::area::{AREAS, Area, area_of};
use crate::coverage;
use crate::known::Known;
use crate::process::{Sign, Verdict};
use crate::site::{Change, Kind, Site};
use crate::stage::{Stage, StageResult};

/// A fault and what the stages made of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The fault.
    pub site: Site,
    /// The draw that it came with first.
    #[serde(default = "first_seed")]
    pub seed: u64,
    /// The number of the files that reach it.
    pub files: usize,
    /// The stages that ran.
    pub stages: Vec<StageResult>,
    /// The files that reach it and did not catch it, as they are.
    #[serde(default)]
    pub clean: Vec<coverage::File>,
}

fn first_seed() -> u64 {
    1
}

impl Record {
    /// True if the record is of that fault, at that line.
    pub fn is_of(&self, site: &Site) -> bool {
        self.key() == (&site.file, site.line, site.column, site.kind, &site.change)
    }

    fn key(&self) -> (&String, usize, usize, Kind, &Change) {
        let Site {
            file,
            line,
            column,
            kind,
            change,
            ..
        } = &self.site;
        (file, *line, *column, *kind, change)
    }

    /// The first stage that caught the fault, and its sign.
    pub fn caught(&self) -> Option<(Stage, Sign)> {
        self.stages.iter().find_map(|result| match &result.verdict {
            Verdict::Caught { sign, .. } => Some((result.stage, *sign)),
            Verdict::Clean => None,
        })
    }

    /// True if the verdict names the tier of the place and no other one.
    pub fn is_named_right(&self) -> bool {
        let named = self.stages.iter().find_map(|result| match &result.verdict {
            Verdict::Caught { named, .. } => Some(named),
            Verdict::Clean => None,
        });
        let Some(named) = named else { return false };
        let own = ["stack", "register", "jit"];
        let own: BTreeSet<&str> = named
            .iter()
            .map(String::as_str)
            .filter(|n| own.contains(n))
            .collect();
        let is_mixed = own.is_empty() && !named.is_empty();
        match area(&self.site).tier {
            // The interpreter and the JIT are what is mixed.
            Some(tier) if is_mixed => tier != "stack",
            Some(tier) => own.len() == 1 && own.contains(tier),
            None => !named.is_empty(),
        }
    }
}

/// The area of a fault.
pub fn area(site: &Site) -> &'static Area {
    let path = site.file.strip_prefix("runtime/src/").unwrap_or(&site.file);
    area_of(path).unwrap_or(&AREAS[AREAS.len() - 1])
}

/// The file of the records.
pub struct Log(Mutex<File>);

impl Log {
    /// Opens it, and reads the records that are there. A line that was not written whole is
    /// dropped.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<(Self, Vec<Record>), String> {
        let text = fs::read_to_string(path).unwrap_or_default();
        let mut latest: Vec<Record> = Vec::new();
        for line in text.lines() {
            if let Ok(record) = serde_json::from_str::<Record>(line) {
                latest.retain(|older| !older.is_of(&record.site));
                latest.push(record);
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((Self(Mutex::new(file)), latest))
    }

    /// Adds a record.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&self, record: &Record) -> Result<(), String> {
        let mut line = serde_json::to_string(record).map_err(|error| error.to_string())?;
        line.push('\n');
        let mut file = self.0.lock().expect("no thread panics with it");
        file.write_all(line.as_bytes())
            .map_err(|error| error.to_string())
    }
}

/// A row of a table.
#[derive(Default)]
struct Row {
    drawn: usize,
    equivalent: usize,
    by_stage: BTreeMap<Stage, usize>,
    caught: usize,
    named: usize,
    alive: usize,
}

impl Row {
    fn add(&mut self, record: &Record, known: &Known) {
        self.drawn += 1;
        match record.caught() {
            Some((stage, _)) => {
                self.caught += 1;
                *self.by_stage.entry(stage).or_insert(0) += 1;
                self.named += usize::from(record.is_named_right());
            }
            None if known.equivalent(&record.site).is_some() => self.equivalent += 1,
            None => self.alive += 1,
        }
    }

    fn line(&self, name: &str, stages: &[Stage]) -> String {
        let mut line = format!("| {name} | {} | {} |", self.drawn, self.equivalent);
        for stage in stages {
            let _ = write!(line, " {} |", self.by_stage.get(stage).unwrap_or(&0));
        }
        let share = percent(self.caught, self.caught + self.alive);
        let named = percent(self.named, self.caught);
        let _ = writeln!(line, " {} | {share} | {named} |", self.alive);
        line
    }
}

fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    format!("{:.1} %", part as f64 * 100.0 / whole as f64)
}

/// The report as Markdown.
pub fn report(records: &[Record], known: &Known, places: usize, head: &str) -> String {
    let mut out = String::from("# Planted faults\n\n");
    let _ = writeln!(
        out,
        "Written by `scripts/mutate`; do not edit. {head}\n\n\
         Of {places} faults that the operators find in the runtime, {} were drawn and compiled. \
         Each ran through the stages until one caught it; a column counts the faults that its \
         stage was the first to catch. *Equivalent* faults were not caught and change no result \
         (`harness/mutate/known.toml` says why); the share is that of all others. *Named* is the \
         share of the caught ones whose verdict names the tier of the place and no other tier. \
         A stage that is missing here has not been run.\n",
        records.len()
    );
    let has_run = |stage: &Stage| {
        let mut results = records.iter().flat_map(|record| &record.stages);
        results.any(|result| result.stage == *stage)
    };
    let stages: Vec<Stage> = Stage::ALL.into_iter().filter(has_run).collect();
    let names: Vec<&str> = stages.iter().map(|stage| stage.name()).collect();
    let columns = format!(
        "drawn | equivalent | {} | alive | caught | named |",
        names.join(" | ")
    );
    let rule = "|---".repeat(6 + stages.len()) + "|";
    let _ = writeln!(out, "| area | {columns}\n{rule}");
    let mut total = Row::default();
    for of in AREAS {
        let mut row = Row::default();
        for record in records
            .iter()
            .filter(|record| area(&record.site).name == of.name)
        {
            row.add(record, known);
            total.add(record, known);
        }
        out.push_str(&row.line(of.name, &stages));
    }
    out.push_str(&total.line("**all**", &stages));
    let _ = writeln!(out, "\n| kind | {columns}\n{rule}");
    let mut by_kind: BTreeMap<Kind, Row> = BTreeMap::new();
    for record in records {
        by_kind
            .entry(record.site.kind)
            .or_default()
            .add(record, known);
    }
    for (kind, row) in &by_kind {
        out.push_str(&row.line(kind.name(), &stages));
    }
    let _ = writeln!(out, "\n| draw | {columns}\n{rule}");
    let mut by_seed: BTreeMap<u64, Row> = BTreeMap::new();
    for record in records {
        by_seed.entry(record.seed).or_default().add(record, known);
    }
    for (seed, row) in &by_seed {
        out.push_str(&row.line(&format!("`--seed {seed}`"), &stages));
    }
    signs(&mut out, records);
    listed(&mut out, records, known);
    out
}

/// How the caught ones were caught.
fn signs(out: &mut String, records: &[Record]) {
    let mut by_sign: BTreeMap<Sign, usize> = BTreeMap::new();
    for (_, sign) in records.iter().filter_map(Record::caught) {
        *by_sign.entry(sign).or_insert(0) += 1;
    }
    out.push_str("\nSigns by which faults were caught:");
    for (sign, count) in by_sign {
        let _ = write!(out, " {} {count};", sign.name());
    }
    out.push('\n');
}

/// Survivors, equivalent ones, and those whose verdict names another tier.
fn listed(out: &mut String, records: &[Record], known: &Known) {
    let alive = || records.iter().filter(|record| record.caught().is_none());
    out.push_str("\n## Survivors\n\n");
    for record in alive().filter(|record| known.equivalent(&record.site).is_none()) {
        let reached = match record.files {
            0 => "no file of the suites reaches it".to_owned(),
            files => format!("{files} files reach it"),
        };
        let through: Vec<&str> = record
            .stages
            .iter()
            .map(|result| result.stage.name())
            .collect();
        let through = through.join(", ");
        let needs = known.survivor(&record.site).unwrap_or("not looked at yet");
        let _ = writeln!(
            out,
            "- {}; {reached}; through {through}. {needs}",
            described(&record.site)
        );
    }
    out.push_str("\n## Equivalent\n\n");
    for record in alive() {
        if let Some(reason) = known.equivalent(&record.site) {
            let _ = writeln!(out, "- {}. {reason}", described(&record.site));
        }
    }
    out.push_str("\n## Caught, but another tier or none is named\n\n");
    for record in records.iter().filter(|record| record.caught().is_some()) {
        if let (Some((stage, sign)), false) = (record.caught(), record.is_named_right()) {
            let how = format!("{} by {}", sign.name(), stage.name());
            let _ = writeln!(out, "- {}; {how}", described(&record.site));
        }
    }
}

fn described(site: &Site) -> String {
    let cut = |text: String| match text.char_indices().nth(90) {
        Some((at, _)) => format!("{} ..", &text[..at]),
        None => text,
    };
    let place = format!("{}:{}:{}", site.file, site.line, site.column);
    let change = format!(
        "`{}` → `{}`",
        cut(site.original.clone()),
        cut(site.replacement())
    );
    format!("`{place}` `{}` {}: {change}", site.item, site.kind.name())
}
