//! Certificates once more, from scratch, by the slow and obvious path.
//!
//! What a fit says of its optimum is computed by kernels, convolutions and objectives that were written to be fast. Here the same
//! numbers are computed from their formulas, row by row and column by column, and shared with a fit is nothing but what the
//! numbers are about: the readers of files, the binning of spikes and signals, the functions of a basis at every lag, and the definition
//! of the penalty. They say which problem is solved, not how well, and are compared with other programs and formulas of their own where
//! they are tested: an error in them would be one in the data of both computations, which no certificate can show. Nothing
//! below `backend`, `design` or `objective` has a part in it, and of the solvers only what the ends of a fit are called.
//!
//! A row of the design is a list of numbers ([`Rows`]); of a recording [`PlainFeature`] makes them with a loop over lags, functions and
//! channels. [`certify`] walks over the rows: means and deviations; then, with compensated sums, linear predictor, mean, loss, gradient,
//! magnitudes; then the weighted Hessian, which a Cholesky factorisation with pivots solves; and of a
//! dispersion that was estimated the most likely one at these means. [`certify_classes`] does so for responses
//! that are one of several classes. A [`Verdict`] compares what was found with what a fit stored.
//!
//! Predictors are dot products of coefficients and columns as they came, in twice the precision, so that the numbers belong to the
//! coefficients that are reported and to no others. What rounding may be of a residual is computed beside it: below that two residuals
//! cannot be told apart, and are not.

mod class_curvature;
mod classes;
mod determined;
mod dispersion;
mod features;
mod linear;
mod moments;
mod nulls;
mod penalty;
mod pointwise;
mod residual;
mod rows;
mod target;
mod verdict;

#[cfg(test)]
mod tests;

pub use classes::{ClassProblem, certify_classes};
pub use dispersion::MostLikely;
pub use features::PlainFeature;
pub use moments::Moments;
pub use rows::{MOST_PARTS, MatrixRows, Rows};
pub use target::{Found, Problem, certify};
pub use verdict::{Comparison, Stored, Verdict};
