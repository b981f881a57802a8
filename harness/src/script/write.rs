//! [`Script`] -> text of a `.wast` file that parses to the same commands and expectations.
//!
//! Modules are printed as text where the text parser makes the same bytes of it, else as their
//! bytes. Owns the text forms of arguments and expected results.

use std::fmt::Write as _;

use wast::parser::{self, ParseBuffer};

use super::{
    Action, Argument, Command, Expectation, Expected, FloatPattern, LanePattern, ModuleSource,
    Script,
};

/// The directive that cannot be written: what it says is not known any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("directive {ordinal} cannot be written as text: {what}")]
pub struct Unwritable {
    ordinal: usize,
    what: &'static str,
}

/// The text of a script.
///
/// # Errors
/// If a directive's text was refused when it was read, so that it is not known what it says.
pub fn text(script: &Script) -> Result<String, Unwritable> {
    let mut out = String::new();
    let mut directives = script.commands.iter().zip(&script.directives).enumerate();
    let mut closing: Vec<usize> = Vec::new();
    directives.try_for_each(|(ordinal, (command, directive))| {
        while closing.last().is_some_and(|&end| end <= ordinal) {
            closing.pop();
            out.push_str(")\n");
        }
        if let Command::Thread { length, .. } = command {
            closing.push(ordinal + 1 + *length as usize);
        }
        let wrong = |what| Unwritable { ordinal, what };
        write_directive(&mut out, command, &directive.expectation).map_err(wrong)
    })?;
    out.push_str(&")\n".repeat(closing.len()));
    Ok(out)
}

/// Writing to a string cannot fail.
macro_rules! put {
    ($out:expr, $($arguments:tt)*) => {
        write!($out, $($arguments)*).expect("writing to a string cannot fail")
    };
}

fn write_directive(
    out: &mut String,
    command: &Command,
    expectation: &Expectation,
) -> Result<(), &'static str> {
    match command {
        Command::Module { name, module } => put!(out, "{}\n", module_text("", name, module)?),
        Command::ModuleDefinition { name, module } => {
            put!(out, "{}\n", module_text("definition", name, module)?);
        }
        Command::ModuleInstance { instance, module } => {
            put!(out, "(module instance{}{})\n", id(instance), id(module));
        }
        Command::Register { name, instance } => {
            put!(out, "(register {}{})\n", string(name), id(instance));
        }
        Command::Action(action) => put!(out, "{}\n", assertion(&action_text(action), expectation)?),
        Command::Instantiate { module }
        | Command::Check { module }
        | Command::CheckCustom { module } => {
            let module = module_text("", &None, module)?;
            put!(out, "{}\n", assertion(&module, expectation)?);
        }
        Command::Thread {
            name,
            shared_module,
            ..
        } => {
            let shared = shared_module.as_ref();
            let shared = shared.map_or(String::new(), |name| format!(" (shared (module ${name}))"));
            put!(out, "(thread ${name}{shared}\n");
        }
        Command::Wait { thread } => put!(out, "(wait ${thread})\n"),
        Command::Unreadable { .. } => return Err("it could not be read"),
    }
    Ok(())
}

/// What is done, with what must come of it around it.
fn assertion(what: &str, expectation: &Expectation) -> Result<String, &'static str> {
    Ok(match expectation {
        Expectation::Success | Expectation::Open => what.to_string(),
        Expectation::Return(expected) => {
            let expected: Vec<String> = expected.iter().map(expected_text).collect();
            let space = if expected.is_empty() { "" } else { " " };
            format!("(assert_return {what}{space}{})", expected.join(" "))
        }
        Expectation::Trap(messages) => {
            // Behind the script's own message are those for which it stands.
            let message = messages.split(" | ").next().unwrap_or(messages);
            format!("(assert_trap {what} {})", string(message))
        }
        Expectation::Exhaustion(message) => {
            format!("(assert_exhaustion {what} {})", string(message))
        }
        Expectation::Exception => format!("(assert_exception {what})"),
        Expectation::Suspension(message) => {
            format!("(assert_suspension {what} {})", string(message))
        }
        Expectation::Invalid { message, .. } => {
            format!("(assert_invalid {what} {})", string(message))
        }
        Expectation::Malformed { message, .. } => {
            format!("(assert_malformed {what} {})", string(message))
        }
        Expectation::Unlinkable(message) => {
            format!("(assert_unlinkable {what} {})", string(message))
        }
        Expectation::Unreadable(_) => return Err("it could not be read"),
    })
}

fn id(name: &Option<String>) -> String {
    name.as_ref()
        .map_or(String::new(), |name| format!(" ${name}"))
}

/// A string of the text format.
fn string(text: &str) -> String {
    bytes_text(text.as_bytes())
}

