//! A decoder of function bodies and constant expressions that have been validated.
//!
//! It turns bytes into opcodes with their immediates and owns nothing else: types stay as written
//! (type indices of the module), vectors of immediates stay in the bytes and are iterated in place.
//! Validation is wasmparser's; here malformed input ends in a [`DecodeError`], never in a panic or
//! in a read out of bounds. Integers have a path for one byte, which is what nearly all of them
//! are. Spec: 5.2 Values, 5.3 Types, 5.4 Instructions (binary format).

use std::marker::PhantomData;

use crate::error::{Error, ErrorKind};
use crate::ops::{Imms, Op};
use crate::types::AbstractHeapType;

#[cfg(test)]
mod tests;

/// An error in the bytes of a body. Validated input never gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Its offset in the module.
    pub offset: usize,
    /// The message.
    pub message: &'static str,
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (at offset {:#x})", self.message, self.offset)
    }
}

impl std::error::Error for DecodeError {}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Error {
        Error::new(ErrorKind::Internal, error.message).at(error.offset)
    }
}

type Result<T> = std::result::Result<T, DecodeError>;

/// An instruction as encoded.
#[derive(Clone, Copy, Debug)]
pub struct Instr<'a> {
    /// The opcode.
    pub op: Op,
    /// The immediates; the row's `Imms` gives their form and the meaning of the numbers.
    pub imm: Imm<'a>,
    /// The offset of the opcode in the module.
    pub offset: usize,
}

