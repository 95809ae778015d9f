//! Cross-validation: the strength of a penalty that predicts bins best that were not fitted, for each target.
//!
//! First all bins are fitted along the strengths, from the strongest on, each fit from the answer of the one before. Then
//! every fold is: design and response of its bins are brought to the backend once, and every fit begins where the one to all
//! bins ended, moved by what the fold differed from it at the strength before. That is so near that few passes are left. All
//! targets advance together. A fit that is only scored ends at a gap of 1e-8 of its loss, by the solver's word; those of the chosen strengths go
//! on to the tolerance, with standard errors, from where they are.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::certificate::{Reported, read_back};
use super::fit::Solved;
use super::fitted::{FittedGlm, TargetFit};
use super::folds::{Fold, Folds};
use super::inputs::Response;
use super::precision::Fits;
use super::rank::varying;
use super::spec::{CheckedSpec, Dispersion, GlmSpec, StandardErrors};
use super::start::StartPoint;
use crate::backend::{Backend, Cpu, Every};
use crate::design::{Column, DesignPlan};
use crate::math::dense::Matrix;
use crate::math::sum::Sum;
use crate::objective::{GlmObjective, Objective, Packed};
use crate::observation::Observe;
use crate::solver::{Progress, Status};
use crate::{Error, Result, number};

/// The tolerance of fits that are only scored.
const ENOUGH: f64 = 1e-8;

/// Which strength is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// The one with the best mean score.
    #[default]
    Best,
    /// The largest whose mean score is within one standard error of the best.
    OneStandardError,
}

/// How well each strength predicts bins that were not fitted: one target's curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The strengths, ascending.
    pub strengths: Vec<f64>,
    /// For each the mean over the folds of the log-likelihood per held-out bin.
    #[serde(with = "number")]
    pub scores: Vec<f64>,
    /// Its standard error: the standard deviation over the folds, divided by the square root of their number.
    #[serde(with = "number")]
    pub standard_errors: Vec<f64>,
    /// The scores of every fold, fold after fold.
    #[serde(with = "number")]
    pub by_fold: Vec<Vec<f64>>,
    /// Which strength has the best mean score.
    pub best: usize,
    /// Which one is the largest whose mean score is within one standard error of the best.
    pub one_se: usize,
}

/// What is tried.
#[derive(Clone, Debug)]
pub struct CrossValidation {
    /// Strengths: what the regularizer of the fit is multiplied by, above 0.
    pub strengths: Vec<f64>,
    /// Who is fitted and who is scored.
    pub folds: Folds,
    /// Which strength is taken.
    pub pick: Pick,
}

impl CrossValidation {
    /// The strengths, ascending, each once.
    fn strengths(&self) -> Result<Vec<f64>> {
        if let Some(wrong) = self.strengths.iter().find(|own| !(**own > 0.0 && own.is_finite())) {
            return Err(Error::argument("strengths", "numbers above 0", wrong.to_string(), "try 1e-4:1:20"));
        }
        let mut strengths = self.strengths.clone();
        strengths.sort_by(f64::total_cmp);
        strengths.dedup();
        if strengths.is_empty() {
            return Err(Error::argument("strengths", "at least one", "none", "try 1e-4:1:20"));
        }
        Ok(strengths)
    }
}

impl Curve {
    fn new(strengths: &[f64], by_fold: Vec<Vec<f64>>) -> Self {
        let n = by_fold.len() as f64;
        let of_strength = |k: usize| by_fold.iter().map(move |fold| fold[k]);
        let mean = |k: usize| of_strength(k).sum::<f64>() / n;
        let scores: Vec<f64> = (0..strengths.len()).map(mean).collect();
        let error = |k: usize| {
            let squares: f64 = of_strength(k).map(|score| (score - scores[k]).powi(2)).sum();
            (squares / (n - 1.0) / n).sqrt()
        };
        let standard_errors: Vec<f64> = (0..strengths.len()).map(error).collect();
        // of equal ones the larger strength, and of a target without a score
        let mut best = strengths.len() - 1;
        for k in (0..strengths.len()).rev() {
            if scores[k] > scores[best] {
                best = k;
            }
        }
        let enough = scores[best] - standard_errors[best];
        let one_se = (0..strengths.len()).rev().find(|&k| scores[k] >= enough).unwrap_or(best);
        Self { strengths: strengths.to_vec(), scores, standard_errors, by_fold, best, one_se }
    }

