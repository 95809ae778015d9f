//! The CPU backend in `f64`: the truth that other backends are compared with, and their fallback.
//!
//! A matrix is kept in tiles of [`TILE_ROWS`] rows, feature-major inside the tile, so that every kernel is a plain
//! loop over contiguous rows. A chunk is a run of tiles; chunks are spread over threads and their sums are added in
//! chunk order.

pub mod convolve;
pub mod convolve_fft;
mod loss_changes;
mod magnitudes;
mod matmul;
mod matmul_transposed;
mod pass;
mod pointwise;
mod weighted_gram;

use std::ops::Range;

use super::{Backend, Beside, Body, Into, Model, Reach, Sweep};
use crate::Result;

/// Rows of a tile: a column piece is 2 KiB.
pub const TILE_ROWS: usize = 256;

/// The CPU, all numbers in `f64`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu;

/// Numbers kept by [`Cpu`].
#[derive(Debug)]
pub struct Array {
    values: Vec<f64>,
    n_columns: usize,
}

impl Array {
    /// The piece of the tile that starts at row `first` and has `n` rows, one column after the other.
    fn tile(&self, first: usize, n: usize) -> &[f64] {
        let start = first * self.n_columns;
        &self.values[start..start + n * self.n_columns]
    }
}

/// What one thread works on: vectors of the tile's rows, target after target, and running sums.
#[derive(Debug, Default)]
pub struct Worker {
    n: usize,
    targets: Vec<usize>,
    eta: Vec<f64>,
    direction: Vec<f64>,
    residual: Vec<f64>,
    /// Curvature or magnitude.
    beside: Vec<f64>,
    /// Rows of [1 X], one column after the other.
    design: Vec<f64>,
    scratch: Vec<f64>,
    sums: Vec<Vec<f64>>,
}

/// Linear predictor and direction of every row, tile by tile: (targets, rows) of the one, then of the other.
#[derive(Debug)]
pub struct Line {
    values: Vec<f64>,
    targets: Vec<usize>,
    n_rows: usize,
}

impl Backend for Cpu {
    type Array = Array;
    type Worker = Worker;
    type Line = Line;

    fn upload(&self, host: &[f64]) -> Result<Array> {
        Ok(Array { values: host.to_vec(), n_columns: 1 })
    }

    fn matrix(
        &self,
        n_rows: usize,
        n_columns: usize,
        fill: &(dyn Fn(Range<usize>, &mut [f64]) + Sync),
    ) -> Result<Array> {
        Ok(pass::matrix(n_rows, n_columns, fill))
    }

    fn pass(&self, sweep: Sweep, n_sums: &[usize], body: &Body<Worker>) -> Result<Vec<Vec<f64>>> {
        pass::pass(sweep, n_sums, body)
    }

    fn trace(&self, sweep: Sweep, body: &Body<Worker>) -> Result<Line> {
        pass::trace(sweep, body)
    }

    fn start(&self, work: &mut Worker, into: Into, constants: &[f64]) {
        let n = work.n;
        let rows = match into {
            Into::Eta => &mut work.eta,
            Into::Direction => &mut work.direction,
        };
        for (piece, &constant) in rows.chunks_exact_mut(n).zip(constants) {
            piece.fill(constant);
        }
    }

    fn matmul(&self, work: &mut Worker, rows: Range<usize>, x: &Array, coef: &Array, into: Into) {
        matmul::matmul(work, x.tile(rows.start, rows.len()), &coef.values, into);
    }

    fn matmul_transposed(&self, work: &mut Worker, rows: Range<usize>, x: &Array, sums: usize) {
        matmul_transposed::matmul_transposed(work, x.tile(rows.start, rows.len()), sums);
    }

    fn pointwise(&self, work: &mut Worker, rows: Range<usize>, model: Model, y: &Array, beside: Beside) {
        pointwise::pointwise(work, model, y.tile(rows.start, rows.len()), beside);
    }

    fn copy_rows(&self, work: &mut Worker, rows: Range<usize>, x: &Array, first: usize) {
        let n = work.n;
        let end = (first + x.n_columns) * n;
        work.design.resize(work.design.len().max(end), 0.0);
        work.design[..n].fill(1.0);
        work.design[first * n..end].copy_from_slice(x.tile(rows.start, n));
    }

    fn weighted_gram(&self, work: &mut Worker, flat: bool, sums: usize) {
        weighted_gram::weighted_gram(work, flat, sums);
    }

    fn magnitudes(&self, work: &mut Worker, sums: usize) {
        magnitudes::magnitudes(work, sums);
    }

    fn loss_changes(&self, line: &Line, model: Model, y: &Array, steps: &[f64]) -> Result<Vec<f64>> {
        Ok(loss_changes::loss_changes(line, model, y, steps))
    }

    fn reach(&self, line: &Line, y: &Array) -> Result<Vec<Reach>> {
        Ok(loss_changes::reach(line, y))
    }
}
