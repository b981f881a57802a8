//! Motifs about objects: graphs that live across collections, arrays to their last element, packed
//! fields, casts in a hierarchy, objects too large for a small block.

use wasm_encoder::{HeapType, Instruction as I, RefType, ValType};

use super::super::address::and;
use super::super::body::{Body, Opening};
use super::super::program::{ANYREF, heap, nullable, objects};

/// The nullable reference to a node.
fn node() -> ValType {
    nullable(objects::NODE)
}

/// The nullable reference to a type, for casts.
fn reference(index: u32, is_nullable: bool) -> RefType {
    RefType {
        nullable: is_nullable,
        heap_type: HeapType::Concrete(index),
    }
}

fn get(struct_type_index: u32, field_index: u32) -> I<'static> {
    I::StructGet {
        struct_type_index,
        field_index,
    }
}

fn set(struct_type_index: u32, field_index: u32) -> I<'static> {
    I::StructSet {
        struct_type_index,
        field_index,
    }
}

/// Pushes a new node or leaf; `next` is a local with a node or null.
fn new_node(body: &mut Body<'_>, next: u32) {
    body.expr(ValType::I32, 1);
    body.expr(ValType::I64, 1);
    body.emit(&I::LocalGet(next));
    match body.random.chance(40) {
        true => {
            body.expr(ValType::F64, 1);
            body.expr(ValType::F32, 1);
            body.expr(ANYREF, 1);
            body.emit(&I::StructNew(objects::LEAF));
        }
        false => body.emit(&I::StructNew(objects::NODE)),
    }
}

/// Makes objects that nothing keeps.
fn garbage(body: &mut Body<'_>) {
    let count = body.random.pick(&[0, 1, 3, 17, 100, 300]);
    body.expr(ValType::I64, 0);
    body.emit_all(&[I::I32Const(count), I::ArrayNew(objects::LONGS), I::Drop]);
}

/// A list built in a loop, with garbage in between, and walked.
pub(super) fn list(body: &mut Body<'_>) {
    let head = body.fixed(node());
    body.emit_all(&[
        I::RefNull(HeapType::Concrete(objects::NODE)),
        I::LocalSet(head),
    ]);
    body.counted_loop(Some(&mut |body: &mut Body<'_>, _| {
        new_node(body, head);
        body.emit(&I::LocalSet(head));
        if body.random.chance(60) {
            garbage(body);
        }
    }));
    if body.random.chance(40) {
        keep_in_global(body, head);
    }
    walk(body, head);
}

/// Stores a node in a global, if there is one for it.
fn keep_in_global(body: &mut Body<'_>, local: u32) {
    if let Some(global) = body.some_global(node(), true) {
        body.emit_all(&[I::LocalGet(local), I::GlobalSet(global)]);
    }
}

/// Walks at most some nodes from a local on, and mixes what they hold.
fn walk(body: &mut Body<'_>, from: u32) {
    let at = body.fixed(node());
    body.emit_all(&[I::LocalGet(from), I::LocalSet(at)]);
    let style = body.random.below(3);
    body.repeated(8, |body| {
        let left = body.fixed(ValType::I32);
        body.emit_all(&[I::I32Const(8), I::LocalSet(left)]);
        body.open(Opening::Block, &[], &[]);
        body.open(Opening::Loop, &[], &[]);
        match style {
            0 => body.emit_all(&[I::LocalGet(at), I::RefIsNull, I::BrIf(1), I::LocalGet(at)]),
            1 => body.emit_all(&[I::LocalGet(at), I::BrOnNull(1)]),
            _ => {
                body.emit_all(&[
                    I::LocalGet(at),
                    I::RefIsNull,
                    I::I32Eqz,
                    I::I32Eqz,
                    I::BrIf(1),
                ]);
                body.emit_all(&[I::LocalGet(at), I::RefAsNonNull]);
            }
        }
        body.emit(&get(objects::NODE, 1));
        body.mix(ValType::I64);
        body.emit_all(&[I::LocalGet(at), get(objects::NODE, 0)]);
        body.mix(ValType::I32);
        // What only leaves have.
        body.emit_all(&[
            I::LocalGet(at),
            I::RefTestNonNull(HeapType::Concrete(objects::LEAF)),
        ]);
        body.open(Opening::If, &[], &[]);
        body.emit_all(&[
            I::LocalGet(at),
            I::RefCastNonNull(HeapType::Concrete(objects::LEAF)),
            get(objects::LEAF, 3),
        ]);
        body.mix(ValType::F64);
        body.end();
        body.emit_all(&[I::LocalGet(at), get(objects::NODE, 2), I::LocalSet(at)]);
        body.emit_all(&[
            I::LocalGet(left),
            I::I32Const(1),
            I::I32Sub,
            I::LocalTee(left),
        ]);
        body.emit(&I::BrIf(0));
        body.end();
        body.end();
    });
}

