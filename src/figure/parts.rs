//! Which parts of an epoch are worth enlarging: pulses of a signal, or the parts with most events.

use std::ops::Range;

/// Shares of the span of a signal that count as one level.
const N_LEVELS: usize = 40;
/// A signal rests where this share of the time is spent at one level.
const RESTING: f64 = 0.15;
/// Gaps between pulses up to this share of the time are part of them, and shorter pulses are none.
const GAP: f64 = 0.04;
const SHORTEST: f64 = 0.002;
/// Share of the largest distance from rest beyond which a signal is not at rest: small pulses count too.
const AWAY: f64 = 0.2;

/// Steps of rest before and after a pulse.
const REST_STEPS: usize = 2;
/// Share of the distance that counts as away which a signal may be off its rest there.
const REST: f64 = 0.5;

/// The pulses of a signal, in order of time: where `values` (one mean per equal step of `range`, NaN for none) are
/// further from the resting level than a fifth of what they ever are. Empty for a signal without a resting level.
///
/// The resting level is the one of 40 levels at which most steps are. A pulse has abrupt edges: one step away from
/// each of them the signal rests, two steps into it the signal has come half of the way to the middle of what it is
/// in between. What drifts away and back is no pulse, and a signal that mostly does so has none.
///
/// ```
/// use rheobase::figure::pulses_of;
/// let values: Vec<f64> = (0..100).map(|i| if (20..50).contains(&i) { 3.0 } else { 0.0 }).collect();
/// assert_eq!(pulses_of([0.0, 10.0], &values), [[2.0, 5.0]]);
/// ```
pub fn pulses_of([start, stop]: [f64; 2], values: &[f64]) -> Vec<[f64; 2]> {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low >= high {
        return Vec::new();
    }
    let level = |value: f64| (((value - low) / (high - low) * N_LEVELS as f64) as usize).min(N_LEVELS - 1);
    let mut counts = [0_usize; N_LEVELS];
    finite().for_each(|value| counts[level(value)] += 1);
    let Some((most, &count)) = counts.iter().enumerate().max_by_key(|(_, count)| **count) else {
        return Vec::new();
    };
    if (count as f64) < RESTING * values.len() as f64 {
        return Vec::new();
    }
    let rest = low + (most as f64 + 0.5) / N_LEVELS as f64 * (high - low);
    let far = AWAY * (high - rest).max(rest - low);
    let step = (stop - start) / values.len() as f64;
    let (gap, shortest) = (GAP * (stop - start), SHORTEST * (stop - start));
    let away: Vec<f64> = values.iter().map(|value| (value - rest).abs()).collect();
    let mut runs: Vec<Range<usize>> = Vec::new();
    for i in (0..away.len()).filter(|&i| away[i] > far) {
        match runs.last_mut() {
            Some(last) if (i - last.end) as f64 * step <= gap => last.end = i + 1,
            _ => runs.push(i..i + 1),
        }
    }
    runs.retain(|run| run.len() as f64 * step >= shortest);
    let is_whole = runs.iter().any(|run| run.len() as f64 > 0.8 * values.len() as f64);
    let n_runs = runs.len();
    runs.retain(|run| is_abrupt(&away, run, REST * far));
    if is_whole || 2 * runs.len() <= n_runs {
        return Vec::new();
    }
    let bounds = |run: Range<usize>| [start + run.start as f64 * step, start + run.end as f64 * step];
    runs.into_iter().map(bounds).collect()
}

/// Whether a run begins and ends abruptly, from and to distances below `rest`; an edge at the end of what is known
/// does not count, but one must be seen.
fn is_abrupt(away: &[f64], run: &Range<usize>, rest: f64) -> bool {
    let mut inside: Vec<f64> = away[run.clone()].iter().copied().filter(|x| x.is_finite()).collect();
    inside.sort_by(f64::total_cmp);
    let half = 0.5 * inside.get(inside.len() / 2).copied().unwrap_or(f64::NAN);
    let edge = |outside: &[f64], inside: &[f64]| {
        let known = || outside.iter().filter(|x| x.is_finite());
        (known().count() > 0).then(|| known().all(|x| *x < rest) && inside.iter().any(|x| *x > half))
    };
    let before = run.start.saturating_sub(1 + REST_STEPS)..run.start.saturating_sub(1);
    let after = (run.end + 1).min(away.len())..(run.end + 1 + REST_STEPS).min(away.len());
    let first = run.start..(run.start + 2).min(run.end);
    let last = run.end.saturating_sub(2).max(run.start)..run.end;
    let edges = [edge(&away[before], &away[first]), edge(&away[after], &away[last])];
    edges.contains(&Some(true)) && !edges.contains(&Some(false))
}

/// The first of `samples` (time, value; in order of time) that has come half of the way from the level before
/// `from_s` to the level after `to_s`: the onset of a pulse. `None` without samples on both sides.
pub fn onset_of(samples: &[(f64, f64)], from_s: f64, to_s: f64) -> Option<f64> {
    let mean = |is_in: &dyn Fn(f64) -> bool| {
        let (sum, n) = samples
            .iter()
            .filter(|(t, value)| is_in(*t) && value.is_finite())
            .fold((0.0, 0.0), |(sum, n), (_, value)| (sum + value, n + 1.0));
        (n > 0.0).then_some(sum / n)
    };
    let (before, after) = (mean(&|t| t < from_s)?, mean(&|t| t > to_s)?);
    let is_half = |value: f64| (value - before) * (after - before).signum() >= 0.5 * (after - before).abs();
    samples.iter().find(|(t, value)| *t >= from_s && is_half(*value)).map(|(t, _)| *t)
}

