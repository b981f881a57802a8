//! Text of a `.wast` file -> [`Script`].
//!
//! Each top-level form is parsed by itself with the crate `wast`, so that a form that it cannot
//! read costs one directive. Modules are encoded here, once for all tiers; what the text parser
//! refuses stays in the script as [`ModuleSource::Refused`].
//!
//! Owns: the correspondence between `wast`'s directives and [`Command`] with [`Expectation`]. It
//! judges nothing.

use sha2::{Digest, Sha256};
use wast::core::{
    AbstractHeapType, HeapType, ModuleKind, NanPattern, V128Pattern, WastArgCore, WastRetCore,
};
use wast::lexer::Lexer;
use wast::parser::{self, Parse, ParseBuffer, Parser};
use wast::token::{F32, F64, Id, Index};
use wast::{
    QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, WastThread, Wat,
};
use xxhash_rust::xxh3::xxh3_64;

use crate::script::old_forms;
use crate::script::split::{Form, LineTable, split};
use crate::script::text_rules;
use crate::script::unfold::unfold;
use crate::script::{
    Action, Argument, Command, Directive, Expectation, Expected, FloatPattern, Kind, LanePattern,
    ModuleSource, Script,
};

/// Heads of the fields of a module: a file that begins with one of them is a module without
/// `(module ..)` around it.
const MODULE_FIELDS: [&str; 12] = [
    "type", "rec", "import", "func", "table", "memory", "global", "export", "start", "elem",
    "data", "tag",
];

/// Annotations that the text parser is to read instead of skipping (the same that it reads in a
/// whole file).
const ANNOTATIONS: [&str; 5] = [
    "custom",
    "producers",
    "name",
    "dylink.0",
    "metadata.code.branch_hint",
];

/// How deep threads may nest.
const NESTED_THREADS_MAX: usize = 8;

/// What a directive says, before it has a place.
struct Meaning {
    kind: Kind,
    command: Command,
    expectation: Expectation,
}

/// Parses a whole file. It never fails: what cannot be read becomes a directive of kind
/// `unreadable`.
pub fn parse_script(path: &str, text: &str) -> Script {
    let mut script = Script {
        path: path.to_string(),
        sha256: hex(&Sha256::digest(text.as_bytes())),
        directives: Vec::new(),
        commands: Vec::new(),
    };
    let lines = LineTable::new(text);
    let forms = split(text);
    if let Some(first) = forms
        .first()
        .filter(|form| begins_inline_module(text, form))
    {
        let start = first.range.start;
        let meaning = inline_module(&text[start..]);
        add(&mut script, meaning, lines.locate(start), &text[start..]);
        return script;
    }
    for form in &forms {
        add_form(&mut script, text, form, &lines, 0);
    }
    script
}

/// A module's text in the binary format.
///
/// # Errors
/// If the text is not a module.
pub fn encode_module(text: &str) -> Result<Vec<u8>, wast::Error> {
    let buffer = ParseBuffer::new(text)?;
    parser::parse::<Wat<'_>>(&buffer)?.encode()
}

/// The script of a file that cannot be read: one directive that says so.
pub fn unreadable_script(path: &str, line: u32, message: &str) -> Script {
    let mut script = Script {
        path: path.to_string(),
        sha256: hex(&Sha256::digest(message.as_bytes())),
        directives: Vec::new(),
        commands: Vec::new(),
    };
    let meaning = unreadable("", message.to_string());
    add(&mut script, meaning, (line, 1), message);
    script
}

/// Appends the directive that a form is, and the directives nested in it, `depth` threads deep.
fn add_form(script: &mut Script, text: &str, form: &Form, lines: &LineTable, depth: usize) {
    let (start, source) = (form.range.start, &text[form.range.clone()]);
    let place = lines.locate(start);
    let (meaning, nested) = match form.fault {
        Some(fault) => (unreadable(source, fault.to_string()), Vec::new()),
        None if head(source) == "thread" && depth < NESTED_THREADS_MAX => read_thread(source),
        None => {
            let of_definition = instantiation(script, source);
            (
                of_definition.unwrap_or_else(|| read_form(source)),
                Vec::new(),
            )
        }
    };
    let ordinal = script.commands.len();
    add(script, meaning, place, source);
    for Form { range, fault } in nested {
        let range = start + range.start..start + range.end;
        add_form(script, text, &Form { range, fault }, lines, depth + 1);
    }
    let nested = script.commands.len() - ordinal - 1;
    if let Command::Thread { length, .. } = &mut script.commands[ordinal] {
        *length = u32::try_from(nested).unwrap_or(u32::MAX);
    }
}

/// The hash of a directive's text, which ends its id.
pub fn text_hash(text: &str) -> String {
    format!("{:08x}", xxh3_64(text.as_bytes()) as u32)
}

