//! `scripts/mutate`: plants faults in a copy of the runtime and counts those that the harness
//! catches. The order: find all places, draw by a seed, leave out what does not compile, build
//! once, see what reaches each fault, run each through the stages, report.

mod area;
mod coverage;
mod draw;
mod find;
mod known;
mod operators;
mod process;
mod results;
mod site;
mod source;
mod stage;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use area::{AREAS, area_of};
use coverage::{Coverage, Reached, each};
use known::Known;
use results::{Log, Record, area};
use site::{Place, Site};
use stage::{Bench, Stage, Subject, Suite};
use tree::Tree;

/// Plants faults in a copy of the runtime, and counts those that the harness catches
#[derive(Parser, Debug)]
#[command(name = "mutate")]
struct Options {
    /// The draw
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The faults that are drawn
    #[arg(long, default_value_t = 200)]
    count: usize,
    /// Only files whose path contains this (repeatable: any of them)
    #[arg(long, value_name = "PATH")]
    only: Vec<String>,
    /// A suite: `embedded` or a folder (repeatable)
    #[arg(long, value_name = "SUITE", default_values = SUITES)]
    suite: Vec<String>,
    /// The stages
    #[arg(long, value_delimiter = ',', default_values_t = Stage::ALL)]
    stages: Vec<Stage>,
    /// Run all stages for each fault, caught or not
    #[arg(long)]
    every_stage: bool,
    /// Options of `wassay fuzz`, which bound what a fault may cost
    #[arg(long, value_name = "OPTIONS", default_value = FUZZ, allow_hyphen_values = true)]
    fuzz: String,
    /// The seconds after which a run of `wassay fuzz` has hung
    #[arg(long, default_value_t = 240)]
    fuzz_seconds: u64,
    /// Faults that run at the same time
    #[arg(long, short, default_value_t = 2)]
    jobs: usize,
    /// Run faults again that were not caught, from the first stage on; also those of other draws
    #[arg(long)]
    again: bool,
    /// Go on with the faults of the last build, whatever the draw and the sources are now
    #[arg(long)]
    last: bool,
    /// Only list all places
    #[arg(long)]
    list: bool,
    /// Only write the report anew from the results so far
    #[arg(long)]
    report: bool,
    /// The project's folder
    #[arg(long, hide = true, default_value = ".")]
    root: PathBuf,
}

/// The embedded suite, and scripts of our own: those that are committed and those that a test
/// generates, which `scripts/mutate` writes there.
const SUITES: [&str; 3] = [
    "embedded",
    "testsuite/regressions",
    "target/mutate/regressions",
];

/// The programs that `scripts/test` runs, and as many more. One finding is enough, and stays as it
/// is.
const FUZZ: &str = "--seed 1 --count 3000 --max-findings 1 --reduce-time 1ms --jobs 1";

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("mutate: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let root = fs::canonicalize(&options.root).map_err(|error| error.to_string())?;
    let work = root.join("target/mutate");
    fs::create_dir_all(&work).map_err(|error| error.to_string())?;
    let tree = Tree::new(&root, work.join("tree"));
    let by_area = find_all(&tree, options)?;
    let all: Vec<Site> = by_area.values().flatten().cloned().collect();
    if options.list {
        for site in &all {
            let place = format!("{}:{}:{}", site.file, site.line, site.column);
            let kind = site.kind.name();
            println!(
                "{place} {} {kind} `{}` -> `{}`",
                site.item,
                site.original,
                site.replacement()
            );
        }
        return Ok(());
    }
    let known = fs::read_to_string(root.join("harness/mutate/known.toml")).unwrap_or_default();
    let known = Known::parse(&known)?;
    let places: BTreeSet<_> = all.iter().map(Site::text).collect();
    let (log, records) = Log::open(&work.join("results.jsonl"))?;
    if !options.report {
        let again = match options.again {
            true => survivors(&all, &records, &known),
            false => Vec::new(),
        };
        let drawn = Drawn::make(&tree, &work, (by_area, again), options)?;
        drawn.run(&tree, &log, &records, &known, &places, options)?;
    }
    let (_, records) = Log::open(&work.join("results.jsonl"))?;
    write_report(&root, &placed(&all, records), &known, &all, options)
}

/// The places of faults that were not caught, and are not known to be equivalent: of all places
/// with a fault's text, the one nearest to its line.
fn survivors(all: &[Site], records: &[Record], known: &Known) -> Vec<Site> {
    let alive = records.iter().filter(|record| record.caught().is_none());
    let alive = alive.filter(|record| known.equivalent(&record.site).is_none());
    alive
        .filter_map(|record| place_now(all, &record.site).cloned())
        .collect()
}

