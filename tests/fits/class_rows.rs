//! What rows of a fit to labels have beside their columns: weights and an offset of the classes; fits without intercepts.

use ndarray::{Array2, Axis, concatenate};
use rheobase::backend::{Backend, Classes, Cpu};
use rheobase::design::DesignPlan;
use rheobase::glm::{
    CategoricalSpec, ClassFit, FittedCategorical, GlmSpec, Labelled, SolverChoice, score_weighted_classes,
};
use rheobase::observation::log_softmax;
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;

use crate::classes::{SOLVERS, data, labelled, ridge};
use crate::common::{golden, matrix, number, numbers, relative, source};

const N: usize = 900;

fn plan(x: &Array2<f64>) -> DesignPlan<'_> {
    DesignPlan::new(source(x), 0..x.nrows()).unwrap()
}

fn fit_on<B: Classes>(on: &B, spec: GlmSpec, plan: &DesignPlan, codes: &[usize]) -> FittedCategorical {
    CategoricalSpec::new(spec).unwrap().fit(on, plan, &[labelled(codes)], &mut |_| {}).unwrap()
}

fn fit(spec: GlmSpec, plan: &DesignPlan, codes: &[usize]) -> ClassFit {
    fit_on(&Cpu::<f32>::default(), spec, plan, codes).targets.remove(0)
}

fn repeated(values: &[usize], counts: &[f64]) -> Vec<usize> {
    values.iter().zip(counts).flat_map(|(&value, &count)| vec![value; count as usize]).collect()
}

/// The same answer, errors and scores.
fn assert_same(found: &ClassFit, expected: &ClassFit, what: &str) {
    assert_eq!((found.status, expected.status), (Status::Converged, Status::Converged), "{what}");
    let numbers = |fit: &ClassFit| {
        let scores = &fit.scores;
        [
            [fit.coef.clone(), fit.intercept.clone()].concat(),
            [fit.standard_errors.clone(), fit.intercept_standard_error.clone()].concat(),
            vec![fit.loss],
            vec![scores.log_likelihood_sum, scores.log_likelihood],
            vec![scores.deviance],
            vec![scores.pseudo_r2_mcfadden, scores.pseudo_r2_cohen],
        ]
    };
    for (k, (found, expected)) in numbers(found).into_iter().zip(numbers(expected)).enumerate() {
        let apart = relative(&found, &expected);
        assert!(apart < 1e-8, "{what}, {k}: {found:?}, not {expected:?}");
    }
}

/// On any backend: fits with weights are those of repeated rows, beside an offset and without intercepts too.
fn weights_are_repetitions<B: Classes + Backend>(on: &B, solver: SolverChoice) {
    let (x, codes) = data(41, N, 3, 4);
    let weights: Vec<f64> = (0..N).map(|row| [1.0, 3.0, 1.0, 2.0, 1.0][row % 5]).collect();
    let rows = repeated(&(0..N).collect::<Vec<_>>(), &weights);
    let (long_x, long_codes) = (x.select(Axis(0), &rows), repeated(&codes, &weights));
    let offset: Vec<f64> = (0..4 * N).map(|k| 0.3 * ((k * k) as f64).sin()).collect();
    let long_offset: Vec<f64> = rows.iter().flat_map(|&row| offset[4 * row..4 * row + 4].to_vec()).collect();
    for regularizer in [Regularizer::None, ridge(0.02)] {
        for (has_intercept, has_offset) in [(true, false), (false, false), (true, true), (false, true)] {
            let spec =
                || GlmSpec { regularizer: regularizer.clone(), solver, has_intercept, ..GlmSpec::default() };
            let with = |x: &Array2<f64>, codes: &[usize], offset: &[f64], weights: Option<&[f64]>| {
                let mut plan = plan(x);
                if has_offset {
                    plan = plan.with_class_offset(offset.to_vec(), 4).unwrap();
                }
                if let Some(weights) = weights {
                    plan = plan.with_weights(weights.to_vec()).unwrap();
                }
                fit_on(on, spec(), &plan, codes).targets.remove(0)
            };
            let found = with(&x, &codes, &offset, Some(&weights));
            let truth = with(&long_x, &long_codes, &long_offset, None);
            let what = format!("{} {solver:?} {has_intercept} {has_offset}", regularizer.name());
            assert_same(&found, &truth, &what);
            assert_eq!(found.dof_resid, truth.dof_resid, "{what}");
            assert_eq!((found.n_bins_used, found.total_weight), (N, Some(weights.iter().sum())));
        }
    }
}

