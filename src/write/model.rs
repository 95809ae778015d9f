//! Model files: the whole study beside the fit, so that `score` needs new data and nothing else.
//!
//! Every number reads back with the same bits ([`crate::number`]).

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::design::FeatureColumns;
use crate::error::shortened;
use crate::features::StudyFeature;
use crate::glm::{Apart, FittedGlm};
use crate::observation::CATEGORICAL;
use crate::read::nemos::read_nemos;
use crate::read::regular;
use crate::regularizer::Regularizer;
use crate::write::json::MOST_BYTES;
use crate::write::nemos::fit_of_nemos;
use crate::write::nwb::model_text;
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
    /// Nothing that is known: a model that `NeMoS` fitted, whose columns and targets have no names of their own.
    Nemos,
}

impl Study {
    /// Where weights and offset came from, if that is known.
    pub fn row_terms(&self) -> RowTermNames {
        match self {
            Self::Recording(study) => study.row_terms.clone(),
            Self::Arrays(study) => study.row_terms.clone(),
            Self::Nemos => RowTermNames::default(),
        }
    }
}

/// A file and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Where it was.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: String,
}

/// Where weights and offset of the bins came from, as asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowTermNames {
    /// What bins count for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Parts of their linear predictors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,
    /// Files that response, weights and offset have for themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Input>,
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
    /// Weights and offset.
    #[serde(flatten)]
    pub row_terms: RowTermNames,
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
    /// Weights and offset.
    #[serde(flatten)]
    pub row_terms: RowTermNames,
}

/// First bytes of an HDF5 file.
pub(super) const HDF5_SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// First bytes of an npz file, which is a zip archive.
pub(super) const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";

const HELP_MODEL: &str = "give the model.json that `rheobase fit --out` wrote, whole";

/// What tells a model file from others.
#[derive(Deserialize)]
pub(super) struct Head {
    schema: Option<u32>,
    #[serde(default)]
    version: String,
    pub(super) study: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) observation: Option<String>,
}

/// Why a file is no model.
pub(super) fn wrong(path: &Path, expected: &str, found: String, help: &str) -> Error {
    Error::Format {
        path: path.into(),
        expected: shortened(expected),
        found: shortened(found),
        help: help.into(),
    }
}

/// JSON that cannot be read as a model.
pub(super) fn unreadable(path: &Path, error: &serde_json::Error) -> Error {
    let found = if error.is_eof() { "one that ends too early" } else { "something else" };
    wrong(path, "a model file", format!("{found} ({})", shortened(error.to_string())), HELP_MODEL)
}

impl Head {
    /// That of a model of any kind, of this schema.
    pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Self> {
        let head: Self = serde_json::from_slice(bytes).map_err(|error| unreadable(path, &error))?;
        match head.schema {
            Some(SCHEMA) => Ok(head),
            None => Err(wrong(path, "a model file", "JSON without a schema".into(), HELP_MODEL)),
            Some(schema) => {
                let found = format!("schema {schema} (written by rheobase {})", head.version);
                let expected = format!("a model file of schema {SCHEMA}");
                Err(wrong(path, &expected, found, "fit again, or use the version that wrote it"))
            }
        }
    }
}

/// What features and penalties of a model, and those that targets have for themselves, have that none of a fit of `n_columns`
/// columns can have: what is expected, and what is found. Whoever reads a model indexes columns by them.
pub(super) fn unfit<'a>(
    n_columns: usize,
    features: &[FeatureColumns],
    regularizer: &Regularizer,
    of_targets: impl Iterator<Item = (&'a String, &'a Apart)>,
) -> Option<(String, String)> {
    let is_outside = |feature: &&FeatureColumns| {
        let [first, end] = feature.columns;
        first > end || end > n_columns
    };
    if let Some(feature) = features.iter().find(is_outside) {
        let expected = format!("columns of {} within the {n_columns} labels", feature.name);
        return Some((expected, format!("columns {:?}", feature.columns)));
    }
    let features: Vec<[usize; 2]> = features.iter().map(|feature| feature.columns).collect();
    let wrong = |whose: String, regularizer: &Regularizer| {
        // the second counts on the columns that the first has looked at
        let checked = regularizer.check_columns(n_columns, &features).and_then(|()| regularizer.check());
        let error = checked.err()?;
        Some((
            format!("a penalty{whose} on {n_columns} columns"),
            format!("{} ({error})", regularizer.name()),
        ))
    };
    let of_all = wrong(String::new(), regularizer);
    of_all.or_else(|| {
        let mut of_targets = of_targets;
        of_targets.find_map(|(name, apart)| wrong(format!(" of {name}"), &apart.regularizer))
    })
}

