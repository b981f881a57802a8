//! Modules that compute the digest of an item that an instance exports (`outcome/visible.rs`): so
//! every engine shows that part of its state, without a word of the protocol for it.

use wasm_encoder::{
    BlockType, CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalType, ImportSection, Instruction, MemArg, MemArgTarget, MemoryType, Module, TableType,
    TypeSection, ValType,
};
use wasmparser as wp;

use super::crossing::{EXPORT, TARGET, exports, of_reference, val_type};
use crate::outcome::visible::{MEMORY_BYTES_MAX, NAN, PRIME, TABLE_ELEMENTS_MAX};

/// An export that is part of the visible state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub name: String,
    ty: EntityType,
}

/// The items of a valid module: memories that no other thread can write, tables and globals of
/// types that a module can name without having them.
pub fn items(bytes: &[u8]) -> Vec<Item> {
    let exports = exports(bytes, |_, ty| of_type(ty)).into_iter();
    exports.map(|(name, ty)| Item { name, ty }).collect()
}

fn of_type(ty: wp::types::EntityType) -> Option<EntityType> {
    match ty {
        wp::types::EntityType::Memory(ty) if !ty.shared => Some(EntityType::Memory(MemoryType {
            minimum: ty.initial,
            maximum: ty.maximum,
            memory64: ty.memory64,
            shared: false,
            page_size_log2: ty.page_size_log2,
        })),
        wp::types::EntityType::Table(ty) if !ty.shared => Some(EntityType::Table(TableType {
            element_type: of_reference(ty.element_type)?,
            table64: ty.table64,
            minimum: ty.initial,
            maximum: ty.maximum,
            shared: false,
        })),
        wp::types::EntityType::Global(ty) if !ty.shared => Some(EntityType::Global(GlobalType {
            val_type: val_type(ty.content_type)?,
            mutable: ty.mutable,
            shared: false,
        })),
        _ => None,
    }
}

impl Item {
    /// The module that imports the item and exports a function without parameters for its digest.
    pub fn helper(&self) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], [ValType::I64]);
        let mut imports = ImportSection::new();
        imports.import(TARGET, &self.name, self.ty);
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut exports = ExportSection::new();
        exports.export(EXPORT, ExportKind::Func, 0);
        let mut code = CodeSection::new();
        code.function(&self.body());
        let mut module = Module::new();
        module.section(&types).section(&imports);
        module.section(&functions).section(&exports).section(&code);
        module.finish()
    }

    fn body(&self) -> Function {
        match self.ty {
            EntityType::Global(ty) => global(ty.val_type),
            EntityType::Memory(ty) => {
                let page_bytes = 1_u64 << ty.page_size_log2.unwrap_or(16);
                let step = Step {
                    is_wide: ty.memory64,
                    size: vec![
                        Instruction::MemorySize(0),
                        extended(ty.memory64),
                        Instruction::I64Const(page_bytes.cast_signed()),
                        Instruction::I64Mul,
                    ],
                    most: MEMORY_BYTES_MAX,
                    width: 8,
                    word: vec![Instruction::I64Load(MemArg {
                        offset: 0,
                        align: 0,
                        target: MemArgTarget::Memory(0),
                        ordering: None,
                    })],
                };
                step.digest()
            }
            EntityType::Table(ty) => {
                let step = Step {
                    is_wide: ty.table64,
                    size: vec![Instruction::TableSize(0), extended(ty.table64)],
                    most: TABLE_ELEMENTS_MAX,
                    width: 1,
                    word: vec![
                        Instruction::TableGet(0),
                        Instruction::RefIsNull,
                        Instruction::I64ExtendI32U,
                    ],
                };
                step.digest()
            }
            EntityType::Function(_) | EntityType::FunctionExact(_) | EntityType::Tag(_) => {
                unreachable!("items are memories, tables and globals")
            }
        }
    }
}

/// An index or a size as an i64.
fn extended(is_wide: bool) -> Instruction<'static> {
    if is_wide {
        Instruction::Nop
    } else {
        Instruction::I64ExtendI32U
    }
}

/// A loop over what has a size.
struct Step {
    /// True if its indices are i64.
    is_wide: bool,
    /// Leaves the size.
    size: Vec<Instruction<'static>>,
    /// The largest size at which the words count.
    most: u64,
    /// How far the index goes on.
    width: u64,
    /// From an index to a word.
    word: Vec<Instruction<'static>>,
}

impl Step {
    fn digest(&self) -> Function {
        let (size, index, digest) = (0, 1, 2);
        let mut body = self.size.clone();
        body.extend([
            Instruction::LocalTee(size),
            Instruction::LocalSet(digest),
            Instruction::Block(BlockType::Empty),
            Instruction::LocalGet(size),
            Instruction::I64Const(self.most.cast_signed()),
            Instruction::I64GtU,
            Instruction::BrIf(0),
            Instruction::Loop(BlockType::Empty),
            // The rest that is not a whole word does not count.
            Instruction::LocalGet(index),
            Instruction::I64Const(self.width.cast_signed()),
            Instruction::I64Add,
            Instruction::LocalGet(size),
            Instruction::I64GtU,
            Instruction::BrIf(1),
            Instruction::LocalGet(digest),
            Instruction::LocalGet(index),
        ]);
        if !self.is_wide {
            body.push(Instruction::I32WrapI64);
        }
        body.extend(self.word.clone());
        body.extend([
            Instruction::I64Xor,
            Instruction::I64Const(PRIME.cast_signed()),
            Instruction::I64Mul,
            Instruction::LocalSet(digest),
            Instruction::LocalGet(index),
            Instruction::I64Const(self.width.cast_signed()),
            Instruction::I64Add,
            Instruction::LocalSet(index),
            Instruction::Br(0),
            Instruction::End,
            Instruction::End,
            Instruction::LocalGet(digest),
            Instruction::End,
        ]);
        function(3, &body)
    }
}

