//! Model files: the whole study beside the fit, so that `score` needs new data and nothing else.
//!
//! Every number reads back with the same bits ([`crate::number`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::basis::Range;
use crate::features::FeatureSpec;
use crate::glm::FittedGlm;
use crate::write::json::read_json;
use crate::{Error, Result, number};

/// Version of the layout of model files.
pub const SCHEMA: u32 = 1;

/// A model as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelFile {
    /// Layout of this file.
    pub schema: u32,
    /// Version of rheobase that wrote it.
    pub version: String,
    /// What was fitted to what.
    pub study: Study,
    /// The fit.
    pub fit: FittedGlm,
}

/// What was fitted to what.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Study {
    /// Features and spike counts of a recording.
    Recording(RecordingStudy),
    /// Arrays that were given.
    Arrays(ArraysStudy),
}

/// A file and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Where it was.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: String,
}

/// A study of a recording.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordingStudy {
    /// The recording that was fitted.
    pub input: Input,
    /// Epochs as asked for.
    pub selectors: Vec<String>,
    /// Which of the matching epochs, from 0; all of them without it.
    pub epoch: Option<usize>,
    /// Start and stop of the epochs that were used, seconds.
    #[serde(with = "number")]
    pub epochs_s: Vec<Vec<f64>>,
    /// Width of a bin, seconds.
    pub bin_s: f64,
    /// The voltage series whose spikes were detected, if there is no units table.
    pub detect_spikes: Option<String>,
    /// The features.
    pub features: Vec<StudyFeature>,
}

/// A feature of a study, with everything that was decided about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StudyFeature {
    /// As it was asked for.
    pub text: String,
    /// Its name in results.
    pub name: String,
    /// The feature; how its series became bins is decided here.
    pub spec: FeatureSpec,
    /// Ranges of the channels of an evaluated feature, by the name of the channel.
    #[serde(default)]
    pub ranges: BTreeMap<String, Range>,
}

/// A study of arrays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ArraysStudy {
    /// File of the features.
    pub input: Input,
    /// Name of the features in it, for files that hold several arrays.
    pub x: Option<String>,
    /// Name of the response in it, or the file that holds the response.
    pub y: String,
}

impl ModelFile {
    /// A model of this version.
    pub fn new(study: Study, fit: FittedGlm) -> Self {
        Self { schema: SCHEMA, version: env!("CARGO_PKG_VERSION").into(), study, fit }
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// Those of [`read_json`]; [`Error::Format`] for another schema.
    pub fn load(path: &Path) -> Result<Self> {
        let model: Self = read_json(path)?;
        if model.schema != SCHEMA {
            return Err(Error::Format {
                path: path.into(),
                expected: format!("a model file of schema {SCHEMA}"),
                found: format!("schema {} (written by rheobase {})", model.schema, model.version),
                help: "fit again, or use the version that wrote it".into(),
            });
        }
        Ok(model)
    }
}
