//! Convolved columns, centred and scaled: what they are, and how rows of them are written.

use std::ops::Range;

use rayon::prelude::*;

use super::convolution::{Convolved, spans};
use super::rows::Rows;
use crate::backend::HostColumns;
use crate::backend::cpu::TILE_ROWS;
use crate::backend::cpu::convolution::build_features::{FeatureBuilder, Span};
use crate::backend::cpu::convolution::scale::scale;
use crate::backend::cpu::convolution::transforms::Fourier;
use crate::backend::cpu::simd::Level;
use crate::math::dense::Matrix;
use crate::math::whitening::Whitening;

/// Tiles of rows by which columns are whitened, and those of one thread.
const SEEN_TILES: usize = 32;
const PIECE_TILES: usize = 4;

/// Some columns of the channels of a source.
#[derive(Clone, Debug)]
pub(super) struct ConvolvedColumns<'a> {
    pub(super) x: Convolved<'a>,
    /// Which columns.
    pub(super) columns: Vec<usize>,
    /// Subtracted from each channel before anything else.
    pub(super) offsets: Vec<f64>,
    /// The largest that the terms of a column can add up to, in its deviations.
    pub(super) largest_terms: f64,
    /// Means of the columns, of channels less their offsets.
    pub(super) mean: Vec<f64>,
    /// 0 for a constant column.
    pub(super) inverse_sd: Vec<f64>,
    /// Where the columns of a channel are replaced by others on the backend.
    pub(super) whitening: Vec<Whitening>,
}

/// Writes rows of the columns.
pub(super) struct Writer<'a, T> {
    builder: FeatureBuilder<'a, T>,
    spans: Vec<Span>,
    /// Which columns, unless it is all of them.
    columns: Option<Vec<usize>>,
    /// Mean and inverse deviation of each.
    scaling: Vec<(T, T)>,
}

impl<'a> ConvolvedColumns<'a> {
    /// What they are, for a backend that computes them itself.
    pub(super) fn on_host(&self) -> HostColumns<'_> {
        HostColumns {
            functions: self.x.functions().view(),
            columns: &self.columns,
            mean: &self.mean,
            inverse_sd: &self.inverse_sd,
            whitening: &self.whitening,
        }
    }

    /// Replaces the columns of each channel by others that are hardly correlated, as some of the rows show them: in double
    /// precision, before anything is rounded. Those of neighbouring functions on one channel are often so much alike that
    /// single precision could not tell them apart afterwards.
    pub(super) fn whiten(&mut self, level: Level, rows: &Rows) {
        let mut channels: Vec<Range<usize>> = Vec::new();
        for (k, &column) in self.columns.iter().enumerate() {
            match channels.last_mut() {
                Some(own) if self.x.channel_of(self.columns[own.start]) == self.x.channel_of(column) => {
                    own.end = k + 1;
                }
                _ => channels.push(k..k + 1),
            }
        }
        let grams = self.grams(&channels, level, rows);
        self.whitening =
            channels.into_iter().zip(&grams).map(|(own, gram)| Whitening::new(own, gram)).collect();
    }

    /// The Gram of each of these runs of columns over some of the rows.
    fn grams(&self, runs: &[Range<usize>], level: Level, rows: &Rows) -> Vec<Matrix> {
        let n_columns = self.columns.len();
        let n_tiles = rows.len().div_ceil(TILE_ROWS);
        let tiles: Vec<usize> = (0..n_tiles).step_by((n_tiles / SEEN_TILES).max(1)).collect();
        let writer = self.writer::<f64>(level, rows, true);
        let of_piece = |tiles: &[usize]| {
            let mut values = vec![0.0; TILE_ROWS * n_columns];
            let mut grams: Vec<Matrix> =
                runs.iter().map(|own| Matrix::zeros((own.len(), own.len()))).collect();
            for &tile in tiles {
                let first = tile * TILE_ROWS;
                values.fill(0.0);
                writer.write(first..rows.len().min(first + TILE_ROWS), &mut values, n_columns, 0);
                for (own, gram) in runs.iter().zip(&mut grams) {
                    let columns = &values[own.start * TILE_ROWS..own.end * TILE_ROWS];
                    let columns: Vec<&[f64]> = columns.chunks(TILE_ROWS).collect();
                    for ((i, j), sum) in gram.indexed_iter_mut().filter(|((i, j), _)| j <= i) {
                        *sum += columns[i].iter().zip(columns[j]).map(|(a, b)| a * b).sum::<f64>();
                    }
                }
            }
            grams
        };
        let parts: Vec<Vec<Matrix>> = tiles.par_chunks(PIECE_TILES).map(of_piece).collect();
        let mut parts = parts.into_iter();
        let mut total = parts.next().unwrap_or_default();
        for part in parts {
            total.iter_mut().zip(&part).for_each(|(total, part)| *total += part);
        }
        let n_seen: usize = tiles.iter().map(|tile| (rows.len() - tile * TILE_ROWS).min(TILE_ROWS)).sum();
        total.iter_mut().for_each(|gram| *gram /= n_seen as f64);
        total
    }

    /// What writes the used rows, in numbers of a backend; without transforms if it is to write single tiles.
    pub(super) fn writer<T: Fourier>(&self, level: Level, rows: &Rows, by_tile: bool) -> Writer<'a, T> {
        let builder = self.x.builder(level, &self.offsets, by_tile);
        let is_all = self.columns.iter().copied().eq(0..self.x.n_columns());
        let factors = self.mean.iter().zip(&self.inverse_sd);
        Writer {
            builder,
            spans: spans(rows.runs()),
            columns: (!is_all).then(|| self.columns.clone()),
            scaling: factors.map(|(&mean, &factor)| (T::from_f64(mean), T::from_f64(factor))).collect(),
        }
    }
}

