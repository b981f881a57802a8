//! What is known of faults: those that change no result, with the reason, and what would catch
//! others. `harness/mutate/known.toml` lists them by their text, so that lines may move.

use serde::Deserialize;

use crate::site::{Kind, Site, one_line};

/// The list.
#[derive(Default, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Faults that change no result.
    #[serde(default)]
    equivalent: Vec<Entry>,
    /// Faults that are not caught yet.
    #[serde(default)]
    survivor: Vec<Entry>,
}

/// An entry. Every key that it has must agree with the fault.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The path of the file, or of its folder.
    file: String,
    /// The function.
    item: Option<String>,
    /// The kind.
    kind: Option<Kind>,
    /// The text at the place.
    original: Option<String>,
    /// The text in its place.
    replacement: Option<String>,
    /// Why it changes no result, or what would catch it.
    reason: String,
}

impl Entry {
    fn agrees(&self, site: &Site) -> bool {
        let is =
            |own: &Option<String>, text: &str| own.as_ref().is_none_or(|own| one_line(own) == text);
        site.file.starts_with(&self.file)
            && is(&self.item, &site.item)
            && self.kind.is_none_or(|kind| kind == site.kind)
            && is(&self.original, &site.original)
            && is(&self.replacement, &site.replacement())
    }
}

impl Known {
    /// The list of a text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// Why a fault changes no result.
    pub fn equivalent(&self, site: &Site) -> Option<&str> {
        find(&self.equivalent, site)
    }

    /// What would catch a fault.
    pub fn survivor(&self, site: &Site) -> Option<&str> {
        find(&self.survivor, site)
    }

    /// The entries that agree with none of the places of the tree.
    pub fn stale(&self, sites: &[Site]) -> Vec<String> {
        let entries = self.equivalent.iter().chain(&self.survivor);
        let is_stale = |entry: &&Entry| !sites.iter().any(|site| entry.agrees(site));
        entries
            .filter(is_stale)
            .map(|entry| format!("{entry:?}"))
            .collect()
    }
}

fn find<'a>(entries: &'a [Entry], site: &Site) -> Option<&'a str> {
    let entry = entries.iter().find(|entry| entry.agrees(site));
    entry.map(|entry| entry.reason.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::area::Role;
    use crate::find::find;

    #[test]
    fn entries_agree_by_text() {
        let text = "fn f(a: u32) -> u32 { a + 2 }";
        let sites = find("runtime/src/f.rs", text, Role::Execution).expect("parses");
        let known = "[[equivalent]]\nfile = \"runtime/src/f.rs\"\nitem = \"f\"\n\
                     kind = \"arithmetic\"\noriginal = \"a + 2\"\nreason = \"a is 0\"\n\
                     [[survivor]]\nfile = \"runtime/src/g.rs\"\nreason = \"g\"";
        let known = Known::parse(known).expect("a list");
        let of = |kind| sites.iter().find(|site| site.kind == kind).expect("a site");
        assert_eq!(known.equivalent(of(Kind::Arithmetic)), Some("a is 0"));
        assert_eq!(known.equivalent(of(Kind::Constant)), None);
        assert_eq!(known.stale(&sites).len(), 1);
    }
}
