//! Smoothness penalties: a dense solution, what neither data nor penalty determine, responses that can be told apart along what
//! is not penalised, grids of products.

use crate::common::{Random, fit, relative};
use ndarray::{Array1, Array2, Axis, concatenate};
use rheobase::backend::Model;
use rheobase::glm::{GlmSpec, SolverChoice, StandardErrors, TargetFit};
use rheobase::math::dense::{Cholesky, Matrix};
use rheobase::observation::ObservationModel;
use rheobase::regularizer::{Grid, GridAxis, Regularizer};
use rheobase::solver::Status;

const SOLVERS: [SolverChoice; 2] = [SolverChoice::Newton, SolverChoice::Lbfgs];

fn line(first: usize, len: usize, is_cyclic: bool) -> Grid {
    Grid { first, axes: vec![GridAxis { len, is_cyclic }] }
}

fn smooth(strength: f64, order: usize, grids: Vec<Grid>) -> Regularizer {
    Regularizer::Smooth { strength, order, grids }
}

fn spec(solver: SolverChoice, regularizer: Regularizer) -> GlmSpec {
    GlmSpec { solver, regularizer, ..GlmSpec::default() }
}

fn is_proven(target: &TargetFit) {
    assert_eq!(target.status, Status::Converged, "{target:?}");
    assert!(target.kkt_residual < 1e-10 && target.loss_gap < 1e-18 * target.loss.abs(), "{target:?}");
}

/// Triangles around `p` knots on [0, 1], which sum to 1, and counts that follow a curve.
fn triangles(n: usize, p: usize) -> (Array2<f64>, Array2<f64>) {
    let mut random = Random(41);
    let position: Vec<f64> = (0..n).map(|_| random.uniform()).collect();
    let x = Array2::from_shape_fn((n, p), |(i, j)| {
        (1.0 - (position[i] * (p - 1) as f64 - j as f64).abs()).max(0.0)
    });
    let y = Array2::from_shape_fn((n, 1), |(i, _)| random.poisson((1.5 * (6.0 * position[i]).sin()).exp()));
    (x, y)
}

/// The penalty matrix of second differences along a line.
fn second_differences(p: usize) -> Matrix {
    let mut d = Matrix::zeros((p - 2, p));
    for k in 0..p - 2 {
        (d[(k, k)], d[(k, k + 1)], d[(k, k + 2)]) = (1.0, -2.0, 1.0);
    }
    d.t().dot(&d)
}

/// The optimum of Poisson counts with `penalty / 2` by Newton's method in the user's units, intercept first; `tie` is added
/// to the Hessian's diagonal, which changes the way there but not its end.
fn dense(x: &Array2<f64>, y: &[f64], penalty: &Matrix, tie: f64) -> Vec<f64> {
    let (n, p) = x.dim();
    let with_ones = concatenate![Axis(1), Array2::ones((n, 1)), *x];
    let mut at = Array1::<f64>::zeros(1 + p);
    at[0] = (y.iter().sum::<f64>() / n as f64).ln();
    let mut whole = Matrix::zeros((1 + p, 1 + p));
    for i in 0..p {
        (0..p).for_each(|j| whole[(1 + i, 1 + j)] = penalty[(i, j)]);
    }
    for _ in 0..500 {
        let mu = with_ones.dot(&at).mapv(f64::exp);
        let residual = &mu - &Array1::from(y.to_vec());
        let gradient = with_ones.t().dot(&residual) / n as f64 + whole.dot(&at);
        let weighted = &with_ones * &mu.insert_axis(Axis(1));
        let hessian = with_ones.t().dot(&weighted) / n as f64 + &whole + Matrix::eye(1 + p) * tie;
        let step = Array1::from(Cholesky::new(&hessian).unwrap().solve(gradient.as_slice().unwrap()));
        let length = step.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        at = at - step * (1.0 / length).min(1.0);
        if length < 1e-15 {
            break;
        }
    }
    at.to_vec()
}

