//! Whether probabilities are those of what happens: the share of bins of a class against the probability it was given.

use super::{Axis, Drawing, Figure, Mark, Panel, Role, Style};

/// One class.
#[derive(Clone, Debug)]
pub struct CalibrationPanel {
    /// The class, and the target where there are several.
    pub title: String,
    /// Mean probability of each group of bins.
    pub probabilities: Vec<f64>,
    /// The part of each group that is of the class.
    pub shares: Vec<f64>,
    /// Lower ends of their 95 % intervals.
    pub low: Vec<f64>,
    /// Upper ends.
    pub high: Vec<f64>,
}

/// One panel per entry, in rows of two; `None` without panels. `is_weighted` if bins have weights.
pub fn calibration(panels: &[CalibrationPanel], is_weighted: bool, note: &str) -> Option<Figure> {
    if panels.is_empty() {
        return None;
    }
    let n_columns = if panels.len() == 1 { 1 } else { 2 };
    let share = if is_weighted { "weighted share of bins" } else { "share of bins" };
    let mut drawing =
        Drawing::grid(panels.iter().map(|own| panel_of(own, share)).collect(), n_columns, 240.0);
    drawing.description = "Share of bins of each class against its probability".into();
    let [as_many, part, where_true, of] = if is_weighted {
        [
            "as much weight",
            "the part of the weight",
            " where bins count as their weights say",
            " of (Σ weight)² / Σ weight² bins",
        ]
    } else {
        ["as many", "the part", "", ""]
    };
    let caption = format!(
        "The fitted bins in ten groups of about {as_many}, by the probability of the class: {part} of each group that is of the \
         class. On the diagonal probabilities are those of what happens{where_true}. They are bins that were fitted, \
         which flatters a model. Whiskers are 95 % intervals (Wilson){of} as if bins were independent, which neighbours in time seldom are.{note}"
    );
    Some(Figure {
        name: "calibration".into(),
        title: "Calibration of the probabilities".into(),
        caption,
        drawing,
    })
}

fn panel_of(panel: &CalibrationPanel, share: &str) -> Panel {
    let largest = |values: &[f64]| values.iter().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
    // rare classes have small probabilities
    let end = largest(&panel.probabilities).max(largest(&panel.high)).clamp(1e-6, 1.0) * 1.04;
    let x = panel.probabilities.clone();
    Panel::new(
        Axis::new("probability", "").range(-0.03 * end, end),
        Axis::new(share, "").range(-0.03 * end, end),
    )
    .title(&panel.title)
    .with(Mark::Line {
        x: vec![0.0, end],
        y: vec![0.0, end],
        style: Style::of(Role::Reference).label("equal"),
    })
    .with(Mark::Whiskers {
        x: x.clone(),
        low: panel.low.clone(),
        high: panel.high.clone(),
        style: Style::of(Role::Model(0)),
    })
    .with(Mark::Points { x, y: panel.shares.clone(), style: Style::of(Role::Model(0)).width(3.4) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_classes_are_seen() {
        let panel = CalibrationPanel {
            title: "y=1".into(),
            probabilities: vec![0.001, 0.004],
            shares: vec![0.0, 0.005],
            low: vec![0.0, 0.001],
            high: vec![0.002, 0.009],
        };
        let figure = calibration(std::slice::from_ref(&panel), false, " A note.").unwrap();
        assert!(figure.caption.ends_with("seldom are. A note."));
        let range = figure.drawing.rows[0].panels[0].x.range.unwrap();
        assert!(range[1] < 0.01 && range[1] > 0.009);
        assert!(figure.drawing.svg().contains("y=1"));
        assert!(figure.caption.contains("which flatters a model") && !figure.caption.contains("weight"));
        let weighted = calibration(&[panel], true, "").unwrap();
        assert!(weighted.caption.contains("the part of the weight of each group"));
        assert!(weighted.drawing.svg().contains("weighted share of bins"));
        assert!(calibration(&[], false, "").is_none());
    }
}
