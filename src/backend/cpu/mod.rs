//! The CPU backend: `Cpu<f64>` is the truth that others are compared with, `Cpu<f32>` the fast way to its
//! neighbourhood.
//!
//! A matrix is kept in tiles of [`TILE_ROWS`] rows, feature-major inside the tile, so that every kernel is a plain loop
//! over arrays of known length that the compiler turns into the vectors of the machine at hand (see [`simd`]); rows
//! that are missing from the last tile are 0. A row-major matrix of the user is read in place: its tile is written
//! into a scratch tile in cache. A chunk is a run of tiles; chunks are spread over threads and their sums are added in
//! chunk order. Inside a chunk numbers of type `T` are summed over at most 16 tiles before they are added to
//! `f64`.

pub mod convolution;
pub mod roofs;
pub mod simd;
pub mod speeds;

pub mod rows;

mod array;
mod bin_spikes;
mod buffer;
mod class_changes;
mod class_reach;
mod class_weights;
mod compiled;
mod gram_lanes;
mod gram_panels;
mod in_place;
mod lanes;
mod line;
mod loss_changes;
mod magnitudes;
mod matmul;
mod matmul_transposed;
mod pack;
mod panel;
mod panel_sums;
mod pass;
mod pointwise;
mod pointwise_classes;
mod signals;
mod standardise;
mod sums;
mod target_rows;
mod target_sizes;
mod targets;
mod tile;
mod vector;
mod weighted_gram;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use super::{
    Backend, Beside, Body, Classes, Costs, Every, Fill, HostRows, HostSignals, Into, Model, Observed, Reach,
    Rewrite, Shown, Sweep,
};
use crate::Result;
use crate::math::contrasts::Contrasts;

use array::Rewritten;
pub use array::{Array, MOST_WRITTEN_OUT};
pub use bin_spikes::bin_spikes;
pub use in_place::Storage;
#[cfg(feature = "gpu")]
pub(super) use in_place::standardise_span;
pub use line::Line;
pub use pass::bytes_of_sums;
pub(super) use pass::n_rows_of;
pub use signals::{Signals, grain};
use simd::Level;
use sums::Sums;

/// Rows of a tile: a column piece is 1 or 2 KiB.
pub const TILE_ROWS: usize = 256;
/// Tiles whose sums are kept in the type of the storage.
const FLUSH: usize = 16;

/// Rows that are written together.
pub const FILL_ROWS: usize = array::FILL_TILES * TILE_ROWS;

/// One number for each row of a tile.
pub type Piece<T> = [T; TILE_ROWS];

/// The CPU with numbers stored as `T`.
#[derive(Debug)]
pub struct Cpu<T: Storage = f64> {
    level: Level,
    /// Scratch of threads that are not at work, kept because fresh memory costs more than the arithmetic.
    idle: Mutex<Vec<Worker<T>>>,
    spare: buffer::Spare<T>,
    /// The same in `f64`.
    exact: OnceLock<Box<Cpu<f64>>>,
}

impl<T: Storage> Default for Cpu<T> {
    fn default() -> Self {
        Self::at(Level::best())
    }
}

impl<T: Storage> Cpu<T> {
    /// The CPU at a level of vector instructions, one of [`Level::available`].
    pub fn at(level: Level) -> Self {
        Self { level, idle: Mutex::new(Vec::new()), spare: buffer::Spare::default(), exact: OnceLock::new() }
    }
}

/// What the certificate asks for.
impl<T: Storage> Cpu<T> {
    /// `sums[k] += [1 |X|]ᵀ·m` with the magnitudes `m` of the pointwise stage, from `x` or the copied rows.
    pub fn magnitudes(
        &self,
        work: &mut Worker<T>,
        rows: Range<usize>,
        x: Option<&Array<'_, T>>,
        sums: usize,
    ) {
        T::tile_magnitudes(self.level, work, rows.start, x, sums);
    }

    /// `sums[k] +=` the number of the tile's rows whose magnitude (of the pointwise stage) is below `below`, one limit
    /// and one sum per target.
    pub fn faint(&self, work: &mut Worker<T>, below: &[f64], sums: usize) {
        tile::faint(work, below, sums);
    }
}

