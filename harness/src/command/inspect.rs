//! `wassay inspect`: what is in a module, and what the engine makes of its functions.
//!
//! Owns which functions are shown, and in which stages; [`summary`] shows the module, and the
//! stages are those of [`listing`].

use std::fmt::Write as _;

use wassay_runtime::interior::module::ModuleParts;
use wassay_runtime::{Config, Engine, ErrorKind, Tier};

use super::module::{on_a_large_stack, read_module};
use super::stdout::print;
use crate::cli::InspectArgs;
use crate::error::{Exit, InputError};
use crate::listing::{self, Part, Stages};

pub mod summary;

/// Answers `wassay inspect`.
///
/// # Errors
/// If the module cannot be read or is not valid, or has no such function.
pub fn command(args: &InspectArgs) -> Result<Exit, InputError> {
    on_a_large_stack(|| {
        let config = *Config::only(Tier::Register)
            .features(args.features.set().wasmparser())
            .bounds(args.bounds);
        let bytes = read_module(&args.file)?;
        let module = Engine::new(&config).and_then(|engine| ModuleParts::new(&engine, &bytes));
        let module = module.map_err(|error| InputError::from_error(&args.file, error))?;
        let subject = Subject::new(args, &module);
        let is_of_functions = args.source || args.ir || args.ssa || args.asm;
        let (text, exit) = if is_of_functions || args.func.is_some() {
            functions(&subject, &config)?
        } else {
            let file = args.file.display().to_string();
            (summary::summary(&file, &subject), Exit::AsExpected)
        };
        print(&text)?;
        Ok(exit)
    })
}

/// The stages that are asked for; all of them where none is.
fn stages(args: &InspectArgs) -> Stages {
    let any = args.source || args.ir || args.ssa || args.asm;
    Stages {
        source: args.source || !any,
        ir: args.ir || !any,
        built: args.ssa || !any,
        optimised: args.ssa || !any,
        code: args.asm || !any,
    }
}

/// A module, with the names of its functions.
#[derive(Debug)]
pub struct Subject<'a> {
    args: &'a InspectArgs,
    module: &'a ModuleParts,
    names: wassay_runtime::interior::module::Names,
}

impl<'a> Subject<'a> {
    fn new(args: &'a InspectArgs, module: &'a ModuleParts) -> Subject<'a> {
        Subject {
            args,
            module,
            names: module.names(),
        }
    }

    /// How a function is called in the output: index, name, export.
    fn title(&self, func: u32) -> String {
        let mut title = format!("function {func}");
        if let Some(name) = self.names.funcs.get(&func) {
            title += &format!(" ${name}");
        }
        for export in &self.module.exports {
            if export.kind == wassay_runtime::interior::module::ExternKind::Func
                && export.index == func
            {
                title += &format!(" (export {:?})", export.name);
            }
        }
        title
    }

    /// The functions to show: those with a body, or the one that is asked for.
    fn chosen(&self) -> Result<Vec<u32>, InputError> {
        let count = self.module.funcs.len() as u32;
        let imported = self.module.imported.funcs;
        let Some(wanted) = &self.args.func else {
            return Ok((imported..count).collect());
        };
        match self.find(wanted) {
            Some(func) if func >= imported => Ok(vec![func]),
            Some(func) => {
                let title = self.title(func);
                Err(self.error(format!("{title} is imported: there is no body to show")))
            }
            None => Err(self.error(self.no_such(wanted, count))),
        }
    }

    fn error(&self, message: String) -> InputError {
        InputError::at(&self.args.file, message)
    }

    fn find(&self, wanted: &str) -> Option<u32> {
        let count = self.module.funcs.len() as u32;
        if let Ok(index) = wanted.parse() {
            return (index < count).then_some(index);
        }
        let mut exports = self.module.exports.iter();
        let export = exports.find(|export| {
            export.kind == wassay_runtime::interior::module::ExternKind::Func
                && export.name == wanted
        });
        let name = wanted.strip_prefix('$').unwrap_or(wanted);
        let mut names = self.names.funcs.iter();
        let named = names.find(|(_, it)| it.as_str() == name);
        export
            .map(|export| export.index)
            .or(named.map(|(&func, _)| func))
    }

    fn no_such(&self, wanted: &str, count: u32) -> String {
        let there = match count {
            0 => "the module has none".to_string(),
            1 => "there is function 0".to_string(),
            _ => format!("there are functions 0 to {}", count - 1),
        };
        format!("no function `{wanted}` by index, export or name; {there}")
    }
}

/// The chosen functions in the chosen stages.
fn functions(subject: &Subject<'_>, config: &Config) -> Result<(String, Exit), InputError> {
    let mut out = String::new();
    let mut exit = Exit::AsExpected;
    for func in subject.chosen()? {
        let shown = function(&mut out, subject, config, func);
        match shown {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                writeln!(out, ";; {error}\n").expect("a string takes everything");
                exit = Exit::NotMeasured;
            }
            Err(error) => return Err(subject.error(error.to_string())),
        }
    }
    Ok((out, exit))
}

fn function(
    out: &mut String,
    subject: &Subject<'_>,
    config: &Config,
    func: u32,
) -> wassay_runtime::Result<()> {
    let module = subject.module;
    let Some(body) = module.body_index(func) else {
        return Ok(());
    };
    let range = &module.bodies[body];
    let ty = &module.signatures[func as usize];
    let (title, bytes, at) = (subject.title(func), range.len(), range.start);
    writeln!(out, ";; {title}: {ty}, {bytes} bytes at 0x{at:x}\n")
        .expect("a string takes everything");
    let mut show = |part: Part| {
        let (name, text) = (part.name, part.text.trim_end());
        write!(out, ";; {name}\n{text}\n\n").expect("a string takes everything");
    };
    listing::parts(
        module,
        body,
        config,
        (stages(subject.args), None),
        &mut show,
    )
}
