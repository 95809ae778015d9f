//! The response: counts of every bin, in the numbers they came in.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{ArrayView2, Axis, Slice};
use rayon::prelude::*;

use super::{OwnedCounts, Parts};
use crate::Result;
use crate::backend::cpu::{TILE_ROWS, bin_spikes};
use crate::backend::{Backend, Cast};
use crate::design::Rows;
use crate::math::real::Real;

/// Counts from which on they are kept as bytes, if they are small enough: what is read from memory in every pass.
const MANY: usize = 1 << 18;
/// Bins that one thread looks at together.
const PIECE: usize = 1 << 14;

/// Counts of targets, shape (bins, targets).
#[derive(Clone, Copy, Debug)]
pub enum Counts<'a> {
    /// Any numbers.
    F64(ArrayView2<'a, f64>),
    /// Counts up to 255, for recordings with very many bins.
    Bytes(ArrayView2<'a, u8>),
}

impl<'a> From<ArrayView2<'a, f64>> for Counts<'a> {
    fn from(y: ArrayView2<'a, f64>) -> Self {
        Self::F64(y)
    }
}

impl<'a> From<ArrayView2<'a, u8>> for Counts<'a> {
    fn from(y: ArrayView2<'a, u8>) -> Self {
        Self::Bytes(y)
    }
}

impl Counts<'_> {
    /// Bins.
    pub fn nrows(&self) -> usize {
        match self {
            Self::F64(y) => y.nrows(),
            Self::Bytes(y) => y.nrows(),
        }
    }

    /// Targets.
    pub fn ncols(&self) -> usize {
        match self {
            Self::F64(y) => y.ncols(),
            Self::Bytes(y) => y.ncols(),
        }
    }

    /// The count of one bin and target.
    ///
    /// # Panics
    /// If there is no such bin or target.
    pub fn get(&self, bin: usize, target: usize) -> f64 {
        match self {
            Self::F64(y) => y[(bin, target)],
            Self::Bytes(y) => f64::from(y[(bin, target)]),
        }
    }

    /// Calls `visit` with every target and its count in the bins number `used` of `rows`, bin by bin.
    ///
    /// # Panics
    /// If there is no such bin.
    pub fn visit(&self, rows: &Rows, used: Range<usize>, visit: impl FnMut(usize, f64)) {
        match self {
            Self::F64(y) => each(y, rows, used, visit),
            Self::Bytes(y) => each(y, rows, used, visit),
        }
    }

    /// What `look` returns for pieces of `rows`, in their order: by the calling thread if they are few.
    pub fn pieces<R: Send>(&self, rows: &Rows, look: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
        let firsts = (0..rows.len()).step_by(PIECE);
        let piece = |first: usize| look(first..rows.len().min(first + PIECE));
        if rows.len() * self.ncols() <= MANY {
            return firsts.map(piece).collect();
        }
        firsts.collect::<Vec<_>>().into_par_iter().map(piece).collect()
    }

    /// The counts of some targets, in this order; a copy.
    ///
    /// # Panics
    /// If there is no such target.
    pub fn select(&self, targets: &[usize]) -> OwnedCounts {
        match self {
            Self::F64(y) => OwnedCounts::F64(y.select(Axis(1), targets)),
            Self::Bytes(y) => OwnedCounts::Bytes(y.select(Axis(1), targets)),
        }
    }

    /// The counts of one target.
    ///
    /// # Panics
    /// If there is no such target.
    #[must_use]
    pub fn target(&self, target: usize) -> Self {
        let slice = Slice::from(target..=target);
        match self {
            Self::F64(y) => {
                let mut y = *y;
                y.slice_axis_inplace(Axis(1), slice);
                Self::F64(y)
            }
            Self::Bytes(y) => {
                let mut y = *y;
                y.slice_axis_inplace(Axis(1), slice);
                Self::Bytes(y)
            }
        }
    }
}

