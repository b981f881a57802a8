//! A script that waits for its turn: as bytes, a quarter of the size that it has in memory.

use std::sync::Arc;

use super::Script;

/// A script in few bytes.
#[derive(Clone, Debug)]
pub struct PackedScript {
    /// The path that reports show.
    pub path: String,
    /// The number of its directives.
    pub directives: usize,
    bytes: Box<[u8]>,
}

impl PackedScript {
    /// Packs a script.
    pub fn new(script: &Script) -> PackedScript {
        let bytes = postcard::to_stdvec(script).expect("a script is data that can be encoded");
        PackedScript {
            path: script.path.clone(),
            directives: script.directives.len(),
            bytes: bytes.into_boxed_slice(),
        }
    }

    /// The script.
    pub fn unpack(&self) -> Arc<Script> {
        let script = postcard::from_bytes(&self.bytes);
        Arc::new(script.expect("it was packed by `new`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse::{parse_script, unreadable_script};

    #[test]
    fn scripts_come_back_as_they_were() {
        let text = r#"(module $m (memory 1) (func (export "f") (result f32 i64)
              (f32.const nan) (i64.const -1)))
            (assert_return (invoke $m "f") (f32.const nan:canonical) (i64.const -1))
            (assert_malformed (module quote "(") "unexpected end")
            (assert_invalid (module (func (result i32))) "type mismatch")
            (unknown)"#;
        for script in [
            parse_script("a/b.wast", text),
            unreadable_script("c.wast", 7, "invalid UTF-8"),
        ] {
            let packed = PackedScript::new(&script);
            assert_eq!(
                (&packed.path, packed.directives),
                (&script.path, script.directives.len())
            );
            assert_eq!(*packed.unpack(), script);
        }
    }
}