/// The list that an earlier call has left in a global grows, changes and is walked.
pub(super) fn graph(body: &mut Body<'_>) {
    let Some(global) = body.some_global(node(), true) else {
        return;
    };
    let first = body.fixed(node());
    body.emit_all(&[I::GlobalGet(global), I::LocalSet(first)]);
    new_node(body, first);
    let new = body.fixed(node());
    body.emit(&I::LocalSet(new));
    garbage(body);
    body.emit_all(&[I::LocalGet(new), I::GlobalSet(global)]);
    // Something of the old part changes; a cycle may come of it.
    body.emit(&I::LocalGet(first));
    body.open(Opening::Block, &[node()], &[]);
    body.emit(&I::BrOnNull(0));
    match body.random.below(3) {
        0 => {
            body.emit_all(&[I::LocalGet(new), set(objects::NODE, 2)]);
        }
        1 => {
            body.expr(ValType::I64, 1);
            body.emit(&set(objects::NODE, 1));
        }
        _ => {
            body.expr(ValType::I32, 1);
            body.emit(&set(objects::NODE, 0));
        }
    }
    body.end();
    walk(body, new);
}

/// An array in a local.
#[derive(Clone, Copy)]
struct ArrayLocal {
    local: u32,
    /// The type of the array, and that of elements on the stack.
    ty: u32,
    element: ValType,
    is_packed: bool,
    len: u64,
}

/// The types of elements on the stack, by the types of arrays from `BYTES` on.
const ELEMENTS: [ValType; 6] = [
    ValType::I32,
    ValType::I32,
    ValType::I32,
    ValType::I64,
    ValType::F32,
    ValType::F64,
];

/// Arrays of every element type: new, filled, copied with overlap, read at both ends.
pub(super) fn array(body: &mut Body<'_>) {
    let array = new_array(body);
    for _ in 0..body.random.range(2, 6) {
        use_array(body, array);
        if body.random.chance(20) {
            garbage(body);
        }
    }
    body.emit_all(&[I::LocalGet(array.local), I::ArrayLen]);
    body.mix(ValType::I32);
}

fn new_array(body: &mut Body<'_>) -> ArrayLocal {
    let which = body.random.below(6) as u32;
    let ty = objects::BYTES + which;
    let element = ELEMENTS[which as usize];
    let lengths = [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64];
    let mut len = body.random.pick(&lengths);
    match body.random.below(3) {
        0 => {
            body.expr(element, 1);
            body.emit_all(&[I::I32Const(len), I::ArrayNew(ty)]);
        }
        1 => body.emit_all(&[I::I32Const(len), I::ArrayNewDefault(ty)]),
        _ => {
            len = len.min(9);
            for _ in 0..len {
                body.expr(element, 1);
            }
            body.emit(&I::ArrayNewFixed {
                array_type_index: ty,
                array_size: len as u32,
            });
        }
    }
    let local = body.fixed(nullable(ty));
    body.emit(&I::LocalSet(local));
    ArrayLocal {
        local,
        ty,
        element,
        is_packed: which < 2,
        len: len as u64,
    }
}

