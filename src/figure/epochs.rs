//! Observed against predicted mean rate of every epoch.

use super::{Axis, Drawing, Figure, Mark, Panel, Role, Row, Style, Ticks};

/// Standard deviations on each side that hold 95 of 100 counts.
const NORMAL_95: f64 = 1.96;
/// Epochs beyond which points are drawn small.
const MANY: usize = 60;
/// Epochs beyond which neighbouring ones are averaged.
const MOST: usize = 200;

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
    let n_epochs = panels.iter().map(|panel| panel.epochs.len()).max().unwrap_or(0);
    let n_together = n_epochs.div_ceil(MOST);
    let drawn = |panel: &EpochPanel| panel_of(&averaged(panel, n_together));
    let rows = panels.iter().map(|panel| Row::new(height_px, vec![drawn(panel)])).collect();
    let together = match (n_together, n_epochs % n_together.max(1)) {
        (0 | 1, _) => String::new(),
        (n, 0) => format!(" A point stands for {n} neighbouring epochs."),
        (n, rest) => format!(" A point stands for {n} neighbouring epochs, the last one for {rest}."),
    };
    let mut drawing = Drawing::new(rows).shares_x();
    drawing.description = "Observed and predicted mean rate of every epoch".into();
    let caption = format!(
        "Mean rate in the used bins of every epoch. Bars around a prediction: 1.96 standard deviations of a Poisson \
         count of that mean; about 95 of 100 observed rates would lie within.{together}{note}"
    );
    let title = "Rates of the epochs".into();
    Some(Figure { name: "epochs".into(), title, caption, drawing })
}

/// The same with each `n_together` neighbouring epochs as one.
fn averaged(panel: &EpochPanel, n_together: usize) -> EpochPanel {
    if n_together < 2 {
        return panel.clone();
    }
    let used: Vec<f64> = panel.used_s.chunks(n_together).map(|used_s| used_s.iter().sum()).collect();
    // an epoch without used bins has no rate
    let count = |(hz, used_s): (&f64, &f64)| if *used_s > 0.0 { hz * used_s } else { 0.0 };
    let mean = |rates: &[f64]| -> Vec<f64> {
        let chunks = rates.chunks(n_together).zip(panel.used_s.chunks(n_together));
        let counts = chunks.map(|(hz, used_s)| hz.iter().zip(used_s).map(count).sum::<f64>());
        counts.zip(&used).map(|(count, used_s)| count / used_s).collect()
    };
    let middle = |epochs: &[f64]| epochs.iter().sum::<f64>() / epochs.len() as f64;
    EpochPanel {
        target: panel.target.clone(),
        epochs: panel.epochs.chunks(n_together).map(middle).collect(),
        observed_hz: mean(&panel.observed_hz),
        predicted_hz: mean(&panel.predicted_hz),
        used_s: used,
    }
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
