//! Channels seen through a basis, value by value, as columns that are not written out.
//!
//! What is kept is one number per bin and channel, on the scale of the basis. A tile of columns is computed from it
//! whenever one is wanted, so memory does not grow with the number of functions. Unlike convolved columns these have no
//! filters that would take their place: every product writes the tile, in cache, and forgets it.

use std::ops::Range;

use ndarray::{Array2, ShapeBuilder};

use super::rows::Rows;
use crate::backend::cpu::TILE_ROWS;
use crate::basis::{Basis, Expand};
use crate::math::real::Real;
use crate::{Error, Result};

/// Channels of one grid evaluated by a basis: column `c K + i` is function i at the value of channel c,
/// `x[t, c K + i] = b_i(u_c[t])`.
#[derive(Clone, Debug)]
pub struct Evaluation {
    basis: Basis,
    /// On the scale of the basis, NaN where unknown.
    channels: Vec<Vec<f64>>,
    /// Per channel, the rows that are NaN.
    unknown: Vec<Vec<Range<usize>>>,
    n_bins: usize,
}

/// Some neighbouring channels of an [`Evaluation`].
#[derive(Clone, Copy, Debug)]
pub struct Evaluated<'a> {
    of: &'a Evaluation,
    first: usize,
    n: usize,
}

impl Evaluation {
    /// Channels of `n_bins` values each, already on the scale of the basis (0 to 1); a row is unknown where a value is NaN.
    ///
    /// # Errors
    /// [`Error::Length`] if a channel has another number of bins.
    pub fn new(channels: Vec<Vec<f64>>, n_bins: usize, basis: Basis) -> Result<Self> {
        for channel in &channels {
            if channel.len() != n_bins {
                let (expected, found) = (n_bins, channel.len());
                return Err(Error::Length { what: "values of a channel".into(), expected, found });
            }
        }
        let unknown = channels.iter().map(|channel| runs_of_nan(channel)).collect();
        Ok(Self { basis, channels, unknown, n_bins })
    }

    /// Bins of the grid.
    pub fn n_bins(&self) -> usize {
        self.n_bins
    }

    /// Columns of all channels.
    pub fn n_columns(&self) -> usize {
        self.channels.len() * self.n_functions()
    }

    /// Functions per channel.
    pub fn n_functions(&self) -> usize {
        self.basis.n_functions()
    }

    /// The rows in which one of these columns is unknown.
    pub fn unknown(&self, columns: &Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
        let k = self.n_functions();
        self.unknown[columns.start / k..columns.end.div_ceil(k)].iter().flatten().cloned()
    }

    /// All channels.
    pub fn all(&self) -> Evaluated<'_> {
        Evaluated { of: self, first: 0, n: self.channels.len() }
    }

    /// The channels of some columns, which must be all of theirs.
    ///
    /// # Errors
    /// [`Error::Argument`] for columns that are not those of whole channels.
    pub fn columns(&self, columns: &Range<usize>) -> Result<Evaluated<'_>> {
        let channels = super::whole_channels(columns, self.n_functions(), self.channels.len())?;
        Ok(Evaluated { of: self, first: channels.start, n: channels.len() })
    }
}

/// The bins that are NaN, as ranges.
fn runs_of_nan(values: &[f64]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (bin, _) in values.iter().enumerate().filter(|(_, value)| value.is_nan()) {
        match runs.last_mut() {
            Some(last) if last.end == bin => last.end += 1,
            _ => runs.push(bin..bin + 1),
        }
    }
    runs
}

