//! `--watch`: a run after each change of a file of the suite.
//!
//! The first run is of everything that is chosen, each further one of the files that changed. The
//! system tells of changes, so that nothing is done in between but a look for Ctrl-C.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::{RecursiveMode, Watcher};

use super::Request;
use crate::error::{Exit, InputError};
use crate::interrupt;
use crate::suite::select::Selection;

/// How often a wait looks for an interruption.
const TICK: Duration = Duration::from_millis(100);
/// The time without a further change after which a change is taken as whole.
const QUIET: Duration = Duration::from_millis(15);

/// What the system tells of.
type Changes = Receiver<notify::Result<notify::Event>>;

/// Runs and waits until Ctrl-C.
///
/// # Errors
/// If the suite cannot be watched.
pub(super) fn watch(request: &Request<'_>) -> Result<Exit, InputError> {
    let selection = &request.options.selection;
    let unwatched = |error: notify::Error| InputError::usage(format!("--watch: {error}"));
    let (sender, changes) = channel();
    let mut watcher = notify::recommended_watcher(sender).map_err(unwatched)?;
    if selection.paths.is_empty() {
        return Err(InputError::usage(
            "--watch needs files or folders: the suite does not change",
        ));
    }
    for path in &selection.paths {
        let (folder, mode) = match path.is_dir() {
            true => (path.as_path(), RecursiveMode::Recursive),
            // An editor may put another file in the place of the one that it changes.
            false => (path.parent().unwrap_or(path), RecursiveMode::NonRecursive),
        };
        let folder = match folder.as_os_str().is_empty() {
            true => std::path::Path::new("."),
            false => folder,
        };
        watcher.watch(folder, mode).map_err(unwatched)?;
    }
    let mut next = Some(selection.clone());
    while let Some(selection) = next {
        run(request, &selection);
        next = wait(&changes, &request.options.selection);
    }
    Ok(interrupt::exit())
}

/// Runs files and shows what came of them. What is wrong with them is shown, too: it may be mended.
fn run(request: &Request<'_>, selection: &Selection) {
    match request.load(selection) {
        Ok(chosen) => {
            let (measured, _) = request.measure(&chosen);
            if let Err(error) = request.show(&measured) {
                eprintln!("wassay: {error}");
            }
        }
        Err(error) => eprintln!("wassay: {error}"),
    }
    // If the reader went away, the next write says so as well.
    let _ = writeln!(std::io::stdout(), "wassay: waiting for a change");
    let _ = std::io::stdout().flush();
}

/// Waits for a change; gives the selection of what changed, or nothing after Ctrl-C.
fn wait(changes: &Changes, selection: &Selection) -> Option<Selection> {
    loop {
        let mut changed = BTreeSet::new();
        let mut patience = TICK;
        loop {
            if interrupt::requested() {
                return None;
            }
            match changes.recv_timeout(patience) {
                Ok(Ok(event)) if event.kind.is_access() => {}
                Ok(event) => {
                    changed.extend(event.into_iter().flat_map(|event| event.paths));
                    patience = QUIET;
                }
                Err(RecvTimeoutError::Timeout) if changed.is_empty() => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        let is_file = |path: &PathBuf| path.is_file();
        let changed: Vec<PathBuf> = changed.into_iter().filter(is_file).collect();
        if let Some(selection) = selection.of_changed(&changed) {
            return Some(selection);
        }
    }
}