/// Appends a directive to a script.
fn add(script: &mut Script, meaning: Meaning, (line, column): (u32, u32), source: &str) {
    let ordinal = u32::try_from(script.directives.len()).unwrap_or(u32::MAX);
    let id = format!("{}#{ordinal}-{}", script.path, text_hash(source));
    let (kind, expectation) = (meaning.kind, meaning.expectation);
    script.directives.push(Directive {
        origin: None,
        ordinal,
        line,
        column,
        kind,
        id,
        expectation,
    });
    script.commands.push(meaning.command);
}

fn begins_inline_module(text: &str, form: &Form) -> bool {
    form.fault.is_none() && MODULE_FIELDS.contains(&head(&text[form.range.clone()]))
}

/// The keyword after a form's opening parenthesis.
fn head(form: &str) -> &str {
    let inside = form.strip_prefix('(').unwrap_or("").trim_start();
    inside
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .next()
        .unwrap_or("")
}

fn unreadable(source: &str, message: String) -> Meaning {
    Meaning {
        kind: Kind::Unreadable,
        command: Command::Unreadable {
            message: message.clone(),
            head: head(source).to_string(),
        },
        expectation: Expectation::Unreadable(message),
    }
}

/// The reason why a form has no meaning here.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("{}", .0.message())]
    Text(#[from] wast::Error),
    #[error("more than {NESTED_THREADS_MAX} nested threads")]
    NestedThreads,
    #[error("components are not supported")]
    Component,
    #[error("a directive about components")]
    ComponentDirective,
    #[error("an argument that is a value of components")]
    ComponentArgument,
    #[error("a result that is a value of components")]
    ComponentResult,
    #[error("a function by name as result: ${0}")]
    NamedFunction(String),
    #[error("a null of a type that is not an abstract one")]
    ConcreteNull,
}

/// A buffer over text that may hold any Unicode: the suite tests just that.
pub(super) fn buffer(text: &str) -> Result<ParseBuffer<'_>, wast::Error> {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    ParseBuffer::new_with_lexer(lexer)
}

/// A file that is one module without `(module ..)` around it.
fn inline_module(text: &str) -> Meaning {
    let parsed = buffer(text).and_then(|buffer| {
        let Wast { mut directives } = parser::parse(&buffer)?;
        match (directives.pop(), directives.is_empty()) {
            (Some(WastDirective::Module(mut module)), true) => Ok(encode(&mut module)),
            _ => Ok(ModuleSource::Refused {
                message: "expected one module".to_string(),
            }),
        }
    });
    match parsed {
        Ok(module) => Meaning {
            kind: Kind::Module,
            command: Command::Module { name: None, module },
            expectation: Expectation::Success,
        },
        Err(error) => unreadable(text, error.message()),
    }
}

/// One directive in its parentheses, with the standard annotations read.
pub(super) struct InParens<T>(pub(super) T);

impl<'a, T: Parse<'a>> Parse<'a> for InParens<T> {
    fn parse(parser: Parser<'a>) -> parser::Result<InParens<T>> {
        let _registered = ANNOTATIONS.map(|name| parser.register_annotation(name));
        Ok(InParens(parser.parens(|parser| parser.parse())?))
    }
}

/// Reads one form.
fn read_form(source: &str) -> Meaning {
    match try_read(source) {
        Ok(meaning) => meaning,
        Err(error) => old_forms::modern(source, head(source))
            .or_else(|| unfold(source))
            .and_then(|read| try_read(&read).ok())
            .unwrap_or_else(|| unreadable(source, error.to_string())),
    }
}

/// Reads an assertion about `(module instance $definition)`, which `wast` does not: the module of
/// the definition is instantiated.
fn instantiation(script: &Script, source: &str) -> Option<Meaning> {
    if !matches!(head(source), "assert_unlinkable" | "assert_trap") {
        return None;
    }
    let inside = source.get(1..source.len() - 1)?;
    let forms = split(inside).into_iter();
    let range = forms
        .map(|form| form.range)
        .find(|it| inside[it.clone()].starts_with('('))?;
    if head(&inside[range.clone()]) != "module" {
        return None;
    }
    let Ok(Meaning {
        command: Command::ModuleInstance { module: wanted, .. },
        ..
    }) = try_read(&inside[range.clone()])
    else {
        return None;
    };
    let mut earlier = script.commands.iter().rev();
    let definition = earlier.find_map(|command| match command {
        Command::ModuleDefinition { name, module } if wanted.is_none() || *name == wanted => {
            Some(module.clone())
        }
        _ => None,
    })?;
    let text = format!(
        "({}(module){})",
        &inside[..range.start],
        &inside[range.end..]
    );
    let mut meaning = try_read(&text).ok()?;
    *meaning.command.module_mut()? = definition;
    Some(meaning)
}

/// Reads what stands before the directives of a thread; and where these stand in its text.
fn read_thread(source: &str) -> (Meaning, Vec<Form>) {
    let is_header = |form: &Form| {
        let text = &source[form.range.clone()];
        !text.starts_with('(') || head(text) == "shared"
    };
    let inside = 1..source.len().max(2) - 1;
    let shifted = |Form { range, fault }| Form {
        range: inside.start + range.start..inside.start + range.end,
        fault,
    };
    let forms = split(&source[inside.clone()]).into_iter().map(shifted);
    let nested: Vec<Form> = forms.skip_while(is_header).collect();
    let header_end = nested.first().map_or(inside.end, |form| form.range.start);
    match try_read(&format!("{})", &source[..header_end])) {
        Ok(meaning) => (meaning, nested),
        Err(error) => (unreadable(source, error.to_string()), Vec::new()),
    }
}

