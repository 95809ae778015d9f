//! Multinomial logistic regression from labels to a certified fit.

use crate::common::{Random, golden, matrix, numbers, relative, source};
use ndarray::Array2;
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{
    CategoricalSpec, ClassFit, FittedCategorical, GlmSpec, Labelled, SolverChoice, StandardErrors,
    score_classes,
};
use rheobase::observation::{Label, ObservationModel, log_softmax};
use rheobase::regularizer::Regularizer;
use rheobase::solver::Status;

pub(crate) const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

pub(crate) fn ridge(strength: f64) -> Regularizer {
    Regularizer::Ridge { strength: strength.into() }
}

pub(crate) fn labelled(codes: &[usize]) -> Labelled {
    Labelled::learn("y", codes.iter().map(|&code| Some((code as i64).into())))
}

pub(crate) fn fit(spec: GlmSpec, x: &Array2<f64>, codes: &[usize]) -> FittedCategorical {
    let plan = DesignPlan::new(source(x), 0..x.nrows()).unwrap();
    let spec = CategoricalSpec::new(spec).unwrap();
    spec.fit(&Cpu::<f64>::default(), &plan, &[labelled(codes)], &mut |_| {}).unwrap()
}

/// Normal columns and labels of `n_classes` classes that depend on them.
pub(crate) fn data(seed: u64, n: usize, p: usize, n_classes: usize) -> (Array2<f64>, Vec<usize>) {
    let mut random = Random(seed);
    let x = Array2::from_shape_simple_fn((n, p), || random.normal());
    let w = Array2::from_shape_simple_fn((p, n_classes), || 0.6 * random.normal());
    let eta = x.dot(&w);
    let draw = |row: usize| {
        let own: Vec<f64> = (0..n_classes).map(|k| eta[(row, k)] + 0.2 * k as f64).collect();
        let mut left = random.uniform();
        let p = log_softmax(&own);
        p.iter().position(|p| {
            left -= p.exp();
            left < 0.0
        })
    };
    let codes = (0..n).map(draw).map(|code| code.unwrap_or(n_classes - 1)).collect();
    (x, codes)
}

fn mean_free(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| value - mean).collect()
}

#[test]
fn the_golden_classifier_of_nemos() {
    let golden = golden("reference_nemos.json");
    let x = matrix(&golden["fit_data"]["X"]);
    let codes: Vec<usize> = numbers(&golden["fit_data"]["classes"]).iter().map(|&y| y as usize).collect();
    let fits = golden["fits"].as_array().unwrap();
    let expected = fits.iter().find(|fit| fit["model"] == "ClassifierGLM(3)").unwrap();
    let coef = matrix(&expected["coef"]);
    let coef = coef.as_slice().unwrap();
    let intercept = mean_free(&numbers(&expected["intercept"]));
    for solver in SOLVERS {
        let spec = GlmSpec { regularizer: ridge(0.1), solver, ..GlmSpec::default() };
        let fitted = fit(spec, &x, &codes);
        let target = &fitted.targets[0];
        assert_eq!(target.status, Status::Converged, "{target:?}");
        assert!(target.kkt_residual < 1e-12 && target.loss_gap < 1e-18 * target.loss, "{target:?}");
        assert!(relative(&target.coef, coef) < 1e-8, "{:?}", target.coef);
        assert!(relative(&target.intercept, &intercept) < 1e-8, "{:?}", target.intercept);
        let p = fitted.probabilities(0, &source(&x)).unwrap();
        let first: Vec<&Label> = target.most_probable(&p).into_iter().flatten().take(5).collect();
        let predicted: Vec<Label> =
            numbers(&expected["predict_first5"]).into_iter().map(Label::from).collect();
        assert_eq!(first, predicted.iter().collect::<Vec<_>>());
        let two = matrix(&expected["proba_first2"]);
        assert!((0..2).all(|row| (0..3).all(|k| (p[(row, k)] - two[(row, k)]).abs() < 1e-8)));
        assert!((target.scores.log_likelihood - expected["score_loglik"].as_f64().unwrap()).abs() < 1e-9);
        assert!(
            (target.scores.pseudo_r2_mcfadden - expected["score_mcfadden"].as_f64().unwrap()).abs() < 1e-9
        );
        assert_eq!(target.dof_resid as f64, numbers(&expected["dof_resid"])[0]);
        // what is fitted is scored the same
        let log_p = fitted.log_probabilities(0, &source(&x)).unwrap();
        let rows: Vec<usize> = (0..60).collect();
        let scores = score_classes(&labelled(&codes), &log_p, &rows);
        assert!((scores.log_likelihood - target.scores.log_likelihood).abs() < 1e-14);
        assert!((scores.deviance / target.scores.deviance - 1.0).abs() < 1e-13);
    }
}

