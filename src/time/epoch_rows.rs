//! What the series have in common: checks of their times, clipping to a support, the rows of an epoch.

use std::ops::Range;

use super::interval_set::IntervalSet;
use crate::{Error, Result};

/// Fails on the first NaN, infinity or step back of `t`.
pub(super) fn check_times(what: &str, t: &[f64]) -> Result<()> {
    if let Some(row) = t.iter().position(|x| !x.is_finite()) {
        return Err(Error::NonFinite { what: what.to_string(), row, column: 0, value: t[row] });
    }
    match t.windows(2).position(|pair| pair[1] < pair[0]) {
        None => Ok(()),
        Some(i) => {
            Err(Error::Unsorted { what: what.to_string(), row: i + 1, previous: t[i], value: t[i + 1] })
        }
    }
}

/// The order that sorts `t` stably; NaN last, where the check of the times will find it.
pub(super) fn sorting_order(t: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..t.len()).collect();
    order.sort_by(|&a, &b| t[a].total_cmp(&t[b]));
    order
}

/// The support of a new series and the rows of `t` inside it (`None`: all of them).
///
/// Without a given support it is `[first, last]`, which is empty for a lone time.
pub(super) fn settle_support(t: &[f64], support: Option<IntervalSet>) -> (IntervalSet, Option<Vec<usize>>) {
    match support {
        None => match (t.first(), t.last()) {
            (Some(&first), Some(&last)) => (IntervalSet::single(first, last), None),
            _ => (IntervalSet::empty(), None),
        },
        Some(support) => {
            let inside: Vec<usize> = support.sample_ranges(t).into_iter().flatten().collect();
            let kept = (inside.len() < t.len()).then_some(inside);
            (support, kept)
        }
    }
}

/// `N / total length`, Hz; NaN on an empty support.
pub(super) fn rate(n: usize, support: &IntervalSet) -> f64 {
    if support.is_empty() { f64::NAN } else { n as f64 / support.tot_length() }
}

/// What a user should know about a series, derived from its state.
pub(super) fn support_notices(n: usize, support: &IntervalSet) -> Vec<String> {
    if n > 0 && support.is_empty() {
        vec![format!("{n} sample(s) without time support: the rate is NaN; give a support")]
    } else {
        Vec::new()
    }
}

/// The rows of the samples of each epoch; samples without support are one row of their own.
pub(super) fn sample_rows(t: &[f64], support: &IntervalSet) -> Vec<Range<usize>> {
    if support.is_empty() && !t.is_empty() {
        std::iter::once(0..t.len()).collect()
    } else {
        support.sample_ranges(t)
    }
}

/// The given entries of `values`.
pub(super) fn take(values: &[f64], rows: &[usize]) -> Vec<f64> {
    rows.iter().map(|&row| values[row]).collect()
}

/// Rows of the sorted times `t` with `start <= t <= end`.
///
/// # Errors
/// [`Error::Argument`] when `start > end` or one of them is NaN.
pub(super) fn closed_range(t: &[f64], start: f64, end: f64) -> Result<Range<usize>> {
    if start > end || start.is_nan() || end.is_nan() {
        return Err(Error::argument(
            "end of the range",
            format!("at least its start, {start}"),
            end.to_string(),
            "give the earlier time first",
        ));
    }
    let first = t.partition_point(|&x| x < start);
    Ok(first..first + t[first..].partition_point(|&x| x <= end))
}

/// Row of the time nearest to `at`; a tie goes to the later one, and to the first of equal times.
pub(super) fn nearest(t: &[f64], at: f64) -> Option<usize> {
    let after = t.partition_point(|&x| x < at);
    if after == t.len() {
        return t.len().checked_sub(1);
    }
    if after > 0 && at - t[after - 1] < t[after] - at { Some(after - 1) } else { Some(after) }
}
