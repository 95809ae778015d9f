//! Cross-validation: the strength of a penalty that predicts bins best that were not fitted, for each target.
//!
//! First all bins are fitted along the strengths, from the strongest on, each fit from the answer of the one before. Then
//! every fold is: design and response of its bins are brought to the backend once, and every fit begins where the one to all
//! bins ended, moved by what the fold differed from it at the strength before. That is so near that few passes are left, and
//! Newton's method goes on with its Hessian of the same rows at the strength before while that leads on quickly. All targets
//! advance together: a pass over the rows serves them all. A fit that is only scored ends at a gap of 1e-8 of its loss, by the
//! solver's word; those of the chosen strengths go on to the tolerance, with standard errors, from where they are.

use std::time::Instant;

use super::curve::{Curve, Pick};
use super::fitted::{FittedGlm, TargetFit};
use super::folds::{Fold, Folds};
use super::held_out::{HeldOut, Scored, own_scale, starts};
use super::inputs::Response;
use super::precision::Fits;
use super::solve::Solved;
use super::spec::{CheckedSpec, Dispersion, GlmSpec, StandardErrors};
use super::start::StartPoint;
use crate::backend::Backend;
use crate::design::DesignPlan;
use crate::math::dense::Matrix;
use crate::observation::Observe;
use crate::solver::Progress;
use crate::{Error, Result};

/// The tolerance of fits that are only scored.
pub(super) const ENOUGH: f64 = 1e-8;

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
    pub(super) fn strengths(&self) -> Result<Vec<f64>> {
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
        let path = self.scored_path(on, plan, response, (&strengths, started), progress)?;
        let mut by_fold = Vec::with_capacity(how.folds.len());
        for fold in how.folds.iter() {
            by_fold.push(self.fold(on, plan, response, &path, (fold, &strengths, started), progress)?);
        }
        let n_targets = response.y.ncols();
        let curve = |target: usize| {
            let own = by_fold.iter().map(|scores| scores.iter().map(|own| own[target]).collect()).collect();
            Curve::new(&strengths, own)
        };
        let curves: Vec<Curve> = (0..n_targets).map(curve).collect();
        let chosen: Vec<usize> = curves.iter().map(|curve| curve.chosen(how.pick)).collect();
        let mut fitted =
            self.finish_chosen(on, plan, response, &path, (&chosen, &strengths, started), progress)?;
        for ((target, curve), k) in fitted.targets.iter_mut().zip(curves).zip(chosen) {
            target.strength = Some(strengths[k]);
            target.warnings.extend(curve.warning());
            target.cv = Some(curve);
        }
        fitted.seconds.fit = started.elapsed().as_secs_f64() - fitted.seconds.inference;
        Ok(fitted)
    }

    pub(super) fn check_for_strengths(&self) -> Result<()> {
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
    fn at_strength(&self, strength: f64, start: Vec<StartPoint>, since: Instant) -> Result<Self> {
        let own = self.get();
        let left = |limit: f64| (limit - since.elapsed().as_secs_f64()).max(f64::MIN_POSITIVE);
        GlmSpec {
            regularizer: own.regularizer.times(strength),
            start,
            tolerance: own.tolerance.max(ENOUGH),
            standard_errors: StandardErrors::Off,
            time_limit_s: own.time_limit_s.map(left),
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
        (strengths, since): (&[f64], Instant),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Vec<Scored>>> {
        let mut path: Vec<Vec<Scored>> = Vec::with_capacity(strengths.len());
        self.fit_each(on, plan, response, &mut |problem: &mut dyn Fits| {
            let mut kept = None;
            for &strength in strengths.iter().rev() {
                let start = path.last().map_or(Vec::new(), |last| starts(last));
                path.push(self.scored(problem, strength, (start, since), &mut kept, progress)?);
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
        (start, since): (Vec<StartPoint>, Instant),
        kept: &mut Option<Vec<Matrix>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Scored>> {
        let spec = self.at_strength(strength, start, since)?;
        if spec.get().model.observation.scale_term(1.0, 1.0).is_none() {
            let solved = problem.solve(&spec, kept, progress)?.into_iter();
            return Ok(solved.map(|Solved { point, status }| Scored { point, status, scale: 1.0 }).collect());
        }
        let fitted = problem.fit(&spec, progress)?;
        let scored =
            |fit: &TargetFit| Scored { point: fit.into(), status: fit.status, scale: own_scale(fit) };
        Ok(fitted.targets.iter().map(scored).collect())
    }

    /// The log-likelihood per held-out bin of every strength and target.
    fn fold<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        path: &[Vec<Scored>],
        (fold, strengths, since): (&Fold, &[f64], Instant),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Vec<f64>>> {
        let train = plan.with_rows(fold.train.clone());
        let test = plan.with_rows(fold.test.clone());
        let mut held_out = HeldOut::new(on.exact(), &test, response, self)?;
        let mut scores = vec![Vec::new(); strengths.len()];
        self.fit_each(on, &train, response, &mut |problem: &mut dyn Fits| {
            let (mut before, mut kept): (Option<(usize, Vec<Scored>)>, _) = (None, None);
            for (k, &strength) in strengths.iter().enumerate().rev() {
                let mut start = starts(&path[k]);
                if let Some((last, own)) = &before {
                    for (start, (own, all)) in start.iter_mut().zip(own.iter().zip(&path[*last])) {
                        start.move_by(&own.point, &all.point);
                    }
                }
                let scored = self.scored(problem, strength, (start, since), &mut kept, progress)?;
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
        (chosen, strengths, since): (&[usize], &[f64], Instant),
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
            let left = |limit: f64| (limit - since.elapsed().as_secs_f64()).max(f64::MIN_POSITIVE);
            let time_limit_s = self.get().time_limit_s.map(left);
            let spec = GlmSpec { regularizer, start, time_limit_s, ..self.get().clone() }.check()?;
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
