//! Two records against each other: the first call in which two tiers do not do the same.

use super::column::{Ending, Ran};
use crate::error::InputError;
use crate::outcome::{Place, StateHash};
use crate::record::{Bytes, End, HostCall, Line, Reader};

/// The outcome of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Compared {
    /// The tiers do the same; the number of calls before which the state was compared.
    Equal { states: u64 },
    /// The tiers do the same up to an end whose place is open.
    Open { states: u64 },
    /// The tiers do not do the same.
    Apart(Apart),
    /// Both tiers do the same up to a crash, or to the place at which they leave their record.
    Lost,
}

/// The first difference of two records.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Apart {
    /// The number of the call; the number of calls if it is the end.
    pub(super) call: u64,
    /// The part that differs.
    pub(super) part: Part,
    /// The part in each tier.
    pub(super) values: [String; 2],
    /// The last call before which the states are known to be the same.
    pub(super) equal_before: Option<u64>,
}

/// A part of a call or of the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The state before the call.
    State,
    /// The function or its arguments, or that there is a call.
    Call,
    /// The bytes that the function reads.
    Reads,
    /// The answer.
    Answer,
    /// The bytes that the function writes.
    Writes,
    /// The bytes that it prints.
    Output,
    /// The end of the program.
    Ending,
    /// The place of the end.
    Place,
}

impl Apart {
    /// True if the state before the call tells more.
    pub(super) fn is_of_state(&self) -> bool {
        match self.part {
            Part::State | Part::Call | Part::Reads | Part::Ending | Part::Place => true,
            Part::Answer | Part::Writes | Part::Output => false,
        }
    }

    /// The part in words.
    pub(super) fn what(&self) -> String {
        let text = match self.part {
            Part::State => "the state",
            Part::Call => "the call",
            Part::Reads => "the bytes that it reads",
            Part::Answer => "the answer of the host",
            Part::Writes => "the bytes that the host writes",
            Part::Output => "the output",
            Part::Ending => "the ending",
            Part::Place => "the place of the ending",
        };
        text.to_string()
    }

    /// The place of the difference in the run.
    pub(super) fn place(&self, reference: &Ran) -> String {
        let text = |call: u64| nth_call(reference, call).map(|call| call.text());
        let before = match self.call.checked_sub(1).and_then(text) {
            Some(text) => format!("behind host call {}, {text}", self.call - 1),
            None => "behind its beginning".to_string(),
        };
        match text(self.call) {
            Some(text) => format!("at host call {}, {text}, {before}", self.call),
            None => format!("at its end, {before}"),
        }
    }
}

/// A call of a record by its number.
fn nth_call(ran: &Ran, number: u64) -> Option<HostCall> {
    let (mut reader, _) = Reader::open(&ran.record).ok()?;
    for _ in 0..number {
        reader.read_line().ok()?;
    }
    match reader.read_line().ok()?? {
        Line::Call(call) => Some(call),
        Line::Record(_) | Line::End(_) => None,
    }
}

/// A line of a record, or the way in which it was cut off.
enum Next {
    Call(HostCall),
    End(End),
    Lost(String),
}

fn next(reader: &mut Reader, ran: &Ran) -> Next {
    match (reader.read_line(), &ran.account.ending) {
        (Ok(Some(Line::Call(call))), _) => Next::Call(call),
        (Ok(Some(Line::End(end))), _) => Next::End(end),
        (_, Ending::Lost(how)) => Next::Lost(how.clone()),
        (_, Ending::Recorded(_)) => Next::Lost("no line".to_string()),
    }
}

/// Compares two records.
///
/// # Errors
/// If one cannot be read.
pub(super) fn records(ran: [&Ran; 2]) -> Result<Compared, InputError> {
    let (mut one, _) = Reader::open(&ran[0].record)?;
    let (mut other, _) = Reader::open(&ran[1].record)?;
    let mut states = 0;
    let mut equal_before = None;
    for call in 0.. {
        let apart = |(part, values)| {
            Compared::Apart(Apart {
                call,
                part,
                values,
                equal_before,
            })
        };
        let lines = [next(&mut one, ran[0]), next(&mut other, ran[1])];
        let (found, state) = match &lines {
            [Next::Call(a), Next::Call(b)] => {
                let found = states_apart([a.state, b.state]);
                (found.or_else(|| calls_apart([a, b])), a.state.is_some())
            }
            [Next::End(a), Next::End(b)] if a.is_open && a.ending == b.ending => {
                return Ok(Compared::Open { states });
            }
            [Next::End(a), Next::End(b)] => match ends_apart([a, b]) {
                Some(found) => return Ok(apart(found)),
                None => return Ok(Compared::Equal { states }),
            },
            [Next::Lost(a), Next::Lost(b)] if a == b => return Ok(Compared::Lost),
            [a, b] => (Some((Part::Call, [text(a), text(b)])), false),
        };
        if let Some(found) = found {
            return Ok(apart(found));
        }
        if state {
            states += 1;
            equal_before = Some(call);
        }
    }
    Ok(Compared::Equal { states })
}

fn text(next: &Next) -> String {
    match next {
        Next::Call(call) => call.text(),
        Next::End(end) => end.ending.clone(),
        Next::Lost(how) => how.clone(),
    }
}

type Found = (Part, [String; 2]);

fn states_apart(states: [Option<StateHash>; 2]) -> Option<Found> {
    match states {
        [Some(a), Some(b)] if a != b => Some((Part::State, [a, b].map(state_text))),
        [_, _] => None,
    }
}

