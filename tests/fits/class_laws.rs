//! Laws of fits to labels: derivatives, groups, smoothness, several targets, draws.

use crate::classes::{SOLVERS, data, fit, labelled};
use crate::common::{Random, source};
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rheobase::backend::{Cpu, Every};
use rheobase::design::{Column, DesignPlan, Source};
use rheobase::glm::{CategoricalSpec, ClassFit, GlmSpec};
use rheobase::math::contrasts::Contrasts;
use rheobase::objective::{ClassObjective, Objective, Packed, Weight};
use rheobase::observation::log_softmax;
use rheobase::regularizer::{Grid, GridAxis, Groups, Regularizer};
use rheobase::solver::Status;

/// Loss, gradient, Hessian and changes against finite differences, away from the optimum.
#[test]
fn derivatives_are_those_of_the_loss() {
    let (x, codes) = data(19, 300, 3, 4);
    let plan = DesignPlan::new(source(&x), 0..300).unwrap();
    let y = Array2::from_shape_fn((300, 1), |(row, _)| codes[row] as f64);
    let packed = Packed::new(y.view(), plan.rows());
    let columns: Vec<Column> = (0..3).map(Column::Source).collect();
    for contrasts in [Contrasts::centred(4), Contrasts::none(4)] {
        let on = Cpu::<f64>::default();
        let mut f = ClassObjective::new(&on, &plan, &columns, &packed, contrasts).unwrap();
        let n = f.n_parameters();
        let mut random = Random(23);
        let at: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        let direction: Vec<f64> = (0..n).map(|_| 0.3 * random.normal()).collect();
        let column = |values: &[f64]| Array2::from_shape_fn((values.len(), 1), |(j, _)| values[j]);
        let mut look = |at: &[f64]| {
            let mut gradient = Array2::zeros((n, 1));
            let loss = f.loss_gradient(&column(at), &[0], Every::ROW, &mut gradient).unwrap()[0];
            (loss, gradient.column(0).to_vec())
        };
        let (loss, gradient) = look(&at);
        let moved = |j: usize, by: f64| {
            let mut to = at.clone();
            to[j] += by;
            to
        };
        let ends: Vec<_> = (0..n).map(|j| [1e-5, -1e-5].map(|by| look(&moved(j, by)))).collect();
        for (j, [up, down]) in ends.iter().enumerate() {
            let slope = (up.0 - down.0) / 2e-5;
            assert!((slope - gradient[j]).abs() < 1e-9, "{j}: {slope} {}", gradient[j]);
        }
        let beyond: Vec<f64> = at.iter().zip(&direction).map(|(a, d)| a + d).collect();
        let change = look(&beyond).0 - loss;
        let found = f.quadratic(&at, 0).unwrap();
        assert_eq!(found.loss, loss);
        for (j, [up, down]) in ends.iter().enumerate() {
            for i in 0..n {
                let second = (up.1[i] - down.1[i]) / 2e-5;
                assert!((second - found.hessian[(i, j)]).abs() < 1e-8, "{i} {j}: {second}");
            }
        }
        assert!(f.aim(&column(&at), &column(&direction), &[0]).unwrap());
        assert!((f.loss_changes(&[1.0]).unwrap()[0] - change).abs() < 1e-13);
        // of a step so short that losses do not differ it is the slope
        let slope: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        let tiny = f.loss_changes(&[1e-12]).unwrap()[0] / 1e-12;
        assert!((tiny / slope - 1.0).abs() < 1e-9, "{tiny} {slope}");
    }
}

