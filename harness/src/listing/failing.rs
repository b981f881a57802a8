//! The functions in which directives of a run failed, as their engines make code of them.
//!
//! The files of the suite are read again, as for the texts of failures; a file that has changed
//! since says nothing. Owns the bounds: some directives of each file, those first in which engines
//! diverge; long functions are left out and long texts cut, and both are said so.

use std::collections::{BTreeMap, BTreeSet};

use super::{Part, Stages, parts};
use crate::engine::EngineName;
use crate::error::InputError;
use crate::features::{FeatureList, FeatureSet};
use crate::judge::verdict::Agreement;
use crate::outcome::Place;
use crate::protocol::configuration::Configurations;
use crate::protocol::{JobConfig, Setting};
use crate::report::details::{Details, Suspect, each_suspect};
use crate::report::{DirectiveAccount, Report};
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

/// Lists the functions in which directives of a run failed.
///
/// # Errors
/// If the suite cannot be read any more.
pub fn listings(
    report: &Report,
    selection: &Selection,
    configurations: &Configurations,
) -> Result<Listings, InputError> {
    let chosen = chosen(report);
    let paths: BTreeSet<&str> = chosen.keys().copied().collect();
    if paths.is_empty() {
        return Ok(Listings::default());
    }
    let run = &report.run;
    let setting = Setting {
        bounds: run.bounds,
        profile: run.profile,
        modes: run.modes,
    };
    let of_file = |script: &Script, text: &str| {
        let file = report.files.iter().find(|it| it.path == script.path);
        // A file that is another one by now says nothing about the one that ran.
        let Some(file) = file.filter(|it| it.sha256 == script.sha256) else {
            return OfFile::new();
        };
        let stated = file.features.as_ref().map(|it| it.set.parse());
        let stated: FeatureList = stated.and_then(Result::ok).unwrap_or_default();
        let reader = Reader {
            features: stated.apply(FeatureSet::WASM3),
            setting,
            configurations,
        };
        reader.of_file(script, text, &chosen[script.path.as_str()])
    };
    let found = selection.with_texts(&paths, of_file)?;
    Ok(numbered(found))
}

/// Numbers the listings of all files.
fn numbered(files: Vec<OfFile>) -> Listings {
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

/// The directives whose functions are listed, by file: those first in which engines diverge.
fn chosen(report: &Report) -> BTreeMap<&str, Vec<&DirectiveAccount>> {
    let diverges = |it: &DirectiveAccount| it.agreement == Agreement::Diverge;
    let known = report.directives.iter().filter(|it| it.details.is_some());
    let mut known: Vec<&DirectiveAccount> = known.collect();
    known.sort_by_key(|it| !diverges(it));
    let mut chosen: BTreeMap<&str, Vec<&DirectiveAccount>> = BTreeMap::new();
    let mut count = 0;
    for directive in known {
        let of_file = chosen.entry(&directive.file).or_default();
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
}

impl Reader<'_> {
    fn of_file(&self, script: &Script, text: &str, chosen: &[&DirectiveAccount]) -> OfFile {
        let ordinal =
            |it: &DirectiveAccount| script.directives.iter().position(|at| at.id == it.id);
        let located = chosen.iter().filter_map(|it| Some((ordinal(it)?, *it)));
        let located: BTreeMap<usize, &DirectiveAccount> = located.collect();
        let wanted = located.iter().filter_map(|(&ordinal, it)| {
            let details = it.details.as_ref()?;
            Some((ordinal, traces(details)))
        });
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
                Some((id, functions)) if *id == directive.id => functions.push((key, listing)),
                Some(_) | None => all.push((directive.id.clone(), vec![(key, listing)])),
            }
        };
        each_suspect(script, text, self.features, &wanted, &mut show);
        all
    }

    /// How code was made for the first column that fails.
    fn setting_of(&self, directive: &DirectiveAccount) -> Setting {
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
        let mut listing = Listing {
            title: format!(
                "function {func}{} of the module at {}:{}{with}",
                name.unwrap_or_default(),
                script.path,
                directive.line
            ),
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
