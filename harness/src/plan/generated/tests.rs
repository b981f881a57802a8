//! Tests of every source: cases are valid, terminate, repeat, and do what they should do.

use std::collections::HashSet;

use wasmparser::{Parser, Payload, Validator};
use wassay_runtime::interior::decode::Decoder;
use wassay_runtime::interior::ops::Op;

use super::*;
use crate::outcome::Outcome;
use crate::protocol::cell::Cell;
use crate::protocol::{Job, JobConfig};
use crate::script::ModuleSource;
use crate::tier::Tier;
use crate::worker::run_job;

/// The modules of a case.
fn modules(case: &Case) -> impl Iterator<Item = &[u8]> {
    case.commands.iter().filter_map(|command| match command {
        Command::Module {
            module: ModuleSource::Binary(bytes),
            ..
        } => Some(bytes.as_slice()),
        _ => None,
    })
}

/// The outcomes of a case in a tier.
fn outcomes(case: &Case, tier: Tier) -> Vec<Outcome> {
    let cell = Cell::create().expect("a cell");
    let config = JobConfig::plain(case.features);
    let job = Job {
        sequence: 1,
        path: "generated.wast".into(),
        commands: (&case.commands[..]).into(),
        config,
        excluded: (&[][..]).into(),
    };
    let reports = run_job(tier, &cell, &job).reports;
    reports.into_iter().map(|report| report.outcome).collect()
}

/// The opcodes that no source makes, and the reason.
const NEVER: &[(Op, &str)] = &[(Op::TypedSelectMulti, "no module with it is valid")];

#[test]
fn every_opcode_occurs() {
    let mut seen = HashSet::new();
    for source in sources() {
        // The source `mutate` is slow, and makes hardly an opcode that the others do not.
        let count = match source.name() {
            "compiled" => 2000,
            "mutate" => 0,
            _ => 1500,
        };
        for case in (0..count).filter_map(|seed| source.case(seed)) {
            for module in modules(&case) {
                let code = Parser::new(0).parse_all(module);
                let bodies = code.filter_map(|payload| match payload {
                    Ok(Payload::CodeSectionEntry(body)) => Some(body),
                    _ => None,
                });
                for body in bodies {
                    let mut decoder = Decoder::new(body.as_bytes(), 0);
                    decoder.read_locals(|_, _| {}).expect("valid locals");
                    while !decoder.is_at_end() {
                        seen.insert(decoder.read().expect("a valid instruction").op);
                    }
                }
            }
        }
    }
    let executed = |op: &Op| FeatureSet::EXECUTED.contains(op.proposal());
    let all = Op::ALL.iter().copied().filter(executed);
    let never: Vec<Op> = all.filter(|op| !seen.contains(op)).collect();
    let expected: Vec<Op> = NEVER.iter().map(|(op, _)| *op).collect();
    assert_eq!(never, expected);
}

#[test]
fn modules_are_valid_and_cases_repeat() {
    for source in sources() {
        let mut made = 0;
        for seed in 0..60 {
            let case = source.case(seed);
            assert_eq!(case, source.case(seed), "{} {seed}", source.name());
            let Some(case) = case else { continue };
            made += 1;
            for module in modules(&case) {
                let validator = Validator::new_with_features(case.features.wasmparser());
                if let Err(error) = { validator }.validate_all(module) {
                    panic!("{} {seed}: {error}", source.name());
                }
            }
        }
        assert!(made >= 20, "{}: {made} cases of 60 seeds", source.name());
    }
}

/// Of these seeds the first module of wasm-smith is invalid: another one takes its place.
#[test]
fn what_smith_makes_wrong_is_left_out() {
    for seed in [0x9eef_e77e_174c_6a4c, 0xcc72_d7a1_3320_432c] {
        let case = smith::Smith.case(seed).expect("a program");
        let valid = modules(&case).map(|module| is_valid(module, case.features));
        assert_eq!(valid.collect::<Vec<_>>(), [true], "{seed:x}");
    }
}

/// The stack tier instantiates every module, and calls end: by results, a trap or an exception.
#[test]
fn cases_run() {
    for source in sources() {
        let cases = (0..40).filter_map(|seed| Some((seed, source.case(seed)?)));
        for (seed, case) in cases {
            for (outcome, command) in outcomes(&case, Tier::Stack).iter().zip(&case.commands) {
                let place = || format!("{} {seed}: {outcome:?}", source.name());
                match (command, outcome) {
                    (_, Outcome::Trap(_) | Outcome::Exception(_) | Outcome::Exhaustion(_)) => {}
                    (Command::Action(_), Outcome::Values(_)) => {}
                    (_, Outcome::Done) => {}
                    _ => panic!("{}", place()),
                }
            }
        }
    }
}
