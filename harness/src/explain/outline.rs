//! A module as the rewriter needs it: where its sections and bodies are, and at chosen places of
//! chosen functions, the types of the operands.
//!
//! Types come from the validator, so that values can be taken off the operand stack and put back.

use std::collections::HashMap;
use std::ops::Range;

use wasm_encoder::{self as encoder, HeapType, RefType, ValType};
use wasmparser::types::CoreTypeId;
use wasmparser::{
    CompositeInnerType, ExternalKind, FuncToValidate, FuncValidatorAllocations, FunctionBody,
    GlobalType, MemoryType, Operator, Parser, Payload, StorageType, TableType, TypeRef,
    UnpackedIndex, ValidPayload, Validator, ValidatorResources, WasmFeatures, WasmModuleResources,
};

/// A module that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutlineError {
    /// The module is not valid.
    #[error("the module is not valid: {0}")]
    Invalid(String),
    /// A type that the rewriter does not write.
    #[error("a type that cannot be written again: {0}")]
    Type(String),
}

impl From<wasmparser::Error> for OutlineError {
    fn from(error: wasmparser::Error) -> OutlineError {
        OutlineError::Invalid(error.to_string())
    }
}

type Result<T> = std::result::Result<T, OutlineError>;

/// The places of a function that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// The beginning, and behind each call.
    Calls,
    /// The beginning of each stretch of code that control enters at its beginning only.
    Stretches,
    /// Each instruction.
    Instructions,
}

/// An instruction of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The byte of the module at which the instruction begins.
    pub offset: usize,
    /// True if control may leave behind it, or enter.
    pub ends_stretch: bool,
    /// True if code of another function runs before the next instruction.
    pub is_call: bool,
}

/// A place in a function: before an instruction that control can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The index of the instruction.
    pub at: usize,
    /// The operands of the innermost block, the lowest first.
    pub operands: Vec<ValType>,
    /// The number of operands on top that a call has just given.
    pub results: usize,
}

/// A function with chosen places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Its index in the module.
    pub func: u32,
    /// The number of its parameters.
    pub params: usize,
    /// The types of its parameters and locals.
    pub locals: Vec<ValType>,
    /// Its instructions.
    pub instructions: Vec<Instruction>,
    /// The chosen places, in order.
    pub stops: Vec<Stop>,
    /// The end of its last instruction.
    pub end: usize,
}

/// A type of objects, as far as their contents are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objects {
    /// Structs with these fields.
    Struct(Vec<StorageType>),
    /// Arrays of these elements.
    Array(StorageType),
    /// No objects.
    Other,
}

/// A module.
#[derive(Clone, Debug)]
pub struct Outline<'a> {
    /// The module in the binary format.
    pub bytes: &'a [u8],
    features: WasmFeatures,
    /// The sections in their order: number, and where the contents are.
    pub sections: Vec<(u8, Range<usize>)>,
    /// The number of types.
    pub types: u32,
    /// What is in objects, by type.
    pub objects: Vec<Objects>,
    /// The number of functions that are imported.
    pub imported_funcs: u32,
    /// The number of functions.
    pub funcs: u32,
    /// Where the bodies are, without their lengths.
    pub bodies: Vec<Range<usize>>,
    /// The globals, imported ones first.
    pub globals: Vec<GlobalType>,
    /// The memories, imported ones first.
    pub memories: Vec<MemoryType>,
    /// The tables, imported ones first.
    pub tables: Vec<TableType>,
    /// The start function.
    pub start: Option<u32>,
    /// The exported functions by name.
    pub exported_funcs: HashMap<String, u32>,
    ids: HashMap<CoreTypeId, u32>,
}