fn use_array(body: &mut Body<'_>, array: ArrayLocal) {
    let ArrayLocal {
        ty, element, len, ..
    } = array;
    let get = I::LocalGet(array.local);
    match body.random.below(5) {
        0 => {
            body.emit(&get);
            index(body, len);
            body.expr(element, 1);
            body.emit(&I::ArraySet(ty));
        }
        1 => {
            let from = body.random.below(len + 1);
            let count = body.random.below(len - from + 1);
            body.emit_all(&[get, I::I32Const(from as i32)]);
            body.expr(element, 1);
            body.emit_all(&[I::I32Const(count as i32), I::ArrayFill(ty)]);
        }
        2 => {
            let count = body.random.below(len + 1);
            let to = body.random.below(len - count + 1);
            let from = body.random.below(len - count + 1);
            body.emit_all(&[get.clone(), I::I32Const(to as i32)]);
            body.emit_all(&[get, I::I32Const(from as i32), I::I32Const(count as i32)]);
            body.emit(&I::ArrayCopy {
                array_type_index_dst: ty,
                array_type_index_src: ty,
            });
        }
        3 => {
            // The last element, by the length.
            body.emit_all(&[get.clone(), get, I::ArrayLen, I::I32Const(1), I::I32Sub]);
            read(body, ty, array.is_packed);
            body.mix(element);
        }
        _ => {
            body.emit(&get);
            index(body, len);
            read(body, ty, array.is_packed);
            body.sink(element);
        }
    }
}

fn read(body: &mut Body<'_>, ty: u32, is_packed: bool) {
    let signed = body.random.chance(50);
    body.emit(&match (is_packed, signed) {
        (false, _) => I::ArrayGet(ty),
        (true, true) => I::ArrayGetS(ty),
        (true, false) => I::ArrayGetU(ty),
    });
}

/// An index below a length: a constant, or the bits of a value, possibly with others above.
fn index(body: &mut Body<'_>, len: u64) {
    let mask = (len + 1).next_power_of_two() / 2 - 1;
    match body.random.below(4) {
        0 => body.emit(&I::I32Const(len as i32 - 1)),
        1 => {
            body.variable(ValType::I64);
            body.emit_all(&[
                I::I64Const((mask | 0xFFFF_FFFF_0000_0000).cast_signed()),
                I::I64And,
                I::I32WrapI64,
            ]);
        }
        _ => {
            body.expr(ValType::I32, 1);
            body.integer(ValType::I32, mask);
            body.emit(&and(ValType::I32));
        }
    }
}

/// Arrays that hold references, filled, copied, and read after garbage.
pub(super) fn references(body: &mut Body<'_>) {
    let array = body.fixed(nullable(objects::NODES));
    let first = body.fixed(node());
    body.emit_all(&[
        I::RefNull(HeapType::Concrete(objects::NODE)),
        I::LocalSet(first),
    ]);
    new_node(body, first);
    body.emit_all(&[
        I::LocalTee(first),
        I::I32Const(8),
        I::ArrayNew(objects::NODES),
    ]);
    body.emit(&I::LocalSet(array));
    body.counted_loop(Some(&mut |body: &mut Body<'_>, counter| {
        body.emit_all(&[
            I::LocalGet(array),
            I::LocalGet(counter),
            I::I32Const(7),
            I::I32And,
        ]);
        new_node(body, first);
        body.emit(&I::ArraySet(objects::NODES));
        garbage(body);
    }));
    let (to, from) = body.random.pick(&[(0, 3), (3, 0), (1, 2), (4, 0)]);
    body.emit_all(&[
        I::LocalGet(array),
        I::I32Const(to),
        I::LocalGet(array),
        I::I32Const(from),
        I::I32Const(4),
        I::ArrayCopy {
            array_type_index_dst: objects::NODES,
            array_type_index_src: objects::NODES,
        },
    ]);
    body.emit(&I::LocalGet(array));
    index(body, 8);
    body.emit_all(&[I::ArrayGet(objects::NODES), I::LocalSet(first)]);
    walk(body, first);
    // The same as an array of anything: one of nodes, one of functions.
    body.expr(ANYREF, 1);
    body.emit(&I::LocalGet(array));
    body.emit_all(&[
        I::ArrayNewFixed {
            array_type_index: objects::ANYS,
            array_size: 2,
        },
        I::I32Const(1),
        I::ArrayGet(objects::ANYS),
    ]);
    any(body);
}

