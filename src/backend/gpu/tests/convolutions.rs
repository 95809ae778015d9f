//! Convolution without a design against plain sums in `f64`.

use std::sync::Arc;

use ndarray::Array2;

use super::{Truth, gpu, numbers, open, poisson};
use crate::backend::cpu::convolution::events::{EventChannels, Events};
use crate::backend::cpu::convolution::lags::Lags;
use crate::backend::gpu::device::Limits;
use crate::backend::{
    Backend, Beside, Every, Gpu, HostChannels, HostColumns, HostSignals, Into, Model, Run, Sweep,
};

/// What is subtracted from samples.
const OFFSET: f64 = 40.0;
const N_FUNCTIONS: usize = 3;
const INTERCEPT: f64 = -0.75;
const SHIFT: f64 = 0.125;

/// Channels, filters and functions of a window, and rows whose windows lie in their epochs.
struct Case {
    lags: Lags,
    is_events: bool,
    rows: Vec<usize>,
    channels: Vec<Vec<f64>>,
    taps: Vec<f64>,
    functions: Array2<f64>,
    /// Columns that are taken, mean and inverse deviation of each.
    columns: Vec<(usize, f64, f64)>,
    dense: Vec<f64>,
    y: Vec<f64>,
}

impl Case {
    fn new(n: usize, window_bins: usize, n_channels: usize, is_events: bool) -> Self {
        let lags = Lags { window_bins, shift: if window_bins.is_multiple_of(2) { 2 } else { -1 } };
        let (mut rows, mut epochs, mut bin) = (Vec::new(), Vec::new(), 0);
        // epochs with bins between them that belong to none
        while rows.len() < n {
            let epoch = bin..bin + window_bins + 3 + 911 * (1 + epochs.len() % 3);
            let used =
                lags.complete_rows(&epoch).filter(|row| row % 97 != 5 && !(300..340).contains(&(row % 900)));
            rows.extend(used);
            bin = epoch.end + 11 + 700 * (epochs.len() % 2);
            epochs.push(epoch);
        }
        rows.truncate(n);
        let seen = |bin: usize| epochs.iter().any(|epoch| epoch.contains(&bin));
        let channel = |k: usize| -> Vec<f64> {
            let x = numbers(bin, 31 + k as u64);
            let value = |(bin, x): (usize, &f64)| match (is_events, seen(bin)) {
                (true, _) => (x * 24.0 - 22.0).max(0.0).ceil(),
                (false, true) => OFFSET + x,
                (false, false) => f64::NAN,
            };
            x.iter().enumerate().map(value).collect()
        };
        let size = (n_channels * window_bins) as f64;
        let single = |x: f64| f64::from(x as f32);
        let all = numbers(n_channels * window_bins, 3);
        let function = numbers(window_bins * N_FUNCTIONS, 9);
        let kept = (0..n_channels * N_FUNCTIONS).filter(|column| column % 5 != 1);
        let scaled = |column: usize| (column, single(0.01 * column as f64), 0.5 + 0.25 * (column % 4) as f64);
        Self {
            lags,
            is_events,
            rows,
            channels: (0..n_channels).map(channel).collect(),
            taps: all.iter().map(|u| single(2.0 * u / size)).collect(),
            functions: Array2::from_shape_fn((window_bins, N_FUNCTIONS), |(lag, i)| {
                single(function[lag * N_FUNCTIONS + i] / window_bins as f64)
            }),
            columns: kept.map(scaled).collect(),
            dense: numbers(2 * n, 5),
            y: numbers(n, 7).iter().map(|u| (4.0 * u.powi(5)).max(0.0).floor()).collect(),
        }
    }

    fn n(&self) -> usize {
        self.rows.len()
    }

