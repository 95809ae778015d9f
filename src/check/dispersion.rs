//! The dispersion of negative binomial counts that is the most likely one at given means.
//!
//! Of a count `y` with the mean `mu` the log-likelihood has the derivative
//! `sum_(k < y) k / (1 + a k) + ln(1 + a mu) / a² - (y + 1/a) mu / (1 + a mu)` by the dispersion `a` (Lawless 1987). The terms without a
//! sum are `mu (mu - y) / (1 + a mu) - (a mu - ln(1 + a mu)) / a²`, which keeps its digits where `a` is small. One step of Newton by
//! the logarithm of `a` tells how far the top is.

use super::pointwise::mean;
use super::rows::over_rows;
use super::target::{Found, Problem, predictor};
use super::verdict::{ERROR_DIGITS, FLAT_GRAM, Stored, Verdict};
use crate::Result;
use crate::math::deviance::excess;
use crate::math::sum::Sum;
use crate::observation::ObservationModel;
use crate::solver::Status;

/// Roundings of a term, that of [`excess`] among them.
const ROUNDINGS: f64 = 128.0;
/// The largest count: how many there are of each is kept.
const LARGEST: f64 = 1e7;
/// The part of a number from which rounding hides it.
const HIDES: f64 = 1e-3;
/// Digits of a dispersion that are compared.
const DIGITS: f64 = 1e-6;

/// What the counts say of their dispersion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MostLikely {
    /// The most likely one near that of the model; NaN if the likelihood has no top there.
    pub dispersion: f64,
    /// What of it may be rounding.
    pub rounding: f64,
    /// By the curvature of the likelihood.
    pub standard_error: f64,
    /// What of that may be rounding.
    pub error_rounding: f64,
    /// The sum of the weights.
    pub total_weight: f64,
}

/// A sum, and that of the magnitudes of its terms.
#[derive(Clone, Copy, Debug, Default)]
struct Sized {
    value: Sum,
    size: Sum,
}

impl Sized {
    fn add(&mut self, term: f64, size: f64) {
        self.value.add(term);
        self.size.add(size);
    }
}

/// First and second derivative of the log-likelihood of a count by the dispersion, but for the sums over smaller counts; and the
/// magnitudes of their terms.
fn slopes_of_mean(y: f64, mu: f64, a: f64) -> [[f64; 2]; 2] {
    let rest = 1.0 + a * mu;
    let (part, bend) = (mu / rest, excess(a * mu) / (a * a));
    let first = [part * (mu - y) - bend, part * (mu + y) + bend];
    let terms = [part * part * (mu - y), mu * part / a, 2.0 * bend / a];
    let second = [terms[2] - terms[1] - terms[0], terms[2] + terms[1] + part * part * (mu + y)];
    [first, second]
}

/// The weights of the rows with a count above 0, 1, 2 ..; `None` if there are counts too large for that.
fn weights_above(problem: &Problem) -> Option<Vec<f64>> {
    let largest = problem.y.iter().copied().fold(0.0, f64::max);
    if largest > LARGEST {
        return None;
    }
    let mut above = vec![0.0; largest as usize];
    for (row, y) in problem.y.iter().enumerate().filter(|(_, y)| **y >= 1.0) {
        above[*y as usize - 1] += problem.weight(row);
    }
    for k in (1..above.len()).rev() {
        above[k - 1] += above[k];
    }
    Some(above)
}

/// First and second derivative of the log-likelihood of all counts by the dispersion `a`, and the magnitudes of their terms; `None` if
/// there are counts above 1e7.
fn slopes(problem: &Problem, a: f64) -> Result<Option<[[f64; 2]; 2]>> {
    let Some(above) = weights_above(problem) else { return Ok(None) };
    let parts = over_rows(problem.rows, &|| [Sized::default(); 2], &|sums, row, x| {
        let offset = problem.offset.map_or(0.0, |offset| offset[row]);
        let at = mean(problem.model.inverse_link, predictor([problem.intercept, offset], x, problem.coef));
        let weight = problem.weight(row);
        let own = slopes_of_mean(problem.y[row], at.mu, a);
        sums.iter_mut().zip(own).for_each(|(sum, [term, size])| sum.add(weight * term, weight * size));
    })?;
    let mut of_smaller = [Sized::default(); 2];
    for (k, weight) in above.iter().enumerate() {
        let part = k as f64 / (1.0 + a * k as f64);
        of_smaller[0].add(weight * part, weight * part);
        of_smaller[1].add(-weight * part * part, weight * part * part);
    }
    let sum = |of: &dyn Fn(&[Sized; 2]) -> Sum| -> f64 {
        parts.iter().chain([&of_smaller]).map(|part| of(part).value()).collect::<Sum>().value()
    };
    Ok(Some([0, 1].map(|k| [sum(&|part| part[k].value), sum(&|part| part[k].size)])))
}

/// What the counts of a target say of the dispersion; `None` for other models and for counts above 1e7.
///
/// # Errors
/// If a row cannot be computed.
pub(super) fn most_likely(problem: &Problem) -> Result<Option<MostLikely>> {
    let ObservationModel::NegativeBinomial(own) = problem.model.observation else { return Ok(None) };
    let a = own.dispersion();
    let Some([[first, first_size], [second, second_size]]) = slopes(problem, a)? else { return Ok(None) };
    // by the logarithm: a l', and a l' + a² l''
    let curvature = a * first + a * a * second;
    let has_top = curvature < 0.0 && second < 0.0;
    let of_top = |value: f64| if has_top { value } else { f64::NAN };
    let roundings = ROUNDINGS * f64::EPSILON;
    let standard_error = (-second).sqrt().recip();
    Ok(Some(MostLikely {
        dispersion: of_top(a * (-a * first / curvature).exp()),
        rounding: a * roundings * a * first_size / curvature.abs(),
        standard_error: of_top(standard_error),
        error_rounding: 0.5 * standard_error * roundings * second_size / second.abs(),
        total_weight: problem.total_weight(),
    }))
}