impl<T: Fourier> Writer<'_, T> {
    /// Columns that [`Writer::write_some`] can write alone.
    pub(super) fn together(&self) -> usize {
        if self.columns.is_some() { self.scaling.len() } else { self.builder.n_functions() }
    }

    /// Writes some columns, whole groups of [`Writer::together`], into tiles of these columns.
    pub(super) fn write_some(&self, rows: Range<usize>, columns: &Range<usize>, tiles: &mut [T]) {
        if self.columns.is_some() || columns.len() == self.scaling.len() {
            return self.write(rows, tiles, columns.len(), 0);
        }
        let k = self.builder.n_functions();
        let channels = columns.start / k..columns.end / k;
        self.builder.write_some(&channels, &self.spans, rows.start, tiles);
        standardise(self.builder.level(), &self.scaling[columns.clone()], &rows, tiles, columns.len(), 0);
    }

    /// Writes `rows` (the first a multiple of 256) into tiles with `n_tile_columns` columns, from column `first` on.
    pub(super) fn write(&self, rows: Range<usize>, tiles: &mut [T], n_tile_columns: usize, first: usize) {
        match &self.columns {
            None => self.builder.write_tiles(&self.spans, rows.start, tiles, n_tile_columns, first),
            Some(columns) => {
                let n_all = self.builder.n_columns();
                let mut all = vec![T::ZERO; tiles.len() / n_tile_columns * n_all];
                self.builder.write_tiles(&self.spans, rows.start, &mut all, n_all, 0);
                let pairs = tiles.chunks_mut(TILE_ROWS * n_tile_columns).zip(all.chunks(TILE_ROWS * n_all));
                for (tile, all) in pairs {
                    for (k, column) in columns.iter().enumerate() {
                        tile[(first + k) * TILE_ROWS..(first + k + 1) * TILE_ROWS]
                            .copy_from_slice(&all[column * TILE_ROWS..(column + 1) * TILE_ROWS]);
                    }
                }
            }
        }
        standardise(self.builder.level(), &self.scaling, &rows, tiles, n_tile_columns, first);
    }
}

/// Centres and scales columns of tiles from column `first` on.
fn standardise<T: Fourier>(
    level: Level,
    scaling: &[(T, T)],
    rows: &Range<usize>,
    tiles: &mut [T],
    n_tile_columns: usize,
    first: usize,
) {
    for (start, tile) in rows.clone().step_by(TILE_ROWS).zip(tiles.chunks_mut(TILE_ROWS * n_tile_columns)) {
        let n = (rows.end - start).min(TILE_ROWS);
        let pieces = tile.chunks_mut(TILE_ROWS).skip(first);
        for (piece, &(mean, factor)) in pieces.zip(scaling) {
            scale(level, &mut piece[..n], mean, factor);
        }
    }
}
