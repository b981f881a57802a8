//! Tables (spec: "Table Instances"): reference words that code reads in place.

use crate::module::TableType;
use crate::vm::TableInst;

/// A table and its elements. `inst` is what code sees.
#[derive(Debug)]
#[repr(C)]
pub struct TableData {
    /// Elements and length, at the address that instances point to. First: code's pointers to
    /// it are pointers to the whole.
    pub inst: TableInst,
    /// Its type as declared.
    pub ty: TableType,
    words: Vec<u64>,
    elements_max: u64,
}

impl TableData {
    /// A table of its initial length filled with `init`; `None` above the limit.
    pub fn new(ty: TableType, init: u64, elements_max: u64) -> Option<Box<TableData>> {
        if ty.initial > elements_max {
            return None;
        }
        let inst = TableInst {
            elements: std::ptr::null_mut(),
            len: 0,
        };
        let mut table = Box::new(TableData {
            inst,
            ty,
            words: Vec::new(),
            elements_max,
        });
        table.resize(ty.initial as usize, init).then_some(table)
    }

    /// The length in elements.
    pub fn len(&self) -> u64 {
        self.inst.len
    }

    /// Grows by `delta` elements holding `init`: the old length, or `None` (spec: `table.grow`).
    pub fn grow(&mut self, delta: u64, init: u64) -> Option<u64> {
        let old = self.len();
        let new = old.checked_add(delta)?;
        let index_max = if self.ty.is64 {
            u64::MAX
        } else {
            u64::from(u32::MAX)
        };
        let max = self
            .ty
            .maximum
            .unwrap_or(u64::MAX)
            .min(self.elements_max)
            .min(index_max);
        (new <= max && self.resize(new as usize, init)).then_some(old)
    }

    /// The elements' words. Code writes them through `inst`, so they are read from there.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The elements' words, to write.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    fn resize(&mut self, len: usize, init: u64) -> bool {
        if self
            .words
            .try_reserve_exact(len - self.words.len())
            .is_err()
        {
            return false;
        }
        self.words.resize(len, init);
        self.inst.elements = self.words.as_mut_ptr();
        self.inst.len = len as u64;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::RefType;

    #[test]
    fn grows_within_its_limits() {
        let ty = TableType {
            element: RefType::FUNCREF,
            is64: false,
            initial: 1,
            maximum: Some(4),
        };
        let mut table = TableData::new(ty, 0, 3).expect("one element fits");
        assert_eq!(table.grow(2, 9), Some(1));
        assert_eq!(table.words(), [0, 9, 9]);
        assert_eq!(
            table.grow(1, 0),
            None,
            "the engine's limit is below the declared one"
        );
        let words = table.words_mut().as_mut_ptr();
        assert_eq!(table.inst.elements, words);
        assert!(TableData::new(TableType { initial: 4, ..ty }, 0, 3).is_none());
    }
}
