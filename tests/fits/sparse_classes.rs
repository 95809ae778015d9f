//! Lasso and elastic net of labels: optimality by its definition, answers of smallest norm, exact zeros, standard errors, and fits
//! that must agree.

use crate::classes::{data, fit, labelled};
use crate::common::{golden, matrix, number, numbers, relative, source};
use ndarray::{Array1, Array2};
use rheobase::backend::{Cpu, Model};
use rheobase::design::DesignPlan;
use rheobase::glm::{CategoricalSpec, ClassFit, GapFrom, GlmSpec};
use rheobase::math::dense::Cholesky;
use rheobase::observation::{ObservationModel, log_softmax};
use rheobase::regularizer::{Regularizer, Strength};
use rheobase::solver::Status;

fn lasso(strength: impl Into<Strength>) -> Regularizer {
    Regularizer::Lasso { strength: strength.into() }
}

fn net(strength: f64, ratio: f64) -> Regularizer {
    Regularizer::ElasticNet { strength: strength.into(), ratio }
}

fn with(regularizer: &Regularizer) -> GlmSpec {
    GlmSpec { regularizer: regularizer.clone(), ..GlmSpec::default() }
}

fn is_proven(target: &ClassFit) {
    assert_eq!(target.status, Status::Converged, "{target:?}");
    assert!(target.kkt_residual < 1e-11 && target.loss_gap < 1e-18 * target.loss, "{target:?}");
    assert_eq!(target.gap_from, GapFrom::Hessian);
}

/// Strengths of magnitudes and squares of a column.
fn strengths(regularizer: &Regularizer, column: usize) -> [f64; 2] {
    let of = |strength: &Strength| match strength {
        Strength::All(own) => *own,
        Strength::Each(each) => each[column],
    };
    match regularizer {
        Regularizer::Lasso { strength } => [of(strength), 0.0],
        Regularizer::ElasticNet { strength, ratio } => [ratio * of(strength), (1.0 - ratio) * of(strength)],
        other => panic!("{other:?}"),
    }
}

/// Probabilities of the classes in a row.
fn probabilities(row: ndarray::ArrayView1<f64>, coef: &[f64], intercept: &[f64]) -> Vec<f64> {
    let k = intercept.len();
    let eta = |class: usize| {
        let along: f64 = row.iter().enumerate().map(|(j, x)| x * coef[j * k + class]).sum();
        intercept[class] + along
    };
    let eta: Vec<f64> = (0..k).map(eta).collect();
    log_softmax(&eta).into_iter().map(f64::exp).collect()
}

/// The gradient of the mean loss: of the coefficients, shape (columns, classes), and of the intercepts.
fn gradient(x: &Array2<f64>, codes: &[usize], coef: &[f64], intercept: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (n, k) = (x.nrows() as f64, intercept.len());
    let (mut of_coef, mut of_intercept) = (vec![0.0; coef.len()], vec![0.0; k]);
    for (row, &code) in x.rows().into_iter().zip(codes) {
        for (class, p) in probabilities(row, coef, intercept).into_iter().enumerate() {
            let residual = (p - f64::from(u8::from(class == code))) / n;
            of_intercept[class] += residual;
            row.iter().enumerate().for_each(|(j, x)| of_coef[j * k + class] += x * residual);
        }
    }
    (of_coef, of_intercept)
}

/// How far the best subgradient is from 0.
fn left_of_subgradient(x: &Array2<f64>, codes: &[usize], target: &ClassFit, of: &Regularizer) -> f64 {
    let k = target.n_classes();
    let (of_coef, of_intercept) = gradient(x, codes, &target.coef, &target.intercept);
    let mut worst = of_intercept.iter().fold(0.0, |worst: f64, g| worst.max(g.abs()));
    for (place, (g, w)) in of_coef.iter().zip(&target.coef).enumerate() {
        let [l1, l2] = strengths(of, place / k);
        let left = if *w == 0.0 { (g.abs() - l1).max(0.0) } else { (g + l1 * w.signum() + l2 * w).abs() };
        worst = worst.max(left);
    }
    worst
}

