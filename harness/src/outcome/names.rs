//! The names of a script in execution: its instances, definitions and registered names, each with
//! what stands there or the reason why nothing does.
//!
//! Invariant: a directive that needs an instance which could not be made ends as `MissingInstance`
//! with the reason, never against some earlier instance (contract C3).

use std::collections::HashMap;

use super::Outcome;
use super::text::outcome_text;
use crate::script::{Command, Expectation};

/// The reason why there is no instance or module, for the directives that need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It could not be made; why.
    Failed(String),
    /// Its directive, of that ordinal, was left out.
    LeftOut(u32),
}

impl From<Reason> for Outcome {
    /// The outcome of a directive that needs what is not there.
    fn from(reason: Reason) -> Outcome {
        match reason {
            Reason::Failed(why) => Outcome::MissingInstance(why),
            Reason::LeftOut(ordinal) => Outcome::Blocked(ordinal),
        }
    }
}

/// An instance or a module, or the reason why there is none.
pub type Slot<T> = Result<T, Reason>;

/// The names of a script; `I` stands for an instance, `M` for a module.
#[derive(Debug)]
pub struct Names<I, M> {
    current: Slot<I>,
    named: HashMap<String, Slot<I>>,
    registered: HashMap<String, Slot<I>>,
    latest_definition: Slot<M>,
    definitions: HashMap<String, Slot<M>>,
    /// True if imports find instances by their `$name`, too.
    imports_by_name: bool,
}

impl<I: Clone, M: Clone> Default for Names<I, M> {
    fn default() -> Names<I, M> {
        Names {
            current: Err(Reason::Failed("there is no instance yet".to_string())),
            named: HashMap::new(),
            registered: HashMap::new(),
            latest_definition: Err(Reason::Failed(
                "there is no module definition yet".to_string(),
            )),
            definitions: HashMap::new(),
            imports_by_name: false,
        }
    }
}

impl<I: Clone, M: Clone> Names<I, M> {
    /// No names; `imports_by_name` says that imports find instances by their `$name` where nothing
    /// is registered under that.
    pub fn new(imports_by_name: bool) -> Names<I, M> {
        Names {
            imports_by_name,
            ..Names::default()
        }
    }

    /// Names an instance without making it the current one.
    pub fn name(&mut self, name: String, instance: I) {
        self.named.insert(name, Ok(instance));
    }

    /// Makes an instance the current one, also under its name if it has one.
    pub fn make_current(&mut self, name: Option<&String>, slot: Slot<I>) {
        if let Some(name) = name {
            self.named.insert(name.clone(), slot.clone());
        }
        self.current = slot;
    }

    /// Makes a module the latest definition, also under its name if it has one.
    pub fn define(&mut self, name: Option<&String>, definition: Slot<M>) {
        if let Some(name) = name {
            self.definitions.insert(name.clone(), definition.clone());
        }
        self.latest_definition = definition;
    }

    /// Offers an instance for import.
    pub fn register(&mut self, name: &str, slot: Slot<I>) {
        self.registered.insert(name.to_string(), slot);
    }

    /// The instance of that name, or the current one.
    ///
    /// # Errors
    /// The ending of a directive that names an instance of which the script knows nothing.
    pub fn instance(&self, name: Option<&String>) -> Result<Slot<I>, Outcome> {
        match name {
            None => Ok(self.current.clone()),
            Some(name) => match self.named.get(name) {
                Some(slot) => Ok(slot.clone()),
                None => Err(unknown("instance", name)),
            },
        }
    }

    /// The definition of that name, or the latest one.
    ///
    /// # Errors
    /// The ending of a directive that names a definition of which the script knows nothing.
    pub fn definition(&self, name: Option<&String>) -> Result<Slot<M>, Outcome> {
        match name {
            None => Ok(self.latest_definition.clone()),
            Some(name) => match self.definitions.get(name) {
                Some(definition) => Ok(definition.clone()),
                None => Err(unknown("module definition", name)),
            },
        }
    }

    /// What imports find under that name, if anything.
    pub fn registered(&self, name: &str) -> Option<&Slot<I>> {
        let named = || self.named.get(name).filter(|_| self.imports_by_name);
        self.registered.get(name).or_else(named)
    }

    /// True if imports find an instance under its `$name`, and not since that is registered.
    pub fn is_found_by_name(&self, name: &str) -> bool {
        self.imports_by_name && !self.registered.contains_key(name)
    }

    /// Notes a directive that cannot be read; the outcome of it.
    pub fn unreadable(&mut self, message: &str, head: &str) -> Outcome {
        if head == "module" {
            self.current = Err(Reason::Failed(format!("unreadable: {message}")));
        }
        Outcome::Unsupported(format!("directive: {message}"))
    }

    /// Notes that the command of a directive is left out, so that what depends on it is not run
    /// either.
    pub fn leave_out(&mut self, ordinal: u32, command: &Command) {
        let reason = || Reason::LeftOut(ordinal);
        match command {
            Command::Module { name, .. } => self.make_current(name.as_ref(), Err(reason())),
            Command::ModuleInstance { instance, .. } => {
                self.make_current(instance.as_ref(), Err(reason()));
            }
            Command::ModuleDefinition { name, .. } => self.define(name.as_ref(), Err(reason())),
            Command::Register { name, .. } => self.register(name, Err(reason())),
            Command::Unreadable { head, .. } if head == "module" => self.current = Err(reason()),
            Command::Action(_)
            | Command::Instantiate { .. }
            | Command::Check { .. }
            | Command::CheckCustom { .. }
            | Command::Thread { .. }
            | Command::Wait { .. }
            | Command::Unreadable { .. } => {}
        }
    }
}

/// The reason why what depends on a directive that ended so cannot run; what is not built is named
/// first.
pub fn reason(outcome: &Outcome) -> Reason {
    match outcome {
        Outcome::Unsupported(what) => Reason::Failed(format!("unsupported: {what}")),
        Outcome::MissingInstance(reason) => Reason::Failed(reason.clone()),
        Outcome::Blocked(ordinal) => Reason::LeftOut(*ordinal),
        other => {
            let ended = outcome_text(&Expectation::Success, other);
            Reason::Failed(format!("no instance: {ended}"))
        }
    }
}

/// The ending of every directive that uses a name which the script has not given before.
pub fn unknown(what: &str, name: &str) -> Outcome {
    Outcome::HostError(format!("there is no {what} ${name}"))
}

/// The outcome of a module whose text the parser refused.
pub fn refused(message: &str) -> Outcome {
    Outcome::Malformed {
        message: message.to_string(),
        by: super::JudgedBy::Parser,
    }
}
