//! What a comparison asks of a kind of models: those of counts and those of classes.

use std::path::Path;

use ndarray::Array1;
use serde::Serialize;

use super::applied::{Applied, scored};
use super::args::{DataArgs, NanPolicy};
use super::data::Data;
use super::progress::Progress;
use super::undefined;
use crate::Result;
use crate::glm::Scores;
use crate::write::model::{ModelFile, Study};

/// Models of one kind, which predict the same and are scored in the same way.
pub(super) trait Comparable: Clone {
    /// The response, as far as the data do not hold it as numbers.
    type Response;
    /// What a model says about one target in every bin.
    type Prediction;
    /// How well that agrees with the response.
    type Scores: Agreement;
    /// Whether responses may count events.
    const COUNTS: bool;

    /// Reads a model file.
    ///
    /// # Errors
    /// Those of reading; [`crate::Error::Format`] for a model of another kind.
    fn load(path: &Path) -> Result<Self>;

    /// What was fitted to what.
    fn study(&self) -> &Study;

    /// Puts the model on data: whatever is not chosen is as in its study.
    ///
    /// # Errors
    /// Those of reading, and for data that are not those of the model.
    fn apply(&self, choice: &DataArgs, limit_bytes: Option<u64>, progress: &Progress)
    -> Result<OnBins<Self>>;

    /// The response of epochs of the recording that was fitted.
    ///
    /// # Errors
    /// For a response that this kind does not know.
    fn response(data: &mut Data, nan: NanPolicy) -> Result<Self::Response>;

    /// Checks that the model knows the response of a fit; `fitted` is its target for each of these.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for one that it does not know.
    fn check_rival(&self, fitted: &[usize], of: &Observed<Self>) -> Result<()>;

    /// Checks that what the fit sees prepares it for the response of held-out epochs.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] for a response that it cannot predict.
    fn check_held_out(fitted: &Observed<Self>, held_out: &Observed<Self>) -> Result<()>;

    /// What the fit of these targets says in every bin, one entry per target.
    ///
    /// # Errors
    /// None of columns that the data have.
    fn predict(&self, data: &Data) -> Result<Vec<Self::Prediction>>;

    /// Scores of a target of the model on some bins of a target of the data.
    ///
    /// # Errors
    /// For a response that the model does not know.
    fn scores(
        &self,
        fitted: usize,
        of: &Observed<Self>,
        target: usize,
        bins: &[usize],
        prediction: &Self::Prediction,
    ) -> Result<Self::Scores>;

    /// What to say about predictions that mean nothing.
    fn notices(&self, data: &Data, predictions: &[Self::Prediction]) -> Vec<String>;
}

/// Scores of some kind.
pub(super) trait Agreement: Serialize {
    /// Those that all kinds have.
    fn scores(&self) -> &Scores;

    /// The part of the bins whose class is the most probable one, of models of classes.
    fn accuracy(&self) -> Option<f64>;
}

/// Data with their response.
pub(super) struct Observed<'d, M: Comparable> {
    pub(super) data: &'d Data,
    pub(super) response: &'d M::Response,
}

/// A model on data: what it predicts of their bins, and which of these it can.
pub(super) struct OnBins<M: Comparable> {
    /// The model's target for each target of the data.
    pub(super) fitted: Vec<usize>,
    /// One entry per target of the data.
    pub(super) predictions: Vec<M::Prediction>,
    /// The bins that each target of the data can use, ascending.
    pub(super) used: Vec<Vec<usize>>,
    /// Bins of the data.
    pub(super) n_bins: usize,
}

impl<M: Comparable> OnBins<M> {
    /// That of data which were read for the model.
    pub(super) fn new(data: &Data, fitted: Vec<usize>, predictions: Vec<M::Prediction>) -> Self {
        let used = (0..data.names.len()).map(|target| data.used(target).to_vec()).collect();
        Self { fitted, predictions, used, n_bins: data.n_bins() }
    }
}

impl Agreement for Scores {
    fn scores(&self) -> &Scores {
        self
    }

    fn accuracy(&self) -> Option<f64> {
        None
    }
}

impl Comparable for ModelFile {
    type Response = ();
    /// Expected counts of every bin; NaN where features are unknown.
    type Prediction = Array1<f64>;
    type Scores = Scores;
    const COUNTS: bool = true;

    fn load(path: &Path) -> Result<Self> {
        Self::load(path)
    }

    fn study(&self) -> &Study {
        &self.study
    }

    fn apply(
        &self,
        choice: &DataArgs,
        limit_bytes: Option<u64>,
        progress: &Progress,
    ) -> Result<OnBins<Self>> {
        let Applied { data, fitted, expected, .. } =
            Applied::new(self.clone(), choice, limit_bytes, progress)?;
        Ok(OnBins::new(&data, fitted, expected))
    }

    fn response(_: &mut Data, _: NanPolicy) -> Result<()> {
        Ok(())
    }

    fn check_rival(&self, _: &[usize], _: &Observed<Self>) -> Result<()> {
        Ok(())
    }

    fn check_held_out(_: &Observed<Self>, _: &Observed<Self>) -> Result<()> {
        Ok(())
    }

    fn predict(&self, data: &Data) -> Result<Vec<Array1<f64>>> {
        data.expected(&self.fit)
    }

    fn scores(
        &self,
        fitted: usize,
        of: &Observed<Self>,
        target: usize,
        bins: &[usize],
        prediction: &Array1<f64>,
    ) -> Result<Scores> {
        scored((&self.fit, fitted), of.data, target, bins, prediction)
    }

    fn notices(&self, data: &Data, predictions: &[Array1<f64>]) -> Vec<String> {
        undefined::notices(&self.fit, data, predictions)
    }
}
