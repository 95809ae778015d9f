//! What to fit and how far.

use crate::glm::spec::{CheckedSpec, Dispersion, GlmSpec, PlanFrom};
use crate::regularizer::Regularizer;
use crate::{Error, Result};

/// A specification of a fit to labels, checked: regularizer, solver, tolerance and limits of a [`GlmSpec`], whose model does not
/// enter.
#[derive(Clone, Debug)]
pub struct CategoricalSpec(CheckedSpec);

impl CategoricalSpec {
    /// Checks every number.
    ///
    /// # Errors
    /// [`Error::Argument`] as [`GlmSpec::check`] says, for penalties of single coefficients (lasso, elastic-net), and for what fits of
    /// classes do not have: a dispersion, no intercept, a plan to repeat, starts.
    pub fn new(spec: GlmSpec) -> Result<Self> {
        let refused = |what: &str, expected: &str, found: &str, help: &str| {
            Err(Error::argument(what, format!("{expected} of categorical responses"), found, help))
        };
        if matches!(spec.regularizer, Regularizer::Lasso { .. } | Regularizer::ElasticNet { .. }) {
            return refused(
                "regularizer",
                "none, ridge, smooth or group-lasso",
                spec.regularizer.name(),
                "group-lasso chooses features, for all classes at once: --regularizer group-lasso",
            );
        }
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
    use crate::glm::StartPoint;
    use crate::regularizer::Groups;

    #[test]
    fn what_classes_do_not_have_is_refused_with_a_remedy() {
        let lasso = Regularizer::Lasso { strength: 0.1.into() };
        let net = Regularizer::ElasticNet { strength: 0.1.into(), ratio: 0.5 };
        for regularizer in [lasso, net] {
            let error = CategoricalSpec::new(GlmSpec { regularizer, ..GlmSpec::default() }).unwrap_err();
            assert!(error.to_string().contains("none, ridge, smooth or group-lasso"), "{error}");
            assert!(error.help().contains("--regularizer group-lasso"));
        }
        let start = vec![StartPoint { coef: vec![0.0], intercept: 0.0 }];
        assert!(CategoricalSpec::new(GlmSpec { start, ..GlmSpec::default() }).is_err());
        let ml = Dispersion::MaximumLikelihood;
        assert!(CategoricalSpec::new(GlmSpec { dispersion: ml, ..GlmSpec::default() }).is_err());
        assert!(CategoricalSpec::new(GlmSpec { tolerance: 2.0, ..GlmSpec::default() }).is_err());
        let regularizer = Regularizer::GroupLasso { strength: 0.1.into(), groups: Groups::Features };
        assert!(CategoricalSpec::new(GlmSpec { regularizer, ..GlmSpec::default() }).is_ok());
    }
}
