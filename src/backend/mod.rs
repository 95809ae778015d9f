//! Backends: where the numbers of a fit are kept and summed.
//!
//! A backend knows rows, columns and targets, not neuroscience. Work is a *pass* over the rows in tiles: the caller
//! says what happens to one tile (blocks add to the linear predictor, the pointwise stage turns it into residuals,
//! blocks add to their sums) and the backend says how tiles are laid out, spread over threads and summed. A tile comes
//! from memory once and is still in cache the second time, so an evaluation costs one read of the design. Sums leave
//! a pass in `f64`, in an order that depends on the number of rows and columns alone, so bits do not depend on the
//! thread count. The targets of a population go through the same operations in the same order whoever their companions are
//! and however many of them are left; a target alone has kernels of its own.
//!
//! One method per kernel, one file per kernel below `cpu/`; [`gpu`] repeats them in WGSL. What the certificate alone needs are
//! methods of [`Cpu`], since it is computed there whatever device has fitted.

mod classes;
mod costs;
pub mod cpu;
mod event;
#[cfg(feature = "gpu")]
pub mod gpu;
mod host;
mod observed;
mod shown;

use std::ops::Range;
use std::sync::Arc;

use crate::Result;

use cpu::convolution::transforms::Fourier;

pub use crate::observation::Model;
pub use classes::Classes;
pub use costs::{Costs, Home, TRANSFORMED_LAGS};
pub use cpu::Cpu;
pub use event::DeviceEvent;
#[cfg(feature = "gpu")]
pub use gpu::Gpu;
pub use host::{HostChannels, HostColumns, HostRows, HostSignals, HostValues, Run, runs_within};
pub use observed::{Cast, Observed};
pub use shown::Shown;

/// Which rows take part in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Every(pub usize);

impl Every {
    /// All rows.
    pub const ROW: Self = Self(1);
}

/// The size of a pass and the targets it is for.
#[derive(Clone, Copy, Debug)]
pub struct Sweep<'a> {
    /// Rows of the design.
    pub n_rows: usize,
    /// Columns of the design, without the intercept.
    pub n_columns: usize,
    /// Rows that parts of the design take together; a run of tiles that one thread sums up is not shorter.
    pub grain: usize,
    /// Every how many tiles take part; see [`Backend::n_rows_of`].
    pub every: Every,
    /// Whether the fit has one target: then kernels for one are used. With more, those for several, however many of
    /// them take part in a pass.
    pub alone: bool,
    /// Targets that take part, in the order of the coefficients: columns of the response, see [`Cast`].
    pub targets: &'a [usize],
}

/// Which row vector a product is added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    /// The linear predictor.
    Eta,
    /// The change of the linear predictor along a direction.
    Direction,
}

/// What the pointwise stage writes beside the residual `d loss / d eta`. Residual and this are multiplied by the weight of
/// their row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// 1, that is the weight alone.
    One,
    /// The curvature `d2 loss / d eta2` (Fisher).
    Curvature,
    /// The sum of magnitudes of the residual's terms, of Poisson counts `mu + |residual|`.
    Magnitude,
}

/// How far a direction moves the linear predictor of one target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// Largest `|x·d|` over all rows.
    pub all: f64,
    /// Largest `|x·d|` over rows whose response is not 0.
    pub events: f64,
    /// Largest `x·d` over rows whose response is 0 (negative if all of them go down).
    pub silent: f64,
    /// Largest `-x·d` over rows whose response is not 0 (negative if all of them go up).
    pub fall: f64,
}

impl Reach {
    /// That of no rows.
    pub const NONE: Self = Self { all: 0.0, events: 0.0, silent: f64::NEG_INFINITY, fall: f64::NEG_INFINITY };
}

/// Rows of a line whose terms are added up before they join the others: of a line in parts as of a whole one.
pub const LINE_ROWS: usize = 4096;

/// Sums of [`Backend::pointwise`]: losses and residuals, one per target of the sweep.
pub const POINTWISE_SUMS: [usize; 2] = [1, 1];

/// Writes some columns of rows of a matrix into tiles of these columns.
pub type Rewrite<'a, T> = dyn Fn(Range<usize>, Range<usize>, &mut [T]) + Send + Sync + 'a;

/// What happens to the rows of one tile in a pass.
pub type Body<'a, W> = dyn Fn(&mut W, Range<usize>) -> Result<()> + Sync + 'a;

/// Writes rows of a matrix, the first of them a multiple of [`cpu::TILE_ROWS`], into tiles of so many rows: in a tile each
/// column is a piece of its own. What follows the last row is left 0.
pub type Fill<'a, T> = dyn Fn(Range<usize>, &mut [T]) + Send + Sync + 'a;

