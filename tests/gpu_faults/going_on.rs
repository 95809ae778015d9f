//! What is done about a fault: from where a fit goes on, with how much less, and how long an answer is waited for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::{adapter, open};
use ndarray::Array2;
use rheobase::Error;
use rheobase::backend::gpu::{Fault, FaultKind, Limits};
use rheobase::backend::{Backend, Cpu, Gpu};
use rheobase::design::{DesignPlan, Source};
use rheobase::error::DeviceError;
use rheobase::glm::{CheckedSpec, Fallback, FittedGlm, GlmSpec, Response, SolverChoice, TargetWork};
use rheobase::solver::{Progress, Status};

/// Columns and counts of two targets.
fn data(n: usize, p: usize) -> [Array2<f64>; 2] {
    let x = Array2::from_shape_fn((n, p), |(i, j)| (i as f64 * (0.3 + 0.1 * j as f64)).sin());
    let is_event = |(i, k): (usize, usize)| (i * (7 + k)) % 31 < 3 + usize::from(x[(i, 0)] > 0.5);
    let y = Array2::from_shape_fn((n, 2), |place| f64::from(u8::from(is_event(place))));
    [x, y]
}

/// What happened to a device, in words.
fn words<'e>(on: &'e Fallback) -> Vec<&'e str> {
    on.events().iter().map(|event| event.event.as_str()).collect()
}

struct Problem<'a> {
    plan: DesignPlan<'a>,
    y: &'a Array2<f64>,
}

impl<'a> Problem<'a> {
    fn new([x, y]: &'a [Array2<f64>; 2]) -> Self {
        let labels = (0..x.ncols()).map(|j| format!("x{j}")).collect();
        let source = Source { name: "x".into(), labels, x: x.view().into() };
        Self { plan: DesignPlan::new(vec![source], 0..x.nrows()).unwrap(), y }
    }

    fn response(&self) -> Response<'_> {
        Response { y: self.y.view().into(), names: vec!["a".into(), "b".into()] }
    }

    /// Fits on a device that may fail.
    fn fit(
        &self,
        on: &mut Fallback,
        spec: &CheckedSpec,
        watcher: &mut (dyn FnMut(Progress) + Send),
    ) -> rheobase::Result<FittedGlm> {
        let response = self.response();
        let work = TargetWork { spec: spec.clone(), how: None, plan: &self.plan, response: &response };
        on.fit(work, watcher)
    }

    fn on<B: Backend>(&self, backend: &B, spec: &CheckedSpec) -> FittedGlm {
        spec.fit(backend, &self.plan, &self.response(), &mut |_| {}).unwrap()
    }

    fn truth(&self, spec: &CheckedSpec) -> FittedGlm {
        self.on(&Cpu::<f64>::default(), spec)
    }
}

fn assert_same(found: &FittedGlm, truth: &FittedGlm) {
    for (found, truth) in found.targets.iter().zip(&truth.targets) {
        assert_eq!((found.status, truth.status), (Status::Converged, Status::Converged));
        let pairs = found.coef.iter().zip(&truth.coef);
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-8), "{:?}", pairs.collect::<Vec<_>>());
    }
}

#[test]
fn a_design_that_a_device_has_no_room_for_is_sent_in_every_pass() {
    let Some((number, _turn)) = adapter() else { return };
    // rows of 2 MB, and room for 1.5
    let own = |limits| Limits { binding_bytes: Some(1 << 17), room_bytes: Some(3 << 19), ..limits };
    let data = data(16_384, 32);
    let (problem, spec) = (Problem::new(&data), GlmSpec::default().check().unwrap());
    let mut on = Fallback::new(|limits| Gpu::open_within(Some(&number), own(limits))).unwrap();
    let fitted = problem.fit(&mut on, &spec, &mut |_| {}).unwrap();
    assert_eq!((fitted.plan.backend.as_str(), fitted.plan.features[0].is_written()), ("gpu", false));
    assert_eq!(words(&on), ["out_of_memory", "reopened"]);
    assert!(on.events()[1].reason.contains("less of the design"), "{:?}", on.events());
    assert_same(&fitted, &problem.truth(&spec));
}

