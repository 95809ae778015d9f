//! The smallest problems that once broke an invariance.

use rheobase::glm::SolverChoice;

use crate::case::Case;
use crate::compare::{Expected, PLANS, is_same};

/// More columns than rows under a ridge.
#[test]
fn a_ridge_over_more_columns_than_rows_has_one_answer() {
    for pair in 0..10 {
        let case = Case {
            seed: 4_382_651_948_905_749_061,
            n_rows: 44,
            n_columns: 52,
            n_targets: 1,
            pair,
            penalty: 1,
            has_intercept: true,
            has_weights: false,
            has_offset: false,
            is_newton: false,
        };
        let mut problem = case.problem();
        let sd = problem.deviations();
        problem.spec.solver = SolverChoice::Newton;
        let newton = problem.fit();
        problem.spec.solver = SolverChoice::Lbfgs;
        let lbfgs = problem.fit();
        for fit in [&newton, &lbfgs] {
            let t = &fit.targets[0];
            println!(
                "{:?} {} {:?} it {} passes {} kkt {:e} gap {:e} {:?} scale {:?} loss {:e} taken {}",
                problem.spec.model,
                fit.plan.solver,
                t.status,
                t.iterations,
                t.passes,
                t.kkt_residual,
                t.loss_gap,
                t.gap_from,
                t.gap_scale,
                t.loss,
                fit.plan.n_taken_over
            );
        }
        println!("{:?}", is_same(&lbfgs.targets[0], &Expected::of(&newton.targets[0], &sd), PLANS));
    }
}
