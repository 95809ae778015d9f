//! The figure of a whole epoch: stimulus, spikes, rates.

use super::stretch::{Stretch, are_of_classes, rows};
use super::{Drawing, Figure};

/// An epoch as recorded and as predicted.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// The epoch.
    pub stretch: Stretch,
    /// Which epoch it is: `epoch 2 of 6, 39.02 to 67.04 s`.
    pub place: String,
    /// How rates were smoothed, and what was left out.
    pub notes: String,
}

impl Session {
    /// Signals, spikes and rates over one axis of time.
    pub fn figure(&self) -> Figure {
        let drawing = Drawing::new(rows(std::slice::from_ref(&self.stretch), &[])).shares_x();
        let parts = if self.stretch.stimuli.is_empty() { "Spikes" } else { "Stimulus, spikes" };
        let between = self.stretch.about_gaps();
        let what = if are_of_classes(&self.stretch.rates) { "probabilities" } else { "rates" };
        let caption = format!("{parts} and {what} over time, {}. {}{between}", self.place, self.notes);
        Figure::new("session", format!("{parts} and {what}, {}", self.place), caption, drawing)
    }
}
