//! Measuring: engines and files in turn, a process for each sample, medians, ratios.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

use crate::Done;
use crate::engines::EngineName;
use crate::sample::Sample;

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Job {
    /// User seconds of a call.
    Kernels,
    /// CPU milliseconds up to the end of the first call.
    Load,
    /// Machine instructions executed in compiled code in a call.
    Instructions,
    /// Machine instructions executed to load a module.
    Compiling,
}

impl Job {
    /// All tables.
    pub const ALL: &[Job] = &[Job::Kernels, Job::Load, Job::Instructions, Job::Compiling];

    /// The name of its files.
    pub fn name(self) -> &'static str {
        match self {
            Job::Kernels => "kernels",
            Job::Load => "load",
            Job::Instructions => "instructions",
            Job::Compiling => "compiling",
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Job::Kernels => "user s",
            Job::Load => "CPU ms",
            Job::Instructions | Job::Compiling => "instructions",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Job::Kernels => "User seconds of the exported function",
            Job::Load => "CPU milliseconds (user and system) to compile, instantiate, first call",
            Job::Instructions => "A64 instructions executed in compiled code in the call",
            Job::Compiling => "A64 instructions executed to compile and instantiate",
        }
    }

    /// Decimals that are printed.
    fn decimals(self) -> usize {
        match self {
            Job::Kernels => 3,
            Job::Load => 1,
            Job::Instructions | Job::Compiling => 0,
        }
    }

    fn figure(self, sample: &Sample) -> Option<f64> {
        let count = |count: Option<u64>| count.map(|count| count as f64);
        match self {
            Job::Kernels => sample.phases.get("call").map(|call| call.user),
            Job::Load => {
                let phases = sample.phases.values();
                Some(phases.map(|phase| phase.user + phase.system).sum::<f64>() * 1e3)
            }
            Job::Instructions => count(sample.call_instructions),
            Job::Compiling => count(sample.load_instructions),
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

/// A median, or why there is none.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Figure {
    /// Seconds or milliseconds.
    Median(f64),
    /// What the engine said.
    Failed(String),
}

/// A table.
#[derive(Debug, Serialize)]
pub struct Results {
    schema: &'static str,
    job: Job,
    unit: &'static str,
    runs: usize,
    host: String,
    engines: Vec<&'static str>,
    rows: Vec<Row>,
    /// Of our figures to a peer's: geometric mean and greatest.
    ratios: Vec<Ratio>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// Whether all engines gave the same result.
    agree: bool,
    figures: BTreeMap<&'static str, Figure>,
}

#[derive(Debug, Serialize)]
struct Ratio {
    ours: &'static str,
    peer: &'static str,
    mean: f64,
    greatest: f64,
    rows: usize,
}

/// Ours, and the peer of the same kind.
const PAIRS: &[(Job, &str, &str)] = &[
    (Job::Kernels, "wassay-stack", "tinywasm"),
    (Job::Kernels, "wassay-register", "wasmi"),
    (Job::Kernels, "wassay-jit", "cranelift"),
    (Job::Load, "wassay-register", "wasmi"),
    (Job::Load, "wassay-register-lazy", "wasmi-lazy"),
    (Job::Load, "wassay-stack", "tinywasm"),
    (Job::Instructions, "wassay-jit", "cranelift"),
    (Job::Instructions, "wassay-jit", "winch"),
    (Job::Instructions, "wassay-jit-explicit", "cranelift"),
    (Job::Compiling, "wassay-jit", "cranelift"),
];

/// All samples of a row, by engine; or what an engine said.
type Samples = Vec<Result<Vec<Sample>, String>>;

impl Bench {
    /// Takes all samples: a table for each job.
    ///
    /// # Errors
    /// If this program cannot start itself.
    pub fn measure(&self) -> Done<Vec<Results>> {
        let mut rows = Vec::new();
        for file in &self.files {
            let (path, export) = file.split_once('=').unwrap_or((file, "run"));
            let name = Path::new(path).file_stem().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            rows.push((name, self.samples(path, export)?));
        }
        let results = self.jobs.iter().map(|&job| {
            let mut results = Results {
                schema: "wassay-bench/1",
                job,
                unit: job.unit(),
                runs: self.runs,
                host: host(),
                engines: self.engines.iter().map(|engine| engine.name()).collect(),
                rows: rows
                    .iter()
                    .map(|(name, samples)| self.row(job, name, samples))
                    .collect(),
                ratios: Vec::new(),
            };
            results.ratios = results.compare();
            results
        });
        Ok(results.collect())
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
        let mut results: Vec<Option<u64>> = taken.map(|sample| sample.result).collect();
        results.dedup();
        let figures = self.engines.iter().zip(samples);
        let figures = figures.map(|(engine, samples)| (engine.name(), figure(job, samples)));
        Row {
            name: name.to_owned(),
            agree: results.len() <= 1,
            figures: figures.collect(),
        }
    }

    /// One run in a process of its own.
    fn sample(&self, engine: EngineName, path: &str, export: &str) -> Done<Result<Sample, String>> {
        let written = std::env::temp_dir().join(format!("wassay-count-{}", std::process::id()));
        let mut command = match self.counting.split_first() {
            None => Command::new(std::env::current_exe()?),
            Some((program, words)) => {
                let mut command = Command::new(program);
                command.args(words).env("COUNT_OUT", &written);
                command
            }
        };
        let output = command
            .args(["one", engine.name(), path, export])
            .output()?;
        let counts = std::fs::read_to_string(&written).unwrap_or_default();
        let _ = std::fs::remove_file(&written);
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.lines().last().unwrap_or("it died").to_owned();
            return Ok(Err(last));
        }
        let mut sample: Sample = serde_json::from_slice(&output.stdout)?;
        sample.add_counts(&counts);
        Ok(Ok(sample))
    }
}

