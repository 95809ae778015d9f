//! CPU and GPU; a software adapter will do.

use rheobase::backend::Gpu;

use crate::case::{Case, cases, holds};
use crate::compare::{Expected, is_same};
use proptest::prelude::Strategy;

/// What the contract allows between CPU and GPU after the finish: `max(1e-10, 10 2^-52 cond²)` of the largest effect, 1e-8 at most.
fn allowed(condition: f64) -> f64 {
    let condition = if condition.is_finite() { condition } else { 1e4 };
    (10.0 * f64::EPSILON * condition * condition).clamp(1e-10, 1e-8)
}

#[test]
fn a_gpu_ends_where_the_cpu_ends() {
    let all = rheobase::backend::gpu::adapter::list();
    let usable = all.iter().filter(|facts| facts.unusable.is_none());
    let Some(facts) = usable.min_by_key(|facts| facts.is_software()) else {
        assert!(std::env::var_os("RHEOBASE_REQUIRE_GPU").is_none(), "there is no adapter");
        eprintln!("skipped: there is no adapter");
        return;
    };
    let gpu = Gpu::open(Some(&facts.number.to_string())).unwrap();
    let longer =
        cases().prop_map(|case| Case { n_rows: case.n_rows * 4, n_columns: case.n_columns.min(6), ..case });
    holds("CPU against GPU", 24, longer, |case| {
        let problem = case.problem();
        let (fit, sd) = (problem.fit(), problem.deviations());
        let found = problem.fit_on(&gpu);
        is_same(&found.targets[0], &Expected::of(&fit.targets[0], &sd), allowed(fit.condition))
    });
}
