//! Measuring: engines and files in turn, a process for each sample, medians, ratios.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::Done;
use crate::engines::EngineName;
use crate::sample::{Binary, Sample};

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Job {
    /// User seconds of a call.
    Kernels,
    /// User seconds of a program's call.
    Programs,
    /// CPU milliseconds of a program, with the loading of its module.
    Whole,
    /// CPU milliseconds up to the end of the first call.
    Load,
    /// Machine instructions executed in compiled code in a call.
    Instructions,
    /// Machine instructions executed to load a module.
    Compiling,
    /// Nanoseconds of a call between the host and code.
    Calls,
}

impl Job {
    /// All tables.
    pub const ALL: &[Job] = &[
        Job::Kernels,
        Job::Programs,
        Job::Whole,
        Job::Load,
        Job::Instructions,
        Job::Compiling,
        Job::Calls,
    ];

    /// The name of its files.
    pub fn name(self) -> &'static str {
        match self {
            Job::Kernels => "kernels",
            Job::Programs => "programs",
            Job::Whole => "whole",
            Job::Load => "load",
            Job::Instructions => "instructions",
            Job::Compiling => "compiling",
            Job::Calls => "calls",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Job::Kernels | Job::Programs => "user s",
            Job::Whole | Job::Load => "CPU ms",
            Job::Instructions | Job::Compiling => "instructions",
            Job::Calls => "ns",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Job::Kernels => "User seconds of the exported function",
            Job::Programs => "User seconds of a program, its module compiled and instantiated",
            Job::Whole => "CPU milliseconds (user and system) of a program, from module to exit",
            Job::Load => "CPU milliseconds (user and system) to compile, instantiate, first call",
            Job::Instructions => "A64 instructions executed in compiled code in the call",
            Job::Compiling => "A64 instructions executed to compile and instantiate",
            Job::Calls => "Nanoseconds of a typed call into code, and of one to the host",
        }
    }

    /// Decimals that are printed.
    fn decimals(self) -> usize {
        match self {
            Job::Kernels | Job::Programs => 3,
            Job::Whole | Job::Load | Job::Calls => 1,
            Job::Instructions | Job::Compiling => 0,
        }
    }

    fn figure(self, sample: &Sample) -> Option<f64> {
        let count = |count: Option<u64>| count.map(|count| count as f64);
        match self {
            Job::Kernels | Job::Programs => sample.phases.get("call").map(|call| call.user),
            Job::Whole | Job::Load => {
                let phases = sample.phases.values();
                Some(phases.map(|phase| phase.user + phase.system).sum::<f64>() * 1e3)
            }
            Job::Instructions => count(sample.call_instructions),
            Job::Compiling => count(sample.load_instructions),
            // Made of no samples: a process makes the whole table.
            Job::Calls => None,
        }
    }
}

/// What is to be measured.
pub struct Bench {
    /// The tables, made of the same samples.
    pub jobs: &'static [Job],
    /// Samples of each engine and file.
    pub runs: usize,
    /// The columns.
    pub engines: Vec<EngineName>,
    /// The rows: `FILE`, or `FILE=EXPORT`.
    pub files: Vec<String>,
    /// Where instructions are counted: the words that run this program, built for ARM64, under an
    /// emulator with the counting plugin.
    pub counting: Vec<String>,
}

/// A figure, or the reason why there is none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Figure {
    /// In the unit of the table.
    Measured {
        /// The median of all samples.
        median: f64,
        /// The least of them.
        least: f64,
        /// The greatest.
        greatest: f64,
    },
    /// The words of the engine.
    Failed(String),
}

impl Figure {
    /// The figure of samples.
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let median = samples.get(samples.len() / 2);
        match (samples.first(), median, samples.last()) {
            (Some(&least), Some(&median), Some(&greatest)) => Self::Measured {
                median,
                least,
                greatest,
            },
            _ => Self::Failed("nothing was counted".to_owned()),
        }
    }

    /// The median.
    pub fn median(&self) -> Option<f64> {
        match self {
            Figure::Measured { median, .. } => Some(*median),
            Figure::Failed(_) => None,
        }
    }
}