/// Arrays made of segments, and segments written into arrays.
pub(super) fn segments(body: &mut Body<'_>) {
    let which = body.random.below(6) as u32;
    let ty = objects::BYTES + which;
    let bytes = [1, 2, 4, 8, 4, 8][which as usize];
    let most = body.program.passive.len() as u64 / bytes;
    let count = body.random.below(most.min(9)) + 1;
    let from = body
        .random
        .below(body.program.passive.len() as u64 - count * bytes + 1);
    body.emit_all(&[
        I::I32Const(from as i32),
        I::I32Const(count as i32),
        I::ArrayNewData {
            array_type_index: ty,
            array_data_index: 0,
        },
    ]);
    let array = body.fixed(nullable(ty));
    body.emit_all(&[I::LocalTee(array), I::I32Const(0), I::I32Const(from as i32)]);
    body.emit_all(&[
        I::I32Const(count as i32 - 1),
        I::ArrayInitData {
            array_type_index: ty,
            array_data_index: 0,
        },
        I::LocalGet(array),
        I::I32Const(count as i32 - 1),
    ]);
    read(body, ty, which < 2);
    body.mix(ELEMENTS[which as usize]);
    let functions = body.fixed(nullable(objects::FUNCS));
    let (start, len) = body.random.pick(&[(0, 3), (1, 3), (0, 5), (2, 2)]);
    body.emit_all(&[
        I::I32Const(start),
        I::I32Const(len),
        I::ArrayNewElem {
            array_type_index: objects::FUNCS,
            array_elem_index: 1,
        },
        I::LocalTee(functions),
        I::I32Const(0),
        I::I32Const(1),
        I::I32Const(len - 1),
        I::ArrayInitElem {
            array_type_index: objects::FUNCS,
            array_elem_index: 1,
        },
        I::LocalGet(functions),
        I::I32Const(len - 1),
        I::ArrayGet(objects::FUNCS),
    ]);
    body.sink(ValType::FUNCREF);
}

/// Fields of 8 and 16 bits, written with more bits than they hold and read both ways.
pub(super) fn packed(body: &mut Body<'_>) {
    let it = body.fixed(nullable(objects::PACKED));
    match body.random.chance(30) {
        true => body.emit(&I::StructNewDefault(objects::PACKED)),
        false => {
            for _ in 0..4 {
                body.expr(ValType::I32, 1);
            }
            body.expr(ValType::I64, 1);
            body.emit(&I::StructNew(objects::PACKED));
        }
    }
    body.emit(&I::LocalSet(it));
    for _ in 0..body.random.range(2, 5) {
        let field_index = body.random.pick(&[0, 1, 3, 2]);
        if body.random.chance(60) {
            body.emit(&I::LocalGet(it));
            match body.random.chance(40) {
                true => {
                    body.variable(ValType::I64);
                    body.emit(&I::I32WrapI64);
                }
                false => body.expr(ValType::I32, 1),
            }
            body.emit(&set(objects::PACKED, field_index));
        }
        body.emit(&I::LocalGet(it));
        let struct_type_index = objects::PACKED;
        let signed = body.random.chance(50);
        body.emit(&match (field_index, signed) {
            (2, _) => get(struct_type_index, field_index),
            (_, true) => I::StructGetS {
                struct_type_index,
                field_index,
            },
            (_, false) => I::StructGetU {
                struct_type_index,
                field_index,
            },
        });
        body.sink(ValType::I32);
    }
    body.emit_all(&[I::LocalGet(it), get(objects::PACKED, 4)]);
    body.mix(ValType::I64);
}

/// Mixes what a reference of any kind is: its kind, and what an i31 or a node holds.
fn any(body: &mut Body<'_>) {
    let value = body.fixed(ANYREF);
    body.emit(&I::LocalSet(value));
    body.emit_all(&[I::LocalGet(value), I::RefTestNullable(HeapType::I31)]);
    body.mix(ValType::I32);
    body.open(Opening::Block, &[], &[]);
    body.open(
        Opening::Block,
        &[],
        &[ValType::Ref(reference(objects::NODE, false))],
    );
    body.emit(&I::LocalGet(value));
    let to = reference(objects::NODE, false);
    body.emit_all(&[
        I::BrOnCast {
            relative_depth: 0,
            from_ref_type: RefType::ANYREF,
            to_ref_type: to,
        },
        I::Drop,
        I::Br(1),
    ]);
    body.end();
    body.emit(&get(objects::NODE, 1));
    body.mix(ValType::I64);
    body.end();
}