impl<'a> Outline<'a> {
    /// Reads a module; bodies are left for later.
    ///
    /// # Errors
    /// If it is not valid.
    pub fn new(bytes: &'a [u8], features: WasmFeatures) -> Result<Outline<'a>> {
        let mut outline = Outline {
            bytes,
            features,
            sections: sections(bytes)?,
            types: 0,
            objects: Vec::new(),
            imported_funcs: 0,
            funcs: 0,
            bodies: Vec::new(),
            globals: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            start: None,
            exported_funcs: HashMap::new(),
            ids: HashMap::new(),
        };
        let mut validator = Validator::new_with_features(features);
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            validator.payload(&payload)?;
            outline.take(payload)?;
            if outline.types == 0
                && let Some(types) = validator.types(0)
            {
                outline.types = types.core_type_count_in_module();
                let ids = (0..outline.types).map(|at| (types.core_type_at_in_module(at), at));
                outline.ids = ids.collect();
                let ids = (0..outline.types).map(|at| types.core_type_at_in_module(at));
                let inner = ids.map(|id| match &types[id].composite_type.inner {
                    CompositeInnerType::Struct(it) => {
                        Objects::Struct(it.fields.iter().map(|it| it.element_type).collect())
                    }
                    CompositeInnerType::Array(it) => Objects::Array(it.0.element_type),
                    CompositeInnerType::Func(_) | CompositeInnerType::Cont(_) => Objects::Other,
                });
                outline.objects = inner.collect();
            }
        }
        Ok(outline)
    }

