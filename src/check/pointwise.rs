//! One response and one linear predictor: mean, loss and its derivatives, by the formulas of the textbooks.

use std::f64::consts::{PI, SQRT_2, TAU};

use crate::inverse_link::InverseLink;
use crate::math::deviance::{excess, is_near};
use crate::observation::{Model, ObservationModel};

/// A probability that is too small for a quotient.
const TINY: f64 = 1e-290;
/// Counts up to which a product of as many factors is written out.
const MOST_FACTORS: f64 = 1e4;
/// The shape from which Stirling's series has all digits.
const STIRLING_FROM: f64 = 200.0;

/// A mean, and what depends on it alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mean {
    pub(super) mu: f64,
    pub(super) log_mu: f64,
    /// `ln(1 - mu)` where `mu` is a probability.
    log_rest: f64,
    pub(super) slope: f64,
    /// `slope / mu`.
    rise: f64,
    /// `slope / (1 - mu)`.
    fall: f64,
}

impl Mean {
    /// A mean of which nobody asks how it depends on a linear predictor.
    pub(super) fn alone(mu: f64) -> Self {
        let (slope, rise, fall) = (f64::NAN, f64::NAN, f64::NAN);
        Self { mu, log_mu: mu.ln(), log_rest: (-mu).ln_1p(), slope, rise, fall }
    }
}

/// What a row says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) loss: f64,
    /// `d loss / d eta`.
    pub(super) residual: f64,
    /// The magnitudes of the terms that it is the sum of.
    pub(super) magnitude: f64,
    /// The expectation of `d2 loss / d eta2`.
    pub(super) curvature: f64,
}

/// `ln(1 + exp(x))`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { (1.0 + (-x).exp()).recip() } else { x.exp() / (1.0 + x.exp()) }
}

/// Probability that a standard normal number is below `x`, its logarithm, and density over probability.
fn normal(x: f64) -> [f64; 3] {
    let (below, density) = (0.5 * libm::erfc(-x / SQRT_2), (-0.5 * x * x).exp() / TAU.sqrt());
    if below > TINY {
        return [
            below,
            if x > 0.0 { (-0.5 * libm::erfc(x / SQRT_2)).ln_1p() } else { below.ln() },
            density / below,
        ];
    }
    // far below 0: the continued fraction of the tail
    let quotient = (1..=60).rev().fold(-x, |tail, k| -x + f64::from(k) / tail);
    [below, -0.5 * x * x - 0.5 * TAU.ln() - quotient.ln(), quotient]
}

/// The mean at a linear predictor.
pub(super) fn mean(link: InverseLink, eta: f64) -> Mean {
    let none = f64::NAN;
    match link {
        InverseLink::Exp => {
            let mu = eta.exp();
            Mean { mu, log_mu: eta, log_rest: none, slope: mu, rise: 1.0, fall: none }
        }
        InverseLink::Softplus => {
            let (mu, slope) = (softplus(eta), sigmoid(eta));
            let log_mu = if mu > 0.0 { mu.ln() } else { eta };
            Mean {
                mu,
                log_mu,
                log_rest: none,
                slope,
                rise: if mu > 0.0 { slope / mu } else { 1.0 },
                fall: none,
            }
        }
        InverseLink::Logistic => {
            let (mu, rest) = (sigmoid(eta), sigmoid(-eta));
            Mean {
                mu,
                log_mu: -softplus(-eta),
                log_rest: -softplus(eta),
                slope: mu * rest,
                rise: rest,
                fall: mu,
            }
        }
        InverseLink::Probit => {
            let ([mu, log_mu, rise], [_, log_rest, fall]) = (normal(eta), normal(-eta));
            let slope = (-0.5 * eta * eta).exp() / (2.0 * PI).sqrt();
            Mean { mu, log_mu, log_rest, slope, rise, fall }
        }
        InverseLink::OneOverX => {
            let mu = eta.recip();
            Mean { mu, log_mu: -eta.ln(), log_rest: none, slope: -mu * mu, rise: -mu, fall: none }
        }
        InverseLink::Identity => {
            Mean { mu: eta, log_mu: none, log_rest: none, slope: 1.0, rise: none, fall: none }
        }
    }
}

