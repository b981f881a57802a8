//! The reason why an engine cannot run here.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The reason why an engine cannot run here, with the error behind it, if there is one.
#[derive(Clone, Debug)]
pub struct Unavailable {
    reason: String,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Unavailable {
    /// A reason by itself.
    pub fn new(reason: impl Into<String>) -> Unavailable {
        Unavailable {
            reason: reason.into(),
            source: None,
        }
    }

    /// A reason that an error is behind; the message shows both.
    pub fn because(reason: &str, error: impl Error + Send + Sync + 'static) -> Unavailable {
        Unavailable {
            reason: format!("{reason}: {error}"),
            source: Some(Arc::new(error)),
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Error for Unavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Reasons are equal if they read alike.
impl PartialEq for Unavailable {
    fn eq(&self, other: &Unavailable) -> bool {
        self.reason == other.reason
    }
}

impl Eq for Unavailable {}
