//! What was learned of two values together: heat maps of surfaces.

use super::{Axis, Colours, Drawing, Effects, Figure, Mark, Panel, Role, Style, sum_of_effects};

/// One surface.
#[derive(Clone, Debug)]
pub struct SurfacePanel {
    /// The channels, and the target where there are several.
    pub title: String,
    /// The first value and its unit.
    pub x_axis: [String; 2],
    /// The second value and its unit.
    pub y_axis: [String; 2],
    /// Edges of the cells along the first value.
    pub x: Vec<f64>,
    /// Edges of the cells along the second value.
    pub y: Vec<f64>,
    /// Numbers of the cells, row by row: of the first cell along the second value for all along the first, then the next.
    pub values: Vec<f64>,
    /// Number of the feature: panels of one feature have one range of colours.
    pub feature: usize,
    /// Why it is no estimate, which the title says first; empty for an estimate.
    pub no_estimate: String,
}

/// One panel per entry, in rows of two; `None` without panels.
pub fn surface(panels: &[SurfacePanel], effects: impl Into<Effects>, note: &str) -> Option<Figure> {
    if panels.is_empty() {
        return None;
    }
    let [axis, sentence] = sum_of_effects(effects);
    let drawn: Vec<Panel> =
        panels.iter().map(|panel| panel_of(panel, largest(panels, panel), axis)).collect();
    let n_columns = if drawn.len() == 1 { 1 } else { 2 };
    let mut drawing = Drawing::grid(drawn, n_columns, 300.0);
    drawing.description = "Learned surfaces over two values".into();
    let shared = if panels.iter().any(|panel| largest(panels, panel).is_some()) {
        " Panels of one feature have one range of colours."
    } else {
        ""
    };
    let caption = format!(
        "The products of the basis functions times their coefficients, added up: what both values together add to {sentence}. \
         White is 0. Standard errors are in tables/surfaces.csv.{shared}{note}"
    );
    Some(Figure { name: "surface".into(), title: "Tuning surface".into(), caption, drawing })
}

/// The largest magnitude among all estimates of one feature; `None` for a single one.
fn largest(panels: &[SurfacePanel], panel: &SurfacePanel) -> Option<f64> {
    let is_shared = |other: &&SurfacePanel| other.feature == panel.feature && other.no_estimate.is_empty();
    let own = || panels.iter().filter(is_shared);
    if own().count() < 2 || !panel.no_estimate.is_empty() {
        return None;
    }
    let finite = own().flat_map(|own| &own.values).filter(|value| value.is_finite());
    Some(finite.fold(0.0_f64, |most, value| most.max(value.abs()))).filter(|most| *most > 0.0)
}

fn panel_of(panel: &SurfacePanel, largest: Option<f64>, what: &str) -> Panel {
    let axis = |[label, unit]: &[String; 2]| Axis::new(label, unit);
    let bar = Axis::new(what, "");
    let bar = if let Some(most) = largest { bar.range(-most, most) } else { bar };
    let title = match panel.no_estimate.as_str() {
        "" => panel.title.clone(),
        why => format!("{why} ({})", panel.title),
    };
    Panel::new(axis(&panel.x_axis), axis(&panel.y_axis)).title(title).with(Mark::Cells {
        x: panel.x.clone(),
        y: panel.y.clone(),
        values: panel.values.clone(),
        colours: Colours::diverging(bar),
        style: Style::of(Role::Shade).width(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inverse_link::InverseLink;

    fn panel(feature: usize, values: Vec<f64>) -> SurfacePanel {
        let axis = |name: &str| [name.to_string(), String::new()];
        let edges = || vec![0.0, 1.0, 2.0];
        SurfacePanel {
            title: "a x b".into(),
            x_axis: axis("a"),
            y_axis: axis("b"),
            x: edges(),
            y: edges(),
            values,
            feature,
            no_estimate: String::new(),
        }
    }

    #[test]
    fn panels_of_one_feature_have_one_range_of_colours() {
        let panels = [panel(0, vec![0.5, -2.0, 0.0, 1.0]), panel(0, vec![3.0; 4]), panel(1, vec![9.0; 4])];
        assert_eq!(panels.each_ref().map(|own| largest(&panels, own)), [Some(3.0), Some(3.0), None]);
        let figure = surface(&panels, InverseLink::Exp, " A note.").unwrap();
        assert!(figure.caption.ends_with("one range of colours. A note."), "{}", figure.caption);
        assert!(figure.drawing.svg().contains("log rate"));
        assert!(surface(&[], InverseLink::Exp, "").is_none());
    }
}
