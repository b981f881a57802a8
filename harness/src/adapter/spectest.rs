//! The host module `spectest` as modules of WebAssembly, so that an adapter needs no functions of
//! its own: printing functions that print nothing, constants, a memory, a table (spec:
//! interpreter/README, "Spectest host module").

use crate::script::parse::encode_module;

/// The items that every engine has.
const BASE: &str = "(module
    (func (export \"print\"))
    (func (export \"print_i32\") (param i32))
    (func (export \"print_i64\") (param i64))
    (func (export \"print_f32\") (param f32))
    (func (export \"print_f64\") (param f64))
    (func (export \"print_i32_f32\") (param i32 f32))
    (func (export \"print_f64_f64\") (param f64 f64))
    (global (export \"global_i32\") i32 (i32.const 666))
    (global (export \"global_i64\") i64 (i64.const 666))
    (global (export \"global_f32\") f32 (f32.const 666.6))
    (global (export \"global_f64\") f64 (f64.const 666.6))
    (table (export \"table\") 10 20 funcref)
    (memory (export \"memory\") 1 2)
    ITEMS)";

/// Items of later proposals, each with the name by which imports ask for it.
const LATER: [(&str, &str); 2] = [
    ("table64", "(table (export \"table64\") i64 10 20 funcref)"),
    (
        "shared_memory",
        "(memory (export \"shared_memory\") 1 2 shared)",
    ),
];

/// The module in the binary format, with the items of later proposals that a script imports.
///
/// # Errors
/// If the text does not parse, which a test rules out.
pub fn module(imported: &[String]) -> Result<Vec<u8>, wast::Error> {
    let later = LATER.iter();
    let later = later.filter(|(name, _)| imported.iter().any(|imported| imported == name));
    let items: Vec<&str> = later.map(|(_, text)| *text).collect();
    let text = BASE.replace("ITEMS", &items.join(" "));
    encode_module(&text)
}

/// A module with a function of that name that does nothing.
///
/// # Errors
/// If the text does not parse, which a test rules out.
pub fn nothing(function: &str) -> Result<Vec<u8>, wast::Error> {
    let text = format!("(module (func (export \"{function}\")))");
    encode_module(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_are_valid() {
        let later = LATER.map(|(name, _)| name.to_string());
        for imported in [&later[..0], &later[..]] {
            let bytes = module(imported).expect("parses");
            let mut validator =
                wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all());
            validator.validate_all(&bytes).expect("valid");
        }
    }
}
