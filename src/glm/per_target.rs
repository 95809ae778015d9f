//! Fits of populations whose targets differ in what they may use or in how strongly it is penalised.
//!
//! Objectives separate over targets, so that a population with a mask is nothing but fits of groups of targets that share their
//! columns and strengths. A column that a target may not use takes no part in its fit: its coefficient is 0, it counts for
//! no degree of freedom, and a penalty does not see it.

use std::time::Instant;

use ndarray::{Array2, ArrayView1, Axis};

use super::fitted::FittedGlm;
use super::inputs::Response;
use super::spec::{CheckedSpec, GlmSpec, PlanFrom};
use super::start::StartPoint;
use crate::backend::Backend;
use crate::design::DesignPlan;
use crate::solver::Progress;
use crate::stop::time_left;
use crate::{Error, Result};

/// What is each target's own.
#[derive(Clone, Debug, Default)]
pub struct PerTarget {
    /// Which columns each target may use, shape (columns, targets); all of them without it.
    pub mask: Option<Array2<bool>>,
    /// Strengths instead of that of the regularizer, shape (columns, targets), of a group penalty (groups, targets), or (1, targets)
    /// for one of each target. 0 is no penalty.
    pub strengths: Option<Array2<f64>>,
}

/// Those with equal entries together, in the order of the first of each.
///
/// ```
/// let groups = rheobase::glm::alike(["a", "b", "a"]);
/// assert_eq!(groups, [("a", vec![0, 2]), ("b", vec![1])]);
/// ```
pub fn alike<T: PartialEq>(entries: impl IntoIterator<Item = T>) -> Vec<(T, Vec<usize>)> {
    let mut groups: Vec<(T, Vec<usize>)> = Vec::new();
    for (k, entry) in entries.into_iter().enumerate() {
        match groups.iter_mut().find(|(own, _)| *own == entry) {
            Some((_, members)) => members.push(k),
            None => groups.push((entry, vec![k])),
        }
    }
    groups
}

