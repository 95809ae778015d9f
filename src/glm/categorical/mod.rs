//! Responses that are one of several classes: multinomial logistic regression.
//!
//! Every class `k` has coefficients and an intercept of its own, `eta_k = x·w_k + b_k`, and `P(y = k) = exp(eta_k) / sum_l exp(eta_l)`.
//! A common shift of all classes changes nothing, so that without a penalty the answer of smallest norm is wanted: that whose
//! coefficients sum to 0 over the classes, as those of every penalty do that is symmetric in the classes. A fit therefore
//! works with the `K - 1` numbers of [`crate::math::contrasts::Contrasts`] for each column, where nothing is free, and the
//! intercepts sum to 0 as well. Solvers, certificate and statuses are those of the other models; the optimality residual is over
//! the columns of every class.
//!
//! # Source
//! Alan Agresti, "Categorical Data Analysis" (2013), section 8.1; classes and penalties as `NeMoS` has them (`ClassifierGLM`).

mod certificate;
mod course;
mod ending;
mod fitted;
mod penalty;
mod response;
mod score;
mod spec;

pub use fitted::{ClassFit, FittedCategorical};
pub use response::Labelled;
pub use score::{Confusion, confusion, score_classes};
pub use spec::CategoricalSpec;
