//! The residual of a gradient, relative to the magnitudes that it is the sum of.

use super::moments::Moments;
use super::penalty::At;
use super::target::ROUNDINGS;

/// The residual of the gradient of a block, and where it is largest.
pub(super) struct Left {
    /// What is left of the mean gradient, intercept first.
    pub(super) gradient: Vec<f64>,
    pub(super) kkt_residual: f64,
    pub(super) kkt_rounding: f64,
    pub(super) kkt_noise: f64,
    pub(super) worst: usize,
}

/// From sums over the rows of residuals, magnitudes, roundings and those of a fit, and the penalty at the coefficients of these columns.
pub(super) fn residual(
    [gradient, magnitudes, rounding, noise]: &[Vec<f64>; 4],
    at: &At,
    (moments, varying): (&Moments, &[usize]),
    total: f64,
) -> Left {
    let (mut left, mut kkt_residual, mut worst) = (Vec::new(), 0.0_f64, 0);
    let (mut kkt_rounding, mut kkt_noise) = (0.0_f64, 0.0_f64);
    for k in 0..gradient.len() {
        let [own, size] = match k.checked_sub(1).map(|k| varying[k]) {
            Some(j) => [at.element[j] / moments.sd[j], at.sizes[j] / moments.sd[j]],
            None => [0.0; 2],
        };
        let numerator = gradient[k] + total * own;
        let denominator = magnitudes[k] + total * size;
        let ratio = if numerator == 0.0 { 0.0 } else { numerator.abs() / denominator };
        // a NaN must not vanish in a maximum
        if ratio > kkt_residual || ratio.is_nan() {
            (kkt_residual, worst) = (ratio, k);
        }
        if denominator > 0.0 {
            let of_penalty = total * size * f64::EPSILON * ROUNDINGS;
            kkt_rounding = kkt_rounding.max((rounding[k] + of_penalty) / denominator);
            kkt_noise = kkt_noise.max((noise[k] + of_penalty) / denominator);
        }
        left.push(numerator / total);
    }
    Left { gradient: left, kkt_residual, kkt_rounding, kkt_noise, worst }
}
