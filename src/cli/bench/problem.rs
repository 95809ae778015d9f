//! Workloads that are fits: from columns in memory to certified coefficients.

use std::path::Path;
use std::time::Instant;

use ndarray::Array2;
use serde_json::{Map, Value, json};

use super::super::run::in_pool;
use super::arrays_file::write_arrays;
use super::workloads::Prepared;
use crate::Result;
use crate::backend::{Backend, Cpu};
use crate::design::{DesignPlan, Source};
use crate::glm::{FittedGlm, GlmSpec, Response, StandardErrors, TOLERANCE_F64, TargetFit};
use crate::objective::{Counts, OwnedCounts};

/// Most targets that are fitted once more to find the optimum in float64.
const MOST_CHECKED: usize = 3;

/// Features as the workload's user would have them, shape (rows, columns).
pub(super) enum Columns {
    Single(Array2<f32>),
    Double(Array2<f64>),
}

/// Data of a fit and how far it goes.
pub(super) struct Problem {
    pub(super) x: Columns,
    /// Counts, shape (rows, targets).
    pub(super) y: OwnedCounts,
    /// Largest relative loss gap.
    pub(super) tolerance: f64,
}

/// A problem that is fitted again and again.
pub(super) struct Fitting {
    name: &'static str,
    problem: Problem,
    // kept between the fits, with its scratch: what `fit` uses unless it is told otherwise
    on: Cpu<f32>,
    /// What finds the optimum to compare with.
    referee: Cpu<f64>,
    last: Option<FittedGlm>,
}

impl Fitting {
    /// The workload of this name.
    pub(super) fn new(name: &'static str, problem: Problem) -> Self {
        Self { name, problem, on: Cpu::default(), referee: Cpu::default(), last: None }
    }

    fn n_columns(&self) -> usize {
        match &self.problem.x {
            Columns::Single(x) => x.ncols(),
            Columns::Double(x) => x.ncols(),
        }
    }

    /// Fits some targets; the fit and the seconds of planning it.
    fn fit<B: Backend>(&self, on: &B, y: Counts, spec: GlmSpec) -> Result<(FittedGlm, f64)> {
        let labels = (0..self.n_columns()).map(|column| format!("X[{column}]")).collect();
        let rows = 0..y.nrows();
        let names = (0..y.ncols()).map(|target| format!("y[{target}]")).collect();
        let (spec, response) = (spec.check()?, Response { y, names });
        let x = match &self.problem.x {
            Columns::Single(x) => x.view().into(),
            Columns::Double(x) => x.view().into(),
        };
        let planning = Instant::now();
        let plan = DesignPlan::new(vec![Source { name: "X".into(), labels, x }], rows)?;
        let planned_s = planning.elapsed().as_secs_f64();
        Ok((in_pool(|| spec.fit(on, &plan, &response, &mut |_| {}))?, planned_s))
    }

    /// Largest distance of the last fit's losses from those at the optimum, relative to `max(|loss|, mean y)`, over
    /// the targets that are given.
    fn loss_gap(&self, last: &FittedGlm, targets: &[usize]) -> Result<f64> {
        let spec =
            GlmSpec { tolerance: TOLERANCE_F64, standard_errors: StandardErrors::Off, ..GlmSpec::default() };
        let (best, _) = self.fit(&self.referee, self.problem.y.select(targets).view(), spec)?;
        let gap = |(best, &target): (&TargetFit, &usize)| {
            let mean_y = self.problem.y.column(target).mean().unwrap_or(f64::NAN);
            (last.targets[target].loss - best.loss) / best.loss.abs().max(mean_y)
        };
        Ok(best.targets.iter().zip(targets).map(gap).fold(f64::NEG_INFINITY, f64::max))
    }
}

/// The first and the last target and one between them.
pub(super) fn checked(n_targets: usize) -> Vec<usize> {
    let mut targets: Vec<usize> =
        (0..MOST_CHECKED).map(|k| k * n_targets.saturating_sub(1) / (MOST_CHECKED - 1)).collect();
    targets.dedup();
    targets
}

impl Prepared for Fitting {
    fn size(&self) -> Map<String, Value> {
        let precision = match &self.problem.x {
            Columns::Single(_) => "f32",
            Columns::Double(_) => "f64",
        };
        let fields = [
            ("rows", json!(self.problem.y.nrows())),
            ("columns", json!(self.n_columns())),
            ("targets", json!(self.problem.y.ncols())),
            ("precision", json!(precision)),
            ("tolerance", json!(self.problem.tolerance)),
        ];
        fields.map(|(name, value)| (name.to_string(), value)).into_iter().collect()
    }

    fn time(&mut self) -> Result<f64> {
        let spec = GlmSpec { tolerance: self.problem.tolerance, ..GlmSpec::default() };
        let (fitted, planned_s) = self.fit(&self.on, self.problem.y.view(), spec)?;
        let seconds = planned_s + fitted.seconds.fit;
        self.last = Some(fitted);
        Ok(seconds)
    }

    fn proof(&mut self) -> Result<Map<String, Value>> {
        let Some(last) = &self.last else { return Ok(Map::new()) };
        let targets = checked(last.targets.len());
        let gap = self.loss_gap(last, &targets)?;
        Ok(proof(last, &targets, gap))
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(format!("{}.npz", self.name));
        write_arrays(&path, |file| {
            match &self.problem.x {
                Columns::Single(x) => file.add("X", x)?,
                Columns::Double(x) => file.add("X", x)?,
            }
            file.add("y", &self.problem.y.to_f64())
        })
    }
}

/// Fields that say how good a fit is; its loss gap was found for some targets.
pub(super) fn proof(last: &FittedGlm, targets: &[usize], loss_gap: f64) -> Map<String, Value> {
    let most = |of: fn(&TargetFit) -> usize| last.targets.iter().map(of).max().unwrap_or(0);
    let sum: usize = last.targets.iter().map(|target| target.iterations).sum();
    let fields = [
        ("converged", json!(last.converged())),
        ("solver", json!(last.solver)),
        ("most_iterations", json!(most(|target| target.iterations))),
        ("mean_iterations", json!(sum as f64 / last.targets.len() as f64)),
        ("most_passes", json!(most(|target| target.passes))),
        ("inference_seconds", json!(last.seconds.inference)),
        ("loss_gap", crate::number::to_value(loss_gap)),
        ("loss_gap_of", json!(targets)),
    ];
    fields.map(|(name, value)| (name.to_string(), value)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_targets_are_all_checked() {
        for (n, targets) in [(1, vec![0]), (2, vec![0, 1]), (3, vec![0, 1, 2]), (100, vec![0, 49, 99])] {
            assert_eq!(checked(n), targets, "{n}");
        }
    }
}
