//! Rows: their order, how often they are there, and which of them count.

use ndarray::Axis;
use proptest::prelude::Strategy;
use rheobase::observation::Observe;
use rheobase::write::model::ModelFile;

use crate::case::{Case, Problem, cases, holds};
use crate::compare::{Expected, PLANS, is_same};

/// The answer of a changed problem is that of the problem itself.
fn stays(
    case: Case,
    change: impl Fn(Problem) -> Problem,
) -> Result<bool, proptest::test_runner::TestCaseError> {
    let problem = case.problem();
    let (fit, sd) = (problem.fit(), problem.deviations());
    let changed = change(problem).fit();
    is_same(&changed.targets[0], &Expected::of(&fit.targets[0], &sd), PLANS)
}

impl Problem {
    /// The rows in another order, or some of them, or some of them twice.
    fn with(self, rows: &[usize]) -> Self {
        let pick = |values: Vec<f64>| rows.iter().map(|&row| values[row]).collect::<Vec<f64>>();
        Self {
            x: self.x.select(Axis(0), rows),
            y: self.y.select(Axis(0), rows),
            weights: self.weights.map(pick),
            offset: self.offset.map(pick),
            rows: (0..rows.len()).collect(),
            ..self
        }
    }
}

/// Sums are added in another order: the rounding floor of a fit, far below what the contract allows between plans.
#[test]
fn the_order_of_rows_means_nothing() {
    holds("row permutation", 120, cases(), |case| {
        stays(case, |problem| {
            let n = problem.x.nrows();
            // a stride without a common divisor visits every row once
            let stride = (7..7 + n).find(|stride| gcd(*stride, n) == 1).unwrap_or(1);
            let rows: Vec<usize> = (0..n).map(|row| (row * stride + 3) % n).collect();
            problem.with(&rows)
        })
    });
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A row of weight 2 is two rows: losses are the same sums. Columns are centred by other means, so paths differ.
#[test]
fn a_row_of_weight_2_is_two_rows() {
    holds("duplication = weights", 120, cases(), |case| {
        let case = Case { has_weights: false, ..case };
        let mut weighted = case.problem();
        let n = weighted.x.nrows();
        let times = |row: usize| 1 + row % 3;
        let repeated: Vec<usize> = (0..n).flat_map(|row| vec![row; times(row)]).collect();
        let written = weighted.clone().with(&repeated);
        weighted.weights = Some((0..n).map(|row| times(row) as f64).collect());
        let (fit, sd) = (written.fit(), written.deviations());
        let found = weighted.fit();
        let expected = &fit.targets[0];
        // errors count rows: to 1e-6, as the contract compares them
        for (a, b) in found.targets[0].standard_errors.iter().zip(&expected.standard_errors) {
            proptest::prop_assert!(
                a.is_nan() == b.is_nan() && (a.is_nan() || (a - b).abs() <= 1e-6 * b.abs()),
                "{a} {b}"
            );
        }
        is_same(&found.targets[0], &Expected::of(expected, &sd), PLANS)
    });
}

/// Rows that are not used are not there: the same rows lie elsewhere in memory, and nothing of the others is read.
#[test]
fn a_row_that_is_not_used_is_not_there() {
    holds("unused rows = removal", 120, cases(), |case| {
        let mut all = case.problem();
        let n = all.x.nrows();
        let left: Vec<usize> = (0..n).filter(|row| row % 5 != 2).collect();
        let removed = all.clone().with(&left);
        for row in (0..n).filter(|row| row % 5 == 2) {
            all.x.row_mut(row).fill(1e3);
            all.weights.iter_mut().for_each(|weights| weights[row] = 1e6);
            all.offset.iter_mut().for_each(|offset| offset[row] = 1e3);
        }
        all.rows.clone_from(&left);
        let (fit, sd) = (removed.fit(), removed.deviations());
        is_same(&all.fit().targets[0], &Expected::of(&fit.targets[0], &sd), PLANS)
    });
}

/// The problem as a table for the command line, with its options.
fn table(problem: &Problem, weights: &[f64]) -> (String, Vec<String>) {
    let p = problem.x.ncols();
    let names: Vec<String> = (0..p).map(|j| format!("x{j}")).collect();
    let mut text = format!("{},y,w,o\n", names.join(","));
    for (row, x) in problem.x.rows().into_iter().enumerate() {
        let mut cells: Vec<f64> = x.to_vec();
        let offset = problem.offset.as_ref().map_or(0.0, |offset| offset[row]);
        cells.extend([problem.y[(row, 0)], weights[row], offset]);
        let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    let model = problem.spec.model;
    let mut options: Vec<String> =
        ["--y", "y", "--weights", "w", "--quiet", "--x"].map(String::from).to_vec();
    options.push(names.join(","));
    let mut add = |name: &str, value: String| options.extend([name.into(), value]);
    add("--observation", model.observation.name().into());
    add("--link", model.inverse_link.name().into());
    if let Some(dispersion) = model.observation.dispersion() {
        add("--dispersion", dispersion.to_string());
    }
    if let Some(strength) = problem.spec.regularizer.strength() {
        add("--regularizer", problem.spec.regularizer.name().into());
        add("--strength", strength.to_string());
    }
    if problem.offset.is_some() {
        add("--offset", "o".into());
    }
    if !problem.spec.has_intercept {
        options.push("--no-intercept".into());
    }
    (text, options)
}

/// Rows of weight 0 are not there, whatever is in them: the command line is what leaves them out.
#[test]
fn a_row_of_weight_0_is_not_there() {
    // penalties that take no more options
    let plain =
        cases().prop_map(|case| Case { penalty: case.penalty % 3, n_columns: case.n_columns.min(6), ..case });
    let folder = tempfile::tempdir().unwrap();
    let fit = |name: &str, (text, options): (String, Vec<String>)| {
        let [data, out] = [format!("{name}.csv"), name.to_string()].map(|own| folder.path().join(own));
        std::fs::write(&data, text).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rheobase"));
        let run = command.arg("fit").arg(&data).args(&options).arg("--out").arg(&out).output().unwrap();
        // 4: there is a model, and its target has not converged
        assert!(matches!(run.status.code(), Some(0 | 4)), "{options:?}: {run:?}");
        ModelFile::load(&out.join("model.json")).unwrap().fit
    };
    holds("zero weight = removal", 60, plain, |case| {
        let mut all = case.problem();
        let n = all.x.nrows();
        let left: Vec<usize> = (0..n).filter(|row| row % 5 != 2).collect();
        let removed = all.clone().with(&left);
        let mut weights = all.weights.clone().unwrap_or_else(|| vec![1.0; n]);
        let counted: Vec<f64> = left.iter().map(|&row| weights[row]).collect();
        for row in (0..n).filter(|row| row % 5 == 2) {
            weights[row] = 0.0;
            all.x.row_mut(row).fill(1e3);
            all.offset.iter_mut().for_each(|offset| offset[row] = 1e3);
        }
        let (found, expected) =
            (fit("all", table(&all, &weights)), fit("removed", table(&removed, &counted)));
        let (found, expected) = (&found.targets[0], &expected.targets[0]);
        proptest::prop_assert_eq!(found.n_bins_used, left.len());
        proptest::prop_assert_eq!(found.dof_resid, expected.dof_resid);
        is_same(found, &Expected::of(expected, &removed.deviations()), PLANS)
    });
}

/// What all weights are multiplied by means nothing: losses are means.
#[test]
fn the_unit_of_weights_means_nothing() {
    let weighted = cases().prop_map(|case| Case { has_weights: true, has_offset: false, ..case });
    holds("unit of the weights", 60, weighted, |case| {
        stays(case, |problem| {
            let weights = problem.weights.map(|weights| weights.iter().map(|w| 1e-3 * w).collect());
            Problem { weights, ..problem }
        })
    });
}
