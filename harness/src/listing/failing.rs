//! The functions in which directives of a run failed, as their engines make code of them.
//!
//! The files of the suite are read again, as for the texts of failures; a file that has changed
//! since says nothing. Variants in operand shapes are made again from these, and generated programs
//! from their names. Owns the bounds: some directives of each file, those first in which engines
//! diverge; long functions are left out and long texts cut, and both are said so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Part, Stages, parts};
use crate::engine::EngineName;
use crate::error::InputError;
use crate::features::{FeatureList, FeatureSet};
use crate::judge::verdict::Agreement;
use crate::outcome::Place;
use crate::plan::Planned;
use crate::plan::draw::Draw;
use crate::plan::shapes::{self, Request, Sampling};
use crate::protocol::configuration::Configurations;
use crate::protocol::{JobConfig, Setting};
use crate::report::details::{Details, Suspect, each_suspect};
use crate::report::shapes::VariantAccount;
use crate::report::{DirectiveAccount, Report, TierVerdict};
use crate::script::Script;
use crate::suite::select::Selection;
use crate::tier::Tier;
use crate::worker;

/// The directives of a file whose functions are listed.
const PER_FILE_MAX: usize = 50;
/// The directives of a run whose functions are listed.
const DIRECTIVES_MAX: usize = 500;
/// The bytes of code that a function has that is listed.
const BODY_BYTES_MAX: usize = 16_000;
/// The bytes of a stage's text; what is longer is cut at a line.
const TEXT_BYTES_MAX: usize = 12_000;
/// The stages that are listed.
const STAGES: Stages = Stages {
    source: true,
    ir: true,
    built: false,
    optimised: false,
    code: true,
};

/// The functions of a run in which directives failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listings {
    /// Each function once for each way to make code of it.
    pub functions: Vec<Listing>,
    /// Their indices by the id of a directive.
    pub of: BTreeMap<String, Vec<usize>>,
}

/// A function in some stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The function by index and name, and its module by file and line.
    pub title: String,
    /// The stages.
    pub parts: Vec<Part>,
    /// The reason why stages are missing.
    pub missing: Option<String>,
}

/// The identity of a listing within its file: the module's ordinal, the function, the byte at which
/// it was, and how code was made of it.
type Key = (usize, u32, Option<u32>, String);

/// The listings of a file: each by its key, and the keys of each directive.
type OfFile = Vec<(String, Vec<(Key, Option<Listing>)>)>;

/// A directive or variant that failed.
#[derive(Clone)]
struct Chosen<'a> {
    id: &'a str,
    tiers: &'a BTreeMap<EngineName, TierVerdict>,
    /// The functions that were running, as far as the report has them.
    traces: Vec<Vec<Place>>,
}

/// What failed in each file.
type ByFile<'a> = BTreeMap<&'a str, Vec<Chosen<'a>>>;

/// Lists the functions in which directives of a run failed, and their variants in operand shapes.
///
/// # Errors
/// If the suite cannot be read any more.
pub fn listings(
    report: &Report,
    selection: &Selection,
    configurations: &Configurations,
) -> Result<Listings, InputError> {
    let known = report.directives.iter().filter(|it| it.details.is_some());
    let directives = by_file(known.map(of_directive).collect());
    let variants = report.shapes.iter().flat_map(|it| &it.failures);
    let variants = by_file(variants.filter_map(of_variant).collect());
    let paths: BTreeSet<&str> = directives.keys().chain(variants.keys()).copied().collect();
    if paths.is_empty() {
        return Ok(Listings::default());
    }
    let of_file = |script: &Script, text: &str| {
        let file = report.files.iter().find(|it| it.path == script.path);
        // A file that is another one by now says nothing about the one that ran.
        let Some(file) = file.filter(|it| it.sha256 == script.sha256) else {
            return Vec::new();
        };
        let stated = file.features.as_ref().map(|it| it.set.parse());
        let stated: FeatureList = stated.and_then(Result::ok).unwrap_or_default();
        let reader = Reader {
            features: stated.apply(FeatureSet::WASM3),
            setting: setting_of_run(report),
            configurations,
            is_made: false,
        };
        let path = script.path.as_str();
        let directives = directives.get(path);
        let directives = directives.map(|chosen| reader.of_file(script, text, chosen));
        let variants = variants.get(path);
        let variants = variants.map(|chosen| reader.of_variants(script, chosen, report));
        let all = directives.into_iter().chain(variants.into_iter().flatten());
        all.collect::<Vec<OfFile>>()
    };
    let found = selection.with_texts(&paths, of_file)?;
    Ok(numbered(found.into_iter().flatten()))
}

