//! Populations whose targets share the rows of a matrix that is read in place.

use crate::common::{poisson_data, relative};
use ndarray::{Array2, Axis};
use rheobase::backend::Cpu;
use rheobase::design::{DesignPlan, Rows, Source};
use rheobase::glm::{FittedGlm, GlmSpec, Response, SolverChoice, StandardErrors, TargetFit};
use rheobase::solver::Status;

const N_ROWS: usize = 95_000;

/// Fits rows in two runs, neither of which ends with a tile.
fn fit<T>(x: &Array2<T>, y: &Array2<f64>) -> FittedGlm
where
    for<'a> ndarray::ArrayView2<'a, T>: Into<rheobase::design::Values<'a>>,
{
    let labels = (0..x.ncols()).map(|j| format!("x{j}")).collect();
    let source = Source { name: "x".into(), labels, x: x.view().into() };
    let rows = Rows::from_ranges([7..50_001, 50_004..N_ROWS]);
    let plan = DesignPlan::new(vec![source], rows).unwrap();
    let names = (0..y.ncols()).map(|k| format!("y{k}")).collect();
    let response = Response { y: y.view().into(), names };
    let (solver, standard_errors) = (SolverChoice::Lbfgs, StandardErrors::Off);
    let spec = GlmSpec { solver, standard_errors, tolerance: 1e-10, ..GlmSpec::default() };
    spec.check().unwrap().fit(&Cpu::<f32>::default(), &plan, &response, &mut |_| {}).unwrap()
}

fn assert_same_bits(found: &TargetFit, expected: &TargetFit) {
    let numbers =
        |fit: &TargetFit| (fit.coef.clone(), fit.intercept, fit.kkt_residual, fit.loss, fit.iterations);
    assert_eq!(numbers(found), numbers(expected));
}

#[test]
fn bits_are_those_of_any_company_and_any_number_of_threads() {
    let (x, y) = poisson_data(31, N_ROWS, 12, 5);
    let x = x.mapv(|x| x as f32);
    let all = fit(&x, &y);
    assert!(all.targets.iter().all(|target| target.status == Status::Converged));
    let reversed = fit(&x, &y.select(Axis(1), &[4, 3, 2, 1, 0]));
    let mut huge = y.select(Axis(1), &[0, 3]);
    // a companion whose magnitudes single precision cannot hold
    huge.column_mut(0).mapv_inplace(|count| 1e25 * count);
    let beside_huge = fit(&x, &huge);
    for k in 0..5 {
        assert_same_bits(&reversed.targets[4 - k], &all.targets[k]);
        let pair = fit(&x, &y.select(Axis(1), &[(k + 2) % 5, k]));
        assert_same_bits(&pair.targets[1], &all.targets[k]);
    }
    assert_same_bits(&beside_huge.targets[1], &all.targets[3]);
    for n_threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let again = pool.install(|| fit(&x, &y));
        again
            .targets
            .iter()
            .zip(&all.targets)
            .for_each(|(found, expected)| assert_same_bits(found, expected));
    }
}

#[test]
fn numbers_are_those_of_columns_that_are_written_out() {
    let (x, y) = poisson_data(32, N_ROWS, 13, 3);
    let x = x.mapv(|x| x as f32);
    let (in_place, written) = (fit(&x, &y), fit(&x.mapv(f64::from), &y));
    for (found, expected) in in_place.targets.iter().zip(&written.targets) {
        assert_eq!((found.status, expected.status), (Status::Converged, Status::Converged));
        assert!(relative(&found.coef, &expected.coef) < 1e-5, "to the tolerance of the loss");
        assert!((found.loss / expected.loss - 1.0).abs() < 1e-10);
        // sums of sizes are those of single precision
        assert!(found.kkt_residual < 1e-5 && found.kkt_residual > 0.0);
    }
}