impl CheckedSpec {
    /// Fits every target with its own columns and strengths, those that share both together.
    ///
    /// The result has all columns and the regularizer of the first target. Blocks of [`GlmSpec::covariance_of`] that a target sees
    /// in part are left out.
    ///
    /// # Errors
    /// As [`CheckedSpec::fit`]; [`Error::Length`] for a mask or strengths of another shape, [`Error::Argument`] for a target
    /// without a column, for strengths that do not suit the regularizer, and for a plan of an earlier fit where the targets differ.
    ///
    /// ```
    /// use ndarray::array;
    /// use rheobase::backend::Cpu;
    /// use rheobase::design::{DesignPlan, Source};
    /// use rheobase::glm::{GlmSpec, PerTarget, Response};
    ///
    /// let x = array![[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 2.0]];
    /// let y = array![[1.0, 2.0], [0.0, 1.0], [3.0, 0.0], [1.0, 2.0], [4.0, 1.0]];
    /// let source = Source { name: "x".into(), labels: vec!["x0".into(), "x1".into()], x: x.view().into() };
    /// let plan = DesignPlan::new(vec![source], 0..5)?;
    /// let response = Response { y: y.view().into(), names: vec!["a".into(), "b".into()] };
    /// // the second target may use the second column alone
    /// let own = PerTarget { mask: Some(array![[true, false], [true, true]]), ..PerTarget::default() };
    /// let spec = GlmSpec::default().check()?;
    /// let fit = spec.fit_per_target(&Cpu::<f32>::default(), &plan, &response, &own, &mut |_| {})?;
    /// assert!(fit.targets[0].coef[0] != 0.0 && fit.targets[1].coef[0] == 0.0);
    /// # Ok::<(), rheobase::Error>(())
    /// ```
    pub fn fit_per_target<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        own: &PerTarget,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        own.check(plan, response.y.ncols())?;
        let started = Instant::now();
        let entry = |target: usize| {
            let column = |of: ArrayView1<bool>| of.to_vec();
            let may = own.mask.as_ref().map(|mask| column(mask.column(target)));
            (may, own.strengths.as_ref().map(|all| all.column(target).to_vec()))
        };
        let groups = alike((0..response.y.ncols()).map(entry));
        if groups.len() > 1 && matches!(self.get().plan_from, PlanFrom::Plan(_)) {
            let help = "leave the plan out: this is a fit for each group of targets";
            return Err(Error::argument("plan", "none beside targets that differ", "a plan", help));
        }
        let mut fits = Vec::with_capacity(groups.len());
        for (number, ((may, strengths), targets)) in groups.into_iter().enumerate() {
            let may = may.unwrap_or_else(|| vec![true; plan.n_columns()]);
            let spec = self.of_part(format!("group {number}"));
            let spec = spec.of_group(plan, &may, strengths.as_deref(), &targets, started)?;
            let some = response.y.select(&targets);
            let names = targets.iter().filter_map(|&target| response.names.get(target).cloned()).collect();
            let part = Response { y: some.view(), names };
            let fewer = if may.contains(&false) { Some(plan.with_columns(&may)?) } else { None };
            let plan = fewer.as_ref().unwrap_or(plan);
            let fit = match spec.fit(on, plan, &part, progress) {
                // those that are done are not lost
                Err(Error::Interrupted) if number > 0 => spec.not_begun(plan, &part)?,
                fit => fit?,
            };
            fits.push((fit, targets));
        }
        FittedGlm::of_groups(plan.layout(), fits)
    }

    /// The specification of some targets, for the columns that they may use.
    pub(super) fn of_group(
        &self,
        plan: &DesignPlan,
        may: &[bool],
        strengths: Option<&[f64]>,
        targets: &[usize],
        since: Instant,
    ) -> Result<Self> {
        let own = self.get();
        let features: Vec<[usize; 2]> = plan.layout().features.iter().map(|own| own.columns).collect();
        let regularizer = match strengths {
            Some(strengths) => own.regularizer.with_strengths(strengths)?,
            None => own.regularizer.clone(),
        };
        regularizer.check_columns(plan.n_columns(), &features)?;
        let stays = |columns: &std::ops::Range<usize>| may[columns.clone()].iter().all(|may| *may);
        let before = |column: usize| may[..column].iter().filter(|may| **may).count();
        let covariance_of = own.covariance_of.iter().filter(|columns| stays(columns));
        let start = |&target: &usize| {
            let StartPoint { coef, intercept } = own.start.get(target)?.clone();
            let kept = coef.into_iter().zip(may).filter_map(|(coef, may)| may.then_some(coef));
            Some(StartPoint { coef: kept.collect(), intercept })
        };
        GlmSpec {
            regularizer: regularizer.of_columns(may, &features)?,
            start: targets.iter().filter_map(start).collect(),
            time_limit_s: time_left(own.time_limit_s, since),
            n_histories: targets.iter().filter(|target| **target < own.n_histories).count(),
            covariance_of: covariance_of.map(|own| before(own.start)..before(own.end)).collect(),
            ..own.clone()
        }
        .check()
    }
}

impl PerTarget {
    pub(super) fn check(&self, plan: &DesignPlan, n_targets: usize) -> Result<()> {
        let length = |what: &str, expected: usize, found: usize| {
            if expected == found { Ok(()) } else { Err(Error::Length { what: what.into(), expected, found }) }
        };
        if let Some(mask) = &self.mask {
            length("rows of the mask, one for each column", plan.n_columns(), mask.nrows())?;
            length("columns of the mask, one for each target", n_targets, mask.ncols())?;
            if let Some(target) = mask.axis_iter(Axis(1)).position(|own| own.iter().all(|may| !may)) {
                return Err(Error::argument(
                    "mask",
                    "at least one column for every target",
                    format!("none for number {target}"),
                    "leave the target out, or let it use a column",
                ));
            }
        }
        match &self.strengths {
            Some(own) => length("columns of the strengths, one for each target", n_targets, own.ncols()),
            None => Ok(()),
        }
    }
}
