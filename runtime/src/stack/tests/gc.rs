//! What the tests of handlers run of structures, arrays, i31 and casts: every opcode, and every
//! handler that an opcode gets by the width of a field.

use crate::ops::Op;

/// Types and globals that the texts name; also an element segment `$e`, a data segment `$d` and a
/// function `$same` are there.
pub(super) const DEFINITIONS: &str = r#"
    (rec (type $described (descriptor $desc) (struct (field i32)))
        (type $desc (describes $described) (struct)))
    (type $point (sub (struct (field $x (mut i32)) (field $y (mut i64)))))
    (type $point3 (sub $point (struct (field $x (mut i32)) (field $y (mut i64)) (field f64))))
    (type $s (struct (field $b (mut i8)) (field $h (mut i16)) (field $i (mut i32))
        (field $l (mut i64)) (field $v (mut v128))))
    (type $a8 (array (mut i8))) (type $a16 (array (mut i16))) (type $a32 (array (mut i32)))
    (type $a64 (array (mut i64))) (type $av (array (mut v128))) (type $ar (array (mut funcref)))
    (global $gd (ref (exact $desc)) (struct.new $desc))
    (global $gs (ref $s) (struct.new_default $s))
    (global $g8 (ref $a8) (array.new_default $a8 (i32.const 4)))
    (global $g16 (ref $a16) (array.new_default $a16 (i32.const 4)))
    (global $g32 (ref $a32) (array.new_default $a32 (i32.const 4)))
    (global $g64 (ref $a64) (array.new_default $a64 (i32.const 4)))
    (global $gv (ref $av) (array.new_default $av (i32.const 4)))
    (global $gr (ref $ar) (array.new_default $ar (i32.const 4)))
"#;

/// The text of an opcode that does not trap.
pub(super) fn text(op: Op) -> Option<&'static str> {
    Some(match op {
        Op::RefTestNonNull => "(drop (ref.test (ref $s) (global.get $gs)))",
        Op::RefTestNullable => "(drop (ref.test (ref null $point) (ref.null any)))",
        Op::RefCastNonNull => "(drop (ref.cast (ref $s) (global.get $gs)))",
        Op::RefCastNullable => "(drop (ref.cast (ref null $point) (ref.null any)))",
        Op::BrOnCast => {
            "(drop (block (result anyref)
            (br_on_cast 0 anyref (ref $s) (global.get $gs))))"
        }
        Op::BrOnCastFail => {
            "(drop (block (result anyref)
            (br_on_cast_fail 0 anyref (ref $point) (global.get $gs))))"
        }
        Op::RefGetDesc => {
            "(drop (ref.get_desc $described
            (struct.new_desc $described (i32.const 1) (global.get $gd))))"
        }
        Op::RefCastDescEqNonNull => {
            "(drop (ref.cast_desc_eq (ref $described)
            (struct.new_default_desc $described (global.get $gd)) (global.get $gd)))"
        }
        Op::RefCastDescEqNullable => {
            "(drop (ref.cast_desc_eq (ref null $described)
            (ref.null $described) (global.get $gd)))"
        }
        Op::BrOnCastDescEq => {
            "(drop (block (result anyref)
            (br_on_cast_desc_eq 0 anyref (ref null $described)
                (ref.null $described) (global.get $gd))))"
        }
        Op::BrOnCastDescEqFail => {
            "(drop (block (result anyref)
            (br_on_cast_desc_eq_fail 0 anyref (ref $described)
                (ref.null $described) (global.get $gd))))"
        }
        Op::StructNew => "(drop (struct.new $point (i32.const 1) (i64.const 2)))",
        Op::StructNewDefault => "(drop (struct.new_default $s))",
        Op::StructNewDesc => "(drop (struct.new_desc $described (i32.const 1) (global.get $gd)))",
        Op::StructNewDefaultDesc => "(drop (struct.new_default_desc $described (global.get $gd)))",
        Op::StructGet | Op::StructSet => {
            "(struct.set $s $i (global.get $gs) (struct.get $s $i (global.get $gs)))"
        }
        Op::StructGetS => {
            "(struct.set $s $b (global.get $gs) (struct.get_s $s $b (global.get $gs)))"
        }
        Op::StructGetU => {
            "(struct.set $s $h (global.get $gs) (struct.get_u $s $h (global.get $gs)))"
        }
        Op::ArrayNew => "(drop (array.new $a32 (i32.const 1) (i32.const 4)))",
        Op::ArrayNewDefault => "(drop (array.new_default $a8 (i32.const 4)))",
        Op::ArrayNewFixed => "(drop (array.new_fixed $a16 2 (i32.const 1) (i32.const 2)))",
        Op::ArrayNewData => "(drop (array.new_data $a8 $d (i32.const 0) (i32.const 0)))",
        Op::ArrayNewElem => "(drop (array.new_elem $ar $e (i32.const 0) (i32.const 0)))",
        Op::ArrayGet | Op::ArraySet => {
            "(array.set $a32 (global.get $g32) (i32.const 1)
            (array.get $a32 (global.get $g32) (i32.const 2)))"
        }
        Op::ArrayGetS => {
            "(array.set $a8 (global.get $g8) (i32.const 1)
            (array.get_s $a8 (global.get $g8) (i32.const 2)))"
        }
        Op::ArrayGetU => {
            "(array.set $a16 (global.get $g16) (i32.const 1)
            (array.get_u $a16 (global.get $g16) (i32.const 2)))"
        }
        Op::ArrayLen => "(drop (array.len (global.get $g8)))",
        Op::ArrayFill => {
            "(array.fill $a8 (global.get $g8) (i32.const 1) (i32.const 7) (i32.const 2))"
        }
        Op::ArrayCopy => {
            "(array.copy $a8 $a8 (global.get $g8) (i32.const 1)
            (global.get $g8) (i32.const 0) (i32.const 2))"
        }
        Op::ArrayInitData => {
            "(array.init_data $a8 $d
            (global.get $g8) (i32.const 1) (i32.const 0) (i32.const 0))"
        }
        Op::ArrayInitElem => {
            "(array.init_elem $ar $e
            (global.get $gr) (i32.const 1) (i32.const 0) (i32.const 0))"
        }
        Op::AnyConvertExtern | Op::ExternConvertAny => {
            "(drop (any.convert_extern (extern.convert_any (global.get $gs))))"
        }
        Op::RefI31 | Op::I31GetS => "(drop (i31.get_s (ref.i31 (i32.const -1))))",
        Op::I31GetU => "(drop (i31.get_u (ref.i31 (i32.const -1))))",
        _other => return None,
    })
}

