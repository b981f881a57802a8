//! What is known of a run beside its report, since reports of the same run are the same whatever
//! took how long and whoever reads them.

use super::timeline::Timeline;
use crate::listing::failing::Listings;
use crate::report::history::PastRun;

/// What is known of a run beside its report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The times.
    pub timeline: Timeline,
    /// The runs of a history before this one, the oldest first.
    pub earlier: Vec<PastRun>,
    /// The functions in which directives failed; `None` where there are no modules to list them
    /// from.
    pub listings: Option<Listings>,
}
