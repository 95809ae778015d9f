//! The figure of some parts of an epoch, enlarged.

use super::stretch::{Stretch, rows};
use super::{Drawing, Figure};

/// Parts of an epoch side by side.
#[derive(Clone, Debug, Default)]
pub struct Pulses {
    /// The parts, in order of time.
    pub stretches: Vec<Stretch>,
    /// Whether they are pulses of the stimulus; else the parts with most events.
    pub are_pulses: bool,
    /// The epoch that they are from.
    pub place: String,
    /// How rates were smoothed, and what was left out.
    pub notes: String,
}

impl Pulses {
    /// Signals, spikes and rates, one column per part.
    pub fn figure(&self) -> Figure {
        let name =
            |k: usize| if self.are_pulses { format!("pulse {}", k + 1) } else { format!("part {}", k + 1) };
        let titles: Vec<String> = (0..self.stretches.len()).map(name).collect();
        let drawing = Drawing::new(rows(&self.stretches, &titles)).shares_x().shares_y();
        let (title, how) = if self.are_pulses {
            ("The pulses of the stimulus, enlarged", "The pulses with most events")
        } else {
            ("The parts with most events, enlarged", "The parts with most events")
        };
        let between = self.stretches.iter().map(Stretch::about_gaps).max().unwrap_or_default();
        let caption = format!("{how}, {}. {}{between}", self.place, self.notes);
        Figure::new("pulses", title, caption, drawing)
    }
}
