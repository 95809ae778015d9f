//! B-splines: smooth local bumps that sum to 1.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::spline::{ORDER, PARAMETERS, Shape};
use super::{Declare, Expand, Parameter, Value, check_shape};
use crate::{Error, Result};

/// B-splines on clamped, equally spaced knots.
///
/// With `B` functions of order k, piecewise polynomials of degree k - 1 by the recursion of Cox and de Boor on the
/// knots `t`, which repeat each end k times:
///
/// ```text
/// t       = [0] * (k - 1), linspace(0, 1, B - k + 2), [1] * (k - 1)
/// b_{i,1} = 1 if t_i <= u < t_{i+1} (the last piece includes u = 1), else 0
/// b_{i,m} = (u - t_i) / (t_{i+m-1} - t_i) b_{i,m-1} + (t_{i+m} - u) / (t_{i+m} - t_{i+1}) b_{i+1,m-1}
/// ```
///
/// They sum to 1 at every u in [0, 1] and are unknown (NaN) outside.
///
/// # Source
/// de Boor 1978, A Practical Guide to Splines; the knots are those of `BSpline` in `NeMoS`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Shape", into = "Shape")]
pub struct BSpline {
    shape: Shape,
}

impl TryFrom<Shape> for BSpline {
    type Error = Error;

    fn try_from(shape: Shape) -> Result<Self> {
        Ok(Self { shape: shape.check("bspline", 1)? })
    }
}

impl From<BSpline> for Shape {
    fn from(basis: BSpline) -> Self {
        basis.shape
    }
}

impl BSpline {
    /// `n_functions` cubic B-splines (order 4).
    ///
    /// # Errors
    /// [`Error::Argument`] for fewer than 4 functions.
    pub fn new(n_functions: usize) -> Result<Self> {
        Self::of_order(n_functions, ORDER)
    }

    /// `n_functions` B-splines of this order, one more than the degree of their pieces.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `1 <= order <= n_functions`.
    pub fn of_order(n_functions: usize, order: usize) -> Result<Self> {
        Shape { n_functions, order }.try_into()
    }
}

impl Expand for BSpline {
    fn n_functions(&self) -> usize {
        self.shape.n_functions
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        check_shape(x.len(), self.shape.n_functions, out)?;
        for (&u, mut row) in x.iter().zip(out.rows_mut()) {
            if (0.0..=1.0).contains(&u) {
                self.shape.write(u, row);
            } else {
                row.fill(f64::NAN);
            }
        }
        Ok(())
    }
}

impl Declare for BSpline {
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
    fn published_values() {
        let mut out = Array2::zeros((3, 5));
        BSpline::new(5).unwrap().expand(&[0.25, 1.0, 1.0 + 1e-15], &mut out).unwrap();
        assert_eq!(out.row(0).to_vec(), [0.125, 0.59375, 0.25, 0.03125, 0.0]);
        assert_eq!(out.row(1).to_vec(), [0.0, 0.0, 0.0, 0.0, 1.0]);
        assert!(out.row(2).iter().all(|x| x.is_nan()));
    }

    #[test]
    fn parameters_outside_their_domain_are_refused() {
        assert!(BSpline::new(3).is_err() && BSpline::of_order(3, 0).is_err());
        assert!(BSpline::of_order(1, 1).is_ok() && BSpline::of_order(2, 3).is_err());
        let stored = serde_json::to_string(&BSpline::new(5).unwrap()).unwrap();
        assert_eq!(stored, r#"{"n_functions":5,"order":4}"#);
        assert!(serde_json::from_str::<BSpline>(&stored.replace('5', "3")).is_err());
    }
}
