//! Channels that are convolved as they are: nothing is written out but a linear predictor and one sum per lag.
//!
//! One filter per channel takes the place of all functions, and one sum per lag that of all columns, so an evaluation
//! costs what one function costs. Residuals wait until there are enough of them to keep the sums of a channel in registers
//! for a while, or to fill the blocks of a transform; blocks at the border of two runs of tiles are done by both.

use std::ops::Range;
use std::sync::{Arc, Weak};

use super::convolution::convolve_events::convolve_events;
use super::convolution::correlate_events::{Residuals, correlate_events};
use super::convolution::events::EventChannels;
use super::convolution::filters::Filters;
use super::convolution::lags::{GAP_ROWS, Lags, are_near};
use super::convolution::spectra::{ChannelSpectra, Spectra, SpectraScratch};
use super::convolution::transforms::block_rows;
use super::simd::Level;
use super::{Storage, Worker};
use crate::backend::{HostChannels, HostSignals, Into, Run, runs_within};

/// Channels and the rows that see them.
pub struct Signals<T>(Arc<Held<T>>);

struct Held<T> {
    runs: Arc<[Run]>,
    lags: Lags,
    form: Form<T>,
}

enum Form<T> {
    Events(Arc<EventChannels>),
    /// Blocks of rows as spectra, and the first used row of each.
    Spectra(Spectra<T>, Vec<usize>),
}

/// Used rows that lie one after the other in the grid: their places among those at hand, and their first row.
type Stretch = (Range<usize>, usize);

/// Scratch for used rows of the grid and those between them.
#[derive(Debug, Default)]
pub(super) struct Between<T> {
    stretches: Vec<Stretch>,
    /// Linear predictors of all of them.
    all: Vec<T>,
}

/// A block of rows of the linear predictor that was computed ahead.
#[derive(Debug)]
pub(super) struct Ahead<T> {
    /// The channels, the block and where it goes.
    of: (usize, usize, Into),
    values: Vec<T>,
    scratch: SpectraScratch<T>,
}

impl<T: Storage> Signals<T> {
    pub(super) fn new(host: HostSignals) -> Self {
        let HostSignals { lags, runs, channels } = host;
        let form = match channels {
            HostChannels::Events(events) => Form::Events(events),
            HostChannels::Samples(channels) => {
                let most = block_rows(lags.window_bins);
                let (mut blocks, mut used) = (Vec::new(), Vec::new());
                for run in runs {
                    for done in (0..run.len).step_by(most) {
                        blocks.push(run.row + done..run.row + run.len.min(done + most));
                        used.push(run.used + done);
                    }
                }
                Form::Spectra(Spectra::new(lags, most, blocks, &channels), used)
            }
        };
        Self(Arc::new(Held { runs: runs.into(), lags, form }))
    }