#[test]
fn a_bin_of_weight_2_is_two_bins() {
    for solver in SOLVERS {
        weights_are_repetitions(&Cpu::<f64>::default(), solver);
        weights_are_repetitions(&Cpu::<f32>::default(), solver);
    }
}

#[cfg(feature = "gpu")]
#[test]
fn a_bin_of_weight_2_is_two_bins_on_a_gpu() {
    let Some((gpu, _turn)) = crate::gpu::gpu() else { return };
    SOLVERS.into_iter().for_each(|solver| weights_are_repetitions(gpu, solver));
}

#[test]
fn the_unit_of_the_weights_moves_no_coefficient() {
    let (x, codes) = data(43, N, 2, 3);
    let by = |unit: f64| {
        let weights: Vec<f64> = (0..N).map(|row| unit * (0.5 + (row % 7) as f64)).collect();
        let plan = plan(&x).with_weights(weights).unwrap();
        fit(GlmSpec { regularizer: ridge(0.1), ..GlmSpec::default() }, &plan, &codes)
    };
    let (small, large) = (by(1.0), by(1e6));
    assert!(relative(&small.coef, &large.coef) < 1e-9);
    let errors: Vec<f64> = large.standard_errors.iter().map(|error| 1e3 * error).collect();
    assert!(relative(&small.standard_errors, &errors) < 1e-8);
}

/// A given effect of the features is taken from what is estimated.
#[test]
fn an_offset_is_a_part_of_the_predictors() {
    let (x, codes) = data(47, N, 3, 4);
    let given = Array2::from_shape_fn((3, 4), |(j, k)| 0.4 * ((3 * j + 5 * k) as f64).cos());
    let constants = [0.7, -0.2, 0.1, 1.3];
    let predictors = x.dot(&given);
    let offset: Vec<f64> = (0..N)
        .flat_map(|row| {
            // what is common to all classes of a bin changes nothing
            let common = 50.0 * (row as f64).sin();
            (0..4).map(|k| predictors[(row, k)] + constants[k] + common).collect::<Vec<_>>()
        })
        .collect();
    for solver in SOLVERS {
        let spec = || GlmSpec { solver, ..GlmSpec::default() };
        let plain = fit(spec(), &plan(&x), &codes);
        let found = fit(spec(), &plan(&x).with_class_offset(offset.clone(), 4).unwrap(), &codes);
        assert_eq!(found.status, Status::Converged);
        for column in 0..3 {
            let mean = given.row(column).sum() / 4.0;
            let own: Vec<f64> =
                (0..4).map(|k| found.coef[4 * column + k] + given[(column, k)] - mean).collect();
            assert!(relative(&own, &plain.coef[4 * column..4 * column + 4]) < 1e-8, "{own:?}");
        }
        let mean = constants.iter().sum::<f64>() / 4.0;
        let own: Vec<f64> = found.intercept.iter().zip(constants).map(|(b, c)| b + c - mean).collect();
        assert!(relative(&own, &plain.intercept) < 1e-8, "{own:?}");
        assert!(relative(&found.standard_errors, &plain.standard_errors) < 1e-8);
        let apart = found.scores.log_likelihood / plain.scores.log_likelihood - 1.0;
        assert!(apart.abs() < 1e-12, "{apart}");
    }
}