/// No common shift of the coefficients of a column lowers their penalty, nor their norm at the same penalty.
fn is_of_smallest_norm(target: &ClassFit, of: &Regularizer) {
    let k = target.n_classes();
    assert!(target.intercept.iter().sum::<f64>().abs() < 1e-13, "{target:?}");
    for (column, w) in target.coef.chunks(k).enumerate() {
        let [l1, l2] = strengths(of, column);
        let value =
            |t: f64| -> f64 { w.iter().map(|w| l1 * (w + t).abs() + 0.5 * l2 * (w + t).powi(2)).sum() };
        let norm = |t: f64| w.iter().map(|w| (w + t).powi(2)).sum::<f64>();
        for by in [1e-6, 1e-3, 0.1].into_iter().flat_map(|by| [by, -by]) {
            let more = value(by) - value(0.0);
            assert!(more > -1e-15, "{w:?} {by}");
            assert!(more > 1e-14 || norm(by) > norm(0.0), "{w:?} {by}");
        }
    }
}

#[test]
fn fits_are_optimal_by_definition_and_of_smallest_norm_in_any_precision() {
    for n_classes in [2, 3, 4, 5] {
        let (x, codes) = data(41, 600, 5, n_classes);
        // columns of other sizes and means
        let x = Array2::from_shape_fn(x.dim(), |(i, j)| [1.0, 0.1, 20.0][j % 3] * (x[(i, j)] + j as f64));
        let plan = DesignPlan::new(source(&x), 0..600).unwrap();
        let mut n_zero = 0;
        for regularizer in
            [lasso(0.002), lasso(0.02), lasso(0.05), net(0.02, 0.5), net(0.03, 0.95), net(0.02, 1.0)]
        {
            let spec = CategoricalSpec::new(with(&regularizer)).unwrap();
            let response = [labelled(&codes)];
            let double = spec.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {}).unwrap();
            let single = spec.fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {}).unwrap();
            assert_eq!((double.plan.storage.as_str(), single.plan.storage.as_str()), ("f64", "f32"));
            for target in [&double.targets[0], &single.targets[0]] {
                is_proven(target);
                let left = left_of_subgradient(&x, &codes, target, &regularizer);
                assert!(left < 1e-12, "{n_classes} {regularizer:?}: {left}");
                is_of_smallest_norm(target, &regularizer);
                let n_others = target.coef.iter().filter(|w| **w != 0.0).count();
                assert_eq!(target.dof_resid, 600 - (n_classes - 1) - n_others);
                let value: f64 =
                    (0..n_classes).map(|k| regularizer.value(&target.coef_of(k), &[[0, 5]])).sum();
                assert!((target.loss + target.scores.log_likelihood - value).abs() < 1e-13);
                for (w, error) in target.coef.iter().zip(&target.standard_errors) {
                    assert_eq!(*w == 0.0, error.is_nan(), "{target:?}");
                }
                n_zero += target.coef.len() - n_others;
            }
            let [a, b] = [&double.targets[0], &single.targets[0]];
            assert!(relative(&b.coef, &a.coef) < 1e-8, "{a:?} {b:?}");
            let zeros = |own: &ClassFit| own.coef.iter().map(|w| *w == 0.0).collect::<Vec<_>>();
            assert_eq!(zeros(a), zeros(b));
        }
        assert!(n_zero > 10, "{n_classes}");
    }
}

#[test]
fn columns_have_strengths_of_their_own_and_0_is_none() {
    for n_classes in [3, 4] {
        let (x, codes) = data(43, 500, 4, n_classes);
        let regularizer = lasso(vec![0.0, 0.01, 10.0, 0.03]);
        let target = fit(with(&regularizer), &x, &codes).targets.remove(0);
        is_proven(&target);
        assert!(left_of_subgradient(&x, &codes, &target, &regularizer) < 1e-13);
        is_of_smallest_norm(&target, &regularizer);
        let column = |j: usize| &target.coef[j * n_classes..(j + 1) * n_classes];
        assert!(column(0).iter().all(|w| *w != 0.0) && column(0).iter().sum::<f64>().abs() < 1e-13);
        assert!(column(2).iter().all(|w| *w == 0.0));
    }
}

