//! Bins that a fit leaves out, and why.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::backend::DeviceEvent;
use crate::features::{Expansion, Group, StudyFeature, Window};
use crate::time::BinGrid;

/// How many bins are left out for a reason: the most that any target loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LeftOut {
    /// Why.
    pub(super) reason: &'static str,
    /// How many; a bin with several reasons counts for the first of them.
    pub(super) n_bins: usize,
}

pub(super) const WINDOW: &str = "the window of a feature leaves the epoch";
pub(super) const OUTSIDE: &str = "a value lies outside the range of its basis";
pub(super) const FEATURE: &str = "a feature is not finite";
pub(super) const RESPONSE: &str = "the response is not finite";
pub(super) const TERM: &str = "a weight or an offset is not finite";
pub(super) const LABEL: &str = "there is no label";
pub(super) const WEIGHT: &str = "its weight is 0";

/// Notes what another part of the data loses.
pub(super) fn note(all: &mut Vec<LeftOut>, own: impl IntoIterator<Item = (&'static str, usize)>) {
    for (reason, n_bins) in own.into_iter().filter(|(_, n_bins)| *n_bins > 0) {
        match all.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.n_bins = known.n_bins.max(n_bins),
            None => all.push(LeftOut { reason, n_bins }),
        }
    }
}

/// Bins in which the window of a feature that some targets see leaves the epoch.
pub(super) fn n_window_edges(features: &[StudyFeature], group: &Group, grid: &BinGrid) -> usize {
    let seen = group.pieces.iter().filter_map(|piece| features.get(piece.block));
    let windows = seen.flat_map(|feature| feature.spec.terms()).filter_map(|term| match &term.expansion {
        Expansion::Convolved { window_s, causality, include_present, .. } => {
            let window = Window::from_duration(*window_s, grid.bin_s()).ok()?.n_bins();
            Some((window as isize, causality.offset(*include_present, window).ok()?))
        }
        Expansion::Plain | Expansion::Evaluated { .. } => None,
    });
    // before an epoch's first complete window, and from its last on: the farthest of all features
    let (before, after) = windows.fold((0, 0), |(before, after), (window, offset)| {
        (before.max(offset), after.max(window - 1 - offset))
    });
    let lost = |n: usize| n.min((before.max(0) + after.max(0)) as usize);
    grid.segments().iter().map(|segment| lost(segment.rows.len())).sum()
}

/// A line for people where the counts of edges and of dropped bins do not tell why; else nothing.
pub(super) fn text(all: &[LeftOut]) -> String {
    let has = |reason: &str| all.iter().any(|own| own.reason == reason);
    let n_dropped = [FEATURE, RESPONSE, TERM, LABEL].into_iter().filter(|reason| has(reason)).count();
    if n_dropped < 2 && !has(OUTSIDE) {
        return String::new();
    }
    let parts: Vec<String> = all.iter().map(|own| format!("{} because {}", own.n_bins, own.reason)).collect();
    format!("left out: {}\n", parts.join(", "))
}

/// Bins of weight 0 among others, in words.
pub(super) fn weightless(n: usize) -> String {
    if n == 0 { String::new() } else { format!(", {n} of weight 0") }
}

/// What a result says of its device.
pub(super) fn device_events(result: &Map<String, Value>) -> Vec<DeviceEvent> {
    let events = result.get("device_events").cloned();
    events.and_then(|events| serde_json::from_value(events).ok()).unwrap_or_default()
}

/// What happened to the device on the way, a line each.
pub(super) fn device_text(events: &[DeviceEvent]) -> String {
    let mut text = String::new();
    for DeviceEvent { event, reason } in events {
        // writing to a string cannot fail
        let _ = writeln!(text, "device: {event}: {reason}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_do_not_tell_is_said() {
        let mut all = Vec::new();
        note(&mut all, [(WINDOW, 20), (FEATURE, 0)]);
        assert_eq!(text(&all), "", "edges are told already");
        note(&mut all, [(WINDOW, 10), (FEATURE, 3)]);
        assert_eq!(text(&all), "");
        note(&mut all, [(RESPONSE, 2)]);
        assert_eq!(all[0], LeftOut { reason: WINDOW, n_bins: 20 }, "the most that any part loses");
        assert_eq!(
            text(&all),
            "left out: 20 because the window of a feature leaves the epoch, 3 because a feature is not finite, \
             2 because the response is not finite\n"
        );
    }

    #[test]
    fn events_of_a_device_are_a_line_each() {
        let events = [
            DeviceEvent::new("lost", "it was pulled out"),
            DeviceEvent::new("cpu", "what was left was fitted on the CPU"),
        ];
        let mut result = Map::new();
        assert_eq!(device_events(&result), []);
        result.insert("device_events".into(), serde_json::json!(events));
        assert_eq!(device_events(&result), events);
        let expected = "device: lost: it was pulled out\ndevice: cpu: what was left was fitted on the CPU\n";
        assert_eq!(device_text(&events), expected);
    }
}
