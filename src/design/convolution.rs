//! Channels seen through the functions of a window, as columns that are not written out.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, ArrayViewMut2};

use super::Values;
use super::course::Course;
use super::rows::Rows;
use super::shared_events::SharedEvents;
use crate::backend::cpu::convolution::build_features::{Channel, FeatureBuilder, Span};
use crate::backend::cpu::convolution::cost::{Method, Task};
use crate::backend::cpu::convolution::events::{EventChannels, Events, MERGED_BYTES};
use crate::backend::cpu::convolution::filters::Filters;
use crate::backend::cpu::convolution::lags::Lags;
use crate::backend::cpu::convolution::transforms::{Fourier, block_rows, numbers_of_a_block};
use crate::backend::cpu::simd::Level;
use crate::backend::cpu::speeds::Speeds;
use crate::backend::{HostChannels, Run};
use crate::{Error, Result};

/// Channels of one grid convolved with functions: column `c K + i` is function i on channel c,
/// `x[t, c K + i] = sum_k functions[k, i] channel_c[t + shift - k]`.
#[derive(Clone, Debug)]
pub struct Convolution {
    lags: Lags,
    /// Shape (lags, functions).
    functions: Array2<f64>,
    channels: Vec<Course>,
    /// Rows whose window lies in their epoch.
    complete: Vec<Range<usize>>,
    /// Per channel, the rows whose window holds a value that is not finite.
    unknown: Vec<Vec<Range<usize>>>,
    n_bins: usize,
    events: Arc<SharedEvents>,
}

/// Some neighbouring channels of a [`Convolution`].
#[derive(Clone, Copy, Debug)]
pub struct Convolved<'a> {
    of: &'a Convolution,
    first: usize,
    n: usize,
}

impl Convolution {
    /// Channels of `n_bins` bins each; rows whose window leaves its segment are not complete, and those whose window holds
    /// a value that is not finite are unknown.
    ///
    /// # Errors
    /// [`Error::Empty`] without functions or lags, [`Error::NonFinite`] for a tap that is not finite, [`Error::Length`] if
    /// a channel has another number of bins.
    pub fn new(
        mut channels: Vec<Course>,
        n_bins: usize,
        functions: Array2<f64>,
        lags: Lags,
        segments: &[Range<usize>],
    ) -> Result<Self> {
        if functions.is_empty() || functions.nrows() != lags.window_bins {
            return Err(Error::Empty {
                what: "kernel".into(),
                problem: "it has no taps".into(),
                help: "give at least one function of at least one bin".into(),
            });
        }
        if let Some(((row, column), &value)) = functions.indexed_iter().find(|(_, tap)| !tap.is_finite()) {
            return Err(Error::NonFinite { what: "kernel".into(), row, column, value });
        }
        for channel in &channels {
            channel.check(n_bins)?;
        }
        let mut complete: Vec<Range<usize>> = Vec::new();
        for rows in segments.iter().map(|segment| lags.complete_rows(segment)).filter(|rows| !rows.is_empty())
        {
            match complete.last_mut() {
                Some(last) if last.end == rows.start => last.end = rows.end,
                _ => complete.push(rows),
            }
        }
        let unknown = channels.iter_mut().map(|course| course.strike(lags)).collect();
        Ok(Self { lags, functions, channels, complete, unknown, n_bins, events: Arc::default() })
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
        self.functions.ncols()
    }

    /// Rows whose window lies in their epoch.
    pub fn complete(&self) -> &[Range<usize>] {
        &self.complete
    }

    /// The rows in which one of these columns is unknown, although their window lies in their epoch.
    pub fn unknown(&self, columns: &Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
        let k = self.n_functions();
        self.unknown[columns.start / k..columns.end.div_ceil(k)].iter().flatten().cloned()
    }

    /// All channels.
    pub fn all(&self) -> Convolved<'_> {
        Convolved { of: self, first: 0, n: self.channels.len() }
    }

    /// The channels of some columns, which must be all of theirs.
    ///
    /// # Errors
    /// [`Error::Argument`] for columns that are not those of whole channels.
    pub fn columns(&self, columns: &Range<usize>) -> Result<Convolved<'_>> {
        let channels = super::whole_channels(columns, self.n_functions(), self.channels.len())?;
        Ok(Convolved { of: self, first: channels.start, n: channels.len() })
    }

    /// Writes all columns of the complete rows into a matrix (bins, columns) whose rows lie one after the other, NaN where
    /// unknown; other rows are left alone.
    ///
    /// # Errors
    /// [`Error::Length`] for a matrix of another size.
    pub fn write<T: Fourier>(&self, mut out: ArrayViewMut2<T>) -> Result<()> {
        let (expected, found) = (self.n_bins * self.n_columns(), out.len());
        match out.as_slice_mut() {
            Some(rows) if found == expected => {
                let builder = self.all().builder::<T>(Level::best(), &vec![0.0; self.channels.len()], false);
                builder.write_rows(&spans_of(&self.complete), rows, self.n_columns());
                let k = self.n_functions();
                for (channel, unknown) in self.unknown.iter().enumerate() {
                    for row in unknown.iter().flat_map(Range::clone) {
                        let first = row * self.n_columns() + channel * k;
                        rows[first..first + k].fill(T::from_f64(f64::NAN));
                    }
                }
                Ok(())
            }
            _ => Err(Error::Length { what: "values of the matrix of features".into(), expected, found }),
        }
    }
}

