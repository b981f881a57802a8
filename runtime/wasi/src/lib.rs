//! WASI preview 1 for any WebAssembly engine: every function of `wasi_snapshot_preview1`, with
//! rights, and with files below preopened directories only.
//!
//! The crate knows no engine. An engine lends the memory of a program as [`GuestMemory`], passes
//! the arguments of a call to a row of [`FUNCTIONS`], and gives the program the [`Errno`] that
//! comes back; an [`Ending`] ends the program. [`link`] does that for Wassay's own runtime.
//!
//! Paths are resolved by `cap-std`, which keeps them below the directory that they are relative
//! to, whatever links there are. No function allocates memory by a number that the program gives.
//!
//! ```
//! use wassay_wasi::{Errno, FUNCTIONS, Options};
//!
//! let mut options = Options::new();
//! options.seed(7);
//! let mut wasi = options.build()?;
//! let mut memory = [0; 16];
//! let random_get = FUNCTIONS.iter().find(|it| it.name == "random_get").unwrap();
//! let errno = random_get.call(&mut wasi, &mut &mut memory[..], &[4, 8]);
//! assert_eq!(errno, Ok(Errno::Success));
//! assert_ne!(memory[4..12], [0; 8]);
//! # Ok::<(), wassay_wasi::OptionError>(())
//! ```

#![forbid(unsafe_code)]
#![deny(
    missing_docs,
    rustdoc::broken_intra_doc_links,
    rustdoc::private_intra_doc_links
)]

pub mod abi;
mod calls;
mod clock;
mod context;
mod descriptor;
mod error;
mod guest;
#[cfg(feature = "runtime")]
pub mod link;
mod steady;
mod table;

pub use abi::{Errno, Signal};
pub use context::{OptionError, Options, Wasi};
pub use descriptor::Captured;
pub use error::Ending;
pub use guest::GuestMemory;
pub use table::{CoreType, FUNCTIONS, Function, MODULE};
