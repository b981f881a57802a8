//! The options of a profile, and those of `wassay profile`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::run::RunArgs;

/// The kinds of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ProfileKind {
    /// Times, by samples of what runs in the tier.
    Times,
    /// Counts of instructions, by a run in the stack tier with a probe before each.
    Counts,
    /// Times, then counts: host calls are recorded, and answered from the record while counting.
    All,
}

impl ProfileKind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ProfileKind::Times => "times",
            ProfileKind::Counts => "counts",
            ProfileKind::All => "all",
        }
    }
}

/// The time between two samples where no option says otherwise.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(1);

/// What `wassay run` measures of a program.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Profile")]
pub struct ProfilingArgs {
    /// Measure the program: times of functions and lines by samples, time in each tier, times of
    /// translation; counts of opcodes, pairs and calls
    #[arg(
        id = "profiled",
        long = "profile",
        value_name = "KIND",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all"
    )]
    pub kind: Option<ProfileKind>,
    /// The profile's forms and files.
    #[command(flatten)]
    pub output: ProfileOutputArgs,
    /// Name the functions of machine code in /tmp/perf-PID.map, for Linux's perf
    #[arg(long)]
    pub perf_map: bool,
}

impl ProfilingArgs {
    /// The time between two samples.
    pub fn interval(&self) -> Duration {
        self.output.interval()
    }

    /// The options as words of a command line.
    pub fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        if let Some(kind) = self.kind {
            words.push(format!("--profile={}", kind.name()).into());
            words.push(format!("--profile-top={}", self.output.top()).into());
            let interval = humantime::format_duration(self.interval());
            words.push(format!("--profile-interval={interval}").into());
        }
        for request in &self.output.write {
            let mut word = OsString::from(format!("--profile-write={}=", request.form.name()));
            word.push(&request.path);
            words.push(word);
        }
        words.extend(self.perf_map.then(|| "--perf-map".into()));
        words
    }
}

/// The forms of a profile, and where they go.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Profile")]
pub struct ProfileOutputArgs {
    /// Write the profile in a form to a file, or `-` for stdout, as in json=out.json (repeatable)
    /// [default: as text to stderr]
    #[arg(
        id = "profile-write",
        long = "profile-write",
        value_name = "FORM=FILE",
        requires = "profiled"
    )]
    pub write: Vec<ProfileRequest>,
    /// Rows of each table of the text [default: 15]
    #[arg(
        id = "profile-top",
        long = "profile-top",
        value_name = "N",
        requires = "profiled"
    )]
    pub top: Option<usize>,
    /// The time between two samples, as in 1ms or 100us; 0 takes one at each function's entry and
    /// loop's head [default: 1ms]
    #[arg(
        long,
        value_name = "TIME",
        value_parser = humantime::parse_duration,
        requires = "profiled"
    )]
    pub profile_interval: Option<Duration>,
}

impl ProfileOutputArgs {
    /// The time between two samples.
    pub fn interval(&self) -> Duration {
        self.profile_interval.unwrap_or(SAMPLE_INTERVAL)
    }

    /// Rows of each table of the text.
    pub fn top(&self) -> usize {
        self.top.unwrap_or(15)
    }
}

const PROFILE_CONVENTIONS: &str = "\
Short for `wassay run --profile=counts`, with --write and --top for --profile-write and
--profile-top.

The program runs in the stack interpreter with a probe before each instruction. The unit is the
executed instruction, as that of fuel (block, loop, else, end and other markers are not counted):
the counts are exact, and the same on every host. They are not times; other tiers execute the same
instructions, each at its own speed. With --deterministic a program counts the same each time.

self: instructions of a function itself; total: with those of all that it has called (of a function
that calls itself, the outermost call). Lines of the source come from DWARF. A pair is two
instructions executed one after the other.

Forms: text; json; folded (a line for each stack, for flame graphs); firefox (the format of
profiler.firefox.com: a sample is an instruction).

The other options, and the exit codes, are those of `wassay run`.";

/// Options of `wassay profile`.
#[derive(Debug, Args)]
#[command(after_help = PROFILE_CONVENTIONS)]
pub struct ProfileArgs {
    /// Write the profile in a form to a file, or `-` for stdout, as in folded=out.txt (repeatable)
    /// [default: as text to stderr]
    #[arg(long, value_name = "FORM=FILE", help_heading = "Profile")]
    pub write: Vec<ProfileRequest>,
    /// Rows of each table of the text
    #[arg(long, value_name = "N", default_value_t = 15, help_heading = "Profile")]
    pub top: usize,
    /// The program.
    #[command(flatten)]
    pub run: RunArgs,
}

/// A form of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileForm {
    /// Tables for people.
    Text,
    /// All sums for programs.
    Json,
    /// A line for each stack.
    Folded,
    /// The format of Firefox's profiler.
    Firefox,
}

impl ProfileForm {
    const ALL: [ProfileForm; 4] = [
        ProfileForm::Text,
        ProfileForm::Json,
        ProfileForm::Folded,
        ProfileForm::Firefox,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ProfileForm::Text => "text",
            ProfileForm::Json => "json",
            ProfileForm::Folded => "folded",
            ProfileForm::Firefox => "firefox",
        }
    }
}

/// A profile to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileRequest {
    /// The form.
    pub form: ProfileForm,
    /// The file.
    pub path: PathBuf,
}

impl FromStr for ProfileRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<ProfileRequest, String> {
        let (name, path) = text.split_once('=').ok_or("the form is FORM=FILE")?;
        let form = ProfileForm::ALL.into_iter().find(|it| it.name() == name);
        match (form, path) {
            (Some(form), path) if !path.is_empty() => Ok(ProfileRequest {
                form,
                path: path.into(),
            }),
            (Some(_), _) => Err("a file is missing".to_string()),
            (None, _) => Err(format!(
                "no form is `{name}`; text, json, folded and firefox are"
            )),
        }
    }
}
