//! A file that an update of the suite changed, by the hashes of its directives' texts.
//!
//! The lists of hashes are compared as texts are by lines. A directive whose text is in both lists,
//! in their order, is the same one and is compared as in a file that did not change. What is in the
//! place of others is reworded; its verdict is that of a new directive.

use std::collections::{BTreeMap, BTreeSet};

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::{Outcome, Side, Update, add_new_directive, compare_pair};
use crate::engine::EngineName;
use crate::report::{DirectiveAccount, FileAccount};

/// Hex digits of a hash.
const DIGITS: usize = 8;

/// True if both reports have the hashes of all texts.
pub(super) fn is_told(before: &FileAccount, after: &FileAccount) -> bool {
    [before, after]
        .iter()
        .all(|file| file.texts.len() as u64 == file.directives * DIGITS as u64)
}

/// Compares the file in both reports.
pub(super) fn compare(
    (base, new): (&Side<'_>, &Side<'_>),
    (before, after): (&FileAccount, &FileAccount),
    tiers: &BTreeSet<EngineName>,
    outcome: &mut Outcome,
) {
    let was = by_ordinal(base.listed(&before.path));
    let is = by_ordinal(new.listed(&after.path));
    let mut update = Update {
        path: after.path.clone(),
        added: 0,
        removed: 0,
        reworded: 0,
    };
    let (old, young) = (hashes(before), hashes(after));
    for op in capture_diff_slices(Algorithm::Myers, &old, &young) {
        let (how, removed, added) = match op {
            DiffOp::Equal {
                old_index,
                new_index,
                len,
            } => {
                for at in 0..len {
                    let pair = (was.get(&(old_index + at)), is.get(&(new_index + at)));
                    compare_pair((pair.0.copied(), pair.1.copied()), tiers, outcome);
                }
                outcome
                    .compared
                    .values_mut()
                    .for_each(|count| *count += len as u64);
                continue;
            }
            DiffOp::Delete { old_len, .. } => ("", old_len, 0..0),
            DiffOp::Insert {
                new_index, new_len, ..
            } => ("added: ", 0, new_index..new_index + new_len),
            DiffOp::Replace {
                old_len,
                new_index,
                new_len,
                ..
            } => ("reworded: ", old_len, new_index..new_index + new_len),
        };
        let reworded = removed.min(added.len());
        update.reworded += reworded as u64;
        update.removed += (removed - reworded) as u64;
        update.added += (added.len() - reworded) as u64;
        for directive in added.filter_map(|ordinal| is.get(&ordinal)) {
            add_new_directive(directive, how, tiers, outcome);
        }
    }
    if update.removed > 0 {
        let text = format!("{} directives that an update removed", update.removed);
        outcome.lose(None, &after.path, text);
    }
    outcome.updates.push(update);
}

fn hashes(file: &FileAccount) -> Vec<&[u8]> {
    file.texts.as_bytes().chunks(DIGITS).collect()
}

/// Listed directives by their ordinals, which their ids have.
fn by_ordinal<'a>(listed: &[&'a DirectiveAccount]) -> BTreeMap<usize, &'a DirectiveAccount> {
    let ordinal = |directive: &&'a DirectiveAccount| {
        let (_, rest) = directive.id.rsplit_once('#')?;
        let (ordinal, _) = rest.split_once('-')?;
        Some((ordinal.parse().ok()?, *directive))
    };
    listed.iter().filter_map(ordinal).collect()
}