/// A table.
#[derive(Debug, Serialize, Deserialize)]
pub struct Results {
    schema: String,
    pub(crate) job: Job,
    unit: String,
    runs: usize,
    pub(crate) host: String,
    /// The columns; `(emulated)` follows the name of an engine that an emulator runs.
    pub(crate) engines: Vec<String>,
    /// The engines that are not here, with reasons.
    missing: BTreeMap<String, String>,
    pub(crate) rows: Vec<Row>,
    /// The geometric mean of each engine's figures to those of the first one of `RELATIVE_TO` that
    /// is there.
    relative: Vec<Ratio>,
    /// Of our figures to a peer's: geometric mean and greatest.
    ratios: Vec<Ratio>,
}

/// The figures of a kernel, a program or a module.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    pub(crate) name: String,
    /// True if all engines gave the same result.
    agree: bool,
    /// The results that there were.
    results: Vec<String>,
    pub(crate) figures: BTreeMap<String, Figure>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ratio {
    ours: String,
    peer: String,
    mean: f64,
    greatest: f64,
    rows: usize,
}

/// The columns with which all others are compared.
const RELATIVE_TO: &[&str] = &["wassay-register", "wassay-jit"];

/// Ours, and the peer of the same kind.
const PAIRS: &[(Job, &str, &str)] = &[
    (Job::Kernels, "wassay-stack", "tinywasm"),
    (Job::Kernels, "wassay-register", "wasmi"),
    (Job::Kernels, "wassay-register", "wasm3"),
    (Job::Kernels, "wassay-jit", "cranelift"),
    (Job::Programs, "wassay-stack", "tinywasm"),
    (Job::Programs, "wassay-register", "wasmi"),
    (Job::Programs, "wassay-register", "wasm3"),
    (Job::Programs, "wassay-jit", "cranelift"),
    (Job::Load, "wassay-register", "wasmi"),
    (Job::Load, "wassay-register-lazy", "wasmi-lazy"),
    (Job::Load, "wassay-stack", "tinywasm"),
    (Job::Instructions, "wassay-jit", "cranelift"),
    (Job::Instructions, "wassay-jit", "winch"),
    (Job::Instructions, "wassay-jit-explicit", "cranelift"),
    (Job::Compiling, "wassay-jit", "cranelift"),
    (Job::Calls, "wassay-register", "wasmi"),
];

/// All samples of a row, by engine; or what an engine said.
type Samples = Vec<Result<Vec<Sample>, String>>;

impl Bench {
    /// Takes all samples: a table for each job.
    ///
    /// # Errors
    /// If this program cannot start itself.
    pub fn measure(&mut self) -> Done<Vec<Results>> {
        let mut missing = BTreeMap::new();
        if self.counting.is_empty() {
            self.engines.retain(|engine| match engine.words() {
                Ok(_) => true,
                Err(why) => {
                    missing.insert(engine.name().to_owned(), why);
                    false
                }
            });
        }
        let mut rows = Vec::new();
        for file in &self.files {
            let (path, export) = file.split_once('=').unwrap_or((file, self.export()));
            let binary = Binary::of(path)?;
            rows.push((self.row_name(path), self.samples(binary.path(), export)?));
        }
        let results = self.jobs.iter().map(|&job| {
            let rows = rows.iter().map(|(name, all)| self.row(job, name, all));
            let columns = self.engines.iter().map(|it| self.column(*it));
            let mut results = Results::new(job, self.runs, columns.collect(), rows.collect());
            results.missing = missing.clone();
            results
        });
        Ok(results.collect())
    }