#[test]
fn the_golden_log_probabilities_of_nemos() {
    let golden = golden("reference_nemos.json");
    let all = golden["observations"].as_array().unwrap();
    let expected = all.iter().find(|own| own["model"] == "Categorical").unwrap();
    let codes: Vec<usize> = numbers(&expected["y_classes"]).iter().map(|&y| y as usize).collect();
    let (eta, log_proba) = (matrix(&expected["eta"]), matrix(&expected["log_proba"]));
    let mut found = eta.clone();
    for (mut row, eta) in found.rows_mut().into_iter().zip(eta.rows()) {
        row.iter_mut().zip(log_softmax(&eta.to_vec())).for_each(|(to, value)| *to = value);
    }
    assert!(found.iter().zip(&log_proba).all(|(a, b)| (a - b).abs() < 1e-14));
    for (row, deviance) in numbers(&expected["deviance_per_sample"]).into_iter().enumerate() {
        let own = score_classes(&labelled(&codes), &found, &[row]);
        assert!((own.deviance - deviance).abs() < 1e-13);
    }
    let scores = score_classes(&labelled(&codes), &found, &[0, 1, 2, 3]);
    let number = |name: &str| expected[name].as_f64().unwrap();
    assert!((-scores.log_likelihood - number("optimised_nll")).abs() < 1e-14);
    assert!((scores.log_likelihood.exp() - number("likelihood")).abs() < 1e-14);
    assert!((scores.pseudo_r2_mcfadden - number("mcfadden")).abs() < 1e-14);
    assert!((scores.pseudo_r2_cohen - number("cohen")).abs() < 1e-14);
}

/// Of two classes the coefficients are half of those of a logistic regression, one with the other sign.
#[test]
fn two_classes_are_a_logistic_regression() {
    let (x, codes) = data(3, 400, 3, 2);
    let y = Array2::from_shape_fn((400, 1), |(row, _)| codes[row] as f64);
    for (classes, single) in [(Regularizer::None, Regularizer::None), (ridge(0.2), ridge(0.1))] {
        for solver in SOLVERS {
            let spec = |regularizer: &Regularizer| GlmSpec {
                model: Model::from(ObservationModel::Bernoulli),
                regularizer: regularizer.clone(),
                solver,
                ..GlmSpec::default()
            };
            let own = fit(spec(&classes), &x, &codes).targets.remove(0);
            let other = crate::common::fit(spec(&single), &x, &y).targets.remove(0);
            assert_eq!((own.status, other.status), (Status::Converged, Status::Converged));
            let halves = |values: &[f64]| values.iter().map(|value| 0.5 * value).collect::<Vec<_>>();
            assert!(relative(&own.coef_of(1), &halves(&other.coef)) < 1e-8, "{own:?} {other:?}");
            let signs: Vec<f64> = own.coef_of(0).iter().map(|w| -w).collect();
            assert!(relative(&signs, &own.coef_of(1)) < 1e-14);
            assert!((own.intercept[1] / (0.5 * other.intercept) - 1.0).abs() < 1e-8);
            let errors: Vec<f64> = own.standard_errors.chunks(2).map(|row| row[1]).collect();
            assert!(relative(&errors, &halves(&other.standard_errors)) < 1e-8);
            let ratio = own.intercept_standard_error[1] / (0.5 * other.intercept_standard_error);
            assert!((ratio - 1.0).abs() < 1e-8);
            let (a, b) = (&own.scores, &other.scores);
            assert!((a.log_likelihood / b.log_likelihood - 1.0).abs() < 1e-10);
            assert!((a.deviance / b.deviance - 1.0).abs() < 1e-10);
            assert!((a.pseudo_r2_mcfadden / b.pseudo_r2_mcfadden - 1.0).abs() < 1e-8);
        }
    }
}