/// Handlers that an opcode gets in other circumstances.
pub(super) const VARIANTS: &[(&str, &str)] = &[
    (
        "struct_get_8u, struct_set_8",
        "(struct.set $s $b (global.get $gs) (struct.get_u $s $b (global.get $gs)))",
    ),
    (
        "struct_get_16s, struct_set_16",
        "(struct.set $s $h (global.get $gs) (struct.get_s $s $h (global.get $gs)))",
    ),
    (
        "struct_get_64, struct_set_64",
        "(struct.set $s $l (global.get $gs) (struct.get $s $l (global.get $gs)))",
    ),
    (
        "struct_get_wide, struct_set_wide",
        "(struct.set $s $v (global.get $gs) (struct.get $s $v (global.get $gs)))",
    ),
    (
        "array_get_8u",
        "(drop (array.get_u $a8 (global.get $g8) (i32.const 1)))",
    ),
    (
        "array_get_16s",
        "(drop (array.get_s $a16 (global.get $g16) (i32.const 1)))",
    ),
    (
        "array_get_64, array_set_64",
        "(array.set $a64 (global.get $g64) (i32.const 1)
            (array.get $a64 (global.get $g64) (i32.const 2)))",
    ),
    (
        "array_get_wide, array_set_wide",
        "(array.set $av (global.get $gv) (i32.const 1)
            (array.get $av (global.get $gv) (i32.const 2)))",
    ),
    (
        "br_on_cast, dropping",
        "(drop (block (result anyref) (i32.const 1)
            (br_on_cast 0 anyref (ref $s) (global.get $gs)) drop drop (ref.null any)))",
    ),
    (
        "br_on_cast_fail, dropping",
        "(drop (block (result anyref) (i32.const 1)
            (br_on_cast_fail 0 anyref (ref $s) (global.get $gs)) drop drop (ref.null any)))",
    ),
    (
        "casts of every kind",
        "(global.get $gs) (drop (ref.test (ref struct))) (global.get $gs)
        (drop (ref.test (ref array))) (global.get $gs) (drop (ref.test (ref i31)))
        (global.get $gs) (drop (ref.test (ref eq))) (global.get $gs) (drop (ref.test (ref none)))
        (ref.func $same) (drop (ref.test (ref $i)))
        (ref.func $same) (drop (ref.test (ref nofunc)))",
    ),
];