#[test]
fn scores_of_a_fit_are_those_of_its_probabilities() {
    let (x, codes) = data(53, N, 2, 3);
    let weights: Vec<f64> = (0..N).map(|row| 0.5 + (row % 3) as f64).collect();
    let offset: Vec<f64> = (0..3 * N).map(|k| (k as f64).cos()).collect();
    for has_intercept in [true, false] {
        let own = plan(&x).with_weights(weights.clone()).unwrap();
        let own = own.with_class_offset(offset.clone(), 3).unwrap();
        let spec = GlmSpec { has_intercept, ..GlmSpec::default() };
        let fitted = fit_on(&Cpu::<f64>::default(), spec, &own, &codes);
        let logs = fitted.log_probabilities_beside(0, &source(&x), Some(&offset)).unwrap();
        let all: Vec<usize> = (0..N).collect();
        let scores = score_weighted_classes(&labelled(&codes), &logs, &all, [Some(&weights), Some(&offset)]);
        let expected = &fitted.targets[0].scores;
        for (found, expected) in [
            (scores.log_likelihood, expected.log_likelihood),
            (scores.log_likelihood_sum, expected.log_likelihood_sum),
            (scores.deviance, expected.deviance),
            (scores.pseudo_r2_mcfadden, expected.pseudo_r2_mcfadden),
        ] {
            assert!((found / expected - 1.0).abs() < 1e-11, "{found} {expected}");
        }
        assert!(fitted.log_probabilities(0, &source(&x)).unwrap_err().to_string().contains("offset"));
        assert!(fitted.log_probabilities_beside(0, &source(&x), Some(&offset[1..])).is_err());
    }
}

/// The null model beside an offset: no other constants make the labels more likely.
#[test]
fn the_null_model_is_the_most_likely_one_beside_the_offset() {
    let (x, codes) = data(59, N, 1, 3);
    let offset: Vec<f64> = (0..3 * N).map(|k| 2.0 * (k as f64).sin()).collect();
    let ones = Array2::from_elem((N, 1), 1.0);
    // constants alone: a column that never changes explains nothing
    let constant =
        fit(GlmSpec::default(), &plan(&ones).with_class_offset(offset.clone(), 3).unwrap(), &codes);
    assert_eq!(constant.status, Status::Converged, "{constant:?}");
    assert!(constant.scores.pseudo_r2_mcfadden.abs() < 1e-12, "{constant:?}");
    let loss = |b: &[f64]| -> f64 {
        let of_row = |row: usize| {
            let eta: Vec<f64> = (0..3).map(|k| offset[3 * row + k] + b[k]).collect();
            -log_softmax(&eta)[codes[row]]
        };
        (0..N).map(of_row).sum::<f64>() / N as f64
    };
    let found = loss(&constant.intercept);
    assert!((found - constant.loss).abs() < 1e-13);
    for (k, by) in [(0, 1e-3), (1, -1e-3), (2, 1e-3)] {
        let mut other = constant.intercept.clone();
        other[k] += by;
        assert!(loss(&other) > found);
    }
    // of bins that are all of one class there is none; of two of the classes the null model has these alone
    let logs = Array2::from_shape_fn((N, 3), |(row, k)| log_softmax(&[x[(row, 0)], 0.2, 0.1])[k]);
    let some: Vec<usize> = (0..N).filter(|&row| codes[row] != 2).collect();
    let response = labelled(&codes);
    let scores = score_weighted_classes(&response, &logs, &some, [None, Some(&offset)]);
    assert!(scores.pseudo_r2_mcfadden.is_finite());
    let one: Vec<usize> = (0..N).filter(|&row| codes[row] == 1).collect();
    assert!(score_weighted_classes(&response, &logs, &one, [None, None]).pseudo_r2_mcfadden.is_nan());
}

