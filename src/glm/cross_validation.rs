//! Cross-validation: the strength of a penalty that predicts bins best that were not fitted, for each target.
//!
//! First all bins are fitted along the strengths, from the strongest on, each fit from the answer of the one before. Then
//! every fold is, at the strengths side by side: a fold is weights of the same rows, 0 outside of it, so that folds, strengths and targets are
//! targets of one fit, and each iteration of all of them is one pass over the design, which is brought to the backend (or computed)
//! once. Each begins where the fit to all bins ended, which is so near that few passes are left, and takes Newton's steps with the
//! Hessian of its own bins there, as long as that leads on quickly: what a fold leaves out is taken from the Hessian of all bins, so that
//! those of all folds cost about as much as one of all bins. A fit that is only scored ends at a gap of 1e-8 of its loss, by the
//! solver's word; those of the chosen strengths go on to the tolerance, with standard errors, from where they are.
//!
//! So many fits go side by side that the linear predictors of a tile stay in cache and the weights take a bounded part of memory: folds
//! that are more, and strengths, follow one another.

use std::sync::Arc;
use std::time::Instant;

use super::curve::{Curve, Pick};
use super::fits::Fits;
use super::fitted::{FittedGlm, TargetFit};
use super::folds::{Fold, Folds};
use super::held_out::HeldOut;
use super::inputs::Response;
use super::journal::Journal;
use super::noted::{Cut, Noted, Scores, is_final, keep_solved, solved_of, unsettle};
use super::solve::{Hessians, Solved};
use super::spec::{CheckedSpec, Dispersion, GlmSpec, StandardErrors};
use super::start::StartPoint;
use super::strength_path::{MOST_TOGETHER, Path};
use crate::backend::Backend;
use crate::design::{DesignPlan, Rows};
use crate::objective::Parts;
use crate::regularizer::Regularizer;
use crate::solver::{Part, Progress, Status};
use crate::stop::{is_over, time_left};
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

fn no_target() -> Error {
    Error::Empty {
        what: "response".into(),
        problem: "it has no target".into(),
        help: "give at least one".into(),
    }
}

fn starts(solved: &[Solved]) -> Vec<StartPoint> {
    solved.iter().map(|own| own.point.clone()).collect()
}

