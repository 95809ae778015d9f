//! What was learned: filters over lags and response curves over values, with 95 % bands.

use super::{Axis, Dash, Drawing, Figure, Mark, Panel, Role, Style};

/// Standard errors on each side of a 95 % band.
const NORMAL_95: f64 = 1.96;

/// One filter or response curve.
#[derive(Clone, Debug)]
pub struct FilterPanel {
    /// Channel, and target where there are several.
    pub title: String,
    /// `lag` and `ms`, or the signal and its unit.
    pub x_axis: [String; 2],
    /// Whether the x axis must show 0, as one of lags should.
    pub from_zero: bool,
    /// What the curve is: `filter` and `1/pA`, or `log rate` without a unit.
    pub y_axis: [String; 2],
    /// Lags or values.
    pub x: Vec<f64>,
    /// The curve.
    pub values: Vec<f64>,
    /// Its standard errors; NaN where unknown.
    pub standard_errors: Vec<f64>,
}

/// One panel per entry, in rows of `n_columns`; `None` without panels.
pub fn filter(panels: &[FilterPanel], n_columns: usize, note: &str) -> Option<Figure> {
    let drawn: Vec<Panel> = panels.iter().map(panel_of).collect();
    let height_px = if drawn.len() == 1 { 320.0 } else { 200.0 };
    let mut drawing = Drawing::grid(drawn, n_columns, height_px);
    if drawing.rows.is_empty() {
        return None;
    }
    drawing.description = "Learned filters and response curves with 95 % bands".into();
    let known = |panel: &FilterPanel| panel.standard_errors.iter().any(|error| error.is_finite());
    let bands = match panels.iter().filter(|panel| known(panel)).count() {
        0 => " No bands: the standard errors of these coefficients are not known.",
        n if n < panels.len() => {
            " Bands (1.96 standard errors) where the errors of all coefficients are known."
        }
        _ => {
            " Band: 1.96 standard errors on each side at every point, correlations of the coefficients included."
        }
    };
    let caption = format!(
        "The basis functions times their coefficients, added up: what the signal adds to the logarithm of the rate.\
         {bands}{note}"
    );
    Some(Figure { name: "filter".into(), title: "What was learned".into(), caption, drawing })
}

fn panel_of(panel: &FilterPanel) -> Panel {
    let axis = |[label, unit]: &[String; 2]| Axis::new(label, unit);
    let zero = Mark::Level { y: 0.0, style: Style::of(Role::Reference).dash(Dash::Short).width(1.0) };
    let x = Axis { from_zero: panel.from_zero, ..axis(&panel.x_axis) };
    let mut drawn = Panel::new(x, axis(&panel.y_axis)).title(&panel.title).with(zero);
    if panel.standard_errors.iter().any(|error| error.is_finite()) {
        let edge = |sign: f64| -> Vec<f64> {
            let of = |(value, error): (&f64, &f64)| value + sign * NORMAL_95 * error;
            panel.values.iter().zip(&panel.standard_errors).map(of).collect()
        };
        let style = Style::of(Role::Model(0)).opacity(0.22).label("95 % band");
        drawn = drawn.with(Mark::Band { x: panel.x.clone(), low: edge(-1.0), high: edge(1.0), style });
    }
    let style = Style::of(Role::Model(0)).width(2.2);
    drawn.with(Mark::Line { x: panel.x.clone(), y: panel.values.clone(), style })
}
