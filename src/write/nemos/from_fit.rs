//! A fit as a model of `NeMoS`.

use ndarray::Array2;

use super::penalty::Outputs;
use crate::glm::{FittedGlm, TargetFit};
use crate::inverse_link::InverseLink;
use crate::observation::ObservationModel;
use crate::read::nemos::{NemosClass, NemosCoef, NemosLabels, NemosLink, NemosModel, NemosObservation};
use crate::regularizer::Regularizer;
use crate::solver::Status;

/// The version of `NeMoS` whose layout is written.
const LAYOUT: &str = "0.2.8";

/// The packages whose versions `NeMoS` keeps beside its own; its `inspect_npz` knows no others.
const PACKAGES: [&str; 4] = ["jax", "jaxlib", "scipy", "scikit-learn"];

/// A model, and what a user of it should know.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The model.
    pub model: NemosModel,
    /// What of the fit it does not say.
    pub notices: Vec<String>,
}

/// The model of a fit: a `GLM` of one target, a `PopulationGLM` of several, in the order of [`FittedGlm::labels`].
///
/// Degrees of freedom are `bins - rank - 1`, with a ridge `bins - columns - 1` and with penalties that select
/// `bins - coefficients other than 0 - 1`. Columns that a target does not see (its own past among `units-others`) are left
/// out by the feature mask.
///
/// ```
/// use ndarray::array;
/// use rheobase::backend::Cpu;
/// use rheobase::design::{DesignPlan, Source};
/// use rheobase::glm::{GlmSpec, Response};
/// use rheobase::read::nemos::read_nemos;
/// use rheobase::write::nemos::{fit_of_nemos, nemos_bytes, nemos_of};
///
/// let x = array![[0.5], [-1.0], [0.2], [1.5], [-0.3], [0.9]];
/// let y = array![[1.0], [0.0], [0.0], [3.0], [1.0], [1.0]];
/// let source = Source { name: "x".into(), labels: vec!["x".into()], x: x.view().into() };
/// let plan = DesignPlan::new(vec![source], 0..6)?;
/// let response = Response { names: vec!["y".into()], y: y.view().into() };
/// let fit = GlmSpec::default().check()?.fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {})?;
///
/// let place = tempfile::tempdir().unwrap();
/// let path = place.path().join("model.npz");
/// std::fs::write(&path, nemos_bytes(&nemos_of(&fit).model)?).unwrap();
/// let back = fit_of_nemos(&path, &read_nemos(&path)?)?;
/// assert_eq!(back.predict(x.view())?, fit.predict(x.view())?);
/// # Ok::<(), rheobase::Error>(())
/// ```
///
/// # Panics
/// If a fit has more targets or columns than coefficients, which no fit has.
pub fn nemos_of(fit: &FittedGlm) -> Exported {
    let (n_columns, n_targets) = (fit.labels.len(), fit.targets.len());
    let class = if n_targets == 1 { NemosClass::Glm } else { NemosClass::PopulationGlm };
    let mut notices = Vec::new();
    notices.extend(offset(fit.has_offset));
    notices.extend(fit.targets.iter().filter_map(|target| not_at_an_optimum(&target.name, target.status)));
    notices.extend(smoothness(&fit.regularizer));
    let is_negative_binomial = matches!(fit.model.observation, ObservationModel::NegativeBinomial(_));
    if is_negative_binomial && fit.targets.iter().any(|target| target.scale != fit.targets[0].scale) {
        notices.push(
            "NeMoS has one dispersion for all neurons: the file has that of the first, which scores of the others would need \
             their own for"
                .into(),
        );
    }
    notices.extend(strengths(fit.targets.iter().map(|target| target.strength)));
    let values = Array2::from_shape_fn((n_columns, n_targets), |(j, target)| fit.targets[target].coef[j]);
    let per_target = |value: fn(&TargetFit) -> f64| fit.targets.iter().map(value).collect::<Vec<f64>>();
    let of = Outputs { features: &fit.features, n_columns, n_targets, n_classes: 0 };
    let model = NemosModel {
        class,
        observation: observation(fit.model_of(&fit.targets[0]).observation),
        link: link(fit.model.inverse_link),
        regularizer: of.regularizer(&fit.regularizer),
        solver: solver(&fit.regularizer),
        solver_options: Vec::new(),
        classes: NemosLabels::default(),
        coef: vec![NemosCoef { key: None, values }],
        intercept: per_target(|target| target.intercept),
        scale: per_target(|target| target.scale),
        dof_resid: fit.targets.iter().map(|target| target.dof_resid as f64).collect(),
        feature_mask: feature_mask(fit),
        versions: versions(),
    };
    notices.extend(unseen(fit.plan.groups.len() > 1 && model.feature_mask.is_none()));
    Exported { model, notices }
}