    fn is_transformed(&self) -> bool {
        !self.is_events && self.lags.window_bins >= 1024
    }

    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (used, &row) in self.rows.iter().enumerate() {
            match runs.last_mut() {
                Some(run) if run.row + run.len == row => run.len += 1,
                _ => runs.push(Run { used, row, len: 1 }),
            }
        }
        runs
    }

    fn signals(&self, gpu: &Gpu) -> crate::backend::gpu::Signals {
        let channels = if self.is_events {
            let events = self.channels.iter().map(|x| Events::from_counts(x).unwrap()).collect();
            HostChannels::Events(Arc::new(EventChannels::new(self.lags, events)))
        } else {
            HostChannels::Samples(self.channels.iter().map(|x| (x.as_slice(), OFFSET)).collect())
        };
        gpu.signals(HostSignals { lags: self.lags, runs: &self.runs(), channels }).unwrap()
    }

    /// The value that lag k of a row sees.
    fn x(&self, channel: usize, row: usize, lag: usize) -> f64 {
        let bin = row.checked_add_signed(self.lags.shift).unwrap() - lag;
        self.channels[channel][bin] - if self.is_events { 0.0 } else { OFFSET }
    }

    fn convolved(&self, row: usize, taps: &[f64]) -> f64 {
        let of_channel = |(c, taps): (usize, &[f64])| -> f64 {
            taps.iter().enumerate().map(|(lag, tap)| tap * self.x(c, row, lag)).sum()
        };
        taps.chunks(self.lags.window_bins).enumerate().map(of_channel).sum()
    }

    /// The rows of the columns, and the magnitudes of their terms.
    fn features(&self, row: usize) -> Vec<(f64, f64)> {
        let column = |&(column, mean, factor): &(usize, f64, f64)| {
            let function = self.functions.column(column % N_FUNCTIONS);
            let terms = function.iter().enumerate().map(|(k, f)| f * self.x(column / N_FUNCTIONS, row, k));
            let (sum, size) =
                terms.fold((0.0, 0.0), |(sum, size): (f64, f64), term| (sum + term, size + term.abs()));
            ((sum - mean) * factor, (size + mean.abs()) * factor)
        };
        self.columns.iter().map(column).collect()
    }

    fn sweep(&self, every: usize) -> Sweep<'static> {
        let (n_rows, n_columns) = (self.n(), self.columns.len());
        Sweep { n_rows, n_columns, grain: 0, every: Every(every), alone: true, targets: &[0] }
    }

    fn response(&self, gpu: &Gpu) -> crate::backend::gpu::Array<'static> {
        gpu.response(self.n(), 1, &|rows, out| {
            out.iter_mut().zip(&self.y[rows]).for_each(|(to, &y)| *to = y as f32);
        })
        .unwrap()
    }

    /// Two columns that are written out.
    fn dense(&self, gpu: &Gpu) -> crate::backend::gpu::Array<'static> {
        gpu.matrix(self.n(), 2, &|rows, out| {
            for (k, i) in rows.enumerate() {
                for j in 0..2 {
                    out[(k / 256 * 2 + j) * 256 + k % 256] = self.dense[2 * i + j] as f32;
                }
            }
        })
        .unwrap()
    }

    fn eta(&self, i: usize, is_mixed: bool) -> f64 {
        let dense = if is_mixed { 0.5 * self.dense[2 * i] - 0.25 * self.dense[2 * i + 1] } else { 0.0 };
        INTERCEPT - SHIFT + self.convolved(self.rows[i], &self.taps) + dense
    }
}

/// Loss, residual total, sums of lags and, of mixed designs, of two columns.
fn gradient(gpu: &Gpu, case: &Case, every: usize, is_mixed: bool) -> Vec<Vec<f64>> {
    let (x, y) = (case.signals(gpu), case.response(gpu));
    let (dense, coef) = (case.dense(gpu), gpu.upload(&[0.5, -0.25]).unwrap());
    let filters = gpu.filters(&x, &case.taps, SHIFT).unwrap();
    let sizes = [1, 1, case.taps.len(), 2];
    gpu.pass(case.sweep(every), &sizes[..if is_mixed { 4 } else { 3 }], &|work, rows| {
        gpu.start(work, Into::Eta, &[INTERCEPT]);
        if is_mixed {
            gpu.matmul(work, rows.clone(), &dense, &coef, Into::Eta);
        }
        gpu.convolve(work, rows.clone(), &x, &filters, Into::Eta);
        gpu.pointwise(work, rows.clone(), Model::default(), (&y).into(), Beside::Nothing);
        gpu.correlate(work, rows.clone(), &x, 2);
        if is_mixed {
            gpu.matmul_transposed(work, rows, &dense, 3);
        }
        Ok(())
    })
    .unwrap()
}

fn check_gradient(gpu: &Gpu, case: &Case, every: usize, is_mixed: bool, what: &str) {
    let found = gradient(gpu, case, every, is_mixed);
    let sizes = [1, 1, case.taps.len(), 2];
    let mut truth = Truth::new(&sizes[..if is_mixed { 4 } else { 3 }], 1);
    for i in (0..case.n()).filter(|i| (i / 256) % every == 0) {
        let (eta, y) = (case.eta(i, is_mixed), case.y[i]);
        let [loss, r, mu] = poisson(eta, y);
        truth.add(0, 0, loss, mu + (y * eta).abs());
        truth.add(1, 0, r, mu + r.abs());
        for c in 0..case.channels.len() {
            for lag in 0..case.lags.window_bins {
                let x = case.x(c, case.rows[i], lag);
                truth.add(2, c * case.lags.window_bins + lag, x * r, x.abs() * (mu + r.abs()));
            }
        }
        for (j, x) in case.dense[2 * i..2 * i + 2].iter().enumerate().filter(|_| is_mixed) {
            truth.add(3, j, x * r, x.abs() * (mu + r.abs()));
        }
    }
    if case.is_transformed() {
        // errors of a transform are those of its largest number
        truth.level(2);
    }
    truth.check(&found, 1e-6, what);
}

