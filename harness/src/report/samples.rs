//! Reports for tests: files of given directives with given verdicts.

use std::collections::BTreeMap;

use super::build::{TierState, build};
use super::{Report, Run};
use crate::engine::EngineName;
use crate::judge::judged::{JudgedFile, Traces};
use crate::judge::verdict::{Agreement, Comparison, Status, Verdict};
use crate::outcome::JudgedBy;
use crate::protocol::{Bounds, Modes, Profile};
use crate::script::parse::parse_script;
use crate::suite::FileFeatures;

/// A verdict as the judge would give it; a failure says `unsupported: x`.
pub(crate) fn verdict(status: Status) -> Verdict {
    let [expected, actual, detail] = match status {
        Status::Pass => [""; 3],
        _ => ["i32:0x00000001", "i32:0x00000002", "unsupported: x"],
    };
    Verdict {
        status,
        judged_by: JudgedBy::Engine,
        expected: expected.to_string(),
        actual: actual.to_string(),
        detail: detail.to_string(),
    }
}

/// A file of directives, by their texts, with the statuses of each tier in their order. All agree.
pub(crate) fn file(path: &str, texts: &[&str], tiers: &[(EngineName, &[Status])]) -> JudgedFile {
    let script = parse_script(path, &texts.join("\n"));
    assert_eq!(
        script.directives.len(),
        texts.len(),
        "one text is one directive"
    );
    let verdicts = tiers.iter().map(|(tier, statuses)| {
        (
            *tier,
            statuses
                .iter()
                .map(|&status| Some(verdict(status)))
                .collect(),
        )
    });
    let agree = Comparison {
        agreement: Agreement::Agree,
        diff: String::new(),
    };
    JudgedFile {
        verdicts: verdicts.collect(),
        comparisons: texts.iter().map(|_| agree.clone()).collect(),
        path: script.path.clone(),
        sha256: script.sha256.clone(),
        directives: JudgedFile::directives_of(&script),
        proposal: "mvp".to_string(),
        features: FileFeatures::DEFAULT,
        setting: None,
        traces: Traces::default(),
        incidents: Vec::new(),
        seconds: 0.25,
    }
}

/// A run of the whole embedded suite.
pub(crate) fn run() -> Run {
    Run {
        version: "0.0.0".to_string(),
        suite: "embedded".to_string(),
        suite_revision: "xxh3:0".to_string(),
        selection: None,
        part: None,
        host: "x86_64-linux".to_string(),
        jobs: 1,
        bounds: Bounds::Guard,
        profile: Profile::default(),
        modes: Modes::default(),
        configurations: Default::default(),
        state_compared: true,
        interrupted: false,
        repeat_with: String::new(),
        folder: None,
        provenance: None,
        seconds: 1.5,
    }
}

/// The report over files, in tiers that are all available.
pub(crate) fn report(tiers: &[EngineName], files: &[JudgedFile]) -> Report {
    let states: BTreeMap<EngineName, TierState> = tiers
        .iter()
        .map(|&tier| (tier, TierState::default()))
        .collect();
    build(run(), &states, files)
}
