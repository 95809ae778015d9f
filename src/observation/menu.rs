//! The menu of observation models, which answers for the member that was chosen.

use super::{Bernoulli, Gaussian, Observe, Poisson, Recession};
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
}

impl ObservationModel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Poisson, Self::Gaussian, Self::Bernoulli];

    /// Its name in options and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Gaussian => "gaussian",
            Self::Bernoulli => "bernoulli",
        }
    }

    /// The link with which the residual is the difference of mean and response.
    pub fn canonical_link(self) -> InverseLink {
        match self {
            Self::Poisson => InverseLink::Exp,
            Self::Gaussian => InverseLink::Identity,
            Self::Bernoulli => InverseLink::Logistic,
        }
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
    fn holds<T: Real>(&self, y: T, mean: Mean<T>) -> bool {
        of!(self, own => own.holds(y, mean))
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

    fn scale(&self, loss: f64, n: usize, n_parameters: usize) -> f64 {
        of!(self, own => own.scale(loss, n, n_parameters))
    }

    fn outside(&self, y: f64) -> Option<&'static str> {
        of!(self, own => own.outside(y))
    }
}
