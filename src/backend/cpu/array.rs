//! Matrices: written out in tiles, or read in place.

use std::ops::Range;

use rayon::prelude::*;

use super::buffer::{Buffer, Spare};
use super::in_place::{is_near_zero, standardise_tile};
use super::simd::Level;
use super::{Rebuilt, Storage, TILE_ROWS};
use crate::backend::{Fill, HostRows};
use crate::math::real::Real;

/// Values below which a matrix is filled by the calling thread.
const SMALL: usize = 300_000;
/// Values up to which a matrix is written out in tiles although it could be read in place: those of a cache.
pub const MOST_WRITTEN_OUT: usize = 1 << 20;

/// Numbers kept by [`super::Cpu`].
#[derive(Debug)]
pub struct Array<'a, T> {
    kept: Kept<'a, T>,
    n_columns: usize,
}

#[derive(Debug)]
enum Kept<'a, T> {
    /// Tiles of [`TILE_ROWS`] rows, one column after the other in each; or plain numbers.
    Tiles(Buffer<T>),
    /// A matrix of the host, and whether its raw numbers may be multiplied.
    Rows(HostRows<'a>, bool),
}

impl<'a, T: Storage> Array<'a, T> {
    pub(super) fn numbers(spare: &Spare<T>, host: &[f64]) -> Self {
        let mut values = spare.buffer(host.len());
        values.iter_mut().zip(host).for_each(|(to, &x)| *to = T::from_f64(x));
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
                standardise_tile(level, &rows, span.start, out);
            });
        }
        Self::of_rows(rows)
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
        let fill_tile = |(tile, out): (usize, &mut [T])| {
            let first = tile * TILE_ROWS;
            write(first..(first + TILE_ROWS).min(n_rows), out);
        };
        if n_columns > 0 && values.len() < SMALL {
            values.chunks_mut(TILE_ROWS * n_columns).enumerate().for_each(fill_tile);
        } else if n_columns > 0 {
            values.par_chunks_mut(TILE_ROWS * n_columns).enumerate().for_each(fill_tile);
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
            Kept::Rows(..) => &[],
        }
    }

    /// The stored tile that starts at row `first`; empty for a matrix in place.
    pub(super) fn stored(&self, first: usize) -> &[T] {
        match &self.kept {
            Kept::Tiles(values) => &values[first * self.n_columns..(first + TILE_ROWS) * self.n_columns],
            Kept::Rows(..) => &[],
        }
    }

    /// Writes rows of a matrix that lies here in tiles, each column into a piece of its own.
    pub fn write_rows<U: Real>(&self, rows: Range<usize>, out: &mut [U]) {
        let Kept::Tiles(values) = &self.kept else { return };
        let length = out.len() / self.n_columns.max(1);
        for (column, out) in out.chunks_exact_mut(length.max(1)).enumerate() {
            for tile in rows.start / TILE_ROWS..rows.end.div_ceil(TILE_ROWS) {
                let first = tile * TILE_ROWS;
                let (start, end) = (rows.start.max(first), rows.end.min(first + TILE_ROWS));
                let piece = &values[(first * self.n_columns + column * TILE_ROWS)..][..TILE_ROWS];
                let out = out[start - rows.start..].iter_mut();
                out.zip(&piece[start - first..end - first])
                    .for_each(|(out, x)| *out = U::from_f64(x.to_f64()));
            }
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

    /// The tile that starts at row `first`: stored, or written into the scratch unless it is there already.
    pub(super) fn tile<'t>(&'t self, level: Level, first: usize, scratch: &'t mut Rebuilt<T>) -> &'t [T] {
        match &self.kept {
            Kept::Tiles(..) => self.stored(first),
            Kept::Rows(rows, _) => {
                let this = Some((std::ptr::from_ref(rows).addr(), first));
                if scratch.of != this {
                    scratch.tile.resize(TILE_ROWS * self.n_columns, T::ZERO);
                    standardise_tile(level, rows, first, &mut scratch.tile);
                    scratch.of = this;
                }
                &scratch.tile
            }
        }
    }
}