/// Reads the text of a form, or says why it cannot.
fn try_read(source: &str) -> Result<Meaning, Unreadable> {
    let read = buffer(source).and_then(|buffer| match head(source) {
        "get" => parser::parse(&buffer).map(|InParens(execute)| get(execute)),
        _ => parser::parse(&buffer).map(|InParens(directive)| meaning(directive)),
    });
    read?
}

/// A bare `(get ..)`, which the scripts' grammar has as an action though `wast` does not.
fn get(execute: WastExecute<'_>) -> Result<Meaning, Unreadable> {
    let command = execution(execute)?;
    Ok(Meaning {
        kind: Kind::Get,
        command,
        expectation: Expectation::Success,
    })
}

/// The meaning of a directive of `wast`.
///
/// # Errors
/// If it says something that Wassay has no notion of.
fn meaning(directive: WastDirective<'_>) -> Result<Meaning, Unreadable> {
    use WastDirective as D;
    let (kind, command, expectation) = match directive {
        D::Module(mut module) => {
            let (name, module) = (name_of(module.name()), encode_checked(&mut module)?);
            (
                Kind::Module,
                Command::Module { name, module },
                Expectation::Success,
            )
        }
        D::ModuleDefinition(mut module) => {
            let (name, module) = (name_of(module.name()), encode_checked(&mut module)?);
            let command = Command::ModuleDefinition { name, module };
            (Kind::ModuleDefinition, command, Expectation::Success)
        }
        D::ModuleInstance {
            instance, module, ..
        } => {
            let (instance, module) = (name_of(instance), name_of(module));
            let command = Command::ModuleInstance { instance, module };
            (Kind::ModuleInstance, command, Expectation::Success)
        }
        D::Register { name, module, .. } => {
            let (name, instance) = (name.to_string(), name_of(module));
            let command = Command::Register { name, instance };
            (Kind::Register, command, Expectation::Success)
        }
        D::Invoke(call) => (
            Kind::Invoke,
            Command::Action(invoke(call)?),
            Expectation::Success,
        ),
        D::Thread(thread) => (Kind::Thread, thread_header(thread)?, Expectation::Success),
        D::Wait { thread, .. } => {
            let thread = thread.name().to_string();
            (Kind::Wait, Command::Wait { thread }, Expectation::Success)
        }
        assertion => assertion_meaning(assertion)?,
    };
    Ok(Meaning {
        kind,
        command,
        expectation,
    })
}

/// A thread without its directives.
///
/// # Errors
/// If there are some: threads nest too deep.
fn thread_header(thread: WastThread<'_>) -> Result<Command, Unreadable> {
    if !thread.directives.is_empty() {
        return Err(Unreadable::NestedThreads);
    }
    Ok(Command::Thread {
        name: thread.name.name().to_string(),
        shared_module: name_of(thread.shared_module),
        length: 0,
    })
}

/// The meaning of an assertion.
fn assertion_meaning(
    directive: WastDirective<'_>,
) -> Result<(Kind, Command, Expectation), Unreadable> {
    use WastDirective as D;
    Ok(match directive {
        D::AssertReturn { exec, results, .. } => {
            let results = results
                .into_iter()
                .map(expected)
                .collect::<Result<_, _>>()?;
            (
                Kind::AssertReturn,
                execution(exec)?,
                Expectation::Return(results),
            )
        }
        D::AssertTrap { exec, message, .. } => (
            Kind::AssertTrap,
            execution(exec)?,
            Expectation::Trap(message.to_string()),
        ),
        D::AssertExhaustion { call, message, .. } => {
            let command = Command::Action(invoke(call)?);
            (
                Kind::AssertExhaustion,
                command,
                Expectation::Exhaustion(message.to_string()),
            )
        }
        D::AssertException { exec, .. } => (
            Kind::AssertException,
            execution(exec)?,
            Expectation::Exception,
        ),
        D::AssertSuspension { exec, message, .. } => {
            let expectation = Expectation::Suspension(message.to_string());
            (Kind::AssertSuspension, execution(exec)?, expectation)
        }
        D::AssertUnlinkable {
            module, message, ..
        } => {
            let module = encode_checked(&mut QuoteWat::Wat(module))?;
            let expectation = Expectation::Unlinkable(message.to_string());
            (
                Kind::AssertUnlinkable,
                Command::Instantiate { module },
                expectation,
            )
        }
        other => refusal_meaning(other)?,
    })
}

