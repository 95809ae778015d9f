//! Fits as work: what any backend can do, and another can go on with.

use std::time::Instant;

use crate::Result;
use crate::backend::{Classes, Costs};
use crate::design::DesignPlan;
use crate::error::Reached;
use crate::glm::{
    CategoricalSpec, CheckedSpec, CrossValidation, FittedCategorical, FittedGlm, GlmSpec, Labelled, Plan,
    PlanFrom, Response, StartPoint, estimated_seconds,
};
use crate::solver::{Progress, Status};
use crate::stop::time_left;

/// What hears of a fit's progress.
pub type Watcher<'w> = dyn FnMut(Progress) + Send + 'w;

/// What is to be fitted, whatever it is.
pub trait Work: Sync + Sized {
    /// What comes of it.
    type Fitted: Send;

    /// Fits.
    ///
    /// # Errors
    /// Those of the fit.
    fn fit<B: Classes>(&self, on: &B, watcher: &mut Watcher) -> Result<Self::Fitted>;

    /// Seconds that it is estimated to take.
    fn estimated_seconds(&self, costs: Costs) -> f64;

    /// Whether a plan says how it is done.
    fn follows_plan(&self) -> bool;

    /// The same from where it had come to, in what is left of its time, which began at `started`.
    ///
    /// # Errors
    /// If what is left cannot be asked for.
    fn going_on(&self, reached: &[Reached], started: Instant) -> Result<Self>;

    /// Counts the steps before those of the last attempt, too.
    fn count(&self, fitted: &mut Self::Fitted, reached: &[Reached]);

    /// How it was done.
    fn plan_of(fitted: &Self::Fitted) -> &Plan;

    /// The first target that did not arrive although it had the time and the steps to, with its status, if there is one: another
    /// backend may bring it there.
    fn unproven(&self, fitted: &Self::Fitted) -> Option<(String, Status)>;

    /// Where the targets ended.
    fn ends(&self, fitted: &Self::Fitted) -> Vec<Reached>;
}

/// A fit of targets, with strengths by cross-validation if that is how.
pub struct TargetWork<'a, 'd> {
    /// What to fit and how far.
    pub spec: CheckedSpec,
    /// The strengths that are tried, and who is scored.
    pub how: Option<&'a CrossValidation>,
    /// The features.
    pub plan: &'a DesignPlan<'d>,
    /// The targets.
    pub response: &'a Response<'a>,
}

/// A fit of the labels of one target, with a strength by cross-validation if that is how.
pub struct ClassWork<'a, 'd> {
    /// What to fit and how far.
    pub spec: CategoricalSpec,
    /// The strengths that are tried, and who is scored.
    pub how: Option<&'a CrossValidation>,
    /// The features.
    pub plan: &'a DesignPlan<'d>,
    /// The labels.
    pub response: &'a Labelled,
}

/// Whether a fit with this specification ended for no reason that its user gave.
fn is_unproven(spec: &GlmSpec, status: Status) -> bool {
    match status {
        Status::Stalled | Status::Failed => true,
        Status::MaxIterations => spec.max_iterations.is_none(),
        Status::Converged | Status::Separated | Status::NoEvents | Status::Stopped => false,
    }
}

impl Work for TargetWork<'_, '_> {
    type Fitted = FittedGlm;

    fn fit<B: Classes>(&self, on: &B, watcher: &mut Watcher) -> Result<FittedGlm> {
        match self.how {
            Some(how) => self.spec.cross_validate(on, self.plan, self.response, how, watcher),
            None => self.spec.fit(on, self.plan, self.response, watcher),
        }
    }

    fn estimated_seconds(&self, costs: Costs) -> f64 {
        estimated_seconds(self.spec.get(), self.plan, self.response.y.ncols(), costs)
    }

    fn follows_plan(&self) -> bool {
        matches!(self.spec.get().plan_from, PlanFrom::Plan(_))
    }

    fn going_on(&self, reached: &[Reached], started: Instant) -> Result<Self> {
        // a cross-validation begins again
        let reached = if self.how.is_some() { &[] } else { reached };
        let mut own = in_time_left(self.spec.get(), started);
        if !reached.is_empty() {
            let taken = reached.iter().map(|point| point.iterations).max().unwrap_or(0);
            // what a journal has counted is not counted again
            if !own.journal.is_kept() {
                own.max_iterations = own.max_iterations.map(|most| most.saturating_sub(taken).max(1));
            }
            // no number stands for no point
            let nowhere = StartPoint { coef: vec![0.0; self.plan.n_columns()], intercept: f64::NAN };
            own.start.resize(self.response.y.ncols(), nowhere);
            for point in reached {
                let start = StartPoint { coef: point.coef.clone(), intercept: point.intercept };
                own.start[point.target] = start;
            }
        }
        Ok(Self { spec: own.check()?, ..*self })
    }

    fn count(&self, fitted: &mut FittedGlm, reached: &[Reached]) {
        let is_counted = self.how.is_none() && !self.spec.get().journal.is_kept();
        for point in reached.iter().filter(|_| is_counted) {
            fitted.targets[point.target].iterations += point.iterations;
            fitted.targets[point.target].passes += point.passes;
        }
    }

    fn plan_of(fitted: &FittedGlm) -> &Plan {
        &fitted.plan
    }

    fn unproven(&self, fitted: &FittedGlm) -> Option<(String, Status)> {
        let open = fitted.targets.iter().find(|target| is_unproven(self.spec.get(), target.status));
        open.map(|target| (target.name.clone(), target.status))
    }

