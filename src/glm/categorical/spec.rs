//! What to fit and how far.

use crate::glm::spec::{CheckedSpec, Dispersion, GlmSpec, PlanFrom};
use crate::{Error, Result};

/// A specification of a fit to labels, checked: regularizer, solver, tolerance and limits of a [`GlmSpec`], whose model does not
/// enter.
#[derive(Clone, Debug)]
pub struct CategoricalSpec(CheckedSpec);

impl CategoricalSpec {
    /// Checks every number.
    ///
    /// # Errors
    /// [`Error::Argument`] as [`GlmSpec::check`] says, and for what fits of classes do not have: a dispersion, no intercept, a plan to repeat, starts, histories, blocks of a covariance.
    pub fn new(spec: GlmSpec) -> Result<Self> {
        let refused = |what: &str, expected: &str, found: &str, help: &str| {
            Err(Error::argument(what, format!("{expected} of categorical responses"), found, help))
        };
        if spec.dispersion != Dispersion::OfModel {
            return refused("dispersion", "no dispersion", "ml", "leave it out");
        }
        if matches!(spec.plan_from, PlanFrom::Plan(_)) {
            return refused("plan", "no plan to repeat", "one", "leave the plan out");
        }
        if !spec.has_intercept {
            return refused("intercept", "an intercept", "none", "leave has_intercept true");
        }
        if !spec.start.is_empty() {
            return refused("start", "no starts", "some", "leave them out");
        }
        if spec.n_histories > 0 {
            return refused("n_histories", "0", &spec.n_histories.to_string(), "leave it out");
        }
        if !spec.covariance_of.is_empty() {
            return refused("covariance of", "no blocks", "some", "leave them out");
        }
        Ok(Self(spec.check()?))
    }

    /// The numbers.
    pub fn get(&self) -> &GlmSpec {
        self.0.get()
    }

    pub(super) fn checked(&self) -> &CheckedSpec {
        &self.0
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