/// The digest of a global.
fn global(ty: ValType) -> Function {
    let get = Instruction::GlobalGet(0);
    let or_nan = |bits: Vec<Instruction<'static>>, ne: Instruction<'static>| {
        let get = Instruction::GlobalGet(0);
        let mut body = vec![Instruction::I64Const(NAN.cast_signed()), get.clone()];
        body.extend(bits);
        body.extend([get.clone(), get, ne, Instruction::Select]);
        body
    };
    let mut body = match ty {
        ValType::I32 => vec![get, Instruction::I64ExtendI32U],
        ValType::I64 => vec![get],
        ValType::F32 => or_nan(
            vec![Instruction::I32ReinterpretF32, Instruction::I64ExtendI32U],
            Instruction::F32Ne,
        ),
        ValType::F64 => or_nan(vec![Instruction::I64ReinterpretF64], Instruction::F64Ne),
        ValType::V128 => vec![
            get.clone(),
            Instruction::I64x2ExtractLane(0),
            get,
            Instruction::I64x2ExtractLane(1),
            Instruction::I64Xor,
            Instruction::I64Const(PRIME.cast_signed()),
            Instruction::I64Mul,
        ],
        ValType::Ref(_) => vec![get, Instruction::RefIsNull, Instruction::I64ExtendI32U],
    };
    body.push(Instruction::End);
    function(0, &body)
}

fn function(locals: u32, body: &[Instruction<'static>]) -> Function {
    let mut function = Function::new([(locals, ValType::I64)]);
    for instruction in body {
        function.instruction(instruction);
    }
    function
}

#[cfg(test)]
mod tests {
    use wassay_runtime as runtime;

    use super::*;
    use crate::features::FeatureSet;
    use crate::protocol::{Job, JobConfig, cell::Cell};
    use crate::script::parse::{encode_module, parse_script};
    use crate::tier::Tier;
    use crate::worker::run_job;

    const MODULE: &str = r#"(module
        (memory (export "memory") 2 5)
        (memory (export "wide") i64 1)
        (memory (export "large") 17)
        (table (export "table") 3 9 funcref)
        (table (export "wide table") i64 2 externref)
        (elem (table 0) (i32.const 1) func $f)
        (data (memory 0) (i32.const 65531) "some bytes")
        (data (memory 1) (i64.const 8) "more")
        (data (memory 2) (i32.const 0) "these do not count")
        (global (export "i32") i32 (i32.const -5))
        (global (export "i64") (mut i64) (i64.const 7))
        (global (export "f32") f32 (f32.const -0))
        (global (export "nan") f32 (f32.const nan:0x200000))
        (global (export "f64") f64 (f64.const 1e300))
        (global (export "f64 nan") f64 (f64.const -nan))
        (global (export "v128") v128 (v128.const i64x2 3 4))
        (global (export "null") externref (ref.null extern))
        (func $f (export "f")))"#;

    /// What the modules compute is what our workers compute.
    #[test]
    fn digests_are_those_of_the_workers() {
        let cell = Cell::create().expect("a cell");
        let script = parse_script("t.wast", MODULE);
        let config = JobConfig {
            show_state: true,
            ..JobConfig::plain(FeatureSet::WASM3)
        };
        let job = Job {
            sequence: 1,
            path: "t.wast".into(),
            commands: (&script.commands[..]).into(),
            config,
            excluded: (&[][..]).into(),
        };
        let mut reports = run_job(Tier::Stack, &cell, &job).reports;
        let shown = reports.remove(0).visible;

        let mut config = runtime::Config::new();
        config.features(wp::WasmFeatures::all());
        let engine = runtime::Engine::new(&config).expect("an engine");
        let bytes = encode_module(MODULE).expect("a module");
        let module = runtime::Module::new(&engine, &bytes).expect("valid");
        let mut store = runtime::Store::new(&engine, ());
        let mut linker = runtime::Linker::new(&engine);
        let target = linker
            .instantiate(&mut store, &module)
            .expect("an instance");
        linker.instance(&mut store, TARGET, target).expect("named");
        let items = items(&bytes);
        assert_eq!(items.len(), 13);
        for (item, shown) in items.iter().zip(&shown) {
            let helper = runtime::Module::new(&engine, item.helper()).expect("valid");
            let instance = linker
                .instantiate(&mut store, &helper)
                .expect("an instance");
            let digest = instance.get_typed_func::<(), i64>(&mut store, EXPORT);
            let digest = digest
                .expect("a function")
                .call(&mut store, ())
                .expect("no trap");
            assert_eq!(
                (&item.name, digest.cast_unsigned()),
                (&shown.name, shown.digest)
            );
        }
        assert_eq!(shown.len(), 13);
    }
}
