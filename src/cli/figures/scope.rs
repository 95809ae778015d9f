//! Which part of a recording the figures over time show.

use std::fmt::Write;

use super::statistics::busiest as busiest_targets;
use super::traces::{MOST_UNITS, SignalLines, pieces};
use crate::Result;
use crate::cli::data::Data;
use crate::figure::{busiest, busy_parts, pulses_of, richest};

/// Targets with a panel of rates.
pub(super) const MOST_TARGETS: usize = 4;
/// Seconds that are drawn.
const LONGEST_S: f64 = 60.0;
/// Epochs that are mostly shorter than this are drawn with their neighbours, seconds.
const SHORT_S: f64 = 2.0;
/// Parts that are enlarged, the share of the whole that each takes where there are no pulses, and its fewest bins.
const N_PARTS: usize = 3;
const PART: f64 = 0.1;
const FEWEST_BINS: f64 = 20.0;
/// Share of a pulse that is shown before and after it.
const AROUND: f64 = 0.15;

const SMOOTHED: &str = "Rates are smoothed with a Gaussian (standard deviation 50 ms) inside each epoch, the \
                        predictions like the data.";

const CLASSES_SMOOTHED: &str = "Labels (1 in bins of the class, else 0) and probabilities are smoothed with a Gaussian (standard \
                                deviation 50 ms) inside each epoch.";

/// What is drawn of a recording.
pub(super) struct Scope {
    pub(super) range_s: [f64; 2],
    /// In words.
    pub(super) place: String,
    /// Spikes of all targets inside, sorted.
    pub(super) events: Vec<f64>,
    pub(super) targets: Vec<usize>,
    /// How it is drawn, and what is left out.
    pub(super) notes: String,
    /// Pulses of the first signal, if it has any.
    pub(super) pulses: Vec<[f64; 2]>,
}

/// Epochs that are drawn, the first and the last, and the time from start to stop.
#[derive(Debug, PartialEq)]
struct Shown {
    first: usize,
    last: usize,
    range_s: [f64; 2],
}

/// What to draw; `notes` about the signals are kept.
pub(super) fn scope(data: &Data, signals: &[SignalLines], notes: &str) -> Result<Option<Scope>> {
    let mut all: Vec<f64> = data.spike_times_s.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let Some(shown) = shown(&data.epochs_s, &data.centres_s, &all) else { return Ok(None) };
    let range_s = shown.range_s;
    let (targets, more) = busiest_targets(data, MOST_TARGETS);
    let smoothed = if data.is_of_classes() { CLASSES_SMOOTHED } else { SMOOTHED };
    let mut notes = format!("{smoothed}{more}{notes}");
    if data.spike_times_s.len() > MOST_UNITS {
        let n = data.spike_times_s.len();
        let _ = write!(notes, " The first {MOST_UNITS} of {n} units are drawn as spikes.");
    }
    let pulses = match signals.first() {
        Some(signal) => pulses_of(range_s, &signal.means(range_s, &pieces(data, range_s))?),
        None => Vec::new(),
    };
    let place = shown.place(&data.epochs_s);
    let events = inside(&all, range_s).to_vec();
    Ok(Some(Scope { range_s, place, events, targets, notes, pulses }))
}

/// The epoch with most events, or the busiest minute of it. Where most epochs are short: as many neighbours as fit
/// into the busiest minute.
fn shown(epochs_s: &[Vec<f64>], centres_s: &[f64], events: &[f64]) -> Option<Shown> {
    let has_bins = |epoch: &[f64]| {
        let from = centres_s.partition_point(|t| *t < epoch[0]);
        centres_s.get(from + 1).is_some_and(|t| *t <= epoch[1])
    };
    let candidates: Vec<usize> = (0..epochs_s.len()).filter(|&k| has_bins(&epochs_s[k])).collect();
    let (&first, &last) = (candidates.first()?, candidates.last()?);
    let mut lengths: Vec<f64> = candidates.iter().map(|&k| epochs_s[k][1] - epochs_s[k][0]).collect();
    lengths.sort_by(f64::total_cmp);
    if lengths[lengths.len() / 2] < SHORT_S {
        let minute = busiest([epochs_s[first][0], epochs_s[last][1]], events, LONGEST_S);
        let fits = |k: &&usize| epochs_s[**k][0] >= minute[0] && epochs_s[**k][1] <= minute[1];
        let first = candidates.iter().find(fits);
        let last = candidates.iter().rev().find(fits);
        if let (Some(&first), Some(&last)) = (first, last)
            && first < last
        {
            return Some(Shown { first, last, range_s: [epochs_s[first][0], epochs_s[last][1]] });
        }
    }
    let n_events = |k: usize| inside(events, [epochs_s[k][0], epochs_s[k][1]]).len();
    // of equals the first
    let most = candidates.into_iter().rev().max_by_key(|&k| n_events(k))?;
    let whole = [epochs_s[most][0], epochs_s[most][1]];
    let is_long = whole[1] - whole[0] > LONGEST_S;
    let range_s = if is_long { busiest(whole, inside(events, whole), LONGEST_S) } else { whole };
    Some(Shown { first: most, last: most, range_s })
}