/// The meaning of an assertion that a module is refused.
fn refusal_meaning(
    directive: WastDirective<'_>,
) -> Result<(Kind, Command, Expectation), Unreadable> {
    use WastDirective as D;
    Ok(match directive {
        D::AssertInvalid {
            mut module,
            message,
            ..
        } => {
            let expectation = invalid(&module, message);
            let module = encode_checked(&mut module)?;
            (Kind::AssertInvalid, Command::Check { module }, expectation)
        }
        D::AssertInvalidCustom {
            mut module,
            message,
            ..
        } => {
            let expectation = invalid(&module, message);
            let module = encode_checked(&mut module)?;
            (
                Kind::AssertInvalidCustom,
                Command::CheckCustom { module },
                expectation,
            )
        }
        D::AssertMalformed {
            mut module,
            message,
            ..
        } => {
            let expectation = malformed(&module, message);
            let module = encode_checked(&mut module)?;
            (
                Kind::AssertMalformed,
                Command::Check { module },
                expectation,
            )
        }
        D::AssertMalformedCustom {
            mut module,
            message,
            ..
        } => {
            let expectation = malformed(&module, message);
            let module = encode_checked(&mut module)?;
            (
                Kind::AssertMalformedCustom,
                Command::CheckCustom { module },
                expectation,
            )
        }
        _of_components => return Err(Unreadable::ComponentDirective),
    })
}

fn malformed(module: &QuoteWat<'_>, message: &str) -> Expectation {
    Expectation::Malformed {
        message: message.to_string(),
        text: is_text(module),
    }
}

fn invalid(module: &QuoteWat<'_>, message: &str) -> Expectation {
    Expectation::Invalid {
        message: message.to_string(),
        text: is_text(module),
    }
}

/// True if a module is given as text.
fn is_text(module: &QuoteWat<'_>) -> bool {
    let binary = matches!(module, QuoteWat::Wat(Wat::Module(module))
        if matches!(module.kind, ModuleKind::Binary(_)));
    !binary
}

/// Identifiers without their `$`.
fn name_of(id: Option<Id<'_>>) -> Option<String> {
    id.map(|id| id.name().to_string())
}

/// Encodes a module; components are not modules.
fn encode_checked(module: &mut QuoteWat<'_>) -> Result<ModuleSource, Unreadable> {
    match module {
        QuoteWat::Wat(Wat::Module(_)) | QuoteWat::QuoteModule(..) => Ok(encode(module)),
        QuoteWat::Wat(Wat::Component(_)) | QuoteWat::QuoteComponent(..) => {
            Err(Unreadable::Component)
        }
    }
}

/// The binary format of a module without sections: magic and version.
pub(crate) const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn encode(module: &mut QuoteWat<'_>) -> ModuleSource {
    if let QuoteWat::QuoteModule(_, pieces) = module {
        let text = pieces
            .iter()
            .map(|(_, piece)| *piece)
            .collect::<Vec<_>>()
            .join(&b' ');
        if text_rules::is_empty_module(&text) {
            return ModuleSource::Binary(EMPTY_MODULE.to_vec());
        }
        if let Some(message) = text_rules::refusal(&text) {
            return ModuleSource::Refused { message };
        }
    }
    match module.encode() {
        Ok(bytes) => ModuleSource::Binary(bytes),
        Err(error) => ModuleSource::Refused {
            message: error.message(),
        },
    }
}

/// What an assertion executes: an action, or the instantiation of a module.
fn execution(execute: WastExecute<'_>) -> Result<Command, Unreadable> {
    Ok(match execute {
        WastExecute::Invoke(call) => Command::Action(invoke(call)?),
        WastExecute::Get { module, global, .. } => {
            let (instance, field) = (name_of(module), global.to_string());
            Command::Action(Action::Get { instance, field })
        }
        WastExecute::Wat(module) => Command::Instantiate {
            module: encode_checked(&mut QuoteWat::Wat(module))?,
        },
    })
}

fn invoke(call: WastInvoke<'_>) -> Result<Action, Unreadable> {
    let args = call
        .args
        .into_iter()
        .map(argument)
        .collect::<Result<_, _>>()?;
    Ok(Action::Invoke {
        instance: name_of(call.module),
        field: call.name.to_string(),
        args,
    })
}

fn argument(arg: WastArg<'_>) -> Result<Argument, Unreadable> {
    use WastArgCore as A;
    let WastArg::Core(arg) = arg else {
        return Err(Unreadable::ComponentArgument);
    };
    Ok(match arg {
        A::I32(value) => Argument::I32(value as u32),
        A::I64(value) => Argument::I64(value as u64),
        A::F32(value) => Argument::F32(value.bits),
        A::F64(value) => Argument::F64(value.bits),
        A::V128(value) => Argument::V128(value.to_le_bytes()),
        A::RefNull(heap_type) => Argument::RefNull(heap_type_name(&heap_type)?),
        A::RefExtern(host) => Argument::RefExtern(host),
        A::RefHost(host) => Argument::RefHost(host),
    })
}

fn expected(ret: WastRet<'_>) -> Result<Expected, Unreadable> {
    match ret {
        WastRet::Core(ret) => expected_core(ret),
        _of_components => Err(Unreadable::ComponentResult),
    }
}

