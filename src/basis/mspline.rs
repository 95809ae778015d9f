//! M-splines: B-splines scaled so that each has area 1.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::spline::{ORDER, PARAMETERS, Shape};
use super::{Declare, Expand, Parameter, Scale, Value, check_shape};
use crate::{Error, Result};

/// M-splines: non-negative, each with area 1 over the axis of the signal.
///
/// With `B` functions of order k on the knots `t` of [`super::BSpline`], and `r` the width of the range that is
/// mapped onto [0, 1] (1 in a kernel):
///
/// ```text
/// m_i = k / (t_{i+k} - t_i) b_i / r
/// ```
///
/// They are 0 outside [0, 1].
///
/// # Source
/// Ramsay 1988 (Statistical Science 3:425); the scale is that of `MSpline` in `NeMoS`, whose last function is 0 at
/// the largest sample in single precision. Here both ends belong to the range in every precision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Shape", into = "Shape")]
pub struct MSpline {
    shape: Shape,
}

impl TryFrom<Shape> for MSpline {
    type Error = Error;

    fn try_from(shape: Shape) -> Result<Self> {
        Ok(Self { shape: shape.check("mspline", 1)? })
    }
}

impl From<MSpline> for Shape {
    fn from(basis: MSpline) -> Self {
        basis.shape
    }
}

impl MSpline {
    /// `n_functions` cubic M-splines (order 4).
    ///
    /// # Errors
    /// [`Error::Argument`] for fewer than 4 functions.
    pub fn new(n_functions: usize) -> Result<Self> {
        Self::of_order(n_functions, ORDER)
    }

    /// `n_functions` M-splines of this order, one more than the degree of their pieces.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `1 <= order <= n_functions`.
    pub fn of_order(n_functions: usize, order: usize) -> Result<Self> {
        Shape { n_functions, order }.try_into()
    }
}

impl Expand for MSpline {
    fn n_functions(&self) -> usize {
        self.shape.n_functions
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        check_shape(x.len(), self.shape.n_functions, out)?;
        let order = self.shape.order;
        for (&u, mut row) in x.iter().zip(out.rows_mut()) {
            if (0.0..=1.0).contains(&u) {
                self.shape.write(u, row.view_mut());
                for (i, value) in row.iter_mut().enumerate() {
                    *value *= order as f64 / (self.shape.knot(i + order) - self.shape.knot(i));
                }
            } else {
                row.fill(if u.is_nan() { f64::NAN } else { 0.0 });
            }
        }
        Ok(())
    }

    fn evaluate(&self, scale: &Scale, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        self.expand(&scale.rescale(x), out)?;
        *out /= scale.width();
        Ok(())
    }
}

impl Declare for MSpline {
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
    use crate::basis::Range;

    #[test]
    fn published_values_and_half_of_them_over_twice_the_range() {
        let (basis, mut out) = (MSpline::new(5).unwrap(), Array2::zeros((1, 5)));
        basis.expand(&[0.25], &mut out).unwrap();
        assert_eq!(out.row(0).to_vec(), [1.0, 2.375, 1.0, 0.125, 0.0]);
        let scale = Scale::from(Range::new(3.0, 5.0).unwrap());
        basis.evaluate(&scale, &[3.5], &mut out).unwrap();
        assert_eq!(out.row(0).to_vec(), [0.5, 1.1875, 0.5, 0.0625, 0.0]);
    }

    #[test]
    fn every_function_has_area_one() {
        for (n_functions, order) in [(3, 1), (6, 2), (7, 4)] {
            let basis = MSpline::of_order(n_functions, order).unwrap();
            let n = 8000;
            let x: Vec<f64> = (0..n).map(|k| (f64::from(k) + 0.5) / f64::from(n)).collect();
            let mut out = Array2::zeros((x.len(), n_functions));
            basis.expand(&x, &mut out).unwrap();
            for column in out.columns() {
                let area = column.sum() / f64::from(n);
                assert!((area - 1.0).abs() < 1e-3, "{order}: {area}");
            }
        }
    }

    /// The last row is not lost, as it is where knots beyond 1 round to 1.
    #[test]
    fn the_largest_sample_is_inside_in_single_precision_too() {
        let kernel = MSpline::new(4).unwrap().kernel(6).unwrap().mapv(|x| x as f32);
        assert_eq!(kernel.row(5).to_vec(), [0.0, 0.0, 0.0, 4.0]);
        assert!(MSpline::new(2).is_err());
    }
}
