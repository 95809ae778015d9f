//! Which solver: by estimated cost, from constants that are compiled in, so that the same input takes the same path.

use serde::{Deserialize, Serialize};

use super::spec::SolverChoice;

/// Bytes per second that a pass reads from memory.
const READ_BYTES_PER_S: f64 = 10e9;
/// Multiply-adds per second of the weighted Gram.
const GRAM_FLOP_PER_S: f64 = 30e9;
/// Operations per second of the Cholesky factorisation.
const CHOLESKY_FLOP_PER_S: f64 = 10e9;
/// Iterations of Newton's method on ordinary data.
const NEWTON_ITERATIONS: f64 = 9.0;
/// Passes of L-BFGS per target on ordinary data, two reads of the design each.
const LBFGS_PASSES: f64 = 60.0;
/// Below this many operations in one round of Hessians nothing is gained by avoiding them.
const SMALL_GRAM: f64 = 1e8;

/// Estimated cost of one solver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The solver.
    pub solver: String,
    /// Estimated seconds.
    pub seconds: f64,
}

/// How a fit was carried out, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The solver that ran.
    pub solver: String,
    /// Why.
    pub reason: String,
    /// Rows of the design.
    pub n_rows: usize,
    /// Columns that were fitted (constant and aliased ones left out).
    pub n_columns: usize,
    /// Targets that were fitted.
    pub n_targets: usize,
    /// Events per parameter of the target with the fewest.
    pub events_per_parameter: f64,
    /// What each solver was expected to cost.
    pub estimates: Vec<Estimate>,
}

/// Chooses for n rows, p columns and m targets.
pub(super) fn choose(asked: SolverChoice, n: usize, p: usize, m: usize, fewest_events: f64) -> Plan {
    let (rows, columns, targets) = (n as f64, p as f64, m as f64);
    let pass = 8.0 * rows * (columns + 1.0) * (1.0 + 0.25 * (targets - 1.0).max(0.0)) / READ_BYTES_PER_S;
    let gram = rows * columns * (columns + 1.0);
    let cholesky = columns.powi(3) / (3.0 * CHOLESKY_FLOP_PER_S);
    let newton = NEWTON_ITERATIONS * (2.0 * pass + targets * (gram / GRAM_FLOP_PER_S + cholesky));
    let lbfgs = gram / GRAM_FLOP_PER_S + cholesky + LBFGS_PASSES * 2.0 * pass;
    let small = gram * targets <= SMALL_GRAM;
    let (solver, reason) = match asked {
        SolverChoice::Newton => ("newton", "asked for"),
        SolverChoice::Lbfgs => ("lbfgs", "asked for"),
        SolverChoice::Auto if small => ("newton", "a round of Hessians costs little"),
        SolverChoice::Auto if newton < lbfgs => ("newton", "the lower estimate"),
        SolverChoice::Auto => ("lbfgs", "the lower estimate"),
    };
    Plan {
        solver: solver.into(),
        reason: reason.into(),
        n_rows: n,
        n_columns: p,
        n_targets: m,
        events_per_parameter: fewest_events / (1.0 + columns),
        estimates: vec![
            Estimate { solver: "newton".into(), seconds: newton },
            Estimate { solver: "lbfgs".into(), seconds: lbfgs },
        ],
    }
}
