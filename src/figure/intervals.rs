//! Histograms of the intervals between successive spikes.

use super::{Axis, Drawing, Figure, Mark, Panel, Role, Style};

/// The histogram of one target.
#[derive(Clone, Debug)]
pub struct IntervalPanel {
    /// The target.
    pub target: String,
    /// Edges, milliseconds; one more than counts.
    pub edges_ms: Vec<f64>,
    /// Intervals in each bin.
    pub counts: Vec<f64>,
    /// Their median, milliseconds.
    pub median_ms: f64,
}

/// One panel per entry; the axis is logarithmic if all edges are above 0. `None` without panels.
pub fn intervals(panels: &[IntervalPanel], note: &str) -> Option<Figure> {
    let drawn: Vec<Panel> = panels.iter().map(panel_of).collect();
    let height_px = if drawn.len() == 1 { 260.0 } else { 190.0 };
    let mut drawing = Drawing::grid(drawn, 2, height_px);
    if drawing.rows.is_empty() {
        return None;
    }
    drawing.description = "Histograms of the intervals between successive spikes".into();
    let axis = if is_log(panels) { "Bins of equal width in the logarithm." } else { "Bins of equal width." };
    let caption = format!(
        "Times between successive spikes of one epoch, of the epochs that were fitted. {axis} Dashed: the median.{note}"
    );
    let title = "Intervals between spikes".into();
    Some(Figure { name: "intervals".into(), title, caption, drawing })
}

fn is_log(panels: &[IntervalPanel]) -> bool {
    panels.iter().all(|panel| panel.edges_ms[0] > 0.0)
}

fn panel_of(panel: &IntervalPanel) -> Panel {
    let n: f64 = panel.counts.iter().sum();
    let axis = Axis::new("interval", "ms").range(panel.edges_ms[0], panel.edges_ms[panel.edges_ms.len() - 1]);
    let x = if panel.edges_ms[0] > 0.0 { axis.log() } else { axis };
    let title = format!("{}: {n} intervals", panel.target);
    let bars = Mark::Bars {
        edges: panel.edges_ms.clone(),
        heights: panel.counts.clone(),
        style: Style::of(Role::Data).opacity(0.75),
    };
    let median =
        Mark::Moment { x: panel.median_ms, style: Style::of(Role::Model(0)).dash(super::Dash::Short) };
    Panel::new(x, Axis::new("intervals", "").from_zero()).title(title).with(bars).with(median)
}