    fn ends(&self, fitted: &FittedGlm) -> Vec<Reached> {
        let is_somewhere =
            |coef: &[f64], intercept: f64| intercept.is_finite() && coef.iter().all(|w| w.is_finite());
        let ends = fitted.targets.iter().enumerate().map(|(target, own)| Reached {
            target,
            coef: own.coef.clone(),
            intercept: own.intercept,
            iterations: own.iterations,
            passes: own.passes,
        });
        ends.filter(|end| is_somewhere(&end.coef, end.intercept)).collect()
    }
}

impl Work for ClassWork<'_, '_> {
    type Fitted = FittedCategorical;

    fn fit<B: Classes>(&self, on: &B, watcher: &mut Watcher) -> Result<FittedCategorical> {
        let response = std::slice::from_ref(self.response);
        match self.how {
            Some(how) => self.spec.cross_validate(on, self.plan, response, how, watcher),
            None => self.spec.fit(on, self.plan, response, watcher),
        }
    }

    fn estimated_seconds(&self, costs: Costs) -> f64 {
        self.spec.estimated_seconds(self.plan, self.response.classes().len(), costs)
    }

    fn follows_plan(&self) -> bool {
        matches!(self.spec.get().plan_from, PlanFrom::Plan(_))
    }

    /// Begins again: a device that is lost does not say how far the classes had come.
    fn going_on(&self, _: &[Reached], started: Instant) -> Result<Self> {
        Ok(Self { spec: CategoricalSpec::new(in_time_left(self.spec.get(), started))?, ..*self })
    }

    fn count(&self, _: &mut FittedCategorical, _: &[Reached]) {}

    fn plan_of(fitted: &FittedCategorical) -> &Plan {
        &fitted.plan
    }

    fn unproven(&self, fitted: &FittedCategorical) -> Option<(String, Status)> {
        let open = fitted.targets.iter().find(|target| is_unproven(self.spec.get(), target.status));
        open.map(|target| (target.name.clone(), target.status))
    }

    fn ends(&self, _: &FittedCategorical) -> Vec<Reached> {
        Vec::new()
    }
}

/// A specification in what is left of its time.
fn in_time_left(spec: &GlmSpec, started: Instant) -> GlmSpec {
    GlmSpec { time_limit_s: time_left(spec.time_limit_s, started), ..spec.clone() }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::design::Source;

    fn plan_of(x: &Array2<f64>) -> DesignPlan<'_> {
        let labels = (0..x.ncols()).map(|j| format!("x{j}")).collect();
        DesignPlan::new(vec![Source { name: "x".into(), labels, x: x.view().into() }], 0..x.nrows()).unwrap()
    }

    #[test]
    fn targets_that_had_not_come_anywhere_begin_as_always() {
        let spec = GlmSpec { time_limit_s: Some(1e6), ..GlmSpec::default() }.check().unwrap();
        let point = Reached { target: 1, coef: vec![1.5, 2.5], intercept: -2.0, iterations: 3, passes: 4 };
        let x = Array2::from_shape_fn((10, 2), |(i, j)| (i as f64 * (0.3 + 0.1 * j as f64)).sin());
        let y = Array2::<f64>::zeros((10, 3));
        let plan = plan_of(&x);
        let response = Response { y: y.view().into(), names: ["a", "b", "c"].map(String::from).to_vec() };
        let work = TargetWork { spec, how: None, plan: &plan, response: &response };
        let on = work.going_on(std::slice::from_ref(&point), Instant::now()).unwrap().spec;
        let start = &on.get().start;
        assert_eq!((start.len(), &start[1].coef, start[1].intercept), (3, &point.coef, -2.0));
        assert!(start[0].intercept.is_nan() && start[2].coef.len() == 2);
        assert!(on.get().time_limit_s.unwrap() <= 1e6);
        assert!(work.going_on(&[], Instant::now()).unwrap().spec.get().start.is_empty());
    }

    #[test]
    fn what_its_user_stopped_is_not_looked_at_again() {
        let spec = GlmSpec::default();
        assert!(is_unproven(&spec, Status::Stalled) && is_unproven(&spec, Status::MaxIterations));
        let few = GlmSpec { max_iterations: Some(3), ..spec };
        assert!(is_unproven(&few, Status::Failed) && !is_unproven(&few, Status::MaxIterations));
        for done in [Status::Converged, Status::Separated, Status::NoEvents, Status::Stopped] {
            assert!(!is_unproven(&few, done));
        }
    }

    #[cfg(feature = "gpu")]
    #[test]
    fn a_gpu_pays_where_many_pairs_of_classes_have_grams() {
        use crate::backend::cpu::simd::Level;
        use crate::backend::gpu::costs;
        use crate::glm::SolverChoice;

        let seconds = |n_rows: usize, n_columns: usize, n_classes: usize| {
            let x = Array2::from_shape_fn((n_rows, n_columns), |(i, j)| ((i * (j + 2)) as f64).sin());
            let plan = plan_of(&x);
            let labels = (0..n_rows).map(|row| Some(((row % n_classes) as i64).into()));
            let response = Labelled::learn("y", labels);
            let spec = GlmSpec { solver: SolverChoice::Newton, ..GlmSpec::default() };
            let spec = CategoricalSpec::new(spec).unwrap();
            let work = ClassWork { spec, how: None, plan: &plan, response: &response };
            [Costs::of_cpu(Level::best()), costs::of_kind("discrete", Level::best())]
                .map(|costs| work.estimated_seconds(costs))
        };
        let [cpu, gpu] = seconds(400, 3, 3);
        assert!(cpu < gpu, "{cpu} {gpu}");
        let [few, _] = seconds(20_000, 40, 2);
        let [cpu, gpu] = seconds(20_000, 40, 20);
        assert!(1.5 * gpu < cpu, "{cpu} {gpu}");
        assert!(cpu > 20.0 * few, "190 Grams for one: {few} {cpu}");
    }
}