#[test]
fn targets_are_fitted_each_on_its_own_and_draws_have_their_probabilities() {
    let (x, codes) = data(29, 2000, 2, 3);
    let others: Vec<usize> = codes.iter().map(|code| usize::from(*code == 1)).collect();
    let plan = DesignPlan::new(source(&x), 0..2000).unwrap();
    let spec = CategoricalSpec::new(GlmSpec::default()).unwrap();
    let both = [labelled(&codes), labelled(&others)];
    let fitted = spec.fit(&Cpu::<f64>::default(), &plan, &both, &mut |_| {}).unwrap();
    for (k, codes) in [&codes, &others].into_iter().enumerate() {
        let alone = fit(GlmSpec::default(), &x, codes).targets.remove(0);
        assert_eq!(fitted.targets[k].coef, alone.coef);
    }
    let probabilities = fitted.probabilities(0, &source(&x)).unwrap();
    let drawn = fitted.targets[0].sample(&probabilities, &mut ChaCha8Rng::seed_from_u64(3));
    assert!(drawn.rows().into_iter().all(|row| row.sum() == 1.0));
    for class in 0..3 {
        let (found, expected) = (drawn.column(class).sum(), probabilities.column(class).sum());
        assert!((found - expected).abs() < 100.0, "{class}: {found} {expected}");
    }
    // columns are found by their labels
    let turned = Array2::from_shape_fn((2000, 2), |(row, j)| x[(row, 1 - j)]);
    let labels = vec!["x1".to_string(), "x0".into()];
    let other = Source { name: "x".into(), labels, x: turned.view().into() };
    let again = fitted.probabilities(0, &[other]).unwrap();
    assert!(again.iter().zip(&probabilities).all(|(a, b)| (a - b).abs() < 1e-15));
    let labels = vec!["x1".to_string(), "x2".into()];
    let wrong = Source { name: "x".into(), labels, x: turned.view().into() };
    assert!(fitted.probabilities(0, &[wrong]).unwrap_err().to_string().contains("x0"));
}

/// A smoothness penalty acts on every class; where neither it nor the data determine a shift the smallest norm is taken.
#[test]
fn smooth_curves_of_classes_are_optima_of_smallest_norm() {
    let mut random = Random(31);
    // functions that sum to 1
    let x = Array2::from_shape_fn((600, 5), |(row, j)| f64::from(u8::from(row % 5 == j)));
    let codes: Vec<usize> = (0..600)
        .map(|row| {
            let shift = f64::from(row % 5) / 5.0;
            let u = random.uniform();
            if u < 0.2 + 0.5 * shift { 0 } else { 1 + usize::from(u > 0.8) }
        })
        .collect();
    let grids = vec![Grid { first: 0, axes: vec![GridAxis { len: 5, is_cyclic: false }] }];
    let regularizer = Regularizer::Smooth { strength: 0.01, order: 2, grids };
    for solver in SOLVERS {
        let spec = GlmSpec { regularizer: regularizer.clone(), solver, ..GlmSpec::default() };
        let target = fit(spec, &x, &codes).targets.remove(0);
        assert_eq!(target.status, Status::Converged, "{target:?}");
        for class in 0..3 {
            let coef = target.coef_of(class);
            assert!(coef.iter().sum::<f64>().abs() < 1e-10, "no constant: {coef:?}");
        }
        let value = |target: &ClassFit| -> f64 {
            (0..3).map(|class| regularizer.value(&target.coef_of(class), &[[0, 5]])).sum()
        };
        // the loss is the unpenalised one and the penalty of every class
        let unpenalised = -target.scores.log_likelihood;
        assert!((target.loss - unpenalised - value(&target)).abs() < 1e-14);
        let free = fit(GlmSpec { solver, ..GlmSpec::default() }, &x, &codes).targets.remove(0);
        assert!(free.scores.log_likelihood > target.scores.log_likelihood && value(&free) > value(&target));
    }
}

