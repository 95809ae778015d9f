//! The GPU of a fit: taken if asked for or worth it, opened again if lost, given up for the CPU where that is allowed.

use std::time::Instant;

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
        let Some(gpu) = self.gpu.take() else { return Ok(None) };
        let name = match &self.wish {
            Wish::Gpu(name) => name.clone(),
            Wish::Auto | Wish::Cpu => None,
        };
        let started = Instant::now();
        let fit = |gpu: &Gpu| {
            let spec = with_time_left(spec, started)?;
            in_pool(|| spec.fit(gpu, plan, response, &mut *watcher))
        };
        let (gpu, fitted) = twice(gpu, fit, || Gpu::open(name.as_deref()), notices);
        self.gpu = gpu;
        match fitted {
            Err(Error::Gpu(error)) => self.give_up(error, notices),
            Ok(fitted) => {
                self.say(&fitted, notices);
                Ok(Some(fitted))
            }
            Err(other) => Err(other),
        }
    }

    /// Says where a fit was computed, if that is not what was asked for in so many words; once.
    fn say(&self, fitted: &FittedGlm, notices: &mut Vec<String>) {
        let notice = match (fitted.plan.backend.as_str(), self.title()) {
            ("gpu", Some(title)) if self.wish == Wish::Auto => format!("computed on {title}"),
            ("cpu", _) => {
                "computed on the CPU in f64: columns are so nearly dependent that f32, which a GPU has, is \
                           not enough"
                    .into()
            }
            _ => return,
        };
        if !notices.contains(&notice) {
            notices.push(notice);
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

/// Works on a device, and once more on a fresh one if it went away; the device that is left and the outcome.
fn twice<D, T>(
    device: D,
    mut work: impl FnMut(&D) -> Result<T>,
    open: impl FnOnce() -> Result<D>,
    notices: &mut Vec<String>,
) -> (Option<D>, Result<T>) {
    match work(&device) {
        Err(Error::Gpu(error)) if error.is_passing() => {
            put_away(device, &error);
            match open() {
                Ok(fresh) => {
                    notices.push(format!("the fit began again on a fresh device: {error}"));
                    match work(&fresh) {
                        Err(Error::Gpu(error)) => {
                            put_away(fresh, &error);
                            (None, Err(Error::Gpu(error)))
                        }
                        outcome => (Some(fresh), outcome),
                    }
                }
                Err(again) => (None, Err(again)),
            }
        }
        outcome => (Some(device), outcome),
    }
}

/// Closes a device that failed; one that does not answer would be waited for without end, so it is left open.
fn put_away<D>(device: D, error: &DeviceError) {
    if let DeviceError::Hung { .. } = error { std::mem::forget(device) } else { drop(device) }
}

/// The same fit in what is left of its time.
fn with_time_left(spec: &CheckedSpec, started: Instant) -> Result<CheckedSpec> {
    let mut own = spec.get().clone();
    let left = |limit: f64| (limit - started.elapsed().as_secs_f64()).max(f64::MIN_POSITIVE);
    own.time_limit_s = own.time_limit_s.map(left);
    own.check()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Error {
        Error::Gpu(DeviceError::Lost { reason: "pulled out".into() })
    }

    #[test]
    fn work_is_done_again_on_a_fresh_device_once() {
        let mut notices = Vec::new();
        let work = |device: &i32| if *device == 1 { Err(lost()) } else { Ok(10 * device) };
        let (device, outcome) = twice(1, work, || Ok(2), &mut notices);
        assert_eq!((device, outcome.unwrap()), (Some(2), 20));
        assert!(notices.len() == 1 && notices[0].contains("fresh device: the GPU was lost: pulled out"));
        let (_, outcome) = twice(1, |_| Err::<i32, _>(lost()), || Ok(2), &mut notices);
        assert!(matches!(outcome, Err(Error::Gpu(DeviceError::Lost { .. }))));
        let (device, outcome) = twice(1, work, || Err(lost()), &mut notices);
        assert!(device.is_none() && outcome.is_err());
    }

    #[test]
    fn what_a_fresh_device_would_not_mend_is_told_at_once() {
        let mut notices = Vec::new();
        let rejected =
            || Error::Gpu(DeviceError::ShaderRejected { kernel: "fused".into(), message: "no".into() });
        let (_, outcome) = twice(1, |_| Err::<i32, _>(rejected()), || Ok(2), &mut notices);
        assert!(outcome.is_err() && notices.is_empty());
        let empty = || Error::argument("y", "counts", "words", "look at it");
        let (device, outcome) = twice(1, |_| Err::<i32, _>(empty()), || Ok(2), &mut notices);
        assert!(device == Some(1) && matches!(outcome, Err(Error::Argument { .. })));
    }
}
