//! Basis functions: what turns one number into several features.
//!
//! Whether a basis is *evaluated* at a signal or *convolved* with it is a property of the feature, not of the
//! basis: a basis only knows its functions on [0, 1]. An evaluated feature rescales its samples to that interval
//! ([`Scale`]), a convolved one samples the functions at equal steps ([`Expand::kernel`]).
//!
//! A new basis is one file that holds its type, formula and tests, its `mod` line, and one line in the registry
//! below. The command line and the model file find it there, with its parameters. What cannot be stored
//! ([`Custom`]) or says nothing alone ([`Zero`]), and what takes several signals ([`FourierGrid`]), is not in the
//! registry: programs have it. [`Composition`] adds and multiplies.

mod bspline;
mod composition;
mod custom;
mod cyclic_bspline;
mod fourier;
mod fourier_grid;
mod history;
mod identity;
mod mspline;
mod orth_exponential;
mod parameter;
mod raised_cosine;
mod raised_cosine_linear;
mod raised_cosine_log;
mod range;
mod scale;
mod spline;
mod zero;

use std::fmt;

use ndarray::Array2;

use crate::registry::family;
use crate::{Error, Result};

pub use bspline::BSpline;
pub use composition::{Composition, GridValues};
pub use custom::{Custom, Function};
pub use cyclic_bspline::CyclicBSpline;
pub use fourier::Fourier;
pub use fourier_grid::FourierGrid;
pub use history::History;
pub use identity::Identity;
pub use mspline::MSpline;
pub use orth_exponential::OrthExponential;
pub use parameter::{Declare, Parameter, Value, number_text};
pub use raised_cosine_linear::RaisedCosineLinear;
pub use raised_cosine_log::RaisedCosineLog;
pub use range::Range;
pub use scale::Scale;
pub use zero::Zero;

family! {
    /// Every basis there is.
    pub enum Basis as Expand {
        /// Raised cosines on a logarithmic axis: narrow near 0, wide near 1.
        RaisedCosineLog = "raised-cosine-log",
        /// Raised cosines on a linear axis: equally wide.
        RaisedCosineLinear = "raised-cosine-linear",
        /// B-splines: smooth local bumps that sum to 1.
        BSpline = "bspline",
        /// B-splines on a circle.
        CyclicBSpline = "cyclic-bspline",
        /// B-splines of area 1.
        MSpline = "mspline",
        /// Decaying exponentials, made orthonormal.
        OrthExponential = "orth-exponential",
        /// Cosines and sines of a periodic signal.
        Fourier = "fourier",
        /// The signal as it is.
        Identity = "identity",
        /// Every bin of a window for itself.
        History = "history",
    }
}

/// What the samples of an evaluated feature are to a basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Places in a range, outside of which the basis has no values.
    Range,
    /// Places in a range that repeats: none is outside.
    Periodic,
    /// Numbers that are taken as they are; only a range that was given bounds them.
    Samples,
}

impl Domain {
    /// Whether a sample is outside.
    pub fn is_outside(self, scale: &Scale, x: f64) -> bool {
        self != Self::Periodic && scale.excludes(x)
    }
}

/// Which functions of a basis stand side by side: what a smoothness penalty compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbours {
    /// Each one and the next.
    Line,
    /// The last and the first, too.
    Circle,
    /// None: they have no order.
    None,
}

/// What can be made of a basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Evaluated and convolved features.
    Both,
    /// Only evaluated ones.
    Evaluated,
    /// Only convolved ones.
    Convolved,
}

/// A set of functions on [0, 1].
pub trait Expand: fmt::Debug + Send + Sync {
    /// How many functions there are.
    fn n_functions(&self) -> usize;

    /// Writes every function at every `x`: `out[t, i] = b_i(x[t])`, shape (`x.len()`, functions).
    ///
    /// `x` is meant to lie in [0, 1]; a NaN gives a row of NaN.
    ///
    /// # Errors
    /// [`Error::Length`] if `out` has another shape, [`Error::Argument`] for a basis that is only convolved.
    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()>;