/// The gradient of the mean loss plus ridge, as it is defined, class by class.
fn gradient(x: &Array2<f64>, codes: &[usize], target: &ClassFit, strength: f64) -> f64 {
    let (n, p, n_classes) = (x.nrows(), x.ncols(), target.n_classes());
    let mut worst: f64 = 0.0;
    for class in 0..n_classes {
        let mut sums = vec![0.0; p + 1];
        for row in 0..n {
            let eta: Vec<f64> = (0..n_classes)
                .map(|k| {
                    target.intercept[k]
                        + (0..p).map(|j| x[(row, j)] * target.coef[j * n_classes + k]).sum::<f64>()
                })
                .collect();
            let total: f64 = eta.iter().map(|eta| eta.exp()).sum();
            let r = eta[class].exp() / total - f64::from(u8::from(codes[row] == class));
            (0..p).for_each(|j| sums[j] += x[(row, j)] * r / n as f64);
            sums[p] += r / n as f64;
        }
        (0..p).for_each(|j| sums[j] += strength * target.coef[j * n_classes + class]);
        worst = sums.iter().fold(worst, |worst, g| worst.max(g.abs()));
    }
    worst
}

#[test]
fn optima_of_several_classes_have_no_gradient_in_any_precision() {
    for n_classes in [2, 3, 5, 9] {
        let (x, codes) = data(7, 3000, 4, n_classes);
        for strength in [0.0, 0.05] {
            for solver in SOLVERS {
                let regularizer = if strength == 0.0 { Regularizer::None } else { ridge(strength) };
                let spec = GlmSpec { regularizer, solver, ..GlmSpec::default() };
                let plan = DesignPlan::new(source(&x), 0..3000).unwrap();
                let spec = CategoricalSpec::new(spec).unwrap();
                let response = [labelled(&codes)];
                let double = spec.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {}).unwrap();
                let single = spec.fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {}).unwrap();
                assert_eq!((double.plan.storage.as_str(), single.plan.storage.as_str()), ("f64", "f32"));
                for target in [&double.targets[0], &single.targets[0]] {
                    assert_eq!(target.status, Status::Converged, "{target:?}");
                    assert!(
                        gradient(&x, &codes, target, strength) < 1e-13,
                        "{n_classes} {strength} {solver:?}"
                    );
                    assert!(target.coef.chunks(n_classes).all(|row| row.iter().sum::<f64>().abs() < 1e-13));
                    assert!(target.intercept.iter().sum::<f64>().abs() < 1e-13);
                }
                assert!(relative(&single.targets[0].coef, &double.targets[0].coef) < 1e-10);
            }
        }
    }
}