/// Loss, residual, magnitude and curvature of a response.
pub(super) fn point(observation: ObservationModel, y: f64, at: Mean) -> Point {
    let Mean { mu, log_mu, log_rest, slope, rise, fall } = at;
    let size = mu + (mu - y).abs();
    match observation {
        ObservationModel::Poisson => Point {
            loss: if y == 0.0 { mu } else { mu - y * log_mu },
            residual: (mu - y) * rise,
            magnitude: size * rise.abs(),
            curvature: slope * rise,
        },
        ObservationModel::Gaussian => Point {
            loss: (y - mu) * (y - mu),
            residual: 2.0 * (mu - y),
            magnitude: 2.0 * (mu.abs() + y.abs()),
            curvature: 2.0,
        },
        ObservationModel::Bernoulli => {
            let residual = if y == 0.0 { fall } else { -rise };
            let loss = if y == 0.0 { -log_rest } else { -log_mu };
            Point { loss, residual, magnitude: 2.0 * residual.abs(), curvature: rise * fall }
        }
        ObservationModel::Gamma => Point {
            loss: y / mu + log_mu,
            residual: (mu - y) / mu * rise,
            magnitude: size / mu * rise.abs(),
            curvature: rise * rise,
        },
        ObservationModel::NegativeBinomial(own) => {
            let a = own.dispersion();
            let rest = 1.0 + a * mu;
            let of_events = if y == 0.0 { 0.0 } else { y * softplus(-(a.ln() + log_mu)) };
            Point {
                loss: (a * mu).ln_1p() / a + of_events,
                residual: (mu - y) * rise / rest,
                magnitude: size * rise.abs() / rest,
                curvature: slope * rise / rest,
            }
        }
    }
}

/// `2 (ll(y, y) - ll(y, mu))` at scale 1.
pub(super) fn deviance(observation: ObservationModel, y: f64, at: Mean) -> f64 {
    let mu = at.mu;
    match observation {
        ObservationModel::Poisson if y == 0.0 => 2.0 * mu,
        ObservationModel::Poisson if is_near(y, mu) => 2.0 * y * excess((mu - y) / y),
        ObservationModel::Poisson => 2.0 * (y * (y.ln() - at.log_mu) - (y - mu)),
        ObservationModel::Gaussian => (y - mu) * (y - mu),
        ObservationModel::Bernoulli => 2.0 * point(observation, y, at).loss,
        ObservationModel::Gamma if is_near(y, mu) => 2.0 * excess((y - mu) / mu),
        ObservationModel::Gamma => 2.0 * ((y - mu) / mu - (y.ln() - at.log_mu)),
        ObservationModel::NegativeBinomial(own) => {
            let a = own.dispersion();
            if is_near(y, mu) {
                let of_size = (y + a.recip()) * excess(a * (mu - y) / (1.0 + a * y));
                return 2.0 * (y * excess((mu - y) / y) - of_size);
            }
            let of_events = if y == 0.0 { 0.0 } else { y * (y.ln() - at.log_mu) };
            2.0 * (of_events - (y + a.recip()) * ((a * y).ln_1p() - (a * mu).ln_1p()))
        }
    }
}

/// The whole log-likelihood, natural logarithm.
pub(super) fn log_likelihood(observation: ObservationModel, scale: f64, y: f64, at: Mean) -> f64 {
    let (mu, log_mu) = (at.mu, at.log_mu);
    match observation {
        ObservationModel::Poisson if y == 0.0 => -mu,
        ObservationModel::Poisson => y * log_mu - mu - libm::lgamma(y + 1.0),
        ObservationModel::Gaussian => -0.5 * (TAU * scale).ln() - (y - mu) * (y - mu) / (2.0 * scale),
        ObservationModel::Bernoulli => -point(observation, y, at).loss,
        ObservationModel::Gamma => {
            let k = scale.recip();
            let of_shape = if k < STIRLING_FROM {
                k * k.ln() - k - libm::lgamma(k)
            } else {
                0.5 * (k / TAU).ln() - (12.0 * k).recip() + (360.0 * k * k * k).recip()
            };
            of_shape - y.ln() - 0.5 * k * deviance(observation, y, at)
        }
        ObservationModel::NegativeBinomial(own) => {
            let a = own.dispersion();
            let rising = if y.fract() == 0.0 && y <= MOST_FACTORS {
                (0..y as u64).map(|j| (a * j as f64).ln_1p()).sum()
            } else {
                libm::lgamma(y + a.recip()) - libm::lgamma(a.recip()) + y * a.ln()
            };
            let of_events = if y == 0.0 { 0.0 } else { y * log_mu - libm::lgamma(y + 1.0) };
            rising + of_events - (y + a.recip()) * (a * mu).ln_1p()
        }
    }
}

/// What the loss is in negative log-likelihoods of scale 1.
pub(super) fn factor(model: Model) -> f64 {
    if model.observation == ObservationModel::Gaussian { 2.0 } else { 1.0 }
}
