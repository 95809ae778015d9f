//! What was learned: filters over lags and response curves over values, with 95 % bands.

use super::{Axis, Dash, Drawing, Effects, Figure, Mark, Panel, Role, Style, sum_of_effects};

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
    /// Number of the feature: panels of one feature have one range.
    pub feature: usize,
    /// Why it is no estimate, which the title says first; empty for an estimate.
    pub no_estimate: String,
}

/// One panel per entry, in rows of `n_columns`; `None` without panels.
pub fn filter(
    panels: &[FilterPanel],
    n_columns: usize,
    effects: impl Into<Effects>,
    note: &str,
) -> Option<Figure> {
    let drawn: Vec<Panel> = panels.iter().map(|panel| panel_of(panel, shared_range(panels, panel))).collect();
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
    let shared = panels.iter().any(|panel| shared_range(panels, panel).is_some());
    let shared = if shared { " Panels of one feature have one range; a wide band may leave it." } else { "" };
    let caption = format!(
        "The basis functions times their coefficients, added up: what the signal adds to {}.\
         {bands}{shared}{note}",
        sum_of_effects(effects)[1]
    );
    Some(Figure { name: "filter".into(), title: "What was learned".into(), caption, drawing })
}

/// The range of the y axis that all estimates of one feature have in common; `None` for a single one. It holds the
/// curves and 0, and of the bands as much again on either side, so that one uncertain curve does not flatten the others.
fn shared_range(panels: &[FilterPanel], panel: &FilterPanel) -> Option<[f64; 2]> {
    let is_shared = |other: &&FilterPanel| other.feature == panel.feature && other.no_estimate.is_empty();
    let n = panels.iter().filter(is_shared).count();
    if n < 2 || !panel.no_estimate.is_empty() {
        return None;
    }
    let points = || {
        let all = panels.iter().filter(is_shared);
        all.flat_map(|panel| panel.values.iter().zip(&panel.standard_errors))
            .filter(|(value, _)| value.is_finite())
    };
    let (low, high) =
        points().fold((0.0_f64, 0.0_f64), |(low, high), (value, _)| (low.min(*value), high.max(*value)));
    let span = high - low;
    // an unknown error is NaN, which min and max pass over
    let lowest = points().map(|(value, error)| value - NORMAL_95 * error).fold(low, f64::min).max(low - span);
    let highest =
        points().map(|(value, error)| value + NORMAL_95 * error).fold(high, f64::max).min(high + span);
    let margin = 0.05 * (highest - lowest);
    (span > 0.0).then_some([lowest - margin, highest + margin])
}

fn panel_of(panel: &FilterPanel, y_range: Option<[f64; 2]>) -> Panel {
    let axis = |[label, unit]: &[String; 2]| Axis::new(label, unit);
    let zero = Mark::Level { y: 0.0, style: Style::of(Role::Reference).dash(Dash::Short).width(1.0) };
    let x = Axis { from_zero: panel.from_zero, ..axis(&panel.x_axis) };
    let y = Axis { range: y_range, ..axis(&panel.y_axis) };
    let title = match panel.no_estimate.as_str() {
        "" => panel.title.clone(),
        why => format!("{why} ({})", panel.title),
    };
    let mut drawn = Panel::new(x, y).title(title).with(zero);
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
