//! Validation of function bodies by wasmparser, with a shorter path for common instructions.
//!
//! wasmparser's validator visits one instruction at a time, and any reader may decode it. Its own
//! reader can decode everything at a cost for each instruction; here the instructions that most
//! code consists of are decoded at sight, as far as their immediates are short, and every other one
//! is left to that reader. The same visitor decides in both ways what is valid, and the reader
//! alone what is malformed. Spec: 3.3 Instructions, 5.4 Instructions (binary format).

use wasmparser::{
    BinaryReader, BinaryReaderError, BlockType, FrameStack, FuncValidator, FunctionBody, MemArg,
    MemArgTarget, ValidatorResources, VisitOperator, WasmFeatures,
};

use crate::ops::Op;

type Validated = Result<(), BinaryReaderError>;

/// Validates a body.
pub(super) fn validate(
    checker: &mut FuncValidator<ValidatorResources>,
    body: &FunctionBody<'_>,
    features: WasmFeatures,
) -> Validated {
    let mut reader = body.get_binary_reader();
    let locals = reader.current_position();
    checker.read_locals(&mut reader)?;
    let mut code = BodyCode {
        bytes: &body.as_bytes()[reader.current_position() - locals..],
        position: 0,
        start: reader.original_position(),
        features,
    };
    while code.position < code.bytes.len() {
        let offset = code.offset();
        if let Some(result) = code.common(&mut checker.visitor(offset)) {
            result?;
            continue;
        }
        let mut reader = code.reader();
        reader.visit_operator(&mut checker.visitor(offset))??;
        code.position += reader.current_position();
    }
    code.reader()
        .finish_expression(&checker.visitor(code.offset()))
}

/// The instructions of a body.
struct BodyCode<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Their offset in the module.
    start: u64,
    features: WasmFeatures,
}

/// Passes on the common instructions and their visits, by their immediates: none, an index, or a
/// memory access, whose natural alignment is given as an exponent.
macro_rules! for_each_common {
    ($then:ident $($context:tt)*) => {
        $then! {
            plain {
                End visit_end
                Return visit_return
                Drop visit_drop
                Select visit_select
                I32Eqz visit_i32_eqz
                I32Eq visit_i32_eq
                I32Ne visit_i32_ne
                I32LtS visit_i32_lt_s
                I32LtU visit_i32_lt_u
                I32GtS visit_i32_gt_s
                I32GtU visit_i32_gt_u
                I32LeS visit_i32_le_s
                I32LeU visit_i32_le_u
                I32GeS visit_i32_ge_s
                I32GeU visit_i32_ge_u
                I64Eqz visit_i64_eqz
                I64Eq visit_i64_eq
                I64Ne visit_i64_ne
                I64LtS visit_i64_lt_s
                I64LtU visit_i64_lt_u
                I64GtS visit_i64_gt_s
                I64GtU visit_i64_gt_u
                I64LeS visit_i64_le_s
                I64LeU visit_i64_le_u
                I64GeS visit_i64_ge_s
                I64GeU visit_i64_ge_u
                I32Add visit_i32_add
                I32Sub visit_i32_sub
                I32Mul visit_i32_mul
                I32And visit_i32_and
                I32Or visit_i32_or
                I32Xor visit_i32_xor
                I32Shl visit_i32_shl
                I32ShrS visit_i32_shr_s
                I32ShrU visit_i32_shr_u
                I64Add visit_i64_add
                I64Sub visit_i64_sub
                I64Mul visit_i64_mul
                I64And visit_i64_and
                I64Or visit_i64_or
                I64Xor visit_i64_xor
                I64Shl visit_i64_shl
                I64ShrS visit_i64_shr_s
                I64ShrU visit_i64_shr_u
                F32Add visit_f32_add
                F32Sub visit_f32_sub
                F32Mul visit_f32_mul
                F32Div visit_f32_div
                F64Add visit_f64_add
                F64Sub visit_f64_sub
                F64Mul visit_f64_mul
                F64Div visit_f64_div
                I32WrapI64 visit_i32_wrap_i64
                I64ExtendI32S visit_i64_extend_i32_s
                I64ExtendI32U visit_i64_extend_i32_u
            }
            index {
                LocalGet visit_local_get
                LocalSet visit_local_set
                LocalTee visit_local_tee
                GlobalGet visit_global_get
                GlobalSet visit_global_set
                Br visit_br
                BrIf visit_br_if
                Call visit_call
            }
            access {
                I32Load visit_i32_load 2
                I64Load visit_i64_load 3
                F32Load visit_f32_load 2
                F64Load visit_f64_load 3
                I32Load8S visit_i32_load8_s 0
                I32Load8U visit_i32_load8_u 0
                I32Load16S visit_i32_load16_s 1
                I32Load16U visit_i32_load16_u 1
                I64Load8U visit_i64_load8_u 0
                I64Load16U visit_i64_load16_u 1
                I64Load32S visit_i64_load32_s 2
                I64Load32U visit_i64_load32_u 2
                I32Store visit_i32_store 2
                I64Store visit_i64_store 3
                F32Store visit_f32_store 2
                F64Store visit_f64_store 3
                I32Store8 visit_i32_store8 0
                I32Store16 visit_i32_store16 1
                I64Store8 visit_i64_store8 0
                I64Store32 visit_i64_store32 2
            }
            $($context)*
        }
    };
}