/// Defines the accessors of the immediates, each by the forms that it takes.
macro_rules! accessors {
    ($($(#[$doc:meta])* fn $name:ident -> $ty:ty { $($form:pat => $value:expr,)* })*) => {
        /// The immediates by form. Each accessor fails if the form is another one.
        ///
        /// # Errors
        /// The instruction's place. The decoder reads what the row says, so that asking for the
        /// form of the row does not fail.
        impl<'a> Instr<'a> { $(
            $(#[$doc])*
            pub fn $name(&self) -> Result<$ty> {
                match self.imm {
                    $($form => Ok($value),)*
                    _ => Err(DecodeError {
                        offset: self.offset,
                        message: "immediates of another form",
                    }),
                }
            }
        )* }
    };
}

accessors! {
    /// The type of a block.
    fn block_type -> RawBlockType { Imm::BlockType(ty) => ty, }
    /// A relative depth.
    fn label -> u32 { Imm::Label(depth) => depth, }
    /// The targets of `br_table`.
    fn br_table -> BrTable<'a> { Imm::BrTable(table) => table, }
    /// One index.
    fn index -> u32 { Imm::Index(index) => index, }
    /// Two indices, in the order of the encoding.
    fn index2 -> (u32, u32) { Imm::Index2(a, b) => (a, b), }
    /// Two indices; 0 for the second if there is one only.
    fn indices -> (u32, u32) {
        Imm::Index(a) => (a, 0),
        Imm::Index2(a, b) => (a, b),
    }
    /// A memory access.
    fn memarg -> MemArg { Imm::MemArg(arg) => arg, }
    /// An access to one lane.
    fn memarg_lane -> (MemArg, u8) { Imm::MemArgLane(arg, lane) => (arg, lane), }
    /// A lane number.
    fn lane -> u8 { Imm::Lane(lane) => lane, }
    /// Sixteen lane numbers.
    fn lanes -> [u8; 16] { Imm::Lanes(lanes) => lanes, }
    /// The bits of a constant.
    fn constant -> u128 {
        Imm::I32(value) => u128::from(value as u32),
        Imm::I64(value) => u128::from(value as u64),
        Imm::F32(bits) => u128::from(bits),
        Imm::F64(bits) => u128::from(bits),
        Imm::V128(bits) => bits,
    }
    /// A heap type.
    fn heap_type -> RawHeapType { Imm::HeapType(heap) => heap, }
    /// The label of a branch on a cast, and the type cast to.
    fn br_on_cast -> (u32, RawRefType) { Imm::BrOnCast { label, to, .. } => (label, to), }
    /// The block type and the clauses of `try_table`.
    fn try_table -> (RawBlockType, Vector<'a, Catch>) {
        Imm::TryTable(ty, clauses) => (ty, clauses),
    }
}

/// The immediates of an instruction.
#[derive(Clone, Copy, Debug)]
pub enum Imm<'a> {
    /// No immediates; also a memory ordering alone, as every access is sequentially consistent.
    None,
    /// The type of a block.
    BlockType(RawBlockType),
    /// A relative depth.
    Label(u32),
    /// The targets of `br_table`.
    BrTable(BrTable<'a>),
    /// One index, of whatever kind the row says.
    Index(u32),
    /// Two indices, in the order of the encoding.
    Index2(u32, u32),
    /// A memory access.
    MemArg(MemArg),
    /// An access to one lane.
    MemArgLane(MemArg, u8),
    /// `i32.const`
    I32(i32),
    /// `i64.const`
    I64(i64),
    /// The bits of `f32.const`.
    F32(u32),
    /// The bits of `f64.const`.
    F64(u64),
    /// The bits of `v128.const`, lane 0 lowest.
    V128(u128),
    /// A lane number.
    Lane(u8),
    /// Sixteen lane numbers.
    Lanes([u8; 16]),
    /// A heap type.
    HeapType(RawHeapType),
    /// A branch on a cast.
    BrOnCast {
        /// The relative depth.
        label: u32,
        /// The type of the operand.
        from: RawRefType,
        /// The type cast to.
        to: RawRefType,
    },
    /// The types of a typed `select`.
    Select(Vector<'a, RawValType>),
    /// The block type and the clauses of `try_table`.
    TryTable(RawBlockType, Vector<'a, Catch>),
    /// A continuation type index and its handlers.
    Resume(u32, Vector<'a, ResumeClause>),
    /// A continuation type index, a tag index and handlers.
    ResumeThrow(u32, u32, Vector<'a, ResumeClause>),
}

/// The address immediates of a memory access. A memory ordering is read and not kept: every access
/// is sequentially consistent, which is the stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemArg {
    /// The memory index.
    pub memory: u32,
    /// The promised alignment, as the exponent of a power of 2.
    pub align_log2: u8,
    /// The offset added to the address.
    pub offset_bytes: u64,
}

/// A block type, spec 5.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawBlockType {
    /// `[] -> []`
    Empty,
    /// `[] -> [t]`
    Value(RawValType),
    /// The function type of this index.
    Func(u32),
}

/// A value type whose type indices are the module's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawValType {
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `v128`
    V128,
    /// A reference type.
    Ref(RawRefType),
}

/// A reference type whose type indices are the module's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRefType {
    /// True if null belongs to the type.
    pub nullable: bool,
    /// The type of the referent.
    pub heap: RawHeapType,
}

/// A heap type whose type indices are the module's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawHeapType {
    /// A built-in heap type.
    Abstract {
        /// The index.
        kind: AbstractHeapType,
        /// Shared, by the shared-everything-threads proposal.
        shared: bool,
    },
    /// A defined type.
    Index {
        /// The module's type index.
        index: u32,
        /// Without its subtypes, by the custom-descriptors proposal.
        exact: bool,
    },
}

/// A clause of `try_table`, spec 5.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Catch {
    /// The tag index; `None` catches all.
    pub tag: Option<u32>,
    /// True if the exception's reference is pushed behind the tag's values.
    pub with_ref: bool,
    /// The relative depth of the label, counted outside of the `try_table`.
    pub label: u32,
}

/// A clause of `resume`, by the stack-switching proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumeClause {
    /// The tag index.
    pub tag: u32,
    /// The relative depth of the label; `None` for a `switch` clause.
    pub label: Option<u32>,
}

