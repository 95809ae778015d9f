//! Which model: how responses scatter, and what links their mean to the features.

use clap::{Args, ValueEnum};

use crate::backend::Model;
use crate::glm::Dispersion;
use crate::inverse_link::InverseLink;
use crate::observation::{NegativeBinomial, ObservationModel};
use crate::{Error, Result};

/// Arguments that choose the model.
#[derive(Clone, Copy, Debug, Args)]
pub struct ModelArgs {
    /// How responses scatter around their mean
    #[arg(long, default_value = "poisson")]
    pub observation: Observation,
    /// From the sum of effects to the mean; exp for poisson and negative-binomial, identity for gaussian, logistic for bernoulli,
    /// one-over-x for gamma without it
    #[arg(long)]
    pub link: Option<Link>,
    /// Dispersion of negative-binomial counts, whose variance is mu + D mu²: a number, or ml for its maximum-likelihood
    /// estimate, one for each target
    #[arg(long, value_name = "D|ml", value_parser = dispersion)]
    pub dispersion: Option<DispersionArg>,
    /// Fit without an intercept: the linear predictor is 0 (plus the offset) where all features are
    #[arg(long)]
    pub no_intercept: bool,
}

/// The dispersion of negative binomial counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DispersionArg {
    /// This one.
    Given(f64),
    /// Its maximum-likelihood estimate.
    MaximumLikelihood,
}

/// Reads the dispersion.
fn dispersion(text: &str) -> Result<DispersionArg> {
    if text == "ml" {
        return Ok(DispersionArg::MaximumLikelihood);
    }
    match text.trim().parse() {
        Ok(value) if NegativeBinomial::new(value).is_ok() => Ok(DispersionArg::Given(value)),
        _ => Err(Error::argument("--dispersion", "a number above 0, or ml", text, "ml estimates it")),
    }
}

/// How responses scatter around their mean.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Observation {
    /// Counts, whose variance is their mean
    Poisson,
    /// Numbers of any kind, with one variance
    Gaussian,
    /// An event or none, 1 or 0
    Bernoulli,
    /// Numbers above 0 that vary in proportion to their mean
    Gamma,
    /// Counts that vary more than their mean, by --dispersion
    NegativeBinomial,
}

/// From the sum of effects to the mean.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Link {
    /// Effects multiply the rate
    Exp,
    /// Like exp where the rate is low, effects add up where it is high
    Softplus,
    /// Effects add up
    Identity,
    /// Effects multiply the odds
    Logistic,
    /// Effects add up in a normal variable, whose sign decides about an event
    Probit,
    /// Effects add up in one over the mean
    OneOverX,
}

impl From<Observation> for ObservationModel {
    fn from(observation: Observation) -> Self {
        match observation {
            Observation::Poisson => Self::Poisson,
            Observation::Gaussian => Self::Gaussian,
            Observation::Bernoulli => Self::Bernoulli,
            Observation::Gamma => Self::Gamma,
            Observation::NegativeBinomial => NegativeBinomial::UNIT.into(),
        }
    }
}

impl Observation {
    fn name(self) -> &'static str {
        ObservationModel::from(self).name()
    }
}

impl From<Link> for InverseLink {
    fn from(link: Link) -> Self {
        match link {
            Link::Exp => Self::Exp,
            Link::Softplus => Self::Softplus,
            Link::Identity => Self::Identity,
            Link::Logistic => Self::Logistic,
            Link::Probit => Self::Probit,
            Link::OneOverX => Self::OneOverX,
        }
    }
}

impl ModelArgs {
    /// The pair, if its members go together.
    ///
    /// # Errors
    /// [`Error::Argument`] with the links that suit the observation model, for negative binomial counts without a
    /// dispersion and for a dispersion of others.
    pub(super) fn model(self) -> Result<Model> {
        let model = Model::from(self.observation()?);
        let chosen = self.link.map_or(model.inverse_link, InverseLink::from);
        Model { inverse_link: chosen, ..model }.check()
    }

    /// The observation model with its dispersion; one that is estimated begins anywhere.
    fn observation(self) -> Result<ObservationModel> {
        let observation = ObservationModel::from(self.observation);
        match (observation, self.dispersion) {
            (ObservationModel::NegativeBinomial(_), Some(DispersionArg::Given(dispersion))) => {
                Ok(NegativeBinomial::new(dispersion)?.into())
            }
            (ObservationModel::NegativeBinomial(_), Some(DispersionArg::MaximumLikelihood)) => {
                Ok(observation)
            }
            (ObservationModel::NegativeBinomial(_), None) => Err(Error::argument(
                "dispersion",
                "the dispersion of negative binomial counts",
                "nothing",
                "add --dispersion ml to estimate it, or --dispersion D",
            )),
            (_, Some(_)) => Err(Error::argument(
                "--dispersion",
                "negative-binomial responses, which have one",
                self.observation.name(),
                "leave it out, or choose --observation negative-binomial",
            )),
            (_, None) => Ok(observation),
        }
    }

    /// Where the dispersion is from.
    pub(super) fn dispersion_from(self) -> Dispersion {
        match self.dispersion {
            Some(DispersionArg::MaximumLikelihood) => Dispersion::MaximumLikelihood,
            _ => Dispersion::OfModel,
        }
    }
}