impl Shown {
    /// In words, epochs counted from 0.
    fn place(&self, epochs_s: &[Vec<f64>]) -> String {
        let [from, to] = self.range_s;
        let (Self { first, last, .. }, end) = (self, epochs_s.len().saturating_sub(1));
        let is_part =
            first == last && epochs_s.get(*first).is_some_and(|epoch| self.range_s[..] != epoch[..]);
        let epochs = match (first == last, end) {
            (true, 0) if is_part => "the busiest minute: ".to_string(),
            (true, 0) => String::new(),
            (true, _) if is_part => format!("epoch {first} (of 0 to {end}), the busiest minute of it: "),
            (true, _) => format!("epoch {first} (of 0 to {end}), "),
            (false, _) if *first == 0 && *last == end => format!("epochs 0 to {end}, "),
            (false, _) => format!("epochs {first} to {last} (of 0 to {end}), "),
        };
        format!("{epochs}{from:.2} to {to:.2} s")
    }
}

impl Scope {
    /// The parts to enlarge, with some time around pulses; none if bins are too few for parts.
    pub(super) fn parts(&self, bin_s: f64) -> Vec<[f64; 2]> {
        let [start, stop] = self.range_s;
        if self.pulses.is_empty() {
            let Some(length) = part_length(self.range_s, bin_s) else { return Vec::new() };
            return busy_parts(self.range_s, &self.events, length, N_PARTS);
        }
        let around = |[from, to]: [f64; 2]| {
            let more = AROUND * (to - from);
            [(from - more).max(start), (to + more).min(stop)]
        };
        richest(&self.pulses, &self.events, N_PARTS).into_iter().map(around).collect()
    }
}

/// Length of a part that is enlarged: a tenth, or 20 bins; none if that is more than half of the whole.
pub(super) fn part_length([start, stop]: [f64; 2], bin: f64) -> Option<f64> {
    let length = (PART * (stop - start)).max(FEWEST_BINS * bin);
    (length <= 0.5 * (stop - start)).then_some(length)
}

/// The events of an interval.
fn inside(events: &[f64], [from, to]: [f64; 2]) -> &[f64] {
    &events[events.partition_point(|t| *t < from)..events.partition_point(|t| *t <= to)]
}

#[cfg(test)]
mod tests {
    use super::{Shown, part_length, shown};

    #[test]
    fn short_epochs_are_shown_with_their_neighbours() {
        let epochs: Vec<Vec<f64>> =
            (0..400).map(|k| vec![0.5 * f64::from(k), 0.5 * f64::from(k) + 0.2]).collect();
        let centres: Vec<f64> = epochs.iter().flat_map(|epoch| [epoch[0] + 0.05, epoch[0] + 0.15]).collect();
        let events: Vec<f64> = (0..50).map(|k| 100.1 + 0.5 * f64::from(k)).collect();
        let Some(Shown { first, last, range_s }) = shown(&epochs, &centres, &events) else { panic!() };
        assert!(
            last - first > 100
                && range_s[0] <= 100.0
                && range_s[1] >= 124.7
                && range_s[1] - range_s[0] <= 60.0
        );
        let few = Shown { first, last, range_s };
        assert!(few.place(&epochs).starts_with(&format!("epochs {first} to {last} (of 0 to 399), ")));
    }

    #[test]
    fn a_long_epoch_is_shown_by_itself_and_counted_from_0() {
        let epochs = [vec![0.0, 10.0], vec![20.0, 30.0], vec![40.0, 140.0]];
        let centres: Vec<f64> = (0..1400).map(|k| 0.1 * f64::from(k) + 0.05).collect();
        let one = shown(&epochs, &centres, &[21.0, 22.0, 41.0]).unwrap();
        assert_eq!(one, Shown { first: 1, last: 1, range_s: [20.0, 30.0] });
        assert_eq!(one.place(&epochs), "epoch 1 (of 0 to 2), 20.00 to 30.00 s");
        let part = shown(&epochs, &centres, &[90.0, 91.0]).unwrap();
        assert!(part.place(&epochs).starts_with("epoch 2 (of 0 to 2), the busiest minute of it: "));
        assert_eq!(shown(&epochs[..1], &centres, &[]).unwrap().place(&epochs[..1]), "0.00 to 10.00 s");
        assert_eq!(shown(&[], &[], &[]), None);
    }

    #[test]
    fn parts_have_at_least_twenty_bins() {
        assert_eq!(part_length([0.0, 1000.0], 1.0), Some(100.0));
        assert_eq!(part_length([0.0, 100.0], 1.0), Some(20.0));
        assert_eq!(part_length([0.0, 4.0], 1.0), None);
    }
}
