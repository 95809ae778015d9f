//! Cross-validation of fits to labels: the strength of a penalty that predicts held-out bins best, for each target.
//!
//! The classes of a target share one loss, so that a fit is of one target; targets, folds and strengths are fitted one after the
//! other. First all bins are fitted along the strengths, from the strongest on, each fit from the answer of the one before. Then every
//! fold is, each fit from where the one to all bins ended, moved by what the fold differed from it at the strength before. Fits that
//! are only scored end at a gap of 1e-8 of their loss, by the solver's word; that of the chosen strength goes on to the tolerance.
//!
//! A fold without a bin of some class to fit has no model of this class: its probability would be 0, and the log-likelihood of a
//! held-out bin of it minus infinity, whatever the strength. Such a fold is left out of the curve, and a warning names fold and class.

use std::time::Instant;

use super::fitted::FittedCategorical;
use super::held_out::HeldOut;
use super::response::Labelled;
use super::spec::CategoricalSpec;
use super::start::ClassPoint;
use crate::backend::Classes;
use crate::design::DesignPlan;
use crate::glm::cross_validation::{CrossValidation, ENOUGH};
use crate::glm::curve::Curve;
use crate::glm::folds::{Fold, Folds};
use crate::glm::journal::{Journal, Waypoint};
use crate::glm::noted::{is_final, unsettle};
use crate::glm::spec::{GlmSpec, StandardErrors};
use crate::solver::{Part, Progress, Status};
use crate::stop::{is_over, time_left};
use crate::{Error, Result};

/// Where the fit of a strength to some bins came to.
struct Scored {
    point: ClassPoint,
    status: Status,
}

/// What does not change from fold to fold.
struct Search<'s, B> {
    spec: &'s CategoricalSpec,
    on: &'s B,
    response: &'s Labelled,
    strengths: &'s [f64],
    /// When the first target began: what time is left is left for all of them.
    since: Instant,
    /// When this one did.
    begun: Instant,
}