#[test]
fn a_smooth_curve_is_where_a_dense_solution_is() {
    let (x, y) = triangles(600, 9);
    // without one of them the others and the intercept are independent
    let x = x.select(Axis(1), &(1..9).collect::<Vec<_>>());
    for strength in [1e-6, 1e-2, 10.0] {
        let expected = dense(&x, &y.column(0).to_vec(), &(second_differences(8) * strength), 0.0);
        for solver in SOLVERS {
            let own = smooth(strength, 2, vec![line(0, 8, false)]);
            let target = fit(spec(solver, own), &x, &y).targets.remove(0);
            is_proven(&target);
            assert!(relative(&target.coef, &expected[1..]) < 1e-9, "{:?} {expected:?}", target.coef);
            assert!((target.intercept - expected[0]).abs() < 1e-9);
            assert!(
                target.standard_errors.iter().all(|error| error.is_finite()) && target.aliased.is_empty()
            );
        }
    }
}

#[test]
fn what_neither_data_nor_penalty_determine_has_the_smallest_norm() {
    let (x, y) = triangles(600, 9);
    for standard_errors in [StandardErrors::On, StandardErrors::Off] {
        for solver in SOLVERS {
            let own = smooth(1e-2, 2, vec![line(0, 9, false)]);
            let spec = GlmSpec { standard_errors, ..spec(solver, own) };
            let target = fit(spec, &x, &y).targets.remove(0);
            is_proven(&target);
            // a constant can go from the functions to the intercept
            assert!(target.coef.iter().sum::<f64>().abs() < 1e-10, "{target:?}");
            assert_eq!(target.aliased.len(), 9);
            assert!(target.standard_errors.iter().all(|error| error.is_nan()));
            assert!(target.warnings[0].contains("smallest norm"), "{:?}", target.warnings);
            let expected = dense(&x, &y.column(0).to_vec(), &(second_differences(9) * 1e-2), 1e-6);
            let mean = expected[1..].iter().sum::<f64>() / 9.0;
            let centred: Vec<f64> = expected[1..].iter().map(|w| w - mean).collect();
            assert!(relative(&target.coef, &centred) < 1e-8, "{:?} {centred:?}", target.coef);
            assert!((target.intercept - expected[0] - mean).abs() < 1e-8);
            if standard_errors == StandardErrors::On {
                // of coefficients that sum to 0: the first eight, the last minus their sum
                let turn = Matrix::from_shape_fn((10, 9), |(i, j)| match (i, j) {
                    (9, 0) => 0.0,
                    (9, _) => -1.0,
                    (i, j) => f64::from(u8::from(i == j)),
                });
                let with_ones = concatenate![Axis(1), Array2::ones((600, 1)), x].dot(&turn);
                let mu = with_ones.dot(&Array1::from_iter(
                    std::iter::once(target.intercept).chain(target.coef[..8].iter().copied()),
                ));
                let weighted = &with_ones * &mu.mapv(f64::exp).insert_axis(Axis(1));
                let mut whole = Matrix::zeros((10, 10));
                let penalty = second_differences(9) * 1e-2;
                (0..9).for_each(|i| (0..9).for_each(|j| whole[(1 + i, 1 + j)] = penalty[(i, j)]));
                let hessian = with_ones.t().dot(&weighted) / 600.0 + turn.t().dot(&whole).dot(&turn);
                let error = (Cholesky::new(&hessian).unwrap().inverse()[(0, 0)] / 600.0).sqrt();
                assert!((target.intercept_standard_error / error - 1.0).abs() < 1e-6, "{error} {target:?}");
            }
        }
    }
}

