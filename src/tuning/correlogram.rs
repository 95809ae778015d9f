//! Auto-, cross- and event correlograms.

use ndarray::Array2;

use crate::time::{Ts, TsGroup};
use crate::{Error, Result};

/// The most lags of a correlogram.
const MOST_LAGS: f64 = 1e8;

/// Scale of a correlogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Events per second around a reference event.
    #[default]
    Rate,
    /// That over the mean rate of the counted unit, so 1 means independent.
    RelativeToMean,
}

/// Rates of events at lags around reference events.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlograms {
    /// Middle of each lag bin, seconds.
    pub lags_s: Vec<f64>,
    /// Reference and counted unit of each column; the reference is `None` for events from outside.
    pub pairs: Vec<(Option<i64>, i64)>,
    /// (lags, pairs).
    pub values: Array2<f64>,
}

/// The lag bins: an odd number, `floor(2 window / bin)` made odd, symmetric about 0.
#[derive(Clone, Copy)]
struct Lags {
    bin_s: f64,
    n: usize,
}

impl Lags {
    fn new(bin_s: f64, window_s: f64) -> Result<Self> {
        let help = "give the bin and the window in seconds";
        for (what, value) in [("bin", bin_s), ("window", window_s)] {
            if !value.is_finite() || value <= 0.0 {
                return Err(Error::argument(what, "a finite time above 0 s", value.to_string(), help));
            }
        }
        let n = (2.0 * window_s / bin_s).floor();
        if n >= MOST_LAGS {
            return Err(Error::argument("bin", "at most 1e8 lags", n.to_string(), "widen the bin"));
        }
        let n = n as usize;
        Ok(Self { bin_s, n: n + usize::from(n.is_multiple_of(2)) })
    }

    fn centres(self) -> Vec<f64> {
        let middle = (self.n / 2) as f64;
        (0..self.n).map(|i| (i as f64 - middle) * self.bin_s).collect()
    }

    /// Counts of `target` at the lags of all `reference` times, over `n_reference * bin`.
    fn rates(self, reference: &[f64], target: &[f64]) -> Vec<f64> {
        let half = self.n as f64 / 2.0 * self.bin_s;
        let mut counts = vec![0.0; self.n];
        for &at in reference {
            let left = at - half;
            let mut next = target.partition_point(|&x| x < left);
            for (i, count) in counts.iter_mut().enumerate() {
                let right = left + (i + 1) as f64 * self.bin_s;
                while next < target.len() && target[next] < right {
                    *count += 1.0;
                    next += 1;
                }
            }
        }
        let scale = reference.len() as f64 * self.bin_s;
        counts.iter().map(|n| n / scale).collect()
    }

    /// The correlograms of pairs of a reference and a counted unit.
    fn correlate(self, pairs: Vec<(Option<i64>, i64)>, columns: &[Vec<f64>]) -> Correlograms {
        let values = Array2::from_shape_fn((self.n, columns.len()), |(lag, pair)| columns[pair][lag]);
        Correlograms { lags_s: self.centres(), pairs, values }
    }
}

/// The rates over `rate_hz` where the scale asks for it.
fn scaled(mut rates: Vec<f64>, scale: Scale, rate_hz: f64) -> Vec<f64> {
    if scale == Scale::RelativeToMean {
        for rate in &mut rates {
            *rate /= rate_hz;
        }
    }
    rates
}

/// Each unit around its own events; lag 0 is set to 0. Bins `[lag - bin/2, lag + bin/2)`, rate
/// `counts / (n_reference * bin)`.
///
/// # Errors
/// [`Error::Argument`] unless bin and window are finite and above 0.
///
/// # Source
/// pynapple's `compute_autocorrelogram`.
pub fn autocorrelograms(units: &TsGroup, bin_s: f64, window_s: f64, scale: Scale) -> Result<Correlograms> {
    let lags = Lags::new(bin_s, window_s)?;
    let (mut pairs, mut columns) = (Vec::new(), Vec::new());
    for ((&key, unit), rate_hz) in units.units().iter().zip(units.rates()) {
        let mut rates = scaled(lags.rates(unit.t(), unit.t()), scale, rate_hz);
        rates[lags.n / 2] = 0.0;
        pairs.push((Some(key), key));
        columns.push(rates);
    }
    Ok(lags.correlate(pairs, &columns))
}

/// Each unit around the events of each unit with a smaller key.
///
/// # Errors
/// Those of [`autocorrelograms`].
///
/// # Source
/// pynapple's `compute_crosscorrelogram`.
pub fn crosscorrelograms(units: &TsGroup, bin_s: f64, window_s: f64, scale: Scale) -> Result<Correlograms> {
    let lags = Lags::new(bin_s, window_s)?;
    let listed: Vec<(i64, &Ts, f64)> =
        units.units().iter().zip(units.rates()).map(|((&key, unit), rate)| (key, unit, rate)).collect();
    let (mut pairs, mut columns) = (Vec::new(), Vec::new());
    for (i, (reference, reference_unit, _)) in listed.iter().enumerate() {
        for (target, target_unit, rate_hz) in &listed[i + 1..] {
            pairs.push((Some(*reference), *target));
            columns.push(scaled(lags.rates(reference_unit.t(), target_unit.t()), scale, *rate_hz));
        }
    }
    Ok(lags.correlate(pairs, &columns))
}

/// Each unit around `events`.
///
/// # Errors
/// Those of [`autocorrelograms`].
///
/// # Source
/// pynapple's `compute_eventcorrelogram`.
pub fn event_correlograms(
    units: &TsGroup,
    events: &Ts,
    bin_s: f64,
    window_s: f64,
    scale: Scale,
) -> Result<Correlograms> {
    let lags = Lags::new(bin_s, window_s)?;
    let columns: Vec<Vec<f64>> = units
        .units()
        .values()
        .zip(units.rates())
        .map(|(unit, rate_hz)| scaled(lags.rates(events.t(), unit.t()), scale, rate_hz))
        .collect();
    Ok(lags.correlate(units.units().keys().map(|&key| (None, key)).collect(), &columns))
}
