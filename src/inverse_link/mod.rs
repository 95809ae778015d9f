//! Inverse links: from the linear predictor `eta` to the mean `mu`.
//!
//! A link answers for one value at a time; kernels match the menu once per call and run a loop compiled for that
//! member. To add one: a file, its `mod`, and its entry in [`InverseLink`].

mod exp;

pub use exp::Exp;

/// The mean at a linear predictor.
#[derive(Clone, Copy, Debug)]
pub struct Mean {
    /// The mean `mu`.
    pub mu: f64,
    /// `ln mu`, without the rounding of going through `mu`.
    pub log_mu: f64,
}

/// How the mean changes when the linear predictor does.
#[derive(Clone, Copy, Debug)]
pub struct MeanChange {
    /// `mu(eta + delta) - mu(eta)`, accurate relative to itself however small `delta` is.
    pub mu: f64,
    /// `ln mu(eta + delta) - ln mu(eta)`, likewise.
    pub log_mu: f64,
}

/// What an inverse link can do.
pub trait InvertLink: Copy + Send + Sync {
    /// The mean at `eta`.
    fn mean(&self, eta: f64) -> Mean;
    /// The change of the mean from `eta` to `eta + delta`; `mean` is the one at `eta`.
    fn mean_change(&self, mean: Mean, delta: f64) -> MeanChange;
    /// The linear predictor at which the mean is `mu`.
    fn link(&self, mu: f64) -> f64;
}

/// The menu of inverse links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InverseLink {
    /// `mu = exp(eta)`.
    #[default]
    Exp,
}
