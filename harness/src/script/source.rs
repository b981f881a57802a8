//! The text of a script beside the script: the text of each directive, and the places of
//! instructions in the text of modules.
//!
//! Owns: how a place in a script finds its form again. The parser keeps no text, since few
//! directives are ever shown.

use std::collections::HashMap;
use std::ops::Range;

use wast::core::{Expression, FuncKind, ModuleField, ModuleKind};
use wast::parser::{self, ParseBuffer};
use wast::{QuoteWat, WastDirective, WastExecute, Wat};

use super::Directive;
use super::parse::{InParens, buffer};
use super::split::{LineTable, split};

/// The text of a script, searched by the places of its directives.
#[derive(Clone, Debug)]
pub struct SourceText<'a> {
    text: &'a str,
    lines: LineTable,
    /// The forms at the top, by where they begin.
    forms: HashMap<usize, Range<usize>>,
    /// The same in their order.
    order: Vec<Range<usize>>,
}

/// A place in a text, from 1, and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePlace {
    /// The line.
    pub line: u32,
    /// The column in bytes.
    pub column: u32,
    /// The text of the line.
    pub text: String,
}

impl<'a> SourceText<'a> {
    /// Splits the text.
    pub fn new(text: &'a str) -> SourceText<'a> {
        let order: Vec<Range<usize>> = split(text).into_iter().map(|form| form.range).collect();
        SourceText {
            text,
            lines: LineTable::new(text),
            forms: order
                .iter()
                .map(|range| (range.start, range.clone()))
                .collect(),
            order,
        }
    }

    /// The text of a directive.
    pub fn of(&self, directive: &Directive) -> Option<&'a str> {
        self.range(directive).map(|range| &self.text[range])
    }

    fn range(&self, directive: &Directive) -> Option<Range<usize>> {
        let start = self.lines.offset(directive.line, directive.column)?;
        if let Some(range) = self.forms.get(&start) {
            return Some(range.clone());
        }
        // A directive of a thread, or a module without parentheses around it.
        let after = self.order.partition_point(|range| range.start <= start);
        let around = self.order.get(after.checked_sub(1)?)?;
        let form = split(self.text.get(start..around.end)?)
            .into_iter()
            .next()?;
        Some(start + form.range.start..start + form.range.end)
    }

    /// The place of an instruction in the module that a directive has as text: the function by its
    /// position among those that the module defines, the instruction by its position in it.
    pub fn instruction(
        &self,
        directive: &Directive,
        function: usize,
        instruction: usize,
    ) -> Option<SourcePlace> {
        let range = self.range(directive)?;
        let source = &self.text[range.clone()];
        let mut buffer = buffer(source).ok()?;
        buffer.track_instr_spans(true);
        let offset = instruction_offset(&buffer, function, instruction)?;
        self.place(range.start + offset)
    }

    fn place(&self, offset: usize) -> Option<SourcePlace> {
        let (line, column) = self.lines.locate(offset);
        let start = offset + 1 - column as usize;
        let rest = self.text.get(start..)?;
        Some(SourcePlace {
            line,
            column,
            text: rest.lines().next().unwrap_or_default().to_string(),
        })
    }
}

/// The byte of a form at which an instruction of its module begins.
fn instruction_offset(
    buffer: &ParseBuffer<'_>,
    function: usize,
    instruction: usize,
) -> Option<usize> {
    let InParens(directive) = parser::parse::<InParens<WastDirective<'_>>>(buffer).ok()?;
    let module = match directive {
        WastDirective::Module(QuoteWat::Wat(wat))
        | WastDirective::ModuleDefinition(QuoteWat::Wat(wat))
        | WastDirective::AssertTrap {
            exec: WastExecute::Wat(wat),
            ..
        }
        | WastDirective::AssertReturn {
            exec: WastExecute::Wat(wat),
            ..
        } => wat,
        _other_directive => return None,
    };
    let Wat::Module(module) = module else {
        return None;
    };
    let ModuleKind::Text(fields) = module.kind else {
        return None;
    };
    let mut bodies = fields.iter().filter_map(body);
    let spans = bodies.nth(function)?.instr_spans.as_ref()?;
    Some(spans.get(instruction)?.offset())
}

/// The code of a field, if that is a function with code.
fn body<'a, 'b>(field: &'b ModuleField<'a>) -> Option<&'b Expression<'a>> {
    match field {
        ModuleField::Func(func) => match &func.kind {
            FuncKind::Inline { expression, .. } => Some(expression),
            FuncKind::Import(..) => None,
        },
        _other_field => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse::parse_script;

    const TEXT: &str = "(module\n  (import \"a\" \"b\" (func))\n  (func $f)\n  \
        (func (param i32) (result i32)\n    (i32.div_s\n      (i32.const 1)\n      \
        (local.get 0))))\n\
        (thread $t (assert_return (invoke \"é\") ) (wait $u))\n(assert_trap (invoke \"f\") \"x\")";

    #[test]
    fn directives_have_their_text() {
        let script = parse_script("a.wast", TEXT);
        let source = SourceText::new(TEXT);
        let texts: Vec<&str> = script.directives[1..]
            .iter()
            .map(|it| source.of(it).expect("found"))
            .collect();
        let thread = "(thread $t (assert_return (invoke \"é\") ) (wait $u))";
        let nested = ["(assert_return (invoke \"é\") )", "(wait $u)"];
        assert_eq!(
            texts,
            [
                thread,
                nested[0],
                nested[1],
                "(assert_trap (invoke \"f\") \"x\")"
            ]
        );
        assert!(
            source
                .of(&script.directives[0])
                .expect("found")
                .starts_with("(module\n")
        );
    }

    /// Folded instructions have the order of the binary format.
    #[test]
    fn instructions_have_their_lines() {
        let script = parse_script("a.wast", TEXT);
        let source = SourceText::new(TEXT);
        let place = |function, instruction| {
            let place = source.instruction(&script.directives[0], function, instruction)?;
            Some((place.line, place.column, place.text.trim().to_string()))
        };
        assert_eq!(place(1, 0), Some((6, 8, "(i32.const 1)".to_string())));
        assert_eq!(place(1, 2), Some((5, 6, "(i32.div_s".to_string())));
        assert_eq!((place(0, 0), place(2, 0)), (None, None));
    }
}
