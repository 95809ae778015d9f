//! The GPU of a fit: taken if asked for or worth it, opened again if lost, given up for the CPU where that is allowed.
//!
//! A fit whose device was lost goes on from the points that it had taken: on a fresh device once, then on the CPU. One whose
//! design the device has no room for begins again with less of it there, in the end with nothing.

use std::time::Instant;

use super::attempts::attempts;
use super::engine::{TargetWork, Watcher, Wish, Work};
use super::run::in_pool;
use crate::backend::cpu::Cpu;
use crate::backend::gpu::{Gpu, costs};
use crate::backend::{Backend, Costs};
use crate::error::{DeviceError, Reached};
use crate::glm::{FittedGlm, GlmSpec, Plan, PlanFrom, StartPoint, estimated_seconds};
use crate::{Error, Result};

/// A GPU must be this much faster by the estimates, which are rough.
const SURELY: f64 = 1.5;

/// What a device asks about a fit.
pub(super) trait OnDevice: Work {
    /// Seconds that it is estimated to take.
    fn estimated_seconds(&self, costs: Costs) -> f64;

    /// Whether a plan says how it is done.
    fn follows_plan(&self) -> bool;

    /// The same from where it had come to, in what is left of its time, which began at `started`.
    fn going_on(&self, reached: &[Reached], started: Instant) -> Result<Self>;

    /// Counts the steps before those of the last attempt, too.
    fn count(&self, fitted: &mut Self::Fitted, reached: &[Reached]);

    /// How it was done.
    fn plan_of(fitted: &Self::Fitted) -> &Plan;
}

/// Whose turn it was.
pub(super) enum Turn<W: Work> {
    /// The GPU's, and this is the fit.
    Fitted(Box<W::Fitted>),
    /// The CPU's: what is left to fit.
    Cpu(Box<W>),
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
    pub(super) fn fit<W: OnDevice>(
        &mut self,
        work: W,
        watcher: &mut Watcher,
        notices: &mut Vec<String>,
    ) -> Result<Turn<W>> {
        if self.gpu.is_none() && !self.settled {
            self.look(&work, notices);
        }
        let Some(gpu) = self.gpu.take() else { return Ok(Turn::Cpu(Box::new(work))) };
        let name = match &self.wish {
            Wish::Gpu(name) => name.clone(),
            Wish::Auto | Wish::Cpu => None,
        };
        let started = Instant::now();
        let fit = |gpu: &Gpu, reached: &[Reached]| {
            let work = work.going_on(reached, started)?;
            in_pool(|| work.fit(gpu, &mut *watcher))
        };
        let open = |limits| Gpu::open_within(name.as_deref(), limits);
        let (gpu, outcome) = attempts(gpu, !work.follows_plan(), fit, open, notices);
        self.gpu = gpu;
        match outcome {
            Ok((mut fitted, reached)) => {
                work.count(&mut fitted, &reached);
                self.say(W::plan_of(&fitted), notices);
                Ok(Turn::Fitted(Box::new(fitted)))
            }
            Err((Error::Gpu(error), reached)) => {
                self.give_up(error, notices)?;
                Ok(Turn::Cpu(Box::new(work.going_on(&reached, started)?)))
            }
            Err((other, _)) => Err(other),
        }
    }