/// The types that values are tested for.
const TARGETS: &[HeapType] = &[
    HeapType::I31,
    heap::EQ,
    heap::STRUCT,
    heap::ARRAY,
    heap::NONE,
    heap::ANY,
    HeapType::Concrete(objects::NODE),
    HeapType::Concrete(objects::LEAF),
    HeapType::Concrete(objects::PACKED),
    HeapType::Concrete(objects::LONGS),
    HeapType::Concrete(objects::CHAIN + 3),
];

/// Values of many kinds behind one type, told apart by tests, casts and branches.
pub(super) fn casts(body: &mut Body<'_>) {
    let value = body.fixed(ANYREF);
    let null = body.fixed(node());
    body.emit_all(&[
        I::RefNull(HeapType::Concrete(objects::NODE)),
        I::LocalSet(null),
    ]);
    some_object(body, null);
    some_object(body, null);
    body.condition(1);
    body.emit_all(&[I::TypedSelect(ANYREF), I::LocalSet(value)]);
    for _ in 0..body.random.range(2, 4) {
        let to = body.random.pick(TARGETS);
        let is_nullable = body.random.chance(50);
        let test = match is_nullable {
            true => I::RefTestNullable(to),
            false => I::RefTestNonNull(to),
        };
        match body.random.below(4) {
            0 => {
                body.emit_all(&[I::LocalGet(value), test]);
                body.sink(ValType::I32);
            }
            1 => {
                // A cast that a test has allowed.
                body.emit_all(&[I::LocalGet(value), test]);
                body.open(Opening::If, &[], &[]);
                let cast = match is_nullable {
                    true => I::RefCastNullable(to),
                    false => I::RefCastNonNull(to),
                };
                body.emit_all(&[I::LocalGet(value), cast, I::RefIsNull]);
                body.mix(ValType::I32);
                body.end();
            }
            _ => branch_on_cast(
                body,
                value,
                RefType {
                    nullable: is_nullable,
                    heap_type: to,
                },
            ),
        }
    }
    if body.random.chance(50) {
        // Equality of what may be the same object.
        body.emit_all(&[I::LocalGet(value), I::RefTestNullable(heap::EQ)]);
        body.open(Opening::If, &[], &[]);
        body.emit_all(&[I::LocalGet(value), I::RefCastNullable(heap::EQ)]);
        body.emit_all(&[I::LocalGet(value), I::RefCastNullable(heap::EQ), I::RefEq]);
        body.mix(ValType::I32);
        body.end();
    }
    if body.random.chance(30) {
        body.emit_all(&[I::LocalGet(value), I::ExternConvertAny, I::AnyConvertExtern]);
        any(body);
    }
}

/// A branch on the success or the failure of a cast of a local with an anyref.
fn branch_on_cast(body: &mut Body<'_>, value: u32, to: RefType) {
    let fails = body.random.chance(50);
    // The value that a branch on failure takes along has the rest of the type.
    let rest = RefType {
        nullable: !to.nullable,
        heap_type: heap::ANY,
    };
    let mut taken = if fails { rest } else { to };
    // Only null is of this type.
    taken.nullable |= taken.heap_type == heap::NONE;
    body.open(Opening::Block, &[], &[ValType::Ref(taken)]);
    body.emit(&I::LocalGet(value));
    let (relative_depth, from_ref_type, to_ref_type) = (0, RefType::ANYREF, to);
    body.emit(&match fails {
        true => I::BrOnCastFail {
            relative_depth,
            from_ref_type,
            to_ref_type,
        },
        false => I::BrOnCast {
            relative_depth,
            from_ref_type,
            to_ref_type,
        },
    });
    body.emit(&I::Drop);
    let place = body.random.bits();
    body.integer(ValType::I64, place);
    body.mix(ValType::I64);
    stand_in(body, taken);
    body.end();
    body.emit(&I::RefIsNull);
    body.mix(ValType::I32);
}

