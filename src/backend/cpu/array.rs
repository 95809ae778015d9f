//! Matrices: written out in tiles, read in place, or written again tile by tile.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::buffer::{Buffer, Spare};
use super::in_place::{is_near_zero, standardise_rows, standardise_tile};
use super::simd::{Kernel, Level, run};
use super::{Piece, Rebuilt, Storage, TILE_ROWS};
use crate::backend::{Fill, HostRows, Rewrite};
use crate::math::real::Real;

/// Values below which a matrix is filled by the calling thread.
const SMALL: usize = 100_000;
/// Tiles that are written together.
pub(super) const FILL_TILES: usize = 16;
/// Values up to which a matrix is written out in tiles although it could be read in place: those of a cache.
pub const MOST_WRITTEN_OUT: usize = 1 << 20;

/// Numbers kept by [`super::Cpu`].
pub struct Array<'a, T> {
    kept: Kept<'a, T>,
    n_columns: usize,
}

enum Kept<'a, T> {
    /// Tiles of [`TILE_ROWS`] rows, one column after the other in each; or plain numbers.
    Tiles(Buffer<T>),
    /// A matrix of the host, and whether its raw numbers may be multiplied.
    Rows(HostRows<'a>, bool),
    /// Counts: tiles, one column after the other in each.
    Bytes(Arc<Vec<u8>>),
    /// One that is written when it is needed.
    Rewritten(Rewritten<'a, T>),
}

/// Counts as numbers.
struct Unpack<'a, T> {
    bytes: &'a [u8],
    out: &'a mut Piece<T>,
}

impl<T: Storage> Kernel for Unpack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        for (out, &byte) in self.out.iter_mut().zip(self.bytes) {
            *out = T::from_f32(f32::from(byte));
        }
    }
}

/// A matrix of which every tile is written when it is needed.
pub(super) struct Rewritten<'a, T> {
    pub(super) write: Arc<Rewrite<'a, T>>,
    /// Writes the same in single precision.
    pub(super) rough: Arc<Rewrite<'a, f32>>,
    pub(super) n_rows: usize,
    pub(super) n_columns: usize,
    /// Columns that may be asked for alone.
    pub(super) together: usize,
}

impl<'a, T: Storage> Rewritten<'a, T> {
    /// Columns that are worked on while they are in cache.
    const GROUP: usize = 64;

    /// Writes some columns of the tile that starts at row `first`.
    pub(super) fn tile(&self, first: usize, columns: Range<usize>, tile: &mut Vec<T>) {
        self.tile_by(&*self.write, first, columns, tile);
    }

    /// The same in single precision.
    pub(super) fn rough_tile(&self, first: usize, columns: Range<usize>, tile: &mut Vec<f32>) {
        self.tile_by(&*self.rough, first, columns, tile);
    }

    fn tile_by<U: Real>(
        &self,
        write: &Rewrite<'a, U>,
        first: usize,
        columns: Range<usize>,
        tile: &mut Vec<U>,
    ) {
        tile.resize(TILE_ROWS * columns.len(), U::ZERO);
        let end = (first + TILE_ROWS).min(self.n_rows);
        if end < first + TILE_ROWS {
            tile.fill(U::ZERO);
        }
        write(first..end, columns, tile);
    }

    /// The columns in groups that stay in cache.
    pub(super) fn groups(&self) -> impl Iterator<Item = Range<usize>> {
        let n = Self::GROUP.div_ceil(self.together.max(1)) * self.together.max(1);
        let n_columns = self.n_columns;
        (0..n_columns).step_by(n).map(move |first| first..n_columns.min(first + n))
    }
}

impl<'a, T: Storage> Array<'a, T> {
    pub(super) fn numbers(spare: &Spare<T>, host: &[f64]) -> Self {
        let mut values = spare.buffer(host.len());
        values.iter_mut().zip(host).for_each(|(to, &x)| *to = T::from_f64(x));
        Self { kept: Kept::Tiles(values), n_columns: 1 }
    }

    pub(super) fn own_numbers(spare: &Spare<T>, numbers: &[T]) -> Self {
        let mut values = spare.buffer(numbers.len());
        values.copy_from_slice(numbers);
        Self { kept: Kept::Tiles(values), n_columns: 1 }
    }

    /// Reads a matrix in place, or writes it out where that is better: what fits into cache is read often, and `f64` is
    /// twice as much to read as `f32`. Products with several targets make every tile anew in each pass, which takes
    /// less time than fresh memory for all of them unless there are many passes.
    pub(super) fn in_place(spare: &Spare<T>, level: Level, rows: HostRows<'a>) -> Self {
        let n_columns = rows.shift.len();
        let n_rows = rows.runs.last().map_or(0, |run| run.used + run.len);
        if n_rows * n_columns <= MOST_WRITTEN_OUT || !T::reads(&rows.values) {
            return Self::written(spare, n_rows, n_columns, &|span, out| {
                for (tile, out) in out.chunks_mut(TILE_ROWS * n_columns).enumerate() {
                    standardise_tile(level, &rows, span.start + tile * TILE_ROWS, out);
                }
            });
        }
        Self::of_rows(rows)
    }

    /// Counts.
    pub(super) fn bytes(n_columns: usize, tiles: Arc<Vec<u8>>) -> Self {
        Self { n_columns, kept: Kept::Bytes(tiles) }
    }

