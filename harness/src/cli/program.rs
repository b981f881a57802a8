//! The surroundings of a WASI program, as options of the commands that run one: its resources, and
//! what makes it do the same again.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use crate::record::watch::StateChoice;

/// The resources of the host that a WASI program gets.
#[derive(Clone, Debug, Default, Args)]
pub struct ResourceArgs {
    /// Let the program use a directory of the host, under the name GUEST or else HOST (repeatable)
    #[arg(long, value_name = "HOST[::GUEST]")]
    pub dir: Vec<DirGrant>,
    /// Set a variable of the program's environment; without a value, to our own (repeatable)
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub env: Vec<EnvGrant>,
    /// Let the program accept TCP connections: the socket's descriptor follows the standard
    /// streams (repeatable)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Vec<std::net::SocketAddr>,
}

impl ResourceArgs {
    /// The options that say the same, for another program.
    pub fn words(&self) -> Vec<String> {
        let dirs = self.dir.iter().map(|it| ["--dir".into(), it.to_string()]);
        let variables = self.env.iter().map(|it| ["--env".into(), it.to_string()]);
        let sockets = self.listen.iter();
        let sockets = sockets.map(|it| ["--listen".into(), it.to_string()]);
        dirs.chain(variables).chain(sockets).flatten().collect()
    }
}

/// A directory of the host that a program may use, as in `/tmp/work::/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirGrant {
    /// The path on the host.
    pub host: PathBuf,
    /// The name that the program has for it.
    pub guest: String,
}

impl FromStr for DirGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<DirGrant, String> {
        let (host, guest) = text.split_once("::").unwrap_or((text, text));
        if host.is_empty() || guest.is_empty() {
            return Err("a directory of the host, `::`, and its name in the program".into());
        }
        Ok(DirGrant {
            host: host.into(),
            guest: guest.into(),
        })
    }
}

impl fmt::Display for DirGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.host.display(), self.guest)
    }
}

/// A variable of a program's environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvGrant {
    /// The name.
    pub name: String,
    /// The value; `None` is that of our own environment, if it is there.
    pub value: Option<String>,
}

impl FromStr for EnvGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<EnvGrant, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_string())),
            None => (text, None),
        };
        if name.is_empty() {
            return Err("a variable has a name".into());
        }
        let name = name.to_string();
        Ok(EnvGrant { name, value })
    }
}

impl fmt::Display for EnvGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.value {
            Some(value) => write!(f, "={value}"),
            None => Ok(()),
        }
    }
}

/// What makes a WASI program do the same again.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Repeating a program")]
pub struct RepeatArgs {
    /// Make the program independent of this host: --clock 946684800, --seed 0, and attributes of
    /// files that do not depend on the file system
    #[arg(long)]
    pub deterministic: bool,
    /// Make clocks that begin at so many seconds after 1970 and go on by a millisecond with each
    /// look; waiting sets them forward and takes no time
    #[arg(long, value_name = "SECONDS")]
    pub clock: Option<u32>,
    /// Make random numbers that follow from a seed
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write all host calls with their arguments, results and what they write into the memory, as
    /// lines of JSON; the program prints as to a pipe
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Answer all host calls as a record does, without clock, files and network
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["dir", "listen", "env", "deterministic", "clock", "seed"]
    )]
    pub replay: Option<PathBuf>,
    /// Hash the state before host calls into the record: `thinning`, or all from one on
    #[arg(
        long,
        value_name = "WHICH",
        hide = true,
        requires = "record",
        value_parser = parse_states
    )]
    pub states: Option<StateChoice>,
    /// Write all of the state to a folder before a host call, and end
    #[arg(long, value_name = "CALL=FOLDER", hide = true, value_parser = parse_dump)]
    pub dump: Option<(u64, PathBuf)>,
}

impl RepeatArgs {
    /// The start of made clocks in nanoseconds after 1970.
    pub fn clock_start(&self) -> Option<u64> {
        const CLOCK_SECONDS: u32 = 946_684_800;
        let seconds = self.clock.or(self.deterministic.then_some(CLOCK_SECONDS));
        seconds.map(|it| u64::from(it) * 1_000_000_000)
    }

    /// The options that say the same, for another program.
    pub fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        let mut push = |name: &str, value: OsString| words.extend([name.into(), value]);
        if let Some(seconds) = self.clock {
            push("--clock", seconds.to_string().into());
        }
        if let Some(seed) = self.seed {
            push("--seed", seed.to_string().into());
        }
        if let Some(file) = &self.record {
            push("--record", file.into());
        }
        if let Some(file) = &self.replay {
            push("--replay", file.into());
        }
        match self.states {
            Some(StateChoice::Thinning) => push("--states", "thinning".into()),
            Some(StateChoice::From(call)) => push("--states", call.to_string().into()),
            None => {}
        }
        if let Some((call, folder)) = &self.dump {
            let mut value = OsString::from(format!("{call}="));
            value.push(folder);
            push("--dump", value);
        }
        words.extend(self.deterministic.then(|| "--deterministic".into()));
        words
    }
}

fn parse_states(text: &str) -> Result<StateChoice, std::num::ParseIntError> {
    match text {
        "thinning" => Ok(StateChoice::Thinning),
        text => text.parse().map(StateChoice::From),
    }
}

fn parse_dump(text: &str) -> Result<(u64, PathBuf), String> {
    let (call, folder) = text.split_once('=').ok_or("a call, `=` and a folder")?;
    let call = call.parse().map_err(|_| "a call is a number")?;
    Ok((call, folder.into()))
}
