//! Workload a: the past 200 ms of the current in the first `Noise 1` sweep of the simulated session.
//!
//! The design of a current-clamp experiment: few rows, few columns, few spikes, columns in picoamperes that differ by
//! orders of magnitude and are nearly collinear. Solvers that do not scale their columns end far from the optimum.

use ndarray::{Array2, Axis};

use super::super::problem::{Columns, Problem};
use super::SEED;
use crate::Result;
use crate::basis::{Expand, RaisedCosineLog};
use crate::features::{Causality, Channel, convolved};
use crate::glm::TOLERANCE_F64;
use crate::simulate::{NeuronParameters, TUTORIAL_PLAN, simulate_plan};
use crate::time::{BinGrid, IntervalSet};

/// Sweeps that are simulated: the last of them is fitted.
const N_SWEEPS: usize = 2;
/// Width of a bin, seconds.
const BIN_S: f64 = 1e-3;
/// Bins of the window.
const WINDOW: usize = 200;
/// Functions over the window.
const N_FUNCTIONS: usize = 8;

/// 27,820 rows of 8 columns, one target.
pub(super) fn problem() -> Result<Problem> {
    let session = simulate_plan(&TUTORIAL_PLAN[..N_SWEEPS], &NeuronParameters::default(), SEED);
    let (start, stop, _) = &session.epochs[N_SWEEPS - 1];
    let grid = BinGrid::new(&IntervalSet::new(&[*start], &[*stop])?, BIN_S)?;
    let current_pa: Vec<f64> = session.stimulus_a.iter().map(|current| current * 1e12).collect();
    let channel = Channel { label: "stimulus".into(), values: grid.average(&session.stamps, &current_pa) };
    let kernel = RaisedCosineLog::new(N_FUNCTIONS)?.kernel(WINDOW)?;
    let block = convolved(&grid, "stimulus", &[channel], &kernel, Causality::Causal, false)?;
    let counts = grid.count(&session.spike_times_s);
    let used: Vec<usize> = (0..grid.n_bins()).filter(|&bin| !block.edge[bin]).collect();
    let y = Array2::from_shape_fn((used.len(), 1), |(row, _)| f64::from(counts[used[row]]));
    Ok(Problem { x: Columns::Double(block.x.select(Axis(0), &used)), y: y.into(), tolerance: TOLERANCE_F64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_those_of_the_sweep_less_one_window() {
        let problem = problem().unwrap();
        let Columns::Double(x) = &problem.x else { panic!("float64") };
        assert_eq!((x.dim(), problem.y.to_f64().dim()), ((27_820, 8), (27_820, 1)));
        assert!(x.iter().all(|x| x.is_finite()));
        let n_spikes = problem.y.to_f64().sum();
        assert!((20.0..80.0).contains(&n_spikes), "{n_spikes}");
    }
}
