//! The times of a run as a Chrome trace, for `chrome://tracing`, Perfetto and Speedscope: a track
//! for each thread with the files that it ran, and one with the lives of its workers.
//!
//! Format: the JSON object format of the Trace Event Format, complete events (`X`) and metadata.

use std::time::Duration;

use serde_json::{Value, json};

use super::Presenter;
use super::beside::Beside;
use super::timeline::Span;
use crate::report::Report;

/// The format.
pub struct Trace;

/// The process of all tracks.
const PROCESS: u32 = 1;

impl Presenter for Trace {
    fn name(&self) -> &'static str {
        "trace"
    }

    fn about(&self) -> &'static str {
        "measured times as a Chrome trace"
    }

    fn render(&self, report: &Report, beside: &Beside) -> String {
        let timeline = &beside.timeline;
        let mut events = vec![metadata("process_name", 0, "wassay")];
        let mut known = None;
        for span in &timeline.spans {
            if known != Some(span.thread) {
                known = Some(span.thread);
                let name = format!("thread {}", span.thread);
                events.push(metadata("thread_name", files_track(span.thread), &name));
                let name = format!("workers of thread {}", span.thread);
                events.push(metadata("thread_name", files_track(span.thread) + 1, &name));
            }
            let args = json!({"directives": span.directives, "worker": span.worker});
            let track = files_track(span.thread);
            events.push(event(
                &span.path,
                span,
                (span.start, span.end),
                track,
                &args,
            ));
        }
        for (first, last) in lives(&timeline.spans) {
            let name = format!("{} worker {}", first.tier, first.worker);
            let track = files_track(first.thread) + 1;
            events.push(event(
                &name,
                first,
                (first.start, last.end),
                track,
                &json!({}),
            ));
        }
        let value = json!({
            "displayTimeUnit": "ms",
            "otherData": {
                "version": report.run.version,
                "suite": report.run.suite,
                "revision": report.run.suite_revision,
                "host": report.run.host,
                "began_millis": timeline.began_millis,
            },
            "traceEvents": events,
        });
        format!("{value}\n")
    }
}

/// The number of the track of a thread's files; its workers follow.
fn files_track(thread: usize) -> usize {
    2 * thread + 1
}

fn event(
    name: &str,
    span: &Span,
    (start, end): (Duration, Duration),
    track: usize,
    args: &Value,
) -> Value {
    let micros = |time: Duration| time.as_nanos() as f64 / 1e3;
    json!({
        "name": name,
        "cat": span.tier.name(),
        "ph": "X",
        "ts": micros(start),
        "dur": micros(end - start),
        "pid": PROCESS,
        "tid": track,
        "args": args,
    })
}

fn metadata(what: &str, track: usize, name: &str) -> Value {
    json!({"name": what, "ph": "M", "pid": PROCESS, "tid": track, "args": {"name": name}})
}

/// The first and the last file of each worker. A thread has one worker at a time.
fn lives(spans: &[Span]) -> Vec<(&Span, &Span)> {
    let mut lives: Vec<(&Span, &Span)> = Vec::new();
    for span in spans.iter().filter(|span| span.worker > 0) {
        let key = |it: &Span| (it.thread, it.worker, it.tier);
        match lives.last_mut() {
            Some((_, last)) if key(last) == key(span) => *last = span,
            _ => lives.push((span, span)),
        }
    }
    lives
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineName;
    use crate::present::hostile;
    use crate::present::timeline::Timeline;
    use crate::report::samples::report;

    #[test]
    fn files_and_workers_have_their_times() {
        let span = |path: &str, worker, start, end| Span {
            tier: EngineName::JIT,
            path: path.to_string(),
            thread: 1,
            worker,
            directives: 3,
            start: Duration::from_millis(start),
            end: Duration::from_millis(end),
        };
        let spans = vec![
            span("a.wast", 1, 1, 3),
            span(hostile::TEXT, 1, 3, 4),
            span("c.wast", 2, 5, 9),
        ];
        let timeline = Timeline {
            began_millis: 7,
            length: Duration::from_millis(9),
            spans,
        };
        let beside = Beside {
            timeline,
            ..Beside::default()
        };
        let text = Trace.render(&report(&[EngineName::JIT], &[]), &beside);
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let events = value["traceEvents"].as_array().expect("a list");
        let complete: Vec<_> = events
            .iter()
            .filter(|event| event["ph"] == "X")
            .map(|it| {
                (
                    it["name"].as_str().expect("a name"),
                    it["tid"].as_u64(),
                    it["ts"].as_f64(),
                    it["dur"].as_f64(),
                )
            })
            .collect();
        let at = |track, start, length| (Some(track), Some(start), Some(length));
        let expected = [
            ("a.wast", at(3, 1e3, 2e3)),
            (hostile::TEXT, at(3, 3e3, 1e3)),
            ("c.wast", at(3, 5e3, 4e3)),
            ("jit worker 1", at(4, 1e3, 3e3)),
            ("jit worker 2", at(4, 5e3, 4e3)),
        ];
        assert_eq!(complete, expected.map(|(name, (a, b, c))| (name, a, b, c)));
    }
}
