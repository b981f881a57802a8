//! What a module imports and exports, for libraries that do not tell.

use wasmparser::types::EntityType;
use wasmparser::{Parser, Payload, ValType, Validator, WasmFeatures};

/// The imports of a module by module and name, and its exports in order.
#[derive(Clone, Default)]
pub struct Shape {
    /// The imports.
    pub imports: Vec<(String, String)>,
    /// The pages of its memories when it is instantiated.
    #[allow(dead_code, reason = "a library may check modules without that")]
    pub pages: u64,
    /// The exports.
    pub exports: Vec<(String, Exported)>,
}

/// An export.
#[derive(Clone)]
pub enum Exported {
    /// A function with its parameters and results.
    Func(Vec<ValType>, Vec<ValType>),
    /// A global.
    Global(ValType),
    /// A table, a memory or a tag.
    Other,
}

impl Shape {
    /// An export by name.
    #[allow(dead_code, reason = "some libraries have exports in order only")]
    pub fn export(&self, name: &str) -> Option<&Exported> {
        let found = self.exports.iter().find(|export| export.0 == name);
        found.map(|export| &export.1)
    }

    /// The imports and exports of a module; none if another reader refuses the module.
    pub fn of(bytes: &[u8]) -> Shape {
        let mut validator = Validator::new_with_features(WasmFeatures::all());
        let Ok(types) = validator.validate_all(bytes) else {
            return Shape::default();
        };
        let types = types.as_ref();
        let exports = types.core_exports().into_iter().flatten();
        let exported = |entity| match entity {
            EntityType::Func(id) | EntityType::FuncExact(id) => {
                let ty = types[id].unwrap_func();
                Exported::Func(ty.params().to_vec(), ty.results().to_vec())
            }
            EntityType::Global(ty) => Exported::Global(ty.content_type),
            EntityType::Table(_) | EntityType::Memory(_) | EntityType::Tag(_) => Exported::Other,
        };
        let memories = (0..types.memory_count()).map(|at| types.memory_at(at).initial);
        Shape {
            pages: memories.fold(0, u64::saturating_add),
            imports: imports(bytes),
            exports: exports
                .map(|(name, ty)| (name.to_string(), exported(ty)))
                .collect(),
        }
    }
}

/// The imports of a valid module, in order.
fn imports(bytes: &[u8]) -> Vec<(String, String)> {
    let sections = Parser::new(0).parse_all(bytes).filter_map(Result::ok);
    let imports = sections.filter_map(|section| match section {
        Payload::ImportSection(section) => Some(section.into_imports().flatten()),
        _ => None,
    });
    imports
        .flatten()
        .map(|it| (it.module.to_string(), it.name.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(module (import "m" "g" (global i64)) (memory 3)
    ///    (func (export "f") (param i32) (result f64) (f64.const 0)))`
    const MODULE: &[u8] = b"\0asm\x01\0\0\0\x01\x06\x01\x60\x01\x7f\x01\x7c\
        \x02\x08\x01\x01m\x01g\x03\x7e\0\x03\x02\x01\0\x05\x03\x01\0\x03\
        \x07\x05\x01\x01f\0\0\x0a\x0d\x01\x0b\0\x44\0\0\0\0\0\0\0\0\x0b";

    #[test]
    fn imports_and_exports_are_read() {
        let shape = Shape::of(MODULE);
        assert_eq!(shape.imports, [("m".to_string(), "g".to_string())]);
        assert_eq!(shape.pages, 3);
        let Some(Exported::Func(params, results)) = shape.export("f") else {
            panic!("`f` is a function");
        };
        assert_eq!(
            (&params[..], &results[..]),
            (&[ValType::I32][..], &[ValType::F64][..])
        );
        assert!(Shape::of(b"\0asm").exports.is_empty());
    }
}
