use super::{Model, ObservationModel, Observe, Pair, WithPair};
use crate::inverse_link::{InvertLink, Mean};
use crate::math::elementary::Standard;

/// The null model of a target: the mean response in every bin, whatever the features.
///
/// | | Poisson | Gaussian | Bernoulli | Gamma | negative binomial |
/// |---|---|---|---|---|---|
/// | `loss` | `m - m ln m` | variance of y | `-m ln m - (1 - m) ln(1 - m)` | `1 + ln m` | that of `y = m` |
/// | `size` | `m` | variance of y | the null loss | mean deviance | `m / (1 + a m)` |
/// | `noise` | `1 / m` | 1 | 1 / null loss | 1 | 1 / size |
/// | `events` | `m` | 1 | `min(m, 1 - m)` | 1 | `m` |
///
/// `curvature` is `factor slope² / variance` at `m`. A gap is judged in parts of `max(|loss|, size)`, so `size` is what makes
/// a gap large or small whatever the units: of counts a gap of `m` moves the rates by about their own size; of a Gaussian
/// response, which has units, it moves the means by its standard deviation, and of a Gamma response by a part of them as
/// large as its coefficient of variation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Null {
    /// The mean response `m`.
    pub mean: f64,
    /// The linear predictor there.
    pub eta: f64,
    /// The mean loss.
    pub loss: f64,
    /// The curvature `d2 loss / d eta2` (Fisher) of every bin: the flat Gram times it is the Hessian.
    pub curvature: f64,
    /// What gaps of the loss are compared with where the loss is smaller.
    pub size: f64,
    /// What the loss of a fit to n bins misses by chance for each parameter, times n, in parts of `size`.
    pub noise: f64,
    /// Events per bin, or non-events where these are rarer; what a fit learns from.
    pub events: f64,
    /// Whether there is nothing to explain: no event in any bin, or one in every bin of a model of one or none.
    pub is_silent: bool,
}

/// The curvature at a mean.
struct Curvature {
    mean: f64,
    eta: f64,
}

impl WithPair for Curvature {
    type Output = f64;

    fn run<O: Observe, L: InvertLink, const CANONICAL: bool>(self, pair: Pair<O, L, CANONICAL>) -> f64 {
        let there: Mean<f64> = pair.link.mean(self.eta, Standard);
        pair.curvature(Mean { mu: self.mean, rest: 1.0 - self.mean, ..there })
    }
}

impl Null {
    /// Whether it needs the mean deviance of the responses from their mean.
    pub fn needs_spread(observation: ObservationModel) -> bool {
        matches!(observation, ObservationModel::Gaussian | ObservationModel::Gamma)
    }

    /// That of responses with this mean and mean deviance from it: of Gaussian ones their variance.
    pub fn new(model: Model, mean: f64, spread: f64) -> Self {
        let eta = model.inverse_link.link(mean);
        let (loss, size, noise, events) = match model.observation {
            ObservationModel::Poisson => (mean - mean * mean.ln(), mean, 1.0 / mean, mean),
            ObservationModel::Gaussian => {
                // what varies less than its mean is rounded varies by nothing
                let least = (f64::EPSILON * mean * mean).max(f64::MIN_POSITIVE);
                (spread, spread.max(least), 1.0, 1.0)
            }
            ObservationModel::Bernoulli => {
                let loss = -mean * mean.ln() - (1.0 - mean) * (-mean).ln_1p();
                (loss, loss, 1.0 / loss, mean.min(1.0 - mean))
            }
            ObservationModel::Gamma => (1.0 + mean.ln(), spread.max(f64::EPSILON), 1.0, 1.0),
            ObservationModel::NegativeBinomial(own) => {
                let there = Mean { mu: mean, log_mu: mean.ln(), ..model.inverse_link.mean(eta, Standard) };
                let size = mean / (1.0 + own.dispersion() * mean);
                (own.loss(mean, there, Standard), size, 1.0 / size, mean)
            }
        };
        if events <= 0.0 {
            let (loss, curvature, size, noise, events) = (0.0, 0.0, 0.0, 0.0, 0.0);
            return Self { mean, eta, loss, curvature, size, noise, events, is_silent: true };
        }
        let curvature = model.with(Curvature { mean, eta });
        Self { mean, eta, loss, curvature, size, noise, events, is_silent: false }
    }

    /// The same beside an offset: with another linear predictor, to which the offset of a bin is added, and the mean loss and
    /// curvature there.
    #[must_use]
    pub fn at(self, model: Model, eta: f64, loss: f64, curvature: f64) -> Self {
        // of binary responses the size is the null loss
        let (size, noise) = match model.observation {
            ObservationModel::Bernoulli => (loss, 1.0 / loss),
            _ => (self.size, self.noise),
        };
        Self { eta, loss, curvature, size, noise, ..self }
    }

    /// The same where a target without events is fitted like others, since nothing but the features could make its mean 0: the
    /// numbers are those of half an event in the bins, or of all but half an event.
    #[must_use]
    pub fn not_silent(self, model: Model, n_bins: f64) -> Self {
        if !self.is_silent {
            return self;
        }
        let half = 0.5 / n_bins.max(1.0);
        let near = Self::new(model, if self.mean > 0.0 { 1.0 - half } else { half }, half);
        Self { mean: self.mean, loss: self.loss, ..near }
    }

    /// The loss that a gap is a part of.
    pub fn scale(&self, loss: f64) -> f64 {
        loss.abs().max(self.size)
    }
}
