//! Which model: how responses scatter, and what links their mean to the features.

use clap::{Args, ValueEnum};

use crate::Result;
use crate::backend::Model;
use crate::inverse_link::InverseLink;
use crate::observation::ObservationModel;

/// Arguments that choose the model.
#[derive(Clone, Copy, Debug, Args)]
pub struct ModelArgs {
    /// How responses scatter around their mean
    #[arg(long, default_value = "poisson")]
    pub observation: Observation,
    /// From the sum of effects to the mean; exp for poisson, identity for gaussian, logistic for bernoulli without it
    #[arg(long)]
    pub link: Option<Link>,
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
    /// [`crate::Error::Argument`] with the links that suit the observation model.
    pub(super) fn model(self) -> Result<Model> {
        let model = Model::from(ObservationModel::from(self.observation));
        let chosen = self.link.map_or(model.inverse_link, InverseLink::from);
        Model { inverse_link: chosen, ..model }.check()
    }
}
