//! The outline of a module in the binary format: its types, the types of its functions, imports and
//! exports. Nothing is validated.

use wasmparser::{
    CompositeInnerType, ExternalKind, FuncType, Parser, Payload, Result, SubType, TypeRef,
};

/// The outline of a module.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    /// The types, by index.
    pub(super) types: Vec<SubType>,
    /// The modules from which something is imported, one for each import.
    pub(super) imported_modules: Vec<String>,
    /// The number of globals, imported ones included.
    pub(super) globals: u32,
    /// The type index of each function, imported ones first.
    pub(super) functions: Vec<u32>,
    /// The exports: name, kind, index.
    pub(super) exports: Vec<(String, ExternalKind, u32)>,
    /// True if the module has a start function.
    pub(super) has_start: bool,
}

impl Outline {
    /// The outline of a module.
    ///
    /// # Errors
    /// If the module is malformed.
    pub(super) fn of(module: &[u8]) -> Result<Outline> {
        let mut outline = Outline::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(groups) => {
                    for group in groups {
                        outline.types.extend(group?.into_types());
                    }
                }
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        outline.imported_modules.push(import.module.to_string());
                        outline.globals += u32::from(matches!(import.ty, TypeRef::Global(_)));
                        if let TypeRef::Func(ty) | TypeRef::FuncExact(ty) = import.ty {
                            outline.functions.push(ty);
                        }
                    }
                }
                Payload::FunctionSection(types) => {
                    for ty in types {
                        outline.functions.push(ty?);
                    }
                }
                Payload::GlobalSection(globals) => outline.globals += globals.count(),
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let it = export?;
                        let export = (it.name.to_string(), it.kind, it.index);
                        outline.exports.push(export);
                    }
                }
                Payload::StartSection { .. } => outline.has_start = true,
                _ => {}
            }
        }
        Ok(outline)
    }

    /// The type of a function.
    pub(super) fn function_type(&self, function: u32) -> Option<&FuncType> {
        let ty = *self.functions.get(function as usize)?;
        match &self.types.get(ty as usize)?.composite_type.inner {
            CompositeInnerType::Func(ty) => Some(ty),
            CompositeInnerType::Array(_)
            | CompositeInnerType::Struct(_)
            | CompositeInnerType::Cont(_) => None,
        }
    }

    /// The exported functions: name and type.
    pub(super) fn exported_functions(&self) -> impl Iterator<Item = (&str, &FuncType)> {
        let functions = self.exports.iter().filter_map(|(name, kind, index)| {
            let is_function = matches!(kind, ExternalKind::Func | ExternalKind::FuncExact);
            let ty = is_function.then(|| self.function_type(*index)).flatten();
            ty.map(|ty| (name.as_str(), ty))
        });
        functions.into_iter()
    }
}
