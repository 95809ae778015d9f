//! What to fit and how far.

use super::penalty::contrasts;
use super::response::MOST_CLASSES;
use super::start::ClassPoint;
use crate::backend::Costs;
use crate::design::DesignPlan;
use crate::glm::choice::estimated_seconds_of_classes;
use crate::glm::spec::{CheckedSpec, Dispersion, GlmSpec, PlanFrom};
use crate::{Error, Result};

/// A specification of a fit to labels, checked: regularizer, solver, tolerance and limits of a [`GlmSpec`], whose model does not
/// enter.
#[derive(Clone, Debug)]
pub struct CategoricalSpec {
    checked: CheckedSpec,
    /// Where each target begins, if that is given.
    start: Vec<ClassPoint>,
    /// Whether fits are only scored: they end by the solver's word, since their proof would cost as much as the rest.
    is_scored: bool,
}

impl CategoricalSpec {
    /// Checks every number.
    ///
    /// # Errors
    /// [`Error::Argument`] as [`GlmSpec::check`] says, and for what fits of classes do not have: a dispersion, starts of one class.
    pub fn new(spec: GlmSpec) -> Result<Self> {
        let refused = |what: &str, expected: &str, found: &str, help: &str| {
            Err(Error::argument(what, format!("{expected} of categorical responses"), found, help))
        };
        if spec.dispersion != Dispersion::OfModel {
            return refused("dispersion", "no dispersion", "ml", "leave it out");
        }
        if !spec.start.is_empty() {
            let help = "give the coefficients of all classes: CategoricalSpec::with_start";
            return refused("start", "no starts of one class", "some", help);
        }
        Ok(Self { checked: spec.check()?, start: Vec::new(), is_scored: false })
    }

    /// The same from points, one for each target. One with a larger loss than where no feature has an effect, one with numbers that
    /// are not finite and all of columns that repeat one another are not followed.
    #[must_use]
    pub fn with_start(mut self, start: Vec<ClassPoint>) -> Self {
        self.start = start;
        self
    }

    /// The numbers.
    pub fn get(&self) -> &GlmSpec {
        self.checked.get()
    }

    /// The same with other numbers.
    pub(super) fn with_checked(&self, checked: CheckedSpec) -> Self {
        Self { checked, ..self.clone() }
    }

    /// The same for fits that are only scored.
    pub(super) fn scored(mut self) -> Self {
        self.is_scored = true;
        self
    }

    pub(super) fn is_scored(&self) -> bool {
        self.is_scored
    }

    /// Seconds that the fit of one target with so many classes is estimated to take with these costs, the way to the device included;
    /// 0 for fewer than two, which nothing tells apart, and for more than 256, which no fit takes.
    pub fn estimated_seconds(&self, plan: &DesignPlan, n_classes: usize, costs: Costs) -> f64 {
        if !(2..=MOST_CLASSES).contains(&n_classes) {
            return 0.0;
        }
        let contrasts = contrasts(&self.get().regularizer, n_classes);
        estimated_seconds_of_classes(self.get(), plan, &contrasts, costs)
    }

    /// The same for one of several targets, with its part of a plan to repeat.
    pub(super) fn of_target(&self, target: usize, n_targets: usize) -> Result<Self> {
        let PlanFrom::Plan(plan) = &self.get().plan_from else { return Ok(self.clone()) };
        let plan_from = PlanFrom::Plan(Box::new(plan.of_group(target, n_targets)?.clone()));
        Ok(self.with_checked(GlmSpec { plan_from, ..self.get().clone() }.check()?))
    }

    /// The same for a part of the work, which its journal tells from others.
    pub(super) fn of_part(&self, part: impl std::fmt::Display) -> Result<Self> {
        let journal = self.get().journal.within(part);
        Ok(self.with_checked(GlmSpec { journal, ..self.get().clone() }.check()?))
    }

    pub(super) fn checked(&self) -> &CheckedSpec {
        &self.checked
    }

    pub(super) fn start(&self) -> &[ClassPoint] {
        &self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glm::{SolverChoice, StartPoint};
    use crate::regularizer::{Groups, Regularizer};

    #[test]
    fn what_classes_do_not_have_is_refused_with_a_remedy() {
        let start = vec![StartPoint { coef: vec![0.0], intercept: 0.0 }];
        assert!(CategoricalSpec::new(GlmSpec { start, ..GlmSpec::default() }).is_err());
        let ml = Dispersion::MaximumLikelihood;
        assert!(CategoricalSpec::new(GlmSpec { dispersion: ml, ..GlmSpec::default() }).is_err());
        assert!(CategoricalSpec::new(GlmSpec { tolerance: 2.0, ..GlmSpec::default() }).is_err());
        let lasso = Regularizer::Lasso { strength: 0.1.into() };
        let net = Regularizer::ElasticNet { strength: 0.1.into(), ratio: 0.5 };
        let group = Regularizer::GroupLasso { strength: 0.1.into(), groups: Groups::Features };
        for regularizer in [lasso, net, group] {
            let spec = |solver| GlmSpec { regularizer: regularizer.clone(), solver, ..GlmSpec::default() };
            assert!(CategoricalSpec::new(spec(SolverChoice::Auto)).is_ok());
            assert!(CategoricalSpec::new(spec(SolverChoice::Lbfgs)).is_err(), "it cannot rest at a kink");
        }
    }
}