#[test]
fn channels_of_every_size() {
    let Some((gpu, _turn)) = gpu() else { return };
    for is_events in [false, true] {
        for (n, w, c, every) in [
            (1, 1, 1, 1),
            (1, 200, 2, 1),
            (63, 3, 33, 1),
            (64, 4, 2, 1),
            (65, 5, 1, 1),
            (1023, 200, 1, 1),
            (1024, 5, 2, 1),
            (1025, 257, 2, 1),
            (3000, 200, 2, 3),
            (2000, 64, 33, 2),
            (1500, 600, 1, 1),
            (9000, 3, 1, 1),
            (1, 1024, 1, 1),
            (65, 1025, 2, 1),
            (5000, 1024, 3, 1),
            (3000, 2100, 2, 3),
            (1025, 3000, 33, 1),
            (65_537, 4, 1, 1),
        ] {
            let case = Case::new(n, w, c, is_events);
            for is_mixed in [false, true] {
                let what =
                    format!("{n} rows, {c} x {w}, every {every}, events {is_events}, mixed {is_mixed}");
                check_gradient(gpu, &case, every, is_mixed, &what);
            }
        }
    }
}

/// Loss, residual total, Gram of the columns, and of mixed designs those with two more in front.
fn gram(gpu: &Gpu, case: &Case, every: usize, is_mixed: bool) -> Vec<f64> {
    let (x, y) = (case.signals(gpu), case.response(gpu));
    let columns: Vec<usize> = case.columns.iter().map(|(column, ..)| *column).collect();
    let mean: Vec<f64> = case.columns.iter().map(|(_, mean, _)| *mean).collect();
    let factor: Vec<f64> = case.columns.iter().map(|(.., factor)| *factor).collect();
    let functions = case.functions.view();
    let host = HostColumns { functions, columns: &columns, mean: &mean, inverse_sd: &factor, whitening: &[] };
    let built = gpu.convolved(&x, host, |_| panic!("the rows are built here")).unwrap();
    let filters = gpu.filters(&x, &case.taps, SHIFT).unwrap();
    let dense = case.dense(gpu);
    let q = 1 + columns.len() + if is_mixed { 2 } else { 0 };
    let sums = gpu.pass(case.sweep(every), &[1, 1, q * q], &|work, rows| {
        gpu.start(work, Into::Eta, &[INTERCEPT]);
        gpu.convolve(work, rows.clone(), &x, &filters, Into::Eta);
        gpu.pointwise(work, rows.clone(), Model::default(), (&y).into(), Beside::Curvature);
        if is_mixed {
            gpu.copy_rows(work, rows.clone(), &dense, 0);
            gpu.copy_rows(work, rows.clone(), &built, 2);
        }
        gpu.weighted_gram(work, rows, (!is_mixed).then_some(&built), false, 2);
        Ok(())
    });
    sums.unwrap().remove(2)
}

#[test]
fn grams_of_columns_that_are_built_when_they_are_needed() {
    let Some((gpu, _turn)) = gpu() else { return };
    for is_events in [false, true] {
        for (n, w, c, every) in
            [(1, 1, 1, 1), (65, 5, 2, 1), (1025, 200, 2, 1), (2100, 300, 1, 3), (700, 4, 33, 1)]
        {
            let case = Case::new(n, w, c, is_events);
            for is_mixed in [false, true] {
                let q = 1 + case.columns.len() + if is_mixed { 2 } else { 0 };
                let mut truth = Truth::new(&[q * q], 1);
                for i in (0..n).filter(|i| (i / 256) % every == 0) {
                    let [_, _, mu] = poisson(case.eta(i, false), case.y[i]);
                    let mut row = vec![(1.0, 1.0)];
                    if is_mixed {
                        row.extend(case.dense[2 * i..2 * i + 2].iter().map(|x| (*x, x.abs())));
                    }
                    row.extend(case.features(case.rows[i]));
                    for j in 0..q {
                        for k in j..q {
                            truth.add(0, j * q + k, mu * row[j].0 * row[k].0, mu * row[j].1 * row[k].1);
                        }
                    }
                }
                let found = gram(gpu, &case, every, is_mixed);
                truth.check(&[found], 1e-6, &format!("{n} x {c} x {w} every {every} {is_events} {is_mixed}"));
            }
        }
    }
}