    /// Which strength is taken.
    pub fn chosen(&self, pick: Pick) -> usize {
        match pick {
            Pick::Best => self.best,
            Pick::OneStandardError => self.one_se,
        }
    }
}

impl CheckedSpec {
    /// Fits every target with the strength that predicts held-out bins best.
    ///
    /// The regularizer of the result is that of the first target; each target has its own strength and curve.
    ///
    /// # Errors
    /// As [`CheckedSpec::fit`]; [`Error::Argument`] without a regularizer, with a plan or a dispersion to estimate, and for
    /// strengths that are no numbers above 0.
    pub fn cross_validate<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        how: &CrossValidation,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        let started = Instant::now();
        let strengths = how.strengths()?;
        self.check_for_strengths()?;
        let path = self.scored_path(on, plan, response, &strengths, progress)?;
        let mut by_fold = Vec::with_capacity(how.folds.len());
        for fold in how.folds.iter() {
            by_fold.push(self.fold(on, plan, response, &path, (fold, &strengths), progress)?);
        }
        let n_targets = response.y.ncols();
        let curve = |target: usize| {
            let own = by_fold.iter().map(|scores| scores.iter().map(|own| own[target]).collect()).collect();
            Curve::new(&strengths, own)
        };
        let curves: Vec<Curve> = (0..n_targets).map(curve).collect();
        let chosen: Vec<usize> = curves.iter().map(|curve| curve.chosen(how.pick)).collect();
        let mut fitted = self.finish_chosen(on, plan, response, &path, (&chosen, &strengths), progress)?;
        for ((target, curve), k) in fitted.targets.iter_mut().zip(curves).zip(chosen) {
            target.strength = Some(strengths[k]);
            target.cv = Some(curve);
        }
        fitted.seconds.fit = started.elapsed().as_secs_f64() - fitted.seconds.inference;
        Ok(fitted)
    }

    fn check_for_strengths(&self) -> Result<()> {
        if self.get().regularizer.strength().is_none() {
            let help = "add a regularizer: ridge, lasso, elastic-net, group-lasso or smooth";
            return Err(Error::argument("strengths", "a penalty whose strength is chosen", "none", help));
        }
        if self.get().dispersion == Dispersion::MaximumLikelihood {
            let help = "estimate it by a fit without cross-validation, and give that number";
            return Err(Error::argument("dispersion", "a number beside strengths", "ml", help));
        }
        if self.replayed().is_some() {
            let help = "leave the plan out: this is many fits";
            return Err(Error::argument("plan", "none beside several strengths", "a plan", help));
        }
        Ok(())
    }

    /// The same fit at one of the strengths, for its score alone.
    fn at_strength(&self, strength: f64, start: Vec<StartPoint>) -> Result<Self> {
        let own = self.get();
        GlmSpec {
            regularizer: own.regularizer.times(strength),
            start,
            tolerance: own.tolerance.max(ENOUGH),
            standard_errors: StandardErrors::Off,
            n_histories: 0,
            covariance_of: Vec::new(),
            ..own.clone()
        }
        .check()
    }

    /// Fits with each of these strengths (the regularizer times each), in their order, each from the answer of the one before:
    /// from the strongest on, that is where little changes.
    ///
    /// # Errors
    /// As [`CheckedSpec::cross_validate`].
    pub fn fit_path<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        strengths: &[f64],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<FittedGlm>> {
        self.check_for_strengths()?;
        let mut path: Vec<FittedGlm> = Vec::with_capacity(strengths.len());
        self.fit_each(on, plan, response, &mut |problem: &mut dyn Fits| {
            for &strength in strengths {
                let regularizer = self.get().regularizer.times(strength);
                let start = path.last().map_or_else(
                    || self.get().start.clone(),
                    |last| last.targets.iter().map(StartPoint::from).collect(),
                );
                let spec = GlmSpec { regularizer, start, ..self.get().clone() }.check()?;
                path.push(problem.fit(&spec, progress)?);
            }
            Ok(())
        })?;
        Ok(path)
    }

    /// Fits to all bins, for their scores alone, the strengths from the last on; in their order.
    fn scored_path<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        strengths: &[f64],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Vec<Scored>>> {
        let mut path: Vec<Vec<Scored>> = Vec::with_capacity(strengths.len());
        self.fit_each(on, plan, response, &mut |problem: &mut dyn Fits| {
            for &strength in strengths.iter().rev() {
                let start = path.last().map_or(Vec::new(), |last| starts(last));
                path.push(self.scored(problem, strength, start, progress)?);
            }
            Ok(())
        })?;
        path.reverse();
        Ok(path)
    }

    /// One fit for its score alone. Its proof would cost as much as the rest; only a scale needs a whole fit.
    fn scored(
        &self,
        problem: &mut dyn Fits,
        strength: f64,
        start: Vec<StartPoint>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Scored>> {
        let spec = self.at_strength(strength, start)?;
        if spec.get().model.observation.scale_term(1.0, 1.0).is_none() {
            let solved = problem.solve(&spec, progress)?.into_iter();
            return Ok(solved.map(|Solved { point, status }| Scored { point, status, scale: 1.0 }).collect());
        }
        let fitted = problem.fit(&spec, progress)?;
        let scored = |fit: &TargetFit| Scored { point: fit.into(), status: fit.status, scale: fit.scale };
        Ok(fitted.targets.iter().map(scored).collect())
    }

    /// The log-likelihood per held-out bin of every strength and target.
    fn fold<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        path: &[Vec<Scored>],
        (fold, strengths): (&Fold, &[f64]),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Vec<f64>>> {
        let train = plan.with_rows(fold.train.clone());
        let test = plan.with_rows(fold.test.clone());
        let mut held_out = HeldOut::new(on.exact(), &test, response, self)?;
        let mut scores = vec![Vec::new(); strengths.len()];
        self.fit_each(on, &train, response, &mut |problem: &mut dyn Fits| {
            let mut before: Option<(usize, Vec<Scored>)> = None;
            for (k, &strength) in strengths.iter().enumerate().rev() {
                let mut start = starts(&path[k]);
                if let Some((last, own)) = &before {
                    for (start, (own, all)) in start.iter_mut().zip(own.iter().zip(&path[*last])) {
                        start.move_by(&own.point, &all.point);
                    }
                }
                let scored = self.scored(problem, strength, start, progress)?;
                scores[k] = held_out.scores(&scored)?;
                before = Some((k, scored));
            }
            Ok(())
        })?;
        Ok(scores)
    }

    /// Brings the targets at their strengths to the tolerance.
    fn finish_chosen<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        path: &[Vec<Scored>],
        (chosen, strengths): (&[usize], &[f64]),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        let mut fitted: Option<FittedGlm> = None;
        let mut targets: Vec<Option<TargetFit>> = chosen.iter().map(|_| None).collect();
        for (k, &strength) in strengths.iter().enumerate() {
            let mut own: Vec<usize> = (0..chosen.len()).filter(|&target| chosen[target] == k).collect();
            if own.is_empty() {
                continue;
            }
            if own.len() == 1 && chosen.len() > 1 {
                // a target of several is computed as one of several, whoever shares its strength
                own.push(own[0]);
            }
            let (some, names) = (response.y.select(&own), &response.names);
            let names = own.iter().map(|&target| names[target].clone()).collect();
            let regularizer = self.get().regularizer.times(strength);
            let start = own.iter().map(|&target| path[k][target].point.clone()).collect();
            let spec = GlmSpec { regularizer, start, ..self.get().clone() }.check()?;
            let mut part = spec.fit(on, plan, &Response { y: some.view(), names }, progress)?;
            for (fit, &target) in part.targets.drain(..).zip(&own) {
                targets[target] = Some(fit);
            }
            match &mut fitted {
                None => fitted = Some(part),
                Some(first) => {
                    first.seconds.fit += part.seconds.fit;
                    first.seconds.inference += part.seconds.inference;
                    first.condition = first.condition.max(part.condition);
                    if own.contains(&0) {
                        first.regularizer = part.regularizer;
                    }
                }
            }
        }
        let Some(mut fitted) = fitted else {
            return Err(Error::Empty {
                what: "response".into(),
                problem: "it has no target".into(),
                help: "give at least one".into(),
            });
        };
        fitted.targets = targets.into_iter().flatten().collect();
        Ok(fitted)
    }
}

