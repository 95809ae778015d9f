//! The GPU that is timed.

use serde_json::{Value, json};

use super::super::super::run::in_pool;
use super::contest::{Reached, Roof, Size, timed};
use super::evaluation::{Numbers, Problem, Room};
use super::{record, variants};
use crate::Result;
use crate::backend::Gpu;
use crate::backend::gpu::{Limits, Roofs};
use crate::design::DesignPlan;
use crate::glm::{CheckedSpec, FittedGlm, Response};

/// One adapter, opened for each rule of what is written out.
pub(super) struct Accelerator {
    /// The name that it was asked for by.
    pub(super) name: Option<String>,
    pub(super) as_fits: Gpu,
    pub(super) free: Gpu,
    pub(super) written: Gpu,
    pub(super) roofs: Roofs,
}

impl Accelerator {
    /// Opens the adapter and measures its roofs.
    pub(super) fn open(name: Option<&str>, quick: bool) -> Result<Self> {
        let with = |written_bytes| Gpu::open_within(name, Limits { written_bytes, ..Limits::default() });
        let as_fits = with(None)?;
        let (n_bytes, n_turns) = if quick { (8 << 20, 16) } else { (1 << 30, 4096) };
        let roofs = as_fits.roofs(n_bytes, n_turns)?;
        let (free, written) = (with(Some(0))?, with(Some(u64::MAX))?);
        let own = Self { name: name.map(String::from), as_fits, free, written, roofs };
        own.all().iter().for_each(|gpu| gpu.start_clock());
        Ok(own)
    }

    /// All openings.
    pub(super) fn all(&self) -> [&Gpu; 3] {
        [&self.as_fits, &self.free, &self.written]
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
        let gpu = match problem.room {
            Room::AsFits => &self.as_fits,
            Room::Free => &self.free,
            Room::Written => &self.written,
        };
        timed(gpu, problem, truth, &|| gpu.kernel_seconds(), quick)
    }

    /// A whole fit.
    pub(super) fn fit(
        &self,
        spec: &CheckedSpec,
        plan: &DesignPlan,
        response: &Response,
    ) -> Result<FittedGlm> {
        in_pool(|| spec.fit(&self.as_fits, plan, response, &mut |_| {}))
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
        json!(self.as_fits.facts())
    }

    pub(super) fn roofs(&self) -> Value {
        json!(self.roofs)
    }
}