fn figure(job: Job, samples: &Result<Vec<Sample>, String>) -> Figure {
    match samples {
        Ok(samples) => {
            let figures: Vec<f64> = samples.iter().filter_map(|s| job.figure(s)).collect();
            match figures.len() {
                0 => Figure::Failed("nothing was counted".to_owned()),
                _ => Figure::Median(median(figures)),
            }
        }
        Err(why) => Figure::Failed(why.clone()),
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Results {
    fn compare(&self) -> Vec<Ratio> {
        let pairs = PAIRS.iter().filter(|(job, ..)| *job == self.job);
        let ratio = |&(_, ours, peer): &(Job, &'static str, &'static str)| {
            let both = |row: &Row| match (row.figures.get(ours)?, row.figures.get(peer)?) {
                (Figure::Median(ours), Figure::Median(peer)) => Some(ours / peer),
                (Figure::Failed(_), _) | (_, Figure::Failed(_)) => None,
            };
            let ratios: Vec<f64> = self.rows.iter().filter_map(both).collect();
            let logarithms: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
            (!ratios.is_empty()).then(|| Ratio {
                ours,
                peer,
                mean: (logarithms / ratios.len() as f64).exp(),
                greatest: ratios.iter().copied().fold(0.0, f64::max),
                rows: ratios.len(),
            })
        };
        pairs.filter_map(ratio).collect()
    }

    /// Which table it is.
    pub fn job(&self) -> Job {
        self.job
    }

    /// The table, then the ratios.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let of = match self.runs {
            1 => String::new(),
            runs => format!(", median of {runs} runs"),
        };
        let _ = writeln!(text, "{}{of}\n({})\n", self.job.title(), self.host);
        let _ = writeln!(text, "| | {} |", self.engines.join(" | "));
        let _ = writeln!(text, "|---|{}", "---:|".repeat(self.engines.len()));
        for row in &self.rows {
            let _ = write!(text, "| {} |", row.name);
            for engine in &self.engines {
                let _ = match &row.figures[engine] {
                    Figure::Median(figure) => write!(text, " {figure:.*} |", self.job.decimals()),
                    Figure::Failed(_) => write!(text, " - |"),
                };
            }
            let _ = writeln!(text);
        }
        let _ = writeln!(text);
        for row in &self.rows {
            for (engine, figure) in &row.figures {
                if let Figure::Failed(why) = figure {
                    let _ = writeln!(text, "- {} under {engine}: {why}", row.name);
                }
            }
            if !row.agree {
                let _ = writeln!(text, "- {}: RESULTS DIFFER", row.name);
            }
        }
        for Ratio {
            ours,
            peer,
            mean,
            greatest,
            rows,
        } in &self.ratios
        {
            let of = format!("{ours} to {peer}: {mean:.2} in the geometric mean of {rows}");
            let _ = writeln!(text, "- {of}, at most {greatest:.2}");
        }
        text
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