    /// How many functions its kernel has over a window; as many as elsewhere but for a basis that has one per lag.
    fn n_functions_over(&self, window_bins: usize) -> usize {
        let _ = window_bins;
        self.n_functions()
    }

    /// The functions at `window_bins` equal steps from 0 to 1: a convolution kernel, shape (lags, functions),
    /// row 0 = lag 0. A window of one bin is the functions at 0. Not normalised.
    ///
    /// # Errors
    /// [`Error::Argument`] if `window_bins` is 0 or too few for the functions.
    ///
    /// # Source
    /// The `Conv` bases of `NeMoS`.
    fn kernel(&self, window_bins: usize) -> Result<Array2<f64>> {
        let lags = lags(window_bins)?;
        let mut kernel = Array2::zeros((window_bins, self.n_functions()));
        self.expand(&lags, &mut kernel)?;
        Ok(kernel)
    }

    /// What samples are to it.
    fn domain(&self) -> Domain {
        Domain::Range
    }

    /// Which of its functions stand side by side.
    fn neighbours(&self) -> Neighbours {
        Neighbours::Line
    }

    /// What can be made of it.
    fn usage(&self) -> Use {
        Use::Both
    }

    /// What takes samples of this range to its functions; `samples` are those of `what`, the first ones it sees.
    ///
    /// # Errors
    /// [`Error::Argument`] if there are too few of them for the functions.
    fn scale(&self, what: &str, samples: &[f64], range: Range) -> Result<Scale> {
        let _ = (what, samples);
        Ok(range.into())
    }

    /// Writes every function at samples on the axis of the signal, shape (samples, functions): on the scale of their
    /// range, or as they are if that is their domain. Whether they lie outside is not asked here; see [`Composition`].
    ///
    /// # Errors
    /// Those of [`Expand::expand`].
    fn evaluate(&self, scale: &Scale, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        match self.domain() {
            Domain::Samples => self.expand(x, out),
            Domain::Range | Domain::Periodic => self.expand(&scale.rescale(x), out),
        }
    }
}

impl Expand for Basis {
    fn n_functions(&self) -> usize {
        self.member().n_functions()
    }

    fn expand(&self, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        self.member().expand(x, out)
    }

    fn n_functions_over(&self, window_bins: usize) -> usize {
        self.member().n_functions_over(window_bins)
    }

    fn kernel(&self, window_bins: usize) -> Result<Array2<f64>> {
        self.member().kernel(window_bins)
    }

    fn domain(&self) -> Domain {
        self.member().domain()
    }

    fn neighbours(&self) -> Neighbours {
        self.member().neighbours()
    }

    fn usage(&self) -> Use {
        self.member().usage()
    }

    fn scale(&self, what: &str, samples: &[f64], range: Range) -> Result<Scale> {
        self.member().scale(what, samples, range)
    }

    fn evaluate(&self, scale: &Scale, x: &[f64], out: &mut Array2<f64>) -> Result<()> {
        self.member().evaluate(scale, x, out)
    }
}

/// Functions of the largest basis, in a file or typed: a mistake is not to fill memory.
pub const MOST_FUNCTIONS: usize = 100_000;

/// Refuses more functions than any basis has.
fn check_most(basis: &str, n_functions: usize) -> Result<()> {
    if n_functions <= MOST_FUNCTIONS {
        return Ok(());
    }
    Err(Error::argument(
        format!("number of functions of {basis}"),
        format!("at most {MOST_FUNCTIONS}"),
        n_functions.to_string(),
        format!("give 5 to 10 functions, as in {basis}(8)"),
    ))
}

/// Equal steps from 0 to 1, one per bin of a window.
fn lags(window_bins: usize) -> Result<Vec<f64>> {
    if window_bins == 0 {
        return Err(Error::argument(
            "window of a basis",
            "at least one bin",
            "0 bins",
            "give a longer window or a shorter bin",
        ));
    }
    let last = (window_bins - 1).max(1) as f64;
    Ok((0..window_bins).map(|lag| lag as f64 / last).collect())
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