    /// The export that is called in a file that names none.
    fn export(&self) -> &'static str {
        match self.jobs.contains(&Job::Programs) {
            true => "_start",
            false => "run",
        }
    }

    /// The name of a file's row: of a kernel or a program with its folder, which tells its kind.
    fn row_name(&self, path: &str) -> String {
        let path = Path::new(path);
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        match self.jobs.contains(&Job::Load) {
            true => name.into_owned(),
            false => format!("{}/{name}", folder.to_string_lossy()),
        }
    }

    fn column(&self, engine: EngineName) -> String {
        match self.counting.is_empty() && engine.is_emulated() {
            true => format!("{}{EMULATED}", engine.name()),
            false => engine.name().to_owned(),
        }
    }

    fn samples(&self, path: &str, export: &str) -> Done<Samples> {
        let mut samples: Samples = vec![Ok(Vec::new()); self.engines.len()];
        for _ in 0..self.runs {
            for (engine, samples) in self.engines.iter().zip(&mut samples) {
                if let Ok(list) = samples {
                    match self.sample(*engine, path, export)? {
                        Ok(sample) => list.push(sample),
                        Err(why) => *samples = Err(why),
                    }
                }
            }
        }
        Ok(samples)
    }

    fn row(&self, job: Job, name: &str, samples: &Samples) -> Row {
        let taken = samples.iter().flatten().flatten();
        let results = taken.filter_map(|sample| sample.result.clone());
        let results: BTreeSet<String> = results.collect();
        let figures = self.engines.iter().zip(samples);
        let figures = figures.map(|(engine, samples)| (self.column(*engine), figure(job, samples)));
        Row {
            name: name.to_owned(),
            agree: results.len() <= 1,
            results: results.into_iter().collect(),
            figures: figures.collect(),
        }
    }

    /// One run in a process of its own.
    fn sample(&self, engine: EngineName, path: &str, export: &str) -> Done<Result<Sample, String>> {
        let words = match self.counting.is_empty() {
            true => engine.words()?,
            false => {
                let one = ["one".to_owned(), engine.name().to_owned()];
                [self.counting.clone(), one.to_vec()].concat()
            }
        };
        if engine.is_emulated() && self.counting.is_empty() && is_slow_to_compile(path) {
            return Ok(Err(
                "left out: its compiling takes long in an emulator".to_owned()
            ));
        }
        let written = std::env::temp_dir().join(format!("wassay-count-{}", std::process::id()));
        let (program, words) = words.split_first().ok_or("no program")?;
        let output = Command::new(program)
            .args(words)
            .env("COUNT_OUT", &written)
            .args([path, export])
            .output()?;
        let counts = std::fs::read_to_string(&written).unwrap_or_default();
        let _ = std::fs::remove_file(&written);
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().last().unwrap_or("it died").to_owned();
            return Ok(Err(last));
        }
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stdout = stdout.trim_end();
        // An engine whose WASI writes to the process's own stdout does so before the sample.
        let (written, sample) = stdout.rsplit_once('\n').unwrap_or(("", stdout));
        let Ok(mut sample) = serde_json::from_str::<Sample>(sample) else {
            return Ok(Err("it ended without a sample".to_owned()));
        };
        if !written.is_empty() {
            sample.result = Some(format!("{written}\n"));
        }
        sample.add_counts(&counts);
        Ok(Ok(sample))
    }
}

/// True for a module whose eager compiling takes long in an emulator: one of a megabyte or more.
fn is_slow_to_compile(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() > 1 << 20)
}

fn figure(job: Job, samples: &Result<Vec<Sample>, String>) -> Figure {
    let samples = match samples {
        Ok(samples) => samples,
        Err(why) => return Figure::Failed(why.clone()),
    };
    Figure::of(samples.iter().filter_map(|s| job.figure(s)).collect())
}

/// What follows the name of an engine that an emulator runs: its seconds compare with nothing.
const EMULATED: &str = " (emulated)";

impl Row {
    /// The row of figures that come with no result.
    pub fn of_figures(name: &str, figures: BTreeMap<String, Figure>) -> Self {
        Row {
            name: name.to_owned(),
            agree: true,
            results: Vec::new(),
            figures,
        }
    }
}

impl Results {
    /// The table of rows measured on this host, with what follows from them.
    pub fn new(job: Job, runs: usize, engines: Vec<String>, rows: Vec<Row>) -> Self {
        let mut results = Results {
            schema: "wassay-bench/2".to_owned(),
            job,
            unit: job.unit().to_owned(),
            runs,
            host: host(),
            engines,
            missing: BTreeMap::new(),
            rows,
            relative: Vec::new(),
            ratios: Vec::new(),
        };
        results.compare();
        results
    }

    fn compare(&mut self) {
        let here = |name: &str| self.engines.iter().find(|column| *column == name);
        if let Some(base) = RELATIVE_TO.iter().find_map(|name| here(name)) {
            let columns = self.engines.iter().filter(|it| !it.ends_with(EMULATED));
            self.relative = columns.filter_map(|it| self.ratio(it, base)).collect();
        }
        let pairs = PAIRS.iter().filter(|(job, ..)| *job == self.job);
        let ratios = pairs.filter_map(|(_, ours, peer)| self.ratio(here(ours)?, here(peer)?));
        self.ratios = ratios.collect();
    }

