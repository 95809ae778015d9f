//! The menu of inverse links, which answers for the member that was chosen.

use super::{Exp, Identity, InvertLink, Logistic, Mean, MeanChange, OneOverX, Probit, Softplus};
use crate::math::elementary::Elementary;
use crate::math::real::Real;

/// The menu of inverse links. Kernels match it once per call; where single bins are looked at it is a link itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InverseLink {
    /// `mu = exp(eta)`.
    #[default]
    Exp,
    /// `mu = ln(1 + exp(eta))`.
    Softplus,
    /// `mu = eta`.
    Identity,
    /// `mu = 1 / (1 + exp(-eta))`.
    Logistic,
    /// `mu = Phi(eta)`, the distribution function of the normal distribution.
    Probit,
    /// `mu = 1 / eta`.
    OneOverX,
}

impl InverseLink {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Exp, Self::Softplus, Self::Identity, Self::Logistic, Self::Probit, Self::OneOverX];

    /// Its name in options and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exp => "exp",
            Self::Softplus => "softplus",
            Self::Identity => "identity",
            Self::Logistic => "logistic",
            Self::Probit => "probit",
            Self::OneOverX => "one-over-x",
        }
    }
}

impl InvertLink for InverseLink {
    #[inline(always)]
    fn mean<T: Real>(&self, eta: T, functions: impl Elementary<T>) -> Mean<T> {
        match self {
            Self::Exp => Exp.mean(eta, functions),
            Self::Softplus => Softplus.mean(eta, functions),
            Self::Identity => Identity.mean(eta, functions),
            Self::Logistic => Logistic.mean(eta, functions),
            Self::Probit => Probit.mean(eta, functions),
            Self::OneOverX => OneOverX.mean(eta, functions),
        }
    }

    #[inline(always)]
    fn mean_change<T: Real>(
        &self,
        eta: T,
        mean: Mean<T>,
        delta: T,
        functions: impl Elementary<T>,
    ) -> MeanChange<T> {
        match self {
            Self::Exp => Exp.mean_change(eta, mean, delta, functions),
            Self::Softplus => Softplus.mean_change(eta, mean, delta, functions),
            Self::Identity => Identity.mean_change(eta, mean, delta, functions),
            Self::Logistic => Logistic.mean_change(eta, mean, delta, functions),
            Self::Probit => Probit.mean_change(eta, mean, delta, functions),
            Self::OneOverX => OneOverX.mean_change(eta, mean, delta, functions),
        }
    }

    fn link(&self, mu: f64) -> f64 {
        match self {
            Self::Exp => Exp.link(mu),
            Self::Softplus => Softplus.link(mu),
            Self::Identity => Identity.link(mu),
            Self::Logistic => Logistic.link(mu),
            Self::Probit => Probit.link(mu),
            Self::OneOverX => OneOverX.link(mu),
        }
    }
}
