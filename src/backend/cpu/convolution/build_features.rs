//! Convolved features of many channels, written into tiles.
//!
//! Each channel takes the way that is the fastest for it and writes its own columns. Memory is written once and in order,
//! and what is written to a row does not depend on how the rows are spread over threads.

use std::ops::Range;

use rayon::prelude::*;

use super::convolve::convolve;
use super::convolve_fft::{FunctionSpectra, convolve_fft};
use super::copy_rows::copy_rows;
use super::cost::{Method, Task};
use super::events::{Event, Events};
use super::filters::Filters;
use super::lags::{GAP_ROWS, are_near};
use super::transforms::Fourier;
use super::write_events::write_events;
use crate::backend::cpu::simd::Level;
use crate::backend::cpu::{FILL_ROWS, TILE_ROWS};

/// Neighbouring complete rows of the grid and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Rows of the grid, complete for the window.
    pub rows: Range<usize>,
    /// Row of the output that the first of them becomes.
    pub to: usize,
}

/// A channel in the form its method wants.
#[derive(Clone, Copy, Debug)]
pub enum Channel<'a> {
    /// Non-zero bins.
    Events(&'a Events),
    /// Every bin, for direct summation, and what is subtracted from it.
    Direct(&'a [f64], f64),
    /// The same for transforms.
    Fft(&'a [f64], f64),
}

impl<'a> Channel<'a> {
    /// An analogue signal, summed directly or transformed, whichever is faster with `n_functions` functions of
    /// `window_bins` taps.
    pub fn of_samples(
        level: Level,
        x: &'a [f64],
        offset: f64,
        window_bins: usize,
        n_functions: usize,
    ) -> Self {
        let task = Task { n_bins: x.len(), density: None, window_bins, n_functions, n_channels: 1 };
        match task.to_write(level) {
            Method::Fft => Self::Fft(x, offset),
            _ => Self::Direct(x, offset),
        }
    }
}

/// Channels and the functions each of them is convolved with: column `c K + i` is function i on channel c.
pub struct FeatureBuilder<'a, T> {
    level: Level,
    channels: Vec<Channel<'a>>,
    filters: Filters<T>,
    spectra: Option<FunctionSpectra<T>>,
}

impl<'a, T: Fourier> FeatureBuilder<'a, T> {
    /// Prepares the functions.
    pub fn new(level: Level, channels: Vec<Channel<'a>>, filters: Filters<T>) -> Self {
        let transforms = channels.iter().any(|channel| matches!(channel, Channel::Fft(..)));
        let spectra = transforms.then(|| FunctionSpectra::new(&filters, FILL_ROWS));
        Self { level, channels, filters, spectra }
    }

    /// The vector instructions that it writes with.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The number of functions per channel.
    pub fn n_functions(&self) -> usize {
        self.filters.len()
    }

    /// The number of columns.
    pub fn n_columns(&self) -> usize {
        self.channels.len() * self.filters.len()
    }

    /// Writes the rows of the output from `start` on, a multiple of 256, into tiles of 256 rows with `n_tile_columns`
    /// columns each, from column `first` on. Rows that no span fills are left alone.
    ///
    /// The spans must rise in their output rows and not overlap there.
    pub fn write_tiles(
        &self,
        spans: &[Span],
        start: usize,
        tiles: &mut [T],
        n_tile_columns: usize,
        first: usize,
    ) {
        let all = 0..self.channels.len();
        self.write_channels(&all, spans, start, Tiles { values: tiles, n_columns: n_tile_columns, first });
    }

    /// Writes the columns of some channels into tiles of these columns alone; otherwise as [`Self::write_tiles`].
    pub fn write_some(&self, channels: &Range<usize>, spans: &[Span], start: usize, tiles: &mut [T]) {
        let n_columns = channels.len() * self.filters.len();
        self.write_channels(channels, spans, start, Tiles { values: tiles, n_columns, first: 0 });
    }

    fn write_channels(&self, channels: &Range<usize>, spans: &[Span], start: usize, mut tiles: Tiles<'_, T>) {
        let channels = &self.channels[channels.clone()];
        let spans: Vec<Span> = clip(spans, start..start + tiles.n_rows()).collect();
        spans.iter().for_each(|span| self.transform(channels, span, &mut tiles));
        for near in spans.chunk_by(|span, next| are_near(span.rows.end, next.rows.start, GAP_ROWS)) {
            match near {
                [span] => self.write_in_place(channels, span, &mut tiles),
                spans => self.write_between(channels, spans, &mut tiles),
            }
        }
    }

    /// Events and direct sums of spans that lie near each other: all rows from the first to the last are written into a tile
    /// beside, from which the spans take theirs.
    fn write_between(&self, channels: &[Channel], spans: &[Span], tiles: &mut Tiles<'_, T>) {
        let (n_functions, end) = (self.filters.len(), spans.last().map_or(0, |span| span.rows.end));
        let mut beside = vec![T::ZERO; TILE_ROWS * n_functions];
        for (index, channel) in channels.iter().enumerate() {
            if let Channel::Fft(..) = channel {
                continue;
            }
            for start in (spans[0].rows.start..end).step_by(TILE_ROWS) {
                let rows = start..end.min(start + TILE_ROWS);
                let all = Span { rows: rows.clone(), to: 0 };
                let mut tile = Tiles { values: &mut beside, n_columns: n_functions, first: 0 };
                self.write_in_place(std::slice::from_ref(channel), &all, &mut tile);
                let first = spans.partition_point(|span| span.rows.end <= rows.start);
                let own = spans[first..].iter().take_while(|span| span.rows.start < rows.end);
                // where each row goes, and where it is
                let taken = own.flat_map(|span| {
                    let part = span.rows.start.max(rows.start)..span.rows.end.min(rows.end);
                    let to = span.to + part.start - span.rows.start;
                    (to..).zip(part.start - rows.start..part.end - rows.start)
                });
                let taken: Vec<(usize, usize)> = taken.collect();
                for same_tile in taken.chunk_by(|a, b| a.0 / TILE_ROWS == b.0 / TILE_ROWS) {
                    let first = index * n_functions;
                    let out = tiles.columns(same_tile[0].0 / TILE_ROWS, first..first + n_functions);
                    for (out, values) in out.chunks_exact_mut(TILE_ROWS).zip(beside.chunks_exact(TILE_ROWS)) {
                        same_tile.iter().for_each(|&(to, from)| out[to % TILE_ROWS] = values[from]);
                    }
                }
            }
        }
    }

    /// Writes all columns row by row, in parallel: row t of the output begins at `t * stride`.
    pub fn write_rows(&self, spans: &[Span], rows: &mut [T], stride: usize) {
        let n_columns = self.n_columns();
        // what waits to be turned stays in cache
        let piece_rows = if self.spectra.is_some() { FILL_ROWS } else { TILE_ROWS };
        rows.par_chunks_mut((piece_rows * stride).max(1)).enumerate().for_each_init(
            || vec![T::ZERO; piece_rows * n_columns],
            |values, (index, rows)| {
                let start = index * piece_rows;
                self.write_tiles(spans, start, values, n_columns, 0);
                for span in clip(spans, start..start + piece_rows) {
                    let which = span.to..span.to + span.rows.len();
                    copy_rows(self.level, values, n_columns, which, rows, stride);
                }
            },
        );
    }

    /// The channels of one span that are transformed, block by block.
    fn transform(&self, channels: &[Channel], span: &Span, tiles: &mut Tiles<'_, T>) {
        let Some(spectra) = &self.spectra else { return };
        let mut scratch = spectra.transforms().scratch();
        for start in span.rows.clone().step_by(FILL_ROWS) {
            let rows = start..span.rows.end.min(start + FILL_ROWS);
            let bins = self.filters.lags().bins(&rows);
            let to = span.to + start - span.rows.start;
            for (index, channel) in channels.iter().enumerate() {
                if let Channel::Fft(x, offset) = *channel {
                    convolve_fft(spectra, &x[bins.clone()], offset, &mut scratch, |function, values| {
                        tiles.store(index * self.filters.len() + function, to, values);
                    });
                }
            }
        }
    }

    /// Events and direct sums of one span, tile by tile.
    fn write_in_place(&self, channels: &[Channel], span: &Span, tiles: &mut Tiles<'_, T>) {
        let lags = self.filters.lags();
        let bins = lags.bins(&span.rows);
        let near: Vec<&[Event]> = channels.iter().map(|channel| channel.near(&bins)).collect();
        let mut x = Vec::new();
        let mut row = span.rows.start;
        while row < span.rows.end {
            let place = span.to + row - span.rows.start;
            let to = place % TILE_ROWS;
            let rows = row..span.rows.end.min(row + TILE_ROWS - to);
            row = rows.end;
            for (index, (channel, near)) in channels.iter().zip(&near).enumerate() {
                let first = index * self.filters.len();
                let columns = tiles.columns(place / TILE_ROWS, first..first + self.filters.len());
                match *channel {
                    Channel::Events(_) => write_events(self.level, near, &self.filters, &rows, columns, to),
                    Channel::Direct(values, offset) => {
                        x.clear();
                        x.extend(values[lags.bins(&rows)].iter().map(|&x| T::from_f64(x - offset)));
                        convolve(self.level, &x, &self.filters, columns, to);
                    }
                    Channel::Fft(..) => {}
                }
            }
        }
    }
}

impl Channel<'_> {
    /// The events in `bins`; none in other forms.
    fn near(&self, bins: &Range<usize>) -> &[Event] {
        if let Self::Events(events) = self { events.within(bins) } else { &[] }
    }
}

