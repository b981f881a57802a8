//! The functions, by what they are about. Each checks its descriptors and rights, then the places
//! of its results in the guest's memory, and then acts.

#![allow(
    clippy::too_many_arguments,
    reason = "the functions have the parameters of preview 1"
)]

pub(crate) mod clock;
pub(crate) mod directory;
pub(crate) mod file;
pub(crate) mod path;
pub(crate) mod poll;
pub(crate) mod process;
pub(crate) mod socket;
pub(crate) mod transfer;
