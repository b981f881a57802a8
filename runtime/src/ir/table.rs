//! The macro of the table of IR instructions: what follows from a row of `ir/inst.rs`.
//!
//! From each row follow the variant of [`Inst`](super::Inst), its visitor with roles and types, its
//! labels, its destination, its name, its effects and, in tests, its samples. Every function that
//! is made here is one exhaustive match over the rows.

/// The type of a field, from its role.
macro_rules! field_type {
    (opcode) => {
        Op
    };
    (use) => {
        Operand
    };
    (uses) => {
        List
    };
    (callee) => {
        Callee
    };
    (call) => {
        List
    };
    (place) => {
        MemoryPlace
    };
    (def) => {
        Slot
    };
    (option) => {
        Slot
    };
    (row) => {
        Slot
    };
    (frame) => {
        Slot
    };
    ($role:ident $T:ident) => {
        $T
    };
    (pool128) => {
        u32
    };
    (label) => {
        BlockId
    };
    (labels) => {
        List
    };
}

/// Reports a field in its role.
macro_rules! field_visit {
    (given $visitor:ident $field:ident ()) => {};
    (opcode $visitor:ident $field:ident $ops:tt) => {};
    (use $visitor:ident $field:ident ($ty:expr)) => {
        $visitor.uses($field, $ty)
    };
    (uses $visitor:ident $field:ident ($types:expr)) => {
        $visitor.list($field, $types)
    };
    (callee $visitor:ident $field:ident ()) => {
        $visitor.callee($field)
    };
    (place $visitor:ident $field:ident ()) => {
        $visitor.place($field)
    };
    (call $visitor:ident $field:ident ($callee:expr, $types:expr)) => {
        $visitor.call($field, $callee, $types)
    };
    (def $visitor:ident $field:ident ($ty:expr)) => {
        $visitor.def($field, $ty)
    };
    (option $visitor:ident $field:ident ($ty:expr)) => {
        $visitor.defs($field, $ty)
    };
    (row $visitor:ident $field:ident ($types:expr)) => {
        $visitor.defs($field, $types)
    };
    (frame $visitor:ident $field:ident ($types:expr)) => {
        $visitor.defs($field, $types)
    };
    (imm $visitor:ident $field:ident ($Kind:ident)) => {
        $visitor.imm(Imm::$Kind($field))
    };
    (index $visitor:ident $field:ident ($imm:expr)) => {
        $visitor.index($imm)
    };
    (pool128 $visitor:ident $field:ident ($Kind:ident)) => {
        $visitor.imm(Imm::$Kind($visitor.pool128($field)))
    };
    (label $visitor:ident $field:ident ()) => {
        $visitor.label($field)
    };
    (labels $visitor:ident $field:ident ()) => {
        $visitor.labels($field)
    };
}

/// Calls `$f` for each label in a field.
macro_rules! field_labels {
    (label $ir:ident $field:ident $f:ident) => {
        $f($field)
    };
    (labels $ir:ident $field:ident $f:ident) => {
        $ir.label_list($field).iter().copied().for_each(&mut $f)
    };
    ($role:ident $ir:ident $field:ident $f:ident) => {};
}

/// Calls `$f` for the label that stands in a field itself.
macro_rules! field_label_mut {
    (label $field:ident $f:ident) => {
        $f($field)
    };
    ($role:ident $field:ident $f:ident) => {};
}

/// Returns the destination in a field, if it may be any slot.
macro_rules! field_dst {
    (def $field:ident) => {
        return Some($field)
    };
    (option $field:ident) => {
        return Some($field)
    };
    ($role:ident $field:ident) => {};
}

/// Returns the slot in a field, if a callee's frame may begin there.
macro_rules! field_frame {
    (frame $field:ident) => {
        return Some($field)
    };
    ($role:ident $field:ident) => {};
}

/// Adds the number of operands in a field.
macro_rules! field_count {
    (use $field:ident $count:ident) => {
        $count += 1
    };
    (place $field:ident $count:ident) => {
        $count += 1
    };
    (uses $field:ident $count:ident) => {
        $count += $field.len
    };
    (call $field:ident $count:ident) => {
        $count += $field.len
    };
    ($role:ident $field:ident $count:ident) => {};
}

/// Returns false if the opcode in a field is not one of the row's.
macro_rules! field_check {
    (opcode $op:ident (shape: $($Shape:ident)|+ $(, $($Op:ident)|+)?)) => {
        if !matches!($op.shape(), $(Shape::$Shape)|+) $(&& !matches!($op, $(Op::$Op)|+))? {
            return false;
        }
    };
    (opcode $op:ident ($($Op:ident)|+)) => {
        if !matches!($op, $(Op::$Op)|+) {
            return false;
        }
    };
    ($role:ident $field:ident $column:tt) => {};
}

