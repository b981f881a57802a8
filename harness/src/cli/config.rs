//! Options that come from a file: profiles and configurations in `wassay.toml`.
//!
//! ```toml
//! [profile.default]                  # of every `wassay spec` and `wassay list`
//! engines = ["stack", "jit"]
//! report = ["json=report.json"]
//!
//! [profile.ci]                       # with -P ci, besides those of the default profile
//! matrix = ["plain", "sandbox"]
//! fail-fast = true
//!
//! [configuration.sandbox]            # a column jit@sandbox: what it adds to the run's options
//! bounds = "explicit"
//! fuel = true
//! ```
//!
//! A key is the name of an option, `paths` the arguments. What a profile says becomes words that
//! are read as those of the command line are, so that there is one table of options. An option that
//! is on the command line is not taken from a profile. `wassay list` takes those that it has.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser};
use serde::Deserialize;

use super::{Cli, Command, SettingArgs};
use crate::engine::is_name;
use crate::error::InputError;
use crate::input::read_text;
use crate::protocol::configuration::{Configurations, PLAIN};
use crate::suite::folder::NAME;

/// The commands that take profiles.
const COMMANDS: [&str; 2] = ["spec", "list"];
/// The commands whose reports record their options.
const RECORDED: [&str; 3] = ["spec", "list", "fuzz"];
/// The profile of every run.
const DEFAULT: &str = "default";
/// The key of the arguments.
const PATHS: &str = "paths";

/// Where options come from besides the command line.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// Take the options of [profile.NAME] of the configuration file, besides those of
    /// [profile.default]; what is on the command line counts before them
    #[arg(
        short = 'P',
        long,
        value_name = "NAME",
        help_heading = "Configuration file"
    )]
    pub run_profile: Option<String>,
    /// The configuration file [default: the nearest wassay.toml in this folder or above it]
    #[arg(long, value_name = "FILE", help_heading = "Configuration file")]
    pub config: Option<PathBuf>,
    /// The file that defines configurations, and those.
    #[arg(skip)]
    pub defined: Option<(PathBuf, Configurations)>,
    /// The options as they count, with those of profiles.
    #[arg(skip)]
    pub given: GivenOptions,
}

/// The options of a command as they count: of the command line and of profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenOptions {
    /// The words of a command line that says the same without profiles.
    pub words: Vec<String>,
    /// The values of each option, defaults included.
    pub values: BTreeMap<String, Vec<String>>,
}

impl ConfigArgs {
    /// Adds what is not an option.
    fn finish(&mut self, given: GivenOptions, defined: Option<(PathBuf, Configurations)>) {
        self.given = given;
        self.defined = defined;
    }

    /// The configurations that columns may name.
    pub fn configurations(&self) -> Configurations {
        let defined = self.defined.as_ref();
        defined.map_or_else(Configurations::default, |(_, all)| all.clone())
    }
}

/// A command line that cannot be followed.
#[derive(Debug)]
pub enum ParseError {
    /// An option is wrong, or help is asked for. With the names of profiles, theirs may be wrong.
    Options(Box<clap::Error>, Vec<String>),
    /// The file is missing or wrong.
    File(InputError),
}

impl From<InputError> for ParseError {
    fn from(error: InputError) -> ParseError {
        ParseError::File(error)
    }
}

impl From<clap::Error> for ParseError {
    fn from(error: clap::Error) -> ParseError {
        ParseError::Options(Box::new(error), Vec::new())
    }
}

/// A setting as options, of a configuration.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct SettingOptions {
    #[command(flatten)]
    setting: SettingArgs,
}

/// The tables of the file that are read here; `suite/folder.rs` reads the others.
#[derive(Deserialize)]
struct RawFile {
    #[serde(default)]
    profile: BTreeMap<String, toml::Table>,
    #[serde(default)]
    configuration: BTreeMap<String, toml::Table>,
}

