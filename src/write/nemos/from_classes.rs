//! A fit to labels as a classifier of `NeMoS`.

use ndarray::Array2;

use super::from_fit::{Exported, not_at_an_optimum, offset, smoothness, solver, strengths, unseen, versions};
use super::penalty::Outputs;
use crate::glm::{ClassFit, FittedCategorical, Plan};
use crate::observation::Label;
use crate::read::nemos::{NemosClass, NemosCoef, NemosLabels, NemosLink, NemosModel, NemosObservation};
use crate::{Error, Result};

/// The classifier of a fit: a `ClassifierGLM` of one target, a `ClassifierPopulationGLM` of several, in the order of
/// [`FittedCategorical::labels`].
///
/// ```
/// use ndarray::array;
/// use rheobase::backend::Cpu;
/// use rheobase::design::{DesignPlan, Source};
/// use rheobase::glm::{CategoricalSpec, GlmSpec, Labelled};
/// use rheobase::read::nemos::read_nemos;
/// use rheobase::write::nemos::{classes_of_nemos, nemos_bytes, nemos_of_classes};
///
/// let x = array![[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]];
/// let labels = ["left", "right", "left", "stop", "right", "stop"].map(|text| Some(text.into()));
/// let source = || Source { name: "x".into(), labels: vec!["X[0]".into()], x: x.view().into() };
/// let plan = DesignPlan::new(vec![source()], 0..6)?;
/// let spec = CategoricalSpec::new(GlmSpec::default())?;
/// let fit = spec.fit(&Cpu::<f64>::default(), &plan, &[Labelled::learn("turn", labels)], &mut |_| {})?;
///
/// let place = tempfile::tempdir().unwrap();
/// let path = place.path().join("model.npz");
/// std::fs::write(&path, nemos_bytes(&nemos_of_classes(&fit)?.model)?).unwrap();
/// let back = classes_of_nemos(&path, &read_nemos(&path)?)?;
/// assert_eq!(back.probabilities(0, &[source()])?, fit.probabilities(0, &[source()])?);
/// # Ok::<(), rheobase::Error>(())
/// ```
///
/// # Errors
/// [`Error::Argument`] for targets of different classes, which a population of `NeMoS` has not, and for labels that it cannot
/// store: texts with `::`, and numbers beside texts.
pub fn nemos_of_classes(fit: &FittedCategorical) -> Result<Exported> {
    let (n_columns, n_targets) = (fit.labels.len(), fit.targets.len());
    let classes = &fit.targets[0].classes;
    if let Some(other) = fit.targets.iter().find(|target| target.classes != *classes) {
        let words =
            |classes: &[Label]| classes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let [first, second] =
            [&fit.targets[0], other].map(|own| format!("{} of {}", words(&own.classes), own.name));
        let help = "fit and export every target by itself, each as a ClassifierGLM";
        return Err(Error::argument(
            "classes",
            "the same for all targets",
            format!("{first}; {second}"),
            help,
        ));
    }
    let labels = stored(classes)?;
    let n_classes = classes.len();
    let mut notices: Vec<String> =
        fit.targets.iter().filter_map(|target| not_at_an_optimum(&target.name, target.status)).collect();
    notices.extend(offset(fit.has_offset));
    notices.extend(strengths(fit.targets.iter().map(|target| target.strength)));
    notices.extend(smoothness(&fit.regularizer));
    let value = |(column, output): (usize, usize)| {
        fit.targets[output / n_classes].coef[column * n_classes + output % n_classes]
    };
    let values = Array2::from_shape_fn((n_columns, n_targets * n_classes), value);
    let of = Outputs { features: &fit.features, n_columns, n_targets, n_classes };
    let model = NemosModel {
        class: if n_targets == 1 { NemosClass::ClassifierGlm } else { NemosClass::ClassifierPopulationGlm },
        observation: NemosObservation::Categorical,
        link: NemosLink::LogSoftmax,
        regularizer: of.regularizer(&fit.regularizer),
        solver: solver(&fit.regularizer),
        solver_options: Vec::new(),
        classes: labels,
        coef: vec![NemosCoef { key: None, values }],
        intercept: fit.targets.iter().flat_map(|target| target.intercept.iter().copied()).collect(),
        scale: vec![1.0; n_targets],
        dof_resid: fit.targets.iter().map(|target| target.dof_resid as f64).collect(),
        feature_mask: feature_mask(fit),
        versions: versions(),
    };
    // which columns a target did not see a penalty hides, but not that there are some
    let n_seen = |plan: &Plan| plan.features.iter().map(|own| own.n_columns).sum::<usize>();
    let is_masked = fit.plan.groups.iter().any(|plan| n_seen(plan) < n_columns);
    notices.extend(unseen(is_masked && model.feature_mask.is_none()));
    Ok(Exported { model, notices })
}

/// The columns that each target sees, for every class of it, where they are not all of them: those that it does not see have
/// coefficients 0 and no standard errors, which tells them from others unless a penalty sets coefficients to 0.
fn feature_mask(fit: &FittedCategorical) -> Option<Array2<f64>> {
    if fit.targets.len() < 2 || fit.regularizer.selects() {
        return None;
    }
    let n_classes = fit.targets[0].n_classes();
    let is_seen = |column: usize, target: &ClassFit| {
        let own = column * n_classes..(column + 1) * n_classes;
        target.coef[own.clone()].iter().any(|w| *w != 0.0)
            || target.standard_errors[own].iter().any(|error| !error.is_nan())
            || target.aliased.contains(&fit.labels[column])
    };
    let shape = (fit.labels.len(), fit.targets.len() * n_classes);
    let mask = Array2::from_shape_fn(shape, |(column, output)| {
        f64::from(u8::from(is_seen(column, &fit.targets[output / n_classes])))
    });
    mask.iter().any(|seen| *seen == 0.0).then_some(mask)
}

/// The labels as `NeMoS` stores them: all of one kind, and none with the sign that its keys are split by.
fn stored(classes: &[Label]) -> Result<NemosLabels> {
    let whole = |label: &Label| if let Label::Integer(n) = label { Some(*n) } else { None };
    let text = |label: &Label| if let Label::Text(text) = label { Some(text.clone()) } else { None };
    if let Some(whole) = classes.iter().map(whole).collect() {
        return Ok(NemosLabels::Integers(whole));
    }
    if let Some(numbers) = classes.iter().map(Label::exact).collect() {
        return Ok(NemosLabels::Numbers(numbers));
    }
    let texts: Option<Vec<String>> = classes.iter().map(text).collect();
    let is_split = |text: &&String| text.contains("::");
    let found = match &texts {
        None => "labels of several kinds".into(),
        Some(texts) => match texts.iter().find(is_split) {
            None => return Ok(NemosLabels::Texts(texts.clone())),
            Some(split) => format!("{split:?}"),
        },
    };
    let help = "call the classes otherwise and fit again";
    Err(Error::argument("classes", "labels that NeMoS can store", found, help))
}