/// Every row goes to its own place.
fn spans_of(rows: &[Range<usize>]) -> Vec<Span> {
    rows.iter().map(|rows| Span { to: rows.start, rows: rows.clone() }).collect()
}

/// The used rows as spans.
pub(super) fn spans(runs: &[Run]) -> Vec<Span> {
    runs.iter().map(|run| Span { rows: run.row..run.row + run.len, to: run.used }).collect()
}

impl<'a> Convolved<'a> {
    /// Bins of the grid.
    pub fn n_bins(&self) -> usize {
        self.of.n_bins
    }

    /// Columns of these channels.
    pub fn n_columns(&self) -> usize {
        self.n * self.of.n_functions()
    }

    /// Functions per channel, shape (lags, functions).
    pub(super) fn functions(&self) -> &'a Array2<f64> {
        &self.of.functions
    }

    /// The sum of the taps of a column's function.
    pub(super) fn area(&self, column: usize) -> f64 {
        self.of.functions.column(column % self.of.n_functions()).sum()
    }

    /// The channel of a column.
    pub(super) fn channel_of(&self, column: usize) -> usize {
        column / self.of.n_functions()
    }

    /// The window.
    pub(super) fn lags(&self) -> Lags {
        self.of.lags
    }

    pub(super) fn channels(&self) -> &'a [Course] {
        &self.of.channels[self.first..self.first + self.n]
    }

    /// The channels from number `first` on.
    pub(super) fn some(&self, channels: Range<usize>) -> Self {
        Self { of: self.of, first: self.first + channels.start, n: channels.len() }
    }

    /// What writes the columns, of channels less an offset each (which events do not have); without transforms if it is
    /// to write single tiles.
    pub(super) fn builder<T: Fourier>(
        &self,
        level: Level,
        offsets: &[f64],
        by_tile: bool,
    ) -> FeatureBuilder<'a, T> {
        let lags = self.lags();
        let channel = |(course, &offset): (&'a Course, &f64)| match course {
            Course::Events(events) => Channel::Events(events),
            Course::Samples(x) if by_tile => Channel::Direct(x, offset),
            Course::Samples(x) => {
                Channel::of_samples(level, x, offset, lags.window_bins, self.of.n_functions())
            }
        };
        let channels = self.channels().iter().zip(offsets).map(channel).collect();
        FeatureBuilder::new(level, channels, Filters::new(lags, &by_function(&self.of.functions)))
    }

    /// The first of these rows whose window leaves its epoch or holds a value that is not finite.
    pub(super) fn first_incomplete(&self, rows: &Rows) -> Option<usize> {
        rows.runs().iter().find_map(|run| {
            let own = run.row..run.row + run.len;
            if let Some(first) = self.unknown_near(&own).map(|rows| rows.start).min() {
                return Some(first.max(run.row));
            }
            let after = self.of.complete.partition_point(|rows| rows.end <= run.row);
            match self.of.complete.get(after) {
                Some(rows) if rows.start <= run.row && run.row + run.len <= rows.end => None,
                Some(rows) if rows.start <= run.row => Some(rows.end),
                _ => Some(run.row),
            }
        })
    }

    /// One value: the sum over the window of one row.
    fn value(&self, row: usize, column: usize) -> f64 {
        let k = self.of.n_functions();
        let bins = self.lags().bins(&(row..row + 1));
        let taps = self.of.functions.column(column % k);
        let tap = |bin: usize| taps[bins.end - 1 - bin];
        match &self.channels()[column / k] {
            Course::Samples(x) => bins.clone().map(|bin| tap(bin) * x[bin]).sum(),
            Course::Events(events) => {
                events.within(&bins).iter().map(|e| tap(e.bin as usize) * f64::from(e.count)).sum()
            }
        }
    }

    /// Ranges of rows that meet these rows and in which a channel is unknown although they are complete.
    pub(super) fn unknown_near(&self, rows: &Range<usize>) -> impl Iterator<Item = &'a Range<usize>> {
        let (start, end) = (rows.start, rows.end);
        let channels = &self.of.unknown[self.first..self.first + self.n];
        channels.iter().filter(|unknown| !unknown.is_empty()).flat_map(move |unknown| {
            let from = unknown.partition_point(|unknown| unknown.end <= start);
            unknown[from..].iter().take_while(move |unknown| unknown.start < end)
        })
    }

    /// One value; NaN in a row whose window leaves its epoch or holds a value that is not finite.
    pub fn get(&self, row: usize, column: usize) -> f64 {
        let channel = self.channel_of(column);
        if self.some(channel..channel + 1).unknown_near(&(row..row + 1)).next().is_some() {
            return f64::NAN;
        }
        let after = self.of.complete.partition_point(|rows| rows.end <= row);
        match self.of.complete.get(after) {
            Some(rows) if rows.contains(&row) => self.value(row, column),
            _ => f64::NAN,
        }
    }

    /// One column, bin by bin.
    pub fn column(&self, column: usize) -> Vec<f64> {
        let k = self.of.n_functions();
        let mut coef = vec![0.0; k];
        coef[column % k] = 1.0;
        let channel = column / k;
        Values::Convolved(self.some(channel..channel + 1)).product(&coef)
    }

    /// One filter per channel, channel after channel and lag after lag: the functions weighed by `coef`.
    pub(super) fn filters(&self, coef: &[f64]) -> Vec<f64> {
        let functions = &self.of.functions;
        let mut filters = Vec::with_capacity(self.n * functions.nrows());
        for own in coef.chunks(functions.ncols()) {
            filters.extend(
                functions
                    .rows()
                    .into_iter()
                    .map(|taps| taps.iter().zip(own).map(|(f, w)| f * w).sum::<f64>()),
            );
        }
        filters
    }

    /// Ranges of complete rows that meet these rows.
    pub(super) fn complete_near(&self, rows: &Range<usize>) -> impl Iterator<Item = &'a Range<usize>> {
        let (start, end) = (rows.start, rows.end);
        let from = self.of.complete.partition_point(|complete| complete.end <= start);
        self.of.complete[from..].iter().take_while(move |complete| complete.start < end)
    }

    /// The events of all channels, those of samples none; `None` if there are none.
    pub(super) fn event_channels(&self) -> Option<Arc<EventChannels>> {
        let events = |course: &Course| match course {
            Course::Events(events) => events.clone(),
            Course::Samples(_) => Events::default(),
        };
        if !self.channels().iter().any(|course| matches!(course, Course::Events(_))) {
            return None;
        }
        let all = &self.of.channels;
        let own = self.first..self.first + self.n;
        let of = |channels: Range<usize>| all[channels].iter().map(events).collect();
        Some(self.of.events.get(self.lags(), own, all.len(), of))
    }

    /// The channels as a backend takes them for evaluation without features; `None` if some are events and others are
    /// not, or direct sums would be the fastest.
    pub(super) fn host_channels(&self, offsets: &[f64]) -> Option<HostChannels<'a>> {
        if self.channels().iter().all(|course| matches!(course, Course::Events(_))) {
            return self.event_channels().map(HostChannels::Events);
        }
        let samples = self.channels().iter().zip(offsets).map(|(course, &offset)| match course {
            Course::Samples(x) => Some((x.as_slice(), offset)),
            Course::Events(_) => None,
        });
        samples.collect::<Option<_>>().map(HostChannels::Samples)
    }

    /// Events of all channels.
    pub(super) fn n_events(&self) -> usize {
        let of_channel =
            |course: &Course| if let Course::Events(events) = course { events.all().len() } else { 0 };
        self.channels().iter().map(of_channel).sum()
    }

    /// Bytes of the events in the order of products.
    pub(super) fn event_bytes(&self) -> u64 {
        (self.n_events() * MERGED_BYTES) as u64
    }

    /// Numbers of the spectra of all channels over these rows.
    pub(super) fn spectra_numbers(&self, rows: &Rows) -> u64 {
        let window_bins = self.lags().window_bins;
        let n_blocks = rows.n_blocks(block_rows(window_bins));
        (n_blocks * self.n * numbers_of_a_block(window_bins)) as u64
    }

    /// Whether all channels are events.
    pub(super) fn is_of_events(&self) -> bool {
        self.channels().iter().all(|course| matches!(course, Course::Events(_)))
    }

    /// Whether all channels are samples.
    pub(super) fn is_of_samples(&self) -> bool {
        self.channels().iter().all(|course| matches!(course, Course::Samples(_)))
    }

    /// What the columns are estimated to cost.
    pub(super) fn cost(&self, level: Level, speeds: &Speeds) -> Cost {
        let mut cost = Cost { write: 0.0, rewrite: 0.0, evaluate: 0.0 };
        for course in self.channels() {
            let density = match course {
                Course::Events(events) => Some(events.all().len() as f64 / self.of.n_bins.max(1) as f64),
                Course::Samples(_) => None,
            };
            let task = Task {
                n_bins: self.of.n_bins,
                density,
                window_bins: self.lags().window_bins,
                n_functions: self.of.n_functions(),
                n_channels: self.n,
            };
            let by_tile = if density.is_some() { Method::Events } else { Method::Direct };
            let at_once = if density.is_some() { Method::Events } else { task.to_write(level) };
            cost.write += task.write_ns(speeds, at_once);
            cost.rewrite += task.write_ns(speeds, by_tile);
            cost.evaluate += task.evaluate_ns(speeds);
        }
        cost
    }
}

/// Estimated nanoseconds of one thread for each bin.
pub(super) struct Cost {
    /// Writing all columns.
    pub(super) write: f64,
    /// The same tile by tile.
    pub(super) rewrite: f64,
    /// Evaluating without them, forward and back.
    pub(super) evaluate: f64,
}

/// Functions one after the other.
fn by_function(functions: &Array2<f64>) -> Vec<f64> {
    functions.columns().into_iter().flatten().copied().collect()
}
