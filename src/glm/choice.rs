//! Which solver, on which rows and in which numbers: by estimated cost, from constants that are compiled in, so that
//! the same input takes the same path.

use serde::{Deserialize, Serialize};

use super::spec::SolverChoice;
use crate::backend::Every;
use crate::backend::cpu::TILE_ROWS;
use crate::backend::cpu::simd::Level;

/// Bytes per second that a pass reads from memory.
const READ_BYTES_PER_S: f64 = 25e9;
/// Operations per second of the Cholesky factorisation.
const CHOLESKY_FLOP_PER_S: f64 = 10e9;
/// Iterations of Newton's method on ordinary data.
const NEWTON_ITERATIONS: f64 = 8.0;
/// Passes of L-BFGS on ordinary data.
const LBFGS_PASSES: f64 = 8.0;
/// Below this many operations in one round of Hessians nothing is gained by avoiding them.
const SMALL_GRAM: f64 = 1e8;
/// Rows per column of the flat Gram of one target; a thinner one costs more passes than it saves.
const GRAM_ROWS_PER_COLUMN: usize = 312;
/// The same where a pass costs little because nothing is written out, and rows that cost nothing to speak of.
const FREE_GRAM_ROWS_PER_COLUMN: usize = 156;
const FREE_GRAM_ROWS: usize = 1 << 17;
/// Every how many tiles a first stage on part of the rows takes: at least and at most.
const SAMPLE: [usize; 2] = [8, 16];
/// Events per parameter that such a sample must hold.
const SAMPLE_EVENTS: f64 = 60.0;
/// Rows per parameter that it must hold.
const SAMPLE_ROWS: usize = 4;

/// Operations per second, both cores of a small machine, one set per level of vector instructions.
#[derive(Clone, Copy, Debug)]
struct FlopPerS {
    /// Products of a population.
    product: f64,
    /// Weighted Gram of few columns (up to 16).
    narrow_gram: f64,
    /// Weighted Gram of more.
    gram: f64,
}

impl FlopPerS {
    fn of(level: Level) -> Self {
        let [product, narrow_gram, gram] = match level {
            Level::Avx512 => [250e9, 60e9, 190e9],
            Level::Avx2 => [130e9, 50e9, 100e9],
            Level::Neon => [60e9, 20e9, 50e9],
            Level::Scalar => [10e9, 3e9, 8e9],
        };
        Self { product, narrow_gram, gram }
    }
}

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
    /// Numbers of the passes before the last ones in `f64`: `f32`, or `f64`.
    #[serde(default)]
    pub storage: String,
    /// Rows of the flat Gram that the solver starts from.
    #[serde(default)]
    pub n_gram_rows: usize,
    /// Rows of the first stage, if there is one on part of the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_sample_rows: Option<usize>,
    /// Features that are not written out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unwritten: Vec<Unwritten>,
    /// Vector instructions of the machine.
    #[serde(default)]
    pub level: String,
}

/// Neighbouring columns of a feature whose values are computed in every pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwritten {
    /// The feature.
    pub feature: String,
    /// Its columns.
    pub n_columns: usize,
    /// How their products are computed: `matrix-free`, or `written again in every pass`.
    pub form: String,
    /// Bytes that they would take.
    pub n_bytes: u64,
    /// Bytes that are kept in their place: spectra of signals, or events in the order of products.
    #[serde(default)]
    pub n_bytes_kept: u64,
}

impl Plan {
    /// The numbers that the fit was computed in, in words.
    pub fn arithmetic(&self) -> &'static str {
        if self.storage == "f32" { "f32, finished in f64" } else { "f64" }
    }
}

/// What is to be fitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) n_rows: usize,
    pub(super) n_columns: usize,
    pub(super) n_targets: usize,
    /// Whether it is the only target of the response, silent ones included.
    pub(super) alone: bool,
    /// Events of the target with the fewest.
    pub(super) fewest_events: f64,
    /// Bytes of a stored number.
    pub(super) n_bytes: usize,
    /// Columns that are not written out.
    pub(super) n_free: usize,
    /// Whether part of the rows costs less than all.
    pub(super) may_sample: bool,
}

