//! Spike trains as events.
//!
//! A channel whose bins are mostly zero is stored as its non-zero bins. Convolution needs them in two orders. Row by
//! row, the events of several channels are wanted together: one loop runs over all that reach a block of rows, so
//! that its length is not guessed wrong by the processor once per channel. Lag by lag, the sums of one channel stay
//! in registers, so its events are wanted alone. Both orders are kept; together they are far smaller than the counts
//! they stand for.

use std::ops::Range;
use std::sync::Arc;

use crate::math::real::Real;

use super::filters::Filters;
use super::lags::Lags;

/// Bins that share an entry of the index over events in order of time.
pub(super) const INDEX_BINS: usize = 64;

/// Bins looked at together in the search for those that are not zero.
const SCAN_BINS: usize = 16;

/// Bytes of the filters of one group of channels in f32: half of a first-level cache.
const GROUP_BYTES: usize = 16 << 10;

/// A bin whose value is not zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Bin on the grid.
    pub bin: u32,
    /// Its value: for a spike train, the number of spikes.
    pub count: f32,
}

/// The events of one channel, in order of time; a clone shares them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Events {
    events: Arc<[Event]>,
    /// Number of events before bin `256 i`.
    before: Arc<[u32]>,
}

/// Bins that share an entry of the index of one channel.
const CHANNEL_INDEX_BINS: usize = 256;

impl Events {
    /// The non-zero bins of a channel; `None` where events cannot stand for it exactly: a value that is not finite
    /// or no f32, or more than 2^32 bins.
    pub fn from_counts<T: Real>(counts: &[T]) -> Option<Self> {
        u32::try_from(counts.len()).ok()?;
        let mut events = Vec::new();
        for (piece, values) in counts.chunks(SCAN_BINS).enumerate() {
            // most pieces are empty, and seen to be so at once
            if values.iter().map(|&value| u32::from(value != T::ZERO)).sum::<u32>() > 0 {
                for (place, &value) in values.iter().enumerate().filter(|(_, value)| **value != T::ZERO) {
                    let count = value.to_f32();
                    if T::from_f32(count) != value || !count.is_finite() {
                        return None;
                    }
                    events.push(Event { bin: (piece * SCAN_BINS + place) as u32, count });
                }
            }
        }
        Self::indexed(events)
    }

    /// Events that are known already; `None` unless their bins rise and their values are finite.
    pub fn new(events: Vec<Event>) -> Option<Self> {
        let rising = events.windows(2).all(|pair| pair[0].bin < pair[1].bin);
        let finite = events.iter().all(|event| event.count.is_finite());
        if rising && finite { Self::indexed(events) } else { None }
    }

    fn indexed(events: Vec<Event>) -> Option<Self> {
        u32::try_from(events.len()).ok()?;
        let n_index = events.last().map_or(0, |last| last.bin as usize / CHANNEL_INDEX_BINS + 1);
        let mut before = Vec::with_capacity(n_index + 1);
        for (place, event) in events.iter().enumerate() {
            before.resize(event.bin as usize / CHANNEL_INDEX_BINS + 1, place as u32);
        }
        before.push(events.len() as u32);
        Some(Self { events: events.into(), before: before.into() })
    }

    /// The number of events before a bin.
    fn number_before(&self, bin: usize) -> usize {
        let entry = bin / CHANNEL_INDEX_BINS;
        let at = |entry: usize| self.before.get(entry).map_or(self.events.len(), |&place| place as usize);
        let near = &self.events[at(entry)..at(entry + 1)];
        at(entry) + near.iter().take_while(|event| (event.bin as usize) < bin).count()
    }

    /// All events.
    pub fn all(&self) -> &[Event] {
        &self.events
    }

    /// The events with a bin in `bins`.
    pub fn within(&self, bins: &Range<usize>) -> &[Event] {
        let start = self.number_before(bins.start);
        &self.events[start..self.number_before(bins.end).max(start)]
    }
}

/// An event among those of other channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Merged {
    /// Bin on the grid.
    pub(super) bin: u32,
    /// Where the filter of its channel begins, counted from that of the first of the group.
    pub(super) filter: u32,
    /// Its value.
    pub(super) count: f32,
}

