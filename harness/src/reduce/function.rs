//! A defined function of a module, with its type, to be changed.

use wasm_encoder::{Encode, FunctionSection, TypeSection};
use wasmparser::{BinaryReader, FunctionBody, FunctionSectionReader, Operator, TypeSectionReader};
use wasmparser::{CompositeInnerType, ValType};

use super::module::{FUNCTION, Parts, contents, slice};

/// A function of a module.
pub(super) struct Function<'a> {
    parts: &'a Parts,
    /// The index among defined functions.
    defined: usize,
    pub(super) params: Vec<ValType>,
    pub(super) results: Vec<ValType>,
    /// The types of all defined functions.
    types: Vec<u32>,
    /// The number of types of the module.
    pub(super) type_count: u32,
}

/// The parameters and results of a type.
pub(super) type Signature<'a> = (&'a [ValType], &'a [ValType]);

impl<'a> Function<'a> {
    /// Reads the function of an index; `None` if it is imported.
    pub(super) fn read(parts: &'a Parts, index: u32) -> Option<Function<'a>> {
        let defined = index.checked_sub(parts.imported)? as usize;
        let types = FunctionSectionReader::new(BinaryReader::new(parts.section(FUNCTION)?, 0));
        let types: Vec<u32> = types.ok()?.into_iter().collect::<Result<_, _>>().ok()?;
        let groups = TypeSectionReader::new(BinaryReader::new(parts.section(TYPE)?, 0)).ok()?;
        let groups: Vec<_> = groups.into_iter().collect::<Result<_, _>>().ok()?;
        let all: Vec<_> = groups.into_iter().flat_map(|it| it.into_types()).collect();
        let ty = all.get(*types.get(defined)? as usize)?;
        let CompositeInnerType::Func(ty) = &ty.composite_type.inner else {
            return None;
        };
        let (params, results) = (ty.params().to_vec(), ty.results().to_vec());
        Some(Function {
            parts,
            defined,
            params,
            results,
            types,
            type_count: u32::try_from(all.len()).ok()?,
        })
    }

    /// The function's type.
    pub(super) fn ty(&self) -> u32 {
        self.types[self.defined]
    }

    fn body(&self) -> Option<FunctionBody<'_>> {
        let bytes = self.parts.bodies.get(self.defined)?;
        Some(FunctionBody::new(BinaryReader::new(bytes, 0)))
    }

    /// The groups of declared locals.
    pub(super) fn locals(&self) -> Option<Vec<(u32, ValType)>> {
        let locals = self.body()?.get_locals_reader().ok()?;
        locals.into_iter().collect::<Result<_, _>>().ok()
    }

    /// The number of locals, parameters included.
    pub(super) fn local_count(&self) -> Option<u32> {
        let declared: u32 = self.locals()?.iter().map(|(count, _)| count).sum();
        Some(self.params.len() as u32 + declared)
    }

    /// The instructions, each with its bytes.
    pub(super) fn instructions(&self) -> Option<Vec<(Operator<'_>, &[u8])>> {
        let mut reader = self.body()?.get_operators_reader().ok()?;
        let bytes = self.parts.bodies.get(self.defined)?;
        let mut all = Vec::new();
        while !reader.eof() {
            let start = reader.original_position();
            let operator = reader.read().ok()?;
            all.push((operator, slice(bytes, start..reader.original_position())));
        }
        Some(all)
    }

    /// The module with more types, and with another type, other locals and other code of the
    /// function.
    pub(super) fn with(
        &self,
        more: &[Signature<'_>],
        ty: u32,
        locals: &[(u32, ValType)],
        code: &[u8],
    ) -> Option<Parts> {
        let mut parts = self.parts.clone();
        parts.replace(TYPE, Some(more_types(parts.section(TYPE)?, more)?));
        let mut functions = FunctionSection::new();
        for (index, known) in self.types.iter().enumerate() {
            functions.function(match index == self.defined {
                true => ty,
                false => *known,
            });
        }
        parts.replace(FUNCTION, Some(contents(&functions)));
        let body = parts.bodies.get_mut(self.defined)?;
        body.clear();
        (locals.len() as u32).encode(body);
        for (count, ty) in locals {
            count.encode(body);
            wasm_encoder::ValType::try_from(*ty).ok()?.encode(body);
        }
        body.extend(code);
        Some(parts)
    }
}

/// The section of types with more of them.
fn more_types(section: &[u8], more: &[Signature<'_>]) -> Option<Vec<u8>> {
    let mut reader = BinaryReader::new(section, 0);
    let groups = reader.read_var_u32().ok()?;
    let known = reader.read_bytes(reader.bytes_remaining()).ok()?;
    let mut section = Vec::new();
    (groups + more.len() as u32).encode(&mut section);
    section.extend(known);
    for (params, results) in more {
        let mut one = TypeSection::new();
        one.ty().function(encoded(params)?, encoded(results)?);
        // One type, behind the number of types.
        section.extend(&contents(&one)[1..]);
    }
    Some(section)
}

fn encoded(types: &[ValType]) -> Option<Vec<wasm_encoder::ValType>> {
    let types = types.iter().map(|ty| wasm_encoder::ValType::try_from(*ty));
    types.collect::<Result<_, _>>().ok()
}

/// The local that an instruction names.
pub(super) fn local(operator: &Operator<'_>) -> Option<u32> {
    match operator {
        Operator::LocalGet { local_index }
        | Operator::LocalSet { local_index }
        | Operator::LocalTee { local_index } => Some(*local_index),
        _ => None,
    }
}

/// Writes an instruction whose local has another number.
pub(super) fn with_locals(
    (operator, bytes): &(Operator<'_>, &[u8]),
    moved: impl Fn(u32) -> u32,
    code: &mut Vec<u8>,
) {
    match local(operator) {
        Some(index) => {
            // The opcode is a byte.
            code.push(bytes[0]);
            moved(index).encode(code);
        }
        None => code.extend(*bytes),
    }
}

/// The id of the section of types.
const TYPE: u8 = 1;