    /// Which channels these are.
    fn identity(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Filters and the constant after them, as the kernels want them.
    pub(super) fn filters(&self, taps: &[f64], shift: f64) -> Vec<T> {
        let filters = Filters::<T>::new(self.0.lags, taps);
        let mut numbers = match &self.0.form {
            Form::Events(_) => filters.padded().to_vec(),
            Form::Spectra(spectra, _) => spectra.of_filters(&filters).into_numbers(),
        };
        numbers.push(T::from_f64(shift));
        numbers
    }
}

impl<T> Held<T> {
    /// The stretches of `used` rows, by their places in `used`.
    fn stretches(&self, used: Range<usize>) -> impl Iterator<Item = Stretch> {
        let start = used.start;
        let stretch = move |run: Run| (run.used - start..run.used - start + run.len, run.row);
        runs_within(&self.runs, used).map(stretch)
    }
}

/// Stretches that follow each other in the grid with at most `gap` rows between two.
fn near(stretches: &[Stretch], gap: usize) -> impl Iterator<Item = &[Stretch]> {
    stretches.chunk_by(move |(places, row), (_, next)| are_near(row + places.len(), *next, gap))
}

/// The rows of the grid from the first to the last of near stretches.
fn rows_of(stretches: &[Stretch]) -> Range<usize> {
    let start = stretches.first().map_or(0, |(_, row)| *row);
    start..stretches.last().map_or(0, |(places, row)| row + places.len())
}

/// `eta += ` the channels convolved with their filters, less a constant.
pub(super) fn convolve<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    rows: Range<usize>,
    x: &Signals<T>,
    filters: &[T],
    into: Into,
) {
    let Some((&shift, filters)) = filters.split_last() else { return };
    let n = rows.len();
    work.row_vector(into)[..n].iter_mut().for_each(|eta| *eta -= shift);
    match &x.0.form {
        Form::Events(events) => {
            let Between { mut stretches, mut all } = std::mem::take(&mut work.between);
            stretches.clear();
            stretches.extend(x.0.stretches(rows));
            let eta = work.row_vector(into);
            for near in near(&stretches, GAP_ROWS) {
                if let [(places, row)] = near {
                    convolve_events(level, events, filters, *row, &mut eta[places.clone()]);
                    continue;
                }
                let rows = rows_of(near);
                all.clear();
                all.resize(rows.len(), T::ZERO);
                convolve_events(level, events, filters, rows.start, &mut all);
                for (places, row) in near {
                    let values = &all[row - rows.start..];
                    eta[places.clone()].iter_mut().zip(values).for_each(|(eta, &value)| *eta += value);
                }
            }
            work.between = Between { stretches, all };
        }
        Form::Spectra(spectra, used) => {
            let mut block = used.partition_point(|&first| first <= rows.start) - 1;
            while block < used.len() && used[block] < rows.end {
                let (first, len) = (used[block], spectra.blocks()[block].len());
                let Worker { ahead, eta, direction, .. } = work;
                let values = computed(level, ahead, (x.identity(), block, into), spectra, filters);
                let common = first.max(rows.start)..(first + len).min(rows.end);
                let eta = if into == Into::Eta { eta } else { direction };
                let eta = &mut eta[common.start - rows.start..common.end - rows.start];
                let values = &values[common.start - first..common.end - first];
                eta.iter_mut().zip(values).for_each(|(eta, &value)| *eta += value);
                block += 1;
            }
        }
    }
}

/// The values of a block, kept until another block of the same channels is wanted.
fn computed<'w, T: Storage>(
    level: Level,
    ahead: &'w mut Vec<Ahead<T>>,
    of: (usize, usize, Into),
    spectra: &Spectra<T>,
    filters: &[T],
) -> &'w [T] {
    let same = |ahead: &Ahead<T>| (ahead.of.0, ahead.of.2) == (of.0, of.2);
    let place = ahead.iter().position(same).unwrap_or(ahead.len());
    if place == ahead.len() {
        ahead.push(Ahead { of: (of.0, usize::MAX, of.2), values: Vec::new(), scratch: spectra.scratch() });
    }
    let ahead = &mut ahead[place];
    if ahead.of != of {
        ahead.of = of;
        ahead.values.clear();
        ahead.values.resize(spectra.blocks()[of.1].len(), T::ZERO);
        spectra.convolve(level, of.1, filters, &mut ahead.scratch, &mut ahead.values);
    }
    &ahead.values
}

/// Residuals of used rows that wait to be correlated with channels.
pub(super) struct Pending<T: Storage> {
    level: Level,
    /// The channels, which are not kept alive: scratch outlives the fit that it was made for.
    of: Weak<Held<T>>,
    /// Used rows and their residuals.
    rows: Vec<Range<usize>>,
    residuals: Vec<T>,
    padded: Residuals<T>,
    /// Sums of a run of tiles that are still spectra.
    spectra: Option<(ChannelSpectra<T>, SpectraScratch<T>)>,
}

impl<T: Storage> std::fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl<T: Storage> Pending<T> {
    pub(super) fn new(level: Level, signals: &Signals<T>) -> Self {
        let padded = Residuals::new(signals.0.lags);
        let spectra = match &signals.0.form {
            Form::Events(_) => None,
            Form::Spectra(spectra, _) => Some((spectra.no_sums(), spectra.scratch())),
        };
        let of = Arc::downgrade(&signals.0);
        Self { level, of, rows: Vec::new(), residuals: Vec::new(), padded, spectra }
    }

    pub(super) fn is_of(&self, signals: &Signals<T>) -> bool {
        self.of.as_ptr().addr() == signals.identity()
    }

    pub(super) fn reset(&mut self) {
        self.rows.clear();
        self.residuals.clear();
    }

    /// Takes the residuals of the used rows from `first` on.
    pub(super) fn push(&mut self, first: usize, residuals: &[T]) {
        let end = first + residuals.len();
        match self.rows.last_mut() {
            Some(last) if last.end == first => last.end = end,
            _ => self.rows.push(first..end),
        }
        self.residuals.extend_from_slice(residuals);
    }

