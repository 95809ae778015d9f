//! Coefficients of features without a basis, with 95 % intervals.

use super::words::width;
use super::{
    Axis, Dash, Drawing, Effects, Figure, Legend, Mark, Panel, Role, Row, Style, Ticks, sum_of_effects,
};

/// Standard errors on each side of a 95 % interval.
const NORMAL_95: f64 = 1.96;
/// Pixels along x for the names of the entries, and the size of their letters.
const PLACE: (f64, f64) = (780.0, 13.0);

/// Coefficients side by side.
#[derive(Clone, Debug)]
pub struct CoefficientPanel {
    /// The target, or the feature.
    pub title: String,
    /// What is below the panel: `feature` or `unit`.
    pub along: String,
    /// Names of the entries.
    pub names: Vec<String>,
    /// Effects: coefficient times the standard deviation of its feature.
    pub effects: Vec<f64>,
    /// Their standard errors; NaN where unknown.
    pub standard_errors: Vec<f64>,
}

/// One panel per entry, one below the other; `None` without panels.
pub fn coefficients(panels: &[CoefficientPanel], effects: impl Into<Effects>, note: &str) -> Option<Figure> {
    let effects = effects.into();
    if panels.is_empty() {
        return None;
    }
    let height_px = if panels.len() == 1 { 260.0 } else { 170.0 };
    let rows = panels.iter().map(|panel| Row::new(height_px, vec![panel_of(panel, effects)])).collect();
    let mut drawing = Drawing::new(rows).shares_x();
    drawing.description = "Coefficients with 95 % intervals".into();
    let known = panels.iter().flat_map(|panel| &panel.standard_errors).any(|error| error.is_finite());
    let intervals = if known {
        " Bars: 1.96 standard errors on each side; none where the error is not known."
    } else {
        ""
    };
    let caption = format!(
        "Each coefficient times the standard deviation of its feature in the used bins: how much {} changes for \
         one standard deviation, so that features of all units compare.{intervals}{note}",
        sum_of_effects(effects)[1]
    );
    Some(Figure { name: "coefficients".into(), title: "Coefficients".into(), caption, drawing })
}

fn panel_of(panel: &CoefficientPanel, effects: Effects) -> Panel {
    let n = panel.names.len();
    let x: Vec<f64> = (0..n).map(|k| k as f64).collect();
    let edge = |sign: f64| -> Vec<f64> {
        let of = |(effect, error): (&f64, &f64)| effect + sign * NORMAL_95 * error;
        panel.effects.iter().zip(&panel.standard_errors).map(of).collect()
    };
    // as many names as fit
    let widest = panel.names.iter().map(|name| width(name, PLACE.1)).fold(0.0, f64::max) + 12.0;
    let step = ((widest * n as f64 / PLACE.0).ceil() as usize).max(1);
    let ticks =
        panel.names.iter().enumerate().step_by(step).map(|(k, name)| (k as f64, name.clone())).collect();
    let along = Axis::new(&panel.along, "").range(-0.6, n as f64 - 0.4).ticks(Ticks::Named(ticks));
    let style = Style::of(Role::Model(0));
    Panel::new(along, Axis::new(format!("{} per sd", sum_of_effects(effects)[0]), ""))
        .title(&panel.title)
        .legend(Legend::Above)
        .with(Mark::Level { y: 0.0, style: Style::of(Role::Reference).dash(Dash::Short).width(1.0) })
        .with(Mark::Whiskers { x: x.clone(), low: edge(-1.0), high: edge(1.0), style: style.clone() })
        .with(Mark::Points { x, y: panel.effects.clone(), style: style.width(3.4) })
}
