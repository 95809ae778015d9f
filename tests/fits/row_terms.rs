//! Weights and offsets.

use ndarray::{Array2, Axis, concatenate};
use rheobase::Error;
use rheobase::backend::{Backend, Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{
    CrossValidation, Dispersion, FittedGlm, Folds, GlmSpec, Pick, Response, SolverChoice, TargetFit,
    score_weighted,
};
use rheobase::observation::{NegativeBinomial, ObservationModel};
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;

use crate::common::{Random, relative, source};

pub(super) const N: usize = 1200;

/// Columns, of which the last is far from 0, and responses that an observation model can have.
pub(super) fn data(observation: ObservationModel, n: usize) -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(71);
    let x = Array2::from_shape_fn((n, 3), |(_, j)| random.normal() + if j == 2 { 4.0 } else { 0.0 });
    let y = Array2::from_shape_fn((n, 2), |(i, k)| {
        let eta = 0.4 * x[(i, 0)] - 0.3 * x[(i, 1)] + 0.1 * x[(i, 2)] - 0.5 * k as f64;
        match observation {
            ObservationModel::Poisson | ObservationModel::NegativeBinomial(_) => {
                let spread = 0.3 + 2.0 * random.uniform();
                random.poisson(spread * eta.exp())
            }
            ObservationModel::Gaussian => eta + random.normal(),
            ObservationModel::Bernoulli => f64::from(u8::from(random.uniform() < 1.0 / (1.0 + (-eta).exp()))),
            ObservationModel::Gamma => (0.3 * eta).exp() * (0.2 + 2.0 * random.uniform()),
        }
    });
    (x, y)
}

pub(super) fn plan(x: &Array2<f64>) -> DesignPlan<'_> {
    DesignPlan::new(source(x), 0..x.nrows()).unwrap()
}

fn fit_on<B: Backend>(on: &B, spec: &GlmSpec, plan: &DesignPlan, y: &Array2<f64>) -> FittedGlm {
    let names = (0..y.ncols()).map(|k| format!("y{k}")).collect();
    let response = Response { y: y.view().into(), names };
    spec.clone().check().unwrap().fit(on, plan, &response, &mut |_| {}).unwrap()
}

pub(super) fn fit(spec: &GlmSpec, plan: &DesignPlan, y: &Array2<f64>) -> FittedGlm {
    fit_on(&Cpu::<f32>::default(), spec, plan, y)
}

/// The same answer, errors and scores.
pub(super) fn assert_same(found: &TargetFit, expected: &TargetFit, what: &str) {
    assert_eq!((found.status, expected.status), (Status::Converged, Status::Converged), "{what}");
    let numbers = |fit: &TargetFit| {
        let scores = &fit.scores;
        [
            [fit.coef.clone(), vec![fit.intercept]].concat(),
            [fit.standard_errors.clone(), vec![fit.intercept_standard_error]].concat(),
            vec![fit.scale],
            vec![fit.loss],
            vec![scores.log_likelihood_sum],
            vec![scores.log_likelihood],
            vec![scores.deviance],
            vec![scores.pseudo_r2_mcfadden, scores.pseudo_r2_cohen],
        ]
    };
    for (k, (found, expected)) in numbers(found).into_iter().zip(numbers(expected)).enumerate() {
        let apart = relative(&found, &expected);
        assert!(apart < 1e-8, "{what}, {k}: {found:?}, not {expected:?}");
    }
}

pub(super) fn models() -> Vec<ObservationModel> {
    ObservationModel::ALL.to_vec()
}

#[test]
fn a_bin_of_weight_2_is_two_bins() {
    for observation in models() {
        let (x, y) = data(observation, N);
        let weights: Vec<f64> = (0..N).map(|i| [1.0, 3.0, 1.0, 2.0][i % 4]).collect();
        let repeated: Vec<usize> = (0..N).flat_map(|i| vec![i; weights[i] as usize]).collect();
        let [long_x, long_y] = [&x, &y].map(|values| values.select(Axis(0), &repeated));
        for regularizer in [Regularizer::None, Regularizer::Ridge { strength: 0.05.into() }] {
            for solver in [SolverChoice::Newton, SolverChoice::Lbfgs] {
                let spec = GlmSpec {
                    model: observation.into(),
                    regularizer: regularizer.clone(),
                    solver,
                    ..GlmSpec::default()
                };
                let weighted = fit(&spec, &plan(&x).with_weights(weights.clone()).unwrap(), &y);
                let truth = fit(&spec, &plan(&long_x), &long_y);
                for (found, expected) in weighted.targets.iter().zip(&truth.targets) {
                    let what = format!("{} {} {solver:?}", observation.name(), regularizer.name());
                    assert_same(found, expected, &what);
                    assert_eq!(found.dof_resid, expected.dof_resid, "{what}");
                    assert_eq!((found.n_bins_used, found.total_weight), (N, Some(weights.iter().sum())));
                }
            }
        }
    }
}