/// What one thread works on: vectors of the tile's rows, target after target, and running sums.
#[derive(Debug, Default)]
pub struct Worker<T: Storage> {
    /// Rows of the tile that count.
    n: usize,
    targets: Vec<usize>,
    /// Whether the fit has one target.
    alone: bool,
    eta: Vec<T>,
    direction: Vec<T>,
    residual: Vec<T>,
    /// Curvature, magnitude or whatever else was asked for.
    beside: Vec<T>,
    /// Rows of X from several blocks, one column after the other.
    design: Vec<T>,
    /// The present tile of a matrix that is read in place, and which matrix that is.
    rebuilt: Rebuilt<T>,
    /// Its rows, for several targets.
    row_tile: Rebuilt<T>,
    /// Columns in single precision.
    rough: Vec<f32>,
    /// Probabilities of the classes of a response, class after class.
    probabilities: Vec<T>,
    /// Scratch of products with several targets.
    products: targets::Scratch<T>,
    /// Rows between used rows.
    between: signals::Between<T>,
    /// Linear predictors of rows to come.
    ahead: Vec<signals::Ahead<T>>,
    sums: Vec<Sums<T>>,
}

/// A tile made from rows in place.
#[derive(Debug, Default)]
struct Rebuilt<T> {
    tile: Vec<T>,
    /// Identity of the matrix and first row of the tile.
    of: Option<(usize, usize)>,
}

impl<T: Storage> Backend for Cpu<T> {
    type Scalar = T;
    type Array<'a> = Array<'a, T>;
    type Signals = Signals<T>;
    type Worker<'a> = Worker<T>;
    type Line = Line<T>;

    fn exact(&self) -> &Cpu<f64> {
        self.exact.get_or_init(|| Box::new(Cpu::at(self.level)))
    }

    fn costs(&self) -> Costs {
        Costs::of_cpu(self.level)
    }

