//! A model of `NeMoS` as a fit that can be put on data.

use std::path::Path;

use crate::backend::Model;
use crate::design::FeatureColumns;
use crate::glm::{FittedGlm, GapFrom, Plan, Scores, Seconds, TargetFit};
use crate::inverse_link::InverseLink;
use crate::observation::{NegativeBinomial, ObservationModel};
use crate::read::nemos::{NemosLink, NemosModel, NemosObservation};
use crate::regularizer::Regularizer;
use crate::solver::Status;
use crate::{Error, Result};

/// Why a file has no standard errors.
pub(super) const NO_ERRORS: &str = "a file of NeMoS has no standard errors";

/// The fit that a file holds, as far as it does: coefficients, intercepts and scales. It has no certificate, no standard
/// errors and no scores: these are NaN, and each target's status is [`Status::Stopped`], because the file does not say where
/// its solver came to rest. Targets are called `y`, or `y[0]`, `y[1]`, .. if there are several.
///
/// # Errors
/// [`Error::Object`] for an observation model and a link that do not go together, and for a classifier, see
/// [`super::classes_of_nemos`].
pub fn fit_of_nemos(path: &Path, nemos: &NemosModel) -> Result<FittedGlm> {
    let model = model_of(path, nemos)?;
    let (labels, features) = (nemos.labels(), features(nemos));
    let targets = names(nemos).enumerate().map(|(k, name)| target_of(nemos, k, name)).collect();
    Ok(FittedGlm {
        model,
        // nothing is fitted again, and a penalty says nothing about new data
        regularizer: Regularizer::None,
        has_intercept: true,
        has_offset: false,
        solver: nemos.solver.clone(),
        tolerance: f64::NAN,
        features,
        rank: labels.len(),
        labels,
        targets,
        condition: f64::NAN,
        identifiability: None,
        inference_left_out: Some(NO_ERRORS.into()),
        seconds: Seconds::default(),
        plan: Plan::default(),
    })
}

/// The columns of every key.
pub(super) fn features(nemos: &NemosModel) -> Vec<FeatureColumns> {
    let mut features: Vec<FeatureColumns> = Vec::with_capacity(nemos.coef.len());
    for own in &nemos.coef {
        let first = features.last().map_or(0, |last| last.columns[1]);
        let name = own.key.clone().unwrap_or_else(|| "X".into());
        features.push(FeatureColumns { name, columns: [first, first + own.values.nrows()] });
    }
    features
}

/// Names of the targets.
pub(super) fn names(nemos: &NemosModel) -> impl Iterator<Item = String> {
    let n_targets = nemos.n_targets();
    (0..n_targets).map(move |k| if n_targets == 1 { "y".into() } else { format!("y[{k}]") })
}

/// Nobody knows the data of a file.
pub(super) fn no_scores() -> Scores {
    Scores {
        log_likelihood: f64::NAN,
        log_likelihood_sum: f64::NAN,
        deviance: f64::NAN,
        pseudo_r2_mcfadden: f64::NAN,
        pseudo_r2_cohen: f64::NAN,
    }
}

fn model_of(path: &Path, nemos: &NemosModel) -> Result<Model> {
    let observation = match nemos.observation {
        NemosObservation::Poisson => ObservationModel::Poisson,
        NemosObservation::Gaussian => ObservationModel::Gaussian,
        NemosObservation::Bernoulli => ObservationModel::Bernoulli,
        NemosObservation::Gamma => ObservationModel::Gamma,
        NemosObservation::NegativeBinomial { scale } => NegativeBinomial::new(scale)?.into(),
        NemosObservation::Categorical => return Err(of_classes(path, nemos)),
    };
    let inverse_link = match nemos.link {
        NemosLink::Exp => InverseLink::Exp,
        NemosLink::Softplus => InverseLink::Softplus,
        NemosLink::Identity => InverseLink::Identity,
        NemosLink::Logistic => InverseLink::Logistic,
        NemosLink::Probit => InverseLink::Probit,
        NemosLink::OneOverX => InverseLink::OneOverX,
        NemosLink::LogSoftmax => return Err(of_classes(path, nemos)),
    };
    let links: Vec<&str> = Model::links_of(observation).iter().map(|link| link.name()).collect();
    Model { observation, inverse_link }.check().map_err(|_| {
        let (expected, link) = (links.join(" or "), nemos.link.name());
        let problem = format!("expected {expected} with {} responses, found {link}", observation.name());
        let help = "predict with NeMoS, or refit with a link that suits the responses";
        Error::object(path, "inverse_link_function", problem, help)
    })
}

fn of_classes(path: &Path, nemos: &NemosModel) -> Error {
    let problem = format!("expected a model of one mean, found one of classes ({})", nemos.class.name());
    let help = "use it with `rheobase predict` and `rheobase score`, or give a model of another kind";
    Error::object(path, "model_class", problem, help)
}

fn target_of(nemos: &NemosModel, k: usize, name: String) -> TargetFit {
    let coef = nemos.coef_of(k);
    TargetFit {
        name,
        status: Status::Stopped,
        standard_errors: vec![f64::NAN; coef.len()],
        coef,
        intercept: nemos.intercept[k],
        intercept_standard_error: f64::NAN,
        kkt_residual: f64::NAN,
        loss_gap: f64::NAN,
        gap_from: GapFrom::Hessian,
        loss: f64::NAN,
        iterations: 0,
        passes: 0,
        n_bins_used: 0,
        scale: nemos.scale[k],
        gap_scale: None,
        total_weight: None,
        scale_standard_error: f64::NAN,
        dof_resid: nemos.dof_resid[k].max(0.0) as usize,
        n_parameters: 0,
        strength: None,
        cv: None,
        apart: None,
        scores: no_scores(),
        aliased: Vec::new(),
        warnings: Vec::new(),
        history: Vec::new(),
        covariances: Vec::new(),
    }
}
