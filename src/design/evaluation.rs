//! Channels seen through bases, value by value, as columns that are not written out.
//!
//! What is kept is one number per bin and signal. A tile of columns is computed from it whenever one is wanted, so
//! memory does not grow with the number of functions, nor with their products. Unlike convolved columns these have no
//! filters that would take their place: every product writes the tile, in cache, and forgets it.

use std::ops::Range;

use ndarray::{Array2, ShapeBuilder};

use super::rows::Rows;
use crate::backend::cpu::TILE_ROWS;
use crate::basis::{Basis, Composition, Scale};
use crate::math::real::Real;
use crate::{Error, Result};

/// Channels of one grid evaluated by bases: column `c K + i` is function i at the values of channel c,
/// `x[t, c K + i] = b_i(u_c[t])`.
#[derive(Clone, Debug)]
pub struct Evaluation {
    channels: Vec<EvaluatedChannel>,
    /// Per channel, the rows that are NaN.
    unknown: Vec<Vec<Range<usize>>>,
    n_bins: usize,
    n_functions: usize,
}

/// One channel: its bases, and one value per bin for each of their signals, NaN where unknown.
#[derive(Clone, Debug)]
pub struct EvaluatedChannel {
    /// The bases.
    pub bases: Composition,
    /// The values, in the order of the signals of the bases.
    pub inputs: Vec<Vec<f64>>,
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
    /// Those of [`Evaluation::composed`].
    pub fn new(channels: Vec<Vec<f64>>, n_bins: usize, basis: Basis) -> Result<Self> {
        let bases = Composition::new(basis, Scale::unbounded());
        let channel = |values| EvaluatedChannel { bases: bases.clone(), inputs: vec![values] };
        Self::composed(channels.into_iter().map(channel).collect(), n_bins)
    }

    /// Channels of `n_bins` values of each signal.
    ///
    /// # Errors
    /// [`Error::Length`] if a signal has another number of bins, or a channel another number of signals or functions;
    /// [`Error::Empty`] without functions.
    pub fn composed(channels: Vec<EvaluatedChannel>, n_bins: usize) -> Result<Self> {
        let n_functions = channels.first().map_or(0, |channel| channel.bases.n_functions());
        if n_functions == 0 {
            return Err(Error::Empty {
                what: "evaluated columns".into(),
                problem: "there is no function".into(),
                help: "leave the feature out, or give its basis functions".into(),
            });
        }
        for EvaluatedChannel { bases, inputs } in &channels {
            let lengths = inputs.iter().map(|input| ("values of a channel", n_bins, input.len()));
            let counts = [
                ("signals of a channel", bases.n_inputs(), inputs.len()),
                ("functions of a channel", n_functions, bases.n_functions()),
            ];
            for (what, expected, found) in counts.into_iter().chain(lengths) {
                if expected != found {
                    return Err(Error::Length { what: what.into(), expected, found });
                }
            }
        }
        let unknown = channels.iter().map(|channel| channel.unknown(n_bins)).collect();
        Ok(Self { channels, unknown, n_bins, n_functions })
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
        self.n_functions
    }

    /// All columns, written out: shape (bins, columns).
    ///
    /// # Errors
    /// [`Error::Length`] if there are more values than memory can count.
    pub fn written(&self) -> Result<Array2<f64>> {
        let values = self.all().rows(&(0..self.n_bins).collect::<Vec<usize>>());
        let found = values.len();
        Array2::from_shape_vec((self.n_bins, self.n_columns()), values).map_err(|_| Error::Length {
            what: "values of evaluated columns".into(),
            expected: self.n_bins.saturating_mul(self.n_columns()),
            found,
        })
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

impl EvaluatedChannel {
    /// The bins in which its functions are NaN, as ranges.
    fn unknown(&self, n_bins: usize) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for bin in (0..n_bins).filter(|&bin| !self.bases.is_known(bin, &self.inputs)) {
            match runs.last_mut() {
                Some(last) if last.end == bin => last.end += 1,
                _ => runs.push(bin..bin + 1),
            }
        }
        runs
    }
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

    /// The channels from number `first` on.
    pub(super) fn some(&self, channels: Range<usize>) -> Self {
        Self { of: self.of, first: self.first + channels.start, n: channels.len() }
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
        let EvaluatedChannel { bases, inputs } = &self.of.channels[self.first + channel];
        let bins: Vec<usize> = bins.collect();
        let at_bins = |input: &Vec<f64>| -> Vec<f64> { bins.iter().map(|&bin| input[bin]).collect() };
        let inputs: Vec<Vec<f64>> = inputs.iter().map(at_bins).collect();
        let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
        let shape = (bins.len(), self.n_functions()).f();
        // lengths were checked when the channels were put together
        bases.evaluate(&inputs).unwrap_or_else(|_| Array2::from_elem(shape, f64::NAN))
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
