//! The state of a program, and the options from which it is made.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::abi::Errno;
use crate::clock::Clocks;
use crate::descriptor::{Captured, Descriptor, Descriptors, READ, READ_ONLY, Resource, WRITE};
use crate::error::Ending;
use crate::steady::FileView;

/// The most descriptors that a program may have open, unless the options say more.
const DESCRIPTORS_MAX: usize = 1024;

/// The state of a program that is run: arguments, environment, descriptors, clocks, random numbers.
///
/// The functions of preview 1 are its methods. An engine calls them by the table
/// [`FUNCTIONS`](crate::FUNCTIONS).
#[derive(Debug)]
pub struct Wasi {
    pub(crate) args: Strings,
    pub(crate) environment: Strings,
    pub(crate) descriptors: Descriptors,
    pub(crate) clocks: Clocks,
    pub(crate) random: RandomSource,
    pub(crate) files: FileView,
    pub(crate) deadline: Option<Instant>,
}

/// The source of `random_get`.
#[derive(Debug)]
pub(crate) enum RandomSource {
    /// The system's.
    System,
    /// Numbers that follow from a seed.
    Seeded(Box<ChaCha12Rng>),
}

/// Strings that end in a zero byte, as a program gets its arguments and its environment.
#[derive(Debug, Default)]
pub(crate) struct Strings(Vec<Vec<u8>>);

