//! A program whose host calls are recorded, or answered from a record.
//!
//! A recorded program prints through memory, so that each call has what it has printed; so its
//! output looks to it like a pipe. A replayed program has no clock, no files and no network: each
//! of its calls has to be the next one of the record, and gets its answer.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::path::PathBuf;

use wassay_runtime::interior::sample::Sampler;
use wassay_runtime::{AsContext, Error, Linker, StoreContext};
use wassay_wasi::link::{Call, link_by};
use wassay_wasi::{Captured, Ending, Errno, Function, GuestMemory, Signal, Wasi};
use xxhash_rust::xxh3::Xxh3;

use super::{Answer, Bytes, End, HostCall, Line, Record, Writer, call_text, dump};
use crate::closed::is_open;
use crate::error::InputError;
use crate::outcome::StateHash;
use crate::worker::state::State;

/// The bytes of state that are hashed before only every second call is looked at, then before only
/// every fourth one, and so on.
const HASHED_BYTES: u64 = 1 << 30;

/// A program with the watch over its calls. It is the data of the program's store.
#[derive(Debug)]
pub struct Program {
    /// The program as WASI has it.
    pub wasi: Wasi,
    /// The watch; without one calls take the direct way.
    pub watch: Option<Box<Watch>>,
    /// The sampler that keeps the times of calls.
    pub sampler: Option<&'static Sampler>,
}

/// The reason why a watch ends a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The program does not do what the record says.
    #[error("replay: {0}")]
    Apart(String),
    /// A file that cannot be written.
    #[error("{0}")]
    Output(String),
    /// The state has been written as asked.
    #[error("stopped as asked")]
    Dumped,
}

/// The watch over the calls of a program.
#[derive(Debug, Default)]
pub struct Watch {
    /// The number of calls so far.
    calls: u64,
    /// The record that is written.
    writer: Option<Writer>,
    /// The record that answers, with the number of the calls that were used.
    replay: Option<Record>,
    /// The standard output and error of a program that is not replayed.
    output: Vec<(u32, Captured)>,
    /// The calls at which the state is hashed.
    states: Option<States>,
    /// The call at which all of the state is written, and the folder.
    dump: Option<(u64, PathBuf)>,
    /// True if nothing is printed.
    is_silent: bool,
}

/// The calls at which the state is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateChoice {
    /// All from the one of that number on.
    From(u64),
    /// All, and with more bytes fewer: then every second, every fourth, ...
    Thinning,
}

#[derive(Debug)]
struct States {
    choice: StateChoice,
    state: State,
    /// The distance of calls at which the state is hashed.
    every: u64,
    /// The bytes that were hashed at this distance.
    bytes: u64,
}

impl Watch {
    /// A watch that writes a record; `output` has the standard streams that the program prints to.
    pub fn record(mut self, writer: Writer) -> Watch {
        self.writer = Some(writer);
        self
    }

    /// A watch that answers calls from a record.
    pub fn replay(mut self, record: Record) -> Watch {
        self.replay = Some(record);
        self
    }

    /// A watch over what the program prints to standard output and error.
    pub fn output(mut self, stdout: Captured, stderr: Captured) -> Watch {
        self.output = vec![(1, stdout), (2, stderr)];
        self
    }

    /// A watch that prints nothing.
    pub fn silent(mut self) -> Watch {
        self.is_silent = true;
        self
    }

    /// A watch that hashes the state at calls.
    pub fn states(mut self, choice: StateChoice) -> Watch {
        self.states = Some(States {
            choice,
            state: State::new(),
            every: 1,
            bytes: 0,
        });
        self
    }

    /// A watch that writes all of the state to a folder at a call, and ends the program then; if
    /// the program has fewer calls, at its end.
    pub fn dump(mut self, call: u64, folder: PathBuf) -> Watch {
        self.dump = Some((call, folder));
        self
    }
}

impl States {
    /// The hashes of a store at a call, if this one is looked at.
    fn at<T: 'static>(&mut self, store: StoreContext<'_, T>, call: u64) -> Option<StateHash> {
        let is_chosen = match self.choice {
            StateChoice::From(first) => call >= first,
            StateChoice::Thinning => call.is_multiple_of(self.every),
        };
        if !is_chosen {
            return None;
        }
        let memories = wassay_runtime::interior::memories(store);
        self.bytes += memories.map(|it| it.data_size(store) as u64).sum::<u64>();
        if self.bytes > HASHED_BYTES {
            (self.every, self.bytes) = (self.every * 2, 0);
        }
        Some(self.take(store))
    }

    fn take<T: 'static>(&mut self, store: StoreContext<'_, T>) -> StateHash {
        self.state.renew(store);
        self.state.hash()
    }
}