/// What is said of a target that is not at its optimum.
pub(super) fn not_at_an_optimum(name: &str, status: Status) -> Option<String> {
    let status = Some(status).filter(|status| *status != Status::Converged)?.name();
    Some(format!("the model of {name} is not at an optimum ({status}): the file does not say so"))
}

/// What is said of columns that targets do not see, where the file has no mask of them.
pub(super) fn unseen(are_there: bool) -> Option<String> {
    let notice = "columns that a target does not see have coefficient 0 in the file; to fit it again, give NeMoS a feature_mask";
    are_there.then(|| notice.into())
}

/// What is said of a smoothness penalty.
pub(super) fn smoothness(regularizer: &Regularizer) -> Option<String> {
    matches!(regularizer, Regularizer::Smooth { .. }).then(|| {
        "NeMoS has no smoothness penalty: the file says UnRegularized, with the coefficients of the fit"
            .into()
    })
}

/// A solver of `NeMoS` that would fit with this penalty.
pub(super) fn solver(regularizer: &Regularizer) -> String {
    let selects = regularizer.selects();
    if selects { "ProximalGradient[optimistix]" } else { "LBFGS[optax+optimistix]" }.into()
}

/// The versions that are written.
pub(super) fn versions() -> Vec<(String, String)> {
    let written_by = format!("unused: written by rheobase {}", env!("CARGO_PKG_VERSION"));
    let mut versions: Vec<(String, String)> =
        PACKAGES.iter().map(|package| (package.to_string(), written_by.clone())).collect();
    versions.push(("nemos".into(), LAYOUT.into()));
    versions
}

fn observation(model: ObservationModel) -> NemosObservation {
    match model {
        ObservationModel::Poisson => NemosObservation::Poisson,
        ObservationModel::Gaussian => NemosObservation::Gaussian,
        ObservationModel::Bernoulli => NemosObservation::Bernoulli,
        ObservationModel::Gamma => NemosObservation::Gamma,
        ObservationModel::NegativeBinomial(own) => {
            NemosObservation::NegativeBinomial { scale: own.dispersion() }
        }
    }
}

fn link(link: InverseLink) -> NemosLink {
    match link {
        InverseLink::Exp => NemosLink::Exp,
        InverseLink::Softplus => NemosLink::Softplus,
        InverseLink::Identity => NemosLink::Identity,
        InverseLink::Logistic => NemosLink::Logistic,
        InverseLink::Probit => NemosLink::Probit,
        InverseLink::OneOverX => NemosLink::OneOverX,
    }
}

/// What to say of an offset, which `NeMoS` has not.
pub(super) fn offset(is_there: bool) -> Option<String> {
    let notice =
        "the offset is left out, which NeMoS has not: its predictions are those beside an offset of 0";
    is_there.then(|| notice.into())
}

/// What to say of strengths that targets have of their own.
pub(super) fn strengths(mut all: impl Iterator<Item = Option<f64>>) -> Option<String> {
    let first = all.next()?;
    let notice = "strengths that cross-validation chose for each target are not in the file: it says that of the first";
    all.any(|own| own != first).then(|| notice.into())
}

/// The columns that each target sees, where they are not the same. Those that it does not see have coefficient 0 and no
/// standard error, which tells them from others unless a penalty sets coefficients to 0 or the target is silent.
fn feature_mask(fit: &FittedGlm) -> Option<Array2<f64>> {
    if fit.plan.groups.len() < 2 || fit.regularizer.selects() {
        return None;
    }
    Some(Array2::from_shape_fn((fit.labels.len(), fit.targets.len()), |(j, target)| {
        let target = &fit.targets[target];
        let is_unseen = target.status != Status::NoEvents
            && target.coef[j] == 0.0
            && target.standard_errors[j].is_nan()
            && !target.aliased.contains(&fit.labels[j]);
        if is_unseen { 0.0 } else { 1.0 }
    }))
}
