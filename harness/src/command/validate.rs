//! `wassay validate`: whether files are valid modules.

use wassay_runtime as runtime;
use wassay_runtime::{Config, Engine, Module};

use super::module::{on_a_large_stack, read_module};
use crate::cli::ValidateArgs;
use crate::error::{Exit, InputError};

/// Answers `wassay validate`.
///
/// # Errors
/// If a file cannot be read or is no module text.
pub fn command(args: &ValidateArgs) -> Result<Exit, InputError> {
    on_a_large_stack(|| {
        let mut exit = Exit::AsExpected;
        for file in &args.files {
            let bytes = read_module(file)?;
            let engine = Engine::new(&Config::only(runtime::Tier::Stack));
            if let Err(error) = engine.and_then(|engine| Module::new(&engine, &bytes)) {
                eprintln!("wassay: {}: {error}", file.display());
                exit = Exit::Failed;
            }
        }
        Ok(exit)
    })
}
