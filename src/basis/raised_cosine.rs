//! What the raised cosines on both axes share.

use std::f64::consts::PI;

use ndarray::ArrayViewMut1;

use super::check_most;
use crate::{Error, Result};

/// The width that overlaps neighbours so that all functions sum to a constant in the middle.
pub(super) const WIDTH: f64 = 2.0;

/// Refuses a number of functions without two centres.
pub(super) fn check_n_functions(basis: &str, n_functions: usize) -> Result<()> {
    if n_functions >= 2 {
        return check_most(basis, n_functions);
    }
    Err(Error::argument(
        format!("number of functions of {basis}"),
        "2 or more",
        n_functions.to_string(),
        format!("give 5 to 10 functions, as in {basis}(8)"),
    ))
}

/// Refuses a width with which the functions would not overlap evenly.
pub(super) fn check_width(basis: &str, width: f64) -> Result<()> {
    if width.is_finite() && width > 1.0 && (2.0 * width).fract() == 0.0 {
        return Ok(());
    }
    Err(Error::argument(
        format!("width of {basis}"),
        "a number above 1 in steps of 0.5",
        width.to_string(),
        "use width=1.5, 2 (the default), 2.5 and so on",
    ))
}

/// Writes the cosines around the centres `i spacing` at the place `v`:
/// `(1 + cos(clip(pi (v - i spacing) / (spacing width), -pi, pi))) / 2`.
pub(super) fn write(v: f64, spacing: f64, width: f64, row: ArrayViewMut1<f64>) {
    for (i, value) in row.into_iter().enumerate() {
        let centre = i as f64 * spacing;
        let angle = PI * (v - centre) / (spacing * width);
        // beyond its support a function is 0, which need not be computed; NaN is not beyond it
        *value = if angle.abs() >= PI { 0.0 } else { f64::midpoint(1.0, angle.cos()) };
    }
}