/// Everything is 0 from the strength on that holds the steepest coefficient of the null model.
#[test]
fn above_the_critical_strength_every_coefficient_is_exactly_0() {
    for n_classes in [2, 3, 4, 5] {
        let (x, codes) = data(47, 300, 6, n_classes);
        let counts: Vec<f64> =
            (0..n_classes).map(|k| codes.iter().filter(|code| **code == k).count() as f64).collect();
        let intercept: Vec<f64> = counts.iter().map(|count| count.ln()).collect();
        let (slopes, _) = gradient(&x, &codes, &vec![0.0; 6 * n_classes], &intercept);
        let critical = slopes.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        let target = fit(with(&lasso(1.0001 * critical)), &x, &codes).targets.remove(0);
        is_proven(&target);
        assert!(target.coef.iter().all(|w| *w == 0.0), "{target:?}");
        assert_eq!(target.dof_resid, 300 - (n_classes - 1));
        let mean = intercept.iter().sum::<f64>() / n_classes as f64;
        let expected: Vec<f64> = intercept.iter().map(|own| own - mean).collect();
        assert!(relative(&target.intercept, &expected) < 1e-12);
        let below = fit(with(&lasso(0.999 * critical)), &x, &codes).targets.remove(0);
        is_proven(&below);
        assert!(below.coef.iter().any(|w| *w != 0.0));
    }
}

/// Of two classes only the difference `d` of the coefficients matters: halves of it with opposite signs have magnitudes that sum to
/// `|d|` and squares that sum to `d² / 2`, and no others have less of the one and the other.
#[test]
fn two_classes_are_a_logistic_regression_with_the_same_lasso() {
    let (x, codes) = data(53, 400, 4, 2);
    let y = Array2::from_shape_fn((400, 1), |(row, _)| codes[row] as f64);
    let (strength, ratio) = (0.04, 0.6);
    let (magnitudes, squares) = (strength * ratio, 0.5 * strength * (1.0 - ratio));
    let of_one = net(magnitudes + squares, magnitudes / (magnitudes + squares));
    for (classes, single) in
        [(lasso(0.03), lasso(0.03)), (lasso(0.3), lasso(0.3)), (net(strength, ratio), of_one)]
    {
        let own = fit(with(&classes), &x, &codes).targets.remove(0);
        let spec = GlmSpec { model: Model::from(ObservationModel::Bernoulli), ..with(&single) };
        let other = crate::common::fit(spec, &x, &y).targets.remove(0);
        is_proven(&own);
        assert_eq!(other.status, Status::Converged);
        let halves = |values: &[f64]| values.iter().map(|value| 0.5 * value).collect::<Vec<_>>();
        for (w, expected) in own.coef_of(1).iter().zip(halves(&other.coef)) {
            assert!((w - expected).abs() < 1e-9, "{own:?} {other:?}");
            assert_eq!(*w == 0.0, expected == 0.0);
        }
        let signs: Vec<f64> = own.coef_of(0).iter().map(|w| -w).collect();
        assert!(signs.iter().zip(own.coef_of(1)).all(|(a, b)| (a - b).abs() < 1e-15));
        assert!((own.loss / other.loss - 1.0).abs() < 1e-12);
        assert!((own.intercept[1] - 0.5 * other.intercept).abs() < 1e-9);
        for class in 0..2 {
            let errors = own.standard_errors.chunks(2).map(|row| row[class]);
            for (found, expected) in errors.zip(halves(&other.standard_errors)) {
                assert!(found.is_nan() && expected.is_nan() || (found / expected - 1.0).abs() < 1e-8);
            }
            let ratio = own.intercept_standard_error[class] / (0.5 * other.intercept_standard_error);
            assert!((ratio - 1.0).abs() < 1e-8, "{own:?} {other:?}");
        }
    }
}

#[test]
fn classes_in_another_order_have_the_same_answer() {
    for n_classes in [3, 4] {
        let (x, codes) = data(59, 500, 5, n_classes);
        let other: Vec<usize> = codes.iter().map(|code| n_classes - 1 - code).collect();
        for regularizer in [lasso(0.01), net(0.01, 0.7)] {
            let [a, b] = [&codes, &other].map(|codes| fit(with(&regularizer), &x, codes).targets.remove(0));
            is_proven(&a);
            is_proven(&b);
            for class in 0..n_classes {
                let (found, expected) = (b.coef_of(n_classes - 1 - class), a.coef_of(class));
                assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-10), "{a:?} {b:?}");
                assert!((b.intercept[n_classes - 1 - class] - a.intercept[class]).abs() < 1e-10);
            }
        }
    }
}

