//! A module's text as forms that can be left out, or that can define what was imported: types,
//! imports, functions, tables, memories, globals, tags, segments, exports, and the locals of
//! functions.
//!
//! In the text everything has a name, so that what stays still refers to what it did.

use std::ops::Range;

use wasmprinter::{Config, PrintFmtWrite};

/// The text of a module with a name for everything.
pub(super) fn text(module: &[u8]) -> Option<String> {
    let mut config = Config::new();
    config.name_unnamed(true);
    let mut out = String::new();
    config.print(module, &mut PrintFmtWrite(&mut out)).ok()?;
    Some(out)
}

/// The forms of a module's text, the last one first: those of the module itself, the types of
/// recursive groups, and locals.
pub(super) fn forms(text: &str) -> Vec<Range<usize>> {
    let mut open: Vec<usize> = Vec::new();
    let mut forms = Vec::new();
    let mut in_string = false;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if in_string => {
                bytes.next();
            }
            b'"' => in_string = !in_string,
            b'(' if !in_string => open.push(at),
            b')' if !in_string => {
                let start = open.pop().unwrap_or(0);
                let is_inner = ["(type ", "(local "]
                    .iter()
                    .any(|head| text[start..].starts_with(head));
                if open.len() == 1 || open.len() == 2 && is_inner {
                    forms.push(start..at + 1);
                }
            }
            _ => {}
        }
    }
    forms.sort_by_key(|form| std::cmp::Reverse(form.start));
    forms
}

/// The text without some forms, of which one may be inside of another: the last one first.
pub(super) fn without(text: &str, forms: &[Range<usize>]) -> String {
    let mut kept = Vec::new();
    let mut start = 0;
    for form in forms.iter().rev().filter(|form| !form.is_empty()) {
        kept.extend(text.get(start..form.start));
        start = start.max(form.end);
    }
    kept.push(&text[start..]);
    kept.concat()
}

/// The text of a module that has itself what a form imports: a memory, a table or a tag of the
/// type, or a global that is 0. `None` for other forms.
pub(super) fn with_own(text: &str, form: &Range<usize>) -> Option<String> {
    let import = text[form.clone()].strip_prefix("(import ")?;
    let own = behind_string(behind_string(import)?)?.trim_start();
    let own = own.strip_suffix("))")?;
    let heads = ["(memory ", "(table ", "(tag "];
    let is_whole = heads.iter().any(|head| own.starts_with(head));
    let init = match own.strip_suffix(')').unwrap_or(own).rsplit(' ').next() {
        _ if is_whole => String::new(),
        Some(ty @ ("i32" | "i64" | "f32" | "f64")) if own.starts_with("(global ") => {
            format!(" ({ty}.const 0)")
        }
        Some(_) | None => return None,
    };
    let module = without(text, std::slice::from_ref(form));
    let (module, end) = module.split_at(module.rfind(')')?);
    Some(format!("{module}{own}{init})\n{end}"))
}

/// What stands behind the string with which a text begins.
fn behind_string(text: &str) -> Option<&str> {
    let text = text.trim_start().strip_prefix('"')?;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::write::encoded;

    /// A module that needs no other one for what can be its own.
    #[test]
    fn imports_become_definitions() {
        let module = encoded(
            r#"(module (import "a)\"" "(" (memory 1 3 shared)) (import "a" "g" (global (mut i64)))
                 (import "a" "f" (func)) (import "a" "r" (global externref))
                 (import "a" "h" (global f32)) (import "a" "t" (table 1 2 funcref))
                 (import "a" "e" (tag (param i32)))
                 (func (result f32) (global.get 2) (i64.load (i32.const 0)) (global.set 0)))"#,
        );
        let mut text = text(&module.expect("a module")).expect("it prints");
        while let Some(own) = forms(&text).iter().find_map(|form| with_own(&text, form)) {
            text = own;
        }
        let module = encoded(&text).expect("a module");
        wasmparser::validate(&module).expect("it is valid");
        assert_eq!(text.matches("(import").count(), 2, "{text}");
        assert!(
            text.contains("1 3 shared)\n") && text.contains("1 2 funcref)\n"),
            "{text}"
        );
    }

    #[test]
    fn a_form_inside_of_another_goes_with_it() {
        let text = "(module (func (local i32) (local i64)) (type) (memory 1))";
        let forms = forms(text);
        assert_eq!(forms.len(), 5);
        assert_eq!(without(text, &forms[1..]), "(module   (memory 1))");
        assert_eq!(
            without(text, &forms[2..4]),
            "(module (func  ) (type) (memory 1))"
        );
    }

    #[test]
    fn forms_are_left_out_unless_something_names_them() {
        let module = encoded(
            r#"(module (rec (type $s (struct)) (type $t (struct))) (global i32 (i32.const 1))
                 (func $g) (func (export "f\")(") (result i32) (local i64 f32)
                   (i32.const 7)))"#,
        );
        let mut text = text(&module.expect("a module")).expect("it prints");
        loop {
            let smaller = forms(&text).into_iter().map(|form| without(&text, &[form]));
            // The export is what a directive would need.
            let mut smaller = smaller.filter(|it| encoded(it).is_some() && it.contains("export"));
            match smaller.next() {
                Some(smaller) => text = smaller,
                None => break,
            }
        }
        assert_eq!(text.matches("(func").count(), 2, "{text}");
        assert!(
            !text.contains("global") && !text.contains("struct"),
            "{text}"
        );
        assert!(!text.contains("local"), "{text}");
    }
}