    fn take(&mut self, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    match import?.ty {
                        TypeRef::Func(_) | TypeRef::FuncExact(_) => self.imported_funcs += 1,
                        TypeRef::Global(ty) => self.globals.push(ty),
                        TypeRef::Memory(ty) => self.memories.push(ty),
                        TypeRef::Table(ty) => self.tables.push(ty),
                        TypeRef::Tag(_) => {}
                    }
                }
                self.funcs = self.imported_funcs;
            }
            Payload::FunctionSection(funcs) => self.funcs = self.imported_funcs + funcs.count(),
            Payload::MemorySection(memories) => {
                for memory in memories {
                    self.memories.push(memory?);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    self.tables.push(table?.ty);
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    self.globals.push(global?.ty);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        self.exported_funcs
                            .insert(export.name.to_string(), export.index);
                    }
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::CodeSectionEntry(body) => {
                let range = body.range();
                self.bodies.push(range.start as usize..range.end as usize);
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads the functions for which `grain` gives one.
    ///
    /// # Errors
    /// If a body is not valid, or has a type that cannot be written.
    pub fn functions(
        &self,
        grain: &dyn Fn(u32) -> Option<Grain>,
        visit: &mut dyn FnMut(Body),
    ) -> Result<()> {
        let mut validator = Validator::new_with_features(self.features);
        let mut allocations = FuncValidatorAllocations::default();
        for payload in Parser::new(0).parse_all(self.bytes) {
            if let ValidPayload::Func(func, body) = validator.payload(&payload?)?
                && let Some(grain) = grain(func.index)
            {
                let (body, used) = self.body(func, &body, grain, allocations)?;
                allocations = used;
                visit(body);
            }
        }
        Ok(())
    }

    fn body(
        &self,
        func: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        grain: Grain,
        allocations: FuncValidatorAllocations,
    ) -> Result<(Body, FuncValidatorAllocations)> {
        let index = func.index;
        let mut validator = func.into_validator(allocations);
        let params = validator.len_locals() as usize;
        validator.read_locals(&mut body.get_binary_reader())?;
        let locals = (0..validator.len_locals()).filter_map(|at| validator.get_local_type(at));
        let locals = locals.map(|ty| self.val_type(ty)).collect::<Result<_>>()?;
        let mut found = Body {
            func: index,
            params,
            locals,
            instructions: Vec::new(),
            stops: Vec::new(),
            end: body.range().end as usize,
        };
        let mut reader = body.get_operators_reader()?;
        let mut results = None;
        while !reader.eof() {
            let (operator, offset) = reader.read_with_offset()?;
            let before = found.instructions.last();
            let is_chosen = before.is_none_or(|before| match grain {
                Grain::Calls => before.is_call,
                Grain::Stretches => before.ends_stretch,
                Grain::Instructions => true,
            });
            let frame = validator.get_control_frame(0);
            let frame = frame.filter(|frame| is_chosen && !frame.unreachable);
            if let Some(height) = frame.map(|frame| frame.height) {
                let count = validator.operand_stack_height() as usize - height;
                let operands = (0..count).rev();
                let operands = operands.map(|depth| match validator.get_operand_type(depth) {
                    Some(Some(ty)) => self.val_type(ty),
                    _ => Err(OutlineError::Type("of no value".to_string())),
                });
                found.stops.push(Stop {
                    at: found.instructions.len(),
                    operands: operands.collect::<Result<_>>()?,
                    results: results.unwrap_or(0),
                });
            }
            results = results_of(&operator, validator.resources());
            found.instructions.push(Instruction {
                offset: offset as usize,
                ends_stretch: ends_stretch(&operator),
                is_call: results.is_some(),
            });
            validator.op(offset, &operator)?;
        }
        Ok((found, validator.into_allocations()))
    }

    /// A type of the validator as the encoder has it.
    ///
    /// # Errors
    /// If the encoder has none.
    pub fn val_type(&self, ty: wasmparser::ValType) -> Result<ValType> {
        let other = |_| OutlineError::Type(ty.to_string());
        match ty {
            wasmparser::ValType::Ref(ty) => Ok(ValType::Ref(self.ref_type(ty)?)),
            ty => ty.try_into().map_err(other),
        }
    }

    /// The type of a value that is read from a field, and true if the field is packed.
    ///
    /// # Errors
    /// If the encoder has none.
    pub fn read_type(&self, ty: StorageType) -> Result<(ValType, bool)> {
        match ty {
            StorageType::I8 | StorageType::I16 => Ok((ValType::I32, true)),
            StorageType::Val(ty) => Ok((self.val_type(ty)?, false)),
        }
    }

    /// A type of references as the encoder has it.
    ///
    /// # Errors
    /// If the encoder has none.
    pub fn ref_type(&self, ty: wasmparser::RefType) -> Result<RefType> {
        let unknown = || OutlineError::Type(ty.to_string());
        let index = |index: UnpackedIndex| match index {
            UnpackedIndex::Module(index) => Ok(index),
            UnpackedIndex::Id(id) => self.ids.get(&id).copied().ok_or_else(unknown),
            UnpackedIndex::RecGroup(_) => Err(unknown()),
        };
        let heap_type = match ty.heap_type() {
            wasmparser::HeapType::Concrete(at) => HeapType::Concrete(index(at)?),
            wasmparser::HeapType::Exact(at) => HeapType::Exact(index(at)?),
            wasmparser::HeapType::Abstract { shared, ty } => {
                let ty: encoder::AbstractHeapType = ty.into();
                HeapType::Abstract { shared, ty }
            }
        };
        Ok(RefType {
            nullable: ty.is_nullable(),
            heap_type,
        })
    }
}

/// The sections of a module: number, and where the contents are.
fn sections(bytes: &[u8]) -> Result<Vec<(u8, Range<usize>)>> {
    let mut sections = Vec::new();
    let mut at = 8;
    while at < bytes.len() {
        let id = bytes[at];
        let mut reader = wasmparser::BinaryReader::new(&bytes[at + 1..], at as u64 + 1);
        let len = reader.read_var_u32()? as usize;
        let start = reader.original_position() as usize;
        let end = start.saturating_add(len);
        if end > bytes.len() {
            return Err(OutlineError::Invalid("a section is cut short".to_string()));
        }
        sections.push((id, start..end));
        at = end;
    }
    Ok(sections)
}

/// The number of results of the call that an instruction is, if it is one that comes back.
fn results_of(operator: &Operator<'_>, module: &ValidatorResources) -> Option<usize> {
    let results = |ty: u32| Some(module.sub_type_at(ty)?.unwrap_func().results().len());
    match *operator {
        Operator::Call { function_index } => {
            results(module.type_index_of_function(function_index)?)
        }
        Operator::CallIndirect { type_index, .. } | Operator::CallRef { type_index } => {
            results(type_index)
        }
        _ => None,
    }
}

/// True if control may leave behind an instruction, or enter; what fuel is charged by
/// (`wassay_runtime`'s `meter.rs`), by the parser's instructions.
fn ends_stretch(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::Unreachable
            | O::Loop { .. }
            | O::If { .. }
            | O::Else
            | O::End
            | O::Try { .. }
            | O::TryTable { .. }
            | O::Catch { .. }
            | O::CatchAll
            | O::Delegate { .. }
            | O::Rethrow { .. }
            | O::Throw { .. }
            | O::ThrowRef
            | O::Br { .. }
            | O::BrIf { .. }
            | O::BrTable { .. }
            | O::BrOnNull { .. }
            | O::BrOnNonNull { .. }
            | O::BrOnCast { .. }
            | O::BrOnCastFail { .. }
            | O::BrOnCastDescEq { .. }
            | O::BrOnCastDescEqFail { .. }
            | O::Return
            | O::Call { .. }
            | O::CallIndirect { .. }
            | O::CallRef { .. }
            | O::ReturnCall { .. }
            | O::ReturnCallIndirect { .. }
            | O::ReturnCallRef { .. }
    )
}
