//! Which parts of an epoch are worth enlarging: pulses of a signal, or the parts with most events.

/// Shares of the span of a signal that count as one level.
const N_LEVELS: usize = 40;
/// A signal rests where this share of the time is spent at one level.
const RESTING: f64 = 0.15;
/// Gaps between pulses up to this share of the time are part of them, and shorter pulses are none.
const GAP: f64 = 0.04;
const SHORTEST: f64 = 0.002;
/// Share of the largest distance from rest beyond which a signal is not at rest: small pulses count too.
const AWAY: f64 = 0.2;

/// The pulses of a signal, in order of time: where `values` (one mean per equal step of `range`, NaN for none) are
/// further from the resting level than a fifth of what they ever are. Empty for a signal without a resting level.
///
/// The resting level is the one of 40 levels at which most steps are.
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
    let mut pulses: Vec<[f64; 2]> = Vec::new();
    for (i, _) in values.iter().enumerate().filter(|(_, value)| (*value - rest).abs() > far) {
        let (from, to) = (start + i as f64 * step, start + (i + 1) as f64 * step);
        match pulses.last_mut() {
            Some(last) if from - last[1] <= gap => last[1] = to,
            _ => pulses.push([from, to]),
        }
    }
    pulses.retain(|[from, to]| to - from >= shortest);
    let whole = pulses.iter().any(|[from, to]| to - from > 0.8 * (stop - start));
    if whole { Vec::new() } else { pulses }
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
    use super::{busiest, busy_parts, pulses_of, richest};

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
    fn the_parts_with_most_events_come_in_order_of_time() {
        let events = [0.5, 3.1, 3.2, 3.3, 7.0, 7.1];
        assert_eq!(richest(&[[0.0, 1.0], [3.0, 4.0], [7.0, 8.0]], &events, 2), [[3.0, 4.0], [7.0, 8.0]]);
        let [from, to] = busiest([0.0, 10.0], &events, 1.0);
        assert!(from < 3.1 && to > 3.3 && (to - from - 1.0).abs() < 1e-12);
        assert_eq!(busiest([0.0, 0.5], &events, 1.0), [0.0, 0.5]);
        assert_eq!(busy_parts([0.0, 10.0], &events, 1.0, 2), [[3.0, 4.0], [7.0, 8.0]]);
    }
}