fn expected_core(ret: WastRetCore<'_>) -> Result<Expected, Unreadable> {
    use WastRetCore as R;
    Ok(match ret {
        R::I32(value) => Expected::I32(value as u32),
        R::I64(value) => Expected::I64(value as u64),
        R::F32(pattern) => Expected::F32(f32_pattern(&pattern)),
        R::F64(pattern) => Expected::F64(f64_pattern(&pattern)),
        R::V128(pattern) => Expected::V128(lane_pattern(&pattern)),
        R::RefNull(heap_type) => {
            Expected::RefNull(heap_type.as_ref().map(heap_type_name).transpose()?)
        }
        R::RefExtern(host) => Expected::RefExtern(host),
        R::RefHost(host) => Expected::RefHost(host),
        R::RefFunc(None) => Expected::RefFunc(None),
        R::RefFunc(Some(Index::Num(index, _))) => Expected::RefFunc(Some(index)),
        R::RefFunc(Some(Index::Id(id))) => {
            return Err(Unreadable::NamedFunction(id.name().to_string()));
        }
        R::RefAny => Expected::RefAny,
        R::RefEq => Expected::RefEq,
        R::RefArray => Expected::RefArray,
        R::RefStruct => Expected::RefStruct,
        R::RefI31 => Expected::RefI31,
        R::RefI31Shared => Expected::RefI31Shared,
        R::Either(cases) => Expected::Either(
            cases
                .into_iter()
                .map(expected_core)
                .collect::<Result<_, _>>()?,
        ),
    })
}

fn f32_pattern(pattern: &NanPattern<F32>) -> FloatPattern<u32> {
    match pattern {
        NanPattern::CanonicalNan => FloatPattern::CanonicalNan,
        NanPattern::ArithmeticNan => FloatPattern::ArithmeticNan,
        NanPattern::Value(value) => FloatPattern::Bits(value.bits),
    }
}

fn f64_pattern(pattern: &NanPattern<F64>) -> FloatPattern<u64> {
    match pattern {
        NanPattern::CanonicalNan => FloatPattern::CanonicalNan,
        NanPattern::ArithmeticNan => FloatPattern::ArithmeticNan,
        NanPattern::Value(value) => FloatPattern::Bits(value.bits),
    }
}

fn lane_pattern(pattern: &V128Pattern) -> LanePattern {
    match pattern {
        V128Pattern::I8x16(lanes) => LanePattern::I8x16(lanes.map(|lane| lane as u8)),
        V128Pattern::I16x8(lanes) => LanePattern::I16x8(lanes.map(|lane| lane as u16)),
        V128Pattern::I32x4(lanes) => LanePattern::I32x4(lanes.map(|lane| lane as u32)),
        V128Pattern::I64x2(lanes) => LanePattern::I64x2(lanes.map(|lane| lane as u64)),
        V128Pattern::F32x4(lanes) => LanePattern::F32x4(lanes.each_ref().map(f32_pattern)),
        V128Pattern::F64x2(lanes) => LanePattern::F64x2(lanes.each_ref().map(f64_pattern)),
    }
}