/// Defines functions of WASI for a program, which may be watched or sampled.
///
/// # Errors
/// If a name is defined already.
pub fn link_program(
    linker: &mut Linker<Program>,
    functions: impl IntoIterator<Item = &'static Function>,
) -> wassay_runtime::Result<()> {
    link_by(linker, functions, answer_timed)
}

/// Answers a call.
fn answer_timed(call: &mut Call<'_, '_, Program>) -> wassay_runtime::Result<Errno> {
    let (sampler, name) = (call.caller.data().sampler, call.function.name);
    match sampler {
        Some(sampler) => sampler.host(name, || answer(call)),
        None => answer(call),
    }
}

fn answer(call: &mut Call<'_, '_, Program>) -> wassay_runtime::Result<Errno> {
    let Some(mut watch) = call.caller.data_mut().watch.take() else {
        let (function, args) = (call.function, call.args);
        let called = call.with_memory(|it, memory| function.call(&mut it.wasi, memory, args));
        return called.map_err(Error::host);
    };
    let answered = watch.answer(call);
    call.caller.data_mut().watch = Some(watch);
    answered
}

impl Watch {
    fn answer(&mut self, call: &mut Call<'_, '_, Program>) -> wassay_runtime::Result<Errno> {
        let number = self.calls;
        self.calls += 1;
        if let Some((at, folder)) = self.dump.as_ref().filter(|(at, _)| *at == number) {
            let written = dump::write(call.caller.as_context(), folder);
            let _: u64 = *at;
            return Err(Error::host(match written {
                Ok(()) => WatchError::Dumped,
                Err(error) => WatchError::Output(format!("{}: {error}", folder.display())),
            }));
        }
        let states = self.states.as_mut();
        let state = states.and_then(|it| it.at(call.caller.as_context(), number));
        let (function, args) = (call.function, call.args);
        let mut done = call.with_memory(|program, memory| match &self.replay {
            Some(record) => replayed(record, number, function, args, memory),
            None => Ok(performed(&mut program.wasi, function, args, memory)),
        });
        if let Ok(done) = &mut done {
            done.state = state;
            for (stream, captured) in &self.output {
                let bytes = captured.take();
                if !bytes.is_empty() {
                    done.output.push((*stream, Bytes(bytes)));
                }
            }
        }
        let done = done.map_err(Error::host)?;
        if !self.is_silent {
            print(&done).map_err(Error::host)?;
        }
        let answer = done.answer;
        if let Some(writer) = &mut self.writer {
            let written = writer.write(&Line::Call(done));
            let output = |error: InputError| WatchError::Output(error.to_string());
            written.map_err(|error| Error::host(output(error)))?;
        }
        result(answer)
    }

    /// Ends the record: the rest of the program's account.
    ///
    /// # Errors
    /// If a file cannot be written, or the record that was replayed goes on otherwise.
    pub fn end<T: 'static>(
        mut self,
        store: StoreContext<'_, T>,
        mut end: End,
    ) -> Result<(), WatchError> {
        if let Some((_, folder)) = &self.dump {
            let unwritten = |error| WatchError::Output(format!("{}: {error}", folder.display()));
            dump::write(store, folder).map_err(unwritten)?;
        }
        if let Some(record) = &self.replay {
            let left = record.calls.len() as u64;
            if self.calls < left {
                return Err(WatchError::Apart(format!(
                    "the program has ended ({}) after {} calls; in the record call {} is {}",
                    end.ending,
                    self.calls,
                    self.calls,
                    record.calls[self.calls as usize].text()
                )));
            }
            if record.end.ending != end.ending {
                return Err(WatchError::Apart(format!(
                    "the program has ended with {}; in the record it ends with {}",
                    end.ending, record.end.ending
                )));
            }
        }
        end.state = self.states.as_mut().map(|it| it.take(store));
        match self.writer.take() {
            Some(writer) => {
                let written = writer.finish(end);
                written.map_err(|error| WatchError::Output(error.to_string()))
            }
            None => Ok(()),
        }
    }
}

/// Prints what a call prints to the standard streams.
fn print(done: &HostCall) -> Result<(), WatchError> {
    for (stream, Bytes(bytes)) in &done.output {
        let written = match stream {
            1 => {
                let mut stdout = std::io::stdout().lock();
                let written = is_open().and_then(|()| stdout.write_all(bytes));
                written.and_then(|()| stdout.flush())
            }
            _ => std::io::stderr().lock().write_all(bytes),
        };
        let output = |error| WatchError::Output(format!("standard stream {stream}: {error}"));
        written.map_err(output)?;
    }
    Ok(())
}