/// The parts of the spans that go to `rows` of the output, counted from the first of these.
fn clip(spans: &[Span], rows: Range<usize>) -> impl Iterator<Item = Span> {
    let first = spans.partition_point(|span| span.to + span.rows.len() <= rows.start);
    spans[first..].iter().take_while(move |span| span.to < rows.end).map(move |span| {
        let skip = rows.start.saturating_sub(span.to);
        let to = span.to + skip;
        let start = span.rows.start + skip;
        Span { rows: start..span.rows.end.min(start + rows.end - to), to: to - rows.start }
    })
}

/// Neighbouring tiles, and the columns of them to be written.
struct Tiles<'a, T> {
    values: &'a mut [T],
    n_columns: usize,
    /// The first column to be written.
    first: usize,
}

impl<T: Fourier> Tiles<'_, T> {
    fn n_rows(&self) -> usize {
        self.values.len() / self.n_columns.max(1)
    }

    /// The numbers of some of the columns to be written, in one tile.
    fn columns(&mut self, tile: usize, columns: Range<usize>) -> &mut [T] {
        let first = (tile * self.n_columns + self.first + columns.start) * TILE_ROWS;
        &mut self.values[first..first + columns.len() * TILE_ROWS]
    }

    /// Stores neighbouring rows of one column, the first of them at row `to`.
    fn store(&mut self, column: usize, to: usize, values: &[T]) {
        let (mut row, mut rest) = (to, values);
        while !rest.is_empty() {
            let n_rows = rest.len().min(TILE_ROWS - row % TILE_ROWS);
            let tile = self.columns(row / TILE_ROWS, column..column + 1);
            tile[row % TILE_ROWS..row % TILE_ROWS + n_rows].copy_from_slice(&rest[..n_rows]);
            rest = &rest[n_rows..];
            row += n_rows;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lags::Lags;
    use super::super::test_signals::{Uniform, allowed, plain_sum};
    use super::*;

    /// Three segments, one shorter than the window, written with a gap between them and the edge rows left out; each
    /// channel by each method.
    fn agrees<T: Fourier>(eps: f64) {
        let segments = [0..4100, 4100..4150, 4150..9000];
        for (window_bins, shift) in [(200, -1), (77, 38), (331, 331)] {
            let lags = Lags { window_bins, shift };
            let mut random = Uniform::new(window_bins as u64);
            let x: Vec<f64> = random.counts(9000, 0.03);
            let taps = random.signal(5 * window_bins);
            let mut to = 100;
            let mut spans = Vec::new();
            for rows in segments.iter().map(|segment| lags.complete_rows(segment)) {
                spans.push(Span { rows: rows.clone(), to });
                to += rows.len() + 3;
            }
            assert!(spans[1].rows.is_empty());
            let events = Events::from_counts(&x).unwrap();
            let channels = vec![Channel::Direct(&x, 0.0), Channel::Events(&events), Channel::Fft(&x, 0.0)];
            let builder = FeatureBuilder::new(Level::best(), channels, Filters::new(lags, &taps));
            assert_eq!(builder.n_columns(), 15);
            let n_tiles = to.div_ceil(TILE_ROWS);
            let untouched = T::from_f64(-7.0);
            let mut tiles = vec![untouched; n_tiles * 17 * TILE_ROWS];
            // in two parts
            let (head, tail) = tiles.split_at_mut(5 * 17 * TILE_ROWS);
            builder.write_tiles(&spans, 0, head, 17, 1);
            builder.write_tiles(&spans, 5 * TILE_ROWS, tail, 17, 1);
            let mut rows = vec![untouched; n_tiles * TILE_ROWS * 16];
            builder.write_rows(&spans, &mut rows, 16);
            let mut sources = vec![None; n_tiles * TILE_ROWS];
            for span in &spans {
                span.rows.clone().zip(span.to..).for_each(|(row, place)| sources[place] = Some(row));
            }
            for (place, source) in sources.iter().enumerate() {
                let tile = &tiles[place / TILE_ROWS * 17 * TILE_ROWS..];
                for column in 0..17 {
                    let value = tile[column * TILE_ROWS + place % TILE_ROWS];
                    let (Some(row), 1..16) = (source, column) else {
                        assert_eq!(value, untouched, "{place} {column}");
                        continue;
                    };
                    let by_rows = rows[place * 16 + column - 1];
                    let taps = &taps[(column - 1) % 5 * window_bins..][..window_bins];
                    let segment = segments.iter().find(|segment| segment.contains(row)).unwrap();
                    let expected = plain_sum(&x[segment.clone()], taps, lags, row - segment.start);
                    for value in [value, by_rows] {
                        let error = f64::abs(value.to_f64() - expected);
                        assert!(error <= allowed(&x, taps, eps), "{lags:?} {row} {column}: {error:e}");
                    }
                }
            }
        }
    }

    #[test]
    fn equals_the_plain_sum_without_a_leak_across_segments() {
        agrees::<f64>(1e-12);
        agrees::<f32>(1e-6);
    }

    #[test]
    fn bits_do_not_depend_on_the_threads() {
        let mut random = Uniform::new(3);
        let counts = Events::from_counts(&random.counts(30_000, 0.05)).unwrap();
        let noise = random.signal(30_000);
        let lags = Lags { window_bins: 60, shift: -1 };
        let filters = Filters::<f32>::new(lags, &random.signal(3 * 60));
        let channels =
            vec![Channel::Events(&counts), Channel::Fft(&noise, 0.1), Channel::Direct(&noise, 0.1)];
        let builder = FeatureBuilder::new(Level::best(), channels, filters);
        let spans = [Span { rows: lags.complete_rows(&(0..30_000)), to: 0 }];
        let write = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            let mut rows = vec![0.0; 30_000 * 9];
            pool.install(|| builder.write_rows(&spans, &mut rows, 9));
            rows
        };
        let one = write(1);
        assert!(write(2) == one && write(5) == one);
    }
}
