//! `wassay reduce`: a script that shows a difference, made small.

use std::path::{Path, PathBuf};

use super::stdout::print;
use super::{check_input, engine_table, this_program};
use crate::cli::ReduceArgs;
use crate::error::{Exit, InputError};
use crate::fuzz::finding::of_reduced;
use crate::interrupt;
use crate::measure::{Options, jobs_by_default};
use crate::plan::{self, Planned};
use crate::pool::{Interrupted, Silent};
use crate::present::destination::Destination;
use crate::reduce::reduce;
use crate::suite::select::Selection;
use crate::thread;

/// Answers `wassay reduce`.
///
/// # Errors
/// If the script cannot be read, or the small one cannot be written.
pub fn command(args: &ReduceArgs) -> Result<Exit, InputError> {
    interrupt::install();
    let output = args.output.clone().unwrap_or_else(|| small(&args.file));
    let destination = Destination::open(&output)?;
    check_input(&destination, &output, &[&args.file])?;
    let program = this_program()?;
    let selection = Selection {
        paths: vec![args.file.clone()],
        features: args.features.clone(),
        ..Selection::default()
    };
    let options = Options {
        table: engine_table(&program, &args.tiers, &args.pool)?,
        jobs: args.pool.jobs.unwrap_or_else(jobs_by_default),
        timeout: args.pool.timeout,
        worker_memory: args.pool.worker_memory,
        setting: args.setting.into(),
        ..Options::plain(selection, args.tiers.0.clone(), program)
    };
    thread::start_pool()?;
    let chosen = options.selection.load(options.jobs)?;
    let planned: Vec<Planned> = plan::suite(&chosen.files);
    let [planned] = &planned[..] else {
        return Err(InputError::at(&args.file, "this is not one script"));
    };
    let launchers = options.launchers();
    for (&name, launcher) in &launchers {
        if let Err(reason) = launcher {
            eprintln!("wassay: {name} cannot run here: {reason}");
            return Ok(Exit::NotMeasured);
        }
    }
    let reduced = match reduce(&options, planned, args.time, &Silent) {
        Ok(Some(reduced)) => reduced,
        Ok(None) => {
            // An engine of which no process starts has said nothing.
            for (&name, launcher) in &launchers {
                if let Some(Err(error)) = launcher.as_ref().ok().map(|it| it.start()) {
                    eprintln!("wassay: {name} cannot run here: {error}");
                    return Ok(Exit::NotMeasured);
                }
            }
            let file = args.file.display();
            eprintln!("wassay: {file}: nothing fails, and the engines agree");
            return Ok(Exit::Failed);
        }
        Err(Interrupted) => return Ok(interrupt::exit()),
    };
    let written = of_reduced(&reduced, options.setting);
    destination.write(written.text(&output).as_bytes())?;
    let symptom = &reduced.symptom;
    let late = match reduced.out_of_time {
        true => "; there was no time for more",
        false => "",
    };
    print(&format!(
        "{}: {}\n{} lines, {} candidates run{late}: {}\n",
        symptom.kind,
        symptom.text,
        written.lines(),
        reduced.tried,
        output.display()
    ))?;
    Ok(Exit::AsExpected)
}

/// The file beside a script in which it is written when it is small.
fn small(file: &Path) -> PathBuf {
    file.with_extension("small.wast")
}
