//! The GPU that is timed.

use serde_json::{Value, json};

use super::super::super::run::in_pool;
use super::contest::{Reached, Roof, Size, timed};
use super::evaluation::{Numbers, Problem};
use super::{record, variants};
use crate::Result;
use crate::backend::Gpu;
use crate::backend::gpu::Roofs;
use crate::design::DesignPlan;
use crate::glm::{CheckedSpec, FittedGlm, Response};

/// An adapter that is open.
pub(super) struct Accelerator {
    /// The name that it was asked for by.
    pub(super) name: Option<String>,
    pub(super) gpu: Gpu,
    pub(super) roofs: Roofs,
}

impl Accelerator {
    /// Opens the adapter and measures its roofs.
    pub(super) fn open(name: Option<&str>, quick: bool) -> Result<Self> {
        let gpu = Gpu::open(name)?;
        let (n_bytes, n_turns) = if quick { (8 << 20, 16) } else { (1 << 30, 4096) };
        let roofs = gpu.roofs(n_bytes, n_turns)?;
        gpu.start_clock();
        Ok(Self { name: name.map(String::from), gpu, roofs })
    }

    /// What the device can do at most.
    pub(super) fn roof(&self) -> Roof {
        Roof { bytes_per_s: self.roofs.copy_bytes_per_s, flop_per_s: self.roofs.flop_per_s }
    }

    /// Times all works of a problem.
    pub(super) fn timed(
        &self,
        problem: &Problem,
        truth: (&[Numbers], &Size),
        quick: bool,
    ) -> Result<Vec<Reached>> {
        timed(&self.gpu, problem, truth, &|| self.gpu.kernel_seconds(), quick)
    }

    /// A whole fit.
    pub(super) fn fit(
        &self,
        spec: &CheckedSpec,
        plan: &DesignPlan,
        response: &Response,
    ) -> Result<FittedGlm> {
        in_pool(|| spec.fit(&self.gpu, plan, response, &mut |_| {}))
    }

    /// The same work done in other ways.
    pub(super) fn variants(&self, quick: bool) -> Result<Value> {
        variants::variants(self, quick)
    }

    /// What the device is and how it computes.
    pub(super) fn record(&self, quick: bool) -> Result<Value> {
        record::record(self, quick)
    }

    pub(super) fn facts(&self) -> Value {
        json!(self.gpu.facts())
    }

    pub(super) fn roofs(&self) -> Value {
        json!(self.roofs)
    }
}
