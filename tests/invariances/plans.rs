//! How a fit is carried out: threads, storage, vector instructions, blocks, solvers, companions.

use ndarray::Axis;
use proptest::prelude::Strategy;
use rheobase::backend::Cpu;
use rheobase::backend::cpu::simd::Level;
use rheobase::glm::SolverChoice;

use crate::case::{Case, cases, holds};
use crate::compare::{Expected, PLANS, has_same_bits, is_same};

/// Under one plan bits do not depend on the number of threads.
#[test]
fn the_number_of_threads_changes_no_bit() {
    let pools = [1, 2, 3].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    // more rows than one thread takes together
    let longer =
        cases().prop_map(|case| Case { n_rows: case.n_rows * 20, n_targets: 1 + case.n_columns % 3, ..case });
    holds("thread count", 30, longer, |case| {
        let case = Case { n_columns: case.n_columns.min(6), ..case };
        let problem = case.problem();
        let [one, two, three] = [0, 1, 2].map(|k| pools[k].install(|| problem.fit()));
        let mut is_all = true;
        for (k, own) in one.targets.iter().enumerate() {
            is_all &= has_same_bits(&two.targets[k], own)? && has_same_bits(&three.targets[k], own)?;
        }
        Ok(is_all)
    });
}

/// For two targets or more under one plan bits do not depend on companions; alone, kernels are others: 1e-8.
#[test]
fn a_population_is_its_targets_one_by_one() {
    let several = cases().prop_map(|case| Case { n_targets: 3, ..case });
    holds("population = one by one", 80, several, |case| {
        let all = case.problem();
        let (fit, sd) = (all.fit(), all.deviations());
        let mut some = all.clone();
        some.y = all.y.select(Axis(1), &[2, 0]);
        let of_some = some.fit();
        let mut is_all = true;
        for (found, k) in of_some.targets.iter().zip([2, 0]) {
            is_all &= has_same_bits(found, &fit.targets[k])?;
        }
        for k in 0..3 {
            let mut alone = all.clone();
            alone.y = all.y.select(Axis(1), &[k]);
            is_all &= is_same(&alone.fit().targets[0], &Expected::of(&fit.targets[k], &sd), PLANS)?;
        }
        Ok(is_all)
    });
}

/// Columns in one block or several, in f32 or f64, by any vector instructions: other plans.
#[test]
fn blocks_storage_and_vectors_mean_nothing() {
    holds("blocks, storage, vectors", 80, cases(), |case| {
        let mut problem = case.problem();
        let (fit, sd) = (problem.fit(), problem.deviations());
        let expected = Expected::of(&fit.targets[0], &sd);
        let wide = problem.fit_on(&Cpu::<f64>::default());
        let mut is_all = is_same(&wide.targets[0], &expected, PLANS)?;
        for level in Level::available() {
            is_all &= is_same(&problem.fit_on(&Cpu::<f32>::at(level)).targets[0], &expected, PLANS)?;
        }
        if case.n_columns > 1 {
            problem.cuts = vec![case.n_columns / 2];
            is_all &= is_same(&problem.fit().targets[0], &expected, PLANS)?;
        }
        Ok(is_all)
    });
}

/// Newton's method and L-BFGS end at the same optimum.
#[test]
fn both_solvers_agree() {
    let smooth = cases().prop_map(|case| if case.is_smooth() { case } else { Case { penalty: 1, ..case } });
    holds("both solvers", 120, smooth, |case| {
        let mut problem = case.problem();
        let sd = problem.deviations();
        problem.spec.solver = SolverChoice::Newton;
        let newton = problem.fit();
        problem.spec.solver = SolverChoice::Lbfgs;
        is_same(&problem.fit().targets[0], &Expected::of(&newton.targets[0], &sd), PLANS)
    });
}