    /// A column of the tile that starts at row `first`, of a matrix that is stored.
    pub(super) fn piece<'t>(
        &'t self,
        level: Level,
        first: usize,
        column: usize,
        scratch: &'t mut Piece<T>,
    ) -> &'t Piece<T> {
        if let Kept::Bytes(tiles) = &self.kept {
            let place = first * self.n_columns + column * TILE_ROWS;
            run(level, Unpack { bytes: &tiles[place..place + TILE_ROWS], out: scratch });
            return scratch;
        }
        self.stored(first).as_chunks().0.get(column).unwrap_or(scratch)
    }

    /// A matrix that is written again and again.
    pub(super) fn rewritten(matrix: Rewritten<'a, T>) -> Self {
        Self { n_columns: matrix.n_columns, kept: Kept::Rewritten(matrix) }
    }

    /// A matrix that stays where it is.
    pub(super) fn of_rows(rows: HostRows<'a>) -> Self {
        let near_zero = is_near_zero(&rows);
        Self { n_columns: rows.shift.len(), kept: Kept::Rows(rows, near_zero) }
    }

    /// A matrix whose tiles `fill` writes into zeros.
    pub(super) fn filled(spare: &Spare<T>, n_rows: usize, n_columns: usize, fill: &Fill<T>) -> Self {
        Self::written(spare, n_rows, n_columns, &|rows, out| {
            out.fill(T::ZERO);
            fill(rows, out);
        })
    }

    /// A matrix whose tiles `write` writes from end to end.
    fn written(spare: &Spare<T>, n_rows: usize, n_columns: usize, write: &Fill<T>) -> Self {
        let mut all = spare.buffer(n_rows.div_ceil(TILE_ROWS) * TILE_ROWS * n_columns);
        let values: &mut [T] = &mut all;
        let fill_tiles = |(run, out): (usize, &mut [T])| {
            let first = run * FILL_TILES * TILE_ROWS;
            write(first..(first + FILL_TILES * TILE_ROWS).min(n_rows), out);
        };
        if n_columns > 0 && values.len() < SMALL {
            values.chunks_mut(FILL_TILES * TILE_ROWS * n_columns).enumerate().for_each(fill_tiles);
        } else if n_columns > 0 {
            values.par_chunks_mut(FILL_TILES * TILE_ROWS * n_columns).enumerate().for_each(fill_tiles);
        }
        Self { kept: Kept::Tiles(all), n_columns }
    }

    /// Columns of the matrix.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Uploaded numbers; none for a matrix in place.
    pub(super) fn as_numbers(&self) -> &[T] {
        match &self.kept {
            Kept::Tiles(values) => values,
            Kept::Rows(..) | Kept::Bytes(_) | Kept::Rewritten(..) => &[],
        }
    }

    /// The stored tile that starts at row `first`; empty for a matrix in place.
    pub(super) fn stored(&self, first: usize) -> &[T] {
        match &self.kept {
            Kept::Tiles(values) => &values[first * self.n_columns..(first + TILE_ROWS) * self.n_columns],
            Kept::Rows(..) | Kept::Bytes(_) | Kept::Rewritten(..) => &[],
        }
    }

    /// Writes rows of a matrix that lies here in tiles, the first of them a multiple of [`TILE_ROWS`], into such tiles of
    /// other numbers.
    pub fn write_tiles<U: Real>(&self, rows: &Range<usize>, out: &mut [U]) {
        if let Kept::Tiles(values) = &self.kept {
            let values = &values[rows.start * self.n_columns..];
            out.iter_mut().zip(values).for_each(|(out, x)| *out = U::from_f64(x.to_f64()));
        }
    }

    /// Whether it lies here in tiles.
    pub fn is_in_tiles(&self) -> bool {
        matches!(self.kept, Kept::Tiles(_))
    }

    /// The matrix in place, if its raw numbers may be multiplied.
    pub(super) fn raw_rows(&self) -> Option<&HostRows<'a>> {
        match &self.kept {
            Kept::Rows(rows, true) => Some(rows),
            _ => None,
        }
    }

    /// The rows of the tile that starts at row `first`, centred and scaled, one after the other, if the matrix is in
    /// place: written into the scratch unless they are there already.
    pub(super) fn row_tile<'t>(
        &'t self,
        level: Level,
        first: usize,
        scratch: &'t mut Rebuilt<T>,
    ) -> Option<&'t [T]> {
        let Kept::Rows(rows, _) = &self.kept else { return None };
        let this = Some((std::ptr::from_ref(rows).addr(), first));
        if scratch.of != this {
            standardise_rows(level, rows, first, &mut scratch.tile);
            scratch.of = this;
        }
        Some(&scratch.tile)
    }

    /// The matrix that is written again and again, if it is one.
    pub(super) fn as_rewritten(&self) -> Option<&Rewritten<'a, T>> {
        if let Kept::Rewritten(matrix) = &self.kept { Some(matrix) } else { None }
    }

    /// The tile that starts at row `first`: stored, or written into the scratch unless it is there already.
    pub(super) fn tile<'t>(&'t self, level: Level, first: usize, scratch: &'t mut Rebuilt<T>) -> &'t [T] {
        match &self.kept {
            Kept::Tiles(..) | Kept::Bytes(_) => self.stored(first),
            Kept::Rows(rows, _) => {
                let this = Some((std::ptr::from_ref(rows).addr(), first));
                if scratch.of != this {
                    scratch.tile.resize(TILE_ROWS * self.n_columns, T::ZERO);
                    standardise_tile(level, rows, first, &mut scratch.tile);
                    scratch.of = this;
                }
                &scratch.tile
            }
            Kept::Rewritten(matrix) => {
                let this = Some((Arc::as_ptr(&matrix.write).addr(), first));
                if scratch.of != this {
                    matrix.tile(first, 0..self.n_columns, &mut scratch.tile);
                    scratch.of = this;
                }
                &scratch.tile
            }
        }
    }
}
