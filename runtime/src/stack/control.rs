//! Handlers of branches (spec: "Control Instructions"). Heights of the operand stack are static: a
//! branch that carries values over others has the numbers of slots to keep and to drop.

use std::sync::atomic::Ordering;

use super::machine::handlers;
use crate::count::Counter;
use crate::store::sample;
use crate::trap::TrapKind;

handlers! {
    /// The start of a segment (`meter.rs`): `{ its cost }`.
    fn fuel(m) {
        let (cx, cost) = (m.cx(), m.take());
        match (*cx).fuel.checked_sub(cost) {
            Some(left) => {
                (*cx).fuel = left;
                m.next()
            }
            None => m.trap(TrapKind::OutOfFuel),
        }
    }

    /// A function's entry or a loop's head, where the engine is interruptible.
    fn poll(m) {
        if (*(*m.cx()).interrupt).load(Ordering::Relaxed) != 0 {
            return polled(m.ip, m.sp, m.base, m.len, m.vm, m.acc);
        }
        m.next()
    }

    /// Gives a sample, or traps if the store is to be interrupted.
    #[cold]
    #[inline(never)]
    fn polled(m) {
        if sample::polled_interpreted(m.cx(), m.ip as usize) {
            m.next()
        } else {
            m.trap(TrapKind::Interrupted)
        }
    }

    /// The start of a function that is counted: `{ counter, function }`.
    fn count_entry(m) {
        let (counter, function) = (m.take() as *const Counter, m.take() as u32);
        (*counter).enter(function, (*m.cx()).frame_top as usize);
        m.next()
    }

    /// Before an instruction that is counted: `{ counter, site }`.
    fn count(m) {
        let (counter, site) = (m.take() as *const Counter, m.take() as u32);
        (*counter).step(site, (*m.cx()).frame_top as usize);
        m.next()
    }

    /// `unreachable`
    fn unreachable(m) {
        m.trap(TrapKind::Unreachable)
    }

    /// `br` where nothing is dropped: `{ target }`.
    fn br(m) {
        m.jump();
        m.next()
    }

    /// `br` that carries nothing: `{ dropped slots, target }`.
    fn br_keep_0(m) {
        let dropped = m.take() as usize;
        m.drop_slots(dropped);
        m.jump();
        m.next()
    }

    /// `br` that carries one slot: `{ dropped slots, target }`.
    fn br_keep_1(m) {
        let dropped = m.take() as usize;
        m.sp = m.sp.sub(dropped);
        m.jump();
        m.next()
    }

    /// `br` that carries several slots: `{ dropped slots, kept slots, target }`.
    fn br_keep_n(m) {
        let (dropped, kept) = (m.take() as usize, m.take() as usize);
        let from = m.sp.sub(kept - 1);
        std::ptr::copy(from, from.sub(dropped), kept - 1);
        m.sp = m.sp.sub(dropped);
        m.jump();
        m.next()
    }

    /// `br_if` where nothing is dropped: `{ target }`.
    fn br_if(m) {
        let condition = m.pop() as u32;
        m.branch(condition != 0)
    }

    /// `if`, and the opposite of `br_if`: `{ target }`.
    fn br_unless(m) {
        let condition = m.pop() as u32;
        m.branch(condition == 0)
    }

    /// `br_table`: `{ number of labels without the default, targets }`.
    fn br_table(m) {
        let default = m.take();
        let index = m.pop();
        m.ip = m.ip.add(index.min(default) as usize);
        m.jump();
        m.next()
    }

    /// `br_on_null` where nothing is dropped: `{ target }`.
    fn br_on_null(m) {
        let is_null = m.acc == 0;
        if is_null {
            m.pop();
        }
        m.branch(is_null)
    }

    /// `br_on_non_null` where nothing is dropped: `{ target }`.
    fn br_on_non_null(m) {
        let is_null = m.acc == 0;
        if is_null {
            m.pop();
        }
        m.branch(!is_null)
    }
}
