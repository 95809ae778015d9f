//! Fits without an intercept.

use ndarray::{Array2, Axis, concatenate};
use rheobase::backend::Model;
use rheobase::glm::{GlmSpec, SolverChoice};
use rheobase::observation::ObservationModel;
use rheobase::solver::Status;

use crate::row_terms::{N, assert_same, data, fit, models, plan};

#[test]
fn a_column_of_ones_stands_for_the_intercept() {
    for observation in models() {
        for &inverse_link in Model::links_of(observation) {
            let (x, y) = data(observation, N);
            let with_ones = concatenate![Axis(1), x, Array2::ones((N, 1))];
            let model = Model { observation, inverse_link };
            let spec = GlmSpec { model, ..GlmSpec::default() };
            let expected = fit(&spec, &plan(&x), &y);
            let mut found = fit(&GlmSpec { has_intercept: false, ..spec }, &plan(&with_ones), &y);
            for (found, expected) in found.targets.iter_mut().zip(&expected.targets) {
                assert_eq!((found.intercept, found.intercept_standard_error), (0.0, 0.0));
                assert!(found.aliased.is_empty());
                found.intercept = found.coef.pop().unwrap();
                found.intercept_standard_error = found.standard_errors.pop().unwrap();
                assert_same(found, expected, &format!("{} {inverse_link:?}", observation.name()));
                assert_eq!(found.dof_resid, expected.dof_resid);
            }
        }
    }
}

#[test]
fn without_intercept_nothing_is_centred() {
    // by hand: of a Gaussian response sum(x y) / sum(x x)
    let (x, y) = data(ObservationModel::Gaussian, N);
    let x = x.select(Axis(1), &[2]);
    let spec =
        GlmSpec { model: ObservationModel::Gaussian.into(), has_intercept: false, ..GlmSpec::default() };
    for solver in [SolverChoice::Newton, SolverChoice::Lbfgs] {
        let found = fit(&GlmSpec { solver, ..spec.clone() }, &plan(&x), &y);
        for (k, target) in found.targets.iter().enumerate() {
            let product = |a: &dyn Fn(usize) -> f64| (0..N).map(|i| x[(i, 0)] * a(i)).sum::<f64>();
            let expected = product(&|i| y[(i, k)]) / product(&|i| x[(i, 0)]);
            assert!((target.coef[0] / expected - 1.0).abs() < 1e-12);
            assert_eq!((target.intercept, target.dof_resid), (0.0, N - 1));
            let error = (target.scale / product(&|i| x[(i, 0)])).sqrt();
            assert!((target.standard_errors[0] / error - 1.0).abs() < 1e-10);
        }
    }
}

#[test]
fn columns_that_repeat_one_another_are_found_without_intercept() {
    let (x, y) = data(ObservationModel::Poisson, N);
    let twice = concatenate![Axis(1), x, x.select(Axis(1), &[2])];
    let spec = GlmSpec { has_intercept: false, ..GlmSpec::default() };
    let (once, twice) = (fit(&spec, &plan(&x), &y), fit(&spec, &plan(&twice), &y));
    for (once, twice) in once.targets.iter().zip(&twice.targets) {
        assert_eq!(
            (twice.status, twice.aliased.as_slice()),
            (Status::Converged, ["x2".into(), "x3".into()].as_slice())
        );
        assert!(
            (twice.coef[2] - 0.5 * once.coef[2]).abs() < 1e-9
                && (twice.coef[3] - twice.coef[2]).abs() < 1e-12
        );
        assert!((once.scores.deviance / twice.scores.deviance - 1.0).abs() < 1e-12);
    }
}

#[test]
fn without_intercept_a_target_without_events_is_fitted() {
    // the sum of the features is 0, so that no direction lowers all means: the optimum is 0 and the means are 1
    let x = Array2::from_shape_fn((100, 1), |(i, _)| if i % 2 == 0 { 1.0 } else { -1.0 });
    let y = Array2::zeros((100, 1));
    let spec = GlmSpec { has_intercept: false, ..GlmSpec::default() };
    let target = fit(&spec, &plan(&x), &y).targets.remove(0);
    assert_eq!((target.status, target.intercept), (Status::Converged, 0.0), "{target:?}");
    assert!(target.coef[0].abs() < 1e-8 && (target.scores.log_likelihood + 1.0).abs() < 1e-12, "{target:?}");
    // a constant lowers them for ever
    let target = fit(&spec, &plan(&Array2::ones((100, 1))), &y).targets.remove(0);
    assert_eq!((target.status, target.intercept), (Status::Separated, 0.0), "{target:?}");
}