#[test]
fn a_column_of_ones_stands_for_the_intercepts() {
    let (x, codes) = data(61, N, 2, 3);
    let ones = Array2::from_elem((N, 1), 1.0);
    let with_ones = concatenate(Axis(1), &[ones.view(), x.view()]).unwrap();
    for solver in SOLVERS {
        let spec = |has_intercept| GlmSpec { solver, has_intercept, ..GlmSpec::default() };
        let truth = fit(spec(true), &plan(&x), &codes);
        let found = fit(spec(false), &plan(&with_ones), &codes);
        assert_eq!(found.status, Status::Converged, "{found:?}");
        assert_eq!(found.intercept, [0.0; 3]);
        assert_eq!(found.intercept_standard_error, [0.0; 3]);
        let own = [truth.intercept.clone(), truth.coef.clone()].concat();
        assert!(relative(&found.coef, &own) < 1e-8, "{:?} {own:?}", found.coef);
        let errors = [truth.intercept_standard_error.clone(), truth.standard_errors.clone()].concat();
        assert!(relative(&found.standard_errors, &errors) < 1e-8);
        assert_eq!(found.dof_resid, truth.dof_resid);
        assert!((found.scores.pseudo_r2_mcfadden / truth.scores.pseudo_r2_mcfadden - 1.0).abs() < 1e-10);
    }
}

/// Where features say nothing of the labels, a fit without intercepts has equal classes; its pseudo-R2 is below 0.
#[test]
fn without_intercepts_nothing_is_centred() {
    let (x, codes) = data(67, N, 2, 3);
    let shifted = x.mapv(|x| x + 100.0);
    let spec = || GlmSpec { has_intercept: false, ..GlmSpec::default() };
    let found = fit(spec(), &plan(&shifted), &codes);
    assert_eq!(found.status, Status::Converged, "{found:?}");
    // the gradient of every class and column as it is
    let eta = |row: usize, k: usize| (0..2).map(|j| shifted[(row, j)] * found.coef[3 * j + k]).sum::<f64>();
    for (j, k) in (0..2).flat_map(|j| (0..3).map(move |k| (j, k))) {
        let term = |row: usize| {
            let p = log_softmax(&(0..3).map(|k| eta(row, k)).collect::<Vec<_>>())[k].exp();
            shifted[(row, j)] * (p - f64::from(u8::from(codes[row] == k)))
        };
        let left = (0..N).map(term).sum::<f64>() / N as f64;
        assert!(left.abs() < 1e-8, "{j} {k}: {left}");
    }
    let random: Vec<usize> =
        (0..N).map(|row| usize::from(row % 10 > 0) + usize::from(row % 10 > 8)).collect();
    let none = fit(spec(), &plan(&x), &random);
    assert!(none.scores.pseudo_r2_mcfadden < 0.0, "{none:?}");
}

#[test]
fn what_does_not_suit_is_refused_with_a_remedy() {
    let (x, codes) = data(71, 60, 1, 3);
    let spec = CategoricalSpec::new(GlmSpec::default()).unwrap();
    let fit = |plan: &DesignPlan, codes: &[usize]| {
        spec.fit(&Cpu::<f64>::default(), plan, &[labelled(codes)], &mut |_| {}).map(drop).unwrap_err()
    };
    for own in [plan(&x).with_offset(vec![0.5; 60]), plan(&x).with_class_offset(vec![0.5; 120], 2)] {
        let error = fit(&own.unwrap(), &codes);
        assert!(error.to_string().contains("3 numbers per bin, one for each class"), "{error}");
        assert!(error.help().contains("common to all"), "{}", error.help());
    }
    let mut bad = vec![0.0; 180];
    bad[100] = f64::NAN;
    let error = plan(&x).with_class_offset(bad, 3).map(drop).unwrap_err();
    assert!(error.to_string().contains("offset") && error.to_string().contains("33"), "{error}");
    assert!(plan(&x).with_class_offset(vec![0.0; 60], 3).is_err());
    // a weight of 0 is no row, and a class without rows is none
    let weights: Vec<f64> = codes.iter().map(|&code| f64::from(u8::from(code != 2))).collect();
    assert!(plan(&x).with_weights(weights.clone()).map(drop).unwrap_err().help().contains("leave bins"));
    let used: Vec<usize> = (0..60).filter(|&row| weights[row] > 0.0).collect();
    let some = DesignPlan::new(source(&x), used).unwrap().with_weights(weights).unwrap();
    let error = fit(&some, &codes);
    assert!(error.to_string().contains("no used row is of class 2"), "{error}");
}