/// Lists the functions of generated programs in which engines differ or fail.
pub fn generated_listings(report: &Report, draw: &Draw, added: &Configurations) -> Listings {
    let chosen = by_file(report.directives.iter().map(of_directive).collect());
    let of_program = |(name, chosen): (&&str, &Vec<Chosen<'_>>)| {
        let planned = draw.planned(&name.parse().ok()?).ok()??;
        let reader = Reader {
            features: planned.features.set,
            setting: planned.setting.unwrap_or(setting_of_run(report)),
            configurations: added,
            is_made: true,
        };
        Some(reader.of_file(&planned.script, "", chosen))
    };
    numbered(chosen.iter().filter_map(of_program))
}

fn setting_of_run(report: &Report) -> Setting {
    let run = &report.run;
    Setting {
        bounds: run.bounds,
        profile: run.profile,
        modes: run.modes,
    }
}

/// A directive that failed, its file, and true if engines diverge in it.
fn of_directive(it: &DirectiveAccount) -> (bool, &str, Chosen<'_>) {
    let chosen = Chosen {
        id: &it.id,
        tiers: &it.tiers,
        traces: it.details.as_ref().map_or_else(Vec::new, traces),
    };
    (it.agreement == Agreement::Diverge, &it.file, chosen)
}

/// The same of a variant, if it failed.
fn of_variant(it: &VariantAccount) -> Option<(bool, &str, Chosen<'_>)> {
    let diverges = it.agreement == Agreement::Diverge;
    let fails = it.tiers.values().any(|it| it.status.is_failing());
    let chosen = Chosen {
        id: &it.id,
        tiers: &it.tiers,
        traces: Vec::new(),
    };
    (diverges || fails).then_some((diverges, it.file.as_str(), chosen))
}

/// Numbers the listings of all files.
fn numbered(files: impl Iterator<Item = OfFile>) -> Listings {
    let mut all = Listings::default();
    for file in files {
        let mut numbers: BTreeMap<Key, usize> = BTreeMap::new();
        for (id, functions) in file {
            let mut of = Vec::new();
            for (key, listing) in functions {
                if let Some(listing) = listing {
                    numbers.insert(key.clone(), all.functions.len());
                    all.functions.push(listing);
                }
                of.extend(numbers.get(&key));
            }
            if !of.is_empty() {
                all.of.insert(id, of);
            }
        }
    }
    all
}

/// What is listed, by file: that first in which engines diverge.
fn by_file<'a>(mut failed: Vec<(bool, &'a str, Chosen<'a>)>) -> ByFile<'a> {
    failed.sort_by_key(|(diverges, ..)| !diverges);
    let mut chosen = ByFile::new();
    let mut count = 0;
    for (_, file, directive) in failed {
        let of_file = chosen.entry(file).or_default();
        if of_file.len() < PER_FILE_MAX && count < DIRECTIVES_MAX {
            of_file.push(directive);
            count += 1;
        }
    }
    chosen.retain(|_, of_file| !of_file.is_empty());
    chosen
}

/// The functions that were running, as a report has them; those of a trace that is cut begin in a
/// module that is not known.
fn traces(details: &Details) -> Vec<Vec<Place>> {
    let whole = details.traces.iter().filter(|trace| trace.more == 0);
    let places = whole.map(|trace| {
        let place = |frame: &crate::report::details::FrameAccount| Place {
            func: frame.function,
            offset_bytes: frame.offset,
        };
        trace.frames.iter().map(place).collect()
    });
    places.collect()
}

/// What is known of how a file's modules became code.
struct Reader<'a> {
    features: FeatureSet,
    setting: Setting,
    configurations: &'a Configurations,
    /// True if the script stands in no file.
    is_made: bool,
}

