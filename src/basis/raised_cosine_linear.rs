//! Raised cosines on a linear axis: equally wide bumps, equally far apart.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::raised_cosine::{WIDTH, check_n_functions, check_width, write};
use super::{Declare, Expand, Parameter, Value, check_shape};
use crate::{Error, Result};

/// Linearly spaced raised cosines.
///
/// With `B` functions and `width` w, on u in [0, 1]:
///
/// ```text
/// c_i = i / (B - 1),   d = 1 / (B - 1)
/// b_i = (1 + cos(clip(pi (u - c_i) / (w d), -pi, pi))) / 2
/// ```
///
/// # Source
/// `RaisedCosineLinear` of `NeMoS`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct RaisedCosineLinear {
    n_functions: usize,
    width: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    n_functions: usize,
    width: f64,
}

impl TryFrom<Unchecked> for RaisedCosineLinear {
    type Error = Error;

    fn try_from(Unchecked { n_functions, width }: Unchecked) -> Result<Self> {
        Self::new(n_functions)?.with_width(width)
    }
}

impl RaisedCosineLinear {
    /// `n_functions` functions of width 2.
    ///
    /// # Errors
    /// [`Error::Argument`] for fewer than 2 functions.
    pub fn new(n_functions: usize) -> Result<Self> {
        check_n_functions("raised-cosine-linear", n_functions)?;
        Ok(Self { n_functions, width: WIDTH })
    }

    /// The same with another width: each function spans `2 width` centre distances.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `width > 1` and `2 width` is a whole number.
    pub fn with_width(self, width: f64) -> Result<Self> {
        check_width("raised-cosine-linear", width)?;
        Ok(Self { width, ..self })
    }
}

impl Expand for RaisedCosineLinear {
    fn n_functions(&self) -> usize {
        self.n_functions
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        check_shape(x.len(), self.n_functions, out)?;
        let spacing = 1.0 / (self.n_functions as f64 - 1.0);
        for (&u, row) in x.iter().zip(out.rows_mut()) {
            write(u, spacing, self.width, row);
        }
        Ok(())
    }
}

impl Declare for RaisedCosineLinear {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter { name: "n-functions", default: Value::Count(0), required: true },
        Parameter { name: "width", default: Value::Number(WIDTH), required: false },
    ];

    fn from_values(values: &[Value]) -> Result<Self> {
        match *values {
            [Value::Count(n_functions), Value::Number(width)] => Unchecked { n_functions, width }.try_into(),
            _ => Err(Self::wrong_values(values)),
        }
    }

    fn values(&self) -> Vec<Value> {
        vec![Value::Count(self.n_functions), Value::Number(self.width)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values() {
        for (width, expected) in
            [(2.0, [0.691_342, 0.961_940, 0.308_658, 0.0]), (1.5, [0.5, 0.933_013, 0.066_987_3, 0.0])]
        {
            let basis = RaisedCosineLinear::new(4).unwrap().with_width(width).unwrap();
            let mut out = Array2::zeros((1, 4));
            basis.expand(&[0.25], &mut out).unwrap();
            assert!(out.iter().zip(expected).all(|(a, b)| (a - b).abs() < 5e-7), "{width}: {out}");
        }
    }

    #[test]
    fn the_functions_of_width_2_sum_to_a_constant_between_the_outer_centres() {
        let kernel = RaisedCosineLinear::new(7).unwrap().kernel(61).unwrap();
        for (lag, row) in kernel.rows().into_iter().enumerate().filter(|(lag, _)| (10..=50).contains(lag)) {
            assert!((row.sum() - 2.0).abs() < 1e-14, "{lag}: {}", row.sum());
        }
    }

    #[test]
    fn parameters_outside_their_domain_are_refused() {
        assert!(RaisedCosineLinear::new(1).is_err());
        for width in [1.0, 2.25, f64::NAN] {
            assert!(RaisedCosineLinear::new(4).unwrap().with_width(width).is_err(), "{width}");
        }
        let stored = serde_json::to_string(&RaisedCosineLinear::new(5).unwrap()).unwrap();
        assert!(serde_json::from_str::<RaisedCosineLinear>(&stored.replace('5', "1")).is_err());
    }
}
