//! Which files of the suites reach which faults, from one run of each file with notes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::process::{Mutant, Run};
use crate::stage::{MIXED, Suite, modes};
use crate::tree::Tree;

/// The bits in notes of the two columns of mixed tiers; `switch.rs` has their order.
const MIXED_TIERS: u8 = 0b11000;

/// A file of a suite.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct File {
    /// The name of the suite.
    pub suite: String,
    /// The path in the suite.
    pub path: String,
}

/// What reaches a fault.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct Reached {
    /// The files, in the order of the suites.
    pub files: Vec<File>,
    /// The modes in which some file of the suites of our own does.
    pub modes: Vec<String>,
}

impl Reached {
    fn in_mode(&mut self, mode: &str) {
        if !self.modes.iter().any(|known| known == mode) {
            self.modes.push(mode.to_owned());
        }
    }
}

/// What reaches the faults of a build, as far as it has been measured.
#[derive(Default, Debug, Serialize, Deserialize)]
pub struct Coverage {
    /// What reaches fault `n`, at `n - 1`.
    pub faults: Vec<Reached>,
    /// The files that have been run.
    files: BTreeSet<File>,
    /// The modes in which the suites have been run.
    modes: BTreeSet<String>,
}

impl Coverage {
    /// That of a build of so many faults, of which nothing is known.
    pub fn of(count: usize) -> Self {
        Self {
            faults: vec![Reached::default(); count],
            ..Self::default()
        }
    }

    /// Runs every file of the suites that has not been run, and those of our own in each mode.
    ///
    /// # Errors
    /// If the program cannot be started, or a suite fails without a fault.
    pub fn complete(&mut self, tree: &Tree, suites: &[Suite], jobs: usize) -> Result<(), String> {
        let count = self.faults.len();
        let mut files = Vec::new();
        for suite in suites {
            let is_known = suite.is_fixed() && self.files.iter().any(|f| f.suite == suite.name());
            if !is_known {
                let paths = suite.files(tree)?.into_iter();
                let name = suite.name().to_owned();
                files.extend(paths.map(|path| {
                    (
                        suite,
                        File {
                            suite: name.clone(),
                            path,
                        },
                    )
                }));
            }
        }
        files.retain(|(_, file)| !self.files.contains(file));
        eprintln!(
            "mutate: {} files, each once for what it reaches",
            files.len()
        );
        let by_file = each(jobs, &files, |job, (suite, file)| {
            notes(tree, job, count, suite.words(tree, &[&file.path]))
        })?;
        for ((_, file), notes) in files.into_iter().zip(by_file) {
            for (reached, note) in self.faults.iter_mut().zip(notes) {
                if note != 0 {
                    reached.files.push(file.clone());
                }
                if note & MIXED_TIERS != 0 {
                    reached.in_mode(MIXED);
                }
            }
            self.files.insert(file);
        }
        for (mode, words) in modes() {
            if self.modes.insert((*mode).to_owned()) {
                self.measure(tree, suites, jobs, (mode, words))?;
            }
        }
        Ok(())
    }

    /// Runs the suites of our own in a mode, as `scripts/test` does.
    fn measure(
        &mut self,
        tree: &Tree,
        suites: &[Suite],
        jobs: usize,
        (mode, words): (&str, &[&str]),
    ) -> Result<(), String> {
        let count = self.faults.len();
        let own: Vec<&Suite> = suites.iter().filter(|suite| !suite.is_fixed()).collect();
        let all = each(jobs, &own, |job, suite| {
            let mut all = suite.words(tree, &[]);
            all.extend(words.iter().map(|word| (*word).to_owned()));
            notes(tree, job, count, all)
        })?;
        for notes in all {
            for (reached, note) in self.faults.iter_mut().zip(notes) {
                if note != 0 {
                    reached.in_mode(mode);
                }
            }
        }
        Ok(())
    }
}

/// The notes of one run: a byte for each fault, not 0 if it was reached.
fn notes(tree: &Tree, job: usize, count: usize, words: Vec<String>) -> Result<Vec<u8>, String> {
    let file = scratch(tree, job, "coverage");
    // The number 0 is that of no fault.
    fs::write(&file, vec![0; count + 1]).map_err(|error| error.to_string())?;
    let run = Run {
        program: &tree.program(),
        folder: tree.folder(),
        words,
        report: scratch(tree, job, "json"),
        mutant: Mutant::Coverage(&file),
        seconds: 600,
    };
    run.run()?;
    let mut notes = fs::read(&file).map_err(|error| error.to_string())?;
    notes.remove(0);
    Ok(notes)
}

/// A file of a job beside the copy.
pub fn scratch(tree: &Tree, job: usize, extension: &str) -> PathBuf {
    let beside = tree.folder().parent().unwrap_or(Path::new("."));
    beside.join(format!("job-{job}.{extension}"))
}

/// Does something with each item, in several threads, each with its number. The results are in the
/// order of the items.
///
/// # Errors
/// The first error.
pub fn each<T: Sync, R: Send>(
    jobs: usize,
    items: &[T],
    f: impl Fn(usize, &T) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Result<R, String>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for job in 0..jobs {
            let (next, results, f) = (&next, &results, &f);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    let result = f(job, item);
                    results
                        .lock()
                        .expect("no thread panics with it")
                        .push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no thread panics with it");
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..100).collect();
        let doubled = each(3, &items, |_, n| Ok(n * 2)).expect("no errors");
        assert_eq!(doubled[99], 198);
        assert!(
            each(2, &items, |_, n| if *n == 7 {
                Err(String::new())
            } else {
                Ok(())
            })
            .is_err()
        );
    }
}
