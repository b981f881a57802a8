//! The types of a function as far as code depends on them: code that converts between calling
//! conventions is made once for each signature.

use crate::ir::Type;
use crate::types::FuncType;

/// The types of parameters and results.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Signature {
    pub params: Box<[Type]>,
    pub results: Box<[Type]>,
}

impl Signature {
    /// The signature of a function type.
    pub fn new(ty: &FuncType) -> Signature {
        Signature {
            params: ty.params.iter().map(|&ty| ty.into()).collect(),
            results: ty.results.iter().map(|&ty| ty.into()).collect(),
        }
    }
}
