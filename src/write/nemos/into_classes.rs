//! A classifier of `NeMoS` as a fit that can be put on data.

use std::path::Path;

use super::into_fit::{NO_ERRORS, features, names, no_scores};
use crate::glm::{ClassFit, FittedCategorical, GapFrom, Plan, Seconds};
use crate::observation::Label;
use crate::read::nemos::{NemosLabels, NemosModel};
use crate::regularizer::Regularizer;
use crate::solver::Status;
use crate::{Error, Result};

/// The fit that a file holds, as far as it does, as [`super::fit_of_nemos`] says. Coefficients are those of the file: without a
/// penalty those of a column need not sum to 0 over the classes, which changes no probability.
///
/// # Errors
/// [`Error::Object`] for a model that is no classifier.
pub fn classes_of_nemos(path: &Path, nemos: &NemosModel) -> Result<FittedCategorical> {
    if !nemos.class.is_classifier() {
        let problem = format!("expected a classifier, found {}", nemos.class.name());
        let help = "give a file of a ClassifierGLM or a ClassifierPopulationGLM, or a model of rheobase";
        return Err(Error::object(path, "model_class", problem, help));
    }
    let labels = nemos.labels();
    let targets = names(nemos).enumerate().map(|(k, name)| target_of(nemos, k, name)).collect();
    Ok(FittedCategorical {
        // nothing is fitted again, and a penalty says nothing about new data
        regularizer: Regularizer::None,
        has_intercept: true,
        has_offset: false,
        solver: nemos.solver.clone(),
        tolerance: f64::NAN,
        features: features(nemos),
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

fn target_of(nemos: &NemosModel, k: usize, name: String) -> ClassFit {
    let classes: Vec<Label> = match &nemos.classes {
        NemosLabels::Integers(labels) => labels.iter().copied().map(Label::from).collect(),
        NemosLabels::Numbers(labels) => labels.iter().copied().map(Label::from).collect(),
        NemosLabels::Texts(labels) => labels.iter().map(|text| Label::from(text.as_str())).collect(),
    };
    let n_classes = classes.len();
    let outputs = k * n_classes..(k + 1) * n_classes;
    let of_classes: Vec<Vec<f64>> = outputs.clone().map(|output| nemos.coef_of(output)).collect();
    let n_columns = of_classes[0].len();
    let coef: Vec<f64> =
        (0..n_columns).flat_map(|column| of_classes.iter().map(move |own| own[column])).collect();
    ClassFit {
        name,
        status: Status::Stopped,
        classes,
        standard_errors: vec![f64::NAN; coef.len()],
        coef,
        intercept: nemos.intercept[outputs].to_vec(),
        intercept_standard_error: vec![f64::NAN; n_classes],
        kkt_residual: f64::NAN,
        loss_gap: f64::NAN,
        gap_from: GapFrom::Hessian,
        loss: f64::NAN,
        iterations: 0,
        passes: 0,
        n_bins_used: 0,
        total_weight: None,
        dof_resid: nemos.dof_resid[k].max(0.0) as usize,
        n_parameters: 0,
        scores: no_scores(),
        aliased: Vec::new(),
        warnings: Vec::new(),
        strength: None,
        cv: None,
        apart: None,
        gap_scale: None,
        history: Vec::new(),
        covariances: Vec::new(),
    }
}
