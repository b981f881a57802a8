//! The draw of faults by a seed: areas in turn, and in each the files and kinds evenly.

use std::collections::{BTreeMap, VecDeque};

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::area::AREAS;
use crate::site::Site;

/// The sites of an area, by its number in the table.
pub type ByArea = BTreeMap<usize, Vec<Site>>;

/// All sites in the order in which they are drawn.
pub fn order(by_area: ByArea, seed: u64) -> Vec<Site> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut queues: Vec<VecDeque<Site>> = vec![VecDeque::new(); AREAS.len()];
    for (area, mut sites) in by_area {
        sites.shuffle(&mut random);
        queues[area] = evenly(sites).into();
    }
    let mut drawn = Vec::new();
    while queues.iter().any(|queue| !queue.is_empty()) {
        drawn.extend(queues.iter_mut().filter_map(VecDeque::pop_front));
    }
    drawn
}

/// Sites in an order in which the kinds and the files of each kind alternate.
fn evenly(sites: Vec<Site>) -> Vec<Site> {
    let mut of_file = BTreeMap::new();
    let mut of_kind = BTreeMap::new();
    let mut ranked = Vec::new();
    for site in sites {
        let in_file = of_file
            .entry((site.kind, site.file.clone()))
            .or_insert(0usize);
        *in_file += 1;
        let rank = *in_file;
        ranked.push((rank, site));
    }
    // Stable: the shuffled order stays within a rank.
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut turns = Vec::new();
    for (_, site) in ranked {
        let turn = of_kind.entry(site.kind).or_insert(0usize);
        *turn += 1;
        turns.push((*turn, site));
    }
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, site)| site).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::area::Role;
    use crate::find::find;

    #[test]
    fn a_seed_is_an_order_in_which_kinds_alternate() {
        let text = "fn f(a: u32) -> u32 { if a < 1 { a + 2 + 3 + 4 + 5 } else { a & 7 } }";
        let drawn = |seed| {
            let sites = find("f.rs", text, Role::Execution).expect("parses");
            let drawn = order(BTreeMap::from([(1, sites)]), seed);
            let text = drawn.iter().map(|site| (site.kind, site.replacement()));
            text.collect::<Vec<_>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        let mut first: Vec<_> = drawn(1).iter().take(6).map(|(kind, _)| *kind).collect();
        first.sort_unstable();
        let count = first.len();
        first.dedup();
        assert_eq!(first.len(), count);
    }
}