/// A value of a reference type out of nothing: null, or an i31 or object.
fn stand_in(body: &mut Body<'_>, ty: RefType) {
    if ty.nullable {
        return body.emit(&I::RefNull(ty.heap_type));
    }
    match ty.heap_type {
        HeapType::Concrete(objects::LONGS) => {
            body.emit_all(&[I::I32Const(0), I::ArrayNewDefault(objects::LONGS)]);
        }
        HeapType::Concrete(index) => body.emit(&I::StructNewDefault(index)),
        heap::STRUCT => body.emit(&I::StructNewDefault(objects::PACKED)),
        heap::ARRAY => body.emit_all(&[I::I32Const(1), I::ArrayNewDefault(objects::BYTES)]),
        _ => body.emit_all(&[I::I32Const(1), I::RefI31]),
    }
}

/// Pushes an object, an i31 or null.
fn some_object(body: &mut Body<'_>, null: u32) {
    match body.random.below(8) {
        0 => body.emit(&I::RefNull(heap::ANY)),
        1 => {
            body.expr(ValType::I32, 1);
            body.emit(&I::RefI31);
        }
        2 | 3 => new_node(body, null),
        4 => body.emit(&I::StructNewDefault(objects::PACKED)),
        5 => body.emit_all(&[I::I32Const(3), I::ArrayNewDefault(objects::LONGS)]),
        6 => {
            body.expr(ValType::EXTERNREF, 1);
            body.emit(&I::AnyConvertExtern);
        }
        _ => {
            let depth = body.random.below(u64::from(objects::CHAIN_LEN)) as u32;
            body.emit(&I::StructNewDefault(objects::CHAIN + depth));
        }
    }
}

/// A deep chain of subtypes: tests and casts above, at and below the type of an object.
pub(super) fn chain(body: &mut Body<'_>) {
    let depth = |body: &mut Body<'_>| body.random.below(u64::from(objects::CHAIN_LEN)) as u32;
    let value = body.fixed(nullable(objects::CHAIN));
    let (made, other) = (depth(body), depth(body));
    body.expr(ValType::I32, 1);
    body.emit(&I::StructNew(objects::CHAIN + made));
    body.expr(ValType::I32, 1);
    body.emit(&I::StructNew(objects::CHAIN + other));
    body.condition(1);
    body.emit_all(&[I::TypedSelect(nullable(objects::CHAIN)), I::LocalSet(value)]);
    for _ in 0..body.random.range(2, 5) {
        let near = body.random.pick(&[made, made + 1, other, other + 1]);
        let tested = objects::CHAIN + near.min(objects::CHAIN_LEN - 1);
        body.emit_all(&[
            I::LocalGet(value),
            I::RefTestNonNull(HeapType::Concrete(tested)),
        ]);
        match body.random.chance(50) {
            true => body.mix(ValType::I32),
            false => {
                body.open(Opening::If, &[], &[]);
                body.emit_all(&[
                    I::LocalGet(value),
                    I::RefCastNonNull(HeapType::Concrete(tested)),
                    get(tested, 0),
                ]);
                body.mix(ValType::I32);
                body.end();
            }
        }
    }
}

/// Integers of 31 bits, made of integers with more.
pub(super) fn i31(body: &mut Body<'_>) {
    let value = body.fixed(ValType::Ref(RefType::I31REF));
    for _ in 0..body.random.range(1, 3) {
        match body.random.chance(50) {
            true => {
                body.variable(ValType::I64);
                body.emit(&I::I32WrapI64);
            }
            false => body.expr(ValType::I32, 1),
        }
        body.emit_all(&[I::RefI31, I::LocalTee(value)]);
        let signed = body.random.chance(50);
        body.emit(if signed { &I::I31GetS } else { &I::I31GetU });
        body.sink(ValType::I32);
        body.expr(ValType::I32, 1);
        body.emit_all(&[I::RefI31, I::LocalGet(value), I::RefEq]);
        body.mix(ValType::I32);
    }
    body.emit(&I::LocalGet(value));
    any(body);
}

