//! [`StoredModel`]: the model file of a fit, of one kind or the other.

use crate::Result;
use crate::glm::Seconds;
use crate::write::categorical::CategoricalFile;
use crate::write::json::json_bytes;
use crate::write::model::ModelFile;

/// The model file of a fit, as a copy of its recording holds it.
#[derive(Clone, Copy, Debug)]
pub enum StoredModel<'a> {
    /// Of one mean for each neuron.
    OfMeans(&'a ModelFile),
    /// Of classes.
    OfClasses(&'a CategoricalFile),
}

impl StoredModel<'_> {
    pub(super) fn version(&self) -> &str {
        match self {
            Self::OfMeans(model) => &model.version,
            Self::OfClasses(model) => &model.version,
        }
    }

    pub(super) fn json(&self) -> Result<Vec<u8>> {
        match self {
            Self::OfMeans(model) => json_bytes(model),
            Self::OfClasses(model) => json_bytes(model),
        }
    }

    /// The same without the time that the fit took.
    pub(super) fn timeless_json(&self) -> Result<Vec<u8>> {
        match *self {
            Self::OfMeans(model) => {
                let mut model = model.clone();
                model.fit.seconds = Seconds::default();
                json_bytes(&model)
            }
            Self::OfClasses(model) => {
                let mut model = model.clone();
                model.fit.seconds = Seconds::default();
                json_bytes(&model)
            }
        }
    }
}