    /// One column to another, in the rows that have both.
    fn ratio(&self, ours: &str, peer: &str) -> Option<Ratio> {
        let both = |row: &Row| {
            let of = |name| row.figures.get(name).and_then(Figure::median);
            // What is too short to be measured has no ratio.
            let (ours, peer) = (of(ours)?, of(peer)?);
            (ours > 0.0 && peer > 0.0).then(|| ours / peer)
        };
        let ratios: Vec<f64> = self.rows.iter().filter_map(both).collect();
        let logarithms: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
        (!ratios.is_empty()).then(|| Ratio {
            ours: ours.to_owned(),
            peer: peer.to_owned(),
            mean: (logarithms / ratios.len() as f64).exp(),
            greatest: ratios.iter().copied().fold(0.0, f64::max),
            rows: ratios.len(),
        })
    }

    /// The kind of the table.
    pub fn job(&self) -> Job {
        self.job
    }

    /// True if all engines gave the same results.
    pub fn agree(&self) -> bool {
        self.rows.iter().all(|row| row.agree)
    }

    /// The heading of the table.
    pub fn title(&self) -> String {
        match self.runs {
            1 => self.job.title().to_owned(),
            runs => format!("{}, median of {runs} runs", self.job.title()),
        }
    }

    /// The table, then what is to be said of it.
    pub fn markdown(&self) -> String {
        let mut text = format!("{}\n({})\n\n", self.title(), self.host);
        let _ = writeln!(text, "| | {} |", self.engines.join(" | "));
        let _ = writeln!(text, "|---|{}", "---:|".repeat(self.engines.len()));
        for row in &self.rows {
            let _ = write!(text, "| {} |", row.name);
            for engine in &self.engines {
                let _ = write!(text, " {} |", self.cell(&row.figures[engine]));
            }
            let _ = writeln!(text);
        }
        if let Some(Ratio { peer, .. }) = self.relative.first() {
            let _ = write!(text, "| geometric mean, {peer} = 1 |");
            for engine in &self.engines {
                let ratio = self.relative.iter().find(|ratio| ratio.ours == *engine);
                let mean = ratio.map_or("-".to_owned(), |ratio| format!("{:.2}", ratio.mean));
                let _ = write!(text, " {mean} |");
            }
            let _ = writeln!(text);
        }
        let _ = writeln!(text);
        for note in self.notes() {
            let _ = writeln!(text, "- {note}");
        }
        text
    }

    /// A figure with its spread: how far the outermost samples are from the median, in per cent.
    pub fn cell(&self, figure: &Figure) -> String {
        match figure {
            Figure::Measured {
                median,
                least,
                greatest,
            } => {
                let text = format!("{median:.*}", self.job.decimals());
                let spread = (greatest - median).max(median - least) / median * 100.0;
                match self.runs > 1 && spread.is_finite() {
                    true => format!("{text} ±{spread:.0}%"),
                    false => text,
                }
            }
            Figure::Failed(_) => "-".to_owned(),
        }
    }

    /// What is missing, what failed, where results differ, and ratios to peers.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for (engine, why) in &self.missing {
            notes.push(format!("MISSING: {engine}: {why}"));
        }
        for row in &self.rows {
            for (engine, figure) in &row.figures {
                if let Figure::Failed(why) = figure {
                    notes.push(format!("{} under {engine}: {why}", row.name));
                }
            }
            if !row.agree {
                let results = row.results.join("; ").replace('\n', " ");
                notes.push(format!("{}: RESULTS DIFFER: {results}", row.name));
            }
        }
        for ratio in &self.ratios {
            notes.push(format!(
                "{} to {}: {:.2} in the geometric mean of {}, at most {:.2}",
                ratio.ours, ratio.peer, ratio.mean, ratio.rows, ratio.greatest
            ));
        }
        notes
    }
}

/// The processor, as far as the system says.
fn host() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("", |line| line.trim_start_matches([' ', '\t', ':']));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{} {} {model}, {threads} threads",
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

#[cfg(test)]
mod tests;
