//! Decaying exponentials, made orthonormal on the samples.
//!
//! Exponentials with near rates are so alike that their coefficients are hardly told apart. On orthonormal
//! combinations of them they are, and the model is the same.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Declare, Expand, Neighbours, Parameter, Range, Scale, Value, check_shape};
use crate::{Error, Result};

/// Rows that are made orthonormal together.
const PIECE: usize = 512;

/// Decaying exponentials, orthonormal over the samples.
///
/// With rates `a_0 .. a_{B-1}` and E the matrix of `e_j(u_t) = exp(-a_j u_t)` of the samples that are known:
///
/// ```text
/// F = E R^-1,   E = Q R with Q'Q = 1, R upper triangular with a positive diagonal
/// ```
///
/// so that F'F = 1 and the first function is the first exponential. On a kernel the samples are the lags. Evaluated,
/// `R^-1` of the training samples is remembered ([`Scale::mixing`]) and expands new data alike.
///
/// [`Expand::expand`] gives the exponentials as they are.
///
/// # Source
/// `OrthExponential` of `NeMoS`, which takes the left singular vectors of E: other axes of the same space, so the
/// projector `F F'` is the same. It leaves out functions of a deficient rank without a word; here that is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct OrthExponential {
    decay_rates: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    decay_rates: Vec<f64>,
}

impl TryFrom<Unchecked> for OrthExponential {
    type Error = Error;

    fn try_from(Unchecked { decay_rates }: Unchecked) -> Result<Self> {
        Self::new(decay_rates)
    }
}

impl OrthExponential {
    /// One function per rate.
    ///
    /// # Errors
    /// [`Error::Argument`] without rates, for a rate that is not finite, and for one that comes twice.
    pub fn new(decay_rates: Vec<f64>) -> Result<Self> {
        let is_new = |(k, rate): (usize, &f64)| rate.is_finite() && !decay_rates[..k].contains(rate);
        if !decay_rates.is_empty() && decay_rates.iter().enumerate().all(is_new) {
            return Ok(Self { decay_rates });
        }
        Err(Error::argument(
            "decay rates of orth-exponential",
            "one or more finite numbers, all different",
            Value::Numbers(decay_rates).to_string(),
            "write them like orth-exponential([1, 3, 9]): a rate of 3 falls to exp(-3) at the end of the axis",
        ))
    }

    /// `R^-1` of the exponentials at these places, NaN left out.
    fn mixing(&self, what: &str, u: &[f64]) -> Result<Array2<f64>> {
        let n = self.decay_rates.len();
        let known: Vec<f64> = u.iter().copied().filter(|u| !u.is_nan()).collect();
        // the triangle of what was seen so far stands for it
        let mut triangle = Array2::<f64>::zeros((0, n));
        for piece in known.chunks(PIECE) {
            let n_above = triangle.nrows();
            let rows =
                Array2::from_shape_fn((n_above + piece.len(), n), |(t, j)| match t.checked_sub(n_above) {
                    Some(t) => (-self.decay_rates[j] * piece[t]).exp(),
                    None => triangle[[t, j]],
                });
            triangle = triangle_of(rows);
        }
        let smallest = f64::EPSILON * known.len().max(n) as f64;
        let is_full = |j: usize| {
            let norm = triangle.column(j).dot(&triangle.column(j)).sqrt();
            triangle[[j, j]] > smallest * norm && norm.is_finite()
        };
        if known.len() < n || !(0..n).all(is_full) {
            return Err(Error::argument(
                format!("orth-exponential of {what}"),
                format!("{n} functions that differ on its {} samples", known.len()),
                format!("fewer, with decay rates {}", Value::Numbers(self.decay_rates.clone())),
                "leave out rates that are nearly alike, or use a longer window or more samples",
            ));
        }
        Ok(inverse(&triangle))
    }
}

/// The triangle R of `rows = Q R`, by Gram-Schmidt, twice so that rounding does not add up.
fn triangle_of(mut rows: Array2<f64>) -> Array2<f64> {
    let n = rows.ncols();
    let mut triangle = Array2::zeros((n, n));
    for j in 0..n {
        for _ in 0..2 {
            for i in 0..j {
                let share = rows.column(i).dot(&rows.column(j));
                triangle[[i, j]] += share;
                let before = rows.column(i).to_owned();
                rows.column_mut(j).scaled_add(-share, &before);
            }
        }
        let norm = rows.column(j).dot(&rows.column(j)).sqrt();
        triangle[[j, j]] = norm;
        if norm > 0.0 {
            rows.column_mut(j).mapv_inplace(|x| x / norm);
        }
    }
    triangle
}

/// The inverse of an upper triangle without a 0 on its diagonal.
fn inverse(triangle: &Array2<f64>) -> Array2<f64> {
    let n = triangle.ncols();
    let mut inverse = Array2::zeros((n, n));
    for j in 0..n {
        inverse[[j, j]] = 1.0 / triangle[[j, j]];
        for i in (0..j).rev() {
            let sum: f64 = (i + 1..=j).map(|k| triangle[[i, k]] * inverse[[k, j]]).sum();
            inverse[[i, j]] = -sum / triangle[[i, i]];
        }
    }
    inverse
}