impl CategoricalSpec {
    /// Fits every target with the strength that predicts the labels of held-out bins best.
    ///
    /// The regularizer of the result is that of the first target; each target has its own strength and curve. Scores are
    /// log-likelihoods per held-out bin.
    ///
    /// # Errors
    /// As [`CategoricalSpec::fit`]; [`Error::Argument`] without a regularizer and for strengths that are no numbers above 0,
    /// [`Error::Empty`] if every fold lacks some class among the bins that are fitted.
    pub fn cross_validate<B: Classes>(
        &self,
        on: &B,
        plan: &DesignPlan,
        response: &[Labelled],
        how: &CrossValidation,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedCategorical> {
        let strengths = how.strengths()?;
        self.checked().check_for_strengths()?;
        how.folds.check_within(plan.rows())?;
        let not_centred = (!self.get().has_intercept).then(|| plan.without_intercept());
        let plan = not_centred.as_ref().unwrap_or(plan);
        let (mut fits, since) = (Vec::with_capacity(response.len()), Instant::now());
        for (number, target) in response.iter().enumerate() {
            let n_waiting = response.len() - 1 - number;
            let mut of_all = |at: Progress| progress(Progress { n_active: at.n_active + n_waiting, ..at });
            let begun = Instant::now();
            let own = self.of_part(format!("target {number}"))?;
            let search = Search { spec: &own, on, response: target, strengths: &strengths, since, begun };
            fits.push((search.run(plan, how, &mut of_all)?, vec![number]));
        }
        FittedCategorical::of_groups(plan.layout(), fits)
    }
}

impl<B: Classes> Search<'_, B> {
    fn run(
        &self,
        plan: &DesignPlan,
        how: &CrossValidation,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<FittedCategorical> {
        self.response.check(plan.rows())?;
        let missing = self.missing(&how.folds)?;
        let path = self.path(plan, progress)?;
        let (mut by_fold, mut cut) = (Vec::with_capacity(how.folds.len()), None);
        for ((number, fold), missing) in how.folds.iter().enumerate().zip(&missing) {
            let unknown = || vec![f64::NAN; self.strengths.len()];
            let (scores, of_fold) = match missing {
                Some(_) => (unknown(), None),
                None if is_over(self.spec.get().time_limit_s, self.since) => {
                    (unknown(), Some(Status::Stopped))
                }
                None => self.fold(plan, (number, fold, how.folds.len()), &path, progress)?,
            };
            by_fold.push(scores);
            cut = cut.or(of_fold);
        }
        let curve = Curve::new(self.strengths, by_fold);
        let is_kept = |(fold, missing): (&Vec<f64>, &Option<usize>)| missing.is_none().then(|| fold.clone());
        // folds that are left out have their own warning
        let kept =
            Curve::new(self.strengths, curve.by_fold.iter().zip(&missing).filter_map(is_kept).collect());
        let chosen = curve.chosen(how.pick);
        let regularizer = self.spec.get().regularizer.times(self.strengths[chosen]);
        let spec = GlmSpec { regularizer, time_limit_s: self.time_left(), ..self.spec.get().clone() };
        let spec = self.spec.with_checked(spec.check()?).with_start(vec![path[chosen].point.clone()]);
        let mut fitted = spec.fit(self.on, plan, std::slice::from_ref(self.response), progress)?;
        for target in &mut fitted.targets {
            target.strength = Some(self.strengths[chosen]);
            target.warnings.extend(self.left_out(&missing));
            target.warnings.extend(kept.warning());
            unsettle(&mut target.status, &mut target.warnings, cut);
            target.cv = Some(curve.clone());
        }
        fitted.seconds.fit = self.begun.elapsed().as_secs_f64() - fitted.seconds.inference;
        Ok(fitted)
    }

    /// Of each fold the class that none of the bins that are fitted has, if there is one.
    fn missing(&self, folds: &Folds) -> Result<Vec<Option<usize>>> {
        let of_fold = |fold: &Fold| {
            let mut has = vec![false; self.response.classes().len()];
            fold.train.iter().filter_map(|bin| self.response.code(bin)).for_each(|code| has[code] = true);
            has.iter().position(|has| !has)
        };
        let missing: Vec<Option<usize>> = folds.iter().map(of_fold).collect();
        if missing.iter().any(Option::is_none) {
            return Ok(missing);
        }
        let class = |class: usize| self.response.classes()[class].to_string();
        let named: Vec<String> = missing.iter().flatten().map(|&own| class(own)).collect();
        Err(Error::Empty {
            what: format!("cross-validation of {}", self.response.name),
            problem: format!(
                "in every fold a class has no bin that is fitted (fold by fold: {}), so that none can be scored",
                named.join(", ")
            ),
            help: "hold out bins at random (--cv kfold), or take more folds, of which each holds out less"
                .into(),
        })
    }

    /// What to say about folds that were left out.
    fn left_out(&self, missing: &[Option<usize>]) -> Option<String> {
        let name = |(fold, class): (usize, &Option<usize>)| {
            class.map(|class| format!("fold {} (class {})", 1 + fold, self.response.classes()[class]))
        };
        let named: Vec<String> = missing.iter().enumerate().filter_map(name).collect();
        (!named.is_empty()).then(|| {
            format!(
                "cross-validation: {} of {} folds are left out, since a class has no bin that is fitted: {}; --cv kfold, or more folds, \
                 may keep them",
                named.len(),
                missing.len(),
                named.join(", ")
            )
        })
    }

    fn time_left(&self) -> Option<f64> {
        time_left(self.spec.get().time_limit_s, self.since)
    }

    /// Fits to all bins, for their scores alone, the strengths from the last on; in their order.
    fn path(&self, plan: &DesignPlan, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Scored>> {
        let mut path: Vec<Scored> = Vec::with_capacity(self.strengths.len());
        for k in (0..self.strengths.len()).rev() {
            let start = path.last().map(|last| last.point.clone());
            let part = format!("strength {k}");
            let at = Part::Strength { number: path.len() + 1, of: self.strengths.len() };
            let mut of_strength = |own: Progress| progress(Progress { part: at, ..own });
            path.push(self.scored(plan, (k, part), start, &mut of_strength)?);
        }
        path.reverse();
        Ok(path)
    }

    /// One fit for its score alone, at a strength by its number.
    fn scored(
        &self,
        plan: &DesignPlan,
        (strength, part): (usize, String),
        start: Option<ClassPoint>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Scored> {
        let own = self.spec.get();
        let journal = own.journal.within(part);
        if let Some([point]) = journal.done().as_deref()
            && let Some(status) = point.status
        {
            return Ok(Scored { point: point.clone().into(), status });
        }
        let checked = GlmSpec {
            journal: Journal::default(),
            regularizer: own.regularizer.times(self.strengths[strength]),
            tolerance: own.tolerance.max(ENOUGH),
            standard_errors: StandardErrors::Off,
            time_limit_s: self.time_left(),
            n_histories: 0,
            covariance_of: Vec::new(),
            ..own.clone()
        };
        let spec = self.spec.with_checked(checked.check()?).with_start(start.into_iter().collect()).scored();
        let fitted = spec.fit(self.on, plan, std::slice::from_ref(self.response), progress)?;
        // where it was stopped is nowhere to go on from
        own.stop.check()?;
        let found = fitted.targets.first().map(|fit| Scored { point: fit.into(), status: fit.status });
        for Scored { point, status } in found.iter().filter(|found| is_final(found.status)) {
            let ClassPoint { coef, intercept } = point.clone();
            let (target, iterations, passes, scale) = (0, 0, 0, 1.0);
            let status = Some(*status);
            journal.finish(vec![Waypoint { target, coef, intercept, iterations, passes, status, scale }]);
        }
        found.ok_or_else(|| Error::Empty {
            what: "response".into(),
            problem: "it has no target".into(),
            help: "give at least one".into(),
        })
    }

    /// The log-likelihood per held-out bin of every strength, NaN of one whose fit did not arrive; and how one ended that did not do so
    /// by itself.
    fn fold(
        &self,
        plan: &DesignPlan,
        (number, fold, n_folds): (usize, &Fold, usize),
        path: &[Scored],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Vec<f64>, Option<Status>)> {
        let train = plan.with_rows(fold.train.clone());
        let test = plan.with_rows(fold.test.clone());
        let mut held_out = HeldOut::new(self.on.exact(), &test, self.response)?;
        let mut scores = vec![f64::NAN; self.strengths.len()];
        let (mut before, mut cut): (Option<(usize, Scored)>, _) = (None, None);
        for k in (0..self.strengths.len()).rev() {
            let mut start = path[k].point.clone();
            if let Some((last, own)) = &before {
                start.move_by(&own.point, &path[*last].point);
            }
            let part = format!("fold {number}/strength {k}");
            let (n, number) = (self.strengths.len(), number + 1);
            let at = Part::Folds {
                first: number,
                last: number,
                of: n_folds,
                n_strengths: n - 1 - k,
                of_strengths: n,
            };
            let mut of_fold = |own: Progress| progress(Progress { part: at, ..own });
            let scored = self.scored(&train, (k, part), Some(start), &mut of_fold)?;
            if scored.status == Status::Converged {
                scores[k] = held_out.score(&scored.point)?;
            }
            cut = cut.or(Some(scored.status).filter(|status| !is_final(*status)));
            before = Some((k, scored));
        }
        Ok((scores, cut))
    }
}