fn bytes_text(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => put!(out, "\\{}", char::from(byte)),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => put!(out, "\\{byte:02x}"),
        }
    }
    out.push('"');
    out
}

/// A module as text, if the text parser makes the same bytes of it.
fn module_text(
    keyword: &str,
    name: &Option<String>,
    module: &ModuleSource,
) -> Result<String, &'static str> {
    let ModuleSource::Binary(bytes) = module else {
        return Err("the text of its module was refused");
    };
    let space = if keyword.is_empty() { "" } else { " " };
    let head = format!("(module{space}{keyword}{}", id(name));
    let printed = wasmprinter::print_bytes(bytes).ok();
    let printed = printed.filter(|text| encoded(text).as_ref() == Some(bytes));
    let body = printed.and_then(|text| {
        let fields = text.trim().strip_prefix("(module")?.to_string();
        // A name of its own would stand where that of the script does.
        (!fields.trim_start().starts_with('$')).then_some(fields)
    });
    Ok(match body {
        Some(body) => format!("{head}{body}"),
        None => format!("{head} binary {})", bytes_text(bytes)),
    })
}

/// The bytes that the text parser makes of a module's text.
pub fn encoded(text: &str) -> Option<Vec<u8>> {
    let buffer = ParseBuffer::new(text).ok()?;
    let mut module = parser::parse::<wast::Wat<'_>>(&buffer).ok()?;
    module.encode().ok()
}

fn action_text(action: &Action) -> String {
    match action {
        Action::Invoke {
            instance,
            field,
            args,
        } => {
            let args: Vec<String> = args.iter().map(argument_text).collect();
            let space = if args.is_empty() { "" } else { " " };
            let field = string(field);
            format!("(invoke{} {field}{space}{})", id(instance), args.join(" "))
        }
        Action::Get { instance, field } => format!("(get{} {})", id(instance), string(field)),
    }
}

fn argument_text(argument: &Argument) -> String {
    match argument {
        Argument::I32(value) => format!("(i32.const {})", *value as i32),
        Argument::I64(value) => format!("(i64.const {})", *value as i64),
        Argument::F32(bits) => format!("(f32.const {})", f32_text(*bits)),
        Argument::F64(bits) => format!("(f64.const {})", f64_text(*bits)),
        Argument::V128(bytes) => lanes("i8x16", bytes.iter().map(u8::to_string)),
        Argument::RefNull(heap_type) => format!("(ref.null {heap_type})"),
        Argument::RefExtern(number) => format!("(ref.extern {number})"),
        Argument::RefHost(number) => format!("(ref.host {number})"),
    }
}

fn lanes(shape: &str, lanes: impl Iterator<Item = String>) -> String {
    let lanes: Vec<String> = lanes.collect();
    format!("(v128.const {shape} {})", lanes.join(" "))
}

/// An f32 by its bits, so that it reads back.
fn f32_text(bits: u32) -> String {
    let value = f32::from_bits(bits);
    let sign = if bits >> 31 == 0 { "" } else { "-" };
    match value {
        _ if value.is_nan() => format!("{sign}nan:{:#x}", bits & 0x7f_ffff),
        _ if value.is_infinite() => format!("{sign}inf"),
        _ => format!("{value:?}"),
    }
}

/// An f64 by its bits, so that it reads back.
fn f64_text(bits: u64) -> String {
    let value = f64::from_bits(bits);
    let sign = if bits >> 63 == 0 { "" } else { "-" };
    match value {
        _ if value.is_nan() => format!("{sign}nan:{:#x}", bits & 0xf_ffff_ffff_ffff),
        _ if value.is_infinite() => format!("{sign}inf"),
        _ => format!("{value:?}"),
    }
}

fn pattern_text<T>(pattern: FloatPattern<T>, bits: impl Fn(T) -> String) -> String {
    match pattern {
        FloatPattern::CanonicalNan => "nan:canonical".to_string(),
        FloatPattern::ArithmeticNan => "nan:arithmetic".to_string(),
        FloatPattern::Bits(value) => bits(value),
    }
}