/// The place that a fault has in the sources as they are: of all with its text, the one nearest to
/// its line.
fn place_now<'a>(all: &'a [Site], site: &Site) -> Option<&'a Site> {
    let same = all.iter().filter(|it| it.text() == site.text());
    same.min_by_key(|it| {
        let columns = it.column.abs_diff(site.column);
        (it.line.abs_diff(site.line), columns)
    })
}

/// The records of faults that have a place in the sources as they are, one for each place: the
/// latest, with the draw of the first.
fn placed(all: &[Site], records: Vec<Record>) -> Vec<Record> {
    let mut latest: Vec<Record> = Vec::new();
    for mut record in records {
        let Some(site) = place_now(all, &record.site) else {
            continue;
        };
        record.site = site.clone();
        if let Some(older) = latest.iter().position(|it| it.is_of(&record.site)) {
            record.seed = latest.remove(older).seed;
        }
        latest.push(record);
    }
    latest
}

/// All places of the runtime.
fn find_all(tree: &Tree, options: &Options) -> Result<draw::ByArea, String> {
    let mut by_area = BTreeMap::new();
    for file in tree.files()? {
        let Some(path) = file.strip_prefix("runtime/src/") else {
            continue;
        };
        let Some(area) = area_of(path) else { continue };
        let is_asked = options.only.is_empty() || options.only.iter().any(|o| file.contains(o));
        if !is_asked {
            continue;
        }
        let number = AREAS
            .iter()
            .position(|of| of.name == area.name)
            .unwrap_or_default();
        let sites = find::find(&file, &tree.source(&file)?, area.role)?;
        by_area.entry(number).or_insert_with(Vec::new).extend(sites);
    }
    Ok(by_area)
}

/// The faults of a build, with what reaches them.
struct Drawn {
    sites: Vec<Site>,
    reached: Vec<Reached>,
    suites: Vec<Suite>,
}

impl Drawn {
    /// Draws, checks, builds and measures; or takes what is there of the same draw and sources.
    fn make(
        tree: &Tree,
        work: &Path,
        (by_area, again): (draw::ByArea, Vec<Site>),
        options: &Options,
    ) -> Result<Self, String> {
        let suites: Vec<Suite> = options
            .suite
            .iter()
            .map(|name| Suite::named(name))
            .collect();
        // Some do not compile: draw more than are asked for.
        let mut drawn = draw::order(by_area, options.seed);
        drawn.truncate(options.count * 3 / 2);
        let is_new = |site: &Site| again.iter().all(|it| it.text() != site.text());
        drawn.retain(is_new);
        drawn.splice(0..0, again.iter().cloned());
        let identity = serde_json::to_string(&drawn).map_err(|error| error.to_string())?;
        let (identity_path, built_path) = (work.join("draw.json"), work.join("built.json"));
        let is_same = || fs::read_to_string(&identity_path).is_ok_and(|old| old == identity);
        let built = fs::read_to_string(&built_path).ok();
        let built = built.filter(|_| options.last || is_same());
        let built = built.and_then(|text| serde_json::from_str(&text).ok());
        let (sites, mut coverage): (Vec<Site>, Coverage) = match built {
            Some(built) => built,
            None => {
                let _ = fs::remove_file(&built_path);
                let left_out = tree.check(&mut drawn)?;
                eprintln!("mutate: {left_out} faults do not compile");
                drawn.truncate(again.len() + options.count);
                tree.write(&drawn)?;
                tree.build()?;
                let coverage = Coverage::of(drawn.len());
                (drawn, coverage)
            }
        };
        coverage.complete(tree, &suites, options.jobs)?;
        let built = serde_json::to_string(&(&sites, &coverage)).map_err(|e| e.to_string())?;
        fs::write(&built_path, built)
            .and_then(|()| match options.last {
                true => Ok(()),
                false => fs::write(&identity_path, identity),
            })
            .map_err(|error| error.to_string())?;
        let reached = coverage.faults;
        Ok(Self {
            sites,
            reached,
            suites,
        })
    }

