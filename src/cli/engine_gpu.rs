//! The GPU of a fit: taken if asked for or worth it, opened again if lost, given up for the CPU where that is allowed.

use super::engine::{Watcher, Wish};
use super::run::in_pool;
use crate::backend::cpu::Cpu;
use crate::backend::gpu::{Gpu, costs};
use crate::backend::{Backend, Costs};
use crate::design::DesignPlan;
use crate::error::DeviceError;
use crate::glm::{CheckedSpec, FittedGlm, Response, estimated_seconds};
use crate::{Error, Result};

/// A GPU must be this much faster by the estimates, which are rough.
const SURELY: f64 = 1.5;

/// Where it is in the course of a command.
pub(super) struct Choice {
    wish: Wish,
    /// The device in use.
    gpu: Option<Gpu>,
    /// Whether it is settled that the CPU is taken.
    settled: bool,
}

impl Choice {
    /// Opens the device that was asked for.
    pub(super) fn new(wish: Wish) -> Result<Self> {
        let gpu = match &wish {
            Wish::Gpu(name) => Some(Gpu::open(name.as_deref())?),
            Wish::Auto | Wish::Cpu => None,
        };
        Ok(Self { settled: wish == Wish::Cpu, wish, gpu })
    }

    /// The device in use.
    pub(super) fn title(&self) -> Option<String> {
        self.gpu.as_ref().map(|gpu| gpu.facts().title())
    }

    /// Fits on the GPU if that is where to fit.
    pub(super) fn fit(
        &mut self,
        spec: &CheckedSpec,
        plan: &DesignPlan,
        response: &Response,
        watcher: &mut Watcher,
        notices: &mut Vec<String>,
    ) -> Result<Option<FittedGlm>> {
        if self.gpu.is_none() && !self.settled {
            self.look(spec, plan, response.y.ncols(), notices);
        }
        let mut last: Option<DeviceError> = None;
        // a fresh device may do better, once
        for _ in 0..2 {
            let Some(gpu) = &self.gpu else { return Ok(None) };
            if let Some(error) = &last {
                notices.push(format!("the fit began again on a fresh device: {error}"));
            }
            match in_pool(|| spec.fit(gpu, plan, response, &mut *watcher)) {
                Err(Error::Gpu(error)) if error.is_passing() && last.is_none() => {
                    match self.opened_again() {
                        Ok(gpu) => self.gpu = Some(gpu),
                        Err(Error::Gpu(error)) => return self.give_up(error, notices),
                        Err(other) => return Err(other),
                    }
                    last = Some(error);
                }
                Err(Error::Gpu(error)) => return self.give_up(error, notices),
                other => return other.map(Some),
            }
        }
        Ok(None)
    }

    fn opened_again(&self) -> Result<Gpu> {
        match &self.wish {
            Wish::Gpu(name) => Gpu::open(name.as_deref()),
            Wish::Auto | Wish::Cpu => Gpu::open(None),
        }
    }

    /// The CPU from now on, where nobody asked for a GPU.
    fn give_up(&mut self, error: DeviceError, notices: &mut Vec<String>) -> Result<Option<FittedGlm>> {
        if let Wish::Gpu(_) = self.wish {
            return Err(Error::Gpu(error));
        }
        notices.push(format!("computed on the CPU: {error}"));
        self.settled = true;
        self.gpu = None;
        Ok(None)
    }

    /// Takes a GPU that is estimated to pay.
    fn look(&mut self, spec: &CheckedSpec, plan: &DesignPlan, n_targets: usize, notices: &mut Vec<String>) {
        let seconds = |costs: Costs| estimated_seconds(spec.get(), plan, n_targets, costs);
        let on_cpu = seconds(Cpu::<f32>::default().costs());
        let level = Cpu::<f32>::default().level();
        self.settled = true;
        // no device is looked for where the fastest kind would not pay
        if SURELY * seconds(costs::of_kind("discrete", level)) >= on_cpu {
            return;
        }
        match Gpu::open(None) {
            Ok(gpu) if SURELY * seconds(gpu.costs()) < on_cpu => {
                notices.push(format!("computed on {}", gpu.facts().title()));
                self.gpu = Some(gpu);
            }
            Ok(gpu) => {
                notices.push(format!(
                    "computed on the CPU: {} is not estimated to be faster",
                    gpu.facts().title()
                ));
            }
            Err(error) => notices.push(format!("computed on the CPU: {error}")),
        }
    }
}
