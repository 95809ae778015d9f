//! Which model: how responses scatter, and what links their mean to the features.

use clap::{Args, ValueEnum};

use crate::backend::Model;
use crate::glm::Dispersion;
use crate::inverse_link::InverseLink;
use crate::observation::{CATEGORICAL, LOG_SOFTMAX, NegativeBinomial, ObservationModel};
use crate::{Error, Result};

/// Arguments that choose the model.
#[derive(Clone, Copy, Debug, Args)]
pub struct ModelArgs {
    /// How responses scatter around their mean
    #[arg(long, default_value = "poisson")]
    pub observation: Observation,
    /// From the sum of effects to the mean; exp for poisson and negative-binomial, identity for gaussian, logistic for bernoulli,
    /// one-over-x for gamma, log-softmax for categorical without it
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
    /// One of several classes: labels, which may be numbers or texts
    Categorical,
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
    /// Effects change the log odds between two classes by the difference of their coefficients
    LogSoftmax,
}

impl Observation {
    /// The model of the menu; `None` of classes, whose model is not one of a mean.
    fn model(self) -> Option<ObservationModel> {
        match self {
            Self::Poisson => Some(ObservationModel::Poisson),
            Self::Gaussian => Some(ObservationModel::Gaussian),
            Self::Bernoulli => Some(ObservationModel::Bernoulli),
            Self::Gamma => Some(ObservationModel::Gamma),
            Self::NegativeBinomial => Some(NegativeBinomial::UNIT.into()),
            Self::Categorical => None,
        }
    }

    fn name(self) -> &'static str {
        self.model().map_or(CATEGORICAL, ObservationModel::name)
    }
}

impl Link {
    /// The inverse link of the menu; `None` of that of classes.
    fn inverse(self) -> Option<InverseLink> {
        match self {
            Self::Exp => Some(InverseLink::Exp),
            Self::Softplus => Some(InverseLink::Softplus),
            Self::Identity => Some(InverseLink::Identity),
            Self::Logistic => Some(InverseLink::Logistic),
            Self::Probit => Some(InverseLink::Probit),
            Self::OneOverX => Some(InverseLink::OneOverX),
            Self::LogSoftmax => None,
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
        match self.link.map(Link::inverse) {
            None => Ok(model),
            Some(Some(inverse_link)) => Model { inverse_link, ..model }.check(),
            Some(None) => Err(Error::argument(
                "link",
                format!("a link of one mean, for {} responses", self.observation.name()),
                LOG_SOFTMAX,
                "leave it out, or choose --observation categorical",
            )),
        }
    }

    /// Whether responses are one of several classes, which have a course of their own.
    pub(super) fn is_categorical(self) -> bool {
        matches!(self.observation, Observation::Categorical)
    }

    /// Checks what beside the observation model was chosen for classes.
    ///
    /// # Errors
    /// [`Error::Argument`] for a dispersion, and for another link than log-softmax.
    pub(super) fn check_categorical(self) -> Result<()> {
        if self.dispersion.is_some() {
            return Err(self.no_dispersion());
        }
        match self.link.and_then(Link::inverse) {
            None => Ok(()),
            Some(other) => Err(Error::argument(
                "link",
                format!("{LOG_SOFTMAX} for {CATEGORICAL} responses"),
                other.name(),
                "leave the link out",
            )),
        }
    }

    fn no_dispersion(self) -> Error {
        Error::argument(
            "--dispersion",
            "negative-binomial responses, which have one",
            self.observation.name(),
            "leave it out, or choose --observation negative-binomial",
        )
    }

    /// The observation model with its dispersion; one that is estimated begins anywhere.
    fn observation(self) -> Result<ObservationModel> {
        let Some(observation) = self.observation.model() else {
            return Err(Error::argument(
                "--observation",
                "responses of one mean, which this command is for",
                CATEGORICAL,
                "fit classes with `rheobase fit`, or choose another observation model",
            ));
        };
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
            (_, Some(_)) => Err(self.no_dispersion()),
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