/// Storage and kernels.
pub trait Backend: Sync + Sized {
    /// In what numbers are stored.
    type Scalar: Fourier;
    /// Numbers that stay for the fit.
    type Array<'a>: Send + Sync;
    /// Channels that are convolved as they are, without features.
    type Signals: Send + Sync;
    /// Linear predictor, residual and running sums of one thread, or what a pass is to do with arrays.
    type Worker<'a>: Send;
    /// Linear predictors and a direction of rows, kept for trial steps.
    type Line: Send + Sync;

    /// The same kernels in `f64` on the CPU, for the last evaluations and the certificate.
    fn exact(&self) -> &Cpu<f64>;

    /// What work costs here.
    fn costs(&self) -> Costs;

    /// The vector instructions of the CPU kernels.
    fn level(&self) -> cpu::simd::Level {
        self.costs().level
    }

    /// Keeps small numbers (coefficients) as they are.
    ///
    /// # Errors
    /// If the device refuses.
    fn upload(&self, host: &[f64]) -> Result<Self::Array<'static>>;

    /// Keeps a matrix (rows, columns) in the layout the kernels want.
    ///
    /// # Errors
    /// If the device refuses.
    fn matrix<'a>(
        &self,
        n_rows: usize,
        n_columns: usize,
        fill: &Fill<Self::Scalar>,
    ) -> Result<Self::Array<'a>>;

    /// Keeps a response (rows, targets).
    ///
    /// # Errors
    /// If the device refuses.
    fn response<'a>(
        &self,
        n_rows: usize,
        n_targets: usize,
        fill: &Fill<Self::Scalar>,
    ) -> Result<Self::Array<'a>>;

    /// Keeps a response of small counts: tiles of [`cpu::TILE_ROWS`] rows, one target after the other in each.
    ///
    /// # Errors
    /// If the device refuses.
    fn bytes<'a>(&self, n_targets: usize, tiles: Arc<Vec<u8>>) -> Result<Self::Array<'a>>;

    /// Takes a matrix of the host, without writing it out again where the backend can read it in place and that is
    /// better. One that does not stay on a device is sent again whenever it is needed.
    ///
    /// # Errors
    /// If the device refuses.
    fn in_place<'a>(&self, rows: HostRows<'a>, stays: bool) -> Result<Self::Array<'a>>;

    /// Takes a matrix that is written again, tile by tile, whenever it is needed; `together` columns from a multiple of
    /// `together` on may be asked for alone. `rough` writes the same in single precision, for magnitudes.
    ///
    /// # Errors
    /// If the device refuses.
    fn rewritten<'a>(
        &self,
        n_rows: usize,
        n_columns: usize,
        together: usize,
        write: Arc<Rewrite<'a, Self::Scalar>>,
        rough: Arc<Rewrite<'a, f32>>,
    ) -> Result<Self::Array<'a>>;

    /// Takes channels that are convolved without features.
    ///
    /// # Errors
    /// If the device refuses.
    fn signals(&self, host: HostSignals) -> Result<Self::Signals>;

    /// Whether columns of channels are written here, by [`Backend::write_convolved`], and not by the host.
    fn writes_convolved(&self) -> bool {
        false
    }

    /// Room for a matrix (rows, columns), all of it 0.
    ///
    /// # Errors
    /// If the device refuses.
    fn blank<'a>(&self, n_rows: usize, n_columns: usize) -> Result<Self::Array<'a>> {
        self.matrix(n_rows, n_columns, &|_, _| {})
    }

    /// Writes columns of channels into a matrix, from column `first` on.
    ///
    /// # Errors
    /// If the device refuses.
    fn write_convolved(
        &self,
        _x: &Self::Array<'_>,
        _first: usize,
        _channels: HostSignals,
        _columns: HostColumns,
    ) -> Result<()> {
        Ok(())
    }

    /// Takes columns of channels whose rows are computed whenever they are needed: here, or by what `rewritten` takes.
    ///
    /// # Errors
    /// If the device refuses.
    fn convolved<'a>(
        &self,
        _x: &Self::Signals,
        _columns: HostColumns,
        rewritten: impl FnOnce(&Self) -> Result<Self::Array<'a>>,
    ) -> Result<Self::Array<'a>> {
        rewritten(self)
    }

    /// Brings filters, one per channel (`taps` channel after channel, lag after lag), and a constant that is subtracted from
    /// every row to the backend.
    ///
    /// # Errors
    /// If the device refuses.
    fn filters(&self, x: &Self::Signals, taps: &[f64], shift: f64) -> Result<Self::Array<'static>>;

    /// The rows of a sweep over `n_rows` rows that takes every so many tiles.
    fn n_rows_of(&self, n_rows: usize, every: Every) -> usize;

    /// Runs `body` on every tile and adds up what it put into the worker's sums: `n_sums[k]` numbers for each
    /// target in the k-th, target after target.
    ///
    /// # Errors
    /// The first error of `body`.
    fn pass(&self, sweep: Sweep, n_sums: &[usize], body: &Body<Self::Worker<'_>>) -> Result<Vec<Vec<f64>>>;

    /// Runs `body` on the tiles of some rows, the first a multiple of [`LINE_ROWS`], and keeps the linear predictor and
    /// the direction it computes.
    ///
    /// # Errors
    /// The first error of `body`.
    fn trace(&self, sweep: Sweep, rows: Range<usize>, body: &Body<Self::Worker<'_>>) -> Result<Self::Line>;

    /// Sets the linear predictor (or direction) of the tile's rows to one constant per target.
    fn start(&self, work: &mut Self::Worker<'_>, into: Into, constants: &[f64]);

    /// `eta += X·B`: `coef` uploaded target after target.
    fn matmul<'a>(
        &self,
        work: &mut Self::Worker<'a>,
        rows: Range<usize>,
        x: &Self::Array<'a>,
        coef: &Self::Array<'static>,
        into: Into,
    );

    /// `sums[k] += Xᵀ·R` with the residuals `R` of the pointwise stage.
    fn matmul_transposed<'a>(
        &self,
        work: &mut Self::Worker<'a>,
        rows: Range<usize>,
        x: &Self::Array<'a>,
        sums: usize,
    );

    /// `eta[t] += sum_c sum_k filter_c[k] x_c[t + shift - k]` less the constant of the filters. The sweep has one target.
    fn convolve(
        &self,
        work: &mut Self::Worker<'_>,
        rows: Range<usize>,
        x: &Self::Signals,
        filters: &Self::Array<'static>,
        into: Into,
    );

    /// `sums[k] += sum_t r[t] x_c[t + shift - lag]`, channel after channel and lag after lag, with the residuals `r` of the
    /// pointwise stage. The sweep has one target.
    fn correlate(&self, work: &mut Self::Worker<'_>, rows: Range<usize>, x: &Self::Signals, sums: usize);

    /// Residual, loss (added to sum 0) and residual total (added to sum 1) of the tile's rows, times their weights.
    fn pointwise<'a>(
        &self,
        work: &mut Self::Worker<'a>,
        rows: Range<usize>,
        model: Model,
        observed: Observed<Self::Array<'a>>,
        beside: Beside,
    );

    /// Copies rows of `x` into the worker's design columns from `first` on.
    fn copy_rows<'a>(
        &self,
        work: &mut Self::Worker<'a>,
        rows: Range<usize>,
        x: &Self::Array<'a>,
        first: usize,
    );

    /// `sums[k] += [1 X]ᵀ·diag(w)·[1 X]` (lower triangle by columns) from `x`, or from the copied rows of the design;
    /// `w` is what the pointwise stage left beside the residual, or 1 if `flat`. The sweep has one target.
    fn weighted_gram<'a>(
        &self,
        work: &mut Self::Worker<'a>,
        rows: Range<usize>,
        x: Option<&Self::Array<'a>>,
        flat: bool,
        sums: usize,
    );

    /// Shows `look` the tile's rows, from `x` or the copied rows of the design, with the response of the sweep's target; false
    /// where rows cannot be seen one by one.
    fn show<'a>(
        &self,
        _work: &mut Self::Worker<'a>,
        _rows: Range<usize>,
        _x: Option<&Self::Array<'a>>,
        _observed: Observed<Self::Array<'a>>,
        _look: &dyn Fn(&Shown),
    ) -> bool {
        false
    }

    /// Adds the change of the total loss of each target over the rows of the line for its step, in the accurate `expm1`
    /// form, to `changes`.
    ///
    /// # Errors
    /// If the device refuses.
    fn loss_changes(
        &self,
        line: &Self::Line,
        model: Model,
        observed: Observed<Self::Array<'_>>,
        steps: &[f64],
        changes: &mut [f64],
    ) -> Result<()>;

    /// Joins to `reach` how far the line's direction moves each target's linear predictor in the rows that count.
    ///
    /// # Errors
    /// If the device refuses.
    fn reach(
        &self,
        line: &Self::Line,
        observed: Observed<Self::Array<'_>>,
        reach: &mut [Reach],
    ) -> Result<()>;
}