    /// Runs the stages that a fault has not been through. One that was caught needs no further one.
    fn run(
        &self,
        tree: &Tree,
        log: &Log,
        records: &[Record],
        known_faults: &Known,
        places: &BTreeSet<Place<'_>>,
        options: &Options,
    ) -> Result<(), String> {
        let pending = self.pending(records, known_faults, places, options);
        let fuzz: Vec<String> = options.fuzz.split_whitespace().map(str::to_owned).collect();
        let bench = Bench {
            tree,
            suites: &self.suites,
            fuzz: &fuzz,
            fuzz_seconds: options.fuzz_seconds,
        };
        let mut lacking = Vec::new();
        for stage in &options.stages {
            if !bench.has(*stage)? {
                eprintln!("mutate: the program of this build has no {}", stage.name());
                lacking.push(*stage);
            }
        }
        each(options.jobs, &pending, |job, (number, record, reached)| {
            let number = *number;
            let clean = &record.clean;
            let subject = Subject {
                number,
                clean,
                columns: area(&record.site).columns,
                reached,
                job,
            };
            let mut record = record.clone();
            let next = |record: &Record| {
                let mut missing = options.missing(record).into_iter();
                missing.find(|stage| !lacking.contains(stage))
            };
            let mut has_run_suite = false;
            while let Some(stage) = next(&record) {
                record.stages.push(bench.stage(stage, &subject)?);
                has_run_suite |= stage == Stage::Suite;
            }
            if has_run_suite && record.caught().is_none() {
                record.clean.clone_from(&reached.files);
            }
            eprintln!(
                "mutate: {number} of {}: {}",
                self.sites.len(),
                outcome(&record)
            );
            log.add(&record)
        })?;
        Ok(())
    }

    /// The faults that have a stage to go through, with their numbers and what is known of them.
    fn pending<'a>(
        &'a self,
        records: &[Record],
        known_faults: &Known,
        places: &BTreeSet<Place<'_>>,
        options: &Options,
    ) -> Vec<(u32, Record, &'a Reached)> {
        let mut pending = Vec::new();
        for ((number, site), reached) in (1u32..).zip(&self.sites).zip(&self.reached) {
            let mut record = Record {
                site: site.clone(),
                seed: options.seed,
                files: reached.files.len(),
                stages: Vec::new(),
                clean: Vec::new(),
            };
            let known = records.iter().find(|known| known.is_of(site));
            if let Some(known) = known {
                record.clean.clone_from(&known.clean);
                record.seed = known.seed;
                if !options.again || known.caught().is_some() {
                    record.stages.clone_from(&known.stages);
                }
            }
            // One stage shows whether what is said of it is wrong.
            let is_settled = known_faults.equivalent(site).is_some() && known.is_some();
            if places.contains(&site.text()) && !is_settled && !options.missing(&record).is_empty()
            {
                pending.push((number, record, reached));
            }
        }
        pending
    }
}

impl Options {
    /// The stages that a fault has to go through yet.
    fn missing(&self, record: &Record) -> Vec<Stage> {
        if record.caught().is_some() && !self.every_stage {
            return Vec::new();
        }
        let has = |stage: &Stage| record.stages.iter().any(|result| result.stage == *stage);
        let asked = Stage::ALL
            .into_iter()
            .filter(|stage| self.stages.contains(stage));
        asked.filter(|stage| !has(stage)).collect()
    }
}

fn outcome(record: &Record) -> String {
    let seconds: f64 = record.stages.iter().map(|stage| stage.seconds).sum();
    let place = format!(
        "{}:{} {}",
        record.site.file,
        record.site.line,
        record.site.kind.name()
    );
    let end = match record.caught() {
        Some((stage, sign)) => format!("{} by {}", sign.name(), stage.name()),
        None => "ALIVE".to_owned(),
    };
    format!("{place}: {end}, {seconds:.1} s")
}

fn write_report(
    root: &Path,
    records: &[Record],
    known: &Known,
    all: &[Site],
    options: &Options,
) -> Result<(), String> {
    for record in records.iter().filter(|record| record.caught().is_some()) {
        if known.equivalent(&record.site).is_some() {
            let site = &record.site;
            eprintln!(
                "mutate: {}:{} is caught, but said to be equivalent",
                site.file, site.line
            );
        }
    }
    if options.only.is_empty() {
        for entry in known.stale(all) {
            eprintln!("mutate: an entry of known.toml agrees with no place: {entry}");
        }
    }
    let head = format!(
        "The last draw: `scripts/mutate --seed {} --count {}`.",
        options.seed, options.count
    );
    let text = results::report(records, known, all.len(), &head);
    let path = root.join("reports/mutants.md");
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}