#[test]
fn the_unit_of_the_weights_moves_no_coefficient() {
    let (x, y) = data(ObservationModel::Poisson, N);
    let weights: Vec<f64> = (0..N).map(|i| 0.5 + (i % 7) as f64).collect();
    let spec = GlmSpec { regularizer: Regularizer::Ridge { strength: 0.1.into() }, ..GlmSpec::default() };
    let by = |unit: f64| {
        let weights: Vec<f64> = weights.iter().map(|weight| unit * weight).collect();
        fit(&spec, &plan(&x).with_weights(weights).unwrap(), &y).targets.remove(0)
    };
    let (small, large) = (by(1.0), by(1e6));
    assert!(relative(&small.coef, &large.coef) < 1e-9);
    assert!((small.scores.log_likelihood - large.scores.log_likelihood).abs() < 1e-10);
    let errors: Vec<f64> = large.standard_errors.iter().map(|error| 1e3 * error).collect();
    assert!(relative(&small.standard_errors, &errors) < 1e-8);
}

#[test]
fn a_dispersion_is_estimated_with_weights_and_offset() {
    let own: ObservationModel = NegativeBinomial::new(1.0).unwrap().into();
    let (x, y) = data(own, N);
    let weights: Vec<f64> = (0..N).map(|i| 1.0 + (i % 2) as f64).collect();
    let repeated: Vec<usize> = (0..N).flat_map(|i| vec![i; 1 + i % 2]).collect();
    let [long_x, long_y] = [&x, &y].map(|values| values.select(Axis(0), &repeated));
    let offset: Vec<f64> = (0..N).map(|i| 0.1 * (i % 3) as f64).collect();
    let long_offset: Vec<f64> = repeated.iter().map(|&i| offset[i]).collect();
    let spec = GlmSpec { model: own.into(), dispersion: Dispersion::MaximumLikelihood, ..GlmSpec::default() };
    let short = plan(&x).with_weights(weights).unwrap().with_offset(offset).unwrap();
    let found = fit(&spec, &short, &y);
    let truth = fit(&spec, &plan(&long_x).with_offset(long_offset).unwrap(), &long_y);
    for (found, truth) in found.targets.iter().zip(&truth.targets) {
        assert_same(found, truth, "dispersion");
        assert!((found.scale_standard_error / truth.scale_standard_error - 1.0).abs() < 1e-8);
    }
}

#[test]
fn a_constant_offset_is_part_of_the_intercept() {
    for observation in models() {
        let (x, y) = data(observation, N);
        let spec = GlmSpec { model: observation.into(), ..GlmSpec::default() };
        let plain = fit(&spec, &plan(&x), &y);
        let shift = if observation == ObservationModel::Gamma { 0.25 } else { -1.5 };
        let mut beside = fit(&spec, &plan(&x).with_offset(vec![shift; N]).unwrap(), &y);
        for (found, expected) in beside.targets.iter_mut().zip(&plain.targets) {
            found.intercept += shift;
            assert_same(found, expected, observation.name());
        }
    }
}

#[test]
fn counts_of_bins_that_are_alike_are_one_count_of_their_exposure() {
    let mut random = Random(3);
    let x = Array2::from_shape_simple_fn((300, 2), || random.normal());
    let times = |i: usize| 1 + i % 5;
    let y: Vec<Vec<f64>> = (0..300)
        .map(|i| (0..times(i)).map(|_| random.poisson((0.5 * x[(i, 0)] - 0.4).exp())).collect())
        .collect();
    let repeated: Vec<usize> = (0..300).flat_map(|i| vec![i; times(i)]).collect();
    let (long_x, long_y) =
        (x.select(Axis(0), &repeated), Array2::from_shape_vec((repeated.len(), 1), y.concat()));
    let sums = Array2::from_shape_fn((300, 1), |(i, _)| y[i].iter().sum());
    let offset: Vec<f64> = (0..300).map(|i| (times(i) as f64).ln()).collect();
    let spec = GlmSpec::default();
    let found = fit(&spec, &plan(&x).with_offset(offset).unwrap(), &sums).targets.remove(0);
    let truth = fit(&spec, &plan(&long_x), &long_y.unwrap()).targets.remove(0);
    assert_eq!(found.status, Status::Converged);
    let numbers =
        |fit: &TargetFit| [fit.coef.clone(), vec![fit.intercept], fit.standard_errors.clone()].concat();
    assert!(relative(&numbers(&found), &numbers(&truth)) < 1e-8, "{found:?} {truth:?}");
}

