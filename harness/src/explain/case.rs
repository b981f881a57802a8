//! A script that ends with the directive to explain, and variants of it with a module written anew.

use std::collections::HashMap;

use super::rewrite::{ARM, START};
use crate::protocol::JobConfig;
use crate::record::script::ANSWERS_NAME;
use crate::script::{Action, Argument, Command, ModuleSource};

/// The name of the instance that is looked at, if the script gives it none.
const NAME: &str = "wassay-explain";

/// A script whose last command is the one to explain.
#[derive(Clone, Debug)]
pub struct Case {
    /// The commands.
    pub commands: Vec<Command>,
    /// The ordinals that they have in the file.
    pub ordinals: Vec<u32>,
    /// How they run.
    pub config: JobConfig,
}

/// The code that the last command enters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entered {
    /// An exported function.
    Export(String),
    /// The start function.
    Start,
}

/// An instance whose module is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The position of the command that has the module.
    pub module: usize,
    /// The position of the command that makes the instance.
    pub instance: usize,
    /// True if the last command enters this instance.
    pub is_entered: bool,
}

impl Case {
    /// The commands of a script up to one of them; those that have no effect on it are left out.
    pub fn new(commands: &[Command], at: usize, config: JobConfig) -> Case {
        let has_effect = |(index, command): &(usize, &Command)| match command {
            Command::Check { .. } | Command::CheckCustom { .. } | Command::Unreadable { .. } => {
                *index == at
            }
            Command::Module { .. }
            | Command::ModuleDefinition { .. }
            | Command::ModuleInstance { .. }
            | Command::Register { .. }
            | Command::Action(_)
            | Command::Instantiate { .. }
            | Command::Thread { .. }
            | Command::Wait { .. } => true,
        };
        let kept = commands[..=at].iter().enumerate().filter(has_effect);
        let (ordinals, commands) = kept.map(|(at, it)| (at as u32, it.clone())).unzip();
        Case {
            commands,
            ordinals,
            config,
        }
    }

    /// The case with some of its commands; the last one is always kept.
    fn only(&self, keep: impl Fn(usize, &Command) -> bool) -> Case {
        let last = self.commands.len() - 1;
        let kept = self.commands.iter().enumerate();
        let kept = kept.filter(|(at, command)| *at == last || keep(*at, command));
        let kept: Vec<usize> = kept.map(|(at, _)| at).collect();
        Case {
            commands: kept.iter().map(|&at| self.commands[at].clone()).collect(),
            ordinals: kept.iter().map(|&at| self.ordinals[at]).collect(),
            config: self.config,
        }
    }

    /// Cases with fewer commands, the shortest first. They need not show the same.
    pub fn shorter(&self) -> Vec<Case> {
        let subjects = self.subjects();
        let mut cases = Vec::new();
        if let Some(subject) = subjects.first() {
            cases.push(self.only(|at, _| at == subject.module || at == subject.instance));
        }
        cases.push(self.only(|_, command| !matches!(command, Command::Action(_))));
        cases
    }

    /// The instances that code of the case can run in, the one that the last command enters first.
    /// The module that answers the host calls of a program is not one to look into.
    pub fn subjects(&self) -> Vec<Subject> {
        let last = self.commands.len() - 1;
        let names = NamesOfCase::of(&self.commands);
        let entered = match &self.commands[last] {
            Command::Action(Action::Invoke { instance, .. }) => names.instance(instance.as_ref()),
            Command::Module { .. }
            | Command::ModuleInstance { .. }
            | Command::Instantiate { .. } => Some(last),
            Command::Action(Action::Get { .. })
            | Command::ModuleDefinition { .. }
            | Command::Register { .. }
            | Command::Check { .. }
            | Command::CheckCustom { .. }
            | Command::Thread { .. }
            | Command::Wait { .. }
            | Command::Unreadable { .. } => None,
        };
        let subject = |instance: usize| {
            Some(Subject {
                module: *names.modules.get(&instance)?,
                instance,
                is_entered: Some(instance) == entered,
            })
        };
        let mut others: Vec<usize> = names.modules.keys().copied().collect();
        others.retain(|at| Some(*at) != entered && *at != last);
        others.retain(|at| !is_of_answers(&self.commands[names.modules[at]]));
        others.sort_unstable();
        let all = entered.into_iter().chain(others.into_iter().rev());
        all.filter_map(subject).collect()
    }

    /// What the last command enters.
    pub fn entered(&self) -> Option<Entered> {
        match self.commands.last()? {
            Command::Action(Action::Invoke { field, .. }) => Some(Entered::Export(field.clone())),
            Command::Module { .. }
            | Command::ModuleInstance { .. }
            | Command::Instantiate { .. } => Some(Entered::Start),
            Command::Action(Action::Get { .. })
            | Command::ModuleDefinition { .. }
            | Command::Register { .. }
            | Command::Check { .. }
            | Command::CheckCustom { .. }
            | Command::Thread { .. }
            | Command::Wait { .. }
            | Command::Unreadable { .. } => None,
        }
    }

    /// The module of a subject in the binary format.
    pub fn module(&self, subject: &Subject) -> Option<&[u8]> {
        match source(&self.commands[subject.module])? {
            ModuleSource::Binary(bytes) => Some(bytes),
            ModuleSource::Refused { .. } => None,
        }
    }

    /// The case with another module.
    pub fn with_module(&self, subject: &Subject, module: Vec<u8>) -> Case {
        let mut case = self.clone();
        if let Some(source) = source_mut(&mut case.commands[subject.module]) {
            *source = ModuleSource::Binary(module);
        }
        case
    }

