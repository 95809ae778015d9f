//! The figure of predicted against observed rates at two zooms.

use super::stretch::{Rates, are_of_classes};
use super::{Axis, Drawing, Figure, Mark, Panel, Role, Row, Style};

/// Rates over the whole and over a part of it.
#[derive(Clone, Debug, Default)]
pub struct Prediction {
    /// What the horizontal axis measures, and its unit: time in s, or the number of the row.
    pub along: (String, String),
    /// Unit of the rates: Hz, or counts per row.
    pub unit: String,
    /// Start and stop of the whole.
    pub whole: [f64; 2],
    /// Start and stop of the part that is enlarged, if one is.
    pub part: Option<[f64; 2]>,
    /// Rates over the whole, one entry per target.
    pub rates: Vec<Rates>,
    /// The same over the part, with more points.
    pub rates_of_part: Vec<Rates>,
    /// Which epoch it is.
    pub place: String,
    /// How rates were smoothed, and what was left out.
    pub notes: String,
}

impl Prediction {
    /// One target: the whole above its part. Several: a row each, the part beside the whole.
    pub fn figure(&self) -> Figure {
        let axis = |[start, stop]: [f64; 2]| {
            Axis::new(self.along.0.clone(), self.along.1.clone()).range(start, stop)
        };
        let panels = |(k, rates): (usize, &Rates)| -> Vec<Panel> {
            let mut panels = vec![rates.panel(axis(self.whole), &self.unit)];
            if let (Some(part), Some(rates)) = (self.part, self.rates_of_part.get(k)) {
                let style = Style::of(Role::Shade).opacity(0.35);
                panels[0].marks.insert(0, Mark::Span { x: part, style });
                panels.push(rates.panel(axis(part), &self.unit));
            }
            panels
        };
        let mut panels: Vec<Vec<Panel>> = self.rates.iter().enumerate().map(panels).collect();
        let drawing = if panels.len() == 1 {
            let below = panels.swap_remove(0).into_iter();
            Drawing::new(below.map(|panel| Row::new(180.0, vec![panel])).collect())
        } else {
            let rows = panels.into_iter().map(|beside| Row::new(130.0, beside)).collect();
            Drawing::new(rows).shares_x().shares_y()
        };
        let part = if self.part.is_some() { ", and the shaded part of it enlarged" } else { "" };
        let [title, what] = if are_of_classes(&self.rates) {
            [
                "Probabilities of the classes against the labels",
                "Probability of each class, and 1 where it is the label, else 0",
            ]
        } else {
            ["Predicted against observed rate", "Observed and predicted rates"]
        };
        let caption = format!("{what}: {}{part}. {}", self.place, self.notes);
        Figure::new("prediction", title, caption, drawing)
    }
}
