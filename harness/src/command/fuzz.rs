//! `wassay fuzz`: generated programs, from a seed to a report and a folder of findings.

use std::time::{SystemTime, UNIX_EPOCH};

use super::provenance::{Origin, input};
use super::stdout::print_styled;
use super::{all_of, destinations, engine_table, this_program, write_reports};
use crate::cli::{FuzzArgs, GivenOptions};
use crate::engine::EngineName;
use crate::error::{Exit, InputError};
use crate::fuzz::{FuzzOptions, Programs, fuzz};
use crate::interrupt;
use crate::judge::incident::IncidentAccount;
use crate::listing::failing::generated_listings;
use crate::measure::{Options, Stopped, jobs_by_default};
use crate::plan::draw::{Draw, DrawError, Fixed};
use crate::pool::IncidentKind;
use crate::present::beside::Beside;
use crate::present::progress::Progress;
use crate::present::table;
use crate::present::timeline::Recorder;
use crate::protocol::Setting;
use crate::report::Report;
use crate::report::provenance::InputRole;
use crate::suite::select::Selection;
use crate::thread;

/// Programs of a run that says neither how many nor for how long.
const COUNT: u64 = 1000;

/// Answers `wassay fuzz`.
///
/// # Errors
/// If the request cannot be met, or what was found cannot be written.
pub fn command(args: &FuzzArgs) -> Result<Exit, InputError> {
    interrupt::install();
    let destinations = destinations(&args.report, &[])?;
    let options = options(args)?;
    let tables = options.measure.table.files().iter();
    let tables = tables.map(|path| input(InputRole::EngineTable, path));
    let inputs = tables.collect::<Result<Vec<_>, _>>()?;
    thread::start_pool()?;
    let progress = Progress::open_ended(options.measure.tiers.len());
    let recorder = Recorder::new(&progress);
    let began = SystemTime::now();
    let fuzzed = fuzz(&options, &recorder);
    let timeline = recorder.finish();
    progress.finish();
    let mut report = match fuzzed {
        Ok(report) => report,
        Err(Stopped::Input(error)) => return Err(error),
        Err(Stopped::Interrupted) => return Ok(interrupt::exit()),
    };
    let given = repeating(&args.given, &report);
    let origin = Origin {
        began,
        given: &given,
        inputs,
        table: &options.measure.table,
        program: &options.measure.program,
    };
    report.run.provenance = Some(origin.provenance(&report));
    let shows_code = args.report.iter().any(|it| it.presenter.shows_code());
    let configurations = &options.measure.configurations;
    let beside = Beside {
        timeline,
        earlier: Vec::new(),
        listings: shows_code.then(|| generated_listings(&report, &options.draw, configurations)),
    };
    let written = write_reports(&args.report, destinations, &report, &beside);
    let text = table::render_generated(&report, args.timings);
    let shown = print_styled(&text);
    all_of(vec![written, shown])?;
    Ok(exit(&report))
}

/// The options that make the same programs again: with the seed that was drawn, and where the time
/// ended the run, with the number of programs in place of the time.
fn repeating(given: &GivenOptions, report: &Report) -> GivenOptions {
    let mut given = given.clone();
    let Some(account) = &report.generated else {
        return given;
    };
    let is_named = given.values.contains_key("case");
    if !is_named && !given.values.contains_key("seed") {
        given.add("seed", &account.seed.to_string());
    }
    if given.values.contains_key("seconds") {
        let sources = account.sources.values();
        let count: u64 = sources.map(|it| it.programs + it.no_program).sum();
        given.leave_out("seconds");
        given.leave_out("count");
        given.add("count", &count.to_string());
    }
    given
}

fn exit(report: &Report) -> Exit {
    let unmeasured = |it: &IncidentAccount| it.kind == IncidentKind::NotMeasured;
    let all_available = report.tiers.values().all(|tier| tier.available)
        && !report.incidents.iter().any(unmeasured);
    if interrupt::requested() {
        interrupt::exit()
    } else if !report.gate.regressions.is_empty() {
        Exit::Failed
    } else if !all_available || !report.accounting.closed || report.accounting.directives == 0 {
        Exit::NotMeasured
    } else {
        Exit::AsExpected
    }
}

/// The programs of a run.
fn draw(args: &FuzzArgs, seed: u64) -> Result<Draw, DrawError> {
    let engines = &args.tiers.0;
    let has_foreign = engines.iter().any(|name| name.tier().is_none());
    let fixed = Fixed {
        bounds: args.bounds,
        profile: args.profile,
        modes: args.modes.into(),
        all: args.plain,
        may_be_native: engines.contains(&EngineName::STACK) && !has_foreign,
        canonical_nans: has_foreign,
    };
    Draw::new(seed, &args.source, fixed)
}

fn options(args: &FuzzArgs) -> Result<FuzzOptions, InputError> {
    let program = this_program()?;
    let table = engine_table(&program, &args.tiers, &args.pool)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    // Digits enough to differ, and few enough to type.
    let another = || now.map_or(0, |time| time.as_millis() as u64 % 1_000_000_000);
    // Programs that are named need no seed.
    let seed = match args.case.is_empty() {
        true => args.seed.unwrap_or_else(another),
        false => 0,
    };
    let engines = &args.tiers.0;
    let draw = draw(args, seed);
    let programs = match (&args.case[..], args.count, args.seconds) {
        ([], None, None) => Programs::Drawn {
            count: Some(COUNT),
            time: None,
        },
        ([], count, time) => Programs::Drawn { count, time },
        (names, _, _) => Programs::Named(names.to_vec()),
    };
    Ok(FuzzOptions {
        measure: Options {
            jobs: args.pool.jobs.unwrap_or_else(jobs_by_default),
            timeout: args.pool.timeout,
            worker_memory: args.pool.worker_memory,
            setting: Setting {
                bounds: args.bounds.unwrap_or_default(),
                profile: args.profile.unwrap_or_default(),
                modes: args.modes.into(),
            },
            compare_state: !args.no_state,
            table,
            ..Options::plain(Selection::default(), engines.clone(), program)
        },
        seed,
        draw: draw.map_err(|error| InputError::usage(error.to_string()))?,
        programs,
        folder: Some(args.findings.clone()),
        findings_max: args.max_findings.max(1),
        reduce_time: args.reduce_time,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::plan::draw::CaseName;

    fn planned_setting(name: &CaseName, words: &[String]) -> Setting {
        let fixed = ["wassay", "fuzz"].map(String::from);
        let cli = Cli::try_parse_from(fixed.iter().chain(words)).expect("options");
        let Command::Fuzz(args) = cli.command else {
            panic!("not the command");
        };
        let planned = draw(&args, 1).expect("sources").planned(name);
        let planned = planned.expect("a source").expect("a program");
        planned.setting.expect("a setting")
    }

    #[test]
    fn the_words_of_a_setting_repeat_it() {
        let mut settings = Vec::new();
        for seed in 0..60 {
            let name = CaseName {
                source: "compiled".to_string(),
                seed,
            };
            let drawn = planned_setting(&name, &["--float-profile".into(), "deterministic".into()]);
            let words: Vec<String> = drawn.words();
            let words = words.iter().flat_map(|word| word.split(' '));
            let words = ["--plain"].into_iter().chain(words).map(String::from);
            assert_eq!(planned_setting(&name, &words.collect::<Vec<_>>()), drawn);
            settings.push(drawn);
        }
        assert!(settings.iter().any(|it| it.modes.tier_up.is_some()));
        assert!(settings.iter().any(|it| *it != Setting::default()));
    }
}
