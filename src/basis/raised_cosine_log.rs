//! Raised cosines on a logarithmic axis.
//!
//! The usual basis for the memory of a neuron: what happened a millisecond ago matters in detail, what happened
//! a fifth of a second ago only roughly. Each function has a compact support, so most taps of its kernel are 0.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::raised_cosine::{WIDTH, check_n_functions, check_width, write};
use super::{Declare, Expand, Parameter, Value, check_shape};
use crate::{Error, Result};

/// Log-spaced raised cosines.
///
/// With `B` functions, `width` w and `time_scaling` s:
///
/// ```text
/// v   = ln(1 + s u) / ln(1 + s)
/// c_i = i L / (B - 1),   L = 1 - w / (B + w - 1) if the last function decays to zero at u = 1, else 1
/// b_i = (1 + cos(clip(pi (v - c_i) / (w d), -pi, pi))) / 2,   d = c_1 - c_0
/// ```
///
/// # Source
/// Pillow et al. 2005 (J. Neurosci. 25:11003) for the idea; the parametrisation is that of `RaisedCosineLog` in
/// `NeMoS`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct RaisedCosineLog {
    n_functions: usize,
    width: f64,
    time_scaling: f64,
    enforce_decay_to_zero: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    n_functions: usize,
    width: f64,
    time_scaling: f64,
    enforce_decay_to_zero: bool,
}

impl TryFrom<Unchecked> for RaisedCosineLog {
    type Error = Error;

    fn try_from(given: Unchecked) -> Result<Self> {
        let Unchecked { n_functions, width, time_scaling, enforce_decay_to_zero } = given;
        Self::new(n_functions)?
            .with_width(width)?
            .with_time_scaling(time_scaling)
            .map(|basis| Self { enforce_decay_to_zero, ..basis })
    }
}

impl RaisedCosineLog {
    /// `n_functions` functions of width 2, time scaling 50, the last one decaying to zero.
    ///
    /// # Errors
    /// [`Error::Argument`] for fewer than 2 functions.
    pub fn new(n_functions: usize) -> Result<Self> {
        check_n_functions("raised-cosine-log", n_functions)?;
        Ok(Self { n_functions, width: WIDTH, time_scaling: 50.0, enforce_decay_to_zero: true })
    }

    /// The same with another width: each function spans `2 width` centre distances, so 2 means that the
    /// neighbours overlap and all functions sum to a constant in the middle.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `width > 1` and `2 width` is a whole number.
    pub fn with_width(self, width: f64) -> Result<Self> {
        check_width("raised-cosine-log", width)?;
        Ok(Self { width, ..self })
    }

    /// The same with another time scaling: the larger, the more functions crowd at small lags.
    ///
    /// # Errors
    /// [`Error::Argument`] unless it is finite and positive.
    pub fn with_time_scaling(self, time_scaling: f64) -> Result<Self> {
        if time_scaling.is_finite() && time_scaling > 0.0 {
            return Ok(Self { time_scaling, ..self });
        }
        Err(Error::argument(
            "time scaling of raised-cosine-log",
            "a positive number",
            time_scaling.to_string(),
            "use time-scaling=50 (the default); larger values put more functions at small lags",
        ))
    }

    /// The same with the last centre at 1, so that the last function ends at its peak.
    #[must_use]
    pub fn without_decay_to_zero(self) -> Self {
        Self { enforce_decay_to_zero: false, ..self }
    }

    /// The distance of two neighbouring centres on the logarithmic axis.
    fn spacing(&self) -> f64 {
        let n = self.n_functions as f64;
        let last = if self.enforce_decay_to_zero { 1.0 - self.width / (n + self.width - 1.0) } else { 1.0 };
        last / (n - 1.0)
    }
}

impl Expand for RaisedCosineLog {
    fn n_functions(&self) -> usize {
        self.n_functions
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        check_shape(x.len(), self.n_functions, out)?;
        let spacing = self.spacing();
        let whole = self.time_scaling.ln_1p();
        for (&u, row) in x.iter().zip(out.rows_mut()) {
            write((self.time_scaling * u).ln_1p() / whole, spacing, self.width, row);
        }
        Ok(())
    }
}

