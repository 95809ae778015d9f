//! The GPU of a fit: taken if asked for or worth it, opened again if lost, given up for the CPU where that is allowed.
//!
//! A fit whose device was lost goes on from the points that it had taken: on a fresh device once, then on the CPU. One whose
//! design the device has no room for begins again with less of it there, in the end with nothing.

use std::time::Instant;

use super::engine::{Watcher, Wish};
use super::run::in_pool;
use crate::backend::cpu::Cpu;
use crate::backend::gpu::{Gpu, Limits, costs};
use crate::backend::{Backend, Costs};
use crate::design::DesignPlan;
use crate::error::{DeviceError, Reached};
use crate::glm::{CheckedSpec, FittedGlm, Response, StartPoint, estimated_seconds};
use crate::{Error, Result};

/// A GPU must be this much faster by the estimates, which are rough.
const SURELY: f64 = 1.5;

/// Whose turn it was.
pub(super) enum Turn {
    /// The GPU's, and this is the fit.
    Fitted(Box<FittedGlm>),
    /// The CPU's: what is left to fit.
    Cpu(CheckedSpec),
}

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
    ) -> Result<Turn> {
        if self.gpu.is_none() && !self.settled {
            self.look(spec, plan, response.y.ncols(), notices);
        }
        let Some(gpu) = self.gpu.take() else { return Ok(Turn::Cpu(spec.clone())) };
        let name = match &self.wish {
            Wish::Gpu(name) => name.clone(),
            Wish::Auto | Wish::Cpu => None,
        };
        let started = Instant::now();
        let size = (response.y.ncols(), plan.n_columns());
        let fit = |gpu: &Gpu, reached: &[Reached]| {
            let spec = going_on(spec, reached, size, started)?;
            in_pool(|| spec.fit(gpu, plan, response, &mut *watcher))
        };
        let open = |limits| Gpu::open_within(name.as_deref(), limits);
        let (gpu, fitted) = attempts(gpu, fit, open, notices);
        self.gpu = gpu;
        match fitted {
            Ok(fitted) => {
                self.say(&fitted, notices);
                Ok(Turn::Fitted(Box::new(fitted)))
            }
            Err((Error::Gpu(error), reached)) => {
                self.give_up(error, notices)?;
                Ok(Turn::Cpu(going_on(spec, &reached, size, started)?))
            }
            Err((other, _)) => Err(other),
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
    fn give_up(&mut self, error: DeviceError, notices: &mut Vec<String>) -> Result<()> {
        if let Wish::Gpu(_) = self.wish {
            return Err(Error::Gpu(error));
        }
        notices.push(format!("computed on the CPU: {error}"));
        self.settled = true;
        self.gpu = None;
        Ok(())
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

/// Works on a device, on a fresh one if it went away, which may happen once, and with less of the design on it if it has no
/// room; the device that is left and the outcome. `work` is told how far the work before it had come.
fn attempts<D, T>(
    mut device: D,
    mut work: impl FnMut(&D, &[Reached]) -> Result<T>,
    mut open: impl FnMut(Limits) -> Result<D>,
    notices: &mut Vec<String>,
) -> (Option<D>, std::result::Result<T, (Error, Vec<Reached>)>) {
    let (mut reached, mut limits, mut n_lost) = (Vec::new(), Limits::default(), 0);
    loop {
        let error = match work(&device, &reached) {
            Ok(done) => return (Some(device), Ok(done)),
            Err(Error::Unfinished { source, reached: points }) => {
                reached = points;
                source
            }
            Err(Error::Gpu(error)) => error,
            Err(other) => return (Some(device), Err((other, reached))),
        };
        let notice = match (&error, limits.most_bytes) {
            (DeviceError::OutOfMemory { held_bytes, .. }, None) => {
                limits.most_bytes = Some(held_bytes / 2);
                format!("began again with less of the design on the GPU: {error}")
            }
            (DeviceError::OutOfMemory { .. }, Some(1..)) => {
                limits.most_bytes = Some(0);
                format!("began again with nothing of the design on the GPU: {error}")
            }
            _ if error.is_passing() && n_lost == 0 => {
                n_lost += 1;
                format!("the fit went on on a fresh device: {error}")
            }
            _ => {
                put_away(device, &error);
                return (None, Err((Error::Gpu(error), reached)));
            }
        };
        put_away(device, &error);
        device = match open(limits) {
            Ok(fresh) => fresh,
            Err(again) => return (None, Err((again, reached))),
        };
        notices.push(notice);
    }
}

/// Closes a device that failed; one that does not answer would be waited for without end, so it is left open.
fn put_away<D>(device: D, error: &DeviceError) {
    if let DeviceError::Hung { .. } = error { std::mem::forget(device) } else { drop(device) }
}

/// The same fit from where it had come to, in what is left of its time; `size` is that of targets and columns.
fn going_on(
    spec: &CheckedSpec,
    reached: &[Reached],
    (n_targets, n_columns): (usize, usize),
    started: Instant,
) -> Result<CheckedSpec> {
    let mut own = spec.get().clone();
    let left = |limit: f64| (limit - started.elapsed().as_secs_f64()).max(f64::MIN_POSITIVE);
    own.time_limit_s = own.time_limit_s.map(left);
    if !reached.is_empty() {
        // no number stands for no point
        let nowhere = StartPoint { coef: vec![0.0; n_columns], intercept: f64::NAN };
        own.start.resize(n_targets, nowhere);
        for point in reached {
            own.start[point.target] = StartPoint { coef: point.coef.clone(), intercept: point.intercept };
        }
    }
    own.check()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::gpu::adapter;
    use crate::design::Source;
    use crate::glm::GlmSpec;

    fn lost() -> Error {
        Error::Gpu(DeviceError::Lost { reason: "pulled out".into() })
    }

    fn full() -> Error {
        Error::Gpu(DeviceError::OutOfMemory { asked_bytes: 100, held_bytes: 1000 })
    }

    #[test]
    fn work_goes_on_on_a_fresh_device_once() {
        let mut notices = Vec::new();
        let point = Reached { target: 0, coef: vec![1.5], intercept: -2.0 };
        let unfinished = || vec![point.clone()];
        let work = |device: &i32, reached: &[Reached]| match device {
            1 => Err(Error::Unfinished {
                source: DeviceError::Lost { reason: "pulled out".into() },
                reached: unfinished(),
            }),
            _ => Ok(reached.to_vec()),
        };
        let (device, outcome) = attempts(1, work, |_| Ok(2), &mut notices);
        assert_eq!((device, outcome.unwrap()), (Some(2), vec![point.clone()]));
        assert!(notices.len() == 1 && notices[0].contains("fresh device: the GPU was lost: pulled out"));
        let (device, outcome) = attempts(1, work, |_| Ok(1), &mut notices);
        let (error, reached) = outcome.unwrap_err();
        assert!(device.is_none() && matches!(error, Error::Gpu(DeviceError::Lost { .. })));
        assert_eq!(reached, [point.clone()], "what was reached is there for the CPU");
        let (device, outcome) = attempts(1, work, |_| Err(lost()), &mut notices);
        assert!(device.is_none() && outcome.is_err());
    }

    #[test]
    fn less_and_less_of_a_design_is_put_on_a_device_without_room() {
        let mut notices = Vec::new();
        let limit = |limits: Limits| Ok(limits.most_bytes.unwrap());
        let work = |most: &u64, _: &[Reached]| if *most > 0 { Err(full()) } else { Ok(*most) };
        let (device, outcome) = attempts(u64::MAX, work, limit, &mut notices);
        assert_eq!((device, outcome.unwrap()), (Some(0), 0));
        assert!(notices.len() == 2 && notices[0].contains("less of the design"), "{notices:?}");
        let (device, outcome) = attempts(u64::MAX, |_, _| Err::<i32, _>(full()), limit, &mut notices);
        assert!(device.is_none() && matches!(outcome, Err((Error::Gpu(DeviceError::OutOfMemory { .. }), _))));
    }

    #[test]
    fn a_design_that_a_device_has_no_room_for_is_sent_in_every_pass() {
        let all = adapter::list();
        let usable = all.iter().filter(|facts| facts.unusable.is_none());
        let Some(facts) = usable.min_by_key(|facts| facts.is_software()) else {
            assert!(std::env::var_os("RHEOBASE_REQUIRE_GPU").is_none(), "there is no adapter");
            eprintln!("skipped: there is no adapter");
            return;
        };
        let name = facts.number.to_string();
        // rows of 2 MB, and room for 1.5
        let own = |limits| Limits { binding_bytes: Some(1 << 17), room_bytes: Some(3 << 19), ..limits };
        let open = |limits| Gpu::open_within(Some(&name), own(limits));
        let x =
            ndarray::Array2::from_shape_fn((16_384, 32), |(i, j)| (i as f64 * (0.3 + 0.1 * j as f64)).sin());
        let y = ndarray::Array2::from_shape_fn((16_384, 1), |(i, _)| f64::from(u8::from(i % 7 == 0)));
        let labels = (0..32).map(|j| format!("x{j}")).collect();
        let source = Source { name: "x".into(), labels, x: x.view().into() };
        let plan = DesignPlan::new(vec![source], 0..16_384).unwrap();
        let spec = GlmSpec::default().check().unwrap();
        let response = || Response { y: y.view().into(), names: vec!["y".into()] };
        let mut notices = Vec::new();
        let fit = |gpu: &Gpu, _: &[Reached]| spec.fit(gpu, &plan, &response(), &mut |_| {});
        let (_, fitted) = attempts(open(Limits::default()).unwrap(), fit, open, &mut notices);
        let fitted = fitted.unwrap();
        let truth = spec.fit(&Cpu::<f64>::default(), &plan, &response(), &mut |_| {}).unwrap();
        assert_eq!((fitted.plan.backend.as_str(), fitted.plan.features[0].is_written()), ("gpu", false));
        assert_eq!((notices.len(), fitted.targets[0].status), (1, truth.targets[0].status), "{notices:?}");
        let pairs = fitted.targets[0].coef.iter().zip(&truth.targets[0].coef);
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-8), "{:?}", pairs.collect::<Vec<_>>());
    }

    #[test]
    fn what_a_fresh_device_would_not_mend_is_told_at_once() {
        let mut notices = Vec::new();
        let rejected =
            || Error::Gpu(DeviceError::ShaderRejected { kernel: "fused".into(), message: "no".into() });
        let (_, outcome) = attempts(1, |_, _| Err::<i32, _>(rejected()), |_| Ok(2), &mut notices);
        assert!(outcome.is_err() && notices.is_empty());
        let empty = || Error::argument("y", "counts", "words", "look at it");
        let (device, outcome) = attempts(1, |_, _| Err::<i32, _>(empty()), |_| Ok(2), &mut notices);
        assert!(device == Some(1) && matches!(outcome, Err((Error::Argument { .. }, _))));
    }

    #[test]
    fn targets_that_had_not_come_anywhere_begin_as_always() {
        let spec = GlmSpec { time_limit_s: Some(1e6), ..GlmSpec::default() }.check().unwrap();
        let point = Reached { target: 1, coef: vec![1.5, 2.5], intercept: -2.0 };
        let on = going_on(&spec, std::slice::from_ref(&point), (3, 2), Instant::now()).unwrap();
        let start = &on.get().start;
        assert_eq!((start.len(), &start[1].coef, start[1].intercept), (3, &point.coef, -2.0));
        assert!(start[0].intercept.is_nan() && start[2].coef.len() == 2);
        assert!(on.get().time_limit_s.unwrap() <= 1e6);
        assert!(going_on(&spec, &[], (3, 2), Instant::now()).unwrap().get().start.is_empty());
    }
}
