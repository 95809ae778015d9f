//! Events in the order of products, made once for all who look at the same channels.
//!
//! A population in which every target sees all neurons but itself asks for nearly the same channels again and again, in
//! both precisions. What is in use is handed out again, and other choices of channels share all but the groups at their
//! ends.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use crate::backend::cpu::convolution::events::{EventChannels, Events};
use crate::backend::cpu::convolution::lags::Lags;

/// The channels that are in use.
#[derive(Debug, Default)]
pub(super) struct SharedEvents {
    all: OnceLock<Arc<EventChannels>>,
    some: Mutex<Vec<(Range<usize>, Weak<EventChannels>)>>,
}

impl SharedEvents {
    /// The channels number `range` of `n_channels`, whose events `events` gives.
    pub(super) fn get(
        &self,
        lags: Lags,
        range: Range<usize>,
        n_channels: usize,
        events: impl Fn(Range<usize>) -> Vec<Events>,
    ) -> Arc<EventChannels> {
        let all = || self.all.get_or_init(|| Arc::new(EventChannels::new(lags, events(0..n_channels))));
        if range == (0..n_channels) {
            return Arc::clone(all());
        }
        let make = || {
            let has_groups = range.len() >= 2 * EventChannels::channels_of_a_group(lags);
            let some = || EventChannels::new(lags, events(range.clone()));
            Arc::new(if has_groups { all().some(range.clone()) } else { some() })
        };
        let Ok(mut kept) = self.some.lock() else { return make() };
        kept.retain(|(_, channels)| channels.strong_count() > 0);
        if let Some(same) = kept.iter().find(|(of, _)| *of == range).and_then(|(_, same)| same.upgrade()) {
            return same;
        }
        let made = make();
        kept.push((range.clone(), Arc::downgrade(&made)));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_is_not_made_again() {
        let lags = Lags { window_bins: 50, shift: -1 };
        let shared = SharedEvents::default();
        let events = |range: Range<usize>| {
            range.map(|k| Events::from_counts(&[vec![0.0; k], vec![1.0]].concat()).unwrap()).collect()
        };
        let get = |range: Range<usize>| shared.get(lags, range, 90, events);
        let first = get(1..90);
        assert!(Arc::ptr_eq(&first, &get(1..90)) && !Arc::ptr_eq(&first, &get(0..89)));
        assert_eq!(first.channels(), events(1..90));
        assert!(Arc::ptr_eq(&get(0..90), &get(0..90)));
        let forgotten = Arc::downgrade(&first);
        drop(first);
        assert!(forgotten.upgrade().is_none(), "kept only while it is in use");
    }
}
