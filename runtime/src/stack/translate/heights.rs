//! The operand stack at translation: its height in slots, and the places of v128 values.

use crate::types::ValType;

/// Heights of the operand stack of one function.
#[derive(Default)]
pub(super) struct Heights {
    height: u32,
    max: u32,
    /// The heights just above each v128 on the stack, ascending.
    wides: Vec<u32>,
}

impl Heights {
    pub(super) fn clear(&mut self) {
        self.height = 0;
        self.max = 0;
        self.wides.clear();
    }

    pub(super) fn height(&self) -> u32 {
        self.height
    }

    /// The greatest height that there was.
    pub(super) fn max(&self) -> u32 {
        self.max
    }

    /// Pushes slots of values that take one each.
    #[inline(always)]
    pub(super) fn push(&mut self, slots: u32) {
        self.height += slots;
        self.max = self.max.max(self.height);
    }

    /// Pushes one value.
    pub(super) fn push_value(&mut self, is_wide: bool) {
        if is_wide {
            self.push(2);
            self.wides.push(self.height);
        } else {
            self.push(1);
        }
    }

    /// Pushes a value of each type.
    pub(super) fn push_types(&mut self, types: &[ValType]) {
        for &ty in types {
            self.push_value(ty == ValType::V128);
        }
    }

    /// Pops slots of whole values.
    #[inline(always)]
    pub(super) fn pop(&mut self, slots: u32) {
        self.truncate(self.height - slots);
    }

    /// Drops the slots above a height.
    #[inline(always)]
    pub(super) fn truncate(&mut self, height: u32) {
        self.height = height;
        while self.wides.last().is_some_and(|&top| top > height) {
            self.wides.pop();
        }
    }

    /// True if the value on top is a v128.
    pub(super) fn is_wide(&self) -> bool {
        self.wides.last() == Some(&self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_where_wide_values_are() {
        let mut stack = Heights::default();
        stack.push_value(true);
        stack.push(1);
        assert!(!stack.is_wide());
        stack.pop(1);
        assert!(stack.is_wide());
        stack.pop(2);
        stack.push(2);
        assert!(!stack.is_wide(), "what was popped is forgotten");
        assert_eq!((stack.height(), stack.max()), (2, 3));
    }
}