#[test]
fn a_fit_whose_device_is_lost_goes_on_from_where_it_had_come_to() {
    let Some((number, _turn)) = adapter() else { return };
    let data = data(4000, 20);
    let problem = Problem::new(&data);
    for solver in [SolverChoice::Lbfgs, SolverChoice::Newton] {
        let spec = GlmSpec { solver, ..GlmSpec::default() }.check().unwrap();
        let truth = problem.truth(&spec);
        let whole = problem.on(&open(&number), &spec);
        let gpu = open(&number);
        let (at_once, n_steps) = (gpu.clone(), AtomicUsize::new(0));
        let mut on = Fallback::with(gpu, |_| Ok(open(&number)));
        let fitted = problem.fit(&mut on, &spec, &mut |_| {
            // the next submission after the second step
            if n_steps.fetch_add(1, Ordering::Relaxed) == 1 {
                at_once.inject(Some(Fault { kind: FaultKind::Lost, at: 0, lasts: false }));
            }
        });
        let fitted = fitted.unwrap();
        assert_eq!(words(&on), ["lost", "reopened"]);
        assert_eq!((fitted.plan.backend.as_str(), on.gpu().is_some()), ("gpu", true));
        // steps before the loss count, and were not done in vain
        let steps = |fit: &FittedGlm| fit.targets.iter().map(|target| target.iterations).max().unwrap();
        assert!(
            (steps(&whole)..2 * steps(&whole)).contains(&steps(&fitted)),
            "{} {}",
            steps(&fitted),
            steps(&whole)
        );
        assert_same(&fitted, &truth);
    }
}

#[test]
fn one_that_does_not_answer_is_waited_for_once() {
    let Some((number, _turn)) = adapter() else { return };
    let data = data(2000, 4);
    let (problem, spec) = (Problem::new(&data), GlmSpec::default().check().unwrap());
    let patience = Duration::from_millis(300);
    let limits = Limits { patience: Some(patience), ..Limits::default() };
    let gpu = Gpu::open_within(Some(&number), limits).unwrap();
    gpu.inject(Some(Fault { kind: FaultKind::Hung, at: 3, lasts: false }));
    let mut on = Fallback::with(gpu, |_| panic!("another one is not opened"));
    let started = Instant::now();
    let fitted = problem.fit(&mut on, &spec, &mut |_| {}).unwrap();
    let waited = started.elapsed();
    assert!(waited >= patience && waited < 10 * patience, "{waited:?}");
    assert_eq!(words(&on), ["hung", "cpu"]);
    assert!(on.events()[0].reason.contains("did not answer within 0.3 s"), "{:?}", on.events());
    assert_same(&fitted, &problem.truth(&spec));
    assert!(on.gpu().is_none());
}

#[test]
fn without_the_cpu_the_error_is_that_of_the_device() {
    let Some((number, _turn)) = adapter() else { return };
    let data = data(2000, 4);
    let (problem, spec) = (Problem::new(&data), GlmSpec::default().check().unwrap());
    // every device that is opened is lost
    let lost = |_| {
        let gpu = open(&number);
        gpu.inject(Some(Fault { kind: FaultKind::Lost, at: 2, lasts: true }));
        Ok(gpu)
    };
    let mut on = Fallback::new(lost).unwrap().or_fail();
    let error = problem.fit(&mut on, &spec, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::Gpu(DeviceError::Lost { .. })), "{error}");
    assert_eq!(words(&on), ["lost", "reopened", "lost"], "a fresh one was tried");
    // and the same with the CPU
    let mut on = Fallback::new(lost).unwrap();
    let fitted = problem.fit(&mut on, &spec, &mut |_| {}).unwrap();
    assert_eq!(words(&on), ["lost", "reopened", "lost", "cpu"]);
    assert_eq!(fitted.plan.backend, "cpu");
    assert_same(&fitted, &problem.truth(&spec));
    // where no other device opens the loss is told all the same
    let closed =
        |_| Err(Error::Gpu(DeviceError::Unavailable { adapter: "it".into(), reason: "busy".into() }));
    let mut on = Fallback::with(lost(Limits::default()).unwrap(), closed);
    let fitted = problem.fit(&mut on, &spec, &mut |_| {}).unwrap();
    assert_eq!((words(&on), on.gpu().is_none()), (vec!["lost", "unavailable", "cpu"], true));
    assert_same(&fitted, &problem.truth(&spec));
}
