//! Fits to labels of targets with columns of their own, put together as one result.
//!
//! A column that a target does not see (its own spikes among those of all units, or one that a mask keeps from it) has coefficient 0
//! for all its classes and no standard errors.

use std::time::Instant;

use ndarray::Axis;

use super::fitted::{ClassCovariance, ClassFit, FittedCategorical};
use super::response::Labelled;
use super::spec::CategoricalSpec;
use super::start::ClassPoint;
use crate::backend::Classes;
use crate::design::{DesignPlan, Layout};
use crate::glm::fitted::{Apart, Seconds};
use crate::glm::identifiability::Identifiability;
use crate::glm::{PerTarget, Plan};
use crate::regularizer::Regularizer;
use crate::solver::Progress;
use crate::{Error, Result};

impl CategoricalSpec {
    /// Fits every target with its own columns and strengths, one after the other, as [`crate::glm::CheckedSpec::fit_per_target`].
    ///
    /// # Errors
    /// As [`CategoricalSpec::fit`]; [`Error::Length`] for a mask or strengths of another shape, [`Error::Argument`] for a target
    /// without a column, and for strengths that do not suit the regularizer.
    pub fn fit_per_target<B: Classes>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &[Labelled],
        own: &PerTarget,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedCategorical> {
        own.check(plan, response.len())?;
        self.check_start(plan.n_columns(), response)?;
        let started = Instant::now();
        let mut fits = Vec::with_capacity(response.len());
        for (target, labels) in response.iter().enumerate() {
            let column = own.mask.as_ref().map(|mask| mask.index_axis(Axis(1), target).to_vec());
            let may = column.unwrap_or_else(|| vec![true; plan.n_columns()]);
            let strengths = own.strengths.as_ref().map(|all| all.index_axis(Axis(1), target).to_vec());
            let whole = self.of_target(target, response.len())?;
            let checked = whole.checked().of_group(plan, &may, strengths.as_deref(), &[target], started)?;
            let start = self.start().get(target).map(|point| point.of_columns(&may));
            let spec = self.with_checked(checked).with_start(start.into_iter().collect());
            let labels = std::slice::from_ref(labels);
            let fit = if may.contains(&false) {
                spec.fit(on, &plan.with_columns(&may)?, labels, progress)?
            } else {
                spec.fit(on, plan, labels, progress)?
            };
            fits.push((fit, vec![target]));
        }
        FittedCategorical::of_groups(plan.layout(), fits)
    }
}

impl ClassPoint {
    /// The coefficients of some of the columns.
    fn of_columns(&self, may: &[bool]) -> Self {
        let rows = self.coef.chunks(self.intercept.len().max(1)).zip(may);
        let coef = rows.filter(|(_, may)| **may).flat_map(|(row, _)| row.iter().copied()).collect();
        Self { coef, intercept: self.intercept.clone() }
    }
}

impl FittedCategorical {
    /// Joins fits, each with its targets, by their numbers among all of them, as one to the columns of `layout`. Columns are found by
    /// their names. The condition is the largest, the rank the smallest, times are summed, reasons named once each.
    ///
    /// # Errors
    /// [`Error::Empty`] without a fit.
    pub fn of_groups(layout: &Layout, fits: Vec<(Self, Vec<usize>)>) -> Result<Self> {
        let n_targets = fits.iter().flat_map(|(_, targets)| targets).max().map_or(0, |last| 1 + last);
        let Some((first, _)) = fits.first() else {
            return Err(Error::Empty {
                what: "response".into(),
                problem: "there is no target to fit".into(),
                help: "give the labels of one target or more".into(),
            });
        };
        let mut joined = first.clone();
        // what a mask leaves without a penalty is not all of it
        if let Some((fit, _)) = fits.iter().find(|(fit, _)| fit.regularizer != Regularizer::None) {
            let place = |label: &String| layout.labels.iter().position(|own| own == label);
            let places: Vec<Option<usize>> = fit.labels.iter().map(place).collect();
            joined.regularizer = fit.regularizer.in_layout(&places, layout.labels.len());
        }
        let plans: Vec<Plan> = fits.iter().flat_map(|(fit, _)| fit.plan.each()).collect();
        if plans.len() > 1 {
            joined.plan.n_targets = plans.iter().map(|plan| plan.n_targets).sum();
            joined.plan.n_taken_over = plans.iter().map(|plan| plan.n_taken_over).sum();
            joined.plan.groups = plans;
        }
        let names = |fit: &Self| fit.targets.iter().map(|target| target.name.clone()).collect();
        let known = fits.iter().filter_map(|(fit, _)| Some((fit.identifiability.as_ref()?, names(fit))));
        let is_known = fits.iter().all(|(fit, _)| fit.identifiability.is_some());
        joined.identifiability = is_known.then(|| Identifiability::join(known, layout.labels.len()));
        let mut targets: Vec<Option<ClassFit>> = vec![None; n_targets];
        let mut reasons: Vec<String> = Vec::new();
        joined.seconds = Seconds::default();
        for (fit, own) in fits {
            joined.condition = joined.condition.max(fit.condition);
            joined.rank = joined.rank.min(fit.rank);
            joined.seconds.fit += fit.seconds.fit;
            joined.seconds.inference += fit.seconds.inference;
            joined.seconds.history += fit.seconds.history;
            reasons.extend(fit.inference_left_out.filter(|reason| !reasons.contains(reason)));
            let place = |label: &String| fit.labels.iter().position(|own| own == label);
            let places: Vec<Option<usize>> = layout.labels.iter().map(place).collect();
            let whole = Apart { unseen: Vec::new(), regularizer: fit.regularizer.clone() };
            for (target, number) in fit.targets.into_iter().zip(own) {
                let within = (&fit.labels[..], target.apart.as_ref().unwrap_or(&whole));
                let apart = Apart::of(layout, within, &joined.regularizer);
                targets[number] = Some(ClassFit { apart, ..spread(target, &places) });
            }
        }
        joined.inference_left_out = (!reasons.is_empty()).then(|| reasons.join("; "));
        joined.targets = targets.into_iter().flatten().collect();
        joined.features.clone_from(&layout.features);
        joined.labels.clone_from(&layout.labels);
        Ok(joined)
    }
}

/// A target with other columns; `places` says where each of these stands among its own.
fn spread(mut target: ClassFit, places: &[Option<usize>]) -> ClassFit {
    let n = target.n_classes();
    let moved = |values: &[f64], none: f64| -> Vec<f64> {
        let row = |place: &Option<usize>| match place {
            Some(k) => values[k * n..(k + 1) * n].to_vec(),
            None => vec![none; n],
        };
        places.iter().flat_map(row).collect()
    };
    target.coef = moved(&target.coef, 0.0);
    target.standard_errors = moved(&target.standard_errors, f64::NAN);
    // the columns of a block stay together
    target.covariances = (target.covariances.into_iter())
        .filter_map(|block| {
            let first = places.iter().position(|place| *place == Some(block.columns.start))?;
            Some(ClassCovariance { columns: first..first + block.columns.len(), ..block })
        })
        .collect();
    target
}