fn state_text(state: StateHash) -> String {
    let StateHash {
        memories,
        globals,
        tables,
        objects,
        fuel: _,
    } = state;
    format!("memories {memories:x}, globals {globals:x}, tables {tables:x}, objects {objects:x}")
}

fn calls_apart([a, b]: [&HostCall; 2]) -> Option<Found> {
    let both = |text: fn(&HostCall) -> String| [text(a), text(b)];
    let written = |it: &[(u32, Bytes)]| {
        let parts = it.iter();
        let parts: Vec<String> = parts
            .map(|(at, Bytes(bytes))| format!("{at:#x}: {}", bytes.escape_ascii()))
            .collect();
        parts.join(", ")
    };
    if (&a.name, &a.args) != (&b.name, &b.args) {
        Some((Part::Call, both(HostCall::text)))
    } else if (&a.reads, a.read_hash) != (&b.reads, b.read_hash) {
        let text = |it: &HostCall| format!("{:?}, hash {:x}", it.reads, it.read_hash);
        Some((Part::Reads, both(text)))
    } else if a.answer != b.answer {
        Some((Part::Answer, both(|it| format!("{:?}", it.answer))))
    } else if a.writes != b.writes {
        Some((Part::Writes, [written(&a.writes), written(&b.writes)]))
    } else if a.output != b.output {
        Some((Part::Output, [written(&a.output), written(&b.output)]))
    } else {
        None
    }
}

fn ends_apart([a, b]: [&End; 2]) -> Option<Found> {
    if a.ending != b.ending {
        return Some((Part::Ending, [a.ending.clone(), b.ending.clone()]));
    }
    if a.trace != b.trace {
        return Some((Part::Place, [place_text(&a.trace), place_text(&b.trace)]));
    }
    states_apart([a.state, b.state])
}

fn place_text(trace: &[Place]) -> String {
    let place = |place: &Place| match place.offset_bytes {
        Some(offset) => format!("function {} byte {offset:#x}", place.func),
        None => format!("function {}", place.func),
    };
    let places: Vec<String> = trace.iter().map(place).collect();
    places.join(" < ")
}

/// The first line in which an output is not the expected one.
pub(super) fn unexpected(expected: &[u8], found: &[u8]) -> Option<String> {
    if expected == found {
        return None;
    }
    let mut lines = [expected, found].map(|it| it.split_inclusive(|&byte| byte == b'\n'));
    for number in 1.. {
        let [want, have] = lines.each_mut().map(Iterator::next);
        if want != have {
            let text = |line: Option<&[u8]>| match line {
                Some(line) => format!("\"{}\"", line.escape_ascii()),
                None => "nothing".to_string(),
            };
            let (want, have) = (text(want), text(have));
            return Some(format!("line {number} is {have}, expected {want}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Answer;

    fn call() -> HostCall {
        HostCall {
            name: "fd_write".to_string(),
            args: vec![1, 2],
            reads: vec![(0, 8)],
            read_hash: 5,
            answer: Answer::Errno(0),
            writes: vec![(8, Bytes(vec![1]))],
            output: vec![(1, Bytes(b"a".to_vec()))],
            state: None,
        }
    }

    /// Each part of a call that is changed is found, and told from the others.
    #[test]
    fn every_part_of_a_call_is_compared() {
        type Change = fn(&mut HostCall);
        let changes: [(Part, Change); 6] = [
            (Part::Call, |it| it.name.push('x')),
            (Part::Call, |it| it.args[1] = 3),
            (Part::Reads, |it| it.read_hash = 6),
            (Part::Answer, |it| it.answer = Answer::Errno(8)),
            (Part::Writes, |it| it.writes[0].0 = 9),
            (Part::Output, |it| it.output[0].1.0.push(0)),
        ];
        assert_eq!(calls_apart([&call(), &call()]), None);
        for (part, change) in changes {
            let mut other = call();
            change(&mut other);
            let found = calls_apart([&call(), &other]);
            assert_eq!(found.map(|it| it.0), Some(part), "{part:?}");
        }
        let state = |memories| {
            Some(StateHash {
                memories,
                ..StateHash::default()
            })
        };
        assert_eq!(states_apart([state(1), state(1)]), None);
        assert_eq!(states_apart([state(1), None]), None);
        assert!(states_apart([state(1), state(2)]).is_some());
    }

    #[test]
    fn every_part_of_an_end_is_compared() {
        let end = End {
            ending: "trap: unreachable".to_string(),
            is_open: false,
            trace: vec![Place {
                func: 1,
                offset_bytes: Some(2),
            }],
            state: Some(StateHash::default()),
        };
        let part = |change: fn(&mut End)| {
            let mut other = end.clone();
            change(&mut other);
            ends_apart([&end, &other]).map(|it| it.0)
        };
        assert_eq!(part(|_| {}), None);
        assert_eq!(part(|it| it.ending.push('x')), Some(Part::Ending));
        assert_eq!(part(|it| it.trace.clear()), Some(Part::Place));
        let change = |it: &mut End| it.state.get_or_insert_default().globals = 1;
        assert_eq!(part(change), Some(Part::State));
    }

    #[test]
    fn the_first_line_that_is_unexpected_is_shown() {
        assert_eq!(unexpected(b"a\nb\n", b"a\nb\n"), None);
        let text = unexpected(b"a\nb\n", b"a\nc\n").expect("a difference");
        assert_eq!(text, "line 2 is \"c\\n\", expected \"b\\n\"");
        let text = unexpected(b"a\n", b"").expect("a difference");
        assert_eq!(text, "line 1 is nothing, expected \"a\\n\"");
    }
}
