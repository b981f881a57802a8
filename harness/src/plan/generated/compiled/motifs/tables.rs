//! Motifs about tables and function references: elements, growth, bulk operations, tests for null.

use wasm_encoder::{HeapType, Instruction as I, RefType, ValType};

use super::super::body::{Body, Opening};

/// A table that code may write, with its number.
fn some_table(body: &mut Body<'_>) -> Option<(u32, ValType, ValType)> {
    let count = body.program.tables.len() as u64;
    if count < 2 {
        return None;
    }
    let table = 1 + body.random.below(count - 1) as u32;
    let it = body.program.tables[table as usize];
    Some((table, it.index_type(), ValType::Ref(it.element_type)))
}

/// Pushes an index below the least size of a table: its last one, or the bits of a value.
fn index(body: &mut Body<'_>, table: u32, ty: ValType) {
    let size = body.program.tables[table as usize].minimum;
    match body.random.below(4) {
        0 => body.integer(ty, size - 1),
        1 => {
            // The last element that the table has at that time.
            body.emit(&I::TableSize(table));
            body.integer(ty, 1);
            body.emit(&super::super::address::sub(ty));
        }
        2 if ty == ValType::I32 => {
            body.variable(ValType::I64);
            body.emit_all(&[
                I::I64Const(0xFFFF_FFFF_0000_0003_u64.cast_signed()),
                I::I64And,
                I::I32WrapI64,
            ]);
        }
        _ => body.masked(ty, 7),
    }
}

/// Elements written, read and tested; growth.
pub(super) fn table(body: &mut Body<'_>) {
    let Some((table, ty, element)) = some_table(body) else {
        return;
    };
    for _ in 0..body.random.range(1, 4) {
        match body.random.below(4) {
            0 => {
                index(body, table, ty);
                body.expr(element, 1);
                body.emit(&I::TableSet(table));
            }
            1 => {
                body.expr(element, 1);
                body.masked(ty, 1);
                body.emit(&I::TableGrow(table));
                body.mix(ty);
            }
            2 => {
                body.emit(&I::TableSize(table));
                body.mix(ty);
            }
            _ => {}
        }
        index(body, table, ty);
        body.emit(&I::TableGet(table));
        body.sink(element);
    }
}

/// Fills, copies and segments.
pub(super) fn bulk(body: &mut Body<'_>) {
    let Some((table, ty, element)) = some_table(body) else {
        return;
    };
    match body.random.below(4) {
        3 => body.emit_all(&[I::Nop, I::ElemDrop(3)]),
        0 => {
            index(body, table, ty);
            body.expr(element, 1);
            body.integer(ty, 1);
            body.emit(&I::TableFill(table));
        }
        1 => {
            let (to, from) = (body.random.below(4), body.random.below(4));
            body.integer(ty, to);
            body.integer(ty, from);
            body.integer(ty, 4);
            body.emit(&I::TableCopy {
                src_table: table,
                dst_table: table,
            });
        }
        _ if element == ValType::FUNCREF => {
            let (from, len) = body.random.pick(&[(0, 3), (1, 4), (0, 5), (4, 1)]);
            body.integer(ty, 1);
            body.emit_all(&[
                I::I32Const(from),
                I::I32Const(len),
                I::TableInit {
                    elem_index: 1,
                    table,
                },
            ]);
        }
        _ => {}
    }
    index(body, table, ty);
    body.emit(&I::TableGet(table));
    body.sink(element);
}

/// References that may be null, tested and used in every way that does not trap.
pub(super) fn null_tests(body: &mut Body<'_>) {
    let functions = body.program.functions.len() as u64;
    let function = body.random.below(functions) as u32;
    let func = &body.program.functions[function as usize];
    let (ty, sig, is_ready) = (func.ty, func.sig.clone(), func.is_ready);
    let nullable = ValType::Ref(RefType {
        nullable: true,
        heap_type: HeapType::Concrete(ty),
    });
    let local = body.fixed(nullable);
    body.emit_all(&[I::RefFunc(function), I::RefNull(HeapType::Concrete(ty))]);
    body.condition(1);
    body.emit_all(&[I::TypedSelect(nullable), I::LocalSet(local)]);
    match body.random.below(3) {
        0 => {
            body.emit_all(&[I::LocalGet(local), I::RefIsNull]);
            body.sink(ValType::I32);
        }
        1 => {
            let kept = body.fixed(ValType::I32);
            body.emit_all(&[I::I32Const(0), I::LocalSet(kept)]);
            body.open(Opening::Block, &[], &[]);
            body.emit_all(&[I::LocalGet(local), I::BrOnNull(0), I::Drop]);
            body.emit_all(&[I::I32Const(1), I::LocalSet(kept)]);
            body.end();
            body.emit(&I::LocalGet(kept));
            body.mix(ValType::I32);
        }
        _ if is_ready && body.may_call(function) => {
            // Called if it is not null: the reference lies on the stack above the arguments.
            let not_null = ValType::Ref(RefType {
                nullable: false,
                heap_type: HeapType::Concrete(ty),
            });
            let callee = body.fixed(nullable);
            body.open(Opening::Block, &[], &[]);
            body.open(Opening::Block, &[], &[not_null]);
            body.emit_all(&[I::LocalGet(local), I::BrOnNonNull(0), I::Br(1)]);
            body.end();
            body.emit(&I::LocalSet(callee));
            body.exprs(&sig.params, 1);
            body.emit_all(&[I::LocalGet(callee), I::RefAsNonNull, I::CallRef(ty)]);
            body.sink_all(&sig.results);
            body.end();
        }
        _ => {}
    }
}
