//! Means and deviations of convolved columns, without writing all of them.
//!
//! Means are exact: the sum of a column over the used rows is the sum of its function's taps, each times the sum of the
//! channel over the used rows moved by the lag. Deviations only set the scale that a solver sees, so those of a part of the
//! rows will do where there are many.

use rayon::prelude::*;

use super::convolution::{Convolved, spans};
use super::course::Course;
use super::rows::Rows;
use crate::backend::cpu::TILE_ROWS;
use crate::backend::cpu::convolution::build_features::Span;
use crate::backend::cpu::convolution::events::Events;
use crate::backend::cpu::convolution::lags::Lags;
use crate::backend::cpu::simd::Level;

/// Values and rows of which the deviations are computed, whichever is more.
const VALUES: usize = 1 << 22;
const ROWS: usize = 1 << 13;
/// How many times as many rows are looked at where these show nothing of a column.
const MORE: usize = 8;
/// Rows whose squares one thread adds up.
const PIECE: usize = 16 * TILE_ROWS;
/// A column is constant if its deviation is not larger than this part of its mean.
const CONSTANT: f64 = 8.0 * f64::EPSILON;

/// Mean and standard deviation of every column over the used rows, and what is subtracted from each channel so that its
/// values are small.
pub(super) struct Moments {
    pub(super) mean: Vec<f64>,
    pub(super) sd: Vec<f64>,
    /// One per channel; 0 for events.
    pub(super) offsets: Vec<f64>,
    /// The largest that the terms of a column can add up to, in deviations of that column.
    pub(super) largest_terms: f64,
}

/// The moments over the used rows, which must be complete.
pub(super) fn moments(x: &Convolved, rows: &Rows) -> Moments {
    let functions = x.functions();
    let n = rows.len() as f64;
    let ranges: Vec<Seen> = x.channels().par_iter().map(|course| seen(course, x, rows)).collect();
    let of_channel = |(course, range): (&Course, &Seen)| -> Vec<f64> {
        let sums = lag_sums(course, range.offset, x, rows);
        let mean = |function: ndarray::ArrayView1<f64>| {
            function.iter().zip(&sums).map(|(tap, sum)| tap * sum).sum::<f64>() / n
        };
        functions.columns().into_iter().map(mean).collect()
    };
    let centred: Vec<f64> = x.channels().par_iter().zip(&ranges).flat_map_iter(of_channel).collect();
    let taps = |column: usize| functions.column(column % functions.ncols());
    let scales: Vec<f64> = (0..x.n_columns())
        .map(|column| {
            ranges[x.channel_of(column)].largest * taps(column).iter().map(|f| f.abs()).sum::<f64>()
        })
        .collect();
    let offsets: Vec<f64> = ranges.iter().map(|range| range.offset).collect();
    let sd = deviations(x, rows, &offsets, &centred, &scales);
    let raw = |(column, mean): (usize, &f64)| mean + offsets[x.channel_of(column)] * x.area(column);
    let mean: Vec<f64> = centred.iter().enumerate().map(raw).collect();
    let unless_constant = |(&sd, mean): (&f64, &f64)| if sd <= CONSTANT * mean.abs() { 0.0 } else { sd };
    let sd: Vec<f64> = sd.iter().zip(&mean).map(unless_constant).collect();
    let terms = scales.iter().zip(&sd).filter(|(_, sd)| **sd > 0.0).map(|(scale, sd)| scale / sd);
    let largest_terms = terms.fold(0.0, f64::max);
    Moments { mean, sd, offsets, largest_terms }
}

/// The values of a channel in the windows of the used rows.
struct Seen {
    /// Their mean, 0 for events; exactly their value if it is the same everywhere.
    offset: f64,
    /// The largest distance from it.
    largest: f64,
}

fn seen(course: &Course, x: &Convolved, rows: &Rows) -> Seen {
    let windows = rows.runs().iter().map(|run| x.lags().bins(&(run.row..run.row + run.len)));
    match course {
        Course::Events(events) => {
            let counts =
                windows.flat_map(|bins| events.within(&bins)).map(|event| f64::from(event.count).abs());
            Seen { offset: 0.0, largest: counts.fold(0.0, f64::max) }
        }
        Course::Samples(x) => {
            let (mut n, mut sum, mut low, mut high) = (0_usize, 0.0, f64::INFINITY, f64::NEG_INFINITY);
            for &value in windows.flat_map(|bins| &x[bins]) {
                n += 1;
                sum += value;
                low = value.min(low);
                high = value.max(high);
            }
            let offset = if low == high { low } else { sum / n as f64 };
            Seen { offset, largest: (high - offset).max(offset - low) }
        }
    }
}

/// `sum_t (x[t + shift - k] - offset)` over the used rows t, one sum per lag k.
fn lag_sums(course: &Course, offset: f64, x: &Convolved, rows: &Rows) -> Vec<f64> {
    match course {
        Course::Samples(values) => lag_sums_of_samples(values, offset, x.lags(), rows),
        Course::Events(events) => lag_sums_of_events(events, x.lags(), rows),
    }
}