/// Reads the command line, with what the configuration file adds to it.
///
/// # Errors
/// If an option is wrong, or the file is.
pub fn parse(words: &[OsString]) -> Result<Cli, ParseError> {
    let (name, mut given) = matched(words)?;
    if !COMMANDS.contains(&name.as_str()) {
        return Ok(finished(&name, &mut given, None)?);
    }
    let asked = ConfigArgs::from_arg_matches(&given)?;
    let Some(path) = file(&asked)? else {
        return Ok(finished(&name, &mut given, None)?);
    };
    let raw = read(&path)?;
    let wrong = |message: String| InputError::at(&path, message);
    let profiles = chosen(&raw, asked.run_profile.as_deref()).map_err(wrong)?;
    let configurations = configurations(&raw.configuration).map_err(wrong)?;
    let mut all = words[..2].to_vec();
    all.extend(profile_words(&profiles, &name, &given).map_err(wrong)?);
    all.extend_from_slice(&words[2..]);
    let names = profiles.iter();
    let names = names.map(|(name, _)| format!("[profile.{name}] of {}", path.display()));
    let names: Vec<String> = names.collect();
    let defined = (!raw.configuration.is_empty()).then_some((path, configurations));
    let cli = matched(&all);
    let cli = cli.and_then(|(name, mut given)| finished(&name, &mut given, defined));
    cli.map_err(|error| ParseError::Options(Box::new(error), names))
}

/// Reads the words of a command line that a report records: no profile adds to them, and of the
/// configuration file that they name, only the definitions of configurations count.
///
/// # Errors
/// If an option is wrong, or the file is.
pub fn parse_recorded(words: &[String]) -> Result<Cli, ParseError> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let (name, mut given) = matched(&words)?;
    let Some(path) = ConfigArgs::from_arg_matches(&given)?.config else {
        return Ok(finished(&name, &mut given, None)?);
    };
    let tables = read(&path)?.configuration;
    let configurations = configurations(&tables);
    let configurations = configurations.map_err(|message| InputError::at(&path, message))?;
    Ok(finished(&name, &mut given, Some((path, configurations)))?)
}

/// The command that the words ask for, with the options that they give it.
fn matched(words: &[OsString]) -> Result<(String, ArgMatches), clap::Error> {
    let name = words.get(1).and_then(|word| word.to_str());
    let asked = name.and_then(|name| Some((name, Command::options(name)?)));
    let Some((name, command)) = asked else {
        // The version, help, or a name that is wrong.
        let mut matches = Cli::command().try_get_matches_from(words)?;
        let asked = matches.remove_subcommand();
        return asked.ok_or(clap::Error::new(ErrorKind::MissingSubcommand));
    };
    let command = command.bin_name(format!("wassay {name}"));
    // To free all options takes as long as to read these.
    let mut command = ManuallyDrop::new(command.display_name(format!("wassay-{name}")));
    let given = match command.try_get_matches_from_mut(&words[1..]) {
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            for_program(name, &mut command, &words[1..]).ok_or(error)?
        }
        given => given?,
    };
    Ok((name.to_string(), given))
}

/// The commands that give a program of WASI the words behind its file.
const PROGRAM_COMMANDS: &[&str] = &["run", "profile", "diff"];

/// The options where the word that asks for help stands behind the file of a program: then it is
/// the program that is asked.
fn for_program(name: &str, command: &mut clap::Command, words: &[OsString]) -> Option<ArgMatches> {
    let help = words
        .iter()
        .position(|word| word == "--help" || word == "-h");
    let (before, asked) = words.split_at_checked(help?)?;
    if !PROGRAM_COMMANDS.contains(&name) {
        return None;
    }
    let own = command.try_get_matches_from_mut(before).ok()?;
    if own.try_contains_id("invoke").is_ok_and(|given| given) {
        return None;
    }
    let end_of_options = [OsString::from("--")];
    let all = before.iter().chain(&end_of_options).chain(asked);
    command.try_get_matches_from_mut(all).ok()
}

/// Reads a configuration file.
fn read(path: &Path) -> Result<RawFile, InputError> {
    let text = read_text(path)?;
    toml::from_str(&text).map_err(|error| InputError::in_toml(path, &text, &error))
}

