//! Handlers of constants, locals, globals, `drop` and `select` (spec: "Parametric Instructions",
//! "Variable Instructions"). The `wide` ones are for v128, which takes two slots.

use super::machine::handlers;

handlers! {
    /// A constant: `{ slot }`.
    fn const_(m) {
        let slot = m.take();
        m.push(slot);
        m.next()
    }

    /// A v128 constant: `{ low slot, high slot }`.
    fn const_wide(m) {
        let (low, high) = (m.take(), m.take());
        m.push(low);
        m.push(high);
        m.next()
    }

    /// `local.get`: `{ distance of the local }`.
    fn local_get(m) {
        let slot = *m.take_local();
        m.push(slot);
        m.next()
    }

    /// `local.set`: `{ distance of the local }`.
    fn local_set(m) {
        *m.take_local() = m.acc;
        m.pop();
        m.next()
    }

    /// `local.tee`: `{ distance of the local }`.
    fn local_tee(m) {
        *m.take_local() = m.acc;
        m.next()
    }

    /// `local.get` of v128: `{ distance of the local }`.
    fn local_get_wide(m) {
        let low = m.take_local();
        let (low, high) = (*low, *low.add(1));
        m.push(low);
        m.push(high);
        m.next()
    }

    /// `local.set` of v128: `{ distance of the local }`.
    fn local_set_wide(m) {
        let low = m.take_local();
        *low = *m.sp.sub(1);
        *low.add(1) = m.acc;
        m.drop_slots(2);
        m.next()
    }

    /// `local.tee` of v128: `{ distance of the local }`.
    fn local_tee_wide(m) {
        let low = m.take_local();
        *low = *m.sp.sub(1);
        *low.add(1) = m.acc;
        m.next()
    }

    /// `global.get`: `{ global index }`.
    fn global_get(m) {
        let global = *(*m.vm).globals.add(m.take() as usize);
        m.push((*global).slots[0]);
        m.next()
    }

    /// `global.set`: `{ global index }`.
    fn global_set(m) {
        let global = *(*m.vm).globals.add(m.take() as usize);
        (*global).slots[0] = m.pop();
        m.next()
    }

    /// `global.get` of v128: `{ global index }`.
    fn global_get_wide(m) {
        let global = *(*m.vm).globals.add(m.take() as usize);
        let [low, high] = (*global).slots;
        m.push(low);
        m.push(high);
        m.next()
    }

    /// `global.set` of v128: `{ global index }`.
    fn global_set_wide(m) {
        let global = *(*m.vm).globals.add(m.take() as usize);
        let high = m.pop();
        (*global).slots = [m.pop(), high];
        m.next()
    }

    /// `drop`
    fn drop(m) {
        m.pop();
        m.next()
    }

    /// `drop` of v128.
    fn drop_wide(m) {
        m.drop_slots(2);
        m.next()
    }

    /// `select`
    fn select(m) {
        let (a, b) = (*m.sp.sub(2), *m.sp.sub(1));
        m.sp = m.sp.sub(2);
        m.acc = if m.acc as u32 != 0 { a } else { b };
        m.next()
    }

    /// `select` of v128.
    fn select_wide(m) {
        let is_first = m.pop() as u32 != 0;
        let second_high = m.pop();
        let second_low = m.pop();
        if !is_first {
            m.drop_slots(2);
            m.push(second_low);
            m.push(second_high);
        }
        m.next()
    }
}