/// Where a target came to in a fit that is only scored.
#[derive(Clone, Debug)]
struct Scored {
    point: StartPoint,
    status: Status,
    scale: f64,
}

fn starts(scored: &[Scored]) -> Vec<StartPoint> {
    scored.iter().map(|own| own.point.clone()).collect()
}

impl StartPoint {
    /// Moves it by what one point differs from another.
    fn move_by(&mut self, own: &Self, other: &Self) {
        self.intercept += own.intercept - other.intercept;
        for (w, (own, other)) in self.coef.iter_mut().zip(own.coef.iter().zip(&other.coef)) {
            *w += own - other;
        }
    }
}

/// The bins of a fold that are scored.
struct HeldOut<'p, 'd, 'r> {
    objective: GlmObjective<'p, Cpu<f64>>,
    plan: &'p DesignPlan<'d>,
    varying: Vec<usize>,
    response: &'p Response<'r>,
    spec: &'p CheckedSpec,
}

impl<'p, 'd, 'r> HeldOut<'p, 'd, 'r> {
    fn new(
        on: &'p Cpu<f64>,
        plan: &'p DesignPlan<'d>,
        response: &'p Response<'r>,
        spec: &'p CheckedSpec,
    ) -> Result<Self> {
        let varying = varying(plan);
        let columns: Vec<Column> = varying.iter().map(|&column| Column::Source(column)).collect();
        let y = Packed::new(response.y, plan.rows());
        let objective = GlmObjective::new(on, plan, &columns, &y, spec.get().model)?;
        Ok(Self { objective, plan, varying, response, spec })
    }

