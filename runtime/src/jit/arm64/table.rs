//! The two table macros: `ops!` (an operation per row) and `formats!` (an instruction format per
//! row).
//!
//! From an `ops!` row follow the enum variant, its fixed bits, its mnemonic and the list of all
//! rows. From a `formats!` row follow the variant of `Inst`, its constructor, its encoder, its
//! printer, its operand roles, its branch target and, in tests, its samples. Nothing about a row is
//! written anywhere else.

/// Field types that tests can draw values for.
#[cfg(test)]
pub(super) trait Sample: Copy {
    /// True if every value must turn up in an encodable instruction of each format that has the
    /// field.
    const COMPLETE: bool;
    /// Representative values, the extremes among them.
    fn samples() -> Vec<Self>;
}

/// An enum whose rows are `Variant = bits "mnemonic" [(attribute)]`, with `bits`, `name`, `ALL` and
/// the attribute.
macro_rules! ops {
    ($(
        $(#[$doc:meta])*
        $Name:ident($($attr:ident: $Attr:tt)?) $rows:tt
    )+) => {$(
        op_rows! { $(#[$doc])* $Name $rows }
        op_attribute! { $Name $($attr: $Attr)? $rows }
    )+};
}

/// The enum of one `ops!` table.
macro_rules! op_rows {
    (
        $(#[$doc:meta])*
        $Name:ident { $( $Row:ident = $bits:literal $name:literal $(($value:expr))? ),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $Name {
            $( #[doc = concat!("`", $name, "`")] $Row, )+
        }

        impl $Name {
            /// Every row, in table order.
            pub const ALL: &[Self] = &[$(Self::$Row),+];

            /// The bits that this row fixes, where the format puts them.
            pub const fn bits(self) -> u32 {
                match self { $(Self::$Row => $bits),+ }
            }

            /// The row's name in assembly text.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$Row => $name),+ }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        #[cfg(test)]
        impl $crate::jit::arm64::table::Sample for $Name {
            const COMPLETE: bool = true;
            fn samples() -> Vec<Self> {
                Self::ALL.to_vec()
            }
        }
    };
}

/// The attribute of one `ops!` table.
macro_rules! op_attribute {
    ($Name:ident { $($rows:tt)+ }) => {};
    (
        $Name:ident $attr:ident: $Attr:tt
        { $( $Row:ident = $bits:literal $name:literal ($value:expr) ),+ $(,)? }
    ) => {
        impl $Name {
            /// The row's attribute, from the table.
            pub const fn $attr(self) -> $Attr {
                match self { $(Self::$Row => $value),+ }
            }
        }
    };
}

/// The type of a field, from its role.
macro_rules! field_type {
    (tied $T:ty) => { Tied<$T> };
    ($role:ident $T:ty) => { $T };
}

/// The type of a constructor's parameter for a field: a label or a symbol will do for a target.
macro_rules! field_param {
    ($role:ident Referent) => { impl Into<Referent> };
    ($role:ident $T:ty) => { field_type!($role $T) };
}

/// The value of a field, from a constructor's parameter.
macro_rules! field_value {
    (Referent $field:ident) => {
        $field.into()
    };
    ($T:ident $field:ident) => {
        $field
    };
}

/// Maps the registers of a field, as its role says. Roles without registers map nothing.
macro_rules! field_map {
    (def $field:ident $f:ident) => {
        $field.map_regs(Role::Def, $f)
    };
    (early $field:ident $f:ident) => {
        $field.map_regs(Role::EarlyDef, $f)
    };
    (use $field:ident $f:ident) => {
        $field.map_regs(Role::Use, $f)
    };
    (tied $field:ident $f:ident) => {
        $field.map_regs(Role::ReuseDef, $f)
    };
    (mem $field:ident $f:ident) => {
        $field.map_regs(Role::Use, $f)
    };
    ($role:ident $field:ident $f:ident) => {};
}

/// The branch target of a field, if its role is a reach.
macro_rules! field_target {
    (b26 $field:ident) => {
        return Some(($field, Reach::Branch26))
    };
    (b19 $field:ident) => {
        return Some(($field, Reach::Branch19))
    };
    (b14 $field:ident) => {
        return Some(($field, Reach::Branch14))
    };
    (lit $field:ident) => {
        return Some(($field, Reach::Literal19))
    };
    (adr $field:ident) => {
        return Some(($field, Reach::Adr))
    };
    ($role:ident $field:ident) => {};
}

/// The address in a field, if its role is one.
macro_rules! field_mem {
    (mem $field:ident) => {
        return Some($field)
    };
    ($role:ident $field:ident) => {};
}

/// `Inst` from rows `Variant constructor { field: role Type, .. } = encoding; "text", arguments..;`
/// (see the module head).
macro_rules! formats {
    ($(
        $(#[$doc:meta])*
        $V:ident $constructor:ident { $( $field:ident: $role:ident $T:ident ),* $(,)? }
            = $encoding:expr; $text:literal $(, $arg:expr)* ;
    )+) => {
        /// An A64 instruction over registers that may still be virtual. One row of the format table
        /// each.
        #[derive(Clone, Copy, PartialEq, Debug)]
        #[allow(missing_docs, reason = "field names are the ISA manual's")]
        pub enum Inst {
            $( $(#[$doc])* $V { $( $field: field_type!($role $T) ),* }, )+
        }

        #[allow(dead_code, reason = "each row has a constructor, used or not")]
        impl Inst { $(
            $(#[$doc])*
            #[inline]
            pub fn $constructor($( $field: field_param!($role $T) ),*) -> Self {
                Self::$V { $( $field: field_value!($T $field) ),* }
            }
        )+ }

        impl Inst {
            /// The word, but for the distance to a branch target.
            #[allow(unused_variables, reason = "targets are put in by `encode`")]
            fn template(&self) -> Result<u32, Fault> {
                match *self { $( Self::$V { $($field),* } => $encoding.finish(), )+ }
            }

            fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self { $( Self::$V { $($field),* } => write!(f, $text $(, $arg)*), )+ }
            }

            /// Replaces each register operand by `f(register, role)`, in the order of the format's
            /// row.
            ///
            /// # Panics
            /// If `f` answers with a register of the other class.
            #[allow(unused_variables, reason = "fields without registers are skipped")]
            pub fn map_regs(&mut self, f: &mut impl FnMut(Reg, Role) -> Reg) {
                match self { $(
                    Self::$V { $($field),* } => { $( field_map!($role $field f); )* }
                )+ }
            }

            /// The referent by distance, and its reach.
            #[allow(unused_variables, reason = "only targets are looked at")]
            pub fn target(&self) -> Option<(Referent, Reach)> {
                match *self { $(
                    Self::$V { $($field),* } => { $( field_target!($role $field); )* }
                )+ }
                None
            }

            /// The address that the instruction loads from or stores to.
            #[allow(unused_variables, reason = "only addresses are looked at")]
            pub fn mem(&self) -> Option<Mem> {
                match *self { $(
                    Self::$V { $($field),* } => { $( field_mem!($role $field); )* }
                )+ }
                None
            }

            /// The name of the format's row.
            pub fn format_name(&self) -> &'static str {
                match self { $( Self::$V { .. } => stringify!($V), )+ }
            }
        }

        /// The samplers of all formats, for tests.
        #[cfg(test)]
        pub(super) fn samplers() -> Vec<super::tests::Sampler> {
            use super::tests::{Draw, Sampler};
            vec![ $( Sampler {
                format: stringify!($V),
                fields: vec![ $( Draw::field::<field_type!($role $T)>(stringify!($field)) ),* ],
                draw: {
                    #[allow(unused_variables, unused_mut, reason = "a format may have no fields")]
                    fn draw(draw: &mut Draw) -> Inst {
                        $( let $field = draw.next(); )*
                        Inst::$V { $($field),* }
                    }
                    draw
                },
            }, )+ ]
        }
    };
}

pub(super) use {
    field_map, field_mem, field_param, field_target, field_type, field_value, formats,
    op_attribute, op_rows, ops,
};
