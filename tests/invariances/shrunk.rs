//! The smallest problems that once broke an invariance.

use rheobase::glm::SolverChoice;

use crate::case::{Case, pairs};
use crate::compare::{Expected, PLANS, is_same};

/// More columns than rows under a ridge, where the expected Hessian is far from that of the point: Newton's method with it alone took
/// 196 steps for a Gamma response with the softplus link, was out of them near the optimum, and was 1.1e-8 from where L-BFGS ends.
#[test]
fn newton_ends_where_lbfgs_ends_if_the_expected_hessian_is_far_off() {
    for pair in 0..pairs().len() {
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
        let [newton, lbfgs] = [SolverChoice::Newton, SolverChoice::Lbfgs].map(|solver| {
            problem.spec.solver = solver;
            problem.fit()
        });
        let (newton, lbfgs) = (&newton.targets[0], &lbfgs.targets[0]);
        assert!(is_same(newton, &Expected::of(lbfgs, &sd), PLANS).unwrap(), "{:?}", case.model());
        assert!(newton.iterations < 120, "{:?}: {} steps", case.model(), newton.iterations);
    }
}