impl Strings {
    fn push(&mut self, mut text: Vec<u8>) {
        text.push(0);
        self.0.push(text);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn bytes(&self) -> u32 {
        let bytes: usize = self.0.iter().map(Vec::len).sum();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// A standard stream.
#[derive(Debug)]
enum Stream {
    /// The host's own.
    Inherited,
    /// Nothing is read; what is written is lost.
    Empty,
    Input(Arc<[u8]>),
    Output(Captured),
}

/// An option that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OptionError {
    /// A zero byte in an argument or a variable, or a variable with `=` in its name.
    #[error("`{0}` has a zero byte, or a name with `=`")]
    Text(String),
    /// A directory that cannot be opened.
    #[error("the directory `{0}` cannot be opened")]
    Directory(String, #[source] io::Error),
    /// A descriptor of the host that cannot be handed on.
    #[error("a descriptor of the host cannot be handed on: {}", .0.name())]
    Descriptor(Errno),
}

/// The options of a program. Without any, a program has no arguments, no environment, no
/// directories, an empty input and no output; clocks and random numbers are the system's.
///
/// ```
/// use wassay_wasi::Options;
///
/// let mut options = Options::new();
/// options.arg("hello").env("HOME", "/").seed(1).fixed_time(0, 1_000);
/// let output = options.capture_stdout();
/// let wasi = options.build()?;
/// assert!(output.bytes().is_empty());
/// # drop(wasi);
/// # Ok::<(), wassay_wasi::OptionError>(())
/// ```
#[derive(Debug)]
pub struct Options {
    args: Vec<Vec<u8>>,
    environment: Vec<(Vec<u8>, Vec<u8>)>,
    streams: [Stream; 3],
    handed_on: Vec<File>,
    directories: Vec<(Dir, String, bool)>,
    clocks: Clocks,
    seed: Option<u64>,
    steady_files: Option<u64>,
    deadline: Option<Instant>,
    descriptors_max: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

impl Options {
    /// No options.
    pub fn new() -> Options {
        Options {
            args: Vec::new(),
            environment: Vec::new(),
            streams: [Stream::Empty, Stream::Empty, Stream::Empty],
            handed_on: Vec::new(),
            directories: Vec::new(),
            clocks: Clocks::System,
            seed: None,
            steady_files: None,
            deadline: None,
            descriptors_max: DESCRIPTORS_MAX,
        }
    }

    /// Adds an argument; the first one is the program's name.
    pub fn arg(&mut self, arg: impl Into<Vec<u8>>) -> &mut Self {
        self.args.push(arg.into());
        self
    }

    /// Adds a variable to the environment.
    pub fn env(&mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Hands the standard streams of the host on.
    pub fn inherit_streams(&mut self) -> &mut Self {
        self.streams = [Stream::Inherited, Stream::Inherited, Stream::Inherited];
        self
    }

    /// Bytes that the program reads from its standard input.
    pub fn stdin(&mut self, bytes: impl Into<Arc<[u8]>>) -> &mut Self {
        self.streams[0] = Stream::Input(bytes.into());
        self
    }

    /// Keeps what the program writes to its standard output.
    pub fn capture_stdout(&mut self) -> Captured {
        self.capture(1)
    }

    /// Keeps what the program writes to its standard error.
    pub fn capture_stderr(&mut self) -> Captured {
        self.capture(2)
    }

    fn capture(&mut self, stream: usize) -> Captured {
        let captured = Captured::default();
        self.streams[stream] = Stream::Output(captured.clone());
        captured
    }

    /// Opens a directory of the host; the program finds it under the name `guest`. What is below
    /// it can be read and changed.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn directory(&mut self, host: &Path, guest: &str) -> Result<&mut Self, OptionError> {
        self.open(host, guest, false)
    }

    /// Opens a directory of the host as [`Options::directory`] does. Nothing below it can be
    /// changed.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn read_only_directory(
        &mut self,
        host: &Path,
        guest: &str,
    ) -> Result<&mut Self, OptionError> {
        self.open(host, guest, true)
    }

    fn open(
        &mut self,
        host: &Path,
        guest: &str,
        read_only: bool,
    ) -> Result<&mut Self, OptionError> {
        let dir = Dir::open_ambient_dir(host, ambient_authority());
        let shown = || host.display().to_string();
        let dir = dir.map_err(|error| OptionError::Directory(shown(), error))?;
        self.directories.push((dir, guest.to_string(), read_only));
        Ok(self)
    }

    /// Hands a descriptor of the host on, a socket as a rule: its number follows those of the
    /// standard streams and the earlier ones, and comes before those of the directories.
    pub fn descriptor(&mut self, fd: impl Into<OwnedFd>) -> &mut Self {
        self.handed_on.push(File::from(fd.into()));
        self
    }

    /// Makes clocks that begin at `start` nanoseconds and go on by `step` nanoseconds each time
    /// that the program looks at one. Waiting sets them to the end of the wait, and takes no time.
    pub fn fixed_time(&mut self, start: u64, step: u64) -> &mut Self {
        self.clocks = Clocks::Fixed { now: start, step };
        self
    }

    /// Makes random numbers that follow from a seed.
    pub fn seed(&mut self, seed: u64) -> &mut Self {
        self.seed = Some(seed);
        self
    }

    /// Shows attributes of files that do not depend on the host: numbers in the order in which the
    /// program comes to know files, and `time`, in nanoseconds since 1970, for all times that are
    /// not before the program. So a program does the same each time in equal directories.
    pub fn steady_files(&mut self, time: u64) -> &mut Self {
        self.steady_files = Some(time);
        self
    }

    /// Lets a call that waits end the program at that time, with [`Ending::Deadline`].
    pub fn deadline(&mut self, deadline: Instant) -> &mut Self {
        self.deadline = Some(deadline);
        self
    }

    /// The most descriptors that the program may have open.
    pub fn descriptors_max(&mut self, max: usize) -> &mut Self {
        self.descriptors_max = max;
        self
    }

    /// The state of the program.
    ///
    /// # Errors
    /// If an option cannot be used.
    pub fn build(self) -> Result<Wasi, OptionError> {
        let mut wasi = Wasi {
            args: Strings::default(),
            environment: Strings::default(),
            descriptors: Descriptors::new(self.descriptors_max),
            clocks: self.clocks,
            random: match self.seed {
                Some(seed) => RandomSource::Seeded(Box::new(ChaCha12Rng::seed_from_u64(seed))),
                None => RandomSource::System,
            },
            files: self.steady_files.map_or(FileView::Host, FileView::steady),
            deadline: self.deadline,
        };
        for arg in self.args {
            wasi.args.push(without_zero(arg)?);
        }
        for (name, value) in self.environment {
            if name.is_empty() || name.contains(&b'=') {
                return Err(refused(&name));
            }
            let variable = [name.as_slice(), b"=", value.as_slice()].concat();
            wasi.environment.push(without_zero(variable)?);
        }
        let mut descriptors = Vec::new();
        for (number, stream) in self.streams.into_iter().enumerate() {
            descriptors.push(descriptor_of(number, stream));
        }
        for file in self.handed_on {
            descriptors.push(Descriptor::host(file, crate::abi::Rights::all()));
        }
        for (dir, name, read_only) in self.directories {
            let mut descriptor = Descriptor::directory(dir, Some(name));
            if read_only {
                descriptor.base &= READ_ONLY;
                descriptor.inheriting &= READ_ONLY;
            }
            descriptors.push(Ok(descriptor));
        }
        for descriptor in descriptors {
            let added = descriptor.and_then(|descriptor| wasi.descriptors.add(descriptor));
            added.map_err(OptionError::Descriptor)?;
        }
        Ok(wasi)
    }
}

fn descriptor_of(number: usize, stream: Stream) -> Result<Descriptor, Errno> {
    let direction = if number == 0 { READ } else { WRITE };
    let inherited = || match number {
        0 => rustix::io::dup(rustix::stdio::stdin()),
        1 => rustix::io::dup(rustix::stdio::stdout()),
        _ => rustix::io::dup(rustix::stdio::stderr()),
    };
    match stream {
        Stream::Inherited => match inherited() {
            Ok(fd) => Descriptor::stream(File::from(fd), direction),
            // A stream that the host has closed is an empty one.
            Err(_) => descriptor_of(number, Stream::Empty),
        },
        Stream::Empty if number == 0 => {
            Ok(Descriptor::in_memory(Resource::Input([].into(), 0), READ))
        }
        Stream::Empty => Ok(Descriptor::in_memory(Resource::Lost, WRITE)),
        Stream::Input(bytes) => Ok(Descriptor::in_memory(Resource::Input(bytes, 0), READ)),
        Stream::Output(captured) => Ok(Descriptor::in_memory(Resource::Output(captured), WRITE)),
    }
}

fn without_zero(text: Vec<u8>) -> Result<Vec<u8>, OptionError> {
    match text.contains(&0) {
        true => Err(refused(&text)),
        false => Ok(text),
    }
}

fn refused(text: &[u8]) -> OptionError {
    OptionError::Text(String::from_utf8_lossy(text).into_owned())
}

impl Wasi {
    /// Checks that the deadline has not passed.
    pub(crate) fn check_deadline(&self) -> Result<(), Ending> {
        match self.deadline.is_some_and(|at| at <= Instant::now()) {
            true => Err(Ending::Deadline),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
