use serde::{Deserialize, Serialize};

use super::{Bernoulli, Gamma, Gaussian, NegativeBinomial, ObservationModel, Observe, Pair, Poisson};
use crate::inverse_link::{Exp, Identity, InverseLink, InvertLink, Logistic, OneOverX, Probit, Softplus};
use crate::math::elementary::Standard;
use crate::{Error, Result};

/// Observation model and inverse link of a fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Model {
    /// How a response scatters around its mean.
    pub observation: ObservationModel,
    /// From the linear predictor to the mean.
    pub inverse_link: InverseLink,
}

/// Work for one pair, which [`Model::with`] chooses.
pub trait WithPair {
    /// What it returns.
    type Output;
    /// Does it, compiled for this pair.
    fn run<O: Observe, L: InvertLink, const CANONICAL: bool>(
        self,
        pair: Pair<O, L, CANONICAL>,
    ) -> Self::Output;
}

impl From<ObservationModel> for Model {
    /// With its default link.
    fn from(observation: ObservationModel) -> Self {
        Self { observation, inverse_link: observation.default_link() }
    }
}

impl Model {
    /// The links that fit an observation model, the default one first.
    pub fn links_of(observation: ObservationModel) -> &'static [InverseLink] {
        match observation {
            ObservationModel::Poisson | ObservationModel::NegativeBinomial(_) => {
                &[InverseLink::Exp, InverseLink::Softplus]
            }
            ObservationModel::Gaussian => &[InverseLink::Identity],
            ObservationModel::Bernoulli => &[InverseLink::Logistic, InverseLink::Probit],
            ObservationModel::Gamma => &[InverseLink::OneOverX, InverseLink::Exp, InverseLink::Softplus],
        }
    }

    /// Checks that the link gives means that the observation model can have.
    ///
    /// # Errors
    /// [`Error::Argument`] with the links that do.
    pub fn check(self) -> Result<Self> {
        let links = Self::links_of(self.observation);
        if links.contains(&self.inverse_link) {
            return Ok(self);
        }
        let names = |links: &[InverseLink]| {
            let names: Vec<&str> = links.iter().map(|link| link.name()).collect();
            names.join(" or ")
        };
        let fitting = |&observation: &ObservationModel| {
            format!("{} goes with {}", observation.name(), names(Self::links_of(observation)))
        };
        let all: Vec<String> = ObservationModel::ALL.iter().map(fitting).collect();
        Err(Error::argument(
            "link",
            format!("{} for {} responses", names(links), self.observation.name()),
            self.inverse_link.name(),
            format!("leave the link out, or choose a pair that fits: {}", all.join(", ")),
        ))
    }

    /// Whether the slope of the link is the variance, so that `d loss / d eta` is a multiple of `mu - y`.
    pub fn is_canonical(self) -> bool {
        let canonical = match self.observation {
            ObservationModel::Poisson => InverseLink::Exp,
            ObservationModel::Gaussian => InverseLink::Identity,
            ObservationModel::Bernoulli => InverseLink::Logistic,
            // that of Gamma has the other sign
            ObservationModel::Gamma | ObservationModel::NegativeBinomial(_) => return false,
        };
        self.inverse_link == canonical
    }

    /// Does work that is compiled for each pair that fits; one that does not is looked up bin by bin.
    #[inline]
    pub fn with<W: WithPair>(self, work: W) -> W::Output {
        match (self.observation, self.inverse_link) {
            (ObservationModel::Poisson, InverseLink::Exp) => {
                work.run(Pair::<_, _, true> { observation: Poisson, link: Exp })
            }
            (ObservationModel::Poisson, InverseLink::Softplus) => {
                work.run(Pair::<_, _, false> { observation: Poisson, link: Softplus })
            }
            (ObservationModel::Gaussian, InverseLink::Identity) => {
                work.run(Pair::<_, _, true> { observation: Gaussian, link: Identity })
            }
            (ObservationModel::Bernoulli, InverseLink::Logistic) => {
                work.run(Pair::<_, _, true> { observation: Bernoulli, link: Logistic })
            }
            (ObservationModel::Bernoulli, InverseLink::Probit) => {
                work.run(Pair::<_, _, false> { observation: Bernoulli, link: Probit })
            }
            (ObservationModel::Gamma, InverseLink::OneOverX) => {
                work.run(Pair::<_, _, false> { observation: Gamma, link: OneOverX })
            }
            (ObservationModel::Gamma, InverseLink::Exp) => {
                work.run(Pair::<_, _, false> { observation: Gamma, link: Exp })
            }
            (ObservationModel::Gamma, InverseLink::Softplus) => {
                work.run(Pair::<_, _, false> { observation: Gamma, link: Softplus })
            }
            (ObservationModel::NegativeBinomial(observation), InverseLink::Exp) => {
                work.run(Pair::<_, _, false> { observation, link: Exp })
            }
            (ObservationModel::NegativeBinomial(observation), InverseLink::Softplus) => {
                work.run(Pair::<_, _, false> { observation, link: Softplus })
            }
            (observation, link) => work.run(Pair::<_, _, false> { observation, link }),
        }
    }

    /// The same model of another dispersion, if it has one and this can be one.
    #[must_use]
    pub fn with_dispersion(self, dispersion: f64) -> Self {
        match (self.observation, NegativeBinomial::new(dispersion)) {
            (ObservationModel::NegativeBinomial(_), Ok(own)) => Self { observation: own.into(), ..self },
            _ => self,
        }
    }

    /// The mean at a linear predictor.
    pub fn mean(self, eta: f64) -> f64 {
        self.inverse_link.mean(eta, Standard).mu
    }
}