/// The targets of `br_table`.
#[derive(Clone, Copy, Debug)]
pub struct BrTable<'a> {
    /// The labels by index.
    pub targets: Vector<'a, u32>,
    /// The label for every other index.
    pub default: u32,
}

/// A vector in the bytes. It is an iterator of its elements; copies iterate on their own.
#[derive(Clone, Copy, Debug)]
pub struct Vector<'a, T> {
    reader: Decoder<'a>,
    left: u32,
    element: PhantomData<T>,
}

/// An item of a [`Vector`].
pub trait Element: Sized {
    /// Reads one element.
    ///
    /// # Errors
    /// Malformed bytes.
    fn read(reader: &mut Decoder<'_>) -> Result<Self>;
}

impl<T: Element> Iterator for Vector<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        T::read(&mut self.reader).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl<T: Element> ExactSizeIterator for Vector<'_, T> {}

/// A position in the code of a function or in a constant expression.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    position: usize,
    offset_base: usize,
}

/// Instructions up to the end of the bytes; an error ends them.
impl<'a> Iterator for Decoder<'a> {
    type Item = Result<Instr<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_at_end() {
            return None;
        }
        let instr = self.read();
        if instr.is_err() {
            self.position = self.bytes.len();
        }
        Some(instr)
    }
}

impl<'a> Decoder<'a> {
    /// Decodes `bytes`, which stand at `offset_base` in the module.
    pub fn new(bytes: &'a [u8], offset_base: usize) -> Decoder<'a> {
        Decoder {
            bytes,
            position: 0,
            offset_base,
        }
    }

    /// The offset in the module of the byte that is read next.
    pub fn offset(&self) -> usize {
        self.offset_base + self.position
    }

    /// True if all bytes are read.
    pub fn is_at_end(&self) -> bool {
        self.position >= self.bytes.len()
    }

    /// Reads the local declarations at the head of a body: `declare(count, type)` for each group.
    ///
    /// # Errors
    /// Malformed bytes.
    pub fn read_locals(&mut self, mut declare: impl FnMut(u32, RawValType)) -> Result<()> {
        for _ in 0..self.read_u32()? {
            let count = self.read_u32()?;
            declare(count, RawValType::read(self)?);
        }
        Ok(())
    }

    /// Reads one instruction.
    ///
    /// # Errors
    /// Malformed bytes, or the end of them.
    #[inline]
    pub fn read(&mut self) -> Result<Instr<'a>> {
        let offset = self.offset();
        let byte = self.read_byte()?;
        let mut op = match Op::from_byte(byte) {
            Some(op) => op,
            None => self.read_prefixed(byte, offset)?,
        };
        let imm = self.read_immediates(op.row().imms)?;
        if let Imm::Select(types) = imm
            && types.len() != 1
        {
            op = Op::TypedSelectMulti;
        }
        Ok(Instr { op, imm, offset })
    }

    fn read_prefixed(&mut self, prefix: u8, offset: usize) -> Result<Op> {
        let message = "illegal opcode";
        let illegal = DecodeError { offset, message };
        if !(0xFB..=0xFE).contains(&prefix) {
            return Err(illegal);
        }
        Op::from_bytes(Some(prefix), self.read_u32()?).ok_or(illegal)
    }

