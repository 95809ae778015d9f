//! What the host has: rows, matrices and channels that a backend takes.

use std::ops::Range;
use std::sync::Arc;

use ndarray::ArrayView2;

use super::cpu::convolution::events::EventChannels;
use super::cpu::convolution::lags::Lags;
use crate::math::whitening::Whitening;

/// A run of used rows that lie one after the other in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first of them among the used rows.
    pub used: usize,
    /// The first of them in the source.
    pub row: usize,
    /// How many.
    pub len: usize,
}

/// The parts of the runs that hold the used rows number `used`.
pub fn runs_within(runs: &[Run], used: Range<usize>) -> impl Iterator<Item = Run> + '_ {
    let first = runs.partition_point(|run| run.used + run.len <= used.start);
    let touched = runs[first..].iter().take_while(move |run| run.used < used.end);
    touched.map(move |run| {
        let (from, to) = (used.start.max(run.used), used.end.min(run.used + run.len));
        Run { used: from, row: run.row + from - run.used, len: to - from }
    })
}

/// Numbers of a matrix on the host, row after row.
#[derive(Clone, Copy, Debug)]
pub enum HostValues<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
}

/// Columns of a matrix on the host, as they are to be seen: `(x - shift) * factor`.
#[derive(Clone, Debug)]
pub struct HostRows<'a> {
    /// The values, `stride` a row.
    pub values: HostValues<'a>,
    /// Values of a row.
    pub stride: usize,
    /// The used rows.
    pub runs: &'a [Run],
    /// Subtracted from each column.
    pub shift: Vec<f64>,
    /// Multiplies each column.
    pub factor: Vec<f64>,
}

/// Channels of the host and the window through which rows see them.
#[derive(Clone, Debug)]
pub struct HostSignals<'a> {
    /// The window.
    pub lags: Lags,
    /// The used rows, complete for the window.
    pub runs: &'a [Run],
    /// The channels.
    pub channels: HostChannels<'a>,
}

/// Columns of channels that are convolved with functions, centred and scaled: they, or those in terms of which they are given.
#[derive(Clone, Copy, Debug)]
pub struct HostColumns<'a> {
    /// Shape (lags, functions).
    pub functions: ArrayView2<'a, f64>,
    /// Which columns: function i of channel c is number `c K + i` of K functions.
    pub columns: &'a [usize],
    /// Subtracted from each.
    pub mean: &'a [f64],
    /// Multiplies each.
    pub inverse_sd: &'a [f64],
    /// Where columns are replaced by others: those `z` with `x = L z`.
    pub whitening: &'a [Whitening],
}

/// Values of channels, bin by bin.
#[derive(Clone, Debug)]
pub enum HostChannels<'a> {
    /// Spike trains.
    Events(Arc<EventChannels>),
    /// Analogue signals, finite where rows use them, and what is subtracted from each.
    Samples(Vec<(&'a [f64], f64)>),
}
