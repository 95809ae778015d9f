//! Fits that begin at coefficients of an earlier one.

use crate::common::{Random, poisson_data, relative, source};
use ndarray::{Array2, Axis};
use rheobase::backend::{Backend, Cpu};
use rheobase::design::DesignPlan;
use rheobase::glm::{FittedGlm, GlmSpec, Response, SolverChoice, StandardErrors, StartPoint};
use rheobase::solver::Status;

fn fit<B: Backend>(on: &B, x: &Array2<f64>, y: &Array2<f64>, spec: GlmSpec) -> rheobase::Result<FittedGlm> {
    let design = DesignPlan::new(source(x), 0..x.nrows())?;
    let response = Response { y: y.view().into(), names: (0..y.ncols()).map(|k| format!("y{k}")).collect() };
    spec.check()?.fit(on, &design, &response, &mut |_| {})
}

/// Shifted, scaled and correlated columns, the last target silent.
fn data(seed: u64, n_targets: usize) -> (Array2<f64>, Array2<f64>) {
    let (mut x, mut y) = poisson_data(seed, 30_000, 6, n_targets);
    for (j, mut column) in x.columns_mut().into_iter().enumerate() {
        column.mapv_inplace(|x| 10.0_f64.powi(j as i32 - 2) * (x + 3.0));
    }
    if n_targets > 1 {
        y.column_mut(n_targets - 1).fill(0.0);
    }
    (x, y)
}

fn starts(fitted: &FittedGlm) -> Vec<StartPoint> {
    fitted.targets.iter().map(StartPoint::from).collect()
}

#[test]
fn from_its_own_answer_a_fit_looks_once_in_each_precision() {
    for n_targets in [1, 4] {
        let (x, y) = data(1, n_targets);
        for solver in [SolverChoice::Newton, SolverChoice::Lbfgs] {
            let spec = GlmSpec { solver, tolerance: 1e-10, ..GlmSpec::default() };
            let cold = fit(&Cpu::<f32>::default(), &x, &y, spec.clone()).unwrap();
            let warm = GlmSpec { start: starts(&cold), ..spec };
            for (most, again) in [
                (2, fit(&Cpu::<f32>::default(), &x, &y, warm.clone()).unwrap()),
                (1, fit(&Cpu::<f64>::default(), &x, &y, warm).unwrap()),
            ] {
                assert!(again.plan.sample_every.is_none());
                for (again, cold) in again.targets.iter().zip(&cold.targets) {
                    assert_eq!(again.status, cold.status);
                    assert!(again.passes <= most, "{} passes, {} before", again.passes, cold.passes);
                    assert_eq!(again.status == Status::NoEvents, cold.name == "y3");
                    if cold.status != Status::NoEvents {
                        assert!(again.passes < cold.passes);
                        assert!(relative(&again.coef, &cold.coef) < 1e-4);
                    }
                }
            }
        }
    }
}

#[test]
fn from_nearby_it_takes_fewer_passes_to_the_same_answer() {
    let (x, y) = data(2, 3);
    let mut random = Random(3);
    let resampled = y.mapv(|y| if random.uniform() < 0.02 { y + 1.0 } else { y });
    for solver in [SolverChoice::Newton, SolverChoice::Lbfgs] {
        let spec = GlmSpec { solver, ..GlmSpec::default() };
        let on = Cpu::<f64>::default();
        let first = fit(&on, &x, &y, spec.clone()).unwrap();
        let cold = fit(&on, &x, &resampled, spec.clone()).unwrap();
        let warm = fit(&on, &x, &resampled, GlmSpec { start: starts(&first), ..spec }).unwrap();
        for (warm, cold) in warm.targets.iter().zip(&cold.targets) {
            assert_eq!((warm.status, cold.status), (Status::Converged, Status::Converged));
            assert!(relative(&warm.coef, &cold.coef) < 1e-8);
        }
        // the last target was silent before: it begins at its mean rate
        let passes =
            |fitted: &FittedGlm| fitted.targets[..2].iter().map(|target| target.passes).sum::<usize>();
        assert!(passes(&warm) < passes(&cold), "{} {}", passes(&warm), passes(&cold));
    }
}

#[test]
fn a_start_that_leads_astray_is_not_followed() {
    let (x, y) = data(4, 1);
    for solver in [SolverChoice::Newton, SolverChoice::Lbfgs] {
        let spec = GlmSpec { solver, ..GlmSpec::default() };
        let cold = fit(&Cpu::<f32>::default(), &x, &y, spec.clone()).unwrap();
        for factor in [-30.0, 1e4, 1e300] {
            let mut start = starts(&cold);
            start[0].coef.iter_mut().for_each(|coef| *coef *= factor);
            let found = fit(&Cpu::<f32>::default(), &x, &y, GlmSpec { start, ..spec.clone() }).unwrap();
            let (found, cold) = (&found.targets[0], &cold.targets[0]);
            assert_eq!(found.status, Status::Converged, "{factor:e}");
            assert!(relative(&found.coef, &cold.coef) < 1e-8);
            assert!(found.passes <= cold.passes + 2, "{} {}", found.passes, cold.passes);
        }
    }
}

#[test]
fn columns_that_repeat_one_another_have_the_same_answer_from_any_start() {
    let (x, y) = data(5, 1);
    let twice = ndarray::concatenate(Axis(1), &[x.view(), x.view()]).unwrap();
    let spec = GlmSpec { standard_errors: StandardErrors::Off, ..GlmSpec::default() };
    let cold = fit(&Cpu::<f64>::default(), &twice, &y, spec.clone()).unwrap();
    let warm = fit(&Cpu::<f64>::default(), &twice, &y, GlmSpec { start: starts(&cold), ..spec }).unwrap();
    assert_eq!(warm.targets[0].status, Status::Converged);
    assert!(relative(&warm.targets[0].coef, &cold.targets[0].coef) < 1e-10);
}

#[test]
fn a_start_of_another_shape_is_refused() {
    let (x, y) = data(6, 1);
    let point = |n: usize| StartPoint { coef: vec![0.0; n], intercept: 0.0 };
    for (start, said) in [
        (vec![point(6); 2], "start: expected 1 targets, or none, found 2"),
        (vec![point(5)], "start: expected 6 coefficients of each target, found 5"),
    ] {
        let error = fit(&Cpu::<f32>::default(), &x, &y, GlmSpec { start, ..GlmSpec::default() }).unwrap_err();
        assert_eq!(error.to_string(), said);
    }
}