    #[inline(always)]
    fn read_immediates(&mut self, imms: Imms) -> Result<Imm<'a>> {
        Ok(match imms {
            Imms::None => Imm::None,
            Imms::BlockType => Imm::BlockType(self.read_block_type()?),
            Imms::Label => Imm::Label(self.read_u32()?),
            Imms::Func | Imms::Type | Imms::Local | Imms::Global | Imms::Table => self.index()?,
            Imms::Elem | Imms::Memory | Imms::Data | Imms::Tag => self.index()?,
            Imms::CallIndirect | Imms::StructField | Imms::TypeCount => self.index2()?,
            Imms::TypeData | Imms::TypeElem | Imms::TypeType | Imms::TypeTag => self.index2()?,
            Imms::TableInit | Imms::TableCopy => self.index2()?,
            Imms::MemoryInit | Imms::MemoryCopy => self.index2()?,
            Imms::MemArg | Imms::AtomicMemArg => Imm::MemArg(self.read_memarg()?),
            Imms::I32 => Imm::I32(self.read_i32()?),
            Imms::I64 => Imm::I64(self.read_i64()?),
            Imms::F32 => Imm::F32(u32::from_le_bytes(self.read_array()?)),
            Imms::F64 => Imm::F64(u64::from_le_bytes(self.read_array()?)),
            Imms::V128 => Imm::V128(u128::from_le_bytes(self.read_array()?)),
            Imms::Lane => Imm::Lane(self.read_byte()?),
            Imms::Lanes => Imm::Lanes(self.read_array()?),
            Imms::HeapType => Imm::HeapType(self.read_heap_type()?),
            Imms::BrTable => self.read_br_table()?,
            Imms::SelectTypes => Imm::Select(self.read_vector()?),
            Imms::MemArgLane => Imm::MemArgLane(self.read_memarg()?, self.read_byte()?),
            Imms::BrOnCast => self.read_br_on_cast()?,
            Imms::TryTable => Imm::TryTable(self.read_block_type()?, self.read_vector()?),
            Imms::Ordering => {
                self.read_ordering()?;
                Imm::None
            }
            Imms::AtomicIndex => {
                self.read_ordering()?;
                self.index()?
            }
            Imms::AtomicField => {
                self.read_ordering()?;
                self.index2()?
            }
            Imms::Resume => Imm::Resume(self.read_u32()?, self.read_vector()?),
            Imms::ResumeThrow => {
                Imm::ResumeThrow(self.read_u32()?, self.read_u32()?, self.read_vector()?)
            }
        })
    }

    #[inline(always)]
    fn index(&mut self) -> Result<Imm<'a>> {
        Ok(Imm::Index(self.read_u32()?))
    }

    #[inline(always)]
    fn index2(&mut self) -> Result<Imm<'a>> {
        Ok(Imm::Index2(self.read_u32()?, self.read_u32()?))
    }

    fn read_br_table(&mut self) -> Result<Imm<'a>> {
        Ok(Imm::BrTable(BrTable {
            targets: self.read_vector()?,
            default: self.read_u32()?,
        }))
    }

    fn read_br_on_cast(&mut self) -> Result<Imm<'a>> {
        let flags = self.read_byte()?;
        if flags > 3 {
            return Err(self.error_before("invalid cast flags"));
        }
        let label = self.read_u32()?;
        let from = RawRefType {
            nullable: flags & 1 != 0,
            heap: self.read_heap_type()?,
        };
        let to = RawRefType {
            nullable: flags & 2 != 0,
            heap: self.read_heap_type()?,
        };
        Ok(Imm::BrOnCast { label, from, to })
    }

    /// Checks every element and leaves the vector in the bytes.
    #[inline(never)]
    fn read_vector<T: Element>(&mut self) -> Result<Vector<'a, T>> {
        let left = self.read_u32()?;
        let reader = *self;
        for _ in 0..left {
            T::read(self)?;
        }
        Ok(Vector {
            reader,
            left,
            element: PhantomData,
        })
    }

    /// The flags hold the alignment in the bits 0 to 3; bit 6 says that a memory index follows, bit
    /// 4 that an ordering does. Spec 5.4.6; bit 4 by the acquire-release proposal.
    #[inline]
    fn read_memarg(&mut self) -> Result<MemArg> {
        const ORDERING: u32 = 1 << 4;
        const MEMORY: u32 = 1 << 6;
        let flags = self.read_u32()?;
        if flags & !(0xF | ORDERING | MEMORY) != 0 {
            return Err(self.error_before("malformed memop flags"));
        }
        let memory = if flags & MEMORY != 0 {
            self.read_u32()?
        } else {
            0
        };
        if flags & ORDERING != 0 {
            self.read_byte()?;
        }
        let align_log2 = (flags & 0xF) as u8;
        Ok(MemArg {
            memory,
            align_log2,
            offset_bytes: self.read_u64()?,
        })
    }

    fn read_ordering(&mut self) -> Result<()> {
        if self.read_byte()? > 1 {
            return Err(self.error_before("invalid atomic consistency ordering"));
        }
        Ok(())
    }

    fn read_block_type(&mut self) -> Result<RawBlockType> {
        let byte = self.peek_byte()?;
        if byte == 0x40 {
            self.position += 1;
            Ok(RawBlockType::Empty)
        } else if is_type_code(byte) {
            Ok(RawBlockType::Value(RawValType::read(self)?))
        } else {
            Ok(RawBlockType::Func(self.read_type_index()?))
        }
    }

    fn read_heap_type(&mut self) -> Result<RawHeapType> {
        let byte = self.peek_byte()?;
        if !is_type_code(byte) {
            return Ok(RawHeapType::Index {
                index: self.read_type_index()?,
                exact: false,
            });
        }
        self.position += 1;
        match byte {
            0x62 => Ok(RawHeapType::Index {
                index: self.read_u32()?,
                exact: true,
            }),
            0x65 => {
                let code = self.read_byte()?;
                Ok(RawHeapType::Abstract {
                    kind: self.abstract_heap_type(code)?,
                    shared: true,
                })
            }
            code => Ok(RawHeapType::Abstract {
                kind: self.abstract_heap_type(code)?,
                shared: false,
            }),
        }
    }

    /// The built-in heap type of a code just read.
    fn abstract_heap_type(&self, code: u8) -> Result<AbstractHeapType> {
        AbstractHeapType::from_code(code).ok_or_else(|| self.error_before("invalid heap type"))
    }

    /// A type index written as a signed 33-bit integer.
    fn read_type_index(&mut self) -> Result<u32> {
        let index = self.read_signed(33)?;
        u32::try_from(index).map_err(|_| self.error_before("invalid type index"))
    }

    #[inline(always)]
    fn read_byte(&mut self) -> Result<u8> {
        let byte = self.peek_byte()?;
        self.position += 1;
        Ok(byte)
    }

    #[inline(always)]
    fn peek_byte(&self) -> Result<u8> {
        match self.bytes.get(self.position) {
            Some(&byte) => Ok(byte),
            None => Err(self.error_here("unexpected end")),
        }
    }

    fn read_array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let Some(array) = rest.first_chunk::<N>() else {
            return Err(self.error_here("unexpected end"));
        };
        self.position += N;
        Ok(*array)
    }

    #[inline(always)]
    fn read_u32(&mut self) -> Result<u32> {
        let byte = self.peek_byte()?;
        if byte & 0x80 == 0 {
            self.position += 1;
            return Ok(u32::from(byte));
        }
        Ok(self.read_unsigned(32)? as u32)
    }

    #[inline(always)]
    fn read_u64(&mut self) -> Result<u64> {
        let byte = self.peek_byte()?;
        if byte & 0x80 == 0 {
            self.position += 1;
            return Ok(u64::from(byte));
        }
        self.read_unsigned(64)
    }

    #[inline(always)]
    fn read_i32(&mut self) -> Result<i32> {
        Ok(self.read_i64_of(32)? as i32)
    }

    #[inline(always)]
    fn read_i64(&mut self) -> Result<i64> {
        self.read_i64_of(64)
    }

    #[inline(always)]
    fn read_i64_of(&mut self, bits: u32) -> Result<i64> {
        let byte = self.peek_byte()?;
        if byte & 0x80 == 0 {
            self.position += 1;
            return Ok(i64::from((byte << 1) as i8 >> 1));
        }
        self.read_signed(bits)
    }

    /// An unsigned LEB128 integer of any length, spec 5.2.2.
    #[inline(never)]
    fn read_unsigned(&mut self, bits: u32) -> Result<u64> {
        let mut value = 0;
        let mut shift = 0;
        loop {
            let byte = self.read_byte()?;
            if shift + 7 > bits && byte >> (bits - shift) != 0 {
                return Err(self.error_before("integer too large or too long"));
            }
            value |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
    }

    /// A signed LEB128 integer of any length, spec 5.2.2.
    #[inline(never)]
    fn read_signed(&mut self, bits: u32) -> Result<i64> {
        let mut value = 0;
        let mut shift = 0;
        loop {
            let byte = self.read_byte()?;
            if shift + 7 > bits {
                // The unused bits must repeat the sign, and nothing may follow.
                let sign_and_unused = (byte << 1) as i8 >> (bits - shift);
                if byte & 0x80 != 0 || (sign_and_unused != 0 && sign_and_unused != -1) {
                    return Err(self.error_before("integer too large or too long"));
                }
            }
            value |= i64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                let unused = 64u32.saturating_sub(shift);
                return Ok(value << unused >> unused);
            }
        }
    }

    #[cold]
    fn error_here(&self, message: &'static str) -> DecodeError {
        DecodeError {
            offset: self.offset(),
            message,
        }
    }

    /// An error of the byte that was read last.
    #[cold]
    fn error_before(&self, message: &'static str) -> DecodeError {
        DecodeError {
            offset: self.offset().saturating_sub(1),
            message,
        }
    }
}

