//! What stands beside a fit: other models on the same bins, and the fit on epochs that it has not seen.

use ndarray::Array1;

use super::data::Data;
use crate::glm::Scores;

/// Another model on the bins of a fit.
pub(super) struct Compared {
    /// What tables and figures call it.
    pub(super) name: String,
    /// Expected counts of every bin, one entry per target; NaN where its features are unknown.
    pub(super) expected: Vec<Array1<f64>>,
    /// Scores of each target on the bins that this model and the fit both have.
    pub(super) scores: Vec<Scores>,
    /// Scores of the fit on the same bins, to compare with.
    pub(super) scores_of_fit: Vec<Scores>,
}

/// The fit on epochs that it has not seen.
pub(super) struct HeldOut {
    /// The epochs as asked for: `Noise 2`.
    pub(super) selector: String,
    /// The responses and features of these epochs.
    pub(super) data: Data,
    /// Expected counts of every bin, one entry per target.
    pub(super) expected: Vec<Array1<f64>>,
    /// Scores of each target over its used bins.
    pub(super) scores: Vec<Scores>,
    /// The other models on these epochs, in the order of [`super::fit::Fitting::compared`].
    pub(super) compared: Vec<Compared>,
}