    /// The log-likelihood per bin of every target: minus infinity where a target has events that cannot be by a model that has
    /// seen none.
    fn scores(&mut self, targets: &[Scored]) -> Result<Vec<f64>> {
        let is_known =
            |k: &usize| targets[*k].point.intercept.is_finite() && targets[*k].status != Status::Failed;
        let known: Vec<usize> = (0..targets.len()).filter(is_known).collect();
        let point = |k: &usize| {
            let StartPoint { coef, intercept } = &targets[*k].point;
            let reported = Reported { coef: coef.clone(), intercept: *intercept };
            read_back(self.plan.scaling(), &reported, &self.varying)
        };
        let points: Vec<Vec<f64>> = known.iter().map(point).collect();
        let at = Matrix::from_shape_fn((1 + self.varying.len(), known.len()), |(j, k)| points[k][j]);
        let mut gradient = Matrix::zeros(at.dim());
        let mut losses = vec![f64::NAN; targets.len()];
        if !known.is_empty() {
            let found = self.objective.loss_gradient(&at, &known, Every::ROW, &mut gradient)?;
            known.iter().zip(found).for_each(|(&k, loss)| losses[k] = loss);
        }
        Ok(targets.iter().enumerate().map(|(k, fit)| self.score(k, fit, losses[k])).collect())
    }

    fn score(&self, target: usize, fit: &Scored, loss: f64) -> f64 {
        let (model, rows) = (self.spec.get().model, self.plan.rows());
        let responses = || rows.iter().map(|row| self.response.y.get(row, target));
        let n = rows.len() as f64;
        if loss.is_nan() {
            if fit.status != Status::NoEvents {
                return f64::NAN;
            }
            // certain of the one response that it has seen
            let mean = model.mean(fit.point.intercept);
            return if responses().all(|y| y == mean) { 0.0 } else { f64::NEG_INFINITY };
        }
        let observation = model.observation;
        // a dispersion is part of the model
        let scale = if observation.dispersion().is_some() { 1.0 } else { fit.scale };
        let free: Sum = responses().map(|y| observation.free_of_mean(y, scale)).collect();
        (free.value() - loss * n / (observation.factor() * scale)) / n
    }
}
