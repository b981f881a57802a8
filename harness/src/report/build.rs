//! From judged files to the report: the counting, and the check that the account closes (contract
//! C3).
//!
//! Invariant: the number of directives found is taken from the parsed scripts, the counts from the
//! verdicts; nothing here makes the two agree, so that a verdict that was lost is seen.

use std::collections::BTreeMap;

use super::{
    Accounting, AgreementCounts, Counts, DirectiveAccount, FileAccount, Gate, GateState,
    Regression, Report, Run, SCHEMA, TierAccount, TierVerdict, texts::Texts,
};
use crate::engine::EngineName;
use crate::judge::incident::IncidentAccount;
use crate::judge::judged::JudgedFile;
use crate::judge::verdict::{Agreement, Status, Verdict};
use crate::outcome::{JudgedBy, Proof};
use crate::shell;

/// The name of the suite whose files are generated programs.
pub const GENERATED: &str = "generated";

/// What is known of a chosen tier as a whole.
#[derive(Clone, Debug, Default)]
pub struct TierState {
    /// Why it cannot run here, if it cannot.
    pub unavailable: Option<String>,
    /// Its evidence.
    pub proof: Proof,
    /// Time spent in its workers.
    pub micros: u64,
}

impl TierState {
    /// Adds what a further part of the run shows.
    pub fn add(&mut self, more: TierState) {
        self.proof.add(&more.proof);
        self.micros += more.micros;
        self.unavailable = self.unavailable.take().or(more.unavailable);
    }
}

impl TierAccount {
    /// Adds what is known of the tier as a whole.
    pub fn add_state(&mut self, state: &TierState) {
        self.proof.add(&state.proof);
        let micros = (self.seconds * 1e6).round() + state.micros as f64;
        self.seconds = micros / 1e6;
        if let Some(reason) = &state.unavailable {
            self.available = false;
            self.reason.get_or_insert_with(|| reason.clone());
        }
    }
}

/// Makes the report of a run. `files` must be in the order of their paths.
pub fn build(run: Run, tiers: &BTreeMap<EngineName, TierState>, files: &[JudgedFile]) -> Report {
    let mut builder = Builder::new(run);
    builder.add_tiers(tiers);
    for file in files {
        builder.add(file);
    }
    builder.finish()
}

/// A report that grows by files.
pub struct Builder {
    report: Report,
    tiers: BTreeMap<EngineName, TierAccount>,
    texts: Texts,
}

impl Builder {
    /// The report of a run of which nothing has been counted.
    pub fn new(run: Run) -> Builder {
        let report = Report {
            schema: SCHEMA.to_string(),
            run,
            accounting: Accounting {
                directives: 0,
                closed: true,
                judged_by_parser: 0,
                open: Vec::new(),
            },
            tiers: BTreeMap::new(),
            agreement: AgreementCounts::default(),
            proposals: BTreeMap::new(),
            files: Vec::new(),
            directives: Vec::new(),
            shapes: None,
            generated: None,
            repeats: None,
            incidents: Vec::new(),
            texts: Vec::new(),
            gate: Gate {
                state: GateState::Gating,
                regressions: Vec::new(),
                baseline: None,
            },
        };
        Builder {
            report,
            tiers: BTreeMap::new(),
            texts: Texts::default(),
        }
    }

    /// Adds what is known of tiers: before the first file, and after each part of a run.
    pub fn add_tiers(&mut self, tiers: &BTreeMap<EngineName, TierState>) {
        for (&tier, state) in tiers {
            let account = self.tiers.entry(tier);
            account
                .or_insert_with(TierAccount::available)
                .add_state(state);
        }
    }

    /// Adds a file.
    pub fn add(&mut self, file: &JudgedFile) {
        self.report.accounting.directives += file.directives.len() as u64;
        add_file(&mut self.report, &mut self.tiers, file);
        self.texts.add_file(file);
    }

    /// Adds a file, and lists it only if a directive of it is listed.
    pub fn add_unlisted(&mut self, file: &JudgedFile) {
        let listed = self.report.directives.len();
        self.add(file);
        if self.report.directives.len() == listed {
            self.report.files.pop();
        }
    }

    /// The report.
    pub fn finish(self) -> Report {
        let Builder {
            mut report,
            tiers,
            texts,
        } = self;
        let found = report.accounting.directives;
        let closed = |account: &TierAccount| account.counts.total() == found;
        report.accounting.closed = tiers.values().all(closed);
        report.tiers = tiers;
        report.texts = texts.accounts();
        report
    }
}

/// Adds one file to every account that it is on.
fn add_file(report: &mut Report, tiers: &mut BTreeMap<EngineName, TierAccount>, file: &JudgedFile) {
    let proposal = report.proposals.entry(file.proposal.clone()).or_default();
    proposal.directives += file.directives.len() as u64;
    let mut counts = BTreeMap::new();
    for (&tier, account) in tiers {
        let of_file = count_file(&mut report.accounting, file, tier, account.available);
        account.counts.add_all(&of_file);
        proposal.counts.entry(tier).or_default().add_all(&of_file);
        counts.insert(tier, of_file);
    }
    for ordinal in 0..file.directives.len() {
        add_directive(report, file, ordinal);
    }
    report.files.push(FileAccount {
        path: file.path.clone(),
        sha256: file.sha256.clone(),
        proposal: Some(file.proposal.clone()),
        features: Some((&file.features).into()),
        directives: file.directives.len() as u64,
        texts: file.texts(),
        counts,
        seconds: file.seconds,
    });
    add_incidents(report, &file.incidents);
}