impl ModelFile {
    /// A model of this version.
    pub fn new(study: Study, fit: FittedGlm) -> Self {
        Self { schema: SCHEMA, version: env!("CARGO_PKG_VERSION").into(), study, fit }
    }

    /// Reads a model file, the model in a copy of a recording ([`crate::write::nwb::write_copy`]), or a model of `NeMoS`
    /// ([`crate::read::nemos`]).
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Format`] for what is no model file, is cut short, has another
    /// schema, or numbers of coefficients, features or a penalty that do not fit its columns, and for HDF5 and npz files that hold no model;
    /// [`Error::Object`] for an entry of a model of `NeMoS`.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = model_bytes(path)?;
        if bytes.starts_with(ZIP_SIGNATURE) {
            let fit = fit_of_nemos(path, &read_nemos(path)?)?;
            return Ok(Self::new(Study::Nemos, fit));
        }
        let wrong = |expected: &str, found: String, help: &str| wrong(path, expected, found, help);
        let head = Head::read(path, &bytes)?;
        if head.observation.as_deref() == Some(CATEGORICAL) && head.study.is_some() {
            let found = "one of classes (categorical)".into();
            let help = "use it with `rheobase predict` and `rheobase score`, or give a model of another kind";
            return Err(wrong("a model of one mean", found, help));
        }
        if head.study.is_none() {
            return Err(wrong("a model file", "another result, without a study".into(), HELP_MODEL));
        }
        let model: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(path, &error))?;
        let n_columns = model.fit.labels.len();
        let fits = |values: &Vec<f64>| values.len() == n_columns;
        let changed = |expected: String, found: String| {
            Err(wrong(&expected, found, "fit again: this file was changed after it was written"))
        };
        if model.fit.targets.is_empty() {
            return changed("a model of at least one target".into(), "none".into());
        }
        let of_targets = model.fit.targets.iter().filter_map(|own| Some((&own.name, own.apart.as_ref()?)));
        if let Some((expected, found)) =
            unfit(n_columns, &model.fit.features, &model.fit.regularizer, of_targets)
        {
            return changed(expected, found);
        }
        match model.fit.targets.iter().find(|target| !(fits(&target.coef) && fits(&target.standard_errors))) {
            None => Ok(model),
            Some(target) => changed(
                format!("{n_columns} coefficients and standard errors of {}", target.name),
                format!("{} and {}", target.coef.len(), target.standard_errors.len()),
            ),
        }
    }
}

/// The first bytes of a file, which tell what it is; `help` is for a folder.
pub(super) fn first_bytes(path: &Path, help: &str) -> Result<Vec<u8>> {
    let file = regular::open(path, "a model file", help)?;
    let mut bytes = Vec::new();
    file.take(HDF5_SIGNATURE.len() as u64).read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
    Ok(bytes)
}

/// The bytes of a model file, also of one that stands in a copy of a recording; of an npz file the first ones.
pub(super) fn model_bytes(path: &Path) -> Result<Vec<u8>> {
    let inside = path.join("model.json");
    let of_folder = if inside.is_file() {
        format!("give the file in it: {}", inside.display())
    } else {
        HELP_MODEL.into()
    };
    let first = first_bytes(path, &of_folder)?;
    if first.starts_with(ZIP_SIGNATURE) {
        return Ok(first);
    }
    if first != HDF5_SIGNATURE {
        return regular::bytes(path, "a model file", &of_folder, MOST_BYTES);
    }
    match model_text(path)? {
        Some(text) => Ok(text.into_bytes()),
        None => Err(Error::Format {
            path: path.into(),
            expected: "a model file".into(),
            found: "HDF5 without a fit of this program".into(),
            help: "give the model.json that `rheobase fit --out` wrote, or the copy that --write-nwb wrote"
                .into(),
        }),
    }
}