/// The inverse of the Hessian of the coefficients that are not 0, of all classes, and the intercepts, held at sum 0.
#[test]
fn standard_errors_are_those_of_the_coefficients_that_are_chosen() {
    let (n, p, k) = (500, 4, 3);
    let (x, codes) = data(61, n, p, k);
    let mut n_whole = 0;
    for regularizer in [lasso(0.03), net(0.05, 0.6), net(0.02, 0.1)] {
        let target = fit(with(&regularizer), &x, &codes).targets.remove(0);
        is_proven(&target);
        // (column or intercept, class)
        let coefficients =
            (0..p * k).filter(|&place| target.coef[place] != 0.0).map(|place| (place / k, place % k));
        let own: Vec<(usize, usize)> = coefficients.chain((0..k).map(|class| (p, class))).collect();
        let own_columns: Vec<usize> = own.iter().map(|(j, _)| *j).collect();
        let own_columns = own_columns.as_slice();
        let mut hessian = Array2::zeros((own.len(), own.len()));
        for row in x.rows() {
            let of = probabilities(row, &target.coef, &target.intercept);
            let column = |j: usize| row.get(j).copied().unwrap_or(1.0);
            for (a, &(i, class)) in own.iter().enumerate() {
                for (b, &(j, other)) in own.iter().enumerate() {
                    let weight = of[class] * (f64::from(u8::from(class == other)) - of[other]);
                    hessian[(a, b)] += column(i) * column(j) * weight;
                }
            }
        }
        for (a, &(i, _)) in own.iter().enumerate() {
            if i < p {
                hessian[(a, a)] += n as f64 * strengths(&regularizer, i)[1];
            } else {
                let of_intercepts = own.iter().enumerate().filter(|(_, (j, _))| *j == p);
                of_intercepts.for_each(|(b, _)| hessian[(a, b)] += 1.0);
            }
        }
        let mut covariance = Cholesky::new(&hessian).unwrap().inverse();
        let first = own.len() - k;
        // the squares of a column without zeros fix the sum of its coefficients
        let chosen = |j: usize| (0..first).filter(move |&a| own_columns[a] == j).collect::<Vec<_>>();
        for whole in (0..p).map(chosen).filter(|places| places.len() == k) {
            n_whole += 1;
            let across: Array1<f64> = whole
                .iter()
                .map(|&a| covariance.column(a).to_owned())
                .fold(Array1::zeros(own.len()), |sum, column| sum + column);
            let along = whole.iter().map(|&a| across[a]).sum::<f64>();
            covariance.indexed_iter_mut().for_each(|((a, b), value)| *value -= across[a] * across[b] / along);
        }
        for (a, &(j, class)) in own[..first].iter().enumerate() {
            let found = target.standard_errors[j * k + class];
            assert!((found / covariance[(a, a)].sqrt() - 1.0).abs() < 1e-8, "{j} {class}: {found}");
        }
        for class in 0..k {
            let factor = |own: usize| f64::from(u8::from(own == class)) - 1.0 / k as f64;
            let pairs = (0..k).flat_map(|a| (0..k).map(move |b| (a, b)));
            let terms = pairs.map(|(a, b)| factor(a) * factor(b) * covariance[(first + a, first + b)]);
            let found = target.intercept_standard_error[class];
            assert!((found / terms.sum::<f64>().sqrt() - 1.0).abs() < 1e-8, "{class}: {found}");
        }
    }
    assert!(n_whole > 1);
}

#[test]
fn more_columns_than_rows_and_columns_that_repeat_are_fitted() {
    let (wide, codes) = data(67, 60, 90, 3);
    let (own, others) = data(71, 300, 3, 4);
    let repeated = Array2::from_shape_fn((300, 6), |(i, j)| own[(i, j % 3)]);
    for (x, codes) in [(&wide, &codes), (&repeated, &others)] {
        for regularizer in [lasso(0.03), net(0.03, 0.8)] {
            let target = fit(with(&regularizer), x, codes).targets.remove(0);
            assert_eq!(target.status, Status::Converged, "{target:?}");
            let left = left_of_subgradient(x, codes, &target, &regularizer);
            assert!(left < 1e-9, "{regularizer:?}: {left}");
            is_of_smallest_norm(&target, &regularizer);
            assert!(target.coef.contains(&0.0));
        }
    }
}

