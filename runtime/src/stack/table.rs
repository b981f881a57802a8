//! Handlers of tables and references (spec: "Table Instructions", "Reference Instructions").
//! Indices of tables with 32-bit and with 64-bit addresses are the same slots: zero-extended.

use super::machine::{handlers, or_trap};
use crate::helpers;
use crate::trap::{TrapKind, non_null};

handlers! {
    /// `table.get`: `{ table index }`.
    fn table_get(m) {
        let table = &**(*m.vm).tables.add(m.take() as usize);
        if m.acc >= table.len {
            return m.trap(TrapKind::TableOutOfBounds);
        }
        m.acc = *table.elements.add(m.acc as usize);
        m.next()
    }

    /// `table.set`: `{ table index }`.
    fn table_set(m) {
        let table = &**(*m.vm).tables.add(m.take() as usize);
        let index = *m.sp.sub(1);
        if index >= table.len {
            return m.trap(TrapKind::TableOutOfBounds);
        }
        *table.elements.add(index as usize) = m.acc;
        m.drop_slots(2);
        m.next()
    }

    /// `table.size`: `{ table index }`.
    fn table_size(m) {
        let table = &**(*m.vm).tables.add(m.take() as usize);
        let len = table.len;
        m.push(len);
        m.next()
    }

    /// `table.grow`: `{ table index, greatest address }`.
    fn table_grow(m) {
        let delta = m.pop();
        let (table, address_max) = (m.take() as u32, m.take());
        m.acc = helpers::table_grow(m.vm, table, m.acc, delta) & address_max;
        m.next()
    }

    /// `table.fill`: `{ table index }`.
    fn table_fill(m) {
        let (len, value, at) = (m.pop(), m.pop(), m.pop());
        let exit = helpers::table_fill(m.vm, m.take() as u32, at, value, len);
        m.next_unless(exit)
    }

    /// `table.copy`: `{ destination table index, source table index }`.
    fn table_copy(m) {
        let (len, from, to) = (m.pop(), m.pop(), m.pop());
        let (dst, src) = (m.take() as u32, m.take() as u32);
        let exit = helpers::table_copy(m.vm, dst, src, to, from, len);
        m.next_unless(exit)
    }

    /// `table.init`: `{ element segment index, table index }`.
    fn table_init(m) {
        let (len, from, to) = (m.pop(), m.pop(), m.pop());
        let (segment, table) = (m.take() as u32, m.take() as u32);
        let exit = helpers::table_init(m.vm, table, segment, to, from, len);
        m.next_unless(exit)
    }

    /// `elem.drop`: `{ element segment index }`.
    fn elem_drop(m) {
        helpers::elem_drop(m.vm, m.take() as u32);
        m.next()
    }

    /// `ref.is_null`
    fn ref_is_null(m) {
        m.acc = u64::from(m.acc == 0);
        m.next()
    }

    /// `ref.eq`: references are the same if their words are.
    fn ref_eq(m) {
        m.sp = m.sp.sub(1);
        m.acc = u64::from(m.acc == *m.sp);
        m.next()
    }

    /// `ref.func`: `{ function index }`.
    fn ref_func(m) {
        let func = *(*m.vm).funcs.add(m.take() as usize);
        m.push(func as u64);
        m.next()
    }

    /// `ref.as_non_null`
    fn ref_as_non_null(m) {
        or_trap!(m, non_null(m.acc, TrapKind::NullReference));
        m.next()
    }
}