/// Defines the common instructions as an enum of their own, and the table from bytes to them.
macro_rules! define_common {
    (
        plain { $($plain:ident $visit_plain:ident)* }
        index { $($index:ident $visit_index:ident)* }
        access { $($access:ident $visit_access:ident $align:literal)* }
        other { $($other:ident)* }
    ) => {
        #[derive(Clone, Copy)]
        enum Common { $($plain,)* $($index,)* $($access,)* $($other,)* }

        static COMMON: [Option<Common>; 0x100] = {
            let mut common = [None; 0x100];
            $(common[Op::$plain.row().code as usize] = Some(Common::$plain);)*
            $(common[Op::$index.row().code as usize] = Some(Common::$index);)*
            $(common[Op::$access.row().code as usize] = Some(Common::$access);)*
            $(common[Op::$other.row().code as usize] = Some(Common::$other);)*
            common
        };
    };
}

for_each_common! { define_common other { I32Const I64Const Block Loop If } }

/// The visit of a common instruction; `at` is the bytes behind its opcode.
macro_rules! visits {
    (
        plain { $($plain:ident $visit_plain:ident)* }
        index { $($index:ident $visit_index:ident)* }
        access { $($access:ident $visit_access:ident $align:literal)* }
        $visitor:ident, $at:ident, $common:ident;
        $($other:ident => $visit_other:expr,)*
    ) => {
        match $common {
            $(Common::$plain => $visitor.$visit_plain(),)*
            $(Common::$index => $visitor.$visit_index($at.index()?),)*
            $(Common::$access => $visitor.$visit_access($at.access($align)?),)*
            $(Common::$other => $visit_other,)*
        }
    };
}

impl<'a> BodyCode<'a> {
    fn offset(&self) -> u64 {
        self.start + self.position as u64
    }

    /// wasmparser's reader of the bytes that have not been read.
    fn reader(&self) -> BinaryReader<'a> {
        let rest = &self.bytes[self.position..];
        BinaryReader::new_features(rest, self.offset(), self.features)
    }

    /// Visits the next instruction if it is a common one within the function; else reads no byte.
    #[inline(always)]
    fn common<V>(&mut self, visitor: &mut V) -> Option<Validated>
    where
        V: VisitOperator<'a, Output = Validated> + FrameStack,
    {
        visitor.current_frame()?;
        let common = COMMON[usize::from(*self.bytes.get(self.position)?)]?;
        let mut at = Immediate {
            rest: &self.bytes[self.position + 1..],
        };
        let result = for_each_common! { visits visitor, at, common;
            I32Const => visitor.visit_i32_const(at.number()?),
            I64Const => visitor.visit_i64_const(i64::from(at.number()?)),
            Block => visitor.visit_block(at.empty_block()?),
            Loop => visitor.visit_loop(at.empty_block()?),
            If => visitor.visit_if(at.empty_block()?),
        };
        self.position = self.bytes.len() - at.rest.len();
        Some(result)
    }
}

/// The immediates of an opcode. `None`: not in a short form.
struct Immediate<'a> {
    rest: &'a [u8],
}

impl Immediate<'_> {
    /// Bytes of a short number: fewer than a number of 32 bits may take, so that none is too large.
    const SHORT_BYTES: usize = 4;

    #[inline(always)]
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    /// The seven bits of each byte of a number, lowest first, and the number of bits.
    #[inline(always)]
    fn bits(&mut self) -> Option<(u32, u32)> {
        let mut number = 0;
        for i in 0..Immediate::SHORT_BYTES as u32 {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7F) << (7 * i);
            if byte & 0x80 == 0 {
                return Some((number, 7 * (i + 1)));
            }
        }
        None
    }

    #[inline(always)]
    fn index(&mut self) -> Option<u32> {
        self.bits().map(|(number, _)| number)
    }

    #[inline(always)]
    fn number(&mut self) -> Option<i32> {
        let (number, bits) = self.bits()?;
        Some((number << (32 - bits)) as i32 >> (32 - bits))
    }

    /// A memory access whose flags are an alignment alone.
    #[inline(always)]
    fn access(&mut self, max_align: u8) -> Option<MemArg> {
        let align = self.byte().filter(|&flags| flags < 1 << 4)?;
        let offset = u64::from(self.index()?);
        Some(MemArg {
            align,
            max_align,
            offset,
            target: MemArgTarget::Memory(0),
            ordering: None,
        })
    }

    #[inline(always)]
    fn empty_block(&mut self) -> Option<BlockType> {
        (self.byte()? == 0x40).then_some(BlockType::Empty)
    }
}
