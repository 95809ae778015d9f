//! What the responses alone say: the null model, and the size that gaps of the loss are compared with.

use super::pointwise::{Mean, deviance, log_likelihood, mean, point};
use super::target::Problem;
use crate::inverse_link::InverseLink;
use crate::math::sum::Sum;
use crate::observation::ObservationModel;

/// Halvings of the interval in which a constant is looked for.
const HALVINGS: usize = 200;

/// The mean response in every row, or beside an offset the constant that makes the responses most likely.
#[derive(Clone, Copy, Debug)]
pub(super) struct Null {
    pub(super) log_likelihood: f64,
    pub(super) deviance: f64,
    /// What gaps of the loss are compared with where the loss is smaller.
    pub(super) size: f64,
}

impl Null {
    /// That of a problem; log-likelihoods are at this scale.
    pub(super) fn of(problem: &Problem, scale: f64) -> Self {
        let (model, total) = (problem.model, problem.total_weight());
        let sum = |term: &dyn Fn(usize) -> f64| -> f64 {
            (0..problem.y.len()).map(|row| problem.weight(row) * term(row)).collect::<Sum>().value()
        };
        let m = sum(&|row| problem.y[row]) / total;
        let constant = problem.offset.map(|_| beside_offset(problem));
        let at = |row: usize| match (constant, problem.offset) {
            (Some(constant), Some(offset)) => mean(model.inverse_link, constant + offset[row]),
            _ => Mean::alone(m),
        };
        let observation = model.observation;
        let loss = sum(&|row| point(observation, problem.y[row], at(row)).loss) / total;
        let of_mean = |term: &dyn Fn(f64) -> f64| sum(&|row| term(problem.y[row])) / total;
        let size = match observation {
            ObservationModel::Poisson => m,
            ObservationModel::Gaussian => of_mean(&|y| (y - m) * (y - m)).max(f64::EPSILON * m * m),
            ObservationModel::Bernoulli => loss,
            ObservationModel::Gamma => of_mean(&|y| 2.0 * ((y - m) / m - (y / m).ln())).max(f64::EPSILON),
            ObservationModel::NegativeBinomial(own) => m / (1.0 + own.dispersion() * m),
        };
        Self {
            log_likelihood: sum(&|row| log_likelihood(observation, scale, problem.y[row], at(row))),
            deviance: sum(&|row| deviance(observation, problem.y[row], at(row))),
            size,
        }
    }
}

/// The constant at which the residuals sum to 0, by halving.
fn beside_offset(problem: &Problem) -> f64 {
    let offset = |row: usize| problem.offset.map_or(0.0, |offset| offset[row]);
    let slope = |constant: f64| {
        let of_row = |row: usize| {
            let at = mean(problem.model.inverse_link, constant + offset(row));
            problem.weight(row) * point(problem.model.observation, problem.y[row], at).residual
        };
        (0..problem.y.len()).map(of_row).collect::<Sum>().value()
    };
    let farthest = (0..problem.y.len()).map(|row| offset(row).abs()).fold(0.0, f64::max);
    let largest = problem.y.iter().fold(1.0, |a: f64, y| a.max(y.abs()));
    let (mut low, mut high) = (-farthest - largest - 50.0, farthest + largest + 50.0);
    if problem.model.inverse_link == InverseLink::OneOverX {
        // predictors are above 0 in every row
        low = (0..problem.y.len()).map(|row| -offset(row)).fold(f64::NEG_INFINITY, f64::max);
        let smallest = problem.y.iter().fold(f64::INFINITY, |a: f64, y| a.min(*y));
        high = low + 2.0 * farthest + 2.0 / smallest + 1.0;
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if slope(middle) > 0.0 { high = middle } else { low = middle }
    }
    0.5 * (low + high)
}