fn lag_sums_of_samples(x: &[f64], offset: f64, lags: Lags, rows: &Rows) -> Vec<f64> {
    let mut sums = vec![0.0; lags.window_bins];
    for run in rows.runs() {
        // the bins of lag 0, then one bin older with every lag
        let bins = lags.bins(&(run.row..run.row + run.len));
        let newest = bins.end - run.len..bins.end;
        let mut sum = x[newest.clone()].iter().map(|x| x - offset).sum::<f64>();
        for (k, total) in sums.iter_mut().enumerate() {
            if k > 0 {
                sum += (x[newest.start - k] - offset) - (x[newest.end - k] - offset);
            }
            *total += sum;
        }
    }
    sums
}

fn lag_sums_of_events(events: &Events, lags: Lags, rows: &Rows) -> Vec<f64> {
    // an event is seen by the rows of a run at neighbouring lags: where these begin and end
    let mut changes = vec![0.0; lags.window_bins + 1];
    for run in rows.runs() {
        let bins = lags.bins(&(run.row..run.row + run.len));
        for event in events.within(&bins) {
            // row t sees bin t + shift at lag 0
            let age = bins.end - 1 - event.bin as usize;
            let count = f64::from(event.count);
            changes[(age + 1).saturating_sub(run.len)] += count;
            changes[(age + 1).min(lags.window_bins)] -= count;
        }
    }
    let total = |sum: &mut f64, change: f64| {
        *sum += change;
        Some(*sum)
    };
    changes.into_iter().take(lags.window_bins).scan(0.0, total).collect()
}

/// The deviations around these means (of channels less their offsets), from all rows or part of them. Values are at most
/// `scales`, by which they are divided, so that squares neither overflow nor vanish.
fn deviations(x: &Convolved, rows: &Rows, offsets: &[f64], means: &[f64], scales: &[f64]) -> Vec<f64> {
    let n_columns = x.n_columns();
    let mut every = (rows.len() * n_columns / VALUES).min(rows.len() / ROWS).max(1);
    loop {
        let spreads = some_spreads(x, rows, offsets, means, scales, every);
        let is_unseen = |(spread, &scale): (&Spread, &f64)| spread.low == spread.high && scale > 0.0;
        if every == 1 || !spreads.iter().zip(scales).any(is_unseen) {
            return spreads.iter().zip(scales).map(|(spread, scale)| spread.sd * scale).collect();
        }
        every = (every / MORE).max(1);
    }
}

/// What some rows show of a column, in units of its scale.
#[derive(Clone, Copy)]
struct Spread {
    low: f64,
    high: f64,
    /// The deviation; before that, the sum of squares.
    sd: f64,
}

impl Spread {
    const NONE: Self = Self { low: f64::INFINITY, high: f64::NEG_INFINITY, sd: 0.0 };

    /// Adds values, less `mean` and times `factor`.
    fn add(&mut self, x: &[f64], mean: f64, factor: f64) {
        let (whole, rest) = x.as_chunks::<8>();
        let (mut low, mut high, mut sums) = ([self.low; 8], [self.high; 8], [0.0; 8]);
        for x in whole {
            for k in 0..8 {
                let d = (x[k] - mean) * factor;
                sums[k] += d * d;
                low[k] = d.min(low[k]);
                high[k] = d.max(high[k]);
            }
        }
        let own = Self {
            low: low.into_iter().fold(self.low, f64::min),
            high: high.into_iter().fold(self.high, f64::max),
            sd: sums.iter().sum(),
        };
        let rest = rest.iter().map(|x| (x - mean) * factor);
        self.join(rest.fold(own, |own, d| Self {
            low: own.low.min(d),
            high: own.high.max(d),
            sd: own.sd + d * d,
        }));
    }

    fn join(&mut self, other: Self) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        self.sd += other.sd;
    }
}

fn some_spreads(
    x: &Convolved,
    rows: &Rows,
    offsets: &[f64],
    means: &[f64],
    scales: &[f64],
    every: usize,
) -> Vec<Spread> {
    let inverse = |&scale: &f64| if scale > 0.0 { 1.0 / scale } else { 0.0 };
    let factors: Vec<f64> = scales.iter().map(inverse).collect();
    let n_columns = x.n_columns();
    let builder = x.builder::<f64>(Level::best(), offsets, true);
    let spans: Vec<Span> = spans(rows.runs());
    let n_tiles = rows.len().div_ceil(TILE_ROWS);
    let tiles: Vec<usize> = (0..n_tiles).step_by(every).collect();
    let of_piece = |tiles: &[usize]| {
        let mut values = vec![0.0; TILE_ROWS * n_columns];
        let mut spreads = vec![Spread::NONE; n_columns];
        for &tile in tiles {
            let first = tile * TILE_ROWS;
            let n = (rows.len() - first).min(TILE_ROWS);
            builder.write_tiles(&spans, first, &mut values, n_columns, 0);
            let columns = spreads.iter_mut().zip(means).zip(&factors).zip(values.chunks(TILE_ROWS));
            for (((spread, &mean), &factor), x) in columns {
                spread.add(&x[..n], mean, factor);
            }
        }
        spreads
    };
    let parts: Vec<Vec<Spread>> = tiles.par_chunks(PIECE / TILE_ROWS).map(of_piece).collect();
    let n: usize = tiles.iter().map(|tile| (rows.len() - tile * TILE_ROWS).min(TILE_ROWS)).sum();
    let mut total = vec![Spread::NONE; n_columns];
    for part in &parts {
        total.iter_mut().zip(part).for_each(|(total, part)| total.join(*part));
    }
    total.iter_mut().for_each(|spread| spread.sd = (spread.sd / n as f64).sqrt());
    total
}
