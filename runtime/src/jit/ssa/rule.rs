//! The rewrite rules of the optimiser and of lowering, by name. In the crate's tests the uses of
//! each rule are counted by thread, so that a rule that is never used is found (`tests/rules.rs`).

macro_rules! rules {
    ($($name:ident)*) => {
        /// A rewrite rule.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Rule { $($name),* }

        #[cfg(test)]
        impl Rule {
            /// Every rule, at the index of its discriminant.
            pub const ALL: &'static [Rule] = &[$(Rule::$name),*];
        }
    };
}

rules! {
    Share
    MoveOut
    BranchByStripped
    NeverTraps
    NearOffset
    SelectByStripped
    SelectOfSame
    SelectByConstant
    StripEqz
    StripNotZero
    ShuffleOfNothing
    ShuffleOfOne
    FoldUnary
    FoldSplat
    WrapExtended
    ExtendWrappedU
    ExtendWrappedS
    NarrowEqz
    EqzOfEqz64
    FoldBinary
    ConstantRight
    MirrorCompare
    SubtractToAdd
    Neutral
    Absorbing
    ShiftByNothing
    MultiplyByPower
    DivideByPower
    EqualToZero
    NarrowCompare
    SameCompares
    Reassociate
    AlignedStore
    SmallIndex
    CheckedBefore
    CombinedChecks
    TwoVersions
    KeepConstant
    WrapInPlace
    ExtendInPlace
    LaneInPlace
    CheckExtends
    IndexScaled
    IndexExtended
    IndexBoth
    TakeCompare
    EqzOfMask
    EqzOfTest
    MaskOfBit
    MaskImmediate
    CompareNotZero
    CompareSign
    OperandImmediate
    OperandNegated
    OperandExtendedU
    OperandExtendedS
    OperandRotated
    OperandShifted
    SwapForOperand
    MultiplyAdd
    MultiplySubtract
    Negate
    MultiplyLong
    ExtractBits
    LogicImmediate
    Not
    Complement
    KnownDivisor
    VectorMultiplyAdd
    VectorAddPairs
    VectorShiftImmediate
    ShuffleDuplicate
    ShufflePair
    ShuffleInsert
}

#[cfg(test)]
thread_local! {
    static USES: [std::cell::Cell<u64>; Rule::ALL.len()] =
        const { [const { std::cell::Cell::new(0) }; Rule::ALL.len()] };
}

impl Rule {
    /// Counts a use of the rule, in tests.
    #[inline]
    pub fn hit(self) {
        #[cfg(test)]
        USES.with(|uses| uses[self as usize].update(|n| n + 1));
    }

    /// The number of uses on this thread.
    #[cfg(test)]
    pub fn uses(self) -> u64 {
        USES.with(|uses| uses[self as usize].get())
    }
}