impl Verdict {
    /// Compares a dispersion that was estimated with the most likely one at the means of the coefficients.
    pub(super) fn dispersion(&mut self, stored: &Stored, found: &Found) {
        if stored.scale_standard_error.is_nan() {
            return;
        }
        if stored.status != Status::Converged {
            self.left_out.push("dispersion: the target is not at its optimum".into());
            return;
        }
        let Some(own) = found.most_likely else {
            self.left_out.push("dispersion: there are counts above 1e7".into());
            return;
        };
        let hides = |rounding: f64, value: f64| rounding > HIDES * value;
        if hides(own.rounding, stored.scale) || hides(own.error_rounding, stored.scale_standard_error) {
            self.left_out.push("dispersion: rounding hides which is the most likely one".into());
            return;
        }
        // the coefficients may be a step of this many standard errors away from the optimum, and the dispersion with them
        let gap = FLAT_GRAM * stored.tolerance * found.gap_scale;
        let off = own.standard_error * (2.0 * own.total_weight * gap).sqrt();
        let allowed = DIGITS * stored.scale + 2.0 * own.rounding + off;
        self.compare("dispersion", stored.scale, own.dispersion, allowed);
        let allowed = ERROR_DIGITS * own.standard_error + 2.0 * own.error_rounding + off;
        let name = "standard error of the dispersion";
        self.compare(name, stored.scale_standard_error, own.standard_error, allowed);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::{MatrixRows, Moments};
    use super::*;
    use crate::observation::{NegativeBinomial, Observe};
    use crate::regularizer::Regularizer;

    /// Counts of two groups of equal sizes, with a weight for each.
    fn counts<T>(y: &[f64], weights: Option<&[f64]>, a: f64, ask: impl Fn(&Problem) -> T) -> T {
        let x = Array2::from_shape_fn((y.len(), 1), |(i, _)| f64::from(u8::from(2 * i >= y.len())));
        let rows = MatrixRows(x.view());
        let moments = Moments::of(&rows, true).unwrap();
        let weight = |i: usize| weights.map_or(1.0, |weights| weights[i]);
        let mean = |rows: std::ops::Range<usize>| {
            rows.clone().map(|i| weight(i) * y[i]).sum::<f64>() / rows.map(weight).sum::<f64>()
        };
        let [low, high] = [mean(0..y.len() / 2), mean(y.len() / 2..y.len())].map(f64::ln);
        ask(&Problem {
            rows: &rows,
            moments: &moments,
            y,
            weights,
            offset: None,
            model: ObservationModel::from(NegativeBinomial::new(a).unwrap()).into(),
            has_intercept: true,
            has_own_dispersion: true,
            regularizer: &Regularizer::None,
            features: &[],
            coef: &[high - low],
            intercept: low,
        })
    }

    #[test]
    fn slopes_are_those_of_the_log_likelihood() {
        let y = [0.0, 1.0, 40.0, 7.0, 9_999.0, 20_000.0, 3.0, 800.0];
        let weights = [1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 1.0, 0.25];
        let mu = |i: usize| {
            let rows = if i < 4 { 0..4 } else { 4..8 };
            rows.clone().map(|i| weights[i] * y[i]).sum::<f64>() / rows.map(|i| weights[i]).sum::<f64>()
        };
        for a in [1e-2, 0.6, 20.0] {
            let of = |a| -> f64 {
                let model = NegativeBinomial::new(a).unwrap();
                (0..8).map(|i| weights[i] * model.log_likelihood(y[i], mu(i), 1.0)).sum()
            };
            let step = 1e-4 * a;
            let [down, here, up] = [of(a - step), of(a), of(a + step)];
            counts(&y, Some(&weights), a, |problem| {
                let [[first, _], [second, _]] = slopes(problem, a).unwrap().unwrap();
                assert!(((up - down) / (2.0 * step) / first - 1.0).abs() < 1e-5, "{a}: {first}");
                let bend = (up - 2.0 * here + down) / (step * step);
                assert!((bend / second - 1.0).abs() < 1e-3, "{a}: {second}, {bend}");
            });
        }
    }

    #[test]
    fn small_dispersions_keep_their_digits() {
        let y: Vec<f64> = [(4334, 0.0), (1999, 1.0), (3000, 2.0), (667, 3.0)]
            .into_iter()
            .flat_map(|(n, y)| std::iter::repeat_n(y, n))
            .collect();
        let y = [y.clone(), y].concat();
        let mut own = None;
        let mut a = 1e-3;
        for _ in 0..20 {
            own = counts(&y, None, a, |problem| most_likely(problem).unwrap());
            a = own.unwrap().dispersion;
        }
        let own = own.unwrap();
        // by arithmetic of 50 digits
        assert!((a / 3.333_888_971_203_140_5e-4 - 1.0).abs() < 1e-9, "{own:?}");
        assert!((own.standard_error / 1.291_568_307_744_057_5e-2 - 1.0).abs() < 1e-9, "{own:?}");
        assert!(own.rounding < 1e-7 * a && own.error_rounding < 1e-9 * own.standard_error, "{own:?}");
    }
}
