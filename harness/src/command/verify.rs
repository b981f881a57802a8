//! `wassay verify REPORT`: the run of a report made again, and every figure derived anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::spec;
use super::stdout::print;
use crate::cli::config::{ParseError, parse_recorded};
use crate::cli::{Command, SpecArgs, VerifyArgs};
use crate::error::{Exit, InputError};
use crate::interrupt;
use crate::report::Report;
use crate::report::differences::{Difference, differences};
use crate::report::provenance::{InputRole, Provenance};

/// Answers `wassay verify`.
///
/// # Errors
/// If the report is missing, corrupt, contradicts itself, or does not say how it was made.
pub fn command(args: &VerifyArgs) -> Result<Exit, InputError> {
    interrupt::install();
    let recorded = Report::read(&args.file)?;
    let wrong = |message: &str| InputError::at(&args.file, message);
    if recorded.run.interrupted {
        return Err(wrong(
            "the run was interrupted: there is nothing whole to verify",
        ));
    }
    let provenance = recorded.run.provenance.as_ref();
    let provenance = provenance.ok_or_else(|| wrong("the report does not say how it was made"))?;
    let mut request = request(provenance, &args.file)?;
    request.pool.jobs = args.jobs.or(request.pool.jobs);
    if recorded.run.part.is_none() {
        request.selection.partition = None;
    }
    if let Some(missing) = missing(&recorded, provenance) {
        return not_measured(&format!("{} is not here", missing.display()));
    }
    let again = spec::run_again(&request)?;
    if interrupt::requested() {
        eprintln!("wassay: interrupted; nothing is verified");
        return Ok(interrupt::exit());
    }
    let lost = recorded
        .tiers
        .iter()
        .filter(|(_, account)| account.available);
    let lost = lost.filter_map(|(name, _)| Some((name, again.tiers.get(name)?)));
    for (name, account) in lost {
        if let Some(reason) = &account.reason {
            return not_measured(&format!("{name} cannot run here: {reason}"));
        }
    }
    let (members, told) = differences(&recorded, &again);
    print(&text(&recorded, members, &told, args.show))?;
    match told.is_empty() {
        true => Ok(Exit::AsExpected),
        false => Ok(Exit::Failed),
    }
}

/// The options of the run, as its report records them.
fn request(provenance: &Provenance, file: &Path) -> Result<SpecArgs, InputError> {
    let wrong = |reason: &str| {
        let message = format!("its command line is not one of this build: {reason}");
        InputError::at(file, message)
    };
    match parse_recorded(&provenance.words) {
        Ok(cli) => match cli.command {
            Command::Spec(args) => Ok(*args),
            _other_command => Err(wrong("not `wassay spec`")),
        },
        Err(ParseError::File(error)) => Err(error),
        Err(ParseError::Options(error, _)) => {
            let text = error.to_string();
            Err(wrong(text.lines().next().unwrap_or_default()))
        }
    }
}

/// The first of the files that the run read which is not here any more.
fn missing(recorded: &Report, provenance: &Provenance) -> Option<PathBuf> {
    let is_carried = recorded.run.paths().is_empty();
    let suite = recorded.run.paths().into_iter();
    let embedded = !provenance.options.contains_key("expectations");
    let inputs = provenance.inputs.iter().enumerate();
    let inputs = inputs.filter(|(index, input)| {
        // The first ones are those that the program carries, unless an option names others.
        !(embedded && *index == 0 && input.role == InputRole::Expectations)
    });
    let inputs = inputs.map(|(_, input)| PathBuf::from(&input.path));
    let mut all = suite.filter(|_| !is_carried).chain(inputs);
    all.find(|path| !path.exists())
}

fn not_measured(why: &str) -> Result<Exit, InputError> {
    print(&format!("NOT VERIFIED: {why}\n"))?;
    Ok(Exit::NotMeasured)
}

/// The differences, and a line that says what follows.
fn text(recorded: &Report, members: usize, told: &[Difference], show: usize) -> String {
    let directives = recorded.accounting.directives;
    if told.is_empty() {
        return format!(
            "VERIFIED: {members} members of the report, of {directives} directives, are the same\n"
        );
    }
    let mut kinds: BTreeMap<_, usize> = BTreeMap::new();
    for difference in told {
        *kinds.entry(difference.kind).or_default() += 1;
    }
    let mut text: String = told.iter().take(show).map(|it| format!("{it}\n")).collect();
    if told.len() > show {
        let rest = told.len() - show;
        text.push_str(&format!(
            "... and {rest} more; --show N shows more of them\n"
        ));
    }
    let kinds = kinds
        .iter()
        .map(|(kind, count)| format!("{count} {}", kind.name()));
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    text.push_str(&format!(
        "DIFFERS: {kinds} (of {members} members of the report)\n"
    ));
    text
}
