//! The basis functions of features.

use super::{Axis, Drawing, Figure, Mark, Panel, Role, Style};

/// The functions of one feature.
#[derive(Clone, Debug)]
pub struct BasisPanel {
    /// The feature.
    pub title: String,
    /// `lag` and `ms`, or the signal and its unit.
    pub axis: [String; 2],
    /// Whether the axis must show 0, as one of lags should.
    pub from_zero: bool,
    /// Where the functions were evaluated.
    pub x: Vec<f64>,
    /// One list per function, as long as `x`.
    pub functions: Vec<Vec<f64>>,
}

/// One panel per entry; `None` without panels.
pub fn basis(panels: &[BasisPanel], note: &str) -> Option<Figure> {
    let drawn: Vec<Panel> = panels.iter().map(panel_of).collect();
    let height_px = if drawn.len() == 1 { 260.0 } else { 200.0 };
    let mut drawing = Drawing::grid(drawn, 2, height_px);
    if drawing.rows.is_empty() {
        return None;
    }
    drawing.description = "Basis functions of the features".into();
    let caption = format!(
        "Each line is one function; a coefficient is fitted for each. Over lags, the function weighs the past of the \
         signal; over values, it weighs the present one. Dark to light: in the order of the columns.{note}"
    );
    Some(Figure { name: "basis".into(), title: "Basis functions".into(), caption, drawing })
}

fn panel_of(panel: &BasisPanel) -> Panel {
    let [label, unit] = &panel.axis;
    let n = panel.functions.len();
    let x = Axis { from_zero: panel.from_zero, ..Axis::new(label, unit) };
    let mut drawn = Panel::new(x, Axis::new("basis function", "").from_zero());
    drawn.title.clone_from(&panel.title);
    for (k, function) in panel.functions.iter().enumerate() {
        let style = Style::of(Role::Ramp(k as f64 / (n - 1).max(1) as f64)).width(2.0);
        drawn = drawn.with(Mark::Line { x: panel.x.clone(), y: function.clone(), style });
    }
    drawn
}