/// Weights repeat rows, an offset is given, intercepts may be left out.
#[test]
fn rows_have_weights_and_offsets_beside_a_lasso() {
    let (x, codes) = data(101, 400, 4, 4);
    let weights: Vec<f64> = (0..400).map(|row| [1.0, 2.0, 1.0, 3.0][row % 4]).collect();
    let rows: Vec<usize> = (0..400).flat_map(|row| vec![row; weights[row] as usize]).collect();
    let offset: Vec<f64> = (0..1600).map(|k| 0.4 * f64::from(k * k).sin()).collect();
    let long_x = x.select(ndarray::Axis(0), &rows);
    let long_codes: Vec<usize> = rows.iter().map(|&row| codes[row]).collect();
    let long_offset: Vec<f64> = rows.iter().flat_map(|&row| offset[4 * row..4 * row + 4].to_vec()).collect();
    for regularizer in [lasso(0.02), net(0.02, 0.5)] {
        for (has_intercept, has_offset) in [(true, false), (false, false), (true, true), (false, true)] {
            let fit = |x: &Array2<f64>, codes: &[usize], offset: &[f64], weights: Option<&[f64]>| {
                let mut plan = DesignPlan::new(source(x), 0..x.nrows()).unwrap();
                if has_offset {
                    plan = plan.with_class_offset(offset.to_vec(), 4).unwrap();
                }
                if let Some(weights) = weights {
                    plan = plan.with_weights(weights.to_vec()).unwrap();
                }
                let spec = CategoricalSpec::new(GlmSpec { has_intercept, ..with(&regularizer) }).unwrap();
                let fitted = spec.fit(&Cpu::<f64>::default(), &plan, &[labelled(codes)], &mut |_| {});
                fitted.unwrap().targets.remove(0)
            };
            let found = fit(&x, &codes, &offset, Some(&weights));
            let expected = fit(&long_x, &long_codes, &long_offset, None);
            is_proven(&found);
            is_proven(&expected);
            is_of_smallest_norm(&found, &regularizer);
            assert_eq!(found.dof_resid, expected.dof_resid);
            assert!((found.loss / expected.loss - 1.0).abs() < 1e-12);
            let pairs = [
                (&found.coef, &expected.coef),
                (&found.intercept, &expected.intercept),
                (&found.standard_errors, &expected.standard_errors),
                (&found.intercept_standard_error, &expected.intercept_standard_error),
            ];
            for (found, expected) in pairs.into_iter().flat_map(|(a, b)| a.iter().zip(b)) {
                let is_same = found.is_nan() && expected.is_nan() || (found - expected).abs() < 1e-9;
                assert!(is_same, "{has_intercept} {has_offset}: {found} {expected}");
            }
            assert_eq!(has_intercept, found.intercept.iter().any(|b| *b != 0.0));
        }
    }
}

/// `tests/generators/reference_classes.py`.
#[test]
fn fits_agree_with_scikit_learn() {
    let reference = golden("reference_classes.json");
    let mut n_found = 0;
    for record in reference["fits"].as_array().unwrap() {
        let table = &reference["data"][record["data"].as_str().unwrap()];
        let x = matrix(&table["x"]);
        let codes: Vec<usize> = numbers(&table["classes"]).iter().map(|&code| code as usize).collect();
        let ratio = number(&record["ratio"]);
        let regularizer = net(number(&record["strength"]), ratio);
        let target = fit(with(&regularizer), &x, &codes).targets.remove(0);
        is_proven(&target);
        // there a row per class
        let expected = matrix(&record["coef"]);
        for (j, row) in target.coef.chunks(target.n_classes()).enumerate() {
            for (class, w) in row.iter().enumerate() {
                let expected = expected[(class, j)];
                assert!((w - expected).abs() < 1e-7, "{record} {target:?}");
                assert_eq!(*w == 0.0, expected == 0.0, "{record} {target:?}");
            }
        }
        let intercept = numbers(&record["intercept"]);
        let mean = intercept.iter().sum::<f64>() / intercept.len() as f64;
        for (found, expected) in target.intercept.iter().zip(intercept) {
            assert!((found - (expected - mean)).abs() < 1e-6, "{record} {target:?}");
        }
        n_found += 1;
    }
    assert_eq!(n_found, 6);
}
