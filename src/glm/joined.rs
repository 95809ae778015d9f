//! Fits of targets with designs of their own, put together as one result.
//!
//! All targets get the same columns; a column that a target does not see (its own spikes among those of all units, or one that a mask
//! keeps from it) has coefficient 0 and no standard error.

use super::fitted::{Apart, Covariance, FittedGlm, Seconds, TargetFit};
use super::identifiability::Identifiability;
use crate::design::Layout;
use crate::regularizer::Regularizer;
use crate::{Error, Result};

impl FittedGlm {
    /// Joins fits, each with its targets, by their numbers among all of them, as one to the columns of `layout`. Columns are found by
    /// their names.
    ///
    /// # Errors
    /// [`Error::Empty`] without a fit.
    pub fn of_groups(layout: &Layout, fits: Vec<(Self, Vec<usize>)>) -> Result<Self> {
        let n_targets = fits.iter().flat_map(|(_, targets)| targets).max().map_or(0, |last| 1 + last);
        // a silent target's fit has no plan worth telling
        let told = fits.iter().find(|(fit, _)| fit.plan.n_targets > 0).or_else(|| fits.first());
        let Some((told, _)) = told else {
            return Err(Error::Empty {
                what: "fit".into(),
                problem: "there are no targets".into(),
                help: "give at least one".into(),
            });
        };
        let mut joined = told.clone();
        // what a mask leaves without a penalty is not all of it
        let penalised = fits.iter().find(|(fit, _)| fit.regularizer != Regularizer::None);
        if let Some((fit, _)) = penalised {
            let place = |label: &String| layout.labels.iter().position(|own| own == label);
            let places: Vec<Option<usize>> = fit.labels.iter().map(place).collect();
            joined.regularizer = fit.regularizer.in_layout(&places, layout.labels.len());
        }
        let mut targets: Vec<Option<TargetFit>> = vec![None; n_targets];
        (joined.plan.n_targets, joined.plan.n_taken_over) = (0, 0);
        joined.plan.groups = fits.iter().map(|(fit, _)| fit.plan.clone()).collect();
        joined.seconds = Seconds::default();
        joined.condition = f64::NAN;
        let names = |fit: &Self| fit.targets.iter().map(|target| target.name.clone()).collect();
        let known = fits.iter().filter_map(|(fit, _)| Some((fit.identifiability.as_ref()?, names(fit))));
        let is_known = fits.iter().all(|(fit, _)| fit.identifiability.is_some());
        joined.identifiability = is_known.then(|| Identifiability::join(known, layout.labels.len()));
        for (fit, own) in fits {
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
            let whole = Apart { unseen: Vec::new(), regularizer: fit.regularizer.clone() };
            for (target, number) in fit.targets.into_iter().zip(own) {
                let within = (&fit.labels[..], target.apart.as_ref().unwrap_or(&whole));
                let apart = Apart::of(layout, within, &joined.regularizer);
                targets[number] = Some(TargetFit { apart, ..spread(target, &places) });
            }
        }
        joined.targets = targets.into_iter().flatten().collect();
        joined.features.clone_from(&layout.features);
        joined.labels.clone_from(&layout.labels);
        Ok(joined)
    }
}

impl Apart {
    /// What a target has for itself in a joined fit to the columns of a layout, from what it had in a fit to the columns `labels`.
    pub(super) fn of(
        layout: &Layout,
        (labels, own): (&[String], &Self),
        of_all: &Regularizer,
    ) -> Option<Self> {
        let place = |label: &String| layout.labels.iter().position(|other| other == label);
        let places: Vec<Option<usize>> = labels.iter().map(place).collect();
        let regularizer = own.regularizer.in_layout(&places, layout.labels.len());
        let unseen: Vec<String> = (layout.labels.iter())
            .filter(|label| !labels.contains(label) || own.unseen.contains(label))
            .cloned()
            .collect();
        let is_like_all = unseen.is_empty() && regularizer == *of_all;
        (!is_like_all).then_some(Self { unseen, regularizer })
    }
}

/// A target with other columns; `places` says where each of these stands among its own.
fn spread(mut target: TargetFit, places: &[Option<usize>]) -> TargetFit {
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
    target
}
