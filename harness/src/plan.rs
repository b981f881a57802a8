//! Sources of scripts to run: the files of a suite, and what is made of them.

use std::sync::Arc;

use crate::features::FeatureSet;
use crate::protocol::Setting;
use crate::script::Script;
use crate::suite::select::ChosenFile;
use crate::suite::{FileFeatures, Heading};

mod canonical;
pub mod draw;
pub mod generated;
pub mod shapes;

/// A script to run.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The script.
    pub script: Arc<Script>,
    /// The features that its modules may use.
    pub features: FileFeatures,
    /// The heading under which a report counts it.
    pub heading: Heading,
    /// Ordinals of directives to skip, ascending.
    pub skipped: Vec<u32>,
    /// True if no directive depends on the effects of another one, modules apart: then the state of
    /// the store says nothing, and each directive is compared by itself.
    pub is_independent: bool,
    /// The name of the source of a generated script; `None` for all others.
    pub generated: Option<&'static str>,
    /// How the script is run; `None` if it is run as the options say.
    pub setting: Option<Setting>,
}

impl Planned {
    /// A script of no suite, which is run as the options say.
    pub fn alone(script: Arc<Script>, features: FeatureSet) -> Planned {
        Planned {
            script,
            features: FileFeatures {
                set: features,
                ..FileFeatures::DEFAULT
            },
            heading: Heading::Other,
            skipped: Vec::new(),
            is_independent: false,
            generated: None,
            setting: None,
        }
    }

    /// Another script, run in the same way.
    pub fn with(&self, script: Script) -> Planned {
        Planned {
            script: Arc::new(script),
            ..self.clone()
        }
    }
}

/// The files of a suite as they are.
pub fn suite(files: &[ChosenFile]) -> Vec<Planned> {
    let planned = |file: &ChosenFile| Planned {
        script: file.script.unpack(),
        features: file.features.clone(),
        heading: file.heading,
        skipped: file.skipped.clone(),
        is_independent: false,
        generated: None,
        setting: None,
    };
    files.iter().map(planned).collect()
}