impl Declare for RaisedCosineLog {
    const PARAMETERS: &'static [Parameter] = &[
        Parameter { name: "n-functions", default: Value::Count(0), required: true },
        Parameter { name: "width", default: Value::Number(WIDTH), required: false },
        Parameter { name: "time-scaling", default: Value::Number(50.0), required: false },
        Parameter { name: "decay-to-zero", default: Value::Flag(true), required: false },
    ];

    fn from_values(values: &[Value]) -> Result<Self> {
        match *values {
            [
                Value::Count(n_functions),
                Value::Number(width),
                Value::Number(time_scaling),
                Value::Flag(enforce_decay_to_zero),
            ] => Unchecked { n_functions, width, time_scaling, enforce_decay_to_zero }.try_into(),
            _ => Err(Self::wrong_values(values)),
        }
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::Count(self.n_functions),
            Value::Number(self.width),
            Value::Number(self.time_scaling),
            Value::Flag(self.enforce_decay_to_zero),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_at_a_quarter(basis: &RaisedCosineLog) -> Vec<f64> {
        let mut out = Array2::zeros((1, basis.n_functions()));
        basis.expand(&[0.25], &mut out).unwrap();
        out.into_raw_vec_and_offset().0
    }

    fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() <= tolerance, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn published_values() {
        let basis = RaisedCosineLog::new(4).unwrap();
        assert_near(&row_at_a_quarter(&basis), &[0.0, 0.0, 0.266_193, 0.941_966], 5e-7);
        let ends_at_peak = basis.without_decay_to_zero();
        assert_near(&row_at_a_quarter(&ends_at_peak), &[0.000_123_27, 0.511_102, 0.999_877, 0.488_898], 5e-7);
    }

    #[test]
    fn first_function_peaks_at_zero_and_all_vanish_at_one() {
        for n in [2, 3, 8, 20] {
            for width in [1.5, 2.0, 3.5] {
                let basis = RaisedCosineLog::new(n).unwrap().with_width(width).unwrap();
                let kernel = basis.kernel(50).unwrap();
                assert_eq!(kernel[[0, 0]], 1.0);
                assert!(kernel.row(49).iter().all(|v| v.abs() < 1e-15), "{n} {width}: {}", kernel.row(49));
                assert!(kernel.iter().all(|v| (0.0..=1.0).contains(v)));
            }
        }
    }

    #[test]
    fn a_tiny_time_scaling_is_the_linear_axis() {
        let basis = RaisedCosineLog::new(4).unwrap().with_time_scaling(1e-300).unwrap();
        let linear = basis.without_decay_to_zero();
        assert_near(&row_at_a_quarter(&linear), &[0.691_342, 0.961_940, 0.308_658, 0.0], 5e-7);
    }

    #[test]
    fn nan_gives_a_row_of_nan() {
        let basis = RaisedCosineLog::new(3).unwrap();
        let mut out = Array2::zeros((2, 3));
        basis.expand(&[f64::NAN, 0.0], &mut out).unwrap();
        assert!(out.row(0).iter().all(|v| v.is_nan()) && out.row(1).iter().all(|v| v.is_finite()));
    }

    #[test]
    fn parameters_outside_their_domain_are_refused() {
        assert!(RaisedCosineLog::new(1).is_err());
        let basis = || RaisedCosineLog::new(4).unwrap();
        for width in [1.0, 0.5, 2.25, f64::NAN, f64::INFINITY] {
            assert!(basis().with_width(width).is_err(), "{width}");
        }
        for scaling in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(basis().with_time_scaling(scaling).is_err(), "{scaling}");
        }
        assert!(basis().kernel(0).is_err());
        assert!(basis().expand(&[0.5], &mut Array2::zeros((1, 3))).is_err());
        assert!(basis().expand(&[0.5], &mut Array2::zeros((2, 4))).is_err());
    }

    #[test]
    fn a_stored_basis_reads_back_and_is_checked() {
        let basis = RaisedCosineLog::new(5).unwrap().with_width(2.5).unwrap();
        let stored = serde_json::to_string(&basis).unwrap();
        assert_eq!(serde_json::from_str::<RaisedCosineLog>(&stored).unwrap(), basis);
        assert!(serde_json::from_str::<RaisedCosineLog>(&stored.replace("2.5", "0.5")).is_err());
    }
}