/// The command with its options, and with what it has beside those.
fn finished(
    name: &str,
    given: &mut ArgMatches,
    defined: Option<(PathBuf, Configurations)>,
) -> Result<Cli, clap::Error> {
    let config = defined.as_ref().map(|(path, _)| path.as_path());
    let options = RECORDED
        .contains(&name)
        .then(|| given_options(name, given, config));
    let options = options.unwrap_or_default();
    let mut command = Command::read(name, given)?;
    match &mut command {
        Command::Spec(args) => args.from.finish(options, defined),
        Command::List(args) => args.from.finish(options, defined),
        Command::Fuzz(args) => args.given = options,
        _other_command => {}
    }
    Ok(Cli { command })
}

impl GivenOptions {
    /// Adds an option with its value, to options without arguments behind them.
    pub fn add(&mut self, name: &str, value: &str) {
        self.words.extend(option_with(name, value));
        self.values
            .insert(name.to_string(), vec![value.to_string()]);
    }

    /// Leaves an option out with its value, which does not begin as an option does.
    pub fn leave_out(&mut self, name: &str) {
        let option = format!("--{name}");
        if let Some(at) = self.words.iter().position(|word| *word == option) {
            self.words.drain(at..(at + 2).min(self.words.len()));
        }
        self.values.remove(name);
    }
}

/// The options that say where the others come from, or what becomes of the results.
const NOT_OF_A_RUN: [&str; 10] = [
    "config",
    "run-profile",
    "jobs",
    "findings",
    "timings",
    "report",
    "trace",
    "history",
    "show-failures",
    "watch",
];

/// The words of an option with its value: one if the value begins as an option does.
fn option_with(name: &str, value: &str) -> Vec<String> {
    match value.starts_with('-') {
        true => vec![format!("--{name}={value}")],
        false => vec![format!("--{name}"), value.to_string()],
    }
}

/// The options of a command, as they are when words are read.
fn built(name: &str) -> Option<clap::Command> {
    let mut command = Command::options(name)?;
    command.build();
    Some(command)
}

/// The options as they count; `config` is the file that defines configurations, if one does.
fn given_options(command: &str, given: &ArgMatches, config: Option<&Path>) -> GivenOptions {
    let mut options = GivenOptions {
        words: vec!["wassay".to_string(), command.to_string()],
        ..GivenOptions::default()
    };
    let command = built(command);
    let arguments = command.iter();
    let mut paths = Vec::new();
    for arg in arguments.flat_map(clap::Command::get_arguments) {
        let id = arg.get_id().as_str();
        let Ok(Some(raw)) = given.try_get_raw(id) else {
            continue;
        };
        let values = raw.map(|value| value.to_string_lossy().into_owned());
        let values: Vec<String> = values.collect();
        let name = arg.get_long().unwrap_or(PATHS);
        let is_flag = matches!(arg.get_action(), ArgAction::SetTrue);
        if is_flag && values.iter().all(|value| value == "false") {
            continue;
        }
        let is_given = given.value_source(id) == Some(ValueSource::CommandLine);
        match is_given && !NOT_OF_A_RUN[..2].contains(&name) {
            false => {}
            true if arg.is_positional() => paths.extend_from_slice(&values),
            true if is_flag => options.words.push(format!("--{name}")),
            true => {
                let words = values.iter().flat_map(|value| option_with(name, value));
                options.words.extend(words);
            }
        }
        if !NOT_OF_A_RUN.contains(&name) {
            options.values.insert(name.to_string(), values);
        }
    }
    if let Some(path) = config {
        let words = option_with("config", &path.to_string_lossy());
        options.words.extend(words);
    }
    let is_option = |path: &String| path.starts_with('-');
    let end = paths.iter().any(is_option).then(|| "--".to_string());
    options.words.extend(end.into_iter().chain(paths));
    options
}

/// The configuration file, if there is one.
fn file(asked: &ConfigArgs) -> Result<Option<PathBuf>, InputError> {
    if asked.config.is_some() {
        return Ok(asked.config.clone());
    }
    let here = std::env::current_dir().unwrap_or_default();
    let mut above = here.ancestors().map(|folder| folder.join(NAME));
    let found = above.find(|path| path.is_file());
    if found.is_none() && asked.run_profile.is_some() {
        let message = format!("--run-profile needs a {NAME} in this folder or above it");
        return Err(InputError::usage(message));
    }
    Ok(found.map(|path| match path.strip_prefix(&here) {
        Ok(near) => near.to_path_buf(),
        Err(_) => path,
    }))
}