/// Objects that are large, dropped and made again: new ones hold zeros.
pub(super) fn large(body: &mut Body<'_>) {
    let len = body.random.pick(&[500, 2000, 9000, 33_000]);
    let array = body.fixed(nullable(objects::LONGS));
    body.repeated(3, |body| {
        let left = body.fixed(ValType::I32);
        body.emit_all(&[I::I32Const(3), I::LocalSet(left)]);
        body.open(Opening::Loop, &[], &[]);
        body.emit_all(&[
            I::I64Const(-1),
            I::I32Const(len),
            I::ArrayNew(objects::LONGS),
            I::Drop,
        ]);
        body.emit_all(&[I::I32Const(len), I::ArrayNewDefault(objects::LONGS)]);
        body.emit_all(&[
            I::LocalTee(array),
            I::I32Const(len - 1),
            I::ArrayGet(objects::LONGS),
        ]);
        body.mix(ValType::I64);
        body.emit_all(&[
            I::LocalGet(array),
            I::I32Const(len / 2),
            I::ArrayGet(objects::LONGS),
        ]);
        body.mix(ValType::I64);
        body.emit_all(&[
            I::LocalGet(left),
            I::I32Const(1),
            I::I32Sub,
            I::LocalTee(left),
        ]);
        body.emit(&I::BrIf(0));
        body.end();
    });
}

/// Objects with descriptors: told apart by them, read, cast.
pub(super) fn descriptors(body: &mut Body<'_>) {
    use objects::{DESCRIBED, DESCRIPTOR};
    let descriptor = ValType::Ref(RefType {
        nullable: true,
        heap_type: HeapType::Exact(DESCRIPTOR),
    });
    let described = nullable(DESCRIBED);
    let mut made = Vec::new();
    for _ in 0..2 {
        let (own, object) = (body.fixed(descriptor), body.fixed(described));
        body.expr(ValType::I32, 1);
        body.emit_all(&[I::StructNew(DESCRIPTOR), I::LocalSet(own)]);
        let is_default = body.random.chance(30);
        if !is_default {
            body.expr(ValType::I64, 1);
        }
        body.emit(&I::LocalGet(own));
        body.emit(&match is_default {
            true => I::StructNewDefaultDesc(DESCRIBED),
            false => I::StructNewDesc(DESCRIBED),
        });
        body.emit(&I::LocalSet(object));
        made.push((own, object));
    }
    garbage(body);
    let some = body.fixed(described);
    body.emit_all(&[I::LocalGet(made[0].1), I::LocalGet(made[1].1)]);
    body.condition(1);
    body.emit_all(&[I::TypedSelect(described), I::LocalSet(some)]);
    body.emit_all(&[
        I::LocalGet(some),
        I::RefGetDesc(DESCRIBED),
        get(DESCRIPTOR, 0),
    ]);
    body.mix(ValType::I32);
    let heap_type = HeapType::Concrete(DESCRIBED);
    for (own, object) in made {
        let cast = match body.random.chance(50) {
            true => I::RefCastDescEqNonNull(heap_type),
            false => I::RefCastDescEqNullable(heap_type),
        };
        body.emit_all(&[
            I::LocalGet(object),
            I::LocalGet(own),
            cast,
            get(DESCRIBED, 0),
        ]);
        body.mix(ValType::I64);
        branch_on_descriptor(body, some, own);
    }
}

/// A branch that says if an object has a descriptor.
fn branch_on_descriptor(body: &mut Body<'_>, some: u32, own: u32) {
    let fails = body.random.chance(50);
    let (from, to) = (
        reference(objects::DESCRIBED, true),
        reference(objects::DESCRIBED, false),
    );
    let taken = ValType::Ref(if fails { from } else { to });
    let (relative_depth, from_ref_type, to_ref_type) = (0, from, to);
    body.open(Opening::Block, &[], &[]);
    body.open(Opening::Block, &[], &[taken]);
    body.emit_all(&[I::LocalGet(some), I::LocalGet(own)]);
    body.emit(&match fails {
        true => I::BrOnCastDescEqFail {
            relative_depth,
            from_ref_type,
            to_ref_type,
        },
        false => I::BrOnCastDescEq {
            relative_depth,
            from_ref_type,
            to_ref_type,
        },
    });
    body.emit_all(&[I::Drop, I::Br(1)]);
    body.end();
    body.emit(&get(objects::DESCRIBED, 0));
    body.mix(ValType::I64);
    body.end();
}
