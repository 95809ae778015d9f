//! The figure of predicted against observed rates at two zooms.

use super::stretch::Rates;
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
    /// Start and stop of the part.
    pub part: [f64; 2],
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
        let shade = || Mark::Span { x: self.part, style: Style::of(Role::Shade).opacity(0.35) };
        let pair = |(whole, part): (&Rates, &Rates)| -> [Panel; 2] {
            let mut above = whole.panel(axis(self.whole), &self.unit);
            above.marks.insert(0, shade());
            [above, part.panel(axis(self.part), &self.unit)]
        };
        let pairs: Vec<[Panel; 2]> = self.rates.iter().zip(&self.rates_of_part).map(pair).collect();
        let drawing = match <[[Panel; 2]; 1]>::try_from(pairs) {
            Ok([[whole, part]]) => {
                Drawing::new(vec![Row::new(180.0, vec![whole]), Row::new(180.0, vec![part])])
            }
            Err(pairs) => {
                let rows = pairs.into_iter().map(|pair| Row::new(130.0, pair.into())).collect();
                Drawing::new(rows).shares_x().shares_y()
            }
        };
        let caption = format!(
            "Observed and predicted rates: {}, and the shaded part of it enlarged. {}",
            self.place, self.notes
        );
        Figure::new("prediction", "Predicted against observed rate", caption, drawing)
    }
}