/// A profile with its name.
type Named<'a> = (&'a str, &'a toml::Table);

/// The profiles of a run, the one that counts first being first.
fn chosen<'a>(raw: &'a RawFile, name: Option<&'a str>) -> Result<Vec<Named<'a>>, String> {
    let mut profiles = Vec::new();
    if let Some(name) = name.filter(|name| *name != DEFAULT) {
        let profile = raw.profile.get(name).ok_or_else(|| {
            let known: Vec<&str> = raw.profile.keys().map(String::as_str).collect();
            format!(
                "there is no [profile.{name}] (there are: {})",
                known.join(", ")
            )
        })?;
        profiles.push((name, profile));
    }
    profiles.extend(raw.profile.get(DEFAULT).map(|profile| (DEFAULT, profile)));
    Ok(profiles)
}

/// The words of profiles for a command, without options that are on the command line.
fn profile_words(
    profiles: &[Named<'_>],
    command: &str,
    given: &ArgMatches,
) -> Result<Vec<OsString>, String> {
    let commands = built(COMMANDS[0]).zip(built(command));
    let (spec, command) = commands.ok_or("no such command")?;
    let is_given = |arg: &Arg| {
        let id = arg.get_id().as_str();
        given.value_source(id) == Some(ValueSource::CommandLine)
    };
    let mut taken: Vec<&str> = Vec::new();
    let mut words = Vec::new();
    for (name, profile) in profiles {
        for (key, value) in *profile {
            let arg = argument(&spec, key);
            let arg = arg.ok_or_else(|| format!("[profile.{name}]: no option `{key}`"))?;
            let mut here = command.get_arguments();
            let here = here.find(|it| it.get_id() == arg.get_id());
            let id = arg.get_id().as_str();
            if here.is_none_or(is_given) || taken.contains(&id) {
                continue;
            }
            taken.push(id);
            let more = option_words(arg, key, value);
            words.extend(more.map_err(|error| format!("[profile.{name}]: {error}"))?);
        }
    }
    Ok(words)
}

/// The argument of a command that a key names.
fn argument<'a>(command: &'a clap::Command, key: &str) -> Option<&'a Arg> {
    const NOT_IN_A_FILE: [&str; 3] = ["config", "run-profile", "help"];
    command.get_arguments().find(|arg| {
        let aliases = arg.get_visible_aliases().unwrap_or_default();
        let is_named = arg.get_long() == Some(key) || aliases.contains(&key);
        let is_paths = arg.is_positional() && key == PATHS;
        (is_named || is_paths) && !NOT_IN_A_FILE.contains(&key)
    })
}

/// The words of one option.
fn option_words(arg: &Arg, key: &str, value: &toml::Value) -> Result<Vec<OsString>, String> {
    let text = |value: &toml::Value| match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => Err(format!("`{key}` is not a text or number")),
    };
    let word = |text: String| match arg.is_positional() {
        true => OsString::from(text),
        false => OsString::from(format!("--{key}={text}")),
    };
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return match value.as_bool() {
            Some(true) => Ok(vec![format!("--{key}").into()]),
            Some(false) => Ok(Vec::new()),
            None => Err(format!("`{key}` is true or false")),
        };
    }
    let toml::Value::Array(values) = value else {
        return Ok(vec![word(text(value)?)]);
    };
    let texts = values
        .iter()
        .map(text)
        .collect::<Result<Vec<String>, String>>()?;
    match arg.get_action() {
        ArgAction::Append => Ok(texts.into_iter().map(word).collect()),
        _one_value => Ok(vec![word(texts.join(","))]),
    }
}