    /// Correlates what waits with events. Blocks of transforms go on waiting.
    pub(super) fn flush(&mut self, totals: &mut [f64]) {
        let Some(signals) = self.of.upgrade() else { return };
        let Form::Events(events) = &signals.form else { return };
        let mut rest = self.residuals.as_slice();
        for used in &self.rows {
            let (own, others) = rest.split_at(used.len());
            rest = others;
            let stretches: Vec<Stretch> = signals.stretches(used.clone()).collect();
            for near in near(&stretches, GAP_ROWS.max(signals.lags.window_bins)) {
                let stretches = near.iter().map(|(places, row)| (*row, &own[places.clone()]));
                self.padded.set(rows_of(near), stretches);
                let channels = totals.chunks_mut(signals.lags.window_bins);
                for (events, sums) in events.channels().iter().zip(channels) {
                    correlate_events(self.level, events, &self.padded, sums);
                }
            }
        }
        self.reset();
    }

    /// The end of a run of tiles.
    pub(super) fn close(&mut self, totals: &mut [f64]) {
        let Some(signals) = self.of.upgrade() else { return };
        let (Form::Spectra(spectra, first_used), Some((sums, scratch))) = (&signals.form, &mut self.spectra)
        else {
            return;
        };
        let mut block_residuals: Vec<T> = Vec::new();
        let mut rest = self.residuals.as_slice();
        for used in &self.rows {
            let (own, others) = rest.split_at(used.len());
            rest = others;
            let mut block = first_used.partition_point(|&first| first <= used.start) - 1;
            while block < first_used.len() && first_used[block] < used.end {
                let (first, len) = (first_used[block], spectra.blocks()[block].len());
                let common = first.max(used.start)..(first + len).min(used.end);
                block_residuals.clear();
                block_residuals.resize(len, T::ZERO);
                block_residuals[common.start - first..common.end - first]
                    .copy_from_slice(&own[common.start - used.start..common.end - used.start]);
                spectra.correlate(self.level, block, &block_residuals, scratch, sums);
                block += 1;
            }
        }
        spectra.add_lags(sums, totals);
        self.reset();
    }
}

/// Hands the residuals of a tile to the sums.
pub(super) fn correlate<T: Storage>(
    level: Level,
    work: &mut Worker<T>,
    rows: Range<usize>,
    x: &Signals<T>,
    sums: usize,
) {
    let Worker { residual, sums: all, .. } = work;
    if let Some(pending) = all[sums].pending(level, x) {
        pending.push(rows.start, &residual[..rows.len()]);
    }
}

/// Rows of a run of tiles that make the work of its borders small.
pub fn grain(lags: Lags, channels: &HostChannels) -> usize {
    match channels {
        HostChannels::Events(_) => 4 * block_rows(lags.window_bins),
        HostChannels::Samples(_) => 16 * block_rows(lags.window_bins),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cpu;
    use super::super::convolution::events::Events;
    use super::*;
    use crate::backend::{Backend, Every, Sweep};

    #[test]
    fn scratch_keeps_no_channels_alive() {
        let lags = Lags { window_bins: 10, shift: -1 };
        let counts: Vec<f64> = (0..5000).map(|bin| f64::from(bin % 7 == 0)).collect();
        let events = EventChannels::new(lags, vec![Events::from_counts(&counts).unwrap()]);
        let events = Arc::new(events);
        let kept = Arc::downgrade(&events);
        let on = Cpu::<f32>::default();
        let runs = [Run { used: 0, row: 10, len: 4990 }];
        let host = HostSignals { lags, runs: &runs, channels: HostChannels::Events(events) };
        let signals = on.signals(host).unwrap();
        let sweep =
            Sweep { n_rows: 4990, n_columns: 1, grain: 0, every: Every::ROW, alone: true, targets: &[0] };
        let correlate = |work: &mut Worker<f32>, rows: Range<usize>| {
            work.residual.fill(1.0);
            on.correlate(work, rows, &signals, 0);
            Ok(())
        };
        let sums = on.pass(sweep, &[10], &correlate).unwrap();
        assert!(sums[0].iter().all(|&sum| (sum - 713.0).abs() <= 1.0), "{sums:?}");
        drop(signals);
        assert!(kept.upgrade().is_none(), "the worker that waits for the next pass holds them");
    }
}