#[test]
fn scores_of_a_fit_are_those_of_its_predictions() {
    for observation in models() {
        let (x, y) = data(observation, N);
        let weights: Vec<f64> = (0..N).map(|i| 0.5 + (i % 3) as f64).collect();
        let offset: Vec<f64> = (0..N).map(|i| 0.02 * (i % 11) as f64).collect();
        let own = plan(&x).with_weights(weights.clone()).unwrap().with_offset(offset.clone()).unwrap();
        let spec = GlmSpec { model: observation.into(), ..GlmSpec::default() };
        for (k, target) in fit(&spec, &own, &y).targets.iter().enumerate() {
            let model: Model = observation.into();
            let mean = |i: usize| {
                let effects: f64 = x.row(i).iter().zip(&target.coef).map(|(x, w)| x * w).sum();
                model.mean(target.intercept + effects + offset[i])
            };
            let mu: Vec<f64> = (0..N).map(mean).collect();
            let beside = [Some(&weights[..]), Some(&offset[..])];
            let found = score_weighted(model, target.scale, &y.column(k).to_vec(), &mu, beside);
            let numbers = |scores: &rheobase::glm::Scores| {
                [scores.log_likelihood, scores.deviance, scores.pseudo_r2_mcfadden, scores.pseudo_r2_cohen]
            };
            let apart = relative(&numbers(&found), &numbers(&target.scores));
            assert!(apart < 1e-9, "{}: {found:?} {:?}", observation.name(), target.scores);
            // no constant beside the offset scores better than the null model
            let null_deviance = found.deviance / (1.0 - found.pseudo_r2_cohen);
            for shift in [-1e-3, 1e-3] {
                let at = |b: f64| -> f64 {
                    let deviance = |i: usize| {
                        use rheobase::observation::Observe;
                        weights[i] * observation.deviance(y[(i, k)], model.mean(b + offset[i]))
                    };
                    (0..N).map(deviance).sum()
                };
                let constant = Array2::zeros((N, 1));
                let null = fit(
                    &spec,
                    &plan(&constant)
                        .with_weights(weights.clone())
                        .unwrap()
                        .with_offset(offset.clone())
                        .unwrap(),
                    &y,
                );
                let b = null.targets[k].intercept;
                assert!((at(b) / null_deviance - 1.0).abs() < 1e-9, "{}", observation.name());
                assert!(at(b + shift) > null_deviance, "{}", observation.name());
            }
        }
    }
}

#[test]
fn columns_that_repeat_one_another_are_found_beside_weights() {
    let (x, y) = data(ObservationModel::Poisson, N);
    let twice = concatenate![Axis(1), x, x.select(Axis(1), &[2])];
    for has_intercept in [true, false] {
        let weights: Vec<f64> = (0..N).map(|i| 1.0 / (1.0 + x[(i, 2)] * x[(i, 2)])).collect();
        let spec = GlmSpec { has_intercept, ..GlmSpec::default() };
        let by = |x: &Array2<f64>| fit(&spec, &plan(x).with_weights(weights.clone()).unwrap(), &y);
        for (once, twice) in by(&x).targets.iter().zip(&by(&twice).targets) {
            assert_eq!((once.status, twice.status), (Status::Converged, Status::Converged));
            assert_eq!(twice.aliased, ["x2", "x3"]);
            assert!((twice.coef[2] - 0.5 * once.coef[2]).abs() < 1e-8, "{twice:?}");
            assert!((twice.coef[3] - twice.coef[2]).abs() < 1e-10, "{twice:?}");
            assert!((once.scores.deviance / twice.scores.deviance - 1.0).abs() < 1e-10);
        }
    }
}