/// Bytes of one of them.
pub const MERGED_BYTES: usize = size_of::<Merged>();

/// Events of neighbouring channels in order of time.
#[derive(Clone, Debug)]
pub(super) struct Group {
    events: Vec<Merged>,
    /// Number of events before bin `64 i`.
    before: Vec<u32>,
}

impl Group {
    fn new(channels: &[Events], stride: usize) -> Self {
        let mut events: Vec<Merged> = Vec::with_capacity(channels.iter().map(|c| c.events.len()).sum());
        let end = channels.iter().filter_map(|c| c.events.last()).map(|last| last.bin as usize + 1).max();
        let n_index = end.unwrap_or(0).div_ceil(INDEX_BINS);
        let mut before = Vec::with_capacity(n_index + 1);
        let mut done = vec![0; channels.len()];
        for index in 0..n_index {
            let start = events.len();
            before.push(start as u32);
            let border = ((index + 1) * INDEX_BINS) as u64;
            for ((channel, done), place) in channels.iter().zip(&mut done).zip(0..) {
                let filter = u32::try_from(place * stride).unwrap_or(u32::MAX);
                for event in channel.events[*done..].iter().take_while(|e| u64::from(e.bin) < border) {
                    events.push(Merged { bin: event.bin, filter, count: event.count });
                    *done += 1;
                }
            }
            events[start..].sort_by_key(|event| event.bin);
        }
        before.push(events.len() as u32);
        Self { events, before }
    }

    /// All events with a bin in `bins`, and perhaps some within [`INDEX_BINS`] of them.
    #[inline(always)]
    pub(super) fn around(&self, bins: &Range<usize>) -> &[Merged] {
        let last = self.before.len() - 1;
        let start = self.before[(bins.start / INDEX_BINS).min(last)];
        let end = self.before[bins.end.div_ceil(INDEX_BINS).min(last)];
        &self.events[start as usize..end as usize]
    }
}

/// The events of many channels, in both orders.
#[derive(Clone, Debug)]
pub struct EventChannels {
    lags: Lags,
    channels: Vec<Events>,
    /// The first channel of each group, and its events.
    groups: Vec<(usize, Arc<Group>)>,
}

impl EventChannels {
    /// Channels to be convolved with filters of one window.
    pub fn new(lags: Lags, channels: Vec<Events>) -> Self {
        let n = Self::channels_of_a_group(lags);
        let group = |(k, members): (usize, &[Events])| (k * n, Arc::new(Group::new(members, stride(lags))));
        let groups = channels.chunks(n).enumerate().map(group).collect();
        Self { lags, channels, groups }
    }

    /// Channels whose events are merged.
    pub fn channels_of_a_group(lags: Lags) -> usize {
        (GROUP_BYTES / (stride(lags) * size_of::<f32>())).max(1)
    }

    /// Some of the channels: groups that lie inside are shared, those at the ends are merged anew.
    ///
    /// # Panics
    /// If there are no such channels.
    #[must_use]
    pub fn some(&self, channels: Range<usize>) -> Self {
        let n = Self::channels_of_a_group(self.lags);
        let mut groups = Vec::new();
        let mut first = channels.start;
        while first < channels.end {
            let own = first / n;
            let end = ((own + 1) * n).min(self.channels.len());
            let group = if first == own * n && end <= channels.end {
                Arc::clone(&self.groups[own].1)
            } else {
                Arc::new(Group::new(&self.channels[first..end.min(channels.end)], stride(self.lags)))
            };
            groups.push((first - channels.start, group));
            first = end;
        }
        Self { lags: self.lags, channels: self.channels[channels].to_vec(), groups }
    }

    /// The window.
    pub fn lags(&self) -> Lags {
        self.lags
    }

    /// The channels, one by one.
    pub fn channels(&self) -> &[Events] {
        &self.channels
    }

    /// The groups, each with the place of its first filter.
    pub(super) fn groups(&self) -> impl Iterator<Item = (usize, &Group)> {
        let stride = stride(self.lags);
        self.groups.iter().map(move |(first, group)| (first * stride, group.as_ref()))
    }
}

