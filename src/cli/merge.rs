//! Fits of targets with designs of their own, put together as one result.
//!
//! All targets get the same columns; a column that a target does not see (its own among `units-others`) has
//! coefficient 0 and no standard error.

use super::data::Data;
use crate::Result;
use crate::design::Layout;
use crate::glm::{Covariance, FittedGlm, Identifiability, TargetFit};

/// Joins one fit per part of the data, which are in the order of their targets.
///
/// # Errors
/// If two columns have the same name.
pub(super) fn merge(data: &Data, fits: Vec<FittedGlm>) -> Result<FittedGlm> {
    let mut fits = fits;
    // a mask may leave columns out of all targets
    if fits.len() == 1 && fits[0].labels.iter().eq(data.labels.iter().flatten()) {
        return Ok(fits.remove(0));
    }
    let mut layout = Layout::default();
    for (block, labels) in data.blocks.iter().zip(&data.labels) {
        layout.push(&block.name, labels.iter().cloned())?;
    }
    let mut targets: Vec<Option<TargetFit>> = data.names.iter().map(|_| None).collect();
    // a silent target's fit has no plan worth telling
    let told = fits.iter().find(|fit| fit.plan.n_targets > 0).unwrap_or(&fits[0]);
    let mut joined = told.clone();
    (joined.plan.n_targets, joined.plan.n_taken_over) = (0, 0);
    joined.plan.groups = fits.iter().map(|fit| fit.plan.clone()).collect();
    joined.seconds = crate::glm::Seconds::default();
    joined.condition = f64::NAN;
    let known = fits.iter().zip(&data.parts).filter_map(|(fit, part)| {
        let names = part.group.targets.iter().map(|&target| data.names[target].clone());
        Some((fit.identifiability.as_ref()?, names.collect()))
    });
    joined.identifiability =
        joined.identifiability.is_some().then(|| Identifiability::join(known, layout.labels.len()));
    for (fit, part) in fits.into_iter().zip(&data.parts) {
        joined.condition = fit.condition.max(joined.condition);
        joined.rank = joined.rank.max(fit.rank);
        joined.seconds.fit += fit.seconds.fit;
        joined.seconds.inference += fit.seconds.inference;
        joined.seconds.history += fit.seconds.history;
        joined.plan.n_targets += fit.plan.n_targets;
        joined.plan.n_taken_over += fit.plan.n_taken_over;
        if fit.plan.n_targets > 0 {
            let fewest = &mut joined.plan.events_per_parameter;
            *fewest = fewest.min(fit.plan.events_per_parameter);
        }
        joined.inference_left_out = joined.inference_left_out.take().or(fit.inference_left_out);
        let place = |label: &String| fit.labels.iter().position(|own| own == label);
        let places: Vec<Option<usize>> = layout.labels.iter().map(place).collect();
        for (mut target, &column) in fit.targets.into_iter().zip(&part.group.targets) {
            target.coef = places.iter().map(|place| place.map_or(0.0, |k| target.coef[k])).collect();
            target.standard_errors =
                places.iter().map(|place| place.map_or(f64::NAN, |k| target.standard_errors[k])).collect();
            // the columns of a block stay together
            target.covariances = (target.covariances.into_iter())
                .filter_map(|block| {
                    let first = places.iter().position(|place| *place == Some(block.columns.start))?;
                    Some(Covariance { columns: first..first + block.columns.len(), ..block })
                })
                .collect();
            targets[column] = Some(target);
        }
    }
    joined.targets = targets.into_iter().flatten().collect();
    joined.features = layout.features;
    joined.labels = layout.labels;
    Ok(joined)
}