/// The `n` parts with most events, in order of time.
pub fn richest(parts: &[[f64; 2]], events: &[f64], n: usize) -> Vec<[f64; 2]> {
    let mut ranked: Vec<([f64; 2], usize)> =
        parts.iter().map(|part| (*part, n_events(events, *part))).collect();
    ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut kept: Vec<[f64; 2]> = ranked.into_iter().take(n).map(|(part, _)| part).collect();
    kept.sort_by(|a, b| a[0].total_cmp(&b[0]));
    kept
}

/// The part of `length` inside of `range` with most `events` (sorted); of equals the first.
pub fn busiest([start, stop]: [f64; 2], events: &[f64], length: f64) -> [f64; 2] {
    let latest = stop - length;
    if latest <= start {
        return [start, stop];
    }
    // a little before an event, so that it does not lie on the edge
    let starts = events.iter().map(|event| (event - 0.1 * length).clamp(start, latest));
    let mut best = ([start, start + length], n_events(events, [start, start + length]));
    for from in starts {
        let part = [from, from + length];
        let count = n_events(events, part);
        if count > best.1 {
            best = (part, count);
        }
    }
    best.0
}

/// At most `n` parts of `length` with most events that do not overlap, in order of time; none without an event.
pub fn busy_parts(range: [f64; 2], events: &[f64], length: f64, n: usize) -> Vec<[f64; 2]> {
    let n_parts = ((range[1] - range[0]) / length).floor().max(1.0) as usize;
    let step = (range[1] - range[0]) / n_parts as f64;
    let mut parts: Vec<[f64; 2]> =
        (0..n_parts).map(|k| [range[0] + k as f64 * step, range[0] + (k + 1) as f64 * step]).collect();
    parts.retain(|part| n_events(events, *part) > 0);
    richest(&parts, events, n)
}

fn n_events(events: &[f64], [from, to]: [f64; 2]) -> usize {
    events.partition_point(|event| *event <= to) - events.partition_point(|event| *event < from)
}

#[cfg(test)]
mod tests {
    use super::{busiest, busy_parts, onset_of, pulses_of, richest};

    #[test]
    fn pulses_up_and_down_are_found_and_short_gaps_are_part_of_them() {
        let values: Vec<f64> = (0..1000)
            .map(|i| match i {
                220..300 => 0.9,
                500..600 => -1.0,
                100..200 | 900..901 => 1.0,
                _ => 0.0,
            })
            .collect();
        assert_eq!(pulses_of([0.0, 1000.0], &values), [[100.0, 300.0], [500.0, 600.0]]);
    }

    #[test]
    fn a_signal_without_a_resting_level_has_no_pulses() {
        let ramp: Vec<f64> = (0..1000).map(f64::from).collect();
        assert!(pulses_of([0.0, 1.0], &ramp).is_empty());
        assert!(pulses_of([0.0, 1.0], &[2.0; 50]).is_empty());
        assert!(pulses_of([0.0, 1.0], &[f64::NAN; 50]).is_empty() && pulses_of([0.0, 1.0], &[]).is_empty());
    }

    #[test]
    fn what_drifts_away_from_its_rest_has_no_pulses() {
        // rests at 0 and at 1, and drifts between them
        let drift = |i: i32| (2.0 * (f64::from(i % 500) / 250.0 - 1.0).abs() - 0.5).clamp(0.0, 1.0);
        assert!(pulses_of([0.0, 60.0], &(0..2000).map(drift).collect::<Vec<f64>>()).is_empty());
        let ramps: Vec<f64> = (0..2000).map(|i| f64::from((i % 500 - 250).max(0))).collect();
        assert!(pulses_of([0.0, 60.0], &ramps).is_empty());
        // a pulse that the end cuts off is one
        let cut: Vec<f64> = (0..2000).map(|i| f64::from(u8::from(i >= 1700))).collect();
        assert_eq!(pulses_of([0.0, 2000.0], &cut), [[1700.0, 2000.0]]);
    }

    #[test]
    fn an_onset_is_the_first_sample_half_way_up() {
        let samples: Vec<(f64, f64)> = (0..100)
            .map(|i| (f64::from(i), if i < 57 { 1.0 + 0.1 * f64::from(i % 2) } else { -3.0 }))
            .collect();
        assert_eq!(onset_of(&samples, 50.0, 60.0), Some(57.0));
        assert_eq!(onset_of(&samples, 0.0, 60.0), None);
    }

    #[test]
    fn the_parts_with_most_events_come_in_order_of_time() {
        let events = [0.5, 3.1, 3.2, 3.3, 7.0, 7.1];
        assert_eq!(richest(&[[0.0, 1.0], [3.0, 4.0], [7.0, 8.0]], &events, 2), [[3.0, 4.0], [7.0, 8.0]]);
        let [from, to] = busiest([0.0, 10.0], &events, 1.0);
        assert!(from < 3.1 && to > 3.3 && (to - from - 1.0).abs() < 1e-12);
        assert_eq!(busiest([0.0, 0.5], &events, 1.0), [0.0, 0.5]);
        assert_eq!(busy_parts([0.0, 10.0], &events, 1.0, 2), [[3.0, 4.0], [7.0, 8.0]]);
    }
}