/// The result of a function as the program gets it.
fn result(answer: Answer) -> wassay_runtime::Result<Errno> {
    let ending = match answer {
        Answer::Errno(number) => {
            let errno = Errno::from_number(number.into());
            return errno.ok_or_else(|| Error::msg(format!("no error code is {number}")));
        }
        Answer::Exit(code) => Ending::Exit(code),
        Answer::Deadline => Ending::Deadline,
        Answer::Raised(number) => match Signal::from_number(number.into()) {
            Some(signal) => Ending::Raised(signal),
            None => return Err(Error::msg(format!("no signal is {number}"))),
        },
    };
    Err(Error::host(ending))
}

/// Performs a call, and notes what it does with the memory.
fn performed(
    wasi: &mut Wasi,
    function: &Function,
    args: &[u64],
    memory: &mut dyn GuestMemory,
) -> HostCall {
    let mut noted = Noted::new(memory);
    let answer = match function.call(wasi, &mut noted, args) {
        Ok(errno) => Answer::Errno(errno.number()),
        Err(Ending::Exit(code)) => Answer::Exit(code),
        Err(Ending::Raised(signal)) => Answer::Raised(signal.number()),
        Err(Ending::Deadline) => Answer::Deadline,
    };
    HostCall {
        name: function.name.to_string(),
        args: args.to_vec(),
        read_hash: noted.read_hash(),
        reads: noted.reads.into_inner(),
        answer,
        writes: noted.writes,
        output: Vec::new(),
        state: None,
    }
}

/// Answers a call as the record does.
fn replayed(
    record: &Record,
    number: u64,
    function: &Function,
    args: &[u64],
    memory: &mut dyn GuestMemory,
) -> Result<HostCall, WatchError> {
    let now = call_text(function.name, args);
    let apart = |reason: String| Err(WatchError::Apart(reason));
    let Some(call) = record.calls.get(number as usize) else {
        let ending = &record.end.ending;
        return apart(format!(
            "call {number} is {now}; in the record the program has ended before it ({ending})"
        ));
    };
    if call.name != function.name || call.args != args {
        let then = call.text();
        return apart(format!(
            "call {number} is {now}; in the record it is {then}"
        ));
    }
    let noted = Noted::new(memory);
    let mut bytes = Vec::new();
    for &(address, len) in &call.reads {
        bytes.resize(len as usize, 0);
        if !noted.read(address, &mut bytes) {
            return apart(format!(
                "call {number}, {now}: the memory ends before {address:#x}"
            ));
        }
    }
    if noted.read_hash() != call.read_hash {
        return apart(format!(
            "call {number}, {now}, reads other bytes of the memory than in the record"
        ));
    }
    for (address, Bytes(bytes)) in &call.writes {
        if !memory.write(*address, bytes) {
            return apart(format!(
                "call {number}, {now}: the memory ends before {address:#x}"
            ));
        }
    }
    Ok(call.clone())
}

/// A memory, with a note of all that a function does with it.
struct Noted<'a> {
    memory: &'a mut dyn GuestMemory,
    reads: RefCell<Vec<(u32, u32)>>,
    read: RefCell<Xxh3>,
    has_read: Cell<bool>,
    writes: Vec<(u32, Bytes)>,
}

impl<'a> Noted<'a> {
    fn new(memory: &'a mut dyn GuestMemory) -> Noted<'a> {
        Noted {
            memory,
            reads: RefCell::default(),
            read: RefCell::new(Xxh3::new()),
            has_read: Cell::new(false),
            writes: Vec::new(),
        }
    }

    fn read_hash(&self) -> u64 {
        match self.has_read.get() {
            true => self.read.borrow().digest(),
            false => 0,
        }
    }
}

impl GuestMemory for Noted<'_> {
    fn size(&self) -> u64 {
        self.memory.size()
    }

    fn read(&self, address: u32, bytes: &mut [u8]) -> bool {
        if !self.memory.read(address, bytes) {
            return false;
        }
        let len = bytes.len() as u32;
        self.has_read.set(self.has_read.get() || len > 0);
        self.read.borrow_mut().update(bytes);
        let mut reads = self.reads.borrow_mut();
        match reads.last_mut() {
            Some((begin, before)) if begin.wrapping_add(*before) == address => *before += len,
            Some(_) | None if len == 0 => {}
            Some(_) | None => reads.push((address, len)),
        }
        true
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> bool {
        if !self.memory.write(address, bytes) {
            return false;
        }
        match self.writes.last_mut() {
            Some((begin, Bytes(before))) if begin.wrapping_add(before.len() as u32) == address => {
                before.extend_from_slice(bytes);
            }
            Some(_) | None if bytes.is_empty() => {}
            Some(_) | None => self.writes.push((address, Bytes(bytes.to_vec()))),
        }
        true
    }
}
