//! Which model: how responses scatter, what links their mean to the features, and what keeps coefficients small.

use clap::{Args, ValueEnum};

use crate::backend::Model;
use crate::inverse_link::InverseLink;
use crate::observation::ObservationModel;
use crate::regularizer::Regularizer;
use crate::{Error, Result};

/// Arguments that choose the model.
#[derive(Clone, Copy, Debug, Args)]
pub struct ModelArgs {
    /// How responses scatter around their mean
    #[arg(long, default_value = "poisson")]
    pub observation: Observation,
    /// From the sum of effects to the mean; exp for poisson, identity for gaussian, logistic for bernoulli without it
    #[arg(long)]
    pub link: Option<Link>,
    /// Penalty on the coefficients, added to the mean loss; never on the intercept
    #[arg(long, default_value = "none")]
    pub regularizer: Penalty,
    /// Strength of the penalty, per unit of the features as typed: ridge is L/2 times the sum of squares
    #[arg(long, value_name = "L")]
    pub strength: Option<f64>,
}

/// Penalty on the coefficients.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Penalty {
    /// No penalty
    None,
    /// The sum of squares
    Ridge,
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
}

impl From<Observation> for ObservationModel {
    fn from(observation: Observation) -> Self {
        match observation {
            Observation::Poisson => Self::Poisson,
            Observation::Gaussian => Self::Gaussian,
            Observation::Bernoulli => Self::Bernoulli,
        }
    }
}

impl From<Link> for InverseLink {
    fn from(link: Link) -> Self {
        match link {
            Link::Exp => Self::Exp,
            Link::Softplus => Self::Softplus,
            Link::Identity => Self::Identity,
            Link::Logistic => Self::Logistic,
        }
    }
}

impl ModelArgs {
    /// The pair, if its members go together.
    ///
    /// # Errors
    /// [`Error::Argument`] with the links that suit the observation model.
    pub(super) fn model(self) -> Result<Model> {
        let model = Model::from(ObservationModel::from(self.observation));
        let chosen = self.link.map_or(model.inverse_link, InverseLink::from);
        Model { inverse_link: chosen, ..model }.check()
    }

    /// The penalty, if it has a strength.
    ///
    /// # Errors
    /// [`Error::Argument`] for a penalty without a strength, a strength without a penalty, and one that is not above 0.
    pub(super) fn regularizer(self) -> Result<Regularizer> {
        match (self.regularizer, self.strength) {
            (Penalty::None, None) => Ok(Regularizer::None),
            (Penalty::None, Some(_)) => Err(Error::argument(
                "--strength",
                "a penalty that it is for",
                "none",
                "add --regularizer ridge, or leave it out",
            )),
            (Penalty::Ridge, None) => Err(Error::argument(
                "strength",
                "the strength of the ridge penalty",
                "nothing",
                "add --strength 1e-3 and compare scores on held-out data",
            )),
            (Penalty::Ridge, Some(strength)) => Regularizer::Ridge { strength }.check(),
        }
    }
}
