//! Where a GPU would be: this program has none.

use serde_json::Value;

use super::contest::{Reached, Roof, Size};
use super::evaluation::{Numbers, Problem};
use crate::Result;
use crate::design::DesignPlan;
use crate::glm::{CheckedSpec, FittedGlm, Response};

/// There is none.
pub(super) enum Accelerator {}

impl Accelerator {
    pub(super) fn roof(&self) -> Roof {
        match *self {}
    }

    pub(super) fn timed(&self, _: &Problem, _: (&[Numbers], &Size), _: bool) -> Result<Vec<Reached>> {
        match *self {}
    }

    pub(super) fn fit(&self, _: &CheckedSpec, _: &DesignPlan, _: &Response) -> Result<FittedGlm> {
        match *self {}
    }

    pub(super) fn variants(&self, _: bool) -> Result<Value> {
        match *self {}
    }

    pub(super) fn record(&self, _: bool) -> Result<Value> {
        match *self {}
    }

    pub(super) fn facts(&self) -> Value {
        match *self {}
    }

    pub(super) fn roofs(&self) -> Value {
        match *self {}
    }
}