/// True if a byte is the code of a type: a negative number of one byte. All other bytes begin a
/// type index, which is positive.
#[inline(always)]
fn is_type_code(byte: u8) -> bool {
    byte & 0xC0 == 0x40
}

impl Element for u32 {
    fn read(reader: &mut Decoder<'_>) -> Result<u32> {
        reader.read_u32()
    }
}

impl Element for RawValType {
    fn read(reader: &mut Decoder<'_>) -> Result<RawValType> {
        let byte = reader.peek_byte()?;
        let number = match byte {
            0x7F => RawValType::I32,
            0x7E => RawValType::I64,
            0x7D => RawValType::F32,
            0x7C => RawValType::F64,
            0x7B => RawValType::V128,
            _ => return read_ref_type(reader, byte).map(RawValType::Ref),
        };
        reader.position += 1;
        Ok(number)
    }
}

/// A reference type whose first byte is known and not yet read, spec 5.3.4.
fn read_ref_type(reader: &mut Decoder<'_>, byte: u8) -> Result<RawRefType> {
    match byte {
        0x63 | 0x64 => {
            reader.position += 1;
            Ok(RawRefType {
                nullable: byte == 0x63,
                heap: reader.read_heap_type()?,
            })
        }
        _ if is_type_code(byte) && byte != 0x62 => Ok(RawRefType {
            nullable: true,
            heap: reader.read_heap_type()?,
        }),
        _ => Err(reader.error_here("invalid value type")),
    }
}

impl Element for Catch {
    fn read(reader: &mut Decoder<'_>) -> Result<Catch> {
        let kind = reader.read_byte()?;
        if kind > 3 {
            return Err(reader.error_before("invalid catch clause"));
        }
        let tag = (kind < 2).then(|| reader.read_u32()).transpose()?;
        Ok(Catch {
            tag,
            with_ref: kind & 1 != 0,
            label: reader.read_u32()?,
        })
    }
}

impl Element for ResumeClause {
    fn read(reader: &mut Decoder<'_>) -> Result<ResumeClause> {
        let kind = reader.read_byte()?;
        if kind > 1 {
            return Err(reader.error_before("invalid handler"));
        }
        let tag = reader.read_u32()?;
        let label = (kind == 0).then(|| reader.read_u32()).transpose()?;
        Ok(ResumeClause { tag, label })
    }
}