/// Independent packages, see the header of `tests/generators/reference_class_rows.py`.
#[test]
fn coefficients_errors_and_likelihoods_are_those_of_the_packages() {
    let golden = golden("reference_class_rows.json");
    let x = matrix(&golden["x"]);
    let codes: Vec<usize> = numbers(&golden["y"]).iter().map(|&y| y as usize).collect();
    let repeat = |values: Vec<f64>, n: usize| -> Vec<f64> { values.into_iter().cycle().take(n).collect() };
    let fits = golden["fits"].as_array().unwrap();
    assert_eq!(fits.len(), 7);
    for (k, record) in fits.iter().enumerate() {
        let mut own = plan(&x);
        if record.get("weights").is_some() {
            own = own.with_weights(repeat(numbers(&record["weights"]), codes.len())).unwrap();
        }
        let strength = record.get("strength").map_or(0.0, number);
        let regularizer = if strength > 0.0 { ridge(strength) } else { Regularizer::None };
        let has_intercept = record["has_intercept"].as_bool().unwrap();
        for solver in SOLVERS {
            let spec =
                GlmSpec { regularizer: regularizer.clone(), has_intercept, solver, ..GlmSpec::default() };
            let found = fit(spec, &own, &codes);
            assert_eq!(found.status, Status::Converged, "{k}: {found:?}");
            let expected = matrix(&record["coef"]).into_raw_vec_and_offset().0;
            assert!(relative(&found.coef, &expected) < 1e-7, "{k}: {:?} {expected:?}", found.coef);
            if has_intercept {
                assert!(relative(&found.intercept, &numbers(&record["intercept"])) < 1e-7, "{k}");
            }
            if record["package"] == "statsmodels" {
                let errors = matrix(&record["standard_errors"]).into_raw_vec_and_offset().0;
                assert!(relative(&found.standard_errors, &errors) < 1e-7, "{k}");
                let sum = number(&record["log_likelihood_sum"]);
                assert!((found.scores.log_likelihood_sum / sum - 1.0).abs() < 1e-11, "{k}");
                assert_eq!(found.dof_resid as f64, number(&record["dof_resid"]), "{k}");
            }
        }
    }
    // two of the classes beside an offset
    let record = &golden["two_classes"];
    let odds = repeat(numbers(&record["offset"]), codes.len());
    let offset: Vec<f64> = odds.iter().flat_map(|odds| [-0.25 * odds, 0.75 * odds]).collect();
    let used: Vec<usize> = (0..codes.len()).filter(|&row| codes[row] < 2).collect();
    let label = |row: usize| (codes[row] < 2).then(|| (codes[row] as i64).into());
    let response = Labelled::learn("y", (0..codes.len()).map(label));
    let own = DesignPlan::new(source(&x), used).unwrap().with_class_offset(offset, 2).unwrap();
    let spec = CategoricalSpec::new(GlmSpec::default()).unwrap();
    let found = spec.fit(&Cpu::<f64>::default(), &own, &[response], &mut |_| {}).unwrap().targets.remove(0);
    assert!(relative(&found.coef, &matrix(&record["coef"]).into_raw_vec_and_offset().0) < 1e-7);
    assert!(relative(&found.intercept, &numbers(&record["intercept"])) < 1e-7);
    let errors = matrix(&record["standard_errors"]).into_raw_vec_and_offset().0;
    assert!(relative(&found.standard_errors, &errors) < 1e-7);
    let sums = [number(&record["log_likelihood_sum"]), number(&record["null_log_likelihood_sum"])];
    assert!((found.scores.log_likelihood_sum / sums[0] - 1.0).abs() < 1e-11);
    assert!((found.scores.pseudo_r2_mcfadden - (1.0 - sums[0] / sums[1])).abs() < 1e-10);
}
