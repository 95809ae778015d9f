//! Events and signals around moments in time.

use ndarray::Array2;

use crate::time::{
    BinGrid, IntervalSet, Lookup, Metadata, MetadataColumn, Ts, TsGroup, Tsd, TsdFrame, matches,
};
use crate::{Error, Result};

/// The most lags of a window.
const MOST_LAGS: f64 = 1e8;

/// A window around an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EventWindow {
    /// How far it reaches before the event, seconds.
    pub before_s: f64,
    /// How far it reaches after the event, seconds.
    pub after_s: f64,
}

impl EventWindow {
    /// Fails unless both reaches are finite, at least 0 and not both 0.
    fn check(self) -> Result<()> {
        let sound = |x: f64| x.is_finite() && x >= 0.0;
        if sound(self.before_s) && sound(self.after_s) && self.before_s + self.after_s > 0.0 {
            return Ok(());
        }
        let found = format!("{} s before to {} s after", self.before_s, self.after_s);
        let help = "give how far the window reaches before and after the event, in seconds";
        Err(Error::argument("window", "finite times of at least 0 s, not both 0", found, help))
    }

    /// Number of steps of `step_s` on each side, to the nearest.
    fn steps(self, step_s: f64) -> Result<(usize, usize)> {
        self.check()?;
        let (before, after) = ((self.before_s / step_s).round(), (self.after_s / step_s).round());
        if before + after >= MOST_LAGS {
            let found = format!("{}", before + after);
            return Err(Error::argument("window", "at most 1e8 steps", found, "shorten the window"));
        }
        Ok((before as usize, after as usize))
    }
}

/// The times of `events` of `data` in `[event - before, event + after]`, closed, relative to each event.
///
/// One unit per event, in order, on the support `[-before, after]`; metadata column `events` holds their times.
///
/// # Errors
/// [`Error::Argument`] unless the window's reaches are finite, at least 0 and not both 0.
///
/// # Source
/// pynapple's `compute_perievent`.
pub fn perievent(data: &Ts, events: &Ts, window: EventWindow) -> Result<TsGroup> {
    window.check()?;
    let support = IntervalSet::new(&[-window.before_s], &[window.after_s])?;
    let mut units = Vec::with_capacity(events.len());
    for (key, &event) in events.t().iter().enumerate() {
        let inside = data.get(event - window.before_s, event + window.after_s)?;
        // a time on the edge of the window stays on it, whatever the subtraction rounds to
        let lags = inside.t().iter().map(|t| (t - event).clamp(-window.before_s, window.after_s)).collect();
        units.push((key as i64, Ts::new(lags, Some(support.clone()))?));
    }
    let mut metadata = Metadata::new();
    metadata.insert("events", MetadataColumn::Numbers(events.t().to_vec()))?;
    Ok(TsGroup::new(units, Some(support), &metadata)?.0)
}

/// A regular series around each event: (lags, events), one column per event.
///
/// The step is the median spacing inside epochs; lag 0 is the sample nearest to the event (a tie goes to the later
/// one) in the epoch of the event; NaN beyond that epoch, and for an event outside all epochs.
///
/// # Errors
/// [`Error::Argument`] for a bad window, or a series without two samples at different times in one epoch.
///
/// # Source
/// pynapple's `compute_perievent` for continuous data.
pub fn perievent_signal(data: &Tsd, events: &Ts, window: EventWindow) -> Result<TsdFrame> {
    window.check()?;
    let mut spacings = data.time_diff().d().to_vec();
    spacings.sort_by(f64::total_cmp);
    let step_s = spacings.get(spacings.len() / 2).copied().unwrap_or(0.0);
    if step_s <= 0.0 {
        let expected = "a series of regular samples";
        let help = "give a series with at least two samples in one epoch";
        return Err(Error::argument("series around events", expected, "no spacing above 0 s", help));
    }
    let (n_before, n_after) = window.steps(step_s)?;
    let n_lags = n_before + 1 + n_after;
    let mut d = Array2::from_elem((n_lags, events.len()), f64::NAN);
    let epochs = data.support();
    let ranges = epochs.sample_ranges(data.t());
    for found in matches(events.t(), data.t(), epochs, Lookup::Closest) {
        let Some(centre) = found.sample else { continue };
        let Some(rows) = ranges.iter().find(|rows| rows.contains(&centre)) else { continue };
        for lag in 0..n_lags {
            if let Some(sample) = (centre + lag).checked_sub(n_before).filter(|sample| rows.contains(sample))
            {
                d[[lag, found.row]] = data.d()[sample];
            }
        }
    }
    let columns = (0..events.len()).map(|i| i.to_string()).collect();
    lag_frame(n_before, n_after, step_s, d, columns)
}

/// A frame over the lags `-n_before ..= n_after` steps.
fn lag_frame(
    n_before: usize,
    n_after: usize,
    step_s: f64,
    d: Array2<f64>,
    columns: Vec<String>,
) -> Result<TsdFrame> {
    let lag = |step: usize| (step as f64 - n_before as f64) * step_s;
    // as any series, the frame spans its first to its last time
    TsdFrame::new((0..=n_before + n_after).map(lag).collect(), d, columns, None)
}

/// Mean of `data` at lags around the events of each unit: (lags, units).
///
/// Signal and events are binned on one grid over `epochs` (default: the support of the signal); at lag `k` the
/// mean runs over the events whose bin has a non-empty bin `k` steps away in the same epoch. Lags reach
/// `round(before / bin)` and `round(after / bin)` bins.
///
/// # Errors
/// [`Error::Argument`] for a bad window or bin.
///
/// # Source
/// The event-triggered average of pynapple, with the lags that were asked for.
pub fn event_triggered_average(
    data: &Tsd,
    units: &TsGroup,
    bin_s: f64,
    window: EventWindow,
    epochs: Option<&IntervalSet>,
) -> Result<TsdFrame> {
    let grid = BinGrid::new(epochs.unwrap_or(data.support()), bin_s)?;
    let (n_before, n_after) = window.steps(bin_s)?;
    let n_lags = n_before + 1 + n_after;
    let signal = grid.average(data.t(), data.d());
    let mut d = Array2::zeros((n_lags, units.len()));
    for (column, unit) in units.units().values().enumerate() {
        let counts = grid.count(unit.t());
        let mut hits = Vec::new();
        for segment in grid.segments() {
            hits.extend(segment.rows.clone().filter(|&bin| counts[bin] > 0).map(|bin| (bin, &segment.rows)));
        }
        for lag in 0..n_lags {
            let (mut sum, mut n) = (0.0, 0.0);
            for (bin, rows) in &hits {
                let shifted = (bin + lag).checked_sub(n_before).filter(|row| rows.contains(row));
                if let Some(value) = shifted.map(|row| signal[row]).filter(|value| !value.is_nan()) {
                    sum += f64::from(counts[*bin]) * value;
                    n += f64::from(counts[*bin]);
                }
            }
            d[[lag, column]] = sum / n;
        }
    }
    lag_frame(n_before, n_after, bin_s, d, units.units().keys().map(ToString::to_string).collect())
}