/// The value of an effect: true, or a condition.
macro_rules! effect {
    () => {
        true
    };
    ($condition:expr) => {
        $condition
    };
}

/// `Inst` from rows (see the head of `ir/inst.rs`).
macro_rules! insts {
    (|$ir:ident| $(
        $(#[$doc:meta])*
        $V:ident $({ $(
            $field:ident: $role:ident $(($($column:tt)*))? $($T:ident)?
        ),* $(,)? })?
            = $name:expr, [$($effect:ident $(($condition:expr))?)*]
            $(with $shared:ident = $value:expr)?;
    )+) => {
        /// An instruction. One row of the table each.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[allow(missing_docs, reason = "the fields are named in each row's description")]
        pub enum Inst {
            $( $(#[$doc])* $V $({ $( $field: field_type!($role $($T)?) ),* })?, )+
        }

        #[allow(unused_variables, reason = "each function looks at the fields of some roles")]
        impl Inst {
            /// Reports every operand in its role, in the order of the row.
            pub fn visit(&self, $ir: &FuncIr, role: impl FnMut(Role)) {
                let mut visitor = Visitor { func: $ir, role };
                match *self { $(
                    Inst::$V $({ $($field),* })? => {
                        $(let $shared = $value;)?
                        $($( field_visit!($role visitor $field ($($($column)*)?)); )*)?
                    }
                )+ }
            }

            /// Calls `f` for each block that the instruction may go to, as often as it is named.
            pub fn labels(&self, $ir: &FuncIr, mut f: impl FnMut(BlockId)) {
                match *self { $(
                    Inst::$V $({ $($field),* })? => {
                        $($( field_labels!($role $ir $field f); )*)?
                    }
                )+ }
            }

            /// Calls `f` for each label in the instruction itself. The labels of a `BrTable` are in
            /// [`FuncIr::labels`].
            pub fn labels_mut(&mut self, mut f: impl FnMut(&mut BlockId)) {
                match self { $(
                    Inst::$V $({ $($field),* })? => {
                        $($( field_label_mut!($role $field f); )*)?
                    }
                )+ }
            }

            /// The destination of the only result, unless its slot depends on other slots.
            pub fn dst_mut(&mut self) -> Option<&mut Slot> {
                match self { $(
                    Inst::$V $({ $($field),* })? => {
                        $($( field_dst!($role $field); )*)?
                    }
                )+ }
                None
            }

            /// The first slot at which a callee's frame may be put.
            pub fn callee_frame(&self) -> Option<Slot> {
                match *self { $(
                    Inst::$V $({ $($field),* })? => {
                        $($( field_frame!($role $field); )*)?
                    }
                )+ }
                None
            }

            /// The number of operands, those of lists included.
            pub fn operand_count(&self) -> u32 {
                let mut count = 0;
                match *self { $(
                    Inst::$V $({ $($field),* })? => {
                        $($( field_count!($role $field count); )*)?
                    }
                )+ }
                count
            }

            /// True if the instruction's opcode is one that its row allows.
            pub fn has_valid_opcode(&self) -> bool {
                match *self { $(
                    Inst::$V $({ $($field),* })? => {
                        $($( field_check!($role $field ($($($column)*)?)); )*)?
                    }
                )+ }
                true
            }

            /// The name in printed IR.
            pub fn name(&self) -> &'static str {
                match *self { $( Inst::$V $({ $($field),* })? => Named::name($name), )+ }
            }

            /// The effects besides definitions.
            #[inline]
            pub fn effects(&self) -> Effects {
                match *self { $(
                    Inst::$V $({ $($field),* })? => Effects {
                        $($effect: effect!($($condition)?),)*
                        ..Effects::NONE
                    },
                )+ }
            }
        }

        /// The samplers of all rows, for tests.
        #[cfg(test)]
        pub(super) fn samplers() -> Vec<super::tests::Sampler> {
            use super::tests::{Draw, Sampler};
            vec![ $( Sampler {
                row: stringify!($V),
                draw: {
                    #[allow(unused_variables, reason = "a row may have no fields")]
                    fn draw(draw: &mut Draw) -> Inst {
                        $($( let $field = draw.field(stringify!($V), stringify!($field)); )*)?
                        Inst::$V $({ $($field),* })?
                    }
                    draw
                },
            }, )+ ]
        }
    };
}

pub(super) use {
    effect, field_check, field_count, field_dst, field_frame, field_label_mut, field_labels,
    field_type, field_visit, insts,
};