/// Standard errors by the inverse of the Hessian of the reduced problem (the last class as the reference), by finite
/// differences of the gradient: contrasts between classes must agree.
#[test]
fn errors_of_three_classes_are_those_of_the_reference_class_form() {
    let (x, codes) = data(11, 500, 2, 3);
    let target = fit(GlmSpec::default(), &x, &codes).targets.remove(0);
    // parameters: class 0 and 1 against class 2, each (intercept, w0, w1)
    let p = 3;
    let of = |class: usize, j: usize| {
        let value = |k: usize| if j == 0 { target.intercept[k] } else { target.coef[(j - 1) * 3 + k] };
        value(class) - value(2)
    };
    let theta: Vec<f64> = (0..2 * p).map(|k| of(k / p, k % p)).collect();
    let hessian = Array2::from_shape_fn((2 * p, 2 * p), |(a, b)| {
        (0..500)
            .map(|row| {
                let column = |j: usize| if j == 0 { 1.0 } else { x[(row, j - 1)] };
                let eta = |class: usize| (0..p).map(|j| theta[class * p + j] * column(j)).sum::<f64>();
                let e = [eta(0).exp(), eta(1).exp()];
                let total = 1.0 + e[0] + e[1];
                let (k, l) = (a / p, b / p);
                let weight = e[k] / total * (f64::from(u8::from(k == l)) - e[l] / total);
                column(a % p) * column(b % p) * weight
            })
            .sum::<f64>()
    });
    let covariance = rheobase::math::dense::Cholesky::new(&hessian).unwrap().inverse();
    // w_k = (2 d_k - d_other) / 3 for k = 0, 1 and -(d_0 + d_1) / 3 for the last
    for (class, [f, g]) in [[2.0, -1.0], [-1.0, 2.0], [-1.0, -1.0]].into_iter().enumerate() {
        for j in 0..p {
            let entry = |k: usize, l: usize| covariance[(k * p + j, l * p + j)];
            let variance = (f * f * entry(0, 0) + 2.0 * f * g * entry(0, 1) + g * g * entry(1, 1)) / 9.0;
            let found = if j == 0 {
                target.intercept_standard_error[class]
            } else {
                target.standard_errors[(j - 1) * 3 + class]
            };
            assert!((found / variance.sqrt() - 1.0).abs() < 1e-9, "{class} {j}: {found} {variance}");
        }
    }
}

#[test]
fn classes_that_a_threshold_tells_apart_are_separated() {
    let (x, _) = data(5, 300, 2, 3);
    // class 2 lies beyond a threshold of the first column, the others are mixed
    let mut random = Random(9);
    let codes: Vec<usize> =
        (0..300).map(|row| if x[(row, 0)] > 0.5 { 2 } else { usize::from(random.uniform() < 0.5) }).collect();
    for solver in SOLVERS {
        for standard_errors in [StandardErrors::Auto, StandardErrors::Off] {
            let spec = GlmSpec { solver, standard_errors, ..GlmSpec::default() };
            let target = fit(spec, &x, &codes).targets.remove(0);
            assert_eq!(target.status, Status::Separated, "{target:?}");
            assert!(target.warnings[0].contains("combination of x0"), "{:?}", target.warnings);
            assert!(target.standard_errors.iter().all(|error| error.is_nan()));
        }
        let bounded = fit(GlmSpec { solver, regularizer: ridge(1e-3), ..GlmSpec::default() }, &x, &codes);
        assert_eq!(bounded.targets[0].status, Status::Converged);
    }
}

#[test]
fn aliased_and_constant_columns_have_the_answer_of_smallest_norm() {
    let (own, codes) = data(13, 400, 2, 3);
    let x = Array2::from_shape_fn((400, 4), |(row, j)| match j {
        0 => own[(row, 0)],
        1 => 2.0 * own[(row, 0)] + 1.0,
        2 => own[(row, 1)],
        _ => 7.0,
    });
    let plain = fit(GlmSpec::default(), &own, &codes).targets.remove(0);
    for solver in SOLVERS {
        let fitted = fit(GlmSpec { solver, ..GlmSpec::default() }, &x, &codes);
        let target = &fitted.targets[0];
        assert_eq!((target.status, fitted.rank), (Status::Converged, 2), "{target:?}");
        assert_eq!(target.aliased, ["x0", "x1", "x3"]);
        assert_eq!(target.dof_resid, 400 - 2 * 2 - 2);
        for class in 0..3 {
            let (found, w) = (target.coef_of(class), plain.coef_of(class));
            let expected = [w[0] / 5.0, 2.0 * w[0] / 5.0, w[1], 0.0];
            assert!(relative(&found, &expected) < 1e-8, "{found:?} {expected:?}");
        }
        assert!(target.standard_errors[..6].iter().all(|error| error.is_nan()));
        assert!(target.standard_errors[6..9].iter().all(|error| error.is_finite()));
        assert_eq!(target.warnings.len(), 2, "{:?}", target.warnings);
    }
}