impl Expand for OrthExponential {
    fn neighbours(&self) -> Neighbours {
        Neighbours::None
    }

    fn n_functions(&self) -> usize {
        self.decay_rates.len()
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        check_shape(x.len(), self.decay_rates.len(), out)?;
        for (&u, mut row) in x.iter().zip(out.rows_mut()) {
            row.iter_mut().zip(&self.decay_rates).for_each(|(value, rate)| *value = (-rate * u).exp());
        }
        Ok(())
    }

    fn kernel(&self, window_bins: usize) -> Result<Array2<f64>> {
        let lags = super::lags(window_bins)?;
        let mut kernel = Array2::zeros((window_bins, self.n_functions()));
        self.expand(&lags, &mut kernel)?;
        Ok(kernel.dot(&self.mixing(&format!("a window of {window_bins} bins"), &lags)?))
    }

    fn scale(&self, what: &str, samples: &[f64], range: Range) -> Result<Scale> {
        let mixing = self.mixing(what, &range.rescale(samples))?;
        Ok(Scale::from(range).mixed(mixing))
    }

    fn evaluate(&self, scale: &Scale, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        self.expand(&scale.rescale(x), out)?;
        let n = self.n_functions();
        match scale.mixing() {
            Some(mixing) if mixing.nrows() == n => {
                let mixed = out.dot(mixing);
                out.assign(&mixed);
            }
            Some(mixing) => {
                let what = "mixed functions of orth-exponential".into();
                return Err(Error::Length { what, expected: n, found: mixing.nrows() });
            }
            None => {}
        }
        Ok(())
    }
}

impl Declare for OrthExponential {
    const PARAMETERS: &'static [Parameter] =
        &[Parameter { name: "decay-rates", default: Value::Numbers(Vec::new()), required: true }];

    fn from_values(values: &[Value]) -> Result<Self> {
        match values {
            [Value::Numbers(decay_rates)] => Self::new(decay_rates.clone()),
            _ => Err(Self::wrong_values(values)),
        }
    }

    fn values(&self) -> Vec<Value> {
        vec![Value::Numbers(self.decay_rates.clone())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_orthonormal(functions: &Array2<f64>, what: &str) {
        let apart = functions.t().dot(functions) - Array2::<f64>::eye(functions.ncols());
        assert!(apart.iter().all(|x| x.abs() < 1e-12), "{what}: {apart}");
    }

    #[test]
    fn kernels_are_orthonormal_and_begin_with_the_first_exponential() {
        let basis = OrthExponential::new(vec![1.0, 3.0, 9.0, 20.0]).unwrap();
        for window in [4, 40, 1500] {
            let kernel = basis.kernel(window).unwrap();
            assert_orthonormal(&kernel, &window.to_string());
            let ratio = kernel[[window - 1, 0]] / kernel[[0, 0]];
            assert!((ratio - (-1.0_f64).exp()).abs() < 1e-14 && kernel[[0, 0]] > 0.0);
        }
        assert!(basis.kernel(3).is_err() && basis.kernel(0).is_err());
    }

    #[test]
    fn samples_are_mixed_once_and_new_ones_alike() {
        let basis = OrthExponential::new(vec![2.0, 5.0, 0.5]).unwrap();
        let mut samples: Vec<f64> = (0..1300).map(|k| 7.0 + f64::from(k * 37 % 501)).collect();
        samples[3] = f64::NAN;
        let scale = basis.scale("x", &samples, Range::of("x", &samples).unwrap()).unwrap();
        let mut all = Array2::zeros((samples.len(), 3));
        basis.evaluate(&scale, &samples, &mut all).unwrap();
        assert!(all.row(3).iter().all(|x| x.is_nan()));
        let mut few = Array2::zeros((2, 3));
        basis.evaluate(&scale, &samples[10..12], &mut few).unwrap();
        assert_eq!(few.row(1), all.row(11));
        all.row_mut(3).fill(0.0);
        assert_orthonormal(&all, "samples");
        let wrong = Scale::from(Range::new(0.0, 1.0).unwrap()).mixed(Array2::eye(2));
        assert!(basis.evaluate(&wrong, &[0.5, 0.6], &mut few).is_err());
    }

    #[test]
    fn rates_that_cannot_be_told_apart_are_refused() {
        for rates in [vec![], vec![1.0, 1.0], vec![f64::NAN]] {
            assert!(OrthExponential::new(rates).is_err());
        }
        let near = OrthExponential::new(vec![1.0, 1.0 + 1e-15]).unwrap();
        assert!(near.kernel(100).is_err());
        let samples = [1.0, 1.0, 1.0];
        let range = Range::of("x", &samples).unwrap();
        assert!(OrthExponential::new(vec![1.0, 2.0]).unwrap().scale("x", &samples, range).is_err());
        assert!(serde_json::from_str::<OrthExponential>(r#"{"decay_rates": [2, 2]}"#).is_err());
    }
}
