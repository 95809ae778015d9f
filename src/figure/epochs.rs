//! Observed against predicted mean rate of every epoch.

use super::{Axis, Drawing, Figure, Mark, Panel, Role, Row, Style, Ticks};

/// Standard deviations on each side that hold 95 of 100 counts.
const NORMAL_95: f64 = 1.96;
/// Epochs beyond which points are drawn small.
const MANY: usize = 60;

/// The epochs of one target.
#[derive(Clone, Debug)]
pub struct EpochPanel {
    /// The target.
    pub target: String,
    /// Numbers of the epochs.
    pub epochs: Vec<f64>,
    /// Events per second of used bins; NaN for an epoch without any.
    pub observed_hz: Vec<f64>,
    /// Expected events per second of the same bins.
    pub predicted_hz: Vec<f64>,
    /// Seconds of used bins.
    pub used_s: Vec<f64>,
}

/// One panel per entry, one below the other; `None` without panels.
pub fn epochs(panels: &[EpochPanel], note: &str) -> Option<Figure> {
    if panels.is_empty() {
        return None;
    }
    let height_px = if panels.len() == 1 { 260.0 } else { 170.0 };
    let rows = panels.iter().map(|panel| Row::new(height_px, vec![panel_of(panel)])).collect();
    let mut drawing = Drawing::new(rows).shares_x();
    drawing.description = "Observed and predicted mean rate of every epoch".into();
    let caption = format!(
        "Mean rate in the used bins of every epoch. Bars around a prediction: 1.96 standard deviations of a Poisson \
         count of that mean; about 95 of 100 observed rates would lie within.{note}"
    );
    let title = "Rates of the epochs".into();
    Some(Figure { name: "epochs".into(), title, caption, drawing })
}

fn panel_of(panel: &EpochPanel) -> Panel {
    let spread = |k: usize| NORMAL_95 * (panel.predicted_hz[k] / panel.used_s[k]).sqrt();
    let edge = |sign: f64| -> Vec<f64> {
        (0..panel.epochs.len()).map(|k| (panel.predicted_hz[k] + sign * spread(k)).max(0.0)).collect()
    };
    let size = if panel.epochs.len() > MANY { 2.0 } else { 4.0 };
    let model = Style::of(Role::Model(0));
    let first = panel.epochs.first().copied().unwrap_or(0.0);
    let last = panel.epochs.last().copied().unwrap_or(0.0);
    let x = Axis::new("epoch", "").range(first - 0.5, last + 0.5).ticks(Ticks::whole(first, last));
    Panel::new(x, Axis::new("mean rate", "Hz").from_zero())
        .title(&panel.target)
        .with(Mark::Whiskers {
            x: panel.epochs.clone(),
            low: edge(-1.0),
            high: edge(1.0),
            style: model.clone().opacity(0.6),
        })
        .with(Mark::Points {
            x: panel.epochs.clone(),
            y: panel.predicted_hz.clone(),
            style: model.width(size).label("predicted"),
        })
        .with(Mark::Points {
            x: panel.epochs.clone(),
            y: panel.observed_hz.clone(),
            style: Style::of(Role::Data).width(0.75 * size).label("observed"),
        })
}
