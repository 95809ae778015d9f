//! The menu of observation models, which answers for the member that was chosen.

use super::{Bernoulli, Gamma, Gaussian, NegativeBinomial, Observe, Poisson, Recession};
use crate::inverse_link::{InverseLink, Mean, MeanChange};
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// The menu of observation models. Kernels match it once per call; where single bins are scored it is a model itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObservationModel {
    /// Counts whose variance is their mean.
    #[default]
    Poisson,
    /// Numbers of any kind, with the same variance everywhere.
    Gaussian,
    /// An event or none, 1 or 0.
    Bernoulli,
    /// Numbers above 0 that vary in proportion to their mean.
    Gamma,
    /// Counts that vary more than their mean.
    NegativeBinomial(NegativeBinomial),
}

impl ObservationModel {
    /// All of them, of a dispersion 1.
    pub const ALL: [Self; 5] = [
        Self::Poisson,
        Self::Gaussian,
        Self::Bernoulli,
        Self::Gamma,
        Self::NegativeBinomial(NegativeBinomial::UNIT),
    ];

    /// Its name in options and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Gaussian => "gaussian",
            Self::Bernoulli => "bernoulli",
            Self::Gamma => "gamma",
            Self::NegativeBinomial(_) => "negative-binomial",
        }
    }

    /// The link of a model that names none: of the usual ones that with which the residual is the difference of mean and
    /// response, if there is one.
    pub fn default_link(self) -> InverseLink {
        match self {
            Self::Poisson | Self::NegativeBinomial(_) => InverseLink::Exp,
            Self::Gaussian => InverseLink::Identity,
            Self::Bernoulli => InverseLink::Logistic,
            Self::Gamma => InverseLink::OneOverX,
        }
    }

    /// Whether responses are counts.
    pub fn is_of_counts(self) -> bool {
        matches!(self, Self::Poisson | Self::NegativeBinomial(_))
    }

    /// Whether responses are events, or none: of other models an event has no meaning.
    pub fn has_events(self) -> bool {
        self.is_of_counts() || self == Self::Bernoulli
    }
}

/// What the chosen member says.
macro_rules! of {
    ($menu:expr, $own:ident => $answer:expr) => {
        match $menu {
            ObservationModel::Poisson => {
                let $own = &Poisson;
                $answer
            }
            ObservationModel::Gaussian => {
                let $own = &Gaussian;
                $answer
            }
            ObservationModel::Bernoulli => {
                let $own = &Bernoulli;
                $answer
            }
            ObservationModel::Gamma => {
                let $own = &Gamma;
                $answer
            }
            ObservationModel::NegativeBinomial($own) => $answer,
        }
    };
}

impl Observe for ObservationModel {
    #[inline(always)]
    fn loss<T: Real>(&self, y: T, mean: Mean<T>, functions: impl Elementary<T>) -> T {
        of!(self, own => own.loss(y, mean, functions))
    }

    #[inline(always)]
    fn loss_change<T: Real>(
        &self,
        y: T,
        mean: Mean<T>,
        change: MeanChange<T>,
        functions: impl Elementary<T>,
    ) -> T {
        of!(self, own => own.loss_change(y, mean, change, functions))
    }

    #[inline(always)]
    fn residual<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        of!(self, own => own.residual(y, mean))
    }

    #[inline(always)]
    fn magnitude<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        of!(self, own => own.magnitude(y, mean))
    }

    #[inline(always)]
    fn variance<T: Real>(&self, mean: Mean<T>) -> T {
        of!(self, own => own.variance(mean))
    }

    #[inline(always)]
    fn steepness<T: Real>(&self, mean: Mean<T>) -> T {
        of!(self, own => own.steepness(mean))
    }

    #[inline(always)]
    fn residual_along<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        of!(self, own => own.residual_along(y, mean))
    }

    #[inline(always)]
    fn magnitude_along<T: Real>(&self, y: T, mean: Mean<T>) -> T {
        of!(self, own => own.magnitude_along(y, mean))
    }

    #[inline(always)]
    fn curvature_along<T: Real>(&self, mean: Mean<T>) -> T {
        of!(self, own => own.curvature_along(mean))
    }

    fn factor(&self) -> f64 {
        of!(self, own => own.factor())
    }

    fn recession(&self) -> Recession {
        of!(self, own => own.recession())
    }

    fn log_likelihood(&self, y: f64, mu: f64, scale: f64) -> f64 {
        of!(self, own => own.log_likelihood(y, mu, scale))
    }

    fn free_of_mean(&self, y: f64, scale: f64) -> f64 {
        of!(self, own => own.free_of_mean(y, scale))
    }

    fn deviance(&self, y: f64, mu: f64) -> f64 {
        of!(self, own => own.deviance(y, mu))
    }

    fn scale_term(&self, y: f64, mu: f64) -> Option<f64> {
        of!(self, own => own.scale_term(y, mu))
    }

    fn dispersion(&self) -> Option<f64> {
        of!(self, own => own.dispersion())
    }

    fn outside(&self, y: f64) -> Option<&'static str> {
        of!(self, own => own.outside(y))
    }
}