#[test]
fn what_says_nothing_is_warned_about_or_refused() {
    let (x, y) = data(ObservationModel::Poisson, 300);
    let shares = vec![1.0 / 300.0; 300];
    let target = fit(&GlmSpec::default(), &plan(&x).with_weights(shares).unwrap(), &y).targets.remove(0);
    assert!(
        target.warnings.iter().any(|warning| warning.contains("divide weights by their mean")),
        "{target:?}"
    );
    let offset: Vec<f64> = (0..300).map(|i| if i == 7 { 800.0 } else { 0.0 }).collect();
    let own = plan(&x).with_offset(offset).unwrap();
    let response = Response { y: y.view().into(), names: vec!["a".into(), "b".into()] };
    let spec = GlmSpec::default().check().unwrap();
    let error = spec.fit(&Cpu::<f64>::default(), &own, &response, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("offset") && error.help().contains("logarithm"), "{error}");
    // a fit with an offset predicts beside one
    let shifted = fit(&GlmSpec::default(), &plan(&x).with_offset(vec![0.5; 300]).unwrap(), &y);
    assert!(shifted.predict(x.view()).unwrap_err().to_string().contains("offset"));
    let plain = fit(&GlmSpec::default(), &plan(&x), &y).predict(x.view()).unwrap();
    let beside = shifted.predict_beside(x.view(), Some(&[0.5; 300])).unwrap();
    assert!((&plain - &beside).iter().all(|apart| apart.abs() < 1e-8));
}

#[test]
fn folds_do_not_learn_from_what_they_are_scored_on() {
    // a column that varies in one fold alone: what the others say of it is the penalty
    let mut random = Random(5);
    let x = Array2::from_shape_fn((2000, 2), |(i, j)| match j {
        1 if i >= 500 => 0.0,
        _ => random.normal(),
    });
    let y = Array2::from_shape_fn((2000, 1), |(i, _)| {
        random.poisson((0.3 * x[(i, 0)] + 0.8 * x[(i, 1)] - 1.0).exp())
    });
    let ridge = Regularizer::Ridge { strength: 1.0.into() };
    let lasso = Regularizer::Lasso { strength: 1.0.into() };
    for (regularizer, solver) in
        [(ridge.clone(), SolverChoice::Newton), (lasso, SolverChoice::Newton), (ridge, SolverChoice::Lbfgs)]
    {
        let spec = GlmSpec { regularizer, solver, ..GlmSpec::default() };
        let strengths = vec![1e-5, 3e-5, 1e-4];
        let folds = Folds::blocked(&(0..2000).into(), 4, 0).unwrap();
        let how = CrossValidation { strengths: strengths.clone(), folds: folds.clone(), pick: Pick::Best };
        let response = Response { y: y.view().into(), names: vec!["y".into()] };
        let checked = spec.clone().check().unwrap();
        let on = Cpu::<f64>::default();
        let fitted = checked.cross_validate(&on, &plan(&x), &response, &how, &mut |_| {}).unwrap();
        let curve = fitted.targets[0].cv.clone().unwrap();
        for (fold, scores) in folds.iter().zip(&curve.by_fold) {
            for (strength, found) in strengths.iter().zip(scores) {
                let own = GlmSpec { regularizer: spec.regularizer.times(*strength), ..spec.clone() };
                let alone = fit(&own, &plan(&x).with_rows(fold.train.clone()), &y);
                let mu = alone.predict(x.view()).unwrap();
                let test: Vec<usize> = fold.test.iter().collect();
                let [y, mu] =
                    [&y, &mu].map(|all| test.iter().map(|&row| all[(row, 0)]).collect::<Vec<f64>>());
                let expected = rheobase::glm::score(spec.model, &y, &mu).log_likelihood;
                // a gap of 1e-8 leaves digits of a coefficient that the penalty alone decides
                assert!((found / expected - 1.0).abs() < 1e-3, "{strength}: {found}, not {expected}");
            }
        }
    }
}

