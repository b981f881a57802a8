//! Modules from text, for the examples: the engine itself takes binary modules.

use wassay_runtime::{Engine, Error, Module};

/// The module of a text.
pub(crate) fn module(engine: &Engine, text: &str) -> Result<Module, Error> {
    let buffer = wast::parser::ParseBuffer::new(text).map_err(Error::host)?;
    let mut wat = wast::parser::parse::<wast::Wat<'_>>(&buffer).map_err(Error::host)?;
    Module::new(engine, wat.encode().map_err(Error::host)?)
}