    /// The case with another module, armed to stop at an event, with reads behind it: the commands
    /// and the position of the one to explain.
    pub fn probed(
        &self,
        subject: &Subject,
        module: &[u8],
        limit: u64,
        reads: &[Read],
    ) -> (Vec<Command>, usize) {
        let mut commands = self.commands.clone();
        if let Some(source) = source_mut(&mut commands[subject.module]) {
            *source = ModuleSource::Binary(module.to_vec());
        }
        let last = commands.pop().unwrap_or_else(|| self.commands[0].clone());
        let mut name = NAME.to_string();
        let mut directive = None;
        if subject.instance == commands.len() {
            commands.push(named(last, &mut name));
            directive = Some(invoke(&name, START, Vec::new()));
        } else {
            let at = subject.instance;
            commands[at] = named(commands[at].clone(), &mut name);
        }
        let directive = directive.unwrap_or_else(|| match self.commands.last() {
            Some(Command::Action(Action::Invoke { field, args, .. })) if subject.is_entered => {
                invoke(&name, field, args.clone())
            }
            other => other.cloned().unwrap_or_else(|| commands[0].clone()),
        });
        commands.push(invoke(&name, ARM, vec![Argument::I64(limit)]));
        commands.push(directive);
        let at = commands.len() - 1;
        commands.extend(reads.iter().map(|read| read.command(&name)));
        (commands, at)
    }
}

/// A read of the state after the directive.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// Of an exported global.
    Global(String),
    /// By a call of an exported function.
    Call(String, Vec<Argument>),
}

impl Read {
    fn command(&self, instance: &str) -> Command {
        match self {
            Read::Global(field) => Command::Action(Action::Get {
                instance: Some(instance.to_string()),
                field: field.clone(),
            }),
            Read::Call(field, args) => invoke(instance, field, args.clone()),
        }
    }
}

fn invoke(instance: &str, field: &str, args: Vec<Argument>) -> Command {
    Command::Action(Action::Invoke {
        instance: Some(instance.to_string()),
        field: field.to_string(),
        args,
    })
}

/// The module that a command has.
pub fn source(command: &Command) -> Option<&ModuleSource> {
    match command {
        Command::Module { module, .. }
        | Command::ModuleDefinition { module, .. }
        | Command::Instantiate { module } => Some(module),
        Command::ModuleInstance { .. }
        | Command::Register { .. }
        | Command::Action(_)
        | Command::Check { .. }
        | Command::CheckCustom { .. }
        | Command::Thread { .. }
        | Command::Wait { .. }
        | Command::Unreadable { .. } => None,
    }
}

/// True if a command has the module that answers the host calls of a program.
fn is_of_answers(command: &Command) -> bool {
    matches!(command, Command::Module { name: Some(name), .. } if name == ANSWERS_NAME)
}

fn source_mut(command: &mut Command) -> Option<&mut ModuleSource> {
    match command {
        Command::Module { module, .. }
        | Command::ModuleDefinition { module, .. }
        | Command::Instantiate { module } => Some(module),
        Command::ModuleInstance { .. }
        | Command::Register { .. }
        | Command::Action(_)
        | Command::Check { .. }
        | Command::CheckCustom { .. }
        | Command::Thread { .. }
        | Command::Wait { .. }
        | Command::Unreadable { .. } => None,
    }
}

/// The command with a name for the instance that it makes: its own, which goes to `name`, or else
/// that one.
fn named(command: Command, name: &mut String) -> Command {
    let mut given = |own: Option<String>| {
        *name = own.unwrap_or_else(|| name.clone());
        Some(name.clone())
    };
    match command {
        Command::Module { name, module } => Command::Module {
            name: given(name),
            module,
        },
        Command::Instantiate { module } => Command::Module {
            name: given(None),
            module,
        },
        Command::ModuleInstance { instance, module } => Command::ModuleInstance {
            instance: given(instance),
            module,
        },
        other @ (Command::ModuleDefinition { .. }
        | Command::Register { .. }
        | Command::Action(_)
        | Command::Check { .. }
        | Command::CheckCustom { .. }
        | Command::Thread { .. }
        | Command::Wait { .. }
        | Command::Unreadable { .. }) => other,
    }
}

/// The commands that make instances, by their positions, and the names that instances have before
/// the last command.
#[derive(Debug, Default)]
struct NamesOfCase {
    /// By the position of a command that makes an instance, that of the one that has its module.
    modules: HashMap<usize, usize>,
    current: Option<usize>,
    named: HashMap<String, usize>,
}

impl NamesOfCase {
    fn of(commands: &[Command]) -> NamesOfCase {
        let mut names = NamesOfCase::default();
        let mut definitions: HashMap<Option<String>, usize> = HashMap::new();
        for (at, command) in commands.iter().enumerate() {
            match command {
                Command::Module { name, .. } => names.add(at, at, name.as_ref()),
                Command::Instantiate { .. } => {
                    names.modules.insert(at, at);
                }
                Command::ModuleDefinition { name, .. } => {
                    definitions.insert(None, at);
                    definitions.insert(name.clone(), at);
                }
                Command::ModuleInstance { instance, module } => {
                    if let Some(&definition) = definitions.get(module) {
                        names.add(at, definition, instance.as_ref());
                    }
                }
                Command::Register { .. }
                | Command::Action(_)
                | Command::Check { .. }
                | Command::CheckCustom { .. }
                | Command::Thread { .. }
                | Command::Wait { .. }
                | Command::Unreadable { .. } => {}
            }
        }
        names
    }

    fn add(&mut self, at: usize, module: usize, name: Option<&String>) {
        self.modules.insert(at, module);
        self.current = Some(at);
        if let Some(name) = name {
            self.named.insert(name.clone(), at);
        }
    }

    fn instance(&self, name: Option<&String>) -> Option<usize> {
        match name {
            None => self.current,
            Some(name) => self.named.get(name).copied(),
        }
    }
}