/// Folds that go side by side, with their numbers, and how many there are in all.
type SomeFolds<'a> = (&'a [(usize, &'a Fold)], usize);

/// What a journal calls the fits of folds that go side by side.
fn part_of(folds: &[(usize, &Fold)]) -> String {
    format!("folds from {} to {}", folds[0].0, folds[0].0 + folds.len())
}

impl CheckedSpec {
    /// Fits every target with the strength that predicts held-out bins best.
    ///
    /// The regularizer of the result is that of the first target; each target has its own strength and curve.
    ///
    /// # Errors
    /// As [`CheckedSpec::fit`]; [`Error::Argument`] without a regularizer, with a plan or a dispersion to estimate, and for
    /// strengths that are no numbers above 0 and folds of rows that the plan does not use.
    pub fn cross_validate<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        how: &CrossValidation,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        let started = Instant::now();
        let (strengths, n_targets) = (how.strengths()?, response.y.ncols());
        self.check_for_strengths()?;
        how.folds.check_within(plan.rows())?;
        if n_targets == 0 {
            return Err(no_target());
        }
        match self.beside_hessians(plan, strengths.len() * n_targets) {
            Some((spec, plan)) => spec.validate(on, &plan, response, (how, &strengths, started), progress),
            None => self.validate(on, plan, response, (how, &strengths, started), progress),
        }
    }

    fn validate<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        (how, strengths, started): (&CrossValidation, &[f64], Instant),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedGlm> {
        let n_targets = response.y.ncols();
        let noted = Noted { journal: &self.get().journal, n_strengths: strengths.len(), n_targets };
        let mut by_fold: Vec<Option<Scores>> = (0..how.folds.len()).map(|fold| noted.scores(fold)).collect();
        let path = match noted.path().filter(|_| by_fold.iter().all(Option::is_some)) {
            Some(points) => Path { points, ..self.no_path() },
            None => self.path(on, plan, response, (strengths, started), progress)?,
        };
        let folds: Vec<(usize, &Fold)> = how.folds.iter().enumerate().collect();
        // how fits of each target ended that did not do so by themselves
        let mut cut: Vec<Cut> = vec![None; n_targets];
        for folds in folds.chunks(path.folds_together(plan.n_rows(), n_targets)) {
            if folds.iter().all(|(fold, _)| by_fold[*fold].is_some()) {
                continue;
            }
            if is_over(self.get().time_limit_s, started) {
                folds.iter().for_each(|(fold, _)| {
                    by_fold[*fold].get_or_insert_with(|| vec![vec![f64::NAN; n_targets]; strengths.len()]);
                });
                cut.fill(Some(Status::Stopped));
                continue;
            }
            let which = (folds, how.folds.len());
            let found = self.folds(on, plan, response, &path, (which, strengths, started), progress)?;
            let is_final = |cut: &[Cut]| cut.iter().all(Option::is_none);
            let are_final = found.iter().all(|(_, of_fold)| is_final(of_fold));
            for ((fold, _), (scores, of_fold)) in folds.iter().zip(found) {
                if is_final(&of_fold) {
                    noted.keep_scores(*fold, &scores);
                }
                cut.iter_mut().zip(of_fold).for_each(|(cut, own)| *cut = cut.or(own));
                by_fold[*fold] = Some(scores);
            }
            if are_final {
                // where their fits came to is of no use any more
                self.get().journal.within(part_of(folds)).finish(Vec::new());
            }
        }
        let by_fold: Vec<Scores> = by_fold.into_iter().flatten().collect();
        let curve = |target: usize| {
            let own = by_fold.iter().map(|scores| scores.iter().map(|own| own[target]).collect()).collect();
            Curve::new(strengths, own)
        };
        let curves: Vec<Curve> = (0..n_targets).map(curve).collect();
        let chosen: Vec<usize> = curves.iter().map(|curve| curve.chosen(how.pick)).collect();
        let mut fitted =
            self.finish_chosen(on, plan, response, &path, (&chosen, strengths, started), progress)?;
        for (((target, curve), k), cut) in fitted.targets.iter_mut().zip(curves).zip(chosen).zip(cut) {
            target.strength = Some(strengths[k]);
            target.warnings.extend(curve.warning());
            unsettle(&mut target.status, &mut target.warnings, cut);
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
        GlmSpec {
            regularizer: own.regularizer.times(strength),
            start,
            tolerance: own.tolerance.max(ENOUGH),
            standard_errors: StandardErrors::Off,
            time_limit_s: time_left(own.time_limit_s, since),
            journal: Journal::default(),
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
                let journal = self.get().journal.within(format!("strength {}", path.len()));
                let start = path.last().map_or_else(
                    || self.get().start.clone(),
                    |last| last.targets.iter().map(StartPoint::from).collect(),
                );
                let spec = GlmSpec { regularizer, start, journal, ..self.get().clone() }.check()?;
                path.push(problem.fit(&spec, progress)?);
            }
            Ok(())
        })?;
        Ok(path)
    }

    /// Fits to all bins, for where they lead, the strengths from the last on; in their order.
    fn path<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        (strengths, since): (&[f64], Instant),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Path> {
        let mut path = self.no_path();
        self.fit_each(on, plan, response, &mut |problem: &mut dyn Fits| {
            let mut kept = None;
            for (k, &strength) in strengths.iter().enumerate().rev() {
                let part = self.get().journal.within(format!("strength {k}"));
                // what was noted is near: going there again costs little and brings the Hessians
                let noted = solved_of(&part);
                let start = noted.as_ref().or(path.points.last()).map_or(Vec::new(), |own| starts(own));
                let spec = self.at_strength(strength, start, since)?;
                let own = [spec.get().regularizer.clone()];
                let at = Part::Strength { number: strengths.len() - k, of: strengths.len() };
                let mut of_strength = |own: Progress| progress(Progress { part: at, ..own });
                let solved = problem.solve(&spec, &own, Hessians::Kept(&mut kept), &mut of_strength)?;
                if noted.is_none() {
                    keep_solved(&part, &solved);
                }
                path.points.push(noted.unwrap_or(solved));
                path.remember(kept.as_deref());
            }
            Ok(())
        })?;
        path.points.reverse();
        path.kept.reverse();
        Ok(path)
    }

    /// The log-likelihood per held-out bin of every fold, strength and target, and of each target how fits ended that did not do so by
    /// themselves.
    fn folds<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        path: &Path,
        ((folds, n_all), strengths, since): (SomeFolds, &[f64], Instant),
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<(Scores, Vec<Cut>)>> {
        let (n_targets, n_folds) = (response.y.ncols(), folds.len());
        let n_each = n_targets * n_folds;
        // every fit that goes on has the Hessian of its loss with its penalty
        let by_bytes = path.most_bytes / (path.of_strength * n_folds).max(1);
        let n_together = (MOST_TOGETHER / n_each).min(by_bytes).clamp(1, strengths.len());
        let rows: Vec<Rows> = folds.iter().map(|(_, fold)| fold.train.clone()).collect();
        let parts = Parts { rows: Arc::new(rows), n_penalties: n_together };
        // of every strength the targets of the first fold, then those of the next
        let mut solved: Vec<Vec<Solved>> = strengths.iter().map(|_| Vec::new()).collect();
        self.fit_parts(on, plan, response, Some(parts), &mut |problem: &mut dyn Fits| {
            let hessians = path.kept().map(|kept| problem.hessians(self, &kept)).transpose()?;
            for last in (1..=strengths.len()).rev().step_by(n_together) {
                let own = last.saturating_sub(n_together)..last;
                // whoever goes side by side, so that a target does not depend on its companions
                let start = own.clone().flat_map(|k| (0..n_folds).flat_map(move |_| starts(&path.points[k])));
                let start = start.collect();
                let spec = self.at_strength(strengths[own.start], start, since)?;
                let regularizers: Vec<Regularizer> =
                    own.clone().map(|k| self.get().regularizer.times(strengths[k])).collect();
                let of_own = n_each * own.start..n_each * own.end;
                let given = Hessians::Given(hessians.as_ref().map(|all| &all[of_own]));
                let of_folds = Part::Folds {
                    first: folds[0].0 + 1,
                    last: folds[0].0 + n_folds,
                    of: n_all,
                    n_strengths: strengths.len() - last,
                    of_strengths: strengths.len(),
                };
                let mut of_targets = |at: Progress| {
                    let n_active = at.n_active.div_ceil(n_folds * regularizers.len()).min(n_targets);
                    progress(Progress { n_active, n_waiting: 0, part: of_folds, ..at });
                };
                let part = self.get().journal.within(part_of(folds));
                let part = part.within(format!("strengths from {} to {}", own.start, own.end));
                let noted = solved_of(&part).filter(|noted| noted.len() == n_each * own.len());
                let found = match noted {
                    Some(noted) => noted,
                    None => problem.solve(&spec, &regularizers, given, &mut of_targets)?,
                };
                keep_solved(&part, &found);
                let mut found = found.into_iter();
                for k in own.clone() {
                    solved[k] = found.by_ref().take(n_each).collect();
                }
            }
            Ok(())
        })?;
        let scores = |((_, fold), k): (&(usize, &Fold), usize)| -> Result<(Scores, Vec<Cut>)> {
            let test = plan.with_rows(fold.test.clone());
            let mut held_out = HeldOut::new(on.exact(), &test, response, self, strengths.len())?;
            let own = solved.iter().flat_map(|all| &all[k * n_targets..(k + 1) * n_targets]);
            let own: Vec<&Solved> = own.collect();
            let scores = held_out.scores(&own)?;
            let of_target = |target: usize| own.iter().skip(target).step_by(n_targets).map(|own| own.status);
            let cut = (0..n_targets).map(|target| of_target(target).find(|status| !is_final(*status)));
            Ok((scores.chunks(n_targets).map(<[f64]>::to_vec).collect(), cut.collect()))
        };
        folds.iter().zip(0..).map(scores).collect()
    }

    /// Brings the targets at their strengths to the tolerance.
    fn finish_chosen<B: Backend>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &Response,
        path: &Path,
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
            let start = own.iter().map(|&target| path.points[k][target].point.clone()).collect();
            let time_limit_s = time_left(self.get().time_limit_s, since);
            let journal = self.get().journal.within(format!("chosen {k}"));
            let spec = GlmSpec { regularizer, start, time_limit_s, journal, ..self.get().clone() }.check()?;
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
        let Some(mut fitted) = fitted else { return Err(no_target()) };
        fitted.targets = targets.into_iter().flatten().collect();
        Ok(fitted)
    }
}