impl Size {
    fn gram_flop(self) -> f64 {
        let columns = self.n_columns as f64;
        self.n_rows as f64 * columns * (columns + 1.0)
    }

    /// Whether most columns are not written out.
    fn is_free(self) -> bool {
        2 * self.n_free > self.n_columns
    }

    /// Which rows the flat Gram is of: enough for one target, all for several, which share it.
    pub(super) fn gram_rows(self) -> Every {
        if !self.alone || (self.gram_flop() <= SMALL_GRAM && !self.is_free()) {
            return Every::ROW;
        }
        let n_tiles = self.n_rows.div_ceil(TILE_ROWS);
        let parameters = 1 + self.n_columns;
        let rows = if self.is_free() {
            (FREE_GRAM_ROWS_PER_COLUMN * parameters).max(FREE_GRAM_ROWS)
        } else {
            GRAM_ROWS_PER_COLUMN * parameters
        };
        Every((n_tiles / rows.div_ceil(TILE_ROWS)).max(1))
    }

    /// Which rows to begin with, if the answer on part of them is worth having: no more than hold the events it takes.
    pub(super) fn sample(self, solver: &str) -> Option<Every> {
        let [densest, sparsest] = SAMPLE;
        let parameters = 1 + self.n_columns;
        let by_events = self.fewest_events / (SAMPLE_EVENTS * parameters as f64);
        let by_rows = self.n_rows / (SAMPLE_ROWS * parameters);
        let every = (by_events as usize).min(by_rows).min(sparsest);
        (solver == "lbfgs" && self.alone && self.may_sample && every >= densest).then_some(Every(every))
    }
}

/// Chooses the solver.
pub(super) fn choose(asked: SolverChoice, size: Size, level: Level) -> Plan {
    let rates = FlopPerS::of(level);
    let (rows, columns, targets) = (size.n_rows as f64, size.n_columns as f64, size.n_targets as f64);
    let values = rows * (columns + 1.0);
    let read = values * size.n_bytes as f64 / READ_BYTES_PER_S;
    let pass = read.max(4.0 * values * targets / rates.product);
    let gram_flop_per_s = if columns <= 16.0 { rates.narrow_gram } else { rates.gram };
    let gram = size.gram_flop() / gram_flop_per_s;
    let cholesky = columns.powi(3) / (3.0 * CHOLESKY_FLOP_PER_S);
    let newton = NEWTON_ITERATIONS * targets * (read + gram + cholesky);
    let lbfgs = gram / size.gram_rows().0 as f64 + cholesky + LBFGS_PASSES * pass;
    let small = size.gram_flop() * targets <= SMALL_GRAM && !size.is_free();
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
        n_rows: size.n_rows,
        n_columns: size.n_columns,
        n_targets: size.n_targets,
        events_per_parameter: size.fewest_events / (1.0 + columns),
        estimates: vec![
            Estimate { solver: "newton".into(), seconds: newton },
            Estimate { solver: "lbfgs".into(), seconds: lbfgs },
        ],
        storage: if size.n_bytes == 4 { "f32" } else { "f64" }.into(),
        n_gram_rows: size.n_rows,
        n_sample_rows: None,
        unwritten: Vec::new(),
        level: level.name().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_no_larger_than_its_events_ask_for() {
        let sample = |n_rows: usize, fewest_events: f64, alone: bool| {
            let size = Size {
                n_rows,
                n_columns: 99,
                n_targets: 1,
                alone,
                fewest_events,
                n_bytes: 4,
                n_free: 0,
                may_sample: true,
            };
            size.sample("lbfgs").map(|every| every.0)
        };
        assert_eq!(sample(500_000, 1e6, true), Some(16));
        assert_eq!(sample(500_000, 75_000.0, true), Some(12));
        assert_eq!(sample(500_000, 47_000.0, true), None, "more than an eighth of the rows");
        assert_eq!(sample(4_000, 1e6, true), Some(10), "by its rows");
        assert_eq!(sample(500_000, 1e6, false), None);
    }
}