#[test]
fn knots_without_data_are_a_gap() {
    let (x, y) = triangles(400, 12);
    // no bin near knots 4 to 6: those functions are never on together with the others
    let seen: Vec<usize> = (0..400).filter(|&i| (3..=7).all(|j| x[(i, j)] == 0.0)).collect();
    let (x, y) = (x.select(Axis(0), &seen), y.select(Axis(0), &seen));
    let target =
        fit(spec(SolverChoice::Auto, smooth(1e-2, 2, vec![line(0, 12, false)])), &x, &y).targets.remove(0);
    is_proven(&target);
    // columns that never change have no coefficient, and nothing is pulled towards them
    assert!((3..=7).all(|j| target.coef[j] == 0.0), "{target:?}");
    let of_rest = |range: std::ops::Range<usize>| {
        let grids = vec![line(0, 3, false), line(3, 4, false)];
        let x = x.select(Axis(1), &[0, 1, 2, 8, 9, 10, 11]);
        fit(spec(SolverChoice::Auto, smooth(1e-2, 2, grids)), &x, &y).targets.remove(0).coef[range].to_vec()
    };
    assert!(relative(&target.coef[..3], &of_rest(0..3)) < 1e-8);
    assert!(relative(&target.coef[8..], &of_rest(3..7)) < 1e-8);
}

#[test]
fn a_straight_line_may_still_be_separated() {
    let (x, _) = triangles(300, 6);
    let position = x.dot(&Array1::from_shape_fn(6, |j| j as f64));
    let y = position.mapv(|at| f64::from(u8::from(at > 2.5))).insert_axis(Axis(1));
    let x = x.select(Axis(1), &[1, 2, 3, 4, 5]);
    for solver in SOLVERS {
        let grids = vec![line(0, 5, false)];
        let model = Model::from(ObservationModel::Bernoulli);
        let own = GlmSpec { model, ..spec(solver, smooth(1e-2, 2, grids.clone())) };
        let target = fit(own, &x, &y).targets.remove(0);
        assert_eq!(target.status, Status::Separated, "{target:?}");
        // first differences hold the line as well
        let own = GlmSpec { model, ..spec(solver, smooth(1e-2, 1, grids)) };
        let target = fit(own, &x, &y).targets.remove(0);
        assert!(target.status != Status::Failed, "{target:?}");
    }
}

#[test]
fn a_population_on_a_cyclic_grid() {
    let mut random = Random(42);
    let x = Array2::from_shape_simple_fn((500, 12), || random.uniform());
    let y = Array2::from_shape_fn((500, 3), |(i, k)| random.poisson((x[(i, 2 * k)] - 0.3 * k as f64).exp()));
    let axis = |len, is_cyclic| GridAxis { len, is_cyclic };
    let own = smooth(0.3, 1, vec![Grid { first: 0, axes: vec![axis(3, false), axis(4, true)] }]);
    // the same penalty as a matrix
    let mut penalty = Matrix::zeros((12, 12));
    let mut add = |a: usize, b: usize| {
        penalty[(a, a)] += 0.3;
        penalty[(b, b)] += 0.3;
        penalty[(a, b)] -= 0.3;
        penalty[(b, a)] -= 0.3;
    };
    for i in 0..3 {
        for j in 0..4 {
            add(4 * i + j, 4 * i + (j + 1) % 4);
            if i < 2 {
                add(4 * i + j, 4 * (i + 1) + j);
            }
        }
    }
    for solver in SOLVERS {
        let fitted = fit(spec(solver, own.clone()), &x, &y);
        for (k, target) in fitted.targets.iter().enumerate() {
            is_proven(target);
            let expected = dense(&x, &y.column(k).to_vec(), &penalty, 0.0);
            assert!(relative(&target.coef, &expected[1..]) < 1e-9, "{:?} {expected:?}", target.coef);
        }
        let alone = fit(spec(solver, own.clone()), &x, &y.select(Axis(1), &[2]));
        assert!(relative(&alone.targets[0].coef, &fitted.targets[2].coef) < 1e-9);
    }
}

#[test]
fn a_curve_that_is_nearly_straight_is_proven() {
    let (x, y) = triangles(600, 9);
    for (strength, order) in [(1e2, 2), (1e6, 2), (1e9, 1)] {
        for solver in SOLVERS {
            let own = smooth(strength, order, vec![line(0, 9, false)]);
            let target = fit(spec(solver, own), &x, &y).targets.remove(0);
            is_proven(&target);
            let bends = target.coef.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).abs());
            assert!(bends.fold(0.0, f64::max) < 1.0 / strength, "{target:?}");
        }
    }
}
