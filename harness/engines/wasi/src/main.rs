//! A WASI program in wasmi, with the options that `wassay wasi-suite --program` gives:
//! `[--dir HOST::GUEST] [--env NAME=VALUE] FILE -- ARGS`.

use std::path::Path;
use std::process::ExitCode;

use wassay_wasi::{Ending, Options};

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            eprintln!("wasi-under-wasmi: {message}");
            ExitCode::from(134)
        }
    }
}

fn run() -> Result<u8, String> {
    let mut options = Options::new();
    options.inherit_streams();
    let mut words = std::env::args().skip(1);
    let mut file = None;
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} without a value"));
        match word.as_str() {
            "--dir" => {
                let value = value()?;
                let (host, guest) = value.split_once("::").ok_or("HOST::GUEST")?;
                let opened = options.directory(Path::new(host), guest);
                opened.map_err(|error| error.to_string())?;
            }
            "--env" => {
                let value = value()?;
                let (name, value) = value.split_once('=').ok_or("NAME=VALUE")?;
                options.env(name, value);
            }
            "--" => break,
            _ => file = Some(word),
        }
    }
    let file = file.ok_or("no FILE")?;
    options.arg(file.as_str());
    words.for_each(|arg| _ = options.arg(arg));
    let module = std::fs::read(&file).map_err(|error| format!("{file}: {error}"))?;
    let wasi = options.build().map_err(|error| error.to_string())?;
    Ok(match wasi_under_wasmi::run(&module, wasi)? {
        None => 0,
        Some(Ending::Exit(code)) => code as u8,
        Some(Ending::Raised(signal)) => 128 + signal.number(),
        Some(Ending::Deadline) => 136,
    })
}