#[test]
fn channels_give_the_same_bits_again_and_again() {
    let Some((gpu, _turn)) = gpu() else { return };
    for is_events in [false, true] {
        for (window_bins, with_gram) in [(70, true), (1100, false)] {
            let case = Case::new(3000, window_bins, 2, is_events);
            let both = || (gradient(gpu, &case, 1, true), with_gram.then(|| gram(gpu, &case, 1, true)));
            let first = both();
            for k in 0..20 {
                gpu.device().poison([f32::NAN, 1e30, -3e38][k % 3]);
                assert_eq!(both(), first);
            }
        }
    }
}

#[test]
fn bits_of_channels_do_not_depend_on_how_memory_is_cut() {
    let Some((whole, _turn)) = gpu() else { return };
    let Some(small) = open(Limits { binding_bytes: Some(1 << 18), ..Limits::default() }) else { return };
    for is_events in [false, true] {
        for (n, window_bins, n_channels, every) in
            [(40_000, 30, 4, 1), (40_000, 30, 4, 2), (26_000, 1200, 2, 1)]
        {
            let case = Case::new(n, window_bins, n_channels, is_events);
            assert!(is_events || case.signals(&small).rows_of_chunk() < n);
            let found = [whole, &small].map(|gpu| gradient(gpu, &case, every, true));
            assert_eq!(found[0], found[1], "{n} rows, every {every}, events {is_events}");
        }
        let case = Case::new(40_000, 30, 4, is_events);
        let found = [whole, &small].map(|gpu| gram(gpu, &case, 1, false));
        assert_eq!(found[0], found[1]);
    }
}

#[test]
fn trial_steps_along_filters() {
    let Some((gpu, _turn)) = gpu() else { return };
    for is_events in [false, true] {
        let case = Case::new(9000, 21, 3, is_events);
        let (x, y) = (case.signals(gpu), case.response(gpu));
        let toward: Vec<f64> = case.taps.iter().map(|tap| f64::from((0.01 - tap) as f32)).collect();
        let filters = [&case.taps, &toward].map(|taps| gpu.filters(&x, taps, SHIFT).unwrap());
        let rows = 4096..9000;
        let line = gpu.trace(case.sweep(1), rows.clone(), &|work, rows| {
            for (into, filters) in [Into::Eta, Into::Direction].into_iter().zip(&filters) {
                gpu.start(work, into, &[INTERCEPT]);
                gpu.convolve(work, rows.clone(), &x, filters, into);
            }
            Ok(())
        });
        let mut changes = [0.0];
        gpu.loss_changes(&line.unwrap(), Model::default(), (&y).into(), &[0.5], &mut changes).unwrap();
        let mut truth = Truth::new(&[1], 1);
        for i in rows {
            let along = INTERCEPT - SHIFT + case.convolved(case.rows[i], &toward);
            let (rise, count) = (case.eta(i, false).exp() * (0.5 * along).exp_m1(), case.y[i] * 0.5 * along);
            truth.add(0, 0, rise - count, rise.abs() + count.abs());
        }
        truth.check(&[changes.to_vec()], 1e-6, "trial step");
    }
}

#[test]
fn a_large_recording_takes_little_memory() {
    let _turn = gpu();
    let Some(gpu) = open(Limits::default()) else { return };
    let (n_bins, lags) = (1_000_000, Lags { window_bins: 200, shift: -1 });
    let x = numbers(n_bins, 1);
    let runs = [Run { used: 0, row: 200, len: n_bins - 200 }];
    let channels = HostChannels::Samples(vec![(x.as_slice(), 0.0); 100]);
    let signals = gpu.signals(HostSignals { lags, runs: &runs, channels }).unwrap();
    let (columns, ones): (Vec<usize>, _) = ((0..800).collect(), vec![1.0; 800]);
    let functions = Array2::from_elem((200, 8), 0.005);
    let functions = functions.view();
    let host = HostColumns { functions, columns: &columns, mean: &ones, inverse_sd: &ones, whitening: &[] };
    let built = gpu.convolved(&signals, host, |_| panic!("the rows are built here")).unwrap();
    // every 2000th tile: what a pass holds is there, in little time
    let sweep = Sweep {
        n_rows: n_bins - 200,
        n_columns: 800,
        grain: 0,
        every: Every(2000),
        alone: true,
        targets: &[0],
    };
    gpu.pass(sweep, &[801 * 801], &|work, rows| {
        gpu.weighted_gram(work, rows, Some(&built), true, 0);
        Ok(())
    })
    .unwrap();
    assert!(gpu.peak_bytes() < 600_000_000, "{} bytes", gpu.peak_bytes());
}