/// The configurations of a run: those that are always there, and those of a file.
fn configurations(tables: &BTreeMap<String, toml::Table>) -> Result<Configurations, String> {
    let mut all = Configurations::default();
    for (name, table) in tables {
        let wrong = |message: &str| format!("[configuration.{name}]: {message}");
        if !is_name(name) || name == PLAIN {
            return Err(wrong(
                "a name has letters, digits, `-`, `_` and `.`, and is not `plain`",
            ));
        }
        let command = SettingOptions::command();
        let mut words = Vec::new();
        for (key, value) in table {
            let arg = argument(&command, key);
            let arg = arg.ok_or_else(|| wrong(&format!("no option `{key}`")))?;
            words.extend(option_words(arg, key, value).map_err(|error| wrong(&error))?);
        }
        let options = SettingOptions::try_parse_from(words);
        let options = options.map_err(|error| {
            let text = error.to_string();
            wrong(text.lines().next().unwrap_or_default())
        })?;
        all.define(name.clone(), options.setting.into());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::super::SpecArgs;
    use super::*;

    /// The options of a command line with a configuration file.
    fn spec(text: &str, line: &str) -> Result<SpecArgs, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        std::fs::write(&path, text).expect("written");
        let config = format!("--config={}", path.display());
        let words = ["wassay", "spec", &config]
            .into_iter()
            .chain(line.split_whitespace());
        match parse(&words.map(OsString::from).collect::<Vec<_>>()) {
            Ok(Cli {
                command: Command::Spec(args),
            }) => Ok(*args),
            Ok(_) => Err("another command".to_string()),
            Err(ParseError::File(error)) => Err(error.to_string()),
            Err(ParseError::Options(error, names)) => Err(format!("{error} {names:?}")),
        }
    }

    const FILE: &str = r#"
        features = "3.0"
        [profile.default]
        timeout = "3s"
        jobs = 2
        engines = ["stack", "jit"]
        [profile.ci]
        timeout = "7s"
        fail-fast = true
        filter = ["a", "b"]
        paths = ["suite"]
        matrix = ["plain", "x"]
        [configuration.x]
        bounds = "explicit"
        fuel = true
        tier-up = 3
    "#;

    #[test]
    fn profiles_give_options_and_the_command_line_counts_before_them() {
        let plain = spec(FILE, "").expect("options");
        assert_eq!(plain.pool.timeout.as_secs(), 3);
        assert_eq!(plain.pool.jobs, Some(2));
        assert_eq!(plain.tiers.0.len(), 2);
        assert!(!plain.schedule.fail_fast && plain.selection.filter.is_empty());
        let ci = spec(FILE, "-P ci --filter c other").expect("options");
        assert_eq!(ci.pool.timeout.as_secs(), 7);
        assert!(ci.schedule.fail_fast);
        assert_eq!(ci.selection.filter, ["c"]);
        assert_eq!(ci.selection.paths, [PathBuf::from("other")]);
        assert_eq!(ci.matrix, ["plain", "x"]);
        let x = ci.from.configurations().get("x").expect("defined");
        assert_eq!(x.words(), ["--bounds explicit", "--fuel", "--tier-up 3"]);
        let ci = spec(FILE, "-P ci").expect("options");
        assert_eq!(ci.selection.filter, ["a", "b"]);
        assert_eq!(ci.selection.paths, [PathBuf::from("suite")]);
    }

    #[test]
    fn a_wrong_file_is_an_error_that_names_the_place() {
        for (text, line, part) in [
            (
                FILE,
                "-P cd",
                "there is no [profile.cd] (there are: ci, default)",
            ),
            (
                "[profile.default]\nbanana = 1",
                "",
                "[profile.default]: no option `banana`",
            ),
            (
                "[profile.default]\nconfig = \"x\"",
                "",
                "no option `config`",
            ),
            (
                "[profile.default]\nfail-fast = 1",
                "",
                "`fail-fast` is true or false",
            ),
            (
                "[profile.default]\njobs = true",
                "",
                "`jobs` is not a text or number",
            ),
            ("[profile.default]\njobs = 0", "", "1 to 1024"),
            (
                "[configuration.x]\nbounds = \"banana\"",
                "",
                "[configuration.x]: ",
            ),
            (
                "[configuration.x]\njobs = 1",
                "",
                "[configuration.x]: no option `jobs`",
            ),
            (
                "[configuration.plain]\nfuel = true",
                "",
                "[configuration.plain]: a name",
            ),
            ("[profile", "", "wassay.toml:1:"),
        ] {
            let error = spec(text, line).map(drop).expect_err("an error");
            assert!(error.contains(part), "{error}");
        }
    }
}
