//! Supports made from runs of samples: where a series is above a threshold, has values, or has no gap.

use std::ops::Range;

use ndarray::Axis;

use super::epoch_rows;
use super::interval_set::{IntervalSet, TRIM_S};
use super::metadata::Metadata;
use super::ts::Ts;
use super::tsd::Tsd;
use super::tsd_frame::TsdFrame;
use crate::{Error, Result};

/// Which samples a threshold keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `d > threshold`.
    Above,
    /// `d < threshold`.
    Below,
    /// `d >= threshold`.
    AboveEqual,
    /// `d <= threshold`.
    BelowEqual,
}

impl Side {
    /// Whether `value` is on this side of `threshold`; NaN never is.
    fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::Below => value < threshold,
            Self::AboveEqual => value >= threshold,
            Self::BelowEqual => value <= threshold,
        }
    }
}

/// The maximal runs of rows inside `rows` that `keep` holds for.
fn runs(rows: Range<usize>, keep: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for row in rows.filter(|&row| keep(row)) {
        match found.last_mut() {
            Some(run) if run.end == row => run.end = row + 1,
            _ => found.push(row..row + 1),
        }
    }
    found
}

/// The support `[start, end]` of runs; a run without length gets 1 µs.
fn support_of(bounds: &[(f64, f64)]) -> IntervalSet {
    let (start, end): (Vec<f64>, Vec<f64>) =
        bounds.iter().map(|&(start, end)| (start, if end > start { end } else { start + TRIM_S })).unzip();
    IntervalSet::from_pieces(&start, &end, Metadata::new())
}

/// First and last times of the stretches of `t` in which no spacing exceeds `max_gap_s`, epoch by epoch.
fn stretches(t: &[f64], support: &IntervalSet, max_gap_s: f64) -> Result<Vec<(f64, f64)>> {
    if max_gap_s.is_nan() || max_gap_s <= 0.0 {
        let help = "give a time in seconds somewhat longer than the spacing of the samples";
        return Err(Error::argument("longest gap", "above 0 s", max_gap_s.to_string(), help));
    }
    let mut found = Vec::new();
    for rows in epoch_rows::sample_rows(t, support) {
        let mut first = rows.start;
        for row in rows.clone() {
            if row + 1 == rows.end || t[row + 1] - t[row] > max_gap_s {
                found.push((t[first], t[row]));
                first = row + 1;
            }
        }
    }
    Ok(found)
}

/// The support `[first, last]` of each run of rows of one epoch that `keep` holds for.
fn support_of_kept(t: &[f64], support: &IntervalSet, keep: impl Fn(usize) -> bool) -> IntervalSet {
    let mut bounds = Vec::new();
    for rows in epoch_rows::sample_rows(t, support) {
        bounds.extend(runs(rows, &keep).into_iter().map(|run| (t[run.start], t[run.end - 1])));
    }
    support_of(&bounds)
}

impl Ts {
    /// An epoch per stretch of events whose spacings are at most `min_gap_s`, 1 µs added to every end.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `min_gap_s` is above 0.
    pub fn find_support(&self, min_gap_s: f64) -> Result<IntervalSet> {
        let bounds = stretches(self.t(), self.support(), min_gap_s)?;
        Ok(support_of(&bounds.iter().map(|&(start, end)| (start, end + TRIM_S)).collect::<Vec<_>>()))
    }
}

impl Tsd {
    /// An epoch `[first, last]` per stretch of samples whose spacings are at most `max_gap_s`.
    ///
    /// The support of a loaded series runs from its first to its last sample, gaps included; restricted to this
    /// support its rate is the sampling rate again. A lone sample gets 1 µs.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `max_gap_s` is above 0.
    pub fn support_from_gaps(&self, max_gap_s: f64) -> Result<IntervalSet> {
        Ok(support_of(&stretches(self.t(), self.support(), max_gap_s)?))
    }

    /// The samples on one side of `threshold`; the support is made of their runs.
    ///
    /// A crossing between two samples puts the border in their middle; a run that reaches the first or last
    /// sample of an epoch ends at that sample, and gets 1 µs if it has no other length.
    ///
    /// # Errors
    /// [`Error::Argument`] when the threshold is NaN.
    pub fn threshold(&self, threshold: f64, side: Side) -> Result<Self> {
        if threshold.is_nan() {
            return Err(Error::argument("threshold", "a number", "NaN", "give the value to compare with"));
        }
        let t = self.t();
        let crossing = |row: usize| t[row] - (t[row] - t[row - 1]) / 2.0;
        let (mut bounds, mut kept) = (Vec::new(), Vec::new());
        for rows in epoch_rows::sample_rows(t, self.support()) {
            for run in runs(rows.clone(), |row| side.holds(self.d()[row], threshold)) {
                let start = if run.start == rows.start { t[run.start] } else { crossing(run.start) };
                let end = if run.end == rows.end { t[run.end - 1] } else { crossing(run.end) };
                bounds.push((start, end));
                kept.extend(run);
            }
        }
        let (t, d) = (epoch_rows::take(t, &kept), epoch_rows::take(self.d(), &kept));
        Self::new(t, d, Some(support_of(&bounds)))
    }

    /// The samples that are not NaN; the support is `[first, last]` of each of their runs in one epoch.
    ///
    /// A lone sample gets 1 µs. Where nothing is dropped the support stays.
    #[must_use]
    pub fn dropna(&self) -> Self {
        let kept = self.dropna_keep_support();
        if kept.len() == self.len() {
            return kept;
        }
        let support = support_of_kept(self.t(), self.support(), |row| !self.d()[row].is_nan());
        Self::from_parts(kept.t().to_vec(), kept.d().to_vec(), support)
    }

    /// The samples that are not NaN, on the support as it was.
    #[must_use]
    pub fn dropna_keep_support(&self) -> Self {
        let rows: Vec<usize> = (0..self.len()).filter(|&row| !self.d()[row].is_nan()).collect();
        let (t, d) = (epoch_rows::take(self.t(), &rows), epoch_rows::take(self.d(), &rows));
        Self::from_parts(t, d, self.support().clone())
    }
}

impl TsdFrame {
    /// The rows without any NaN, on the support that [`Tsd::dropna`] would give.
    #[must_use]
    pub fn dropna(&self) -> Self {
        let sound: Vec<bool> =
            self.d().rows().into_iter().map(|row| !row.iter().any(|x| x.is_nan())).collect();
        let rows: Vec<usize> = (0..self.len()).filter(|&row| sound[row]).collect();
        if rows.len() == self.len() {
            return self.clone();
        }
        let support = support_of_kept(self.t(), self.support(), |row| sound[row]);
        let t = epoch_rows::take(self.t(), &rows);
        Self::from_parts(t, self.d().select(Axis(0), &rows), self.columns().to_vec(), support)
    }
}