#[test]
fn groups_of_features_vanish_for_all_classes() {
    let (x, codes) = data(17, 500, 4, 3);
    let groups = Groups::Columns(vec![vec![0, 1], vec![2], vec![3]]);
    let weak = Regularizer::GroupLasso { strength: 0.02.into(), groups: groups.clone() };
    let target = fit(GlmSpec { regularizer: weak, ..GlmSpec::default() }, &x, &codes).targets.remove(0);
    assert_eq!(target.status, Status::Converged, "{target:?}");
    // stationarity of the groups that are not 0: gradient + strength sqrt(size) w / norm(w)
    for columns in [&[0, 1][..], &[2], &[3]] {
        let coef: Vec<f64> = columns.iter().flat_map(|&j| target.coef[j * 3..j * 3 + 3].to_vec()).collect();
        let norm = coef.iter().map(|w| w * w).sum::<f64>().sqrt();
        let factor = 0.02 * ((3 * columns.len()) as f64).sqrt();
        let mut pull = Vec::new();
        for &j in columns {
            for class in 0..3 {
                let of_row = |row: usize| {
                    let eta: Vec<f64> = (0..3)
                        .map(|k| {
                            target.intercept[k]
                                + (0..4).map(|j| x[(row, j)] * target.coef[j * 3 + k]).sum::<f64>()
                        })
                        .collect();
                    let p = log_softmax(&eta)[class].exp();
                    x[(row, j)] * (p - f64::from(u8::from(codes[row] == class)))
                };
                pull.push((0..500).map(of_row).sum::<f64>() / 500.0);
            }
        }
        if norm > 0.0 {
            let left = pull.iter().zip(&coef).map(|(g, w)| (g + factor * w / norm).abs()).fold(0.0, f64::max);
            assert!(left < 1e-11, "{columns:?} {left}");
        } else {
            assert!(pull.iter().map(|g| g * g).sum::<f64>().sqrt() <= factor);
        }
    }
    let strong = Regularizer::GroupLasso { strength: 10.0.into(), groups };
    let target = fit(GlmSpec { regularizer: strong, ..GlmSpec::default() }, &x, &codes).targets.remove(0);
    assert_eq!(target.status, Status::Converged);
    assert!(target.coef.iter().all(|w| *w == 0.0));
    assert_eq!(target.dof_resid, 500 - 2);
}

/// A quirk of the reference that is kept: `K - 1` coefficients of a column are free, but those of all `K` classes are counted.
#[test]
fn group_lasso_counts_coefficients_of_every_class() {
    let (x, codes) = data(17, 500, 4, 3);
    let groups = Groups::Columns(vec![vec![0, 1], vec![2], vec![3]]);
    let weak = Regularizer::GroupLasso { strength: 0.02.into(), groups };
    let target = fit(GlmSpec { regularizer: weak, ..GlmSpec::default() }, &x, &codes).targets.remove(0);
    let chosen = target.coef.chunks(3).filter(|own| own.iter().any(|w| *w != 0.0)).count();
    assert!(chosen > 0 && target.coef.iter().filter(|w| **w != 0.0).count() == 3 * chosen);
    assert_eq!(target.dof_resid, 500 - 2 - 3 * chosen);
}

/// A Gram of some of the rows is a mean over these.
#[test]
fn grams_of_some_rows_are_means_over_them() {
    let (x, codes) = data(19, 3000, 2, 3);
    let plan = DesignPlan::new(source(&x), 0..3000).unwrap();
    let y = Array2::from_shape_fn((3000, 1), |(row, _)| codes[row] as f64);
    let packed = Packed::new(y.view(), plan.rows());
    let columns: Vec<Column> = (0..2).map(Column::Source).collect();
    let on = Cpu::<f64>::default();
    let mut f = ClassObjective::new(&on, &plan, &columns, &packed, Contrasts::centred(3)).unwrap();
    let at = vec![0.0; f.n_parameters()];
    let some = Every(2);
    assert!(f.n_rows_of(some) < 3000);
    // the first column is 1 in every row
    assert!((f.flat_gram(some, Weight::Flat).unwrap()[(0, 0)] - 1.0).abs() < 1e-14);
    let gram = f.gram(some, Weight::Point { target: 0, at: &at }).unwrap();
    // p_k = 1/3: the Hessian of orthonormal contrasts is a third of the Gram
    assert!((gram[(0, 0)] - 1.0 / 3.0).abs() < 1e-14, "{}", gram[(0, 0)]);
}

#[test]
fn threads_change_no_bit() {
    let (x, codes) = data(37, 60_000, 5, 4);
    for solver in SOLVERS {
        let fits = [1, 3].map(|n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            let target = pool.install(|| fit(GlmSpec { solver, ..GlmSpec::default() }, &x, &codes));
            let target = target.targets[0].clone();
            assert_eq!(target.status, Status::Converged, "{target:?}");
            (target.coef, target.intercept, target.standard_errors, target.kkt_residual, target.loss)
        });
        assert_eq!(fits[0], fits[1], "{solver:?}");
    }
}
