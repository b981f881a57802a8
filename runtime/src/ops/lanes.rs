//! The columns of vector rows: the shape of the lanes, the operation on them, and what an operation
//! needs besides: the half of a vector that it takes, and the sign of its lanes.
//!
//! Owns the types of these columns and the macros that read them from a row's tail; the rows stand
//! in `simd`. Every group of vector rows is a variant of [`VectorRow`], so that a consumer of one
//! group matches its operations exhaustively. Spec: 4.3.5 Vector Operations.

use super::Op;

/// The shape of a vector: the type and the number of its lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaneShape {
    /// 128 bits without lanes.
    V128,
    /// Sixteen integers of 8 bits.
    I8x16,
    /// Eight integers of 16 bits.
    I16x8,
    /// Four integers of 32 bits.
    I32x4,
    /// Two integers of 64 bits.
    I64x2,
    /// Four floats of 32 bits.
    F32x4,
    /// Two floats of 64 bits.
    F64x2,
}

impl LaneShape {
    /// True if the lanes are floats.
    pub const fn is_float(self) -> bool {
        match self {
            LaneShape::F32x4 | LaneShape::F64x2 => true,
            LaneShape::V128
            | LaneShape::I8x16
            | LaneShape::I16x8
            | LaneShape::I32x4
            | LaneShape::I64x2 => false,
        }
    }
}

/// The half of a vector whose lanes an operation widens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// The lanes with the lower numbers.
    Low,
    /// The lanes with the higher numbers.
    High,
}

/// The interpretation of integer lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// Two's complement.
    Signed,
    /// Not negative.
    Unsigned,
}

/// The columns of a row with an operation on lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes<T> {
    /// The shape of the result, or of the operand where the result is a scalar.
    pub shape: LaneShape,
    /// The operation on each lane.
    pub operation: T,
    /// The half of the operands that is widened, where the operation widens one.
    pub half: Option<Half>,
    /// The sign of the lanes, where the operation depends on it. The operands of `narrow` are
    /// signed always; the sign is that of its results.
    pub sign: Option<Sign>,
}

macro_rules! operations {
    ($($(#[$doc:meta])* $group:ident { $($operation:ident)* })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each variant is the operation of the same name")]
        pub enum $group { $($operation),* }
    )* };
}

operations! {
    /// Operations of the rows `simd_unary`.
    VectorUnary {
        Not Abs Neg Popcnt ExtAddPairwise Extend Ceil Floor Trunc Nearest Sqrt TruncSat
        TruncSatZero Convert ConvertLow DemoteZero PromoteLow RelaxedTrunc RelaxedTruncZero
    }

    /// Operations of the rows `simd_binary`.
    VectorBinary {
        Swizzle Eq Ne Lt Gt Le Ge And AndNot Or Xor Narrow Add AddSat Sub SubSat Min Max
        Avgr Q15MulrSat Mul ExtMul Dot Div PMin PMax RelaxedSwizzle RelaxedMin RelaxedMax
        RelaxedQ15Mulr RelaxedDot
    }

    /// Operations of the rows `simd_shift`.
    VectorShift {
        Shl Shr
    }

    /// Operations of the rows `simd_ternary`.
    VectorTernary {
        Bitselect RelaxedMadd RelaxedNmadd RelaxedLaneselect RelaxedDotAdd
    }

    /// Operations of the rows `simd_reduce`.
    VectorReduce {
        AnyTrue AllTrue Bitmask
    }
}

/// The columns of a vector row, by the row's group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorRow {
    /// The row is not a vector row.
    Scalar,
    /// A load of a whole vector, or of a part with zeros in the rest.
    Load,
    /// A load of a part, and the operation that makes a vector of it.
    LoadThen {
        /// The opcode of the load.
        load: Op,
        /// The opcode of the operation, with the loaded value as its operand.
        then: Op,
    },
    /// The store of a vector.
    Store,
    /// A load of one lane.
    LoadLane {
        /// The opcode of the scalar load.
        load: Op,
        /// The opcode that puts the loaded value into the vector.
        replace: Op,
    },
    /// A store of one lane.
    StoreLane {
        /// The opcode that takes the lane out of the vector.
        extract: Op,
        /// The opcode of the scalar store.
        store: Op,
    },
    /// The shuffle.
    Shuffle,
    /// The value of one lane.
    ExtractLane(Lanes<()>),
    /// One lane replaced.
    ReplaceLane(Lanes<()>),
    /// A scalar in all lanes.
    Splat(Lanes<()>),
    /// A vector to an i32.
    Reduce(Lanes<VectorReduce>),
    /// A vector to a vector.
    Unary(Lanes<VectorUnary>),
    /// Two vectors to a vector.
    Binary(Lanes<VectorBinary>),
    /// A vector and an i32 to a vector.
    Shift(Lanes<VectorShift>),
    /// Three vectors to a vector.
    Ternary(Lanes<VectorTernary>),
}

