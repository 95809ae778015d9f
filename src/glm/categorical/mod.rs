//! Responses that are one of several classes: multinomial logistic regression.
//!
//! Every class `k` has coefficients and an intercept of its own, `eta_k = x·w_k + b_k`, and `P(y = k) = exp(eta_k) / sum_l exp(eta_l)`.
//! A common shift of all classes changes nothing, so that without a penalty the answer of smallest norm is wanted: that whose
//! coefficients sum to 0 over the classes, as those of ridge, smoothness and group lasso do. A fit therefore
//! works with the `K - 1` numbers of [`crate::math::contrasts::Contrasts`] for each column, where nothing is free, and the
//! intercepts sum to 0 as well. Lasso and elastic net are on single coefficients, of which no `K - 1` numbers know: there a fit works with
//! all `K`, and common shifts, which the loss does not see, go to where the penalty is smallest ([`crate::objective::Shift`]); of several such
//! answers that of smallest norm is reported. Solvers, certificate and statuses are those of the other models; the optimality residual is over
//! the columns of every class.
//!
//! # Source
//! Alan Agresti, "Categorical Data Analysis" (2013), section 8.1; classes and penalties as `NeMoS` has them (`ClassifierGLM`).

mod certificate;
mod course;
mod covariance;
mod cross_validation;
mod ending;
mod fitted;
mod held_out;
mod null;
mod penalty;
mod per_target;
mod reliability;
mod response;
mod score;
mod spec;
mod start;
mod steps;

pub use fitted::{ClassCovariance, ClassFit, FittedCategorical};
pub use reliability::{Reliability, reliability, reliability_of_weighted};
pub use response::Labelled;
pub use score::{Confusion, confusion, score_classes, score_weighted_classes};
pub use spec::CategoricalSpec;
pub use start::ClassPoint;
