//! Generalized linear models: from a design and a response to a fitted, certified model.
//!
//! Only a [`CheckedSpec`] fits and only a [`FittedGlm`] predicts. The certificate is computed in `f64` at the
//! numbers that are reported, whatever found them.

mod bins;
mod categorical;
mod certificate;
mod choice;
mod cross_validation;
mod curve;
mod dispersion;
mod doubt;
mod ending;
pub mod fallback;
mod fit;
mod fits;
mod fitted;
mod folds;
pub mod goodness;
mod held_out;
mod identifiability;
mod inputs;
mod joined;
mod journal;
mod likelihood_ratio;
mod lowest;
mod noted;
mod null_models;
mod part_hessians;
mod penalised;
mod per_target;
mod plan;
mod precision;
mod rank;
mod response_sums;
mod score;
mod solve;
mod spec;
mod standing;
mod start;
mod stopped;
mod strength_path;

pub use categorical::{
    CategoricalSpec, ClassCovariance, ClassFit, ClassPoint, Confusion, FittedCategorical, Labelled,
    Reliability, confusion, reliability, reliability_of_weighted, score_classes, score_weighted_classes,
};
pub use choice::{CostConstants, estimated_seconds};
pub use cross_validation::CrossValidation;
pub use curve::{Curve, Pick};
pub use dispersion::LEAST_DISPERSION;
#[cfg(feature = "gpu")]
pub use fallback::Fallback;
pub use fallback::{ClassWork, TargetWork, Work};
pub use fitted::{Apart, Covariance, FittedGlm, GapFrom, Seconds, TargetFit};
pub use folds::{Fold, Folds};
pub use identifiability::{Dependence, DeterminedBy, Identifiability, Part};
pub use inputs::Response;
pub use journal::{Entries, Journal, Waypoint};
pub use likelihood_ratio::LikelihoodRatio;
pub use per_target::{PerTarget, alike};
pub use plan::{Estimate, Placed, Plan};
pub use score::{Scores, estimate_scale, score, score_scaled, score_weighted};
pub use spec::{
    CheckedSpec, Dispersion, GlmSpec, PlanFrom, SolverChoice, StandardErrors, TOLERANCE_F32, TOLERANCE_F64,
};
pub use start::StartPoint;
