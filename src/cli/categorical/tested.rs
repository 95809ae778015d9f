//! `--test-against` of fits to labels.

use super::super::args::FitArgs;
use super::super::data::Data;
use super::super::engine::Engine;
use super::super::merge::merge_classes;
use super::super::tested::{Smaller, Tested};
use super::labels::Labels;
use crate::Result;
use crate::glm::{CategoricalSpec, ClassFit, ClassWork, FittedCategorical, GlmSpec, LikelihoodRatio};
use crate::write::categorical::CategoricalFile;

/// Reads the model to test against, if there is one.
///
/// # Errors
/// Those of reading, and for fits that cannot be tested, see [`Smaller::asked_for`].
pub(super) fn read(args: &FitArgs) -> Result<Option<Smaller>> {
    let Some(path) = Smaller::asked_for(args)? else { return Ok(None) };
    let CategoricalFile { fit, study, .. } = CategoricalFile::load(path)?;
    Smaller::check_terms(args, fit.has_intercept, &study)?;
    let is_used = |own: &ClassFit, column: usize| {
        let n_classes = own.n_classes();
        own.coef[column * n_classes..(column + 1) * n_classes].iter().any(|w| *w != 0.0)
    };
    let targets = fit.targets.iter().map(|target| (target.name.clone(), target));
    Smaller::new(path, &fit.labels, targets, is_used, &study).map(Some)
}

/// Fits the columns of the smaller model to the bins of the fit, and tests every target.
///
/// # Errors
/// [`crate::Error::Argument`] for a model that does not lie within the fit; those of fitting.
pub(super) fn test(
    smaller: Smaller,
    on: &mut Engine,
    (data, labels): (&Data, &Labels),
    fit: &FittedCategorical,
    spec: &GlmSpec,
) -> Result<Tested> {
    smaller.check_within(data, &fit.labels)?;
    let spec = CategoricalSpec::new(Smaller::spec(spec))?;
    let mut fits = Vec::with_capacity(data.parts.len());
    for part in &data.parts {
        let own = smaller.part(part);
        let plan = own.plan(data, spec.get().memory_limit_bytes)?;
        let response = labels.of(data, part.group.targets[0]);
        let work = ClassWork { spec: spec.clone(), how: None, plan: &plan, response: &response };
        fits.push(on.fit(work, &mut |_| {})?);
    }
    let other = merge_classes(data, fits)?;
    Ok(smaller.tested(data, |target| LikelihoodRatio::of_classes((fit, target), (&other, target))))
}