impl Evaluated<'_> {
    /// Bins of the grid.
    pub fn n_bins(&self) -> usize {
        self.of.n_bins
    }

    /// Columns of these channels.
    pub fn n_columns(&self) -> usize {
        self.n * self.n_functions()
    }

    /// Functions per channel.
    pub(super) fn n_functions(&self) -> usize {
        self.of.n_functions()
    }

    /// One value, NaN where unknown.
    ///
    /// # Panics
    /// If there is no such bin or column.
    pub fn get(&self, row: usize, column: usize) -> f64 {
        let k = self.n_functions();
        self.functions(column / k, std::iter::once(row))[(0, column % k)]
    }

    /// One column, bin by bin.
    pub fn column(&self, column: usize) -> Vec<f64> {
        let k = self.n_functions();
        let mut values = Vec::with_capacity(self.n_bins());
        for first in (0..self.n_bins()).step_by(TILE_ROWS) {
            let rows = first..self.n_bins().min(first + TILE_ROWS);
            values.extend(self.functions(column / k, rows).column(column % k));
        }
        values
    }

    /// The values of some bins, row after row.
    pub(super) fn rows(&self, rows: &[usize]) -> Vec<f64> {
        let (k, n_columns) = (self.n_functions(), self.n_columns());
        let mut values = vec![0.0; rows.len() * n_columns];
        for channel in 0..self.n {
            for (rows, out) in rows.chunks(TILE_ROWS).zip(values.chunks_mut(TILE_ROWS * n_columns)) {
                let own = self.functions(channel, rows.iter().copied());
                for (from, out) in own.rows().into_iter().zip(out.chunks_mut(n_columns)) {
                    from.iter().zip(&mut out[channel * k..]).for_each(|(&x, out)| *out = x);
                }
            }
        }
        values
    }

    /// Adds `sum_j x_ij w_j` of neighbouring bins to `eta`; NaN where a value is.
    pub(super) fn add_product(&self, rows: Range<usize>, weights: &[f64], eta: &mut [f64]) {
        for (first, eta) in rows.clone().step_by(TILE_ROWS).zip(eta.chunks_mut(TILE_ROWS)) {
            for (channel, weights) in weights.chunks(self.n_functions()).enumerate().take(self.n) {
                let own = self.functions(channel, first..rows.end.min(first + TILE_ROWS));
                for (column, w) in own.columns().into_iter().zip(weights) {
                    eta.iter_mut().zip(column).for_each(|(eta, x)| *eta += w * x);
                }
            }
        }
    }

    /// The functions of one channel at some bins, shape (bins, functions), column after column.
    fn functions(&self, channel: usize, bins: impl Iterator<Item = usize>) -> Array2<f64> {
        let values = &self.of.channels[self.first + channel];
        let u: Vec<f64> = bins.map(|bin| values[bin]).collect();
        let mut x = Array2::zeros((u.len(), self.n_functions()).f());
        if self.of.basis.expand(&u, &mut x).is_err() {
            x.fill(f64::NAN);
        }
        x
    }
}

/// Some columns of evaluated channels, centred and scaled.
#[derive(Clone, Debug)]
pub(super) struct EvaluatedColumns<'a> {
    pub(super) x: Evaluated<'a>,
    /// Which columns.
    pub(super) columns: Vec<usize>,
    /// Mean of each, and one over its deviation: 0 for a constant column.
    pub(super) scaling: Vec<(f64, f64)>,
}

impl EvaluatedColumns<'_> {
    /// Columns that can be written alone.
    pub(super) fn together(&self) -> usize {
        let is_all = self.columns.iter().copied().eq(0..self.x.n_columns());
        if is_all { self.x.n_functions() } else { self.columns.len() }
    }

    /// Writes the used rows number `rows` (the first a multiple of 256) of the columns number `which` into tiles with
    /// `n_tile_columns` columns, from column `first` on.
    pub(super) fn write<T: Real>(
        &self,
        used: &Rows,
        rows: &Range<usize>,
        which: Range<usize>,
        tiles: &mut [T],
        n_tile_columns: usize,
        first: usize,
    ) {
        let k = self.x.n_functions();
        for (start, tile) in rows.clone().step_by(TILE_ROWS).zip(tiles.chunks_mut(TILE_ROWS * n_tile_columns))
        {
            let span = start..rows.end.min(start + TILE_ROWS);
            let mut present: Option<(usize, Array2<f64>)> = None;
            let pieces = tile.chunks_exact_mut(TILE_ROWS).skip(first);
            let own = self.columns[which.clone()].iter().zip(&self.scaling[which.clone()]);
            for (out, (column, &(mean, factor))) in pieces.zip(own) {
                let channel = column / k;
                let (_, x) = match present.take().filter(|(of, _)| *of == channel) {
                    Some(same) => present.insert(same),
                    None => present.insert((channel, self.x.functions(channel, used.some(span.clone())))),
                };
                out.iter_mut()
                    .zip(x.column(column % k))
                    .for_each(|(out, x)| *out = T::from_f64((x - mean) * factor));
            }
        }
    }
}
