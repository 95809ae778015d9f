//! Model files of responses that are one of several classes: the whole study beside the fit.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::model::{SCHEMA, Study};
use crate::glm::FittedCategorical;
use crate::observation::{CATEGORICAL, LOG_SOFTMAX};
use crate::{Error, Result};

/// A model of classes as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CategoricalFile {
    /// Layout of this file.
    pub schema: u32,
    /// Version of rheobase that wrote it.
    pub version: String,
    /// `categorical`, which tells it from other models.
    pub observation: String,
    /// `log-softmax`.
    pub link: String,
    /// What was fitted to what.
    pub study: Study,
    /// The fit.
    pub fit: FittedCategorical,
}

/// What tells such a file from others.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    observation: String,
}

impl CategoricalFile {
    /// A model of this version.
    pub fn new(study: Study, fit: FittedCategorical) -> Self {
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").into(),
            observation: CATEGORICAL.into(),
            link: LOG_SOFTMAX.into(),
            study,
            fit,
        }
    }

    /// Whether a file is one; false for one that cannot be read, about which whoever reads it says more.
    pub fn is_one(path: &Path) -> bool {
        // recordings, which may hold a model of another kind, are large
        let (mut first, Ok(mut file)) = ([0], File::open(path)) else { return false };
        let is_text = file.read_exact(&mut first).is_ok() && first == *b"{";
        let Ok(bytes) = (if is_text { std::fs::read(path) } else { Ok(Vec::new()) }) else { return false };
        serde_json::from_slice::<Head>(&bytes).is_ok_and(|head| head.observation == CATEGORICAL)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Format`] for what is no such file, has another schema, or numbers of
    /// coefficients that do not fit its columns and classes.
    pub fn load(path: &Path) -> Result<Self> {
        let wrong = |found: String| Error::Format {
            path: path.into(),
            expected: format!("a model file of classes, of schema {SCHEMA}"),
            found,
            help: "give the model.json that `rheobase fit --observation categorical --out` wrote, whole"
                .into(),
        };
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        let file: Self =
            serde_json::from_slice(&bytes).map_err(|e| wrong(format!("something else ({e})")))?;
        if file.schema != SCHEMA {
            return Err(wrong(format!("schema {} (written by rheobase {})", file.schema, file.version)));
        }
        let n_columns = file.fit.labels.len();
        let is_whole = file.fit.targets.iter().all(|target| {
            let (n, n_classes) = (n_columns * target.classes.len(), target.classes.len());
            let lengths = [target.coef.len(), target.standard_errors.len()];
            lengths == [n, n] && target.intercept.len() == n_classes && n_classes > 1
        });
        if file.fit.targets.is_empty() || !is_whole {
            return Err(wrong("coefficients that do not fit its columns and classes: it was changed".into()));
        }
        Ok(file)
    }
}