    fn upload(&self, host: &[f64]) -> Result<Array<'static, T>> {
        Ok(Array::numbers(&self.spare, host))
    }

    fn matrix<'a>(&self, n_rows: usize, n_columns: usize, fill: &Fill<T>) -> Result<Array<'a, T>> {
        Ok(Array::filled(&self.spare, n_rows, n_columns, fill))
    }

    fn response<'a>(&self, n_rows: usize, n_targets: usize, fill: &Fill<T>) -> Result<Array<'a, T>> {
        self.matrix(n_rows, n_targets, fill)
    }

    fn bytes<'a>(&self, n_targets: usize, tiles: Arc<Vec<u8>>) -> Result<Array<'a, T>> {
        Ok(Array::bytes(n_targets, tiles))
    }

    fn in_place<'a>(&self, rows: HostRows<'a>, _stays: bool) -> Result<Array<'a, T>> {
        Ok(Array::in_place(&self.spare, self.level, rows))
    }

    fn rewritten<'a>(
        &self,
        n_rows: usize,
        n_columns: usize,
        together: usize,
        write: Arc<Rewrite<'a, T>>,
        rough: Arc<Rewrite<'a, f32>>,
    ) -> Result<Array<'a, T>> {
        Ok(Array::rewritten(Rewritten { write, rough, n_rows, n_columns, together }))
    }

    fn signals(&self, host: HostSignals) -> Result<Signals<T>> {
        Ok(Signals::new(host))
    }

    fn filters(&self, x: &Signals<T>, taps: &[f64], shift: f64) -> Result<Array<'static, T>> {
        Ok(Array::own_numbers(&self.spare, &x.filters(taps, shift)))
    }

    fn n_rows_of(&self, n_rows: usize, every: Every) -> usize {
        n_rows_of(n_rows, every)
    }

    fn pass<'a>(&self, sweep: Sweep, n_sums: &[usize], body: &Body<Worker<T>>) -> Result<Vec<Vec<f64>>> {
        pass::pass(self, sweep, n_sums, body)
    }

    fn trace<'a>(&self, sweep: Sweep, rows: Range<usize>, body: &Body<Worker<T>>) -> Result<Line<T>> {
        pass::trace(self, sweep, rows, body)
    }

    fn start<'a>(&self, work: &mut Worker<T>, into: Into, constants: &[f64]) {
        for (piece, &constant) in work.row_vector(into).chunks_exact_mut(TILE_ROWS).zip(constants) {
            piece.fill(T::from_f64(constant));
        }
    }

    fn matmul(
        &self,
        work: &mut Worker<T>,
        rows: Range<usize>,
        x: &Array<'_, T>,
        coef: &Array<'static, T>,
        into: Into,
    ) {
        T::tile_matmul(self.level, work, rows.start, x, coef.as_numbers(), into);
    }

    fn matmul_transposed(&self, work: &mut Worker<T>, rows: Range<usize>, x: &Array<'_, T>, sums: usize) {
        T::tile_matmul_transposed(self.level, work, rows.start, x, sums);
    }

    fn convolve<'a>(
        &self,
        work: &mut Worker<T>,
        rows: Range<usize>,
        x: &Signals<T>,
        filters: &Array<'static, T>,
        into: Into,
    ) {
        T::convolve(self.level, work, rows, x, filters.as_numbers(), into);
    }

    fn correlate<'a>(&self, work: &mut Worker<T>, rows: Range<usize>, x: &Signals<T>, sums: usize) {
        T::correlate(self.level, work, rows, x, sums);
    }

    fn pointwise(
        &self,
        work: &mut Worker<T>,
        rows: Range<usize>,
        model: Model,
        observed: Observed<Array<'_, T>>,
        beside: Beside,
    ) {
        T::tile_pointwise(self.level, work, model, rows.start, observed, beside);
    }

    fn copy_rows(&self, work: &mut Worker<T>, rows: Range<usize>, x: &Array<'_, T>, first: usize) {
        let end = (first + x.n_columns()) * TILE_ROWS;
        let mut design = std::mem::take(&mut work.design);
        design.resize(design.len().max(end), T::ZERO);
        design[first * TILE_ROWS..end].copy_from_slice(x.tile(self.level, rows.start, &mut work.rebuilt));
        work.design = design;
    }

    fn weighted_gram(
        &self,
        work: &mut Worker<T>,
        rows: Range<usize>,
        x: Option<&Array<'_, T>>,
        flat: bool,
        sums: usize,
    ) {
        T::tile_gram(self.level, work, rows.start, x, flat, sums);
    }

    fn show<'a>(
        &self,
        work: &mut Worker<T>,
        rows: Range<usize>,
        x: Option<&Array<'a, T>>,
        observed: Observed<Array<'a, T>>,
        look: &dyn Fn(&Shown),
    ) -> bool {
        tile::show(self.level, work, rows.start, x, observed, look);
        true
    }

    fn loss_changes(
        &self,
        line: &Line<T>,
        model: Model,
        observed: Observed<Array<'_, T>>,
        steps: &[f64],
        changes: &mut [f64],
    ) -> Result<()> {
        T::loss_changes(self.level, line, model, observed, steps, changes);
        Ok(())
    }

    fn reach(&self, line: &Line<T>, observed: Observed<Array<'_, T>>, reach: &mut [Reach]) -> Result<()> {
        T::reach(self.level, line, observed, reach);
        Ok(())
    }
}

impl<T: Storage> Classes for Cpu<T> {
    fn pointwise_classes(
        &self,
        work: &mut Worker<T>,
        rows: Range<usize>,
        contrasts: &Contrasts,
        observed: Observed<Array<'_, T>>,
        beside: Beside,
    ) {
        T::tile_classes(self.level, work, contrasts, rows.start, observed, beside);
    }

    fn class_weights(
        &self,
        work: &mut Worker<T>,
        rows: Range<usize>,
        classes: (usize, usize),
        weights: Option<&Array<'_, T>>,
    ) {
        T::class_weights(self.level, work, classes, rows.start, weights);
    }

    fn class_changes(
        &self,
        line: &Line<T>,
        contrasts: &Contrasts,
        observed: Observed<Array<'_, T>>,
        step: f64,
    ) -> Result<f64> {
        Ok(T::class_changes(self.level, line, contrasts, observed, step))
    }

    fn class_reach(&self, line: &Line<T>, contrasts: &Contrasts, y: &Array<'_, T>) -> Result<Reach> {
        Ok(T::class_reach(self.level, line, contrasts, y))
    }
}