fn heap_type_name(heap_type: &HeapType<'_>) -> Result<String, Unreadable> {
    use AbstractHeapType as T;
    let HeapType::Abstract { shared: false, ty } = heap_type else {
        return Err(Unreadable::ConcreteNull);
    };
    let name = match ty {
        T::Func => "func",
        T::Extern => "extern",
        T::Exn => "exn",
        T::Cont => "cont",
        T::Any => "any",
        T::Eq => "eq",
        T::Struct => "struct",
        T::Array => "array",
        T::I31 => "i31",
        T::NoFunc => "nofunc",
        T::NoExtern => "noextern",
        T::None => "none",
        T::NoExn => "noexn",
        T::NoCont => "nocont",
    };
    Ok(name.to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::suite::{self, SuiteFile};

    fn one(text: &str) -> (Kind, Command, Expectation) {
        let mut script = parse_script("t.wast", text);
        assert_eq!(
            (script.directives.len(), script.commands.len()),
            (1, 1),
            "{text}"
        );
        let directive = script.directives.remove(0);
        (
            directive.kind,
            script.commands.remove(0),
            directive.expectation,
        )
    }

    fn call(args: Vec<Argument>) -> Command {
        let (instance, field) = (Some("m".to_string()), "f".to_string());
        Command::Action(Action::Invoke {
            instance,
            field,
            args,
        })
    }

    fn binary(command: &Command) -> bool {
        matches!(
            command,
            Command::Module {
                module: ModuleSource::Binary(_),
                ..
            } | Command::ModuleDefinition {
                module: ModuleSource::Binary(_),
                ..
            } | Command::Instantiate {
                module: ModuleSource::Binary(_)
            } | Command::Check {
                module: ModuleSource::Binary(_)
            } | Command::CheckCustom {
                module: ModuleSource::Binary(_)
            }
        )
    }

    #[test]
    fn modules_and_instances() {
        let (kind, command, expectation) = one("(module $m (func))");
        assert_eq!((kind, expectation), (Kind::Module, Expectation::Success));
        assert!(binary(&command));
        assert!(matches!(command, Command::Module { name: Some(name), .. } if name == "m"));
        let (kind, command, _) = one("(module definition $d (memory 1))");
        assert!(kind == Kind::ModuleDefinition && binary(&command));
        let (_, command, _) = one("(module instance $i $d)");
        let (instance, module) = (Some("i".to_string()), Some("d".to_string()));
        assert_eq!(command, Command::ModuleInstance { instance, module });
        let (_, command, _) = one("(register \"M\" $m)");
        let (name, instance) = ("M".to_string(), Some("m".to_string()));
        assert_eq!(command, Command::Register { name, instance });
        let (kind, command, _) = one(";; inline\n(func)\n(memory 1) (; end ;)");
        assert!(kind == Kind::Module && binary(&command));
        let (_, command, _) = one("(module (func $a) (func $a))");
        assert!(matches!(
            command,
            Command::Module {
                module: ModuleSource::Refused { .. },
                ..
            }
        ));
    }

    #[test]
    fn actions_and_their_arguments() {
        let args = "(i32.const -1) (i64.const -1) (f32.const nan) (f64.const -0) \
            (v128.const i32x4 1 0 0 2) (ref.null func) (ref.extern 3) (ref.host 4)";
        let mut v128 = [0; 16];
        (v128[0], v128[12]) = (1, 2);
        let expected = call(vec![
            Argument::I32(u32::MAX),
            Argument::I64(u64::MAX),
            Argument::F32(0x7fc0_0000),
            Argument::F64(1 << 63),
            Argument::V128(v128),
            Argument::RefNull("func".to_string()),
            Argument::RefExtern(3),
            Argument::RefHost(4),
        ]);
        let (kind, command, expectation) = one(&format!("(invoke $m \"f\" {args})"));
        assert_eq!(
            (kind, command, expectation),
            (Kind::Invoke, expected, Expectation::Success)
        );
        let (kind, command, _) = one("(get $m \"g\")");
        let (instance, field) = (Some("m".to_string()), "g".to_string());
        assert_eq!(
            (kind, command),
            (Kind::Get, Command::Action(Action::Get { instance, field }))
        );
    }

    #[test]
    fn assertions_of_results() {
        let results = "(f32.const nan:canonical) (f64.const nan:arithmetic) (f32.const 1) \
            (v128.const f64x2 nan:canonical 0) (ref.null) (ref.null any) (ref.func) (ref.extern 1) \
            (ref.extern) (ref.host 2) (ref.i31) (either (i32.const 1) (i32.const 2))";
        let text = format!("(assert_return (invoke $m \"f\") {results})");
        let (kind, command, expectation) = one(&text);
        assert_eq!((kind, command), (Kind::AssertReturn, call(vec![])));
        let lanes = [FloatPattern::CanonicalNan, FloatPattern::Bits(0)];
        let expected = Expectation::Return(vec![
            Expected::F32(FloatPattern::CanonicalNan),
            Expected::F64(FloatPattern::ArithmeticNan),
            Expected::F32(FloatPattern::Bits(0x3f80_0000)),
            Expected::V128(LanePattern::F64x2(lanes)),
            Expected::RefNull(None),
            Expected::RefNull(Some("any".to_string())),
            Expected::RefFunc(None),
            Expected::RefExtern(Some(1)),
            Expected::RefExtern(None),
            Expected::RefHost(2),
            Expected::RefI31,
            Expected::Either(vec![Expected::I32(1), Expected::I32(2)]),
        ]);
        assert_eq!(expectation, expected);
    }

    #[test]
    fn assertions_instantiate_definitions() {
        let text = "(module definition $d (memory 1)) (module definition (memory 2))
            (assert_unlinkable (module instance) \"why\")
            (assert_trap (module instance $i $d) \"why\")
            (assert_unlinkable (module instance $i $no) \"why\") (assert_trap (module) \"\")";
        let script = parse_script("t.wast", text);
        let module = |at: usize| script.commands[at].module().expect("a module");
        let kinds: Vec<Kind> = script.directives.iter().map(|it| it.kind).collect();
        let (definition, trap) = (Kind::ModuleDefinition, Kind::AssertTrap);
        assert_eq!(
            kinds,
            [
                definition,
                definition,
                Kind::AssertUnlinkable,
                trap,
                Kind::Unreadable,
                trap
            ]
        );
        assert_eq!((module(2), module(3)), (module(1), module(0)));
        assert_ne!(module(0), module(1));
        let expected = Expectation::Unlinkable("why".to_string());
        assert_eq!(script.directives[2].expectation, expected);
        assert!(matches!(script.commands[3], Command::Instantiate { .. }));
    }

    #[test]
    fn old_assertions_of_nans_are_read() {
        use FloatPattern as F;
        let either = |f32, f64| {
            let cases = vec![Expected::F32(f32), Expected::F64(f64)];
            Expectation::Return(vec![Expected::Either(cases)])
        };
        let arithmetic = either(F::ArithmeticNan, F::ArithmeticNan);
        let lanes = LanePattern::F64x2([F::CanonicalNan; 2]);
        for (name, expected) in [
            ("canonical_nan", either(F::CanonicalNan, F::CanonicalNan)),
            ("arithmetic_nan", arithmetic.clone()),
            ("nan", arithmetic),
            (
                "canonical_nan_f64x2",
                Expectation::Return(vec![Expected::V128(lanes)]),
            ),
        ] {
            let text = format!("(assert_return_{name} (invoke $m \"f\"))");
            let (kind, command, expectation) = one(&text);
            assert_eq!((kind, command), (Kind::AssertReturn, call(vec![])));
            assert_eq!(expectation, expected, "{name}");
        }
        let (kind, ..) = one("(assert_return_banana (invoke \"f\"))");
        assert_eq!(kind, Kind::Unreadable);
    }

    #[test]
    fn assertions_of_endings() {
        let run = "(invoke $m \"f\")";
        let message = || "why".to_string();
        for (head, tail, expectation) in [
            ("assert_trap", "\"why\"", Expectation::Trap(message())),
            (
                "assert_exhaustion",
                "\"why\"",
                Expectation::Exhaustion(message()),
            ),
            ("assert_exception", "", Expectation::Exception),
            (
                "assert_suspension",
                "\"why\"",
                Expectation::Suspension(message()),
            ),
        ] {
            let (kind, command, found) = one(&format!("({head} {run} {tail})"));
            assert_eq!(
                (kind.name(), command, found),
                (head, call(vec![]), expectation)
            );
        }
        for (head, module, expectation) in [
            ("assert_trap", "(module)", Expectation::Trap(message())),
            (
                "assert_unlinkable",
                "(module)",
                Expectation::Unlinkable(message()),
            ),
            (
                "assert_invalid",
                "(module)",
                Expectation::Invalid {
                    message: message(),
                    text: true,
                },
            ),
            (
                "assert_invalid_custom",
                "(module)",
                Expectation::Invalid {
                    message: message(),
                    text: true,
                },
            ),
            (
                "assert_malformed",
                "(module binary \"x\")",
                Expectation::Malformed {
                    message: message(),
                    text: false,
                },
            ),
            (
                "assert_malformed_custom",
                "(module quote \"(func)\")",
                Expectation::Malformed {
                    message: message(),
                    text: true,
                },
            ),
        ] {
            let (kind, command, found) = one(&format!("({head} {module} \"why\")"));
            assert_eq!((kind.name(), found), (head, expectation));
            assert!(binary(&command), "{head}");
        }
    }

    #[test]
    fn text_that_the_parser_refuses_is_kept_as_refused() {
        for text in [
            "(func",
            "(func (catch_all))",
            "(func $a) (start $a) (start $a)",
            "\\ff",
        ] {
            let (_, command, _) = one(&format!(
                "(assert_malformed (module quote \"{text}\") \"\")"
            ));
            let refused = matches!(
                command,
                Command::Check {
                    module: ModuleSource::Refused { .. }
                }
            );
            assert!(refused, "{text}: {command:?}");
        }
    }

    #[test]
    fn directives_of_threads_follow_them() {
        let text = "(thread $T (shared (module $m)) ;; (\n (module)\n (invoke \"f\") (banana)
            (thread $U\n   (invoke \"g\")) )\n(wait $T) (thread $V) (thread) (thread $W x (wait))";
        let script = parse_script("t.wast", text);
        let threads: Vec<_> = script
            .commands
            .iter()
            .filter_map(|command| match command {
                Command::Thread {
                    name,
                    shared_module,
                    length,
                } => Some((name.as_str(), shared_module.as_deref(), *length)),
                _ => None,
            })
            .collect();
        assert_eq!(
            threads,
            [("T", Some("m"), 5), ("U", None, 1), ("V", None, 0)]
        );
        let places = script.directives.iter();
        let places: Vec<_> = places.map(|it| (it.kind, it.line, it.column)).collect();
        let expected = [
            (Kind::Thread, 1, 1),
            (Kind::Module, 2, 2),
            (Kind::Invoke, 3, 2),
            (Kind::Unreadable, 3, 15),
            (Kind::Thread, 4, 13),
            (Kind::Invoke, 5, 4),
            (Kind::Wait, 6, 1),
            (Kind::Thread, 6, 11),
            (Kind::Unreadable, 6, 23),
            (Kind::Unreadable, 6, 32),
        ];
        assert_eq!(places, expected);
        let wait = Command::Wait {
            thread: "T".to_string(),
        };
        assert_eq!(script.commands[6], wait);
        let deep =
            "(thread $T ".repeat(NESTED_THREADS_MAX + 1) + &")".repeat(NESTED_THREADS_MAX + 1);
        let script = parse_script("t.wast", &deep);
        assert_eq!(script.directives.len(), NESTED_THREADS_MAX + 1);
        let deeper = deep.replacen("(thread $T ", "(thread $T (thread $T ", 1) + ")";
        let script = parse_script("t.wast", &deeper);
        let last = script.directives.last().map(|it| it.kind);
        assert_eq!(
            (script.directives.len(), last),
            (NESTED_THREADS_MAX + 1, Some(Kind::Unreadable))
        );
    }

    #[test]
    fn one_unreadable_form_costs_one_directive() {
        let text = "(module)\n(assert_banana)\n)\n  (assert_return (invoke \"f\")) (module (";
        let script = parse_script("a/t.wast", text);
        let found: Vec<_> = script
            .directives
            .iter()
            .map(|it| (it.kind, it.line, it.column))
            .collect();
        let expected = [
            (Kind::Module, 1, 1),
            (Kind::Unreadable, 2, 1),
            (Kind::Unreadable, 3, 1),
            (Kind::AssertReturn, 4, 3),
            (Kind::Unreadable, 4, 32),
        ];
        assert_eq!(found, expected);
        assert!(script.directives[3].id.starts_with("a/t.wast#3-"));
        assert_eq!(script.sha256.len(), 64);
    }

    #[test]
    fn deep_nesting_is_read_or_refused_but_never_fatal() {
        for text in ["(block ", "(module (func ", "(either "] {
            let script = parse_script("t.wast", &text.repeat(100_000));
            assert_eq!(script.directives.len(), 1);
        }
        let nested = "(block ".repeat(100_000) + &")".repeat(100_000);
        let script = parse_script("t.wast", &format!("(module (func {nested}))"));
        assert_eq!(script.directives.len(), 1);
    }

    /// Modules of a file by whole-file parsing, and how many directives it has.
    fn whole_file(text: &str) -> Option<(usize, Vec<Vec<u8>>)> {
        let buffer = buffer(text).ok()?;
        let Wast { directives } = parser::parse(&buffer).ok()?;
        let count = directives.len();
        let modules = directives
            .into_iter()
            .filter_map(|directive| match directive {
                WastDirective::Module(mut module)
                | WastDirective::ModuleDefinition(mut module)
                | WastDirective::AssertInvalid { mut module, .. }
                | WastDirective::AssertMalformed { mut module, .. } => module.encode().ok(),
                WastDirective::AssertUnlinkable { module, .. } => {
                    QuoteWat::Wat(module).encode().ok()
                }
                _ => None,
            });
        Some((count, modules.collect()))
    }

    fn encoded(command: Command) -> Option<Vec<u8>> {
        match command {
            Command::Module { module, .. }
            | Command::ModuleDefinition { module, .. }
            | Command::Instantiate { module }
            | Command::Check { module } => match module {
                ModuleSource::Binary(bytes) => Some(bytes),
                ModuleSource::Refused { .. } => None,
            },
            _ => None,
        }
    }

    /// Text that the whole-file parse accepts and our own rules refuse.
    const REFUSED_BY_RULES: &[(&str, usize)] = &[("start.wast", 1), ("try_table.wast", 2)];

    /// Checks files against whole-file parsing; gives the number of directives of those, and in
    /// all.
    fn check(files: &[SuiteFile]) -> (usize, usize) {
        let (mut compared, mut total) = (0, 0);
        for file in files {
            let script = parse_script(&file.path, &file.text);
            total += script.directives.len();
            let Some((count, modules)) = whole_file(&file.text) else {
                continue;
            };
            compared += count;
            assert_eq!(script.directives.len(), count, "{}", file.path);
            let traps = |directive: &Directive| directive.kind != Kind::AssertTrap;
            let kept = script
                .directives
                .iter()
                .zip(script.commands)
                .filter(|(it, _)| traps(it));
            let ours: Vec<_> = kept.filter_map(|(_, command)| encoded(command)).collect();
            let row = REFUSED_BY_RULES
                .iter()
                .find(|(name, _)| file.path.rsplit('/').next() == Some(name));
            if ours != modules {
                assert_eq!(
                    modules.len() - ours.len(),
                    row.map_or(0, |row| row.1),
                    "{}",
                    file.path
                );
                assert!(
                    ours.iter().all(|module| modules.contains(module)),
                    "{}",
                    file.path
                );
            }
        }
        (compared, total)
    }

    #[test]
    fn the_embedded_suite_parses_as_whole_files_do() {
        let files = suite::embedded();
        let (compared, total) = check(&files);
        assert_eq!(compared, total);
    }

    #[test]
    #[ignore = "needs a checkout of WebAssembly/testsuite"]
    fn a_checkout_has_every_directive_that_it_is_known_to_have() {
        let files = suite::tests::checkout();
        let (top, below): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| !file.path.contains('/'));
        let (top_compared, top_total) = check(&top);
        let (below_compared, below_total) = check(&below);
        assert_eq!((top.len(), top.len() + below.len()), (257, 288));
        assert_eq!((top_total, top_total + below_total), (65_184, 67_119));
        assert_eq!(top_compared, top_total);
        assert!(
            below_compared < below_total,
            "legacy forms that `wast` cannot read"
        );
    }
}
