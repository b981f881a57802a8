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