impl Reader<'_> {
    /// The functions of variants of a file's directives, which are made again.
    fn of_variants(&self, script: &Script, chosen: &[Chosen<'_>], report: &Report) -> Vec<OfFile> {
        let account = report.shapes.as_ref();
        let sampling = account.map_or_else(Sampling::default, |it| Sampling {
            seed: it.seed,
            per_assertion: it.samples,
        });
        let request = Request {
            sampling,
            setting: self.setting,
            has_foreign: report.tiers.keys().any(|name| name.tier().is_none()),
        };
        let file = Planned::alone(Arc::new(script.clone()), self.features);
        let of_script = |planned: Planned| {
            let reader = Reader {
                features: planned.features.set,
                setting: planned.setting.unwrap_or(self.setting),
                configurations: self.configurations,
                is_made: true,
            };
            reader.of_file(&planned.script, "", chosen)
        };
        let files = [file];
        let scripts = shapes::rounds(&files, request).flat_map(|round| round.scripts);
        scripts.map(of_script).collect()
    }

    fn of_file(&self, script: &Script, text: &str, chosen: &[Chosen<'_>]) -> OfFile {
        let chosen: BTreeMap<&str, &Chosen<'_>> = chosen.iter().map(|it| (it.id, it)).collect();
        let directives = script.directives.iter().enumerate();
        let located = directives.filter_map(|(at, it)| Some((at, *chosen.get(it.id.as_str())?)));
        let located: BTreeMap<usize, &Chosen<'_>> = located.collect();
        let wanted = located.iter().map(|(&at, it)| (at, it.traces.clone()));
        let wanted: Vec<(usize, Vec<Vec<Place>>)> = wanted.collect();
        let mut all = OfFile::new();
        let mut seen = BTreeSet::new();
        let mut show = |ordinal: usize, suspect: Suspect<'_>| {
            let directive = located[&ordinal];
            let setting = self.setting_of(directive);
            let words = setting.to_string();
            let key = (suspect.of, suspect.func, suspect.offset, words);
            let listing = seen
                .insert(key.clone())
                .then(|| self.listing(script, &suspect, setting));
            match all.last_mut() {
                Some((id, functions)) if id == directive.id => functions.push((key, listing)),
                Some(_) | None => all.push((directive.id.to_string(), vec![(key, listing)])),
            }
        };
        each_suspect(script, text, self.features, &wanted, &mut show);
        all
    }

    /// How code was made for the first column that fails.
    fn setting_of(&self, directive: &Chosen<'_>) -> Setting {
        let mut failing = directive.tiers.iter().filter(|it| it.1.status.is_failing());
        let configuration = failing.find_map(|(name, _)| EngineName::configuration(*name));
        let added = configuration.and_then(|name| self.configurations.get(name));
        added.map_or(self.setting, |added| self.setting.with(added))
    }

    fn listing(&self, script: &Script, suspect: &Suspect<'_>, setting: Setting) -> Listing {
        let Suspect { module, func, .. } = *suspect;
        let name = suspect.name.map(|name| format!(" ${name}"));
        let (directive, words) = (&script.directives[suspect.of], setting.to_string());
        let with = match words.is_empty() {
            true => String::new(),
            false => format!(", with {words}"),
        };
        let (name, path, line) = (name.unwrap_or_default(), &script.path, directive.line);
        let whose = match self.is_made {
            true => format!("a module made for {path}"),
            false => format!("the module at {path}:{line}"),
        };
        let mut listing = Listing {
            title: format!("function {func}{name} of {whose}{with}"),
            parts: Vec::new(),
            missing: None,
        };
        let Some(body) = module.body_index(func) else {
            return listing;
        };
        let bytes = module.bodies[body].len();
        if bytes > BODY_BYTES_MAX {
            listing.missing = Some(format!("its code has {bytes} bytes, too many to list"));
            return listing;
        }
        let config = worker::config(
            Tier::Register,
            &JobConfig::plain(self.features).with(setting),
        );
        let asked = (STAGES, suspect.offset);
        let mut show = |part| listing.parts.push(cut(part));
        if let Err(error) = parts(module, body, &config, asked, &mut show) {
            listing.missing = Some(error.to_string());
        }
        listing
    }
}

/// A stage whose text is not longer than it may be: its beginning, or where a later line is marked
/// that line and those before it.
fn cut(part: Part) -> Part {
    let Part { name, text, marked } = part;
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let mut bytes = 0;
    let fits = lines.iter().take_while(|line| {
        bytes += line.len() + 1;
        bytes <= TEXT_BYTES_MAX
    });
    let count = fits.count();
    let last = marked
        .first()
        .map_or(0, |first| (first + 1).min(lines.len()));
    let first = last.saturating_sub(count);
    let shown = first..lines.len().min(first + count);
    let mut out = Vec::new();
    if first > 0 {
        out.push(format!(".. ({first} lines before)"));
    }
    let before = out.len();
    out.extend(lines[shown.clone()].iter().map(ToString::to_string));
    if shown.end < lines.len() {
        out.push(format!(".. ({} more lines)", lines.len() - shown.end));
    }
    let marked = marked.into_iter().filter(|line| shown.contains(line));
    Part {
        name,
        marked: marked.map(|line| line - first + before).collect(),
        text: out.join("\n"),
    }
}
