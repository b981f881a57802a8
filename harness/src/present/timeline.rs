//! The times of a run: when each file ran in each engine, in which thread and by which worker.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::engine::EngineName;
use crate::pool::{Observer, RanFile};
use crate::script::Script;

/// A file in an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The engine.
    pub tier: EngineName,
    /// The file's path in reports.
    pub path: String,
    /// The thread, from 0.
    pub thread: usize,
    /// The latest worker of the thread, from 1; 0 if there was none yet.
    pub worker: u64,
    /// The directives of the file.
    pub directives: usize,
    /// The beginning, from that of the timeline.
    pub start: Duration,
    /// The end, from the beginning of the timeline.
    pub end: Duration,
}

/// The times of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The beginning, in milliseconds since 1970; 0 if it is not known.
    pub began_millis: u64,
    /// The length.
    pub length: Duration,
    /// Files in engines, by thread and in the order in which they ran.
    pub spans: Vec<Span>,
}

impl Timeline {
    /// The time of each file in each engine. A file that ran more than once has the sum.
    pub fn seconds(&self) -> HashMap<(EngineName, &str), f64> {
        let mut all = HashMap::new();
        for span in &self.spans {
            let seconds = (span.end - span.start).as_secs_f64();
            *all.entry((span.tier, span.path.as_str())).or_default() += seconds;
        }
        all
    }
}

/// An observer that notes times, and tells another one.
pub struct Recorder<'a> {
    other: &'a dyn Observer,
    began: Instant,
    began_at: SystemTime,
    spans: Mutex<Vec<Span>>,
}

impl<'a> Recorder<'a> {
    /// A recorder that begins now.
    pub fn new(other: &'a dyn Observer) -> Recorder<'a> {
        Recorder {
            other,
            began: Instant::now(),
            began_at: SystemTime::now(),
            spans: Mutex::default(),
        }
    }

    /// The timeline, which ends now.
    pub fn finish(self) -> Timeline {
        let since = self.began_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut spans = self
            .spans
            .into_inner()
            .expect("no thread panics while it holds it");
        spans.sort_by_key(|span| (span.thread, span.start));
        Timeline {
            began_millis: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            length: self.began.elapsed(),
            spans,
        }
    }
}

impl Observer for Recorder<'_> {
    fn more(&self, directives: usize) {
        self.other.more(directives);
    }

    fn file_done(&self, tier: EngineName, script: &Script) {
        self.other.file_done(tier, script);
    }

    fn ran(&self, file: &RanFile<'_>) {
        let span = Span {
            tier: file.tier,
            path: file.script.path.clone(),
            thread: file.thread,
            worker: file.worker,
            directives: file.script.directives.len(),
            start: file.started.saturating_duration_since(self.began),
            end: file.ended.saturating_duration_since(self.began),
        };
        self.spans
            .lock()
            .expect("no thread panics while it holds it")
            .push(span);
        self.other.ran(file);
    }

    fn warn(&self, message: &str) {
        self.other.warn(message);
    }
}