/// See [`Counts::visit`].
fn each<T: Copy + Into<f64>>(
    y: &ArrayView2<T>,
    rows: &Rows,
    used: Range<usize>,
    mut visit: impl FnMut(usize, f64),
) {
    let n_targets = y.ncols();
    if n_targets == 0 {
        return;
    }
    for run in rows.runs_of(used) {
        match y.to_slice() {
            Some(y) if n_targets == 1 => {
                y[run.row..run.row + run.len].iter().for_each(|&y| visit(0, y.into()));
            }
            Some(y) => {
                for counts in y[run.row * n_targets..].chunks_exact(n_targets).take(run.len) {
                    counts.iter().enumerate().for_each(|(target, &y)| visit(target, y.into()));
                }
            }
            None => {
                for bin in run.row..run.row + run.len {
                    (0..n_targets).for_each(|target| visit(target, y[(bin, target)].into()));
                }
            }
        }
    }
}

/// The counts of the used rows, made once for all precisions.
#[derive(Clone, Debug)]
pub struct Packed<'a> {
    counts: Counts<'a>,
    /// Tiles of 256 rows, one target after the other in each.
    tiles: Option<Arc<Vec<u8>>>,
    /// What rows are fitted, if it is not all of them.
    parts: Option<Parts>,
}

impl<'a> Packed<'a> {
    /// Packs the counts of these bins.
    ///
    /// # Panics
    /// If there is no such bin.
    pub fn new(counts: impl Into<Counts<'a>>, rows: &Rows) -> Self {
        let counts = counts.into();
        let n_targets = counts.ncols();
        let is_large = rows.len() * n_targets > MANY;
        let tiles = if is_large { pack(counts, rows) } else { None };
        Self { counts, tiles: tiles.map(Arc::new), parts: None }
    }

    /// The same for fits to parts of these rows: a target for every response, part and penalty, see [`Cast`].
    #[must_use]
    pub fn in_parts(self, parts: Parts) -> Self {
        Self { parts: Some(parts), ..self }
    }

    /// Targets.
    pub fn n_targets(&self) -> usize {
        self.counts.ncols() * self.parts.as_ref().map_or(1, |parts| parts.rows.len() * parts.n_penalties)
    }

    /// Which columns targets have.
    pub fn cast(&self) -> Cast {
        self.parts.as_ref().map_or(Cast::RESPONSES, |parts| Cast {
            n_responses: self.counts.ncols(),
            n_parts: parts.rows.len(),
        })
    }

    /// The parts, if there are some.
    pub(super) fn parts(&self) -> Option<&Parts> {
        self.parts.as_ref()
    }

    /// Brings the counts to a backend.
    pub(super) fn place<'p, B: Backend + 'p>(&self, on: &B, rows: &Rows) -> Result<B::Array<'p>> {
        let n_targets = self.counts.ncols();
        if let Some(tiles) = &self.tiles {
            return on.bytes(n_targets, Arc::clone(tiles));
        }
        on.response(rows.len(), n_targets, &|span, out| {
            for (first, tile) in span.clone().step_by(TILE_ROWS).zip(out.chunks_mut(TILE_ROWS * n_targets)) {
                for (target, out) in tile.chunks_mut(TILE_ROWS).enumerate() {
                    let bins = rows.some(first..span.end.min(first + TILE_ROWS));
                    out.iter_mut().zip(bins).for_each(|(out, bin)| {
                        *out = B::Scalar::from_f64(self.counts.get(bin, target));
                    });
                }
            }
        })
    }
}

/// A count as a byte; `None` if it is none.
pub(super) fn byte(count: f64) -> Option<u8> {
    let byte = count as u8;
    (f64::from(byte) == count).then_some(byte)
}

/// All counts as bytes; `None` if some are none.
fn pack(counts: Counts, rows: &Rows) -> Option<Vec<u8>> {
    let count = |bin: usize, target: usize| match counts {
        Counts::Bytes(y) => Some(y[(bin, target)]),
        Counts::F64(y) => byte(y[(bin, target)]),
    };
    bin_spikes(rows.len(), counts.ncols(), |used| rows.some(used), count)
}