impl VectorRow {
    /// The shape of the lanes, where the row has lanes.
    pub const fn shape(self) -> Option<LaneShape> {
        match self {
            VectorRow::ExtractLane(lanes)
            | VectorRow::ReplaceLane(lanes)
            | VectorRow::Splat(lanes) => Some(lanes.shape),
            VectorRow::Reduce(lanes) => Some(lanes.shape),
            VectorRow::Unary(lanes) => Some(lanes.shape),
            VectorRow::Binary(lanes) => Some(lanes.shape),
            VectorRow::Shift(lanes) => Some(lanes.shape),
            VectorRow::Ternary(lanes) => Some(lanes.shape),
            VectorRow::Scalar
            | VectorRow::Load
            | VectorRow::LoadThen { .. }
            | VectorRow::Store
            | VectorRow::LoadLane { .. }
            | VectorRow::StoreLane { .. }
            | VectorRow::Shuffle => None,
        }
    }
}

/// [`Lanes`] of a shape, an operation, and the further columns `low`, `high`, `s`, `u`.
macro_rules! lanes {
    ($shape:ident $operation:expr, $($column:ident)*) => {
        Lanes {
            shape: LaneShape::$shape,
            operation: $operation,
            half: half_of!($($column)*),
            sign: sign_of!($($column)*),
        }
    };
}

macro_rules! half_of {
    (low $($rest:ident)*) => {
        Some(Half::Low)
    };
    (high $($rest:ident)*) => {
        Some(Half::High)
    };
    ($($rest:ident)*) => {
        None
    };
}

macro_rules! sign_of {
    (s) => { Some(Sign::Signed) };
    (u) => { Some(Sign::Unsigned) };
    () => { None };
    ($half:ident $($rest:ident)*) => { sign_of!($($rest)*) };
}

/// The [`VectorRow`] that a group and a tail say: the columns stand behind the tail's `;`.
macro_rules! vector_row {
    (simd_load { $func:ident $params:tt -> $result:ident; whole }) => { VectorRow::Load };
    (simd_load { $func:ident $params:tt -> $result:ident; $load:ident $then:ident }) => {
        VectorRow::LoadThen { load: Op::$load, then: Op::$then }
    };
    (simd_store $tail:tt) => { VectorRow::Store };
    (simd_load_lane { $func:ident $params:tt -> $result:ident; $load:ident $replace:ident }) => {
        VectorRow::LoadLane { load: Op::$load, replace: Op::$replace }
    };
    (simd_store_lane { $func:ident $params:tt -> $result:ident; $extract:ident $store:ident }) => {
        VectorRow::StoreLane { extract: Op::$extract, store: Op::$store }
    };
    (simd_shuffle $tail:tt) => { VectorRow::Shuffle };
    ($group:ident { $func:ident $params:tt -> $result:ident; $($columns:tt)* }) => {
        vector_row!(lanes $group $($columns)*)
    };
    (lanes simd_extract_lane $shape:ident $($column:ident)*) => {
        VectorRow::ExtractLane(lanes!($shape (), $($column)*))
    };
    (lanes simd_replace_lane $shape:ident) => { VectorRow::ReplaceLane(lanes!($shape (),)) };
    (lanes simd_splat $shape:ident) => { VectorRow::Splat(lanes!($shape (),)) };
    (lanes simd_reduce $shape:ident $operation:ident) => {
        VectorRow::Reduce(lanes!($shape VectorReduce::$operation,))
    };
    (lanes simd_unary $shape:ident $operation:ident $($column:ident)*) => {
        VectorRow::Unary(lanes!($shape VectorUnary::$operation, $($column)*))
    };
    (lanes simd_binary $shape:ident $operation:ident $($column:ident)*) => {
        VectorRow::Binary(lanes!($shape VectorBinary::$operation, $($column)*))
    };
    (lanes simd_shift $shape:ident $operation:ident $($column:ident)*) => {
        VectorRow::Shift(lanes!($shape VectorShift::$operation, $($column)*))
    };
    (lanes simd_ternary $shape:ident $operation:ident $($column:ident)*) => {
        VectorRow::Ternary(lanes!($shape VectorTernary::$operation, $($column)*))
    };
    ($group:ident $tail:tt) => { VectorRow::Scalar };
}
