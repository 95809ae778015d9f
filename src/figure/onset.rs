//! The figure of the columns of a feature around an onset.

use super::stretch::{Stretch, raster, raster_height, time};
use super::{Axis, Drawing, Figure, Mark, Panel, Role, Row, Style};

/// A convolved feature around one moment.
#[derive(Clone, Debug, Default)]
pub struct Onset {
    /// Signals, or else spikes, around the moment.
    pub stretch: Stretch,
    /// The moment, seconds.
    pub at_s: f64,
    /// Whether a pulse of the stimulus begins there; else it is an event.
    pub is_pulse: bool,
    /// The feature, or the one of its channels that is drawn.
    pub feature: String,
    /// Its columns by name: times in seconds, values.
    pub columns: Vec<(String, Vec<f64>, Vec<f64>)>,
    /// Seconds into the past that its window reaches.
    pub window_s: f64,
    /// The epoch.
    pub place: String,
    /// What was left out.
    pub notes: String,
}

impl Onset {
    /// The signal above, the columns below.
    pub fn figure(&self) -> Figure {
        let range_s = self.stretch.range_s;
        let moment = || Mark::Moment { x: self.at_s, style: Style::of(Role::Reference) };
        let mut rows: Vec<Row> = Vec::new();
        for stimulus in &self.stretch.stimuli {
            rows.push(Row::new(120.0, vec![stimulus.panel(range_s).with(moment())]));
        }
        if rows.is_empty() {
            let height = raster_height(self.stretch.raster.len());
            rows.push(Row::new(height, vec![raster(&self.stretch.raster, range_s).with(moment())]));
        }
        let mut panel = Panel::new(time(range_s), Axis::new(format!("columns of {}", self.feature), ""));
        let last = (self.columns.len().max(2) - 1) as f64;
        for (k, (name, x, y)) in self.columns.iter().enumerate() {
            let style = Style::of(Role::Ramp(k as f64 / last)).label(name.clone());
            panel = panel.with(Mark::Line { x: x.clone(), y: y.clone(), style });
        }
        rows.push(Row::new(240.0, vec![panel.with(moment())]));
        let what = if self.is_pulse { "the onset of a pulse" } else { "an event" };
        let caption = format!(
            "{} and the columns that {} becomes around {what} at {:.3} s, {}. Each column sees the last {} ms by a \
             basis function of its own; values are in the units of the feature as typed. {}",
            if self.stretch.stimuli.is_empty() { "Spikes" } else { "The signal" },
            self.feature,
            self.at_s,
            self.place,
            (self.window_s * 1e6).round() / 1e3,
            self.notes,
        );
        Figure::new("onset", format!("Features around {what}"), caption, Drawing::new(rows).shares_x())
    }
}