fn expected_text(expected: &Expected) -> String {
    let optional = |head: &str, number: &Option<u32>| match number {
        Some(number) => format!("({head} {number})"),
        None => format!("({head})"),
    };
    match expected {
        Expected::I32(value) => argument_text(&Argument::I32(*value)),
        Expected::I64(value) => argument_text(&Argument::I64(*value)),
        Expected::F32(pattern) => format!("(f32.const {})", pattern_text(*pattern, f32_text)),
        Expected::F64(pattern) => format!("(f64.const {})", pattern_text(*pattern, f64_text)),
        Expected::V128(pattern) => lane_pattern_text(pattern),
        Expected::RefNull(None) => "(ref.null)".to_string(),
        Expected::RefNull(Some(heap_type)) => format!("(ref.null {heap_type})"),
        Expected::RefExtern(number) => optional("ref.extern", number),
        Expected::RefHost(number) => format!("(ref.host {number})"),
        Expected::RefFunc(number) => optional("ref.func", number),
        Expected::RefAny => "(ref.any)".to_string(),
        Expected::RefEq => "(ref.eq)".to_string(),
        Expected::RefArray => "(ref.array)".to_string(),
        Expected::RefStruct => "(ref.struct)".to_string(),
        Expected::RefI31 => "(ref.i31)".to_string(),
        Expected::RefI31Shared => "(ref.i31_shared)".to_string(),
        Expected::Either(cases) => {
            let cases: Vec<String> = cases.iter().map(expected_text).collect();
            format!("(either {})", cases.join(" "))
        }
    }
}

fn lane_pattern_text(pattern: &LanePattern) -> String {
    match pattern {
        LanePattern::I8x16(bytes) => lanes("i8x16", bytes.iter().map(u8::to_string)),
        LanePattern::I16x8(values) => lanes("i16x8", values.iter().map(u16::to_string)),
        LanePattern::I32x4(values) => lanes("i32x4", values.iter().map(u32::to_string)),
        LanePattern::I64x2(values) => lanes("i64x2", values.iter().map(u64::to_string)),
        LanePattern::F32x4(patterns) => {
            let texts = patterns.iter().map(|it| pattern_text(*it, f32_text));
            lanes("f32x4", texts)
        }
        LanePattern::F64x2(patterns) => {
            let texts = patterns.iter().map(|it| pattern_text(*it, f64_text));
            lanes("f64x2", texts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse::parse_script;

    /// What stands in a script, places and hashes apart.
    fn meaning(script: &Script) -> (Vec<Command>, Vec<Expectation>) {
        let expectations = script.directives.iter().map(|it| it.expectation.clone());
        (script.commands.clone(), expectations.collect())
    }

    fn check(text: &str) {
        let script = parse_script("a.wast", text);
        let written = super::text(&script).expect("it can be written");
        let again = parse_script("a.wast", &written);
        assert_eq!(meaning(&again), meaning(&script), "{written}");
    }

    #[test]
    fn scripts_are_written_so_that_they_read_back() {
        check(
            r#"(module $m (memory (export "m\"\00é") 1)
                 (func (export "f") (param i32 f32) (result f64) (f64.const -nan:0x4000000000001)))
               (register "a b" $m)
               (module definition $d (global (export "g") i64 (i64.const 7)))
               (module instance $i $d)
               (assert_return (invoke $m "f" (i32.const -1) (f32.const nan:0x1))
                 (f64.const nan:arithmetic))
               (invoke $m "f" (i32.const 0x80000000) (f32.const -0x1p-149))
               (assert_return (get $i "g") (i64.const -9223372036854775808))
               (assert_trap (invoke $m "f" (i32.const 0) (f32.const -0)) "unreachable")
               (assert_exhaustion (invoke $m "f" (i32.const 0) (f32.const inf)) "exhausted")
               (assert_exception (invoke $m "f" (i32.const 0) (f32.const 1e30)))
               (assert_invalid (module (func (result i32))) "type mismatch")
               (assert_malformed (module binary "\00asm\01\00\00\00\01") "unexpected end")
               (assert_unlinkable (module (import "x" "y" (func))) "unknown import")
               (assert_trap (module (func $f unreachable) (start $f)) "unreachable")
               (module binary "\00asm\01\00\00\00")"#,
        );
        check(
            r#"(assert_return (invoke "f" (v128.const i64x2 1 -1) (ref.null func) (ref.extern 3))
                 (v128.const f32x4 nan:canonical 1.5 -inf -0)
                 (v128.const f64x2 nan:arithmetic 0.1)
                 (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 255)
                 (v128.const i16x8 0 1 2 3 4 5 6 65535) (ref.null extern) (ref.null)
                 (ref.extern) (ref.extern 2) (ref.func) (ref.struct) (ref.i31)
                 (either (i32.const 1) (i32.const 2)))
               (invoke "f" (ref.host 4))"#,
        );
        check(
            r#"(module $m (memory (export "m") 1 1 shared))
               (thread $t (shared (module $m))
                 (register "m" $m) (module (import "m" "m" (memory 1 1 shared))))
               (wait $t)"#,
        );
    }

    #[test]
    fn what_was_refused_is_not_made_up() {
        for text in [
            r#"(assert_malformed (module quote "(func") "unexpected end")"#,
            "(frobnicate)",
        ] {
            let script = parse_script("a.wast", text);
            assert!(super::text(&script).is_err(), "{text}");
        }
    }
}
