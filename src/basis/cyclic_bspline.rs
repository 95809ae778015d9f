//! Cyclic B-splines: for angles and phases, where the end of the axis is its beginning.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::spline::{ORDER, PARAMETERS, Shape};
use super::{Declare, Expand, Neighbours, Parameter, Value, check_shape};
use crate::{Error, Result};

/// Cyclic B-splines: one bump shifted `B` times around a circle.
///
/// With `B` functions of order k and `M_k` the cardinal B-spline on [0, k]:
///
/// ```text
/// M_1(s) = 1 if 0 <= s < 1, else 0
/// M_k(s) = (s M_{k-1}(s) + (k - s) M_{k-1}(s - 1)) / (k - 1)
/// b_i    = M_k((u B - (i - k + 1)) mod B)
/// ```
///
/// They sum to 1 everywhere, u = 0 and u = 1 have the same values, and u outside [0, 1] wraps around. Give the range
/// of a whole turn, as in `range=0:360`: without it the smallest and the largest sample count as the same angle.
///
/// # Source
/// `CyclicBSpline` of `NeMoS`, which does not wrap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Shape", into = "Shape")]
pub struct CyclicBSpline {
    shape: Shape,
}

impl TryFrom<Shape> for CyclicBSpline {
    type Error = Error;

    fn try_from(shape: Shape) -> Result<Self> {
        Ok(Self { shape: shape.check("cyclic-bspline", 2)? })
    }
}

impl From<CyclicBSpline> for Shape {
    fn from(basis: CyclicBSpline) -> Self {
        basis.shape
    }
}

impl CyclicBSpline {
    /// `n_functions` cubic cyclic B-splines (order 4).
    ///
    /// # Errors
    /// [`Error::Argument`] for fewer than 4 functions.
    pub fn new(n_functions: usize) -> Result<Self> {
        Self::of_order(n_functions, ORDER)
    }

    /// `n_functions` cyclic B-splines of this order, one more than the degree of their pieces.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `2 <= order <= n_functions`.
    pub fn of_order(n_functions: usize, order: usize) -> Result<Self> {
        Shape { n_functions, order }.try_into()
    }
}

/// The cardinal B-spline on [0, `values.len()`]; `values` is scratch.
fn cardinal(s: f64, values: &mut [f64]) -> f64 {
    let order = values.len();
    if s >= order as f64 {
        return 0.0;
    }
    // values of ever higher orders: number j belongs to s - j
    for (j, value) in values.iter_mut().enumerate() {
        *value = f64::from(u8::from((0.0..1.0).contains(&(s - j as f64))));
    }
    for m in 2..=order {
        for j in 0..=order - m {
            let at = s - j as f64;
            values[j] = (at * values[j] + (m as f64 - at) * values[j + 1]) / (m as f64 - 1.0);
        }
    }
    values[0]
}

impl Expand for CyclicBSpline {
    fn neighbours(&self) -> Neighbours {
        Neighbours::Circle
    }

    fn n_functions(&self) -> usize {
        self.shape.n_functions
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        check_shape(x.len(), self.shape.n_functions, out)?;
        let (n, order) = (self.shape.n_functions as f64, self.shape.order);
        let mut scratch = vec![0.0; order];
        for (&u, row) in x.iter().zip(out.rows_mut()) {
            // rounding may take a tiny negative number to 1
            let turn = u.rem_euclid(1.0) % 1.0;
            for (i, value) in row.into_iter().enumerate() {
                *value = if turn.is_nan() {
                    f64::NAN
                } else {
                    cardinal((turn * n + (order - 1) as f64 - i as f64).rem_euclid(n), &mut scratch)
                };
            }
        }
        Ok(())
    }
}

impl Declare for CyclicBSpline {
    const PARAMETERS: &'static [Parameter] = PARAMETERS;

    fn from_values(values: &[Value]) -> Result<Self> {
        Shape::from_values(values).ok_or_else(|| Self::wrong_values(values))?.try_into()
    }

    fn values(&self) -> Vec<Value> {
        self.shape.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_wraps_around() {
        for (n, order) in [(5, 4), (2, 2), (4, 4), (7, 3)] {
            let basis = CyclicBSpline::of_order(n, order).unwrap();
            let mut out = Array2::zeros((6, n));
            basis.expand(&[0.0, 1.0, 0.3, -0.7, 2.3, -1e-20], &mut out).unwrap();
            assert_eq!(out.row(0), out.row(1));
            assert_eq!(out.row(0), out.row(5));
            for (a, b) in [(2, 3), (2, 4)] {
                assert!((&out.row(a) - &out.row(b)).iter().all(|apart| apart.abs() < 1e-14));
            }
            assert!(out.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-14));
        }
    }

    #[test]
    fn published_values() {
        let mut out = Array2::zeros((2, 5));
        CyclicBSpline::new(5).unwrap().expand(&[0.25, 0.0], &mut out).unwrap();
        let expected = [0.0, 0.070_312_5, 0.611_979, 0.315_104, 0.002_604_17];
        assert!(out.row(0).iter().zip(expected).all(|(a, b)| (a - b).abs() < 5e-7), "{out}");
        let expected = [1.0 / 6.0, 2.0 / 3.0, 1.0 / 6.0, 0.0, 0.0];
        assert!(out.row(1).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{out}");
    }

    #[test]
    fn parameters_outside_their_domain_are_refused() {
        assert!(CyclicBSpline::new(3).is_err() && CyclicBSpline::of_order(3, 1).is_err());
        assert!(serde_json::from_str::<CyclicBSpline>(r#"{"n_functions":3,"order":1}"#).is_err());
    }
}