/// Adds what happened to workers; what nobody expects makes the run fail.
pub fn add_incidents(report: &mut Report, incidents: &[IncidentAccount]) {
    let failing = incidents.iter().filter(|incident| incident.is_failing());
    let regressions = failing.map(|incident| Regression {
        id: incident.id.clone().unwrap_or_else(|| incident.file.clone()),
        tier: Some(incident.tier),
        what: incident.kind.name().to_string(),
    });
    report.gate.regressions.extend(regressions);
    report.incidents.extend_from_slice(incidents);
}

/// Counts a file's verdicts in one tier, and notes the directives that have none.
fn count_file(
    accounting: &mut Accounting,
    file: &JudgedFile,
    tier: EngineName,
    available: bool,
) -> Counts {
    let mut counts = Counts::default();
    if !available {
        counts.add(Status::NotRun, file.directives.len() as u64);
        return counts;
    }
    for ordinal in 0..file.directives.len() {
        match verdict_of(file, tier, ordinal) {
            Some(verdict) => {
                counts.add(verdict.status, 1);
                counts.other_text += u64::from(verdict.other_text().is_some());
            }
            None => accounting.open.push(format!("{tier} {}", file.id(ordinal))),
        }
    }
    counts
}

fn verdict_of(file: &JudgedFile, tier: EngineName, ordinal: usize) -> Option<&Verdict> {
    file.verdicts.get(&tier)?.get(ordinal)
}

/// Counts one directive's agreement, and lists it if it did not plainly pass.
fn add_directive(report: &mut Report, file: &JudgedFile, ordinal: usize) {
    let directive = &file.directives[ordinal];
    let comparison = file.comparisons.get(ordinal);
    let (agreement, diff) = comparison.unwrap_or((Agreement::NotComparable, ""));
    report.agreement.add(agreement);
    let mut expected = String::new();
    let mut tiers = BTreeMap::new();
    let mut by_parser = !file.verdicts.is_empty();
    for &tier in file.verdicts.keys() {
        let Some(verdict) = verdict_of(file, tier, ordinal) else {
            continue;
        };
        by_parser &= verdict.judged_by == JudgedBy::Parser && verdict.status == Status::Pass;
        if !verdict.status.is_plain() {
            expected.clone_from(&verdict.expected);
            tiers.insert(tier, TierVerdict::from(verdict));
        }
    }
    report.accounting.judged_by_parser += u64::from(by_parser);
    if tiers.is_empty() && agreement != Agreement::Diverge {
        return;
    }
    let id = file.id(ordinal);
    add_regressions(&mut report.gate, &id, &tiers, agreement);
    report.directives.push(DirectiveAccount {
        id,
        file: file.path.clone(),
        line: directive.line,
        column: directive.column,
        kind: directive.kind,
        expected,
        repro: repro(&report.run, &file.id(ordinal), file, &tiers, agreement),
        details: None,
        tiers,
        agreement,
        diff: (!diff.is_empty()).then(|| diff.to_string()),
    });
}

/// Notes what of a listed directive makes the run fail.
fn add_regressions(
    gate: &mut Gate,
    id: &str,
    tiers: &BTreeMap<EngineName, TierVerdict>,
    agreement: Agreement,
) {
    let failing = tiers
        .iter()
        .filter(|(_, verdict)| verdict.status.is_failing());
    gate.regressions
        .extend(failing.map(|(&tier, verdict)| Regression {
            id: id.to_string(),
            tier: Some(tier),
            what: verdict.status.name().to_string(),
        }));
    if agreement == Agreement::Diverge {
        gate.regressions.push(Regression {
            id: id.to_string(),
            tier: None,
            what: agreement.name().to_string(),
        });
    }
}

/// The command that runs the directive again, in the tiers concerned.
fn repro(
    run: &Run,
    id: &str,
    file: &JudgedFile,
    tiers: &BTreeMap<EngineName, TierVerdict>,
    agreement: Agreement,
) -> String {
    let concerned: Vec<EngineName> = match agreement {
        Agreement::Diverge => file.verdicts.keys().copied().collect(),
        Agreement::Agree | Agreement::Poisoned | Agreement::NotComparable => {
            tiers.keys().copied().collect()
        }
    };
    if run.suite == GENERATED {
        return repeat_program(file);
    }
    run.repeat(id, &concerned, "")
}

/// The command that runs a generated program again: in its setting, and in all engines, since
/// programs are changed where engines of other makers vote.
fn repeat_program(file: &JudgedFile) -> String {
    let names: Vec<&str> = file.verdicts.keys().map(|tier| tier.name()).collect();
    let setting = file.setting.unwrap_or_default();
    let words = setting.words().into_iter();
    let words: String = words.map(|word| format!(" {word}")).collect();
    let case = shell::quote(&file.path);
    format!(
        "wassay fuzz --case {case} --tiers {} --plain{words}",
        names.join(",")
    )
}
