//! A fit to labels as work for an engine.

use super::super::engine::{Watcher, Work};
use crate::Result;
use crate::backend::Classes;
use crate::design::DesignPlan;
use crate::glm::{CategoricalSpec, CrossValidation, FittedCategorical, Labelled};

/// A fit of one target, with a strength by cross-validation if that is how.
pub(super) struct ClassWork<'a, 'd> {
    pub(super) spec: CategoricalSpec,
    pub(super) how: Option<&'a CrossValidation>,
    pub(super) plan: &'a DesignPlan<'d>,
    pub(super) response: &'a Labelled,
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
}
