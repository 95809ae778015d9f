//! Convolved columns that are never written out.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut1};

use super::Block;
use super::convolution::Convolved;
use super::convolved_columns::ConvolvedColumns;
use crate::Result;
use crate::backend::{Backend, Into};
use crate::math::whitening::Whitening;

/// A block whose linear predictor and gradient come from the channels themselves: one filter per channel forward, one sum
/// per lag back. Rows are written, tile by tile, only where products of columns with one another are wanted.
///
/// Column j is `(x_j - mean_j) / sd_j`. With `B` the functions, of channel c and its columns
///
/// ```text
/// filter_c[k] = sum_i B[k, i] coef[c, i] / sd[c, i]              shift = sum_j coef_j mean_j / sd_j
/// gradient[c, i] = (sum_k B[k, i] lag_sum_c[k] - mean[c, i] residual_sum) / sd[c, i]
/// ```
///
/// Where others stand for the columns ([`Whitening`]), rows are of those and the rest is translated.
pub struct MatrixFree<'a, B: Backend> {
    x: Convolved<'a>,
    signals: B::Signals,
    rows: B::Array<'a>,
    /// Which columns of the channels these are.
    columns: Vec<usize>,
    /// Of each of them, for channels less their offsets.
    mean: Vec<f64>,
    inverse_sd: Vec<f64>,
    whitening: Vec<Whitening>,
    grain: usize,
}

impl<'a, B: Backend> MatrixFree<'a, B> {
    /// Some columns of channels that the backend has as they are, and as rows that are written when they are needed.
    pub(super) fn new(
        placed: &ConvolvedColumns<'a>,
        signals: B::Signals,
        rows: B::Array<'a>,
        grain: usize,
    ) -> Self {
        let ConvolvedColumns { x, columns, mean, inverse_sd, whitening, .. } = placed.clone();
        Self { x, signals, rows, columns, mean, inverse_sd, whitening, grain }
    }
}

impl<'a, B: Backend> Block<'a, B> for MatrixFree<'a, B> {
    fn n_columns(&self) -> usize {
        self.columns.len()
    }

    fn n_sums(&self) -> usize {
        self.x.channels().len() * self.x.lags().window_bins
    }

    fn grain(&self) -> usize {
        self.grain
    }

    fn stored(&self) -> Option<&B::Array<'a>> {
        Some(&self.rows)
    }

    fn load(&self, on: &B, coef: ArrayView2<f64>) -> Result<B::Array<'static>> {
        let mut all = vec![0.0; self.x.n_columns()];
        let mut shift = 0.0;
        let mut own = coef.column(0).to_vec();
        self.whitening.iter().for_each(|whitening| whitening.inverse_transposed(&mut own));
        for (((&column, w), mean), inverse_sd) in
            self.columns.iter().zip(&own).zip(&self.mean).zip(&self.inverse_sd)
        {
            all[column] += w * inverse_sd;
            shift += w * inverse_sd * mean;
        }
        on.filters(&self.signals, &self.x.filters(&all), shift)
    }

    fn forward(
        &self,
        on: &B,
        work: &mut B::Worker<'a>,
        rows: Range<usize>,
        loaded: &B::Array<'static>,
        into: Into,
    ) {
        on.convolve(work, rows, &self.signals, loaded, into);
    }

    fn backward(&self, on: &B, work: &mut B::Worker<'a>, rows: Range<usize>, sums: usize) {
        on.correlate(work, rows, &self.signals, sums);
    }

    fn write(&self, on: &B, work: &mut B::Worker<'a>, rows: Range<usize>, first: usize) {
        on.copy_rows(work, rows, &self.rows, first);
    }

    fn finish(&self, lag_sums: &[f64], residual_sum: f64, mut gradient: ArrayViewMut1<f64>) {
        let functions = self.x.functions();
        let (window_bins, n_functions) = functions.dim();
        let factors = self.mean.iter().zip(&self.inverse_sd);
        for ((g, &column), (mean, inverse_sd)) in gradient.iter_mut().zip(&self.columns).zip(factors) {
            let own = &lag_sums[column / n_functions * window_bins..][..window_bins];
            let raw: f64 =
                functions.column(column % n_functions).iter().zip(own).map(|(f, sum)| f * sum).sum();
            *g = (raw - mean * residual_sum) * inverse_sd;
        }
        if !self.whitening.is_empty() {
            let mut own = gradient.to_vec();
            self.whitening.iter().for_each(|whitening| whitening.inverse(&mut own));
            gradient.iter_mut().zip(own).for_each(|(g, value)| *g = value);
        }
    }
}
