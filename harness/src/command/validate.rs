//! `wassay validate`: the validity of modules.

use std::path::Path;

use wassay_runtime as runtime;
use wassay_runtime::{Config, Engine, ErrorKind, Module};

use super::module::{on_a_large_stack, read_module};
use crate::cli::ValidateArgs;
use crate::error::{Exit, InputError};
use crate::features::FeatureSet;

/// Answers `wassay validate`: every file is looked at, and the worst of them decides the exit code:
/// 2 if one cannot be read as a module, else 1 if one is malformed or invalid, else 3 if the engine
/// cannot say, for a limit of its own.
///
/// # Errors
/// If no thread can be started.
pub fn command(args: &ValidateArgs) -> Result<Exit, InputError> {
    on_a_large_stack(|| {
        let features = args.features.set();
        let mut exit = Exit::AsExpected;
        for file in &args.files {
            match validate(file, features) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    eprintln!("wassay: {}: {error}", file.display());
                    exit = match (exit, error.kind()) {
                        (Exit::BadInput, _) => Exit::BadInput,
                        (_, ErrorKind::Malformed | ErrorKind::Invalid) => Exit::Failed,
                        (Exit::Failed, _) => Exit::Failed,
                        (_, _other) => Exit::NotMeasured,
                    };
                }
                Err(error) => {
                    eprintln!("wassay: {error}");
                    exit = Exit::BadInput;
                }
            }
        }
        Ok(exit)
    })
}

/// Validates one file; the inner error is the engine's.
fn validate(file: &Path, features: FeatureSet) -> Result<runtime::Result<()>, InputError> {
    let bytes = read_module(file)?;
    let mut config = Config::only(runtime::Tier::Stack);
    let engine = Engine::new(config.features(features.wasmparser()));
    Ok(engine.and_then(|engine| Module::new(&engine, &bytes).map(drop)))
}
