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
}

/// What is to be measured.
pub struct Bench {
    /// Which table.
    pub job: Job,
    /// Samples of each engine and file.
    pub runs: usize,
    /// The columns.
    pub engines: Vec<EngineName>,
    /// The rows: `FILE`, or `FILE=EXPORT`.
    pub files: Vec<String>,
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
    (Job::Load, "wassay-register", "wasmi"),
    (Job::Load, "wassay-register-lazy", "wasmi-lazy"),
    (Job::Load, "wassay-stack", "tinywasm"),
];

impl Bench {
    /// Takes all samples.
    ///
    /// # Errors
    /// If this program cannot start itself.
    pub fn measure(&self) -> Done<Results> {
        let mut rows = Vec::new();
        for file in &self.files {
            let (path, export) = file.split_once('=').unwrap_or((file, "run"));
            rows.push(self.row(path, export)?);
        }
        let mut results = Results {
            schema: "wassay-bench/1",
            job: self.job,
            unit: match self.job {
                Job::Kernels => "user s",
                Job::Load => "CPU ms",
            },
            runs: self.runs,
            host: host(),
            engines: self.engines.iter().map(|engine| engine.name()).collect(),
            rows,
            ratios: Vec::new(),
        };
        results.ratios = results.compare();
        Ok(results)
    }

    fn row(&self, path: &str, export: &str) -> Done<Row> {
        let name = Path::new(path).file_stem().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let mut samples: Vec<Result<Vec<Sample>, String>> =
            vec![Ok(Vec::new()); self.engines.len()];
        for _ in 0..self.runs {
            for (engine, samples) in self.engines.iter().zip(&mut samples) {
                if let Ok(list) = samples {
                    match sample(*engine, path, export)? {
                        Ok(sample) => list.push(sample),
                        Err(why) => *samples = Err(why),
                    }
                }
            }
        }
        let taken = || samples.iter().flatten().flatten();
        let mut results: Vec<Option<u64>> = taken().map(|sample| sample.result).collect();
        results.dedup();
        let figures = self.engines.iter().zip(&samples);
        let figures = figures.map(|(engine, samples)| (engine.name(), self.figure(samples)));
        Ok(Row {
            name,
            agree: results.len() <= 1,
            figures: figures.collect(),
        })
    }

    fn figure(&self, samples: &Result<Vec<Sample>, String>) -> Figure {
        let spent = |sample: &Sample| match self.job {
            Job::Kernels => sample.phases.get("call").map_or(0.0, |call| call.user),
            Job::Load => {
                let phases = sample.phases.values();
                phases.map(|phase| phase.user + phase.system).sum::<f64>() * 1e3
            }
        };
        match samples {
            Ok(samples) => Figure::Median(median(samples.iter().map(spent).collect())),
            Err(why) => Figure::Failed(why.clone()),
        }
    }
}

/// One run in a process of its own.
fn sample(engine: EngineName, path: &str, export: &str) -> Done<Result<Sample, String>> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command
        .args(["one", engine.name(), path, export])
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or("it died").to_owned();
        return Ok(Err(last));
    }
    Ok(Ok(serde_json::from_slice(&output.stdout)?))
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

    /// The table, then the ratios.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let what = match self.job {
            Job::Kernels => "User seconds of the exported function",
            Job::Load => "CPU milliseconds (user and system) to compile, instantiate, first call",
        };
        let _ = writeln!(
            text,
            "{what}, median of {} runs\n({})\n",
            self.runs, self.host
        );
        let _ = writeln!(text, "| | {} |", self.engines.join(" | "));
        let _ = writeln!(text, "|---|{}", "---:|".repeat(self.engines.len()));
        for row in &self.rows {
            let _ = write!(text, "| {} |", row.name);
            for engine in &self.engines {
                let _ = match (&row.figures[engine], self.job) {
                    (Figure::Median(figure), Job::Kernels) => write!(text, " {figure:.3} |"),
                    (Figure::Median(figure), Job::Load) => write!(text, " {figure:.1} |"),
                    (Figure::Failed(_), _) => write!(text, " - |"),
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
