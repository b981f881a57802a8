//! A module under construction: functions, each of a type that is written once.

use std::collections::HashMap;

use wasm_encoder::{
    CodeSection, DataCountSection, DataSection, ExportKind, ExportSection, Function,
    FunctionSection, ImportSection, MemorySection, Module, TypeSection,
};

use super::body::Type;
use super::emit::{Signature, val_type};

/// Functions with their types and exports.
#[derive(Default)]
pub(super) struct ModuleDraft {
    by_signature: HashMap<Signature, u32>,
    types: TypeSection,
    functions: FunctionSection,
    exports: ExportSection,
    /// The names of the functions that are exported, by index.
    exported: HashMap<u32, String>,
    code: CodeSection,
}

/// The parts of a module beside its functions.
#[derive(Default)]
pub(super) struct Environment {
    pub(super) imports: ImportSection,
    pub(super) memories: MemorySection,
    pub(super) data: DataSection,
}

impl ModuleDraft {
    /// Adds a function; gives its index.
    pub(super) fn define(&mut self, signature: Signature, function: &Function) -> u32 {
        let index = self.functions.len();
        let next = self.types.len();
        let ty = *self.by_signature.entry(signature).or_insert_with_key(|it| {
            let types = |types: &[Type]| types.iter().copied().map(val_type).collect::<Vec<_>>();
            self.types
                .ty()
                .function(types(&it.params), types(&it.results));
            next
        });
        self.functions.function(ty);
        self.code.function(function);
        index
    }

    /// The name under which a function is exported.
    pub(super) fn export(&mut self, index: u32) -> String {
        let name = self.exported.entry(index).or_insert_with(|| {
            let name = format!("f{index}");
            self.exports.export(&name, ExportKind::Func, index);
            name
        });
        name.clone()
    }

    /// The module, which imports no functions.
    pub(super) fn finish(self, environment: Environment) -> Vec<u8> {
        let Environment {
            imports,
            memories,
            data,
        } = environment;
        let mut module = Module::new();
        module.section(&self.types);
        if !imports.is_empty() {
            module.section(&imports);
        }
        module.section(&self.functions);
        if !memories.is_empty() {
            module.section(&memories);
        }
        module.section(&self.exports);
        if !data.is_empty() {
            let count = data.len();
            module.section(&DataCountSection { count });
        }
        module.section(&self.code);
        if !data.is_empty() {
            module.section(&data);
        }
        module.finish()
    }
}
