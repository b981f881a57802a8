//! A module's text as forms that can be left out: types, imports, functions, tables, memories,
//! globals, tags, segments, exports, and the locals of functions.
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

/// The text without a form.
pub(super) fn without(text: &str, form: &Range<usize>) -> String {
    [&text[..form.start], &text[form.end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::write::encoded;

    #[test]
    fn forms_are_left_out_unless_something_names_them() {
        let module = encoded(
            r#"(module (rec (type $s (struct)) (type $t (struct))) (global i32 (i32.const 1))
                 (func $g) (func (export "f\")(") (result i32) (local i64 f32)
                   (i32.const 7)))"#,
        );
        let mut text = text(&module.expect("a module")).expect("it prints");
        loop {
            let smaller = forms(&text).into_iter().map(|form| without(&text, &form));
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