/// Numbers from the filter of one channel to that of the next.
fn stride(lags: Lags) -> usize {
    Filters::<f32>::stride_of(lags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_bins_that_are_not_zero() {
        let mut counts = vec![0.0; 5000];
        counts[0] = 1.0;
        counts[1023] = 3.0;
        counts[1024] = -2.5;
        counts[4999] = 2.0;
        let events = Events::from_counts(&counts).unwrap();
        let expected =
            [(0, 1.0), (1023, 3.0), (1024, -2.5), (4999, 2.0)].map(|(bin, count)| Event { bin, count });
        assert_eq!(events.all(), expected);
        assert_eq!(events.within(&(1..1024)), &expected[1..2]);
        assert_eq!(events.within(&(0..5000)), &expected);
        assert!(events.within(&(2000..2000)).is_empty());
        assert_eq!(Events::new(expected.to_vec()), Some(events));
        assert_eq!(Events::from_counts(&vec![1.0_f32; 3000]).unwrap().all().len(), 3000);
    }

    #[test]
    fn values_that_events_cannot_hold_are_refused() {
        for value in [0.1, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(Events::from_counts(&[0.0, value]), None, "{value}");
        }
        assert_eq!(Events::from_counts(&[0.0_f32, f32::NAN]), None);
        let event = |bin| Event { bin, count: 1.0 };
        assert_eq!(Events::new(vec![event(3), event(3)]), None);
        assert_eq!(Events::new(vec![Event { bin: 0, count: f32::NAN }]), None);
    }

    #[test]
    fn groups_hold_every_event_once_in_order_of_time() {
        let lags = Lags { window_bins: 200, shift: -1 };
        let channels: Vec<Events> = (0..20_usize)
            .map(|c| {
                let counts: Vec<f64> = (0..997).map(|t| f64::from((t * (c + 3)) % 7 == 0)).collect();
                Events::from_counts(&counts).unwrap()
            })
            .collect();
        let all = EventChannels::new(lags, channels.clone());
        assert!(all.groups().count() > 1);
        let stride = Filters::<f32>::stride_of(lags);
        let mut seen: Vec<Vec<u32>> = vec![Vec::new(); 20];
        for (first, group) in all.groups() {
            for event in group.around(&(0..2000)) {
                seen[(first + event.filter as usize) / stride].push(event.bin);
            }
            let some = group.around(&(100..200));
            for event in group.around(&(0..2000)).iter().filter(|event| (100..200).contains(&event.bin)) {
                assert!(some.contains(event));
            }
            assert!(some.len() < group.around(&(0..2000)).len());
            assert!(group.around(&(5000..6000)).is_empty());
        }
        for (seen, channel) in seen.iter().zip(&channels) {
            assert_eq!(*seen, channel.all().iter().map(|event| event.bin).collect::<Vec<_>>());
        }
    }

    #[test]
    fn some_channels_share_the_groups_of_all() {
        let lags = Lags { window_bins: 200, shift: -1 };
        let n = EventChannels::channels_of_a_group(lags);
        let channels: Vec<Events> = (0..3 * n + 2)
            .map(|c| {
                let counts: Vec<f64> = (0..500).map(|t| f64::from((t * (c + 3)) % 7 == 0)).collect();
                Events::from_counts(&counts).unwrap()
            })
            .collect();
        let all = EventChannels::new(lags, channels.clone());
        for range in [n - 1..3 * n + 2, 0..2 * n, 1..2, n..2 * n + 1] {
            let some = all.some(range.clone());
            let alone = EventChannels::new(lags, channels[range.clone()].to_vec());
            assert_eq!(some.channels(), alone.channels());
            let events = |of: &EventChannels| -> Vec<(u32, usize)> {
                let groups = of.groups().flat_map(|(first, group)| {
                    group.around(&(0..500)).iter().map(move |e| (e.bin, first + e.filter as usize))
                });
                let mut events: Vec<(u32, usize)> = groups.collect();
                events.sort_unstable();
                events
            };
            assert_eq!(events(&some), events(&alone), "{range:?}");
            let shared =
                some.groups.iter().filter(|(_, own)| all.groups.iter().any(|g| Arc::ptr_eq(&g.1, own)));
            let whole = (0..=3).filter(|k| range.start <= k * n && ((k + 1) * n).min(3 * n + 2) <= range.end);
            assert_eq!(shared.count(), whole.count(), "{range:?}");
        }
    }
}