    /// Says where a fit was computed, if that is not what was asked for in so many words; once.
    fn say(&self, plan: &Plan, notices: &mut Vec<String>) {
        let notice = match (plan.backend.as_str(), self.title()) {
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
    fn look(&mut self, work: &impl OnDevice, notices: &mut Vec<String>) {
        let seconds = |costs: Costs| work.estimated_seconds(costs);
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

impl OnDevice for TargetWork<'_, '_> {
    fn estimated_seconds(&self, costs: Costs) -> f64 {
        estimated_seconds(self.spec.get(), self.plan, self.response.y.ncols(), costs)
    }

    fn follows_plan(&self) -> bool {
        matches!(self.spec.get().plan_from, PlanFrom::Plan(_))
    }

    fn going_on(&self, reached: &[Reached], started: Instant) -> Result<Self> {
        // a cross-validation begins again
        let reached = if self.how.is_some() { &[] } else { reached };
        let mut own = in_time_left(self.spec.get(), started);
        if !reached.is_empty() {
            let taken = reached.iter().map(|point| point.iterations).max().unwrap_or(0);
            own.max_iterations = own.max_iterations.map(|most| most.saturating_sub(taken).max(1));
            // no number stands for no point
            let nowhere = StartPoint { coef: vec![0.0; self.plan.n_columns()], intercept: f64::NAN };
            own.start.resize(self.response.y.ncols(), nowhere);
            for point in reached {
                let start = StartPoint { coef: point.coef.clone(), intercept: point.intercept };
                own.start[point.target] = start;
            }
        }
        Ok(Self { spec: own.check()?, ..*self })
    }

    fn count(&self, fitted: &mut FittedGlm, reached: &[Reached]) {
        for point in reached.iter().filter(|_| self.how.is_none()) {
            fitted.targets[point.target].iterations += point.iterations;
            fitted.targets[point.target].passes += point.passes;
        }
    }

    fn plan_of(fitted: &FittedGlm) -> &Plan {
        &fitted.plan
    }
}

/// A specification in what is left of its time.
pub(super) fn in_time_left(spec: &GlmSpec, started: Instant) -> GlmSpec {
    let left = |limit: f64| (limit - started.elapsed().as_secs_f64()).max(f64::MIN_POSITIVE);
    GlmSpec { time_limit_s: spec.time_limit_s.map(left), ..spec.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::gpu::{Limits, adapter};
    use crate::design::{DesignPlan, Source};
    use crate::glm::{CheckedSpec, FittedGlm, GlmSpec, Response, SolverChoice};

    /// The number of an adapter; software ones count.
    fn adapter_number() -> Option<String> {
        let all = adapter::list();
        let usable = all.iter().filter(|facts| facts.unusable.is_none());
        let best = usable.min_by_key(|facts| facts.is_software());
        if best.is_none() {
            assert!(std::env::var_os("RHEOBASE_REQUIRE_GPU").is_none(), "there is no adapter");
            eprintln!("skipped: there is no adapter");
        }
        best.map(|facts| facts.number.to_string())
    }

    /// Columns and counts of two targets.
    fn data(n: usize, p: usize) -> [ndarray::Array2<f64>; 2] {
        let x = ndarray::Array2::from_shape_fn((n, p), |(i, j)| (i as f64 * (0.3 + 0.1 * j as f64)).sin());
        let is_event = |(i, k): (usize, usize)| (i * (7 + k)) % 31 < 3 + usize::from(x[(i, 0)] > 0.5);
        let y = ndarray::Array2::from_shape_fn((n, 2), |place| f64::from(u8::from(is_event(place))));
        [x, y]
    }

    fn plan_of(x: &ndarray::Array2<f64>) -> DesignPlan<'_> {
        let labels = (0..x.ncols()).map(|j| format!("x{j}")).collect();
        DesignPlan::new(vec![Source { name: "x".into(), labels, x: x.view().into() }], 0..x.nrows()).unwrap()
    }

    fn response_of(y: &ndarray::Array2<f64>) -> Response<'_> {
        Response { y: y.view().into(), names: vec!["a".into(), "b".into()] }
    }

    fn work_of<'a, 'd>(
        spec: &CheckedSpec,
        plan: &'a DesignPlan<'d>,
        response: &'a Response<'a>,
    ) -> TargetWork<'a, 'd> {
        TargetWork { spec: spec.clone(), how: None, plan, response }
    }

    fn assert_same(found: &FittedGlm, truth: &FittedGlm) {
        for (found, truth) in found.targets.iter().zip(&truth.targets) {
            assert_eq!(found.status, truth.status);
            let pairs = found.coef.iter().zip(&truth.coef);
            assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-8), "{:?}", pairs.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_design_that_a_device_has_no_room_for_is_sent_in_every_pass() {
        let Some(name) = adapter_number() else { return };
        // rows of 2 MB, and room for 1.5
        let own = |limits| Limits { binding_bytes: Some(1 << 17), room_bytes: Some(3 << 19), ..limits };
        let open = |limits| Gpu::open_within(Some(&name), own(limits));
        let [x, y] = data(16_384, 32);
        let (plan, spec) = (plan_of(&x), GlmSpec::default().check().unwrap());
        let mut notices = Vec::new();
        let fit = |gpu: &Gpu, _: &[Reached]| spec.fit(gpu, &plan, &response_of(&y), &mut |_| {});
        let (_, fitted) = attempts(open(Limits::default()).unwrap(), true, fit, open, &mut notices);
        let (fitted, _) = fitted.unwrap();
        assert_eq!((fitted.plan.backend.as_str(), fitted.plan.features[0].is_written()), ("gpu", false));
        assert_eq!(notices.len(), 1, "{notices:?}");
        let truth = spec.fit(&Cpu::<f64>::default(), &plan, &response_of(&y), &mut |_| {}).unwrap();
        assert_same(&fitted, &truth);
    }

    #[test]
    fn a_fit_whose_device_is_lost_goes_on_from_where_it_had_come_to() {
        let Some(name) = adapter_number() else { return };
        let open = |_| Gpu::open(Some(&name));
        let [x, y] = data(4000, 20);
        let plan = plan_of(&x);
        for solver in [SolverChoice::Lbfgs, SolverChoice::Newton] {
            let spec = GlmSpec { solver, ..GlmSpec::default() }.check().unwrap();
            let truth = spec.fit(&Cpu::<f64>::default(), &plan, &response_of(&y), &mut |_| {}).unwrap();
            let (mut n_tries, mut began) = (0, Vec::new());
            let fit = |gpu: &Gpu, reached: &[Reached]| {
                n_tries += 1;
                began.push(reached.to_vec());
                let response = response_of(&y);
                let work = work_of(&spec, &plan, &response).going_on(reached, Instant::now())?;
                let (is_first, mut n_steps) = (n_tries == 1, 0);
                work.fit(gpu, &mut |_| {
                    n_steps += 1;
                    if is_first && n_steps == 2 {
                        gpu.destroy();
                    }
                })
            };
            let mut notices = Vec::new();
            let (_, fitted) = attempts(open(Limits::default()).unwrap(), true, fit, open, &mut notices);
            let (mut fitted, reached) = fitted.unwrap();
            let alone = fitted.targets[0].iterations;
            work_of(&spec, &plan, &response_of(&y)).count(&mut fitted, &reached);
            assert!(
                began.len() == 2 && began[0].is_empty() && notices[0].contains("fresh device"),
                "{notices:?}"
            );
            assert!(began[1].len() == 2 && began[1][0].iterations > 0, "{:?}", began[1]);
            assert!(fitted.targets[0].iterations > alone, "steps before the loss count");
            assert_same(&fitted, &truth);
        }
    }

    #[test]
    fn targets_that_had_not_come_anywhere_begin_as_always() {
        let spec = GlmSpec { time_limit_s: Some(1e6), ..GlmSpec::default() }.check().unwrap();
        let point = Reached { target: 1, coef: vec![1.5, 2.5], intercept: -2.0, iterations: 3, passes: 4 };
        let [x, _] = data(10, 2);
        let y = ndarray::Array2::zeros((10, 3));
        let (plan, response) = (plan_of(&x), response_of(&y));
        let work = work_of(&spec, &plan, &response);
        let on = work.going_on(std::slice::from_ref(&point), Instant::now()).unwrap().spec;
        let start = &on.get().start;
        assert_eq!((start.len(), &start[1].coef, start[1].intercept), (3, &point.coef, -2.0));
        assert!(start[0].intercept.is_nan() && start[2].coef.len() == 2);
        assert!(on.get().time_limit_s.unwrap() <= 1e6);
        assert!(work.going_on(&[], Instant::now()).unwrap().spec.get().start.is_empty());
    }
}
