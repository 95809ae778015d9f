//! Basis functions: what turns one number into several features.
//!
//! Whether a basis is *evaluated* at a signal or *convolved* with it is a property of the feature, not of the
//! basis: a basis only knows its functions on [0, 1]. An evaluated feature rescales its samples to that interval
//! ([`Range`]), a convolved one samples the functions at equal steps ([`Expand::kernel`]).
//!
//! A new basis is one file that holds its type, formula and tests, its `mod` line, and one line in the registry
//! below. The command line and the model file find it there, with its parameters.

mod parameter;
mod raised_cosine_log;
mod range;

use ndarray::Array2;

use crate::registry::family;
use crate::{Error, Result};

pub use parameter::{Declare, Parameter, Value};
pub use raised_cosine_log::RaisedCosineLog;
pub use range::Range;

family! {
    /// Every basis there is.
    pub enum Basis as Expand {
        /// Raised cosines on a logarithmic axis: narrow near 0, wide near 1.
        RaisedCosineLog = "raised-cosine-log",
    }
}

/// A set of functions on [0, 1].
pub trait Expand {
    /// How many functions there are.
    fn n_functions(&self) -> usize;

    /// Writes every function at every `x`: `out[t, i] = b_i(x[t])`, shape (`x.len()`, functions).
    ///
    /// `x` is meant to lie in [0, 1]; a NaN gives a row of NaN.
    ///
    /// # Errors
    /// [`Error::Length`] if `out` has another shape.
    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()>;

    /// The functions at `window_bins` equal steps from 0 to 1: a convolution kernel, shape (lags, functions),
    /// row 0 = lag 0. A window of one bin is the functions at 0. Not normalised.
    ///
    /// # Errors
    /// [`Error::Argument`] if `window_bins` is 0.
    ///
    /// # Source
    /// The `Conv` bases of `NeMoS`.
    fn kernel(&self, window_bins: usize) -> Result<Array2<f64>> {
        if window_bins == 0 {
            return Err(Error::argument(
                "window of a basis",
                "at least one bin",
                "0 bins",
                "give a longer window or a shorter bin",
            ));
        }
        let last = (window_bins - 1).max(1) as f64;
        let lags: Vec<f64> = (0..window_bins).map(|lag| lag as f64 / last).collect();
        let mut kernel = Array2::zeros((window_bins, self.n_functions()));
        self.expand(&lags, &mut kernel)?;
        Ok(kernel)
    }
}

impl Expand for Basis {
    fn n_functions(&self) -> usize {
        self.member().n_functions()
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        self.member().expand(x, out)
    }

    fn kernel(&self, window_bins: usize) -> Result<Array2<f64>> {
        self.member().kernel(window_bins)
    }
}

/// Checks that `out` has one row per sample and one column per function.
fn check_shape(n_samples: usize, n_functions: usize, out: &Array2<f64>) -> Result<()> {
    for (what, expected, found) in [
        ("rows of the expanded samples", n_samples, out.nrows()),
        ("columns of the expanded samples", n_functions, out.ncols()),
    ] {
        if expected != found {
            return Err(Error::Length { what: what.into(), expected, found });
        }
    }
    Ok(())
}