#[test]
fn weights_of_a_target_do_not_depend_on_companions_and_threads() {
    let (x, y) = data(ObservationModel::Poisson, N);
    let weights: Vec<f64> = (0..N).map(|i| 0.5 + (i % 5) as f64).collect();
    let offset: Vec<f64> = (0..N).map(|i| 0.03 * (i % 4) as f64).collect();
    let own = plan(&x).with_weights(weights).unwrap().with_offset(offset).unwrap();
    let swapped = y.select(Axis(1), &[1, 0]);
    let (both, other) = (fit(&GlmSpec::default(), &own, &y), fit(&GlmSpec::default(), &own, &swapped));
    assert_eq!(both.targets[0].coef, other.targets[1].coef);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let again = pool.install(|| fit(&GlmSpec::default(), &own, &y));
    assert_eq!(both.targets[0].coef, again.targets[0].coef);
}

#[test]
fn folds_keep_weights_and_offset() {
    let (x, y) = data(ObservationModel::Poisson, N);
    let spec = GlmSpec { regularizer: Regularizer::Ridge { strength: 1.0.into() }, ..GlmSpec::default() };
    let how = CrossValidation {
        strengths: vec![1e-3, 1e-2, 1e-1],
        folds: Folds::blocked(&(0..N).into(), 4, 0).unwrap(),
        pick: Pick::Best,
    };
    let scores = |plan: &DesignPlan| {
        let names = vec!["a".into(), "b".into()];
        let response = Response { y: y.view().into(), names };
        let checked = spec.clone().check().unwrap();
        let fitted =
            checked.cross_validate(&Cpu::<f64>::default(), plan, &response, &how, &mut |_| {}).unwrap();
        fitted.targets.iter().flat_map(|target| target.cv.clone().unwrap().scores).collect::<Vec<f64>>()
    };
    let plain = scores(&plan(&x));
    let alike = scores(&plan(&x).with_weights(vec![3.0; N]).unwrap().with_offset(vec![0.5; N]).unwrap());
    assert!(relative(&alike, &plain) < 1e-8);
    let uneven: Vec<f64> = (0..N).map(|i| if i % 2 == 0 { 1.0 } else { 1e-6 }).collect();
    let uneven = scores(&plan(&x).with_weights(uneven).unwrap());
    assert!(relative(&uneven, &plain) > 1e-4);
}

#[test]
fn bad_weights_and_offsets_name_the_row() {
    let (x, _) = data(ObservationModel::Poisson, 5);
    let own = |values: [f64; 5]| values.to_vec();
    let error = plan(&x).with_weights(own([1.0, 2.0, 0.0, 1.0, 1.0])).unwrap_err();
    assert!(error.to_string().contains("weights") && error.to_string().contains("0 in row 2"), "{error}");
    let error = plan(&x).with_offset(own([1.0, f64::NAN, 0.0, 1.0, 1.0])).unwrap_err();
    assert!(matches!(error, Error::NonFinite { row: 1, .. }), "{error}");
    let error = plan(&x).with_offset(vec![0.0; 4]).unwrap_err();
    assert!(matches!(error, Error::Length { expected: 5, found: 4, .. }), "{error}");
    // rows that are not used may have any
    let used = DesignPlan::new(source(&x), vec![0, 1, 3, 4]).unwrap();
    assert!(used.with_weights(own([1.0, 2.0, f64::NAN, 1.0, 1.0])).is_ok());
}

#[cfg(feature = "gpu")]
#[test]
fn a_gpu_weighs_and_shifts_as_the_cpu_does() {
    let Some((gpu, _turn)) = crate::gpu::gpu() else { return };
    for observation in models() {
        let (x, y) = data(observation, 3000);
        let weights: Vec<f64> = (0..3000).map(|i| 0.5 + f64::from(i % 5)).collect();
        let offset: Vec<f64> = (0..3000).map(|i| 0.02 * f64::from(i % 9)).collect();
        let own = plan(&x).with_weights(weights).unwrap().with_offset(offset).unwrap();
        for (has_intercept, n_targets) in [(true, 1), (true, 2), (false, 2)] {
            if !has_intercept && observation == ObservationModel::Gamma {
                continue;
            }
            let y = y.select(Axis(1), &(0..n_targets).collect::<Vec<usize>>());
            let spec = GlmSpec {
                model: observation.into(),
                has_intercept,
                standard_errors: rheobase::glm::StandardErrors::On,
                ..GlmSpec::default()
            };
            let truth = fit_on(&Cpu::<f64>::default(), &spec, &own, &y);
            let found = fit_on(gpu, &spec, &own, &y);
            for (found, truth) in found.targets.iter().zip(&truth.targets) {
                assert_same(found, truth, observation.name());
            }
        }
    }
}
